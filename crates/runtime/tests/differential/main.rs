//! Real Go maps against the models, byte for byte.
//!
//! `recorded` replays small recorded runs and needs no Go. `live` builds the replay program with
//! the `go` on the path. `full` is for many scripts and toolchains:
//!
//!     TOPHASH_GOROOTS=/path/go1.21:/path/go1.27 TOPHASH_SCRIPTS=10000 \
//!         cargo test --release -p tophash-runtime --test differential -- --ignored --nocapture

#![allow(
    clippy::print_stderr,
    reason = "a test says what it covered and why it was skipped"
)]

mod dump;
mod replay;
mod script;
mod types;

use std::ffi::OsStr;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use replay::{Coverage, Difference, Session};
use script::Script;
use tophash_runtime::{Build, GoVersion, SplitMix};

/// The replay program, built by one toolchain.
struct Program {
    path: PathBuf,
    /// Settings for its run: GODEBUG.
    godebug: &'static str,
}

impl Program {
    fn start(&self) -> std::io::Result<Child> {
        let mut command = Command::new(&self.path);
        command
            .env("GODEBUG", self.godebug)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
    }
}

/// Builds the replay program; none if the toolchain can't, as for experiments it does not know.
fn build(go: &Path, experiment: &str, dir: &Path) -> Option<Program> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay");
    let version = Command::new(go)
        .arg("version")
        .env("GOTOOLCHAIN", "local")
        .output()
        .ok()?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let version = version.split(' ').nth(2)?.to_owned();
    let path = dir.join(format!("mapreplay-{version}-{experiment}"));
    let minor: u32 = version
        .strip_prefix("go1.")?
        .split('.')
        .next()?
        .parse()
        .ok()?;
    let mut build = Command::new(go);
    build.current_dir(source).args(["build", "-o"]).arg(&path);
    if minor >= 23 {
        build.arg("-ldflags=-checklinkname=0");
    }
    build
        .env("GOTOOLCHAIN", "local")
        .env("GOEXPERIMENT", experiment)
        .env_remove("GOROOT");
    let built = build.stderr(Stdio::null()).status().ok()?.success();
    built.then_some(Program { path, godebug: "" })
}

/// Scripts of which the first ones use each map type.
fn scripts<R: Read>(session: &Session<R>, seed: u64, number: u64, largest: u64) -> Vec<Script> {
    let mut rng = SplitMix::new(seed);
    let types = session.types.len() as u32;
    (0..number)
        .map(|i| {
            let mut script = Script::random(&mut rng, types, session.clones(), largest);
            if i < u64::from(types) {
                script.ty = i as u32;
            }
            script
        })
        .collect()
}

/// Runs scripts on real maps and on models; gives what was covered.
fn compare(
    program: &Program,
    seed: u64,
    number: u64,
    largest: u64,
) -> Result<Coverage, Difference> {
    let mut child = program.start()?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Difference("no pipes".to_owned()));
    };
    let mut session = Session::new(BufReader::with_capacity(1 << 20, output))?;
    let mut all = scripts(&session, seed, number, largest);
    if largest == u64::MAX {
        all.extend([Script::huge(0, 900_000), Script::huge(3, 500_000)]);
    }
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut bytes = Vec::new();
            for script in &all {
                bytes.clear();
                script.encode(&mut bytes);
                if input.write_all(&bytes).is_err() {
                    break; // the reading side says why
                }
            }
            drop(input);
        });
        let result = all.iter().enumerate().try_for_each(|(i, script)| {
            session.script(script).map_err(|Difference(text)| {
                Difference(format!("script {i} of seed {seed}: {text}"))
            })
        });
        if result.is_err() {
            let _ = child.kill();
        }
        result
    });
    let _ = child.wait();
    result.map(|()| session.coverage)
}

fn scratch() -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// Where recorded runs lie: scripts, then what the replay program wrote, each after its length,
/// compressed.
fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded")
}

