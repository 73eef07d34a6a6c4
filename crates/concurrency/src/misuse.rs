//! Locks, `sync.Map`s, snapshots and objects of caches that are used as they are not made to
//! be.

use crate::class::{ClassId, Root, Step};
use crate::context::{Callers, Contexts};
use crate::facts::{Access, AccessKind, EdgeKind, FnFacts, FnRef, SyncOp, SyncUse};
use crate::guard::{Side, is_maker, locks, side};
use crate::lock::LockSet;
use crate::package::Package;
use crate::value::Base;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;
use tophash_analysis::Loc;
use tophash_flow::{Op, Operand, PlaceKind, Value, VarId, VarKind};

/// What is wrong with a use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MisuseKind {
    /// A map is used under a lock that was copied together with it.
    LockCopied,
    /// A `sync.Map` in use is assigned over.
    SyncMapReplaced,
    /// A `sync.Map` in use is copied.
    SyncMapCopied,
    /// What is loaded from a `sync.Map` is changed and stored, as if nobody could come between.
    LostUpdate,
    /// An object is made and stored where none was found, as if nobody could come between.
    DoubleMake,
    /// A map out of an `atomic.Value` or `atomic.Pointer` is written in place.
    SnapshotMutated,
    /// A map out of a context is written.
    ContextMap,
    /// A map of an object out of an informer's cache is written.
    CachedObject,
    /// A map is written after it was sent on a channel.
    WrittenAfterSend,
    /// A map is written after a goroutine was started with it.
    WrittenAfterGo,
}

/// A use that what is used is not made for.
#[derive(Clone, Debug)]
pub struct Misuse {
    /// What is wrong.
    pub kind: MisuseKind,
    /// The map: `Cache.items`.
    pub map: String,
    /// The lock, where there is one.
    pub lock: Option<String>,
    /// The use.
    pub here: Side,
    /// Another use that it clashes with, and its function; or where the map was given away.
    pub other: Option<(Loc, Rc<str>)>,
}

/// Finds what is wrong in a package.
pub(crate) fn misuses(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    functions: &[FnRef],
) -> Vec<Misuse> {
    let mut facts: Vec<Rc<FnFacts>> = Vec::new();
    for &function in functions {
        if !pkg.is_test(function) {
            facts.extend(pkg.facts(function));
        }
    }
    let mut found = Vec::new();
    copied_locks(pkg, contexts, &facts, &mut found);
    sync_maps(pkg, contexts, &facts, &mut found);
    snapshots(pkg, contexts, &facts, &mut found);
    context_maps(pkg, &facts, &mut found);
    cached_objects(pkg, &facts, &mut found);
    after_sends(pkg, &facts, &mut found);
    found.sort_by_key(|m| (m.here.at.file, m.here.at.span.start));
    // One mistake of a kind about a map is told once in a function.
    let mut seen = FxHashSet::default();
    found.retain(|m| {
        seen.insert((
            m.kind as u8,
            m.map.clone(),
            m.here.at.file,
            m.here.function.clone(),
        ))
    });
    found
}

fn place(pkg: &Package<'_, '_>, access: &Access) -> (Loc, Rc<str>) {
    (access.at, pkg.name_of(access.func))
}

/// Whether a function, for what it has in a way, works where others do, too.
fn is_shared(pkg: &Package<'_, '_>, contexts: &mut Contexts, function: FnRef, base: Base) -> bool {
    let through = match base {
        Base::Fresh(_) => return false,
        Base::Var(var) => Some(var),
        _ => None,
    };
    !is_maker(pkg, function) && contexts.of(pkg, function, through).callers != Callers::Alone
}

/// The locks that may be held at a point.
fn may_hold(
    pkg: &Package<'_, '_>,
    contexts: &mut Contexts,
    function: FnRef,
    locks: &crate::facts::Locks,
) -> LockSet {
    let context = contexts.of(pkg, function, None);
    let mut may = context.may.without(&locks.released);
    may.add_all(&locks.may);
    may
}

