//! Findings that are known and left out.
//!
//! A baseline names findings by file, function, rule and the text of their line, so that
//! it outlives edits elsewhere. It is JSON, sorted, with one finding a line, and diffs
//! well.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tophash_finding::Finding;
use tophash_report::{Sources, without_dots};

use super::paths::seen_from;

/// The number of the form that is written and read.
const SCHEMA: u32 = 1;

/// What names a finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    /// As seen from the directory of the baseline.
    file: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    function: String,
    code: String,
    /// The line of the finding, its blanks made one each.
    text: String,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    key: Key,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    count: u32,
}

fn one() -> u32 {
    1
}

fn is_one(count: &u32) -> bool {
    *count == 1
}

#[derive(Deserialize)]
struct Document {
    schema: u32,
    findings: Vec<Entry>,
}

/// Known findings.
#[derive(Clone, Debug)]
pub(super) struct Baseline {
    path: PathBuf,
    /// How often each is still to be left out.
    left: BTreeMap<Key, u32>,
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// If the file can't be read or is none.
    pub(super) fn read(path: &Path) -> io::Result<Baseline> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let wrong = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
        let text = std::fs::read(path).map_err(named)?;
        let document: Document = serde_json::from_slice(&text)
            .map_err(|error| named(wrong(format!("not a baseline: {error}"))))?;
        if document.schema != SCHEMA {
            let message = format!(
                "a baseline of form {}, and this tophash reads form {SCHEMA}",
                document.schema
            );
            return Err(named(wrong(message)));
        }
        let mut left = BTreeMap::new();
        for Entry { key, count } in document.findings {
            let known = left.entry(key).or_insert(0u32);
            *known = known.saturating_add(count);
        }
        Ok(Baseline {
            path: path.to_owned(),
            left,
        })
    }

    /// The baseline of findings, to be written to `path`.
    pub(super) fn of(
        findings: &[Finding],
        path: &Path,
        dir: &Path,
        sources: &mut Sources<'_>,
    ) -> Baseline {
        let mut left = BTreeMap::new();
        for finding in findings {
            *left.entry(key(finding, path, dir, sources)).or_insert(0) += 1;
        }
        let path = path.to_owned();
        Baseline { path, left }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn write(&self) -> io::Result<()> {
        let mut text = format!("{{\n  \"schema\": {SCHEMA},\n  \"findings\": [");
        for (index, (key, &count)) in self.left.iter().enumerate() {
            let key = key.clone();
            let entry = serde_json::to_string(&Entry { key, count })?;
            text.push_str(if index == 0 { "\n    " } else { ",\n    " });
            text.push_str(&entry);
        }
        text.push_str(if self.left.is_empty() {
            "]\n}\n"
        } else {
            "\n  ]\n}\n"
        });
        super::outputs::write_whole(&self.path, text.as_bytes())
    }

    /// Drops the findings that it knows, each as often as it knows it.
    pub(super) fn apply(
        &mut self,
        findings: &mut Vec<Finding>,
        dir: &Path,
        sources: &mut Sources<'_>,
    ) {
        let path = self.path.clone();
        findings.retain(
            |finding| match self.left.get_mut(&key(finding, &path, dir, sources)) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    false
                }
                _ => true,
            },
        );
    }

    /// How many findings it knows that were not there: the file as the baseline names it,
    /// and a sentence.
    pub(super) fn stale(&self) -> impl Iterator<Item = (&Path, &Key, u32)> {
        let left = self.left.iter().filter(|(_, left)| **left > 0);
        left.map(|(key, &left)| (self.path.as_path(), key, left))
    }
}

impl Key {
    /// The absolute path of its file.
    pub(super) fn path(&self, baseline: &Path) -> PathBuf {
        super::paths::absolute(&self.file, &home(baseline))
    }

    /// The code of its rule.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// `stock.go: TH101 in Put: m[k] = v`
    pub(super) fn describe(&self) -> String {
        let place = match self.function.as_str() {
            "" => String::new(),
            function => format!(" in {function}"),
        };
        format!("{}: {}{place}: {}", self.file, self.code, self.text)
    }
}

/// The directory of a baseline.
fn home(baseline: &Path) -> PathBuf {
    let path = std::path::absolute(baseline).unwrap_or_else(|_| baseline.to_owned());
    let path = without_dots(&path);
    path.parent().map(Path::to_owned).unwrap_or(path)
}

fn key(finding: &Finding, baseline: &Path, dir: &Path, sources: &mut Sources<'_>) -> Key {
    let place = &finding.place;
    let line = sources.line(&place.file, place.line).unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    Key {
        file: seen_from(&place.file, dir, &home(baseline)),
        function: finding.function.clone().unwrap_or_default(),
        code: finding.code.clone(),
        text: words.join(" "),
    }
}
