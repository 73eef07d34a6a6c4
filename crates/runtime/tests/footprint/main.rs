//! Footprints against what real Go programs take from the heap.
//!
//! `live` builds the program that measures with the `go` on the path and asks for small maps.
//! `full` asks for maps of up to five million entries, of several toolchains, and writes a table:
//!
//!     TOPHASH_GO="go1.21.13 go" TOPHASH_TABLE=table.md \
//!         cargo test --release -p tophash-runtime --test footprint -- --ignored --nocapture

#![allow(
    clippy::print_stderr,
    reason = "a test says what it covered and why it was skipped"
)]

mod measure;
mod models;
mod table;

use std::path::{Path, PathBuf};

use measure::{Comparison, Program, Question, TYPES};
use tophash_runtime::Implementation;

/// How far a footprint may be from the mean of what was measured.
const TOLERANCE: f64 = 0.01;

fn go_or_skip() -> Option<PathBuf> {
    let found = std::process::Command::new("go").arg("version").output();
    let required = std::env::var_os("TOPHASH_REQUIRE_GO").is_some();
    assert!(
        found.is_ok() || !required,
        "TOPHASH_REQUIRE_GO is set and there is no go command"
    );
    if found.is_err() {
        eprintln!("SKIPPED: no go command");
    }
    found.ok().map(|_| PathBuf::from("go"))
}

/// Questions about all types: each number of entries without a hint and with the right one.
fn questions(counts: &[u64], largest: u64) -> Vec<Question> {
    let mut questions = Vec::new();
    for (ty, limit) in TYPES {
        for &entries in counts.iter().filter(|&&n| n <= limit.min(largest)) {
            let mut hints = vec![None, Some(entries)];
            // Wrong hints are no other matter in large maps, and these take their time.
            if entries < 100_000 {
                hints.extend([Some(entries / 3), Some(2 * entries)]);
            }
            questions.extend(hints.into_iter().map(|hint| Question {
                ty,
                entries,
                hint,
                runs: runs(entries),
            }));
        }
    }
    questions
}

/// Small maps vary more and cost less.
fn runs(entries: u64) -> u32 {
    match entries {
        0..2_000 => 40,
        2_000..50_000 => 10,
        50_000..200_000 => 3,
        _ => 1,
    }
}

/// What differs by more than the tolerance.
fn differing(comparisons: &[Comparison]) -> Vec<String> {
    comparisons
        .iter()
        .filter(|c| !c.agrees(TOLERANCE))
        .map(Comparison::to_string)
        .collect()
}

#[test]
fn live() {
    let Some(go) = go_or_skip() else { return };
    let temp = tempfile::tempdir().unwrap();
    let program = Program::build(&go, "", temp.path()).expect("the program that measures builds");
    let counts = [0, 1, 8, 9, 14, 60, 209, 897, 1_000, 3_000, 20_000];
    let comparisons = program.compare(&questions(&counts, 20_000));
    let wrong = differing(&comparisons);
    eprintln!("{}: {} maps", program.name(), comparisons.len());
    assert!(comparisons.len() > 300);
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        comparisons.len(),
        wrong.join("\n")
    );
}

#[test]
#[ignore = "takes minutes for each toolchain; see scripts/compare-sizes"]
fn full() {
    let list = std::env::var("TOPHASH_GO").unwrap_or_else(|_| "go".to_owned());
    let largest = std::env::var("TOPHASH_LARGEST").ok();
    let largest = largest.map_or(5_000_000, |n| n.parse().expect("TOPHASH_LARGEST"));
    let counts = [
        0, 1, 8, 9, 13, 14, 20, 29, 53, 100, 200, 300, 449, 600, 897, 1_000, 1_500, 2_000, 3_500,
        5_000, 10_000, 15_000, 20_000, 50_000, 100_000, 150_000, 200_000, 350_000, 500_000,
        1_000_000, 2_000_000, 5_000_000,
    ];
    let temp = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for go in list.split_whitespace() {
        for experiment in ["", "noswissmap"] {
            let Some(program) = Program::build(Path::new(go), experiment, temp.path()) else {
                assert!(!experiment.is_empty(), "{go} does not build the program");
                continue;
            };
            // Later toolchains take no notice of the experiment.
            if !experiment.is_empty() && program.build.maps != Implementation::Classic {
                continue;
            }
            let comparisons = program.compare(&questions(&counts, largest));
            let wrong = differing(&comparisons);
            eprintln!(
                "{}: {} maps, {} differ by more than 1 %",
                program.name(),
                comparisons.len(),
                wrong.len()
            );
            for line in wrong {
                eprintln!("  {line}");
            }
            all.push((program.name().to_owned(), comparisons));
        }
    }
    if let Some(path) = std::env::var_os("TOPHASH_TABLE") {
        std::fs::write(path, table::markdown(&all)).expect("the table is written");
    }
    let wrong: usize = all.iter().map(|(_, c)| differing(c).len()).sum();
    assert_eq!(wrong, 0, "maps that differ by more than 1 %");
}
