//! One declared function with its closures.

use crate::callbacks;
use crate::captured;
use crate::engine::{Engine, Gathered, NilWrite};
use crate::fields::Bare;
use crate::library::{self, Effect};
use crate::liveness::Liveness;
use crate::origin::{Origin, OriginId, OriginKind};
use crate::summary::{Summary, Write};
use crate::worker::Worker;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;
use std::rc::Rc;
use tophash_flow::{
    Callee, FnId, Op, Operand, PlaceId, PlaceKind, Terminator, Unit, Value, VarId, VarKind,
};
use tophash_types::TypeId;

/// How a variable is assigned.
#[derive(Clone, Copy, Default)]
struct Assigned {
    /// It gets a value that is not written out as nil or zero.
    some: bool,
    /// It is declared without a value, in code that can be reached.
    zero: bool,
    /// It gets a value that is not a map made there and then.
    other: bool,
    /// A function other than the one that declares it assigns it.
    by_others: bool,
}

/// A unit under analysis. Its functions are analysed on demand, each once.
pub struct UnitAnalysis {
    /// The unit.
    pub unit: Rc<Unit>,
    assigned: Vec<Assigned>,
    never: FxHashMap<VarId, OriginId>,
    /// Types of lists that elements, or parts of elements, are assigned of.
    element_writes: FxHashSet<TypeId>,
    summaries: RefCell<FxHashMap<FnId, Option<Rc<Summary>>>>,
    writes: RefCell<Vec<NilWrite>>,
    unmade: RefCell<Vec<Rc<Write>>>,
    bare: RefCell<Vec<Bare>>,
    liveness: RefCell<FxHashMap<FnId, Rc<Liveness>>>,
}

impl UnitAnalysis {
    pub(crate) fn new(worker: &mut Worker, unit: Unit) -> UnitAnalysis {
        let unit = Rc::new(unit);
        let assigned = assignments(&unit);
        let mut never = FxHashMap::default();
        for (n, var) in unit.vars.iter().enumerate() {
            let id = VarId(n as u32);
            let starts_zero = matches!(var.kind, VarKind::Local | VarKind::Result(_));
            if !starts_zero
                || !var.captured
                || var.address_taken
                || assigned[n].some
                || !(assigned[n].zero || matches!(var.kind, VarKind::Result(_)))
                || !worker.holds_map(var.ty)
            {
                continue;
            }
            let kind = if !worker.is_map(var.ty) {
                OriginKind::ZeroStruct(worker.type_name(var.ty))
            } else if matches!(var.kind, VarKind::Result(_)) {
                OriginKind::NamedResult
            } else {
                OriginKind::Declared
            };
            let origin = Origin {
                kind,
                at: crate::origin::Loc {
                    file: unit.file,
                    span: var.span,
                },
                function: crate::names::function(&worker.checker, &unit, var.owner),
                name: var.name,
            };
            never.insert(id, worker.origins.intern(origin));
        }
        let element_writes = element_writes(&unit);
        UnitAnalysis {
            unit,
            element_writes,
            assigned,
            never,
            summaries: RefCell::default(),
            writes: RefCell::default(),
            unmade: RefCell::default(),
            bare: RefCell::default(),
            liveness: RefCell::default(),
        }
    }

    /// Whether a map is written anywhere in the function or its closures, other than one
    /// in a local variable that only ever holds maps made there.
    pub(crate) fn writes_maps(&self) -> bool {
        let ops = self.unit.functions.iter().flat_map(|f| &f.blocks);
        ops.flat_map(|block| &block.instrs)
            .any(|instr| match &instr.op {
                Op::MapWrite { elem, .. } => !self.is_always_made(*elem),
                Op::Call(call) => match call.callee {
                    Callee::Static(name) => library::effect(name) == Some(Effect::FillsMap),
                    _ => false,
                },
                _ => false,
            })
    }