fn copied_locks(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    facts: &[Rc<FnFacts>],
    found: &mut Vec<Misuse>,
) {
    if facts.iter().all(|facts| facts.under_copies.is_empty()) {
        return;
    }
    let mut writes: FxHashMap<ClassId, &Access> = FxHashMap::default();
    for access in facts.iter().flat_map(|facts| &facts.accesses) {
        if access.kind.writes() && is_shared(pkg, contexts, access.func, access.base) {
            writes.entry(access.class).or_insert(access);
        }
    }
    for facts in facts {
        for copy in &facts.under_copies {
            let access = &facts.accesses[copy.access];
            let Some(&write) = writes.get(&access.class) else {
                continue;
            };
            let base = Base::Var(copy.var);
            // Another lock that is no copy may be what counts.
            let copies = |held: &crate::lock::Held| held.class == copy.lock;
            if !access.locks.must.iter().all(copies)
                || !is_shared(pkg, contexts, access.func, base)
                || matches!(access.base, Base::Fresh(_))
            {
                continue;
            }
            let other = match access.kind.writes() {
                true => None,
                false => Some(place(pkg, write)),
            };
            found.push(Misuse {
                kind: MisuseKind::LockCopied,
                map: pkg.describe(access.class),
                lock: Some(pkg.describe(copy.lock)),
                here: side(pkg, access, &access.locks.must),
                other,
            });
        }
    }
}

fn sync_maps(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    facts: &[Rc<FnFacts>],
    found: &mut Vec<Misuse>,
) {
    let uses: Vec<&SyncUse> = facts.iter().flat_map(|facts| &facts.syncs).collect();
    for &use_ in &uses {
        let kind = match use_.op {
            SyncOp::Replace => MisuseKind::SyncMapReplaced,
            SyncOp::Copy => MisuseKind::SyncMapCopied,
            SyncOp::Store(_) => {
                if let Some(kind) = check_then_act(pkg, contexts, &uses, use_) {
                    found.push(sync_misuse(pkg, kind, use_, None));
                }
                continue;
            }
            SyncOp::Load(_) | SyncOp::Method => continue,
        };
        if !is_shared(pkg, contexts, use_.func, use_.base) || is_start(pkg, use_.func) {
            continue;
        }
        let may = may_hold(pkg, contexts, use_.func, &use_.locks);
        let clashes = uses.iter().find(|other| {
            let method = matches!(
                other.op,
                SyncOp::Load(_) | SyncOp::Store(_) | SyncOp::Method
            );
            method
                && other.class == use_.class
                && other.func.unit != use_.func.unit
                && is_shared(pkg, contexts, other.func, other.base)
                && !may.excludes(&may_hold(pkg, contexts, other.func, &other.locks))
        });
        if let Some(other) = clashes {
            let other = (other.at, pkg.name_of(other.func));
            found.push(sync_misuse(pkg, kind, use_, Some(other)));
        }
    }
}

