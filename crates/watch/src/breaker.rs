//! A circuit breaker: a target that fails is asked less, and then not at all for a while.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::clock::Time;

/// Polls that the share of failures is taken over.
const WINDOW: usize = 100;

/// Of fewer polls the share is taken as if there were so many: one failure among the first polls
/// says little, two say that nobody is there.
const AT_LEAST: usize = 40;

/// Shares of failed polls, in percent, from which the target counts as degraded and is left alone.
const DEGRADED: usize = 3;
const OPEN: usize = 5;

/// How long a target is left alone at first, and at most.
const FIRST_REST: Duration = Duration::from_secs(30);
const LONGEST_REST: Duration = Duration::from_secs(600);

/// Polls in a row that must succeed before a target is trusted again.
const PROBES: u32 = 3;

/// What a breaker lets through.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Everything.
    Closed,
    /// Everything, less often: from 3 % failed polls.
    Degraded,
    /// Nothing until its rest is over: from 5 % failed polls, or after a crash.
    Open,
    /// Single polls, to see whether the target is well.
    HalfOpen,
}

impl State {
    /// All of them.
    pub const ALL: [State; 4] = [State::Closed, State::Degraded, State::Open, State::HalfOpen];

    /// One word for it: `half-open`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Degraded => "degraded",
            State::Open => "open",
            State::HalfOpen => "half-open",
        }
    }
}

/// A breaker, one for each target.
#[derive(Clone, Debug)]
pub struct Breaker {
    state: State,
    /// The last polls, the oldest first; true is a failure.
    window: VecDeque<bool>,
    failed: usize,
    /// Until when it is open.
    until: Time,
    rest: Duration,
    /// Polls that succeeded since it is half-open.
    probes: u32,
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker {
            state: State::Closed,
            window: VecDeque::with_capacity(WINDOW),
            failed: 0,
            until: Time(0),
            rest: FIRST_REST,
            probes: 0,
        }
    }
}

impl Breaker {
    /// What it lets through at a moment. An open breaker whose rest is over is half-open.
    #[must_use]
    pub fn state(&self, now: Time) -> State {
        if self.state == State::Open && now >= self.until {
            State::HalfOpen
        } else {
            self.state
        }
    }

    /// When the next poll may be, at the earliest.
    #[must_use]
    pub fn not_before(&self) -> Time {
        if self.state == State::Open {
            self.until
        } else {
            Time(0)
        }
    }

    /// Whether the next probe is the one that decides.
    #[must_use]
    pub fn is_last_probe(&self) -> bool {
        self.probes + 1 >= PROBES
    }

    /// Failed polls of those in the window, in percent.
    #[must_use]
    pub fn failed_percent(&self) -> f64 {
        100.0 * self.failed as f64 / self.window.len().max(AT_LEAST) as f64
    }

    /// Takes note of a poll. Those of an open breaker count as probes.
    pub fn poll(&mut self, succeeded: bool, now: Time) {
        match self.state(now) {
            State::Closed | State::Degraded => {
                self.note(!succeeded);
                let polls = self.window.len().max(AT_LEAST);
                self.state = match 100 * self.failed {
                    failed if failed >= OPEN * polls && !succeeded => {
                        self.open(now);
                        return;
                    }
                    failed if failed >= DEGRADED * polls => State::Degraded,
                    _ => State::Closed,
                };
            }
            State::Open | State::HalfOpen if !succeeded => {
                self.rest = (self.rest * 2).min(LONGEST_REST);
                self.open(now);
            }
            State::Open | State::HalfOpen => {
                self.state = State::HalfOpen;
                self.probes += 1;
                if self.probes >= PROBES {
                    *self = Breaker::default();
                }
            }
        }
    }

    /// The target has crashed: it is left alone while it starts again.
    pub fn crash(&mut self, now: Time) {
        self.open(now);
    }

    fn open(&mut self, now: Time) {
        self.state = State::Open;
        self.until = now.after(self.rest);
        self.probes = 0;
    }

