//! TH206: a `sync.Map` in use is assigned over or copied.

use tophash_concurrency::{ConcurrencyFacts, Misuse, MisuseKind};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::Rule;
use crate::misuse::{Told, findings_of};
use crate::registry::Finder;
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH206",
        name: "sync-map-replaced",
        severity: Severity::Error,
        default_on: true,
        since: "0.1.0",
        summary: "a sync.Map that others use is assigned over or copied",
    },
    page: include_str!("../pages/TH206.md"),
    finder: Finder::Concurrency(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &ConcurrencyFacts, sites: &Sites) -> Vec<Finding> {
    findings_of(&RULE.meta, facts, sites, tell)
}

fn tell(misuse: &Misuse, sites: &Sites) -> Option<Told> {
    let (map, here) = (&misuse.map, &misuse.here);
    let (at, function) = misuse.other.as_ref()?;
    let at = sites.mention(*at, here.at);
    let (message, fix) = match misuse.kind {
        MisuseKind::SyncMapReplaced => (
            format!("{map} is overwritten while {function} ({at}) may be using it"),
            "Empty it with Clear (since Go 1.23), or keep a pointer to it and swap that atomically.",
        ),
        MisuseKind::SyncMapCopied => (
            format!(
                "{map} is copied while {function} ({at}) may be using it: a sync.Map must not be copied after its first use"
            ),
            "Use a pointer to it.",
        ),
        _ => return None,
    };
    Some(Told {
        message,
        other: "it is used here",
        fix,
    })
}
