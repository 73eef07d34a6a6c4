//! What a crash says about maps.

use serde::{Serialize, Serializer};
use tophash_runtime::Race;
use tophash_runtime::frames::{self, Operation, Role};
use tophash_runtime::messages::{self, Damage, Message};

use crate::model::{Args, Crash, Frame, Kind, Stack};
use crate::names;
use crate::sides;
use crate::source::Nil;

/// What went wrong. The names are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// An assignment to an entry of a nil map.
    NilMapWrite,
    /// Two goroutines changed one map.
    ConcurrentMapWrites,
    /// A look-up met a write.
    ConcurrentMapReadAndWrite,
    /// A range loop met a write.
    ConcurrentMapIterationAndWrite,
    /// `maps.Clone` met a write.
    ConcurrentMapCloneAndWrite,
    /// The map's own memory is damaged, which unsynchronised writes do.
    DamagedMap,
    /// A key that can't be hashed.
    UnhashableKey,
    /// A nil pointer that a map gave, mostly for a key that it doesn't have.
    NilMapElement,
    /// The memory for a growing map was not to be had.
    OutOfMemoryGrowingMap,
    /// A nil pointer, and nothing says that it came from a map.
    NilDereference,
    /// No memory, and nothing says that a map was growing.
    OutOfMemory,
    /// A race detector's report in which no map operation takes part.
    DataRace,
    /// Any other panic.
    OtherPanic,
    /// Any other fatal error.
    OtherFatalError,
    /// A signal from outside, or from C, that made Go print its stacks.
    Signal,
    /// Stacks without a word on why.
    StacksOnly,
}

impl Class {
    /// Whether a map has to do with it.
    #[must_use]
    pub fn is_of_maps(self) -> bool {
        self <= Class::OutOfMemoryGrowingMap
    }

    /// Whether two goroutines have to do with it.
    #[must_use]
    pub fn is_concurrent(self) -> bool {
        matches!(
            self,
            Class::ConcurrentMapWrites
                | Class::ConcurrentMapReadAndWrite
                | Class::ConcurrentMapIterationAndWrite
                | Class::ConcurrentMapCloneAndWrite
                | Class::DamagedMap
        )
    }

    /// Its name: `concurrent-map-writes`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Class::NilMapWrite => "nil-map-write",
            Class::ConcurrentMapWrites => "concurrent-map-writes",
            Class::ConcurrentMapReadAndWrite => "concurrent-map-read-and-write",
            Class::ConcurrentMapIterationAndWrite => "concurrent-map-iteration-and-write",
            Class::ConcurrentMapCloneAndWrite => "concurrent-map-clone-and-write",
            Class::DamagedMap => "damaged-map",
            Class::UnhashableKey => "unhashable-key",
            Class::NilMapElement => "nil-map-element",
            Class::OutOfMemoryGrowingMap => "out-of-memory-growing-map",
            Class::NilDereference => "nil-dereference",
            Class::OutOfMemory => "out-of-memory",
            Class::DataRace => "data-race",
            Class::OtherPanic => "other-panic",
            Class::OtherFatalError => "other-fatal-error",
            Class::Signal => "signal",
            Class::StacksOnly => "stacks-only",
        }
    }
}

impl From<Race> for Class {
    fn from(race: Race) -> Class {
        match race {
            Race::Writes => Class::ConcurrentMapWrites,
            Race::ReadAndWrite => Class::ConcurrentMapReadAndWrite,
            Race::IterationAndWrite => Class::ConcurrentMapIterationAndWrite,
            Race::CloneAndWrite => Class::ConcurrentMapCloneAndWrite,
        }
    }
}

/// How two goroutines met in one map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflict {
    /// A look-up, or a clone, while the other wrote.
    ReadDuringWrite,
    /// Both wrote.
    WriteDuringWrite,
    /// A range loop while the other wrote.
    IterateDuringWrite,
    /// One of them was moving the entries into a larger table.
    DuringResize,
}

/// How an operation is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// A frame of the runtime is printed.
    Frame,
    /// The message says it, and which frames are not printed.
    Message,
    /// The source at the line does it.
    Source,
}

