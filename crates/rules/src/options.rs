//! What a run is asked for.

use std::path::PathBuf;

use tophash_config::{CommandLine, Files, Request};
use tophash_workspace::{Environment, FileSystem, Workspace};

/// What to check, and in what surroundings.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The directory that patterns and reported paths are relative to; absolute.
    pub dir: PathBuf,
    /// Patterns as the go command knows them, or `-`; none means `.`.
    pub patterns: Vec<String>,
    /// Whether `_test.go` files are read.
    pub tests: bool,
    /// Build tags, beside those of GOFLAGS.
    pub tags: Vec<String>,
    /// The environment: GOROOT, GOPATH, GOOS, GOFLAGS and what else the go command
    /// reads, as names and values.
    pub variables: Vec<(String, String)>,
    /// Files that count as on disk, by absolute path.
    pub overlay: Vec<(PathBuf, Vec<u8>)>,
    /// Standard input, for the pattern `-`.
    pub stdin: Vec<u8>,
    /// Which files of settings count.
    pub config: Files,
    /// What the command line says of rules.
    pub command_line: CommandLine,
}

impl Options {
    /// Finds and reads the packages that the patterns name.
    pub fn open(&self) -> Workspace {
        let value = |name: &str| {
            let found = self.variables.iter().find(|(n, _)| n == name);
            found.map(|(_, value)| value.clone())
        };
        let mut environment = Environment::new(&value);
        environment.build.tags.extend(self.tags.iter().cloned());
        Workspace::open(
            FileSystem::new(self.overlay.iter().cloned()),
            environment,
            &self.dir,
            &self.patterns,
            tophash_workspace::Options {
                without_tests: !self.tests,
                stdin: self.stdin.clone(),
            },
        )
    }

    /// Where settings come from.
    pub fn settings(&self) -> Request {
        Request {
            dir: self.dir.clone(),
            files: self.config.clone(),
            command_line: self.command_line.clone(),
        }
    }

    /// The text of a file by the name that findings give it. None if it can't be read.
    pub fn read(&self, file: &str) -> Option<Vec<u8>> {
        if file == tophash_workspace::STDIN {
            return Some(self.stdin.clone());
        }
        let path = self.dir.join(file);
        let overlaid = self.overlay.iter().find(|(p, _)| *p == path);
        match overlaid {
            Some((_, text)) => Some(text.clone()),
            None => std::fs::read(path).ok(),
        }
    }
}
