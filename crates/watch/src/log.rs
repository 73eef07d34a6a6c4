//! A log that is followed while it is written: through rotation, truncation and restarts of the
//! service and of tophash.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tophash_crash::{Case, Class, Crash, Kind, NoSource, Verdict, judge};

use crate::board::{Board, NewCrash};
use crate::clock::Clock;
use crate::history::History;

/// How long nothing must be written for a crash to count as written whole.
const QUIET: Duration = Duration::from_millis(1500);

/// How often a log that has nothing new is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Frames of a stack that go into a span.
const STACK_FRAMES: usize = 32;

/// A log and the service that writes it.
pub struct Log {
    /// The file, which need not be there yet.
    pub path: PathBuf,
    /// The service.
    pub service: String,
}

/// How far a log was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Position {
    device: u64,
    inode: u64,
    offset: u64,
}

impl Position {
    fn of(file: &File, offset: u64) -> io::Result<Position> {
        let metadata = file.metadata()?;
        Ok(Position {
            device: metadata.dev(),
            inode: metadata.ino(),
            offset,
        })
    }

    /// Whether this is the same file, as long as it was at least.
    fn continues(self, file: &File) -> bool {
        let metadata = file.metadata();
        metadata.is_ok_and(|m| {
            (m.dev(), m.ino()) == (self.device, self.inode) && m.len() >= self.offset
        })
    }
}

impl Log {
    /// What the board calls it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("log {}", self.path.display())
    }

    fn kept(&self) -> String {
        format!("log {} {}", self.service, self.path.display())
    }

    /// Follows the log until `stop` says so. A log that is read for the first time is read from
    /// its end; one that was read before, from where that ended.
    pub fn follow(
        &self,
        clock: &dyn Clock,
        board: &Board,
        history: &History,
        stop: &dyn Fn() -> bool,
    ) {
        let name = self.name();
        let kept = history.kept(&self.kept()).ok().flatten();
        let kept: Option<Position> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut first = true;
        while !stop() {
            let mut file = match open(&self.path) {
                Ok(file) => file,
                Err(error) => {
                    board.trouble(&name, Some(format!("{}: {error}", self.path.display())));
                    // Whatever appears now is new.
                    first = false;
                    std::thread::sleep(LOOK);
                    continue;
                }
            };
            board.trouble(&name, None);
            let start = match kept {
                Some(kept) if first => match kept.continues(&file) {
                    true => kept.offset,
                    false => 0,
                },
                None if first => file.metadata().map_or(0, |m| m.len()),
                _ => 0,
            };
            first = false;
            if let Err(error) = file.seek(SeekFrom::Start(start)) {
                board.trouble(&name, Some(format!("{}: {error}", self.path.display())));
                return;
            }
            self.follow_file(&file, start, clock, board, history, stop);
        }
    }

    /// Follows one file until another is in its place or it was cut off.
    fn follow_file(
        &self,
        file: &File,
        start: u64,
        clock: &dyn Clock,
        board: &Board,
        history: &History,
        stop: &dyn Fn() -> bool,
    ) {
        let tail = Tail {
            file,
            path: &self.path,
            offset: Cell::new(start),
            end: Cell::new(false),
            stop,
        };
        let keep = || {
            let position = Position::of(file, tail.offset.get());
            if let Ok(bytes) = position
                .map_err(io::Error::other)
                .and_then(|position| serde_json::to_vec(&position).map_err(io::Error::other))
            {
                history.keep(&self.kept(), bytes);
            }
        };
        keep();
        while !tail.end.get() && !stop() {
            let (_, error) = tophash_crash::scan(&mut &tail, &mut |crash| {
                self.take(crash, clock, board);
                keep();
            });
            keep();
            if let Some(error) = error {
                board.trouble(
                    &self.name(),
                    Some(format!("{}: {error}", self.path.display())),
                );
                std::thread::sleep(QUIET);
                return;
            }
        }
    }

    fn take(&self, crash: Crash, clock: &dyn Clock, board: &Board) {
        let verdict = judge(&crash);
        // Stacks that someone asked for are no failure.
        if matches!(verdict.class, Class::StacksOnly | Class::Signal) {
            return;
        }
        let stack = stack(&crash, &verdict);
        let died = matches!(crash.kind, Kind::Panic | Kind::Fatal);
        let kind = failure(verdict.class);
        let case = Case {
            seen: vec![crash.lines],
            times: 1,
            crash,
            verdict,
        };
        let finding = tophash_crash::finding(&case, &self.path.display().to_string(), &NoSource);
        board.crash(NewCrash {
            service: &self.service,
            log: &self.name(),
            now: clock.now(),
            key: &case.verdict.fingerprint,
            finding,
            kind,
            stack,
            died,
        });
    }
}

