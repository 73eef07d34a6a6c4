//! Time, so that tests can make it pass.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970, UTC.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// So much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Time {
        Time(self.0.saturating_add(millis(duration)))
    }

    /// How long ago `earlier` was; zero if it wasn't earlier.
    #[must_use]
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Whole milliseconds of a duration.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What tells the time.
pub trait Clock: Send + Sync {
    /// Now. It never goes back.
    fn now(&self) -> Time;
}

/// The machine's clock, kept from going back.
#[derive(Debug, Default)]
pub struct SystemClock {
    last: AtomicU64,
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, millis);
        Time(self.last.fetch_max(now, Ordering::Relaxed).max(now))
    }
}

/// A clock that stands until it is set.
#[derive(Debug, Default)]
pub struct FakeClock {
    now: AtomicU64,
}

impl FakeClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Time) -> FakeClock {
        FakeClock {
            now: AtomicU64::new(start.0),
        }
    }

    /// Moves it on to a moment; it does not go back.
    pub fn set(&self, time: Time) {
        self.now.fetch_max(time.0, Ordering::Relaxed);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Time {
        Time(self.now.load(Ordering::Relaxed))
    }
}
