//! Assignments and declarations of variables.

use super::Lowerer;
use crate::ir::*;
use crate::place::{PlaceId, PlaceKind};
use tophash_syntax::ast::{AssignOp, BinaryOp, ExprId, ExprKind, List, StmtId};
use tophash_types::{Type, TypeId};

/// The left side of an assignment, its operands evaluated.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// `_`
    Blank,
    /// A variable that the statement declares.
    New(VarId),
    /// Anything but a map element.
    Place(PlaceId),
    /// A map element, and the index expression.
    Elem(PlaceId, ExprId),
}

impl Lowerer<'_, '_> {
    pub(super) fn assignment(
        &mut self,
        stmt: StmtId,
        lhs: List<ExprId>,
        op: AssignOp,
        rhs: List<ExprId>,
    ) {
        let ast = self.ast;
        let (lhs, rhs) = (ast.list(lhs), ast.list(rhs));
        match op {
            AssignOp::Op(op) => {
                if let (&[x], &[y]) = (lhs, rhs) {
                    self.op_assign(stmt, x, op, Err(y), WriteForm::OpAssign);
                }
            }
            AssignOp::Assign | AssignOp::Define => {
                let define = op == AssignOp::Define;
                let mut targets: Vec<Target> =
                    lhs.iter().map(|&e| self.target(e, define)).collect();
                if targets.len() > 1 && !define {
                    self.freeze_targets(&mut targets);
                }
                self.assign_all(&targets, rhs);
            }
        }
    }

    /// Evaluates the operands of a left side.
    pub(super) fn target(&mut self, e: ExprId, define: bool) -> Target {
        let e = self.ast.unparen(e);
        match self.ast.expr(e).kind {
            ExprKind::Ident(name) if name == self.types.blank => Target::Blank,
            ExprKind::Ident(name) if define => {
                let span = self.ast.expr(e).span;
                if self.body.definition(span.start).is_some() {
                    let ident = tophash_syntax::ast::Ident { name, span };
                    return Target::New(self.declared(VarKind::Local, &ident, TypeId::UNKNOWN));
                }
                Target::Place(self.place(e))
            }
            ExprKind::Index { x, index } if self.is_map_expr(x) => {
                let map = self.place(x);
                let key = self.operand(index);
                Target::Elem(self.elem(map, key), e)
            }
            _ => Target::Place(self.place(e)),
        }
    }

    fn is_map_expr(&mut self, x: ExprId) -> bool {
        let ty = self.body.type_of(x);
        self.types.is_map(ty)
    }

    /// `a, b = x, y`, `v, ok = m[k]`, `a, b = f()`, or one of each.
    pub(super) fn assign_all(&mut self, targets: &[Target], rhs: &[ExprId]) {
        match (targets, rhs) {
            (&[target], &[e]) => self.assign_one(target, e),
            (_, &[e]) => self.assign_several(targets, e),
            _ => {
                let overwrites = targets
                    .iter()
                    .any(|t| matches!(t, Target::Place(_) | Target::Elem(..)));
                let mut values = Vec::with_capacity(rhs.len());
                for (n, &e) in rhs.iter().enumerate() {
                    let mut value = self.operand(e);
                    // All right sides are read before the first left side is written.
                    if overwrites && n > 0 {
                        value = self.copy_out(value, e);
                    }
                    values.push(value);
                }
                for ((&target, &value), &e) in targets.iter().zip(&values).zip(rhs) {
                    self.store(target, value, self.at(e), WriteForm::Assign);
                }
            }
        }
    }

    fn assign_one(&mut self, target: Target, e: ExprId) {
        match target {
            Target::Blank => self.discard(e),
            Target::New(var) => {
                let place = self.declare(var);
                self.eval_into(place, e);
            }
            Target::Place(place) => self.eval_into(place, e),
            Target::Elem(..) => {
                let value = self.operand(e);
                self.store(target, value, self.at(e), WriteForm::Assign);
            }
        }
    }

