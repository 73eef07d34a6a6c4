//! Goroutines: state, stack, creator, labels.

mod find;
mod labels;
mod stack;

use tophash_finding::{Problem, ProblemKind};
use tophash_runtime::goroutine::{Status, wait_reason};

use crate::image::{Arch, Registers, Span};
use crate::memory::Memory;
use crate::program::{Call, Program};

pub use find::Machine;
pub(crate) use find::each_chunk;
pub use stack::{Cut, Frame, Stack};

use stack::Start;

/// A goroutine that has begun and not ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Goroutine {
    /// Address of its `g`.
    pub address: u64,
    /// Its number.
    pub id: u64,
    /// What it is doing.
    pub status: Status,
    /// Why it waits, if it does.
    pub wait_reason: Option<&'static str>,
    /// When it began to wait or to call the system, in the runtime's nanoseconds; none if the
    /// runtime has not noted it, which it does when it collects garbage only.
    pub wait_since: Option<u64>,
    /// Number of the goroutine that made it; 0 if not known.
    pub parent: u64,
    /// The `go` statement that made it.
    pub created_by: Option<Call>,
    /// The function it began with.
    pub start: Option<String>,
    /// Its profiling labels.
    pub labels: Vec<(String, String)>,
    /// Its stack's memory.
    pub bounds: Span,
    /// Its stack.
    pub stack: Stack,
    /// Address of the `m` that it runs on or that waits for it; 0 if none.
    pub machine: u64,
    /// Address of its innermost panic; 0 if it doesn't panic.
    pub panic: u64,
    /// Why its stack may be out of date.
    pub stale: Option<Stale>,
}

/// Why a stack may not be what a goroutine is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stale {
    /// It runs, and its registers are not known: they can't be read without stopping the thread,
    /// or the core has none for it.
    NoRegisters,
    /// It runs, but its thread is outside of Go code that tells where it came from.
    OutsideGo,
}

impl Goroutine {
    /// Whether it is one of the runtime's own: its collector and the like.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.start.as_deref().is_some_and(|start| {
            start.starts_with("runtime.")
                && !matches!(start, "runtime.main" | "runtime.corostart")
                && !start.contains("handleAsyncEvent")
        })
    }

    /// What it is doing, as tracebacks say it.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self.status {
            Status::Waiting | Status::Leaked => self.wait_reason.unwrap_or(self.status.as_str()),
            status => status.as_str(),
        }
    }
}

