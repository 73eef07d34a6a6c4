//! Findings to text, one-liners, JSON, SARIF and annotations.
//!
//! A format is a variant of [`Format`] and a module with one function; every
//! command of tophash renders through [`render`].

mod concise;
mod excerpt;
mod github;
mod json;
mod root;
mod sarif;
mod sources;
mod text;

pub use json::render_with as render_json_with;
pub use root::without_dots;
pub use sources::Sources;

use std::io::{self, Write};

use std::path::Path;

use tophash_finding::{Finding, Problem, RuleMeta, Stats};

/// What a command has to say.
#[derive(Clone, Copy, Default, Debug)]
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
    /// The rules that ran or may have, for formats that describe them.
    pub rules: &'a [RuleText],
    /// The directory that paths are relative to; absolute.
    pub dir: Option<&'a Path>,
    /// The directory that code hosts show paths from, the top of the repository; absolute.
    pub root: Option<&'a Path>,
}

/// A rule, for formats that describe rules.
#[derive(Clone, Debug)]
pub struct RuleText {
    /// What it says about itself.
    pub meta: RuleMeta,
    /// Its page, in Markdown.
    pub page: String,
    /// Where the page is on the web.
    pub url: String,
}

/// A form of output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For people: source excerpts, evidence and help.
    Text,
    /// One line per finding, for editors: `file:line:col: CODE message`.
    Concise,
    /// Annotations of GitHub Actions: workflow commands.
    Github,
    /// One JSON object, as `docs/finding.schema.json` describes it.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
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
        Format::Github => github::render(report, out),
        Format::Json => json::render(report, out),
        Format::Sarif => sarif::render(report, sources, out),
    }
}
