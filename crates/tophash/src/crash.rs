//! `tophash crash`: what went wrong, from the text that a Go program left.

mod input;
mod join;
mod pointers;
pub(crate) mod tree;
pub(crate) mod uses;
mod utf16;

use std::cell::RefCell;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;
use tophash_crash::{Case, Cases, Kind, Listing, Lookup, NoSource, Page};
use tophash_finding::{Finding, Problem, ProblemKind, Severity, Stats};
use tophash_report::{Report, Sources};

use join::Join;
use tree::Tree;

use crate::output::{ColorFlag, Status, complain};

/// Say what a crash log means: which map failed, how, and who was on the other side
///
/// Reads whatever holds a Go crash: the log of a pod with timestamps or JSON around it,
/// reports of the race detector, several crashes in one file, output cut off in the middle,
/// gzip. The same crash from many places counts once.
///
/// Exit status: 0 if there is no failure in it, 1 if there is, 2 if it can't be read.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The log; `-`, or nothing, is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,

    /// The program's source: finds the lines of the crash in it, and what they do with which map
    #[arg(long, value_name = "DIR")]
    src: Option<PathBuf>,

    /// Form of the output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,

    /// List every goroutine and every frame
    #[arg(short, long)]
    verbose: bool,

    #[command(flatten)]
    color: ColorFlag,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// For people: the verdict, its evidence, the goroutines
    Text,
    /// For programs: one object, as docs/finding.schema.json describes it
    Json,
    /// For GitHub Actions: annotations
    Github,
    /// For people, in a browser: one page that needs nothing else
    Html,
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let name = args.file.display().to_string();
    let log = match input::open(&args.file) {
        Ok(log) => log,
        Err(error) => {
            complain(&format!("{name}: {error}"));
            return Ok(Status::Failed);
        }
    };
    let tree = match args.src.as_deref().map(Tree::open) {
        Some(Err(error)) => {
            let dir = args.src.as_deref().unwrap_or(&args.file);
            complain(&format!("--src {}: {error}", dir.display()));
            return Ok(Status::Failed);
        }
        Some(Ok(tree)) => Some(tree),
        None => None,
    };
    // What was read before a failure is still worth telling.
    let (mut cases, broken) = tophash_crash::read_all(log);
    if let Some(error) = &broken {
        complain(&format!(
            "{name}: {error}, behind {} bytes",
            cases.totals.bytes
        ));
    }
    let join = tree.as_ref().map(Join::new);
    let source: &dyn Lookup = match &join {
        Some(join) => join,
        None => &NoSource,
    };
    let mut findings: Vec<Finding> = Vec::new();
    for case in &mut cases.cases {
        tophash_crash::refine(&mut case.verdict, &case.crash, source);
        let mut finding = tophash_crash::finding(case, &name, source);
        if let (Some(join), Some(dir)) = (&join, &args.src) {
            join.enrich(case, &mut finding);
            if let Some(line) = join.not_found(case) {
                case.verdict.missing.push(format!(
                    "{line} is not below {}, or the source there is of another version",
                    dir.display()
                ));
            }
        }
        findings.push(finding);
    }

    let mut out = BufWriter::new(io::stdout().lock());
    let written = match args.format {
        Format::Text => text(&args, &cases, &findings, &mut out),
        Format::Github => github(&findings, &mut out),
        Format::Html => page(&args, &cases, &findings, &name, &mut out),
        Format::Json => object(&cases, &findings, &name, broken.as_ref(), &mut out),
    };
    match written.and_then(|()| out.flush()) {
        // The reader has seen enough: `tophash crash | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(status(&findings, broken.is_some()))
}

fn status(findings: &[Finding], broken: bool) -> Status {
    if broken {
        Status::Failed
    } else if findings.iter().any(|f| f.severity != Severity::Note) {
        Status::Findings
    } else {
        Status::Clean
    }
}

