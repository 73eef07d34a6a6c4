//! Calls, conversions and predeclared functions.

use super::Lowerer;
use crate::ir::*;
use crate::noreturn::known_divergence;
use crate::place::PlaceId;
use tophash_syntax::ast::{ExprId, ExprKind};
use tophash_types::{Builtin, Mode, ObjKind, Selection, SelectionKind, Type, TypeId};

impl Lowerer<'_, '_> {
    /// Whether the expression is a call of a function: no conversion, no predeclared function.
    pub(super) fn is_plain_call(&self, e: ExprId) -> bool {
        match self.ast.expr(self.ast.unparen(e)).kind {
            ExprKind::Call { fun, .. } => {
                !matches!(self.body.mode(fun), Mode::Type | Mode::Builtin)
                    && self.body.mode(e) != Mode::Constant
            }
            _ => false,
        }
    }

    /// The value of a call, a conversion or a predeclared function.
    pub(super) fn call_value(&mut self, e: ExprId) -> Value {
        let ExprKind::Call { fun, args, spread } = self.ast.expr(e).kind else {
            return Value::Unknown;
        };
        let args = self.ast.list(args);
        match self.body.mode(fun) {
            Mode::Type => match args.first() {
                Some(&x) => {
                    let x = self.operand(x);
                    let ty = self.body.type_of(e);
                    Value::Convert { x, ty }
                }
                None => Value::Unknown,
            },
            Mode::Builtin => match self.builtin(fun) {
                Some(builtin) => self.builtin_value(e, builtin, args, spread),
                None => Value::Unknown,
            },
            _ => {
                let ty = self.body.type_of(e);
                let temp = self.temp(ty, self.ast.expr(e).span);
                self.call_into(e, vec![temp]);
                Value::Use(Operand::Place(temp))
            }
        }
    }

    /// The values of a list of expressions, one of which may be a call with several results.
    pub(super) fn operands(&mut self, exprs: &[ExprId]) -> Vec<Operand> {
        if let [e] = *exprs
            && self.is_plain_call(e)
        {
            let results = self.result_temps(e);
            self.call_into(self.ast.unparen(e), results.clone());
            return results.into_iter().map(Operand::Place).collect();
        }
        exprs.iter().map(|&e| self.operand(e)).collect()
    }

    /// Temporaries for what a call returns.
    pub(super) fn result_temps(&mut self, e: ExprId) -> Vec<PlaceId> {
        let span = self.ast.expr(e).span;
        let ty = self.body.type_of(e);
        let types = match self.types.checker.ty(ty) {
            Type::Tuple(vars) => {
                let vars = vars.clone();
                vars.iter().map(|&v| self.types.type_of(v)).collect()
            }
            _ => vec![ty],
        };
        types.into_iter().map(|ty| self.temp(ty, span)).collect()
    }

    /// Calls and puts the results into `results`. `e` has no parentheses around it.
    pub(super) fn call_into(&mut self, e: ExprId, results: Vec<PlaceId>) {
        let mut call = self.prepare_call(e);
        call.results = results.into();
        let at = self.at(e);
        let diverges = self.diverges(&call);
        self.emit(Op::Call(Box::new(call)), at);
        if let Some(how) = diverges {
            self.end(Terminator::Diverge(how), at);
        }
    }

    /// How a call ends that never returns.
    fn diverges(&mut self, call: &Call) -> Option<Divergence> {
        let name = match call.callee {
            Callee::Static(name) => name,
            Callee::Interface { ty, name } => {
                let receiver = self.types.type_name(ty)?;
                FuncName {
                    package: self.types.package_of(ty)?,
                    receiver: Some(receiver),
                    name,
                }
            }
            _ => return None,
        };
        let declared =
            call.object
                .and_then(|object| match self.types.checker.object(object).kind {
                    ObjKind::Func { decl } => decl,
                    _ => None,
                });
        known_divergence(name).or_else(|| (self.diverges)(name, declared))
    }

