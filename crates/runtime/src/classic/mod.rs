//! The classic map of Go up to 1.23, and of 1.24 and 1.25 without the Swiss map
//! (runtime/map.go, runtime/map_noswiss.go), bucket by bucket.

mod behaviour;
mod bucket;
mod copy;
mod grow;
mod iter;

pub use behaviour::Behaviour;
pub use bucket::{
    Bucket, BucketArray, EMPTY_ONE, EMPTY_REST, EVACUATED_EMPTY, EVACUATED_X, EVACUATED_Y, Link,
    MIN_TOP_HASH, Target, array_len, top_hash,
};
pub use iter::ClassicIter;

use crate::event::{ClassicEvent, Event};
use crate::fault::{Fault, Race};
use crate::hash::HashError;
use crate::map_type::{SLOTS, Variant};
use crate::ops::{Entry, Ops};
use crate::random::{Draw, Random};
use crate::version::GoVersion;
use bucket::is_empty;

/// The bits of the header's flags (runtime/map.go).
pub mod flags {
    /// There may be an iterator using the buckets.
    pub const ITERATOR: u8 = 1;
    /// There may be an iterator using the old buckets.
    pub const OLD_ITERATOR: u8 = 2;
    /// A goroutine is writing.
    pub const HASH_WRITING: u8 = 4;
    /// The current growth is to a map of the same size.
    pub const SAME_SIZE_GROW: u8 = 8;
}

/// Largest number of buckets that the model makes, far above what fits memory.
const MAX_B: u8 = 30;

/// The part of the header that is allocated on demand (runtime/map.go `mapextra`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// How many overflow buckets are listed, of a map without pointers; none if there is no list.
    pub overflow: Option<usize>,
    /// The same for the old array.
    pub old_overflow: Option<usize>,
    /// Index of the next preallocated overflow bucket, if one is left.
    pub next_overflow: Option<usize>,
}

/// The words of the map header, as they lie in memory (runtime/map.go `hmap`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassicHeader {
    /// Entries.
    pub count: u64,
    /// See [`flags`].
    pub flags: u8,
    /// There are 2^b buckets.
    pub b: u8,
    /// Overflow buckets, approximately from b = 16 on.
    pub noverflow: u16,
    /// Hash seed.
    pub hash0: u32,
    /// Old buckets below this number have been evacuated.
    pub nevacuate: u64,
    /// How often the map was cleared (noswissmap builds of 1.24 and 1.25).
    pub clear_seq: u64,
    /// The optional fields, if they have been allocated.
    pub extra: Option<Extra>,
}

/// A model of a classic Go map that is not nil.
#[derive(Debug)]
pub struct ClassicMap<O: Ops, R> {
    ops: O,
    random: R,
    version: GoVersion,
    behaviour: Behaviour,
    header: ClassicHeader,
    current: Option<BucketArray<O::Key, O::Elem>>,
    old: Option<BucketArray<O::Key, O::Elem>>,
    /// Arrays that live iterators may still stand in.
    retired: Vec<BucketArray<O::Key, O::Elem>>,
    next_serial: u64,
}

/// A slot of a map.
#[derive(Clone, Copy)]
struct Place {
    link: Link,
    slot: usize,
}

impl<O: Ops, R: Random> ClassicMap<O, R> {
    /// `make(map[K]V, hint)`: `makemap`, or `makemap_small` for hints up to 8.
    #[must_use]
    pub fn new(version: GoVersion, ops: O, mut random: R, hint: i64) -> Self {
        let behaviour = Behaviour::of(version);
        let hash0 = random.draw(Draw::Seed) as u32;
        let b = initial_b(&behaviour, hint, ops.traits().bucket_size);
        let mut map = Self {
            ops,
            random,
            version,
            behaviour,
            header: ClassicHeader {
                count: 0,
                flags: 0,
                b,
                noverflow: 0,
                hash0,
                nevacuate: 0,
                clear_seq: 0,
                extra: None,
            },
            current: None,
            old: None,
            retired: Vec::new(),
            next_serial: 0,
        };
        if b > 0 {
            let array = map.new_array(b);
            let next_overflow = array.first_spare();
            if next_overflow.is_some() {
                map.header.extra = Some(Extra {
                    next_overflow,
                    ..Extra::default()
                });
            }
            map.current = Some(array);
        }
        map
    }

