//! Runs the command.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::made::Crash;

/// What a run gave.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn of(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tophash"));
        let output = command.arg("core").args(arguments).output().unwrap();
        Self {
            status: output.status.code().expect("tophash is killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The object that it wrote.
    pub fn json(&self) -> Value {
        let value = serde_json::from_str(&self.stdout);
        value.unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// What to look at.
#[derive(Clone)]
pub struct Subject(Vec<String>);

impl Subject {
    pub fn of(crash: &Crash) -> Self {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        Self(vec![text(&crash.program.path), text(&crash.core)])
    }

    pub fn process(pid: u32) -> Self {
        Self(vec!["--pid".to_owned(), pid.to_string()])
    }

    /// What the verb says for people.
    pub fn text(&self, verb: &[&str]) -> Run {
        let subject: Vec<_> = self.0.iter().map(String::as_str).collect();
        Run::of(&[&subject, verb].concat())
    }

    /// What the verb says for programs, and its exit status.
    pub fn json(&self, verb: &[&str]) -> (i32, Value) {
        let run = self.text(&[&["--format=json"], verb].concat());
        assert_eq!(run.stderr, "", "{verb:?}");
        let value = run.json();
        assert_eq!(value["problems"], Value::Array(Vec::new()), "{verb:?}");
        (run.status, value)
    }
}
