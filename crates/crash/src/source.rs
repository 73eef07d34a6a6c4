//! What the source at a line says of the map used there.

use std::ops::Range;

use tophash_finding::Place;
use tophash_runtime::frames::Operation;

use crate::model::{Crash, Frame, Stack};
use crate::verdict::{Class, Known, Side, Verdict, conflict};

/// A call found in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The line, or what of it uses a map.
    pub place: Place,
    /// What the line does with maps, in the order in which it does it.
    pub uses: Vec<Use>,
}

/// Something that a line does with a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The operation.
    pub operation: Operation,
    /// The map in the words of the source: `c.items`.
    pub map: String,
    /// The map as findings name it: `Cache.items`.
    pub name: String,
    /// Where.
    pub place: Place,
    /// Whether the line only passes the map to a function, so that the operation is that
    /// function's.
    pub passed: bool,
}

/// A pointer, function or interface that a line uses in a way that fails if it is nil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// In the words of the source: `b.byID[id].Owner`.
    pub text: String,
    /// Where it is used.
    pub place: Place,
    /// Which addresses are touched if it is nil; none if that is not known.
    pub touches: Option<Range<u64>>,
    /// What it is.
    pub origin: Origin,
    /// The method whose receiver it only becomes: what fails is the method.
    pub method: Option<String>,
}

/// Where a pointer comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is an element of a map.
    Element(Use),
    /// It was taken of an element of a map on the same line: `m[k].Owner`.
    BehindElement,
    /// It is the receiver of the method at hand.
    Receiver,
    /// Anything else.
    Other,
}

/// What was nil, as far as the source and the address tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nil {
    /// An element of a map, got by this use of it.
    Element(Use),
    /// These, in the words of the source, of which one was: not an element of a map alone.
    OneOf(Vec<String>),
}

/// Looks into the source.
pub trait Lookup {
    /// The call at a frame; none if it can't be found.
    fn spot(&self, frame: &Frame) -> Option<Spot>;

    /// What the line of a frame would fail with if it was nil, in source order; none if it can't
    /// be found.
    fn pointers(&self, frame: &Frame) -> Option<Vec<Pointer>>;
}

/// Without `--src` there is nothing to look into.
pub struct NoSource;

impl Lookup for NoSource {
    fn spot(&self, _: &Frame) -> Option<Spot> {
        None
    }

    fn pointers(&self, _: &Frame) -> Option<Vec<Pointer>> {
        None
    }
}

/// Makes a verdict more exact by what the source does at its lines.
pub fn refine(verdict: &mut Verdict, crash: &Crash, source: &dyn Lookup) {
    if let Some(side) = &mut verdict.failed {
        if verdict.class == Class::NilDereference {
            verdict.nil = nil(side, crash, source);
            if let Some(Nil::Element(map_use)) = &verdict.nil {
                verdict.class = Class::NilMapElement;
                side.operations = vec![map_use.operation];
                side.known = Some(Known::Source);
            }
        }
        if !verdict.quoted
            && let Some(spot) = frame(crash, side).and_then(|f| source.spot(f))
        {
            narrow(side, &spot, verdict.class);
        }
    }
    let class = verdict.class;
    let met_by_reader = class.is_concurrent()
        && verdict.failed.as_ref().is_some_and(|side| {
            !side.operations.is_empty() && side.operations.iter().all(|op| !op.writes())
        });
    for other in &mut verdict.others {
        if let Some(spot) = frame(crash, &other.side).and_then(|f| source.spot(f)) {
            narrow(&mut other.side, &spot, class);
            let writes = other.side.known == Some(Known::Source)
                && other.side.operations.iter().any(|op| op.writes());
            if writes && class.is_concurrent() {
                other.score += 50;
                other.reasons.push("its line changes a map".to_owned());
            } else if met_by_reader && only_reads(&spot) && other.side.known != Some(Known::Frame) {
                other.score /= 4;
                other.side.operations = spot.uses.iter().map(|u| u.operation).collect();
                other.side.operations.dedup();
                other.side.known = Some(Known::Source);
                other.reasons.push("but its line changes no map".to_owned());
            }
        }
    }
    verdict
        .others
        .sort_by_key(|other| std::cmp::Reverse(other.score));
    verdict.conflict = conflict(verdict);
}

/// Whether a line uses maps and changes none.
fn only_reads(spot: &Spot) -> bool {
    let reads = |u: &Use| !u.passed && !u.operation.writes();
    !spot.uses.is_empty() && spot.uses.iter().all(reads)
}

