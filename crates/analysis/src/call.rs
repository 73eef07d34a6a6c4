//! Calls: what callees do, as far as it is known.

use crate::engine::{Engine, NilWrite};
use crate::export;
use crate::implementations;
use crate::library::{self, Effect};
use crate::origin::OriginKind;
use crate::state::{Fact, State, Weak};
use crate::summary::{Base, Given, Left, Need, Outcome, Step, Summary, Target};
use crate::table::{self, Element, Table};
use crate::term::{Root, Site, TermKind};
use crate::value::{Address, Aggregate, Truth, Value};
use std::collections::BTreeMap;
use std::rc::Rc;
use tophash_flow::{At, Call, Callee, Const, FnId, FuncName, Operand, PlaceId};
use tophash_syntax::Symbol;
use tophash_syntax::ast::UnaryOp;
use tophash_types::{Builtin, ObjId};

/// The values that a call passes, the receiver first.
struct Args {
    values: Vec<Value>,
    operands: Vec<Operand>,
    /// The receiver was bound before: it is no part of the call.
    bound: bool,
}

/// A call being applied.
struct Binding<'b> {
    site: Site,
    at: At,
    call: &'b Call,
    args: &'b Args,
    callee: Rc<str>,
    /// The function, unless it is a closure.
    name: Option<FuncName>,
    closure: Option<FnId>,
    variadic: Option<u32>,
}

impl Binding<'_> {
    /// Whether a parameter gets its arguments one by one.
    fn is_variadic(&self, param: u32) -> bool {
        !self.call.spread && self.variadic == Some(param)
    }
}

impl Engine<'_, '_> {
    /// The states after a call; none if it never returns.
    pub(crate) fn call(&mut self, site: Site, at: At, call: &Call, mut state: State) -> Vec<State> {
        let mut args = self.args(at, call, &mut state);
        let (callee, object) = match call.callee {
            Callee::Value(place) => match self.read(&mut state, place) {
                Value::Closure(id) => (Callee::Closure(id), None),
                Value::Func(name) => (Callee::Static(name), self.worker.object(name)),
                Value::Bound(name, receiver) => {
                    args.values.insert(0, (*receiver).clone());
                    args.operands.insert(0, Operand::Place(place));
                    args.bound = true;
                    (Callee::Static(name), self.worker.object(name))
                }
                _ => (call.callee, None),
            },
            callee => (callee, call.object),
        };
        match callee {
            Callee::Closure(id) => {
                let summary = self.context.closure(self.worker, id);
                let binding = Binding {
                    site,
                    at,
                    call,
                    args: &args,
                    callee: "a closure".into(),
                    name: None,
                    closure: Some(id),
                    variadic: summary.variadic,
                };
                self.apply(&summary, &binding, state)
            }
            Callee::Static(name) => self.call_static(site, at, call, (name, object), &args, state),
            Callee::Builtin(builtin) => {
                if builtin == Builtin::Copy
                    && let Some(dst) = args.values.first()
                {
                    let dst = std::slice::from_ref(dst);
                    state.havoc_reachable(dst, site, &mut self.terms);
                }
                self.unknown_results(site, call, &mut state);
                vec![state]
            }
            Callee::Interface { name, .. } if self.is_fatal(name, call, &args, &state) => {
                Vec::new()
            }
            Callee::Interface { ty, name }
                if let Some((name, object)) =
                    implementations::only_one(self.worker, self.unit.file, ty, name) =>
            {
                self.call_static(site, at, call, (name, Some(object)), &args, state)
            }
            Callee::Interface { .. } | Callee::Value(_) | Callee::Unknown => {
                self.unseen(site, &args, &mut state);
                self.unknown_results(site, call, &mut state);
                vec![state]
            }
        }
    }

    fn args(&mut self, at: At, call: &Call, state: &mut State) -> Args {
        let operands: Vec<Operand> = call
            .receiver
            .iter()
            .chain(call.args.iter())
            .copied()
            .collect();
        let receivers = usize::from(call.receiver.is_some());
        let values = operands
            .iter()
            .enumerate()
            .map(|(n, &operand)| match (operand, n.checked_sub(receivers)) {
                (Operand::Nil, Some(arg)) => self.nil_argument(at, call, arg),
                _ => self.argument(operand, state),
            })
            .collect();
        Args {
            values,
            operands,
            bound: false,
        }
    }

    /// A `nil` that is passed. One that is passed for a map says where.
    fn nil_argument(&mut self, at: At, call: &Call, arg: usize) -> Value {
        let unit = self.function();
        if !self.worker.takes_map(&unit, call, arg) {
            return Value::Zero(None);
        }
        let method = call.receiver.is_some();
        let n = arg + usize::from(method);
        let found = crate::names::argument(self.worker.world, &unit, at.expr, method, n);
        let span = found.map_or(at.span, |(span, _)| span);
        Value::Zero(Some(self.origin(OriginKind::NilLiteral, span, None)))
    }

