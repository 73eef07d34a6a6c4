//! TH106: the nil map that a failed type assertion gives is written to.

use tophash_analysis::{Origins, PackageFacts};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::nil_write::{self, Kind};
use crate::registry::{Finder, Rule};
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH106",
        name: "unchecked-map-assertion",
        severity: Severity::Error,
        default_on: true,
        since: "0.1.0",
        summary: "the nil map that a failed type assertion gives is written to",
    },
    page: include_str!("../pages/TH106.md"),
    finder: Finder::Facts(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &PackageFacts, origins: &Origins, sites: &Sites) -> Vec<Finding> {
    nil_write::findings(&RULE.meta, Kind::Assertion, facts, origins, sites)
}
