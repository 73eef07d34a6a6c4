//! What users and scripts rely on: exit statuses, what goes to which stream, and the
//! forms of output.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use support::{BROKEN_MAP, Run, check, module, tophash};
use tempfile::TempDir;

const MISSING: &str = "\
package m

import \"example.org/missing\"

func f() {
\tm := missing.Map()
\tm[1] = 2
}
";

#[test]
fn nothing_found_prints_nothing() {
    let dir = module(&[("m.go", "package m\n\nvar M = map[string]int{}\n")]);
    let clean = Run {
        status: Some(0),
        out: String::new(),
        err: String::new(),
    };
    assert_eq!(check(dir.path(), &["./..."]), clean);
    assert_eq!(check(dir.path(), &[]), clean);
}

#[test]
fn findings_are_status_1_and_on_standard_output() {
    let dir = module(&[("a/m.go", BROKEN_MAP)]);
    let run = check(dir.path(), &["./..."]);
    assert_eq!((run.status, run.err.as_str()), (Some(1), ""));
    assert!(
        run.out.starts_with("a/m.go:6:3: error[TH101]: "),
        "{}",
        run.out
    );
    assert!(!run.out.contains('\x1b'), "escapes in a pipe: {}", run.out);
}

#[test]
fn concise_is_one_line_per_finding() {
    let dir = module(&[("m.go", BROKEN_MAP)]);
    let run = check(dir.path(), &["--format", "concise"]);
    assert_eq!(run.out.lines().count(), 1);
    assert!(run.out.starts_with("m.go:6:3: TH101 "), "{}", run.out);
}

#[test]
fn json_counts_and_fingerprints() {
    let dir = module(&[("m.go", BROKEN_MAP), ("m_test.go", "package m\n")]);
    let run = check(dir.path(), &["--format=json"]);
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    // The package and its test variant hold the same finding.
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        json["findings"][0]["fingerprint"].as_str().map(str::len),
        Some(16)
    );
    assert_eq!(
        json["stats"],
        serde_json::json!({"packages": 1, "files": 2, "lines": 10})
    );
}

#[test]
fn json_is_as_the_schema_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let schema = fs::read(root.join("docs/finding.schema.json")).unwrap();
    let schema = serde_json::from_slice(&schema).unwrap();
    let broken = format!("{BROKEN_MAP}\nfunc f( {{\n");
    let dir = module(&[("m.go", &broken), ("n/n.go", MISSING)]);
    let run = check(dir.path(), &["--format=json", "./...", "./nowhere"]);
    let json = serde_json::from_str(&run.out).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&json)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for kind in ["pattern", "syntax", "import"] {
        assert!(
            run.out.contains(&format!("\"kind\": \"{kind}\"")),
            "{}",
            run.out
        );
    }
}

#[test]
fn color_on_demand() {
    let dir = module(&[("m.go", BROKEN_MAP)]);
    let run = check(dir.path(), &["--color=always"]);
    assert!(run.out.contains("\x1b["), "{}", run.out);
}

#[test]
fn a_pattern_without_match_is_status_2_and_the_rest_is_reported() {
    let dir = module(&[("m.go", BROKEN_MAP)]);
    let run = check(dir.path(), &["--format=concise", "./nowhere/...", "."]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.err.starts_with("tophash: ./nowhere/...: "),
        "{}",
        run.err
    );
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
}

#[test]
fn what_is_not_there_is_named() {
    let dir = module(&[("m.go", BROKEN_MAP)]);
    for (pattern, why) in [
        ("other.go", "no such file or directory"),
        ("sub/other.go", "no such file or directory"),
        ("./sub", "no such file or directory"),
        ("example.com/m/sub", "no such package"),
        ("example.org/other.go", "no such package"),
        ("./.../none", "matched no packages"),
    ] {
        let run = check(dir.path(), &[pattern]);
        assert_eq!(run.err, format!("tophash: {pattern}: {why}\n"));
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""));
    }
}

#[cfg(unix)]
#[test]
fn what_can_not_be_read_is_status_2_and_the_rest_is_reported() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    let dir = module(&[("m.go", BROKEN_MAP), ("dir.go/d.go", BROKEN_MAP)]);
    symlink("nowhere.go", dir.path().join("link.go")).unwrap();
    // Emacs locks files like this.
    symlink("user@host.1", dir.path().join(".#m.go")).unwrap();
    fs::write(dir.path().join(OsStr::from_bytes(b"x\xff.go")), BROKEN_MAP).unwrap();
    let run = check(dir.path(), &["--format=concise", "./..."]);
    assert_eq!(run.status, Some(2));
    assert_eq!(run.out.lines().count(), 2, "{}", run.out);
    let told: Vec<&str> = run.err.lines().collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("tophash: link.go: can't be read: "));
    assert_eq!(
        told[1],
        "tophash: x\u{fffd}.go: can't be read: its name is not UTF-8"
    );

    // Named alone, there is one complaint too.
    let run = check(dir.path(), &["link.go"]);
    assert_eq!((run.status, run.err.lines().count()), (Some(2), 1));
}

