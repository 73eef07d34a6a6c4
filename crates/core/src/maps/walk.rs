//! All buckets or groups of a map, one after another, in bounded memory.

use std::collections::HashSet;
use std::ops::ControlFlow;

use tophash_runtime::classic::{EMPTY_ONE, MIN_TOP_HASH};
use tophash_runtime::layout::TABLE;
use tophash_runtime::swiss::MAX_TABLE_CAPACITY;
use tophash_runtime::{SLOTS, types::WORD};

use super::damage::{Damage, Place, SlotAt};
use super::header::{Header, Hmap, SwissMap, Words};
use super::map_type::MapType;
use crate::memory::Memory;

/// What a walk comes by.
pub enum Event<'a> {
    /// A table of a Swiss map; its groups follow.
    Table(Table),
    /// A bucket or a group that entries may live in: old buckets that have been evacuated are left
    /// out.
    Chunk(ChunkAt<'a>),
    /// Something that bars the way to a part of the map.
    Damage(Damage),
}

/// A bucket or a group.
pub struct ChunkAt<'a> {
    /// Which it is.
    pub place: Place,
    /// Where it lies.
    pub address: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// A table of a Swiss map (internal/runtime/maps/table.go), fields by their names there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// First place in the directory that points to it.
    pub place: u64,
    /// Where it lies.
    pub address: u64,
    /// Entries.
    pub used: u16,
    /// Slots.
    pub capacity: u16,
    /// Insertions before growth.
    pub growth_left: u16,
    /// Bits of a hash that chose this table.
    pub local_depth: u8,
    /// First place in the directory as the table has it; -1 if it was replaced.
    pub index: i64,
    /// The groups.
    pub groups: u64,
    /// Number of groups less one.
    pub length_mask: u64,
}

impl Table {
    /// The table at an address, unchecked.
    #[must_use]
    pub fn read(memory: &dyn Memory, address: u64, place: u64) -> Option<Self> {
        let bytes = memory.read(address, TABLE.size as usize)?;
        let at = |offset: u64| bytes.get(offset as usize..);
        let half = |offset| Some(u16::from_le_bytes(*at(offset)?.first_chunk()?));
        let word = |offset| Some(u64::from_le_bytes(*at(offset)?.first_chunk()?));
        Some(Self {
            place,
            address,
            used: half(TABLE.used)?,
            capacity: half(TABLE.capacity)?,
            growth_left: half(TABLE.growth_left)?,
            local_depth: *at(TABLE.local_depth)?.first()?,
            index: word(TABLE.index)? as i64,
            groups: word(TABLE.groups)?,
            length_mask: word(TABLE.length_mask)?,
        })
    }

    /// How many groups there are, if the table's numbers agree.
    #[must_use]
    pub fn groups_len(&self) -> Option<u64> {
        let groups = self.length_mask.checked_add(1)?;
        let slots = groups.checked_mul(SLOTS as u64)?;
        (groups.is_power_of_two()
            && slots == u64::from(self.capacity)
            && u64::from(self.capacity) <= MAX_TABLE_CAPACITY)
            .then_some(groups)
    }

    /// Insertions that a table of this capacity takes before it grows.
    #[must_use]
    pub fn max_load(&self) -> u64 {
        let capacity = u64::from(self.capacity);
        if capacity <= SLOTS as u64 {
            capacity.saturating_sub(1)
        } else {
            capacity / 8 * 7
        }
    }

    /// Tombstones by the table's own numbers.
    #[must_use]
    pub fn tombstones(&self) -> u64 {
        self.max_load()
            .saturating_sub(u64::from(self.used))
            .saturating_sub(u64::from(self.growth_left))
    }
}

/// Bytes that are read at once.
const RUN: u64 = 1 << 16;

/// Overflow buckets of a map that are walked: far more than memory holds in practice, but a bound
/// for what is remembered of them.
const MAX_OVERFLOW: usize = 1 << 26;

/// Directory entries that lead to no table, after which a directory is given up as none.
const MAX_BAD_TABLES: u32 = 100;

