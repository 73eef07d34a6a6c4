//! Calls of built-in functions, after go/types builtins.go.

use crate::body::{Mode, Selection, SelectionKind};
use crate::checker::Checker;
use crate::constant::Value;
use crate::object::*;
use crate::operand::Operand;
use crate::sizes::Layout;
use crate::types::*;
use tophash_syntax::ast::*;

impl<'w> Checker<'w> {
    pub(crate) fn builtin_call(
        &mut self,
        e: ExprId,
        builtin: Option<Builtin>,
        fun: ExprId,
        args: &[ExprId],
        spread: bool,
    ) -> Operand {
        let Some(builtin) = builtin else {
            return Operand::unknown(Some(e));
        };
        self.table().record(fun, Mode::Builtin, TypeId::UNKNOWN);
        let mut x = match builtin {
            Builtin::Make => self.make(args),
            Builtin::New => self.new_value(args),
            Builtin::UnsafeOffsetof => self.offsetof(args),
            _ => {
                // Whether `len(x)` is constant depends on whether `x` has calls in it.
                let had_call = std::mem::take(&mut self.has_call);
                let operands = self.expr_list(args);
                let x = self.value_builtin(builtin, operands, spread);
                self.has_call |= had_call;
                x
            }
        };
        x.expr = Some(e);
        x
    }

    fn value_builtin(&mut self, builtin: Builtin, mut args: Vec<Operand>, spread: bool) -> Operand {
        let value = |ty| Operand::new(Mode::Value, ty, None);
        let no_value = Operand::new(Mode::NoValue, TypeId::UNKNOWN, None);
        let Some(first) = args.first().cloned() else {
            return match builtin {
                Builtin::Recover => value(self.universe_types.plain_interface),
                Builtin::Print | Builtin::Println => no_value,
                _ => Operand::unknown(None),
            };
        };
        match builtin {
            Builtin::Append => {
                let slice = self.common_underlying(first.ty);
                let elem = match slice.map(|s| self.ty(s)) {
                    Some(&Type::Slice(elem)) => elem,
                    _ => TypeId::UNKNOWN,
                };
                // `append(bytes, text...)` takes the text as it is.
                let is_text = spread
                    && args.get(1).is_some_and(|y| {
                        let ty = y.ty;
                        self.specific_types(ty).is_some_and(|types| {
                            types.iter().any(
                                |&(_, u)| matches!(*self.ty(u), Type::Basic(b) if b.is_string()),
                            )
                        })
                    });
                if !is_text {
                    self.append_arguments(&mut args, elem, spread);
                }
                value(first.ty)
            }
            Builtin::Len | Builtin::Cap => self.len(first),
            Builtin::Clear | Builtin::Close => no_value,
            Builtin::Delete => {
                let map = self.common_key(first.ty);
                if let (Some(key), Some(arg)) = (map, args.get_mut(1)) {
                    self.assignment(arg, Some(key));
                }
                no_value
            }
            Builtin::Complex => self.complex(args),
            Builtin::Real | Builtin::Imag => self.real_or_imag(builtin, first),
            Builtin::Copy => value(TypeId::basic(Basic::Int)),
            Builtin::Max | Builtin::Min => self.max_or_min(builtin, args),
            Builtin::Panic => {
                let any = self.universe_types.plain_interface;
                for arg in &mut args {
                    self.assignment(arg, Some(any));
                }
                no_value
            }
            Builtin::Print | Builtin::Println => {
                for arg in &mut args {
                    self.assignment(arg, None);
                }
                no_value
            }
            Builtin::Recover => value(self.universe_types.plain_interface),
            Builtin::UnsafeAdd => {
                let pointer = TypeId::basic(Basic::UnsafePointer);
                self.length_argument(&mut args);
                value(pointer)
            }
            Builtin::UnsafeSizeof | Builtin::UnsafeAlignof => {
                let mut x = first;
                self.assignment(&mut x, None);
                match (self.layout(x.ty), builtin) {
                    (Layout::Fixed { align, .. }, Builtin::UnsafeAlignof) => {
                        uintptr(Layout::Fixed { size: align, align })
                    }
                    (layout, _) => uintptr(layout),
                }
            }
            Builtin::UnsafeSlice => {
                self.length_argument(&mut args);
                let under = self.common_underlying(first.ty);
                match under.map(|u| self.ty(u)) {
                    Some(&Type::Pointer(base)) => value(self.store.slice(base)),
                    _ => Operand::unknown(None),
                }
            }
            Builtin::UnsafeSliceData => {
                let under = self.common_underlying(first.ty);
                match under.map(|u| self.ty(u)) {
                    Some(&Type::Slice(elem)) => value(self.store.pointer(elem)),
                    _ => Operand::unknown(None),
                }
            }
            Builtin::UnsafeString => {
                self.length_argument(&mut args);
                value(TypeId::basic(Basic::String))
            }
            Builtin::UnsafeStringData => {
                let mut x = first;
                self.assignment(&mut x, Some(TypeId::basic(Basic::String)));
                value(self.store.pointer(TypeId::basic(Basic::Byte)))
            }
            Builtin::Make | Builtin::New | Builtin::UnsafeOffsetof => Operand::unknown(None),
        }
    }

