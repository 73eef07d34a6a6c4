//! One function: which locks are held at each point, what its variables stand for, and
//! from these what it does to maps.

mod calls;
mod misuse;
mod record;
mod resolve;
mod state;

use crate::class::ClassId;
use crate::facts::{FnFacts, FnRef, Ret};
use crate::lock::{Held, LockSet, Mode};
use crate::package::Package;
use crate::value::{Base, Val};
use state::State;
use std::rc::Rc;
use tophash_flow::{
    Arm, Block, BlockId, Cond, Function, Graph, Instr, Op, Operand, PlaceKind, Problem, Terminator,
    Unit, Value, solve,
};

/// The walk through one function.
pub(crate) struct Walk<'a, 'p, 'w> {
    pub(crate) pkg: &'a mut Package<'p, 'w>,
    pub(crate) unit: Rc<Unit>,
    pub(crate) id: FnRef,
    /// What has been seen so far, in the pass that looks.
    pub(crate) out: FnFacts,
    /// The block that is being looked at.
    block: BlockId,
}

/// Walks through a function of the package.
pub(crate) fn walk(pkg: &mut Package<'_, '_>, id: FnRef) -> FnFacts {
    let unit = pkg.unit(id.unit).unit.clone();
    let mut walk = Walk {
        pkg,
        unit: unit.clone(),
        id,
        out: FnFacts::default(),
        block: BlockId::ENTRY,
    };
    let function = unit.function(id.function);
    let graph = Graph::new(function);
    let solution = solve(function, &graph, &mut walk);
    let mut exits: Vec<State> = Vec::new();
    for &block in &graph.order {
        let Some(start) = &solution.at_start[block.index()] else {
            continue;
        };
        let mut state = start.clone();
        for instr in &function.block(block).instrs {
            walk.record(&state, instr, block);
            walk.record_misuse(&state, instr);
            walk.instr(&mut state, instr);
        }
        let block = function.block(block);
        walk.record_end(&state, block);
        if let Terminator::Return = block.end {
            exits.push(state);
        }
    }
    walk.finish(function, &exits);
    walk.out
}

impl Walk<'_, '_, '_> {
    /// What holds at all ways out.
    fn finish(&mut self, function: &Function, exits: &[State]) {
        let Some(first) = exits.first() else {
            return;
        };
        let mut acquires = first.must.clone();
        let mut may = LockSet::default();
        let mut releases: Vec<ClassId> = Vec::new();
        for exit in exits {
            acquires.intersect(&exit.must);
            may.unite(&exit.may);
            for &class in &exit.released {
                if !releases.contains(&class) {
                    releases.push(class);
                }
            }
            for &id in &exit.running {
                if !self.out.left.contains(&id)
                    && !self.out.starts.iter().any(|(start, _)| *start == id)
                {
                    self.out.left.push(id);
                }
            }
        }
        self.out.acquires = acquires;
        self.out.may_acquire = may;
        self.out.releases = releases;
        self.out.returns = function
            .results
            .iter()
            .map(|&var| {
                let mut ret = Ret::Nil;
                for exit in exits {
                    let here = match exit.env.get(&var) {
                        Some(Val::Nil) => Ret::Nil,
                        Some(Val::Fresh { .. }) => Ret::Fresh,
                        Some(Val::Unlock(held)) => Ret::Unlock(*held),
                        Some(Val::Alias { class, base, taken }) => {
                            let base = exit.seen(*base);
                            match base {
                                Base::Fresh(_) => Ret::Fresh,
                                _ => Ret::Alias(*class, base, taken.clone()),
                            }
                        }
                        _ => Ret::Unknown,
                    };
                    ret = match (ret, here) {
                        (Ret::Nil, other) | (other, Ret::Nil) => other,
                        (Ret::Alias(c, b, t), Ret::Alias(d, ..)) if c == d => Ret::Alias(c, b, t),
                        // A lookup that makes what it doesn't find: others have it by now.
                        (alias @ Ret::Alias(..), Ret::Fresh)
                        | (Ret::Fresh, alias @ Ret::Alias(..)) => alias,
                        (a, b) if a == b => a,
                        // One of several, none of them its maker's alone.
                        (Ret::Alias(c, b, _), Ret::Alias(_, d, _)) => {
                            let base = if b == d { b } else { Base::Shared };
                            Ret::Alias(c, base, None)
                        }
                        _ => Ret::Unknown,
                    };
                }
                ret
            })
            .collect();
    }

    /// Whether a block is the head of a loop that is left by an arm, and that waits in each
    /// round: once for each goroutine, it is taken.
    fn waits_before(&self, block: &Block, arm: Arm) -> bool {
        let function = self.function();
        let body = match (&block.end, arm) {
            (Terminator::Range(next), Arm::Done) => next.body,
            (Terminator::Branch { then, .. }, Arm::Other) => *then,
            (Terminator::Branch { other, .. }, Arm::Then) => *other,
            _ => return false,
        };
        let mut open = vec![body];
        let mut seen = vec![false; function.blocks.len()];
        let (mut waits, mut returns) = (false, false);
        let mut left = MAX_LOOP;
        while let Some(at) = open.pop() {
            let inner = function.block(at);
            if std::ptr::eq(inner, block) {
                returns = true;
                continue;
            }
            if left == 0 || std::mem::replace(&mut seen[at.index()], true) {
                continue;
            }
            left -= 1;
            waits |= inner.instrs.iter().any(|instr| match &instr.op {
                Op::Assign { value, .. } => matches!(value, Value::Recv { .. }),
                Op::Call(call) => self
                    .called_name(call, instr)
                    .is_some_and(|name| crate::library::waits(&name)),
                _ => false,
            });
            open.extend(inner.end.successors().map(|s| s.1));
        }
        waits && returns
    }

    pub(crate) fn function(&self) -> &Function {
        self.unit.function(self.id.function)
    }
}

