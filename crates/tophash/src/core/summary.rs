//! `tophash core ... summary`: which program, why it stopped, and how much of what it holds.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;
use tophash_core::image::{Origin, Signal};
use tophash_core::reason::{Message, Reason, reason};
use tophash_finding::Finding;

use crate::output::Status;

use super::goroutines::{calls, write_stack};
use super::{Format, Session, bytes, counted, fingerprints, grouped, title};
use super::{conflict, failure};

pub(super) fn run(
    session: &Session<'_>,
    with_conflicts: bool,
    out: &mut dyn Write,
) -> io::Result<Status> {
    let reason = reason(session.program, session.goroutines);
    let findings = match with_conflicts {
        true => {
            let mut findings = conflict::find(session).1;
            findings.extend(failure::finding(session, &reason));
            fingerprints(&mut findings);
            findings
        }
        false => Vec::new(),
    };
    match session.format {
        Format::Json => object(session, &reason, &findings, out)?,
        Format::Text => {
            text(session, &reason, out)?;
            if !findings.is_empty() {
                writeln!(out)?;
                session.findings(&findings, out)?;
            }
        }
    }
    Ok(if reason.message.is_some() || !findings.is_empty() {
        Status::Findings
    } else {
        Status::Clean
    })
}

fn text(session: &Session<'_>, reason: &Reason, out: &mut dyn Write) -> io::Result<()> {
    let program = session.program;
    let image = program.image;
    let notes = &image.notes;

    writeln!(out, "{}", built(session))?;
    if let Some(info) = &program.build_info
        && let Some(path) = &info.path
    {
        let module = info.module.as_deref().unwrap_or("no module");
        write!(out, "    {path}, {module}")?;
        if let Some(revision) = info.setting("vcs.revision") {
            let short = revision.get(..12).unwrap_or(revision);
            let modified = info.setting("vcs.modified") == Some("true");
            write!(
                out,
                ", commit {short}{}",
                if modified { " with changes" } else { "" }
            )?;
        }
        writeln!(out)?;
    }
    if program.debug.is_none() {
        writeln!(
            out,
            "    stripped: offsets in the runtime are those of Go {}; variables have no names",
            program.build.version
        )?;
    }
    write!(out, "{}: {} of memory", image.origin, bytes(image.size()))?;
    if let Some(pid) = notes.pid.filter(|_| !image.origin.is_live()) {
        write!(out, ", process {pid}")?;
    }
    writeln!(out, ", {}", counted(notes.threads.len(), "thread"))?;
    if let Some(command) = &notes.command {
        writeln!(out, "    {command}")?;
    }

    writeln!(out)?;
    stopped(session, reason, out)?;
    if let Some(goroutine) = session.goroutines.faulting(program) {
        writeln!(out, "\n{}", title(goroutine))?;
        write_stack(session, goroutine, &calls(session, goroutine), out)?;
    }

    let list = &session.goroutines.list;
    let system = list
        .iter()
        .filter(|goroutine| goroutine.is_system())
        .count();
    writeln!(
        out,
        "\n{}, and {} of the runtime's own",
        counted(list.len() - system, "goroutine"),
        system
    )?;
    let mut states: Vec<_> = states(session).into_iter().collect();
    states.sort_by_key(|(state, count)| (usize::MAX - count, *state));
    for (state, count) in states {
        writeln!(out, "    {count:>7} {state}")?;
    }
    let maps = session.heap.maps(session.goroutines);
    let total = maps.iter().map(|map| map.bytes).sum();
    writeln!(
        out,
        "\n{} with {} entries: {} in headers, tables and buckets; the heap holds {}",
        counted(maps.len(), "map"),
        grouped(maps.iter().map(|map| map.len).sum()),
        bytes(total),
        bytes(session.heap.bytes_in_use())
    )
}

/// One line about the program.
fn built(session: &Session<'_>) -> String {
    let program = session.program;
    let binary = &program.image.binary;
    let mut line = format!(
        "{}: {}, linux/{}",
        binary.path,
        program.go_version,
        binary.arch.as_str()
    );
    let setting = |key| {
        program
            .build_info
            .as_ref()
            .and_then(|info| info.setting(key))
    };
    if binary.relocatable {
        line.push_str(", PIE");
    }
    if setting("CGO_ENABLED") == Some("1") {
        line.push_str(", cgo");
    }
    line
}