#[test]
fn recorded() {
    let mut builds = Vec::new();
    for file in std::fs::read_dir(recordings()).unwrap() {
        let compressed = std::fs::read(file.unwrap().path()).unwrap();
        let mut bytes = Vec::new();
        ZlibDecoder::new(&*compressed)
            .read_to_end(&mut bytes)
            .unwrap();
        let (len, rest) = bytes.split_first_chunk().unwrap();
        let (mut scripts, record) = rest.split_at(u32::from_le_bytes(*len) as usize);
        let mut session = Session::new(record).unwrap();
        while !scripts.is_empty() {
            let script = Script::decode(&mut scripts).unwrap();
            session.script(&script).unwrap();
        }
        assert!(session.coverage.scripts >= session.types.len() as u64);
        builds.push(session.build);
    }
    for version in GoVersion::ALL {
        assert!(
            builds.contains(&Build::of(version)),
            "no recording of {version}"
        );
    }
    for version in [GoVersion::Go1_24, GoVersion::Go1_25] {
        assert!(builds.contains(&Build::without_swiss(version).unwrap()));
    }
}

/// Makes the recordings anew with the toolchains of TOPHASH_GOROOTS.
#[test]
#[ignore = "writes the recordings"]
fn record() {
    let roots = std::env::var_os("TOPHASH_GOROOTS").unwrap_or_default();
    for root in std::env::split_paths(&roots) {
        for experiment in ["", "noswissmap"] {
            let go = root.join("bin/go");
            let Some(mut program) = build(&go, experiment, &scratch()) else {
                continue;
            };
            write_recording(&program, 40, "");
            program.godebug = "cpu.aes=off";
            if experiment.is_empty() {
                write_recording(&program, 12, "-noaes");
            }
        }
    }
}

/// Runs one script for each map type, with at most `largest` keys, and stores what came out.
fn write_recording(program: &Program, largest: u64, suffix: &str) {
    let run = |input: Vec<u8>| {
        let mut child = program.start().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
        let output = child.wait_with_output().unwrap().stdout;
        writer.join().unwrap();
        output
    };
    let greeting = run(Vec::new());
    let session = Session::new(&*greeting).unwrap();
    let mut input = Vec::new();
    for script in scripts(&session, 3, session.types.len() as u64, largest) {
        script.encode(&mut input);
    }
    let mut bytes = (input.len() as u32).to_le_bytes().to_vec();
    bytes.extend(&input);
    bytes.extend(run(input));
    let mut file = ZlibEncoder::new(Vec::new(), Compression::best());
    file.write_all(&bytes).unwrap();
    let name = session.version.replace([' ', ':'], "-") + suffix;
    std::fs::write(recordings().join(name), file.finish().unwrap()).unwrap();
}

#[test]
fn live() {
    let Some(mut program) = build(Path::new("go"), "", &scratch()) else {
        eprintln!("skipped: no go on the path that can build the replay program");
        return;
    };
    for godebug in ["", "cpu.aes=off"] {
        program.godebug = godebug;
        let coverage = compare(&program, 1, 200, 1500).unwrap();
        assert_eq!(coverage.scripts, 200);
    }
}

#[test]
#[ignore = "needs Go toolchains and minutes; see the top of this file"]
fn full() {
    let roots = std::env::var_os("TOPHASH_GOROOTS").unwrap_or_default();
    let scripts = std::env::var("TOPHASH_SCRIPTS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(10_000);
    let seed = std::env::var("TOPHASH_SEED")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1);
    let mut failed = false;
    for root in std::env::split_paths(&roots).filter(|root| root.as_os_str() != OsStr::new("")) {
        let go = root.join("bin/go");
        for experiment in ["", "noswissmap", "mapsplitgroup"] {
            let Some(mut program) = build(&go, experiment, &scratch()) else {
                continue;
            };
            for godebug in ["", "cpu.aes=off"] {
                program.godebug = godebug;
                let n = if godebug.is_empty() {
                    scripts
                } else {
                    scripts / 10
                };
                match compare(&program, seed, n, u64::MAX) {
                    Ok(coverage) => {
                        eprintln!("{} {experiment} {godebug}: {coverage:?}", root.display())
                    }
                    Err(Difference(text)) => {
                        failed = true;
                        eprintln!("{} {experiment} {godebug}: {text}", root.display());
                    }
                }
            }
        }
    }
    assert!(!failed);
}