    fn new_array(&mut self, b: u8) -> BucketArray<O::Key, O::Elem> {
        self.next_serial += 1;
        BucketArray::new(&self.ops, self.version, b, self.next_serial)
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.header.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.header.count == 0
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
    pub fn header(&self) -> &ClassicHeader {
        &self.header
    }

    /// The buckets; none before the first write, if the hint was small.
    #[must_use]
    pub fn buckets(&self) -> Option<&BucketArray<O::Key, O::Elem>> {
        self.current.as_ref()
    }

    /// The old buckets, while the map grows.
    #[must_use]
    pub fn old_buckets(&self) -> Option<&BucketArray<O::Key, O::Elem>> {
        self.old.as_ref()
    }

    /// Sets flags that another goroutine would have set, to see what others make of them.
    pub fn set_flags(&mut self, flags: u8) {
        self.header.flags = flags;
    }

    /// Sets the count of overflow buckets, which the runtime lets chance decide from b = 16 on.
    pub fn set_noverflow(&mut self, noverflow: u16) {
        self.header.noverflow = noverflow;
    }

    #[inline]
    fn note(&self, event: ClassicEvent) {
        self.ops.observe(Event::Classic(event));
    }

    fn mask(&self) -> u64 {
        (1 << self.header.b) - 1
    }

    /// Number of old buckets, while the map grows.
    fn old_len(&self) -> u64 {
        let same = self.is_same_size_grow();
        1 << (self.header.b - u8::from(!same && self.header.b > 0))
    }

    /// Whether the growth in progress is to the same size.
    #[must_use]
    pub fn is_same_size_grow(&self) -> bool {
        self.header.flags & flags::SAME_SIZE_GROW != 0
    }

    fn place_hash(&mut self, key: &O::Key) -> Result<u64, HashError> {
        let Self {
            ops,
            random,
            header,
            ..
        } = self;
        ops.hash(key, u64::from(header.hash0), &mut || {
            random.draw(Draw::NanHash)
        })
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
    /// As [`ClassicMap::get`].
    #[inline]
    pub fn get_entry(&self, key: &O::Key) -> Result<Option<Entry<'_, O>>, Fault> {
        if self.header.count == 0 {
            self.check_key(key)?;
            return Ok(None);
        }
        if self.header.flags & flags::HASH_WRITING != 0 {
            return Err(Race::ReadAndWrite.into());
        }
        self.find(key)
    }

    fn check_key(&self, key: &O::Key) -> Result<(), Fault> {
        self.ops
            .check_key(key)
            .map_err(|error| Fault::Key { error, early: true })
    }

    /// `mapaccessK`: look-up without looking at flags.
    #[inline]
    fn find(&self, key: &O::Key) -> Result<Option<Entry<'_, O>>, Fault> {
        // A NaN is found nowhere, whatever it hashes to.
        let hash = self
            .ops
            .hash(key, u64::from(self.header.hash0), &mut || 0)?;
        self.ops.observe(Event::Hashed(hash));
        let Some(mut array) = self.current.as_ref() else {
            return Ok(None);
        };
        let mut number = hash & self.mask();
        let mut in_old = false;
        let mut bucket = array.buckets.get(number as usize);
        if let Some(old) = &self.old
            && let Some(before) = old.buckets.get((hash & (self.old_len() - 1)) as usize)
            && !before.is_evacuated()
        {
            array = old;
            in_old = true;
            number = hash & (self.old_len() - 1);
            bucket = Some(before);
        }
        self.note(ClassicEvent::Bucket {
            number,
            old: in_old,
        });
        let top = top_hash(hash);
        let mut link = Link::array(number as usize);
        while let Some(b) = bucket {
            for slot in matching(b.top, top) {
                if self.ops.equal(key, &b.keys[slot]) {
                    self.note(ClassicEvent::Found { bucket: link, slot });
                    return Ok(Some((&b.keys[slot], &b.elems[slot])));
                }
            }
            if b.overflow.is_none() {
                break;
            }
            link = b.overflow;
            bucket = array.get(link);
        }
        Ok(None)
    }

    /// `m[k] = v`.
    ///
    /// # Errors
    /// The key can't be hashed, or someone is writing.
    pub fn put(&mut self, key: O::Key, elem: O::Elem) -> Result<(), Fault> {
        if self.header.flags & flags::HASH_WRITING != 0 {
            return Err(Race::Writes.into());
        }
        let hash = self.place_hash(&key)?;
        self.ops.observe(Event::Hashed(hash));
        self.header.flags ^= flags::HASH_WRITING;
        let result = self.put_hashed(hash, key, elem);
        self.header.flags &= !flags::HASH_WRITING;
        result
    }

