//! TH108: a map that was set to nil to empty it is written to without a new one.

use tophash_analysis::{Origins, PackageFacts};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::nil_write::{self, Kind};
use crate::registry::{Finder, Rule};
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH108",
        name: "nil-map-after-clear",
        severity: Severity::Error,
        default_on: true,
        since: "0.1.0",
        summary: "a map that was set to nil to empty it is written to without a new one",
    },
    page: include_str!("../pages/TH108.md"),
    finder: Finder::Facts(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &PackageFacts, origins: &Origins, sites: &Sites) -> Vec<Finding> {
    nil_write::findings(&RULE.meta, Kind::Cleared, facts, origins, sites)
}
