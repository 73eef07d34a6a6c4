//! What constants and conversions become, and what ranging over a value gives (const.go, conversions.go and range.go of go/types).

use crate::body::Mode;
use crate::checker::Checker;
use crate::constant::{FloatFormat, Value};
use crate::operand::Operand;
use crate::types::*;
use std::rc::Rc;

impl Checker<'_> {
    /// A constant's value as one of a basic type: rounded, or none if the type can't represent it.
    pub(crate) fn represent(&self, value: &Value, kind: Basic) -> Option<Value> {
        use Basic::*;
        let word = self.sizes.word as u32 * 8;
        match kind.canonical() {
            _ if value.is_unknown() => Some(Value::Unknown),
            Int => value.to_sized_int(word, true),
            Int8 => value.to_sized_int(8, true),
            Int16 => value.to_sized_int(16, true),
            Int32 => value.to_sized_int(32, true),
            Int64 => value.to_sized_int(64, true),
            Uint | Uintptr => value.to_sized_int(word, false),
            Uint8 => value.to_sized_int(8, false),
            Uint16 => value.to_sized_int(16, false),
            Uint32 => value.to_sized_int(32, false),
            Uint64 => value.to_sized_int(64, false),
            UntypedInt | UntypedRune => value.is_integer().then(|| value.clone()),
            Float32 => value.to_sized_float(FloatFormat::Single),
            Float64 => value.to_sized_float(FloatFormat::Double),
            UntypedFloat => (value.real() == *value).then(|| value.clone()),
            Complex64 => value.to_sized_complex(FloatFormat::Single),
            Complex128 => value.to_sized_complex(FloatFormat::Double),
            UntypedComplex => (!value.real().is_unknown()).then(|| value.clone()),
            String | UntypedString => value.as_text().map(|_| value.clone()),
            Bool | UntypedBool => value.as_bool().map(|_| value.clone()),
            UnsafePointer | UntypedNil | Byte | Rune => None,
        }
    }

    /// The type and value of the conversion `target(x)`. An untyped operand that the conversion gives a type is recorded
    /// with it.
    pub(crate) fn conversion(&mut self, x: &mut Operand, target: TypeId) {
        let constant = if x.mode == Mode::Constant {
            self.basic_kind(target).filter(|kind| kind.is_const())
        } else {
            None
        };
        let is_integer = self.all_basic(x.ty, Basic::is_integer);
        let untyped = self.is_untyped(x.ty);
        match constant {
            Some(kind) => {
                let value = x.value.take().unwrap_or(Value::Unknown);
                let converted = match self.represent(&value, kind) {
                    None if is_integer && kind.is_string() => Some(value.to_code_point()),
                    converted => converted,
                };
                // A program that compiles converts to what can be represented.
                x.value = Some(converted.unwrap_or(Value::Unknown));
            }
            None => {
                if untyped {
                    let plain_interface = self.is_interface(target) && !self.is_type_param(target);
                    let keeps_default = plain_interface || x.is_nil() || x.mode == Mode::Constant;
                    let ty = if keeps_default {
                        self.default_type(x.ty)
                    } else {
                        target
                    };
                    self.settle_untyped(x, ty);
                }
                x.mode = Mode::Value;
                x.value = None;
                x.ty = target;
                return;
            }
        }
        if untyped {
            let ty = if is_integer && constant.is_some_and(Basic::is_string) {
                x.ty
            } else {
                target
            };
            self.settle_untyped(x, ty);
        }
        x.ty = target;
    }

    /// Records the final type of an untyped operand.
    fn settle_untyped(&mut self, x: &Operand, ty: TypeId) {
        if let Some(e) = x.expr {
            self.update_expr_type(e, ty);
        }
    }

    /// The types of the key and value variables of a range clause over a value of type `ty`; none for a variable that it does
    /// not permit (range.go `rangeKeyVal`).
    pub(crate) fn range_types(&mut self, ty: TypeId) -> (Option<TypeId>, Option<TypeId>) {
        let unknown = (Some(TypeId::UNKNOWN), Some(TypeId::UNKNOWN));
        let Some(under) = self.common_underlying(ty) else {
            return unknown;
        };
        let under = self.array_pointer_base(under);
        let int = TypeId::basic(Basic::Int);
        match self.ty(under).clone() {
            Type::Basic(kind) if kind.is_string() => (Some(int), Some(TypeId::basic(Basic::Rune))),
            Type::Basic(kind) if kind.is_integer() => (Some(ty), None),
            Type::Array(elem, _) | Type::Slice(elem) => (Some(int), Some(elem)),
            Type::Map(key, elem) => (Some(key), Some(elem)),
            Type::Chan(_, elem) => (Some(elem), None),
            Type::Signature(sig) => match self.yield_params(&sig) {
                Some(types) => (types.first().copied(), types.get(1).copied()),
                None => unknown,
            },
            _ => unknown,
        }
    }

    /// The parameter types of the function that an iterator function calls.
    fn yield_params(&mut self, iterator: &Signature) -> Option<Vec<TypeId>> {
        let ty = self.type_of(*iterator.params.first()?);
        let under = self.common_underlying(ty)?;
        let Type::Signature(sig) = self.ty(under).clone() else {
            return None;
        };
        let params: Rc<_> = sig.params.clone();
        Some(params.iter().map(|&param| self.type_of(param)).collect())
    }

    /// The array type that a type is a pointer to; any other type itself.
    pub(crate) fn array_pointer_base(&mut self, ty: TypeId) -> TypeId {
        let actual = self.unalias(ty);
        if let Type::Pointer(base) = *self.ty(actual) {
            let under = self.underlying(base);
            if matches!(self.ty(under), Type::Array(..)) {
                return under;
            }
        }
        ty
    }
}
