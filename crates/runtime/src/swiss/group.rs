//! Groups of eight slots and their control words (internal/runtime/maps/group.go).

use crate::map_type::SLOTS;
use crate::ops::Ops;

/// Control byte of an empty slot.
pub const EMPTY: u8 = 0x80;
/// Control byte of a tombstone.
pub const DELETED: u8 = 0xfe;

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// Control word of an empty group.
pub const ALL_EMPTY: u64 = HIGH_BITS;

/// The part of a hash that chooses the group where probing starts.
#[inline]
pub(crate) fn h1(hash: u64) -> u64 {
    hash >> 7
}

/// The part of a hash that the control byte keeps.
#[inline]
pub(crate) fn h2(hash: u64) -> u8 {
    (hash & 0x7f) as u8
}

/// A set of slots: the high bit of byte i is set if slot i is in it.
#[derive(Clone, Copy)]
pub(crate) struct Slots(u64);

impl Slots {
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The lowest slot of a set that is not empty.
    #[inline]
    pub(crate) fn first(self) -> usize {
        (self.0.trailing_zeros() / 8) as usize & (SLOTS - 1)
    }

    /// The set without the slots below `slot`.
    pub(crate) fn from(self, slot: usize) -> Self {
        Self(self.0 & (u64::MAX << (8 * slot)))
    }

    pub(crate) fn count(self) -> u32 {
        self.0.count_ones()
    }
}

impl Iterator for Slots {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let slot = self.first();
        self.0 &= self.0 - 1;
        Some(slot)
    }
}

/// Eight control bytes, slot 0 lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control(pub u64);

impl Control {
    /// The control byte of a slot.
    #[must_use]
    #[inline]
    pub fn get(self, slot: usize) -> u8 {
        (self.0 >> (8 * (slot & (SLOTS - 1)))) as u8
    }

    #[inline]
    pub(crate) fn set(&mut self, slot: usize, byte: u8) {
        let shift = 8 * (slot & (SLOTS - 1));
        self.0 = self.0 & !(0xff << shift) | u64::from(byte) << shift;
    }

    /// Full slots with this H2. May hold slots that have another, as in Go.
    #[inline]
    pub(crate) fn matching(self, h2: u8) -> Slots {
        let v = self.0 ^ (LOW_BITS.wrapping_mul(u64::from(h2)));
        Slots(v.wrapping_sub(LOW_BITS) & !v & HIGH_BITS)
    }

    #[inline]
    pub(crate) fn empty(self) -> Slots {
        Slots(self.0 & !(self.0 << 6) & HIGH_BITS)
    }

    #[inline]
    pub(crate) fn empty_or_deleted(self) -> Slots {
        Slots(self.0 & HIGH_BITS)
    }

    #[inline]
    pub(crate) fn full(self) -> Slots {
        Slots(!self.0 & HIGH_BITS)
    }
}

/// A key and its element.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Slot<K, V> {
    /// The key; what is left of it, or zero, if the slot is not full.
    pub key: K,
    /// The element.
    pub elem: V,
}

/// Eight slots and their control word.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Group<K, V> {
    /// The state of each slot.
    pub control: Control,
    /// The slots.
    pub slots: [Slot<K, V>; SLOTS],
}

impl<K: Clone, V: Clone> Group<K, V> {
    pub(crate) fn new<O: Ops<Key = K, Elem = V>>(ops: &O) -> Self {
        let slots = std::array::from_fn(|_| Slot {
            key: ops.zero_key(),
            elem: ops.zero_elem(),
        });
        Self {
            control: Control(ALL_EMPTY),
            slots,
        }
    }

    /// Clears a full slot's memory as a deletion does: the element always, the key if it holds
    /// pointers.
    pub(crate) fn clear_slot<O: Ops<Key = K, Elem = V>>(&mut self, ops: &O, slot: usize) {
        let traits = ops.traits();
        let slot = &mut self.slots[slot];
        if traits.key_pointers || traits.indirect_key {
            slot.key = ops.zero_key();
        }
        slot.elem = ops.zero_elem();
    }

    /// Zeroes the group, control word apart.
    pub(crate) fn clear<O: Ops<Key = K, Elem = V>>(&mut self, ops: &O) {
        for slot in &mut self.slots {
            *slot = Slot {
                key: ops.zero_key(),
                elem: ops.zero_elem(),
            };
        }
    }
}
