//! The text of `debug=1` (runtime/pprof `writeHeapInternal`, `printCountProfile`).
//!
//! Each sample is a line of counts and return addresses, followed by a comment line for each
//! frame that is not hidden: those of the runtime at the top of the stack are.

use std::io::BufRead;

use rustc_hash::FxHashMap;

use super::input::Input;
use crate::error::Error;
use crate::model::{
    Column, Form, Function, Kind, Line, Location, MemStats, OwnedLabel, Profile, Sample, Tables,
    Usage,
};

/// A line: a stack has at most a few hundred addresses, and type arguments make long names.
const MAX_LINE: usize = 1 << 20;

struct Reader {
    profile: Profile,
    /// Indices of locations by their address.
    locations: FxHashMap<u64, u32>,
    strings: FxHashMap<Box<str>, u32>,
    functions: FxHashMap<Function, u32>,
    /// Whether the next comment line is the first of its sample.
    first_row: bool,
}

pub(super) fn read<R: BufRead>(input: &mut Input<'_, R>) -> Result<Profile, Error> {
    let mut line = Vec::new();
    input.line(MAX_LINE, &mut line)?;
    let header = String::from_utf8_lossy(&line).into_owned();
    let mut reader = Reader::new(&header).ok_or_else(|| {
        // `goroutine 1 [running]:`, and the same with what came before it.
        if ["goroutine ", "panic: ", "fatal error: "].iter().any(|w| header.starts_with(w)) {
            return input.error(0, "these are stacks of goroutines, as goroutine?debug=2 gives them: `tophash crash` reads them");
        }
        let shown: String = header.chars().take(60).collect();
        input.error(0, format!("not a profile: it begins with {shown:?}"))
    })?;
    loop {
        let start = input.offset;
        if !input.line(MAX_LINE, &mut line)? {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        let read = match text.strip_prefix('#') {
            Some(row) => reader.comment(row),
            None if text.is_empty() => Some(()),
            None if text.starts_with("--- ") || text == "MAPPED_LIBRARIES:" => break,
            None => reader.sample(text),
        };
        if read.is_none() {
            let shown: String = text.chars().take(60).collect();
            return Err(input.error(start, format!("no sample can be read here: {shown:?}")));
        }
    }
    Ok(reader.profile)
}

impl Reader {
    /// What the first line says of the profile: `heap profile: 1: 48 [2: 96] @ heap/1048576`,
    /// `goroutine profile: total 5`.
    fn new(header: &str) -> Option<Reader> {
        let (name, rest) = header.trim_end().split_once(" profile:")?;
        let mut profile = Profile {
            form: Form::Text,
            ..Profile::default()
        };
        if name == "heap" && rest.contains('@') {
            let (_, kind) = rest.rsplit_once('@')?;
            let period: i64 = match kind.trim().split_once('/') {
                // Go prints twice the rate, as the first C++ heap profiler did.
                Some(("heap", rate)) => rate.parse::<i64>().ok()? / 2,
                Some((_, rate)) => rate.parse().ok()?,
                None => 1,
            };
            profile.period = period.max(0);
            profile.kind = Kind::Heap;
            profile.columns = [
                ("alloc_objects", "count"),
                ("alloc_space", "bytes"),
                ("inuse_objects", "count"),
                ("inuse_space", "bytes"),
            ]
            .map(|(name, unit)| Column {
                name: name.to_owned(),
                unit: unit.to_owned(),
            })
            .to_vec();
        } else {
            rest.trim().strip_prefix("total ")?.parse::<u64>().ok()?;
            profile.kind = match name {
                "goroutine" => Kind::Goroutine,
                other => Kind::Other(other.to_owned()),
            };
            profile.period = 1;
            profile.columns = vec![Column {
                name: name.to_owned(),
                unit: "count".to_owned(),
            }];
        }
        // As in profile.proto, string 0 is empty.
        let mut tables = Tables::default();
        tables.add_string("");
        profile.tables = tables;
        Some(Reader {
            profile,
            locations: FxHashMap::default(),
            strings: FxHashMap::from_iter([("".into(), 0)]),
            functions: FxHashMap::default(),
            first_row: false,
        })
    }

    fn sample(&mut self, text: &str) -> Option<()> {
        let (counts, addresses) = text.split_once('@')?;
        let mut sample = match self.profile.kind {
            Kind::Heap => heap_sample(counts, self.profile.period)?,
            _ => {
                let count: i64 = counts.trim().parse().ok()?;
                Sample {
                    values: [count, 0, 0, 0],
                    ..Sample::default()
                }
            }
        };
        let start = u32::try_from(self.profile.tables.stacks.len()).ok()?;
        for word in addresses.split_ascii_whitespace() {
            let pc = hex(word)?;
            // The address behind the call is where it returns to.
            let location = self.location(pc.wrapping_sub(1))?;
            self.profile.tables.stacks.push(location);
        }
        sample.stack = start..u32::try_from(self.profile.tables.stacks.len()).ok()?;
        self.profile.samples.push(sample);
        self.first_row = true;
        Some(())
    }

    fn location(&mut self, address: u64) -> Option<u32> {
        let locations = &mut self.profile.tables.locations;
        let next = u32::try_from(locations.len()).ok()?;
        Some(*self.locations.entry(address).or_insert_with(|| {
            locations.push(Location {
                address,
                lines: 0..0,
            });
            next
        }))
    }

    /// A comment: a frame, labels, or a memory statistic. Others mean nothing.
    fn comment(&mut self, row: &str) -> Option<()> {
        if let Some(labels) = row.strip_prefix(" labels: ") {
            return self.labels(labels);
        }
        if let Some(frame) = row.strip_prefix('\t') {
            self.frame(frame);
            self.first_row = false;
            return Some(());
        }
        if let Some((name, value)) = row.split_once('=')
            && let Ok(value) = value.trim().parse::<u64>()
        {
            let stats = self.profile.mem_stats.get_or_insert(MemStats::default());
            match name.trim() {
                "HeapAlloc" => stats.heap_alloc = value,
                "TotalAlloc" => stats.total_alloc = value,
                "Sys" => stats.sys = value,
                "Mallocs" => stats.mallocs = value,
                "Frees" => stats.frees = value,
                "NumGC" => stats.num_gc = value,
                "LastGC" => stats.last_gc = value,
                _ => {}
            }
        }
        Some(())
    }

    /// `0x4af1ef  main.(*cache).put+0x8f  /src/main.go:15`, with tabs in between.
    fn frame(&mut self, row: &str) -> Option<()> {
        let mut words = row.split('\t').filter(|word| !word.is_empty());
        let address = hex(words.next()?)?;
        let (function, _) = words.next()?.rsplit_once('+')?;
        let (file, line) = words.next()?.rsplit_once(':')?;
        let line = line.trim().parse().ok()?;
        let mut location = self.locations.get(&address).copied();
        if location.is_none() && self.first_row {
            // A goroutine that has not run yet is at its first instruction, not behind a call.
            location = self.locations.get(&address.wrapping_sub(1)).copied();
        }
        let location = location? as usize;
        let known = &self.profile.tables.locations.get(location)?.lines;
        if !known.is_empty() {
            return Some(());
        }
        let function = Function {
            name: self.string(function)?,
            file: self.string(file)?,
        };
        let tables = &mut self.profile.tables;
        let function = *self.functions.entry(function).or_insert_with(|| {
            tables.functions.push(function);
            tables.functions.len() as u32 - 1
        });
        let start = u32::try_from(tables.lines.len()).ok()?;
        tables.lines.push(Line { function, line });
        tables.locations.get_mut(location)?.lines = start..start.checked_add(1)?;
        Some(())
    }

    fn string(&mut self, text: &str) -> Option<u32> {
        if let Some(&known) = self.strings.get(text) {
            return Some(known);
        }
        let index = self.profile.tables.add_string(text);
        self.strings.insert(text.into(), index);
        Some(index)
    }

    /// `{"user":"bob", "path":"/x"}`, texts quoted as Go quotes them.
    fn labels(&mut self, text: &str) -> Option<()> {
        let start = u32::try_from(self.profile.tables.labels.len()).ok()?;
        let mut rest = text.trim().trim_start_matches('{').trim_end_matches('}');
        while let Some((key, after)) = quoted(rest)
            && let Some(after) = after.trim_start().strip_prefix(':')
            && let Some((value, after)) = quoted(after.trim_start())
        {
            let key = self.string(&key)?;
            let text = self.string(&value)?;
            self.profile.tables.labels.push(OwnedLabel {
                key,
                text,
                number: 0,
            });
            rest = after.trim_start_matches([',', ' ']);
        }
        let end = u32::try_from(self.profile.tables.labels.len()).ok()?;
        if let Some(sample) = self.profile.samples.last_mut() {
            sample.labels = start..end;
        }
        Some(())
    }
}

/// A quoted text at the start, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let rest = text.strip_prefix('"')?;
    let mut content = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((content, rest.get(at + 1..)?)),
            '\\' => content.push(match chars.next()?.1 {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            c => content.push(c),
        }
    }
    None
}