/// A goroutine's part in a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Index into [`Crash::stacks`].
    pub stack: usize,
    /// Number of the goroutine.
    pub goroutine: u64,
    /// The frame to look at: the program's own call nearest to the failure. None if no frame is
    /// printed.
    pub frame: Option<usize>,
    /// Whether that frame only called what used the map, and the log does not say what that was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub only_called: bool,
    /// What it did, where that is known: several where only that it wrote is.
    #[serde(serialize_with = "words")]
    pub operations: Vec<Operation>,
    /// How that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// Whether it was moving entries into a larger table.
    pub growing: bool,
    /// Address of the map's header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<u64>,
}

fn words<S: Serializer>(operations: &[Operation], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(operations.iter().map(|op| op.as_str()))
}

/// A goroutine that may be the other side, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Other {
    /// What it did.
    #[serde(flatten)]
    pub side: Side,
    /// How many goroutines have this stack.
    pub count: u64,
    /// How much speaks for it; only good for comparing.
    pub score: u32,
    /// What speaks for it, the best first.
    pub reasons: Vec<String>,
}

/// What is known of a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What went wrong.
    pub class: Class,
    /// How two goroutines met, if they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Conflict>,
    /// The words of the runtime that say so.
    pub message: String,
    /// Whether a panic of the program's own quotes them: it was recovered elsewhere and its text
    /// thrown again, so that the stack is not that of the failure.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub quoted: bool,
    /// The goroutine that failed, if it is printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Side>,
    /// Who the other side may be, the likeliest first.
    pub others: Vec<Other>,
    /// What was nil, where the source tells.
    #[serde(skip)]
    pub nil: Option<Nil>,
    /// What the log does not hold, and what would.
    pub missing: Vec<String>,
    /// Names crashes that are the same in spite of addresses, goroutine numbers and levels of
    /// GOTRACEBACK.
    pub fingerprint: String,
}

impl Conflict {
    /// In words: `a read during a write`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Conflict::ReadDuringWrite => "a read during a write",
            Conflict::WriteDuringWrite => "a write during a write",
            Conflict::IterateDuringWrite => "a loop during a write",
            Conflict::DuringResize => "during a resize",
        }
    }
}

impl Verdict {
    /// Whether the first candidate for the other side stands out, so that a sentence may name it.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        match self.others.as_slice() {
            [] => false,
            [only] => only.score >= 45,
            [first, second, ..] => first.score >= 45 && first.score > second.score,
        }
    }

    /// Whether one goroutine failed, and not only all were printed because someone asked for it.
    pub(crate) fn is_of_one(&self, crash: &Crash) -> bool {
        let asked = crash.signal.as_ref().is_some_and(|s| s.name == "SIGQUIT");
        match self.class {
            Class::StacksOnly => false,
            Class::Signal => !asked,
            _ => true,
        }
    }
}

/// Judges a crash.
#[must_use]
pub fn judge(crash: &Crash) -> Verdict {
    let focus = focus(crash);
    let (class, message) = class(crash, focus.as_ref());
    let quoted = class.is_of_maps() && is_quoted(crash, focus.as_ref(), &message);
    let mut failed = focus.map(|focus| focus.side);
    if let Some(side) = failed.as_mut().filter(|_| !quoted) {
        complete(side, class, crash);
        if class == Class::UnhashableKey
            && let Some((operations, known)) = hashed_for(crash, side, &message)
        {
            (side.operations, side.known) = (operations, Some(known));
        }
    }
    let mut verdict = Verdict {
        class,
        conflict: None,
        message,
        quoted,
        failed,
        others: Vec::new(),
        nil: None,
        missing: Vec::new(),
        fingerprint: String::new(),
    };
    if crash.kind == Kind::Race {
        verdict.others = sides::of_report(crash, class);
    } else if class.is_concurrent() {
        verdict.others = sides::rank(crash, &verdict);
    }
    verdict.conflict = conflict(&verdict);
    verdict.missing = missing(crash, &verdict);
    verdict.fingerprint = crate::fingerprint::of(crash, &verdict);
    verdict
}

