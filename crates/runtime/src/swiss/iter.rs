//! Iteration over a Swiss map (internal/runtime/maps/table.go `Iter`).

use std::sync::Arc;

use super::group::Slot;
use super::table::Table;
use super::{Storage, SwissMap};
use crate::fault::{Fault, Race};
use crate::map_type::SLOTS;
use crate::ops::{Entry, Ops};
use crate::random::{Draw, Random};

/// An iteration. It borrows nothing: the map may be changed between two calls of
/// [`SwissIter::next`], as in a range loop's body.
#[derive(Clone, Debug)]
pub struct SwissIter {
    state: Option<State>,
}

#[derive(Clone, Debug)]
struct State {
    entry_offset: u64,
    dir_offset: u64,
    clear_seq: u64,
    global_depth: u8,
    /// Place in the directory before `dir_offset`; none if the map was small at the start.
    dir_idx: Option<u64>,
    table: Option<Position>,
    /// Place in the table before `entry_offset`.
    entry_idx: u64,
    _alive: Arc<()>,
}

/// The table that an iteration is in.
#[derive(Clone, Copy, Debug)]
struct Position {
    id: u32,
    serial: u64,
    local_depth: u8,
    capacity: u64,
}

impl SwissIter {
    pub(super) fn new<O: Ops, R: Random>(map: &mut SwissMap<O, R>) -> Self {
        if map.used == 0 {
            return Self { state: None };
        }
        let entry_offset = map.random.draw(Draw::Iteration);
        let dir_offset = map.random.draw(Draw::Iteration);
        let dir_idx = match map.storage {
            Storage::Tables { .. } => Some(0),
            Storage::None | Storage::Small(_) => None,
        };
        Self {
            state: Some(State {
                entry_offset,
                dir_offset,
                clear_seq: map.clear_seq,
                global_depth: map.global_depth,
                dir_idx,
                table: None,
                entry_idx: 0,
                _alive: map.iterators.clone(),
            }),
        }
    }

    /// The random start, as drawn: offsets of the first slot in every table and of the first place
    /// in the directory, to be taken modulo their sizes. None if the map was empty.
    #[must_use]
    pub fn start(&self) -> Option<(u64, u64)> {
        let state = self.state.as_ref()?;
        Some((state.entry_offset, state.dir_offset))
    }

    /// The next entry, if there is one.
    ///
    /// # Errors
    /// Someone is writing, or a key can't be read.
    pub fn next<'m, O: Ops, R: Random>(
        &mut self,
        map: &'m SwissMap<O, R>,
    ) -> Result<Option<Entry<'m, O>>, Fault> {
        let Some(state) = &mut self.state else {
            return Ok(None);
        };
        if map.writing != 0 {
            return Err(Race::IterationAndWrite.into());
        }
        if state.dir_idx.is_none() {
            state.next_small(map)
        } else {
            state.next_full(map)
        }
    }
}

