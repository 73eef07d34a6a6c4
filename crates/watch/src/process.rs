//! A process of this machine, looked at from outside: its memory is read, it is neither stopped
//! nor changed.

use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tophash_core::conflict::{Certainty, Conflict, Side, conflicts};
use tophash_core::goroutines::{Frame, Goroutine, Goroutines as Found};
use tophash_core::heap::Heap;
use tophash_core::heap::profile::HeapProfile;
use tophash_core::image::Image;
use tophash_core::inventory::Inventory;
use tophash_core::maps::stats::quick;
use tophash_core::maps::{Header, MapType};
use tophash_core::program::{Call, Program};
use tophash_core::reason::Reason;
use tophash_profile::Usage;
use tophash_runtime::goroutine::Status;
use tophash_runtime::types::Kind;

use crate::model::{Caught, Goroutines, Group, Sample, Site, Spot, Table};
use crate::sites::Sites;
use crate::source::{Answer, Cause, Extent, Failure, Request, Source};

/// How often the headers of maps are looked at in one poll, and how long at most.
const LOOKS: u32 = 200;
const LOOKING: Duration = Duration::from_millis(400);

/// Maps whose headers are looked at: the largest.
const MAX_WATCHED: usize = 2000;

/// Maps that a sample tells of: the busiest, and the largest of the others.
const MAX_TABLES: usize = 200;

/// Rounds in which goroutines are looked for that are inside one map.
const ROUNDS: usize = 5;

/// A process.
pub struct Process {
    pid: u32,
}

impl Process {
    /// By its number.
    #[must_use]
    pub fn new(pid: u32) -> Process {
        Process { pid }
    }

    /// The target is named in front of it anyway.
    fn failure(&self, error: &dyn std::fmt::Display) -> Failure {
        let text = error.to_string();
        let named = format!("process {}: ", self.pid);
        let message = text.strip_prefix(&named).unwrap_or(&text);
        Failure::new(Cause::Process, message)
    }

    /// Whether it is there and can be read at all.
    fn probe(&self) -> Result<Sample, Failure> {
        let fail = |error: &dyn std::fmt::Display| self.failure(error);
        let image = Image::attach(self.pid, None).map_err(|e| fail(&e))?;
        Program::load(&image).map_err(|e| fail(&e))?;
        Ok(Sample::default())
    }

    fn sample(&self) -> Result<Sample, Failure> {
        let fail = |error: &dyn std::fmt::Display| self.failure(error);
        let image = Image::attach(self.pid, None).map_err(|e| fail(&e))?;
        let program = Program::load(&image).map_err(|e| fail(&e))?;
        let found = Found::load(&program);
        let heap = Heap::load(&program);
        let inventory = Inventory::load(&program, &found, &heap);
        let problems = found.problems.iter().chain(&heap.problems);
        let mut gaps: Vec<String> = problems.map(|problem| problem.message.clone()).collect();
        let sites = match HeapProfile::load(&program) {
            Ok(profile) => Some(sites(&program, &profile)),
            Err(missing) => {
                gaps.push(missing.to_string());
                None
            }
        };
        Ok(Sample {
            sites,
            goroutines: Some(goroutines(&program, &found)),
            tables: tables(&program, &inventory),
            caught: caught(&program, &heap, &inventory),
            gaps,
            ..Sample::default()
        })
    }
}

impl Source for Process {
    fn ask(&mut self, extent: Extent) -> Answer {
        let start = Instant::now();
        let result = match extent {
            Extent::Full => self.sample(),
            Extent::Probe => self.probe(),
        };
        let request = Request {
            method: "READ",
            url: format!("/proc/{}/mem", self.pid),
            status: None,
            took: start.elapsed(),
            error: result.as_ref().err().map(|failure| failure.cause),
            bytes: 0,
        };
        Answer {
            result,
            // It costs the process nothing; what it costs this one keeps the interval apart.
            took: start.elapsed() / 10,
            requests: vec![request],
        }
    }
}

