//! What the rules on nil maps share: findings from writes to nil maps.

use std::collections::BTreeMap;

use tophash_analysis::{Loc, NilWrite, Origin, OriginKind, Origins, PackageFacts, Weak};
use tophash_finding::{Evidence, Finding, Fix, RuleMeta, Severity};

use crate::nil_fix;
use crate::site::Sites;

/// The rule that a write to a nil map belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// TH101
    Write,
    /// TH102: a field that a way of making its struct left out.
    Field,
    /// TH103: the map is passed to a function that writes to it.
    Argument,
    /// TH104: an element of a map of maps.
    Inner,
    /// TH106: what a failed type assertion gives.
    Assertion,
    /// TH108: a map that was set to nil.
    Cleared,
}

impl Kind {
    /// The rule of a write.
    pub(crate) fn of(write: &NilWrite, origins: &Origins) -> Kind {
        let origin = origins.first(write.origin);
        match origin.kind {
            _ if origin.is_struct() && write.write.field.is_some() && write.argument.is_none() => {
                Kind::Field
            }
            OriginKind::Assertion => Kind::Assertion,
            OriginKind::Cleared => Kind::Cleared,
            OriginKind::AbsentElement | OriginKind::MissingElement => Kind::Inner,
            _ if write.argument.is_some() => Kind::Argument,
            _ => Kind::Write,
        }
    }
}

/// The writes of one rule, by their causes.
pub(crate) fn of_kind<'a>(
    kind: Kind,
    facts: &'a PackageFacts,
    origins: &Origins,
) -> Vec<Vec<&'a NilWrite>> {
    let writes = facts.nil_writes.iter();
    // Which keys were stored in a loop that may have had no round, is not followed.
    let is_guess = |write: &NilWrite| {
        kind == Kind::Inner && matches!(write.weak, Some(Weak::NoRounds(_) | Weak::FirstRound(_)))
    };
    let writes = writes.filter(|write| Kind::of(write, origins) == kind && !is_guess(write));
    by_cause(writes, origins)
}

/// Findings of a rule whose message begins with the map and ends with why it is nil.
pub(crate) fn findings(
    meta: &RuleMeta,
    kind: Kind,
    facts: &PackageFacts,
    origins: &Origins,
    sites: &Sites,
) -> Vec<Finding> {
    let causes = of_kind(kind, facts, origins);
    let found = causes.iter().filter_map(|writes| {
        let write = writes.first()?;
        let at = place(write, sites);
        let why = reason(write, at, origins, sites);
        let map = match &write.argument {
            Some(argument) if !write.via.is_empty() => argument,
            _ => &write.write.map,
        };
        let message = match (&write.argument, write.via.first()) {
            (Some(argument), Some(step)) if &**argument == "nil" => {
                format!(
                    "nil is passed to {}, which writes to it as a map",
                    step.callee
                )
            }
            (Some(_), Some(step)) => format!(
                "{map} is nil when it is passed to {}, which writes to it: {why}",
                step.callee
            ),
            _ => format!("{map} is nil here: {why}"),
        };
        finding(meta, writes, message, facts, origins, sites)
    });
    found.collect()
}

/// Why a map is nil, as the end of a sentence about it.
pub(crate) fn reason(write: &NilWrite, from: Loc, origins: &Origins, sites: &Sites) -> String {
    let map = &write.write.map;
    let origin = origins.get(write.origin);
    let at = sites.mention(origin.at, from);
    match &origin.kind {
        OriginKind::Declared => match origin.name {
            Some(name) if name.as_str() != &**map && write.argument.is_none() => {
                format!("{name} is declared at {at} without a value and never made")
            }
            _ => format!("it is declared at {at} without a value and never made"),
        },
        OriginKind::NamedResult => format!("a named result is nil until it is made ({at})"),
        OriginKind::NilLiteral if write.argument.is_some() => {
            format!("it is written as nil at {at}")
        }
        OriginKind::NilLiteral | OriginKind::Cleared => format!("it is set to nil at {at}"),
        OriginKind::Checked => format!("it is found to be nil at {at}"),
        OriginKind::Assertion => format!("the type assertion at {at} gives nil if it fails"),
        OriginKind::AbsentElement => format!("it is read from a nil map at {at}"),
        OriginKind::MissingElement => format!("nothing has put a map there ({at})"),
        OriginKind::ZeroStruct(ty) => format!("it is part of a zero {ty} ({at})"),
        OriginKind::Literal(ty) => format!("the {ty} at {at} leaves it out"),
        OriginKind::New(ty) => format!("new({ty}) at {at} leaves it nil"),
        OriginKind::Elements(_) => format!("the elements made at {at} are nil"),
        OriginKind::Clone => format!("maps.Clone of a nil map is nil ({at})"),
        OriginKind::ZeroResult => format!("the call at {at} returns a zero value"),
        OriginKind::Returned(name, _) => format!("{} returns nil ({at})", name.name),
    }
}

