//! The run: packages in, findings out.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use tophash_finding::{Finding, Problem, Stats};

/// What to check, and in what surroundings.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The directory that patterns and reported paths are relative to; absolute.
    pub dir: PathBuf,
    /// Patterns as the go command knows them; none means `.`.
    pub patterns: Vec<String>,
    /// Whether `_test.go` files are read.
    pub tests: bool,
    /// Build tags parted by commas, beside those of GOFLAGS.
    pub tags: Option<String>,
    /// The environment: GOROOT, GOPATH, GOOS, GOFLAGS and what else the go command
    /// reads, as names and values.
    pub variables: Vec<(String, String)>,
    /// Files that count as on disk, by absolute path.
    pub overlay: Vec<(PathBuf, Vec<u8>)>,
}

impl Options {
    /// The text of a file by the name that findings give it.
    pub fn read(&self, file: &str) -> Option<Vec<u8>> {
        let path = self.dir.join(file);
        let overlaid = self.overlay.iter().find(|(p, _)| *p == path);
        match overlaid {
            Some((_, text)) => Some(text.clone()),
            None => std::fs::read(path).ok(),
        }
    }
}

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Sorted, one per place, suppressed ones left out, paths relative to
    /// [`Options::dir`], without fingerprints.
    pub findings: Vec<Finding>,
    /// What could not be read or resolved, sorted.
    pub problems: Vec<Problem>,
    /// How much was analysed.
    pub stats: Stats,
    /// What happened on the way.
    pub trace: Trace,
}

/// What happened on the way, for people who wonder.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// What was loaded: modules, GOROOT, platform; one line each.
    pub loaded: Vec<String>,
    /// What stayed unknown: imports not found, functions given up; one line each.
    pub unknown: Vec<String>,
    /// Wall time of each stage, in order.
    pub stages: Vec<(Stage, Duration)>,
}

/// A stage of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Stage {
    /// Finding the packages that the patterns name.
    Load,
    /// Reading and parsing them.
    Parse,
    /// Typing, lowering and running the rules.
    Analyse,
}

impl Stage {
    /// A verb for people: "loading".
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Load => "loading",
            Stage::Parse => "parsing",
            Stage::Analyse => "analysing",
        }
    }
}

/// How far a run has got; another thread may watch it.
#[derive(Debug, Default)]
pub struct Progress {
    stage: AtomicU8,
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Progress {
    /// Enters a stage of `total` steps; 0 if their number is not known.
    pub fn enter(&self, stage: Stage, total: usize) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Counts a step of the stage as done.
    pub fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// The stage, the steps done and all its steps.
    pub fn get(&self) -> (Stage, usize, usize) {
        let stage = match self.stage.load(Ordering::Relaxed) {
            0 => Stage::Load,
            1 => Stage::Parse,
            _ => Stage::Analyse,
        };
        let done = self.done.load(Ordering::Relaxed);
        (stage, done, self.total.load(Ordering::Relaxed))
    }
}

/// Checks the packages that the patterns name.
pub fn check(options: &Options, progress: &Progress) -> Output {
    let _ = options;
    progress.enter(Stage::Load, 0);
    Output::default()
}
