//! Signatures, after go/types signature.go.

use crate::body::Mode;
use crate::checker::Checker;
use crate::object::*;
use crate::types::*;
use std::rc::Rc;
use tophash_syntax::Span;
use tophash_syntax::ast::*;

impl<'w> Checker<'w> {
    /// The type of a function or method; its type parameters are declared in the innermost scope.
    pub(crate) fn func_type(&mut self, recv: Option<FieldListId>, ty: FuncTypeId) -> TypeId {
        let ast = self.env.ast;
        let func = *ast.func_type(ty);
        let mut signature = Signature::default();
        if let Some(field) = recv.and_then(|recv| ast.fields(recv).first().copied()) {
            let (recv, tparams) = self.collect_receiver(&field);
            signature.recv = Some(recv);
            signature.recv_tparams = tparams;
        }
        if let Some(list) = func.type_params {
            signature.tparams = self.collect_type_params(list);
        }
        let (params, variadic) = self.collect_params(func.params, VarKind::Param);
        signature.params = params;
        signature.variadic = variadic;
        if let Some(results) = func.results {
            signature.results = self.collect_params(results, VarKind::Result).0;
        }
        self.store.add(Type::Signature(Rc::new(signature)))
    }

    fn collect_params(&mut self, list: FieldListId, kind: VarKind) -> (Rc<[ObjId]>, bool) {
        let ast = self.env.ast;
        let fields = ast.fields(list);
        let mut vars = Vec::new();
        let mut variadic = false;
        for (i, field) in fields.iter().enumerate() {
            let is_variadic = kind == VarKind::Param
                && i + 1 == fields.len()
                && matches!(
                    ast.expr(field.ty).kind,
                    ExprKind::Ellipsis { elem: Some(_) }
                );
            variadic |= is_variadic;
            let ty = self.typ(field.ty);
            let names = ast.list(field.names);
            if names.is_empty() {
                vars.push(self.unnamed(ObjKind::Var(kind), ast.expr(field.ty).span, ty));
            }
            for &name in names {
                vars.push(self.define_object(ObjKind::Var(kind), name, ty));
            }
        }
        (vars.into(), variadic)
    }

    fn unnamed(&mut self, kind: ObjKind, span: Span, ty: TypeId) -> ObjId {
        self.new_object(Object {
            place: Some(Place {
                file: self.env.file,
                span,
            }),
            ty,
            ..Object::new(kind, self.empty, Some(self.env.package))
        })
    }

    /// The receiver of a method and the type parameters it names (go/types collectRecv).
    fn collect_receiver(&mut self, field: &Field) -> (ObjId, Rc<[TypeId]>) {
        let ast = self.env.ast;
        let mut base = field.ty;
        let mut pointers: Vec<ExprId> = Vec::new();
        loop {
            match ast.expr(base).kind {
                ExprKind::Paren(x) => base = x,
                ExprKind::Star(x) => {
                    pointers.push(base);
                    base = x;
                }
                _ => break,
            }
        }
        let names: &[ExprId] = match &ast.expr(base).kind {
            ExprKind::Index { index, .. } => std::slice::from_ref(index),
            ExprKind::IndexList { indices, .. } => ast.list(*indices),
            _ => &[],
        };
        let (ty, tparams) = match ast.expr(base).kind {
            ExprKind::Index { x, .. } | ExprKind::IndexList { x, .. } => {
                let (instance, tparams) = self.generic_receiver(x, names);
                self.table().record(base, Mode::Type, instance);
                let mut ty = instance;
                for &star in pointers.iter().rev() {
                    ty = self.store.pointer(ty);
                    self.table().record(star, Mode::Type, ty);
                }
                (ty, tparams)
            }
            _ => (self.typ(field.ty), Rc::from([])),
        };
        let kind = ObjKind::Var(VarKind::Receiver);
        let recv = match ast.list(field.names).first() {
            Some(&name) => self.define_object(kind, name, ty),
            None => self.unnamed(kind, ast.expr(field.ty).span, ty),
        };
        (recv, tparams)
    }

    /// The receiver base type `base[names...]`, where the names declare type parameters.
    fn generic_receiver(&mut self, base: ExprId, names: &[ExprId]) -> (TypeId, Rc<[TypeId]>) {
        let ast = self.env.ast;
        let generic = self.typ(base);
        let generic = self.unalias(generic);
        let mut tparams = Vec::new();
        for (i, &name) in names.iter().enumerate() {
            let expr = ast.expr(ast.unparen(name));
            let ident = Ident {
                name: match expr.kind {
                    ExprKind::Ident(name) => name,
                    _ => self.blank,
                },
                span: expr.span,
            };
            let obj = self.define_object(ObjKind::TypeName, ident, TypeId::UNKNOWN);
            let tparam = self.new_type_param(obj, i as u32, TypeId::UNKNOWN);
            self.table().record_object(name, obj);
            self.table().record(name, Mode::Type, tparam);
            tparams.push(tparam);
        }
        for &tparam in &tparams {
            if let Type::TypeParam(id) = *self.ty(tparam) {
                let obj = self.type_param(id).obj;
                self.declare(obj);
            }
        }
        let &Type::Named(named) = self.ty(generic) else {
            return (TypeId::UNKNOWN, tparams.into());
        };
        let declared = self.type_params_of(named);
        if declared.len() != tparams.len() {
            return (TypeId::UNKNOWN, tparams.into());
        }
        for (&from, &to) in declared.iter().zip(&tparams) {
            if let (&Type::TypeParam(from), &Type::TypeParam(to)) = (self.ty(from), self.ty(to)) {
                let bound = self.type_param(from).bound;
                let bound = self.substitute(bound, &declared, &tparams);
                self.type_params[to.0 as usize].bound = bound;
            }
        }
        (self.named_instance(named, &tparams), tparams.into())
    }
}
