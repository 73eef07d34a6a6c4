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
}

pub(crate) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        tool: "tophash",
        version: report.version,
        command: report.command,
        findings: report.findings,
        problems: report.problems,
        stats: report.stats,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}
