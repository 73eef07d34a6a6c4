//! The lines of Go's crash text, one at a time.
//!
//! Sources: runtime/traceback.go, runtime/panic.go and runtime/signal_*.go of 1.18 to 1.27;
//! compiler-rt's tsan_report.cpp, which prints the reports of the race detector.

use crate::model::{Args, Word};

/// A line, without what a log put around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Nothing but white space.
    Blank,
    /// `goroutine 8 [running]:`
    Goroutine(Header<'a>),
    /// `main.(*T).M(0x1, {0x2?, ...})`
    Call {
        function: &'a str,
        /// What stands between the parentheses.
        args: &'a str,
    },
    /// `created by main.main in goroutine 1`
    Created {
        function: &'a str,
        goroutine: Option<u64>,
    },
    /// `/src/main.go:12 +0x2b`, behind a tab
    Source { file: &'a str, line: u32 },
    /// `...31 frames elided...`
    Elided(Option<u64>),
    /// `goroutine running on other thread; stack unavailable`, behind a tab
    Unavailable,
    /// `[originating from goroutine 1]:`
    Origin,
    /// `panic: text`; `nested` if it is indented.
    Panic { text: &'a str, nested: bool },
    /// `fatal error: text`
    Fatal(&'a str),
    /// `http: panic serving 127.0.0.1:80: text`
    Serving(&'a str),
    /// `[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4a]`
    Signal { name: &'a str, address: Option<u64> },
    /// `SIGQUIT: quit` at the start of a line, or `Exception 0xc0000005 ...` on Windows.
    Died(&'a str),
    /// `runtime: out of memory: ...`, `unexpected fault address 0x0`: a word before the message.
    Foreword(&'a str),
    /// `runtime stack:`, which is not that of a goroutine.
    RuntimeStack,
    /// `WARNING: DATA RACE`
    Race,
    /// `Previous write at 0x00c0 by goroutine 7:`
    Access {
        write: bool,
        address: u64,
        goroutine: u64,
    },
    /// `Goroutine 7 (running) created at:`
    CreatedAt { goroutine: u64, state: &'a str },
    /// `==================`
    Bar,
    /// `exit status 2`, with which `go run` ends.
    Exit,
    /// Anything else.
    Other(&'a str),
}

/// The first line of a goroutine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) id: u64,
    /// Whether it has `gp=` and `m=`.
    pub(crate) pointers: bool,
    pub(crate) state: &'a str,
    pub(crate) minutes: Option<u64>,
    pub(crate) locked: bool,
    pub(crate) labels: Vec<(String, String)>,
}

pub(crate) fn classify(text: &str) -> Line<'_> {
    let trimmed = text.trim();
    let Some(&first) = trimmed.as_bytes().first() else {
        return Line::Blank;
    };
    let line = match first {
        b'g' => header(trimmed)
            .map(Line::Goroutine)
            .or_else(|| unavailable(trimmed)),
        b'p' => trimmed.strip_prefix("panic: ").map(|text| Line::Panic {
            text,
            nested: false,
        }),
        b'f' => trimmed.strip_prefix("fatal error: ").map(Line::Fatal),
        b'h' => serving(trimmed),
        b'c' => created(trimmed),
        b'[' => signal(trimmed).or_else(|| origin(trimmed)),
        b'S' | b'E' => died(trimmed),
        b'.' => elided(trimmed),
        b'r' if trimmed == "runtime stack:" => Some(Line::RuntimeStack),
        b'r' | b'u' => foreword(trimmed),
        b'W' if trimmed.ends_with("WARNING: DATA RACE") => Some(Line::Race),
        b'W' | b'R' | b'P' | b'A' => access(trimmed),
        b'G' | b'M' => created_at(trimmed),
        b'=' if trimmed.bytes().all(|b| b == b'=') && trimmed.len() >= 10 => Some(Line::Bar),
        b'e' => exit(trimmed),
        _ => None,
    };
    if let Some(Line::Panic { text: message, .. }) = line {
        return Line::Panic {
            text: message,
            nested: text.starts_with(['\t', ' ']),
        };
    }
    line.or_else(|| call(trimmed))
        .or_else(|| source(trimmed))
        .unwrap_or(Line::Other(text))
}

/// Reads `goroutine 8 gp=0x1 m=2 mp=0x3 [chan receive, 5 minutes, locked to thread] {a: b}:`.
pub(crate) fn header(line: &str) -> Option<Header<'_>> {
    let rest = line.strip_prefix("goroutine ")?;
    let (id, mut rest) = number(rest)?;
    rest = rest.strip_prefix(' ')?;
    let mut header = Header {
        id,
        ..Header::default()
    };
    for name in ["gp=", "m=", "mp="] {
        if let Some(value) = rest.strip_prefix(name) {
            header.pointers = true;
            rest = value.split_once(' ')?.1;
        }
    }
    rest = rest.strip_prefix('[')?;
    let close = bracket(rest)?;
    let (inside, behind) = (&rest[..close], &rest[close + 1..]);
    // 1.26: `[running labels:{"k": "v"}]:`; since 1.27: `[running] {k: v}:`.
    let (inside, labels) = match inside.split_once(" labels:{") {
        Some((inside, labels)) => (inside, Some(labels)),
        None => (inside, behind.strip_prefix(" {")),
    };
    if let Some(labels) = labels {
        header.labels = read_labels(labels);
    }
    if !behind.trim_end().ends_with(':') {
        return None;
    }
    let mut parts = inside.split(", ");
    header.state = parts.next()?;
    for part in parts {
        if part == "locked to thread" {
            header.locked = true;
        } else if let Some(minutes) = part.strip_suffix(" minutes") {
            header.minutes = minutes.parse().ok();
        }
    }
    Some(header)
}

/// The place of the bracket that closes the state; labels in quotes may hold brackets.
fn bracket(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b']' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Most labels kept of a goroutine.
const MAX_LABELS: usize = 32;

/// Reads `k: v, "a b": "c"` up to the closing brace.
fn read_labels(mut text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    while labels.len() < MAX_LABELS {
        let Some((key, rest)) = label(text) else {
            break;
        };
        let Some((value, rest)) = rest.strip_prefix(": ").and_then(label) else {
            break;
        };
        labels.push((key, value));
        match rest.strip_prefix(", ") {
            Some(rest) => text = rest,
            None => break,
        }
    }
    labels
}

fn label(text: &str) -> Option<(String, &str)> {
    if !text.starts_with('"') {
        let end = text.find([':', ',', '}'])?;
        return Some((text[..end].to_owned(), &text[end..]));
    }
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                c => out.push(c),
            },
            c => out.push(c),
        }
    }
    None
}

fn unavailable(line: &str) -> Option<Line<'_>> {
    line.starts_with("goroutine running on other thread")
        .then_some(Line::Unavailable)
}

fn origin(line: &str) -> Option<Line<'_>> {
    line.starts_with("[originating from goroutine ")
        .then_some(Line::Origin)
}

fn elided(line: &str) -> Option<Line<'_>> {
    let inside = line.strip_prefix("...")?.strip_suffix("frames elided...")?;
    Some(Line::Elided(inside.trim().parse().ok()))
}

fn exit(line: &str) -> Option<Line<'_>> {
    let status = line.strip_prefix("exit status ")?;
    status.parse::<u32>().is_ok().then_some(Line::Exit)
}

