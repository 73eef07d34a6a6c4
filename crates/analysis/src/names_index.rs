//! What a package's source says of names, told without types.
//!
//! One pass over the trees. Which fields are ever given a value it tells where names
//! alone say so; elsewhere it keeps the place, for [`crate::givers`] to ask the checker.

use crate::givers::Giver;
use crate::handing::{self, Handing};
use crate::origin::Loc;
use crate::takers::Takers;
use crate::worker::is_exported;
use rustc_hash::{FxHashMap, FxHashSet};
use tophash_flow::Candidates;
use tophash_syntax::ast::{
    AssignOp, Ast, DeclKind, ExprId, ExprKind, FuncDecl, FuncId, GenTok, List, SpecKind, StmtId,
    StmtKind, UnaryOp,
};
use tophash_syntax::{File, Span, Symbol};
use tophash_types::{FileId, PackageId, World};

/// A function declaration of the package.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct FuncRef {
    pub file: FileId,
    pub func: FuncId,
}

/// A place where a value of a struct type is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Maker {
    /// The function around it; none at package level.
    pub func: Option<FuncRef>,
    pub at: Loc,
    pub form: MakerForm,
}

/// How a value of a struct type is made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum MakerForm {
    Literal,
    New,
    Var,
}

/// A struct type as declared.
#[derive(Default)]
pub(crate) struct StructIndex {
    /// Names of its fields; embedded ones have their type's.
    pub fields: FxHashSet<Symbol>,
    /// Types of the package that it holds by value.
    pub parts: Vec<Symbol>,
    /// Whether a field's type is written as a map.
    pub has_map: bool,
}

/// What a package's source says of names.
#[derive(Default)]
pub(crate) struct NamesIndex {
    /// Functions that may write to a map, or hand one to a function that does.
    pub writers: Vec<FuncRef>,
    /// Methods that replace a field of a receiver that is a copy.
    pub copies: Vec<FuncRef>,
    /// Variables that something other than nil is assigned to, or whose address is
    /// taken: `name = v`, `&name`.
    pub given: FxHashSet<Symbol>,
    /// Where a field of some struct is given a value, by the field's name: `x.name = v`,
    /// `&x.name`, `{name: v}`, where the type of `x` is not plain to see.
    pub givers: FxHashMap<Symbol, Vec<Giver>>,
    /// Fields that are given a value where the struct's name is plain to see:
    /// `T{name: v}`, and `t.name = v` in a method of T.
    pub given_of: FxHashSet<(Symbol, Symbol)>,
    /// Struct types of the package.
    pub structs: FxHashMap<Symbol, StructIndex>,
    /// Types with literals that give values without naming fields, and types that values
    /// of other types are converted to.
    pub positional: FxHashSet<Symbol>,
    /// Where values of the package's types are made.
    pub makers: FxHashMap<Symbol, Vec<Maker>>,
    /// Functions that make a value of a struct type of another package.
    pub foreign_makers: Vec<(FuncRef, Symbol, Symbol)>,
    /// Maps declared at package level without a value, by name.
    pub bare_globals: Vec<(Symbol, Loc)>,
}

impl NamesIndex {
    /// Reads the files of a package. `takers` are functions whose calls are looked out for.
    pub(crate) fn new(world: &dyn World, package: PackageId, takers: &Takers) -> NamesIndex {
        let mut index = NamesIndex {
            structs: structs(world, package),
            ..NamesIndex::default()
        };
        let mut handing = Vec::new();
        for &file in world.files(package) {
            index.file(file, world.file(file).tree, takers, &mut handing);
        }
        let given_of: FxHashSet<Symbol> = index.given_of.iter().map(|&(_, name)| name).collect();
        let is_given = |name: &Symbol| {
            is_exported(*name) || index.givers.contains_key(name) || given_of.contains(name)
        };
        let handing = handing
            .into_iter()
            .filter(|handing| handing.is_likely || !handing.fields.iter().all(is_given));
        index.writers.extend(handing.map(|handing| handing.func));
        index.writers.sort();
        index.writers.dedup();
        index
    }

