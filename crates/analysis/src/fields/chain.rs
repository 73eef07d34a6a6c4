//! Where the object whose field is written comes from, told from definitions alone.

use crate::names;
use crate::summary::FieldName;
use crate::worker::Worker;
use rustc_hash::FxHashMap;
use tophash_flow::{
    Call, FnId, Op, Operand, PlaceId, PlaceKind, Terminator, Unit, Value, VarId, VarKind,
};
use tophash_types::TypeId;

/// The way from a map back to the variable that it is reached from.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// Fields of defined types on the way, the map's own first.
    pub fields: Vec<FieldName>,
    /// Types of the structs on the way, the map's own first.
    pub owners: Vec<TypeId>,
    /// Types of the lists and maps that an element was taken of, the innermost first.
    pub containers: Vec<TypeId>,
    /// How many containers lie between the map and each of the structs.
    pub crossed: Vec<usize>,
    /// Whether the map is itself an element of the first container.
    pub inner: bool,
    /// Where it starts.
    pub root: Root,
}

/// Where a chain starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Root {
    /// The receiver.
    Receiver,
    /// A parameter.
    Param(VarId),
    /// A variable that starts zero, or holds an object made in the function.
    Made(VarId),
    /// A package-level variable.
    Global,
    /// What a call gives: the function and its results' number.
    Call(Option<tophash_flow::FuncName>),
    /// Anything else.
    Unknown,
}

/// A container that objects are put into and taken from, told by the variable or field
/// that holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Container {
    /// A field of a defined type.
    Field(FieldName),
    /// A package-level variable.
    Global(tophash_syntax::Symbol, tophash_syntax::Symbol),
    /// A variable of the function.
    Variable(VarId),
}

/// What a variable is given.
#[derive(Clone, Copy)]
enum Definition<'u> {
    Value(&'u Value),
    Call(&'u Call),
    Element(Operand),
}

/// What the variables of a unit are given.
pub(crate) struct Definitions<'u> {
    unit: &'u Unit,
    by_var: FxHashMap<VarId, Vec<Definition<'u>>>,
}

/// Steps back from a map, and ways there are.
const MAX_STEPS: usize = 24;
const MAX_CHAINS: usize = 6;

impl<'u> Definitions<'u> {
    /// The definitions in all functions of a unit.
    pub(crate) fn new(unit: &'u Unit) -> Definitions<'u> {
        let mut by_var: FxHashMap<VarId, Vec<Definition<'u>>> = FxHashMap::default();
        let mut define = |place: PlaceId, definition: Definition<'u>| {
            if let PlaceKind::Var(var) = unit.places.get(place).kind {
                by_var.entry(var).or_default().push(definition);
            }
        };
        for block in unit.functions.iter().flat_map(|f| &f.blocks) {
            for instr in &block.instrs {
                match &instr.op {
                    Op::Assign { dst, value, .. } => define(*dst, Definition::Value(value)),
                    Op::Call(call) => {
                        for &result in &call.results {
                            define(result, Definition::Call(call));
                        }
                    }
                    _ => {}
                }
            }
            if let Terminator::Range(next) = &block.end
                && let Some(value) = next.value
            {
                define(value, Definition::Element(next.x));
            }
        }
        Definitions { unit, by_var }
    }

    /// The ways back from a map.
    pub(crate) fn chains(&self, worker: &mut Worker, map: PlaceId) -> Vec<Chain> {
        let start = Chain {
            fields: Vec::new(),
            owners: Vec::new(),
            containers: Vec::new(),
            crossed: Vec::new(),
            inner: false,
            root: Root::Unknown,
        };
        let mut done = Vec::new();
        let mut open = vec![(start, map, 0)];
        while let Some((mut chain, place, steps)) = open.pop() {
            if steps > MAX_STEPS || done.len() + open.len() > MAX_CHAINS {
                done.push(chain);
                continue;
            }
            let at = self.unit.places.get(place);
            match at.kind {
                PlaceKind::Field { base, .. } => {
                    match names::field(worker, self.unit, place) {
                        Some(field) => chain.fields.push(field),
                        // A field of a type without a name.
                        None if chain.fields.is_empty() => {
                            done.push(chain);
                            continue;
                        }
                        None => {}
                    }
                    chain.owners.push(self.unit.places.get(base).ty);
                    chain.crossed.push(chain.containers.len());
                    open.push((chain, base, steps + 1));
                }
                PlaceKind::Deref(base) => open.push((chain, base, steps + 1)),
                PlaceKind::Index { base, .. } | PlaceKind::MapElem { map: base, .. } => {
                    chain.inner |= chain.fields.is_empty();
                    chain.containers.push(self.unit.places.get(base).ty);
                    open.push((chain, base, steps + 1));
                }
                PlaceKind::Global { .. } => {
                    chain.root = Root::Global;
                    done.push(chain);
                }
                PlaceKind::Var(var) => self.define(chain, var, steps, &mut open, &mut done),
            }
        }
        done
    }

