//! The Swiss map, access by access (internal/runtime/maps/runtime_fast64.go, map.go, table.go).
//!
//! One table at most: the directory never splits, so maps stay below 800 entries.

use super::explore::hash_of;
use super::memory::{Goroutine, Memory, Object, Step, Stop};
use crate::fault::{Fault, Race};
use crate::map_type::{SLOTS, Variant};
use crate::swiss::{ALL_EMPTY, Behaviour, Control, DELETED, EMPTY};

// The words of the header.
const USED: u64 = 0;
const WRITING: u64 = 1;
const DIR_PTR: u64 = 2;
const DIR_LEN: u64 = 3;
const TOMBSTONE_POSSIBLE: u64 = 4;
/// Header words before the first object; addresses below are nil or header.
const HEADER: usize = 5;

// A group: control word, keys, elements.
const GROUP_WORDS: u64 = 17;
const KEYS: u64 = 1;
const ELEMS: u64 = 9;

// A table: used, growthLeft, number of groups, then the groups.
const TABLE_USED: u64 = 0;
const GROWTH_LEFT: u64 = 1;
const GROUPS: u64 = 2;
const FIRST_GROUP: u64 = 3;

const TOGGLE: [&str; 2] = [
    "reads the writing flag to toggle it",
    "writes the toggled writing flag",
];
const COUNT: [&str; 2] = ["reads used to count", "writes used"];
const GROWTH: [&str; 2] = ["reads growthLeft", "writes growthLeft"];

/// More groups than a table of the runtime has.
const MAX_GROUPS: u64 = 128;

/// What versions differ in, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Swiss {
    pub(super) behaviour: Behaviour,
}

pub(super) fn empty_map() -> Memory {
    Memory::new(vec![0; HEADER])
}

fn empty_group() -> Vec<u64> {
    let mut group = vec![0; GROUP_WORDS as usize];
    group[0] = ALL_EMPTY;
    group
}

fn h1(hash: u64) -> u64 {
    hash >> 7
}

fn h2(hash: u64) -> u8 {
    (hash & 0x7f) as u8
}

/// A table that nobody else sees yet.
struct NewTable(Vec<u64>);

impl NewTable {
    fn new(groups: u64) -> Self {
        let slots = groups * SLOTS as u64;
        let mut words = vec![0, slots * 7 / 8, groups];
        for _ in 0..groups {
            words.extend(empty_group());
        }
        Self(words)
    }

    fn put(&mut self, key: u64, elem: u64) -> Step<()> {
        let hash = hash_of(key);
        if self.0[GROWTH_LEFT as usize] == 0 {
            return Err(Stop::Fault(Fault::GrowthLeftIsZero));
        }
        let groups = self.0[GROUPS as usize];
        let (mut group, mut step) = (h1(hash) & (groups - 1), 0);
        loop {
            let at = (FIRST_GROUP + group * GROUP_WORDS) as usize;
            let mut control = Control(self.0[at]);
            if let Some(slot) = control.empty_or_deleted().next() {
                control.set(slot, h2(hash));
                self.0[at] = control.0;
                self.0[at + KEYS as usize + slot] = key;
                self.0[at + ELEMS as usize + slot] = elem;
                self.0[GROWTH_LEFT as usize] -= 1;
                self.0[TABLE_USED as usize] += 1;
                return Ok(());
            }
            step += 1;
            group = (group + step) & (groups - 1);
        }
    }
}

/// Where an entry was found or put.
#[derive(Clone, Copy)]
struct Place {
    group: u64,
    slot: usize,
}

impl Place {
    fn elem(self) -> u64 {
        self.group + ELEMS + self.slot as u64
    }

    fn key(self) -> u64 {
        self.group + KEYS + self.slot as u64
    }
}

impl Swiss {
    /// `m[key] = elem`.
    pub(super) fn put(self, g: &mut Goroutine<'_>, key: u64, elem: u64) -> Step<()> {
        let hash = hash_of(key);
        begin_write(g)?;
        if g.load(DIR_PTR, "reads dirPtr")? == 0 {
            g.publish(DIR_PTR, "allocates the small map's group", |memory| {
                memory.allocate(Object::Group, &empty_group())
            })?;
        }
        let place = if g.load(DIR_LEN, "reads dirLen")? == 0 {
            self.put_small(g, hash, key)?
        } else {
            None
        };
        let place = match place {
            Some(place) => place,
            None => self.put_table(g, hash, key)?,
        };
        end_write(g)?;
        g.store(place.elem(), elem, "writes the element")
    }

