//! Growth: new arrays, overflow buckets, evacuation (runtime/map.go `hashGrow`, `evacuate`).

use super::bucket::{Bucket, EVACUATED_EMPTY, EVACUATED_X, Link, MIN_TOP_HASH, is_empty, top_hash};
use super::{ClassicMap, Extra, flags};
use crate::event::ClassicEvent;
use crate::fault::Fault;
use crate::map_type::SLOTS;
use crate::ops::Ops;
use crate::random::{Draw, Random};

/// Old buckets that one step of evacuation looks at to find how far it is done.
const MAX_MARK_STEPS: u64 = 1024;

/// Where evacuated entries go.
struct Destination {
    link: Link,
    slot: usize,
}

impl<O: Ops, R: Random> ClassicMap<O, R> {
    /// `hashGrow`: twice as many buckets if the map is full, as many if it has too many overflow
    /// buckets.
    pub(super) fn hash_grow(&mut self) {
        let header = &self.header;
        let bigger = self.behaviour.is_overloaded(header.count + 1, header.b);
        let b = header.b + u8::from(bigger);
        self.note(ClassicEvent::Grows {
            same_size: !bigger,
            count: header.count,
            noverflow: header.noverflow,
            b: header.b,
        });
        let array = self.new_array(b);
        let next_overflow = array.first_spare();
        let header = &mut self.header;
        if !bigger {
            header.flags |= flags::SAME_SIZE_GROW;
        }
        let iterated = header.flags & flags::ITERATOR != 0;
        header.flags &= !(flags::ITERATOR | flags::OLD_ITERATOR);
        if iterated {
            header.flags |= flags::OLD_ITERATOR;
        }
        header.b = b;
        header.nevacuate = 0;
        header.noverflow = 0;
        self.old = self.current.replace(array);
        if let Some(extra) = &mut header.extra
            && extra.overflow.is_some()
        {
            extra.old_overflow = extra.overflow.take();
        }
        if next_overflow.is_some() {
            header.extra.get_or_insert_default().next_overflow = next_overflow;
        }
    }

    /// `newoverflow`: a bucket after `last` in its chain.
    pub(super) fn new_overflow(&mut self, last: Link) -> Link {
        let Some(array) = &mut self.current else {
            return Link::NONE;
        };
        let header = &mut self.header;
        let spare = header.extra.and_then(|extra| extra.next_overflow);
        let link = match spare {
            Some(index) => {
                let link = Link::array(index);
                let mut next = Some(index + 1);
                if let Some(bucket) = array.get_mut(link)
                    && !bucket.overflow.is_none()
                {
                    bucket.overflow = Link::NONE;
                    next = None;
                }
                if let Some(extra) = &mut header.extra {
                    extra.next_overflow = next;
                }
                link
            }
            None => {
                array.singles.push(Bucket::new(&self.ops));
                Link::single(array.singles.len() - 1)
            }
        };
        let counts = match header.b.checked_sub(15) {
            None | Some(0) => true,
            Some(bits) => {
                let mask = (1_u64 << bits) - 1;
                self.random.draw(Draw::OverflowCount) as u32 as u64 & mask == 0
            }
        };
        header.noverflow = header.noverflow.wrapping_add(u16::from(counts));
        if !self.ops.traits().pointers {
            let extra = header.extra.get_or_insert(Extra::default());
            extra.overflow = Some(extra.overflow.unwrap_or(0) + 1);
        }
        if let Some(bucket) = array.get_mut(last) {
            bucket.overflow = link;
        }
        self.note(ClassicEvent::Overflow {
            after: last,
            bucket: link,
            spare: spare.is_some(),
        });
        link
    }

    /// `growWork`: evacuates the old bucket that the caller is about to use, and one more.
    pub(super) fn grow_work(&mut self, bucket: u64) -> Result<(), Fault> {
        let mask = self.old_len() - 1;
        self.evacuate(bucket & mask, false)?;
        if self.old.is_some() {
            self.evacuate(self.header.nevacuate, true)?;
        }
        Ok(())
    }

