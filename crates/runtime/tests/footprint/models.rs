//! Footprints against the models of the maps, filled with several seeds: no Go needed.

use tophash_runtime::classic::array_len;
use tophash_runtime::footprint::{Footprint, Part, Shape};
use tophash_runtime::swiss::Storage;
use tophash_runtime::types::GoType;
use tophash_runtime::{
    Build, ClassicMap, GoVersion, HashKeys, MapType, Native, SplitMix, SwissMap,
};

const SEEDS: u64 = 40;

fn ops() -> Native<u64, u64> {
    let mut random = SplitMix::new(1);
    let schedule: [u8; 128] = std::array::from_fn(|_| random.next_u64() as u8);
    Native::new(HashKeys::aes(&schedule), false)
}

fn map_type(build: Build) -> MapType {
    let int = || GoType::scalar("uint64", 8);
    MapType::new(build, int(), int()).unwrap()
}

/// Random keys: the hashes of consecutive ones are spread more evenly than chance would have it.
fn keys(seed: u64, entries: u64) -> impl Iterator<Item = u64> {
    let mut random = SplitMix::new(seed);
    (0..entries).map(move |_| random.next_u64())
}

/// Mean, and how far it may be off: four standard deviations of the mean of so many.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    (mean, 4.0 * (square / n).sqrt() + 1e-6)
}

#[track_caller]
fn near(what: &str, values: &[f64], expected: f64, deviation: f64) {
    let (mean, chance) = mean(values);
    // The sample says little of the chance of what is rare.
    let chance = chance.max(4.0 * deviation / (values.len() as f64).sqrt());
    assert!(
        (mean - expected).abs() <= chance + 0.002 * expected,
        "{what}: {expected:.3} expected, {mean:.3} ± {chance:.3} in models"
    );
}

#[test]
fn swiss() {
    let build = Build::of(GoVersion::Go1_27);
    for entries in [5, 9, 100, 449, 896, 897, 1_500, 1_800, 3_500, 7_200, 20_000] {
        for hint in [0, entries, entries / 3, 2 * entries] {
            let model = Footprint::of(&map_type(build), entries, hint);
            let (mut tables, mut groups) = (Vec::new(), Vec::new());
            for seed in 0..SEEDS {
                let random = SplitMix::new(seed);
                let mut map = SwissMap::new(build.version, ops(), random, hint as i64);
                for key in keys(1000 + seed, entries) {
                    map.put(key, 0).unwrap();
                }
                let (t, g) = match map.storage() {
                    Storage::None => (0, 0),
                    Storage::Small(_) => (0, 1),
                    Storage::Tables { tables, .. } => {
                        let groups = tables.iter().map(|table| table.groups.len());
                        (tables.len(), groups.sum())
                    }
                };
                tables.push(t as f64);
                groups.push(g as f64);
            }
            let what = format!("{entries} entries, hint {hint}");
            match model.shape {
                Shape::Swiss {
                    tables: t,
                    tables_deviation,
                    groups: g,
                } => {
                    near(&format!("{what}: tables"), &tables, t, tables_deviation);
                    near(
                        &format!("{what}: groups"),
                        &groups,
                        g,
                        128.0 * tables_deviation,
                    );
                }
                _ => {
                    near(&format!("{what}: tables"), &tables, 0.0, 0.0);
                    near(&format!("{what}: groups"), &groups, 1.0, 0.0);
                }
            }
        }
    }
}

#[test]
fn classic() {
    for version in [GoVersion::Go1_21, GoVersion::Go1_23] {
        let build = Build::of(version);
        let map_type = map_type(build);
        let bucket = map_type.bucket().size;
        for entries in [
            5, 9, 13, 14, 26, 30, 53, 104, 110, 420, 900, 1_700, 3_500, 12_000,
        ] {
            for hint in [0, entries, entries / 3] {
                let model = Footprint::of(&map_type, entries, hint);
                let mut arrays = Vec::new();
                let (mut singles, mut old) = (Vec::new(), Vec::new());
                for seed in 0..SEEDS {
                    let random = SplitMix::new(seed);
                    let mut map = ClassicMap::new(version, ops(), random, hint as i64);
                    for key in keys(1000 + seed, entries) {
                        map.put(key, 0).unwrap();
                    }
                    let array = map.buckets().unwrap();
                    arrays.push(array.buckets.len() as f64);
                    singles.push(array.singles.len() as f64);
                    old.push(f64::from(u8::from(map.old_buckets().is_some())));
                }
                let what = format!("Go {version}, {entries} entries, hint {hint}");
                let count = |part| {
                    let blocks = model.blocks.iter().filter(|blocks| blocks.part == part);
                    blocks.map(|blocks| blocks.count).sum::<f64>()
                };
                let Shape::Classic { buckets, .. } = model.shape else {
                    panic!("{what}: {:?}", model.shape);
                };
                let b = buckets.trailing_zeros() as u8;
                let len = array_len(version, b, bucket, map_type.traits.pointers);
                near(&format!("{what}: buckets"), &arrays, len as f64, 0.0);
                let deviation = model.deviation / bucket as f64;
                let part = count(Part::Overflow);
                near(&format!("{what}: overflow"), &singles, part, deviation);
                near(&format!("{what}: old"), &old, count(Part::OldBuckets), 0.5);
            }
        }
    }
}
