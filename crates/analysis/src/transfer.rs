//! What instructions do to a state.

use crate::engine::{Engine, Gathered, NilWrite};
use crate::export;
use crate::fields::Bare;
use crate::origin::{Loc, OriginId, OriginKind};
use crate::state::{Fact, State, Weak};
use crate::summary::{Need, Write};
use crate::table::{self, Element, Table};
use crate::term::{ELEM, Root, Site, Term, TermKind, Terms};
use crate::value::{Address, Aggregate, Truth, Value};
use std::collections::BTreeMap;
use std::rc::Rc;
use tophash_flow::{
    At, BlockId, Const, Graph, Instr, Method, Op, Operand, PlaceId, PlaceKind, Value as Expr,
    VarKind,
};
use tophash_syntax::ast::{BinaryOp, UnaryOp};
use tophash_types::TypeId;

impl Engine<'_, '_> {
    /// The states after an instruction.
    pub(crate) fn instr(&mut self, site: Site, instr: &Instr, mut state: State) -> Vec<State> {
        match &instr.op {
            Op::Declare(var) => state.declare(*var, &self.terms),
            Op::Assign { dst, ok, value } => {
                return self.assign(site, instr.at, *dst, *ok, value, state);
            }
            Op::MapWrite { elem, value, .. } => {
                let stored = self.operand(&mut state, *value);
                self.hand_over(site, &mut state, &stored);
                state.escape(&stored);
                if let PlaceKind::MapElem { map, key } = self.unit.places.get(*elem).kind {
                    if !self.map_write(&mut state, map, instr.at) {
                        return Vec::new();
                    }
                    if self.is_followed(map) {
                        self.change_table(&mut state, map, key, |table, key, state, terms| {
                            let truth = state.truth(&stored, terms);
                            let nonzero = truth == Some(Truth::NonZero);
                            table.store(key, stored, nonzero, terms);
                        });
                    }
                }
            }
            Op::MapDelete { elem } => {
                if let PlaceKind::MapElem { map, key } = self.unit.places.get(*elem).kind
                    && self.is_followed(map)
                {
                    self.change_table(&mut state, map, key, |table, key, _, _| table.delete(key));
                }
            }
            Op::MapClear { map } => {
                if self.is_followed(*map) {
                    self.change_table(&mut state, *map, Operand::Nil, |table, _, _, _| {
                        *table = Table::empty();
                    });
                }
            }
            Op::Call(call) => return self.call(site, instr.at, call, state),
            Op::Go(call) => self.go(site, instr.at, call, &mut state),
            Op::Defer(id) => {
                state.defer(*id);
                let unit = self.function();
                let deferred = &unit.function(self.func).defers[id.index()];
                for operand in deferred
                    .call
                    .receiver
                    .iter()
                    .chain(deferred.call.args.iter())
                {
                    let value = self.operand(&mut state, *operand);
                    if matches!(value, Value::Ref(_)) {
                        state.escape(&value);
                    }
                }
            }
            Op::Send { value, .. } => {
                let value = self.operand(&mut state, *value);
                self.hand_over(site, &mut state, &value);
                state.escape(&value);
            }
            Op::NoCase { possible: false } => return Vec::new(),
            Op::NoCase { possible: true } => {
                if state.weak.is_none() {
                    state.weak = Some(Weak::NoCase(self.loc(instr.at.span)));
                }
            }
        }
        vec![state]
    }

    /// Whether the elements of a map are followed: those that lead to maps.
    fn is_followed(&mut self, map: PlaceId) -> bool {
        self.worker.has_map_elements(self.unit.places.get(map).ty)
    }

    fn change_table(
        &mut self,
        state: &mut State,
        map: PlaceId,
        key: Operand,
        change: impl FnOnce(&mut Table, Option<Term>, &State, &Terms),
    ) {
        let map = self.read(state, map);
        let key = self.operand(state, key);
        let key = table::key_term(&key, &mut self.terms);
        if let Some((root, mut table)) = state.table(&map, &mut self.terms) {
            change(&mut table, key, state, &self.terms);
            state.set_table(root, table);
        }
    }

