//! Fields that a method sets to nil for good, and that another method writes later.

use crate::fields::Cause;
use crate::fields::uses::{Use, UseKind, function_name};
use crate::names_index::FuncRef;
use crate::summary::FieldName;
use crate::worker::{Worker, is_exported};
use rustc_hash::FxHashSet;
use tophash_flow::{Callee, Const, FnId, Op, Operand, PlaceId, PlaceKind, Unit, Value};
use tophash_syntax::Symbol;
use tophash_syntax::ast::{ExprId, ExprKind};
use tophash_types::{Builtin, PackageId};

/// The method that sets the field of its receiver to nil, if the one that writes to it can
/// run later: both are there for anyone to call, or the first raises a flag that others
/// look at and the second does not.
pub(crate) fn cleared(
    worker: &mut Worker,
    package: PackageId,
    writer: FuncRef,
    unit: &Unit,
    field: &FieldName,
    uses: &[Use],
) -> Option<Cause> {
    let nilled = uses.iter().find(|u| {
        u.kind == UseKind::Nilled
            && u.sure
            && u.giver.func.is_some_and(|func| {
                func != writer
                    && !worker.world.is_test(func.file)
                    && !uses.iter().any(|other| {
                        other.kind == UseKind::Assigned && other.giver.func == Some(func)
                    })
            })
    })?;
    let by = nilled.giver.func?;
    let clearing = worker.unit(by.file, by.func)?.unit.clone();
    if clearing.name.receiver != unit.name.receiver
        || clearing.name.receiver.is_none()
        || !is_of_receiver(worker, nilled)
    {
        return None;
    }
    if forbids_use(worker, by) {
        return None;
    }
    let touched = touched(&clearing, field.field);
    if looks_at(worker, unit, &touched.all, 2) {
        return None;
    }
    let anyone =
        is_exported(field.owner) && is_exported(clearing.name.name) && is_exported(unit.name.name);
    let flagged = touched
        .flags
        .iter()
        .any(|&flag| others_look_at(worker, package, by, flag));
    if !anyone && !flagged {
        return None;
    }
    Some(Cause::Cleared {
        at: nilled.at,
        function: function_name(worker, by),
    })
}

/// Whether a method's comment says that the object is of no use after it.
fn forbids_use(worker: &Worker, method: FuncRef) -> bool {
    const WORDS: [&str; 7] = [
        "unusable",
        "n't use",
        "not use",
        "not be use",
        "n't be use",
        "no longer",
        "never use",
    ];
    let file = worker.world.file(method.file);
    let doc = file.tree.doc(file.source, method.func).to_lowercase();
    doc.contains("after") && WORDS.iter().any(|word| doc.contains(word))
}

/// Whether `x` of `x.f = nil` is the receiver.
fn is_of_receiver(worker: &Worker, nilled: &Use) -> bool {
    let Some(func) = nilled.giver.func else {
        return false;
    };
    let ast = &worker.world.file(func.file).tree.ast;
    let receiver = ast
        .func(func.func)
        .recv
        .and_then(|list| ast.fields(list).first())
        .and_then(|field| ast.list(field.names).first());
    let ExprKind::Selector { x, .. } = ast.expr(nilled.giver.expr).kind else {
        return false;
    };
    matches!((ast.expr(ast.unparen(x)).kind, receiver),
        (ExprKind::Ident(name), Some(receiver)) if receiver.name == name)
}

/// Fields of the receiver by which a method tells others what it did.
struct Touched {
    /// Assigned, or things of theirs that are closed, fired or called.
    all: FxHashSet<Symbol>,
    /// Set to true.
    flags: FxHashSet<Symbol>,
}

/// Methods that change the state of what they are called on.
const SIGNALS: [&str; 9] = [
    "Fire",
    "Close",
    "Store",
    "Set",
    "CompareAndSwap",
    "Swap",
    "Cancel",
    "Stop",
    "Done",
];

