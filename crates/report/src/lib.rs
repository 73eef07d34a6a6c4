//! Findings to text, one-liners and JSON.
//!
//! A format is a variant of [`Format`] and a module with one function; every
//! command of tophash renders through [`render`].

mod concise;
mod excerpt;
mod json;
mod sources;
mod text;

pub use json::render_with as render_json_with;
pub use sources::Sources;

use std::io::{self, Write};

use tophash_finding::{Finding, Problem, Stats};

/// What a command has to say.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The command that ran: `check`.
    pub command: &'a str,
    /// Version of tophash.
    pub version: &'a str,
    /// The findings, in the order in which they are shown.
    pub findings: &'a [Finding],
    /// What could not be read or resolved. Formats for people leave them out:
    /// the command writes those worth a person's time to standard error.
    pub problems: &'a [Problem],
    /// How much was analysed.
    pub stats: Stats,
}

/// A form of output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For people: source excerpts, evidence and help.
    Text,
    /// One line per finding, for editors: `file:line:col: CODE message`.
    Concise,
    /// One JSON object, as `docs/finding.schema.json` describes it.
    Json,
}

/// Writes `report` to `out`. `color` asks for terminal escapes in formats for people.
///
/// # Errors
/// Only what writing to `out` gives. Sources that can't be read cost their excerpts.
pub fn render(
    report: &Report<'_>,
    format: Format,
    sources: &mut Sources<'_>,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Text => text::render(report.findings, sources, color, out),
        Format::Concise => concise::render(report.findings, out),
        Format::Json => json::render(report, out),
    }
}
