//! What the runtime did and why, in sentences made of what the model told.

use tophash_runtime::classic::{BucketArray, Link, Target, top_hash};
use tophash_runtime::swiss::Storage;
use tophash_runtime::{Build, ClassicEvent, Event, GoVersion, Ops, SLOTS, SwissEvent, Variant};

use crate::model::Model;
use crate::picture::count;
use crate::value::Value;

/// What the command asked of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Put,
    Delete,
    Iterate,
    /// One of many puts: only what is out of the ordinary is told.
    Fill,
}

/// An operation to be explained, and the map after it.
pub(crate) struct Told<'a> {
    pub(crate) verb: Verb,
    pub(crate) build: Build,
    pub(crate) model: &'a Model,
    pub(crate) events: &'a [Event],
}

/// The sentences for an operation on one key.
pub(crate) fn explain(told: &Told<'_>) -> Vec<String> {
    let mut writer = Writer {
        told,
        out: Vec::new(),
        hash: None,
        overflows: 0,
        in_place: false,
        passed: Vec::new(),
    };
    for event in told.events {
        match event {
            Event::Hashed(hash) => writer.hash = Some(*hash),
            Event::Classic(event) => writer.classic(*event),
            Event::Swiss(event) => writer.swiss(*event),
        }
    }
    writer.finish()
}

struct Writer<'a> {
    told: &'a Told<'a>,
    out: Vec<String>,
    /// The key's hash, until it is told.
    hash: Option<u64>,
    /// Overflow buckets since the last event that they belong to.
    overflows: u64,
    /// Whether the hash and the place were told.
    in_place: bool,
    /// Groups that probing has passed.
    passed: Vec<usize>,
}

/// `6.5`, or `6` of Go 1.21.
pub(crate) fn load_factor(build: Build) -> &'static str {
    let twice = tophash_runtime::classic::Behaviour::of(build.version).load_factor_times_2;
    if twice == 12 { "6" } else { "6.5" }
}

/// How far down the chain of a bucket another bucket is.
fn depth(array: &BucketArray<Value, Value>, number: u64, bucket: Link) -> Option<usize> {
    let mut link = None;
    for depth in 0.. {
        let at = match link {
            None => array.buckets.get(number as usize)?,
            Some(Target::Array(index)) => array.buckets.get(index as usize)?,
            Some(Target::Single(index)) => array.singles.get(index as usize)?,
            Some(Target::None) => return None,
        };
        let here = match (link, bucket.target()) {
            (None, Target::Array(index)) => u64::from(index) == number,
            (Some(link), target) => link == target,
            _ => false,
        };
        if here {
            return Some(depth);
        }
        link = Some(at.overflow.target());
    }
    None
}

/// Number of the bucket that an operation was in.
fn last_bucket(events: &[Event]) -> Option<(u64, bool)> {
    events.iter().rev().find_map(|event| match event {
        Event::Classic(ClassicEvent::Bucket { number, old }) => Some((*number, *old)),
        _ => None,
    })
}

fn ordinal(n: usize) -> String {
    match n {
        1 => "its overflow bucket".to_owned(),
        2 => "its 2nd overflow bucket".to_owned(),
        3 => "its 3rd overflow bucket".to_owned(),
        n => format!("its {n}th overflow bucket"),
    }
}

