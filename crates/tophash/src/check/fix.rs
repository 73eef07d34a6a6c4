//! Making the edits that findings bring along.
//!
//! Edits are made on texts in memory, which the next look takes for the files, until there
//! are no more. Only then are files written, or the difference shown.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use similar::TextDiff;
use tophash_finding::{Edit, Finding, Fix, ProblemKind};
use tophash_rules::{Options, Output};

use super::outputs::write_whole;
use super::paths::absolute;

/// A fix may make room for another one; after this many rounds something goes in circles.
const MAX_ROUNDS: usize = 10;

/// Findings whose edits may turn out to be of no use before the rest is given up, too.
const MAX_REFUSED: usize = 20;

/// Which fixes are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Which {
    /// Those that need no person's look.
    Safe,
    /// All that are edits.
    All,
}

/// Files with the edits made, not written yet.
#[derive(Default, Debug)]
pub(super) struct Mended {
    /// By absolute path.
    files: BTreeMap<PathBuf, MendedFile>,
    /// How many findings were mended.
    pub(super) count: usize,
    /// Why some were not.
    pub(super) refused: Vec<String>,
}

#[derive(Debug)]
struct MendedFile {
    /// The name that findings give it.
    name: String,
    before: Vec<u8>,
    after: Vec<u8>,
}

/// Makes the edits of findings. `output` is what was found in the files as they are, `look`
/// finds anew in files of which some have other texts; `rounds` may bound how often.
pub(super) fn mend(
    options: &Options,
    output: &Output,
    which: Which,
    rounds: Option<usize>,
    mut look: impl FnMut(&Options) -> Output,
) -> Mended {
    let mut mended = Mended::default();
    let mut options = options.clone();
    let mut output = output.clone();
    // Findings whose edits were tried and did no good.
    let mut refused: BTreeSet<Identity> = BTreeSet::new();
    let mut made = 0;
    while made < rounds.unwrap_or(MAX_ROUNDS) && refused.len() <= MAX_REFUSED {
        let open = output.editable.iter().map(String::as_str);
        // Standard input can't be written.
        let open: BTreeSet<&str> = open
            .filter(|&file| file != tophash_workspace::STDIN)
            .collect();
        let mut chosen = choose(&output.findings, which, &open);
        chosen.retain(|(finding, _)| !refused.contains(&identity(finding)));
        if chosen.is_empty() {
            break;
        }
        let mut texts: BTreeMap<PathBuf, MendedFile> = BTreeMap::new();
        let count = chosen.len();
        let left = left(&output.findings, &chosen);
        for edit in merged(chosen.iter().map(|(_, fix)| *fix)) {
            let path = absolute(&edit.file, &options.dir);
            let Some(text) = mended.text(&path) else {
                continue;
            };
            let file = texts.entry(path).or_insert_with(|| MendedFile {
                name: edit.file.clone(),
                before: text.clone(),
                after: text,
            });
            let (start, end) = (edit.start as usize, edit.end as usize);
            if start <= end && end <= file.after.len() {
                file.after.splice(start..end, edit.text.bytes());
            }
        }
        let broken = broken_files(&output);
        let before = options.overlay.clone();
        for (path, file) in &texts {
            options.overlay.retain(|(known, _)| known != path);
            options.overlay.push((path.clone(), file.after.clone()));
        }
        let next = look(&options);
        let worse: BTreeSet<String> = broken_files(&next).difference(&broken).cloned().collect();
        if !worse.is_empty() {
            let edits = |fix: &Fix| fix.edits.iter().any(|edit| worse.contains(&edit.file));
            let to_blame = chosen.iter().filter(|(_, fix)| edits(fix));
            refused.extend(to_blame.map(|(finding, _)| identity(finding)));
            for file in &worse {
                mended.refused.push(format!(
                    "{file}: the edits would break it, and are left out: this is a bug in tophash"
                ));
            }
            options.overlay = before;
            continue;
        }
        // Made again and again, an edit that does not help would do harm.
        if let Some(finding) = still_there(&next.findings, left) {
            let place = &finding.place;
            mended.refused.push(format!(
                "{}:{}: the edits do not mend {}, and are left out: this is a bug in tophash",
                place.file, place.line, finding.code
            ));
            refused.insert(identity(finding));
            options.overlay = before;
            continue;
        }
        made += 1;
        mended.count += count;
        for (path, file) in texts {
            mended
                .files
                .entry(path)
                .and_modify(|known| known.after.clone_from(&file.after))
                .or_insert(file);
        }
        output = next;
    }
    mended
}

