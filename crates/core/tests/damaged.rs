//! A real program and its core, damaged in a thousand ways: no panic, bounded time and memory.

#![allow(
    clippy::print_stderr,
    reason = "a test says what it covered and why it was skipped"
)]

mod anything;
mod made;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anything::{Pair, ask};
use made::{Program, Toolchain, Variant};
use tophash_runtime::SplitMix;

/// Counts what is allocated at a time.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is left to the system's allocator.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// All questions to a damaged pair take longer than to a whole one, but not much: a second or two.
/// The limit is that of work without end, as other processes may have the processor meanwhile.
const LONGEST: Duration = Duration::from_mins(3);

/// Bytes allocated, the two files of some 50 MB included.
const MOST: usize = 256 << 20;

/// Runs of TOPHASH_DAMAGE, or a few.
fn runs() -> u64 {
    let named = std::env::var("TOPHASH_DAMAGE").ok();
    named.and_then(|n| n.parse().ok()).unwrap_or(30)
}

fn check(pair: &mut Pair, seed: u64) {
    let mut random = SplitMix::new(seed);
    let mut edits = vec![0; 14 * (1 + random.below(20) as usize)];
    for byte in &mut edits {
        *byte = random.next_u64() as u8;
    }
    bounded(&format!("damage {seed}"), || {
        pair.ask_damaged(&edits);
    });
}

/// Runs something and looks at what it costs. One test of this file runs at a time.
fn bounded(what: &str, run: impl FnOnce()) {
    let (before, started) = (NOW.load(Ordering::Relaxed), Instant::now());
    PEAK.store(before, Ordering::Relaxed);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    assert!(caught.is_ok(), "{what} panics");
    let took = started.elapsed();
    assert!(took < LONGEST, "{what} takes {took:?}");
    let most = PEAK.load(Ordering::Relaxed) - before;
    assert!(most < MOST, "{what} takes {most} bytes");
}

#[test]
fn any_damage() {
    let Some(toolchain) = Toolchain::on_path() else {
        return;
    };
    for variant in [Variant::Default, Variant::Stripped, Variant::NoSwissMap] {
        if !variant.possible(&toolchain) {
            continue;
        }
        let program = Program::build("tiny", &toolchain, variant);
        let Some(crash) = program.crash(&[]) else {
            return;
        };
        let binary = std::fs::read(&program.path).unwrap();
        let mut pair = Pair::new(binary, std::fs::read(&crash.core).unwrap());
        for seed in 0..runs() {
            check(&mut pair, seed);
        }
        for seed in 0..runs() / 4 {
            check_cut(&pair, seed);
        }
    }
}

/// Either file cut off anywhere, or in its headers.
fn check_cut(pair: &Pair, seed: u64) {
    let mut random = SplitMix::new(seed);
    let mut cut = |bytes: &[u8]| {
        let most = [bytes.len() as u64, 8192][random.below(2) as usize];
        Arc::new(bytes[..random.below(most) as usize].to_vec())
    };
    bounded(&format!("cut {seed}"), || {
        ask(pair.binary.clone(), cut(&pair.core));
        ask(cut(&pair.binary), pair.core.clone());
    });
}
