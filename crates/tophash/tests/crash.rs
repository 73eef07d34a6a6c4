//! `tophash crash`: exit statuses, forms of output, and what the source adds.

#![allow(clippy::print_stderr, reason = "a test says why it was skipped")]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

struct Run {
    status: i32,
    out: String,
    err: String,
}

fn crash(dir: &Path, arguments: &[&str], input: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tophash"))
        .arg("crash")
        .args(arguments)
        .current_dir(dir)
        .env_remove("GOFLAGS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may not read all of it.
    let feed = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap();
    Run {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

const NIL: &str = "panic: assignment to entry in nil map

goroutine 1 [running]:
main.(*T).add(...)
\t/app/main.go:7
main.main()
\t/app/main.go:11 +0x1d
exit status 2
";

#[test]
fn statuses() {
    let dir = TempDir::new().unwrap();
    let run = crash(dir.path(), &[], NIL.as_bytes());
    assert_eq!(run.status, 1);
    assert!(
        run.out
            .starts_with("/app/main.go:7:1: error[TH101]: (*T).add writes to a nil map\n")
    );
    let run = crash(dir.path(), &["-"], b"all is well\n");
    assert_eq!(
        (run.status, run.out.as_str()),
        (0, "no Go crash in 1 line\n")
    );
    let run = crash(dir.path(), &[], b"");
    assert_eq!(
        (run.status, run.out.as_str()),
        (0, "no Go crash in 0 lines\n")
    );
    // Asked for stacks, nothing failed.
    let quit = "SIGQUIT: quit\nPC=0x1 m=0 sigcode=0\n\ngoroutine 1 [sleep]:\nmain.main()\n\t/a.go:1 +0x1\n";
    assert_eq!(crash(dir.path(), &[], quit.as_bytes()).status, 0);
}

#[test]
fn what_can_not_be_read_is_named() {
    let dir = TempDir::new().unwrap();
    for (file, word) in [("none.log", "none.log: "), (".", "directory")] {
        let run = crash(dir.path(), &[file], b"");
        assert_eq!(run.status, 2, "{file}");
        assert!(run.err.contains(word), "{}", run.err);
        assert_eq!(run.out, "");
    }
    let run = crash(dir.path(), &["--src", "nowhere"], NIL.as_bytes());
    assert_eq!(run.status, 2);
    assert!(run.err.contains("--src nowhere"), "{}", run.err);
    for (bytes, word) in [
        (&b"\x28\xb5\x2f\xfd...."[..], "zstd"),
        (b"\x7fELF\x02\x01\x01\x00", "core dump"),
    ] {
        let run = crash(dir.path(), &[], bytes);
        assert_eq!(run.status, 2);
        assert!(run.err.contains(word), "{}", run.err);
    }
}

#[test]
fn gzip_is_read_and_half_of_it_too() {
    let dir = TempDir::new().unwrap();
    let mut log = Vec::new();
    let mut packer = flate2::write::GzEncoder::new(&mut log, flate2::Compression::default());
    for n in 0..2000 {
        packer
            .write_all(NIL.replace(":7", &format!(":{n}")).as_bytes())
            .unwrap();
    }
    packer.finish().unwrap();
    let run = crash(dir.path(), &["--format", "json"], &log);
    assert_eq!(run.status, 1, "{}", run.err);
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), 1000);
    let run = crash(dir.path(), &["--format", "json"], &log[..log.len() / 2]);
    assert_eq!(run.status, 2);
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert!(!json["findings"].as_array().unwrap().is_empty());
    assert_eq!(json["problems"][0]["kind"], "read");
}

#[test]
fn json_is_as_the_schema_says() {
    let schema = fs::read(root().join("docs/finding.schema.json")).unwrap();
    let schema = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for version in ["go1.21", "go1.27"] {
        let log = one_log(&recordings(version));
        let run = crash(&root(), &["--format", "json"], log.as_bytes());
        let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        let errors: Vec<String> = (validator.iter_errors(&json))
            .map(|e| e.to_string())
            .collect();
        assert_eq!(errors, [""; 0], "{version}");
    }
}

const VERSIONS: [&str; 7] = [
    "go1.21", "go1.22", "go1.23", "go1.24", "go1.25", "go1.26", "go1.27",
];

/// All of them one after the other, as `go run` shows each.
fn one_log(recordings: &[Recording]) -> String {
    let texts = recordings.iter().map(|r| r.text.as_str());
    texts.map(|text| format!("{text}exit status 2\n")).collect()
}

struct Recording {
    name: String,
    text: String,
}

/// What the programs print by default, once for each.
fn recordings(version: &str) -> Vec<Recording> {
    let file = root().join(format!("crates/crash/tests/recordings/{version}.txt.gz"));
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(file).unwrap())
        .read_to_end(&mut text)
        .unwrap();
    let text = String::from_utf8_lossy(&text);
    let mut all: Vec<Recording> = Vec::new();
    let mut wanted = false;
    for line in text.split_inclusive('\n') {
        if let Some(inside) = line
            .strip_prefix("-- ")
            .and_then(|l| l.strip_suffix(" --\n"))
        {
            let name = inside.strip_suffix(" single plain");
            wanted = name.is_some();
            all.extend(name.map(|name| Recording {
                name: name.to_owned(),
                text: String::new(),
            }));
        } else if wanted {
            all.last_mut().unwrap().text.push_str(line);
        }
    }
    all
}

