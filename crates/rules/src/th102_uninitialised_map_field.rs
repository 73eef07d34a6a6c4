//! TH102: an element of a map field is assigned that a way of making the struct leaves nil.

use tophash_finding::{RuleMeta, Severity};

use crate::Rule;

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH102",
        name: "uninitialised-map-field",
        severity: Severity::Error,
        default_on: true,
        since: "0.1.0",
        summary: "an element of a map field is assigned that some way of making the struct leaves nil",
    },
    page: include_str!("../pages/TH102.md"),
};
