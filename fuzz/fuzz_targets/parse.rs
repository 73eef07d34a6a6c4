//! Any bytes: no panic, a well-formed tree, memory within a fixed multiple of the input.
//!
//! `cargo +nightly fuzz run parse -- -rss_limit_mb=2048`

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/syntax/tests/invariants/mod.rs"]
mod invariants;

fuzz_target!(|source: &[u8]| invariants::check(source));
