//! What a model does on the way through an operation, for those who explain it.

use crate::classic::Link;

/// A step of the runtime inside one operation on a map.
///
/// A model tells its [`crate::Ops`] of each one when it happens ([`crate::Ops::observe`]); by
/// default nobody listens, and then the compiler leaves all of it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The key was hashed.
    Hashed(u64),
    /// Something of a classic map.
    Classic(ClassicEvent),
    /// Something of a Swiss map.
    Swiss(SwissEvent),
}

/// A step of the classic map's functions (runtime/map.go).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassicEvent {
    /// The first bucket was allocated: nothing was before the first write.
    FirstBucket,
    /// `mapaccess` or `mapassign` goes to this bucket.
    Bucket {
        /// Its number.
        number: u64,
        /// Whether it is one of the old array, not evacuated yet.
        old: bool,
    },
    /// The key was found in a slot.
    Found {
        /// The bucket that holds it.
        bucket: Link,
        /// Which of its eight slots.
        slot: usize,
    },
    /// A new entry was written to a slot.
    Inserted {
        /// The bucket.
        bucket: Link,
        /// The slot.
        slot: usize,
    },
    /// An entry was taken out of a slot.
    Removed {
        /// The bucket.
        bucket: Link,
        /// The slot.
        slot: usize,
        /// Whether nothing comes after it in its chain, so that it is `emptyRest`.
        rest: bool,
    },
    /// `hashGrow`: the buckets became the old buckets of a new array.
    Grows {
        /// Whether the new array has as many buckets as the old one.
        same_size: bool,
        /// Entries in the map before the one that is being put.
        count: u64,
        /// Overflow buckets as the header counts them.
        noverflow: u16,
        /// There were 2^b buckets.
        b: u8,
    },
    /// `evacuate`: an old bucket and its chain were moved to the new array.
    Evacuated {
        /// The old bucket's number.
        number: u64,
        /// Entries that went to the bucket of the same number.
        low: u64,
        /// Entries that went to bucket `half`.
        high: u64,
        /// The bucket in the other half of the new array; none in a growth to the same size.
        half: Option<u64>,
        /// Whether it was moved because it was next in line, not because it was to be used.
        in_line: bool,
    },
    /// The last old bucket has been evacuated: the old array is dropped.
    Grown,
    /// `newoverflow`: a bucket was chained after a full one.
    Overflow {
        /// The full bucket.
        after: Link,
        /// The new one.
        bucket: Link,
        /// Whether it was one of those allocated with the array.
        spare: bool,
    },
    /// An iteration goes on to this bucket.
    Visits {
        /// Its number in the array of the iteration's start.
        number: u64,
        /// Whether its entries are still in an old bucket, from which they are picked.
        old: bool,
    },
    /// The map has become empty, so its hash seed was drawn anew.
    Reseeded,
}

/// A step of the Swiss map's functions (internal/runtime/maps).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwissEvent {
    /// The small map's group was allocated: nothing was before the first write.
    FirstGroup,
    /// The directory named a table.
    Table {
        /// Place in the directory, the top bits of the hash.
        place: usize,
        /// The table's index in [`crate::swiss::Storage::Tables`].
        table: u32,
    },
    /// Probing looked at a group.
    Probed {
        /// The group's number in its table.
        group: usize,
        /// Whether it has an empty slot, where probing ends.
        ends: bool,
    },
    /// The key was found in a slot.
    Found {
        /// The group, 0 of a small map.
        group: usize,
        /// The slot.
        slot: usize,
    },
    /// A new entry was written to a slot.
    Inserted {
        /// The group, 0 of a small map.
        group: usize,
        /// The slot.
        slot: usize,
        /// Whether the slot was a tombstone.
        tombstone: bool,
    },
    /// An entry was taken out of a slot.
    Removed {
        /// The group, 0 of a small map.
        group: usize,
        /// The slot.
        slot: usize,
        /// Whether it left a tombstone.
        tombstone: bool,
    },
    /// A full small map became a table.
    BecameTable {
        /// Slots of the table.
        capacity: u64,
    },
    /// `pruneTombstones`, before a table grows: how many slots it won back.
    Pruned {
        /// Tombstones before.
        tombstones: u16,
        /// Tombstones that are empty slots now.
        freed: u16,
    },
    /// A table without room was replaced by one twice as large.
    TableGrew {
        /// The table's first place in the directory.
        index: i64,
        /// Entries that moved.
        used: u16,
        /// Tombstones that are gone with the old table.
        tombstones: u16,
        /// Slots before.
        from: u64,
    },
    /// A table of the largest size was split in two.
    TableSplit {
        /// The old table's first place in the directory, before the directory doubled.
        index: i64,
        /// Entries in the left one.
        left: u16,
        /// Entries in the right one.
        right: u16,
    },
    /// The directory became twice as long.
    DirectoryDoubled {
        /// Places in it now.
        len: usize,
    },
    /// The map has become empty, so its hash seed was drawn anew.
    Reseeded,
}
