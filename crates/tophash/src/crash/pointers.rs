//! What a line fails with if it is nil, as the type checker sees it: pointers, functions and
//! interfaces, and the addresses that using them would touch.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use tophash_crash::{Operation, Origin, Pointer, Use};
use tophash_finding::Place;
use tophash_rules::Options;
use tophash_syntax::ast::{Ast, Body, ExprId, ExprKind, FuncId, StmtKind};
use tophash_syntax::walk::Node;
use tophash_syntax::{File, Span};
use tophash_types::{
    Checker, ObjId, ObjKind, Program, SelectionKind, Type, TypeId, TypedBody, VarKind, World,
};
use tophash_workspace::Workspace;

/// Fields that lie further in are not reached by using a nil pointer: the compiler tries the
/// pointer itself first, at address 0 (`minZeroPage` of cmd/compile).
const ZERO_PAGE: u64 = 4096;

/// Bytes of a word. Addresses of 32-bit programs fit nothing and so decide nothing.
const WORD: u64 = 8;

/// Where methods begin in an itab (internal/abi.ITab.Fun).
const ITAB_METHODS: u64 = 24;

/// The packages of a directory, to be asked for lines.
pub(crate) struct Typed {
    workspace: Workspace,
}

impl Typed {
    /// Opens what the go command would build in a directory.
    pub(crate) fn open(dir: &Path, variables: Vec<(String, String)>) -> Typed {
        let options = Options {
            dir: dir.to_owned(),
            patterns: vec![".".to_owned()],
            variables,
            ..Options::default()
        };
        Typed {
            workspace: options.open(),
        }
    }

    /// What the line of a file would fail with, in source order. `shown` is what reports call the
    /// file. None if the file is in none of the packages.
    pub(crate) fn pointers(&self, path: &Path, shown: &str, line: u32) -> Option<Vec<Pointer>> {
        let program = Program::new(&self.workspace);
        let package = self
            .workspace
            .roots()
            .iter()
            .map(|&id| program.package_id(id));
        let id = package
            .flat_map(|package| program.files(package).to_vec())
            .find(|&id| self.workspace.file(program.workspace_file(id)).path == path)?;
        let source = program.file(id);
        let file = source.tree;
        let at = |span: Span| {
            let (from, to) = (file.position(span.start).0, file.position(span.end).0);
            (from..=to).contains(&line)
        };
        let func = file.decls.iter().find_map(|&decl| {
            let decl = file.ast.decl(decl);
            match decl.kind {
                tophash_syntax::ast::DeclKind::Func(id) if at(decl.span) => Some(id),
                _ => None,
            }
        })?;
        let mut checker = Checker::new(&program);
        let body = checker.check_body(id, func);
        let mut reader = Reader {
            checker,
            body,
            file,
            text: source.source,
            shown,
            line,
            elements: HashMap::new(),
            parents: HashMap::new(),
            found: Vec::new(),
        };
        reader.function(func);
        Some(reader.found)
    }
}

struct Reader<'a> {
    checker: Checker<'a>,
    body: TypedBody,
    file: &'a File,
    text: &'a [u8],
    shown: &'a str,
    line: u32,
    /// Variables that were last given an element of a map.
    elements: HashMap<ObjId, Use>,
    /// Selectors, indices and calls by their operand.
    parents: HashMap<ExprId, ExprId>,
    found: Vec<Pointer>,
}

