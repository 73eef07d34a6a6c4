//! TH211: a map is given to another goroutine, and written afterwards.

use tophash_concurrency::{ConcurrencyFacts, Misuse, MisuseKind};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::Rule;
use crate::lock_conflict::done;
use crate::misuse::{Told, findings_of};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH211",
        name: "map-handed-to-goroutine",
        severity: Severity::Warning,
        default_on: true,
        since: "0.1.0",
        summary: "a map is sent or given to a goroutine and written afterwards",
    },
    page: include_str!("../pages/TH211.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    findings_of(&RULE.meta, facts, sites, tell)
}

fn tell(misuse: &Misuse, sites: &Sites) -> Option<Told> {
    let here = &misuse.here;
    let (at, _) = misuse.other.as_ref()?;
    let at = sites.mention(*at, here.at);
    let (who, other) = match misuse.kind {
        MisuseKind::WrittenAfterSend => (
            format!("it was sent at {at}: if the receiver still uses it"),
            "the map is sent here",
        ),
        MisuseKind::WrittenAfterGo => (
            format!("the goroutine started at {at} has it: if that still uses it"),
            "the goroutine is started with the map here",
        ),
        _ => return None,
    };
    Some(Told {
        message: format!(
            "{} is {} after {who}, both reach one map at once",
            here.text,
            done(here.kind),
        ),
        other,
        fix: "Give away a copy (maps.Clone), or go on with a new map.",
    })
}
