//! Which lock guards which map, and where it is used without.

use crate::annotation::Guard;
use crate::class::{ClassId, Root, Step};
use crate::context::{Callers, Contexts, holds, is_exported};
use crate::facts::{Access, AccessKind, Edge, EdgeKind, Escape, EscapeKind, FnRef};
use crate::lock::{Held, LockSet, Mode};
use crate::misuse::is_snapshot;
use crate::package::Package;
use crate::value::Base;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::rc::Rc;
use tophash_analysis::Loc;
use tophash_flow::{FnId, VarKind};

/// What is wrong between two uses of a map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConflictKind {
    /// A use without the lock that guards the map elsewhere.
    Unguarded,
    /// A use under another lock than elsewhere.
    OtherLock,
    /// A write under the read lock.
    UnderReadLock,
    /// A use of a map that was taken out of its variable under the lock, after the lock
    /// was released.
    TakenOut,
    /// A range without the lock.
    Iteration,
    /// The map itself gets out of what the lock guards.
    Escape(EscapeKind),
}

/// One of two uses of a map.
#[derive(Clone, Debug)]
pub struct Side {
    /// Where.
    pub at: Loc,
    /// The function around it.
    pub function: Rc<str>,
    /// What is done.
    pub kind: AccessKind,
    /// The map in the words of the source there.
    pub text: Rc<str>,
    /// The locks that are held, with how.
    pub locks: Vec<String>,
    /// Where a function called from here does it, and its name.
    pub inner: Option<(Loc, Rc<str>)>,
    /// Whether it stands in a test's file.
    pub is_test: bool,
}

/// Two uses of a map that nothing keeps apart.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// What is wrong.
    pub kind: ConflictKind,
    /// The map: `Cache.items`.
    pub map: String,
    /// The lock that guards it elsewhere: `Cache.mu`.
    pub lock: String,
    /// The use that is wrong.
    pub here: Side,
    /// The other one.
    pub other: Side,
    /// Where the map was taken out of its variable.
    pub taken: Option<Loc>,
    /// More such uses in the function.
    pub more: Vec<Loc>,
    /// Uses under the lock.
    pub guarded: usize,
    /// Uses without.
    pub bare: usize,
    /// Whether the lock is part of the same object as the map, or a comment names it.
    pub sure: bool,
}

/// A use of a map with all locks that are held at it.
struct Use<'a> {
    access: &'a Access,
    must: LockSet,
    may: LockSet,
    /// Nothing is known of some callers, or the function says that it needs a lock.
    unsure: bool,
}

/// What is wrong, the use that is, and the other one.
type Pair<'u, 'a> = (ConflictKind, &'u Use<'a>, &'u Use<'a>);

/// Uses without the lock count against it this often in another object.
const FAR: usize = 3;

/// Finds the conflicts of a package.
pub(crate) fn conflicts(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    functions: &[FnRef],
) -> Vec<Conflict> {
    let facts: Vec<_> = functions.iter().filter_map(|&f| pkg.facts(f)).collect();
    let by_caller: Vec<(Access, bool)> = facts
        .iter()
        .flat_map(|facts| by_callers(pkg, contexts, &facts.accesses))
        .collect();
    let of_helpers: FxHashSet<Loc> = by_caller
        .iter()
        .filter_map(|(access, _)| access.inner.as_ref().map(|inner| inner.0))
        .collect();
    let mut uses: BTreeMap<ClassId, Vec<Use<'_>>> = BTreeMap::new();
    for facts in &facts {
        for access in &facts.accesses {
            if of_helpers.contains(&access.at) {
                continue;
            }
            let locked = access.root.is_some_and(|var| facts.locked.contains(&var));
            if let Some(found) = usable(pkg, contexts, access, locked) {
                uses.entry(access.class).or_default().push(found);
            }
        }
    }
    for (access, locked) in &by_caller {
        if let Some(found) = usable(pkg, contexts, access, *locked) {
            uses.entry(access.class).or_default().push(found);
        }
    }
    let mut escapes: FxHashMap<ClassId, Vec<&Escape>> = FxHashMap::default();
    for escape in facts.iter().flat_map(|facts| &facts.escapes) {
        escapes.entry(escape.class).or_default().push(escape);
    }
    let mut conflicts = Vec::new();
    for (class, mut uses) in uses {
        uses.retain(|u| !pkg.is_test(u.access.func));
        let escapes = escapes.get(&class).map_or(&[][..], Vec::as_slice);
        of_class(pkg, contexts, class, &uses, escapes, &mut conflicts);
    }
    conflicts.sort_by_key(|c| (c.here.at.file, c.here.at.span.start));
    one_for_each_lock(conflicts)
}

