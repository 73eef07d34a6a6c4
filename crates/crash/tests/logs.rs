//! Whatever a log puts around a crash, and whatever it loses of one, the verdict stays or becomes
//! less exact.

mod recorded;

use std::sync::LazyLock;

use proptest::prelude::*;
use recorded::{Recording, recordings};
use tophash_crash::{Case, Cases, Class, Kind, read_all};

static RECORDINGS: LazyLock<Vec<Recording>> = LazyLock::new(recordings);

/// Recordings of ordinary builds at levels that print something, without those that log beside
/// their crash or are megabytes.
fn crashes() -> impl Iterator<Item = &'static Recording> {
    RECORDINGS.iter().filter(|r| {
        r.level != "none"
            && matches!(r.build.as_str(), "plain" | "trimpath")
            && !r.name.starts_with("nil-noise")
            && r.text.len() < 100_000
    })
}

fn read(log: &[u8]) -> Cases {
    let (cases, error) = read_all(log);
    assert!(error.is_none());
    cases
}

fn only(log: &[u8], title: &str) -> Case {
    let mut cases = read(log).cases;
    assert_eq!(
        cases.len(),
        1,
        "{title}: {:?}\n{}",
        cases.iter().map(|c| c.verdict.class).collect::<Vec<_>>(),
        String::from_utf8_lossy(log)
    );
    cases.remove(0)
}

fn title(recording: &Recording, wrapper: &str) -> String {
    format!(
        "{} {} {} {} in {wrapper}",
        recording.version, recording.name, recording.level, recording.build
    )
}

/// Each line wrapped, `n` being its number.
fn each(text: &[u8], wrap: impl Fn(usize, &str) -> String) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<String> = text.lines().enumerate().map(|(n, l)| wrap(n, l)).collect();
    lines.join("\n").into_bytes()
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}

type Wrapper = (&'static str, fn(&[u8]) -> Vec<u8>);

const WRAPPERS: [Wrapper; 19] = [
    ("lines that end in CR LF", |t| {
        each(t, |_, l| format!("{l}\r"))
    }),
    ("colours", |t| {
        each(t, |_, l| format!("\u{1b}[31m{l}\u{1b}[0m"))
    }),
    ("a container runtime's log", |t| {
        each(t, |n, l| {
            format!(
                "2026-05-01T12:00:{:02}.{:09}Z stderr F {l}",
                n % 60,
                n * 7919
            )
        })
    }),
    ("kubectl logs --prefix", |t| {
        each(t, |_, l| format!("[pod/web-7d9f-x2x9k/app] {l}"))
    }),
    ("docker compose", |t| {
        each(t, |_, l| format!("web-1  | {l}"))
    }),
    ("the journal", |t| {
        each(t, |n, l| {
            format!(
                "May  {} 12:00:{:02} host-3 app[812]: {l}",
                n % 9 + 1,
                n % 60
            )
        })
    }),
    ("a level and a time in brackets", |t| {
        each(t, |n, l| {
            format!("[2026-05-01 12:00:{:02}] [error] {l}", n % 60)
        })
    }),
    ("docker's JSON", |t| {
        each(t, |n, l| {
            format!(
                r#"{{"log":{},"stream":"stderr","time":"2026-05-01T12:00:00.{n}Z"}}"#,
                json(&format!("{l}\n"))
            )
        })
    }),
    ("JSON of a collector", |t| {
        each(t, |n, l| {
            format!(
                r#"{{"ts":{n},"kubernetes":{{"pod_name":"web-0","labels":{{"app":"web"}}}},"message":{}}}"#,
                json(l)
            )
        })
    }),
    ("JSON behind a time", |t| {
        each(t, |n, l| {
            format!("2026-05-01T12:00:00.{n}Z stdout F {{\"msg\":{}}}", json(l))
        })
    }),
    ("one object of JSON", |t| {
        let text = String::from_utf8_lossy(t);
        format!(r#"{{"level":"error","stack":{}}}"#, json(&text)).into_bytes()
    }),
    ("one line of logfmt", |t| {
        let text = String::from_utf8_lossy(t);
        format!("time=2026-05-01T12:00:00Z level=error msg={}", json(&text)).into_bytes()
    }),
    ("lines without their tabs", |t| {
        each(t, |_, l| l.trim_start().to_owned())
    }),
    ("lines of another goroutine in between", |t| {
        each(t, |n, l| match n % 3 {
            2 => format!("{l}\n2026/05/01 12:00:00 INFO request served path=/a/b.go:12 n={n}"),
            _ => l.to_owned(),
        })
    }),
    ("records of OpenTelemetry", |t| {
        each(t, |n, l| {
            format!(
                r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"{n}","body":{{"stringValue":{}}}}}]}}]}}]}}"#,
                json(l)
            )
        })
    }),
    ("the journal's JSON, some lines as bytes", |t| {
        each(t, |n, l| match n % 2 {
            0 => format!(r#"{{"_PID":"77","MESSAGE":{}}}"#, json(l)),
            _ => format!(
                r#"{{"_PID":"77","MESSAGE":{:?}}}"#,
                format!("\u{1b}[31m{l}\u{1b}[0m").as_bytes()
            ),
        })
    }),
    ("grep -n", |t| {
        each(t, |n, l| format!("app.log:{}:{l}", n + 95))
    }),
    ("a blank line after each", |t| {
        each(t, |_, l| format!("{l}\n"))
    }),
    ("what a logger writes before the first line", |t| {
        each(t, |n, l| match n {
            0 => format!("E0501 12:00:00.000000       1 run.go:79] {l}"),
            _ => l.to_owned(),
        })
    }),
];

