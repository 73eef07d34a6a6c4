//! The Swiss map: how many tables a random fill leads to.
//!
//! A table stands for all hashes that begin with the bits of its place in the directory. It is
//! split when one key more falls there than a table takes. So the tables that have been split
//! are the prefixes that more keys fall on, and of 2^d prefixes of d bits a binomial tail says
//! how many these are: the expectation is exact, however the keys arrive.

use super::binomial::{Binomial, least_variance};
use super::{Part, Shape, Tally};
use crate::layout;
use crate::map_type::SLOTS;
use crate::swiss::{MAX_TABLE_CAPACITY, initial_tables, load_limit, table_capacity};
use crate::types::WORD;

/// Fewer tables than this do not count.
const NEGLIGIBLE: f64 = 1e-9;

/// Bits of a hash at most that a directory may use: for so many keys there is no memory.
const MAX_DEPTH: u8 = 48;

/// Tables of one capacity.
struct Sizes {
    capacity: u64,
    count: f64,
}

/// The parts of a hash prefix's length that split.
struct Split {
    keys: Binomial,
    probability: f64,
}

pub(super) fn fill(tally: &mut Tally<'_>, entries: u64, hint: u64) -> Shape {
    let map_type = tally.map_type;
    let traits = map_type.traits;
    let header = layout::swiss_map(map_type.build).map_or(0, |header| header.size);
    tally.add(Part::Header, 1.0, header, true);
    let group = map_type.group().size;
    let signed = i64::try_from(hint).unwrap_or(0);
    let (first, capacity) = match initial_tables(signed, traits.slot_size) {
        Some((tables, capacity)) => (tables, table_capacity(capacity)),
        None if entries == 0 => return Shape::Empty,
        None if entries <= SLOTS as u64 => {
            tally.add(Part::SmallGroup, 1.0, group, traits.pointers);
            return Shape::SmallSwiss;
        }
        None => {
            tally.spend(1.0, group, traits.pointers);
            tally.growths += 1.0;
            tally.moved_entries += SLOTS as f64;
            (1, 2 * SLOTS as u64)
        }
    };
    let depth = first.trailing_zeros() as u8;
    let sizes = grow(tally, entries, depth, capacity);
    let splits = splits(entries, depth);
    let split_count: f64 = splits.iter().map(|s| s.keys.parts() * s.probability).sum();
    tally.growths += split_count;
    tally.moved_entries += split_count * load_limit(MAX_TABLE_CAPACITY) as f64;
    directory(tally, depth, &splits);

    let groups = |capacity: u64| capacity / SLOTS as u64;
    let full = groups(MAX_TABLE_CAPACITY) * group;
    let table = layout::TABLE.size;
    tally.spend(2.0 * split_count, table, true);
    tally.spend(2.0 * split_count, full, traits.pointers);
    let mut all = Vec::new();
    for Sizes { capacity, count } in sizes {
        let splits = if capacity == MAX_TABLE_CAPACITY {
            split_count
        } else {
            0.0
        };
        all.push(Sizes {
            capacity,
            count: count + splits,
        });
    }
    let tables: f64 = all.iter().map(|s| s.count).sum();
    tally.keep(Part::Tables, tables, table, true);
    for Sizes { capacity, count } in &all {
        let size = groups(*capacity) * group;
        tally.keep(Part::Groups, *count, size, traits.pointers);
    }

    let variance = variance(entries, &splits).max(least_variance(tables));
    let each = tally.block(full, traits.pointers).size + tally.block(table, true).size;
    let deviation = variance.sqrt();
    tally.vary_live(deviation * each as f64);
    // Each split makes two tables for one that it drops.
    tally.vary_allocated(2.0 * deviation * each as f64);
    // Whoever grew last held the old table and the new ones at the same time.
    if let Some(last) = all.iter().rfind(|s| s.count > NEGLIGIBLE)
        && tally.growths > NEGLIGIBLE
    {
        let old = if split_count > NEGLIGIBLE {
            full
        } else if last.capacity > capacity {
            groups(last.capacity / 2) * group
        } else {
            0
        };
        let old = tally.block(old, traits.pointers).size;
        tally.peak_entries = entries;
        tally.peak_bytes = tally.bytes() + (old + tally.block(table, true).size) as f64;
    }
    Shape::Swiss {
        tables,
        tables_deviation: deviation,
        groups: all
            .iter()
            .map(|s| groups(s.capacity) as f64 * s.count)
            .sum(),
    }
}

