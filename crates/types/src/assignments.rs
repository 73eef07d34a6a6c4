//! Assignments and initial values, after go/types assignments.go.

use crate::body::Mode;
use crate::checker::Checker;
use crate::object::*;
use crate::operand::Operand;
use crate::types::*;
use tophash_syntax::ast::*;

/// A variable that is given a value.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) var: ObjId,
    /// Whether it has its type already, so does not take that of its value.
    pub(crate) typed: bool,
}

impl<'w> Checker<'w> {
    /// Converts an untyped operand that is assigned to a variable of type `target`, or to `_`.
    pub(crate) fn assignment(&mut self, x: &mut Operand, target: Option<TypeId>) {
        if !self.is_untyped(x.ty) {
            return;
        }
        let target = match target {
            Some(t) if !self.is_plain_interface(t) => t,
            _ => self.default_type(x.ty),
        };
        if x.is_nil() {
            return;
        }
        if let Some(ty) = self.implicit_type(x, target)
            && ty != x.ty
        {
            x.ty = ty;
            self.round_constant(x);
            if let Some(e) = x.expr {
                self.update_expr_type(e, ty);
            }
        }
    }

    /// Gives a variable its initial value, and its type if it has none.
    pub(crate) fn init_var(&mut self, target: Target, mut x: Operand) {
        if !target.typed {
            let ty = match x.ty {
                nil if nil == TypeId::basic(Basic::UntypedNil) => TypeId::UNKNOWN,
                ty => self.default_type(ty),
            };
            self.objects[target.var.0 as usize].ty = ty;
        }
        let ty = self.object(target.var).ty;
        self.assignment(&mut x, Some(ty));
    }

    fn target_type(&self, target: Target) -> Option<TypeId> {
        target.typed.then(|| self.object(target.var).ty)
    }

    /// Gives variables their initial values: one each, or those of one call or comma-ok
    /// expression.
    pub(crate) fn init_vars(&mut self, targets: &[Target], values: &[ExprId], comma_ok: bool) {
        let is_call = match values {
            [only] => matches!(
                self.env.ast.expr(self.env.ast.unparen(*only)).kind,
                ExprKind::Call { .. }
            ),
            _ => false,
        };
        if targets.len() == values.len() && !is_call {
            for (&target, &value) in targets.iter().zip(values) {
                let ty = self.target_type(target);
                let x = self.expr(ty, value);
                self.init_var(target, x);
            }
            return;
        }
        let [only] = *values else {
            for &value in values {
                self.raw_expr(None, value, None, true);
            }
            return;
        };
        let (operands, is_comma_ok) = self.multi_expr(only, comma_ok && targets.len() == 2);
        if operands.len() == targets.len() {
            for (&target, x) in targets.iter().zip(operands) {
                self.init_var(target, x);
            }
            if is_comma_ok {
                self.comma_ok(only);
            }
        }
    }

    /// Records that an expression, seen through parentheses, gives its second value too.
    fn comma_ok(&mut self, mut e: ExprId) {
        self.table().record_comma_ok(e);
        while let ExprKind::Paren(x) = self.env.ast.expr(e).kind {
            e = x;
            self.table().record_comma_ok(e);
        }
    }

    /// The type of what stands on the left of an assignment; none for `_`.
    fn lhs_var(&mut self, lhs: ExprId) -> Option<TypeId> {
        if let ExprKind::Ident(name) = self.env.ast.expr(self.env.ast.unparen(lhs)).kind
            && name == self.blank
        {
            return None;
        }
        Some(self.expr(None, lhs).ty)
    }

    /// Assigns an operand.
    pub(crate) fn assign_operand(&mut self, lhs: ExprId, mut x: Operand) {
        let ty = self.lhs_var(lhs);
        self.assignment(&mut x, ty);
    }

    /// Assigns values to expressions: one each, or those of one call or comma-ok expression.
    pub(crate) fn assign_vars(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        let is_call = match rhs {
            [only] => matches!(
                self.env.ast.expr(self.env.ast.unparen(*only)).kind,
                ExprKind::Call { .. }
            ),
            _ => false,
        };
        if lhs.len() == rhs.len() && !is_call {
            for (&l, &r) in lhs.iter().zip(rhs) {
                let ty = self.lhs_var(l);
                let mut x = self.expr(ty, r);
                self.assignment(&mut x, ty);
            }
            return;
        }
        let [only] = *rhs else {
            for &e in lhs {
                self.lhs_var(e);
            }
            for &e in rhs {
                self.raw_expr(None, e, None, true);
            }
            return;
        };
        let (operands, is_comma_ok) = self.multi_expr(only, lhs.len() == 2);
        if operands.len() != lhs.len() {
            for &e in lhs {
                self.lhs_var(e);
            }
            return;
        }
        for (&l, x) in lhs.iter().zip(operands) {
            self.assign_operand(l, x);
        }
        if is_comma_ok {
            self.comma_ok(only);
        }
    }

    /// `lhs := rhs`
    pub(crate) fn short_var_decl(&mut self, lhs: &[ExprId], rhs: &[ExprId]) {
        let mut targets = Vec::with_capacity(lhs.len());
        let mut new = Vec::new();
        for &e in lhs {
            let expr = self.env.ast.expr(e);
            let ExprKind::Ident(name) = expr.kind else {
                self.raw_expr(None, e, None, true);
                let blank = self.local_var(
                    Ident {
                        name: self.blank,
                        span: expr.span,
                    },
                    TypeId::UNKNOWN,
                );
                targets.push(Target {
                    var: blank,
                    typed: false,
                });
                continue;
            };
            if let Some(var) = self.env.scope.lookup_innermost(name) {
                self.table().record_object(e, var);
                if self.object(var).is_var() && !targets.iter().any(|t: &Target| t.var == var) {
                    targets.push(Target { var, typed: true });
                    continue;
                }
            }
            let ident = Ident {
                name,
                span: expr.span,
            };
            let var = self.local_var(ident, TypeId::UNKNOWN);
            self.table().record_definition(expr.span.start, var);
            self.table().record_object(e, var);
            targets.push(Target { var, typed: false });
            new.push(var);
        }
        self.init_vars(&targets, rhs, true);
        for var in new {
            self.declare(var);
        }
    }

    /// A new local variable, not declared yet.
    pub(crate) fn local_var(&mut self, name: Ident, ty: TypeId) -> ObjId {
        self.new_object(Object {
            place: Some(Place {
                file: self.env.file,
                span: name.span,
            }),
            ty,
            ..Object::new(
                ObjKind::Var(VarKind::Local),
                name.name,
                Some(self.env.package),
            )
        })
    }

    /// The untyped constant one.
    pub(crate) fn one(&self) -> Operand {
        let mut one = Operand::new(Mode::Constant, TypeId::basic(Basic::UntypedInt), None);
        one.value = Some(crate::constant::Value::Int(1));
        one
    }
}
