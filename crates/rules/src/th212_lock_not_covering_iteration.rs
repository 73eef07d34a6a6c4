//! TH212: a range over a map that is not covered by the map's lock.

use tophash_concurrency::{ConcurrencyFacts, ConflictKind};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::Rule;
use crate::lock_conflict::{does, finding, list, other_side};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH212",
        name: "lock-not-covering-iteration",
        severity: Severity::Warning,
        default_on: true,
        since: "0.1.0",
        summary: "a map is ranged over while the lock that guards it is not held",
    },
    page: include_str!("../pages/TH212.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    let conflicts = facts.conflicts.iter();
    conflicts
        .filter(|conflict| conflict.kind == ConflictKind::Iteration)
        .map(|conflict| {
            let held = match conflict.here.locks.as_slice() {
                [] => "without a lock".to_owned(),
                locks => format!("under {}", list(locks)),
            };
            let message = format!(
                "{} is ranged over {held}, but {} {} it under {}",
                conflict.here.text,
                other_side(conflict, sites),
                does(conflict.other.kind),
                conflict.lock,
            );
            let fix = format!("Hold {} from before the range to its end.", conflict.lock);
            finding(
                &RULE.meta,
                Severity::Warning,
                conflict,
                message,
                Some(fix),
                sites,
            )
        })
        .collect()
}
