//! Goroutines: their states and what they wait for.

use crate::version::GoVersion;

/// What a goroutine is doing (runtime/runtime2.go `_Gidle` to `_Gdeadextra`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Just allocated.
    Idle,
    /// Could run.
    Runnable,
    /// Runs on a thread.
    Running,
    /// In a call into the system, or into C.
    Syscall,
    /// Blocked.
    Waiting,
    /// Ended, or not yet begun.
    Dead,
    /// Its stack is being moved.
    CopyStack,
    /// Stopped by the scheduler.
    Preempted,
    /// Blocked for ever, as the collector has found (since 1.26).
    Leaked,
    /// A number that stands for nothing.
    Unknown(u32),
}

/// Set in a state while the collector scans the stack (`_Gscan`).
pub const SCAN: u32 = 0x1000;

impl Status {
    /// The state in a `g`.
    #[must_use]
    pub fn from_word(word: u32) -> Self {
        match word & !SCAN {
            0 => Self::Idle,
            1 => Self::Runnable,
            2 => Self::Running,
            3 => Self::Syscall,
            4 => Self::Waiting,
            6 | 11 => Self::Dead,
            8 => Self::CopyStack,
            9 => Self::Preempted,
            10 => Self::Leaked,
            other => Self::Unknown(other),
        }
    }

    /// The word that tracebacks show.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Runnable => "runnable",
            Self::Running => "running",
            Self::Syscall => "syscall",
            Self::Waiting => "waiting",
            Self::Dead => "dead",
            Self::CopyStack => "copystack",
            Self::Preempted => "preempted",
            Self::Leaked => "leaked",
            Self::Unknown(_) => "???",
        }
    }
}

/// Why a goroutine waits, as tracebacks say it (runtime/runtime2.go `waitReasonStrings`); none
/// if the number stands for nothing.
#[must_use]
pub fn wait_reason(version: GoVersion, number: u8) -> Option<&'static str> {
    let mut reasons = WAIT_REASONS
        .iter()
        .filter(|(first, last, _)| (*first..=*last).contains(&version));
    let (_, _, reason) = reasons.nth(usize::from(number))?;
    (!reason.is_empty()).then_some(*reason)
}

