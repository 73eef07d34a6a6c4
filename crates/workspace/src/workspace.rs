//! The packages of a run, shared by all its threads.

use crate::context::BuildContext;
use crate::env::{Environment, Goroot};
use crate::fs::FileSystem;
use crate::model::{
    FileId, Package, PackageId, PackageKind, PatternError, PatternErrorReason, Problem,
    ProblemKind, ScopeId, SourceFile,
};
use crate::roots::{Expansion, Root, RootFiles};
use crate::scope::{Location, STANDARD, Scope, Scopes, is_standard_form};
use crate::select::{Choice, Selection, select, single_file};
use crate::store::{Append, Memo};
use crate::version::GoVersion;
use rayon::prelude::*;
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tophash_syntax::{Bodies, File};

/// Name of the file that standard input stands for.
pub const STDIN: &str = "<standard input>";

/// What to open beside the patterns.
#[derive(Default)]
pub struct Options {
    /// Leave out `_test.go` files.
    pub without_tests: bool,
    /// The text of standard input, for the pattern `-`.
    pub stdin: Vec<u8>,
}

/// All packages of a run: those that patterns name, and those they import, read on
/// demand.
pub struct Workspace {
    fs: FileSystem,
    scopes: Scopes,
    files: Append<SourceFile>,
    packages: Append<Package>,
    /// Files of the directories of imported packages; several builds share them.
    selections: Memo<PathBuf, Arc<Selection<FileId>>>,
    units: Memo<(ScopeId, PathBuf), Units>,
    imports: Memo<ImportKey, Option<Units>>,
    roots: Vec<PackageId>,
    pattern_errors: Vec<PatternError>,
    problems: Mutex<FxHashSet<Problem>>,
}

/// An import path as written, with what its meaning depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ImportKey {
    scope: ScopeId,
    /// The importing directory, where its place in a tree matters.
    from: Option<Arc<Path>>,
    path: Box<str>,
}

/// The packages of one directory.
#[derive(Clone, Copy, Default)]
struct Units {
    plain: Option<PackageId>,
    with_tests: Option<PackageId>,
    external_test: Option<PackageId>,
}

impl Workspace {
    /// Finds and reads the packages that the patterns name, as seen from an absolute
    /// directory. Without patterns, the package of that directory. It never fails:
    /// see [`pattern_errors`](Self::pattern_errors) and [`problems`](Self::problems).
    pub fn open(
        fs: FileSystem,
        env: Environment,
        working_dir: &Path,
        patterns: &[String],
        options: Options,
    ) -> Workspace {
        let mut scopes = Scopes::new(&fs, env, working_dir);
        let here = [".".to_owned()];
        let patterns = if patterns.is_empty() { &here } else { patterns };
        let mut expansion = Expansion {
            fs: &fs,
            scopes: &mut scopes,
            working_dir,
            roots: Vec::new(),
            errors: Vec::new(),
            problems: Vec::new(),
            seen: FxHashSet::default(),
        };
        for (index, pattern) in patterns.iter().enumerate() {
            expansion.expand(index, pattern);
        }
        let (mut roots, pattern_errors) = (expansion.roots, expansion.errors);
        let problems = expansion.problems;
        roots.sort_by(|a, b| a.location.dir.cmp(&b.location.dir));
        let mut workspace = Workspace {
            fs,
            scopes,
            files: Append::new(),
            packages: Append::new(),
            selections: Memo::new(),
            units: Memo::new(),
            imports: Memo::new(),
            roots: Vec::new(),
            pattern_errors,
            problems: Mutex::new(problems.into_iter().collect()),
        };
        workspace.load_roots(roots, patterns, &options);
        workspace
    }

