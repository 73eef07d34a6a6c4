//! Look-ups as the runtime does them: by the hash of a key.

use tophash_runtime::classic::{EMPTY_REST, top_hash};
use tophash_runtime::types::WORD;
use tophash_runtime::{HashError, HashKeys, Hasher, SLOTS, values_equal};

use super::damage::Place;
use super::header::{Header, Hmap, SwissMap, Words};
use super::map_type::MapType;
use super::walk::{ChunkAt, Entry, Table, is_evacuated};
use crate::memory::Memory;
use crate::types::Types;

/// How a key is found, and whether it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookUp {
    /// The key's hash with the map's seed.
    pub hash: u64,
    /// The byte of it that slots keep: tophash or H2.
    pub byte: u8,
    /// The buckets or groups that were looked into, in order.
    pub path: Vec<Place>,
    /// The entry, if it is there.
    pub found: Option<Entry>,
}

/// Groups or overflow buckets that a look-up looks into at most.
const MAX_PATH: usize = 1 << 16;

/// The hash of a key in memory; none if a part of it is not equal to itself, as NaN is not, for
/// which the runtime draws a hash.
///
/// # Errors
/// The key refers to memory that can't be read, or can't be hashed.
pub fn hash<M: tophash_runtime::Memory + ?Sized>(
    map_type: &MapType,
    keys: &HashKeys,
    memory: &M,
    key: &[u8],
    seed: u64,
) -> Result<Option<u64>, HashError> {
    let Some(plan) = &map_type.hash else {
        return Err(HashError::Unreadable(map_type.key.0));
    };
    let mut drawn = false;
    let mut random = || {
        drawn = true;
        0
    };
    let hash = Hasher {
        keys,
        memory,
        random: &mut random,
    }
    .key(plan, key, seed)?;
    Ok((!drawn).then_some(hash))
}

/// Looks a key up. `key` is its image, and `around` the memory that it and the map's keys point
/// into.
///
/// # Errors
/// The key can't be hashed.
pub fn look_up<M: tophash_runtime::Memory + ?Sized>(
    types: &Types<'_>,
    map_type: &MapType,
    header: &Header,
    keys: &HashKeys,
    around: &M,
    key: &[u8],
) -> Result<Option<LookUp>, HashError> {
    let Some(hash) = hash(map_type, keys, around, key, header.seed())? else {
        return Ok(None);
    };
    let memory = types.memory();
    let equal = |entry: &Entry| {
        let (Some(image), Some(bytes)) = (
            &map_type.key_image,
            memory.read(entry.key, map_type.key_size as usize),
        ) else {
            return false;
        };
        values_equal(image, key, &bytes, around)
    };
    let mut search = Search {
        memory,
        map_type,
        equal: &equal,
        found: LookUp {
            hash,
            byte: match &header.words {
                Words::Classic(_) => top_hash(hash),
                Words::Swiss(_) => (hash & 0x7f) as u8,
            },
            path: Vec::new(),
            found: None,
        },
    };
    match &header.words {
        Words::Classic(hmap) => search.classic(hmap),
        Words::Swiss(map) => search.swiss(map),
    };
    Ok(Some(search.found))
}

struct Search<'a> {
    memory: &'a dyn Memory,
    map_type: &'a MapType,
    equal: &'a dyn Fn(&Entry) -> bool,
    found: LookUp,
}

