//! SARIF 2.1.0, as OASIS describes it and as GitHub's code scanning reads it.
//!
//! Columns in SARIF count UTF-16 code units, ours bytes: they are converted by the text of
//! their line.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};
use tophash_finding::{Edit, Evidence, Finding, Fix, Place, Problem, ProblemKind, Severity};

use crate::root::{Location, locate};
use crate::{Report, RuleText, Sources};

/// The name that paths are relative to: the top of the repository.
const ROOT: &str = "SRCROOT";

/// What our fingerprints are made of; another number means they are made otherwise.
const FINGERPRINT: &str = "tophash/v1";

const HOME: &str = env!("CARGO_PKG_REPOSITORY");

pub(crate) fn render(
    report: &Report<'_>,
    sources: &mut Sources<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut writer = Writer {
        report,
        sources,
        rules: report.rules.iter().map(descriptor).collect(),
    };
    let results: Vec<Value> = report.findings.iter().map(|f| writer.result(f)).collect();
    let failed = report.problems.iter().any(|p| p.kind.is_failure());
    let notifications: Vec<Value> = report
        .problems
        .iter()
        .map(|problem| writer.notification(problem))
        .collect();
    let mut run = json!({
        "tool": {
            "driver": {
                "name": "tophash",
                "semanticVersion": report.version,
                "version": report.version,
                "informationUri": HOME,
                "rules": writer.rules,
            }
        },
        "invocations": [{
            "executionSuccessful": !failed,
            "toolExecutionNotifications": notifications,
        }],
        "columnKind": "utf16CodeUnits",
        "results": results,
    });
    if let Some(root) = report.root.or(report.dir) {
        let mut uri = file_uri(root);
        if !uri.ends_with('/') {
            uri.push('/');
        }
        run["originalUriBaseIds"] = json!({ ROOT: { "uri": uri } });
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

struct Writer<'a, 'b, 'c> {
    report: &'a Report<'a>,
    sources: &'b mut Sources<'c>,
    rules: Vec<Value>,
}

impl Writer<'_, '_, '_> {
    fn result(&mut self, finding: &Finding) -> Value {
        let mut location = self.location(&finding.place, finding.function.as_deref());
        location["id"] = json!(0);
        let mut result = json!({
            "ruleId": finding.code,
            "ruleIndex": self.rule(finding),
            "level": level(finding.severity),
            "message": { "text": finding.message },
            "locations": [location],
            "partialFingerprints": { FINGERPRINT: finding.fingerprint },
        });
        if !finding.evidence.is_empty() {
            let steps: Vec<Value> = finding.evidence.iter().map(|e| self.evidence(e)).collect();
            let flow: Vec<Value> = steps
                .iter()
                .map(|step| json!({ "location": step }))
                .collect();
            let related = steps.into_iter().enumerate().map(|(index, mut step)| {
                step["id"] = json!(index + 1);
                step
            });
            result["relatedLocations"] = related.collect();
            result["codeFlows"] = json!([{ "threadFlows": [{ "locations": flow }] }]);
        }
        let fixes = finding.fixes.iter().filter(|fix| !fix.edits.is_empty());
        let fixes: Vec<Value> = fixes.map(|fix| self.fix(fix)).collect();
        if !fixes.is_empty() {
            result["fixes"] = Value::Array(fixes);
        }
        result
    }

    /// The index of a finding's rule. One that is not described yet is, as far as known.
    fn rule(&mut self, finding: &Finding) -> usize {
        let known = self
            .rules
            .iter()
            .position(|rule| rule["id"] == finding.code.as_str());
        known.unwrap_or_else(|| {
            self.rules
                .push(json!({ "id": finding.code, "name": finding.name }));
            self.rules.len() - 1
        })
    }

    fn evidence(&mut self, evidence: &Evidence) -> Value {
        let mut location = self.location(&evidence.place, evidence.function.as_deref());
        location["message"] = json!({ "text": evidence.message });
        location
    }

    fn location(&mut self, place: &Place, function: Option<&str>) -> Value {
        let mut location = json!({
            "physicalLocation": {
                "artifactLocation": self.artifact(&place.file),
                "region": {
                    "startLine": place.line,
                    "startColumn": self.column(&place.file, place.line, place.column),
                    "endLine": place.end_line,
                    "endColumn": self.column(&place.file, place.end_line, place.end_column),
                }
            }
        });
        if let Some(function) = function {
            let function = json!({ "fullyQualifiedName": function, "kind": "function" });
            location["logicalLocations"] = json!([function]);
        }
        location
    }

    fn artifact(&self, file: &str) -> Value {
        match locate(self.report, file) {
            Location::Below(path) => json!({ "uri": encoded(&path), "uriBaseId": ROOT }),
            Location::Elsewhere(path) => json!({ "uri": file_uri(&path) }),
        }
    }

    /// A column in UTF-16 code units.
    fn column(&mut self, file: &str, line: u32, column: u32) -> usize {
        let bytes = column.saturating_sub(1) as usize;
        let line = self.sources.line(file, line);
        let Some(before) = line.map(|line| line.get(..bytes).unwrap_or(line)) else {
            return bytes + 1;
        };
        String::from_utf8_lossy(before).encode_utf16().count() + 1
    }

    fn fix(&mut self, fix: &Fix) -> Value {
        let mut files: Vec<(&str, Vec<Value>)> = Vec::new();
        for edit in &fix.edits {
            let replacement = self.replacement(edit);
            match files.iter_mut().find(|(file, _)| *file == edit.file) {
                Some((_, replacements)) => replacements.push(replacement),
                None => files.push((&edit.file, vec![replacement])),
            }
        }
        let changes = files.into_iter().map(|(file, replacements)| {
            json!({
                "artifactLocation": self.artifact(file),
                "replacements": replacements,
            })
        });
        json!({
            "description": { "text": fix.message },
            "artifactChanges": changes.collect::<Vec<_>>(),
        })
    }

    fn replacement(&mut self, edit: &Edit) -> Value {
        let ends = [edit.start, edit.end].map(|offset| {
            let (line, column) = self.sources.position(&edit.file, offset)?;
            Some((line, self.column(&edit.file, line, column)))
        });
        let region = match ends {
            [Some((line, column)), Some((end_line, end_column))] => json!({
                "startLine": line,
                "startColumn": column,
                "endLine": end_line,
                "endColumn": end_column,
            }),
            // The file can't be read any more.
            _ => json!({
                "byteOffset": edit.start,
                "byteLength": edit.end.saturating_sub(edit.start),
            }),
        };
        let mut replacement = json!({ "deletedRegion": region });
        if !edit.text.is_empty() {
            replacement["insertedContent"] = json!({ "text": edit.text });
        }
        replacement
    }

    fn notification(&self, problem: &Problem) -> Value {
        let level = match problem.kind {
            kind if kind.is_failure() => "error",
            // Ordinary in a repository without its dependencies.
            ProblemKind::Import => "note",
            _ => "warning",
        };
        let mut notification = json!({
            "level": level,
            "message": { "text": problem.message },
        });
        if let Some(file) = &problem.file {
            let mut location = json!({ "artifactLocation": self.artifact(file) });
            if let Some(line) = problem.line {
                location["region"] = json!({ "startLine": line });
            }
            notification["locations"] = json!([{ "physicalLocation": location }]);
        }
        notification
    }
}