    fn note(&mut self, failed: bool) {
        if self.window.len() == WINDOW && self.window.pop_front() == Some(true) {
            self.failed -= 1;
        }
        self.window.push_back(failed);
        self.failed += usize::from(failed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn polls(breaker: &mut Breaker, failures: usize, of: usize) {
        for index in 0..of {
            // Failures are spread and come last in their stretch.
            let failed = (index + 1) * failures / of > index * failures / of;
            breaker.poll(!failed, Time(index as u64));
        }
    }

    #[test]
    fn shares_of_a_full_window() {
        for (failures, state) in [
            (0, State::Closed),
            (2, State::Closed),
            (3, State::Degraded),
            (4, State::Degraded),
            (5, State::Open),
        ] {
            let mut breaker = Breaker::default();
            polls(&mut breaker, 0, 100);
            polls(&mut breaker, failures, 100);
            assert_eq!(breaker.state(Time(100)), state, "{failures} of 100");
        }
    }

    #[test]
    fn one_failure_at_first_is_none_two_are() {
        let mut breaker = Breaker::default();
        breaker.poll(false, Time(0));
        assert_eq!(breaker.state(Time(0)), State::Closed);
        breaker.poll(false, Time(0));
        assert_eq!(breaker.state(Time(0)), State::Open);
        assert_eq!(breaker.not_before(), Time(30_000));
    }

    #[test]
    fn failures_pass_out_of_the_window() {
        let mut breaker = Breaker::default();
        polls(&mut breaker, 0, 100);
        polls(&mut breaker, 3, 10);
        assert_eq!(breaker.state(Time(0)), State::Degraded);
        polls(&mut breaker, 0, 100);
        assert_eq!(breaker.state(Time(0)), State::Closed);
        assert_eq!(breaker.failed_percent(), 0.0);
    }

    #[test]
    fn rests_double_and_three_good_polls_close_it() {
        let mut breaker = Breaker::default();
        breaker.crash(Time(0));
        assert_eq!(breaker.state(Time(29_999)), State::Open);
        assert_eq!(breaker.state(Time(30_000)), State::HalfOpen);
        breaker.poll(false, Time(30_000));
        assert_eq!(breaker.not_before(), Time(90_000));
        for _ in 0..20 {
            breaker.poll(false, breaker.not_before());
        }
        let now = breaker.not_before();
        breaker.poll(false, now);
        assert_eq!(breaker.not_before().since(now), LONGEST_REST);
        let now = breaker.not_before();
        breaker.poll(true, now);
        breaker.poll(true, now);
        assert_eq!(breaker.state(now), State::HalfOpen);
        breaker.poll(true, now);
        assert_eq!(breaker.state(now), State::Closed);
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Poll(bool),
        Crash,
    }

    proptest! {
        /// Against the words of the page: shares over the last hundred polls since it last closed,
        /// never a poll while open, never open for longer than the longest rest.
        #[test]
        fn keeps_its_word(
            events in prop::collection::vec(
                prop_oneof![
                    20 => Just(Event::Poll(true)),
                    2 => Just(Event::Poll(false)),
                    1 => Just(Event::Crash),
                ],
                0..600,
            ),
            steps in prop::collection::vec(0u64..20_000, 600),
        ) {
            let mut breaker = Breaker::default();
            let mut now = Time(0);
            let mut seen: Vec<bool> = Vec::new();
            for (event, step) in events.into_iter().zip(steps) {
                now = now.max(breaker.not_before()).after(Duration::from_millis(step));
                let before = breaker.state(now);
                prop_assert_ne!(before, State::Open, "a poll may be made");
                match event {
                    Event::Crash => {
                        breaker.crash(now);
                        prop_assert_eq!(breaker.state(now), State::Open);
                    }
                    Event::Poll(ok) => {
                        breaker.poll(ok, now);
                        if before == State::HalfOpen {
                            seen.clear();
                            let expected = if ok { [State::HalfOpen, State::Closed] } else { [State::Open; 2] };
                            prop_assert!(expected.contains(&breaker.state(now)));
                        } else {
                            seen.push(!ok);
                            let last = &seen[seen.len().saturating_sub(WINDOW)..];
                            let failed = last.iter().filter(|failed| **failed).count();
                            let share = failed as f64 / last.len().max(AT_LEAST) as f64;
                            let expected = match share {
                                _ if share >= 0.05 && !ok => State::Open,
                                _ if share >= 0.03 => State::Degraded,
                                _ => State::Closed,
                            };
                            prop_assert_eq!(breaker.state(now), expected, "{} of {}", failed, last.len());
                        }
                    }
                }
                if breaker.state(now) == State::Open {
                    let rest = breaker.not_before().since(now);
                    prop_assert!(rest >= FIRST_REST && rest <= LONGEST_REST);
                }
            }
        }
    }
}
