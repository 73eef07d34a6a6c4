//! TH102: an element of a map field is assigned that a way of making the struct leaves nil.

use tophash_analysis::{
    FieldMaker, Loc, NeverMade, NilWrite, Origin, OriginKind, Origins, PackageFacts,
};
use tophash_finding::{Edit, Finding, Fix, RuleMeta, Severity};

use crate::left_nil;
use crate::nil_fix;
use crate::nil_write::{Kind, by_cause, finding, written_too};
use crate::registry::{Finder, Rule};
use crate::site::Sites;

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
    finder: Finder::Facts(findings),
};

/// Findings among the facts of a package.
fn findings(facts: &PackageFacts, origins: &Origins, sites: &Sites) -> Vec<Finding> {
    let never = facts
        .never_made
        .iter()
        .filter_map(|f| never_made(f, facts, sites));
    let covered = |write: &NilWrite| {
        facts
            .never_made
            .iter()
            .flat_map(|never| &never.writes)
            .any(|unmade| unmade.at == write.write.at)
    };
    let writes = facts
        .nil_writes
        .iter()
        .filter(|write| Kind::of(write, origins) == Kind::Field && !covered(write));
    let reached = by_cause(writes, origins).into_iter().filter_map(|writes| {
        let message = message(writes.first()?, origins, sites);
        finding(&RULE.meta, &writes, message, facts, origins, sites)
    });
    let left = facts
        .left_nil
        .iter()
        .filter(|left| !left.cause.is_decoding());
    let left = left_nil::by_method(left)
        .into_iter()
        .filter_map(|(left, also)| left_nil::finding(&RULE.meta, left, &also, facts, sites));
    never.chain(reached).chain(left).collect()
}

/// A made struct reaches the write.
fn message(write: &NilWrite, origins: &Origins, sites: &Sites) -> String {
    let origin = origins.first(write.origin);
    let map = match &write.write.field {
        Some(field) if !write.via.is_empty() => format!("{}.{}", field.owner, field.field),
        _ => write.write.map.to_string(),
    };
    let maker = maker(origin, &sites.file_and_line(origin.at));
    format!(
        "{map} is still nil when {} writes to it: {maker}",
        write.write.name
    )
}

fn maker(origin: &Origin, at: &str) -> String {
    let function = match &*origin.function {
        "" => "the literal".to_owned(),
        name => name.to_owned(),
    };
    match &origin.kind {
        OriginKind::New(ty) => format!("{function} makes it by new({ty}) ({at})"),
        OriginKind::ZeroStruct(ty) => match origin.name {
            Some(name) => format!("{name} is a zero {ty} ({at})"),
            None => format!("it is part of a zero {ty} ({at})"),
        },
        OriginKind::Elements(ty) => format!("the elements of the list are zero {ty}s ({at})"),
        _ => format!("{function} leaves it out ({at})"),
    }
}

/// Nothing ever gives the field a value.
fn never_made(never: &NeverMade, facts: &PackageFacts, sites: &Sites) -> Option<Finding> {
    let write = never.writes.first()?;
    let maker = never.makers.first()?;
    let field = format!("{}.{}", never.field.owner, never.field.field);
    let at = sites.file_and_line(maker.at);
    let message = match &maker.function {
        Some(function) => format!(
            "{field} is still nil when {} writes to it: {function} ({at}) leaves it out",
            write.name
        ),
        None => format!(
            "{field} is still nil when {} writes to it: nothing ever makes it ({at})",
            write.name
        ),
    };
    let mut evidence = Vec::new();
    if let Some(declared) = never.declared {
        let message = format!("{field} is declared here, and nothing ever gives it a value");
        evidence.push(sites.evidence(declared, "", message));
    }
    for maker in never.makers.iter().take(SHOWN) {
        let owner = never.field.owner;
        let message = match &maker.function {
            Some(function) => format!("{function} makes a {owner} without it"),
            None => format!("a {owner} is made without it"),
        };
        evidence.push(sites.evidence(maker.at, "", message));
    }
    let written = format!("{} is written here", write.map);
    evidence.push(sites.evidence(write.at, &write.function, written));
    let second = never
        .writes
        .get(1)
        .map(|write| (write.at, &*write.function));
    evidence.extend(written_too(second, never.writes.len() - 1, sites));
    Some(Finding {
        code: RULE.meta.code.to_owned(),
        name: RULE.meta.name.to_owned(),
        severity: Severity::Error,
        message,
        place: sites.place(write.at),
        function: Some(write.function.to_string()),
        map: Some(field),
        evidence,
        fixes: fixes(never, facts, sites),
        fingerprint: String::new(),
    })
}