#[test]
fn wrapped_crashes_are_the_same() {
    // One of each grammar.
    let versions = ["go1.21", "go1.24", "go1.27"];
    for recording in crashes().filter(|r| versions.contains(&r.version.as_str())) {
        let bare = only(&recording.text, &title(recording, "nothing"));
        for (name, wrap) in WRAPPERS {
            let title = title(recording, name);
            let log = wrap(&recording.text);
            let case = only(&log, &title);
            assert_eq!(case.verdict.class, bare.verdict.class, "{title}");
            assert_eq!(case.crash.goroutines, bare.crash.goroutines, "{title}");
            assert_eq!(case.verdict.failed, bare.verdict.failed, "{title}");
            assert_eq!(
                case.verdict.fingerprint, bare.verdict.fingerprint,
                "{title}"
            );
        }
    }
}

/// Pods of one service that die at the same time, their lines mixed.
#[test]
fn pods_whose_lines_are_mixed() {
    for recording in crashes().filter(|r| r.name == "rw-method" || r.name == "nil-many") {
        let text = String::from_utf8_lossy(&recording.text);
        let log: String = text
            .lines()
            .flat_map(|l| (0..3).map(move |pod| format!("[pod/web-{pod}/app] {l}\n")))
            .collect();
        let case = only(log.as_bytes(), &title(recording, "three pods"));
        let bare = only(&recording.text, "bare");
        assert_eq!(case.times, 3);
        assert_eq!(case.crash.goroutines, bare.crash.goroutines);
        assert_eq!(case.verdict.others, bare.verdict.others);
    }
}

/// The same crash at each level, and as often as wanted, has one name.
#[test]
fn levels_share_a_fingerprint() {
    for name in [
        "nil-method",
        "nil-generic",
        "rw-method",
        "iw-range",
        "iw-json",
        "key-assign",
    ] {
        for version in ["go1.21", "go1.24", "go1.27"] {
            let mut log = Vec::new();
            for recording in
                crashes().filter(|r| r.name == name && r.version == version && r.build == "plain")
            {
                for _ in 0..50 {
                    log.extend_from_slice(&recording.text);
                }
            }
            let cases = read(&log).cases;
            let most = cases.iter().map(|c| c.times).max();
            // json may fail in more than one way.
            if name != "iw-json" {
                assert_eq!(cases.len(), 1, "{version} {name}");
                assert_eq!(most, Some(200), "{version} {name}");
            }
        }
    }
}

