//! Profiles of a real program: sums beside `go tool pprof`, and classes told by sizes beside those
//! that the runtime's frames tell.
//!
//! With `go` on the path one toolchain is tried; those of TOPHASH_GOROOTS, directories separated by
//! colons, if it is set. `scripts/compare-heaps` prints what they give.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use tophash_finding::Place;
use tophash_profile::shape::Role;
use tophash_profile::site::{LineMap, Survey, survey};
use tophash_profile::{Call, Frame, Profile, Usage, read, symbols};
use tophash_runtime::allocation::Cause;
use tophash_runtime::types::GoType;
use tophash_runtime::{Build, Implementation};

/// The go command, and the experiment it builds with.
struct Toolchain {
    go: String,
    experiment: &'static str,
}

fn toolchains() -> Vec<Toolchain> {
    let plain = |go: String| Toolchain { go, experiment: "" };
    if let Some(roots) = std::env::var_os("TOPHASH_GOROOTS") {
        let mut all = Vec::new();
        for root in std::env::split_paths(&roots) {
            let version = std::fs::read_to_string(root.join("VERSION"))
                .expect("TOPHASH_GOROOTS names no toolchain");
            let go = root.join("bin/go").to_string_lossy().into_owned();
            all.push(plain(go.clone()));
            // Both maps are in these.
            if version.starts_with("go1.24") || version.starts_with("go1.25") {
                all.push(Toolchain {
                    go,
                    experiment: "noswissmap",
                });
            }
        }
        return all;
    }
    let found = Command::new("go").arg("version").output().is_ok();
    assert!(
        found || std::env::var_os("TOPHASH_REQUIRE_GO").is_none(),
        "TOPHASH_REQUIRE_GO is set and there is no go command"
    );
    if !found {
        eprintln!("SKIPPED: no go command");
        return Vec::new();
    }
    vec![plain("go".to_owned())]
}

/// What the program left.
struct Made {
    dir: TempDir,
    go: String,
    build: Build,
    version: String,
    packed: Profile,
    text: Profile,
}

fn make(toolchain: &Toolchain, rate: &str) -> Made {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    std::fs::write(at("main.go"), include_str!("program/main.go")).unwrap();
    std::fs::write(at("go.mod"), "module example.com/made\n\ngo 1.21\n").unwrap();
    let built = Command::new(&toolchain.go)
        .args(["build", "-o", &at("made"), "."])
        .current_dir(dir.path())
        .env("GOEXPERIMENT", toolchain.experiment)
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "")
        .env_remove("GOROOT")
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let ran = Command::new(at("made"))
        .args([&at(""), rate])
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let version = String::from_utf8(ran.stdout).unwrap();
    let version = version.rsplit_once(' ').unwrap().0.to_owned();
    let load = |name: &str| read(name, &std::fs::read(at(name)).unwrap()).unwrap();
    let mut text = load("text");
    let names = symbols::answer(&std::fs::read_to_string(at("names")).unwrap()).unwrap();
    text.name(|address| {
        let name = names.get(&address).cloned();
        name.map(|function| Call {
            function,
            file: String::new(),
            line: 0,
        })
        .into_iter()
        .collect()
    });
    Made {
        go: toolchain.go.clone(),
        build: Build::from_version_string(&version).unwrap(),
        version,
        packed: load("packed"),
        text,
        dir,
    }
}