    /// A value that is passed. Through the address of a part without maps nothing can be
    /// reached but what that part leads to: `c.mu.Lock()` leaves the rest of `c` alone.
    fn argument(&mut self, operand: Operand, state: &mut State) -> Value {
        let Operand::Addr(place) = operand else {
            return self.operand(state, operand);
        };
        if self.worker.holds_map(self.unit.places.get(place).ty) {
            return self.operand(state, operand);
        }
        let contents = self.read(state, place);
        state.escape(&contents);
        self.write(state, place, Value::Unknown);
        Value::NonZero
    }

    fn call_static(
        &mut self,
        site: Site,
        at: At,
        call: &Call,
        (name, object): (FuncName, Option<ObjId>),
        args: &Args,
        mut state: State,
    ) -> Vec<State> {
        match library::effect(name) {
            Some(Effect::FillsMap) => {
                if !self.fills(at, args, &mut state) {
                    return Vec::new();
                }
                self.unknown_results(site, call, &mut state);
                return vec![state];
            }
            Some(Effect::ClonesMap) => {
                let value = match args.values.first() {
                    Some(value) => match state.truth(value, &self.terms) {
                        Some(Truth::Zero(_)) => {
                            Value::Zero(Some(self.origin(OriginKind::Clone, at.span, None)))
                        }
                        Some(Truth::NonZero) => Value::Made,
                        None => self.clone_of(value, site, &mut state),
                    },
                    None => Value::Unknown,
                };
                self.answer(call, value, &mut state);
                return vec![state];
            }
            Some(Effect::Pure) => {
                self.pure_results(site, call, name, args, &mut state);
                return vec![state];
            }
            Some(Effect::NonNil) => {
                for &result in &call.results {
                    self.write(&mut state, result, Value::NonZero);
                }
                return vec![state];
            }
            Some(Effect::KeepsLength) => {
                // The name of what it has the elements of is as good: what is known of it are
                // facts about its length.
                let value = match args.values.first() {
                    Some(value @ Value::Term(_)) => value.clone(),
                    Some(Value::Zero(_)) => Value::Zero(None),
                    _ => self.fresh(&mut state, site, 0),
                };
                self.answer(call, value, &mut state);
                return vec![state];
            }
            Some(Effect::Reflects) => {
                let value = match (args.values.first(), args.operands.first()) {
                    (Some(value), Some(&operand)) if self.may_reflect_nil(operand) => value.clone(),
                    _ => Value::NonZero,
                };
                self.answer(call, value, &mut state);
                return vec![state];
            }
            Some(Effect::IsReflected) => {
                let value = match args.values.first() {
                    // A map that is nil is still a map.
                    Some(Value::Zero(Some(_))) => Value::constant(Const::Bool(true)),
                    Some(x) => self.equality(&state, x, &Value::Zero(None), false),
                    None => Value::Unknown,
                };
                self.answer(call, value, &mut state);
                return vec![state];
            }
            Some(Effect::WritesReflected) => {
                if let (Some(value), Some(&Operand::Place(map))) =
                    (args.values.first(), args.operands.first())
                    && let Some(Truth::Zero(Some(origin))) = state.truth(value, &self.terms)
                {
                    self.report(&state, map, at, origin);
                    return Vec::new();
                }
                return vec![state];
            }
            Some(Effect::Runs) => {
                // Closures given are run before it returns, in any number of rounds.
                self.unseen_args(site, args, &mut state);
                self.unknown_results(site, call, &mut state);
                return vec![state];
            }
            None => {}
        }
        if self.wants_summary(call, args, &state, (name, object))
            && let Some(summary) = self.worker.summary(name, object)
            && !summary.opaque
        {
            let binding = Binding {
                site,
                at,
                call,
                args,
                callee: name.name.as_str().into(),
                name: Some(name),
                closure: None,
                variadic: summary.variadic,
            };
            return self.apply(&summary, &binding, state);
        }
        if self.is_fatal(name.name, call, args, &state) {
            return Vec::new();
        }
        if name.package == self.unit.name.package {
            self.unseen(site, args, &mut state);
        } else {
            // A package that this one imports can't reach what this one declares, but
            // through what it is given.
            self.unseen_args(site, args, &mut state);
        }
        self.pure_results(site, call, name, args, &mut state);
        self.chosen(call, name, object, state)
    }

    /// Puts the first result of a call where it goes.
    fn answer(&mut self, call: &Call, value: Value, state: &mut State) {
        if let Some(&result) = call.results.first() {
            self.write(state, result, value);
        }
    }

