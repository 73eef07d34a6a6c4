//! `tophash watch` as it is called, against services, a browser, Prometheus and a Collector.
//!
//! What is not at hand is skipped aloud: Chromium (on the path or TOPHASH_CHROMIUM), Prometheus
//! (TOPHASH_PROMETHEUS), a Collector (TOPHASH_OTELCOL).

#![allow(clippy::print_stderr, reason = "a test says why it was skipped")]

mod process;
mod signals;
mod store;
mod terminal;
mod tls;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A service that says what a script makes of each request.
struct Fake {
    url: String,
    /// Heads of the requests that came.
    requests: Arc<Mutex<Vec<String>>>,
}

fn fake(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                    // The first byte of TLS.
                    if head == [22] {
                        break;
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let reply = answer(&head);
                seen.lock().unwrap().push(head);
                let _ = stream.write_all(&reply);
            });
        }
    });
    Fake { url, requests }
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn status(line: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {line}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n")
        .into_bytes()
}

/// A profile as Go 1.26 prints it: one line fills a map of `live` objects of 18,432 bytes. Every
/// allocation is recorded.
fn heap(live: u64) -> String {
    let bytes = live * 18_432;
    format!(
        "heap profile: {live}: {bytes} [{live}: {bytes}] @ heap/2\n\
         {live}: {bytes} [{live}: {bytes}] @ 0x401000 0x402000\n\
         #\t0x401fff\tmain.(*Cache).Set+0x1\t/src/shop/cache.go:31\n\n\
         # runtime.MemStats\n# Alloc = {bytes}\n# TotalAlloc = {bytes}\n# Sys = 90000000\n\
         # Mallocs = {live}\n# Frees = 0\n# HeapAlloc = {bytes}\n# NumGC = 3\n"
    )
}

/// A healthy service; its map grows with each poll.
fn service() -> Fake {
    profiled(
        |polls| heap(1000 + 50 * polls),
        |_| {
            "goroutine profile: total 3\n3 @ 0x401000 0x402000\n#\t0x401fff\tmain.main+0x1\t/src/shop/main.go:9\n"
                .to_owned()
        },
    )
}

/// A service whose heap and goroutines are texts that a function makes for each number of polls.
fn profiled(
    heap: impl Fn(u64) -> String + Send + Sync + 'static,
    goroutines: impl Fn(u64) -> String + Send + Sync + 'static,
) -> Fake {
    let polls = Mutex::new(0);
    fake(move |head| {
        let mut polls = polls.lock().unwrap();
        if head.contains("/debug/pprof/heap") {
            *polls += 1;
            ok(heap(*polls).as_bytes())
        } else if head.contains("/debug/pprof/symbol") {
            ok(b"num_symbols: 1\n0x400fff runtime.mapassign_fast64\n")
        } else if head.contains("/debug/pprof/goroutine") {
            ok(goroutines(*polls).as_bytes())
        } else {
            status("404 Not Found", "")
        }
    })
}

/// `tophash watch` that runs until it is dropped.
struct Watch {
    child: Child,
    page: String,
    said: Arc<Mutex<String>>,
}

impl Watch {
    fn start(arguments: &[&str]) -> Watch {
        Watch::listening("127.0.0.1:0", arguments)
    }

    fn listening(address: &str, arguments: &[&str]) -> Watch {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tophash"));
        command.args(["watch", "--listen", address, "--history", "none"]);
        command.args(arguments);
        Watch::launch(command)
    }

