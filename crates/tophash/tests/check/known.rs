//! Findings that are known: baselines, and what was there before a revision.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{BROKEN_MAP, Run, check, module, tophash};

/// A function with the mistake of [`BROKEN_MAP`], under another name.
fn function(name: &str) -> String {
    BROKEN_MAP.replace("package m\n", "").replace("Count", name)
}

fn write(dir: &TempDir, path: &str, text: &str) {
    fs::write(dir.path().join(path), text).unwrap();
}

#[test]
fn a_baseline_outlives_edits_elsewhere() {
    let source = format!("{BROKEN_MAP}{}", function("Other"));
    let dir = module(&[("a/m.go", &source), ("b/m.go", BROKEN_MAP)]);
    let run = check(dir.path(), &["--write-baseline=known.json", "./..."]);
    let told = "tophash: 3 findings written to known.json\n";
    assert_eq!(
        (run.status, run.out.as_str(), run.err.as_str()),
        (Some(0), "", told)
    );
    let text = fs::read_to_string(dir.path().join("known.json")).unwrap();
    assert_eq!(
        text,
        "{\n  \"schema\": 1,\n  \"findings\": [\n    \
         {\"file\":\"a/m.go\",\"function\":\"Count\",\"code\":\"TH101\",\"text\":\"counts[word]++\"},\n    \
         {\"file\":\"a/m.go\",\"function\":\"Other\",\"code\":\"TH101\",\"text\":\"counts[word]++\"},\n    \
         {\"file\":\"b/m.go\",\"function\":\"Count\",\"code\":\"TH101\",\"text\":\"counts[word]++\"}\n  ]\n}\n"
    );
    let known = |dir: &Path, baseline: &str| {
        let run = check(
            dir,
            &[
                "--format=concise",
                "--stale",
                "--baseline",
                baseline,
                "./...",
            ],
        );
        (run.status, run.out, run.err)
    };
    let nothing = (Some(0), String::new(), String::new());
    assert_eq!(known(dir.path(), "known.json"), nothing);
    // Lines move, blanks change, and it is asked from elsewhere.
    let moved = source.replace("package m\n", "package m\n\nvar x int\n");
    write(
        &dir,
        "a/m.go",
        &moved.replace("\t\tcounts[word]++", "\t\t\tcounts[word]++ "),
    );
    assert_eq!(known(dir.path(), "known.json"), nothing);
    assert_eq!(known(&dir.path().join("a"), "../known.json"), nothing);
    assert_eq!(
        known(
            dir.path(),
            &dir.path().join("known.json").display().to_string()
        ),
        nothing
    );
    // One more of the same is new: they are counted.
    let twice = moved.replace(
        "\t\tcounts[word]++\n\t}\n\treturn",
        "\t\tcounts[word]++\n\t}\n\tvar m map[int]int\n\tm[1] = 2\n\treturn",
    );
    write(&dir, "a/m.go", &twice);
    let (status, out, err) = known(dir.path(), "known.json");
    assert_eq!(
        (status, out.lines().count(), err.as_str()),
        (Some(1), 2, ""),
        "{out}"
    );
    // What is mended is told, of files that are there and that are gone.
    write(&dir, "a/m.go", BROKEN_MAP);
    fs::remove_file(dir.path().join("b/m.go")).unwrap();
    let (status, out, err) = known(dir.path(), "known.json");
    assert_eq!((status, out.as_str()), (Some(0), ""));
    assert_eq!(
        err,
        "tophash: known.json: not found any more: a/m.go: TH101 in Other: counts[word]++\n\
         tophash: known.json: not found any more: b/m.go: TH101 in Count: counts[word]++\n"
    );
}

/// Of what was not looked for nothing is known.
#[test]
fn only_what_was_looked_for_is_stale() {
    let dir = module(&[("a/m.go", BROKEN_MAP), ("b/m.go", BROKEN_MAP)]);
    check(dir.path(), &["--write-baseline=known.json", "./..."]);
    write(&dir, "a/m.go", "package m\n");
    for (arguments, stale) in [
        (&["./..."][..], 1),
        (&["./b"], 0),
        (&["--select=TH102", "./..."], 0),
    ] {
        let run = check(
            dir.path(),
            &[&["--baseline=known.json", "--stale"], arguments].concat(),
        );
        assert_eq!(
            (run.status, run.err.lines().count()),
            (Some(0), stale),
            "{arguments:?}"
        );
    }
}

