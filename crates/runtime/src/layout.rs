//! Where the words of the runtime's map structures lie, for readers of another process's memory.
//!
//! All offsets and sizes are in bytes, for 64-bit machines. What lies in buckets and groups is a
//! matter of the map type: see [`crate::MapType::bucket`] and [`crate::MapType::group`].

use crate::version::{Build, GoVersion, Implementation};

/// `hmap` (runtime/map.go; runtime/map_noswiss.go of 1.24 and 1.25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HmapLayout {
    /// Bytes of the header.
    pub size: u64,
    /// Entries: a word.
    pub count: u64,
    /// [`crate::classic::flags`]: a byte.
    pub flags: u64,
    /// Binary logarithm of the number of buckets: a byte.
    pub b: u64,
    /// Overflow buckets: two bytes.
    pub noverflow: u64,
    /// Seed: four bytes.
    pub hash0: u64,
    /// Pointer to the buckets.
    pub buckets: u64,
    /// Pointer to the old buckets, nil unless the map grows.
    pub oldbuckets: u64,
    /// Evacuated old buckets: a word.
    pub nevacuate: u64,
    /// Number of clears: a word, in 1.24 and 1.25 only.
    pub clear_seq: Option<u64>,
    /// Pointer to `mapextra`.
    pub extra: u64,
}

/// `mapextra`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraLayout {
    /// Pointer to the slice of overflow buckets, in maps without pointers.
    pub overflow: u64,
    /// The same for the old buckets.
    pub oldoverflow: u64,
    /// Pointer to the next preallocated overflow bucket.
    pub next_overflow: u64,
}

/// `hiter`: a range loop over a classic map, on a goroutine's stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HiterLayout {
    /// Bytes of the iterator.
    pub size: u64,
    /// Pointer to the current key, nil at the end.
    pub key: u64,
    /// Pointer to the current element.
    pub elem: u64,
    /// Pointer to the map type.
    pub map_type: u64,
    /// Pointer to the map.
    pub map: u64,
    /// Pointer to the buckets at the start.
    pub buckets: u64,
    /// Pointer to the current bucket.
    pub bptr: u64,
    /// The bucket that the loop started at: a word.
    pub start_bucket: u64,
    /// Slot that it starts at in every bucket: a byte.
    pub offset: u64,
    /// Whether it has passed the last bucket: a byte.
    pub wrapped: u64,
    /// The map's `B` at the start: a byte.
    pub b: u64,
    /// Slots done in the current bucket: a byte.
    pub i: u64,
    /// The bucket after the current one: a word.
    pub bucket: u64,
}

/// `maps.Map` (internal/runtime/maps/map.go).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwissMapLayout {
    /// Bytes of the header.
    pub size: u64,
    /// Entries: a word.
    pub used: u64,
    /// Seed: a word.
    pub seed: u64,
    /// Pointer to the directory, or to the group of a small map.
    pub dir_ptr: u64,
    /// Length of the directory, 0 for a small map: a word.
    pub dir_len: u64,
    /// A byte.
    pub global_depth: u64,
    /// A byte.
    pub global_shift: u64,
    /// A byte, not 0 while someone writes.
    pub writing: u64,
    /// A byte, since 1.25.
    pub tombstone_possible: Option<u64>,
    /// Number of clears: a word.
    pub clear_seq: u64,
}

/// `table` (internal/runtime/maps/table.go).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableLayout {
    /// Bytes of the table, groups apart.
    pub size: u64,
    /// Full slots: two bytes.
    pub used: u64,
    /// Slots: two bytes.
    pub capacity: u64,
    /// Insertions before growth: two bytes.
    pub growth_left: u64,
    /// A byte.
    pub local_depth: u64,
    /// First place in the directory, -1 if stale: a word.
    pub index: u64,
    /// Pointer to the groups.
    pub groups: u64,
    /// Number of groups less one: a word.
    pub length_mask: u64,
}

/// `maps.Iter`: a range loop over a Swiss map, on a goroutine's stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwissIterLayout {
    /// Bytes of the iterator.
    pub size: u64,
    /// Pointer to the current key, nil at the end.
    pub key: u64,
    /// Pointer to the current element.
    pub elem: u64,
    /// Pointer to the map type.
    pub map_type: u64,
    /// Pointer to the map.
    pub map: u64,
    /// Random offset in tables: a word.
    pub entry_offset: u64,
    /// Random offset in the directory: a word.
    pub dir_offset: u64,
    /// The map's count of clears at the start: a word.
    pub clear_seq: u64,
    /// The map's depth at the last step: a byte.
    pub global_depth: u64,
    /// Place in the directory, -1 if the map was small: a word.
    pub dir_idx: u64,
    /// Pointer to the current table.
    pub table: u64,
    /// Pointer to the current group.
    pub group: u64,
    /// Place in the table: a word.
    pub entry_idx: u64,
}