/// With the source the operation is known for every program, at the default level and in every
/// version, and so is an element got from a map.
#[test]
fn the_source_tells_the_operation() {
    let programs = root().join("crates/crash/tests/programs");
    let facts = fs::read_to_string(programs.join("facts.txt")).unwrap();
    let mut wrong = Vec::new();
    for version in VERSIONS {
        let recordings = recordings(version);
        let log = one_log(&recordings);
        let arguments = ["--src", ".", "--format", "json"];
        let run = crash(&programs, &arguments, log.as_bytes());
        let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        let cases = json["crashes"].as_array().unwrap();
        assert_eq!(cases.len(), recordings.len(), "{version}");
        for (recording, case) in recordings.iter().zip(cases) {
            let fact = facts
                .lines()
                .find(|l| l.split_whitespace().next() == Some(&recording.name))
                .unwrap();
            let words: Vec<&str> = fact.split_whitespace().collect();
            let sides = words[2].split('|');
            let operations: Vec<&str> = sides.filter_map(|s| s.split(':').next()).collect();
            let verdict = &case["verdict"];
            let found: Vec<&str> = verdict["failed"]["operations"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|o| o.as_str())
                .collect();
            let class = verdict["class"].as_str().unwrap();
            let right = match recording.name.as_str() {
                name if name.starts_with("elem-") => class == "nil-map-element",
                "other-nil" => class == "nil-dereference",
                _ if operations == ["-"] || class == "damaged-map" => true,
                _ => found.len() == 1 && operations.contains(&found[0]),
            };
            if !right {
                let name = &recording.name;
                wrong.push(format!(
                    "{version} {name}: {class} {found:?}, is {operations:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Of two `go` statements that reach a line, `check` may name one and the crash be of the other.
#[test]
fn a_goroutine_started_elsewhere_is_not_blamed() {
    let dir = TempDir::new().unwrap();
    let source = "package main

var seen = map[string]int{}

func add(k string) { seen[k]++ }

func first() {
\tgo add(\"a\")
\tseen[\"b\"] = 1
}

func spin(f func(string)) {
\tgo f(\"c\")
\tf(\"d\")
}

func main() {
\tfirst()
\tspin(add)
}
";
    fs::write(dir.path().join("main.go"), source).unwrap();
    fs::write(
        dir.path().join("go.mod"),
        "module example.com/app\n\ngo 1.21\n",
    )
    .unwrap();
    let read = |function: &str, line: u32| {
        let log = format!(
            "fatal error: concurrent map writes

goroutine 6 [running]:
main.add(...)
\t/app/main.go:5
created by main.{function} in goroutine 1
\t/app/main.go:{line} +0x1d
"
        );
        crash(dir.path(), &["--src", "."], log.as_bytes()).out
    };
    let first = read("first", 8);
    assert!(first.contains("the goroutine is started here"), "{first}");
    let other = read("spin", 13);
    assert!(!other.contains("main.go:8"), "{other}");
    assert!(other.contains("main.go:13"), "{other}");
}

/// A line that names a file outside of the source is not read.
#[test]
fn only_files_of_the_source_are_shown() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("secret.go"), "the secret\n".repeat(20)).unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    for file in ["/app/../secret.go", "../secret.go", "src/../secret.go"] {
        let log = NIL.replace("/app/main.go", file);
        for format in ["text", "html"] {
            let arguments = ["--src", "src", "--format", format];
            let run = crash(dir.path(), &arguments, log.as_bytes());
            assert!(!run.out.contains("the secret"), "{}", run.out);
        }
    }
}

/// A page closes what it opens and lets nothing of the log become markup.
#[test]
fn html_is_a_page_by_itself() {
    let log = NIL.replace("nil map\n", "nil map\n\t<script>alert(1)</script>\n");
    let run = crash(&root(), &["--format", "html"], log.as_bytes());
    assert!(run.out.starts_with("<!doctype html>"));
    assert!(run.out.trim_end().ends_with("</html>"));
    assert!(!run.out.contains("<script"));
    for word in ["src=", "href=", "url("] {
        assert!(!run.out.contains(word), "{word}");
    }
    for tag in [
        "article", "details", "table", "tr", "td", "ol", "li", "p", "pre",
    ] {
        let opened = run.out.matches(&format!("<{tag}>")).count()
            + run.out.matches(&format!("<{tag} ")).count();
        let closed = run.out.matches(&format!("</{tag}>")).count();
        assert_eq!(opened, closed, "{tag}");
    }
}

/// Looks for Chromium on the path, or takes TOPHASH_CHROMIUM.
fn browser() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("TOPHASH_CHROMIUM") {
        return Some(path.into());
    }
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths)
        .flat_map(|dir| {
            ["chromium", "chromium-browser", "google-chrome"].map(|name| dir.join(name))
        })
        .find(|path| path.is_file())
}

/// Put into a copy of the page: leaves what a reader would see in the document.
const READER: &str = r##"<script>
const all = (what) => [...document.querySelectorAll(what)];
const open = all("details[open]").length;
all("summary").forEach((summary) => summary.click());
const report = document.createElement("pre");
report.id = "report";
report.textContent = JSON.stringify({
  crashes: all("article").length,
  links: all("nav a").filter((a) => document.getElementById(a.hash.slice(1))).length,
  open, stacks: all("details").length, closed: all("details:not([open])").length,
  fetched: performance.getEntriesByType("resource").length, images: document.images.length,
  wide: document.documentElement.scrollWidth > innerWidth,
});
document.body.append(report);
</script>"##;

#[test]
fn the_page_in_a_browser() {
    let Some(browser) = browser() else {
        eprintln!("SKIPPED: there is no Chromium on the path");
        return;
    };
    let long = "a".repeat(400);
    let stack = |f: &str| {
        format!(
            "goroutine 1 [running]:\nmain.{f}()\n\t/{long}/main.go:9 +0x1\n\ngoroutine 2 [select]:\nmain.{long}()\n\t/a/main.go:12 +0x1\n"
        )
    };
    let log = format!(
        "panic: assignment to entry in nil map\n\n{}\npanic: <img src=x>{long}\n\n{}",
        stack("one"),
        stack("two")
    );
    let run = crash(&root(), &["--format", "html"], log.as_bytes());
    for width in [1200, 500] {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("page.html");
        fs::write(
            &file,
            run.out.replace("</body>", &format!("{READER}</body>")),
        )
        .unwrap();
        let output = Command::new(&browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
            .arg(format!("--window-size={width},900"))
            .arg(format!(
                "--user-data-dir={}",
                dir.path().join("profile").display()
            ))
            .arg(format!("file://{}", file.display()))
            .output()
            .unwrap();
        let dom = String::from_utf8_lossy(&output.stdout);
        let report = dom
            .split_once("<pre id=\"report\">")
            .and_then(|(_, rest)| rest.split_once("</pre>"))
            .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let report: serde_json::Value = serde_json::from_str(report.0).unwrap();
        let wanted = serde_json::json!({
            "crashes": 2, "links": 2, "open": 2, "stacks": 4, "closed": 2,
            "fetched": 0, "images": 0, "wide": false,
        });
        assert_eq!(report, wanted, "{width}");
    }
}

/// What the page about the command shows is what it prints. With TOPHASH_UPDATE_README set, the
/// page is made to say so.
#[test]
fn the_page_shows_real_output() {
    let path = root().join("docs/crash.md");
    let page = fs::read_to_string(&path).unwrap();
    let mut updated = String::new();
    let mut rest = page.as_str();
    while let Some((before, block)) = rest.split_once("```console\n$ tophash crash ") {
        let (command, behind) = block.split_once('\n').unwrap();
        let (_, after) = behind.split_once("```").unwrap();
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let run = crash(&root(), &arguments, b"");
        updated.push_str(&format!(
            "{before}```console\n$ tophash crash {command}\n{}```",
            run.out
        ));
        rest = after;
    }
    updated.push_str(rest);
    if std::env::var_os("TOPHASH_UPDATE_README").is_some() {
        fs::write(&path, updated).unwrap();
    } else {
        assert_eq!(page, updated, "set TOPHASH_UPDATE_README to update it");
    }
}