fn foreword(line: &str) -> Option<Line<'_>> {
    ["runtime: out of memory", "unexpected fault address"]
        .iter()
        .any(|start| line.starts_with(start))
        .then_some(Line::Foreword(line))
}

fn serving(line: &str) -> Option<Line<'_>> {
    let (protocol, rest) = line.split_once(": panic serving ")?;
    if !matches!(protocol, "http" | "http2") {
        return None;
    }
    // The address may be `[::1]:80`, so that a colon alone ends nothing.
    let (_, text) = rest.split_once(": ")?;
    Some(Line::Serving(text))
}

fn signal(line: &str) -> Option<Line<'_>> {
    let inside = line.strip_prefix("[signal ")?;
    let end = inside.find([':', ' ', ']']).unwrap_or(inside.len());
    let address = inside.split_once(" addr=").and_then(|(_, rest)| {
        let digits = rest.strip_prefix("0x")?;
        let end = digits
            .find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(digits.len());
        u64::from_str_radix(&digits[..end], 16).ok()
    });
    Some(Line::Signal {
        name: &inside[..end],
        address,
    })
}

/// Signals whose name begins the text of a process that did not panic, and what follows it.
const SIGNALS: [(&str, &str); 7] = [
    ("SIGQUIT", "quit"),
    ("SIGSEGV", "segmentation violation"),
    ("SIGABRT", "abort"),
    ("SIGBUS", "bus error"),
    ("SIGFPE", "floating-point exception"),
    ("SIGILL", "illegal instruction"),
    ("SIGTRAP", "trace trap"),
];