    /// Starts a command that is `tophash watch` in the end.
    fn launch(mut command: Command) -> Watch {
        let mut child = command
            .args(["--interval", "200ms"])
            .env_remove("TOPHASH_BEARER_TOKEN")
            .env_remove("TOPHASH_BASIC_AUTH")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        let page = first.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(page.starts_with("http://"), "{first}");
        let said = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let mut said = into.lock().unwrap();
                said.push_str(&line);
                said.push('\n');
            }
        });
        Watch { child, page, said }
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn wait_for(&self, text: &str) -> String {
        wait(text, || {
            let said = self.said();
            if said.contains(text) {
                Ok(said)
            } else {
                Err(said)
            }
        })
    }

    /// Ends it as Ctrl-C does.
    fn stop(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// A page of its server, head and body.
    fn get(&self, path: &str, host: &str) -> String {
        let address = self
            .page
            .trim_start_matches("http://")
            .trim_end_matches('/');
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that ends with the test.
struct Helper(Child);

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A page in a browser, worked through the pipes of `--remote-debugging-pipe`: JSON messages that
/// end in a zero byte.
struct Tab {
    _browser: Helper,
    to: std::fs::File,
    from: BufReader<std::fs::File>,
    session: String,
    id: u32,
}

impl Tab {
    fn open(browser: &Path, dir: &Path, page: &str) -> Tab {
        let (to, from) = (dir.join("to-browser"), dir.join("from-browser"));
        let made = Command::new("mkfifo").args([&to, &from]).status().unwrap();
        assert!(made.success());
        // The browser takes messages from file 3 and puts them into file 4.
        let child = Command::new("sh")
            .arg("-c")
            .arg("exec \"$0\" \"$@\" 3<\"$TO\" 4>\"$FROM\"")
            .arg(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu"])
            .arg("--remote-debugging-pipe")
            .arg(format!("--user-data-dir={}", dir.join("profile").display()))
            .env("TO", &to)
            .env("FROM", &from)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut tab = Tab {
            _browser: Helper(child),
            to: std::fs::OpenOptions::new().write(true).open(&to).unwrap(),
            from: BufReader::new(std::fs::File::open(&from).unwrap()),
            session: String::new(),
            id: 0,
        };
        let target = tab.call("Target.createTarget", json!({ "url": page }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = tab.call("Target.attachToTarget", attach);
        session["sessionId"]
            .as_str()
            .unwrap()
            .clone_into(&mut tab.session);
        tab
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        let mut message = json!({ "id": self.id, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.as_str().into();
        }
        self.to
            .write_all(format!("{message}\0").as_bytes())
            .unwrap();
        loop {
            let mut reply = Vec::new();
            self.from.read_until(0, &mut reply).unwrap();
            assert_eq!(reply.pop(), Some(0), "the browser is gone");
            let reply: Value = serde_json::from_slice(&reply).unwrap();
            // Events come in between.
            if reply["id"] == self.id {
                assert!(reply["error"].is_null(), "{reply}");
                return reply["result"].clone();
            }
        }
    }

    /// Waits until the page shows all of these.
    fn wait_for(&mut self, texts: &[&str]) {
        for text in texts {
            wait(text, || {
                let expression = json!({ "expression": "document.body.innerHTML" });
                let reply = self.call("Runtime.evaluate", expression);
                let body = reply["result"]["value"].as_str().unwrap_or_default();
                let shown = body.split("<script").next().unwrap_or(body);
                match shown.contains(text) {
                    true => Ok(()),
                    false => Err(shown.to_owned()),
                }
            });
        }
    }
}

fn wait<T>(what: &str, mut until: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match until() {
            Ok(value) => return value,
            Err(last) => assert!(
                start.elapsed() < Duration::from_secs(60),
                "{what} did not come within a minute, but:\n{last}"
            ),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn program(variable: &str, names: &[&str]) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Some(path.into());
    }
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths)
        .flat_map(|dir| names.iter().map(move |name| dir.join(name)))
        .find(|path| path.is_file())
}

#[test]
fn failures_are_said_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "geheim\n").unwrap();
    let token = token.to_str().unwrap();
    let other = service();
    let elsewhere = other.url.replace("127.0.0.1", "localhost");
    let redirect = move |_: &str| {
        status(
            "302 Found",
            &format!("Location: {elsewhere}/debug/pprof/heap\r\n"),
        )
    };
    let slow = |_: &str| {
        std::thread::sleep(Duration::from_secs(20));
        Vec::new()
    };
    let endless = |_: &str| {
        let mut reply = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        reply.resize(70 << 20, b'x');
        reply
    };
    let guarded = |head: &str| match head.to_lowercase().contains("authorization: bearer geheim") {
        true => status("403 Forbidden", ""),
        false => status("401 Unauthorized", "WWW-Authenticate: Basic\r\n"),
    };
    let cases: [(&str, Fake, &[&str]); 9] = [
        (
            "answers with what is no profile",
            fake(|_| ok(b"<html>hello</html>")),
            &[],
        ),
        (
            "does it, or does the service import",
            fake(|_| status("404 Not Found", "")),
            &[],
        ),
        (
            "answers with status 500",
            fake(|_| status("500 Oops", "")),
            &[],
        ),
        (
            "sends on to localhost, which is not followed",
            fake(redirect),
            &[],
        ),
        (
            "has not answered within 300 ms",
            fake(slow),
            &["--timeout", "300ms"],
        ),
        (
            "answers with more than 67 MB",
            fake(endless),
            &["--timeout", "20s"],
        ),
        (
            "asks who is there: give --bearer-token-file",
            fake(guarded),
            &[],
        ),
        (
            "does not accept the bearer token (status 403)",
            fake(guarded),
            &["--bearer-token-file", token],
        ),
        (
            "ends the connection without an answer",
            fake(|_| Vec::new()),
            &[],
        ),
    ];
    for (says, fake, arguments) in cases {
        let says = says.replace(
            "does it, or does the service import",
            "does the service import net/http/pprof",
        );
        let watch = Watch::start(&[&[fake.url.as_str()], arguments].concat());
        let said = watch.wait_for(&says);
        assert!(!said.contains("geheim"), "{said}");
        let state = watch.get("/api/state", "localhost");
        assert!(
            state.contains(&says) && !state.contains("geheim"),
            "{state}"
        );
    }
    // The redirect's other host has heard nothing.
    assert!(other.requests.lock().unwrap().is_empty());

    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let watch = Watch::start(&[&gone.to_string()]);
    let said = watch.wait_for("it is left alone for a while");
    assert!(said.contains("nobody listens there"), "{said}");
    let watch = Watch::start(&[&service().url.replace("http:", "https:")]);
    watch.wait_for("TLS fails");
}

#[test]
fn redirects_within_a_host_are_followed_and_credentials_go_with_them() {
    let fake = fake(|head| {
        let path = head.split(' ').nth(1).unwrap();
        if path.starts_with("/old/") {
            status(
                "301 Moved",
                &format!("Location: {}\r\n", path.replace("/old", "")),
            )
        } else if path.contains("symbol") {
            ok(b"num_symbols: 0\n")
        } else if path.contains("goroutine") {
            ok(b"goroutine profile: total 0\n")
        } else {
            ok(heap(5).as_bytes())
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let pair = dir.path().join("pair");
    std::fs::write(&pair, "Aladdin:open sesame\n").unwrap();
    let base = format!("{}/old", fake.url);
    let watch = Watch::start(&[&base, "--basic-auth-file", pair.to_str().unwrap()]);
    let said = watch.wait_for("it answers");
    assert!(!said.contains("sesame"));
    for head in fake.requests.lock().unwrap().iter() {
        let head = head.to_lowercase();
        assert!(
            head.contains("authorization: basic qwxhzgrpbjpvcgvuihnlc2ftzq=="),
            "{head}"
        );
    }
}

#[test]
fn the_server_shows_itself_to_this_machine_alone() {
    let service = service();
    let watch = Watch::start(&[&format!("shop={}", service.url)]);
    watch.wait_for("it answers");
    assert!(
        watch
            .get("/", "localhost")
            .contains("content-security-policy: default-src 'none'")
    );
    assert!(
        watch
            .get("/api/state", "evil.example")
            .starts_with("HTTP/1.1 403")
    );
    assert!(
        watch
            .get("/nothing", "localhost")
            .starts_with("HTTP/1.1 404")
    );
    assert!(
        watch
            .get("/api/history?target=9", "localhost")
            .starts_with("HTTP/1.1 404")
    );
    let metrics = watch.get("/metrics", "127.0.0.1");
    assert!(metrics.contains("tophash_up{service=\"shop\""), "{metrics}");
    assert!(metrics.contains("site=\"shop/cache.go:31\""), "{metrics}");
    assert!(metrics.contains("le=\"+Inf\""), "{metrics}");
}

#[test]
fn the_page_is_live_in_a_browser() {
    let Some(browser) = program(
        "TOPHASH_CHROMIUM",
        &["chromium", "chromium-browser", "google-chrome"],
    ) else {
        eprintln!("SKIPPED: there is no Chromium on the path");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("shop.log");
    std::fs::write(&log, "started\n").unwrap();
    let service = service();
    let target = format!("<shop>={}", service.url);
    let watch = Watch::start(&[
        &target,
        "--log",
        log.to_str().unwrap(),
        "--window",
        "3s",
        "--climb",
        "1",
    ]);
    watch.wait_for("take more and more memory");
    let mut tab = Tab::open(&browser, dir.path(), &watch.page);
    tab.wait_for(&[
        "&lt;shop&gt;",
        "maps filled in main.(*Cache).Set take more and more memory",
        "shop/cache.go:31",
        "<path d=\"M",
        "live, ",
    ]);
    // The page is open; what happens now has to come to it.
    let crash = "panic: assignment to entry in nil map\n\ngoroutine 1 [running]:\n\
                 main.fill(...)\n\t/src/shop/main.go:8\nmain.main()\n\t/src/shop/main.go:5 +0x1b\nexit status 2\n";
    let mut file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(crash.as_bytes()).unwrap();
    tab.wait_for(&["nil map", "shop/main.go:8"]);
    drop(watch);
    tab.wait_for(&["tophash does not answer"]);
}

#[test]
fn a_prometheus_scrapes_it() {
    let Some(prometheus) = program("TOPHASH_PROMETHEUS", &["prometheus"]) else {
        eprintln!("SKIPPED: there is no Prometheus on the path");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("shop.log");
    std::fs::write(&log, "").unwrap();
    let service = service();
    let target = format!("shop={}", service.url);
    let watch = Watch::start(&[&target, "--log", log.to_str().unwrap()]);
    watch.wait_for("it answers");
    let crash = "fatal error: concurrent map writes\n\ngoroutine 7 [running]:\n\
                 main.fill(...)\n\t/src/shop/main.go:8\nmain.main()\n\t/src/shop/main.go:5 +0x1b\nexit status 2\n";
    std::fs::write(&log, crash).unwrap();
    watch.wait_for("TH201");
    let address = watch
        .page
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let config = dir.path().join("prometheus.yml");
    std::fs::write(
        &config,
        format!(
            "scrape_configs:\n- job_name: tophash\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  \
             static_configs:\n  - targets: ['{address}']\n"
        ),
    )
    .unwrap();
    let listen = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let child = Command::new(prometheus)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            dir.path().join("data").display()
        ))
        .arg(format!("--web.listen-address={listen}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _helper = Helper(child);
    let ask = |query: &str| -> String {
        let Ok(mut stream) = TcpStream::connect(listen) else {
            return "no connection".to_owned();
        };
        let request =
            format!("GET /api/v1/query?query={query} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let mut reply = String::new();
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.read_to_string(&mut reply);
        reply
    };
    for (query, expected) in [
        (
            "tophash_map_failures_total",
            "\"kind\":\"concurrent_map_writes\"",
        ),
        ("tophash_map_failures_total", "\"site\":\"shop/main.go:8\""),
        ("tophash_map_failure_ratio", "\"1\"]"),
        ("tophash_map_memory_bytes", "\"site\":\"shop/cache.go:31\""),
        ("tophash_breaker_state", "\"state\":\"half-open\""),
        ("tophash_poll_duration_seconds_bucket", "\"le\":\"+Inf\""),
    ] {
        wait(expected, || {
            let reply = ask(query);
            if reply.contains(expected) {
                Ok(())
            } else {
                Err(reply)
            }
        });
    }
}

#[test]
fn a_collector_receives_it() {
    let Some(collector) = program(
        "TOPHASH_OTELCOL",
        &["otelcol", "otelcorecol", "otelcol-contrib"],
    ) else {
        eprintln!(
            "SKIPPED: there is no OpenTelemetry Collector on the path (scripts/build-collector makes one)"
        );
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let receive = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let config = dir.path().join("collector.yaml");
    std::fs::write(
        &config,
        format!(
            "receivers:\n  otlp:\n    protocols:\n      http:\n        endpoint: {receive}\n\
             exporters:\n  debug:\n    verbosity: detailed\n\
             service:\n  telemetry:\n    metrics:\n      level: none\n  pipelines:\n    \
             metrics:\n      receivers: [otlp]\n      exporters: [debug]\n    \
             traces:\n      receivers: [otlp]\n      exporters: [debug]\n"
        ),
    )
    .unwrap();
    let received = dir.path().join("received");
    let child = Command::new(collector)
        .arg(format!("--config=file:{}", config.display()))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&received).unwrap())
        .spawn()
        .unwrap();
    let _helper = Helper(child);
    let text = || std::fs::read_to_string(&received).unwrap();
    wait("the collector", || match text() {
        text if text.contains("Everything is ready") => Ok(()),
        text => Err(text),
    });
    let log = dir.path().join("shop.log");
    std::fs::write(&log, "").unwrap();
    let service = service();
    let target = format!("shop={}", service.url);
    let otlp = format!("http://{receive}");
    let mut watch = Watch::start(&[
        &target,
        "--log",
        log.to_str().unwrap(),
        "--otlp",
        &otlp,
        "--for",
        "8s",
    ]);
    watch.wait_for("it answers");
    let crash = "fatal error: concurrent map writes\n\ngoroutine 7 [running]:\n\
                 main.fill(...)\n\t/src/shop/main.go:8\nmain.main()\n\t/src/shop/main.go:5 +0x1b\nexit status 2\n";
    std::fs::write(&log, crash).unwrap();
    let said = watch.wait_for("TH201");
    assert!(!said.contains("OTLP to"), "{said}");
    // Everything is sent before it ends.
    assert_eq!(watch.child.wait().unwrap().code(), Some(1));
    for expected in [
        "service.name: Str(shop)",
        "Name: tophash.map.failures",
        "tophash.map.failure.kind: Str(concurrent_map_writes)",
        "Name: tophash.map.failure.ratio",
        "Name: tophash.map.memory",
        "code.file.path: Str(/src/shop/cache.go)",
        "Name: go.goroutine.count",
        "Name: tophash.poll.duration",
        "Name           : poll",
        "url.full: Str(http",
        "http.response.status_code: Int(200)",
        "exception.type: Str(concurrent_map_writes)",
        "Status code    : Error",
    ] {
        wait(expected, || match text() {
            text if text.contains(expected) => Ok(()),
            text => Err(text.lines().rev().take(60).collect::<Vec<_>>().join("\n")),
        });
    }
}

#[test]
fn wrong_usage_is_status_2() {
    let log = Path::new("a.log");
    for (arguments, says) in [
        (&["shop"][..], "neither a URL"),
        (&["http://a:1", "http://a:1/"], "http://a:1 is named twice"),
        (
            &["http://a:1", "http://b:1", "--log", "a.log"],
            "say whose it is: NAME=a.log",
        ),
        (&["http://ann:geheim@a:1"], "--basic-auth-file"),
        (
            &["https://a:1", "--ca", "/no/such/file"],
            "--ca /no/such/file: No such file",
        ),
        (
            &["http://a:1", "--listen", "203.0.113.1:1"],
            "--listen 203.0.113.1:1: ",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_tophash"))
            .args(["watch", "--history", "none", "--for", "1s"])
            .args(if arguments.contains(&"--listen") {
                &[][..]
            } else {
                &["--listen", "127.0.0.1:0"]
            })
            .args(arguments)
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(
            err.contains(says) && output.status.code() == Some(2),
            "{arguments:?}: {err}"
        );
        assert!(!err.contains("geheim"));
    }
    assert!(!log.exists());
}
