//! Functions that may hand a nil map to one that writes to it, told without types.

use crate::names_index::{FuncRef, is_nil};
use crate::takers::Takers;
use rustc_hash::FxHashMap;
use tophash_syntax::ast::{AssignOp, Ast, ExprId, ExprKind, StmtId, StmtKind, UnaryOp};
use tophash_syntax::{Span, Symbol};

/// A function that hands something to one that may write to it as a map.
pub(crate) struct Handing {
    pub func: FuncRef,
    /// Whether what else the function has tells that it may be nil.
    pub is_likely: bool,
    /// The names of fields that it hands over.
    pub fields: Vec<Symbol>,
}

/// What a function has that maps may come from, or that they may go to.
#[derive(Default)]
struct Found {
    /// A variable may be nil: declared without a value, a named result, set to nil, what a
    /// call or an assertion gives.
    variable: bool,
    /// A struct may have nil fields.
    structure: bool,
    /// A variable is handed over.
    hands_variable: bool,
    /// Fields that are handed over.
    fields: Vec<Symbol>,
    /// What is handed over may be nil whatever else the function has.
    hands_nil: bool,
}

impl Found {
    fn is_likely(&self) -> bool {
        self.hands_nil
            || self.hands_variable && self.variable
            || !self.fields.is_empty() && (self.structure || self.variable)
    }
}

/// The functions of a file that hand something to a function that may write to it as a map.
pub(crate) fn candidates(
    ast: &Ast,
    takers: &Takers,
    around: impl Fn(Span) -> Option<FuncRef>,
) -> Vec<Handing> {
    let mut functions: FxHashMap<FuncRef, Found> = FxHashMap::default();
    // Few files have calls of that kind: what else a function has is asked only there.
    for n in 0..ast.expr_count() {
        let expr = ast.expr(ExprId::from_index(n));
        let found = match expr.kind {
            ExprKind::Call { fun, args, .. } => match called(ast, fun) {
                Some(name) if takers.writers.contains(&name) => {
                    handed(ast, takers, fun, ast.list(args))
                }
                Some(name) if takers.keepers.contains(&name) => Found {
                    hands_nil: ast.list(args).iter().any(|&arg| is_nil(ast, arg)),
                    ..Found::default()
                },
                _ => continue,
            },
            // A method as a value.
            ExprKind::Selector { x, name, .. } if takers.writers.contains(&name) => {
                handed(ast, takers, ExprId::from_index(n), &[x])
            }
            _ => continue,
        };
        if let Some(func) = around(expr.span) {
            let known = functions.entry(func).or_default();
            known.hands_variable |= found.hands_variable;
            known.fields.extend(found.fields);
            known.hands_nil |= found.hands_nil;
        }
    }
    if functions.is_empty() {
        return Vec::new();
    }
    let mut note = |span: Span, set: fn(&mut Found)| {
        if let Some(found) = around(span).and_then(|func| functions.get_mut(&func)) {
            set(found);
        }
    };
    for n in 0..ast.expr_count() {
        let expr = ast.expr(ExprId::from_index(n));
        match expr.kind {
            ExprKind::TypeAssert { .. } => note(expr.span, |f| f.variable = true),
            // A conversion: `url.Values(nil)`.
            ExprKind::Call { args, .. } if args.len() == 1 && is_nil(ast, ast.list(args)[0]) => {
                note(expr.span, |f| f.variable = true);
            }
            ExprKind::Call { fun, .. } => match called(ast, fun) {
                Some(name) if takers.makers.contains(&name) => {
                    note(expr.span, |f| f.variable = true);
                }
                Some(name) if name.as_str() == "new" => note(expr.span, |f| f.structure = true),
                _ => {}
            },
            ExprKind::CompositeLit { .. } => note(expr.span, |f| f.structure = true),
            ExprKind::MapType { .. } if is_map_of_maps(ast, ExprId::from_index(n)) => {
                note(expr.span, |f| f.variable = true);
            }
            // A function literal may have named results.
            ExprKind::FuncLit { .. } => note(expr.span, |f| f.variable = true),
            _ => {}
        }
    }
    for n in 0..ast.stmt_count() {
        let stmt = ast.stmt(StmtId::from_index(n));
        match stmt.kind {
            StmtKind::Assign { rhs, op, .. }
                if op != AssignOp::Define
                    && ast.list(rhs).iter().any(|&value| is_nil(ast, value)) =>
            {
                note(stmt.span, |f| f.variable = true);
            }
            StmtKind::Decl(_) => note(stmt.span, |f| f.variable = true),
            _ => {}
        }
    }
    for (func, found) in &mut functions {
        let results = ast.func_type(ast.func(func.func).ty).results;
        let mut results = results.into_iter().flat_map(|list| ast.fields(list));
        found.variable |= results.any(|field| !field.names.is_empty());
    }
    let handing = functions.into_iter().map(|(func, found)| Handing {
        func,
        is_likely: found.is_likely(),
        fields: found.fields,
    });
    handing.collect()
}

/// What a call hands over.
fn handed(ast: &Ast, takers: &Takers, fun: ExprId, args: &[ExprId]) -> Found {
    let mut found = Found::default();
    let receiver = match ast.expr(ast.unparen(fun)).kind {
        ExprKind::Selector { x, .. } => Some(x),
        _ => None,
    };
    for &operand in args.iter().chain(&receiver) {
        let mut operand = ast.unparen(operand);
        if let ExprKind::Unary {
            op: UnaryOp::And,
            x,
        } = ast.expr(operand).kind
        {
            operand = ast.unparen(x);
        }
        match ast.expr(operand).kind {
            ExprKind::Ident(_) if is_nil(ast, operand) => found.hands_nil = true,
            ExprKind::Ident(_) => found.hands_variable = true,
            ExprKind::Selector { name, .. } => found.fields.push(name),
            ExprKind::Call { fun, .. } => {
                found.hands_nil |= called(ast, fun).is_some_and(|name| {
                    takers.makers.contains(&name) || takers.map_types.contains(&name)
                });
            }
            // Maps of maps, which are to be empty.
            ExprKind::CompositeLit { ty: Some(ty), .. } => {
                found.hands_nil |= is_map_of_maps(ast, ty);
            }
            ExprKind::Index { .. } | ExprKind::Star(_) | ExprKind::TypeAssert { .. } => {
                found.hands_variable = true;
            }
            _ => {}
        }
    }
    found
}

fn is_map_of_maps(ast: &Ast, ty: ExprId) -> bool {
    match ast.expr(ast.unparen(ty)).kind {
        ExprKind::MapType { value, .. } => {
            matches!(ast.expr(ast.unparen(value)).kind, ExprKind::MapType { .. })
        }
        _ => false,
    }
}

/// The name that is called.
fn called(ast: &Ast, fun: ExprId) -> Option<Symbol> {
    match ast.expr(ast.unparen(fun)).kind {
        ExprKind::Ident(name) | ExprKind::Selector { name, .. } => Some(name),
        ExprKind::Index { x, .. } | ExprKind::IndexList { x, .. } => called(ast, x),
        _ => None,
    }
}
