//! Scopes: of bodies, packages, files and the universe.

use crate::checker::Checker;
use crate::object::*;
use crate::world::{FileId, PackageId};
use rustc_hash::FxHashMap;
use std::rc::Rc;
use tophash_syntax::Symbol;
use tophash_syntax::ast::{FuncId, SpecId};

/// The names declared inside a function, innermost last.
#[derive(Default)]
pub(crate) struct LocalScope {
    entries: Vec<LocalEntry>,
    latest: FxHashMap<Symbol, u32>,
    blocks: Vec<u32>,
}

struct LocalEntry {
    name: Symbol,
    obj: ObjId,
    shadowed: Option<u32>,
}

impl LocalScope {
    pub(crate) fn open(&mut self) {
        self.blocks.push(self.entries.len() as u32);
    }

    pub(crate) fn close(&mut self) {
        let start = self.blocks.pop().unwrap_or(0) as usize;
        while self.entries.len() > start {
            let Some(entry) = self.entries.pop() else {
                return;
            };
            match entry.shadowed {
                Some(outer) => self.latest.insert(entry.name, outer),
                None => self.latest.remove(&entry.name),
            };
        }
    }

    pub(crate) fn insert(&mut self, name: Symbol, obj: ObjId) {
        let index = self.entries.len() as u32;
        let shadowed = self.latest.insert(name, index);
        self.entries.push(LocalEntry {
            name,
            obj,
            shadowed,
        });
    }

    pub(crate) fn lookup(&self, name: Symbol) -> Option<ObjId> {
        let index = *self.latest.get(&name)?;
        self.entries.get(index as usize).map(|e| e.obj)
    }

    /// The object of that name declared in the innermost block.
    pub(crate) fn lookup_innermost(&self, name: Symbol) -> Option<ObjId> {
        let index = *self.latest.get(&name)?;
        if index < self.blocks.last().copied().unwrap_or(0) {
            return None;
        }
        self.entries.get(index as usize).map(|e| e.obj)
    }
}

/// What a package declares.
#[derive(Default)]
pub(crate) struct PackageScope {
    pub(crate) names: FxHashMap<Symbol, ObjId>,
    /// Methods by the name of their receiver's base type, in source order.
    pub(crate) methods: FxHashMap<Symbol, Vec<ObjId>>,
    /// Every function and method.
    pub(crate) functions: FxHashMap<(FileId, FuncId), ObjId>,
    /// Every object by file, in source order.
    pub(crate) by_file: FxHashMap<FileId, Vec<ObjId>>,
}

/// What a file imports.
#[derive(Default)]
pub(crate) struct FileScope {
    /// Imports with a name, and those without one whose name has been found out.
    named: FxHashMap<Symbol, ObjId>,
    /// Import paths without a name whose packages have not been looked at, each with
    /// the place of the path.
    unnamed: Vec<(Symbol, Place)>,
    /// Paths imported with `.`.
    dots: Vec<Symbol>,
}

/// How a package-level object is declared.
#[derive(Clone)]
pub(crate) enum Declaration {
    Const {
        file: FileId,
        /// The specification that gives type and values: an earlier one where they are left out.
        source: SpecId,
        index: usize,
        iota: u32,
        inherited: bool,
    },
    Var {
        file: FileId,
        spec: SpecId,
        index: usize,
        siblings: Rc<[ObjId]>,
    },
    Type {
        file: FileId,
        spec: SpecId,
    },
    Func {
        file: FileId,
        func: FuncId,
    },
}

impl<'w> Checker<'w> {
    /// What `name` denotes at the present place.
    pub(crate) fn lookup_name(&mut self, name: Symbol) -> Option<ObjId> {
        if let Some(obj) = self.env.scope.lookup(name) {
            return Some(obj);
        }
        let package = self.env.package;
        let scope = self.package_scope(package);
        if let Some(&obj) = scope.names.get(&name) {
            return Some(obj);
        }
        self.lookup_import(name)
    }

