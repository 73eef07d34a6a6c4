//! `tophash core`: what a core dump, or a process that runs, tells of goroutines and maps.

mod conflict;
mod failure;
mod goroutines;
mod inventory;
mod map;
mod maps;
mod summary;
mod verify;

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use tophash_core::goroutines::{Goroutine, Goroutines};
use tophash_core::heap::Heap;
use tophash_core::image::{Error, Image};
use tophash_core::program::Program;
use tophash_finding::{Finding, Problem, assign_fingerprints};
use tophash_report::{Report, Sources};

pub(crate) use verify::DAMAGED_MAP;

use crate::output::{Color, Status, complain};

/// Look into a core dump or a running process: goroutines, maps, what went wrong with them
///
/// Reads ELF programs of Go 1.21 to 1.27 for linux/amd64 and linux/arm64, stripped or not, with
/// the cores that the kernel or gcore makes, compressed or not. A process that runs is only read:
/// it is neither stopped nor changed.
///
/// Exit status: 0 if nothing is wrong, 1 if a failure is found, 2 if something can't be read.
#[derive(clap::Args)]
#[command(
    subcommand_precedence_over_arg = true,
    override_usage = "\
tophash core [OPTIONS] BINARY CORE [VERB]
       tophash core [OPTIONS] --pid N [BINARY] [VERB]"
)]
pub(crate) struct Args {
    /// The program
    #[arg(value_name = "BINARY", required_unless_present = "pid")]
    binary: Option<PathBuf>,

    /// Its core dump
    #[arg(
        value_name = "CORE",
        required_unless_present = "pid",
        conflicts_with = "pid"
    )]
    core: Option<PathBuf>,

    /// Read a process that runs instead of a core
    #[arg(long, value_name = "N")]
    pid: Option<u32>,

    /// Form of the output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text, global = true)]
    format: Format,

    /// Say more: goroutines of the runtime, all frames
    #[arg(short, long, global = true)]
    verbose: bool,

    /// When to colour the output
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto, global = true)]
    color: Color,

    #[command(subcommand)]
    verb: Option<Verb>,
}

/// What to show; without a verb, the summary and the conflicts
#[derive(Subcommand)]
enum Verb {
    /// Show which program it is, why it stopped, and how much it holds
    Summary,
    Goroutines(goroutines::Args),
    Conflict(conflict::Args),
    Maps(maps::Args),
    Map(map::Args),
    Verify(verify::Args),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: one object, as docs/finding.schema.json describes it, with fields of the verb
    Json,
}

/// What every verb works on.
struct Session<'a> {
    program: &'a Program<'a>,
    goroutines: &'a Goroutines,
    heap: &'a Heap<'a>,
    format: Format,
    verbose: bool,
    color: Color,
}

/// How often a process that runs is read, at most: what can't be read or makes no sense may have
/// changed just then.
const TRIES: u32 = 4;

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let mut tries = TRIES;
    loop {
        tries -= 1;
        let image = match open(&args) {
            Ok(image) => image,
            Err(error) => return Ok(failed(&error)),
        };
        let program = match Program::load(&image) {
            Ok(program) => program,
            Err(error) => {
                complain_of(&image.problems);
                return Ok(failed(&error));
            }
        };
        let goroutines = Goroutines::load(&program);
        let heap = Heap::load(&program);
        let read = goroutines.problems.is_empty() && heap.problems.is_empty();
        if read || tries == 0 || !image.origin.is_live() {
            let session = Session {
                program: &program,
                goroutines: &goroutines,
                heap: &heap,
                format: args.format,
                verbose: args.verbose,
                color: args.color,
            };
            complain_of(&session.problems());
            return run_verb(&args, &session);
        }
    }
}

/// Runs the verb on what was read.
fn run_verb(args: &Args, session: &Session<'_>) -> io::Result<Status> {
    let mut out = BufWriter::new(io::stdout().lock());
    let status = match &args.verb {
        None => summary::run(session, true, &mut out),
        Some(Verb::Summary) => summary::run(session, false, &mut out),
        Some(Verb::Goroutines(args)) => goroutines::run(session, args, &mut out),
        Some(Verb::Conflict(args)) => conflict::run(session, args, &mut out),
        Some(Verb::Maps(args)) => maps::run(session, args, &mut out),
        Some(Verb::Map(args)) => map::run(session, args, &mut out),
        Some(Verb::Verify(args)) => verify::run(session, args, &mut out),
    };
    let status = status.and_then(|status| out.flush().map(|()| status))?;
    Ok(if !session.problems().is_empty() {
        Status::Failed
    } else {
        status
    })
}