impl Mended {
    /// A file with the edits so far.
    fn text(&self, path: &Path) -> Option<Vec<u8>> {
        match self.files.get(path) {
            Some(file) => Some(file.after.clone()),
            None => std::fs::read(path).ok(),
        }
    }

    /// The number of files with edits.
    pub(super) fn file_count(&self) -> usize {
        self.files.len()
    }

    /// Writes all files, each whole. One that is read-only or was changed by somebody else
    /// meanwhile is left as it is.
    ///
    /// # Errors
    /// One that names all files that are not written, and says how many are.
    pub(super) fn write(&self) -> io::Result<()> {
        let mut failed: Vec<String> = Vec::new();
        let mut kind = io::ErrorKind::Other;
        for (path, file) in &self.files {
            if let Err(error) = file.write(path) {
                kind = error.kind();
                failed.push(error.to_string());
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        let mut message = failed.join("; ");
        match self.files.len() - failed.len() {
            0 => {}
            1 => message.push_str("; 1 other file is mended"),
            n => message.push_str(&format!("; {n} other files are mended")),
        }
        Err(io::Error::new(kind, message))
    }

    /// Writes what would change, as a patch for `patch -p1` and `git apply`.
    pub(super) fn diff(&self, out: &mut dyn Write) -> io::Result<()> {
        for file in self.files.values() {
            let diff = TextDiff::from_lines(file.before.as_slice(), file.after.as_slice());
            let mut unified = diff.unified_diff();
            let (old, new) = (format!("a/{}", file.name), format!("b/{}", file.name));
            unified.context_radius(3).header(&old, &new);
            unified.to_writer(&mut *out)?;
        }
        Ok(())
    }
}

impl MendedFile {
    fn write(&self, path: &Path) -> io::Result<()> {
        let why = |why: &str| io::Error::other(format!("{}: {why}", self.name));
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", self.name));
        if std::fs::read(path).map_err(named)? != self.before {
            return Err(why("changed meanwhile, and is left as it is"));
        }
        // Its directory may let it be replaced all the same.
        if std::fs::metadata(path)
            .map_err(named)?
            .permissions()
            .readonly()
        {
            return Err(why("read-only, and is left as it is"));
        }
        write_whole(path, &self.after)
    }
}

/// The first fix of each finding that may be made, without those that overlap one before.
fn choose<'a>(
    findings: &'a [Finding],
    which: Which,
    open: &BTreeSet<&str>,
) -> Vec<(&'a Finding, &'a Fix)> {
    let may = |fix: &&Fix| {
        let allowed = fix.safe || which == Which::All;
        let known = |edit: &Edit| open.contains(edit.file.as_str());
        allowed && !fix.edits.is_empty() && fix.edits.iter().all(known)
    };
    let mut chosen: Vec<(&Finding, &Fix)> = Vec::new();
    for finding in findings {
        let Some(fix) = finding.fixes.iter().find(may) else {
            continue;
        };
        let clashes = |(_, other): &(&Finding, &Fix)| {
            let pairs = other
                .edits
                .iter()
                .flat_map(|a| fix.edits.iter().map(move |b| (a, b)));
            pairs.into_iter().any(|(a, b)| clash(a, b))
        };
        if !chosen.iter().any(clashes) {
            chosen.push((finding, fix));
        }
    }
    chosen
}

/// Whether two edits can't both be made. The same edit twice is one.
fn clash(a: &Edit, b: &Edit) -> bool {
    if a.file != b.file || a == b {
        return false;
    }
    // Two insertions at one place have no order.
    a.start <= b.end
        && b.start <= a.end
        && (a.start < b.end && b.start < a.end || a.start == b.start)
}

/// The edits of fixes, each once, the last of a file first.
fn merged<'a>(fixes: impl Iterator<Item = &'a Fix>) -> Vec<Edit> {
    let mut edits: Vec<Edit> = fixes.flat_map(|fix| fix.edits.clone()).collect();
    edits.sort_by(|a, b| (&a.file, b.start, b.end).cmp(&(&b.file, a.start, a.end)));
    edits.dedup();
    edits
}

