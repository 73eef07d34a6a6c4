//! `tophash check`: findings in Go source.

mod baseline;
mod changed;
mod fix;
mod outputs;
mod paths;
mod statistics;

use std::collections::HashSet;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use baseline::Baseline;
use changed::Changes;
use clap::ValueEnum;
use fix::{Mended, Which, mend};
use outputs::{Format, OutputFile, write_whole};
use tophash_config::Settings;
use tophash_finding::{Finding, Problem, ProblemKind, Severity, assign_fingerprints};
use tophash_report::{Report, RuleText, Sources};
use tophash_rules::{Options, Output, Progress, metas, rules};

use crate::build_flags::BuildFlags;
use crate::output::{ColorFlag, Status, complain};
use crate::progress::watched;
use crate::settings::SettingsFlags;

/// Find map failures in Go packages
///
/// Exit status: 0 if nothing was found, 1 if something was (--fail-on), 2 if a pattern
/// matches nothing, a file can't be read or an option or setting is wrong; what could be
/// analysed is still reported.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    build: BuildFlags,

    #[command(flatten)]
    settings: SettingsFlags,

    /// Report comments that suppress nothing, too (TH001)
    #[arg(long, help_heading = "Rules")]
    unused_suppressions: bool,

    #[command(flatten)]
    known: KnownFlags,

    #[command(flatten)]
    fix: FixFlags,

    /// Form of the output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,

    /// Write to a file as well: sarif=FILE, or a name that ends in .sarif, .json or .txt
    #[arg(long, value_name = "[FORMAT=]FILE")]
    output: Vec<OutputFile>,

    /// Print how often each rule found something instead of the findings
    #[arg(long)]
    statistics: bool,

    /// The least severity for which the exit status is 1
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Note)]
    fail_on: FailOn,

    /// Say what was loaded, what stayed unknown and how long each stage took
    #[arg(short, long)]
    verbose: bool,

    #[command(flatten)]
    color: ColorFlag,
}

/// Options that leave out what is known already.
#[derive(clap::Args)]
struct KnownFlags {
    /// Report nothing that this file knows
    #[arg(long, value_name = "FILE", help_heading = "Known findings")]
    baseline: Option<PathBuf>,

    /// Write all findings to this file, for --baseline, and report none
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["baseline", "new_from_rev", "output", "statistics"],
        help_heading = "Known findings"
    )]
    write_baseline: Option<PathBuf>,

    /// Name the findings that the baseline knows and that are gone, on standard error
    #[arg(long, requires = "baseline", help_heading = "Known findings")]
    stale: bool,

    /// Report only findings in lines that changed since this git revision, or since HEAD
    /// and it parted
    #[arg(long, value_name = "REV", help_heading = "Known findings")]
    new_from_rev: Option<String>,

    /// With --new-from-rev: all of a changed file counts as changed
    #[arg(long, requires = "new_from_rev", help_heading = "Known findings")]
    whole_files: bool,
}

/// Options that make the edits of findings.
#[derive(clap::Args)]
struct FixFlags {
    /// Make the edits that are safe, and report what is left
    #[arg(long, help_heading = "Fixes")]
    fix: bool,

    /// Show what --fix would change, and change nothing; the exit status is 1 if there is
    /// anything
    #[arg(
        long,
        conflicts_with_all = ["fix", "output", "statistics", "write_baseline"],
        help_heading = "Fixes"
    )]
    diff: bool,

    /// Make edits that a person should look at, too
    #[arg(long, help_heading = "Fixes")]
    unsafe_fixes: bool,
}

/// For which findings the exit status is 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum FailOn {
    /// Errors
    Error,
    /// Errors and warnings
    Warning,
    /// Any finding
    Note,
    /// None
    None,
}