    fn evacuate(&mut self, number: u64, in_line: bool) -> Result<(), Fault> {
        // Out of the way, so that the new array can be written meanwhile.
        let Some(mut old) = self.old.take() else {
            return Ok(());
        };
        let new_bit = self.old_len();
        let index = number as usize;
        let result = if old
            .buckets
            .get(index)
            .is_some_and(|bucket| !bucket.is_evacuated())
        {
            let half = (!self.is_same_size_grow()).then_some(number + new_bit);
            let result = self
                .move_chain(&mut old, index, new_bit)
                .map(|[low, high]| {
                    self.note(ClassicEvent::Evacuated {
                        number,
                        low,
                        high,
                        half,
                        in_line,
                    });
                });
            if self.header.flags & flags::OLD_ITERATOR == 0
                && self.ops.traits().pointers
                && let Some(bucket) = old.buckets.get_mut(index)
            {
                bucket.clear_data(&self.ops);
            }
            result
        } else {
            Ok(())
        };
        self.old = Some(old);
        if number == self.header.nevacuate {
            self.advance_evacuation_mark(new_bit);
        }
        result
    }

    /// Moves a chain and says how many entries went to either half of the new array.
    fn move_chain(
        &mut self,
        old: &mut super::BucketArray<O::Key, O::Elem>,
        index: usize,
        new_bit: u64,
    ) -> Result<[u64; 2], Fault> {
        let mut moved = [0; 2];
        let same_size = self.is_same_size_grow();
        let mut destinations = [
            Destination {
                link: Link::array(index),
                slot: 0,
            },
            Destination {
                link: Link::array(index + new_bit as usize),
                slot: 0,
            },
        ];
        let mut link = Link::array(index);
        while let Some(bucket) = old.get_mut(link) {
            for slot in 0..SLOTS {
                let mut top = bucket.top[slot];
                if is_empty(top) {
                    bucket.top[slot] = EVACUATED_EMPTY;
                    continue;
                }
                if top < MIN_TOP_HASH {
                    return Err(Fault::BadMapState);
                }
                let key = bucket.keys[slot].clone();
                let elem = bucket.elems[slot].clone();
                let mut half = 0;
                if !same_size {
                    let hash = self.place_hash(&key)?;
                    let irreflexive = !self.ops.traits().reflexive && !self.ops.equal(&key, &key);
                    if self.header.flags & flags::ITERATOR != 0 && irreflexive {
                        // An iterator must be able to tell where NaNs have gone: by the low bit of
                        // their tophash, which is drawn anew.
                        half = top & 1;
                        top = top_hash(hash);
                    } else {
                        half = u8::from(hash & new_bit != 0);
                    }
                }
                bucket.top[slot] = EVACUATED_X + half;
                let to = &mut destinations[usize::from(half)];
                if to.slot == SLOTS {
                    *to = Destination {
                        link: self.new_overflow(to.link),
                        slot: 0,
                    };
                }
                if let Some(new) = self
                    .current
                    .as_mut()
                    .and_then(|array| array.get_mut(to.link))
                {
                    new.top[to.slot] = top;
                    new.keys[to.slot] = key;
                    new.elems[to.slot] = elem;
                }
                to.slot += 1;
                moved[usize::from(half)] += 1;
            }
            link = bucket.overflow;
        }
        Ok(moved)
    }

    fn advance_evacuation_mark(&mut self, new_bit: u64) {
        let Some(old) = &self.old else { return };
        let header = &mut self.header;
        header.nevacuate += 1;
        let stop = (header.nevacuate + MAX_MARK_STEPS).min(new_bit);
        while header.nevacuate != stop
            && old
                .buckets
                .get(header.nevacuate as usize)
                .is_some_and(Bucket::is_evacuated)
        {
            header.nevacuate += 1;
        }
        if header.nevacuate == new_bit {
            if let Some(extra) = &mut header.extra {
                extra.old_overflow = None;
            }
            header.flags &= !flags::SAME_SIZE_GROW;
            self.ops.observe(crate::Event::Classic(ClassicEvent::Grown));
            if let Some(old) = self.old.take() {
                self.retire(old);
            }
        }
    }
}