/// Nothing of what a build stops at costs a finding elsewhere: a dependency that is
/// not there, a file half written, a merge half done, imports in a circle, two
/// packages in a directory.
#[test]
fn a_repository_that_does_not_build_keeps_its_findings() {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop");
    let dir = TempDir::new().unwrap();
    copy(&shop, dir.path());
    let sound = check(dir.path(), &["--format=concise", "./..."]);
    assert_eq!(sound.out.lines().count(), 3, "{}", sound.out);

    let half = format!("{BROKEN_MAP}\nfunc f(words []string) {{\n\tfor _, w := range");
    let merge = BROKEN_MAP.replace(
        "\treturn counts\n",
        "<<<<<<< HEAD\n\treturn counts\n=======\n\treturn nil\n>>>>>>> topic\n",
    );
    let circle = |other: &str| {
        BROKEN_MAP.replace(
            "package m\n",
            &format!("package m\n\nimport \"example.com/shop/{other}\"\n\ntype T = m.T\n"),
        )
    };
    let missing = BROKEN_MAP.replace(
        "package m\n",
        "package m\n\nimport \"example.org/missing\"\n\ntype T struct{ missing.T }\n",
    );
    let other = BROKEN_MAP.replace("package m\n", "package other\n");
    let damaged = [
        ("zhalf/m.go", half),
        ("zmerge/m.go", merge),
        ("zmissing/m.go", missing),
        ("zone/m.go", circle("ztwo")),
        ("ztwo/m.go", circle("zone")),
        ("ztwo/n.go", other),
    ];
    for (path, text) in &damaged {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let nowhere = dir.path().join("nowhere");
    let mut command = tophash(dir.path(), &["check", "--format=concise", "./..."]);
    command.env("GOMODCACHE", &nowhere).env("GOROOT", &nowhere);
    let run = Run::of(command.output().unwrap());
    assert_eq!(run.status, Some(1));
    let rest = run.out.strip_prefix(&sound.out);
    let places: Vec<&str> = rest
        .unwrap_or_else(|| panic!("not all of {}: {}", sound.out, run.out))
        .lines()
        .map(|line| line.split(" TH101 ").next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "zhalf/m.go:6:3:",
            "zmerge/m.go:6:3:",
            "zmissing/m.go:10:3:",
            "zone/m.go:10:3:",
            "ztwo/m.go:10:3:"
        ]
    );
    assert_eq!(run.err.lines().count(), 3, "{}", run.err);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// At the top of a workspace there is often no module.
#[test]
fn modules_of_a_workspace_are_named_from_its_top() {
    let dir = TempDir::new().unwrap();
    for (path, text) in [
        ("go.work", "go 1.24\n\nuse ./a\n"),
        ("a/go.mod", "module example.com/a\n\ngo 1.24\n"),
        ("a/m.go", BROKEN_MAP),
        ("b/go.mod", "module example.com/b\n\ngo 1.24\n"),
        ("b/m.go", BROKEN_MAP),
    ] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for pattern in ["./...", "./a", "example.com/a", "example.com/...", "work"] {
        let run = check(dir.path(), &["--format=concise", pattern]);
        assert_eq!((run.status, run.err.as_str()), (Some(1), ""), "{pattern}");
        assert_eq!(run.out.lines().count(), 1, "{pattern}: {}", run.out);
    }
    assert_eq!(check(dir.path(), &["example.com/b"]).status, Some(2));
}

#[test]
fn packages_of_a_gopath_are_named_from_anywhere() {
    let dir = TempDir::new().unwrap();
    let package = dir.path().join("src/example.com/m/sub");
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("m.go"), BROKEN_MAP).unwrap();
    for pattern in ["example.com/m/sub", "example.com/m/...", "example.com/..."] {
        let mut command = tophash(dir.path(), &["check", "--format=concise", pattern]);
        command.env("GO111MODULE", "off").env("GOPATH", dir.path());
        let run = Run::of(command.output().unwrap());
        assert_eq!((run.status, run.err.as_str()), (Some(1), ""), "{pattern}");
        assert_eq!(run.out.lines().count(), 1, "{pattern}: {}", run.out);
    }
}

#[test]
fn wrong_usage_is_status_2() {
    let dir = module(&[]);
    assert_eq!(check(dir.path(), &["--goos=plan10"]).status, Some(2));
    assert_eq!(check(dir.path(), &["--goarch=z80"]).status, Some(2));
    assert_eq!(check(dir.path(), &["--no-such-flag"]).status, Some(2));
    assert_eq!(check(dir.path(), &["-C", "nowhere"]).status, Some(2));
}

#[test]
fn paths_are_relative_to_the_directory_changed_to() {
    let dir = module(&[("a/m.go", BROKEN_MAP)]);
    let run = check(dir.path(), &["-C", "a", "--format=concise"]);
    assert!(run.out.starts_with("m.go:6:3: "), "{}", run.out);
}

