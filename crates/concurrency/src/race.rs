//! Maps that two goroutines reach, shown by the statements that start them.

use crate::class::{ClassId, Root, Step, UnitId};
use crate::context::{Callers, Contexts, is_exported};
use crate::facts::{Access, AccessKind, Edge, EdgeKind, FnFacts, FnRef};
use crate::guard::{Side, is_maker, side};
use crate::lock::{Held, LockSet, Mode};
use crate::package::Package;
use crate::value::Base;
use rustc_hash::FxHashSet;
use std::collections::VecDeque;
use std::rc::Rc;
use tophash_analysis::Loc;
use tophash_flow::{Block, BlockId, FnId, Function, Op, PlaceId, Value, VarId};
use tophash_syntax::Symbol;

/// How it is known that two uses may happen at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Together {
    /// The goroutine is started several times: in a loop, or by what it is handed to.
    Many,
    /// Two goroutines are started one after the other.
    Two,
    /// The function that starts the goroutine goes on.
    Starter,
    /// The map is a package-level variable, and the other function is called from outside.
    Function,
    /// The goroutine is started when the object is made; this exported method of the object
    /// may be called at any time.
    Method,
    /// The settings say that several goroutines call methods of the type at once.
    Declared,
}

/// Two uses of a map by two goroutines.
#[derive(Clone, Debug)]
pub struct Race {
    /// The map: `Cache.items`.
    pub map: String,
    /// The write.
    pub here: Side,
    /// The other use; the same for goroutines that are started several times.
    pub other: Side,
    /// Why they may happen at once.
    pub together: Together,
    /// Where the goroutine of the write is started, or that of the other use.
    pub started: Loc,
    /// The function that starts it.
    pub starter: Rc<str>,
    /// Where the second goroutine is started.
    pub started_other: Option<Loc>,
    /// Whether the goroutine is started in a test's file.
    pub in_test: bool,
}

/// Functions that call each other are followed this far from where a goroutine starts.
const MAX_DEPTH: usize = 6;
/// No more uses are kept of one goroutine.
const MAX_REACHED: usize = 256;

/// How a goroutine has the object that a map is part of, in the words of the function that
/// starts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    Var(VarId),
    Global,
    /// The one object of a type that goroutines share.
    Shared,
}

/// A use of a map that is reached from a function.
#[derive(Clone)]
struct Reached {
    access: Access,
    origin: Origin,
    must: LockSet,
    may: LockSet,
    /// Of the function that everything starts from: goroutines at work at that moment.
    running: Vec<u32>,
}

/// Finds maps that two goroutines reach.
pub(crate) fn races(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    functions: &[FnRef],
) -> Vec<Race> {
    let mut races = Vec::new();
    for &function in functions {
        let Some(facts) = pkg.facts(function) else {
            continue;
        };
        let spawns: Vec<&Edge> = facts
            .edges
            .iter()
            .filter(|edge| edge.kind == EdgeKind::Spawn)
            .collect();
        if !spawns.is_empty() {
            of_starter(pkg, contexts, function, &facts, &spawns, &mut races);
        }
        if !facts.starts.is_empty() {
            of_caller(pkg, contexts, function, &facts, &mut races);
        }
    }
    for name in pkg.shared_types() {
        of_shared(pkg, contexts, name, &mut races);
    }
    races.sort_by_key(|race| (race.here.at.file, race.here.at.span.start));
    // What a test does with the program's own maps it does knowing when.
    races.retain(|race| {
        let tests = [race.here.is_test, race.other.is_test, race.in_test];
        tests.iter().all(|&test| test == tests[0])
    });
    let mut seen = FxHashSet::default();
    races.retain(|race| seen.insert((race.map.clone(), race.here.function.clone())));
    races
}

