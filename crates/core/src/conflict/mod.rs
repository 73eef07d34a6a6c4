//! Which goroutines were inside an operation on one map.
//!
//! The verdict rests on where goroutines were stopped and on whose addresses lie in their frames.
//! The bit in a map's header that says "being written" is left aside: the runtime's own crash
//! stops the writer where its operation is over, so that in a core the bit is nearly always clear.

mod activity;
mod remnant;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use tophash_runtime::Race;
use tophash_runtime::frames::Operation;
use tophash_runtime::goroutine::Status;
use tophash_runtime::messages::{self, Damage, Message};

use crate::goroutines::{Goroutine, Goroutines, each_chunk};
use crate::heap::Heap;
use crate::image::Span;
use crate::program::{Call, Program};
use crate::reason::Reason;

use activity::words;
pub use activity::{Activity, Sign};
use remnant::remnant;

/// How goroutines met in a map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A look-up, or a clone, while another wrote.
    ReadDuringWrite,
    /// Both wrote.
    WriteDuringWrite,
    /// A range loop while another wrote.
    IterateDuringWrite,
    /// One of them was moving entries into a larger table.
    DuringResize,
}

impl Kind {
    /// Its name: `read-during-write`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::ReadDuringWrite => "read-during-write",
            Kind::WriteDuringWrite => "write-during-write",
            Kind::IterateDuringWrite => "iterate-during-write",
            Kind::DuringResize => "during-resize",
        }
    }
}

/// How sure it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Certainty {
    /// It could be, and nothing better is known.
    Possible,
    /// Most things speak for it.
    Likely,
    /// The memory proves it.
    Certain,
}

impl Certainty {
    /// One word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Certainty::Possible => "possible",
            Certainty::Likely => "likely",
            Certainty::Certain => "certain",
        }
    }
}

/// A goroutine's part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Side {
    /// Its number.
    pub goroutine: u64,
    /// What it was doing to the map, or had done if [`Sign::Call`] or [`Sign::Trace`] tells of it; none if it was
    /// stopped between operations.
    pub operation: Option<Operation>,
    /// Whether it was moving entries into a larger table.
    pub growing: bool,
    /// The runtime's function that does it.
    pub function: Option<String>,
    /// The program's own call.
    pub place: Option<Call>,
    /// Why the map is taken for the one it was working on; none if nothing tells.
    pub sign: Option<Sign>,
    /// How sure it is that it was the other side; of the first side, that it worked on this map.
    pub certainty: Certainty,
}

/// Goroutines that met in one map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conflict {
    /// What the runtime said, if it noticed.
    pub message: Option<String>,
    /// Address of the map's header; none if it can't be told.
    pub map: Option<u64>,
    /// How they met.
    pub kind: Kind,
    /// The goroutine that the runtime stopped at, or one of several.
    pub first: Side,
    /// The others, the surest first.
    pub others: Vec<Side>,
}

impl Conflict {
    /// How sure the whole is: as sure as the best other side.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        let best = self
            .others
            .first()
            .map_or(Certainty::Possible, |o| o.certainty);
        best.min(self.first.certainty)
    }
}

/// Other sides that are named when none is certain.
const CANDIDATES: usize = 5;

/// Bytes before an address in which a variable may begin that holds it.
const VARIABLE: u64 = 4096;

/// Finds all goroutines that were inside an operation on the same map, one of them writing.
/// `maps` are the addresses of all headers; `fits` tells whether a function of the runtime works
/// on maps of the type of the one at an address.
#[must_use]
pub fn conflicts(
    program: &Program<'_>,
    goroutines: &Goroutines,
    heap: &Heap<'_>,
    reason: &Reason,
    maps: &[u64],
    fits: &dyn Fn(u64, &str) -> bool,
) -> Vec<Conflict> {
    let known: FxHashSet<u64> = maps.iter().copied().collect();
    let mut active: Vec<(&Goroutine, Activity)> = goroutines
        .list
        .par_iter()
        .filter_map(|goroutine| {
            let activity = activity::activity(program, &known, goroutine)?;
            Some((goroutine, activity))
        })
        .collect();
    // A look-up that fails has lost its map's address by then; what holds the map is still there.
    for (_, activity) in active.iter_mut().filter(|(_, activity)| activity.failed) {
        if let Some(caller) = activity.caller.filter(|_| activity.maps.is_empty()) {
            let held = activity::held_maps(program, heap, &known, &caller);
            let fitting = held
                .into_iter()
                .filter(|map| fits(*map, &activity.function));
            activity.maps = fitting.map(|map| (map, Sign::Holder)).collect();
        }
    }
    let mut conflicts = Vec::new();
    let noticed = goroutines
        .faulting(program)
        .and_then(|goroutine| noticed(program, goroutines, heap, reason, goroutine, &active, fits));
    conflicts.extend(noticed);
    let told = conflicts.first().and_then(|conflict| conflict.map);
    conflicts.extend(caught(&active, told));
    conflicts
}

