//! Runs scripts in every order of their accesses.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::classic::{self, Classic};
use super::memory::{Goroutine, Memory, Step, Stop};
use super::swiss::{self, Swiss};
use crate::fault::Fault;
use crate::random::SplitMix;
use crate::version::{Build, Implementation};

/// One operation of a goroutine's script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// `m[key] = elem`.
    Put(u64, u64),
    /// `v, ok := m[key]`.
    Get(u64),
    /// `delete(m, key)`.
    Delete(u64),
    /// `clear(m)`.
    Clear,
    /// `for k, v := range m {}`.
    Range,
    /// `len(m)`.
    Len,
}

/// A map and what goroutines do to it at the same time.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Whose map it is.
    pub build: Build,
    /// The entries before, put one after the other into an empty map. At most 64.
    pub initial: Vec<(u64, u64)>,
    /// The scripts: two or three. An element of 0 can't be told from one that is not yet written.
    pub goroutines: Vec<Vec<Action>>,
    /// How many states to look at before giving up.
    pub max_states: usize,
}

/// Why a scenario can't be explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownScenario {
    /// Not one to three goroutines.
    Goroutines(usize),
    /// More entries before than 64.
    Entries(usize),
}

impl fmt::Display for UnknownScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goroutines(n) => write!(f, "{n} goroutines; one to three can be explored"),
            Self::Entries(n) => write!(f, "{n} entries to begin with; at most 64 can be explored"),
        }
    }
}

impl std::error::Error for UnknownScenario {}

/// Damage that nobody is told of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Damage {
    /// A key that was put, and deleted by nobody, is not there.
    LostEntry(u64),
    /// A key is there twice.
    DuplicateEntry(u64),
    /// A key has an element that nobody gave it.
    WrongElement(u64),
    /// A deleted key is there.
    UndeletedEntry(u64),
    /// `len` differs from the number of entries.
    WrongLength {
        /// What `len` says.
        len: u64,
        /// How many entries there are.
        entries: u64,
    },
    /// A look-up missed a key that was there all the time.
    MissedRead(u64),
    /// A look-up gave an element that nobody put: that of an entry that was being written.
    TornRead(u64),
    /// The map is left marked as being written: whoever uses it next dies.
    StuckFlag,
}

/// How a run can end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// As if the goroutines had run one after the other.
    Fine,
    /// All goroutines finish, and something is wrong.
    Silent(Vec<Damage>),
    /// The process dies, with this first line on standard error.
    Dies {
        /// The goroutine that notices.
        goroutine: usize,
        /// What Go prints.
        message: String,
    },
    /// A goroutine takes memory for what it is not: it crashes, hangs or reads anything.
    Wild {
        /// Which goroutine.
        goroutine: usize,
    },
}

/// One access in a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose.
    pub goroutine: usize,
    /// In which operation of its script.
    pub action: usize,
    /// What for.
    pub what: &'static str,
}

/// An ending and how to get there.
#[derive(Clone, Debug)]
pub struct Found {
    /// In how many different final states a run can end so.
    pub states: u64,
    /// A shortest schedule.
    pub schedule: Vec<Event>,
}

/// What exploring has shown.
#[derive(Clone, Debug)]
pub struct Report {
    /// States looked at.
    pub states: usize,
    /// Whether these are all.
    pub complete: bool,
    /// Every way to end.
    pub endings: BTreeMap<Ending, Found>,
}

/// The hash of a key in these small worlds.
pub(super) fn hash_of(key: u64) -> u64 {
    SplitMix::new(key).next_u64()
}

#[derive(Clone, Copy)]
pub(super) enum Machine {
    Swiss(Swiss),
    Classic(Classic),
}

impl Machine {
    pub(super) fn of(build: Build) -> (Self, Memory) {
        match build.maps {
            Implementation::Swiss => {
                let behaviour = crate::swiss::Behaviour::of(build.version);
                (Self::Swiss(Swiss { behaviour }), swiss::empty_map())
            }
            Implementation::Classic => {
                let behaviour = crate::classic::Behaviour::of(build.version);
                (Self::Classic(Classic { behaviour }), classic::empty_map())
            }
        }
    }

