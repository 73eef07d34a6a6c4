//! What the rules on misused locks and maps share.

use tophash_concurrency::{ConcurrencyFacts, Misuse};
use tophash_finding::{Finding, Fix, RuleMeta};

use crate::lock_conflict::side;
use crate::site::Sites;

/// What a rule says of a misuse.
pub(crate) struct Told {
    pub(crate) message: String,
    /// What happens at the other place, if there is one.
    pub(crate) other: &'static str,
    pub(crate) fix: &'static str,
}

/// The findings of a rule: those that it has something to say of.
pub(crate) fn findings_of(
    meta: &RuleMeta,
    facts: &ConcurrencyFacts,
    sites: &Sites,
    tell: fn(&Misuse, &Sites) -> Option<Told>,
) -> Vec<Finding> {
    let misuses = facts.misuses.iter();
    misuses
        .filter_map(|misuse| Some(finding(meta, misuse, tell(misuse, sites)?, sites)))
        .collect()
}

fn finding(meta: &RuleMeta, misuse: &Misuse, told: Told, sites: &Sites) -> Finding {
    let here = &misuse.here;
    let mut evidence = side(here, "", sites);
    if let Some((at, function)) = &misuse.other
        && !told.other.is_empty()
    {
        evidence.push(sites.evidence(*at, function, told.other.to_owned()));
    }
    Finding {
        code: meta.code.to_owned(),
        name: meta.name.to_owned(),
        severity: meta.severity,
        message: told.message,
        place: sites.place(here.at),
        function: Some(here.function.to_string()),
        map: Some(misuse.map.clone()),
        evidence,
        fixes: vec![Fix {
            safe: false,
            message: told.fix.to_owned(),
            edits: Vec::new(),
        }],
        fingerprint: String::new(),
    }
}
