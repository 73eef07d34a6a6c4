//! Samples charged to lines of the program, and classed by what a map wanted the memory for.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tophash_finding::Place;
use tophash_runtime::allocation::{self, Allocation, Cause};
use tophash_runtime::footprint::Part;
use tophash_runtime::frames;
use tophash_runtime::types::GoType;
use tophash_runtime::{Build, MapType};

use crate::model::{Frame, Profile, Sample, Usage};
use crate::shape::{Role, Shape, fit};

/// What the program's source says of a line.
#[derive(Clone, PartialEq, Debug)]
pub struct LineMap {
    /// The map that the line makes or writes to, as findings name it: `Cache.items`.
    pub name: String,
    /// What tells it from others of the same name: its package, its function if it is local.
    pub owner: String,
    /// Its type as written: `map[string]*Session`.
    pub type_name: String,
    /// Layouts of key and element; none if they depend on what can't be found.
    pub parts: Option<(Arc<GoType>, Arc<GoType>)>,
    /// If the element is a pointer: the layout of what it points to.
    pub target: Option<Arc<GoType>>,
    /// What the line does with it.
    pub role: Role,
    /// Whether it is a variable of this function.
    pub local: bool,
    /// The pool it was taken from in this function: `r.pool`.
    pub pool: Option<String>,
    /// The expression.
    pub place: Place,
}

/// Asks the source about a frame; none without a source, or if the line does nothing with a map.
pub type Locate<'a> = dyn Fn(&Frame<'_>) -> Option<Arc<LineMap>> + 'a;

/// How it is known what an allocation is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum By {
    /// The runtime's own functions are on the stack.
    Frames,
    /// The line writes to a map whose blocks have such sizes.
    Types,
    /// The line's blocks have the sizes of a map that grows.
    Sizes,
}

/// Allocations of one kind at a site.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Entry {
    /// What they are for.
    pub allocation: Allocation,
    /// How that is known.
    pub by: By,
    /// Bytes of each block.
    pub size: u64,
    /// All that were made.
    pub allocated: Usage,
    /// Those still alive.
    pub live: Usage,
}

/// A line of the program at which maps take memory.
#[derive(Clone, PartialEq, Debug)]
pub struct Site {
    /// The function's full name.
    pub function: String,
    /// Path of its file as the compiler saw it.
    pub file: String,
    /// The line.
    pub line: u32,
    /// The function of the standard library that it calls and that works on the map for it.
    pub through: Option<String>,
    /// What the source says of it.
    pub source: Option<Arc<LineMap>>,
    /// The layout of the map, or of one that takes the same room, if it is known.
    pub map_type: Option<MapType>,
    /// What its maps took, by kind and size.
    pub entries: Vec<Entry>,
}

/// A profile's sites.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Survey {
    /// Sites of maps, in the order of the profile.
    pub sites: Vec<Site>,
    /// All that the profile counts, maps and others.
    pub allocated: Usage,
    /// Of this what is alive.
    pub live: Usage,
    /// Whether stacks had the runtime's own frames, so that nothing had to be told by size.
    pub has_frames: bool,
}

/// A line that has not been classed yet.
#[derive(Default)]
struct Line {
    frame: (u32, u32),
    through: Option<u32>,
    classed: FxHashMap<(Allocation, u64), (Usage, Usage)>,
    /// By size, where the runtime's frames are not there.
    open: FxHashMap<u64, (Usage, Usage)>,
    /// Blocks of the classic map's `mapassign`, by size and address.
    assigned: FxHashMap<(u64, u64), (Usage, Usage)>,
}

/// What is known of a function.
#[derive(Clone, Copy, Default)]
struct Traits {
    runtime: bool,
    library: bool,
}

fn add(sum: &mut Usage, more: Usage) {
    sum.objects = sum.objects.saturating_add(more.objects);
    sum.bytes = sum.bytes.saturating_add(more.bytes);
}