/// What a walk may ask to be told.
pub type Visit<'v> = dyn FnMut(Event<'_>) -> ControlFlow<()> + 'v;

/// Walks over a map: a classic one bucket by bucket, each with its chain, then old buckets not yet
/// evacuated; a Swiss one table by table in the order of the directory.
///
/// Work is bounded by what can be read. `visit` ends the walk by breaking.
pub fn walk(
    memory: &dyn Memory,
    map_type: &MapType,
    header: &Header,
    visit: &mut Visit<'_>,
) -> ControlFlow<()> {
    match &header.words {
        Words::Classic(hmap) => classic(memory, map_type, hmap, visit),
        Words::Swiss(map) => swiss(memory, map_type, map, visit),
    }
}

fn damage(visit: &mut Visit<'_>, damage: Damage) -> ControlFlow<()> {
    visit(Event::Damage(damage))
}

fn unreadable(visit: &mut Visit<'_>, what: impl ToString, address: u64) -> ControlFlow<()> {
    let what = what.to_string();
    damage(visit, Damage::Unreadable { what, address })
}

fn classic(
    memory: &dyn Memory,
    map_type: &MapType,
    hmap: &Hmap,
    visit: &mut Visit<'_>,
) -> ControlFlow<()> {
    let Some(len) = hmap.buckets_len() else {
        return damage(
            visit,
            Damage::Header(format!("B is {}, which is absurd", hmap.b)),
        );
    };
    let mut seen = HashSet::new();
    if hmap.buckets != 0 {
        array(memory, map_type, hmap.buckets, len, false, &mut seen, visit)?;
    } else if hmap.b > 0 {
        damage(
            visit,
            Damage::Header(format!("buckets is nil, but B is {}", hmap.b)),
        )?;
    }
    if let Some(len) = hmap.old_len() {
        array(
            memory,
            map_type,
            hmap.oldbuckets,
            len,
            true,
            &mut seen,
            visit,
        )?;
    }
    ControlFlow::Continue(())
}

/// The buckets of an array and their chains.
fn array(
    memory: &dyn Memory,
    map_type: &MapType,
    start: u64,
    len: u64,
    old: bool,
    seen: &mut HashSet<u64>,
    visit: &mut Visit<'_>,
) -> ControlFlow<()> {
    let size = map_type.chunk.size;
    let range = start..start.saturating_add(size.saturating_mul(len));
    let done = runs(memory, start, size, len, &mut |index, address, bytes| {
        if old && is_evacuated(bytes) {
            return ControlFlow::Continue(());
        }
        let place = |overflow| Place::Bucket {
            old,
            index,
            overflow,
        };
        visit(Event::Chunk(ChunkAt {
            place: place(0),
            address,
            bytes,
        }))?;
        let mut next = overflow(map_type, bytes);
        let mut overflow_number = 1;
        while next != 0 {
            // Into the array itself, as into a bucket that some chain has had: a circle, or two
            // chains that have become one.
            if range.contains(&next) || seen.len() >= MAX_OVERFLOW || !seen.insert(next) {
                let place = place(overflow_number - 1);
                return damage(
                    visit,
                    Damage::Cycle {
                        place,
                        address: next,
                    },
                );
            }
            let Some(bytes) = memory.read(next, size as usize) else {
                return unreadable(visit, place(overflow_number), next);
            };
            visit(Event::Chunk(ChunkAt {
                place: place(overflow_number),
                address: next,
                bytes: &bytes,
            }))?;
            next = overflow(map_type, &bytes);
            overflow_number += 1;
        }
        ControlFlow::Continue(())
    })?;
    if done < len {
        let place = Place::Bucket {
            old,
            index: done,
            overflow: 0,
        };
        let what = format!("{place} of {len}, and all after it,");
        return unreadable(visit, what, start.saturating_add(size.saturating_mul(done)));
    }
    ControlFlow::Continue(())
}