    fn put_hashed(&mut self, hash: u64, key: O::Key, elem: O::Elem) -> Result<(), Fault> {
        if self.current.is_none() {
            self.note(ClassicEvent::FirstBucket);
            self.current = Some(self.new_array(0));
        }
        loop {
            let bucket = hash & self.mask();
            self.note(ClassicEvent::Bucket {
                number: bucket,
                old: false,
            });
            if self.old.is_some() {
                self.grow_work(bucket)?;
            }
            let (last, free) = match self.find_for_assign(bucket, hash, &key) {
                Search::Present(place) => {
                    self.note(ClassicEvent::Found {
                        bucket: place.link,
                        slot: place.slot,
                    });
                    let update = self.ops.traits().need_key_update;
                    if let Some(bucket) = self
                        .current
                        .as_mut()
                        .and_then(|array| array.get_mut(place.link))
                    {
                        if update {
                            bucket.keys[place.slot] = key;
                        }
                        bucket.elems[place.slot] = elem;
                    }
                    return Ok(());
                }
                Search::Absent { last, free } => (last, free),
            };
            let header = &self.header;
            if self.old.is_none()
                && (self.behaviour.is_overloaded(header.count + 1, header.b)
                    || too_many_overflow_buckets(header.noverflow, header.b))
            {
                self.hash_grow();
                continue;
            }
            let place = match free {
                Some(place) => place,
                None => Place {
                    link: self.new_overflow(last),
                    slot: 0,
                },
            };
            if let Some(bucket) = self
                .current
                .as_mut()
                .and_then(|array| array.get_mut(place.link))
            {
                bucket.keys[place.slot] = key;
                bucket.elems[place.slot] = elem;
                bucket.top[place.slot] = top_hash(hash);
            }
            self.header.count += 1;
            self.note(ClassicEvent::Inserted {
                bucket: place.link,
                slot: place.slot,
            });
            return Ok(());
        }
    }

    fn find_for_assign(&self, bucket: u64, hash: u64, key: &O::Key) -> Search {
        let top = top_hash(hash);
        let mut link = Link::array(bucket as usize);
        let mut last = link;
        let mut free = None;
        let Some(array) = &self.current else {
            return Search::Absent { last, free };
        };
        while let Some(b) = array.get(link) {
            for (slot, &state) in b.top.iter().enumerate() {
                if is_empty(state) && free.is_none() {
                    free = Some(Place { link, slot });
                }
                if state == EMPTY_REST {
                    return Search::Absent { last: link, free };
                }
                if state == top && self.ops.equal(key, &b.keys[slot]) {
                    return Search::Present(Place { link, slot });
                }
            }
            last = link;
            link = b.overflow;
        }
        Search::Absent { last, free }
    }

    /// `delete(m, k)`. Says whether the key was there.
    ///
    /// # Errors
    /// The key can't be hashed, or someone is writing.
    pub fn delete(&mut self, key: &O::Key) -> Result<bool, Fault> {
        if self.header.count == 0 {
            self.check_key(key)?;
            return Ok(false);
        }
        if self.header.flags & flags::HASH_WRITING != 0 {
            return Err(Race::Writes.into());
        }
        let hash = self.place_hash(key)?;
        self.ops.observe(Event::Hashed(hash));
        self.header.flags ^= flags::HASH_WRITING;
        let bucket = hash & self.mask();
        self.note(ClassicEvent::Bucket {
            number: bucket,
            old: false,
        });
        let result = if self.old.is_some() {
            self.grow_work(bucket)
        } else {
            Ok(())
        };
        let found = result.is_ok() && self.delete_hashed(bucket, hash, key);
        self.header.flags &= !flags::HASH_WRITING;
        result.map(|()| found)
    }

    fn delete_hashed(&mut self, bucket: u64, hash: u64, key: &O::Key) -> bool {
        let Search::Present(place) = self.find_for_assign(bucket, hash, key) else {
            return false;
        };
        let traits = *self.ops.traits();
        let Some(array) = &mut self.current else {
            return false;
        };
        let Some(b) = array.get_mut(place.link) else {
            return false;
        };
        if traits.variant == Variant::FastString {
            self.ops.clear_string(&mut b.keys[place.slot]);
        } else if traits.key_pointers || traits.indirect_key {
            b.keys[place.slot] = self.ops.zero_key();
        }
        b.elems[place.slot] = self.ops.zero_elem();
        b.top[place.slot] = EMPTY_ONE;
        array.close_gap(bucket as usize, place);
        let rest = array
            .get(place.link)
            .is_some_and(|b| b.top[place.slot] == EMPTY_REST);
        self.header.count -= 1;
        self.note(ClassicEvent::Removed {
            bucket: place.link,
            slot: place.slot,
            rest,
        });
        if self.header.count == 0 {
            self.note(ClassicEvent::Reseeded);
            self.header.hash0 = self.random.draw(Draw::Seed) as u32;
        }
        true
    }

