//! What a series of heap profiles says against a program's maps.

use std::sync::Arc;

use tophash_finding::numbers::{bytes, count, grouped};
use tophash_finding::{Evidence, Finding, Fix, Place, Severity};
use tophash_runtime::allocation::Cause;
use tophash_runtime::footprint::{Footprint, Part};
use tophash_runtime::sizeclass::block;
use tophash_runtime::types::GoType;
use tophash_runtime::{Implementation, MapType};

use crate::codes::{self, Code};
use crate::maps::{Map, is_growth, is_table};
use crate::model::Usage;
use crate::site::{LineMap, Site};

/// From when on things are worth a finding.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Thresholds {
    /// Bytes that a finding must be about.
    pub bytes: f64,
    /// Bytes allocated in a second, between two profiles.
    pub rate: f64,
    /// Objects made for each that is alive.
    pub churn: f64,
    /// Live maps of one site.
    pub live_maps: f64,
    /// The hint advised, as a multiple of the largest size seen.
    pub hint: f64,
    /// Bytes of an element kept in the map.
    pub element: u64,
    /// Share of slots in use below which a table is almost empty.
    pub empty: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            bytes: 1048576.0,
            rate: 500e6,
            churn: 5.0,
            live_maps: 20_000.0,
            hint: 1.25,
            element: 64,
            empty: 0.125,
        }
    }
}

/// A finding, and the bytes that what it advises would save.
#[derive(Clone, PartialEq, Debug)]
pub struct Advice {
    /// The finding; its fingerprint is not set yet.
    pub finding: Finding,
    /// Index of the map.
    pub map: usize,
    /// Bytes saved, of those alive or of those allocated.
    pub saves: f64,
}

/// Elements above this are taken for large enough to live by themselves; those up to it cost no
/// more in the map than their pointer would (two words).
const SMALL_TARGET: u64 = 16;

/// Maps with fewer entries are made and thrown away rather than grown without a hint.
const LARGE_MAP: u64 = 1000;

/// So many maps must have been made for them to be a stream of maps.
const MANY_MADE: i64 = 100;

/// How full a table is in the mean that grows on its own: between 7/16 and 7/8.
const MEAN_LOAD: f64 = 0.66;

/// Profiles that it takes to say that something only grows.
const SERIES: usize = 3;

/// Whether a file is of another module: in the module cache or vendored, with or without
/// `-trimpath`.
fn is_dependency(file: &str) -> bool {
    file.contains("@v") || file.contains("/vendor/")
}

/// Nanoseconds between the first and the last profile of a series; none if they don't tell.
pub type Span = Option<i64>;

/// Looks through all maps. `span` is the time between the first and the last profile.
#[must_use]
pub fn advise(maps: &[Map], span: Span, thresholds: &Thresholds) -> Vec<Advice> {
    let mut all = Vec::new();
    for (index, map) in maps.iter().enumerate() {
        let mut judge = Judge {
            map,
            index,
            span,
            thresholds,
            found: Vec::new(),
        };
        judge.all();
        all.append(&mut judge.found);
    }
    // A floating-point order that is total.
    all.sort_by(|a, b| {
        (b.saves.total_cmp(&a.saves)).then_with(|| a.finding.place.cmp(&b.finding.place))
    });
    all
}

struct Judge<'a> {
    map: &'a Map,
    index: usize,
    span: Span,
    thresholds: &'a Thresholds,
    found: Vec<Advice>,
}

