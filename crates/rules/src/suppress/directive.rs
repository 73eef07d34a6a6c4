//! What a comment says that suppresses findings.

use std::ops::{Range, RangeInclusive};

use tophash_finding::Finding;
use tophash_syntax::Span;

/// A comment that suppresses findings.
#[derive(Debug)]
pub(super) struct Directive {
    /// The comment.
    pub(super) comment: Span,
    /// The lines it holds for.
    pub(super) lines: RangeInclusive<u32>,
    pub(super) said: Said,
}

/// What is suppressed.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Said {
    pub(super) style: Style,
    pub(super) names: Vec<Name>,
}

/// How names are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    /// There are none: every linter is meant.
    All,
    /// golangci-lint's: the tool's name, codes and names of rules, in any case.
    Linters,
    /// staticcheck's: codes, with the wildcards of Go's `filepath.Match`.
    Codes,
}

/// One of the names that a comment lists.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Name {
    pub(super) text: String,
    /// Where it stands, as bytes of the comment.
    pub(super) at: Range<usize>,
    /// Whether it has suppressed a finding.
    pub(super) used: bool,
}

impl Directive {
    /// Whether a finding in its file is suppressed. The names that do it are used then.
    pub(super) fn suppress(&mut self, finding: &Finding) -> bool {
        if !self.lines.contains(&finding.place.line) {
            return false;
        }
        let style = self.said.style;
        let mut suppressed = style == Style::All;
        for name in &mut self.said.names {
            if style.means(&name.text, &finding.code, &finding.name) {
                name.used = true;
                suppressed = true;
            }
        }
        suppressed
    }
}

impl Style {
    /// Whether a listed name means a rule, by itself or as one of several.
    pub(super) fn means(self, listed: &str, code: &str, name: &str) -> bool {
        match self {
            Style::All => true,
            Style::Linters => {
                let own = ["tophash", code, name];
                own.iter().any(|n| n.eq_ignore_ascii_case(listed))
            }
            Style::Codes => {
                matches(listed.as_bytes(), code.as_bytes()) || listed == name || listed == "tophash"
            }
        }
    }
}

/// A directive of golangci-lint.
pub(super) fn parse_nolint(comment: &str) -> Option<Said> {
    let text = comment.trim_start_matches(['/', ' ']);
    let rest = text.strip_prefix("nolint")?;
    let all = Said {
        style: Style::All,
        names: Vec::new(),
    };
    let Some(list) = rest.strip_prefix(':') else {
        return (rest.is_empty() || rest.starts_with(' ')).then_some(all);
    };
    let start = comment.len() - list.len();
    // What follows is the explanation.
    let list = list.split("//").next().unwrap_or_default();
    let names = names(list, start);
    if list.starts_with("all") || names.iter().any(|n| n.text.eq_ignore_ascii_case("all")) {
        return Some(all);
    }
    let style = Style::Linters;
    Some(Said { style, names })
}

/// A directive of staticcheck.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Lint {
    Line(Said),
    File(Said),
    /// One that names a rule of tophash, and gives no reason. Those for
    /// staticcheck alone are staticcheck's to judge.
    WithoutReason,
}

pub(super) fn parse_lint(comment: &str) -> Option<Lint> {
    let rest = comment.strip_prefix("//lint:")?;
    let (command, rest) = rest.split_once(' ')?;
    if command != "ignore" && command != "file-ignore" {
        return None;
    }
    let start = comment.len() - rest.len();
    let (list, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let names = names(list, start);
    if reason.trim().is_empty() {
        let ours = |name: &Name| crate::find(&name.text).is_some() || name.text.starts_with("TH");
        return names.iter().any(ours).then_some(Lint::WithoutReason);
    }
    let style = Style::Codes;
    let said = Said { style, names };
    Some(match command {
        "ignore" => Lint::Line(said),
        _ => Lint::File(said),
    })
}

/// The parts between the commas of a list that begins at an offset.
fn names(list: &str, start: usize) -> Vec<Name> {
    let mut offset = start;
    let mut names = Vec::new();
    for part in list.split(',') {
        let text = part.trim();
        let at = offset + (part.len() - part.trim_start().len());
        names.push(Name {
            text: text.to_owned(),
            at: at..at + text.len(),
            used: false,
        });
        offset += part.len() + 1;
    }
    names
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
