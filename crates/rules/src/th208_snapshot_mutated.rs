//! TH208: a map that an atomic variable holds is written in place.

use tophash_concurrency::{ConcurrencyFacts, Misuse, MisuseKind};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::Rule;
use crate::lock_conflict::done;
use crate::misuse::{Told, findings_of};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH208",
        name: "snapshot-mutated",
        severity: Severity::Error,
        default_on: true,
        since: "0.1.0",
        summary: "a map out of an atomic.Value or atomic.Pointer is written in place",
    },
    page: include_str!("../pages/TH208.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    findings_of(&RULE.meta, facts, sites, tell)
}

fn tell(misuse: &Misuse, sites: &Sites) -> Option<Told> {
    if misuse.kind != MisuseKind::SnapshotMutated {
        return None;
    }
    let here = &misuse.here;
    let (at, function) = misuse.other.as_ref()?;
    Some(Told {
        message: format!(
            "{} is {} in place, but {function} ({}) uses the same map without a lock: loading it from an atomic variable copies nothing",
            here.text,
            done(here.kind),
            sites.mention(*at, here.at),
        ),
        other: "the same map is used here",
        fix: "Copy the map with maps.Clone, change the copy, and store that.",
    })
}
