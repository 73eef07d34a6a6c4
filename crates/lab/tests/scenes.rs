//! What every scene looks like on both kinds of map.

use tophash_lab::text::{Look, render, render_remarks};
use tophash_lab::{Next, SCENES, Session, Setup, build, parse, scene_script};

const LOOK: Look = Look {
    color: false,
    width: 100,
};

/// The text of a script on a version's map.
fn play(name: &str, text: &str, version: &str) -> String {
    let build = build(version, "").unwrap();
    let mut session = Session::new(Setup { build, seed: 1 });
    let script = parse(name, text);
    assert_eq!(script.error, None, "{name}");
    let mut out = String::new();
    for statement in &script.statements {
        let (mut frame, next) = session
            .run(&statement.command)
            .unwrap_or_else(|message| panic!("{name}:{}: {message}", statement.line));
        assert_eq!(next, Next::Go);
        frame.command.clone_from(&statement.text);
        frame.remarks.clone_from(&statement.remarks);
        out.push_str(&render(&frame, LOOK));
    }
    out.push_str(&render_remarks(&script.remarks, LOOK));
    out
}

#[test]
fn scenes() {
    for scene in SCENES {
        for version in ["1.23", "1.27"] {
            let build = build(version, "").unwrap();
            if let Ok(text) = scene_script(scene.name, build) {
                let name = format!("{}-{version}", scene.name);
                insta::assert_snapshot!(name, play(scene.name, text, version));
            }
        }
    }
}

/// Look-ups in a map of eight slots hash the key or not, as the functions for its type do.
#[test]
fn small_maps_are_searched_with_or_without_a_hash() {
    let without = "their keys are compared one by one: no hash is needed";
    for (version, ty, key, hashed) in [
        ("1.23", "map[int]int", "7", false),
        ("1.23", "map[int32]int", "7", false),
        ("1.23", "map[string]int", "a", false),
        ("1.23", "map[int8]int", "7", true),
        ("1.23", "map[any]int", "a", true),
        ("1.27", "map[uint64]int", "7", false),
        ("1.27", "map[rune]int", "7", false),
        ("1.27", "map[string]int", "a", true),
        ("1.27", "map[float64]int", "7", true),
    ] {
        for (first, is_there) in [("fill 3", false), ("put KEY 1", true)] {
            let start = format!("draw off; new {ty}; {first}").replace("KEY", key);
            let before = play("before", &start, version);
            let all = play("get", &format!("{start}; get {key}"), version);
            let told = all.strip_prefix(&before).unwrap();
            let case = format!("{version} {ty}: {told}");
            assert_eq!(told.contains("hash 0x"), hashed, "{case}");
            assert_eq!(told.contains(without), !hashed, "{case}");
            assert_eq!(told.contains("found in slot"), is_there, "{case}");
        }
        // A map that has outgrown them needs the hash.
        let text = format!("draw off; new {ty}; fill 9; draw off; get {key}");
        let all = play("large", &text, version);
        let (_, told) = all.split_once("› get").unwrap();
        assert!(told.contains("hash 0x"), "{version} {ty}: {told}");
    }
}

/// Clearing a map without entries does something if it may hold tombstones, since Go 1.25.
#[test]
fn clearing_what_is_empty() {
    let text = "draw off; fill 40; drain 40; clear";
    let nothing = "the map is empty: nothing is done";
    let tombstones = "its tombstones are gone now, and there is a new hash seed";
    for (version, says) in [
        ("1.23", nothing),
        ("1.24", nothing),
        ("1.25", tombstones),
        ("1.27", tombstones),
    ] {
        let told = play("clear", text, version);
        let (_, told) = told.split_once("› clear").unwrap();
        assert!(told.contains(says), "{version}: {told}");
    }
}

#[test]
fn a_race_with_a_key_without_a_hash_is_refused() {
    let build = build("1.27", "").unwrap();
    let mut session = Session::new(Setup { build, seed: 1 });
    let script = parse("race", "new map[any]int; race put []int{1} 1 | get a");
    let results: Vec<_> = script
        .statements
        .iter()
        .map(|statement| session.run(&statement.command))
        .collect();
    assert!(results[0].is_ok());
    let message = results[1].as_ref().map(|_| ()).unwrap_err();
    assert!(message.contains("has no hash"), "{message}");
}

/// Scenes rest on keys that a seed chooses; with any seed and version they play to their end and
/// show what they are about.
#[test]
fn scenes_with_other_seeds_and_versions() {
    let versions = [
        "1.21",
        "1.22",
        "1.23",
        "1.24-noswissmap",
        "1.25-noswissmap",
        "1.24",
        "1.25",
        "1.26",
        "1.27",
    ];
    let shows = [
        (
            "growth",
            &["doubled to 4 buckets", "evacuated old bucket"][..],
            &["into a table of 16 slots", "replaced by one of 32"][..],
        ),
        (
            "same-size-growth",
            &["same-size growth into a new array of 2", "packed"],
            &[],
        ),
        (
            "split",
            &[],
            &["split into two of 1024", "directory doubled to 2"],
        ),
        (
            "iteration-growth",
            &["doubled to 4 buckets", "the loop ends"],
            &["replaced by one of 32", "the loop ends"],
        ),
        (
            "deletion",
            &["emptyOne", "emptyRest", "new hash seed"],
            &["became a tombstone", "a tombstone that probing passed"],
        ),
        (
            "nil-map",
            &["panic: assignment to entry in nil map"],
            &["panic: assignment to entry in nil map"],
        ),
        (
            "keys",
            &["hash of unhashable type"],
            &["hash of unhashable type"],
        ),
    ];
    for version in versions {
        for seed in 1..=12 {
            let build = build(version, "").unwrap();
            for (name, classic, swiss) in shows {
                let Ok(text) = scene_script(name, build) else {
                    continue;
                };
                let mut session = Session::new(Setup { build, seed });
                let mut said = String::new();
                for statement in parse(name, text).statements {
                    let (frame, _) = session.run(&statement.command).unwrap_or_else(|message| {
                        panic!("{name} {version} seed {seed}: {message}")
                    });
                    said.extend(
                        frame
                            .sentences
                            .iter()
                            .chain(&frame.failure)
                            .map(|s| format!("{s}\n")),
                    );
                }
                let wanted = match build.maps {
                    tophash_runtime::Implementation::Classic => classic,
                    tophash_runtime::Implementation::Swiss => swiss,
                };
                for text in wanted {
                    assert!(
                        said.contains(text),
                        "{name} {version} seed {seed}: no {text:?} in\n{said}"
                    );
                }
            }
        }
    }
}
