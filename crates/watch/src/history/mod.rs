//! What targets said before, bounded, in an embedded store.
//!
//! Of every target there are three rings of rows: single polls, stretches of five minutes, and of
//! an hour. Each has room for a fixed number of rows, and a row for a fixed number of series, so
//! that the file has a largest size (see [`LARGEST_ROW`]). What is added is in memory until
//! [`History::flush`].

mod row;

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redb::backends::InMemoryBackend;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use rustc_hash::FxHashMap;

use crate::clock::{Time, millis};
use row::{Entry, Row};

/// Series of a target. A new one takes the place of one that was not seen for an hour, or is left
/// out.
pub const MAX_SERIES: usize = 64;

/// Bytes of a full row. With 696 rows a target, a hundred targets take 90 MB and what the store
/// adds.
pub const LARGEST_ROW: usize = 8 + 20 * MAX_SERIES;

/// Bytes of a series' name; longer ones are cut.
const MAX_NAME: usize = 512;

/// After this time without a value a series gives way to a new one.
const GONE: Duration = Duration::from_secs(3600);

/// Values kept under [`History::keep`]: their bytes together, at most, a key's at most.
const MAX_KEPT: usize = 8 << 20;

struct Level {
    /// What a row covers; zero for single polls.
    step: Duration,
    rows: u32,
}

const LEVELS: [Level; 3] = [
    Level {
        step: Duration::ZERO,
        rows: 240,
    },
    Level {
        step: Duration::from_secs(300),
        rows: 288,
    },
    Level {
        step: Duration::from_secs(3600),
        rows: 168,
    },
];

/// Target, level, slot.
type Key = (u32, u8, u32);

const TARGETS: TableDefinition<'_, &str, u32> = TableDefinition::new("targets");
const SERIES: TableDefinition<'_, (u32, u32), &str> = TableDefinition::new("series");
const ROWS: TableDefinition<'_, Key, &[u8]> = TableDefinition::new("rows");
const KEPT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("kept");

/// Why the store can't be used.
#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl<E: Into<redb::Error>> From<E> for Error {
    fn from(error: E) -> Error {
        Error(error.into().to_string())
    }
}

/// A value of a series.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    /// When.
    pub at: Time,
    /// The value, or the last of its stretch of time.
    pub last: f64,
    /// The largest of its stretch of time.
    pub max: f64,
}

/// The store.
pub struct History {
    store: Mutex<Store>,
    memory: Mutex<Memory>,
}

/// The file, closed after an error: it refuses all work from then on, also when the disk has room
/// again, until it is opened anew.
struct Store {
    path: Option<PathBuf>,
    open: Option<Database>,
}

impl Store {
    /// Works on the file, which is opened if it is closed.
    fn with<T>(&mut self, work: impl FnOnce(&Database) -> Result<T, Error>) -> Result<T, Error> {
        let result = guarded(|| {
            let db = match (self.open.take(), &self.path) {
                (Some(db), _) => db,
                (None, Some(path)) => create(path)?,
                (None, None) => return Err(Error("its memory is damaged".to_owned())),
            };
            work(self.open.insert(db))
        });
        if result.is_err() && self.path.is_some() {
            // Closing writes, and may fail like the rest.
            let closed = self.open.take();
            let _ = guarded(|| {
                drop(closed);
                Ok(())
            });
        }
        result
    }
}

/// Of a file with damaged pages the store may panic instead of saying so.
fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error(DAMAGED.to_owned())))
}

const DAMAGED: &str = "it is damaged: move it away, and a new one is begun";

fn create(path: &Path) -> Result<Database, Error> {
    Database::create(path).map_err(|error| {
        Error(match error {
            DatabaseError::DatabaseAlreadyOpen => {
                "another tophash watch uses it: give this one its own with --history".to_owned()
            }
            DatabaseError::Storage(redb::StorageError::Corrupted(why)) => {
                format!("{DAMAGED} ({why})")
            }
            DatabaseError::Storage(redb::StorageError::Io(error))
                if error.kind() == std::io::ErrorKind::InvalidData =>
            {
                "it is no history of tophash watch: give another file with --history".to_owned()
            }
            error => error.to_string(),
        })
    })
}

/// What is not in the file yet, and what is needed to add to it.
#[derive(Default)]
struct Memory {
    targets: FxHashMap<String, Target>,
    next_target: u32,
    rows: BTreeMap<Key, Vec<u8>>,
    /// New names of series, and none for those that gave way.
    names: BTreeMap<(u32, u32), Option<String>>,
    /// New targets.
    numbers: BTreeMap<String, u32>,
    kept: BTreeMap<String, Vec<u8>>,
}

