//! A profile as both of its forms are read.

use std::ops::Range;

use rustc_hash::FxHashMap;

/// A profile.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Profile {
    /// The file or address it was read from.
    pub name: String,
    /// The form it had there.
    pub form: Form,
    /// What it counts.
    pub kind: Kind,
    /// What each of [`Sample::values`] is; of a heap profile always the four of [`Usage`].
    pub columns: Vec<Column>,
    /// Samples, in the order of the profile.
    pub samples: Vec<Sample>,
    /// Of a heap profile the bytes between two samples (`runtime.MemProfileRate`); 1 means that
    /// every allocation was recorded, 0 that it isn't known.
    pub period: i64,
    /// When it was taken, in nanoseconds since 1970; none if it doesn't say (`debug=1` does not).
    pub time: Option<i64>,
    /// Nanoseconds that it covers; none if it counts from the start of the process.
    pub duration: Option<i64>,
    /// Memory statistics at the end of `heap?debug=1`.
    pub mem_stats: Option<MemStats>,
    pub(crate) tables: Tables,
}

/// The form of a profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Form {
    /// `profile.proto`. Go leaves the runtime's own frames out of it.
    #[default]
    Proto,
    /// The text of `debug=1`, which keeps them as bare addresses.
    Text,
}

/// What a profile counts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Kind {
    /// Allocations: `heap` and `allocs`.
    #[default]
    Heap,
    /// Goroutines.
    Goroutine,
    /// Something else, by the name of its first column.
    Other(String),
}

/// What a value of a sample is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// `inuse_space`, `goroutine`.
    pub name: String,
    /// `bytes`, `count`.
    pub unit: String,
}

/// A stack and how often or how much.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sample {
    /// Values of the first [`MAX_COLUMNS`](crate::MAX_COLUMNS) columns. Those of a heap profile
    /// are estimates of what really was: samples scaled up by their probability.
    pub values: [i64; 4],
    /// Size in bytes of each object, after rounding to the allocator's block; 0 if not known.
    pub block_size: u64,
    pub(crate) stack: Range<u32>,
    pub(crate) labels: Range<u32>,
}

/// Objects and their bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// How many.
    pub objects: i64,
    /// Their bytes.
    pub bytes: i64,
}

impl Usage {
    /// What really was, estimated from these samples as pprof does (`scaleHeapSample`): an object
    /// of size s is sampled with probability 1 - exp(-s / period).
    #[must_use]
    pub fn scaled(self, period: i64) -> Usage {
        let Usage { objects, bytes } = self;
        if objects == 0 || bytes == 0 {
            return Usage::default();
        }
        if period <= 1 {
            return self;
        }
        let size = bytes as f64 / objects as f64;
        let scale = 1.0 / (1.0 - (-size / period as f64).exp());
        Usage {
            objects: (objects as f64 * scale) as i64,
            bytes: (bytes as f64 * scale) as i64,
        }
    }
}

impl Sample {
    /// Of a heap profile: what was allocated since the process started.
    #[must_use]
    pub fn allocated(&self) -> Usage {
        let [objects, bytes, ..] = self.values;
        Usage { objects, bytes }
    }

    /// Of a heap profile: what of it was still in use at the last collection.
    #[must_use]
    pub fn live(&self) -> Usage {
        let [.., objects, bytes] = self.values;
        Usage { objects, bytes }
    }
}

/// A call in a stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Frame<'a> {
    /// The function's full name: `main.(*Cache).Put`; empty if the profile has only its address.
    pub function: &'a str,
    /// Path of its file as the compiler saw it; empty if not known.
    pub file: &'a str,
    /// The line that runs or calls; 0 if not known.
    pub line: u32,
    /// The address of the instruction; 0 if not known.
    pub address: u64,
}

/// A call that an address stands for, innermost first where several were inlined into another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The function's full name.
    pub function: String,
    /// Path of its file, empty if not known.
    pub file: String,
    /// The line, 0 if not known.
    pub line: u32,
}

/// A label of a sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label<'a> {
    /// Its name.
    pub key: &'a str,
    /// Its text; empty for a number.
    pub text: &'a str,
    /// Its number; 0 for a text.
    pub number: i64,
}

/// `runtime.MemStats` as far as `heap?debug=1` prints it; bytes unless said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemStats {
    /// Live objects, and dead ones that were not swept yet.
    pub heap_alloc: u64,
    /// All that was ever allocated.
    pub total_alloc: u64,
    /// Obtained from the system.
    pub sys: u64,
    /// Allocations, a count.
    pub mallocs: u64,
    /// Objects freed, a count.
    pub frees: u64,
    /// Collections, a count.
    pub num_gc: u64,
    /// End of the last collection, in nanoseconds since 1970.
    pub last_gc: u64,
}