    fn length_argument(&mut self, args: &mut [Operand]) {
        if let Some(len) = args.get_mut(1) {
            self.convert_untyped(len, TypeId::basic(Basic::Int));
        }
    }

    fn len(&mut self, x: Operand) -> Operand {
        let mut result = Operand::new(Mode::Value, TypeId::basic(Basic::Int), None);
        if self.is_type_param(x.ty) {
            return result;
        }
        let under = self.underlying(x.ty);
        let under = self.array_pointer_base(under);
        let len = match (self.ty(under), &x.value) {
            (Type::Basic(_), Some(value)) if x.mode == Mode::Constant => {
                value.as_text().map(|text| text.len())
            }
            (&Type::Array(_, len), _) if !self.has_call => len,
            _ => return result,
        };
        result.mode = Mode::Constant;
        result.value = Some(integer(len));
        result
    }

    /// The key type of a map, or of all maps in a type parameter's type set.
    fn common_key(&mut self, ty: TypeId) -> Option<TypeId> {
        let types = self.specific_types(ty)?;
        match *self.ty(types.first()?.1) {
            Type::Map(key, _) => Some(key),
            _ => None,
        }
    }

    fn complex(&mut self, args: Vec<Operand>) -> Operand {
        let [mut x, mut y]: [Operand; 2] = match args.try_into() {
            Ok(pair) => pair,
            Err(_) => return Operand::unknown(None),
        };
        match (self.is_untyped(x.ty), self.is_untyped(y.ty)) {
            (true, true) => {
                if x.mode == Mode::Constant && y.mode == Mode::Constant {
                    x.ty = TypeId::basic(Basic::UntypedFloat);
                } else {
                    self.convert_untyped(&mut x, TypeId::basic(Basic::Float64));
                }
            }
            (true, false) => self.convert_untyped(&mut x, y.ty),
            (false, true) => self.convert_untyped(&mut y, x.ty),
            (false, false) => {}
        }
        let ty = match self.basic_kind(x.ty) {
            Some(Basic::Float32) => Basic::Complex64,
            Some(Basic::Float64) => Basic::Complex128,
            Some(Basic::UntypedFloat) => Basic::UntypedComplex,
            _ => return Operand::unknown(None),
        };
        let mut result = Operand::new(Mode::Value, TypeId::basic(ty), None);
        if x.mode == Mode::Constant && y.mode == Mode::Constant {
            result.mode = Mode::Constant;
            result.value = match (x.value, y.value) {
                (Some(re), Some(im)) => Some(Value::complex(re, im)),
                _ => Some(Value::Unknown),
            };
        }
        result
    }

