//! Units as text, for tests and debugging.

use crate::ir::*;
use crate::place::{PlaceId, PlaceKind};
use rustc_hash::FxHashMap;
use std::fmt::Write;
use tophash_syntax::Symbol;
use tophash_syntax::ast::{BinaryOp, UnaryOp};
use tophash_types::{Checker, PackageId, TypeId};

/// A unit as text: one line for each instruction, in the order of the blocks.
pub fn dump(unit: &Unit, checker: &mut Checker<'_>) -> String {
    let mut dumper = Dumper {
        unit,
        package: Some(checker.world().package_of(unit.file)),
        checker,
        names: names(unit),
        out: String::new(),
    };
    for function in &unit.functions {
        dumper.function(function);
    }
    dumper.out
}

/// What each variable is called: its name, with a number where several have it.
fn names(unit: &Unit) -> Vec<String> {
    let mut taken: FxHashMap<Symbol, u32> = FxHashMap::default();
    let mut temps = 0;
    let name = |var: &Var| match (var.name, var.kind) {
        (Some(name), _) => {
            let count = taken.entry(name).or_default();
            *count += 1;
            match *count {
                1 => name.to_string(),
                n => format!("{name}'{n}"),
            }
        }
        (None, VarKind::Result(n)) => format!("result{n}"),
        (None, VarKind::Param(n)) => format!("param{n}"),
        (None, VarKind::Receiver) => "receiver".to_owned(),
        (None, VarKind::Local | VarKind::Temp) => {
            temps += 1;
            format!("t{temps}")
        }
    };
    unit.vars.iter().map(name).collect()
}

struct Dumper<'a, 'w> {
    unit: &'a Unit,
    package: Option<PackageId>,
    checker: &'a mut Checker<'w>,
    names: Vec<String>,
    out: String,
}

impl Dumper<'_, '_> {
    fn function(&mut self, function: &Function) {
        let title = match function.parent {
            None => format!("func {}", self.func_name(self.unit.name)),
            Some(_) => format!("closure {}", function.id.0),
        };
        let params: Vec<String> = function.params.iter().map(|&v| self.declared(v)).collect();
        let results: Vec<String> = function.results.iter().map(|&v| self.declared(v)).collect();
        let dots = if function.variadic { " variadic" } else { "" };
        let _ = write!(self.out, "{title}({})", params.join(", "));
        if !results.is_empty() {
            let _ = write!(self.out, " ({})", results.join(", "));
        }
        let _ = write!(self.out, "{dots}");
        if let Some(receiver) = function.receiver {
            let receiver = self.declared(receiver);
            let _ = write!(self.out, " receiver {receiver}");
        }
        if !function.captures.is_empty() {
            let captures: Vec<&str> = function
                .captures
                .iter()
                .map(|v| self.names[v.index()].as_str())
                .collect();
            let _ = write!(self.out, " captures {}", captures.join(", "));
        }
        if function.recovers {
            let _ = write!(self.out, " recovers");
        }
        self.out.push('\n');
        for (n, block) in function.blocks.iter().enumerate() {
            let _ = writeln!(self.out, "b{n}:");
            for instr in &block.instrs {
                let line = self.op(&instr.op, function);
                let _ = writeln!(self.out, "  {line}");
            }
            let line = self.end(&block.end);
            let _ = writeln!(self.out, "  {line}");
        }
        self.out.push('\n');
    }

    fn declared(&mut self, var: VarId) -> String {
        let ty = self.ty(self.unit.var(var).ty);
        format!("{} {ty}", self.names[var.index()])
    }

    fn ty(&mut self, ty: TypeId) -> String {
        if ty.is_unknown() {
            return "?".to_owned();
        }
        self.checker.short_type_string(ty, self.package)
    }

    fn func_name(&self, name: FuncName) -> String {
        match name.receiver {
            Some(receiver) => format!("{}.{receiver}.{}", name.package, name.name),
            None => format!("{}.{}", name.package, name.name),
        }
    }

    fn place(&self, id: PlaceId) -> String {
        match self.unit.places.get(id).kind {
            PlaceKind::Var(var) => self.names[var.index()].clone(),
            PlaceKind::Global { package, name } => format!("{package}.{name}"),
            PlaceKind::Deref(pointer) => format!("(*{})", self.place(pointer)),
            PlaceKind::Field { base, name, .. } => format!("{}.{name}", self.place(base)),
            PlaceKind::Index { base, index } => {
                format!("{}[{}]", self.place(base), self.operand(index))
            }
            PlaceKind::MapElem { map, key } => {
                format!("{}[{}]", self.place(map), self.operand(key))
            }
        }
    }

