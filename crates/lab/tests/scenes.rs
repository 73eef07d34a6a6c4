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