/// The part of a stack that failed.
struct Focus {
    side: Side,
    /// Whether the runtime's map code is where it happened.
    in_map_code: bool,
    /// Whether a library function is where it happened that loops over a map.
    in_encoder: bool,
    /// Whether it was hashing a key.
    hashing: bool,
    /// Whether it was in a function of C.
    in_c: bool,
    /// Whether the map code itself gave up: `fatal`.
    fatal: bool,
    /// Whether it was a panic.
    panicked: bool,
}

fn focus(crash: &Crash) -> Option<Focus> {
    let index = crash.accesses.first().map_or(0, |access| access.stack);
    let stack = crash.stacks.get(index)?;
    let goroutine = stack.members.first().map_or(0, |m| m.id);
    let (start, panicked) = start(crash, stack);
    let mut side = look(stack, index, goroutine, start);
    side.only_called = crash.kind == Kind::Race && sides::has_lost_its_caller(stack);
    let frames = stack.frames.get(start..).unwrap_or_default();
    let runtime = frames
        .iter()
        .take_while(|f| frames::is_runtime(&f.function));
    let is_map = |f: &Frame| f.map_frame().is_some_and(|m| m.role == Role::Runtime);
    let in_map_code = runtime.clone().any(is_map);
    let outside = |f: &&Frame| frames::package(&f.function) != "runtime";
    let in_encoder = frames
        .iter()
        .find(outside)
        .and_then(Frame::map_frame)
        .is_some_and(|m| m.role == Role::Library && m.operation == Operation::Iterate);
    let hashing = runtime
        .clone()
        .any(|f| f.function.starts_with("type:.hash") || f.function.ends_with("interhash"));
    let fatal = runtime.clone().any(|f| {
        matches!(
            f.function.as_str(),
            // Up to 1.18 what is fatal now was thrown.
            "internal/runtime/maps.fatal" | "runtime.fatal" | "runtime.throw"
        )
    });
    Some(Focus {
        side,
        in_map_code,
        in_encoder,
        hashing,
        in_c: frames
            .first()
            .is_some_and(|f| f.function == "runtime.cgocall"),
        fatal,
        panicked,
    })
}

/// The first frame of what failed, and whether it panicked: behind the call of `panic` that
/// belongs to the message.
fn start(crash: &Crash, stack: &Stack) -> (usize, bool) {
    let is_panic = |f: &Frame| matches!(f.function.as_str(), "panic" | "runtime.gopanic");
    let panics: Vec<usize> = (0..stack.frames.len())
        .filter(|&i| stack.frames.get(i).is_some_and(is_panic))
        .collect();
    if crash.kind == Kind::Fatal || panics.is_empty() {
        return (0, false);
    }
    // Messages come in the order of the panics, frames in the reverse. A panic that was
    // recovered and thrown again has lost its frames unless it is thrown from the deferred
    // function.
    let wanted = crash
        .messages
        .iter()
        .position(|m| messages::read(&m.text).is_some())
        .unwrap_or(0);
    let at = panics.len().saturating_sub(1 + wanted);
    (panics.get(at).map_or(0, |at| at + 1), true)
}

/// What the frames from `start` on say of a goroutine.
pub(crate) fn look(stack: &Stack, index: usize, goroutine: u64, start: usize) -> Side {
    let args = stack
        .members
        .iter()
        .find(|m| m.id == goroutine)
        .map(|m| m.args.as_slice())
        .unwrap_or_default();
    let frames = stack.frames.get(start..).unwrap_or_default();
    let mut operation = None;
    let mut growing = false;
    let mut map = None;
    let mut inner = 0;
    for (i, frame) in frames.iter().enumerate() {
        if !frames::is_runtime(&frame.function) {
            break;
        }
        inner = i + 1;
        let Some(found) = frame.map_frame() else {
            continue;
        };
        if found.role == Role::Library {
            operation = operation.or(Some(found.operation));
            continue;
        }
        growing |= found.operation == Operation::Grow;
        if let Some(word) = found.map
            && let Some(Args(words)) = args.get(start + i)
            && let Some(value) = words.get(word).and_then(|w| w.value)
            && crate::fold::is_address(value)
        {
            map = map.or(Some(value));
        }
        operation = Some(found.operation);
    }
    // A Swiss map only grows to take an entry, and the assignment's own frame is hidden below
    // GOTRACEBACK=system.
    if operation == Some(Operation::Grow) {
        operation = Some(Operation::Assign);
    }
    let rest = frames.get(inner..).unwrap_or_default();
    // Standard library functions that do it for the program: `maps.Clone`, json.
    for frame in rest.iter().take_while(|f| f.is_std()) {
        if let Some(found) = frame.map_frame() {
            operation = operation.or(Some(found.operation));
        }
    }
    // Deeper in the library it may be doing anything else, as bringing a key to its usual form.
    let innermost = rest.first().map(|f| f.function.as_str());
    let operation = operation.or_else(|| innermost.and_then(frames::map_type_method));
    let own = rest
        .iter()
        .position(|f| !f.is_std() && !names::is_wrapper(&f.function))
        .or((!rest.is_empty()).then_some(0));
    Side {
        stack: index,
        goroutine,
        frame: own.map(|own| start + inner + own),
        only_called: false,
        operations: operation.into_iter().collect(),
        known: operation.map(|_| Known::Frame),
        growing,
        map,
    }
}

