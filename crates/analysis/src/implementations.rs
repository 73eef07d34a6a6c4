//! Unexported interfaces that one type of their package implements: a call through one can
//! only be a call of that type's method.

use crate::names_index::receiver;
use crate::worker::{Worker, is_exported};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;
use tophash_flow::FuncName;
use tophash_syntax::Symbol;
use tophash_syntax::ast::{DeclKind, FuncId};
use tophash_types::{FileId, ObjId, PackageId, Type, TypeId};

/// The methods that the types of a package declare, tests left out.
pub(crate) struct Methods {
    of_type: FxHashMap<Symbol, FxHashMap<Symbol, (FileId, FuncId)>>,
}

impl Methods {
    fn new(worker: &Worker, package: PackageId) -> Methods {
        let world = worker.world;
        let mut of_type: FxHashMap<_, FxHashMap<_, _>> = FxHashMap::default();
        for &id in world
            .files(package)
            .iter()
            .filter(|&&id| !world.is_test(id))
        {
            let tree = world.file(id).tree;
            for &decl in &tree.decls {
                let DeclKind::Func(func) = tree.ast.decl(decl).kind else {
                    continue;
                };
                let declared = tree.ast.func(func);
                if let Some(ty) = receiver(&tree.ast, declared) {
                    let methods = of_type.entry(ty).or_default();
                    methods.insert(declared.name.name, (id, func));
                }
            }
        }
        Methods { of_type }
    }
}

/// The only method that a call of an interface's method can be.
pub(crate) fn only_one(
    worker: &mut Worker,
    caller: FileId,
    interface: TypeId,
    method: Symbol,
) -> Option<(FuncName, ObjId)> {
    let package = worker.world.package_of(caller);
    let (path, name) = worker.named(interface)?;
    if path != worker.world.path(package) || is_exported(name) {
        return None;
    }
    if let Some(&known) = worker.implementations.get(&(package, interface, method)) {
        return known;
    }
    let only = implementation(worker, package, path, interface, method);
    let key = (package, interface, method);
    worker.implementations.insert(key, only);
    only
}

fn implementation(
    worker: &mut Worker,
    package: PackageId,
    path: Symbol,
    interface: TypeId,
    method: Symbol,
) -> Option<(FuncName, ObjId)> {
    let wanted: FxHashSet<Symbol> = method_names(worker, interface).into_iter().collect();
    if wanted.is_empty() {
        return None;
    }
    let methods = match worker.methods.get(&package) {
        Some(known) => known.clone(),
        None => {
            let methods = Rc::new(Methods::new(worker, package));
            worker.methods.insert(package, methods.clone());
            methods
        }
    };
    let mut found = None;
    for (&ty, declared) in &methods.of_type {
        let declares = wanted
            .iter()
            .filter(|name| declared.contains_key(name))
            .count();
        if declares == 0 {
            continue;
        }
        // Others may come from a type that it embeds.
        if declares < wanted.len() || found.is_some() {
            return None;
        }
        found = Some((ty, *declared.get(&method)?));
    }
    let (ty, (file, func)) = found?;
    let name = FuncName {
        package: path,
        receiver: Some(ty),
        name: method,
    };
    Some((name, worker.checker.function(file, func)?))
}

/// Interfaces in interfaces are looked into this far.
const MAX_DEPTH: usize = 8;

/// Names of the methods of an interface; none if some are not known.
pub fn method_names(worker: &mut Worker, interface: TypeId) -> Vec<Symbol> {
    names_of(worker, interface, 0)
}

fn names_of(worker: &mut Worker, ty: TypeId, depth: usize) -> Vec<Symbol> {
    let under = worker.checker.underlying(ty);
    let Type::Interface(interface) = worker.checker.ty(under).clone() else {
        return Vec::new();
    };
    let methods = interface.methods.iter();
    let mut names: Vec<Symbol> = methods
        .map(|&method| worker.checker.object(method).name)
        .collect();
    for &embedded in interface.embeddeds.iter() {
        let inner = match depth < MAX_DEPTH {
            true => names_of(worker, embedded, depth + 1),
            false => Vec::new(),
        };
        if inner.is_empty() {
            return Vec::new();
        }
        names.extend(inner);
    }
    names
}
