//! The state of a map as plain data, to be drawn.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;
use tophash_runtime::classic::{
    Bucket, BucketArray, EMPTY_ONE, EVACUATED_EMPTY, EVACUATED_X, MIN_TOP_HASH, Target, flags,
};
use tophash_runtime::swiss::{Control, DELETED, Group, Storage, Table};
use tophash_runtime::{ClassicEvent, ClassicMap, Event, SLOTS, SplitMix, SwissEvent, SwissMap};

use crate::model::Model;
use crate::ops::LabOps;
use crate::value::Value;

/// Longest key or element in a cell, in characters.
const MAX_TEXT: usize = 24;

/// Buckets of an array and groups of a table that are drawn, unless all are asked for.
const MAX_ROWS: usize = 16;

/// Groups of a table that are drawn if there are several tables.
const MAX_ROWS_OF_MANY: usize = 6;

/// The same if all are asked for.
const MAX_ROWS_ALL: usize = 1024;

/// Tables that are drawn.
const MAX_TABLES: usize = 4;

/// Entries of the largest map of which every change is found; of larger ones, only the key that
/// was named.
const MAX_COMPARED: usize = 2000;

/// A drawing of a map.
#[derive(Clone, Debug, Serialize)]
pub struct Picture {
    /// What is known of the header, as names and values.
    pub header: Vec<(&'static str, String)>,
    /// Arrays, tables, the small group.
    pub parts: Vec<Part>,
}

/// A bucket array, a table or a group.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// What it is.
    pub title: String,
    /// Its rows, as far as they are drawn.
    pub rows: Vec<Row>,
    /// Entries of all buckets or groups in order, if not all are drawn.
    pub loads: Vec<u32>,
    /// What is left out, in words.
    pub left_out: Option<String>,
}

/// A bucket, an overflow bucket, a group or a part of the directory.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// A word on its state, drawn instead of cells if there are none.
    pub note: String,
    /// The eight slots; none if nothing in them is worth a look.
    pub cells: Vec<Cell>,
}

/// What a slot's byte says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It holds an entry.
    Full,
    /// It is free.
    Empty,
    /// It is free, and slots after it in the chain are in use.
    Hole,
    /// It is free for new entries, but probing goes on past it.
    Tombstone,
    /// Its entry has moved to the new array.
    Moved,
}

/// What has become of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Nothing.
    None,
    /// Its entry is new in the map.
    New,
    /// Its entry was elsewhere before.
    Moved,
    /// Its element is another.
    Changed,
    /// Its entry is gone from here.
    Gone,
    /// Its entry was found.
    Found,
}

/// A slot.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// The tophash or control byte.
    pub byte: u8,
    /// What the byte says.
    pub state: State,
    /// The key, or a word on the state.
    pub key: String,
    /// The element.
    pub elem: String,
    /// What has become of it.
    pub mark: Mark,
    /// Whether the iteration in progress has visited the key.
    pub seen: bool,
}

/// Where a slot is: which array or table of which size, which bucket or group, how far down the
/// chain, which slot.
type Spot = (Region, usize, usize, usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Region {
    Current(usize),
    Old(usize),
    Small,
    /// A table is replaced by one of another size or depth.
    Table(u32, u16, u8),
}

/// The entries of a map with their places, to find out what an operation has changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    by_key: HashMap<String, (Spot, String)>,
    full: HashSet<Spot>,
    complete: bool,
}

/// What a picture is drawn with.
pub(crate) struct View<'a> {
    pub(crate) before: &'a Index,
    pub(crate) events: &'a [Event],
    /// The key that the command named.
    pub(crate) key: Option<&'a Value>,
    pub(crate) seen: &'a HashSet<String>,
    pub(crate) all: bool,
}

/// Text of a key or element for a cell.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_TEXT) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// The chain of a bucket.
pub(crate) fn chain_of(
    array: &BucketArray<Value, Value>,
    number: usize,
) -> impl Iterator<Item = &Bucket<Value, Value>> {
    array.chain(number)
}

