//! The crashes of a log, equal ones once.

use std::io::{self, Read};

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::model::Crash;
use crate::scan::{Totals, scan};
use crate::verdict::{Verdict, judge};

/// Most different crashes kept of a log. Those beyond are counted.
const MAX_CASES: usize = 1000;

/// Crashes that keep all their stacks. Of later ones only the stacks are kept that matter, so
/// that a log of a thousand pods' dumps takes no more memory than one.
const MAX_WHOLE: usize = 16;

/// Stacks that the others keep.
const MAX_STACKS: usize = 64;

/// Times that a crash was seen of which the lines are kept.
const MAX_LINES: usize = 100;

/// One crash, however often it is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// The crash; of equal ones that which tells most.
    #[serde(flatten)]
    pub crash: Crash,
    /// What it is.
    pub verdict: Verdict,
    /// How often it is there.
    pub times: u64,
    /// Where: first and last line of the first hundred.
    pub seen: Vec<(u64, u64)>,
}

/// What a log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cases {
    /// Different crashes in the order in which they were first seen.
    pub cases: Vec<Case>,
    /// Crashes that were not kept because there were too many different ones.
    pub left_out: u64,
    /// How much was read.
    pub totals: Totals,
}

/// Reads a log to its end, or to where it can't be read any more: then the error comes with what
/// there was before.
pub fn read_all(log: impl Read) -> (Cases, Option<io::Error>) {
    let mut cases = Cases::default();
    let mut known: FxHashMap<String, usize> = FxHashMap::default();
    let (totals, error) = scan(log, &mut |crash| add(&mut cases, &mut known, crash));
    cases.totals = totals;
    cases.cases.sort_by_key(|case| case.seen.first().copied());
    (cases, error)
}

fn add(cases: &mut Cases, known: &mut FxHashMap<String, usize>, crash: Crash) {
    let verdict = judge(&crash);
    let lines = crash.lines;
    if let Some(&at) = known.get(&verdict.fingerprint)
        && let Some(case) = cases.cases.get_mut(at)
    {
        case.times += 1;
        if case.seen.len() < MAX_LINES {
            case.seen.push(lines);
        }
        // One pod may have printed more than the others.
        if worth(&crash, &verdict) > worth(&case.crash, &case.verdict) {
            case.crash = crash;
            case.verdict = verdict;
            trim(case, at);
        }
        return;
    }
    if cases.cases.len() == MAX_CASES {
        cases.left_out += 1;
        return;
    }
    let at = cases.cases.len();
    known.insert(verdict.fingerprint.clone(), at);
    let mut case = Case {
        crash,
        verdict,
        times: 1,
        seen: vec![lines],
    };
    trim(&mut case, at);
    cases.cases.push(case);
}

fn worth(crash: &Crash, verdict: &Verdict) -> (bool, u32, u64) {
    let best = verdict.others.first().map_or(0, |other| other.score);
    (verdict.failed.is_some(), best, crash.goroutines)
}

/// Leaves out the last stacks of crashes that come late, and who in them may be the other side.
fn trim(case: &mut Case, at: usize) {
    let crash = &mut case.crash;
    if at < MAX_WHOLE || crash.stacks.len() <= MAX_STACKS {
        return;
    }
    let rest: u64 = crash.stacks.iter().skip(MAX_STACKS).map(|s| s.count).sum();
    crash.stacks.truncate(MAX_STACKS);
    crash.left_out += rest;
    case.verdict
        .others
        .retain(|other| other.side.stack < MAX_STACKS);
}
