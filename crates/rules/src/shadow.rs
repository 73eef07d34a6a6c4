//! Whether names in the text of an edit mean there what they should.
//!
//! Told by syntax alone and on the safe side: a name that is declared anywhere in the
//! declaration around the edit counts as taken in all of it.

use std::collections::BTreeSet;

use tophash_analysis::Loc;
use tophash_syntax::ast::{AssignOp, DeclKind, ExprId, ExprKind, SpecKind, StmtKind};
use tophash_syntax::walk::Node;
use tophash_syntax::{Ast, File, Span};

use crate::site::Sites;

/// The names in the text of a type: all but keywords and what stands behind a dot.
pub(crate) fn names(ty: &str) -> BTreeSet<&str> {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    let mut names = BTreeSet::new();
    let mut rest = ty;
    let mut dot = false;
    while let Some(first) = rest.chars().next() {
        let len = match is_letter(first) {
            true => rest.find(|c| !is_letter(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (token, after) = rest.split_at(len);
        let keyword = matches!(token, "map" | "chan" | "func" | "struct" | "interface");
        if is_letter(first) && !first.is_numeric() && !keyword && !dot {
            names.insert(token);
        }
        dot = first == '.' || dot && first.is_whitespace();
        rest = after;
    }
    names
}

/// Whether a name that is declared outside of all functions means the same at a place.
pub(crate) fn is_free(name: &str, at: Loc, sites: &Sites) -> bool {
    let file = sites.world().file(at.file).tree;
    let around = file.decls.iter().find(|&&decl| {
        let span = file.ast.decl(decl).span;
        span.start <= at.span.start && at.span.end <= span.end
    });
    around.is_some_and(|&decl| !declares(&file.ast, Node::Decl(decl), name))
}

/// Whether a predeclared name has its own meaning at a place.
pub(crate) fn is_predeclared(name: &str, at: Loc, sites: &Sites) -> bool {
    let world = sites.world();
    let package = world.package_of(at.file);
    let taken = world
        .files(package)
        .iter()
        .any(|&id| declares_at_top(world.file(id).tree, name));
    let imported = world.file(at.file).tree.imports().any(|import| {
        let name_of = |import: &tophash_syntax::Import| match import.name {
            Some(given) => Some(given.name),
            None => world.name(world.import(package, import.path)?),
        };
        name_of(&import).is_some_and(|given| given.as_str() == name)
    });
    !taken && !imported && is_free(name, at, sites)
}

/// Whether a file declares a name at package level.
fn declares_at_top(file: &File, name: &str) -> bool {
    file.decls
        .iter()
        .any(|&decl| match file.ast.decl(decl).kind {
            DeclKind::Bad => false,
            DeclKind::Func(id) => {
                let func = file.ast.func(id);
                func.recv.is_none() && func.name.name.as_str() == name
            }
            DeclKind::Gen { specs, .. } => {
                let specs = file.ast.list(specs).iter();
                specs.copied().any(|spec| match file.ast.spec(spec).kind {
                    SpecKind::Import { .. } => false,
                    SpecKind::Type { name: given, .. } => given.name.as_str() == name,
                    SpecKind::Value { names, .. } => {
                        let names = file.ast.list(names).iter();
                        names.copied().any(|given| given.name.as_str() == name)
                    }
                })
            }
        })
}

/// Whether a name is declared at a node or below it. The name of a method is none that can
/// be used alone, and neither is one behind a dot.
fn declares(ast: &Ast, root: Node, name: &str) -> bool {
    let is_it = |expr: ExprId| matches!(ast.expr(ast.unparen(expr)).kind, ExprKind::Ident(given) if given.as_str() == name);
    let mut other: BTreeSet<Span> = BTreeSet::new();
    let mut found = false;
    if let Node::Decl(decl) = root
        && let DeclKind::Func(id) = ast.decl(decl).kind
    {
        let func = ast.func(id);
        other.insert(func.name.span);
        let receiver = func.recv.and_then(|recv| ast.fields(recv).first());
        found = receiver.is_some_and(|recv| type_parameters(ast, recv.ty).any(is_it));
    }
    ast.walk(root, |node| {
        match node {
            Node::Ident(ident) => {
                found |= ident.name.as_str() == name && !other.contains(&ident.span);
            }
            Node::Expr(id) => {
                let expr = ast.expr(id);
                if let ExprKind::Selector { name_pos, .. } = expr.kind {
                    other.insert(Span::new(name_pos, expr.span.end));
                }
            }
            Node::Stmt(id) => match ast.stmt(id).kind {
                StmtKind::Assign {
                    op: AssignOp::Define,
                    lhs,
                    ..
                } => found |= ast.list(lhs).iter().any(|&expr| is_it(expr)),
                StmtKind::Range(range) => {
                    let parts = ast.range_parts(range);
                    let given = [parts.key, parts.value];
                    found |= given.into_iter().flatten().any(is_it);
                }
                _ => {}
            },
            _ => {}
        }
        !found
    });
    found
}

/// `K` and `V` of a receiver `*Map[K, V]`, which declares them.
fn type_parameters(ast: &Ast, receiver: ExprId) -> impl Iterator<Item = ExprId> {
    let base = match ast.expr(ast.unparen(receiver)).kind {
        ExprKind::Star(x) => x,
        _ => receiver,
    };
    let (one, many) = match ast.expr(ast.unparen(base)).kind {
        ExprKind::Index { index, .. } => (Some(index), &[][..]),
        ExprKind::IndexList { indices, .. } => (None, ast.list(indices)),
        _ => (None, &[][..]),
    };
    one.into_iter().chain(many.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_type() {
        for (ty, want) in [
            ("map[string]int", vec!["int", "string"]),
            ("map[ time . Time]*a.B", vec!["a", "time"]),
            (
                "map[[8]byte]chan<- func(x Item) (Ä, error)",
                vec!["Item", "byte", "error", "x", "Ä"],
            ),
            ("Set[K,V]", vec!["K", "Set", "V"]),
            ("map[string]struct{}", vec!["string"]),
            ("", vec![]),
        ] {
            assert_eq!(names(ty).into_iter().collect::<Vec<_>>(), want, "{ty}");
        }
    }

    #[test]
    fn names_that_are_declared() {
        let text = "package p
func (string *T[any]) len(a int) (b error) {
	x.cap, c := 1, nil
	for d, e := range c {}
	switch f := c.(type) {}
	var g, h int
	type i struct{ j int }
	const k = 1
	_ = func(l uint) { m := T{n: o} ; goto p }
	q(r)
	select { case s := <-c: }
	return
}";
        let file = tophash_syntax::parse(text.as_bytes(), tophash_syntax::Bodies::Parse);
        let declared = |name: &str| declares(&file.ast, Node::Decl(file.decls[0]), name);
        for name in [
            "string", "any", "a", "b", "c", "d", "e", "f", "g", "h", "i", "k", "l", "m", "s",
        ] {
            assert!(declared(name), "{name}");
        }
        for name in [
            "T", "len", "cap", "int", "error", "nil", "uint", "n", "o", "q", "r",
        ] {
            assert!(!declared(name), "{name}");
        }
    }
}
