//! Rules chosen by `tophash.toml` and on the command line.

use std::fs;

use tempfile::TempDir;

use crate::support::{BROKEN_MAP, Run, check, module, tophash};

/// The same mistake in several packages.
fn packages(settings: &[(&str, &str)]) -> TempDir {
    let mut files = vec![
        ("a/m.go", BROKEN_MAP),
        ("b/m.go", BROKEN_MAP),
        ("b/m_test.go", BROKEN_MAP),
    ];
    files.extend(settings);
    module(&files)
}

/// The places of findings.
fn places(run: &Run) -> Vec<&str> {
    let lines = run.out.lines();
    lines.map(|line| line.split(": ").next().unwrap()).collect()
}

#[test]
fn files_refine_each_other_down_the_tree() {
    let dir = packages(&[
        ("tophash.toml", "ignore = ['TH1']\n"),
        (
            "b/tophash.toml",
            "extend-select = ['nil-map-write']\ntests = false\n",
        ),
    ]);
    let run = check(dir.path(), &["--format=concise", "./..."]);
    assert_eq!((places(&run), run.err.as_str()), (vec!["b/m.go:6:3"], ""));
    let run = check(dir.path(), &["--format=concise", "--isolated", "./..."]);
    assert_eq!(
        places(&run),
        ["a/m.go:6:3", "b/m.go:6:3", "b/m_test.go:6:3"]
    );
    // From below it is the same.
    let run = check(&dir.path().join("b"), &["--format=concise"]);
    assert_eq!(places(&run), ["m.go:6:3"]);
    assert_eq!(check(&dir.path().join("a"), &[]).status, Some(0));
}