impl Judge<'_> {
    fn all(&mut self) {
        let grows = self.unbounded();
        let pooled = self.pool();
        let emptied = self.emptied();
        if !pooled {
            let churned = self.churn();
            if !churned && !grows && !emptied {
                self.hint();
            }
        }
        self.many();
        self.large_elements();
        self.small_pointers();
    }

    fn source(&self) -> Option<&LineMap> {
        (self.map.sites.iter()).find_map(|site| site.source.as_deref())
    }

    /// The map in a sentence: `Cache.items`, or what the profile has.
    fn subject(&self) -> String {
        match self.source() {
            Some(source) => source.name.clone(),
            None => {
                let site = self.map.sites.first();
                let through = site.and_then(|site| site.through.as_deref());
                let function = short(&self.map.name);
                match through {
                    Some(through) => format!("the map that {} works on here", short(through)),
                    None => format!("the map in {function}"),
                }
            }
        }
    }

    fn report(
        &mut self,
        code: Code,
        severity: Severity,
        message: String,
        saves: f64,
        which: impl Fn(&crate::site::Entry) -> bool,
        fixes: Vec<String>,
    ) {
        let weight = |site: &&Site| -> i64 {
            let entries = site.entries.iter().filter(|e| which(e));
            entries.map(|e| e.allocated.bytes).sum()
        };
        let Some(site) = self.map.sites.iter().max_by_key(weight) else {
            return;
        };
        // Nobody changes what they depend on tonight.
        let severity = match is_dependency(&site.file) {
            true => Severity::Note,
            false => severity,
        };
        let finding = Finding {
            code: code.meta.code.to_owned(),
            name: code.meta.name.to_owned(),
            severity,
            message,
            place: place(site),
            function: Some(function(site)),
            map: self.source().map(|source| source.name.clone()),
            evidence: evidence(self.map),
            fixes: (fixes.into_iter())
                .map(|message| Fix {
                    safe: false,
                    message,
                    edits: Vec::new(),
                })
                .collect(),
            fingerprint: String::new(),
        };
        self.found.push(Advice {
            finding,
            map: self.index,
            saves,
        });
    }

    /// Live bytes that have grown from each profile to the next.
    fn unbounded(&mut self) -> bool {
        let series: Vec<f64> = (self.map.series.iter())
            .map(|(_, live)| live.bytes as f64)
            .collect();
        let (Some(first), Some(last)) = (series.first(), series.last()) else {
            return false;
        };
        let rises = series.windows(2).all(|pair| match pair {
            [a, b] => b >= a,
            _ => true,
        });
        // Two profiles of the same memory differ by what chance has sampled.
        let doubt = match (self.map.doubt.first(), self.map.doubt.last()) {
            (Some(first), Some(last)) => first.hypot(*last),
            _ => 0.0,
        };
        // At least two steps, so that one large table is no trend.
        let steps = series.windows(2).filter(|p| matches!(p, [a, b] if b > a));
        if series.len() < SERIES
            || !rises
            || steps.count() < 2
            || last - first < self.thresholds.bytes.max(2.0 * doubt)
            || *last < 1.1 * first
        {
            return false;
        }
        let over = match self.span {
            Some(span) => format!(" in {}", duration(span)),
            None => String::new(),
        };
        let subject = self.subject();
        let message = format!(
            "{subject} has grown from each of {} profiles to the next{over}: {} at first, {} in the end",
            series.len(),
            bytes(*first),
            bytes(*last)
        );
        self.report(
            codes::UNBOUNDED,
            Severity::Warning,
            message,
            last - first,
            is_table,
            vec![
                "bound it: remove entries when they expire, or keep the last N in an LRU cache"
                    .to_owned(),
            ],
        );
        true
    }

    /// Maps from a pool whose tables are those of their largest use.
    fn pool(&mut self) -> bool {
        let Some(pool) = self.source().and_then(|source| source.pool.clone()) else {
            return false;
        };
        let (_, live) = self.map.sum(|e| is_growth(e) && is_table(e));
        let bytes_kept = live.bytes as f64;
        if bytes_kept < self.thresholds.bytes {
            return false;
        }
        let largest = match self.map.estimate {
            Some(estimate) if estimate.sure => {
                format!(", for about {} entries each", rounded(estimate.entries))
            }
            _ => String::new(),
        };
        let subject = self.subject();
        let message = format!(
            "{pool} keeps maps whose tables have grown to {} here{largest}; clear does not make {subject} smaller",
            bytes(bytes_kept)
        );
        self.report(
            codes::POOL,
            Severity::Warning,
            message,
            bytes_kept,
            is_growth,
            vec![format!(
                "do not put a map back into {pool} that has grown beyond what most uses need"
            )],
        );
        true
    }

    /// Tables whose boxed keys or elements are gone.
    fn emptied(&mut self) -> bool {
        let Some(map_type) = &self.map.map_type else {
            return false;
        };
        let traits = map_type.traits;
        let boxes = u64::from(traits.indirect_key) + u64::from(traits.indirect_elem);
        if boxes == 0 {
            return false;
        }
        let (made, live) = self.map.sum(|e| e.allocation.cause == Cause::Boxed);
        let (_, tables) = self.map.sum(is_table);
        let slots = self.map.live_slots();
        let per_entry = boxes as f64;
        let (made, entries) = (
            made.objects as f64 / per_entry,
            live.objects as f64 / per_entry,
        );
        // They were filled once: else they wait to be.
        if (tables.bytes as f64) < self.thresholds.bytes
            || slots <= 0.0
            || made < slots * 0.25
            || entries >= slots * self.thresholds.empty
        {
            return false;
        }
        let subject = self.subject();
        let share = percent(entries / slots);
        let held = match entries.round() {
            // No key or element of it is among the samples.
            0.0 => "of which next to none is left".to_owned(),
            n => format!("of which about {} are left", count(n)),
        };
        let message = format!(
            "{subject} has tables for {} entries, {held}: {share} of {} is used, and delete and clear give none of it back",
            rounded(slots as u64),
            bytes(tables.bytes as f64)
        );
        let saves = tables.bytes as f64 * (1.0 - entries / slots / MEAN_LOAD).max(0.0);
        self.report(
            codes::NEVER_SHRINKS,
            Severity::Warning,
            message,
            saves,
            is_table,
            vec![format!(
                "make a new map when most of {subject} is deleted, and copy what is left"
            )],
        );
        true
    }

    /// Maps that are made and thrown away.
    fn churn(&mut self) -> bool {
        let (made, live) = self.map.count();
        let spent = self.map.spent;
        let rate = (self.span)
            .filter(|span| *span > 0)
            .map(|span| spent.bytes as f64 / (span as f64 / 1e9));
        let fast = rate.is_some_and(|rate| rate > self.thresholds.rate);
        let ratio = self.map.allocated.objects as f64 / (self.map.live.objects as f64).max(1.0);
        let large = (self.map.estimate).is_some_and(|e| e.entries >= LARGE_MAP || !e.sure);
        let many = ratio > self.thresholds.churn && made >= MANY_MADE && !large;
        if !(fast || many) || (spent.bytes as f64) < self.thresholds.bytes {
            return false;
        }
        let subject = self.subject();
        let how_many = match made {
            0 => "maps".to_owned(),
            n => format!("about {} maps", rounded(n.unsigned_abs())),
        };
        let alive = match live {
            0 if self.map.live.bytes == 0 => "none is alive".to_owned(),
            0 => format!("{} are alive", bytes(self.map.live.bytes as f64)),
            1 => "1 is alive".to_owned(),
            n => format!("about {} are alive", rounded(n.unsigned_abs())),
        };
        let in_all = match rate {
            Some(rate) => format!("{} a second", bytes(rate)),
            None => format!("{} in all", bytes(spent.bytes as f64)),
        };
        let message = format!(
            "{subject} is made and thrown away: {how_many} were made here, {alive}, {in_all}"
        );
        let mut fixes = vec![format!(
            "keep {subject} from one use to the next and clear it, or use a slice if it holds few entries"
        )];
        if let Some(hint) = self.hint_for() {
            fixes.push(format!(
                "give it a hint, {}, so that it does not grow each time",
                make(self.source(), hint.hint)
            ));
        }
        self.report(
            codes::CHURN,
            Severity::Warning,
            message,
            (spent.bytes - self.map.live.bytes.min(spent.bytes)) as f64,
            |_| true,
            fixes,
        );
        true
    }

    fn hint_for(&self) -> Option<Hint> {
        let map_type = self.map.map_type.as_ref()?;
        let estimate = self.map.estimate.filter(|estimate| estimate.sure)?;
        Some(hint(map_type, estimate.entries, self.thresholds.hint))
    }

    /// Growth that a hint would spare.
    fn hint(&mut self) {
        let (grown, _) = self.map.sum(is_growth);
        let (Some(map_type), Some(estimate)) = (&self.map.map_type, self.map.estimate) else {
            return;
        };
        let seen = match (estimate.sure, estimate.live) {
            (true, _) | (false, 0) => estimate.entries,
            (false, live) => live,
        };
        let hint = hint(map_type, seen, self.thresholds.hint);
        // What was allocated in all counts, however many maps that were.
        let saves = grown.bytes as f64 * hint.saved_share;
        if saves < self.thresholds.bytes {
            return;
        }
        let repeated = estimate.repeated;
        // A field that grew once as its contents did: nobody knows how far they will.
        if !repeated && self.source().is_some_and(|source| !source.local) {
            return;
        }
        let subject = self.subject();
        let tables = self.map.sum(|e| is_growth(e) && is_table(e)).0;
        let what = match map_type.build.maps {
            Implementation::Swiss => "tables",
            Implementation::Classic => "bucket arrays",
        };
        let grows = format!(
            "{} of {what} were allocated on the way",
            bytes(tables.bytes as f64)
        );
        let made_with = make(self.source(), hint.hint);
        let times = match estimate.sure {
            true => estimate.maps,
            false => estimate.fills,
        };
        let times = match repeated {
            true => format!(", about {} times", rounded(times.round() as u64)),
            false => String::new(),
        };
        let (message, fix) = match (estimate.sure, estimate.live) {
            (true, _) => (
                format!(
                    "{subject} grows step by step to {} entries{times}: {grows}; {made_with} would save {}",
                    rounded(estimate.entries),
                    bytes(saves)
                ),
                format!("make it with a hint: {made_with}"),
            ),
            // Too few samples of small tables: how many maps these are can't be told.
            (false, 0) => (
                format!(
                    "{subject} grows step by step{times}: {grows}; a hint would save about {}",
                    bytes(saves)
                ),
                "make it with the number of entries to come as a hint".to_owned(),
            ),
            (false, live) => (
                format!(
                    "{subject} grows step by step{times}: {grows}, and those alive are for about {} entries; a hint would save about {}",
                    rounded(live),
                    bytes(saves)
                ),
                format!("make it with a hint: {made_with}, if what is alive is one map"),
            ),
        };
        let severity = match repeated {
            true => Severity::Warning,
            false => Severity::Note,
        };
        self.report(
            codes::MISSING_HINT,
            severity,
            message,
            saves,
            is_growth,
            vec![fix],
        );
    }

    /// More live maps of one site than threshold.
    fn many(&mut self) {
        let (_, live) = self.map.count();
        if self.map.fewest_live() <= self.thresholds.live_maps {
            return;
        }
        let kept = self.map.live.bytes as f64;
        let which = match self.source() {
            Some(source) => format!("such as {}", source.name),
            None => format!("made in {}", short(&self.map.name)),
        };
        let each = kept / live as f64;
        let message = format!(
            "about {} maps {which} are alive, {} in all: {} each before what they point to",
            rounded(live.unsigned_abs()),
            bytes(kept),
            bytes(each.round())
        );
        self.report(
            codes::MANY_MAPS,
            Severity::Warning,
            message,
            kept / 2.0,
            |_| true,
            vec!["keep few entries in a sorted slice or a struct, or put all of them into one map with a struct as key".to_owned()],
        );
    }

    /// Elements that fill slots whether they are there or not.
    fn large_elements(&mut self) {
        let Some(map_type) = &self.map.map_type else {
            return;
        };
        let elem = map_type.elem.clone();
        // Only what the source says: a stand-in's elements are made up.
        if self.source().is_none_or(|source| source.parts.is_none())
            || map_type.traits.indirect_elem
            || elem.size <= self.thresholds.element
        {
            return;
        }
        let (_, tables) = self.map.sum(is_table);
        let live = tables.bytes as f64;
        let slots = self.map.live_slots();
        let pointer = MapType::new(map_type.build, map_type.key.clone(), GoType::pointer("*T"));
        let Some(pointer) = pointer else {
            return;
        };
        let load = self.load();
        let entries = slots * load;
        let version = map_type.build.version;
        let boxed = block(version, elem.size, !elem.has_pointers()).size;
        let other = slots / 8.0 * pointer.chunk_size() as f64 + entries * boxed as f64;
        let saves = live - other;
        if live < self.thresholds.bytes || saves < live * 0.1 {
            return;
        }
        let subject = self.subject();
        let message = format!(
            "{subject} keeps elements of {} in its tables: {} for slots of which about {} are empty; with pointers it would be {}",
            bytes(elem.size as f64),
            bytes(live),
            percent(1.0 - load),
            bytes(other)
        );
        let ty = self.source().map(|source| source.type_name.clone());
        let fix = match ty {
            Some(ty) => format!(
                "keep pointers to the elements of {ty}, unless they are replaced at each write"
            ),
            None => "keep pointers to the elements".to_owned(),
        };
        self.report(
            codes::LARGE_ELEMENTS,
            Severity::Note,
            message,
            saves,
            is_table,
            vec![fix],
        );
    }

    /// How full tables are: reckoned for maps whose size is known, else as growth leaves them.
    fn load(&self) -> f64 {
        match (self.map.estimate, &self.map.map_type) {
            (Some(estimate), Some(map_type)) if estimate.sure && estimate.entries > 896 => {
                let footprint = Footprint::of(map_type, estimate.entries, 0);
                let tables: f64 = (footprint.blocks.iter())
                    .filter(|b| matches!(b.part, Part::Groups | Part::Buckets))
                    .map(|b| b.count * b.asked as f64)
                    .sum();
                let slots = tables / map_type.chunk_size().max(1) as f64 * 8.0;
                match slots > 0.0 {
                    true => (estimate.entries as f64 / slots).clamp(0.1, 1.0),
                    false => MEAN_LOAD,
                }
            }
            _ => MEAN_LOAD,
        }
    }

    /// Pointers to what would fit into the slot.
    fn small_pointers(&mut self) {
        let Some(source) = self.source() else {
            return;
        };
        let (Some(target), Some(map_type)) = (source.target.clone(), &self.map.map_type) else {
            return;
        };
        let type_name = source.type_name.clone();
        if target.size > SMALL_TARGET || target.has_pointers() {
            return;
        }
        let (_, tables) = self.map.sum(is_table);
        let live = tables.bytes as f64;
        if live < self.thresholds.bytes {
            return;
        }
        let entries = self.map.live_slots() * self.load();
        let key = map_type.key.clone();
        let inline: Arc<GoType> = target.clone();
        let Some(inline) = MapType::new(map_type.build, key, inline) else {
            return;
        };
        let other = self.map.live_slots() / 8.0 * inline.chunk_size() as f64;
        let version = map_type.build.version;
        let boxes = entries * block(version, target.size.max(1), true).size as f64;
        let saves = live + boxes - other;
        let subject = self.subject();
        let scanned = match inline.traits.pointers {
            true => String::new(),
            false => format!(", and the collector would not have to read {}", bytes(live)),
        };
        let message = format!(
            "{subject} is a {type_name}: a pointer for each value of {}; with the values themselves it would take {} less{scanned}",
            bytes(target.size as f64),
            bytes(saves.max(0.0))
        );
        self.report(
            codes::SMALL_POINTERS,
            Severity::Note,
            message,
            saves.max(0.0),
            is_table,
            vec![
                "keep the values in the map, unless something else holds their pointers".to_owned(),
            ],
        );
    }
}