/// What is called with index, address and bytes of each object.
type EachObject<'e> = dyn FnMut(u64, u64, &[u8]) -> ControlFlow<()> + 'e;

/// Calls `each` with index, address and bytes of the `len` objects of `size` bytes from `start`.
/// Gives the number of objects that could be read before one could not.
fn runs(
    memory: &dyn Memory,
    start: u64,
    size: u64,
    len: u64,
    each: &mut EachObject<'_>,
) -> ControlFlow<(), u64> {
    if size == 0 {
        return ControlFlow::Continue(len);
    }
    let at_once = (RUN / size).max(1);
    let mut index = 0;
    while index < len {
        let Some(address) = size
            .checked_mul(index)
            .and_then(|offset| start.checked_add(offset))
        else {
            return ControlFlow::Continue(index);
        };
        let want = at_once.min(len - index);
        let run = memory
            .read(address, (want * size) as usize)
            .or_else(|| memory.read(address, size as usize));
        let Some(run) = run else {
            return ControlFlow::Continue(index);
        };
        for (i, bytes) in run.chunks_exact(size as usize).enumerate() {
            each(index + i as u64, address + size * i as u64, bytes)?;
        }
        index += run.len() as u64 / size;
    }
    ControlFlow::Continue(len)
}

/// Whether the entries of an old bucket have moved to the new array.
#[must_use]
pub fn is_evacuated(bucket: &[u8]) -> bool {
    bucket
        .first()
        .is_some_and(|&top| top > EMPTY_ONE && top < MIN_TOP_HASH)
}

fn overflow(map_type: &MapType, bucket: &[u8]) -> u64 {
    let at = bucket.get(map_type.chunk.overflow() as usize..);
    let word = at.and_then(|rest| rest.first_chunk());
    word.map_or(0, |word| u64::from_le_bytes(*word))
}

