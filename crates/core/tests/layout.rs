//! Offsets in the runtime's structs: the table against the debug information of programs that
//! real toolchains build.
//!
//! `go` on PATH is one toolchain; TOPHASH_GO may name more `go` commands, with colons between
//! them.

#![allow(clippy::print_stdout)] // what is skipped is said aloud

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tophash_core::image::Binary;
use tophash_core::program::{BuildInfo, DebugInfo};
use tophash_runtime::Build;
use tophash_runtime::process::ProcessLayout;

const PROGRAM: &str = "package main\n\nfunc main() { println(\"hello\") }\n";

/// All `go` commands to test with. Says so if there is none, and fails if `TOPHASH_REQUIRE_GO` is
/// set.
fn toolchains() -> Vec<PathBuf> {
    let mut list: Vec<PathBuf> = std::env::var_os("TOPHASH_GO")
        .map(|list| std::env::split_paths(&list).collect())
        .unwrap_or_default();
    list.push("go".into());
    list.retain(|go| Command::new(go).arg("version").output().is_ok());
    let required = std::env::var_os("TOPHASH_REQUIRE_GO").is_some();
    assert!(
        !list.is_empty() || !required,
        "TOPHASH_REQUIRE_GO is set and there is no go command"
    );
    if list.is_empty() {
        println!("SKIPPED: no go command");
    }
    list
}

fn build(go: &Path, dir: &Path, arch: &str) -> Binary {
    let source = dir.join("main.go");
    fs::write(&source, PROGRAM).unwrap();
    let program = dir.join("program");
    let output = Command::new(go)
        .args(["build", "-o"])
        .args([&program, &source])
        .env_remove("GOROOT")
        .env_remove("GOFLAGS")
        .env("GOTOOLCHAIN", "local")
        .env("GO111MODULE", "off")
        .env("GOOS", "linux")
        .env("GOARCH", arch)
        .env("CGO_ENABLED", "0")
        .current_dir(dir)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", go.display());
    Binary::open(&program).unwrap()
}

#[test]
fn table_agrees_with_debug_information() {
    for go in toolchains() {
        for arch in ["amd64", "arm64"] {
            let dir = tempfile::tempdir().unwrap();
            let binary = build(&go, dir.path(), arch);
            let version = BuildInfo::read(&binary).unwrap().go_version;
            println!("{version} {arch}");
            let debug = DebugInfo::load(&binary).unwrap();
            let structs = debug.structs(ProcessLayout::STRUCTS);
            for name in ProcessLayout::STRUCTS {
                assert!(structs.contains_key(*name), "{name} is not in DWARF");
            }
            let build = Build::from_version_string(&version).unwrap();
            let table = ProcessLayout::of(build.version);
            let missing = RefCell::new(Vec::new());
            let mut real = table.refined(&|name, field| {
                let offset = structs.get(name)?.fields.get(field).copied();
                if offset.is_none() {
                    missing.borrow_mut().push(format!("{name}.{field}"));
                }
                offset
            });
            if table.heap.arenas.is_none() {
                // Not needed, and another on each processor.
                real.heap.arenas = None;
            }
            assert_eq!(table, real, "{version} {arch}");
            // What a program lacks, the table must lack for its version.
            for field in missing.into_inner() {
                let table = match field.as_str() {
                    "runtime.moduledata.typedesclen" => table.module.typedesclen,
                    "runtime.moduledata.typelinks" => table.module.typelinks,
                    "runtime.moduledata.itablinks" => table.module.itablinks,
                    "runtime.mspan.largeType" => table.span.large_type,
                    "runtime.heapArena.bitmap" => table.arena.bitmap,
                    "runtime.heapArena.noMorePtrs" => table.arena.no_more_pointers,
                    _ => Some(0),
                };
                assert_eq!(table, None, "{version} {arch} has no {field}");
            }
        }
    }
}