    /// A write to a map. False if it can't succeed.
    fn map_write(&mut self, state: &mut State, map: PlaceId, at: At) -> bool {
        let value = self.read(state, map);
        match state.truth(&value, &self.terms) {
            Some(Truth::Zero(origin)) => {
                if let Some(origin) = origin {
                    self.report(state, map, at, origin);
                }
                false
            }
            Some(Truth::NonZero) => true,
            None => {
                self.wrote(state, map, at, &value);
                true
            }
        }
    }

    /// A map of which nothing is known was written.
    pub(crate) fn wrote(&mut self, state: &mut State, map: PlaceId, at: At, value: &Value) {
        self.need(state, map, at, value);
        self.unmade(map, at);
        self.bare(map, at);
        match value {
            // It did not panic, so the map was made.
            Value::Term(term) => {
                let _ = state.assume(*term, Fact::Made, &self.terms);
            }
            _ => self.write(state, map, Value::Made),
        }
    }

    fn describe(&mut self, map: PlaceId, at: At) -> Rc<Write> {
        let unit = self.function();
        Rc::new(Write {
            at: self.loc(at.span),
            function: self.name.clone(),
            name: crate::names::short(&unit, self.func),
            map: crate::names::map(self.worker.world, &unit, at.expr, map),
            field: crate::names::field(self.worker, &unit, map),
        })
    }

    pub(crate) fn report(&mut self, state: &State, map: PlaceId, at: At, origin: OriginId) {
        if self.gathered.is_none() {
            return;
        }
        let write = self.describe(map, at);
        let weak = state.weak.or_else(|| self.made_in_other_round(map, at));
        self.note(NilWrite {
            write,
            via: Vec::new(),
            origin,
            weak,
            argument: None,
        });
    }

    /// Keeps a finding; of several ways to one place the one that rests on least.
    pub(crate) fn note(&mut self, found: NilWrite) {
        let Some(gathered) = &mut self.gathered else {
            return;
        };
        let via: Vec<Loc> = found.via.iter().map(|step| step.at).collect();
        gathered
            .writes
            .entry((found.write.at, via))
            .and_modify(|known| {
                if known.weak.is_some() && found.weak.is_none() {
                    *known = found.clone();
                }
            })
            .or_insert(found);
    }

    fn need(&mut self, state: &State, map: PlaceId, at: At, value: &Value) {
        if self.gathered.is_none() {
            return;
        }
        let Value::Term(term) = value else { return };
        let Some(given) = export::given(self, *term) else {
            return;
        };
        let write = self.describe(map, at);
        let need = Need {
            map: given,
            write,
            via: Vec::new(),
            conditions: export::conditions(self, state),
            weak: state.weak,
        };
        if let Some(gathered) = &mut self.gathered {
            gathered.needs.push(need);
        }
    }

    /// Notes a write to a field that nothing in the package ever gives a value: whatever
    /// code ran before, it made no map there.
    fn unmade(&mut self, map: PlaceId, at: At) {
        if self.gathered.is_none() {
            return;
        }
        let unit = self.function();
        let Some(field) = crate::names::field(self.worker, &unit, map) else {
            return;
        };
        if self.worker.is_never_given(&field) {
            let write = self.describe(map, at);
            if let Some(gathered) = &mut self.gathered {
                gathered.unmade.push(write);
            }
        }
    }

    /// Notes a write to a map of which nothing is known here.
    pub(crate) fn bare(&mut self, map: PlaceId, at: At) {
        let loc = self.loc(at.span);
        let is_new = |gathered: &Gathered| !gathered.bare.contains_key(&loc);
        if !self.gathered.as_ref().is_some_and(is_new) {
            return;
        }
        let bare = Bare {
            write: self.describe(map, at),
            func: self.func,
            map,
        };
        if let Some(gathered) = &mut self.gathered {
            gathered.bare.insert(loc, bare);
        }
    }

