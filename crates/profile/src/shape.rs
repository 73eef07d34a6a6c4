//! Which block sizes a map of given key and element types asks for, and the other way round: which
//! map a series of block sizes belongs to.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tophash_runtime::allocation::{Allocation, Cause};
use tophash_runtime::footprint::Part;
use tophash_runtime::sizeclass::block;
use tophash_runtime::types::GoType;
use tophash_runtime::{Build, Implementation, MapType};

use crate::model::Usage;

/// Slots of the largest Swiss table (internal/runtime/maps `maxTableCapacity`).
const MAX_CAPACITY: u64 = 1024;

/// Doublings of a classic bucket array that are reckoned with.
const MAX_B: u32 = 32;

/// Entries of the largest directory that is reckoned with.
const MAX_DIRECTORY: u64 = 1 << 24;

/// What an operation on a line can allocate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// `make(map[K]V)`, a literal.
    Make,
    /// `m[k] = v` and its like.
    Assign,
    /// Either, or something else: not known.
    Any,
}

/// Blocks of one map type by size.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The map's type, or one that takes the same room.
    pub map_type: MapType,
    assign: FxHashMap<u64, Allocation>,
    make: FxHashMap<u64, Allocation>,
}

fn found(cause: Cause, part: impl Into<Option<Part>>) -> Allocation {
    Allocation {
        cause,
        part: part.into(),
    }
}

impl Shape {
    /// The sizes of a map type's blocks.
    #[must_use]
    pub fn new(map_type: MapType) -> Self {
        let mut shape = Self {
            assign: FxHashMap::default(),
            make: FxHashMap::default(),
            map_type,
        };
        // What is rarer comes first, so that it gives way where two have one size.
        match shape.map_type.build.maps {
            Implementation::Swiss => shape.swiss(),
            Implementation::Classic => shape.classic(),
        }
        // One for each entry, so that they are most of what has their size.
        shape.boxes();
        shape
    }

    fn block(&self, size: u64, scanned: bool) -> u64 {
        block(self.map_type.build.version, size, !scanned).size
    }

    fn boxes(&mut self) {
        let traits = self.map_type.traits;
        let boxed = found(Cause::Boxed, None);
        if traits.indirect_key {
            let key = &self.map_type.key;
            let size = self.block(key.size, key.has_pointers());
            self.assign.insert(size, boxed);
        }
        if traits.indirect_elem {
            let elem = &self.map_type.elem;
            let size = self.block(elem.size, elem.has_pointers());
            self.assign.insert(size, boxed);
        }
    }

    fn swiss(&mut self) {
        let group = self.map_type.group().size;
        let pointers = self.map_type.traits.pointers;
        let mut tables = 1;
        while tables <= MAX_DIRECTORY {
            let size = self.block(8 * tables, true);
            let cause = if tables == 1 {
                Cause::Growth
            } else {
                Cause::Split
            };
            self.assign.insert(size, found(cause, Part::Directory));
            self.make.insert(size, found(Cause::Make, Part::Directory));
            tables *= 2;
        }
        let mut capacity = 16;
        while capacity <= MAX_CAPACITY {
            let size = self.block(capacity / 8 * group, pointers);
            let cause = match capacity {
                MAX_CAPACITY => Cause::Split,
                _ => Cause::Growth,
            };
            self.assign.insert(size, found(cause, Part::Groups));
            self.make.insert(size, found(Cause::Make, Part::Groups));
            capacity *= 2;
        }
        let table = self.block(32, true);
        self.assign
            .insert(table, found(Cause::Growth, Part::Tables));
        self.make.insert(table, found(Cause::Make, Part::Tables));
        let small = self.block(group, pointers);
        self.assign
            .insert(small, found(Cause::FirstInsert, Part::SmallGroup));
        self.make
            .insert(small, found(Cause::FirstInsert, Part::SmallGroup));
        self.make.insert(48, found(Cause::Make, Part::Header));
    }

    fn classic(&mut self) {
        let bucket = self.map_type.bucket().size;
        let pointers = self.map_type.traits.pointers;
        self.assign
            .insert(self.block(24, true), found(Cause::Growth, Part::Extra));
        self.make
            .insert(self.block(24, true), found(Cause::Make, Part::Extra));
        for b in 1..=MAX_B {
            // From sixteen buckets on, some are added to overflow into (`makeBucketArray`).
            let spare = if b >= 4 { 1 << (b - 4) } else { 0 };
            let Some(bytes) = bucket.checked_mul((1u64 << b) + spare) else {
                break;
            };
            let size = self.block(bytes, pointers);
            self.assign
                .insert(size, found(Cause::Growth, Part::Buckets));
            self.make.insert(size, found(Cause::Make, Part::Buckets));
        }
        let first = self.block(bucket, pointers);
        self.assign
            .insert(first, found(Cause::FirstInsert, Part::Buckets));
        self.make
            .insert(first, found(Cause::FirstInsert, Part::Buckets));
        let header = self.block(48, true);
        self.make.insert(header, found(Cause::Make, Part::Header));
    }