fn of_starter(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    function: FnRef,
    facts: &FnFacts,
    spawns: &[&Edge],
    races: &mut Vec<Race>,
) {
    let reached: Vec<Vec<Reached>> = spawns.iter().map(|edge| by_goroutine(pkg, edge)).collect();
    let outer = contexts.of(pkg, function, None);
    let own = by_function(pkg, function, facts, &outer.may);
    for (n, edge) in spawns.iter().enumerate() {
        // The same goroutine several times.
        for use_ in &reached[n] {
            if !use_.access.kind.writes() || !several(pkg, function, edge, use_) {
                continue;
            }
            let partner = reached[n]
                .iter()
                .find(|other| same_map(use_, other) && !use_.may.excludes(&other.may));
            if let Some(partner) = partner {
                races.push(race(pkg, use_, partner, Together::Many, edge, None));
            }
        }
        // The function that started it.
        let id = edge.at.span.start;
        for use_ in &reached[n] {
            let partner = own.iter().find(|other| {
                !edge.registered && other.running.contains(&id) && conflict(use_, other)
            });
            if let Some(partner) = partner {
                races.push(race(pkg, use_, partner, Together::Starter, edge, None));
            }
        }
        // Another goroutine.
        for (m, other_edge) in spawns.iter().enumerate() {
            // A server in a test is asked one thing at a time.
            let server = edge.many || other_edge.many;
            if server && pkg.is_test(function) {
                continue;
            }
            if m == n || !other_edge.running.contains(&id) {
                continue;
            }
            for use_ in &reached[n] {
                let apart = |r: &Reached| is_maker(pkg, r.access.func);
                let mut others = reached[m]
                    .iter()
                    .filter(|other| !apart(other) && !apart(use_));
                if let Some(partner) = others.find(|other| conflict(use_, other)) {
                    let second = Some(*other_edge);
                    races.push(race(pkg, use_, partner, Together::Two, edge, second));
                }
            }
        }
        // Nobody has the object before the function that makes it returns.
        if facts.left.contains(&id) {
            against_methods(pkg, contexts, function, edge, &reached[n], races);
        }
        against_functions(pkg, contexts, edge, &reached[n], races);
    }
}

/// Goroutines that callees leave at work, against what the function does from then on, and
/// against themselves if the callee is called again for the same object.
fn of_caller(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    function: FnRef,
    facts: &FnFacts,
    races: &mut Vec<Race>,
) {
    if pkg.is_test(function) {
        return;
    }
    let calls = facts.edges.iter().filter(|edge| {
        edge.kind == EdgeKind::Call
            && facts
                .starts
                .iter()
                .any(|(start, _)| *start == edge.at.span.start)
    });
    let outer = contexts.of(pkg, function, None);
    let own = by_function(pkg, function, facts, &outer.may);
    for call in calls {
        let Some(callee) = pkg.facts(call.to) else {
            continue;
        };
        let id = call.at.span.start;
        let left = callee.edges.iter().filter(|edge| {
            edge.kind == EdgeKind::Spawn && callee.left.contains(&edge.at.span.start)
        });
        for edge in left {
            let reached = by_goroutine(pkg, edge);
            for mut use_ in reached {
                let Some(origin) = callers_origin(call, use_.origin) else {
                    continue;
                };
                use_.origin = origin;
                if use_.access.kind.writes()
                    && !edge.registered
                    && !use_.may.excludes(&use_.may)
                    && several(pkg, function, call, &use_)
                {
                    races.push(race(pkg, &use_, &use_.clone(), Together::Many, edge, None));
                }
                let partner = own.iter().find(|other| {
                    !edge.registered && other.running.contains(&id) && conflict(&use_, other)
                });
                if let Some(partner) = partner {
                    races.push(race(pkg, &use_, partner, Together::Starter, edge, None));
                }
            }
        }
    }
}

/// How a caller has what a function has.
fn callers_origin(call: &Edge, origin: Origin) -> Option<Origin> {
    let Origin::Var(var) = origin else {
        return Some(origin);
    };
    let arg = call.args.iter().find(|arg| arg.param == var)?;
    self::origin(arg.base, arg.root)
}

/// Stands for whoever calls methods of shared objects.
const NOBODY: FnRef = FnRef {
    unit: UnitId(u32::MAX),
    function: FnId::ROOT,
};