#[derive(Default)]
struct Target {
    number: u32,
    series: FxHashMap<String, Series>,
    next_series: u32,
    /// The slot for the next single poll.
    next_slot: u32,
    /// The rows of longer stretches that are being filled, with the number of their stretch.
    filling: [Option<(u64, Row)>; LEVELS.len()],
}

struct Series {
    number: u32,
    seen: Time,
}

impl History {
    /// Opens the store in a file, which is made if it isn't there.
    ///
    /// # Errors
    /// It is in use, or is none, or can't be read.
    pub fn open(path: &Path) -> Result<History, Error> {
        let named = |error| Error(format!("{}: {error}", path.display()));
        let mut store = Store {
            path: Some(path.to_owned()),
            open: None,
        };
        let memory = store.with(load).map_err(named)?;
        Ok(History {
            store: Mutex::new(store),
            memory: Mutex::new(memory),
        })
    }

    /// A store that is gone with the process.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn in_memory() -> Result<History, Error> {
        let db = Database::builder().create_with_backend(InMemoryBackend::new())?;
        let memory = load(&db)?;
        let store = Store {
            path: None,
            open: Some(db),
        };
        Ok(History {
            store: Mutex::new(store),
            memory: Mutex::new(memory),
        })
    }

    /// Adds the values of a target's series at a moment that is later than all before. Gives the
    /// number of series that there was no room for.
    pub fn add(&self, target: &str, at: Time, values: &[(&str, f64)]) -> usize {
        let mut memory = self.memory();
        let memory = &mut *memory;
        let known = match memory.targets.get_mut(target) {
            Some(known) => known,
            None => {
                let number = memory.next_target;
                memory.next_target += 1;
                memory.numbers.insert(target.to_owned(), number);
                let known = memory.targets.entry(target.to_owned()).or_default();
                known.number = number;
                known
            }
        };
        let mut row = Row {
            at,
            entries: Vec::with_capacity(values.len()),
        };
        let mut left_out = 0;
        for (name, value) in values.iter().filter(|(_, value)| value.is_finite()) {
            let name = cut(name);
            let Some(series) = known.number_of(name, at, &mut memory.names) else {
                left_out += 1;
                continue;
            };
            row.entries.push(Entry {
                series,
                last: *value,
                max: *value,
            });
        }
        row.entries.sort_by_key(|entry| entry.series);
        row.entries.dedup_by_key(|entry| entry.series);
        let number = known.number;
        for (level, filling) in known.filling.iter_mut().enumerate().skip(1) {
            let stretch = stretch(level, at);
            let merged = match filling.take() {
                Some((same, mut before)) if same == stretch => {
                    before.merge(&row);
                    before
                }
                _ => row.clone(),
            };
            let key = (number, level as u8, slot(level, stretch));
            memory.rows.insert(key, merged.encode());
            *filling = Some((stretch, merged));
        }
        memory
            .rows
            .insert((number, 0, known.next_slot), row.encode());
        known.next_slot = (known.next_slot + 1) % LEVELS[0].rows;
        left_out
    }

    /// All series of a target from a moment on, by name: single polls as far as they reach, longer
    /// stretches before.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn read(&self, target: &str, since: Time) -> Result<BTreeMap<String, Vec<Point>>, Error> {
        let memory = self.memory();
        let Some(known) = memory.targets.get(target) else {
            return Ok(BTreeMap::new());
        };
        let names: FxHashMap<u32, &str> = known
            .series
            .iter()
            .map(|(name, series)| (series.number, name.as_str()))
            .collect();
        let mut series: BTreeMap<String, Vec<Point>> = BTreeMap::new();
        self.store().with(|db| {
            let read = db.begin_read()?;
            let table = read.open_table(ROWS)?;
            // Before this the finer level has nothing.
            let mut until = Time(u64::MAX);
            for level in 0..LEVELS.len() {
                let (start, end) = (
                    (known.number, level as u8, 0),
                    (known.number, level as u8, u32::MAX),
                );
                let mut rows: BTreeMap<u32, Row> = BTreeMap::new();
                for row in table.range(start..=end)? {
                    let (key, bytes) = row?;
                    rows.extend(Row::decode(bytes.value()).map(|row| (key.value().2, row)));
                }
                for (key, bytes) in memory.rows.range(start..=end) {
                    rows.extend(Row::decode(bytes).map(|row| (key.2, row)));
                }
                let mut rows: Vec<Row> = rows.into_values().collect();
                rows.retain(|row| row.at >= since && row.at < until);
                rows.sort_by_key(|row| std::cmp::Reverse(row.at));
                for row in &rows {
                    for entry in &row.entries {
                        let Some(name) = names.get(&entry.series) else {
                            continue;
                        };
                        let points = match series.get_mut(*name) {
                            Some(points) => points,
                            None => series.entry((*name).to_owned()).or_default(),
                        };
                        points.push(Point {
                            at: row.at,
                            last: entry.last,
                            max: entry.max,
                        });
                    }
                }
                until = rows.last().map_or(until, |row| row.at);
            }
            Ok(())
        })?;
        for points in series.values_mut() {
            points.reverse();
        }
        Ok(series)
    }

    /// Keeps a value under a name: findings, counters, how far a log was read. What is too large
    /// is not kept; then it gives false.
    pub fn keep(&self, name: &str, value: Vec<u8>) -> bool {
        let fits = value.len() <= MAX_KEPT;
        if fits {
            self.memory().kept.insert(cut(name).to_owned(), value);
        }
        fits
    }

    /// What is kept under a name.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn kept(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        if let Some(value) = self.memory().kept.get(cut(name)) {
            return Ok(Some(value.clone()));
        }
        self.store().with(|db| {
            let table = db.begin_read()?.open_table(KEPT)?;
            Ok(table.get(cut(name))?.map(|value| value.value().to_owned()))
        })
    }

    /// Writes what was added to the file, so that it is there whatever happens then. What can't be
    /// written stays and is written the next time.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn flush(&self) -> Result<(), Error> {
        let mut memory = self.memory();
        let nothing = memory.rows.is_empty()
            && memory.names.is_empty()
            && memory.numbers.is_empty()
            && memory.kept.is_empty();
        if nothing {
            return Ok(());
        }
        self.store().with(|db| {
            let write = db.begin_write()?;
            {
                let mut table = write.open_table(TARGETS)?;
                for (name, number) in &memory.numbers {
                    table.insert(name.as_str(), number)?;
                }
                let mut table = write.open_table(SERIES)?;
                for (key, name) in &memory.names {
                    match name {
                        Some(name) => table.insert(key, name.as_str())?,
                        None => table.remove(key)?,
                    };
                }
                let mut table = write.open_table(ROWS)?;
                for (key, row) in &memory.rows {
                    table.insert(key, row.as_slice())?;
                }
                let mut table = write.open_table(KEPT)?;
                for (name, value) in &memory.kept {
                    table.insert(name.as_str(), value.as_slice())?;
                }
            }
            Ok(write.commit()?)
        })?;
        memory.rows.clear();
        memory.names.clear();
        memory.numbers.clear();
        memory.kept.clear();
        Ok(())
    }

    /// Removes targets that nothing was added for since a moment.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn forget(&self, before: Time) -> Result<(), Error> {
        self.flush()?;
        let mut memory = self.memory();
        let newest = |target: &Target| {
            let hour = target.filling.last().and_then(Option::as_ref);
            hour.map_or(Time(0), |(_, row)| row.at)
        };
        let old: Vec<(String, u32)> = memory
            .targets
            .iter()
            .filter(|(_, target)| newest(target) < before)
            .map(|(name, target)| (name.clone(), target.number))
            .collect();
        if old.is_empty() {
            return Ok(());
        }
        self.store().with(|db| {
            let write = db.begin_write()?;
            {
                let mut targets = write.open_table(TARGETS)?;
                let mut series = write.open_table(SERIES)?;
                let mut rows = write.open_table(ROWS)?;
                for (name, number) in &old {
                    targets.remove(name.as_str())?;
                    series.retain_in((*number, 0)..=(*number, u32::MAX), |_, _| false)?;
                    let all = (*number, 0, 0)..=(*number, u8::MAX, u32::MAX);
                    rows.retain_in(all, |_, _| false)?;
                }
            }
            Ok(write.commit()?)
        })?;
        for (name, _) in &old {
            memory.targets.remove(name);
        }
        Ok(())
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // Closed by whoever panicked in it.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing in here leaves it half changed.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target {
    /// The number of a series, which gets one if it is new and there is room.
    fn number_of(
        &mut self,
        name: &str,
        now: Time,
        names: &mut BTreeMap<(u32, u32), Option<String>>,
    ) -> Option<u32> {
        if let Some(series) = self.series.get_mut(name) {
            series.seen = now;
            return Some(series.number);
        }
        if self.series.len() >= MAX_SERIES {
            let oldest = self.series.iter().min_by_key(|(_, series)| series.seen);
            let gone = oldest
                .filter(|(_, series)| now.since(series.seen) >= GONE)
                .map(|(name, _)| name.clone())?;
            let series = self.series.remove(&gone)?;
            names.insert((self.number, series.number), None);
        }
        // Numbers are not used twice: old rows may still name them.
        let number = self.next_series;
        self.next_series = number.checked_add(1)?;
        names.insert((self.number, number), Some(name.to_owned()));
        let series = Series { number, seen: now };
        self.series.insert(name.to_owned(), series);
        Some(number)
    }
}

