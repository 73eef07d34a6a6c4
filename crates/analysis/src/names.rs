//! Functions, maps and fields in the words of the source.

use crate::summary::FieldName;
use crate::worker::Worker;
use std::rc::Rc;
use tophash_flow::{FnId, PlaceId, PlaceKind, Unit};
use tophash_syntax::ast::ExprKind;
use tophash_types::{Checker, SourceFile, Type};

/// `Set`, `(*PodCache).Set`, or `(*PodCache).Set.func1` for a closure.
pub fn function(checker: &Checker, unit: &Unit, id: FnId) -> Rc<str> {
    let function = unit.function(id);
    let Some(parent) = function.parent else {
        let name = unit.name.name;
        let Some(receiver) = unit.name.receiver else {
            return name.as_str().into();
        };
        let pointer = function
            .receiver
            .is_some_and(|receiver| matches!(checker.ty(unit.var(receiver).ty), Type::Pointer(_)));
        return if pointer {
            format!("(*{receiver}).{name}").into()
        } else {
            format!("{receiver}.{name}").into()
        };
    };
    let number = unit
        .functions
        .iter()
        .filter(|other| other.parent == Some(parent) && other.id <= id)
        .count();
    let around = self::function(checker, unit, parent);
    // Go numbers the closures of a closure without another `func`.
    if unit.function(parent).parent.is_some() {
        format!("{around}.{number}").into()
    } else {
        format!("{around}.func{number}").into()
    }
}

/// The last part of a function's name, for sentences.
pub fn short(unit: &Unit, id: FnId) -> Rc<str> {
    match unit.function(id).parent {
        None => unit.name.name.as_str().into(),
        Some(_) => "a closure".into(),
    }
}

/// Longest text of an expression that is shown as it is.
const MAX_TEXT: usize = 60;

/// The map that an index expression, or a call on a map, is about.
pub fn map(
    file: SourceFile,
    unit: &Unit,
    expr: Option<tophash_syntax::ast::ExprId>,
    place: PlaceId,
) -> Rc<str> {
    let ast = &file.tree.ast;
    if let Some(expr) = expr {
        let operand = match ast.expr(ast.unparen(expr)).kind {
            ExprKind::Index { x, .. } => Some(x),
            ExprKind::Call { args, .. } => ast.list(args).first().copied(),
            _ => None,
        };
        if let Some(operand) = operand {
            let text = ast.expr(ast.unparen(operand)).span.of(file.source);
            if let Ok(text) = std::str::from_utf8(text)
                && text.len() <= MAX_TEXT
                && !text.contains('\n')
            {
                return text.into();
            }
        }
    }
    path(unit, place).into()
}

/// An access path as the source might write it.
pub fn path(unit: &Unit, place: PlaceId) -> String {
    match unit.places.get(place).kind {
        PlaceKind::Var(var) => match unit.var(var).name {
            Some(name) => name.as_str().to_owned(),
            None => "the map".to_owned(),
        },
        PlaceKind::Global { name, .. } => name.as_str().to_owned(),
        PlaceKind::Deref(base) => path(unit, base),
        PlaceKind::Field {
            base,
            name,
            embedded,
            ..
        } => {
            if embedded {
                path(unit, base)
            } else {
                format!("{}.{name}", path(unit, base))
            }
        }
        PlaceKind::Index { base, .. } => format!("{}[...]", path(unit, base)),
        PlaceKind::MapElem { map, .. } => format!("{}[...]", path(unit, map)),
    }
}

/// The field that a path ends with, if its struct has a name.
pub(crate) fn field(worker: &mut Worker, unit: &Unit, place: PlaceId) -> Option<FieldName> {
    let PlaceKind::Field { base, name, .. } = unit.places.get(place).kind else {
        return None;
    };
    let (package, owner) = worker.named(unit.places.get(base).ty)?;
    Some(FieldName {
        package,
        owner,
        field: name,
    })
}
