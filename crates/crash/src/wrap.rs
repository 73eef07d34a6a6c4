//! What logs put around a line: timestamps, pod names, levels, colours, JSON.
//!
//! No list of formats: the text before the first line of a crash is taken as a pattern, in which
//! numbers may change, and later lines are those of the same crash that begin with it.

use std::borrow::Cow;

use serde_json::Value;
use tophash_runtime::messages;

use crate::grammar::{self, Line};

/// Longest part of a line that is looked at. One line may hold a whole stack.
const MAX_LINE: usize = 1 << 20;

/// A line as text: without its end, escape sequences and what isn't UTF-8.
pub(crate) fn text(line: &[u8]) -> Cow<'_, str> {
    let line = line.get(..MAX_LINE).unwrap_or(line);
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // Windows and CI servers begin files with a byte order mark.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    if memchr::memchr2(0x1b, 0, line).is_none() {
        return String::from_utf8_lossy(line);
    }
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            0 => {}
            0x1b => rest = behind_escape(tail),
            byte => plain.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

/// What follows an escape sequence of a terminal: `ESC [ 0 ; 31 m`.
fn behind_escape(text: &[u8]) -> &[u8] {
    let Some(parameters) = text.strip_prefix(b"[") else {
        return text.get(1..).unwrap_or_default();
    };
    let end = parameters.iter().position(|b| (0x40..=0x7e).contains(b));
    end.and_then(|end| parameters.get(end + 1..))
        .unwrap_or_default()
}

/// Texts of which one is in every line that can begin a crash. The last is of journald's JSON where
/// the text is a list of bytes.
pub(crate) const TRIGGERS: [&str; 14] = [
    "panic: ",
    "fatal error: ",
    "goroutine ",
    ": panic serving ",
    "WARNING: DATA RACE",
    "runtime: out of memory",
    "unexpected fault address",
    "SIGQUIT: quit",
    "SIGSEGV: seg",
    "SIGABRT: abort",
    "SIGBUS: bus",
    "SIGILL: illegal",
    "Exception 0x",
    "\"MESSAGE\":[",
];

/// Where in a line a crash begins: what stands before belongs to the log.
pub(crate) fn anchor(line: &str) -> Option<usize> {
    TRIGGERS
        .iter()
        .filter_map(|trigger| starts(line, trigger))
        .min()
}

fn starts(line: &str, trigger: &str) -> Option<usize> {
    // `http: panic serving` begins before its trigger.
    if trigger.starts_with(':') {
        let at = line.find(trigger)?;
        let protocol = line[..at].rfind("http")?;
        let begins = matches!(grammar::classify(&line[protocol..]), Line::Serving(_));
        return begins.then_some(protocol);
    }
    // A crash stands behind a few words, not behind hundreds like its own.
    const MAX_HITS: usize = 16;
    let mut from = 0;
    for _ in 0..MAX_HITS {
        let at = from + line[from..].find(trigger)?;
        from = at + trigger.len();
        // Inside a word it is another one: `subpanic: `.
        let inside = line[..at]
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric);
        if !inside
            && !matches!(
                grammar::classify(&line[at..]),
                Line::Other(_) | Line::Call { .. } | Line::Source { .. }
            )
        {
            return Some(at);
        }
    }
    None
}

/// What stands before the lines of one crash.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Prefix {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// One digit or more: a part of a time.
    Digits,
    /// One blank or more: times are padded.
    Blanks,
}

impl Prefix {
    /// Learns from the text before a line.
    pub(crate) fn learn(text: &str) -> Prefix {
        let mut parts: Vec<Part> = Vec::new();
        // Digits in a word that begins with a letter are part of a name: `web-0`.
        let mut name = false;
        let mut begins = true;
        for (at, c) in text.char_indices() {
            let part = match c {
                ' ' | '\t' => Part::Blanks,
                c if c.is_ascii_digit() && !name => Part::Digits,
                c => Part::Text(c.into()),
            };
            if begins && c.is_alphabetic() {
                name = true;
            }
            begins = matches!(
                c,
                ' ' | '\t' | '[' | ']' | '(' | ')' | '"' | '\'' | '=' | '|' | '{' | '}' | ','
            ) || c == ':' && is_numbered(&text[at + 1..]);
            if begins {
                name = false;
            }
            match (parts.last_mut(), part) {
                (Some(Part::Text(text)), Part::Text(more)) => text.push_str(&more),
                (Some(last), part) if *last == part => {}
                (_, part) => parts.push(part),
            }
        }
        Prefix { parts }
    }

