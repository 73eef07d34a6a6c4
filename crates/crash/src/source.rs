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
}

/// Something that a line does with a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The operation.
    pub operation: Operation,
    /// The map in the words of the source: `c.items`.
    pub map: String,
    /// Where.
    pub place: Place,
    /// Whether what a look-up gives is dereferenced at once, or was by the line that failed.
    pub dereferenced: bool,
}

/// Finds calls in the source; none for those that can't be found.
pub type Find<'a> = &'a dyn Fn(&Frame) -> Option<Spot>;

/// Makes a verdict more exact by what the source does at its lines.
pub fn refine(verdict: &mut Verdict, crash: &Crash, find: Find<'_>) {
    if let Some(side) = &mut verdict.failed {
        let spot = frame(crash, side).and_then(find);
        if let Some(spot) = spot {
            if verdict.class == Class::NilDereference && spot.uses.iter().any(|u| u.dereferenced) {
                verdict.class = Class::NilMapElement;
            }
            narrow(side, &spot);
        }
    }
    let class = verdict.class;
    for other in &mut verdict.others {
        if let Some(spot) = frame(crash, &other.side).and_then(find) {
            narrow(&mut other.side, &spot);
            let writes = other.side.known == Some(Known::Source)
                && other.side.operations.iter().any(|op| op.writes());
            if writes && class.is_concurrent() {
                other.score += 50;
                other.reasons.push("its line changes a map".to_owned());
            }
        }
    }
    verdict
        .others
        .sort_by_key(|other| std::cmp::Reverse(other.score));
    verdict.conflict = conflict(verdict);
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
    let mut fitting: Vec<Operation> = spot.uses.iter().map(|u| u.operation).collect();
    if !side.operations.is_empty() {
        fitting.retain(|op| side.operations.contains(op));
    }
    fitting.dedup();
    if !fitting.is_empty() {
        side.operations = fitting;
        side.known = Some(Known::Source);
    }
}
