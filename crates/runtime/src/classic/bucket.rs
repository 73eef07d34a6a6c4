//! Buckets of eight, and the arrays they are allocated in.

use std::sync::Arc;

use super::behaviour::Behaviour;
use crate::map_type::SLOTS;
use crate::ops::Ops;
use crate::sizeclass::round_up_size;
use crate::version::GoVersion;

/// The slot is empty, and so are all after it.
pub const EMPTY_REST: u8 = 0;
/// The slot is empty.
pub const EMPTY_ONE: u8 = 1;
/// The entry has moved to the first half of the new array.
pub const EVACUATED_X: u8 = 2;
/// The entry has moved to the second half.
pub const EVACUATED_Y: u8 = 3;
/// The slot was empty when its bucket was evacuated.
pub const EVACUATED_EMPTY: u8 = 4;
/// Lowest tophash of a full slot.
pub const MIN_TOP_HASH: u8 = 5;

/// The byte of a hash that the bucket keeps.
#[must_use]
#[inline]
pub fn top_hash(hash: u64) -> u8 {
    let top = (hash >> 56) as u8;
    if top < MIN_TOP_HASH {
        top + MIN_TOP_HASH
    } else {
        top
    }
}

#[inline]
pub(crate) fn is_empty(top: u8) -> bool {
    top <= EMPTY_ONE
}

/// The overflow pointer of a bucket: nothing, a bucket of the same array, or one that was
/// allocated by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link(u32);

/// A link, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A nil pointer.
    None,
    /// A bucket of the array, by index. In the last unused one of the preallocated overflow
    /// buckets this is bucket 0, a mark that there are no more.
    Array(u32),
    /// A bucket of its own, by the order of allocation.
    Single(u32),
}

impl Link {
    /// No bucket.
    pub const NONE: Self = Self(u32::MAX);
    const SINGLE: u32 = 1 << 31;

    pub(crate) fn array(index: usize) -> Self {
        Self(index as u32)
    }

    pub(crate) fn single(index: usize) -> Self {
        Self(index as u32 | Self::SINGLE)
    }

    /// What it points to.
    #[must_use]
    #[inline]
    pub fn target(self) -> Target {
        match self.0 {
            u32::MAX => Target::None,
            index if index & Self::SINGLE != 0 => Target::Single(index & !Self::SINGLE),
            index => Target::Array(index),
        }
    }

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self.0 == u32::MAX
    }
}

/// Eight tophash bytes, eight keys, eight elements and the overflow pointer.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Bucket<K, V> {
    /// The state of each slot, and a byte of its key's hash.
    pub top: [u8; SLOTS],
    /// Keys.
    pub keys: [K; SLOTS],
    /// Elements.
    pub elems: [V; SLOTS],
    /// The next bucket of the chain.
    pub overflow: Link,
}

impl<K: Clone, V: Clone> Bucket<K, V> {
    pub(crate) fn new<O: Ops<Key = K, Elem = V>>(ops: &O) -> Self {
        Self {
            top: [EMPTY_REST; SLOTS],
            keys: std::array::from_fn(|_| ops.zero_key()),
            elems: std::array::from_fn(|_| ops.zero_elem()),
            overflow: Link::NONE,
        }
    }

    /// Whether the bucket's entries have moved to the new array.
    #[must_use]
    #[inline]
    pub fn is_evacuated(&self) -> bool {
        self.top[0] > EMPTY_ONE && self.top[0] < MIN_TOP_HASH
    }

    /// Zeroes keys, elements and overflow pointer.
    pub(crate) fn clear_data<O: Ops<Key = K, Elem = V>>(&mut self, ops: &O) {
        *self = Self {
            top: self.top,
            ..Self::new(ops)
        };
    }
}

/// An array of 2^b buckets, and the overflow buckets of its chains.
#[derive(Debug)]
pub struct BucketArray<K, V> {
    /// The buckets proper, then the preallocated overflow buckets.
    pub buckets: Vec<Bucket<K, V>>,
    /// How many are buckets proper.
    pub base: usize,
    /// Overflow buckets that were allocated one by one.
    pub singles: Vec<Bucket<K, V>>,
    /// Which array of the map's life this is; iterators know it by this number.
    pub(crate) serial: u64,
    /// Held by iterators that may stand in the array.
    pub(crate) users: Arc<()>,
}

/// How many buckets `makeBucketArray` allocates for 2^b: from b = 4 on a sixteenth more for
/// overflow, and what fills the size class up.
#[must_use]
pub fn array_len(version: GoVersion, b: u8, bucket_size: u64, pointers: bool) -> u64 {
    let base = 1_u64 << (b & 63);
    if b < 4 {
        return base;
    }
    let len = base + (base >> 4);
    let size = bucket_size.saturating_mul(len);
    let up = round_up_size(version, size, !pointers);
    if up == size {
        len
    } else {
        up / bucket_size.max(1)
    }
}

impl<K: Clone, V: Clone> BucketArray<K, V> {
    pub(crate) fn new<O: Ops<Key = K, Elem = V>>(
        ops: &O,
        version: GoVersion,
        b: u8,
        serial: u64,
    ) -> Self {
        let traits = ops.traits();
        let base = 1 << b;
        let len = array_len(version, b, traits.bucket_size, traits.pointers) as usize;
        let mut array = Self {
            buckets: (0..len).map(|_| Bucket::new(ops)).collect(),
            base,
            singles: Vec::new(),
            serial,
            users: Arc::new(()),
        };
        array.mark_last();
        array
    }

    /// The last preallocated overflow bucket points to bucket 0 until it is used.
    fn mark_last(&mut self) {
        if self.buckets.len() > self.base
            && let Some(last) = self.buckets.last_mut()
        {
            last.overflow = Link::array(0);
        }
    }

    /// Empties the array in place, as `clear` does.
    pub(crate) fn reset<O: Ops<Key = K, Elem = V>>(&mut self, ops: &O, behaviour: &Behaviour) {
        if !behaviour.counts_clears {
            for single in &mut self.singles {
                single.top = [EMPTY_REST; SLOTS];
            }
        }
        for bucket in &mut self.buckets {
            *bucket = Bucket::new(ops);
        }
        if Arc::strong_count(&self.users) == 1 {
            self.singles.clear();
        }
        self.mark_last();
    }

    /// The first preallocated overflow bucket, if there are any.
    pub(crate) fn first_spare(&self) -> Option<usize> {
        (self.buckets.len() > self.base).then_some(self.base)
    }

    #[inline]
    pub(crate) fn get(&self, link: Link) -> Option<&Bucket<K, V>> {
        match link.target() {
            Target::None => None,
            Target::Array(index) => self.buckets.get(index as usize),
            Target::Single(index) => self.singles.get(index as usize),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, link: Link) -> Option<&mut Bucket<K, V>> {
        match link.target() {
            Target::None => None,
            Target::Array(index) => self.buckets.get_mut(index as usize),
            Target::Single(index) => self.singles.get_mut(index as usize),
        }
    }

    /// The bucket of a number and its overflow buckets, in order.
    pub fn chain(&self, bucket: usize) -> impl Iterator<Item = &Bucket<K, V>> {
        std::iter::successors(self.buckets.get(bucket), |bucket| self.get(bucket.overflow))
    }

    pub(crate) fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.users) > 1
    }
}
