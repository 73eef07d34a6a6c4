//! Iteration over a classic map (runtime/map.go `mapiterinit`, `mapiternext`).

use std::sync::Arc;

use super::bucket::{BucketArray, EVACUATED_EMPTY, EVACUATED_X, EVACUATED_Y, Link, is_empty};
use super::{ClassicMap, Extra, flags};
use crate::event::ClassicEvent;
use crate::fault::{Fault, Race};
use crate::map_type::SLOTS;
use crate::ops::{Entry, Ops};
use crate::random::{Draw, Random};

/// An iteration. It borrows nothing: the map may be changed between two calls of
/// [`ClassicIter::next`], as in a range loop's body.
#[derive(Clone, Debug)]
pub struct ClassicIter {
    state: Option<State>,
}

#[derive(Clone, Debug)]
struct State {
    /// The array at the start of the iteration.
    buckets: u64,
    start_bucket: u64,
    offset: u8,
    b: u8,
    clear_seq: u64,
    wrapped: bool,
    bucket: u64,
    slot: u8,
    /// Array and bucket that the iteration stands in.
    at: Option<(u64, Link)>,
    /// The new bucket whose entries are to be picked from an old one.
    check_bucket: Option<u64>,
    _alive: [Option<Arc<()>>; 2],
}

impl ClassicIter {
    pub(super) fn new<O: Ops, R: Random>(map: &mut ClassicMap<O, R>) -> Self {
        let Some(array) = &map.current else {
            return Self { state: None };
        };
        if map.header.count == 0 {
            return Self { state: None };
        }
        let header = &mut map.header;
        if !map.ops.traits().pointers {
            // createOverflow: the lists keep overflow buckets alive.
            header
                .extra
                .get_or_insert(Extra::default())
                .overflow
                .get_or_insert(0);
        }
        let random = map.random.draw(Draw::Iteration);
        let start_bucket = random & ((1 << header.b) - 1);
        header.flags |= flags::ITERATOR | flags::OLD_ITERATOR;
        Self {
            state: Some(State {
                buckets: array.serial,
                start_bucket,
                offset: (random >> header.b) as u8 & (SLOTS as u8 - 1),
                b: header.b,
                clear_seq: header.clear_seq,
                wrapped: false,
                bucket: start_bucket,
                slot: 0,
                at: None,
                check_bucket: None,
                _alive: [
                    Some(array.users.clone()),
                    map.old.as_ref().map(|old| old.users.clone()),
                ],
            }),
        }
    }

    /// The random start: a bucket, and the slot that is the first in every bucket. None if the map
    /// was empty.
    #[must_use]
    pub fn start(&self) -> Option<(u64, u8)> {
        let state = self.state.as_ref()?;
        Some((state.start_bucket, state.offset))
    }

    /// The next entry, if there is one.
    ///
    /// # Errors
    /// Someone is writing, or a key can't be read.
    pub fn next<'m, O: Ops, R: Random>(
        &mut self,
        map: &'m ClassicMap<O, R>,
    ) -> Result<Option<Entry<'m, O>>, Fault> {
        let Some(state) = &mut self.state else {
            return Ok(None);
        };
        if map.header.flags & flags::HASH_WRITING != 0 {
            return Err(Race::IterationAndWrite.into());
        }
        let mut bucket = state.bucket;
        let mut slot = state.slot;
        let mut at = state.at;
        let mut check = state.check_bucket;
        loop {
            let (serial, link) = match at {
                Some(at) => at,
                None => {
                    if bucket == state.start_bucket && state.wrapped {
                        return Ok(None);
                    }
                    let next = state.bucket_to_visit(map, bucket);
                    check = next.2;
                    map.note(ClassicEvent::Visits {
                        number: bucket,
                        old: check.is_some(),
                    });
                    bucket += 1;
                    if bucket == 1 << state.b {
                        bucket = 0;
                        state.wrapped = true;
                    }
                    slot = 0;
                    (next.0, next.1)
                }
            };
            let Some(b) = map.array(serial).and_then(|array| array.get(link)) else {
                return Ok(None);
            };
            while usize::from(slot) < SLOTS {
                let i = usize::from(slot.wrapping_add(state.offset)) % SLOTS;
                slot += 1;
                let top = b.top[i];
                if is_empty(top) || top == EVACUATED_EMPTY {
                    continue;
                }
                let key = &b.keys[i];
                let irreflexive = !map.ops.traits().reflexive && !map.ops.equal(key, key);
                if let Some(check) = check
                    && !map.is_same_size_grow()
                    && !state.is_for_bucket(map, check, key, top, irreflexive)?
                {
                    continue;
                }
                let here = (top != EVACUATED_X && top != EVACUATED_Y) || irreflexive;
                let entry = if state.clear_seq == map.header.clear_seq && here {
                    Some((key, &b.elems[i]))
                } else {
                    // The entry has moved; it may have been changed or deleted since.
                    map.find(key)?
                };
                if entry.is_some() {
                    state.bucket = bucket;
                    state.at = Some((serial, link));
                    state.slot = slot;
                    state.check_bucket = check;
                    return Ok(entry);
                }
            }
            at = (!b.overflow.is_none()).then_some((serial, b.overflow));
            slot = 0;
        }
    }
}

impl State {
    /// Where the entries of a bucket are: in the array of the start, or still in an old one.
    fn bucket_to_visit<O: Ops, R: Random>(
        &self,
        map: &ClassicMap<O, R>,
        bucket: u64,
    ) -> (u64, Link, Option<u64>) {
        if let Some(old) = &map.old
            && self.b == map.header.b
        {
            let number = (bucket & (map.old_len() - 1)) as usize;
            if old
                .buckets
                .get(number)
                .is_some_and(|bucket| !bucket.is_evacuated())
            {
                return (old.serial, Link::array(number), Some(bucket));
            }
        }
        (self.buckets, Link::array(bucket as usize), None)
    }

    /// Whether an entry of an old bucket will go to new bucket `check`.
    fn is_for_bucket<O: Ops, R: Random>(
        &self,
        map: &ClassicMap<O, R>,
        check: u64,
        key: &O::Key,
        top: u8,
        irreflexive: bool,
    ) -> Result<bool, Fault> {
        if irreflexive {
            let half = self.b.checked_sub(1).map_or(0, |bits| check >> bits);
            return Ok(half == u64::from(top & 1));
        }
        let hash = map.ops.hash(key, u64::from(map.header.hash0), &mut || 0)?;
        Ok(hash & ((1 << self.b) - 1) == check)
    }
}

impl<O: Ops, R> ClassicMap<O, R> {
    fn array(&self, serial: u64) -> Option<&BucketArray<O::Key, O::Elem>> {
        let live = self.current.iter().chain(&self.old);
        live.chain(&self.retired)
            .find(|array| array.serial == serial)
    }
}