/// Exported methods of a type of which the settings say that goroutines share its objects.
fn of_shared(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    name: Symbol,
    races: &mut Vec<Race>,
) {
    let mut reached: Vec<Reached> = Vec::new();
    for method in pkg.methods(pkg.path(), name) {
        let unit = pkg.unit(method.unit).unit.clone();
        let Some(receiver) = unit.function(FnId::ROOT).receiver else {
            continue;
        };
        let alone = contexts.of(pkg, method, Some(receiver)).callers == Callers::Alone;
        let called = is_exported(unit.name.name.as_str())
            && !alone
            && !pkg.unit(method.unit).expects_lock
            && !is_maker(pkg, method);
        if !called {
            continue;
        }
        let start = Frame {
            function: method,
            given: vec![(receiver, Origin::Shared)],
            must: LockSet::default(),
            may: LockSet::default(),
            running: Vec::new(),
            depth: 0,
        };
        reach(pkg, NOBODY, start, &mut reached);
    }
    reached.retain(|use_| use_.origin == Origin::Shared);
    for use_ in &reached {
        let elem = pkg
            .classes
            .get(use_.access.class)
            .steps
            .contains(&Step::Elem);
        if elem || !use_.access.kind.writes() {
            continue;
        }
        // Another place says more than the same one.
        let others = reached.iter().filter(|other| conflict(use_, other));
        let Some(other) = others.max_by_key(|other| other.access.at != use_.access.at) else {
            continue;
        };
        races.push(Race {
            map: pkg.describe(use_.access.class),
            here: side(pkg, &use_.access, &use_.must),
            other: side(pkg, &other.access, &other.must),
            together: Together::Declared,
            started: use_.access.at,
            starter: pkg.name_of(use_.access.func),
            started_other: None,
            in_test: pkg.is_test(use_.access.func),
        });
    }
}

/// Whether two uses are of one map, one of them writes, and nothing keeps them apart.
fn conflict(a: &Reached, b: &Reached) -> bool {
    same_map(a, b)
        && (a.access.kind.writes() || b.access.kind.writes())
        && a.access.kind != AccessKind::Replace
        && b.access.kind != AccessKind::Replace
        && a.access.kind != AccessKind::Len
        && b.access.kind != AccessKind::Len
        && !a.may.excludes(&b.may)
}

fn same_map(a: &Reached, b: &Reached) -> bool {
    a.access.class == b.access.class && a.origin == b.origin
}

/// Locks that a goroutine releases though it doesn't take them: it was started with them.
fn handed_over(pkg: &mut Package<'_, '_>, function: FnRef) -> LockSet {
    let mut held = LockSet::default();
    if let Some(facts) = pkg.facts(function) {
        for &class in &facts.releases {
            held.add(Held {
                class,
                mode: Mode::Write,
                place: None,
            });
        }
    }
    held
}

/// The uses that a goroutine may come to.
fn by_goroutine(pkg: &mut Package<'_, '_>, edge: &Edge) -> Vec<Reached> {
    let mut out = Vec::new();
    let given: Vec<(VarId, Origin)> = edge
        .args
        .iter()
        .filter(|arg| pkg.is_shared_by_copy(edge.to, arg.param))
        .filter_map(|arg| Some((arg.param, origin(arg.base, arg.root)?)))
        .collect();
    passed_maps(pkg, edge, &given, &mut out);
    let start = Frame {
        function: edge.to,
        given,
        must: LockSet::default(),
        may: handed_over(pkg, edge.to),
        running: Vec::new(),
        depth: 0,
    };
    reach(pkg, edge.from, start, &mut out);
    out
}

/// What a goroutine does to maps that its function is given, in the words of whoever starts
/// it.
fn passed_maps(
    pkg: &mut Package<'_, '_>,
    edge: &Edge,
    given: &[(VarId, Origin)],
    out: &mut Vec<Reached>,
) {
    let Some(facts) = pkg.facts(edge.to) else {
        return;
    };
    for access in &facts.accesses {
        let Root::Local(unit, var) = pkg.classes.get(access.class).root else {
            continue;
        };
        let origin = given.iter().find(|(param, _)| *param == var);
        let arg = edge.args.iter().find(|arg| arg.param == var);
        if let Some(&(_, origin)) = origin
            && let Some(onto) = arg.and_then(|arg| arg.class)
            && unit == edge.to.unit
        {
            let mut access = access.clone();
            access.class = pkg.classes.rebase(access.class, onto);
            out.push(Reached {
                origin,
                must: access.locks.must.clone(),
                may: access.locks.may.clone(),
                running: Vec::new(),
                access,
            });
        }
    }
}

