//! What is about to go wrong with a target.
//!
//! Every signal is a statement about what was measured, with the figures as evidence: nothing is
//! said of what could not be seen.

mod track;

use std::collections::BTreeMap;
use std::time::Duration;

use rustc_hash::FxHashMap;
use serde::Serialize;
use tophash_finding::{Evidence, Finding, Place, Severity, assign_fingerprints};

use crate::clock::Time;
use crate::model::{Goroutines, Group, HeapFigures, Sample, Site, Spot, Table};
use crate::words::{bytes, counted, grouped, span};
use track::{Climb, Track};

/// From what on something is reported.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Thresholds {
    /// The time over which something must climb.
    pub window: Duration,
    /// Bytes that the maps of one line must have grown by, and factor.
    pub climb_bytes: f64,
    /// See above.
    pub climb_factor: f64,
    /// Bytes allocated in a second.
    pub allocation_rate: f64,
    /// Goroutines that those with one stack must have grown by.
    pub goroutines: f64,
    /// And their factor: low, so that a leak is still seen when many have leaked.
    pub goroutines_factor: f64,
    /// Goroutines that wait for one lock, in two polls in a row.
    pub held_up: u64,
    /// Bytes that a map's tables must have to be called nearly empty.
    pub empty_bytes: u64,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds {
            window: Duration::from_secs(1800),
            climb_bytes: 16e6,
            climb_factor: 1.02,
            allocation_rate: 500e6,
            goroutines: 100.0,
            goroutines_factor: 1.02,
            held_up: 20,
            empty_bytes: 1_000_000,
        }
    }
}

/// Of a nearly empty map, the share of room that is used at most: one in so many.
const EMPTY: u64 = 16;

/// Time over which a rate is taken, at least.
const MIN_SPAN: Duration = Duration::from_millis(500);

/// Tracks of one kind that are kept at once.
const MAX_TRACKS: usize = 256;

/// Places named as evidence.
const SHOWN: usize = 3;

/// What is reported.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The maps of one line take more and more memory.
    MapMemoryClimbing,
    /// The program allocates very fast.
    AllocationRate,
    /// A map's tables are nearly empty and keep their memory.
    NearlyEmptyMap,
    /// Goroutines with one stack become more and more.
    GoroutinesClimbing,
    /// Many goroutines wait for one lock.
    HeldUpAtLock,
    /// Two goroutines were inside one map at once.
    CaughtInMap,
    /// The program has crashed.
    Crash,
}

impl Kind {
    /// Code and name, as findings have them.
    #[must_use]
    pub fn rule(self) -> (&'static str, &'static str) {
        match self {
            Kind::MapMemoryClimbing => ("WA501", "map-memory-climbing"),
            Kind::AllocationRate => ("WA502", "allocation-rate"),
            Kind::NearlyEmptyMap => ("WA503", "nearly-empty-map"),
            Kind::GoroutinesClimbing => ("WA701", "goroutines-climbing"),
            Kind::HeldUpAtLock => ("WA201", "held-up-at-lock"),
            Kind::CaughtInMap => ("TH201", "concurrent-map-access"),
            Kind::Crash => ("CR904", "crash"),
        }
    }
}

/// Something to report of a target.
#[derive(Clone, PartialEq, Debug)]
pub struct Signal {
    /// What it is.
    pub kind: Kind,
    /// What tells it from others of its kind: a place, an address.
    pub key: String,
    /// The same for people and programs.
    pub finding: Finding,
}

/// What is remembered of a target.
#[derive(Debug)]
pub struct Signals {
    target: String,
    thresholds: Thresholds,
    sites: FxHashMap<String, Track>,
    stacks: FxHashMap<String, Track>,
    before: Option<(Time, HeapFigures, Vec<Site>)>,
    /// Goroutines that waited for a lock the last time, by lock.
    held_up: BTreeMap<String, u64>,
}

impl Signals {
    /// For a target, by its name.
    #[must_use]
    pub fn new(target: &str, thresholds: Thresholds) -> Signals {
        Signals {
            target: target.to_owned(),
            thresholds,
            sites: FxHashMap::default(),
            stacks: FxHashMap::default(),
            before: None,
            held_up: BTreeMap::new(),
        }
    }

