//! Programs held in memory.

use tophash_syntax::ast::{DeclKind, FuncId};
use tophash_syntax::{Bodies, File, Symbol, parse};
use tophash_types::{FileId, PackageId, SourceFile, World};

/// The packages of an archive: package `p`, and those in parts that begin with a line
/// `-- path/name.go --`.
#[allow(dead_code)] // each test file uses a part
pub struct Program {
    packages: Vec<Package>,
    /// Each file's text and tree; the file of `p` is the first.
    pub sources: Vec<(String, File)>,
    version: (u32, u32),
}

struct Package {
    path: Symbol,
    files: Vec<FileId>,
}

impl Program {
    pub fn new(archive: &str, version: (u32, u32)) -> Program {
        let mut program = Program {
            packages: Vec::new(),
            sources: Vec::new(),
            version,
        };
        let mut path = "p".to_owned();
        let mut text = String::new();
        for line in archive.lines() {
            if let Some(name) = line.strip_prefix("-- ").and_then(|l| l.strip_suffix(" --")) {
                program.add(&path, std::mem::take(&mut text));
                path = name
                    .rsplit_once('/')
                    .map_or("x", |(path, _)| path)
                    .to_owned();
                continue;
            }
            text.push_str(line);
            text.push('\n');
        }
        program.add(&path, text);
        program
    }

    fn add(&mut self, path: &str, text: String) {
        let file = FileId(self.sources.len() as u32);
        let tree = parse(text.as_bytes(), Bodies::Parse);
        self.sources.push((text, tree));
        self.packages.push(Package {
            path: Symbol::new(path),
            files: vec![file],
        });
    }
}

impl World for Program {
    fn import(&self, _: PackageId, path: Symbol) -> Option<PackageId> {
        let n = self.packages.iter().position(|p| p.path == path)?;
        Some(PackageId(n as u32))
    }
    fn path(&self, package: PackageId) -> Symbol {
        self.packages[package.0 as usize].path
    }
    fn name(&self, package: PackageId) -> Option<Symbol> {
        let file = self.packages[package.0 as usize].files[0];
        Some(self.sources[file.0 as usize].1.package?.name)
    }
    fn files(&self, package: PackageId) -> &[FileId] {
        &self.packages[package.0 as usize].files
    }
    fn file(&self, file: FileId) -> SourceFile<'_> {
        let (text, tree) = &self.sources[file.0 as usize];
        SourceFile {
            tree,
            source: text.as_bytes(),
            version: Some(self.version),
        }
    }
    fn package_of(&self, file: FileId) -> PackageId {
        PackageId(file.0)
    }
}

/// The functions that a file declares.
pub fn functions(tree: &File) -> Vec<FuncId> {
    let kinds = tree.decls.iter().map(|&decl| tree.ast.decl(decl).kind);
    kinds
        .filter_map(|kind| match kind {
            DeclKind::Func(func) => Some(func),
            _ => None,
        })
        .collect()
}
