//! A progress line for runs that take long.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tophash_rules::Progress;

/// Shorter runs show nothing.
const DELAY: Duration = Duration::from_secs(1);

/// Time between two pictures.
const TICK: Duration = Duration::from_millis(100);

/// Does `work` and shows `progress` on standard error meanwhile, if that is a
/// terminal and the work takes longer than a second. The line is gone afterwards.
pub(crate) fn watched<T>(progress: &Progress, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    thread::scope(|scope| {
        let (done, wait) = mpsc::channel::<()>();
        scope.spawn(move || show(progress, &wait));
        let result = work();
        drop(done);
        result
    })
}

/// Draws until the other end of `done` is dropped.
fn show(progress: &Progress, done: &mpsc::Receiver<()>) {
    if done.recv_timeout(DELAY) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let bar = ProgressBar::new_spinner();
    let plain = ProgressStyle::default_spinner();
    bar.set_style(
        plain
            .template("{spinner} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    while done.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let (stage, steps, total) = progress.get();
        bar.set_message(match total {
            0 => stage.as_str().to_owned(),
            _ => format!("{} {steps}/{total}", stage.as_str()),
        });
        bar.tick();
    }
    bar.finish_and_clear();
}