/// Charges a heap profile's samples to lines and says which are maps'.
///
/// Where the runtime's frames are there, they say it. Where they are not, a line's blocks count
/// as a map's if the source says that the line works on a map whose blocks have such sizes;
/// without source, if the sizes are the series of a map that grows and of nothing else.
#[must_use]
pub fn survey(profile: &Profile, build: Build, locate: &Locate<'_>) -> Survey {
    let tables = &profile.tables;
    let traits: Vec<Traits> = (tables.functions.iter())
        .map(|function| {
            let name = tables.string(function.name);
            let runtime = frames::is_runtime(name);
            Traits {
                runtime,
                library: runtime || frames::is_standard(name),
            }
        })
        .collect();
    let mut survey = Survey::default();
    let mut index: FxHashMap<(u32, u32, Option<u32>), usize> = FxHashMap::default();
    let mut lines: Vec<Line> = Vec::new();
    let mut leaves: Vec<u64> = Vec::new();
    for sample in &profile.samples {
        let (allocated, live) = (sample.allocated(), sample.live());
        add(&mut survey.allocated, allocated);
        add(&mut survey.live, live);
        let Some(top) = top(profile, &traits, sample) else {
            continue;
        };
        let class = match top.hidden {
            true => None,
            false => {
                survey.has_frames |= top.runtime;
                let stack = profile.stack(sample).map(|f| f.function);
                let Some(class) = allocation::allocation(stack, sample.block_size) else {
                    continue;
                };
                Some(class)
            }
        };
        // Nothing that a library allocates for itself is told by size.
        if class.is_none() && top.through.is_some_and(|f| !works_on_maps(tables, f)) {
            continue;
        }
        let key = (top.frame.0, top.frame.1, top.through);
        let at = *index.entry(key).or_insert_with(|| {
            lines.push(Line {
                frame: top.frame,
                through: top.through,
                ..Line::default()
            });
            lines.len() - 1
        });
        let Some(line) = lines.get_mut(at) else {
            continue;
        };
        let place = match class {
            None => line.open.entry(sample.block_size).or_default(),
            Some(class) if is_ambiguous(class, sample.block_size) => {
                let leaf = assign_address(profile, sample);
                leaves.push(leaf);
                line.assigned.entry((sample.block_size, leaf)).or_default()
            }
            Some(class) => line.classed.entry((class, sample.block_size)).or_default(),
        };
        add(&mut place.0, allocated);
        add(&mut place.1, live);
    }
    leaves.sort_unstable();
    leaves.dedup();
    // Where the profile has stacks of a map at all, what has none is no map.
    for line in lines {
        survey
            .sites
            .extend(site(profile, build, line, &leaves, locate));
    }
    survey
}

/// The top of a stack.
struct Top {
    /// Index of the function charged, and the line.
    frame: (u32, u32),
    /// The outermost library function called there.
    through: Option<u32>,
    /// Whether the runtime's frames are left out or have no names.
    hidden: bool,
    /// Whether any is there.
    runtime: bool,
}

fn top(profile: &Profile, traits: &[Traits], sample: &Sample) -> Option<Top> {
    let tables = &profile.tables;
    let range = sample.stack.start as usize..sample.stack.end as usize;
    let mut top = Top {
        frame: (0, 0),
        through: None,
        hidden: true,
        runtime: false,
    };
    let mut fallback = None;
    // Text names the runtime's frames of stacks that have no others, and so `mallocgc` in the
    // rest, where nothing between it and the program has a name.
    let mut gap = false;
    for &location in tables.stacks.get(range)? {
        let location = tables.locations.get(location as usize)?;
        gap |= location.lines.is_empty();
        for line in location.lines.clone() {
            let line = tables.lines.get(line as usize)?;
            let traits = traits.get(line.function as usize)?;
            if traits.runtime && fallback.is_none() {
                top.runtime = true;
                continue;
            }
            top.hidden &= !top.runtime || gap;
            fallback.get_or_insert((line.function, line.line));
            if !traits.library {
                top.frame = (line.function, line.line);
                return Some(top);
            }
            top.through = Some(line.function);
        }
    }
    top.frame = fallback?;
    top.through = None;
    Some(top)
}

/// Whether a library function does a map's work for its caller, so that what is allocated below
/// it may be the map's.
fn works_on_maps(tables: &crate::model::Tables, function: u32) -> bool {
    let function = tables.functions.get(function as usize);
    let name = function.map_or("", |f| tables.string(f.name));
    frames::map_frame(name).is_some() || frames::changes(name).is_some()
}

