//! A day with a hundred targets, in seconds: memory and file stay bounded, and a restart at noon
//! loses nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tophash_watch::board::Board;
use tophash_watch::breaker::State;
use tophash_watch::clock::{Clock, FakeClock, Time};
use tophash_watch::history::{History, Point};
use tophash_watch::model::{Goroutines, Group, HeapFigures, Sample, Site, Spot};
use tophash_watch::signals::Thresholds;
use tophash_watch::source::{Answer, Cause, Extent, Failure, Source};
use tophash_watch::watcher::{Watch, Watcher, name};

const TARGETS: usize = 100;
const INTERVAL: Duration = Duration::from_secs(10);
const HOUR: u64 = 3_600_000;
const START: u64 = 20_000 * 24 * HOUR;

/// What a target does all day.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Nature {
    Healthy,
    /// The maps of one of its lines grow by two megabytes a minute.
    Leaks,
    /// One poll in thirty fails.
    Flaky,
    /// Nobody answers from nine to eleven.
    Gone,
    /// It takes four seconds to answer.
    Slow,
    /// It has new lines with maps all the time.
    Changing,
}

fn nature(index: usize) -> Nature {
    match index % 10 {
        0 => Nature::Leaks,
        1 => Nature::Flaky,
        2 => Nature::Gone,
        3 => Nature::Slow,
        4 => Nature::Changing,
        _ => Nature::Healthy,
    }
}

struct Recorded {
    nature: Nature,
    clock: Arc<FakeClock>,
    polls: u64,
}

impl Source for Recorded {
    fn ask(&mut self, _: Extent) -> Answer {
        self.polls += 1;
        let hour = (self.clock.now().0 - START) as f64 / HOUR as f64;
        let fails = match self.nature {
            Nature::Flaky => self.polls.is_multiple_of(30),
            Nature::Gone => (9.0..11.0).contains(&hour),
            _ => false,
        };
        let took = match self.nature {
            Nature::Slow => Duration::from_secs(4),
            _ => Duration::from_millis(5),
        };
        let result = match fails {
            true => Err(Failure::new(Cause::Unreachable, "nobody listens there")),
            false => Ok(sample(self.nature, hour, self.polls)),
        };
        Answer {
            result,
            took,
            requests: Vec::new(),
        }
    }
}

fn sample(nature: Nature, hour: f64, polls: u64) -> Sample {
    let spot = |line: u64| Spot {
        function: "main.(*Cache).Set".into(),
        file: "/src/shop/cache.go".into(),
        line: line as u32,
    };
    let sites = (0..12).map(|index| {
        let line = match nature {
            Nature::Changing => polls * 12 + index,
            _ => index,
        };
        let live = match nature {
            Nature::Leaks if index == 0 => 20e6 + hour * 120e6,
            _ => 1e6 + (polls % 7) as f64 * 1e5,
        };
        Site {
            spot: spot(line),
            live_bytes: live,
            live_objects: 100.0,
            allocated_bytes: hour * 1e9,
            allocated_objects: 1e6,
        }
    });
    let groups = (0..20).map(|index| Group {
        count: 5 + polls % 3,
        frames: vec![spot(1000 + index)],
    });
    Sample {
        heap: Some(HeapFigures {
            live_bytes: 100_000_000,
            allocated_bytes: (hour * 1e10) as u64,
            ..HeapFigures::default()
        }),
        sites: Some(sites.collect()),
        goroutines: Some(Goroutines {
            total: 100,
            groups: groups.collect(),
        }),
        ..Sample::default()
    }
}

/// Bytes of memory that this process has in use.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

fn target(index: usize) -> String {
    format!("http://shop-{index}:6060")
}

struct Day {
    clock: Arc<FakeClock>,
    history: History,
    board: Board,
    watchers: Vec<Watcher>,
}

impl Day {
    fn begin(path: &Path, clock: &Arc<FakeClock>) -> Day {
        let history = History::open(path).unwrap();
        let board = Board::load(&history, false).unwrap();
        let watch = Watch {
            board: &board,
            history: &history,
        };
        let watchers = (0..TARGETS).map(|index| {
            let source = Recorded {
                nature: nature(index),
                clock: Arc::clone(clock),
                polls: 0,
            };
            Watcher::new(
                ("shop", &target(index)),
                Box::new(source),
                INTERVAL,
                Thresholds::default(),
                clock.now(),
                &watch,
            )
            .unwrap()
        });
        let watchers = watchers.collect();
        Day {
            clock: Arc::clone(clock),
            history,
            board,
            watchers,
        }
    }

