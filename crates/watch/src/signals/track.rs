//! Whether something only ever grows.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::{Time, millis};

/// Cells that a window is kept in.
const CELLS: u64 = 64;

/// Parts of the window whose lowest points must rise.
const PARTS: usize = 4;

/// The lowest values of a quantity over a window of time, in cells.
#[derive(Clone, Default, Debug)]
pub(super) struct Track {
    /// Number of the cell, the lowest value in it.
    cells: VecDeque<(u64, f64)>,
    pub seen: Time,
}

/// How far something has climbed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Climb {
    /// Lowest value in the first part of the window, and in the last.
    pub from: f64,
    pub to: f64,
}

impl Track {
    /// Takes in a value of a moment later than all before.
    pub fn add(&mut self, now: Time, value: f64, window: Duration) {
        let cell = now.0 / cell_size(window);
        match self.cells.back_mut() {
            Some((last, lowest)) if *last == cell => *lowest = lowest.min(value),
            _ => self.cells.push_back((cell, value)),
        }
        while (self.cells.front()).is_some_and(|(first, _)| first + CELLS <= cell) {
            self.cells.pop_front();
        }
        self.seen = now;
    }

    /// The climb over the window, if the lowest points of its quarters never fall and rise at least
    /// twice, by a tenth of the whole climb: a classic map grows in steps, with long rests between
    /// them. None while the window is not full.
    pub fn climb(&self) -> Option<Climb> {
        let (first, _) = self.cells.front()?;
        let (last, _) = self.cells.back()?;
        if last - first < CELLS * 9 / 10 {
            return None;
        }
        let mut lowest = [f64::INFINITY; PARTS];
        for (cell, value) in &self.cells {
            let part = usize::try_from((cell - first) * PARTS as u64 / CELLS).ok()?;
            let lowest = lowest.get_mut(part.min(PARTS - 1))?;
            *lowest = lowest.min(*value);
        }
        let [from, .., to] = lowest;
        let least = (to - from) / 10.0;
        let steps = || lowest.windows(2).map(|two| two[1] - two[0]);
        let rising = steps().filter(|step| *step >= least).count();
        let climbs = least > 0.0 && steps().all(|step| step >= 0.0) && rising >= 2;
        (climbs && to.is_finite()).then_some(Climb { from, to })
    }
}

fn cell_size(window: Duration) -> u64 {
    (millis(window) / CELLS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(1800);

    fn climb(values: impl Fn(u64) -> f64, seconds: u64) -> Option<Climb> {
        let mut track = Track::default();
        for second in (0..seconds).step_by(10) {
            track.add(Time(1_000_000_000 + second * 1000), values(second), WINDOW);
        }
        assert!(track.cells.len() <= CELLS as usize);
        track.climb()
    }

    #[test]
    fn what_climbs() {
        let climb = climb(|s| 100.0 + s as f64, 7200).unwrap();
        assert!(climb.to > climb.from + 1200.0, "{climb:?}");
        // With the teeth of a collector's saw.
        assert!(self::climb(|s| s as f64 + (s % 300) as f64 * 5.0, 7200).is_some());
        // In steps.
        assert!(self::climb(|s| (s / 700) as f64, 7200).is_some());
    }

    #[test]
    fn what_does_not() {
        assert_eq!(climb(|_| 5.0, 7200), None);
        assert_eq!(climb(|s| (s % 600) as f64, 7200), None);
        assert_eq!(climb(|s| 7200.0 - s as f64, 7200), None);
        // It has filled and stays full.
        assert_eq!(climb(|s| s.min(1000) as f64, 7200), None);
        // It went down on the way.
        assert_eq!(
            climb(|s| if s % 1200 == 0 { 0.0 } else { s as f64 }, 7200),
            None
        );
        // Not yet watched for long enough.
        assert_eq!(climb(|s| s as f64, 900), None);
    }
}