#[test]
fn a_syntax_error_costs_its_function() {
    let broken = format!("{BROKEN_MAP}\nfunc f() {{\n\tx := = 1\n}}\n");
    let dir = module(&[("m.go", &broken)]);
    let run = check(dir.path(), &["--format=concise"]);
    assert_eq!(run.status, Some(1));
    assert!(
        run.err.starts_with("tophash: m.go:12: syntax error: "),
        "{}",
        run.err
    );
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
}

#[test]
fn missing_imports_are_told_only_when_asked() {
    let dir = module(&[("m.go", MISSING)]);
    let silent = Run {
        status: Some(0),
        out: String::new(),
        err: String::new(),
    };
    assert_eq!(check(dir.path(), &[]), silent);
    let run = check(dir.path(), &["-v"]);
    assert_eq!((run.status, run.out.as_str()), (Some(0), ""));
    let told = "tophash: m.go:3: import \"example.org/missing\" not found\n";
    assert!(run.err.contains(told), "{}", run.err);
    assert!(run.err.contains("parsing"), "{}", run.err);
}

#[test]
fn test_files_can_be_left_out() {
    let dir = module(&[("m.go", "package m\n"), ("m_test.go", BROKEN_MAP)]);
    assert_eq!(check(dir.path(), &[]).status, Some(1));
    assert_eq!(check(dir.path(), &["--tests=false"]).status, Some(0));
}

#[test]
fn tags_and_platform_choose_files() {
    let tagged = format!("//go:build special && plan9\n\n{BROKEN_MAP}");
    let dir = module(&[("m.go", "package m\n"), ("tagged.go", &tagged)]);
    assert_eq!(check(dir.path(), &[]).status, Some(0));
    assert_eq!(check(dir.path(), &["--tags=special"]).status, Some(0));
    assert_eq!(
        check(dir.path(), &["--tags=other,special", "--goos=plan9"]).status,
        Some(1)
    );
    assert_eq!(
        check(dir.path(), &["--tags=other special", "--goos=plan9"]).status,
        Some(1)
    );
}

#[test]
fn standard_input_is_a_file() {
    let dir = module(&[]);
    let mut child = tophash(dir.path(), &["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(BROKEN_MAP.as_bytes())
        .unwrap();
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(run.status, Some(1));
    assert!(
        run.out.starts_with("<standard input>:6:3: error[TH101]: "),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("counts[word]++\n"),
        "no excerpt: {}",
        run.out
    );
}

#[test]
fn suppressed_findings_are_not_there() {
    let lint = BROKEN_MAP.replace("\t\tcounts", "\t\t//lint:ignore TH101 a test\n\t\tcounts");
    let nolint = BROKEN_MAP.replace("++", "++ //nolint:tophash // a test");
    let bare = BROKEN_MAP.replace("\t\tcounts", "\t\t//lint:ignore TH101\n\t\tcounts");
    for (source, status) in [(lint, 0), (nolint, 0), (bare.clone(), 1)] {
        let dir = module(&[("m.go", &source)]);
        assert_eq!(check(dir.path(), &[]).status, Some(status), "{source}");
    }
    let dir = module(&[("m.go", &bare)]);
    let told = "tophash: m.go:6: //lint: directive without a reason: it suppresses nothing\n";
    assert_eq!(check(dir.path(), &[]).err, told);
}

#[test]
fn output_does_not_depend_on_the_number_of_threads() {
    let paths: Vec<String> = (0..20).map(|i| format!("p{i}/m.go")).collect();
    let files: Vec<(&str, &str)> = paths
        .iter()
        .map(|path| (path.as_str(), BROKEN_MAP))
        .collect();
    let dir = module(&files);
    let [one, four] = ["1", "4"].map(|threads| {
        let mut command = tophash(dir.path(), &["check", "--format=json", "./..."]);
        Run::of(command.env("RAYON_NUM_THREADS", threads).output().unwrap())
    });
    assert_eq!(one.out.matches("TH101").count(), 20);
    assert_eq!(one, four);
}

/// `tophash check | head -1`
#[test]
fn a_reader_that_leaves_is_no_error() {
    let functions: String = (0..5000)
        .map(|i| {
            BROKEN_MAP
                .replace("package m\n", "")
                .replace("Count", &format!("Count{i}"))
        })
        .collect();
    let dir = module(&[("m.go", &format!("package m\n{functions}"))]);
    let mut child = tophash(dir.path(), &["check"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(run.err, "");
}

/// The command that the README tells newcomers to run, and what it says there. With
/// TOPHASH_UPDATE_README set, the README is made to say what the command does.
#[test]
fn the_readme_shows_real_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let prompt = "$ cargo run --release -- check -C examples/shop ./...\n";
    let (before, rest) = readme
        .split_once(prompt)
        .expect("the command is in the README");
    let (shown, after) = rest.split_once("```").unwrap();
    let run = check(&root, &["-C", "examples/shop", "./..."]);
    if std::env::var_os("TOPHASH_UPDATE_README").is_some() {
        let updated = format!("{before}{prompt}{}```{after}", run.out);
        fs::write(root.join("README.md"), updated).unwrap();
    } else {
        assert_eq!(run.out, shown, "set TOPHASH_UPDATE_README to update it");
    }
}
