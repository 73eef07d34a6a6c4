//! Whether anything in a package gives a field a value.

use crate::names_index::{FuncRef, NamesIndex};
use crate::summary::FieldName;
use crate::worker::Worker;
use std::rc::Rc;
use tophash_syntax::Symbol;
use tophash_syntax::ast::{Ast, ExprId, ExprKind};
use tophash_types::{FileId, Selection, SelectionKind, TypeId, TypedBody};

/// A place that gives a field of that name a value. Whose field it is takes types to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Giver {
    pub file: FileId,
    /// The function around it; none at package level.
    pub func: Option<FuncRef>,
    /// The selector `x.name`, or the literal with the key `name`.
    pub expr: ExprId,
}

/// Whether the field gets a value anywhere in the package, as far as is known: what
/// has an unknown type may be the field's struct.
pub(crate) fn is_given(worker: &mut Worker, index: &NamesIndex, field: &FieldName) -> bool {
    if index.is_given(field.owner, field.field) {
        return true;
    }
    let givers = index.givers.get(&field.field);
    givers
        .into_iter()
        .flatten()
        .any(|giver| gives(worker, giver, field))
}

fn gives(worker: &mut Worker, giver: &Giver, field: &FieldName) -> bool {
    match owner(worker, giver, field.field) {
        Owner::Unknown => true,
        Owner::Other => false,
        Owner::Named(package, name) => (package, name) == (field.package, field.owner),
    }
}

/// Whose field of that name a place gives a value.
pub(crate) fn owner(worker: &mut Worker, giver: &Giver, field: Symbol) -> Owner {
    let body = body(worker, giver);
    let kind = &tree(worker, giver).expr(giver.expr).kind;
    match kind {
        ExprKind::CompositeLit { .. } => literal_owner(worker, body.type_of(giver.expr), field),
        _ => match body.selection(giver.expr) {
            Some(selection) if selection.kind == SelectionKind::Field => {
                selected_owner(worker, selection)
            }
            Some(_) => Owner::Other,
            // A variable of another package, unless nothing is known.
            None if body.object(giver.expr).is_some() => Owner::Other,
            None => Owner::Unknown,
        },
    }
}

/// Whose field something is.
pub(crate) enum Owner {
    /// That of a defined type, by package and name.
    Named(Symbol, Symbol),
    /// That of a struct type without a name, or no field.
    Other,
    Unknown,
}

impl Owner {
    /// The owner of the fields of a struct type, or of what a pointer to one points to.
    pub(crate) fn of(worker: &mut Worker, ty: TypeId) -> Owner {
        let ty = worker.pointee(ty).unwrap_or(ty);
        if !worker.checker.is_known(ty) {
            return Owner::Unknown;
        }
        match worker.named(ty) {
            Some((package, name)) => Owner::Named(package, name),
            None => Owner::Other,
        }
    }
}

/// The struct that a key of a literal belongs to: the literal's own or, since Go 1.27, one
/// that is embedded in it.
fn literal_owner(worker: &mut Worker, ty: TypeId, field: Symbol) -> Owner {
    let mut open = vec![worker.pointee(ty).unwrap_or(ty)];
    // Structs may embed each other through pointers.
    for _ in 0..8 {
        let mut embedded = Vec::new();
        for &part in &open {
            if worker.has_field(part, field) {
                return Owner::of(worker, part);
            }
            embedded.extend(worker.embedded(part));
        }
        open = embedded;
    }
    Owner::of(worker, ty)
}

/// The struct that a selected field belongs to, embedded structs followed.
fn selected_owner(worker: &mut Worker, selection: &Selection) -> Owner {
    let mut ty = selection.recv;
    let steps = selection.path.split_last().map_or(&[][..], |(_, s)| s);
    for &step in steps {
        let whole = worker.pointee(ty).unwrap_or(ty);
        match worker.field_type(whole, step) {
            Some(part) => ty = part,
            None => return Owner::Unknown,
        }
    }
    Owner::of(worker, ty)
}

/// The tree that a place lies in.
pub(crate) fn tree<'w>(worker: &Worker<'w>, giver: &Giver) -> &'w Ast {
    let world = worker.world;
    let body = giver.func.and_then(|func| world.body(func.file, func.func));
    body.map_or(&world.file(giver.file).tree.ast, |(ast, _)| ast)
}

/// The types around a place.
pub(crate) fn body(worker: &mut Worker, giver: &Giver) -> Rc<TypedBody> {
    match giver.func {
        Some(func) => worker.body(func.file, func.func),
        None => worker.checker.check_initialisers(giver.file),
    }
}