fn class(crash: &Crash, focus: Option<&Focus>) -> (Class, String) {
    if crash.kind == Kind::Race {
        return (race(crash), "DATA RACE".to_owned());
    }
    let in_map_code = focus.is_some_and(|f| f.in_map_code);
    let mut of_map = None;
    for text in &crash.messages {
        let class = match messages::read(&text.text) {
            Some(Message::NilMapWrite) => Class::NilMapWrite,
            // A fatal error; who panics with these words is quoting it.
            Some(Message::Race(_)) if crash.kind == Kind::Panic => continue,
            Some(Message::Race(race)) => race.into(),
            Some(Message::Damage(Damage::Invariant))
                if !in_map_code && !text.text.contains("growthLeft") =>
            {
                continue;
            }
            Some(Message::Damage(_)) => Class::DamagedMap,
            Some(Message::Unhashable(_)) => Class::UnhashableKey,
            Some(Message::BadPointer) if in_map_code => Class::DamagedMap,
            // What 1.21 and later call a signal.
            Some(Message::BadPointer) if focus.is_some_and(|f| f.in_c) => Class::Signal,
            Some(Message::BadPointer) => Class::NilDereference,
            Some(Message::OutOfMemory) if in_map_code => Class::OutOfMemoryGrowingMap,
            Some(Message::OutOfMemory) => Class::OutOfMemory,
            None if in_map_code && is_bounds(&text.text) => Class::DamagedMap,
            // encoding/json makes room for as many keys as it has counted.
            None if focus.is_some_and(|f| f.in_encoder) && is_bounds(&text.text) => {
                Class::ConcurrentMapIterationAndWrite
            }
            // A sentence that holds a message needs a stack to be more than that.
            None if crash.stacks.is_empty() => continue,
            None => match messages::find(&text.text) {
                Some(Message::Race(_)) if crash.kind == Kind::Panic => continue,
                Some(Message::NilMapWrite) => Class::NilMapWrite,
                Some(Message::Race(race)) => race.into(),
                Some(Message::Unhashable(_)) => Class::UnhashableKey,
                _ => continue,
            },
        };
        if of_map.as_ref().is_none_or(|(known, _)| class < *known) {
            of_map = Some((class, text.text.clone()));
        }
    }
    if let Some(found) = of_map {
        return found;
    }
    let text = crash
        .messages
        .first()
        .map(|m| m.text.clone())
        .unwrap_or_default();
    let class = match crash.kind {
        Kind::Panic | Kind::Recovered => Class::OtherPanic,
        Kind::Fatal => Class::OtherFatalError,
        Kind::Signal => Class::Signal,
        Kind::Race | Kind::Stacks => focus.and_then(inferred).unwrap_or(Class::StacksOnly),
    };
    (class, text)
}

/// Whether the program itself panicked with a text that holds a message of the runtime's. The
/// stack of a panic that was recovered begins with who recovered it.
fn is_quoted(crash: &Crash, focus: Option<&Focus>, message: &str) -> bool {
    let Some(focus) = focus else {
        return false;
    };
    let above = (crash.stacks.get(focus.side.stack))
        .and_then(|stack| stack.frames.get(..focus.side.frame?))
        .unwrap_or_default();
    let is_panic = |f: &Frame| matches!(f.function.as_str(), "panic" | "runtime.gopanic");
    crash.kind == Kind::Panic && messages::read(message).is_none() && above.iter().all(is_panic)
}

