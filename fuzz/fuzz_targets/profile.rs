//! Any bytes as a profile: no panic, and no more kept than the profile holds.
//!
//! `cargo +nightly fuzz run profile -- -rss_limit_mb=2048`

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut profile) = tophash_profile::read("profile", bytes) else {
        return;
    };
    let frames: usize = (profile.samples.iter())
        .map(|sample| profile.stack(sample).count() + profile.labels(sample).count())
        .sum();
    // Plain input takes at least a byte for each frame, packed input is bounded in the reader.
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        assert!(frames <= bytes.len() * bytes.len().max(16));
    }
    let unnamed = profile.unnamed().len();
    profile.name(|_| Vec::new());
    assert_eq!(profile.unnamed().len(), unnamed);
});
