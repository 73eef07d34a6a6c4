//! Walking a tree in the order of go/ast's `Inspect`.

use crate::ast::*;
use crate::{Ast, File, Span};

/// A node as go/ast counts them.
#[derive(Clone, Copy, Debug)]
pub enum Node {
    /// A declaration.
    Decl(DeclId),
    /// A specification inside a declaration.
    Spec(SpecId),
    /// Parameters, results, type parameters, struct fields or interface members.
    FieldList(FieldListId),
    /// A member of such a list.
    Field(Field),
    /// The type of a function declaration or literal; others are expressions.
    FuncType(FuncTypeId),
    /// A statement.
    Stmt(StmtId),
    /// An expression.
    Expr(ExprId),
    /// A name that is no expression: one being declared, a selector, a label.
    Ident(Ident),
    /// The quoted path of an import.
    ImportPath(Span),
}

impl Ast {
    /// Calls `visit` for `root` and the nodes below it, parents before children, in source
    /// order as `Inspect` of go/ast does. The children of a node are left out when `visit`
    /// gives false. Uses no recursion.
    pub fn walk(&self, root: Node, mut visit: impl FnMut(Node) -> bool) {
        self.walk_depth(root, |node, _| visit(node));
    }

    /// As [`Ast::walk`], telling the depth of each node below `root` too.
    pub fn walk_depth(&self, root: Node, mut visit: impl FnMut(Node, usize) -> bool) {
        let mut open = vec![root];
        // Length of the stack below the nodes still open at each depth.
        let mut levels = vec![0];
        while let Some(node) = open.pop() {
            while levels.last().is_some_and(|&below| open.len() < below) {
                levels.pop();
            }
            if visit(node, levels.len() - 1) {
                let first = open.len();
                let mut children = Children {
                    ast: self,
                    open: &mut open,
                };
                children.of(node);
                if open.len() > first {
                    open[first..].reverse();
                    levels.push(first);
                }
            }
        }
    }

    /// Calls `visit` for the children of `node`, in order.
    pub fn children(&self, node: Node, visit: impl FnMut(Node)) {
        let mut open = Vec::new();
        let mut children = Children {
            ast: self,
            open: &mut open,
        };
        children.of(node);
        open.into_iter().for_each(visit);
    }

    /// The extent of `node`.
    pub fn span(&self, node: Node) -> Span {
        match node {
            Node::Decl(id) => self.decl(id).span,
            Node::Spec(id) => self.spec(id).span,
            Node::FieldList(id) => self.field_list(id).span,
            Node::Field(field) => field.span,
            Node::FuncType(id) => self.func_type(id).span,
            Node::Stmt(id) => self.stmt(id).span,
            Node::Expr(id) => self.expr(id).span,
            Node::Ident(ident) => ident.span,
            Node::ImportPath(span) => span,
        }
    }

    /// The name of the type in go/ast that represents `node`.
    pub fn go_kind(&self, node: Node) -> &'static str {
        match node {
            Node::Decl(id) => match self.decl(id).kind {
                DeclKind::Bad => "BadDecl",
                DeclKind::Gen { .. } => "GenDecl",
                DeclKind::Func(_) => "FuncDecl",
            },
            Node::Spec(id) => match self.spec(id).kind {
                SpecKind::Import { .. } => "ImportSpec",
                SpecKind::Value { .. } => "ValueSpec",
                SpecKind::Type { .. } => "TypeSpec",
            },
            Node::FieldList(_) => "FieldList",
            Node::Field(_) => "Field",
            Node::FuncType(_) => "FuncType",
            Node::Stmt(id) => stmt_kind(self.stmt(id).kind),
            Node::Expr(id) => expr_kind(self.expr(id).kind),
            Node::Ident(_) => "Ident",
            Node::ImportPath(_) => "BasicLit",
        }
    }
}

impl File {
    /// Calls `visit` for every node of the file, as [`Ast::walk`] does for each declaration;
    /// the package name comes first.
    pub fn walk(&self, mut visit: impl FnMut(Node) -> bool) {
        if let Some(name) = self.package {
            visit(Node::Ident(name));
        }
        for &decl in &self.decls {
            self.ast.walk(Node::Decl(decl), &mut visit);
        }
    }
}

/// Puts the children of a node on the stack, in order.
struct Children<'a> {
    ast: &'a Ast,
    open: &'a mut Vec<Node>,
}