    /// Runs an operation; gives what it read.
    fn perform(self, g: &mut Goroutine<'_>, action: Action) -> Step<Observed> {
        let nothing = |()| Observed::Nothing;
        match (self, action) {
            (Self::Swiss(m), Action::Put(key, elem)) => m.put(g, key, elem).map(nothing),
            (Self::Swiss(m), Action::Get(key)) => Ok(Observed::Read(key, m.get(g, key)?)),
            (Self::Swiss(m), Action::Delete(key)) => m.delete(g, key).map(nothing),
            (Self::Swiss(m), Action::Clear) => m.clear(g).map(nothing),
            (Self::Swiss(m), Action::Range) => m.range(g).map(Observed::Entries),
            (Self::Swiss(m), Action::Len) => m.len(g).map(|_| Observed::Nothing),
            (Self::Classic(m), Action::Put(key, elem)) => m.put(g, key, elem).map(nothing),
            (Self::Classic(m), Action::Get(key)) => Ok(Observed::Read(key, m.get(g, key)?)),
            (Self::Classic(m), Action::Delete(key)) => m.delete(g, key).map(nothing),
            (Self::Classic(m), Action::Clear) => m.clear(g).map(nothing),
            (Self::Classic(m), Action::Range) => m.range(g).map(Observed::Entries),
            (Self::Classic(m), Action::Len) => m.len(g).map(|_| Observed::Nothing),
        }
    }

    pub(super) fn entries(self, memory: &Memory) -> Vec<(u64, u64)> {
        match self {
            Self::Swiss(m) => m.entries(memory),
            Self::Classic(m) => m.entries(memory),
        }
    }

    /// Runs an operation on a map that nobody else uses.
    pub(super) fn alone(self, memory: &mut Memory, action: Action) -> Step<Observed> {
        let mut log = Vec::new();
        self.perform(&mut Goroutine::new(memory, &mut log, usize::MAX), action)
    }
}

pub(super) enum Observed {
    Nothing,
    Read(u64, Option<u64>),
    Entries(Vec<(u64, u64)>),
}

/// A goroutine between two accesses.
#[derive(Clone, Hash, Default)]
struct Thread {
    action: usize,
    /// What the current operation has read so far.
    log: Vec<u64>,
    /// What its look-ups got wrong.
    damage: Vec<Damage>,
}

#[derive(Clone)]
struct State {
    memory: Memory,
    threads: Vec<Thread>,
}

impl State {
    fn fingerprint(&self) -> (u64, u64) {
        let hash = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            self.memory.hash(&mut hasher);
            self.threads.hash(&mut hasher);
            hasher.finish()
        };
        (hash(0), hash(1))
    }
}

/// What keys may and must have at the end.
struct Expectation {
    /// Keys, and all elements that someone gives them; the initial one first.
    elems: BTreeMap<u64, Vec<u64>>,
    deleted: HashSet<u64>,
    cleared: bool,
    initial: HashSet<u64>,
}

impl Expectation {
    fn of(scenario: &Scenario) -> Self {
        let mut expectation = Self {
            elems: BTreeMap::new(),
            deleted: HashSet::new(),
            cleared: false,
            initial: scenario.initial.iter().map(|(key, _)| *key).collect(),
        };
        for &(key, elem) in &scenario.initial {
            expectation.elems.entry(key).or_default().push(elem);
        }
        for action in scenario.goroutines.iter().flatten() {
            match *action {
                Action::Put(key, elem) => expectation.elems.entry(key).or_default().push(elem),
                Action::Delete(key) => {
                    expectation.deleted.insert(key);
                }
                Action::Clear => expectation.cleared = true,
                Action::Get(_) | Action::Range | Action::Len => {}
            }
        }
        expectation
    }

    fn must_stay(&self, key: u64) -> bool {
        !self.cleared && !self.deleted.contains(&key)
    }

    fn is_known(&self, key: u64, elem: u64) -> bool {
        self.elems
            .get(&key)
            .is_some_and(|elems| elems.contains(&elem))
    }

    /// What an operation may have read wrongly.
    fn check(&self, observed: Observed) -> Option<Damage> {
        match observed {
            Observed::Nothing => None,
            Observed::Read(key, None) => (self.initial.contains(&key) && self.must_stay(key))
                .then_some(Damage::MissedRead(key)),
            // A deletion clears the element first, so a reader may see nothing there.
            Observed::Read(key, Some(elem)) => {
                (!self.is_known(key, elem)).then_some(Damage::TornRead(key))
            }
            Observed::Entries(entries) => {
                let torn = entries
                    .iter()
                    .find(|(key, elem)| !self.is_known(*key, *elem));
                let missed = self.initial.iter().copied().filter(|&key| {
                    self.must_stay(key) && entries.iter().all(|(seen, _)| *seen != key)
                });
                torn.map(|(key, _)| Damage::TornRead(*key))
                    .or_else(|| missed.min().map(Damage::MissedRead))
            }
        }
    }