#[test]
fn alike_findings_are_counted() {
    let block = |i: usize| format!("\tif n == {i} {{\n\t\tvar m map[int]int\n\t\tm[1] = 2\n\t}}\n");
    let source = |blocks: usize| {
        let blocks: String = (0..blocks).map(block).collect();
        format!("package m\n\nfunc f(n int) {{\n{blocks}}}\n")
    };
    let dir = module(&[("m.go", &source(2))]);
    check(dir.path(), &["--write-baseline=known.json"]);
    let text = fs::read_to_string(dir.path().join("known.json")).unwrap();
    assert!(
        text.contains("\"text\":\"m[1] = 2\",\"count\":2}"),
        "{text}"
    );
    for (blocks, new, stale) in [
        (2, 0, ""),
        (3, 1, ""),
        (1, 0, "m[1] = 2\n"),
        (0, 0, "m[1] = 2 (2 times)\n"),
    ] {
        write(&dir, "m.go", &source(blocks));
        let run = check(
            dir.path(),
            &["--format=concise", "--baseline=known.json", "--stale"],
        );
        assert_eq!(run.out.lines().count(), new, "{blocks}: {}", run.out);
        assert!(
            run.err.ends_with(stale) && run.err.is_empty() == stale.is_empty(),
            "{}",
            run.err
        );
    }
}

#[test]
fn what_is_no_baseline_is_told() {
    let dir = module(&[
        ("m.go", BROKEN_MAP),
        ("list.json", "[]"),
        ("new.json", "{\"schema\": 2, \"findings\": []}"),
    ]);
    for (name, told) in [
        ("nowhere.json", "No such file"),
        ("list.json", "not a baseline: "),
        ("m.go", "not a baseline: "),
        (
            "new.json",
            "a baseline of form 2, and this tophash reads form 1",
        ),
    ] {
        let run = check(dir.path(), &["--baseline", name]);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""));
        assert!(
            run.err.starts_with(&format!("tophash: {name}: {told}")),
            "{}",
            run.err
        );
    }
    // A run that failed knows too little to write one.
    let run = check(
        dir.path(),
        &["--write-baseline=known.json", ".", "./nowhere"],
    );
    assert_eq!(run.status, Some(2));
    assert!(!dir.path().join("known.json").exists());
    assert_eq!(check(dir.path(), &["--stale"]).status, Some(2));
}

/// Runs git in a repository of the test's own. None, said aloud, where there is no git.
#[allow(clippy::print_stderr)]
fn git(dir: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.args([
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
        "-c",
        "init.defaultBranch=main",
    ]);
    command.args(arguments).current_dir(dir);
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    match command.output() {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{arguments:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            eprintln!("skipped: git can't be run: {error}");
            None
        }
    }
}

/// A repository with one commit.
fn repository(files: &[(&str, &str)]) -> Option<TempDir> {
    let dir = module(files);
    git(dir.path(), &["init", "--quiet"])?;
    git(dir.path(), &["add", "."])?;
    git(dir.path(), &["commit", "--quiet", "--message=first"])?;
    Some(dir)
}

/// The places of new findings.
fn new(dir: &Path, arguments: &[&str]) -> String {
    let run = check(dir, &[&["--format=concise"], arguments].concat());
    assert_eq!(run.err, "");
    let places = run.out.lines().map(|line| line.split(": ").next().unwrap());
    places.collect::<Vec<_>>().join(" ")
}

#[test]
fn only_what_changed_is_new() {
    let Some(dir) = repository(&[
        ("a/m.go", BROKEN_MAP),
        ("b/m.go", BROKEN_MAP),
        (
            "made.go",
            &BROKEN_MAP
                .replace("package m", "package n")
                .replace("\tfor", "\tcounts = map[string]int{}\n\tfor"),
        ),
    ]) else {
        return;
    };
    let since = ["--new-from-rev=HEAD", "./..."];
    assert_eq!(new(dir.path(), &since), "");
    // Another line than those of the finding: not new, unless whole files are.
    write(
        &dir,
        "a/m.go",
        &BROKEN_MAP.replace("return counts", "return  counts"),
    );
    assert_eq!(new(dir.path(), &since), "");
    assert_eq!(
        new(
            dir.path(),
            &["--new-from-rev=HEAD", "--whole-files", "./..."]
        ),
        "a/m.go:6:3"
    );
    // The line of the evidence.
    write(
        &dir,
        "a/m.go",
        &BROKEN_MAP.replace(
            "var counts map[string]int",
            "var counts map[string]int // why",
        ),
    );
    assert_eq!(new(dir.path(), &since), "a/m.go:6:3");
    assert_eq!(
        new(&dir.path().join("a"), &["--new-from-rev=HEAD"]),
        "m.go:6:3"
    );
    // The line that made the map is gone.
    let without = BROKEN_MAP.replace("package m", "package n");
    write(&dir, "made.go", &without);
    assert_eq!(new(dir.path(), &since), "a/m.go:6:3 made.go:6:3");
    // A file that git does not know, by a name that it would quote; and one that it ignores.
    write(
        &dir,
        "b/\u{e4} \"new\".go",
        &function("New").replacen('\n', "package m\n", 1),
    );
    write(
        &dir,
        "b/ignored.go",
        &function("Old").replacen('\n', "package m\n", 1),
    );
    write(&dir, ".gitignore", "ignored.go\n");
    assert_eq!(
        new(dir.path(), &since),
        "a/m.go:6:3 b/\u{e4} \"new\".go:5:3 made.go:6:3"
    );
    git(dir.path(), &["add", "."]);
    assert_eq!(
        new(dir.path(), &since),
        "a/m.go:6:3 b/\u{e4} \"new\".go:5:3 made.go:6:3"
    );
}

