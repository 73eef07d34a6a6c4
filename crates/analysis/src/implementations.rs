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
    let mut wanted = FxHashSet::default();
    if !names(worker, interface, &mut wanted, 0) {
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

/// Adds the names of an interface's methods. False if not all of them can be told.
fn names(worker: &mut Worker, ty: TypeId, into: &mut FxHashSet<Symbol>, depth: usize) -> bool {
    let under = worker.checker.underlying(ty);
    let Type::Interface(interface) = worker.checker.ty(under).clone() else {
        return false;
    };
    let methods = interface.methods.iter();
    into.extend(methods.map(|&method| worker.checker.object(method).name));
    let mut embedded = interface.embeddeds.iter();
    depth < 8 && embedded.all(|&inner| names(worker, inner, into, depth + 1)) && !into.is_empty()
}