impl Children<'_> {
    fn expr(&mut self, id: impl Into<Option<ExprId>>) {
        self.open.extend(id.into().map(Node::Expr));
    }

    fn stmt(&mut self, id: impl Into<Option<StmtId>>) {
        self.open.extend(id.into().map(Node::Stmt));
    }

    fn exprs(&mut self, list: List<ExprId>) {
        self.open
            .extend(self.ast.list(list).iter().map(|&x| Node::Expr(x)));
    }

    fn stmts(&mut self, list: List<StmtId>) {
        self.open
            .extend(self.ast.list(list).iter().map(|&s| Node::Stmt(s)));
    }

    fn idents(&mut self, list: List<Ident>) {
        self.open
            .extend(self.ast.list(list).iter().map(|&i| Node::Ident(i)));
    }

    fn fields(&mut self, id: impl Into<Option<FieldListId>>) {
        self.open.extend(id.into().map(Node::FieldList));
    }

    fn func_type(&mut self, id: FuncTypeId) {
        let ty = self.ast.func_type(id);
        self.fields(ty.type_params);
        self.fields(ty.params);
        self.fields(ty.results);
    }

    fn of(&mut self, node: Node) {
        match node {
            Node::Decl(id) => self.of_decl(id),
            Node::Spec(id) => self.of_spec(id),
            Node::FieldList(id) => {
                let fields = self.ast.fields(id).iter();
                self.open.extend(fields.map(|&f| Node::Field(f)));
            }
            Node::Field(field) => {
                self.idents(field.names);
                self.expr(field.ty);
                self.expr(field.tag);
            }
            Node::FuncType(id) => self.func_type(id),
            Node::Stmt(id) => self.of_stmt(self.ast.stmt(id)),
            Node::Expr(id) => self.of_expr(self.ast.expr(id)),
            Node::Ident(_) | Node::ImportPath(_) => {}
        }
    }

    fn of_decl(&mut self, id: DeclId) {
        match self.ast.decl(id).kind {
            DeclKind::Bad => {}
            DeclKind::Gen { specs, .. } => {
                let specs = self.ast.list(specs).iter();
                self.open.extend(specs.map(|&s| Node::Spec(s)));
            }
            DeclKind::Func(id) => {
                let func = self.ast.func(id);
                self.fields(func.recv);
                self.open.push(Node::Ident(func.name));
                self.open.push(Node::FuncType(func.ty));
                if let Body::Block(block) = func.body {
                    self.stmt(block);
                }
            }
        }
    }

    fn of_spec(&mut self, id: SpecId) {
        match self.ast.spec(id).kind {
            SpecKind::Import {
                name, path_span, ..
            } => {
                self.open.extend(name.map(Node::Ident));
                self.open.push(Node::ImportPath(path_span));
            }
            SpecKind::Value {
                names, ty, values, ..
            } => {
                self.idents(names);
                self.expr(ty);
                self.exprs(values);
            }
            SpecKind::Type {
                name,
                type_params,
                ty,
                ..
            } => {
                self.open.push(Node::Ident(name));
                self.fields(type_params);
                self.expr(ty);
            }
        }
    }

    fn of_stmt(&mut self, stmt: &Stmt) {
        match stmt.kind {
            StmtKind::Bad | StmtKind::Empty { .. } => {}
            StmtKind::Decl(id) => self.open.push(Node::Decl(id)),
            StmtKind::Labeled { label, stmt } => {
                self.open.push(Node::Ident(label));
                self.stmt(stmt);
            }
            StmtKind::Expr(x) | StmtKind::Go(x) | StmtKind::Defer(x) => self.expr(x),
            StmtKind::IncDec { x, .. } => self.expr(x),
            StmtKind::Send { chan, value } => {
                self.expr(chan);
                self.expr(value);
            }
            StmtKind::Assign { lhs, rhs, .. } => {
                self.exprs(lhs);
                self.exprs(rhs);
            }
            StmtKind::Return(results) => self.exprs(results),
            StmtKind::Branch { label, .. } => self.open.extend(label.map(|label| {
                Node::Ident(Ident {
                    name: label.name,
                    span: Span::new(label.pos, stmt.span.end),
                })
            })),
            StmtKind::Block(list) => self.stmts(list),
            StmtKind::If(id) => {
                let parts = self.ast.if_parts(id);
                self.stmt(parts.init);
                self.expr(parts.cond);
                self.stmt(parts.then);
                self.stmt(parts.alt);
            }
            StmtKind::Case { values, body } => {
                self.exprs(values);
                self.stmts(body);
            }
            StmtKind::Switch { init, tag, body } => {
                self.stmt(init);
                self.expr(tag);
                self.stmt(body);
            }
            StmtKind::TypeSwitch { init, guard, body } => {
                self.stmt(init);
                self.stmt(guard);
                self.stmt(body);
            }
            StmtKind::Comm { comm, body } => {
                self.stmt(comm);
                self.stmts(body);
            }
            StmtKind::Select(body) => self.stmt(body),
            StmtKind::For(id) => {
                let parts = self.ast.for_parts(id);
                self.stmt(parts.init);
                self.expr(parts.cond);
                self.stmt(parts.post);
                self.stmt(parts.body);
            }
            StmtKind::Range(id) => {
                let parts = self.ast.range_parts(id);
                self.expr(parts.key);
                self.expr(parts.value);
                self.expr(parts.x);
                self.stmt(parts.body);
            }
        }
    }

    fn of_expr(&mut self, expr: &Expr) {
        match expr.kind {
            ExprKind::Bad | ExprKind::Ident(_) | ExprKind::BasicLit(_) => {}
            ExprKind::Ellipsis { elem } => self.expr(elem),
            ExprKind::FuncLit { ty, body } => {
                self.open.push(Node::FuncType(ty));
                self.stmt(body);
            }
            ExprKind::CompositeLit { ty, elems } => {
                self.expr(ty);
                self.exprs(elems);
            }
            ExprKind::Paren(x) | ExprKind::Star(x) | ExprKind::Unary { x, .. } => self.expr(x),
            ExprKind::Selector { x, name, name_pos } => {
                self.expr(x);
                let span = Span::new(name_pos, expr.span.end);
                self.open.push(Node::Ident(Ident { name, span }));
            }
            ExprKind::Index { x, index } => {
                self.expr(x);
                self.expr(index);
            }
            ExprKind::IndexList { x, indices } => {
                self.expr(x);
                self.exprs(indices);
            }
            ExprKind::Slice(id) => {
                let parts = self.ast.slice(id);
                self.expr(parts.x);
                self.expr(parts.lo);
                self.expr(parts.hi);
                self.expr(parts.max);
            }
            ExprKind::TypeAssert { x, ty } => {
                self.expr(x);
                self.expr(ty);
            }
            ExprKind::Call { fun, args, .. } => {
                self.expr(fun);
                self.exprs(args);
            }
            ExprKind::Binary { x, y, .. } => {
                self.expr(x);
                self.expr(y);
            }
            ExprKind::KeyValue { key, value } | ExprKind::MapType { key, value } => {
                self.expr(key);
                self.expr(value);
            }
            ExprKind::ArrayType { len, elem } => {
                self.expr(len);
                self.expr(elem);
            }
            ExprKind::StructType(fields) | ExprKind::InterfaceType(fields) => self.fields(fields),
            ExprKind::FuncType(id) => self.func_type(id),
            ExprKind::ChanType { elem, .. } => self.expr(elem),
        }
    }
}

