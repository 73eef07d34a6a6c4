//! Which lines changed since a revision, by git.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tophash_finding::{Finding, Place};

use super::paths::absolute;

/// What changed in the working tree since a revision.
#[derive(Clone, Default, Debug)]
pub(super) struct Changes {
    dir: PathBuf,
    /// By absolute path. Files that git does not know yet have changed as a whole.
    files: HashMap<PathBuf, FileChanges>,
}

#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct FileChanges {
    /// New or changed lines, in order.
    lines: Vec<RangeInclusive<u32>>,
    /// Lines behind which others were removed, in order.
    removed_behind: Vec<u32>,
}

impl Changes {
    /// Asks git what changed in Go files below the top of the repository around `dir`, an
    /// absolute path, since the last commit that the head and `revision` have in common.
    ///
    /// # Errors
    /// A sentence for a person: there is no git, no repository, no such revision, or too
    /// little of the history.
    pub(super) fn since(revision: &str, dir: &Path) -> io::Result<Changes> {
        let git = Git { dir };
        let up = git.run(&["rev-parse", "--show-cdup"]).map_err(|error| {
            explained(format!("--new-from-rev needs a git repository: {error}"))
        })?;
        let top = absolute(String::from_utf8_lossy(&up).trim_end(), dir);
        let base = git.base(revision)?;
        let diff = git.run(&[
            "-c",
            "core.quotePath=false",
            "diff",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--unified=0",
            "--text",
            "--find-renames",
            "--src-prefix=a/",
            "--dst-prefix=b/",
            &base,
            "--",
            ":(top)*.go",
        ]);
        let mut files: HashMap<PathBuf, FileChanges> = parse(&diff?)
            .into_iter()
            .map(|(name, changes)| (absolute(&name, &top), changes))
            .collect();
        let untracked = git.run(&[
            "ls-files",
            "--others",
            "--exclude-standard",
            "--full-name",
            "-z",
            "--",
            ":(top)*.go",
        ])?;
        for name in untracked.split(|&b| b == 0).filter(|name| !name.is_empty()) {
            let whole = FileChanges {
                lines: vec![1..=u32::MAX],
                removed_behind: Vec::new(),
            };
            files.insert(absolute(&String::from_utf8_lossy(name), &top), whole);
        }
        Ok(Changes {
            dir: dir.to_owned(),
            files,
        })
    }

    /// Whether a finding is new: its line or one of its evidence changed, or lines were
    /// removed between them in its function. With `whole_files`, any change to the file of
    /// one of them is enough.
    pub(super) fn concern(&self, finding: &Finding, whole_files: bool) -> bool {
        let own = (&finding.place, &finding.function);
        let evidence = finding.evidence.iter().map(|e| (&e.place, &e.function));
        let places: Vec<(&Place, &Option<String>)> = std::iter::once(own).chain(evidence).collect();
        let changes = |place: &Place| self.files.get(&absolute(&place.file, &self.dir));
        if whole_files {
            return places.iter().any(|(place, _)| changes(place).is_some());
        }
        if places
            .iter()
            .any(|(place, _)| changes(place).is_some_and(|c| c.touch(place.line..=place.end_line)))
        {
            return true;
        }
        // What made the map may have stood between the places and be gone.
        let near = places.iter().map(|(place, function)| (*place, *function));
        let near = near.filter(|(place, function)| {
            place.file == finding.place.file && **function == finding.function
        });
        let near: Vec<&Place> = near.map(|(place, _)| place).collect();
        let first = near.iter().map(|place| place.line).min();
        let last = near.iter().map(|place| place.end_line).max();
        let (Some(first), Some(last)) = (first, last) else {
            return false;
        };
        changes(&finding.place).is_some_and(|changes| changes.removed_between(first, last))
    }
}

impl FileChanges {
    fn touch(&self, lines: RangeInclusive<u32>) -> bool {
        let (first, last) = (*lines.start(), *lines.end());
        let changed = self.lines.iter();
        let mut changed = changed.map(|range| (*range.start(), *range.end()));
        changed.any(|(start, end)| start <= last && first <= end)
            || self.removed_between(first, last)
    }

    /// Whether lines were removed that stood between two others.
    fn removed_between(&self, first: u32, last: u32) -> bool {
        let mut removed = self.removed_behind.iter();
        removed.any(|&line| first <= line && line < last)
    }
}

struct Git<'a> {
    dir: &'a Path,
}

impl Git<'_> {
    /// What git prints, or an error that says why it failed.
    fn run(&self, arguments: &[impl AsRef<OsStr>]) -> io::Result<Vec<u8>> {
        let mut git = Command::new("git");
        // Messages are looked at, and scripts read them.
        git.arg("-C")
            .arg(self.dir)
            .args(arguments)
            .stdin(Stdio::null())
            .env("LC_ALL", "C");
        let output = git.output().map_err(|error| {
            explained(match error.kind() {
                io::ErrorKind::NotFound => "git is not installed or not on the PATH".to_owned(),
                _ => format!("git can't be run: {error}"),
            })
        })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("it says nothing").trim();
        let said = said.strip_prefix("fatal: ").unwrap_or(said);
        Err(explained(format!("git: {said}")))
    }

    /// The tree without files, which every file is new against.
    fn empty_tree(&self) -> io::Result<String> {
        let tree = self.run(&["hash-object", "-t", "tree", "--stdin"])?;
        Ok(String::from_utf8_lossy(&tree).trim().to_owned())
    }

    /// The last commit that the head and a revision have in common.
    fn base(&self, revision: &str) -> io::Result<String> {
        let hint = || match self.run(&["rev-parse", "--is-shallow-repository"]) {
            Ok(answer) if answer.starts_with(b"true") => {
                ": this is a shallow clone; fetch more of the history (git fetch --unshallow; in \
                 GitHub Actions, fetch-depth: 0 at actions/checkout)"
            }
            _ => "",
        };
        let commit = format!("{revision}^{{commit}}");
        let known = self.run(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ]);
        let Ok(commit) = known else {
            // Before its first commit a repository has a head that is none yet.
            if revision == "HEAD" && self.run(&["symbolic-ref", "--quiet", "HEAD"]).is_ok() {
                return self.empty_tree();
            }
            let message = format!(
                "--new-from-rev: git knows no revision {revision:?}{}",
                hint()
            );
            return Err(explained(message));
        };
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        let base = self.run(&["merge-base", "HEAD", &commit]).map_err(|_| {
            explained(format!(
                "--new-from-rev: {revision} and HEAD have no commit in common{}",
                hint()
            ))
        })?;
        Ok(String::from_utf8_lossy(&base).trim().to_owned())
    }
}

