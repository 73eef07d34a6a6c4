//! TH207: `Load` and then `Store` on a `sync.Map`, as if nobody could come between.

use tophash_concurrency::{ConcurrencyFacts, Misuse, MisuseKind};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::Rule;
use crate::misuse::{Told, findings_of};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH207",
        name: "sync-map-check-then-act",
        severity: Severity::Warning,
        default_on: false,
        since: "0.1.0",
        summary: "Load and Store on a sync.Map where another goroutine can come between",
    },
    page: include_str!("../pages/TH207.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    findings_of(&RULE.meta, facts, sites, tell)
}

fn tell(misuse: &Misuse, _: &Sites) -> Option<Told> {
    let map = &misuse.map;
    let (message, fix) = match misuse.kind {
        MisuseKind::LostUpdate => (
            format!(
                "what was loaded from {map} is changed and stored here: if another goroutine stores meanwhile, its change is lost"
            ),
            "Repeat CompareAndSwap until it succeeds, or keep a lock or an atomic counter as the value.",
        ),
        MisuseKind::DoubleMake => (
            format!(
                "an object is stored in {map} because none was found: if another goroutine does the same meanwhile, the two go on with different objects"
            ),
            "Use LoadOrStore, and go on with what it returns.",
        ),
        _ => return None,
    };
    Some(Told {
        message,
        other: "",
        fix,
    })
}