/// Allocates the first 2^depth tables and those that they grow to, up to the largest, and says
/// how many of each capacity there are in the end, were none split.
fn grow(tally: &mut Tally<'_>, entries: u64, depth: u8, first: u64) -> Vec<Sizes> {
    let map_type = tally.map_type;
    let (group, scanned) = (map_type.group().size, map_type.traits.pointers);
    let keys = Binomial::new(entries, depth);
    let mut sizes = Vec::new();
    let mut capacity = first;
    let mut count = keys.parts();
    loop {
        let bytes = capacity / SLOTS as u64 * group;
        tally.spend(count, layout::TABLE.size, true);
        tally.spend(count, bytes, scanned);
        if capacity >= MAX_TABLE_CAPACITY {
            sizes.push(Sizes { capacity, count });
            break;
        }
        let limit = load_limit(capacity);
        let share = keys.above(limit);
        let growing = keys.parts() * share;
        sizes.push(Sizes {
            capacity,
            count: count - growing,
        });
        tally.growths += growing;
        tally.moved_entries += growing * limit as f64;
        tally.vary((keys.parts() * share * (1.0 - share)).sqrt() * bytes as f64);
        count = growing;
        capacity *= 2;
    }
    sizes.retain(|s| s.count > NEGLIGIBLE);
    sizes
}

/// For each length of a hash prefix from `depth` on, how likely its table has been split.
fn splits(entries: u64, depth: u8) -> Vec<Split> {
    let limit = load_limit(MAX_TABLE_CAPACITY);
    let mut splits = Vec::new();
    for depth in depth..MAX_DEPTH {
        let keys = Binomial::new(entries, depth);
        let probability = keys.above(limit);
        if keys.parts() * probability < NEGLIGIBLE {
            break;
        }
        splits.push(Split { keys, probability });
    }
    splits
}

/// The directory is as long as the deepest table demands, and is allocated anew each time.
fn directory(tally: &mut Tally<'_>, depth: u8, splits: &[Split]) {
    let mut reached = 1.0;
    let mut len = 1_u64 << depth;
    for split in splits {
        tally.spend(reached, len * WORD, true);
        let any = 1.0 - (split.keys.parts() * (-split.probability).ln_1p()).exp();
        let deeper = if split.probability >= 1.0 { 1.0 } else { any };
        let deeper = reached * deeper.clamp(0.0, 1.0);
        tally.keep(Part::Directory, reached - deeper, len * WORD, true);
        reached = deeper;
        len *= 2;
    }
    tally.add(Part::Directory, reached, len * WORD, true);
}

/// The variance of the number of splits.
///
/// Were the number of keys itself random (Poisson), tables apart would be independent, and one
/// that is split would only be tied to those above it. That the number is given takes away what
/// the splits owe to it.
fn variance(entries: u64, splits: &[Split]) -> f64 {
    let mut variance = 0.0;
    let mut slope = 0.0;
    for (i, split) in splits.iter().enumerate() {
        let (parts, p) = (split.keys.parts(), split.probability);
        variance += parts * p * (1.0 - p);
        let above = splits.get(..i).unwrap_or_default();
        let tied: f64 = above.iter().map(|a| 1.0 - a.probability).sum();
        variance += 2.0 * parts * p * tied;
        slope += split.keys.exactly(load_limit(MAX_TABLE_CAPACITY));
    }
    (variance - slope * slope * entries as f64).max(0.0)
}
