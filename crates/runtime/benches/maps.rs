//! The models as data structures: insert, look-up (hit and miss), iterate and delete, beside
//! hashbrown. `benches/gomaps` measures Go's own maps in the same way; `scripts/bench-maps`
//! runs both. Prints name, operation, number of entries and nanoseconds per operation; the best
//! of five.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use tophash_runtime::{ClassicMap, GoVersion, HashKeys, Native, NativeKey, SplitMix, SwissMap};

fn mix(n: u64) -> u64 {
    SplitMix::new(n).next_u64()
}

/// A map that can be measured.
trait Map<K>: Sized {
    const NAME: &'static str;
    fn new() -> Self;
    fn put(&mut self, key: &K, elem: u64);
    fn get(&self, key: &K) -> Option<u64>;
    fn delete(&mut self, key: &K);
    fn sum(&mut self) -> u64;
}

fn keys() -> HashKeys {
    let schedule: [u8; 128] = std::array::from_fn(|i| mix(i as u64) as u8);
    HashKeys::aes(&schedule)
}

impl<K: NativeKey> Map<K> for SwissMap<Native<K, u64>, SplitMix> {
    const NAME: &'static str = "SwissMap";

    fn new() -> Self {
        Self::new(
            GoVersion::LATEST,
            Native::new(keys(), false),
            SplitMix::new(1),
            0,
        )
    }

    fn put(&mut self, key: &K, elem: u64) {
        let _ = self.put(key.clone(), elem);
    }

    #[inline]
    fn get(&self, key: &K) -> Option<u64> {
        self.get(key).ok().flatten().copied()
    }

    fn delete(&mut self, key: &K) {
        let _ = self.delete(key);
    }

    fn sum(&mut self) -> u64 {
        let mut iter = self.iter();
        let mut sum = 0_u64;
        while let Ok(Some((_, elem))) = iter.next(self) {
            sum = sum.wrapping_add(*elem);
        }
        sum
    }
}

impl<K: NativeKey> Map<K> for ClassicMap<Native<K, u64>, SplitMix> {
    const NAME: &'static str = "ClassicMap";

    fn new() -> Self {
        Self::new(
            GoVersion::Go1_23,
            Native::new(keys(), false),
            SplitMix::new(1),
            0,
        )
    }

    fn put(&mut self, key: &K, elem: u64) {
        let _ = self.put(key.clone(), elem);
    }

    #[inline]
    fn get(&self, key: &K) -> Option<u64> {
        self.get(key).ok().flatten().copied()
    }

    fn delete(&mut self, key: &K) {
        let _ = self.delete(key);
    }

    fn sum(&mut self) -> u64 {
        let mut iter = self.iter();
        let mut sum = 0_u64;
        while let Ok(Some((_, elem))) = iter.next(self) {
            sum = sum.wrapping_add(*elem);
        }
        sum
    }
}

impl<K: NativeKey + std::hash::Hash + Eq> Map<K> for hashbrown::HashMap<K, u64> {
    const NAME: &'static str = "hashbrown";

    fn new() -> Self {
        Self::new()
    }

    fn put(&mut self, key: &K, elem: u64) {
        self.insert(key.clone(), elem);
    }

    #[inline]
    fn get(&self, key: &K) -> Option<u64> {
        self.get(key).copied()
    }

    fn delete(&mut self, key: &K) {
        self.remove(key);
    }

    fn sum(&mut self) -> u64 {
        self.values().fold(0, |sum, elem| sum.wrapping_add(*elem))
    }
}

fn fill<K, M: Map<K>>(keys: &[K]) -> M {
    let mut map = M::new();
    for (elem, key) in (0..).zip(keys) {
        map.put(key, elem);
    }
    map
}

fn measure<K: Clone, M: Map<K>>(kind: &str, n: usize, key: impl Fn(u64) -> K) {
    let keys: Vec<K> = (0..n as u64).map(|i| key(mix(i))).collect();
    let missing: Vec<K> = (0..n as u64).map(|i| key(mix(i + (1 << 40)))).collect();
    let order: Vec<K> = (0..n as u64)
        .map(|i| keys[(mix(i + (1 << 50)) % n as u64) as usize].clone())
        .collect();
    let rounds = (1_000_000 / n).max(1);
    let best = |operation: &str, run: &mut dyn FnMut() -> Duration| {
        let least = (0..5).map(|_| run()).min().unwrap_or_default();
        let each = least.as_nanos() as f64 / (n * rounds) as f64;
        println!("{} {kind}\t{operation}\t{n}\t{each:.2}", M::NAME);
    };
    let timed = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        for _ in 0..rounds {
            run();
        }
        start.elapsed()
    };
    best("insert", &mut || {
        timed(&mut || drop(black_box(fill::<K, M>(&keys))))
    });
    let mut map: M = fill(&keys);
    let look_up = |map: &M, keys: &[K]| {
        timed(&mut || {
            let mut sum = 0_u64;
            for key in keys {
                sum = sum.wrapping_add(map.get(key).unwrap_or_default());
            }
            black_box(sum);
        })
    };
    best("hit", &mut || look_up(&map, &order));
    best("miss", &mut || look_up(&map, &missing));
    best("iterate", &mut || {
        timed(&mut || {
            black_box(map.sum());
        })
    });
    best("delete", &mut || {
        let mut total = Duration::ZERO;
        for _ in 0..rounds {
            let mut map: M = fill(&keys);
            let start = Instant::now();
            for key in &keys {
                map.delete(key);
            }
            total += start.elapsed();
        }
        total
    });
}

fn main() {
    let largest = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .next()
        .unwrap_or(10_000_000);
    let sizes = || {
        (2..)
            .map(|power| 10_usize.pow(power))
            .take_while(|&n| n <= largest)
    };
    for n in sizes() {
        measure::<u64, SwissMap<Native<u64, u64>, SplitMix>>("uint64", n, |key| key);
        measure::<u64, ClassicMap<Native<u64, u64>, SplitMix>>("uint64", n, |key| key);
        measure::<u64, hashbrown::HashMap<u64, u64>>("uint64", n, |key| key);
    }
    let text = |key| format!("{key:x}").into_boxed_str();
    for n in sizes().take_while(|&n| n <= 1_000_000) {
        measure::<Box<str>, SwissMap<Native<Box<str>, u64>, SplitMix>>("string", n, text);
        measure::<Box<str>, ClassicMap<Native<Box<str>, u64>, SplitMix>>("string", n, text);
        measure::<Box<str>, hashbrown::HashMap<Box<str>, u64>>("string", n, text);
    }
}