    /// Puts back what was measured of a line's maps before a restart, in the order of time.
    pub fn recall(&mut self, site: &str, at: Time, live_bytes: f64) {
        let window = self.thresholds.window;
        add(&mut self.sites, site, at, live_bytes, window);
    }

    /// The target has started again: what was measured of it before tells nothing.
    pub fn restarted(&mut self) {
        self.sites.clear();
        self.stacks.clear();
        self.before = None;
        self.held_up.clear();
    }

    /// All there is to report after a look at the target.
    pub fn look(&mut self, now: Time, sample: &Sample) -> Vec<Signal> {
        if let (Some((_, before, _)), Some(heap)) = (&self.before, &sample.heap)
            && heap.allocated_bytes < before.allocated_bytes
        {
            self.restarted();
        }
        let mut signals = Vec::new();
        let sites = sample.sites.as_deref().unwrap_or_default();
        self.climbing_sites(now, sites, &mut signals);
        if let Some(heap) = &sample.heap {
            signals.extend(self.rate(now, heap, sites));
            let since = (self.before.as_ref()).is_none_or(|(at, ..)| now.since(*at) >= MIN_SPAN);
            if since {
                self.before = Some((now, *heap, sites.to_vec()));
            }
        }
        if let Some(goroutines) = &sample.goroutines {
            self.climbing_stacks(now, goroutines, &mut signals);
            self.at_locks(goroutines, sites, &mut signals);
        }
        for table in &sample.tables {
            signals.extend(self.nearly_empty(table));
        }
        for caught in &sample.caught {
            let sides: Vec<String> = caught
                .sides
                .iter()
                .map(|(id, what, _)| format!("goroutine {id} ({what})"))
                .collect();
            let spot = caught.sides.iter().find_map(|(_, _, spot)| spot.as_ref());
            let message = format!(
                "{} were inside {} at the same moment: a lock is missing, and Go ends the program \
                 when it notices",
                sides.join(" and "),
                caught.map
            );
            let evidence = caught.sides.iter().filter_map(|(id, what, spot)| {
                Some(evidence(spot.as_ref()?, format!("goroutine {id}: {what}")))
            });
            let mut finding = self.finding(
                Kind::CaughtInMap,
                Severity::Error,
                message,
                spot,
                evidence.collect(),
            );
            finding.map = Some(caught.map.clone());
            signals.push(signal(Kind::CaughtInMap, caught.map.clone(), finding));
        }
        signals
    }

    fn climbing_sites(&mut self, now: Time, sites: &[Site], signals: &mut Vec<Signal>) {
        let limits = self.thresholds;
        for site in sites {
            let key = site_key(&site.spot);
            let track = add(&mut self.sites, &key, now, site.live_bytes, limits.window);
            let Some(Climb { from, to }) = track.and_then(|track| track.climb()) else {
                continue;
            };
            if to - from < limits.climb_bytes || to < from * limits.climb_factor {
                continue;
            }
            let message = format!(
                "maps filled in {} take more and more memory: {} {} ago, {} now, and never less",
                site.spot.short_function(),
                bytes(from),
                span(limits.window),
                bytes(site.live_bytes),
            );
            let evidence = vec![evidence(
                &site.spot,
                format!(
                    "{} live in {}, {} allocated since the start",
                    bytes(site.live_bytes),
                    counted(site.live_objects.max(0.0) as u64, "object"),
                    bytes(site.allocated_bytes)
                ),
            )];
            let kind = Kind::MapMemoryClimbing;
            let spot = Some(&site.spot);
            let finding = self.finding(kind, Severity::Warning, message, spot, evidence);
            signals.push(signal(kind, key, finding));
        }
    }

