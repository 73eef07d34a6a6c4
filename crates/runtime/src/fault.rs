//! How map operations fail, and what Go says then.

use crate::hash::HashError;
use crate::version::{Build, GoVersion, Implementation};

/// What another goroutine's use of the map looks like to the one that notices it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Race {
    /// An assignment, a delete or a clear met a write.
    Writes,
    /// A look-up met a write.
    ReadAndWrite,
    /// A range loop met a write.
    IterationAndWrite,
    /// `maps.Clone` met a write.
    CloneAndWrite,
}

/// A failure of a map operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A write to a nil map: a panic that can be recovered.
    NilMap,
    /// A key that can't be hashed: a panic that can be recovered. `early` means that the map was
    /// nil or empty, where only the check for unhashable keys is made.
    Key {
        /// What is wrong with the key.
        error: HashError,
        /// Whether the map was nil or empty.
        early: bool,
    },
    /// A fatal error: no deferred call runs, the process ends.
    Race(Race),
    /// A fatal error that 1.24 to 1.26 give when a race has filled a small map.
    SmallMapFull,
    /// A panic of the Swiss map that only a race can cause.
    GrowthLeftIsZero,
    /// A fatal error of the classic map that only a race can cause.
    BadMapState,
}

impl Fault {
    /// Whether the process ends without running deferred calls.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Race(_) | Self::SmallMapFull | Self::BadMapState)
    }

    /// The first line that a program of this build prints on standard error.
    ///
    /// The sources are runtime/map.go, runtime/map_noswiss.go and internal/runtime/maps.
    #[must_use]
    pub fn message(&self, build: Build) -> String {
        match self {
            Self::NilMap => "panic: assignment to entry in nil map".to_owned(),
            Self::Key {
                error: HashError::Unhashable(name),
                early: true,
            } if build.version >= GoVersion::Go1_25 => {
                format!("panic: hash of unhashable type: {name}")
            }
            Self::Key { error, .. } => format!("panic: runtime error: {error}"),
            Self::Race(race) => format!("fatal error: {}", race.message(build)),
            Self::SmallMapFull => {
                "fatal error: small map with no empty slot (concurrent map writes?)".to_owned()
            }
            Self::GrowthLeftIsZero => {
                "panic: invariant failed: growthLeft is unexpectedly 0".to_owned()
            }
            Self::BadMapState => "fatal error: bad map state".to_owned(),
        }
    }
}

impl Race {
    /// The text after `fatal error: `.
    #[must_use]
    pub fn message(self, build: Build) -> &'static str {
        match self {
            Self::Writes => "concurrent map writes",
            Self::ReadAndWrite => "concurrent map read and map write",
            Self::IterationAndWrite => "concurrent map iteration and map write",
            // The Swiss map of 1.24 clones by iterating.
            Self::CloneAndWrite
                if build.maps == Implementation::Swiss && build.version == GoVersion::Go1_24 =>
            {
                "concurrent map iteration and map write"
            }
            Self::CloneAndWrite => "concurrent map clone and map write",
        }
    }
}

impl From<Race> for Fault {
    fn from(race: Race) -> Self {
        Self::Race(race)
    }
}

impl From<HashError> for Fault {
    fn from(error: HashError) -> Self {
        Self::Key {
            error,
            early: false,
        }
    }
}
