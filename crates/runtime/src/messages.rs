//! What the runtime says when a program dies, and what that means for maps.
//!
//! Sources: runtime/map*.go, runtime/panic.go, runtime/malloc.go and runtime/error.go of 1.18 to
//! 1.27, internal/runtime/maps of 1.24 to 1.27.

use crate::fault::Race;

/// What a message says has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// An assignment to an entry of a nil map.
    NilMapWrite,
    /// One of the four messages for a map used by several goroutines at once.
    Race(Race),
    /// A check inside the map code that nothing but concurrent writes makes fail.
    Damage(Damage),
    /// A key whose dynamic type can't be hashed; its type as printed.
    Unhashable(&'a str),
    /// A nil pointer was dereferenced, or other memory that isn't there was used.
    BadPointer,
    /// The process, or one allocation, ran out of memory.
    OutOfMemory,
}

/// Checks inside the map code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Damage {
    /// A small Swiss map without room (1.24 to 1.26).
    SmallMapFull,
    /// A Swiss table whose counters contradict its contents.
    Invariant,
    /// A classic bucket whose marks can't be.
    BadMapState,
}

/// Texts that begin a message, behind `panic: ` or `fatal error: ` and `runtime error: `.
const TEXTS: [(&str, Message<'static>); 17] = [
    ("assignment to entry in nil map", Message::NilMapWrite),
    ("concurrent map writes", Message::Race(Race::Writes)),
    (
        "concurrent map read and map write",
        Message::Race(Race::ReadAndWrite),
    ),
    (
        "concurrent map iteration and map write",
        Message::Race(Race::IterationAndWrite),
    ),
    (
        "concurrent map clone and map write",
        Message::Race(Race::CloneAndWrite),
    ),
    (
        "small map with no empty slot",
        Message::Damage(Damage::SmallMapFull),
    ),
    ("invariant failed: ", Message::Damage(Damage::Invariant)),
    (
        "table must have positive capacity",
        Message::Damage(Damage::Invariant),
    ),
    ("bad map state", Message::Damage(Damage::BadMapState)),
    ("bad evacuatedN", Message::Damage(Damage::BadMapState)),
    (
        "oldoverflow is not nil",
        Message::Damage(Damage::BadMapState),
    ),
    (
        "invalid memory address or nil pointer dereference",
        Message::BadPointer,
    ),
    ("unexpected signal during runtime", Message::BadPointer),
    ("fault", Message::BadPointer),
    ("out of memory", Message::OutOfMemory),
    ("runtime: out of memory", Message::OutOfMemory),
    ("cannot allocate memory", Message::OutOfMemory),
];

/// Reads the text of a panic or fatal error, without `panic: ` or `fatal error: `. None if it
/// says nothing of maps or memory.
#[must_use]
pub fn read(text: &str) -> Option<Message<'_>> {
    let text = text.trim_start_matches(['"', '\'', '(', ' ']);
    let text = text.strip_prefix("runtime error: ").unwrap_or(text);
    // 1.25 and later say `hash of unhashable type: T` for empty maps, all others without the
    // colon.
    if let Some(rest) = text.strip_prefix("hash of unhashable type") {
        let ty = rest.trim_start_matches(':').trim();
        return Some(Message::Unhashable(bare(ty)));
    }
    let (_, message) = TEXTS.iter().find(|(start, message)| {
        // These are the whole text; `assignment to entry in nil map was fixed` is a sentence.
        let whole = *start == "fault" || matches!(message, Message::NilMapWrite | Message::Race(_));
        text.starts_with(start) && (!whole || bare(text) == *start)
    })?;
    Some(*message)
}

/// Finds a message that only maps give, anywhere in a text: loggers quote what they recovered.
#[must_use]
pub fn find(text: &str) -> Option<Message<'_>> {
    let text = &text[position(text)?..];
    let begins =
        |(start, message): &(&str, Message<'static>)| text.starts_with(start).then_some(*message);
    read(text).or_else(|| TEXTS.iter().find_map(begins))
}

/// Where in a text the first such message begins.
#[must_use]
pub fn position(text: &str) -> Option<usize> {
    const START: [&str; 9] = [
        "assignment to entry in nil map",
        "concurrent map writes",
        "concurrent map read and map write",
        "concurrent map iteration and map write",
        "concurrent map clone and map write",
        "small map with no empty slot",
        "invariant failed: growthLeft is unexpectedly 0",
        "hash of unhashable type",
        "invalid memory address or nil pointer dereference",
    ];
    START.iter().filter_map(|start| text.find(start)).min()
}

/// The text without the marks of recovery and the quotes that follow it.
fn bare(text: &str) -> &str {
    let text = text.split(" [recovered").next().unwrap_or(text);
    let bare = text.trim_end_matches(['"', '\'', ')', ' ']);
    // Parentheses that belong to the text: `func()`.
    let count = |c: char| bare.matches(c).count();
    let open = count('(').saturating_sub(count(')'));
    let end = bare.len() + open.min(text.len() - bare.len());
    match text.get(bare.len()..end) {
        Some(own) if own.bytes().all(|b| b == b')') => &text[..end],
        _ => bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Build, Fault, GoVersion, HashError};

    /// What the models say is read back as what they meant.
    #[test]
    fn reads_what_faults_say() {
        for version in GoVersion::ALL {
            let build = Build::of(version);
            let says = |fault: Fault| {
                let text = fault.message(build);
                let (_, text) = text.split_once(": ").expect("panic or fatal error");
                text.to_owned()
            };
            assert_eq!(read(&says(Fault::NilMap)), Some(Message::NilMapWrite));
            for race in [Race::Writes, Race::ReadAndWrite, Race::IterationAndWrite] {
                assert_eq!(read(&says(race.into())), Some(Message::Race(race)));
            }
            for (fault, damage) in [
                (Fault::SmallMapFull, Damage::SmallMapFull),
                (Fault::GrowthLeftIsZero, Damage::Invariant),
                (Fault::BadMapState, Damage::BadMapState),
            ] {
                assert_eq!(read(&says(fault)), Some(Message::Damage(damage)));
            }
            for early in [true, false] {
                let error = HashError::Unhashable("[]int".into());
                let text = says(Fault::Key { error, early });
                assert_eq!(read(&text), Some(Message::Unhashable("[]int")));
            }
        }
    }

    #[test]
    fn leaves_the_rest_alone() {
        assert_eq!(read("all goroutines are asleep - deadlock!"), None);
        assert_eq!(read("faulty input"), None);
        assert_eq!(read("concurrent map writes (see the other pod)"), None);
        assert_eq!(read("fault [recovered]"), Some(Message::BadPointer));
        for (text, ty) in [
            ("hash of unhashable type func()", "func()"),
            ("hash of unhashable type: func(func())", "func(func())"),
            ("(hash of unhashable type []int)", "[]int"),
            ("(hash of unhashable type func())", "func()"),
        ] {
            assert_eq!(read(text), Some(Message::Unhashable(ty)));
        }
        assert_eq!(find("nothing here"), None);
        assert_eq!(
            find("recovered: \"assignment to entry in nil map\""),
            Some(Message::NilMapWrite)
        );
    }
}
