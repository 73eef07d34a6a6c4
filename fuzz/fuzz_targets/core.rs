//! A real program and its core, damaged: no panic, bounded time and memory.
//!
//! The input describes the damage. TOPHASH_FUZZ_BINARY and TOPHASH_FUZZ_CORE name the files, best
//! small ones: those of crates/core/tests/programs/tiny, built with `-ldflags='-s -w'`.
//!
//! `cargo +nightly fuzz run core -- -rss_limit_mb=4096 -timeout=30 -max_len=280`

#![no_main]

use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/core/tests/anything/mod.rs"]
mod anything;

static PAIR: LazyLock<Mutex<anything::Pair>> = LazyLock::new(|| {
    let file = |variable| {
        let path = std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set"));
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let pair = anything::Pair::new(file("TOPHASH_FUZZ_BINARY"), file("TOPHASH_FUZZ_CORE"));
    Mutex::new(pair)
});

fuzz_target!(|edits: &[u8]| {
    if let Ok(mut pair) = PAIR.lock() {
        pair.ask_damaged(edits);
    }
});
