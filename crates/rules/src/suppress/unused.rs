//! Comments that are there to suppress a finding, and suppress none.

use std::ops::Range;

use tophash_config::nearest_rule;
use tophash_finding::{Edit, Finding, Fix, Place};
use tophash_syntax::File;

use super::Directives;
use super::directive::{Directive, Style};
use crate::registry;
use crate::th001_unused_suppression::RULE;

/// Why a name in a comment is of no use.
enum Useless<'a> {
    /// What it names is not found where the comment holds.
    NotFound(&'a str),
    /// It looks like a code, and there is no such rule.
    NoRule(&'a str),
}

impl Directives {
    /// Finds the names of tophash and of its rules that have suppressed nothing. `runs` says
    /// whether a rule, by its index, has run on the file: of others nothing is known.
    pub(crate) fn unused(
        &self,
        path: &str,
        source: &[u8],
        file: &File,
        runs: impl Fn(usize) -> bool,
    ) -> Vec<Finding> {
        let unused = self.directives.iter().filter_map(|directive| {
            let useless: Vec<(Range<usize>, Useless<'_>)> = directive
                .said
                .names
                .iter()
                .filter(|name| !name.used)
                .filter_map(|name| {
                    let why = useless(directive.said.style, &name.text, &runs)?;
                    Some((name.at.clone(), why))
                })
                .collect();
            let whole = useless.len() == directive.said.names.len();
            let start = directive.comment.start;
            let place = Place::new(
                path,
                file.position(start),
                file.position(directive.comment.end),
            );
            (!useless.is_empty()).then(|| Finding {
                code: RULE.meta.code.to_owned(),
                name: RULE.meta.name.to_owned(),
                severity: RULE.meta.severity,
                message: message(directive, &useless, whole),
                place,
                function: None,
                map: None,
                evidence: Vec::new(),
                fixes: vec![fix(path, source, directive, &useless, whole)],
                fingerprint: String::new(),
            })
        });
        unused.collect()
    }
}

/// Whether a name that has suppressed nothing is of no use.
fn useless<'a>(style: Style, listed: &'a str, runs: impl Fn(usize) -> bool) -> Option<Useless<'a>> {
    let rules = registry::rules().iter().enumerate();
    if listed.eq_ignore_ascii_case("tophash") {
        // Rules that only run on demand may find something another time.
        let mut expected = rules.filter(|(_, rule)| rule.meta.default_on);
        return expected
            .all(|(i, _)| runs(i))
            .then_some(Useless::NotFound(listed));
    }
    let is_code = |text: &str| {
        let head = text.as_bytes().get(..2);
        head.is_some_and(|head| head.eq_ignore_ascii_case(b"TH"))
            && text.as_bytes().get(2).is_some_and(u8::is_ascii_digit)
    };
    let by_name = registry::find(listed).is_some();
    if !by_name && !is_code(listed) {
        return None;
    }
    let meant: Vec<usize> = rules
        .filter(|(_, rule)| style.means(listed, rule.meta.code, rule.meta.name))
        .map(|(i, _)| i)
        .collect();
    if meant.is_empty() {
        return Some(Useless::NoRule(listed));
    }
    let pattern = meant.len() > 1;
    let judged = |&&i: &&usize| !pattern || registry::rules()[i].meta.default_on;
    let mut judged = meant.iter().filter(judged).peekable();
    let any = judged.peek().is_some();
    (any && judged.all(|&i| runs(i))).then_some(Useless::NotFound(listed))
}

