//! The classic map: overflow buckets, and the state of growth.

use super::binomial::{Binomial, excess};
use super::{Part, Shape, Tally};
use crate::classic::{Behaviour, array_len, initial_b};
use crate::layout;
use crate::map_type::SLOTS;
use crate::types::WORD;

/// Bytes of `mapextra` (runtime/map.go): three pointers.
const EXTRA_SIZE: u64 = 3 * WORD;

/// Bytes of the slice header of a list of overflow buckets.
const SLICE_SIZE: u64 = 3 * WORD;

/// Growth of slices: doubled below this length (runtime/slice.go `nextslicecap`).
const SLICE_THRESHOLD: u64 = 256;

/// Overflow buckets of an array.
#[derive(Clone, Copy)]
struct Overflow {
    /// In use.
    used: f64,
    /// Of these, allocated one by one.
    singles: f64,
    /// Standard deviation of that.
    deviation: f64,
}

pub(super) fn fill(tally: &mut Tally<'_>, entries: u64, hint: u64) -> Shape {
    let map_type = tally.map_type;
    let version = map_type.build.version;
    let behaviour = Behaviour::of(version);
    let traits = map_type.traits;
    let scanned = traits.pointers;
    let bucket = traits.bucket_size;
    let header = layout::hmap(map_type.build).map_or(0, |header| header.size);
    tally.add(Part::Header, 1.0, header, true);
    let signed = i64::try_from(hint).unwrap_or(0);
    let mut b = initial_b(&behaviour, signed, bucket);
    if b == 0 && entries == 0 {
        return Shape::Empty;
    }

    let array = |b: u8| array_len(version, b, bucket, scanned);
    let mut old = None;
    while behaviour.is_overloaded(entries, b) {
        let full = behaviour.max_load(b);
        let overflow = overflow(full, b, array(b));
        tally.spend(1.0, array(b) * bucket, scanned);
        tally.spend(overflow.singles, bucket, scanned);
        old = Some((b, overflow));
        tally.growths += 1.0;
        b += 1;
        if !behaviour.is_overloaded(entries, b) {
            let left = left_to_move(b - 1, entries - full);
            tally.moved_entries += full as f64 * (1.0 - left);
        } else {
            tally.moved_entries += full as f64;
            if !scanned {
                list(tally, overflow.used);
            }
        }
    }

    let growing = old.and_then(|(b, overflow)| {
        let full = behaviour.max_load(b);
        let left = left_to_move(b, entries - full);
        (left > 0.0).then_some((b, overflow, left))
    });
    // Until an old bucket is evacuated, its entries are no concern of the new array.
    let moved = 1.0 - growing.map_or(0.0, |(_, _, left)| left);
    let full = overflow(entries, b, array(b));
    let current = Overflow {
        used: full.used * moved,
        singles: if moved < 1.0 {
            excess(
                full.used * moved,
                full.deviation,
                (array(b) - (1 << b)) as f64,
            )
        } else {
            full.singles
        },
        ..full
    };
    tally.add(Part::Buckets, 1.0, array(b) * bucket, scanned);
    tally.add(Part::Overflow, current.singles, bucket, scanned);
    tally.variance += (current.deviation * tally.block(bucket, scanned).size as f64).powi(2);
    let lists = !scanned && (current.used > 0.01 || old.is_some_and(|(_, o)| o.used > 0.01));
    // It is there since the first array with spare buckets, or the first overflow bucket.
    if b >= 4 || lists {
        tally.add(Part::Extra, 1.0, EXTRA_SIZE, true);
    }
    if !scanned && let Some((_, old)) = old {
        let list = list(tally, old.used);
        if growing.is_some() {
            tally.keep(Part::OldOverflowList, 1.0, list, true);
            tally.keep(Part::OldOverflowList, 1.0, SLICE_SIZE, true);
        }
    }
    if !scanned && current.used > 0.01 {
        let size = list(tally, current.used);
        tally.keep(Part::OverflowList, current.used.min(1.0), size, true);
        tally.keep(Part::OverflowList, current.used.min(1.0), SLICE_SIZE, true);
    }
    if let Some((b, old, left)) = growing {
        tally.keep(Part::OldBuckets, 1.0, array(b) * bucket, scanned);
        // In maps with pointers an evacuated bucket lets go of its chain.
        let singles = if scanned {
            old.singles * left
        } else {
            old.singles
        };
        tally.keep(Part::OldOverflow, singles, bucket, scanned);
    }
    if let Some((b, old)) = old {
        // When the last growth began, both arrays were there.
        let arrays = [array(b) * bucket, array(b + 1) * bucket, header];
        let arrays: u64 = arrays
            .map(|size| tally.block(size, scanned).size)
            .iter()
            .sum();
        let singles = old.singles * tally.block(bucket, scanned).size as f64;
        tally.peak_bytes = arrays as f64 + singles;
    }
    Shape::Classic {
        buckets: 1 << b,
        spare: array(b) - (1 << b),
        overflow: current.used,
        unmoved: growing.map(|(b, _, left)| left * 2_f64.powi(i32::from(b))),
    }
}

/// The overflow buckets of `entries` entries in 2^b buckets, of an array of `len`.
fn overflow(entries: u64, b: u8, len: u64) -> Overflow {
    let keys = Binomial::new(entries, b);
    // A chain takes one bucket more for every eight entries.
    let (mut mean, mut square) = (0.0, 0.0);
    for extra in 1_u64.. {
        let above = keys.above(extra * SLOTS as u64);
        if above * keys.parts() < 1e-9 {
            break;
        }
        mean += above;
        square += above * (2 * extra - 1) as f64;
    }
    let used = mean * keys.parts();
    let deviation = ((square - mean * mean).max(0.0) * keys.parts()).sqrt();
    let singles = excess(used, deviation, (len - (1 << b)) as f64);
    Overflow {
        used,
        singles,
        deviation: if singles > 0.0 { deviation } else { 0.0 },
    }
}

/// Which part of 2^b old buckets is still to be evacuated after so many insertions.
///
/// Each evacuates the old bucket of its key, which may have been evacuated before, and one more
/// that has not (runtime/map.go `growWork`).
fn left_to_move(b: u8, insertions: u64) -> f64 {
    let buckets = 2_f64.powi(i32::from(b));
    let kept = (insertions as f64 * (-1.0 / buckets).ln_1p()).exp();
    let left = 2.0 * kept - 1.0;
    // Less than half a bucket is none.
    if left * buckets < 0.5 { 0.0 } else { left }
}

/// Allocates the list of so many overflow buckets, appended one by one, and its header; the list
/// and the header that are left are not kept. Says how many bytes the last list asks for.
fn list(tally: &mut Tally<'_>, buckets: f64) -> u64 {
    let target = buckets.round().max(1.0) as u64;
    let there = buckets.min(1.0);
    tally.spend(there, SLICE_SIZE, true);
    let mut capacity = 1;
    loop {
        let block = tally.block(capacity * WORD, true);
        tally.spend(there, capacity * WORD, true);
        capacity = block.usable / WORD;
        if capacity >= target {
            return capacity * WORD;
        }
        capacity = if capacity < SLICE_THRESHOLD {
            2 * capacity
        } else {
            capacity + (capacity + 3 * SLICE_THRESHOLD) / 4
        };
    }
}
