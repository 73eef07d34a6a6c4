//! Map types: what the compiler derives from a key and an element type.

use std::sync::Arc;

use crate::hash::HashPlan;
use crate::types::{Algorithm, GoType, WORD, align_up};
use crate::version::{Build, Implementation};

/// Slots of a bucket and of a group (abi `MapBucketCount`, `SwissMapGroupSlots`, `MapGroupSlots`).
pub const SLOTS: usize = 8;

/// Keys and elements above this many bytes are held by pointer (abi `MapMaxKeyBytes`,
/// `MapMaxElemBytes`); the same in every version.
pub const MAX_INLINE: u64 = 128;

/// Which of the runtime's functions the compiler calls for a map type
/// (cmd/compile/internal/walk `mapfast`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// `mapassign`, `mapaccess1`, `mapdelete`.
    Slow,
    /// `mapassign_fast32` and its kin: four-byte keys of plain memory.
    Fast32,
    /// `mapassign_fast64`: eight-byte keys of plain memory without pointers.
    Fast64,
    /// `mapassign_fast64ptr`, otherwise as `Fast64`: keys that are a pointer.
    Fast64Pointer,
    /// `mapassign_faststr`.
    FastString,
}

/// Facts of a map type on which the runtime's behaviour turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// The functions that the compiler calls.
    pub variant: Variant,
    /// Whether a deleted key slot must be cleared.
    pub key_pointers: bool,
    /// Whether the bucket or group type holds pointers.
    pub pointers: bool,
    /// Whether assigning to a present key overwrites the key.
    pub need_key_update: bool,
    /// Whether hashing may panic.
    pub hash_might_panic: bool,
    /// Whether every key equals itself.
    pub reflexive: bool,
    /// Whether keys are held by pointer.
    pub indirect_key: bool,
    /// Whether elements are held by pointer.
    pub indirect_elem: bool,
    /// Bytes of a classic bucket, overflow pointer included.
    pub bucket_size: u64,
    /// Bytes of a slot of a Swiss group, key, element and padding.
    pub slot_size: u64,
}

impl Traits {
    /// The facts of a map type.
    #[must_use]
    pub fn new(key: &GoType, elem: &GoType) -> Self {
        let elem_pointers = elem.has_pointers();
        Self::build(key, elem.size, elem.align, elem_pointers)
    }

    /// The facts of a map whose elements are known by size only.
    pub(crate) fn native(key: &GoType, elem_size: u64, elem_pointers: bool) -> Self {
        let align = if elem_size == 0 {
            1
        } else {
            1 << elem_size.trailing_zeros().min(3)
        };
        Self::build(key, elem_size, align, elem_pointers)
    }

    fn build(key: &GoType, elem_size: u64, elem_align: u64, elem_pointers: bool) -> Self {
        let indirect_key = key.size > MAX_INLINE;
        let indirect_elem = elem_size > MAX_INLINE;
        let (key_slot, key_align) = if indirect_key {
            (WORD, WORD)
        } else {
            (key.size, key.align)
        };
        let (elem_slot, elem_align) = if indirect_elem {
            (WORD, WORD)
        } else {
            (elem_size, elem_align)
        };
        Self {
            variant: variant(key, indirect_elem),
            key_pointers: key.has_pointers(),
            pointers: key.has_pointers() || elem_pointers || indirect_key || indirect_elem,
            need_key_update: key.needs_key_update(),
            hash_might_panic: key.hash_might_panic(),
            reflexive: key.is_reflexive(),
            indirect_key,
            indirect_elem,
            bucket_size: bucket(key_slot, key_align, elem_slot, elem_align).size,
            slot_size: slot(key_slot, key_align, elem_slot, elem_align).1,
        }
    }
}

fn variant(key: &GoType, indirect_elem: bool) -> Variant {
    if indirect_elem {
        return Variant::Slow;
    }
    match (key.algorithm(), key.size) {
        (Algorithm::Memory, 4) if !key.has_pointers() => Variant::Fast32,
        (Algorithm::Memory, 8) if key.has_pointers() => Variant::Fast64Pointer,
        (Algorithm::Memory, 8) => Variant::Fast64,
        (Algorithm::String, _) => Variant::FastString,
        _ => Variant::Slow,
    }
}

/// Where things lie in a classic bucket (reflectdata `MapBucketType`, runtime/map.go `bmap`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketLayout {
    /// Bytes of the bucket.
    pub size: u64,
    /// Offset of the first key; the eight tophash bytes lie before.
    pub keys: u64,
    /// Offset of the first element.
    pub elems: u64,
    /// Offset of the overflow pointer, always the last word.
    pub overflow: u64,
}

