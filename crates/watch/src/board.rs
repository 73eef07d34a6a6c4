//! What is known now, for everyone who shows it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tophash_finding::Finding;

use crate::breaker::State;
use crate::clock::Time;
use crate::history::{Error, History};
use crate::model::{HeapFigures, Site, Table};
use crate::source::{Cause, Request};

/// Lines with maps that are shown of each target.
pub const MAX_SITES: usize = 20;

/// Maps that are shown of each target.
pub const MAX_TABLES: usize = 20;

/// Findings that are kept, those that hold before those that are over.
const MAX_STANDING: usize = 500;

/// Counters of failures; more places are counted together.
const MAX_FAILURES: usize = 1000;

/// Requests and crashes that wait to be sent as spans; older ones are dropped.
const MAX_EVENTS: usize = 4096;

/// Upper bounds of the buckets of poll durations, in seconds.
pub const BUCKETS: [f64; 10] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// A target as it is now.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// The service.
    pub service: String,
    /// Its address.
    pub target: String,
    /// State of its breaker.
    pub breaker: State,
    /// Share of failed polls, in percent.
    pub failed_percent: f64,
    /// The interval between polls, in seconds.
    pub interval: f64,
    /// When it answered last.
    pub answered: Option<Time>,
    /// Why the last poll failed, if it did.
    pub error: Option<String>,
    /// What can't be had of it.
    pub gaps: Vec<String>,
    /// The heap.
    pub heap: Option<HeapFigures>,
    /// Bytes live in maps, all lines together.
    pub map_bytes: Option<f64>,
    /// The lines with most of it.
    pub sites: Vec<Site>,
    /// Goroutines, and those that wait for a lock.
    pub goroutines: Option<u64>,
    /// See above.
    pub waiting: Option<u64>,
    /// Maps in its memory.
    pub tables: Vec<Table>,
    /// How polls went.
    #[serde(skip)]
    pub polls: Polls,
}

impl View {
    /// Of a target that was not asked yet.
    #[must_use]
    pub fn new(service: &str, target: &str) -> View {
        View {
            service: service.to_owned(),
            target: target.to_owned(),
            breaker: State::Closed,
            failed_percent: 0.0,
            interval: 0.0,
            answered: None,
            error: None,
            gaps: Vec::new(),
            heap: None,
            map_bytes: None,
            sites: Vec::new(),
            goroutines: None,
            waiting: None,
            tables: Vec::new(),
            polls: Polls::default(),
        }
    }
}

/// How polls went since the start.
#[derive(Clone, Default, Debug)]
pub struct Polls {
    /// Those that succeeded.
    pub succeeded: u64,
    /// Those that failed, by cause.
    pub failed: BTreeMap<Cause, u64>,
    /// How many took as long as each of [`BUCKETS`] at most and longer than the one before.
    pub buckets: [u64; BUCKETS.len() + 1],
    /// Seconds that all took together.
    pub seconds: f64,
}

impl Polls {
    /// Counts one.
    pub fn count(&mut self, took: Duration, failed: Option<Cause>) {
        match failed {
            Some(cause) => *self.failed.entry(cause).or_insert(0) += 1,
            None => self.succeeded += 1,
        }
        let seconds = took.as_secs_f64();
        self.seconds += seconds;
        let bucket = BUCKETS.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket += 1;
        }
    }
}

/// A finding and when it held.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Standing {
    /// The service.
    pub service: String,
    /// The target, or the log.
    pub target: String,
    /// What tells it from others of the target.
    pub key: String,
    /// What it says.
    pub finding: Finding,
    /// When it began, and when it was last seen.
    pub first: Time,
    /// See above.
    pub last: Time,
    /// How often it began.
    pub times: u64,
    /// Whether it holds now. A crash holds until the log is quiet about it for an hour.
    pub active: bool,
}

/// A counter of map failures.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct FailureKey {
    /// `concurrent_map_writes`.
    pub kind: String,
    /// The service.
    pub service: String,
    /// The line: `cache/cache.go:31`.
    pub site: String,
}

/// Crashes of a service.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Crashes {
    /// All of them.
    pub all: u64,
    /// Those that were failures of maps.
    pub of_maps: u64,
}

