//! Where a model takes the runtime's random values from.

/// What a random value is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Draw {
    /// The hash seed of a new, emptied or cleared map; the classic map takes the low 32 bits.
    Seed,
    /// Where an iteration starts. A Swiss iterator draws twice: offset in a table, offset in
    /// the directory.
    Iteration,
    /// The whole hash of a key that differs from itself (NaN).
    NanHash,
    /// Whether a classic map with 2^16 buckets or more counts an overflow bucket.
    OverflowCount,
}

/// A source of the values that the runtime takes from `rand` (`fastrand` in 1.21).
pub trait Random {
    /// The next value, for this purpose.
    fn draw(&mut self, purpose: Draw) -> u64;
}

impl<R: Random + ?Sized> Random for &mut R {
    fn draw(&mut self, purpose: Draw) -> u64 {
        (**self).draw(purpose)
    }
}

/// A deterministic pseudo-random source (SplitMix64), the same for every run with one seed.
#[derive(Clone, Debug)]
pub struct SplitMix(u64);

impl SplitMix {
    /// A source that starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next value.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A value below `n`, which is not 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next_u64() % n.max(1)
    }
}

impl Random for SplitMix {
    fn draw(&mut self, _: Draw) -> u64 {
        self.next_u64()
    }
}
