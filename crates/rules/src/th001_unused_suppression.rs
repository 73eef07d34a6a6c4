//! TH001: a comment that is there to suppress a finding suppresses none.

use tophash_finding::{RuleMeta, Severity};

use crate::registry::{Finder, Rule};

pub(crate) const RULE: Rule = Rule {
    meta: RuleMeta {
        code: "TH001",
        name: "unused-suppression",
        severity: Severity::Note,
        default_on: false,
        since: "0.1.0",
        summary: "a comment names a rule to suppress, and nothing is found where it holds",
    },
    page: include_str!("../pages/TH001.md"),
    finder: Finder::Directives,
};
