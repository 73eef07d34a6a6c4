//! Verdicts to findings.

use tophash_finding::{Evidence, Finding, Fix, Place, Severity};
use tophash_runtime::frames::Operation;
use tophash_runtime::messages::{self, Message};

use crate::cases::Case;
use crate::model::{Crash, Kind};
use crate::names;
use crate::source::{Lookup, Nil, Spot, Use, frame};
use crate::verdict::{Class, Known, Other, Side, Verdict};

/// Code and name under which a class is reported. Those that `check` finds before the crash have
/// its codes.
fn rule(class: Class) -> (&'static str, &'static str) {
    match class {
        Class::NilMapWrite => ("TH101", "nil-map-write"),
        Class::ConcurrentMapWrites
        | Class::ConcurrentMapReadAndWrite
        | Class::ConcurrentMapIterationAndWrite
        | Class::ConcurrentMapCloneAndWrite
        | Class::DamagedMap => ("TH201", "concurrent-map-access"),
        Class::UnhashableKey => ("TH601", "unhashable-dynamic-key"),
        Class::NilMapElement => ("CR101", "nil-map-element"),
        Class::OutOfMemoryGrowingMap => ("CR501", "out-of-memory-growing-map"),
        Class::NilDereference => ("CR901", "nil-dereference"),
        Class::OutOfMemory => ("CR902", "out-of-memory"),
        Class::DataRace => ("CR903", "data-race"),
        Class::OtherPanic => ("CR904", "other-panic"),
        Class::OtherFatalError => ("CR905", "other-fatal-error"),
        Class::Signal => ("CR906", "signal"),
        Class::StacksOnly => ("CR907", "stacks-only"),
    }
}

/// The finding of a case. `log` names the log, for what can't be placed in the source.
pub fn finding(case: &Case, log: &str, source: &dyn Lookup) -> Finding {
    let (crash, verdict) = (&case.crash, &case.verdict);
    let (code, name) = rule(verdict.class);
    let failed = verdict.failed.as_ref();
    let spot = failed
        .and_then(|side| frame(crash, side))
        .and_then(|f| source.spot(f));
    let map_use = failed.and_then(|side| used(side, spot.as_ref(), verdict));
    // Of an element the line that failed, not where it was got from.
    let at_place = map_use.filter(|_| verdict.class != Class::NilMapElement);
    let place = failed
        .and_then(|side| place(crash, side, spot.as_ref(), at_place))
        .unwrap_or_else(|| {
            let line = u32::try_from(case.seen.first().map_or(1, |l| l.0)).unwrap_or(u32::MAX);
            at(log, line)
        });
    let mut evidence = Vec::new();
    if let Some(side) = failed {
        evidence.push(Evidence {
            place: place.clone(),
            function: function(crash, side),
            message: failed_sentence(crash, verdict, side, map_use),
        });
        if let Some(looked_up) =
            map_use.filter(|u| verdict.class == Class::NilMapElement && u.place.line != place.line)
        {
            evidence.push(Evidence {
                place: looked_up.place.clone(),
                function: function(crash, side),
                message: format!("it was got from {} here", looked_up.map),
            });
        }
        evidence.extend(started(crash, side, source));
    }
    for (rank, other) in verdict.others.iter().enumerate() {
        evidence.extend(other_evidence(crash, verdict, other, rank, source));
    }
    Finding {
        code: code.to_owned(),
        name: name.to_owned(),
        severity: severity(crash, verdict.class),
        message: message(case, map_use),
        place,
        function: failed.and_then(|side| function(crash, side)),
        map: map_use.map(|u| u.name.clone()),
        evidence,
        fixes: fixes(verdict),
        fingerprint: verdict.fingerprint.clone(),
    }
}

fn severity(crash: &Crash, class: Class) -> Severity {
    // SIGQUIT asks a program for its stacks, the others are failures.
    let asked = crash.signal.as_ref().is_none_or(|s| s.name == "SIGQUIT");
    match class {
        Class::Signal if asked => Severity::Note,
        Class::StacksOnly => Severity::Note,
        _ => Severity::Error,
    }
}

