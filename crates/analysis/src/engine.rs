//! The fixed point over one function.

use crate::export;
use crate::fields::Bare;
use crate::origin::{Loc, Origin, OriginId, OriginKind};
use crate::state::{Fact, State, Weak};
use crate::summary::{Need, Outcome, Step, Summary, Write};
use crate::term::{ELEM, Root, Site, Term, TermKind, Terms};
use crate::unit::UnitAnalysis;
use crate::value::{Address, Truth, Value};
use crate::worker::Worker;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tophash_flow::{
    BlockId, Cond, Const, FnId, Function, Graph, Operand, PlaceId, PlaceKind, RangeNext, RangeOver,
    Terminator, Unit, VarId, VarKind,
};
use tophash_syntax::Span;
use tophash_syntax::ast::BinaryOp;
use tophash_types::TypeId;

/// States kept apart at the beginning of a block. Beyond it they are joined, and what
/// they disagree on is unknown.
const MAX_STATES: usize = 16;

/// Work before a function is given up: instructions, and ways in which calls return, times
/// what is known before them. A generated parser of 500 blocks takes more, and so does a test
/// that builds a table of thousands of objects with calls; other functions stay below a half.
const MAX_WORK: usize = 1_000_000;

/// A nil map is written.
#[derive(Clone, Debug)]
pub struct NilWrite {
    /// Where.
    pub write: Rc<Write>,
    /// Calls from this function to there; empty if this function writes itself.
    pub via: Vec<Step>,
    /// Where the nil comes from.
    pub origin: OriginId,
    /// What the way to it rests on; nothing if some way rests on nothing.
    pub weak: Option<Weak>,
    /// The map itself is what the call passes, not a part of something: its text there.
    pub argument: Option<Rc<str>>,
}

/// What one run over a function gathers.
#[derive(Default)]
pub(crate) struct Gathered {
    pub writes: BTreeMap<(Loc, Vec<Loc>), NilWrite>,
    pub needs: Vec<Need>,
    /// Unguarded writes to fields that nothing in the package ever gives a value.
    pub unmade: Vec<Rc<Write>>,
    /// Writes to maps of which nothing is known, by place.
    pub bare: BTreeMap<Loc, Bare>,
    pub outcomes: Vec<Outcome>,
}

/// The analysis of one function.
pub(crate) struct Engine<'e, 'w> {
    pub worker: &'e mut Worker<'w>,
    pub context: &'e UnitAnalysis,
    pub unit: Rc<Unit>,
    pub func: FnId,
    pub terms: Terms,
    /// Instructions that ran at least once: only their names can be stale.
    pub ran: BTreeSet<Site>,
    /// What is gathered in the last pass; none before.
    pub gathered: Option<Gathered>,
    pub name: Rc<str>,
    /// What was done so far, in the unit of [`MAX_WORK`].
    pub work: usize,
}

impl<'e, 'w> Engine<'e, 'w> {
    pub(crate) fn new(
        worker: &'e mut Worker<'w>,
        context: &'e UnitAnalysis,
        func: FnId,
    ) -> Engine<'e, 'w> {
        let unit = context.unit.clone();
        let name = crate::names::function(&worker.checker, &unit, func);
        Engine {
            worker,
            context,
            unit,
            func,
            terms: Terms::default(),
            ran: BTreeSet::new(),
            gathered: None,
            name,
            work: 0,
        }
    }

    /// The unit, kept apart from the engine while that changes.
    pub(crate) fn function(&self) -> Rc<Unit> {
        self.unit.clone()
    }