/// The classic map's general assign allocates first buckets and boxes; only addresses tell.
fn is_ambiguous(class: Allocation, size: u64) -> bool {
    class.cause == Cause::FirstInsert && class.part == Some(Part::Buckets) && size > 128
}

/// The address in `runtime.mapassign` that allocates; 0 if it's a faster variant's.
fn assign_address(profile: &Profile, sample: &Sample) -> u64 {
    let mut stack = profile.stack(sample);
    let assign = stack.find(|frame| frame.function == "runtime.mapassign");
    assign.map_or(0, |frame| frame.address)
}

fn site(
    profile: &Profile,
    build: Build,
    line: Line,
    leaves: &[u64],
    locate: &Locate<'_>,
) -> Option<Site> {
    let tables = &profile.tables;
    let function = tables.functions.get(line.frame.0 as usize)?;
    let frame = Frame {
        function: tables.string(function.name),
        file: tables.string(function.file),
        line: line.frame.1,
        address: 0,
    };
    let through = line.through.and_then(|f| tables.functions.get(f as usize));
    let mut site = Site {
        function: frame.function.to_owned(),
        file: frame.file.to_owned(),
        line: frame.line,
        through: through.map(|f| tables.string(f.name).to_owned()),
        source: None,
        map_type: None,
        entries: Vec::new(),
    };
    let has_frames = !line.classed.is_empty() || !line.assigned.is_empty();
    let mut classed = line.classed;
    // In the order of the code: the first bucket, then keys, then elements.
    let first = leaves.iter().copied().find(|&leaf| leaf != 0);
    for ((size, leaf), (allocated, live)) in line.assigned {
        let boxed = leaf != 0 && leaves.len() > 1 && Some(leaf) != first;
        let class = match boxed {
            true => Allocation {
                cause: Cause::Boxed,
                part: None,
            },
            false => Allocation {
                cause: Cause::FirstInsert,
                part: Some(Part::Buckets),
            },
        };
        let place = classed.entry((class, size)).or_default();
        add(&mut place.0, allocated);
        add(&mut place.1, live);
    }
    if !has_frames && line.open.len() == 1 && line.open.contains_key(&0) {
        return None;
    }
    site.source = locate(&frame);
    let mut shape = site.source.as_ref().and_then(|source| {
        let (key, elem) = source.parts.clone()?;
        Some(Shape::new(MapType::new(build, key, elem)?))
    });
    if has_frames {
        for ((allocation, size), (allocated, live)) in classed {
            site.entries.push(Entry {
                allocation,
                by: By::Frames,
                size,
                allocated,
                live,
            });
        }
    } else {
        let (by, role) = match (&site.source, &shape) {
            (Some(source), Some(_)) => (By::Types, source.role),
            // The source says that no map is written to here, or has not this line.
            _ => {
                let blocks: Vec<(u64, Usage)> =
                    line.open.iter().map(|(size, u)| (*size, u.0)).collect();
                shape = fit(build, &blocks);
                (By::Sizes, Role::Any)
            }
        };
        let shape = shape.as_ref()?;
        // A bucket that overflows looks like a first one; where a map has grown it is most of them.
        let grown = line.open.keys().any(|&size| {
            let class = shape.allocation(size, role);
            class.is_some_and(|c| c.cause == Cause::Growth && c.part == Some(Part::Buckets))
        });
        for (size, (allocated, live)) in line.open {
            let Some(mut allocation) = shape.allocation(size, role) else {
                continue;
            };
            if grown && allocation.cause == Cause::FirstInsert && allocated.objects > 1 {
                allocation = Allocation {
                    cause: Cause::Overflow,
                    part: Some(Part::Overflow),
                };
            }
            site.entries.push(Entry {
                allocation,
                by,
                size,
                allocated,
                live,
            });
        }
    }
    if site.entries.is_empty() {
        return None;
    }
    site.entries
        .sort_by_key(|entry| (entry.allocation, entry.size));
    site.map_type = shape.map(|shape| shape.map_type);
    Some(site)
}
