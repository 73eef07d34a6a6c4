//! A crash joined with the program's source: lines, maps, locks, and what `check` knows.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use tophash_crash::{Case, Class, Crash, Frame, Lookup, Operation, Pointer, Spot, Stack};
use tophash_finding::{Evidence, Finding, Fix, Place};
use tophash_rules::{Options, Progress};

use super::pointers::Typed;
use super::tree::{Tree, parent};
use super::uses::{Kind, Kinds, Lock, MapUse, Source, qualified};

/// Most places named that use the same map.
const MAX_PLACES: usize = 6;

/// What the frames of a crash are in the source.
pub(crate) struct Join<'a> {
    tree: &'a Tree,
    /// What names are, by directory.
    kinds: RefCell<HashMap<String, Rc<Kinds>>>,
    /// What `check` finds, by directory.
    checked: RefCell<HashMap<String, Rc<Vec<Finding>>>>,
    /// Packages with their types, by directory.
    typed: RefCell<HashMap<String, Rc<Typed>>>,
}

impl Lookup for Join<'_> {
    fn spot(&self, frame: &Frame) -> Option<Spot> {
        let source = self.tree.find(frame)?;
        let kinds = self.kinds(&source);
        Some(source.spot(frame.line, &kinds))
    }

    fn pointers(&self, frame: &Frame) -> Option<Vec<Pointer>> {
        let source = self.tree.find(frame)?;
        let dir = parent(&source.path).to_owned();
        let top = std::path::absolute(self.tree.dir()).ok()?;
        let known = self.typed.borrow().get(&dir).map(Rc::clone);
        let typed = known.unwrap_or_else(|| {
            let typed = Rc::new(Typed::open(&top.join(&dir), variables()));
            self.typed.borrow_mut().insert(dir, Rc::clone(&typed));
            typed
        });
        typed.pointers(&top.join(&source.path), &source.shown, frame.line)
    }
}