/// What is needed to add to a file.
fn load(db: &Database) -> Result<Memory, Error> {
    let write = db.begin_write()?;
    let mut memory = Memory::default();
    {
        let targets = write.open_table(TARGETS)?;
        let series = write.open_table(SERIES)?;
        let rows = write.open_table(ROWS)?;
        write.open_table(KEPT)?;
        for target in targets.iter()? {
            let (name, number) = target?;
            let number = number.value();
            memory.next_target = memory.next_target.max(number.saturating_add(1));
            let mut known = Target {
                number,
                ..Target::default()
            };
            let mut newest = None;
            for row in rows.range((number, 0, 0)..(number, 1, 0))? {
                let (key, bytes) = row?;
                let at = Row::decode(bytes.value()).map(|row| row.at);
                if at > newest {
                    newest = at;
                    known.next_slot = (key.value().2 + 1) % LEVELS[0].rows;
                }
            }
            for name in series.range((number, 0)..=(number, u32::MAX))? {
                let (key, name) = name?;
                let number = key.value().1;
                known.next_series = known.next_series.max(number.saturating_add(1));
                let seen = newest.unwrap_or_default();
                let series = Series { number, seen };
                known.series.insert(name.value().to_owned(), series);
            }
            for (level, filling) in known.filling.iter_mut().enumerate().skip(1) {
                let Some(newest) = newest else { break };
                let stretch = stretch(level, newest);
                let key = (number, level as u8, slot(level, stretch));
                let row = rows.get(key)?.and_then(|row| Row::decode(row.value()));
                *filling = row
                    .filter(|row| self::stretch(level, row.at) == stretch)
                    .map(|row| (stretch, row));
            }
            memory.targets.insert(name.value().to_owned(), known);
        }
    }
    write.commit()?;
    Ok(memory)
}

