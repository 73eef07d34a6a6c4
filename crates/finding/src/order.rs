//! The order of a report, and one finding per place.

use crate::{Finding, Place, Severity};

/// Sorts by file, line, column and code, and keeps one finding of a rule per place.
///
/// A file belongs to its package and to the package's test variant, so that the
/// same finding may be made twice; of two that differ, the more severe stays, then
/// the one whose message comes first, so that the result does not depend on the
/// order of the input.
pub fn sort_and_dedupe(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| key(a).cmp(&key(b)));
    findings.dedup_by(|later, earlier| {
        later.code == earlier.code
            && later.place.file == earlier.place.file
            && (later.place.line, later.place.column) == (earlier.place.line, earlier.place.column)
    });
}

type Key<'a> = (
    &'a str,
    u32,
    u32,
    &'a str,
    Severity,
    &'a str,
    &'a Place,
    usize,
);

fn key(f: &Finding) -> Key<'_> {
    let p = &f.place;
    (
        &p.file,
        p.line,
        p.column,
        &f.code,
        f.severity,
        &f.message,
        p,
        f.evidence.len(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(file: &str, line: u32, code: &str, severity: Severity, message: &str) -> Finding {
        Finding {
            code: code.into(),
            name: String::new(),
            severity,
            message: message.into(),
            place: Place::new(file, (line, 2), (line, 5)),
            function: None,
            map: None,
            evidence: Vec::new(),
            fixes: Vec::new(),
            fingerprint: String::new(),
        }
    }

    #[test]
    fn one_per_place_and_rule_whatever_the_input_order() {
        let mut all = vec![
            finding("b.go", 1, "TH101", Severity::Error, "m"),
            finding("a.go", 10, "TH101", Severity::Error, "m"),
            finding("a.go", 9, "TH102", Severity::Warning, "a"),
            finding("a.go", 9, "TH102", Severity::Error, "z"),
            finding("a.go", 9, "TH101", Severity::Error, "m"),
            finding("a.go", 10, "TH101", Severity::Error, "m"),
        ];
        let mut reversed: Vec<_> = all.iter().rev().cloned().collect();
        sort_and_dedupe(&mut all);
        sort_and_dedupe(&mut reversed);
        assert_eq!(all, reversed);
        let got: Vec<_> = all
            .iter()
            .map(|f| {
                (
                    f.place.file.as_str(),
                    f.place.line,
                    f.code.as_str(),
                    f.severity,
                )
            })
            .collect();
        assert_eq!(
            got,
            [
                ("a.go", 9, "TH101", Severity::Error),
                ("a.go", 9, "TH102", Severity::Error),
                ("a.go", 10, "TH101", Severity::Error),
                ("b.go", 1, "TH101", Severity::Error),
            ]
        );
    }
}