impl<'a> Join<'a> {
    pub(crate) fn new(tree: &'a Tree) -> Join<'a> {
        Join {
            tree,
            kinds: RefCell::default(),
            checked: RefCell::default(),
            typed: RefCell::default(),
        }
    }

    /// What names of a file's package are.
    fn kinds(&self, source: &Source) -> Rc<Kinds> {
        let dir = parent(&source.path).to_owned();
        if let Some(known) = self.kinds.borrow().get(&dir) {
            return Rc::clone(known);
        }
        let mut all = Kinds::default();
        for file in self.tree.package(&source.path) {
            all.merge(&file.kinds);
        }
        let all = Rc::new(all);
        self.kinds.borrow_mut().insert(dir, Rc::clone(&all));
        all
    }

    /// The line that failed, if a crash has one that the source does not: as the file is printed.
    pub(crate) fn not_found(&self, case: &Case) -> Option<String> {
        let side = case.verdict.failed.as_ref()?;
        let frame = case.crash.stacks.get(side.stack)?.frames.get(side.frame?)?;
        let missing = !frame.file.is_empty() && self.tree.find(frame).is_none();
        missing.then(|| format!("{}:{}", frame.file, frame.line))
    }

    /// Adds to a finding what the source says beyond its lines: who else reaches the map, which
    /// lock is missing, and what `check` says of the same lines.
    pub(crate) fn enrich(&self, case: &Case, finding: &mut Finding) {
        let Some(side) = &case.verdict.failed else {
            return;
        };
        let frame = case
            .crash
            .stacks
            .get(side.stack)
            .and_then(|stack| stack.frames.get(side.frame?));
        let Some(source) = frame.and_then(|frame| self.tree.find(frame)) else {
            return;
        };
        if case.verdict.class.is_concurrent() {
            self.reach(case, &source, finding);
        }
        if case.verdict.class.is_of_maps() {
            self.check(&source, case, finding);
        }
    }

    /// Who else reaches the map, and under which lock.
    fn reach(&self, case: &Case, source: &Source, finding: &mut Finding) {
        let Some(map) = finding.map.clone() else {
            return;
        };
        let failed = source.uses.iter().find(|u| {
            u.place.line == finding.place.line
                && u.place.column == finding.place.column
                && qualified(u) == map
        });
        let Some(failed) = failed else {
            return;
        };
        let files = self.tree.package(&source.path);
        let kinds = self.kinds(source);
        let mut others: Vec<(&Source, &MapUse)> = Vec::new();
        for file in &files {
            for other in &file.uses {
                if same_map(failed, other)
                    && kinds.of(other) != Kind::Other
                    && other.place != failed.place
                    && !other.passed
                    && !other.fresh
                {
                    others.push((file.as_ref(), other));
                }
            }
        }
        let lock = self.missing_lock(source, failed, &others, finding);
        // Already named by a goroutine of the log.
        others.retain(|(_, u)| {
            finding
                .evidence
                .iter()
                .all(|e| e.place.line != u.place.line || e.place.file != u.place.file)
        });
        // A reader meets a writer; a writer meets anyone.
        if !case.verdict.others.is_empty() && lock {
            others.clear();
        }
        if !failed.operation.writes() {
            others.retain(|(_, u)| u.operation.writes());
        }
        others.sort_by_key(|(_, u)| (!u.operation.writes(), !u.locks.is_empty()));
        let mut functions = BTreeSet::new();
        others.retain(|(file, u)| functions.insert((file.path.clone(), u.function, u.operation)));
        let writers: BTreeSet<(&str, usize)> = others
            .iter()
            .filter(|(_, u)| u.operation.writes())
            .map(|(file, u)| (file.path.as_str(), u.function))
            .collect();
        // The log does not name the other side, and the source leaves no choice.
        if case.verdict.others.is_empty()
            && writers.len() == 1
            && let Some((file, only)) = others.iter().find(|(_, u)| u.operation.writes())
            && let Some(function) = file.functions.get(only.function)
        {
            let name = &function.name;
            finding.message = format!("{}; in the source only {name} does that", finding.message);
        }
        let more = others.len().saturating_sub(MAX_PLACES);
        for (at, (file, other)) in others.into_iter().take(MAX_PLACES).enumerate() {
            let function = file.functions.get(other.function);
            let name = function.map_or("", |f| f.name.as_str());
            let locks = match other.locks.as_slice() {
                [] => String::from("without a lock"),
                locks => {
                    let held = |lock: &Lock| match lock.covers(other.operation) {
                        true => lock.name.clone(),
                        false => format!("{} for reading only", lock.name),
                    };
                    let held: Vec<String> = locks.iter().map(held).collect();
                    format!("holding {}", held.join(" and "))
                }
            };
            let rest = match (at + 1 == MAX_PLACES, more) {
                (true, n) if n > 0 => format!("; {n} more functions do"),
                _ => String::new(),
            };
            finding.evidence.push(Evidence {
                place: other.place.clone(),
                function: Some(name.to_owned()),
                message: format!(
                    "the source reaches the same map here: {name} {} {}, {locks}{rest}",
                    verb(other.operation),
                    other.text
                ),
            });
        }
    }

    /// Names the lock that other uses of the map hold and this one does not.
    fn missing_lock(
        &self,
        source: &Source,
        failed: &MapUse,
        others: &[(&Source, &MapUse)],
        finding: &mut Finding,
    ) -> bool {
        // `s.mu` here is `c.mu` there.
        let last = |lock: &str| lock.rsplit('.').next().unwrap_or(lock).to_owned();
        let covers = |lock: &&Lock| lock.covers(failed.operation);
        let held: Vec<String> = (failed.locks.iter().filter(covers))
            .map(|l| last(&l.name))
            .collect();
        let shared = |lock: &str| {
            let same = |l: &Lock| last(&l.name) == lock;
            failed.locks.iter().any(same)
        };
        let mut counts: HashMap<String, (usize, String)> = HashMap::new();
        for (file, other) in others {
            for lock in other.locks.iter().filter(|l| l.covers(other.operation)) {
                let name = file.functions.get(other.function).map(|f| f.name.clone());
                let entry = counts
                    .entry(last(&lock.name))
                    .or_insert((0, name.unwrap_or_default()));
                entry.0 += 1;
            }
        }
        let best = counts
            .into_iter()
            .filter(|(lock, _)| !held.contains(lock))
            .max_by(|a, b| a.1.0.cmp(&b.1.0).then(b.0.cmp(&a.0)));
        let Some((lock, (_, holder))) = best else {
            return false;
        };
        let function = source.functions.get(failed.function);
        let name = function.map_or("it", |f| f.name.as_str());
        let (does, map) = (verb(failed.operation), &failed.text);
        let only_shared = shared(&lock);
        finding.fixes.insert(
            0,
            Fix {
                message: match only_shared {
                    true => {
                        format!("take {lock} with Lock, not RLock, in {name} where it {does} {map}")
                    }
                    false => {
                        format!("hold {lock} in {name} where it {does} {map}, as {holder} does")
                    }
                },
                edits: Vec::new(),
                safe: false,
            },
        );
        if let Some(function) = function {
            finding.evidence.push(Evidence {
                place: function.place().clone(),
                function: Some(function.name.clone()),
                message: match only_shared {
                    true => format!("{name} holds {lock} for reading only, and {does} the map"),
                    false => format!("{name} does not hold {lock}, which other uses of the map do"),
                },
            });
        }
        true
    }

    /// What `check` finds in the package of a file.
    fn checked(&self, source: &Source) -> Rc<Vec<Finding>> {
        let dir = parent(&source.path);
        if let Some(known) = self.checked.borrow().get(dir) {
            return Rc::clone(known);
        }
        let pattern = match dir {
            "" => ".".to_owned(),
            dir => format!("./{dir}"),
        };
        let findings = match std::path::absolute(self.tree.dir()) {
            Err(_) => Vec::new(),
            Ok(top) => {
                let options = Options {
                    dir: top,
                    patterns: vec![pattern],
                    variables: variables(),
                    ..Options::default()
                };
                tophash_rules::check(&options, &Progress::default()).findings
            }
        };
        let findings = Rc::new(findings);
        let mut all = self.checked.borrow_mut();
        all.insert(dir.to_owned(), Rc::clone(&findings));
        findings
    }

    /// What `check` finds at the same line: why the map is nil, and the change that mends it.
    fn check(&self, source: &Source, case: &Case, finding: &mut Finding) {
        let nil = case.verdict.class == Class::NilMapWrite;
        let findings = self.checked(source);
        let stack = (case.verdict.failed.as_ref()).and_then(|s| case.crash.stacks.get(s.stack));
        let known = findings.iter().find(|known| {
            known.place.file == source.path
                && known.place.line == finding.place.line
                && (nil == known.code.starts_with("TH1"))
                && stack.is_none_or(|stack| {
                    came_by(known, stack) && started_by(known, stack, &case.crash)
                })
        });
        let Some(known) = known.cloned() else {
            return;
        };
        let shown = |file: &str| self.tree.shown(file);
        finding.place = known.place;
        finding.place.file = shown(&finding.place.file);
        finding.map = known.map.or(finding.map.take());
        // The log knows better who the other side was.
        if !(case.verdict.class.is_concurrent() && case.verdict.is_certain()) {
            finding.message = match case.times {
                1 => known.message,
                n => format!("{} ({n} times in this log)", known.message),
            };
        }
        for mut evidence in known.evidence {
            evidence.place.file = shown(&evidence.place.file);
            finding.evidence.push(evidence);
        }
        if !known.fixes.is_empty() {
            finding.fixes = known.fixes;
            for edit in finding.fixes.iter_mut().flat_map(|fix| &mut fix.edits) {
                edit.file = shown(&edit.file);
            }
        }
    }
}

/// The environment, as far as it is text.
fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
        .collect()
}

