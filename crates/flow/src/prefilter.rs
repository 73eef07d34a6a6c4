//! Which functions are worth typing, told from their syntax alone.

use tophash_syntax::ast::{
    AssignOp, Ast, Body, DeclKind, ExprId, ExprKind, FuncId, StmtId, StmtKind,
};
use tophash_syntax::{File, Span, Symbol};

/// What the source of a function, closures included, holds that may concern maps.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Features {
    /// Something indexed is assigned: `x[i] = v`, `x[i] op= v`, `x[i]++`, `for x[i] = range y`.
    pub indexed_write: bool,
    /// `delete(x, k)` or `clear(x)`.
    pub removal: bool,
    /// A call of a function or method by a name that writers of maps have: `maps.Copy`,
    /// `header.Set`, `v.SetMapIndex`.
    pub writer_call: bool,
    /// `go f()`
    pub goroutine: bool,
}

impl Features {
    /// Whether a map may be written here.
    pub fn may_write(self) -> bool {
        self.indexed_write || self.writer_call
    }
}

/// A function with a body and what it holds.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The declaration.
    pub func: FuncId,
    /// What it holds.
    pub features: Features,
}

/// What a file's code may have to do with maps.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// The functions declared with a body that was parsed, in source order.
    pub functions: Vec<Candidate>,
    /// The initial values of package-level variables.
    pub initialisers: Features,
}

/// Names of functions and methods that write to a map they are given, or are called on:
/// package maps, `http.Header`, `url.Values`, `textproto.MIMEHeader`, `metadata.MD`, `reflect.Value`.
const WRITERS: [&str; 6] = ["Copy", "Insert", "Set", "Add", "Append", "SetMapIndex"];

/// Tells the features of all functions of a file in one pass over its nodes.
pub fn candidates(file: &File) -> Candidates {
    let ast = &file.ast;
    let mut found = Candidates::default();
    let mut spans: Vec<Span> = Vec::new();
    for &decl in &file.decls {
        if let DeclKind::Func(func) = ast.decl(decl).kind
            && let Body::Block(body) = ast.func(func).body
        {
            spans.push(ast.stmt(body).span);
            found.functions.push(Candidate {
                func,
                features: Features::default(),
            });
        }
    }
    let mut at = |offset: u32, set: fn(&mut Features)| {
        let n = spans.partition_point(|span| span.end <= offset);
        match spans.get(n) {
            Some(span) if span.contains(offset) => set(&mut found.functions[n].features),
            _ => set(&mut found.initialisers),
        }
    };
    for n in 0..ast.stmt_count() {
        let stmt = ast.stmt(StmtId::from_index(n));
        if writes_indexed(ast, &stmt.kind) {
            at(stmt.span.start, |f| f.indexed_write = true);
        }
        if let StmtKind::Go(_) = stmt.kind {
            at(stmt.span.start, |f| f.goroutine = true);
        }
    }
    let (delete, clear) = (Symbol::new("delete"), Symbol::new("clear"));
    let writers = WRITERS.map(Symbol::new);
    for n in 0..ast.expr_count() {
        let expr = ast.expr(ExprId::from_index(n));
        let ExprKind::Call { fun, .. } = expr.kind else {
            continue;
        };
        match ast.expr(ast.unparen(fun)).kind {
            ExprKind::Ident(name) if name == delete || name == clear => {
                at(expr.span.start, |f| f.removal = true);
            }
            ExprKind::Selector { name, .. } if writers.contains(&name) => {
                at(expr.span.start, |f| f.writer_call = true);
            }
            _ => {}
        }
    }
    found
}

fn writes_indexed(ast: &Ast, stmt: &StmtKind) -> bool {
    let indexed = |e: ExprId| matches!(ast.expr(ast.unparen(e)).kind, ExprKind::Index { .. });
    match *stmt {
        StmtKind::Assign {
            op: AssignOp::Define,
            ..
        } => false,
        StmtKind::Assign { lhs, .. } => ast.list(lhs).iter().any(|&e| indexed(e)),
        StmtKind::IncDec { x, .. } => indexed(x),
        StmtKind::Range(id) => {
            let parts = ast.range_parts(id);
            !parts.define && [parts.key, parts.value].into_iter().flatten().any(indexed)
        }
        _ => false,
    }
}