    /// Whether a map is handed to a function, other than one that lies in a local variable
    /// that only ever holds maps made there.
    pub(crate) fn hands_over_maps(&self, worker: &mut Worker) -> bool {
        let unit = &self.unit;
        unit.functions
            .iter()
            .flat_map(|f| &f.blocks)
            .flat_map(|block| &block.instrs)
            .any(|instr| {
                let call = match &instr.op {
                    Op::Call(call) | Op::Go(call) => call,
                    Op::Assign {
                        value: Value::MethodValue { receiver, .. },
                        ..
                    } => return self.may_be_nil(worker, *receiver),
                    _ => return false,
                };
                if matches!(call.callee, Callee::Builtin(_)) {
                    return false;
                }
                call.receiver
                    .iter()
                    .any(|&receiver| self.may_be_nil(worker, receiver))
                    || call.args.iter().enumerate().any(|(n, &arg)| match arg {
                        Operand::Nil => worker.takes_map(unit, call, n),
                        arg => self.may_be_nil(worker, arg),
                    })
            })
    }

    fn may_be_nil(&self, worker: &mut Worker, operand: Operand) -> bool {
        let (Operand::Place(place) | Operand::Addr(place)) = operand else {
            return false;
        };
        worker.is_map(self.unit.places.get(place).ty) && !self.is_made(place)
    }

    /// Whether the map of an element lies in a local variable that holds no other maps
    /// than such as were made when it was assigned.
    fn is_always_made(&self, elem: PlaceId) -> bool {
        let PlaceKind::MapElem { map, .. } = self.unit.places.get(elem).kind else {
            return false;
        };
        self.is_made(map)
    }

    fn is_made(&self, map: PlaceId) -> bool {
        let PlaceKind::Var(id) = self.unit.places.get(map).kind else {
            return false;
        };
        let var = self.unit.var(id);
        let assigned = &self.assigned[id.index()];
        var.kind == VarKind::Local && !var.address_taken && assigned.some && !assigned.other
    }

    /// Where a captured variable's nil comes from, if nothing else is ever assigned to it.
    pub(crate) fn never_assigned(&self, var: VarId) -> Option<OriginId> {
        self.never.get(&var).copied()
    }

    /// Whether a variable is read in any function of the unit.
    pub(crate) fn is_read(&self, var: VarId) -> bool {
        self.unit
            .functions
            .iter()
            .any(|function| self.liveness(function.id).read.contains(&var))
    }

    /// Whether elements, or parts of elements, of lists of a type are assigned anywhere.
    pub(crate) fn assigns_elements_of(&self, list: TypeId) -> bool {
        self.element_writes.contains(&list)
    }

    /// Whether a variable changes in no function but the one that declares it.
    pub(crate) fn owner_alone_assigns(&self, var: VarId) -> bool {
        !self.assigned[var.index()].by_others && !self.unit.var(var).address_taken
    }

    /// Variables that are read at the beginning of a block of a function or later.
    pub(crate) fn liveness(&self, id: FnId) -> Rc<Liveness> {
        let mut known = self.liveness.borrow_mut();
        let live = known
            .entry(id)
            .or_insert_with(|| Rc::new(Liveness::new(&self.unit, id)));
        live.clone()
    }

    /// What callers see of a function of the unit.
    pub(crate) fn closure(&self, worker: &mut Worker, id: FnId) -> Rc<Summary> {
        match self.summaries.borrow().get(&id) {
            Some(Some(summary)) => return summary.clone(),
            // It calls itself.
            Some(None) => return Rc::new(Summary::opaque()),
            None => {}
        }
        self.summaries.borrow_mut().insert(id, None);
        // While a function is being analysed nothing is known of it.
        let declared = id == FnId::ROOT && worker.enter(self.unit.name);
        let function = self.unit.function(id);
        let (gathered, mut summary) = Engine::new(worker, self, id).run();
        summary.variadic = function
            .variadic
            .then(|| function.params.len() as u32 - 1 + u32::from(function.receiver.is_some()));
        let Gathered {
            writes,
            unmade,
            bare,
            ..
        } = gathered;
        self.bare.borrow_mut().extend(bare.into_values());
        self.unmade.borrow_mut().extend(unmade);
        self.writes.borrow_mut().extend(writes.into_values());
        let summary = Rc::new(summary);
        if declared {
            worker.leave(self.unit.name, summary.clone());
        }
        self.summaries
            .borrow_mut()
            .insert(id, Some(summary.clone()));
        summary
    }

