//! Annotations for GitHub Actions: one workflow command a finding.

use std::fmt::Write as _;
use std::io::{self, Write};

use tophash_finding::{Finding, Severity};

pub(crate) fn render(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    for finding in findings {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let place = &finding.place;
        let mut message = finding.message.clone();
        for evidence in &finding.evidence {
            let at = &evidence.place;
            let _ = write!(message, "\n{}:{}: {}", at.file, at.line, evidence.message);
        }
        for fix in &finding.fixes {
            let _ = write!(message, "\nhelp: {}", fix.message);
        }
        writeln!(
            out,
            "::{command} file={},line={},col={},endLine={},title={} {}::{}",
            property(&place.file),
            place.line,
            place.column,
            place.end_line,
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