impl State {
    fn next_small<'m, O: Ops, R: Random>(
        &mut self,
        map: &'m SwissMap<O, R>,
    ) -> Result<Option<Entry<'m, O>>, Fault> {
        let (group, grown) = match &map.storage {
            Storage::Small(group) => (group, false),
            Storage::Tables { .. } | Storage::None => match &map.stale_small {
                Some(group) => (group, true),
                None => return Ok(None),
            },
        };
        while self.entry_idx < SLOTS as u64 {
            let slot = (self.entry_idx.wrapping_add(self.entry_offset) % SLOTS as u64) as usize;
            self.entry_idx += 1;
            if group.control.get(slot) & 0x80 != 0 {
                continue;
            }
            if let Some(entry) = self.current(map, &group.slots[slot], grown)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The entry of a full slot, as it is now: a table that has grown only says which keys to
    /// look up, except for keys that can't be looked up.
    fn current<'m, O: Ops, R: Random>(
        &self,
        map: &'m SwissMap<O, R>,
        slot: &'m Slot<O::Key, O::Elem>,
        grown: bool,
    ) -> Result<Option<Entry<'m, O>>, Fault> {
        if !grown {
            return Ok(Some((&slot.key, &slot.elem)));
        }
        if let Some(now) = map.get_entry(&slot.key)? {
            return Ok(Some(now));
        }
        let unfindable = !map.ops.equal(&slot.key, &slot.key);
        Ok((self.clear_seq == map.clear_seq && unfindable).then_some((&slot.key, &slot.elem)))
    }

    fn next_full<'m, O: Ops, R: Random>(
        &mut self,
        map: &'m SwissMap<O, R>,
    ) -> Result<Option<Entry<'m, O>>, Fault> {
        let Storage::Tables { directory, tables } = &map.storage else {
            return Ok(None);
        };
        let Some(mut dir_idx) = self.dir_idx else {
            return Ok(None);
        };
        // The directory has doubled since: so do places in it.
        let orders = map.global_depth - self.global_depth;
        dir_idx <<= orders;
        self.dir_offset <<= orders;
        self.global_depth = map.global_depth;

        while dir_idx < directory.len() as u64 {
            self.dir_idx = Some(dir_idx);
            let position = match self.table {
                Some(position) => position,
                None => {
                    let mask = directory.len() as u64 - 1;
                    let at = dir_idx.wrapping_add(self.dir_offset) & mask;
                    let Some(&id) = directory.get(at as usize) else {
                        return Ok(None);
                    };
                    let Some(table) = tables.get(id as usize) else {
                        return Ok(None);
                    };
                    // A random start may lie within a table's run of places: back to its first.
                    self.dir_offset = self
                        .dir_offset
                        .wrapping_sub(at.wrapping_sub(table.index as u64));
                    let position = Position {
                        id,
                        serial: table.serial,
                        local_depth: table.local_depth,
                        capacity: u64::from(table.capacity),
                    };
                    self.table = Some(position);
                    position
                }
            };
            if let Some((table, stale)) = find_table(map, tables, position)
                && let Some(entry) = self.next_in_table(map, table, position, stale)?
            {
                return Ok(Some(entry));
            }
            // All places of the table's run, the halves of one that has split included.
            dir_idx += 1 << (map.global_depth - position.local_depth);
            self.table = None;
            self.entry_idx = 0;
        }
        self.dir_idx = Some(dir_idx);
        Ok(None)
    }

    fn next_in_table<'m, O: Ops, R: Random>(
        &mut self,
        map: &'m SwissMap<O, R>,
        table: &'m Table<O::Key, O::Elem>,
        position: Position,
        stale: bool,
    ) -> Result<Option<Entry<'m, O>>, Fault> {
        let mask = position.capacity - 1;
        let place = |entry_idx: u64| {
            let entry = entry_idx.wrapping_add(self.entry_offset) & mask;
            (
                (entry / SLOTS as u64) as usize,
                (entry % SLOTS as u64) as usize,
            )
        };
        // First the very next slot. If it is full, that is all that is looked at, so an entry that
        // is added behind it before the next call can still be seen.
        if self.entry_idx > mask {
            return Ok(None);
        }
        let (group, slot) = place(self.entry_idx);
        let Some(group) = table.groups.get(group) else {
            return Ok(None);
        };
        self.entry_idx += 1;
        if group.control.get(slot) & 0x80 == 0
            && let Some(entry) = self.current(map, &group.slots[slot], stale)?
        {
            return Ok(Some(entry));
        }
        // Else the next full slot by control words; and then the one after it is chosen now.
        while self.entry_idx <= mask {
            let (group, mut slot) = place(self.entry_idx);
            let Some(group) = table.groups.get(group) else {
                break;
            };
            let mut full = group.control.full().from(slot);
            while let Some(next) = full.next() {
                self.entry_idx += (next - slot) as u64;
                slot = next;
                if self.entry_idx > mask {
                    return Ok(None);
                }
                let entry = self.current(map, &group.slots[slot], stale)?;
                if entry.is_some() {
                    let after = if full.is_empty() { SLOTS } else { full.first() };
                    self.entry_idx += (after - slot) as u64;
                    return Ok(entry);
                }
            }
            self.entry_idx += (SLOTS - slot) as u64;
        }
        Ok(None)
    }
}

type TableOf<O> = Table<<O as Ops>::Key, <O as Ops>::Elem>;

/// The table an iteration is in, and whether it has been replaced since.
fn find_table<'a, O: Ops, R>(
    map: &'a SwissMap<O, R>,
    tables: &'a [Table<O::Key, O::Elem>],
    position: Position,
) -> Option<(&'a TableOf<O>, bool)> {
    match tables.get(position.id as usize) {
        Some(table) if table.serial == position.serial => Some((table, false)),
        _ => {
            let stale = map
                .stale
                .iter()
                .find(|table| table.serial == position.serial)?;
            Some((stale, true))
        }
    }
}