impl Writer<'_> {
    fn quiet(&self) -> bool {
        self.told.verb == Verb::Fill
    }

    fn say(&mut self, sentence: String) {
        self.out.push(sentence);
    }

    /// `slot 3 of bucket 5`.
    fn slot(&self, bucket: Link, slot: usize) -> String {
        let place = last_bucket(self.told.events).and_then(|(number, old)| {
            let Model::Classic(map) = self.told.model else {
                return None;
            };
            let array = if old {
                map.old_buckets()?
            } else {
                map.buckets()?
            };
            Some((number, old, depth(array, number, bucket)?))
        });
        match place {
            Some((number, true, 0)) => format!("slot {slot} of old bucket {number}"),
            Some((number, false, 0)) => format!("slot {slot} of bucket {number}"),
            Some((.., depth)) => format!("slot {slot} of {}", ordinal(depth)),
            None => format!("slot {slot}"),
        }
    }

    fn classic(&mut self, event: ClassicEvent) {
        let Model::Classic(map) = self.told.model else {
            return;
        };
        let header = map.header();
        match event {
            ClassicEvent::FirstBucket => {
                self.say("the map had no bucket: the first write allocates one".to_owned());
            }
            ClassicEvent::Bucket { number, old }
                if !self.quiet() && self.told.verb != Verb::Iterate =>
            {
                let b = if old {
                    map.old_buckets()
                        .map_or(0, |array| array.base.trailing_zeros())
                } else {
                    u32::from(header.b)
                };
                // If the map has grown since, the event says what B was when this was told.
                let b = match self.growth() {
                    Some(before) if !self.in_place => u32::from(before),
                    _ => b,
                };
                let bits = match b {
                    0 => "there is only one".to_owned(),
                    1 => "the lowest bit of the hash".to_owned(),
                    _ => format!("the low {b} bits of the hash"),
                };
                let by_comparing = self.compares_keys().filter(|_| b == 0 && !old);
                match self.hash.take() {
                    Some(_) if by_comparing.is_some() => self.out.extend(by_comparing),
                    Some(hash) => self.say(format!(
                        "hash {hash:#018x}: {}bucket {number} ({bits}), top byte {:#04x}{}",
                        if old { "old " } else { "" },
                        top_hash(hash),
                        if old {
                            "; it has not been evacuated yet, so its entries are read there"
                        } else {
                            ""
                        },
                    )),
                    None if self.in_place => {
                        self.say(format!("in the new array that is bucket {number} ({bits})"))
                    }
                    None => {}
                }
                self.in_place = true;
            }
            ClassicEvent::Bucket { .. } => {}
            ClassicEvent::Found { bucket, slot } => {
                let place = self.slot(bucket, slot);
                let sentence = match self.told.verb {
                    Verb::Put if map.ops().traits().need_key_update => format!(
                        "the key is in {place}: element and key overwritten (equal keys of this type can differ)"
                    ),
                    Verb::Put => {
                        format!("the key is in {place}: its element is overwritten, the key stays")
                    }
                    Verb::Get => format!("found in {place}"),
                    Verb::Delete | Verb::Iterate | Verb::Fill => return,
                };
                self.say(sentence);
            }
            ClassicEvent::Inserted { bucket, slot } => {
                if self.overflows > 0 && !self.quiet() {
                    let number = last_bucket(self.told.events).map_or(0, |(number, _)| number);
                    self.say(format!(
                        "all slots of bucket {number}'s chain are full: chained an overflow bucket, noverflow {}",
                        header.noverflow
                    ));
                }
                self.overflows = 0;
                let place = self.slot(bucket, slot);
                if !self.quiet() {
                    self.say(format!(
                        "put into {place}, the first free one; count {}",
                        header.count
                    ));
                }
            }
            ClassicEvent::Removed { bucket, slot, rest } => {
                let place = self.slot(bucket, slot);
                self.say(if rest {
                    format!("{place} cleared and marked emptyRest (0): nothing follows it in the chain, so searches end there")
                } else {
                    format!("{place} cleared and marked emptyOne (1): slots after it are in use, so searches go on past it")
                });
            }
            ClassicEvent::Grows {
                same_size,
                count: entries,
                noverflow,
                b,
            } => {
                self.grows(same_size, entries, noverflow, b);
            }
            ClassicEvent::Evacuated {
                number,
                low,
                high,
                half,
                in_line,
            } => {
                let chained = match std::mem::take(&mut self.overflows) {
                    0 => String::new(),
                    n => format!(", chaining {}", count(n, "overflow bucket")),
                };
                if self.quiet() {
                    return;
                }
                let why = if in_line {
                    "next in line"
                } else {
                    "where this key belonged"
                };
                let to = match half {
                    _ if low + high == 0 => "it was empty".to_owned(),
                    None => format!("{} to new bucket {number}, packed", count(low, "entry")),
                    Some(half) => format!("{low} to bucket {number}, {high} to bucket {half}"),
                };
                self.say(format!(
                    "evacuated old bucket {number} ({why}): {to}{chained}"
                ));
            }
            ClassicEvent::Grown => {
                self.say("that was the last old bucket: the growth is complete and the old array dropped".to_owned());
            }
            ClassicEvent::Overflow { .. } => self.overflows += 1,
            ClassicEvent::Visits { number, old } => {
                self.say(if old {
                    format!("on to bucket {number}: its entries are still in an old bucket, from which those that will go to {number} are picked")
                } else {
                    format!("on to bucket {number}")
                });
            }
            ClassicEvent::Reseeded => {
                self.say("the map is empty now: it draws a new hash seed".to_owned());
            }
        }
    }

    /// B before the growth that the operation began, if it did.
    fn growth(&self) -> Option<u8> {
        self.told.events.iter().find_map(|event| match event {
            Event::Classic(ClassicEvent::Grows { b, .. }) => Some(*b),
            _ => None,
        })
    }

    fn grows(&mut self, same_size: bool, entries: u64, noverflow: u16, b: u8) {
        let buckets = 1_u64 << b;
        let with = entries + 1;
        if same_size {
            self.say(format!(
                "noverflow {noverflow} ≥ {}: too many overflow buckets for {}, though count {with} is not over the load limit: same-size growth into a new array of {buckets}",
                1_u64 << b.min(15),
                count(buckets, "bucket"),
            ));
        } else {
            let limit = if b == 0 {
                "8, the slots of one bucket".to_owned()
            } else {
                let twice = tophash_runtime::classic::Behaviour::of(self.told.build.version)
                    .load_factor_times_2;
                format!(
                    "{} × {buckets} = {}",
                    load_factor(self.told.build),
                    twice * (buckets / 2)
                )
            };
            self.say(format!(
                "count {with} > {limit}: doubled to {}; what is in the old {} is evacuated by the writes to come",
                count(2 * buckets, "bucket"),
                if buckets == 1 { "one".to_owned() } else { buckets.to_string() }
            ));
        }
    }

    fn swiss(&mut self, event: SwissEvent) {
        let Model::Swiss(map) = self.told.model else {
            return;
        };
        match event {
            SwissEvent::FirstGroup => {
                self.say("the map had no group: the first write allocates one of eight slots".to_owned());
            }
            SwissEvent::Table { place, table } => {
                if self.quiet() || self.told.verb == Verb::Iterate {
                    return;
                }
                let (mut len, mut index) = match map.storage() {
                    Storage::Tables { directory, tables } => (
                        directory.len(),
                        tables.get(table as usize).map_or(0, |table| table.index),
                    ),
                    _ => (1, 0),
                };
                if !self.in_place {
                    (len, index) = self.directory_before(len, index);
                }
                match self.hash.take() {
                    Some(hash) => {
                        let way = if len == 1 {
                            "one table".to_owned()
                        } else {
                            format!(
                                "directory place {place} (top {} of the hash), table {index}",
                                count(len.trailing_zeros().into(), "bit")
                            )
                        };
                        self.say(format!(
                            "hash {hash:#018x}: {way}; H2 (low 7 bits) {:#04x}",
                            hash & 0x7f
                        ));
                    }
                    None if self.in_place => {
                        self.passed.clear();
                        self.say(format!("searched again, in table {index}"));
                    }
                    None => {}
                }
                self.in_place = true;
            }
            SwissEvent::Probed { group, ends } if ends => {
                if self.quiet() || self.told.verb == Verb::Iterate {
                    self.passed.clear();
                    return;
                }
                let passed = std::mem::take(&mut self.passed);
                self.say(match passed.as_slice() {
                    [] => format!("probing starts at group {group} (H1 modulo the number of groups) and ends there, as it has an empty slot"),
                    [first, ..] => {
                        let names: Vec<String> = passed.iter().map(ToString::to_string).collect();
                        format!("probing starts at group {first} (H1 modulo the number of groups); {} without an empty slot passed: {}; it ends at group {group}",
                            if passed.len() == 1 { "a group" } else { "groups" }, names.join(", "))
                    }
                });
            }
            SwissEvent::Probed { group, .. } => self.passed.push(group),
            SwissEvent::Found { group, slot } => {
                self.small_hash();
                self.probed_until(group);
                let place = self.place(group, slot);
                let sentence = match self.told.verb {
                    Verb::Put if map.ops().traits().need_key_update => format!(
                        "the key is in {place}: element and key overwritten (equal keys of this type can differ)"
                    ),
                    Verb::Put => format!("the key is in {place}: its element is overwritten, the key stays"),
                    Verb::Get => format!("found in {place}"),
                    Verb::Delete | Verb::Iterate | Verb::Fill => return,
                };
                self.say(sentence);
            }
            SwissEvent::Inserted { group, slot, tombstone } => {
                if self.quiet() {
                    return;
                }
                self.small_hash();
                let place = self.place(group, slot);
                let left = self.growth_left();
                self.say(match (tombstone, left) {
                    (true, Some(left)) => format!("put into {place}, a tombstone that probing passed: growthLeft stays {left}"),
                    (_, Some(left)) => format!("put into {place}, the first empty one; growthLeft {left}"),
                    (_, None) => format!("put into {place}, the first empty one; used {}", map.len()),
                });
            }
            SwissEvent::Removed { group, slot, tombstone } => {
                self.small_hash();
                let place = self.place(group, slot);
                self.say(match (tombstone, self.is_small()) {
                    (_, true) => format!("{place} cleared and empty again: a small map needs no tombstones, its one group is always looked at whole"),
                    (true, _) => format!("{place} became a tombstone, because its group has no empty slot: probing for other keys may pass this group and must go on"),
                    (false, _) => format!(
                        "{place} cleared and empty again: its group has another empty slot, where probing ends anyway; growthLeft {}",
                        self.growth_left().unwrap_or(0)
                    ),
                });
            }
            SwissEvent::BecameTable { capacity } => {
                let present = self.told.events.iter().any(|event| matches!(event, Event::Swiss(SwissEvent::Found { .. })));
                let why = if present {
                    format!(", although the key is there already: until Go 1.26 a put looks at the count first, and this is {}", self.told.build.version)
                } else {
                    String::new()
                };
                self.small_hash();
                self.say(format!("all {SLOTS} slots of the small map are full{why}: its entries are hashed again into a table of {capacity} slots"));
            }
            SwissEvent::Pruned { tombstones, freed } => self.say(match freed {
                0 => format!("growthLeft 0; of {} too few can be pruned to win a tenth of the slots back", count(tombstones.into(), "tombstone")),
                _ => format!("growthLeft 0, but {} of {} are on no key's probing sequence: pruned to empty slots", freed, count(tombstones.into(), "tombstone")),
            }),
            SwissEvent::TableGrew { index, used, tombstones, from } => {
                let dead = if tombstones > 0 {
                    format!(" ({used} in use, {})", count(tombstones.into(), "tombstone"))
                } else {
                    String::new()
                };
                self.say(format!(
                    "table {index} full at 7/8 of {from} slots{dead}: replaced by one of {}, its {} hashed again",
                    2 * from,
                    count(used.into(), "entry")
                ));
            }
            SwissEvent::TableSplit { index, left, right } => self.say(format!(
                "table {index} full at 7/8 of 1024 slots, the largest size: split into two of 1024 by the next bit of the hash, {left} and {right} entries"
            )),
            SwissEvent::DirectoryDoubled { len } => {
                self.say(format!("directory doubled to {len} places, so that it can tell the halves apart"));
            }
            SwissEvent::Reseeded => {
                self.say("the map is empty now: it draws a new hash seed".to_owned());
            }
        }
    }

    /// Length of the directory and the table's first place in it as they were before the
    /// operation made the table grow, if it did.
    fn directory_before(&self, len: usize, index: i64) -> (usize, i64) {
        self.told
            .events
            .iter()
            .fold((len, index), |(len, index), event| match event {
                Event::Swiss(SwissEvent::DirectoryDoubled { .. }) => (len / 2, index),
                Event::Swiss(SwissEvent::TableSplit { index, .. }) => (len, *index),
                _ => (len, index),
            })
    }

    fn is_small(&self) -> bool {
        matches!(self.told.model, Model::Swiss(map) if !matches!(map.storage(), Storage::Tables { .. }))
    }

    fn place(&self, group: usize, slot: usize) -> String {
        if self.is_small() {
            format!("slot {slot}")
        } else {
            format!("slot {slot} of group {group}")
        }
    }

    /// How a key is looked up in a map of eight slots without a hash, if that is what the
    /// functions for its type do (runtime/map_fast*.go, internal/runtime/maps/runtime_fast*.go).
    fn compares_keys(&self) -> Option<String> {
        if self.told.verb != Verb::Get {
            return None;
        }
        let variant = self.told.model.ops().traits().variant;
        let classic = matches!(self.told.model, Model::Classic(_));
        let keys = "there are only eight slots, so their keys are compared one by one";
        match (variant, classic) {
            (Variant::Slow, _) | (Variant::FastString, false) => None,
            (Variant::FastString, true) => Some(format!(
                "{keys}: no hash is needed (for 32 bytes or more, unless two keys look alike)"
            )),
            _ => Some(format!("{keys}: no hash is needed")),
        }
    }

    /// Tells the hash of an operation on a small map, which has no place to tell.
    fn small_hash(&mut self) {
        if !self.quiet()
            && self.told.verb != Verb::Iterate
            && let Some(hash) = self.hash.take()
        {
            self.in_place = true;
            if let Some(sentence) = self.compares_keys() {
                self.say(sentence);
                return;
            }
            self.say(format!("hash {hash:#018x}: H2 (low 7 bits) {:#04x}; a small map has one group and does not probe", hash & 0x7f));
        }
    }

    /// Tells of a search that ended at a key.
    fn probed_until(&mut self, group: usize) {
        if self.quiet() || self.is_small() || self.told.verb == Verb::Iterate {
            self.passed.clear();
            return;
        }
        let passed = std::mem::take(&mut self.passed);
        self.say(match passed.first() {
            None => format!("probing starts at group {group} (H1 modulo the number of groups)"),
            Some(first) => format!(
                "probing starts at group {first} (H1 modulo the number of groups), passes {} without an empty slot and comes to group {group}",
                count(passed.len() as u64, "group")
            ),
        });
    }

    /// `growthLeft` of the table that the key is in.
    fn growth_left(&self) -> Option<u16> {
        let Model::Swiss(map) = self.told.model else {
            return None;
        };
        let Storage::Tables { tables, .. } = map.storage() else {
            return None;
        };
        let id = self
            .told
            .events
            .iter()
            .rev()
            .find_map(|event| match event {
                Event::Swiss(SwissEvent::Table { table, .. }) => Some(*table),
                _ => None,
            })?;
        tables.get(id as usize).map(|table| table.growth_left)
    }

    fn finish(mut self) -> Vec<String> {
        if self.told.verb != Verb::Iterate && !self.quiet() {
            self.small_hash();
        }
        self.out
    }
}