    /// What is wrong with the map when all have finished.
    fn audit(&self, machine: Machine, memory: &Memory) -> Vec<Damage> {
        let mut damage = Vec::new();
        let mut memory = memory.clone();
        let entries = machine.entries(&memory);
        let len = memory.word(0);
        if len != entries.len() as u64 {
            damage.push(Damage::WrongLength {
                len,
                entries: entries.len() as u64,
            });
        }
        for &key in self.elems.keys() {
            let copies = entries.iter().filter(|(seen, _)| *seen == key).count();
            if copies > 1 {
                damage.push(Damage::DuplicateEntry(key));
            }
            match machine.alone(&mut memory, Action::Get(key)) {
                Ok(Observed::Read(_, Some(elem))) => {
                    if !self.is_known(key, elem) {
                        damage.push(Damage::WrongElement(key));
                    }
                    let put_once = self.initial.contains(&key)
                        && self.elems.get(&key).is_some_and(|elems| elems.len() == 1);
                    if put_once && self.deleted.contains(&key) {
                        damage.push(Damage::UndeletedEntry(key));
                    }
                }
                Ok(_) if self.must_stay(key) => damage.push(Damage::LostEntry(key)),
                Ok(_) => {}
                Err(_) => {
                    damage.push(Damage::StuckFlag);
                    return damage;
                }
            }
        }
        damage
    }
}

/// Runs a scenario in every order.
///
/// States that were reached before are not followed again; the search goes breadth first, so the
/// first schedule to an ending is a shortest one.
///
/// # Errors
/// The scenario is too large or too small.
pub fn explore(scenario: &Scenario) -> Result<Report, UnknownScenario> {
    let (search, start) = Search::of(scenario)?;
    Ok(search.run(start))
}

/// Accesses after which a random run is given up: scripts that end have far fewer.
const MAX_RUN: usize = 100_000;

/// How often each ending comes up in `runs` random schedules, in which another goroutine takes
/// over after an access with a chance of one in `switch`. Runs that don't end are left out.
///
/// # Errors
/// The scenario is too large or too small.
pub fn sample(
    scenario: &Scenario,
    runs: u32,
    switch: u64,
    seed: u64,
) -> Result<BTreeMap<Ending, u32>, UnknownScenario> {
    let (search, start) = Search::of(scenario)?;
    let mut random = SplitMix::new(seed);
    let mut endings = BTreeMap::new();
    for _ in 0..runs {
        if let Some(ending) = search.run_at_random(start.clone(), &mut random, switch) {
            *endings.entry(ending).or_default() += 1;
        }
    }
    Ok(endings)
}

/// Whether a scenario is of a size that can be explored.
fn check_size(scenario: &Scenario) -> Result<(), UnknownScenario> {
    if !(1..=3).contains(&scenario.goroutines.len()) {
        return Err(UnknownScenario::Goroutines(scenario.goroutines.len()));
    }
    if scenario.initial.len() > 64 {
        return Err(UnknownScenario::Entries(scenario.initial.len()));
    }
    Ok(())
}

struct Search<'a> {
    scenario: &'a Scenario,
    machine: Machine,
    expectation: Expectation,
    seen: HashSet<(u64, u64)>,
    /// For each state its parent and how it came from there.
    parents: Vec<(u32, Event)>,
    endings: BTreeMap<Ending, Found>,
}

impl<'a> Search<'a> {
    fn of(scenario: &'a Scenario) -> Result<(Self, State), UnknownScenario> {
        check_size(scenario)?;
        let (machine, mut memory) = Machine::of(scenario.build);
        for &(key, elem) in &scenario.initial {
            // Alone, nothing can go wrong.
            let _ = machine.alone(&mut memory, Action::Put(key, elem));
        }
        let search = Self {
            scenario,
            machine,
            expectation: Expectation::of(scenario),
            seen: HashSet::new(),
            parents: Vec::new(),
            endings: BTreeMap::new(),
        };
        let threads = vec![Thread::default(); scenario.goroutines.len()];
        Ok((search, State { memory, threads }))
    }

