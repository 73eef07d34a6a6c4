//! From access paths to classes, and from operands to what they stand for.

use super::Walk;
use super::state::State;
use crate::class::{ClassId, Root, Step};
use crate::value::{Base, Taken, Val};
use std::rc::Rc;
use tophash_analysis::Loc;
use tophash_flow::{FnId, Instr, Method, Operand, PlaceId, PlaceKind, Value, VarId, VarKind};
use tophash_syntax::Span;
use tophash_types::TypeId;

/// A class, how its object is come by, and when it was taken out of its variable.
pub(crate) type Resolved = (ClassId, Base, Option<Rc<Taken>>);

impl Walk<'_, '_, '_> {
    pub(crate) fn loc(&self, span: Span) -> Loc {
        Loc {
            file: self.unit.file,
            span,
        }
    }

    /// What a path means here.
    pub(crate) fn resolve(&mut self, state: &State, place: PlaceId) -> Resolved {
        let unit = self.unit.clone();
        match unit.places.get(place).kind {
            PlaceKind::Field { .. } if state.fields.contains_key(&place) => {
                let class = self.class_of(state, place);
                match &state.fields[&place] {
                    Val::Alias { class, base, taken } => (*class, state.seen(*base), taken.clone()),
                    Val::Fresh { made, .. } => (class, state.seen(Base::Fresh(*made)), None),
                    _ => (class, Base::Unknown, None),
                }
            }
            PlaceKind::Var(var) => self.variable(state, var),
            PlaceKind::Global { package, name } => (
                self.pkg.classes.root(Root::Global(package, name)),
                Base::Global,
                None,
            ),
            PlaceKind::Deref(base) => {
                let (class, base, _) = self.resolve(state, base);
                (class, base, None)
            }
            PlaceKind::Field { base, name, .. } => {
                let (outer, how, taken) = self.resolve(state, base);
                let outer = self.struct_class(unit.places.get(base).ty).unwrap_or(outer);
                (self.pkg.classes.step(outer, Step::Field(name)), how, taken)
            }
            PlaceKind::Index { base, .. } | PlaceKind::MapElem { map: base, .. } => {
                let (class, how, _) = self.resolve(state, base);
                // What lies in a container made here may be anybody's.
                let how = match how {
                    Base::Fresh(_) => Base::Unknown,
                    how => how,
                };
                (self.pkg.classes.step(class, Step::Elem), how, None)
            }
        }
    }

    /// The class of a field, whatever it holds.
    fn class_of(&mut self, state: &State, field: PlaceId) -> ClassId {
        let unit = self.unit.clone();
        let PlaceKind::Field { base, name, .. } = unit.places.get(field).kind else {
            return self.resolve(state, field).0;
        };
        let outer = match self.struct_class(unit.places.get(base).ty) {
            Some(class) => class,
            None => self.resolve(state, base).0,
        };
        self.pkg.classes.step(outer, Step::Field(name))
    }

    /// Whether a path is part of a struct that is a variable of this function alone.
    fn is_local_field(&self, mut place: PlaceId) -> bool {
        loop {
            place = match self.unit.places.get(place).kind {
                PlaceKind::Field { base, .. } => base,
                PlaceKind::Var(var) => {
                    let var = self.unit.var(var);
                    return var.owner == self.id.function && !var.captured && !var.address_taken;
                }
                _ => return false,
            }
        }
    }

    /// The class of all structs of a defined type.
    pub(crate) fn struct_class(&mut self, ty: TypeId) -> Option<ClassId> {
        let (package, name) = self.pkg.worker.named(ty)?;
        Some(self.pkg.classes.root(Root::Type(package, name)))
    }

    fn variable(&mut self, state: &State, var: VarId) -> Resolved {
        let own = self.unit.var(var).owner == self.id.function;
        let known = match own {
            true => state.env.get(&var).cloned(),
            false => self.pkg.captured(self.id.unit, var),
        };
        match known {
            Some(Val::Alias { class, base, taken }) => {
                let base = match state.seen(base) {
                    Base::Fresh(_) if !own => Base::Var(var),
                    base => base,
                };
                return (class, base, taken);
            }
            Some(Val::Unlock(held)) => return (held.class, Base::Unknown, None),
            Some(Val::Fresh { made, class }) => {
                let base = match own {
                    true => state.seen(Base::Fresh(made)),
                    false => Base::Var(var),
                };
                return (class, base, None);
            }
            _ => {}
        }
        let class = self.pkg.classes.root(Root::Local(self.id.unit, var));
        let given = matches!(
            self.unit.var(var).kind,
            VarKind::Receiver | VarKind::Param(_)
        );
        let base = match (own, given) {
            (true, false) => Base::Unknown,
            _ => Base::Var(var),
        };
        (class, base, None)
    }

    /// What an operand stands for.
    pub(crate) fn operand(&mut self, state: &State, operand: Operand) -> Option<Val> {
        match operand {
            Operand::Place(place) => {
                let unit = self.unit.clone();
                let ty = unit.places.get(place).ty;
                if let PlaceKind::Var(var) = unit.places.get(place).kind {
                    let own = unit.var(var).owner == self.id.function;
                    let known = match own {
                        true => state.env.get(&var).cloned(),
                        false => self.pkg.captured(self.id.unit, var),
                    };
                    if let Some(val) = known
                        && (own || !matches!(val, Val::Fresh { .. }))
                    {
                        return Some(val);
                    }
                }
                if !self.pkg.can_lead_somewhere(ty) {
                    return None;
                }
                let (class, base, taken) = self.resolve(state, place);
                if base == Base::Unknown && matches!(unit.places.get(place).kind, PlaceKind::Var(_))
                {
                    return None;
                }
                let span = Span::default();
                let taken = taken.or_else(|| self.taken(state, ty, span));
                Some(Val::Alias { class, base, taken })
            }
            Operand::Addr(place) => {
                let (class, base, _) = self.resolve(state, place);
                Some(Val::Alias {
                    class,
                    base,
                    taken: None,
                })
            }
            Operand::Nil => Some(Val::Nil),
            Operand::Const(_) => None,
        }
    }

    /// Of maps and of structs that hold some: the locks under which they are read.
    pub(crate) fn taken(&mut self, state: &State, ty: TypeId, span: Span) -> Option<Rc<Taken>> {
        self.pkg.holds_map(ty).then(|| {
            Rc::new(Taken {
                locks: state.must.clone(),
                at: self.loc(span),
            })
        })
    }

    pub(crate) fn assign(&mut self, state: &mut State, dst: PlaceId, value: &Value, instr: &Instr) {
        let unit = self.unit.clone();
        let val = self.value(state, dst, value, instr);
        if !state.fields.is_empty() {
            state
                .fields
                .retain(|&place, _| !unit.places.starts_with(place, dst));
        }
        match unit.places.get(dst).kind {
            PlaceKind::Field { .. } if self.is_local_field(dst) => match val {
                Some(val) => {
                    state.fields.insert(dst, val);
                }
                None => {
                    state.fields.remove(&dst);
                }
            },
            PlaceKind::Var(var) => match val {
                Some(val) => {
                    state.env.insert(var, val);
                }
                None => {
                    state.env.remove(&var);
                }
            },
            kind => {
                let (class, base, _) = self.resolve(state, dst);
                if let PlaceKind::Deref(pointer) = kind
                    && let PlaceKind::Var(var) = unit.places.get(pointer).kind
                    && let Some(Val::Fresh { .. }) = state.env.get(&var)
                {
                    // The value of what was just allocated.
                    if let Some(val) = &val {
                        state.keep(base, val);
                    }
                    return;
                }
                if self.pkg.is_reference(unit.places.get(dst).ty) {
                    // Another one lies there now; the variables keep the old one, which nobody
                    // else finds any more.
                    if let PlaceKind::Field { .. } | PlaceKind::Global { .. } = kind {
                        state.forget_taken(class);
                        self.replaced(class);
                        state.filling.retain(|c| *c != class);
                        if let Some(Val::Fresh { .. }) = val {
                            state.filling.push(class);
                        }
                    }
                }
                if let Some(val) = val {
                    state.keep(base, &val);
                    // It is found there from now on.
                    if let Value::Use(Operand::Place(from)) = value
                        && let PlaceKind::Var(var) = unit.places.get(*from).kind
                        && let Val::Fresh { .. } = val
                        && !matches!(state.seen(base), Base::Fresh(_))
                    {
                        let taken = None;
                        state.env.insert(var, Val::Alias { class, base, taken });
                    }
                }
            }
        }
    }

    fn value(
        &mut self,
        state: &mut State,
        dst: PlaceId,
        value: &Value,
        instr: &Instr,
    ) -> Option<Val> {
        let unit = self.unit.clone();
        let made = dst;
        match value {
            Value::Use(operand) | Value::Slice(operand) | Value::Convert { x: operand, .. } => {
                let val = self.operand(state, *operand);
                if let Some(Val::Alias {
                    class,
                    base,
                    taken: Some(taken),
                }) = &val
                    && taken.at.span == Span::default()
                {
                    return Some(Val::Alias {
                        class: *class,
                        base: *base,
                        taken: Some(Rc::new(Taken {
                            locks: taken.locks.clone(),
                            at: self.loc(instr.at.span),
                        })),
                    });
                }
                val
            }
            Value::Zero(ty) => match self.pkg.is_reference(*ty) {
                true => Some(Val::Nil),
                false => Some(self.fresh(state, made)),
            },
            Value::MakeMap { .. }
            | Value::MakeSlice { .. }
            | Value::MakeChan { .. }
            | Value::New(_) => Some(self.fresh(state, made)),
            Value::MapLit { entries, .. } => {
                let val = self.fresh(state, made);
                for (key, value) in entries {
                    for operand in [key, value] {
                        self.put_in(state, made, *operand);
                    }
                }
                Some(val)
            }
            Value::StructLit { fields, .. } => {
                let val = self.fresh(state, made);
                for (_, operand) in fields {
                    self.put_in(state, made, *operand);
                }
                Some(val)
            }
            Value::ListLit { elems, .. } => {
                let val = self.fresh(state, made);
                for operand in elems {
                    self.put_in(state, made, *operand);
                }
                Some(val)
            }
            Value::Append { slice, elems, .. } => {
                let val = self.operand(state, *slice);
                let base = match &val {
                    Some(Val::Alias { base, .. }) => *base,
                    Some(Val::Fresh { made, .. }) => Base::Fresh(*made),
                    _ => Base::Unknown,
                };
                for elem in elems {
                    if let Some(elem) = self.operand(state, *elem) {
                        state.keep(base, &elem);
                    }
                }
                val
            }
            Value::Closure(function) => {
                self.capture(state, *function);
                Some(Val::Closure(*function))
            }
            Value::Func(name) => Some(Val::Func(*name, None)),
            Value::MethodValue { receiver, method } => match method {
                Method::Static(name) => {
                    let base = match self.operand(state, *receiver) {
                        Some(Val::Alias { base, .. }) => base,
                        Some(Val::Fresh { made, .. }) => Base::Fresh(made),
                        _ => Base::Unknown,
                    };
                    if let Some(held) = self.unlock_value(state, *receiver, name.name.as_str()) {
                        return Some(Val::Unlock(held));
                    }
                    Some(Val::Func(*name, Some(base)))
                }
                Method::Interface { name, .. } => self
                    .unlock_value(state, *receiver, name.as_str())
                    .map(Val::Unlock),
            },
            Value::MapRead { elem } => {
                let PlaceKind::MapElem { .. } = unit.places.get(*elem).kind else {
                    return None;
                };
                let ty = unit.places.get(*elem).ty;
                if !self.pkg.can_lead_somewhere(ty) {
                    return None;
                }
                let (class, base, _) = self.resolve(state, *elem);
                let taken = self.taken(state, ty, instr.at.span);
                Some(Val::Alias { class, base, taken })
            }
            Value::TypeAssert { x, .. } => match self.operand(state, *x) {
                Some(Val::Alias { class, base, .. }) => Some(Val::Alias {
                    class,
                    base,
                    taken: None,
                }),
                _ => None,
            },
            _ => None,
        }
    }

    fn put_in(&mut self, state: &mut State, whole: PlaceId, operand: Operand) {
        if let Some(val) = self.operand(state, operand) {
            state.keep(Base::Fresh(whole), &val);
        }
    }

    /// An object that is made here and now, by what it is assigned to.
    pub(crate) fn fresh(&mut self, state: &mut State, made: PlaceId) -> Val {
        state.forget_made(made);
        let class = match self.unit.places.get(made).kind {
            PlaceKind::Var(var) => self.pkg.classes.root(Root::Local(self.id.unit, var)),
            _ => self.resolve(state, made).0,
        };
        Val::Fresh { made, class }
    }

    /// A closure comes into being: what its variables stand for inside it.
    pub(crate) fn capture(&mut self, state: &State, function: FnId) {
        let unit = self.unit.clone();
        for &var in &unit.function(function).captures {
            if unit.var(var).owner != self.id.function {
                continue;
            }
            let val = match state.env.get(&var) {
                Some(Val::Alias { class, base, taken }) => Some(Val::Alias {
                    class: *class,
                    base: match state.seen(*base) {
                        Base::Fresh(_) => Base::Var(var),
                        base => base,
                    },
                    taken: taken.clone(),
                }),
                other => other.cloned(),
            };
            self.pkg.set_captured(self.id.unit, var, val);
        }
    }
}