/// A log that ends anywhere has a crash of the same class, or of a vaguer one.
#[test]
fn cut_off_anywhere() {
    for recording in crashes().filter(|r| r.version == "go1.27" && r.level == "all") {
        let whole = only(&recording.text, &title(recording, "nothing"));
        // Each byte of what decides, and a sample of the rest.
        let ends = (0..recording.text.len()).filter(|end| *end < 600 || end % 97 == 0);
        for end in ends {
            let cases = read(&recording.text[..end]).cases;
            for case in &cases {
                let class = case.verdict.class;
                let vaguer = matches!(
                    class,
                    Class::OtherPanic
                        | Class::OtherFatalError
                        | Class::NilDereference
                        | Class::OutOfMemory
                        | Class::Signal
                        | Class::StacksOnly
                );
                assert!(
                    class == whole.verdict.class || vaguer,
                    "{}, {end} bytes: {class:?}",
                    title(recording, "half")
                );
            }
        }
    }
}

/// A log that begins in the middle never makes up another failure of a map.
#[test]
fn begins_anywhere() {
    for recording in crashes().filter(|r| r.version == "go1.24" && r.level == "system") {
        let whole = only(&recording.text, &title(recording, "nothing"));
        for start in (0..recording.text.len()).step_by(41) {
            for case in read(&recording.text[start..]).cases {
                let class = case.verdict.class;
                let inferred = class.is_of_maps() && whole.verdict.class.is_of_maps();
                assert!(
                    class == whole.verdict.class || !class.is_of_maps() || inferred,
                    "{}, from {start}: {class:?}",
                    title(recording, "half")
                );
            }
        }
    }
}

#[test]
fn a_million_goroutines() {
    let mut log = String::from("fatal error: concurrent map writes\n");
    for n in 1..=1_000_000 {
        log.push_str(&format!(
            "\ngoroutine {n} [chan receive, {} minutes]:\nmain.work(0xc{n:09x})\n\t/app/main.go:{} +0x1d\n",
            n % 90 + 1,
            // A third of them has a stack of its own.
            if n % 3 == 0 { n } else { 7 }
        ));
    }
    let case = only(log.as_bytes(), "a million goroutines");
    assert_eq!(case.crash.goroutines, 1_000_000);
    assert!(case.crash.stacks.len() <= 4096);
    let kept: u64 = case.crash.stacks.iter().map(|s| s.count).sum();
    assert_eq!(kept + case.crash.left_out, 1_000_000);
}

