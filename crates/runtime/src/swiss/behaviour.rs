//! What differs between the Swiss maps of Go 1.24 to 1.27.

use crate::map_type::Variant;
use crate::version::GoVersion;

/// Which groups `clear` zeroes; control words are always reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearGroups {
    /// All.
    All,
    /// Those with a full slot.
    WithEntries,
    /// Those with a full slot if the table is sparse or its slots are large, else all.
    Adaptive,
}

/// Which assign functions prune tombstones. `mapassign` itself never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prunes {
    /// None.
    Never,
    /// Those for integer and string keys (1.25, 1.26).
    NotForPointers,
    /// All the fast ones (1.27).
    AllFast,
}

impl Prunes {
    /// Whether an assignment by this function prunes.
    #[must_use]
    pub fn applies_to(self, variant: Variant) -> bool {
        match variant {
            Variant::Slow => false,
            Variant::Fast32 | Variant::Fast64 | Variant::FastString => self != Self::Never,
            Variant::Fast64Pointer => self == Self::AllFast,
        }
    }
}

/// How a version's map behaves where versions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// Which assign functions prune tombstones before they let a table grow.
    pub prunes_tombstones: Prunes,
    /// The header knows whether there may be tombstones, so that `clear` of an empty map need not
    /// look at the tables; without, an empty map is not cleared at all.
    pub tracks_tombstones: bool,
    /// `clear` leaves tables alone that are empty and without tombstones.
    pub clear_skips_empty_tables: bool,
    /// Which groups `clear` zeroes.
    pub clear_groups: ClearGroups,
    /// Assigning to a key that a full small map already has makes it a table.
    pub full_small_map_always_grows: bool,
    /// `maps.Clone` copies tables; without, it inserts the entries into a new map in the order of
    /// an iteration.
    pub clone_copies: bool,
}

impl Behaviour {
    /// The behaviour of a version's Swiss map (internal/runtime/maps of that version); versions
    /// before 1.24 have none and get that of 1.24.
    #[must_use]
    pub fn of(version: GoVersion) -> Self {
        const V24: Behaviour = Behaviour {
            prunes_tombstones: Prunes::Never,
            tracks_tombstones: false,
            clear_skips_empty_tables: false,
            clear_groups: ClearGroups::All,
            full_small_map_always_grows: true,
            clone_copies: false,
        };
        const V25: Behaviour = Behaviour {
            prunes_tombstones: Prunes::NotForPointers,
            tracks_tombstones: true,
            clear_skips_empty_tables: true,
            clear_groups: ClearGroups::WithEntries,
            clone_copies: true,
            ..V24
        };
        const V26: Behaviour = Behaviour {
            clear_groups: ClearGroups::Adaptive,
            ..V25
        };
        const V27: Behaviour = Behaviour {
            full_small_map_always_grows: false,
            prunes_tombstones: Prunes::AllFast,
            ..V26
        };
        match version {
            GoVersion::Go1_21 | GoVersion::Go1_22 | GoVersion::Go1_23 | GoVersion::Go1_24 => V24,
            GoVersion::Go1_25 => V25,
            GoVersion::Go1_26 => V26,
            GoVersion::Go1_27 => V27,
        }
    }
}
