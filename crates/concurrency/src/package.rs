//! One package: its functions, what each does, and what follows from all of them.

use crate::annotation::{self, Guards};
use crate::class::{Class, ClassId, Classes, Root, Step, UnitId};
use crate::context::Contexts;
use crate::entries::EntryPoints;
use crate::facts::{FnFacts, FnRef};
use crate::guard;
use crate::misuse::{self, Misuse};
use crate::value::Val;
use crate::walk::walk;
use rustc_hash::FxHashMap;
use std::rc::Rc;
use tophash_analysis::{Worker, method_names, names};
use tophash_flow::{FnId, FuncName, Unit, VarId};
use tophash_syntax::ast::{Body, DeclKind, ExprId, ExprKind, StmtId, StmtKind};
use tophash_syntax::{File, Symbol};
use tophash_types::{PackageId, Type, TypeId};

use crate::guard::Conflict;
use crate::race::{self, Race};

/// Functions called from one another that are walked through for one question.
const MAX_DEPTH: usize = 48;

/// Where a package uses maps at odds with its locks and goroutines.
#[derive(Default)]
pub struct ConcurrencyFacts {
    /// Uses at odds with a map's lock, in the order of the source.
    pub conflicts: Vec<Conflict>,
    /// Maps that two goroutines reach, in the order of the source.
    pub races: Vec<Race>,
    /// Locks and maps that are not made to be used as they are, in the order of the source.
    pub misuses: Vec<Misuse>,
}

/// A function declaration with a body.
pub(crate) struct UnitInfo {
    pub unit: Rc<Unit>,
    pub is_test: bool,
    /// Whether its name or comment says that a lock is to be held.
    pub expects_lock: bool,
    /// Whether they leave no doubt of it.
    pub insists_on_lock: bool,
}

/// A package under analysis.
pub(crate) struct Package<'p, 'w> {
    pub worker: &'p mut Worker<'w>,
    units: Vec<UnitInfo>,
    by_name: FxHashMap<FuncName, UnitId>,
    by_method: FxHashMap<Symbol, Vec<UnitId>>,
    pub classes: Classes,
    pub guards: Guards,
    pub entries: &'p EntryPoints,
    path: Symbol,
    facts: FxHashMap<FnRef, Option<Rc<FnFacts>>>,
    implementations: FxHashMap<(TypeId, Symbol), Vec<FnRef>>,
    /// What variables that closures capture stand for; none where that differs.
    captured: FxHashMap<(UnitId, VarId), Option<Val>>,
    leads: FxHashMap<TypeId, bool>,
    holds: FxHashMap<TypeId, bool>,
    depth: usize,
}

/// Analyses the functions of a package.
pub fn analyse_package(
    worker: &mut Worker,
    package: PackageId,
    entries: &EntryPoints,
) -> ConcurrencyFacts {
    let world = worker.world;
    let names: Vec<Symbol> = ["Lock", "RLock", "Go", "AfterFunc", "HandleFunc", "Parallel"]
        .map(Symbol::new)
        .into_iter()
        .chain(SERVING.map(Symbol::new))
        .chain(entries.names())
        .collect();
    let concerned = entries.shares_of(world.path(package))
        || world
            .files(package)
            .iter()
            .any(|&file| concerns(world.file(file).tree, &names));
    if !concerned {
        return ConcurrencyFacts::default();
    }
    let mut pkg = Package::new(worker, package, entries);
    let all: Vec<FnRef> = pkg.functions();
    for &function in &all {
        pkg.facts(function);
    }
    let mut contexts = Contexts::new(&mut pkg, &all);
    let conflicts = guard::conflicts(&mut pkg, &mut contexts, &all);
    let races = race::races(&mut pkg, &mut contexts, &all);
    let misuses = misuse::misuses(&mut pkg, &mut contexts, &all);
    ConcurrencyFacts {
        conflicts,
        races,
        misuses,
    }
}

/// Whether a file has to do with locks, goroutines or what they share, told from its syntax.
fn concerns(file: &File, names: &[Symbol]) -> bool {
    let ast = &file.ast;
    let goes = (0..ast.stmt_count()).any(|n| {
        matches!(
            ast.stmt(StmtId::from_index(n)).kind,
            StmtKind::Go(_) | StmtKind::Send { .. }
        )
    });
    let shared = [("sync", "Map"), ("atomic", "Value"), ("atomic", "Pointer")]
        .map(|(package, name)| (Symbol::new(package), Symbol::new(name)));
    goes || (0..ast.expr_count()).any(|n| match ast.expr(ExprId::from_index(n)).kind {
        ExprKind::Selector { x, name, .. } => {
            names.contains(&name)
                || shared.iter().any(|&(package, ty)| {
                    ty == name && matches!(ast.expr(x).kind, ExprKind::Ident(id) if id == package)
                })
        }
        _ => false,
    })
}

