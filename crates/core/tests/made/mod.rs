//! Real cores of real programs, made on the fly: see the programs beside this folder.
//!
//! A program says on its standard output what its maps hold, and ends in a core. Where no core
//! can be had, tests are skipped aloud.

#![allow(dead_code, reason = "each test makes use of a part")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

/// A `go` command.
#[derive(Clone, Debug)]
pub struct Toolchain {
    pub go: PathBuf,
    /// The second number of its version: 26 of go1.26.8.
    pub minor: u32,
}

impl Toolchain {
    pub fn new(go: PathBuf) -> Option<Self> {
        let output = Command::new(&go)
            .arg("version")
            .env("GOTOOLCHAIN", "local")
            .env_remove("GOROOT")
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let minor = text.split("go1.").nth(1)?.split(['.', ' ']).next()?;
        let minor = minor.parse().ok()?;
        Some(Self { go, minor })
    }

    /// The one on the path. Without it a test is skipped aloud, or fails if TOPHASH_REQUIRE_GO is
    /// set.
    pub fn on_path() -> Option<Self> {
        let found = Self::new("go".into());
        if found.is_none() {
            assert!(
                std::env::var_os("TOPHASH_REQUIRE_GO").is_none(),
                "TOPHASH_REQUIRE_GO is set, and there is no go command"
            );
            skipped("there is no go on the path");
        }
        found
    }

    /// Those of TOPHASH_GOROOTS, directories separated by colons.
    pub fn named() -> Vec<Self> {
        let roots = std::env::var_os("TOPHASH_GOROOTS").unwrap_or_default();
        std::env::split_paths(&roots)
            .map(|root| Self::new(root.join("bin/go")).expect("TOPHASH_GOROOTS names no toolchain"))
            .collect()
    }
}

/// What is said where the limit on the size of cores can't be raised.
const NO_CORES: &str = "this machine does not allow cores";

/// Says that a test does not test what it should.
pub fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}

/// A way to build a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variant {
    Default,
    /// Without symbols and debug information.
    Stripped,
    /// Loaded anywhere.
    Pie,
    /// Linked with C, threads made by libc.
    Cgo,
    /// With the maps of Go 1.23, in 1.24 and 1.25.
    NoSwissMap,
    /// For another processor, run by an emulator.
    Arm64,
}

impl Variant {
    pub const ALL: [Self; 6] = [
        Self::Default,
        Self::Stripped,
        Self::Pie,
        Self::Cgo,
        Self::NoSwissMap,
        Self::Arm64,
    ];

    /// Those that a toolchain and this machine can build and run; says aloud what they can't.
    pub fn possible_for(toolchain: &Toolchain) -> Vec<Self> {
        let (possible, not) = Self::ALL
            .into_iter()
            .partition::<Vec<_>, _>(|variant| variant.possible(toolchain));
        for variant in not {
            skipped(&format!("{variant:?} with go1.{}", toolchain.minor));
        }
        possible
    }

    /// Whether a toolchain and this machine can build and run it.
    pub fn possible(self, toolchain: &Toolchain) -> bool {
        match self {
            Self::Default | Self::Stripped | Self::Pie => true,
            Self::Cgo => runs("gcc"),
            Self::NoSwissMap => matches!(toolchain.minor, 24 | 25),
            Self::Arm64 => runs("qemu-aarch64"),
        }
    }

    fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Cgo => &[("CGO_ENABLED", "1")],
            Self::NoSwissMap => &[("GOEXPERIMENT", "noswissmap")],
            Self::Arm64 => &[("GOARCH", "arm64")],
            _ => &[],
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Stripped => &["-ldflags=-s -w"],
            Self::Pie => &["-buildmode=pie"],
            _ => &[],
        }
    }
}

