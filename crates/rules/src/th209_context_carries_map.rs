//! TH209: a map in a context is written.

use tophash_concurrency::{ConcurrencyFacts, Misuse, MisuseKind};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::Rule;
use crate::lock_conflict::done;
use crate::misuse::{Told, findings_of};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH209",
        name: "context-carries-map",
        severity: Severity::Warning,
        default_on: false,
        since: "0.1.0",
        summary: "a map that was put into a context is written by those who take it out",
    },
    page: include_str!("../pages/TH209.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    findings_of(&RULE.meta, facts, sites, tell)
}

fn tell(misuse: &Misuse, sites: &Sites) -> Option<Told> {
    if misuse.kind != MisuseKind::ContextMap {
        return None;
    }
    let here = &misuse.here;
    let (at, _) = misuse.other.as_ref()?;
    Some(Told {
        message: format!(
            "{} is {}, and it is the map that {} puts into a context: if two goroutines have that context, both have this map",
            here.text,
            done(here.kind),
            sites.mention(*at, here.at),
        ),
        other: "the map is put into the context here",
        fix: "Put a struct with a lock beside the map into the context, or a copy of the map.",
    })
}
