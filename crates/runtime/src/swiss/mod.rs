//! The Swiss map of Go 1.24 and later (internal/runtime/maps), slot by slot.

mod behaviour;
mod group;
mod iter;
mod table;

use std::sync::Arc;

pub use behaviour::{Behaviour, ClearGroups, Prunes};
pub use group::{ALL_EMPTY, Control, DELETED, EMPTY, Group, Slot};
pub use iter::SwissIter;
pub use table::{MAX_TABLE_CAPACITY, Table};
pub(crate) use table::{load_limit, table_capacity};

use crate::event::{Event, SwissEvent};
use crate::fault::{Fault, Race};
use crate::hash::HashError;
use crate::map_type::SLOTS;
use crate::ops::{Entry, Ops};
use crate::random::{Draw, Random};
use crate::version::GoVersion;
use group::{h1, h2};
use table::{MAX_AVERAGE_LOAD, Place, Target};

/// Largest allocation that a hint may ask for (runtime `maxAlloc` on amd64).
const MAX_ALLOC: u64 = 1 << 48;

/// Where the entries of a map are.
#[derive(Clone, Debug)]
pub enum Storage<K, V> {
    /// Nothing has been allocated.
    None,
    /// A small map: one group, without probing or tombstones.
    Small(Box<Group<K, V>>),
    /// Tables under a directory.
    Tables {
        /// For each prefix of the hash, an index into `tables`.
        directory: Vec<u32>,
        /// The tables, in no particular order.
        tables: Vec<Table<K, V>>,
    },
}

/// A model of a Go map of 1.24 or later that is not nil.
#[derive(Debug)]
pub struct SwissMap<O: Ops, R> {
    ops: O,
    random: R,
    behaviour: Behaviour,
    used: u64,
    seed: u64,
    global_depth: u8,
    /// The bits to shift a hash by to get its place in the directory.
    global_shift: u8,
    /// Toggled by writers, as in the header: not 0 while someone writes.
    writing: u8,
    tombstone_possible: bool,
    clear_seq: u64,
    storage: Storage<O::Key, O::Elem>,
    /// Tables and the small group that live iterators may still stand on.
    stale: Vec<Table<O::Key, O::Elem>>,
    stale_small: Option<Box<Group<O::Key, O::Elem>>>,
    next_serial: u64,
    /// Held by every iterator, so that stale tables are kept as long as one lives.
    iterators: Arc<()>,
}

/// The words of the map header, as they lie in memory (internal/runtime/maps/map.go `Map`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwissHeader {
    /// Entries.
    pub used: u64,
    /// Hash seed.
    pub seed: u64,
    /// Length of the directory; 0 for a small map.
    pub dir_len: u64,
    /// Bits of the hash that the directory uses.
    pub global_depth: u8,
    /// 64 less that, once there is a directory.
    pub global_shift: u8,
    /// Not 0 while someone writes.
    pub writing: u8,
    /// Whether a table may hold a tombstone (since 1.25).
    pub tombstone_possible: bool,
    /// How often the map was cleared.
    pub clear_seq: u64,
}

impl<O: Ops, R: Random> SwissMap<O, R> {
    /// `make(map[K]V, hint)`: `NewMap`, or `NewEmptyMap` for hints up to 8. `group_size` bytes of
    /// a group only matter for absurd hints, which count as none.
    #[must_use]
    pub fn new(version: GoVersion, ops: O, mut random: R, hint: i64) -> Self {
        let seed = random.draw(Draw::Seed);
        let mut map = Self {
            ops,
            random,
            behaviour: Behaviour::of(version),
            used: 0,
            seed,
            global_depth: 0,
            global_shift: 0,
            writing: 0,
            tombstone_possible: false,
            clear_seq: 0,
            storage: Storage::None,
            stale: Vec::new(),
            stale_small: None,
            next_serial: 0,
            iterators: Arc::new(()),
        };
        let Some((tables, capacity)) = initial_tables(hint, map.ops.traits().slot_size) else {
            return map;
        };
        map.global_depth = tables.trailing_zeros() as u8;
        map.global_shift = 64 - map.global_depth;
        let tables: Vec<_> = (0..tables)
            .map(|i| map.new_table(capacity, i as i64, map.global_depth))
            .collect();
        map.next_serial = tables.len() as u64;
        let tables: Vec<_> = tables
            .into_iter()
            .zip(0..)
            .map(|(table, serial)| Table { serial, ..table })
            .collect();
        map.storage = Storage::Tables {
            directory: (0..tables.len() as u32).collect(),
            tables,
        };
        map
    }

