//! Which files a list of patterns names.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns for files below a directory.
///
/// `*` and `?` stay within a name, `**` spans directories. A pattern without a slash
/// names a file or directory anywhere below; what names a directory names all in it.
#[derive(Clone, Debug)]
pub(crate) struct Patterns {
    root: PathBuf,
    set: GlobSet,
}

impl Patterns {
    /// # Errors
    /// The index of the first pattern that is none, and what is wrong with it.
    pub(crate) fn new<'a>(
        root: &Path,
        patterns: impl IntoIterator<Item = &'a str>,
    ) -> Result<Patterns, (usize, String)> {
        let mut set = GlobSetBuilder::new();
        for (index, pattern) in patterns.into_iter().enumerate() {
            let trimmed = pattern.trim_start_matches("./").trim_end_matches('/');
            if trimmed.is_empty() {
                return Err((index, format!("the pattern {pattern:?} names no file")));
            }
            if trimmed.starts_with('/') || trimmed.starts_with("../") || trimmed == ".." {
                let message = "patterns are relative to the directory of their file, and \
                               stay below it";
                return Err((index, format!("the pattern {pattern:?}: {message}")));
            }
            let anywhere = if trimmed.contains('/') { "" } else { "**/" };
            let names = [
                format!("{anywhere}{trimmed}"),
                format!("{anywhere}{trimmed}/**"),
            ];
            for name in names {
                let glob = GlobBuilder::new(&name).literal_separator(true).build();
                let wrong = |error: globset::Error| {
                    (index, format!("the pattern {pattern:?}: {}", error.kind()))
                };
                set.add(glob.map_err(wrong)?);
            }
        }
        let set = set.build().map_err(|error| (0, error.to_string()))?;
        let root = root.to_owned();
        Ok(Patterns { root, set })
    }

    /// Patterns that name nothing.
    pub(crate) fn none(root: &Path) -> Patterns {
        Patterns {
            root: root.to_owned(),
            set: GlobSet::empty(),
        }
    }

    /// Whether a file, by its absolute path, is named.
    pub(crate) fn names(&self, file: &Path) -> bool {
        let below = file.strip_prefix(&self.root);
        below.is_ok_and(|below| self.set.is_match(below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_files_and_directories() {
        for (pattern, file, want) in [
            ("legacy", "legacy/a.go", true),
            ("legacy", "x/legacy/y/a.go", true),
            ("legacy/", "legacy/a.go", true),
            ("legacy/**", "legacy/x/a.go", true),
            ("x/legacy", "x/legacy/a.go", true),
            ("x/legacy", "y/x/legacy/a.go", false),
            ("./x", "x/a.go", true),
            ("*.pb.go", "x/a.pb.go", true),
            ("*.pb.go", "a.go", false),
            ("x/*.go", "x/a.go", true),
            ("x/*.go", "x/y/a.go", false),
            ("x/**/*.go", "x/y/z/a.go", true),
            ("**/zz_*.go", "x/y/zz_a.go", true),
            ("{a,b}/**", "b/c.go", true),
            ("[ab].go", "a.go", true),
            ("日本", "日本/a.go", true),
            ("**", "a.go", true),
        ] {
            let patterns = Patterns::new(Path::new("/r"), [pattern]).unwrap();
            assert_eq!(
                patterns.names(&Path::new("/r").join(file)),
                want,
                "{pattern} {file}"
            );
        }
        let patterns = Patterns::new(Path::new("/r"), ["a.go"]).unwrap();
        assert!(!patterns.names(Path::new("/other/a.go")));
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for pattern in ["[a", "{a", "", "./", "/abs", "../x", "a/***["] {
            let got = Patterns::new(Path::new("/r"), ["ok", pattern]);
            assert_eq!(got.err().map(|(index, _)| index), Some(1), "{pattern}");
        }
    }
}
