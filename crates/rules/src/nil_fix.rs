//! Edits that make a map where it is nil.
//!
//! What is edited must be gofmt-clean afterwards, and a program must do what it did on all
//! ways on which it did not fail. A check at the write always does that: without it the
//! write would have failed. A `make` at the declaration does where nothing can tell an
//! empty map from none before the write.

use std::collections::BTreeSet;

use tophash_analysis::{Loc, Origin, OriginKind, PackageFacts, WrittenMap};
use tophash_finding::{Edit, Fix};
use tophash_syntax::ast::{Body, DeclKind, ExprId, ExprKind, FuncId, SpecKind, StmtId, StmtKind};
use tophash_syntax::walk::Node;
use tophash_syntax::{Ast, Span, Symbol};

use crate::shadow::{is_free, is_predeclared, names};
use crate::site::Sites;

/// The fix for writes with one cause: a `make` where the map is declared, if that is as
/// good, and else a check before each write.
pub(crate) fn fix(
    origin: Option<&Origin>,
    writes: &[Loc],
    facts: &PackageFacts,
    sites: &Sites,
) -> Option<Fix> {
    if let Some(origin) = origin
        && let Some(fix) = at_declaration(origin, writes, sites)
    {
        return Some(fix);
    }
    at_writes(writes, facts, sites)
}

/// `if m == nil { m = make(T) }` before the writes.
pub(crate) fn at_writes(writes: &[Loc], facts: &PackageFacts, sites: &Sites) -> Option<Fix> {
    let first = facts.written.get(writes.first()?)?;
    let map = sites.text(writes.first()?.file, first.operand)?;
    let message = format!(
        "make it where it is nil: `if {map} == nil {{ {map} = make({}) }}`",
        first.ty
    );
    if let Some(generated) = writes.iter().find(|at| sites.is_generated(**at)) {
        let file = sites.path(*generated);
        return Some(Fix {
            message: format!("{message}, in what generates {file}"),
            edits: Vec::new(),
            safe: false,
        });
    }
    let mut checked: BTreeSet<(String, u32)> = BTreeSet::new();
    let mut edits = Vec::new();
    for &at in writes {
        let Some(written) = facts.written.get(&at) else {
            edits.clear();
            break;
        };
        let Some(check) = Check::new(at, written, sites) else {
            edits.clear();
            break;
        };
        // What follows in the same list of statements is behind the check.
        if checked.insert((check.map.clone(), check.list)) {
            edits.push(check.edit);
        }
    }
    let safe = !edits.is_empty();
    Some(Fix {
        message,
        edits,
        safe,
    })
}

/// Whether the type of a field, as its declaration writes it, and `make` mean the same where
/// the struct is made.
pub(crate) fn can_be_made(ty: &str, at: Loc, sites: &Sites) -> bool {
    is_predeclared("make", at, sites) && names(ty).iter().all(|name| is_free(name, at, sites))
}

/// A check before a statement.
struct Check {
    edit: Edit,
    map: String,
    /// Which list of statements it is in: where that list's first statement starts.
    list: u32,
}

impl Check {
    fn new(at: Loc, written: &WrittenMap, sites: &Sites) -> Option<Check> {
        let (ast, source) = sites.source(at.file);
        let (list, stmt) = statement(ast, at.span)?;
        let start = stmt.start as usize;
        let line = source[..start]
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |n| n + 1);
        let indent = std::str::from_utf8(&source[line..start]).ok()?;
        // Something else stands before it on its line.
        if !indent.bytes().all(|b| b == b' ' || b == b'\t') {
            return None;
        }
        let newline = match source[..line].ends_with(b"\r\n") {
            true => "\r\n",
            false => "\n",
        };
        let map = sites.text(at.file, written.operand)?;
        let ty = &written.ty;
        if !["make", "nil"]
            .iter()
            .all(|name| is_predeclared(name, at, sites))
        {
            return None;
        }
        let text = format!(
            "if {map} == nil {{{newline}{indent}\t{map} = make({ty}){newline}{indent}}}{newline}{indent}"
        );
        Some(Check {
            edit: Edit {
                file: sites.path(at),
                start: stmt.start,
                end: stmt.start,
                text,
            },
            map,
            list,
        })
    }
}

/// The list of statements that a block or a clause is made of; empty for all others.
fn statements(ast: &Ast, around: StmtId) -> &[StmtId] {
    match ast.stmt(around).kind {
        StmtKind::Block(list)
        | StmtKind::Case { body: list, .. }
        | StmtKind::Comm { body: list, .. } => ast.list(list),
        _ => &[],
    }
}

/// The innermost simple statement around an extent that stands in a list of statements, and
/// where that list starts.
fn statement(ast: &Ast, at: Span) -> Option<(u32, Span)> {
    let mut best: Option<(u32, StmtId)> = None;
    for n in 0..ast.stmt_count() {
        let list = statements(ast, StmtId::from_index(n));
        let Some(&first) = list.first() else {
            continue;
        };
        for &id in list {
            let span = ast.stmt(id).span;
            let inside = span.start <= at.start && at.end <= span.end;
            let closer = best.is_none_or(|(_, other)| {
                let other = ast.stmt(other).span;
                span.end - span.start < other.end - other.start
            });
            if inside && closer {
                best = Some((ast.stmt(first).span.start, id));
            }
        }
    }
    let (list, id) = best?;
    let simple = matches!(
        ast.stmt(id).kind,
        StmtKind::Assign { .. }
            | StmtKind::IncDec { .. }
            | StmtKind::Expr(_)
            | StmtKind::Go(_)
            | StmtKind::Defer(_)
            | StmtKind::Return(_)
    );
    simple.then(|| (list, ast.stmt(id).span))
}