    /// Evaluates what a call needs; its results are left open.
    pub(super) fn prepare_call(&mut self, e: ExprId) -> Call {
        let mut call = Call {
            callee: Callee::Unknown,
            object: None,
            receiver: None,
            args: Box::new([]),
            spread: false,
            results: Box::new([]),
            deferred: None,
        };
        let ExprKind::Call { fun, args, spread } = self.ast.expr(e).kind else {
            return call;
        };
        let args = self.ast.list(args);
        let fun = self.called(fun);
        match self.body.mode(fun) {
            // Conversions and predeclared functions come here from `go` and `defer` only.
            Mode::Type => {}
            Mode::Builtin => {
                if let Some(builtin) = self.builtin(fun) {
                    call.callee = Callee::Builtin(builtin);
                }
            }
            _ => self.callee(fun, &mut call),
        }
        let mut operands = self.operands(args);
        if let Callee::Unknown = call.callee
            && let Some(selection) = self.method_expression(fun)
            && !operands.is_empty()
        {
            let ty = selection.recv;
            let at = self.at(args[0]);
            let first = self.base_of(operands.remove(0), ty, at);
            if let Some((receiver, method)) = self.method(first, &selection) {
                self.set_method(&mut call, receiver, method, &selection);
            }
        }
        call.args = operands.into();
        call.spread = spread;
        call
    }

    /// The called expression without parentheses and type arguments.
    fn called(&self, fun: ExprId) -> ExprId {
        let fun = self.ast.unparen(fun);
        match self.ast.expr(fun).kind {
            ExprKind::Index { x, index } if self.body.mode(index) == Mode::Type => {
                self.ast.unparen(x)
            }
            ExprKind::IndexList { x, .. } => self.ast.unparen(x),
            _ => fun,
        }
    }

    fn callee(&mut self, fun: ExprId, call: &mut Call) {
        if let Some(closure) = self.called_literal(fun) {
            call.callee = Callee::Closure(closure);
            return;
        }
        let body = self.body;
        if let Some(selection) = body.selection(fun) {
            match selection.kind {
                SelectionKind::Method => {
                    let ExprKind::Selector { x, .. } = self.ast.expr(fun).kind else {
                        return;
                    };
                    let base = self.base(x);
                    if let Some((receiver, method)) = self.method(base, selection) {
                        self.set_method(call, receiver, method, selection);
                    }
                    return;
                }
                SelectionKind::MethodExpr => return,
                SelectionKind::Field => {}
            }
        } else if let Some(obj) = body.object(fun)
            && self.types.is_func(obj)
        {
            let obj = self.types.origin(obj);
            call.callee = Callee::Static(self.types.func_name(obj));
            call.object = Some(obj);
            return;
        } else if let ExprKind::Selector { x, name, .. } = self.ast.expr(fun).kind
            && body.object(fun).is_none()
        {
            if let Some(name) = self.unresolved_function(x, name) {
                call.callee = Callee::Static(name);
            } else {
                // What is selected is not known, but `x` may be.
                let receiver = self.operand(x);
                call.receiver = Some(receiver);
            }
            return;
        }
        match self.operand(fun) {
            Operand::Place(place) => call.callee = Callee::Value(place),
            _ => call.callee = Callee::Unknown,
        }
    }

    fn set_method(
        &mut self,
        call: &mut Call,
        receiver: Operand,
        method: Method,
        selection: &Selection,
    ) {
        call.receiver = Some(receiver);
        call.callee = match method {
            Method::Static(name) => {
                call.object = Some(self.types.origin(selection.obj));
                Callee::Static(name)
            }
            Method::Interface { ty, name } => Callee::Interface { ty, name },
        };
    }

    fn method_expression(&self, fun: ExprId) -> Option<Selection> {
        let selection = self.body.selection(fun)?;
        (selection.kind == SelectionKind::MethodExpr).then(|| selection.clone())
    }

    /// The receiver that a method selected from `base` gets, and the method.
    pub(super) fn method(
        &mut self,
        base: PlaceId,
        selection: &Selection,
    ) -> Option<(Operand, Method)> {
        let (_, embedded) = selection.path.split_last()?;
        let place = self.fields(base, embedded)?;
        let ty = self.places.get(place).ty;
        if self.types.is_abstract(ty) {
            let name = self.types.checker.object(selection.obj).name;
            return Some((Operand::Place(place), Method::Interface { ty, name }));
        }
        let obj = self.types.origin(selection.obj);
        let method = Method::Static(self.types.func_name(obj));
        let wants = self.types.receiver(obj)?;
        let by_pointer = self.types.pointee(wants).is_some();
        let is_pointer = self.types.is_pointer(ty);
        let receiver = match (by_pointer, is_pointer) {
            (true, true) | (false, false) => Operand::Place(place),
            (true, false) => Operand::Addr(place),
            (false, true) => Operand::Place(self.auto_deref(place)),
        };
        Some((receiver, method))
    }

