//! What the source at a line says of the map used there.

use tophash_finding::Place;
use tophash_runtime::frames::Operation;

use crate::model::{Crash, Frame};
use crate::verdict::{Class, Known, Side, Verdict, conflict};

/// A call found in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The line, or what of it uses a map.
    pub place: Place,
    /// What the line does with maps, in the order in which it does it.
    pub uses: Vec<Use>,
    /// Whether the line takes something of the method's receiver, which its caller may have given
    /// as nil.
    pub of_receiver: bool,
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
    /// Whether something is taken of what a look-up gave, which fails if that is nil.
    pub dereferenced: bool,
    /// Where the look-up was, if it is not in the same place.
    pub taken: Option<Place>,
    /// Whether the line only passes the map to a function, so that the operation is that
    /// function's.
    pub passed: bool,
}

/// Finds calls in the source; none for those that can't be found.
pub type Find<'a> = &'a dyn Fn(&Frame) -> Option<Spot>;

/// Makes a verdict more exact by what the source does at its lines.
pub fn refine(verdict: &mut Verdict, crash: &Crash, find: Find<'_>) {
    if let Some(side) = &mut verdict.failed {
        if verdict.class == Class::NilDereference && from_map(side, crash, find) {
            verdict.class = Class::NilMapElement;
        }
        if let Some(spot) = frame(crash, side).and_then(find) {
            narrow(side, &spot);
        }
    }
    let class = verdict.class;
    let met_by_reader = class.is_concurrent()
        && verdict.failed.as_ref().is_some_and(|side| {
            !side.operations.is_empty() && side.operations.iter().all(|op| !op.writes())
        });
    for other in &mut verdict.others {
        if let Some(spot) = frame(crash, &other.side).and_then(find) {
            narrow(&mut other.side, &spot);
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

/// Whether a nil pointer came from a map: at its line, or, if it is the receiver of a method, at
/// the line that calls it, which is then the one to look at.
fn from_map(side: &mut Side, crash: &Crash, find: Find<'_>) -> bool {
    const CALLS: usize = 3;
    let (Some(stack), Some(first)) = (crash.stacks.get(side.stack), side.frame) else {
        return false;
    };
    for at in first..first + CALLS {
        let Some(spot) = stack.frames.get(at).and_then(find) else {
            return false;
        };
        if spot.uses.iter().any(|u| u.dereferenced) {
            side.frame = Some(at);
            return true;
        }
        if !spot.of_receiver {
            return false;
        }
    }
    false
}

/// The frame to look at.
pub(crate) fn frame<'a>(crash: &'a Crash, side: &Side) -> Option<&'a Frame> {
    crash.stacks.get(side.stack)?.frames.get(side.frame?)
}

/// Takes the operation from the source where no frame shows it and the source does not
/// contradict the message.
fn narrow(side: &mut Side, spot: &Spot) {
    if side.known == Some(Known::Frame) {
        return;
    }
    let direct = spot.uses.iter().filter(|u| !u.passed);
    let mut fitting: Vec<Operation> = direct.map(|u| u.operation).collect();
    if !side.operations.is_empty() {
        fitting.retain(|op| side.operations.contains(op));
    }
    fitting.dedup();
    if !fitting.is_empty() {
        side.operations = fitting;
        side.known = Some(Known::Source);
    }
}