    /// How much of the line it takes; longer ones say more about where a line comes from.
    pub(crate) fn weight(&self) -> usize {
        self.parts.len()
    }

    /// Whether another is this one's beginning.
    pub(crate) fn starts_with(&self, other: &Prefix) -> bool {
        let mut mine = self.parts.iter();
        other.parts.iter().all(|part| match (mine.next(), part) {
            (Some(Part::Text(a)), Part::Text(b)) => a.starts_with(b.as_str()),
            (mine, part) => mine == Some(part),
        })
    }

    /// The line without this before it.
    pub(crate) fn strip<'a>(&self, line: &'a str) -> Option<&'a str> {
        let mut rest = line;
        for (at, part) in self.parts.iter().enumerate() {
            let taken = match part {
                Part::Text(text) => rest.strip_prefix(text.as_str()),
                Part::Digits => {
                    let end = rest.find(|c: char| !c.is_ascii_digit());
                    let end = end.unwrap_or(rest.len());
                    (end > 0).then(|| &rest[end..])
                }
                // Trailing blanks get lost where the rest of the line is empty; further ones
                // are the line's own.
                Part::Blanks if at + 1 == self.parts.len() => match rest.chars().next() {
                    None => Some(rest),
                    Some(' ' | '\t') => Some(&rest[1..]),
                    Some(_) => None,
                },
                Part::Blanks => {
                    let trimmed = rest.trim_start_matches([' ', '\t']);
                    (trimmed.len() < rest.len()).then_some(trimmed)
                }
            };
            rest = taken?;
        }
        Some(rest)
    }
}

/// Whether what follows a colon is the number of a line, as grep gives it: `app.log:12:`.
fn is_numbered(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < text.len() && rest.starts_with(':')
}

/// A line of a container runtime's log, or a piece of one: `TIME stderr P TEXT`, and `F` for the
/// last. The kubelet's runtimes cut lines every 16 KB.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// Up to the mark, with the blank before it.
    pub(crate) before: &'a str,
    pub(crate) text: &'a str,
    /// Whether the line goes on in another piece.
    pub(crate) more: bool,
}

pub(crate) fn piece(line: &str) -> Option<Piece<'_>> {
    // Behind a time, and before that perhaps the name of a pod.
    const FAR: usize = 160;
    let stream = [" stderr ", " stdout "];
    let (at, stream) = stream.iter().find_map(|s| Some((line.find(s)?, s)))?;
    let (before, rest) = line.split_at(at + stream.len());
    let (more, text) = match (rest.strip_prefix("P "), rest.strip_prefix('F')) {
        (Some(text), _) => (true, text),
        (None, Some(text)) if text.is_empty() => (false, text),
        (None, Some(text)) => (false, text.strip_prefix(' ')?),
        (None, None) => return None,
    };
    let timed = before.bytes().filter(u8::is_ascii_digit).count() > 8;
    (at < FAR && timed).then_some(Piece { before, text, more })
}

/// Whether the text before a message is what loggers write, and not the start of a sentence.
pub(crate) fn is_plausible(prefix: &str) -> bool {
    let Some(word) = prefix.split_whitespace().next_back() else {
        return true;
    };
    if is_prose(prefix) || is_quoted(prefix) {
        return false;
    }
    let plain = word.chars().all(|c| c.is_ascii_alphabetic());
    !plain || {
        let known = [
            "stderr", "stdout", "F", "P", "I", "E", "W", "info", "error", "warn", "warning",
            "debug", "fatal", "err", "out",
        ];
        known.iter().any(|k| k.eq_ignore_ascii_case(word))
    }
}

/// Whether the text before a message is a sentence: `worker 3 died: `.
pub(crate) fn is_prose(prefix: &str) -> bool {
    let is_word = |word: &&str| {
        let word = word.trim_end_matches([':', ',']);
        word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase())
    };
    let streams = [
        "stderr", "stdout", "info", "error", "warn", "warning", "debug", "fatal",
    ];
    prefix
        .split_whitespace()
        .filter(is_word)
        .filter(|word| !streams.contains(&word.trim_end_matches(':')))
        .count()
        > 1
}