    fn file(&mut self, id: FileId, file: &File, takers: &Takers, handing: &mut Vec<Handing>) {
        let ast = &file.ast;
        let candidates: Candidates = tophash_flow::candidates(file);
        let functions = Functions::new(id, file);
        for candidate in &candidates.functions {
            if candidate.features.indexed_write {
                self.writers.push(FuncRef {
                    file: id,
                    func: candidate.func,
                });
            }
        }
        self.statements(id, ast, &functions);
        self.expressions(id, ast, &functions);
        self.variables(id, file, &functions);
        let around = |span| functions.around(span);
        handing.extend(handing::candidates(ast, takers, around));
    }

    /// Whether names alone say that a field is given a value.
    pub(crate) fn is_given(&self, owner: Symbol, field: Symbol) -> bool {
        self.given_of.contains(&(owner, field)) || self.positional.contains(&owner)
    }

    /// Where values of a type are made, alone or as parts of others.
    pub(crate) fn makers_of(&self, ty: Symbol) -> Vec<Maker> {
        let mut makers = Vec::new();
        let mut open = vec![ty];
        let mut seen: FxHashSet<Symbol> = open.iter().copied().collect();
        while let Some(ty) = open.pop() {
            makers.extend(self.makers.get(&ty).into_iter().flatten().copied());
            let whole = self.structs.iter().filter(|(_, s)| s.parts.contains(&ty));
            let mut whole: Vec<Symbol> = whole.map(|(&name, _)| name).collect();
            whole.sort_by_key(|name| name.as_str());
            open.extend(whole.into_iter().filter(|&name| seen.insert(name)));
        }
        makers
    }

