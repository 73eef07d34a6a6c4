//! Why a process stopped: its last words, read back from the core.

use tophash_runtime::GoVersion;
use tophash_runtime::layout::TYPE;

use crate::goroutines::{Frame, Goroutine, Goroutines, Stack};
use crate::image::{Arch, Signal};
use crate::memory::Memory;
use crate::program::{Program, Slice};

/// Panics in a chain that are read.
const CHAIN: usize = 16;

/// Bytes of a message that are read.
const MESSAGE: u64 = 4096;

/// Longer than any text that the runtime gives to `throw` or `fatal`.
const ARGUMENT: u64 = 200;

/// Bytes of `runtime.printBacklog` (runtime/print.go).
const BACKLOG: usize = 512;

/// Bytes that are searched at a time.
const CHUNK: usize = 1 << 20;

/// Why a process stopped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reason {
    /// The signal that ended the process.
    pub signal: Option<Signal>,
    /// What the runtime said, if it brought the process down itself.
    pub message: Option<Message>,
}

/// What the runtime said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// `fatal error: TEXT`.
    Fatal(String),
    /// `panic: TEXT`, the first panic first: each later one came up while the one before was
    /// running deferred calls.
    Panics(Vec<Panic>),
}

impl Message {
    /// The text that counts: of the last panic that was not recovered.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Message::Fatal(text) => text,
            Message::Panics(panics) => panics.last().map_or("", |panic| &panic.value),
        }
    }
}

/// A panic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Panic {
    /// Its value as far as it can be read, errors as their messages.
    pub value: String,
    /// Type of the value.
    pub value_type: String,
    /// Whether it was recovered.
    pub recovered: bool,
}

/// Reads why a process stopped. A process that runs has not.
#[must_use]
pub fn reason(program: &Program<'_>, goroutines: &Goroutines) -> Reason {
    if program.image.origin.is_live() {
        return Reason::default();
    }
    let signal = program.image.notes.signal;
    let faulting = goroutines.faulting(program);
    let system = goroutines.system_stack(program);
    let stacks = faulting.map(|goroutine| &goroutine.stack).into_iter();
    let mut stacks = stacks.chain(&system);
    let fatal = stacks.find_map(|stack| fatal_frame(program, stack));
    let message = match fatal {
        Some(frame) => {
            let argument = || fatal_argument(program, &frame);
            let print = || last_fatal_print(program);
            // Up to 1.23 the place of the argument is used for other things.
            let text = if program.build.version < GoVersion::Go1_24 {
                print().or_else(argument)
            } else {
                argument().or_else(print)
            };
            Some(Message::Fatal(text.unwrap_or_default()))
        }
        None => faulting
            .map(|goroutine| panics(program, goroutine))
            .filter(|panics| panics.iter().any(|panic| !panic.recovered))
            .map(Message::Panics),
    };
    Reason { signal, message }
}

/// The frame of `throw` or `fatal`.
fn fatal_frame(program: &Program<'_>, stack: &Stack) -> Option<Frame> {
    let mut frames = stack.frames.iter();
    let frame = frames.find(|frame| {
        frame.function.is_some_and(|function| {
            let name = program.functions.name(function);
            matches!(name, "runtime.throw" | "runtime.fatal")
        })
    });
    frame.copied()
}

/// The text that `throw` or `fatal` was called with. Since 1.24 both keep their argument in its
/// place on the stack.
fn fatal_argument(program: &Program<'_>, frame: &Frame) -> Option<String> {
    let text = Slice::read(program.image, arguments(program, frame))?;
    if text.len > ARGUMENT {
        return None;
    }
    let text = string(program, text)?;
    let printed = !text.is_empty() && text.chars().all(|c| c == '\n' || !c.is_control());
    printed.then_some(text)
}

/// The last fatal error in the ring of what the runtime has printed. Of a stripped program, the
/// text is looked for among variables without pointers.
fn last_fatal_print(program: &Program<'_>) -> Option<String> {
    let image = program.image;
    let ring = program.symbol("runtime.printBacklog").and_then(|address| {
        let index = image.u64(program.symbol("runtime.printBacklogIndex")?)?;
        let ring = image.read(address, BACKLOG)?;
        let middle = usize::try_from(index).ok().filter(|at| *at <= BACKLOG)?;
        let (late, early) = ring.split_at_checked(middle)?;
        Some([early, late].concat())
    });
    match ring {
        Some(ring) => fatal_line(&ring),
        None => {
            let span = program.module.noptrbss;
            let mut at = span.start;
            while at < span.end {
                let len = usize::try_from(span.end - at).unwrap_or(CHUNK).min(CHUNK);
                let bytes = image.read_some(at, len);
                if let Some(line) = fatal_line(&bytes) {
                    return Some(line);
                }
                at = at.saturating_add((bytes.len() as u64).max(4096));
            }
            None
        }
    }
}

