//! Each file of `tests/go` is lowered, verified, and compared with its snapshot.
//!
//! A file holds package `p`; parts that begin with a line `-- path/name.go --` are files
//! of packages that it imports.

mod common;

use common::{Program, functions};
use std::path::Path;
use tophash_flow::{Unit, dump, lower, lower_initialisers, verify};
use tophash_types::{Checker, FileId};

/// The functions of package `p` as text, its initial values first.
fn lowered(archive: &str, version: (u32, u32)) -> String {
    let program = Program::new(archive, version);
    for (text, tree) in &program.sources {
        assert_eq!(tree.errors, [], "{text}");
    }
    let mut checker = Checker::new(&program);
    let file = FileId(0);
    let mut out = String::new();
    let show = |unit: Option<Unit>, checker: &mut Checker<'_>, out: &mut String| {
        if let Some(unit) = unit {
            assert_eq!(verify(&unit), Vec::<String>::new());
            out.push_str(&dump(&unit, checker));
        }
    };
    let unit = lower_initialisers(&mut checker, file, &|_, _| None);
    show(unit, &mut checker, &mut out);
    for func in functions(&program.sources[0].1) {
        let unit = lower(&mut checker, file, func, &|_, _| None);
        show(unit, &mut checker, &mut out);
    }
    out
}

fn check(name: &str) {
    check_version(name, name, (1, 26));
}

fn check_version(name: &str, snapshot: &str, version: (u32, u32)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/go/{name}.go"));
    let text = std::fs::read_to_string(&path).expect("a test file");
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!(snapshot, lowered(&text, version));
    });
}

#[test]
fn maps() {
    check("maps");
}

#[test]
fn evaluation_order() {
    check("order");
}

#[test]
fn conditions() {
    check("conditions");
}

#[test]
fn loops() {
    check("loops");
}

#[test]
fn loops_before_1_22() {
    check_version("loops", "loops_1_21", (1, 21));
}

#[test]
fn switches() {
    check("switches");
}

#[test]
fn labels_and_jumps() {
    check("jumps");
}

#[test]
fn deferred_calls() {
    check("defers");
}

#[test]
fn closures() {
    check("closures");
}

#[test]
fn calls_and_receivers() {
    check("calls");
}

#[test]
fn values_and_literals() {
    check("values");
}

#[test]
fn functions_that_never_return() {
    check("noreturn");
}

#[test]
fn generic_functions() {
    check("generics");
}

#[test]
fn channels() {
    check("channels");
}

#[test]
fn package_level() {
    check("package");
}

#[test]
fn what_is_missing() {
    check("missing");
}