    fn operand(&self, operand: Operand) -> String {
        match operand {
            Operand::Place(place) => self.place(place),
            Operand::Addr(place) => format!("&{}", self.place(place)),
            Operand::Nil => "nil".to_owned(),
            Operand::Const(Const::Bool(b)) => b.to_string(),
            Operand::Const(Const::Int(n)) => n.to_string(),
            Operand::Const(Const::Str(text)) => format!("{:?}", text.as_str()),
            Operand::Const(Const::Other(_)) => "const".to_owned(),
        }
    }

    fn operands(&self, operands: &[Operand]) -> String {
        let texts: Vec<String> = operands.iter().map(|&o| self.operand(o)).collect();
        texts.join(", ")
    }

    fn op(&mut self, op: &Op, function: &Function) -> String {
        match op {
            Op::Declare(var) => format!("declare {}", self.declared(*var)),
            Op::Assign { dst, ok, value } => {
                let dst = self.place(*dst);
                let ok = match ok {
                    Some(ok) => format!(", {}", self.place(*ok)),
                    None => String::new(),
                };
                format!("{dst}{ok} = {}", self.value(value))
            }
            Op::MapWrite { elem, value, form } => {
                let form = match form {
                    WriteForm::Assign => "",
                    WriteForm::OpAssign => " (op=)",
                    WriteForm::IncDec => " (++)",
                    WriteForm::Clause => " (clause)",
                };
                let (elem, value) = (self.place(*elem), self.operand(*value));
                format!("map write {elem} = {value}{form}")
            }
            Op::MapDelete { elem } => format!("map delete {}", self.place(*elem)),
            Op::MapClear { map } => format!("map clear {}", self.place(*map)),
            Op::Call(call) => self.call(call),
            Op::Go(call) => format!("go {}", self.call(call)),
            Op::Defer(id) => match function.defers.get(id.index()) {
                Some(deferred) => format!("defer {}: {}", id.0, self.call(&deferred.call)),
                None => format!("defer {}", id.0),
            },
            Op::NoCase { .. } => "no case".to_owned(),
            Op::Send { chan, value } => {
                format!("send {} <- {}", self.operand(*chan), self.operand(*value))
            }
        }
    }

    fn call(&mut self, call: &Call) -> String {
        let callee = match call.callee {
            Callee::Static(name) => self.func_name(name),
            Callee::Interface { ty, name } => format!("({}).{name}", self.ty(ty)),
            Callee::Closure(id) => format!("closure {}", id.0),
            Callee::Value(place) => format!("value {}", self.place(place)),
            Callee::Builtin(builtin) => builtin.name().to_owned(),
            Callee::Unknown => "?".to_owned(),
        };
        let results: Vec<String> = call.results.iter().map(|&r| self.place(r)).collect();
        let results = match results.as_slice() {
            [] => String::new(),
            results => format!("{} = ", results.join(", ")),
        };
        let receiver = match call.receiver {
            Some(receiver) => format!(" on {}", self.operand(receiver)),
            None => String::new(),
        };
        let args = self.operands(&call.args);
        let spread = if call.spread { "..." } else { "" };
        format!("{results}call {callee}({args}{spread}){receiver}")
    }

