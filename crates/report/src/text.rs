//! Findings for people: source excerpts with marks, the evidence, and help.

use std::fmt::Display;
use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};
use anstyle::{AnsiColor, Style};
use tophash_finding::{Evidence, Finding, Place, Severity};

use crate::Sources;
use crate::excerpt::{Excerpt, excerpt};

pub(crate) fn render(
    findings: &[Finding],
    sources: &mut Sources<'_>,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut printer = Printer {
        out,
        sources,
        color,
        renderer: match color {
            true => Renderer::styled(),
            false => Renderer::plain(),
        },
    };
    for (i, finding) in findings.iter().enumerate() {
        if i > 0 {
            writeln!(printer.out)?;
        }
        printer.finding(finding)?;
    }
    Ok(())
}

/// The excerpts are the renderer's. Titles and positions are written here: they
/// have the form that editors know from Go's own tools, and count columns in bytes
/// of the whole line, of which the renderer may see only a part.
struct Printer<'a, 'b> {
    out: &'a mut dyn Write,
    sources: &'a mut Sources<'b>,
    color: bool,
    renderer: Renderer,
}

impl Printer<'_, '_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let severity = finding.severity;
        let level = self.paint(
            severity_color(severity),
            format!("{}[{}]", severity.as_str(), finding.code),
        );
        let message = normalize_untrusted_str(&finding.message);
        let message = self.styled(Style::new().bold(), format!(": {message}"));
        writeln!(self.out, "{}: {level}{message}", position(&finding.place))?;

        // The first evidence at the finding's own place labels its mark.
        let source = excerpt(self.sources, &finding.place);
        let here = |evidence: &Evidence| source.is_some() && evidence.place == finding.place;
        let marked = finding.evidence.iter().position(here);
        let label = marked.and_then(|index| finding.evidence.get(index));
        self.excerpt(source, severity, label.map(|e| e.message.as_str()))?;

        let others = finding.evidence.iter().enumerate();
        for (_, evidence) in others.filter(|(index, _)| Some(*index) != marked) {
            self.titled(severity_color(Severity::Note), "note", &evidence.message)?;
            let place = &evidence.place;
            if *place == finding.place {
                continue; // named above
            }
            let source = excerpt(self.sources, place);
            let last_line = source.as_ref().map_or(place.line, Excerpt::last_line);
            let gutter = " ".repeat(last_line.to_string().len());
            let arrow = self.paint(AnsiColor::BrightBlue, "-->");
            writeln!(self.out, "{gutter}{arrow} {}", position(place))?;
            self.excerpt(source, Severity::Note, None)?;
        }
        for fix in &finding.fixes {
            self.titled(AnsiColor::BrightCyan, "help", &fix.message)?;
        }
        Ok(())
    }

    fn titled(&mut self, color: AnsiColor, title: &str, message: &str) -> io::Result<()> {
        let title = self.paint(color, title);
        let message = normalize_untrusted_str(message);
        writeln!(self.out, "{title}: {message}")
    }

    fn excerpt(
        &mut self,
        excerpt: Option<Excerpt>,
        severity: Severity,
        label: Option<&str>,
    ) -> io::Result<()> {
        let Some(excerpt) = excerpt else {
            return Ok(());
        };
        let level = match severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let mark = AnnotationKind::Primary.span(excerpt.mark).label(label);
        let snippet = Snippet::source(excerpt.text)
            .line_start(excerpt.line as usize)
            .annotation(mark);
        let group = Group::with_level(level).element(snippet);
        writeln!(self.out, "{}", self.renderer.render(&[group]))
    }

    fn paint(&self, color: AnsiColor, text: impl Display) -> String {
        self.styled(color.on_default().bold(), text)
    }

    fn styled(&self, style: Style, text: impl Display) -> String {
        match self.color {
            true => format!("{style}{text}{style:#}"),
            false => text.to_string(),
        }
    }
}

fn severity_color(severity: Severity) -> AnsiColor {
    match severity {
        Severity::Error => AnsiColor::BrightRed,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Note => AnsiColor::BrightGreen,
    }
}

fn position(place: &Place) -> String {
    format!("{}:{}:{}", place.file, place.line, place.column)
}