/// Flat values by function as `go tool pprof -top` prints them.
fn top(made: &Made, file: &str, index: &str) -> HashMap<String, i64> {
    let binary = made.dir.path().join("made");
    let mut command = Command::new(&made.go);
    command.args([
        "tool",
        "pprof",
        "-top",
        "-unit=B",
        "-nodefraction=0",
        "-edgefraction=0",
    ]);
    command.args(["-nodecount=100000", "-symbolize=local"]);
    command.arg(format!("-sample_index={index}"));
    let output = command
        .args([&binary, &made.dir.path().join(file)])
        .env("GOTOOLCHAIN", "local")
        .env_remove("GOROOT")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("flat%"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut flat = HashMap::new();
    for line in text.lines().skip_while(|l| !l.contains("flat%")).skip(1) {
        let mut words = line.split_whitespace();
        let value: i64 = words.next().unwrap().trim_end_matches('B').parse().unwrap();
        let name: Vec<&str> = words.skip(4).collect();
        let name = name.join(" ");
        *flat.entry(name.replace(" (inline)", "")).or_insert(0) += value;
    }
    flat.retain(|_, value| *value != 0);
    flat
}

/// The same from what was read. A name loses its package's path in pprof's listings, and its
/// type arguments.
fn flat(profile: &Profile, column: usize) -> HashMap<String, i64> {
    let mut flat = HashMap::new();
    for sample in &profile.samples {
        let leaf = profile
            .stack(sample)
            .next()
            .map_or("", |frame| frame.function);
        *flat.entry(leaf.to_owned()).or_insert(0) += sample.values[column];
    }
    flat.retain(|_, value| *value != 0);
    flat
}

const COLUMNS: [&str; 4] = [
    "alloc_objects",
    "alloc_space",
    "inuse_objects",
    "inuse_space",
];

#[test]
fn sums_are_those_of_pprof() {
    for toolchain in toolchains() {
        for rate in ["1", "4096"] {
            let made = make(&toolchain, rate);
            for (column, index) in COLUMNS.iter().enumerate() {
                let by_function = top(&made, "packed", index);
                assert_eq!(
                    flat(&made.packed, column),
                    by_function,
                    "{} {index}",
                    made.version
                );
                // In the text frames of the allocator are on top, which pprof cuts off: what is
                // left over all is the same.
                let by_function = top(&made, "text", index);
                let whole: i64 = by_function.values().sum();
                assert_eq!(made.text.total(column), whole, "{} {index}", made.version);
            }
        }
    }
}

/// Types by the function that has a map of them.
fn types(function: &str) -> Option<(Arc<GoType>, Arc<GoType>)> {
    let int = || GoType::scalar("int", 8);
    let words = |n| {
        GoType::structure(
            "t",
            &[(false, GoType::array(GoType::scalar("uint64", 8), n))],
        )
    };
    Some(match function.strip_prefix("main.")? {
        "ints" | "hinted" => (int(), int()),
        "strings" => (GoType::string(), GoType::string()),
        "bigs" => (GoType::string(), words(25)),
        "middles" => (GoType::scalar("uint32", 4), words(12)),
        "sets" => (
            GoType::array(GoType::scalar("uint8", 1), 16),
            GoType::structure("struct {}", &[]),
        ),
        "pointers" => (GoType::scalar("int32", 4), GoType::pointer("*big")),
        "small" => (GoType::string(), int()),
        _ => return None,
    })
}

/// What the program's source says, told by the text of the line.
fn locate(frame: &Frame<'_>) -> Option<Arc<LineMap>> {
    let line = include_str!("program/main.go")
        .lines()
        .nth(frame.line as usize - 1)?;
    let parts = types(frame.function)?;
    let role = match (
        line.contains("make(map"),
        line.trim_start().starts_with("m["),
    ) {
        (true, _) => Role::Make,
        (_, true) => Role::Assign,
        _ => return None,
    };
    Some(Arc::new(LineMap {
        name: "m".to_owned(),
        owner: frame.function.to_owned(),
        type_name: String::new(),
        parts: Some(parts),
        target: None,
        role,
        local: true,
        pool: None,
        place: Place::new("main.go", (frame.line, 1), (frame.line, 2)),
    }))
}

/// Causes by line and block size.
type Classes = HashMap<(u32, u64), Vec<(Cause, Usage)>>;

fn classes(survey: &Survey) -> Classes {
    let mut all = Classes::new();
    for site in survey.sites.iter().filter(|s| types(&s.function).is_some()) {
        for entry in &site.entries {
            let of = all.entry((site.line, entry.size)).or_default();
            of.push((entry.allocation.cause, entry.allocated));
        }
    }
    all
}

/// How many bytes have the same cause in both, of all that the frames say, and how many bytes are
/// said to be maps' that the frames don't say.
fn agreement(truth: &Classes, told: &Classes) -> (i64, i64, i64) {
    let (mut same, mut all, mut made_up) = (0, 0, 0);
    for (key, causes) in truth {
        for (cause, usage) in causes {
            all += usage.bytes;
            let told = told.get(key).into_iter().flatten();
            if told.into_iter().any(|(c, _)| c == cause) {
                same += usage.bytes;
            }
        }
    }
    for (key, causes) in told {
        if !truth.contains_key(key) {
            made_up += causes.iter().map(|(_, usage)| usage.bytes).sum::<i64>();
        }
    }
    (same, all, made_up)
}

#[test]
fn sizes_tell_what_frames_tell() {
    for toolchain in toolchains() {
        let made = make(&toolchain, "1");
        let truth = survey(&made.text, made.build, &|_| None);
        assert!(truth.has_frames);
        let by_types = survey(&made.packed, made.build, &locate);
        let by_sizes = survey(&made.packed, made.build, &|_| None);
        assert!(!by_types.has_frames);
        // The slice and the buffer are no maps, whoever asks.
        for survey in [&truth, &by_types, &by_sizes] {
            assert!(
                survey.sites.iter().all(|s| s.function != "main.slices"),
                "{}",
                made.version
            );
        }
        let truth = classes(&truth);
        let (same, all, made_up) = agreement(&truth, &classes(&by_types));
        let (bare, _, bare_up) = agreement(&truth, &classes(&by_sizes));
        let percent = |part: i64| 100.0 * part as f64 / all as f64;
        println!(
            "| {} | {:.1} % | {:.1} % | {:.1} % | {:.1} % |",
            made.version,
            percent(same),
            percent(made_up),
            percent(bare),
            percent(bare_up)
        );
        assert!(percent(same) > 95.0, "{}: {same} of {all}", made.version);
        assert!(
            percent(made_up) < 1.0 && percent(bare_up) < 1.0,
            "{}",
            made.version
        );
        assert!(percent(bare) > 60.0, "{}: {bare} of {all}", made.version);
    }
}

/// What is known of the program's maps without any profile.
#[test]
fn frames_tell_what_happened() {
    for toolchain in toolchains() {
        let made = make(&toolchain, "1");
        let survey = survey(&made.text, made.build, &|_| None);
        let objects = |function: &str, cause: Cause| -> i64 {
            let sites = survey.sites.iter().filter(|s| s.function == function);
            let entries = sites.flat_map(|s| &s.entries);
            let of = entries.filter(|e| e.allocation.cause == cause);
            of.map(|e| e.allocated.objects).sum()
        };
        let version = &made.version;
        assert_eq!(objects("main.small", Cause::Make), 1000, "{version}");
        assert_eq!(objects("main.small", Cause::FirstInsert), 1000, "{version}");
        assert_eq!(objects("main.small", Cause::Growth), 0, "{version}");
        assert_eq!(objects("main.hinted", Cause::Growth), 0, "{version}");
        assert_eq!(objects("main.bigs", Cause::Boxed), 5000, "{version}");
        assert_eq!(objects("main.bigs", Cause::FirstInsert), 1, "{version}");
        let splits = objects("main.ints", Cause::Split);
        let evacuated = objects("main.ints", Cause::Evacuation);
        match made.build.maps {
            Implementation::Swiss => assert!(splits > 500 && evacuated == 0, "{version}"),
            Implementation::Classic => assert!(splits == 0 && evacuated > 0, "{version}"),
        }
    }
}