/// The last line that says `fatal error: `, without these words.
fn fatal_line(bytes: &[u8]) -> Option<String> {
    const HEAD: &[u8] = b"fatal error: ";
    let at = bytes
        .windows(HEAD.len())
        .rposition(|window| window == HEAD)?;
    let rest = bytes.get(at + HEAD.len()..)?;
    let end = rest.iter().position(|byte| byte.is_ascii_control());
    let line = rest.get(..end.unwrap_or(rest.len()))?;
    (!line.is_empty()).then(|| String::from_utf8_lossy(line).into_owned())
}

/// The address of a frame's arguments.
#[must_use]
pub fn arguments(program: &Program<'_>, frame: &Frame) -> u64 {
    match program.image.binary.arch {
        Arch::Amd64 => frame.fp,
        // The caller keeps its link register in the first word.
        Arch::Arm64 => frame.fp.wrapping_add(8),
    }
}

/// The panics in progress, the first first.
fn panics(program: &Program<'_>, goroutine: &Goroutine) -> Vec<Panic> {
    let layout = &program.layout.panics;
    let image = program.image;
    let mut panics = Vec::new();
    let mut at = goroutine.panic;
    while at != 0 && panics.len() < CHAIN {
        let flag = |offset: u64| at.checked_add(offset).and_then(|at| image.u8(at));
        let arg = at.wrapping_add(layout.arg);
        if flag(layout.goexit) != Some(1)
            && let (Some(kind), Some(data)) = (image.u64(arg), image.u64(arg.wrapping_add(8)))
        {
            let value_type = type_name(program, kind).unwrap_or_else(|| "?".to_owned());
            panics.push(Panic {
                value: value(program, kind, data)
                    .unwrap_or_else(|| format!("({value_type}) at {data:#x}")),
                value_type,
                recovered: flag(layout.recovered) == Some(1),
            });
        }
        at = image.u64(at.wrapping_add(layout.link)).unwrap_or(0);
    }
    panics.reverse();
    panics
}

/// The value of an interface as text. The runtime has put messages in the place of errors before
/// it prints them, so that strings and numbers are nearly all there is.
fn value(program: &Program<'_>, kind: u64, data: u64) -> Option<String> {
    let image = program.image;
    let number = image.u8(kind.checked_add(TYPE.kind)?)? & 0x1f;
    Some(match number {
        1 => (image.u8(data)? != 0).to_string(),
        2 | 6 => image.u64(data)?.cast_signed().to_string(),
        3 => image.u8(data)?.cast_signed().to_string(),
        4 => image.u16(data)?.cast_signed().to_string(),
        5 => image.u32(data)?.cast_signed().to_string(),
        7 | 11 | 12 => image.u64(data)?.to_string(),
        8 => image.u8(data)?.to_string(),
        9 => image.u16(data)?.to_string(),
        10 => image.u32(data)?.to_string(),
        13 => f32::from_bits(image.u32(data)?).to_string(),
        14 => f64::from_bits(image.u64(data)?).to_string(),
        24 => string(program, Slice::read(image, data)?)?,
        _ => return None,
    })
}

/// The name of a type, from its descriptor: `runtime.plainError`.
fn type_name(program: &Program<'_>, descriptor: u64) -> Option<String> {
    let image = program.image;
    let types = program.module.types;
    if !(types.start..types.end).contains(&descriptor) {
        return None;
    }
    let offset = image.u32(descriptor.checked_add(TYPE.name)?)?;
    let mut at = types.start.checked_add(u64::from(offset))?.checked_add(1)?;
    let mut len = 0u64;
    for shift in [0, 7, 14] {
        let byte = image.u8(at)?;
        at = at.checked_add(1)?;
        len |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let name = string(program, Slice { data: at, len })?;
    // Names that need one star for a pointer type lend it to the type they point to.
    let extra_star = image.u8(descriptor.checked_add(TYPE.flags)?)? & 2 != 0;
    let stripped = name.strip_prefix('*').filter(|_| extra_star);
    Some(stripped.map(str::to_owned).unwrap_or(name))
}

fn string(program: &Program<'_>, text: Slice) -> Option<String> {
    let len = usize::try_from(text.len.min(MESSAGE)).ok()?;
    let bytes = program.image.read(text.data, len)?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
