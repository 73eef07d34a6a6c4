//! Which variables still matter at a point.

use rustc_hash::FxHashSet;
use tophash_flow::{
    BlockId, Call, Callee, Cond, FnId, Function, Graph, Op, Operand, PlaceId, PlaceKind,
    Terminator, Unit, Value, VarId,
};

/// For each block of a function, the variables that are read there or later, before
/// they are assigned.
pub(crate) struct Liveness {
    live: Vec<FxHashSet<VarId>>,
    /// Variables that are read anywhere in the function.
    pub read: FxHashSet<VarId>,
}

impl Liveness {
    pub(crate) fn new(unit: &Unit, id: FnId) -> Liveness {
        let function = unit.function(id);
        let uses: Vec<Uses> = function
            .blocks
            .iter()
            .map(|block| {
                let mut uses = Uses::new(unit);
                block
                    .instrs
                    .iter()
                    .for_each(|instr| uses.op(&instr.op, function));
                uses.end(&block.end, function);
                uses
            })
            .collect();
        let read = uses.iter().flat_map(|u| u.ever.iter().copied()).collect();
        let mut live: Vec<FxHashSet<VarId>> = uses.iter().map(|u| u.read.clone()).collect();
        let graph = Graph::new(function);
        let mut changed = true;
        while changed {
            changed = false;
            for &block in graph.order.iter().rev() {
                let n = block.index();
                let before = live[n].len();
                for (_, to) in function.block(block).end.successors() {
                    let new: Vec<VarId> = live[to.index()]
                        .iter()
                        .copied()
                        .filter(|var| !uses[n].assigned.contains(var))
                        .collect();
                    live[n].extend(new);
                }
                changed |= live[n].len() != before;
            }
        }
        Liveness { live, read }
    }

    /// Whether a variable may still be read from the beginning of a block on.
    pub(crate) fn is_live(&self, block: BlockId, var: VarId) -> bool {
        self.live[block.index()].contains(&var)
    }
}

/// What a block reads before it assigns it, and what it assigns as a whole.
struct Uses<'u> {
    unit: &'u Unit,
    read: FxHashSet<VarId>,
    /// What it reads at all.
    ever: FxHashSet<VarId>,
    assigned: FxHashSet<VarId>,
}

impl<'u> Uses<'u> {
    fn new(unit: &'u Unit) -> Uses<'u> {
        Uses {
            unit,
            read: FxHashSet::default(),
            ever: FxHashSet::default(),
            assigned: FxHashSet::default(),
        }
    }

    fn var(&mut self, var: VarId) {
        self.ever.insert(var);
        if !self.assigned.contains(&var) {
            self.read.insert(var);
        }
    }

    fn place(&mut self, place: PlaceId) {
        let mut at = Some(place);
        while let Some(place) = at {
            match self.unit.places.get(place).kind {
                PlaceKind::Var(var) => self.var(var),
                PlaceKind::Index { index, .. } => self.operand(index),
                PlaceKind::MapElem { key, .. } => self.operand(key),
                _ => {}
            }
            at = self.unit.places.parent(place);
        }
    }

    fn operand(&mut self, operand: Operand) {
        match operand {
            Operand::Place(place) | Operand::Addr(place) => self.place(place),
            Operand::Const(_) | Operand::Nil => {}
        }
    }

    fn target(&mut self, place: PlaceId) {
        match self.unit.places.get(place).kind {
            PlaceKind::Var(var) => {
                self.assigned.insert(var);
            }
            _ => self.place(place),
        }
    }

    fn captures(&mut self, id: FnId) {
        for &var in &self.unit.function(id).captures {
            self.var(var);
        }
    }

    fn call(&mut self, call: &Call) {
        match call.callee {
            Callee::Value(place) => self.place(place),
            Callee::Closure(id) => self.captures(id),
            _ => {}
        }
        for &operand in call.receiver.iter().chain(call.args.iter()) {
            self.operand(operand);
        }
        for &result in &call.results {
            self.target(result);
        }
    }

    fn op(&mut self, op: &Op, function: &Function) {
        match op {
            Op::Declare(var) => {
                self.assigned.insert(*var);
            }
            Op::Assign { dst, ok, value } => {
                self.value(value);
                self.target(*dst);
                if let Some(ok) = ok {
                    self.target(*ok);
                }
            }
            Op::MapWrite { elem, value, .. } => {
                self.operand(*value);
                self.place(*elem);
            }
            Op::MapDelete { elem } => self.place(*elem),
            Op::MapClear { map } => self.place(*map),
            Op::Call(call) | Op::Go(call) => self.call(call),
            Op::Defer(id) => self.call(&function.defers[id.index()].call),
            Op::NoCase { .. } => {}
            Op::Send { chan, value } => {
                self.operand(*chan);
                self.operand(*value);
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Use(x)
            | Value::Convert { x, .. }
            | Value::TypeAssert { x, .. }
            | Value::Unary { x, .. }
            | Value::Len(x)
            | Value::Slice(x)
            | Value::Recv { chan: x }
            | Value::MethodValue { receiver: x, .. } => self.operand(*x),
            Value::MapLit { entries, .. } => {
                for (key, value) in entries {
                    self.operand(*key);
                    self.operand(*value);
                }
            }
            Value::StructLit { fields, .. } => {
                fields
                    .iter()
                    .for_each(|(_, operand)| self.operand(*operand));
            }
            Value::ListLit { elems, .. } => elems.iter().for_each(|&e| self.operand(e)),
            Value::MapRead { elem } => self.place(*elem),
            Value::Append { slice, elems, .. } => {
                self.operand(*slice);
                elems.iter().for_each(|&e| self.operand(e));
            }
            Value::Binary { x, y, .. } => {
                self.operand(*x);
                self.operand(*y);
            }
            Value::Closure(id) => self.captures(*id),
            Value::MakeSlice { len, .. } => self.operand(*len),
            Value::MakeMap { .. }
            | Value::MakeChan { .. }
            | Value::Zero(_)
            | Value::New(_)
            | Value::Func(_)
            | Value::Recover
            | Value::Unknown => {}
        }
    }

    fn end(&mut self, end: &Terminator, function: &Function) {
        match end {
            Terminator::Branch { cond, .. } => match cond {
                Cond::IsNil(place) | Cond::IsEmpty(place) | Cond::True(place) => self.place(*place),
                Cond::Equal(x, y) | Cond::Less(x, y) => {
                    self.operand(*x);
                    self.operand(*y);
                }
                Cond::Deferred(_) | Cond::Opaque => {}
            },
            Terminator::Range(next) => self.operand(next.x),
            Terminator::Return => function.results.iter().for_each(|&var| self.var(var)),
            Terminator::Jump(_) | Terminator::Select(_) | Terminator::Diverge(_) => {}
        }
    }
}
