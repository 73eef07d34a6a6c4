//! `tophash heap`: which maps cost a program its memory, why, and what to change.

mod fetch;
mod json;
mod load;
mod page;
mod source;
mod text;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use tophash_finding::{Finding, Problem, Severity, Stats, assign_fingerprints};
use tophash_profile::findings::{Advice, Thresholds, advise};
use tophash_profile::maps::{Map, maps};
use tophash_profile::site::{LineMap, Survey, survey};
use tophash_profile::{Frame, Profile};
use tophash_report::{Report, Sources};
use tophash_runtime::{Build, GoVersion};

use source::SourceLines;

use crate::credentials::Credentials;
use crate::deep_stack::on_deep_stack;
use crate::output::{ColorFlag, Status, complain};

/// Say which maps cost memory, why, and what to change
///
/// Reads heap profiles of Go programs: files of net/http/pprof and runtime/pprof, compressed or
/// not, the text of heap?debug=1, or the address of a service. Only debug=1 has the runtime's own
/// frames, which tell what each allocation was for; without them it is told by the sizes of
/// blocks, best with --src. Several profiles, in order of time, are a series.
///
/// Exit status: 0 if nothing was found, 1 if something was, 2 if a profile can't be read.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Profiles: files, or addresses such as http://host:6060
    #[arg(value_name = "PROFILE", required = true)]
    profiles: Vec<PathBuf>,

    /// A profile from before: what was allocated until then does not count
    #[arg(long, value_name = "PROFILE")]
    base: Option<PathBuf>,

    /// The program's source: names maps and their types
    #[arg(long, value_name = "DIR")]
    src: Option<PathBuf>,

    /// The program: names the runtime's frames of debug=1
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,

    /// The Go version it was built with, such as 1.25 [default: that of the program or of the
    /// profile's paths, or the newest]
    #[arg(long, value_name = "VERSION")]
    go: Option<String>,

    /// Form of the output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,

    /// Rows of the table
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,

    #[command(flatten)]
    credentials: Credentials,

    #[command(flatten)]
    limits: Limits,

    #[command(flatten)]
    color: ColorFlag,
}

/// From when on things are worth a finding.
#[derive(clap::Args)]
struct Limits {
    /// MiB that a finding must be about
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = 1.0,
        help_heading = "Thresholds"
    )]
    min: f64,

    /// MB allocated in a second between two profiles
    #[arg(
        long,
        value_name = "MB",
        default_value_t = 500.0,
        help_heading = "Thresholds"
    )]
    rate: f64,

    /// Objects made for each that is alive
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5.0,
        help_heading = "Thresholds"
    )]
    churn: f64,

    /// Live maps of one line
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20_000.0,
        help_heading = "Thresholds"
    )]
    live_maps: f64,

    /// The hint advised, as a multiple of the largest size seen
    #[arg(
        long,
        value_name = "FACTOR",
        default_value_t = 1.25,
        help_heading = "Thresholds"
    )]
    hint: f64,

    /// Bytes above which an element is large
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 64,
        help_heading = "Thresholds"
    )]
    element: u64,

    /// Per cent of slots in use below which a table is almost empty
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 12.5,
        help_heading = "Thresholds"
    )]
    empty: f64,
}

