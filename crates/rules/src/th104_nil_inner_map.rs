//! TH104: an element of a map of maps is written to before a map was put there.

use tophash_analysis::{Origins, PackageFacts};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::nil_write::{self, Kind};
use crate::registry::{Finder, Rule};
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH104",
        name: "nil-inner-map",
        severity: Severity::Error,
        default_on: true,
        since: "0.1.0",
        summary: "an element of a map of maps is written to before a map was put there",
    },
    page: include_str!("../pages/TH104.md"),
    finder: Finder::Facts(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &PackageFacts, origins: &Origins, sites: &Sites) -> Vec<Finding> {
    nil_write::findings(&RULE.meta, Kind::Inner, facts, origins, sites)
}
