//! Comments that suppress findings.
//!
//! Two spellings are understood, each as its own tool reads it:
//!
//! - golangci-lint v2 (`pkg/result/processors/nolint_filter.go`): `//nolint` for
//!   everything, `//nolint:NAME,... // why` for some. It holds for the lines of its
//!   comment group, and for the node that begins on the next line in the same
//!   column: a statement, a declaration, or the whole file above `package`.
//! - staticcheck (`lintcmd/lint.go`): `//lint:ignore CODE,... why` for one line, its
//!   own or the next line of code, and `//lint:file-ignore CODE,... why`. The reason
//!   is mandatory, and codes may be patterns (`TH1*`).
//!
//! Names are `tophash`, a rule's code or a rule's name.

mod directive;
mod extent;
mod unused;

use directive::{Directive, Lint, Said, parse_lint, parse_nolint};
use extent::{nolint_lines, target_line};
use std::ops::RangeInclusive;
use tophash_finding::Finding;
use tophash_syntax::{File, Span};

/// The directives of one file.
#[derive(Debug, Default)]
pub(crate) struct Directives {
    directives: Vec<Directive>,
    /// Lines of `//lint:` directives that name a rule and give no reason.
    pub(crate) without_reason: Vec<u32>,
}

impl Directives {
    /// Reads the comments of a file that was parsed with its bodies.
    pub(crate) fn read(source: &[u8], file: &File) -> Directives {
        let mut all = Directives::default();
        for group in groups(file) {
            let (Some(first), Some(last)) = (group.first(), group.last()) else {
                continue;
            };
            for &comment in group {
                let text = String::from_utf8_lossy(comment.of(source));
                if let Some(said) = parse_nolint(&text) {
                    all.push(comment, nolint_lines(file, *first, *last), said);
                }
                match parse_lint(&text) {
                    Some(Lint::Line(said)) => {
                        let line = target_line(source, file, comment);
                        all.push(comment, line..=line, said);
                    }
                    Some(Lint::File(said)) => all.push(comment, 0..=u32::MAX, said),
                    Some(Lint::WithoutReason) => {
                        all.without_reason.push(file.position(comment.start).0);
                    }
                    None => {}
                }
            }
        }
        all
    }

    fn push(&mut self, comment: Span, lines: RangeInclusive<u32>, said: Said) {
        self.directives.push(Directive {
            comment,
            lines,
            said,
        });
    }

    /// Whether a finding in the file is not to be reported. All directives that say so are
    /// used then.
    pub(crate) fn suppress(&mut self, finding: &Finding) -> bool {
        let mut suppressed = false;
        for directive in &mut self.directives {
            suppressed |= directive.suppress(finding);
        }
        suppressed
    }
}

