//! Functions, maps and fields in the words of the source.

use crate::summary::FieldName;
use crate::worker::Worker;
use std::rc::Rc;
use tophash_flow::{FnId, PlaceId, PlaceKind, Source, Unit};
use tophash_syntax::Span;
use tophash_syntax::ast::{Ast, ExprId, ExprKind};
use tophash_types::{Checker, Type, World};

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

/// The tree that a unit's expressions lie in.
pub fn tree<'w>(world: &'w dyn World, unit: &Unit) -> Option<&'w Ast> {
    match unit.source {
        Source::Func(func) => world.body(unit.file, func).map(|(ast, _)| ast),
        Source::Initialisers => Some(&world.file(unit.file).tree.ast),
    }
}

/// Longest text of an expression that is shown as it is.
const MAX_TEXT: usize = 60;

/// The map that an index expression, or a call on a map, is about.
pub fn map(world: &dyn World, unit: &Unit, expr: Option<ExprId>, place: PlaceId) -> Rc<str> {
    if let Some(expr) = expr
        && let Some(ast) = tree(world, unit)
    {
        let operand = match ast.expr(ast.unparen(expr)).kind {
            ExprKind::Index { x, .. } => Some(x),
            // What has a name is called by it.
            ExprKind::Call { .. } if is_named(unit, place) => None,
            ExprKind::Call { fun, args, .. } => match ast.expr(ast.unparen(fun)).kind {
                ExprKind::Selector { x, .. } if !is_package_maps(ast, x) => Some(x),
                _ => ast.list(args).first().copied(),
            },
            _ => None,
        };
        if let Some(operand) = operand {
            let text = ast
                .expr(ast.unparen(operand))
                .span
                .of(world.file(unit.file).source);
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

fn is_named(unit: &Unit, place: PlaceId) -> bool {
    let var = unit.places.root_var(place);
    var.is_some_and(|var| unit.var(var).name.is_some())
}

fn is_package_maps(ast: &Ast, x: ExprId) -> bool {
    matches!(ast.expr(x).kind, ExprKind::Ident(name) if name.as_str() == "maps")
}

/// What a call passes as its `n`th operand, the receiver of a method counted first: its
/// extent, and its text if that is short.
pub fn argument(
    world: &dyn World,
    unit: &Unit,
    call: Option<ExprId>,
    method: bool,
    n: usize,
) -> Option<(Span, Option<Rc<str>>)> {
    let ast = tree(world, unit)?;
    let ExprKind::Call { fun, args, .. } = ast.expr(ast.unparen(call?)).kind else {
        return None;
    };
    let operand = match (method, n, ast.expr(ast.unparen(fun)).kind) {
        (true, 0, ExprKind::Selector { x, .. }) => x,
        // A method expression has its receiver among the arguments.
        (true, n, _) if ast.list(args).len() > n && !is_method_call(ast, fun) => ast.list(args)[n],
        (true, n, _) => *ast.list(args).get(n.checked_sub(1)?)?,
        (false, n, _) => *ast.list(args).get(n)?,
    };
    let span = ast.expr(operand).span;
    let text = std::str::from_utf8(span.of(world.file(unit.file).source)).ok();
    let text = text.filter(|text| text.len() <= MAX_TEXT && !text.contains('\n'));
    Some((span, text.map(Rc::from)))
}

fn is_method_call(ast: &Ast, fun: ExprId) -> bool {
    matches!(ast.expr(ast.unparen(fun)).kind, ExprKind::Selector { .. })
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
