//! The list of rules, their pages, and comments that suppress them.

use crate::support::{BROKEN_MAP, Run, check, module, tophash};

fn run(arguments: &[&str]) -> Run {
    let dir = module(&[]);
    Run::of(tophash(dir.path(), arguments).output().unwrap())
}

#[test]
fn every_rule_is_listed_and_explained() {
    let table = run(&["rules"]).out;
    let json: serde_json::Value =
        serde_json::from_str(&run(&["rules", "--format=json"]).out).unwrap();
    let rules = json.as_array().unwrap();
    assert_eq!(table.lines().count(), rules.len());
    for (line, rule) in table.lines().zip(rules) {
        let word = |key: &str| rule[key].as_str().unwrap();
        for key in ["code", "name", "severity", "summary"] {
            assert!(line.contains(word(key)), "{line}");
        }
        let (code, name) = (word("code"), word("name"));
        let by_code = run(&["explain", &code.to_lowercase()]);
        assert_eq!(by_code.status, Some(0));
        assert!(by_code.out.starts_with(&format!("{code}: {name}\n")));
        assert_eq!(run(&["explain", &name.to_uppercase()]), by_code);
        // Marks of tests and of Markdown are not for readers.
        for mark in ["// want", "```", "\n#", "\x1b"] {
            assert!(!by_code.out.contains(mark), "{code}: {mark}");
        }
        let long = by_code
            .out
            .lines()
            .find(|l| !l.starts_with("    ") && !l.contains("://") && l.len() > 90);
        assert_eq!(long, None, "{code}");
    }
}

/// With TOPHASH_UPDATE_README set, the README is made to say what the registry does.
#[test]
fn the_readme_lists_every_rule() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let head = "| code | name | finds |\n|---|---|---|\n";
    let (before, rest) = readme.split_once(head).unwrap();
    let end = rest.find("\n\n").unwrap() + 1;
    let (table, after) = rest.split_at(end);
    let json = run(&["rules", "--format=json"]).out;
    let rules: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let row = |rule: &serde_json::Value| {
        let word = |key: &str| rule[key].as_str().unwrap();
        let off = if rule["default"] == true {
            ""
        } else {
            " (off by default)"
        };
        let (code, name, summary) = (word("code"), word("name"), word("summary"));
        format!("| [{code}](crates/rules/pages/{code}.md) | {name} | {summary}{off} |\n")
    };
    let want: String = rules.iter().map(row).collect();
    if std::env::var_os("TOPHASH_UPDATE_README").is_some() {
        std::fs::write(path, format!("{before}{head}{want}{after}")).unwrap();
    } else {
        assert_eq!(table, want, "set TOPHASH_UPDATE_README to update it");
    }
}

#[test]
fn a_page_in_colour() {
    let page = run(&["explain", "TH101", "--color=always"]).out;
    assert!(page.starts_with("\x1b[1m\x1b[4mTH101:"), "{page}");
}

#[test]
fn what_is_no_rule_is_told() {
    for (word, meant) in [
        ("TH1O1", "did you mean TH101 (nil-map-write)?"),
        (
            "uninitialized-map-field",
            "did you mean TH102 (uninitialised-map-field)?",
        ),
        ("SA5000", "`tophash rules` lists the rules"),
    ] {
        let run = run(&["explain", word]);
        let told = format!("tophash: no rule is called {word:?}: {meant}\n");
        assert_eq!((run.status, run.out.as_str(), run.err), (Some(2), "", told));
    }
    assert_eq!(run(&["explain"]).status, Some(2));
    let damaged = run(&["explain", "th291"]);
    assert!(damaged.out.contains("damaged-map") && damaged.out.contains("Told by: tophash core"));
    assert_eq!(run(&["explain", "damaged-map"]), damaged);
    assert_eq!(run(&["explain", "TH292"]).status, Some(2));
    let crash = run(&["explain", "cr901"]);
    assert!(
        crash
            .err
            .starts_with("tophash: CR901 is a finding of `tophash crash`: see ")
    );
    assert_eq!(crash.status, Some(2));
}

#[test]
fn unused_suppressions_on_request() {
    let source = BROKEN_MAP
        .replace("++", "++ //nolint:tophash")
        .replace("return counts", "return counts //nolint:TH101,errcheck");
    let dir = module(&[("m.go", &source)]);
    assert_eq!(check(dir.path(), &[]).status, Some(0));
    let want =
        "m.go:8:16: TH001 part of this comment suppresses nothing: TH101 is not found on line 8\n";
    for arguments in [
        &["--unused-suppressions"][..],
        &["--extend-select=TH001"],
        &["--select=TH1,unused-suppression"],
    ] {
        let run = check(dir.path(), &[arguments, &["--format=concise"]].concat());
        assert_eq!(
            (run.status, run.out.as_str()),
            (Some(1), want),
            "{arguments:?}"
        );
    }
    // Rules that did not run found nothing, and that says nothing.
    let run = check(dir.path(), &["--select=TH102,TH001", "--format=concise"]);
    assert_eq!((run.status, run.out.as_str()), (Some(0), ""));
    // Half a function may be missing from a file that can't be parsed.
    let dir = module(&[("m.go", &format!("{source}func f( {{\n"))]);
    let run = check(dir.path(), &["--unused-suppressions", "--format=concise"]);
    assert_eq!((run.status, run.out.as_str()), (Some(0), ""));
}