/// The use of a map at the failed line that the verdict is about.
fn used<'a>(side: &Side, spot: Option<&'a Spot>, verdict: &'a Verdict) -> Option<&'a Use> {
    let class = verdict.class;
    if side.only_called || verdict.quoted {
        return None;
    }
    if class == Class::NilMapElement {
        return match &verdict.nil {
            Some(Nil::Element(map_use)) => Some(map_use),
            _ => None,
        };
    }
    let uses = &spot?.uses;
    if !class.is_of_maps() {
        return None;
    }
    uses.iter()
        .find(|u| !u.passed && side.operations.contains(&u.operation))
        .or_else(|| {
            let made = |u: &&Use| u.operation == Operation::Make;
            uses.iter()
                .find(made)
                .filter(|_| class == Class::UnhashableKey)
        })
        .or_else(|| uses.first().filter(|_| side.operations.is_empty()))
        .or_else(|| uses.iter().find(|u| u.passed))
}

fn place(crash: &Crash, side: &Side, spot: Option<&Spot>, map_use: Option<&Use>) -> Option<Place> {
    if let Some(map_use) = map_use {
        return Some(map_use.place.clone());
    }
    if let Some(spot) = spot {
        return Some(spot.place.clone());
    }
    let frame = frame(crash, side)?;
    (!frame.file.is_empty()).then(|| at(&frame.file, frame.line))
}

/// A line of a file. Lines of a damaged log may be zero.
fn at(file: &str, line: u32) -> Place {
    let line = line.max(1);
    Place::new(file, (line, 1), (line, 1))
}

fn function(crash: &Crash, side: &Side) -> Option<String> {
    Some(names::unqualified(&frame(crash, side)?.function).to_owned())
}

/// How a sentence names a goroutine's code.
fn who(crash: &Crash, side: &Side) -> String {
    match frame(crash, side) {
        Some(frame) if side.only_called => {
            format!("a function that {} calls", names::short(&frame.function))
        }
        Some(frame) => names::short(&frame.function).to_owned(),
        None => format!("goroutine {}", side.goroutine),
    }
}

/// The verb for what a side did, with `it` or the map behind it.
fn verb(operations: &[Operation]) -> &'static str {
    match operations {
        [] => "uses",
        [Operation::Assign] => "writes to",
        [Operation::Read] => "reads",
        [Operation::Delete] => "deletes from",
        [Operation::Iterate] => "ranges over",
        [Operation::Clear] => "clears",
        [Operation::Clone] => "clones",
        [Operation::Grow] => "grows",
        [Operation::Make] => "makes",
        many if many.iter().all(|op| op.writes()) => "writes to",
        _ => "uses",
    }
}

fn message(case: &Case, map_use: Option<&Use>) -> String {
    let (crash, verdict) = (&case.crash, &case.verdict);
    let sentence = sentence(crash, verdict, map_use);
    match case.times {
        1 => sentence,
        n => format!("{sentence} ({n} times in this log)"),
    }
}

