//! `tophash core ... goroutines`: stacks, folded.

use std::io::{self, Write};

use serde_json::{Value, json};
use tophash_core::goroutines::{Cut, Goroutine, Stale};
use tophash_core::program::Call;
use tophash_runtime::frames::{Operation, map_frame};

use crate::output::Status;

use super::{Format, Session, counted, title};

/// Show goroutines with their stacks, alike ones once, those inside map operations first
#[derive(clap::Args)]
pub(super) struct Args {
    /// Show one goroutine only, by its number
    #[arg(value_name = "GOROUTINE")]
    id: Option<u64>,
}

/// Goroutines that look alike.
struct Group<'a> {
    members: Vec<&'a Goroutine>,
    calls: Vec<Call>,
    operation: Option<Operation>,
}

pub(super) fn run(session: &Session<'_>, args: &Args, out: &mut dyn Write) -> io::Result<Status> {
    let list = session.goroutines.list.iter();
    let chosen: Vec<&Goroutine> = list
        .filter(|goroutine| match args.id {
            Some(id) => goroutine.id == id,
            None => session.verbose || !goroutine.is_system(),
        })
        .collect();
    if let (Some(id), true) = (args.id, chosen.is_empty()) {
        crate::output::complain(&format!("there is no goroutine {id}"));
        return Ok(Status::Failed);
    }
    if session.format == Format::Json {
        let goroutines: Vec<_> = chosen.iter().map(|g| describe(session, g)).collect();
        session.json(&[], &json!({ "goroutines": goroutines }), out)?;
        return Ok(Status::Clean);
    }
    let hidden = session.goroutines.list.len() - chosen.len();
    for (index, group) in groups(session, &chosen).iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_group(session, group, out)?;
    }
    if args.id.is_none() && hidden > 0 {
        writeln!(
            out,
            "\n{} of the runtime not shown; -v shows them",
            counted(hidden, "goroutine")
        )?;
    }
    Ok(Status::Clean)
}