/// First and last version that has the reason, in the order of the numbers, which 1.26 changed.
const WAIT_REASONS: [(GoVersion, GoVersion, &str); 97] = {
    use GoVersion::{Go1_21, Go1_22, Go1_23, Go1_24, Go1_25, Go1_26, Go1_27};
    [
        (Go1_21, Go1_25, ""),
        (Go1_21, Go1_25, "GC assist marking"),
        (Go1_21, Go1_25, "IO wait"),
        (Go1_21, Go1_25, "chan receive (nil chan)"),
        (Go1_21, Go1_25, "chan send (nil chan)"),
        (Go1_21, Go1_25, "dumping heap"),
        (Go1_21, Go1_25, "garbage collection"),
        (Go1_21, Go1_25, "garbage collection scan"),
        (Go1_21, Go1_25, "panicwait"),
        (Go1_21, Go1_25, "select"),
        (Go1_21, Go1_25, "select (no cases)"),
        (Go1_21, Go1_25, "GC assist wait"),
        (Go1_21, Go1_25, "GC sweep wait"),
        (Go1_21, Go1_25, "GC scavenge wait"),
        (Go1_21, Go1_25, "chan receive"),
        (Go1_21, Go1_25, "chan send"),
        (Go1_21, Go1_25, "finalizer wait"),
        (Go1_21, Go1_25, "force gc (idle)"),
        (Go1_25, Go1_25, "GOMAXPROCS updater (idle)"),
        (Go1_21, Go1_25, "semacquire"),
        (Go1_21, Go1_25, "sleep"),
        (Go1_21, Go1_25, "sync.Cond.Wait"),
        (Go1_21, Go1_25, "sync.Mutex.Lock"),
        (Go1_21, Go1_25, "sync.RWMutex.RLock"),
        (Go1_21, Go1_25, "sync.RWMutex.Lock"),
        (Go1_24, Go1_25, "sync.WaitGroup.Wait"),
        (Go1_21, Go1_25, "trace reader (blocked)"),
        (Go1_21, Go1_25, "wait for GC cycle"),
        (Go1_21, Go1_25, "GC worker (idle)"),
        (Go1_21, Go1_25, "GC worker (active)"),
        (Go1_21, Go1_25, "preempted"),
        (Go1_21, Go1_25, "debug call"),
        (Go1_21, Go1_25, "GC mark termination"),
        (Go1_21, Go1_25, "stopping the world"),
        (Go1_22, Go1_25, "flushing proc caches"),
        (Go1_22, Go1_25, "trace goroutine status"),
        (Go1_22, Go1_25, "trace proc status"),
        (Go1_22, Go1_25, "page trace flush"),
        (Go1_22, Go1_25, "coroutine"),
        (Go1_23, Go1_25, "GC weak to strong wait"),
        (Go1_24, Go1_25, "synctest.Run"),
        (Go1_24, Go1_25, "synctest.Wait"),
        (Go1_25, Go1_25, "chan receive (durable)"),
        (Go1_25, Go1_25, "chan send (durable)"),
        (Go1_25, Go1_25, "select (durable)"),
        (Go1_25, Go1_25, "sync.WaitGroup.Wait (durable)"),
        (Go1_25, Go1_25, "cleanup wait"),
        (Go1_24, Go1_24, "chan receive (synctest)"),
        (Go1_24, Go1_24, "chan send (synctest)"),
        (Go1_24, Go1_24, "select (synctest)"),
        (Go1_26, Go1_27, ""),
        (Go1_26, Go1_27, "GC assist marking"),
        (Go1_26, Go1_27, "IO wait"),
        (Go1_26, Go1_27, "dumping heap"),
        (Go1_26, Go1_27, "garbage collection"),
        (Go1_26, Go1_27, "garbage collection scan"),
        (Go1_26, Go1_27, "panicwait"),
        (Go1_26, Go1_27, "GC assist wait"),
        (Go1_26, Go1_27, "GC sweep wait"),
        (Go1_26, Go1_27, "GC scavenge wait"),
        (Go1_26, Go1_27, "finalizer wait"),
        (Go1_26, Go1_27, "force gc (idle)"),
        (Go1_26, Go1_27, "GOMAXPROCS updater (idle)"),
        (Go1_26, Go1_27, "semacquire"),
        (Go1_26, Go1_27, "sleep"),
        (Go1_26, Go1_27, "chan receive (nil chan)"),
        (Go1_26, Go1_27, "chan send (nil chan)"),
        (Go1_26, Go1_27, "select (no cases)"),
        (Go1_26, Go1_27, "select"),
        (Go1_26, Go1_27, "chan receive"),
        (Go1_26, Go1_27, "chan send"),
        (Go1_26, Go1_27, "sync.Cond.Wait"),
        (Go1_26, Go1_27, "sync.Mutex.Lock"),
        (Go1_26, Go1_27, "sync.RWMutex.RLock"),
        (Go1_26, Go1_27, "sync.RWMutex.Lock"),
        (Go1_26, Go1_27, "sync.WaitGroup.Wait"),
        (Go1_26, Go1_27, "trace reader (blocked)"),
        (Go1_26, Go1_27, "wait for GC cycle"),
        (Go1_26, Go1_27, "GC worker (idle)"),
        (Go1_26, Go1_27, "GC worker (active)"),
        (Go1_26, Go1_27, "preempted"),
        (Go1_26, Go1_27, "debug call"),
        (Go1_26, Go1_27, "GC mark termination"),
        (Go1_26, Go1_27, "stopping the world"),
        (Go1_26, Go1_27, "flushing proc caches"),
        (Go1_26, Go1_27, "trace goroutine status"),
        (Go1_26, Go1_27, "trace proc status"),
        (Go1_26, Go1_27, "page trace flush"),
        (Go1_26, Go1_27, "coroutine"),
        (Go1_26, Go1_27, "GC weak to strong wait"),
        (Go1_26, Go1_27, "synctest.Run"),
        (Go1_26, Go1_27, "synctest.Wait"),
        (Go1_26, Go1_27, "chan receive (durable)"),
        (Go1_26, Go1_27, "chan send (durable)"),
        (Go1_26, Go1_27, "select (durable)"),
        (Go1_26, Go1_27, "sync.WaitGroup.Wait (durable)"),
        (Go1_26, Go1_27, "cleanup wait"),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The last number of each version, the one after it, and one in the middle, from the source.
    #[test]
    fn numbers() {
        let of = |version, number| wait_reason(version, number);
        assert_eq!(of(GoVersion::Go1_21, 31), Some("stopping the world"));
        assert_eq!(of(GoVersion::Go1_21, 32), None);
        assert_eq!(of(GoVersion::Go1_21, 19), Some("sleep"));
        assert_eq!(of(GoVersion::Go1_22, 36), Some("coroutine"));
        assert_eq!(of(GoVersion::Go1_22, 37), None);
        assert_eq!(of(GoVersion::Go1_22, 19), Some("sleep"));
        assert_eq!(of(GoVersion::Go1_23, 37), Some("GC weak to strong wait"));
        assert_eq!(of(GoVersion::Go1_23, 38), None);
        assert_eq!(of(GoVersion::Go1_23, 19), Some("sleep"));
        assert_eq!(of(GoVersion::Go1_24, 43), Some("select (synctest)"));
        assert_eq!(of(GoVersion::Go1_24, 44), None);
        assert_eq!(of(GoVersion::Go1_24, 19), Some("sleep"));
        assert_eq!(of(GoVersion::Go1_25, 46), Some("cleanup wait"));
        assert_eq!(of(GoVersion::Go1_25, 47), None);
        assert_eq!(of(GoVersion::Go1_25, 20), Some("sleep"));
        assert_eq!(of(GoVersion::Go1_26, 46), Some("cleanup wait"));
        assert_eq!(of(GoVersion::Go1_26, 47), None);
        assert_eq!(of(GoVersion::Go1_26, 14), Some("sleep"));
        assert_eq!(of(GoVersion::Go1_27, 46), Some("cleanup wait"));
        assert_eq!(of(GoVersion::Go1_27, 47), None);
        assert_eq!(of(GoVersion::Go1_27, 14), Some("sleep"));
    }
}
