//! A program of sources given in tests.

use std::collections::BTreeMap;
use tophash_syntax::{Bodies, File, Symbol, parse};
use tophash_types::{FileId, PackageId, SourceFile, World};

/// Packages by import path, one file or more each.
pub struct Sources {
    packages: Vec<(String, Vec<FileId>)>,
    files: Vec<(PackageId, File, Vec<u8>)>,
    by_path: BTreeMap<String, PackageId>,
}

impl Sources {
    /// Pairs of import path and file. Files of one path make up one package.
    pub fn new(files: &[(&str, &str)]) -> Sources {
        let mut sources = Sources {
            packages: Vec::new(),
            files: Vec::new(),
            by_path: BTreeMap::new(),
        };
        for (path, text) in files {
            let next = PackageId(sources.packages.len() as u32);
            let package = *sources.by_path.entry((*path).to_owned()).or_insert(next);
            if package == next {
                sources.packages.push(((*path).to_owned(), Vec::new()));
            }
            let id = FileId(sources.files.len() as u32);
            sources.packages[package.0 as usize].1.push(id);
            let tree = parse(text.as_bytes(), Bodies::Parse);
            sources
                .files
                .push((package, tree, text.as_bytes().to_vec()));
        }
        sources
    }

    pub fn file_ids(&self) -> impl Iterator<Item = FileId> {
        (0..self.files.len() as u32).map(FileId)
    }
}

impl World for Sources {
    fn import(&self, _: PackageId, path: Symbol) -> Option<PackageId> {
        self.by_path.get(path.as_str()).copied()
    }
    fn path(&self, package: PackageId) -> Symbol {
        Symbol::new(&self.packages[package.0 as usize].0)
    }
    fn name(&self, package: PackageId) -> Option<Symbol> {
        let file = self.packages[package.0 as usize].1.first()?;
        Some(self.files[file.0 as usize].1.package?.name)
    }
    fn files(&self, package: PackageId) -> &[FileId] {
        &self.packages[package.0 as usize].1
    }
    fn file(&self, file: FileId) -> SourceFile<'_> {
        let (_, tree, source) = &self.files[file.0 as usize];
        SourceFile {
            tree,
            source,
            version: None,
        }
    }
    fn package_of(&self, file: FileId) -> PackageId {
        self.files[file.0 as usize].0
    }
}

/// Runs on a stack that is deep enough for whatever the parser lets through.
pub fn on_deep_stack<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 20);
        match thread.spawn_scoped(scope, act).map(|handle| handle.join()) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => panic!("no thread: {error}"),
        }
    })
}
