//! Removal of what a graph does not need: blocks that can't be reached, empty ones, chains.

use crate::graph::reverse_postorder;
use crate::ir::{Block, BlockId, Function, Terminator};

/// Leaves only blocks that can be reached, in reverse postorder, chains joined.
pub(crate) fn simplify(function: &mut Function) {
    skip_empty(function);
    join_chains(function);
}

/// Lets jumps to empty blocks go where those go.
fn skip_empty(function: &mut Function) {
    let count = function.blocks.len();
    let next: Vec<BlockId> = (0..count)
        .map(|n| {
            let id = BlockId(n as u32);
            match &function.blocks[n] {
                Block {
                    instrs,
                    end: Terminator::Jump(to),
                    ..
                } if instrs.is_empty() => *to,
                _ => id,
            }
        })
        .collect();
    let resolve = |mut id: BlockId| {
        // An empty loop has no end: any of its blocks will do.
        for _ in 0..count {
            let to = next[id.index()];
            if to == id {
                break;
            }
            id = to;
        }
        id
    };
    for block in &mut function.blocks {
        block.end.retarget(resolve);
        if let Terminator::Branch { then, other, .. } = block.end
            && then == other
        {
            block.end = Terminator::Jump(then);
        }
    }
}

fn join_chains(function: &mut Function) {
    let count = function.blocks.len();
    let order = reverse_postorder(count, |b| &function.blocks[b.index()].end);
    let mut entries = vec![0u32; count];
    if let Some(entry) = entries.first_mut() {
        *entry = 1;
    }
    for &id in &order {
        for (_, to) in function.block(id).end.successors() {
            entries[to.index()] += 1;
        }
    }
    let mut old: Vec<Option<Block>> = std::mem::take(&mut function.blocks)
        .into_iter()
        .map(Some)
        .collect();
    let mut new_id = vec![BlockId::ENTRY; count];
    let mut blocks: Vec<Block> = Vec::with_capacity(order.len());
    for &id in &order {
        let Some(mut block) = old[id.index()].take() else {
            continue; // joined to the one before it
        };
        new_id[id.index()] = BlockId(blocks.len() as u32);
        while let Terminator::Jump(to) = block.end
            && entries[to.index()] == 1
            && let Some(next) = old[to.index()].take()
        {
            block.instrs.extend(next.instrs);
            block.end = next.end;
            block.end_at = next.end_at;
        }
        blocks.push(block);
    }
    for block in &mut blocks {
        block.end.retarget(|to| new_id[to.index()]);
    }
    function.blocks = blocks;
}

impl Terminator {
    /// Calls `f` with each block it may go to.
    fn retarget(&mut self, mut f: impl FnMut(BlockId) -> BlockId) {
        match self {
            Terminator::Jump(to) => *to = f(*to),
            Terminator::Branch { then, other, .. } => {
                *then = f(*then);
                *other = f(*other);
            }
            Terminator::Range(next) => {
                next.body = f(next.body);
                next.done = f(next.done);
            }
            Terminator::Select(clauses) => clauses.iter_mut().for_each(|b| *b = f(*b)),
            Terminator::Return | Terminator::Diverge(_) => {}
        }
    }
}