    /// If the variable of a written map gets a value in the same loop on another way, that
    /// way may have been taken in an earlier round.
    fn made_in_other_round(&self, map: PlaceId, at: At) -> Option<Weak> {
        let var = self.unit.places.root_var(map)?;
        let function = self.unit.function(self.func);
        let graph = Graph::new(function);
        let instrs = |block: BlockId| function.block(block).instrs.iter();
        // Where the declaration runs again there is a new variable: rounds of a loop
        // around it have nothing to do with each other.
        let declared = graph.order.iter().find(|&&block| {
            instrs(block).any(|instr| matches!(instr.op, Op::Declare(declared) if declared == var))
        });
        let leads =
            |from: BlockId, to: BlockId| function.leads(from, to, |block| declared == Some(&block));
        let write = *graph
            .order
            .iter()
            .find(|&&block| instrs(block).any(|instr| instr.at == at))?;
        graph.order.iter().find_map(|&block| {
            let made = instrs(block).find(|instr| match &instr.op {
                Op::Assign { dst, value, .. } => {
                    self.unit.places.root_var(*dst) == Some(var)
                        && !matches!(value, Expr::Zero(_) | Expr::Use(Operand::Nil))
                }
                _ => false,
            })?;
            let same_loop = block != write && leads(block, write) && leads(write, block);
            same_loop.then(|| Weak::FirstRound(self.loc(made.at.span)))
        })
    }

    // Assignments.

    fn assign(
        &mut self,
        site: Site,
        at: At,
        dst: PlaceId,
        ok: Option<PlaceId>,
        expr: &Expr,
        mut state: State,
    ) -> Vec<State> {
        if let Expr::TypeAssert { x, ty } = expr {
            return self.type_assert(site, at, dst, ok, (*x, *ty), state);
        }
        if let Expr::MapRead { elem } = expr {
            return self.map_read(site, at, dst, ok, *elem, state);
        }
        let mut value = self.expr(site, at, dst, expr, &mut state);
        let is_plain = matches!(value, Value::Zero(_) | Value::Const(_) | Value::Struct(_));
        if is_plain && self.is_boxed(expr, dst) {
            state.escape(&value);
            value = Value::NonZero;
        }
        self.write(&mut state, dst, value);
        if let Some(ok) = ok {
            let value = self.fresh(&mut state, site, 1);
            self.write(&mut state, ok, value);
        }
        vec![state]
    }

    /// `dst, ok = m[k]`
    fn map_read(
        &mut self,
        site: Site,
        at: At,
        dst: PlaceId,
        ok: Option<PlaceId>,
        elem: PlaceId,
        mut state: State,
    ) -> Vec<State> {
        let PlaceKind::MapElem { map: place, key } = self.unit.places.get(elem).kind else {
            return vec![state];
        };
        let map = self.read(&mut state, place);
        let absent = match state.truth(&map, &self.terms) {
            Some(Truth::Zero(_)) => Some(OriginKind::AbsentElement),
            _ => None,
        };
        let element = match (&absent, self.is_followed(place)) {
            (None, true) => {
                let key = self.operand(&mut state, key);
                let key = table::key_term(&key, &mut self.terms);
                let table = state.table(&map, &mut self.terms);
                table.map_or(Element::Unknown(None), |(_, table)| {
                    table.read(key, &self.terms)
                })
            }
            (Some(_), _) => Element::Absent,
            (None, false) => Element::Unknown(None),
        };
        let (value, found) = match element {
            Element::Absent if absent.is_some() || !self.is_stored_in_loop(place, site) => {
                let kind = absent.unwrap_or(OriginKind::MissingElement);
                let ty = self.unit.places.get(dst).ty;
                let holds = self.worker.holds_map(ty);
                let origin = holds.then(|| self.origin(kind, at.span, None));
                (Value::Zero(origin), Value::Zero(None))
            }
            Element::Is(value) => (value, Value::NonZero),
            Element::Absent => (
                self.fresh(&mut state, site, 0),
                self.fresh(&mut state, site, 1),
            ),
            Element::Unknown(name) => {
                let mut element = |number: u16| {
                    let kind = match (&name, &map) {
                        (Some(TermKind::At(base, key, _)), _) => TermKind::At(*base, *key, number),
                        (_, Value::Term(map)) => TermKind::Element(*map, site, number),
                        _ => TermKind::Result(site, number),
                    };
                    let named = name.is_some();
                    let Some(term) = self.terms.build(kind) else {
                        return Value::Unknown;
                    };
                    if !named && self.ran.contains(&site) {
                        state.forget(&self.terms, |other| other == term);
                    }
                    Value::Term(term)
                };
                let (value, found) = (element(0), element(1));
                if let (Some(ok), Value::Term(value), Value::Term(found)) = (ok, &value, &found)
                    && self.is_map(dst)
                    && self.asks_for(ok)
                {
                    return self.either(at, (dst, *value), (ok, *found), state);
                }
                (value, found)
            }
        };
        self.write(&mut state, dst, value);
        if let Some(ok) = ok {
            self.write(&mut state, ok, found);
        }
        vec![state]
    }