/// What samples refer to.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Tables {
    /// Indices into `locations`, stack after stack, innermost first.
    pub(crate) stacks: Vec<u32>,
    pub(crate) locations: Vec<Location>,
    pub(crate) lines: Vec<Line>,
    pub(crate) functions: Vec<Function>,
    pub(crate) labels: Vec<OwnedLabel>,
    pub(crate) strings: Vec<Box<str>>,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Location {
    pub(crate) address: u64,
    /// Range of `Tables::lines`, innermost first; empty if only the address is known.
    pub(crate) lines: Range<u32>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Line {
    /// Index into `Tables::functions`.
    pub(crate) function: u32,
    pub(crate) line: u32,
}

/// Indices into `Tables::strings`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Function {
    pub(crate) name: u32,
    pub(crate) file: u32,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct OwnedLabel {
    pub(crate) key: u32,
    pub(crate) text: u32,
    pub(crate) number: i64,
}

impl Tables {
    pub(crate) fn string(&self, index: u32) -> &str {
        self.strings.get(index as usize).map_or("", |text| text)
    }

    /// The index of a text that is not there yet.
    pub(crate) fn add_string(&mut self, text: &str) -> u32 {
        let index = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        self.strings.push(text.into());
        index
    }
}

/// The frames of a stack, innermost first, inlined calls as frames of their own.
#[derive(Clone, Debug)]
pub struct Stack<'a> {
    tables: &'a Tables,
    /// Locations still to come.
    locations: std::slice::Iter<'a, u32>,
    /// Lines of the one at hand.
    lines: Range<u32>,
    address: u64,
}

impl<'a> Iterator for Stack<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let tables = self.tables;
        loop {
            if let Some(line) = self.lines.next() {
                let Some(line) = tables.lines.get(line as usize) else {
                    continue;
                };
                let function = tables.functions.get(line.function as usize);
                return Some(Frame {
                    function: function.map_or("", |f| tables.string(f.name)),
                    file: function.map_or("", |f| tables.string(f.file)),
                    line: line.line,
                    address: self.address,
                });
            }
            let location = tables.locations.get(*self.locations.next()? as usize)?;
            self.lines = location.lines.clone();
            self.address = location.address;
            if self.lines.is_empty() {
                return Some(Frame {
                    function: "",
                    file: "",
                    line: 0,
                    address: self.address,
                });
            }
        }
    }
}

/// The labels of a sample.
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    tables: &'a Tables,
    labels: std::slice::Iter<'a, OwnedLabel>,
}

impl<'a> Iterator for Labels<'a> {
    type Item = Label<'a>;

    fn next(&mut self) -> Option<Label<'a>> {
        let label = self.labels.next()?;
        Some(Label {
            key: self.tables.string(label.key),
            text: self.tables.string(label.text),
            number: label.number,
        })
    }
}

impl Profile {
    /// The stack of a sample of this profile.
    #[must_use]
    pub fn stack(&self, sample: &Sample) -> Stack<'_> {
        let range = sample.stack.start as usize..sample.stack.end as usize;
        Stack {
            tables: &self.tables,
            locations: self.tables.stacks.get(range).unwrap_or(&[]).iter(),
            lines: 0..0,
            address: 0,
        }
    }

    /// The labels of a sample of this profile.
    #[must_use]
    pub fn labels(&self, sample: &Sample) -> Labels<'_> {
        let range = sample.labels.start as usize..sample.labels.end as usize;
        Labels {
            tables: &self.tables,
            labels: self.tables.labels.get(range).unwrap_or(&[]).iter(),
        }
    }

    /// The sum of a column's values.
    #[must_use]
    pub fn total(&self, column: usize) -> i64 {
        let values = self.samples.iter().filter_map(|s| s.values.get(column));
        values.fold(0, |sum: i64, value| sum.saturating_add(*value))
    }

    /// The distinct addresses in stacks of which no name is known, in ascending order.
    #[must_use]
    pub fn unnamed(&self) -> Vec<u64> {
        let locations = self.tables.locations.iter();
        let unnamed = locations.filter(|l| l.lines.is_empty() && l.address != 0);
        let mut addresses: Vec<u64> = unnamed.map(|l| l.address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Gives names to addresses that have none. `calls` says what an address stands for,
    /// innermost first; what it knows nothing of stays as it is.
    pub fn name(&mut self, mut calls: impl FnMut(u64) -> Vec<Call>) {
        let mut strings: FxHashMap<String, u32> = FxHashMap::default();
        let mut functions: FxHashMap<Function, u32> = FxHashMap::default();
        let tables = &mut self.tables;
        for index in 0..tables.locations.len() {
            let Some(location) = tables.locations.get(index) else {
                break;
            };
            if !location.lines.is_empty() || location.address == 0 {
                continue;
            }
            let start = tables.lines.len() as u32;
            for call in calls(location.address) {
                let mut string = |text: String| match strings.get(&text) {
                    Some(&known) => known,
                    None => {
                        let index = tables.add_string(&text);
                        strings.insert(text, index);
                        index
                    }
                };
                let function = Function {
                    name: string(call.function),
                    file: string(call.file),
                };
                let function = *functions.entry(function).or_insert_with(|| {
                    tables.functions.push(function);
                    tables.functions.len() as u32 - 1
                });
                tables.lines.push(Line {
                    function,
                    line: call.line,
                });
            }
            let end = tables.lines.len() as u32;
            if let Some(location) = tables.locations.get_mut(index) {
                location.lines = start..end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_scaled_as_by_pprof() {
        let scaled = |objects, bytes, period| {
            let Usage { objects, bytes } = Usage { objects, bytes }.scaled(period);
            (objects, bytes)
        };
        // At the default rate one in a thousand objects of 512 bytes is seen.
        assert_eq!(scaled(1, 512, 524_288), (1024, 524_544));
        assert_eq!(scaled(3, 48, 1), (3, 48));
        assert_eq!(scaled(0, 0, 524_288), (0, 0));
    }
}
