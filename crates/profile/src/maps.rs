//! Maps: sites put together, followed over several profiles, and reckoned with the model.

use rustc_hash::FxHashMap;
use tophash_runtime::allocation::Cause;
use tophash_runtime::footprint::{Footprint, MAX_ENTRIES, Part};
use tophash_runtime::{Build, Implementation, MapType};

use crate::model::Usage;
use crate::shape::{Shape, fit_known};
use crate::site::{Entry, Site, Survey};

/// A map, or all maps of one site, in a series of profiles.
#[derive(Clone, PartialEq, Debug)]
pub struct Map {
    /// Its name in the source, or the function that makes or fills it.
    pub name: String,
    /// Its sites in the last profile, that with most bytes first.
    pub sites: Vec<Site>,
    /// Layout, or that of a map which takes the same room; none if nothing tells.
    pub map_type: Option<MapType>,
    /// All that was allocated for it, and what is alive, in the last profile.
    pub allocated: Usage,
    /// Alive in the last profile.
    pub live: Usage,
    /// The same in each profile, in order of time.
    pub series: Vec<(Usage, Usage)>,
    /// By how much the live bytes of each profile may be off, as the profile is a sample: their
    /// standard error.
    pub doubt: Vec<f64>,
    /// Bytes between two samples of the last profile.
    pub period: i64,
    /// What it allocated between the first profile and the last; all if there is but one.
    pub spent: Usage,
    /// How many entries its maps have.
    pub estimate: Option<Estimate>,
}

/// How many maps grew, and how large.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Estimate {
    /// Maps that grew beyond their first bucket or group.
    pub maps: f64,
    /// Entries of each: the fewest for which it would have grown so far.
    pub entries: u64,
    /// The most that fit without growing on; at least `entries`.
    pub capacity: u64,
    /// Whether enough samples stand behind it. If not, there may be more and smaller maps.
    pub sure: bool,
    /// Entries that the live tables are for, if they belong to one map.
    pub live: u64,
    /// How often as much was allocated as it takes to fill that map once.
    pub fills: f64,
    /// Whether, whatever was sampled by chance, more than one was filled.
    pub repeated: bool,
}

/// Fills from which on growth counts as repeated.
const REPEATED: f64 = 1.5;

/// Samples of growing tables behind an estimate that can be relied on: a third off at most.
const ENOUGH_SAMPLES: f64 = 10.0;

impl Map {
    /// All entries of all sites in the last profile.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.sites.iter().flat_map(|site| &site.entries)
    }

    /// What was allocated for some causes, and what is alive.
    #[must_use]
    pub fn sum(&self, which: impl Fn(&Entry) -> bool) -> (Usage, Usage) {
        let mut sum = (Usage::default(), Usage::default());
        for entry in self.entries().filter(|entry| which(entry)) {
            add(&mut sum.0, entry.allocated);
            add(&mut sum.1, entry.live);
        }
        sum
    }

    /// How many maps were made, and how many are alive: their headers, or if these are elsewhere
    /// (on the stack, on another line) their first buckets or groups, or what they grew into.
    #[must_use]
    pub fn count(&self) -> (i64, i64) {
        let header = self.sum(|e| e.allocation.part == Some(Part::Header));
        let first = self.sum(|e| e.allocation.cause == Cause::FirstInsert);
        let grown = self.estimate.filter(|estimate| estimate.sure);
        let grown = grown.map_or(0, |estimate| estimate.maps.round() as i64);
        (
            header.0.objects.max(first.0.objects).max(grown),
            header.1.objects.max(first.1.objects),
        )
    }

    /// The fewest maps that are alive, whatever was sampled by chance.
    #[must_use]
    pub fn fewest_live(&self) -> f64 {
        let least = |which: &dyn Fn(&Entry) -> bool| -> f64 {
            let entries = || self.entries().filter(|e| which(e));
            let objects: f64 = entries().map(|e| e.live.objects as f64).sum();
            let variance: f64 = entries()
                .map(|e| variance(e.live.objects, e.size, self.period))
                .sum();
            objects - 2.0 * variance.sqrt()
        };
        least(&|e| e.allocation.part == Some(Part::Header))
            .max(least(&|e| e.allocation.cause == Cause::FirstInsert))
    }

    /// Slots of the live tables and buckets.
    #[must_use]
    pub fn live_slots(&self) -> f64 {
        let Some(map_type) = &self.map_type else {
            return 0.0;
        };
        let chunk = map_type.chunk_size().max(1) as f64;
        let (_, live) = self.sum(is_table);
        live.bytes as f64 / chunk * 8.0
    }
}

/// Tables and buckets: what is there for entries, not for the map or one key or element.
pub(crate) fn is_table(entry: &Entry) -> bool {
    matches!(
        entry.allocation.part,
        Some(Part::Groups | Part::SmallGroup | Part::Buckets | Part::Overflow)
    )
}

