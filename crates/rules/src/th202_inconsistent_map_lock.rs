//! TH202: a map that a lock guards is used without it.

use tophash_concurrency::{ConcurrencyFacts, Conflict, ConflictKind};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::Rule;
use crate::lock_conflict::{done, finding, list, other_side};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH202",
        name: "inconsistent-map-lock",
        severity: Severity::Warning,
        default_on: true,
        since: "0.1.0",
        summary: "a map is used without the lock that guards it elsewhere",
    },
    page: include_str!("../pages/TH202.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    let conflicts = facts.conflicts.iter().filter(|conflict| {
        matches!(
            conflict.kind,
            ConflictKind::Unguarded | ConflictKind::OtherLock
        )
    });
    conflicts
        .map(|conflict| {
            let fix = format!("Hold {} here, too.", conflict.lock);
            let message = message(conflict, sites);
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

fn message(conflict: &Conflict, sites: &Sites) -> String {
    let here = &conflict.here;
    let held = match here.locks.as_slice() {
        [] => "without a lock".to_owned(),
        locks => format!("under {}", list(locks)),
    };
    format!(
        "{} is {} {held}, but {} {} it under {}",
        here.text,
        done(here.kind),
        other_side(conflict, sites),
        crate::lock_conflict::does(conflict.other.kind),
        conflict.lock,
    )
}
