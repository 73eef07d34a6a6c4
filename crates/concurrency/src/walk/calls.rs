//! What calls do to locks and variables.

use super::state::State;
use super::{ALONE, Walk};
use crate::class::{ClassId, Root};
use crate::context::is_exported;
use crate::facts::{EdgeKind, FnFacts, FnRef, Ret};
use crate::library::{self, Runs, Serves};
use crate::lock::{Held, LockOp, Mode};
use crate::value::{Base, Val};
use std::rc::Rc;
use tophash_flow::{Call, Callee, FnId, FuncName, Instr, Operand, PlaceId, PlaceKind, Unit, VarId};
use tophash_syntax::ast::ExprKind;

impl Walk<'_, '_, '_> {
    pub(crate) fn call(&mut self, state: &mut State, call: &Call, instr: &Instr) {
        if let Some((op, held)) = self.lock_op(state, call, instr) {
            match op {
                LockOp::Acquire(_) => {
                    self.out_locked(held.place);
                    if held.mode == Mode::Write && !self.out.takes.contains(&held.class) {
                        self.out.takes.push(held.class);
                    }
                    state.acquire(held);
                    // `defer l.Lock(key)()`: what it returns is the unlock.
                    self.bind(state, call, 0, Some(Val::Unlock(held)));
                }
                LockOp::Release(mode) => state.release(held.class, mode, held.place),
                LockOp::Try(_) => self.bind(state, call, 0, Some(Val::Tried(held))),
            }
            return;
        }
        if let Some(Val::Unlock(held)) = self.called_value(state, call) {
            state.release(held.class, held.mode, held.place);
            return;
        }
        if let Some(name) = self.called_name(call, instr) {
            if library::waits(&name) {
                state.waited();
            } else if library::ends(&name) {
                // What callees have started may be over.
                let starts = &self.out.starts;
                state
                    .running
                    .retain(|id| !starts.iter().any(|(start, _)| start == id));
            }
        }
        let callee = match self.is_entry(call) {
            true => None,
            false => self.callee(state, call),
        };
        if let Some(callee) = callee {
            if let Callee::Closure(function) = call.callee {
                self.capture(state, function);
            }
            if let Some(facts) = self.pkg.facts(callee) {
                self.apply(state, call, callee, &facts, instr);
                return;
            }
        }
        if let Some(Runs::Apart { .. }) = self.library_runs(call, instr) {
            let serves = self.serves(call).map(|(_, serves)| serves);
            for &operand in call.args.iter() {
                self.started(state, operand, instr);
                if let Some(serves) = serves {
                    self.serving(state, operand, serves, instr);
                }
            }
        }
        let result = match call.callee {
            Callee::Static(name) => self.made_by(name),
            _ => None,
        };
        let result = result.or_else(|| self.shared_result(state, call));
        for n in 0..call.results.len() {
            let val = match n {
                0 => result.clone(),
                _ => None,
            };
            self.bind(state, call, n, val);
        }
        if let Callee::Static(name) = call.callee
            && name.package.as_str() == "maps"
            && name.name.as_str() == "Clone"
            && let Some(&place) = call.results.first()
        {
            let fresh = self.fresh(state, place);
            self.bind(state, call, 0, Some(fresh));
        }
    }

    /// When a function of another package runs functions that it is given. The methods of a
    /// type that could not be found are told by their names.
    pub(crate) fn library_runs(&mut self, call: &Call, instr: &Instr) -> Option<Runs> {
        if let Some((runs, _)) = self.serves(call) {
            return Some(runs);
        }
        match call.callee {
            Callee::Static(name) => library::runs(name),
            Callee::Unknown | Callee::Interface { .. } => {
                let name = self.called_name(call, instr)?;
                library::runs_by_name(&name)
            }
            _ => None,
        }
    }

    /// What the callee does with handlers, if it takes some.
    pub(crate) fn serves(&mut self, call: &Call) -> Option<(Runs, Serves)> {
        let name = self.full_name(call)?;
        let said = self.pkg.entries.serves(name);
        said.or_else(|| library::serves(name))
    }

    /// Whether the user says what the callee does with functions.
    pub(crate) fn is_entry(&mut self, call: &Call) -> bool {
        let name = self.full_name(call);
        name.is_some_and(|name| self.pkg.entries.serves(name).is_some())
    }

    /// The name of a declared function, or of an interface's method.
    pub(crate) fn full_name(&mut self, call: &Call) -> Option<FuncName> {
        match call.callee {
            Callee::Static(name) => Some(name),
            Callee::Interface { ty, name } => {
                let (package, receiver) = self.pkg.worker.named(ty)?;
                Some(FuncName {
                    package,
                    receiver: Some(receiver),
                    name,
                })
            }
            _ => None,
        }
    }

    /// A variable stands for another object from here on: what callees have started works on
    /// the former one.
    pub(crate) fn another(&self, state: &mut State, var: VarId) {
        let starts = &self.out.starts;
        state.running.retain(|id| {
            !starts
                .iter()
                .any(|&(start, root)| start == *id && root == Some(var))
        });
    }

    /// Methods of an object are called by other goroutines from here on.
    pub(crate) fn serving(
        &mut self,
        state: &mut State,
        operand: Operand,
        serves: Serves,
        instr: &Instr,
    ) {
        if self.methods_served(operand, serves).is_empty() {
            return;
        }
        if let Some(val) = self.operand(state, operand) {
            state.publish_val(&val);
        }
        Self::runs(state, instr);
    }

    /// The methods of an object of this package's types that are called by whoever it is
    /// given to.
    pub(crate) fn methods_served(&mut self, operand: Operand, serves: Serves) -> Vec<FnRef> {
        let (Operand::Place(place) | Operand::Addr(place)) = operand else {
            return Vec::new();
        };
        let ty = self.unit.places.get(place).ty;
        let ty = self.pkg.worker.pointee(ty).unwrap_or(ty);
        let Some((package, name)) = self.pkg.worker.named(ty) else {
            return Vec::new();
        };
        let mut methods = self.pkg.methods(package, name);
        methods.retain(|&method| {
            let unit = self.pkg.unit(method.unit).unit.clone();
            let name = unit.name.name;
            match serves {
                Serves::Http => name.as_str() == "ServeHTTP",
                Serves::Grpc => is_exported(name.as_str()) && self.has_service_form(&unit),
                Serves::Named(names) => names.contains(&name.as_str()),
                Serves::Exported => is_exported(name.as_str()),
            }
        });
        methods
    }

    /// Whether a method is one of a gRPC service: `(ctx, *Request) (*Response, error)`, or
    /// with a stream, whose type's name ends in `Server`.
    fn has_service_form(&mut self, unit: &Unit) -> bool {
        let function = unit.function(FnId::ROOT);
        let named = |walk: &mut Self, var: VarId| walk.pkg.worker.named(unit.var(var).ty);
        let (params, results) = (&function.params, function.results.len());
        match (params.first(), params.last()) {
            (Some(&first), _) if params.len() == 2 && results == 2 => named(self, first)
                .is_some_and(|(package, name)| {
                    package.as_str() == "context" && name.as_str() == "Context"
                }),
            (_, Some(&last)) if results == 1 => {
                named(self, last).is_some_and(|(_, name)| name.as_str().ends_with("Server"))
            }
            _ => false,
        }
    }

    /// An object whose lock is taken is one that others have.
    fn out_locked(&mut self, place: Option<PlaceId>) {
        if let Some(var) = place.and_then(|place| self.unit.places.root_var(place))
            && !self.out.locked.contains(&var)
        {
            self.out.locked.push(var);
        }
    }

    /// What a function whose source is not looked at returns, for locks out of a table.
    fn made_by(&mut self, name: FuncName) -> Option<Val> {
        let text = name.name.as_str();
        (text.contains("ock") || text.contains("utex")).then(|| Val::Alias {
            class: self.pkg.classes.root(Root::Made(name)),
            base: Base::Unknown,
            taken: None,
        })
    }

    fn bind(&mut self, state: &mut State, call: &Call, n: usize, val: Option<Val>) {
        let Some(&place) = call.results.get(n) else {
            return;
        };
        let PlaceKind::Var(var) = self.unit.places.get(place).kind else {
            return;
        };
        match val {
            Some(val) => {
                state.env.insert(var, val);
            }
            None => {
                state.env.remove(&var);
            }
        }
    }

    /// Another map is put into variables of a class.
    pub(crate) fn replaced(&mut self, class: ClassId) {
        if !self.out.replaces.contains(&class) {
            self.out.replaces.push(class);
        }
    }

    /// What a callee's summary says.
    fn apply(
        &mut self,
        state: &mut State,
        call: &Call,
        callee: FnRef,
        facts: &FnFacts,
        instr: &Instr,
    ) {
        for &class in &facts.releases {
            if let Some((class, _)) = self.translate(state, call, callee, class, Base::Unknown) {
                state.release(class, ALONE, None);
            }
        }
        for held in facts.acquires.iter() {
            if let Some((class, _)) = self.translate(state, call, callee, held.class, Base::Unknown)
            {
                state.acquire(Held {
                    class,
                    mode: held.mode,
                    place: None,
                });
            }
        }
        for held in facts.may_acquire.iter() {
            if let Some((class, _)) = self.translate(state, call, callee, held.class, Base::Unknown)
                && state.may.mode(class).is_none()
            {
                state.may.add(Held {
                    class,
                    mode: held.mode,
                    place: None,
                });
            }
        }
        for &param in &facts.publishes {
            if let Some(val) = self.argument(state, call, callee, param) {
                state.publish_val(&val);
            }
        }
        for &class in &facts.replaces {
            if let Some((class, _)) = self.translate(state, call, callee, class, Base::Unknown) {
                state.forget_taken(class);
                self.replaced(class);
            }
        }
        if facts.waits {
            state.waited();
        }
        if !facts.left.is_empty() {
            let root = match call.receiver {
                Some(Operand::Place(place) | Operand::Addr(place)) => {
                    self.unit.places.root_var(place)
                }
                _ => None,
            };
            let start = (instr.at.span.start, root);
            if !self.out.starts.contains(&start) {
                self.out.starts.push(start);
            }
            Self::runs(state, instr);
        }
        for inner in facts.param_calls.iter() {
            if inner.kind == EdgeKind::Spawn
                && let Some(operand) = self.argument_operand(call, callee, inner.param)
            {
                self.started(state, operand, instr);
            }
        }
        for (n, ret) in facts.returns.iter().enumerate() {
            let val = match ret {
                Ret::Unknown | Ret::Nil => None,
                Ret::Fresh => call.results.get(n).map(|&place| self.fresh(state, place)),
                Ret::Unlock(held) => self
                    .translate(state, call, callee, held.class, Base::Unknown)
                    .map(|(class, _)| {
                        Val::Unlock(Held {
                            class,
                            mode: held.mode,
                            place: None,
                        })
                    }),
                Ret::Alias(class, base, taken) => self
                    .translate(state, call, callee, *class, *base)
                    .map(|(class, base)| Val::Alias {
                        class,
                        base,
                        taken: taken.clone(),
                    }),
            };
            self.bind(state, call, n, val);
        }
    }

    /// A class and base in the words of a caller.
    pub(crate) fn translate(
        &mut self,
        state: &State,
        call: &Call,
        callee: FnRef,
        class: ClassId,
        base: Base,
    ) -> Option<(ClassId, Base)> {
        let base = match base {
            Base::Var(var) if self.belongs(callee, var) => {
                match self.argument(state, call, callee, var) {
                    Some(Val::Alias { base, .. }) => state.seen(base),
                    Some(Val::Fresh { made, .. }) => state.seen(Base::Fresh(made)),
                    _ => Base::Unknown,
                }
            }
            Base::Fresh(_) => Base::Unknown,
            base => base,
        };
        let Root::Local(unit, var) = self.pkg.classes.get(class).root else {
            return Some((class, base));
        };
        if unit != callee.unit || !self.belongs(callee, var) {
            return Some((class, base));
        }
        match self.argument(state, call, callee, var)? {
            Val::Alias { class: onto, .. } | Val::Fresh { class: onto, .. } => {
                Some((self.pkg.classes.rebase(class, onto), base))
            }
            _ => None,
        }
    }

    /// Whether a variable is a receiver or parameter of a function.
    pub(crate) fn belongs(&self, function: FnRef, var: VarId) -> bool {
        let unit = &self.pkg.unit(function.unit).unit;
        let callee = unit.function(function.function);
        callee.receiver == Some(var) || callee.params.contains(&var)
    }

    /// What a receiver or parameter gets in a call.
    pub(crate) fn argument(
        &mut self,
        state: &State,
        call: &Call,
        callee: FnRef,
        var: VarId,
    ) -> Option<Val> {
        let operand = self.argument_operand(call, callee, var)?;
        self.operand(state, operand)
    }

    pub(crate) fn argument_operand(
        &self,
        call: &Call,
        callee: FnRef,
        var: VarId,
    ) -> Option<Operand> {
        let unit = &self.pkg.unit(callee.unit).unit;
        let function = unit.function(callee.function);
        if function.receiver == Some(var) {
            return call.receiver;
        }
        let n = function.params.iter().position(|&p| p == var)?;
        if function.variadic && n + 1 == function.params.len() && !call.spread {
            return None;
        }
        call.args.get(n).copied()
    }

    /// The function of this package that is called, where there is one.
    pub(crate) fn callee(&mut self, state: &State, call: &Call) -> Option<FnRef> {
        match call.callee {
            Callee::Static(name) => self.pkg.function(name),
            Callee::Closure(function) => Some(FnRef {
                unit: self.id.unit,
                function,
            }),
            Callee::Value(_) => match self.called_value(state, call)? {
                Val::Closure(function) => Some(FnRef {
                    unit: self.id.unit,
                    function,
                }),
                Val::Func(name, None) => self.pkg.function(name),
                _ => None,
            },
            Callee::Interface { ty, name } => match self.pkg.implementations(ty, name).as_slice() {
                [only] => Some(*only),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn called_value(&mut self, state: &State, call: &Call) -> Option<Val> {
        match call.callee {
            Callee::Value(place) => self.operand(state, Operand::Place(place)),
            _ => None,
        }
    }

    /// The last name of what is called, as the source has it.
    pub(crate) fn called_name(&self, call: &Call, instr: &Instr) -> Option<Rc<str>> {
        match call.callee {
            Callee::Static(name) => Some(name.name.as_str().into()),
            Callee::Interface { name, .. } => Some(name.as_str().into()),
            Callee::Unknown => {
                let ast = &self.pkg.worker.world.file(self.unit.file).tree.ast;
                let expr = match call.deferred {
                    Some(defer) => self.function().defers[defer.index()].at.expr,
                    None => instr.at.expr,
                };
                let ExprKind::Call { fun, .. } = ast.expr(ast.unparen(expr?)).kind else {
                    return None;
                };
                match ast.expr(ast.unparen(fun)).kind {
                    ExprKind::Selector { name, .. } => Some(name.as_str().into()),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether a call takes or releases a lock, and which.
    pub(crate) fn lock_op(
        &mut self,
        state: &State,
        call: &Call,
        instr: &Instr,
    ) -> Option<(LockOp, Held)> {
        let (Operand::Addr(place) | Operand::Place(place)) = call.receiver? else {
            return None;
        };
        let name = self.called_name(call, instr)?;
        let op = LockOp::of(&name)?;
        if let Some(&key @ Operand::Place(_)) = call.args.first()
            && !self.is_context(key)
        {
            // One lock of many, by its key.
            return None;
        }
        if let Callee::Static(name) = call.callee
            && let Some(own) = self.pkg.function(name)
        {
            let facts = self.pkg.facts(own);
            let says = facts.is_some_and(|facts| {
                !facts.acquires.is_empty()
                    || !facts.releases.is_empty()
                    || !facts.may_acquire.is_empty()
            });
            if says {
                return None;
            }
        }
        let mode = match op {
            LockOp::Acquire(mode) | LockOp::Release(mode) | LockOp::Try(mode) => mode,
        };
        Some((op, self.held(state, place, mode)))
    }

    fn is_context(&mut self, operand: Operand) -> bool {
        let Operand::Place(place) = operand else {
            return false;
        };
        let named = self.pkg.worker.named(self.unit.places.get(place).ty);
        named.is_some_and(|(package, name)| {
            package.as_str() == "context" && name.as_str() == "Context"
        })
    }

    /// The lock that a path means.
    fn held(&mut self, state: &State, place: PlaceId, mode: Mode) -> Held {
        let place = self.lock_place(place);
        let (class, ..) = self.resolve(state, place);
        Held {
            class,
            mode,
            place: Some(place),
        }
    }

    /// Out of wrappers: the lock that is part of a type whose name says that it is a lock is
    /// that type's value.
    fn lock_place(&mut self, mut place: PlaceId) -> PlaceId {
        let unit = self.unit.clone();
        loop {
            match unit.places.get(place).kind {
                PlaceKind::Deref(base) => place = base,
                PlaceKind::Field { base, .. } => {
                    let owner = self.pkg.worker.named(unit.places.get(base).ty);
                    let is_lock = owner.is_some_and(|(_, name)| {
                        let name = name.as_str().to_ascii_lowercase();
                        name.ends_with("mutex") || name.ends_with("lock")
                    });
                    // A lock that is a receiver's field is the lock of that type.
                    let root = matches!(
                        unit.places.get(base).kind,
                        PlaceKind::Deref(_) | PlaceKind::Var(_)
                    );
                    if !is_lock || root {
                        return place;
                    }
                    place = base;
                }
                _ => return place,
            }
        }
    }

    /// `x.Unlock` as a value.
    pub(crate) fn unlock_value(
        &mut self,
        state: &State,
        receiver: Operand,
        name: &str,
    ) -> Option<Held> {
        let LockOp::Release(mode) = LockOp::of(name)? else {
            return None;
        };
        let (Operand::Addr(place) | Operand::Place(place)) = receiver else {
            return None;
        };
        Some(self.held(state, place, mode))
    }

    pub(crate) fn spawn(&mut self, state: &mut State, call: &Call, instr: &Instr) {
        let operands = call.receiver.into_iter().chain(call.args.iter().copied());
        for operand in operands {
            if let Some(val) = self.operand(state, operand) {
                self.publish_reached(state, &val);
            }
        }
        let callee = self.callee(state, call);
        if let Some(callee) = callee
            && callee.unit == self.id.unit
        {
            self.capture(state, callee.function);
            self.publish_captured(state, callee);
        }
        Self::runs(state, instr);
    }

    /// A function value is run in another goroutine.
    fn started(&mut self, state: &mut State, operand: Operand, instr: &Instr) {
        if let Some(val @ (Val::Closure(_) | Val::Func(..))) = self.operand(state, operand) {
            self.publish_reached(state, &val);
            Self::runs(state, instr);
        }
    }

    pub(crate) fn runs(state: &mut State, instr: &Instr) {
        let started = instr.at.span.start;
        if !state.running.contains(&started) {
            state.running.push(started);
        }
    }

    /// Others have what a closure has.
    pub(crate) fn publish_captured(&mut self, state: &mut State, closure: FnRef) {
        let unit = self.unit.clone();
        for var in &unit.function(closure.function).captures {
            if let Some(val) = state.env.get(var).cloned() {
                self.publish_reached(state, &val);
            }
        }
    }

    fn publish_reached(&mut self, state: &mut State, val: &Val) {
        state.lend_val(val);
        if let Val::Closure(function) = val {
            let unit = self.unit.clone();
            for var in &unit.function(*function).captures {
                if let Some(val) = state.env.get(var).cloned() {
                    state.lend_val(&val);
                }
            }
        }
    }
}