    /// Runs to the fixed point and gathers what holds there.
    pub(crate) fn run(mut self) -> (Gathered, Summary) {
        let unit = self.function();
        let function = unit.function(self.func);
        let graph = Graph::new(function);
        let count = function.blocks.len();
        let mut states: Vec<Vec<(u64, State)>> = vec![Vec::new(); count];
        let mut dirty: BTreeSet<(u32, u64)> = BTreeSet::new();
        let entry = self.entry_state(function);
        let key = self.key(&entry);
        dirty.insert((graph.rank[0], key));
        states[0].push((key, entry));
        let live = self.context.liveness(self.func);
        while let Some((rank, key)) = dirty.pop_first() {
            let block = graph.order[rank as usize];
            let Some(state) = states[block.index()]
                .iter()
                .find(|(k, _)| *k == key)
                .map(|(_, state)| state.clone())
            else {
                continue;
            };
            self.work += state.size() * (function.block(block).instrs.len() + 1);
            let reached = self.block(function, block, state);
            if self.work > MAX_WORK {
                return (Gathered::default(), Summary::opaque());
            }
            for (to, mut next) in reached {
                let unit = &self.unit;
                next.drop_vars(|var| {
                    let declared = unit.var(var);
                    declared.owner == self.func
                        && !declared.captured
                        && !declared.address_taken
                        && !live.is_live(to, var)
                });
                next.sweep(&self.terms);
                self.add(&mut states[to.index()], to, next, |key| {
                    dirty.insert((graph.rank[to.index()], key));
                });
            }
        }
        self.gathered = Some(Gathered::default());
        for &block in &graph.order {
            let arrived = std::mem::take(&mut states[block.index()]);
            for (_, state) in arrived {
                self.block(function, block, state);
            }
        }
        let mut gathered = self.gathered.take().unwrap_or_default();
        let mut summary = Summary {
            needs: std::mem::take(&mut gathered.needs),
            outcomes: export::merge_outcomes(std::mem::take(&mut gathered.outcomes)),
            opaque: false,
            variadic: None,
        };
        if function.recovers {
            // It may return after a panic anywhere.
            summary.opaque = true;
        }
        (gathered, summary)
    }

    fn key(&self, state: &State) -> u64 {
        let unit = &self.unit;
        state.key(&self.terms, |var| {
            matches!(unit.var(var).kind, VarKind::Temp)
        })
    }

    /// Adds a state to those at the beginning of a block, and reports the key of what changed.
    fn add(
        &mut self,
        at: &mut Vec<(u64, State)>,
        block: BlockId,
        state: State,
        mut changed: impl FnMut(u64),
    ) {
        let key = self.key(&state);
        let slot = match at.iter().position(|(k, _)| *k == key) {
            Some(slot) => slot,
            None if at.len() < MAX_STATES => {
                at.push((key, state));
                changed(key);
                return;
            }
            None => closest(at, &state),
        };
        if at[slot].1 == state {
            return;
        }
        let joined = at[slot].1.join(&state, block, &mut self.terms);
        if joined == at[slot].1 {
            return;
        }
        let key = self.key(&joined);
        at.remove(slot);
        // The joined state may have become like another one.
        match at.iter().position(|(k, _)| *k == key) {
            Some(other) => {
                let both = at[other].1.join(&joined, block, &mut self.terms);
                if both != at[other].1 {
                    at[other].1 = both;
                    changed(key);
                }
            }
            None => {
                at.push((key, joined));
                changed(key);
            }
        }
    }

    fn entry_state(&mut self, function: &Function) -> State {
        let mut frozen: BTreeMap<Root, Value> = self.worker.frozen_globals();
        for &var in &function.captures {
            if let Some(origin) = self.context.never_assigned(var) {
                frozen.insert(Root::Var(var), Value::Zero(Some(origin)));
            }
        }
        let mut state = State::new(Rc::new(frozen));
        for &var in &function.captures {
            if !self.context.owner_alone_assigns(var) {
                state.escape_var(var);
            }
        }
        for &result in &function.results {
            let origin = self.zero_origin(
                self.unit.var(result).ty,
                self.unit.var(result).span,
                Some(result),
            );
            state.allocate(Root::Var(result), Value::Zero(origin));
        }
        state
    }

    // Blocks.

