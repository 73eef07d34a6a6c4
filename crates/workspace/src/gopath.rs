//! Trees without `go.mod`: GOPATH, and bare checkouts of repositories from before
//! modules, whose import path has to be guessed.

use crate::env::Environment;
use crate::fs::FileSystem;
use crate::header::Header;
use crate::modules::{Found, join_clean, join_path, relative_import, slash_path};
use rustc_hash::FxHashMap;
use std::path::{Path, PathBuf};

/// Source trees, each with the import path of its root.
pub(crate) struct TreeScope {
    roots: Vec<(PathBuf, String)>,
}

/// Where the trees around a directory start.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum TreeTop {
    /// The directory lies in the GOPATH.
    Gopath,
    /// In another directory that is used like a GOPATH's `src`.
    Src(PathBuf),
    /// In a checkout with this top, anywhere.
    Checkout(PathBuf),
}

impl TreeTop {
    /// Finds the top. A checkout without any mark of its own starts at the working
    /// directory.
    pub(crate) fn above(
        fs: &FileSystem,
        env: &Environment,
        dir: &Path,
        working_dir: &Path,
    ) -> TreeTop {
        if gopath_sources(env).any(|src| dir.starts_with(src)) {
            return TreeTop::Gopath;
        }
        if let Some(src) = implied_gopath(dir) {
            return TreeTop::Src(src);
        }
        let unmarked = if dir.starts_with(working_dir) {
            working_dir
        } else {
            dir
        };
        TreeTop::Checkout(checkout_root(fs, dir).unwrap_or(unmarked).to_owned())
    }
}

impl TreeScope {
    /// The trees under a top, then those of the GOPATH.
    pub(crate) fn new(fs: &FileSystem, env: &Environment, top: TreeTop) -> TreeScope {
        let mut roots: Vec<(PathBuf, String)> = match top {
            TreeTop::Gopath => Vec::new(),
            TreeTop::Src(src) => vec![(src, String::new())],
            TreeTop::Checkout(root) => {
                let path = guess_import_path(fs, &root);
                vec![(root, path)]
            }
        };
        roots.extend(gopath_sources(env).map(|src| (src, String::new())));
        TreeScope { roots }
    }

    /// The tops of the trees, each with its import path.
    pub(crate) fn roots(&self) -> &[(PathBuf, String)] {
        &self.roots
    }

    /// The directory of a package that is not of the standard library, as seen from
    /// the importing package's directory.
    pub(crate) fn find(&self, fs: &FileSystem, from: &Path, path: &str) -> Option<Found> {
        let holds_package = |dir: &PathBuf| fs.list(dir).has_go_files();
        let found = |dir| Found { dir, module: None };
        let top = self
            .roots
            .iter()
            .find(|(dir, _)| from.starts_with(dir))
            .map(|(dir, _)| dir);
        for dir in from.ancestors() {
            let listing = fs.list(dir);
            for inner in ["vendor", "Godeps"] {
                if !listing.has_dir(inner) {
                    continue;
                }
                let src = match inner {
                    "vendor" => dir.join("vendor"),
                    _ => dir.join("Godeps/_workspace/src"),
                };
                if let Some(dir) = Some(src.join(path)).filter(holds_package) {
                    return Some(found(dir));
                }
            }
            if Some(dir) == top.map(PathBuf::as_path) {
                break;
            }
        }
        let candidates = self.roots.iter().filter_map(|(dir, prefix)| {
            let relative = relative_import(path, prefix)?;
            Some(join_clean(dir, relative))
        });
        candidates.into_iter().find(holds_package).map(found)
    }

    /// The import path of a directory of the trees.
    pub(crate) fn import_path(&self, dir: &Path) -> String {
        let inside = self.roots.iter().find_map(|(root, prefix)| {
            let relative = dir.strip_prefix(root).ok()?;
            Some(join_path(prefix, &slash_path(relative)))
        });
        inside.unwrap_or_else(|| slash_path(dir))
    }
}

fn gopath_sources(env: &Environment) -> impl Iterator<Item = PathBuf> {
    env.gopath.iter().map(|entry| entry.join("src"))
}

/// The GOPATH that a directory gives away by a `src` above a host name:
/// `/home/u/work/src` for `/home/u/work/src/github.com/x/y`.
fn implied_gopath(dir: &Path) -> Option<PathBuf> {
    dir.ancestors().find_map(|ancestor| {
        let src = ancestor.parent()?;
        let host = ancestor.file_name()?.to_str()?;
        let is_host = host.contains('.') && !host.starts_with('.');
        (is_host && src.file_name()? == "src").then(|| src.to_owned())
    })
}

/// The top of the checkout that a directory lies in: the nearest directory with the
/// mark of a version control system, else of a dependency manager.
fn checkout_root<'a>(fs: &FileSystem, dir: &'a Path) -> Option<&'a Path> {
    const VERSION_CONTROL: [&str; 3] = [".git", ".hg", ".svn"];
    const DEPENDENCIES: [&str; 5] = [
        "Godeps",
        "vendor",
        "Gopkg.toml",
        "glide.yaml",
        "vendor.conf",
    ];
    let marked = |marks: &[&str]| {
        dir.ancestors().find(|dir| {
            let listing = fs.list(dir);
            marks
                .iter()
                .any(|m| listing.has_dir(m) || listing.has_file(m))
        })
    };
    marked(&VERSION_CONTROL).or_else(|| marked(&DEPENDENCIES))
}

/// Guesses the import path of a checkout from what its files import: the prefix
/// under which most imports lead to directories of the checkout. A comment
/// `package x // import "path"` is not asked: forks keep it, and so do their imports.
fn guess_import_path(fs: &FileSystem, root: &Path) -> String {
    let mut imports: FxHashMap<Box<str>, usize> = FxHashMap::default();
    let mut budget = 5000;
    count_imports(fs, root, &mut budget, &mut imports);
    let mut votes: FxHashMap<&str, usize> = FxHashMap::default();
    for (path, count) in &imports {
        // Every split of the path whose end is a directory here; without a dot in
        // the first element it may be of the standard library.
        if !path
            .split('/')
            .next()
            .is_some_and(|host| host.contains('.'))
        {
            continue;
        }
        for (at, _) in path.match_indices('/') {
            let (prefix, rest) = (&path[..at], &path[at + 1..]);
            if fs.list(&root.join(rest)).has_go_files() {
                // The longest end that fits says most.
                *votes.entry(prefix).or_default() += count;
                break;
            }
        }
    }
    let best = votes
        .into_iter()
        .max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)));
    match best {
        Some((prefix, _)) => prefix.to_owned(),
        None => root
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default(),
    }
}

/// Counts the imports of the Go files of a tree, dependencies that were copied into
/// it left out, until `budget` files and directories are read.
fn count_imports(
    fs: &FileSystem,
    dir: &Path,
    budget: &mut usize,
    counts: &mut FxHashMap<Box<str>, usize>,
) {
    let listing = fs.list(dir);
    *budget = budget.saturating_sub(1);
    for name in listing.go_files() {
        *budget = budget.saturating_sub(1);
        if *budget == 0 {
            return;
        }
        if let Ok(bytes) = fs.read(&dir.join(name)) {
            for import in Header::scan(&bytes).imports {
                *counts.entry(import.path).or_default() += 1;
            }
        }
    }
    for name in listing.dirs() {
        let left_out = matches!(name, "vendor" | "Godeps" | "testdata" | "node_modules");
        if *budget > 0 && !left_out && !name.starts_with(['.', '_']) {
            count_imports(fs, &dir.join(name), budget, counts);
        }
    }
}
