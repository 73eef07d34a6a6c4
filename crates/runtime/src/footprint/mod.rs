//! What a map of n entries takes from the heap: which blocks, how many of each, and what filling
//! it allocates and copies on the way.
//!
//! Hashes are random, so some counts are expectations: how many overflow buckets a classic map
//! has, how many tables of a Swiss map have split. [`Footprint::deviation`] says how much runs
//! differ. Layouts, load limits and sizes of blocks are those of the models
//! ([`crate::classic`], [`crate::swiss`], [`crate::sizeclass`]).

mod binomial;
mod classic;
mod swiss;

use crate::map_type::MapType;
use crate::sizeclass::{Block, block};
use crate::version::{Build, Implementation};

/// Most entries that are reckoned with.
pub const MAX_ENTRIES: u64 = 1 << 32;

/// Blocks that are expected less often than this are left out.
const NEGLIGIBLE: f64 = 1e-3;

/// A map on the heap, filled by inserting distinct keys one after the other and never deleting.
///
/// All counts are expectations, and exact where they are whole by nature: the header, the bucket
/// array. What keys and elements point to (the bytes of strings, the targets of pointers) is not
/// the map's and does not count; keys and elements that are themselves held by pointer do.
#[derive(Clone, Debug, PartialEq)]
pub struct Footprint {
    /// The build it is made by.
    pub build: Build,
    /// Entries in it.
    pub entries: u64,
    /// The hint that it is made with; 0 without one.
    pub hint: u64,
    /// How the entries are held.
    pub shape: Shape,
    /// The blocks that are alive when it is filled, in order of [`Part`] and size.
    pub blocks: Vec<Blocks>,
    /// Standard deviation, in bytes, of the sum of these blocks from run to run.
    pub deviation: f64,
    /// Bytes allocated in all, those included that were dropped on the way.
    pub allocated_bytes: f64,
    /// Standard deviation of that, in bytes.
    pub allocated_deviation: f64,
    /// Allocations in all.
    pub allocations: f64,
    /// Most bytes in use at one time while it is filled, if the collector frees at once what is
    /// dropped.
    pub peak_bytes: f64,
    /// How often buckets or a table gave way to larger or to more ones.
    pub growths: f64,
    /// Entries that were copied to other buckets or tables.
    pub moved_entries: f64,
    /// Bytes of keys and elements that were copied, those held by pointer as pointers.
    pub moved_bytes: f64,
}

/// How entries are held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Nothing but the header: no entry has been inserted.
    Empty,
    /// A classic map with an array of buckets.
    Classic {
        /// Buckets proper, a power of two.
        buckets: u64,
        /// Overflow buckets that were allocated with them.
        spare: u64,
        /// Overflow buckets in use.
        overflow: f64,
        /// Old buckets whose entries have still to be moved, if the map is growing.
        unmoved: Option<f64>,
    },
    /// A Swiss map of one group, without tables.
    SmallSwiss,
    /// A Swiss map with tables.
    Swiss {
        /// Tables.
        tables: f64,
        /// Standard deviation of their number.
        tables_deviation: f64,
        /// Groups of all tables.
        groups: f64,
    },
}

/// Blocks of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blocks {
    /// What they hold.
    pub part: Part,
    /// How many there are.
    pub count: f64,
    /// Bytes that the map asks for.
    pub asked: u64,
    /// Bytes that the allocator gives: a size class, or pages.
    pub size: u64,
    /// Whether it is a size class.
    pub small: bool,
    /// Whether the garbage collector reads them.
    pub scanned: bool,
}

impl Blocks {
    /// Bytes of all of them.
    #[must_use]
    pub fn bytes(&self) -> f64 {
        self.count * self.size as f64
    }
}

/// What a block of a map holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The header: `hmap` or `maps.Map`.
    Header,
    /// `mapextra` of a classic map.
    Extra,
    /// The array of buckets.
    Buckets,
    /// Overflow buckets that are allocated one by one.
    Overflow,
    /// The list that keeps overflow buckets alive in maps without pointers.
    OverflowList,
    /// Buckets whose entries are being moved, while a classic map grows.
    OldBuckets,
    /// Their overflow buckets.
    OldOverflow,
    /// Their list of overflow buckets.
    OldOverflowList,
    /// The group of a small Swiss map.
    SmallGroup,
    /// The directory of a Swiss map.
    Directory,
    /// The tables of a Swiss map, groups apart.
    Tables,
    /// The groups of a table.
    Groups,
    /// Keys above 128 bytes, which are allocated one by one.
    Keys,
    /// Elements above 128 bytes.
    Elems,
}

impl Footprint {
    /// What a map of this type takes with `entries` entries, made with `hint` (0 is none). More
    /// than [`MAX_ENTRIES`] entries count as that many.
    #[must_use]
    pub fn of(map_type: &MapType, entries: u64, hint: u64) -> Self {
        let entries = entries.min(MAX_ENTRIES);
        let mut tally = Tally::new(map_type);
        let shape = match map_type.build.maps {
            Implementation::Classic => classic::fill(&mut tally, entries, hint),
            Implementation::Swiss => swiss::fill(&mut tally, entries, hint),
        };
        tally.boxes(entries);
        tally.finish(entries, hint, shape)
    }

