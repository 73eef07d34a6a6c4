//! Keys and elements of any Go type, as images of their memory.

use std::sync::Arc;

use crate::equal::values_equal;
use crate::hash::{HashError, HashKeys, Hasher};
use crate::map_type::{MapType, Traits};
use crate::memory::Memory;
use crate::ops::Ops;
use crate::types::WORD;

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
        values_equal(&self.map_type.key, a, b, &self.memory)
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