/// Where a finding about a write belongs: at the call that passes the nil map on, and
/// else at the write. What happens in a dependency is told of where it is called.
fn place(write: &NilWrite, sites: &Sites) -> Loc {
    let calls = || write.via.iter().map(|step| step.at);
    match calls().next() {
        Some(call) if write.argument.is_some() => call,
        Some(call) if !sites.is_root(write.write.at) => {
            calls().find(|&at| sites.is_root(at)).unwrap_or(call)
        }
        _ => write.write.at,
    }
}

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
        let map = match &write.argument {
            // However many maps of that name a callee writes, one was passed.
            Some(_) => "",
            None => write.write.map.rsplit('.').next().unwrap_or_default(),
        };
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
    facts: &PackageFacts,
    origins: &Origins,
    sites: &Sites,
) -> Option<Finding> {
    let first = writes.first()?;
    let write = &first.write;
    let at = place(first, sites);
    if matches!(first.weak, Some(Weak::IgnoredError(_) | Weak::IgnoredOk(_))) && sites.is_test(at) {
        // A test that does not look at an error knows that there is none.
        return None;
    }
    if is_known_to_tests(first, at, origins, sites) {
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
    let next = others.first().map(|&at| (at, ""));
    evidence.extend(written_too(next, others.len(), sites));
    Some(Finding {
        code: meta.code.to_owned(),
        name: meta.name.to_owned(),
        severity: match first.weak {
            None => Severity::Error,
            Some(_) => Severity::Warning,
        },
        message,
        place: sites.place(at),
        function: Some(match (first.via.first(), at == write.at) {
            (Some(step), false) => step.function.to_string(),
            _ => write.function.to_string(),
        }),
        map: Some(match &first.argument {
            Some(argument) => argument.to_string(),
            None => write.map.to_string(),
        }),
        evidence,
        fixes: fix(writes, facts, origins, sites).into_iter().collect(),
        fingerprint: String::new(),
    })
}

/// What to say of `count` more writes, of which the first one is in that function.
pub(crate) fn written_too(
    first: Option<(Loc, &str)>,
    count: usize,
    sites: &Sites,
) -> Option<Evidence> {
    let (at, function) = first?;
    let message = match count {
        1 => "it is written here, too".to_owned(),
        n => format!("it is written in {n} more places, the first one here"),
    };
    Some(sites.evidence(at, function, message))
}

/// Whether running a test shows that there is no mistake: where the map comes from, where
/// it is used and where it is written are not all in tests, or all outside.
fn is_known_to_tests(write: &NilWrite, at: Loc, origins: &Origins, sites: &Sites) -> bool {
    let test = sites.is_test(at);
    let origin = origins.first(write.origin).at;
    [origin, write.write.at]
        .iter()
        .any(|&loc| sites.is_test(loc) != test)
}

/// Makes the map. Where it is passed on, that is done before the call.
fn fix(
    writes: &[&NilWrite],
    facts: &PackageFacts,
    origins: &Origins,
    sites: &Sites,
) -> Option<Fix> {
    let origin = origins.first(writes.first()?.origin);
    let mut places: Vec<Loc> = writes
        .iter()
        .map(|write| match (&write.argument, write.via.first()) {
            (Some(_), Some(call)) => call.at,
            _ => write.write.at,
        })
        .collect();
    places.sort();
    places.dedup();
    // The source of other packages is not ours to change.
    if !places.iter().all(|&at| sites.is_root(at)) {
        return None;
    }
    nil_fix::fix(Some(origin), &places, facts, sites)
}

/// What a warning rests on, for its message.
fn assumption(weak: Weak, from: Loc, sites: &Sites) -> String {
    match weak {
        Weak::NoRounds(at) => format!("if the loop at {} has no round", sites.mention(at, from)),
        Weak::NoCase(at) => format!(
            "if the switch at {} has no case for it",
            sites.mention(at, from)
        ),
        Weak::FirstRound(at) => format!(
            "if no earlier round of the loop came by {}",
            sites.mention(at, from)
        ),
        Weak::IgnoredOk(at) => format!("if it holds something else at {}", sites.mention(at, from)),
        Weak::IgnoredError(at) => format!("if the call at {} fails", sites.mention(at, from)),
        Weak::HiddenReason(at) => format!(
            "if the call at {} takes the way that does",
            sites.mention(at, from)
        ),
        Weak::OtherFirst(at) => format!(
            "if the call at {} runs that function first",
            sites.mention(at, from)
        ),
    }
}

fn weak_evidence(weak: Weak, function: &str, sites: &Sites) -> Evidence {
    match weak {
        Weak::NoRounds(at) => sites.evidence(at, function, "when this loop has no round".into()),
        Weak::NoCase(at) => {
            sites.evidence(at, function, "when this switch has no case for it".into())
        }
        Weak::FirstRound(at) => sites.evidence(
            at,
            function,
            "when no earlier round of the loop came here".into(),
        ),
        Weak::IgnoredOk(at) => sites.evidence(
            at,
            function,
            "when this assertion fails: nothing asks whether it did".into(),
        ),
        Weak::IgnoredError(at) => sites.evidence(
            at,
            function,
            "when this call fails: its error is not looked at".into(),
        ),
        Weak::HiddenReason(at) => sites.evidence(
            at,
            function,
            "when this call returns nil: what it is given does not tell whether it does".into(),
        ),
        Weak::OtherFirst(at) => sites.evidence(
            at,
            function,
            "when this call runs the function that sets it to nil, and then this one".into(),
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
        OriginKind::NilLiteral => "it is nil here".into(),
        OriginKind::Cleared => "it is set to nil here".into(),
        OriginKind::Checked => "it is found to be nil here".into(),
        OriginKind::Assertion => "it is nil if this assertion fails".into(),
        OriginKind::AbsentElement => "the element of a nil map is nil".into(),
        OriginKind::MissingElement => "nothing has put a map there".into(),
        OriginKind::ZeroResult => "this call returns a zero value".into(),
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