    /// The state after a call for each of the constants that a short function of the package
    /// chooses from, if it returns nothing else.
    fn chosen(
        &mut self,
        call: &Call,
        name: FuncName,
        object: Option<ObjId>,
        mut state: State,
    ) -> Vec<State> {
        let [place] = call.results[..] else {
            return vec![state];
        };
        if name.package != self.unit.name.package
            || !self.worker.is_number(self.unit.places.get(place).ty)
            || !self.worker.is_short(object)
        {
            return vec![state];
        }
        let Value::Term(term) = self.read(&mut state, place) else {
            return vec![state];
        };
        let Some(summary) = self.worker.summary(name, object) else {
            return vec![state];
        };
        let mut chosen: Vec<Fact> = Vec::new();
        for outcome in &summary.outcomes {
            let fact = match outcome.results.first() {
                Some(Left::Zero(None)) => Fact::Zero(None),
                Some(Left::Const(constant)) => Fact::Is(*constant),
                _ => return vec![state],
            };
            if !chosen.contains(&fact) {
                chosen.push(fact);
            }
        }
        if summary.opaque || chosen.is_empty() {
            return vec![state];
        }
        let states = chosen.into_iter().filter_map(|fact| {
            let mut state = state.clone();
            state.assume(term, fact, &self.terms).then_some(state)
        });
        states.collect()
    }

    /// Whether a value of that operand's type can be nil and says something as such: of
    /// interfaces and maps.
    fn may_reflect_nil(&mut self, operand: Operand) -> bool {
        let Operand::Place(place) = operand else {
            return false;
        };
        let ty = self.unit.places.get(place).ty;
        self.worker.is_interface(ty) || self.worker.is_map(ty)
    }

    /// A copy of a map that may be nil.
    fn clone_of(&mut self, map: &Value, site: Site, state: &mut State) -> Value {
        let clone = match map {
            Value::Term(map) => self.terms.build(TermKind::Clone(*map, site)),
            _ => None,
        };
        match clone {
            Some(clone) => self.anew(state, site, clone),
            None => self.fresh(state, site, 0),
        }
    }

    /// Whether a function that is not seen is taken not to return: one that is given an
    /// error that is not nil and gives nothing back, as `require.NoError(t, err)` and
    /// `must(err)`. Those that write logs do return.
    fn is_fatal(&mut self, name: Symbol, call: &Call, args: &Args, state: &State) -> bool {
        const LOGS: [&str; 9] = [
            "Log", "Print", "Warn", "Error", "Info", "Debug", "Trace", "Record", "Close",
        ];
        let name = name.as_str();
        call.results.is_empty()
            && !LOGS.iter().any(|log| name.starts_with(log))
            && args
                .values
                .iter()
                .zip(&args.operands)
                .any(|(value, operand)| {
                    matches!(operand, Operand::Place(place)
                    if self.worker.is_error(self.unit.places.get(*place).ty))
                        && state.truth(value, &self.terms) == Some(Truth::NonZero)
                })
    }

    /// Whether it matters to maps what a function does.
    fn wants_summary(
        &mut self,
        call: &Call,
        args: &Args,
        state: &State,
        (name, object): (FuncName, Option<ObjId>),
    ) -> bool {
        if self.worker.is_dependency(object) {
            return self.wants_dependency(call, args, state);
        }
        let result = call.results.iter().any(|&place| {
            let ty = self.unit.places.get(place).ty;
            self.worker.leads_to_map(ty)
        });
        result
            || args.values.iter().any(|value| match value {
                Value::Ref(address) => matches!(address.root, Root::Alloc(..) | Root::Var(_)),
                Value::Zero(Some(_)) | Value::Closure(_) | Value::Struct(_) => true,
                value => matches!(state.truth(value, &self.terms), Some(Truth::Zero(Some(_)))),
            })
            || name.package == self.unit.name.package
                && args.operands.iter().any(|operand| match operand {
                    Operand::Place(place) | Operand::Addr(place) => {
                        let ty = self.unit.places.get(*place).ty;
                        self.worker.leads_to_map(ty)
                    }
                    _ => false,
                })
    }

    /// The same of a function whose body is only read for this: it matters what it does to
    /// a map it is given that may be nil, and whether a map it returns is.
    fn wants_dependency(&mut self, call: &Call, args: &Args, state: &State) -> bool {
        let is_map = |engine: &mut Self, place: PlaceId| {
            let ty = engine.unit.places.get(place).ty;
            engine.worker.is_map(ty)
        };
        call.results.iter().any(|&place| is_map(self, place))
            || args
                .values
                .iter()
                .zip(&args.operands)
                .any(|(value, operand)| {
                    let map = match operand {
                        Operand::Place(place) | Operand::Addr(place) => is_map(self, *place),
                        Operand::Nil => matches!(value, Value::Zero(Some(_))),
                        Operand::Const(_) => false,
                    };
                    map && !matches!(value, Value::Ref(_))
                        && state.truth(value, &self.terms) != Some(Truth::NonZero)
                })
    }

