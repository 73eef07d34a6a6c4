//! What differs between the classic maps of Go 1.21 to 1.25.

use crate::map_type::SLOTS;
use crate::version::GoVersion;

/// How a version's map behaves where versions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// Twice the entries per bucket at which a map grows. 12 in 1.21, where an integer division
    /// made 6.0 of the intended 6.5.
    pub load_factor_times_2: u64,
    /// `clear` counts in the header, and iterators compare; without, it marks all buckets empty.
    pub counts_clears: bool,
    /// `maps.Clone` never asks for more buckets than the original has (since 1.22).
    pub clone_is_capped: bool,
}

impl Behaviour {
    /// The behaviour of a version's classic map (runtime/map.go, 1.24 and 1.25
    /// runtime/map_noswiss.go); later versions have none and get that of 1.25.
    #[must_use]
    pub fn of(version: GoVersion) -> Self {
        const V21: Behaviour = Behaviour {
            load_factor_times_2: 12,
            counts_clears: false,
            clone_is_capped: false,
        };
        const V22: Behaviour = Behaviour {
            load_factor_times_2: 13,
            clone_is_capped: true,
            ..V21
        };
        const V24: Behaviour = Behaviour {
            counts_clears: true,
            ..V22
        };
        match version {
            GoVersion::Go1_21 => V21,
            GoVersion::Go1_22 | GoVersion::Go1_23 => V22,
            GoVersion::Go1_24 | GoVersion::Go1_25 | GoVersion::Go1_26 | GoVersion::Go1_27 => V24,
        }
    }

    /// Most entries that 2^b buckets hold without being overloaded.
    #[must_use]
    pub fn max_load(&self, b: u8) -> u64 {
        let buckets = 1_u64.checked_shl(u32::from(b)).unwrap_or(u64::MAX);
        (self.load_factor_times_2.saturating_mul(buckets / 2)).max(SLOTS as u64)
    }

    /// `overLoadFactor`.
    #[must_use]
    pub fn is_overloaded(&self, count: u64, b: u8) -> bool {
        count > SLOTS as u64 && count > self.load_factor_times_2.saturating_mul((1 << (b & 63)) / 2)
    }
}
