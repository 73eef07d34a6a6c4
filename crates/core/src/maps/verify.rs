//! Whether a map is what the runtime leaves: each entry's hash computed again, each count counted.

use std::ops::ControlFlow;

use rustc_hash::FxHashMap;
use tophash_runtime::classic::{EMPTY_REST, EVACUATED_EMPTY, EVACUATED_X, top_hash};
use tophash_runtime::swiss::{DELETED, EMPTY};
use tophash_runtime::{HashError, HashKeys, SLOTS, values_equal};

use super::damage::{Damage, Place, SlotAt};
use super::header::{Header, SwissMap, Words};
use super::lookup::{bucket_of, directory_index, hash, probe};
use super::map_type::MapType;
use super::walk::{ChunkAt, Entry, Event, MAX_DAMAGE, Table, walk};
use crate::types::Types;
use crate::value::{Limits, Reader};

/// What a check of a map gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries seen.
    pub entries: u64,
    /// Entries whose hash was computed and compared.
    pub hashed: u64,
    /// Entries without a hash of their own, as keys that hold NaN.
    pub drawn: u64,
    /// What is wrong, at most [`MAX_DAMAGE`] of it.
    pub damage: Vec<Damage>,
    /// Whether there was more.
    pub cut: bool,
}

/// Keys in one chain or table that are remembered to find the same one twice.
const MAX_REMEMBERED: usize = 1 << 20;