/// The uses that a function comes to itself, with the goroutines at work.
fn by_function(
    pkg: &mut Package<'_, '_>,
    function: FnRef,
    facts: &FnFacts,
    outer: &LockSet,
) -> Vec<Reached> {
    let mut out = Vec::new();
    for access in &facts.accesses {
        if let Some(origin) = origin_here(pkg, function, function, access, &[]) {
            let mut may = outer.clone();
            may.add_all(&access.locks.may);
            out.push(Reached {
                origin,
                must: access.locks.must.clone(),
                may,
                running: access.running.to_vec(),
                access: access.clone(),
            });
        }
    }
    for edge in &facts.edges {
        if edge.kind != EdgeKind::Call || edge.running.is_empty() {
            continue;
        }
        let given = edge
            .args
            .iter()
            .filter_map(|arg| Some((arg.param, origin(arg.base, arg.root)?)))
            .collect();
        let mut may = outer.clone();
        may.add_all(&edge.locks.may);
        let start = Frame {
            function: edge.to,
            given,
            must: edge.locks.must.clone(),
            may,
            running: edge.running.to_vec(),
            depth: 1,
        };
        reach(pkg, function, start, &mut out);
    }
    out
}

/// A function on the way from where everything starts.
struct Frame {
    function: FnRef,
    /// What its receiver and parameters are there.
    given: Vec<(VarId, Origin)>,
    must: LockSet,
    may: LockSet,
    running: Vec<u32>,
    depth: usize,
}

fn reach(pkg: &mut Package<'_, '_>, starter: FnRef, frame: Frame, out: &mut Vec<Reached>) {
    let mut seen = FxHashSet::default();
    // The nearest functions first: none is cut off by a longer way to it.
    let mut open = VecDeque::from([frame]);
    while let Some(frame) = open.pop_front() {
        step(pkg, starter, frame, &mut seen, &mut open, out);
    }
}

/// One function of those that are reached.
fn step(
    pkg: &mut Package<'_, '_>,
    starter: FnRef,
    frame: Frame,
    seen: &mut FxHashSet<FnRef>,
    open: &mut VecDeque<Frame>,
    out: &mut Vec<Reached>,
) {
    let again = frame.function == starter || !seen.insert(frame.function);
    if frame.depth > MAX_DEPTH || out.len() >= MAX_REACHED || again {
        return;
    }
    let Some(facts) = pkg.facts(frame.function) else {
        return;
    };
    for access in &facts.accesses {
        let Some(origin) = origin_here(pkg, starter, frame.function, access, &frame.given) else {
            continue;
        };
        let mut must = frame.must.without(&access.locks.released);
        must.add_all(&access.locks.must);
        let mut may = frame.may.without(&access.locks.released);
        may.add_all(&access.locks.may);
        out.push(Reached {
            access: access.clone(),
            origin,
            must,
            may,
            running: frame.running.clone(),
        });
    }
    for edge in &facts.edges {
        if edge.kind != EdgeKind::Call {
            continue;
        }
        let given = edge
            .args
            .iter()
            .filter_map(|arg| {
                if !pkg.is_shared_by_copy(edge.to, arg.param) {
                    return None;
                }
                let origin = match (arg.root, arg.base) {
                    (Some(root), _) => var_origin(pkg, starter, frame.function, root, &frame.given),
                    (None, Base::Global) => Some(Origin::Global),
                    _ => None,
                };
                Some((arg.param, origin?))
            })
            .collect();
        let mut must = frame.must.without(&edge.locks.released);
        must.add_all(&edge.locks.must);
        let mut may = frame.may.without(&edge.locks.released);
        may.add_all(&edge.locks.may);
        open.push_back(Frame {
            function: edge.to,
            given,
            must,
            may,
            running: frame.running.clone(),
            depth: frame.depth + 1,
        });
    }
}

fn origin(base: Base, root: Option<VarId>) -> Option<Origin> {
    match (root, base) {
        (Some(root), _) => Some(Origin::Var(root)),
        (None, Base::Global) => Some(Origin::Global),
        _ => None,
    }
}