/// Forms met in public issues, cut down.
#[test]
fn loggers_of_others() {
    use tophash_crash::Operation::{Assign, Iterate, Read};
    let stack = "main.(*T).add(0xc000012345, {0x1, 0x2})\n\t/go/src/a/t.go:7 +0x1d\nmain.main()\n\t/go/src/a/t.go:11 +0x1d\n";
    for (log, class, operation) in [
        (
            format!("E0224 18:19:01.594696       1 runtime.go:78] Observed a panic: \"assignment to entry in nil map\" (assignment to entry in nil map)\ngoroutine 171 [running]:\nk8s.io/apimachinery/pkg/util/runtime.HandleCrash(0x0, 0x0, 0x0)\n/go/pkg/mod/k8s.io/apimachinery@v0.17.5/pkg/util/runtime/runtime.go:48 +0x82\npanic(0x18e2be0, 0x1d70f00)\n/usr/local/go/src/runtime/panic.go:679 +0x1b2\n{}", stack.replace('\t', "")),
            Class::NilMapWrite,
            Assign,
        ),
        (
            format!("E0618 07:08:04.165062       1 runtime.go:142] \"Observed a panic\" Pod=\"a/b\" panic=\"assignment to entry in nil map\" stacktrace=<\n        goroutine 171 [running]:\n        panic({{0x1ad15c0?, 0x2f82ec0?}})\n                /usr/local/go/src/runtime/panic.go:792 +0x132\n        {}", stack.trim_end().replace('\n', "\n        ")),
            Class::NilMapWrite,
            Assign,
        ),
        (
            format!("[PANIC RECOVER] assignment to entry in nil map goroutine 34 [running]:\nmain.recoverer.func1()\n\t/a/r.go:9 +0x1\npanic({{0x1, 0x2}})\n\t/usr/local/go/src/runtime/panic.go:914 +0x21f\n{stack}"),
            Class::NilMapWrite,
            Assign,
        ),
        (
            format!(
                "fatal error: concurrent map iteration and map write\n--\nSat, Aug 27 2022 3:47:12 pm |  \n{}",
                format!("goroutine 70 [running]:\nruntime.throw({{0x16d3ae8?, 0x1?}})\n/usr/local/go/src/runtime/panic.go:992 +0x71 fp=0xc000f0c258 sp=0xc000f0c228 pc=0\nruntime.mapiternext(0xe?)\n\t/usr/local/go/src/runtime/map.go:871 +0x4eb\n{stack}")
                    .lines()
                    .map(|l| format!("Sat, Aug 27 2022 3:47:12 pm | {l}\n"))
                    .collect::<String>()
            ),
            Class::ConcurrentMapIterationAndWrite,
            Iterate,
        ),
        (
            // Without its message, as copied into an issue.
            format!("> goroutine 10 [running]:\n> runtime.throw(0x70a0b7, 0x21)\n>         C:/Go/src/runtime/panic.go:608 +0x72\n> runtime.mapaccess1_faststr(0x6a40e0, 0xc00007f2c0, 0x8feb99, 0x1)\n>         C:/Go/src/runtime/map_faststr.go:21 +0x418\n> {}", stack.trim_end().replace("/go/src", "C:/Users/me/x y").replace('\n', "\n> ")),
            Class::ConcurrentMapReadAndWrite,
            Read,
        ),
        (
            format!("fatal error: concurrent map read and map write\n\ngoroutine 1 [running]:\nencoding/json.mapEncoder.encode(***0xc0109ff490?***, 0xc008c1a000, ***0x9?, 0x0?***)\n\t/usr/local/go/src/encoding/json/encode.go:797 +0x33e\n{stack}"),
            Class::ConcurrentMapReadAndWrite,
            Read,
        ),
    ] {
        let case = only(log.as_bytes(), &log);
        let failed = case.verdict.failed.as_ref().expect("a goroutine");
        let frame = &case.crash.stacks[failed.stack].frames[failed.frame.expect("a frame")];
        assert_eq!(case.verdict.class, class, "{log}");
        assert_eq!(failed.operations, [operation], "{log}");
        assert_eq!((frame.function.as_str(), frame.line), ("main.(*T).add", 7), "{log}");
    }
}

#[test]
fn what_is_no_crash() {
    for text in [
        "",
        "\n\n",
        "goroutine\n",
        "he did not panic: all was well\n",
        "INFO the worker recovered from panic: none\n",
        "docs: goroutine 1 [running] means that it runs\n",
        "created by main.main in goroutine 1\n\t/a.go:1\n",
        "==================\n",
        "exit status 2\n",
    ] {
        assert_eq!(read(text.as_bytes()).cases.len(), 0, "{text:?}");
    }
    assert_eq!(read(&vec![0; 3 << 20]).cases.len(), 0);
    assert_eq!(read(&vec![b'x'; 3 << 20]).cases.len(), 0);
    let mut garbage: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    garbage.extend_from_slice(b"\npanic: \xff\xfe\x00\n\ngoroutine 1 [running]:\nmain.f(\xff)\n");
    let case = only(&garbage, "garbage");
    assert_eq!(case.crash.kind, Kind::Panic);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Damage of all kinds: nothing panics, and what is kept stays in proportion.
    #[test]
    fn damaged(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..6_u8, any::<u8>()), 0..40),
    ) {
        let all: Vec<&Recording> = crashes().collect();
        let mut text = pick.get(&all).text.clone();
        for (at, what, byte) in edits {
            if text.is_empty() {
                break;
            }
            let at = at.index(text.len());
            match what {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                2 => { text.remove(at); }
                3 => text.truncate(at),
                4 => { text.drain(..at); }
                _ => {
                    let end = (at + 200).min(text.len());
                    let part = text[at..end].to_vec();
                    text.extend_from_slice(&part);
                }
            }
        }
        let cases = read(&text);
        let frames: usize = cases.cases.iter().flat_map(|c| &c.crash.stacks).map(|s| s.frames.len()).sum();
        prop_assert!(frames <= text.len());
    }
}
