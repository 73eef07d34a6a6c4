//! TH210: a map of an object that an informer's cache holds is written.

use tophash_concurrency::{ConcurrencyFacts, Misuse, MisuseKind};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::Rule;
use crate::lock_conflict::done;
use crate::misuse::{Told, findings_of};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH210",
        name: "cached-object-mutated",
        severity: Severity::Warning,
        default_on: true,
        since: "0.1.0",
        summary: "a map of an object out of an informer's cache is written",
    },
    page: include_str!("../pages/TH210.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    findings_of(&RULE.meta, facts, sites, tell)
}

fn tell(misuse: &Misuse, _: &Sites) -> Option<Told> {
    if misuse.kind != MisuseKind::CachedObject {
        return None;
    }
    let here = &misuse.here;
    Some(Told {
        message: format!(
            "{} is {}, but the object is the one in the informer's cache: if anything else reads it there, it reads this map",
            here.text,
            done(here.kind),
        ),
        other: "the object is handed over here",
        fix: "Change a copy: obj.DeepCopy().",
    })
}