fn runs(command: &str) -> bool {
    let mut command = Command::new(command);
    let command = command.arg("--version").stdout(Stdio::null());
    command
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A built program.
#[derive(Clone, Debug)]
pub struct Program {
    pub path: PathBuf,
    pub variant: Variant,
    _dir: Arc<TempDir>,
}

impl Program {
    /// Builds one of the programs.
    pub fn build(name: &str, toolchain: &Toolchain, variant: Variant) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/programs");
        let dir = scratch();
        let path = dir.path().join(name);
        let output = Command::new(&toolchain.go)
            .current_dir(source)
            .args(["build", "-o"])
            .arg(&path)
            .args(variant.arguments())
            .arg(format!("./{name}"))
            .envs([
                ("GOTOOLCHAIN", "local"),
                ("GOFLAGS", ""),
                ("GOWORK", "off"),
                ("GOOS", "linux"),
                ("CGO_ENABLED", "0"),
            ])
            .env_remove("GOROOT")
            .env_remove("GOEXPERIMENT")
            .envs(variant.environment().iter().copied())
            .output()
            .expect("go can't be run");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} {variant:?}: {text}");
        Self {
            path,
            variant,
            _dir: Arc::new(dir),
        }
    }

    /// A command that runs the program, by another command if there is a prefix, in a directory with
    /// leave to dump its core there.
    fn command(&self, dir: &Path, prefix: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        let script =
            format!("ulimit -c unlimited 2>/dev/null || echo '{NO_CORES}' >&2; exec \"$@\"");
        command.arg("-c").arg(script).arg("sh").args(prefix);
        if self.variant == Variant::Arm64 {
            command.arg("qemu-aarch64");
        }
        command.arg(&self.path).args(arguments);
        command.env("GOTRACEBACK", "crash").env_remove("GODEBUG");
        command.current_dir(dir).stdin(Stdio::null());
        command
    }

    /// Runs the program until it ends in a core; none if it ended otherwise by its own account
    /// (status 3: nothing was noticed), or if this machine makes no cores.
    pub fn crash(&self, arguments: &[&str]) -> Option<Crash> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let dir = scratch();
        let output = self
            .command(
                dir.path(),
                &["timeout", "--foreground", "-s", "KILL", "180"],
                arguments,
            )
            .output()
            .expect("sh can't be run");
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(3) => {
                skipped(&format!("{name} {arguments:?}: {log}"));
                return None;
            }
            Some(137) => {
                skipped(&format!("{name} {arguments:?} does not end"));
                return None;
            }
            _ => {}
        }
        // An emulator ends in a core of its own besides that of the program.
        let prefix = match self.variant {
            Variant::Arm64 => "qemu_",
            _ => "core",
        };
        let mut entries = std::fs::read_dir(dir.path()).expect("scratch").flatten();
        let core = entries.find(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        let Some(core) = core else {
            no_core(&format!("{name} {arguments:?}: {:?}\n{log}", output.status));
            return None;
        };
        let said = output
            .stdout
            .lines()
            .map(|line| line.expect("UTF-8"))
            .collect();
        Some(Crash {
            program: self.clone(),
            core: core.path(),
            _dir: dir,
            said: Said::parse(said),
            log,
        })
    }

    /// Runs the program until it has said everything, and keeps it running.
    pub fn start(&self, arguments: &[&str], lines: usize) -> Running {
        let mut command = self.command(Path::new("."), &[], arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .stderr(Stdio::null())
            .spawn()
            .expect("sh can't be run");
        let input = child.stdin.take().expect("a pipe");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut said = Vec::new();
        for _ in 0..lines {
            let mut line = String::new();
            output
                .read_line(&mut line)
                .expect("the program says something");
            said.push(line);
        }
        Running {
            said: Said::parse(said),
            child,
            _pipes: (input, output),
        }
    }
}

/// Without a core nothing can be tested. Whether that is a failure depends on who decides.
fn no_core(what: &str) {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let plain = !pattern.contains(['|', '/']) && pattern.starts_with("core");
    let allowed = !what.contains(NO_CORES);
    let required = std::env::var_os("TOPHASH_REQUIRE_GO").is_some();
    assert!(
        !(plain && allowed && required),
        "no core of {what}; the kernel's pattern is {pattern}"
    );
    skipped(&format!(
        "no core of {what}; the kernel's pattern for cores is {pattern}"
    ));
}

