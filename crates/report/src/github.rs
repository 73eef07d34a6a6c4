//! Annotations for GitHub Actions: one workflow command a finding.
//!
//! GitHub shows ten errors, ten warnings and ten notices of a step; the log has them all.

use std::fmt::Write as _;
use std::io::{self, Write};

use tophash_finding::Severity;

use crate::Report;
use crate::root::{Location, locate};

pub(crate) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let place = &finding.place;
        let file = match locate(report, &place.file) {
            Location::Below(path) => path,
            Location::Elsewhere(path) => path.display().to_string(),
        };
        let mut message = finding.message.clone();
        for evidence in &finding.evidence {
            let at = &evidence.place;
            let _ = write!(message, "\n{}:{}: {}", at.file, at.line, evidence.message);
        }
        for fix in &finding.fixes {
            let _ = write!(message, "\nhelp: {}", fix.message);
        }
        write!(
            out,
            "::{command} file={},line={}",
            property(&file),
            place.line
        )?;
        // The runner takes columns for places on one line only.
        if place.line == place.end_line {
            write!(out, ",col={},endColumn={}", place.column, place.end_column)?;
        } else {
            write!(out, ",endLine={}", place.end_line)?;
        }
        writeln!(
            out,
            ",title={} {}::{}",
            property(&finding.code),
            property(&finding.name),
            data(&message)
        )?;
    }
    Ok(())
}

/// Escapes as @actions/core does for what follows the second pair of colons.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes as @actions/core does for values of properties.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