pub(crate) fn run(mut args: Args) -> io::Result<Status> {
    if args.unused_suppressions {
        args.settings.add("unused-suppression");
    }
    let options = args.build.clone().options_by(&args.settings)?;
    // What can go wrong without an analysis does so before it.
    let mut known = Known::read(&args.known, &options)?;
    let mut output = known.look(&options);
    if args.fix.fix || args.fix.diff {
        let which = match args.fix.unsafe_fixes {
            true => Which::All,
            false => Which::Safe,
        };
        let mended = mend(&options, &output, which, known.rounds(), |options| {
            known.clone().look(options)
        });
        for why in &mended.refused {
            complain(why);
        }
        if args.fix.diff {
            return show(&mended, &output, args.verbose);
        }
        mended.write()?;
        if mended.count > 0 {
            let findings = counted(mended.count, "finding");
            let files = counted(mended.file_count(), "file");
            complain(&format!("{findings} mended in {files}"));
            // Lines have moved, and those of the edits are new.
            known = Known::read(&args.known, &options)?;
            output = known.look(&options);
        }
    }

    let mut sources = Sources::new(|file| options.read(file));
    assign_fingerprints(&mut output.findings, |file, line| {
        let text = sources.line(file, line)?;
        Some(String::from_utf8_lossy(text).into_owned())
    });
    if let Some(path) = &args.known.write_baseline {
        return write_baseline(path, &output, &options, &mut sources, args.verbose);
    }

    let root = repository(&options.dir);
    let texts: Vec<RuleText> = rules().iter().map(text_of).collect();
    let report = Report {
        command: "check",
        version: env!("CARGO_PKG_VERSION"),
        findings: &output.findings,
        problems: &output.problems,
        stats: output.stats,
        rules: &texts,
        dir: Some(&options.dir),
        root: Some(&root),
    };
    let mut files = args.output.iter();
    let written = files.try_for_each(|file| {
        let mut text = Vec::new();
        tophash_report::render(&report, file.format.into(), &mut sources, false, &mut text)?;
        write_whole(&file.path, &text)
    });
    match print(&args, &report, &mut sources) {
        // The reader has seen enough: `tophash check | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            return written.map(|()| status(&output, args.fail_on));
        }
        printed => printed?,
    }

    report_problems(&output.problems, args.verbose);
    if args.known.stale
        && let Some(baseline) = &known.baseline
    {
        report_stale(baseline, &output, &options)?;
    }
    if args.verbose {
        explain(&output)?;
    }
    written?;
    Ok(status(&output, args.fail_on))
}

/// What is known already, and left out.
#[derive(Clone)]
struct Known {
    /// What is left of the baseline after a look.
    baseline: Option<Baseline>,
    changes: Option<Changes>,
    whole_files: bool,
}

impl Known {
    fn read(flags: &KnownFlags, options: &Options) -> io::Result<Known> {
        let baseline = flags.baseline.as_deref().map(Baseline::read);
        let revision = flags.new_from_rev.as_deref();
        let changes = revision.map(|revision| Changes::since(revision, &options.dir));
        Ok(Known {
            baseline: baseline.transpose()?,
            changes: changes.transpose()?,
            whole_files: flags.whole_files,
        })
    }

    /// Checks the packages, and leaves out what is known.
    fn look(&mut self, options: &Options) -> Output {
        let progress = Progress::default();
        let mut output = watched(&progress, || tophash_rules::check(options, &progress));
        if let Some(changes) = &self.changes {
            let whole = self.whole_files;
            let is_new = |finding: &Finding| changes.concern(finding, whole);
            output.findings.retain(is_new);
        }
        if let Some(baseline) = &mut self.baseline {
            let mut sources = Sources::new(|file| options.read(file));
            baseline.apply(&mut output.findings, &options.dir, &mut sources);
        }
        output
    }

    /// How many rounds of edits can be told old from new: git knows the lines of the files as
    /// they are, and edits move them.
    fn rounds(&self) -> Option<usize> {
        self.changes.as_ref().map(|_| 1)
    }
}