    fn new_table(&self, capacity: u64, index: i64, depth: u8) -> Table<O::Key, O::Elem> {
        Table::new(&self.ops, capacity, index, depth, self.next_serial)
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.used as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// The keys' and elements' operations.
    #[must_use]
    pub fn ops(&self) -> &O {
        &self.ops
    }

    /// The source of random values.
    pub fn random_mut(&mut self) -> &mut R {
        &mut self.random
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> SwissHeader {
        let dir_len = match &self.storage {
            Storage::Tables { directory, .. } => directory.len() as u64,
            Storage::None | Storage::Small(_) => 0,
        };
        SwissHeader {
            used: self.used,
            seed: self.seed,
            dir_len,
            global_depth: self.global_depth,
            global_shift: self.global_shift,
            writing: self.writing,
            tombstone_possible: self.tombstone_possible,
            clear_seq: self.clear_seq,
        }
    }

    /// Groups, directory and tables.
    #[must_use]
    pub fn storage(&self) -> &Storage<O::Key, O::Elem> {
        &self.storage
    }

    /// Sets the flag that a writing goroutine would have set, to see what others make of it.
    pub fn set_writing(&mut self, writing: u8) {
        self.writing = writing;
    }

    #[inline]
    fn note(&self, event: SwissEvent) {
        self.ops.observe(Event::Swiss(event));
    }

    #[inline]
    fn directory_index(&self, hash: u64, len: usize) -> usize {
        if len == 1 {
            0
        } else {
            (hash >> (self.global_shift & 63)) as usize
        }
    }

    fn place_hash(&mut self, key: &O::Key) -> Result<u64, HashError> {
        let Self {
            ops, random, seed, ..
        } = self;
        ops.hash(key, *seed, &mut || random.draw(Draw::NanHash))
    }

    /// `v, ok := m[k]`.
    ///
    /// # Errors
    /// The key can't be hashed, or someone is writing.
    #[inline]
    pub fn get(&self, key: &O::Key) -> Result<Option<&O::Elem>, Fault> {
        Ok(self.get_entry(key)?.map(|(_, elem)| elem))
    }

    /// The entry of a key: the key as it is stored, and the element.
    ///
    /// # Errors
    /// As [`SwissMap::get`].
    #[inline]
    pub fn get_entry(&self, key: &O::Key) -> Result<Option<Entry<'_, O>>, Fault> {
        if self.used == 0 {
            self.check_key(key)?;
            return Ok(None);
        }
        if self.writing != 0 {
            return Err(Race::ReadAndWrite.into());
        }
        // A NaN is found nowhere, whatever it hashes to.
        let hash = self.ops.hash(key, self.seed, &mut || 0)?;
        self.ops.observe(Event::Hashed(hash));
        let slot = match &self.storage {
            Storage::None => None,
            Storage::Small(group) => {
                find_small(&self.ops, group, hash, key).map(|slot| &group.slots[slot])
            }
            Storage::Tables { directory, tables } => {
                let place = self.directory_index(hash, directory.len());
                let table = directory.get(place).and_then(|&table| {
                    self.note(SwissEvent::Table { place, table });
                    tables.get(table as usize)
                });
                table.and_then(|table| {
                    let Place { group, slot } = table.find(&self.ops, hash, key)?;
                    self.note(SwissEvent::Found { group, slot });
                    Some(&table.groups.get(group)?.slots[slot])
                })
            }
        };
        Ok(slot.map(|slot| (&slot.key, &slot.elem)))
    }

    fn check_key(&self, key: &O::Key) -> Result<(), Fault> {
        self.ops
            .check_key(key)
            .map_err(|error| Fault::Key { error, early: true })
    }

    /// `m[k] = v`.
    ///
    /// # Errors
    /// The key can't be hashed, or someone is writing.
    pub fn put(&mut self, key: O::Key, elem: O::Elem) -> Result<(), Fault> {
        if self.writing != 0 {
            return Err(Race::Writes.into());
        }
        let hash = self.place_hash(&key)?;
        self.ops.observe(Event::Hashed(hash));
        self.writing ^= 1;
        let result = self.put_hashed(hash, key, elem);
        self.writing ^= 1;
        result
    }

    fn put_hashed(&mut self, hash: u64, key: O::Key, elem: O::Elem) -> Result<(), Fault> {
        if matches!(self.storage, Storage::None) {
            self.note(SwissEvent::FirstGroup);
            self.storage = Storage::Small(Box::new(Group::new(&self.ops)));
        }
        if let Storage::Small(group) = &mut self.storage {
            let full = self.used >= SLOTS as u64;
            let present = if full && self.behaviour.full_small_map_always_grows {
                None
            } else {
                find_small(&self.ops, group, hash, &key)
            };
            if let Some(slot) = present {
                let slot = &mut group.slots[slot];
                if self.ops.traits().need_key_update {
                    slot.key = key;
                }
                slot.elem = elem;
                return Ok(());
            }
            let free = group.control.empty_or_deleted();
            if !free.is_empty() {
                let slot = free.first();
                group.slots[slot] = Slot { key, elem };
                group.control.set(slot, h2(hash));
                self.used += 1;
                self.note(SwissEvent::Inserted {
                    group: 0,
                    slot,
                    tombstone: false,
                });
                return Ok(());
            }
            self.grow_to_table()?;
        }
        loop {
            let Storage::Tables { directory, tables } = &mut self.storage else {
                return Ok(());
            };
            let index = if directory.len() == 1 {
                0
            } else {
                (hash >> (self.global_shift & 63)) as usize
            };
            let Some(&id) = directory.get(index) else {
                return Ok(());
            };
            let Some(table) = tables.get_mut(id as usize) else {
                return Ok(());
            };
            self.ops.observe(Event::Swiss(SwissEvent::Table {
                place: index,
                table: id,
            }));
            let Some(target) = table.find_for_assign(&self.ops, hash, &key) else {
                return Ok(());
            };
            let traits = *self.ops.traits();
            match target {
                Target::Present(place) => {
                    self.ops.observe(Event::Swiss(SwissEvent::Found {
                        group: place.group,
                        slot: place.slot,
                    }));
                    if let Some(group) = table.groups.get_mut(place.group) {
                        let slot = &mut group.slots[place.slot];
                        if traits.need_key_update {
                            slot.key = key;
                        }
                        slot.elem = elem;
                    }
                    return Ok(());
                }
                Target::Absent { place, tombstone } => {
                    // A reused tombstone does not count against growth.
                    table.growth_left += u16::from(tombstone);
                    if table.growth_left == 0
                        && self.behaviour.prunes_tombstones.applies_to(traits.variant)
                    {
                        let tombstones = table.tombstones();
                        table.prune_tombstones(&self.ops, self.seed)?;
                        if tombstones > 0 {
                            self.ops.observe(Event::Swiss(SwissEvent::Pruned {
                                tombstones,
                                freed: tombstones - table.tombstones(),
                            }));
                        }
                    }
                    if table.growth_left > 0 {
                        table.fill(place, hash, key, elem);
                        self.used += 1;
                        self.note(SwissEvent::Inserted {
                            group: place.group,
                            slot: place.slot,
                            tombstone,
                        });
                        return Ok(());
                    }
                    self.rehash(id as usize)?;
                }
            }
        }
    }

    /// `growToTable`: the full small group becomes a table of 16.
    fn grow_to_table(&mut self) -> Result<(), HashError> {
        let mut table = self.new_table(2 * SLOTS as u64, 0, 0);
        self.note(SwissEvent::BecameTable {
            capacity: u64::from(table.capacity),
        });
        self.next_serial += 1;
        let Storage::Small(group) = std::mem::replace(&mut self.storage, Storage::None) else {
            return Ok(());
        };
        for slot in group.control.full() {
            let Slot { key, elem } = group.slots[slot].clone();
            let hash = self.place_hash(&key)?;
            table.put_new(hash, key, elem);
        }
        if Arc::strong_count(&self.iterators) > 1 {
            self.stale_small = Some(group);
        }
        self.storage = Storage::Tables {
            directory: vec![0],
            tables: vec![table],
        };
        self.global_depth = 0;
        self.global_shift = 64;
        Ok(())
    }

    /// A table without room is replaced by one twice as large, or by two.
    fn rehash(&mut self, id: usize) -> Result<(), HashError> {
        let Storage::Tables { tables, .. } = &mut self.storage else {
            return Ok(());
        };
        let Some(old) = tables.get_mut(id) else {
            return Ok(());
        };
        // The place is filled again below, before anyone can see it.
        let empty = Table {
            groups: Box::default(),
            ..*old
        };
        let old = std::mem::replace(old, empty);
        let capacity = 2 * u64::from(old.capacity);
        if capacity <= MAX_TABLE_CAPACITY {
            self.note(SwissEvent::TableGrew {
                index: old.index,
                used: old.used,
                tombstones: old.tombstones(),
                from: u64::from(old.capacity),
            });
            let mut new = self.new_table(capacity, old.index, old.local_depth);
            self.next_serial += 1;
            for Slot { key, elem } in old.entries() {
                let hash = self.place_hash(key)?;
                new.put_new(hash, key.clone(), elem.clone());
            }
            self.replace(id, new);
        } else {
            self.split(id, &old)?;
        }
        if Arc::strong_count(&self.iterators) > 1 {
            self.stale.push(Table { index: -1, ..old });
        } else {
            self.stale.clear();
            self.stale_small = None;
        }
        Ok(())
    }

    fn replace(&mut self, id: usize, new: Table<O::Key, O::Elem>) {
        if let Storage::Tables { tables, .. } = &mut self.storage
            && let Some(table) = tables.get_mut(id)
        {
            *table = new;
        }
    }

    fn split(&mut self, id: usize, old: &Table<O::Key, O::Elem>) -> Result<(), HashError> {
        let depth = old.local_depth + 1;
        let mut left = self.new_table(MAX_TABLE_CAPACITY, -1, depth);
        let mut right = self.new_table(MAX_TABLE_CAPACITY, -1, depth);
        right.serial += 1;
        self.next_serial += 2;
        let bit = 1_u64.checked_shl(64 - u32::from(depth)).unwrap_or(0);
        for Slot { key, elem } in old.entries() {
            let hash = self.place_hash(key)?;
            let side = if hash & bit == 0 {
                &mut left
            } else {
                &mut right
            };
            side.put_new(hash, key.clone(), elem.clone());
        }
        self.note(SwissEvent::TableSplit {
            index: old.index,
            left: left.used,
            right: right.used,
        });
        // installTableSplit
        let mut index = old.index;
        if old.local_depth == self.global_depth {
            self.double_directory();
            index *= 2;
        }
        let entries = 1_i64 << (self.global_depth - depth);
        left.index = index;
        right.index = index + entries;
        self.replace(id, left);
        if let Storage::Tables { directory, tables } = &mut self.storage {
            let new = tables.len() as u32;
            tables.push(right);
            let from = (index + entries) as usize;
            for place in directory.iter_mut().skip(from).take(entries as usize) {
                *place = new;
            }
        }
        Ok(())
    }

    fn double_directory(&mut self) {
        let Storage::Tables { directory, tables } = &mut self.storage else {
            return;
        };
        *directory = directory.iter().flat_map(|&table| [table, table]).collect();
        for table in tables {
            table.index *= 2;
        }
        self.global_depth += 1;
        self.global_shift -= 1;
        self.note(SwissEvent::DirectoryDoubled {
            len: 1 << self.global_depth,
        });
    }

    /// `delete(m, k)`. Says whether the key was there.
    ///
    /// # Errors
    /// The key can't be hashed, or someone is writing.
    pub fn delete(&mut self, key: &O::Key) -> Result<bool, Fault> {
        if self.used == 0 {
            self.check_key(key)?;
            return Ok(false);
        }
        if self.writing != 0 {
            return Err(Race::Writes.into());
        }
        let hash = self.place_hash(key)?;
        self.ops.observe(Event::Hashed(hash));
        self.writing ^= 1;
        let found = self.delete_hashed(hash, key);
        if self.used == 0 {
            self.note(SwissEvent::Reseeded);
            self.seed = self.random.draw(Draw::Seed);
        }
        self.writing ^= 1;
        Ok(found)
    }

    fn delete_hashed(&mut self, hash: u64, key: &O::Key) -> bool {
        match &mut self.storage {
            Storage::None => false,
            Storage::Small(group) => {
                let Some(slot) = find_small(&self.ops, group, hash, key) else {
                    return false;
                };
                group.clear_slot(&self.ops, slot);
                group.control.set(slot, EMPTY);
                self.used -= 1;
                self.note(SwissEvent::Removed {
                    group: 0,
                    slot,
                    tombstone: false,
                });
                true
            }
            Storage::Tables { directory, tables } => {
                let index = if directory.len() == 1 {
                    0
                } else {
                    (hash >> (self.global_shift & 63)) as usize
                };
                let Some(&id) = directory.get(index) else {
                    return false;
                };
                let Some(table) = tables.get_mut(id as usize) else {
                    return false;
                };
                self.ops.observe(Event::Swiss(SwissEvent::Table {
                    place: index,
                    table: id,
                }));
                let Some(place) = table.find(&self.ops, hash, key) else {
                    return false;
                };
                let tombstone = table.delete(&self.ops, place);
                self.tombstone_possible |= tombstone && self.behaviour.tracks_tombstones;
                self.used -= 1;
                self.note(SwissEvent::Removed {
                    group: place.group,
                    slot: place.slot,
                    tombstone,
                });
                true
            }
        }
    }

    /// `clear(m)`.
    ///
    /// # Errors
    /// Someone is writing.
    pub fn clear(&mut self) -> Result<(), Fault> {
        if self.used == 0 && !self.tombstone_possible {
            return Ok(());
        }
        if self.writing != 0 {
            return Err(Race::Writes.into());
        }
        match &mut self.storage {
            Storage::None => {}
            Storage::Small(group) => {
                group.clear(&self.ops);
                group.control = Control(ALL_EMPTY);
            }
            Storage::Tables { tables, .. } => {
                for table in tables {
                    table.clear(&self.ops, &self.behaviour);
                }
                self.tombstone_possible = false;
            }
        }
        self.used = 0;
        self.clear_seq += 1;
        self.seed = self.random.draw(Draw::Seed);
        Ok(())
    }

    /// `maps.Clone(m)`. Before 1.25 the copy is a new map, filled in the order of an iteration.
    ///
    /// # Errors
    /// Someone is writing, or a key can't be read.
    pub fn copy(&mut self, version: GoVersion) -> Result<Self, Fault>
    where
        O: Clone,
        R: Clone,
    {
        if self.behaviour.clone_copies {
            if self.writing != 0 {
                return Err(Race::CloneAndWrite.into());
            }
            return Ok(Self {
                ops: self.ops.clone(),
                random: self.random.clone(),
                storage: self.storage.clone(),
                stale: Vec::new(),
                stale_small: None,
                iterators: Arc::new(()),
                ..*self
            });
        }
        let seed = self.random.draw(Draw::Seed);
        let mut copy = Self::new(
            version,
            self.ops.clone(),
            self.random.clone(),
            self.used as i64,
        );
        copy.seed = seed;
        let mut iter = self.iter();
        while let Some((key, elem)) = iter.next(self)? {
            copy.put(key.clone(), elem.clone())?;
        }
        Ok(copy)
    }

    /// Starts an iteration: draws its random start.
    pub fn iter(&mut self) -> SwissIter {
        SwissIter::new(self)
    }
}

fn find_small<O: Ops>(
    ops: &O,
    group: &Group<O::Key, O::Elem>,
    hash: u64,
    key: &O::Key,
) -> Option<usize> {
    let slot = group
        .control
        .matching(h2(hash))
        .find(|&slot| ops.equal(key, &group.slots[slot].key))?;
    ops.observe(Event::Swiss(SwissEvent::Found { group: 0, slot }));
    Some(slot)
}

/// How many tables of which capacity a hint asks for; none if the map starts small.
pub(crate) fn initial_tables(hint: i64, slot_size: u64) -> Option<(u64, u64)> {
    let hint = u64::try_from(hint)
        .ok()
        .filter(|&hint| hint > SLOTS as u64)?;
    let target = hint.checked_mul(SLOTS as u64)? / MAX_AVERAGE_LOAD;
    if target < hint {
        return None;
    }
    let tables = target.checked_add(MAX_TABLE_CAPACITY - 1)? / MAX_TABLE_CAPACITY;
    let tables = tables.checked_next_power_of_two()?;
    let group_size = 8 + SLOTS as u64 * slot_size;
    let bytes = tables
        .checked_mul(MAX_TABLE_CAPACITY)?
        .checked_mul(group_size)?;
    (bytes <= MAX_ALLOC).then_some((tables, target / tables))
}

/// The group at which probing for a hash starts, in a table of this many groups.
#[must_use]
pub fn home_group(hash: u64, groups: u64) -> u64 {
    h1(hash) & groups.wrapping_sub(1)
}
