//! From what holds at the end of a function to what its callers see.

use crate::engine::Engine;
use crate::state::{Fact, State};
use crate::summary::{Base, Conditions, Given, Left, Outcome, Target};
use crate::term::{ELEM, Path, Root, Term, TermKind};
use crate::value::{Address, Truth, Value};
use std::collections::BTreeMap;
use std::rc::Rc;
use tophash_flow::{Const, Function, VarKind};

/// Ways of returning that are told apart. With more than that nothing is said of any.
const MAX_OUTCOMES: usize = 6;

/// Ways of returning that are told apart by their conditions alone.
const MAX_TOLD_APART: usize = 3;

/// Conditions that a summary keeps for each way.
const MAX_CONDITIONS: usize = 32;

/// A term in terms of what the function is given; none if it is anything else.
pub(crate) fn given(engine: &Engine, term: Term) -> Option<Given> {
    let of = |term: Term| given(engine, term).map(Rc::new);
    Some(match engine.terms.kind(term) {
        TermKind::Contents(root) => match root {
            Root::Var(var) => {
                let declared = engine.unit.var(*var);
                match declared.kind {
                    _ if declared.owner != engine.func => Given::Var(*var),
                    VarKind::Receiver => Given::Param(0),
                    VarKind::Param(n) => {
                        let receiver = engine.unit.function(engine.func).receiver.is_some();
                        Given::Param(n + u32::from(receiver))
                    }
                    _ => return None,
                }
            }
            Root::Global(package, name) => Given::Global(*package, *name),
            Root::Pointee(term) => Given::Deref(of(*term)?),
            Root::Alloc(..) => return None,
        },
        TermKind::Field(_, ELEM) => return None,
        TermKind::Field(term, index) => Given::Field(of(*term)?, *index),
        TermKind::At(contents, key, 0) => match engine.terms.kind(*contents) {
            TermKind::Contents(Root::Pointee(map)) => Given::Element(of(*map)?, of(*key)),
            _ => return None,
        },
        TermKind::Len(term) => Given::Len(of(*term)?),
        TermKind::Clone(map, _) => return given(engine, *map),
        TermKind::Equal(x, y) => Given::Equal(of(*x)?, of(*y)?),
        TermKind::Binary(op, x, y) => Given::Binary(*op, of(*x)?, of(*y)?),
        TermKind::Unary(op, x) => Given::Unary(*op, of(*x)?),
        TermKind::HasType(x, ty) => Given::HasType(of(*x)?, *ty),
        TermKind::Call(name, args) => {
            let args = args.iter().map(|&arg| given(engine, arg));
            Given::Call(*name, args.collect::<Option<_>>()?)
        }
        TermKind::Const(Const::Other(_)) => return None,
        TermKind::Const(constant) => Given::Const(*constant),
        TermKind::Havoc(..)
        | TermKind::Result(..)
        | TermKind::Join(..)
        | TermKind::Element(..)
        | TermKind::At(..) => return None,
    })
}

/// The same of a value that is returned, which may also be what was found in a map.
fn result(engine: &Engine, term: Term) -> Option<Given> {
    match engine.terms.kind(term) {
        TermKind::Element(map, ..) => Some(Given::Present(Rc::new(given(engine, *map)?))),
        _ => given(engine, term),
    }
}

/// What is known of what the function is given.
pub(crate) fn conditions(engine: &Engine, state: &State) -> Conditions {
    state
        .facts()
        .filter(|(_, fact)| !matches!(fact, Fact::Is(Const::Other(_))))
        .filter_map(|(term, fact)| Some((given(engine, term)?, fact)))
        .take(MAX_CONDITIONS)
        .collect()
}