/// Prints what the edits would change.
fn show(mended: &Mended, output: &Output, verbose: bool) -> io::Result<Status> {
    let mut out = BufWriter::new(io::stdout().lock());
    mended.diff(&mut out)?;
    out.flush()?;
    report_problems(&output.problems, verbose);
    if output.problems.iter().any(|p| p.kind.is_failure()) {
        return Ok(Status::Failed);
    }
    let findings = counted(mended.count, "finding");
    let files = counted(mended.file_count(), "file");
    complain(&format!("{findings} would be mended in {files}"));
    Ok(match mended.count {
        0 => Status::Clean,
        _ => Status::Findings,
    })
}

/// `1 finding`, `2 findings`
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn print(args: &Args, report: &Report<'_>, sources: &mut Sources<'_>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    if args.statistics {
        match args.format {
            Format::Json => statistics::json(report.findings, &mut out)?,
            _ => statistics::text(report.findings, &mut out)?,
        }
    } else {
        let color = args.color.on_stdout();
        tophash_report::render(report, args.format.into(), sources, color, &mut out)?;
    }
    out.flush()
}

fn text_of(rule: &tophash_rules::Rule) -> RuleText {
    RuleText {
        meta: rule.meta,
        page: rule.page_text(),
        url: rule.url(),
    }
}

/// The directory that code hosts show paths from: the checkout of the job, if it is one of
/// GitHub Actions, or the top of the repository, or else `dir` itself.
fn repository(dir: &Path) -> PathBuf {
    let workspace = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let checkout = workspace.filter(|workspace| dir.starts_with(workspace));
    let top = || {
        let mut above = dir.ancestors();
        above.find(|dir| dir.join(".git").exists())
    };
    checkout.unwrap_or_else(|| top().unwrap_or(dir).to_owned())
}

fn write_baseline(
    path: &Path,
    output: &Output,
    options: &Options,
    sources: &mut Sources<'_>,
    verbose: bool,
) -> io::Result<Status> {
    report_problems(&output.problems, verbose);
    // A finding that was missed because of a failure would come up as new later on.
    if output.problems.iter().any(|p| p.kind.is_failure()) {
        complain(&format!("{}: not written", path.display()));
        return Ok(Status::Failed);
    }
    Baseline::of(&output.findings, path, &options.dir, sources).write()?;
    let findings = counted(output.findings.len(), "finding");
    complain(&format!("{findings} written to {}", path.display()));
    Ok(Status::Clean)
}

/// Names what the baseline knows and what is gone, as far as this run could have found it:
/// rules that ran on files that were looked into, and files that are gone.
fn report_stale(baseline: &Baseline, output: &Output, options: &Options) -> io::Result<()> {
    let files = output.files.iter();
    let looked_into: HashSet<PathBuf> = files
        .map(|file| paths::absolute(file, &options.dir))
        .collect();
    let metas = metas();
    for (at, key, count) in baseline.stale() {
        let path = key.path(at);
        let runs = || -> io::Result<bool> {
            let dir = path.parent().unwrap_or(&path);
            let settings: Settings = crate::settings::load(&options.settings(), dir)?;
            let rule = metas.iter().position(|meta| meta.code == key.code());
            Ok(rule.is_none_or(|rule| settings.file(&path).runs(rule)))
        };
        if !path.exists() || (looked_into.contains(&path) && runs()?) {
            let times = match count {
                1 => String::new(),
                n => format!(" ({n} times)"),
            };
            let what = key.describe();
            complain(&format!(
                "{}: not found any more: {what}{times}",
                at.display()
            ));
        }
    }
    Ok(())
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

fn status(output: &Output, fail_on: FailOn) -> Status {
    let least = match fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Note => Some(Severity::Note),
        FailOn::None => None,
    };
    let mut findings = output.findings.iter();
    if output.problems.iter().any(|p| p.kind.is_failure()) {
        Status::Failed
    } else if findings.any(|finding| least.is_some_and(|least| finding.severity <= least)) {
        Status::Findings
    } else {
        Status::Clean
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