    fn block(&mut self, function: &Function, id: BlockId, state: State) -> Vec<(BlockId, State)> {
        let block = function.block(id);
        let mut states = vec![state];
        for (n, instr) in block.instrs.iter().enumerate() {
            if self.work > MAX_WORK {
                return Vec::new();
            }
            let site = Site {
                block: id,
                instr: n as u32,
            };
            states = states
                .into_iter()
                .flat_map(|state| self.instr(site, instr, state))
                .collect();
            if states.len() > MAX_STATES {
                states = self.squeeze(states, id);
            }
            self.ran.insert(site);
        }
        let site = Site {
            block: id,
            instr: block.instrs.len() as u32,
        };
        let mut out = Vec::new();
        for state in states {
            match &block.end {
                Terminator::Jump(to) => out.push((*to, state)),
                Terminator::Branch { cond, then, other } => {
                    let mut state = state;
                    if let Cond::IsNil(place) | Cond::IsEmpty(place) | Cond::True(place) = *cond {
                        self.named(&mut state, site, 0, place);
                    }
                    let mut holds = state.clone();
                    if self.assume(&mut holds, *cond, true, block.end_at.span) {
                        out.push((*then, holds));
                    }
                    let mut fails = state;
                    if self.assume(&mut fails, *cond, false, block.end_at.span) {
                        out.push((*other, fails));
                    }
                }
                Terminator::Range(next) => {
                    self.range(site, next, block.end_at.span, state, &mut out)
                }
                Terminator::Select(clauses) => {
                    out.extend(clauses.iter().map(|&to| (to, state.clone())));
                }
                Terminator::Return => self.exit(function, &state),
                Terminator::Diverge(_) => {}
            }
        }
        self.ran.insert(site);
        out
    }

    /// Joins states until there are few enough.
    fn squeeze(&mut self, states: Vec<State>, block: BlockId) -> Vec<State> {
        let mut kept: Vec<(u64, State)> = Vec::new();
        for state in states {
            let key = self.key(&state);
            match kept.iter().position(|(k, _)| *k == key) {
                Some(slot) => kept[slot].1 = kept[slot].1.join(&state, block, &mut self.terms),
                None if kept.len() < MAX_STATES => kept.push((key, state)),
                None => {
                    let slot = closest(&kept, &state);
                    kept[slot].1 = kept[slot].1.join(&state, block, &mut self.terms);
                }
            }
        }
        kept.into_iter().map(|(_, state)| state).collect()
    }

    fn exit(&mut self, function: &Function, state: &State) {
        if self.gathered.is_none() {
            return;
        }
        let outcome = export::outcome(self, function, state);
        if let Some(gathered) = &mut self.gathered {
            gathered.outcomes.push(outcome);
        }
    }

    fn range(
        &mut self,
        site: Site,
        next: &RangeNext,
        span: Span,
        state: State,
        out: &mut Vec<(BlockId, State)>,
    ) {
        let head = site.block;
        let entered = state.had_round(head);
        let mut state = state;
        let x = match next.x {
            Operand::Place(place) if !entered => self.named(&mut state, site, 2, place),
            x => self.operand(&mut state, x),
        };
        let array = match next.x {
            Operand::Place(place) | Operand::Addr(place) => {
                self.worker.is_array(self.unit.places.get(place).ty)
            }
            _ => false,
        };
        let counted = !array
            && matches!(
                next.over,
                RangeOver::Map | RangeOver::List | RangeOver::String | RangeOver::Unknown
            );
        let empty = counted || matches!(next.over, RangeOver::Int) && matches!(x, Value::Zero(_));
        let len = match &x {
            Value::Term(term) if counted => self.terms.build(TermKind::Len(*term)),
            Value::Term(term) if next.over == RangeOver::Int => Some(*term),
            _ => None,
        }
        .map(|term| {
            if next.over == RangeOver::Map {
                term
            } else {
                self.terms.stable(term)
            }
        });
        // With an element.
        let mut body = state.clone();
        let mut feasible = !(empty && matches!(x, Value::Zero(_)));
        if let (Some(len), false) = (len, entered) {
            feasible &= body.assume(len, Fact::NonZero, &self.terms);
        }
        if feasible {
            body.enter_round(head);
            let first = !entered
                && matches!(
                    next.over,
                    RangeOver::List | RangeOver::String | RangeOver::Int
                );
            if let Some(key) = next.key {
                let value = if first {
                    Value::Zero(None)
                } else {
                    self.fresh(&mut body, site, 0)
                };
                if let (false, Value::Term(term), RangeOver::List | RangeOver::Int) =
                    (first, &value, next.over)
                {
                    let _ = body.assume(*term, Fact::NonZero, &self.terms);
                }
                self.write(&mut body, key, value);
            }
            if let Some(value_place) = next.value {
                let element = match &x {
                    Value::Ref(address) if next.over == RangeOver::List => {
                        body.load(&address.clone().step(ELEM), &mut self.terms)
                    }
                    Value::Struct(_) if next.over == RangeOver::List => {
                        x.project(ELEM, &mut self.terms)
                    }
                    _ => Value::Unknown,
                };
                let element = match element {
                    Value::Unknown => self.fresh(&mut body, site, 1),
                    known => known,
                };
                self.write(&mut body, value_place, element);
            }
            out.push((next.body, body));
        }
        // Without one.
        let mut done = state;
        done.leave_loop(head);
        let mut feasible = true;
        if !entered {
            // Arrays of no length are as good as unknown to Go programs.
            if array {
                feasible = false;
            }
            if let Some(len) = len {
                feasible &= done.assume(len, Fact::Zero(None), &self.terms);
            }
            if matches!(x, Value::Const(Const::Int(_))) {
                feasible = false;
            }
            if done.weak.is_none() {
                done.weak = Some(Weak::NoRounds(self.loc(span)));
            }
        }
        if feasible {
            out.push((next.done, done));
        }
    }

