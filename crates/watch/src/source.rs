//! What answers: a service over HTTP, a process, or a recording.

use std::fmt;
use std::time::Duration;

use crate::model::Sample;

/// Something that can be asked how it is.
pub trait Source: Send {
    /// Asks it, with everything or only what is cheapest. It returns within the time that it was
    /// made with.
    fn ask(&mut self, extent: Extent) -> Answer;
}

/// How much is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Heap and goroutines.
    Full,
    /// What tells whether the target is well: it is degraded, or was left alone for a while.
    Probe,
}

/// What came of asking.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The answer, or why there is none.
    pub result: Result<Sample, Failure>,
    /// How long the target worked on it, as far as that can be told from outside.
    pub took: Duration,
    /// The requests that it took.
    pub requests: Vec<Request>,
}

/// A request, for traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `POST`; `READ` for a process's memory.
    pub method: &'static str,
    /// Its URL without credentials, or the process.
    pub url: String,
    /// HTTP status, if one came.
    pub status: Option<u16>,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub error: Option<Cause>,
    /// Bytes read.
    pub bytes: u64,
}

/// Sorts of failures, as metrics and traces name them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// Nobody answers there.
    Unreachable,
    /// It took too long.
    Timeout,
    /// It asks for a name and password, or refuses those given.
    Unauthorised,
    /// It answers with another status than 200.
    Status,
    /// It sends on to another place.
    Redirect,
    /// Its certificate or its TLS is not accepted.
    Tls,
    /// The answer is none that pprof gives.
    Garbage,
    /// The answer is larger than is read.
    TooLarge,
    /// The process is gone, or may not be read.
    Process,
}

impl Cause {
    /// One word for it: `timeout`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Unreachable => "unreachable",
            Cause::Timeout => "timeout",
            Cause::Unauthorised => "unauthorised",
            Cause::Status => "status",
            Cause::Redirect => "redirect",
            Cause::Tls => "tls",
            Cause::Garbage => "garbage",
            Cause::TooLarge => "too-large",
            Cause::Process => "process",
        }
    }
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What sort it is.
    pub cause: Cause,
    /// One sentence, without a full stop, with no credential in it.
    pub message: String,
}

impl Failure {
    /// A failure and its sentence.
    pub fn new(cause: Cause, message: impl Into<String>) -> Failure {
        Failure {
            cause,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