/// What stacks say whose message is not there: the log begins behind it.
fn inferred(focus: &Focus) -> Option<Class> {
    let operation = *focus.side.operations.first()?;
    if focus.panicked && focus.in_map_code {
        return match operation {
            _ if focus.hashing => Some(Class::UnhashableKey),
            Operation::Assign => Some(Class::NilMapWrite),
            _ => None,
        };
    }
    if !focus.fatal {
        return None;
    }
    Some(match operation {
        Operation::Read => Class::ConcurrentMapReadAndWrite,
        Operation::Iterate => Class::ConcurrentMapIterationAndWrite,
        Operation::Clone => Class::ConcurrentMapCloneAndWrite,
        _ => Class::ConcurrentMapWrites,
    })
}

fn is_bounds(text: &str) -> bool {
    let text = text.strip_prefix("runtime error: ").unwrap_or(text);
    text.starts_with("index out of range") || text.starts_with("slice bounds out of range")
}

/// What a race detector's report is about: the operations of its two sides.
fn race(crash: &Crash) -> Class {
    let sides: Vec<Side> = crash
        .accesses
        .iter()
        .filter_map(|access| {
            let stack = crash.stacks.get(access.stack)?;
            Some(look(stack, access.stack, access.goroutine, 0))
        })
        .collect();
    let has = |op: Operation| sides.iter().any(|s| s.operations.contains(&op));
    let known = sides.iter().any(|s| s.known == Some(Known::Frame));
    if !known {
        Class::DataRace
    } else if has(Operation::Iterate) {
        Class::ConcurrentMapIterationAndWrite
    } else if has(Operation::Clone) {
        Class::ConcurrentMapCloneAndWrite
    } else if crash.accesses.iter().all(|a| a.write) {
        Class::ConcurrentMapWrites
    } else {
        Class::ConcurrentMapReadAndWrite
    }
}

/// Fills in what the class says of the operation where no frame does.
fn complete(side: &mut Side, class: Class, crash: &Crash) {
    let by_class = match class {
        Class::NilMapWrite => vec![Operation::Assign],
        Class::ConcurrentMapReadAndWrite => vec![Operation::Read],
        Class::ConcurrentMapIterationAndWrite => vec![Operation::Iterate],
        Class::ConcurrentMapCloneAndWrite => vec![Operation::Clone],
        Class::ConcurrentMapWrites if prints_delete(crash, side) => vec![Operation::Assign],
        Class::ConcurrentMapWrites => {
            vec![Operation::Assign, Operation::Delete, Operation::Clear]
        }
        _ => return,
    };
    if crash.kind == Kind::Race {
        if let Some(access) = crash.accesses.first() {
            sides::complete_access(side, access, class);
        }
        return;
    }
    let frame = side.operations.first().copied();
    // A library function such as `maps.Copy` reads one map and writes another: the message
    // decides. 1.24 clones by iterating and says so.
    let agrees = frame.is_some_and(|op| {
        by_class.contains(&op)
            || op == Operation::Clone && class == Class::ConcurrentMapIterationAndWrite
            // A loop over a Swiss map that has grown looks its keys up.
            || op == Operation::Iterate
                && class == Class::ConcurrentMapReadAndWrite
                && in_loop(crash, side)
            || class == Class::ConcurrentMapWrites && op.writes()
    });
    if !agrees {
        side.operations = by_class;
        side.known = Some(Known::Message);
    }
}

/// What a key was hashed for: by the frames of a `sync.Map`, which looks up before it stores, or
/// by the message where no frame of the map code is printed.
fn hashed_for(crash: &Crash, side: &Side, message: &str) -> Option<(Vec<Operation>, Known)> {
    let stack = crash.stacks.get(side.stack);
    let frames = stack.map_or(&[][..], |stack| &stack.frames);
    let above = frames.get(..side.frame.unwrap_or(0)).unwrap_or_default();
    // The outermost is what the program called.
    let sync = above
        .iter()
        .rev()
        .find_map(|f| frames::sync_map(&f.function));
    if let Some(operation) = sync {
        return Some((vec![operation], Known::Frame));
    }
    // Since 1.25 the look-up in a map without entries says it in words of its own.
    let says = side.operations.is_empty() && message.contains("unhashable type: ");
    says.then(|| (vec![Operation::Read, Operation::Delete], Known::Message))
}