    /// Whether a boolean is read anywhere.
    fn asks_for(&self, ok: PlaceId) -> bool {
        let var = self.unit.places.root_var(ok);
        var.is_some_and(|var| self.context.is_read(var))
    }

    /// The states after a read of a map from a map: there was one, or there was none.
    fn either(
        &mut self,
        at: At,
        (dst, value): (PlaceId, Term),
        (ok, found): (PlaceId, Term),
        state: State,
    ) -> Vec<State> {
        let mut out = Vec::new();
        let mut there = state.clone();
        if there.assume(found, Fact::NonZero, &self.terms)
            && there.assume(value, Fact::Made, &self.terms)
        {
            self.write(&mut there, dst, Value::Term(value));
            self.write(&mut there, ok, Value::NonZero);
            out.push(there);
        }
        let origin = Some(self.origin(OriginKind::MissingElement, at.span, None));
        let mut missing = state;
        if missing.assume(found, Fact::Zero(None), &self.terms)
            && missing.assume(value, Fact::Zero(origin), &self.terms)
        {
            self.write(&mut missing, dst, Value::Zero(origin));
            self.write(&mut missing, ok, Value::Zero(None));
            out.push(missing);
        }
        out
    }

    /// Whether something is stored in a map in a loop around a read of it or before it: an
    /// earlier round may have stored it, and which keys a loop came by is not followed.
    fn is_stored_in_loop(&self, map: PlaceId, read: Site) -> bool {
        let function = self.unit.function(self.func);
        let leads = |from: BlockId, to: BlockId| function.leads(from, to, |_| false);
        let stores = |block: BlockId| {
            let instrs = function.block(block).instrs.iter();
            instrs.filter_map(|instr| match instr.op {
                Op::MapWrite { elem, .. } => self.unit.places.parent(elem),
                _ => None,
            })
        };
        (0..function.blocks.len() as u32).map(BlockId).any(|block| {
            stores(block).any(|stored| stored == map)
                && leads(block, read.block)
                && leads(block, block)
        })
    }

    fn type_assert(
        &mut self,
        site: Site,
        at: At,
        dst: PlaceId,
        ok: Option<PlaceId>,
        (x, ty): (Operand, TypeId),
        mut state: State,
    ) -> Vec<State> {
        let x = self.operand(&mut state, x);
        let test = self
            .term_of(&x)
            .map(|term| self.terms.stable(term))
            .and_then(|term| self.terms.build(TermKind::HasType(term, ty)));
        let Some(ok) = ok else {
            let value = self.fresh(&mut state, site, 0);
            self.write(&mut state, dst, value);
            return vec![state];
        };
        let holds = match test {
            Some(test) => Value::Term(test),
            None => self.fresh(&mut state, site, 1),
        };
        if !self.worker.is_map(ty) {
            let value = match x {
                // A pointer keeps what is known of what it points to.
                Value::Ref(_) => Value::Unknown,
                _ => self.fresh(&mut state, site, 0),
            };
            self.write(&mut state, dst, value);
            self.write(&mut state, ok, holds);
            return vec![state];
        }
        let mut out = Vec::new();
        let mut failed = state.clone();
        let feasible = match &holds {
            Value::Term(term) => failed.assume(*term, Fact::Zero(None), &self.terms),
            _ => true,
        };
        if feasible {
            let origin = self.origin(OriginKind::Assertion, at.span, None);
            self.write(&mut failed, dst, Value::Zero(Some(origin)));
            self.write(&mut failed, ok, Value::Zero(None));
            if let Some(var) = self.unit.places.root_var(ok)
                && !self.context.is_read(var)
                && failed.weak.is_none()
            {
                failed.weak = Some(Weak::IgnoredOk(self.loc(at.span)));
            }
            out.push(failed);
        }
        let feasible = match &holds {
            Value::Term(term) => state.assume(*term, Fact::NonZero, &self.terms),
            _ => true,
        };
        if feasible {
            let value = self.fresh(&mut state, site, 0);
            self.write(&mut state, dst, value);
            self.write(&mut state, ok, Value::NonZero);
            out.push(state);
        }
        out
    }

