//! What the runtime allocates for a map, told from the functions on top of a stack.
//!
//! Sources: runtime/map*.go of 1.21 to 1.25 (classic), internal/runtime/maps of 1.24 to 1.27
//! (Swiss). No function allocates one thing in one version and another in the next, so that no
//! version is asked for: the table's rows are what calls stand between `mallocgc` and the
//! program.

use crate::footprint::Part;
use crate::frames;

/// Why a map allocates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// It is made: its header, and what its hint asks for.
    Make,
    /// The first entry: a bucket or a group.
    FirstInsert,
    /// It has become too small, and its buckets or its only table are replaced by larger ones.
    Growth,
    /// A Swiss table of full size gives way to two.
    Split,
    /// The new place of entries that are moved out of old buckets has overflowed.
    Evacuation,
    /// A classic bucket has overflowed.
    Overflow,
    /// A key or an element above 128 bytes, held by pointer.
    Boxed,
    /// It is a copy of another.
    Clone,
}

impl Cause {
    /// All causes, in the order of a map's life.
    pub const ALL: [Self; 8] = [
        Self::Make,
        Self::FirstInsert,
        Self::Growth,
        Self::Split,
        Self::Evacuation,
        Self::Overflow,
        Self::Boxed,
        Self::Clone,
    ];

    /// A word or two for it: `first insert`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::FirstInsert => "first insert",
            Self::Growth => "growth",
            Self::Split => "split",
            Self::Evacuation => "evacuation",
            Self::Overflow => "overflow",
            Self::Boxed => "boxed key or element",
            Self::Clone => "clone",
        }
    }
}

/// An allocation for a map.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Allocation {
    /// Why it happens.
    pub cause: Cause,
    /// What it holds; none where the functions don't tell, as for keys and elements.
    pub part: Option<Part>,
}

/// Bytes of a header in every version, 56 in 1.24 and 1.25 with the classic map, come in blocks
/// of these sizes.
const HEADER_BLOCKS: [u64; 2] = [48, 64];

/// What the classic map's general assign allocates by itself is a bucket or a key or element
/// that is boxed: those are above this size.
const MAX_INLINE: u64 = crate::map_type::MAX_INLINE;

/// Which allocation of a map a stack stands for. `functions` are its functions, innermost first,
/// up to the first that is not of the runtime or more; `size` is the block's size in bytes, 0 if
/// not known. None if it's none for a map.
///
/// Of the classic map's `mapassign` a block above 128 bytes may be a first bucket or a boxed key
/// or element: it counts as boxed only if `size` can't be a bucket's, see [`may_be_bucket`].
#[must_use]
pub fn allocation<'f>(
    functions: impl IntoIterator<Item = &'f str>,
    size: u64,
) -> Option<Allocation> {
    let mut seen = Seen::default();
    for function in functions {
        if !frames::is_runtime(function) {
            break;
        }
        // A collection that an allocation starts allocates for itself.
        if function.starts_with("runtime.gc") {
            return None;
        }
        seen.add(function);
    }
    seen.allocation(size)
}

/// Whether a block may be a classic bucket: a tophash byte, a key and an element for each of
/// eight slots, and a pointer. No element is larger than 128 bytes there, and keys neither.
#[must_use]
pub fn may_be_bucket(size: u64) -> bool {
    size <= 2304
}

/// Which functions are on a stack.
#[derive(Default)]
struct Seen {
    make: bool,
    assign: bool,
    general_assign: bool,
    clone: bool,
    // Classic.
    buckets: bool,
    overflow: bool,
    overflow_list: bool,
    grow: bool,
    evacuate: bool,
    // Swiss.
    swiss: bool,
    small: bool,
    table: bool,
    groups: bool,
    split: bool,
    table_growth: bool,
    directory: bool,
}