    /// What a block of this size is for on a line with this operation; none if it's none of the
    /// map's.
    #[must_use]
    pub fn allocation(&self, size: u64, role: Role) -> Option<Allocation> {
        let of = |table: &FxHashMap<u64, Allocation>| table.get(&size).copied();
        match role {
            Role::Make => of(&self.make),
            Role::Assign => of(&self.assign),
            Role::Any => of(&self.assign).or_else(|| of(&self.make)),
        }
    }

    /// Whether a block of this size is a table or bucket array that a map grew into.
    fn is_growth(&self, size: u64) -> bool {
        let of = self.assign.get(&size);
        of.is_some_and(|a| matches!(a.part, Some(Part::Groups | Part::Buckets)))
            && of.is_some_and(|a| a.cause != Cause::FirstInsert)
    }

    /// The tables or bucket arrays that a map grows through, in ascending order.
    #[must_use]
    pub fn growth_sizes(&self) -> Vec<u64> {
        let sizes = self.assign.keys().copied();
        let mut sizes: Vec<u64> = sizes.filter(|&size| self.is_growth(size)).collect();
        sizes.sort_unstable();
        sizes
    }

    /// Slots of the tables or buckets in a block of this size, that of a small map included.
    #[must_use]
    pub fn slots(&self, size: u64) -> u64 {
        let chunk = self.map_type.chunk_size().max(1);
        let slots = size / chunk * 8;
        match self.map_type.build.maps {
            // The rest is what the size class gives away.
            Implementation::Swiss if slots > 8 => 1 << slots.ilog2(),
            Implementation::Swiss => slots,
            Implementation::Classic => slots,
        }
    }
}

/// Sizes of tables that must be seen for a series to count as a map's.
const MIN_SERIES: usize = 3;

/// Share of a line's bytes that the map must explain.
const MIN_EXPLAINED: f64 = 0.95;

/// The map whose growth a series of block sizes shows; none if they may as well be something
/// else, as a slice that is appended to.
#[must_use]
pub fn fit(build: Build, blocks: &[(u64, Usage)]) -> Option<Shape> {
    fit_of(build, blocks, MIN_SERIES, MIN_EXPLAINED)
}

/// Whether the blocks show what a slice that is appended to, whose memory doubles too, does not:
/// of a Swiss map the headers of its tables, or more tables of full size than such of half of it,
/// as they split; of a classic one the spare buckets of larger arrays.
fn is_no_slice(shape: &Shape, blocks: &[(u64, Usage)]) -> bool {
    let map_type = &shape.map_type;
    let pointers = map_type.traits.pointers;
    let objects = |size: u64| -> i64 {
        let of = blocks.iter().filter(|(block, _)| *block == size);
        of.map(|(_, usage)| usage.objects).sum()
    };
    match map_type.build.maps {
        Implementation::Swiss => {
            let group = map_type.group().size;
            let table = |capacity: u64| objects(shape.block(capacity / 8 * group, pointers));
            let headers = shape.block(32, true);
            let is_header =
                (shape.assign.get(&headers)).is_some_and(|a| a.part == Some(Part::Tables));
            is_header && objects(headers) > 0
                || table(MAX_CAPACITY) > 2 * table(MAX_CAPACITY / 2).max(1)
        }
        Implementation::Classic => {
            let bucket = map_type.bucket().size;
            let spared = (4..=MAX_B).filter(|b| {
                let plain = bucket.saturating_mul(1 << b);
                let whole = shape.block(plain.saturating_add(plain / 16), pointers);
                whole != shape.block(plain, pointers) && objects(whole) > 0
            });
            spared.count() >= 2
        }
    }
}

/// A map that takes the same room as the one whose tables and buckets these are: they are known
/// to be a map's.
#[must_use]
pub fn fit_known(build: Build, blocks: &[(u64, Usage)]) -> Option<Shape> {
    fit_of(build, blocks, 1, 0.5)
}