/// `abi.Type`, the start of every type descriptor (internal/abi/type.go).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeLayout {
    /// Bytes of the common part.
    pub size: u64,
    /// Bytes of a value: a word.
    pub value_size: u64,
    /// Length of the prefix with pointers: a word.
    pub pointer_bytes: u64,
    /// A byte; bit 3 is `TFlagRegularMemory`.
    pub flags: u64,
    /// A byte.
    pub align: u64,
    /// The kind, in the low five bits of a byte; 21 is a map.
    pub kind: u64,
    /// Offset of the name: four bytes.
    pub name: u64,
}

/// The descriptor of a map type (`OldMapType`, `SwissMapType`, `MapType` of internal/abi).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapTypeLayout {
    /// Bytes of the descriptor.
    pub size: u64,
    /// Pointer to the key type.
    pub key: u64,
    /// Pointer to the element type.
    pub elem: u64,
    /// Pointer to the bucket or group type.
    pub chunk: u64,
    /// Pointer to the hash function's closure.
    pub hasher: u64,
    /// Flags: four bytes, see [`crate::MapType::flags`].
    pub flags: u64,
    /// Where the descriptor tells the layout of buckets or groups.
    pub slots: SlotsLayout,
}

/// The words of a map type's descriptor that tell the layout of its buckets or groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotsLayout {
    /// Classic: sizes of key slot (a byte), element slot (a byte) and bucket (two bytes).
    Bucket {
        /// Offset of the key slot's size.
        key_size: u64,
        /// Offset of the element slot's size.
        elem_size: u64,
        /// Offset of the bucket's size.
        bucket_size: u64,
    },
    /// 1.24 to 1.26: words with the sizes of group and slot and the element's offset in it.
    Interleaved {
        /// Offset of the group's size.
        group_size: u64,
        /// Offset of the slot's size.
        slot_size: u64,
        /// Offset of the element's offset.
        elem_off: u64,
    },
    /// 1.27: words with the group's size, first offsets and strides of keys and elements.
    Strided {
        /// Offset of the group's size.
        group_size: u64,
        /// Offset of the first key's offset.
        keys_off: u64,
        /// Offset of the distance of keys.
        key_stride: u64,
        /// Offset of the first element's offset.
        elems_off: u64,
        /// Offset of the distance of elements.
        elem_stride: u64,
    },
}

/// Names of the variables that hold a process's hash keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashSymbols {
    /// 128 bytes, the key of the AES hash.
    pub aeskeysched: &'static str,
    /// Four words, the key of the other hash.
    pub hashkey: &'static str,
    /// A byte: whether AES is used.
    pub use_aeshash: &'static str,
}

const HMAP: HmapLayout = HmapLayout {
    size: 48,
    count: 0,
    flags: 8,
    b: 9,
    noverflow: 10,
    hash0: 12,
    buckets: 16,
    oldbuckets: 24,
    nevacuate: 32,
    clear_seq: None,
    extra: 40,
};

const HMAP_24: HmapLayout = HmapLayout {
    size: 56,
    clear_seq: Some(40),
    extra: 48,
    ..HMAP
};

const HITER: HiterLayout = HiterLayout {
    size: 96,
    key: 0,
    elem: 8,
    map_type: 16,
    map: 24,
    buckets: 32,
    bptr: 40,
    start_bucket: 64,
    offset: 72,
    wrapped: 73,
    b: 74,
    i: 75,
    bucket: 80,
};

const HITER_24: HiterLayout = HiterLayout { size: 104, ..HITER };

const SWISS_MAP: SwissMapLayout = SwissMapLayout {
    size: 48,
    used: 0,
    seed: 8,
    dir_ptr: 16,
    dir_len: 24,
    global_depth: 32,
    global_shift: 33,
    writing: 34,
    tombstone_possible: Some(35),
    clear_seq: 40,
};

const SWISS_MAP_24: SwissMapLayout = SwissMapLayout {
    tombstone_possible: None,
    ..SWISS_MAP
};