impl Seen {
    fn add(&mut self, function: &str) {
        if let Some(name) = function.strip_prefix("internal/runtime/maps.") {
            self.swiss = true;
            match name {
                "NewMap" | "NewEmptyMap" => self.make = true,
                "newTable" => self.table = true,
                "(*table).reset" | "newGroups" => self.groups = true,
                "(*table).split" => self.split = true,
                "(*Map).installTableSplit" => {
                    self.split = true;
                    self.directory = true;
                }
                "(*table).grow" | "(*table).rehash" => self.table_growth = true,
                "(*Map).growToTable" => {
                    self.table_growth = true;
                    self.directory = true;
                }
                "(*Map).growToSmall" => self.small = true,
                "(*Map).Clone" | "(*table).clone" | "cloneGroup" => self.clone = true,
                "(*Map).PutSlot" | "(*Map).Put" | "(*table).PutSlot" => self.assign = true,
                _ if name.starts_with("(*Map).putSlotSmall")
                    || name.starts_with("(*table).uncheckedPutSlot")
                    || name.starts_with("runtime_mapassign") =>
                {
                    self.assign = true;
                }
                _ => {}
            }
            return;
        }
        let Some(name) = function.strip_prefix("runtime.") else {
            return;
        };
        match name {
            "makemap" | "makemap64" | "makemap_small" | "reflect_makemap" => self.make = true,
            "makeBucketArray" => self.buckets = true,
            "(*hmap).newoverflow" => self.overflow = true,
            "(*hmap).createOverflow" => self.overflow_list = true,
            "hashGrow" => self.grow = true,
            "mapclone" | "mapclone2" | "moveToBmap" => self.clone = true,
            "mapassign" => {
                self.assign = true;
                self.general_assign = true;
            }
            _ if name.starts_with("mapassign_fast") => self.assign = true,
            _ if name.starts_with("evacuate") || name.starts_with("growWork") => {
                self.evacuate = true;
            }
            // `append` to the list of overflow buckets.
            "growslice" if !self.overflow => self.overflow_list = true,
            _ => {}
        }
    }

    fn allocation(&self, size: u64) -> Option<Allocation> {
        let found = |cause, part| {
            Some(Allocation {
                cause,
                part: Some(part),
            })
        };
        if self.clone {
            let header = !self.groups && !self.buckets && HEADER_BLOCKS.contains(&size);
            return Some(Allocation {
                cause: Cause::Clone,
                part: header.then_some(Part::Header),
            });
        }
        if self.overflow {
            let cause = match self.evacuate {
                true => Cause::Evacuation,
                false => Cause::Overflow,
            };
            let part = match self.overflow_list {
                true => Part::OverflowList,
                false => Part::Overflow,
            };
            return found(cause, part);
        }
        if self.small {
            return found(Cause::FirstInsert, Part::SmallGroup);
        }
        let cause = if self.split {
            Cause::Split
        } else if self.table_growth || self.grow {
            Cause::Growth
        } else if self.make {
            Cause::Make
        } else if self.assign {
            return self.assigned(size);
        } else {
            return None;
        };
        let part = if self.groups {
            Part::Groups
        } else if self.table {
            Part::Tables
        } else if self.buckets {
            Part::Buckets
        } else if self.directory {
            Part::Directory
        } else if self.grow {
            Part::Extra
        } else if HEADER_BLOCKS.contains(&size) || size == 0 {
            Part::Header
        } else if self.swiss {
            Part::Directory
        } else {
            Part::Extra
        };
        found(cause, part)
    }