fn fit_of(build: Build, blocks: &[(u64, Usage)], series: usize, share: f64) -> Option<Shape> {
    let all: f64 = blocks.iter().map(|(_, u)| u.bytes as f64).sum();
    if all <= 0.0 {
        return None;
    }
    let mut best: Option<(f64, usize, Shape)> = None;
    for slot in 1..=256u64 {
        for pointers in [false, true] {
            let Some(shape) = stand_in(build, slot, pointers) else {
                continue;
            };
            let grown: Vec<u64> = (blocks.iter().map(|(size, _)| *size))
                .filter(|&size| shape.is_growth(size))
                .collect();
            // A slice's memory doubles too, in powers of two.
            let is_plain = grown.iter().all(|size| size.is_power_of_two());
            if grown.len() < series || series > 1 && (is_plain || !is_no_slice(&shape, blocks)) {
                continue;
            }
            let explained: f64 = (blocks.iter())
                .filter(|(size, _)| shape.allocation(*size, Role::Any).is_some())
                .map(|(_, usage)| usage.bytes as f64)
                .sum();
            let explained = explained / all;
            if explained < share {
                continue;
            }
            let better = best
                .as_ref()
                .is_none_or(|(e, n, _)| (grown.len(), explained) > (*n, *e));
            if better {
                best = Some((explained, grown.len(), shape));
            }
        }
    }
    best.map(|(_, _, shape)| shape)
}

/// A map with slots of a size: which part is key and which element makes no difference.
fn stand_in(build: Build, slot: u64, pointers: bool) -> Option<Shape> {
    let byte = || GoType::scalar("uint8", 1);
    let (key, elem): (Arc<GoType>, Arc<GoType>) = match slot {
        _ if build.maps == Implementation::Swiss && slot > 8 && !slot.is_multiple_of(4) => {
            return None;
        }
        0..=8 if pointers && slot != 8 => return None,
        0..=8 => {
            let key = match pointers {
                true => GoType::pointer("*T"),
                false => GoType::array(byte(), slot),
            };
            (key, GoType::structure("struct {}", &[]))
        }
        // Neither may be above 128 bytes.
        _ => {
            let key = if slot > 136 { slot - 128 } else { 8 };
            let rest = slot - key;
            let elem = match (pointers, rest % 8) {
                (true, 0) => GoType::array(GoType::pointer("*T"), rest / 8),
                (true, _) => return None,
                (false, 0) => GoType::array(GoType::scalar("uint64", 8), rest / 8),
                (false, 4) => GoType::array(GoType::scalar("uint32", 4), rest / 4),
                (false, _) => GoType::array(byte(), rest),
            };
            let key = match key {
                8 => GoType::scalar("uint64", 8),
                n if n % 8 == 0 => GoType::array(GoType::scalar("uint64", 8), n / 8),
                n => GoType::array(byte(), n),
            };
            (key, elem)
        }
    };
    Some(Shape::new(MapType::new(build, key, elem)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tophash_runtime::GoVersion;

    fn usage(size: u64, objects: i64) -> (u64, Usage) {
        let bytes = objects * size as i64;
        (size, Usage { objects, bytes })
    }

    #[test]
    fn a_growing_map_is_told_from_a_growing_slice() {
        let build = Build::of(GoVersion::Go1_27);
        // map[int]int to 200,000 entries.
        let map = [
            usage(288, 1),
            usage(576, 1),
            usage(1152, 1),
            usage(2304, 1),
            usage(4864, 1),
            usage(9472, 1),
            usage(18432, 510),
        ];
        let shape = fit(build, &map).unwrap();
        assert_eq!(shape.map_type.traits.slot_size, 16);
        assert_eq!(
            shape.allocation(18432, Role::Assign).map(|a| a.cause),
            Some(Cause::Split)
        );
        assert_eq!(shape.slots(18432), 1024);
        // append to a []int.
        let slice = [
            512, 1024, 2048, 4096, 6784, 9472, 12288, 16384, 21760, 28672,
        ];
        let slice = slice.map(|size| usage(size, 1));
        assert!(fit(build, &slice).is_none());
        // append to a slice of structs of 40 bytes: tables of 16 slots or more would be as large.
        let structs = [
            usage(48, 54_615),
            usage(80, 39_324),
            usage(160, 29_495),
            usage(320, 24_582),
        ];
        assert!(fit(build, &structs).is_none());
        assert!(fit(Build::of(GoVersion::Go1_21), &structs).is_none());
        let buffer = [512, 1024, 2048, 4096, 8192, 16384].map(|size| usage(size, 10));
        assert!(fit(build, &buffer).is_none());
    }

    #[test]
    fn classic_arrays() {
        let build = Build::of(GoVersion::Go1_21);
        // Bucket arrays of map[int]int, with what they overflow into.
        let map = [
            usage(288, 1),
            usage(576, 1),
            usage(1152, 1),
            usage(2688, 1),
            usage(5376, 1),
            usage(10240, 1),
            usage(144, 30),
        ];
        let shape = fit(build, &map).unwrap();
        assert_eq!(shape.map_type.bucket().size, 144);
        let first = shape.allocation(144, Role::Assign);
        assert_eq!(first.map(|a| a.cause), Some(Cause::FirstInsert));
    }
}