    /// Several left sides from one call, or two from a comma-ok expression.
    fn assign_several(&mut self, targets: &[Target], e: ExprId) {
        let at = self.at(e);
        let inner = self.ast.unparen(e);
        if self.is_plain_call(inner) {
            let temps = self.result_temps(inner);
            let direct: Vec<PlaceId> = (0..targets.len())
                .map(|n| match (targets[n], temps.get(n)) {
                    (Target::Place(place), _) => place,
                    (Target::New(var), _) => self.declare(var),
                    (_, Some(&temp)) => temp,
                    (_, None) => self.temp(TypeId::UNKNOWN, at.span),
                })
                .collect();
            self.call_into(inner, direct.clone());
            for (&target, &temp) in targets.iter().zip(&direct) {
                if let Target::Elem(..) = target {
                    self.store(target, Operand::Place(temp), at, WriteForm::Assign);
                }
            }
            return;
        }
        let value = match self.value(e) {
            value @ (Value::MapRead { .. } | Value::TypeAssert { .. } | Value::Recv { .. }) => {
                value
            }
            // Not Go, or of an unknown type.
            _ => Value::Unknown,
        };
        let ty = self.body.type_of(e);
        let types = match self.types.checker.ty(ty) {
            Type::Tuple(vars) => {
                let first = vars.first().copied();
                first.map_or(TypeId::UNKNOWN, |v| self.types.type_of(v))
            }
            _ => ty,
        };
        let bool_ty = TypeId::basic(tophash_types::Basic::Bool);
        let (first, second) = match *targets {
            [first, second] => (first, second),
            _ => {
                // Not Go: all left sides become unknown.
                for &target in targets {
                    let temp = self.keep(Value::Unknown, TypeId::UNKNOWN, at);
                    self.store(target, Operand::Place(temp), at, WriteForm::Assign);
                }
                return;
            }
        };
        self.assign_comma_ok(
            first,
            second,
            value,
            (types, bool_ty),
            at,
            WriteForm::Assign,
        );
    }

    /// `first, second = value` where `value` has a second, boolean one.
    pub(super) fn assign_comma_ok(
        &mut self,
        first: Target,
        second: Target,
        value: Value,
        types: (TypeId, TypeId),
        at: At,
        form: WriteForm,
    ) {
        let dst = self
            .direct(first)
            .unwrap_or_else(|| self.temp(types.0, at.span));
        let ok = match second {
            // An assertion that may fail is not one that panics.
            Target::Blank if !matches!(value, Value::TypeAssert { .. }) => None,
            _ => Some(
                self.direct(second)
                    .unwrap_or_else(|| self.temp(types.1, at.span)),
            ),
        };
        self.emit(Op::Assign { dst, ok, value }, at);
        for (target, place) in [(first, Some(dst)), (second, ok)] {
            if let (Target::Elem(..), Some(place)) = (target, place) {
                self.store(target, Operand::Place(place), at, form);
            }
        }
    }

    /// The place of a target that can be assigned directly, declared if it is new.
    fn direct(&mut self, target: Target) -> Option<PlaceId> {
        match target {
            Target::Place(place) => Some(place),
            Target::New(var) => Some(self.declare(var)),
            Target::Blank | Target::Elem(..) => None,
        }
    }

    /// Begins a variable.
    pub(super) fn declare(&mut self, var: VarId) -> PlaceId {
        let (place, span) = {
            let var = &self.vars[var.index()];
            (var.place, var.span)
        };
        self.emit(Op::Declare(var), super::at_span(span));
        place
    }

    /// Writes a value that is evaluated already.
    pub(super) fn store(&mut self, target: Target, value: Operand, at: At, form: WriteForm) {
        match target {
            Target::Blank => {}
            Target::New(var) => {
                let place = self.declare(var);
                self.assign(place, Value::Use(value), at);
            }
            Target::Place(place) => self.assign(place, Value::Use(value), at),
            Target::Elem(elem, index) => {
                let at = self.at(index);
                self.emit(Op::MapWrite { elem, value, form }, at);
            }
        }
    }

