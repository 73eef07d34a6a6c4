//! Formats of which there are no recordings: they are written after runtime/traceback.go,
//! runtime/panic.go and runtime/signal_windows.go.

use tophash_crash::{Case, Class, Operation, read_all};

fn only(log: &str) -> Case {
    let (mut read, error) = read_all(log.as_bytes());
    assert!(error.is_none());
    let classes: Vec<Class> = read.cases.iter().map(|c| c.verdict.class).collect();
    assert_eq!(classes.len(), 1, "{classes:?}\n{log}");
    read.cases.remove(0)
}

/// Function, file and line of the call that failed.
fn place(case: &Case) -> (&str, &str, u32) {
    let side = case.verdict.failed.as_ref().expect("a side");
    let frame = &case.crash.stacks[side.stack].frames[side.frame.expect("a frame")];
    (&frame.function, &frame.file, frame.line)
}

fn operations(case: &Case) -> &[Operation] {
    &case.verdict.failed.as_ref().expect("a side").operations
}

/// Up to 1.18 a conflict was thrown as the runtime's own errors are, so that all frames of that
/// goroutine are printed at any level; no creator has a number before 1.21.
#[test]
fn conflict_of_1_18() {
    let case = only(
        "fatal error: concurrent map iteration and map write

goroutine 34 [running]:
runtime.throw({0x4a1c2e?, 0x0?})
	/usr/local/go/src/runtime/panic.go:992 +0x71 fp=0xc000058e60 sp=0xc000058e30 pc=0x432a91
runtime.mapiternext(0xc000058f28)
	/usr/local/go/src/runtime/map.go:871 +0x4eb fp=0xc000058ed0 sp=0xc000058e60 pc=0x40e66b
main.(*stock).total(...)
	/app/stock.go:31
main.report(0xc00009e060)
	/app/report.go:12 +0x7d fp=0xc000058fc0 sp=0xc000058ed0 pc=0x48a2bd
main.main.func2()
	/app/main.go:19 +0x26 fp=0xc000058fe0 sp=0xc000058fc0 pc=0x48a4e6
runtime.goexit()
	/usr/local/go/src/runtime/asm_amd64.s:1571 +0x1 fp=0xc000058fe8 sp=0xc000058fe0 pc=0x45e2e1
created by main.main
	/app/main.go:19 +0xe5

goroutine 1 [sleep, 2 minutes]:
time.Sleep(0x2540be400)
	/usr/local/go/src/runtime/time.go:194 +0x12e
main.main()
	/app/main.go:25 +0x10f

goroutine 33 [runnable]:
main.(*stock).add(0xc00009e060, {0x49f5e7, 0x4}, 0x1)
	/app/stock.go:24 +0x45
created by main.main
	/app/main.go:18 +0xa5
exit status 2
",
    );
    assert_eq!(case.verdict.class, Class::ConcurrentMapIterationAndWrite);
    assert_eq!(operations(&case), [Operation::Iterate]);
    assert_eq!(place(&case), ("main.(*stock).total", "/app/stock.go", 31));
    assert_eq!(case.crash.goroutines, 3);
    assert_eq!(case.crash.stacks[1].wait, Some((2, 2)));
    assert_eq!(case.verdict.others[0].side.goroutine, 33);
    let created = case.crash.stacks[0].created.as_ref().expect("a creator");
    assert_eq!(
        (created.function.as_str(), created.goroutine),
        ("main.main", None)
    );
}

/// Since 1.19 the frames are hidden, and up to 1.20 the number of elided frames is, too.
#[test]
fn conflict_of_1_20() {
    let deep = "main.walk(0x5?)\n\t/app/walk.go:9 +0x1d\n".repeat(90);
    let case = only(&format!(
        "fatal error: concurrent map writes

goroutine 18 [running]:
main.(*seen).mark(0xc00009e060, {{0xc0000b2001, 0x4}})
	/app/walk.go:31 +0x45
{deep}...additional frames elided...
created by main.main
	/app/main.go:18 +0xa5

goroutine 19 [runnable, locked to thread]:
main.(*seen).mark(0xc00009e060, {{0xc0000b2011, 0x4}})
	/app/walk.go:31 +0x45
created by main.main
	/app/main.go:18 +0xa5
"
    ));
    assert_eq!(case.verdict.class, Class::ConcurrentMapWrites);
    assert_eq!(
        operations(&case),
        [Operation::Assign, Operation::Delete, Operation::Clear]
    );
    assert_eq!(place(&case), ("main.(*seen).mark", "/app/walk.go", 31));
    assert_eq!(case.crash.stacks[0].elided, Some((91, None)));
    assert_eq!(case.verdict.others[0].side.goroutine, 19);
    assert!(case.crash.stacks[1].locked);
}

/// Windows: drives, blanks in directories, `\r\n`, signals that have numbers instead of names,
/// and the text of an exception outside Go's code.
#[test]
fn windows() {
    let stack = "goroutine 1 [running]:
main.(*shelf).find(...)
	C:/Users/Jo Doe/src/shop/shelf.go:14
main.main()
	C:/Users/Jo Doe/src/shop/main.go:9 +0x3b
";
    let shelf = "C:/Users/Jo Doe/src/shop/shelf.go";
    for (message, class) in [
        (
            "panic: assignment to entry in nil map\n\n",
            Class::NilMapWrite,
        ),
        (
            "panic: runtime error: hash of unhashable type []int\n\n",
            Class::UnhashableKey,
        ),
        (
            "fatal error: concurrent map writes\n\n",
            Class::ConcurrentMapWrites,
        ),
        (
            "panic: runtime error: invalid memory address or nil pointer dereference\n\
             [signal 0xc0000005 code=0x0 addr=0x8 pc=0x8f3a1b]\n\n",
            Class::NilDereference,
        ),
    ] {
        for log in [
            format!("{message}{stack}exit status 2\n"),
            format!("{message}{stack}").replace('\n', "\r\n"),
            // PowerShell and editors make blanks of a tab.
            format!("{message}{stack}").replace('\t', "        "),
            format!("{message}{stack}").replace("C:/Users/Jo Doe/src/", "D:\\a\\"),
        ] {
            let case = only(&log);
            assert_eq!(case.verdict.class, class, "{log}");
            let (function, file, line) = place(&case);
            assert_eq!((function, line), ("main.(*shelf).find", 14), "{log}");
            assert!(file == shelf || file == "D:\\a\\shop/shelf.go", "{file}");
            let address = case.crash.signal.as_ref().and_then(|s| s.address);
            assert_eq!(address, (class == Class::NilDereference).then_some(8));
        }
    }
    let case = only(&format!(
        "Exception 0xc0000005 0x0 0x10 0x7ffd1c2a1b4f\nPC=0x7ffd1c2a1b4f\nsignal arrived during external code execution\n\n\
         goroutine 1 [syscall]:\nruntime.cgocall(0x4a1f20, 0xc000071e60)\n\tC:/Program Files/Go/src/runtime/cgocall.go:157 +0x4a fp=0xc000071e38 sp=0xc000071e00 pc=0x40571a\n{}rax     0x0\nrbx     0x10\n",
        stack.split_once('\n').expect("a header").1
    ));
    assert_eq!(case.verdict.class, Class::Signal);
    assert_eq!(case.crash.goroutines, 1);
    assert_eq!(case.crash.stacks[0].frames.len(), 3);
}
