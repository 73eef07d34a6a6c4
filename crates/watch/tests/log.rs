//! Logs that are followed while they are written.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tophash_watch::board::Board;
use tophash_watch::clock::SystemClock;
use tophash_watch::history::History;
use tophash_watch::log::Log;

/// As Go 1.25 prints it.
fn crash(line: u32) -> String {
    format!(
        "fatal error: concurrent map writes\n\ngoroutine 7 [running]:\n\
         internal/runtime/maps.fatal({{0x4a0c1d?, 0x0?}})\n\t/go/src/runtime/panic.go:1046 +0x18\n\
         main.(*Cache).Set(0xc000012345, 0x1)\n\t/src/shop/cache.go:{line} +0x45\n\
         created by main.main in goroutine 1\n\t/src/shop/main.go:12 +0x2d\n\n\
         goroutine 1 [sleep]:\ntime.Sleep(0x3b9aca00)\n\t/go/src/runtime/time.go:338 +0x165\n\
         main.main()\n\t/src/shop/main.go:15 +0x3a\nexit status 2\n"
    )
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

struct Follower<'a> {
    path: &'a Path,
    board: Board,
    history: &'a History,
}

impl Follower<'_> {
    /// Follows while `work` runs, and then until the log has been read.
    fn run(&self, work: impl FnOnce(&Board)) {
        let log = Log {
            path: self.path.to_owned(),
            service: "shop".into(),
        };
        let stop = AtomicBool::new(false);
        let clock = SystemClock::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                log.follow(&clock, &self.board, self.history, &|| {
                    stop.load(Ordering::Relaxed)
                });
            });
            std::thread::sleep(Duration::from_millis(300));
            work(&self.board);
            stop.store(true, Ordering::Relaxed);
        });
    }
}

fn counts(board: &Board) -> Vec<(String, String, u64)> {
    let snapshot = board.snapshot(tophash_watch::clock::Time(0));
    let failures = snapshot.failures.into_iter();
    failures.map(|(key, n)| (key.kind, key.site, n)).collect()
}

fn wait_for(board: &Board, total: u64) {
    let start = Instant::now();
    while counts(board).iter().map(|(_, _, n)| n).sum::<u64>() < total {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{:?}",
            counts(board)
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn crashes_are_counted_once_through_rotation_truncation_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.log");
    let store = dir.path().join("history");
    append(&path, &format!("started\n{}", crash(1)));
    let history = History::open(&store).unwrap();
    let board = Board::load(&history, false).unwrap();
    let follower = Follower {
        path: &path,
        board,
        history: &history,
    };
    follower.run(|board| {
        // What was there before is old news.
        append(&path, "started again\n");
        // In pieces, as a dying process writes.
        let text = crash(31);
        let (one, two) = text.split_at(text.len() / 2);
        append(&path, one);
        std::thread::sleep(Duration::from_millis(400));
        append(&path, two);
        wait_for(board, 1);
        // Renamed, written to once more, replaced.
        fs::rename(&path, dir.path().join("shop.log.1")).unwrap();
        append(&dir.path().join("shop.log.1"), &crash(32));
        append(&path, &format!("started\n{}", crash(31)));
        wait_for(board, 3);
        // Copied and cut off.
        fs::write(&path, "").unwrap();
        std::thread::sleep(Duration::from_millis(700));
        append(&path, &crash(33));
        wait_for(board, 4);
    });
    let expected = |last: u64| {
        [
            "shop/cache.go:31",
            "shop/cache.go:32",
            "shop/cache.go:33",
            "shop/cache.go:34",
        ]
        .into_iter()
        .zip([2, 1, 1, last])
        .filter(|(_, n)| *n > 0)
        .map(|(site, n)| ("concurrent_map_writes".to_owned(), site.to_owned(), n))
        .collect::<Vec<_>>()
    };
    assert_eq!(counts(&follower.board), expected(0));
    assert!(follower.board.take_crash("shop").is_some());
    follower.board.keep(&history);
    history.flush().unwrap();
    drop(follower);
    drop(history);

    // While nobody looked.
    append(&path, &crash(34));
    let history = History::open(&store).unwrap();
    let board = Board::load(&history, false).unwrap();
    let follower = Follower {
        path: &path,
        board,
        history: &history,
    };
    follower.run(|board| wait_for(board, 5));
    assert_eq!(counts(&follower.board), expected(1));
}

#[test]
fn a_log_that_is_not_there_is_named_and_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("later.log");
    let history = History::in_memory().unwrap();
    let board = Board::load(&history, false).unwrap();
    let follower = Follower {
        path: &path,
        board,
        history: &history,
    };
    follower.run(|board| {
        let troubles = board.snapshot(tophash_watch::clock::Time(0)).troubles;
        assert!(troubles[0].contains("later.log: No such file"), "{troubles:?}");
        // A panic that net/http recovers ends nothing, but is one; a dump that was asked for isn't.
        append(
            &path,
            "2026/11/25 05:00:00 http: panic serving 127.0.0.1:5: assignment to entry in nil map\n\
             goroutine 34 [running]:\nnet/http.(*conn).serve.func1()\n\t/go/src/net/http/server.go:1947 +0xb0\n\
             panic({0x1?, 0x2?})\n\t/go/src/runtime/panic.go:792 +0x124\n\
             main.handle({0x1, 0x2}, 0x3)\n\t/src/shop/main.go:40 +0x2c\n\
             net/http.HandlerFunc.ServeHTTP(0x1, {0x2, 0x3}, 0x4)\n\t/go/src/net/http/server.go:2294 +0x29\n\
             created by net/http.(*Server).Serve in goroutine 1\n\t/go/src/net/http/server.go:3454 +0x4ba\n\
             2026/11/25 05:00:01 served\nSIGQUIT: quit\nPC=0x1 m=0 sigcode=0\n\n\
             goroutine 1 [sleep]:\nmain.main()\n\t/src/shop/main.go:15 +0x3a\n",
        );
        wait_for(board, 1);
    });
    let site = "shop/main.go:40".to_owned();
    assert_eq!(
        counts(&follower.board),
        [("map_write_to_nil".to_owned(), site, 1)]
    );
    assert!(follower.board.take_crash("shop").is_none());
    let snapshot = follower.board.snapshot(tophash_watch::clock::Time(0));
    assert!(snapshot.troubles.is_empty());
}