fn for_each_slot(model: &Model, mut visit: impl FnMut(Spot, &Value, &Value)) {
    match model {
        Model::Nil(_) => {}
        Model::Classic(map) => {
            let arrays = [(map.buckets(), true), (map.old_buckets(), false)];
            for (array, is_current) in arrays {
                let Some(array) = array else { continue };
                let region = if is_current {
                    Region::Current(array.base)
                } else {
                    Region::Old(array.base)
                };
                for number in 0..array.base {
                    for (depth, bucket) in chain_of(array, number).enumerate() {
                        for slot in (0..SLOTS).filter(|&i| bucket.top[i] >= MIN_TOP_HASH) {
                            visit(
                                (region, number, depth, slot),
                                &bucket.keys[slot],
                                &bucket.elems[slot],
                            );
                        }
                    }
                }
            }
        }
        Model::Swiss(map) => {
            let mut group = |region, number, group: &Group<Value, Value>| {
                for slot in (0..SLOTS).filter(|&i| group.control.get(i) & 0x80 == 0) {
                    let entry = &group.slots[slot];
                    visit((region, number, 0, slot), &entry.key, &entry.elem);
                }
            };
            match map.storage() {
                Storage::None => {}
                Storage::Small(small) => group(Region::Small, 0, small),
                Storage::Tables { tables, .. } => {
                    for (table, id) in tables.iter().zip(0..) {
                        for (number, g) in table.groups.iter().enumerate() {
                            group(
                                Region::Table(id, table.capacity, table.local_depth),
                                number,
                                g,
                            );
                        }
                    }
                }
            }
        }
    }
}

/// All entries in the order of their slots.
pub(crate) fn entries(model: &Model) -> Vec<(Value, Value)> {
    let mut entries = Vec::with_capacity(model.len());
    for_each_slot(model, |_, key, elem| {
        entries.push((key.clone(), elem.clone()))
    });
    entries
}

impl Index {
    pub(crate) fn of(model: &Model) -> Self {
        let mut index = Self {
            complete: model.len() <= MAX_COMPARED,
            ..Self::default()
        };
        if index.complete {
            for_each_slot(model, |spot, key, elem| {
                index.full.insert(spot);
                index
                    .by_key
                    .insert(key.identity(), (spot, elem.to_string()));
            });
        }
        index
    }

    /// The index as seen after a growth has made the buckets the old ones.
    fn aged(&self, grew: bool) -> Self {
        let age = |(region, bucket, depth, slot): Spot| {
            let region = match region {
                Region::Current(size) if grew => Region::Old(size),
                region => region,
            };
            (region, bucket, depth, slot)
        };
        Self {
            by_key: self
                .by_key
                .iter()
                .map(|(key, (spot, elem))| (key.clone(), (age(*spot), elem.clone())))
                .collect(),
            full: self.full.iter().map(|spot| age(*spot)).collect(),
            complete: self.complete,
        }
    }
}

/// Makes the drawing of a map.
pub(crate) fn draw(model: &Model, view: &View<'_>) -> Picture {
    let grew = view
        .events
        .iter()
        .any(|event| matches!(event, Event::Classic(ClassicEvent::Grows { .. })));
    let before = view.before.aged(grew);
    let named = view.key.map(Value::identity);
    let artist = Artist {
        before: &before,
        named: named.as_deref(),
        view,
    };
    match model {
        Model::Nil(_) => Picture {
            header: vec![("map", "nil".to_owned())],
            parts: Vec::new(),
        },
        Model::Classic(map) => artist.classic(map),
        Model::Swiss(map) => artist.swiss(map),
    }
}

struct Artist<'a> {
    before: &'a Index,
    named: Option<&'a str>,
    view: &'a View<'a>,
}

/// Names of the flags that are set.
fn flag_names(set: u8) -> String {
    let names: Vec<&str> = [
        (flags::ITERATOR, "iterator"),
        (flags::OLD_ITERATOR, "oldIterator"),
        (flags::HASH_WRITING, "hashWriting"),
        (flags::SAME_SIZE_GROW, "sameSizeGrow"),
    ]
    .into_iter()
    .filter(|(bit, _)| set & bit != 0)
    .map(|(_, name)| name)
    .collect();
    if names.is_empty() {
        "0".to_owned()
    } else {
        names.join("|")
    }
}

/// A number and its noun.
pub(crate) fn count(n: u64, noun: &str) -> String {
    let es = noun.ends_with("ch") || noun.ends_with('s');
    match n {
        1 => format!("1 {noun}"),
        _ if noun == "entry" => format!("{n} entries"),
        _ if noun == "directory" => format!("{n} directories"),
        _ if es => format!("{n} {noun}es"),
        _ => format!("{n} {noun}s"),
    }
}