/// Where things lie in a Swiss group (reflectdata `SwissMapGroupType`, `MapGroupType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupLayout {
    /// Bytes of the group.
    pub size: u64,
    /// Offset of the first key; the control word lies before.
    pub keys: u64,
    /// Bytes from one key to the next.
    pub key_stride: u64,
    /// Offset of the first element.
    pub elems: u64,
    /// Bytes from one element to the next.
    pub elem_stride: u64,
}

fn bucket(key: u64, key_align: u64, elem: u64, elem_align: u64) -> BucketLayout {
    let slots = SLOTS as u64;
    let keys = align_up(slots, key_align);
    let elems = align_up(keys + slots * key, elem_align);
    let overflow = align_up(elems + slots * elem, WORD);
    BucketLayout {
        size: overflow + WORD,
        keys,
        elems,
        overflow,
    }
}

/// Offset of the element in a slot, and the slot's size and alignment.
fn slot(key: u64, key_align: u64, elem: u64, elem_align: u64) -> (u64, u64, u64) {
    let offset = align_up(key, elem_align);
    let align = key_align.max(elem_align);
    let mut size = offset + elem;
    if size > 0 && elem == 0 {
        size += 1;
    }
    (offset, align_up(size, align), align)
}

/// A map type in one build: what the descriptor says and the compiler knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapType {
    /// The build that it belongs to.
    pub build: Build,
    /// The key type.
    pub key: Arc<GoType>,
    /// The element type.
    pub elem: Arc<GoType>,
    /// Bytes of a key slot: the key's, or of a pointer.
    pub key_slot: u64,
    /// Bytes of an element slot.
    pub elem_slot: u64,
    /// What the runtime's behaviour turns on.
    pub traits: Traits,
    /// The key's hash function.
    pub hash: HashPlan,
}

impl MapType {
    /// The map type with this key and element; none if the key can't be a key.
    #[must_use]
    pub fn new(build: Build, key: Arc<GoType>, elem: Arc<GoType>) -> Option<Self> {
        let hash = HashPlan::new(build.version, &key)?;
        let traits = Traits::new(&key, &elem);
        let key_slot = if traits.indirect_key { WORD } else { key.size };
        let elem_slot = if traits.indirect_elem {
            WORD
        } else {
            elem.size
        };
        Some(Self {
            build,
            key_slot,
            elem_slot,
            traits,
            hash,
            key,
            elem,
        })
    }

    fn aligns(&self) -> (u64, u64) {
        let key = if self.traits.indirect_key {
            WORD
        } else {
            self.key.align
        };
        let elem = if self.traits.indirect_elem {
            WORD
        } else {
            self.elem.align
        };
        (key, elem)
    }

    /// The layout of a bucket, should the build have the classic map.
    #[must_use]
    pub fn bucket(&self) -> BucketLayout {
        let (key_align, elem_align) = self.aligns();
        bucket(self.key_slot, key_align, self.elem_slot, elem_align)
    }

    /// The layout of a group, should the build have the Swiss map.
    #[must_use]
    pub fn group(&self) -> GroupLayout {
        let (key_align, elem_align) = self.aligns();
        let slots = SLOTS as u64;
        if self.build.split_groups {
            let keys = align_up(WORD, key_align);
            let elems = align_up(keys + slots * self.key_slot, elem_align);
            let mut size = elems + slots * self.elem_slot;
            if self.elem_slot == 0 {
                size += 1;
            }
            return GroupLayout {
                size: align_up(size, WORD),
                keys,
                key_stride: self.key_slot,
                elems,
                elem_stride: self.elem_slot,
            };
        }
        let (elem, stride, align) = slot(self.key_slot, key_align, self.elem_slot, elem_align);
        let keys = align_up(WORD, align);
        let mut size = keys + slots * stride;
        if stride == 0 {
            size += 1;
        }
        GroupLayout {
            size: align_up(size, WORD),
            keys,
            key_stride: stride,
            elems: keys + elem,
            elem_stride: stride,
        }
    }

    /// The layout's size of one bucket or group, whichever the build has.
    #[must_use]
    pub fn chunk_size(&self) -> u64 {
        match self.build.maps {
            Implementation::Classic => self.bucket().size,
            Implementation::Swiss => self.group().size,
        }
    }

    /// The descriptor's flags (abi `MapType.Flags`, `OldMapType.Flags`).
    #[must_use]
    pub fn flags(&self) -> u32 {
        let t = &self.traits;
        let bits: &[(bool, u32)] = match self.build.maps {
            Implementation::Classic => &[
                (t.indirect_key, 1),
                (t.indirect_elem, 2),
                (t.reflexive, 4),
                (t.need_key_update, 8),
                (t.hash_might_panic, 16),
            ],
            Implementation::Swiss => &[
                (t.need_key_update, 1),
                (t.hash_might_panic, 2),
                (t.indirect_key, 4),
                (t.indirect_elem, 8),
            ],
        };
        bits.iter()
            .filter(|(set, _)| *set)
            .map(|(_, bit)| bit)
            .sum()
    }
}
