//! Paths of findings, as seen from other directories.

use std::path::{Path, PathBuf};

use tophash_report::without_dots;
use tophash_rules::relative;

/// The absolute path of a file that findings name as seen from `dir`, without `..`.
pub(super) fn absolute(file: &str, dir: &Path) -> PathBuf {
    without_dots(&dir.join(file))
}

/// The same file as seen from another directory, with `/` between the parts.
pub(super) fn seen_from(file: &str, dir: &Path, from: &Path) -> String {
    let path = absolute(file, dir);
    let path = relative(&path, from).unwrap_or(path);
    let text = path.to_string_lossy();
    match std::path::MAIN_SEPARATOR {
        '/' => text.into_owned(),
        separator => text.replace(separator, "/"),
    }
}
