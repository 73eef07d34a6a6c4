//! What is wrong with a setting, and where it stands.

use std::fmt;

/// A setting that can't be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The file, or None for the command line.
    pub file: Option<String>,
    /// Line and column, from 1, the column in bytes. None where the whole file can't
    /// be read.
    pub position: Option<(u32, u32)>,
    /// What is wrong, and what may have been meant.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            if let Some((line, column)) = self.position {
                write!(f, "{line}:{column}:")?;
            }
            write!(f, " ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Line and column, from 1, of an offset in a text; the column counts bytes.
pub(crate) fn position(text: &str, offset: usize) -> (u32, u32) {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let line_start = before
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |i| i + 1);
    let column = before.len() - line_start + 1;
    let bounded = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (bounded(line), bounded(column))
}