    /// Bytes alive when the map is filled.
    #[must_use]
    pub fn bytes(&self) -> f64 {
        self.blocks.iter().map(Blocks::bytes).sum()
    }

    /// Of these, bytes that the garbage collector reads.
    #[must_use]
    pub fn scanned_bytes(&self) -> f64 {
        let scanned = self.blocks.iter().filter(|blocks| blocks.scanned);
        scanned.map(Blocks::bytes).sum()
    }

    /// How many blocks are alive when the map is filled.
    #[must_use]
    pub fn objects(&self) -> f64 {
        self.blocks.iter().map(|blocks| blocks.count).sum()
    }
}

/// A footprint in the making.
struct Tally<'t> {
    map_type: &'t MapType,
    blocks: Vec<Blocks>,
    variance: f64,
    allocated_variance: f64,
    allocated_bytes: f64,
    allocations: f64,
    /// Bytes in use at an earlier time, keys and elements by themselves apart.
    peak_bytes: f64,
    /// Entries at that time.
    peak_entries: u64,
    growths: f64,
    moved_entries: f64,
}

impl<'t> Tally<'t> {
    fn new(map_type: &'t MapType) -> Self {
        Self {
            map_type,
            blocks: Vec::new(),
            variance: 0.0,
            allocated_variance: 0.0,
            allocated_bytes: 0.0,
            allocations: 0.0,
            peak_bytes: 0.0,
            peak_entries: 0,
            growths: 0.0,
            moved_entries: 0.0,
        }
    }

    /// The block for `size` bytes.
    fn block(&self, size: u64, scanned: bool) -> Block {
        block(self.map_type.build.version, size, !scanned)
    }

    /// Says how much a part of what is alive in the end differs from run to run: a standard
    /// deviation in bytes, independent of others.
    fn vary_live(&mut self, deviation: f64) {
        self.variance += deviation * deviation;
    }

    /// The same of what was allocated.
    fn vary_allocated(&mut self, deviation: f64) {
        self.allocated_variance += deviation * deviation;
    }

    /// The same of what was allocated and stays.
    fn vary(&mut self, deviation: f64) {
        self.vary_live(deviation);
        self.vary_allocated(deviation);
    }

    /// Allocates blocks that are gone in the end.
    fn spend(&mut self, count: f64, size: u64, scanned: bool) {
        self.allocated_bytes += count * self.block(size, scanned).size as f64;
        self.allocations += count;
    }

    /// Says that blocks are alive in the end which are counted as allocated already.
    fn keep(&mut self, part: Part, count: f64, asked: u64, scanned: bool) {
        if count < NEGLIGIBLE {
            return;
        }
        let Block { size, small, .. } = self.block(asked, scanned);
        self.blocks.push(Blocks {
            part,
            count,
            asked,
            size,
            small,
            scanned,
        });
    }

    /// Allocates blocks that stay.
    fn add(&mut self, part: Part, count: f64, size: u64, scanned: bool) {
        self.spend(count, size, scanned);
        self.keep(part, count, size, scanned);
    }

    fn bytes(&self) -> f64 {
        self.blocks.iter().map(Blocks::bytes).sum()
    }

    /// Keys and elements that are allocated by themselves.
    fn boxes(&mut self, entries: u64) {
        let map_type = self.map_type;
        let traits = map_type.traits;
        let before = self.bytes();
        if traits.indirect_key {
            let key = &map_type.key;
            self.add(Part::Keys, entries as f64, key.size, key.has_pointers());
        }
        if traits.indirect_elem {
            let elem = &map_type.elem;
            self.add(Part::Elems, entries as f64, elem.size, elem.has_pointers());
        }
        if self.peak_bytes > 0.0 {
            let part = self.peak_entries as f64 / entries.max(1) as f64;
            self.peak_bytes += (self.bytes() - before) * part;
        }
    }

    fn finish(self, entries: u64, hint: u64, shape: Shape) -> Footprint {
        let entry = (self.map_type.key_slot + self.map_type.elem_slot) as f64;
        let bytes = self.bytes();
        let mut blocks = self.blocks;
        blocks.sort_by_key(|blocks| (blocks.part, blocks.asked));
        Footprint {
            build: self.map_type.build,
            entries,
            hint,
            shape,
            blocks,
            deviation: self.variance.sqrt(),
            allocated_bytes: self.allocated_bytes,
            allocated_deviation: self.allocated_variance.sqrt(),
            allocations: self.allocations,
            peak_bytes: self.peak_bytes.max(bytes),
            growths: self.growths,
            moved_entries: self.moved_entries,
            moved_bytes: self.moved_entries * entry,
        }
    }
}
