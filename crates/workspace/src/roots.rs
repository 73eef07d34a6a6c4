//! From the patterns of a command line to directories and files
//! (`LoadPackages` in cmd/go/internal/modload, Go 1.26).

use crate::fs::{FileSystem, Listing};
use crate::model::{PatternError, PatternErrorReason, Problem, ProblemKind};
use crate::modfile::ModFile;
use crate::modules::{MainModule, join_clean, join_path, join_relative};
use crate::pattern::Pattern;
use crate::scope::{
    Location, STANDARD, Scope, Scopes, enclosing_module, is_relative, is_standard_form,
};
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};

/// What a pattern led to.
pub(crate) struct Root {
    pub(crate) location: Location,
    pub(crate) files: RootFiles,
    /// Index of the pattern.
    pub(crate) pattern: usize,
    /// The pattern names this directory itself: it is an error if there is nothing in it.
    pub(crate) is_literal: bool,
}

/// Which files of the directory are meant.
pub(crate) enum RootFiles {
    /// All that the build takes.
    Selected,
    /// Files given one by one, by name.
    Named(Vec<String>),
    /// Standard input.
    Stdin,
}

/// Expands the patterns of a run.
pub(crate) struct Expansion<'a> {
    pub(crate) fs: &'a FileSystem,
    pub(crate) scopes: &'a mut Scopes,
    pub(crate) working_dir: &'a Path,
    pub(crate) roots: Vec<Root>,
    pub(crate) errors: Vec<PatternError>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) seen: FxHashSet<PathBuf>,
}

