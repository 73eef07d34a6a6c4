//! What the source of a package does with fields of some names: one pass over its trees,
//! made only where a field is written without a check.

use crate::givers::{self, Giver, Owner};
use crate::names_index::{FuncRef, Functions, is_nil};
use crate::origin::Loc;
use crate::summary::FieldName;
use crate::worker::Worker;
use rustc_hash::{FxHashMap, FxHashSet};
use tophash_syntax::Symbol;
use tophash_syntax::ast::{
    AssignOp, Ast, BinaryOp, Body, ExprId, ExprKind, FuncId, StmtId, StmtKind, UnaryOp,
};
use tophash_types::{FileId, PackageId};

/// What is done with a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum UseKind {
    /// `x.f = v`
    Assigned,
    /// `x.f = y.g`, which may be nil.
    Copied,
    /// `x.f = nil`
    Nilled,
    /// `T{f: v}`
    Literal,
    /// `x.f == nil`, `x.f != nil`, or a comparison of its length.
    Tested,
    /// `x.f[k] = v`
    Written,
    /// `&x.f`
    Address,
}

/// A place that does something with a field of that name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    /// What it does.
    pub kind: UseKind,
    /// The selector or literal, and the function around it.
    pub giver: Giver,
    /// Where.
    pub at: Loc,
    /// Whether the types say so; otherwise it may be another struct's field.
    pub sure: bool,
}

/// A literal of a type of the package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiteralOf {
    /// The type's name.
    pub owner: Symbol,
    /// The literal, and the function around it.
    pub giver: Giver,
    /// Where.
    pub at: Loc,
}

/// A call of something that decodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecodeCall {
    /// The call, and the function around it.
    pub giver: Giver,
    /// The name of the function called.
    pub by: Symbol,
    /// Where.
    pub at: Loc,
}

/// What a package's source does with some fields.
#[derive(Default)]
pub(crate) struct Uses {
    by_field: FxHashMap<Symbol, Vec<Use>>,
    /// Literals of types of the package, or with the type left out, that have elements with
    /// keys or none at all.
    pub literals: Vec<LiteralOf>,
    pub decodes: Vec<DecodeCall>,
    /// Names of functions that assign a field, by the field's name.
    pub assigners: FxHashMap<Symbol, FxHashSet<Symbol>>,
}

/// How the names of functions begin that fill the object they are given a pointer to from
/// a text, a message or the environment, as far as that names its fields.
const DECODERS: [&str; 7] = [
    "Unmarshal",
    "Decode",
    "WeakDecode",
    "ReadJSON",
    "BindJSON",
    "ShouldBind",
    "ReadEntity",
];

/// Whether a function of that name decodes.
pub(crate) fn is_decoder(name: Symbol) -> bool {
    let name = name.as_str();
    DECODERS.iter().any(|decoder| name.starts_with(decoder))
}

impl Uses {
    /// What a package does with the fields of those names.
    pub(crate) fn new(
        worker: &Worker,
        package: PackageId,
        fields: &FxHashSet<Symbol>,
        owners: &FxHashSet<Symbol>,
    ) -> Uses {
        let mut uses = Uses::default();
        for &file in worker.world.files(package) {
            let source = worker.world.file(file);
            let functions = Functions::new(file, source.tree);
            let mut pass = Pass {
                uses: &mut uses,
                file,
                tree: &source.tree.ast,
                ast: &source.tree.ast,
                functions: &functions,
                fields,
                owners,
            };
            pass.statements();
            pass.expressions();
            // Of dependencies only the bodies that hold such names are read.
            for n in 0..source.tree.ast.func_count() {
                let func = FuncId::from_index(n);
                let Body::Skipped(extent) = source.tree.ast.func(func).body else {
                    continue;
                };
                let text = extent.of(source.source);
                let named = fields.iter().map(|f| f.as_str()).chain(DECODERS);
                if !named
                    .into_iter()
                    .any(|name| contains(text, name.as_bytes()))
                {
                    continue;
                }
                if let Some((ast, _)) = worker.world.body(file, func) {
                    pass.ast = ast;
                    pass.statements();
                    pass.expressions();
                }
            }
        }
        uses
    }

    /// The functions that assign something to a field of that name.
    pub(crate) fn assigning(&self, field: Symbol) -> impl Iterator<Item = Option<FuncRef>> {
        let uses = self.by_field.get(&field).into_iter().flatten();
        uses.filter(|place| place.kind == UseKind::Assigned)
            .map(|place| place.giver.func)
    }

    /// What is done with a field, or may be.
    pub(crate) fn of(&self, worker: &mut Worker, field: &FieldName) -> Vec<Use> {
        let uses = self.by_field.get(&field.field).into_iter().flatten();
        uses.filter_map(
            |&place| match givers::owner(worker, &place.giver, field.field) {
                Owner::Unknown => Some(place),
                Owner::Other => None,
                Owner::Named(package, name) => ((package, name) == (field.package, field.owner))
                    .then_some(Use {
                        sure: true,
                        ..place
                    }),
            },
        )
        .collect()
    }
}

struct Pass<'p> {
    uses: &'p mut Uses,
    file: FileId,
    /// The file's tree, and the one that is read: that of a body may be one of its own.
    tree: &'p Ast,
    ast: &'p Ast,
    functions: &'p Functions,
    fields: &'p FxHashSet<Symbol>,
    owners: &'p FxHashSet<Symbol>,
}

