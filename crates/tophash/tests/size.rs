//! `tophash size`: its output, its complaints, and what it finds of types.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

struct Run {
    status: Option<i32>,
    out: String,
    err: String,
}

fn size_in(dir: &Path, arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_tophash"))
        .arg("size")
        .args(arguments)
        .current_dir(dir)
        // What is found must not depend on the machine's Go.
        .env_remove("GOFLAGS")
        .env("GOROOT", "/nonexistent")
        .output()
        .unwrap();
    Run {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The output of a run in an empty directory that succeeds.
fn size(arguments: &[&str]) -> String {
    let dir = TempDir::new().unwrap();
    let run = size_in(dir.path(), arguments);
    assert_eq!((run.status, run.err.as_str()), (Some(0), ""));
    run.out
}

#[test]
fn a_swiss_map() {
    insta::assert_snapshot!(size(&["map[string]*User", "-n", "1000000"]));
}

#[test]
fn a_classic_map_that_is_growing() {
    insta::assert_snapshot!(size(&["map[int]int", "-n", "1e5", "--go", "1.21"]));
}

#[test]
fn boxed_elements_and_a_hint_that_is_too_large() {
    insta::assert_snapshot!(size(&[
        "map[[2]int32][200]byte",
        "-n",
        "1_000",
        "--hint",
        "4000",
        "--go=1.24",
        "--experiment=noswissmap"
    ]));
}

#[test]
fn small_and_empty_maps() {
    insta::assert_snapshot!(size(&["map[string]bool", "-n", "0"]));
    insta::assert_snapshot!(size(&["map[string]bool", "-n", "5"]));
}

#[test]
fn a_hint_beyond_all_need_is_told_in_readable_units() {
    let text = size(&["map[int]int", "-n", "10", "--hint", "1e9"]);
    assert!(text.contains("per entry     3.61 GiB, of which"), "{text}");
}

#[test]
fn tables_over_the_number_of_entries() {
    insta::assert_snapshot!(size(&["map[int32]struct{}"]));
    insta::assert_snapshot!(size(&["map[any]any", "--curve", "-n", "3000"]));
}

#[test]
fn json_is_as_the_schema_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let schema = fs::read(root.join("docs/size.schema.json")).unwrap();
    let schema = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for arguments in [
        &["map[string]*User", "-n", "2000"][..],
        &["map[int]int", "-n", "100000", "--go", "1.21"],
        &["map[int][200]byte", "--go=1.25", "--experiment=noswissmap"],
        &[
            "map[int]int",
            "--go=1.27",
            "--experiment=mapsplitgroup",
            "-n0",
        ],
        &["map[bool]int8", "--curve"],
        &["map[[1]uint16]int8"],
    ] {
        let out = size(&[arguments, &["--format=json"]].concat());
        let json = serde_json::from_str(&out).unwrap();
        let errors = validator.iter_errors(&json);
        let errors: Vec<String> = errors.map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{arguments:?}: {errors:#?}");
    }
    insta::assert_snapshot!(size(&["map[string]int", "-n", "2000", "--format=json"]));
}

/// A module with packages that import one another, and one package too few.
fn module() -> TempDir {
    let dir = TempDir::new().unwrap();
    let files = [
        ("go.mod", "module example.com/m\n\ngo 1.24\n"),
        (
            "store/store.go",
            "package store

import \"example.org/missing\"

const N = 4

type ID [16]byte

type User struct {
	Name   string
	Scores [N]int32
}

type Pair[K comparable, V any] struct {
	Key K
	Val V
}

type Registry map[ID]*User

type Remote struct {
	Client missing.Client
}

type tags struct{ list []string }
type loop struct{ inner [2]loop }
",
        ),
        (
            "main.go",
            "package main

import st \"example.com/m/store\"

type local struct{ a, b int32 }

var users map[st.ID]st.User
",
        ),
        (
            "lone/user.go",
            "package lone\n\ntype User struct{ a, b, c string }\n",
        ),
        (
            "lone/user_windows_arm.go",
            "package lone\n\ntype Odd struct{ a, b, c int }\n",
        ),
        (
            "lone/user_test.go",
            "package lone_test\n\nimport \"example.com/m/lone\"\n\ntype Tested struct { lone.User; a int }\n",
        ),
    ];
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// Bytes of key and element as they are found from a directory of the module.
fn found(dir: &str, arguments: &[&str]) -> Result<(u64, u64), String> {
    let module = module();
    let run = size_in(
        &module.path().join(dir),
        &[arguments, &["--format=json"]].concat(),
    );
    if run.status != Some(0) {
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{}", run.err);
        let err = run.err.replace(&*module.path().to_string_lossy(), "DIR");
        return Err(err);
    }
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let bytes = |part: &str| json[part]["size"].as_u64().unwrap();
    Ok((bytes("key"), bytes("elem")))
}

#[test]
fn names_are_looked_up() {
    let cases: [(&str, &[&str], (u64, u64)); 19] = [
        ("store", &["map[ID]User"], (16, 32)),
        ("store", &["Registry"], (16, 8)),
        ("store", &["store.Registry"], (16, 8)),
        (
            "store",
            &["map[Pair[string, int8]]Pair[ID, User]"],
            (24, 48),
        ),
        ("store", &["map[string][N]User"], (16, 128)),
        ("store", &["map[string][2 * N]byte"], (16, 8)),
        ("store", &["map[string][010]byte"], (16, 8)),
        ("store", &["map[[0x1_0]byte][1_0]byte"], (16, 10)),
        (
            "store",
            &["map[struct{ a, b ID; c byte }]*Unknown"],
            (33, 8),
        ),
        (".", &["map[st.ID]st.User"], (16, 32)),
        (".", &["map[store.ID]local"], (16, 8)),
        (".", &["map[example.com/m/store.ID]main.local"], (16, 8)),
        ("lone", &["map[User]example.com/m/store.User"], (48, 32)),
        (
            ".",
            &["map[string]User", "--struct=lone/user.go:User"],
            (16, 48),
        ),
        (
            ".",
            &[
                "map[ID]User",
                "--struct=store/store.go:ID",
                "--struct=lone/user.go:User",
            ],
            (16, 48),
        ),
        (
            ".",
            &[
                "map[no.ID]far.User",
                "--struct=store/store.go:ID",
                "--struct=lone/user.go:User",
            ],
            (16, 48),
        ),
        (
            ".",
            &["map[string]Odd", "--struct=lone/user_windows_arm.go:Odd"],
            (16, 24),
        ),
        (
            ".",
            &["map[string]Tested", "--struct=lone/user_test.go:Tested"],
            (16, 56),
        ),
        (
            "lone",
            &[
                "map[Pair[int, User]]bool",
                "--struct=../store/store.go:Pair",
            ],
            (40, 1),
        ),
    ];
    for (dir, arguments, sizes) in cases {
        assert_eq!(found(dir, arguments), Ok(sizes), "{arguments:?} in {dir}");
    }
}

/// What the Go compiler says of sizes in the standard library.
#[test]
fn names_of_the_standard_library() {
    let goroot = Command::new("go").args(["env", "GOROOT"]).output();
    let required = std::env::var_os("TOPHASH_REQUIRE_GO").is_some();
    assert!(
        goroot.is_ok() || !required,
        "TOPHASH_REQUIRE_GO is set and there is no go command"
    );
    let Ok(goroot) = goroot else {
        #[allow(clippy::print_stdout)] // what is skipped is said aloud
        {
            println!("SKIPPED: no go command");
        }
        return;
    };
    let goroot = String::from_utf8(goroot.stdout).unwrap();
    let types = [
        ("netip.Addr", "net/netip"),
        ("time.Time", "time"),
        ("reflect.Value", "reflect"),
        ("sync.Mutex", "sync"),
        ("atomic.Int64", "sync/atomic"),
        ("big.Int", "math/big"),
        ("http.Request", "net/http"),
        ("ast.Ident", "go/ast"),
        ("tls.Config", "crypto/tls"),
        ("unsafe.Pointer", "unsafe"),
    ];
    let dir = TempDir::new().unwrap();
    let imports: String = types
        .iter()
        .map(|(_, path)| format!("import {path:?}\n"))
        .collect();
    let prints: String = types
        .iter()
        .map(|(ty, _)| format!("\t{{ var v {ty}; println(sizeof(v)) }}\n"))
        .collect();
    let imports = imports.replace("import \"unsafe\"\n", "");
    let program = format!(
        "package main\n\nimport \"unsafe\"\n{imports}\n\
         func sizeof[T any](v T) uintptr {{ return unsafe.Sizeof(v) }}\n\n\
         func main() {{\n{prints}}}\n"
    );
    fs::write(dir.path().join("main.go"), program).unwrap();
    let output = Command::new("go")
        .args(["run", "main.go"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    // println writes to standard error.
    let sizes = String::from_utf8(output.stderr).unwrap();
    let empty = TempDir::new().unwrap();
    assert_eq!(sizes.lines().count(), types.len(), "{sizes}");
    for ((ty, _), size) in types.iter().zip(sizes.lines()) {
        let output = Command::new(env!("CARGO_BIN_EXE_tophash"))
            .args(["size", "-n1", "--format=json"])
            .arg(format!("map[int]{ty}"))
            .env("GOROOT", goroot.trim())
            .current_dir(empty.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{ty}: {errors}");
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["elem"]["size"].to_string(), size, "{ty}");
    }
}

#[test]
fn complaints_name_the_place() {
    let cases: &[(&str, &[&str])] = &[
        (".", &[""]),
        (".", &["int"]),
        (".", &["[]map[int]int"]),
        (".", &["map[string]"]),
        (".", &["map[string]int; var x int"]),
        (".", &["map[string]int, bool"]),
        (".", &["map[[]int]bool"]),
        (".", &["map[func()]bool"]),
        (".", &["map[struct{ a int; b map[int]int }]bool"]),
        (".", &["map[string][1000000000000000]int"]),
        (".", &["map[string][x]int"]),
        (".", &["map[string]3"]),
        (".", &["map[string]Nowhere"]),
        (".", &["map[string]no.Where"]),
        (".", &["map[string]st.Nothing"]),
        (".", &["map[string]example.com/no.Where"]),
        ("store", &["User"]),
        ("store", &["map[tags]int"]),
        ("store", &["map[int]loop"]),
        ("store", &["map[int]Pair"]),
        ("store", &["map[int]Remote"]),
        ("store", &["map[N]int"]),
        (".", &["map[int]X", "--struct=store/store.go:X"]),
        (".", &["map[int]X", "--struct=nowhere.go:X"]),
        (".", &["map[int]X", "--struct=X"]),
        (".", &["map[int]int", "-n", "-5"]),
        (".", &["map[int]int", "-n", "many"]),
        (".", &["map[int]int", "-n", "1e30"]),
        (".", &["map[int]int", "--hint", "-1"]),
        (
            ".",
            &["map[struct{ a uint8; b, c bool; _ int }]int", "-n", "5000"],
        ),
        (".", &["map[[0]int]int", "-n", "2"]),
        (".", &["map[int]int", "--go", "1.28"]),
        (
            ".",
            &["map[int]int", "--go", "1.23", "--experiment=noswissmap"],
        ),
        (
            ".",
            &["map[int]int", "--go", "1.26", "--experiment=mapsplitgroup"],
        ),
        (".", &["map[int]int", "--experiment=swissmap"]),
        (".", &["map[int]int", "--plot=no/where.svg"]),
        (".", &["map[int]int", "-C", "nowhere"]),
    ];
    let mut text = String::new();
    for (dir, arguments) in cases {
        let complaint = found(dir, arguments).unwrap_err();
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        text.push_str(&format!("{}\n  {complaint}", arguments.join(" ")));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_plot_is_a_drawing() {
    let dir = TempDir::new().unwrap();
    let arguments = [
        "map[string]interface{ F(<-chan int) }",
        "--plot=p.svg",
        "-n5000",
    ];
    let run = size_in(dir.path(), &arguments);
    assert_eq!((run.status, run.err.as_str()), (Some(0), ""));
    let svg = fs::read_to_string(dir.path().join("p.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.contains("interface{ F(&lt;-chan int) }"), "{svg}");
    assert_eq!(svg.matches("<polyline").count(), 6);
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    for tiny in ["-n0", "-n1", "-n2"] {
        let run = size_in(dir.path(), &["map[bool]int", "--plot=tiny.svg", tiny]);
        assert_eq!(run.status, Some(0), "{}", run.err);
        let svg = fs::read_to_string(dir.path().join("tiny.svg")).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{tiny}");
    }
}

/// Scraps of types in any order are a complaint or a map, never a crash.
#[test]
fn any_text_is_answered() {
    const SCRAPS: [&str; 24] = [
        "map[",
        "]",
        "string",
        "*",
        "[",
        "[]",
        "3",
        "struct{",
        "}",
        "a ",
        "_ ",
        ";",
        "net/netip.Addr",
        "x.Y",
        "é/ü.Ö",
        "func(",
        ")",
        "interface{",
        "chan ",
        "[int]",
        "-",
        "\"",
        "\n",
        "\u{1F600}",
    ];
    let dir = TempDir::new().unwrap();
    let mut state = 1_u64;
    let mut next = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % n
    };
    for _ in 0..300 {
        let mut text = String::from(["map[string]", "map[", ""][next(3)]);
        for _ in 0..=next(6) {
            text.push_str(SCRAPS[next(SCRAPS.len())]);
        }
        let run = size_in(dir.path(), &["-n", "100", "--", &text]);
        let answered = match run.status {
            Some(0) => run.err.is_empty(),
            Some(2) => {
                run.out.is_empty()
                    && run.err.starts_with("tophash: ")
                    && run.err.lines().count() == 1
            }
            _ => false,
        };
        assert!(answered, "{text:?}: {:?} {}", run.status, run.err);
    }
}

/// The arguments of a command line with single quotes.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let mut words = Vec::new();
    for (i, part) in parts {
        match i % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// What pages say that the command prints. With TOPHASH_UPDATE_README set, they are made to
/// say it.
#[test]
fn pages_show_real_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let prompt = "```console\n$ tophash size ";
    for page in ["README.md", "docs/size.md"] {
        let path: PathBuf = root.join(page);
        let text = fs::read_to_string(&path).unwrap();
        let mut parts = text.split(prompt);
        let mut updated = parts.next().unwrap().to_owned();
        let mut shown = 0;
        for part in parts {
            let (line, rest) = part.split_once('\n').unwrap();
            let (_, after) = rest.split_once("```").unwrap();
            let arguments = words(line);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            updated.push_str(&format!("{prompt}{line}\n{}```{after}", size(&arguments)));
            shown += 1;
        }
        assert!(shown > 0, "{page} shows no command");
        if std::env::var_os("TOPHASH_UPDATE_README").is_some() {
            fs::write(&path, updated).unwrap();
        } else {
            assert!(
                updated == text,
                "{page}: set TOPHASH_UPDATE_README to update it"
            );
        }
    }
}