/// What a map allocates because it was too small.
pub(crate) fn is_growth(entry: &Entry) -> bool {
    matches!(
        entry.allocation.cause,
        Cause::Growth | Cause::Split | Cause::Evacuation | Cause::Overflow
    )
}

pub(crate) fn add(sum: &mut Usage, more: Usage) {
    sum.objects = sum.objects.saturating_add(more.objects);
    sum.bytes = sum.bytes.saturating_add(more.bytes);
}

fn usage(site: &Site) -> (Usage, Usage) {
    let mut sum = (Usage::default(), Usage::default());
    for entry in &site.entries {
        add(&mut sum.0, entry.allocated);
        add(&mut sum.1, entry.live);
    }
    sum
}

/// What tells maps apart: owner and name in the source, or function, file and line.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Source(String, String),
    Line(String, String, u32, Option<String>),
}

fn key(site: &Site) -> Key {
    match &site.source {
        Some(source) => Key::Source(source.owner.clone(), source.name.clone()),
        None => Key::Line(
            site.function.clone(),
            site.file.clone(),
            site.line,
            site.through.clone(),
        ),
    }
}

/// Puts the sites of a series of profiles together, the earliest first. `period` is the last
/// profile's. Maps come in the order of what is alive.
#[must_use]
pub fn maps(series: &[Survey], build: Build, period: i64) -> Vec<Map> {
    let mut found: Vec<Map> = Vec::new();
    let mut index: FxHashMap<Key, usize> = FxHashMap::default();
    for (at, survey) in series.iter().enumerate() {
        for site in &survey.sites {
            let place = *index.entry(key(site)).or_insert_with(|| {
                found.push(Map {
                    name: match &site.source {
                        Some(source) => source.name.clone(),
                        None => site.function.clone(),
                    },
                    sites: Vec::new(),
                    map_type: None,
                    allocated: Usage::default(),
                    live: Usage::default(),
                    series: vec![Default::default(); series.len()],
                    doubt: vec![0.0; series.len()],
                    period,
                    spent: Usage::default(),
                    estimate: None,
                });
                found.len() - 1
            });
            let Some(map) = found.get_mut(place) else {
                continue;
            };
            let (allocated, live) = usage(site);
            if let Some(point) = map.series.get_mut(at) {
                add(&mut point.0, allocated);
                add(&mut point.1, live);
            }
            if let Some(doubt) = map.doubt.get_mut(at) {
                let of = site.entries.iter().map(|e| {
                    let size = e.size as f64;
                    size * size * variance(e.live.objects, e.size, period)
                });
                *doubt = doubt.hypot(of.sum::<f64>().sqrt());
            }
            if at + 1 == series.len() {
                map.sites.push(site.clone());
            }
        }
    }
    found.retain(|map| !map.sites.is_empty());
    for map in &mut found {
        (map.allocated, map.live) = map.series.last().copied().unwrap_or_default();
        let first = match map.series.as_slice() {
            [_] | [] => Usage::default(),
            [first, ..] => first.0,
        };
        map.spent = Usage {
            objects: (map.allocated.objects - first.objects).max(0),
            bytes: (map.allocated.bytes - first.bytes).max(0),
        };
        (map.sites).sort_by_key(|site| std::cmp::Reverse(usage(site).0.bytes));
        map.map_type = layout(map, build);
        map.estimate = estimate(map, period);
    }
    found.sort_by(|a, b| {
        (b.live.bytes, b.allocated.bytes, &a.name).cmp(&(a.live.bytes, a.allocated.bytes, &b.name))
    });
    found
}

/// The map's layout: of its type, or of one whose tables are as large.
fn layout(map: &Map, build: Build) -> Option<MapType> {
    let known = map.sites.iter().find_map(|site| site.map_type.clone());
    if known.is_some() {
        return known;
    }
    let tables = map.entries().filter(|entry| is_table(entry));
    let blocks: Vec<(u64, Usage)> = tables.map(|e| (e.size, e.allocated)).collect();
    fit_known(build, &blocks).map(|shape| shape.map_type)
}

