//! Expressions, after go/types expr.go.

use crate::body::Mode;
use crate::checker::Checker;
use crate::constant::Value;
use crate::object::*;
use crate::operand::Operand;
use crate::types::*;
use tophash_syntax::Symbol;
use tophash_syntax::ast::*;

impl<'w> Checker<'w> {
    /// Checks an expression that has a single value. If it is a generic function, `target`, the
    /// type of what it is assigned to, serves to infer its type arguments.
    pub(crate) fn expr(&mut self, target: Option<TypeId>, e: ExprId) -> Operand {
        let mut x = self.raw_expr(target, e, None, false);
        self.exclude_non_values(&mut x);
        self.single_value(&mut x);
        x
    }

    /// Like [`Checker::expr`], but the result may be a generic function.
    pub(crate) fn generic_expr(&mut self, e: ExprId) -> Operand {
        let mut x = self.raw_expr(None, e, None, true);
        self.exclude_non_values(&mut x);
        self.single_value(&mut x);
        x
    }

    /// Checks an element of a composite literal whose type is `hint` where it is left out.
    pub(crate) fn expr_with_hint(&mut self, e: ExprId, hint: TypeId) -> Operand {
        let mut x = self.raw_expr(Some(hint), e, Some(hint), false);
        self.exclude_non_values(&mut x);
        self.single_value(&mut x);
        x
    }

    /// Checks an expression or type.
    pub(crate) fn expr_or_type(&mut self, e: ExprId, allow_generic: bool) -> Operand {
        let mut x = self.raw_expr(None, e, None, allow_generic);
        if x.mode == Mode::NoValue {
            x.forget();
        }
        self.single_value(&mut x);
        x
    }

    /// Checks an expression that may have several values. With `allow_comma_ok`, the second
    /// result says that it is a comma-ok expression whose both values are there.
    pub(crate) fn multi_expr(&mut self, e: ExprId, allow_comma_ok: bool) -> (Vec<Operand>, bool) {
        let mut x = self.raw_expr(None, e, None, false);
        self.exclude_non_values(&mut x);
        if let Type::Tuple(vars) = self.ty(x.ty).clone() {
            let values = vars
                .iter()
                .map(|&v| Operand::new(Mode::Value, self.object(v).ty, Some(e)))
                .collect();
            return (values, false);
        }
        if allow_comma_ok && matches!(x.mode, Mode::MapIndex | Mode::CommaOk) {
            let ok = Operand::new(Mode::Value, TypeId::basic(Basic::UntypedBool), Some(e));
            return (vec![x, ok], true);
        }
        (vec![x], false)
    }

    pub(crate) fn exclude_non_values(&mut self, x: &mut Operand) {
        if matches!(x.mode, Mode::NoValue | Mode::Builtin | Mode::Type) {
            x.forget();
        }
    }

    fn single_value(&mut self, x: &mut Operand) {
        if x.mode == Mode::Value && matches!(self.ty(x.ty), Type::Tuple(_)) {
            x.forget();
        }
    }

    /// Checks an expression of any kind and records what it is (go/types rawExpr).
    pub(crate) fn raw_expr(
        &mut self,
        target: Option<TypeId>,
        e: ExprId,
        hint: Option<TypeId>,
        allow_generic: bool,
    ) -> Operand {
        let mut x = self.unrecorded_expr(target, e, hint);
        x.expr = Some(e);
        if !allow_generic {
            self.non_generic(target, &mut x);
        }
        self.record(&x);
        x
    }

    /// Infers the type arguments of a generic function from what it is assigned to.
    fn non_generic(&mut self, target: Option<TypeId>, x: &mut Operand) {
        if x.mode != Mode::Value {
            return;
        }
        let Type::Signature(s) = self.ty(x.ty) else {
            return;
        };
        if !s.tparams.is_empty() {
            match target {
                Some(_) => {
                    self.func_inst(target, x, None, true);
                }
                None => x.forget(),
            }
        }
    }

    /// Records the mode, type and value of an operand for its expression.
    pub(crate) fn record(&mut self, x: &Operand) {
        let Some(e) = x.expr else {
            return;
        };
        self.table().record(e, x.mode, x.ty);
        if x.mode == Mode::Constant
            && let Some(value) = &x.value
        {
            self.table().record_constant(e, value.clone());
        }
    }