    /// `putSlotSmall`, and `growToTable` if there is no room; then none.
    fn put_small(self, g: &mut Goroutine<'_>, hash: u64, key: u64) -> Step<Option<Place>> {
        let by_count = self.behaviour.full_small_map_always_grows;
        if by_count && g.load(USED, "reads used to see if the group is full")? >= SLOTS as u64 {
            grow_to_table(g)?;
            return Ok(None);
        }
        let group = group_of_small(g)?;
        let control = Control(g.load(group, "reads the control word")?);
        if let Some(place) = find_in_group(g, group, control, hash, key)? {
            return Ok(Some(place));
        }
        let Some(slot) = control.empty_or_deleted().next() else {
            if by_count {
                return Err(Stop::Fault(Fault::SmallMapFull));
            }
            grow_to_table(g)?;
            return Ok(None);
        };
        let place = Place { group, slot };
        g.store(place.key(), key, "writes the key")?;
        g.store_byte(group, slot, h2(hash), "marks the slot full")?;
        g.add(USED, 1, COUNT)?;
        Ok(Some(place))
    }

    fn put_table(self, g: &mut Goroutine<'_>, hash: u64, key: u64) -> Step<Place> {
        loop {
            let Found {
                table,
                present,
                free,
            } = find_table(g, key)?;
            if let Some(place) = present {
                return Ok(place);
            }
            let Free { place, tombstone } = free.ok_or(Stop::Wild)?;
            if tombstone {
                // A reused tombstone does not count against growth.
                g.add(table + GROWTH_LEFT, 1, GROWTH)?;
            }
            let full = |g: &mut Goroutine<'_>| -> Step<bool> {
                Ok(g.load(table + GROWTH_LEFT, GROWTH[0])? == 0)
            };
            let prunes = self.behaviour.prunes_tombstones;
            if prunes.applies_to(Variant::Fast64) && full(g)? {
                prune_tombstones(g, table)?;
            }
            if full(g)? {
                grow_table(g, table)?;
                continue;
            }
            g.store(place.key(), key, "writes the key")?;
            g.store_byte(place.group, place.slot, h2(hash), "marks the slot full")?;
            g.add(table + GROWTH_LEFT, -1, GROWTH)?;
            g.add(
                table + TABLE_USED,
                1,
                ["reads the table's used", "writes the table's used"],
            )?;
            g.add(USED, 1, COUNT)?;
            return Ok(place);
        }
    }

    /// `v, ok := m[key]`.
    pub(super) fn get(self, g: &mut Goroutine<'_>, key: u64) -> Step<Option<u64>> {
        if g.load(USED, "reads used")? == 0 {
            return Ok(None);
        }
        if g.load(WRITING, "checks that nobody writes")? != 0 {
            return Err(Race::ReadAndWrite.into());
        }
        match find(g, key)? {
            Some(place) => Ok(Some(g.load(place.elem(), "reads the element")?)),
            None => Ok(None),
        }
    }

    /// `delete(m, key)`.
    pub(super) fn delete(self, g: &mut Goroutine<'_>, key: u64) -> Step<()> {
        if g.load(USED, "reads used")? == 0 {
            return Ok(());
        }
        begin_write(g)?;
        let small = g.load(DIR_LEN, "reads dirLen")? == 0;
        let place = if small {
            find_small(g, key)?
        } else {
            find_table(g, key)?.present
        };
        if let Some(place) = place {
            if !small {
                let table = current_table(g)?;
                g.add(
                    table + TABLE_USED,
                    -1,
                    ["reads the table's used", "writes the table's used"],
                )?;
            }
            g.add(USED, -1, COUNT)?;
            g.store(place.elem(), 0, "clears the element")?;
            if small {
                g.store_byte(place.group, place.slot, EMPTY, "marks the slot empty")?;
            } else {
                let control = Control(g.load(place.group, "reads the control word")?);
                if control.empty().is_empty() {
                    g.store_byte(place.group, place.slot, DELETED, "leaves a tombstone")?;
                    if self.behaviour.tracks_tombstones {
                        g.store(TOMBSTONE_POSSIBLE, 1, "notes that there are tombstones")?;
                    }
                } else {
                    g.store_byte(place.group, place.slot, EMPTY, "marks the slot empty")?;
                    let table = current_table(g)?;
                    g.add(table + GROWTH_LEFT, 1, GROWTH)?;
                }
            }
        }
        end_write(g)
    }

    /// `clear(m)`.
    pub(super) fn clear(self, g: &mut Goroutine<'_>) -> Step<()> {
        if g.load(USED, "reads used")? == 0
            && !(self.behaviour.tracks_tombstones
                && g.load(TOMBSTONE_POSSIBLE, "looks if there may be tombstones")? != 0)
        {
            return Ok(());
        }
        begin_write(g)?;
        if g.load(DIR_LEN, "reads dirLen")? == 0 {
            let group = group_of_small(g)?;
            clear_group(g, group)?;
        } else {
            let table = current_table(g)?;
            let groups = g.load(table + GROUPS, "reads the number of groups")?;
            for i in 0..groups {
                clear_group(g, table + FIRST_GROUP + i * GROUP_WORDS)?;
            }
            g.store(table + TABLE_USED, 0, "sets the table's used to 0")?;
            g.store(table + GROWTH_LEFT, groups * 7, "resets growthLeft")?;
            if self.behaviour.tracks_tombstones {
                g.store(TOMBSTONE_POSSIBLE, 0, "notes that no tombstones are left")?;
            }
        }
        g.store(USED, 0, "sets used to 0")?;
        end_write(g)
    }

    /// `for k, v := range m`, from the first slot on.
    pub(super) fn range(self, g: &mut Goroutine<'_>) -> Step<Vec<(u64, u64)>> {
        let mut seen = Vec::new();
        if g.load(USED, "reads used")? == 0 {
            return Ok(seen);
        }
        let small = g.load(DIR_LEN, "reads dirLen")? == 0;
        let (start, groups, table) = if small {
            (group_of_small(g)?, 1, 0)
        } else {
            let table = current_table(g)?;
            (
                table + FIRST_GROUP,
                g.load(table + GROUPS, "reads the number of groups")?,
                table,
            )
        };
        let mut entry = 0;
        let mut asked = true;
        loop {
            // `Iter.Next` looks once for each entry and once more at the end, not at keys that
            // are no longer there.
            if asked && g.load(WRITING, "checks that nobody writes")? != 0 {
                return Err(Race::IterationAndWrite.into());
            }
            let mut next = None;
            while entry < groups * SLOTS as u64 && next.is_none() {
                let group = start + entry / SLOTS as u64 * GROUP_WORDS;
                let control = Control(g.load(group, "reads the control word")?);
                let slot = (entry % SLOTS as u64) as usize;
                match control.full().from(slot).next() {
                    Some(full) => {
                        entry += (full - slot) as u64 + 1;
                        next = Some(Place { group, slot: full });
                    }
                    None => entry += (SLOTS - slot) as u64,
                }
            }
            let Some(place) = next else { return Ok(seen) };
            let key = g.load(place.key(), "reads the key")?;
            let grown = if small {
                g.load(DIR_LEN, "looks if the map has grown")? > 0
            } else {
                current_table(g)? != table
            };
            let elem = match grown {
                false => Some(g.load(place.elem(), "reads the element")?),
                true => self.get(g, key)?,
            };
            asked = elem.is_some();
            seen.extend(elem.map(|elem| (key, elem)));
        }
    }

    /// `len(m)`.
    pub(super) fn len(self, g: &mut Goroutine<'_>) -> Step<u64> {
        g.load(USED, "reads used")
    }

    /// All entries, as they lie in a map that nobody uses.
    pub(super) fn entries(self, memory: &Memory) -> Vec<(u64, u64)> {
        let start = memory.word(DIR_PTR);
        let (first, groups) = if memory.word(DIR_LEN) == 0 {
            (start, u64::from(start != 0))
        } else {
            let table = memory.word(start);
            (table + FIRST_GROUP, memory.word(table + GROUPS))
        };
        let group = |i: u64| first + i * GROUP_WORDS;
        (0..groups)
            .flat_map(|i| {
                Control(memory.word(group(i)))
                    .full()
                    .map(move |slot| Place {
                        group: group(i),
                        slot,
                    })
            })
            .map(|place| (memory.word(place.key()), memory.word(place.elem())))
            .collect()
    }
}

