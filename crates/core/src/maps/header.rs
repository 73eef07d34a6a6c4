//! Map headers: the words that a map variable points to.

use tophash_runtime::classic::flags;
use tophash_runtime::layout;
use tophash_runtime::{Build, Implementation};

use crate::memory::Memory;

/// A map header in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Where it lies: the map's address, as Go code has it.
    pub address: u64,
    /// Its words.
    pub words: Words,
}

/// The words of a header, by implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// `hmap`.
    Classic(Hmap),
    /// `maps.Map`.
    Swiss(SwissMap),
}

/// The header of a classic map (runtime/map.go `hmap`), fields by their names there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hmap {
    /// Entries.
    pub count: u64,
    /// See [`tophash_runtime::classic::flags`].
    pub flags: u8,
    /// There are 2^b buckets.
    pub b: u8,
    /// Overflow buckets, approximately from b = 16 on.
    pub noverflow: u16,
    /// Seed.
    pub hash0: u32,
    /// The buckets; nil before the first entry.
    pub buckets: u64,
    /// The buckets before the growth that is under way; nil if none is.
    pub oldbuckets: u64,
    /// Old buckets below this number have been evacuated.
    pub nevacuate: u64,
    /// Number of clears, in noswissmap builds of 1.24 and 1.25.
    pub clear_seq: Option<u64>,
    /// `mapextra`, or nil.
    pub extra: u64,
}

/// The header of a Swiss map (internal/runtime/maps/map.go `Map`), fields by their names there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwissMap {
    /// Entries.
    pub used: u64,
    /// Seed.
    pub seed: u64,
    /// The directory of tables, or the only group of a small map.
    pub dir_ptr: u64,
    /// Length of the directory; 0 for a small map.
    pub dir_len: u64,
    /// Bits of a hash that choose in the directory.
    pub global_depth: u8,
    /// How far a hash is shifted for that: 64 less these bits.
    pub global_shift: u8,
    /// Not 0 while a goroutine writes.
    pub writing: u8,
    /// Whether there may be tombstones, from 1.25.
    pub tombstone_possible: Option<u8>,
    /// Number of clears.
    pub clear_seq: u64,
}

impl Hmap {
    /// How many buckets there are; none if `b` is absurd.
    #[must_use]
    pub fn buckets_len(&self) -> Option<u64> {
        (self.b < 48).then(|| 1 << self.b)
    }

    /// How many old buckets there are; none if there are none.
    #[must_use]
    pub fn old_len(&self) -> Option<u64> {
        if self.oldbuckets == 0 {
            return None;
        }
        if self.flags & flags::SAME_SIZE_GROW != 0 {
            return self.buckets_len();
        }
        Some(self.buckets_len()? / 2)
    }

    /// The flags by name.
    #[must_use]
    pub fn flag_names(&self) -> Vec<&'static str> {
        [
            (flags::ITERATOR, "iterator"),
            (flags::OLD_ITERATOR, "oldIterator"),
            (flags::HASH_WRITING, "hashWriting"),
            (flags::SAME_SIZE_GROW, "sameSizeGrow"),
        ]
        .into_iter()
        .filter(|(bit, _)| self.flags & bit != 0)
        .map(|(_, name)| name)
        .collect()
    }
}

impl Header {
    /// The header at an address, unchecked; none if it can't be read.
    #[must_use]
    pub fn read(memory: &dyn Memory, build: Build, address: u64) -> Option<Self> {
        let size = match build.maps {
            Implementation::Classic => layout::hmap(build)?.size,
            Implementation::Swiss => layout::swiss_map(build)?.size,
        };
        let bytes = memory.read(address, usize::try_from(size).ok()?)?;
        Self::parse(&bytes, build, address)
    }