fn sentence(crash: &Crash, verdict: &Verdict, map_use: Option<&Use>) -> String {
    let failed = verdict.failed.as_ref();
    let place = failed.map(|side| who(crash, side));
    let func = place.as_deref();
    let map = map_use.map_or("a map", |u| u.map.as_str());
    let text = shorten(&verdict.message);
    if verdict.quoted {
        let func = func.unwrap_or("the program");
        let what = match verdict.class {
            Class::NilMapWrite => "a nil map was written to",
            _ => "a key could not be hashed",
        };
        return format!("{func} panics with a text that says that {what}: {text}");
    }
    match verdict.class {
        Class::NilMapWrite => match (func, map_use) {
            (Some(func), Some(_)) => format!("{map} is nil when {func} writes to it"),
            (Some(func), None) => format!("{func} writes to a nil map"),
            _ => "a nil map is written to".to_owned(),
        },
        Class::ConcurrentMapWrites
        | Class::ConcurrentMapReadAndWrite
        | Class::ConcurrentMapIterationAndWrite
        | Class::ConcurrentMapCloneAndWrite => concurrent(crash, verdict, map),
        Class::DamagedMap => {
            let place = func.map(|f| format!(" in {f}")).unwrap_or_default();
            format!(
                "the memory of {map} is damaged{place} ({text}), which is what goroutines do that write to one map at the same time"
            )
        }
        Class::UnhashableKey => {
            let ty = match messages::find(&verdict.message) {
                Some(Message::Unhashable(ty)) if !ty.is_empty() => format!(" of type {ty}"),
                _ => String::new(),
            };
            let func = func.unwrap_or("the program");
            format!("{func} uses {map} with a key{ty}, which can't be hashed")
        }
        Class::NilMapElement => format!(
            "{} uses an element of {map} that is nil, as it is for a key the map does not have",
            func.unwrap_or("the program")
        ),
        Class::OutOfMemoryGrowingMap => format!(
            "there was no memory left when {map} grew{}",
            func.map(|f| format!(" in {f}")).unwrap_or_default()
        ),
        Class::NilDereference => {
            let func = func.unwrap_or("the program");
            match &verdict.nil {
                Some(Nil::OneOf(texts)) => match texts.as_slice() {
                    [only] => format!("{only} is nil when {func} uses it"),
                    [rest @ .., last] => format!(
                        "{} or {last} is nil when {func} uses it; which of them, the address does not tell",
                        rest.join(", ")
                    ),
                    [] => format!("{func} dereferences a nil pointer"),
                },
                _ => format!("{func} dereferences a nil pointer; nothing here ties it to a map"),
            }
        }
        Class::OutOfMemory => format!("out of memory, and no map was growing: {text}"),
        Class::DataRace => match (func, verdict.others.first()) {
            (Some(func), Some(other)) => format!(
                "{func} and {} race, not in a map operation",
                who(crash, &other.side)
            ),
            _ => "a data race, not in a map operation".to_owned(),
        },
        Class::OtherPanic if crash.kind == Kind::Recovered => {
            format!("a panic that was recovered, not of a map: {text}")
        }
        Class::OtherPanic => format!("a panic, not of a map: {text}"),
        Class::OtherFatalError => format!("a fatal error, not of a map: {text}"),
        Class::Signal => format!(
            "a signal ({}) stopped the program, no failure of a map",
            crash.signal.as_ref().map_or("unknown", |s| s.name.as_str())
        ),
        Class::StacksOnly => {
            "stacks of goroutines without a word on why they were printed".to_owned()
        }
    }
}

fn concurrent(crash: &Crash, verdict: &Verdict, map: &str) -> String {
    let Some(failed) = &verdict.failed else {
        return format!(
            "goroutines use {map} at the same time: {}",
            shorten(&verdict.message)
        );
    };
    let mine = verb(&failed.operations);
    let other = verdict.others.first().filter(|_| verdict.is_certain());
    let (its, theirs) = match other {
        Some(other) => (who(crash, &other.side), verb(&other.side.operations)),
        None => ("another goroutine".to_owned(), "writes to"),
    };
    let theirs = if theirs == "uses" {
        "writes to"
    } else {
        theirs
    };
    let me = who(crash, failed);
    if other.is_some() && its == me {
        return format!("{me} {mine} {map} while another goroutine {theirs} it in the same place");
    }
    format!("{me} {mine} {map} while {its} {theirs} it")
}

fn failed_sentence(crash: &Crash, verdict: &Verdict, side: &Side, map_use: Option<&Use>) -> String {
    let map = map_use.map_or("a map", |u| u.map.as_str());
    let state = state(crash, side);
    let goroutine = format!("goroutine {}{state}", side.goroutine);
    if !verdict.is_of_one(crash) {
        // It is only the first that is printed.
        return format!("{goroutine} was here");
    }
    if verdict.quoted {
        return format!("{goroutine} panics here, not where the map is used");
    }
    if !verdict.class.is_of_maps() || side.operations.is_empty() {
        return format!("{goroutine} failed here");
    }
    let known = match side.known {
        Some(Known::Frame) => "",
        Some(Known::Message) => ", as the message says",
        Some(Known::Source) | None => "",
    };
    if side.only_called {
        let does = verb(&side.operations);
        return format!("{goroutine} {does} a map in a function that is called here");
    }
    let growing = if side.growing {
        ", which was growing"
    } else {
        ""
    };
    format!(
        "{goroutine} {} {map} here{growing}{known}",
        verb(&side.operations)
    )
}

