//! The run: packages in, findings out.

use std::cmp::Reverse;
use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use tophash_analysis::{Worker, analyse_package};
use tophash_concurrency::EntryPoints;
use tophash_config::Settings;
use tophash_finding::{Finding, Problem, ProblemKind, Stats, sort_and_dedupe};
use tophash_types::Program;
use tophash_workspace::{FileId, PackageId, Workspace};

use crate::options::Options;
use crate::places::Places;
use crate::problems;
use crate::progress::{Progress, Stage};
use crate::registry;
use crate::settings::{self, Asked};
use crate::site::Sites;
use crate::suppress::Directives;
use crate::trace::Trace;
use crate::workers::spread;

/// Stack of a worker thread. The parser bounds the depth of trees; what walks them
/// recurses no deeper than that, and pages never touched cost nothing.
const STACK_BYTES: usize = 256 << 20;

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Sorted, one per place and rule, without those that comments suppress and
    /// without fingerprints. Paths are relative to [`Options::dir`].
    pub findings: Vec<Finding>,
    /// What could not be read or resolved, sorted.
    pub problems: Vec<Problem>,
    /// How much was analysed.
    pub stats: Stats,
    /// The files that were looked into, by the names that findings give them.
    pub files: Vec<String>,
    /// Those of them that are the user's to edit: not what is vendored or downloaded, and of
    /// the standard library only what lies below [`Options::dir`].
    pub editable: Vec<String>,
    /// What happened on the way.
    pub trace: Trace,
}

/// Checks the packages that the patterns name. It never fails: what went wrong is
/// among the [`Output::problems`].
pub fn check(options: &Options, progress: &Progress) -> Output {
    let pool = rayon::ThreadPoolBuilder::new()
        .stack_size(STACK_BYTES)
        .build();
    match pool {
        Ok(pool) => pool.install(|| run(options, progress)),
        Err(error) => Output {
            problems: vec![Problem {
                file: None,
                line: None,
                column: None,
                kind: ProblemKind::Read,
                message: format!("failed to start threads: {error}"),
            }],
            ..Output::default()
        },
    }
}

fn run(options: &Options, progress: &Progress) -> Output {
    let mut trace = Trace::default();

    progress.enter(Stage::Load, 0);
    let start = Instant::now();
    let workspace = options.open();
    trace.describe(&workspace);
    trace.stages.push((Stage::Load, start.elapsed()));

    let files = root_files(&workspace);
    let settings = match settings::load(options, &workspace, &files) {
        Ok(settings) => settings,
        // What a mistaken setting was to hide or to show is not known.
        Err(problems) => {
            return Output {
                problems,
                ..Output::default()
            };
        }
    };
    let places = Places::new(&workspace, &options.dir);
    let asked = Asked::new(&settings, options, &workspace, &files, &places);

    let start = Instant::now();
    progress.enter(Stage::Parse, files.len());
    let lines = files.par_iter().map(|&file| {
        let tree = workspace.tree(file);
        progress.step();
        // The last line begins behind the last line feed and is mostly empty.
        let end = workspace.file(file).bytes.len();
        let begun = tree.lines.iter().filter(|&&start| (start as usize) < end);
        begun.count() as u64
    });
    let lines = lines.sum();
    trace.stages.push((Stage::Parse, start.elapsed()));

    let start = Instant::now();
    let wanted = asked.wanted();
    progress.enter(Stage::Analyse, workspace.roots().len());
    let (mut findings, given_up) = analyse(&workspace, &settings, &wanted, places, progress);
    trace.stages.push((Stage::Analyse, start.elapsed()));

    trace.dependency_files = (workspace.file_count() - files.len()) as u64;
    asked.apply(&mut findings);
    let mut suppressions = Suppressions::default();
    findings.retain(|finding| !suppressions.suppress(finding, &workspace, &asked));
    // Of a package that was given up nothing is known.
    if registry::wants_directives(&wanted) && given_up.is_empty() {
        let mut unused = suppressions.unused(&workspace, &files, &asked, &places);
        asked.apply(&mut unused);
        findings.extend(unused);
    }
    sort_and_dedupe(&mut findings);
    let mut problems = problems::collect(&workspace, &files, &places);
    problems.retain(|p| p.kind.is_failure() || !p.file.as_ref().is_some_and(|f| asked.excludes(f)));
    problems.extend(given_up);
    problems.sort();
    problems.dedup();
    Output {
        findings,
        problems,
        files: files.iter().map(|&file| places.path(file)).collect(),
        editable: own_files(&workspace, &options.dir)
            .map(|file| places.path(file))
            .collect(),
        stats: Stats {
            packages: workspace.roots().len() as u64,
            files: files.len() as u64,
            lines,
        },
        trace,
    }
}

