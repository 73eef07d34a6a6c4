//! TH204: a map that a lock guards gets out of what the lock covers.

use tophash_concurrency::{ConcurrencyFacts, Conflict, ConflictKind, EscapeKind};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::Rule;
use crate::lock_conflict::{does, done, finding, other_side};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH204",
        name: "guarded-map-escapes",
        severity: Severity::Warning,
        default_on: true,
        since: "0.1.0",
        summary: "a map that a lock guards is handed out and used when the lock is released",
    },
    page: include_str!("../pages/TH204.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    let conflicts = facts.conflicts.iter();
    conflicts
        .filter_map(|conflict| {
            let message = message(conflict, sites)?;
            let fix = "Copy the map with maps.Clone while the lock is held.".to_owned();
            let severity = Severity::Warning;
            Some(finding(
                &RULE.meta,
                severity,
                conflict,
                message,
                Some(fix),
                sites,
            ))
        })
        .collect()
}

fn message(conflict: &Conflict, sites: &Sites) -> Option<String> {
    let here = &conflict.here;
    let other = other_side(conflict, sites);
    let verb = does(conflict.other.kind);
    let (map, lock) = (&conflict.map, &conflict.lock);
    Some(match conflict.kind {
        ConflictKind::TakenOut => format!(
            "{} is {} after {lock} was released: it is still the map of {map}, which {other} {verb} under the lock",
            here.text,
            done(here.kind),
        ),
        ConflictKind::Escape(EscapeKind::Returned) => format!(
            "{} returns the map of {map} itself, not a copy: if a caller uses it, {other} {verb} it under {lock} at the same time",
            here.function,
        ),
        ConflictKind::Escape(EscapeKind::InResult) => format!(
            "{} returns a struct with the map of {map} itself, not a copy: if a caller uses it, {other} {verb} it under {lock} at the same time",
            here.function,
        ),
        ConflictKind::Escape(EscapeKind::Sent) => format!(
            "the map of {map} itself is sent, not a copy: if the receiver uses it, {other} {verb} it under {lock} at the same time",
        ),
        _ => return None,
    })
}
