//! TH107: a map is made for a caller who never sees it.

use tophash_analysis::{LostMap, Origins, PackageFacts};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::registry::{Finder, Rule};
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH107",
        name: "lost-map-assignment",
        severity: Severity::Warning,
        default_on: true,
        since: "0.1.0",
        summary: "a map is made and filled in a parameter or a copy of the receiver, and the caller never sees it",
    },
    page: include_str!("../pages/TH107.md"),
    finder: Finder::Facts(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &PackageFacts, _: &Origins, sites: &Sites) -> Vec<Finding> {
    let lost = facts.lost.iter();
    lost.map(|lost| finding(lost, sites)).collect()
}

fn finding(lost: &LostMap, sites: &Sites) -> Finding {
    let (map, name) = (&lost.map, &lost.name);
    let message = match lost.is_field {
        true => format!(
            "the map made for {map} is lost when {name} returns: its receiver is a copy, so the caller's field stays as it was"
        ),
        false => format!(
            "the map made for {map} is lost when {name} returns: {map} is a parameter, so the caller's map stays as it was"
        ),
    };
    let mut evidence =
        vec![sites.evidence(lost.at, &lost.function, format!("{map} is replaced here"))];
    if let Some(filled) = lost.filled {
        evidence.push(sites.evidence(
            filled,
            &lost.function,
            "what is put in here is not seen by the caller".into(),
        ));
    }
    Finding {
        code: RULE.meta.code.to_owned(),
        name: RULE.meta.name.to_owned(),
        severity: Severity::Warning,
        message,
        place: sites.place(lost.at),
        function: Some(lost.function.to_string()),
        map: Some(map.to_string()),
        evidence,
        fixes: Vec::new(),
        fingerprint: String::new(),
    }
}