    /// `clear(m)`.
    ///
    /// # Errors
    /// Someone is writing.
    pub fn clear(&mut self) -> Result<(), Fault> {
        if self.header.count == 0 {
            return Ok(());
        }
        if self.header.flags & flags::HASH_WRITING != 0 {
            return Err(Race::Writes.into());
        }
        if let Some(mut old) = self.old.take() {
            if !self.behaviour.counts_clears {
                old.mark_empty();
            }
            self.retire(old);
        }
        self.header.flags &= !flags::SAME_SIZE_GROW;
        self.header.nevacuate = 0;
        self.header.noverflow = 0;
        self.header.count = 0;
        self.header.clear_seq += u64::from(self.behaviour.counts_clears);
        self.header.hash0 = self.random.draw(Draw::Seed) as u32;
        if let Some(extra) = &mut self.header.extra {
            *extra = Extra::default();
        }
        if let Some(array) = &mut self.current {
            array.reset(&self.ops, &self.behaviour);
            if let Some(extra) = &mut self.header.extra {
                extra.next_overflow = array.first_spare();
            }
        }
        Ok(())
    }

    fn retire(&mut self, array: BucketArray<O::Key, O::Elem>) {
        self.retired.retain(BucketArray::is_in_use);
        if array.is_in_use() {
            self.retired.push(array);
        }
    }

    /// Starts an iteration: draws its random start.
    pub fn iter(&mut self) -> ClassicIter {
        ClassicIter::new(self)
    }
}

/// What looking for a key to assign to has found.
enum Search {
    Present(Place),
    /// The last bucket of the chain, and the first free slot.
    Absent {
        last: Link,
        free: Option<Place>,
    },
}

impl<K: Clone, V: Clone> BucketArray<K, V> {
    /// After a deletion: if all slots after it are empty, says so in them (`emptyRest`).
    fn close_gap(&mut self, bucket: usize, place: Place) {
        let Place { mut link, mut slot } = place;
        let Some(b) = self.get(link) else { return };
        let next_is_rest = match b.top.get(slot + 1) {
            Some(&next) => next == EMPTY_REST,
            None => self
                .get(b.overflow)
                .is_none_or(|next| next.top[0] == EMPTY_REST),
        };
        if !next_is_rest {
            return;
        }
        let first = Link::array(bucket);
        loop {
            let Some(b) = self.get_mut(link) else { return };
            b.top[slot] = EMPTY_REST;
            if slot > 0 {
                slot -= 1;
            } else if link == first {
                return;
            } else {
                let mut before = first;
                while let Some(b) = self.get(before)
                    && b.overflow != link
                {
                    before = b.overflow;
                }
                link = before;
                slot = SLOTS - 1;
            }
            if self.get(link).is_none_or(|b| b.top[slot] != EMPTY_ONE) {
                return;
            }
        }
    }

    /// Tells iterators that nothing is left: marks all slots of all chains empty.
    fn mark_empty(&mut self) {
        for bucket in 0..self.base {
            let mut link = Link::array(bucket);
            while let Some(b) = self.get_mut(link) {
                b.top = [EMPTY_REST; SLOTS];
                link = b.overflow;
            }
        }
    }
}

/// Slots whose tophash is `top`, all eight compared at once.
#[inline]
fn matching(tops: [u8; SLOTS], top: u8) -> impl Iterator<Item = usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let x = u64::from_le_bytes(tops) ^ LOW.wrapping_mul(u64::from(top));
    // The high bit of each byte that is zero, exactly.
    let mut bits = !(((x & SEVEN) + SEVEN) | x | SEVEN);
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let slot = (bits.trailing_zeros() / 8) as usize & (SLOTS - 1);
        bits &= bits - 1;
        Some(slot)
    })
}

/// `makemap`'s choice of b for a hint.
pub(crate) fn initial_b(behaviour: &Behaviour, hint: i64, bucket_size: u64) -> u8 {
    let hint = u64::try_from(hint).unwrap_or(0);
    let fits = hint
        .checked_mul(bucket_size)
        .is_some_and(|bytes| bytes <= 1 << 48);
    let hint = if fits { hint } else { 0 };
    (0..MAX_B)
        .find(|&b| !behaviour.is_overloaded(hint, b))
        .unwrap_or(MAX_B)
}

/// `tooManyOverflowBuckets`: about as many as buckets proper.
#[must_use]
pub fn too_many_overflow_buckets(noverflow: u16, b: u8) -> bool {
    noverflow >= 1 << b.min(15)
}
