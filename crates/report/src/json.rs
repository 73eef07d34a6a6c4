//! The JSON object that every command writes.

use std::io::{self, Write};

use serde::Serialize;
use tophash_finding::{Finding, Problem, SCHEMA, Stats};

use crate::Report;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    tool: &'a str,
    version: &'a str,
    command: &'a str,
    findings: &'a [Finding],
    problems: &'a [Problem],
    stats: Stats,
    /// Fields of one command.
    #[serde(flatten)]
    more: Option<&'a serde_json::Value>,
}

pub(crate) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write(report, None, out)
}

/// Writes `report` as JSON with further fields, those of the object `more`, behind the ones that
/// every command has.
///
/// # Errors
/// What writing gives, and an error if `more` is no object.
pub fn render_with(
    report: &Report<'_>,
    more: &serde_json::Value,
    out: &mut dyn Write,
) -> io::Result<()> {
    write(report, Some(more), out)
}

fn write(
    report: &Report<'_>,
    more: Option<&serde_json::Value>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        tool: "tophash",
        version: report.version,
        command: report.command,
        findings: report.findings,
        problems: report.problems,
        stats: report.stats,
        more,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}
