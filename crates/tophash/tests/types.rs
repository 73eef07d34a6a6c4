//! What the checker knows against what go/types knows, on a part of the standard library.

#![allow(clippy::print_stdout)] // what is skipped is said aloud

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages that make use of all of the language: generics, embedding, iterators, unsafe.
const PACKAGES: [&str; 12] = [
    "encoding/json",
    "go/types",
    "internal/abi",
    "maps",
    "net/http",
    "net/textproto",
    "reflect",
    "slices",
    "sort",
    "strings",
    "sync/...",
    "text/template",
];

/// Maps and calls by file, extent and kind.
type Rows = BTreeMap<(String, u64, u64, String), String>;

/// Whether there is a `go` command. Says so if not, and fails if `TOPHASH_REQUIRE_GO` is set.
fn have_go() -> bool {
    let found = Command::new("go").arg("version").output().is_ok();
    let required = std::env::var_os("TOPHASH_REQUIRE_GO").is_some();
    assert!(
        found || !required,
        "TOPHASH_REQUIRE_GO is set and there is no go command"
    );
    if !found {
        println!("SKIPPED: no go command");
    }
    found
}

fn run(command: &mut Command) -> String {
    let output = command.env("CGO_ENABLED", "0").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn rows(text: &str) -> Rows {
    let mut rows = Rows::new();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let place = |key: &str| row[key].as_u64().unwrap();
        let text = match row["kind"].as_str() {
            Some("call") => name("callee"),
            _ => name("type"),
        };
        let key = (name("file"), place("start"), place("end"), name("kind"));
        rows.insert(key, text);
    }
    rows
}

#[test]
fn agrees_with_go_types() {
    if !have_go() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let typedump = temp.path().join("typedump");
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../oracle/typedump");
    let build = ["build", "-o"];
    run(Command::new("go")
        .args(build)
        .arg(&typedump)
        .arg(".")
        .current_dir(oracle));
    let goroot = run(Command::new("go").args(["env", "GOROOT"]));
    let src: PathBuf = [goroot.trim(), "src"].iter().collect();
    for tests in [false, true] {
        let tests = format!("--tests={tests}");
        let all = "--all=false";
        let theirs = run(Command::new(&typedump)
            .args([&tests, all])
            .args(PACKAGES)
            .current_dir(&src));
        let ours = run(Command::new(env!("CARGO_BIN_EXE_tophash"))
            .args(["debug", "types", &tests, all])
            .args(PACKAGES)
            .current_dir(&src));
        let (theirs, ours) = (rows(&theirs), rows(&ours));
        assert!(theirs.len() > 10_000, "{} rows", theirs.len());
        let differing: Vec<String> = theirs
            .iter()
            .filter(|&(key, text)| ours.get(key) != Some(text))
            .map(|(key, text)| format!("{key:?}: want {text:?}, got {:?}", ours.get(key)))
            .collect();
        let extra = ours.keys().filter(|key| !theirs.contains_key(key)).count();
        let first = differing
            .iter()
            .take(20)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n");
        assert!(
            differing.is_empty(),
            "{} rows differ:\n{first}",
            differing.len()
        );
        assert_eq!(extra, 0, "rows that go/types does not have");
    }
}