impl Problem for Walk<'_, '_, '_> {
    type State = State;

    fn start(&mut self) -> State {
        State::default()
    }

    fn join(&mut self, into: &mut State, from: &State, _visits: u32) -> bool {
        into.join(from)
    }

    fn instr(&mut self, state: &mut State, instr: &Instr) {
        let unit = self.unit.clone();
        match &instr.op {
            Op::Declare(var) => {
                state.env.remove(var);
                state.forget_made(unit.var(*var).place);
                self.another(state, *var);
            }
            Op::Assign { dst, ok, value } => {
                self.assign(state, *dst, value, instr);
                if let PlaceKind::Var(var) = unit.places.get(*dst).kind {
                    self.another(state, var);
                }
                if let Some(ok) = ok
                    && let PlaceKind::Var(var) = unit.places.get(*ok).kind
                {
                    state.env.remove(&var);
                }
                if let Value::Recv { .. } = value {
                    // Something that was sent: who sent it may have ended.
                    state.waited();
                }
            }
            Op::MapWrite { elem, value, .. } => {
                let val = self.operand(state, *value);
                if let (Some(val), PlaceKind::MapElem { map, .. }) =
                    (val, unit.places.get(*elem).kind)
                {
                    let (.., base, _) = self.resolve(state, map);
                    state.keep(base, &val);
                    // What lies in a map is found through it from now on.
                    if let Operand::Place(place) = value
                        && let PlaceKind::Var(var) = unit.places.get(*place).kind
                        && let Val::Fresh { made, .. } = val
                        && state.published.contains(&made)
                    {
                        let (class, base, _) = self.resolve(state, map);
                        let class = self.pkg.classes.step(class, crate::class::Step::Elem);
                        state.env.insert(
                            var,
                            Val::Alias {
                                class,
                                base,
                                taken: None,
                            },
                        );
                    }
                }
            }
            Op::MapDelete { .. } | Op::MapClear { .. } | Op::Defer(_) => {}
            Op::Call(call) => self.call(state, call, instr),
            Op::Go(call) => {
                self.go_elsewhere(state, call, instr);
                self.spawn(state, call, instr);
            }
            Op::NoCase { .. } => {}
            Op::Send { value, .. } => {
                self.given_away(state, *value, false, instr.at);
                if let Some(val) = self.operand(state, *value) {
                    state.publish_val(&val);
                }
            }
        }
    }

    fn edge(&mut self, state: &mut State, block: &Block, arm: Arm) -> bool {
        if !state.running.is_empty() && self.waits_before(block, arm) {
            state.waited();
        }
        match &block.end {
            Terminator::Branch { cond, .. } => {
                if let (Cond::True(place), Arm::Then) = (cond, arm)
                    && let PlaceKind::Var(var) = self.unit.places.get(*place).kind
                    && let Some(Val::Tried(held)) = state.env.get(&var)
                {
                    let held: Held = *held;
                    state.acquire(held);
                }
            }
            Terminator::Range(next) => {
                let unit = self.unit.clone();
                for place in next.key.iter().chain(&next.value) {
                    if let PlaceKind::Var(var) = unit.places.get(*place).kind {
                        state.env.remove(&var);
                    }
                }
                if arm == Arm::Body
                    && let (Some(value), Operand::Place(x)) = (next.value, next.x)
                    && let PlaceKind::Var(var) = unit.places.get(value).kind
                    && matches!(
                        next.over,
                        tophash_flow::RangeOver::Map | tophash_flow::RangeOver::List
                    )
                {
                    let (class, base, _) = self.resolve(state, x);
                    let class = self.pkg.classes.step(class, crate::class::Step::Elem);
                    let base = match base {
                        Base::Fresh(_) => Base::Unknown,
                        base => base,
                    };
                    let taken = self.taken(state, unit.places.get(value).ty, block.end_at.span);
                    state.env.insert(var, Val::Alias { class, base, taken });
                }
                if matches!(next.over, tophash_flow::RangeOver::Chan) {
                    state.waited();
                }
            }
            _ => {}
        }
        true
    }
}

/// A loop of more blocks is not looked through.
const MAX_LOOP: usize = 16;

/// The mode a lock is taken in by default.
pub(crate) const ALONE: Mode = Mode::Write;