impl Artist<'_> {
    /// Which of `len` buckets or groups to draw: those that were touched, then the first.
    fn choose(&self, len: usize, touched: &BTreeSet<usize>, limit: usize) -> Vec<usize> {
        let limit = if self.view.all { MAX_ROWS_ALL } else { limit };
        if len <= limit {
            return (0..len).collect();
        }
        let mut chosen: BTreeSet<usize> = touched
            .iter()
            .copied()
            .filter(|&n| n < len)
            .take(limit)
            .collect();
        for n in 0..len {
            if chosen.len() >= limit {
                break;
            }
            chosen.insert(n);
        }
        chosen.into_iter().collect()
    }

    fn mark(&self, spot: Spot, key: &Value, elem: &Value) -> Mark {
        let name = key.identity();
        let found = if self.named == Some(name.as_str()) {
            Mark::Found
        } else {
            Mark::None
        };
        if !self.before.complete {
            return found;
        }
        if key.is_nan() {
            return if self.before.full.contains(&spot) {
                Mark::None
            } else {
                Mark::New
            };
        }
        match self.before.by_key.get(&name) {
            None => Mark::New,
            Some((place, _)) if *place != spot => Mark::Moved,
            Some((_, before)) if *before != elem.to_string() => Mark::Changed,
            Some(_) => found,
        }
    }

    fn full(&self, spot: Spot, byte: u8, key: &Value, elem: &Value) -> Cell {
        Cell {
            byte,
            state: State::Full,
            key: short(key),
            elem: short(elem),
            mark: self.mark(spot, key, elem),
            seen: self.view.seen.contains(&key.identity()),
        }
    }

    fn free(&self, spot: Spot, byte: u8, state: State, word: String) -> Cell {
        let mark = match state {
            _ if !self.before.full.contains(&spot) => Mark::None,
            State::Moved => Mark::Moved,
            _ => Mark::Gone,
        };
        Cell {
            byte,
            state,
            key: word,
            elem: String::new(),
            mark,
            seen: false,
        }
    }

    fn classic(&self, map: &ClassicMap<LabOps, SplitMix>) -> Picture {
        let h = map.header();
        let mut header = vec![
            ("count", h.count.to_string()),
            ("B", format!("{} ({})", h.b, count(1 << h.b, "bucket"))),
            ("noverflow", h.noverflow.to_string()),
            ("hash0", format!("{:#010x}", h.hash0)),
            ("flags", flag_names(h.flags)),
        ];
        let mut parts = Vec::new();
        if let Some(array) = map.buckets() {
            let name = if map.old_buckets().is_some() {
                "new buckets"
            } else {
                "buckets"
            };
            parts.push(self.array(map, array, name, true));
        } else {
            parts.push(Part {
                title: "no bucket yet: the first write allocates it".to_owned(),
                rows: Vec::new(),
                loads: Vec::new(),
                left_out: None,
            });
        }
        if let Some(old) = map.old_buckets() {
            header.push(("nevacuate", h.nevacuate.to_string()));
            parts.insert(0, self.array(map, old, "old buckets", false));
        }
        Picture { header, parts }
    }

    fn array(
        &self,
        map: &ClassicMap<LabOps, SplitMix>,
        array: &BucketArray<Value, Value>,
        name: &str,
        is_current: bool,
    ) -> Part {
        let base = array.base;
        let region = if is_current {
            Region::Current(base)
        } else {
            Region::Old(base)
        };
        let touched: BTreeSet<usize> = self
            .view
            .events
            .iter()
            .flat_map(|event| match *event {
                Event::Classic(
                    ClassicEvent::Bucket { number, .. } | ClassicEvent::Visits { number, .. },
                ) => {
                    vec![number as usize & (base - 1)]
                }
                Event::Classic(ClassicEvent::Evacuated { number, half, .. }) => {
                    [Some(number), half]
                        .into_iter()
                        .flatten()
                        .map(|n| n as usize)
                        .collect()
                }
                _ => Vec::new(),
            })
            .collect();
        let chosen = self.choose(base, &touched, MAX_ROWS);
        let load = |number: usize| {
            chain_of(array, number)
                .flat_map(|bucket| bucket.top)
                .filter(|&top| top >= MIN_TOP_HASH)
                .count() as u32
        };
        let mut rows = Vec::new();
        for &number in &chosen {
            self.chain(map, array, region, number, &mut rows);
        }
        let entries: u64 = (0..base)
            .filter(|n| chosen.binary_search(n).is_err())
            .map(|n| u64::from(load(n)))
            .sum();
        let hidden = base - chosen.len();
        let spare = array.buckets.len() - base;
        let title = match spare {
            0 => format!("{name} ({base})"),
            _ => format!(
                "{name} ({base}, allocated with {})",
                count(spare as u64, "overflow bucket")
            ),
        };
        Part {
            title,
            rows,
            loads: if hidden > 0 {
                (0..base.min(MAX_ROWS_ALL)).map(load).collect()
            } else {
                Vec::new()
            },
            left_out: (hidden > 0).then(|| {
                format!(
                    "{} with {} not drawn",
                    count(hidden as u64, "more bucket"),
                    count(entries, "entry")
                )
            }),
        }
    }

    fn chain(
        &self,
        map: &ClassicMap<LabOps, SplitMix>,
        array: &BucketArray<Value, Value>,
        region: Region,
        number: usize,
        rows: &mut Vec<Row>,
    ) {
        for (depth, bucket) in chain_of(array, number).enumerate() {
            let evacuated = bucket.is_evacuated();
            let cells: Vec<Cell> = (0..SLOTS)
                .map(|slot| {
                    let byte = bucket.top[slot];
                    let spot = (region, number, depth, slot);
                    if byte >= MIN_TOP_HASH {
                        return self.full(spot, byte, &bucket.keys[slot], &bucket.elems[slot]);
                    }
                    let (state, word) = match byte {
                        EVACUATED_EMPTY => (State::Moved, String::new()),
                        _ if byte >= EVACUATED_X => {
                            let half = usize::from(byte - EVACUATED_X) * array.base;
                            let same = map.is_same_size_grow();
                            let to = if same { number } else { number + half };
                            (State::Moved, format!("→ {to}"))
                        }
                        EMPTY_ONE => (State::Hole, "empty".to_owned()),
                        _ => (State::Empty, String::new()),
                    };
                    self.free(spot, byte, state, word)
                })
                .collect();
            let name = match depth {
                0 => format!("bucket {number}"),
                _ => "└ overflow".to_owned(),
            };
            let note = match bucket.overflow.target() {
                _ if evacuated => "evacuated",
                Target::None => "",
                _ => "chained",
            };
            let dull = cells
                .iter()
                .all(|cell| cell.state == State::Empty && cell.mark == Mark::None);
            rows.push(Row {
                name,
                note: if dull {
                    "empty".to_owned()
                } else {
                    note.to_owned()
                },
                cells: if dull { Vec::new() } else { cells },
            });
        }
    }

    fn swiss(&self, map: &SwissMap<LabOps, SplitMix>) -> Picture {
        let h = map.header();
        let mut header = vec![
            ("used", h.used.to_string()),
            ("seed", format!("{:#018x}", h.seed)),
        ];
        if h.dir_len > 0 {
            header.push((
                "directory",
                format!(
                    "{} (globalDepth {})",
                    count(h.dir_len, "place"),
                    h.global_depth
                ),
            ));
        }
        if h.writing != 0 {
            header.push(("writing", h.writing.to_string()));
        }
        if h.tombstone_possible {
            header.push(("tombstonePossible", "true".to_owned()));
        }
        let mut parts = Vec::new();
        match map.storage() {
            Storage::None => parts.push(Part {
                title: "no group yet: the first write allocates it".to_owned(),
                rows: Vec::new(),
                loads: Vec::new(),
                left_out: None,
            }),
            Storage::Small(group) => parts.push(Part {
                title: "small map: one group, no table".to_owned(),
                rows: vec![self.group(group, Region::Small, 0)],
                loads: Vec::new(),
                left_out: None,
            }),
            Storage::Tables { directory, tables } => {
                if directory.len() > 1 {
                    parts.push(directory_part(directory, tables));
                }
                self.tables(tables, &mut parts);
            }
        }
        Picture { header, parts }
    }

    fn tables(&self, tables: &[Table<Value, Value>], parts: &mut Vec<Part>) {
        let touched: Vec<u32> = self
            .view
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Swiss(SwissEvent::Table { table, .. }) => Some(*table),
                _ => None,
            })
            .collect();
        let groups: BTreeSet<usize> = self
            .view
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Swiss(SwissEvent::Probed { group, .. }) => Some(*group),
                _ => None,
            })
            .collect();
        let mut order: Vec<(u32, &Table<Value, Value>)> = (0..).zip(tables).collect();
        order.sort_by_key(|(id, table)| (!touched.contains(id), table.index));
        let limit = if self.view.all {
            MAX_ROWS_ALL
        } else {
            MAX_TABLES
        };
        let hidden = order.len().saturating_sub(limit);
        order.truncate(limit);
        order.sort_by_key(|(_, table)| table.index);
        let rows = if order.len() > 1 {
            MAX_ROWS_OF_MANY
        } else {
            MAX_ROWS
        };
        for (id, table) in order {
            let none = BTreeSet::new();
            let mine = if touched.contains(&id) {
                &groups
            } else {
                &none
            };
            parts.push(self.table(id, table, mine, rows));
        }
        if hidden > 0
            && let Some(last) = parts.last_mut()
        {
            let tables = count(hidden as u64, "more table");
            let text = match last.left_out.take() {
                Some(before) => format!("{before}; {tables} not drawn"),
                None => format!("{tables} not drawn"),
            };
            last.left_out = Some(text);
        }
    }

    fn table(
        &self,
        id: u32,
        table: &Table<Value, Value>,
        touched: &BTreeSet<usize>,
        limit: usize,
    ) -> Part {
        let chosen = self.choose(table.groups.len(), touched, limit);
        let load = |group: &Group<Value, Value>| {
            (0..SLOTS)
                .filter(|&i| group.control.get(i) & 0x80 == 0)
                .count() as u32
        };
        let rows = chosen
            .iter()
            .filter_map(|&n| {
                Some(self.group(
                    table.groups.get(n)?,
                    Region::Table(id, table.capacity, table.local_depth),
                    n,
                ))
            })
            .collect();
        let hidden = table.groups.len() - chosen.len();
        let entries: u64 = table
            .groups
            .iter()
            .enumerate()
            .filter(|(n, _)| chosen.binary_search(n).is_err())
            .map(|(_, group)| u64::from(load(group)))
            .sum();
        let tombstones = table.tombstones();
        Part {
            title: format!(
                "table {}: {} slots, used {}, growthLeft {}, {}, localDepth {}",
                table.index,
                table.capacity,
                table.used,
                table.growth_left,
                count(tombstones.into(), "tombstone"),
                table.local_depth
            ),
            rows,
            loads: if hidden > 0 {
                table.groups.iter().map(load).collect()
            } else {
                Vec::new()
            },
            left_out: (hidden > 0).then(|| {
                format!(
                    "{} with {} not drawn",
                    count(hidden as u64, "more group"),
                    count(entries, "entry")
                )
            }),
        }
    }

    fn group(&self, group: &Group<Value, Value>, region: Region, number: usize) -> Row {
        let control: Control = group.control;
        let cells: Vec<Cell> = (0..SLOTS)
            .map(|slot| {
                let byte = control.get(slot);
                let spot = (region, number, 0, slot);
                if byte & 0x80 == 0 {
                    let entry = &group.slots[slot];
                    return self.full(spot, byte, &entry.key, &entry.elem);
                }
                let (state, word) = match byte {
                    DELETED => (State::Tombstone, "tomb"),
                    _ => (State::Empty, ""),
                };
                self.free(spot, byte, state, word.to_owned())
            })
            .collect();
        let dull = cells
            .iter()
            .all(|cell| cell.state == State::Empty && cell.mark == Mark::None);
        Row {
            name: format!("group {number}"),
            note: if dull {
                "empty".to_owned()
            } else {
                String::new()
            },
            cells: if dull { Vec::new() } else { cells },
        }
    }
}

/// Places of the directory, those of one table in one row.
fn directory_part(directory: &[u32], tables: &[Table<Value, Value>]) -> Part {
    let mut runs: Vec<(usize, usize, u32)> = Vec::new();
    for (place, &table) in directory.iter().enumerate() {
        match runs.last_mut() {
            Some((_, last, before)) if *before == table => *last = place,
            _ => runs.push((place, place, table)),
        }
    }
    let hidden = runs.len().saturating_sub(MAX_ROWS);
    let rows = runs
        .iter()
        .take(MAX_ROWS)
        .map(|(first, last, id)| Row {
            name: if first == last {
                format!("place {first}")
            } else {
                format!("{first} to {last}")
            },
            note: tables.get(*id as usize).map_or_else(String::new, |table| {
                format!(
                    "→ table {}, {}",
                    table.index,
                    count(table.used.into(), "entry")
                )
            }),
            cells: Vec::new(),
        })
        .collect();
    Part {
        title: "directory, chosen by the top bits of the hash".to_owned(),
        rows,
        loads: Vec::new(),
        left_out: (hidden > 0).then(|| format!("{} not drawn", count(hidden as u64, "more table"))),
    }
}
