//! Where things are, in the words of a report.

use std::path::{Component, Path, PathBuf};

use tophash_workspace::{FileId, Workspace};

/// Turns positions in files into lines, columns and paths for people.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    workspace: &'a Workspace,
    dir: &'a Path,
}

impl<'a> Places<'a> {
    /// Paths will be relative to `dir`.
    pub(crate) fn new(workspace: &'a Workspace, dir: &'a Path) -> Places<'a> {
        Places { workspace, dir }
    }

    pub(crate) fn path(&self, file: FileId) -> String {
        self.display(&self.workspace.file(file).path)
    }

    /// Relative to the directory where that is shorter, as the go command shows paths
    /// (`base.ShortPath`), with `/` between the parts.
    pub(crate) fn display(&self, path: &Path) -> String {
        let relative = relative(path, self.dir);
        let shorter = match relative {
            Some(relative) if relative.as_os_str().len() < path.as_os_str().len() => relative,
            _ => path.to_owned(),
        };
        let text = shorter.to_string_lossy().into_owned();
        match std::path::MAIN_SEPARATOR {
            '/' => text,
            separator => text.replace(separator, "/"),
        }
    }
}

/// The way from `dir` to `path`, both absolute and without `..`. None between two drives.
pub fn relative(path: &Path, dir: &Path) -> Option<PathBuf> {
    if let Ok(below) = path.strip_prefix(dir) {
        return Some(below.to_owned());
    }
    let common = path
        .components()
        .zip(dir.components())
        .take_while(|(a, b)| a == b)
        .count();
    if common == 0 {
        return None;
    }
    let up = dir.components().skip(common).map(|_| Component::ParentDir);
    Some(up.chain(path.components().skip(common)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths() {
        let from = |path: &str| relative(Path::new(path), Path::new("/a/b"));
        assert_eq!(from("/a/b/c/d.go"), Some("c/d.go".into()));
        assert_eq!(from("/a/x.go"), Some("../x.go".into()));
        assert_eq!(from("/y/x.go"), Some("../../y/x.go".into()));
    }
}
