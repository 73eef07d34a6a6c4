//! How often each rule found something.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;
use tophash_finding::Finding;

/// Code and name of a rule, and how often it found something; the most frequent first.
pub(super) fn counts(findings: &[Finding]) -> Vec<(&str, &str, u64)> {
    let mut by_rule: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for finding in findings {
        *by_rule.entry((&finding.code, &finding.name)).or_default() += 1;
    }
    let counts = by_rule.into_iter();
    let mut counts: Vec<_> = counts.map(|((code, name), n)| (code, name, n)).collect();
    counts.sort_by_key(|&(code, _, n)| (std::cmp::Reverse(n), code));
    counts
}

/// Writes a table that ends in the total.
pub(super) fn text(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    let total = findings.len();
    let width = total.to_string().len();
    for (code, name, n) in counts(findings) {
        writeln!(out, "{n:width$}  {code}  {name}")?;
    }
    let noun = if total == 1 { "finding" } else { "findings" };
    writeln!(out, "{total:width$}  {noun}")
}

/// Writes one object.
pub(super) fn json(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    let rules = counts(findings).into_iter();
    let rules = rules.map(|(code, name, n)| json!({"code": code, "name": name, "count": n}));
    let object = json!({
        "rules": rules.collect::<Vec<_>>(),
        "total": findings.len(),
    });
    serde_json::to_writer_pretty(&mut *out, &object)?;
    writeln!(out)
}