    /// `maps.Copy(dst, src)` and the like. False if it can't succeed.
    fn fills(&mut self, at: At, args: &Args, state: &mut State) -> bool {
        let (Some(Operand::Place(map)), Some(dst)) = (args.operands.first(), args.values.first())
        else {
            return true;
        };
        let source_empty = match args.values.get(1) {
            Some(Value::Term(term)) => {
                let len = self.terms.build(TermKind::Len(*term));
                state
                    .truth(&Value::Term(*term), &self.terms)
                    .is_some_and(is_zero)
                    || len
                        .and_then(|len| state.fact(len, &self.terms))
                        .is_some_and(|fact| matches!(fact, Fact::Zero(_)))
            }
            Some(source) => state.truth(source, &self.terms).is_some_and(is_zero),
            None => false,
        };
        if source_empty {
            return true;
        }
        match state.truth(dst, &self.terms) {
            Some(Truth::Zero(Some(origin))) => {
                self.report(state, *map, at, origin);
                return false;
            }
            None => self.bare(*map, at),
            _ => {}
        }
        true
    }

    // Functions that are not seen.

    fn unseen(&mut self, site: Site, args: &Args, state: &mut State) {
        for value in &args.values {
            self.hand_over(site, state, value);
            state.escape(value);
        }
        state.havoc(site, &self.terms);
    }

    fn unseen_args(&mut self, site: Site, args: &Args, state: &mut State) {
        let calls_back = args
            .values
            .iter()
            .any(|value| matches!(value, Value::Closure(_) | Value::Func(_)));
        for value in &args.values {
            self.hand_over(site, state, value);
        }
        let reached = self.reaching(args);
        state.havoc_reachable(&reached, site, &mut self.terms);
        if calls_back {
            state.havoc(site, &self.terms);
        }
    }

    /// The arguments through which something can be changed.
    fn reaching(&mut self, args: &Args) -> Vec<Value> {
        let mut reaching = Vec::new();
        for (value, operand) in args.values.iter().zip(&args.operands) {
            let basic = match operand {
                Operand::Place(place) => self.worker.is_basic(self.unit.places.get(*place).ty),
                Operand::Addr(_) => false,
                Operand::Const(_) | Operand::Nil => true,
            };
            if !basic {
                reaching.push(value.clone());
            }
        }
        reaching
    }

    /// A closure leaves the function's hands: it may run at any time from now on.
    pub(crate) fn hand_over(&mut self, site: Site, state: &mut State, value: &Value) {
        let Value::Closure(id) = value else { return };
        let unit = self.function();
        for &var in &unit.function(*id).captures {
            let root = Root::Var(var);
            let contents = state.contents(root, &mut self.terms);
            state.escape(&contents);
            if !self.context.owner_alone_assigns(var) {
                state.escape_var(var);
                let var = Value::Ref(Address::of(root));
                state.havoc_reachable(&[var], site, &mut self.terms);
            } else {
                state.havoc_reachable(&[contents], site, &mut self.terms);
            }
        }
    }

    /// `go call`
    pub(crate) fn go(&mut self, site: Site, at: At, call: &Call, state: &mut State) {
        let args = self.args(at, call, state);
        match call.callee {
            Callee::Closure(id) => self.hand_over(site, state, &Value::Closure(id)),
            Callee::Value(place) => {
                let value = self.read(state, place);
                self.hand_over(site, state, &value);
            }
            _ => {}
        }
        for value in &args.values {
            self.hand_over(site, state, value);
        }
        let reached = self.reaching(&args);
        state.havoc_reachable(&reached, site, &mut self.terms);
    }

    fn unknown_results(&mut self, site: Site, call: &Call, state: &mut State) {
        for (n, &result) in call.results.iter().enumerate() {
            let value = self.fresh(state, site, n as u16);
            self.write(state, result, value);
        }
    }

    /// Results of a function that is taken to answer the same question in the same way:
    /// a single truth value, number or string.
    fn pure_results(
        &mut self,
        site: Site,
        call: &Call,
        name: FuncName,
        args: &Args,
        state: &mut State,
    ) {
        let [result] = call.results[..] else {
            return self.unknown_results(site, call, state);
        };
        if !self.worker.is_basic(self.unit.places.get(result).ty) {
            return self.unknown_results(site, call, state);
        }
        let terms: Option<Rc<[_]>> = args
            .values
            .iter()
            .map(|value| {
                let term = self.term_of(value)?;
                Some(self.terms.stable(term))
            })
            .collect();
        let Some(term) = terms.and_then(|terms| self.terms.build(TermKind::Call(name, terms)))
        else {
            return self.unknown_results(site, call, state);
        };
        if state.ask(site) {
            state.forget(&self.terms, |other| other == term);
        }
        self.write(state, result, Value::Term(term));
    }

    // Functions with a summary.