/// Whether the runtime's own frames show a loop; a library that loops looks up as well.
fn in_loop(crash: &Crash, side: &Side) -> bool {
    let frames = crash.stacks.get(side.stack).map(|s| s.frames.as_slice());
    frames.into_iter().flatten().any(|f| {
        f.map_frame()
            .is_some_and(|m| m.role == Role::Runtime && m.operation == Operation::Iterate)
    })
}

/// Whether a delete or a clear would show: since 1.24 they have a frame of their own at each
/// level, so that without one it was an assignment.
fn prints_delete(crash: &Crash, side: &Side) -> bool {
    crash.stacks.get(side.stack).is_some_and(|stack| {
        stack
            .frames
            .iter()
            .any(|f| f.function == "internal/runtime/maps.fatal")
    })
}

pub(crate) fn conflict(verdict: &Verdict) -> Option<Conflict> {
    if !verdict.class.is_concurrent() {
        return None;
    }
    let growing = verdict.failed.as_ref().is_some_and(|s| s.growing)
        || verdict.others.first().is_some_and(|o| o.side.growing);
    if growing {
        return Some(Conflict::DuringResize);
    }
    let iterates = (verdict.failed.as_ref())
        .is_some_and(|side| side.operations.first() == Some(&Operation::Iterate));
    match verdict.class {
        Class::ConcurrentMapWrites => Some(Conflict::WriteDuringWrite),
        Class::ConcurrentMapReadAndWrite if iterates => Some(Conflict::IterateDuringWrite),
        Class::ConcurrentMapReadAndWrite | Class::ConcurrentMapCloneAndWrite => {
            Some(Conflict::ReadDuringWrite)
        }
        Class::ConcurrentMapIterationAndWrite => Some(Conflict::IterateDuringWrite),
        _ => None,
    }
}

fn missing(crash: &Crash, verdict: &Verdict) -> Vec<String> {
    let mut missing = Vec::new();
    if crash.stacks.is_empty() && verdict.class == Class::NilDereference {
        missing.push(
            "no goroutine is printed (GOTRACEBACK=none, or the log was cut), so this log can't tell where it was, nor whether the pointer came from a map: GOTRACEBACK=single and --src would"
                .to_owned(),
        );
    } else if crash.stacks.is_empty() && !matches!(verdict.class, Class::StacksOnly) {
        missing.push(
            "no goroutine is printed: GOTRACEBACK=none, or the log was cut; GOTRACEBACK=all would show all of them"
                .to_owned(),
        );
    } else if verdict.class.is_concurrent() && verdict.others.is_empty() {
        missing.push(match crash.goroutines {
            1 => "only the goroutine that failed is printed, which is what Go does since 1.26: GOTRACEBACK=all, or a core dump, would show the other".to_owned(),
            n => format!("none of the {n} goroutines printed can be tied to this map: GOTRACEBACK=system would show the addresses of maps, a core dump all there is"),
        });
    }
    let sides = verdict.failed.iter();
    for side in sides.chain(verdict.others.iter().map(|other| &other.side)) {
        if side.only_called {
            let goroutine = side.goroutine;
            let caller = (side.frame)
                .and_then(|at| crash.stacks.get(side.stack)?.frames.get(at))
                .map(|f| format!(": it is one that {} calls", names::short(&f.function)))
                .unwrap_or_default();
            missing.push(format!(
                "the race detector of this Go version leaves out the function in which goroutine {goroutine} reads the map{caller}"
            ));
        }
    }
    if verdict.quoted {
        missing.push(
            "where it happened is not in this log: the panic was recovered and its text thrown again; a stack logged where it is recovered would show it"
                .to_owned(),
        );
    }
    if crash.cut {
        missing.push("the log ends in the middle of a stack".to_owned());
    }
    if crash.left_out > 0 {
        missing.push(format!(
            "{} goroutines are left out: too many different stacks",
            crash.left_out
        ));
    }
    missing
}
