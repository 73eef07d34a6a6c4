//! What one look at a target tells.

use serde::Serialize;
use tophash_runtime::frames::is_standard;

/// What a target said when it was asked.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Sample {
    /// The heap as a whole.
    pub heap: Option<HeapFigures>,
    /// Allocations of maps by place, the largest first.
    pub sites: Option<Vec<Site>>,
    /// Goroutines by stack, the most frequent first.
    pub goroutines: Option<Goroutines>,
    /// Maps looked at in the target's memory.
    pub tables: Vec<Table>,
    /// Goroutines that were inside one map at once.
    pub caught: Vec<Caught>,
    /// What could not be had, each in one sentence.
    pub gaps: Vec<String>,
}

/// Figures of the heap, from `runtime.MemStats`.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize)]
pub struct HeapFigures {
    /// Bytes of live objects and of those not yet swept.
    pub live_bytes: u64,
    /// Live objects.
    pub live_objects: u64,
    /// Bytes ever allocated.
    pub allocated_bytes: u64,
    /// Objects ever allocated.
    pub allocated_objects: u64,
    /// Bytes got from the system.
    pub system_bytes: u64,
    /// Cycles of the collector.
    pub collections: u64,
}

/// A place in the program's source.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Spot {
    /// The function: `main.(*Cache).Set`.
    pub function: String,
    /// Its file as the target names it.
    pub file: String,
    /// The line.
    pub line: u32,
}

impl Spot {
    /// The last two parts of the file with the line: `cache/cache.go:31`.
    #[must_use]
    pub fn short(&self) -> String {
        let mut slashes = self.file.rmatch_indices('/').map(|(at, _)| at + 1);
        let start = slashes.nth(1).unwrap_or(0);
        format!("{}:{}", &self.file[start..], self.line)
    }

    /// The function without the path of its package: `cache.(*Cache).Set`.
    #[must_use]
    pub fn short_function(&self) -> &str {
        // A slash inside of type arguments is none of the path's.
        let end = self
            .function
            .find(['[', '('])
            .unwrap_or(self.function.len());
        let start = self.function[..end].rfind('/').map_or(0, |at| at + 1);
        &self.function[start..]
    }
}

/// What one line of the program has allocated for maps. Estimates of the whole, not what was
/// sampled.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
pub struct Site {
    /// The program's own call.
    #[serde(flatten)]
    pub spot: Spot,
    /// Bytes in use.
    pub live_bytes: f64,
    /// Objects in use.
    pub live_objects: f64,
    /// Bytes ever allocated.
    pub allocated_bytes: f64,
    /// Objects ever allocated.
    pub allocated_objects: f64,
}

/// All goroutines.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Goroutines {
    /// How many there are.
    pub total: u64,
    /// Those with the same stack together, the most first.
    pub groups: Vec<Group>,
}

/// Goroutines with the same stack.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// Their calls, the innermost first.
    pub frames: Vec<Spot>,
}

impl Group {
    /// The program's own innermost call; of a stack without one the innermost of all.
    #[must_use]
    pub fn own(&self) -> Option<&Spot> {
        let mut frames = self.frames.iter();
        frames
            .find(|frame| !is_standard(&frame.function))
            .or(self.frames.first())
    }

    /// Whether they wait for a `sync.Mutex` or `sync.RWMutex`.
    #[must_use]
    pub fn waits_for_lock(&self) -> bool {
        let mut frames = self.frames.iter();
        let Some(first) = frames.find(|frame| !frame.function.starts_with("runtime.")) else {
            return false;
        };
        let name = &first.function;
        // sync.runtime_SemacquireMutex, ...RWMutexR, ...RWMutex; from 1.24 in internal/sync too.
        let acquires = name
            .strip_prefix("internal/")
            .unwrap_or(name)
            .strip_prefix("sync.runtime_Semacquire")
            .is_some_and(|rest| rest.starts_with("Mutex") || rest.starts_with("RWMutex"));
        acquires
            || matches!(
                name.as_str(),
                "sync.(*Mutex).Lock"
                    | "sync.(*RWMutex).Lock"
                    | "sync.(*RWMutex).RLock"
                    | "internal/sync.(*Mutex).Lock"
                    | "internal/sync.(*Mutex).lockSlow"
            )
    }
}

/// A map in the target's memory.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
pub struct Table {
    /// Address of its header.
    pub address: u64,
    /// Its type: `map[string]int`; empty if not known.
    pub map_type: String,
    /// What holds it: `main.sessions`; empty if not known.
    pub holder: String,
    /// Entries.
    pub entries: u64,
    /// Entries that it has room for.
    pub capacity: u64,
    /// Bytes of its tables.
    pub bytes: u64,
    /// Share of the looks at it that found a write in progress or done since the last, 0 to 1.
    pub busy: f64,
}

/// Goroutines that were inside one map at the same time.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Caught {
    /// The map, as far as it is known.
    pub map: String,
    /// Each goroutine's number, what it did, and where.
    pub sides: Vec<(u64, String, Option<Spot>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names() {
        let spot = |function: &str, file: &str| Spot {
            function: function.into(),
            file: file.into(),
            line: 7,
        };
        let long = spot(
            "example.com/m/cache.(*Cache[a/b.T]).Set",
            "/src/m/cache/a.go",
        );
        assert_eq!(long.short(), "cache/a.go:7");
        assert_eq!(long.short_function(), "cache.(*Cache[a/b.T]).Set");
        assert_eq!(spot("main.f", "a.go").short(), "a.go:7");
    }
}