    fn builtin(&self, fun: ExprId) -> Option<Builtin> {
        let fun = self.ast.unparen(fun);
        match self.types.checker.object(self.body.object(fun)?).kind {
            ObjKind::Builtin(builtin) => Some(builtin),
            _ => None,
        }
    }

    fn builtin_value(
        &mut self,
        e: ExprId,
        builtin: Builtin,
        args: &[ExprId],
        spread: bool,
    ) -> Value {
        let at = self.at(e);
        let ty = self.body.type_of(e);
        match (builtin, args) {
            (Builtin::Len, &[x]) => Value::Len(self.operand(x)),
            (Builtin::New, &[x]) if self.body.mode(x) == Mode::Type => {
                Value::New(self.body.type_of(x))
            }
            (Builtin::New, &[x]) => {
                let elem = self.types.pointee(ty).unwrap_or(TypeId::UNKNOWN);
                self.allocate(ty, elem, at, |l| l.value(x))
            }
            (Builtin::Make, &[_, ref sizes @ ..]) => {
                let sizes = self.operands(sizes);
                let first = sizes.first().copied();
                match self.types.core(ty) {
                    Type::Map(..) => Value::MakeMap { ty, hint: first },
                    Type::Slice(_) => Value::MakeSlice {
                        ty,
                        len: first.unwrap_or(Operand::Const(Const::Int(0))),
                    },
                    Type::Chan(..) => Value::MakeChan { ty, size: first },
                    _ => Value::Unknown,
                }
            }
            (Builtin::Append, &[slice, ref elems @ ..]) => {
                let slice = self.operand(slice);
                let elems = self.operands(elems).into();
                Value::Append {
                    slice,
                    elems,
                    spread,
                }
            }
            (Builtin::Delete, &[map, key]) => {
                let map = self.place(map);
                let key = self.operand(key);
                let elem = self.elem(map, key);
                self.emit(Op::MapDelete { elem }, at);
                Value::Use(Operand::Nil)
            }
            (Builtin::Clear, &[x]) => {
                let place = self.place(x);
                let place_ty = self.places.get(place).ty;
                if self.types.is_map(place_ty) {
                    self.emit(Op::MapClear { map: place }, at);
                } else {
                    self.builtin_call(builtin, vec![Operand::Place(place)], None, at);
                }
                Value::Use(Operand::Nil)
            }
            (Builtin::Panic, args) => {
                let args = self.operands(args);
                self.builtin_call(builtin, args, None, at);
                self.end(Terminator::Diverge(Divergence::Panic), at);
                Value::Use(Operand::Nil)
            }
            (Builtin::Recover, _) => {
                self.draft().calls_recover = true;
                Value::Recover
            }
            (Builtin::Print | Builtin::Println | Builtin::Close, args) => {
                let args = self.operands(args);
                self.builtin_call(builtin, args, None, at);
                Value::Use(Operand::Nil)
            }
            (_, args) => {
                let operands = args
                    .iter()
                    .filter(|&&x| self.body.mode(x) != Mode::Type)
                    .map(|&x| self.operand(x));
                let operands = operands.collect();
                let temp = self.temp(ty, at.span);
                self.builtin_call(builtin, operands, Some(temp), at);
                Value::Use(Operand::Place(temp))
            }
        }
    }

    fn builtin_call(
        &mut self,
        builtin: Builtin,
        args: Vec<Operand>,
        result: Option<PlaceId>,
        at: At,
    ) {
        let call = Call {
            callee: Callee::Builtin(builtin),
            object: None,
            receiver: None,
            args: args.into(),
            spread: false,
            results: result.into_iter().collect(),
            deferred: None,
        };
        self.emit(Op::Call(Box::new(call)), at);
    }
}
