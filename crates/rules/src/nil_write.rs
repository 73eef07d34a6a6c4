//! What the rules on nil maps share: findings from writes to nil maps.

use std::collections::BTreeMap;

use tophash_analysis::{Loc, NilWrite, Origin, OriginKind, Origins, Weak};
use tophash_finding::{Evidence, Finding, RuleMeta, Severity};

use crate::site::Sites;

/// Writes with one cause, the first one first.
pub(crate) fn by_cause<'a>(
    writes: impl IntoIterator<Item = &'a NilWrite>,
    origins: &Origins,
) -> Vec<Vec<&'a NilWrite>> {
    let mut causes: BTreeMap<(Loc, &str), Vec<&NilWrite>> = BTreeMap::new();
    for write in writes {
        let origin = origins.get(write.origin);
        // A check is no cause: each write behind one is a mistake of its own.
        let at = match origin.kind {
            OriginKind::Checked => write.write.at,
            _ => origins.first(write.origin).at,
        };
        let map = write.write.map.rsplit('.').next().unwrap_or_default();
        causes.entry((at, map)).or_default().push(write);
    }
    causes
        .into_values()
        .map(|mut writes| {
            writes.sort_by_key(|write| (write.weak, write.via.len(), write.write.at));
            writes
        })
        .collect()
}

/// The finding for writes with one cause.
pub(crate) fn finding(
    meta: &RuleMeta,
    writes: &[&NilWrite],
    message: String,
    origins: &Origins,
    sites: &Sites,
) -> Option<Finding> {
    let first = writes.first()?;
    let write = &first.write;
    // What happens in a dependency is told of where it is called.
    let at = match first
        .via
        .iter()
        .map(|step| step.at)
        .find(|&at| sites.is_root(at))
    {
        Some(call) if !sites.is_root(write.at) => call,
        _ => write.at,
    };
    if matches!(first.weak, Some(Weak::IgnoredError(_))) && sites.is_test(at) {
        // A test that does not look at an error knows that there is none.
        return None;
    }
    let message = match first.weak {
        Some(weak) => format!("{message}, {}", assumption(weak, at, sites)),
        None => message,
    };
    let mut evidence = origin_evidence(first, origins, sites);
    if let Some(weak) = first.weak {
        evidence.push(weak_evidence(weak, &write.function, sites));
    }
    for step in &first.via {
        let message = format!("{} is called here", step.callee);
        evidence.push(sites.evidence(step.at, &step.function, message));
    }
    evidence.push(sites.evidence(
        write.at,
        &write.function,
        format!("{} is written here", write.map),
    ));
    let mut others: Vec<Loc> = writes[1..]
        .iter()
        .map(|other| other.write.at)
        .filter(|&at| at != write.at)
        .collect();
    others.sort();
    others.dedup();
    if let Some(&next) = others.first() {
        let message = match others.len() {
            1 => "it is written here, too".to_owned(),
            n => format!("it is written in {n} more places, the first one here"),
        };
        evidence.push(sites.evidence(next, "", message));
    }
    Some(Finding {
        code: meta.code.to_owned(),
        name: meta.name.to_owned(),
        severity: match first.weak {
            None => Severity::Error,
            Some(_) => Severity::Warning,
        },
        message,
        place: sites.place(at),
        function: Some(write.function.to_string()),
        map: Some(write.map.to_string()),
        evidence,
        fixes: Vec::new(),
        fingerprint: String::new(),
    })
}

/// What a warning rests on, for its message.
fn assumption(weak: Weak, from: Loc, sites: &Sites) -> String {
    match weak {
        Weak::NoRounds(at) => format!("if the loop at {} has no round", sites.mention(at, from)),
        Weak::FirstRound(at) => format!(
            "if no earlier round of the loop came by {}",
            sites.mention(at, from)
        ),
        Weak::IgnoredError(at) => format!("if the call at {} fails", sites.mention(at, from)),
    }
}

fn weak_evidence(weak: Weak, function: &str, sites: &Sites) -> Evidence {
    match weak {
        Weak::NoRounds(at) => sites.evidence(at, function, "when this loop has no round".into()),
        Weak::FirstRound(at) => sites.evidence(
            at,
            function,
            "when no earlier round of the loop came here".into(),
        ),
        Weak::IgnoredError(at) => sites.evidence(
            at,
            function,
            "when this call fails: its error is not looked at".into(),
        ),
    }
}

fn origin_evidence(write: &NilWrite, origins: &Origins, sites: &Sites) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    let mut id = write.origin;
    loop {
        let origin = origins.get(id);
        evidence.push(sites.evidence(origin.at, &origin.function, describe(origin)));
        match &origin.kind {
            OriginKind::Returned(_, inner) => id = *inner,
            _ => break,
        }
    }
    // From where it comes to be to where it is used.
    evidence.reverse();
    evidence
}

/// What happens at an origin.
fn describe(origin: &Origin) -> String {
    match &origin.kind {
        OriginKind::Declared => match origin.name {
            Some(name) => format!("{name} is declared here without a value"),
            None => "this is declared without a value".into(),
        },
        OriginKind::NamedResult => match origin.name {
            Some(name) => format!("the result {name} is nil until it is assigned"),
            None => "the result is nil until it is assigned".into(),
        },
        OriginKind::NilLiteral => "it is set to nil here".into(),
        OriginKind::Checked => "it is found to be nil here".into(),
        OriginKind::Assertion => "it is nil if this assertion fails".into(),
        OriginKind::AbsentElement => "the element of a nil map is nil".into(),
        OriginKind::ZeroStruct(ty) => match origin.name {
            Some(name) => format!("{name} is declared here as a zero {ty}"),
            None => format!("this is a zero {ty}"),
        },
        OriginKind::Literal(ty) => format!("this {ty} leaves it out"),
        OriginKind::New(ty) => format!("new({ty}) leaves it nil"),
        OriginKind::Elements(ty) => format!("the elements made here are zero {ty}s"),
        OriginKind::Clone => "a clone of a nil map is nil".into(),
        OriginKind::Returned(name, _) => format!("{} returns it", name.name),
    }
}
