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

use std::ops::RangeInclusive;

use tophash_finding::Finding;
use tophash_syntax::ast::{DeclKind, ExprId, StmtId};
use tophash_syntax::{File, Span};

/// The directives of one file.
#[derive(Debug, Default)]
pub(crate) struct Directives {
    directives: Vec<Directive>,
    /// Lines of `//lint:` directives that name a rule and give no reason.
    pub(crate) without_reason: Vec<u32>,
}

#[derive(Debug)]
struct Directive {
    lines: RangeInclusive<u32>,
    names: Names,
}

#[derive(Debug)]
enum Names {
    /// Of every linter.
    All,
    /// Of golangci-lint: the tool's name, codes and names of rules.
    Linters(Vec<String>),
    /// Of staticcheck: codes, with the wildcards of Go's `filepath.Match`.
    Codes(Vec<String>),
}

impl Directives {
    /// Reads the comments of a file that was parsed with its bodies.
    pub(crate) fn read(source: &[u8], file: &File) -> Directives {
        let mut all = Directives::default();
        for group in groups(file) {
            let (Some(first), Some(last)) = (group.first(), group.last()) else {
                continue;
            };
            for comment in group {
                let text = String::from_utf8_lossy(comment.of(source));
                if let Some(names) = parse_nolint(&text) {
                    let lines = nolint_lines(file, *first, *last);
                    all.directives.push(Directive { lines, names });
                }
                match parse_lint(&text) {
                    Some(Lint::Line(codes)) => {
                        let line = target_line(source, file, *comment);
                        all.push_codes(line..=line, codes);
                    }
                    Some(Lint::File(codes)) => all.push_codes(0..=u32::MAX, codes),
                    Some(Lint::WithoutReason) => {
                        all.without_reason.push(file.position(comment.start).0);
                    }
                    None => {}
                }
            }
        }
        all
    }

    fn push_codes(&mut self, lines: RangeInclusive<u32>, codes: Vec<String>) {
        let names = Names::Codes(codes);
        self.directives.push(Directive { lines, names });
    }

    /// Whether a finding in the file is not to be reported.
    pub(crate) fn suppress(&self, finding: &Finding) -> bool {
        self.directives.iter().any(|directive| {
            directive.lines.contains(&finding.place.line) && directive.names.match_rule(finding)
        })
    }
}

impl Names {
    fn match_rule(&self, finding: &Finding) -> bool {
        match self {
            Names::All => true,
            Names::Linters(names) => {
                let own = ["tophash", &finding.code, &finding.name];
                let is_own = |name: &String| own.iter().any(|n| n.eq_ignore_ascii_case(name));
                names.iter().any(is_own)
            }
            Names::Codes(patterns) => patterns.iter().any(|pattern| {
                matches(pattern.as_bytes(), finding.code.as_bytes())
                    || *pattern == finding.name
                    || pattern == "tophash"
            }),
        }
    }
}

fn groups(file: &File) -> impl Iterator<Item = &[Span]> {
    let starts = file.comment_groups.iter().map(|&start| start as usize);
    let ends = starts.clone().skip(1).chain([file.comments.len()]);
    starts
        .zip(ends)
        .filter_map(|(start, end)| file.comments.get(start..end))
}

/// Whether something stands before a comment on its line.
fn code_before(source: &[u8], file: &File, comment: Span) -> bool {
    let (_, column) = file.position(comment.start);
    let before = Span::new(comment.start + 1 - column, comment.start).of(source);
    !before.trim_ascii().is_empty()
}

fn parse_nolint(comment: &str) -> Option<Names> {
    let text = comment.trim_start_matches(['/', ' ']);
    let rest = text.strip_prefix("nolint")?;
    let Some(list) = rest.strip_prefix(':') else {
        return (rest.is_empty() || rest.starts_with(' ')).then_some(Names::All);
    };
    // What follows is the explanation.
    let list = list.split("//").next().unwrap_or_default();
    let names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
    if list.starts_with("all") || names.iter().any(|name| name.eq_ignore_ascii_case("all")) {
        return Some(Names::All);
    }
    Some(Names::Linters(names))
}