/// What was nil at the line that failed, or, if that is the receiver of a method, at the line that
/// calls it, which is then the one to look at.
fn nil(side: &mut Side, crash: &Crash, source: &dyn Lookup) -> Option<Nil> {
    const CALLS: usize = 3;
    let stack = crash.stacks.get(side.stack)?;
    let first = side.frame?;
    let address = crash.signal.as_ref().and_then(|s| s.address);
    let mut callee: Option<&Frame> = None;
    let mut of_receiver = None;
    for at in first..first + CALLS {
        let Some(frame) = stack.frames.get(at) else {
            break;
        };
        let Some(mut pointers) = source.pointers(frame) else {
            break;
        };
        match callee {
            None => pointers.retain(|p| p.method.is_none()),
            // The address is that of what the callee took.
            Some(callee) => pointers.retain(|p| {
                let last = callee.function.rsplit('.').next();
                p.method.is_some() && p.method.as_deref() == last
            }),
        }
        let touched = address.filter(|_| callee.is_none());
        if callee.is_none()
            && let Some(word) = receiver(stack, at)
        {
            // Printed and sure: the receiver is nil, or it isn't.
            let only = word == 0 && pointers.iter().any(|p| p.origin == Origin::Receiver);
            pointers.retain(|p| (p.origin == Origin::Receiver) == only);
        }
        let found = match blame(&pointers, touched) {
            Blame::Caller => {
                let text = || pointers.first().map(|p| p.text.clone());
                of_receiver = of_receiver.or_else(text);
                callee = Some(frame);
                continue;
            }
            Blame::Unknown => break,
            Blame::Found(nil) => nil,
        };
        if callee.is_none() || matches!(found, Nil::Element(_)) {
            side.frame = Some(at);
            return Some(found);
        }
        break;
    }
    of_receiver.map(|text| Nil::OneOf(vec![text]))
}

enum Blame {
    Found(Nil),
    /// The receiver, which the caller gave.
    Caller,
    Unknown,
}

/// Which of a line's pointers was nil, by the address that was touched.
fn blame(pointers: &[Pointer], address: Option<u64>) -> Blame {
    let fits = |p: &&Pointer| match (address, &p.touches) {
        (Some(address), Some(touches)) => touches.contains(&address),
        _ => true,
    };
    let mut suspects: Vec<&Pointer> = pointers.iter().filter(fits).collect();
    if suspects.is_empty() && address == Some(0) {
        // Without optimisation pointers are tried at address 0 before they are used.
        suspects = pointers.iter().collect();
    }
    let behind = |p: &&Pointer| p.origin == Origin::BehindElement;
    let receiver = |p: &&Pointer| p.origin == Origin::Receiver;
    let element = suspects.iter().find_map(|p| match &p.origin {
        Origin::Element(map_use) => Some(map_use),
        _ => None,
    });
    match element {
        Some(element) if !suspects.iter().any(behind) => {
            Blame::Found(Nil::Element(element.clone()))
        }
        None if suspects.is_empty() => Blame::Unknown,
        None if suspects.iter().all(receiver) => Blame::Caller,
        _ => {
            let mut texts: Vec<String> = suspects.iter().map(|p| p.text.clone()).collect();
            texts.dedup();
            Blame::Found(Nil::OneOf(texts))
        }
    }
}

/// The first word that a function was given, if Go printed it and is sure of it.
fn receiver(stack: &Stack, frame: usize) -> Option<u64> {
    let word = stack.members.first()?.args.get(frame)?.0.first()?;
    word.value.filter(|_| !word.stale)
}

/// The frame to look at.
pub(crate) fn frame<'a>(crash: &'a Crash, side: &Side) -> Option<&'a Frame> {
    crash.stacks.get(side.stack)?.frames.get(side.frame?)
}

/// Takes the operation from the source where no frame shows it and the source does not
/// contradict the message.
fn narrow(side: &mut Side, spot: &Spot, class: Class) {
    let decided =
        side.only_called || side.known == Some(Known::Frame) || class == Class::NilMapElement;
    if decided {
        return;
    }
    let direct = spot.uses.iter().filter(|u| !u.passed);
    let operation = |u: &Use| match u.operation {
        // What fails in the making of a map is the assignment of its entries.
        Operation::Make if class == Class::UnhashableKey => Some(Operation::Assign),
        Operation::Make => None,
        operation => Some(operation),
    };
    let mut fitting: Vec<Operation> = direct.filter_map(operation).collect();
    if !side.operations.is_empty() {
        fitting.retain(|op| side.operations.contains(op));
    }
    fitting.dedup();
    if !fitting.is_empty() {
        side.operations = fitting;
        side.known = Some(Known::Source);
    }
}
