//! What a goroutine was doing with maps: the operation it was inside of, and which maps' addresses
//! lie where that operation keeps them.

use rustc_hash::{FxHashMap, FxHashSet};
use tophash_runtime::frames::{Operation, Role, map_frame};
use tophash_runtime::layout;

use crate::goroutines::{Frame, Goroutine};
use crate::heap::Heap;
use crate::image::Span;
use crate::memory::Memory;
use crate::program::{Call, Program};
use crate::reason::arguments;

/// Bytes of stack that are searched for addresses: frames of the operation and of its caller are
/// small, unless a program keeps large arrays on its stack.
const WINDOW: u64 = 64 << 10;

/// An operation on a map that a goroutine has begun and not ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Activity {
    /// What the program does.
    pub operation: Operation,
    /// Whether it was moving entries into a larger table.
    pub growing: bool,
    /// Whether it failed in there: the runtime's check fired, or the memory was not what it
    /// should be.
    pub failed: bool,
    /// The function of the runtime that the program called.
    pub function: String,
    /// The call around it: the program's own, or the library's if no own one is near.
    pub place: Option<Call>,
    /// Addresses of maps that lie in its frames, with the best sign for each.
    pub maps: FxHashMap<u64, Sign>,
    /// The frame of the call around it.
    pub caller: Option<Frame>,
}

/// Why a map is taken for the one that a goroutine was working on, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sign {
    /// Below the stack there is left of a call that has returned, and a pointer to what holds the
    /// map is there besides.
    Trace,
    /// The same, and the call had the map's address close by.
    Call,
    /// A pointer to what holds the map lies on the stack.
    Holder,
    /// Its address lies in a frame of the program.
    Frame,
    /// Its address lies in a frame of the runtime's map functions, or in a register saved there.
    MapFrame,
    /// An iterator over it lies on the stack.
    Iterator,
    /// It is the argument of the runtime's map function.
    Argument,
}

impl Sign {
    /// Words for it, after "its stack": `its stack has ...`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Sign::Trace => {
                "what is left of that call lies below its stack, and a pointer to what holds the \
                 map on it"
            }
            Sign::Call => "what is left of that call, with the map's address, lies below its stack",
            Sign::Holder => "a pointer to what holds the map lies on its stack",
            Sign::Frame => "the map's address lies in a frame of the program",
            Sign::MapFrame => "the map's address lies in the frames of the operation",
            Sign::Iterator => "an iterator over the map lies on its stack",
            Sign::Argument => "the map is the argument of the operation",
        }
    }
}

/// Whether a function is part of the machinery rather than of the program.
pub(super) fn is_machinery(function: &str) -> bool {
    const PACKAGES: [&str; 7] = [
        "runtime.",
        "internal/runtime/",
        "reflect.",
        "internal/reflectlite.",
        "internal/bytealg.",
        "type:.",
        "internal/abi.",
    ];
    let machinery = PACKAGES.iter().any(|package| function.starts_with(package))
        || map_frame(function).is_some_and(|frame| frame.role == Role::Library);
    machinery && function != "runtime.main"
}

/// The operation that a goroutine is inside of, if it is: only the runtime's own calls are on top
/// of it.
pub(super) fn activity(
    program: &Program<'_>,
    maps: &FxHashSet<u64>,
    goroutine: &Goroutine,
) -> Option<Activity> {
    if goroutine.stale.is_some() {
        return None;
    }
    let mut found: Option<(Operation, String)> = None;
    let mut growing = false;
    let (mut panicking, mut faulted, mut fatal) = (false, false, false);
    let mut place = None;
    let mut signs = FxHashMap::default();
    let frames = &goroutine.stack.frames;
    let mut end = frames.first()?.sp;
    let mut callers = 0;
    for (index, frame) in frames.iter().enumerate() {
        let mut in_map_code = false;
        for call in frame.calls(program) {
            let name = call.function.as_str();
            match map_frame(name) {
                Some(map) => {
                    in_map_code |= map.role == Role::Runtime;
                    growing |= map.operation == Operation::Grow;
                    if let Some(argument) = map.map.filter(|_| !call.inlined) {
                        argument_sign(program, maps, frame, argument, &mut signs);
                    }
                    // Of functions on top of each other the outermost says what is done.
                    found = Some((map.operation, call.function.clone()));
                }
                None if found.is_none() => match name {
                    "runtime.gopanic" => panicking = true,
                    "runtime.sigpanic" => faulted = true,
                    "runtime.fatal" | "runtime.throw" => fatal = true,
                    _ => {}
                },
                None => {}
            }
            if !is_machinery(name) && place.is_none() {
                place = Some(call);
            }
        }
        end = frame.fp;
        let sign = if in_map_code || place.is_none() {
            Sign::MapFrame
        } else {
            Sign::Frame
        };
        scan(program, maps, frame, sign, &mut signs);
        callers = index;
        if place.is_some() {
            break;
        }
    }
    let (operation, function) = found?;
    let near = frames.get(callers..).unwrap_or_default();
    let place = own_call(program, near).or(place);
    // A panic of the program's own making, such as for a nil map, is no meeting of two.
    if panicking && !faulted {
        return None;
    }
    if operation == Operation::Iterate {
        let start = frames.first()?.sp;
        iterators(program, maps, Span { start, end }, &mut signs);
    }
    Some(Activity {
        operation,
        growing,
        failed: fatal || faulted,
        function,
        place,
        maps: signs,
        caller: frames.get(callers).copied(),
    })
}

