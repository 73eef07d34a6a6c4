//! Expressions.

use super::Lowerer;
use crate::ir::*;
use crate::place::{PlaceId, PlaceKind};
use tophash_syntax::Symbol;
use tophash_syntax::ast::{BinaryOp, ExprId, ExprKind, StmtId, UnaryOp};
use tophash_types::{
    Mode, ObjId, ObjKind, SelectionKind, Type, TypeId, VarKind as ObjVar, constant,
};

impl Lowerer<'_, '_> {
    /// The value of an expression, in a temporary if it is more than a path or a constant.
    pub(super) fn operand(&mut self, e: ExprId) -> Operand {
        match self.value(e) {
            Value::Use(operand) => operand,
            value => {
                let ty = self.body.type_of(e);
                Operand::Place(self.keep(value, ty, self.at(e)))
            }
        }
    }

    /// A path to what the expression denotes, or to a temporary with its value.
    pub(super) fn place(&mut self, e: ExprId) -> PlaceId {
        let operand = self.operand(e);
        let ty = self.body.type_of(e);
        self.as_place(operand, ty, self.at(e))
    }

    pub(super) fn as_place(&mut self, operand: Operand, ty: TypeId, at: At) -> PlaceId {
        match operand {
            Operand::Place(place) => place,
            other => self.keep(Value::Use(other), ty, at),
        }
    }

    /// Puts a value into a new temporary.
    pub(super) fn keep(&mut self, value: Value, ty: TypeId, at: At) -> PlaceId {
        let temp = self.temp(ty, at.span);
        self.assign(temp, value, at);
        temp
    }

    /// Evaluates an expression into `dst`.
    pub(super) fn eval_into(&mut self, dst: PlaceId, e: ExprId) {
        if self.is_plain_call(e) {
            self.call_into(self.ast.unparen(e), vec![dst]);
            return;
        }
        let value = self.value(e);
        self.assign(dst, value, self.at(e));
    }

    /// Evaluates an expression for its effects.
    pub(super) fn discard(&mut self, e: ExprId) {
        let x = self.ast.unparen(e);
        if self.is_plain_call(x) {
            self.call_into(x, Vec::new());
            return;
        }
        match self.value(x) {
            Value::Use(_) => {}
            value => {
                let ty = self.body.type_of(x);
                self.keep(value, ty, self.at(x));
            }
        }
    }

    /// The value of an expression, its operands evaluated.
    pub(super) fn value(&mut self, e: ExprId) -> Value {
        if let Some(operand) = self.constant(e) {
            return Value::Use(operand);
        }
        if self.body.mode(e) == Mode::Type {
            return Value::Unknown;
        }
        let ast = self.ast;
        match ast.expr(e).kind {
            ExprKind::Paren(x) => self.value(x),
            ExprKind::Ident(_) => match self.body.object(e) {
                Some(obj) => self.object_value(obj, e),
                None => Value::Unknown,
            },
            ExprKind::FuncLit { body, .. } => Value::Closure(self.closure(e, body)),
            ExprKind::CompositeLit { elems, .. } => {
                let ty = self.body.type_of(e);
                self.composite(e, ty, ast.list(elems))
            }
            ExprKind::Selector { x, name, .. } => self.selector(e, x, name),
            ExprKind::Index { x, index } => self.index(e, x, index),
            ExprKind::IndexList { x, .. } => self.value(x),
            ExprKind::Slice(id) => {
                let parts = *ast.slice(id);
                let x = self.place(parts.x);
                for bound in [parts.lo, parts.hi, parts.max].into_iter().flatten() {
                    self.operand(bound);
                }
                let ty = self.places.get(x).ty;
                match self.types.core(ty) {
                    Type::Array(..) => {
                        self.take_address(x);
                        Value::Slice(Operand::Addr(x))
                    }
                    _ => Value::Slice(Operand::Place(x)),
                }
            }
            ExprKind::TypeAssert { x, ty } => {
                let x = self.operand(x);
                let ty = ty.map_or(TypeId::UNKNOWN, |ty| self.body.type_of(ty));
                Value::TypeAssert { x, ty }
            }
            ExprKind::Call { .. } => self.call_value(e),
            ExprKind::Star(x) => {
                let ty = self.body.type_of(e);
                Value::Use(Operand::Place(match self.operand(x) {
                    Operand::Addr(place) => place,
                    pointer => {
                        let pointer_ty = self.body.type_of(x);
                        let pointer = self.as_place(pointer, pointer_ty, self.at(x));
                        self.deref(pointer, Some(ty))
                    }
                }))
            }
            ExprKind::Unary { op, x } => match op {
                UnaryOp::And => self.address_of(e, x),
                UnaryOp::Recv => Value::Recv {
                    chan: self.operand(x),
                },
                _ => Value::Unary {
                    op,
                    x: self.operand(x),
                },
            },
            ExprKind::Binary {
                op: BinaryOp::LAnd | BinaryOp::LOr,
                ..
            } => Value::Use(Operand::Place(self.logical(e))),
            ExprKind::Binary { op, x, y } => {
                let x = self.operand(x);
                let y = self.operand(y);
                Value::Binary { op, x, y }
            }
            ExprKind::KeyValue { key, value } => {
                self.operand(key);
                self.operand(value);
                Value::Unknown
            }
            ExprKind::Bad
            | ExprKind::Ellipsis { .. }
            | ExprKind::BasicLit(_)
            | ExprKind::ArrayType { .. }
            | ExprKind::StructType(_)
            | ExprKind::FuncType(_)
            | ExprKind::InterfaceType(_)
            | ExprKind::MapType { .. }
            | ExprKind::ChanType { .. } => Value::Unknown,
        }
    }

