//! Any bytes as a crash log: no panic, and no more kept than the log holds.
//!
//! `cargo +nightly fuzz run crash -- -rss_limit_mb=2048`

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|log: &[u8]| {
    let (cases, error) = tophash_crash::read_all(log);
    assert!(error.is_none());
    for case in &cases.cases {
        let frames: usize = case.crash.stacks.iter().map(|s| s.frames.len()).sum();
        assert!(frames <= log.len());
        let mut out = Vec::new();
        let listing = tophash_crash::Listing { all: true };
        let path = |file: &str| file.to_owned();
        assert!(tophash_crash::list(case, listing, &path, &mut out).is_ok());
        tophash_crash::finding(case, "log", &tophash_crash::NoSource);
    }
});
