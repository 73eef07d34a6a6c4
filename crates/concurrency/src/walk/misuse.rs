//! What instructions do to locks and maps that are not made for it.

use super::Walk;
use super::state::State;
use crate::class::{ClassId, Root, Step};
use crate::facts::{AccessKind, AfterSend, Sent, SyncOp, SyncUse, UnderCopy};
use crate::value::{Base, Val};
use smallvec::SmallVec;
use tophash_analysis::names;
use tophash_flow::{
    At, Call, Callee, Const, FuncName, Instr, Op, Operand, PlaceId, PlaceKind, Value, VarId,
    VarKind,
};
use tophash_syntax::Symbol;
use tophash_types::{Type, TypeId};

/// Structs in structs are looked into this far for locks and maps.
const STATE_DEPTH: usize = 2;

impl Walk<'_, '_, '_> {
    /// What an instruction does to maps of package sync, and to contexts.
    pub(super) fn record_misuse(&mut self, state: &State, instr: &Instr) {
        let unit = self.unit.clone();
        match &instr.op {
            Op::Assign { dst, value, .. } => {
                if !self.is_sync_map(unit.places.get(*dst).ty) {
                    return;
                }
                if let Value::Use(Operand::Place(from)) = value
                    && !self.is_own(*from)
                {
                    self.sync_use(state, *from, SyncOp::Copy, None, instr.at);
                }
                if !self.is_own(*dst) {
                    self.sync_use(state, *dst, SyncOp::Replace, None, instr.at);
                }
            }
            Op::Call(call) => {
                let Callee::Static(name) = call.callee else {
                    return;
                };
                match (name.package.as_str(), name.receiver.map(|r| r.as_str())) {
                    ("sync", Some("Map")) => self.sync_call(state, call, name, instr.at),
                    ("context", None) if name.name.as_str() == "WithValue" => {
                        self.context_put(state, call, instr.at);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn is_sync_map(&mut self, ty: TypeId) -> bool {
        let named = self.pkg.worker.named(ty);
        named.is_some_and(|(package, name)| package.as_str() == "sync" && name.as_str() == "Map")
    }

    /// Whether a path is a variable of this function.
    fn is_own(&self, place: PlaceId) -> bool {
        matches!(self.unit.places.get(place).kind, PlaceKind::Var(_))
    }

    fn sync_call(&mut self, state: &State, call: &Call, name: FuncName, at: At) {
        let Some(Operand::Addr(map) | Operand::Place(map)) = call.receiver else {
            return;
        };
        let result = call.results.first().copied();
        let result = result.and_then(|place| self.unit.places.root_var(place));
        let op = match name.name.as_str() {
            "Load" => SyncOp::Load(result),
            "Store" => match call.args.get(1) {
                Some(&value) => SyncOp::Store(value),
                None => SyncOp::Method,
            },
            _ => SyncOp::Method,
        };
        self.sync_use(state, map, op, call.args.first().copied(), at);
    }

    fn sync_use(&mut self, state: &State, map: PlaceId, op: SyncOp, key: Option<Operand>, at: At) {
        let (class, base, _) = self.resolve(state, map);
        let fresh = match op {
            SyncOp::Store(value) => {
                matches!(self.operand(state, value), Some(Val::Fresh { .. }))
                    && self.leads_to_object(value)
            }
            _ => false,
        };
        self.out.syncs.push(SyncUse {
            class,
            base: state.seen(base),
            op,
            key,
            fresh,
            at: self.loc(at.span),
            func: self.id,
            locks: state.locks(),
            block: self.block,
            text: names::path(&self.unit, map).into(),
        });
    }

    /// Whether it matters which of two equal objects a value is: it is a map, a channel, or a
    /// pointer to a struct with one of them or with a lock in it.
    fn leads_to_object(&mut self, operand: Operand) -> bool {
        let (Operand::Place(place) | Operand::Addr(place)) = operand else {
            return false;
        };
        let ty = self.unit.places.get(place).ty;
        let pointee = match operand {
            Operand::Addr(_) => Some(ty),
            _ => self.pkg.worker.pointee(ty),
        };
        match pointee {
            Some(ty) => self.has_identity(ty, STATE_DEPTH),
            None => {
                let under = self.pkg.worker.checker.underlying(ty);
                matches!(
                    self.pkg.worker.checker.ty(under),
                    Type::Map(..) | Type::Chan(..)
                )
            }
        }
    }

    /// Whether a struct has state that goroutines share: a lock, an atomic variable, a map or
    /// a channel.
    fn has_identity(&mut self, ty: TypeId, depth: usize) -> bool {
        if let Some((package, _)) = self.pkg.worker.named(ty)
            && matches!(package.as_str(), "sync" | "sync/atomic")
        {
            return true;
        }
        let under = self.pkg.worker.checker.underlying(ty);
        match self.pkg.worker.checker.ty(under).clone() {
            Type::Map(..) | Type::Chan(..) => true,
            Type::Struct(fields) => {
                depth > 0
                    && fields.fields.iter().any(|&field| {
                        let ty = self.pkg.worker.checker.type_of(field);
                        self.has_identity(ty, depth - 1)
                    })
            }
            _ => false,
        }
    }

    fn context_put(&mut self, state: &State, call: &Call, at: At) {
        let (Some(&key), Some(&Operand::Place(value))) = (call.args.get(1), call.args.get(2))
        else {
            return;
        };
        let value = match self.operand(state, Operand::Place(value)) {
            Some(Val::Fresh { made, .. }) => made,
            _ => value,
        };
        if self.pkg.worker.is_map(self.unit.places.get(value).ty)
            && let Some(class) = self.context_class(key)
        {
            self.out.context_puts.push((class, self.loc(at.span)));
        }
    }

    /// The class of what lies in a context under a key.
    fn context_class(&mut self, key: Operand) -> Option<ClassId> {
        let (package, name) = match key {
            Operand::Const(Const::Str(text)) => (Symbol::new(""), text),
            Operand::Place(place) => match self.unit.places.get(place).kind {
                PlaceKind::Global { package, name } => (package, name),
                _ => self.pkg.worker.named(self.unit.places.get(place).ty)?,
            },
            _ => return None,
        };
        Some(self.pkg.classes.root(Root::Made(FuncName {
            package,
            receiver: Some(Symbol::new("context")),
            name,
        })))
    }

    /// What a function of another package returns that others have, too.
    pub(super) fn shared_result(&mut self, state: &State, call: &Call) -> Option<Val> {
        let name = self.full_name(call)?;
        let receiver = name.receiver?;
        let (package, method) = (name.package.as_str(), name.name.as_str());
        let alias = |class, base| Val::Alias {
            class,
            base,
            taken: None,
        };
        match (package, receiver.as_str(), method) {
            ("sync/atomic", "Value" | "Pointer", "Load") => {
                let (Operand::Addr(place) | Operand::Place(place)) = call.receiver? else {
                    return None;
                };
                let (class, base, _) = self.resolve(state, place);
                let base = match state.seen(base) {
                    base @ Base::Fresh(_) => base,
                    _ => Base::Shared,
                };
                Some(alias(self.pkg.classes.step(class, Step::Loaded), base))
            }
            ("context", "Context", "Value") => {
                let class = self.context_class(*call.args.first()?)?;
                Some(alias(class, Base::Shared))
            }
            _ if is_cache(package, receiver.as_str(), method) => {
                Some(alias(self.pkg.classes.root(Root::Made(name)), Base::Cached))
            }
            _ => None,
        }
    }

    /// The use that was recorded last: whether the lock at it is a copy, and whether somebody
    /// was given the map before.
    pub(super) fn access_misuse(&mut self, state: &State, map: PlaceId, kind: AccessKind) {
        let Some(access) = self.out.accesses.len().checked_sub(1) else {
            return;
        };
        if kind != AccessKind::Len && kind != AccessKind::Replace {
            let var = self.unit.places.root_var(map);
            let copy = var.filter(|&var| self.is_copy(state, var) && self.is_part(map, var));
            if let Some(var) = copy {
                for held in state.must.iter() {
                    if held
                        .place
                        .is_some_and(|lock| self.is_copied_lock(lock, var))
                    {
                        let lock = held.class;
                        self.out.under_copies.push(UnderCopy { access, lock, var });
                        break;
                    }
                }
            }
        }
        if kind.writes() && state.must.is_empty() && !state.sent.is_empty() {
            let made = match self.unit.places.get(map).kind {
                PlaceKind::Var(var) => match state.env.get(&var) {
                    Some(Val::Fresh { made, .. }) => Some(*made),
                    _ => None,
                },
                _ => None,
            };
            let class = self.out.accesses[access].class;
            let sent = state
                .sent
                .iter()
                .find(|sent| sent.made.is_some() && sent.made == made || sent.class == Some(class));
            if let Some(&sent) = sent {
                self.out.after_sends.push(AfterSend { access, sent });
            }
        }
    }

    /// Whether a variable is a struct that was copied from where others have it.
    fn is_copy(&mut self, state: &State, var: VarId) -> bool {
        let info = self.unit.var(var).clone();
        let under = self.pkg.worker.checker.underlying(info.ty);
        if !matches!(self.pkg.worker.checker.ty(under), Type::Struct(_)) {
            return false;
        }
        match info.kind {
            VarKind::Receiver | VarKind::Param(_) => true,
            VarKind::Local => match state.env.get(&var) {
                Some(Val::Alias { base, .. }) => {
                    matches!(
                        state.seen(*base),
                        Base::Var(_) | Base::Global | Base::Shared
                    )
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether a lock lies in a variable itself: one that it has by pointer is not copied.
    fn is_copied_lock(&mut self, lock: PlaceId, var: VarId) -> bool {
        let ty = self.unit.places.get(lock).ty;
        let under = self.pkg.worker.checker.underlying(ty);
        matches!(self.pkg.worker.checker.ty(under), Type::Struct(_)) && self.is_part(lock, var)
    }

    /// Whether a path is a part of a variable itself, not reached by a pointer.
    fn is_part(&self, mut place: PlaceId, var: VarId) -> bool {
        loop {
            place = match self.unit.places.get(place).kind {
                PlaceKind::Field { base, .. } => base,
                PlaceKind::Var(v) => return v == var,
                _ => return false,
            }
        }
    }

    /// A value goes to a goroutine that uses it when it likes.
    pub(super) fn given_away(&mut self, state: &mut State, value: Operand, by_go: bool, at: At) {
        if !state.must.is_empty() {
            return;
        }
        let Operand::Place(place) = value else {
            return;
        };
        let is_map = self.pkg.worker.is_map(self.unit.places.get(place).ty);
        let mut sent: SmallVec<[Sent; 2]> = SmallVec::new();
        let one = |made, class| Sent {
            made,
            class,
            by_go,
            span: at.span,
        };
        match self.operand(state, value) {
            Some(Val::Fresh { made, .. }) => {
                if is_map {
                    sent.push(one(Some(made), None));
                }
                let parts = state.parts.iter().filter(|(whole, _)| *whole == made);
                for &(_, part) in parts {
                    if self.pkg.worker.is_map(self.unit.places.get(part).ty) {
                        sent.push(one(Some(part), None));
                    }
                }
            }
            Some(Val::Alias { class, .. })
                if is_map
                    && matches!(self.unit.places.get(place).kind, PlaceKind::Field { .. }) =>
            {
                sent.push(one(None, Some(class)));
            }
            _ => {}
        }
        for sent in sent {
            if !state.sent.contains(&sent) {
                state.sent.push(sent);
            }
        }
    }

    /// A goroutine that runs a function of another package.
    pub(super) fn go_elsewhere(&mut self, state: &mut State, call: &Call, instr: &Instr) {
        let Callee::Static(_) = call.callee else {
            return;
        };
        if self.callee(state, call).is_some() {
            return;
        }
        for &operand in call.args.iter() {
            self.given_away(state, operand, true, instr.at);
        }
    }
}

/// Whether a method gives objects out of an informer's cache: those of client-go's stores,
/// and of the listers that are generated for each kind. Both say that what they return must
/// be treated as read-only.
fn is_cache(package: &str, receiver: &str, method: &str) -> bool {
    match method {
        "Get" | "List" => {
            receiver.ends_with("Lister") && package.contains("/listers/")
                || package == "k8s.io/client-go/tools/cache"
                    && matches!(
                        receiver,
                        "GenericLister" | "GenericNamespaceLister" | "Indexer" | "Store"
                    )
        }
        "GetByKey" | "ByIndex" => {
            package == "k8s.io/client-go/tools/cache" && matches!(receiver, "Indexer" | "Store")
        }
        _ => false,
    }
}
