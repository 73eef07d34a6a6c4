//! Paths as code hosts show them: from the top of the repository.

use std::path::{Component, Path, PathBuf};

use crate::Report;

/// Where a file is.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Location {
    /// Below the top of the repository, with `/` between the parts.
    Below(String),
    /// Elsewhere: the standard library, another repository.
    Elsewhere(PathBuf),
}

/// Finds a file by the name that findings give it.
pub(crate) fn locate(report: &Report<'_>, file: &str) -> Location {
    let Some(dir) = report.dir else {
        return Location::Below(file.to_owned());
    };
    let path = without_dots(&dir.join(file));
    match path.strip_prefix(report.root.unwrap_or(dir)) {
        Ok(below) => {
            let parts = below
                .components()
                .map(|part| part.as_os_str().to_string_lossy());
            Location::Below(parts.collect::<Vec<_>>().join("/"))
        }
        Err(_) => Location::Elsewhere(path),
    }
}

/// A path without `.` and `..`, by its text alone.
pub fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(clean.pop()),
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn from_the_top() {
        let below = |text: &str| Location::Below(text.to_owned());
        for (root, file, want) in [
            (Some("/r"), "a.go", below("sub/a.go")),
            (Some("/r"), "../x/a.go", below("x/a.go")),
            (Some("/r"), "/r/b.go", below("b.go")),
            (
                Some("/r"),
                "../../go/a.go",
                Location::Elsewhere("/go/a.go".into()),
            ),
            (None, "x/a.go", below("x/a.go")),
            (None, "../a.go", Location::Elsewhere("/r/a.go".into())),
        ] {
            let report = Report {
                dir: Some(Path::new("/r/sub")),
                root: root.map(Path::new),
                ..Report::default()
            };
            assert_eq!(locate(&report, file), want, "{file}");
        }
        assert_eq!(locate(&Report::default(), "../a.go"), below("../a.go"));
    }
}