fn explained(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// Reads a unified diff without context: what changed in each new file.
fn parse(diff: &[u8]) -> Vec<(String, FileChanges)> {
    let mut files: Vec<(String, FileChanges)> = Vec::new();
    // Whether the hunks are those of the last file; of one that is gone they are not.
    let mut open = false;
    // Lines of the hunk that are still to come; they may look like anything.
    let mut rest = 0u64;
    for line in diff.split(|&b| b == b'\n') {
        if rest > 0 && matches!(line.first(), Some(b'+' | b'-' | b' ')) {
            rest -= 1;
        } else if let Some(name) = line.strip_prefix(b"+++ ") {
            let name = new_name(name);
            open = name.is_some();
            files.extend(name.map(|name| (name, FileChanges::default())));
        } else if let Some(hunk) = line.strip_prefix(b"@@ -") {
            let Some((old, start, count)) = hunk_extent(hunk) else {
                continue;
            };
            rest = u64::from(old) + u64::from(count);
            let Some((_, changes)) = files.last_mut().filter(|_| open) else {
                continue;
            };
            match count {
                0 => changes.removed_behind.push(start),
                _ => changes.lines.push(start..=start.saturating_add(count - 1)),
            }
        }
    }
    files
}

/// The name behind `+++ `. None for a file that is gone.
fn new_name(text: &[u8]) -> Option<String> {
    // A name with blanks ends in a tab.
    let text = text.strip_suffix(b"\t").unwrap_or(text);
    let name = match text.strip_prefix(b"\"") {
        Some(quoted) => unquoted(quoted.strip_suffix(b"\"")?),
        None => text.to_vec(),
    };
    let name = name.strip_prefix(b"b/")?;
    Some(String::from_utf8_lossy(name).into_owned())
}

/// The bytes of a name that git put into quotes, as C does.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'\\' {
            name.push(*byte);
            continue;
        }
        let octal = rest
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            name.push(byte);
            rest = &rest[3..];
        } else if let [escape, after @ ..] = rest {
            rest = after;
            name.push(match escape {
                b'a' => 7,
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'v' => 11,
                b'f' => 12,
                b'r' => b'\r',
                other => *other,
            });
        }
    }
    name
}

/// Number of old lines, and first and number of new ones, of `12,3 +14,5 @@ ...`.
fn hunk_extent(text: &[u8]) -> Option<(u32, u32, u32)> {
    let text = std::str::from_utf8(text.split(|&b| b == b'@').next()?).ok()?;
    let (old, new) = text.trim_end().split_once(" +")?;
    let extent = |part: &str| match part.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((part.parse::<u32>().ok()?, 1u32)),
    };
    let (_, old_count) = extent(old)?;
    let (start, count) = extent(new)?;
    Some((old_count, start, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIFF: &str = "\
diff --git a/a.go b/a.go
index 1..2 100644
--- a/a.go
+++ b/a.go
@@ -3 +3,2 @@ func f() {
-\tx()
+\ty()
+++ b/not a name, but two pluses in the source
@@ -9,2 +9,0 @@
--- a/not a name either
-\tz()
diff --git a/gone.go b/gone.go
--- a/gone.go
+++ /dev/null
@@ -1 +0,0 @@
-package gone
diff --git \"a/t\\303\\244\\t.go\" \"b/t\\303\\244\\t.go\"
--- \"a/t\\303\\244\\t.go\"
+++ \"b/t\\303\\244\\t.go\"
@@ -0,0 +1,3 @@
+a
+b
+c
--- a/with blank.go\t
+++ b/with blank.go\t
@@ -1,0 +2 @@
+x
\\ No newline at end of file
";

    #[test]
    fn reads_a_diff() {
        let changes = |lines: &[RangeInclusive<u32>], removed_behind: &[u32]| FileChanges {
            lines: lines.to_vec(),
            removed_behind: removed_behind.to_vec(),
        };
        assert_eq!(
            parse(DIFF.as_bytes()),
            [
                ("a.go".to_owned(), changes(&[3..=4], &[9])),
                ("t\u{e4}\t.go".to_owned(), changes(&[1..=3], &[])),
                ("with blank.go".to_owned(), changes(&[2..=2], &[])),
            ]
        );
    }

    proptest! {
        #[test]
        fn bears_any_bytes(bytes: Vec<u8>) {
            parse(&bytes);
        }

        #[test]
        fn bears_any_lines(lines in prop::collection::vec(
            "(\\+\\+\\+ b/.{0,5}|@@ -[0-9]{1,11}(,[0-9]{1,11})? \\+[0-9]{1,11}(,[0-9]{1,11})? @@|[-+ ].{0,3}|\\+\\+\\+ \"b/(\\\\[0-9a-z]{1,3}|.){0,4}\"?)",
            0..12,
        )) {
            parse(lines.join("\n").as_bytes());
        }
    }
}
