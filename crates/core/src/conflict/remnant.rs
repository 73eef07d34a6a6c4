//! What ended calls have left below a stack. A goroutine whose operation is over when the runtime
//! stops the process waits by then, or does something else: its frames say nothing more of the map,
//! but the memory that they took is as it was until something else is called.

use tophash_runtime::frames::{Operation, Role, map_frame};

use crate::goroutines::Goroutine;
use crate::image::{Arch, Span};
use crate::memory::Memory;
use crate::program::{Call, Program};

use super::activity::{Sign, own_call, own_call_of, words};

/// Bytes below a stack that are searched: runs of calls are rarely deeper.
const DEPTH: u64 = 8 << 10;

/// Words around a return address among which the arguments of its call lie, or what its caller
/// made of them.
const NEAR: usize = 64;

/// A call into the runtime's map code that has returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Remnant {
    /// What it did.
    pub operation: Operation,
    /// The runtime's function.
    pub function: String,
    /// Where the program called it, or, if that is lost, where the program is now.
    pub place: Option<Call>,
    /// [`Sign::Call`] or [`Sign::Trace`].
    pub sign: Sign,
}

/// The latest call that worked on a map, in the memory below a goroutine's stack. Nothing tells how
/// long ago it was.
pub(super) fn remnant(
    program: &Program<'_>,
    goroutine: &Goroutine,
    map: u64,
    holders: &[Span],
    wanted: &dyn Fn(Operation, &str) -> bool,
) -> Option<Remnant> {
    let frames = &goroutine.stack.frames;
    let sp = frames.first()?.sp;
    let start = goroutine.bounds.start.max(sp.saturating_sub(DEPTH));
    // The arguments of a call lie above the address that it returns to.
    let stack = words(program, start, sp.saturating_add(8 * NEAR as u64));
    let dead = usize::try_from(sp.saturating_sub(start) / 8).unwrap_or(0);
    // Later calls lie over earlier ones, so that of those that are whole the highest is as good as
    // any.
    let places = (0..dead.min(stack.len())).rev();
    let whole = places.clone().find_map(|index| {
        let near = stack.get(index.saturating_sub(NEAR)..stack.len().min(index + NEAR))?;
        if !near.contains(&map) {
            return None;
        }
        call(program, *stack.get(index)?).filter(|call| wanted(call.operation, &call.function))
    });
    if whole.is_some() {
        return whole;
    }
    // What was called since lies over the call, but not over what was below it.
    let leads = |word: &u64| {
        let mut holders = holders.iter();
        *word == map || holders.any(|span| (span.start..span.end).contains(word))
    };
    if !words(program, start, goroutine.bounds.end)
        .iter()
        .any(leads)
    {
        return None;
    }
    places.into_iter().find_map(|index| {
        let pc = *stack.get(index)?;
        let function = program.functions.at(pc.checked_sub(1)?)?;
        let name = program.functions.name(function);
        let frame = map_frame(name).filter(|frame| frame.role == Role::Runtime)?;
        (pc > function.entry && wanted(frame.operation, name)).then(|| Remnant {
            operation: frame.operation,
            function: name.to_owned(),
            place: own_call(program, frames),
            sign: Sign::Trace,
        })
    })
}

/// The call that a word is the return address of, if it is one of the program's own to the
/// runtime's map code.
fn call(program: &Program<'_>, after: u64) -> Option<Remnant> {
    let function = called(program, after)?;
    let frame = map_frame(&function).filter(|frame| frame.role == Role::Runtime)?;
    let pc = after.checked_sub(1)?;
    let calls = program.functions.calls(program.functions.at(pc)?, pc);
    Some(Remnant {
        operation: frame.operation,
        function,
        place: Some(own_call_of(program, calls)?),
        sign: Sign::Call,
    })
}

/// The function that the instruction before an address calls, if it is a call of one.
fn called(program: &Program<'_>, after: u64) -> Option<String> {
    let text = program.functions.at(after.checked_sub(1)?)?;
    let target = match program.image.binary.arch {
        Arch::Amd64 => {
            // CALL rel32.
            let at = after.checked_sub(5).filter(|at| *at >= text.entry)?;
            let distance = program.image.u32(at.checked_add(1)?)?.cast_signed();
            (program.image.u8(at)? == 0xe8)
                .then(|| after.wrapping_add_signed(i64::from(distance)))?
        }
        Arch::Arm64 => {
            // BL imm26, in words.
            let at = after.checked_sub(4).filter(|at| *at >= text.entry)?;
            let instruction = program.image.u32(at)?;
            let words = (instruction << 6).cast_signed() >> 6;
            (instruction >> 26 == 0b10_0101)
                .then(|| at.wrapping_add_signed(4 * i64::from(words)))?
        }
    };
    let function = program.functions.at(target)?;
    (function.entry == target).then(|| program.functions.name(function).to_owned())
}