/// Folds goroutines with the same state, stack and creator. Those inside map operations come
/// first, then the larger groups.
fn groups<'a>(session: &Session<'_>, goroutines: &[&'a Goroutine]) -> Vec<Group<'a>> {
    let mut index: std::collections::HashMap<(Vec<u64>, &str, Option<&Call>), usize> =
        std::collections::HashMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for goroutine in goroutines {
        let pcs = goroutine
            .stack
            .frames
            .iter()
            .map(|frame| frame.pc)
            .collect();
        let key = (pcs, goroutine.state(), goroutine.created_by.as_ref());
        let at = *index.entry(key).or_insert_with(|| {
            let calls = calls(session, goroutine);
            groups.push(Group {
                members: Vec::new(),
                // Where it was before it went on says nothing of what it does.
                operation: operation(&calls).filter(|_| goroutine.stale.is_none()),
                calls,
            });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.members.push(goroutine);
        }
    }
    groups.sort_by_key(|group| {
        let first = group.members.first().map_or(0, |g| g.id);
        (
            group.operation.is_none(),
            usize::MAX - group.members.len(),
            first,
        )
    });
    groups
}

/// The map operation that a stack is inside of.
pub(super) fn operation(calls: &[Call]) -> Option<Operation> {
    let mut frames = calls.iter().filter_map(|call| map_frame(&call.function));
    frames.next_back().map(|frame| frame.operation)
}

/// All calls of a goroutine's stack.
pub(super) fn calls(session: &Session<'_>, goroutine: &Goroutine) -> Vec<Call> {
    let frames = goroutine.stack.frames.iter();
    frames
        .flat_map(|frame| frame.calls(session.program))
        .collect()
}

/// How many calls are shown of a stack unless more is asked for.
const SHOWN: usize = 50;

fn write_group(session: &Session<'_>, group: &Group<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = group.members.first() else {
        return Ok(());
    };
    match group.members.as_slice() {
        [one] => write!(out, "{}", title(one))?,
        many => {
            let ids: Vec<_> = many.iter().take(5).map(|g| g.id.to_string()).collect();
            let more = if many.len() > ids.len() { ", ..." } else { "" };
            write!(
                out,
                "{} [{}]: {}{more}",
                counted(many.len(), "goroutine"),
                first.state(),
                ids.join(", ")
            )?;
        }
    }
    if let Some(operation) = group.operation {
        write!(out, ", inside a map operation: {operation}")?;
    }
    writeln!(out)?;
    write_stack(session, first, &group.calls, out)
}

/// Writes a stack as tracebacks have it, without arguments.
pub(super) fn write_stack(
    session: &Session<'_>,
    goroutine: &Goroutine,
    calls: &[Call],
    out: &mut dyn Write,
) -> io::Result<()> {
    if let Some(stale) = goroutine.stale {
        let why = match stale {
            Stale::NoRegisters => {
                "it runs and its registers are not known; this is where it last gave up its thread"
            }
            Stale::OutsideGo => {
                "its thread is outside of Go code; this is where it last gave up its thread"
            }
        };
        writeln!(out, "    ({why})")?;
    }
    let calls = if session.verbose { calls } else { shown(calls) };
    let limit = if session.verbose { usize::MAX } else { SHOWN };
    for call in calls.iter().take(limit) {
        writeln!(out, "    {}", name(call))?;
        writeln!(out, "        {}:{}", call.file, call.line)?;
    }
    if calls.len() > limit {
        writeln!(
            out,
            "    ... {} more calls; -v shows them",
            calls.len() - limit
        )?;
    }
    match goroutine.stack.cut {
        None => {}
        Some(Cut::UnknownPc(pc)) => match session.program.image.foreign_file(pc) {
            Some(file) => writeln!(out, "    (called from {file}, which is no Go code)")?,
            None => writeln!(out, "    (the stack breaks off: {pc:#x} is no Go code)")?,
        },
        Some(Cut::SwitchesStack) => {
            writeln!(
                out,
                "    (the stack breaks off: this function changes stacks)"
            )?;
        }
        Some(Cut::Unreadable(at)) => {
            writeln!(out, "    (the stack breaks off: {at:#x} can't be read)")?;
        }
        Some(Cut::TooDeep) => writeln!(out, "    (the stack goes on)")?,
    }
    if let Some(creator) = created_by(goroutine) {
        writeln!(
            out,
            "    created by {} in goroutine {}",
            creator.function, goroutine.parent
        )?;
        writeln!(out, "        {}:{}", creator.file, creator.line)?;
    }
    Ok(())
}

/// The creator, which the goroutine of `main` has not.
fn created_by(goroutine: &Goroutine) -> Option<&Call> {
    goroutine.created_by.as_ref().filter(|_| goroutine.id != 1)
}

/// Leaves out what the runtime does while it brings the process down, and the first function of
/// every stack.
pub(super) fn shown(calls: &[Call]) -> &[Call] {
    let death = |call: &Call| {
        matches!(
            call.function.as_str(),
            "runtime.gopanic" | "runtime.fatal" | "runtime.throw" | "runtime.sigpanic"
        )
    };
    let start = calls.iter().rposition(death).unwrap_or(0);
    let calls = calls.get(start..).unwrap_or(calls);
    match calls {
        [rest @ .., last] if last.function == "runtime.goexit" && !rest.is_empty() => rest,
        _ => calls,
    }
}

/// A function's name as tracebacks show it.
fn name(call: &Call) -> &str {
    match call.function.as_str() {
        "runtime.gopanic" => "panic",
        name => name,
    }
}

/// A goroutine for programs.
fn describe(session: &Session<'_>, goroutine: &Goroutine) -> Value {
    let calls = calls(session, goroutine);
    let call = |call: &Call| {
        json!({
            "function": call.function,
            "file": call.file,
            "line": call.line,
            "inlined": call.inlined,
        })
    };
    json!({
        "id": goroutine.id,
        "address": format!("{:#x}", goroutine.address),
        "state": goroutine.state(),
        "system": goroutine.is_system(),
        "operation": operation(&calls)
            .filter(|_| goroutine.stale.is_none())
            .map(Operation::as_str),
        "labels": goroutine.labels.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "stale": goroutine.stale.is_some(),
        "complete": goroutine.stack.cut.is_none(),
        "stack": calls.iter().map(call).collect::<Vec<_>>(),
        "created_by": created_by(goroutine).map(call),
        "parent": goroutine.parent,
    })
}