    fn expr(&mut self, site: Site, at: At, dst: PlaceId, expr: &Expr, state: &mut State) -> Value {
        match expr {
            Expr::Use(operand) => self.used(*operand, at, dst, state),
            Expr::Zero(ty) => {
                let var = match self.unit.places.get(dst).kind {
                    PlaceKind::Var(var) if self.unit.var(var).kind != VarKind::Temp => Some(var),
                    _ => None,
                };
                Value::Zero(self.zero_origin(*ty, at.span, var))
            }
            Expr::MakeMap { ty, .. } => self.new_map(site, state, *ty, Table::empty()),
            Expr::MapLit { entries, ty } => {
                let mut table = Table::empty();
                for (key, value) in entries {
                    let value = self.operand(state, *value);
                    self.hand_over(site, state, &value);
                    state.escape(&value);
                    let key = self.operand(state, *key);
                    let key = table::key_term(&key, &mut self.terms);
                    let nonzero = state.truth(&value, &self.terms) == Some(Truth::NonZero);
                    table.store(key, value, nonzero, &self.terms);
                }
                self.new_map(site, state, *ty, table)
            }
            Expr::StructLit { ty, fields } => {
                let origin = self.worker.holds_map(*ty).then(|| {
                    let name = self.worker.type_name(*ty);
                    self.origin(OriginKind::Literal(name), at.span, None)
                });
                let mut parts = BTreeMap::new();
                for (index, operand) in fields {
                    let value = match operand {
                        Operand::Nil if self.worker.field_is_map(*ty, *index) => {
                            Value::Zero(Some(self.origin(OriginKind::NilLiteral, at.span, None)))
                        }
                        operand => self.operand(state, *operand),
                    };
                    parts.insert(*index, value);
                }
                Value::Struct(Rc::new(Aggregate {
                    rest: Value::Zero(origin),
                    fields: parts,
                }))
            }
            Expr::ListLit { elems, ty, .. } => {
                for elem in elems {
                    let value = self.operand(state, *elem);
                    self.hand_over(site, state, &value);
                    state.escape(&value);
                }
                if !self.worker.is_slice(*ty) {
                    return Value::Unknown;
                }
                let list = self.fresh(state, site, 0);
                self.assume_length(state, &list, Some(!elems.is_empty()));
                list
            }
            Expr::MakeSlice { ty, len } => {
                let elem = self.worker.element(*ty);
                // Elements that are assigned somewhere may be assigned one by one in a loop
                // over all of them, which is more than is followed here.
                if !elem.is_some_and(|elem| self.worker.holds_map(elem))
                    || self.context.assigns_elements_of(*ty)
                    || *len == Operand::Const(Const::Int(0))
                {
                    let list = self.fresh(state, site, 0);
                    let empty = *len == Operand::Const(Const::Int(0));
                    self.assume_length(state, &list, empty.then_some(false));
                    return list;
                }
                let name = elem.map(|elem| self.worker.type_name(elem));
                let origin = self.origin(
                    OriginKind::Elements(name.unwrap_or_default()),
                    at.span,
                    None,
                );
                let root = Root::Alloc(site, 0);
                let fields = BTreeMap::from([(ELEM, Value::Zero(Some(origin)))]);
                let rest = Value::Unknown;
                state.allocate(root, Value::Struct(Rc::new(Aggregate { rest, fields })));
                Value::Ref(Address::of(root))
            }
            Expr::New(ty) => {
                let origin = self.worker.holds_map(*ty).then(|| {
                    let name = self.worker.type_name(*ty);
                    self.origin(OriginKind::New(name), at.span, None)
                });
                let root = Root::Alloc(site, 0);
                state.allocate(root, Value::Zero(origin));
                Value::Ref(Address::of(root))
            }
            Expr::Closure(id) => Value::Closure(*id),
            Expr::Func(name) => Value::Func(*name),
            Expr::MethodValue { receiver, method } => {
                let receiver = self.operand(state, *receiver);
                state.escape(&receiver);
                match method {
                    Method::Static(name) => Value::Bound(*name, Rc::new(receiver)),
                    Method::Interface { .. } => Value::NonZero,
                }
            }
            Expr::Convert { x, ty } => {
                let value = match x {
                    Operand::Nil => self.used(*x, at, dst, state),
                    x => self.operand(state, *x),
                };
                // Of numbers and strings a conversion may change the value.
                match value {
                    Value::Const(_) if !self.worker.is_reference(*ty) => self.fresh(state, site, 0),
                    value => value,
                }
            }
            Expr::Len(x) => match self.operand(state, *x) {
                Value::Zero(_) => Value::Zero(None),
                Value::Term(term) => {
                    let term = self.terms.stable(term);
                    match self.terms.build(TermKind::Len(term)) {
                        Some(len) => Value::Term(len),
                        None => self.fresh(state, site, 0),
                    }
                }
                _ => self.fresh(state, site, 0),
            },
            Expr::Append {
                slice,
                elems,
                spread,
            } => {
                let list = self.operand(state, *slice);
                for elem in elems {
                    let value = self.operand(state, *elem);
                    self.hand_over(site, state, &value);
                    state.escape(&value);
                }
                if matches!(list, Value::Ref(_)) {
                    state.havoc_reachable(&[list], site, &mut self.terms);
                }
                let list = self.fresh(state, site, 0);
                if !elems.is_empty() && !spread {
                    self.assume_length(state, &list, Some(true));
                }
                list
            }
            Expr::Slice(x) => match self.operand(state, *x) {
                Value::Ref(address) => Value::Ref(address),
                _ => self.fresh(state, site, 0),
            },
            Expr::Binary { op, x, y } => {
                let x = self.operand(state, *x);
                let y = self.operand(state, *y);
                let value = match op {
                    BinaryOp::Eql => self.equality(state, &x, &y, true),
                    BinaryOp::Neq => self.equality(state, &x, &y, false),
                    op => self.binary(*op, &x, &y),
                };
                match value {
                    Value::Unknown => self.fresh(state, site, 0),
                    known => known,
                }
            }
            Expr::Unary { op, x } => {
                let x = self.operand(state, *x);
                match (op, state.truth(&x, &self.terms)) {
                    (UnaryOp::Not, Some(Truth::Zero(_))) => Value::NonZero,
                    (UnaryOp::Not, Some(Truth::NonZero)) => Value::Zero(None),
                    _ => self
                        .term_of(&x)
                        .and_then(|x| self.terms.build(TermKind::Unary(*op, x)))
                        .map_or_else(|| self.fresh(state, site, 0), Value::Term),
                }
            }
            Expr::MakeChan { .. } => Value::NonZero,
            Expr::Recv { .. }
            | Expr::Recover
            | Expr::Unknown
            | Expr::MapRead { .. }
            | Expr::TypeAssert { .. } => self.fresh(state, site, 0),
        }
    }

