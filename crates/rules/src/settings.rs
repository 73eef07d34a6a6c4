//! What settings say of the files of a run.

use std::path::Path;

use rustc_hash::FxHashMap;
use tophash_config::{ConfigError, FileSettings, Settings};
use tophash_finding::{Finding, Problem, ProblemKind};
use tophash_workspace::{FileId, Workspace};

use crate::options::Options;
use crate::places::Places;
use crate::registry;

/// The files that the patterns name, and what settings say of each.
pub(crate) struct Asked<'a> {
    /// By the name that findings give the file.
    files: FxHashMap<String, (FileId, FileSettings<'a>)>,
    elsewhere: FileSettings<'a>,
}

/// Reads the settings for the directories of files.
pub(crate) fn load(
    options: &Options,
    workspace: &Workspace,
    files: &[FileId],
) -> Result<Settings, Vec<Problem>> {
    let paths = files.iter().map(|&id| workspace.file(id).path.as_path());
    let mut dirs: Vec<&Path> = paths.filter_map(Path::parent).collect();
    // The parent of a bare name, which is what standard input has.
    dirs.retain(|dir| !dir.as_os_str().is_empty());
    dirs.push(&options.dir);
    dirs.sort_unstable();
    dirs.dedup();
    Settings::load(&options.settings(), &registry::metas(), dirs)
        .map_err(|errors| errors.into_iter().map(problem).collect())
}

fn problem(error: ConfigError) -> Problem {
    Problem {
        file: error.file,
        line: error.position.map(|(line, _)| line),
        column: error.position.map(|(_, column)| column),
        kind: ProblemKind::Config,
        message: error.message,
    }
}

impl<'a> Asked<'a> {
    pub(crate) fn new(
        settings: &'a Settings,
        options: &Options,
        workspace: &Workspace,
        files: &[FileId],
        places: &Places<'_>,
    ) -> Asked<'a> {
        let of = |path: &Path| settings.file(&options.dir.join(path));
        let known = |&id: &FileId| (places.path(id), (id, of(&workspace.file(id).path)));
        Asked {
            files: files.iter().map(known).collect(),
            elsewhere: of(Path::new("")),
        }
    }

    /// The settings of a file, by the name that findings give it.
    pub(crate) fn of(&self, file: &str) -> &FileSettings<'a> {
        let known = self.files.get(file).map(|(_, settings)| settings);
        known.unwrap_or(&self.elsewhere)
    }

    /// A file that the patterns name.
    pub(crate) fn file(&self, file: &str) -> Option<FileId> {
        self.files.get(file).map(|&(id, _)| id)
    }

    /// Whether nothing is to be reported in a file.
    pub(crate) fn excludes(&self, file: &str) -> bool {
        self.of(file).excluded
    }

    /// Whether each rule runs in any file.
    pub(crate) fn wanted(&self) -> Vec<bool> {
        let runs = |rule| self.files.values().any(|(_, settings)| settings.runs(rule));
        (0..registry::rules().len()).map(runs).collect()
    }

    /// Drops the findings of rules that don't run where they are, and gives the others the
    /// severity that settings ask for.
    pub(crate) fn apply(&self, findings: &mut Vec<Finding>) {
        findings.retain_mut(|finding| {
            let Some(rule) = registry::index(&finding.code) else {
                return true;
            };
            let settings = self.of(&finding.place.file);
            finding.severity = settings.severity(rule, finding.severity);
            settings.runs(rule)
        });
    }
}
