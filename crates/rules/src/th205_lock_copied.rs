//! TH205: the lock beside a map is copied, and the copy guards nothing.

use tophash_concurrency::{ConcurrencyFacts, Misuse, MisuseKind};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::Rule;
use crate::lock_conflict::done;
use crate::misuse::{Told, findings_of};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH205",
        name: "lock-copied",
        severity: Severity::Error,
        default_on: true,
        since: "0.1.0",
        summary: "a map is used under a lock that was copied together with it, so that it guards nothing",
    },
    page: include_str!("../pages/TH205.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    findings_of(&RULE.meta, facts, sites, tell)
}

fn tell(misuse: &Misuse, sites: &Sites) -> Option<Told> {
    if misuse.kind != MisuseKind::LockCopied {
        return None;
    }
    let lock = misuse.lock.as_deref().unwrap_or("the lock");
    let here = &misuse.here;
    let message = match &misuse.other {
        None => format!(
            "{} is {} under a copy of {lock}: the struct was copied, its map is still the same one, and each copy has a lock of its own",
            here.text,
            done(here.kind),
        ),
        Some((at, function)) => format!(
            "{} is {} under a copy of {lock}, so {function} ({}) can write to the same map meanwhile: each copy of the struct has a lock of its own",
            here.text,
            done(here.kind),
            sites.mention(*at, here.at),
        ),
    };
    Some(Told {
        message,
        other: "the map is written here",
        fix: "Use a pointer to the struct: a pointer receiver, an index into the slice.",
    })
}
