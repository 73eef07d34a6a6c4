//! A page that stands alone: findings with their evidence, and all goroutines.

use std::io::{self, Write};

use tophash_finding::{Evidence, Finding, Severity};

use crate::cases::{Case, Cases};
use crate::model::{Frame, Stack};

/// What goes into a page.
pub struct Page<'a> {
    /// The log's name.
    pub log: &'a str,
    /// What was found, in the order of the findings.
    pub cases: &'a Cases,
    /// A finding for each case.
    pub findings: &'a [Finding],
    /// Gives a file the name under which it is shown.
    pub path: &'a dyn Fn(&str) -> String,
    /// Gives a line of a file, if it can be read.
    pub line: &'a dyn Fn(&str, u32) -> Option<String>,
}

const STYLE: &str = include_str!("page.css");

/// Most stacks of a crash that are written out.
const MAX_STACKS: usize = 500;

/// Writes the page.
///
/// # Errors
/// What writing gives.
pub fn html(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    let title = match page.log {
        "-" => "standard input".to_owned(),
        log => escape(log),
    };
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Crashes in {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header><h1>Crashes in {title}</h1>"
    )?;
    let (n, lines) = (page.findings.len(), page.cases.totals.lines);
    match n {
        0 => writeln!(out, "<p>No Go crash in {lines} lines.</p></header>")?,
        1 => writeln!(out, "<p>One crash in {lines} lines.</p></header>")?,
        n => writeln!(
            out,
            "<p>{n} different crashes in {lines} lines.</p></header>"
        )?,
    }
    if page.findings.len() > 1 {
        writeln!(out, "<nav><ol>")?;
        for finding in page.findings {
            writeln!(
                out,
                "<li class=\"{}\"><a href=\"#{}\">{}</a></li>",
                severity(finding),
                escape(&finding.fingerprint),
                prose(&finding.message)
            )?;
        }
        writeln!(out, "</ol></nav>")?;
    }
    for (case, finding) in page.cases.cases.iter().zip(page.findings) {
        crash(page, case, finding, out)?;
    }
    writeln!(out, "</body>\n</html>")
}

fn severity(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn crash(page: &Page<'_>, case: &Case, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &case.verdict;
    writeln!(
        out,
        "<article class=\"{}\" id=\"{}\">\n<h2>{}</h2>\n<p class=\"facts\"><span class=\"code\">{} {}</span>",
        severity(finding),
        escape(&finding.fingerprint),
        prose(&finding.message),
        escape(&finding.code),
        escape(&finding.name),
    )?;
    let class = verdict.class.as_str();
    if class != finding.name {
        writeln!(out, "<span>{}</span>", class.replace('-', " "))?;
    }
    if let Some(conflict) = verdict.conflict {
        writeln!(out, "<span>{}</span>", conflict.words())?;
    }
    let times = match case.times {
        1 => "once".to_owned(),
        n => format!("{n} times"),
    };
    let first = case.seen.first().map_or(0, |l| l.0);
    writeln!(
        out,
        "<span>{times}, first in line {first}</span> <span>fingerprint {}</span></p>",
        escape(&finding.fingerprint)
    )?;
    if !verdict.message.is_empty() {
        writeln!(
            out,
            "<pre class=\"said\">{}</pre>",
            escape(&verdict.message)
        )?;
    }
    // The first reason mostly is the place itself.
    let told =
        |e: &Evidence| e.place.file == finding.place.file && e.place.line == finding.place.line;
    if !finding.evidence.first().is_some_and(told) {
        place(page, &finding.place.file, finding.place.line, "", out)?;
    }
    if !finding.evidence.is_empty() {
        writeln!(out, "<h3>Why</h3>\n<ol>")?;
        for evidence in &finding.evidence {
            writeln!(out, "<li>")?;
            place(
                page,
                &evidence.place.file,
                evidence.place.line,
                &evidence.message,
                out,
            )?;
            writeln!(out, "</li>")?;
        }
        writeln!(out, "</ol>")?;
    }
    if !finding.fixes.is_empty() {
        writeln!(out, "<h3>What helps</h3>\n<ul>")?;
        for fix in &finding.fixes {
            writeln!(out, "<li>{}</li>", prose(&fix.message))?;
        }
        writeln!(out, "</ul>")?;
    }
    for missing in &verdict.missing {
        writeln!(out, "<p class=\"missing\">{}</p>", prose(missing))?;
    }
    goroutines(page, case, out)?;
    writeln!(out, "</article>")
}

/// A sentence, with what is between backticks as code.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        let code = at % 2 == 1;
        out.push_str(if code { "<code>" } else { "" });
        out.push_str(&escape(part));
        out.push_str(if code { "</code>" } else { "" });
    }
    out
}

