//! `tophash heap`: its output, its complaints, and how it talks to a service.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

struct Run {
    status: Option<i32>,
    out: String,
    err: String,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn heap(arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_tophash"))
        .arg("heap")
        .args(arguments)
        .current_dir(repository())
        // What is found must not depend on the machine's Go, nor on its proxies.
        .env("GOROOT", "/nonexistent")
        .env_remove("GOFLAGS")
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    Run {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn recorded(name: &str) -> String {
    format!("crates/tophash/tests/heap/{name}")
}

#[test]
fn a_series_with_source() {
    let profiles = ["1", "2", "3"].map(|n| recorded(&format!("{n}.pb.gz")));
    let [a, b, c] = profiles.each_ref().map(String::as_str);
    let run = heap(&[a, b, c, "--src", "examples/leaky", "--go", "1.27"]);
    assert_eq!((run.status, run.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!(run.out);
}

#[test]
fn a_profile_without_source() {
    // Too little is sampled of each map's sizes for any to be told from a slice.
    let run = heap(&[&recorded("3.pb.gz"), "--go", "1.27"]);
    assert_eq!(run.status, Some(0));
    insta::assert_snapshot!(run.out);
}

#[test]
fn annotations() {
    let run = heap(&[
        &recorded("3.pb.gz"),
        "--src",
        "examples/leaky",
        "--format",
        "github",
    ]);
    insta::assert_snapshot!(run.out);
}

#[test]
fn json_is_of_the_schema() {
    let run = heap(&[
        &recorded("3.pb.gz"),
        "--src",
        "examples/leaky",
        "--format",
        "json",
    ]);
    let value: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let schema = fs::read_to_string(repository().join("docs/finding.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let errors: Vec<String> = (jsonschema::validator_for(&schema).unwrap())
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(value["command"], "heap");
    let maps = value["heap"]["maps"].as_array().unwrap();
    let index = maps.iter().find(|map| map["name"] == "index").unwrap();
    assert_eq!(index["type"], "map[int]price");
    assert_eq!(index["codes"], serde_json::json!(["TH501"]));
    assert_eq!(index["sites"][0]["allocations"][0]["by"], "types");
}

#[test]
fn the_page_needs_nothing_else_and_escapes_what_it_shows() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("<b>&.pb.gz");
    fs::copy(repository().join(recorded("3.pb.gz")), &path).unwrap();
    let path = path.to_string_lossy();
    let run = heap(&[&path, "--src", "examples/leaky", "--format", "html"]);
    assert!(run.out.starts_with("<!doctype html>"));
    assert!(run.out.contains("&lt;b&gt;&amp;.pb.gz") && !run.out.contains("<b>&."));
    assert!(run.out.contains("id=\"flame\""));
    assert!(!run.out.contains("http://") && !run.out.contains("src="));
}

#[test]
fn what_allocated_before_the_base_does_not_count() {
    let rate = |base: &str| -> String {
        let run = heap(&[
            &recorded("3.pb.gz"),
            "--base",
            base,
            "--src",
            "examples/leaky",
            "--rate",
            "5",
            "--format",
            "json",
        ]);
        run.out
    };
    // Of what the first profile had already, nothing was made since.
    assert!(!rate(&recorded("3.pb.gz")).contains("TH507"));
    assert!(rate(&recorded("1.pb.gz")).contains("a second"));
}

#[test]
fn what_can_not_be_read() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    let complaint = |arguments: &[&str]| {
        let run = heap(arguments);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""));
        run.err.replace(&*dir.path().to_string_lossy(), "DIR")
    };
    let whole = fs::read(repository().join(recorded("3.pb.gz"))).unwrap();
    let cut = file("cut.pb.gz", &whole[..whole.len() / 2]);
    let text = file("text", b"heap profile: 1: 2 [3: 4] @ heap/2\nnonsense\n");
    let goroutines = file("g", b"goroutine profile: total 1\n1 @ 0x1\n");
    let stacks = file(
        "stacks",
        b"goroutine 1 [running]:\nmain.main()\n\t/src/main.go:5 +0x1b\n",
    );
    let good = recorded("3.pb.gz");
    insta::assert_snapshot!(
        [
            complaint(&["/nonexistent"]),
            complaint(&[&cut]),
            complaint(&[&text]),
            complaint(&[&goroutines]),
            complaint(&[&stacks]),
            complaint(&[&good, "--src", "/nonexistent"]),
            complaint(&[&good, "--binary", &text]),
            complaint(&[&good, "--go", "1.3"]),
            complaint(&["http://"]),
        ]
        .concat()
    );
}

/// Answers each request by what a function says: status line, headers, body.
fn serve(answer: impl Fn(&str) -> String + Send + 'static) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Some(request) = request(&stream) {
                let text = answer(&request);
                seen.lock().unwrap().push(request);
                let _ = (&stream).write_all(text.as_bytes());
            }
        }
    });
    (address, requests)
}

