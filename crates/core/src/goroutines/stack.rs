//! Stacks, unwound by the tables of functions alone (runtime/traceback.go).

use crate::image::{Arch, Span};
use crate::memory::Memory;
use crate::program::{Call, Function, Program};

/// Frames of one stack that are kept. Of a runaway recursion, the innermost are.
const LIMIT: usize = 1 << 14;

/// A frame of a stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    /// The instruction that runs, or to which the call in it returns.
    pub pc: u64,
    /// Its lowest address.
    pub sp: u64,
    /// Behind its highest address: what called it ends here.
    pub fp: u64,
    /// The function; none outside of Go code.
    pub function: Option<Function>,
    /// Whether the instruction was stopped in rather than called from.
    pub trapped: bool,
}

impl Frame {
    /// An address in the instruction that runs or calls.
    #[must_use]
    pub fn call_pc(&self) -> u64 {
        let entry = self.function.map_or(0, |function| function.entry);
        if !self.trapped && self.pc > entry {
            self.pc - 1
        } else {
            self.pc
        }
    }

    /// The calls that the frame stands for, innermost first.
    #[must_use]
    pub fn calls(&self, program: &Program<'_>) -> Vec<Call> {
        match self.function {
            Some(function) => program.functions.calls(function, self.call_pc()),
            None => Vec::new(),
        }
    }
}

/// A stack.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Stack {
    /// Its frames, innermost first.
    pub frames: Vec<Frame>,
    /// Why the outermost frame is not the first of the goroutine; none if it is.
    pub cut: Option<Cut>,
}

/// Why a stack ends before its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// An address that belongs to no Go function.
    UnknownPc(u64),
    /// A function that sets the stack pointer in ways no table tells.
    SwitchesStack,
    /// Memory that can't be read.
    Unreadable(u64),
    /// More frames than are kept.
    TooDeep,
}

/// Where unwinding begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Start {
    pub pc: u64,
    pub sp: u64,
    /// The link register, if the innermost function may not have saved it.
    pub link: u64,
    /// Whether the instruction was stopped in.
    pub trapped: bool,
    /// Whether this is where the goroutine went into the system.
    pub syscall: bool,
}

/// Unwinds a stack of a goroutine whose stack has these bounds.
pub(super) fn unwind(program: &Program<'_>, bounds: Span, start: Start) -> Stack {
    let mut stack = Stack::default();
    let functions = &program.functions;
    let uses_link = program.image.binary.arch == Arch::Arm64;
    let (mut pc, mut sp, mut link) = (start.pc, start.sp, start.link);
    let mut trapped = start.trapped;
    let mut innermost = true;
    if pc == 0 {
        // A call of a nil function: go on in its caller.
        match program.image.u64(sp) {
            Some(word) => pc = word,
            None => {
                stack.cut = Some(Cut::Unreadable(sp));
                return stack;
            }
        }
        if !uses_link {
            sp = sp.wrapping_add(8);
        }
        link = 0;
        trapped = false;
    }
    loop {
        if stack.frames.len() >= LIMIT {
            stack.cut = Some(Cut::TooDeep);
            break;
        }
        let Some(function) = functions.at(pc) else {
            stack.frames.push(Frame {
                pc,
                sp,
                fp: sp,
                function: None,
                trapped,
            });
            stack.cut = Some(Cut::UnknownPc(pc));
            break;
        };
        let frame_size = functions.frame_size(function, pc);
        let above = if uses_link { 0 } else { 8 };
        let fp = frame_size
            .and_then(|size| sp.checked_add(size)?.checked_add(above))
            .filter(|fp| (bounds.start..=bounds.end).contains(fp));
        stack.frames.push(Frame {
            pc,
            sp,
            fp: fp.unwrap_or(sp),
            function: Some(function),
            trapped,
        });
        let flags = functions.flags(function);
        if flags.top {
            break;
        }
        let Some(fp) = fp else {
            stack.cut = Some(Cut::SwitchesStack);
            break;
        };
        let name = functions.name(function);
        // cgocallback keeps both stacks fit for unwinding; functions that enter the system have
        // saved where they did before they change the stack pointer.
        let excused = name == "runtime.cgocallback" || (innermost && start.syscall);
        if flags.writes_sp && !excused {
            stack.cut = Some(Cut::SwitchesStack);
            break;
        }
        let return_at = if !uses_link {
            Some(fp.wrapping_sub(8))
        } else if (innermost && sp < fp) || link == 0 {
            Some(sp)
        } else {
            None
        };
        if let Some(address) = return_at {
            match program.image.u64(address) {
                Some(word) => link = word,
                None => {
                    stack.cut = Some(Cut::Unreadable(address));
                    break;
                }
            }
        }
        if link == 0 {
            break;
        }
        if (link, fp) == (pc, sp) {
            stack.cut = Some(Cut::UnknownPc(pc));
            break;
        }
        // These are put on the stack by the runtime as if the instruction had called them.
        trapped = matches!(
            name,
            "runtime.sigpanic" | "runtime.asyncPreempt" | "runtime.debugCallV2"
        );
        pc = link;
        sp = fp;
        link = 0;
        innermost = false;
        if uses_link && trapped {
            let saved = program.image.u64(sp).unwrap_or(0);
            sp = sp.wrapping_add(16);
            match functions.at(pc) {
                None => pc = saved,
                Some(function) if functions.frame_size(function, pc) == Some(0) => link = saved,
                Some(_) => {}
            }
        }
    }
    stack
}