    fn statements(&mut self, file: FileId, ast: &Ast, functions: &Functions) {
        for n in 0..ast.stmt_count() {
            let stmt = ast.stmt(StmtId::from_index(n));
            match stmt.kind {
                StmtKind::Assign { lhs, op, rhs } if op != AssignOp::Define => {
                    let values = ast.list(rhs);
                    for (n, &target) in ast.list(lhs).iter().enumerate() {
                        if lhs.len() == rhs.len()
                            && is_new(ast, values[n])
                            && let ExprKind::Selector { x, .. } = ast.expr(target).kind
                            && let ExprKind::Ident(name) = ast.expr(x).kind
                            && functions.is_copied_receiver(stmt.span, name)
                        {
                            self.copies.extend(functions.around(stmt.span));
                        }
                        if lhs.len() != rhs.len() || !is_nil(ast, values[n]) {
                            self.given_name(file, ast, functions, target);
                        }
                    }
                }
                StmtKind::Range(range) => {
                    let parts = ast.range_parts(range);
                    if !parts.define {
                        for target in parts.key.into_iter().chain(parts.value) {
                            self.given_name(file, ast, functions, target);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The name at the end of something that is assigned, or whose address is taken.
    fn given_name(&mut self, file: FileId, ast: &Ast, functions: &Functions, target: ExprId) {
        let target = ast.unparen(target);
        match ast.expr(target).kind {
            ExprKind::Ident(name) => {
                self.given.insert(name);
            }
            ExprKind::Selector { x, name, .. } => {
                let owner = match ast.expr(ast.unparen(x)).kind {
                    ExprKind::Ident(x) => functions
                        .receiver(ast.expr(target).span, x)
                        .filter(|owner| self.has_field(*owner, name)),
                    _ => None,
                };
                match owner {
                    Some(owner) => {
                        self.given_of.insert((owner, name));
                    }
                    None => self.giver(file, ast, functions, name, target),
                }
            }
            _ => {}
        }
    }

    fn giver(
        &mut self,
        file: FileId,
        ast: &Ast,
        functions: &Functions,
        field: Symbol,
        expr: ExprId,
    ) {
        let func = functions.around(ast.expr(expr).span);
        let giver = Giver { file, func, expr };
        self.givers.entry(field).or_default().push(giver);
    }

    /// The literals in a literal of a list or map of structs, whose type goes without saying.
    fn elements(
        &mut self,
        file: FileId,
        ast: &Ast,
        functions: &Functions,
        owner: Symbol,
        elems: List<ExprId>,
    ) {
        for &elem in ast.list(elems) {
            let value = match ast.expr(elem).kind {
                ExprKind::KeyValue { value, .. } => value,
                _ => elem,
            };
            let ExprKind::CompositeLit { ty: None, elems } = ast.expr(value).kind else {
                continue;
            };
            let is_keyed =
                |&elem: &ExprId| matches!(ast.expr(elem).kind, ExprKind::KeyValue { .. });
            if ast.list(elems).iter().all(is_keyed) {
                let at = Loc {
                    file,
                    span: ast.expr(value).span,
                };
                self.maker(functions, owner, MakerForm::Literal, at);
            } else {
                self.positional.insert(owner);
            }
        }
    }

    fn has_field(&self, owner: Symbol, field: Symbol) -> bool {
        self.structs
            .get(&owner)
            .is_some_and(|index| index.fields.contains(&field))
    }

    fn expressions(&mut self, file: FileId, ast: &Ast, functions: &Functions) {
        let new = Symbol::new("new");
        let maps = Symbol::new("maps");
        let set_map_index = Symbol::new("SetMapIndex");
        for n in 0..ast.expr_count() {
            let literal = ExprId::from_index(n);
            let expr = ast.expr(literal);
            let at = Loc {
                file,
                span: expr.span,
            };
            match expr.kind {
                ExprKind::Unary {
                    op: UnaryOp::And,
                    x,
                } => self.given_name(file, ast, functions, x),
                ExprKind::CompositeLit { ty, elems } => {
                    let mut keyed = true;
                    let owner = ty.and_then(|ty| named(ast, ty));
                    for &elem in ast.list(elems) {
                        match ast.expr(elem).kind {
                            ExprKind::KeyValue { key, value } => {
                                if let ExprKind::Ident(name) = ast.expr(key).kind {
                                    match owner {
                                        _ if is_nil(ast, value) => {}
                                        Some((None, owner)) if self.has_field(owner, name) => {
                                            self.given_of.insert((owner, name));
                                        }
                                        // A field of another package's struct.
                                        Some((Some(_), _)) => {}
                                        _ => self.giver(file, ast, functions, name, literal),
                                    }
                                }
                            }
                            _ => keyed = false,
                        }
                    }
                    let Some(ty) = ty else { continue };
                    match named(ast, ty) {
                        Some((None, name)) => {
                            if keyed {
                                self.maker(functions, name, MakerForm::Literal, at);
                            } else {
                                self.positional.insert(name);
                            }
                        }
                        Some((Some(package), name)) if keyed => {
                            self.foreign(functions, package, name, at);
                        }
                        Some(_) => {}
                        None => {
                            // The elements of `[]T{{a, b}}` are literals of T.
                            if let Some((None, name)) = element(ast, ty) {
                                self.elements(file, ast, functions, name, elems);
                            }
                        }
                    }
                }
                ExprKind::Call { fun, args, .. } => match ast.expr(ast.unparen(fun)).kind {
                    ExprKind::Ident(name) if name == new => {
                        if let [ty] = ast.list(args) {
                            match named(ast, *ty) {
                                Some((None, name)) => {
                                    self.maker(functions, name, MakerForm::New, at);
                                }
                                Some((Some(package), name)) => {
                                    self.foreign(functions, package, name, at);
                                }
                                None => {}
                            }
                        }
                    }
                    ExprKind::Selector { x, .. } if matches!(ast.expr(x).kind, ExprKind::Ident(name) if name == maps) =>
                    {
                        self.writers.extend(functions.around(at.span));
                    }
                    ExprKind::Selector { name, .. } if name == set_map_index => {
                        self.writers.extend(functions.around(at.span));
                    }
                    // `T(x)` and `(*T)(x)` take over the fields of another type.
                    ExprKind::Ident(name) if self.structs.contains_key(&name) => {
                        self.positional.insert(name);
                    }
                    ExprKind::Star(ty) => {
                        if let Some((None, name)) = named(ast, ty) {
                            self.positional.insert(name);
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }

    fn variables(&mut self, file: FileId, tree: &File, functions: &Functions) {
        let ast = &tree.ast;
        let mut specs: Vec<_> = tree.specs(GenTok::Var).map(|spec| (spec, true)).collect();
        for n in 0..ast.stmt_count() {
            if let StmtKind::Decl(decl) = ast.stmt(StmtId::from_index(n)).kind
                && let DeclKind::Gen {
                    tok: GenTok::Var,
                    specs: list,
                    ..
                } = ast.decl(decl).kind
            {
                specs.extend(ast.list(list).iter().map(|&spec| (spec, false)));
            }
        }
        for (spec, global) in specs {
            let spec = ast.spec(spec);
            let SpecKind::Value {
                names,
                ty: Some(ty),
                values,
                ..
            } = spec.kind
            else {
                continue;
            };
            if !values.is_empty() {
                continue;
            }
            let at = Loc {
                file,
                span: spec.span,
            };
            match named(ast, ty) {
                Some((None, name)) => self.maker(functions, name, MakerForm::Var, at),
                Some((Some(package), name)) => self.foreign(functions, package, name, at),
                None => {}
            }
            if global && matches!(ast.expr(ty).kind, ExprKind::MapType { .. }) {
                for name in ast.list(names) {
                    self.bare_globals.push((
                        name.name,
                        Loc {
                            file,
                            span: name.span,
                        },
                    ));
                }
            }
        }
    }

    fn maker(&mut self, functions: &Functions, ty: Symbol, form: MakerForm, at: Loc) {
        self.makers.entry(ty).or_default().push(Maker {
            func: functions.around(at.span),
            at,
            form,
        });
    }

    fn foreign(&mut self, functions: &Functions, package: Symbol, name: Symbol, at: Loc) {
        if let Some(func) = functions.around(at.span) {
            self.foreign_makers.push((func, package, name));
        }
    }
}

/// The function declarations of a file by their place.
pub(crate) struct Functions {
    file: FileId,
    functions: Vec<FunctionAt>,
}

struct FunctionAt {
    span: Span,
    func: FuncId,
    /// Name and type of the receiver.
    receiver: Option<(Symbol, Symbol)>,
    /// Whether the receiver is a pointer.
    by_pointer: bool,
}

impl Functions {
    pub(crate) fn new(id: FileId, file: &File) -> Functions {
        let ast = &file.ast;
        let functions = file.decls.iter().filter_map(|&decl| {
            let DeclKind::Func(func) = ast.decl(decl).kind else {
                return None;
            };
            let mut by_pointer = false;
            let receiver = ast.func(func).recv.and_then(|list| {
                let field = ast.fields(list).first()?;
                let name = ast.list(field.names).first()?.name;
                let ty = match ast.expr(ast.unparen(field.ty)).kind {
                    ExprKind::Star(x) => {
                        by_pointer = true;
                        x
                    }
                    _ => field.ty,
                };
                Some((name, named(ast, ty)?.1))
            });
            Some(FunctionAt {
                span: ast.decl(decl).span,
                func,
                receiver,
                by_pointer,
            })
        });
        Functions {
            file: id,
            functions: functions.collect(),
        }
    }

    fn at(&self, span: Span) -> Option<&FunctionAt> {
        let n = self.functions.partition_point(|f| f.span.end <= span.start);
        let around = self.functions.get(n)?;
        around.span.contains(span.start).then_some(around)
    }

    /// The type of the receiver of that name in the function around an extent.
    fn receiver(&self, span: Span, name: Symbol) -> Option<Symbol> {
        let (receiver, ty) = self.at(span)?.receiver?;
        (receiver == name).then_some(ty)
    }

    /// Whether a name is that of a receiver that is no pointer.
    fn is_copied_receiver(&self, span: Span, name: Symbol) -> bool {
        self.at(span).is_some_and(|function| {
            !function.by_pointer && function.receiver.is_some_and(|(own, _)| own == name)
        })
    }

    /// The function declaration around an extent.
    pub(crate) fn around(&self, span: Span) -> Option<FuncRef> {
        Some(FuncRef {
            file: self.file,
            func: self.at(span)?.func,
        })
    }
}

/// The struct types that a package declares at package level.
pub(crate) fn structs(world: &dyn World, package: PackageId) -> FxHashMap<Symbol, StructIndex> {
    let mut structs = FxHashMap::default();
    for &file in world.files(package) {
        let tree = world.file(file).tree;
        let ast = &tree.ast;
        for spec in tree.specs(GenTok::Type) {
            let SpecKind::Type { name, ty, .. } = ast.spec(spec).kind else {
                continue;
            };
            let ExprKind::StructType(fields) = ast.expr(ty).kind else {
                continue;
            };
            let mut index = StructIndex::default();
            for field in ast.fields(fields) {
                let kind = ast.expr(ast.unparen(field.ty)).kind;
                index.has_map |= matches!(kind, ExprKind::MapType { .. });
                let part = match named(ast, field.ty) {
                    Some((None, part)) => Some(part),
                    _ => None,
                };
                index.parts.extend(part);
                index
                    .fields
                    .extend(ast.list(field.names).iter().map(|n| n.name));
                if field.names.is_empty() {
                    let ty = match kind {
                        ExprKind::Star(x) => x,
                        _ => field.ty,
                    };
                    index.fields.extend(named(ast, ty).map(|(_, name)| name));
                }
            }
            structs.insert(name.name, index);
        }
    }
    structs
}

/// The name of the type that a method is declared for.
pub(crate) fn receiver(ast: &Ast, func: &FuncDecl) -> Option<Symbol> {
    let field = ast.fields(func.recv?).first()?;
    let ty = match ast.expr(ast.unparen(field.ty)).kind {
        ExprKind::Star(x) => x,
        _ => field.ty,
    };
    Some(named(ast, ty)?.1)
}

/// `make(T)` or a literal.
fn is_new(ast: &Ast, value: ExprId) -> bool {
    match ast.expr(ast.unparen(value)).kind {
        ExprKind::CompositeLit { .. } => true,
        ExprKind::Call { fun, .. } => {
            matches!(ast.expr(fun).kind, ExprKind::Ident(name) if name.as_str() == "make")
        }
        _ => false,
    }
}

/// `nil`
pub(crate) fn is_nil(ast: &Ast, value: ExprId) -> bool {
    matches!(ast.expr(ast.unparen(value)).kind, ExprKind::Ident(name) if name.as_str() == "nil")
}

/// `T` or `pkg.T`, also instantiated.
fn named(ast: &Ast, ty: ExprId) -> Option<(Option<Symbol>, Symbol)> {
    match ast.expr(ast.unparen(ty)).kind {
        ExprKind::Ident(name) => Some((None, name)),
        ExprKind::Selector { x, name, .. } => match ast.expr(x).kind {
            ExprKind::Ident(package) => Some((Some(package), name)),
            _ => None,
        },
        ExprKind::Index { x, .. } | ExprKind::IndexList { x, .. } => named(ast, x),
        _ => None,
    }
}

/// The named element type of a list or map type.
fn element(ast: &Ast, ty: ExprId) -> Option<(Option<Symbol>, Symbol)> {
    let elem = match ast.expr(ast.unparen(ty)).kind {
        ExprKind::ArrayType { elem, .. } => elem,
        ExprKind::MapType { value, .. } => value,
        _ => return None,
    };
    match ast.expr(ast.unparen(elem)).kind {
        ExprKind::Star(x) => named(ast, x),
        ExprKind::ArrayType { .. } | ExprKind::MapType { .. } => element(ast, elem),
        _ => named(ast, elem),
    }
}