    fn lookup_import(&mut self, name: Symbol) -> Option<ObjId> {
        let file = self.env.file;
        if !self.file_scopes.contains_key(&file) {
            let scope = self.collect_imports(file);
            self.file_scopes.insert(file, scope);
        }
        if let Some(&obj) = self.file_scopes.get(&file)?.named.get(&name) {
            return Some(obj);
        }
        // An import whose path looks like it is most likely meant; only its package clause tells.
        if let Some(obj) = self.name_imports(file, Some(name)) {
            return Some(obj);
        }
        if let Some(&obj) = self.universe.get(&name) {
            return Some(obj);
        }
        if let Some(obj) = self.name_imports(file, None)
            && self.object(obj).name == name
        {
            return Some(obj);
        }
        if let Some(&obj) = self.file_scopes.get(&file)?.named.get(&name) {
            return Some(obj);
        }
        let dots = self.file_scopes.get(&file)?.dots.clone();
        for path in dots {
            let from = self.env.package;
            if let Some(package) = self.world.import(from, path)
                && let Some(obj) = self.exported(package, name)
            {
                return Some(obj);
            }
        }
        None
    }

    /// Finds out the names of unnamed imports: of those whose path ends like `wanted`,
    /// until one has that name; or of all.
    fn name_imports(&mut self, file: FileId, wanted: Option<Symbol>) -> Option<ObjId> {
        let from = self.env.package;
        let mut unnamed = std::mem::take(&mut self.file_scopes.get_mut(&file)?.unnamed);
        let mut found = None;
        unnamed.retain(|&(path, place)| {
            if found.is_some()
                || wanted.is_some_and(|name| !looks_like(path.as_str(), name.as_str()))
            {
                return true;
            }
            let package = self.world.import(from, path);
            let name = package
                .and_then(|p| self.world.name(p))
                .unwrap_or_else(|| Symbol::new(guess_name(path.as_str())));
            let obj = self.new_package_name(name, package, path, place);
            if wanted == Some(name) {
                found = Some(obj);
            }
            if let Some(scope) = self.file_scopes.get_mut(&file) {
                scope.named.insert(name, obj);
            }
            false
        });
        self.file_scopes.get_mut(&file)?.unnamed = unnamed;
        found
    }

    fn new_package_name(
        &mut self,
        name: Symbol,
        package: Option<PackageId>,
        path: Symbol,
        place: Place,
    ) -> ObjId {
        let kind = ObjKind::PackageName { package, path };
        let from = self.env.package;
        self.new_object(Object {
            place: Some(place),
            ..Object::new(kind, name, Some(from))
        })
    }

    fn collect_imports(&mut self, file: FileId) -> FileScope {
        let mut scope = FileScope::default();
        let from = self.world.package_of(file);
        for import in self.world.file(file).tree.imports() {
            let place = Place {
                file,
                span: import.name.map_or(import.path_span, |n| n.span),
            };
            match import.name {
                None => scope.unnamed.push((import.path, place)),
                Some(name) if name.name.as_str() == "." => scope.dots.push(import.path),
                Some(name) if name.name.as_str() == "_" => {}
                Some(name) => {
                    let package = self.world.import(from, import.path);
                    let obj = self.new_package_name(name.name, package, import.path, place);
                    scope.named.insert(name.name, obj);
                }
            }
        }
        scope
    }

    /// The exported object `name` of a package.
    pub(crate) fn exported(&mut self, package: PackageId, name: Symbol) -> Option<ObjId> {
        if !crate::predicates::is_exported(name) {
            return None;
        }
        self.package_scope(package).names.get(&name).copied()
    }
}

/// The package name that an import path suggests: its last element, without a version.
fn guess_name(path: &str) -> &str {
    let mut elements = path.rsplit('/');
    let last = elements.next().unwrap_or(path);
    let is_version =
        last.len() > 1 && last.starts_with('v') && last[1..].bytes().all(|b| b.is_ascii_digit());
    let base = match elements.next() {
        Some(before) if is_version => before,
        _ => last,
    };
    // gopkg.in/yaml.v3
    match base.rsplit_once(".v") {
        Some((name, version)) if version.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => base,
    }
}

/// Whether a package at `path` may well be called `name`: one of the last two path
/// elements contains it.
fn looks_like(path: &str, name: &str) -> bool {
    path.rsplit('/')
        .take(2)
        .any(|element| element.contains(name))
}
