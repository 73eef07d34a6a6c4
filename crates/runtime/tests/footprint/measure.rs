//! The program that measures, and what it answers beside the model's figures.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tophash_runtime::footprint::Footprint;
use tophash_runtime::types::GoType;
use tophash_runtime::{Build, MapType};

/// The map types of the program, and the most entries that they are measured with: as many as
/// there are distinct keys of the type, and as time and memory allow.
pub(crate) const TYPES: [(&str, u64); 11] = [
    ("map[int]int", 5_000_000),
    ("map[string]*T", 5_000_000),
    ("map[string]struct40", 1_000_000),
    ("map[string][200]byte", 500_000),
    ("map[string]structPtr200", 500_000),
    ("map[string]struct{}", 1_000_000),
    ("map[[16]byte]bool", 5_000_000),
    ("map[int32]struct{}", 1_000_000),
    ("map[any]any", 1_000_000),
    ("map[[25]int]bool", 500_000),
    ("map[uint8]int64", 256),
];

/// A map to measure.
#[derive(Clone, Copy)]
pub(crate) struct Question {
    pub(crate) ty: &'static str,
    pub(crate) entries: u64,
    pub(crate) hint: Option<u64>,
    pub(crate) runs: u32,
}

/// What the model says of a map, and what was measured.
pub(crate) struct Comparison {
    pub(crate) question: Question,
    pub(crate) model: Footprint,
    /// Bytes alive: mean, smallest and largest of the runs.
    pub(crate) live: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// Means of bytes allocated and of allocations.
    pub(crate) allocated: f64,
    pub(crate) allocations: f64,
}

impl Comparison {
    /// By which part the model's bytes are above those measured.
    pub(crate) fn difference(&self) -> f64 {
        self.model.bytes() / self.live - 1.0
    }

    /// The same of all bytes allocated.
    pub(crate) fn allocated_difference(&self) -> f64 {
        self.model.allocated_bytes / self.allocated - 1.0
    }

    /// Whether bytes alive and bytes allocated agree with the model, as far as the mean of so
    /// many runs of a random process tells.
    pub(crate) fn agrees(&self, tolerance: f64) -> bool {
        let chance = |deviation: f64| 4.0 * deviation / f64::from(self.question.runs).sqrt();
        let live = (self.model.bytes() - self.live).abs();
        let allocated = (self.model.allocated_bytes - self.allocated).abs();
        live <= tolerance * self.live + chance(self.model.deviation)
            && allocated <= tolerance * self.allocated + chance(self.model.allocated_deviation)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Question {
            ty,
            entries,
            hint,
            runs,
        } = self.question;
        let hint = hint.map_or("no hint".to_owned(), |hint| format!("hint {hint}"));
        write!(
            f,
            "{ty} {entries} {hint}, {runs} runs: {:.0} ±{:.0} measured {:.0} ({:.0} to {:.0}) {:+.2} %; \
             allocated {:.0} measured {:.0} {:+.2} %; in {:.1} measured {:.1}",
            self.model.bytes(),
            self.model.deviation,
            self.live,
            self.least,
            self.most,
            100.0 * self.difference(),
            self.model.allocated_bytes,
            self.allocated,
            100.0 * self.allocated_difference(),
            self.model.allocations,
            self.allocations,
        )
    }
}

/// The program that measures, built by one toolchain.
pub(crate) struct Program {
    path: PathBuf,
    version: String,
    pub(crate) build: Build,
}

impl Program {
    /// Builds it; none if the toolchain can't, as for experiments it does not know.
    pub(crate) fn build(go: &Path, experiment: &str, dir: &Path) -> Option<Program> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mapsizes");
        let name = go.to_string_lossy().replace(['/', '.'], "_");
        let path = dir.join(format!("mapsizes-{name}-{experiment}"));
        let built = Command::new(go)
            .args(["build", "-o"])
            .arg(&path)
            .arg(".")
            .env("GOTOOLCHAIN", "local")
            .env("GOEXPERIMENT", experiment)
            .env_remove("GOROOT")
            .stderr(Stdio::null())
            .current_dir(source)
            .status();
        if !built.ok()?.success() {
            return None;
        }
        let output = Command::new(&path).stdin(Stdio::null()).output().ok()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let build = Build::from_version_string(&version).ok()?;
        let version = version.trim_start_matches("go");
        let version = version.replace("-X:", " ").replace(" X:", " ");
        Some(Program {
            path,
            version,
            build,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.version
    }

    /// Measures maps.
    pub(crate) fn compare(&self, questions: &[Question]) -> Vec<Comparison> {
        let mut child = Command::new(&self.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program that measures runs");
        let mut stdin = child.stdin.take().expect("it has an input");
        let lines: String = questions
            .iter()
            .map(|q| {
                let hint = q.hint.map_or(-1, |hint| hint as i64);
                format!("{} {} {hint} {}\n", q.ty, q.entries, q.runs)
            })
            .collect();
        let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
        let output = child.wait_with_output().expect("it ends");
        writer
            .join()
            .expect("the writer ends")
            .expect("it reads its input");
        assert!(output.status.success(), "the program that measures failed");
        let text = String::from_utf8(output.stdout).expect("it writes text");
        let answers: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(answers.len(), questions.len());
        questions
            .iter()
            .zip(answers)
            .map(|(&question, answer)| self.comparison(question, answer))
            .collect()
    }

    fn comparison(&self, question: Question, answer: &str) -> Comparison {
        let numbers: Vec<f64> = answer
            .split(' ')
            .skip(4)
            .map(|word| word.parse().expect("a number"))
            .collect();
        let [live, least, most, allocated, allocations] = numbers[..] else {
            panic!("{answer:?} has not five numbers");
        };
        let (key, elem) = types(question.ty);
        let map_type = MapType::new(self.build, key, elem).expect("a map type");
        Comparison {
            question,
            model: Footprint::of(&map_type, question.entries, question.hint.unwrap_or(0)),
            live,
            least,
            most,
            allocated,
            allocations,
        }
    }
}

/// Key and element of a map type of the program.
fn types(name: &str) -> (Arc<GoType>, Arc<GoType>) {
    let int = || GoType::scalar("int", 8);
    let byte = || GoType::scalar("byte", 1);
    let bool = || GoType::scalar("bool", 1);
    let empty = || GoType::structure("struct {}", &[]);
    let structure = |parts: &[Arc<GoType>]| {
        let fields: Vec<_> = parts.iter().map(|part| (false, part.clone())).collect();
        GoType::structure("struct", &fields)
    };
    match name {
        "map[int]int" => (int(), int()),
        "map[string]*T" => (GoType::string(), GoType::pointer("*T")),
        "map[string]struct40" => {
            let parts = [GoType::string(), GoType::string(), int()];
            (GoType::string(), structure(&parts))
        }
        "map[string][200]byte" => (GoType::string(), GoType::array(byte(), 200)),
        "map[string]structPtr200" => {
            let parts = [GoType::array(int(), 24), GoType::pointer("*int")];
            (GoType::string(), structure(&parts))
        }
        "map[string]struct{}" => (GoType::string(), empty()),
        "map[[16]byte]bool" => (GoType::array(byte(), 16), bool()),
        "map[int32]struct{}" => (GoType::scalar("int32", 4), empty()),
        "map[any]any" => (GoType::any(), GoType::any()),
        "map[[25]int]bool" => (GoType::array(int(), 25), bool()),
        "map[uint8]int64" => (GoType::scalar("uint8", 1), int()),
        _ => panic!("{name} is not in the list"),
    }
}
