//! Keys and elements of any Go type, as images of their memory.

use std::sync::Arc;

use crate::hash::{HashError, HashKeys, Hasher};
use crate::map_type::{MapType, Traits};
use crate::memory::{Memory, word_at};
use crate::ops::Ops;
use crate::types::{GoType, Kind, WORD};

/// The bytes of a value as they lie in memory. What a slot that holds a nil pointer to a boxed key
/// or element contains is the image of no bytes.
pub type Image = Box<[u8]>;

/// Operations on keys and elements of a type known at run time.
///
/// Pointers in images are addresses; what they point to is read from `memory`.
#[derive(Clone, Debug)]
pub struct Dynamic<M> {
    map_type: Arc<MapType>,
    keys: HashKeys,
    memory: M,
}

impl<M: Memory> Dynamic<M> {
    /// Maps of a type, in a process with these hash keys and this memory.
    #[must_use]
    pub fn new(map_type: Arc<MapType>, keys: HashKeys, memory: M) -> Self {
        Self {
            map_type,
            keys,
            memory,
        }
    }

    /// The map type.
    #[must_use]
    pub fn map_type(&self) -> &MapType {
        &self.map_type
    }

    fn part(bytes: &[u8], offset: u64, len: u64) -> &[u8] {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::try_from(len).unwrap_or(usize::MAX));
        bytes.get(start..end).unwrap_or_default()
    }

    fn values_equal(&self, ty: &GoType, a: &[u8], b: &[u8]) -> bool {
        if ty.is_regular_memory() {
            return a == b;
        }
        match &ty.kind {
            Kind::Float => float(a) == float(b),
            Kind::Complex => {
                let half = ty.size / 2;
                [0, half]
                    .into_iter()
                    .all(|at| float(Self::part(a, at, half)) == float(Self::part(b, at, half)))
            }
            Kind::String => {
                let (len, data_a, data_b) = (word_at(a, 8), word_at(a, 0), word_at(b, 0));
                let text = |data| self.memory.bytes(data, len);
                len == word_at(b, 8)
                    && (data_a == data_b
                        || text(data_a).is_some_and(|text_a| Some(text_a) == text(data_b)))
            }
            Kind::Interface { .. } => self.interfaces_equal(a, b),
            Kind::Array { elem, len } => (0..*len).all(|i| {
                let at = i * elem.size;
                self.values_equal(
                    elem,
                    Self::part(a, at, elem.size),
                    Self::part(b, at, elem.size),
                )
            }),
            Kind::Struct { fields } => fields.iter().filter(|field| !field.blank).all(|field| {
                let (at, len) = (field.offset, field.ty.size);
                self.values_equal(&field.ty, Self::part(a, at, len), Self::part(b, at, len))
            }),
            Kind::Scalar | Kind::Pointer | Kind::Incomparable | Kind::Slice => a == b,
        }
    }

    fn interfaces_equal(&self, a: &[u8], b: &[u8]) -> bool {
        let word = word_at(a, 0);
        if word != word_at(b, 0) {
            return false;
        }
        if word == 0 {
            return true;
        }
        let (data_a, data_b) = (word_at(a, 8), word_at(b, 8));
        let Some(ty) = self.memory.dynamic_type(word) else {
            return data_a == data_b;
        };
        if ty.is_direct_in_interface() {
            return data_a == data_b;
        }
        match (
            self.memory.bytes(data_a, ty.size),
            self.memory.bytes(data_b, ty.size),
        ) {
            (Some(a), Some(b)) => self.values_equal(ty, a, b),
            _ => data_a == data_b,
        }
    }
}

fn float(bytes: &[u8]) -> f64 {
    match bytes.len() {
        4 => f64::from(f32::from_bits(crate::memory::half_at(bytes, 0))),
        _ => f64::from_bits(word_at(bytes, 0)),
    }
}

fn zero(size: u64, indirect: bool) -> Image {
    let size = if indirect {
        0
    } else {
        usize::try_from(size).unwrap_or(0)
    };
    vec![0; size].into_boxed_slice()
}

impl<M: Memory> Ops for Dynamic<M> {
    type Key = Image;
    type Elem = Image;

    fn traits(&self) -> &Traits {
        &self.map_type.traits
    }

    /// For a key that differs from itself, `random` gives the whole hash.
    fn hash(
        &self,
        key: &Image,
        seed: u64,
        random: &mut dyn FnMut() -> u64,
    ) -> Result<u64, HashError> {
        let mut irreflexive = false;
        let mut note = || {
            irreflexive = true;
            0
        };
        let mut hasher = Hasher {
            keys: &self.keys,
            memory: &self.memory,
            random: &mut note,
        };
        let hash = hasher.key(&self.map_type.hash, key, seed)?;
        Ok(if irreflexive { random() } else { hash })
    }

    fn equal(&self, a: &Image, b: &Image) -> bool {
        self.values_equal(&self.map_type.key, a, b)
    }

    fn zero_key(&self) -> Image {
        zero(self.map_type.key.size, self.map_type.traits.indirect_key)
    }

    fn zero_elem(&self) -> Image {
        zero(self.map_type.elem.size, self.map_type.traits.indirect_elem)
    }

    fn clear_string(&self, key: &mut Image) {
        if let Some(pointer) = key.get_mut(..WORD as usize) {
            pointer.fill(0);
        }
    }
}