    /// What an assign allocates by itself: boxes, and the classic map's first bucket.
    fn assigned(&self, size: u64) -> Option<Allocation> {
        let boxed = Allocation {
            cause: Cause::Boxed,
            part: None,
        };
        let first = Allocation {
            cause: Cause::FirstInsert,
            part: Some(Part::Buckets),
        };
        if self.swiss {
            return Some(boxed);
        }
        // `append` to a list, which nothing but overflow buckets have.
        if self.overflow_list {
            return None;
        }
        match self.general_assign && size > MAX_INLINE && !may_be_bucket(size) {
            true => Some(boxed),
            false => Some(first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stack: &str, size: u64) -> Option<(Cause, Option<Part>)> {
        let found = allocation(stack.split(" < "), size)?;
        Some((found.cause, found.part))
    }

    /// Stacks as profiles of real programs have them.
    #[test]
    fn stacks_of_both_maps() {
        use Cause::*;
        const SWISS: &str = "internal/runtime/maps.(*table).rehash < runtime.mapassign_fast64";
        for (stack, size, cause, part) in [
            // 1.21 to 1.23.
            ("runtime.makemap_small", 48, Make, Some(Part::Header)),
            ("runtime.makemap", 48, Make, Some(Part::Header)),
            (
                "runtime.makeBucketArray < runtime.makemap",
                40960,
                Make,
                Some(Part::Buckets),
            ),
            (
                "runtime.makeBucketArray < runtime.hashGrow < runtime.mapassign",
                576,
                Growth,
                Some(Part::Buckets),
            ),
            (
                "runtime.hashGrow < runtime.mapassign_faststr",
                24,
                Growth,
                Some(Part::Extra),
            ),
            (
                "runtime.(*hmap).newoverflow < runtime.mapassign_fast64",
                144,
                Overflow,
                Some(Part::Overflow),
            ),
            (
                "runtime.(*hmap).newoverflow < runtime.evacuate_fast64 < runtime.growWork_fast64 < runtime.mapassign_fast64",
                144,
                Evacuation,
                Some(Part::Overflow),
            ),
            (
                "runtime.mapassign_faststr",
                208,
                FirstInsert,
                Some(Part::Buckets),
            ),
            ("runtime.mapassign", 4096, Boxed, None),
            // 1.24 to 1.26.
            (
                "internal/runtime/maps.newarray < internal/runtime/maps.newGroups < internal/runtime/maps.(*Map).growToSmall < runtime.mapassign_faststr",
                208,
                FirstInsert,
                Some(Part::SmallGroup),
            ),
            (
                &format!(
                    "internal/runtime/maps.newarray < internal/runtime/maps.(*table).reset < internal/runtime/maps.newTable < internal/runtime/maps.(*table).grow < {SWISS}"
                ),
                1152,
                Growth,
                Some(Part::Groups),
            ),
            (
                &format!(
                    "internal/runtime/maps.newTable < internal/runtime/maps.(*table).split < {SWISS}"
                ),
                32,
                Split,
                Some(Part::Tables),
            ),
            (
                &format!(
                    "internal/runtime/maps.(*Map).installTableSplit < internal/runtime/maps.(*table).split < {SWISS}"
                ),
                16,
                Split,
                Some(Part::Directory),
            ),
            (
                "internal/runtime/maps.newobject < internal/runtime/maps.(*Map).putSlotSmall < runtime.mapassign",
                208,
                Boxed,
                None,
            ),
            // 1.27.
            (
                "runtime.mallocgc < runtime.newobject < internal/runtime/maps.NewMap < runtime.makemap",
                48,
                Make,
                Some(Part::Header),
            ),
            (
                "runtime.mallocgc < runtime.makeslice < internal/runtime/maps.NewMap < runtime.makemap",
                16,
                Make,
                Some(Part::Directory),
            ),
            (
                "runtime.mallocgc < internal/runtime/maps.newobject < runtime.mapassign",
                208,
                Boxed,
                None,
            ),
        ] {
            assert_eq!(of(stack, size), Some((cause, part)), "{stack}");
        }
    }

    #[test]
    fn what_is_no_map() {
        for stack in [
            "",
            "main.main",
            "runtime.mallocgc < runtime.newobject < main.f",
            // The collector's own, begun by an allocation of a map.
            "runtime.mallocgc < runtime.newobject < runtime.gcBgMarkStartWorkers < runtime.gcStart < runtime.mallocgc < internal/runtime/maps.newarray < internal/runtime/maps.(*table).grow < runtime.mapassign",
            // A map of a caller.
            "runtime.growslice < main.f < runtime.mapassign",
        ] {
            assert_eq!(of(stack, 48), None, "{stack}");
        }
    }
}
