//! The other side: which goroutine used the map at the same time.

use rustc_hash::FxHashMap;
use tophash_runtime::frames::{self, Operation};

use crate::fold::is_address;
use crate::model::{Crash, Member, Stack};
use crate::names;
use crate::verdict::{Class, Known, Other, Side, Verdict, look};

/// Most candidates named.
const MAX: usize = 5;

/// The other access of a race detector's report.
pub(crate) fn of_report(crash: &Crash) -> Vec<Other> {
    let access = crash.accesses.get(1);
    let found = access.and_then(|access| {
        let stack = crash.stacks.get(access.stack)?;
        let mut side = look(stack, access.stack, access.goroutine, 0);
        if side.operations.is_empty() && access.write {
            side.operations = vec![Operation::Assign];
            side.known = Some(Known::Message);
        }
        Some(Other {
            side,
            count: 1,
            score: 1000,
            reasons: vec!["the race detector saw it".to_owned()],
        })
    });
    found.into_iter().collect()
}

/// Words that the failed goroutine passed, and how much each is worth.
struct Words {
    /// Address of the map itself, where a runtime frame shows it.
    map: Option<u64>,
    /// Words of the program's frames: fresh or maybe stale.
    own: FxHashMap<u64, bool>,
    /// In how many goroutines each of these occurs.
    spread: FxHashMap<u64, u64>,
}

/// Ranks the goroutines that may have been using the same map, the likeliest first.
pub(crate) fn rank(crash: &Crash, verdict: &Verdict) -> Vec<Other> {
    let Some(failed) = &verdict.failed else {
        return Vec::new();
    };
    let Some(stack) = crash.stacks.get(failed.stack) else {
        return Vec::new();
    };
    let words = words(crash, stack, failed);
    let mut others: Vec<Other> = crash
        .stacks
        .iter()
        .enumerate()
        .filter_map(|(index, other)| candidate(crash, verdict, failed, &words, index, other))
        .collect();
    others.sort_by(|a, b| b.score.cmp(&a.score).then(a.side.stack.cmp(&b.side.stack)));
    others.truncate(MAX);
    others
}

fn words(crash: &Crash, stack: &Stack, failed: &Side) -> Words {
    let mut own: FxHashMap<u64, bool> = FxHashMap::default();
    let args = stack.members.first().map(|m| m.args.as_slice());
    let from = failed.frame.unwrap_or(0);
    for word in args.into_iter().flatten().skip(from).flat_map(|a| &a.0) {
        if let Some(value) = word.value
            && is_address(value)
        {
            *own.entry(value).or_insert(true) &= word.stale;
        }
    }
    let mut spread: FxHashMap<u64, u64> = FxHashMap::default();
    for member in crash.stacks.iter().flat_map(|s| &s.members) {
        let mut seen: Vec<u64> = member_words(member).map(|(value, _)| value).collect();
        seen.sort_unstable();
        seen.dedup();
        for value in seen {
            if own.contains_key(&value) {
                *spread.entry(value).or_default() += 1;
            }
        }
    }
    Words {
        map: failed.map,
        own,
        spread,
    }
}

fn member_words(member: &Member) -> impl Iterator<Item = (u64, bool)> {
    let words = member.args.iter().flat_map(|args| &args.0);
    words.filter_map(|w| Some((w.value?, w.stale)))
}

fn candidate(
    crash: &Crash,
    verdict: &Verdict,
    failed: &Side,
    words: &Words,
    index: usize,
    stack: &Stack,
) -> Option<Other> {
    // The failed goroutine itself is no candidate, others with its stack are.
    let same_stack = index == failed.stack;
    let members: Vec<&Member> = stack
        .members
        .iter()
        .filter(|m| m.id != failed.goroutine)
        .collect();
    let count = if same_stack {
        stack.count - 1
    } else {
        stack.count
    };
    if count == 0 || crate::text::is_system(stack) {
        return None;
    }
    let mut best: Option<Other> = None;
    for member in members {
        let side = look(stack, index, member.id, 0);
        let (score, reasons) = speak_for(crash, verdict, failed, words, stack, member, &side);
        if best.as_ref().is_none_or(|b| score > b.score) {
            best = Some(Other {
                side: as_other(side, verdict.class),
                count,
                score,
                reasons,
            });
        }
    }
    best.filter(|other| other.score >= ENOUGH)
}

/// What a goroutine needs to be named. Being able to run is not enough, having the same
/// receiver's type or being cut off on another thread is.
const ENOUGH: u32 = 20;

