//! Function literals that are handed to a function of the package, which calls them with nil
//! for a map that they write to.

use crate::engine::NilWrite;
use crate::names;
use crate::origin::{Loc, Origin, OriginKind};
use crate::summary::{Given, Step};
use crate::unit::UnitAnalysis;
use crate::worker::Worker;
use std::rc::Rc;
use tophash_flow::{At, Call, Callee, FnId, Op, Operand, PlaceKind, Unit};

/// The writes in such literals of a unit.
pub(crate) fn called_with_nil(worker: &mut Worker, analysis: &UnitAnalysis) -> Vec<NilWrite> {
    let unit = analysis.unit.clone();
    let mut found = Vec::new();
    for function in &unit.functions {
        let literals = function.literals(&unit);
        if literals.is_empty() {
            continue;
        }
        for instr in function.blocks.iter().flat_map(|block| &block.instrs) {
            let Op::Call(call) = &instr.op else {
                continue;
            };
            for (n, arg) in call.args.iter().enumerate() {
                if let Operand::Place(place) = arg
                    && let Some(&literal) = literals.get(place)
                    && let Some(callee) = callee(worker, analysis, call)
                {
                    let from = Step {
                        at: Loc {
                            file: unit.file,
                            span: instr.at.span,
                        },
                        function: names::function(&worker.checker, &unit, function.id),
                        callee: callee.name.name.as_str().into(),
                    };
                    handed(worker, analysis, literal, &callee, n, &from, &mut found);
                }
            }
        }
    }
    found
}

/// The unit of a function of the same package that a call calls.
fn callee(worker: &mut Worker, analysis: &UnitAnalysis, call: &Call) -> Option<Rc<Unit>> {
    let Callee::Static(name) = call.callee else {
        return None;
    };
    if name.package != analysis.unit.name.package {
        return None;
    }
    Some(worker.unit_of(call.object?)?.unit.clone())
}

/// What happens to a literal that is a function's argument with that number.
fn handed(
    worker: &mut Worker,
    analysis: &UnitAnalysis,
    literal: FnId,
    callee: &Unit,
    number: usize,
    from: &Step,
    found: &mut Vec<NilWrite>,
) {
    let function = callee.function(FnId::ROOT);
    let Some(&param) = function.params.get(number) else {
        return;
    };
    for instr in function.blocks.iter().flat_map(|block| &block.instrs) {
        let Op::Call(call) = &instr.op else {
            continue;
        };
        let Callee::Value(place) = call.callee else {
            continue;
        };
        if callee.places.get(place).kind != PlaceKind::Var(param) {
            continue;
        }
        let nils = (call.args.iter().enumerate()).filter(|(_, arg)| matches!(arg, Operand::Nil));
        for (n, _) in nils {
            for need in &analysis.closure(worker, literal).needs {
                if need.map == Given::Param(n as u32) && need.conditions.is_empty() {
                    let origin = nil_argument(worker, callee, instr.at, n);
                    let step = Step {
                        at: Loc {
                            file: callee.file,
                            span: instr.at.span,
                        },
                        function: names::function(&worker.checker, callee, FnId::ROOT),
                        callee: "the function that it was given".into(),
                    };
                    let via = [from.clone(), step].into_iter();
                    found.push(NilWrite {
                        write: need.write.clone(),
                        via: via.chain(need.via.iter().cloned()).collect(),
                        origin: worker.origins.intern(origin),
                        weak: need.weak,
                        argument: None,
                    });
                }
            }
        }
    }
}

fn nil_argument(worker: &Worker, callee: &Unit, at: At, number: usize) -> Origin {
    let found = names::argument(worker.world, callee, at.expr, false, number);
    Origin {
        kind: OriginKind::NilLiteral,
        at: Loc {
            file: callee.file,
            span: found.map_or(at.span, |(span, _)| span),
        },
        function: names::function(&worker.checker, callee, FnId::ROOT),
        name: None,
    }
}
