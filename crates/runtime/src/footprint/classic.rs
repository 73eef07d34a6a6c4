//! The classic map: overflow buckets, and the state of growth.

use super::binomial::{Binomial, excess, least_variance};
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

/// Old buckets up to this many are followed one by one while they are evacuated.
const FOLLOWED: usize = 512;

/// Overflow buckets of an array.
#[derive(Clone, Copy)]
struct Overflow {
    /// In use.
    used: f64,
    /// How likely there is any.
    any: f64,
    /// Of those in use, allocated one by one.
    singles: f64,
    /// Standard deviation of that.
    deviation: f64,
}

/// Growth that may not have ended.
#[derive(Clone, Copy)]
struct Growth {
    /// There are 2^b old buckets.
    b: u8,
    /// Overflow buckets of these.
    overflow: Overflow,
    /// How likely growth has not ended.
    going_on: f64,
    /// Which part of the old buckets is still to be evacuated.
    left: f64,
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
    let mut growth = None;
    while behaviour.is_overloaded(entries, b) {
        let full = behaviour.max_load(b);
        let overflow = overflow(full, b, 1.0, array(b));
        tally.spend(1.0, array(b) * bucket, scanned);
        tally.spend(overflow.singles, bucket, scanned);
        tally.vary_allocated(overflow.deviation * single(tally, b));
        let (going_on, left) = left_to_move(b, entries - full);
        tally.growths += 1.0;
        tally.moved_entries += full as f64 * (1.0 - left);
        growth = Some(Growth {
            b,
            overflow,
            going_on,
            left,
        });
        b += 1;
        if !scanned && behaviour.is_overloaded(entries, b) {
            list(tally, overflow);
        }
    }

    // Until an old bucket is evacuated, its entries are no concern of the new array.
    let moved = 1.0 - growth.map_or(0.0, |growth| growth.left);
    let current = overflow(entries, b, moved, array(b));
    tally.add(Part::Buckets, 1.0, array(b) * bucket, scanned);
    tally.add(Part::Overflow, current.singles, bucket, scanned);
    tally.vary(current.deviation * single(tally, b));
    // It is there since the first array with spare buckets, or the first overflow bucket.
    let listed = match growth {
        _ if scanned => 0.0,
        Some(growth) => current.any.max(growth.overflow.any),
        None => current.any,
    };
    let extra = if b >= 4 { 1.0 } else { listed };
    tally.add(Part::Extra, extra, EXTRA_SIZE, true);
    if let Some(growth) = growth {
        let Growth {
            b,
            overflow,
            going_on,
            left,
        } = growth;
        tally.keep(Part::OldBuckets, going_on, array(b) * bucket, scanned);
        // In maps with pointers an evacuated bucket lets go of its chain.
        let kept = if scanned { left } else { going_on };
        tally.keep(Part::OldOverflow, overflow.singles * kept, bucket, scanned);
        let (old, new) = (array(b) * bucket, array(b + 1) * bucket);
        let [old, new] = [old, new].map(|size| tally.block(size, scanned).size as f64);
        tally.vary_live((going_on * (1.0 - going_on)).sqrt() * old);
        if scanned {
            tally.vary_live(overflow.deviation * kept * single(tally, b));
        } else {
            tally.vary_live(overflow.deviation * kept.sqrt() * single(tally, b));
        }
        // When growth began, both arrays were there.
        let singles = overflow.singles * tally.block(bucket, scanned).size as f64;
        let header = tally.block(header, true).size as f64;
        tally.peak_bytes = header + old + new + singles;
        tally.peak_entries = behaviour.max_load(b);
        if !scanned {
            let size = list(tally, overflow);
            let there = going_on * overflow.any;
            tally.keep(Part::OldOverflowList, there, size, true);
            tally.keep(Part::OldOverflowList, there, SLICE_SIZE, true);
        }
    }
    if !scanned {
        let size = list(tally, current);
        tally.keep(Part::OverflowList, current.any, size, true);
        tally.keep(Part::OverflowList, current.any, SLICE_SIZE, true);
    }
    Shape::Classic {
        buckets: 1 << b,
        spare: array(b) - (1 << b),
        overflow: current.used,
        unmoved: growth
            .filter(|growth| growth.going_on > 0.5)
            .map(|growth| growth.left * 2_f64.powi(i32::from(growth.b))),
    }
}

