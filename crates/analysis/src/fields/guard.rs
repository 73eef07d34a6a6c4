//! Whether a function sees to it that a map is not nil before it writes to it.

use crate::fields::Bare;
use crate::fields::chain::Definitions;
use crate::names;
use crate::summary::FieldName;
use crate::worker::Worker;
use rustc_hash::FxHashSet;
use tophash_flow::{
    BlockId, Callee, Cond, Function, Graph, Op, Operand, PlaceId, PlaceKind, Terminator, Unit,
    Value,
};
use tophash_syntax::{Span, Symbol};

/// What a function does about a field before it writes to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Care {
    /// It makes or tests the map, or calls what does, on each way to the write.
    Always,
    /// It gives it a value on another way, and tests it there: the test.
    Elsewhere(Span),
    /// It gives it a value on another way, or tests it there.
    Given,
    /// Nothing.
    None,
}

/// What the function around a bare write does about the field.
pub(crate) fn care(
    worker: &mut Worker,
    unit: &Unit,
    definitions: &Definitions,
    bare: &Bare,
    field: &FieldName,
    makers: &FxHashSet<Symbol>,
) -> Care {
    let mut look = Look {
        worker,
        unit,
        definitions,
        field,
        makers,
    };
    // What the functions around a closure did is not put in order with it.
    let mut around = unit.function(bare.func).parent;
    while let Some(id) = around {
        let function = unit.function(id);
        for block in 0..function.blocks.len() {
            if look.block(function, block) != Seen::Nothing {
                return Care::Always;
            }
        }
        around = function.parent;
    }
    let function = unit.function(bare.func);
    let Some(write) = write_block(function, bare) else {
        return Care::Always;
    };
    let count = function.blocks.len();
    let mut seen = vec![Seen::Nothing; count];
    for (block, seen) in seen.iter_mut().enumerate() {
        *seen = match block == write.index() {
            true => look.instrs_before(function, block, bare),
            false => look.block(function, block),
        };
    }
    if !function.reaches(BlockId::ENTRY, write, |block| {
        seen[block.index()] != Seen::Nothing
    }) {
        return Care::Always;
    }
    // In the body of a loop over the field it has elements.
    let graph = Graph::new(function);
    for block in &function.blocks {
        if let Terminator::Range(next) = &block.end
            && matches!(next.x, Operand::Place(place) if look.is_field(place))
            && graph.dominates(next.body, write)
        {
            return Care::Always;
        }
    }
    if look.found_before(function, &graph, write) {
        return Care::Always;
    }
    let made = seen
        .iter()
        .any(|seen| !matches!(seen, Seen::Nothing | Seen::Written));
    let none = |_: BlockId| false;
    let tests = seen.iter().enumerate().filter_map(|(n, seen)| match seen {
        Seen::Test(span) => Some((BlockId(n as u32), *span)),
        _ => None,
    });
    for (test, span) in tests {
        // Ways that have nothing to do with each other: the one with the test makes it.
        let apart = !function.reaches(test, write, none) && !function.reaches(write, test, none);
        let Terminator::Branch { then, .. } = function.block(test).end else {
            continue;
        };
        let makes = seen
            .iter()
            .enumerate()
            .any(|(n, seen)| *seen == Seen::Made && graph.dominates(then, BlockId(n as u32)));
        if apart && makes {
            return Care::Elsewhere(span);
        }
    }
    match made {
        true => Care::Given,
        false => Care::None,
    }
}

/// Whether a block is entered in one way only.
fn entered_once(function: &Function, block: BlockId) -> bool {
    let edges = function
        .blocks
        .iter()
        .flat_map(|from| from.end.successors());
    edges.filter(|&(_, to)| to == block).count() == 1
}

fn write_block(function: &Function, bare: &Bare) -> Option<BlockId> {
    let found = function
        .blocks
        .iter()
        .position(|block| block.instrs.iter().any(|i| i.at.span == bare.write.at.span))?;
    Some(BlockId(found as u32))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    Nothing,
    /// Compared with nil.
    Test(Span),
    /// Given a value.
    Made,
    /// Made by a callee, or its length looked at.
    Other,
    /// Written before.
    Written,
}

struct Look<'l, 'w, 'u> {
    worker: &'l mut Worker<'w>,
    unit: &'l Unit,
    definitions: &'l Definitions<'u>,
    field: &'l FieldName,
    makers: &'l FxHashSet<Symbol>,
}