    fn apply(&mut self, summary: &Rc<Summary>, binding: &Binding, mut state: State) -> Vec<State> {
        if summary.opaque {
            self.unseen(binding.site, binding.args, &mut state);
            // A closure that is not understood may have written what it captures.
            if let Some(id) = binding.closure {
                self.hand_over(binding.site, &mut state, &Value::Closure(id));
            }
            self.unknown_results(binding.site, binding.call, &mut state);
            return vec![state];
        }
        // Each way of returning makes a state of its own.
        self.work += state.size() * (1 + summary.outcomes.len());
        for need in &summary.needs {
            if !self.meet(need, binding, &mut state) {
                return Vec::new();
            }
        }
        // Closures given may be kept.
        for value in &binding.args.values {
            self.hand_over(binding.site, &mut state, value);
        }
        let mut states = Vec::new();
        for outcome in &summary.outcomes {
            if self.is_told_of_failure(summary, outcome, binding) {
                continue;
            }
            let after = self.outcome(outcome, binding, &state);
            states.extend(after.map(|mut after| {
                if after.weak.is_none() && has_hidden_reason(summary, outcome) {
                    after.weak = Some(Weak::HiddenReason(self.loc(binding.at.span)));
                }
                after
            }));
        }
        states
    }

    /// Whether a callee leaves a nil behind in a way that it tells of by another result,
    /// which the caller looks at: one that is zero where it succeeds, such as an error or an
    /// answer with a code, and is not known to be here.
    fn is_told_of_failure(
        &mut self,
        summary: &Summary,
        outcome: &Outcome,
        binding: &Binding,
    ) -> bool {
        let lefts = || outcome.results.iter().chain(&outcome.objects);
        if !lefts().any(Left::has_nil) {
            return false;
        }
        let results = binding.call.results.iter().zip(&outcome.results);
        results.enumerate().any(|(n, (&place, left))| {
            let ty = self.unit.places.get(place).ty;
            let succeeds = |other: &Outcome| other.results.get(n).is_some_and(Left::is_zero);
            left.is_vague()
                && (self.worker.is_error(ty)
                    || !self.worker.holds_map(ty) && summary.outcomes.iter().any(succeeds))
                && self
                    .unit
                    .places
                    .root_var(place)
                    .is_some_and(|var| self.context.is_read(var))
        })
    }

    /// Checks a map that the callee writes. False if the call can't succeed.
    fn meet(&mut self, need: &Need, binding: &Binding, state: &mut State) -> bool {
        let mut conditional = !need.conditions.is_empty();
        for (given, fact) in &need.conditions {
            let value = self.given(given, binding, state);
            match state.truth(&value, &self.terms) {
                Some(truth) if !agrees(&value, truth, *fact) => return true,
                Some(_) => {}
                None => conditional = true,
            }
        }
        let value = self.given(&need.map, binding, state);
        let step = Step {
            at: self.loc(binding.at.span),
            function: self.name.clone(),
            callee: binding.callee.clone(),
        };
        match state.truth(&value, &self.terms) {
            Some(Truth::NonZero) => true,
            Some(Truth::Zero(origin)) => {
                // A check that found it nil says nothing of how the callee is meant to be used.
                let checked = origin.is_some_and(|origin| {
                    matches!(self.worker.origins.get(origin).kind, OriginKind::Checked)
                });
                if let (Some(origin), false) = (origin, checked) {
                    let mut via = vec![step];
                    via.extend(need.via.iter().cloned());
                    let weak = need.weak.or(state.weak);
                    let argument = match need.map {
                        Given::Param(n) => Some(self.argument_text(binding, n as usize)),
                        _ => None,
                    };
                    self.note(NilWrite {
                        write: need.write.clone(),
                        via,
                        origin,
                        weak,
                        argument,
                    });
                }
                conditional
            }
            None => {
                // That a map is written by a function of another package is as good as
                // writing it.
                if let Given::Param(n) = need.map
                    && !conditional
                    && binding
                        .name
                        .is_some_and(|name| name.package != self.unit.name.package)
                    && let Some(&Operand::Place(map)) = binding.args.operands.get(n as usize)
                {
                    self.wrote(state, map, binding.at, &value);
                    return true;
                }
                let Value::Term(term) = value else {
                    return true;
                };
                if self.gathered.is_some()
                    && need.via.len() < MAX_CHAIN
                    && let Some(map) = export::given(self, term)
                {
                    let mut via = vec![step];
                    via.extend(need.via.iter().cloned());
                    let mut conditions = export::conditions(self, state);
                    for (given, fact) in &need.conditions {
                        if let Value::Term(term) = self.given(given, binding, state)
                            && let Some(given) = export::given(self, term)
                        {
                            conditions.push((given, *fact));
                        }
                    }
                    let weak = need.weak.or(state.weak);
                    if let Some(gathered) = &mut self.gathered {
                        gathered.needs.push(Need {
                            map,
                            write: need.write.clone(),
                            via,
                            conditions,
                            weak,
                        });
                    }
                }
                true
            }
        }
    }