    fn define(
        &self,
        mut chain: Chain,
        var: VarId,
        steps: usize,
        open: &mut Vec<(Chain, PlaceId, usize)>,
        done: &mut Vec<Chain>,
    ) {
        match self.unit.var(var).kind {
            VarKind::Receiver => {
                chain.root = Root::Receiver;
                done.push(chain);
                return;
            }
            VarKind::Param(_) => {
                chain.root = Root::Param(var);
                done.push(chain);
                return;
            }
            _ => {}
        }
        let Some(definitions) = self.by_var.get(&var) else {
            done.push(chain);
            return;
        };
        let several = definitions.len() > 1;
        for &definition in definitions {
            let mut chain = chain.clone();
            let next = match definition {
                Definition::Value(value) => match value {
                    Value::Use(Operand::Place(place) | Operand::Addr(place))
                    | Value::Convert {
                        x: Operand::Place(place) | Operand::Addr(place),
                        ..
                    }
                    | Value::Slice(Operand::Place(place) | Operand::Addr(place)) => Some(*place),
                    Value::MapRead { elem } => Some(*elem),
                    Value::Zero(_) | Value::Use(Operand::Nil) if several => continue,
                    Value::Zero(_) | Value::New(_) | Value::StructLit { .. } => {
                        chain.root = Root::Made(var);
                        None
                    }
                    _ => None,
                },
                Definition::Call(call) => {
                    chain.root = Root::Call(match call.callee {
                        tophash_flow::Callee::Static(name) => Some(name),
                        _ => None,
                    });
                    None
                }
                Definition::Element(operand) => match operand {
                    Operand::Place(place) | Operand::Addr(place) => {
                        chain.inner |= chain.fields.is_empty();
                        chain.containers.push(self.unit.places.get(place).ty);
                        Some(place)
                    }
                    _ => None,
                },
            };
            match next {
                Some(place) => open.push((chain, place, steps + 1)),
                None => done.push(chain),
            }
        }
    }

    /// The container that an object was taken from, the nearest one, where it has a name.
    pub(crate) fn container(&self, worker: &mut Worker, map: PlaceId) -> Option<Container> {
        let mut place = map;
        for _ in 0..MAX_STEPS {
            place = match self.unit.places.get(place).kind {
                PlaceKind::Field { base, .. } | PlaceKind::Deref(base) => base,
                PlaceKind::Index { base, .. } | PlaceKind::MapElem { map: base, .. } => {
                    return self.named_container(worker, base);
                }
                PlaceKind::Global { .. } => return None,
                PlaceKind::Var(var) => {
                    let definitions = self.by_var.get(&var)?;
                    let mut found = definitions
                        .iter()
                        .filter_map(|definition| match definition {
                            Definition::Value(Value::MapRead { elem }) => Some(*elem),
                            Definition::Value(Value::Use(Operand::Place(of))) if *of != place => {
                                Some(*of)
                            }
                            Definition::Element(Operand::Place(of) | Operand::Addr(of)) => {
                                Some(*of)
                            }
                            _ => None,
                        });
                    let next = found.next()?;
                    if definitions
                        .iter()
                        .any(|d| matches!(d, Definition::Element(_)))
                    {
                        return self.named_container(worker, next);
                    }
                    next
                }
            };
        }
        None
    }

    /// The name of a list or map.
    pub(crate) fn named_container(&self, worker: &mut Worker, place: PlaceId) -> Option<Container> {
        let place = self.alias_of(place);
        match self.unit.places.get(place).kind {
            PlaceKind::Field { .. } => names::field(worker, self.unit, place).map(Container::Field),
            PlaceKind::Global { package, name } => Some(Container::Global(package, name)),
            PlaceKind::Deref(base) => self.named_container(worker, base),
            PlaceKind::Var(var) => Some(Container::Variable(var)),
            _ => None,
        }
    }