/// Something that becomes a span.
#[derive(Clone, Debug)]
pub enum Event {
    /// A poll with its requests.
    Poll {
        /// The service.
        service: String,
        /// The target.
        target: String,
        /// When it began.
        at: Time,
        /// How long it took.
        took: Duration,
        /// What was asked, in order.
        requests: Vec<Request>,
        /// Why it failed, if it did.
        error: Option<(Cause, String)>,
    },
    /// A crash in a log.
    Crash {
        /// The service.
        service: String,
        /// When it was read.
        at: Time,
        /// `concurrent_map_writes`.
        kind: String,
        /// What it says.
        finding: Box<Finding>,
        /// The stack that failed, as text.
        stack: String,
    },
}

/// What is kept over restarts.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
struct Kept {
    standing: Vec<Standing>,
    failures: Vec<(FailureKey, u64)>,
    crashes: BTreeMap<String, Crashes>,
}

/// Everything.
#[derive(Default)]
struct Inner {
    views: Vec<View>,
    standing: Vec<Standing>,
    failures: BTreeMap<FailureKey, u64>,
    crashes: BTreeMap<String, Crashes>,
    /// Services that have crashed since their targets last looked.
    crashed: BTreeMap<String, Time>,
    events: VecDeque<Event>,
    wants_events: bool,
    /// What goes wrong besides the targets: the store, the exporter, logs.
    troubles: BTreeMap<String, String>,
    changed: bool,
}

/// A copy of what is known.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// Now.
    pub now: Time,
    /// Targets in the order in which they were named.
    pub targets: Vec<View>,
    /// Findings, those that hold first, the newest first.
    pub findings: Vec<Standing>,
    /// Counters of failures.
    pub failures: Vec<(FailureKey, u64)>,
    /// Crashes by service.
    pub crashes: BTreeMap<String, Crashes>,
    /// What goes wrong besides the targets, each in one sentence.
    pub troubles: Vec<String>,
}

/// The shared state.
#[derive(Default)]
pub struct Board {
    inner: Mutex<Inner>,
    version: AtomicU64,
}

/// The name that [`Kept`] is kept under.
const KEPT: &str = "board";

/// How long after it was last seen a crash counts as holding.
const CRASH_HOLDS: Duration = Duration::from_secs(3600);

