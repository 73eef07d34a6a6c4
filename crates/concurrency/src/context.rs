//! Under which locks functions are called.

use crate::class::ClassId;
use crate::facts::{Edge, EdgeKind, FnRef};
use crate::lock::{LockSet, Mode};
use crate::package::Package;
use crate::value::Base;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;
use tophash_flow::{FnId, VarId, VarKind};

/// What is known of the callers of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Callers {
    /// All, or it can be called from anywhere.
    Known,
    /// Some or all are unknown.
    Unknown,
    /// It is called only where nothing else can run, or on what nobody else has.
    Alone,
}

/// The circumstances in which a function begins.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub callers: Callers,
    /// Whether there is a call of it in the package in circumstances that are known.
    pub seen: bool,
    /// Held by all callers that are known.
    pub must: LockSet,
    /// Held by all, or perhaps held by all: of a lock that is not in here there is a way
    /// to the function on which it is not held.
    pub may: LockSet,
}

impl Context {
    fn alone() -> Context {
        Context {
            callers: Callers::Alone,
            seen: false,
            must: LockSet::default(),
            may: LockSet::default(),
        }
    }
}

/// All calls in a package, and what follows from them.
pub(crate) struct Contexts {
    edges: FxHashMap<FnRef, Vec<Edge>>,
    takes: FxHashMap<FnRef, Vec<ClassId>>,
    known: FxHashMap<(FnRef, Option<VarId>), Option<Rc<Context>>>,
}

impl Contexts {
    pub(crate) fn new(pkg: &mut Package<'_, '_>, functions: &[FnRef]) -> Contexts {
        let mut edges: FxHashMap<FnRef, Vec<Edge>> = FxHashMap::default();
        let mut takes = FxHashMap::default();
        for &function in functions {
            if let Some(facts) = pkg.facts(function) {
                if !facts.takes.is_empty() {
                    takes.insert(function, facts.takes.clone());
                }
                for edge in &facts.edges {
                    edges.entry(edge.to).or_default().push(edge.clone());
                }
            }
        }
        Contexts {
            edges,
            takes,
            known: FxHashMap::default(),
        }
    }

    /// The calls of a function.
    pub(crate) fn calls(&self, function: FnRef) -> &[Edge] {
        self.edges.get(&function).map_or(&[], Vec::as_slice)
    }

    /// The circumstances in which a function works on what it has through a variable.
    pub(crate) fn of(
        &mut self,
        pkg: &Package<'_, '_>,
        function: FnRef,
        through: Option<VarId>,
    ) -> Rc<Context> {
        match self.known.get(&(function, through)) {
            Some(Some(known)) => return known.clone(),
            // It calls itself: the other calls decide.
            Some(None) => return Rc::new(Context::alone()),
            None => {}
        }
        self.known.insert((function, through), None);
        let context = Rc::new(self.find(pkg, function, through));
        self.known
            .insert((function, through), Some(context.clone()));
        context
    }

    fn find(&mut self, pkg: &Package<'_, '_>, function: FnRef, through: Option<VarId>) -> Context {
        let info = pkg.unit(function.unit);
        let root = function.function == FnId::ROOT;
        let name = info.unit.name;
        if root && name.receiver.is_none() && name.name.as_str() == "init" {
            return Context::alone();
        }
        let mut edges: Vec<Edge> = self.calls(function).to_vec();
        if !pkg.is_test(function) {
            // Tests know when nothing else can run.
            edges.retain(|edge| !pkg.is_test(edge.from));
        }
        // Of calls that are made for sure, of those that are made perhaps, and of those in
        // circumstances of which nothing is known.
        let (mut sure, mut perhaps, mut unknown) =
            (Calls::default(), Calls::default(), Calls::default());
        let mut alone = false;
        for edge in edges {
            let from = match through {
                Some(var) => match self.origin(pkg, &edge, function, var) {
                    Base::Fresh(_) => {
                        alone = true;
                        continue;
                    }
                    Base::Var(var) => Some(var),
                    _ => None,
                },
                None => None,
            };
            if edge.kind == EdgeKind::Once {
                alone = true;
                continue;
            }
            let outer = self.of(pkg, edge.from, from);
            if outer.callers == Callers::Alone {
                match edge.kind {
                    EdgeKind::Call | EdgeKind::Maybe | EdgeKind::Once => {
                        alone = true;
                        continue;
                    }
                    // It is made ready before others run, and called when they do.
                    EdgeKind::Spawn | EdgeKind::Handed | EdgeKind::Kept => {}
                }
            }
            let mut must = outer.must.without(&edge.locks.released);
            must.add_all(&edge.locks.must);
            let mut may = outer.may.without(&edge.locks.released);
            may.add_all(&edge.locks.may);
            let unsure = outer.callers == Callers::Unknown;
            match edge.kind {
                EdgeKind::Spawn if edge.indirect => unknown.meet(LockSet::default(), may),
                EdgeKind::Spawn => sure.meet(LockSet::default(), LockSet::default()),
                EdgeKind::Kept => unknown.meet(LockSet::default(), may),
                EdgeKind::Handed if unsure => unknown.meet(LockSet::default(), may),
                EdgeKind::Handed => sure.meet(LockSet::default(), may),
                EdgeKind::Call | EdgeKind::Maybe if unsure => unknown.meet(must, may),
                EdgeKind::Call => sure.meet(must, may),
                EdgeKind::Maybe => perhaps.meet(must, may),
                EdgeKind::Once => {}
            }
        }
        let entry = root && (is_exported(name.name.as_str()) || name.name.as_str() == "main");
        let seen = sure.0.is_some();
        let takes = self.takes.get(&function).map_or(&[][..], Vec::as_slice);
        let (found, callers) = match (sure.0, perhaps.0, unknown.0) {
            (Some(sure), _, None) => (sure, Callers::Known),
            // Must holds for all, may for those that are known to come here.
            (Some(mut sure), _, Some(unknown)) => {
                sure.0.intersect(&unknown.0);
                (sure, Callers::Known)
            }
            (None, Some(perhaps), None) => (perhaps, Callers::Known),
            (None, _, Some(unknown)) if entry => (unknown, Callers::Known),
            (None, _, Some(unknown)) => (unknown, Callers::Unknown),
            (None, None, None) => {
                let callers = match (entry, alone) {
                    (true, _) => Callers::Known,
                    (_, true) => Callers::Alone,
                    _ => Callers::Unknown,
                };
                (Default::default(), callers)
            }
        };
        // What it takes itself was not held before, or it would wait for itself.
        let mut may = found.1.without(takes);
        may.add_all(&found.0);
        Context {
            callers,
            seen,
            must: found.0,
            may,
        }
    }