impl Pass<'_> {
    fn giver(&self, expr: ExprId) -> Giver {
        let func = self.functions.around(self.ast.expr(expr).span);
        Giver {
            file: self.file,
            func,
            expr,
        }
    }

    fn loc(&self, expr: ExprId) -> Loc {
        Loc {
            file: self.file,
            span: self.ast.expr(expr).span,
        }
    }

    fn note(&mut self, kind: UseKind, field: Symbol, expr: ExprId) {
        if !self.fields.contains(&field) {
            return;
        }
        let giver = self.giver(expr);
        if kind == UseKind::Assigned
            && let Some(func) = giver.func
        {
            let name = self.tree.func(func.func).name.name;
            self.uses.assigners.entry(field).or_default().insert(name);
        }
        let at = self.loc(expr);
        let place = Use {
            kind,
            giver,
            at,
            sure: false,
        };
        self.uses.by_field.entry(field).or_default().push(place);
    }

    fn field(&self, expr: ExprId) -> Option<(Symbol, ExprId)> {
        let expr = self.ast.unparen(expr);
        match self.ast.expr(expr).kind {
            ExprKind::Selector { name, .. } => Some((name, expr)),
            _ => None,
        }
    }

    fn statements(&mut self) {
        for n in 0..self.ast.stmt_count() {
            let stmt = self.ast.stmt(StmtId::from_index(n));
            let (lhs, op, rhs) = match stmt.kind {
                StmtKind::Assign { lhs, op, rhs } if op != AssignOp::Define => (lhs, op, rhs),
                StmtKind::IncDec { x, .. } => {
                    self.written(x);
                    continue;
                }
                _ => continue,
            };
            for &target in self.ast.list(lhs) {
                self.written(target);
            }
            if op != AssignOp::Assign {
                continue;
            }
            let values = self.ast.list(rhs);
            for (n, &target) in self.ast.list(lhs).iter().enumerate() {
                let Some((name, selector)) = self.field(target) else {
                    continue;
                };
                let kind = match values.get(n) {
                    Some(&value) if lhs.len() == rhs.len() && is_nil(self.ast, value) => {
                        UseKind::Nilled
                    }
                    Some(&value) if self.field(value).is_some() => UseKind::Copied,
                    _ => UseKind::Assigned,
                };
                self.note(kind, name, selector);
            }
        }
    }

    fn written(&mut self, target: ExprId) {
        if let ExprKind::Index { x, .. } = self.ast.expr(self.ast.unparen(target)).kind
            && let Some((name, selector)) = self.field(x)
        {
            self.note(UseKind::Written, name, selector);
        }
    }

    fn expressions(&mut self) {
        for n in 0..self.ast.expr_count() {
            let id = ExprId::from_index(n);
            match self.ast.expr(id).kind {
                ExprKind::Unary {
                    op: UnaryOp::And,
                    x,
                } => {
                    if let Some((name, selector)) = self.field(x) {
                        self.note(UseKind::Address, name, selector);
                    }
                }
                ExprKind::Binary { op, x, y } if is_comparison(op) => {
                    for side in [x, y] {
                        let side = self.length_of(side);
                        if let Some((name, selector)) = self.field(side) {
                            self.note(UseKind::Tested, name, selector);
                        }
                    }
                }
                ExprKind::CompositeLit { ty, elems } => self.literal(id, ty, self.ast.list(elems)),
                ExprKind::Call { fun, .. } => {
                    let name = match self.ast.expr(self.ast.unparen(fun)).kind {
                        ExprKind::Ident(name) | ExprKind::Selector { name, .. } => name,
                        _ => continue,
                    };
                    if is_decoder(name) {
                        let call = DecodeCall {
                            giver: self.giver(id),
                            by: name,
                            at: self.loc(id),
                        };
                        self.uses.decodes.push(call);
                    }
                }
                _ => {}
            }
        }
    }

    /// `x` of `len(x)`, or what is given.
    fn length_of(&self, expr: ExprId) -> ExprId {
        let len = Symbol::new("len");
        match self.ast.expr(self.ast.unparen(expr)).kind {
            ExprKind::Call { fun, args, .. } => {
                match (self.ast.expr(fun).kind, self.ast.list(args)) {
                    (ExprKind::Ident(name), [x]) if name == len => *x,
                    _ => expr,
                }
            }
            _ => expr,
        }
    }

    fn literal(&mut self, id: ExprId, ty: Option<ExprId>, elems: &[ExprId]) {
        let mut keyed = true;
        for &elem in elems {
            match self.ast.expr(elem).kind {
                ExprKind::KeyValue { key, value } => {
                    if let ExprKind::Ident(name) = self.ast.expr(key).kind
                        && !is_nil(self.ast, value)
                    {
                        self.note(UseKind::Literal, name, id);
                    }
                }
                _ => keyed = false,
            }
        }
        let name = match ty.map(|ty| self.ast.expr(ty).kind) {
            Some(ExprKind::Ident(name)) => name,
            Some(ExprKind::Selector { name, .. }) => name,
            _ => return,
        };
        if keyed && self.owners.contains(&name) {
            let literal = LiteralOf {
                owner: name,
                giver: self.giver(id),
                at: self.loc(id),
            };
            self.uses.literals.push(literal);
        }
    }
}

fn contains(text: &[u8], name: &[u8]) -> bool {
    text.windows(name.len()).any(|window| window == name)
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{Eql, Geq, Gtr, Leq, Lss, Neq};
    matches!(op, Eql | Neq | Lss | Leq | Gtr | Geq)
}

/// The name of a function declaration.
pub(crate) fn function_name(worker: &Worker, func: FuncRef) -> Symbol {
    worker
        .world
        .file(func.file)
        .tree
        .ast
        .func(func.func)
        .name
        .name
}