    fn run_at_random(
        &self,
        mut state: State,
        random: &mut SplitMix,
        switch: u64,
    ) -> Option<Ending> {
        let scripts = &self.scenario.goroutines;
        let mut at = random.below(scripts.len() as u64) as usize;
        for _ in 0..MAX_RUN {
            let running: Vec<usize> = (0..scripts.len())
                .filter(|&i| state.threads[i].action < scripts[i].len())
                .collect();
            if running.is_empty() {
                return Some(self.finish(&state));
            }
            if !running.contains(&at) || random.below(switch) == 0 {
                let others: Vec<usize> = running.iter().copied().filter(|&i| i != at).collect();
                if !others.is_empty() {
                    at = others[random.below(others.len() as u64) as usize];
                }
            }
            match self.step(&state, at)?.1 {
                Ok(next) => state = next,
                Err(ending) => return Some(ending),
            }
        }
        None
    }

    fn run(mut self, start: State) -> Report {
        const ROOT: Event = Event {
            goroutine: 0,
            action: 0,
            what: "",
        };
        let mut queue = VecDeque::from([(0_u32, start)]);
        self.parents.push((0, ROOT));
        let mut complete = true;
        while let Some((number, state)) = queue.pop_front() {
            if self.is_finished(&state) {
                let ending = self.finish(&state);
                self.note(ending, number, None);
                continue;
            }
            for goroutine in 0..state.threads.len() {
                let Some((event, next)) = self.step(&state, goroutine) else {
                    continue;
                };
                match next {
                    Ok(next) => {
                        if self.seen.len() >= self.scenario.max_states {
                            complete = false;
                        } else if self.seen.insert(next.fingerprint()) {
                            self.parents.push((number, event));
                            queue.push_back((self.parents.len() as u32 - 1, next));
                        }
                    }
                    Err(ending) => self.note(ending, number, Some(event)),
                }
            }
        }
        Report {
            states: self.parents.len(),
            complete,
            endings: self.endings,
        }
    }

    fn is_finished(&self, state: &State) -> bool {
        let scripts = &self.scenario.goroutines;
        state
            .threads
            .iter()
            .zip(scripts)
            .all(|(thread, script)| thread.action >= script.len())
    }

    fn finish(&self, state: &State) -> Ending {
        let mut damage = self.expectation.audit(self.machine, &state.memory);
        damage.extend(
            state
                .threads
                .iter()
                .flat_map(|thread| thread.damage.iter().cloned()),
        );
        damage.sort();
        damage.dedup();
        if damage.is_empty() {
            Ending::Fine
        } else {
            Ending::Silent(damage)
        }
    }

    /// One access of a goroutine; none if it has finished.
    fn step(&self, state: &State, goroutine: usize) -> Option<(Event, Result<State, Ending>)> {
        let action_number = state.threads.get(goroutine)?.action;
        let action = *self
            .scenario
            .goroutines
            .get(goroutine)?
            .get(action_number)?;
        let mut next = state.clone();
        let thread = next.threads.get_mut(goroutine)?;
        let mut g = Goroutine::new(&mut next.memory, &mut thread.log, 1);
        let result = self.machine.perform(&mut g, action);
        let event = Event {
            goroutine,
            action: action_number,
            what: g.label,
        };
        let dies = |fault: &Fault| Ending::Dies {
            goroutine,
            message: fault.message(self.scenario.build),
        };
        let outcome = match result {
            Ok(observed) => {
                thread.damage.extend(self.expectation.check(observed));
                thread.action += 1;
                thread.log.clear();
                Ok(next)
            }
            Err(Stop::Yield) => Ok(next),
            Err(Stop::Fault(fault)) => Err(dies(&fault)),
            Err(Stop::Wild) => Err(Ending::Wild { goroutine }),
        };
        Some((event, outcome))
    }

