//! What the rules on locks share: findings from two uses of a map that nothing keeps apart.

use tophash_concurrency::{AccessKind, Conflict, Side};
use tophash_finding::{Evidence, Finding, Fix, RuleMeta, Severity};

use crate::site::Sites;

/// The finding for a conflict.
pub(crate) fn finding(
    meta: &RuleMeta,
    severity: Severity,
    conflict: &Conflict,
    message: String,
    fix: Option<String>,
    sites: &Sites,
) -> Finding {
    let here = &conflict.here;
    let mut evidence = Vec::new();
    if let Some(taken) = conflict.taken
        && taken != here.at
        && taken.span.start < taken.span.end
    {
        let message = format!("the map is taken out of {} here", conflict.map);
        evidence.push(sites.evidence(taken, &here.function, message));
    }
    evidence.extend(side(here, "", sites));
    let also = match conflict.other.at == here.at {
        true => Vec::new(),
        false => side(&conflict.other, "", sites),
    };
    evidence.extend(also);
    if let Some(&next) = conflict.more.first() {
        let message = match conflict.more.len() {
            1 => "the same is done here, too".to_owned(),
            n => format!("the same is done in {n} more places, the first one here"),
        };
        evidence.push(sites.evidence(next, &here.function, message));
    }
    Finding {
        code: meta.code.to_owned(),
        name: meta.name.to_owned(),
        severity,
        message,
        place: sites.place(here.at),
        function: Some(here.function.to_string()),
        map: Some(conflict.map.clone()),
        evidence,
        fixes: fix
            .into_iter()
            .map(|message| Fix {
                safe: false,
                message,
                edits: Vec::new(),
            })
            .collect(),
        fingerprint: String::new(),
    }
}

/// A side in evidence: what is done under which locks, and where in a callee.
pub(crate) fn side(side: &Side, suffix: &str, sites: &Sites) -> Vec<Evidence> {
    let held = match side.locks.as_slice() {
        [] => "no lock held".to_owned(),
        locks => format!("{} held", list(locks)),
    };
    let message = format!(
        "{} is {} here, with {held}{suffix}",
        side.text,
        done(side.kind)
    );
    let mut evidence = vec![sites.evidence(side.at, &side.function, message)];
    if let Some((at, name)) = &side.inner {
        evidence.push(sites.evidence(*at, name, "in this line of the function called".into()));
    }
    evidence
}

/// What is done to a map, after `is`.
pub(crate) fn done(kind: AccessKind) -> &'static str {
    match kind {
        AccessKind::Write => "written",
        AccessKind::Delete => "deleted from",
        AccessKind::Iterate => "ranged over",
        AccessKind::Read => "read",
        AccessKind::Len => "measured",
        AccessKind::Replace => "replaced",
    }
}

/// `a`, `a and b`, `a, b and c`
pub(crate) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `Set (line 12)`, for the other side of a conflict.
pub(crate) fn other_side(conflict: &Conflict, sites: &Sites) -> String {
    format!(
        "{} ({})",
        conflict.other.function,
        sites.mention(conflict.other.at, conflict.here.at)
    )
}

/// What somebody does to a map.
pub(crate) fn does(kind: AccessKind) -> &'static str {
    match kind {
        AccessKind::Write => "writes to",
        AccessKind::Delete => "deletes from",
        AccessKind::Iterate => "ranges over",
        AccessKind::Read => "reads",
        AccessKind::Len => "measures",
        AccessKind::Replace => "replaces",
    }
}