fn text(args: &Args, cases: &Cases, findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    if findings.is_empty() {
        let lines = cases.totals.lines;
        let s = if lines == 1 { "" } else { "s" };
        return writeln!(out, "no Go crash in {lines} line{s}");
    }
    let color = args.color.on_stdout();
    let mut sources = sources(args);
    for (i, (case, finding)) in cases.cases.iter().zip(findings).enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        let report = report(std::slice::from_ref(finding), &[], 0);
        tophash_report::render(
            &report,
            tophash_report::Format::Text,
            &mut sources,
            color,
            out,
        )?;
        details(case, args.verbose, out)?;
    }
    if cases.left_out > 0 {
        writeln!(out, "\n{} more crashes were not kept", cases.left_out)?;
    }
    Ok(())
}

fn github(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    let report = report(findings, &[], 0);
    let mut sources = Sources::new(|_| None);
    let format = tophash_report::Format::Github;
    tophash_report::render(&report, format, &mut sources, false, out)
}

fn page(
    args: &Args,
    cases: &Cases,
    findings: &[Finding],
    name: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let sources = RefCell::new(sources(args));
    let page = Page {
        log: name,
        cases,
        findings,
        path: &|file| file.to_owned(),
        line: &|file, line| {
            let mut sources = sources.borrow_mut();
            let text = sources.line(file, line)?;
            Some(String::from_utf8_lossy(text).into_owned())
        },
    };
    tophash_crash::html(&page, out)
}

/// The files that findings point to: only those found under `--src`, never what a log names.
fn sources(args: &Args) -> Sources<'static> {
    let dir = args.src.clone();
    Sources::new(move |file| {
        let dir = dir.as_deref()?;
        let path = Path::new(file);
        let below = match dir == Path::new(".") {
            true => path,
            false => path.strip_prefix(dir).ok()?,
        };
        let inside = below
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        inside.then(|| std::fs::read(path).ok())?
    })
}

fn report<'a>(findings: &'a [Finding], problems: &'a [Problem], lines: u64) -> Report<'a> {
    Report {
        command: "crash",
        version: env!("CARGO_PKG_VERSION"),
        findings,
        problems,
        stats: Stats {
            packages: 0,
            files: u64::from(lines > 0),
            lines,
        },
        ..Report::default()
    }
}

/// What the log does not hold, where the crash is in it, and the goroutines.
fn details(case: &Case, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    for missing in &case.verdict.missing {
        writeln!(out, "note: {missing}")?;
    }
    writeln!(out, "{}", kind(case))?;
    writeln!(out, "{}", seen(case))?;
    if !case.crash.stacks.is_empty() {
        writeln!(out)?;
    }
    let listing = Listing { all: verbose };
    tophash_crash::list(case, listing, &|file| file.to_owned(), out)
}

/// The class in words, and how two goroutines met.
fn kind(case: &Case) -> String {
    let class = case.verdict.class.as_str().replace('-', " ");
    let conflict = case.verdict.conflict.map(|c| format!(", {}", c.words()));
    let conflict = conflict.unwrap_or_default();
    let by = match case.crash.kind {
        Kind::Race => ", seen by the race detector",
        Kind::Recovered => ", recovered",
        _ => "",
    };
    format!("class: {class}{conflict}{by}")
}

/// Where a case is in the log.
fn seen(case: &Case) -> String {
    const SHOWN: usize = 5;
    let lines: Vec<String> = (case.seen.iter().take(SHOWN))
        .map(|&(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        })
        .collect();
    let more = case.times.saturating_sub(lines.len() as u64);
    let more = match more {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let fingerprint = &case.verdict.fingerprint;
    let s = match lines.as_slice() {
        [only] if !only.contains('-') => "",
        _ => "s",
    };
    format!(
        "in the log: line{s} {}{more}; fingerprint {fingerprint}",
        lines.join(", ")
    )
}

fn object(
    cases: &Cases,
    findings: &[Finding],
    name: &str,
    broken: Option<&io::Error>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let problems: Vec<Problem> = broken
        .map(|error| Problem {
            file: Some(name.to_owned()),
            line: None,
            column: None,
            kind: ProblemKind::Read,
            message: error.to_string(),
        })
        .into_iter()
        .collect();
    let report = report(findings, &problems, cases.totals.lines);
    let crashes = json!({ "crashes": cases.cases });
    tophash_report::render_json_with(&report, &crashes, out)
}
