//! What is known at one point of a function, on some of the ways to it.

use crate::origin::{Loc, OriginId};
use crate::table::Table;
use crate::term::{ELEM, Path, Root, Site, Term, TermKind, Terms};
use crate::value::{Address, Aggregate, Truth, Value};
use rustc_hash::{FxHashSet, FxHasher};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use tophash_flow::{BlockId, Const, DeferId, VarId};
use tophash_syntax::ast::{BinaryOp, UnaryOp};

/// What every zero value is called when it is a term: `nil`, `false` and `""` too.
pub const ZERO: Const = Const::Int(0);

/// What is known of a term.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fact {
    /// It is zero. Where a map was found nil, says where.
    Zero(Option<OriginId>),
    /// A map that is not nil.
    Made,
    /// Not zero.
    NonZero,
    /// That constant, which is not zero.
    Is(Const),
}

/// A way that is possible by the source alone, but often not by what the program means.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Weak {
    /// A loop that would have made the map ran no round.
    NoRounds(Loc),
    /// A switch without a default clause has no case for it.
    NoCase(Loc),
    /// No earlier round of a loop went where the map is made.
    FirstRound(Loc),
    /// A call failed, and its error is not looked at.
    IgnoredError(Loc),
    /// A type assertion failed, and nobody asks whether it did.
    IgnoredOk(Loc),
    /// A callee returns nil for a reason that its caller can't see.
    HiddenReason(Loc),
    /// A call runs another of the functions that it is given first.
    OtherFirst(Loc),
}

/// Memory and facts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// What lies in memory that was written, or read and refined.
    cells: BTreeMap<Root, Value>,
    /// Allocations and variables that code which is not seen can reach.
    escaped: BTreeSet<Root>,
    facts: BTreeMap<Term, Fact>,
    /// Heads of range loops that had a round.
    rounds: BTreeSet<BlockId>,
    /// `defer` statements that may have been executed, and those that surely were.
    deferred: (BTreeSet<DeferId>, BTreeSet<DeferId>),
    /// Where unseen code last ran: it may have changed all memory that is shared.
    epoch: Option<Site>,
    /// Pointers that unseen code was given, and where last: it may have changed what they
    /// lead to.
    given_away: BTreeMap<Term, Site>,
    /// Calls that were made on the way here and are taken to give the same each time.
    asked: BTreeSet<Site>,
    /// What the way here rests on.
    pub weak: Option<Weak>,
    /// Roots that are never written anywhere, with what is in them.
    frozen: Rc<BTreeMap<Root, Value>>,
}

/// What a state still needs.
#[derive(Default)]
struct Marked {
    /// Names for what instructions gave.
    names: FxHashSet<Term>,
    /// Memory that values lead to.
    roots: FxHashSet<Root>,
    /// Where unseen code last ran: what it left can be read again.
    sites: FxHashSet<Site>,
}

impl Marked {
    /// Marks what a part of a value leads to.
    fn mark(&mut self, part: &Value, terms: &Terms, open: &mut Vec<Root>) {
        let mut name = |term: Term| {
            terms.names(term, &mut |name| {
                self.names.insert(name);
            });
        };
        match part {
            Value::Term(term) => name(*term),
            Value::Table(table) => table.known.keys().chain(&table.base).for_each(|&t| name(t)),
            Value::Ref(address) => {
                if let Root::Pointee(term) = address.root {
                    name(term);
                }
                self.roots.insert(address.root);
                open.push(address.root);
            }
            _ => {}
        }
    }

    /// Whether a term can still be come by.
    fn has(&self, term: Term, terms: &Terms) -> bool {
        !terms.lacks(term, &|name| match terms.kind(name) {
            TermKind::Havoc(site, _) if self.sites.contains(site) => true,
            _ => self.names.contains(&name),
        })
    }

    /// The same of memory.
    fn reaches(&self, root: Root, terms: &Terms) -> bool {
        match root {
            Root::Var(_) | Root::Global(..) => true,
            Root::Alloc(..) => self.roots.contains(&root),
            Root::Pointee(term) => self.roots.contains(&root) || self.has(term, terms),
        }
    }
}

impl State {
    /// Nothing known but what lies in memory that nobody writes.
    pub fn new(frozen: Rc<BTreeMap<Root, Value>>) -> State {
        State {
            frozen,
            ..State::default()
        }
    }

    // Memory.

    fn is_shared(&self, root: Root) -> bool {
        match root {
            Root::Pointee(_) | Root::Global(..) => true,
            Root::Var(_) | Root::Alloc(..) => self.escaped.contains(&root),
        }
    }