/// All goroutines and threads.
#[derive(Clone, Default, Debug)]
pub struct Goroutines {
    /// Goroutines by number.
    pub list: Vec<Goroutine>,
    /// Threads that the runtime knows.
    pub machines: Vec<Machine>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Goroutines {
    /// Reads all goroutines of a process.
    #[must_use]
    pub fn load(program: &Program<'_>) -> Self {
        let mut problems = Vec::new();
        let origin = program.image.origin.to_string();
        let mut problem = |message: String| {
            problems.push(Problem {
                file: Some(origin.clone()),
                line: None,
                column: None,
                kind: ProblemKind::Read,
                message,
            });
        };
        let Some(addresses) = find::all(program) else {
            problem("the list of goroutines can't be found or read".to_owned());
            return Self {
                problems,
                ..Self::default()
            };
        };
        let machines = find::machines(program, &addresses);
        let read: Vec<_> = {
            use rayon::prelude::*;
            let addresses = addresses.par_iter();
            addresses
                .map(|address| read(program, &machines, *address))
                .collect()
        };
        let lost = read.iter().filter(|goroutine| goroutine.is_none()).count();
        if lost > 0 {
            problem(format!("{lost} goroutines can't be read"));
        }
        let mut list: Vec<_> = read.into_iter().flatten().flatten().collect();
        list.sort_by_key(|goroutine| (goroutine.id, goroutine.address));
        Self {
            list,
            machines,
            problems,
        }
    }

    /// The goroutine that brought the process down: the current one of the thread that got the
    /// signal, which is the first in a core.
    #[must_use]
    pub fn faulting(&self, program: &Program<'_>) -> Option<&Goroutine> {
        if program.image.origin.is_live() {
            return None;
        }
        let tid = program.image.notes.threads.first()?.tid;
        let machines = || self.machines.iter();
        let by_thread = machines().find(|m| m.tid == tid && m.curg != 0);
        let machine = by_thread.or_else(|| machines().find(|m| m.dying && m.curg != 0))?;
        self.at(machine.curg)
    }

    /// What the thread that got the signal was doing on its scheduler's stack.
    #[must_use]
    pub fn system_stack(&self, program: &Program<'_>) -> Option<Stack> {
        let tid = program.image.notes.threads.first()?.tid;
        let machine = self.machines.iter().find(|m| m.tid == tid)?;
        let registers = effective(program, machine)?;
        let bounds = stack_of(program, machine.g0)?;
        (bounds.start..bounds.end)
            .contains(&registers.sp)
            .then(|| stack::unwind(program, bounds, from(&registers)))
    }

    /// The goroutine whose `g` lies at an address.
    #[must_use]
    pub fn at(&self, address: u64) -> Option<&Goroutine> {
        let mut list = self.list.iter();
        list.find(|goroutine| goroutine.address == address)
    }
}

/// Reads a goroutine. The outer none means that it can't be read, the inner that it is dead.
fn read(program: &Program<'_>, machines: &[Machine], address: u64) -> Option<Option<Goroutine>> {
    let (image, layout) = (program.image, &program.layout.g);
    let word = |offset: u64| image.u64(address.checked_add(offset)?);
    let status = image.u32(address.checked_add(layout.atomicstatus)?)?;
    let status = Status::from_word(status);
    if matches!(status, Status::Dead | Status::Idle) {
        return Some(None);
    }
    let reason = image.u8(address.checked_add(layout.waitreason)?)?;
    let waits = matches!(status, Status::Waiting | Status::Leaked);
    let bounds = Span {
        start: word(layout.stack)?,
        end: word(layout.stack.checked_add(8)?)?,
    };
    let created_by = word(layout.gopc).and_then(|pc| {
        let function = program.functions.at(pc)?;
        let pc = if pc > function.entry { pc - 1 } else { pc };
        // The statement is that of the function itself if it is inlined nowhere.
        program.functions.calls(function, pc).into_iter().next()
    });
    let start = word(layout.startpc).and_then(|pc| program.functions.at(pc));
    let machine = word(layout.m)?;
    let (starting, stale) = starting_point(program, machines, address, status, bounds)?;
    Some(Some(Goroutine {
        address,
        id: word(layout.goid)?,
        status,
        wait_reason: if waits {
            wait_reason(program.build.version, reason)
        } else {
            None
        },
        wait_since: word(layout.waitsince).filter(|since| *since != 0),
        parent: word(layout.parent_goid)?,
        created_by,
        start: start.map(|start| program.functions.name(start).to_owned()),
        labels: labels::read(program, word(layout.labels)?),
        bounds,
        stack: stack::unwind(program, bounds, starting),
        machine,
        panic: word(layout.panic)?,
        stale,
    }))
}

/// Where a goroutine's stack begins, innermost.
fn starting_point(
    program: &Program<'_>,
    machines: &[Machine],
    g: u64,
    status: Status,
    bounds: Span,
) -> Option<(Start, Option<Stale>)> {
    let (image, layout) = (program.image, &program.layout);
    let word = |base: u64, offset: u64| image.u64(base.checked_add(offset)?);
    let sched = g.checked_add(layout.g.sched)?;
    let saved = Start {
        pc: word(sched, layout.gobuf.pc)?,
        sp: word(sched, layout.gobuf.sp)?,
        link: match image.binary.arch {
            Arch::Amd64 => 0,
            Arch::Arm64 => word(sched, layout.gobuf.lr)?,
        },
        trapped: false,
        syscall: false,
    };
    let syscallsp = word(g, layout.g.syscallsp)?;
    if syscallsp != 0 {
        let start = Start {
            pc: word(g, layout.g.syscallpc)?,
            sp: syscallsp,
            link: 0,
            syscall: true,
            ..saved
        };
        return Some((start, None));
    }
    if status != Status::Running {
        return Some((saved, None));
    }
    let machine = machines.iter().find(|machine| machine.curg == g);
    let Some(machine) = machine else {
        return Some((saved, Some(Stale::NoRegisters)));
    };
    let Some(registers) = effective(program, machine) else {
        return Some((saved, Some(Stale::NoRegisters)));
    };
    let on_stack = |sp: u64| bounds.start < sp && sp <= bounds.end;
    let in_go = program.functions.at(registers.pc).is_some();
    if on_stack(registers.sp) && in_go {
        return Some((from(&registers), None));
    }
    // On the scheduler's stack: systemstack, mcall and morestack have saved where they left.
    let left = program.functions.at(saved.pc).is_some() && on_stack(saved.sp);
    let on_system_stack = stack_of(program, machine.g0)
        .is_some_and(|stack| stack.start < registers.sp && registers.sp <= stack.end);
    if left && on_system_stack && in_go {
        return Some((saved, None));
    }
    Some((saved, Some(Stale::OutsideGo)))
}

/// The bounds of a goroutine's stack.
fn stack_of(program: &Program<'_>, g: u64) -> Option<Span> {
    let at = g.checked_add(program.layout.g.stack)?;
    Some(Span {
        start: program.image.u64(at)?,
        end: program.image.u64(at.checked_add(8)?)?,
    })
}

/// The registers of a thread, or, if it is in its signal handler, those that the signal has
/// interrupted.
fn effective(program: &Program<'_>, machine: &Machine) -> Option<Registers> {
    let registers = machine.registers.clone()?;
    let handling = stack_of(program, machine.gsignal)
        .is_some_and(|stack| stack.start <= registers.sp && registers.sp < stack.end);
    if handling {
        interrupted(program, machine).or(Some(registers))
    } else {
        Some(registers)
    }
}

/// To unwind from where a thread was stopped.
fn from(registers: &Registers) -> Start {
    Start {
        pc: registers.pc,
        sp: registers.sp,
        link: registers.link.unwrap_or(0),
        trapped: true,
        syscall: false,
    }
}

/// The registers that a signal has interrupted, from the `ucontext` on the stack of the thread's
/// signal handler: the outermost, if there are several. It is known by the alternate stack that
/// it names.
fn interrupted(program: &Program<'_>, machine: &Machine) -> Option<Registers> {
    let image = program.image;
    let Span { start: low, end } = stack_of(program, machine.gsignal)?;
    let len = usize::try_from(end.checked_sub(low)?).ok()?;
    if low == 0 || len > 1 << 20 {
        return None;
    }
    let bytes = image.read(low, len)?;
    let word = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let contexts = (0..len).step_by(8).rev();
    let mut contexts = contexts.filter(|at| word(at + 16) == Some(low));
    // struct ucontext: flags, link, uc_stack, then the machine's registers.
    contexts.find_map(|at| {
        let register = |offset: usize| word(at + offset);
        let registers = match image.binary.arch {
            Arch::Amd64 => Registers {
                pc: register(168)?,
                sp: register(160)?,
                fp: register(120)?,
                link: None,
                g: register(88)?,
                general: (0..16)
                    .map_while(|index| register(40 + 8 * index))
                    .collect(),
            },
            Arch::Arm64 => Registers {
                pc: register(440)?,
                sp: register(432)?,
                fp: register(184 + 8 * 29)?,
                link: register(184 + 8 * 30),
                g: register(184 + 8 * 28)?,
                general: (0..31)
                    .map_while(|index| register(184 + 8 * index))
                    .collect(),
            },
        };
        program
            .functions
            .at(registers.pc)
            .is_some()
            .then_some(registers)
    })
}