    fn real_or_imag(&mut self, builtin: Builtin, mut x: Operand) -> Operand {
        if self.is_untyped(x.ty) {
            if x.mode == Mode::Constant {
                x.ty = TypeId::basic(Basic::UntypedComplex);
            } else {
                self.convert_untyped(&mut x, TypeId::basic(Basic::Complex128));
            }
        }
        let ty = match self.basic_kind(x.ty) {
            Some(Basic::Complex64) => Basic::Float32,
            Some(Basic::Complex128) => Basic::Float64,
            Some(Basic::UntypedComplex) => Basic::UntypedFloat,
            _ => return Operand::unknown(None),
        };
        let mut result = Operand::new(Mode::Value, TypeId::basic(ty), None);
        if x.mode == Mode::Constant {
            result.mode = Mode::Constant;
            result.value = x.value.map(|v| match builtin {
                Builtin::Real => v.real(),
                _ => v.imag(),
            });
        }
        result
    }

    fn max_or_min(&mut self, builtin: Builtin, mut args: Vec<Operand>) -> Operand {
        let op = match builtin {
            Builtin::Max => BinaryOp::Gtr,
            _ => BinaryOp::Lss,
        };
        let Some(mut x) = args.first().cloned() else {
            return Operand::unknown(None);
        };
        for arg in args.iter_mut().skip(1) {
            self.match_types(&mut x, arg);
            if x.mode == Mode::Constant && arg.mode == Mode::Constant {
                if let (Some(a), Some(b)) = (&arg.value, &x.value)
                    && a.compare(op, b).as_bool() == Some(true)
                {
                    x.value = arg.value.clone();
                }
                x.ty = arg.ty;
            } else {
                x.mode = Mode::Value;
                x.value = None;
            }
        }
        if x.mode != Mode::Constant {
            x.mode = Mode::Value;
            self.assignment(&mut x, None);
        }
        for arg in &args {
            if let Some(e) = arg.expr {
                self.update_expr_type(e, x.ty);
            }
        }
        x
    }

    fn make(&mut self, args: &[ExprId]) -> Operand {
        let Some((&ty, sizes)) = args.split_first() else {
            return Operand::unknown(None);
        };
        let ty = self.typ(ty);
        for &size in sizes {
            self.index_value(size);
        }
        Operand::new(Mode::Value, ty, None)
    }

    fn new_value(&mut self, args: &[ExprId]) -> Operand {
        let Some(&arg) = args.first() else {
            return Operand::unknown(None);
        };
        let mut x = self.expr_or_type(arg, false);
        if x.mode != Mode::Type {
            // Since Go 1.26 the argument may be a value.
            self.assignment(&mut x, None);
        }
        if x.ty.is_unknown() {
            return Operand::unknown(None);
        }
        let ty = self.store.pointer(x.ty);
        Operand::new(Mode::Value, ty, None)
    }

    fn offsetof(&mut self, args: &[ExprId]) -> Operand {
        let ast = self.env.ast;
        let Some(&arg) = args.first() else {
            return Operand::unknown(None);
        };
        let selector = ast.unparen(arg);
        let ExprKind::Selector { x, name, .. } = ast.expr(selector).kind else {
            self.use_expr(arg);
            return uintptr(Layout::Unknown);
        };
        let x = self.expr(None, x);
        let under = self.underlying(x.ty);
        let mut base = x.ty;
        if let Type::Pointer(elem) = *self.ty(under) {
            let elem_under = self.underlying(elem);
            if matches!(self.ty(elem_under), Type::Struct(_)) {
                base = elem;
            }
        }
        let package = Some(self.env.package);
        let Ok(found) = self.lookup_field_or_method(base, false, package, name) else {
            return uintptr(Layout::Unknown);
        };
        let ty = self.type_of(found.obj);
        let selection = Selection {
            kind: SelectionKind::Field,
            recv: base,
            obj: found.obj,
            path: found.path.clone(),
            indirect: false,
        };
        self.table().record_selection(selector, selection);
        let mode = if x.mode == Mode::Variable {
            Mode::Variable
        } else {
            Mode::Value
        };
        self.table().record(selector, mode, ty);
        uintptr(self.offset_of(base, &found.path))
    }
}

/// A size or offset as a constant; a variable one if it depends on type parameters.
fn uintptr(layout: Layout) -> Operand {
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