/// Frames of the library that are passed by on the way to a call of the program itself.
const NEAR: usize = 16;

/// The innermost call of the program itself in these frames.
pub(super) fn own_call(program: &Program<'_>, frames: &[Frame]) -> Option<Call> {
    let calls = frames.iter().take(NEAR).flat_map(|f| f.calls(program));
    own_call_of(program, calls)
}

/// The first of these calls that is the program's own.
pub(super) fn own_call_of(
    program: &Program<'_>,
    calls: impl IntoIterator<Item = Call>,
) -> Option<Call> {
    let mut calls = calls.into_iter();
    calls.find(|call| !is_machinery(&call.function) && !program.is_standard(call))
}

/// Bytes of the arguments of a call that come in registers: nine words on amd64.
const ARGUMENTS: u64 = 72;

/// Bytes of an object that are looked at for maps that it holds.
const OBJECT: u64 = 512;

/// Maps that the pointers in a frame lead to in one step, through what holds them.
pub(super) fn held_maps(
    program: &Program<'_>,
    heap: &Heap<'_>,
    maps: &FxHashSet<u64>,
    frame: &Frame,
) -> FxHashSet<u64> {
    let module = &program.module;
    let mut found = FxHashSet::default();
    // A function keeps arguments that came in registers above its own frame.
    for word in words(program, frame.sp, frame.fp.saturating_add(ARGUMENTS)) {
        let end = if let Some(object) = heap.object(word) {
            object.address.saturating_add(object.usable)
        } else if [module.data.span, module.bss.span]
            .iter()
            .any(|span| (span.start..span.end).contains(&word))
        {
            word.saturating_add(OBJECT)
        } else {
            continue;
        };
        let end = end.min(word.saturating_add(OBJECT));
        found.extend(
            words(program, word, end)
                .into_iter()
                .filter(|word| maps.contains(word)),
        );
    }
    found
}

fn better(signs: &mut FxHashMap<u64, Sign>, map: u64, sign: Sign) {
    let known = signs.entry(map).or_insert(sign);
    *known = (*known).max(sign);
}

/// Looks at the place where a function keeps an argument that came in a register. It need not
/// have put it there, so that only the address of a map counts.
fn argument_sign(
    program: &Program<'_>,
    maps: &FxHashSet<u64>,
    frame: &Frame,
    argument: usize,
    signs: &mut FxHashMap<u64, Sign>,
) {
    let at = arguments(program, frame).wrapping_add(8 * argument as u64);
    if let Some(map) = program.image.u64(at).filter(|word| maps.contains(word)) {
        better(signs, map, Sign::Argument);
    }
}

/// Looks for addresses of maps in a frame.
fn scan(
    program: &Program<'_>,
    maps: &FxHashSet<u64>,
    frame: &Frame,
    sign: Sign,
    signs: &mut FxHashMap<u64, Sign>,
) {
    for word in words(program, frame.sp, frame.fp) {
        if maps.contains(&word) {
            better(signs, word, sign);
        }
    }
}

/// Words of a stretch of stack, at most as many as are searched.
pub(super) fn words(program: &Program<'_>, start: u64, end: u64) -> Vec<u64> {
    let len = end.saturating_sub(start).min(WINDOW);
    let bytes = usize::try_from(len)
        .ok()
        .and_then(|len| program.image.read(start, len))
        .unwrap_or_default();
    let chunks = bytes.chunks_exact(8);
    chunks
        .filter_map(|word| Some(u64::from_le_bytes(*word.first_chunk()?)))
        .collect()
}

/// Looks for iterators: a map type's descriptor and the map's address side by side.
fn iterators(
    program: &Program<'_>,
    maps: &FxHashSet<u64>,
    stack: Span,
    signs: &mut FxHashMap<u64, Sign>,
) {
    let (type_at, map_at) = match layout::hiter(program.build) {
        Some(iterator) => (iterator.map_type, iterator.map),
        None => (layout::SWISS_ITER.map_type, layout::SWISS_ITER.map),
    };
    let distance = usize::try_from(map_at.saturating_sub(type_at) / 8).unwrap_or(1);
    let types = program.module.types;
    let words = words(program, stack.start, stack.end);
    for (index, ty) in words.iter().enumerate() {
        if (types.start..types.end).contains(ty)
            && let Some(map) = words.get(index + distance)
            && maps.contains(map)
        {
            better(signs, *map, Sign::Iterator);
        }
    }
}
