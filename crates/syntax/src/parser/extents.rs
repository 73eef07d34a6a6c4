//! Extents in broken trees.
//!
//! Where something is missing or was skipped, a node may end up outside of what its parent
//! thinks it covers. Broken declarations get their extents mended afterwards, so that
//! children lie inside their parents in every tree.

use crate::ast::*;
use crate::walk::Node;
use crate::{Ast, Span};

impl Ast {
    /// Widens every node below `root`, and `root`, to cover its children.
    pub(super) fn cover_children(&mut self, root: Node) {
        let mut nodes = Vec::new();
        self.walk(root, |node| {
            nodes.push(node);
            true
        });
        // Children come behind their parents.
        for &node in nodes.iter().rev() {
            if let Node::FieldList(id) = node {
                self.cover_fields(id);
            }
            let span = self.covering(node);
            match node {
                Node::Decl(id) => self.decls[id.index()].span = span,
                Node::Spec(id) => self.specs[id.index()].span = span,
                Node::FieldList(id) => self.field_lists[id.index()].span = span,
                Node::FuncType(id) => self.func_types[id.index()].span = span,
                Node::Stmt(id) => self.stmts[id.index()].span = span,
                Node::Expr(id) => self.set_expr_span(id, span),
                // Fields were covered with their list; the others have no children.
                Node::Field(_) | Node::Ident(_) | Node::ImportPath(_) => {}
            }
        }
    }

    /// A function type as an expression has the extent of the function type.
    fn set_expr_span(&mut self, id: ExprId, span: Span) {
        self.exprs[id.index()].span = span;
        if let ExprKind::FuncType(ty) = self.exprs[id.index()].kind {
            self.func_types[ty.index()].span = span;
        }
    }

    fn cover_fields(&mut self, id: FieldListId) {
        let fields = self.field_list(id).fields;
        for at in fields.start as usize..(fields.start + fields.len) as usize {
            let span = self.covering(Node::Field(self.field_pool[at]));
            self.field_pool[at].span = span;
        }
    }

    /// The extent of `node` and its children.
    fn covering(&self, node: Node) -> Span {
        let mut span = self.span(node);
        self.children(node, |child| {
            let child = self.span(child);
            span.start = span.start.min(child.start);
            span.end = span.end.max(child.end);
        });
        span
    }
}