fn speak_for(
    crash: &Crash,
    verdict: &Verdict,
    failed: &Side,
    words: &Words,
    stack: &Stack,
    member: &Member,
    side: &Side,
) -> (u32, Vec<String>) {
    let mut reasons: Vec<(u32, String)> = Vec::new();
    let in_map_code = side.known == Some(Known::Frame);
    if stack.failed_too {
        reasons.push((150, "it stopped with an error of its own".to_owned()));
    }
    if let Some(map) = words.map {
        let hit = member_words(member).filter(|&(value, _)| value == map);
        match hit.map(|(_, stale)| stale).min() {
            Some(false) => reasons.push((200, format!("it was given the same map, {map:#x}"))),
            Some(true) => reasons.push((
                90,
                format!("the same map, {map:#x}, is among its arguments, maybe left over"),
            )),
            None if side.map.is_some_and(|other| other != map) => return (0, Vec::new()),
            None => {}
        }
    }
    if in_map_code {
        let operation = side.operations.first().map_or("use", |op| op.as_str());
        reasons.push((100, format!("it is inside a map operation: {operation}")));
    }
    let shared = member_words(member)
        .filter_map(|(value, stale)| {
            let mine = words.own.get(&value)?;
            let spread = words.spread.get(&value).copied().unwrap_or(1);
            // What nearly everyone holds is a logger or a context.
            let common = spread > 4 && spread * 2 > crash.goroutines;
            let worth = match (mine, stale) {
                (false, false) => 60,
                (true, true) => 25,
                _ => 40,
            };
            let maybe = if *mine || stale {
                ", maybe left over"
            } else {
                ""
            };
            Some((
                if common { worth / 4 } else { worth },
                format!(
                    "it was given the same {value:#x} as goroutine {}{maybe}",
                    failed.goroutine
                ),
            ))
        })
        .max();
    reasons.extend(shared);
    let failed_frame = frame_name(crash, failed);
    let own_frame = side
        .frame
        .and_then(|at| stack.frames.get(at))
        .map(|f| f.function.as_str());
    if let (Some(mine), Some(its)) = (failed_frame, own_frame)
        && !crate::names::is_std(its)
    {
        if mine == its {
            reasons.push((
                35,
                format!("it is in the same function, {}", names::short(its)),
            ));
        } else if let Some(ty) = receiver(mine)
            && receiver(its) == Some(ty)
        {
            reasons.push((
                30,
                format!("it is in a method of the same type, {}", names::short(ty)),
            ));
        } else if frames::package(mine) == frames::package(its) && is_active(stack) {
            reasons.push((15, "it runs code of the same package".to_owned()));
        }
    }
    if reasons.is_empty() && !(stack.unavailable && stack.state.starts_with("running")) {
        return (0, Vec::new());
    }
    if stack.unavailable {
        reasons.push((
            25,
            "it was running on another thread, so that Go could not print its stack".to_owned(),
        ));
    } else if is_active(stack) {
        reasons.push((10, format!("it was {}", stack.state)));
    }
    // The other side of a look-up must write.
    let reads = side.operations.first().is_some_and(|op| !op.writes());
    let penalty = in_map_code && reads && verdict.class != Class::ConcurrentMapWrites;
    reasons.sort_by_key(|(worth, _)| std::cmp::Reverse(*worth));
    let score: u32 = reasons.iter().map(|(worth, _)| worth).sum();
    let score = if penalty { score / 4 } else { score };
    (score, reasons.into_iter().map(|(_, text)| text).collect())
}

fn frame_name<'a>(crash: &'a Crash, side: &Side) -> Option<&'a str> {
    let frame = crash.stacks.get(side.stack)?.frames.get(side.frame?)?;
    Some(&frame.function)
}

/// The type of a method's receiver, with its package: `main.(*Cache)`.
fn receiver(function: &str) -> Option<&str> {
    let end = function.find(").")?;
    Some(&function[..=end])
}

/// Whether a goroutine could go on: one inside a map operation can.
fn is_active(stack: &Stack) -> bool {
    ["running", "runnable", "preempted", "copystack"]
        .iter()
        .any(|state| stack.state.starts_with(state))
}

/// What the other side did: it wrote, unless a frame says that both did something else.
fn as_other(mut side: Side, class: Class) -> Side {
    if side.known.is_none() && class.is_concurrent() {
        side.operations = match class {
            // Who the failed goroutine met is known to have written, no more.
            Class::ConcurrentMapWrites
            | Class::ConcurrentMapReadAndWrite
            | Class::ConcurrentMapIterationAndWrite
            | Class::ConcurrentMapCloneAndWrite => {
                vec![Operation::Assign, Operation::Delete, Operation::Clear]
            }
            _ => Vec::new(),
        };
        side.known = (!side.operations.is_empty()).then_some(Known::Message);
    }
    side
}