/// The head of a request with its body.
fn request(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_lowercase();
    let length = lower
        .lines()
        .find_map(|l| l.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |l| l.trim().parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8_lossy(&body))
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

#[test]
fn a_service_is_asked_for_frames_and_their_names() {
    let text = fs::read_to_string(repository().join(recorded("3.txt"))).unwrap();
    let symbols = fs::read_to_string(repository().join(recorded("symbols"))).unwrap();
    let (address, requests) = serve(move |request| match request.contains("/symbol?") {
        true => ok(&symbols),
        false => ok(&text),
    });
    let url = format!("http://bob:s3cret@{address}");
    let run = heap(&[&url, "--src", "examples/leaky", "--go", "1.27"]);
    assert_eq!((run.status, run.err.as_str()), (Some(1), ""));
    assert!(!run.out.contains("s3cret"));
    insta::assert_snapshot!(run.out.replace(&address, "ADDRESS"));
    let requests = requests.lock().unwrap();
    assert!(requests[0].starts_with("GET /debug/pprof/heap?debug=1 HTTP/1.1\r\n"));
    // Since Go 1.23 no POST is taken there.
    assert!(requests[1].starts_with("GET /debug/pprof/symbol?0x"));
    for request in requests.iter() {
        let lower = request.to_lowercase();
        assert!(lower.contains("authorization: basic "), "{request}");
    }
}

#[test]
fn a_service_is_told_who_asks() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let (token, pair) = (file("token", "geheim\n"), file("pair", "ann:geheim\n"));
    let text = fs::read_to_string(repository().join(recorded("3.txt"))).unwrap();
    let (address, requests) = serve(move |request| {
        let lower = request.to_lowercase();
        let known = ["bearer geheim", "basic yw5uom", "basic ym9i"]
            .iter()
            .any(|who| lower.contains(&format!("authorization: {who}")));
        match known {
            true if request.contains("/symbol?") => ok("num_symbols: 0\n"),
            true => ok(&text),
            false => "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_owned(),
        }
    });
    let url = format!("http://{address}");
    for arguments in [
        &[url.as_str(), "--bearer-token-file", &token][..],
        &[&url, "--basic-auth-file", &pair],
        // What the address says itself goes first.
        &[
            &format!("http://bob:s3cret@{address}"),
            "--bearer-token-file",
            &token,
        ],
    ] {
        let run = heap(arguments);
        assert!(run.out.contains(" alive"), "{arguments:?}: {}", run.err);
        assert!(!run.out.contains("geheim") && !run.err.contains("geheim"));
    }
    let last = requests.lock().unwrap().last().cloned().unwrap_or_default();
    assert!(
        last.to_lowercase().contains("authorization: basic ym9i"),
        "{last}"
    );
    let run = heap(&[&url]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.err
            .contains("give --bearer-token-file or --basic-auth-file"),
        "{}",
        run.err
    );
    let run = heap(&[&url, "--bearer-token-file", "/nonexistent"]);
    assert!(
        run.err.contains("/nonexistent: No such file"),
        "{}",
        run.err
    );
    let run = heap(&[
        &url,
        "--bearer-token-file",
        &token,
        "--basic-auth-file",
        &pair,
    ]);
    assert!(run.err.contains("cannot be used with"), "{}", run.err);
}

#[test]
fn a_service_that_does_not_answer_as_it_should() {
    let complaint = |answer: &'static str| {
        let (address, _) = serve(move |_| answer.to_owned());
        let run = heap(&[&format!(
            "http://bob:s3cret@{address}/debug/pprof/heap?token=s3cret"
        )]);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{}", run.err);
        assert!(!run.err.contains("s3cret"), "{}", run.err);
        run.err.replace(&address, "ADDRESS")
    };
    insta::assert_snapshot!([
        complaint("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        complaint("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"),
        complaint("HTTP/1.1 302 Found\r\nLocation: http://evil.example/heap\r\nContent-Length: 0\r\n\r\n"),
        complaint("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        complaint("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
        complaint("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nheap profile: 1: 2 [3: 4] @ heap/2\n"),
        complaint("nonsense\r\n\r\n"),
    ]
    .concat());
}