    fn note(&mut self, ending: Ending, state: u32, last: Option<Event>) {
        if let Some(found) = self.endings.get_mut(&ending) {
            found.states += 1;
            return;
        }
        let mut schedule: Vec<Event> = last.into_iter().collect();
        let mut at = state;
        while at != 0
            && let Some(&(parent, event)) = self.parents.get(at as usize)
        {
            schedule.push(event);
            at = parent;
        }
        schedule.reverse();
        self.endings.insert(
            ending,
            Found {
                states: 1,
                schedule,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::GoVersion;

    fn run(version: GoVersion, initial: u64, goroutines: Vec<Vec<Action>>) -> Report {
        let initial = (1..=initial).map(|key| (key, key + 100)).collect();
        let scenario = Scenario {
            build: Build::of(version),
            initial,
            goroutines,
            max_states: 400_000,
        };
        explore(&scenario).unwrap()
    }

    fn dies(report: &Report, text: &str) -> bool {
        report
            .endings
            .keys()
            .any(|ending| matches!(ending, Ending::Dies { message, .. } if message.ends_with(text)))
    }

    fn loses(report: &Report, key: u64) -> bool {
        report.endings.keys().any(|ending| {
            matches!(ending, Ending::Silent(damage) if damage.contains(&Damage::LostEntry(key)))
        })
    }

    #[test]
    fn readers_alone_are_safe() {
        for version in GoVersion::ALL {
            let report = run(
                version,
                3,
                vec![vec![Action::Get(1), Action::Range], vec![Action::Get(3)]],
            );
            assert!(report.complete);
            assert_eq!(
                report.endings.keys().collect::<Vec<_>>(),
                [&Ending::Fine],
                "{version}"
            );
        }
    }

    #[test]
    fn two_writers_die_or_lose_an_entry() {
        for version in GoVersion::ALL {
            let report = run(
                version,
                1,
                vec![vec![Action::Put(7, 1)], vec![Action::Put(8, 2)]],
            );
            assert!(report.complete);
            assert!(dies(&report, "concurrent map writes"), "{version}");
            assert!(loses(&report, 7) && loses(&report, 8), "{version}");
            assert!(report.endings.contains_key(&Ending::Fine));
        }
    }

    #[test]
    fn reader_and_ranger_notice_a_writer() {
        for version in GoVersion::ALL {
            let read = run(
                version,
                2,
                vec![vec![Action::Get(1)], vec![Action::Put(8, 2)]],
            );
            assert!(
                dies(&read, "concurrent map read and map write"),
                "{version}"
            );
            let range = run(
                version,
                2,
                vec![vec![Action::Range], vec![Action::Put(8, 2)]],
            );
            assert!(
                dies(&range, "concurrent map iteration and map write"),
                "{version}"
            );
        }
    }

    #[test]
    fn random_runs_end_as_the_search_says() {
        let scenario = Scenario {
            build: Build::of(GoVersion::Go1_27),
            initial: vec![(1, 101)],
            goroutines: vec![vec![Action::Put(7, 1)], vec![Action::Put(8, 2)]],
            max_states: 400_000,
        };
        let report = explore(&scenario).unwrap();
        let often = sample(&scenario, 500, 2, 1).unwrap();
        assert_eq!(often.values().sum::<u32>(), 500);
        assert!(
            often
                .keys()
                .all(|ending| report.endings.contains_key(ending))
        );
        assert!(often.len() > 2);
        let rarely = sample(&scenario, 500, 1000, 1).unwrap();
        assert!(rarely[&Ending::Fine] > often[&Ending::Fine]);
    }

    /// An iteration notes itself in the flags with an atomic operation: it can't wipe out the flag
    /// of a writer, who would take that for another writer.
    #[test]
    fn iterations_leave_the_flag_of_a_writer() {
        let version = GoVersion::Go1_23;
        let goroutines = vec![vec![Action::Delete(1)], vec![Action::Range]];
        let report = run(version, 1, goroutines);
        assert!(report.complete);
        let dies = |who| {
            let ending =
                |e: &&Ending| matches!(e, Ending::Dies { goroutine, .. } if *goroutine == who);
            report.endings.keys().filter(ending).count()
        };
        assert_eq!((dies(0), dies(1)), (0, 1));
    }

    #[test]
    fn len_is_never_checked() {
        let report = run(
            GoVersion::Go1_27,
            2,
            vec![vec![Action::Len], vec![Action::Put(8, 2)]],
        );
        assert_eq!(report.endings.keys().collect::<Vec<_>>(), [&Ending::Fine]);
    }

    #[test]
    fn a_full_small_map_dies_by_another_message_until_1_26() {
        let writers = || vec![vec![Action::Put(21, 1)], vec![Action::Put(22, 2)]];
        assert!(dies(
            &run(GoVersion::Go1_26, 7, writers()),
            "small map with no empty slot (concurrent map writes?)"
        ));
        assert!(!dies(
            &run(GoVersion::Go1_27, 7, writers()),
            "small map with no empty slot (concurrent map writes?)"
        ));
    }
}
