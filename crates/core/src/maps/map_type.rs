//! Map types, as far as their descriptor tells: where keys and elements lie.

use std::sync::Arc;

use tophash_runtime::layout::{self, SlotsLayout};
use tophash_runtime::types::{GoType, WORD};
use tophash_runtime::{Build, HashPlan, Implementation, MAX_INLINE, SLOTS};

use crate::types::{Shape, TypeId, Types};

/// A map type.
#[derive(Clone, Debug)]
pub struct MapType {
    /// The build of the program.
    pub build: Build,
    /// Its descriptor.
    pub id: TypeId,
    /// Its name: `map[string]int`, or the name it was declared under.
    pub name: Arc<str>,
    /// The type of keys.
    pub key: TypeId,
    /// The type of elements.
    pub elem: TypeId,
    /// Bytes of a key.
    pub key_size: u64,
    /// Bytes of an element.
    pub elem_size: u64,
    /// Whether slots hold pointers to keys instead of keys.
    pub indirect_key: bool,
    /// Whether slots hold pointers to elements instead of elements.
    pub indirect_elem: bool,
    /// Whether keys hold pointers.
    pub key_pointers: bool,
    /// Whether elements hold pointers.
    pub elem_pointers: bool,
    /// Where keys and elements lie in a bucket or group.
    pub chunk: Chunk,
    /// The type of buckets or groups.
    pub chunk_type: TypeId,
    /// Whether buckets or groups hold pointers.
    pub chunk_pointers: bool,
    /// The key type as the hash function sees it, if all of it is known.
    pub key_image: Option<Arc<GoType>>,
    /// What the hash function does, if it is known.
    pub hash: Option<HashPlan>,
}

/// Where things lie in a bucket or a group of eight slots. What tells full slots from others is
/// in the first eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Bytes of it.
    pub size: u64,
    /// Offset of the first key.
    pub keys: u64,
    /// Bytes from one key to the next.
    pub key_stride: u64,
    /// Offset of the first element.
    pub elems: u64,
    /// Bytes from one element to the next.
    pub elem_stride: u64,
}

impl Chunk {
    /// Offset of the key in a slot.
    #[must_use]
    pub fn key(&self, slot: usize) -> u64 {
        self.keys + self.key_stride * slot as u64
    }

    /// Offset of the element in a slot.
    #[must_use]
    pub fn elem(&self, slot: usize) -> u64 {
        self.elems + self.elem_stride * slot as u64
    }

    /// Offset of the overflow pointer of a classic bucket, its last word.
    #[must_use]
    pub fn overflow(&self) -> u64 {
        self.size - WORD
    }

    /// Bytes that a slot takes, key and element.
    #[must_use]
    pub fn slot(&self, key_slot: u64, elem_slot: u64) -> u64 {
        if self.key_stride == self.elem_stride && self.elems < self.keys + self.key_stride {
            self.key_stride
        } else {
            key_slot + elem_slot
        }
    }
}

/// The largest bucket or group: eight slots of two inline values, control and overflow words, and
/// some padding.
const MAX_CHUNK: u64 = (2 * MAX_INLINE + 16) * SLOTS as u64 + 32;

impl MapType {
    /// The map type whose descriptor is `id`; none if there is none, or its parts contradict each
    /// other.
    #[must_use]
    pub fn read(types: &Types<'_>, id: TypeId) -> Option<Self> {
        let ty = types.get(id)?;
        let Shape::Map { key, elem } = ty.shape else {
            return None;
        };
        let (key_type, elem_type) = (types.get(key)?, types.get(elem)?);
        let layout = layout::map_type(types.build());
        let memory = types.memory();
        let at = |offset: u64| id.0.checked_add(offset);
        let word = |offset| memory.u64(at(offset)?);
        let byte = |offset| Some(u64::from(memory.u8(at(offset)?)?));
        let chunk_type = TypeId(word(layout.chunk)?);
        let flags = memory.u32(at(layout.flags)?)?;
        let classic = types.build().maps == Implementation::Classic;
        let (indirect_key, indirect_elem) = if classic {
            (flags & 1 != 0, flags & 2 != 0)
        } else {
            (flags & 4 != 0, flags & 8 != 0)
        };
        let chunk = match layout.slots {
            SlotsLayout::Bucket {
                key_size,
                elem_size,
                bucket_size,
            } => {
                let (key, elem) = (byte(key_size)?, byte(elem_size)?);
                Chunk {
                    size: u64::from(memory.u16(at(bucket_size)?)?),
                    keys: WORD,
                    key_stride: key,
                    elems: WORD + key * SLOTS as u64,
                    elem_stride: elem,
                }
            }
            SlotsLayout::Interleaved {
                group_size,
                slot_size,
                elem_off,
            } => {
                let stride = word(slot_size)?;
                Chunk {
                    size: word(group_size)?,
                    keys: WORD,
                    key_stride: stride,
                    elems: WORD.checked_add(word(elem_off)?)?,
                    elem_stride: stride,
                }
            }
            SlotsLayout::Strided {
                group_size,
                keys_off,
                key_stride,
                elems_off,
                elem_stride,
            } => Chunk {
                size: word(group_size)?,
                keys: word(keys_off)?,
                key_stride: word(key_stride)?,
                elems: word(elems_off)?,
                elem_stride: word(elem_stride)?,
            },
        };
        let chunk_pointers = types.get(chunk_type).map(|ty| ty.pointer_bytes > 0);
        let key_image = types.image(key);
        let hash = key_image
            .as_ref()
            .and_then(|image| HashPlan::new(types.build().version, image));
        let map_type = Self {
            build: types.build(),
            id,
            name: ty.name.clone(),
            key,
            elem,
            key_size: key_type.size,
            elem_size: elem_type.size,
            indirect_key,
            indirect_elem,
            key_pointers: key_type.pointer_bytes > 0,
            elem_pointers: elem_type.pointer_bytes > 0,
            chunk,
            chunk_type,
            chunk_pointers: chunk_pointers.unwrap_or(true),
            key_image,
            hash,
        };
        map_type.is_sensible(classic).then_some(map_type)
    }

    /// Whether all slots lie inside the bucket or group and are large enough.
    fn is_sensible(&self, classic: bool) -> bool {
        let chunk = &self.chunk;
        let end = if classic {
            let Some(end) = chunk.size.checked_sub(WORD) else {
                return false;
            };
            end
        } else {
            chunk.size
        };
        let last = SLOTS as u64 - 1;
        let fits = |first: u64, stride: u64, size: u64| {
            first >= WORD
                && first <= end
                && stride >= size
                && stride <= end
                && first + last * stride + size <= end
        };
        chunk.size <= MAX_CHUNK
            && (self.key_size <= MAX_INLINE || self.indirect_key)
            && (self.elem_size <= MAX_INLINE || self.indirect_elem)
            && fits(chunk.keys, chunk.key_stride, self.key_slot())
            && fits(chunk.elems, chunk.elem_stride, self.elem_slot())
    }

    /// Bytes of a key as slots hold it: its own, or those of a pointer.
    #[must_use]
    pub fn key_slot(&self) -> u64 {
        if self.indirect_key {
            WORD
        } else {
            self.key_size
        }
    }

    /// Bytes of an element as slots hold it.
    #[must_use]
    pub fn elem_slot(&self) -> u64 {
        if self.indirect_elem {
            WORD
        } else {
            self.elem_size
        }
    }

    /// Bytes of a slot, key and element with the padding between.
    #[must_use]
    pub fn slot(&self) -> u64 {
        self.chunk.slot(self.key_slot(), self.elem_slot())
    }
}