fn stmt_kind(kind: StmtKind) -> &'static str {
    match kind {
        StmtKind::Bad => "BadStmt",
        StmtKind::Decl(_) => "DeclStmt",
        StmtKind::Empty { .. } => "EmptyStmt",
        StmtKind::Labeled { .. } => "LabeledStmt",
        StmtKind::Expr(_) => "ExprStmt",
        StmtKind::Send { .. } => "SendStmt",
        StmtKind::IncDec { .. } => "IncDecStmt",
        StmtKind::Assign { .. } => "AssignStmt",
        StmtKind::Go(_) => "GoStmt",
        StmtKind::Defer(_) => "DeferStmt",
        StmtKind::Return(_) => "ReturnStmt",
        StmtKind::Branch { .. } => "BranchStmt",
        StmtKind::Block(_) => "BlockStmt",
        StmtKind::If(_) => "IfStmt",
        StmtKind::Case { .. } => "CaseClause",
        StmtKind::Switch { .. } => "SwitchStmt",
        StmtKind::TypeSwitch { .. } => "TypeSwitchStmt",
        StmtKind::Comm { .. } => "CommClause",
        StmtKind::Select(_) => "SelectStmt",
        StmtKind::For(_) => "ForStmt",
        StmtKind::Range(_) => "RangeStmt",
    }
}

fn expr_kind(kind: ExprKind) -> &'static str {
    match kind {
        ExprKind::Bad => "BadExpr",
        ExprKind::Ident(_) => "Ident",
        ExprKind::Ellipsis { .. } => "Ellipsis",
        ExprKind::BasicLit(_) => "BasicLit",
        ExprKind::FuncLit { .. } => "FuncLit",
        ExprKind::CompositeLit { .. } => "CompositeLit",
        ExprKind::Paren(_) => "ParenExpr",
        ExprKind::Selector { .. } => "SelectorExpr",
        ExprKind::Index { .. } => "IndexExpr",
        ExprKind::IndexList { .. } => "IndexListExpr",
        ExprKind::Slice(_) => "SliceExpr",
        ExprKind::TypeAssert { .. } => "TypeAssertExpr",
        ExprKind::Call { .. } => "CallExpr",
        ExprKind::Star(_) => "StarExpr",
        ExprKind::Unary { .. } => "UnaryExpr",
        ExprKind::Binary { .. } => "BinaryExpr",
        ExprKind::KeyValue { .. } => "KeyValueExpr",
        ExprKind::ArrayType { .. } => "ArrayType",
        ExprKind::StructType(_) => "StructType",
        ExprKind::FuncType(_) => "FuncType",
        ExprKind::InterfaceType(_) => "InterfaceType",
        ExprKind::MapType { .. } => "MapType",
        ExprKind::ChanType { .. } => "ChanType",
    }
}
