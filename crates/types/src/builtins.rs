//! Calls of predeclared functions and of those of package unsafe (builtins.go of go/types).

use crate::body::{Mode, Selection, SelectionKind};
use crate::checker::Checker;
use crate::constant::Value;
use crate::object::Builtin;
use crate::operand::Operand;
use crate::sizes::Layout;
use crate::types::*;
use tophash_syntax::ast::{BinaryOp, ExprId, ExprKind};

impl Checker<'_> {
    /// The operand that the call `e` of a built-in function gives.
    pub(crate) fn builtin_call(&mut self, e: ExprId, builtin: Builtin, args: &[ExprId]) -> Operand {
        let mut x = self.builtin_result(builtin, args);
        x.expr = Some(e);
        x
    }

    fn builtin_result(&mut self, builtin: Builtin, args: &[ExprId]) -> Operand {
        match builtin {
            Builtin::Make => return self.builtin_make(args),
            Builtin::New => return self.builtin_new(args),
            Builtin::UnsafeOffsetof => return self.builtin_offsetof(args),
            _ => {}
        }
        let outer = std::mem::take(&mut self.has_call_or_recv);
        let mut operands = match args {
            [only] => self.multi_expr(*only, false).0,
            _ => args.iter().map(|&arg| self.generic_expr(arg)).collect(),
        };
        let evaluates =
            std::mem::replace(&mut self.has_call_or_recv, outer) || self.has_call_or_recv;
        self.has_call_or_recv |= evaluates;

        let int = TypeId::basic(Basic::Int);
        let no_value = Operand::new(Mode::NoValue, TypeId::UNKNOWN, None);
        let value = |ty| Operand::new(Mode::Value, ty, None);
        if builtin == Builtin::Recover {
            return value(self.universe_types.empty_interface);
        }
        if operands.is_empty() {
            return no_value;
        }
        let rest = operands.split_off(1);
        let Some(mut x) = operands.pop() else {
            return no_value;
        };
        match builtin {
            Builtin::Append => {
                let elem = self.slice_elem(x.ty);
                for mut arg in rest {
                    self.assignment(&mut arg, elem);
                }
                value(x.ty)
            }
            Builtin::Cap | Builtin::Len => self.builtin_len(&x, evaluates),
            Builtin::Clear | Builtin::Close => no_value,
            Builtin::Complex => match rest.into_iter().next() {
                Some(y) => self.builtin_complex(x, y),
                None => value(TypeId::UNKNOWN),
            },
            Builtin::Copy => value(int),
            Builtin::Delete => {
                let key = match self.common_underlying(x.ty).map(|under| self.ty(under)) {
                    Some(&Type::Map(key, _)) => key,
                    _ => TypeId::UNKNOWN,
                };
                for mut arg in rest {
                    self.assignment(&mut arg, Some(key));
                }
                no_value
            }
            Builtin::Imag | Builtin::Real => self.builtin_part(x, builtin == Builtin::Real),
            Builtin::Max | Builtin::Min => self.builtin_extreme(x, rest, builtin == Builtin::Max),
            Builtin::Panic => {
                let any = self.universe_types.empty_interface;
                self.assignment(&mut x, Some(any));
                no_value
            }
            Builtin::Print | Builtin::Println => {
                self.assignment(&mut x, None);
                for mut arg in rest {
                    self.assignment(&mut arg, None);
                }
                no_value
            }
            Builtin::UnsafeAdd => value(TypeId::basic(Basic::UnsafePointer)),
            Builtin::UnsafeAlignof | Builtin::UnsafeSizeof => {
                self.assignment(&mut x, None);
                match (self.layout(x.ty), builtin) {
                    (Layout::Fixed { align, .. }, Builtin::UnsafeAlignof) => {
                        size_constant(Layout::Fixed { size: align, align })
                    }
                    (layout, _) => size_constant(layout),
                }
            }
            Builtin::UnsafeSlice => {
                match self.common_underlying(x.ty).map(|under| self.ty(under)) {
                    Some(&Type::Pointer(base)) => value(self.store.slice(base)),
                    _ => value(TypeId::UNKNOWN),
                }
            }
            Builtin::UnsafeSliceData => match self.slice_elem(x.ty) {
                Some(elem) if !elem.is_unknown() => value(self.store.pointer(elem)),
                _ => value(TypeId::UNKNOWN),
            },
            Builtin::UnsafeString => {
                for mut arg in rest {
                    self.assignment(&mut arg, Some(int));
                }
                value(TypeId::basic(Basic::String))
            }
            Builtin::UnsafeStringData => {
                self.assignment(&mut x, Some(TypeId::basic(Basic::String)));
                value(self.store.pointer(TypeId::basic(Basic::Byte)))
            }
            Builtin::Recover | Builtin::Make | Builtin::New | Builtin::UnsafeOffsetof => no_value,
        }
    }

    /// The element type of a slice, or of all slices of a type set.
    fn slice_elem(&mut self, ty: TypeId) -> Option<TypeId> {
        let mut elem = None;
        for (_, under) in self.specific_types(ty)? {
            match *self.ty(under) {
                Type::Slice(found) => elem = Some(found),
                // A string in the type set of []byte and string.
                Type::Basic(_) => {}
                _ => return None,
            }
        }
        elem
    }

    /// `len(x)` and `cap(x)`: constant for constant strings, and for arrays whose expression has no calls and
    /// receives nothing.
    fn builtin_len(&mut self, x: &Operand, evaluates: bool) -> Operand {
        let mut result = Operand::new(Mode::Value, TypeId::basic(Basic::Int), None);
        if self.is_type_param(x.ty) {
            return result;
        }
        let under = self.underlying(x.ty);
        let under = self.array_pointer_base(under);
        let len = match *self.ty(under) {
            Type::Basic(kind) if kind.is_string() && x.mode == Mode::Constant => x
                .value
                .as_ref()
                .and_then(|value| value.as_text())
                .map(|text| text.len()),
            Type::Array(_, len) if !evaluates => len,
            _ => return result,
        };
        result.mode = Mode::Constant;
        result.value = Some(integer(len));
        if let Some(e) = x.expr
            && self.is_untyped(x.ty)
        {
            let ty = self.default_type(x.ty);
            self.update_expr_type(e, ty, true);
        }
        result
    }

    fn builtin_complex(&mut self, mut x: Operand, mut y: Operand) -> Operand {
        let (untyped_x, untyped_y) = (self.is_untyped(x.ty), self.is_untyped(y.ty));
        let both_constant = x.mode == Mode::Constant && y.mode == Mode::Constant;
        if untyped_x && untyped_y {
            let kind = if both_constant {
                Basic::UntypedFloat
            } else {
                Basic::Float64
            };
            x.ty = TypeId::basic(kind);
        } else if untyped_x {
            self.convert_untyped(&mut x, y.ty);
        } else if untyped_y {
            self.convert_untyped(&mut y, x.ty);
        }
        let ty = match self.basic_kind(x.ty) {
            Some(Basic::Float32) => TypeId::basic(Basic::Complex64),
            Some(Basic::Float64) => TypeId::basic(Basic::Complex128),
            Some(Basic::UntypedFloat) => TypeId::basic(Basic::UntypedComplex),
            _ => TypeId::UNKNOWN,
        };
        if !both_constant {
            return Operand::new(Mode::Value, ty, None);
        }
        let mut result = Operand::new(Mode::Constant, ty, None);
        let (re, im) = (
            x.value.unwrap_or(Value::Unknown),
            y.value.unwrap_or(Value::Unknown),
        );
        result.value = Some(Value::complex(re.real(), im.real()));
        result
    }

    fn builtin_part(&mut self, x: Operand, real: bool) -> Operand {
        let ty = match self.basic_kind(x.ty) {
            Some(Basic::Complex64) => TypeId::basic(Basic::Float32),
            Some(Basic::Complex128) => TypeId::basic(Basic::Float64),
            Some(kind) if kind.is_untyped() && x.mode == Mode::Constant => {
                TypeId::basic(Basic::UntypedFloat)
            }
            Some(kind) if kind.is_untyped() => TypeId::basic(Basic::Float64),
            _ => TypeId::UNKNOWN,
        };
        let mut result = Operand::new(x.mode, ty, None);
        if x.mode == Mode::Constant {
            let part = x
                .value
                .map(|value| if real { value.real() } else { value.imag() });
            result.value = Some(part.unwrap_or(Value::Unknown));
        } else {
            result.mode = Mode::Value;
        }
        result
    }

    /// `max` and `min`.
    fn builtin_extreme(&mut self, mut x: Operand, rest: Vec<Operand>, max: bool) -> Operand {
        let op = if max { BinaryOp::Gtr } else { BinaryOp::Lss };
        let mut exprs = vec![x.expr];
        for mut y in rest {
            exprs.push(y.expr);
            self.match_types(&mut x, &mut y);
            match (x.mode, &x.value, y.mode, &y.value) {
                (Mode::Constant, Some(a), Mode::Constant, Some(b)) => match b.compare(op, a) {
                    Value::Bool(true) => x.value = y.value,
                    Value::Bool(false) => {}
                    _ => x.value = Some(Value::Unknown),
                },
                _ => {
                    x.mode = Mode::Value;
                    x.value = None;
                    if x.ty.is_unknown() && !self.is_untyped(y.ty) {
                        x.ty = y.ty;
                    }
                }
            }
        }
        if x.mode != Mode::Constant {
            x.mode = Mode::Value;
            x.ty = self.default_type(x.ty);
        }
        for e in exprs.into_iter().flatten() {
            self.update_expr_type(e, x.ty, true);
        }
        x
    }

    fn builtin_make(&mut self, args: &[ExprId]) -> Operand {
        let Some((&ty, sizes)) = args.split_first() else {
            return Operand::unknown(None);
        };
        let ty = self.typ(ty);
        for &size in sizes {
            let mut size = self.expr(None, size);
            self.convert_untyped(&mut size, TypeId::basic(Basic::Int));
        }
        Operand::new(Mode::Value, ty, None)
    }

    /// `new(T)`, and `new(x)` of Go 1.26.
    fn builtin_new(&mut self, args: &[ExprId]) -> Operand {
        let Some(&arg) = args.first() else {
            return Operand::unknown(None);
        };
        let mut x = self.expr_or_type(arg, false);
        if x.mode != Mode::Type {
            self.assignment(&mut x, None);
        }
        let ty = match x.ty {
            TypeId::UNKNOWN => TypeId::UNKNOWN,
            ty => self.store.pointer(ty),
        };
        Operand::new(Mode::Value, ty, None)
    }

    /// `unsafe.Offsetof(x.f)`
    fn builtin_offsetof(&mut self, args: &[ExprId]) -> Operand {
        let ast = self.env.ast;
        let unknown = Operand::new(Mode::Value, TypeId::basic(Basic::Uintptr), None);
        let Some(&arg) = args.first() else {
            return unknown;
        };
        let selector = ast.unparen(arg);
        let ExprKind::Selector { x, name, .. } = ast.expr(selector).kind else {
            return unknown;
        };
        let x = self.expr(None, x);
        let under = self.underlying(x.ty);
        let base = match *self.ty(under) {
            Type::Pointer(base) => base,
            _ => x.ty,
        };
        let Ok(found) = self.lookup_in(base, false, Some(self.env.package), name) else {
            return unknown;
        };
        let ty = self.type_of(found.obj);
        self.table().record_selection(
            selector,
            Selection {
                kind: SelectionKind::Field,
                recv: base,
                obj: found.obj,
                path: found.path.clone(),
                indirect: false,
            },
        );
        self.record(&Operand::new(Mode::Variable, ty, Some(selector)));
        size_constant(self.offset_of(base, &found.path))
    }
}

/// A size or offset as a constant; a value if it depends on type parameters.
fn size_constant(layout: Layout) -> Operand {
    let mut x = Operand::new(Mode::Constant, TypeId::basic(Basic::Uintptr), None);
    match layout {
        Layout::Fixed { size, .. } => x.value = Some(integer(Some(size))),
        Layout::Unknown => x.value = Some(Value::Unknown),
        Layout::Variable => x.mode = Mode::Value,
    }
    x
}

fn integer(n: Option<u64>) -> Value {
    match n.map(i64::try_from) {
        Some(Ok(n)) => Value::Int(n),
        _ => Value::Unknown,
    }
}
