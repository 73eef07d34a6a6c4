//! What the Go runtime is, per version, as far as maps are concerned: memory layouts, hashing,
//! sizes of allocations, and models of both map implementations that follow the runtime byte by
//! byte.
//!
//! Facts that differ between Go versions are in tables keyed by [`GoVersion`]; each names the Go
//! file it was read from. Everything is for 64-bit little-endian targets.

pub mod allocation;
pub mod classic;
mod dynamic;
mod equal;
mod event;
mod fault;
pub mod footprint;
pub mod frames;
pub mod goroutine;
pub mod hash;
pub mod layout;
mod map_type;
mod memory;
pub mod messages;
mod ops;
pub mod process;
pub mod race;
mod random;
pub mod sizeclass;
pub mod swiss;
pub mod types;
mod version;

pub use classic::{ClassicIter, ClassicMap};
pub use dynamic::{Dynamic, Image};
pub use equal::values_equal;
pub use event::{ClassicEvent, Event, SwissEvent};
pub use fault::{Fault, Race};
pub use hash::{HashError, HashKeys, HashPlan, Hasher};
pub use map_type::{BucketLayout, GroupLayout, MAX_INLINE, MapType, SLOTS, Traits, Variant};
pub use memory::{Blocks, Memory, NoMemory};
pub use ops::{Entry, Native, NativeKey, Ops};
pub use random::{Draw, Random, SplitMix};
pub use swiss::{SwissIter, SwissMap};
pub use version::{Build, GoVersion, Implementation, UnknownVersion};
