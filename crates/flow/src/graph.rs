//! Ways through a function: successors, predecessors, orders, dominators.

use crate::ir::{BlockId, Function, Terminator};

/// Which way out of a block an edge is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Arm {
    /// The only way.
    Next,
    /// A branch whose condition holds.
    Then,
    /// A branch whose condition doesn't hold.
    Other,
    /// A range with an element.
    Body,
    /// A range without another element.
    Done,
    /// A clause of a select.
    Clause,
}

impl Terminator {
    /// Where it may go. A block may occur twice.
    pub fn successors(&self) -> impl Iterator<Item = (Arm, BlockId)> + '_ {
        (0..).map_while(|n| self.successor(n))
    }

    fn successor(&self, n: usize) -> Option<(Arm, BlockId)> {
        match (self, n) {
            (Terminator::Jump(to), 0) => Some((Arm::Next, *to)),
            (Terminator::Branch { then, .. }, 0) => Some((Arm::Then, *then)),
            (Terminator::Branch { other, .. }, 1) => Some((Arm::Other, *other)),
            (Terminator::Range(next), 0) => Some((Arm::Body, next.body)),
            (Terminator::Range(next), 1) => Some((Arm::Done, next.done)),
            (Terminator::Select(clauses), n) => Some((Arm::Clause, *clauses.get(n)?)),
            _ => None,
        }
    }
}

/// The shape of a function, computed once.
#[derive(Debug)]
pub struct Graph {
    /// Blocks in reverse postorder: but for loops, each one after all that lead to it.
    pub order: Vec<BlockId>,
    /// Place of each block in `order`.
    pub rank: Vec<u32>,
    /// The blocks that may go to each block.
    pub predecessors: Vec<Vec<BlockId>>,
    /// The last block that every way to a block passes; the entry's is the entry.
    pub dominator: Vec<BlockId>,
}

impl Graph {
    /// The shape of `function`, all of whose blocks can be reached from the entry.
    pub fn new(function: &Function) -> Graph {
        let count = function.blocks.len();
        let mut predecessors = vec![Vec::new(); count];
        for (n, block) in function.blocks.iter().enumerate() {
            for (_, to) in block.end.successors() {
                predecessors[to.index()].push(BlockId(n as u32));
            }
        }
        let order = reverse_postorder(count, |b| &function.block(b).end);
        let mut rank = vec![u32::MAX; count];
        for (n, &block) in order.iter().enumerate() {
            rank[block.index()] = n as u32;
        }
        let dominator = dominators(&order, &rank, &predecessors);
        Graph {
            order,
            rank,
            predecessors,
            dominator,
        }
    }

    /// Whether every way to `block` passes `by`.
    pub fn dominates(&self, by: BlockId, mut block: BlockId) -> bool {
        while self.rank[block.index()] > self.rank[by.index()] {
            block = self.dominator[block.index()];
        }
        block == by
    }

    /// Whether the edge leads back to the head of a loop.
    pub fn is_back_edge(&self, from: BlockId, to: BlockId) -> bool {
        self.dominates(to, from)
    }
}

/// The blocks that can be reached from the entry, in reverse postorder.
pub(crate) fn reverse_postorder<'a>(
    count: usize,
    end: impl Fn(BlockId) -> &'a Terminator,
) -> Vec<BlockId> {
    let mut order = Vec::with_capacity(count);
    if count == 0 {
        return order;
    }
    let mut seen = vec![false; count];
    seen[0] = true;
    // Successors are taken from the last to the first, so that the first stand first in the
    // reversed order.
    let count = |block| end(block).successors().count();
    let mut stack = vec![(BlockId::ENTRY, count(BlockId::ENTRY))];
    while let Some((block, left)) = stack.last_mut() {
        let Some(n) = left.checked_sub(1) else {
            order.push(*block);
            stack.pop();
            continue;
        };
        *left = n;
        if let Some((_, to)) = end(*block).successor(n)
            && !std::mem::replace(&mut seen[to.index()], true)
        {
            stack.push((to, count(to)));
        }
    }
    order.reverse();
    order
}

/// Immediate dominators, after Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm".
fn dominators(order: &[BlockId], rank: &[u32], predecessors: &[Vec<BlockId>]) -> Vec<BlockId> {
    let mut dominator: Vec<Option<BlockId>> = vec![None; rank.len()];
    if let Some(&entry) = order.first() {
        dominator[entry.index()] = Some(entry);
    }
    let mut changed = true;
    while changed {
        changed = false;
        for &block in order.iter().skip(1) {
            let mut new: Option<BlockId> = None;
            for &from in &predecessors[block.index()] {
                if dominator[from.index()].is_none() {
                    continue;
                }
                new = Some(match new {
                    Some(other) => intersect(&dominator, rank, from, other),
                    None => from,
                });
            }
            if dominator[block.index()] != new {
                dominator[block.index()] = new;
                changed = true;
            }
        }
    }
    dominator
        .into_iter()
        .map(|d| d.unwrap_or(BlockId::ENTRY))
        .collect()
}

fn intersect(
    dominator: &[Option<BlockId>],
    rank: &[u32],
    mut a: BlockId,
    mut b: BlockId,
) -> BlockId {
    let up = |block: BlockId| dominator[block.index()].unwrap_or(BlockId::ENTRY);
    while a != b {
        while rank[a.index()] > rank[b.index()] {
            a = up(a);
        }
        while rank[b.index()] > rank[a.index()] {
            b = up(b);
        }
    }
    a
}
