//! A workspace against `go list`.
#![allow(clippy::print_stdout)]

mod golist;

use golist::{compare, have_go};
use std::path::Path;

/// Compares on real repositories:
/// `TOPHASH_REPOSITORIES=dir:dir cargo test --test go_list -- --ignored --nocapture`.
/// A directory may be followed by `=pattern,pattern` (default `./...`).
#[test]
#[ignore = "needs repositories"]
fn repositories() {
    if !have_go() {
        return;
    }
    let list = std::env::var("TOPHASH_REPOSITORIES").unwrap_or_default();
    let mut differences = 0;
    for item in list.split(':').filter(|item| !item.is_empty()) {
        let (dir, pattern) = item.split_once('=').unwrap_or((item, "./..."));
        let patterns: Vec<&str> = pattern.split(',').collect();
        let result = compare(Path::new(dir), &patterns, &[]);
        println!(
            "{item}: {} root directories, {} packages, {} files, {} imports, {} differences",
            result.root_dirs,
            result.packages,
            result.files,
            result.imports,
            result.differences.len()
        );
        for difference in result.differences.iter().take(20) {
            println!("{difference}");
        }
        differences += result.differences.len();
    }
    assert_eq!(differences, 0);
}