    /// The value at a path, given a name if it has none, so that what is found out about
    /// it holds for later reads.
    fn named(&mut self, state: &mut State, site: Site, number: u16, place: PlaceId) -> Value {
        // Of a map that is not nil nothing tells how many elements it has.
        let made = match self.read(state, place) {
            Value::Unknown => false,
            Value::Made | Value::NonZero if self.is_map(place) => true,
            known => return known,
        };
        let value = self.fresh(state, site, number);
        if let (true, Value::Term(term)) = (made, &value) {
            // Nothing is known of a new name that could contradict it.
            let _ = state.assume(*term, Fact::Made, &self.terms);
        }
        self.write(state, place, value);
        self.read(state, place)
    }

    // Conditions.

    /// Restricts a state to where a condition has that outcome; false if it never has.
    fn assume(&mut self, state: &mut State, cond: Cond, holds: bool, span: Span) -> bool {
        match cond {
            Cond::IsNil(place) => {
                let map = self.is_map(place);
                self.assume_zero(state, place, holds, map.then_some(span), map)
            }
            Cond::True(place) => self.assume_zero(state, place, !holds, None, false),
            Cond::IsEmpty(place) => {
                let value = self.read(state, place);
                match value {
                    Value::Zero(_) => holds,
                    Value::Const(Const::Str(_)) => !holds,
                    Value::Term(term) => {
                        let exact = self.is_map(place);
                        let Some(len) = self.terms.build(TermKind::Len(term)) else {
                            return true;
                        };
                        let len = if exact { len } else { self.terms.stable(len) };
                        let fact = if holds {
                            Fact::Zero(None)
                        } else {
                            Fact::NonZero
                        };
                        state.assume(len, fact, &self.terms)
                    }
                    _ => true,
                }
            }
            Cond::Equal(x, y) => {
                let x = self.operand(state, x);
                let y = self.operand(state, y);
                self.assume_equal(state, &x, &y, holds)
            }
            Cond::Less(x, y) => {
                let x = self.operand(state, x);
                let y = self.operand(state, y);
                let length = self.is_len(&y);
                let (x, y) = (self.evaluated(state, x), self.evaluated(state, y));
                // What is compared with a length is not negative.
                if length && holds && matches!(y, Value::Zero(_)) {
                    return false;
                }
                self.assume_less(state, &x, &y, holds)
            }
            Cond::Deferred(id) => state.may_be_deferred(id, holds),
            Cond::Opaque => true,
        }
    }

    /// The constant that an unknown value is found to be, or the value.
    fn evaluated(&mut self, state: &State, value: Value) -> Value {
        let Value::Term(term) = value else {
            return value;
        };
        let term = self.terms.stable(term);
        match state.fact(term, &self.terms) {
            Some(Fact::Zero(_)) => Value::Zero(None),
            Some(Fact::Is(constant)) => Value::constant(constant),
            _ => value,
        }
    }

    fn is_len(&self, value: &Value) -> bool {
        match value {
            Value::Term(term) => self.terms.is_length(*term),
            _ => false,
        }
    }

