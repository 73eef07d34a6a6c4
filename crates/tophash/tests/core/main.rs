//! `tophash core` on real cores and processes: what it says of maps, goroutines and conflicts is
//! compared with what the programs say themselves. The programs are those of
//! crates/core/tests/programs.
//!
//! `full` is for many toolchains, and for arm64 by an emulator:
//!
//!     TOPHASH_GOROOTS=/path/go1.21:/path/go1.27 \
//!         cargo test -p tophash --test core -- --ignored --nocapture

#![allow(
    clippy::print_stderr,
    reason = "a test says what it covered and why it was skipped"
)]

mod conflict;
mod damage;
#[path = "../../../core/tests/made/mod.rs"]
mod made;
mod run;
mod zoo;

use made::{Toolchain, Variant};

/// Every check with a toolchain and a variant.
fn check(toolchain: &Toolchain, variant: Variant) {
    eprintln!("go1.{} {variant:?}", toolchain.minor);
    zoo::check(toolchain, variant);
    damage::check(toolchain, variant);
    conflict::check(toolchain, variant);
}

#[test]
fn default() {
    if let Some(toolchain) = Toolchain::on_path() {
        check(&toolchain, Variant::Default);
    }
}

#[test]
fn stripped() {
    if let Some(toolchain) = Toolchain::on_path() {
        zoo::check(&toolchain, Variant::Stripped);
        conflict::check(&toolchain, Variant::Stripped);
    }
}

#[test]
fn stripped_damage() {
    if let Some(toolchain) = Toolchain::on_path() {
        damage::check(&toolchain, Variant::Stripped);
    }
}

#[test]
fn damage_has_stable_fingerprints() {
    if let Some(toolchain) = Toolchain::on_path() {
        damage::fingerprints(&toolchain);
    }
}

#[test]
fn position_independent_with_c() {
    let Some(toolchain) = Toolchain::on_path() else {
        return;
    };
    for variant in [Variant::Pie, Variant::Cgo] {
        if variant.possible(&toolchain) {
            zoo::check(&toolchain, variant);
        } else {
            made::skipped(&format!("{variant:?}"));
        }
    }
}

#[test]
#[ignore = "needs Go toolchains and minutes; see the top of this file"]
fn full() {
    let mut failed = Vec::new();
    for toolchain in Toolchain::named() {
        for variant in Variant::possible_for(&toolchain) {
            let run = || check(&toolchain, variant);
            if std::panic::catch_unwind(run).is_err() {
                failed.push(format!("go1.{} {variant:?}", toolchain.minor));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