    /// Whether a parameter is given to no other function before a write: that may complete it.
    pub(crate) fn untouched(&self, chain: &Chain, write: tophash_syntax::Span) -> bool {
        let Root::Param(var) = chain.root else {
            return true;
        };
        let calls = self.calls_on(var);
        !calls.iter().any(|(_, at, _)| at.span.start < write.start)
    }

    /// Whether a variable is only ever given a zero value, by `var`, `new` or `T{}`.
    pub(crate) fn starts_empty(&self, var: VarId) -> bool {
        let definitions = self.by_var.get(&var).map_or(&[][..], Vec::as_slice);
        definitions.iter().all(|definition| match definition {
            Definition::Value(Value::Zero(_)) => true,
            Definition::Value(Value::StructLit { fields, .. }) => fields.is_empty(),
            Definition::Value(Value::New(_)) => self.parts_of(var).is_empty(),
            Definition::Value(Value::Use(Operand::Place(of))) => {
                matches!(self.unit.places.get(*of).kind, PlaceKind::Var(other)
                    if other != var && self.unit.var(other).kind == VarKind::Temp
                        && self.starts_empty(other))
            }
            _ => false,
        })
    }

    /// The place that a local variable is a copy of, if it is one in all its definitions.
    pub(crate) fn alias_of(&self, place: PlaceId) -> PlaceId {
        let PlaceKind::Var(var) = self.unit.places.get(place).kind else {
            return place;
        };
        let Some(definitions) = self.by_var.get(&var) else {
            return place;
        };
        match definitions[..] {
            [Definition::Value(Value::Use(Operand::Place(of)))] if *of != place => {
                self.alias_of(*of)
            }
            _ => place,
        }
    }

    /// Calls that are given the address of a variable, or the pointer in it, with the
    /// function they stand in.
    pub(crate) fn calls_on(&self, var: VarId) -> Vec<(&'u Call, tophash_flow::At, FnId)> {
        let mut calls = Vec::new();
        for function in &self.unit.functions {
            for instr in function.blocks.iter().flat_map(|b| &b.instrs) {
                let Op::Call(call) = &instr.op else { continue };
                let given = call.args.iter().any(|operand| match *operand {
                    Operand::Addr(place) | Operand::Place(place) => self.leads_to(place, var, 4),
                    _ => false,
                });
                if given {
                    calls.push((&**call, instr.at, function.id));
                }
            }
        }
        calls
    }

    /// What lies in the fields of a literal that a pointer points to.
    fn parts_of(&self, pointer: VarId) -> Vec<PlaceId> {
        let instrs = self.unit.functions.iter().flat_map(|f| &f.blocks);
        let instrs = instrs.flat_map(|block| &block.instrs);
        let mut parts = Vec::new();
        for instr in instrs {
            let Op::Assign {
                dst,
                value: Value::StructLit { fields, .. },
                ..
            } = &instr.op
            else {
                continue;
            };
            let of = match self.unit.places.get(*dst).kind {
                PlaceKind::Deref(base) => self.unit.places.get(base).kind,
                _ => continue,
            };
            if matches!(of, PlaceKind::Var(var) if var == pointer) {
                parts.extend(fields.iter().filter_map(|(_, operand)| match *operand {
                    Operand::Place(place) | Operand::Addr(place) => Some(place),
                    _ => None,
                }));
            }
        }
        parts
    }

    /// Whether a place is a variable, or a temporary that holds it or its address.
    fn leads_to(&self, place: PlaceId, var: VarId, depth: usize) -> bool {
        let PlaceKind::Var(other) = self.unit.places.get(place).kind else {
            return false;
        };
        if other == var {
            return true;
        }
        let Some([Definition::Value(value)]) = self.by_var.get(&other).map(Vec::as_slice) else {
            return false;
        };
        if depth > 0 && matches!(value, Value::New(_)) {
            // A struct made for the call that holds it.
            return self
                .parts_of(other)
                .iter()
                .any(|&part| self.leads_to(part, var, depth - 1));
        }
        match value {
            Value::Use(Operand::Place(of) | Operand::Addr(of))
            | Value::Convert {
                x: Operand::Place(of) | Operand::Addr(of),
                ..
            } => depth > 0 && self.leads_to(*of, var, depth - 1),
            _ => false,
        }
    }
}
