//! A page that stands alone: findings, the table, how maps grew, and a flame graph.

use std::io::{self, Write};

use tophash_finding::numbers::{bytes, grouped};
use tophash_finding::{Finding, Severity};
use tophash_profile::findings::short;
use tophash_profile::flame::{Node, flame};
use tophash_runtime::allocation::Cause;

use super::Outcome;
use super::text::{codes, ground, label, map_totals, order};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Rows of the table.
const MAX_ROWS: usize = 100;

/// Curves of the growth plot.
const MAX_CURVES: usize = 8;

/// Calls below this share of all bytes are left out of the flame graph.
const LEAST_SHARE: f64 = 0.001;

pub(super) fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let name = outcome.profiles.last().map_or("", |profile| &profile.name);
    let title = escape(name);
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Maps in {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header><h1>Maps in {title}</h1>"
    )?;
    let (allocated, live) = map_totals(outcome);
    if let Some(survey) = outcome.surveys.last() {
        writeln!(
            out,
            "<p class=\"totals\"><span><b>{}</b> of {} alive</span> <span><b>{}</b> of {} allocated</span></p>",
            bytes(live as f64),
            bytes(survey.live.bytes as f64),
            bytes(allocated as f64),
            bytes(survey.allocated.bytes as f64)
        )?;
    }
    writeln!(
        out,
        "<p class=\"ground\">{}</p></header>",
        escape(&ground(outcome))
    )?;
    findings(outcome, out)?;
    table(outcome, out)?;
    growth(outcome, out)?;
    if let (Some(profile), Some(survey)) = (outcome.profiles.last(), outcome.surveys.last()) {
        let tree = flame(profile, survey, LEAST_SHARE);
        graph(&tree, out)?;
    }
    writeln!(out, "<script>\n{SCRIPT}</script>\n</body>\n</html>")
}

fn findings(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    if outcome.findings.is_empty() {
        return writeln!(out, "<p>Nothing to change was found.</p>");
    }
    writeln!(out, "<section id=\"findings\">")?;
    for finding in &outcome.findings {
        one(finding, out)?;
    }
    writeln!(out, "</section>")
}

fn one(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    writeln!(
        out,
        "<article class=\"{severity}\">\n<h2>{}</h2>\n<p class=\"facts\"><span class=\"code\">{} {}</span> <span>{}:{}</span></p>",
        escape(&finding.message),
        escape(&finding.code),
        escape(&finding.name),
        escape(&finding.place.file),
        finding.place.line
    )?;
    for fix in &finding.fixes {
        writeln!(out, "<p class=\"fix\">{}</p>", escape(&fix.message))?;
    }
    if !finding.evidence.is_empty() {
        writeln!(out, "<details><summary>Evidence</summary><ul>")?;
        for evidence in &finding.evidence {
            writeln!(
                out,
                "<li><code>{}:{}</code> {}</li>",
                escape(&evidence.place.file),
                evidence.place.line,
                escape(&evidence.message)
            )?;
        }
        writeln!(out, "</ul></details>")?;
    }
    writeln!(out, "</article>")
}

fn table(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let rows = order(outcome);
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<h2>Maps</h2>\n<div class=\"wide\"><table id=\"maps\"><thead><tr><th>can save</th><th>alive</th><th>allocated</th><th>made</th><th>live maps</th><th class=\"words\">map</th><th class=\"words\">where</th><th class=\"words\">why</th></tr></thead><tbody>"
    )?;
    for (index, saves) in rows.iter().take(MAX_ROWS) {
        let Some(map) = outcome.maps.get(*index) else {
            continue;
        };
        let (made, live) = map.count();
        let number = |n: i64| match n {
            0 => String::from("-"),
            n => grouped(n.unsigned_abs()),
        };
        let (name, place) = label(map);
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"words\"><code>{}</code></td><td class=\"words\">{}</td><td class=\"words\">{}</td></tr>",
            if *saves >= 1.0 {
                bytes(*saves)
            } else {
                "-".to_owned()
            },
            bytes(map.live.bytes as f64),
            bytes(map.allocated.bytes as f64),
            number(made),
            number(live),
            escape(&name),
            escape(&place),
            codes(outcome, *index).join(" ")
        )?;
    }
    writeln!(out, "</tbody></table></div>")
}