/// An empty directory, gone with the value.
pub fn scratch() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("the scratch directory can't be made")
}

/// A program that ended, and what it left.
#[derive(Debug)]
pub struct Crash {
    pub program: Program,
    pub core: PathBuf,
    pub said: Said,
    /// Its standard error.
    pub log: String,
    _dir: TempDir,
}

/// A program that runs. It is ended when this is dropped.
#[derive(Debug)]
pub struct Running {
    pub said: Said,
    child: Child,
    _pipes: (ChildStdin, BufReader<ChildStdout>),
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program said of itself.
#[derive(Debug)]
pub struct Said {
    pub version: String,
    pub swiss: bool,
    pub maps: Vec<Map>,
    pub goroutines: Vec<Goroutine>,
    /// Of `many`: how many small maps there are.
    pub small: u64,
}

/// A map as its program sees it; see `say.Map`.
#[derive(Clone, Debug)]
pub struct Map {
    pub name: String,
    pub place: String,
    pub path: String,
    pub ty: String,
    pub address: u64,
    pub len: u64,
    /// All entries, unless there are many.
    pub entries: Option<Vec<(Value, Value)>>,
    pub sample: Vec<(Value, Value)>,
    pub growing: bool,
    pub damage: String,
}

/// A goroutine that takes part in a conflict.
#[derive(Clone, Debug)]
pub struct Goroutine {
    pub id: u64,
    pub operation: String,
    pub function: String,
}

impl Said {
    fn parse(lines: Vec<String>) -> Self {
        let mut said = Self {
            version: String::new(),
            swiss: false,
            maps: Vec::new(),
            goroutines: Vec::new(),
            small: 0,
        };
        for line in lines {
            let value: Value = serde_json::from_str(&line).expect("the program writes JSON");
            if let Some(version) = value["version"].as_str() {
                said.version = version.to_owned();
                said.swiss = value["swiss"] == true;
            }
            if let Some(id) = value["goroutine"].as_u64() {
                said.goroutines.push(Goroutine {
                    id,
                    operation: text(&value["operation"]),
                    function: text(&value["function"]),
                });
            }
            said.small = value["small"].as_u64().unwrap_or(said.small);
            let maps = value["maps"].as_array().into_iter().flatten();
            said.maps
                .extend(maps.chain(value.get("map")).map(Map::parse));
        }
        said
    }

    /// The map of this name.
    pub fn map(&self, name: &str) -> &Map {
        let map = self.maps.iter().find(|map| map.name == name);
        map.unwrap_or_else(|| panic!("the program has no map {name}"))
    }

    /// Those that are there, by address.
    pub fn by_address(&self) -> BTreeMap<u64, &Map> {
        let there = self.maps.iter().filter(|map| map.address != 0);
        there.map(|map| (map.address, map)).collect()
    }
}

impl Map {
    fn parse(value: &Value) -> Self {
        let pairs = |value: &Value| {
            let pairs = value.as_array()?.iter();
            Some(
                pairs
                    .map(|pair| (pair[0].clone(), pair[1].clone()))
                    .collect::<Vec<_>>(),
            )
        };
        let len = value["len"].as_u64().expect("len");
        let entries = pairs(&value["entries"]);
        let described = value["path"].is_string() || entries.is_some();
        Self {
            name: text(&value["name"]),
            place: text(&value["where"]),
            path: text(&value["path"]),
            ty: text(&value["type"]),
            address: number(&value["address"]).expect("an address"),
            len,
            entries: entries.or((len == 0 && described).then(Vec::new)),
            sample: pairs(&value["sample"]).unwrap_or_default(),
            growing: value["growing"] == true,
            damage: text(&value["damage"]),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A number, or one that is written in hexadecimal as a string.
pub fn number(value: &Value) -> Option<u64> {
    let hex = value.as_str().and_then(|text| text.strip_prefix("0x"));
    value
        .as_u64()
        .or_else(|| u64::from_str_radix(hex?, 16).ok())
}
