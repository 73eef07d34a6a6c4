//! Two containers that grow while many threads read them.

use rustc_hash::{FxBuildHasher, FxHashMap};
use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A list that only grows: `push` takes `&self`, and a reference to an element
/// stays valid as long as the list.
pub(crate) struct Append<T> {
    /// Bucket `i` holds `2^i` elements.
    buckets: [OnceLock<Box<[OnceLock<T>]>>; 32],
    len: AtomicU32,
}

impl<T> Append<T> {
    pub(crate) fn new() -> Append<T> {
        Append {
            buckets: std::array::from_fn(|_| OnceLock::new()),
            len: AtomicU32::new(0),
        }
    }

    /// Adds the element that `make` gives for its index.
    pub(crate) fn push_with(&self, make: impl FnOnce(u32) -> T) -> u32 {
        let index = self.len.fetch_add(1, Ordering::Relaxed);
        let (bucket, offset) = place(index);
        let slots = self.buckets[bucket]
            .get_or_init(|| (0..1usize << bucket).map(|_| OnceLock::new()).collect());
        slots[offset].get_or_init(|| make(index));
        index
    }

    /// The element at `index`; none if it is not there yet.
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        let (bucket, offset) = place(index);
        self.buckets.get(bucket)?.get()?.get(offset)?.get()
    }

    /// How many elements were added, those still being made included.
    pub(crate) fn len(&self) -> u32 {
        self.len.load(Ordering::Relaxed)
    }
}

fn place(index: u32) -> (usize, usize) {
    let n = u64::from(index) + 1;
    let bucket = n.ilog2();
    (bucket as usize, (n - (1 << bucket)) as usize)
}

const SHARDS: usize = 32;

/// A map in which each key's value is computed once, on first demand, without
/// holding up the other keys.
pub(crate) struct Memo<K, V> {
    shards: [Mutex<FxHashMap<K, Arc<OnceLock<V>>>>; SHARDS],
}

impl<K: Hash + Eq, V: Clone> Memo<K, V> {
    pub(crate) fn new() -> Memo<K, V> {
        Memo {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// The value of `key`, made by `make` if this is the first demand. `make` must
    /// not ask for the same key again.
    pub(crate) fn get_or_init<Q>(&self, key: &Q, make: impl FnOnce() -> V) -> V
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = FxBuildHasher.hash_one(key);
        let shard = &self.shards[(hash >> 57) as usize % SHARDS];
        let cell = {
            let mut map = shard.lock().unwrap_or_else(PoisonError::into_inner);
            match map.get(key) {
                Some(cell) => Arc::clone(cell),
                None => Arc::clone(map.entry(key.to_owned()).or_default()),
            }
        };
        cell.get_or_init(make).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Append, Memo};

    #[test]
    fn append_keeps_elements_in_place() {
        let list = Append::new();
        let first = list.push_with(|i| i * 10);
        let kept = list.get(first).map(std::ptr::from_ref);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        let i = list.push_with(|i| i * 10);
                        assert_eq!(list.get(i), Some(&(i * 10)));
                    }
                });
            }
        });
        assert_eq!(list.len(), 4001);
        assert_eq!(list.get(first).map(std::ptr::from_ref), kept);
        assert_eq!(list.get(4001), None);
        assert_eq!(list.get(u32::MAX), None);
    }

    #[test]
    fn memo_computes_once() {
        let memo: Memo<String, usize> = Memo::new();
        assert_eq!(memo.get_or_init("a", || 1), 1);
        assert_eq!(memo.get_or_init("a", || 2), 1);
    }
}
