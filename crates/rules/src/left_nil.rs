//! Findings from fields that something leaves nil: each rests on one assumption, which
//! its message names.

use tophash_analysis::{Cause, LeftNil, Loc, PackageFacts};
use tophash_finding::{Evidence, Finding, Fix, RuleMeta, Severity};

use crate::nil_fix;
use crate::nil_write::written_too;
use crate::site::Sites;

/// Fields with those that the same method sets to nil: that is one mistake.
pub(crate) fn by_method<'a>(
    all: impl Iterator<Item = &'a LeftNil>,
) -> Vec<(&'a LeftNil, Vec<&'a LeftNil>)> {
    let mut found: Vec<(&LeftNil, Vec<&LeftNil>)> = Vec::new();
    for left in all {
        let same = |other: &LeftNil| match (&left.cause, &other.cause) {
            (Cause::Cleared { function: one, .. }, Cause::Cleared { function: two, .. }) => {
                one == two
                    && left.field.owner == other.field.owner
                    && left.field.package == other.field.package
            }
            _ => false,
        };
        match found.iter_mut().find(|(first, _)| same(first)) {
            Some((_, also)) => also.push(left),
            None => found.push((left, Vec::new())),
        }
    }
    found
}

/// The finding for a field that something leaves nil, and others for which it does the same.
pub(crate) fn finding(
    meta: &RuleMeta,
    left: &LeftNil,
    also: &[&LeftNil],
    facts: &PackageFacts,
    sites: &Sites,
) -> Option<Finding> {
    // A test that writes to it is there to see what happens.
    let mut writes = left.writes.iter().filter(|w| !sites.is_test(w.at));
    let write = writes.next()?;
    let map = &write.map;
    let field = format!("{}.{}", left.field.owner, left.field.field);
    let at = |loc| sites.mention(loc, write.at);
    let message = match &left.cause {
        Cause::Decoded(how) => {
            let key = match how.key {
                Some(key) => format!("the input has no {key}"),
                None => "the input leaves it out".to_owned(),
            };
            format!(
                "{map} is still nil when {} writes to it if {key}: {} at {} makes only the maps that it finds",
                write.name,
                how.by,
                at(how.at)
            )
        }
        Cause::Message { message } => format!(
            "{map} is nil when {} writes to it if the {message} was sent without it: an empty map is not sent",
            write.name
        ),
        Cause::SomeWays { at: made, function } => format!(
            "{map} is still nil when {} writes to it if {function} did not make it: it does so on some of its ways only ({})",
            write.name,
            at(*made)
        ),
        Cause::Maker { at: made, function } => format!(
            "{map} is still nil when {} writes to it if {function} made the object: it leaves it out ({})",
            write.name,
            at(*made)
        ),
        Cause::Argument {
            at: made,
            function,
            parameter,
        } => format!(
            "{map} is still nil when {} writes to it if {function} was given nil for {parameter} ({})",
            write.name,
            at(*made)
        ),
        Cause::Cleared { at: set, function } => format!(
            "{map} is nil when {} writes to it after {function}, which sets it to nil ({})",
            write.name,
            at(*set)
        ),
        Cause::Tested { at: test, function } => format!(
            "{map} is written without a check by {}, though {function} takes it that it may be nil ({})",
            write.name,
            at(*test)
        ),
        Cause::Element { at: made, function } => format!(
            "{map} is still nil when {} writes to it if it is the one that {function} stores without it ({})",
            write.name,
            at(*made)
        ),
        Cause::Callers { literal } => {
            let as_there = match literal {
                Some((made, Some(function))) => format!(", as {function} does ({})", at(*made)),
                Some((made, None)) => format!(", as is done at {}", at(*made)),
                None => String::new(),
            };
            format!(
                "{map} is nil when {} writes to it if the caller leaves it out{as_there}",
                write.name
            )
        }
        Cause::Filled { by } => format!(
            "{map} is nil when {} writes to it if what {by} fills the list from leaves it out",
            write.name
        ),
    };
    let message = match also {
        [] => message,
        [one] => format!("{message}, and so is {}", one.field.field),
        more => format!("{message}, and so are {} more fields", more.len()),
    };
    let mut evidence: Vec<Evidence> = cause(left, sites).into_iter().collect();
    let written = format!("{map} is written here");
    evidence.push(sites.evidence(write.at, &write.function, written));
    let others: Vec<_> = writes.collect();
    let second = others.first().map(|write| (write.at, &*write.function));
    evidence.extend(written_too(second, others.len(), sites));
    // Also those in tests, which are found once the others are mended.
    let mut places: Vec<Loc> = left.writes.iter().map(|write| write.at).collect();
    places.sort_by_key(|at| (*at != write.at, *at));
    let told = || Fix {
        safe: false,
        message: format!("make it where it is nil: `if {map} == nil {{ {map} = make(...) }}`"),
        edits: Vec::new(),
    };
    Some(Finding {
        code: meta.code.to_owned(),
        name: meta.name.to_owned(),
        severity: Severity::Warning,
        message,
        place: sites.place(write.at),
        function: Some(write.function.to_string()),
        map: Some(field),
        evidence,
        fixes: vec![nil_fix::at_writes(&places, facts, sites).unwrap_or_else(told)],
        fingerprint: String::new(),
    })
}

/// The place that leaves it nil.
fn cause(left: &LeftNil, sites: &Sites) -> Option<Evidence> {
    let field = format!("{}.{}", left.field.owner, left.field.field);
    Some(match &left.cause {
        Cause::Decoded(how) => sites.evidence(
            how.at,
            how.function.map_or("", |f| f.as_str()),
            format!("{} fills it here", how.by),
        ),
        Cause::Message { .. } => return None,
        Cause::SomeWays { at, function } => sites.evidence(
            *at,
            function.as_str(),
            format!("{function} makes the object here, and {field} on some of its ways"),
        ),
        Cause::Argument {
            at,
            function,
            parameter,
        } => sites.evidence(
            *at,
            function.as_str(),
            format!("{function} takes {parameter} for {field}"),
        ),
        Cause::Cleared { at, function } => {
            sites.evidence(*at, function.as_str(), "it is set to nil here".to_owned())
        }
        Cause::Tested { at, function } => {
            sites.evidence(*at, function.as_str(), "it is tested here".to_owned())
        }
        Cause::Element { at, function } | Cause::Maker { at, function } => {
            sites.evidence(*at, function.as_str(), format!("{field} is left out here"))
        }
        Cause::Callers { literal } => {
            let (at, function) = literal.as_ref()?;
            let function = function.map_or("", |f| f.as_str());
            sites.evidence(*at, function, format!("{field} is left out here"))
        }
        Cause::Filled { .. } => return None,
    })
}