/// The race that the runtime's message tells of, if it does.
fn race(reason: &Reason) -> Option<Option<Race>> {
    match messages::read(reason.message.as_ref()?.text())? {
        Message::Race(race) => Some(Some(race)),
        Message::Damage(Damage::SmallMapFull | Damage::Invariant | Damage::BadMapState) => {
            Some(None)
        }
        // Memory that isn't there, inside of map code: another face of it.
        Message::BadPointer => Some(None),
        _ => None,
    }
}

/// The conflict that brought the process down.
fn noticed(
    program: &Program<'_>,
    goroutines: &Goroutines,
    heap: &Heap<'_>,
    reason: &Reason,
    goroutine: &Goroutine,
    active: &[(&Goroutine, Activity)],
    fits: &dyn Fn(u64, &str) -> bool,
) -> Option<Conflict> {
    let race = race(reason)?;
    let (_, activity) = active
        .iter()
        .find(|(other, activity)| other.id == goroutine.id && activity.failed)?;
    let others: Vec<_> = active
        .iter()
        .filter(|(other, _)| other.id != goroutine.id)
        .collect();
    let first_writes = activity.operation.writes();
    // Two look-ups do each other no harm.
    let may_meet = |other: &Activity| first_writes || other.operation.writes();

    // The map is the one that its own frames speak for most, and of several the one that another
    // goroutine was working on.
    let shared = |map: &u64| {
        let signs = others.iter().filter(|(_, other)| may_meet(other));
        signs
            .filter_map(|(_, other)| other.maps.get(map))
            .max()
            .copied()
    };
    let best = activity
        .maps
        .iter()
        .max_by_key(|(map, sign)| (**sign, shared(map), **map));
    let best = best
        .map(|(map, sign)| (*map, *sign))
        .or_else(|| Some((worked_on(&others, &may_meet)?, Sign::Holder)));
    let unrivalled = best.is_some_and(|(map, sign)| {
        let mut rivals = activity.maps.iter();
        !rivals.any(|(other, rival)| *other != map && *rival >= sign)
    });
    let first = Side {
        certainty: match best {
            Some((map, sign)) if sign >= Sign::MapFrame => {
                if unrivalled || shared(&map).is_some() {
                    Certainty::Certain
                } else {
                    Certainty::Likely
                }
            }
            Some((map, _)) if unrivalled && activity.maps.contains_key(&map) => Certainty::Likely,
            _ => Certainty::Possible,
        },
        ..side(
            goroutine,
            activity,
            best.and_then(|(map, _)| activity.maps.get(&map).copied()),
        )
    };
    let mut sides: Vec<Side> = Vec::new();
    if let Some((map, _)) = best {
        for (other, other_activity) in others.iter().filter(|(_, other)| may_meet(other)) {
            if let Some(sign) = other_activity.maps.get(&map) {
                sides.push(side(other, other_activity, Some(*sign)));
            }
        }
        if !sides
            .iter()
            .any(|side| side.certainty == Certainty::Certain)
        {
            let holders = holders(program, heap, map);
            sides.extend(between(
                program, goroutines, goroutine, map, &holders, &sides,
            ));
            if sides.is_empty() {
                let wanted = |operation: Operation, function: &str| {
                    // Making a map is no use of one that is there.
                    operation != Operation::Make
                        && (first_writes || operation.writes())
                        && fits(map, function)
                };
                sides = ended(program, goroutines, goroutine, map, &holders, &wanted);
            }
        }
        sides.sort_by_key(|side| {
            (
                std::cmp::Reverse((side.certainty, side.sign)),
                side.goroutine,
            )
        });
        let certain = sides
            .iter()
            .filter(|side| side.certainty == Certainty::Certain);
        let keep = match certain.count() {
            0 => CANDIDATES,
            count => count,
        };
        sides.truncate(keep);
    }
    let growing = activity.growing || sides.iter().any(|side| side.growing);
    Some(Conflict {
        message: reason
            .message
            .as_ref()
            .map(|message| message.text().to_owned()),
        map: best.map(|(map, _)| map),
        kind: kind(
            race,
            activity.operation,
            sides.first().and_then(|s| s.operation),
            growing,
        ),
        first,
        others: sides,
    })
}