impl Limits {
    fn thresholds(&self) -> Thresholds {
        Thresholds {
            bytes: self.min * 1048576.0,
            rate: self.rate * 1e6,
            churn: self.churn,
            live_maps: self.live_maps,
            hint: self.hint.max(1.0),
            element: self.element,
            empty: self.empty / 100.0,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// For people: a table of maps, and findings with their evidence
    Text,
    /// For programs: one object, as docs/finding.schema.json describes it
    Json,
    /// For GitHub Actions: annotations
    Github,
    /// For people, in a browser: one page that needs nothing else
    Html,
}

/// All that there is to say.
struct Outcome {
    profiles: Vec<Profile>,
    surveys: Vec<Survey>,
    build: Build,
    /// Whether the version is only the newest that it can be, for lack of better knowledge.
    guessed: bool,
    maps: Vec<Map>,
    advice: Vec<Advice>,
    findings: Vec<Finding>,
    /// Nanoseconds from the first profile to the last.
    span: Option<i64>,
    problems: Vec<Problem>,
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let outcome = match on_deep_stack(|| Ok(look(&args)))? {
        Ok(outcome) => outcome,
        Err(message) => {
            complain(&message);
            return Ok(Status::Failed);
        }
    };
    for problem in &outcome.problems {
        complain(&problem.message);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match args.format {
        Format::Text => text::write(&args, &outcome, &mut out),
        Format::Json => json::write(&outcome, &mut out),
        Format::Github => {
            let mut sources = Sources::new(|_| None);
            let format = tophash_report::Format::Github;
            let report = report(&outcome, &outcome.findings);
            tophash_report::render(&report, format, &mut sources, false, &mut out)
        }
        Format::Html => page::write(&outcome, &mut out),
    };
    match written.and_then(|()| out.flush()) {
        // The reader has seen enough: `tophash heap | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written?,
    }
    let serious = |finding: &Finding| finding.severity != Severity::Note;
    Ok(match outcome.findings.iter().any(serious) {
        true => Status::Findings,
        false => Status::Clean,
    })
}

/// Reads, names, classes and judges.
fn look(args: &Args) -> Result<Outcome, String> {
    let lines = match args.src.as_deref().map(SourceLines::open) {
        Some(Err(error)) => {
            let dir = args.src.as_deref().unwrap_or(Path::new(""));
            return Err(format!("--src {}: {error}", dir.display()));
        }
        Some(Ok(lines)) => Some(lines),
        None => None,
    };
    let asked: Option<Build> = match &args.go {
        Some(text) => {
            let build = Build::from_version_string(text);
            Some(build.map_err(|error| format!("--go: {error}"))?)
        }
        None => None,
    };
    let mut loaded = load::load(args)?;
    let told = asked.or(loaded.build).map(|build| (build, true));
    let told = told.or_else(|| {
        let last = loaded.profiles.iter().rev();
        last.into_iter().find_map(tophash_profile::build::guess)
    });
    let (build, known) = told.unwrap_or((Build::of(GoVersion::LATEST), false));
    let locate = |frame: &Frame<'_>| -> Option<Arc<LineMap>> { lines.as_ref()?.locate(frame) };
    let surveys: Vec<Survey> = (loaded.profiles.iter())
        .map(|profile| survey(profile, build, &locate))
        .collect();
    let times: Vec<i64> = loaded.profiles.iter().filter_map(|p| p.time).collect();
    let span = match times.as_slice() {
        [first, .., last] if times.len() == loaded.profiles.len() => {
            Some(last - first).filter(|span| *span > 0)
        }
        _ => None,
    };
    let period = loaded.profiles.last().map_or(0, |profile| profile.period);
    let maps = maps(&surveys, build, period);
    let advice = advise(&maps, span, &args.limits.thresholds());
    let findings = named(&advice, args);
    Ok(Outcome {
        profiles: std::mem::take(&mut loaded.profiles),
        surveys,
        build,
        guessed: !known,
        maps,
        advice,
        findings,
        span,
        problems: loaded.problems,
    })
}

/// The findings with their fingerprints, in the order of the advice.
fn named(advice: &[Advice], args: &Args) -> Vec<Finding> {
    let mut order: Vec<usize> = (0..advice.len()).collect();
    let place = |index: &usize| {
        advice
            .get(*index)
            .map(|a| (&a.finding.place, &a.finding.code))
    };
    order.sort_by(|a, b| place(a).cmp(&place(b)));
    let mut findings: Vec<Finding> = (order.iter())
        .filter_map(|&index| advice.get(index))
        .map(|advice| advice.finding.clone())
        .collect();
    let mut sources = sources(args);
    assign_fingerprints(&mut findings, |file, line| {
        let text = sources.line(file, line)?;
        Some(String::from_utf8_lossy(text).into_owned())
    });
    let mut numbered: Vec<(usize, Finding)> = order.into_iter().zip(findings).collect();
    numbered.sort_by_key(|(index, _)| *index);
    numbered.into_iter().map(|(_, finding)| finding).collect()
}

fn report<'a>(outcome: &'a Outcome, findings: &'a [Finding]) -> Report<'a> {
    Report {
        command: "heap",
        version: env!("CARGO_PKG_VERSION"),
        findings,
        problems: &outcome.problems,
        stats: Stats {
            packages: 0,
            files: outcome.profiles.len() as u64,
            lines: 0,
        },
        ..Report::default()
    }
}

/// The files that findings point to: only those found under `--src`, never what a profile names.
fn sources(args: &Args) -> Sources<'static> {
    let dir = args.src.clone();
    Sources::new(move |file| {
        let dir = dir.as_deref()?;
        let path = Path::new(file);
        let below = match dir == Path::new(".") {
            true => path,
            false => path.strip_prefix(dir).ok()?,
        };
        let inside = (below.components()).all(|part| matches!(part, Component::Normal(_)));
        inside.then(|| std::fs::read(path).ok())?
    })
}