fn state(crash: &Crash, side: &Side) -> String {
    match crash.stacks.get(side.stack) {
        Some(stack) if !stack.state.is_empty() => format!(" [{}]", stack.state),
        _ => String::new(),
    }
}

/// Where the goroutine was started, if the log says.
fn started(crash: &Crash, side: &Side, source: &dyn Lookup) -> Option<Evidence> {
    let creator = crash.stacks.get(side.stack)?.created.as_ref()?;
    if creator.file.is_empty() || names::is_std(&creator.function) {
        return None;
    }
    let call = crate::model::Frame {
        function: creator.function.clone(),
        file: creator.file.clone(),
        line: creator.line,
        inlined: false,
    };
    let place = match source.spot(&call) {
        Some(spot) => spot.place,
        None => at(&creator.file, creator.line),
    };
    Some(Evidence {
        place,
        function: Some(names::unqualified(&creator.function).to_owned()),
        message: format!("goroutine {} was started here", side.goroutine),
    })
}

fn other_evidence(
    crash: &Crash,
    verdict: &Verdict,
    other: &Other,
    rank: usize,
    source: &dyn Lookup,
) -> Vec<Evidence> {
    let side = &other.side;
    let spot = frame(crash, side).and_then(|f| source.spot(f));
    let map_use = used(side, spot.as_ref(), verdict);
    let state = state(crash, side);
    let many = match other.count {
        1 => String::new(),
        n => format!(" and {} more with this stack", n - 1),
    };
    let does = match (map_use, side.known) {
        _ if side.only_called => format!(
            " {} a map in a function that is called here",
            verb(&side.operations)
        ),
        (Some(u), _) => format!(" {} {} here", verb(&side.operations), u.map),
        (None, Some(Known::Frame)) => format!(" {} a map here", verb(&side.operations)),
        _ => " was here".to_owned(),
    };
    let certainty = match (rank, crash.kind) {
        (_, Kind::Race) => "",
        (0, _) if verdict.is_certain() => ", most likely the other side",
        (0, _) => ", perhaps the other side",
        _ => ", less likely the other side",
    };
    let reasons = other.reasons.join("; ");
    let message = format!(
        "goroutine {}{state}{many}{does}{certainty}: {reasons}",
        side.goroutine
    );
    let mut evidence = Vec::new();
    match place(crash, side, spot.as_ref(), map_use) {
        Some(place) => evidence.push(Evidence {
            place,
            function: function(crash, side),
            message,
        }),
        // Without a stack there is still the place where it was started.
        None => {
            if let Some(mut started) = started(crash, side, source) {
                started.message = format!(
                    "goroutine {}{state}{many}, started here{certainty}: {reasons}",
                    side.goroutine
                );
                evidence.push(started);
            }
            return evidence;
        }
    }
    if rank == 0 {
        evidence.extend(started(crash, side, source));
    }
    evidence
}

fn fixes(verdict: &Verdict) -> Vec<Fix> {
    if verdict.quoted {
        return Vec::new();
    }
    let message = match verdict.class {
        Class::NilMapWrite => "make the map before it is written to: `m = make(map[K]V)`",
        Class::ConcurrentMapWrites
        | Class::ConcurrentMapReadAndWrite
        | Class::ConcurrentMapIterationAndWrite
        | Class::ConcurrentMapCloneAndWrite
        | Class::DamagedMap => {
            "hold one lock around every use of this map, reads and loops included; no recover catches this failure"
        }
        Class::UnhashableKey => {
            "check the key's dynamic type before it is used, or use a key type that can always be hashed"
        }
        Class::NilMapElement => "ask whether the key is there: `v, ok := m[k]`",
        Class::OutOfMemoryGrowingMap => {
            "bound the map, or replace it from time to time: maps never shrink"
        }
        _ => return Vec::new(),
    };
    vec![Fix {
        message: message.to_owned(),
        edits: Vec::new(),
        safe: false,
    }]
}

/// A message of the program, for one line.
fn shorten(text: &str) -> String {
    const MAX: usize = 160;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