/// The only map that others were working on: where the failing goroutine has lost the address,
/// it is the best guess.
fn worked_on(
    others: &[&(&Goroutine, Activity)],
    may_meet: &dyn Fn(&Activity) -> bool,
) -> Option<u64> {
    let mut maps = others
        .iter()
        .filter(|(_, other)| may_meet(other))
        .flat_map(|(_, other)| other.maps.iter())
        .filter(|(_, sign)| **sign >= Sign::MapFrame)
        .map(|(map, _)| *map);
    let first = maps.next()?;
    maps.all(|map| map == first).then_some(first)
}

fn kind(race: Option<Race>, first: Operation, second: Option<Operation>, growing: bool) -> Kind {
    if growing {
        return Kind::DuringResize;
    }
    match race {
        Some(Race::Writes) => Kind::WriteDuringWrite,
        Some(Race::ReadAndWrite | Race::CloneAndWrite) => Kind::ReadDuringWrite,
        Some(Race::IterationAndWrite) => Kind::IterateDuringWrite,
        None => {
            let all = [Some(first), second];
            let mut reads = all.iter().flatten().filter(|operation| !operation.writes());
            match reads.next() {
                None => Kind::WriteDuringWrite,
                Some(Operation::Iterate) => Kind::IterateDuringWrite,
                Some(_) => Kind::ReadDuringWrite,
            }
        }
    }
}

fn side(goroutine: &Goroutine, activity: &Activity, sign: Option<Sign>) -> Side {
    Side {
        goroutine: goroutine.id,
        operation: Some(activity.operation),
        growing: activity.growing,
        function: Some(activity.function.clone()),
        place: activity.place.clone(),
        sign,
        certainty: match sign {
            Some(Sign::MapFrame | Sign::Iterator | Sign::Argument) => Certainty::Certain,
            Some(Sign::Frame) => Certainty::Likely,
            Some(Sign::Trace | Sign::Call | Sign::Holder) | None => Certainty::Possible,
        },
    }
}

/// Goroutines that could run and are not inside an operation on a map, but have the map's address,
/// or that of what holds it, on their stacks: they were stopped between two operations.
fn between(
    program: &Program<'_>,
    goroutines: &Goroutines,
    faulting: &Goroutine,
    map: u64,
    holders: &[Span],
    sides: &[Side],
) -> Vec<Side> {
    let list = goroutines.list.par_iter();
    let mut found: Vec<Side> = list
        .filter_map(|goroutine| {
            let could_run = matches!(
                goroutine.status,
                Status::Runnable | Status::Running | Status::Preempted
            );
            let known = goroutine.id == faulting.id
                || sides.iter().any(|side| side.goroutine == goroutine.id);
            let first = goroutine.stack.frames.first()?;
            // Woken but not yet on: what it waited for kept it out of the map.
            let woken = first
                .function
                .is_some_and(|function| program.functions.name(function) == "runtime.gopark");
            if !could_run || known || woken || goroutine.is_system() {
                return None;
            }
            let (mut in_frame, mut by_holder) = (false, false);
            for word in words(program, first.sp, goroutine.bounds.end) {
                in_frame |= word == map;
                by_holder |= holders
                    .iter()
                    .any(|span| (span.start..span.end).contains(&word));
            }
            // The address of the map may be left of an earlier call; the pointer that the code
            // came by is in use.
            let sign = match (by_holder, in_frame) {
                (true, _) => Sign::Holder,
                (false, true) => Sign::Frame,
                (false, false) => return None,
            };
            Some(Side {
                goroutine: goroutine.id,
                operation: None,
                growing: false,
                function: None,
                place: activity::own_call(program, &goroutine.stack.frames),
                sign: Some(sign),
                certainty: Certainty::Possible,
            })
        })
        .collect();
    let by_holder = |side: &Side| side.sign == Some(Sign::Holder);
    if found.iter().any(by_holder) {
        found.retain(by_holder);
    }
    // The only one in the whole process that could have been it.
    if let [only] = found.as_mut_slice() {
        only.certainty = Certainty::Likely;
    }
    found
}

