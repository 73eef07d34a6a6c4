//! Ways out of a function: calls of closures that never return, and deferred calls.

use crate::dataflow::{Problem, solve};
use crate::graph::{Graph, reverse_postorder};
use crate::ir::*;
use crate::place::{PlaceKind, Places};
use crate::simplify::simplify;
use rustc_hash::FxHashMap;

/// Calls of a variable that only ever holds one function literal become calls of that literal.
pub(crate) fn resolve_closures(functions: &mut [Function], vars: &[Var], places: &Places) {
    #[derive(Clone, Copy)]
    enum Holds {
        Nothing,
        Literal(FnId),
        More,
    }
    let mut holds = vec![Holds::Nothing; vars.len()];
    let mut note = |place, value: Option<&Value>| {
        if let PlaceKind::Var(var) = places.get(place).kind {
            let holds = &mut holds[var.index()];
            *holds = match (*holds, value) {
                (_, Some(Value::Zero(_))) => *holds,
                (Holds::Nothing, Some(Value::Closure(id))) => Holds::Literal(*id),
                _ => Holds::More,
            };
        }
    };
    for block in functions.iter().flat_map(|f| &f.blocks) {
        for instr in &block.instrs {
            match &instr.op {
                Op::Assign { dst, ok, value } => {
                    note(*dst, Some(value));
                    if let Some(ok) = ok {
                        note(*ok, None);
                    }
                }
                Op::Call(call) => call.results.iter().for_each(|&r| note(r, None)),
                _ => {}
            }
        }
        if let Terminator::Range(next) = &block.end {
            next.key
                .iter()
                .chain(&next.value)
                .for_each(|&p| note(p, None));
        }
    }
    let literal = |call: &mut Call| {
        if let Callee::Value(place) = call.callee
            && let PlaceKind::Var(var) = places.get(place).kind
            && let Var {
                address_taken: false,
                kind: VarKind::Local,
                ..
            } = vars[var.index()]
            && let Holds::Literal(id) = holds[var.index()]
        {
            call.callee = Callee::Closure(id);
        }
    };
    for function in functions {
        for instr in function.blocks.iter_mut().flat_map(|b| &mut b.instrs) {
            if let Op::Call(call) | Op::Go(call) = &mut instr.op {
                literal(call);
            }
        }
        function
            .defers
            .iter_mut()
            .for_each(|d| literal(&mut d.call));
    }
}

/// Brings functions into their final form: blocks end after calls of closures that never
/// return, deferred calls stand on the ways out, what can't be reached is gone. `recovering`
/// says of closures whether they call `recover`.
pub(crate) fn finish(functions: &mut [Function], recovering: impl Fn(FnId) -> bool) {
    let mut progress = vec![Progress::Waiting; functions.len()];
    let mut work: Vec<usize> = (0..functions.len()).rev().collect();
    while let Some(&n) = work.last() {
        match progress[n] {
            Progress::Waiting => {
                // Closures that it calls come first: whether they return decides what
                // follows. Those that are under way call each other in a circle.
                progress[n] = Progress::UnderWay;
                let waiting = called(&functions[n])
                    .map(FnId::index)
                    .filter(|&callee| progress[callee] == Progress::Waiting);
                work.extend(waiting.collect::<Vec<_>>());
            }
            Progress::UnderWay => {
                let function = &mut functions[n];
                cut_after_diverging(function, &progress);
                simplify(function);
                expand_defers(function, &recovering);
                simplify(function);
                progress[n] = Progress::Done(divergence(function));
            }
            Progress::Done(_) => {
                work.pop();
            }
        }
    }
}

/// How far a function is on its way to its final form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    UnderWay,
    /// How it ends if it never returns.
    Done(Option<Divergence>),
}

/// The closures that a function calls where it stands.
fn called(function: &Function) -> impl Iterator<Item = FnId> + '_ {
    let instrs = function.blocks.iter().flat_map(|b| &b.instrs);
    instrs.filter_map(called_closure)
}

fn called_closure(instr: &Instr) -> Option<FnId> {
    match &instr.op {
        Op::Call(call) => match call.callee {
            Callee::Closure(id) => Some(id),
            _ => None,
        },
        _ => None,
    }
}

/// Ends blocks after calls of closures that never return.
fn cut_after_diverging(function: &mut Function, progress: &[Progress]) {
    for block in &mut function.blocks {
        let found = block.instrs.iter().enumerate().find_map(|(at, instr)| {
            match progress[called_closure(instr)?.index()] {
                Progress::Done(how) => Some((at, how?)),
                _ => None,
            }
        });
        if let Some((at, how)) = found {
            block.end_at = block.instrs[at].at;
            block.end = Terminator::Diverge(how);
            block.instrs.truncate(at + 1);
        }
    }
}

/// How a function ends if it never returns.
fn divergence(function: &Function) -> Option<Divergence> {
    if function.recovers {
        return None;
    }
    let order = reverse_postorder(function.blocks.len(), |b| &function.block(b).end);
    let mut how = Divergence::Exit;
    for id in order {
        match function.block(id).end {
            Terminator::Return => return None,
            Terminator::Diverge(Divergence::Panic) => how = Divergence::Panic,
            Terminator::Diverge(Divergence::Goexit) if how == Divergence::Exit => {
                how = Divergence::Goexit;
            }
            _ => {}
        }
    }
    Some(how)
}

/// Which `defer` statements may, and which must, have been executed where a block ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Pending {
    may: u64,
    must: u64,
}

/// Ways out times deferred calls up to which each way has calls of its own, so that what is
/// known of results at one `return` does not mix with another.
const MAX_COPIES: usize = 256;