    /// What lies in a root.
    pub fn contents(&self, root: Root, terms: &mut Terms) -> Value {
        if let Some(value) = self.frozen.get(&root).or_else(|| self.cells.get(&root)) {
            return value.clone();
        }
        let initial = terms.build(TermKind::Contents(root));
        if let Root::Pointee(term) = root
            && !self.given_away.is_empty()
        {
            let given = (self.given_away.iter())
                .filter(|&(&pointer, _)| terms.mentions(term, &|part| part == pointer));
            let mut sites: Vec<Site> = given.map(|(_, &site)| site).collect();
            sites.sort();
            sites.dedup();
            match (&sites[..], initial) {
                ([], _) => {}
                (&[site], Some(initial)) => {
                    let changed = terms.build(TermKind::Havoc(site, initial));
                    return changed.map_or(Value::Unknown, Value::Term);
                }
                _ => return Value::Unknown,
            }
        }
        let term = match (initial, self.epoch) {
            (Some(term), Some(site)) if self.is_shared(root) => {
                terms.build(TermKind::Havoc(site, term))
            }
            (initial, _) => initial,
        };
        term.map_or(Value::Unknown, Value::Term)
    }

    /// What lies at an address.
    pub fn load(&self, address: &Address, terms: &mut Terms) -> Value {
        self.contents(address.root, terms)
            .project_path(&address.path, terms)
    }

    /// Puts a value at an address. An element of a list may be another one than the
    /// one meant before, so that writing it leaves both possible.
    pub fn store(&mut self, address: &Address, value: Value, terms: &mut Terms) {
        if self.is_shared(address.root) {
            self.escape(&value);
            self.blur_aliases(address);
        }
        let old = self.contents(address.root, terms);
        let new = match address.path.iter().position(|&step| step == ELEM) {
            None => old.replace(&address.path, value, terms),
            Some(_) => {
                let before = old.project_path(&address.path, terms);
                if before == value {
                    return;
                }
                let both = match (self.truth(&before, terms), self.truth(&value, terms)) {
                    (Some(Truth::NonZero), Some(Truth::NonZero)) => Value::NonZero,
                    _ => Value::Unknown,
                };
                self.escape(&value);
                old.replace(&address.path, both, terms)
            }
        };
        self.cells.insert(address.root, new);
    }

    /// The elements of what a map leads to; none if that is not known.
    pub fn table(&self, map: &Value, terms: &mut Terms) -> Option<(Root, Table)> {
        let root = match map {
            Value::Ref(address) if address.path.is_empty() => address.root,
            Value::Term(term) => Root::Pointee(*term),
            _ => return None,
        };
        let contents = self.contents(root, terms);
        Some((root, Table::of(&contents)))
    }

    /// Changes the elements of a map. Another map that is not known may be the same.
    pub fn set_table(&mut self, root: Root, table: Table) {
        if self.is_shared(root) {
            let shared: Vec<Root> = self.cells.keys().copied().collect();
            for other in shared {
                if other == root || !self.is_shared(other) {
                    continue;
                }
                if let Some(Value::Table(other)) = self.cells.get_mut(&other) {
                    *Rc::make_mut(other) = Table::default();
                }
            }
        }
        self.cells.insert(root, Value::Table(Rc::new(table)));
    }

    /// A write through an unknown pointer may reach what another unknown pointer points to.
    fn blur_aliases(&mut self, address: &Address) {
        let unknown = |root: Root| matches!(root, Root::Pointee(_));
        if !unknown(address.root) && !self.escaped.contains(&address.root) {
            return;
        }
        let mut scratch = Terms::default();
        for (&root, value) in &mut self.cells {
            let other = root != address.root
                && (unknown(root) || (unknown(address.root) && self.escaped.contains(&root)));
            if other && has_path(value, &address.path) {
                *value = value.replace(&address.path, Value::Unknown, &mut scratch);
            }
        }
    }

    /// A variable begins to exist anew.
    pub fn declare(&mut self, var: VarId, terms: &Terms) {
        let root = Root::Var(var);
        self.forget_root(root);
        self.escaped.remove(&root);
        let stale = terms.find(&TermKind::Contents(root));
        if let Some(stale) = stale {
            self.forget(terms, |term| term == stale);
        }
        self.cells.insert(root, Value::Unknown);
    }

    /// A new allocation; what an earlier round of the same instruction made can no
    /// longer be told from it.
    pub fn allocate(&mut self, root: Root, value: Value) {
        self.forget_root(root);
        self.escaped.remove(&root);
        self.cells.insert(root, value);
    }

