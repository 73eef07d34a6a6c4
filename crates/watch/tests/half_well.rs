//! A service that says it is well while what is wanted of it fails: `cmdline` answers, `heap` does
//! not. It must not go to and fro between two states.

use std::sync::Arc;
use std::time::Duration;

use tophash_watch::board::Board;
use tophash_watch::breaker::State;
use tophash_watch::clock::{Clock, FakeClock, Time};
use tophash_watch::history::History;
use tophash_watch::model::Sample;
use tophash_watch::signals::Thresholds;
use tophash_watch::source::{Answer, Cause, Extent, Failure, Source};
use tophash_watch::watcher::{Watch, Watcher};

const HOUR: u64 = 3_600_000;
const START: u64 = 20_000 * 24 * HOUR;

struct HalfWell {
    clock: Arc<FakeClock>,
    /// When all of it is well again.
    mended: Time,
}

impl Source for HalfWell {
    fn ask(&mut self, extent: Extent) -> Answer {
        let fails = extent == Extent::Full && self.clock.now() < self.mended;
        Answer {
            result: match fails {
                true => Err(Failure::new(Cause::Status, "answers with status 500")),
                false => Ok(Sample::default()),
            },
            took: Duration::from_millis(5),
            requests: Vec::new(),
        }
    }
}

#[test]
fn a_service_that_is_half_well_stays_unwell_until_all_is() {
    let clock = Arc::new(FakeClock::new(Time(START)));
    let history = History::in_memory().unwrap();
    let board = Board::load(&history, false).unwrap();
    let watch = Watch {
        board: &board,
        history: &history,
    };
    let source = HalfWell {
        clock: Arc::clone(&clock),
        mended: Time(START + 4 * HOUR),
    };
    let mut watcher = Watcher::new(
        ("shop", "http://shop:6060"),
        Box::new(source),
        Duration::from_secs(10),
        Thresholds::default(),
        clock.now(),
        &watch,
    )
    .unwrap();
    let mut states: Vec<State> = Vec::new();
    let (mut polls, mut last) = (0, None);
    while watcher.due() < Time(START + 6 * HOUR) {
        clock.set(watcher.due());
        watcher.poll(clock.now(), &watch);
        polls += 1;
        let snapshot = board.snapshot(clock.now());
        let view = &snapshot.targets[0];
        let unwell = view.error.is_some();
        if states.last() != Some(&view.breaker) {
            states.push(view.breaker);
        }
        if clock.now() < Time(START + 4 * HOUR) {
            assert!(unwell, "it was said to be well at poll {polls}");
            last = Some((polls, states.clone()));
        }
    }
    let (polls, before) = last.unwrap();
    // Closed once, at the start; rests that grow to ten minutes, with three probes after each.
    let closed = before.iter().filter(|state| **state == State::Closed);
    assert_eq!(closed.count(), 1, "{before:?}");
    assert!(polls < 100, "{polls} polls in four hours");
    assert_eq!(states.last(), Some(&State::Closed));
    assert_eq!(board.snapshot(clock.now()).targets[0].error, None);
}