/// Whether a message behind this text is inside quotes or a comment, as in a program's source;
/// `msg="` and the like are what loggers write.
pub(crate) fn is_quoted(prefix: &str) -> bool {
    let comment = prefix
        .split_whitespace()
        .any(|word| word.ends_with("//") && !word.ends_with("://"));
    let quoted = ['"', '`'].iter().any(|&quote| {
        let mut parts = prefix.rsplit(quote);
        let odd = parts.clone().count() % 2 == 0;
        let before = parts.nth(1).unwrap_or_default();
        odd && !before.trim_end().ends_with(['=', ':'])
    });
    // Inside quotes that are inside quotes.
    comment || quoted || prefix.matches("\\\"").count() % 2 == 1
}

/// Whether a string of a program's source begins at the end of this text, as in a test that holds
/// a stack: ``const want = ` ``. Loggers write no blank between the name and the quote.
pub(crate) fn opens_source(text: &str) -> bool {
    let Some(before) = text.trim_end().strip_suffix(['`', '"']) else {
        return false;
    };
    let before = before.strip_suffix(r#""""#).unwrap_or(before);
    let code = [" = ", ":= ", "(", ", ", "{", "return ", "+ ", "\t"];
    code.iter().any(|end| before.ends_with(end)) && !before.contains('`')
}

/// Whether a compiler wrote a fatal error: `src/foo.c:1:10: fatal error: foo.h: No such file`,
/// `gcc: fatal error: no input files`, or clang without saying where.
pub(crate) fn is_compiler(prefix: &str, text: &str) -> bool {
    let place = prefix.strip_suffix(": ").unwrap_or_default();
    let is_tool = |c: char| c.is_ascii_alphanumeric() || "_+-./\\".contains(c);
    if !place.is_empty() && place.chars().all(is_tool) || text.starts_with("too many errors") {
        return true;
    }
    let place = place.rsplit(char::is_whitespace).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    place
        .rsplit_once(':')
        .is_some_and(|(file, number)| is_number(number) && file.contains('.'))
}

/// Whether the text of a panic is what a setting has for a value: `panic: none` in a dump of
/// settings is not what a program died of, unless a stack follows.
pub(crate) fn is_setting(text: &str) -> bool {
    let value = text.trim().trim_matches(['"', '\'', ',']);
    value.is_empty()
        || value.parse::<f64>().is_ok()
        || [
            "none", "abort", "unwind", "true", "false", "null", "yes", "no", "on", "off",
        ]
        .contains(&value)
}

/// Where a line of JSON comes from, and which of its fields holds the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Before the opening brace.
    prefix: Prefix,
    /// Names from the outermost object inwards.
    path: Vec<String>,
    /// What tells one process from another: pod, container, host.
    source: Vec<String>,
}

/// Depth to which objects are searched.
const MAX_DEPTH: usize = 8;

/// Items of a list that are searched.
const MAX_ITEMS: usize = 4;

/// A line that is an object of JSON, and what stands before it.
pub(crate) fn json(line: &str) -> Option<(&str, Value)> {
    let open = line.find('{')?;
    let object = line[open..].trim_end();
    if !object.ends_with('}') {
        return None;
    }
    // A header of a goroutine with labels has braces too, but no quoted key.
    let value = serde_json::from_str::<Value>(object).ok()?;
    value.is_object().then_some((&line[..open], value))
}

impl Field {
    /// Finds the field of an object whose text begins a crash.
    pub(crate) fn find(before: &str, object: &Value) -> Option<(Field, String)> {
        Field::find_in(before, object, MAX_NESTED)
    }

    fn find_in(before: &str, object: &Value, nested: u32) -> Option<(Field, String)> {
        let mut path = Vec::new();
        let text = find_text(object, &mut path, nested)?;
        let field = Field {
            prefix: Prefix::learn(before),
            path,
            source: source(object),
        };
        Some((field, text))
    }