fn descriptor(rule: &RuleText) -> Value {
    let meta = &rule.meta;
    let mut descriptor = Map::new();
    let mut set = |key: &str, value: Value| descriptor.insert(key.to_owned(), value);
    set("id", json!(meta.code));
    set("name", json!(meta.name));
    set(
        "shortDescription",
        json!({ "text": meta.name.replace('-', " ") }),
    );
    set("fullDescription", json!({ "text": meta.summary }));
    set("help", json!({ "text": rule.page, "markdown": rule.page }));
    set("helpUri", json!(rule.url));
    set(
        "defaultConfiguration",
        json!({ "enabled": meta.default_on, "level": level(meta.severity) }),
    );
    set(
        "properties",
        json!({
            "tags": ["correctness", "maps"],
            // GitHub sorts by these two.
            "precision": "high",
            "problem.severity": match meta.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "recommendation",
            },
        }),
    );
    Value::Object(descriptor)
}

fn level(severity: Severity) -> &'static str {
    severity.as_str()
}

/// A path as an absolute URI.
fn file_uri(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    // On Windows a path begins with a drive.
    let slash = if text.starts_with('/') { "" } else { "/" };
    format!("file://{slash}{}", encoded(&text))
}

/// A path with all that may not stand in a URI written in hexadecimal (RFC 3986).
fn encoded(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