fn open(args: &Args) -> Result<Image, Error> {
    match (args.pid, &args.binary, &args.core) {
        (Some(pid), binary, _) => Image::attach(pid, binary.as_deref()),
        (None, Some(binary), Some(core)) => Image::open(binary, core),
        // The parser asks for both.
        (None, binary, _) => Err(Error {
            subject: binary
                .as_deref()
                .unwrap_or(Path::new("core"))
                .display()
                .to_string(),
            message: "give a core dump after the program, or --pid".to_owned(),
        }),
    }
}

fn failed(error: &Error) -> Status {
    complain(&error.to_string());
    Status::Failed
}

fn complain_of(problems: &[Problem]) {
    for problem in problems {
        complain(&sentence(problem));
    }
}

fn sentence(problem: &Problem) -> String {
    match &problem.file {
        Some(file) => format!("{file}: {}", problem.message),
        None => problem.message.clone(),
    }
}

impl Session<'_> {
    /// All that could not be read.
    fn problems(&self) -> Vec<Problem> {
        let image = self.program.image.problems.iter();
        let goroutines = image.chain(&self.goroutines.problems);
        goroutines.chain(&self.heap.problems).cloned().collect()
    }

    /// Writes the one JSON object of a run: what every command has, and the fields of `more`.
    fn json(
        &self,
        findings: &[Finding],
        more: &impl Serialize,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        self.json_with(findings, &[], more, out)
    }

    /// The same, with problems of the verb behind those of every verb.
    fn json_with(
        &self,
        findings: &[Finding],
        problems: &[Problem],
        more: &impl Serialize,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut all = self.problems();
        all.extend_from_slice(problems);
        let problems = all;
        let report = Report {
            command: "core",
            version: env!("CARGO_PKG_VERSION"),
            findings,
            problems: &problems,
            ..Report::default()
        };
        tophash_report::render_json_with(&report, more, out)
    }

    /// Writes findings for people.
    fn findings(&self, findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
        let report = Report {
            command: "core",
            version: env!("CARGO_PKG_VERSION"),
            findings,
            problems: &[],
            ..Report::default()
        };
        // Sources are read where they were compiled, if they are still there.
        let mut sources = Sources::new(|file| std::fs::read(file).ok());
        let color = self.color.on_stdout();
        tophash_report::render(
            &report,
            tophash_report::Format::Text,
            &mut sources,
            color,
            out,
        )
    }
}

/// Names findings across runs, by the text of their lines where the sources are at hand.
fn fingerprints(findings: &mut [Finding]) {
    assign_fingerprints(findings, |file, line| {
        let text = std::fs::read_to_string(file).ok()?;
        let index = usize::try_from(line.checked_sub(1)?).ok()?;
        text.lines().nth(index).map(str::to_owned)
    });
}

/// Names of the verbs, for [`verb_last`].
const VERBS: [&str; 6] = ["summary", "goroutines", "conflict", "maps", "map", "verify"];

/// Puts the verb behind the files where it was written before them: `tophash core maps ./app
/// core.7`. Files that follow it are those that exist, at most two.
pub(crate) fn verb_last(mut args: Vec<OsString>) -> Vec<OsString> {
    let is = |at: usize, word: &str| args.get(at).is_some_and(|arg| arg == word);
    if is(1, "core") && VERBS.iter().any(|verb| is(2, verb)) {
        let files = args.iter().skip(3).take(2);
        let count = files.take_while(|arg| Path::new(arg).is_file()).count();
        if let Some(part) = args.get_mut(2..3 + count) {
            part.rotate_left(1);
        }
    }
    args
}

/// One line about a goroutine: `goroutine 18 [running]`.
fn title(goroutine: &Goroutine) -> String {
    let mut title = format!("goroutine {} [{}", goroutine.id, goroutine.state());
    title.push(']');
    if !goroutine.labels.is_empty() {
        let labels = goroutine.labels.iter();
        let labels: Vec<_> = labels
            .map(|(key, value)| format!("{key}: {value}"))
            .collect();
        title.push_str(&format!(" {{{}}}", labels.join(", ")));
    }
    title
}

/// A count with its noun: `1 goroutine`, `2 goroutines`.
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count as u64))
}

/// A number with commas: `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes for people: `1.2 MB`.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}