    fn load_roots(&mut self, roots: Vec<Root>, patterns: &[String], options: &Options) {
        let selections: Vec<_> = roots
            .par_iter()
            .map(|root| {
                let mut problems = Vec::new();
                let selection = self.select_root(root, options, &mut problems);
                (selection, problems)
            })
            .collect();
        // Of each pattern with a wildcard, whether it found only what the build leaves out.
        let mut is_empty = vec![None; patterns.len()];
        let mut unmatched = Vec::new();
        for (root, (selection, problems)) in roots.into_iter().zip(selections) {
            let is_unreadable = |p: &Problem| matches!(p.kind, ProblemKind::Unreadable(_));
            let unreadable = problems.iter().any(is_unreadable);
            self.report(problems);
            let pattern = patterns.get(root.pattern).map_or("", String::as_str);
            let path = &root.location.import_path;
            if pattern == "cmd" && path.starts_with("cmd/vendor/") && &*selection.name == "main" {
                // A command of someone else (MatchPackages in cmd/go/internal/search).
                continue;
            }
            let selection = selection.map(|file| self.add_file(file));
            let units = self.make_units(&root.location, &selection, true);
            let covering = [units.with_tests.or(units.plain), units.external_test];
            let found = covering.iter().flatten().count() > 0;
            if !root.is_literal
                && let Some(is_empty) = is_empty.get_mut(root.pattern)
            {
                *is_empty = Some(is_empty.unwrap_or(true) && !found && !unreadable);
            }
            if !found && unreadable {
                // That problem is enough.
            } else if !found && root.is_literal {
                let reason = PatternErrorReason::AllFilesExcluded;
                unmatched.push((root.pattern, reason));
            } else if matches!(root.files, RootFiles::Selected) {
                // From here on imports of the directory lead to these packages, and those
                // from another build to packages of the same files.
                let dir = root.location.dir;
                let plain = Selection {
                    name: selection.name,
                    plain: selection.plain,
                    tests: Vec::new(),
                    external_tests: Vec::new(),
                };
                self.selections
                    .get_or_init(dir.as_path(), || Arc::new(plain));
                let key = (root.location.scope, dir);
                self.units.get_or_init(&key, || units);
            }
            self.roots.extend(covering.into_iter().flatten());
        }
        let empty = is_empty
            .iter()
            .enumerate()
            .filter(|(_, empty)| **empty == Some(true));
        unmatched.extend(empty.map(|(i, _)| (i, PatternErrorReason::NoMatch)));
        self.pattern_errors
            .extend(unmatched.into_iter().map(|(i, reason)| PatternError {
                pattern: patterns.get(i).cloned().unwrap_or_default(),
                reason,
            }));
    }

    fn select_root(
        &self,
        root: &Root,
        options: &Options,
        problems: &mut Vec<Problem>,
    ) -> Selection<SourceFile> {
        let choice = match &root.files {
            RootFiles::Stdin => {
                let path = root.location.dir.join(STDIN);
                return single_file(path, options.stdin.as_slice().into());
            }
            RootFiles::Named(names) => Choice::Named(names),
            RootFiles::Selected if options.without_tests => Choice::Plain,
            RootFiles::Selected => Choice::WithTests,
        };
        let build = &self.scopes.env.build;
        select(
            &self.fs,
            build,
            &root.location.dir,
            choice,
            Bodies::Parse,
            problems,
        )
    }

    fn add_file(&self, file: SourceFile) -> FileId {
        FileId(self.files.push_with(|_| file))
    }

    /// Makes the up to three packages of a directory.
    fn make_units(
        &self,
        location: &Location,
        selection: &Selection<FileId>,
        is_root: bool,
    ) -> Units {
        let dir: Arc<Path> = location.dir.as_path().into();
        let is_standard = location.scope == STANDARD;
        let release = self.scopes.env.build.release;
        let go_version = location.module.as_ref().map_or(release, |m| m.go_version);
        let make = |kind: PackageKind, files: Vec<FileId>| {
            let suffix = match kind {
                PackageKind::ExternalTest => "_test",
                _ => "",
            };
            let id = self.packages.push_with(|id| Package {
                id: PackageId(id),
                import_path: format!("{}{suffix}", location.import_path).into(),
                name: format!("{}{suffix}", selection.name).into(),
                dir: Arc::clone(&dir),
                module: location.module.clone(),
                go_version,
                files,
                kind,
                is_standard,
                is_root,
                scope: location.scope,
            });
            PackageId(id)
        };
        let present = |files: &Vec<FileId>| !files.is_empty();
        Units {
            plain: Some(selection.plain.clone())
                .filter(present)
                .map(|files| make(PackageKind::Plain, files)),
            with_tests: Some(selection.tests.clone()).filter(present).map(|tests| {
                make(
                    PackageKind::WithTests,
                    [selection.plain.as_slice(), &tests].concat(),
                )
            }),
            external_test: Some(selection.external_tests.clone())
                .filter(present)
                .map(|files| make(PackageKind::ExternalTest, files)),
        }
    }

    /// The packages that cover every file which the patterns name: of a directory
    /// with in-package tests the package with its tests, not the plain one. In the
    /// order of their directories.
    pub fn roots(&self) -> &[PackageId] {
        &self.roots
    }

    /// Patterns that named nothing.
    pub fn pattern_errors(&self) -> &[PatternError] {
        &self.pattern_errors
    }