/// What metrics call a failure of a map; none for crashes that have nothing to do with maps.
#[must_use]
pub fn failure(class: Class) -> Option<&'static str> {
    Some(match class {
        Class::NilMapWrite => "map_write_to_nil",
        Class::ConcurrentMapWrites => "concurrent_map_writes",
        Class::ConcurrentMapReadAndWrite => "concurrent_map_read_and_write",
        Class::ConcurrentMapIterationAndWrite => "concurrent_map_iteration_and_write",
        Class::ConcurrentMapCloneAndWrite => "concurrent_map_clone_and_write",
        Class::DamagedMap => "damaged_map",
        Class::UnhashableKey => "unhashable_key",
        Class::NilMapElement => "nil_map_element",
        Class::OutOfMemoryGrowingMap => "out_of_memory_growing_map",
        Class::NilDereference
        | Class::OutOfMemory
        | Class::DataRace
        | Class::OtherPanic
        | Class::OtherFatalError
        | Class::Signal
        | Class::StacksOnly => return None,
    })
}

/// The stack that failed, in the form of a traceback.
fn stack(crash: &Crash, verdict: &Verdict) -> String {
    let index = verdict.failed.as_ref().map_or(0, |side| side.stack);
    let frames = crash.stacks.get(index).map(|stack| stack.frames.as_slice());
    let mut text = String::new();
    for frame in frames.unwrap_or_default().iter().take(STACK_FRAMES) {
        text.push_str(&format!(
            "{}(...)\n\t{}:{}\n",
            frame.function, frame.file, frame.line
        ));
    }
    text
}

/// Opens a log. What is no file is refused: opening a pipe would wait for someone to write.
fn open(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    File::open(path)
}

/// A file that grows. Its end counts as reached when nothing was written for a while.
struct Tail<'a> {
    file: &'a File,
    path: &'a Path,
    offset: Cell<u64>,
    /// Whether nothing more will come from this file.
    end: Cell<bool>,
    stop: &'a dyn Fn() -> bool,
}

impl Tail<'_> {
    /// Whether another file is in its place, or it was cut off.
    fn replaced(&self) -> bool {
        let Ok(own) = self.file.metadata() else {
            return true;
        };
        if own.len() < self.offset.get() {
            return true;
        }
        // While no new one is there, the old one may still be written to.
        std::fs::metadata(self.path)
            .is_ok_and(|there| (there.dev(), there.ino()) != (own.dev(), own.ino()))
    }
}

impl Read for &Tail<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        let mut replaced = false;
        loop {
            let mut file = self.file;
            let read = file.read(buffer)?;
            if read > 0 {
                self.offset
                    .set(self.offset.get().saturating_add(read as u64));
                return Ok(read);
            }
            if replaced {
                self.end.set(true);
                return Ok(0);
            }
            if start.elapsed() >= QUIET || (self.stop)() {
                return Ok(0);
            }
            // What was written before the change is read first.
            replaced = self.replaced();
            if !replaced {
                std::thread::sleep(LOOK);
            }
        }
    }
}
