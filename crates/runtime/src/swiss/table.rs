//! One Swiss table (internal/runtime/maps/table.go).

use super::behaviour::{Behaviour, ClearGroups};
use super::group::{ALL_EMPTY, Control, DELETED, EMPTY, Group, h1, h2};
use crate::event::{Event, SwissEvent};
use crate::hash::HashError;
use crate::map_type::SLOTS;
use crate::ops::Ops;

/// Slots of the largest table; a full one is split.
pub const MAX_TABLE_CAPACITY: u64 = 1024;

/// Full slots per group at most, on average.
pub(crate) const MAX_AVERAGE_LOAD: u64 = 7;

/// Slots of a table that is made for so many: `newTable` rounds them up to a power of two.
pub(crate) fn table_capacity(slots: u64) -> u64 {
    slots
        .clamp(SLOTS as u64, MAX_TABLE_CAPACITY)
        .next_power_of_two()
}

/// Entries that a table of these many slots takes without growing: `maxGrowthLeft`.
pub(crate) fn load_limit(capacity: u64) -> u64 {
    if capacity <= SLOTS as u64 {
        capacity.saturating_sub(1)
    } else {
        capacity * MAX_AVERAGE_LOAD / SLOTS as u64
    }
}

/// A table: groups, and what is needed to know when to grow.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    /// Full slots.
    pub used: u16,
    /// Slots, a power of two.
    pub capacity: u16,
    /// Empty slots that may still be filled before the table grows.
    pub growth_left: u16,
    /// How many bits of the hash the directory used when the table was made.
    pub local_depth: u8,
    /// First place in the directory; -1 if the table is no longer in it.
    pub index: i64,
    /// The groups, a power of two of them.
    pub groups: Box<[Group<K, V>]>,
    /// Which table of the map's life this is; iterators know it by this number.
    pub(crate) serial: u64,
}

/// The groups that a hash may be in, in order: triangular steps over all of them.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    mask: usize,
    pub(crate) group: usize,
    step: usize,
}

impl Probe {
    #[inline]
    pub(crate) fn new(hash: u64, groups: usize) -> Self {
        let mask = groups.wrapping_sub(1);
        Self {
            mask,
            group: h1(hash) as usize & mask,
            step: 0,
        }
    }

    #[inline]
    fn note<O: Ops>(self, ops: &O, ends: bool) {
        let group = self.group;
        ops.observe(Event::Swiss(SwissEvent::Probed { group, ends }));
    }

    #[inline]
    pub(crate) fn advance(&mut self) {
        self.step += 1;
        self.group = (self.group + self.step) & self.mask;
    }
}

/// Where a key is, or would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) group: usize,
    pub(crate) slot: usize,
}

/// What looking for a place to assign to has found.
pub(crate) enum Target {
    /// The key is there.
    Present(Place),
    /// The key is not there and would go here: a tombstone, or else the end of probing.
    Absent { place: Place, tombstone: bool },
}

impl<K: Clone, V: Clone> Table<K, V> {
    pub(crate) fn new<O: Ops<Key = K, Elem = V>>(
        ops: &O,
        capacity: u64,
        index: i64,
        local_depth: u8,
        serial: u64,
    ) -> Self {
        let capacity = table_capacity(capacity);
        let groups = (0..capacity / SLOTS as u64)
            .map(|_| Group::new(ops))
            .collect();
        let mut table = Self {
            used: 0,
            capacity: capacity as u16,
            growth_left: 0,
            local_depth,
            index,
            groups,
            serial,
        };
        table.growth_left = table.max_growth_left();
        table
    }

    /// Insertions that an empty table takes: seven eighths of the slots, or all but one of a
    /// single group.
    #[must_use]
    pub fn max_growth_left(&self) -> u16 {
        load_limit(self.capacity.into()) as u16
    }

    /// Deleted slots that still lengthen probing.
    #[must_use]
    pub fn tombstones(&self) -> u16 {
        let load = (u64::from(self.capacity) * MAX_AVERAGE_LOAD / SLOTS as u64) as u16;
        load.wrapping_sub(self.used).wrapping_sub(self.growth_left)
    }

    #[inline]
    pub(crate) fn find<O: Ops<Key = K, Elem = V>>(
        &self,
        ops: &O,
        hash: u64,
        key: &K,
    ) -> Option<Place> {
        let mut probe = Probe::new(hash, self.groups.len());
        let tag = h2(hash);
        // A group without empty slots is followed by others; a damaged table ends the search.
        for _ in 0..self.groups.len() {
            let group = self.groups.get(probe.group)?;
            for slot in group.control.matching(tag) {
                if ops.equal(key, &group.slots[slot].key) {
                    return Some(Place {
                        group: probe.group,
                        slot,
                    });
                }
            }
            let ends = !group.control.empty().is_empty();
            probe.note(ops, ends);
            if ends {
                return None;
            }
            probe.advance();
        }
        None
    }