/// When and how the map will grow next.
pub(crate) fn next_growth(model: &Model, build: Build) -> Vec<String> {
    match model {
        Model::Nil(_) => vec!["a nil map never grows: a write to it panics".to_owned()],
        Model::Classic(map) => {
            let h = map.header();
            let behaviour = tophash_runtime::classic::Behaviour::of(build.version);
            let mut out = Vec::new();
            if let Some(old) = map.old_buckets() {
                let left = old
                    .buckets
                    .iter()
                    .take(old.base)
                    .filter(|b| !b.is_evacuated())
                    .count();
                out.push(format!(
                    "it is growing: {} of {} old buckets are still to be evacuated; every put and every del of a map that is not empty moves one or two, and no other growth begins before the last",
                    left, old.base
                ));
            }
            let max = behaviour.max_load(h.b);
            let more = (max + 1).saturating_sub(h.count).max(1);
            let limit = if h.b == 0 {
                "8".to_owned()
            } else {
                format!("{} × {} = {max}", load_factor(build), 1_u64 << h.b)
            };
            out.push(format!(
                "count {}: the {} new key from now makes it {} > {limit}, which doubles it to {}",
                h.count,
                nth(more),
                h.count + more,
                count(2 << h.b, "bucket")
            ));
            let threshold = 1_u64 << h.b.min(15);
            out.push(format!(
                "noverflow {}: at {threshold}, as many as there are buckets, the next new key makes it grow to the same size",
                h.noverflow
            ));
            out
        }
        Model::Swiss(map) => match map.storage() {
            Storage::None | Storage::Small(_) => {
                let more = SLOTS as u64 - map.len() as u64 + 1;
                let mut out = vec![format!(
                    "used {}: the {} new key from now finds all {SLOTS} slots full and makes the group a table of 16 slots",
                    map.len(),
                    nth(more)
                )];
                if map.len() == SLOTS && build.version < GoVersion::Go1_27 {
                    out.push(format!("in Go {} a put of a key that is there does it, too: a full small map is not searched", build.version));
                }
                out
            }
            Storage::Tables { tables, .. } => {
                let mut order: Vec<_> = tables.iter().collect();
                order.sort_by_key(|table| (table.growth_left, table.index));
                let mut out: Vec<String> = order
                    .iter()
                    .take(4)
                    .map(|table| {
                        let then = if u64::from(table.capacity) < tophash_runtime::swiss::MAX_TABLE_CAPACITY {
                            format!("is replaced by one of {} slots", 2 * u32::from(table.capacity))
                        } else if table.local_depth == map.header().global_depth {
                            "is split in two, and the directory doubled".to_owned()
                        } else {
                            "is split in two".to_owned()
                        };
                        format!(
                            "table {}: growthLeft {}; with the {} new key from now that belongs to it and finds no tombstone on its way it {then}",
                            table.index,
                            table.growth_left,
                            nth(u64::from(table.growth_left) + 1)
                        )
                    })
                    .collect();
                if order.len() > 4 {
                    out.push(format!(
                        "{} have more room",
                        count(order.len() as u64 - 4, "other table")
                    ));
                }
                if order.iter().any(|table| table.tombstones() > 0) {
                    let prunes = tophash_runtime::swiss::Behaviour::of(build.version)
                        .prunes_tombstones
                        .applies_to(map.ops().traits().variant);
                    out.push(if prunes {
                        "before it grows, tombstones that no key's probing needs are pruned if that wins a tenth of the slots back".to_owned()
                    } else {
                        format!("Go {} does not prune tombstones for this key type: they count against growthLeft until the table grows", build.version)
                    });
                }
                out
            }
        },
    }
}

fn nth(n: u64) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}
