//! Ready-made scenes.

use tophash_runtime::{Build, GoVersion, Implementation};

/// A script that comes with the lab.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows.
    pub what: &'static str,
    classic: Option<&'static str>,
    swiss: Option<&'static str>,
}

macro_rules! both {
    ($file:literal) => {
        (
            Some(include_str!(concat!("../scenes/", $file, "-classic.lab"))),
            Some(include_str!(concat!("../scenes/", $file, "-swiss.lab"))),
        )
    };
}

macro_rules! same {
    ($file:literal) => {
        (
            Some(include_str!(concat!("../scenes/", $file, ".lab"))),
            Some(include_str!(concat!("../scenes/", $file, ".lab"))),
        )
    };
}

const fn scene(
    name: &'static str,
    what: &'static str,
    (classic, swiss): (Option<&'static str>, Option<&'static str>),
) -> Scene {
    Scene {
        name,
        what,
        classic,
        swiss,
    }
}

/// All scenes.
pub const SCENES: &[Scene] = &[
    scene("growth", "a map fills up and grows", both!("growth")),
    scene(
        "same-size-growth",
        "too many overflow buckets: the same number of buckets, packed anew (classic map)",
        (Some(include_str!("../scenes/same-size-growth.lab")), None),
    ),
    scene(
        "split",
        "a full table of 1024 slots splits, and the directory doubles (Swiss map)",
        (None, Some(include_str!("../scenes/split.lab"))),
    ),
    scene(
        "iteration-growth",
        "a map grows while a loop ranges over it",
        both!("iteration-growth"),
    ),
    scene(
        "deletion",
        "what a delete leaves behind: emptyRest and emptyOne, or tombstones",
        both!("deletion"),
    ),
    scene(
        "nil-map",
        "what can and what can't be done with a nil map",
        same!("nil-map"),
    ),
    scene(
        "keys",
        "NaN keys, equal keys that differ, keys without a hash",
        same!("keys"),
    ),
    scene(
        "writers",
        "goroutines that write at the same time: every ending",
        same!("writers"),
    ),
];

impl Scene {
    /// Whether it can be played on this implementation.
    #[must_use]
    pub fn suits(&self, maps: Implementation) -> bool {
        self.text(maps).is_some()
    }

    fn text(&self, maps: Implementation) -> Option<&'static str> {
        match maps {
            Implementation::Classic => self.classic,
            Implementation::Swiss => self.swiss,
        }
    }
}

/// The scene of a name.
///
/// # Errors
/// There is none: the names are listed.
pub fn find(name: &str) -> Result<&'static Scene, String> {
    SCENES
        .iter()
        .find(|scene| scene.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = SCENES.iter().map(|scene| scene.name).collect();
            format!(
                "there is no scene {name:?}; these are: {}",
                names.join(", ")
            )
        })
}

/// The build that a scene is played on if none is asked for.
#[must_use]
pub fn default_build(scene: &Scene) -> Build {
    if scene.swiss.is_some() {
        Build::of(GoVersion::LATEST)
    } else {
        Build::of(GoVersion::Go1_23)
    }
}

/// The script of a scene for a build.
///
/// # Errors
/// There is no such scene, or it shows what this build's map has not.
pub fn script(name: &str, build: Build) -> Result<&'static str, String> {
    let scene = find(name)?;
    scene.text(build.maps).ok_or_else(|| {
        let (kind, other) = match build.maps {
            Implementation::Classic => ("classic", "1.27"),
            Implementation::Swiss => ("Swiss", "1.23"),
        };
        format!("{name} is nothing that a {kind} map does; with Go {other} it can be played")
    })
}

/// Names and what they show, a line each.
#[must_use]
pub fn list() -> Vec<String> {
    SCENES
        .iter()
        .map(|scene| format!("{:<18} {}", scene.name, scene.what))
        .collect()
}