    fn value(&mut self, value: &Value) -> String {
        match value {
            Value::Use(operand) => self.operand(*operand),
            Value::Zero(ty) => format!("zero {}", self.ty(*ty)),
            Value::MakeMap { ty, hint } => {
                let hint = hint.map_or(String::new(), |n| format!(", {}", self.operand(n)));
                format!("make {}{hint}", self.ty(*ty))
            }
            Value::MapLit { ty, entries } => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|&(k, v)| format!("{}: {}", self.operand(k), self.operand(v)))
                    .collect();
                format!("{}{{{}}}", self.ty(*ty), entries.join(", "))
            }
            Value::StructLit { ty, fields } => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|&(n, v)| format!("{n}: {}", self.operand(v)))
                    .collect();
                format!("{}{{{}}}", self.ty(*ty), fields.join(", "))
            }
            Value::ListLit { ty, elems, keyed } => {
                let keyed = if *keyed { " keyed" } else { "" };
                format!("{}{{{}}}{keyed}", self.ty(*ty), self.operands(elems))
            }
            Value::MakeSlice { ty, len } => {
                format!("make {}, {}", self.ty(*ty), self.operand(*len))
            }
            Value::MakeChan { ty, size } => {
                let size = size.map_or(String::new(), |n| format!(", {}", self.operand(n)));
                format!("make {}{size}", self.ty(*ty))
            }
            Value::New(ty) => format!("new {}", self.ty(*ty)),
            Value::Closure(id) => format!("closure {}", id.0),
            Value::Func(name) => format!("func {}", self.func_name(*name)),
            Value::MethodValue { receiver, method } => {
                let method = match *method {
                    Method::Static(name) => self.func_name(name),
                    Method::Interface { ty, name } => format!("({}).{name}", self.ty(ty)),
                };
                format!("method {method} on {}", self.operand(*receiver))
            }
            Value::Convert { x, ty } => format!("convert {} to {}", self.operand(*x), self.ty(*ty)),
            Value::TypeAssert { x, ty } => {
                format!("assert {} to {}", self.operand(*x), self.ty(*ty))
            }
            Value::MapRead { elem } => format!("map read {}", self.place(*elem)),
            Value::Recv { chan } => format!("receive {}", self.operand(*chan)),
            Value::Len(x) => format!("len {}", self.operand(*x)),
            Value::Append {
                slice,
                elems,
                spread,
            } => {
                let spread = if *spread { "..." } else { "" };
                let (slice, elems) = (self.operand(*slice), self.operands(elems));
                format!("append {slice}: {elems}{spread}")
            }
            Value::Slice(x) => format!("slice {}", self.operand(*x)),
            Value::Binary { op, x, y } => {
                format!("{} {} {}", self.operand(*x), binary(*op), self.operand(*y))
            }
            Value::Unary { op, x } => format!("{}{}", unary(*op), self.operand(*x)),
            Value::Recover => "recover".to_owned(),
            Value::Unknown => "?".to_owned(),
        }
    }

    fn end(&self, end: &Terminator) -> String {
        match end {
            Terminator::Jump(to) => format!("jump b{}", to.0),
            Terminator::Branch { cond, then, other } => {
                let cond = match *cond {
                    Cond::IsNil(place) => format!("nil {}", self.place(place)),
                    Cond::IsEmpty(place) => format!("empty {}", self.place(place)),
                    Cond::True(place) => self.place(place),
                    Cond::Equal(x, y) => format!("{} == {}", self.operand(x), self.operand(y)),
                    Cond::Less(x, y) => format!("{} < {}", self.operand(x), self.operand(y)),
                    Cond::Deferred(id) => format!("deferred {}", id.0),
                    Cond::Opaque => "?".to_owned(),
                };
                format!("if {cond} then b{} else b{}", then.0, other.0)
            }
            Terminator::Range(next) => {
                let vars: Vec<String> = [next.key, next.value]
                    .iter()
                    .map(|v| v.map_or("_".to_owned(), |v| self.place(v)))
                    .collect();
                let over = match next.over {
                    RangeOver::Map => "map",
                    RangeOver::List => "list",
                    RangeOver::String => "string",
                    RangeOver::Int => "int",
                    RangeOver::Chan => "chan",
                    RangeOver::Func => "func",
                    RangeOver::Unknown => "?",
                };
                let x = self.operand(next.x);
                let (body, done) = (next.body.0, next.done.0);
                format!(
                    "{} = range {over} {x} then b{body} done b{done}",
                    vars.join(", ")
                )
            }
            Terminator::Select(blocks) => {
                let blocks: Vec<String> = blocks.iter().map(|b| format!("b{}", b.0)).collect();
                format!("select {}", blocks.join(", "))
                    .trim_end()
                    .to_owned()
            }
            Terminator::Return => "return".to_owned(),
            Terminator::Diverge(Divergence::Panic) => "panic".to_owned(),
            Terminator::Diverge(Divergence::Goexit) => "goexit".to_owned(),
            Terminator::Diverge(Divergence::Exit) => "exit".to_owned(),
        }
    }
}

fn binary(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Quo => "/",
        BinaryOp::Rem => "%",
        BinaryOp::And => "&",
        BinaryOp::Or => "|",
        BinaryOp::Xor => "^",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::AndNot => "&^",
        BinaryOp::LAnd => "&&",
        BinaryOp::LOr => "||",
        BinaryOp::Eql => "==",
        BinaryOp::Neq => "!=",
        BinaryOp::Lss => "<",
        BinaryOp::Leq => "<=",
        BinaryOp::Gtr => ">",
        BinaryOp::Geq => ">=",
    }
}

fn unary(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Plus => "+",
        UnaryOp::Minus => "-",
        UnaryOp::Not => "!",
        UnaryOp::Xor => "^",
        UnaryOp::And => "&",
        UnaryOp::Recv => "<-",
        UnaryOp::Tilde => "~",
    }
}