    fn new_map(&mut self, site: Site, state: &mut State, ty: TypeId, table: Table) -> Value {
        if !self.worker.has_map_elements(ty) {
            return Value::Made;
        }
        let root = Root::Alloc(site, 0);
        state.allocate(root, Value::Table(Rc::new(table)));
        Value::Ref(Address::of(root))
    }

    /// Notes that a list is not nil, and whether it has elements.
    fn assume_length(&mut self, state: &mut State, list: &Value, some: Option<bool>) {
        let Value::Term(term) = *list else { return };
        let _ = state.assume(term, Fact::NonZero, &self.terms);
        let (Some(some), Some(len)) = (some, self.terms.build(TermKind::Len(term))) else {
            return;
        };
        let fact = if some {
            Fact::NonZero
        } else {
            Fact::Zero(None)
        };
        let _ = state.assume(len, fact, &self.terms);
    }

    /// A copied value. A `nil` that becomes a map says where.
    pub(crate) fn used(
        &mut self,
        operand: Operand,
        at: At,
        dst: PlaceId,
        state: &mut State,
    ) -> Value {
        match operand {
            Operand::Nil if self.is_map(dst) => {
                let kind = match self.holds_more(state, dst) {
                    true => OriginKind::Cleared,
                    false => OriginKind::NilLiteral,
                };
                Value::Zero(Some(self.origin(kind, at.span, None)))
            }
            operand => self.operand(state, operand),
        }
    }

