//! Watching one target.

use std::time::Duration;

use crate::board::{Board, Event, MAX_SITES, MAX_TABLES, View};
use crate::breaker::{Breaker, State};
use crate::clock::Time;
use crate::history::{Error, History};
use crate::model::Sample;
use crate::pace::Pace;
use crate::signals::{Kind, Signals, Thresholds, site_key};
use crate::source::{Extent, Source};

/// Lines with maps whose memory is kept in the history.
const KEPT_SITES: usize = 24;

/// What the series of a line's live bytes begin with.
pub const SITE_SERIES: &str = "map ";

/// Full polls of a degraded target: one in so many, the others only see whether it is well.
const DEGRADED_FULL: u64 = 2;

/// One target, and all that is needed to ask it at the right time.
pub struct Watcher {
    service: String,
    target: String,
    /// Its number on the board.
    number: usize,
    source: Box<dyn Source>,
    pace: Pace,
    breaker: Breaker,
    signals: Signals,
    due: Time,
    polls: u64,
}

/// What a watcher works for.
pub struct Watch<'a> {
    /// Where it shows what it learns.
    pub board: &'a Board,
    /// Where it keeps it.
    pub history: &'a History,
}

impl Watcher {
    /// Adds a target to the board and takes up what the history knows of it.
    ///
    /// # Errors
    /// The history can't be read.
    pub fn new(
        (service, target): (&str, &str),
        source: Box<dyn Source>,
        base: Duration,
        thresholds: Thresholds,
        now: Time,
        watch: &Watch<'_>,
    ) -> Result<Watcher, Error> {
        let number = watch.board.add(View::new(service, target));
        let seed = target.bytes().fold(number as u64, |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        let mut pace = Pace::new(base, seed);
        let mut signals = Signals::new(target, thresholds);
        let since = Time(
            now.0
                .saturating_sub(crate::clock::millis(thresholds.window)),
        );
        for (series, points) in watch.history.read(&name(service, target), since)? {
            if let Some(site) = series.strip_prefix(SITE_SERIES) {
                for point in points {
                    signals.recall(site, point.at, point.last);
                }
            }
        }
        Ok(Watcher {
            service: service.to_owned(),
            target: target.to_owned(),
            number,
            source,
            due: now.after(pace.first()),
            pace,
            breaker: Breaker::default(),
            signals,
            polls: 0,
        })
    }

    /// When it is to be asked next.
    #[must_use]
    pub fn due(&self) -> Time {
        self.due.max(self.breaker.not_before())
    }

    /// Asks the target, if its breaker lets it, and works out when to ask again.
    pub fn poll(&mut self, now: Time, watch: &Watch<'_>) {
        if let Some(at) = watch.board.take_crash(&self.service) {
            self.breaker.crash(at);
            self.signals.restarted();
        }
        let state = self.breaker.state(now);
        if state == State::Open {
            self.due = self.breaker.not_before();
            watch.board.update(self.number, |view| view.breaker = state);
            return;
        }
        self.polls += 1;
        let extent = match state {
            // What is cheap may be well while the rest is not: the last probe asks for all.
            State::HalfOpen if !self.breaker.is_last_probe() => Extent::Probe,
            State::Degraded if !self.polls.is_multiple_of(DEGRADED_FULL) => Extent::Probe,
            _ => Extent::Full,
        };
        let answer = self.source.ask(extent);
        let done = now.after(answer.took);
        self.breaker.poll(answer.result.is_ok(), done);
        self.pace.took(answer.took);
        let state = self.breaker.state(done);
        self.due = done
            .after(self.pace.next(state))
            .max(self.breaker.not_before());
        let failure = answer.result.as_ref().err();
        watch.board.event(Event::Poll {
            service: self.service.clone(),
            target: self.target.clone(),
            at: now,
            took: answer.took,
            requests: answer.requests,
            error: failure.map(|failure| (failure.cause, failure.message.clone())),
        });
        let failure = failure.cloned();
        let is_full = extent == Extent::Full;
        let sample = answer.result.ok().filter(|_| is_full);
        if let Some(sample) = &sample {
            self.keep(now, sample, watch);
        }
        let (percent, interval) = (self.breaker.failed_percent(), self.pace.interval());
        watch.board.update(self.number, |view| {
            view.breaker = state;
            view.failed_percent = percent;
            view.interval = interval.as_secs_f64();
            view.polls
                .count(answer.took, failure.as_ref().map(|failure| failure.cause));
            match failure {
                Some(failure) => view.error = Some(failure.message),
                None => {
                    view.answered = Some(done);
                    // A probe does not say that what failed is well again.
                    if is_full {
                        view.error = None;
                    }
                }
            }
            if let Some(sample) = sample {
                show(view, sample);
            }
        });
    }

    /// Puts a sample into the history and reports what it says.
    fn keep(&mut self, now: Time, sample: &Sample, watch: &Watch<'_>) {
        let mut values: Vec<(String, f64)> = Vec::new();
        let mut value = |name: &str, value: f64| values.push((name.to_owned(), value));
        if let Some(heap) = &sample.heap {
            value("heap.live", heap.live_bytes as f64);
            value("heap.allocated", heap.allocated_bytes as f64);
        }
        if let Some(goroutines) = &sample.goroutines {
            value("goroutines", goroutines.total as f64);
            value("goroutines.waiting", waiting(sample) as f64);
        }
        if let Some(sites) = &sample.sites {
            value("maps.live", sites.iter().map(|site| site.live_bytes).sum());
            for site in sites.iter().take(KEPT_SITES) {
                value(
                    &format!("{SITE_SERIES}{}", site_key(&site.spot)),
                    site.live_bytes,
                );
            }
        }
        let values: Vec<(&str, f64)> = values.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        let name = name(&self.service, &self.target);
        watch.history.add(&name, now, &values);
        let signals = self.signals.look(now, sample);
        let found = signals
            .into_iter()
            .map(|signal| (signal.key, signal.finding));
        // What was not measured this time may still hold.
        watch.board.raise(
            (&self.service, &self.target),
            now,
            found.collect(),
            |standing| {
                let code = standing.finding.code.as_str();
                let of = |kinds: &[Kind]| kinds.iter().any(|kind| kind.rule().0 == code);
                match () {
                    () if of(&[Kind::GoroutinesClimbing, Kind::HeldUpAtLock]) => {
                        sample.goroutines.is_some()
                    }
                    () if of(&[Kind::MapMemoryClimbing]) => sample.sites.is_some(),
                    // A moment that has passed; what made it possible is still there.
                    () if of(&[Kind::CaughtInMap]) => false,
                    () => true,
                }
            },
        );
    }
}

/// What the history calls a target.
#[must_use]
pub fn name(service: &str, target: &str) -> String {
    format!("{service} {target}")
}

fn waiting(sample: &Sample) -> u64 {
    let groups = sample.goroutines.iter().flat_map(|all| &all.groups);
    let waiting = groups.filter(|group| group.waits_for_lock());
    waiting.map(|group| group.count).sum()
}

fn show(view: &mut View, mut sample: Sample) {
    view.waiting = sample.goroutines.as_ref().map(|_| waiting(&sample));
    view.heap = sample.heap;
    view.goroutines = sample.goroutines.map(|all| all.total);
    let sites = sample.sites.as_ref();
    view.map_bytes = sites.map(|sites| sites.iter().map(|site| site.live_bytes).sum());
    let mut sites = sample.sites.unwrap_or_default();
    sites.truncate(MAX_SITES);
    view.sites = sites;
    sample.tables.truncate(MAX_TABLES);
    view.tables = sample.tables;
    view.gaps = sample.gaps;
}
