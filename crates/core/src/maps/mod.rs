//! Maps in the memory of another process: both implementations, as they lie there.

mod damage;
pub mod guess;
mod header;
mod lookup;
mod map_type;
mod parts;
pub mod picture;
mod plausible;
pub mod stats;
mod verify;
mod walk;

pub use damage::{Damage, Place, SlotAt};
pub use header::{Header, Hmap, SwissMap, Words};
pub use lookup::{LookUp, hash, look_up, search};
pub use map_type::{Chunk, MapType};
pub use parts::parts;
pub use plausible::is_header;
pub use verify::{Verified, verify};
pub use walk::{ChunkAt, Entry, Event, MAX_DAMAGE, Table, Visit, entries, is_evacuated, walk};