/// A hint, and what it saves.
struct Hint {
    hint: u64,
    /// Share of what growth allocates that it saves.
    saved_share: f64,
}

/// The hint for maps of a size: a multiple of the largest size seen, unless that makes a map
/// larger than it has become by itself.
fn hint(map_type: &MapType, n: u64, factor: f64) -> Hint {
    let alone = Footprint::of(map_type, n, 0);
    let wanted = two_digits((n as f64 * factor) as u64);
    let mut with = Footprint::of(map_type, n, wanted);
    let mut hint = wanted;
    if with.bytes() > alone.bytes() * 1.05 {
        hint = two_digits(n);
        with = Footprint::of(map_type, n, hint);
        if with.bytes() > alone.bytes() * 1.05 {
            // Rounded down it is a little short, which costs a split or two.
            hint = n / scale(n) * scale(n);
            with = Footprint::of(map_type, n, hint);
        }
    }
    // Headers, first groups and boxes are the same with a hint.
    let saved = (alone.allocated_bytes - with.allocated_bytes).max(0.0);
    let grown = alone.allocated_bytes.max(1.0);
    Hint {
        hint,
        saved_share: saved / grown,
    }
}

/// Rounded up to two digits: 251,300 to 260,000.
fn two_digits(n: u64) -> u64 {
    n.div_ceil(scale(n)).saturating_mul(scale(n))
}