    fn rate(&self, now: Time, heap: &HeapFigures, sites: &[Site]) -> Option<Signal> {
        let (then, before, sites_before) = self.before.as_ref()?;
        if now.since(*then) < MIN_SPAN {
            return None;
        }
        let seconds = now.since(*then).as_secs_f64();
        let rate = heap.allocated_bytes.saturating_sub(before.allocated_bytes) as f64 / seconds;
        if rate < self.thresholds.allocation_rate {
            return None;
        }
        let old: FxHashMap<&Spot, f64> = sites_before
            .iter()
            .map(|site| (&site.spot, site.allocated_bytes))
            .collect();
        let mut rates: Vec<(&Spot, f64)> = sites
            .iter()
            .map(|site| {
                let before = old.get(&site.spot).copied().unwrap_or(0.0);
                (&site.spot, (site.allocated_bytes - before) / seconds)
            })
            .filter(|(_, rate)| *rate > 0.0)
            .collect();
        rates.sort_by(|a, b| b.1.total_cmp(&a.1));
        // The profile lags behind the counter by up to two collections.
        let maps: f64 = rates.iter().map(|(_, rate)| rate).sum::<f64>().min(rate);
        let of_maps = match maps {
            maps if maps > 0.0 => format!(", about {} of it for maps", bytes(maps)),
            _ => String::new(),
        };
        let message = format!("it allocates {} a second{of_maps}", bytes(rate));
        let evidence = rates.iter().take(SHOWN).map(|(spot, rate)| {
            evidence(
                spot,
                format!("maps filled here allocate {} a second", bytes(*rate)),
            )
        });
        let finding = self.finding(
            Kind::AllocationRate,
            Severity::Warning,
            message,
            rates.first().map(|(spot, _)| *spot),
            evidence.collect(),
        );
        Some(signal(Kind::AllocationRate, String::new(), finding))
    }

    fn climbing_stacks(&mut self, now: Time, all: &Goroutines, signals: &mut Vec<Signal>) {
        let limits = self.thresholds;
        for group in &all.groups {
            // Few of a kind can't have climbed far; a new stack begins to be followed at one.
            let key = stack_key(group);
            let count = group.count as f64;
            let track = add(&mut self.stacks, &key, now, count, limits.window);
            let Some(Climb { from, to }) = track.and_then(|track| track.climb()) else {
                continue;
            };
            if to - from < limits.goroutines || to < from * limits.goroutines_factor {
                continue;
            }
            let Some(own) = group.own() else { continue };
            let message = format!(
                "goroutines that stand in {} become more and more: {} {} ago, {} now",
                own.short_function(),
                grouped(from as u64),
                span(limits.window),
                grouped(group.count)
            );
            let frames = group.frames.iter().take(2 * SHOWN);
            let evidence = frames.map(|frame| evidence(frame, "they stand here".to_owned()));
            let kind = Kind::GoroutinesClimbing;
            let evidence = evidence.collect();
            let finding = self.finding(kind, Severity::Warning, message, Some(own), evidence);
            signals.push(signal(kind, key, finding));
        }
    }

    fn at_locks(&mut self, all: &Goroutines, sites: &[Site], signals: &mut Vec<Signal>) {
        let mut locks: BTreeMap<String, Vec<&Group>> = BTreeMap::new();
        for group in all.groups.iter().filter(|group| group.waits_for_lock()) {
            let Some(own) = group.own() else { continue };
            locks.entry(owner(&own.function)).or_default().push(group);
        }
        let mut held_up = BTreeMap::new();
        for (owner, groups) in locks {
            let count: u64 = groups.iter().map(|group| group.count).sum();
            let before = self.held_up.get(&owner).copied().unwrap_or(0);
            held_up.insert(owner.clone(), count);
            if count.min(before) < self.thresholds.held_up {
                continue;
            }
            let of_owner = |site: &&Site| self::owner(&site.spot.function) == owner;
            let map = sites.iter().find(of_owner);
            let name = short(&owner);
            let (message, severity) = match map {
                Some(_) => (
                    format!(
                        "{} wait for the lock of {name}, which guards a map",
                        counted(count, "goroutine")
                    ),
                    Severity::Warning,
                ),
                None => (
                    format!("{} wait for a lock in {name}", counted(count, "goroutine")),
                    Severity::Note,
                ),
            };
            let waiting = groups.iter().filter_map(|group| {
                let waiting = format!("{} here", wait(group.count));
                Some(evidence(group.own()?, waiting))
            });
            let mut list: Vec<Evidence> = waiting.take(SHOWN).collect();
            list.extend(map.map(|site| {
                let size = bytes(site.live_bytes);
                evidence(&site.spot, format!("its map is filled here: {size}"))
            }));
            let spot = groups.first().and_then(|group| group.own());
            let kind = Kind::HeldUpAtLock;
            let finding = self.finding(kind, severity, message, spot, list);
            signals.push(signal(kind, owner, finding));
        }
        self.held_up = held_up;
    }

