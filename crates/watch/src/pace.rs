//! How often a target is asked.

use std::time::Duration;

use crate::breaker::State;

/// Answering may take this share of a target's time at most: one fiftieth.
const SHARE: u32 = 50;

/// How far the interval may stretch.
const LONGEST: u32 = 32;

/// How much less often a degraded target is asked.
const DEGRADED: u32 = 2;

/// The interval between two polls of a target. It stretches when answers are slow and comes back
/// gradually, and it is never the same for two targets, so that they are not all asked at once.
#[derive(Clone, Debug)]
pub struct Pace {
    base: Duration,
    interval: Duration,
    /// State of the generator of jitter.
    random: u64,
}

impl Pace {
    /// At best once in `base`. Different seeds give different jitter.
    #[must_use]
    pub fn new(base: Duration, seed: u64) -> Pace {
        Pace {
            base,
            interval: base,
            random: seed,
        }
    }

    /// The interval as it is, without jitter.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Takes note of how long an answer took, or how long it was waited for.
    pub fn took(&mut self, took: Duration) {
        let wanted = (took * SHARE).clamp(self.base, self.base * LONGEST);
        // At once to a longer interval, by quarters back to a shorter one.
        self.interval = if wanted >= self.interval {
            wanted
        } else {
            self.interval - (self.interval - wanted) / 4
        };
    }

    /// How long to wait until the next poll, give or take a tenth.
    pub fn next(&mut self, state: State) -> Duration {
        let factor = match state {
            State::Degraded => DEGRADED,
            _ => 1,
        };
        let interval = self.interval * factor;
        interval * 9 / 10 + interval / 5 * self.thousandths() / 1000
    }

    /// A random wait before the first poll, within one interval.
    pub fn first(&mut self) -> Duration {
        self.base.min(Duration::from_secs(10)) * self.thousandths() / 1000
    }

    /// From 0 to 999: xorshift-multiply of a counter (splitmix64, Steele et al. 2014).
    fn thousandths(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % 1000) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn slow_answers_stretch_it_and_quick_ones_bring_it_back() {
        let mut pace = Pace::new(10 * SECOND, 1);
        pace.took(SECOND / 10);
        assert_eq!(pace.interval(), 10 * SECOND);
        pace.took(SECOND);
        assert_eq!(pace.interval(), 50 * SECOND);
        pace.took(100 * SECOND);
        assert_eq!(pace.interval(), 320 * SECOND);
        pace.took(Duration::ZERO);
        assert!(pace.interval() > 200 * SECOND);
        for _ in 0..100 {
            pace.took(Duration::ZERO);
        }
        assert!(pace.interval() < 11 * SECOND);
    }

    #[test]
    fn jitter_stays_within_a_tenth_and_differs() {
        let (mut a, mut b) = (Pace::new(10 * SECOND, 1), Pace::new(10 * SECOND, 2));
        let mut same = 0;
        for _ in 0..1000 {
            let (x, y) = (a.next(State::Closed), b.next(State::Closed));
            same += u32::from(x == y);
            assert!(x >= 9 * SECOND && x <= 11 * SECOND, "{x:?}");
            assert!(a.next(State::Degraded) >= 18 * SECOND);
        }
        assert!(same < 10);
    }
}
