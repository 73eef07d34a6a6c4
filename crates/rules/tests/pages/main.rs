//! Every rule's page and fixtures, analysed the way `tophash check` does it.
//!
//! Lines marked `// want "regexp"` must be reported, all others must stay silent, as
//! in Go's `analysistest`. A regular expression is matched against
//! `CODE: message`; a line with several findings has several expressions. All
//! examples must compile.
//!
//! A page's examples are its ```` ```go ```` blocks; a fixture is a `.go` or `.txtar`
//! file below `fixtures/CODE/`. Both may hold several files and packages in the txtar
//! form, `-- path --` lines; without a `go.mod` they are the module `example.com/m`.

mod case;
mod go;
mod mended;
mod run;
mod want;

use std::collections::BTreeMap;

use case::Case;
use tophash_finding::Finding;
use tophash_rules::{CommandLine, Files, Options, Progress, check};
use want::Want;

/// Analyses files of one module, given by slash-separated paths.
fn analyse(case: &Case) -> Vec<Finding> {
    let dir = case.write();
    let settings = dir.path().join("tophash.toml");
    let options = Options {
        config: match settings.exists() {
            true => Files::Only(settings),
            false => Files::None,
        },
        dir: dir.path().to_owned(),
        patterns: vec!["./...".into()],
        tests: true,
        variables: std::env::vars().collect(),
        // A rule's page holds for it, whether it runs by itself or not.
        command_line: CommandLine {
            extend_select: vec![case.code.clone()],
            ..CommandLine::default()
        },
        ..Options::default()
    };
    let output = check(&options, &Progress::default());
    assert!(
        output.problems.is_empty(),
        "{}: {:?}",
        case.name,
        output.problems
    );
    output.findings
}

/// What is wrong with the findings of a case, line by line.
fn mismatches(case: &Case) -> Vec<String> {
    let mut by_line: BTreeMap<(String, u32), Vec<String>> = BTreeMap::new();
    for f in analyse(case) {
        let said = format!("{}: {}", f.code, f.message);
        by_line
            .entry((f.place.file, f.place.line))
            .or_default()
            .push(said);
    }
    let mut wrong = Vec::new();
    for Want { file, line, regex } in case.wants() {
        let findings = by_line.entry((file.clone(), line)).or_default();
        match findings.iter().position(|said| regex.is_match(said)) {
            Some(found) => drop(findings.remove(found)),
            None => wrong.push(format!(
                "{}: {file}:{line}: nothing like {:?}",
                case.name,
                regex.as_str()
            )),
        }
    }
    for ((file, line), findings) in by_line {
        for said in findings {
            wrong.push(format!("{}: {file}:{line}: unexpected {said}", case.name));
        }
    }
    wrong
}

#[test]
fn marked_lines_are_reported_and_no_others() {
    let wrong: Vec<String> = Case::all().iter().flat_map(mismatches).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// A rule that is only shown what it must find is not tested for what it must not.
#[test]
fn as_many_writes_stay_silent_as_not() {
    for rule in tophash_rules::rules() {
        let code = rule.meta.code;
        let cases: Vec<Case> = Case::all().into_iter().filter(|c| c.code == code).collect();
        let marked: usize = cases.iter().map(|case| case.wants().len()).sum();
        let silent: usize = cases.iter().map(Case::silent_writes).sum();
        assert!(marked > 0, "{code}: nothing to find");
        assert!(
            silent >= marked,
            "{code}: {silent} silent writes, {marked} marked"
        );
    }
}

#[test]
fn examples_compile() {
    let cases = Case::all();
    let Some(go) = go::find() else {
        return;
    };
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| go::build(&go, case).err())
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
