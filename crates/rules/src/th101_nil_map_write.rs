//! TH101: an element of a nil map is assigned.

use tophash_analysis::{NilWrite, OriginKind, Origins, PackageFacts};
use tophash_finding::{Finding, RuleMeta, Severity};

use crate::nil_write::{by_cause, finding};
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
    let writes = facts
        .nil_writes
        .iter()
        .filter(|write| concerns(write, origins));
    by_cause(writes, origins)
        .iter()
        .filter_map(|writes| {
            let message = message(writes.first()?, origins, sites);
            finding(&RULE.meta, writes, message, origins, sites)
        })
        .collect()
}

/// Whether a write is of this rule: the nil is a map's own, not that of a struct's field,
/// and not what an argument is.
fn concerns(write: &NilWrite, origins: &Origins) -> bool {
    write.direct_argument.is_none()
        && !(origins.first(write.origin).is_struct() && write.write.field.is_some())
}

fn message(write: &NilWrite, origins: &Origins, sites: &Sites) -> String {
    let map = &write.write.map;
    let origin = origins.get(write.origin);
    let at = sites.mention(origin.at, write.write.at);
    let why = match &origin.kind {
        OriginKind::Declared => match origin.name {
            Some(name) if name.as_str() == &**map => {
                format!("it is declared at {at} without a value and never made")
            }
            Some(name) => format!("{name} is declared at {at} without a value and never made"),
            None => format!("it is declared at {at} without a value and never made"),
        },
        OriginKind::NamedResult => format!("a named result is nil until it is made ({at})"),
        OriginKind::NilLiteral => format!("it is set to nil at {at}"),
        OriginKind::Checked => format!("it is found to be nil at {at}"),
        OriginKind::Assertion => format!("the type assertion at {at} may fail"),
        OriginKind::AbsentElement => format!("it is read from a nil map at {at}"),
        OriginKind::ZeroStruct(ty) => format!("it is part of a zero {ty} ({at})"),
        OriginKind::Literal(ty) => format!("the {ty} at {at} leaves it out"),
        OriginKind::New(ty) => format!("new({ty}) at {at} leaves it nil"),
        OriginKind::Elements(_) => format!("the elements made at {at} are nil"),
        OriginKind::Clone => format!("maps.Clone of a nil map is nil ({at})"),
        OriginKind::Returned(name, _) => format!("{} returns nil ({at})", name.name),
    };
    format!("{map} is nil here: {why}")
}