fn place(
    page: &Page<'_>,
    file: &str,
    line: u32,
    message: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(
        out,
        "<p class=\"place\"><code>{}:{line}</code> {}</p>",
        escape(file),
        prose(message)
    )?;
    if let Some(text) = (page.line)(file, line) {
        writeln!(
            out,
            "<pre class=\"line\"><span>{line}</span>{}</pre>",
            escape(text.trim_end())
        )?;
    }
    Ok(())
}

fn goroutines(page: &Page<'_>, case: &Case, out: &mut dyn Write) -> io::Result<()> {
    let crash = &case.crash;
    if crash.stacks.is_empty() {
        return Ok(());
    }
    let different = crash.stacks.len();
    match different as u64 == crash.goroutines {
        true => writeln!(out, "<h3>Goroutines: {different}</h3>")?,
        false => writeln!(
            out,
            "<h3>Goroutines: {}, with {different} different stacks</h3>",
            crash.goroutines
        )?,
    }
    let verdict = &case.verdict;
    let failed = verdict.failed.as_ref().map(|side| side.stack);
    let failed = failed.filter(|_| verdict.is_of_one(crash));
    let rank = |index: usize| verdict.others.iter().position(|o| o.side.stack == index);
    let mut order: Vec<usize> = (0..different).collect();
    // Those that matter first, then what most goroutines do.
    order.sort_by_key(|&index| {
        let count = crash.stacks.get(index).map_or(0, |s| s.count);
        (
            failed != Some(index),
            rank(index).unwrap_or(usize::MAX),
            std::cmp::Reverse(count),
        )
    });
    for index in order.into_iter().take(MAX_STACKS) {
        let Some(stack) = crash.stacks.get(index) else {
            continue;
        };
        let role = match (failed == Some(index), rank(index)) {
            (true, _) => "failed here",
            (_, Some(0)) if verdict.is_certain() => "most likely the other side",
            (_, Some(0)) => "perhaps the other side",
            _ => "",
        };
        let open = if role.is_empty() { "" } else { " open" };
        let ids: Vec<String> = stack.members.iter().map(|m| m.id.to_string()).collect();
        let ids = ids.join(", ");
        let who = match stack.count {
            1 => format!("goroutine {ids}"),
            n if n > stack.members.len() as u64 => format!("<b>{n}</b> goroutines: {ids}, …"),
            n => format!("<b>{n}</b> goroutines: {ids}"),
        };
        let wait = match stack.wait {
            Some((a, b)) if a == b => format!(", {a} min"),
            Some((a, b)) => format!(", {a} to {b} min"),
            None => String::new(),
        };
        writeln!(
            out,
            "<details{open}><summary>{who} <i>{}{wait}</i> {} <em>{role}</em></summary>",
            escape(&stack.state),
            escape(&labels(stack))
        )?;
        frames(page, stack, out)?;
        writeln!(out, "</details>")?;
    }
    if different > MAX_STACKS {
        writeln!(out, "<p>{} more stacks.</p>", different - MAX_STACKS)?;
    }
    Ok(())
}

fn labels(stack: &Stack) -> String {
    let labels = stack.members.iter().flat_map(|m| &m.labels);
    let pairs: Vec<String> = labels.map(|(k, v)| format!("{k}={v}")).collect();
    pairs.join(" ")
}

fn frames(page: &Page<'_>, stack: &Stack, out: &mut dyn Write) -> io::Result<()> {
    if stack.unavailable {
        writeln!(
            out,
            "<p>It ran on another thread: Go could not print its stack.</p>"
        )?;
    }
    writeln!(out, "<table>")?;
    for frame in &stack.frames {
        let class = match (frame.map_frame().is_some(), frame.is_std()) {
            (true, _) => "map",
            (_, true) => "std",
            _ => "own",
        };
        row(page, class, frame, out)?;
    }
    if let Some((_, count)) = stack.elided {
        let n = count.map_or(String::from("more"), |n| n.to_string());
        writeln!(
            out,
            "<tr><td></td><td>… {n} frames left out by Go</td></tr>"
        )?;
    }
    if let Some(creator) = &stack.created {
        let frame = Frame {
            function: format!("started by {}", creator.function),
            file: creator.file.clone(),
            line: creator.line,
            inlined: false,
        };
        row(page, "creator", &frame, out)?;
    }
    writeln!(out, "</table>")
}

fn row(page: &Page<'_>, class: &str, frame: &Frame, out: &mut dyn Write) -> io::Result<()> {
    let at = match frame.file.is_empty() {
        true => String::new(),
        false => format!("{}:{}", (page.path)(&frame.file), frame.line),
    };
    writeln!(
        out,
        "<tr class=\"{class}\"><td>{}</td><td>{}</td></tr>",
        escape(&frame.function),
        escape(&at)
    )
}

/// Text that stands for itself in HTML. Control characters, which it does not allow, are left
/// out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}
