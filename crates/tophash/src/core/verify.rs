//! `tophash core ... verify`: whether maps are what the runtime leaves.

use std::io::{self, Write};

use rayon::prelude::*;
use serde_json::json;
use tophash_core::inventory::{Inventory, Map};
use tophash_core::maps::guess::Source;
use tophash_core::maps::{Damage, Verified, verify};
use tophash_finding::{Finding, Place, RuleMeta, Severity};

use crate::output::{Status, complain};

use super::inventory::{self, entries, keys_note, type_name};
use super::{Format, Session, counted, grouped};

/// Check all maps, or one: counts, chains, tables, and the hash of each entry computed again
///
/// Writers that were not synchronised leave such damage; the map fails later, or loses entries in
/// silence.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Check this map only: an address, or a path that leads to it
    #[arg(value_name = "ADDR|PATH")]
    which: Option<String>,
}

/// What `verify` finds.
pub(super) const DAMAGED_MAP: RuleMeta = RuleMeta {
    code: "TH291",
    name: "damaged-map",
    severity: Severity::Error,
    default_on: true,
    since: "0.1.0",
    summary: "a map in a core is not as the runtime leaves it",
};

/// Sentences shown of one map.
const SHOWN: usize = 10;

pub(super) fn run(session: &Session<'_>, args: &Args, out: &mut dyn Write) -> io::Result<Status> {
    let inventory = inventory::load(session);
    let chosen: Vec<&Map> = match &args.which {
        None => inventory.maps.iter().collect(),
        Some(which) => match super::map::address(&inventory, which) {
            Ok(address) => match inventory.at(address) {
                Some(map) => vec![map],
                None => {
                    complain(&format!("no map is known at {address:#x}"));
                    return Ok(Status::Failed);
                }
            },
            Err(message) => {
                complain(&message);
                return Ok(Status::Failed);
            }
        },
    };
    // Keys lead all over the heap.
    session.program.image.hold();
    let keys = inventory.keys.as_ref().map(|(keys, _)| keys);
    let results: Vec<(&Map, Verified)> = chosen
        .par_iter()
        .filter_map(|map| {
            let (ty, source) = map.ty.as_ref()?;
            let result = verify(&inventory.types, ty, &map.header, keys);
            let is_guess = matches!(source, Source::Likely(_));
            (!is_guess || !is_mostly_misplaced(&result)).then_some((*map, result))
        })
        .collect();
    let untyped = chosen.len() - results.len();
    if session.format == Format::Json {
        let findings: Vec<Finding> = results
            .iter()
            .flat_map(|(map, result)| {
                let all = result.damage.iter();
                all.map(|damage| finding(session, &inventory, map, damage))
            })
            .collect();
        let sum = |part: &dyn Fn(&Verified) -> u64| -> u64 {
            results.iter().map(|(_, result)| part(result)).sum()
        };
        let more = json!({
            "verified": {
                "maps": results.len(),
                "damaged": results.iter().filter(|(_, result)| is_damaged(result)).count(),
                "untyped": untyped,
                "entries": sum(&|result| result.entries),
                "hashed": sum(&|result| result.hashed),
                "hash_keys": keys_note(&inventory),
            },
        });
        session.json(&findings, &more, out)?;
    } else {
        text(session, &inventory, &results, untyped, out)?;
    }
    let damaged = results.iter().any(|(_, result)| is_damaged(result));
    let gaps = results
        .iter()
        .any(|(_, result)| result.damage.iter().any(Damage::is_gap));
    Ok(if damaged {
        Status::Findings
    } else if gaps {
        Status::Failed
    } else {
        Status::Clean
    })
}

/// Whether most entries have another hash than their place says. Then a type that is only likely is
/// the wrong one.
fn is_mostly_misplaced(result: &Verified) -> bool {
    let wrong = result
        .damage
        .iter()
        .filter(|damage| matches!(damage, Damage::HashByte { .. } | Damage::Misplaced { .. }));
    2 * wrong.count() as u64 > result.hashed
}

/// Whether there is more than memory missing from the dump.
fn is_damaged(result: &Verified) -> bool {
    result.damage.iter().any(|damage| !damage.is_gap())
}

fn text(
    session: &Session<'_>,
    inventory: &Inventory<'_>,
    results: &[(&Map, Verified)],
    untyped: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut damaged = 0;
    for (map, result) in results {
        if result.damage.is_empty() {
            continue;
        }
        damaged += 1;
        writeln!(
            out,
            "{}  {} at {:#x}, {}",
            inventory.holder(map),
            type_name(map),
            map.header.address,
            entries(map.header.len())
        )?;
        if map.header.is_writing() {
            writeln!(
                out,
                "  {} is set: what follows may be a write half done",
                map.header.writing_name()
            )?;
        }
        let shown = if session.verbose { usize::MAX } else { SHOWN };
        for damage in result.damage.iter().take(shown) {
            writeln!(out, "  {damage}")?;
        }
        let left = result.damage.len().saturating_sub(shown);
        if left > 0 || result.cut {
            let at_least = if result.cut { "at least " } else { "" };
            writeln!(
                out,
                "  and {at_least}{} more; -v shows them",
                grouped(left as u64)
            )?;
        }
        writeln!(out)?;
    }
    let seen: u64 = results.iter().map(|(_, result)| result.entries).sum();
    let hashed: u64 = results.iter().map(|(_, result)| result.hashed).sum();
    writeln!(
        out,
        "{} checked, {} damaged; {} seen, the hashes of {} computed again ({})",
        counted(results.len(), "map"),
        grouped(damaged),
        entries(seen),
        grouped(hashed),
        keys_note(inventory)
    )?;
    if untyped > 0 {
        writeln!(
            out,
            "{} of unknown type not checked",
            counted(untyped, "map")
        )?;
    }
    if session.program.image.origin.is_live() && damaged > 0 {
        writeln!(
            out,
            "The process runs on: a map that was written to meanwhile may only look damaged"
        )?;
    }
    Ok(())
}

fn finding(
    session: &Session<'_>,
    inventory: &Inventory<'_>,
    map: &Map,
    damage: &Damage,
) -> Finding {
    let holder = inventory.holder(map);
    let message = format!(
        "{holder} ({} at {:#x}): {damage}",
        type_name(map),
        map.header.address
    );
    let severity = if damage.is_gap() {
        Severity::Note
    } else {
        DAMAGED_MAP.severity
    };
    Finding {
        code: DAMAGED_MAP.code.to_owned(),
        name: DAMAGED_MAP.name.to_owned(),
        severity,
        message,
        place: Place::new(session.program.image.origin.to_string(), (1, 1), (1, 1)),
        function: None,
        map: Some(holder),
        evidence: Vec::new(),
        fixes: Vec::new(),
        fingerprint: String::new(),
    }
}