const CLASSIC_TYPE: MapTypeLayout = MapTypeLayout {
    size: 88,
    key: 48,
    elem: 56,
    chunk: 64,
    hasher: 72,
    flags: 84,
    slots: SlotsLayout::Bucket {
        key_size: 80,
        elem_size: 81,
        bucket_size: 82,
    },
};

const SWISS_TYPE_24: MapTypeLayout = MapTypeLayout {
    size: 112,
    flags: 104,
    slots: SlotsLayout::Interleaved {
        group_size: 80,
        slot_size: 88,
        elem_off: 96,
    },
    ..CLASSIC_TYPE
};

const SWISS_TYPE_27: MapTypeLayout = MapTypeLayout {
    size: 136,
    flags: 128,
    slots: SlotsLayout::Strided {
        group_size: 80,
        keys_off: 88,
        key_stride: 96,
        elems_off: 104,
        elem_stride: 112,
    },
    ..CLASSIC_TYPE
};

/// `mapextra` in every version.
pub const EXTRA: ExtraLayout = ExtraLayout {
    overflow: 0,
    oldoverflow: 8,
    next_overflow: 16,
};

/// `table` in every version.
pub const TABLE: TableLayout = TableLayout {
    size: 32,
    used: 0,
    capacity: 2,
    growth_left: 4,
    local_depth: 6,
    index: 8,
    groups: 16,
    length_mask: 24,
};

/// `maps.Iter` in every version.
pub const SWISS_ITER: SwissIterLayout = SwissIterLayout {
    size: 96,
    key: 0,
    elem: 8,
    map_type: 16,
    map: 24,
    entry_offset: 32,
    dir_offset: 40,
    clear_seq: 48,
    global_depth: 56,
    dir_idx: 64,
    table: 72,
    group: 80,
    entry_idx: 88,
};

/// `abi.Type` in every version.
pub const TYPE: TypeLayout = TypeLayout {
    size: 48,
    value_size: 0,
    pointer_bytes: 8,
    flags: 20,
    align: 21,
    kind: 23,
    name: 40,
};

/// The header of a classic map; none if the build has no classic map.
#[must_use]
pub fn hmap(build: Build) -> Option<&'static HmapLayout> {
    classic(build, &HMAP, &HMAP_24)
}

/// The iterator of a classic map; none if the build has no classic map.
#[must_use]
pub fn hiter(build: Build) -> Option<&'static HiterLayout> {
    classic(build, &HITER, &HITER_24)
}

fn classic<T>(build: Build, first: &'static T, with_clear_seq: &'static T) -> Option<&'static T> {
    match (build.maps, build.version) {
        (Implementation::Swiss, _) => None,
        (Implementation::Classic, GoVersion::Go1_21 | GoVersion::Go1_22 | GoVersion::Go1_23) => {
            Some(first)
        }
        (Implementation::Classic, _) => Some(with_clear_seq),
    }
}

/// The header of a Swiss map; none if the build has the classic map.
#[must_use]
pub fn swiss_map(build: Build) -> Option<&'static SwissMapLayout> {
    match (build.maps, build.version) {
        (Implementation::Classic, _) => None,
        (Implementation::Swiss, GoVersion::Go1_24) => Some(&SWISS_MAP_24),
        (Implementation::Swiss, _) => Some(&SWISS_MAP),
    }
}

/// The descriptor of map types.
#[must_use]
pub fn map_type(build: Build) -> &'static MapTypeLayout {
    match (build.maps, build.version) {
        (Implementation::Classic, _) => &CLASSIC_TYPE,
        (Implementation::Swiss, GoVersion::Go1_27) => &SWISS_TYPE_27,
        (Implementation::Swiss, _) => &SWISS_TYPE_24,
    }
}

/// Where a process keeps its hash keys.
#[must_use]
pub fn hash_symbols(version: GoVersion) -> HashSymbols {
    match version {
        GoVersion::Go1_27 => HashSymbols {
            aeskeysched: "internal/runtime/maps.aeskeysched",
            hashkey: "internal/runtime/maps.hashkey",
            use_aeshash: "internal/runtime/maps.UseAeshash",
        },
        GoVersion::Go1_21
        | GoVersion::Go1_22
        | GoVersion::Go1_23
        | GoVersion::Go1_24
        | GoVersion::Go1_25
        | GoVersion::Go1_26 => HashSymbols {
            aeskeysched: "runtime.aeskeysched",
            hashkey: "runtime.hashkey",
            use_aeshash: "runtime.useAeshash",
        },
    }
}