/// Whether a goroutine came the way that `check` describes: each call on it is on the stack, or is
/// the `go` statement that started it. Other ways to the same line may make the map nil elsewhere.
fn came_by(known: &Finding, stack: &Stack) -> bool {
    let calls = known
        .evidence
        .iter()
        .filter(|e| e.message.ends_with(" is called here"));
    stack.elided.is_some()
        || calls.map(|e| &e.place).all(|place| {
            stack.frames.iter().any(|f| is_at(place, &f.file, f.line))
                || (stack.created.as_ref()).is_some_and(|c| is_at(place, &c.file, c.line))
        })
}

/// Whether a goroutine of the crash was started where `check` says that one of the two is. If only
/// the first goroutine is printed, which nobody starts, the other may have been.
fn started_by(known: &Finding, failed: &Stack, crash: &Crash) -> bool {
    let starts: Vec<&Place> = (known.evidence.iter())
        .filter(|e| e.message.contains("goroutine is started here"))
        .map(|e| &e.place)
        .collect();
    let created = |place: &&Place| {
        (crash.stacks.iter())
            .filter_map(|stack| stack.created.as_ref())
            .any(|c| is_at(place, &c.file, c.line))
    };
    let alone = crash.goroutines == 1 && failed.created.is_none();
    starts.is_empty() || alone || starts.iter().any(created)
}

/// Whether a line that Go printed is in a place; of paths the last name counts.
fn is_at(place: &Place, file: &str, line: u32) -> bool {
    let name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
    (place.line..=place.end_line).contains(&line) && name(&place.file) == name(file)
}

/// Whether two uses can be of one map: the same field of the same type, or the same variable of
/// the package.
fn same_map(a: &MapUse, b: &MapUse) -> bool {
    if a.name.is_empty() || a.name != b.name || a.field != b.field {
        return false;
    }
    match (&a.owner, &b.owner) {
        (Some(a), Some(b)) => a == b,
        // A local variable is another one in another function.
        _ => a.field || a.kind == Kind::Unknown && b.kind == Kind::Unknown,
    }
}

fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Assign | Operation::Grow => "writes to",
        Operation::Read => "reads",
        Operation::Delete => "deletes from",
        Operation::Iterate => "ranges over",
        Operation::Clear => "clears",
        Operation::Clone => "clones",
        Operation::Make => "makes",
    }
}