    fn unrecorded_expr(
        &mut self,
        target: Option<TypeId>,
        e: ExprId,
        hint: Option<TypeId>,
    ) -> Operand {
        let ast = self.env.ast;
        match ast.expr(e).kind {
            ExprKind::Bad | ExprKind::Ellipsis { .. } | ExprKind::KeyValue { .. } => {
                Operand::unknown(Some(e))
            }
            ExprKind::Ident(name) => self.ident(e, name),
            ExprKind::BasicLit(kind) => self.basic_lit(e, kind),
            ExprKind::FuncLit { ty, body } => self.func_lit(e, ty, body),
            ExprKind::CompositeLit { ty, elems } => self.composite_lit(e, ty, elems, hint),
            ExprKind::Paren(inner) => self.raw_expr(None, inner, None, false),
            ExprKind::Selector { x, name, .. } => self.selector(e, x, name),
            ExprKind::Index { x: operand, index } => {
                self.index_or_instance(target, e, operand, &[index])
            }
            ExprKind::IndexList { x, indices } => {
                self.index_or_instance(target, e, x, ast.list(indices))
            }
            ExprKind::Slice(parts) => self.slice_expr(e, parts),
            ExprKind::TypeAssert { x, ty } => {
                self.expr(None, x);
                let ty = match ty {
                    Some(ty) => self.typ(ty),
                    None => TypeId::UNKNOWN,
                };
                Operand::new(Mode::CommaOk, ty, Some(e))
            }
            ExprKind::Call { fun, args, spread } => self.call(e, fun, args, spread),
            ExprKind::Star(operand) => self.star(e, operand),
            ExprKind::Unary { op, x } => self.unary(e, op, x),
            ExprKind::Binary { op, x, y } => self.binary(Some(e), x, y, op),
            ExprKind::ArrayType { .. }
            | ExprKind::StructType(_)
            | ExprKind::FuncType(_)
            | ExprKind::InterfaceType(_)
            | ExprKind::MapType { .. }
            | ExprKind::ChanType { .. } => {
                let ty = self.typ(e);
                Operand::new(Mode::Type, ty, Some(e))
            }
        }
    }

    fn ident(&mut self, e: ExprId, name: Symbol) -> Operand {
        if name == self.blank {
            return Operand::unknown(Some(e));
        }
        let Some(obj) = self.lookup_name(name) else {
            return Operand::unknown(Some(e));
        };
        self.table().record_object(e, obj);
        self.named_operand(e, obj)
    }

    /// The operand that a use of an object is.
    pub(crate) fn named_operand(&mut self, e: ExprId, obj: ObjId) -> Operand {
        let ty = self.type_of(obj);
        let mode = match self.object(obj).kind {
            ObjKind::PackageName { .. } => return Operand::unknown(Some(e)),
            ObjKind::Const => {
                if ty.is_unknown() {
                    return Operand::unknown(Some(e));
                }
                let value = if Some(obj) == self.iota {
                    self.env.iota.map(|n| Value::Int(i64::from(n)))
                } else {
                    self.const_values.get(&obj).cloned()
                };
                let mut x = Operand::new(Mode::Constant, ty, Some(e));
                x.value = Some(value.unwrap_or(Value::Unknown));
                return x;
            }
            ObjKind::TypeName => Mode::Type,
            ObjKind::Var(_) => Mode::Variable,
            ObjKind::Func { .. } => Mode::Value,
            ObjKind::Builtin(builtin) => {
                let mut x = Operand::new(Mode::Builtin, ty, Some(e));
                x.builtin = Some(builtin);
                return x;
            }
            ObjKind::Nil => Mode::Value,
        };
        Operand::new(mode, ty, Some(e))
    }

    fn star(&mut self, e: ExprId, operand: ExprId) -> Operand {
        let mut x = self.expr_or_type(operand, false);
        if x.mode == Mode::Type {
            if !x.ty.is_unknown() {
                x.ty = self.store.pointer(x.ty);
            }
            return x;
        }
        let under = self.common_underlying(x.ty);
        let base = match under.map(|u| self.ty(u)) {
            Some(&Type::Pointer(base)) => base,
            _ => TypeId::UNKNOWN,
        };
        Operand::new(Mode::Variable, base, Some(e))
    }