    /// Whether there is a way from an exported function on which a lock is taken for reading
    /// and nothing else, so that several may be on it at once.
    pub(crate) fn read_locked_from_outside(
        &self,
        pkg: &Package<'_, '_>,
        function: FnRef,
        held: &LockSet,
        lock: ClassId,
    ) -> bool {
        let mut seen = FxHashSet::default();
        let mut open = vec![(function, held.mode(lock))];
        while let Some((at, mode)) = open.pop() {
            if mode == Some(Mode::Write) || !seen.insert((at, mode)) {
                continue;
            }
            let name = pkg.unit(at.unit).unit.name.name;
            if at.function == FnId::ROOT && is_exported(name.as_str()) && mode.is_some() {
                return true;
            }
            for edge in self.calls(at) {
                let calls = !matches!(edge.kind, EdgeKind::Spawn | EdgeKind::Once);
                if calls && !pkg.is_test(edge.from) {
                    open.push((edge.from, mode.max(edge.locks.must.mode(lock))));
                }
            }
        }
        false
    }

    /// Whether there is a way from an exported function, or from code that is not known.
    pub(crate) fn is_called_from_outside(&self, pkg: &Package<'_, '_>, function: FnRef) -> bool {
        let mut seen = FxHashSet::default();
        let mut open = vec![function];
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            let name = pkg.unit(at.unit).unit.name.name;
            if at.function == FnId::ROOT && is_exported(name.as_str()) {
                return true;
            }
            for edge in self.calls(at) {
                match edge.kind {
                    _ if pkg.is_test(edge.from) => {}
                    EdgeKind::Call | EdgeKind::Maybe => open.push(edge.from),
                    EdgeKind::Handed | EdgeKind::Kept => return true,
                    EdgeKind::Spawn | EdgeKind::Once => {}
                }
            }
        }
        false
    }

    /// How the caller has what the function has through a variable.
    fn origin(&self, pkg: &Package<'_, '_>, edge: &Edge, function: FnRef, var: VarId) -> Base {
        let unit = &pkg.unit(function.unit).unit;
        if unit.var(var).owner == function.function {
            let arg = edge.args.iter().find(|arg| arg.param == var);
            return arg.map_or(Base::Unknown, |arg| arg.base);
        }
        if edge.fresh.contains(&var) {
            return Base::Fresh(unit.var(var).place);
        }
        let given = matches!(unit.var(var).kind, VarKind::Receiver | VarKind::Param(_));
        match given || unit.var(var).owner != edge.from.function {
            true => Base::Var(var),
            false => Base::Shared,
        }
    }
}

/// What is held at all calls of a kind, surely and perhaps; none if there are none.
#[derive(Default)]
struct Calls(Option<(LockSet, LockSet)>);

impl Calls {
    fn meet(&mut self, must: LockSet, may: LockSet) {
        match &mut self.0 {
            Some(known) => {
                known.0.intersect(&must);
                known.1.intersect(&may);
            }
            None => self.0 = Some((must, may)),
        }
    }
}

pub(crate) fn is_exported(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

/// Whether a set of locks holds one of a class.
pub(crate) fn holds(set: &LockSet, class: ClassId) -> bool {
    set.mode(class).is_some()
}
