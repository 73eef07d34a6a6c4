//! A solver for forward dataflow problems.

use crate::graph::{Arm, Graph};
use crate::ir::{Block, BlockId, Function, Instr};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A forward dataflow problem: states, how they meet, and what code does to them.
pub trait Problem {
    /// What is known at a point of a function.
    type State: Clone;

    /// What is known where the function starts.
    fn start(&mut self) -> Self::State;

    /// Makes `into` hold what holds in it and in `from`; says whether it changed. From the
    /// `visits`th time on that a loop's head changes it may give up precision, so that an end is reached.
    fn join(&mut self, into: &mut Self::State, from: &Self::State, visits: u32) -> bool;

    /// What an instruction does.
    fn instr(&mut self, state: &mut Self::State, instr: &Instr);

    /// What is learnt from leaving `block` by `arm`; false if that can't happen.
    fn edge(&mut self, state: &mut Self::State, block: &Block, arm: Arm) -> bool {
        let _ = (state, block, arm);
        true
    }
}

/// How often a block is visited before the solver stops joining into it: a bound for
/// problems whose [`Problem::join`] never settles. No lattice of finite height that fits a
/// function comes near it.
const MAX_VISITS: u32 = 1000;

/// The states at the start of each block; none where no feasible way leads.
#[derive(Debug)]
pub struct Solution<S> {
    /// By [`BlockId`].
    pub at_start: Vec<Option<S>>,
    /// Whether a fixed point was reached, so that the states hold.
    pub complete: bool,
}

impl<S: Clone> Solution<S> {
    /// Goes once through every instruction that can be reached, in reverse postorder, with
    /// the state before it.
    pub fn replay<P: Problem<State = S>>(
        &self,
        function: &Function,
        graph: &Graph,
        problem: &mut P,
        mut visit: impl FnMut(&mut P, &S, BlockId, usize, &Instr),
    ) {
        for &block in &graph.order {
            let Some(start) = &self.at_start[block.index()] else {
                continue;
            };
            let mut state = start.clone();
            for (n, instr) in function.block(block).instrs.iter().enumerate() {
                visit(problem, &state, block, n, instr);
                problem.instr(&mut state, instr);
            }
        }
    }
}

/// Solves a problem over one function.
pub fn solve<P: Problem>(
    function: &Function,
    graph: &Graph,
    problem: &mut P,
) -> Solution<P::State> {
    let count = function.blocks.len();
    let mut at_start: Vec<Option<P::State>> = vec![None; count];
    let mut visits = vec![0u32; count];
    let mut waiting = vec![false; count];
    let mut work = BinaryHeap::new();
    let mut complete = true;
    if count > 0 {
        at_start[0] = Some(problem.start());
        waiting[0] = true;
        work.push(Reverse(graph.rank[0]));
    }
    while let Some(Reverse(rank)) = work.pop() {
        let id = graph.order[rank as usize];
        waiting[id.index()] = false;
        let Some(mut state) = at_start[id.index()].clone() else {
            continue;
        };
        let block = function.block(id);
        for instr in &block.instrs {
            problem.instr(&mut state, instr);
        }
        for (arm, to) in block.end.successors() {
            let mut out = state.clone();
            if !problem.edge(&mut out, block, arm) {
                continue;
            }
            let changed = match &mut at_start[to.index()] {
                Some(into) => {
                    let n = visits[to.index()];
                    problem.join(into, &out, n)
                }
                none => {
                    *none = Some(out);
                    true
                }
            };
            if !changed || waiting[to.index()] {
                continue;
            }
            if visits[to.index()] == MAX_VISITS {
                complete = false;
                continue;
            }
            visits[to.index()] += 1;
            waiting[to.index()] = true;
            work.push(Reverse(graph.rank[to.index()]));
        }
    }
    Solution { at_start, complete }
}
