//! Names for crashes, so that one from a thousand pods counts once.

use crate::model::{Crash, Frame, Kind, Stack};
use crate::names;
use crate::verdict::Verdict;

/// Bytes of the hash that a fingerprint keeps, as in those of findings.
const BYTES: usize = 8;

/// The program's own frames that count, from the failure outwards. Deeper ones tell which
/// request it was.
const FRAMES: usize = 5;

/// A fingerprint of the class, of the functions on the way to the failure and of its line.
/// Addresses, goroutine numbers, arguments, directories and the runtime's own frames, which
/// differ between Go versions and levels of GOTRACEBACK, do not count.
pub(crate) fn of(crash: &Crash, verdict: &Verdict) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &str| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    };
    add(verdict.class.as_str());
    // What the race detector saw has not stopped the program.
    if crash.kind == Kind::Race {
        add("race");
    }
    let frames = verdict.failed.as_ref().and_then(|side| {
        let stack = crash.stacks.get(side.stack)?;
        let frames = stack.frames.get(side.frame?..)?;
        Some(without_wrapper(stack, frames))
    });
    match frames {
        Some(frames) => {
            if let Some(frame) = frames.first() {
                let file = frame.file.rsplit(['/', '\\']).next().unwrap_or_default();
                add(file);
                add(&frame.line.to_string());
            }
            frames
                .iter()
                .filter(|f| !f.is_std() && !names::is_wrapper(&f.function))
                .take(FRAMES)
                .for_each(|f| add(&f.function));
        }
        None => add(&without_numbers(&verdict.message)),
    }
    let hash = hasher.finalize();
    let bytes = hash.as_bytes().get(..BYTES).unwrap_or_default();
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The frames without the outermost, if it is what the compiler makes of `go f(x)`: a closure
/// that stands on the line of the `go` statement. It is printed at the levels `system` and
/// `crash` only, and before 1.22 its name is that of any closure.
fn without_wrapper<'a>(stack: &Stack, frames: &'a [Frame]) -> &'a [Frame] {
    let own = frames
        .iter()
        .rposition(|f| !f.is_std())
        .map_or(frames, |last| &frames[..=last]);
    let (Some(creator), Some((last, rest))) = (&stack.created, own.split_last()) else {
        return own;
    };
    let closure = last
        .function
        .strip_prefix(creator.function.as_str())
        .is_some_and(|name| name.starts_with('.'));
    match closure && last.line == creator.line && !rest.is_empty() {
        true => rest,
        false => own,
    }
}

/// The text with each number, decimal or hexadecimal, made one sign.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        let digit = c.is_ascii_digit() || inside && (c.is_ascii_hexdigit() || c == 'x');
        if digit && !inside {
            out.push('#');
        } else if !digit {
            out.push(c);
        }
        inside = digit;
    }
    out
}