fn hex(word: &str) -> Option<u64> {
    u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()
}

/// `1: 288 [2: 576] ` and the period: what is live, then what was allocated.
fn heap_sample(counts: &str, period: i64) -> Option<Sample> {
    let (live, allocated) = counts.trim().split_once('[')?;
    let allocated = allocated.trim_end().strip_suffix(']')?;
    let pair = |text: &str| -> Option<(i64, i64)> {
        let (objects, bytes) = text.split_once(':')?;
        Some((objects.trim().parse().ok()?, bytes.trim().parse().ok()?))
    };
    let (live_objects, live_bytes) = pair(live)?;
    let (objects, bytes) = pair(allocated)?;
    let size = match (objects, live_objects) {
        (0, 0) => 0,
        (0, live) => live_bytes.checked_div(live)?,
        (all, _) => bytes.checked_div(all)?,
    };
    let all = Usage { objects, bytes }.scaled(period);
    let kept = Usage {
        objects: live_objects,
        bytes: live_bytes,
    }
    .scaled(period);
    Some(Sample {
        values: [all.objects, all.bytes, kept.objects, kept.bytes],
        block_size: u64::try_from(size).ok()?,
        ..Sample::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_unquoted() {
        let rest = quoted("\"a\\\"b\":\"c\"").unwrap();
        assert_eq!(rest, ("a\"b".to_owned(), ":\"c\""));
    }
}