fn stopped(session: &Session<'_>, reason: &Reason, out: &mut dyn Write) -> io::Result<()> {
    if let Origin::Process(_) = session.program.image.origin {
        return writeln!(
            out,
            "It runs; what follows may have changed while it was read."
        );
    }
    match &reason.message {
        Some(Message::Fatal(message)) if message.is_empty() => {
            writeln!(out, "Stopped by a fatal error whose text can't be found")?;
        }
        Some(Message::Fatal(message)) => writeln!(out, "fatal error: {message}")?,
        Some(Message::Panics(panics)) => {
            for (index, panic) in panics.iter().enumerate() {
                let indent = if index == 0 { "" } else { "\t" };
                let recovered = if panic.recovered { " [recovered]" } else { "" };
                writeln!(out, "{indent}panic: {}{recovered}", panic.value)?;
            }
        }
        None => {}
    }
    match &reason.signal {
        Some(signal) => writeln!(out, "{}", signalled(session, signal)),
        None if reason.message.is_none() => {
            writeln!(
                out,
                "No signal: the core was taken of a process that went on"
            )
        }
        None => Ok(()),
    }
}

/// A sentence about the signal.
fn signalled(session: &Session<'_>, signal: &Signal) -> String {
    let name = signal.name();
    if let Some(address) = signal.fault_address() {
        return format!("{name}: the memory at {address:#x} can't be used that way");
    }
    let own = session.program.image.notes.pid;
    match signal.sender() {
        Some(0) | None => name,
        Some(pid) if Some(pid) == own => format!("{name}, sent by the process itself"),
        Some(pid) => format!("{name}, sent by process {pid}"),
    }
}

/// Goroutines of the program itself by state.
fn states<'a>(session: &'a Session<'_>) -> BTreeMap<&'a str, usize> {
    let mut states = BTreeMap::new();
    let list = session.goroutines.list.iter();
    for goroutine in list.filter(|goroutine| !goroutine.is_system()) {
        *states.entry(goroutine.state()).or_insert(0) += 1;
    }
    states
}

fn object(
    session: &Session<'_>,
    reason: &Reason,
    findings: &[Finding],
    out: &mut dyn Write,
) -> io::Result<()> {
    let program = session.program;
    let image = program.image;
    let info = program.build_info.as_ref();
    let panics = match &reason.message {
        Some(Message::Panics(panics)) => panics
            .iter()
            .map(|panic| {
                json!({
                    "value": panic.value,
                    "type": panic.value_type,
                    "recovered": panic.recovered,
                })
            })
            .collect(),
        _ => Vec::new(),
    };
    let fatal = match &reason.message {
        Some(Message::Fatal(message)) => Some(message),
        _ => None,
    };
    let list = &session.goroutines.list;
    let maps = session.heap.maps(session.goroutines);
    let summary = json!({
        "go": program.go_version,
        "arch": image.binary.arch.as_str(),
        "path": info.and_then(|info| info.path.as_deref()),
        "module": info.and_then(|info| info.module.as_deref()),
        "settings": info.map(|info| {
            info.settings.iter().cloned().collect::<BTreeMap<_, _>>()
        }),
        "stripped": program.debug.is_none(),
        "relocatable": image.binary.relocatable,
        "build_id": image.binary.build_id,
        "go_build_id": image.binary.go_build_id,
        "origin": image.origin.to_string(),
        "live": image.origin.is_live(),
        "pid": image.notes.pid,
        "command_line": image.notes.command,
        "memory": image.size(),
        "threads": image.notes.threads.len(),
        "signal": reason.signal.map(|signal| json!({
            "number": signal.number,
            "name": signal.name(),
            "code": signal.code,
            "address": signal.fault_address().map(|address| format!("{address:#x}")),
            "sender": signal.sender(),
        })),
        "fatal": fatal,
        "panics": panics,
        "faulting_goroutine": session.goroutines.faulting(program).map(|g| g.id),
        "goroutines": {
            "total": list.len(),
            "system": list.iter().filter(|g| g.is_system()).count(),
            "states": states(session),
        },
        "maps": {
            "total": maps.len(),
            "entries": maps.iter().map(|map| map.len).sum::<u64>(),
            "bytes": maps.iter().map(|map| map.bytes).sum::<u64>(),
        },
        "heap_in_use": session.heap.bytes_in_use(),
    });
    session.json(findings, &json!({ "summary": summary }), out)
}
