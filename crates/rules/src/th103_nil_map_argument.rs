//! TH103: a nil map is passed to a function that writes to it.

use tophash_analysis::{Origins, PackageFacts};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::nil_write::{self, Kind};
use crate::registry::{Finder, Rule};
use crate::site::Sites;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH103",
        name: "nil-map-argument",
        severity: Severity::Error,
        default_on: true,
        since: "0.1.0",
        summary: "a nil map is passed to a function that writes to it",
    },
    page: include_str!("../pages/TH103.md"),
    finder: Finder::Facts(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &PackageFacts, origins: &Origins, sites: &Sites) -> Vec<Finding> {
    nil_write::findings(&RULE.meta, Kind::Argument, facts, origins, sites)
}
