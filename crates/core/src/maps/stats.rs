//! How large a map is, how full, and how far a growth has come.

use std::collections::HashSet;
use std::ops::ControlFlow;

use tophash_runtime::classic::array_len;
use tophash_runtime::layout::{self, EXTRA, TABLE};
use tophash_runtime::sizeclass::block;
use tophash_runtime::types::WORD;
use tophash_runtime::{GoVersion, SLOTS};

use super::damage::{Damage, Place};
use super::header::{Header, Hmap, SwissMap, Words};
use super::map_type::MapType;
use super::walk::{Event, MAX_DAMAGE, Table, is_evacuated, walk};
use crate::memory::Memory;

/// Bytes of a map, each part as the allocator rounds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// The header.
    pub header: u64,
    /// Tables with their groups and the directory, or the array of buckets.
    pub tables: u64,
    /// Overflow buckets allocated one by one, with their list.
    pub overflow: u64,
    /// The buckets before the growth under way; their overflow buckets only in a full look.
    pub old: u64,
    /// Keys and elements too large for slots, each allocated by itself.
    pub boxed: u64,
    /// How much of tables, overflow and old buckets is in slots that hold no entry.
    pub unused: u64,
}

impl Bytes {
    /// All of them; `unused` is part of the others.
    #[must_use]
    pub fn total(&self) -> u64 {
        [
            self.header,
            self.tables,
            self.overflow,
            self.old,
            self.boxed,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}

/// Size and state of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Entries: as counted in a full look at the map, else as the header says.
    pub entries: u64,
    /// Slots for entries, overflow buckets included and old buckets left out.
    pub slots: u64,
    /// Slots that hold a tombstone, in a Swiss map.
    pub tombstones: u64,
    /// Tables of a Swiss map, or buckets of a classic one.
    pub parts: u64,
    /// Overflow buckets in chains, of a classic map.
    pub overflow_buckets: u64,
    /// The longest chain, its first bucket included.
    pub longest_chain: u64,
    /// Whether `overflow_buckets` is what the header makes likely, not what was counted.
    pub estimated: bool,
    /// Its bytes.
    pub bytes: Bytes,
    /// Evacuated old buckets and all old buckets, while a classic map grows.
    pub evacuated: Option<(u64, u64)>,
    /// What barred the way.
    pub damage: Vec<Damage>,
}

impl Stats {
    /// Entries per slot.
    #[must_use]
    pub fn load(&self) -> f64 {
        if self.slots == 0 {
            0.0
        } else {
            self.entries as f64 / self.slots as f64
        }
    }
}

/// Directory entries that are looked at; the largest maps have a tenth of it.
const MAX_DIRECTORY: u64 = 1 << 26;

/// Size and state as headers of map and tables tell it: slots are not looked at, so that a map of
/// millions of entries costs some thousand reads.
#[must_use]
pub fn quick(memory: &dyn Memory, map_type: &MapType, header: &Header) -> Stats {
    let mut stats = match &header.words {
        Words::Classic(hmap) => quick_classic(memory, map_type, hmap),
        Words::Swiss(map) => quick_swiss(memory, map_type, map),
    };
    stats.entries = header.len();
    finish(map_type, &mut stats);
    stats
}

/// Size and state by a look at every slot.
#[must_use]
pub fn full(memory: &dyn Memory, map_type: &MapType, header: &Header) -> Stats {
    let mut stats = quick(memory, map_type, header);
    stats.damage.clear();
    let (mut entries, mut tombstones, mut overflow, mut longest) = (0_u64, 0_u64, 0_u64, 0_u64);
    let (mut singles, mut old_singles) = (0_u64, 0_u64);
    let inside = |hmap: &Hmap, address: u64| {
        let range = |start: u64, b: u8| {
            let len = array_len(
                map_type.build.version,
                b,
                map_type.chunk.size,
                map_type.chunk_pointers,
            );
            start..start.saturating_add(len.saturating_mul(map_type.chunk.size))
        };
        range(hmap.buckets, hmap.b).contains(&address)
            || hmap.oldbuckets != 0 && range(hmap.oldbuckets, old_b(hmap)).contains(&address)
    };
    let _ = walk(memory, map_type, header, &mut |event| {
        match event {
            Event::Table(_) => {}
            Event::Damage(damage) => {
                if stats.damage.len() < MAX_DAMAGE {
                    stats.damage.push(damage);
                }
            }
            Event::Chunk(chunk) => {
                for slot in 0..SLOTS {
                    entries += u64::from(chunk.is_full(slot));
                    let is_tombstone = !matches!(chunk.place, Place::Bucket { .. })
                        && chunk.state(slot) == tophash_runtime::swiss::DELETED;
                    tombstones += u64::from(is_tombstone);
                }
                if let (
                    Place::Bucket {
                        old, overflow: n, ..
                    },
                    Words::Classic(hmap),
                ) = (chunk.place, &header.words)
                {
                    longest = longest.max(n + 1);
                    if n > 0 {
                        let single = u64::from(!inside(hmap, chunk.address));
                        if old {
                            old_singles += single;
                        } else {
                            overflow += 1;
                            singles += single;
                        }
                    }
                }
            }
        }
        ControlFlow::Continue(())
    });
    stats.entries = entries;
    stats.tombstones = tombstones;
    if let Words::Classic(hmap) = &header.words {
        stats.slots = stats
            .parts
            .saturating_add(overflow)
            .saturating_mul(SLOTS as u64);
        stats.overflow_buckets = overflow;
        stats.longest_chain = longest;
        stats.estimated = false;
        let version = map_type.build.version;
        let bucket = block(version, map_type.chunk.size, !map_type.chunk_pointers).size;
        stats.bytes.overflow =
            extra_bytes(memory, version, hmap).saturating_add(singles.saturating_mul(bucket));
        let old = stats.bytes.old;
        stats.bytes.old = old.saturating_add(old_singles.saturating_mul(bucket));
        stats.evacuated = evacuation(memory, map_type, hmap, u64::MAX);
    }
    finish(map_type, &mut stats);
    stats
}

/// What follows from the number of entries.
fn finish(map_type: &MapType, stats: &mut Stats) {
    let version = map_type.build.version;
    let boxed = |indirect: bool, size: u64, pointers: bool| {
        if indirect {
            block(version, size, !pointers).size
        } else {
            0
        }
    };
    let each = boxed(
        map_type.indirect_key,
        map_type.key_size,
        map_type.key_pointers,
    ) + boxed(
        map_type.indirect_elem,
        map_type.elem_size,
        map_type.elem_pointers,
    );
    // An absurd count is not multiplied into an absurd size: entries are at most slots.
    let entries = if stats.evacuated.is_some() {
        stats.entries
    } else {
        stats.entries.min(stats.slots)
    };
    stats.bytes.boxed = entries.saturating_mul(each);
    let free = stats.slots.saturating_sub(stats.entries);
    stats.bytes.unused = free.saturating_mul(map_type.slot());
}

fn old_b(hmap: &Hmap) -> u8 {
    match hmap.old_len() {
        Some(len) if len > 0 => len.ilog2() as u8,
        _ => 0,
    }
}

fn quick_classic(memory: &dyn Memory, map_type: &MapType, hmap: &Hmap) -> Stats {
    let version = map_type.build.version;
    let size = map_type.chunk.size;
    let noscan = !map_type.chunk_pointers;
    let mut stats = Stats::default();
    let header = layout::hmap(map_type.build).map_or(0, |layout| layout.size);
    stats.bytes.header = block(version, header, false).size;
    let Some(len) = hmap.buckets_len() else {
        stats
            .damage
            .push(Damage::Header(format!("B is {}, which is absurd", hmap.b)));
        return stats;
    };
    let bytes_of = |b: u8| {
        let buckets = array_len(version, b, size, map_type.chunk_pointers);
        block(version, buckets.saturating_mul(size), noscan).size
    };
    if hmap.buckets != 0 {
        stats.parts = len;
        stats.bytes.tables = bytes_of(hmap.b);
    }
    if hmap.oldbuckets != 0 {
        stats.bytes.old = bytes_of(old_b(hmap));
        stats.evacuated = evacuation(memory, map_type, hmap, MAX_QUICK_OLD);
    }
    // From B = 16 on the runtime counts one overflow bucket in 2^(B-15).
    let scale = hmap.b.saturating_sub(15);
    let overflow = u64::from(hmap.noverflow) << scale;
    stats.estimated = scale > 0 && overflow > 0;
    stats.overflow_buckets = overflow;
    stats.longest_chain = 1 + u64::from(overflow > 0);
    stats.slots = stats
        .parts
        .saturating_add(overflow)
        .saturating_mul(SLOTS as u64);
    let spare = array_len(version, hmap.b, size, map_type.chunk_pointers) - len;
    let singles = overflow.saturating_sub(spare);
    stats.bytes.overflow = extra_bytes(memory, version, hmap)
        + singles.saturating_mul(block(version, size, noscan).size);
    stats
}

/// Old buckets that a quick look asks one by one whether they are evacuated; beyond, those that
/// `nevacuate` counts are taken for all.
const MAX_QUICK_OLD: u64 = 1 << 12;

/// Evacuated old buckets, and all of them.
fn evacuation(
    memory: &dyn Memory,
    map_type: &MapType,
    hmap: &Hmap,
    limit: u64,
) -> Option<(u64, u64)> {
    let len = hmap.old_len()?;
    let size = map_type.chunk.size;
    if len > limit {
        return Some((hmap.nevacuate.min(len), len));
    }
    let mut done = hmap.nevacuate.min(len);
    for index in done..len {
        let address = size
            .checked_mul(index)
            .and_then(|offset| hmap.oldbuckets.checked_add(offset));
        match address.and_then(|address| memory.u8(address)) {
            Some(top) => done += u64::from(is_evacuated(&[top])),
            None => break,
        }
    }
    Some((done, len))
}

/// `mapextra`, and the lists of overflow buckets that it points to.
fn extra_bytes(memory: &dyn Memory, version: GoVersion, hmap: &Hmap) -> u64 {
    if hmap.extra == 0 {
        return 0;
    }
    let mut bytes = block(version, 3 * WORD, false).size;
    for list in [EXTRA.overflow, EXTRA.oldoverflow] {
        // A pointer to a slice, its capacity in the third word.
        let slice = hmap.extra.checked_add(list).and_then(|at| memory.u64(at));
        let Some(slice) = slice.filter(|&slice| slice != 0) else {
            continue;
        };
        bytes += block(version, 3 * WORD, false).size;
        let cap = slice.checked_add(2 * WORD).and_then(|at| memory.u64(at));
        if let Some(cap) = cap.filter(|&cap| cap < 1 << 32) {
            bytes += block(version, cap * WORD, false).size;
        }
    }
    bytes
}

fn quick_swiss(memory: &dyn Memory, map_type: &MapType, map: &SwissMap) -> Stats {
    let version = map_type.build.version;
    let size = map_type.chunk.size;
    let noscan = !map_type.chunk_pointers;
    let mut stats = Stats::default();
    let header = layout::swiss_map(map_type.build).map_or(0, |layout| layout.size);
    stats.bytes.header = block(version, header, false).size;
    if map.dir_ptr == 0 {
        return stats;
    }
    if map.dir_len == 0 {
        stats.parts = 1;
        stats.slots = SLOTS as u64;
        stats.bytes.tables = block(version, size, noscan).size;
        return stats;
    }
    if map.dir_len > MAX_DIRECTORY {
        let text = format!("dirLen is {}, which is absurd", map.dir_len);
        stats.damage.push(Damage::Header(text));
        return stats;
    }
    stats.bytes.tables = block(version, map.dir_len * WORD, false).size;
    let table_bytes = block(version, TABLE.size, false).size;
    let mut seen = HashSet::new();
    let mut last = 0;
    for index in 0..map.dir_len {
        let Some(address) = memory.u64(map.dir_ptr.saturating_add(WORD * index)) else {
            let what = format!(
                "directory entry {index} of {}, and all after it,",
                map.dir_len
            );
            stats.damage.push(Damage::Unreadable {
                what,
                address: map.dir_ptr.saturating_add(WORD * index),
            });
            break;
        };
        if index > 0 && address == last || !seen.insert(address) {
            continue;
        }
        last = address;
        let table = Table::read(memory, address, index);
        let Some((table, groups)) = table.and_then(|table| Some((table, table.groups_len()?)))
        else {
            stats.damage.push(Damage::Table {
                table: index,
                problem: format!("is not at {address:#x}, where the directory says"),
            });
            if stats.damage.len() >= 100 {
                break;
            }
            continue;
        };
        stats.parts += 1;
        stats.slots += u64::from(table.capacity);
        stats.tombstones += table.tombstones();
        stats.bytes.tables += table_bytes + block(version, groups * size, noscan).size;
    }
    stats
}

/// How many bits of hashes a map's parts are chosen by, for people: `directory of 8, 5 tables`.
#[must_use]
pub fn shape(header: &Header, stats: &Stats) -> String {
    match &header.words {
        Words::Swiss(map) if map.dir_len == 0 && map.dir_ptr == 0 => "nothing allocated".into(),
        Words::Swiss(map) if map.dir_len == 0 => "one group of 8 slots".into(),
        Words::Swiss(map) => format!(
            "directory of {}, {} {}",
            map.dir_len,
            stats.parts,
            if stats.parts == 1 { "table" } else { "tables" }
        ),
        Words::Classic(_) if stats.parts == 0 => "nothing allocated".into(),
        Words::Classic(_) => format!(
            "{} {} and {}{} overflow {}",
            stats.parts,
            if stats.parts == 1 {
                "bucket"
            } else {
                "buckets"
            },
            if stats.estimated { "about " } else { "" },
            stats.overflow_buckets,
            if stats.overflow_buckets == 1 {
                "bucket"
            } else {
                "buckets"
            },
        ),
    }
}
