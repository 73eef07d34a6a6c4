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

mod altered;
mod conflict;
mod damage;
#[path = "../../../core/tests/made/mod.rs"]
mod made;
mod run;
mod zoo;

use made::{Toolchain, Variant};

/// A check with a toolchain and a variant.
type Check = fn(&Toolchain, Variant);

const CHECKS: [(&str, Check); 4] = [
    ("zoo", zoo::check),
    ("damage", damage::check),
    ("altered", altered::check),
    ("conflict", conflict::check),
];

#[test]
fn default() {
    if let Some(toolchain) = Toolchain::on_path() {
        for (_, check) in CHECKS {
            check(&toolchain, Variant::Default);
        }
    }
}

#[test]
fn stripped() {
    if let Some(toolchain) = Toolchain::on_path() {
        for (_, check) in CHECKS {
            check(&toolchain, Variant::Stripped);
        }
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
            for (name, check) in CHECKS {
                let what = format!("go1.{} {variant:?}: {name}", toolchain.minor);
                eprintln!("{what}");
                if std::panic::catch_unwind(|| check(&toolchain, variant)).is_err() {
                    failed.push(what);
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
