//! The heap profile that the runtime keeps in the memory of the process: `runtime.mbuckets`.
//!
//! Layouts are those of runtime/mprof.go from 1.21 to 1.27: `bucket`, its stack behind it, and
//! behind that a `memRecord`.

use tophash_runtime::GoVersion;

use crate::memory::Memory;
use crate::program::Program;

/// Words of a `bucket`: next, allnext, typ, hash, size, nstk.
const BUCKET_WORDS: usize = 6;

/// Addresses of a stack (`maxProfStackDepth`, to which 1.26 adds two).
const MAX_STACK: u64 = 1024 + 2;

/// Buckets that are read: each is a different stack and size.
const MAX_BUCKETS: usize = 1 << 20;

/// Type of the buckets of memory (`memProfile`, the first of the constants).
const MEM_PROFILE: u64 = 1;

/// What was sampled.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HeapProfile {
    /// Bytes between two samples, `runtime.MemProfileRate`; 0 if nothing is recorded.
    pub rate: u64,
    /// Samples by stack and size.
    pub buckets: Vec<Bucket>,
}

/// Objects of one size that were allocated with one stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bucket {
    /// Bytes of each.
    pub size: u64,
    /// How many were sampled.
    pub allocated: u64,
    /// How many of these were freed.
    pub freed: u64,
    /// Addresses behind each call, innermost first; inlined calls have one of their own.
    pub stack: Vec<u64>,
}

/// Why there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// The program has no table of symbols.
    Symbols,
    /// The program records no allocations. The linker sees to that if nothing in the program asks
    /// for the profile.
    Off,
    /// It can't be read.
    Unreadable,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Missing::Symbols => {
                "memory by line: the program has no table of symbols, in which its profile is found"
            }
            Missing::Off => {
                "memory by line: the program records no allocations; one that imports \
                 net/http/pprof does"
            }
            Missing::Unreadable => "memory by line: the program's profile can't be read",
        })
    }
}

impl HeapProfile {
    /// Reads the profile that the runtime has published last, at the end of a collection; before
    /// there was one, what it has recorded so far.
    ///
    /// # Errors
    /// There is none.
    pub fn load(program: &Program<'_>) -> Result<HeapProfile, Missing> {
        let symbol = |name| program.symbol(name).ok_or(Missing::Symbols);
        let (rate, first) = (
            symbol("runtime.MemProfileRate")?,
            symbol("runtime.mbuckets")?,
        );
        let word = |address| program.image.u64(address).ok_or(Missing::Unreadable);
        let rate = word(rate)?;
        let mut next = word(first)?;
        // The linker sets the rate to 0; a negative one records nothing either.
        if i64::try_from(rate).unwrap_or(0) == 0 && next == 0 {
            return Err(Missing::Off);
        }
        let stride = match program.build.version >= GoVersion::Go1_27 {
            true => 2,
            false => 4,
        };
        let mut buckets = Vec::new();
        let mut pending = Vec::new();
        while next != 0 && buckets.len() < MAX_BUCKETS {
            let (after, bucket, later) =
                read(program.image, next, stride).ok_or(Missing::Unreadable)?;
            buckets.push(bucket);
            pending.push(later);
            next = after;
        }
        // `runtime.MemProfile` does the same.
        if buckets.iter().all(|bucket| bucket.allocated == 0) {
            for (bucket, (allocated, freed)) in buckets.iter_mut().zip(pending) {
                (bucket.allocated, bucket.freed) = (allocated, freed);
            }
        }
        buckets.retain(|bucket| bucket.allocated > 0);
        Ok(HeapProfile { rate, buckets })
    }
}

/// A bucket, the address of the next one, and what is recorded but not published: allocated, freed.
fn read(memory: &impl Memory, address: u64, stride: usize) -> Option<(u64, Bucket, (u64, u64))> {
    let words = |address: u64, n: usize| -> Option<Vec<u64>> {
        let bytes = memory.read(address, n * 8)?;
        let (words, _) = bytes.as_chunks::<8>();
        Some(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
    };
    let head = words(address, BUCKET_WORDS)?;
    let &[_, after, kind, _, size, depth] = head.as_slice() else {
        return None;
    };
    if kind != MEM_PROFILE || depth > MAX_STACK {
        return None;
    }
    let depth = usize::try_from(depth).ok()?;
    let at = address.checked_add(8 * BUCKET_WORDS as u64)?;
    // The published cycle, and three that are not.
    let mut stack = words(at, depth + 4 * stride)?;
    let cycles = stack.split_off(depth);
    let mut cycles = cycles
        .chunks_exact(stride)
        .filter_map(|cycle| Some((*cycle.first()?, *cycle.get(1)?)));
    let (allocated, freed) = cycles.next()?;
    let later = cycles.fold((0u64, 0u64), |sum, cycle| {
        (sum.0.saturating_add(cycle.0), sum.1.saturating_add(cycle.1))
    });
    let bucket = Bucket {
        size,
        allocated,
        freed,
        stack,
    };
    Some((after, bucket, later))
}