/// Runs the rules on the packages that the patterns name. Returns their findings, and
/// a problem for each package that was given up.
fn analyse(
    workspace: &Workspace,
    settings: &Settings,
    wanted: &[bool],
    places: Places<'_>,
    progress: &Progress,
) -> (Vec<Finding>, Vec<Problem>) {
    let program = Program::new(workspace);
    let size = |id: &PackageId| {
        let files = workspace.package(*id).files.iter();
        let sizes = files.map(|&file| workspace.file(file).bytes.len());
        sizes.sum::<usize>()
    };
    let mut packages = workspace.roots().to_vec();
    packages.sort_by_cached_key(|id| Reverse(size(id)));

    // Each thread has types of its own.
    let new_worker = || (Worker::new(&program), Sites::new(&program, places));
    let results = spread(&packages, new_worker, |(worker, sites), &id| {
        let facts = analyse_package(worker, program.package_id(id));
        let mut findings = registry::findings(wanted, &facts, &worker.origins, sites);
        if registry::wants_concurrency(wanted) {
            let said = settings.dir(&workspace.package(id).dir).concurrency();
            let entries = EntryPoints::new(&said.entry_points, &said.handlers, &said.shared_types);
            let package = program.package_id(id);
            let facts = tophash_concurrency::analyse_package(worker, package, &entries);
            findings.extend(registry::concurrency_findings(wanted, &facts, sites));
        }
        progress.step();
        findings
    });

    let mut findings = Vec::new();
    let mut problems = Vec::new();
    for (&id, result) in packages.iter().zip(results) {
        match result {
            Some(found) => findings.extend(found),
            None => problems.push(Problem {
                file: Some(places.display(&workspace.package(id).dir)),
                line: None,
                column: None,
                kind: ProblemKind::Internal,
                message: "the analysis of this package failed: this is a bug in tophash".into(),
            }),
        }
    }
    (findings, problems)
}

/// The files that the patterns name, each once.
fn root_files(workspace: &Workspace) -> Vec<FileId> {
    let packages = workspace.roots().iter().map(|&id| workspace.package(id));
    let mut files: Vec<FileId> = packages.flat_map(|p| p.files.iter().copied()).collect();
    files.sort();
    files.dedup();
    files
}

/// The files that the patterns name and that are the user's.
fn own_files(workspace: &Workspace, dir: &Path) -> impl Iterator<Item = FileId> {
    let packages = workspace.roots().iter().map(|&id| workspace.package(id));
    let own = packages.filter(move |package| match &package.module {
        Some(module) => module.is_main,
        None => !package.is_standard || package.dir.starts_with(dir),
    });
    own.flat_map(|package| package.files.iter().copied())
}

/// Comments that suppress findings, of the files that have any or that were asked about.
#[derive(Default)]
struct Suppressions {
    by_file: FxHashMap<FileId, Directives>,
}

impl Suppressions {
    fn of(&mut self, file: FileId, workspace: &Workspace) -> &mut Directives {
        let read = || Directives::read(&workspace.file(file).bytes, workspace.tree(file));
        self.by_file.entry(file).or_insert_with(read)
    }

    /// Whether a comment in its file suppresses a finding.
    fn suppress(&mut self, finding: &Finding, workspace: &Workspace, asked: &Asked<'_>) -> bool {
        let file = asked.file(&finding.place.file);
        file.is_some_and(|file| self.of(file, workspace).suppress(finding))
    }

    /// Those that have suppressed nothing.
    fn unused(
        &mut self,
        workspace: &Workspace,
        files: &[FileId],
        asked: &Asked<'_>,
        places: &Places<'_>,
    ) -> Vec<Finding> {
        let mut unused = Vec::new();
        for &file in files {
            let (source, tree) = (&workspace.file(file).bytes, workspace.tree(file));
            // What a syntax error hides may be what the comment is for.
            if !tree.errors.is_empty() {
                continue;
            }
            let path = places.path(file);
            let settings = asked.of(&path);
            let directives = self.of(file, workspace);
            unused.extend(directives.unused(&path, source, tree, |rule| settings.runs(rule)));
        }
        unused
    }
}
