//! What is kept from run to run: the history on a full disk, and how far a log was read.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::{Watch, service, wait};

/// `tophash watch` with a history, started so that a write beyond what its files may have is an
/// error, as on a full disk, and no signal that ends it.
fn watch(history: &Path, arguments: &[&str]) -> Watch {
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_tophash"))
        .args(["watch", "--listen", "127.0.0.1:0", "--history"])
        .arg(history)
        .args(arguments);
    Watch::launch(command)
}

/// Sets how large files may become.
fn limit(watch: &Watch, bytes: Option<u64>) {
    let new = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(Some(Pid::from_child(&watch.child)), Resource::Fsize, new).unwrap();
}

/// Points of the first target's map memory in the history.
fn points(watch: &Watch) -> usize {
    let reply = watch.get("/api/history?target=0", "localhost");
    let series = reply.split("\"maps.live\":").nth(1).unwrap_or_default();
    let series = series.split("]]").next().unwrap_or_default();
    series.matches('[').count()
}

#[test]
fn a_full_disk_is_said_and_nothing_is_lost_when_there_is_room_again() {
    let dir = tempfile::tempdir().unwrap();
    let history = dir.path().join("history");
    let service = service();
    let mut watch = self::watch(&history, &[&service.url]);
    watch.wait_for("it answers");
    let before = points(&watch);
    limit(&watch, Some(4096));
    let said = watch.wait_for("the history can't be written");
    assert_eq!(
        said.matches("the history can't be written").count(),
        1,
        "{said}"
    );
    // Polls go on meanwhile, and are kept in memory.
    std::thread::sleep(Duration::from_secs(3));
    limit(&watch, None);
    wait("the end of the trouble", || {
        let state = watch.get("/api/state", "localhost");
        match state.contains("can't be written") {
            true => Err(state),
            false => Ok(()),
        }
    });
    let during = points(&watch);
    assert!(during > before, "{during} points, {before} before");
    watch.stop();
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));

    let again = self::watch(&history, &[&service.url]);
    again.wait_for("it answers");
    let kept = points(&again);
    assert!(kept >= during, "{kept} points of {during}");
}

#[test]
fn a_store_that_can_not_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tophash"))
        .args([
            "watch",
            "127.0.0.1:1",
            "--for",
            "1s",
            "--listen",
            "127.0.0.1:0",
        ])
        .arg("--history")
        .arg(dir.path())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains(&*dir.path().to_string_lossy()), "{err}");
}

fn crash(line: u32) -> String {
    format!(
        "fatal error: concurrent map writes\n\ngoroutine 7 [running]:\n\
         main.(*Cache).Set(0xc000012345, 0x1)\n\t/src/shop/cache.go:{line} +0x45\n\
         created by main.main in goroutine 1\n\t/src/shop/main.go:12 +0x2d\n\n\
         goroutine 1 [sleep]:\nmain.main()\n\t/src/shop/main.go:15 +0x3a\nexit status 2\n"
    )
}

fn append(path: &Path, text: &str) {
    let mut options = OpenOptions::new();
    let mut file = options.create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// How often each line of cache.go has failed.
fn failures(watch: &Watch) -> Vec<(u32, u32)> {
    let metrics = watch.get("/metrics", "localhost");
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with("tophash_map_failures_total{"));
    let mut all: Vec<(u32, u32)> = lines
        .map(|line| {
            let (_, rest) = line.split_once("shop/cache.go:").unwrap();
            let (site, _) = rest.split_once('"').unwrap();
            let (_, n) = line.rsplit_once(' ').unwrap();
            (site.parse().unwrap(), n.parse::<f64>().unwrap() as u32)
        })
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn crashes_in_a_log_are_counted_once_through_rotation_and_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (history, log) = (dir.path().join("history"), dir.path().join("shop.log"));
    append(&log, &format!("old news\n{}", crash(30)));
    let service = service();
    let target = format!("shop={}", service.url);
    let arguments = [target.as_str(), "--log", log.to_str().unwrap()];
    let mut watch = self::watch(&history, &arguments);
    watch.wait_for("it answers");
    std::thread::sleep(Duration::from_millis(500));
    append(&log, &crash(31));
    watch.wait_for("cache.go:31");
    fs::rename(&log, dir.path().join("shop.log.1")).unwrap();
    append(&dir.path().join("shop.log.1"), &crash(32));
    append(&log, &format!("started again\n{}", crash(31)));
    let reached = |watch: &Watch, expected: &[(u32, u32)]| {
        wait("all failures", || match failures(watch) {
            all if all == expected => Ok(()),
            all => Err(format!("{all:?}")),
        });
    };
    reached(&watch, &[(31, 2), (32, 1)]);
    watch.stop();
    assert_eq!(watch.child.wait().unwrap().code(), Some(1));

    append(&log, &crash(33));
    let again = self::watch(&history, &arguments);
    reached(&again, &[(31, 2), (32, 1), (33, 1)]);
}
