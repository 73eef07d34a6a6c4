//! The JSON object that every command writes.

use std::io::{self, Write};

use serde::Serialize;
use tophash_finding::{Finding, Problem, SCHEMA, Stats};

use crate::Report;

#[derive(Serialize)]
struct Document<'a, T: Serialize> {
    schema: u32,
    tool: &'a str,
    version: &'a str,
    command: &'a str,
    findings: &'a [Finding],
    problems: &'a [Problem],
    stats: Stats,
    /// Fields of one command.
    #[serde(flatten)]
    more: Option<&'a T>,
}

pub(crate) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write::<()>(report, None, out)
}

/// Writes `report` as JSON with further fields, those of the object `more`, behind the ones that
/// every command has. `more` is written as it is serialised, so that it may be longer than memory.
///
/// # Errors
/// What writing gives, and an error if `more` is no object.
pub fn render_with<T: Serialize>(
    report: &Report<'_>,
    more: &T,
    out: &mut dyn Write,
) -> io::Result<()> {
    write(report, Some(more), out)
}

fn write<T: Serialize>(
    report: &Report<'_>,
    more: Option<&T>,
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
