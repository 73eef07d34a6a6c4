//! Trees of a part of Go's standard library against those of go/parser, by `oracle/astdump`.
//!
//! Needs Go on PATH. Without it the test is skipped aloud, or fails if `TOPHASH_REQUIRE_GO=1`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tophash_syntax::{Bodies, parse};

/// Directories below GOROOT/src: the parser's and checker's own tests, broken files among
/// them, and packages of many styles.
const DIRS: &[&str] = &[
    "bytes",
    "container",
    "encoding",
    "go",
    "internal/types",
    "maps",
    "math",
    "net",
    "reflect",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "sync",
    "syscall",
    "text",
    "time",
    "unicode",
    "cmd/compile/internal/syntax",
    "cmd/compile/internal/types2",
    "cmd/gofmt",
];

/// Files that go/parser accepts from Go 1.27 on only: they declare generic methods.
const NEWER: &[&str] = &["internal/types/testdata/check/typeparams.go"];

#[test]
fn trees_equal_go_ast() {
    let Some(goroot) = go(&["env", "GOROOT"], Path::new(".")) else {
        let required = std::env::var("TOPHASH_REQUIRE_GO").is_ok_and(|v| v == "1");
        assert!(!required, "no working Go on PATH");
        let mut err = std::io::stderr().lock();
        let _ = writeln!(err, "SKIPPED: trees_equal_go_ast needs Go on PATH");
        return;
    };
    let mut files = Vec::new();
    for dir in DIRS {
        find(&Path::new(goroot.trim()).join("src").join(dir), &mut files);
    }
    files.sort();
    assert!(files.len() > 1000, "{} files", files.len());
    let want = reference(&files);
    let mut differing = Vec::new();
    for path in &files {
        let name = path.display().to_string();
        let source = std::fs::read(path).expect("a file of GOROOT");
        let want = want.get(&name).map_or("absent", String::as_str);
        let newer = want == "err" && NEWER.iter().any(|n| name.ends_with(n));
        if want != answer(&source) && !newer {
            differing.push(name);
        }
    }
    assert!(differing.is_empty(), "trees differ: {differing:#?}");
}

/// What astdump says of `source`, apart from its name.
fn answer(source: &[u8]) -> String {
    let file = parse(source, Bodies::Parse);
    if !file.errors.is_empty() {
        return "err".into();
    }
    let dump = file.dump();
    let hash = dump.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("ok\t{}\t{hash:016x}", dump.lines().count())
}

/// Runs `go` and gives its output if it succeeds.
fn go(args: &[&str], dir: &Path) -> Option<String> {
    let mut go = Command::new("go");
    let output = go
        .args(args)
        .current_dir(dir)
        .stderr(Stdio::inherit())
        .output();
    let output = output.ok().filter(|o| o.status.success())?;
    String::from_utf8(output.stdout).ok()
}

fn find(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|e| e == "go") {
            files.push(path);
        }
    }
}

/// The answers of astdump by file.
fn reference(files: &[PathBuf]) -> BTreeMap<String, String> {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../oracle/astdump");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("astdump");
    let name = program.display().to_string();
    go(&["build", "-o", &name, "."], &oracle).expect("astdump builds");
    let list = Path::new(env!("CARGO_TARGET_TMPDIR")).join("astdump.files");
    let names: String = files.iter().map(|f| format!("{}\n", f.display())).collect();
    std::fs::write(&list, names).expect("the list of files can be written");
    let output = Command::new(&program)
        .stdin(std::fs::File::open(&list).expect("the list of files can be read"))
        .output()
        .expect("astdump runs");
    let text = String::from_utf8(output.stdout).expect("astdump prints text");
    text.lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, answer)| (name.into(), answer.into()))
        .collect()
}