    /// Unguarded writes to fields that nothing in the package ever gives a value, in the
    /// functions that were analysed.
    pub(crate) fn unmade(&self) -> Vec<Rc<Write>> {
        self.unmade.borrow().clone()
    }

    /// Writes to maps of which nothing is known, in the functions that were analysed.
    pub(crate) fn bare(&self) -> Vec<Bare> {
        self.bare.borrow().clone()
    }

    /// Nil writes in the function and all its closures.
    pub(crate) fn nil_writes(&self, worker: &mut Worker) -> Vec<NilWrite> {
        for function in &self.unit.functions {
            self.closure(worker, function.id);
        }
        let mut writes = self.writes.borrow().clone();
        writes.extend(captured::nilled_by_sibling(worker, self));
        writes.extend(callbacks::called_with_nil(worker, self));
        writes
    }
}

/// Looks through a unit for what is assigned where.
fn assignments(unit: &Unit) -> Vec<Assigned> {
    let mut assigned = vec![Assigned::default(); unit.vars.len()];
    let mut zeros: Vec<VarId> = Vec::new();
    for function in &unit.functions {
        let mut assign = |place: PlaceId, some: bool, made: bool| {
            if let Some(var) = assigned_var(unit, place) {
                let entry = &mut assigned[var.index()];
                entry.some |= some;
                entry.other |= !made;
                entry.by_others |= unit.var(var).owner != function.id;
            }
        };
        for block in &function.blocks {
            for instr in &block.instrs {
                match &instr.op {
                    Op::Assign { dst, ok, value } => {
                        let nothing = matches!(value, Value::Zero(_) | Value::Use(Operand::Nil))
                            && matches!(unit.places.get(*dst).kind, PlaceKind::Var(_));
                        let made = matches!(value, Value::MakeMap { .. } | Value::MapLit { .. });
                        assign(*dst, !nothing, made);
                        if nothing {
                            zeros.extend(assigned_var(unit, *dst));
                        }
                        if let Some(ok) = ok {
                            assign(*ok, true, false);
                        }
                    }
                    Op::Call(call) | Op::Go(call) => {
                        call.results
                            .iter()
                            .for_each(|&place| assign(place, true, false));
                    }
                    _ => {}
                }
            }
            if let Terminator::Range(next) = &block.end {
                next.key
                    .iter()
                    .chain(&next.value)
                    .for_each(|&place| assign(place, true, false));
            }
        }
    }
    for var in zeros {
        assigned[var.index()].zero = true;
    }
    assigned
}

fn element_writes(unit: &Unit) -> FxHashSet<TypeId> {
    let mut types = FxHashSet::default();
    for block in unit.functions.iter().flat_map(|f| &f.blocks) {
        for instr in &block.instrs {
            let Op::Assign { dst, .. } = &instr.op else {
                continue;
            };
            let mut place = Some(*dst);
            while let Some(at) = place {
                if let PlaceKind::Index { base, .. } = unit.places.get(at).kind {
                    types.insert(unit.places.get(base).ty);
                }
                place = unit.places.parent(at);
            }
        }
    }
    types
}

/// The variable that a path is, or is a part of, without following pointers.
fn assigned_var(unit: &Unit, mut place: PlaceId) -> Option<VarId> {
    loop {
        place = match unit.places.get(place).kind {
            PlaceKind::Var(var) => return Some(var),
            PlaceKind::Field { base, .. } | PlaceKind::Index { base, .. } => base,
            PlaceKind::Global { .. } | PlaceKind::Deref(_) | PlaceKind::MapElem { .. } => {
                return None;
            }
        };
    }
}