    fn nearly_empty(&self, table: &Table) -> Option<Signal> {
        let empty = table.entries.saturating_mul(EMPTY) <= table.capacity;
        if !empty || table.bytes < self.thresholds.empty_bytes {
            return None;
        }
        let name = match (table.holder.as_str(), table.map_type.as_str()) {
            ("", "") => format!("the map at 0x{:x}", table.address),
            ("", map_type) => format!("a {map_type} at 0x{:x}", table.address),
            // A path of names is the map; a goroutine or an object has it.
            (holder, map_type) if holder.contains(' ') => {
                let map_type = if map_type.is_empty() { "map" } else { map_type };
                format!("a {map_type} that {holder} has")
            }
            (holder, _) => holder.to_owned(),
        };
        let message = format!(
            "{name} holds {} in room for {}: its {} stay taken, as a map never shrinks",
            counted(table.entries, "entry").replace("entrys", "entries"),
            grouped(table.capacity),
            bytes(table.bytes as f64),
        );
        let kind = Kind::NearlyEmptyMap;
        let mut finding = self.finding(kind, Severity::Note, message, None, Vec::new());
        finding.map = Some(name);
        Some(signal(kind, format!("{:x}", table.address), finding))
    }

    fn finding(
        &self,
        kind: Kind,
        severity: Severity,
        message: String,
        spot: Option<&Spot>,
        evidence: Vec<Evidence>,
    ) -> Finding {
        let (code, name) = kind.rule();
        let target = || Place::new(self.target.clone(), (1, 1), (1, 1));
        Finding {
            code: code.to_owned(),
            name: name.to_owned(),
            severity,
            message,
            place: spot.map_or_else(target, place),
            function: spot.map(|spot| spot.function.clone()),
            map: None,
            evidence,
            fixes: Vec::new(),
            fingerprint: String::new(),
        }
    }
}

fn signal(kind: Kind, key: String, mut finding: Finding) -> Signal {
    assign_fingerprints(std::slice::from_mut(&mut finding), |_, _| None);
    Signal { kind, key, finding }
}

/// `1 waits`, `20 wait`.
fn wait(count: u64) -> String {
    let verb = if count == 1 { "waits" } else { "wait" };
    format!("{} {verb}", grouped(count))
}

fn evidence(spot: &Spot, message: String) -> Evidence {
    Evidence {
        place: place(spot),
        function: Some(spot.function.clone()),
        message,
    }
}

fn place(spot: &Spot) -> Place {
    Place::new(spot.file.clone(), (spot.line, 1), (spot.line, 1))
}

/// Names a line's maps: function, file and line.
#[must_use]
pub fn site_key(spot: &Spot) -> String {
    format!("{} {}:{}", spot.function, spot.file, spot.line)
}

fn stack_key(group: &Group) -> String {
    let mut key = String::new();
    for frame in &group.frames {
        key.push_str(&frame.function);
        key.push_str(&format!(":{}|", frame.line));
    }
    key
}

/// The receiver's type of a method, of closures in it too; of a function itself.
fn owner(function: &str) -> String {
    // `pkg.(*T).M.func1`, `pkg.(*T[...]).M`.
    let end = function.find(").").map_or(function.len(), |at| at + 1);
    match function.get(..end) {
        Some(receiver) if end < function.len() => receiver.to_owned(),
        _ => function
            .split(".func")
            .next()
            .unwrap_or(function)
            .to_owned(),
    }
}

fn short(function: &str) -> &str {
    let end = function.find(['[', '(']).unwrap_or(function.len());
    let start = function[..end].rfind('/').map_or(0, |at| at + 1);
    &function[start..]
}

