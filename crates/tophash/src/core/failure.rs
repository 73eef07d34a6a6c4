//! Failures of maps in which one goroutine is all there is, as findings.

use tophash_core::program::Call;
use tophash_core::reason::{Message, Reason};
use tophash_finding::{Evidence, Finding, Place, Severity};
use tophash_runtime::frames::{Operation, map_frame};
use tophash_runtime::messages::{self, Message as Said};

use super::Session;
use super::goroutines::{calls, shown};

/// A write to a nil map, or a key that can't be hashed, if that brought the process down.
pub(super) fn finding(session: &Session<'_>, reason: &Reason) -> Option<Finding> {
    let Some(Message::Panics(_)) = &reason.message else {
        return None;
    };
    let text = reason.message.as_ref()?.text();
    let (code, name, what) = match messages::read(text)? {
        Said::NilMapWrite => (
            "TH101",
            "nil-map-write",
            "a nil map is written to".to_owned(),
        ),
        Said::Unhashable(ty) => (
            "TH601",
            "unhashable-dynamic-key",
            format!("a key of type {ty} is used, which can't be hashed"),
        ),
        _ => return None,
    };
    let goroutine = session.goroutines.faulting(session.program)?;
    let calls = calls(session, goroutine);
    let calls = shown(&calls);
    let operation = calls.iter().find_map(|call| map_frame(&call.function));
    let own =
        |call: &&Call| !call.function.starts_with("runtime.") && !session.program.is_standard(call);
    let call = calls.iter().find(own)?;
    let line = call.line.max(1);
    let place = Place::new(&call.file, (line, 1), (line, 1));
    let doing = operation.map_or("a map operation", |frame| match frame.operation {
        Operation::Read => "a look-up",
        Operation::Delete => "a delete",
        _ => "an assignment",
    });
    Some(Finding {
        code: code.to_owned(),
        name: name.to_owned(),
        severity: Severity::Error,
        message: format!("{what} here: panic: {text}"),
        evidence: vec![Evidence {
            place: place.clone(),
            function: Some(call.function.clone()),
            message: format!("goroutine {} panicked here, in {doing}", goroutine.id),
        }],
        place,
        function: Some(call.function.clone()),
        map: None,
        fixes: Vec::new(),
        fingerprint: String::new(),
    })
}