/// Names that packages with handlers of requests and events have.
const SERVING: [&str; 8] = [
    "WithValue",
    "ListenAndServe",
    "ListenAndServeTLS",
    "GET",
    "POST",
    "NewControllerManagedBy",
    "AddEventHandler",
    "AddFunc",
];

fn imports_testing(file: &File) -> bool {
    let testing = Symbol::new("testing");
    file.imports().any(|import| import.path == testing)
}

impl<'p, 'w> Package<'p, 'w> {
    fn new(
        worker: &'p mut Worker<'w>,
        package: PackageId,
        entries: &'p EntryPoints,
    ) -> Package<'p, 'w> {
        let mut pkg = Package {
            path: worker.world.path(package),
            entries,
            worker,
            units: Vec::new(),
            by_name: FxHashMap::default(),
            by_method: FxHashMap::default(),
            classes: Classes::default(),
            guards: Guards::default(),
            facts: FxHashMap::default(),
            implementations: FxHashMap::default(),
            captured: FxHashMap::default(),
            leads: FxHashMap::default(),
            holds: FxHashMap::default(),
            depth: 0,
        };
        let world = pkg.worker.world;
        for &id in world.files(package) {
            let file = world.file(id);
            annotation::guards(file.tree, file.source, &mut pkg.guards);
            let generated = annotation::is_generated(file.tree, file.source);
            for &decl in &file.tree.decls {
                let DeclKind::Func(func) = file.tree.ast.decl(decl).kind else {
                    continue;
                };
                let Body::Block(_) = file.tree.ast.func(func).body else {
                    continue;
                };
                let Some(unit) = pkg.worker.lowered(id, func) else {
                    continue;
                };
                let doc = file.tree.doc(file.source, func);
                let expects_lock = annotation::expects_lock(unit.name.name.as_str(), doc);
                // Who calls generated code, and under which locks, is decided elsewhere.
                let insists =
                    generated || annotation::insists_on_lock(unit.name.name.as_str(), doc);
                pkg.add(unit, expects_lock || insists, insists);
            }
        }
        pkg
    }

    fn add(&mut self, unit: Rc<Unit>, expects_lock: bool, insists_on_lock: bool) {
        let id = UnitId(self.units.len() as u32);
        self.by_name.entry(unit.name).or_insert(id);
        if unit.name.receiver.is_some() {
            self.by_method.entry(unit.name.name).or_default().push(id);
        }
        let tree = self.worker.world.file(unit.file).tree;
        let is_test = imports_testing(tree);
        self.units.push(UnitInfo {
            unit,
            is_test,
            expects_lock,
            insists_on_lock,
        });
    }

    pub(crate) fn unit(&self, id: UnitId) -> &UnitInfo {
        &self.units[id.0 as usize]
    }

    /// Whether a function stands in a test's file.
    pub(crate) fn is_test(&self, function: FnRef) -> bool {
        self.unit(function.unit).is_test
    }

    /// All functions and closures.
    pub(crate) fn functions(&self) -> Vec<FnRef> {
        let units = self.units.iter().enumerate();
        units
            .flat_map(|(n, info)| {
                info.unit.functions.iter().map(move |function| FnRef {
                    unit: UnitId(n as u32),
                    function: function.id,
                })
            })
            .collect()
    }

    /// The declared methods of a type of this package.
    pub(crate) fn methods(&self, package: Symbol, name: Symbol) -> Vec<FnRef> {
        if package != self.path {
            return Vec::new();
        }
        let units = self.units.iter().enumerate();
        units
            .filter(|(_, info)| info.unit.name.receiver == Some(name))
            .map(|(n, _)| FnRef {
                unit: UnitId(n as u32),
                function: FnId::ROOT,
            })
            .collect()
    }

    /// Types of this package of which the user says that goroutines share them.
    pub(crate) fn shared_types(&self) -> Vec<Symbol> {
        let names = self.units.iter().filter_map(|info| info.unit.name.receiver);
        let mut names: Vec<Symbol> = names
            .filter(|&name| self.entries.is_shared(self.path, name))
            .collect();
        names.sort_unstable_by_key(|name| name.as_str());
        names.dedup();
        names
    }

    pub(crate) fn path(&self) -> Symbol {
        self.path
    }

    /// The function of this package with that name.
    pub(crate) fn function(&self, name: FuncName) -> Option<FnRef> {
        let unit = *self.by_name.get(&name)?;
        Some(FnRef {
            unit,
            function: FnId::ROOT,
        })
    }

    /// The methods of that name of the types of the package that declare all methods of an
    /// interface.
    pub(crate) fn implementations(&mut self, interface: TypeId, name: Symbol) -> Vec<FnRef> {
        if let Some(known) = self.implementations.get(&(interface, name)) {
            return known.clone();
        }
        let wanted = method_names(self.worker, interface);
        let units = self.by_method.get(&name).into_iter().flatten();
        let found: Vec<FnRef> = units
            .filter(|&&unit| {
                let method = self.unit(unit).unit.name;
                wanted.contains(&name)
                    && wanted
                        .iter()
                        .all(|&name| self.by_name.contains_key(&FuncName { name, ..method }))
            })
            .map(|&unit| FnRef {
                unit,
                function: FnId::ROOT,
            })
            .collect();
        self.implementations
            .insert((interface, name), found.clone());
        found
    }

