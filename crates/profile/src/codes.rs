//! The findings that a profile gives, and the pages that explain them.

use tophash_finding::{RuleMeta, Severity};

/// A code with its page.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Code, name, severity.
    pub meta: RuleMeta,
    /// What goes wrong, how it is mended and how far a profile tells, as Markdown.
    pub page: &'static str,
}

const fn code(
    code: &'static str,
    name: &'static str,
    severity: Severity,
    summary: &'static str,
    page: &'static str,
) -> Code {
    Code {
        meta: RuleMeta {
            code,
            name,
            severity,
            default_on: true,
            since: "0.1.0",
            summary,
        },
        page,
    }
}

/// Growth where a hint would do.
pub const MISSING_HINT: Code = code(
    "TH501",
    "missing-capacity-hint",
    Severity::Warning,
    "maps that grow again and again to a size that a hint could name",
    include_str!("../pages/TH501.md"),
);

/// Tables left almost empty.
pub const NEVER_SHRINKS: Code = code(
    "TH502",
    "map-never-shrinks",
    Severity::Warning,
    "tables that are almost empty after their entries were deleted",
    include_str!("../pages/TH502.md"),
);

/// Maps that only grow.
pub const UNBOUNDED: Code = code(
    "TH503",
    "unbounded-map",
    Severity::Warning,
    "maps that have grown from each profile to the next",
    include_str!("../pages/TH503.md"),
);

/// Pools that keep giants.
pub const POOL: Code = code(
    "TH504",
    "map-pool-misuse",
    Severity::Warning,
    "maps of a pool that keep the tables of their largest use",
    include_str!("../pages/TH504.md"),
);

/// Large elements.
pub const LARGE_ELEMENTS: Code = code(
    "TH506",
    "large-map-elements",
    Severity::Note,
    "elements so large that empty slots cost more than pointers would",
    include_str!("../pages/TH506.md"),
);

/// Maps thrown away.
pub const CHURN: Code = code(
    "TH507",
    "map-churn",
    Severity::Warning,
    "maps that are made and thrown away at a high rate",
    include_str!("../pages/TH507.md"),
);

/// Many maps.
pub const MANY_MAPS: Code = code(
    "TH508",
    "many-live-maps",
    Severity::Warning,
    "tens of thousands of live maps made on one line",
    include_str!("../pages/TH508.md"),
);

/// Pointers to small values.
pub const SMALL_POINTERS: Code = code(
    "TH509",
    "pointer-to-small-element",
    Severity::Note,
    "pointers to values that would fit into the map, which the collector has to follow",
    include_str!("../pages/TH509.md"),
);

/// All of them.
pub const CODES: [Code; 8] = [
    MISSING_HINT,
    NEVER_SHRINKS,
    UNBOUNDED,
    POOL,
    LARGE_ELEMENTS,
    CHURN,
    MANY_MAPS,
    SMALL_POINTERS,
];
