//! Typed function bodies to control flow graphs.
//!
//! A [`Unit`] is one declared function with the closures inside it, as a small
//! instruction set over access paths ([`Place`]): every map operation is an
//! instruction, every test of a map is a branch condition, evaluation order is
//! the language's, and deferred calls stand on the edges out of the function.
//!
//! [`lower`] makes it, [`Graph`] knows its shape, [`solve`] runs a forward dataflow
//! problem over it.

mod dataflow;
mod dump;
mod endings;
mod exits;
mod graph;
mod ir;
mod lower;
mod noreturn;
mod place;
mod prefilter;
mod simplify;
mod typing;
mod verify;

pub use dataflow::{Problem, Solution, solve};
pub use dump::dump;
pub use endings::Endings;
pub use graph::{Arm, Graph};
pub use ir::*;
pub use lower::{Diverges, lower, lower_initialisers};
pub use noreturn::known_divergence;
pub use place::{Place, PlaceId, PlaceKind, Places};
pub use prefilter::{Candidate, Candidates, Features, candidates};
pub use verify::verify;
