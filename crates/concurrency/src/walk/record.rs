//! What instructions do to maps, and whom they call.

use super::Walk;
use super::state::State;
use crate::class::{ClassId, Root, Step};
use crate::facts::{
    Access, AccessKind, Argument, Edge, EdgeKind, Escape, EscapeKind, FnFacts, FnRef, Locks,
    ParamCall,
};
use crate::library::{self, Runs, Serves, Use};
use crate::value::{Base, Taken, Val};
use std::rc::Rc;
use tophash_analysis::names;
use tophash_flow::{
    At, Block, BlockId, Call, Callee, FuncName, Instr, Op, Operand, PlaceId, PlaceKind, RangeOver,
    Terminator, Value,
};
use tophash_syntax::Symbol;
use tophash_types::{Builtin, Type, TypeId};

/// Structs in structs are looked into this far for maps that are printed or encoded.
const WALK_DEPTH: usize = 2;
/// Of one callee no more uses of its parameters are told to a caller.
const MAX_INNER: usize = 64;

impl Walk<'_, '_, '_> {
    pub(crate) fn record(&mut self, state: &State, instr: &Instr, block: BlockId) {
        self.block = block;
        let unit = self.unit.clone();
        let map_of = |elem: PlaceId| match unit.places.get(elem).kind {
            PlaceKind::MapElem { map, .. } => Some(map),
            _ => None,
        };
        match &instr.op {
            Op::MapWrite { elem, value, .. } => {
                if let Some(map) = map_of(*elem) {
                    self.access(state, map, AccessKind::Write, instr.at);
                }
                self.kept(state, *value, instr.at);
            }
            Op::MapDelete { elem } => {
                if let Some(map) = map_of(*elem) {
                    self.access(state, map, AccessKind::Delete, instr.at);
                }
            }
            Op::MapClear { map } => self.access(state, *map, AccessKind::Delete, instr.at),
            Op::Assign { dst, value, .. } => {
                match value {
                    Value::MapRead { elem } => {
                        if let Some(map) = map_of(*elem) {
                            self.access(state, map, AccessKind::Read, instr.at);
                        }
                    }
                    Value::Len(Operand::Place(x))
                        if self.pkg.worker.is_map(unit.places.get(*x).ty) =>
                    {
                        self.access(state, *x, AccessKind::Len, instr.at);
                    }
                    Value::StructLit { ty, fields } => {
                        let named = self.pkg.worker.named(*ty);
                        let serves = named.and_then(|(package, name)| {
                            library::literal_serves(package.as_str(), name.as_str())
                        });
                        let before = self.out.edges.len();
                        for (_, operand) in fields {
                            match serves {
                                Some((Runs::Apart { many }, serves)) => {
                                    if !many
                                        && let Some((to, _)) = self.function_of(state, *operand)
                                    {
                                        self.out.informer_handlers.push(to);
                                    }
                                    let (kind, locks) = (EdgeKind::Spawn, Locks::default());
                                    self.handed(state, *operand, kind, instr.at, locks, many);
                                    self.served(state, *operand, serves, instr.at, many);
                                }
                                _ => self.kept(state, *operand, instr.at),
                            }
                        }
                        self.registered(before);
                        self.in_result(state, value, instr);
                    }
                    Value::ListLit { elems, .. } => {
                        elems.iter().for_each(|&e| self.kept(state, e, instr.at));
                    }
                    Value::MapLit { entries, .. } => {
                        entries
                            .iter()
                            .for_each(|&(_, e)| self.kept(state, e, instr.at));
                    }
                    Value::Append { elems, .. } => {
                        elems.iter().for_each(|&e| self.kept(state, e, instr.at));
                    }
                    Value::Use(operand)
                        if !matches!(unit.places.get(*dst).kind, PlaceKind::Var(_)) =>
                    {
                        self.kept(state, *operand, instr.at);
                    }
                    _ => {}
                }
                if !matches!(unit.places.get(*dst).kind, PlaceKind::Var(_))
                    && self.pkg.worker.is_map(unit.places.get(*dst).ty)
                {
                    self.access(state, *dst, AccessKind::Replace, instr.at);
                }
            }
            Op::NoCase { .. } => {}
            Op::Send { value, .. } => {
                self.kept(state, *value, instr.at);
                if let Operand::Place(place) = value
                    && self.pkg.worker.is_map(unit.places.get(*place).ty)
                {
                    self.escape(state, *place, EscapeKind::Sent, instr.at);
                }
            }
            Op::Call(call) => self.record_call(state, call, instr),
            Op::Go(call) => {
                let mut after = state.clone();
                self.spawn(&mut after, call, instr);
                if let Some(callee) = self.callee(state, call) {
                    let locks = Locks::default();
                    self.edge_to(
                        &after,
                        callee,
                        EdgeKind::Spawn,
                        Some(call),
                        instr.at,
                        locks,
                        false,
                    );
                    self.calls_of_closure(state, callee, EdgeKind::Spawn);
                }
                for (n, &operand) in call.args.iter().enumerate() {
                    let called = self.library_runs(call, instr) == Some(Runs::Now)
                        || self.is_called(state, call, n);
                    let kind = match called {
                        true => EdgeKind::Spawn,
                        false => EdgeKind::Kept,
                    };
                    let locks = Locks::default();
                    self.handed(&after, operand, kind, instr.at, locks, false);
                }
            }
            Op::Declare(_) | Op::Defer(_) => {}
        }
    }

    pub(crate) fn record_end(&mut self, state: &State, block: &Block) {
        let unit = self.unit.clone();
        match &block.end {
            Terminator::Range(next) => {
                if let (RangeOver::Map, Operand::Place(x)) = (next.over, next.x) {
                    self.access(state, x, AccessKind::Iterate, block.end_at);
                }
            }
            Terminator::Return => {
                let function = unit.function(self.id.function);
                for &result in &function.results {
                    let var = unit.var(result);
                    match state.env.get(&result) {
                        Some(Val::Closure(_) | Val::Func(..)) => {
                            self.kept(state, Operand::Place(var.place), block.end_at);
                        }
                        Some(Val::Alias { .. }) if self.pkg.worker.is_map(var.ty) => {
                            self.escape(state, var.place, EscapeKind::Returned, block.end_at);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn access(&mut self, state: &State, map: PlaceId, kind: AccessKind, at: At) {
        let (class, base, taken) = self.resolve(state, map);
        let unit = self.unit.clone();
        let text = match at.expr {
            Some(_) => names::map(self.pkg.worker.world, &unit, at.expr, map),
            None => names::path(&unit, map).into(),
        };
        self.push(state, class, base, taken, kind, at, text);
        self.rooted(map);
        self.access_misuse(state, map, kind);
    }

    fn rooted(&mut self, map: PlaceId) {
        if let Some(access) = self.out.accesses.last_mut() {
            access.root = self.unit.places.root_var(map);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn push(
        &mut self,
        state: &State,
        class: ClassId,
        base: Base,
        taken: Option<Rc<Taken>>,
        kind: AccessKind,
        at: At,
        text: Rc<str>,
    ) {
        let access = Access {
            class,
            base,
            root: None,
            kind,
            at: self.loc(at.span),
            inner: None,
            func: self.id,
            locks: state.locks(),
            taken,
            filling: state.filling.contains(&class),
            text,
            running: state.running.clone(),
        };
        self.out.accesses.push(access);
    }

    fn escape(&mut self, state: &State, map: PlaceId, kind: EscapeKind, at: At) {
        let (class, base, taken) = self.resolve(state, map);
        if let Base::Fresh(_) | Base::Unknown = base {
            return;
        }
        let escape = Escape {
            taken,
            class,
            base,
            at: self.loc(at.span),
            func: self.id,
            kind,
            locks: state.locks(),
            text: names::path(&self.unit, map).into(),
        };
        self.out.escapes.push(escape);
    }

    /// Maps that a struct literal takes over, where the function returns such a struct.
    fn in_result(&mut self, state: &State, value: &Value, instr: &Instr) {
        let Value::StructLit { ty, fields } = value else {
            return;
        };
        let unit = self.unit.clone();
        let Some(made) = self.pkg.worker.named(*ty) else {
            return;
        };
        let function = unit.function(self.id.function);
        let returned = function.results.iter().any(|&result| {
            let ty = unit.var(result).ty;
            let ty = self.pkg.worker.pointee(ty).unwrap_or(ty);
            self.pkg.worker.named(ty) == Some(made)
        });
        if !returned {
            return;
        }
        for (_, operand) in fields {
            if let Operand::Place(place) = operand
                && self.pkg.worker.is_map(unit.places.get(*place).ty)
            {
                self.escape(state, *place, EscapeKind::InResult, instr.at);
            }
        }
    }

    fn record_call(&mut self, state: &State, call: &Call, instr: &Instr) {
        if self.lock_op(state, call, instr).is_some() {
            return;
        }
        if let Some(name) = self.called_name(call, instr) {
            self.out.waits |= library::waits(&name);
            let alone = call.args.is_empty() && call.receiver.is_some();
            self.out.parallel |= alone && &*name == "Parallel" && self.pkg.is_test(self.id);
        }
        if let Callee::Builtin(Builtin::Print | Builtin::Println) = call.callee {
            return;
        }
        let callee = match self.is_entry(call) {
            true => None,
            false => self.callee(state, call),
        };
        if let Some(callee) = callee {
            self.edge_to(
                state,
                callee,
                EdgeKind::Call,
                Some(call),
                instr.at,
                state.locks(),
                false,
            );
            self.calls_of_closure(state, callee, EdgeKind::Call);
            if let Some(facts) = self.pkg.facts(callee) {
                self.inner(state, call, callee, &facts, instr.at);
                for n in 0..call.args.len() {
                    self.argument_function(state, call, callee, &facts, n, instr.at);
                }
            }
            return;
        }
        match call.callee {
            Callee::Interface { ty, name } => {
                for method in self.pkg.implementations(ty, name) {
                    let locks = state.locks();
                    self.edge_to(
                        state,
                        method,
                        EdgeKind::Maybe,
                        Some(call),
                        instr.at,
                        locks,
                        false,
                    );
                }
                if matches!(name.as_str(), "Encode" | "Marshal") {
                    self.walks(state, call, instr.at);
                }
            }
            Callee::Value(place) => self.param_call(state, call, place),
            Callee::Static(name) => self.library_call(state, call, name, instr.at),
            _ => {}
        }
        self.arguments(state, call, instr);
    }

    /// Whether the callee calls its argument of that number.
    fn is_called(&mut self, state: &State, call: &Call, n: usize) -> bool {
        let Some(callee) = self.callee(state, call) else {
            return false;
        };
        let unit = self.pkg.unit(callee.unit).unit.clone();
        let param = unit.function(callee.function).params.get(n).copied();
        let facts = self.pkg.facts(callee);
        facts.is_some_and(|facts| {
            facts
                .param_calls
                .iter()
                .any(|call| Some(call.param) == param)
        })
    }

    /// A function value is called: if it is a parameter, callers want to know.
    fn param_call(&mut self, state: &State, call: &Call, place: PlaceId) {
        if let PlaceKind::Var(var) = self.unit.places.get(place).kind
            && self
                .unit
                .function(tophash_flow::FnId::ROOT)
                .params
                .contains(&var)
        {
            let kind = match self.unit.var(var).owner == self.id.function {
                true => EdgeKind::Call,
                false => EdgeKind::Handed,
            };
            let args = call.args.iter().enumerate();
            let args = args
                .filter_map(|(n, &operand)| match self.operand(state, operand)? {
                    Val::Alias { class, base, .. } => Some((n, class, state.seen(base))),
                    _ => None,
                })
                .collect();
            self.out.param_calls.push(ParamCall {
                param: var,
                kind,
                locks: state.locks(),
                many: false,
                args,
            });
        }
    }

    /// A closure calls functions that are parameters of the function around it: what that
    /// means for those who pass them, if the closure is run as `kind` says.
    fn calls_of_closure(&mut self, state: &State, closure: FnRef, kind: EdgeKind) {
        if closure.unit != self.id.unit || closure.function == tophash_flow::FnId::ROOT {
            return;
        }
        let Some(facts) = self.pkg.facts(closure) else {
            return;
        };
        for inner in &facts.param_calls {
            if self.unit.var(inner.param).owner == closure.function {
                continue;
            }
            let (kind, locks) = match (kind, inner.kind) {
                (EdgeKind::Spawn, _) | (_, EdgeKind::Spawn) => (EdgeKind::Spawn, Locks::default()),
                (_, EdgeKind::Kept) => (EdgeKind::Kept, Locks::default()),
                _ => {
                    let mut locks = state.locks();
                    locks.must = locks.must.without(&inner.locks.released);
                    locks.must.add_all(&inner.locks.must);
                    locks.may.add_all(&inner.locks.may);
                    (kind, locks)
                }
            };
            self.out.param_calls.push(ParamCall {
                param: inner.param,
                kind,
                locks,
                many: inner.many,
                args: Vec::new(),
            });
        }
    }

    fn library_call(&mut self, state: &State, call: &Call, name: FuncName, at: At) {
        if let Some(used) = library::map_use(name) {
            match used {
                Use::Receiver(kind) => {
                    if let Some(Operand::Place(map)) = call.receiver {
                        self.map_argument(state, map, kind, at);
                    }
                }
                Use::Arg(n, kind) => {
                    if let Some(Operand::Place(map)) = call.args.get(n) {
                        self.map_argument(state, *map, kind, at);
                    }
                }
                Use::Copies => {
                    for (operand, kind) in call
                        .args
                        .iter()
                        .zip([AccessKind::Write, AccessKind::Iterate])
                    {
                        if let Operand::Place(map) = operand {
                            self.map_argument(state, *map, kind, at);
                        }
                    }
                }
                Use::Walks => self.walks(state, call, at),
            }
        }
        if name.package.as_str() == "container/heap" {
            self.heap_call(state, call, at);
        }
    }

    /// Functions among the arguments of a call into another package.
    fn arguments(&mut self, state: &State, call: &Call, instr: &Instr) {
        let (kind, locks, many) = match self.library_runs(call, instr) {
            Some(Runs::Now) => (EdgeKind::Call, state.locks(), false),
            Some(Runs::Apart { many }) => (EdgeKind::Spawn, Locks::default(), many),
            Some(Runs::Once) => (EdgeKind::Once, state.locks(), false),
            None => (EdgeKind::Handed, state.locks(), false),
        };
        let before = self.out.edges.len();
        let serves = self.serves(call).map(|(_, serves)| serves);
        for operand in call.args.iter() {
            if let Some(serves) = serves {
                self.served(state, *operand, serves, instr.at, many);
            }
            match kind == EdgeKind::Call && self.is_parallel(state, *operand) {
                true => {
                    let (kind, locks) = (EdgeKind::Spawn, Locks::default());
                    self.handed(state, *operand, kind, instr.at, locks, many);
                }
                false => self.handed(state, *operand, kind, instr.at, locks.clone(), many),
            }
        }
        if serves.is_some() && !self.is_entry(call) {
            self.registered(before);
        }
    }

    /// What was recorded since is only made known to a server here.
    fn registered(&mut self, since: usize) {
        for edge in &mut self.out.edges[since..] {
            edge.registered = edge.kind == EdgeKind::Spawn;
        }
    }

    /// Whether a function is a test that goes on beside others.
    fn is_parallel(&mut self, state: &State, operand: Operand) -> bool {
        if !self.pkg.is_test(self.id) {
            return false;
        }
        let function = self.function_of(state, operand);
        let facts = function.and_then(|(function, _)| self.pkg.facts(function));
        facts.is_some_and(|facts| facts.parallel)
    }

    fn map_argument(&mut self, state: &State, map: PlaceId, kind: AccessKind, at: At) {
        if !self.pkg.worker.is_map(self.unit.places.get(map).ty) {
            return;
        }
        let (class, base, taken) = self.resolve(state, map);
        let text = names::path(&self.unit, map).into();
        self.push(state, class, base, taken, kind, at, text);
        self.rooted(map);
    }

    /// All maps in the arguments are ranged over.
    fn walks(&mut self, state: &State, call: &Call, at: At) {
        for operand in call.args.iter() {
            let (Operand::Place(place) | Operand::Addr(place)) = *operand else {
                continue;
            };
            let ty = self.unit.places.get(place).ty;
            if self.pkg.worker.is_map(ty) {
                self.map_argument(state, place, AccessKind::Iterate, at);
                continue;
            }
            let ty = self.pkg.worker.pointee(ty).unwrap_or(ty);
            let (_, base, taken) = self.resolve(state, place);
            if let Base::Fresh(_) | Base::Unknown = base {
                continue;
            }
            let text = names::path(&self.unit, place);
            self.walk_struct(state, ty, base, taken, &text, at, WALK_DEPTH);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn walk_struct(
        &mut self,
        state: &State,
        ty: TypeId,
        base: Base,
        taken: Option<Rc<Taken>>,
        text: &str,
        at: At,
        depth: usize,
    ) {
        let Some(class) = self.struct_class(ty) else {
            return;
        };
        let under = self.pkg.worker.checker.underlying(ty);
        let Type::Struct(fields) = self.pkg.worker.checker.ty(under).clone() else {
            return;
        };
        if self.pkg.has_own_text(ty) {
            return;
        }
        for &field in fields.fields.iter() {
            let name = self.pkg.worker.checker.object(field).name;
            let exported = name.as_str().chars().next().is_some_and(char::is_uppercase);
            if !exported {
                continue;
            }
            let field_ty = self.pkg.worker.checker.type_of(field);
            if self.pkg.worker.is_map(field_ty) {
                let class = self.pkg.classes.step(class, Step::Field(name));
                let text = format!("{text}.{name}").into();
                self.push(
                    state,
                    class,
                    base,
                    taken.clone(),
                    AccessKind::Iterate,
                    at,
                    text,
                );
            } else if depth > 0 {
                let text = format!("{text}.{name}");
                self.walk_struct(state, field_ty, base, taken.clone(), &text, at, depth - 1);
            }
        }
    }

    /// `heap.Push(h, x)` calls methods of `h`.
    fn heap_call(&mut self, state: &State, call: &Call, at: At) {
        let Some(Operand::Place(heap) | Operand::Addr(heap)) = call.args.first().copied() else {
            return;
        };
        let ty = self.unit.places.get(heap).ty;
        let ty = self.pkg.worker.pointee(ty).unwrap_or(ty);
        let Some((package, receiver)) = self.pkg.worker.named(ty) else {
            return;
        };
        for method in ["Len", "Less", "Swap", "Push", "Pop"] {
            let name = FuncName {
                package,
                receiver: Some(receiver),
                name: Symbol::new(method),
            };
            if let Some(callee) = self.pkg.function(name) {
                let locks = state.locks();
                self.edge_to(state, callee, EdgeKind::Call, None, at, locks, false);
            }
        }
    }

    /// What a callee does to maps that are its parameters.
    fn inner(&mut self, state: &State, call: &Call, callee: FnRef, facts: &FnFacts, at: At) {
        let name: Rc<str> = match call.callee {
            Callee::Static(name) => name.name.as_str().into(),
            _ => "the function".into(),
        };
        for access in facts.accesses.iter().take(MAX_INNER) {
            let Root::Local(unit, var) = self.pkg.classes.get(access.class).root else {
                continue;
            };
            if unit != callee.unit || !self.belongs(callee, var) {
                continue;
            }
            let Some((class, base)) =
                self.translate(state, call, callee, access.class, Base::Var(var))
            else {
                continue;
            };
            let taken = match self.argument(state, call, callee, var) {
                Some(Val::Alias { taken, .. }) => taken,
                _ => None,
            };
            let text = match self.argument_operand(call, callee, var) {
                Some(Operand::Place(place) | Operand::Addr(place)) => {
                    names::path(&self.unit, place).into()
                }
                _ => access.text.clone(),
            };
            let mut locks = state.locks();
            locks.must = locks.must.without(&access.locks.released);
            locks.must.add_all(&access.locks.must);
            locks.may.add_all(&access.locks.may);
            let inner = match &access.inner {
                Some(inner) => inner.clone(),
                None => (access.at, name.clone()),
            };
            self.out.accesses.push(Access {
                class,
                base,
                root: match self.argument_operand(call, callee, var) {
                    Some(Operand::Place(place) | Operand::Addr(place)) => {
                        self.unit.places.root_var(place)
                    }
                    _ => None,
                },
                kind: access.kind,
                at: self.loc(at.span),
                inner: Some(inner),
                func: self.id,
                locks,
                taken,
                filling: state.filling.contains(&class),
                text,
                running: state.running.clone(),
            });
        }
    }

    /// An argument that is a function: called by the callee, or kept.
    fn argument_function(
        &mut self,
        state: &State,
        call: &Call,
        callee: FnRef,
        facts: &FnFacts,
        n: usize,
        at: At,
    ) {
        let Some(&operand) = call.args.get(n) else {
            return;
        };
        if self.function_of(state, operand).is_none() && !self.is_own_parameter(operand) {
            return;
        }
        let unit = self.pkg.unit(callee.unit).unit.clone();
        let param = unit.function(callee.function).params.get(n).copied();
        let calls: Vec<ParamCall> = facts
            .param_calls
            .iter()
            .filter(|call| Some(call.param) == param)
            .cloned()
            .collect();
        if calls.is_empty() {
            self.handed(state, operand, EdgeKind::Kept, at, state.locks(), false);
        }
        for inner in calls {
            let locks = match inner.kind {
                EdgeKind::Spawn => Locks::default(),
                _ => {
                    let mut locks = state.locks();
                    locks.must = locks.must.without(&inner.locks.released);
                    locks.must.add_all(&inner.locks.must);
                    locks.may.add_all(&inner.locks.may);
                    locks
                }
            };
            if inner.kind == EdgeKind::Call {
                self.given_maps(state, call, callee, &inner, operand, &locks);
            }
            let before = self.out.edges.len();
            self.handed(state, operand, inner.kind, at, locks, inner.many);
            for edge in &mut self.out.edges[before..] {
                edge.indirect = inner.kind == EdgeKind::Spawn;
            }
        }
    }

    /// What a function literal does to maps that the callee gives it: the maps are the
    /// callee's, and so are the locks.
    fn given_maps(
        &mut self,
        state: &State,
        call: &Call,
        callee: FnRef,
        inner: &ParamCall,
        operand: Operand,
        locks: &Locks,
    ) {
        let Some((literal, _)) = self.function_of(state, operand) else {
            return;
        };
        if literal.unit != self.id.unit || inner.args.is_empty() {
            return;
        }
        let Some(facts) = self.pkg.facts(literal) else {
            return;
        };
        let unit = self.unit.clone();
        let params = &unit.function(literal.function).params;
        for access in &facts.accesses {
            let Root::Local(of, var) = self.pkg.classes.get(access.class).root else {
                continue;
            };
            let given = inner
                .args
                .iter()
                .find(|(n, ..)| params.get(*n) == Some(&var));
            let Some(&(_, class, base)) = given.filter(|_| of == literal.unit) else {
                continue;
            };
            let Some((onto, base)) = self.translate(state, call, callee, class, base) else {
                continue;
            };
            let mut access = access.clone();
            access.class = self.pkg.classes.rebase(access.class, onto);
            access.base = base;
            access.root = None;
            access.func = self.id;
            let mut held = locks.clone();
            // Paths of the callee say nothing here.
            held.must = held.must.without(&access.locks.released).without_places();
            held.must.add_all(&access.locks.must);
            held.may = held.may.without_places();
            held.may.add_all(&access.locks.may);
            access.locks = held;
            self.out.accesses.push(access);
        }
    }

    /// Whether an operand is a parameter of the declared function.
    fn is_own_parameter(&self, operand: Operand) -> bool {
        let Operand::Place(place) = operand else {
            return false;
        };
        let root = self.unit.function(tophash_flow::FnId::ROOT);
        matches!(self.unit.places.get(place).kind, PlaceKind::Var(var) if root.params.contains(&var))
    }

    /// A function value goes where it can be called later.
    fn kept(&mut self, state: &State, operand: Operand, at: At) {
        self.handed(state, operand, EdgeKind::Kept, at, state.locks(), false);
    }

    fn handed(
        &mut self,
        state: &State,
        operand: Operand,
        kind: EdgeKind,
        at: At,
        locks: Locks,
        many: bool,
    ) {
        if let Some((to, base)) = self.function_of(state, operand) {
            let mut edge = self.new_edge(state, to, kind, at, locks, many);
            if let Some(base) = base {
                let unit = self.pkg.unit(to.unit).unit.clone();
                if let Some(receiver) = unit.function(to.function).receiver {
                    edge.args.push(Argument {
                        param: receiver,
                        base: state.seen(base),
                        root: match base {
                            Base::Var(var) => Some(var),
                            _ => None,
                        },
                        class: None,
                    });
                }
            }
            self.out.edges.push(edge);
        } else if let Operand::Place(place) = operand
            && let PlaceKind::Var(var) = self.unit.places.get(place).kind
            && self
                .unit
                .function(tophash_flow::FnId::ROOT)
                .params
                .contains(&var)
            && self.pkg.is_function(self.unit.places.get(place).ty)
        {
            // Handed on: what becomes of a parameter.
            self.out.param_calls.push(ParamCall {
                param: var,
                kind,
                locks,
                many,
                args: Vec::new(),
            });
        }
    }

    /// An object of which others call methods in goroutines of their own.
    fn served(&mut self, state: &State, operand: Operand, serves: Serves, at: At, many: bool) {
        let (Operand::Place(place) | Operand::Addr(place)) = operand else {
            return;
        };
        let methods = self.methods_served(operand, serves);
        if methods.is_empty() {
            return;
        }
        // Whoever it is given to has it, too.
        let base = match self.operand(state, operand) {
            Some(Val::Alias { base, .. }) => match state.seen(base) {
                Base::Fresh(_) => Base::Shared,
                base => base,
            },
            Some(Val::Fresh { .. }) => Base::Shared,
            _ => Base::Unknown,
        };
        for method in methods {
            let locks = Locks::default();
            let mut edge = self.new_edge(state, method, EdgeKind::Spawn, at, locks, many);
            let unit = self.pkg.unit(method.unit).unit.clone();
            if let Some(receiver) = unit.function(method.function).receiver {
                edge.args.push(Argument {
                    param: receiver,
                    base,
                    root: self.unit.places.root_var(place),
                    class: None,
                });
            }
            self.out.edges.push(edge);
        }
    }

    /// The function of this package that a value is.
    pub(crate) fn function_of(
        &mut self,
        state: &State,
        operand: Operand,
    ) -> Option<(FnRef, Option<Base>)> {
        let Operand::Place(place) = operand else {
            return None;
        };
        if !self.pkg.is_function(self.unit.places.get(place).ty) {
            return None;
        }
        match self.operand(state, operand)? {
            Val::Closure(function) => Some((
                FnRef {
                    unit: self.id.unit,
                    function,
                },
                None,
            )),
            Val::Func(name, base) => Some((self.pkg.function(name)?, base)),
            _ => None,
        }
    }

    fn new_edge(
        &mut self,
        state: &State,
        to: FnRef,
        kind: EdgeKind,
        at: At,
        locks: Locks,
        many: bool,
    ) -> Edge {
        let mut fresh = Vec::new();
        if to.unit == self.id.unit && !matches!(kind, EdgeKind::Spawn | EdgeKind::Kept) {
            let unit = self.unit.clone();
            for &var in &unit.function(to.function).captures {
                let base = match state.env.get(&var) {
                    Some(Val::Alias { base, .. }) => *base,
                    Some(Val::Fresh { made, .. }) => Base::Fresh(*made),
                    _ => continue,
                };
                if let Base::Fresh(_) = state.seen(base) {
                    fresh.push(var);
                }
            }
        }
        Edge {
            from: self.id,
            to,
            kind,
            at: self.loc(at.span),
            locks,
            args: Vec::new(),
            fresh,
            many,
            indirect: false,
            registered: false,
            block: self.block,
            running: state.running.clone(),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn edge_to(
        &mut self,
        state: &State,
        to: FnRef,
        kind: EdgeKind,
        call: Option<&Call>,
        at: At,
        locks: Locks,
        many: bool,
    ) {
        let mut edge = self.new_edge(state, to, kind, at, locks, many);
        if let Some(call) = call {
            let unit = self.pkg.unit(to.unit).unit.clone();
            let function = unit.function(to.function);
            for &var in function.receiver.iter().chain(&function.params) {
                let (base, class) = match self.argument(state, call, to, var) {
                    Some(Val::Alias { base, class, .. }) => (state.seen(base), Some(class)),
                    Some(Val::Fresh { made, class }) => {
                        (state.seen(Base::Fresh(made)), Some(class))
                    }
                    _ => (Base::Unknown, None),
                };
                let root = match self.argument_operand(call, to, var) {
                    Some(Operand::Place(place) | Operand::Addr(place)) => {
                        self.unit.places.root_var(place)
                    }
                    _ => None,
                };
                edge.args.push(Argument {
                    param: var,
                    base,
                    root,
                    class,
                });
            }
        }
        self.out.edges.push(edge);
    }
}
