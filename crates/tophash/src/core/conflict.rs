//! `tophash core ... conflict`: which goroutines were inside an operation on one map, as findings.

use std::cell::OnceCell;
use std::io::{self, Write};

use serde_json::{Value, json};
use tophash_core::conflict::{self, Certainty, Conflict, Side, Sign, conflicts};
use tophash_core::inventory::{Holder, Inventory};
use tophash_core::maps::MapType;
use tophash_core::program::Call;
use tophash_core::reason::reason;
use tophash_finding::{Evidence, Finding, Fix, Place, Severity};
use tophash_runtime::frames::Operation;
use tophash_runtime::types::Kind;

use crate::output::Status;

use super::{Format, Session, fingerprints};

/// Name the goroutines that were inside operations on the same map
///
/// The verdict rests on where they were stopped and on which maps' addresses lie in their frames,
/// not on the writing bit of the map, which is clear in nearly every core.
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(session: &Session<'_>, _: &Args, out: &mut dyn Write) -> io::Result<Status> {
    let (conflicts, findings) = find(session);
    match session.format {
        Format::Json => {
            let conflicts: Vec<_> = conflicts.iter().map(describe).collect();
            session.json(&findings, &json!({ "conflicts": conflicts }), out)?;
        }
        Format::Text if findings.is_empty() => {
            writeln!(out, "No two goroutines were inside operations on one map.")?;
        }
        Format::Text => session.findings(&findings, out)?,
    }
    Ok(if findings.is_empty() {
        Status::Clean
    } else {
        Status::Findings
    })
}

/// Conflicts, and the same as findings.
pub(super) fn find(session: &Session<'_>) -> (Vec<Conflict>, Vec<Finding>) {
    let reason = reason(session.program, session.goroutines);
    let maps = session.heap.maps(session.goroutines);
    let maps: Vec<u64> = maps.iter().map(|map| map.address).collect();
    // Types and names of maps take a walk through the heap: only if they are asked for.
    let inventory = OnceCell::new();
    let inventory = || inventory.get_or_init(|| super::inventory::load(session));
    let fits = |map: u64, function: &str| {
        let map = inventory().at(map).and_then(|map| map.ty.as_ref());
        map.is_none_or(|(ty, _)| works_on(function, ty))
    };
    let conflicts = conflicts(
        session.program,
        session.goroutines,
        session.heap,
        &reason,
        &maps,
        &fits,
    );
    let mut findings: Vec<Finding> = conflicts
        .iter()
        .map(|conflict| finding(session, inventory(), conflict))
        .collect();
    fingerprints(&mut findings);
    (conflicts, findings)
}

/// Whether a function of the runtime works on maps of a type: the compiler calls others for some
/// keys.
fn works_on(function: &str, ty: &MapType) -> bool {
    let Some(at) = function.find("_fast") else {
        return true;
    };
    let strings = (ty.key_image.as_ref()).is_some_and(|key| key.kind == Kind::String);
    let fast = function.get(at..).unwrap_or_default();
    if fast.starts_with("_faststr") {
        strings
    } else if fast.starts_with("_fast64") {
        ty.key_size == 8
    } else if fast.starts_with("_fast32") {
        ty.key_size == 4
    } else {
        true
    }
}

/// How a map is called in sentences: `main.cache.byUser (map[string]int at 0xc000012345)`, and who
/// holds it.
fn map_name(inventory: &Inventory<'_>, address: u64) -> Option<(String, String)> {
    let map = inventory.at(address)?;
    let holder = inventory.holder(map);
    let ty = match map.ty {
        Some(_) => super::inventory::type_name(map),
        None => "map of unknown type".to_owned(),
    };
    let name = match map.holder {
        _ if holder.is_empty() => format!("the {ty} at {address:#x}"),
        Holder::Path(_) => format!("{holder} ({ty} at {address:#x})"),
        _ => format!("the {ty} at {address:#x}, held by {holder},"),
    };
    Some((name, holder))
}

fn finding(session: &Session<'_>, inventory: &Inventory<'_>, conflict: &Conflict) -> Finding {
    let name = conflict.map.and_then(|map| map_name(inventory, map));
    let first = &conflict.first;
    let place = first.place.as_ref().map_or_else(
        || place_of(&session.program.image.origin.to_string(), 1),
        |call| place_of(&call.file, call.line),
    );
    let mut evidence = vec![Evidence {
        place: place.clone(),
        function: first.place.as_ref().map(|call| call.function.clone()),
        message: first_sentence(conflict),
    }];
    evidence.extend(conflict.others.iter().map(|side| {
        Evidence {
            place: side
                .place
                .as_ref()
                .map_or_else(|| place.clone(), |call| place_of(&call.file, call.line)),
            function: side.place.as_ref().map(|call| call.function.clone()),
            message: other_sentence(side),
        }
    }));
    Finding {
        code: "TH201".to_owned(),
        name: "concurrent-map-access".to_owned(),
        severity: match conflict.message {
            Some(_) => Severity::Error,
            None => Severity::Warning,
        },
        message: sentence(conflict, name.as_ref().map(|(name, _)| name.as_str())),
        place,
        function: first.place.as_ref().map(|call| call.function.clone()),
        map: name
            .map(|(_, holder)| holder)
            .filter(|holder| !holder.is_empty()),
        evidence,
        fixes: vec![Fix {
            message: "guard every use of the map, look-ups and loops included, with one mutex; or \
                      use sync.Map, or give each goroutine a map of its own"
                .to_owned(),
            edits: Vec::new(),
            safe: false,
        }],
        fingerprint: String::new(),
    }
}