    /// A constant or `nil`.
    pub(super) fn constant(&mut self, e: ExprId) -> Option<Operand> {
        if self.is_nil(e) {
            return Some(Operand::Nil);
        }
        if self.body.mode(e) != Mode::Constant {
            return None;
        }
        Some(Operand::Const(match self.body.constant(e) {
            Some(constant::Value::Bool(b)) => Const::Bool(*b),
            Some(constant::Value::Int(n)) => Const::Int(*n),
            Some(constant::Value::String(constant::Text::Bytes(bytes))) => {
                match std::str::from_utf8(bytes) {
                    Ok(text) => Const::Str(Symbol::new(text)),
                    Err(_) => Const::Other(e),
                }
            }
            _ => Const::Other(e),
        }))
    }

    /// Whether an expression is the predeclared `nil`.
    pub(super) fn is_nil(&self, e: ExprId) -> bool {
        let e = self.ast.unparen(e);
        matches!(self.ast.expr(e).kind, ExprKind::Ident(_))
            && self
                .body
                .object(e)
                .is_some_and(|obj| matches!(self.types.checker.object(obj).kind, ObjKind::Nil))
    }

    fn object_value(&mut self, obj: ObjId, e: ExprId) -> Value {
        if let Some(place) = self.object_place(obj) {
            return Value::Use(Operand::Place(place));
        }
        let object = self.types.checker.object(obj);
        match object.kind {
            ObjKind::Func { .. } => {
                let obj = self.types.origin(obj);
                Value::Func(self.types.func_name(obj))
            }
            ObjKind::Nil => Value::Use(Operand::Nil),
            ObjKind::Var(ObjVar::Local | ObjVar::Param | ObjVar::Result | ObjVar::Receiver) => {
                // Its declaration was not understood.
                let name = object.name;
                let ty = self.body.type_of(e);
                let span = self.ast.expr(e).span;
                let var = self.var(VarKind::Local, Some(name), ty, Some(obj), span);
                Value::Use(Operand::Place(self.vars[var.index()].place))
            }
            _ => Value::Unknown,
        }
    }

    /// The path that a variable is.
    pub(super) fn object_place(&mut self, obj: ObjId) -> Option<PlaceId> {
        if let Some(var) = self.variable(obj) {
            return Some(self.vars[var.index()].place);
        }
        let object = self.types.checker.object(obj);
        if !matches!(object.kind, ObjKind::Var(ObjVar::Package)) {
            return None;
        }
        let name = object.name;
        let package = self.types.checker.world().path(object.package?);
        let ty = self.types.type_of(obj);
        Some(self.places.intern(PlaceKind::Global { package, name }, ty))
    }