    /// Where an assignment goes. The slow and the fast functions look for tombstones in slightly
    /// different ways; with a group never holding both an empty slot and a tombstone they agree.
    pub(crate) fn find_for_assign<O: Ops<Key = K, Elem = V>>(
        &self,
        ops: &O,
        hash: u64,
        key: &K,
    ) -> Option<Target> {
        let mut probe = Probe::new(hash, self.groups.len());
        let tag = h2(hash);
        let mut deleted = None;
        for _ in 0..self.groups.len() {
            let group = self.groups.get(probe.group)?;
            for slot in group.control.matching(tag) {
                if ops.equal(key, &group.slots[slot].key) {
                    return Some(Target::Present(Place {
                        group: probe.group,
                        slot,
                    }));
                }
            }
            let empty = group.control.empty();
            probe.note(ops, !empty.is_empty());
            if !empty.is_empty() {
                let end = Place {
                    group: probe.group,
                    slot: empty.first(),
                };
                let tombstone = deleted.is_some();
                return Some(Target::Absent {
                    place: deleted.unwrap_or(end),
                    tombstone,
                });
            }
            let free = group.control.empty_or_deleted();
            if deleted.is_none() && !free.is_empty() {
                deleted = Some(Place {
                    group: probe.group,
                    slot: free.first(),
                });
            }
            probe.advance();
        }
        None
    }

    /// Fills a free slot.
    pub(crate) fn fill(&mut self, place: Place, hash: u64, key: K, elem: V) {
        if let Some(group) = self.groups.get_mut(place.group) {
            let slot = &mut group.slots[place.slot];
            slot.key = key;
            slot.elem = elem;
            group.control.set(place.slot, h2(hash));
            self.growth_left = self.growth_left.wrapping_sub(1);
            self.used += 1;
        }
    }

    /// Adds an entry that is known not to be there, to a table without tombstones and with room.
    pub(crate) fn put_new(&mut self, hash: u64, key: K, elem: V) {
        let mut probe = Probe::new(hash, self.groups.len());
        for _ in 0..self.groups.len() {
            let free = match self.groups.get(probe.group) {
                Some(group) => group.control.empty_or_deleted(),
                None => return,
            };
            if !free.is_empty() {
                self.fill(
                    Place {
                        group: probe.group,
                        slot: free.first(),
                    },
                    hash,
                    key,
                    elem,
                );
                return;
            }
            probe.advance();
        }
    }

    /// Empties a full slot; says whether it left a tombstone.
    pub(crate) fn delete<O: Ops<Key = K, Elem = V>>(&mut self, ops: &O, place: Place) -> bool {
        let Some(group) = self.groups.get_mut(place.group) else {
            return false;
        };
        self.used = self.used.wrapping_sub(1);
        group.clear_slot(ops, place.slot);
        // Probing stops at a group with an empty slot, so in such a group nothing is lost.
        let tombstone = group.control.empty().is_empty();
        if tombstone {
            group.control.set(place.slot, DELETED);
        } else {
            group.control.set(place.slot, EMPTY);
            self.growth_left += 1;
        }
        tombstone
    }

    /// All entries in the order of their slots.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &super::group::Slot<K, V>> {
        self.groups
            .iter()
            .flat_map(|group| group.control.full().map(move |slot| &group.slots[slot]))
    }

    /// Turns tombstones that no key's probing passes back into empty slots, if that restores a
    /// tenth of the capacity (since 1.25).
    pub(crate) fn prune_tombstones<O: Ops<Key = K, Elem = V>>(
        &mut self,
        ops: &O,
        seed: u64,
    ) -> Result<(), HashError> {
        let tenth = |n: u32| n * 10 >= u32::from(self.capacity);
        if !tenth(u32::from(self.tombstones())) {
            return Ok(());
        }
        let mut needed = vec![false; self.groups.len()];
        for (i, group) in self.groups.iter().enumerate() {
            for slot in group.control.full() {
                let key = &group.slots[slot].key;
                if !ops.equal(key, key) {
                    continue; // never looked up, so its probing may break
                }
                let hash = ops.hash(key, seed, &mut || 0)?;
                let mut probe = Probe::new(hash, self.groups.len());
                for _ in 0..self.groups.len() {
                    if probe.group == i {
                        break;
                    }
                    if let (Some(group), Some(needed)) =
                        (self.groups.get(probe.group), needed.get_mut(probe.group))
                    {
                        *needed |= !group.control.empty_or_deleted().is_empty();
                    }
                    probe.advance();
                }
            }
            if !group.control.empty().is_empty()
                && let Some(needed) = needed.get_mut(i)
            {
                *needed = true;
            }
        }
        let free: u32 = self
            .groups
            .iter()
            .zip(&needed)
            .filter(|(_, needed)| !**needed)
            .map(|(group, _)| group.control.empty_or_deleted().count())
            .sum();
        if !tenth(free) {
            return Ok(());
        }
        for (group, _) in self
            .groups
            .iter_mut()
            .zip(&needed)
            .filter(|(_, needed)| !**needed)
        {
            for slot in group.control.empty_or_deleted() {
                group.control.set(slot, EMPTY);
                self.growth_left += 1;
            }
        }
        Ok(())
    }

    pub(crate) fn clear<O: Ops<Key = K, Elem = V>>(&mut self, ops: &O, behaviour: &Behaviour) {
        let max = self.max_growth_left();
        if behaviour.clear_skips_empty_tables && self.used == 0 && self.growth_left == max {
            return;
        }
        let only_full = match behaviour.clear_groups {
            ClearGroups::All => false,
            ClearGroups::WithEntries => true,
            // The test for entries costs more than it saves in tables that are not sparse.
            ClearGroups::Adaptive => {
                u64::from(self.used) * 4 < self.groups.len() as u64 || ops.traits().slot_size > 32
            }
        };
        for group in &mut self.groups {
            if !only_full || !group.control.full().is_empty() {
                group.clear(ops);
            }
            group.control = Control(ALL_EMPTY);
        }
        self.used = 0;
        self.growth_left = max;
    }
}
