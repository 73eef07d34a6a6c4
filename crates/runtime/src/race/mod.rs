//! Interleavings: two or three goroutines that use one map without a lock, in every order of
//! their accesses to it.
//!
//! Every operation is written as the runtime's function is, as a sequence of loads and stores of
//! words that the goroutines share. [`explore`] runs scripts of such operations in
//! every order of these accesses and says how they end: in which fatal error, in silent damage, or
//! well; with a shortest schedule for each. The order of accesses is that of the source; a
//! processor that reorders them has still more ways to fail.
//!
//! Keys and elements are numbers, as in a `map[int]int`. An access to a whole control word or to
//! the eight tophash bytes of a bucket counts as one, and so does what a goroutine does to
//! memory that no other can reach yet.

mod classic;
mod explore;
mod memory;
#[cfg(test)]
mod sequential;
mod swiss;

pub use explore::{
    Action, Damage, Ending, Event, Found, Report, Scenario, UnknownScenario, explore, sample,
};
