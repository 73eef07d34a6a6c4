//! What a rule says about itself.

use crate::Severity;

/// A rule's identity. Codes and names are stable once released.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RuleMeta {
    /// Its code: `TH101`.
    pub code: &'static str,
    /// Its name: `nil-map-write`.
    pub name: &'static str,
    /// The highest severity that it gives.
    pub severity: Severity,
    /// Whether it runs when nobody asks for it.
    pub default_on: bool,
    /// The tophash release that brought it.
    pub since: &'static str,
    /// What it finds, in one line.
    pub summary: &'static str,
}
