//! The text that a dying Go program leaves, read: which goroutines there were, what each of them
//! did, and what went wrong with which map.
//!
//! [`scan`] finds the crashes in a log of any size. Nothing that is read is trusted: lines,
//! stacks and what is kept of them are bounded, and what is cut off is said to be.

mod assemble;
mod cases;
mod finding;
mod fingerprint;
mod fold;
mod grammar;
mod html;
mod model;
mod names;
mod scan;
mod sides;
mod source;
mod text;
mod verdict;
mod wrap;

pub use cases::{Case, Cases, read_all};
pub use finding::finding;
pub use html::{Page, html};
pub use model::{Access, Args, Crash, Creator, Frame, Kind, Member, Signal, Stack, Text, Word};
pub use scan::{Totals, scan};
pub use source::{Lookup, Nil, NoSource, Origin, Pointer, Spot, Use, refine};
pub use text::{Listing, list};
pub use tophash_runtime::frames::Operation;
pub use verdict::{Class, Conflict, Known, Other, Side, Verdict, judge};
