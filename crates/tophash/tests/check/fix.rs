//! Edits that findings bring along, made and shown.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{BROKEN_MAP, Run, check, module, tophash};

/// A constructor that leaves a map out, whose edit is to be looked at by a person, and a
/// comment of no use, whose edit is safe.
const STORE: &str = "\
package m

type Store struct {
\tname  string
\titems map[string]int
}

func NewStore(name string) *Store {
\treturn &Store{name: name}
}

func (s *Store) Put(name string) {
\ts.items[name]++
}

func (s *Store) Name() string {
\treturn s.name //nolint:TH102
}
";

fn read(dir: &Path, path: &str) -> String {
    fs::read_to_string(dir.join(path)).unwrap()
}

#[test]
fn safe_edits_are_made_and_the_rest_is_reported() {
    let dir = module(&[("m.go", STORE), ("n/n.go", BROKEN_MAP)]);
    let arguments = [
        "--fix",
        "--format=concise",
        "--unused-suppressions",
        "./...",
    ];
    let run = check(dir.path(), &arguments);
    assert_eq!(run.status, Some(1));
    assert_eq!(run.err, "tophash: 1 finding mended in 1 file\n");
    let places: Vec<&str> = run
        .out
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(places, ["m.go:13:2:", "n/n.go:6:3:"]);
    assert_eq!(
        read(dir.path(), "m.go"),
        STORE.replace(" //nolint:TH102", "")
    );
    // There is nothing left to do.
    let again = check(dir.path(), &arguments);
    assert_eq!((again.out, again.err.as_str()), (run.out, ""));
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, [".git", "go.mod", "m.go", "n"]);
}

#[test]
fn all_edits_on_demand() {
    let dir = module(&[("m.go", STORE)]);
    let run = check(dir.path(), &["--fix", "--unsafe-fixes"]);
    let told = "tophash: 1 finding mended in 1 file\n";
    assert_eq!(
        (run.status, run.out.as_str(), run.err.as_str()),
        (Some(0), "", told)
    );
    let mended = STORE.replace("{name: name}", "{items: make(map[string]int), name: name}");
    assert_eq!(read(dir.path(), "m.go"), mended);
}

#[test]
fn a_difference_is_a_patch_and_changes_nothing() {
    let dir = module(&[("sub/m.go", STORE)]);
    let arguments = ["--diff", "--unsafe-fixes", "--unused-suppressions", "./..."];
    let run = check(dir.path(), &arguments);
    assert_eq!(run.status, Some(1));
    assert_eq!(run.err, "tophash: 2 findings would be mended in 1 file\n");
    assert_eq!(read(dir.path(), "sub/m.go"), STORE);
    insta::assert_snapshot!(run.out);
    fs::write(dir.path().join("p.diff"), &run.out).unwrap();
    let applied = Command::new("git")
        .args(["apply", "p.diff"])
        .current_dir(dir.path())
        .env("GIT_DIR", "none")
        .status();
    if applied.is_ok_and(|status| status.success()) {
        let run = check(dir.path(), &arguments);
        let told = "tophash: 0 findings would be mended in 0 files\n";
        assert_eq!(
            (run.status, run.out.as_str(), run.err.as_str()),
            (Some(0), "", told)
        );
    }
}

/// Known findings are left alone, and so are dependencies and standard input.
#[test]
fn only_what_is_reported_is_mended() {
    let dir = module(&[("m.go", STORE)]);
    check(dir.path(), &["--write-baseline=known.json"]);
    for arguments in [
        &["--baseline=known.json"][..],
        &["--ignore=TH102"],
        &["--exclude=m.go"],
    ] {
        let run = check(
            dir.path(),
            &[arguments, &["--fix", "--unsafe-fixes"]].concat(),
        );
        assert_eq!(
            (run.status, run.err.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
        assert_eq!(read(dir.path(), "m.go"), STORE);
    }
    let mut command = tophash(dir.path(), &["check", "--fix", "--unsafe-fixes", "-"]);
    command.stdin(fs::File::open(dir.path().join("m.go")).unwrap());
    let run = Run::of(command.output().unwrap());
    assert_eq!((run.status, run.err.as_str()), (Some(1), ""));
}

#[test]
fn what_can_not_go_together_is_told() {
    let dir = module(&[("m.go", STORE)]);
    for arguments in [
        ["--fix", "--diff"],
        ["--diff", "--statistics"],
        ["--diff", "--output=x.json"],
    ] {
        assert_eq!(
            check(dir.path(), &arguments).status,
            Some(2),
            "{arguments:?}"
        );
    }
}
