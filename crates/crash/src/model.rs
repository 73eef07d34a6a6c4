//! What a crash text says, as data.

use serde::Serialize;
use tophash_runtime::frames::{self, MapFrame};

/// One crash: everything that one process printed while it died, or one recovered panic with its
/// stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Crash {
    /// What the program did last.
    pub kind: Kind,
    /// What it says, in the order in which it was printed: of a chain of panics the first that
    /// happened comes first. Texts are without `panic: ` and `fatal error: `.
    pub messages: Vec<Text>,
    /// The signal that a panic was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<Signal>,
    /// Stacks in the order in which they were first seen, equal ones once. The one that failed
    /// comes first.
    pub stacks: Vec<Stack>,
    /// The accesses of a race detector's report, the later one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accesses: Vec<Access>,
    /// Number of goroutines printed, those in [`Crash::stacks`] and those left out.
    pub goroutines: u64,
    /// Goroutines left out because there were too many different stacks.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// Numbers of the first and the last of its lines in the log.
    pub lines: (u64, u64),
    /// Whether the text ends in the middle of a stack.
    pub cut: bool,
    /// Whether runtime frames are printed: GOTRACEBACK was `system` or `crash`.
    pub system: bool,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The ways in which stacks get into a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A panic that ended the process.
    Panic,
    /// A panic that something recovered and logged: net/http, a middleware.
    Recovered,
    /// `fatal error:`, which nothing recovers.
    Fatal,
    /// A signal such as SIGQUIT made the runtime print its stacks.
    Signal,
    /// A report of the race detector; the program went on.
    Race,
    /// Stacks without a message: asked for by the program, or the log begins in the middle.
    #[default]
    Stacks,
}

/// A line of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// What it says.
    pub text: String,
    /// Whether this panic was recovered before the next one came.
    pub recovered: bool,
}

/// `[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4a]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signal {
    /// `SIGSEGV`.
    pub name: String,
    /// The address that was used.
    pub address: Option<u64>,
}

/// Goroutines with the same stack, state and creator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stack {
    /// The first of them, and others whose arguments are worth keeping.
    pub members: Vec<Member>,
    /// How many there are.
    pub count: u64,
    /// `running`, `chan receive`; empty for the runtime's own stack.
    pub state: String,
    /// Shortest and longest wait, in minutes, of those that have waited for a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<(u64, u64)>,
    /// Whether one of them is locked to its thread.
    pub locked: bool,
    /// The calls, the innermost first.
    pub frames: Vec<Frame>,
    /// Where frames were left out: so many behind the frame of this index. The number is unknown
    /// where Go does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elided: Option<(usize, Option<u64>)>,
    /// It ran on another thread, so that Go could not print it.
    pub unavailable: bool,
    /// It stopped with an error of its own: its thread printed it when the first was done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub failed_too: bool,
    /// What started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Creator>,
}

/// A goroutine of a [`Stack`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its number.
    pub id: u64,
    /// Profiling labels, as key and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    /// Arguments of each frame of the stack.
    #[serde(skip)]
    pub args: Vec<Args>,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// Full name: `net/http.(*conn).serve`. A C function has no package.
    pub function: String,
    /// The file as printed, empty if the text was cut off.
    pub file: String,
    /// The line of the call.
    pub line: u32,
    /// Whether the compiler has inlined it into the next frame.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inlined: bool,
}

impl Frame {
    /// What it does with a map, if it is one of Go's own functions that do.
    pub fn map_frame(&self) -> Option<MapFrame> {
        frames::map_frame(&self.function)
    }

    /// Whether it belongs to the runtime or the standard library.
    pub fn is_std(&self) -> bool {
        crate::names::is_std(&self.function) || crate::names::is_std_iterator(&self.file)
    }
}

/// What started a goroutine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Creator {
    /// The function with the `go` statement.
    pub function: String,
    /// The file as printed, empty if the text was cut off.
    pub file: String,
    /// The line of the `go` statement.
    pub line: u32,
    /// The goroutine that ran it (since Go 1.21).
    #[serde(skip)]
    pub goroutine: Option<u64>,
}

/// The words passed to a function, as far as Go prints them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args(pub Vec<Word>);

/// One word of the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its value; none where it could not be printed (`_`).
    pub value: Option<u64>,
    /// Whether it may be out of date (`?`).
    pub stale: bool,
}

/// One side of a race detector's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Access {
    /// Whether it wrote.
    pub write: bool,
    /// The memory it touched.
    pub address: u64,
    /// Its goroutine; the main goroutine is 1.
    pub goroutine: u64,
    /// Index into [`Crash::stacks`].
    pub stack: usize,
}