/// Makers that are told of one by one.
const SHOWN: usize = 3;

/// Makes the map in every literal, or else before every write.
fn fixes(never: &NeverMade, facts: &PackageFacts, sites: &Sites) -> Vec<Fix> {
    let literals = in_literals(never, sites);
    let places: Vec<Loc> = never.writes.iter().map(|write| write.at).collect();
    let checks = nil_fix::at_writes(&places, facts, sites);
    literals.into_iter().chain(checks).collect()
}

/// Makes the map in every literal.
fn in_literals(never: &NeverMade, sites: &Sites) -> Option<Fix> {
    let ty = never.ty.as_ref()?;
    let field = never.field.field;
    let value = format!("{field}: make({ty})");
    let first = never.makers.first()?;
    let message = match &first.function {
        Some(function) => format!("initialise it in {function}: `{value}`"),
        None => format!("initialise it where it is made: `{value}`"),
    };
    // Where one way of making it is no literal, there is more to change than text.
    let edits: Option<Vec<Edit>> = never
        .makers
        .iter()
        .map(|maker| {
            let (offset, more) = maker.insert?;
            if sites.is_generated(maker.at)
                || !is_spelled_alike(never, maker)
                || !nil_fix::can_be_made(ty, maker.at, sites)
            {
                return None;
            }
            Some(Edit {
                file: sites.path(maker.at),
                start: offset,
                end: offset,
                text: element(&value, offset, more, maker.at, sites)?,
            })
        })
        .collect();
    // Nothing outside of the package can tell an empty map from none.
    let safe = edits.is_some() && never.is_private;
    Some(Fix {
        message,
        edits: edits.unwrap_or_default(),
        safe,
    })
}

/// Whether the field's type reads the same where the struct is made as where it is declared.
fn is_spelled_alike(never: &NeverMade, maker: &FieldMaker) -> bool {
    let same_file = never.declared.is_some_and(|at| at.file == maker.at.file);
    same_file || !never.ty.as_ref().is_some_and(|ty| ty.contains('.'))
}

/// An element at the beginning of a literal. In one of several lines it stands apart: gofmt
/// aligns the values of lines that follow each other.
fn element(value: &str, offset: u32, more: bool, at: Loc, sites: &Sites) -> Option<String> {
    let (_, source) = sites.source(at.file);
    let rest = source.get(offset as usize..at.span.end as usize)?;
    let blanks = rest.iter().take_while(|b| b.is_ascii_whitespace());
    let blanks = rest.get(..blanks.count())?;
    let Some(line) = blanks.iter().rposition(|&b| b == b'\n') else {
        // `T{ // comment`
        let first = rest.split(|&b| b == b'\n').next()?;
        if first.windows(2).any(|two| two == b"//" || two == b"/*") {
            return None;
        }
        return Some(match more {
            true => format!("{value}, "),
            false => value.to_owned(),
        });
    };
    if !more {
        return None;
    }
    let indent = std::str::from_utf8(blanks.get(line + 1..)?).ok()?;
    let newline = match blanks.windows(2).any(|two| two == b"\r\n") {
        true => "\r\n",
        false => "\n",
    };
    Some(format!("{newline}{indent}{value},{newline}"))
}