#[test]
fn the_command_line_counts_more() {
    let dir = packages(&[("tophash.toml", "select = ['TH102']\n")]);
    assert_eq!(check(dir.path(), &["./..."]).status, Some(0));
    for (arguments, found) in [
        (&["--select=TH1"][..], 3),
        (&["--select", "th102,th101"], 3),
        (&["--select=TH102", "--select=nil-map-write"], 3),
        (&["--extend-select=TH101"], 3),
        (&["--select=TH1", "--ignore=TH101"], 0),
        (&["--select=all", "--ignore=TH1*"], 0),
        (&["--select=all", "--exclude=b"], 1),
        (
            &["--select=all", "--exclude=*_test.go", "--exclude=a/**"],
            1,
        ),
    ] {
        let run = check(
            dir.path(),
            &[arguments, &["--format=concise", "./..."]].concat(),
        );
        assert_eq!(
            (places(&run).len(), run.err.as_str()),
            (found, ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn severity_decides_the_status() {
    let dir = packages(&[(
        "tophash.toml",
        "[severity]\nTH101 = 'warning'\n[[per-path]]\npaths = ['b/**']\nseverity = { all = 'note' }\n",
    )]);
    let run = check(dir.path(), &["./..."]);
    assert!(
        run.out.starts_with("a/m.go:6:3: warning[TH101]: "),
        "{}",
        run.out
    );
    assert!(run.out.contains("b/m.go:6:3: note[TH101]: "), "{}", run.out);
    for (pattern, fail_on, status) in [
        ("./a", "error", 0),
        ("./a", "warning", 1),
        ("./b", "warning", 0),
        ("./b", "note", 1),
        ("./b", "none", 0),
    ] {
        let run = check(dir.path(), &["--fail-on", fail_on, pattern]);
        assert_eq!(run.status, Some(status), "{pattern} {fail_on}");
        assert_ne!(run.out, "", "{pattern} {fail_on}");
    }
    // A failure is one, whatever the findings.
    assert_eq!(
        check(dir.path(), &["--fail-on=none", "./nowhere"]).status,
        Some(2)
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_nothing_is_done() {
    let dir = packages(&[(
        "b/tophash.toml",
        "select = [\n  'TH9',\n  'nil-map-writ',\n]\n",
    )]);
    let told = "tophash: b/tophash.toml:2:3: no rule is called \"TH9\": `tophash rules` lists the rules\n\
                tophash: b/tophash.toml:3:3: no rule is called \"nil-map-writ\": did you mean TH101 (nil-map-write)?\n";
    let run = check(dir.path(), &["./..."]);
    assert_eq!(
        (run.status, run.out.as_str(), run.err.as_str()),
        (Some(2), "", told)
    );
    // The same from the directory itself, where tests and tags are asked for first.
    let run = check(&dir.path().join("b"), &[]);
    assert_eq!(run.err, told.replace("b/tophash", "tophash"));
    // What is not looked into does not matter.
    assert_eq!(check(dir.path(), &["./a"]).status, Some(1));
    let run = check(dir.path(), &["--format=json", "./..."]);
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let problem = &json["problems"][0];
    assert_eq!(
        (&problem["kind"], &problem["line"], &problem["column"]),
        (&"config".into(), &2.into(), &3.into())
    );
    for (arguments, told) in [
        (
            &["--ignore=TH999"][..],
            "tophash: --ignore: no rule is called \"TH999\": `tophash rules` lists the rules\n",
        ),
        (
            &["--exclude=a["],
            "tophash: --exclude: the pattern \"a[\": unclosed character class; missing ']'\n",
        ),
        (
            &["--config=nowhere.toml"],
            "tophash: nowhere.toml: no such file\n",
        ),
        (
            &["--config=a"],
            "tophash: a: can't be read: Is a directory (os error 21)\n",
        ),
    ] {
        let run = check(dir.path(), &[arguments, &["./a"]].concat());
        assert_eq!(
            (run.status, run.out.as_str(), run.err.as_str()),
            (Some(2), "", told)
        );
    }
    let both = check(dir.path(), &["--isolated", "--config=x.toml"]);
    assert_eq!(both.status, Some(2));
}

#[test]
fn one_file_for_all_directories() {
    let dir = packages(&[
        ("b/tophash.toml", "select = []\n"),
        ("ci/tophash.toml", "exclude = ['a']\n"),
    ]);
    let run = check(
        dir.path(),
        &["--config=ci/tophash.toml", "--format=concise", "./..."],
    );
    assert_eq!(places(&run), ["b/m.go:6:3", "b/m_test.go:6:3"]);
}

#[test]
fn tests_and_tags_of_the_directory() {
    let tagged = format!("//go:build special\n\n{BROKEN_MAP}");
    let dir = module(&[
        ("m.go", "package m\n"),
        ("tagged.go", &tagged),
        ("m_test.go", BROKEN_MAP),
        ("tophash.toml", "tests = false\ntags = ['special']\n"),
    ]);
    let of = |arguments: &[&str]| {
        let run = check(dir.path(), &[&["--format=concise"], arguments].concat());
        places(&run).join(" ")
    };
    assert_eq!(of(&[]), "tagged.go:8:3");
    assert_eq!(of(&["--tags=other"]), "");
    assert_eq!(of(&["--isolated"]), "m_test.go:6:3");
    assert_eq!(of(&["--tests"]), "m_test.go:6:3 tagged.go:8:3");
}

#[test]
fn the_settings_that_count_are_shown() {
    let dir = packages(&[
        ("tophash.toml", "ignore = ['TH102']\ntags = ['x']\n"),
        (
            "b/tophash.toml",
            "severity = { TH101 = 'note' }\nexclude = ['gen']\n",
        ),
    ]);
    let config = |arguments: &[&str]| {
        let mut command = tophash(dir.path(), &[&["config"], arguments].concat());
        Run::of(command.output().unwrap())
    };
    let run = config(&["b", "--select=TH1"]);
    let (head, table) = run.out.split_once("\n\n").unwrap();
    assert_eq!(
        head,
        "settings for b: tophash.toml, b/tophash.toml\ntags: x"
    );
    let of = |code: &str| {
        let line = table.lines().find(|line| line.starts_with(code)).unwrap();
        line.split_whitespace()
            .skip(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(of("TH101"), "on note command line");
    assert_eq!(of("TH102"), "on error command line");
    assert_eq!(of("TH001"), "off note default");
    fs::create_dir(dir.path().join("b/gen")).unwrap();
    let run = config(&["b/gen", "--format=json"]);
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(json["excluded"], true);
    let run = config(&["nowhere"]);
    assert_eq!(run.status, Some(2));
    assert!(run.err.starts_with("tophash: nowhere: "), "{}", run.err);
}