    /// `x op= y`; `x++` and `x--` with the constant 1 for `y`.
    pub(super) fn op_assign(
        &mut self,
        stmt: StmtId,
        x: ExprId,
        op: BinaryOp,
        y: Result<Operand, ExprId>,
        form: WriteForm,
    ) {
        let at = self.at_stmt(stmt);
        let target = self.target(x, false);
        let y = y.unwrap_or_else(|e| self.operand(e));
        match target {
            Target::Place(place) => {
                let x = Operand::Place(place);
                self.assign(place, Value::Binary { op, x, y }, at);
            }
            Target::Elem(elem, index) => {
                let ty = self.places.get(elem).ty;
                let index_at = self.at(index);
                let old = Operand::Place(self.keep(Value::MapRead { elem }, ty, index_at));
                let new = self.keep(Value::Binary { op, x: old, y }, ty, at);
                self.store(target, Operand::Place(new), at, form);
            }
            Target::Blank | Target::New(_) => {}
        }
    }

    /// A copy of what may change, so that the value now is kept.
    pub(super) fn copy_out(&mut self, value: Operand, e: ExprId) -> Operand {
        match value {
            Operand::Place(place) if !self.is_temp(place) => {
                let ty = self.places.get(place).ty;
                Operand::Place(self.keep(Value::Use(value), ty, self.at(e)))
            }
            other => other,
        }
    }

    /// Whether a path is a temporary, which nothing else changes.
    pub(super) fn is_temp(&self, place: PlaceId) -> bool {
        match self.places.get(place).kind {
            PlaceKind::Var(var) => self.vars[var.index()].kind == VarKind::Temp,
            _ => false,
        }
    }

    /// Makes left sides independent of variables that the same statement assigns before
    /// them: pointers, slices, maps and keys on the way are evaluated first.
    fn freeze_targets(&mut self, targets: &mut [Target]) {
        let mut assigned: Vec<PlaceId> = Vec::new();
        for target in targets {
            let (place, index) = match *target {
                Target::Place(place) => (place, None),
                Target::Elem(elem, index) => (elem, Some(index)),
                Target::Blank | Target::New(_) => continue,
            };
            if !assigned.is_empty() {
                let frozen = self.freeze(place, &assigned);
                *target = match index {
                    Some(index) => Target::Elem(frozen, index),
                    None => Target::Place(frozen),
                };
            }
            if let PlaceKind::Var(_) | PlaceKind::Global { .. } | PlaceKind::Field { .. } =
                self.places.get(place).kind
            {
                assigned.push(place);
            }
        }
    }

    fn freeze(&mut self, place: PlaceId, assigned: &[PlaceId]) -> PlaceId {
        let of = *self.places.get(place);
        let kind = match of.kind {
            PlaceKind::Var(_) | PlaceKind::Global { .. } => return place,
            PlaceKind::Deref(pointer) => PlaceKind::Deref(self.freeze_value(pointer, assigned)),
            PlaceKind::Field {
                base,
                index,
                name,
                embedded,
            } => PlaceKind::Field {
                base: self.freeze(base, assigned),
                index,
                name,
                embedded,
            },
            PlaceKind::Index { base, index } => {
                let ty = self.places.get(base).ty;
                let base = match self.types.core(ty) {
                    Type::Array(..) => self.freeze(base, assigned),
                    _ => self.freeze_value(base, assigned),
                };
                let index = self.freeze_operand(index, assigned);
                PlaceKind::Index { base, index }
            }
            PlaceKind::MapElem { map, key } => PlaceKind::MapElem {
                map: self.freeze_value(map, assigned),
                key: self.freeze_operand(key, assigned),
            },
        };
        self.places.intern(kind, of.ty)
    }

    fn freeze_operand(&mut self, operand: Operand, assigned: &[PlaceId]) -> Operand {
        match operand {
            Operand::Place(place) => Operand::Place(self.freeze_value(place, assigned)),
            other => other,
        }
    }

    /// `place` itself, or a temporary with its value if it depends on what is assigned.
    fn freeze_value(&mut self, place: PlaceId, assigned: &[PlaceId]) -> PlaceId {
        let mut at = Some(place);
        while let Some(part) = at {
            if assigned.contains(&part) {
                let ty = self.places.get(place).ty;
                let span = self.draft().function.span;
                return self.keep(Value::Use(Operand::Place(place)), ty, super::at_span(span));
            }
            at = self.places.parent(part);
        }
        place
    }
}