/// The place of a number's second digit.
fn scale(n: u64) -> u64 {
    10u64.pow(n.max(1).ilog10().saturating_sub(1))
}

/// An estimate as people say it: two digits.
fn rounded(n: u64) -> String {
    let scale = scale(n);
    grouped((n + scale / 2) / scale * scale)
}

fn percent(share: f64) -> String {
    match share {
        share if share < 0.001 => "less than 0.1 %".to_owned(),
        share if share < 0.02 => format!("{:.1} %", share * 100.0),
        share => format!("{:.0} %", share * 100.0),
    }
}

fn duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds as f64 / 1e9;
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} minutes", s / 60.0),
        s => format!("{:.1} hours", s / 3600.0),
    }
}

fn make(source: Option<&LineMap>, hint: u64) -> String {
    match source {
        Some(source) => format!("make({}, {hint})", source.type_name),
        None => format!("a hint of {hint} in make"),
    }
}

/// A function without the path of its package: `cache.(*Store).Put`.
#[must_use]
pub fn short(function: &str) -> &str {
    let end = function.find(['[', '(']).unwrap_or(function.len());
    let head = function.get(..end).unwrap_or(function);
    let from = head.rfind('/').map_or(0, |slash| slash + 1);
    function.get(from..).unwrap_or(function)
}

