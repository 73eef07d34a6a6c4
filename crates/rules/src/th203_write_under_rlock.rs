//! TH203: a map is written while its lock is held for reading only.

use tophash_concurrency::{ConcurrencyFacts, ConflictKind};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::Rule;
use crate::lock_conflict::{done, finding};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH203",
        name: "write-under-rlock",
        severity: Severity::Error,
        default_on: true,
        since: "0.1.0",
        summary: "a map is written while its lock is held for reading only",
    },
    page: include_str!("../pages/TH203.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    let conflicts = facts.conflicts.iter();
    conflicts
        .filter(|conflict| conflict.kind == ConflictKind::UnderReadLock)
        .map(|conflict| {
            let message = format!(
                "{} is {} while {} is held for reading only, which others may do at the same time",
                conflict.here.text,
                done(conflict.here.kind),
                conflict.lock,
            );
            let fix = format!("Take {} with Lock instead of RLock.", conflict.lock);
            finding(
                &RULE.meta,
                Severity::Error,
                conflict,
                message,
                Some(fix),
                sites,
            )
        })
        .collect()
}
