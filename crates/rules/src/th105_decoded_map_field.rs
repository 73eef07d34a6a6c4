//! TH105: an element of a map field is assigned that decoding leaves nil.

use tophash_analysis::{Origins, PackageFacts};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::left_nil::finding;
use crate::registry::{Finder, Rule};
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH105",
        name: "decoded-map-field",
        severity: Severity::Warning,
        default_on: true,
        since: "0.1.0",
        summary: "an element of a map field is assigned that what was decoded may have left nil",
    },
    page: include_str!("../pages/TH105.md"),
    finder: Finder::Facts(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &PackageFacts, _: &Origins, sites: &Sites) -> Vec<Finding> {
    let decoded = facts
        .left_nil
        .iter()
        .filter(|left| left.cause.is_decoding());
    decoded
        .filter_map(|left| finding(&RULE.meta, left, &[], facts, sites))
        .collect()
}