fn begin_write(g: &mut Goroutine<'_>) -> Step<()> {
    if g.load(WRITING, "checks that nobody writes")? != 0 {
        return Err(Race::Writes.into());
    }
    g.toggle(WRITING, 1, TOGGLE)
}

fn end_write(g: &mut Goroutine<'_>) -> Step<()> {
    if g.load(WRITING, "checks that it is still writing")? == 0 {
        return Err(Race::Writes.into());
    }
    g.toggle(WRITING, 1, TOGGLE)
}

/// The small map's group. If the map has become a table since, the pointer leads to a directory.
fn group_of_small(g: &mut Goroutine<'_>) -> Step<u64> {
    let group = g.load(DIR_PTR, "reads the pointer to the group")?;
    g.expect(group, Object::Group)
}

fn find_in_group(
    g: &mut Goroutine<'_>,
    group: u64,
    control: Control,
    hash: u64,
    key: u64,
) -> Step<Option<Place>> {
    for slot in control.full().filter(|&slot| control.get(slot) == h2(hash)) {
        let place = Place { group, slot };
        if g.load(place.key(), "compares a key")? == key {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn find(g: &mut Goroutine<'_>, key: u64) -> Step<Option<Place>> {
    if g.load(DIR_LEN, "reads dirLen")? == 0 {
        find_small(g, key)
    } else {
        Ok(find_table(g, key)?.present)
    }
}

fn find_small(g: &mut Goroutine<'_>, key: u64) -> Step<Option<Place>> {
    let group = group_of_small(g)?;
    let control = Control(g.load(group, "reads the control word")?);
    find_in_group(g, group, control, hash_of(key), key)
}

/// The table that the directory of one place holds.
fn current_table(g: &mut Goroutine<'_>) -> Step<u64> {
    let directory = g.load(DIR_PTR, "reads the pointer to the directory")?;
    let directory = g.expect(directory, Object::Directory)?;
    let table = g.load(directory, "reads the pointer to the table")?;
    g.expect(table, Object::Table)
}

/// Where a new key goes.
#[derive(Clone, Copy)]
struct Free {
    place: Place,
    /// Whether it takes the place of a deleted one.
    tombstone: bool,
}

/// What looking for a key in the table has found: its place, or else where it would go.
struct Found {
    table: u64,
    present: Option<Place>,
    free: Option<Free>,
}

fn find_table(g: &mut Goroutine<'_>, key: u64) -> Step<Found> {
    let hash = hash_of(key);
    let table = current_table(g)?;
    let groups = g.load(table + GROUPS, "reads the number of groups")?;
    if !groups.is_power_of_two() {
        return Err(Stop::Wild);
    }
    let (mut group, mut step) = (h1(hash) & (groups - 1), 0);
    let mut deleted = None;
    while step < groups {
        let at = table + FIRST_GROUP + group * GROUP_WORDS;
        let control = Control(g.load(at, "reads a control word")?);
        if let Some(place) = find_in_group(g, at, control, hash, key)? {
            return Ok(Found {
                table,
                present: Some(place),
                free: None,
            });
        }
        if let Some(slot) = control.empty().next() {
            let end = Free {
                place: Place { group: at, slot },
                tombstone: false,
            };
            return Ok(Found {
                table,
                present: None,
                free: deleted.or(Some(end)),
            });
        }
        if let (None, Some(slot)) = (deleted, control.empty_or_deleted().next()) {
            deleted = Some(Free {
                place: Place { group: at, slot },
                tombstone: true,
            });
        }
        step += 1;
        group = (group + step) & (groups - 1);
    }
    Err(Stop::Wild)
}

/// `pruneTombstones`: makes tombstones that no key's probing passes empty slots again, if that
/// restores a tenth of the capacity.
fn prune_tombstones(g: &mut Goroutine<'_>, table: u64) -> Step<()> {
    let groups = g.load(table + GROUPS, "reads the number of groups")?;
    if !groups.is_power_of_two() || groups > MAX_GROUPS {
        return Err(Stop::Wild);
    }
    let slots = groups * SLOTS as u64;
    let used = g.load(table + TABLE_USED, "reads the table's used")?;
    let left = g.load(table + GROWTH_LEFT, "reads growthLeft")?;
    // Sixteen bits in the runtime.
    let tombstones = (slots * 7 / 8).wrapping_sub(used).wrapping_sub(left) & 0xffff;
    if tombstones * 10 < slots {
        return Ok(());
    }
    let group = |number: u64| table + FIRST_GROUP + number * GROUP_WORDS;
    let mut needed = vec![false; groups as usize];
    for number in 0..groups {
        let control = Control(g.load(group(number), "reads a control word to prune")?);
        for slot in control.full() {
            let place = Place {
                group: group(number),
                slot,
            };
            let key = g.load(place.key(), "reads a key to trace its probing")?;
            let (mut at, mut step) = (h1(hash_of(key)) & (groups - 1), 0);
            while at != number && step < groups {
                let passed = Control(g.load(group(at), "reads a control word on its way")?);
                needed[at as usize] |= !passed.empty_or_deleted().is_empty();
                step += 1;
                at = (at + step) & (groups - 1);
            }
        }
        needed[number as usize] |= !control.empty().is_empty();
    }
    let mut free = Vec::new();
    for number in (0..groups).filter(|number| !needed[*number as usize]) {
        let control = Control(g.load(group(number), "counts tombstones to prune")?);
        free.extend(control.empty_or_deleted().map(|slot| (group(number), slot)));
    }
    if (free.len() as u64) * 10 < slots {
        return Ok(());
    }
    for (group, slot) in free {
        g.store_byte(group, slot, EMPTY, "makes a tombstone an empty slot")?;
        g.add(table + GROWTH_LEFT, 1, GROWTH)?;
    }
    Ok(())
}

fn copy_group(g: &mut Goroutine<'_>, group: u64, to: &mut NewTable) -> Step<()> {
    let control = Control(g.load(group, "reads the control word to copy")?);
    for slot in control.full() {
        let place = Place { group, slot };
        let key = g.load(place.key(), "reads a key to copy")?;
        let elem = g.load(place.elem(), "reads an element to copy")?;
        to.put(key, elem)?;
    }
    Ok(())
}

fn grow_to_table(g: &mut Goroutine<'_>) -> Step<()> {
    let mut table = NewTable::new(2);
    let group = group_of_small(g)?;
    copy_group(g, group, &mut table)?;
    g.publish(DIR_PTR, "installs the directory", |memory| {
        let table = memory.allocate(Object::Table, &table.0);
        memory.allocate(Object::Directory, &[table])
    })?;
    g.store(DIR_LEN, 1, "writes dirLen")
}

fn grow_table(g: &mut Goroutine<'_>, table: u64) -> Step<()> {
    let groups = g.load(table + GROUPS, "reads the number of groups")?;
    if !groups.is_power_of_two() || groups > MAX_GROUPS / 2 {
        return Err(Stop::Wild);
    }
    let mut new = NewTable::new(2 * groups);
    for i in 0..groups {
        copy_group(g, table + FIRST_GROUP + i * GROUP_WORDS, &mut new)?;
    }
    let directory = g.load(DIR_PTR, "reads the pointer to the directory")?;
    let directory = g.expect(directory, Object::Directory)?;
    g.publish(directory, "installs the larger table", |memory| {
        memory.allocate(Object::Table, &new.0)
    })?;
    Ok(())
}

fn clear_group(g: &mut Goroutine<'_>, group: u64) -> Step<()> {
    for slot in 0..SLOTS {
        let place = Place { group, slot };
        g.store(place.key(), 0, "clears a key")?;
        g.store(place.elem(), 0, "clears an element")?;
    }
    g.store(group, ALL_EMPTY, "marks all slots empty")
}