fn died(line: &str) -> Option<Line<'_>> {
    if let Some(rest) = line.strip_prefix("Exception 0x") {
        return rest
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_hexdigit())
            .then_some(Line::Died("Exception"));
    }
    let (name, what) = line.split_once(": ")?;
    SIGNALS
        .iter()
        .find(|(signal, text)| *signal == name && *text == what)
        .map(|(signal, _)| Line::Died(signal))
}

/// Reads `Write at 0x00c000012345 by goroutine 7:` and `Previous read at ... by main goroutine:`.
fn access(line: &str) -> Option<Line<'_>> {
    let rest = line.strip_suffix(':')?;
    let rest = rest
        .strip_prefix("Previous ")
        .or_else(|| rest.strip_prefix("Atomic "))
        .unwrap_or(rest);
    let rest = rest.strip_prefix("atomic ").unwrap_or(rest);
    let (write, rest) = match rest.split_once(" at 0x")? {
        ("Write" | "write", rest) => (true, rest),
        ("Read" | "read", rest) => (false, rest),
        _ => return None,
    };
    let (address, by) = rest.split_once(" by ")?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let goroutine = match by.strip_prefix("goroutine ") {
        Some(id) => number(id)?.0,
        None if by.starts_with("main goroutine") => 1,
        None => return None,
    };
    Some(Line::Access {
        write,
        address,
        goroutine,
    })
}

/// Reads `Goroutine 7 (running) created at:`.
fn created_at(line: &str) -> Option<Line<'_>> {
    let rest = line.strip_prefix("Goroutine ")?;
    let (goroutine, rest) = number(rest)?;
    let rest = rest.strip_suffix("created at:")?.trim();
    let state = rest.trim_start_matches('(').trim_end_matches(')');
    Some(Line::CreatedAt { goroutine, state })
}

fn created(line: &str) -> Option<Line<'_>> {
    let rest = line.strip_prefix("created by ")?;
    let (function, goroutine) = match rest.rsplit_once(" in goroutine ") {
        Some((function, id)) => (function, id.trim().parse().ok()),
        None => (rest, None),
    };
    is_function(function).then_some(Line::Created {
        function,
        goroutine,
    })
}

/// Reads `main.(*T).M(0x1, {0x2?, ...})`.
fn call(line: &str) -> Option<Line<'_>> {
    let head = line.strip_suffix(')')?;
    let open = head.rfind('(')?;
    let (function, args) = (&head[..open], &head[open + 1..]);
    let is_arg = |b: u8| {
        // Some CI systems print `***` for what was `{` in a secret of theirs.
        matches!(
            b,
            b'x' | b'?' | b',' | b' ' | b'{' | b'}' | b'.' | b'_' | b'*'
        ) || b.is_ascii_hexdigit()
    };
    (args.bytes().all(is_arg) && is_function(function)).then_some(Line::Call { function, args })
}