/// `m := make(T)` in place of `var m T`.
fn at_declaration(origin: &Origin, writes: &[Loc], sites: &Sites) -> Option<Fix> {
    if origin.kind != OriginKind::Declared
        || sites.is_generated(origin.at)
        || !is_predeclared("make", origin.at, sites)
    {
        return None;
    }
    let name = origin.name?;
    let (ast, _) = sites.source(origin.at.file);
    let (decl, list, ty) = local_declaration(ast, origin.at.span)?;
    let func = function(ast, origin.at.span)?;
    let direct = writes.first().is_some_and(|&write| {
        write.file == origin.at.file && comes_first(ast, list, decl, name, write)
    });
    if !direct && !only_used_as_map(ast, func, name) {
        return None;
    }
    let ty = sites.text(origin.at.file, ty)?;
    let value = format!("{name} := make({ty})");
    let span = ast.stmt(decl).span;
    Some(Fix {
        message: format!("make it where it is declared: `{value}`"),
        edits: vec![Edit {
            file: sites.path(origin.at),
            start: span.start,
            end: span.end,
            text: value,
        }],
        safe: true,
    })
}

/// The statement that declares one variable of a type, without a value and parentheses, with
/// the list that it stands in and the type.
fn local_declaration(ast: &Ast, name: Span) -> Option<(StmtId, StmtId, Span)> {
    for n in 0..ast.stmt_count() {
        let around = StmtId::from_index(n);
        for &id in statements(ast, around) {
            let StmtKind::Decl(decl) = ast.stmt(id).kind else {
                continue;
            };
            let DeclKind::Gen {
                specs,
                grouped: false,
                ..
            } = ast.decl(decl).kind
            else {
                continue;
            };
            let [spec] = ast.list(specs) else { continue };
            if let SpecKind::Value {
                names,
                ty: Some(ty),
                values,
                ..
            } = ast.spec(*spec).kind
                && let [one] = ast.list(names)
                && one.span.start == name.start
                && values.is_empty()
            {
                return Some((id, around, ast.expr(ty).span));
            }
        }
    }
    None
}

/// The function declaration around an extent.
fn function(ast: &Ast, at: Span) -> Option<StmtId> {
    (0..ast.func_count()).find_map(|n| match ast.func(FuncId::from_index(n)).body {
        Body::Block(block) => {
            let span = ast.stmt(block).span;
            (span.start <= at.start && at.end <= span.end).then_some(block)
        }
        _ => None,
    })
}

/// Whether a write stands in the list of statements of the declaration, and nothing between
/// them speaks of the variable or leaves the list.
fn comes_first(ast: &Ast, list: StmtId, decl: StmtId, name: Symbol, write: Loc) -> bool {
    let after = statements(ast, list)
        .iter()
        .skip_while(|&&id| id != decl)
        .skip(1);
    for &id in after {
        let (mut named, mut closure) = (false, false);
        ast.walk(Node::Stmt(id), |node| {
            if let Node::Expr(expr) = node {
                let kind = ast.expr(expr).kind;
                named |= matches!(kind, ExprKind::Ident(other) if other == name);
                closure |= matches!(kind, ExprKind::FuncLit { .. });
            }
            true
        });
        if named {
            let span = ast.stmt(id).span;
            let simple = matches!(
                ast.stmt(id).kind,
                StmtKind::Assign { .. } | StmtKind::IncDec { .. } | StmtKind::Expr(_)
            );
            return simple
                && !closure
                && span.start <= write.span.start
                && write.span.end <= span.end;
        }
    }
    false
}

/// Whether all that a function does with a variable is what an empty map and a nil one have
/// in common, and to write to it.
fn only_used_as_map(ast: &Ast, func: StmtId, name: Symbol) -> bool {
    let is_it = |expr: ExprId| matches!(ast.expr(ast.unparen(expr)).kind, ExprKind::Ident(other) if other == name);
    let (mut all, mut known) = (0, 0);
    ast.walk(Node::Stmt(func), |node| {
        match node {
            Node::Expr(expr) => match ast.expr(expr).kind {
                ExprKind::Ident(other) if other == name => all += 1,
                ExprKind::Index { x, .. } if is_it(x) => known += 1,
                ExprKind::Call { fun, args, .. } => {
                    let builtin = matches!(
                        ast.expr(fun).kind,
                        ExprKind::Ident(f) if matches!(f.as_str(), "len" | "delete" | "clear")
                    );
                    let first = ast.list(args).first();
                    known += usize::from(builtin && first.is_some_and(|&arg| is_it(arg)));
                }
                _ => {}
            },
            Node::Stmt(id) => {
                if let StmtKind::Range(range) = ast.stmt(id).kind {
                    known += usize::from(is_it(ast.range_parts(range).x));
                }
            }
            _ => {}
        }
        true
    });
    all == known
}