    /// Whether this is the field that holds what the object says; one of several texts beside it
    /// may be quoted from elsewhere.
    pub(crate) fn is_message(&self, object: &Value) -> bool {
        const NAMES: [&str; 9] = [
            "msg",
            "message",
            "log",
            "text",
            "textPayload",
            "line",
            "MESSAGE",
            "Output",
            "output",
        ];
        let mut parent = object;
        let Some((name, path)) = self.path.split_last() else {
            return true;
        };
        for name in path {
            let Some(inner) = child(parent, name) else {
                return true;
            };
            parent = inner;
        }
        let lower = name.to_ascii_lowercase();
        ["stack", "trace", "err", "panic"]
            .iter()
            .any(|part| lower.contains(part))
            || NAMES.contains(&name.as_str())
            || !NAMES.iter().any(|name| parent.get(name).is_some())
    }

    /// The text of this field in another object from the same place.
    pub(crate) fn read(&self, line: &str) -> Option<String> {
        let (before, object) = json(line)?;
        if Prefix::learn(before) != self.prefix || source(&object) != self.source {
            return None;
        }
        let mut value = &object;
        for name in &self.path {
            value = child(value, name)?;
        }
        Some(string(value)?.into_owned())
    }
}

/// A field of an object, or an item of a list.
fn child<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        value => value.get(name),
    }
}

/// A text. journald writes what a terminal can't show, such as colours, as a list of bytes.
fn string(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Array(items) if !items.is_empty() => {
            let byte = |item: &Value| item.as_u64().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Vec<u8> = items.iter().map(byte).collect::<Option<_>>()?;
            Some(Cow::Owned(text(&bytes).into_owned()))
        }
        _ => None,
    }
}

fn find_text(value: &Value, path: &mut Vec<String>, nested: u32) -> Option<String> {
    if let Value::Array(items) = value {
        // OpenTelemetry's lists of one record each.
        if path.len() >= MAX_DEPTH {
            return None;
        }
        for (at, item) in items.iter().enumerate().take(MAX_ITEMS) {
            path.push(at.to_string());
            if let Some(text) = find_text(item, path, nested) {
                return Some(text);
            }
            path.pop();
        }
        return None;
    }
    let Value::Object(fields) = value else {
        return None;
    };
    let begins = |text: &str| {
        text.lines().any(|line| anchor(line).is_some()) || embedded_in(text, nested).is_some()
    };
    // A stack is worth more than the message beside it.
    let stack = |text: &str| {
        text.lines()
            .any(|line| anchor(line).is_some_and(|at| line[at..].starts_with("goroutine ")))
    };
    for wanted in [&stack as &dyn Fn(&str) -> bool, &begins] {
        for (name, value) in fields {
            if let Some(text) = string(value)
                && wanted(&text)
            {
                path.push(name.clone());
                return Some(text.into_owned());
            }
        }
    }
    if path.len() >= MAX_DEPTH {
        return None;
    }
    for (name, value) in fields {
        path.push(name.clone());
        if let Some(text) = find_text(value, path, nested) {
            return Some(text);
        }
        path.pop();
    }
    None
}

/// A message about a map in the other fields of an object: `"error": "assignment to ..."`.
pub(crate) fn message_beside(object: &Value) -> Option<String> {
    match object {
        Value::String(text) => {
            let text = text.lines().next().unwrap_or_default();
            messages::find(text)?;
            Some(text.to_owned())
        }
        Value::Object(fields) => fields.values().find_map(message_beside),
        _ => None,
    }
}

/// Values of fields that name a process, in order.
fn source(object: &Value) -> Vec<String> {
    const NAMES: [&str; 14] = [
        "pod",
        "pod_name",
        "podname",
        "pod_id",
        "host",
        "hostname",
        "container",
        "container_id",
        "container_name",
        "instance",
        "node",
        "pid",
        "_pid",
        "_hostname",
    ];
    let mut found = Vec::new();
    collect(object, &mut found, 0);
    fn collect(value: &Value, found: &mut Vec<String>, depth: usize) {
        let Value::Object(fields) = value else {
            return;
        };
        if depth > MAX_DEPTH {
            return;
        }
        for (name, value) in fields {
            let lower = name.to_ascii_lowercase();
            match value {
                Value::Object(_) => collect(value, found, depth + 1),
                Value::String(text) if NAMES.contains(&lower.as_str()) => found.push(text.clone()),
                Value::Number(n) if NAMES.contains(&lower.as_str()) => found.push(n.to_string()),
                _ => {}
            }
        }
    }
    found
}

