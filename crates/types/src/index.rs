//! Index and slice expressions, after go/types index.go.

use crate::body::Mode;
use crate::checker::Checker;
use crate::operand::Operand;
use crate::types::*;
use tophash_syntax::ast::*;

/// What indexing a type gives.
struct Indexed {
    /// The key type, of maps.
    key: Option<TypeId>,
    elem: TypeId,
    mode: Mode,
}

impl<'w> Checker<'w> {
    /// An index expression that is not called: a generic function is instantiated by it.
    pub(crate) fn index_or_instance(
        &mut self,
        target: Option<TypeId>,
        e: ExprId,
        operand: ExprId,
        indices: &[ExprId],
    ) -> Operand {
        let (mut x, is_instance) = self.index_expr(e, operand, indices);
        x.expr = Some(e);
        if is_instance {
            self.func_inst(target, &mut x, Some(indices), true);
        }
        x
    }

    /// An index expression. If the second result is true, the first is a generic function that
    /// the indices are type arguments of.
    pub(crate) fn index_expr(
        &mut self,
        e: ExprId,
        operand: ExprId,
        indices: &[ExprId],
    ) -> (Operand, bool) {
        let mut x = self.expr_or_type(operand, true);
        if x.mode == Mode::Type {
            x.ty = self.typ(e);
            return (x, false);
        }
        if x.mode == Mode::Value
            && let Type::Signature(s) = self.ty(x.ty)
            && !s.tparams.is_empty()
        {
            return (x, true);
        }
        let indexed = self.indexed_type(&x);
        let Some(&index) = indices.first() else {
            return (Operand::unknown(Some(e)), false);
        };
        let Some(indexed) = indexed else {
            for &index in indices {
                self.use_expr(index);
            }
            return (Operand::unknown(Some(e)), false);
        };
        match indexed.key {
            Some(key) => {
                let mut index = self.expr(None, index);
                self.assignment(&mut index, Some(key));
            }
            None => {
                self.index_value(index);
            }
        }
        (Operand::new(indexed.mode, indexed.elem, Some(e)), false)
    }

    fn indexed_type(&mut self, x: &Operand) -> Option<Indexed> {
        let is_variable = x.mode == Mode::Variable;
        let types = self.specific_types(x.ty)?;
        let mut result: Option<Indexed> = None;
        for (_, under) in types {
            let one = self.indexed_underlying(under, is_variable)?;
            match &mut result {
                None => result = Some(one),
                Some(so_far) => {
                    // A type parameter's types must agree; the least capable one decides the mode.
                    if one.mode == Mode::Value {
                        so_far.mode = Mode::Value;
                    }
                }
            }
        }
        result
    }

    fn indexed_underlying(&mut self, under: TypeId, is_variable: bool) -> Option<Indexed> {
        let plain = |elem, mode| {
            Some(Indexed {
                key: None,
                elem,
                mode,
            })
        };
        match *self.ty(under) {
            Type::Basic(b) if b.is_string() => plain(TypeId::basic(Basic::Byte), Mode::Value),
            Type::Array(elem, _) if is_variable => plain(elem, Mode::Variable),
            Type::Array(elem, _) => plain(elem, Mode::Value),
            Type::Slice(elem) => plain(elem, Mode::Variable),
            Type::Pointer(base) => {
                let base = self.underlying(base);
                match *self.ty(base) {
                    Type::Array(elem, _) => plain(elem, Mode::Variable),
                    _ => None,
                }
            }
            Type::Map(key, elem) => Some(Indexed {
                key: Some(key),
                elem,
                mode: Mode::MapIndex,
            }),
            _ => None,
        }
    }

    /// An index into something else than a map, or a size. Gives its value if it is constant.
    pub(crate) fn index_value(&mut self, index: ExprId) -> Option<u64> {
        let mut x = self.expr(None, index);
        self.convert_untyped(&mut x, TypeId::basic(Basic::Int));
        if x.mode != Mode::Constant {
            return None;
        }
        x.value
            .and_then(|v| v.as_int())
            .and_then(|n| u64::try_from(n).ok())
    }

    pub(crate) fn slice_expr(&mut self, e: ExprId, parts: SliceId) -> Operand {
        let parts = *self.env.ast.slice(parts);
        let x = self.expr(None, parts.x);
        for bound in [parts.lo, parts.hi, parts.max].into_iter().flatten() {
            self.index_value(bound);
        }
        let ty = self.sliced_type(x.ty);
        Operand::new(Mode::Value, ty, Some(e))
    }

    fn sliced_type(&mut self, ty: TypeId) -> TypeId {
        let Some(types) = self.specific_types(ty) else {
            return TypeId::UNKNOWN;
        };
        let Some(&(_, first)) = types.first() else {
            return TypeId::UNKNOWN;
        };
        let has_string = types
            .iter()
            .any(|&(_, u)| matches!(*self.ty(u), Type::Basic(b) if b.is_string()));
        if has_string {
            if self.is_untyped(ty) || types.len() > 1 && !self.is_type_param(ty) {
                return TypeId::basic(Basic::String);
            }
            return ty;
        }
        match *self.ty(first) {
            Type::Slice(_) => ty,
            Type::Array(elem, _) => self.store.slice(elem),
            Type::Pointer(base) => {
                let base = self.underlying(base);
                match *self.ty(base) {
                    Type::Array(elem, _) => self.store.slice(elem),
                    _ => TypeId::UNKNOWN,
                }
            }
            _ => TypeId::UNKNOWN,
        }
    }
}
