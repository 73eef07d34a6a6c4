//! The packages of a workspace as the checker sees them.

use crate::world::{FileId, PackageId, SourceFile, World};
use elsa::sync::FrozenMap;
use rustc_hash::FxHashMap;
use std::path::Path;
use tophash_syntax::ast::{Ast, Body, FuncId, StmtId};
use tophash_syntax::{BodyTree, Symbol, parse_body};
use tophash_workspace::{self as workspace, PackageKind, Workspace};

/// A workspace in the checker's terms.
///
/// A file that belongs to a package and to its test variant is one file of the
/// workspace, and two of the program: what its names mean may differ. A file of the
/// program is numbered by its package and its place there.
///
/// Of a package that is checked together with its in-package tests, all importers see
/// that variant. The go command does so for the packages between an external test and
/// the package it tests; it compiles them twice for that. Here one variant serves all,
/// as what tests declare can't be named elsewhere.
pub struct Program<'a> {
    workspace: &'a Workspace,
    /// Packages with in-package tests among the roots, by what the plain package is told by.
    with_tests: FxHashMap<(&'a Path, &'a str), workspace::PackageId>,
    files: FrozenMap<PackageId, Box<[FileId]>>,
    /// Bodies of functions of dependencies, as far as they were asked for.
    bodies: FrozenMap<(workspace::FileId, FuncId), Box<BodyTree>>,
}

/// Bits of a [`FileId`] that tell the file's place in its package. Files beyond that
/// many are left out.
const FILE_BITS: u32 = 13;

impl<'a> Program<'a> {
    /// The program that a workspace holds.
    pub fn new(workspace: &'a Workspace) -> Program<'a> {
        let roots = workspace.roots().iter().map(|&id| workspace.package(id));
        let with_tests = roots
            .filter(|package| package.kind == PackageKind::WithTests)
            .map(|package| ((&*package.dir, &*package.import_path), package.id))
            .collect();
        Program {
            workspace,
            with_tests,
            files: FrozenMap::new(),
            bodies: FrozenMap::new(),
        }
    }

    /// The workspace.
    pub fn workspace(&self) -> &'a Workspace {
        self.workspace
    }

    /// The checker's name of a package of the workspace.
    pub fn package_id(&self, package: workspace::PackageId) -> PackageId {
        PackageId(package.index() as u32)
    }

    /// The workspace's name of a file.
    pub fn workspace_file(&self, file: FileId) -> workspace::FileId {
        let place = (file.0 & ((1 << FILE_BITS) - 1)) as usize;
        self.package(self.package_of(file)).files[place]
    }

    /// The package behind a name of the checker.
    pub fn package(&self, package: PackageId) -> &'a workspace::Package {
        self.workspace
            .package(workspace::PackageId::from_index(package.0 as usize))
    }
}

impl World for Program<'_> {
    fn import(&self, from: PackageId, path: Symbol) -> Option<PackageId> {
        let from = workspace::PackageId::from_index(from.0 as usize);
        let found = self.workspace.import(from, path.as_str())?;
        let package = self.workspace.package(found);
        let variant = self.with_tests.get(&(&*package.dir, &*package.import_path));
        Some(self.package_id(variant.copied().unwrap_or(found)))
    }

    fn path(&self, package: PackageId) -> Symbol {
        Symbol::new(&self.package(package).import_path)
    }

    fn name(&self, package: PackageId) -> Option<Symbol> {
        let name = &self.package(package).name;
        (!name.is_empty()).then(|| Symbol::new(name))
    }

    fn files(&self, package: PackageId) -> &[FileId] {
        if let Some(files) = self.files.get(&package) {
            return files;
        }
        let count = self.package(package).files.len().min(1 << FILE_BITS) as u32;
        let first = package.0 << FILE_BITS;
        let files = (first..first + count).map(FileId).collect();
        self.files.insert(package, files)
    }

    fn file(&self, file: FileId) -> SourceFile<'_> {
        let package = self.package(self.package_of(file));
        let id = self.workspace_file(file);
        let version = self.workspace.go_version(package.id, id);
        SourceFile {
            tree: self.workspace.tree(id),
            source: &self.workspace.file(id).bytes,
            version: Some((version.major.into(), version.minor.into())),
        }
    }

    fn package_of(&self, file: FileId) -> PackageId {
        PackageId(file.0 >> FILE_BITS)
    }

    fn is_test(&self, file: FileId) -> bool {
        let path = &self.workspace.file(self.workspace_file(file)).path;
        path.to_str().is_some_and(|path| path.ends_with("_test.go"))
    }

    fn body(&self, file: FileId, func: FuncId) -> Option<(&Ast, StmtId)> {
        let id = self.workspace_file(file);
        let ast = &self.workspace.tree(id).ast;
        let extent = match ast.func(func).body {
            Body::Block(block) => return Some((ast, block)),
            Body::Skipped(extent) => extent,
            _ => return None,
        };
        let tree = match self.bodies.get(&(id, func)) {
            Some(tree) => tree,
            None => {
                let tree = parse_body(&self.workspace.file(id).bytes, extent);
                self.bodies.insert((id, func), Box::new(tree))
            }
        };
        Some((&tree.ast, tree.block))
    }
}
