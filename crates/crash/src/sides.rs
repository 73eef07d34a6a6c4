//! The other side: which goroutine used the map at the same time.

use rustc_hash::FxHashMap;
use tophash_runtime::frames::{self, Operation};

use crate::fold::is_address;
use crate::model::{Access, Args, Crash, Frame, Member, Stack};
use crate::names;
use crate::verdict::{Class, Known, Other, Side, Verdict, look};

/// Most candidates named.
const MAX: usize = 5;

/// The other access of a race detector's report.
pub(crate) fn of_report(crash: &Crash, class: Class) -> Vec<Other> {
    let access = crash.accesses.get(1);
    let found = access.and_then(|access| {
        let stack = crash.stacks.get(access.stack)?;
        let mut side = look(stack, access.stack, access.goroutine, 0);
        complete_access(&mut side, access, class);
        side.only_called = has_lost_its_caller(stack);
        Some(Other {
            side,
            count: 1,
            score: 1000,
            reasons: vec!["the race detector saw it".to_owned()],
        })
    });
    found.into_iter().collect()
}

/// Whether a stack of a race detector's report lacks the function that reads the map. Since 1.27
/// `mapaccess1` leaves the look-up to `mapaccess2`, which names its own caller to the detector, and
/// the caller of that is in no record.
pub(crate) fn has_lost_its_caller(stack: &Stack) -> bool {
    match stack.frames.as_slice() {
        [inner, outer, ..] => {
            inner.function.starts_with("runtime.mapaccess2")
                && outer.function.starts_with("runtime.mapaccess1")
        }
        _ => false,
    }
}

/// Fills in what an access does whose frames don't show it. It touches memory that a map's frame
/// touches on the other side: the compiler writes `len(m)` and the making of small maps without
/// a call.
pub(crate) fn complete_access(side: &mut Side, access: &Access, class: Class) {
    if side.operations.is_empty() && class.is_concurrent() {
        side.operations = vec![match access.write {
            true => Operation::Assign,
            false => Operation::Read,
        }];
        side.known = Some(Known::Message);
    }
}

/// Words that the failed goroutine passed, and how much each is worth.
struct Words {
    /// Address of the map itself, where a runtime frame shows it.
    map: Option<u64>,
    /// Words of the program's frames: fresh or maybe stale.
    own: FxHashMap<u64, bool>,
    /// In how many goroutines each of these occurs.
    spread: FxHashMap<u64, u64>,
    /// Whether addresses have 64 bits, so that those of the heap are far from the program's own.
    wide: bool,
    /// Whether the program itself used the map, not a library that it called.
    by_program: bool,
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
    let from = failed.frame.unwrap_or(0);
    let frames = stack.frames.get(from..).unwrap_or_default();
    let args = stack.members.first().map(|m| m.args.as_slice());
    let args = args.and_then(|args| args.get(from..)).unwrap_or_default();
    let every = || args.iter().flat_map(|args| &args.0);
    let wide = every().filter_map(|w| w.value).any(|value| !is_low(value));
    for (value, stale) in telling_words(frames, args, wide) {
        *own.entry(value).or_insert(true) &= stale;
    }
    let mut spread: FxHashMap<u64, u64> = FxHashMap::default();
    for (stack, member) in (crash.stacks.iter()).flat_map(|s| s.members.iter().map(move |m| (s, m)))
    {
        let words = telling_words(&stack.frames, &member.args, wide);
        let mut seen: Vec<u64> = words.map(|(value, _)| value).collect();
        seen.sort_unstable();
        seen.dedup();
        for value in seen {
            if own.contains_key(&value) {
                *spread.entry(value).or_default() += 1;
            }
        }
    }
    let outer = stack
        .frames
        .iter()
        .find(|f| !frames::is_runtime(&f.function));
    Words {
        map: failed.map,
        own,
        spread,
        wide,
        by_program: outer.is_some_and(|f| !f.is_std()),
    }
}

/// Whether an address lies where a program and its data are loaded. The heap begins at 768 GB or
/// higher on 64-bit systems.
fn is_low(address: u64) -> bool {
    address < 1 << 36
}

