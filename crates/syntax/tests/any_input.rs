//! Random input: bytes, tokens, and deep nests.

mod invariants;

use proptest::prelude::*;
use tophash_syntax::{Bodies, MAX_DEPTH, parse};

const TOKENS: &[&str] = &[
    "x",
    "y",
    "T",
    "_",
    "é",
    "0",
    "1_0",
    "0x1p-2",
    "1i",
    "'a'",
    "\"s\"",
    "`r\n`",
    "+",
    "-",
    "*",
    "/",
    "%",
    "&",
    "|",
    "^",
    "<<",
    ">>",
    "&^",
    "+=",
    "<<=",
    "&&",
    "||",
    "<-",
    "++",
    "--",
    "==",
    "<",
    ">",
    "=",
    "!",
    "~",
    "!=",
    ":=",
    "...",
    "(",
    "[",
    "{",
    ",",
    ".",
    ")",
    "]",
    "}",
    ";",
    ":",
    "\n",
    " ",
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
    "//c\n",
    "/*c*/",
    "/*\n*/",
    "\nfunc f() {\n",
    "\n}\n",
    "\n<<<<<<< a\n",
    "\n=======\n",
    "\n>>>>>>> b\n",
    "'",
    "\"",
    "`",
    "/*",
    "\0",
    "\u{feff}",
    "@",
    "“",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes(source in prop::collection::vec(any::<u8>(), 0..200)) {
        invariants::check(&source);
    }

    #[test]
    fn tokens(picks in prop::collection::vec(0..TOKENS.len(), 0..120)) {
        let mut source = String::from("package p\n");
        for pick in picks {
            source.push_str(TOKENS[pick]);
            source.push(' ');
        }
        invariants::check(source.as_bytes());
    }

    #[test]
    fn statements(picks in prop::collection::vec(0..TOKENS.len(), 0..60)) {
        let mut source = String::from("package p\nfunc f() {\n");
        for pick in picks {
            source.push_str(TOKENS[pick]);
            source.push(' ');
        }
        source.push_str("\n}\nfunc g() {}\n");
        invariants::check(source.as_bytes());
    }
}

/// What fuzzing found.
#[test]
fn regressions() {
    // A function type called, not the declaration of a method.
    invariants::check(b"package a\nfunc f() {\nreturnconst\nfunc (r T) N()\n}\n");
}

/// Ways to nest, and to chain, without end.
const DEEP: &[(&str, &str, &str)] = &[
    ("var x = ", "(", ")"),
    ("var x = ", "-", ""),
    ("var x = ", "<-", ""),
    ("var x = 1", " + 1", ""),
    ("var x = f", "()", ""),
    ("var x = f", ".f", ""),
    ("var x = f", "[0]", ""),
    ("var x = ", "T{", "}"),
    ("var x = ", "[]T{{", "}}"),
    ("var x = ", "f(", ")"),
    ("var x = ", "func() { x = ", "}"),
    ("var x ", "[]", ""),
    ("var x ", "*", ""),
    ("var x ", "chan ", ""),
    ("var x ", "map[", "]int"),
    ("var x ", "func(", ")"),
    ("var x ", "struct { x ", "}"),
    ("var x ", "interface { f() ", "}"),
    ("type x ", "T[", "]"),
    ("type x interface { a", "| b", "}"),
    ("type x[P *T", "| *T", "] int"),
    ("type x[P ", "(", ")"),
    ("func f() { ", "{", "}"),
    ("func f() { ", "if x {", "}"),
    ("func f() { if x {} ", "else if x {} ", "}"),
    ("func f() { ", "for {", "}"),
    ("func f() { ", "switch { case x: ", "}"),
    ("func f() { ", "select { case <-x: ", "}"),
    ("func f() { ", "L: ", "}"),
    ("func f() { ", "go func() {", "}()"),
];

#[test]
fn deep_nests_cost_their_declaration_alone() {
    for (start, open, close) in DEEP {
        for depth in [100, 5_000, 200_000] {
            let mut source = format!("package p\n{start}");
            source.push_str(&open.repeat(depth));
            source.push_str(&close.repeat(depth));
            source.push_str("\nfunc last() {}\n");
            invariants::check(source.as_bytes());
            let file = parse(source.as_bytes(), Bodies::Parse);
            if depth as u32 > MAX_DEPTH {
                assert!(!file.errors.is_empty(), "{start} {open}");
            }
            assert!(file.decls.len() >= 2, "{start} {open} {depth}");
        }
    }
}

/// Repeating anything takes time in proportion.
#[test]
fn long_input_takes_linear_time() {
    let parts = [
        "\nfunc f() {",
        "\nfunc f(",
        "\ntype T struct {",
        "}",
        "func ",
        "\nvar (",
        "type T[P ",
        "`",
        "/*",
        "'",
        "\"",
        "\n<<<<<<<\n",
        "\n=======\n",
        "case ",
        "{ func f() }",
        "\n\"",
        "\nimport (",
        ")",
        "[",
        "x ",
        ", ",
        "func (",
        "/*\n*/ ",
        "// c\n",
        "a /* */",
        ";",
        "= ",
        "if ",
        "for ",
        "switch {",
        "select { case",
        "\nfunc (x) f() { `",
        "goto",
        "x.",
        "<-chan ",
    ];
    for part in parts {
        let source = format!("package p\n{}", part.repeat(300_000 / part.len()));
        let start = std::time::Instant::now();
        let file = parse(source.as_bytes(), Bodies::Parse);
        assert!(file.heap_size() < 100 * source.len());
        parse(source.as_bytes(), Bodies::Skip);
        assert!(start.elapsed().as_secs() < 5, "{part:?}");
    }
}
