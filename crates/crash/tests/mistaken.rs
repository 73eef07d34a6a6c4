//! Texts that are easily taken for something else, each reduced to the lines that matter.

use tophash_crash::{Case, Class, Kind, read_all};

fn read(log: &str) -> Vec<Case> {
    let (cases, error) = read_all(log.as_bytes());
    assert!(error.is_none());
    cases.cases
}

fn classes(log: &str) -> Vec<Class> {
    read(log).iter().map(|case| case.verdict.class).collect()
}

fn only(log: &str) -> Case {
    let mut cases = read(log);
    assert_eq!(cases.len(), 1, "{log}\n{cases:#?}");
    cases.remove(0)
}

/// The program's function that failed.
fn function(case: &Case) -> Option<&str> {
    let side = case.verdict.failed.as_ref()?;
    let frame = case.crash.stacks.get(side.stack)?.frames.get(side.frame?)?;
    Some(&frame.function)
}

#[test]
fn words_of_the_runtime_in_a_panic_of_the_program() {
    let stack = "\n\ngoroutine 1 [running]:\nmain.main()\n\t/a/main.go:9 +0x1d\n";
    for text in [
        "concurrent map writes",
        "child 7 exited: fatal error: concurrent map writes",
        "line one\n\tfatal error: concurrent map writes\n\t\n\tgoroutine 99 [running]:\n\tmain.f()\n\t",
        "line one\nfatal error: concurrent map writes",
    ] {
        let case = only(&format!("panic: {text}{stack}"));
        assert_eq!(case.verdict.class, Class::OtherPanic, "{text}");
        assert_eq!(function(&case), Some("main.main"), "{text}");
    }
    // What wraps a panic of the runtime's is still that.
    let case = only(&format!(
        "panic: job 7: assignment to entry in nil map{stack}"
    ));
    assert_eq!(case.verdict.class, Class::NilMapWrite);
    // But the stack is not that of the write.
    assert!(case.verdict.quoted);
    let finding = tophash_crash::finding(&case, "log", &tophash_crash::NoSource);
    assert_eq!(
        finding.message,
        "main panics with a text that says that a nil map was written to: job 7: assignment to entry in nil map"
    );
    assert!(finding.fixes.is_empty());
    let case = only(&format!(
        "panic: job 7: assignment to entry in nil map\n\n{RECOVERED}"
    ));
    assert!(!case.verdict.quoted);
}