/// Adds to a track. One that was not seen for longest gives way to a new one; none while all are
/// in use.
fn add<'a>(
    tracks: &'a mut FxHashMap<String, Track>,
    key: &str,
    now: Time,
    value: f64,
    window: Duration,
) -> Option<&'a Track> {
    if !tracks.contains_key(key) {
        if tracks.len() >= MAX_TRACKS {
            tracks.retain(|_, track| now.since(track.seen) < window);
        }
        if tracks.len() >= MAX_TRACKS {
            return None;
        }
        tracks.insert(key.to_owned(), Track::default());
    }
    let track = tracks.get_mut(key)?;
    track.add(now, value, window);
    Some(track)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(function: &str, file: &str, line: u32) -> Spot {
        Spot {
            function: function.into(),
            file: file.into(),
            line,
        }
    }

    fn site(live: f64, allocated: f64) -> Site {
        Site {
            spot: spot("shop/cache.(*Cache).Set", "/src/cache/cache.go", 31),
            live_bytes: live,
            live_objects: 10.0,
            allocated_bytes: allocated,
            allocated_objects: 100.0,
        }
    }

    fn heap(allocated: f64, sites: Vec<Site>) -> Sample {
        Sample {
            heap: Some(HeapFigures {
                allocated_bytes: allocated as u64,
                ..HeapFigures::default()
            }),
            sites: Some(sites),
            ..Sample::default()
        }
    }

    fn waiting(count: u64) -> Sample {
        let frames = vec![
            spot(
                "sync.runtime_SemacquireRWMutexR",
                "/go/src/runtime/sema.go",
                100,
            ),
            spot("sync.(*RWMutex).RLock", "/go/src/sync/rwmutex.go", 74),
            spot("shop/cache.(*Cache).Get", "/src/cache/cache.go", 20),
            spot("main.handle", "/src/main.go", 9),
        ];
        Sample {
            goroutines: Some(Goroutines {
                total: count,
                groups: vec![Group { count, frames }],
            }),
            ..Sample::default()
        }
    }

    fn signals() -> Signals {
        Signals::new("shop", Thresholds::default())
    }

    /// Polls every ten seconds; gives what the last one raised.
    fn run(signals: &mut Signals, polls: u64, sample: impl Fn(u64) -> Sample) -> Vec<Signal> {
        let mut last = Vec::new();
        for poll in 0..polls {
            last = signals.look(Time(1_000_000_000 + poll * 10_000), &sample(poll));
        }
        last
    }

    #[test]
    fn map_memory_that_climbs() {
        let climbing = |poll: u64| heap(1e9, vec![site(20e6 + poll as f64 * 2e5, 1e8)]);
        let mut state = signals();
        assert!(run(&mut state, 150, climbing).is_empty());
        let found = run(&mut signals(), 400, climbing);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].kind, Kind::MapMemoryClimbing);
        assert_eq!(
            found[0].finding.message,
            "maps filled in cache.(*Cache).Set take more and more memory: 64 MB 30 min ago, \
             100 MB now, and never less"
        );
        assert_eq!(found[0].finding.place.line, 31);
        // By little, or by little of much.
        let little = |poll: u64| heap(1e9, vec![site(20e6 + poll as f64 * 1e3, 1e8)]);
        assert!(run(&mut signals(), 400, little).is_empty());
        let of_much = |poll: u64| heap(1e9, vec![site(9e9 + poll as f64 * 1e5, 1e8)]);
        assert!(run(&mut signals(), 400, of_much).is_empty());
    }

    #[test]
    fn a_restart_is_no_climb() {
        let restarting = |poll: u64| {
            let since = poll % 120;
            heap(1e6 * since as f64, vec![site(since as f64 * 1e6, 1e8)])
        };
        assert!(run(&mut signals(), 400, restarting).is_empty());
    }

    #[test]
    fn allocation_rate() {
        let fast = |poll: u64| heap(poll as f64 * 6e9, vec![site(1e6, poll as f64 * 4e9)]);
        let found = run(&mut signals(), 2, fast);
        assert_eq!(
            found[0].finding.message,
            "it allocates 600 MB a second, about 400 MB of it for maps"
        );
        assert_eq!(found[0].finding.evidence.len(), 1);
        let slow = |poll: u64| heap(poll as f64 * 4e9, vec![site(1e6, poll as f64 * 4e9)]);
        assert!(run(&mut signals(), 2, slow).is_empty());
    }

    #[test]
    fn a_lock_that_holds_up() {
        assert!(run(&mut signals(), 2, |_| waiting(19)).is_empty());
        assert!(run(&mut signals(), 1, |_| waiting(500)).is_empty());
        assert!(
            run(&mut signals(), 2, |poll| waiting(if poll == 0 {
                3
            } else {
                900
            }))
            .is_empty()
        );
        let found = run(&mut signals(), 2, |_| waiting(1200));
        assert_eq!(found[0].kind, Kind::HeldUpAtLock);
        assert_eq!(
            found[0].finding.message,
            "1,200 goroutines wait for a lock in cache.(*Cache)"
        );
        assert_eq!(found[0].finding.severity, Severity::Note);
        let found = run(&mut signals(), 2, |_| Sample {
            sites: Some(vec![site(5e6, 1e7)]),
            ..waiting(1200)
        });
        assert_eq!(
            found[0].finding.message,
            "1,200 goroutines wait for the lock of cache.(*Cache), which guards a map"
        );
        assert_eq!(
            found[0].finding.evidence[1].message,
            "its map is filled here: 5.0 MB"
        );
    }

    #[test]
    fn goroutines_that_climb() {
        let found = run(&mut signals(), 400, |poll| waiting(2 * poll + 1));
        let kinds: Vec<Kind> = found.iter().map(|signal| signal.kind).collect();
        assert_eq!(kinds, [Kind::GoroutinesClimbing, Kind::HeldUpAtLock]);
        let found = run(&mut signals(), 400, |poll| {
            waiting(if poll % 50 == 0 { 1 } else { poll })
        });
        assert!(
            found
                .iter()
                .all(|signal| signal.kind != Kind::GoroutinesClimbing)
        );
    }

    #[test]
    fn nearly_empty_maps() {
        let table = |entries, bytes| Sample {
            tables: vec![Table {
                address: 0xc000_1000,
                holder: "main.sessions".into(),
                entries,
                capacity: 262_144,
                bytes,
                ..Table::default()
            }],
            ..Sample::default()
        };
        let found = run(&mut signals(), 1, |_| table(10, 4_400_000));
        assert_eq!(
            found[0].finding.message,
            "main.sessions holds 10 entries in room for 262,144: its 4.4 MB stay taken, as a map \
             never shrinks"
        );
        let mut on_a_stack = table(10, 4_400_000);
        on_a_stack.tables[0].holder = "goroutine 1 in main.main".into();
        on_a_stack.tables[0].map_type = "map[int]int".into();
        let found = run(&mut signals(), 1, |_| on_a_stack.clone());
        let message = &found[0].finding.message;
        assert!(
            message.starts_with("a map[int]int that goroutine 1 in main.main has holds 10"),
            "{message}"
        );
        assert!(run(&mut signals(), 1, |_| table(100_000, 4_400_000)).is_empty());
        assert!(run(&mut signals(), 1, |_| table(0, 4_400)).is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut state = signals();
        for poll in 0..2000u64 {
            let sites = (0..50).map(|n| Site {
                spot: spot("f", "a.go", (poll * 50 + n) as u32),
                ..site(1e6, 1e6)
            });
            state.look(Time(poll * 10_000), &heap(1e9, sites.collect()));
        }
        assert!(state.sites.len() <= MAX_TRACKS);
    }

    #[test]
    fn owners() {
        assert_eq!(owner("m/cache.(*Cache).Get"), "m/cache.(*Cache)");
        assert_eq!(
            owner("m/cache.(*Cache[...]).Get.func1"),
            "m/cache.(*Cache[...])"
        );
        assert_eq!(owner("main.put.func2"), "main.put");
        assert_eq!(short("m/cache.(*Cache)"), "cache.(*Cache)");
    }
}
