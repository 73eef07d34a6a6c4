//! TH101: an element of a nil map is assigned.

use tophash_finding::{RuleMeta, Severity};

use crate::Rule;

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
};