/// The lines of the comment group and of the node below it.
fn nolint_lines(file: &File, first: Span, last: Span) -> RangeInclusive<u32> {
    let (start, column) = file.position(first.start);
    let (end, _) = file.position(last.end.saturating_sub(1));
    let next_line = file.lines.get(end as usize).copied();
    if let (Some(package), Some(next)) = (file.package, next_line)
        && column == 1
        && file.position(package.span.start).0 == file.position(next).0
    {
        return start..=u32::MAX;
    }
    let node = next_line.and_then(|next| end_of_node(file, next + column - 1));
    let end_of_node = node.map_or(end, |offset| file.position(offset.saturating_sub(1)).0);
    start..=end.max(end_of_node)
}

/// The end of the largest node that begins at `offset`.
fn end_of_node(file: &File, offset: u32) -> Option<u32> {
    let ast = &file.ast;
    let expressions = (0..ast.expr_count()).map(|i| ast.expr(ExprId::from_index(i)).span);
    let statements = (0..ast.stmt_count()).map(|i| ast.stmt(StmtId::from_index(i)).span);
    let declarations = file.decls.iter().flat_map(|&id| {
        let decl = ast.decl(id);
        let specs = match decl.kind {
            DeclKind::Gen { specs, .. } => ast.list(specs),
            _ => &[],
        };
        let specs = specs.iter().map(|&spec| ast.spec(spec).span);
        specs.chain([decl.span])
    });
    let all = expressions.chain(statements).chain(declarations);
    all.filter(|span| span.start == offset)
        .map(|span| span.end)
        .max()
}

/// A directive of staticcheck.
enum Lint {
    Line(Vec<String>),
    File(Vec<String>),
    /// One that names a rule of tophash, and gives no reason. Those for
    /// staticcheck alone are staticcheck's to judge.
    WithoutReason,
}

fn parse_lint(comment: &str) -> Option<Lint> {
    let mut words = comment.strip_prefix("//lint:")?.split(' ');
    let command = words.next()?;
    if command != "ignore" && command != "file-ignore" {
        return None;
    }
    let codes: Vec<String> = words.next()?.trim().split(',').map(str::to_owned).collect();
    let has_reason = words.any(|word| !word.trim().is_empty());
    if !has_reason {
        let ours = |code: &String| crate::find(code).is_some() || code.starts_with("TH");
        return codes.iter().any(ours).then_some(Lint::WithoutReason);
    }
    Some(match command {
        "ignore" => Lint::Line(codes),
        _ => Lint::File(codes),
    })
}

/// The line that a `//lint:ignore` holds for: its own where code stands before it,
/// else that of the next token that is not a comment.
fn target_line(source: &[u8], file: &File, comment: Span) -> u32 {
    if code_before(source, file, comment) {
        return file.position(comment.start).0;
    }
    let mut offset = comment.end;
    let later = file.comments.iter().filter(|c| c.start >= comment.end);
    for next in later {
        if !Span::new(offset, next.start)
            .of(source)
            .trim_ascii()
            .is_empty()
        {
            break;
        }
        offset = next.end;
    }
    let rest = Span::new(offset, source.len() as u32).of(source);
    let blank = rest.len() - rest.trim_ascii_start().len();
    file.position(offset + blank as u32).0
}

/// Go's `filepath.Match` without character classes, which no code needs.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Behind the last `*`, and where in the name its match ends so far.
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                star = Some((p, n));
            }
            Some(&c) if c == b'?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((behind, end)) => {
                    star = Some((behind, end + 1));
                    (p, n) = (behind, end + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use tophash_finding::{Place, Severity};
    use tophash_syntax::{Bodies, parse};

    /// The lines of `source` on which a finding of TH101 is suppressed.
    fn suppressed(source: &str) -> Vec<u32> {
        let file = parse(source.as_bytes(), Bodies::Parse);
        let directives = Directives::read(source.as_bytes(), &file);
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