/// Whether a function is for before or after others work, by its name.
fn is_start(pkg: &Package<'_, '_>, function: FnRef) -> bool {
    let name = pkg.unit(function.unit).unit.name.name.as_str();
    [
        "Start", "start", "Open", "open", "Close", "close", "Stop", "stop", "Destroy", "destroy",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}

fn sync_misuse(
    pkg: &Package<'_, '_>,
    kind: MisuseKind,
    use_: &SyncUse,
    other: Option<(Loc, Rc<str>)>,
) -> Misuse {
    Misuse {
        kind,
        map: pkg.describe(use_.class),
        lock: None,
        here: Side {
            at: use_.at,
            function: pkg.name_of(use_.func),
            kind: AccessKind::Write,
            text: use_.text.clone(),
            locks: locks(pkg, &use_.locks.must),
            inner: None,
            is_test: false,
        },
        other,
    }
}

/// Whether a store follows a load of the same key, with what was loaded or with an object
/// made because nothing was found.
fn check_then_act(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    uses: &[&SyncUse],
    store: &SyncUse,
) -> Option<MisuseKind> {
    let SyncOp::Store(value) = store.op else {
        return None;
    };
    let may = may_hold(pkg, contexts, store.func, &store.locks);
    if !may.is_empty() || !is_shared(pkg, contexts, store.func, store.base) {
        return None;
    }
    if let Root::Local(..) = pkg.classes.get(store.class).root {
        return None;
    }
    let unit = pkg.unit(store.func.unit).unit.clone();
    let function = unit.function(store.func.function);
    uses.iter().find_map(|load| {
        let SyncOp::Load(result) = load.op else {
            return None;
        };
        let same = load.func == store.func
            && load.class == store.class
            && load.key.is_some()
            && load.key == store.key
            && (load.block == store.block && load.at.span.start < store.at.span.start
                || load.block != store.block
                    && function.reaches(load.block, store.block, |_| false));
        if !same {
            return None;
        }
        if let Some(result) = result
            && is_changed(&unit, function, value, result)
        {
            return Some(MisuseKind::LostUpdate);
        }
        store.fresh.then_some(MisuseKind::DoubleMake)
    })
}

/// Assignments that are followed from a value to what it is made of.
const MAX_CHAIN: usize = 24;

/// Whether a value is computed from what a variable holds: not the same, but something made
/// of it.
fn is_changed(
    unit: &tophash_flow::Unit,
    function: &tophash_flow::Function,
    value: Operand,
    from: VarId,
) -> bool {
    let var_of = |operand: &Operand| match operand {
        Operand::Place(place) => match unit.places.get(*place).kind {
            PlaceKind::Var(var) => Some(var),
            _ => None,
        },
        _ => None,
    };
    let mut open: Vec<(VarId, bool)> = var_of(&value).map(|var| (var, false)).into_iter().collect();
    let mut seen: FxHashSet<(VarId, bool)> = FxHashSet::default();
    while let Some((var, changed)) = open.pop() {
        if !seen.insert((var, changed)) || seen.len() > MAX_CHAIN {
            continue;
        }
        if var == from {
            if changed {
                return true;
            }
            continue;
        }
        for instr in function.blocks.iter().flat_map(|block| &block.instrs) {
            let Op::Assign { dst, value, .. } = &instr.op else {
                continue;
            };
            if *dst != unit.var(var).place {
                continue;
            }
            match value {
                Value::Use(x) | Value::Convert { x, .. } | Value::TypeAssert { x, .. } => {
                    open.extend(var_of(x).map(|var| (var, changed)));
                }
                Value::Binary { x, y, .. } => {
                    open.extend([x, y].into_iter().filter_map(|x| Some((var_of(x)?, true))));
                }
                Value::Append { slice, .. } => {
                    open.extend(var_of(slice).map(|var| (var, true)));
                }
                _ => {}
            }
        }
    }
    false
}

fn snapshots(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    facts: &[Rc<FnFacts>],
    found: &mut Vec<Misuse>,
) {
    let accesses: Vec<&Access> = facts
        .iter()
        .flat_map(|facts| &facts.accesses)
        .filter(|access| is_snapshot(pkg, access.class))
        .collect();
    for &access in &accesses {
        if !access.kind.writes() || !is_shared(pkg, contexts, access.func, access.base) {
            continue;
        }
        let may = may_hold(pkg, contexts, access.func, &access.locks);
        let other = accesses.iter().find(|other| {
            other.class == access.class
                && other.func != access.func
                && is_shared(pkg, contexts, other.func, other.base)
                && !matches!(other.kind, AccessKind::Len | AccessKind::Replace)
                && !may.excludes(&may_hold(pkg, contexts, other.func, &other.locks))
        });
        if let Some(other) = other {
            found.push(Misuse {
                kind: MisuseKind::SnapshotMutated,
                map: pkg.describe(access.class),
                lock: None,
                here: side(pkg, access, &access.locks.must),
                other: Some(place(pkg, other)),
            });
        }
    }
}

/// Whether a class is what an atomic variable holds.
pub(crate) fn is_snapshot(pkg: &Package<'_, '_>, class: ClassId) -> bool {
    pkg.classes.get(class).steps.contains(&Step::Loaded)
}

fn context_maps(pkg: &mut Package<'_, '_>, facts: &[Rc<FnFacts>], found: &mut Vec<Misuse>) {
    let puts: FxHashMap<ClassId, Loc> = facts
        .iter()
        .flat_map(|facts| &facts.context_puts)
        .copied()
        .collect();
    if puts.is_empty() {
        return;
    }
    for access in facts.iter().flat_map(|facts| &facts.accesses) {
        if let Some(&put) = puts.get(&access.class)
            && access.kind.writes()
            && access.locks.may.is_empty()
        {
            found.push(Misuse {
                kind: MisuseKind::ContextMap,
                map: pkg.describe(access.class),
                lock: None,
                here: side(pkg, access, &access.locks.must),
                other: Some((put, "".into())),
            });
        }
    }
}

fn cached_objects(pkg: &mut Package<'_, '_>, facts: &[Rc<FnFacts>], found: &mut Vec<Misuse>) {
    let push =
        |pkg: &Package<'_, '_>, access: &Access, given: Option<Loc>, found: &mut Vec<Misuse>| {
            found.push(Misuse {
                kind: MisuseKind::CachedObject,
                map: pkg.describe(access.class),
                lock: None,
                here: side(pkg, access, &access.locks.must),
                other: given.map(|at| (at, "".into())),
            });
        };
    let is_write = |access: &&Access| access.kind.writes() && access.locks.may.is_empty();
    let handlers: FxHashSet<FnRef> = facts
        .iter()
        .flat_map(|facts| facts.informer_handlers.iter().copied())
        .collect();
    for facts in facts {
        for access in facts.accesses.iter().filter(is_write) {
            let given = matches!(access.base, Base::Var(var)
                if handlers.contains(&access.func) && is_param(pkg, access.func, var));
            if access.base == Base::Cached || given {
                push(pkg, access, None, found);
            }
        }
        // What a function of the package does with such an object.
        for edge in facts
            .edges
            .iter()
            .filter(|edge| edge.kind == EdgeKind::Call)
        {
            for arg in &edge.args {
                let given = matches!(arg.base, Base::Var(var)
                    if handlers.contains(&edge.from) && is_param(pkg, edge.from, var));
                if arg.base != Base::Cached && !given {
                    continue;
                }
                let Some(callee) = pkg.facts(edge.to) else {
                    continue;
                };
                let of_param = |access: &&Access| access.base == Base::Var(arg.param);
                let mut writes = callee.accesses.iter().filter(is_write);
                if let Some(access) = writes.find(of_param) {
                    push(pkg, access, Some(edge.at), found);
                }
            }
        }
    }
}

fn is_param(pkg: &Package<'_, '_>, function: FnRef, var: VarId) -> bool {
    let unit = &pkg.unit(function.unit).unit;
    unit.var(var).owner == function.function && matches!(unit.var(var).kind, VarKind::Param(_))
}

fn after_sends(pkg: &mut Package<'_, '_>, facts: &[Rc<FnFacts>], found: &mut Vec<Misuse>) {
    for facts in facts {
        for after in &facts.after_sends {
            let access = &facts.accesses[after.access];
            let at = Loc {
                file: access.at.file,
                span: after.sent.span,
            };
            found.push(Misuse {
                kind: match after.sent.by_go {
                    true => MisuseKind::WrittenAfterGo,
                    false => MisuseKind::WrittenAfterSend,
                },
                map: pkg.describe(access.class),
                lock: None,
                here: side(pkg, access, &access.locks.must),
                other: Some((at, pkg.name_of(access.func))),
            });
        }
    }
}