impl Board {
    /// With what was kept of an earlier run. What can't be understood of it is left out.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn load(history: &History, wants_events: bool) -> Result<Board, Error> {
        let kept = history.kept(KEPT)?;
        let kept: Kept = kept
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let board = Board::default();
        {
            let mut inner = board.inner();
            inner.standing = kept.standing;
            // Whether they still hold shows at the next poll.
            for standing in &mut inner.standing {
                standing.active = false;
            }
            inner.failures = kept.failures.into_iter().collect();
            inner.crashes = kept.crashes;
            inner.wants_events = wants_events;
        }
        Ok(board)
    }

    /// Puts findings and counters into the store, if they have changed.
    pub fn keep(&self, history: &History) {
        let mut inner = self.inner();
        if !std::mem::take(&mut inner.changed) {
            return;
        }
        let kept = Kept {
            standing: inner.standing.clone(),
            failures: inner.failures.clone().into_iter().collect(),
            crashes: inner.crashes.clone(),
        };
        if let Ok(bytes) = serde_json::to_vec(&kept) {
            history.keep(KEPT, bytes);
        }
    }

    /// A number that changes with everything that is shown.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Adds a target; gives its number.
    pub fn add(&self, view: View) -> usize {
        let mut inner = self.inner();
        inner.views.push(view);
        inner.views.len() - 1
    }

    /// Shows a target anew.
    pub fn update(&self, target: usize, change: impl FnOnce(&mut View)) {
        if let Some(view) = self.inner().views.get_mut(target) {
            change(view);
        }
        self.bump();
    }

    /// Says what holds of a target now; what held before and is not among it is over, for the
    /// kinds that could be looked at.
    pub fn raise(
        &self,
        (service, target): (&str, &str),
        now: Time,
        found: Vec<(String, Finding)>,
        looked_at: impl Fn(&Standing) -> bool,
    ) {
        let mut inner = self.inner();
        let mut changed = !found.is_empty();
        for standing in &mut inner.standing {
            let same = standing.target == target && standing.service == service;
            if same && standing.active && looked_at(standing) {
                let still = found.iter().any(|(key, finding)| {
                    *key == standing.key && finding.code == standing.finding.code
                });
                standing.active = still;
                changed |= !still;
            }
        }
        for (key, finding) in found {
            let known = inner.standing.iter_mut().find(|standing| {
                standing.key == key
                    && standing.target == target
                    && standing.service == service
                    && standing.finding.code == finding.code
            });
            match known {
                Some(standing) => {
                    standing.times += u64::from(!standing.active);
                    standing.active = true;
                    standing.last = now;
                    standing.finding = finding;
                }
                None => inner.standing.push(Standing {
                    service: service.to_owned(),
                    target: target.to_owned(),
                    key,
                    finding,
                    first: now,
                    last: now,
                    times: 1,
                    active: true,
                }),
            }
        }
        inner.trim();
        inner.changed |= changed;
        drop(inner);
        self.bump();
    }

    /// Takes note of a crash. `died` says that the process is gone with it.
    pub fn crash(&self, crash: NewCrash<'_>) {
        let NewCrash {
            service,
            log,
            now,
            key,
            finding,
            kind,
            stack,
            died,
        } = crash;
        let mut inner = self.inner();
        let crashes = inner.crashes.entry(service.to_owned()).or_default();
        crashes.all += 1;
        crashes.of_maps += u64::from(kind.is_some());
        if let Some(kind) = kind {
            let mut failure = FailureKey {
                kind: kind.to_owned(),
                service: service.to_owned(),
                site: site(&finding),
            };
            if !inner.failures.contains_key(&failure) && inner.failures.len() >= MAX_FAILURES {
                "other".clone_into(&mut failure.site);
            }
            *inner.failures.entry(failure).or_insert(0) += 1;
        }
        if died {
            inner.crashed.insert(service.to_owned(), now);
        }
        let event = Event::Crash {
            service: service.to_owned(),
            at: now,
            kind: kind.unwrap_or(&finding.name).to_owned(),
            finding: Box::new(finding.clone()),
            stack,
        };
        inner.push(event);
        let known = inner.standing.iter_mut().find(|standing| {
            standing.key == key && standing.target == log && standing.service == service
        });
        match known {
            Some(standing) => {
                standing.times += 1;
                standing.active = true;
                standing.last = now;
                standing.finding = finding;
            }
            None => inner.standing.push(Standing {
                service: service.to_owned(),
                target: log.to_owned(),
                key: key.to_owned(),
                finding,
                first: now,
                last: now,
                times: 1,
                active: true,
            }),
        }
        inner.trim();
        inner.changed = true;
        drop(inner);
        self.bump();
    }

    /// When a service crashed, if it has since this was asked last.
    pub fn take_crash(&self, service: &str) -> Option<Time> {
        self.inner().crashed.remove(service)
    }

    /// Hands an event to the exporter, if there is one.
    pub fn event(&self, event: Event) {
        self.inner().push(event);
    }

    /// The events since the last time.
    pub fn take_events(&self) -> Vec<Event> {
        self.inner().events.drain(..).collect()
    }

    /// Says what goes wrong with something, or that it is well again. Gives whether that is new.
    pub fn trouble(&self, with: &str, sentence: Option<String>) -> bool {
        let mut inner = self.inner();
        let new = inner.troubles.get(with) != sentence.as_ref();
        match sentence {
            Some(sentence) => inner.troubles.insert(with.to_owned(), sentence),
            None => inner.troubles.remove(with),
        };
        drop(inner);
        if new {
            self.bump();
        }
        new
    }

    /// A copy of everything.
    #[must_use]
    pub fn snapshot(&self, now: Time) -> Snapshot {
        let inner = self.inner();
        let mut findings = inner.standing.clone();
        for standing in &mut findings {
            let crash =
                !standing.finding.code.starts_with("WA") && standing.target.starts_with("log ");
            if crash && now.since(standing.last) > CRASH_HOLDS {
                standing.active = false;
            }
        }
        findings.sort_by(|a, b| {
            (b.active.cmp(&a.active))
                .then(a.finding.severity.cmp(&b.finding.severity))
                .then(b.last.cmp(&a.last))
        });
        Snapshot {
            now,
            targets: inner.views.clone(),
            findings,
            failures: inner.failures.clone().into_iter().collect(),
            crashes: inner.crashes.clone(),
            troubles: inner.troubles.values().cloned().collect(),
        }
    }

    fn bump(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Every change is whole by itself.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A crash for [`Board::crash`].
pub struct NewCrash<'a> {
    /// The service.
    pub service: &'a str,
    /// The log: `log FILE`.
    pub log: &'a str,
    /// When it was read.
    pub now: Time,
    /// Equal for equal crashes.
    pub key: &'a str,
    /// What it says.
    pub finding: Finding,
    /// The sort of map failure, if it is one.
    pub kind: Option<&'static str>,
    /// The stack that failed, as text.
    pub stack: String,
    /// Whether the process is gone with it.
    pub died: bool,
}