/// The words of a stack that can be addresses of something that two goroutines share, and whether
/// they may be left over.
fn telling_words<'a>(
    frames: &'a [Frame],
    args: &'a [Args],
    wide: bool,
) -> impl Iterator<Item = (u64, bool)> + 'a {
    frames.iter().zip(args).flat_map(move |(frame, args)| {
        let method = receiver(&frame.function).is_some();
        // Generic functions are given a dictionary, all of one type the same.
        let dictionary = (frame.function.contains("[...]")).then_some(usize::from(method));
        let words = args.0.iter().enumerate();
        words.filter_map(move |(at, word)| {
            let value = word.value.filter(|&value| is_address(value))?;
            // The program's own memory holds types, functions and texts, which any goroutine may
            // be given; only as a receiver it is a variable.
            let constant = wide && is_low(value) && !(method && at == 0);
            (!constant && dictionary != Some(at)).then_some((value, word.stale))
        })
    })
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
                side: as_other(side, verdict.class, stack),
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
    // A map of the program's own is not used by goroutines in which no code of the program runs.
    let own_code = stack.frames.iter().any(|f| !f.is_std());
    if words.by_program && !own_code && !in_map_code && !stack.frames.is_empty() {
        return (0, Vec::new());
    }
    if stack.failed_too {
        reasons.push((150, "it stopped with an error of its own".to_owned()));
    }
    if let Some(map) = words.map {
        let words = telling_words(&stack.frames, &member.args, words.wide);
        let hit = words.filter(|&(value, _)| value == map);
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
    let shared = telling_words(&stack.frames, &member.args, words.wide)
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
    let failed_frame = frame(crash.stacks.get(failed.stack), failed);
    let own_frame = frame(Some(stack), side);
    if let (Some(mine_at), Some(its_at)) = (failed_frame, own_frame)
        && !its_at.is_std()
    {
        let (mine, its) = (mine_at.function.as_str(), its_at.function.as_str());
        if mine == its {
            // Where one goroutine reads, another does so too; what it met is a write.
            let reads = met_by_reader(verdict.class) && mine_at.line == its_at.line;
            reasons.push((
                if reads { 10 } else { 35 },
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
    let reads =
        side.operations.first().is_some_and(|op| !op.writes()) && copies(stack, side).is_none();
    let penalty = in_map_code && reads && verdict.class != Class::ConcurrentMapWrites;
    reasons.sort_by_key(|(worth, _)| std::cmp::Reverse(*worth));
    let score: u32 = reasons.iter().map(|(worth, _)| worth).sum();
    let score = if penalty { score / 4 } else { score };
    (score, reasons.into_iter().map(|(_, text)| text).collect())
}

/// The frame of a side that says most about it.
fn frame<'a>(stack: Option<&'a Stack>, side: &Side) -> Option<&'a Frame> {
    stack?.frames.get(side.frame?)
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

/// What a library function does to one map while it reads another: `maps.Copy` ranges over its
/// source and assigns to its destination.
fn copies(stack: &Stack, side: &Side) -> Option<Operation> {
    let until = side.frame.unwrap_or(0);
    let frames = stack.frames.get(..until).unwrap_or_default();
    frames.iter().find_map(|f| frames::changes(&f.function))
}

/// Whether the goroutine that failed read the map, so that the other side wrote to it.
fn met_by_reader(class: Class) -> bool {
    matches!(
        class,
        Class::ConcurrentMapReadAndWrite
            | Class::ConcurrentMapIterationAndWrite
            | Class::ConcurrentMapCloneAndWrite
    )
}

/// What the other side did: it wrote, unless a frame says that both did something else.
fn as_other(mut side: Side, class: Class, stack: &Stack) -> Side {
    let met_by_reader = met_by_reader(class);
    if !met_by_reader && class != Class::ConcurrentMapWrites {
        return side;
    }
    if side.known.is_none() {
        // Who the failed goroutine met is known to have written, no more.
        side.operations = vec![Operation::Assign, Operation::Delete, Operation::Clear];
        side.known = Some(Known::Message);
    } else if met_by_reader
        && side.operations.iter().all(|op| !op.writes())
        && let Some(operation) = copies(stack, &side)
    {
        side.operations = vec![operation];
        side.map = None;
    }
    side
}
