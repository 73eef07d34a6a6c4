//! Services behind TLS, and where credentials go.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{Watch, heap, ok, status};

/// An authority of its own: it, as PEM, and the configuration of a server that it vouches for
/// under a name.
fn authority(name: &str) -> (String, ServerConfig) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (authority.pem(), config)
}

/// Serves over TLS what `answer` makes of each request. Gives its port.
fn secure(config: ServerConfig, answer: fn(&str) -> Vec<u8>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Arc::new(config);
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (config, seen) = (Arc::clone(&config), Arc::clone(&seen));
            std::thread::spawn(move || {
                let connection = ServerConnection::new(config).unwrap();
                let mut stream = StreamOwned::new(connection, stream);
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                if head.is_empty() {
                    return;
                }
                let head = String::from_utf8(head).unwrap();
                let _ = stream.write_all(&answer(&head));
                stream.conn.send_close_notify();
                let _ = stream.flush();
                seen.lock().unwrap().push(head);
            });
        }
    });
    (port, heads)
}

fn guarded(head: &str) -> Vec<u8> {
    let known = head.to_lowercase().contains("authorization: bearer geheim");
    match head.split(' ').nth(1).unwrap_or_default() {
        _ if !known => status("401 Unauthorized", "WWW-Authenticate: Bearer\r\n"),
        path if path.contains("symbol") => ok(b"num_symbols: 0\n"),
        path if path.contains("goroutine") => ok(b"goroutine profile: total 0\n"),
        _ => ok(heap(5).as_bytes()),
    }
}

#[test]
fn a_service_with_an_authority_of_its_own_is_read_and_nobody_else_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let (pem, config) = authority("localhost");
    let (other, _) = authority("localhost");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (ca, wrong) = (file("ca.pem", &pem), file("other.pem", &other));
    let token = file("token", "Geheim\n");
    let (port, heads) = secure(config, guarded);
    let right = format!("https://localhost:{port}");
    let unnamed = format!("https://127.0.0.1:{port}");
    let bearer = ["--bearer-token-file", &token];

    for (url, authorities) in [
        (&right, &[][..]),
        (&right, &["--ca", &wrong]),
        (&unnamed, &["--ca", &ca]),
    ] {
        let arguments = [&[url.as_str()], authorities, &bearer].concat();
        let watch = Watch::start(&arguments);
        let said = watch.wait_for("TLS fails");
        assert!(!said.contains("Geheim"), "{said}");
        // Nobody was told the token before it was clear who that is.
        assert!(heads.lock().unwrap().is_empty(), "{arguments:?}");
    }
    let watch = Watch::start(&[&right, "--ca", &ca]);
    watch.wait_for("asks who is there");
    heads.lock().unwrap().clear();

    let watch = Watch::start(&[&right, "--ca", &ca, bearer[0], bearer[1]]);
    let said = watch.wait_for("it answers: ");
    assert!(!said.contains("TLS"), "{said}");
    let shown = ["/", "/api/state", "/metrics", "/api/history?target=0"];
    let shown = shown.map(|path| watch.get(path, "localhost")).concat();
    assert!(shown.contains(&right));
    for text in [&said, &shown] {
        assert!(!text.contains("Geheim"), "{text}");
    }
    assert!(!heads.lock().unwrap().is_empty());
}

/// Whatever is printed, shown, sent or stored: it holds no credential.
#[test]
fn credentials_are_nowhere_but_in_requests_to_their_target() {
    let dir = tempfile::tempdir().unwrap();
    let (pair, store) = (dir.path().join("pair"), dir.path().join("store"));
    std::fs::write(&pair, "ann:s3same-0pen\n").unwrap();
    // As it is sent.
    let secrets = ["s3same-0pen", "YW5uOnMzc2FtZS0wcGVu", "0tlp-t0ken"];
    let well = crate::service();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&sent);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let into = Arc::clone(&into);
            std::thread::spawn(move || {
                let mut bytes = [0; 65_536];
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    into.lock().unwrap().extend_from_slice(&bytes[..count]);
                    let answered = stream.write_all(
                        b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                    );
                    if answered.is_err() {
                        break;
                    }
                }
            });
        }
    });
    // One that answers and one that refuses, with its own words repeating what it was sent.
    let refuses = crate::fake(|head| {
        let mut reply = status("401 Unauthorized", "WWW-Authenticate: Basic\r\n");
        reply.extend_from_slice(head.as_bytes());
        reply
    });
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tophash"))
        .args(["watch", "--interval", "200ms", "--for", "8s"])
        .args(["--listen", "127.0.0.1:0", "--otlp", &collector])
        .arg("--history")
        .arg(&store)
        .arg("--basic-auth-file")
        .arg(&pair)
        .args([&well.url, &refuses.url])
        .env(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer 0tlp-t0ken",
        )
        .env("RUST_LOG", "trace")
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&said);
    assert!(
        text.contains("does not accept the name and password"),
        "{text}"
    );
    assert!(text.contains("it answers"), "{text}");
    let stored = std::fs::read(&store).unwrap();
    let sent = sent.lock().unwrap();
    // The head of a request to the collector holds the collector's own token, and nothing else.
    let heads = |bytes: &[u8], text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(heads(&sent, "0tlp-t0ken") && heads(&sent, "/v1/metrics"));
    for secret in secrets {
        for (place, bytes) in [("said", &said), ("stored", &stored)] {
            assert!(!heads(bytes, secret), "{secret} is {place}");
        }
    }
    for secret in &secrets[..2] {
        assert!(!heads(&sent, secret), "{secret} is sent to the collector");
    }
    let well = well.requests.lock().unwrap();
    assert!(
        well.iter().any(|head| head.contains(secrets[1])),
        "it is asked with it"
    );
}
