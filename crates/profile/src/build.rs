//! Which Go version a profile is of, as far as it tells.

use tophash_runtime::{Build, GoVersion, Implementation};

use crate::model::Profile;

/// The build that a profile comes from: by the toolchain's directory in the paths of files, else
/// by the functions of one map or the other, when it is the newest with that map; none if it has
/// neither. True if the profile names the version.
#[must_use]
pub fn guess(profile: &Profile) -> Option<(Build, bool)> {
    let tables = &profile.tables;
    let mut version = None;
    let mut classic = false;
    let mut swiss = false;
    for function in &tables.functions {
        let name = tables.string(function.name);
        swiss |= name.starts_with("internal/runtime/maps.");
        classic |= name.starts_with("runtime.hashGrow")
            || name.starts_with("runtime.makeBucketArray")
            || name.starts_with("runtime.evacuate");
        if version.is_none() && name.starts_with("runtime.") {
            version = toolchain(tables.string(function.file));
        }
    }
    let of = |version: GoVersion| match classic {
        true => Build::without_swiss(version).unwrap_or(Build::of(version)),
        false => Build::of(version),
    };
    match (version, classic, swiss) {
        (Some(version), ..) => Some((of(version), true)),
        (None, true, _) => Some((Build::of(GoVersion::Go1_23), false)),
        (None, _, true) => Some((Build::of(GoVersion::LATEST), false)),
        _ => None,
    }
    .filter(|(build, _)| !(swiss && build.maps == Implementation::Classic))
}

/// The version in the path of the library's files: `/usr/local/go1.26.1/src/runtime/proc.go`,
/// `.../toolchain@v0.0.1-go1.25.3.linux-amd64/src/runtime/proc.go`.
fn toolchain(file: &str) -> Option<GoVersion> {
    let root = file.strip_suffix("/src/runtime/proc.go")?;
    let part = root.rsplit('/').next()?;
    let at = part.rfind("go1.");
    let text = match at {
        Some(at) => part.get(at..)?,
        None if part.starts_with("1.") => part,
        None => return None,
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_paths() {
        let of = |dir: &str| toolchain(&format!("{dir}/src/runtime/proc.go"));
        assert_eq!(of("/usr/local/go1.26.1"), Some(GoVersion::Go1_26));
        assert_eq!(
            of("/go/pkg/mod/golang.org/toolchain@v0.0.1-go1.25.3.linux-amd64"),
            Some(GoVersion::Go1_25)
        );
        assert_eq!(
            of("/opt/hostedtoolcache/go/1.22.10"),
            Some(GoVersion::Go1_22)
        );
        assert_eq!(of("/usr/local/go"), None);
        assert_eq!(toolchain("runtime/proc.go"), None);
    }
}