    fn assume_less(&mut self, state: &mut State, x: &Value, y: &Value, holds: bool) -> bool {
        let known = self.binary(BinaryOp::Lss, x, y);
        if let Some(truth) = state.truth(&known, &self.terms) {
            return matches!(truth, Truth::NonZero) == holds;
        }
        // What is less than a length is an index or 0: then there are elements. And 0 is
        // less than a length unless that is 0, too.
        let zero = matches!(x, Value::Zero(_));
        if let Value::Term(term) = *y
            && (self.is_len(y) || zero)
        {
            let fact = match holds {
                true => Some(Fact::NonZero),
                false if zero && self.is_len(y) => Some(Fact::Zero(None)),
                false => None,
            };
            let term = self.terms.stable(term);
            if fact.is_some_and(|fact| !state.assume(term, fact, &self.terms)) {
                return false;
            }
        }
        let Value::Term(term) = known else {
            return true;
        };
        let term = self.terms.stable(term);
        let fact = if holds {
            Fact::NonZero
        } else {
            Fact::Zero(None)
        };
        state.assume(term, fact, &self.terms)
    }

    fn assume_zero(
        &mut self,
        state: &mut State,
        place: PlaceId,
        zero: bool,
        check: Option<Span>,
        exact: bool,
    ) -> bool {
        let value = self.read(state, place);
        match &value {
            Value::Term(term) => {
                let term = if exact {
                    *term
                } else {
                    self.terms.stable(*term)
                };
                let fact = match (zero, check) {
                    (true, Some(span)) => {
                        let origin = self.origin(OriginKind::Checked, span, None);
                        Fact::Zero(Some(origin))
                    }
                    (true, None) => Fact::Zero(None),
                    (false, Some(_)) => Fact::Made,
                    (false, None) => Fact::NonZero,
                };
                state.assume(term, fact, &self.terms)
            }
            other => match state.truth(other, &self.terms) {
                Some(Truth::Zero(_)) => zero,
                Some(Truth::NonZero) => !zero,
                None => {
                    // A value without a name can be known better from here on all the same.
                    if exact && !zero {
                        self.write(state, place, Value::Made);
                    }
                    true
                }
            },
        }
    }

    fn assume_equal(&mut self, state: &mut State, x: &Value, y: &Value, holds: bool) -> bool {
        let (x, y) = match (x, y) {
            (Value::Zero(_), y) => (y, x),
            _ => (x, y),
        };
        match (x, y) {
            (Value::Const(x), Value::Const(y)) => (x == y) == holds,
            (value, Value::Zero(_)) => match value {
                Value::Term(term) => {
                    let term = self.terms.stable(*term);
                    let fact = if holds {
                        Fact::Zero(None)
                    } else {
                        Fact::NonZero
                    };
                    state.assume(term, fact, &self.terms)
                }
                other => match state.truth(other, &self.terms) {
                    Some(Truth::Zero(_)) => holds,
                    Some(Truth::NonZero) => !holds,
                    None => true,
                },
            },
            _ => {
                let (Some(x), Some(y)) = (self.term_of(x), self.term_of(y)) else {
                    return true;
                };
                if x == y {
                    return holds;
                }
                let (x, y) = (self.terms.stable(x), self.terms.stable(y));
                let equal = self.terms.equal(x, y);
                let fact = if holds {
                    Fact::NonZero
                } else {
                    Fact::Zero(None)
                };
                state.assume(equal, fact, &self.terms)
            }
        }
    }

    // Memory.

    /// A name for what an instruction gives, unlike what it gave before.
    pub(crate) fn fresh(&mut self, state: &mut State, site: Site, number: u16) -> Value {
        let term = self.terms.intern(TermKind::Result(site, number));
        self.anew(state, site, term)
    }

    /// The name that an instruction has for what it gives: what it gave when it ran before was
    /// another value.
    pub(crate) fn anew(&self, state: &mut State, site: Site, term: Term) -> Value {
        if self.ran.contains(&site) {
            state.forget(&self.terms, |other| other == term);
        }
        Value::Term(term)
    }

    /// The term of a value that has one.
    pub(crate) fn term_of(&mut self, value: &Value) -> Option<Term> {
        match value {
            Value::Term(term) => Some(*term),
            Value::Const(constant) => Some(self.terms.intern(TermKind::Const(*constant))),
            Value::Zero(_) => Some(self.terms.intern(TermKind::Const(Const::Int(0)))),
            Value::NonZero => Some(self.terms.intern(TermKind::Const(Const::Bool(true)))),
            _ => None,
        }
    }