fn swiss(
    memory: &dyn Memory,
    map_type: &MapType,
    map: &SwissMap,
    visit: &mut Visit<'_>,
) -> ControlFlow<()> {
    let size = map_type.chunk.size;
    if map.dir_ptr == 0 {
        if map.dir_len != 0 {
            return damage(
                visit,
                Damage::Header(format!("dirPtr is nil, but dirLen is {}", map.dir_len)),
            );
        }
        return ControlFlow::Continue(());
    }
    if map.dir_len == 0 {
        let Some(bytes) = memory.read(map.dir_ptr, size as usize) else {
            return unreadable(visit, Place::SmallGroup, map.dir_ptr);
        };
        return visit(Event::Chunk(ChunkAt {
            place: Place::SmallGroup,
            address: map.dir_ptr,
            bytes: &bytes,
        }));
    }
    if map.global_depth >= 48 || map.dir_len != 1 << map.global_depth {
        damage(
            visit,
            Damage::Header(format!(
                "dirLen is {}, but globalDepth {} asks for 2^{1}",
                map.dir_len, map.global_depth
            )),
        )?;
    }
    // Of two lengths that disagree the shorter: behind it lies something else.
    let len = map.dir_len.min(1 << map.global_depth.min(47));
    let mut seen = HashSet::new();
    let mut last = 0;
    let mut bad = 0;
    let done = runs(memory, map.dir_ptr, WORD, len, &mut |index, _, bytes| {
        let address = bytes
            .first_chunk()
            .map_or(0, |word| u64::from_le_bytes(*word));
        if index > 0 && address == last {
            return ControlFlow::Continue(());
        }
        last = address;
        if !seen.insert(address) {
            bad += 1;
            let problem = format!("points to the table at {address:#x}, as others before do");
            damage(visit, Damage::Directory { index, problem })?;
        } else if !table(memory, map_type, address, index, visit)? {
            bad += 1;
        }
        if bad >= MAX_BAD_TABLES {
            let problem = format!("is one of {bad} that lead to no table; the rest is left out");
            damage(visit, Damage::Directory { index, problem })?;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    if done < len {
        let what = format!("directory entry {done} of {len}, and all after it,");
        return unreadable(visit, what, map.dir_ptr.saturating_add(WORD * done));
    }
    ControlFlow::Continue(())
}

/// The groups of a table. Gives whether there is a table.
fn table(
    memory: &dyn Memory,
    map_type: &MapType,
    address: u64,
    index: u64,
    visit: &mut Visit<'_>,
) -> ControlFlow<(), bool> {
    let Some(table) = Table::read(memory, address, index) else {
        unreadable(visit, format!("table {index}"), address)?;
        return ControlFlow::Continue(false);
    };
    visit(Event::Table(table))?;
    let Some(len) = table.groups_len() else {
        let problem = format!(
            "has capacity {}, which does not go with lengthMask {:#x}",
            table.capacity, table.length_mask
        );
        let table = index;
        damage(visit, Damage::Table { table, problem })?;
        return ControlFlow::Continue(false);
    };
    let size = map_type.chunk.size;
    let done = runs(
        memory,
        table.groups,
        size,
        len,
        &mut |group, address, bytes| {
            let place = Place::Group {
                table: index,
                group,
            };
            visit(Event::Chunk(ChunkAt {
                place,
                address,
                bytes,
            }))
        },
    )?;
    if done < len {
        let place = Place::Group {
            table: index,
            group: done,
        };
        let what = format!("{place} of {len}, and all after it,");
        unreadable(visit, what, table.groups.saturating_add(size * done))?;
    }
    ControlFlow::Continue(true)
}

/// An entry of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its slot.
    pub at: SlotAt,
    /// Where its key lies; 0 if the slot's pointer to it is nil.
    pub key: u64,
    /// Where its element lies; 0 if the slot's pointer to it is nil.
    pub elem: u64,
}

impl ChunkAt<'_> {
    /// What the slot's tophash or control byte says.
    #[must_use]
    pub fn state(&self, slot: usize) -> u8 {
        self.bytes.get(slot).copied().unwrap_or_default()
    }

    /// Whether a slot holds an entry.
    #[must_use]
    pub fn is_full(&self, slot: usize) -> bool {
        match self.place {
            Place::Bucket { .. } => self.state(slot) >= MIN_TOP_HASH,
            Place::SmallGroup | Place::Group { .. } => self.state(slot) < 0x80,
        }
    }

    /// The entries in it, in order.
    pub fn entries<'c>(&'c self, map_type: &'c MapType) -> impl Iterator<Item = Entry> + 'c {
        (0..SLOTS)
            .filter(|&slot| self.is_full(slot))
            .map(|slot| self.entry(map_type, slot))
    }

    /// The entry in a slot, whether there is one or not.
    #[must_use]
    pub fn entry(&self, map_type: &MapType, slot: usize) -> Entry {
        let place = |offset: u64, indirect: bool| {
            if !indirect {
                return self.address + offset;
            }
            let word = self.bytes.get(offset as usize..);
            let word = word.and_then(|rest| rest.first_chunk());
            word.map_or(0, |word| u64::from_le_bytes(*word))
        };
        Entry {
            at: SlotAt {
                place: self.place,
                slot,
            },
            key: place(map_type.chunk.key(slot), map_type.indirect_key),
            elem: place(map_type.chunk.elem(slot), map_type.indirect_elem),
        }
    }
}

/// Calls `each` with every entry of a map, in the order of [`walk`]. Gives what barred the way.
pub fn entries(
    memory: &dyn Memory,
    map_type: &MapType,
    header: &Header,
    each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
) -> Vec<Damage> {
    let mut found = Vec::new();
    let _ = walk(memory, map_type, header, &mut |event| {
        match event {
            Event::Table(_) => {}
            Event::Damage(damage) => {
                if found.len() < MAX_DAMAGE {
                    found.push(damage);
                }
            }
            Event::Chunk(chunk) => {
                for entry in chunk.entries(map_type) {
                    each(entry)?;
                }
            }
        }
        ControlFlow::Continue(())
    });
    found
}

/// Findings that are kept of one map.
pub const MAX_DAMAGE: usize = 1000;
