//! Threads and signals.

/// A thread of the process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thread {
    /// The kernel's number of it.
    pub tid: u32,
    /// Its registers; none where it could not be stopped to be asked.
    pub registers: Option<Registers>,
    /// The base of thread-local storage.
    pub tls: Option<u64>,
}

/// Registers of a thread.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Registers {
    /// The next instruction.
    pub pc: u64,
    /// The stack pointer.
    pub sp: u64,
    /// The frame pointer: rbp, x29.
    pub fp: u64,
    /// The link register, where the processor has one.
    pub link: Option<u64>,
    /// The register in which Go code keeps its `g`: r14, x28. Other code uses it otherwise.
    pub g: u64,
    /// All general registers in the kernel's order; empty where only pc and sp are known.
    pub general: Vec<u64>,
}

/// A signal that ended a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signal {
    /// Its number.
    pub number: u32,
    /// `si_code`.
    pub code: i32,
    /// What follows in `siginfo_t`: the address of a fault, or the sender's process ID.
    pub detail: u64,
}

impl Signal {
    /// Its name: `SIGSEGV`.
    #[must_use]
    pub fn name(&self) -> String {
        let name = match self.number {
            1 => "SIGHUP",
            2 => "SIGINT",
            3 => "SIGQUIT",
            4 => "SIGILL",
            5 => "SIGTRAP",
            6 => "SIGABRT",
            7 => "SIGBUS",
            8 => "SIGFPE",
            9 => "SIGKILL",
            10 => "SIGUSR1",
            11 => "SIGSEGV",
            12 => "SIGUSR2",
            13 => "SIGPIPE",
            14 => "SIGALRM",
            15 => "SIGTERM",
            24 => "SIGXCPU",
            31 => "SIGSYS",
            number => return format!("signal {number}"),
        };
        name.to_owned()
    }

    /// The address of a memory fault, if that is what the kernel reported.
    #[must_use]
    pub fn fault_address(&self) -> Option<u64> {
        // Codes of 0 and below mean that a process sent the signal.
        (matches!(self.number, 4 | 7 | 8 | 11) && self.code > 0).then_some(self.detail)
    }

    /// The process that sent it, if one did.
    #[must_use]
    pub fn sender(&self) -> Option<u32> {
        // SI_USER, SI_TKILL
        matches!(self.code, 0 | -6).then_some((self.detail & 0xffff_ffff) as u32)
    }
}