/// A line that holds a whole stack, its line ends written as `\n`: logfmt, or a field of JSON
/// that was cut off.
fn unescape(line: &str, nested: u32) -> Option<String> {
    if !line.contains("\\n") {
        return None;
    }
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => {}
                Some(c) => out.push(c),
                None => {}
            },
            c => out.push(c),
        }
    }
    // Its first line may be the logger's own words.
    let begins = |(n, line): (usize, &str)| {
        anchor(line).is_some_and(|at| n > 0 && at == 0 || line[at..].starts_with("goroutine "))
            || embedded_in(line, nested).is_some()
    };
    out.lines().enumerate().any(begins).then_some(out)
}

/// A text of several lines that stands in one line of the log, and the message about a map beside
/// it: in a field of JSON, in logfmt, or in one of these inside another, as where a container
/// runtime's JSON holds lines of the program's.
pub(crate) fn embedded(line: &str) -> Option<(String, Option<String>)> {
    embedded_in(line, MAX_NESTED)
}

/// Texts inside texts that are looked for: a container runtime's around a collector's around a
/// logger's, and one more. Each is tried in more than one way, so that a line made for it would
/// take long with many.
const MAX_NESTED: u32 = 4;

/// As [`embedded`], with no more than so many texts around each other.
fn embedded_in(line: &str, nested: u32) -> Option<(String, Option<String>)> {
    let nested = nested.checked_sub(1)?;
    let Some((before, object)) = json(line) else {
        let inside = unescape(line, nested)?;
        let beside = message_beside(&Value::String(inside.clone()));
        return Some((inside, beside));
    };
    let (_, inside) = Field::find_in(before, &object, nested)?;
    if inside.trim_end_matches('\n').contains('\n') {
        return Some((inside, message_beside(&object)));
    }
    embedded_in(&inside, nested)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for (first, second) in [
            (
                "2024-05-01T12:00:00.123456789Z stderr F goroutine 1 [running]:",
                "2024-05-01T12:00:01.9Z stderr F \t/a.go:12 +0x1",
            ),
            (
                "May  1 12:00:00 host-1 app[123]: goroutine 1 [running]:",
                "May 11 12:00:00 host-1 app[123]: \t/a.go:12 +0x1",
            ),
            (
                "[pod/web-7d9f-abcde/app] goroutine 1 [running]:",
                "[pod/web-7d9f-abcde/app] \t/a.go:12 +0x1",
            ),
            (
                "web-1  | goroutine 1 [running]:",
                "web-1  | \t/a.go:12 +0x1",
            ),
            ("goroutine 1 [running]:", "\t/a.go:12 +0x1"),
        ] {
            let at = anchor(first).expect(first);
            let prefix = Prefix::learn(&first[..at]);
            assert_eq!(prefix.strip(second), Some("\t/a.go:12 +0x1"), "{second}");
        }
        let web0 = Prefix::learn("web-0 | ");
        assert_eq!(web0.strip("web-1 | main.main()"), None);
        assert_eq!(web0.strip("web-0 |"), Some(""));
    }

    #[test]
    fn anchors() {
        assert_eq!(
            anchor("2024/01/02 http: panic serving 1.2.3.4:5: x"),
            Some(11)
        );
        assert_eq!(anchor("no panic in this line"), None);
        assert_eq!(anchor("started goroutine 7 [ok]"), None);
        assert!(!is_plausible("he said "));
        assert!(is_plausible("2024-01-01T00:00:00Z stderr F "));
    }

    #[test]
    fn colours() {
        assert_eq!(text(b"\x1b[31mpanic: x\x1b[0m\r\n"), "panic: x");
        assert_eq!(text(b"a\x1b"), "a");
        assert_eq!(text(b"\xff\n"), "\u{fffd}");
    }

    #[test]
    fn fields() {
        let line = r#"{"log":"goroutine 1 [running]:\n","stream":"stderr","pod":"a-0"}"#;
        let (before, object) = json(line).unwrap();
        let (field, text) = Field::find(before, &object).unwrap();
        assert_eq!(text, "goroutine 1 [running]:\n");
        let next = r#"{"log":"main.main()\n","stream":"stderr","pod":"a-0"}"#;
        assert_eq!(field.read(next).as_deref(), Some("main.main()\n"));
        let other = r#"{"log":"main.main()\n","stream":"stderr","pod":"a-1"}"#;
        assert_eq!(field.read(other), None);
    }
}