/// Puts deferred calls on every way out that comes through their `defer` statements.
/// `recovering` says of closures whether they call `recover`.
fn expand_defers(function: &mut Function, recovering: impl Fn(FnId) -> bool) {
    if function.defers.is_empty() {
        return;
    }
    let recovers = executed(function).any(|defer| {
        let callee = function.defers.get(defer.index()).map(|d| d.call.callee);
        matches!(callee, Some(Callee::Closure(id)) if recovering(id))
    });
    function.recovers = recovers;
    let pending = pending(function);
    let looped = looped(function);
    let ends: Vec<BlockId> = (0..function.blocks.len())
        .map(|n| BlockId(n as u32))
        .filter(|&b| {
            matches!(
                function.block(b).end,
                Terminator::Return | Terminator::Diverge(Divergence::Panic | Divergence::Goexit)
            )
        })
        .collect();
    let share = ends.len() * function.defers.len() > MAX_COPIES;
    let mut shared: FxHashMap<(Pending, Option<Divergence>), BlockId> = FxHashMap::default();
    for id in ends {
        let at = function.block(id).end_at;
        let how = match function.block(id).end {
            Terminator::Diverge(how) => Some(how),
            _ => None,
        };
        let state = pending[id.index()];
        let chain = match shared.get(&(state, how)) {
            Some(&chain) if share => chain,
            _ => {
                let chain = chain(function, state, &looped, how, at);
                shared.insert((state, how), chain);
                chain
            }
        };
        let block = &mut function.blocks[id.index()];
        block.end = Terminator::Jump(chain);
    }
}

/// The deferred calls in the order in which they run, and the end; says where they begin.
fn chain(
    function: &mut Function,
    state: Pending,
    looped: &[bool],
    how: Option<Divergence>,
    at: At,
) -> BlockId {
    let add = |blocks: &mut Vec<Block>, instrs: Vec<Instr>, end: Terminator| {
        blocks.push(Block {
            instrs,
            end,
            end_at: at,
        });
        BlockId(blocks.len() as u32 - 1)
    };
    let blocks = &mut function.blocks;
    let mut next = match how {
        None => add(blocks, Vec::new(), Terminator::Return),
        Some(how) => {
            let diverge = add(blocks, Vec::new(), Terminator::Diverge(how));
            if how == Divergence::Panic && function.recovers {
                let recovered = add(blocks, Vec::new(), Terminator::Return);
                let end = Terminator::Branch {
                    cond: Cond::Opaque,
                    then: recovered,
                    other: diverge,
                };
                add(blocks, Vec::new(), end)
            } else {
                diverge
            }
        }
    };
    for (n, deferred) in function.defers.iter().enumerate() {
        if state.may & bit(n) == 0 {
            continue;
        }
        let call = Instr {
            op: Op::Call(Box::new(deferred.call.clone())),
            at: deferred.at,
        };
        let block = add(blocks, vec![call], Terminator::Jump(next));
        if looped[n] {
            blocks[block.index()].end = Terminator::Branch {
                cond: Cond::Opaque,
                then: block,
                other: next,
            };
        }
        let skipped = std::mem::replace(&mut next, block);
        if state.must & bit(n) == 0 {
            let end = Terminator::Branch {
                cond: Cond::Deferred(DeferId(n as u32)),
                then: block,
                other: skipped,
            };
            next = add(blocks, Vec::new(), end);
        }
    }
    next
}

/// The bit of a `defer` statement. The 64th and all after it share one, which is enough for
/// "may" and never set for "must".
fn bit(n: usize) -> u64 {
    1 << n.min(63)
}

/// The problem of what is [`Pending`] where.
struct Defers;

impl Problem for Defers {
    type State = Pending;

    fn start(&mut self) -> Pending {
        Pending { may: 0, must: 0 }
    }

    fn join(&mut self, into: &mut Pending, from: &Pending, _: u32) -> bool {
        let before = *into;
        into.may |= from.may;
        into.must &= from.must;
        *into != before
    }

    fn instr(&mut self, state: &mut Pending, instr: &Instr) {
        if let Op::Defer(DeferId(n)) = instr.op {
            let bit = bit(n as usize);
            state.may |= bit;
            if n < 63 {
                state.must |= bit;
            }
        }
    }
}

/// What is pending at the end of each block.
fn pending(function: &Function) -> Vec<Pending> {
    let solution = solve(function, &Graph::new(function), &mut Defers);
    let states = solution.at_start.into_iter().zip(&function.blocks);
    states
        .map(|(start, block)| {
            let mut state = start.unwrap_or_else(|| Defers.start());
            block
                .instrs
                .iter()
                .for_each(|i| Defers.instr(&mut state, i));
            state
        })
        .collect()
}

/// The `defer` statements that can be reached.
fn executed(function: &Function) -> impl Iterator<Item = DeferId> + '_ {
    let instrs = function.blocks.iter().flat_map(|b| &b.instrs);
    instrs.filter_map(|instr| match instr.op {
        Op::Defer(id) => Some(id),
        _ => None,
    })
}

/// For each `defer` statement, whether it may be executed more than once.
fn looped(function: &Function) -> Vec<bool> {
    let mut looped = vec![false; function.defers.len()];
    for (n, block) in function.blocks.iter().enumerate() {
        let id = BlockId(n as u32);
        for instr in &block.instrs {
            if let Op::Defer(defer) = instr.op {
                looped[defer.index()] = function.leads(id, id, |_| false);
            }
        }
    }
    looped
}