fn touched(unit: &Unit, field: Symbol) -> Touched {
    let mut touched = Touched {
        all: FxHashSet::default(),
        flags: FxHashSet::default(),
    };
    let place_of = |operand: &Operand| match operand {
        Operand::Place(place) | Operand::Addr(place) => own_field(unit, *place),
        _ => None,
    };
    for instr in unit
        .functions
        .iter()
        .flat_map(|f| &f.blocks)
        .flat_map(|b| &b.instrs)
    {
        match &instr.op {
            Op::Assign { dst, value, .. } => {
                let Some(name) = own_field(unit, *dst) else {
                    continue;
                };
                touched.all.insert(name);
                if matches!(value, Value::Use(Operand::Const(Const::Bool(true)))) {
                    touched.flags.insert(name);
                }
            }
            Op::Call(call) => match call.callee {
                Callee::Static(name) if SIGNALS.contains(&name.name.as_str()) => {
                    touched
                        .all
                        .extend(call.receiver.iter().filter_map(place_of));
                }
                Callee::Interface { name, .. } if SIGNALS.contains(&name.as_str()) => {
                    touched
                        .all
                        .extend(call.receiver.iter().filter_map(place_of));
                }
                Callee::Builtin(Builtin::Close) => {
                    touched.all.extend(call.args.iter().filter_map(place_of));
                }
                Callee::Value(place) => touched.all.extend(own_field(unit, place)),
                _ => {}
            },
            _ => {}
        }
    }
    touched.all.remove(&field);
    touched
}

/// The field of the receiver that a path begins with; that of a temporary which holds one, too.
fn own_field(unit: &Unit, mut place: PlaceId) -> Option<Symbol> {
    let receiver = unit.function(FnId::ROOT).receiver?;
    let mut name = None;
    loop {
        place = match unit.places.get(place).kind {
            PlaceKind::Field {
                base, name: field, ..
            } => {
                name = Some(field);
                base
            }
            PlaceKind::Deref(base) | PlaceKind::Index { base, .. } => base,
            PlaceKind::MapElem { map, .. } => map,
            PlaceKind::Var(var) => return name.filter(|_| var == receiver),
            PlaceKind::Global { .. } => return None,
        };
    }
}

/// Whether a function, or a method that it calls on its receiver, reads one of the fields.
fn looks_at(worker: &mut Worker, unit: &Unit, fields: &FxHashSet<Symbol>, depth: usize) -> bool {
    let mentioned = (0..unit.places.len())
        .filter_map(|n| own_field(unit, PlaceId(n as u32)))
        .any(|name| fields.contains(&name));
    if mentioned || depth == 0 {
        return mentioned;
    }
    let calls = unit
        .functions
        .iter()
        .flat_map(|f| &f.blocks)
        .flat_map(|b| &b.instrs);
    let mut called = Vec::new();
    for instr in calls {
        if let Op::Call(call) = &instr.op
            && let Callee::Static(name) = call.callee
            && name.package == unit.name.package
            && name.receiver == unit.name.receiver
            && let Some(object) = call.object
        {
            called.push(object);
        }
    }
    called.into_iter().any(|object| {
        let unit = worker.unit_of(object).map(|analysis| analysis.unit.clone());
        unit.is_some_and(|unit| looks_at(worker, &unit, fields, depth - 1))
    })
}

/// Whether a function other than the one that raises a flag mentions it.
fn others_look_at(worker: &Worker, package: PackageId, by: FuncRef, flag: Symbol) -> bool {
    worker.world.files(package).iter().any(|&file| {
        let tree = worker.world.file(file).tree;
        let ast = &tree.ast;
        let functions = crate::names_index::Functions::new(file, tree);
        (0..ast.expr_count()).any(|n| {
            let expr = ast.expr(ExprId::from_index(n));
            matches!(expr.kind, ExprKind::Selector { name, .. } if name == flag)
                && functions.around(expr.span).is_some_and(|func| func != by)
        })
    })
}