    fn argument_text(&self, binding: &Binding, n: usize) -> Rc<str> {
        let world = self.worker.world;
        let method = binding.call.receiver.is_some();
        let found = match (binding.args.bound, n.checked_sub(1)) {
            (true, None) => return "its receiver".into(),
            (true, Some(n)) => crate::names::argument(world, &self.unit, binding.at.expr, false, n),
            (false, _) => crate::names::argument(world, &self.unit, binding.at.expr, method, n),
        };
        match (found, binding.args.operands.get(n)) {
            (Some((_, Some(text))), _) => text,
            (_, Some(Operand::Nil)) => "nil".into(),
            (_, Some(Operand::Place(place))) => crate::names::path(&self.unit, *place).into(),
            _ => "the map".into(),
        }
    }

    /// The state after one of the ways in which a callee returns.
    fn outcome(&mut self, outcome: &Outcome, binding: &Binding, before: &State) -> Option<State> {
        let mut state = before.clone();
        if self.ran.contains(&binding.site) && !outcome.writes.is_empty() {
            // What the call left when it ran before is not what it leaves now.
            state.forget_epoch(binding.site, &self.terms);
        }
        // A nil that is only passed on, `if m == nil { return nil }`, is no news of `m`; nor
        // is what a function says of a pointer that may be nil, such as that of a getter.
        let mut passed_on = false;
        for (given, fact) in &outcome.conditions {
            let value = self.given(given, binding, &mut state);
            match value {
                Value::Term(term) => {
                    // Nor is a nil that another callee only found news of it.
                    let known = state.fact(term, &self.terms);
                    passed_on |= matches!(known, None | Some(Fact::Zero(None)))
                        && match fact {
                            // That there is no such element is news.
                            Fact::Zero(Some(_)) => !matches!(given, Given::Element(..)),
                            Fact::Zero(None) => self.is_pointer(given, binding),
                            _ => false,
                        };
                    // What the callee found holds here, too; a nil found there is no news of
                    // where it comes from.
                    let fact = match fact {
                        Fact::Zero(_) => Fact::Zero(None),
                        fact => *fact,
                    };
                    if !state.assume(term, fact, &self.terms) {
                        return None;
                    }
                }
                value => match state.truth(&value, &self.terms) {
                    Some(truth) if !agrees(&value, truth, *fact) => return None,
                    Some(_) => {}
                    None => passed_on |= matches!(fact, Fact::Zero(Some(_))),
                },
            }
        }
        if state.weak.is_none() {
            state.weak = outcome.weak;
        }
        if self.ignores_error(outcome, binding) {
            state.weak = Some(Weak::IgnoredError(self.loc(binding.at.span)));
        }
        let targets: Vec<Option<Address>> = outcome
            .writes
            .iter()
            .map(|(target, _)| self.target(target, binding, &mut state))
            .collect();
        // What is given is what it was before the call.
        let entry = state.clone();
        if !outcome.given_away.is_empty() {
            let given = outcome.given_away.iter();
            let given: Vec<Value> = given
                .map(|given| self.given(given, binding, &mut state))
                .collect();
            state.havoc_reachable(&given, binding.site, &mut self.terms);
        }
        if outcome.unseen {
            for value in &binding.args.values {
                state.escape(value);
            }
            state.havoc(binding.site, &self.terms);
        }
        for (n, _) in outcome.objects.iter().enumerate() {
            state.allocate(object(binding, n), Value::Unknown);
        }
        for (n, left) in outcome.objects.iter().enumerate() {
            let left = match passed_on {
                true => &left.without_nils(),
                false => left,
            };
            let value = self.left(left, binding, &entry, None);
            let address = Address::of(object(binding, n));
            state.store(&address, value, &mut self.terms);
        }
        for ((_, left), address) in outcome.writes.iter().zip(targets) {
            let value = self.left(left, binding, &entry, None);
            match address {
                Some(address) => {
                    let value = self.changed(value, &address, binding.site);
                    state.store(&address, value, &mut self.terms);
                }
                // Elements of a map that are not followed.
                None if matches!(left, Left::Elements { .. }) => {}
                None => {
                    state.escape(&value);
                    state.havoc(binding.site, &self.terms);
                }
            }
        }
        for (n, &result) in binding.call.results.iter().enumerate() {
            let value =
                match outcome.results.get(n) {
                    Some(Left::Zero(Some(_))) if passed_on => Value::Unknown,
                    // What is no map in a generic function may be one for its caller.
                    Some(Left::Zero(None)) if self.is_map(result) => Value::Zero(Some(
                        self.origin(OriginKind::ZeroResult, binding.at.span, None),
                    )),
                    Some(Left::Given(Given::Present(of))) => {
                        self.present(of, n as u16, binding, &mut state)
                    }
                    Some(left) => self.left(left, binding, &entry, Some(n as u16)),
                    None => Value::Unknown,
                };
            let value = match value {
                Value::Unknown => self.fresh(&mut state, binding.site, n as u16),
                known => known,
            };
            self.write(&mut state, result, value);
        }
        Some(state)
    }