impl Look<'_, '_, '_> {
    fn is_field(&mut self, place: PlaceId) -> bool {
        let place = self.definitions.alias_of(place);
        names::field(self.worker, self.unit, place).as_ref() == Some(self.field)
    }

    fn op(&mut self, op: &Op) -> Seen {
        match op {
            Op::Assign { dst, value, .. } => {
                if matches!(value, Value::Zero(_) | Value::Use(Operand::Nil)) {
                    return Seen::Nothing;
                }
                let written = matches!(self.unit.places.get(*dst).kind, PlaceKind::Field { .. })
                    && names::field(self.worker, self.unit, *dst).as_ref() == Some(self.field);
                if written { Seen::Made } else { Seen::Nothing }
            }
            Op::MapWrite { elem, .. } => match self.unit.places.get(*elem).kind {
                PlaceKind::MapElem { map, .. } if self.is_field(map) => Seen::Written,
                _ => Seen::Nothing,
            },
            Op::Call(call) => {
                let name = match call.callee {
                    Callee::Static(name) => name.name,
                    Callee::Interface { name, .. } => name,
                    _ => return Seen::Nothing,
                };
                if self.makers.contains(&name) {
                    Seen::Other
                } else {
                    Seen::Nothing
                }
            }
            _ => Seen::Nothing,
        }
    }

    fn block(&mut self, function: &Function, block: usize) -> Seen {
        let block = &function.blocks[block];
        for instr in &block.instrs {
            let seen = self.op(&instr.op);
            if seen != Seen::Nothing {
                return seen;
            }
        }
        let test = match &block.end {
            Terminator::Branch { cond, .. } => match *cond {
                Cond::IsNil(place) if self.is_field(place) => {
                    return Seen::Test(block.end_at.span);
                }
                Cond::IsEmpty(place) => self.is_field(place),
                Cond::Less(x, y) | Cond::Equal(x, y) => [x, y].into_iter().any(|operand| {
                    matches!(operand, Operand::Place(place) if self.is_len(function, place))
                }),
                _ => false,
            },
            _ => false,
        };
        match test {
            true => Seen::Other,
            false => Seen::Nothing,
        }
    }

    /// Whether the write stands where something was found in the field:
    /// `if v, ok := x.f[k]; ok { ... }`.
    fn found_before(&mut self, function: &Function, graph: &Graph, write: BlockId) -> bool {
        let reads = function.blocks.iter().flat_map(|block| &block.instrs);
        let reads: Vec<(PlaceId, Option<PlaceId>)> = reads
            .filter_map(|instr| match instr.op {
                Op::Assign {
                    dst,
                    value: Value::MapRead { elem },
                    ok,
                } => {
                    let map = self.unit.places.parent(elem)?;
                    self.is_field(map).then_some((dst, ok))
                }
                _ => None,
            })
            .collect();
        function.blocks.iter().any(|block| {
            let Terminator::Branch { cond, then, other } = &block.end else {
                return false;
            };
            let found = match *cond {
                Cond::True(asked) => reads
                    .iter()
                    .any(|&(dst, ok)| asked == dst || ok == Some(asked))
                    .then_some(*then),
                Cond::IsNil(asked) | Cond::IsEmpty(asked) => {
                    reads.iter().any(|&(dst, _)| asked == dst).then_some(*other)
                }
                _ => None,
            };
            found
                .is_some_and(|found| entered_once(function, found) && graph.dominates(found, write))
        })
    }

    /// Whether a temporary is the length of the field.
    fn is_len(&mut self, function: &Function, place: PlaceId) -> bool {
        let lens = function
            .blocks
            .iter()
            .flat_map(|block| &block.instrs)
            .filter_map(|instr| match &instr.op {
                Op::Assign {
                    dst,
                    value: Value::Len(Operand::Place(of)),
                    ..
                } if *dst == place => Some(*of),
                _ => None,
            });
        let lens: Vec<PlaceId> = lens.collect();
        lens.into_iter().any(|of| self.is_field(of))
    }

    /// What stands in the block of the write before it.
    fn instrs_before(&mut self, function: &Function, block: usize, bare: &Bare) -> Seen {
        for instr in &function.blocks[block].instrs {
            if instr.at.span == bare.write.at.span && matches!(instr.op, Op::MapWrite { .. }) {
                break;
            }
            let seen = self.op(&instr.op);
            if seen != Seen::Nothing {
                return seen;
            }
        }
        Seen::Nothing
    }
}
