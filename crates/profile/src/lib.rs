//! Profiles of Go programs: what was allocated where, and what that says of maps.
//!
//! [`read`] takes a profile in the form of `profile.proto` or in that of `debug=1` from bytes
//! that nobody vouches for, and makes one [`Profile`] of either.

pub mod build;
pub mod codes;
mod error;
pub mod findings;
pub mod flame;
pub mod maps;
mod model;
mod read;
pub mod shape;
pub mod site;
pub mod symbols;

pub use error::Error;
pub use model::{
    Call, Column, Form, Frame, Kind, Label, Labels, MemStats, Profile, Sample, Stack, Usage,
};
pub use read::{MAX_COLUMNS, read};