/// One way of returning.
pub(crate) fn outcome(engine: &mut Engine, function: &Function, state: &State) -> Outcome {
    let mut export = Export {
        engine,
        state,
        objects: Vec::new(),
        numbers: BTreeMap::new(),
    };
    let results = function
        .results
        .iter()
        .map(|&var| {
            let value = state.contents(Root::Var(var), &mut export.engine.terms);
            export.left(&value, 0)
        })
        .collect();
    let mut unseen = state.saw_unknown();
    let mut writes = Vec::new();
    for (root, value) in state.cells() {
        let base = match root {
            Root::Var(var) if export.engine.unit.var(var).owner != export.engine.func => {
                Base::Var(var)
            }
            Root::Var(_) | Root::Alloc(..) => continue,
            Root::Global(package, name) => Base::Global(package, name),
            Root::Pointee(term) => match given(export.engine, term) {
                Some(given) => Base::Pointee(given),
                None => {
                    // It wrote to something that callers can't name.
                    unseen = true;
                    continue;
                }
            },
        };
        let initial = export.engine.terms.build(TermKind::Contents(root));
        export.writes(base, Path::new(), value, initial, &mut writes);
    }
    let objects = std::mem::take(&mut export.objects);
    let given_away = given_away(engine, state);
    Outcome {
        given_away,
        conditions: conditions(engine, state),
        objects,
        writes,
        results,
        unseen,
        weak: state.weak,
    }
}

/// The parameters that point to something with maps and that unseen code was given.
fn given_away(engine: &mut Engine, state: &State) -> Vec<Given> {
    let mut params = Vec::new();
    for term in state.given_away() {
        let TermKind::Contents(Root::Var(var)) = *engine.terms.kind(term) else {
            continue;
        };
        let ty = engine.unit.var(var).ty;
        let leads_to_map = match engine.worker.pointee(ty) {
            Some(target) => engine.worker.holds_map(target),
            // What decodes takes `any`.
            None => engine.worker.is_interface(ty),
        };
        if leads_to_map {
            params.extend(given(engine, term));
        }
    }
    params
}

struct Export<'x, 'e, 'w> {
    engine: &'x mut Engine<'e, 'w>,
    state: &'x State,
    objects: Vec<Left>,
    numbers: BTreeMap<Root, u32>,
}

impl Export<'_, '_, '_> {
    /// Lists what differs from `initial` in a value that callers can reach.
    fn writes(
        &mut self,
        base: Base,
        path: Path,
        value: &Value,
        initial: Option<Term>,
        out: &mut Vec<(Target, Left)>,
    ) {
        if initial.is_some_and(|term| *value == Value::Term(term)) {
            return;
        }
        if let Value::Struct(aggregate) = value {
            let rest_same = initial.is_some_and(|term| aggregate.rest == Value::Term(term));
            if rest_same && !path.contains(&ELEM) {
                for (&index, part) in &aggregate.fields {
                    let initial = initial
                        .and_then(|term| self.engine.terms.build(TermKind::Field(term, index)));
                    let mut path = path.clone();
                    path.push(index);
                    self.writes(base.clone(), path, part, initial, out);
                }
                return;
            }
        }
        let left = self.left(value, 0);
        out.push((Target { base, path }, left));
    }

    fn left(&mut self, value: &Value, depth: u32) -> Left {
        match value {
            Value::Unknown | Value::Closure(_) | Value::Func(_) | Value::Bound(..) => Left::Unknown,
            Value::Zero(origin) => Left::Zero(*origin),
            Value::Made => Left::Made,
            Value::NonZero => Left::NonZero,
            Value::Const(Const::Other(_)) => Left::NonZero,
            Value::Const(constant) => Left::Const(*constant),
            Value::Term(term) => match result(self.engine, *term) {
                Some(given) => match self.state.truth(value, &self.engine.terms) {
                    Some(Truth::NonZero) if !matches!(given, Given::Deref(_) | Given::Param(_)) => {
                        Left::Made
                    }
                    _ => Left::Given(given),
                },
                None => match self.state.truth(value, &self.engine.terms) {
                    Some(Truth::Zero(origin)) => Left::Zero(origin),
                    Some(Truth::NonZero) => Left::NonZero,
                    None => Left::Unknown,
                },
            },
            Value::Ref(address) => self.pointer(address, depth),
            Value::Struct(aggregate) if depth < 6 => {
                let rest = self.left(&aggregate.rest, depth + 1);
                let fields = aggregate
                    .fields
                    .iter()
                    .map(|(&index, part)| (index, self.left(part, depth + 1)))
                    .collect();
                Left::Struct(Box::new(rest), fields)
            }
            Value::Struct(_) => Left::Unknown,
            Value::Table(table) => Left::Elements {
                empty: table.complete && table.known.is_empty(),
            },
        }
    }

    fn pointer(&mut self, address: &Address, depth: u32) -> Left {
        match address.root {
            Root::Pointee(term) => match given(self.engine, term) {
                Some(of) => Left::Address(Target {
                    base: Base::Pointee(of),
                    path: address.path.clone(),
                }),
                None => Left::NonZero,
            },
            Root::Global(package, name) => Left::Address(Target {
                base: Base::Global(package, name),
                path: address.path.clone(),
            }),
            Root::Var(var) if self.engine.unit.var(var).owner != self.engine.func => {
                Left::Address(Target {
                    base: Base::Var(var),
                    path: address.path.clone(),
                })
            }
            root @ (Root::Alloc(..) | Root::Var(_)) => {
                if let Some(&number) = self.numbers.get(&root) {
                    return Left::New(number, address.path.clone());
                }
                if depth > 4 {
                    return Left::NonZero;
                }
                let number = self.objects.len() as u32;
                self.numbers.insert(root, number);
                self.objects.push(Left::Unknown);
                let contents = self.state.contents(root, &mut self.engine.terms);
                // What others can reach may change at any time.
                if !self.state.has_escaped(root) {
                    self.objects[number as usize] = self.left(&contents, depth + 1);
                } else {
                    return Left::NonZero;
                }
                Left::New(number, address.path.clone())
            }
        }
    }
}