/// A function that leaves out a lock is told once, whatever maps it uses.
fn one_for_each_lock(conflicts: Vec<Conflict>) -> Vec<Conflict> {
    let mut told: Vec<Conflict> = Vec::new();
    for conflict in conflicts {
        let same = told.iter_mut().find(|first| {
            first.kind == conflict.kind
                && first.lock == conflict.lock
                && first.here.at.file == conflict.here.at.file
                && first.here.function == conflict.here.function
        });
        match same {
            Some(first) => first.more.push(conflict.here.at),
            None => told.push(conflict),
        }
    }
    told
}

/// Uses in helpers that some callers call with a lock and some without, as uses of their
/// callers: whoever leaves out the lock is at fault, not the helper.
fn by_callers(
    pkg: &mut Package<'_, '_>,
    contexts: &Contexts,
    accesses: &[Access],
) -> Vec<(Access, bool)> {
    let mut out = Vec::new();
    for access in accesses {
        let Base::Var(var) = access.base else {
            continue;
        };
        let info = pkg.unit(access.func.unit);
        let name: Rc<str> = info.unit.name.name.as_str().into();
        let receiver = info.unit.function(FnId::ROOT).receiver == Some(var);
        let helper = access.func.function == FnId::ROOT && receiver && !is_exported(&name);
        if !helper || info.expects_lock || info.is_test || !access.locks.must.is_empty() {
            continue;
        }
        let calls: Vec<Edge> = contexts.calls(access.func).to_vec();
        let direct = |edge: &&Edge| {
            edge.kind == EdgeKind::Call
                && edge.from.function == FnId::ROOT
                && !pkg.is_test(edge.from)
        };
        let calls: Vec<&Edge> = calls.iter().filter(direct).collect();
        let own_lock = |edge: &&&Edge| {
            let mut held = edge.locks.must.iter();
            held.any(|held| pkg.classes.are_siblings(access.class, held.class))
        };
        let locked = calls.iter().filter(own_lock).count();
        if locked == 0 || locked == calls.len() {
            continue;
        }
        for edge in calls {
            let Some(arg) = edge.args.iter().find(|arg| arg.param == var) else {
                continue;
            };
            let Some(facts) = pkg.facts(edge.from) else {
                continue;
            };
            let mut inner = access.clone();
            inner.base = arg.base;
            inner.root = arg.root;
            inner.at = edge.at;
            inner.inner = Some((access.at, name.clone()));
            inner.func = edge.from;
            inner.locks = edge.locks.clone();
            inner.taken = None;
            out.push((
                inner,
                arg.root.is_some_and(|root| facts.locked.contains(&root)),
            ));
        }
    }
    out
}

/// A use that others may see, with the locks of its callers.
fn usable<'a>(
    pkg: &Package<'_, '_>,
    contexts: &mut Contexts,
    access: &'a Access,
    locked: bool,
) -> Option<Use<'a>> {
    if let Root::Local(unit, var) = pkg.classes.get(access.class).root {
        let unit = &pkg.unit(unit).unit;
        let parameter = unit
            .functions
            .iter()
            .any(|f| f.receiver == Some(var) || f.params.contains(&var));
        if parameter || !unit.var(var).captured {
            return None;
        }
    }
    let through = match access.base {
        Base::Fresh(_) => return None,
        Base::Var(var) => Some(var),
        _ => None,
    };
    let context = contexts.of(pkg, access.func, through);
    if context.callers == Callers::Alone {
        return None;
    }
    let mut must = context.must.without(&access.locks.released);
    must.add_all(&access.locks.must);
    let mut may = context.may.without(&access.locks.released);
    may.add_all(&access.locks.may);
    may.add_all(&must);
    let foreign = |held: &Held| is_foreign(pkg, held.class);
    let unit = &pkg.unit(access.func.unit).unit;
    // Of what a function is given nothing is known where nobody is seen to call it.
    let given = through.is_some_and(|var| {
        matches!(unit.var(var).kind, VarKind::Param(_))
            && !context.seen
            && unit.var(var).owner == access.func.function
    });
    let unsure = context.callers == Callers::Unknown
        || given
        || must.iter().any(foreign)
        || pkg.unit(access.func.unit).expects_lock && !context.seen
        || pkg.unit(access.func.unit).insists_on_lock
        || access.base == Base::Unknown && !locked
        || is_maker(pkg, access.func);
    Some(Use {
        access,
        must,
        may,
        unsure,
    })
}

