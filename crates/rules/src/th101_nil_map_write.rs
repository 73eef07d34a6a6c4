//! TH101: an element of a map is assigned on a path on which the map is nil.

use tophash_analysis::{Origins, PackageFacts};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::nil_write::{self, Kind};
use crate::registry::{Finder, Rule};
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH101",
        name: "nil-map-write",
        severity: Severity::Error,
        default_on: true,
        since: "0.1.0",
        summary: "an element of a map is assigned on a path on which the map is nil",
    },
    page: include_str!("../pages/TH101.md"),
    finder: Finder::Facts(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &PackageFacts, origins: &Origins, sites: &Sites) -> Vec<Finding> {
    nil_write::findings(&RULE.meta, Kind::Write, facts, origins, sites)
}