fn groups(file: &File) -> impl Iterator<Item = &[Span]> {
    let starts = file.comment_groups.iter().map(|&start| start as usize);
    let ends = starts.clone().skip(1).chain([file.comments.len()]);
    starts
        .zip(ends)
        .filter_map(|(start, end)| file.comments.get(start..end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tophash_finding::{Place, Severity};
    use tophash_syntax::{Bodies, parse};

    /// The lines of `source` on which a finding of TH101 is suppressed.
    fn suppressed(source: &str) -> Vec<u32> {
        let file = parse(source.as_bytes(), Bodies::Parse);
        let mut directives = Directives::read(source.as_bytes(), &file);
        let lines = 1..=source.lines().count() as u32;
        lines
            .filter(|&line| {
                directives.suppress(&Finding {
                    code: "TH101".into(),
                    name: "nil-map-write".into(),
                    severity: Severity::Error,
                    message: String::new(),
                    place: Place::new("a.go", (line, 2), (line, 3)),
                    function: None,
                    map: None,
                    evidence: Vec::new(),
                    fixes: Vec::new(),
                    fingerprint: String::new(),
                })
            })
            .collect()
    }

    /// A function whose lines 3 to 6 are given.
    fn in_function(lines: [&str; 4]) -> String {
        format!(
            "package p\nfunc f() {{\n{}\n}}\nvar x int\n",
            lines.join("\n")
        )
    }

    #[test]
    fn nolint_names() {
        for (comment, holds) in [
            ("//nolint", true),
            ("// nolint", true),
            ("//nolint // because", true),
            ("//nolint:all", true),
            ("//nolint:tophash", true),
            ("//nolint:errcheck,tophash", true),
            ("//nolint:errcheck, TH101 // because", true),
            ("//nolint:th101", true),
            ("//nolint:nil-map-write", true),
            ("//nolint:errcheck", false),
            ("//nolint:TH102", false),
            ("//nolint:errcheck // not tophash, TH101", false),
            ("//nolintlint", false),
            ("// see //nolint", false),
            ("/* nolint */", false),
        ] {
            let source = in_function([&format!("\tm[1] = 2 {comment}"), "\tm[2] = 3", "", ""]);
            let want: &[u32] = if holds { &[3] } else { &[] };
            assert_eq!(suppressed(&source), want, "{comment}");
        }
    }

    #[test]
    fn nolint_covers_the_statement_below() {
        let source = in_function(["\t//nolint:TH101", "\tfor {", "\t\tm[1] = 2", "\t}"]);
        assert_eq!(suppressed(&source), [3, 4, 5, 6]);
    }

    #[test]
    fn nolint_in_another_column_covers_only_itself() {
        let source = in_function(["//nolint:TH101", "\tfor {", "\t\tm[1] = 2", "\t}"]);
        assert_eq!(suppressed(&source), [3]);
    }

    #[test]
    fn nolint_in_a_doc_comment_covers_the_declaration() {
        let source = "package p\n\n// F does.\n//nolint:tophash // why\n// More.\nfunc F() {\n\tm[1] = 2\n}\n\nfunc g() {}\n";
        assert_eq!(suppressed(source), [3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn nolint_above_package_covers_the_file() {
        assert_eq!(
            suppressed("//nolint\npackage p\n\nvar x int\n"),
            [1, 2, 3, 4]
        );
        assert_eq!(suppressed("//nolint\n\npackage p\n\nvar x int\n"), [1]);
    }

    #[test]
    fn lint_ignore_covers_one_line() {
        let source = in_function([
            "\t//lint:ignore TH101 why",
            "\tfor {",
            "\t\tm[1] = 2",
            "\t}",
        ]);
        assert_eq!(suppressed(&source), [4]);
        let source = in_function(["\tm[1] = 2 //lint:ignore TH101 why", "\tm[2] = 2", "", ""]);
        assert_eq!(suppressed(&source), [3]);
        let source = in_function(["\t//lint:ignore TH101 why", "\t// more", "", "\tm[1] = 2"]);
        assert_eq!(suppressed(&source), [6]);
    }

    #[test]
    fn lint_codes() {
        for (codes, holds) in [
            ("TH101", true),
            ("SA5000,TH101", true),
            ("TH1*", true),
            ("TH?01", true),
            ("*", true),
            ("nil-map-write", true),
            ("TH102", false),
            ("SA*", false),
        ] {
            let source = format!("package p\n//lint:file-ignore {codes} why\nvar x int\n");
            assert_eq!(!suppressed(&source).is_empty(), holds, "{codes}");
        }
    }

    #[test]
    fn lint_without_reason_suppresses_nothing() {
        let source = "package p\n\n//lint:ignore TH101\nvar x int\n//lint:file-ignore TH101 \n//lint:ignore SA1000\n//lint:ignore\n";
        assert_eq!(suppressed(source), [0; 0]);
        let file = parse(source.as_bytes(), Bodies::Parse);
        let directives = Directives::read(source.as_bytes(), &file);
        assert_eq!(directives.without_reason, [3, 5]);
    }
}