/// Reckons back from the tables that were allocated to the maps that grew.
///
/// A map that grows leaves a table of each size behind, so that these sizes together tell how
/// many maps there were; the largest tells how far they got. How many full-sized Swiss tables a
/// map of n entries has made is for the model to say.
fn estimate(map: &Map, period: i64) -> Option<Estimate> {
    let map_type = map.map_type.as_ref()?;
    let shape = Shape::new(map_type.clone());
    let grown = |entry: &&Entry| {
        is_growth(entry) && matches!(entry.allocation.part, Some(Part::Groups | Part::Buckets))
    };
    let mut by_size: FxHashMap<u64, Usage> = FxHashMap::default();
    for entry in map.entries().filter(grown) {
        add(by_size.entry(entry.size).or_default(), entry.allocated);
    }
    let largest = *by_size.keys().max()?;
    let full = map_type.build.maps == Implementation::Swiss && shape.slots(largest) >= 1024;
    let (mut bytes, mut size, mut samples) = (0.0, 0.0, 0.0);
    for (&block, usage) in &by_size {
        if full && block == largest {
            continue;
        }
        bytes += usage.bytes as f64;
        samples += usage.objects as f64 * seen(block, period);
    }
    // Sizes that were not met count too: each map has passed them.
    for block in growth_sizes(&shape, largest) {
        if !(full && block == largest) {
            size += block as f64;
        }
    }
    let maps = match size > 0.0 {
        true => (bytes / size).max(1.0),
        false => 1.0,
    };
    let sure = period <= 1 || samples >= ENOUGH_SAMPLES;
    let per_map = match full {
        true => by_size.get(&largest).map_or(0.0, |u| u.objects as f64) / maps,
        false => 1.0,
    };
    let (entries, capacity) = entries(map_type, shape.slots(largest), full, per_map);
    let kept = map.entries().filter(|e| e.size == largest && is_growth(e));
    let kept: f64 = kept
        .map(|e| e.live.objects as f64 * seen(largest, period))
        .sum();
    let live = map.entries().filter(|e| e.size == largest && is_growth(e));
    let live: f64 = live.map(|e| e.live.objects as f64).sum();
    // n tables that are alive are what is left of 2n - 1.
    let live = match full {
        true if live > 0.0 => self::entries(map_type, 1024, true, 2.0 * live - 1.0).0,
        false if live > 0.0 => entries,
        _ => 0,
    };
    let made: f64 = by_size.values().map(|usage| usage.bytes as f64).sum();
    let fills = match live {
        0 => maps,
        live => made / Footprint::of(map_type, live, 0).allocated_bytes.max(1.0),
    };
    let all: f64 = (by_size.iter())
        .map(|(&block, usage)| usage.objects as f64 * seen(block, period))
        .sum();
    // The fewest that these numbers of samples leave room for.
    let least = match (sure, live) {
        (true, _) | (_, 0) => maps,
        _ => fills * (1.0 - 2.0 / all.max(1.0).sqrt()) / (1.0 + 2.0 / kept.max(1.0).sqrt()),
    };
    Some(Estimate {
        repeated: least >= REPEATED,
        maps,
        entries,
        capacity,
        sure,
        live,
        fills,
    })
}

/// How likely a block of this size is to be sampled.
fn seen(block: u64, period: i64) -> f64 {
    if period <= 1 {
        return 1.0;
    }
    1.0 - (-(block as f64) / period as f64).exp()
}

/// Variance of a number of objects that was estimated from those of them that were sampled.
fn variance(objects: i64, size: u64, period: i64) -> f64 {
    let seen = seen(size, period);
    objects.max(0) as f64 * (1.0 - seen) / seen.max(f64::MIN_POSITIVE)
}

/// The blocks that a map passes on its way to this one, itself included.
fn growth_sizes(shape: &Shape, largest: u64) -> Vec<u64> {
    let mut sizes = shape.growth_sizes();
    sizes.retain(|size| *size <= largest);
    sizes
}

/// The fewest and most entries of a map whose largest table or bucket array has `slots`, of which
/// (Swiss, full size) it has made `tables`.
fn entries(map_type: &MapType, slots: u64, full: bool, tables: f64) -> (u64, u64) {
    let build = map_type.build;
    if !full {
        // Growth comes when more than a share of the slots is taken.
        return match build.maps {
            Implementation::Swiss => (slots / 16 * 7 + 1, slots / 8 * 7),
            // Spare buckets come on top of a power of two.
            Implementation::Classic => {
                let buckets = (slots / 8).max(1);
                let buckets = 1u64 << buckets.ilog2();
                (buckets * 13 / 4 + 1, buckets * 13 / 2)
            }
        };
    }
    // Bisects for the number of full tables that were made on the way.
    let group = map_type.group().size;
    let full_table = 128 * group;
    let (mut low, mut high) = (449u64, 1 << 31);
    while low < high {
        let middle = low + (high - low) / 2;
        let made = full_tables(map_type, middle, full_table);
        if made < tables {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (low.min(MAX_ENTRIES), low.clamp(896, MAX_ENTRIES))
}

/// Full-sized tables that a map has made when it has n entries: each split makes two.
fn full_tables(map_type: &MapType, n: u64, full_table: u64) -> f64 {
    let footprint = Footprint::of(map_type, n, 0);
    let live: f64 = (footprint.blocks.iter())
        .filter(|b| b.part == Part::Groups && b.asked == full_table)
        .map(|b| b.count)
        .sum();
    // n tables have come of n - 1 splits.
    (2.0 * live - 1.0).max(0.0)
}
