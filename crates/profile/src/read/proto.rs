//! The form of `profile.proto` (github.com/google/pprof/proto/profile.proto).

use std::io::BufRead;
use std::ops::Range;

use prost::Message;
use rustc_hash::FxHashMap;

use super::MAX_COLUMNS;
use super::input::Input;
use crate::error::Error;
use crate::model::{Column, Form, Function, Kind, Line, Location, OwnedLabel, Profile, Tables};

#[derive(Clone, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    name: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct SampleMessage {
    #[prost(uint64, repeated, tag = "1")]
    locations: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    values: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    labels: Vec<LabelMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelMessage {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    text: i64,
    #[prost(int64, tag = "3")]
    number: i64,
}

#[derive(Clone, PartialEq, Message)]
struct LocationMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "3")]
    address: u64,
    #[prost(message, repeated, tag = "4")]
    lines: Vec<LineMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct LineMessage {
    #[prost(uint64, tag = "1")]
    function: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, PartialEq, Message)]
struct FunctionMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "4")]
    file: i64,
}

/// Fields of the outermost message.
mod field {
    pub(super) const SAMPLE_TYPE: u64 = 1;
    pub(super) const SAMPLE: u64 = 2;
    pub(super) const LOCATION: u64 = 4;
    pub(super) const FUNCTION: u64 = 5;
    pub(super) const STRING: u64 = 6;
    pub(super) const TIME: u64 = 9;
    pub(super) const DURATION: u64 = 10;
    pub(super) const PERIOD: u64 = 12;
}

/// Ways in which a field is written.
mod wire {
    pub(super) const VARINT: u64 = 0;
    pub(super) const FIXED64: u64 = 1;
    pub(super) const BYTES: u64 = 2;
    pub(super) const FIXED32: u64 = 5;
}

/// Numbers of one kind as the profile gives them, in the order in which they were met. They may
/// be defined after their use.
#[derive(Default)]
struct Ids {
    known: FxHashMap<u64, u32>,
    /// Where each was met first.
    met: Vec<(u64, u64)>,
}

impl Ids {
    fn index(&mut self, id: u64, offset: u64) -> u32 {
        let met = &mut self.met;
        *self.known.entry(id).or_insert_with(|| {
            met.push((id, offset));
            (met.len() - 1) as u32
        })
    }
}

/// A profile half read: what it refers to may be defined further on.
#[derive(Default)]
struct Reader {
    types: Vec<(ValueType, u64)>,
    profile: Profile,
    /// How many values each sample has, with the place of the first one.
    values: Option<(usize, u64)>,
    locations: Ids,
    functions: Ids,
    defined_locations: Vec<bool>,
    defined_functions: Vec<bool>,
    /// The largest index of a string, and where it was met.
    last_string: (u32, u64),
    sample: SampleMessage,
}

pub(super) fn read<R: BufRead>(input: &mut Input<'_, R>) -> Result<Profile, Error> {
    let mut reader = Reader::default();
    let mut bytes = Vec::new();
    loop {
        let start = input.offset;
        let Some(key) = input.varint()? else {
            break;
        };
        let (number, form) = (key >> 3, key & 7);
        let cut = |input: &mut Input<'_, R>| -> Result<u64, Error> {
            let value = input.varint()?;
            value.ok_or_else(|| input.error(input.offset, "the profile is cut off here"))
        };
        match form {
            wire::VARINT => {
                let value = cut(input)?.cast_signed();
                match number {
                    field::TIME => reader.profile.time = Some(value).filter(|time| *time > 0),
                    field::DURATION => {
                        reader.profile.duration = Some(value).filter(|time| *time > 0);
                    }
                    field::PERIOD => reader.profile.period = value.max(0),
                    _ => {}
                }
            }
            wire::BYTES => {
                let len = cut(input)?;
                input.take(len, &mut bytes)?;
                (reader.message(number, &bytes, start))
                    .map_err(|message| input.error(start, message))?;
            }
            wire::FIXED64 => input.take(8, &mut bytes)?,
            wire::FIXED32 => input.take(4, &mut bytes)?,
            _ => return Err(input.error(start, "not a profile: no field begins like this")),
        }
    }
    reader
        .finish()
        .map_err(|(offset, message)| input.error(offset, message))
}

