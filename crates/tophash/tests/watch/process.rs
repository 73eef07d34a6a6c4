//! Processes as targets.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::{Helper, Watch, wait};

/// Builds the program beside this file, unless there is no Go.
fn racing(dir: &std::path::Path) -> Option<Command> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/watch/racing.go");
    let program = dir.join("racing");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(source)
        .current_dir(dir)
        .env("GO111MODULE", "off")
        .env_remove("GOFLAGS")
        .status();
    match built {
        Ok(status) => assert!(status.success(), "racing.go is not built"),
        Err(error) if std::env::var_os("TOPHASH_REQUIRE_GO").is_some() => panic!("go: {error}"),
        Err(error) => {
            eprintln!("SKIPPED: go: {error}");
            return None;
        }
    }
    Some(Command::new(program))
}

/// Starts it and waits until it has filled its maps.
fn start(mut command: Command) -> Helper {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut said).unwrap();
    assert_eq!(said, "started\n");
    Helper(child)
}

fn state(watch: &Watch) -> Value {
    let reply = watch.get("/api/state", "localhost");
    let body = reply.split_once("\r\n\r\n").unwrap().1;
    // Its length may come in chunks.
    let (start, end) = (body.find('{').unwrap(), body.rfind('}').unwrap());
    serde_json::from_str(&body[start..=end]).unwrap()
}

#[test]
fn goroutines_in_one_map_busy_maps_and_empty_ones_are_seen_from_outside() {
    let dir = tempfile::tempdir().unwrap();
    let Some(command) = racing(dir.path()) else {
        return;
    };
    let mut program = start(command);
    let mut watch = Watch::start(&[&format!("racing={}", program.0.id()), "--for", "60s"]);
    let said = watch.wait_for("were inside main.prices at the same moment");
    let caught = said.lines().skip_while(|line| !line.contains("TH201"));
    let caught: Vec<&str> = caught.take(3).collect();
    assert!(caught[0].contains("error[TH201]"), "{said}");
    assert!(caught[0].contains("(assign)") && caught[0].contains("(read)"));
    for side in &caught[1..] {
        let at = match side.ends_with(": assign") {
            true => "racing.go:41: goroutine ",
            false => "racing.go:39: goroutine ",
        };
        assert!(side.contains(at), "{said}");
    }
    watch.wait_for("main.emptied holds 10 entries in room for ");
    let said = watch.wait_for("30 goroutines wait for a lock in main.(*Stock)");
    assert!(!said.contains("no longer"), "{said}");

    // Written to all the time, and never.
    let tables = wait("the busiest map", || {
        let state = self::state(&watch);
        let tables = state["targets"][0]["tables"].as_array().unwrap().clone();
        let busy = |name: &str| {
            let of = |table: &&Value| table["holder"] == name;
            tables
                .iter()
                .find(of)
                .and_then(|table| table["busy"].as_f64())
        };
        match (busy("main.counters"), busy("main.emptied")) {
            (Some(counters), Some(0.0)) if counters > 0.02 => Ok(tables.clone()),
            figures => Err(format!("{figures:?}")),
        }
    });
    assert!(tables[0]["holder"] == "main.counters" || tables[0]["holder"] == "main.prices");

    // Memory by line, from the profile in the process.
    let state = self::state(&watch);
    let target = &state["targets"][0];
    let sites = target["sites"].as_array().unwrap();
    let filled = sites.iter().find(|site| site["line"] == 67).unwrap();
    let emptied = tables
        .iter()
        .find(|table| table["holder"] == "main.emptied");
    let of_table = emptied.unwrap()["bytes"].as_f64().unwrap();
    let of_line = filled["live_bytes"].as_f64().unwrap();
    assert!(
        of_line > 0.1 * of_table && of_line < 3.0 * of_table,
        "{of_line} bytes by line, {of_table} in the table"
    );
    assert_eq!(filled["function"], "main.main");
    assert_eq!(target["gaps"].as_array().unwrap().len(), 0);

    // The race stays a fact when the process is gone.
    program.0.kill().unwrap();
    program.0.wait().unwrap();
    watch.wait_for("there is no such process");
    watch.stop();
    assert_eq!(watch.child.wait().unwrap().code(), Some(1));
}

#[test]
fn processes_that_cannot_be_read_are_said_once() {
    let mut sleep = Command::new("sleep");
    let sleep = Helper(sleep.arg("60").stdout(Stdio::null()).spawn().unwrap());
    let watch = Watch::start(&[&format!("sleeper={}", sleep.0.id())]);
    watch.wait_for("not a program made by Go");
    std::thread::sleep(Duration::from_secs(2));
    let said = watch.said();
    assert_eq!(
        said.matches("not a program made by Go").count(),
        1,
        "{said}"
    );
    assert!(!said.contains("it answers"), "{said}");
}
