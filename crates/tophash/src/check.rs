//! `tophash check`: findings in Go source.

use std::io::{self, BufWriter, ErrorKind, Write};

use clap::ValueEnum;
use tophash_finding::{Problem, ProblemKind, assign_fingerprints};
use tophash_report::{Report, Sources};
use tophash_rules::{Output, Progress};

use crate::build_flags::BuildFlags;
use crate::output::{Color, Status, complain};
use crate::progress::watched;
use crate::settings::SettingsFlags;

/// Find map failures in Go packages
///
/// Exit status: 0 if nothing was found, 1 if something was, 2 if a pattern matches
/// nothing or a file can't be read; what could be analysed is still reported.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    build: BuildFlags,

    #[command(flatten)]
    settings: SettingsFlags,

    /// Form of the output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,

    /// Say what was loaded, what stayed unknown and how long each stage took
    #[arg(short, long)]
    verbose: bool,

    /// When to colour the output
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// For people: source excerpts, evidence, help
    Text,
    /// For editors: file:line:col: CODE message
    Concise,
    /// For programs: one object, as docs/finding.schema.json describes it
    Json,
}

impl From<Format> for tophash_report::Format {
    fn from(format: Format) -> tophash_report::Format {
        match format {
            Format::Text => tophash_report::Format::Text,
            Format::Concise => tophash_report::Format::Concise,
            Format::Json => tophash_report::Format::Json,
        }
    }
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let options = args.build.options_by(&args.settings)?;
    let progress = Progress::default();
    let mut output = watched(&progress, || tophash_rules::check(&options, &progress));

    let mut sources = Sources::new(|file| options.read(file));
    assign_fingerprints(&mut output.findings, |file, line| {
        let text = sources.line(file, line)?;
        Some(String::from_utf8_lossy(text).into_owned())
    });
    let report = Report {
        command: "check",
        version: env!("CARGO_PKG_VERSION"),
        findings: &output.findings,
        problems: &output.problems,
        stats: output.stats,
    };
    let color = args.color.on_stdout();
    let mut out = BufWriter::new(io::stdout().lock());
    let written =
        tophash_report::render(&report, args.format.into(), &mut sources, color, &mut out)
            .and_then(|()| out.flush());
    match written {
        // The reader has seen enough: `tophash check | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(status(&output)),
        written => written?,
    }

    report_problems(&output.problems, args.verbose);
    if args.verbose {
        explain(&output)?;
    }
    Ok(status(&output))
}

/// Syntax errors and the like that are listed unless more is asked for: in a tree
/// that is half merged there may be one in every file.
const SHOWN: usize = 10;

/// Writes what a person should know to standard error: every failure to do what was
/// asked, some of what is wrong in the source, and imports not found, which are
/// ordinary, only when asked.
fn report_problems(problems: &[Problem], verbose: bool) {
    let mut left_out = 0;
    let mut shown = 0;
    for problem in problems {
        if !verbose && problem.kind == ProblemKind::Import {
            continue;
        }
        if verbose || problem.kind.is_failure() || shown < SHOWN {
            shown += usize::from(!problem.kind.is_failure());
            complain(&sentence(problem));
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        complain(&format!("{left_out} more problems; -v lists them"));
    }
}

fn status(output: &Output) -> Status {
    if output.problems.iter().any(|p| p.kind.is_failure()) {
        Status::Failed
    } else if output.findings.is_empty() {
        Status::Clean
    } else {
        Status::Findings
    }
}

/// `file:line:column: message`, as far as known.
fn sentence(problem: &Problem) -> String {
    let mut place = problem.file.clone().unwrap_or_default();
    for number in [problem.line, problem.column].iter().flatten() {
        place.push_str(&format!(":{number}"));
    }
    match place.is_empty() {
        true => problem.message.clone(),
        false => format!("{place}: {}", problem.message),
    }
}

/// Writes what happened on the way to standard error.
fn explain(output: &Output) -> io::Result<()> {
    let mut err = io::stderr().lock();
    let trace = &output.trace;
    for line in &trace.loaded {
        writeln!(err, "{line}")?;
    }
    let stats = output.stats;
    writeln!(
        err,
        "packages {}, files {}, lines {}, files of dependencies {}",
        stats.packages, stats.files, stats.lines, trace.dependency_files
    )?;
    let is_import = |p: &&Problem| p.kind == ProblemKind::Import;
    let missing = output.problems.iter().filter(is_import).count();
    writeln!(err, "imports not found {missing}")?;
    for (stage, time) in &trace.stages {
        writeln!(
            err,
            "{:<10} {:>8.1} ms",
            stage.as_str(),
            time.as_secs_f64() * 1e3
        )?;
    }
    Ok(())
}
