//! All watchers and logs at once, on threads.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::board::Board;
use crate::clock::{Clock, Time};
use crate::history::History;
use crate::log::Log;
use crate::watcher::{Watch, Watcher};

/// Targets that are asked at the same time, at most.
const WORKERS: usize = 8;

/// How often the history is written to its file.
const FLUSH: Duration = Duration::from_secs(1);

/// How long a thread sleeps at once, so that it notices that it is to stop.
const NAP: Duration = Duration::from_millis(100);

/// Watches until it is told to stop.
pub struct Run<'a> {
    /// The time.
    pub clock: &'a dyn Clock,
    /// Where everything is shown.
    pub board: &'a Board,
    /// Where everything is kept.
    pub history: &'a History,
    /// Set from outside to stop.
    pub stop: &'a AtomicBool,
}

/// Watchers by when they are due.
struct Queue {
    watchers: Vec<Mutex<Watcher>>,
    due: Mutex<BinaryHeap<Reverse<(Time, usize)>>>,
}

impl Run<'_> {
    /// Polls all targets and follows all logs until it is stopped; then writes what is left to the
    /// history.
    pub fn watch(&self, watchers: Vec<Watcher>, logs: &[Log]) {
        let due = watchers.iter().enumerate();
        let due = due
            .map(|(index, watcher)| Reverse((watcher.due(), index)))
            .collect();
        let queue = Queue {
            due: Mutex::new(due),
            watchers: watchers.into_iter().map(Mutex::new).collect(),
        };
        std::thread::scope(|scope| {
            for _ in 0..queue.watchers.len().min(WORKERS) {
                scope.spawn(|| self.work(&queue));
            }
            for log in logs {
                scope.spawn(|| {
                    let stop = || self.stopped();
                    log.follow(self.clock, self.board, self.history, &stop);
                });
            }
            while !self.stopped() {
                self.sleep(FLUSH);
                self.flush();
            }
        });
        self.flush();
    }

    fn work(&self, queue: &Queue) {
        let watch = Watch {
            board: self.board,
            history: self.history,
        };
        while !self.stopped() {
            let now = self.clock.now();
            let next = {
                let mut due = lock(&queue.due);
                match due.peek() {
                    Some(Reverse((at, _))) if *at <= now => due.pop(),
                    _ => None,
                }
            };
            let Some(Reverse((_, index))) = next else {
                std::thread::sleep(NAP / 2);
                continue;
            };
            let Some(watcher) = queue.watchers.get(index) else {
                continue;
            };
            let mut watcher = lock(watcher);
            watcher.poll(now, &watch);
            let at = watcher.due();
            drop(watcher);
            lock(&queue.due).push(Reverse((at, index)));
        }
    }

    fn flush(&self) {
        self.board.keep(self.history);
        let error = self.history.flush().err();
        let sentence = error.map(|error| format!("the history can't be written: {error}"));
        self.board.trouble("history", sentence);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn sleep(&self, duration: Duration) {
        let mut left = duration;
        while !left.is_zero() && !self.stopped() {
            std::thread::sleep(left.min(NAP));
            left = left.saturating_sub(NAP);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A watcher that a panic has left is asked again like any other.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
