//! Collects what packages declare, by name, without types.

use crate::checker::Checker;
use crate::object::*;
use crate::scope::{Declaration, PackageScope};
use crate::world::{FileId, PackageId};
use std::rc::Rc;
use tophash_syntax::ast::*;
use tophash_syntax::{Ast, Symbol};

/// The receiver of a method as far as it can be read without types.
struct ReceiverSyntax {
    base: Symbol,
    pointer: bool,
}

/// Takes a receiver type expression apart: `T`, `*T`, `T[P]`, `*T[P]`, parentheses anywhere.
fn receiver_syntax(ast: &Ast, mut ty: ExprId) -> Option<ReceiverSyntax> {
    let mut pointer = false;
    loop {
        match ast.expr(ty).kind {
            ExprKind::Paren(x) => ty = x,
            ExprKind::Star(x) => {
                pointer = true;
                ty = x;
            }
            ExprKind::Index { x, .. } | ExprKind::IndexList { x, .. } => ty = x,
            ExprKind::Ident(base) => return Some(ReceiverSyntax { base, pointer }),
            _ => return None,
        }
    }
}

impl<'w> Checker<'w> {
    /// The names a package declares. Collected when first asked for.
    pub(crate) fn package_scope(&mut self, package: PackageId) -> Rc<PackageScope> {
        if let Some(scope) = self.package_scopes.get(&package) {
            return scope.clone();
        }
        let mut scope = PackageScope::default();
        for &file in self.world.files(package) {
            self.collect_file(package, file, &mut scope);
        }
        self.follow_receiver_aliases(&mut scope);
        let scope = Rc::new(scope);
        self.package_scopes.insert(package, scope.clone());
        scope
    }

    /// Gives methods whose receiver is named by an alias to the type that it stands for
    /// (go/types resolveBaseTypeName).
    fn follow_receiver_aliases(&mut self, scope: &mut PackageScope) {
        let names: Vec<Symbol> = scope.methods.keys().copied().collect();
        for name in names {
            let mut base = name;
            let mut is_pointer = false;
            // A chain longer than this is a cycle, or as good as one.
            for _ in 0..100 {
                let Some((ast, ty)) = self.alias_syntax(scope, base) else {
                    break;
                };
                let Some(target) = receiver_syntax(ast, ty) else {
                    break;
                };
                is_pointer |= target.pointer;
                base = target.base;
            }
            if base == name {
                continue;
            }
            let Some(methods) = scope.methods.remove(&name) else {
                continue;
            };
            if is_pointer {
                self.pointer_methods.extend(&methods);
            }
            let all = scope.methods.entry(base).or_default();
            all.extend(methods);
            // Objects are numbered in source order.
            all.sort();
        }
    }

    /// The right side of an alias declaration of that name.
    fn alias_syntax(&self, scope: &PackageScope, name: Symbol) -> Option<(&'w Ast, ExprId)> {
        let obj = scope.names.get(&name)?;
        let Some(&Declaration::Type { file, spec }) = self.pending.get(obj) else {
            return None;
        };
        let ast = &self.world.file(file).tree.ast;
        match ast.spec(spec).kind {
            SpecKind::Type {
                alias: true, ty, ..
            } => Some((ast, ty)),
            _ => None,
        }
    }

    fn collect_file(&mut self, package: PackageId, file: FileId, scope: &mut PackageScope) {
        let tree = self.world.file(file).tree;
        let ast = &tree.ast;
        let mut objects = Vec::new();
        for &decl in &tree.decls {
            match ast.decl(decl).kind {
                DeclKind::Gen { tok, specs, .. } => {
                    let mut source = None;
                    for &spec in ast.list(specs) {
                        self.collect_spec(package, file, tok, spec, &mut source, &mut objects);
                    }
                }
                DeclKind::Func(func) => self.collect_func(package, file, func, scope),
                DeclKind::Bad => {}
            }
        }
        let blank = self.blank;
        for &obj in &objects {
            let name = self.object(obj).name;
            if name != blank {
                scope.names.entry(name).or_insert(obj);
            }
        }
        scope.by_file.insert(file, objects);
    }

    /// `source` is the last specification of a constant declaration that has values.
    fn collect_spec(
        &mut self,
        package: PackageId,
        file: FileId,
        tok: GenTok,
        spec: SpecId,
        source: &mut Option<SpecId>,
        objects: &mut Vec<ObjId>,
    ) {
        let ast = &self.world.file(file).tree.ast;
        match ast.spec(spec).kind {
            SpecKind::Value {
                names,
                ty,
                values,
                iota,
            } => {
                let names = ast.list(names);
                if tok == GenTok::Const {
                    if ty.is_some() || !values.is_empty() || source.is_none() {
                        *source = Some(spec);
                    }
                    let source = source.unwrap_or(spec);
                    for (index, name) in names.iter().enumerate() {
                        let obj = self.new_lazy(package, file, ObjKind::Const, *name);
                        let declaration = Declaration::Const {
                            file,
                            source,
                            index,
                            iota,
                            inherited: source != spec,
                        };
                        self.pending.insert(obj, declaration);
                        objects.push(obj);
                    }
                    return;
                }
                let siblings: Rc<[ObjId]> = names
                    .iter()
                    .map(|&name| self.new_lazy(package, file, ObjKind::Var(VarKind::Package), name))
                    .collect();
                for (index, &obj) in siblings.iter().enumerate() {
                    let siblings = siblings.clone();
                    let declaration = Declaration::Var {
                        file,
                        spec,
                        index,
                        siblings,
                    };
                    self.pending.insert(obj, declaration);
                    objects.push(obj);
                }
            }
            SpecKind::Type { name, .. } => {
                let obj = self.new_lazy(package, file, ObjKind::TypeName, name);
                self.pending.insert(obj, Declaration::Type { file, spec });
                objects.push(obj);
            }
            SpecKind::Import { .. } => {}
        }
    }

    fn collect_func(
        &mut self,
        package: PackageId,
        file: FileId,
        func: FuncId,
        scope: &mut PackageScope,
    ) {
        let ast = &self.world.file(file).tree.ast;
        let decl = ast.func(func);
        let kind = ObjKind::Func {
            decl: Some((file, func)),
        };
        let obj = self.new_lazy(package, file, kind, decl.name);
        self.pending.insert(obj, Declaration::Func { file, func });
        scope.functions.insert((file, func), obj);
        match decl.recv {
            None => {
                if decl.name.name != self.blank && decl.name.name != self.init {
                    scope.names.entry(decl.name.name).or_insert(obj);
                }
            }
            Some(recv) => {
                let Some(ty) = ast.fields(recv).first().map(|f| f.ty) else {
                    return;
                };
                if let Some(recv) = receiver_syntax(ast, ty) {
                    if recv.pointer {
                        self.pointer_methods.insert(obj);
                    }
                    scope.methods.entry(recv.base).or_default().push(obj);
                }
            }
        }
    }

    fn new_lazy(&mut self, package: PackageId, file: FileId, kind: ObjKind, name: Ident) -> ObjId {
        let span = name.span;
        self.new_object(Object {
            place: Some(Place { file, span }),
            lazy: true,
            ..Object::new(kind, name.name, Some(package))
        })
    }
}