    /// What could not be read or resolved so far, sorted by place.
    pub fn problems(&self) -> Vec<Problem> {
        let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<Problem> = problems.iter().cloned().collect();
        list.sort();
        list
    }

    /// The Go distribution in use.
    pub fn goroot(&self) -> Option<&Goroot> {
        self.scopes.env.goroot.as_ref()
    }

    /// The platform and the tags that files were chosen by.
    pub fn build(&self) -> &BuildContext {
        &self.scopes.env.build
    }

    /// A package.
    ///
    /// # Panics
    /// If the id is of another workspace.
    pub fn package(&self, id: PackageId) -> &Package {
        match self.packages.get(id.0) {
            Some(package) => package,
            None => panic!("package id of another workspace"),
        }
    }

    /// A file.
    ///
    /// # Panics
    /// If the id is of another workspace.
    pub fn file(&self, id: FileId) -> &SourceFile {
        match self.files.get(id.0) {
            Some(file) => file,
            None => panic!("file id of another workspace"),
        }
    }

    /// How many packages were made so far; their indexes are below.
    pub fn package_count(&self) -> usize {
        self.packages.len() as usize
    }

    /// How many files were read so far; their indexes are below.
    pub fn file_count(&self) -> usize {
        self.files.len() as usize
    }

    /// The tree of a file, parsed on first demand: with function bodies if a pattern
    /// names its package, without them if it is a dependency.
    pub fn tree(&self, id: FileId) -> &File {
        let file = self.file(id);
        file.tree
            .get_or_init(|| tophash_syntax::parse(&file.bytes, file.bodies))
    }

    /// The language version of a file in a package.
    pub fn go_version(&self, package: PackageId, file: FileId) -> GoVersion {
        self.file(file).go_version(self.package(package).go_version)
    }

    /// The package that an import leads to; none for `C` and `unsafe`, and where
    /// nothing was found. An external test sees its package with the in-package tests.
    pub fn import(&self, from: PackageId, path: &str) -> Option<PackageId> {
        if matches!(path, "C" | "unsafe") {
            return None;
        }
        let from = self.package(from);
        let depends_on_dir = match self.scopes.get(from.scope) {
            Scope::Modules(_) => path.starts_with('.'),
            Scope::Standard | Scope::Tree(_) => true,
        };
        let key = ImportKey {
            scope: from.scope,
            from: depends_on_dir.then(|| Arc::clone(&from.dir)),
            path: path.into(),
        };
        let units = self
            .imports
            .get_or_init(&key, || self.resolve(from, path))?;
        if from.kind == PackageKind::ExternalTest && units.external_test == Some(from.id) {
            return units.with_tests.or(units.plain);
        }
        units.plain
    }

    fn resolve(&self, from: &Package, path: &str) -> Option<Units> {
        let found = self.scopes.resolve(&self.fs, from.scope, &from.dir, path);
        let units = found.map(|location| self.units_at(location));
        let units = units.filter(|u| u.plain.is_some() || u.with_tests.is_some());
        // Without a GOROOT nothing of the standard library is found: that is one
        // fact, not one for each import.
        if units.is_none() && (self.scopes.env.goroot.is_some() || !is_standard_form(path)) {
            let place = from.files.iter().find_map(|&id| {
                let file = self.file(id);
                let import = file.header.imports.iter().find(|i| &*i.path == path)?;
                Some((file.path.clone(), file.line(import.offset)))
            });
            let (path_of_file, line) = place.unzip();
            self.report(vec![Problem {
                path: path_of_file.unwrap_or_else(|| from.dir.to_path_buf()),
                line,
                kind: ProblemKind::ImportNotFound(path.to_owned()),
            }]);
        }
        units
    }

    fn units_at(&self, location: Location) -> Units {
        let key = (location.scope, location.dir.clone());
        self.units.get_or_init(&key, || {
            let selection = self.selections.get_or_init(location.dir.as_path(), || {
                let mut problems = Vec::new();
                let build = &self.scopes.env.build;
                let dir = &location.dir;
                let choice = Choice::Plain;
                let selection = select(&self.fs, build, dir, choice, Bodies::Skip, &mut problems);
                self.report(problems);
                Arc::new(selection.map(|file| self.add_file(file)))
            });
            self.make_units(&location, &selection, false)
        })
    }

    fn report(&self, list: Vec<Problem>) {
        if !list.is_empty() {
            let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
            problems.extend(list);
        }
    }
}