/// What tells findings apart whose lines move.
type Identity = (String, String, Option<String>, Option<String>);

fn identity(finding: &Finding) -> Identity {
    let (code, file) = (finding.code.clone(), finding.place.file.clone());
    (code, file, finding.function.clone(), finding.map.clone())
}

/// How many findings alike the chosen ones should be there after these are mended.
fn left(findings: &[Finding], chosen: &[(&Finding, &Fix)]) -> BTreeMap<Identity, usize> {
    let mut left: BTreeMap<Identity, usize> = BTreeMap::new();
    for (finding, _) in chosen {
        left.insert(identity(finding), 0);
    }
    for finding in findings {
        let is_chosen = chosen
            .iter()
            .any(|(other, _)| std::ptr::eq(*other, finding));
        if let (false, Some(n)) = (is_chosen, left.get_mut(&identity(finding))) {
            *n += 1;
        }
    }
    left
}

/// A finding that should not be there.
fn still_there(findings: &[Finding], mut left: BTreeMap<Identity, usize>) -> Option<&Finding> {
    findings.iter().find(|finding| {
        let left = left.get_mut(&identity(finding));
        left.is_some_and(|n| match n.checked_sub(1) {
            Some(fewer) => {
                *n = fewer;
                false
            }
            None => true,
        })
    })
}

