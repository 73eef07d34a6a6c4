//! Selector expressions, after go/types call.go.

use crate::body::{Mode, Selection, SelectionKind};
use crate::checker::Checker;
use crate::object::*;
use crate::operand::Operand;
use crate::types::*;
use std::rc::Rc;
use tophash_syntax::Symbol;
use tophash_syntax::ast::ExprId;

impl<'w> Checker<'w> {
    /// `operand.name`: a qualified name, a field, a method value or a method expression.
    pub(crate) fn selector(&mut self, e: ExprId, operand: ExprId, name: Symbol) -> Operand {
        if let Some(obj) = self.qualified(operand, name) {
            let Some(obj) = obj else {
                return Operand::unknown(Some(e));
            };
            self.table().record_object(e, obj);
            return self.named_operand(e, obj);
        }
        let x = self.expr_or_type(operand, false);
        if x.ty.is_unknown() || x.mode == Mode::Builtin {
            return Operand::unknown(Some(e));
        }
        let addressable = x.mode == Mode::Variable;
        let package = Some(self.env.package);
        let Ok(found) = self.lookup_field_or_method(x.ty, addressable, package, name) else {
            return Operand::unknown(Some(e));
        };
        let ty = self.type_of(found.obj);
        let is_method = self.object(found.obj).is_func();
        let kind = match (x.mode, is_method) {
            (Mode::Type, true) => SelectionKind::MethodExpr,
            (Mode::Type, false) => return Operand::unknown(Some(e)),
            (_, true) => SelectionKind::Method,
            (_, false) => SelectionKind::Field,
        };
        let selection = Selection {
            kind,
            recv: x.ty,
            obj: found.obj,
            path: found.path,
            indirect: found.indirect,
        };
        self.table().record_selection(e, selection);
        match kind {
            SelectionKind::Field => {
                let mode = if addressable || found.indirect {
                    Mode::Variable
                } else {
                    Mode::Value
                };
                Operand::new(mode, ty, Some(e))
            }
            SelectionKind::Method => {
                let ty = self.method_value(ty);
                Operand::new(Mode::Value, ty, Some(e))
            }
            SelectionKind::MethodExpr => {
                let ty = self.method_expr(x.ty, ty);
                Operand::new(Mode::Value, ty, Some(e))
            }
        }
    }

    /// The type of a method bound to its receiver.
    fn method_value(&mut self, method: TypeId) -> TypeId {
        if let Some(&ty) = self.method_values.get(&method) {
            return ty;
        }
        let Type::Signature(s) = self.ty(method).clone() else {
            return TypeId::UNKNOWN;
        };
        let mut s = (*s).clone();
        s.recv = None;
        s.recv_tparams = Rc::from([]);
        let ty = self.store.add(Type::Signature(Rc::new(s)));
        self.method_values.insert(method, ty);
        ty
    }

    /// The type of a method as a function whose first parameter is the receiver.
    fn method_expr(&mut self, recv: TypeId, method: TypeId) -> TypeId {
        let Type::Signature(s) = self.ty(method).clone() else {
            return TypeId::UNKNOWN;
        };
        // Parameters are named all or none.
        let is_named = s
            .params
            .first()
            .is_some_and(|&p| self.object(p).name != self.empty);
        let mut name = self.empty;
        if is_named {
            name = s.recv.map_or(self.empty, |r| self.object(r).name);
            if name == self.empty {
                name = self.blank;
            }
        }
        let package = Some(self.env.package);
        let param = self.new_object(Object {
            ty: recv,
            ..Object::new(ObjKind::Var(VarKind::Param), name, package)
        });
        let params = std::iter::once(param).chain(s.params.iter().copied());
        let s = Signature {
            recv: None,
            recv_tparams: Rc::from([]),
            tparams: s.tparams.clone(),
            params: params.collect(),
            results: s.results.clone(),
            variadic: s.variadic,
        };
        self.store.add(Type::Signature(Rc::new(s)))
    }
}