    /// A value that a callee left somewhere, with a name for what is not known of it. Where it
    /// is only conditions that ask for it, it is taken to be what it was.
    fn changed(&mut self, value: Value, at: &Address, site: Site) -> Value {
        let is_vague = match &value {
            Value::Unknown => true,
            Value::Struct(aggregate) => aggregate.rest == Value::Unknown,
            _ => false,
        };
        if !is_vague {
            return value;
        }
        let before = self.terms.build(TermKind::Contents(at.root));
        let Some(before) = before else { return value };
        let Some(after) = self.terms.build(TermKind::Havoc(site, before)) else {
            return value;
        };
        let name = Value::Term(after).project_path(&at.path, &mut self.terms);
        match value {
            Value::Struct(aggregate) => Value::Struct(Rc::new(Aggregate {
                rest: name,
                fields: aggregate.fields.clone(),
            })),
            _ => name,
        }
    }

    /// What a callee found in a map that it was given: if that is anything, the map is not nil.
    fn present(&mut self, map: &Given, n: u16, binding: &Binding, state: &mut State) -> Value {
        let term = match self.given(map, binding, state) {
            Value::Zero(_) => return Value::Zero(None),
            Value::Term(map) => self.terms.build(TermKind::Element(map, binding.site, n)),
            _ => None,
        };
        match term {
            Some(term) => self.anew(state, binding.site, term),
            None => Value::Unknown,
        }
    }

    /// Whether a value that a function is given is a pointer that is passed as it is.
    fn is_pointer(&mut self, given: &Given, binding: &Binding) -> bool {
        let Given::Param(n) = given else { return false };
        match binding.args.operands.get(*n as usize) {
            Some(Operand::Place(place)) => {
                let ty = self.unit.places.get(*place).ty;
                self.worker.pointee(ty).is_some()
            }
            _ => false,
        }
    }

    /// Whether a callee returns an error that the caller never looks at.
    fn ignores_error(&mut self, outcome: &Outcome, binding: &Binding) -> bool {
        let results = binding.call.results.iter().zip(&outcome.results);
        for (&place, left) in results {
            if matches!(left, Left::NonZero | Left::New(..))
                && self.worker.is_error(self.unit.places.get(place).ty)
                && let Some(var) = self.unit.places.root_var(place)
                && !self.context.is_read(var)
            {
                return true;
            }
        }
        false
    }

    fn target(&mut self, target: &Target, binding: &Binding, state: &mut State) -> Option<Address> {
        let mut address = match &target.base {
            Base::Var(var) => Address::of(Root::Var(*var)),
            Base::Global(package, name) => Address::of(Root::Global(*package, *name)),
            Base::Pointee(given) => match self.given(given, binding, state) {
                Value::Ref(address) => address,
                Value::Term(term) => Address::of(Root::Pointee(term)),
                _ => return None,
            },
        };
        address.path.extend(target.path.iter().copied());
        Some(address)
    }

    /// What a value that a function is given is at a call.
    fn given(&mut self, given: &Given, binding: &Binding, state: &mut State) -> Value {
        let build = |engine: &mut Self, kind: TermKind| {
            engine.terms.build(kind).map_or(Value::Unknown, Value::Term)
        };
        match given {
            Given::Param(n) => binding
                .args
                .values
                .get(*n as usize)
                .filter(|_| !binding.is_variadic(*n))
                .cloned()
                .unwrap_or(Value::Unknown),
            Given::Var(var) => state.contents(Root::Var(*var), &mut self.terms),
            Given::Global(package, name) => {
                state.contents(Root::Global(*package, *name), &mut self.terms)
            }
            Given::Deref(of) => match self.given(of, binding, state) {
                Value::Ref(address) => state.load(&address, &mut self.terms),
                Value::Term(term) => state.contents(Root::Pointee(term), &mut self.terms),
                _ => Value::Unknown,
            },
            Given::Field(of, index) => self
                .given(of, binding, state)
                .project(*index, &mut self.terms),
            Given::Element(of, key) => {
                // A key that the callee finds out may be one that it found in the map.
                let Some(key) = key else {
                    return Value::Unknown;
                };
                let map = self.given(of, binding, state);
                let key = self.given(key, binding, state);
                let key = table::key_term(&key, &mut self.terms);
                let Some((_, table)) = state.table(&map, &mut self.terms) else {
                    return Value::Unknown;
                };
                match table.read(key, &self.terms) {
                    Element::Is(value) => value,
                    Element::Absent => {
                        let kind = OriginKind::MissingElement;
                        Value::Zero(Some(self.origin(kind, binding.at.span, None)))
                    }
                    Element::Unknown(Some(kind)) => build(self, kind),
                    Element::Unknown(None) => Value::Unknown,
                }
            }
            Given::Present(of) => match self.given(of, binding, state) {
                Value::Zero(_) => Value::Zero(None),
                _ => Value::Unknown,
            },
            Given::Len(of) if matches!(**of, Given::Param(n) if binding.is_variadic(n)) => {
                let Given::Param(n) = **of else {
                    return Value::Unknown;
                };
                let count = binding.args.values.len().saturating_sub(n as usize);
                Value::constant(Const::Int(count as i64))
            }
            Given::Len(of) => match self.given(of, binding, state) {
                Value::Zero(_) => Value::Zero(None),
                Value::Term(term) => build(self, TermKind::Len(term)),
                _ => Value::Unknown,
            },
            Given::Equal(x, y) => {
                let (x, y) = (self.given(x, binding, state), self.given(y, binding, state));
                self.equality(state, &x, &y, true)
            }
            Given::Binary(op, x, y) => {
                let (x, y) = (self.given(x, binding, state), self.given(y, binding, state));
                self.binary(*op, &x, &y)
            }
            Given::Unary(op, x) => {
                let x = self.given(x, binding, state);
                match (op, state.truth(&x, &self.terms), self.term_of(&x)) {
                    (UnaryOp::Not, Some(Truth::Zero(_)), _) => Value::NonZero,
                    (UnaryOp::Not, Some(Truth::NonZero), _) => Value::Zero(None),
                    (op, _, Some(x)) => build(self, TermKind::Unary(*op, x)),
                    _ => Value::Unknown,
                }
            }
            Given::HasType(x, ty) => match self.given(x, binding, state) {
                Value::Zero(_) => Value::Zero(None),
                Value::Term(term) => build(self, TermKind::HasType(term, *ty)),
                _ => Value::Unknown,
            },
            Given::Call(name, args) => {
                let args = args.iter().map(|arg| {
                    let value = self.given(arg, binding, state);
                    let term = self.term_of(&value)?;
                    Some(self.terms.stable(term))
                });
                match args.collect::<Option<_>>() {
                    Some(args) => build(self, TermKind::Call(*name, args)),
                    None => Value::Unknown,
                }
            }
            Given::Const(constant) => Value::constant(*constant),
        }
    }