    /// What a selector or index is applied to: a pointer, or what `&x` points to.
    pub(super) fn base(&mut self, e: ExprId) -> PlaceId {
        let operand = self.operand(e);
        let ty = self.body.type_of(e);
        self.base_of(operand, ty, self.at(e))
    }

    pub(super) fn base_of(&mut self, operand: Operand, ty: TypeId, at: At) -> PlaceId {
        match operand {
            Operand::Addr(place) => place,
            other => self.as_place(other, ty, at),
        }
    }

    /// What a pointer points to. `ty` is its type where the caller knows it.
    pub(super) fn deref(&mut self, pointer: PlaceId, ty: Option<TypeId>) -> PlaceId {
        let ty = match ty {
            Some(ty) => ty,
            None => {
                let pointer_ty = self.places.get(pointer).ty;
                self.types.pointee(pointer_ty).unwrap_or(TypeId::UNKNOWN)
            }
        };
        self.places.intern(PlaceKind::Deref(pointer), ty)
    }

    /// `place` itself, or what it points to.
    pub(super) fn auto_deref(&mut self, place: PlaceId) -> PlaceId {
        let ty = self.places.get(place).ty;
        match self.types.pointee(ty) {
            Some(elem) => self.deref(place, Some(elem)),
            None => place,
        }
    }

    /// The field that a path of field indices leads to from `place`, which may be a pointer.
    pub(super) fn fields(&mut self, mut place: PlaceId, path: &[u32]) -> Option<PlaceId> {
        for &index in path {
            let base = self.auto_deref(place);
            let base_ty = self.places.get(base).ty;
            let field = self.types.field(base_ty, index)?;
            let kind = PlaceKind::Field {
                base,
                index: field.index,
                name: field.name,
                embedded: field.embedded,
            };
            place = self.places.intern(kind, field.ty);
        }
        Some(place)
    }

    fn selector(&mut self, e: ExprId, x: ExprId, name: Symbol) -> Value {
        let body = self.body;
        let Some(selection) = body.selection(e) else {
            // A qualified name, or something unknown.
            if let Some(obj) = body.object(e) {
                return self.object_value(obj, e);
            }
            if self.unresolved_function(x, name).is_some() {
                return Value::Unknown;
            }
            // A field of something unknown is a path: what is found out about it once holds
            // where it stands again.
            let base = self.base(x);
            let kind = PlaceKind::Field {
                base: self.auto_deref(base),
                index: unknown_field(name),
                name,
                embedded: false,
            };
            let place = self.places.intern(kind, TypeId::UNKNOWN);
            return Value::Use(Operand::Place(place));
        };
        match selection.kind {
            SelectionKind::Field => {
                let base = self.base(x);
                match self.fields(base, &selection.path) {
                    Some(place) => Value::Use(Operand::Place(place)),
                    None => Value::Unknown,
                }
            }
            SelectionKind::Method => {
                let base = self.base(x);
                match self.method(base, selection) {
                    Some((receiver, method)) => {
                        if let Operand::Addr(place) = receiver {
                            self.take_address(place);
                        }
                        Value::MethodValue { receiver, method }
                    }
                    None => Value::Unknown,
                }
            }
            SelectionKind::MethodExpr => {
                let obj = self.types.origin(selection.obj);
                if self.types.is_abstract(selection.recv) {
                    Value::Unknown
                } else {
                    Value::Func(self.types.func_name(obj))
                }
            }
        }
    }

    fn index(&mut self, e: ExprId, x: ExprId, index: ExprId) -> Value {
        if self.body.mode(index) == Mode::Type {
            // An instantiated function.
            return self.value(x);
        }
        let base = self.base(x);
        let ty = self.places.get(base).ty;
        if self.types.is_map(ty) {
            let key = self.operand(index);
            let elem = self.elem(base, key);
            return Value::MapRead { elem };
        }
        let index = self.operand(index);
        let base = self.auto_deref(base);
        let ty = self.body.type_of(e);
        let place = self.places.intern(PlaceKind::Index { base, index }, ty);
        Value::Use(Operand::Place(place))
    }

