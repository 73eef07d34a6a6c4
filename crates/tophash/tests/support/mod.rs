//! A module in a temporary directory, and a run of the command on it.

#![allow(dead_code)] // not every test needs all

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A file in whose function a nil map is written to, on line 6.
pub const BROKEN_MAP: &str = "\
package m

func Count(words []string) map[string]int {
\tvar counts map[string]int
\tfor _, word := range words {
\t\tcounts[word]++
\t}
\treturn counts
}
";

/// A module of files, given by path and text, in a repository of its own.
pub fn module(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    // No settings from above.
    fs::create_dir(dir.path().join(".git")).unwrap();
    let go_mod = ("go.mod", "module example.com/m\n\ngo 1.24\n");
    for (path, text) in files.iter().chain([&go_mod]) {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// The command, in a directory.
pub fn tophash(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tophash"));
    command
        .args(arguments)
        .current_dir(dir)
        .env_remove("GOFLAGS")
        .env_remove("GITHUB_WORKSPACE");
    command
}

/// A run of `tophash check`.
pub fn check(dir: &Path, arguments: &[&str]) -> Run {
    Run::of(
        tophash(dir, &[&["check"], arguments].concat())
            .output()
            .unwrap(),
    )
}

/// What came of a run.
#[derive(PartialEq, Eq, Debug)]
pub struct Run {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Of a command that has ended.
    pub fn of(output: Output) -> Run {
        Run {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
