//! Reads Go binaries, core dumps and live processes: goroutines, maps and what went wrong with
//! them.
//!
//! Nothing that is read is trusted: addresses, lengths and counts are checked before they are
//! used, work and memory stay in proportion to the input, and what can't be read is left out and
//! named.

pub mod conflict;
pub mod goroutines;
pub mod hashing;
pub mod heap;
pub mod holders;
pub mod image;
pub mod inventory;
pub mod literal;
pub mod maps;
pub mod memory;
pub mod program;
pub mod reason;
pub mod retained;
pub mod types;
pub mod value;