    /// Everything reachable from a value becomes known to unseen code.
    pub fn escape(&mut self, value: &Value) {
        let mut reached = Vec::new();
        value.visit(&mut |part| {
            if let Value::Ref(address) = part {
                reached.push(address.root);
            }
        });
        for root in reached {
            if matches!(root, Root::Alloc(..) | Root::Var(_))
                && self.escaped.insert(root)
                && let Some(contents) = self.cells.get(&root).cloned()
            {
                self.escape(&contents);
            }
        }
    }

    /// Marks a variable as one that unseen code may change.
    pub fn escape_var(&mut self, var: VarId) {
        self.escape(&Value::Ref(Address::of(Root::Var(var))));
    }

    /// Unseen code runs: what it can reach may have any value.
    pub fn havoc(&mut self, site: Site, terms: &Terms) {
        self.forget_epoch(site, terms);
        let shared: Vec<Root> = self
            .cells
            .keys()
            .copied()
            .filter(|&root| self.is_shared(root))
            .collect();
        for root in shared {
            self.cells.remove(&root);
        }
        self.epoch = Some(site);
        self.given_away.values_mut().for_each(|given| *given = site);
    }

    /// Unseen code runs that can only reach what the values lead to.
    pub fn havoc_reachable(&mut self, values: &[Value], site: Site, terms: &mut Terms) {
        let mut given = BTreeSet::new();
        let mut owned = BTreeSet::new();
        let mut open: Vec<Value> = values.to_vec();
        while let Some(value) = open.pop() {
            value.visit(&mut |part| match part {
                Value::Term(term) => {
                    given.insert(*term);
                }
                Value::Ref(address) if owned.insert(address.root) => {
                    open.extend(self.cells.get(&address.root).cloned());
                    if let Root::Pointee(term) = address.root {
                        given.insert(term);
                    }
                }
                _ => {}
            });
        }
        self.cells.retain(|root, _| match root {
            Root::Pointee(term) => !terms.mentions(*term, &|part| given.contains(&part)),
            _ => true,
        });
        // What was read after an earlier run of the same code is another value.
        self.forget_epoch(site, terms);
        let given = given.into_iter().map(|term| (term, site));
        self.given_away.extend(given);
        let mut stale = Vec::new();
        for root in owned {
            match root {
                Root::Alloc(..) | Root::Var(_) => self.escaped.insert(root),
                Root::Global(..) => true,
                Root::Pointee(_) => continue,
            };
            let unknown = terms.build(TermKind::Contents(root)).and_then(|term| {
                let kind = TermKind::Havoc(site, term);
                stale.extend(terms.find(&kind));
                terms.build(kind)
            });
            self.cells
                .insert(root, unknown.map_or(Value::Unknown, Value::Term));
        }
        if !stale.is_empty() {
            self.forget(terms, |term| stale.contains(&term));
        }
    }

    /// Drops temporaries.
    pub fn drop_vars(&mut self, dead: impl Fn(VarId) -> bool) {
        self.cells
            .retain(|root, _| !matches!(root, Root::Var(var) if dead(*var)));
    }

    /// Drops what no variable leads to any more: allocations, and what is known of values
    /// that nothing holds. States that differ in nothing else are then one.
    pub fn sweep(&mut self, terms: &Terms) {
        let mut marked = Marked {
            sites: self
                .given_away
                .values()
                .copied()
                .chain(self.epoch)
                .collect(),
            ..Marked::default()
        };
        loop {
            let before = (marked.names.len(), marked.roots.len());
            let mut seen: FxHashSet<Root> = FxHashSet::default();
            let mut open: Vec<Root> = self.cells.keys().copied().collect();
            open.retain(|&root| marked.reaches(root, terms));
            while let Some(root) = open.pop() {
                if !seen.insert(root) {
                    continue;
                }
                if let Some(value) = self.cells.get(&root) {
                    value.visit(&mut |part| marked.mark(part, terms, &mut open));
                }
            }
            if before == (marked.names.len(), marked.roots.len()) {
                break;
            }
        }
        self.facts.retain(|&term, _| marked.has(term, terms));
        self.given_away.retain(|&term, _| marked.has(term, terms));
        self.cells.retain(|&root, _| marked.reaches(root, terms));
        self.escaped.retain(|&root| marked.reaches(root, terms));
    }

    /// Roots with known contents.
    pub fn cells(&self) -> impl Iterator<Item = (Root, &Value)> {
        self.cells.iter().map(|(&root, value)| (root, value))
    }

    /// How much is known, in things.
    pub fn size(&self) -> usize {
        self.cells.len() + self.facts.len()
    }

    /// Whether unseen code ran.
    pub fn saw_unknown(&self) -> bool {
        self.epoch.is_some()
    }

    /// The pointers that unseen code was given.
    pub fn given_away(&self) -> impl Iterator<Item = Term> {
        self.given_away.keys().copied()
    }

