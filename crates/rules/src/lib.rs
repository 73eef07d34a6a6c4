//! What tophash looks for in Go source, and the run that looks for it.
//!
//! A rule is one file here (metadata and check) and one page under `pages/`, which
//! is both its documentation and its test. [`check`] is the way in: it loads
//! packages, runs the rules on them and drops what comments in the source suppress.

mod check;
mod registry;
mod suppress;
mod th101_nil_map_write;
mod th102_uninitialised_map_field;

pub use check::{Options, Output, Progress, Stage, Trace, check};
pub use registry::{Rule, find, rules};