/// The function in the form of [`Finding::function`].
fn function(site: &Site) -> String {
    let short = short(&site.function);
    let name = short.split_once('.').map_or(short, |(_, name)| name);
    name.to_owned()
}

/// Where a site is: in the source if it is known there, else as the compiler saw it.
fn place(site: &Site) -> Place {
    match &site.source {
        Some(source) => source.place.clone(),
        None => Place::new(&site.file, (site.line, 1), (site.line, 1)),
    }
}

/// Most sites that are listed as evidence.
const MAX_EVIDENCE: usize = 6;

/// What each site allocated, by cause.
fn evidence(map: &Map) -> Vec<Evidence> {
    let sites = map.sites.iter().take(MAX_EVIDENCE);
    sites
        .map(|site| {
            let mut parts = Vec::new();
            for cause in Cause::ALL {
                let mut sum = (Usage::default(), Usage::default());
                for entry in &site.entries {
                    if entry.allocation.cause == cause {
                        crate::maps::add(&mut sum.0, entry.allocated);
                        crate::maps::add(&mut sum.1, entry.live);
                    }
                }
                if sum.0.bytes > 0 {
                    parts.push(format!(
                        "{} {} ({} alive)",
                        cause.as_str(),
                        bytes(sum.0.bytes as f64),
                        bytes(sum.1.bytes as f64)
                    ));
                }
            }
            let through = match &site.through {
                Some(through) => format!("through {}: ", short(through)),
                None => String::new(),
            };
            Evidence {
                place: place(site),
                function: Some(function(site)),
                message: format!("{through}allocated here: {}", parts.join(", ")),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies() {
        for file in [
            "/home/ann/go/pkg/mod/google.golang.org/grpc@v1.83.0/metadata/metadata.go",
            "google.golang.org/grpc@v1.83.0/metadata/metadata.go",
            "/src/shop/vendor/example.com/m/a.go",
        ] {
            assert!(is_dependency(file), "{file}");
        }
        for file in ["/src/shop/cache.go", "example.com/shop/vendors/a.go", ""] {
            assert!(!is_dependency(file), "{file}");
        }
    }

    #[test]
    fn words() {
        assert_eq!(short("example.com/a/b.(*T[...]).F"), "b.(*T[...]).F");
        assert_eq!(short("main.f"), "main.f");
        assert_eq!(rounded(251_300), "250,000");
        assert_eq!(two_digits(251_300), 260_000);
        assert_eq!(two_digits(7), 7);
        assert_eq!(percent(0.00001), "less than 0.1 %");
    }
}
