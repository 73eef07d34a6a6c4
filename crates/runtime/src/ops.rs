//! What a model map has to know of its keys and elements.

use crate::event::Event;
use crate::hash::{HashError, HashKeys};
use crate::map_type::Traits;

/// Keys and elements of one map type: how they are hashed, compared and cleared.
///
/// A model is generic over this, so that maps of plain Rust keys are compiled for their types,
/// while a debugger's map of types known at run time goes through descriptors ([`crate::Dynamic`]).
pub trait Ops {
    /// What a key slot holds.
    type Key: Clone;
    /// What an element slot holds.
    type Elem: Clone;

    /// Facts of the map type that the runtime reads from its descriptor.
    fn traits(&self) -> &Traits;

    /// The hash of a key. `random` is what a NaN hashes to.
    ///
    /// # Errors
    /// The key holds an interface whose value can't be hashed, or can't be read.
    fn hash(
        &self,
        key: &Self::Key,
        seed: u64,
        random: &mut dyn FnMut() -> u64,
    ) -> Result<u64, HashError>;

    /// Go's `==` on keys.
    fn equal(&self, a: &Self::Key, b: &Self::Key) -> bool;

    /// A key slot as it is allocated: zero, or a nil pointer if keys are held by pointer.
    fn zero_key(&self) -> Self::Key;

    /// An element slot as it is allocated.
    fn zero_elem(&self) -> Self::Elem;

    /// `mapdelete_faststr` of the classic map clears the pointer of a string and leaves its
    /// length.
    fn clear_string(&self, key: &mut Self::Key) {
        *key = self.zero_key();
    }

    /// Told of every step that a model makes. Nobody listens unless this is written.
    #[inline]
    fn observe(&self, event: Event) {
        let _ = event;
    }

    /// What a hash of zero bytes is called for: whether the key can't be hashed, asked when the
    /// map is empty.
    ///
    /// # Errors
    /// As [`Ops::hash`].
    fn check_key(&self, key: &Self::Key) -> Result<(), HashError> {
        if self.traits().hash_might_panic {
            self.hash(key, 0, &mut || 0)?;
        }
        Ok(())
    }
}

/// A key and its element, as they are in a map.
pub type Entry<'m, O> = (&'m <O as Ops>::Key, &'m <O as Ops>::Elem);

/// A key that a model map can be compiled for: one of Go's key types as a Rust type.
pub trait NativeKey: Clone + Default {
    /// Facts of a map type with this key and an element of these many bytes.
    fn traits(elem_size: u64, elem_pointers: bool) -> Traits;

    /// The key's hash.
    fn hash(&self, keys: &HashKeys, seed: u64) -> u64;

    /// Go's `==`.
    fn equal(&self, other: &Self) -> bool;
}

macro_rules! native_integers {
    ($($int:ty => $hash:ident, $as:ty, $name:literal;)*) => {$(
        impl NativeKey for $int {
            fn traits(elem_size: u64, elem_pointers: bool) -> Traits {
                let key = crate::types::GoType::scalar($name, size_of::<$int>() as u64);
                Traits::native(&key, elem_size, elem_pointers)
            }

            #[inline]
            fn hash(&self, keys: &HashKeys, seed: u64) -> u64 {
                keys.$hash(*self as $as, seed)
            }

            #[inline]
            fn equal(&self, other: &Self) -> bool {
                self == other
            }
        }
    )*};
}

native_integers! {
    u64 => u64, u64, "uint64";
    i64 => u64, u64, "int64";
    u32 => u32, u32, "uint32";
    i32 => u32, u32, "int32";
}

impl NativeKey for Box<str> {
    fn traits(elem_size: u64, elem_pointers: bool) -> Traits {
        Traits::native(&crate::types::GoType::string(), elem_size, elem_pointers)
    }

    #[inline]
    fn hash(&self, keys: &HashKeys, seed: u64) -> u64 {
        keys.memory(self.as_bytes(), seed)
    }

    #[inline]
    fn equal(&self, other: &Self) -> bool {
        self == other
    }
}

/// Keys and elements that are plain Rust values.
#[derive(Clone, Debug)]
pub struct Native<K, V> {
    keys: HashKeys,
    traits: Traits,
    types: std::marker::PhantomData<(K, V)>,
}

impl<K: NativeKey, V> Native<K, V> {
    /// Maps with the hash keys of a process; `elem_pointers` says whether elements hold pointers.
    #[must_use]
    pub fn new(keys: HashKeys, elem_pointers: bool) -> Self {
        let traits = K::traits(size_of::<V>() as u64, elem_pointers);
        Self {
            keys,
            traits,
            types: std::marker::PhantomData,
        }
    }
}

impl<K: NativeKey, V: Clone + Default> Ops for Native<K, V> {
    type Key = K;
    type Elem = V;

    #[inline]
    fn traits(&self) -> &Traits {
        &self.traits
    }

    #[inline]
    fn hash(&self, key: &K, seed: u64, _: &mut dyn FnMut() -> u64) -> Result<u64, HashError> {
        Ok(key.hash(&self.keys, seed))
    }

    #[inline]
    fn equal(&self, a: &K, b: &K) -> bool {
        a.equal(b)
    }

    fn zero_key(&self) -> K {
        K::default()
    }

    fn zero_elem(&self) -> V {
        V::default()
    }
}