impl Search<'_> {
    /// Looks for the key among slots that keep its byte. Gives whether to look further: neither
    /// found nor ended by an empty slot.
    fn chunk(&mut self, place: Place, address: u64) -> Option<bool> {
        if self.found.path.len() >= MAX_PATH {
            return None;
        }
        self.found.path.push(place);
        let bytes = self
            .memory
            .read(address, self.map_type.chunk.size as usize)?;
        let chunk = ChunkAt {
            place,
            address,
            bytes: &bytes,
        };
        for slot in 0..SLOTS {
            if chunk.state(slot) == self.found.byte {
                let entry = chunk.entry(self.map_type, slot);
                if (self.equal)(&entry) {
                    self.found.found = Some(entry);
                    return Some(false);
                }
            }
        }
        let end = match place {
            Place::Bucket { .. } => EMPTY_REST,
            Place::SmallGroup | Place::Group { .. } => tophash_runtime::swiss::EMPTY,
        };
        Some(!(0..SLOTS).any(|slot| chunk.state(slot) == end))
    }

    fn classic(&mut self, hmap: &Hmap) -> Option<()> {
        let (place, mut address) = bucket_of(self.memory, self.map_type, hmap, self.found.hash)?;
        let Place::Bucket { old, index, .. } = place else {
            return None;
        };
        let mut overflow = 0;
        while address != 0 {
            let place = Place::Bucket {
                old,
                index,
                overflow,
            };
            if !self.chunk(place, address)? {
                break;
            }
            let next = address.checked_add(self.map_type.chunk.overflow())?;
            address = self.memory.u64(next)?;
            overflow += 1;
        }
        Some(())
    }

    fn swiss(&mut self, map: &SwissMap) -> Option<()> {
        if map.dir_ptr == 0 {
            return Some(());
        }
        if map.dir_len == 0 {
            self.chunk(Place::SmallGroup, map.dir_ptr);
            return Some(());
        }
        let index = directory_index(map, self.found.hash);
        let address = self
            .memory
            .u64(map.dir_ptr.checked_add(WORD.checked_mul(index)?)?)?;
        let table = Table::read(self.memory, address, index)?;
        let first = u64::try_from(table.index).unwrap_or(index);
        for group in probe(self.found.hash, table.length_mask).take(MAX_PATH) {
            let place = Place::Group {
                table: first,
                group,
            };
            let offset = self.map_type.chunk.size.checked_mul(group)?;
            if !self.chunk(place, table.groups.checked_add(offset)?)? {
                break;
            }
        }
        Some(())
    }
}

/// The bucket that a hash leads to, old or new, and its address.
pub(super) fn bucket_of(
    memory: &dyn Memory,
    map_type: &MapType,
    hmap: &Hmap,
    hash: u64,
) -> Option<(Place, u64)> {
    let at = |start: u64, index: u64| start.checked_add(map_type.chunk.size.checked_mul(index)?);
    let place = |old, index| Place::Bucket {
        old,
        index,
        overflow: 0,
    };
    if let Some(len) = hmap.old_len() {
        let index = hash & len.checked_sub(1)?;
        let address = at(hmap.oldbuckets, index)?;
        if !is_evacuated(&[memory.u8(address)?]) {
            return Some((place(true, index), address));
        }
    }
    let index = hash & (hmap.buckets_len()? - 1);
    Some((place(false, index), at(hmap.buckets, index)?))
}

/// The place in the directory that a hash leads to.
pub(super) fn directory_index(map: &SwissMap, hash: u64) -> u64 {
    if map.dir_len <= 1 {
        return 0;
    }
    hash >> (map.global_shift & 63)
}

/// The groups of a table that a hash leads to, in order (internal/runtime/maps/table.go
/// `probeSeq`).
pub(super) fn probe(hash: u64, mask: u64) -> impl Iterator<Item = u64> {
    let start = (hash >> 7) & mask;
    (0..=mask).scan(start, move |offset, index| {
        let here = *offset;
        *offset = offset.wrapping_add(index + 1) & mask;
        Some(here)
    })
}

/// Looks for a key in every slot of a map: for maps whose hash is not known, and for entries that
/// look-ups miss.
#[must_use]
pub fn search<M: tophash_runtime::Memory + ?Sized>(
    types: &Types<'_>,
    map_type: &MapType,
    header: &Header,
    around: &M,
    key: &[u8],
) -> Option<Entry> {
    let image = map_type.key_image.as_ref()?;
    let memory = types.memory();
    let mut found = None;
    super::walk::entries(memory, map_type, header, &mut |entry| {
        if let Some(bytes) = memory.read(entry.key, map_type.key_size as usize)
            && values_equal(image, key, &bytes, around)
        {
            found = Some(entry);
            return std::ops::ControlFlow::Break(());
        }
        std::ops::ControlFlow::Continue(())
    });
    found
}
