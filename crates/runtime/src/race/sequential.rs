//! Without a second goroutine, the operations made of single accesses do what the models do.

use super::explore::{Machine, hash_of};
use super::memory::Memory;
use super::{Action, Scenario};
use crate::classic::{BucketArray, ClassicMap, MIN_TOP_HASH};
use crate::hash::HashError;
use crate::map_type::{SLOTS, Traits};
use crate::ops::{NativeKey, Ops};
use crate::random::SplitMix;
use crate::swiss::{Storage, SwissMap};
use crate::version::{Build, GoVersion, Implementation};

/// Keys that hash as they do here, whatever the seed.
struct Numbers(Traits);

impl Ops for Numbers {
    type Key = u64;
    type Elem = u64;

    fn traits(&self) -> &Traits {
        &self.0
    }

    fn hash(&self, key: &u64, _: u64, _: &mut dyn FnMut() -> u64) -> Result<u64, HashError> {
        Ok(hash_of(*key))
    }

    fn equal(&self, a: &u64, b: &u64) -> bool {
        a == b
    }

    fn zero_key(&self) -> u64 {
        0
    }

    fn zero_elem(&self) -> u64 {
        0
    }
}

enum Model {
    Classic(ClassicMap<Numbers, SplitMix>),
    Swiss(SwissMap<Numbers, SplitMix>),
}

impl Model {
    fn new(build: Build) -> Self {
        let ops = Numbers(<u64 as NativeKey>::traits(8, false));
        let (version, random) = (build.version, SplitMix::new(1));
        match build.maps {
            Implementation::Classic => Self::Classic(ClassicMap::new(version, ops, random, 0)),
            Implementation::Swiss => Self::Swiss(SwissMap::new(version, ops, random, 0)),
        }
    }

    fn perform(&mut self, action: Action) {
        let done = match (self, action) {
            (Self::Classic(map), Action::Put(key, elem)) => map.put(key, elem),
            (Self::Classic(map), Action::Delete(key)) => map.delete(&key).map(|_| ()),
            (Self::Classic(map), Action::Clear) => map.clear(),
            (Self::Swiss(map), Action::Put(key, elem)) => map.put(key, elem),
            (Self::Swiss(map), Action::Delete(key)) => map.delete(&key).map(|_| ()),
            (Self::Swiss(map), Action::Clear) => map.clear(),
            (_, Action::Get(_) | Action::Range | Action::Len) => Ok(()),
        };
        done.unwrap();
    }

    /// Entries in the order of their slots, those of old buckets last.
    fn entries(&self) -> Vec<(u64, u64)> {
        match self {
            Self::Classic(map) => [map.buckets(), map.old_buckets()]
                .into_iter()
                .flatten()
                .flat_map(bucket_entries)
                .collect(),
            Self::Swiss(map) => {
                let groups = match map.storage() {
                    Storage::None => &[],
                    Storage::Small(group) => std::slice::from_ref(&**group),
                    Storage::Tables { tables, .. } => &*tables[0].groups,
                };
                groups
                    .iter()
                    .flat_map(|group| group.control.full().map(|slot| &group.slots[slot]))
                    .map(|slot| (slot.key, slot.elem))
                    .collect()
            }
        }
    }

    /// Whether the next growth may be one that the operations of single accesses do not know.
    fn may_grow_to_the_same_size(&self) -> bool {
        match self {
            Self::Classic(map) => {
                let header = map.header();
                crate::classic::too_many_overflow_buckets(header.noverflow, header.b)
            }
            Self::Swiss(_) => false,
        }
    }
}

fn bucket_entries(array: &BucketArray<u64, u64>) -> Vec<(u64, u64)> {
    // Preallocated overflow buckets follow from 16 on, which these scripts do not reach.
    (0..array.buckets.len())
        .flat_map(|number| array.chain(number))
        .flat_map(|bucket| {
            (0..SLOTS)
                .filter(|&slot| bucket.top[slot] >= MIN_TOP_HASH)
                .map(|slot| (bucket.keys[slot], bucket.elems[slot]))
        })
        .collect()
}

fn run(build: Build, rng: &mut SplitMix) -> usize {
    let scenario = Scenario {
        build,
        initial: Vec::new(),
        goroutines: vec![Vec::new()],
        max_states: 0,
    };
    let (machine, mut memory): (Machine, Memory) = Machine::of(scenario.build);
    let mut model = Model::new(build);
    let keys = 1 + rng.below(40);
    for done in 0..200 {
        if model.may_grow_to_the_same_size() {
            return done;
        }
        let key = 1 + rng.below(keys);
        let action = match rng.below(100) {
            0..55 => Action::Put(key, rng.next_u64()),
            55..96 => Action::Delete(key),
            96..99 => Action::Get(key),
            _ => Action::Clear,
        };
        machine.alone(&mut memory, action).unwrap();
        model.perform(action);
        assert_eq!(
            machine.entries(&memory),
            model.entries(),
            "{build:?}, after {done} operations: {action:?}"
        );
    }
    200
}

#[test]
fn alone_operations_do_what_the_models_do() {
    let classic = [GoVersion::Go1_24, GoVersion::Go1_25].map(Build::without_swiss);
    for build in GoVersion::ALL
        .map(Build::of)
        .into_iter()
        .chain(classic.into_iter().flatten())
    {
        let mut rng = SplitMix::new(7);
        let operations: usize = (0..300).map(|_| run(build, &mut rng)).sum();
        assert!(operations > 20_000, "{build:?}: {operations}");
    }
}