/// Checks a map. Without the hash keys of the process only structure and counts are checked.
#[must_use]
pub fn verify(
    types: &Types<'_>,
    map_type: &MapType,
    header: &Header,
    keys: Option<&HashKeys>,
) -> Verified {
    let mut check = Check {
        types,
        map_type,
        header,
        keys,
        result: Verified::default(),
        unit: Unit::default(),
        old_filled: None,
    };
    if let Words::Swiss(map) = &header.words {
        check.swiss_header(map);
    }
    let ended = walk(types.memory(), map_type, header, &mut |event| {
        match event {
            Event::Damage(damage) => check.report(damage),
            Event::Table(table) => {
                check.finish_unit();
                check.start_table(table);
            }
            Event::Chunk(chunk) => check.chunk(&chunk),
        }
        if check.result.cut {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    check.finish_unit();
    let barred = ended.is_break() || check.result.damage.iter().any(Damage::is_gap);
    if !barred && check.result.entries != header.len() {
        let damage = Damage::Count {
            stored: header.len(),
            counted: check.result.entries,
        };
        // The count first: it is what the program sees.
        check.result.damage.insert(0, damage);
    }
    check.result
}

struct Check<'a, 'm> {
    types: &'a Types<'m>,
    map_type: &'a MapType,
    header: &'a Header,
    keys: Option<&'a HashKeys>,
    result: Verified,
    unit: Unit,
    /// The last new bucket found to hold entries before its old one was evacuated.
    old_filled: Option<u64>,
}

/// What keys are compared within: a chain, a table or the only group.
#[derive(Default)]
struct Unit {
    /// The table, if it is one.
    table: Option<Table>,
    /// The first entry of each hash, and where its key lies.
    seen: FxHashMap<u64, Entry>,
    full: u64,
    deleted: u64,
    /// Control words of the groups so far, and entries to be looked for once all are known.
    controls: Vec<u64>,
    reach: Vec<(Entry, u64)>,
    /// Whether a slot of the chain was marked as the last.
    ended: bool,
}

impl Check<'_, '_> {
    fn report(&mut self, damage: Damage) {
        if self.result.damage.len() < MAX_DAMAGE {
            self.result.damage.push(damage);
        } else {
            self.result.cut = true;
        }
    }

    fn key(&self, entry: &Entry) -> String {
        let limits = Limits {
            bytes: 60,
            elements: 8,
            ..Limits::default()
        };
        let key = Reader::new(self.types, limits).read(self.map_type.key, entry.key);
        format!("key {key}")
    }

    fn swiss_header(&mut self, map: &SwissMap) {
        if map.dir_len == 0 {
            if map.used > SLOTS as u64 {
                self.report(Damage::Header(format!(
                    "used is {}, but a small map has 8 slots",
                    map.used
                )));
            }
            return;
        }
        let shift = 64_u8.saturating_sub(map.global_depth);
        if map.global_depth <= 64 && map.global_shift != shift && map.dir_len > 1 {
            self.report(Damage::Header(format!(
                "globalShift is {}, but globalDepth {} asks for {shift}",
                map.global_shift, map.global_depth
            )));
        }
    }

    fn start_table(&mut self, table: Table) {
        self.unit.table = Some(table);
        let Words::Swiss(map) = self.header.words else {
            return;
        };
        if i128::from(table.index) != i128::from(table.place) {
            let problem = if table.index < 0 {
                "is in the directory, but marked as replaced".to_owned()
            } else {
                format!(
                    "has index {}, but the directory has it first at {}",
                    table.index, table.place
                )
            };
            self.report(Damage::Table {
                table: table.place,
                problem,
            });
        }
        if table.local_depth > map.global_depth {
            self.report(Damage::Table {
                table: table.place,
                problem: format!(
                    "has localDepth {}, which is above globalDepth {}",
                    table.local_depth, map.global_depth
                ),
            });
            return;
        }
        // A table fills as many neighbouring entries as it has fewer bits than the directory.
        let width = 1_u64 << (map.global_depth - table.local_depth).min(47);
        let entry = |index: u64| {
            let offset = index.checked_mul(8)?;
            self.types.memory().u64(map.dir_ptr.checked_add(offset)?)
        };
        let wrong = (table.place..table.place.saturating_add(width).min(map.dir_len))
            .take(1 << 16)
            .find(|&index| entry(index).is_some_and(|address| address != table.address));
        if let Some(index) = wrong {
            self.report(Damage::Directory {
                index,
                problem: format!(
                    "should point to table {}, which has {width} entries",
                    table.place
                ),
            });
        }
    }

    fn chunk(&mut self, chunk: &ChunkAt<'_>) {
        match chunk.place {
            Place::Bucket { overflow: 0, .. } => {
                self.finish_unit();
                self.bucket(chunk);
            }
            Place::Bucket { .. } => self.bucket(chunk),
            Place::SmallGroup | Place::Group { .. } => self.group(chunk),
        }
        for entry in chunk.entries(self.map_type) {
            self.result.entries += 1;
            self.unit.full += 1;
            self.entry(&entry, chunk.state(entry.at.slot));
        }
    }

    fn bucket(&mut self, chunk: &ChunkAt<'_>) {
        for slot in 0..SLOTS {
            let at = SlotAt {
                place: chunk.place,
                slot,
            };
            let is_old = matches!(chunk.place, Place::Bucket { old: true, .. });
            if !is_old && (EVACUATED_X..=EVACUATED_EMPTY).contains(&chunk.state(slot)) {
                self.report(Damage::Moved { at });
            }
            if chunk.state(slot) == EMPTY_REST {
                self.unit.ended = true;
            } else if self.unit.ended && chunk.is_full(slot) {
                self.report(Damage::BehindEnd { at });
            }
        }
    }

    fn group(&mut self, chunk: &ChunkAt<'_>) {
        let mut control = 0;
        for slot in 0..SLOTS {
            let byte = chunk.state(slot);
            control |= u64::from(byte) << (8 * slot);
            let at = SlotAt {
                place: chunk.place,
                slot,
            };
            match byte {
                DELETED if chunk.place == Place::SmallGroup => {
                    self.report(Damage::Control { at, byte });
                }
                DELETED => self.unit.deleted += 1,
                0..=0x7f | EMPTY => {}
                _ => self.report(Damage::Control { at, byte }),
            }
        }
        self.unit.controls.push(control);
    }

    fn entry(&mut self, entry: &Entry, stored: u8) {
        let Some(keys) = self.keys else {
            return;
        };
        if self.map_type.hash.is_none() {
            return;
        }
        let memory = self.types.memory();
        let Some(bytes) = memory.read(entry.key, self.map_type.key_size as usize) else {
            let problem = if entry.key == 0 {
                "the slot's pointer to it is nil".to_owned()
            } else {
                format!("{:#x} can't be read", entry.key)
            };
            self.report(Damage::Key {
                at: entry.at,
                problem,
            });
            return;
        };
        let seed = self.header.seed();
        let hash = match hash(self.map_type, keys, self.types, &bytes, seed) {
            Ok(Some(hash)) => hash,
            Ok(None) => {
                self.result.drawn += 1;
                return;
            }
            Err(error) => {
                let problem = match error {
                    HashError::Unreadable(address) => {
                        format!("it refers to {address:#x}, of which nothing is known")
                    }
                    HashError::Unhashable(name) => format!("it holds a {name}"),
                };
                self.report(Damage::Key {
                    at: entry.at,
                    problem,
                });
                return;
            }
        };
        self.result.hashed += 1;
        let placed = match &self.header.words {
            Words::Classic(hmap) => {
                let belongs = bucket_of(memory, self.map_type, hmap, hash);
                self.classic_entry(entry, belongs.map(|(place, _)| place))
            }
            Words::Swiss(map) => self.swiss_entry(entry, hash, directory_index(map, hash)),
        };
        let expected = match &self.header.words {
            Words::Classic(_) => top_hash(hash),
            Words::Swiss(_) => (hash & 0x7f) as u8,
        };
        if placed && stored != expected {
            self.report(Damage::HashByte {
                at: entry.at,
                key: self.key(entry),
                stored,
                expected,
            });
        }
        self.duplicate(entry, hash, &bytes);
    }

    /// Whether an entry is in the bucket where it belongs.
    fn classic_entry(&mut self, entry: &Entry, belongs: Option<Place>) -> bool {
        let (
            Place::Bucket { old, index, .. },
            Some(
                target @ Place::Bucket {
                    old: to_old,
                    index: to_index,
                    ..
                },
            ),
        ) = (entry.at.place, belongs)
        else {
            return true;
        };
        if (old, index) == (to_old, to_index) {
            return true;
        }
        if to_old && !old {
            let Words::Classic(hmap) = &self.header.words else {
                return true;
            };
            let mask = hmap.old_len().map_or(0, |len| len.saturating_sub(1));
            if index & mask == to_index {
                if self.old_filled != Some(index) {
                    self.old_filled = Some(index);
                    self.report(Damage::NotEvacuated {
                        old: to_index,
                        new: index,
                    });
                }
                return true;
            }
        }
        self.report(Damage::Misplaced {
            at: entry.at,
            key: self.key(entry),
            belongs: target,
        });
        false
    }

    /// Whether an entry is in the table where it belongs. Whether look-ups reach it there is seen
    /// when all of the table is known.
    fn swiss_entry(&mut self, entry: &Entry, hash: u64, index: u64) -> bool {
        let (Place::Group { group, .. }, Some(table)) = (entry.at.place, self.unit.table) else {
            return true;
        };
        let Words::Swiss(map) = &self.header.words else {
            return true;
        };
        let width = 1_u64 << map.global_depth.saturating_sub(table.local_depth).min(47);
        if index < table.place || index - table.place >= width {
            self.report(Damage::Misplaced {
                at: entry.at,
                key: self.key(entry),
                belongs: Place::Group {
                    table: index,
                    group: (hash >> 7) & table.length_mask,
                },
            });
            return false;
        }
        if (hash >> 7) & table.length_mask != group {
            self.unit.reach.push((*entry, hash));
        }
        true
    }

    fn duplicate(&mut self, entry: &Entry, hash: u64, bytes: &[u8]) {
        let Some(first) = self.unit.seen.get(&hash).copied() else {
            if self.unit.seen.len() < MAX_REMEMBERED {
                self.unit.seen.insert(hash, *entry);
            }
            return;
        };
        let before = self
            .types
            .memory()
            .read(first.key, self.map_type.key_size as usize);
        if let (Some(image), Some(before)) = (&self.map_type.key_image, before)
            && values_equal(image, &before, bytes, self.types)
        {
            self.report(Damage::Duplicate {
                first: first.at,
                second: entry.at,
                key: self.key(entry),
            });
        }
    }

    /// What can be said when all of a chain or a table has been seen.
    fn finish_unit(&mut self) {
        let mut unit = std::mem::take(&mut self.unit);
        self.check_unit(&unit);
        // What was allocated serves for the next.
        unit.seen.clear();
        unit.controls.clear();
        unit.reach.clear();
        self.unit = Unit {
            seen: unit.seen,
            controls: unit.controls,
            reach: unit.reach,
            ..Unit::default()
        };
    }

    fn check_unit(&mut self, unit: &Unit) {
        let Some(table) = unit.table else {
            return;
        };
        if table.groups_len() != Some(unit.controls.len() as u64) {
            return;
        }
        if u64::from(table.used) != unit.full {
            self.report(Damage::TableCount {
                table: table.place,
                stored: table.used.into(),
                counted: unit.full,
            });
        }
        let left = i64::try_from(table.max_load()).unwrap_or(i64::MAX)
            - i64::try_from(unit.full + unit.deleted).unwrap_or(i64::MAX);
        // A wrong count brings a wrong rest; one sentence about it will do.
        if u64::from(table.used) == unit.full && i64::from(table.growth_left) != left {
            self.report(Damage::GrowthLeft {
                table: table.place,
                stored: table.growth_left.into(),
                expected: left,
            });
        }
        for &(entry, hash) in &unit.reach {
            let Place::Group { group, .. } = entry.at.place else {
                continue;
            };
            let end = probe(hash, table.length_mask)
                .take_while(|&before| before != group)
                .find(|&before| {
                    let control = unit.controls.get(before as usize).copied().unwrap_or(0);
                    control.to_le_bytes().contains(&EMPTY)
                });
            if let Some(end) = end {
                self.report(Damage::Unreachable {
                    at: entry.at,
                    key: self.key(&entry),
                    end: Place::Group {
                        table: table.place,
                        group: end,
                    },
                });
            }
        }
    }
}
