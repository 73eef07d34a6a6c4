//! News, line by line.

use std::collections::BTreeMap;
use std::io::{self, Write};

use tophash_watch::board::{Snapshot, Standing};
use tophash_watch::breaker::State;
use tophash_watch::clock::Time;
use tophash_watch::words::bytes;

/// Tells what has changed since it told last.
pub(super) struct Narrator {
    /// Of each target, why it fails, and what can't be had.
    targets: BTreeMap<String, Told>,
    /// Of each finding, how often it began and whether it held.
    findings: BTreeMap<(String, String, String), (u64, bool)>,
    troubles: Vec<String>,
}

#[derive(Default, PartialEq)]
struct Told {
    answered: bool,
    error: Option<String>,
    gaps: Vec<String>,
    open: bool,
}

impl Narrator {
    pub(super) fn new() -> Narrator {
        Narrator {
            targets: BTreeMap::new(),
            findings: BTreeMap::new(),
            troubles: Vec::new(),
        }
    }

    pub(super) fn tell(&mut self, snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
        let now = time(snapshot.now);
        for view in &snapshot.targets {
            let told = self.targets.entry(view.target.clone()).or_default();
            let service = &view.service;
            if let Some(error) = view.error.as_ref().filter(|_| told.error != view.error) {
                writeln!(out, "{now} {service}: {} {error}", view.target)?;
            }
            // Between two rests it may answer what is cheap, and is no better for it.
            let open = view.breaker == State::Open || told.open && view.error.is_some();
            if open && !told.open {
                writeln!(
                    out,
                    "{now} {service}: it is left alone for a while, as polls fail or it has crashed"
                )?;
            }
            let well = view.answered.is_some() && view.error.is_none();
            if well && (!told.answered || told.error.is_some()) {
                let maps = match (view.map_bytes, view.heap) {
                    (Some(maps), Some(heap)) => format!(
                        ": {} live, {} of it in maps",
                        bytes(heap.live_bytes as f64),
                        bytes(maps)
                    ),
                    // Of a process that is read from outside the rest is not counted.
                    (Some(maps), None) => format!(": {} in maps", bytes(maps)),
                    _ => String::new(),
                };
                writeln!(out, "{now} {service}: it answers{maps}")?;
            }
            for gap in view.gaps.iter().filter(|gap| !told.gaps.contains(gap)) {
                writeln!(out, "{now} {service}: {gap}")?;
            }
            *told = Told {
                answered: view.answered.is_some(),
                error: view.error.clone(),
                gaps: view.gaps.clone(),
                open,
            };
        }
        for standing in snapshot.findings.iter().rev() {
            let key = (
                standing.target.clone(),
                standing.finding.code.clone(),
                standing.key.clone(),
            );
            let before = self.findings.insert(key, (standing.times, standing.active));
            match before {
                Some((times, _)) if times == standing.times && standing.active => {}
                // From an earlier run.
                None if !standing.active => {}
                Some((_, active)) if !standing.active => {
                    if active {
                        let message = &standing.finding.message;
                        writeln!(out, "{now} {}: no longer: {message}", standing.service)?;
                    }
                }
                _ => finding(&now, standing, out)?,
            }
        }
        for trouble in &snapshot.troubles {
            if !self.troubles.contains(trouble) {
                writeln!(out, "{now} {trouble}")?;
            }
        }
        self.troubles.clone_from(&snapshot.troubles);
        Ok(())
    }
}

fn finding(now: &str, standing: &Standing, out: &mut dyn Write) -> io::Result<()> {
    let finding = &standing.finding;
    writeln!(
        out,
        "{now} {}: {}[{}]: {}",
        standing.service,
        finding.severity.as_str(),
        finding.code,
        finding.message
    )?;
    for evidence in &finding.evidence {
        let place = &evidence.place;
        writeln!(
            out,
            "    {}:{}: {}",
            place.file, place.line, evidence.message
        )?;
    }
    Ok(())
}

/// Time of day, UTC.
pub(super) fn time(at: Time) -> String {
    let seconds = at.0 / 1000 % 86_400;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
