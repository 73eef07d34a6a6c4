//! How far a run has got.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// A stage of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Stage {
    /// Finding and reading the packages that the patterns name.
    Load,
    /// Parsing them.
    Parse,
    /// Typing, lowering and running the rules.
    Analyse,
}

impl Stage {
    /// What goes on, for people: "loading".
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
    pub(crate) fn enter(&self, stage: Stage, total: usize) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Counts a step of the stage as done.
    pub(crate) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// The stage, its steps done, and the number of all its steps.
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
