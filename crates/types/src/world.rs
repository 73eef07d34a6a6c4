//! What the checker needs to know of the program's files.

use tophash_syntax::ast::{Ast, Body, FuncId, StmtId};
use tophash_syntax::{File, Symbol};

/// A package of the program: one set of files checked together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PackageId(pub u32);

/// A source file of the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FileId(pub u32);

/// A file as the checker sees it.
#[derive(Clone, Copy, Debug)]
pub struct SourceFile<'w> {
    /// Its tree; function bodies of dependencies may be left out.
    pub tree: &'w File,
    /// Its bytes.
    pub source: &'w [u8],
    /// The language version it is written in, as (major, minor), where known.
    pub version: Option<(u32, u32)>,
}

/// The packages and files of a program, shared by all checkers.
pub trait World {
    /// The package that an import of `path` in a file of `from` denotes.
    fn import(&self, from: PackageId, path: Symbol) -> Option<PackageId>;
    /// The import path of a package.
    fn path(&self, package: PackageId) -> Symbol;
    /// The name in its package clauses; none if it has no readable file.
    fn name(&self, package: PackageId) -> Option<Symbol>;
    /// Its files, in the order in which they are given to the compiler.
    fn files(&self, package: PackageId) -> &[FileId];
    /// A file of a package.
    fn file(&self, file: FileId) -> SourceFile<'_>;
    /// The package a file belongs to.
    fn package_of(&self, file: FileId) -> PackageId;
    /// Whether a file is part of a package's tests alone.
    fn is_test(&self, _file: FileId) -> bool {
        false
    }
    /// The body of a function declaration: the block, and the tree it lies in. That is the
    /// file's, or one of its own where the file's tree leaves bodies out and the world can
    /// read them on demand. None if there is no body to be had.
    fn body(&self, file: FileId, func: FuncId) -> Option<(&Ast, StmtId)> {
        let ast = &self.file(file).tree.ast;
        match ast.func(func).body {
            Body::Block(block) => Some((ast, block)),
            _ => None,
        }
    }
    /// The GOARCH the program is built for, which decides the sizes of types.
    fn architecture(&self) -> &str {
        "amd64"
    }
}