/// The number of the stretch of time that a moment falls into.
fn stretch(level: usize, at: Time) -> u64 {
    let step = LEVELS.get(level).map_or(1, |level| millis(level.step));
    at.0 / step.max(1)
}

fn slot(level: usize, stretch: u64) -> u32 {
    let rows = LEVELS.get(level).map_or(1, |level| level.rows);
    (stretch % u64::from(rows)) as u32
}

fn cut(name: &str) -> &str {
    let end = name.floor_char_boundary(MAX_NAME);
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;
    const DAY: u64 = 24 * 60 * MINUTE;

    /// Far from zero, and at the start of an hour.
    const START: u64 = 20_000 * DAY;

    fn minutes(history: &History, from: u64, to: u64) {
        for minute in from..to {
            let value = minute as f64;
            let at = Time(START + minute * MINUTE);
            history.add("a", at, &[("up", value), ("down", -value)]);
        }
    }

    #[test]
    fn a_day_is_downsampled_and_the_newest_is_exact() {
        let history = History::in_memory().unwrap();
        minutes(&history, 0, 3 * 1440);
        history.flush().unwrap();
        let series = history.read("a", Time(0)).unwrap();
        let up = &series["up"];
        assert!(up.len() <= 696 && up.len() > 500, "{}", up.len());
        assert!(
            up.windows(2)
                .all(|two| two[0].at < two[1].at && two[0].last < two[1].last)
        );
        // All three days, in hours at first, to the minute at last.
        assert_eq!(up[0].last, 59.0);
        let last: Vec<f64> = up.iter().rev().take(240).map(|point| point.last).collect();
        let exact: Vec<f64> = (3 * 1440 - 240..3 * 1440).rev().map(|m| m as f64).collect();
        assert_eq!(last, exact);
        // The largest of a stretch is not its last where values fall.
        let down = series["down"][0];
        assert_eq!((down.last, down.max), (-59.0, 0.0));
    }

    #[test]
    fn nothing_is_lost_at_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        let whole = History::in_memory().unwrap();
        minutes(&whole, 0, 2000);
        // Stops in the middle of five minutes and of an hour.
        for (from, to) in [(0, 7), (7, 333), (333, 1999), (1999, 2000)] {
            let history = History::open(&path).unwrap();
            minutes(&history, from, to);
            history.keep("position", to.to_string().into_bytes());
            history.flush().unwrap();
        }
        let history = History::open(&path).unwrap();
        assert_eq!(
            history.read("a", Time(0)).unwrap(),
            whole.read("a", Time(0)).unwrap()
        );
        assert_eq!(history.kept("position").unwrap().unwrap(), b"2000");
        assert!(history.kept("nothing").unwrap().is_none());
    }

    #[test]
    fn what_is_not_flushed_is_read_all_the_same() {
        let history = History::in_memory().unwrap();
        minutes(&history, 0, 300);
        history.flush().unwrap();
        minutes(&history, 300, 310);
        let series = history.read("a", Time(START + 305 * MINUTE)).unwrap();
        let last: Vec<f64> = series["up"].iter().map(|point| point.last).collect();
        assert_eq!(last, [305.0, 306.0, 307.0, 308.0, 309.0]);
    }

    #[test]
    fn series_are_bounded_and_give_way_when_gone() {
        let history = History::in_memory().unwrap();
        let names: Vec<String> = (0..200).map(|n| format!("site {n}")).collect();
        let values = |range: std::ops::Range<usize>| -> Vec<(&str, f64)> {
            names[range]
                .iter()
                .map(|name| (name.as_str(), 1.0))
                .collect()
        };
        assert_eq!(history.add("a", Time(START), &values(0..100)), 36);
        assert_eq!(
            history.add("a", Time(START + MINUTE), &values(100..120)),
            20
        );
        let later = Time(START + 61 * MINUTE);
        assert_eq!(history.add("a", later, &values(100..120)), 0);
        let series = history.read("a", Time(0)).unwrap();
        assert_eq!(series.len(), MAX_SERIES);
        assert_eq!(series["site 119"].len(), 1);
        assert!(history.read("b", Time(0)).unwrap().is_empty());
    }

    #[test]
    fn the_file_is_bounded_and_old_targets_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        let history = History::open(&path).unwrap();
        let mut sizes = Vec::new();
        for day in 0..12 {
            for step in 0..480 {
                let at = Time(START + day * DAY + step * 3 * MINUTE);
                history.add("a", at, &[("up", step as f64)]);
                if day < 2 {
                    history.add("b", at, &[("up", step as f64)]);
                }
                if step % 40 == 0 {
                    history.flush().unwrap();
                }
            }
            sizes.push(std::fs::metadata(&path).unwrap().len());
        }
        assert_eq!(sizes[8], sizes[11], "{sizes:?}");
        history.forget(Time(START + 10 * DAY)).unwrap();
        assert!(history.read("b", Time(0)).unwrap().is_empty());
        assert!(!history.read("a", Time(0)).unwrap().is_empty());
        drop(history);
        let history = History::open(&path).unwrap();
        assert!(history.read("b", Time(0)).unwrap().is_empty());
    }

    #[test]
    fn a_file_that_is_no_store_or_in_use_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes");
        std::fs::write(&path, "not a store, but of some length".repeat(500)).unwrap();
        let error = History::open(&path).err().unwrap().to_string();
        assert!(error.contains("notes: it is no history"), "{error}");
        let path = dir.path().join("store");
        let _first = History::open(&path).unwrap();
        let error = History::open(&path).err().unwrap().to_string();
        assert!(error.contains("another tophash watch uses it"), "{error}");
    }

    /// Wherever the damage is, it ends in an error or in nothing worse than lost values.
    #[test]
    fn damaged_pages_are_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let history = History::open(&path).unwrap();
        minutes(&history, 0, 300);
        history.flush().unwrap();
        drop(history);
        let whole = std::fs::read(&path).unwrap();
        let mut said = 0;
        for page in 1..whole.len() / 4096 {
            let mut bytes = whole.clone();
            bytes[page * 4096..].fill(0xa5);
            std::fs::write(&path, bytes).unwrap();
            match History::open(&path) {
                Err(error) => {
                    assert!(error.to_string().contains("store: "), "{error}");
                    said += 1;
                }
                Ok(history) => {
                    let _ = history.read("a", Time(0));
                }
            }
        }
        assert!(said > 0);
    }
}
