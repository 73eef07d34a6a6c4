//! The vocabulary that every command ends in: a finding, its evidence and its fix.
//!
//! The types serialise to the JSON that every command writes (schema 1, described
//! by `docs/finding.schema.json`). This crate knows nothing of Go and does no
//! input or output.

mod fingerprint;
pub mod numbers;
mod order;
mod rule;

pub use fingerprint::assign_fingerprints;
pub use order::sort_and_dedupe;
pub use rule::RuleMeta;

use serde::{Deserialize, Serialize};

/// Version of the JSON schema. Fields may be added under the same number; a
/// field removed or changed in meaning raises it.
pub const SCHEMA: u32 = 1;

/// How bad a finding is, worst first in the derived order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Happens on a path that exists.
    Error,
    /// Rests on one stated assumption, which the message names.
    Warning,
    /// Advice.
    Note,
}

impl Severity {
    /// The word that reports show, the same as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// An extent of source text, for people: lines and columns.
///
/// Lines and columns start at 1 and columns count bytes, as in `go/token.Position`.
/// The end is exclusive: `end_column` is one past the last byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Place {
    /// Path of the file. In finished output it is relative to the directory the
    /// command runs in, with `/` between its parts.
    pub file: String,
    /// Line of the first byte.
    pub line: u32,
    /// Column of the first byte.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column behind the last byte.
    pub end_column: u32,
}

impl Place {
    /// From `start` up to, not including, `end`, each a line and a column.
    pub fn new(file: impl Into<String>, start: (u32, u32), end: (u32, u32)) -> Place {
        Place {
            file: file.into(),
            line: start.0,
            column: start.1,
            end_line: end.0,
            end_column: end.1,
        }
    }
}

/// One step of the argument for a finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it is seen.
    #[serde(flatten)]
    pub place: Place,
    /// The function around it, in the form of [`Finding::function`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// What happens there: "made nil here".
    pub message: String,
}

/// A replacement of bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Edit {
    /// The file, as in [`Place::file`].
    pub file: String,
    /// Offset of the first byte replaced.
    pub start: u32,
    /// Offset behind the last byte replaced; equal to `start` for an insertion.
    pub end: u32,
    /// The new text.
    pub text: String,
}

/// One way to mend the program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fix {
    /// What to do, as an instruction.
    pub message: String,
    /// The same as text edits, none overlapping another. Empty where the change
    /// takes a decision that only a person can make.
    pub edits: Vec<Edit>,
    /// Whether the edits can be made without a person looking: the program compiles as
    /// before, does what it did wherever it did not fail, and the finding is gone.
    #[serde(default)]
    pub safe: bool,
}

/// Something wrong with a Go program, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's code: `TH102`.
    pub code: String,
    /// The rule's name: `uninitialised-map-field`.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence that says what goes wrong, without a full stop.
    pub message: String,
    /// Where it goes wrong.
    #[serde(flatten)]
    pub place: Place,
    /// The function around the place: `Set`, `(*PodCache).Set`, or
    /// `(*PodCache).Set.func1` for a closure. None at package level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The map it is about, in the words of the source: `PodCache.cache`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// The argument, in the order in which things happen.
    pub evidence: Vec<Evidence>,
    /// Ways to mend it, the best first.
    pub fixes: Vec<Fix>,
    /// Names the finding across edits elsewhere in the file. Empty until
    /// [`assign_fingerprints`] has run.
    pub fingerprint: String,
}

/// What sort of thing could not be read or resolved.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProblemKind {
    /// A pattern on the command line that matches nothing.
    Pattern,
    /// A file or directory that can't be read.
    Read,
    /// A file that is not Go, at least in part.
    Syntax,
    /// An imported package that can't be found.
    Import,
    /// A suppression comment that suppresses nothing as it is written.
    Directive,
    /// A setting that can't be used: a file of settings or the command line is wrong.
    Config,
    /// A package or file given up because of a mistake in tophash.
    Internal,
}

impl ProblemKind {
    /// Whether the run did less than it was asked for, so that its exit status
    /// must say so. The other kinds are ordinary in real repositories.
    pub fn is_failure(self) -> bool {
        matches!(
            self,
            ProblemKind::Pattern | ProblemKind::Read | ProblemKind::Config | ProblemKind::Internal
        )
    }
}

/// Something that could not be read or resolved. What could be is still analysed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// The file it is about, as in [`Place::file`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column it is about, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Its kind.
    pub kind: ProblemKind,
    /// What was wrong, and what was left out because of it.
    pub message: String,
}

/// How much was analysed. Dependencies are not counted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Stats {
    /// Packages; a package and its test variant are one, an external test package another.
    pub packages: u64,
    /// Files.
    pub files: u64,
    /// Lines of those files.
    pub lines: u64,
}