    fn unary(&mut self, e: ExprId, op: UnaryOp, operand: ExprId) -> Operand {
        let mut x = self.expr(None, operand);
        match op {
            UnaryOp::And => {
                let ty = if x.ty.is_unknown() {
                    TypeId::UNKNOWN
                } else {
                    self.store.pointer(x.ty)
                };
                return Operand::new(Mode::Value, ty, Some(e));
            }
            UnaryOp::Recv => {
                let under = self.common_underlying(x.ty);
                let elem = match under.map(|u| self.ty(u)) {
                    Some(&Type::Chan(_, elem)) => elem,
                    _ => TypeId::UNKNOWN,
                };
                return Operand::new(Mode::CommaOk, elem, Some(e));
            }
            _ => {}
        }
        if x.mode == Mode::Constant {
            let bits = self.unsigned_bits(x.ty);
            x.value = x.value.map(|v| v.unary(op, bits));
            self.round_constant(&mut x);
        } else {
            x.mode = Mode::Value;
        }
        x.expr = Some(e);
        x
    }

    /// The size in bits of an unsigned integer type, for the complement of its constants.
    fn unsigned_bits(&mut self, ty: TypeId) -> Option<u32> {
        let kind = self.basic_kind(ty).filter(|kind| kind.is_unsigned())?;
        let size = crate::sizes::basic_size(kind, self.sizes.word)?;
        u32::try_from(size * 8).ok()
    }

    /// `lhs op rhs`; `e` is the expression, absent for `lhs op= rhs`.
    pub(crate) fn binary(
        &mut self,
        e: Option<ExprId>,
        lhs: ExprId,
        rhs: ExprId,
        op: BinaryOp,
    ) -> Operand {
        let mut x = self.expr(None, lhs);
        let mut y = self.expr(None, rhs);
        if matches!(op, BinaryOp::Shl | BinaryOp::Shr) {
            self.shift(&mut x, &mut y, op);
            x.expr = e.or(x.expr);
            return x;
        }
        self.match_types(&mut x, &mut y);
        if is_comparison(op) {
            self.comparison(&mut x, &y, op);
            x.expr = e.or(x.expr);
            return x;
        }
        if x.ty.is_unknown() || y.ty.is_unknown() {
            // Operands of the same type give that type: either one tells.
            if x.ty.is_unknown() && !self.is_untyped(y.ty) {
                x.ty = y.ty;
            }
            x.mode = Mode::Value;
            x.value = None;
            x.expr = e.or(x.expr);
            return x;
        }
        match (x.mode, y.mode) {
            (Mode::Constant, Mode::Constant) => {
                let is_integer = self.all_basic(x.ty, Basic::is_integer);
                let value = match (&x.value, &y.value) {
                    (Some(a), Some(b)) => a.binary(op, b, is_integer),
                    _ => Value::Unknown,
                };
                x.value = Some(value);
                self.round_constant(&mut x);
            }
            _ => {
                x.mode = Mode::Value;
                x.value = None;
            }
        }
        x.expr = e.or(x.expr);
        x
    }

    fn shift(&mut self, x: &mut Operand, y: &mut Operand, op: BinaryOp) {
        if y.mode != Mode::Constant && self.is_untyped(y.ty) {
            self.convert_untyped(y, TypeId::basic(Basic::Uint));
        }
        if x.mode == Mode::Constant && y.mode == Mode::Constant {
            if !self.all_basic(x.ty, Basic::is_integer) {
                x.ty = TypeId::basic(Basic::UntypedInt);
            }
            let value = match (&x.value, &y.value) {
                (Some(a), Some(b)) => a.shift(op == BinaryOp::Shr, b),
                _ => Value::Unknown,
            };
            x.value = Some(value);
            return;
        }
        // The type of an untyped left operand of a non-constant shift is what it would be
        // without the shift: it stays untyped until its use decides.
        x.mode = Mode::Value;
        x.value = None;
    }

    /// Converts untyped operands so that the types of both match (go/types matchTypes).
    pub(crate) fn match_types(&mut self, x: &mut Operand, y: &mut Operand) {
        if self.may_convert(x, y) {
            let target = y.ty;
            self.convert_untyped(x, target);
            let target = x.ty;
            self.convert_untyped(y, target);
        }
    }

