//! What holds of every unit, whatever it was made from.

use crate::graph::reverse_postorder;
use crate::ir::*;
use crate::place::{PlaceId, PlaceKind};

/// Checks a unit against the rules of `ir`; says what is wrong with it. For tests:
/// lowering gives no unit that breaks them.
pub fn verify(unit: &Unit) -> Vec<String> {
    let mut problems = Vec::new();
    for (n, function) in unit.functions.iter().enumerate() {
        let mut verifier = Verifier {
            unit,
            function,
            problems: Vec::new(),
            defined: vec![false; unit.vars.len()],
            used: vec![false; unit.vars.len()],
        };
        if function.id.index() != n {
            verifier.problem("stands in the place of another function");
        }
        verifier.run();
        problems.append(&mut verifier.problems);
    }
    problems
}

struct Verifier<'a> {
    unit: &'a Unit,
    function: &'a Function,
    problems: Vec<String>,
    defined: Vec<bool>,
    used: Vec<bool>,
}

impl Verifier<'_> {
    fn problem(&mut self, text: impl std::fmt::Display) {
        let FuncName {
            package,
            receiver,
            name,
        } = self.unit.name;
        let receiver = receiver.map_or("", |r| r.as_str());
        let id = self.function.id.0;
        self.problems
            .push(format!("{package}.{receiver}.{name} function {id}: {text}"));
    }

    fn run(&mut self) {
        self.parent();
        self.blocks();
        let function = self.function;
        let signature = function.receiver.iter();
        let signature = signature.chain(&function.params).chain(&function.results);
        for var in signature {
            self.defined[var.index()] = true;
        }
        for block in &function.blocks {
            for instr in &block.instrs {
                self.op(&instr.op);
            }
            self.end(&block.end);
        }
        self.variables();
    }

    fn parent(&mut self) {
        match self.function.parent {
            None if self.function.id != FnId::ROOT => self.problem("has no parent"),
            Some(parent) if parent >= self.function.id => self.problem("stands before its parent"),
            _ => {}
        }
    }

    fn blocks(&mut self) {
        let count = self.function.blocks.len();
        if count == 0 {
            return self.problem("has no blocks");
        }
        for (n, block) in self.function.blocks.iter().enumerate() {
            for (_, to) in block.end.successors() {
                if to.index() >= count {
                    return self.problem(format_args!("b{n} goes to b{}, which is none", to.0));
                }
            }
        }
        let reached = reverse_postorder(count, |b| &self.function.block(b).end).len();
        if reached != count {
            self.problem(format_args!("{} blocks can't be reached", count - reached));
        }
    }

    /// Every variable used is declared here, or captured from a function around.
    fn variables(&mut self) {
        for n in 0..self.unit.vars.len() {
            let var = &self.unit.vars[n];
            let id = VarId(n as u32);
            if var.owner == self.function.id {
                if self.used[n] && !self.defined[n] && !var.captured {
                    let kind = var.kind;
                    self.problem(format_args!(
                        "variable {n} ({kind:?}) is used, but not defined"
                    ));
                }
            } else if (self.used[n] || self.defined[n]) && !self.function.captures.contains(&id) {
                self.problem(format_args!("variable {n} is used, but not captured"));
            }
        }
        for &capture in &self.function.captures {
            let var = self.unit.var(capture);
            if !var.captured {
                self.problem(format_args!(
                    "variable {} is not marked captured",
                    capture.0
                ));
            }
            let mut at = self.function.parent;
            while let Some(parent) = at
                && parent != var.owner
            {
                at = self.unit.function(parent).parent;
            }
            if at.is_none() {
                self.problem(format_args!("captures {} from elsewhere", capture.0));
            }
        }
    }

    fn op(&mut self, op: &Op) {
        match op {
            Op::Declare(var) => self.defined[var.index()] = true,
            Op::Assign { dst, ok, value } => {
                self.value(value);
                self.written(*dst);
                if let Some(ok) = ok {
                    self.written(*ok);
                    if !matches!(
                        value,
                        Value::MapRead { .. }
                            | Value::TypeAssert { .. }
                            | Value::Recv { .. }
                            | Value::Unknown
                    ) {
                        self.problem("has a second value where there is only one");
                    }
                }
            }
            Op::MapWrite { elem, value, .. } => {
                self.elem(*elem);
                self.operand(*value);
            }
            Op::MapDelete { elem } => self.elem(*elem),
            Op::MapClear { map } => self.read(*map),
            Op::Call(call) | Op::Go(call) => self.call(call),
            Op::Defer(id) => match self.function.defers.get(id.index()) {
                Some(deferred) => self.call(&deferred.call),
                None => self.problem("defers what is not known"),
            },
            Op::NoCase { .. } => {}
            Op::Send { chan, value } => {
                self.operand(*chan);
                self.operand(*value);
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::MapRead { elem } => self.elem(*elem),
            Value::Use(x)
            | Value::MethodValue { receiver: x, .. }
            | Value::Convert { x, .. }
            | Value::TypeAssert { x, .. }
            | Value::Recv { chan: x }
            | Value::Len(x)
            | Value::Slice(x)
            | Value::Unary { x, .. }
            | Value::MakeSlice { len: x, .. } => self.operand(*x),
            Value::MakeMap { hint: x, .. } | Value::MakeChan { size: x, .. } => {
                x.iter().for_each(|&x| self.operand(x));
            }
            Value::MapLit { entries, .. } => {
                for &(key, value) in entries {
                    self.operand(key);
                    self.operand(value);
                }
            }
            Value::StructLit { fields, .. } => {
                fields.iter().for_each(|&(_, x)| self.operand(x));
            }
            Value::ListLit { elems, .. } => elems.iter().for_each(|&x| self.operand(x)),
            Value::Append { slice, elems, .. } => {
                self.operand(*slice);
                elems.iter().for_each(|&x| self.operand(x));
            }
            Value::Binary { x, y, .. } => {
                self.operand(*x);
                self.operand(*y);
            }
            Value::Closure(id) => self.closure(*id),
            Value::Zero(_) | Value::New(_) | Value::Func(_) | Value::Recover | Value::Unknown => {}
        }
    }

    fn closure(&mut self, id: FnId) {
        if id == FnId::ROOT || id.index() >= self.unit.functions.len() {
            self.problem("uses a closure that is none");
        }
    }

    fn call(&mut self, call: &Call) {
        match call.callee {
            Callee::Closure(id) => self.closure(id),
            Callee::Value(place) => self.read(place),
            _ => {}
        }
        call.receiver.iter().for_each(|&x| self.operand(x));
        call.args.iter().for_each(|&x| self.operand(x));
        call.results.iter().for_each(|&x| self.written(x));
    }

    fn end(&mut self, end: &Terminator) {
        match end {
            Terminator::Branch { cond, .. } => match *cond {
                Cond::IsNil(place) | Cond::IsEmpty(place) | Cond::True(place) => self.read(place),
                Cond::Equal(x, y) | Cond::Less(x, y) => {
                    self.operand(x);
                    self.operand(y);
                }
                Cond::Deferred(_) | Cond::Opaque => {}
            },
            Terminator::Range(next) => {
                self.operand(next.x);
                next.key
                    .iter()
                    .chain(&next.value)
                    .for_each(|&p| self.written(p));
            }
            Terminator::Jump(_)
            | Terminator::Select(_)
            | Terminator::Return
            | Terminator::Diverge(_) => {}
        }
    }

    fn operand(&mut self, operand: Operand) {
        if let Operand::Place(place) | Operand::Addr(place) = operand {
            self.read(place);
        }
    }

    fn elem(&mut self, elem: PlaceId) {
        match self.unit.places.get(elem).kind {
            PlaceKind::MapElem { map, key } => {
                self.read(map);
                self.operand(key);
            }
            _ => self.problem("uses a path as a map element that is none"),
        }
    }

    fn read(&mut self, place: PlaceId) {
        match self.unit.places.get(place).kind {
            PlaceKind::Var(var) => self.used[var.index()] = true,
            PlaceKind::Global { .. } => {}
            PlaceKind::Deref(base) | PlaceKind::Field { base, .. } => self.read(base),
            PlaceKind::Index { base, index } => {
                self.read(base);
                self.operand(index);
            }
            PlaceKind::MapElem { .. } => self.problem("reads a map element as part of a path"),
        }
    }

    fn written(&mut self, place: PlaceId) {
        match self.unit.places.get(place).kind {
            PlaceKind::Var(var) => {
                // An assignment defines a temporary; a variable must be declared.
                let temp = self.unit.var(var).kind == VarKind::Temp;
                if temp {
                    self.defined[var.index()] = true;
                } else {
                    self.used[var.index()] = true;
                }
            }
            _ => self.read(place),
        }
    }
}
