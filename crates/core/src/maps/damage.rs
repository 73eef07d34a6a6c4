//! What can be wrong with a map, each in one sentence.

use std::fmt;

/// Where in a map something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A bucket of a classic map.
    Bucket {
        /// Whether it is one of the old buckets of a growth under way.
        old: bool,
        /// Its number.
        index: u64,
        /// How many buckets of its chain lie before it.
        overflow: u64,
    },
    /// The only group of a small Swiss map.
    SmallGroup,
    /// A group of a Swiss map.
    Group {
        /// First place of the table in the directory.
        table: u64,
        /// The number of the group in its table.
        group: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket {
                old,
                index,
                overflow,
            } => {
                let old = if *old { "old " } else { "" };
                write!(f, "{old}bucket {index}")?;
                if *overflow > 0 {
                    write!(f, ", overflow bucket {overflow}")?;
                }
                Ok(())
            }
            Self::SmallGroup => f.write_str("the group"),
            Self::Group { table, group } => write!(f, "table {table}, group {group}"),
        }
    }
}

/// A slot of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotAt {
    /// Its bucket or group.
    pub place: Place,
    /// Its number there, 0 to 7.
    pub slot: usize,
}

impl fmt::Display for SlotAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, slot {}", self.place, self.slot)
    }
}

/// Something in a map that the runtime would never leave there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A part of the map can't be read.
    Unreadable {
        /// Which part.
        what: String,
        /// Where it should be.
        address: u64,
    },
    /// A number in the header contradicts another or common sense.
    Header(String),
    /// The directory's entry is not what its neighbours and the table say.
    Directory {
        /// Which entry.
        index: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A number of a table contradicts another.
    Table {
        /// First place of the table in the directory.
        table: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The chain of a bucket comes back to a bucket that is in a chain already.
    Cycle {
        /// The last bucket before it does.
        place: Place,
        /// The bucket that it comes back to.
        address: u64,
    },
    /// The header's count is not the number of entries.
    Count {
        /// What the header says.
        stored: u64,
        /// How many full slots there are.
        counted: u64,
    },
    /// A table's count is not the number of its entries.
    TableCount {
        /// First place of the table in the directory.
        table: u64,
        /// What the table says.
        stored: u64,
        /// How many full slots there are.
        counted: u64,
    },
    /// A table's room for insertions is not what its slots leave.
    GrowthLeft {
        /// First place of the table in the directory.
        table: u64,
        /// What the table says.
        stored: u64,
        /// What its slots leave.
        expected: i64,
    },
    /// A control byte that means nothing.
    Control {
        /// Where.
        at: SlotAt,
        /// The byte.
        byte: u8,
    },
    /// A slot marked as moved to other buckets, in a bucket that is not old.
    Moved {
        /// Where.
        at: SlotAt,
    },
    /// A full slot behind the mark that there are no more.
    BehindEnd {
        /// Where.
        at: SlotAt,
    },
    /// The byte that is kept of a key's hash is not that of its hash.
    HashByte {
        /// Where.
        at: SlotAt,
        /// The key.
        key: String,
        /// The byte that is kept.
        stored: u8,
        /// The byte of the hash.
        expected: u8,
    },
    /// An entry that look-ups do not reach.
    Misplaced {
        /// Where it is.
        at: SlotAt,
        /// The key.
        key: String,
        /// Where it belongs.
        belongs: Place,
    },
    /// An entry in the right table, behind a group with room: look-ups end there.
    Unreachable {
        /// Where it is.
        at: SlotAt,
        /// The key.
        key: String,
        /// The group where look-ups end.
        end: Place,
    },
    /// The same key twice.
    Duplicate {
        /// The first.
        first: SlotAt,
        /// The second.
        second: SlotAt,
        /// The key.
        key: String,
    },
    /// A new bucket has entries though the old one that fills it has not been evacuated.
    NotEvacuated {
        /// The number of the old bucket.
        old: u64,
        /// The number of the new bucket.
        new: u64,
    },
    /// A key refers to memory that can't be read.
    Key {
        /// Where.
        at: SlotAt,
        /// Why.
        problem: String,
    },
}

impl Damage {
    /// Whether it only says that something is missing from the dump.
    #[must_use]
    pub fn is_gap(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }

    /// What sort of damage it is, alike for all maps and runs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::Header(_) => "header",
            Self::Directory { .. } => "directory",
            Self::Table { .. } => "table",
            Self::Cycle { .. } => "cycle",
            Self::Count { .. } => "count",
            Self::TableCount { .. } => "table count",
            Self::GrowthLeft { .. } => "growth left",
            Self::Control { .. } => "control byte",
            Self::Moved { .. } => "moved",
            Self::BehindEnd { .. } => "behind end",
            Self::HashByte { .. } => "hash byte",
            Self::Misplaced { .. } => "misplaced",
            Self::Unreachable { .. } => "unreachable",
            Self::Duplicate { .. } => "duplicate",
            Self::NotEvacuated { .. } => "not evacuated",
            Self::Key { .. } => "key",
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { what, address } => {
                write!(f, "{what} at {address:#x} can't be read")
            }
            Self::Header(problem) => f.write_str(problem),
            Self::Directory { index, problem } => write!(f, "directory entry {index} {problem}"),
            Self::Table { table, problem } => write!(f, "table {table} {problem}"),
            Self::Cycle { place, address } => write!(
                f,
                "the overflow pointer of {place} leads back to the bucket at {address:#x}"
            ),
            Self::Count { stored, counted } => write!(
                f,
                "the header counts {}, but {} there",
                entries(*stored),
                are(*counted)
            ),
            Self::TableCount {
                table,
                stored,
                counted,
            } => write!(
                f,
                "table {table} counts {}, but {} there",
                entries(*stored),
                are(*counted)
            ),
            Self::GrowthLeft {
                table,
                stored,
                expected,
            } => write!(
                f,
                "table {table} has growthLeft {stored}, but its slots leave room for {expected}"
            ),
            Self::Control { at, byte } => {
                write!(
                    f,
                    "{at} has the control byte {byte:#04x}, which means nothing"
                )
            }
            Self::Moved { at } => write!(
                f,
                "{at} is marked as evacuated, though its bucket is not an old one"
            ),
            Self::BehindEnd { at } => write!(
                f,
                "{at} is full, but look-ups end before it at a slot marked emptyRest"
            ),
            Self::HashByte {
                at,
                key,
                stored,
                expected,
            } => write!(
                f,
                "{at} keeps {stored:#04x} of the hash of {key}, which is {expected:#04x}: look-ups \
                 miss it"
            ),
            Self::Misplaced { at, key, belongs } => {
                write!(
                    f,
                    "{key} is in {at}, but belongs into {belongs}: look-ups miss it"
                )
            }
            Self::Unreachable { at, key, end } => write!(
                f,
                "{key} is in {at}, but look-ups end before it in {end}, which has an empty slot"
            ),
            Self::Duplicate { first, second, key } => {
                write!(f, "{key} is there twice, in {first} and in {second}")
            }
            Self::NotEvacuated { old, new } => write!(
                f,
                "bucket {new} has entries, but old bucket {old} that fills it is not evacuated"
            ),
            Self::Key { at, problem } => write!(f, "the key in {at} has no hash: {problem}"),
        }
    }
}

fn entries(n: u64) -> String {
    match n {
        1 => "1 entry".to_owned(),
        _ => format!("{n} entries"),
    }
}

fn are(n: u64) -> String {
    match n {
        1 => "1 is".to_owned(),
        _ => format!("{n} are"),
    }
}
