//! Maps that are made for a caller who never sees them.
//!
//! A parameter is a variable of the function called: a new map assigned to it, or to a
//! field of a receiver that is a copy, ends with the call. That is a mistake where
//! nothing else is done with the new map than to fill it.

use crate::names;
use crate::origin::Loc;
use crate::worker::Worker;
use std::rc::Rc;
use tophash_flow::{
    Cond, FnId, Function, Op, Operand, PlaceId, PlaceKind, Terminator, Unit, Value, VarId,
};
use tophash_syntax::Span;

/// A map that is made and filled, and that nobody sees afterwards.
#[derive(Clone, Debug)]
pub struct LostMap {
    /// The assignment.
    pub at: Loc,
    /// The map in the words of the source.
    pub map: Rc<str>,
    /// The function around it.
    pub function: Rc<str>,
    /// The function's own name.
    pub name: Rc<str>,
    /// A field of the receiver, not a parameter.
    pub is_field: bool,
    /// Where the map is filled first.
    pub filled: Option<Loc>,
}

/// How a function uses a map in a variable.
#[derive(Default)]
struct Uses {
    made: Option<Span>,
    filled: Option<Span>,
    /// Something is done with it that may let others see it, or that uses what is in it.
    other: bool,
}

/// The lost maps of a unit's declared function.
pub(crate) fn lost(worker: &mut Worker, unit: &Unit) -> Vec<LostMap> {
    let function = unit.function(FnId::ROOT);
    let mut lost = Vec::new();
    for &param in &function.params {
        let var = unit.var(param);
        if var.name.is_none() || var.captured || var.address_taken || !worker.is_map(var.ty) {
            continue;
        }
        let uses = uses(unit, function, var.place);
        lost.extend(report(worker, unit, var.place, &uses, false));
    }
    if let Some(receiver) = function.receiver {
        let fields = receiver_fields(worker, unit, receiver);
        for field in fields {
            let uses = uses(unit, function, field);
            lost.extend(report(worker, unit, field, &uses, true));
        }
    }
    lost
}

fn report(
    worker: &Worker,
    unit: &Unit,
    place: PlaceId,
    uses: &Uses,
    is_field: bool,
) -> Option<LostMap> {
    let made = uses.made?;
    if uses.other || !is_field && uses.filled.is_none() {
        return None;
    }
    let loc = |span| Loc {
        file: unit.file,
        span,
    };
    Some(LostMap {
        at: loc(made),
        map: names::path(unit, place).into(),
        function: names::function(&worker.checker, unit, FnId::ROOT),
        name: names::short(unit, FnId::ROOT),
        is_field,
        filled: uses.filled.map(loc),
    })
}

/// The map fields of a receiver that is a struct of its own, where nothing can see the
/// receiver as a whole.
fn receiver_fields(worker: &mut Worker, unit: &Unit, receiver: VarId) -> Vec<PlaceId> {
    let var = unit.var(receiver);
    if var.captured || var.address_taken || var.name.is_none() {
        return Vec::new();
    }
    let function = unit.function(FnId::ROOT);
    if uses(unit, function, var.place).other {
        return Vec::new();
    }
    let fields: Vec<PlaceId> = unit.places.children(var.place).collect();
    let is_field =
        |&field: &PlaceId| matches!(unit.places.get(field).kind, PlaceKind::Field { .. });
    fields
        .into_iter()
        .filter(is_field)
        .filter(|&field| worker.is_map(unit.places.get(field).ty))
        .collect()
}

/// What a function does with what lies at a path.
fn uses(unit: &Unit, function: &Function, place: PlaceId) -> Uses {
    let mut uses = Uses::default();
    let is_it =
        |operand: &Operand| matches!(operand, Operand::Place(p) | Operand::Addr(p) if *p == place);
    let map_of = |elem: PlaceId| unit.places.parent(elem);
    for block in &function.blocks {
        for (n, instr) in block.instrs.iter().enumerate() {
            match &instr.op {
                Op::Assign { dst, value, ok } => {
                    let written = *dst == place || *ok == Some(place);
                    match value {
                        Value::MakeMap { .. } | Value::MapLit { .. } if written => {
                            uses.made.get_or_insert(instr.at.span);
                        }
                        // What else it is given, others know.
                        _ if written => uses.other = true,
                        Value::MapRead { elem } if map_of(*elem) == Some(place) => {
                            // `m[k]++` reads what it writes.
                            let next = block.instrs[n..].iter().take(4).any(|next| {
                                matches!(next.op, Op::MapWrite { elem: e, .. } if e == *elem)
                            });
                            uses.other |= !next;
                        }
                        value => uses.other |= operands(value).iter().any(is_it),
                    }
                }
                Op::MapWrite { elem, value, .. } => {
                    if map_of(*elem) == Some(place) {
                        uses.filled.get_or_insert(instr.at.span);
                    }
                    uses.other |= is_it(value);
                }
                Op::MapDelete { .. } | Op::MapClear { .. } | Op::Declare(_) => {}
                Op::Call(call) | Op::Go(call) => {
                    uses.other |= call.args.iter().chain(&call.receiver).any(is_it);
                }
                Op::Defer(id) => {
                    let call = &function.defers[id.index()].call;
                    uses.other |= call.args.iter().chain(&call.receiver).any(is_it);
                }
                Op::NoCase { .. } => {}
                Op::Send { value, .. } => uses.other |= is_it(value),
            }
        }
        uses.other |= match &block.end {
            Terminator::Range(next) => is_it(&next.x),
            Terminator::Branch { cond, .. } => match cond {
                Cond::Equal(x, y) | Cond::Less(x, y) => is_it(x) || is_it(y),
                Cond::IsNil(_)
                | Cond::IsEmpty(_)
                | Cond::True(_)
                | Cond::Deferred(_)
                | Cond::Opaque => false,
            },
            _ => false,
        };
    }
    uses
}

/// What a value is made from.
fn operands(value: &Value) -> Vec<Operand> {
    match value {
        Value::Use(x)
        | Value::Slice(x)
        | Value::Len(x)
        | Value::Convert { x, .. }
        | Value::TypeAssert { x, .. }
        | Value::Recv { chan: x }
        | Value::Unary { x, .. }
        | Value::MethodValue { receiver: x, .. } => vec![*x],
        Value::Binary { x, y, .. } => vec![*x, *y],
        Value::MapLit { entries, .. } => entries.iter().flat_map(|&(k, v)| [k, v]).collect(),
        Value::StructLit { fields, .. } => fields.iter().map(|&(_, v)| v).collect(),
        Value::ListLit { elems, .. } => elems.to_vec(),
        Value::Append { slice, elems, .. } => {
            let mut all = elems.to_vec();
            all.push(*slice);
            all
        }
        Value::MakeMap { .. }
        | Value::MakeSlice { .. }
        | Value::MakeChan { .. }
        | Value::New(_)
        | Value::Closure(_)
        | Value::Func(_)
        | Value::MapRead { .. }
        | Value::Zero(_)
        | Value::Recover
        | Value::Unknown => Vec::new(),
    }
}