/// The overflow buckets of `entries` entries in 2^b buckets, of which the chains of a `part` are
/// there, in an array of `len` buckets.
fn overflow(entries: u64, b: u8, part: f64, len: u64) -> Overflow {
    let keys = Binomial::new(entries, b);
    // A chain takes one bucket more for every eight entries.
    let (mut mean, mut square, mut edge) = (0.0, 0.0, 0.0);
    for extra in 1_u64.. {
        let full = extra * SLOTS as u64;
        let above = keys.above(full);
        if above * keys.parts() < 1e-9 {
            break;
        }
        mean += above;
        square += above * (2 * extra - 1) as f64;
        edge += keys.exactly(full);
    }
    let used = mean * keys.parts() * part;
    // Chains would be independent were the number of entries random; that it is given takes away
    // what they owe to it.
    let variance = (square - mean * mean) * keys.parts() - edge * edge * entries as f64;
    let deviation = (variance * part).max(least_variance(used)).sqrt();
    let (singles, deviation) = match len - (1 << b) {
        0 => (used, deviation),
        spare => excess(used, deviation, spare as f64),
    };
    let none = (keys.parts() * (-keys.above(SLOTS as u64)).ln_1p()).exp();
    Overflow {
        used,
        any: (1.0 - none) * part,
        singles,
        deviation,
    }
}

/// Bytes that come with an overflow bucket. In a map without pointers the first one of a small
/// map has a list made for it.
fn single(tally: &Tally<'_>, b: u8) -> f64 {
    let traits = &tally.map_type.traits;
    let bucket = tally.block(traits.bucket_size, traits.pointers).size;
    let list = match traits.pointers || b >= 4 {
        true => 0,
        false => EXTRA_SIZE + SLICE_SIZE + WORD,
    };
    (bucket + list) as f64
}

/// How likely 2^b old buckets have not all been evacuated after so many insertions, and which
/// part of them has not.
///
/// Each insertion evacuates the old bucket of its key, which may have been evacuated before, and
/// then the first that has not (runtime/map.go `growWork`).
fn left_to_move(b: u8, insertions: u64) -> (f64, f64) {
    let buckets = 2_f64.powi(i32::from(b));
    if insertions as f64 >= buckets {
        return (0.0, 0.0);
    }
    if buckets > FOLLOWED as f64 {
        let kept = (insertions as f64 * (-1.0 / buckets).ln_1p()).exp();
        let left = (2.0 * kept - 1.0).max(0.0);
        return (f64::from(u8::from(left > 0.0)), left);
    }
    // How likely each number of old buckets is left.
    let mut likely = vec![0.0; buckets as usize + 1];
    if let Some(all) = likely.last_mut() {
        *all = 1.0;
    }
    for _ in 0..insertions {
        let mut next = vec![0.0; likely.len()];
        for (left, &p) in likely.iter().enumerate() {
            let hit = left as f64 / buckets;
            for (gone, p) in [(1, p * (1.0 - hit)), (2, p * hit)] {
                if let Some(next) = next.get_mut(left.saturating_sub(gone)) {
                    *next += p;
                }
            }
        }
        likely = next;
    }
    let none = likely.first().copied().unwrap_or(1.0);
    let mean: f64 = likely
        .iter()
        .zip(0..)
        .map(|(p, left)| p * f64::from(left))
        .sum();
    (1.0 - none, mean / buckets)
}

/// Allocates the list of overflow buckets, appended one by one, and its header, neither of which
/// is kept. Says how many bytes the last list asks for.
fn list(tally: &mut Tally<'_>, overflow: Overflow) -> u64 {
    let target = overflow.used.round().max(1.0) as u64;
    tally.spend(overflow.any, SLICE_SIZE, true);
    let mut capacity = 1;
    loop {
        let block = tally.block(capacity * WORD, true);
        tally.spend(overflow.any, capacity * WORD, true);
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