fn goroutines(program: &Program<'_>, found: &Found) -> Goroutines {
    let mut groups: FxHashMap<Vec<Spot>, u64> = FxHashMap::default();
    let own = found.list.iter().filter(|goroutine| !goroutine.is_system());
    let mut total = 0;
    for goroutine in own {
        total += 1;
        let frames = goroutine.stack.frames.iter().take(64);
        let calls = frames.flat_map(|frame| calls(program, frame));
        *groups
            .entry(calls.map(|call| spot(&call)).collect())
            .or_insert(0) += 1;
    }
    let groups = groups.into_iter();
    let mut groups: Vec<Group> = groups
        .map(|(frames, count)| Group { count, frames })
        .collect();
    groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.frames.cmp(&b.frames)));
    groups.truncate(2000);
    Goroutines { total, groups }
}

fn calls(program: &Program<'_>, frame: &Frame) -> Vec<Call> {
    frame.function.map_or_else(Vec::new, |function| {
        program.functions.calls(function, frame.call_pc())
    })
}

fn spot(call: &Call) -> Spot {
    Spot {
        function: call.function.clone(),
        file: call.file.clone(),
        line: call.line,
    }
}

/// What each line has allocated for maps, by the profile that the runtime keeps.
fn sites(program: &Program<'_>, profile: &HeapProfile) -> Vec<Site> {
    let mut calls: FxHashMap<u64, Option<Call>> = FxHashMap::default();
    for &address in profile.buckets.iter().flat_map(|bucket| &bucket.stack) {
        calls.entry(address).or_insert_with(|| {
            // An address is that behind the call, and inlined calls have addresses of their own.
            let at = address.checked_sub(1)?;
            let function = program.functions.at(at)?;
            program.functions.calls(function, at).into_iter().next()
        });
    }
    let period = i64::try_from(profile.rate).unwrap_or(0);
    let mut sites = Sites::default();
    for bucket in &profile.buckets {
        let stack = bucket.stack.iter().map(|address| {
            let call = calls.get(address).and_then(Option::as_ref);
            tophash_profile::Frame {
                function: call.map_or("", |call| call.function.as_str()),
                file: call.map_or("", |call| call.file.as_str()),
                line: call.map_or(0, |call| call.line),
                address: *address,
            }
        });
        let usage = |objects: u64| -> Usage {
            let objects = i64::try_from(objects).unwrap_or(i64::MAX);
            let size = i64::try_from(bucket.size).unwrap_or(i64::MAX);
            let bytes = objects.saturating_mul(size);
            Usage { objects, bytes }.scaled(period)
        };
        let live = bucket.allocated.saturating_sub(bucket.freed);
        sites.add(stack, usage(live), usage(bucket.allocated));
    }
    sites.largest()
}

/// The maps, and which of them are written to while they are looked at.
fn tables(program: &Program<'_>, inventory: &Inventory<'_>) -> Vec<Table> {
    let memory = inventory.types.memory();
    let mut maps: Vec<(usize, Table, Header)> = Vec::new();
    for (index, map) in inventory.maps.iter().enumerate() {
        let mut table = Table {
            address: map.header.address,
            entries: map.header.len(),
            ..Table::default()
        };
        if let Some((map_type, _)) = &map.ty {
            let stats = quick(memory, map_type, &map.header);
            table.capacity = stats.slots;
            table.bytes = stats.bytes.total();
            table.map_type = map_type.name.to_string();
        }
        maps.push((index, table, map.header));
    }
    maps.sort_by(|a, b| {
        b.1.bytes
            .cmp(&a.1.bytes)
            .then(b.1.entries.cmp(&a.1.entries))
    });
    maps.truncate(MAX_WATCHED);

    let start = Instant::now();
    let mut busy = vec![0u32; maps.len()];
    let mut looks = 0;
    while looks < LOOKS && start.elapsed() < LOOKING {
        for ((_, table, before), busy) in maps.iter_mut().zip(&mut busy) {
            let Some(header) = Header::read(program.image, program.build, table.address) else {
                continue;
            };
            *busy += u32::from(header.is_writing() || header != *before);
            *before = header;
        }
        looks += 1;
        // So many looks are spread over the time that they may take.
        std::thread::sleep(LOOKING / LOOKS / 2);
    }
    for ((_, table, _), busy) in maps.iter_mut().zip(busy) {
        table.busy = f64::from(busy) / f64::from(looks.max(1));
    }
    maps.sort_by(|a, b| {
        b.1.busy
            .total_cmp(&a.1.busy)
            .then(b.1.bytes.cmp(&a.1.bytes))
    });
    maps.truncate(MAX_TABLES);
    let named = maps.into_iter().map(|(index, mut table, _)| {
        let map = inventory.maps.get(index);
        let holder = map.map(|map| inventory.holder(map));
        table.holder = holder.filter(|holder| holder != "?").unwrap_or_default();
        table
    });
    named.collect()
}

