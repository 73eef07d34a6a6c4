//! Sources that are damaged in every line, and sources nested as deeply as the parser
//! allows: lowering gives sound graphs of them all.

mod common;

use common::{Program, functions};
use std::path::Path;
use tophash_flow::{Graph, lower, lower_initialisers, verify};
use tophash_types::{Checker, FileId};

/// Lowers package `p` and checks what is not up to the source.
fn lower_all(archive: &str) {
    let program = Program::new(archive, (1, 26));
    let mut checker = Checker::new(&program);
    let file = FileId(0);
    let tree = &program.sources[0].1;
    let mut units = Vec::from_iter(lower_initialisers(&mut checker, file, &|_, _| None));
    for func in functions(tree) {
        units.extend(lower(&mut checker, file, func, &|_, _| None));
    }
    for unit in units {
        let mut problems = verify(&unit);
        // Names whose declaration is lost stand for variables all the same.
        problems.retain(|p| !p.ends_with("is used, but not defined"));
        assert_eq!(problems, Vec::<String>::new(), "{archive}");
        for function in &unit.functions {
            Graph::new(function);
        }
    }
}

/// Walking a tree takes stack in proportion to its depth.
fn on_deep_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(512 << 20);
    let handle = thread.spawn(work).expect("a thread");
    handle.join().expect("no panic");
}

fn sources() -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go");
    let entries = std::fs::read_dir(dir).expect("test files");
    entries
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("text"))
        .collect()
}

#[test]
fn lines_left_out() {
    on_deep_stack(|| {
        for source in sources() {
            let lines: Vec<&str> = source.lines().collect();
            for n in 0..lines.len() {
                let mut rest = lines.clone();
                rest.remove(n);
                lower_all(&rest.join("\n"));
            }
        }
    });
}

#[test]
fn characters_replaced() {
    on_deep_stack(|| {
        for source in sources() {
            for (n, with) in (0..source.len())
                .step_by(7)
                .zip("(){}[]:=.,;*&x \n".chars().cycle())
            {
                if !source.is_char_boundary(n) || !source.is_char_boundary(n + 1) {
                    continue;
                }
                let mut damaged = source.clone();
                damaged.replace_range(n..n + 1, with.encode_utf8(&mut [0; 4]));
                lower_all(&damaged);
            }
        }
    });
}

#[test]
fn deep_nesting() {
    let deep = |open: &str, inner: &str, close: &str| {
        let n = 3000;
        format!("{}{inner}{}", open.repeat(n), close.repeat(n))
    };
    let bodies = [
        deep("(", "a", ")"),
        deep("!(", "a", ")"),
        deep("a && (", "a", ")"),
        deep("func() bool { return ", "a", " }()"),
        format!("a{}", " && a".repeat(20_000)),
        format!("1{} == 2", " + 1".repeat(20_000)),
    ];
    on_deep_stack(move || {
        for body in bodies {
            lower_all(&format!(
                "package p\nfunc f(a bool) bool {{ return {body} }}\n"
            ));
        }
        let nested = deep("if a { for { ", "m[1] = 2", " } }\n");
        lower_all(&format!(
            "package p\nfunc f(a bool, m map[int]int) {{ {nested} }}\n"
        ));
        let elses = "if a { m[1] = 2 } else ".repeat(5000);
        lower_all(&format!(
            "package p\nfunc f(a bool, m map[int]int) {{ {elses} {{}} }}\n"
        ));
    });
}