    fn may_convert(&mut self, x: &Operand, y: &Operand) -> bool {
        if !self.is_untyped(x.ty) && !self.is_untyped(y.ty) {
            return false;
        }
        if x.ty.is_unknown() || y.ty.is_unknown() {
            return false;
        }
        if self.all_basic(x.ty, Basic::is_numeric) != self.all_basic(y.ty, Basic::is_numeric) {
            return false;
        }
        if self.is_plain_interface(x.ty) || self.is_plain_interface(y.ty) {
            return true;
        }
        if self.all_basic(x.ty, Basic::is_boolean) != self.all_basic(y.ty, Basic::is_boolean)
            || self.all_basic(x.ty, Basic::is_string) != self.all_basic(y.ty, Basic::is_string)
        {
            return false;
        }
        if x.is_nil() || y.is_nil() {
            return false;
        }
        let (a, b) = (self.underlying(x.ty), self.underlying(y.ty));
        !matches!(self.ty(a), Type::Pointer(_)) && !matches!(self.ty(b), Type::Pointer(_))
    }

    pub(crate) fn comparison(&mut self, x: &mut Operand, y: &Operand, op: BinaryOp) {
        if x.mode == Mode::Constant && y.mode == Mode::Constant {
            x.value = match (&x.value, &y.value) {
                (Some(a), Some(b)) => Some(a.compare(op, b)),
                _ => Some(Value::Unknown),
            };
        } else {
            x.mode = Mode::Value;
            x.value = None;
            for operand in [&*x, y] {
                if let Some(e) = operand.expr
                    && self.is_untyped(operand.ty)
                {
                    let ty = self.default_type(operand.ty);
                    self.update_expr_type(e, ty);
                }
            }
        }
        x.ty = TypeId::basic(Basic::UntypedBool);
    }

    /// Gives an untyped expression and its untyped operands their type (go/types updateExprType).
    pub(crate) fn update_expr_type(&mut self, e: ExprId, ty: TypeId) {
        let old = self.tables[self.env.table].type_of(e);
        if !self.is_untyped(old) {
            return;
        }
        let ast = self.env.ast;
        let is_constant = self.tables[self.env.table].mode(e) == Mode::Constant;
        match ast.expr(e).kind {
            ExprKind::Paren(x) => self.update_expr_type(x, ty),
            ExprKind::Unary { x, .. } if !is_constant => self.update_expr_type(x, ty),
            ExprKind::Binary { op, x, y } if !is_constant && !is_comparison(op) => {
                self.update_expr_type(x, ty);
                if !matches!(op, BinaryOp::Shl | BinaryOp::Shr) {
                    self.update_expr_type(y, ty);
                }
            }
            _ => {}
        }
        let mode = self.tables[self.env.table].mode(e);
        self.table().record(e, mode, ty);
    }

    /// The type an untyped operand takes where `target` is expected; none if it can't
    /// (go/types implicitTypeAndValue).
    pub(crate) fn implicit_type(&mut self, x: &Operand, target: TypeId) -> Option<TypeId> {
        if !self.is_untyped(x.ty) || target.is_unknown() {
            return Some(x.ty);
        }
        if self.is_untyped(target) {
            return self.max_type(x.ty, target);
        }
        if x.is_nil() {
            return Some(x.ty);
        }
        let under = self.underlying(target);
        let is_type_param = self.is_type_param(target);
        match self.ty(under) {
            Type::Unknown => Some(x.ty),
            Type::Basic(_) => Some(target),
            Type::Interface(_) if is_type_param => Some(target),
            Type::Interface(_) => Some(self.default_type(x.ty)),
            _ => None,
        }
    }

    /// Converts an untyped operand to the type that `target` asks for.
    pub(crate) fn convert_untyped(&mut self, x: &mut Operand, target: TypeId) {
        let Some(ty) = self.implicit_type(x, target) else {
            return;
        };
        if ty != x.ty {
            x.ty = ty;
            self.round_constant(x);
            if let Some(e) = x.expr {
                self.update_expr_type(e, ty);
            }
        }
    }

    /// Rounds the value of a typed constant to its type.
    pub(crate) fn round_constant(&mut self, x: &mut Operand) {
        if x.mode != Mode::Constant || self.is_untyped(x.ty) {
            return;
        }
        if let (Some(kind), Some(value)) = (self.basic_kind(x.ty), &x.value) {
            x.value = Some(self.represent(value, kind).unwrap_or(Value::Unknown));
        }
    }
}

/// Whether an operator compares.
pub(crate) fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Eql | Neq | Lss | Leq | Gtr | Geq)
}