    /// A value that a callee left behind.
    fn left(
        &mut self,
        left: &Left,
        binding: &Binding,
        entry: &State,
        result: Option<u16>,
    ) -> Value {
        match left {
            Left::Unknown => Value::Unknown,
            Left::Zero(None) => Value::Zero(None),
            Left::Zero(Some(origin)) => match (binding.name, result) {
                (Some(name), Some(_)) => {
                    let kind = OriginKind::Returned(name, *origin);
                    Value::Zero(Some(self.origin(kind, binding.at.span, None)))
                }
                _ => Value::Zero(Some(*origin)),
            },
            Left::Made => Value::Made,
            Left::NonZero => Value::NonZero,
            Left::Const(constant) => Value::Const(*constant),
            Left::Given(given) => self.given(given, binding, &mut entry.clone()),
            Left::New(n, path) => Value::Ref(Address {
                root: object(binding, *n as usize),
                path: path.clone(),
            }),
            Left::Address(target) => match self.target(target, binding, &mut entry.clone()) {
                Some(address) => Value::Ref(address),
                None => Value::NonZero,
            },
            Left::Elements { empty } => Value::Table(Rc::new(match empty {
                true => Table::empty(),
                false => Table::default(),
            })),
            Left::Struct(rest, fields) => {
                let rest = self.left(rest, binding, entry, None);
                let fields: BTreeMap<u32, Value> = fields
                    .iter()
                    .map(|(index, left)| (*index, self.left(left, binding, entry, None)))
                    .collect();
                Value::Struct(Rc::new(Aggregate { rest, fields }))
            }
        }
    }
}

/// Longest chain of calls from a function to a write it is told of.
const MAX_CHAIN: usize = 6;

fn object(binding: &Binding, n: usize) -> Root {
    Root::Alloc(binding.site, n as u16 + 1)
}

/// Whether a function returns a nil map, and a map on other ways, and what it was given does
/// not tell which.
fn has_hidden_reason(summary: &Summary, outcome: &Outcome) -> bool {
    let is_nil = |left: &Left| matches!(left, Left::Zero(Some(_)));
    outcome.conditions.is_empty()
        && outcome.results.iter().enumerate().any(|(n, left)| {
            is_nil(left)
                && summary
                    .outcomes
                    .iter()
                    .any(|other| other.results.get(n).is_some_and(|left| !is_nil(left)))
        })
}

fn is_zero(truth: Truth) -> bool {
    matches!(truth, Truth::Zero(_))
}

/// Whether what is known of a value fits a fact.
fn agrees(value: &Value, truth: Truth, fact: Fact) -> bool {
    match (truth, fact) {
        (Truth::Zero(_), Fact::Zero(_)) => true,
        (Truth::Zero(_), _) | (Truth::NonZero, Fact::Zero(_)) => false,
        (Truth::NonZero, Fact::Is(constant)) => match value {
            Value::Const(known) => *known == constant,
            _ => true,
        },
        (Truth::NonZero, _) => true,
    }
}