/// Live bytes of the largest maps over the series.
fn growth(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let points = outcome.profiles.len();
    if points < 2 {
        return Ok(());
    }
    const WIDTH: f64 = 900.0;
    const HEIGHT: f64 = 300.0;
    const LEFT: f64 = 80.0;
    let first = outcome.profiles.first().and_then(|p| p.time);
    // By time where all say it, else one after the other.
    let at = |index: usize| -> f64 {
        let time = outcome.profiles.get(index).and_then(|p| p.time);
        match (first, time, outcome.span) {
            (Some(first), Some(time), Some(span)) => (time - first) as f64 / span as f64,
            _ => index as f64 / (points - 1) as f64,
        }
    };
    let curves: Vec<_> = outcome.maps.iter().take(MAX_CURVES).collect();
    let most = (curves.iter())
        .flat_map(|map| map.series.iter().map(|(_, live)| live.bytes))
        .max()
        .unwrap_or(0)
        .max(1) as f64;
    let x = |share: f64| LEFT + share * (WIDTH - LEFT - 20.0);
    let y = |value: f64| HEIGHT - 30.0 - value / most * (HEIGHT - 50.0);
    writeln!(
        out,
        "<h2>Live bytes from profile to profile</h2>\n<div class=\"wide\"><svg id=\"growth\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">"
    )?;
    for step in 0..=4 {
        let value = most * f64::from(step) / 4.0;
        writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{:.1}\" y2=\"{:.1}\"/><text class=\"axis\" text-anchor=\"end\" x=\"{}\" y=\"{:.1}\">{}</text>",
            WIDTH - 20.0,
            y(value),
            y(value),
            LEFT - 6.0,
            y(value) + 4.0,
            bytes(value)
        )?;
    }
    for index in 0..points {
        let words = match (outcome.span, points) {
            (Some(span), _) => format!("{:.0} s", at(index) * span as f64 / 1e9),
            (None, _) => format!("{}", index + 1),
        };
        writeln!(
            out,
            "<text class=\"axis\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{}\">{words}</text>",
            x(at(index)),
            HEIGHT - 8.0
        )?;
    }
    for (number, map) in curves.iter().enumerate() {
        let line: Vec<String> = (map.series.iter().enumerate())
            .map(|(i, (_, live))| format!("{:.1},{:.1}", x(at(i)), y(live.bytes as f64)))
            .collect();
        let (name, _) = label(map);
        writeln!(
            out,
            "<polyline class=\"curve c{number}\" points=\"{}\"><title>{}: {}</title></polyline>",
            line.join(" "),
            escape(&name),
            bytes(map.live.bytes as f64)
        )?;
    }
    writeln!(out, "</svg></div>\n<ul class=\"legend\">")?;
    for (number, map) in curves.iter().enumerate() {
        let (name, _) = label(map);
        writeln!(
            out,
            "<li><span class=\"key c{number}\"></span><code>{}</code> {}</li>",
            escape(&name),
            bytes(map.live.bytes as f64)
        )?;
    }
    writeln!(out, "</ul>")
}

/// What leads to maps' memory: width is bytes allocated, the shade's part what is alive.
fn graph(tree: &Node, out: &mut dyn Write) -> io::Result<()> {
    if tree.allocated.bytes <= 0 {
        return Ok(());
    }
    const WIDTH: f64 = 1200.0;
    const ROW: f64 = 20.0;
    let mut boxes: Vec<(f64, usize, &Node)> = Vec::new();
    let mut open: Vec<(f64, usize, &Node)> = vec![(0.0, 0, tree)];
    let whole = tree.allocated.bytes as f64;
    let mut deepest = 0;
    while let Some((left, depth, node)) = open.pop() {
        boxes.push((left, depth, node));
        deepest = deepest.max(depth);
        let mut at = left;
        for call in &node.calls {
            open.push((at, depth + 1, call));
            at += call.allocated.bytes as f64 / whole * WIDTH;
        }
    }
    writeln!(
        out,
        "<h2>Calls that allocate for maps</h2>\n<p class=\"ground\">Width: bytes allocated. Click a call to widen it, the top row to go back.</p>\n<div class=\"wide\"><svg id=\"flame\" viewBox=\"0 0 {WIDTH} {}\">",
        (deepest + 1) as f64 * ROW
    )?;
    for (left, depth, node) in boxes {
        let width = node.allocated.bytes as f64 / whole * WIDTH;
        let (name, class) = match (depth, node.cause) {
            (0, _) => ("all maps".to_owned(), "call"),
            (_, Some(cause)) => (node.name.clone(), shade(cause)),
            (_, None) => (short(&node.name).to_owned(), "call"),
        };
        let place = match node.place.is_empty() {
            true => String::new(),
            false => format!(" {}", node.place),
        };
        writeln!(
            out,
            "<g class=\"{class}\" data-x=\"{left:.3}\" data-w=\"{width:.3}\" data-d=\"{depth}\"><title>{}{}: {} allocated, {} alive</title><rect x=\"{left:.2}\" y=\"{:.0}\" width=\"{width:.2}\" height=\"{}\"/><text x=\"{:.2}\" y=\"{:.0}\">{}</text></g>",
            escape(&name),
            escape(&place),
            bytes(node.allocated.bytes as f64),
            bytes(node.live.bytes as f64),
            depth as f64 * ROW,
            ROW - 1.0,
            left + 4.0,
            depth as f64 * ROW + 14.0,
            escape(&name)
        )?;
    }
    writeln!(out, "</svg></div>")
}

fn shade(cause: Cause) -> &'static str {
    match cause {
        Cause::Make | Cause::Clone => "made",
        Cause::FirstInsert => "first",
        Cause::Growth | Cause::Split | Cause::Evacuation | Cause::Overflow => "grown",
        Cause::Boxed => "boxed",
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