/// How a use has its map, in the words of the function that starts the goroutine.
fn origin_here(
    pkg: &Package<'_, '_>,
    starter: FnRef,
    function: FnRef,
    access: &Access,
    given: &[(VarId, Origin)],
) -> Option<Origin> {
    match pkg.classes.get(access.class).root {
        Root::Global(..) => Some(Origin::Global),
        Root::Local(unit, var) => {
            let declared = &pkg.unit(unit).unit;
            let own = declared.var(var).owner == function.function && function != starter;
            (unit == starter.unit && !own).then_some(Origin::Var(var))
        }
        Root::Type(..) => match (access.root, access.base) {
            // The map was taken out of what the variable leads to.
            (_, Base::Var(var)) if access.taken.is_some() => {
                var_origin(pkg, starter, function, var, given)
            }
            (Some(root), _) => var_origin(pkg, starter, function, root, given),
            (None, Base::Global) => Some(Origin::Global),
            _ => None,
        },
        Root::Made(_) => None,
    }
}

/// A goroutine works on a package-level map, and functions that are called from outside do.
fn against_functions(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    edge: &Edge,
    reached: &[Reached],
    races: &mut Vec<Race>,
) {
    if pkg.is_test(edge.from) {
        return;
    }
    let inside: FxHashSet<FnRef> = reached.iter().map(|r| r.access.func).collect();
    let mut done: Vec<ClassId> = Vec::new();
    for use_ in reached {
        let class = use_.access.class;
        let global = matches!(pkg.classes.get(class).root, Root::Global(..));
        if !global || done.contains(&class) {
            continue;
        }
        done.push(class);
        for function in pkg.functions() {
            if inside.contains(&function)
                || pkg.is_test(function)
                || pkg.unit(function.unit).expects_lock
                || is_maker(pkg, function)
                || !contexts.is_called_from_outside(pkg, function)
            {
                continue;
            }
            let context = contexts.of(pkg, function, None);
            let Some(facts) = pkg.facts(function) else {
                continue;
            };
            if context.callers == Callers::Alone {
                continue;
            }
            let partner = facts.accesses.iter().find_map(|access| {
                let mut may = context.may.without(&access.locks.released);
                may.add_all(&access.locks.may);
                let partner = Reached {
                    access: access.clone(),
                    origin: Origin::Global,
                    must: access.locks.must.clone(),
                    may,
                    running: Vec::new(),
                };
                reached
                    .iter()
                    .find(|mine| mine.access.class == class && conflict(mine, &partner))
                    .map(|mine| (mine, partner.clone()))
            });
            if let Some((mine, partner)) = partner {
                races.push(race(pkg, mine, &partner, Together::Function, edge, None));
                break;
            }
        }
    }
}

fn var_origin(
    pkg: &Package<'_, '_>,
    starter: FnRef,
    function: FnRef,
    var: VarId,
    given: &[(VarId, Origin)],
) -> Option<Origin> {
    let unit = &pkg.unit(function.unit).unit;
    if unit.var(var).owner == function.function && function != starter {
        return given
            .iter()
            .find(|(param, _)| *param == var)
            .map(|(_, o)| *o);
    }
    (function.unit == starter.unit).then_some(Origin::Var(var))
}

/// Whether a goroutine may be at work several times on one map.
fn several(pkg: &Package<'_, '_>, starter: FnRef, edge: &Edge, use_: &Reached) -> bool {
    let class = pkg.classes.get(use_.access.class);
    // Elements may be each goroutine's own.
    if class.steps.contains(&Step::Elem) {
        return false;
    }
    let unit = &pkg.unit(starter.unit).unit;
    let function = unit.function(starter.function);
    let var = match use_.origin {
        Origin::Var(var) => Some(var),
        Origin::Global | Origin::Shared => None,
    };
    if edge.many {
        // A server in a test is asked one thing at a time.
        return !pkg.is_test(starter);
    }
    let place = var.map(|var| unit.var(var).place);
    again(function, edge.block, var, place)
}

