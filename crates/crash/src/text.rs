//! Goroutines for people.

use std::fmt::Write as _;
use std::io::{self, Write};

use tophash_runtime::frames;

use crate::cases::Case;
use crate::model::{Frame, Stack};

/// How much of the goroutines is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Every stack and every frame, the runtime's own too.
    pub all: bool,
}

/// Stacks shown besides the failed one and the candidates for the other side.
const MAX_STACKS: usize = 10;

/// Frames shown of a stack.
const MAX_FRAMES: usize = 12;

/// Lists the goroutines of a case, those that matter first and equal ones once. `path` gives a
/// file the name under which it is shown.
///
/// # Errors
/// What writing gives.
pub fn list(
    case: &Case,
    listing: Listing,
    path: &dyn Fn(&str) -> String,
    out: &mut dyn Write,
) -> io::Result<()> {
    let crash = &case.crash;
    if crash.stacks.is_empty() {
        return Ok(());
    }
    let mut order: Vec<usize> = Vec::new();
    let verdict = &case.verdict;
    let named = verdict
        .failed
        .iter()
        .chain(verdict.others.iter().map(|o| &o.side));
    for index in named.map(|side| side.stack) {
        if !order.contains(&index) {
            order.push(index);
        }
    }
    let mut rest: Vec<usize> = (0..crash.stacks.len())
        .filter(|index| !order.contains(index))
        .filter(|&index| listing.all || !crash.stacks.get(index).is_some_and(is_system))
        .collect();
    rest.sort_by_key(|&i| std::cmp::Reverse(crash.stacks.get(i).map_or(0, |s| s.count)));
    let shown = match listing.all {
        true => rest.len(),
        false => rest.len().min(MAX_STACKS),
    };
    order.extend(&rest[..shown]);

    let n = crash.goroutines;
    let (s, different) = (plural(n), crash.stacks.len() as u64);
    match different == n {
        true => writeln!(out, "{n} goroutine{s}:")?,
        false => writeln!(
            out,
            "{n} goroutine{s}, {different} different stack{}:",
            plural(different)
        )?,
    }
    for index in order {
        let Some(stack) = crash.stacks.get(index) else {
            continue;
        };
        writeln!(out)?;
        let failed = verdict.is_of_one(crash)
            && verdict
                .failed
                .as_ref()
                .is_some_and(|side| side.stack == index);
        writeln!(out, "{}", title(stack, failed))?;
        frames_of(stack, listing, path, out)?;
    }
    let system: u64 = match listing.all {
        true => 0,
        false => crash
            .stacks
            .iter()
            .filter(|s| is_system(s))
            .map(|s| s.count)
            .sum(),
    };
    let hidden: u64 = rest[shown..]
        .iter()
        .filter_map(|&i| crash.stacks.get(i))
        .map(|s| s.count)
        .sum();
    let hidden = hidden + system;
    if hidden > 0 {
        writeln!(
            out,
            "\n{hidden} more goroutine{}; -v lists all",
            plural(hidden)
        )?;
    }
    Ok(())
}

fn plural(n: u64) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn title(stack: &Stack, failed: bool) -> String {
    let id = stack.members.first().map_or(0, |m| m.id);
    let mut title = match stack.count {
        1 => format!("goroutine {id}"),
        n => format!("{n} goroutines, {id} first"),
    };
    if !stack.state.is_empty() {
        let _ = write!(title, " [{}", stack.state);
        match stack.wait {
            Some((a, b)) if a == b => {
                let _ = write!(title, ", {a} minute{}", plural(a));
            }
            Some((a, b)) => {
                let _ = write!(title, ", {a} to {b} minutes");
            }
            None => {}
        }
        if stack.locked {
            title.push_str(", locked to thread");
        }
        title.push(']');
    }
    let labels = stack.members.first().map(|m| m.labels.as_slice());
    if let Some(labels) = labels.filter(|l| !l.is_empty()) {
        let labels: Vec<String> = labels.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        let _ = write!(title, " {{{}}}", labels.join(", "));
    }
    if failed {
        title.push_str(", failed here");
    }
    title
}

fn frames_of(
    stack: &Stack,
    listing: Listing,
    path: &dyn Fn(&str) -> String,
    out: &mut dyn Write,
) -> io::Result<()> {
    if stack.unavailable {
        writeln!(
            out,
            "    (running on another thread: Go could not print its stack)"
        )?;
    }
    let kept: Vec<(usize, &Frame)> = stack
        .frames
        .iter()
        .enumerate()
        .filter(|(_, f)| listing.all || !is_noise(f))
        .collect();
    let shown = match listing.all {
        true => kept.len(),
        false => kept.len().min(MAX_FRAMES),
    };
    let rows: Vec<(usize, String, &Frame)> = kept[..shown]
        .iter()
        .map(|&(at, f)| (at, position(f, path), f))
        .collect();
    let width = rows
        .iter()
        .map(|(_, p, _)| p.chars().count())
        .max()
        .unwrap_or(0);
    let mut elided = stack.elided;
    for (at, position, frame) in &rows {
        if let Some((behind, count)) = elided
            && *at >= behind
        {
            elision(count, out)?;
            elided = None;
        }
        let pad = width - position.chars().count();
        writeln!(out, "    {position}{:pad$}  {}", "", frame.function)?;
    }
    if kept.len() > shown {
        let n = kept.len() - shown;
        writeln!(out, "    ... {n} more frame{}", plural(n as u64))?;
    } else if let Some((_, count)) = elided {
        elision(count, out)?;
    }
    if let Some(creator) = &stack.created {
        let at = match creator.file.is_empty() {
            true => String::new(),
            false => format!(" at {}:{}", path(&creator.file), creator.line),
        };
        writeln!(out, "    started by {}{at}", creator.function)?;
    }
    Ok(())
}

fn elision(count: Option<u64>, out: &mut dyn Write) -> io::Result<()> {
    match count {
        Some(n) => writeln!(out, "    ... {n} frame{} that Go left out", plural(n)),
        None => writeln!(out, "    ... more frames that Go left out"),
    }
}

/// Goroutines of the runtime itself.
pub(crate) fn is_system(stack: &Stack) -> bool {
    let started = stack
        .created
        .as_ref()
        .is_some_and(|c| c.function.starts_with("runtime."));
    started
        && stack
            .frames
            .iter()
            .all(|f| frames::package(&f.function) == "runtime")
}

/// Frames that say the same in every stack.
fn is_noise(frame: &Frame) -> bool {
    frames::package(&frame.function) == "runtime"
        && frame.map_frame().is_none()
        && frame.function != "runtime.Goexit"
}

fn position(frame: &Frame, path: &dyn Fn(&str) -> String) -> String {
    match frame.file.is_empty() {
        true => "?".to_owned(),
        false => format!("{}:{}", path(&frame.file), frame.line),
    }
}