/// Goroutines that are inside operations on one map, one of them writing. Memory is not read at
/// one instant: what is reported was so when the first goroutine was read, and still when the last
/// had been.
fn caught(program: &Program<'_>, heap: &Heap<'_>, inventory: &Inventory<'_>) -> Vec<Caught> {
    let maps: Vec<u64> = inventory
        .maps
        .iter()
        .map(|map| map.header.address)
        .collect();
    let fits = |map: u64, function: &str| {
        let map = inventory.at(map).and_then(|map| map.ty.as_ref());
        map.is_none_or(|(map_type, _)| works_on(function, map_type))
    };
    for _ in 0..ROUNDS {
        let before = Found::load(program);
        let conflicts = conflicts(program, &before, heap, &Reason::default(), &maps, &fits);
        let after = Found::load(program);
        let caught: Vec<Caught> = conflicts
            .iter()
            .filter_map(|conflict| stayed(conflict, &before, &after, inventory))
            .collect();
        if !caught.is_empty() {
            return caught;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Vec::new()
}

/// A conflict whose sides stood where they stood, before and after, and off any processor.
fn stayed(
    conflict: &Conflict,
    before: &Found,
    after: &Found,
    inventory: &Inventory<'_>,
) -> Option<Caught> {
    let sides: Vec<&Side> = [&conflict.first]
        .into_iter()
        .chain(&conflict.others)
        .filter(|side| {
            side.certainty == Certainty::Certain
                && side.operation.is_some()
                && stands(before, side.goroutine).is_some()
                && stands(before, side.goroutine) == stands(after, side.goroutine)
        })
        .collect();
    let writes = |side: &&Side| side.operation.is_some_and(|operation| operation.writes());
    if sides.len() < 2 || !sides.iter().any(writes) {
        return None;
    }
    let map = inventory.at(conflict.map?);
    let holder = map.map(|map| inventory.holder(map)).filter(|h| h != "?");
    let described = sides.into_iter().map(|side| {
        let operation = side.operation.map_or("", |operation| operation.as_str());
        (
            side.goroutine,
            operation.to_owned(),
            side.place.as_ref().map(spot),
        )
    });
    Some(Caught {
        map: holder.unwrap_or_else(|| format!("the map at {:#x}", conflict.map.unwrap_or(0))),
        sides: described.collect(),
    })
}

/// Where a goroutine stands that does not run.
fn stands(all: &Found, id: u64) -> Option<(u64, u64)> {
    let mut list = all.list.iter();
    let goroutine: &Goroutine = list.find(|goroutine| goroutine.id == id)?;
    let still = matches!(
        goroutine.status,
        Status::Runnable | Status::Preempted | Status::Waiting
    );
    let frame = goroutine.stack.frames.first()?;
    (still && goroutine.stale.is_none()).then_some((frame.pc, frame.sp))
}

/// Whether a function of the runtime works on maps of a type: `mapassign_faststr` does on those
/// with strings as keys.
fn works_on(function: &str, map_type: &MapType) -> bool {
    let Some((_, fast)) = function.split_once("_fast") else {
        return true;
    };
    let strings = (map_type.key_image.as_ref()).is_some_and(|key| key.kind == Kind::String);
    match fast {
        _ if fast.starts_with("str") => strings,
        _ if fast.starts_with("64") => map_type.key_size == 8,
        _ if fast.starts_with("32") => map_type.key_size == 4,
        _ => true,
    }
}