    /// A function in the words of the source.
    pub(crate) fn name_of(&self, function: FnRef) -> Rc<str> {
        let unit = &self.unit(function.unit).unit;
        names::function(&self.worker.checker, unit, function.function)
    }

    /// What a function does; none while that is being found out.
    pub(crate) fn facts(&mut self, function: FnRef) -> Option<Rc<FnFacts>> {
        if let Some(known) = self.facts.get(&function) {
            return known.clone();
        }
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.facts.insert(function, None);
        self.depth += 1;
        let facts = Rc::new(walk(self, function));
        self.depth -= 1;
        self.facts.insert(function, Some(facts.clone()));
        Some(facts)
    }

    pub(crate) fn captured(&self, unit: UnitId, var: VarId) -> Option<Val> {
        self.captured.get(&(unit, var)).cloned().flatten()
    }

    pub(crate) fn set_captured(&mut self, unit: UnitId, var: VarId, val: Option<Val>) {
        self.captured
            .entry((unit, var))
            .and_modify(|known| {
                if *known != val {
                    *known = None;
                }
            })
            .or_insert(val);
    }

    /// Whether a value of a type may lead to a map or lock.
    pub(crate) fn can_lead_somewhere(&mut self, ty: TypeId) -> bool {
        if let Some(&known) = self.leads.get(&ty) {
            return known;
        }
        let under = self.worker.checker.underlying(ty);
        let leads = !matches!(self.worker.checker.ty(under), Type::Basic(_));
        self.leads.insert(ty, leads);
        leads
    }

    /// Whether values of a type hold maps without a pointer between.
    pub(crate) fn holds_map(&mut self, ty: TypeId) -> bool {
        if let Some(&known) = self.holds.get(&ty) {
            return known;
        }
        self.holds.insert(ty, false);
        let under = self.worker.checker.underlying(ty);
        let holds = match self.worker.checker.ty(under).clone() {
            Type::Map(..) => true,
            Type::Array(elem, _) => self.holds_map(elem),
            Type::Struct(fields) => fields.fields.iter().any(|&field| {
                let ty = self.worker.checker.type_of(field);
                self.holds_map(ty)
            }),
            _ => false,
        };
        self.holds.insert(ty, holds);
        holds
    }

    /// Whether the zero value of a type is nil.
    pub(crate) fn is_reference(&mut self, ty: TypeId) -> bool {
        let under = self.worker.checker.underlying(ty);
        !matches!(
            self.worker.checker.ty(under),
            Type::Struct(_) | Type::Array(..) | Type::Basic(_)
        )
    }

    /// Whether a parameter leads to the same maps as what is passed for it.
    pub(crate) fn is_shared_by_copy(&mut self, function: FnRef, param: VarId) -> bool {
        let ty = self.unit(function.unit).unit.var(param).ty;
        self.is_reference(ty)
    }

    pub(crate) fn is_function(&mut self, ty: TypeId) -> bool {
        let under = self.worker.checker.underlying(ty);
        matches!(self.worker.checker.ty(under), Type::Signature(_))
    }

    /// Whether a type says itself how it is printed or encoded.
    pub(crate) fn has_own_text(&mut self, ty: TypeId) -> bool {
        let ty = self.worker.checker.unalias(ty);
        let Type::Named(named) = *self.worker.checker.ty(ty) else {
            return false;
        };
        let methods = self.worker.checker.methods(named);
        methods.iter().any(|&method| {
            let name = self.worker.checker.object(method).name;
            matches!(
                name.as_str(),
                "String"
                    | "Error"
                    | "Format"
                    | "GoString"
                    | "MarshalJSON"
                    | "MarshalText"
                    | "MarshalYAML"
            )
        })
    }

    /// A class in the words of the source: `Cache.items`.
    pub(crate) fn describe(&self, class: ClassId) -> String {
        let Class { root, steps } = self.classes.get(class);
        let mut text = match *root {
            Root::Type(_, name) | Root::Global(_, name) => name.as_str().to_owned(),
            Root::Local(unit, var) => {
                let name = self.unit(unit).unit.var(var).name;
                name.map_or("a map".to_owned(), |name| name.as_str().to_owned())
            }
            Root::Made(name) => format!("{}()", name.name),
        };
        for step in steps {
            match step {
                Step::Field(name) => {
                    text.push('.');
                    text.push_str(name.as_str());
                }
                Step::Elem => text.push_str("[...]"),
                Step::Loaded => text.push_str(".Load()"),
            }
        }
        text
    }
}