    /// The header in these bytes, which lie at an address.
    #[must_use]
    pub fn parse(bytes: &[u8], build: Build, address: u64) -> Option<Self> {
        let at = |offset: u64| bytes.get(usize::try_from(offset).ok()?..);
        let word = |offset| Some(u64::from_le_bytes(*at(offset)?.first_chunk()?));
        let half = |offset| Some(u32::from_le_bytes(*at(offset)?.first_chunk()?));
        let byte = |offset| at(offset)?.first().copied();
        let words = if let Some(l) = layout::hmap(build) {
            Words::Classic(Hmap {
                count: word(l.count)?,
                flags: byte(l.flags)?,
                b: byte(l.b)?,
                noverflow: u16::from_le_bytes(*at(l.noverflow)?.first_chunk()?),
                hash0: half(l.hash0)?,
                buckets: word(l.buckets)?,
                oldbuckets: word(l.oldbuckets)?,
                nevacuate: word(l.nevacuate)?,
                clear_seq: match l.clear_seq {
                    Some(offset) => Some(word(offset)?),
                    None => None,
                },
                extra: word(l.extra)?,
            })
        } else {
            let l = layout::swiss_map(build)?;
            Words::Swiss(SwissMap {
                used: word(l.used)?,
                seed: word(l.seed)?,
                dir_ptr: word(l.dir_ptr)?,
                dir_len: word(l.dir_len)?,
                global_depth: byte(l.global_depth)?,
                global_shift: byte(l.global_shift)?,
                writing: byte(l.writing)?,
                tombstone_possible: match l.tombstone_possible {
                    Some(offset) => Some(byte(offset)?),
                    None => None,
                },
                clear_seq: word(l.clear_seq)?,
            })
        };
        Some(Self { address, words })
    }

    /// The number of entries that the header tells.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.words {
            Words::Classic(hmap) => hmap.count,
            Words::Swiss(map) => map.used,
        }
    }

    /// Whether the header tells that there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The seed that keys are hashed with.
    #[must_use]
    pub fn seed(&self) -> u64 {
        match &self.words {
            Words::Classic(hmap) => u64::from(hmap.hash0),
            Words::Swiss(map) => map.seed,
        }
    }

    /// Whether the bit that marks a write under way is set. That it is clear says nothing: the
    /// runtime stops the world before it ends a process.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        match &self.words {
            Words::Classic(hmap) => hmap.flags & flags::HASH_WRITING != 0,
            Words::Swiss(map) => map.writing != 0,
        }
    }

    /// What the writing bit is called in this implementation.
    #[must_use]
    pub fn writing_name(&self) -> &'static str {
        match &self.words {
            Words::Classic(_) => "hashWriting",
            Words::Swiss(_) => "writing",
        }
    }

    /// The words of the header under the names that the runtime gives them.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let pointer = |address: u64| match address {
            0 => "nil".to_owned(),
            _ => format!("{address:#x}"),
        };
        match &self.words {
            Words::Classic(h) => {
                let mut names = h.flag_names();
                if names.is_empty() {
                    names.push("none");
                }
                let mut fields = vec![
                    ("count", h.count.to_string()),
                    ("flags", format!("{:#x} ({})", h.flags, names.join(", "))),
                    ("B", h.b.to_string()),
                    ("noverflow", h.noverflow.to_string()),
                    ("hash0", format!("{:#010x}", h.hash0)),
                    ("buckets", pointer(h.buckets)),
                    ("oldbuckets", pointer(h.oldbuckets)),
                    ("nevacuate", h.nevacuate.to_string()),
                ];
                if let Some(clears) = h.clear_seq {
                    fields.push(("clearSeq", clears.to_string()));
                }
                fields.push(("extra", pointer(h.extra)));
                fields
            }
            Words::Swiss(m) => {
                let mut fields = vec![
                    ("used", m.used.to_string()),
                    ("seed", format!("{:#018x}", m.seed)),
                    ("dirPtr", pointer(m.dir_ptr)),
                    ("dirLen", m.dir_len.to_string()),
                    ("globalDepth", m.global_depth.to_string()),
                    ("globalShift", m.global_shift.to_string()),
                    ("writing", m.writing.to_string()),
                ];
                if let Some(possible) = m.tombstone_possible {
                    fields.push(("tombstonePossible", (possible != 0).to_string()));
                }
                fields.push(("clearSeq", m.clear_seq.to_string()));
                fields
            }
        }
    }
}