    /// Polls whoever is due, until a moment.
    fn until(&mut self, end: Time) {
        let watch = Watch {
            board: &self.board,
            history: &self.history,
        };
        let mut flushed = self.clock.now();
        loop {
            let due = self
                .watchers
                .iter_mut()
                .min_by_key(|watcher| watcher.due())
                .unwrap();
            if due.due() >= end {
                break;
            }
            self.clock.set(due.due());
            let now = self.clock.now();
            due.poll(now, &watch);
            if now.since(flushed) >= Duration::from_secs(300) {
                flushed = now;
                self.board.keep(&self.history);
                self.history.flush().unwrap();
            }
        }
        self.clock.set(end);
        self.board.keep(&self.history);
        self.history.flush().unwrap();
    }

    fn series(&self) -> Vec<BTreeMap<String, Vec<Point>>> {
        let all = 0..TARGETS;
        all.map(|index| {
            self.history
                .read(&name("shop", &target(index)), Time(0))
                .unwrap()
        })
        .collect()
    }
}

#[test]
fn a_day_with_a_hundred_targets() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history");
    let clock = Arc::new(FakeClock::new(Time(START)));
    let hour = |hour: u64| Time(START + hour * HOUR);
    let mut day = Day::begin(&path, &clock);
    day.until(hour(6));
    let early = resident();

    day.until(Time(START + 10 * HOUR));
    let snapshot = day.board.snapshot(clock.now());
    for (index, view) in snapshot.targets.iter().enumerate() {
        match nature(index) {
            Nature::Gone => {
                assert!(
                    view.error.is_some() && view.breaker != State::Closed,
                    "{view:?}"
                );
                // Left alone for ten minutes at a time, and not asked every ten seconds.
                let failed: u64 = view.polls.failed.values().sum();
                assert!(failed < 15, "{failed}");
            }
            Nature::Slow => assert!(view.interval > 150.0, "{}", view.interval),
            Nature::Flaky => assert!(view.failed_percent < 5.0),
            _ => assert_eq!(view.breaker, State::Closed),
        }
    }

    day.until(hour(12));
    let leaks = |day: &Day| {
        let findings = day.board.snapshot(clock.now()).findings;
        let active = findings.into_iter().filter(|standing| standing.active);
        let leaks = active.filter(|standing| standing.finding.code == "WA501");
        let mut leaks: Vec<(String, Time)> = leaks.map(|s| (s.target, s.first)).collect();
        leaks.sort();
        leaks
    };
    let before = leaks(&day);
    let leaking = (0..TARGETS)
        .filter(|index| nature(*index) == Nature::Leaks)
        .map(target);
    assert_eq!(
        before
            .iter()
            .map(|(target, _)| target.clone())
            .collect::<std::collections::BTreeSet<_>>(),
        leaking.collect()
    );
    let series = day.series();
    let findings = serde_json::to_value(&day.board.snapshot(clock.now()).findings).unwrap();
    drop(day);

    // Noon: it starts again.
    let mut day = Day::begin(&path, &clock);
    assert_eq!(day.series(), series);
    let mut kept = findings;
    for standing in kept.as_array_mut().unwrap() {
        standing["active"] = false.into();
    }
    let now = serde_json::to_value(&day.board.snapshot(clock.now()).findings).unwrap();
    let sorted = |value: &serde_json::Value| {
        let mut all: Vec<String> = value
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.to_string())
            .collect();
        all.sort();
        all
    };
    assert_eq!(sorted(&now), sorted(&kept));
    // What climbed before is known to climb at once, not after another half hour.
    day.until(Time(hour(12).0 + 3 * 60_000));
    assert_eq!(leaks(&day), before);

    day.until(hour(24));
    let late = resident();
    assert!(
        late < early + (48 << 20),
        "{early} bytes at six, {late} at midnight"
    );
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 200 << 20, "{size}");
    // To the minute at the end, and back to the start.
    let healthy = &day.series()[9]["maps.live"];
    assert!(healthy[0].at <= hour(1) && healthy.last().unwrap().at >= Time(hour(24).0 - 120_000));
    assert!(healthy.windows(2).all(|two| two[0].at < two[1].at));
    let back = day.board.snapshot(clock.now());
    assert!(
        back.targets
            .iter()
            .all(|view| view.error.is_none() || view.polls.succeeded > 0)
    );
}