    /// Whether what an assignment replaces may have been a map.
    fn holds_more(&mut self, state: &mut State, dst: PlaceId) -> bool {
        if let PlaceKind::Var(var) = self.unit.places.get(dst).kind
            && matches!(self.unit.var(var).kind, VarKind::Temp | VarKind::Result(_))
        {
            return false;
        }
        match self.read(state, dst) {
            // Declared just now.
            Value::Unknown => false,
            value => !matches!(state.truth(&value, &self.terms), Some(Truth::Zero(_))),
        }
    }

    /// Whether an assignment puts a value that is no interface into one: that is never
    /// nil, whatever the value is.
    fn is_boxed(&mut self, expr: &Expr, dst: PlaceId) -> bool {
        let to = self.unit.places.get(dst).ty;
        if !self.worker.checker.is_known(to) || !self.worker.is_interface(to) {
            return false;
        }
        match *expr {
            Expr::Zero(_) | Expr::Use(Operand::Nil) => false,
            Expr::Use(Operand::Place(place)) => {
                !self.worker.is_interface(self.unit.places.get(place).ty)
            }
            Expr::Convert { ty, .. } => !self.worker.is_interface(ty),
            _ => true,
        }
    }

    /// `x == y`, or `x != y`; unknown if it has no name.
    pub(crate) fn equality(&mut self, state: &State, x: &Value, y: &Value, equal: bool) -> Value {
        let truth = |holds: bool| Value::constant(Const::Bool(holds == equal));
        match (x, y) {
            (Value::Const(x), Value::Const(y)) => return truth(x == y),
            (Value::Zero(_), other) | (other, Value::Zero(_)) => {
                if let Some(known) = state.truth(other, &self.terms) {
                    return truth(matches!(known, Truth::Zero(_)));
                }
            }
            _ => {}
        }
        let (Some(x), Some(y)) = (self.term_of(x), self.term_of(y)) else {
            return Value::Unknown;
        };
        let same = self.terms.equal(x, y);
        let term = match equal {
            true => Some(same),
            false => self.terms.build(TermKind::Unary(UnaryOp::Not, same)),
        };
        term.map_or(Value::Unknown, Value::Term)
    }

    /// `x op y`; unknown if it has no name.
    pub(crate) fn binary(&mut self, op: BinaryOp, x: &Value, y: &Value) -> Value {
        let truth = |holds: bool| Value::constant(Const::Bool(holds));
        let number = |n: Option<i64>| n.map(|n| Value::constant(Const::Int(n)));
        let known = match (integer(x), integer(y)) {
            (Some(x), Some(y)) => match op {
                BinaryOp::Lss => Some(truth(x < y)),
                BinaryOp::Leq => Some(truth(x <= y)),
                BinaryOp::Gtr => Some(truth(x > y)),
                BinaryOp::Geq => Some(truth(x >= y)),
                BinaryOp::Add => number(x.checked_add(y)),
                BinaryOp::Sub => number(x.checked_sub(y)),
                BinaryOp::Mul => number(x.checked_mul(y)),
                BinaryOp::Quo => number(x.checked_div(y)),
                BinaryOp::Rem => number(x.checked_rem(y)),
                _ => None,
            },
            // A division of 0 gives 0 or does not come back.
            (Some(0), None) => match op {
                BinaryOp::Mul | BinaryOp::Quo | BinaryOp::Rem | BinaryOp::And => number(Some(0)),
                _ => None,
            },
            _ => None,
        };
        if let Some(known) = known {
            return known;
        }
        let name = match (self.term_of(x), self.term_of(y)) {
            (Some(x), Some(y)) => self.terms.build(TermKind::Binary(op, x, y)),
            _ => None,
        };
        name.map_or(Value::Unknown, Value::Term)
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Const(Const::Int(n)) => Some(*n),
        Value::Zero(_) => Some(0),
        _ => None,
    }
}