    /// Whether code that is not seen can reach a root.
    pub fn has_escaped(&self, root: Root) -> bool {
        self.is_shared(root)
    }

    // Facts.

    /// Whether a value is zero, as far as is known. For maps and what else unseen code changes.
    pub fn truth(&self, value: &Value, terms: &Terms) -> Option<Truth> {
        match value {
            Value::Unknown => None,
            Value::Zero(origin) => Some(Truth::Zero(*origin)),
            Value::Made | Value::NonZero | Value::Const(_) => Some(Truth::NonZero),
            Value::Ref(_) | Value::Closure(_) | Value::Func(_) | Value::Bound(..) => {
                Some(Truth::NonZero)
            }
            Value::Struct(_) | Value::Table(_) => None,
            Value::Term(term) => self.fact(*term, terms).map(|fact| match fact {
                Fact::Zero(origin) => Truth::Zero(origin),
                Fact::Made | Fact::NonZero | Fact::Is(_) => Truth::NonZero,
            }),
        }
    }

    /// What is known of a term.
    pub fn fact(&self, term: Term, terms: &Terms) -> Option<Fact> {
        if let Some(&fact) = self.facts.get(&term) {
            return Some(fact);
        }
        match *terms.kind(term) {
            TermKind::Const(ZERO) => Some(Fact::Zero(None)),
            TermKind::Const(constant) => Some(Fact::Is(constant)),
            TermKind::Equal(x, y) => {
                let (x, constant) = match (terms.kind(x), terms.kind(y)) {
                    (_, TermKind::Const(constant)) => (x, constant),
                    (TermKind::Const(constant), _) => (y, constant),
                    _ => return None,
                };
                let same = match self.fact(x, terms)? {
                    Fact::Zero(_) => *constant == ZERO,
                    Fact::Is(known) => known == *constant,
                    // It is some other value than zero: which one is not known.
                    Fact::Made | Fact::NonZero if *constant == ZERO => false,
                    Fact::Made | Fact::NonZero => return None,
                };
                Some(match same {
                    true => Fact::NonZero,
                    false => Fact::Zero(None),
                })
            }
            TermKind::Unary(UnaryOp::Not, of) => Some(match self.fact(of, terms)? {
                Fact::Zero(_) => Fact::NonZero,
                _ => Fact::Zero(None),
            }),
            TermKind::Clone(of, _) => self.fact(of, terms),
            TermKind::Len(of) => match self.facts.get(&of) {
                Some(Fact::Zero(_)) => Some(Fact::Zero(None)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Notes a fact. Returns false where it contradicts what is known.
    #[must_use]
    pub fn assume(&mut self, term: Term, fact: Fact, terms: &Terms) -> bool {
        let zero = |fact: Fact| matches!(fact, Fact::Zero(_));
        if let Some(known) = self.fact(term, terms) {
            if zero(known) != zero(fact) {
                return false;
            }
            if let (Fact::Is(known), Fact::Is(new)) = (known, fact) {
                return known == new;
            }
            // The first check that found it nil is the one to tell of.
            if zero(known) || matches!(known, Fact::Is(_)) {
                return true;
            }
        }
        self.facts.insert(term, fact);
        match *terms.kind(term) {
            // What has elements is not nil.
            TermKind::Len(of) | TermKind::Element(of, ..) if !zero(fact) => {
                self.assume(of, Fact::Made, terms)
            }
            TermKind::At(contents, ..) if !zero(fact) => match terms.map_of(contents) {
                Some(map) => self.assume(map, Fact::Made, terms),
                None => true,
            },
            TermKind::Equal(x, y) => {
                let (x, constant) = match (terms.kind(x), terms.kind(y)) {
                    (_, TermKind::Const(constant)) => (x, *constant),
                    (TermKind::Const(constant), _) => (y, *constant),
                    _ => return true,
                };
                match (constant == ZERO, zero(fact)) {
                    (true, true) => self.assume(x, Fact::NonZero, terms),
                    (true, false) => self.assume(x, Fact::Zero(None), terms),
                    (false, true) => true,
                    (false, false) => self.assume(x, Fact::Is(constant), terms),
                }
            }
            TermKind::Clone(of, _) => self.assume(of, fact, terms),
            // A sum of lengths is 0 where each of them is.
            TermKind::Binary(BinaryOp::Add, x, y)
                if zero(fact) && terms.is_length(x) && terms.is_length(y) =>
            {
                self.assume(x, fact, terms) && self.assume(y, fact, terms)
            }
            TermKind::Unary(UnaryOp::Not, of) => {
                let fact = if zero(fact) {
                    Fact::NonZero
                } else {
                    Fact::Zero(None)
                };
                self.assume(of, fact, terms)
            }
            _ => true,
        }
    }

    /// All facts.
    pub fn facts(&self) -> impl Iterator<Item = (Term, Fact)> {
        self.facts.iter().map(|(&term, &fact)| (term, fact))
    }

    // Deferred calls.

    /// A `defer` statement is executed.
    pub fn defer(&mut self, id: DeferId) {
        self.deferred.0.insert(id);
        self.deferred.1.insert(id);
    }

    /// Whether a `defer` statement may have been executed, or not.
    pub fn may_be_deferred(&self, id: DeferId, executed: bool) -> bool {
        match executed {
            true => self.deferred.0.contains(&id),
            false => !self.deferred.1.contains(&id),
        }
    }

    // Loops.

    /// Whether the range loop with that head had a round.
    pub fn had_round(&self, head: BlockId) -> bool {
        self.rounds.contains(&head)
    }
    /// The range loop with that head has a round.
    pub fn enter_round(&mut self, head: BlockId) {
        self.rounds.insert(head);
    }
    /// The range loop with that head is left.
    pub fn leave_loop(&mut self, head: BlockId) {
        self.rounds.remove(&head);
    }

    /// Notes that a call asks a question. Returns whether it did so before: then the
    /// answer may be another one.
    pub fn ask(&mut self, site: Site) -> bool {
        !self.asked.insert(site)
    }

    // Forgetting.

    /// Forgets all that is built on stale terms: an instruction runs again and gives a new value.
    pub fn forget(&mut self, terms: &Terms, stale: impl Fn(Term) -> bool) {
        let is_stale = |term: Term| terms.mentions(term, &stale);
        self.facts.retain(|&term, _| !is_stale(term));
        self.given_away.retain(|&term, _| !is_stale(term));
        let stale_root = |root: Root| matches!(root, Root::Pointee(term) if is_stale(term));
        self.cells.retain(|&root, _| !stale_root(root));
        for value in self.cells.values_mut() {
            if let Value::Table(table) = value
                && table
                    .known
                    .keys()
                    .chain(&table.base)
                    .any(|&term| is_stale(term))
            {
                Rc::make_mut(table).forget(is_stale);
            }
            let new = value.map(&|part| match part {
                Value::Term(term) if is_stale(*term) => Some(Value::Unknown),
                Value::Ref(address) if stale_root(address.root) => Some(Value::NonZero),
                _ => None,
            });
            if let Some(new) = new {
                *value = new;
            }
        }
    }

    fn forget_root(&mut self, root: Root) {
        if self.cells.remove(&root).is_none() {
            return;
        }
        for value in self.cells.values_mut() {
            let new = value.map(&|part| match part {
                Value::Ref(address) if address.root == root => Some(Value::NonZero),
                _ => None,
            });
            if let Some(new) = new {
                *value = new;
            }
        }
    }

    /// Forgets what is built on what unseen code left when it last ran there.
    pub fn forget_epoch(&mut self, site: Site, terms: &Terms) {
        self.forget(
            terms,
            |term| matches!(terms.kind(term), TermKind::Havoc(at, _) if *at == site),
        );
    }

    // Where ways meet.

    /// What tells states apart that are kept apart: the nil states of maps and which
    /// pointers lead where. States that agree on it are joined (as in ESP, Das et al.,
    /// PLDI 2002), so that what else is known stays correlated with it.
    pub fn key(&self, terms: &Terms, is_temp: impl Fn(VarId) -> bool) -> u64 {
        let mut hasher = FxHasher::default();
        self.rounds.hash(&mut hasher);
        for (root, value) in &self.cells {
            if matches!(root, Root::Var(var) if is_temp(*var)) {
                continue;
            }
            root.hash(&mut hasher);
            hash_value(value, &mut hasher);
        }
        for (&term, fact) in &self.facts {
            let class = match fact {
                Fact::Zero(Some(_)) => 1u8,
                Fact::Made if !matches!(terms.kind(term), TermKind::Len(_)) => 2,
                _ => continue,
            };
            (term, class).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// How many things two states disagree on: what a join would lose.
    pub fn distance(&self, other: &State) -> usize {
        let cells = |x: &State, y: &State| {
            let differs = |(root, value): (&Root, &Value)| y.cells.get(root) != Some(value);
            x.cells.iter().filter(|&cell| differs(cell)).count()
        };
        let facts = |x: &State, y: &State| {
            let differs = |(term, fact): (&Term, &Fact)| y.facts.get(term) != Some(fact);
            x.facts.iter().filter(|&fact| differs(fact)).count()
        };
        cells(self, other) + cells(other, self) + facts(self, other) + facts(other, self)
    }

    /// Joins two states; what they disagree on becomes unknown.
    pub fn join(&self, other: &State, block: BlockId, terms: &mut Terms) -> State {
        let mut left = self.clone();
        let mut right = other.clone();
        let site = Site::join(block);
        let epoch = if left.epoch == right.epoch {
            left.epoch
        } else {
            left.forget_epoch(site, terms);
            right.forget_epoch(site, terms);
            Some(site)
        };
        // Pointers that were given away in different places are from here on given away here.
        let mut given_away = left.given_away.clone();
        let mut differ = false;
        for (&term, &given) in &right.given_away {
            let known = given_away.entry(term).or_insert(given);
            differ |= *known != given;
            if *known != given {
                *known = site;
            }
        }
        if differ && left.epoch == right.epoch {
            left.forget_epoch(site, terms);
            right.forget_epoch(site, terms);
        }
        let escaped: BTreeSet<Root> = left.escaped.union(&right.escaped).copied().collect();
        let roots: BTreeSet<Root> = left
            .cells
            .keys()
            .chain(right.cells.keys())
            .copied()
            .collect();
        let mut joined = State {
            epoch,
            escaped,
            given_away,
            rounds: left.rounds.intersection(&right.rounds).copied().collect(),
            deferred: (
                left.deferred.0.union(&right.deferred.0).copied().collect(),
                left.deferred
                    .1
                    .intersection(&right.deferred.1)
                    .copied()
                    .collect(),
            ),
            asked: left.asked.union(&right.asked).copied().collect(),
            weak: match (left.weak, right.weak) {
                (Some(x), Some(y)) => Some(x.min(y)),
                _ => None,
            },
            frozen: left.frozen.clone(),
            ..State::default()
        };
        let mut names = Vec::new();
        for root in roots {
            let value = match (left.cells.get(&root), right.cells.get(&root)) {
                (Some(x), Some(y)) if x == y => x.clone(),
                (Some(x), None) | (None, Some(x)) if matches!(root, Root::Alloc(..)) => x.clone(),
                _ => {
                    let x = left.contents(root, terms);
                    let y = right.contents(root, terms);
                    let mut path = Path::new();
                    join_values(&x, &y, block, root, &mut path, terms, &mut names)
                }
            };
            joined.cells.insert(root, value);
        }
        let stale: BTreeSet<Term> = names.iter().map(|&(term, ..)| term).collect();
        // A name given where these states met before now stands for another value.
        // What else was built on it is gone, but for the joined value itself.
        let mut facts = Vec::new();
        for (term, x, y) in &names {
            let (x, y) = (left.truth_of(x, terms), right.truth_of(y, terms));
            if let Some(fact) = join_facts(x, y) {
                facts.push((*term, fact));
            }
        }
        for (&term, &fact) in &left.facts {
            if terms.mentions(term, &|part| stale.contains(&part)) {
                continue;
            }
            if let Some(fact) = join_facts(Some(fact), right.facts.get(&term).copied()) {
                facts.push((term, fact));
            }
        }
        joined.facts.extend(facts);
        for (&root, value) in &mut joined.cells {
            let new = value.map(&|part| match part {
                Value::Term(term) if stale.contains(term) => match terms.kind(*term) {
                    TermKind::Join(_, home, _) if *home != root => Some(Value::Unknown),
                    _ => None,
                },
                _ => None,
            });
            if let Some(new) = new {
                *value = new;
            }
        }
        joined
    }

    fn truth_of(&self, value: &Value, terms: &Terms) -> Option<Fact> {
        match value {
            Value::Term(term) => self.fact(*term, terms),
            Value::Made => Some(Fact::Made),
            Value::Const(constant) => Some(Fact::Is(*constant)),
            other => self.truth(other, terms).map(|truth| match truth {
                Truth::Zero(origin) => Fact::Zero(origin),
                Truth::NonZero => Fact::NonZero,
            }),
        }
    }
}

fn join_facts(x: Option<Fact>, y: Option<Fact>) -> Option<Fact> {
    match (x?, y?) {
        (x, y) if x == y => Some(x),
        (Fact::Zero(x), Fact::Zero(y)) => Some(Fact::Zero(x.min(y))),
        (Fact::Zero(_), _) | (_, Fact::Zero(_)) => None,
        _ => Some(Fact::NonZero),
    }
}

/// Joins two values. Where they differ the joined one gets a name, listed in `names`
/// with what it was on both sides.
fn join_values(
    x: &Value,
    y: &Value,
    block: BlockId,
    root: Root,
    path: &mut Path,
    terms: &mut Terms,
    names: &mut Vec<(Term, Value, Value)>,
) -> Value {
    match (x, y) {
        _ if x == y => x.clone(),
        (Value::Zero(x), Value::Zero(y)) => Value::Zero((*x).min(*y)),
        (Value::Table(_), Value::Table(_) | Value::Term(_)) | (Value::Term(_), Value::Table(_)) => {
            Value::Table(Rc::new(Table::of(x).join(&Table::of(y))))
        }
        (Value::Table(_), _) | (_, Value::Table(_)) => Value::Unknown,
        (Value::Struct(_), _) | (_, Value::Struct(_)) => {
            let fields: BTreeSet<u32> = [x, y]
                .iter()
                .filter_map(|value| match value {
                    Value::Struct(aggregate) => Some(aggregate.fields.keys().copied()),
                    _ => None,
                })
                .flatten()
                .collect();
            let rest_of = |value: &Value| match value {
                Value::Struct(aggregate) => aggregate.rest.clone(),
                other => other.clone(),
            };
            let rest = match (rest_of(x), rest_of(y)) {
                (x, y) if x == y => x,
                (Value::Zero(x), Value::Zero(y)) => Value::Zero(x.min(y)),
                _ => Value::Unknown,
            };
            let fields = fields
                .into_iter()
                .map(|field| {
                    let (x, y) = (x.project(field, terms), y.project(field, terms));
                    path.push(field);
                    let value = join_values(&x, &y, block, root, path, terms, names);
                    path.pop();
                    (field, value)
                })
                .collect();
            Value::Struct(Rc::new(Aggregate { rest, fields }))
        }
        _ if path.contains(&ELEM) => Value::Unknown,
        _ => match terms.build(TermKind::Join(block, root, path.clone())) {
            Some(term) => {
                names.push((term, x.clone(), y.clone()));
                Value::Term(term)
            }
            None => Value::Unknown,
        },
    }
}

fn has_path(value: &Value, path: &[u32]) -> bool {
    match (value, path) {
        (Value::Term(_) | Value::Unknown | Value::Table(_), _) => false,
        (_, []) => true,
        (Value::Struct(aggregate), [first, rest @ ..]) => match aggregate.fields.get(first) {
            Some(field) => has_path(field, rest),
            None => has_path(&aggregate.rest, path),
        },
        _ => true,
    }
}

fn hash_value(value: &Value, hasher: &mut FxHasher) {
    match value {
        Value::Zero(Some(_)) => 1u8.hash(hasher),
        Value::Made => 2u8.hash(hasher),
        Value::Ref(address) => (3u8, address).hash(hasher),
        Value::Closure(f) => (4u8, f).hash(hasher),
        Value::Table(table) if table.complete && table.known.is_empty() => 5u8.hash(hasher),
        Value::Struct(aggregate) => {
            hash_value(&aggregate.rest, hasher);
            for (field, value) in &aggregate.fields {
                let mut inner = FxHasher::default();
                hash_value(value, &mut inner);
                if inner.finish() != 0 {
                    (field, inner.finish()).hash(hasher);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::{Origin, OriginKind, Origins};
    use proptest::prelude::*;
    use tophash_syntax::Span;
    use tophash_types::FileId;

    const BLOCK: BlockId = BlockId(9);

    fn origin(n: u32) -> OriginId {
        let mut origins = Origins::default();
        let mut id = None;
        for start in 0..=n {
            id = Some(origins.intern(Origin {
                kind: OriginKind::Declared,
                at: Loc {
                    file: FileId(0),
                    span: Span::new(start, start + 1),
                },
                function: "".into(),
                name: None,
            }));
        }
        id.expect("one at least")
    }

    /// One table of terms for all states of a case, so that terms mean the same in all.
    fn terms() -> (Terms, Vec<Term>) {
        let mut terms = Terms::default();
        let named = (0..3)
            .map(|n| terms.intern(TermKind::Contents(Root::Var(VarId(100 + n)))))
            .collect();
        (terms, named)
    }

    fn value(named: Vec<Term>) -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Unknown),
            Just(Value::Made),
            Just(Value::NonZero),
            Just(Value::Zero(None)),
            (0..2u32).prop_map(|n| Value::Zero(Some(origin(n)))),
            proptest::sample::select(named).prop_map(Value::Term),
            Just(Value::Const(Const::Int(7))),
        ]
    }

    fn state() -> impl Strategy<Value = State> {
        let (_, named) = terms();
        let cells = proptest::collection::btree_map(0..4u32, value(named.clone()), 0..4);
        let fact = prop_oneof![
            Just(Fact::Zero(None)),
            Just(Fact::Zero(Some(origin(0)))),
            Just(Fact::Made),
            Just(Fact::NonZero),
        ];
        let facts = proptest::collection::btree_map(proptest::sample::select(named), fact, 0..3);
        (cells, facts).prop_map(|(cells, facts)| State {
            cells: cells
                .into_iter()
                .map(|(var, value)| (Root::Var(VarId(var)), value))
                .collect(),
            facts,
            ..State::default()
        })
    }

    /// What a state says of the truth of each variable.
    fn truths(state: &State, terms: &mut Terms) -> Vec<Option<bool>> {
        (0..4)
            .map(|var| {
                let value = state.contents(Root::Var(VarId(var)), terms);
                let truth = state.truth(&value, terms)?;
                Some(matches!(truth, Truth::Zero(_)))
            })
            .collect()
    }

    proptest! {
        #[test]
        fn joining_a_state_with_itself_changes_nothing(state in state()) {
            let (mut terms, _) = terms();
            prop_assert_eq!(state.join(&state, BLOCK, &mut terms), state);
        }

        #[test]
        fn a_join_says_no_more_than_both(left in state(), right in state()) {
            let (mut terms, _) = terms();
            let joined = left.join(&right, BLOCK, &mut terms);
            let (l, r) = (truths(&left, &mut terms), truths(&right, &mut terms));
            for ((l, r), j) in l.iter().zip(&r).zip(truths(&joined, &mut terms)) {
                if let Some(j) = j {
                    prop_assert_eq!((*l, *r), (Some(j), Some(j)));
                }
            }
        }

        #[test]
        fn a_join_says_what_both_agree_on(left in state(), right in state()) {
            let (mut terms, _) = terms();
            let joined = left.join(&right, BLOCK, &mut terms);
            let mirrored = right.join(&left, BLOCK, &mut terms);
            let expected: Vec<_> = truths(&left, &mut terms)
                .into_iter()
                .zip(truths(&right, &mut terms))
                .map(|(l, r)| if l == r { l } else { None })
                .collect();
            prop_assert_eq!(truths(&joined, &mut terms), expected.clone());
            prop_assert_eq!(truths(&mirrored, &mut terms), expected);
        }

        #[test]
        fn what_variables_hold_survives_a_sweep(state in state()) {
            let (mut terms, _) = terms();
            let mut swept = state.clone();
            swept.sweep(&terms);
            prop_assert_eq!(truths(&swept, &mut terms), truths(&state, &mut terms));
            let once = swept.clone();
            swept.sweep(&terms);
            prop_assert_eq!(swept, once);
        }

        #[test]
        fn joining_again_settles(left in state(), right in state()) {
            let (mut terms, _) = terms();
            let once = left.join(&right, BLOCK, &mut terms);
            let twice = once.join(&right, BLOCK, &mut terms);
            let thrice = twice.join(&right, BLOCK, &mut terms);
            prop_assert_eq!(twice, thrice);
        }
    }

    #[test]
    fn what_no_variable_leads_to_is_swept() {
        let (mut terms, _) = terms();
        let mut state = State::default();
        let result =
            |terms: &mut Terms, n| terms.intern(TermKind::Result(Site::join(BlockId(n)), 0));
        let (held, lost) = (result(&mut terms, 1), result(&mut terms, 2));
        assert!(state.assume(held, Fact::Made, &terms));
        assert!(state.assume(lost, Fact::Made, &terms));
        let (kept, gone) = (Root::Pointee(held), Root::Pointee(lost));
        let var = Root::Var(VarId(0));
        state.cells.insert(var, Value::Term(held));
        state.cells.insert(kept, Value::Made);
        state.cells.insert(gone, Value::Made);
        state.sweep(&terms);
        assert_eq!(
            state.facts().map(|(term, _)| term).collect::<Vec<_>>(),
            [held]
        );
        let roots: Vec<Root> = state.cells().map(|(root, _)| root).collect();
        assert_eq!(roots.len(), 2);
        assert!(roots.contains(&var) && roots.contains(&kept));
    }

    #[test]
    fn a_value_that_is_not_empty_is_not_nil() {
        let (mut terms, named) = terms();
        let mut state = State::default();
        let len = terms.intern(TermKind::Len(named[0]));
        assert!(state.assume(len, Fact::NonZero, &terms));
        assert!(!state.assume(named[0], Fact::Zero(None), &terms));
    }

    #[test]
    fn one_value_does_not_equal_two_constants() {
        let (mut terms, named) = terms();
        let mut state = State::default();
        let constant = |terms: &mut Terms, n| terms.intern(TermKind::Const(Const::Int(n)));
        let (one, two) = (constant(&mut terms, 1), constant(&mut terms, 2));
        let is_one = terms.equal(named[0], one);
        let is_two = terms.equal(named[0], two);
        assert!(state.assume(is_one, Fact::NonZero, &terms));
        assert!(!state.assume(is_two, Fact::NonZero, &terms));
        assert!(state.assume(is_two, Fact::Zero(None), &terms));
    }
}
