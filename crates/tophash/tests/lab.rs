//! `tophash lab` as it is called.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn lab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tophash"));
    command.arg("lab").args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = lab(arguments).output().unwrap();
    (
        status.code().unwrap(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

#[test]
fn a_mistake_names_its_line_after_the_steps_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("walk.lab");
    fs::write(&file, "put a 1\n\nput b\nput c 3\n").unwrap();
    let name = file.to_str().unwrap();
    let (status, out, err) = run(&[name]);
    assert_eq!(status, 2);
    assert!(out.contains("› put a 1") && out.contains("a:1") && !out.contains("put c"));
    assert!(
        err.contains("walk.lab:3: `put KEY ELEM` was expected"),
        "{err}"
    );

    let page = dir.path().join("walk.html");
    let (status, out, _) = run(&[name, "--html", page.to_str().unwrap()]);
    assert_eq!((status, out.as_str()), (2, ""));
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("put a 1") && !page.contains("put c 3"));
}

#[test]
fn wrong_usage_is_status_2() {
    for (arguments, says) in [
        (&["nowhere.lab"][..], "nowhere.lab"),
        (&["--scene", "nothing"], "these are: growth"),
        (&["--go", "1.20"], "from 1.21 to 1.27"),
        (&["--scene", "split", "--go", "1.23"], "Go 1.27"),
        (
            &["-e", "put a 1", "--html", "/no/such/dir/x.html"],
            "/no/such/dir/x.html",
        ),
        (&["-e", "put a 1; get"], "-e:1: `get KEY` was expected"),
        (&["-e", "put a one"], "\"one\" is no int"),
    ] {
        let (status, _, err) = run(arguments);
        assert_eq!(status, 2, "{arguments:?}");
        assert!(err.contains(says), "{arguments:?}: {err}");
    }
}

#[test]
fn scenes_are_listed_and_played() {
    let (status, out, _) = run(&["--scenes"]);
    assert_eq!(status, 0);
    for line in out.lines() {
        let name = line.split(' ').next().unwrap();
        let (status, out, err) = run(&["--scene", name]);
        assert_eq!((status, err.as_str()), (0, ""), "{name}");
        let (_, same, _) = run(&[
            "-e",
            &format!(
                "go {}; scene {name}",
                if name == "same-size-growth" {
                    "1.23"
                } else {
                    "1.27"
                }
            ),
        ]);
        assert!(out.len() > 500 && same.len() > out.len(), "{name}");
    }
}

#[test]
fn a_seed_makes_other_hashes_and_the_same_one_the_same() {
    let first = run(&["-e", "fill 3"]);
    assert_eq!(first, run(&["-e", "fill 3", "--seed", "1"]));
    assert_ne!(first, run(&["-e", "fill 3", "--seed", "2"]));
}

#[test]
fn color_on_demand() {
    assert!(!run(&["-e", "put a 1"]).1.contains('\u{1b}'));
    assert!(
        run(&["-e", "put a 1", "--color", "always"])
            .1
            .contains('\u{1b}')
    );
}

/// What docs/lab.md shows is what the command says. With TOPHASH_UPDATE_DOCS set, the page is
/// made to say it.
#[test]
fn the_page_on_the_lab_shows_real_output() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lab.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("```console\n$ tophash lab ").unwrap();
    let (block, after) = rest.split_once("```\n").unwrap();
    let (command, shown) = block.split_once('\n').unwrap();
    let (options, script) = command.split_once(" -e '").unwrap();
    let script = script.strip_suffix('\'').unwrap();
    let mut arguments: Vec<&str> = options.split(' ').collect();
    arguments.extend(["--width", "90", "-e", script]);
    let (status, out, _) = run(&arguments);
    assert_eq!(status, 0);
    let out = out.trim_end().to_owned() + "\n";
    if std::env::var_os("TOPHASH_UPDATE_DOCS").is_some() {
        let updated = format!("{before}```console\n$ tophash lab {command}\n{out}```\n{after}");
        fs::write(&path, updated).unwrap();
    } else {
        assert_eq!(out, shown, "set TOPHASH_UPDATE_DOCS to update it");
    }
}

/// Every command of the table in docs/lab.md is known, and the other way round.
#[test]
fn the_page_on_the_lab_names_all_commands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lab.md");
    let page = fs::read_to_string(&path).unwrap();
    for (name, ..) in tophash_lab::COMMANDS {
        let named = [format!("`{name}`"), format!("`{name} ")];
        assert!(
            named.iter().any(|text| page.contains(text)),
            "{name} is missing"
        );
    }
}