    /// The element of a map.
    pub(super) fn elem(&mut self, map: PlaceId, key: Operand) -> PlaceId {
        let ty = self.places.get(map).ty;
        let elem = match self.types.core(ty) {
            Type::Map(_, elem) => elem,
            _ => TypeId::UNKNOWN,
        };
        self.places.intern(PlaceKind::MapElem { map, key }, elem)
    }

    fn address_of(&mut self, e: ExprId, x: ExprId) -> Value {
        let x = self.ast.unparen(x);
        if let ExprKind::CompositeLit { elems, .. } = self.ast.expr(x).kind {
            let pointer = self.body.type_of(e);
            let ty = self.body.type_of(x);
            return self.allocate(pointer, ty, self.at(e), |l| {
                l.composite(x, ty, l.ast.list(elems))
            });
        }
        let place = self.place(x);
        if let PlaceKind::Deref(pointer) = self.places.get(place).kind {
            return Value::Use(Operand::Place(pointer));
        }
        self.take_address(place);
        Value::Use(Operand::Addr(place))
    }

    /// A new variable with a value, and a pointer to it.
    pub(super) fn allocate(
        &mut self,
        pointer: TypeId,
        ty: TypeId,
        at: At,
        value: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let value = value(self);
        let temp = self.keep(Value::New(ty), pointer, at);
        let target = self.deref(temp, Some(ty));
        self.assign(target, value, at);
        Value::Use(Operand::Place(temp))
    }

    /// Notes that the variable `place` is a part of can be changed through a pointer.
    pub(super) fn take_address(&mut self, mut place: PlaceId) {
        loop {
            match self.places.get(place).kind {
                PlaceKind::Var(var) => {
                    self.vars[var.index()].address_taken = true;
                    return;
                }
                PlaceKind::Field { base, .. } => place = base,
                PlaceKind::Index { base, .. } => {
                    let ty = self.places.get(base).ty;
                    if !matches!(self.types.core(ty), Type::Array(..)) {
                        return;
                    }
                    place = base;
                }
                PlaceKind::Deref(_) | PlaceKind::Global { .. } | PlaceKind::MapElem { .. } => {
                    return;
                }
            }
        }
    }

    /// Lowers a function literal.
    fn closure(&mut self, literal: ExprId, body: StmtId) -> FnId {
        self.open(Some(literal), self.ast.expr(literal).span);
        self.signature(self.body.type_of(literal));
        self.stmt(body);
        self.close()
    }

    /// A function literal where it is called.
    pub(super) fn called_literal(&mut self, e: ExprId) -> Option<FnId> {
        match self.ast.expr(e).kind {
            ExprKind::FuncLit { body, .. } => Some(self.closure(e, body)),
            _ => None,
        }
    }

    /// `x && y`, `x || y` as a value.
    fn logical(&mut self, e: ExprId) -> PlaceId {
        let at = self.at(e);
        let temp = self.temp(self.body.type_of(e), at.span);
        let (yes, no, after) = (self.new_block(), self.new_block(), self.new_block());
        self.branch(e, yes, no);
        for (block, value) in [(yes, true), (no, false)] {
            self.draft().current = block;
            self.assign(temp, Value::Use(Operand::Const(Const::Bool(value))), at);
            self.end_before(Terminator::Jump(after), at, after);
        }
        temp
    }

    /// The name that `x.name` gives to a function of a package that could not be read.
    pub(super) fn unresolved_function(&mut self, x: ExprId, name: Symbol) -> Option<FuncName> {
        let obj = self.body.object(x)?;
        match self.types.checker.object(obj).kind {
            ObjKind::PackageName { path, .. } => Some(FuncName {
                package: path,
                receiver: None,
                name,
            }),
            _ => None,
        }
    }
}

/// A number for a field of a type that is not known: the same for the same name, and none
/// that a struct's fields have. By FNV-1a, as the order of symbols differs from run to run.
fn unknown_field(name: Symbol) -> u32 {
    let hash = name.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // The last number stands for elements of lists.
    (hash | 1 << 31) & !1
}