impl Expansion<'_> {
    /// Expands one pattern.
    pub(crate) fn expand(&mut self, index: usize, pattern: &str) {
        let reason = match self.expand_any(index, pattern) {
            Ok(true) => return,
            Ok(false) => PatternErrorReason::NoMatch,
            Err(reason) => reason,
        };
        self.errors.push(PatternError {
            pattern: pattern.to_owned(),
            reason,
        });
    }

    /// Gives whether the pattern matched something, which may have been named before.
    fn expand_any(&mut self, index: usize, pattern: &str) -> Result<bool, PatternErrorReason> {
        if pattern == "-" {
            let mut location = self.scopes.locate(self.fs, self.working_dir);
            location.import_path = COMMAND_LINE.to_owned();
            self.roots.push(Root {
                location,
                files: RootFiles::Stdin,
                pattern: index,
                is_literal: true,
            });
            return Ok(true);
        }
        if pattern.ends_with(".go") && !pattern.contains("...") {
            let file = join_clean(self.working_dir, pattern);
            if let (Some(dir), Some(name)) = (file.parent(), file.file_name())
                && let Some(name) = name.to_str()
            {
                let listing = self.fs.list(dir);
                if listing.has_file(name) {
                    self.add_file(index, dir, name);
                    return Ok(true);
                }
                if self.report_unlisted(dir, &listing) {
                    return Ok(true);
                }
            }
        }
        if is_relative(pattern) || Path::new(pattern).is_absolute() {
            return self.expand_dirs(index, pattern);
        }
        match self.expand_import_paths(index, pattern) {
            // `tophash check cache` where `./cache` is meant.
            Ok(false) | Err(_) if self.is_dir_here(pattern) => self.expand_dirs(index, pattern),
            Err(_) if is_file_name(pattern) => Err(PatternErrorReason::NotFound),
            result => result,
        }
    }

    fn is_dir_here(&self, pattern: &str) -> bool {
        let top = pattern
            .split("...")
            .next()
            .unwrap_or_default()
            .trim_end_matches('/');
        !top.is_empty() && self.fs.list(&self.working_dir.join(top)).exists
    }

    /// Files named one by one: those of one directory make one package.
    fn add_file(&mut self, index: usize, dir: &Path, name: &str) {
        for root in &mut self.roots {
            if root.location.dir == dir
                && let RootFiles::Named(names) = &mut root.files
            {
                if !names.iter().any(|n| n == name) {
                    names.push(name.to_owned());
                }
                return;
            }
        }
        let mut location = self.scopes.locate(self.fs, dir);
        location.import_path = COMMAND_LINE.to_owned();
        self.roots.push(Root {
            location,
            files: RootFiles::Named(vec![name.to_owned()]),
            pattern: index,
            is_literal: true,
        });
    }

    /// Gives whether the directory may be a package.
    fn add_dir(&mut self, index: usize, dir: &Path, is_literal: bool) -> bool {
        if !self.seen.insert(dir.to_owned()) {
            // Named for itself after a wildcard found it.
            let known = self.roots.iter_mut().find(|root| root.location.dir == dir);
            if let Some(root) = known.filter(|_| is_literal) {
                (root.pattern, root.is_literal) = (index, true);
            }
            return true;
        }
        let location = self.scopes.locate(self.fs, dir);
        // The top of the standard library, and its documentation in the form of a package.
        if location.scope == STANDARD && matches!(&*location.import_path, "builtin" | "") {
            return false;
        }
        self.roots.push(Root {
            location,
            files: RootFiles::Selected,
            pattern: index,
            is_literal,
        });
        true
    }

    fn expand_dirs(&mut self, index: usize, pattern: &str) -> Result<bool, PatternErrorReason> {
        let absolute = join_clean(self.working_dir, pattern);
        let Some(text) = absolute.to_str() else {
            return Err(PatternErrorReason::NotFound);
        };
        let Some(wildcard) = text.find("...") else {
            let listing = self.fs.list(&absolute);
            if !listing.exists {
                return Err(PatternErrorReason::NotFound);
            }
            if self.report_unlisted(&absolute, &listing) {
                return Ok(true);
            }
            if !listing.has_go_files() {
                return Err(PatternErrorReason::NoGoFiles);
            }
            return Ok(self.add_dir(index, &absolute, true));
        };
        let top = match text[..wildcard].rfind(std::path::is_separator) {
            Some(0) | None => Path::new("/"),
            Some(end) => Path::new(&text[..end]),
        };
        if !self.fs.list(top).exists {
            return Err(PatternErrorReason::NotFound);
        }
        let matcher = Pattern::new(&text.replace('\\', "/"));
        let names_vendor = pattern.split('/').any(|e| e == "vendor");
        let in_module = enclosing_module(self.fs, top).is_some();
        let mut matched = false;
        let mut pending = vec![top.to_owned()];
        while let Some(dir) = pending.pop() {
            let listing = self.fs.list(&dir);
            if dir != top {
                let is_module = self.scopes.env.modules && listing.has_file("go.mod");
                // A nested module is another build, left out unless it shares the
                // workspace. Above all modules, each is taken for itself.
                if is_module
                    && (in_module && !self.shares_workspace(top, &dir)
                        || self.scopes.is_unused_module(self.fs, &dir))
                {
                    continue;
                }
                if dir.ends_with("vendor") && !names_vendor || self.is_ignored(&dir) {
                    continue;
                }
            }
            // The problem says more than that nothing matched.
            matched |= self.report_unlisted(&dir, &listing);
            let name = dir.to_string_lossy().replace('\\', "/");
            if listing.has_go_files() && matcher.matches(&name) {
                matched |= self.add_dir(index, &dir, false);
            }
            let walked = listing
                .dirs()
                .filter(|name| is_walked(name))
                .map(|name| dir.join(name));
            pending.extend(walked);
        }
        Ok(matched)
    }

    /// Reports what a listing could not show; gives whether that is all of it.
    fn report_unlisted(&mut self, dir: &Path, listing: &Listing) -> bool {
        let unreadable = |path: &Path, reason: &str| Problem {
            path: path.to_owned(),
            line: None,
            kind: ProblemKind::Unreadable(reason.to_owned()),
        };
        let unnamable = listing.unnamable.iter();
        self.problems
            .extend(unnamable.map(|path| unreadable(path, "its name is not UTF-8")));
        let error = listing.error.as_deref();
        self.problems
            .extend(error.map(|error| unreadable(dir, error)));
        error.is_some()
    }

    /// Whether two directories belong to modules of the same `go.work`.
    fn shares_workspace(&mut self, a: &Path, b: &Path) -> bool {
        let a = self.scopes.of_dir(self.fs, a);
        let b = self.scopes.of_dir(self.fs, b);
        let in_workspace = match self.scopes.get(a) {
            Scope::Modules(modules) => modules.work_dir().is_some(),
            _ => false,
        };
        a == b && in_workspace
    }

    /// Whether an `ignore` line of its module leaves a directory out.
    fn is_ignored(&mut self, dir: &Path) -> bool {
        let scope = self.scopes.of_dir(self.fs, dir);
        let Scope::Modules(modules) = self.scopes.get(scope) else {
            return false;
        };
        modules
            .main_module_of(dir)
            .is_some_and(|main| ignores(main, dir))
    }

    fn expand_import_paths(
        &mut self,
        index: usize,
        pattern: &str,
    ) -> Result<bool, PatternErrorReason> {
        match pattern {
            "std" => Ok(self.walk_standard(index, "", &Pattern::all())),
            "cmd" => Ok(self.walk_standard(index, "cmd", &Pattern::all())),
            "all" | "work" => Ok(self.walk_own(index, &Pattern::all())),
            "tool" => {
                let mut matched = false;
                for path in self.main_module_tools() {
                    matched |= self.add_import_path(index, &path).is_ok();
                }
                Ok(matched)
            }
            _ if pattern.contains("...") => {
                let matcher = Pattern::new(pattern);
                let mut matched = self.walk_standard(index, "", &matcher);
                matched |= self.walk_standard(index, "cmd", &matcher);
                Ok(matched | self.walk_own(index, &matcher))
            }
            _ => self.add_import_path(index, pattern),
        }
    }

    fn main_module_tools(&mut self) -> Vec<String> {
        let scope = self.scopes.of_dir(self.fs, self.working_dir);
        match self.scopes.get(scope) {
            Scope::Modules(modules) => modules
                .main
                .iter()
                .flat_map(|m| m.file.tool.clone())
                .collect(),
            _ => Vec::new(),
        }
    }

    fn add_import_path(&mut self, index: usize, path: &str) -> Result<bool, PatternErrorReason> {
        let scope = self.scopes.of_dir(self.fs, self.working_dir);
        let location = self
            .scopes
            .resolve(self.fs, scope, self.working_dir, path)
            .ok_or(PatternErrorReason::NoSuchPackage)?;
        if self.seen.insert(location.dir.clone()) {
            self.roots.push(Root {
                location,
                files: RootFiles::Selected,
                pattern: index,
                is_literal: true,
            });
        }
        Ok(true)
    }

    /// Adds the packages of GOROOT/src, or of its part with a `go.mod` of its own.
    fn walk_standard(&mut self, index: usize, part: &str, matcher: &Pattern) -> bool {
        let Some(root) = &self.scopes.env.goroot else {
            return false;
        };
        let top = join_relative(&root.src, part);
        let cgo = self.scopes.env.build.cgo;
        // A downloaded toolchain has no go.mod between the library and its commands.
        let commands = root.src.join("cmd");
        let is_other_part = move |dir: &Path| part.is_empty() && dir == commands;
        self.walk_tree(index, &top, part, matcher, &is_other_part, |path| {
            let left_out = match path {
                "" | "builtin" => true,
                "runtime/cgo" => !cgo,
                _ => false,
            };
            !left_out && is_standard_form(path)
        })
    }

    /// Adds the packages of the main modules, or of the trees that stand in for them.
    fn walk_own(&mut self, index: usize, matcher: &Pattern) -> bool {
        let scope = self.scopes.of_dir(self.fs, self.working_dir);
        let tops: Vec<(PathBuf, String, ModFile)> = match self.scopes.get(scope) {
            Scope::Standard => Vec::new(),
            Scope::Modules(modules) => {
                let main = modules.main.iter();
                main.map(|m| (m.module.dir.clone(), m.module.path.clone(), m.file.clone()))
                    .collect()
            }
            Scope::Tree(tree) => {
                let roots = tree.roots().iter().cloned();
                roots
                    .map(|(dir, path)| (dir, path, ModFile::default()))
                    .collect()
            }
        };
        let mut matched = false;
        for (dir, path, file) in tops {
            let ignored = |dir_in: &Path| file.ignores(dir_in.strip_prefix(&dir).unwrap_or(dir_in));
            matched |= self.walk_tree(
                index,
                &dir,
                &path,
                matcher,
                &|d| d.ends_with("vendor") || ignored(d),
                |_| true,
            );
        }
        matched
    }

    /// Adds the packages of a module whose import paths match.
    fn walk_tree(
        &mut self,
        index: usize,
        top: &Path,
        top_path: &str,
        matcher: &Pattern,
        left_out: &dyn Fn(&Path) -> bool,
        accepted: impl Fn(&str) -> bool,
    ) -> bool {
        let mut matched = false;
        let mut pending = vec![(top.to_owned(), top_path.to_owned())];
        while let Some((dir, path)) = pending.pop() {
            if !matcher.may_match_below(&path) {
                continue;
            }
            let listing = self.fs.list(&dir);
            let is_module = self.scopes.env.modules && listing.has_file("go.mod");
            if dir != top && (is_module || left_out(&dir)) {
                continue;
            }
            if listing.has_go_files() && accepted(&path) && matcher.matches(&path) {
                matched |= self.add_dir(index, &dir, false);
            }
            let walked = listing.dirs().filter(|name| is_walked(name));
            pending.extend(walked.map(|name| (dir.join(name), join_path(&path, name))));
        }
        matched
    }
}

/// Import path of a package of files given one by one.
const COMMAND_LINE: &str = "command-line-arguments";

/// Whether a pattern can only mean a file: `cache/pod.go`, but not `example.com/pod.go`.
fn is_file_name(pattern: &str) -> bool {
    pattern.ends_with(".go") && (!pattern.contains('/') || is_standard_form(pattern))
}

/// Whether patterns go into a directory of this name.
fn is_walked(name: &str) -> bool {
    !name.starts_with(['.', '_']) && name != "testdata"
}

fn ignores(main: &MainModule, dir: &Path) -> bool {
    let relative = dir.strip_prefix(&main.module.dir).unwrap_or(dir);
    main.file.ignores(relative)
}