    /// Where a path leads; none if that is not known.
    pub(crate) fn address(&mut self, state: &mut State, place: PlaceId) -> Option<Address> {
        match self.unit.places.get(place).kind {
            PlaceKind::Var(var) => Some(Address::of(Root::Var(var))),
            PlaceKind::Global { package, name } => Some(Address::of(Root::Global(package, name))),
            PlaceKind::Deref(base) => match self.read(state, base) {
                Value::Ref(address) => Some(address),
                Value::Term(term) => Some(Address::of(Root::Pointee(term))),
                _ => None,
            },
            PlaceKind::Field { base, index, .. } => Some(self.address(state, base)?.step(index)),
            PlaceKind::Index { base, .. } => {
                if self.worker.is_slice(self.unit.places.get(base).ty) {
                    match self.read(state, base) {
                        Value::Ref(address) => Some(address.step(ELEM)),
                        _ => None,
                    }
                } else {
                    Some(self.address(state, base)?.step(ELEM))
                }
            }
            PlaceKind::MapElem { .. } => None,
        }
    }

    /// What lies at a path.
    pub(crate) fn read(&mut self, state: &mut State, place: PlaceId) -> Value {
        // Errors at package level are made once and kept: `var ErrClosed = errors.New(...)`.
        let at = *self.unit.places.get(place);
        if matches!(at.kind, PlaceKind::Global { .. }) && self.worker.is_error(at.ty) {
            return Value::NonZero;
        }
        match self.address(state, place) {
            Some(address) => state.load(&address, &mut self.terms),
            None => Value::Unknown,
        }
    }

    /// Puts a value at a path.
    pub(crate) fn write(&mut self, state: &mut State, place: PlaceId, value: Value) {
        // A nil map in an interface is not nil.
        let value = match value {
            Value::Zero(Some(_)) if self.worker.is_interface(self.unit.places.get(place).ty) => {
                Value::NonZero
            }
            value => value,
        };
        match self.address(state, place) {
            Some(address) => state.store(&address, value, &mut self.terms),
            None => state.escape(&value),
        }
    }

    /// The value of an operand.
    pub(crate) fn operand(&mut self, state: &mut State, operand: Operand) -> Value {
        match operand {
            Operand::Place(place) => self.read(state, place),
            Operand::Addr(place) => match self.address(state, place) {
                Some(address) => Value::Ref(address),
                None => Value::NonZero,
            },
            Operand::Const(constant) => Value::constant(constant),
            Operand::Nil => Value::Zero(None),
        }
    }

    // What findings tell.

    pub(crate) fn loc(&self, span: Span) -> Loc {
        Loc {
            file: self.unit.file,
            span,
        }
    }

    pub(crate) fn origin(&mut self, kind: OriginKind, span: Span, var: Option<VarId>) -> OriginId {
        let origin = Origin {
            kind,
            at: self.loc(span),
            function: self.name.clone(),
            name: var.and_then(|var| self.unit.var(var).name),
        };
        self.worker.origins.intern(origin)
    }

    /// The origin of a zero value of that type, if there is a map in it.
    pub(crate) fn zero_origin(
        &mut self,
        ty: TypeId,
        span: Span,
        var: Option<VarId>,
    ) -> Option<OriginId> {
        if !self.worker.holds_map(ty) {
            return None;
        }
        let kind = if self.worker.is_map(ty) {
            match var.map(|var| self.unit.var(var).kind) {
                Some(VarKind::Result(_)) => OriginKind::NamedResult,
                _ => OriginKind::Declared,
            }
        } else {
            OriginKind::ZeroStruct(self.worker.type_name(ty))
        };
        let span = var.map_or(span, |var| self.unit.var(var).span);
        Some(self.origin(kind, span, var))
    }

    pub(crate) fn is_map(&mut self, place: PlaceId) -> bool {
        self.worker.is_map(self.unit.places.get(place).ty)
    }
}

/// Which of several states a further one has most in common with.
fn closest(states: &[(u64, State)], state: &State) -> usize {
    let distances = states.iter().map(|(_, other)| other.distance(state));
    let nearest = distances.enumerate().min_by_key(|&(_, distance)| distance);
    nearest.map_or(0, |(slot, _)| slot)
}
