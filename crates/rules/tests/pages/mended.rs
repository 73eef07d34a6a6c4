//! The edits of findings, made to all examples: they compile, are formatted, and their
//! findings are gone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use tophash_finding::{Edit, Finding};

use crate::case::Case;
use crate::{analyse, go};

/// Rounds of edits, one finding at a time in each file.
const MAX_ROUNDS: usize = 60;

/// Makes the safe edits of a case one finding after the other. Gives the findings that were
/// mended, or what is wrong.
pub fn mend(case: &mut Case) -> Result<Vec<Finding>, String> {
    let mut mended = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let findings = analyse(case);
        let fix = findings.iter().find_map(|finding| {
            let fix = finding.fixes.iter().find(|fix| fix.safe)?;
            Some((finding.clone(), fix.edits.clone()))
        });
        let Some((finding, edits)) = fix else {
            return Ok(mended);
        };
        apply(case, edits);
        let alike = |all: &[Finding]| {
            let same = |f: &&Finding| {
                (&f.code, &f.function, &f.map) == (&finding.code, &finding.function, &finding.map)
            };
            all.iter().filter(same).count()
        };
        let after = analyse(case);
        if alike(&after) >= alike(&findings) {
            let text = &case.files[0].1;
            return Err(format!(
                "the edits do not mend {finding:#?}:\n{after:#?}\n{text}"
            ));
        }
        mended.push(finding);
    }
    Err(format!("{}: there is no end to it", case.name))
}

fn apply(case: &mut Case, mut edits: Vec<Edit>) {
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.start));
    for edit in edits {
        let (_, text) = case
            .files
            .iter_mut()
            .find(|(path, _)| *path == edit.file)
            .unwrap();
        text.replace_range(edit.start as usize..edit.end as usize, &edit.text);
    }
}

/// What gofmt would change.
pub fn unformatted(go: &Path, dir: &Path) -> BTreeSet<String> {
    let gofmt = go.with_file_name("gofmt");
    let output = Command::new(gofmt)
        .args(["-l", "."])
        .current_dir(dir)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Examples with something to mend, mended.
#[test]
fn mended_examples_compile_and_are_formatted() {
    let Some(go) = go::find() else {
        return;
    };
    let mut wrong = Vec::new();
    let mut codes = BTreeSet::new();
    for mut case in Case::all() {
        let before = unformatted(&go, case.write().path());
        let findings = match mend(&mut case) {
            Ok(findings) => findings,
            Err(error) => {
                wrong.push(format!("{}: {error}", case.name));
                continue;
            }
        };
        if findings.is_empty() {
            continue;
        }
        codes.extend(findings.into_iter().map(|finding| finding.code));
        let dir = case.write();
        let after = unformatted(&go, dir.path());
        for file in after.difference(&before) {
            let text = fs::read_to_string(dir.path().join(file)).unwrap();
            wrong.push(format!("{}: not formatted:\n{text}", case.name));
        }
        wrong.extend(go::build(&go, &case).err());
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let all = [
        "TH101", "TH102", "TH103", "TH104", "TH105", "TH106", "TH108",
    ];
    assert!(all.iter().all(|code| codes.contains(code)), "{codes:?}");
}