/// The files that can't be parsed.
fn broken_files(output: &Output) -> BTreeSet<String> {
    let syntax = output
        .problems
        .iter()
        .filter(|p| p.kind == ProblemKind::Syntax);
    syntax.filter_map(|p| p.file.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tophash_finding::{Place, Severity};

    fn finding(line: u32, edits: Vec<Edit>) -> Finding {
        Finding {
            code: "TH101".into(),
            name: String::new(),
            severity: Severity::Error,
            message: String::new(),
            place: Place::new("a.go", (line, 1), (line, 2)),
            function: None,
            map: None,
            evidence: Vec::new(),
            fixes: vec![Fix {
                message: String::new(),
                edits,
                safe: true,
            }],
            fingerprint: String::new(),
        }
    }

    /// A run in a directory with one file.
    fn run(text: &str, findings: Vec<Finding>) -> (tempfile::TempDir, Options, Output) {
        let dir = tempfile::TempDir::new().unwrap();
        std::fs::write(dir.path().join("a.go"), text).unwrap();
        let options = Options {
            dir: dir.path().to_owned(),
            ..Options::default()
        };
        let output = Output {
            findings,
            editable: vec!["a.go".into()],
            ..Output::default()
        };
        (dir, options, output)
    }

    fn after(mended: &Mended) -> Option<String> {
        let file = mended.files.values().next()?;
        Some(String::from_utf8(file.after.clone()).unwrap())
    }

    /// The second round sees the text of the first, and its edits are for that text.
    #[test]
    fn goes_on_until_there_is_nothing_left() {
        let first = vec![
            finding(1, vec![edit(0, 1, "xx")]),
            finding(2, vec![edit(0, 2, "clashes with the first")]),
            finding(3, vec![edit(4, 4, "!")]),
        ];
        let (_dir, options, output) = run("abcd", first);
        let mut rounds = Vec::new();
        let mended = mend(&options, &output, Which::Safe, None, |options| {
            let text = options.overlay[0].1.clone();
            rounds.push(String::from_utf8(text).unwrap());
            let findings = match rounds.len() {
                1 => vec![finding(2, vec![edit(0, 2, "y")])],
                _ => Vec::new(),
            };
            Output {
                findings,
                ..output.clone()
            }
        });
        assert_eq!(rounds, ["xxbcd!", "ybcd!"]);
        assert_eq!(
            (mended.count, after(&mended).as_deref()),
            (3, Some("ybcd!"))
        );
    }

    #[test]
    fn edits_that_do_not_help_are_left_out() {
        let (_dir, options, output) = run("abcd", vec![finding(1, vec![edit(0, 0, "x")])]);
        let mended = mend(&options, &output, Which::Safe, None, |_| output.clone());
        assert_eq!((mended.count, after(&mended)), (0, None));
        assert_eq!(
            mended.refused,
            ["a.go:1: the edits do not mend TH101, and are left out: this is a bug in tophash"]
        );
    }

    #[test]
    fn edits_that_break_a_file_are_left_out() {
        let (_dir, options, output) = run("abcd", vec![finding(1, vec![edit(0, 0, "x")])]);
        let mended = mend(&options, &output, Which::Safe, None, |_| Output {
            problems: vec![tophash_finding::Problem {
                file: Some("a.go".into()),
                line: Some(1),
                column: None,
                kind: ProblemKind::Syntax,
                message: String::new(),
            }],
            ..Output::default()
        });
        assert_eq!((mended.count, after(&mended)), (0, None));
        assert_eq!(mended.refused.len(), 1);
    }

    #[test]
    fn edits_outside_of_the_files_looked_into_are_not_made() {
        let mut elsewhere = edit(0, 0, "x");
        elsewhere.file = "../b.go".into();
        let (_dir, options, output) = run("abcd", vec![finding(1, vec![elsewhere])]);
        let mended = mend(&options, &output, Which::All, None, |_| output.clone());
        assert_eq!((mended.count, mended.refused.len()), (0, 0));
    }

    /// Somebody may type while we look.
    #[test]
    fn a_file_that_changed_meanwhile_is_left_as_it_is() {
        let (dir, options, output) = run("abcd", vec![finding(1, vec![edit(0, 0, "x")])]);
        let mended = mend(&options, &output, Which::Safe, None, |_| Output::default());
        let path = dir.path().join("a.go");
        std::fs::write(&path, "changed").unwrap();
        let error = mended.write().unwrap_err().to_string();
        assert_eq!(error, "a.go: changed meanwhile, and is left as it is");
        assert_eq!(std::fs::read(&path).unwrap(), b"changed");
        std::fs::write(&path, "abcd").unwrap();
        mended.write().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"xabcd");
    }

    fn edit(start: u32, end: u32, text: &str) -> Edit {
        Edit {
            file: "a.go".into(),
            start,
            end,
            text: text.into(),
        }
    }

    #[test]
    fn edits_that_overlap_clash() {
        for (a, b, want) in [
            (edit(1, 3, ""), edit(3, 5, ""), false),
            (edit(1, 3, ""), edit(2, 5, ""), true),
            (edit(1, 9, ""), edit(2, 5, ""), true),
            (edit(1, 3, ""), edit(1, 3, ""), false),
            (edit(1, 3, "x"), edit(1, 3, ""), true),
            (edit(3, 3, "x"), edit(3, 3, "y"), true),
            (edit(3, 3, "x"), edit(3, 3, "x"), false),
            (edit(3, 3, "x"), edit(1, 3, ""), false),
            (edit(3, 3, "x"), edit(3, 5, ""), true),
            (edit(3, 3, "x"), edit(2, 5, ""), true),
            (edit(3, 3, "x"), edit(4, 5, ""), false),
        ] {
            assert_eq!(clash(&a, &b), want, "{a:?} {b:?}");
            assert_eq!(clash(&b, &a), want, "{b:?} {a:?}");
        }
    }
}
