//! Typed function bodies to control flow graphs.
//!
//! A [`Unit`] is one declared function with the closures inside it, as a small
//! instruction set over access paths ([`Place`]): every map operation is an
//! instruction, every test of a map is a branch condition, evaluation order is
//! the language's, and deferred calls stand on the edges out of the function.

pub mod ir;
mod place;

pub use ir::*;
pub use place::{Place, PlaceId, PlaceKind, Places};