/// The verdict in one sentence.
fn sentence(conflict: &Conflict, name: Option<&str>) -> String {
    let map = match (name, conflict.map) {
        (Some(name), _) => name.to_owned(),
        (None, Some(address)) => format!("the map at {address:#x}"),
        (None, None) => "a map that can't be told".to_owned(),
    };
    let what = match conflict.kind {
        conflict::Kind::ReadDuringWrite => "read while it was being written",
        conflict::Kind::WriteDuringWrite => "written by two goroutines at once",
        conflict::Kind::IterateDuringWrite => "iterated while it was being written",
        conflict::Kind::DuringResize => "used while it was growing",
    };
    let first = conflict.first.goroutine;
    let others = match conflict.others.as_slice() {
        [] => format!("goroutine {first} was one side; no other is in sight"),
        [other] => match other.certainty {
            Certainty::Certain => format!("goroutines {first} and {}", other.goroutine),
            Certainty::Likely => format!("goroutine {first} and likely {}", other.goroutine),
            Certainty::Possible => format!("goroutine {first} and possibly {}", other.goroutine),
        },
        [other, rest @ ..] => {
            let plural = if rest.len() == 1 { "" } else { "s" };
            match other.certainty {
                Certainty::Certain => format!(
                    "goroutines {first} and {} and {} other{plural}",
                    other.goroutine,
                    rest.len()
                ),
                // Nothing speaks for one of them more than for the next.
                _ if rest.iter().all(|side| side.sign == other.sign) => {
                    let ids = conflict
                        .others
                        .iter()
                        .map(|side| side.goroutine.to_string());
                    let ids: Vec<_> = ids.collect();
                    format!("goroutine {first} and possibly {}", ids.join(" or "))
                }
                Certainty::Likely | Certainty::Possible => format!(
                    "goroutine {first} and one of {} others, best {}",
                    rest.len() + 1,
                    other.goroutine
                ),
            }
        }
    };
    format!("{map} was {what}: {others}")
}

fn first_sentence(conflict: &Conflict) -> String {
    let first = &conflict.first;
    let mut text = doing(first);
    if let Some(message) = &conflict.message {
        text.push_str(&format!("; the runtime stopped it here: {message}"));
    }
    text.push_str(&format!("; {}", why(first)));
    text
}

fn other_sentence(side: &Side) -> String {
    format!("{}; {}", doing(side), why(side))
}

/// What a side was doing.
fn doing(side: &Side) -> String {
    let goroutine = side.goroutine;
    let Some(operation) = side.operation else {
        return format!("goroutine {goroutine} was stopped here, between two operations");
    };
    let function = side.function.as_deref().unwrap_or_default();
    match side.sign {
        Some(Sign::Call) => {
            let had = had(operation);
            return format!(
                "goroutine {goroutine} had {had} it here (in {function}), and had gone on when the \
                 process stopped"
            );
        }
        Some(Sign::Trace) => {
            let had = had(operation);
            return format!(
                "goroutine {goroutine} had {had} it or another map (in {function}), and had gone \
                 on to here when the process stopped"
            );
        }
        _ => {}
    }
    let verb = match operation {
        Operation::Assign => "was assigning to it",
        Operation::Read => "was reading it",
        Operation::Delete => "was deleting from it",
        Operation::Iterate => "was ranging over it",
        Operation::Clear => "was clearing it",
        Operation::Clone => "was cloning it",
        Operation::Grow => "was moving its entries into a larger table",
        Operation::Make => "was making it",
    };
    let mut text = format!("goroutine {goroutine} {verb}");
    if side.growing && operation != Operation::Grow {
        text.push_str(", which made it grow");
    }
    if let Some(function) = &side.function {
        text.push_str(&format!(" (in {function})"));
    }
    text
}

/// What an operation that is over did, before "it".
fn had(operation: Operation) -> &'static str {
    match operation {
        Operation::Assign => "assigned to",
        Operation::Read => "read",
        Operation::Delete => "deleted from",
        Operation::Iterate => "ranged over",
        Operation::Clear => "cleared",
        Operation::Clone => "cloned",
        Operation::Grow => "moved entries of",
        Operation::Make => "made",
    }
}

/// Why, and how sure.
fn why(side: &Side) -> String {
    match side.sign {
        Some(sign) => format!("{}: {}", side.certainty.as_str(), sign.as_str()),
        None => format!(
            "{}: the map's address is not in its frames",
            side.certainty.as_str()
        ),
    }
}

fn place_of(file: &str, line: u32) -> Place {
    let line = line.max(1);
    Place::new(file, (line, 1), (line, 1))
}

/// A conflict for programs.
fn describe(conflict: &Conflict) -> Value {
    json!({
        "message": conflict.message,
        "map": conflict.map.map(|map| format!("{map:#x}")),
        "kind": conflict.kind.as_str(),
        "certainty": conflict.certainty().as_str(),
        "first": describe_side(&conflict.first),
        "others": conflict.others.iter().map(describe_side).collect::<Vec<_>>(),
    })
}

fn describe_side(side: &Side) -> Value {
    let place = |call: &Call| {
        json!({
            "function": call.function,
            "file": call.file,
            "line": call.line,
        })
    };
    json!({
        "goroutine": side.goroutine,
        "operation": side.operation.map(Operation::as_str),
        "growing": side.growing,
        "runtime_function": side.function,
        "place": side.place.as_ref().map(place),
        "evidence": side.sign.map(|sign| sign.as_str()),
        "certainty": side.certainty.as_str(),
    })
}