/// Ways that come to the same are one. As long as there are few of them, they are told
/// apart where their conditions differ in more than one thing that holds on one of them
/// and not on the other: beyond that, one way stands for all on the conditions they share.
pub(crate) fn merge_outcomes(outcomes: Vec<Outcome>) -> Vec<Outcome> {
    let exact = merge(outcomes, |x, y| {
        let apart = |x: &Outcome, y: &Outcome| {
            let differing = x.conditions.iter().filter(|c| !y.conditions.contains(c));
            differing.count()
        };
        apart(x, y) <= 1 && apart(y, x) <= 1
    });
    if exact.len() <= MAX_TOLD_APART {
        return exact;
    }
    let merged = merge(exact, |_, _| true);
    if merged.len() <= MAX_OUTCOMES {
        return merged;
    }
    given_up(&merged)
}

/// Joins ways that come to the same and that `may` be joined.
fn merge(outcomes: Vec<Outcome>, may: impl Fn(&Outcome, &Outcome) -> bool) -> Vec<Outcome> {
    let mut merged: Vec<Outcome> = Vec::new();
    for outcome in outcomes {
        let same = merged.iter_mut().find(|known| {
            known.results == outcome.results
                && known.writes == outcome.writes
                && known.objects == outcome.objects
                && known.unseen == outcome.unseen
                && may(known, &outcome)
        });
        match same {
            Some(known) => {
                known.conditions.retain(|c| outcome.conditions.contains(c));
                known.weak = known.weak.and(outcome.weak);
                for given in outcome.given_away {
                    if !known.given_away.contains(&given) {
                        known.given_away.push(given);
                    }
                }
            }
            None => merged.push(outcome),
        }
    }
    merged
}

/// One way that says nothing.
fn given_up(outcomes: &[Outcome]) -> Vec<Outcome> {
    let results = outcomes.iter().map(|o| o.results.len()).max().unwrap_or(0);
    vec![Outcome {
        conditions: Vec::new(),
        objects: Vec::new(),
        writes: Vec::new(),
        results: vec![Left::Unknown; results],
        given_away: Vec::new(),
        unseen: true,
        weak: None,
    }]
}