/// The place of a finding, short enough for a label.
fn site(finding: &Finding) -> String {
    let file = &finding.place.file;
    let mut slashes = file.rmatch_indices('/').map(|(at, _)| at + 1);
    let start = slashes.nth(1).unwrap_or(0);
    format!("{}:{}", &file[start..], finding.place.line)
}

impl Inner {
    fn push(&mut self, event: Event) {
        if !self.wants_events {
            return;
        }
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Lets go of what is over for longest.
    fn trim(&mut self) {
        while self.standing.len() > MAX_STANDING {
            let oldest = self.standing.iter().enumerate();
            let oldest = oldest.min_by_key(|(_, standing)| (standing.active, standing.last));
            let Some((at, _)) = oldest else { break };
            self.standing.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tophash_finding::{Place, Severity};

    fn finding(code: &str, line: u32) -> Finding {
        Finding {
            code: code.into(),
            name: "name".into(),
            severity: Severity::Warning,
            message: "it goes wrong".into(),
            place: Place::new("/src/a/b/c.go", (line, 1), (line, 1)),
            function: None,
            map: None,
            evidence: Vec::new(),
            fixes: Vec::new(),
            fingerprint: String::new(),
        }
    }

    fn crash<'a>(key: &'a str, line: u32, now: u64) -> NewCrash<'a> {
        NewCrash {
            service: "shop",
            log: "log a",
            now: Time(now),
            key,
            finding: finding("TH201", line),
            kind: Some("concurrent_map_writes"),
            stack: String::new(),
            died: true,
        }
    }

    #[test]
    fn findings_begin_end_and_begin_again() {
        let board = Board::default();
        let raise = |now, found| board.raise(("shop", "a"), Time(now), found, |_| true);
        raise(1, vec![("x".to_owned(), finding("WA501", 1))]);
        raise(2, vec![("x".to_owned(), finding("WA501", 1))]);
        let one = &board.snapshot(Time(2)).findings[0];
        assert_eq!(
            (one.first, one.last, one.times, one.active),
            (Time(1), Time(2), 1, true)
        );
        raise(3, vec![]);
        assert!(!board.snapshot(Time(3)).findings[0].active);
        raise(4, vec![("x".to_owned(), finding("WA501", 1))]);
        assert_eq!(board.snapshot(Time(4)).findings[0].times, 2);
        // Another target's look says nothing of this one.
        board.raise(("shop", "b"), Time(5), vec![], |_| true);
        assert!(board.snapshot(Time(5)).findings[0].active);
    }

    #[test]
    fn crashes_are_counted_and_kept() {
        let history = History::in_memory().unwrap();
        let board = Board::load(&history, true).unwrap();
        board.crash(crash("k", 7, 1));
        board.crash(crash("k", 7, 2));
        assert_eq!(board.take_crash("shop"), Some(Time(2)));
        assert_eq!(board.take_crash("shop"), None);
        assert_eq!(board.take_events().len(), 2);
        board.keep(&history);
        let again = Board::load(&history, false).unwrap().snapshot(Time(3));
        assert_eq!(again.failures[0].0.site, "b/c.go:7");
        assert_eq!(again.failures[0].1, 2);
        assert_eq!(again.crashes["shop"], Crashes { all: 2, of_maps: 2 });
        assert_eq!(again.findings[0].times, 2);
    }

    #[test]
    fn everything_is_bounded() {
        let board = Board::load(&History::in_memory().unwrap(), true).unwrap();
        for n in 0..5000u32 {
            board.crash(crash(&n.to_string(), n, u64::from(n)));
        }
        let snapshot = board.snapshot(Time(5000));
        assert_eq!(snapshot.findings.len(), MAX_STANDING);
        assert!(snapshot.failures.len() <= MAX_FAILURES + 1);
        assert_eq!(snapshot.failures.iter().map(|(_, n)| n).sum::<u64>(), 5000);
        assert_eq!(board.take_events().len(), MAX_EVENTS);
    }
}