/// Goroutines whose last operation on the map was over when the process stopped. Nothing tells how
/// long, so that each is no more than possible.
fn ended(
    program: &Program<'_>,
    goroutines: &Goroutines,
    faulting: &Goroutine,
    map: u64,
    holders: &[Span],
    wanted: &dyn Fn(Operation, &str) -> bool,
) -> Vec<Side> {
    let list = goroutines.list.iter();
    list.filter(|goroutine| goroutine.id != faulting.id && !goroutine.is_system())
        .filter_map(|goroutine| {
            let left = remnant(program, goroutine, map, holders, wanted)?;
            Some(Side {
                goroutine: goroutine.id,
                operation: Some(left.operation),
                growing: false,
                function: Some(left.function),
                place: left.place,
                sign: Some(left.sign),
                certainty: Certainty::Possible,
            })
        })
        .collect()
}

/// The objects and variables that hold a pointer to a map.
fn holders(program: &Program<'_>, heap: &Heap<'_>, map: u64) -> Vec<Span> {
    let wanted = map.to_le_bytes();
    let mut places: Vec<u64> = heap
        .spans()
        .par_iter()
        .filter(|span| !span.noscan)
        .flat_map_iter(|span| {
            let mut places = Vec::new();
            let whole = Span {
                start: span.start,
                end: span.end(),
            };
            each_chunk(program, whole, 8, |address, bytes| {
                let words = bytes.chunks_exact(8).enumerate();
                places.extend(
                    words
                        .filter(|(_, word)| *word == wanted)
                        .map(|(index, _)| address + 8 * index as u64),
                );
                false
            });
            places
        })
        .collect();
    places.sort_unstable();
    places.dedup();
    let mut holders: Vec<Span> = places
        .iter()
        .filter_map(|place| heap.object(*place))
        .filter(|object| object.live)
        .map(|object| Span {
            start: object.address,
            end: object.address.saturating_add(object.usable),
        })
        .collect();
    let module = &program.module;
    for span in [module.data.span, module.bss.span] {
        each_chunk(program, span, 8, |address, bytes| {
            let words = bytes.chunks_exact(8).enumerate();
            for (index, _) in words.filter(|(_, word)| *word == wanted) {
                let place = address + 8 * index as u64;
                holders.push(variable(program, place));
            }
            false
        });
    }
    holders
}

/// The variable that an address lies in, by the symbol table; without one, what lies before it.
fn variable(program: &Program<'_>, place: u64) -> Span {
    let mut variables = program.variables();
    let known = variables.find(|(_, start, size)| place.wrapping_sub(*start) < *size);
    match known {
        Some((_, start, size)) => Span {
            start,
            end: start.saturating_add(size),
        },
        None => Span {
            start: place.saturating_sub(VARIABLE),
            end: place.saturating_add(8),
        },
    }
}

/// Conflicts that the runtime has not noticed: two goroutines inside operations on one map, one
/// of them writing.
fn caught(active: &[(&Goroutine, Activity)], told: Option<u64>) -> Vec<Conflict> {
    let mut by_map: FxHashMap<u64, Vec<Side>> = FxHashMap::default();
    for (goroutine, activity) in active {
        for (map, sign) in &activity.maps {
            let best = activity.maps.values().max();
            if *sign >= Sign::MapFrame && Some(sign) == best && Some(*map) != told {
                let side = side(goroutine, activity, Some(*sign));
                by_map.entry(*map).or_default().push(side);
            }
        }
    }
    let mut conflicts: Vec<Conflict> = by_map
        .into_iter()
        .filter_map(|(map, mut sides)| {
            let writes = |side: &Side| side.operation.is_some_and(Operation::writes);
            sides.sort_by_key(|side| (!writes(side), side.goroutine));
            let first = sides.first()?.clone();
            let others = sides.get(1..)?.to_vec();
            if !writes(&first) || others.is_empty() {
                return None;
            }
            let growing = sides.iter().any(|side| side.growing);
            let second = others.first()?.operation;
            Some(Conflict {
                message: None,
                map: Some(map),
                kind: kind(None, first.operation?, second, growing),
                first,
                others,
            })
        })
        .collect();
    conflicts.sort_by_key(|conflict| conflict.map);
    conflicts
}