/// Whether a text can be the name of a Go function: a package, a dot, and a name. Type arguments
/// and anonymous structs may hold spaces.
fn is_function(name: &str) -> bool {
    if name == "panic" {
        return true;
    }
    let open = name.find(['[', '{']).unwrap_or(name.len());
    let plain =
        |c: char| c.is_alphanumeric() || "_.-/*()%~@$+·:;!".contains(c) && !c.is_whitespace();
    let head = &name[..open];
    let head = head.strip_suffix("struct ").unwrap_or(head);
    name.contains('.') && head.chars().all(plain) && !head.starts_with(['/', '.'])
}

/// Reads `/src/main.go:12 +0x2b fp=0x1 sp=0x2 pc=0x3`.
fn source(line: &str) -> Option<Line<'_>> {
    // What follows may be cut off where a terminal wrapped it.
    let end = [" +0x", " fp=0x", " sp=0x", " pc=0x"]
        .iter()
        .filter_map(|mark| line.find(mark))
        .min()
        .unwrap_or(line.len());
    let rest = &line[..end];
    let (file, line) = rest.rsplit_once(':')?;
    let is_file = file.contains(['/', '\\', '.']) || file == "<autogenerated>";
    if !is_file || file.contains('\t') || file.contains(": ") {
        return None;
    }
    Some(Line::Source {
        file,
        line: line.parse().ok()?,
    })
}

/// Most words kept of a call: Go prints ten.
const MAX_WORDS: usize = 32;

/// Reads the words between the parentheses of a call, those inside braces too. None if the call
/// was inlined, so that there are none.
pub(crate) fn words(args: &str) -> Option<Args> {
    if args == "..." {
        return None;
    }
    let mut words = Vec::new();
    for word in args.split([',', ' ', '{', '}', '*']) {
        if words.len() == MAX_WORDS {
            break;
        }
        let (digits, stale) = match word.strip_suffix('?') {
            Some(digits) => (digits, true),
            None => (word, false),
        };
        if let Some(hex) = digits.strip_prefix("0x") {
            words.push(Word {
                value: u64::from_str_radix(hex, 16).ok(),
                stale,
            });
        } else if digits == "_" {
            words.push(Word { value: None, stale });
        }
    }
    Some(Args(words))
}