/// Whether a block is executed again while the goroutine it starts may be at work and the
/// variable is still the same.
fn again(function: &Function, block: BlockId, var: Option<VarId>, place: Option<PlaceId>) -> bool {
    let stops = |block: &Block| {
        block.instrs.iter().any(|instr| match &instr.op {
            Op::Declare(declared) => Some(*declared) == var,
            Op::Assign { dst, value, .. } => {
                Some(*dst) == place || matches!(value, Value::Recv { .. })
            }
            Op::Call(call) if call.results.iter().any(|&dst| Some(dst) == place) => true,
            Op::Call(call) => match call.callee {
                tophash_flow::Callee::Static(name) => crate::library::waits(name.name.as_str()),
                _ => false,
            },
            _ => false,
        })
    };
    if stops(function.block(block)) {
        return false;
    }
    let mut open: Vec<BlockId> = function
        .block(block)
        .end
        .successors()
        .map(|s| s.1)
        .collect();
    let mut seen = vec![false; function.blocks.len()];
    while let Some(at) = open.pop() {
        if at == block {
            return true;
        }
        if std::mem::replace(&mut seen[at.index()], true) || stops(function.block(at)) {
            continue;
        }
        open.extend(function.block(at).end.successors().map(|s| s.1));
    }
    false
}

/// A goroutine that is started as its object is made, and the object's exported methods.
fn against_methods(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    starter: FnRef,
    edge: &Edge,
    reached: &[Reached],
    races: &mut Vec<Race>,
) {
    let name = pkg.unit(starter.unit).unit.name.name;
    let maker = ["New", "new", "Open", "Dial", "Make", "Create"]
        .iter()
        .any(|prefix| name.as_str().starts_with(prefix));
    if !maker || pkg.is_test(starter) {
        return;
    }
    let unit = pkg.unit(starter.unit).unit.clone();
    let made: Vec<(Symbol, Symbol)> = unit
        .function(FnId::ROOT)
        .results
        .iter()
        .filter_map(|&result| {
            let ty = unit.var(result).ty;
            let ty = pkg.worker.pointee(ty).unwrap_or(ty);
            pkg.worker.named(ty)
        })
        .collect();
    let mut done: Vec<ClassId> = Vec::new();
    for use_ in reached {
        let class = use_.access.class;
        let Root::Type(package, ty) = pkg.classes.get(class).root else {
            continue;
        };
        if done.contains(&class)
            || is_maker(pkg, use_.access.func)
            || !made.contains(&(package, ty))
        {
            continue;
        }
        for method in pkg.functions() {
            let unit = pkg.unit(method.unit).unit.clone();
            let own = method.function == FnId::ROOT
                && unit.name.receiver == Some(ty)
                && is_exported(unit.name.name.as_str())
                && !pkg.is_test(method);
            let stops = ["Close", "Stop", "Shutdown", "Wait", "Start", "Run"]
                .iter()
                .any(|prefix| unit.name.name.as_str().starts_with(prefix));
            let Some(receiver) = unit.function(FnId::ROOT).receiver else {
                continue;
            };
            if !own || stops || pkg.unit(method.unit).expects_lock || is_maker(pkg, method) {
                continue;
            }
            let context = contexts.of(pkg, method, Some(receiver));
            if context.callers == Callers::Alone {
                continue;
            }
            let Some(facts) = pkg.facts(method) else {
                continue;
            };
            let partner = facts.accesses.iter().find(|access| {
                let mut may = context.may.clone();
                may.add_all(&access.locks.may);
                access.class == class
                    && access.base == Base::Var(receiver)
                    && (access.kind.writes() || use_.access.kind.writes())
                    && !matches!(access.kind, AccessKind::Len | AccessKind::Replace)
                    && !may.excludes(&use_.may)
            });
            if let Some(access) = partner {
                let partner = Reached {
                    access: access.clone(),
                    origin: use_.origin,
                    must: access.locks.must.clone(),
                    may: access.locks.may.clone(),
                    running: Vec::new(),
                };
                done.push(class);
                races.push(race(pkg, use_, &partner, Together::Method, edge, None));
                break;
            }
        }
    }
}

fn race(
    pkg: &Package<'_, '_>,
    a: &Reached,
    b: &Reached,
    together: Together,
    edge: &Edge,
    second: Option<&Edge>,
) -> Race {
    let (here, other) = match a.access.kind.writes() {
        true => (a, b),
        false => (b, a),
    };
    Race {
        map: pkg.describe(a.access.class),
        here: side(pkg, &here.access, &here.must),
        other: side(pkg, &other.access, &other.must),
        together,
        started: edge.at,
        starter: pkg.name_of(edge.from),
        started_other: second.map(|edge| edge.at),
        in_test: pkg.is_test(edge.from),
    }
}
