//! One line per finding.

use std::io::{self, Write};

use tophash_finding::Finding;

pub(crate) fn render(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    for f in findings {
        let p = &f.place;
        let message = f.message.replace(['\n', '\r'], " ");
        writeln!(
            out,
            "{}:{}:{}: {} {message}",
            p.file, p.line, p.column, f.code
        )?;
    }
    Ok(())
}
