//! The program's source: which file a path in a crash means.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tophash_crash::Frame;

use super::uses::Source;

/// Most files looked at below a directory.
const MAX_FILES: usize = 200_000;

/// Files of one name that are tried for a frame.
const MAX_TRIED: usize = 32;

/// Source files below a directory.
pub(crate) struct Tree {
    dir: PathBuf,
    /// Paths relative to the directory, by the name of the file.
    files: HashMap<String, Vec<String>>,
    /// Modules: their paths and where they lie.
    modules: Vec<(String, String)>,
    parsed: RefCell<HashMap<String, Option<Rc<Source>>>>,
}

impl Tree {
    /// Lists the Go files below a directory. Directories that can't be read are left out.
    ///
    /// # Errors
    /// There is no such directory.
    pub(crate) fn open(dir: &Path) -> std::io::Result<Tree> {
        fs::read_dir(dir)?;
        let mut tree = Tree {
            dir: dir.to_owned(),
            files: HashMap::new(),
            modules: Vec::new(),
            parsed: RefCell::default(),
        };
        let mut open = vec![String::new()];
        let mut n = 0;
        while let Some(at) = open.pop() {
            let Ok(entries) = fs::read_dir(dir.join(&at)) else {
                continue;
            };
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                let path = join(&at, &name);
                let is_dir = entry.file_type().is_ok_and(|t| t.is_dir());
                if is_dir && !name.starts_with('.') && name != "node_modules" {
                    open.push(path);
                } else if name == "go.mod" {
                    tree.modules
                        .extend(module(&dir.join(&path)).map(|m| (m, at.clone())));
                } else if name.ends_with(".go") && n < MAX_FILES {
                    n += 1;
                    tree.files.entry(name).or_default().push(path);
                }
            }
        }
        Ok(tree)
    }

    /// The file that a frame is in, if the line lies in a function of that name there.
    pub(crate) fn find(&self, frame: &Frame) -> Option<Rc<Source>> {
        let candidates = self.candidates(&frame.file);
        candidates
            .into_iter()
            .take(MAX_TRIED)
            .filter_map(|path| self.source(&path))
            .find(|source| source.has(&frame.function, frame.line))
    }

    /// Files that may be meant, the likeliest first: those that share most of the path's end.
    fn candidates(&self, printed: &str) -> Vec<String> {
        let parts = parts(printed);
        let Some(paths) = parts.last().and_then(|name| self.files.get(*name)) else {
            return Vec::new();
        };
        // -trimpath prints the module's path in place of its directory.
        let in_module = self.modules.iter().find_map(|(module, at)| {
            let rest = printed.strip_prefix(module.as_str())?.strip_prefix('/')?;
            Some(join(at, rest))
        });
        let mut ranked: Vec<(usize, &String)> = paths
            .iter()
            .map(|path| {
                let shared = parts
                    .iter()
                    .rev()
                    .zip(path.split('/').rev())
                    .take_while(|(a, b)| **a == *b)
                    .count();
                let exact = in_module.as_ref() == Some(path);
                (if exact { usize::MAX } else { shared }, path)
            })
            .collect();
        ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        ranked.into_iter().map(|(_, path)| path.clone()).collect()
    }

    /// A file, read and looked through once.
    pub(crate) fn source(&self, path: &str) -> Option<Rc<Source>> {
        if let Some(known) = self.parsed.borrow().get(path) {
            return known.clone();
        }
        let text = fs::read(self.dir.join(path)).ok();
        let shown = self.shown(path);
        let source = text.map(|text| Rc::new(Source::new(path.to_owned(), shown, &text)));
        self.parsed
            .borrow_mut()
            .insert(path.to_owned(), source.clone());
        source
    }

    /// The files of the directory that a file is in, tests left out.
    pub(crate) fn package(&self, path: &str) -> Vec<Rc<Source>> {
        let dir = parent(path);
        let mut paths: Vec<&String> = self
            .files
            .values()
            .flatten()
            .filter(|p| parent(p) == dir && !p.ends_with("_test.go"))
            .collect();
        paths.sort();
        paths.into_iter().filter_map(|p| self.source(p)).collect()
    }

    /// A path below the directory as reports show it.
    pub(crate) fn shown(&self, path: &str) -> String {
        match self.dir == Path::new(".") {
            true => path.to_owned(),
            false => self.dir.join(path).to_string_lossy().into_owned(),
        }
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

/// The directory of a path, empty for the top.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

fn join(dir: &str, name: &str) -> String {
    match dir.is_empty() {
        true => name.to_owned(),
        false => format!("{dir}/{name}"),
    }
}

/// The parts of a path as printed, versions of modules left out: `mod@v1.2.3`.
fn parts(printed: &str) -> Vec<&str> {
    printed
        .split(['/', '\\'])
        .map(|part| part.split_once('@').map_or(part, |(name, _)| name))
        .filter(|part| !part.is_empty())
        .collect()
}

/// The module's path in a go.mod file.
fn module(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("module "))?;
    let name = line.split("//").next().unwrap_or_default().trim();
    Some(name.trim_matches('"').to_owned())
}