fn message(directive: &Directive, useless: &[(Range<usize>, Useless<'_>)], whole: bool) -> String {
    let lines = &directive.lines;
    let found = match (*lines.start(), *lines.end()) {
        (_, u32::MAX) => "in this file".to_owned(),
        (first, last) if first == last => format!("on line {first}"),
        (first, last) => format!("on lines {first} to {last}"),
    };
    let missing: Vec<&str> = useless
        .iter()
        .filter_map(|(_, why)| match why {
            Useless::NotFound(name) => Some(*name),
            Useless::NoRule(_) => None,
        })
        .collect();
    let mut parts = Vec::new();
    match missing.as_slice() {
        [] => {}
        ["tophash"] => parts.push(format!("tophash finds nothing {found}")),
        [name] => parts.push(format!("{name} is not found {found}")),
        names => parts.push(format!("{} are not found {found}", names.join(" and "))),
    }
    for (_, why) in useless {
        if let Useless::NoRule(name) = why {
            let metas = registry::rules().iter().map(|rule| &rule.meta);
            let meant = nearest_rule(name, metas)
                .map(|meta| format!(", did you mean {} ({})", meta.code, meta.name));
            let meant = meant.unwrap_or_default();
            parts.push(format!("there is no rule {name}{meant}"));
        }
    }
    let said = parts.join("; ");
    match whole {
        true => format!("this comment suppresses nothing: {said}"),
        false => format!("part of this comment suppresses nothing: {said}"),
    }
}

/// Takes the comment away, or the names that are of no use.
fn fix(
    path: &str,
    source: &[u8],
    directive: &Directive,
    useless: &[(Range<usize>, Useless<'_>)],
    whole: bool,
) -> Fix {
    let comment = directive.comment;
    let edit = |start: usize, end: usize| Edit {
        file: path.to_owned(),
        start: start as u32,
        end: end as u32,
        text: String::new(),
    };
    if whole {
        let (start, end) = with_surroundings(source, comment.start as usize, comment.end as usize);
        return Fix {
            message: "remove the comment".to_owned(),
            edits: vec![edit(start, end)],
            safe: true,
        };
    }
    let names = &directive.said.names;
    let gone = |at: &Range<usize>| useless.iter().any(|(other, _)| other == at);
    // A name goes with the comma before it; the first that stays has none before it.
    let first_kept = names.iter().position(|name| !gone(&name.at)).unwrap_or(0);
    let base = comment.start as usize;
    let edits = names.iter().enumerate().filter(|(_, name)| gone(&name.at));
    let edits = edits.map(|(index, name)| {
        if index < first_kept {
            let next = names
                .get(index + 1)
                .map_or(name.at.end, |next| next.at.start);
            edit(base + name.at.start, base + next)
        } else {
            let before = names.get(index.wrapping_sub(1));
            let before = before.map_or(name.at.start, |before| before.at.end);
            edit(base + before, base + name.at.end)
        }
    });
    Fix {
        message: "remove the names that suppress nothing".to_owned(),
        edits: edits.collect(),
        safe: true,
    }
}

/// A comment with the blanks before it, and with its line if nothing else stands there.
fn with_surroundings(source: &[u8], start: usize, end: usize) -> (usize, usize) {
    let before = source.get(..start).unwrap_or_default();
    let code = before.iter().rposition(|b| !matches!(b, b' ' | b'\t'));
    match code {
        Some(at) if before[at] != b'\n' => (at + 1, end),
        _ => {
            let line_start = code.map_or(0, |at| at + 1);
            let rest = source.get(end..).unwrap_or_default();
            let line_end = match rest {
                [b'\r', b'\n', ..] => end + 2,
                [b'\n', ..] => end + 1,
                _ => end,
            };
            (line_start, line_end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tophash_syntax::{Bodies, parse};

    /// Unused suppressions of a file in which TH101 is found on line 4, each with the text
    /// that its fix leaves of the file's lines 3 to 5.
    fn unused(lines: [&str; 3]) -> Vec<(String, String)> {
        let source = format!("package p\nfunc f() {{\n{}\n}}\n", lines.join("\n"));
        unused_in(&source, |_| true)
    }

    fn unused_in(source: &str, runs: fn(usize) -> bool) -> Vec<(String, String)> {
        let file = parse(source.as_bytes(), Bodies::Parse);
        let mut directives = Directives::read(source.as_bytes(), &file);
        let mut found = Finding {
            code: "TH101".into(),
            name: "nil-map-write".into(),
            severity: tophash_finding::Severity::Error,
            message: String::new(),
            place: Place::new("a.go", (4, 2), (4, 6)),
            function: None,
            map: None,
            evidence: Vec::new(),
            fixes: Vec::new(),
            fingerprint: String::new(),
        };
        directives.suppress(&found);
        // One that is not found here must not make its suppression used.
        found.place.line = 1000;
        directives.suppress(&found);
        let findings = directives.unused("a.go", source.as_bytes(), &file, runs);
        let fixed = |finding: &Finding| {
            let mut text = source.to_owned();
            for edit in finding.fixes[0].edits.iter().rev() {
                text.replace_range(edit.start as usize..edit.end as usize, &edit.text);
            }
            let lines: Vec<&str> = text.lines().skip(2).collect();
            lines[..lines.len() - 1].join("\n")
        };
        let told = findings.iter().map(|f| (f.message.clone(), fixed(f)));
        told.collect()
    }

    #[test]
    fn used_ones_and_those_of_other_tools_are_left_alone() {
        for line in [
            "\tm[1] = 2 //nolint:tophash",
            "\tm[1] = 2 //nolint:TH101,errcheck // why",
            "\tm[1] = 2 //nolint:nil-map-write",
            "\tm[1] = 2 //lint:ignore TH1* why",
        ] {
            assert_eq!(unused(["", line, ""]), [], "{line}");
        }
        for line in [
            "\tx() //nolint",
            "\tx() //nolint:all",
            "\tx() //nolint:errcheck,thelper",
            "\tx() //lint:ignore SA4006 why",
            "\tx() //lint:ignore * why",
            "\tx() //lint:ignore TH101",
        ] {
            assert_eq!(unused(["", "\tm[1] = 2", line]), [], "{line}");
        }
    }

    #[test]
    fn unused_ones_are_told_and_taken_away() {
        for (line, message, left) in [
            (
                "\tx() //nolint:tophash // why",
                "this comment suppresses nothing: tophash finds nothing on line 5",
                "\tx()",
            ),
            (
                "\tx() // nolint:TH101",
                "this comment suppresses nothing: TH101 is not found on line 5",
                "\tx()",
            ),
            (
                "\tx() //nolint:errcheck,TH101,TH102 // why",
                "part of this comment suppresses nothing: TH101 and TH102 are not found on \
                 line 5",
                "\tx() //nolint:errcheck // why",
            ),
            (
                "\tx() //nolint:TH101, errcheck",
                "part of this comment suppresses nothing: TH101 is not found on line 5",
                "\tx() //nolint:errcheck",
            ),
            (
                "\tx() //lint:ignore TH101,SA4006 why",
                "part of this comment suppresses nothing: TH101 is not found on line 5",
                "\tx() //lint:ignore SA4006 why",
            ),
            (
                "\tx() //nolint:TH1011",
                "this comment suppresses nothing: there is no rule TH1011, did you mean TH101 \
                 (nil-map-write)",
                "\tx()",
            ),
            (
                "\t//lint:file-ignore TH102 why",
                "this comment suppresses nothing: TH102 is not found in this file",
                "",
            ),
        ] {
            let left = format!(
                "\n\tm[1] = 2{}{left}",
                if left.is_empty() { "" } else { "\n" }
            );
            let want = [(message.to_owned(), left)];
            assert_eq!(unused(["", "\tm[1] = 2", line]), want, "{line}");
        }
    }

    proptest! {
        /// Edits lie in the file, in order, and take away nothing but the comment and the
        /// blanks around it.
        #[test]
        fn bears_any_comment(
            comment in "(//nolint|// nolint|//lint:ignore|//lint:file-ignore)[: ,]{0,2}(TH[0-9*]{0,4}|tophash|[a-zé, \t/\u{ff}]|,){0,9}",
        ) {
            for source in [
                format!("package p\nfunc f() {{\n\tx() {comment}\n}}\n"),
                format!("package p\n{comment}\nfunc f() {{ x() }}\n"),
                format!("package p\r\nvar x int\r\n{comment}"),
            ] {
                let file = parse(source.as_bytes(), Bodies::Parse);
                let directives = Directives::read(source.as_bytes(), &file);
                for finding in directives.unused("a.go", source.as_bytes(), &file, |_| true) {
                    let mut text = source.clone();
                    let mut behind = text.len();
                    for edit in finding.fixes[0].edits.iter().rev() {
                        let (start, end) = (edit.start as usize, edit.end as usize);
                        prop_assert!(start < end && end <= behind, "{source:?} {edit:?}");
                        text.replace_range(start..end, &edit.text);
                        behind = start;
                    }
                    let code = |text: &str| {
                        let code = text.lines().map(|line| line.split("//").next().unwrap().trim());
                        code.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
                    };
                    prop_assert_eq!(code(&text), code(&source));
                }
            }
        }
    }

    #[test]
    fn of_rules_that_did_not_run_nothing_is_known() {
        let source = "package p\nfunc f() {\n\tx() //nolint:TH101\n\ty() //nolint:tophash\n}\n";
        assert_eq!(unused_in(source, |_| false), []);
    }
}
