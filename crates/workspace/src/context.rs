//! The build: platform, tags and release, and which files they take.

use crate::platform;
use crate::version::GoVersion;
use rustc_hash::FxHashSet;

/// What decides whether a file takes part in a build (go/build.Context).
#[derive(Clone, Debug)]
pub struct BuildContext {
    /// GOOS.
    pub os: String,
    /// GOARCH.
    pub arch: String,
    /// Whether files that import `C` take part, and the tag `cgo` holds. Nothing here
    /// needs a C compiler: it may be set where there is none.
    pub cgo: bool,
    /// Further tags that hold: the user's, `goexperiment.x`, `amd64.v1`.
    pub tags: FxHashSet<String>,
    /// The Go release: tags `go1.1` to this one hold.
    pub release: GoVersion,
}

impl BuildContext {
    /// Whether a build tag holds (`matchTag` in go/build).
    pub fn has_tag(&self, tag: &str) -> bool {
        let implied = match tag {
            "cgo" => self.cgo,
            "gc" => true,
            "linux" => self.os == "android",
            "solaris" => self.os == "illumos",
            "darwin" => self.os == "ios",
            "unix" => platform::is_unix(&self.os),
            "boringcrypto" => self.tags.contains("goexperiment.boringcrypto"),
            _ => tag
                .strip_prefix("go1.")
                .filter(|minor| !minor.starts_with(['0', '+']))
                .and_then(|minor| minor.parse().ok())
                .is_some_and(|minor| GoVersion::new(1, minor) <= self.release),
        };
        implied || tag == self.os || tag == self.arch || self.tags.contains(tag)
    }

    /// Whether a file's name allows it, by `_GOOS`, `_GOARCH` or `_GOOS_GOARCH`
    /// before an optional `_test` (`goodOSArchFile` in go/build).
    pub fn takes_file_name(&self, name: &str) -> bool {
        let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
        // `linux.go` is any file: only what follows the first `_` counts.
        let Some((_, stem)) = stem.split_once('_') else {
            return true;
        };
        let stem = match stem.rsplit_once('_') {
            Some((rest, "test")) => rest,
            None if stem == "test" => return true,
            _ => stem,
        };
        let (before, last) = match stem.rsplit_once('_') {
            Some((before, last)) => (before.rsplit('_').next().unwrap_or(before), last),
            None => ("", stem),
        };
        if platform::is_known_arch(last) && platform::is_known_os(before) {
            return self.has_tag(last) && self.has_tag(before);
        }
        if platform::is_known_arch(last) || platform::is_known_os(last) {
            return self.has_tag(last);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::BuildContext;
    use crate::version::GoVersion;

    fn linux() -> BuildContext {
        BuildContext {
            os: "linux".into(),
            arch: "amd64".into(),
            cgo: true,
            tags: ["mine".to_owned()].into_iter().collect(),
            release: GoVersion::new(1, 22),
        }
    }

    #[test]
    fn tags() {
        let context = linux();
        for tag in [
            "linux", "amd64", "unix", "gc", "cgo", "mine", "go1.1", "go1.22",
        ] {
            assert!(context.has_tag(tag), "{tag}");
        }
        for tag in [
            "darwin", "ignore", "go1", "go1.0", "go1.23", "go1.021", "gccgo",
        ] {
            assert!(!context.has_tag(tag), "{tag}");
        }
        let android = BuildContext {
            os: "android".into(),
            ..linux()
        };
        assert!(android.has_tag("linux") && android.has_tag("android"));
    }

    #[test]
    fn file_names() {
        let context = linux();
        for name in [
            "linux.go",
            "windows.go",
            "x_linux.go",
            "x_linux_test.go",
            "x_linux_amd64.go",
            "x_test.go",
            "x_linux.pb.go",
            "windows_x.go",
            "x_unix.go",
            "_linux.go",
            "arm_test.go",
        ] {
            assert!(context.takes_file_name(name), "{name}");
        }
        for name in [
            "x_windows.go",
            "x_windows_test.go",
            "x_windows_amd64.go",
            "x_linux_arm64.go",
            "x_arm.go",
            "x_y_zos.go",
            "x_windows.pb.go",
        ] {
            assert!(!context.takes_file_name(name), "{name}");
        }
    }
}
