//! `tophash core ... verify`: whether maps are what the runtime leaves.

use std::io::{self, Write};

use rayon::prelude::*;
use serde_json::json;
use tophash_core::inventory::{Holder, Inventory, Map};
use tophash_core::maps::guess::Source;
use tophash_core::maps::{Damage, Verified, verify};
use tophash_finding::{
    Finding, Place, Problem, ProblemKind, RuleMeta, Severity, assign_fingerprints,
};

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
pub(crate) const DAMAGED_MAP: RuleMeta = RuleMeta {
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
            let Some((ty, source)) = map.ty.as_ref() else {
                // Where buckets or groups lie is known: counts and chains are checked.
                let layout = map.layout.as_ref()?;
                return Some((*map, verify(&inventory.types, layout, &map.header, None)));
            };
            let result = verify(&inventory.types, ty, &map.header, keys);
            let is_guess = matches!(source, Source::Likely(_));
            (!is_guess || !is_of_another_type(&result)).then_some((*map, result))
        })
        .collect();
    let untyped = chosen.len() - results.len();
    let problem = unchecked(session, &inventory, &chosen, &results);
    if session.format == Format::Json {
        let found: Vec<(&Map, &Damage)> = results
            .iter()
            .flat_map(|(map, result)| result.damage.iter().map(|damage| (*map, damage)))
            .collect();
        let mut findings: Vec<Finding> = found
            .iter()
            .map(|(map, damage)| finding(session, &inventory, map, damage))
            .collect();
        fingerprints(session, &inventory, &found, &mut findings);
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
        session.json_with(&findings, problem.as_slice(), &more, out)?;
    } else {
        text(session, &inventory, &results, untyped, out)?;
    }
    if let Some(problem) = &problem {
        complain(&problem.message);
    }
    let damaged = results.iter().any(|(_, result)| is_damaged(result));
    let gaps = results
        .iter()
        .any(|(_, result)| result.damage.iter().any(Damage::is_gap));
    Ok(if damaged {
        Status::Findings
    } else if gaps || problem.is_some() {
        Status::Failed
    } else {
        Status::Clean
    })
}

/// What a check of these maps does not tell about them, if that is most of it: then that nothing
/// was found does not say that nothing is there.
fn unchecked(
    session: &Session<'_>,
    inventory: &Inventory<'_>,
    chosen: &[&Map],
    results: &[(&Map, Verified)],
) -> Option<Problem> {
    let filled = chosen.iter().filter(|map| !map.header.is_empty()).count();
    if filled == 0 {
        return None;
    }
    let seen = results
        .iter()
        .filter(|(map, _)| !map.header.is_empty())
        .count();
    let hashed = results.iter().any(|(_, result)| result.hashed > 0);
    // NaN has no hash of its own.
    let drawn = results.iter().any(|(_, result)| result.drawn > 0);
    let message = if seen == 0 {
        format!(
            "no map was checked: of {} with entries no type is known",
            counted(filled, "map")
        )
    } else if inventory.keys.is_none() {
        "no hash was computed again: the hash keys of the process were not found; only counts, \
         control bytes, chains and directories were checked"
            .to_owned()
    } else if !hashed && !drawn && results.iter().all(|(_, result)| result.damage.is_empty()) {
        "no hash was computed again: types of keys are not known; only counts, control bytes, \
         chains and directories were checked"
            .to_owned()
    } else {
        return None;
    };
    Some(Problem {
        file: Some(session.program.image.origin.to_string()),
        line: None,
        column: None,
        kind: ProblemKind::Read,
        message,
    })
}

/// Whether more than a quarter of the entries have another hash than their place says. Then a type
/// that is only likely is the wrong one: of two entries one may fit it by chance, of four hardly
/// three.
fn is_of_another_type(result: &Verified) -> bool {
    let wrong = result
        .damage
        .iter()
        .filter(|damage| matches!(damage, Damage::HashByte { .. } | Damage::Misplaced { .. }));
    4 * wrong.count() as u64 > result.hashed
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

/// Names findings across runs of a program: by the type of the map, its holder and the kind of
/// damage. Addresses and numbers of goroutines are of one run.
fn fingerprints(
    session: &Session<'_>,
    inventory: &Inventory<'_>,
    found: &[(&Map, &Damage)],
    findings: &mut [Finding],
) {
    let info = session.program.build_info.as_ref();
    let program = info
        .and_then(|info| info.path.as_deref())
        .unwrap_or_default();
    let mut names: Vec<Finding> = found
        .iter()
        .zip(findings.iter())
        .zip(1..)
        .map(|(((map, _), finding), number)| {
            let holder = match &map.holder {
                Holder::Frame { function, .. } => function.clone(),
                _ => without_addresses(&inventory.holder(map)),
            };
            Finding {
                place: Place::new(program, (number, 1), (number, 1)),
                function: Some(type_name(map)),
                map: Some(holder),
                ..finding.clone()
            }
        })
        .collect();
    assign_fingerprints(&mut names, |_, number| {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some(found.get(index)?.1.kind().to_owned())
    });
    for (finding, named) in findings.iter_mut().zip(names) {
        finding.fingerprint = named.fingerprint;
    }
}

/// A text with `0x` in place of each number in hexadecimal.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("0x");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::without_addresses;

    #[test]
    fn addresses_are_left_out() {
        let cut = without_addresses("(main.T at 0xc000012345).byID[\"0x\"] of 0xffcafé");
        assert_eq!(cut, "(main.T at 0x).byID[\"0x\"] of 0xé");
        assert_eq!(without_addresses("main.shards[2]"), "main.shards[2]");
    }
}