impl Reader<'_> {
    fn ast(&self) -> &Ast {
        &self.file.ast
    }

    fn function(&mut self, func: FuncId) {
        let file = self.file;
        let Body::Block(body) = file.ast.func(func).body else {
            return;
        };
        file.ast.walk(Node::Stmt(body), |node| {
            // What comes behind the line has not happened, loops aside.
            match node {
                Node::Stmt(id) => {
                    let stmt = file.ast.stmt(id);
                    if file.position(stmt.span.start).0 > self.line {
                        return false;
                    }
                    if let StmtKind::Assign { lhs, rhs, .. } = stmt.kind {
                        self.assigned(file.ast.list(lhs), file.ast.list(rhs));
                    }
                }
                Node::Expr(id) => self.expression(id),
                _ => {}
            }
            true
        });
    }

    /// Notes variables that are given elements of maps: `v := m[k]`, `v, ok := m[k]`.
    fn assigned(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        for (i, &target) in lhs.iter().enumerate() {
            let value = match (rhs.len() == lhs.len(), i) {
                (true, i) => rhs.get(i),
                (false, 0) => rhs.first(),
                _ => None,
            };
            let (Some(variable), Some(&value)) = (self.variable(target), value) else {
                continue;
            };
            match self.element(value) {
                Some(map_use) => self.elements.insert(variable, map_use),
                None => self.elements.remove(&variable),
            };
        }
    }

    /// The variable that a name stands for, or declares.
    fn variable(&self, expr: ExprId) -> Option<ObjId> {
        let expr = self.ast().unparen(expr);
        let ExprKind::Ident(_) = self.ast().expr(expr).kind else {
            return None;
        };
        let start = self.ast().expr(expr).span.start;
        self.body
            .object(expr)
            .or_else(|| self.body.definition(start))
    }

    /// The look-up that an expression is.
    fn element(&mut self, expr: ExprId) -> Option<Use> {
        let expr = self.ast().unparen(expr);
        let ExprKind::Index { x, .. } = self.ast().expr(expr).kind else {
            return None;
        };
        let ty = self.body.type_of(x);
        if !self.checker.is_map(ty) {
            return None;
        }
        Some(Use {
            operation: Operation::Read,
            map: self.words(x),
            name: self.name(x),
            place: self.place(expr),
            passed: false,
        })
    }

    /// A map as findings name it: `Cache.items`.
    fn name(&self, map: ExprId) -> String {
        let map = self.ast().unparen(map);
        let owner = self.body.selection(map).and_then(|selection| {
            let base = match *self.checker.ty(selection.recv) {
                Type::Pointer(base) => base,
                _ => selection.recv,
            };
            let Type::Named(id) = *self.checker.ty(base) else {
                return None;
            };
            let owner = self.checker.object(self.checker.named(id).obj);
            Some((owner.name, self.checker.object(selection.obj).name))
        });
        match owner {
            Some((owner, field)) => format!("{}.{}", owner.as_str(), field.as_str()),
            None => self.words(map),
        }
    }

    fn words(&self, expr: ExprId) -> String {
        let text = String::from_utf8_lossy(self.ast().expr(expr).span.of(self.text));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn place(&self, expr: ExprId) -> Place {
        let span = self.ast().expr(expr).span;
        let (start, end) = (self.file.position(span.start), self.file.position(span.end));
        Place::new(self.shown, start, end)
    }

    /// Notes what an expression uses, if it is on the line.
    fn expression(&mut self, expr: ExprId) {
        let span = self.ast().expr(expr).span;
        // Where the compiler says that something happens in a chain over several lines.
        let at = match self.ast().expr(expr).kind {
            ExprKind::Selector { name_pos, .. } => name_pos,
            ExprKind::Call { .. } => span.end.saturating_sub(1),
            _ => span.start,
        };
        if self.file.position(at).0 != self.line && self.file.position(span.start).0 != self.line {
            return;
        }
        match self.ast().expr(expr).kind {
            ExprKind::Selector { x, .. } => self.selector(expr, x),
            ExprKind::Star(x) => {
                let ty = self.body.type_of(x);
                if let Some(base) = self.pointed(ty) {
                    let size = self.checker.size_of(base);
                    self.add(x, expr, size.map(|size| 0..size), None);
                }
            }
            ExprKind::Index { x, .. } => {
                // `p[i]` of a pointer to an array.
                let ty = self.body.type_of(x);
                if let Some(base) = self.pointed(ty) {
                    let size = self.checker.size_of(base);
                    self.add(x, expr, size.map(|size| 0..size), None);
                }
            }
            ExprKind::Call { fun, .. } => {
                let ty = self.body.type_of(fun);
                let under = self.checker.underlying(ty);
                let is_func = matches!(self.checker.ty(under), Type::Signature(_));
                if is_func && self.is_func_value(fun) {
                    self.add(fun, expr, Some(0..WORD), None);
                }
            }
            _ => {}
        }
    }

    /// The type behind a pointer.
    fn pointed(&mut self, ty: TypeId) -> Option<TypeId> {
        let under = self.checker.underlying(ty);
        match *self.checker.ty(under) {
            Type::Pointer(base) => Some(base),
            _ => None,
        }
    }

    /// Whether what is called is a variable or an element, not a declared function.
    fn is_func_value(&self, fun: ExprId) -> bool {
        let fun = self.ast().unparen(fun);
        match self.ast().expr(fun).kind {
            ExprKind::Index { x, .. } => {
                // An instance of a generic function is none.
                !matches!(self.checker.ty(self.body.type_of(x)), Type::Signature(_))
            }
            _ => {
                let selected = self.body.selection(fun).map(|s| s.obj);
                let object = selected.or_else(|| self.body.object(fun));
                object.is_some_and(|id| matches!(self.checker.object(id).kind, ObjKind::Var(_)))
            }
        }
    }

    fn selector(&mut self, expr: ExprId, x: ExprId) {
        let Some(selection) = self.body.selection(expr).cloned() else {
            return;
        };
        let base = self.pointed(selection.recv);
        match (selection.kind, base) {
            (SelectionKind::Field, Some(base)) => {
                let bytes = self.checker.field_bytes(base, &selection.path);
                let touches = bytes.map(|bytes| self.within(expr, bytes));
                self.add(x, expr, touches, None);
            }
            (SelectionKind::Method, None) => {
                let under = self.checker.underlying(selection.recv);
                if let Type::Interface(_) = self.checker.ty(under) {
                    self.add(x, expr, Some(ITAB_METHODS..ZERO_PAGE), None);
                }
            }
            (SelectionKind::Method, Some(base)) => {
                let by_pointer = {
                    let method = self.checker.type_of(selection.obj);
                    let recv = match self.checker.ty(method) {
                        Type::Signature(signature) => signature.recv,
                        _ => None,
                    };
                    let recv = recv.map(|recv| self.checker.type_of(recv));
                    recv.is_some_and(|ty| self.pointed(ty).is_some())
                };
                // Through an embedded field a pointer is followed on the way.
                if by_pointer && selection.path.len() == 1 {
                    let name = self.checker.object(selection.obj).name;
                    self.add(x, expr, None, Some(name.as_str().to_owned()));
                } else {
                    let size = self.checker.size_of(base);
                    let touches = size.filter(|_| !by_pointer).map(|size| 0..size.max(1));
                    self.add(x, expr, touches, None);
                }
            }
            _ => {}
        }
    }

    /// What of a field is used by the selectors around it, which lie inside: `p.a.b`.
    fn within(&mut self, mut expr: ExprId, mut bytes: Range<u64>) -> Range<u64> {
        while let Some(&outer) = self.parents.get(&expr) {
            let Some(selection) = self.body.selection(outer).cloned() else {
                break;
            };
            if selection.kind != SelectionKind::Field || self.pointed(selection.recv).is_some() {
                break;
            }
            let Some(inner) = self.checker.field_bytes(selection.recv, &selection.path) else {
                break;
            };
            bytes = bytes.start + inner.start..bytes.start + inner.end;
            expr = outer;
        }
        bytes
    }

    /// Adds what `x`, used in `whole`, is. Parents come before their operands.
    fn add(
        &mut self,
        x: ExprId,
        whole: ExprId,
        touches: Option<Range<u64>>,
        method: Option<String>,
    ) {
        let x = self.ast().unparen(x);
        self.parents.insert(x, whole);
        let touches = touches.map(|bytes| match bytes.start < ZERO_PAGE {
            true => bytes.start..bytes.end.max(bytes.start + 1),
            false => 0..1,
        });
        let origin = self.origin(x);
        self.found.push(Pointer {
            text: self.words(x),
            place: self.place(whole),
            touches,
            origin,
            method,
        });
    }

    fn origin(&mut self, x: ExprId) -> Origin {
        if let Some(map_use) = self.element(x) {
            return Origin::Element(map_use);
        }
        if let Some(variable) = self.variable(x) {
            if let Some(map_use) = self.elements.get(&variable) {
                return Origin::Element(map_use.clone());
            }
            if let ObjKind::Var(VarKind::Receiver) = self.checker.object(variable).kind {
                return Origin::Receiver;
            }
        }
        // `m[k].Owner`, and `u.Owner` of a variable that was given an element.
        let mut inner = x;
        while let ExprKind::Selector { x, .. }
        | ExprKind::Index { x, .. }
        | ExprKind::Star(x)
        | ExprKind::Paren(x) = self.ast().expr(inner).kind
        {
            inner = x;
            let variable = self.variable(inner);
            if self.element(inner).is_some()
                || variable.is_some_and(|v| self.elements.contains_key(&v))
            {
                return Origin::BehindElement;
            }
        }
        Origin::Other
    }
}