/// Others' commits since the branch began are not ours.
#[test]
fn the_branch_counts_from_where_it_began() {
    let Some(dir) = repository(&[("m.go", BROKEN_MAP)]) else {
        return;
    };
    let commit = |text: &str| {
        write(&dir, "m.go", text);
        git(
            dir.path(),
            &["commit", "--quiet", "--all", "--message=more"],
        );
    };
    git(dir.path(), &["checkout", "--quiet", "-b", "topic"]);
    commit(&format!("{BROKEN_MAP}{}", function("Topic")));
    git(dir.path(), &["checkout", "--quiet", "main"]);
    commit(&BROKEN_MAP.replace("counts", "sums"));
    git(dir.path(), &["checkout", "--quiet", "topic"]);
    assert_eq!(new(dir.path(), &["--new-from-rev=main"]), "m.go:14:3");
    // A name that looks like an option is none.
    let run = check(dir.path(), &["--new-from-rev=--output=x"]);
    assert_eq!(run.status, Some(2));
    assert!(!dir.path().join("x").exists());
}

#[test]
fn what_git_can_not_answer_is_told() {
    let Some(dir) = repository(&[("m.go", BROKEN_MAP)]) else {
        return;
    };
    let said = |dir: &Path, revision: &str| {
        let run = check(dir, &["--new-from-rev", revision]);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""));
        run.err
    };
    assert_eq!(
        said(dir.path(), "nowhere"),
        "tophash: --new-from-rev: git knows no revision \"nowhere\"\n"
    );
    write(&dir, "m.go", "package m\n");
    git(
        dir.path(),
        &["commit", "--quiet", "--all", "--message=second"],
    );
    let clone = TempDir::new().unwrap();
    let from = format!("file://{}", dir.path().display());
    git(clone.path(), &["clone", "--quiet", "--depth=1", &from, "c"]);
    let shallow = said(&clone.path().join("c"), "HEAD~1");
    assert!(
        shallow.contains("\"HEAD~1\": this is a shallow clone; fetch more"),
        "{shallow}"
    );
    let none = TempDir::new().unwrap();
    write(&none, "go.mod", "module m\n");
    let outside = said(none.path(), "HEAD");
    assert!(
        outside.contains("needs a git repository: git: not a git repository"),
        "{outside}"
    );
    let mut command = tophash(dir.path(), &["check", "--new-from-rev=HEAD"]);
    let run = Run::of(command.env("PATH", none.path()).output().unwrap());
    assert_eq!(run.status, Some(2));
    assert!(
        run.err.contains("git is not installed or not on the PATH"),
        "{}",
        run.err
    );
}

/// Before the first commit everything is new.
#[test]
fn a_repository_without_commits() {
    let dir = module(&[("m.go", BROKEN_MAP), ("n/n.go", BROKEN_MAP)]);
    if git(dir.path(), &["init", "--quiet"]).is_none() {
        return;
    }
    git(dir.path(), &["add", "m.go"]);
    let since = ["--new-from-rev=HEAD", "./..."];
    assert_eq!(new(dir.path(), &since), "m.go:6:3 n/n.go:6:3");
    let run = check(dir.path(), &["--new-from-rev=main", "./..."]);
    assert_eq!(
        (run.status, run.err.as_str()),
        (
            Some(2),
            "tophash: --new-from-rev: git knows no revision \"main\"\n"
        )
    );
}