fn decoded<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M, String> {
    M::decode(bytes).map_err(|error| format!("{what} can't be read: {error}"))
}

/// The index of a string or of a table's row.
fn index(number: i64, what: &str) -> Result<u32, String> {
    u32::try_from(number).map_err(|_| format!("{what} {number} does not exist"))
}

fn next(len: usize, what: &str) -> Result<u32, String> {
    u32::try_from(len).map_err(|_| format!("more than 4 billion {what}"))
}

impl Reader {
    fn message(&mut self, number: u64, bytes: &[u8], offset: u64) -> Result<(), String> {
        match number {
            field::SAMPLE_TYPE => {
                self.types.push((decoded(bytes, "a column")?, offset));
                Ok(())
            }
            field::SAMPLE => self.sample(bytes, offset),
            field::LOCATION => self.location(bytes, offset),
            field::FUNCTION => self.function(bytes, offset),
            field::STRING => {
                next(self.profile.tables.strings.len(), "strings")?;
                let text = String::from_utf8_lossy(bytes).into_owned();
                self.profile.tables.strings.push(text.into());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn string(&mut self, number: i64, offset: u64) -> Result<u32, String> {
        let index = index(number, "string")?;
        if index > self.last_string.0 {
            self.last_string = (index, offset);
        }
        Ok(index)
    }

    fn sample(&mut self, bytes: &[u8], offset: u64) -> Result<(), String> {
        // The message is kept for its memory.
        let mut message = std::mem::take(&mut self.sample);
        message.clear();
        (message.merge(bytes)).map_err(|error| format!("a sample can't be read: {error}"))?;
        let (count, _) = *self.values.get_or_insert((message.values.len(), offset));
        if count != message.values.len() {
            let has = message.values.len();
            return Err(format!(
                "a sample has {has} values, those before it have {count}"
            ));
        }
        let mut sample = crate::model::Sample::default();
        for (to, value) in sample.values.iter_mut().zip(&message.values) {
            *to = *value;
        }
        let start = next(self.profile.tables.stacks.len(), "frames")?;
        for &id in &message.locations {
            let location = self.locations.index(id, offset);
            self.profile.tables.stacks.push(location);
        }
        sample.stack = start..next(self.profile.tables.stacks.len(), "frames")?;
        let start = next(self.profile.tables.labels.len(), "labels")?;
        for label in &message.labels {
            let key = self.string(label.key, offset)?;
            let text = self.string(label.text, offset)?;
            self.profile.tables.labels.push(OwnedLabel {
                key,
                text,
                number: label.number,
            });
        }
        sample.labels = start..next(self.profile.tables.labels.len(), "labels")?;
        self.profile.samples.push(sample);
        self.sample = message;
        Ok(())
    }

    fn location(&mut self, bytes: &[u8], offset: u64) -> Result<(), String> {
        let message: LocationMessage = decoded(bytes, "a location")?;
        let index = self.locations.index(message.id, offset) as usize;
        define(&mut self.defined_locations, index, message.id, "location")?;
        let tables = &mut self.profile.tables;
        let start = next(tables.lines.len(), "lines")?;
        for line in &message.lines {
            let function = self.functions.index(line.function, offset);
            tables.lines.push(Line {
                function,
                line: u32::try_from(line.line).unwrap_or(0),
            });
        }
        let lines: Range<u32> = start..next(tables.lines.len(), "lines")?;
        put(
            &mut tables.locations,
            index,
            Location {
                address: message.address,
                lines,
            },
            Location::default(),
        );
        Ok(())
    }

    fn function(&mut self, bytes: &[u8], offset: u64) -> Result<(), String> {
        let message: FunctionMessage = decoded(bytes, "a function")?;
        let index = self.functions.index(message.id, offset) as usize;
        define(&mut self.defined_functions, index, message.id, "function")?;
        let function = Function {
            name: self.string(message.name, offset)?,
            file: self.string(message.file, offset)?,
        };
        let none = Function { name: 0, file: 0 };
        put(&mut self.profile.tables.functions, index, function, none);
        Ok(())
    }

    fn finish(mut self) -> Result<Profile, (u64, String)> {
        let (string, at) = self.last_string;
        let strings = self.profile.tables.strings.len();
        if self.profile.samples.is_empty() && strings == 0 && self.types.is_empty() {
            return Err((
                0,
                "not a profile: it holds neither samples nor names".into(),
            ));
        }
        if string as usize >= strings.max(1) {
            let message = format!("string {string} does not exist, there are {strings}");
            return Err((at, message));
        }
        undefined(&self.locations, &self.defined_locations, "location")?;
        undefined(&self.functions, &self.defined_functions, "function")?;
        let mut columns = Vec::new();
        for (ty, offset) in &self.types {
            let text = |number: i64| -> Result<String, (u64, String)> {
                let index = usize::try_from(number).ok();
                let text = index.and_then(|index| self.profile.tables.strings.get(index));
                match text {
                    Some(text) => Ok(text.to_string()),
                    None => Err((*offset, format!("string {number} does not exist"))),
                }
            };
            columns.push(Column {
                name: text(ty.name)?,
                unit: text(ty.unit)?,
            });
        }
        if let Some((count, offset)) = self.values
            && count != columns.len()
        {
            let columns = columns.len();
            let message = format!("samples have {count} values for {columns} columns");
            return Err((offset, message));
        }
        self.profile.form = Form::Proto;
        self.profile.columns = columns;
        settle(&mut self.profile);
        Ok(self.profile)
    }
}

/// Remembers that a row is defined, and refuses a second definition.
fn define(defined: &mut Vec<bool>, index: usize, id: u64, what: &str) -> Result<(), String> {
    if defined.get(index) == Some(&true) {
        return Err(format!("{what} {id} is defined twice"));
    }
    put(defined, index, true, false);
    Ok(())
}

fn undefined(ids: &Ids, defined: &[bool], what: &str) -> Result<(), (u64, String)> {
    for (index, (id, offset)) in ids.met.iter().enumerate() {
        // pprof takes 0 for "none".
        if defined.get(index) != Some(&true) && *id != 0 {
            return Err((*offset, format!("{what} {id} is used and not defined")));
        }
    }
    Ok(())
}

/// Sets a row of a table, which grows by no more than ids that were met.
fn put<T: Clone>(table: &mut Vec<T>, index: usize, row: T, none: T) {
    if table.len() <= index {
        table.resize(index + 1, none);
    }
    if let Some(place) = table.get_mut(index) {
        *place = row;
    }
}

/// Says what the profile counts, and brings the columns of a heap profile into their order.
fn settle(profile: &mut Profile) {
    const HEAP: [(&str, &str); MAX_COLUMNS] = [
        ("alloc_objects", "count"),
        ("alloc_space", "bytes"),
        ("inuse_objects", "count"),
        ("inuse_space", "bytes"),
    ];
    let place = |name: &str| profile.columns.iter().position(|c| c.name == name);
    let mut places = HEAP.map(|(name, _)| place(name));
    if places.iter().all(Option::is_none) && place("space").is_some() {
        places = [None, None, place("objects"), place("space")];
    }
    if places.iter().all(Option::is_none) {
        let name = profile.columns.first().map_or("", |c| &c.name);
        profile.kind = match name {
            "goroutine" | "goroutines" => Kind::Goroutine,
            name => Kind::Other(name.to_owned()),
        };
        return;
    }
    profile.kind = Kind::Heap;
    for sample in &mut profile.samples {
        let values = sample.values;
        let value = |place: Option<usize>| place.and_then(|i| values.get(i)).copied();
        sample.values = places.map(|place| value(place).unwrap_or(0));
    }
    profile.columns = HEAP
        .map(|(name, unit)| Column {
            name: name.to_owned(),
            unit: unit.to_owned(),
        })
        .to_vec();
    block_sizes(&mut profile.samples, &profile.tables);
}

/// Takes the size of objects from the label that Go writes it into.
fn block_sizes(samples: &mut [crate::model::Sample], tables: &Tables) {
    for sample in samples {
        let range = sample.labels.start as usize..sample.labels.end as usize;
        let labels = tables.labels.get(range).unwrap_or(&[]);
        let bytes = labels.iter().find(|l| tables.string(l.key) == "bytes");
        sample.block_size = bytes.map_or(0, |l| u64::try_from(l.number).unwrap_or(0));
    }
}
