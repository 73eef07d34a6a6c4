//! Captured maps that one closure sets to nil and another one writes, where both are handed
//! to one call: it may run the one that empties the map, and then the other.
//!
//! A function that repeats what it does is given such pairs: `retry(work, reset)`.

use crate::engine::NilWrite;
use crate::names;
use crate::origin::{Loc, Origin, OriginKind};
use crate::state::Weak;
use crate::unit::UnitAnalysis;
use crate::worker::Worker;
use tophash_flow::{
    Callee, Cond, FnId, Function, Op, Operand, PlaceId, PlaceKind, Terminator, Unit, Value, VarId,
};
use tophash_syntax::Span;

/// The writes to such maps in a unit whose functions were analysed.
pub(crate) fn nilled_by_sibling(worker: &mut Worker, analysis: &UnitAnalysis) -> Vec<NilWrite> {
    let unit = &*analysis.unit;
    let pairs = pairs(unit);
    let mut found = Vec::new();
    if pairs.is_empty() {
        return found;
    }
    for write in analysis.bare() {
        let PlaceKind::Var(var) = unit.places.get(write.map).kind else {
            continue;
        };
        let owner = unit.var(var).owner;
        if owner == write.func {
            continue;
        }
        let writer = unit.function(write.func);
        if assignments(writer, unit, var).next().is_some() || is_tested(writer, unit, var) {
            continue;
        }
        let Some((clearing, call, nilled)) = sibling(analysis, &pairs, write.func, var) else {
            continue;
        };
        // Who else gives it a value may do so in between.
        let others = unit.functions.iter().map(|function| function.id);
        let mut others = others.filter(|&id| id != owner && id != clearing);
        if others.any(|id| assignments(unit.function(id), unit, var).next().is_some()) {
            continue;
        }
        let loc = |span| Loc {
            file: unit.file,
            span,
        };
        let origin = Origin {
            kind: OriginKind::Cleared,
            at: loc(nilled),
            function: names::function(&worker.checker, unit, clearing),
            name: unit.var(var).name,
        };
        found.push(NilWrite {
            write: write.write.clone(),
            via: Vec::new(),
            origin: worker.origins.intern(origin),
            weak: Some(Weak::OtherFirst(loc(call))),
            argument: None,
        });
    }
    found
}

/// A call that is given more than one function literal.
struct Pair {
    at: Span,
    literals: Vec<FnId>,
}

fn pairs(unit: &Unit) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for function in &unit.functions {
        let literals = function.literals(unit);
        if literals.len() < 2 {
            continue;
        }
        for instr in function.blocks.iter().flat_map(|block| &block.instrs) {
            let Op::Call(call) = &instr.op else {
                continue;
            };
            if matches!(call.callee, Callee::Builtin(_)) {
                continue;
            }
            let given = call.args.iter().filter_map(|arg| match arg {
                Operand::Place(place) => literals.get(place).copied(),
                _ => None,
            });
            let literals: Vec<FnId> = given.collect();
            if literals.len() > 1 {
                let at = instr.at.span;
                pairs.push(Pair { at, literals });
            }
        }
    }
    pairs
}

/// A closure that does nothing with the variable but set it to nil, handed to the same call
/// as the writer; with the call, and where it does.
fn sibling(
    analysis: &UnitAnalysis,
    pairs: &[Pair],
    writer: FnId,
    var: VarId,
) -> Option<(FnId, Span, Span)> {
    let mut pairs = pairs.iter().filter(|pair| pair.literals.contains(&writer));
    pairs.find_map(|pair| {
        let mut others = pair.literals.iter().filter(|&&other| other != writer);
        others.find_map(|&other| Some((other, pair.at, only_nils(analysis, other, var)?)))
    })
}

/// Where a function sets a variable to nil, if that is all that it does with it.
fn only_nils(analysis: &UnitAnalysis, id: FnId, var: VarId) -> Option<Span> {
    if analysis.liveness(id).read.contains(&var) {
        return None;
    }
    let unit = &*analysis.unit;
    let mut at = None;
    for (span, nil) in assignments(unit.function(id), unit, var) {
        if !nil {
            return None;
        }
        at.get_or_insert(span);
    }
    at
}

/// Assignments to a variable as a whole, and whether each gives it nil.
fn assignments<'a>(
    function: &'a Function,
    unit: &'a Unit,
    var: VarId,
) -> impl Iterator<Item = (Span, bool)> + 'a {
    let is_it = move |place: PlaceId| unit.places.get(place).kind == PlaceKind::Var(var);
    let instrs = function.blocks.iter().flat_map(|block| &block.instrs);
    instrs.filter_map(move |instr| match &instr.op {
        Op::Assign { dst, value, .. } if is_it(*dst) => {
            let nil = matches!(value, Value::Zero(_) | Value::Use(Operand::Nil));
            Some((instr.at.span, nil))
        }
        Op::Call(call) if call.results.iter().any(|&place| is_it(place)) => {
            Some((instr.at.span, false))
        }
        _ => None,
    })
}

/// Whether a function asks if a variable is nil or empty.
fn is_tested(function: &Function, unit: &Unit, var: VarId) -> bool {
    function.blocks.iter().any(|block| match block.end {
        Terminator::Branch {
            cond: Cond::IsNil(place) | Cond::IsEmpty(place),
            ..
        } => unit.places.get(place).kind == PlaceKind::Var(var),
        _ => false,
    })
}