/// A number at the start, and what follows.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Header<'_> {
        match classify(line) {
            Line::Goroutine(header) => header,
            other => panic!("{line:?} is {other:?}"),
        }
    }

    #[test]
    fn headers_of_all_versions() {
        assert_eq!(read("goroutine 8 [running]:").state, "running");
        let header = read("goroutine 12 [chan receive (nil chan), 5 minutes, locked to thread]:");
        assert_eq!(
            (header.state, header.minutes, header.locked),
            ("chan receive (nil chan)", Some(5), true)
        );
        let header = read("goroutine 18 gp=0xc000003880 m=0 mp=0x55d460 [running]:");
        assert!(header.pointers && header.id == 18);
        assert!(read("goroutine 1 gp=0x3c07eb7ba1e0 m=nil [sleep]:").pointers);
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        let header = read(r#"goroutine 7 [running labels:{"req": "42 x]", "user": "bob"}]:"#);
        assert_eq!(
            (header.state, header.labels),
            ("running", vec![pair("req", "42 x]"), pair("user", "bob")])
        );
        let header = read(r#"goroutine 7 [select, 2 minutes] {req: "42 \"x\"", user: bob}:"#);
        assert_eq!((header.state, header.minutes), ("select", Some(2)));
        assert_eq!(
            header.labels,
            vec![pair("req", "42 \"x\""), pair("user", "bob")]
        );
        assert!(matches!(
            classify("goroutine 8 was started"),
            Line::Other(_)
        ));
    }

    #[test]
    fn calls() {
        for (line, name, n) in [
            (
                "main.(*Cache).Get(0x0?, {0x4afd70?, 0x0?})",
                "main.(*Cache).Get",
                Some(3),
            ),
            ("main.main()", "main.main", Some(0)),
            ("runtime.goexit({})", "runtime.goexit", Some(0)),
            ("runtime.goparkunlock(...)", "runtime.goparkunlock", None),
            ("main.F[...](0x1, _, ...)", "main.F[...]", Some(2)),
            (
                "main.(*M[go.shape.struct { x int }]).F(0x1)",
                "main.(*M[go.shape.struct { x int }]).F",
                Some(1),
            ),
            ("panic({0x4a, 0x5b})", "panic", Some(2)),
            (
                "gopkg.in/yaml%2ev3.unmarshal({0x1, 0x2, 0x3}, {0x4, 0x5}, 0x0)",
                "gopkg.in/yaml%2ev3.unmarshal",
                Some(6),
            ),
            ("main.glob..func1()", "main.glob..func1", Some(0)),
            ("main._Cfunc_crash()", "main._Cfunc_crash", Some(0)),
        ] {
            let Line::Call { function, args } = classify(line) else {
                panic!("{line}");
            };
            assert_eq!(function, name);
            assert_eq!(words(args).map(|args| args.0.len()), n, "{line}");
        }
        for line in [
            "Listening on (tcp) port(s)",
            "level=info msg=started (0x1)",
            "see foo bar.baz()",
        ] {
            assert!(matches!(classify(line), Line::Other(_)), "{line}");
        }
    }

    #[test]
    fn sources() {
        for (text, name, number) in [
            ("\t/tmp/c/rw.go:14 +0x2b", "/tmp/c/rw.go", 14),
            (
                "\t/a/panic.go:1096 +0x5c fp=0xc1 sp=0xc2 pc=0x43",
                "/a/panic.go",
                1096,
            ),
            (
                "\tC:/Users/me/x y/main.go:7 +0x1d",
                "C:/Users/me/x y/main.go",
                7,
            ),
            (
                "\texample.com/m@v1.2.3/a.go:3",
                "example.com/m@v1.2.3/a.go",
                3,
            ),
            ("\t<autogenerated>:1 +0x25", "<autogenerated>", 1),
            (
                "/a/panic.go:1116 +0x72 fp=0xc0 sp=0xc1 pc=0",
                "/a/panic.go",
                1116,
            ),
            ("\t_cgo_gotypes.go:49 +0x45", "_cgo_gotypes.go", 49),
        ] {
            assert_eq!(
                classify(text),
                Line::Source {
                    file: name,
                    line: number
                }
            );
        }
    }

    #[test]
    fn the_rest() {
        assert_eq!(
            classify("\tpanic: b [recovered]"),
            Line::Panic {
                text: "b [recovered]",
                nested: true
            }
        );
        assert_eq!(
            classify("http: panic serving [::1]:5014: assignment to entry in nil map"),
            Line::Serving("assignment to entry in nil map")
        );
        assert_eq!(
            classify("[signal SIGSEGV: segmentation violation code=0x1 addr=0x80 pc=0x4a]"),
            Line::Signal {
                name: "SIGSEGV",
                address: Some(0x80)
            }
        );
        assert_eq!(classify("...23 frames elided..."), Line::Elided(Some(23)));
        assert_eq!(
            classify("...additional frames elided..."),
            Line::Elided(None)
        );
        assert_eq!(
            classify("  Previous write at 0x00c000012345 by main goroutine:"),
            Line::Access {
                write: true,
                address: 0xc0_0001_2345,
                goroutine: 1
            }
        );
        assert!(matches!(
            classify("Write at 0x00c000012345 by goroutine 8:"),
            Line::Access {
                write: true,
                goroutine: 8,
                ..
            }
        ));
        assert_eq!(
            classify("Goroutine 7 (running) created at:"),
            Line::CreatedAt {
                goroutine: 7,
                state: "running"
            }
        );
        assert_eq!(
            classify("created by main.main in goroutine 1"),
            Line::Created {
                function: "main.main",
                goroutine: Some(1)
            }
        );
    }
}