/// Whether a function makes things ready before others get them, by its name.
pub(crate) fn is_maker(pkg: &Package<'_, '_>, function: FnRef) -> bool {
    let name = pkg.unit(function.unit).unit.name.name.as_str();
    function.function == FnId::ROOT
        && [
            "New",
            "new",
            "Init",
            "init",
            "Setup",
            "setup",
            "Decode",
            "Unmarshal",
            "unmarshal",
            "GobDecode",
        ]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Whether a function is for when nobody else has its object any more, by its name.
fn is_end(pkg: &Package<'_, '_>, function: FnRef) -> bool {
    let name = pkg.unit(function.unit).unit.name.name.as_str();
    ["Destroy", "destroy", "Release", "release"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Whether a lock is one that cannot be told apart from others: it was passed, or made by
/// an unknown function, or is that of a condition variable.
fn is_foreign(pkg: &Package<'_, '_>, lock: ClassId) -> bool {
    match pkg.classes.get(lock).root {
        Root::Made(_) => true,
        Root::Type(package, name) => package.as_str() == "sync" && name.as_str() == "Cond",
        Root::Local(unit, var) => {
            let kind = pkg.unit(unit).unit.var(var).kind;
            !matches!(kind, VarKind::Local)
        }
        Root::Global(..) => false,
    }
}

/// Whether the lock that is held here is that of another object than the map's.
fn of_another(pkg: &Package<'_, '_>, u: &Use<'_>, lock: ClassId) -> bool {
    let unit = &pkg.unit(u.access.func.unit).unit;
    let root = match (u.access.base, u.access.root) {
        (Base::Var(var), _) | (_, Some(var)) => var,
        _ => return false,
    };
    let mut held = u
        .access
        .locks
        .must
        .iter()
        .filter(|h| h.class == lock)
        .peekable();
    held.peek().is_some()
        && held.all(|held| {
            let var = held.place.and_then(|place| unit.places.root_var(place));
            var.is_some_and(|var| {
                let given = |var| !matches!(unit.var(var).kind, VarKind::Local | VarKind::Temp);
                var != root && given(var) && given(root)
            })
        })
}

/// How many functions uses stand in.
fn functions<'a, 'b: 'a>(uses: impl Iterator<Item = &'a Use<'b>>) -> usize {
    let mut units: Vec<u32> = uses.map(|u| u.access.func.unit.0).collect();
    units.sort_unstable();
    units.dedup();
    units.len()
}

fn of_class(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    class: ClassId,
    uses: &[Use<'_>],
    escapes: &[&Escape],
    conflicts: &mut Vec<Conflict>,
) {
    let local = matches!(pkg.classes.get(class).root, Root::Local(..));
    // A map that is only filled as it is put in its place is a snapshot afterwards.
    let changes = |u: &Use<'_>| u.access.kind.writes() && !u.access.filling;
    if local
        || is_snapshot(pkg, class)
        || !uses.iter().any(changes)
        || said(pkg, class) == Some(Guard::OneGoroutine)
    {
        return;
    }
    let before = conflicts.len();
    for lock in guards_of(pkg, class, uses) {
        under_lock(pkg, contexts, class, lock, uses, escapes, conflicts);
        if conflicts.len() > before {
            return;
        }
    }
}

/// Uses that are at odds with one lock.
fn under_lock(
    pkg: &mut Package<'_, '_>,
    contexts: &mut Contexts,
    class: ClassId,
    lock: ClassId,
    uses: &[Use<'_>],
    escapes: &[&Escape],
    conflicts: &mut Vec<Conflict>,
) {
    let siblings = pkg.classes.are_siblings(class, lock);
    let annotated = annotated(pkg, class, lock);
    let guarded: Vec<&Use<'_>> = uses
        .iter()
        .filter(|u| holds(&u.must, lock) && !of_another(pkg, u, lock))
        .collect();
    let bare: Vec<&Use<'_>> = uses
        .iter()
        .filter(|u| {
            !holds(&u.may, lock)
                && !u.unsure
                && !matches!(u.access.kind, AccessKind::Len | AccessKind::Replace)
        })
        .collect();
    let counts = (
        functions(guarded.iter().copied()),
        functions(bare.iter().copied()),
    );

    let mut by_function: BTreeMap<(u32, bool), Vec<Pair<'_, '_>>> = BTreeMap::new();
    for u in uses {
        let under_read_lock = u.access.kind.writes()
            && u.must.mode(lock) == Some(Mode::Read)
            && u.may.mode(lock) == Some(Mode::Read)
            && u.may.iter().all(|held| held.mode == Mode::Read)
            && !u.unsure
            && (siblings || annotated || guarded.len() > 1)
            && contexts.read_locked_from_outside(pkg, u.access.func, &u.access.locks.must, lock);
        if under_read_lock {
            let other = guarded.iter().find(|g| g.access.at != u.access.at);
            let other = other.copied().unwrap_or(u);
            by_function
                .entry((u.access.func.unit.0, true))
                .or_default()
                .push((ConflictKind::UnderReadLock, u, other));
        }
    }
    for &u in &bare {
        if is_end(pkg, u.access.func) && u.access.taken.is_none() {
            continue;
        }
        let same_function = guarded
            .iter()
            .any(|g| g.access.func == u.access.func && holds(&g.access.locks.must, lock));
        let partners = guarded.iter().filter(|g| {
            (g.access.kind.writes() || u.access.kind.writes())
                && g.access.kind != AccessKind::Len
                && !u.must.excludes(&g.may)
                && !u.may.excludes(&g.must)
        });
        let Some(&other) = partners.max_by_key(|g| (g.access.kind.writes(), g.must.mode(lock)))
        else {
            continue;
        };
        let enough = annotated
            || if siblings {
                counts.0 > counts.1
                    || counts.0 == counts.1 && guarded.iter().any(|g| g.access.kind.changes())
                    || same_function && counts.1 <= counts.0 + 1
            } else {
                counts.0 >= FAR && counts.0 >= FAR * counts.1
            };
        // A struct that is part of several others has the lock of each.
        let elsewhere = !siblings && !annotated && !u.must.is_empty();
        if !enough || elsewhere {
            continue;
        }
        let taken = u
            .access
            .taken
            .as_ref()
            .is_some_and(|taken| holds(&taken.locks, lock));
        let kind = match (taken, u.access.kind) {
            (true, _) => ConflictKind::TakenOut,
            (_, AccessKind::Iterate) => ConflictKind::Iteration,
            _ if u
                .must
                .iter()
                .any(|held| pkg.classes.are_siblings(held.class, class)) =>
            {
                ConflictKind::OtherLock
            }
            _ => ConflictKind::Unguarded,
        };
        by_function
            .entry((u.access.func.unit.0, false))
            .or_default()
            .push((kind, u, other));
    }
    for mut found in by_function.into_values() {
        found.sort_by_key(|(_, u, _)| (!u.access.kind.writes(), u.access.at));
        let (kind, u, other) = found[0];
        let mut more: Vec<Loc> = found[1..].iter().map(|(_, u, _)| u.access.at).collect();
        more.sort();
        more.dedup();
        more.retain(|&at| at != u.access.at);
        conflicts.push(Conflict {
            kind,
            map: pkg.describe(class),
            lock: pkg.describe(lock),
            here: side(pkg, u.access, &u.must),
            other: side(pkg, other.access, &other.must),
            taken: u.access.taken.as_ref().map(|taken| taken.at),
            more,
            guarded: counts.0,
            bare: counts.1,
            sure: siblings || annotated,
        });
    }
    let writes: Vec<&&Use<'_>> = guarded.iter().filter(|g| g.access.kind.writes()).collect();
    if let Some(write) = writes.first()
        && (annotated || siblings && counts.0 > counts.1)
    {
        for escape in escapes {
            // Whoever takes the lock to get at the map says that the lock guards it.
            let taken = escape.taken.as_ref();
            let under_lock = taken.is_some_and(|taken| holds(&taken.locks, lock));
            if !annotated && counts.0 + usize::from(under_lock) < 2 {
                continue;
            }
            if let Some(conflict) = escaped(pkg, contexts, class, lock, escape, write, counts) {
                conflicts.push(conflict);
            }
        }
    }
}

/// The locks that may guard a map, going by its uses and what comments say, the likeliest
/// first.
fn guards_of(pkg: &Package<'_, '_>, class: ClassId, uses: &[Use<'_>]) -> Vec<ClassId> {
    let mut counts: BTreeMap<ClassId, usize> = BTreeMap::new();
    for u in uses {
        let mut seen: Vec<ClassId> = Vec::new();
        for held in u.must.iter() {
            if !seen.contains(&held.class) {
                seen.push(held.class);
                *counts.entry(held.class).or_default() += 1;
            }
        }
    }
    let mut locks: Vec<_> = counts
        .into_iter()
        .map(|(lock, count)| {
            let siblings = pkg.classes.are_siblings(class, lock);
            ((annotated(pkg, class, lock), siblings, count), lock)
        })
        .collect();
    locks.sort_by_key(|&(rank, lock)| (std::cmp::Reverse(rank), lock));
    let Some(&((annotated, siblings, most), _)) = locks.first() else {
        return Vec::new();
    };
    // Another one of the same rank may be meant if it is held nearly as often.
    locks.retain(|&((a, s, count), _)| a == annotated && s == siblings && 2 * count >= most);
    locks.into_iter().map(|(_, lock)| lock).collect()
}

/// What a comment says of who may use the map.
fn said(pkg: &Package<'_, '_>, class: ClassId) -> Option<Guard> {
    let map = pkg.classes.get(class);
    let key = match (map.root, map.steps.first()) {
        (Root::Type(_, name), Some(Step::Field(field))) => (Some(name), *field),
        (Root::Global(_, name), None) => (None, name),
        _ => return None,
    };
    pkg.guards.get(&key).copied()
}

/// Whether a comment says that the lock guards the map.
fn annotated(pkg: &Package<'_, '_>, class: ClassId, lock: ClassId) -> bool {
    let Some(Guard::Lock(guard)) = said(pkg, class) else {
        return false;
    };
    let lock = pkg.classes.get(lock);
    match (lock.steps.last(), lock.root) {
        (Some(Step::Field(name)), _) => *name == guard,
        (None, Root::Global(_, name)) => name == guard,
        _ => false,
    }
}

fn escaped(
    pkg: &Package<'_, '_>,
    contexts: &mut Contexts,
    class: ClassId,
    lock: ClassId,
    escape: &Escape,
    write: &Use<'_>,
    counts: (usize, usize),
) -> Option<Conflict> {
    let info = pkg.unit(escape.func.unit);
    let name = info.unit.name.name;
    if escape.func.function != FnId::ROOT
        || info.expects_lock
        || pkg.is_test(escape.func)
        || !is_exported(name.as_str())
    {
        return None;
    }
    let through = match escape.base {
        Base::Var(var) => Some(var),
        _ => None,
    };
    let context = contexts.of(pkg, escape.func, through);
    if context.callers != Callers::Known || holds(&context.may, lock) {
        return None;
    }
    let function = pkg.name_of(escape.func);
    Some(Conflict {
        kind: ConflictKind::Escape(escape.kind),
        map: pkg.describe(class),
        lock: pkg.describe(lock),
        here: Side {
            at: escape.at,
            function,
            kind: AccessKind::Read,
            text: escape.text.clone(),
            locks: locks(pkg, &escape.locks.must),
            inner: None,
            is_test: false,
        },
        other: side(pkg, write.access, &write.must),
        taken: None,
        more: Vec::new(),
        guarded: counts.0,
        bare: counts.1,
        sure: false,
    })
}

/// A use of a map, for findings, with the locks that are surely held there.
pub(crate) fn side(pkg: &Package<'_, '_>, access: &Access, must: &LockSet) -> Side {
    Side {
        at: access.at,
        function: pkg.name_of(access.func),
        kind: access.kind,
        text: access.text.clone(),
        locks: locks(pkg, must),
        inner: access.inner.clone(),
        is_test: pkg.is_test(access.func),
    }
}

pub(crate) fn locks(pkg: &Package<'_, '_>, set: &LockSet) -> Vec<String> {
    let describe = |held: &crate::lock::Held| {
        let name = pkg.describe(held.class);
        match held.mode {
            Mode::Read => format!("{name} (for reading)"),
            Mode::Write => name,
        }
    };
    let mut names: Vec<String> = set.iter().map(describe).collect();
    names.dedup();
    names
}