#[test]
fn sentences_that_quote_a_crash() {
    for log in [
        "2026/05/01 12:00:00 worker 3 died: fatal error: concurrent map writes (see the other pod)\n",
        "2026/05/01 12:00:00 worker died with fatal error: concurrent map writes\n",
        "2026/05/01 12:00:00 {\"msg\":\"last crash\",\"reason\":\"fatal error: concurrent map writes\"}\n",
        "\tlog.Fatal(\"died: fatal error: concurrent map writes\")\n",
        "\t// panic: assignment to entry in nil map\n",
        "    panic: assignment to entry in nil map\n",
        "> fatal error: concurrent map read and map write\nin the FAQ.\n",
        "src/foo.c:1:10: fatal error: foo.h: No such file or directory\n",
        "x86_64-linux-gnu-gcc-12: fatal error: no input files\n",
        "/usr/bin/ld.gold: fatal error: out.o: open: Permission denied\n",
        "fatal error: too many errors emitted, stopping now [-ferror-limit=]\n",
        "{\"msg\":\"last crash\",\"reason\":\"fatal error: concurrent map writes\"}\n",
    ] {
        assert_eq!(classes(log), [], "{log}");
        let json = |text: &str| serde_json::to_string(text).expect("a string");
        for outer in [
            format!(r#"{{"log":{}}}"#, json(log)),
            format!("level=info msg={}", json(&format!("child:\n{log}done\n"))),
        ] {
            assert_eq!(classes(&outer), [], "{outer}");
        }
    }
    assert_eq!(
        classes("panic: assignment to entry in nil map was fixed in release 1.2\n"),
        [Class::OtherPanic]
    );
    // GOTRACEBACK=none: nothing but the message.
    for log in [
        "fatal error: concurrent map writes\n",
        "May  1 12:00:00 node-7 app[4711]: fatal error: concurrent map writes\n",
        "{\"log\":\"fatal error: concurrent map writes\\n\",\"stream\":\"stderr\"}\n",
        "2026-05-01T12:00:00.123456789Z stderr F fatal error: concurrent map writes\n",
    ] {
        assert_eq!(classes(log), [Class::ConcurrentMapWrites], "{log}");
    }
}

const RECOVERED: &str = "goroutine 1 [running]:
runtime/debug.Stack()
	/go/src/runtime/debug/stack.go:26 +0x5e
main.safely.func1()
	/a/main.go:29 +0x3b9
panic({0x4b3cc0?, 0x57e310?})
	/go/src/runtime/panic.go:783 +0x132
main.(*Job).tag(...)
	/a/main.go:16
main.main()
	/a/main.go:50 +0x70
";

#[test]
fn a_stack_in_the_text_of_a_panic() {
    let own = RECOVERED.replace(
        "runtime/debug.Stack()\n\t/go/src/runtime/debug/stack.go:26 +0x5e\n",
        "",
    );
    // As 1.21 prints it, and as later versions do.
    for indent in ["", "\t"] {
        let quoted: String = RECOVERED
            .lines()
            .map(|l| format!("{indent}{l}\n"))
            .collect();
        let log = format!(
            "panic: assignment to entry in nil map [recovered]\n\tpanic: job failed: assignment to entry in nil map\n{quoted}{indent}\n\n{own}"
        );
        let case = only(&log);
        assert_eq!(case.verdict.class, Class::NilMapWrite);
        assert_eq!(case.crash.goroutines, 1);
        assert_eq!(function(&case), Some("main.(*Job).tag"));
    }
}

#[test]
fn one_goroutine_logs_two_panics_one_after_the_other() {
    let log = format!(
        "2026/05/01 12:00:00 panic: assignment to entry in nil map\n{RECOVERED}\n2026/05/01 12:00:00 job 0 failed\n\
         2026/05/01 12:00:01 panic: assignment to entry in nil map\n{RECOVERED}\n"
    );
    assert_eq!(only(&log).times, 2);
}

#[test]
fn logs_in_logs() {
    let json = |text: &str| serde_json::to_string(text).expect("a string");
    let logfmt = format!(
        "time=2026-05-01T12:00:00Z level=ERROR msg=recovered err=\"assignment to entry in nil map\" stack={}",
        json(RECOVERED)
    );
    let object = format!(
        r#"{{"level":"ERROR","msg":"recovered","err":"assignment to entry in nil map","stack":{}}}"#,
        json(RECOVERED)
    );
    for line in [&logfmt, &object] {
        let docker = format!(
            r#"{{"log":{},"stream":"stderr"}}"#,
            json(&format!("{line}\n"))
        );
        for log in [line, &docker] {
            let case = only(log);
            assert_eq!(case.verdict.class, Class::NilMapWrite, "{log}");
            assert_eq!(function(&case), Some("main.(*Job).tag"), "{log}");
        }
    }
    // All of what a child process logged, in one line of its parent.
    let all = format!("starting\n{object}\nstopping\n");
    let case = only(&format!("level=error app=parent msg={}", json(&all)));
    assert_eq!(function(&case), Some("main.(*Job).tag"));
    let stack = r#"{"msg":"worker exited","stacktrace":"panic: assignment to entry in nil map\n"}"#;
    assert_eq!(classes(stack), [Class::NilMapWrite]);
    // A report and a message without goroutines, in one line.
    let race = "==================\nWARNING: DATA RACE\nRead at 0x00c00001 by goroutine 8:\n  main.f()\n      /a/main.go:9 +0x1\n\nPrevious write at 0x00c00001 by goroutine 7:\n  main.g()\n      /a/main.go:8 +0x1\n==================\n";
    let line = format!("level=error msg={}", json(&format!("child:\n{race}")));
    assert_eq!(only(&line).crash.kind, Kind::Race);
    let line = "level=error msg=\"child died:\\npanic: assignment to entry in nil map\\n\"";
    assert_eq!(classes(line), [Class::NilMapWrite]);
}

#[test]
fn a_byte_order_mark_begins_the_file() {
    let log = format!("\u{feff}panic: assignment to entry in nil map\n\n{RECOVERED}");
    assert_eq!(function(&only(&log)), Some("main.(*Job).tag"));
}

#[test]
fn lines_that_a_container_runtime_cut() {
    let log = format!("panic: assignment to entry in nil map\n\n{RECOVERED}");
    let time = "2026-05-01T12:00:00.123456789Z stderr";
    let mut cut = String::new();
    for line in log.lines() {
        match line.split_at_checked(24) {
            Some((head, tail)) if !tail.is_empty() => {
                cut += &format!(
                    "{time} P {head}\n2026-05-01T12:00:00.2Z stdout F other\n{time} F {tail}\n"
                );
            }
            _ => cut += &format!("{time} F {line}\n"),
        }
    }
    let case = only(&cut);
    assert_eq!(case.verdict.class, Class::NilMapWrite);
    assert_eq!(function(&case), Some("main.(*Job).tag"));
}

/// The goroutines named as the other side, the likeliest first.
fn others(case: &Case) -> Vec<u64> {
    case.verdict
        .others
        .iter()
        .map(|o| o.side.goroutine)
        .collect()
}

#[test]
fn words_that_any_goroutine_holds() {
    // A type's address, one function's dictionary and its line are no signs of one map.
    let case = only(
        "fatal error: concurrent map iteration and map write

goroutine 19 [running]:
main.(*Cache[...]).Each(0xc000012345, 0x4bac70, {0x77b1a8, 0xc000099990})
	/a/lru.go:35 +0x1d
created by main.main in goroutine 1
	/a/lru.go:50 +0x1d

goroutine 48 [runnable]:
net/http.(*exactSig).match(0x77b1a8, {0xc0000f0000, 0x10}, 0x0)
	/go/src/net/http/sniff.go:202 +0x1d
net/http.(*conn).serve(0xc000011111, {0x77b1a8, 0xc000022222})
	/go/src/net/http/server.go:2074 +0x1d
created by net/http.(*Server).Serve in goroutine 1
	/go/src/net/http/server.go:3462 +0x1d

goroutine 21 [runnable]:
main.(*Cache[...]).Each(0xc000067890, 0x4bac70, {0x77b1a8, 0xc000088880})
	/a/lru.go:35 +0x1d
created by main.main in goroutine 1
	/a/lru.go:50 +0x1d

goroutine 18 [runnable]:
main.(*Cache[...]).Put(0xc000055555?, 0x4bac70, 0x1)
	/a/lru.go:25 +0x1d
created by main.main in goroutine 1
	/a/lru.go:50 +0x1d
",
    );
    assert_eq!(others(&case), [18, 21]);
    // A variable of the program's own memory is one.
    let case = only(
        "fatal error: concurrent map writes

goroutine 19 [running]:
main.(*Cache).Put(0x5a1000, {0xc000012345, 0x2})
	/a/lru.go:35 +0x1d

goroutine 21 [runnable]:
main.(*Table).Load(0x5a1000)
	/a/lru.go:99 +0x1d
",
    );
    assert_eq!(others(&case), [21]);
}

#[test]
fn a_copy_reads_one_map_and_writes_another() {
    let case = only(
        "fatal error: concurrent map read and map write

goroutine 18 [running]:
internal/runtime/maps.fatal({0x4bce5f?, 0x467752?})
	/go/src/runtime/panic.go:1058 +0x18
main.(*Flags).Has(0xc000086038, {0xc0000f6008, 0x3})
	/a/main.go:27 +0x35

goroutine 1 [runnable]:
internal/runtime/maps.(*Iter).Next(0xc00008cc88)
	/go/src/internal/runtime/maps/table.go:674 +0x65b
maps.Copy[...](...)
	/go/src/maps/maps.go:63
main.(*Flags).Load(0xc000086038, 0xc00008cf10?)
	/a/main.go:33 +0x65
",
    );
    let other = &case.verdict.others[0];
    assert_eq!(other.side.operations, [tophash_crash::Operation::Assign]);
    assert_eq!(other.side.goroutine, 1);
}

#[test]
fn a_method_of_a_map_type_is_the_operation() {
    let log = "fatal error: concurrent map writes

goroutine 19 [running]:
net/textproto.MIMEHeader.Set(...)
	/go/src/net/textproto/header.go:22
net/http.Header.Set(...)
	/go/src/net/http/header.go:40
main.(*hop).stamp(0xc0000920b0, 0xc000074030?)
	/a/main.go:15 +0xbd
";
    let failed = only(log).verdict.failed.expect("a side");
    assert_eq!(failed.operations, [tophash_crash::Operation::Assign]);
    // It reads the values before it assigns them.
    let failed = only(&log.replace(".Set", ".Add")).verdict.failed;
    assert!(failed.expect("a side").operations.len() > 1);
}

#[test]
fn the_race_detector_sees_len() {
    let case = only(
        "==================
WARNING: DATA RACE
Read at 0x00c00009c120 by goroutine 8:
  main.(*Store).Len()
      /a/store.go:9 +0x31

Previous write at 0x00c00009c120 by goroutine 7:
  runtime.mapassign_faststr()
      /go/src/internal/runtime/maps/runtime_faststr.go:261 +0x0
  main.(*Store).Set()
      /a/store.go:7 +0x50
==================
",
    );
    assert_eq!(case.verdict.class, Class::ConcurrentMapReadAndWrite);
    let failed = case.verdict.failed.as_ref().expect("a side");
    assert_eq!(failed.operations, [tophash_crash::Operation::Read]);
}

#[test]
fn a_loop_over_a_map_that_has_grown_looks_up() {
    let case = only(
        "fatal error: concurrent map read and map write

goroutine 1 [running]:
internal/runtime/maps.fatal({0x4d9e7a?, 0x3cded0b161e0?})
	/go/src/runtime/panic.go:1181 +0x18
internal/runtime/maps.(*Map).getWithKey(0x3cded0b92c60, 0x4bda60, 0x3cded14993f8)
	/go/src/internal/runtime/maps/map.go:413 +0x45
internal/runtime/maps.(*Iter).grownKeyElem(0x3cded0b8aec0, 0x3cded14993f8, 0x3)
	/go/src/internal/runtime/maps/table.go:763 +0x37
internal/runtime/maps.(*Iter).Next(0x3cded0b8aec0)
	/go/src/internal/runtime/maps/table.go:984 +0x1db
main.(*Hub).Broadcast(...)
	/a/hub.go:45
",
    );
    assert_eq!(case.verdict.class, Class::ConcurrentMapReadAndWrite);
    let failed = case.verdict.failed.as_ref().expect("a side");
    assert_eq!(failed.operations, [tophash_crash::Operation::Iterate]);
    assert_eq!(
        case.verdict.conflict,
        Some(tophash_crash::Conflict::IterateDuringWrite)
    );
}

#[test]
fn nobody_failed_where_stacks_were_asked_for() {
    let mut out = Vec::new();
    let case = only(
        "SIGQUIT: quit\nPC=0x47b301 m=0 sigcode=0\n\ngoroutine 0 [idle]:\n\ngoroutine 1 [sleep]:\nmain.main()\n\t/a/main.go:9 +0x1\n",
    );
    assert_eq!(case.verdict.class, Class::Signal);
    tophash_crash::list(
        &case,
        tophash_crash::Listing { all: true },
        &|f| f.to_owned(),
        &mut out,
    )
    .expect("a buffer");
    assert!(!String::from_utf8_lossy(&out).contains("failed here"));
}

/// A file of Go source that holds a log, a dump of settings, a page of YAML.
#[test]
fn source_and_settings() {
    let stack = "goroutine 1 [running]:\nmain.main()\n\t/a/main.go:9 +0x1d\n";
    for log in [
        format!("const want = `{stack}`\n"),
        format!("\tinput: `panic: boom\n\n{stack}`,\n").replace("input: `", "input := `"),
        format!("var text = `\n{stack}`\n"),
        format!("\tparse(`{stack}`)\n"),
        "opt-level: 3\npanic: none\nlto: true\n".to_owned(),
        "profile:\n  panic: abort\n  debug: false\n".to_owned(),
        "  panic: see the log of the other pod\n".to_owned(),
    ] {
        assert_eq!(classes(&log), [], "{log}");
    }
    for log in [
        "panic: boom\n".to_owned(),
        format!("panic: none\n\n{stack}"),
        format!("time=1 msg=`panic: boom\n\n{stack}`\n"),
    ] {
        assert_eq!(classes(&log), [Class::OtherPanic], "{log}");
    }
}

/// Each text inside another can be looked at in several ways; a line that is made of them must not
/// take time that doubles with each.
#[test]
fn texts_inside_one_another() {
    let mut line = "goroutine 1 [running]:\nmain.main()\n\t/a.go:1 +0x1\n".to_owned();
    for depth in 0..16 {
        let found = classes(&line).len();
        // What real logs have is read, what is beyond may be left.
        assert!(found == 1 || depth > 3, "{depth} {line}");
        line = format!("{}\n", serde_json::json!({ "log": line }));
    }
    let log = line.repeat(8);
    let start = std::time::Instant::now();
    classes(&log);
    assert!(start.elapsed().as_secs() < 4, "{:?}", start.elapsed());
}

#[test]
fn keys_of_a_sync_map() {
    let case = only(
        "panic: runtime error: hash of unhashable type []int

goroutine 1 [running]:
internal/sync.(*HashTrieMap[...]).Swap(0x4e76c0, {0x4a2e40, 0xc0000902a0}, {0x4a3e60, 0x4e5490})
	/go/src/internal/sync/hashtriemap.go:207 +0xa2
internal/sync.(*HashTrieMap[...]).Store(...)
	/go/src/internal/sync/hashtriemap.go:200
sync.(*Map).Store(...)
	/go/src/sync/hashtriemap.go:55
main.main()
	/a/main.go:20 +0xa5
",
    );
    let failed = case.verdict.failed.as_ref().expect("a side");
    assert_eq!(failed.operations, [tophash_crash::Operation::Assign]);
    let case = only(
        "panic: runtime error: hash of unhashable type: []int\n\ngoroutine 1 [running]:\nmain.main()\n\t/a/main.go:20 +0xa5\n",
    );
    let failed = case.verdict.failed.as_ref().expect("a side");
    assert_eq!(
        failed.operations,
        [
            tophash_crash::Operation::Read,
            tophash_crash::Operation::Delete
        ]
    );
}

#[test]
fn a_nil_pointer_without_a_stack() {
    let case = only(
        "panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4901e7]\n",
    );
    assert_eq!(case.verdict.class, Class::NilDereference);
    assert!(case.verdict.missing[0].contains("can't tell where it was"));
}

/// A thread that fails writes its message, then another one's report comes, then its stack.
#[test]
fn a_report_of_a_race_between_a_message_and_its_stack() {
    let cases = read(
        "fatal error: concurrent map writes
==================
WARNING: DATA RACE
Write at 0x00c0000a3170 by goroutine 12:
  runtime.mapassign_faststr()
      /go/src/runtime/map_faststr.go:203 +0x0
  main.set()
      /a/main.go:7 +0x8e

Previous write at 0x00c0000a3170 by goroutine 10:
  runtime.mapassign_faststr()
      /go/src/runtime/map_faststr.go:203 +0x0
  main.set()
      /a/main.go:7 +0x8e
==================

goroutine 22 [running]:
main.set(...)
	/a/main.go:7
created by main.main in goroutine 1
	/a/main.go:20 +0x1199

goroutine 1 [sleep]:
main.main()
	/a/main.go:30 +0x11
",
    );
    let found: Vec<_> = (cases.iter())
        .map(|case| (case.crash.kind, case.verdict.class, case.crash.goroutines))
        .collect();
    assert_eq!(
        found,
        [
            (Kind::Fatal, Class::ConcurrentMapWrites, 2),
            (Kind::Race, Class::ConcurrentMapWrites, 2)
        ]
    );
}

/// In 1.27 the function that looks up with one result is in no report, only who called it.
#[test]
fn a_report_that_lacks_the_function_that_reads() {
    let case = only(
        "==================
WARNING: DATA RACE
Read at 0x00c000089170 by goroutine 10:
  runtime.mapaccess2_faststr()
      /go/src/internal/runtime/maps/runtime_faststr.go:120 +0x0
  runtime.mapaccess1_faststr()
      /go/src/internal/runtime/maps/runtime_faststr.go:115 +0x17
  main.serve()
      /a/main.go:14 +0x85

Previous write at 0x00c000089170 by goroutine 9:
  runtime.mapassign_faststr()
      /go/src/internal/runtime/maps/runtime_faststr.go:261 +0x0
  main.set()
      /a/main.go:7 +0x8e
==================
",
    );
    assert_eq!(case.verdict.class, Class::ConcurrentMapReadAndWrite);
    assert!(case.verdict.failed.as_ref().is_some_and(|f| f.only_called));
    assert!(!case.verdict.others[0].side.only_called);
    let finding = tophash_crash::finding(&case, "log", &tophash_crash::NoSource);
    assert_eq!(
        finding.message,
        "a function that serve calls reads a map while set writes to it"
    );
    assert!(case.verdict.missing[0].contains("it is one that serve calls"));
}

/// The other goroutines of the dump are of the same crash.
#[test]
fn a_logged_panic_with_all_goroutines() {
    let case = only(
        "E0501 12:00:00 run.go:7] panic: assignment to entry in nil map

goroutine 7 [running]:
main.add(...)
	/a/main.go:7

goroutine 1 [select, 3 minutes]:
main.main()
	/a/main.go:30 +0x11
",
    );
    assert_eq!(case.crash.goroutines, 2);
}

#[test]
fn a_sync_map_looks_up_before_it_stores() {
    let case = only(
        "panic: runtime error: hash of unhashable type []int

goroutine 1 gp=0xc0000061c0 m=0 mp=0x554aa0 [running]:
panic({0x4a2e40?, 0xc0000902a0?})
	/go/src/runtime/panic.go:770 +0x132 fp=0xc1 sp=0xc2 pc=0x43
runtime.typehash(0x4a2e40, 0xc0000902a0, 0x1)
	/go/src/runtime/alg.go:228 +0x1 fp=0xc1 sp=0xc2 pc=0x43
runtime.mapaccess2(0x4a2e40, 0xc0000902a0, 0x1)
	/go/src/runtime/map.go:457 +0x1 fp=0xc1 sp=0xc2 pc=0x43
sync.(*Map).Swap(0xc0000902a0, {0x4a2e40, 0xc0000902a0}, {0x4a2e40, 0x0})
	/go/src/sync/map.go:375 +0x1 fp=0xc1 sp=0xc2 pc=0x43
sync.(*Map).Store(...)
	/go/src/sync/map.go:155
main.main()
	/a/main.go:20 +0xa5 fp=0xc1 sp=0xc2 pc=0x43
",
    );
    let failed = case.verdict.failed.as_ref().expect("a side");
    assert_eq!(failed.operations, [tophash_crash::Operation::Assign]);
}

/// Two that say the same, one of them behind a pod's name.
#[test]
fn the_same_words_of_two_programs() {
    let cases = read(
        "[pod/web-1] fatal error: concurrent map writes
[pod/web-1] 
fatal error: concurrent map writes
[pod/web-1] goroutine 1 [running]:

goroutine 17 [running]:
[pod/web-1] main.one(...)
main.two(...)
	/b/main.go:7
[pod/web-1] 	/a/main.go:9
",
    );
    let found: Vec<_> = cases.iter().map(function).collect();
    assert_eq!(found, [Some("main.one"), Some("main.two")]);
}

/// Lines are cut where they are too long, and are still one for who counts them.
#[test]
fn a_long_line_is_one() {
    let long = "x".repeat(3_500_000);
    let cases = read(&format!(
        "{long}\n{long}\npanic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:1 +0x1\n"
    ));
    assert_eq!(cases[0].seen, [(3, 7)]);
    let (cases, _) = read_all(format!("{long}panic: boom {long}\nend").as_bytes());
    assert_eq!(cases.totals.lines, 2);
}
