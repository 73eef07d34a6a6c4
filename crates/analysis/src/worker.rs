//! What one thread knows: types, summaries and where nils come from.

use crate::givers;
use crate::implementations::Methods;
use crate::names_index::{NamesIndex, StructIndex};
use crate::origin::{OriginId, Origins};
use crate::summary::{FieldName, Summary};
use crate::takers::Takers;
use crate::term::Root;
use crate::unit::UnitAnalysis;
use crate::value::Value;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::rc::Rc;
use tophash_flow::{Call, Callee, Divergence, Endings, FuncName, Unit};
use tophash_syntax::Symbol;
use tophash_syntax::ast::{Ast, Body, FuncId};
use tophash_types::{Checker, FileId, ObjId, ObjKind, PackageId, Type, TypeId, TypedBody, World};

/// Functions called from one another that are looked into for one question.
const MAX_DEPTH: usize = 8;

/// The analyses of one thread.
pub struct Worker<'w> {
    /// Its types.
    pub checker: Checker<'w>,
    /// The program.
    pub world: &'w dyn World,
    /// Functions that never return.
    endings: Endings<'w>,
    /// Where nils come from.
    pub origins: Origins,
    summaries: FxHashMap<FuncName, Option<Rc<Summary>>>,
    units: FxHashMap<(FileId, FuncId), Option<Rc<UnitAnalysis>>>,
    /// Those that were asked for outside of a unit.
    bodies: FxHashMap<(FileId, FuncId), Rc<TypedBody>>,
    holds_map: FxHashMap<TypeId, bool>,
    map_elements: FxHashMap<TypeId, bool>,
    structs: FxHashMap<PackageId, Rc<FxHashMap<Symbol, StructIndex>>>,
    takers: FxHashMap<PackageId, Rc<Takers>>,
    /// Functions by name, as seen from the package under analysis.
    objects: FxHashMap<FuncName, Option<ObjId>>,
    depth: usize,
    /// Package-level maps that nothing is ever assigned to.
    pub(crate) frozen: BTreeMap<Root, OriginId>,
    pub(crate) package: Option<PackageId>,
    /// Names in the package under analysis.
    pub(crate) index: Rc<NamesIndex>,
    never_given: FxHashMap<FieldName, bool>,
    pub(crate) methods: FxHashMap<PackageId, Rc<Methods>>,
    /// What calls of an interface's method from a package can only be.
    pub(crate) implementations: FxHashMap<(PackageId, TypeId, Symbol), Option<(FuncName, ObjId)>>,
}

impl<'w> Worker<'w> {
    /// A worker that knows nothing yet.
    pub fn new(world: &'w dyn World) -> Worker<'w> {
        Worker {
            checker: Checker::new(world),
            world,
            endings: Endings::new(world),
            origins: Origins::default(),
            summaries: FxHashMap::default(),
            units: FxHashMap::default(),
            bodies: FxHashMap::default(),
            holds_map: FxHashMap::default(),
            map_elements: FxHashMap::default(),
            structs: FxHashMap::default(),
            takers: FxHashMap::default(),
            objects: FxHashMap::default(),
            depth: 0,
            frozen: BTreeMap::new(),
            package: None,
            index: Rc::default(),
            never_given: FxHashMap::default(),
            methods: FxHashMap::default(),
            implementations: FxHashMap::default(),
        }
    }

    /// Turns to a package. What is only of use for the one before is dropped.
    pub(crate) fn begin(&mut self, package: PackageId) {
        self.package = Some(package);
        self.units.clear();
        self.bodies.clear();
        self.objects.clear();
    }

    fn takers(&mut self, package: PackageId) -> Rc<Takers> {
        let world = self.world;
        let known = self.takers.entry(package);
        known
            .or_insert_with(|| Rc::new(Takers::new(world, package)))
            .clone()
    }

    /// What a package and those that it imports declare that takes maps or gives them.
    pub(crate) fn takers_seen_from(&mut self, package: PackageId) -> Takers {
        let own = self.takers(package);
        let mut seen = Takers::clone(&own);
        let mut paths = FxHashSet::default();
        for &file in self.world.files(package) {
            paths.extend(
                self.world
                    .file(file)
                    .tree
                    .imports()
                    .map(|import| import.path),
            );
        }
        for path in paths {
            if let Some(import) = self.world.import(package, path) {
                let takers = self.takers(import);
                let exported = |name: &&Symbol| is_exported(**name);
                seen.writers.extend(takers.writers.iter().filter(exported));
                seen.keepers.extend(takers.keepers.iter().filter(exported));
                seen.makers.extend(takers.makers.iter().filter(exported));
                seen.map_types
                    .extend(takers.map_types.iter().filter(exported));
            }
        }
        seen
    }

    /// The types of a function's body.
    pub(crate) fn body(&mut self, file: FileId, func: FuncId) -> Rc<TypedBody> {
        if let Some(known) = self.bodies.get(&(file, func)) {
            return known.clone();
        }
        let body = Rc::new(self.checker.check_body(file, func));
        self.bodies.insert((file, func), body.clone());
        body
    }

    pub(crate) fn frozen_globals(&self) -> BTreeMap<Root, Value> {
        self.frozen
            .iter()
            .map(|(&root, &origin)| (root, Value::Zero(Some(origin))))
            .collect()
    }

    /// The struct types of a package whose functions have bodies; of others none.
    pub(crate) fn structs(&mut self, package: PackageId) -> Rc<FxHashMap<Symbol, StructIndex>> {
        if let Some(known) = self.structs.get(&package) {
            return known.clone();
        }
        let files = self.world.files(package);
        let has_bodies = files.iter().any(|&file| {
            let tree = self.world.file(file).tree;
            (0..tree.ast.func_count())
                .any(|n| matches!(tree.ast.func(FuncId::from_index(n)).body, Body::Block(_)))
        });
        let structs = match has_bodies {
            true => crate::names_index::structs(self.world, package),
            false => FxHashMap::default(),
        };
        let structs = Rc::new(structs);
        self.structs.insert(package, structs.clone());
        structs
    }

    /// Whether a field is one that only the package under analysis can give a value, and
    /// never does.
    pub(crate) fn is_never_given(&mut self, field: &FieldName) -> bool {
        let path = self.package.map(|package| self.world.path(package));
        if path != Some(field.package) || is_exported(field.field) {
            return false;
        }
        if let Some(&known) = self.never_given.get(field) {
            return known;
        }
        let index = self.index.clone();
        let never = !givers::is_given(self, &index, field);
        self.never_given.insert(field.clone(), never);
        never
    }

    /// The analysis of a declared function; none if its body can't be had.
    pub(crate) fn unit(&mut self, file: FileId, func: FuncId) -> Option<Rc<UnitAnalysis>> {
        if let Some(known) = self.units.get(&(file, func)) {
            return known.clone();
        }
        let (summaries, endings) = (&self.summaries, &self.endings);
        let diverges = |name: FuncName, declared: Option<(FileId, FuncId)>| {
            let summary = summaries.get(&name).and_then(Option::as_ref);
            if summary.is_some_and(|known| !known.opaque && known.outcomes.is_empty()) {
                return Some(Divergence::Panic);
            }
            let (file, func) = declared?;
            endings.of(file, func)
        };
        let unit = tophash_flow::lower(&mut self.checker, file, func, &diverges);
        let unit = unit.map(|unit| Rc::new(UnitAnalysis::new(self, unit)));
        self.units.insert((file, func), unit.clone());
        unit
    }

    /// The graph of a declared function, made once; none if its body can't be had.
    pub fn lowered(&mut self, file: FileId, func: FuncId) -> Option<Rc<tophash_flow::Unit>> {
        self.unit(file, func).map(|unit| unit.unit.clone())
    }

    /// The object of a declared function of the package under analysis, or of one that it
    /// imports; none if it can't be found.
    pub(crate) fn object(&mut self, name: FuncName) -> Option<ObjId> {
        if let Some(&known) = self.objects.get(&name) {
            return known;
        }
        let object = self.find_object(name);
        self.objects.insert(name, object);
        object
    }

    fn find_object(&mut self, name: FuncName) -> Option<ObjId> {
        let own = self.package?;
        let package = match self.world.path(own) == name.package {
            true => own,
            false => self.world.import(own, name.package)?,
        };
        let world = self.world;
        for &id in world.files(package) {
            let ast = &world.file(id).tree.ast;
            let found = (0..ast.func_count()).map(FuncId::from_index).find(|&func| {
                let decl = ast.func(func);
                decl.name.name == name.name
                    && crate::names_index::receiver(ast, decl) == name.receiver
            });
            if let Some(func) = found {
                return self.checker.function(id, func);
            }
        }
        None
    }

    /// Whether a function's body is only read when it is asked for.
    pub(crate) fn is_dependency(&self, object: Option<ObjId>) -> bool {
        matches!(self.declared_body(object), Some((_, Body::Skipped(_))))
    }

    /// Whether a declared function takes a few lines only.
    pub(crate) fn is_short(&self, object: Option<ObjId>) -> bool {
        const LONGEST: u32 = 300;
        match self.declared_body(object) {
            Some((ast, Body::Block(block))) => {
                let span = ast.stmt(block).span;
                span.end - span.start <= LONGEST
            }
            _ => false,
        }
    }

    /// The body of a declared function, as its file's tree has it.
    fn declared_body(&self, object: Option<ObjId>) -> Option<(&'w Ast, Body)> {
        let ObjKind::Func { decl } = self.checker.object(object?).kind else {
            return None;
        };
        let (file, func) = decl?;
        let ast = &self.world.file(file).tree.ast;
        Some((ast, ast.func(func).body))
    }

    /// The analysis of a function or method; none if it is not declared or its body can't be had.
    pub(crate) fn unit_of(&mut self, object: ObjId) -> Option<Rc<UnitAnalysis>> {
        let ObjKind::Func { decl } = self.checker.object(object).kind else {
            return None;
        };
        let (file, func) = decl?;
        self.unit(file, func)
    }

    /// What callers see of a declared function; none if nothing is known.
    pub fn summary(&mut self, name: FuncName, object: Option<ObjId>) -> Option<Rc<Summary>> {
        if let Some(known) = self.summaries.get(&name) {
            return known.clone();
        }
        if self.depth >= MAX_DEPTH {
            return None;
        }
        let ObjKind::Func { decl } = self.checker.object(object?).kind else {
            return None;
        };
        let (file, func) = decl?;
        let Some(unit) = self.unit(file, func) else {
            self.summaries.insert(name, None);
            return None;
        };
        self.depth += 1;
        let summary = unit.closure(self, tophash_flow::FnId::ROOT);
        self.depth -= 1;
        Some(summary)
    }

    /// Begins the analysis of a declared function. False if its name is shared by others.
    pub(crate) fn enter(&mut self, name: FuncName) -> bool {
        if name.receiver.is_none() && matches!(name.name.as_str(), "init" | "_") {
            return false;
        }
        self.summaries.entry(name).or_insert(None);
        true
    }

    /// Ends it.
    pub(crate) fn leave(&mut self, name: FuncName, summary: Rc<Summary>) {
        self.summaries.insert(name, Some(summary));
    }

    // Types.

    fn core(&mut self, ty: TypeId) -> Type {
        match self.checker.common_underlying(ty) {
            Some(core) => self.checker.ty(core).clone(),
            None => Type::Unknown,
        }
    }

    /// The underlying type.
    pub(crate) fn shape(&mut self, ty: TypeId) -> Type {
        self.core(ty)
    }

    /// Whether a defined type has a method of that name.
    pub(crate) fn has_method(&mut self, ty: TypeId, name: &str) -> bool {
        let ty = self.checker.unalias(ty);
        let Type::Named(named) = *self.checker.ty(ty) else {
            return false;
        };
        let methods = self.checker.methods(named);
        methods
            .iter()
            .any(|&method| self.checker.object(method).name.as_str() == name)
    }

    /// Whether values of a type are maps.
    pub fn is_map(&mut self, ty: TypeId) -> bool {
        matches!(self.core(ty), Type::Map(..))
    }

    pub(crate) fn is_slice(&mut self, ty: TypeId) -> bool {
        matches!(self.core(ty), Type::Slice(_))
    }

    /// Whether the parameter for an argument of a call is a map, as far as is known.
    pub(crate) fn takes_map(&mut self, unit: &Unit, call: &Call, arg: usize) -> bool {
        let ty = match call.callee {
            Callee::Static(_) => match call.object {
                Some(object) => self.checker.type_of(object),
                None => return false,
            },
            Callee::Closure(id) => {
                let param = unit.function(id).params.get(arg);
                return param.is_some_and(|&var| self.is_map(unit.var(var).ty));
            }
            Callee::Value(place) => unit.places.get(place).ty,
            Callee::Interface { .. } | Callee::Builtin(_) | Callee::Unknown => return false,
        };
        let Type::Signature(signature) = self.core(ty) else {
            return false;
        };
        let Some(&param) = signature.params.get(arg) else {
            return false;
        };
        let ty = self.checker.type_of(param);
        self.is_map(ty)
    }

    /// Whether it is an array or a pointer to one.
    pub(crate) fn is_array(&mut self, ty: TypeId) -> bool {
        match self.core(ty) {
            Type::Array(..) => true,
            Type::Pointer(elem) => matches!(self.core(elem), Type::Array(..)),
            _ => false,
        }
    }

    pub(crate) fn is_interface(&mut self, ty: TypeId) -> bool {
        let under = self.checker.underlying(ty);
        matches!(self.checker.ty(under), Type::Interface(_) | Type::Unknown)
    }

    /// Whether it is the predeclared `error`.
    pub(crate) fn is_error(&mut self, ty: TypeId) -> bool {
        let ty = self.checker.unalias(ty);
        let Type::Named(named) = *self.checker.ty(ty) else {
            return false;
        };
        let object = self.checker.object(self.checker.named(named).obj);
        object.package.is_none() && object.name.as_str() == "error"
    }

    pub(crate) fn is_basic(&mut self, ty: TypeId) -> bool {
        matches!(self.core(ty), Type::Basic(_))
    }

    /// Whether it is a number of some kind or a string.
    pub(crate) fn is_number(&mut self, ty: TypeId) -> bool {
        matches!(self.core(ty), Type::Basic(basic) if basic != tophash_types::Basic::Bool)
    }

    /// Whether a conversion to the type keeps a value what it is.
    pub(crate) fn is_reference(&mut self, ty: TypeId) -> bool {
        !matches!(self.core(ty), Type::Basic(_) | Type::Unknown)
    }

    /// Whether a value of the type has a map in it, other than behind pointers.
    pub(crate) fn holds_map(&mut self, ty: TypeId) -> bool {
        if let Some(&known) = self.holds_map.get(&ty) {
            return known;
        }
        self.holds_map.insert(ty, false);
        let holds = match self.core(ty) {
            Type::Map(..) => true,
            Type::Array(elem, _) => self.holds_map(elem),
            Type::Struct(fields) => fields.fields.iter().any(|&field| {
                let ty = self.checker.type_of(field);
                self.holds_map(ty)
            }),
            _ => false,
        };
        self.holds_map.insert(ty, holds);
        holds
    }

    /// Whether a value of the type has a map in it or points to something that has.
    pub(crate) fn leads_to_map(&mut self, ty: TypeId) -> bool {
        match self.core(ty) {
            Type::Pointer(elem) => self.holds_map(elem),
            _ => self.holds_map(ty),
        }
    }

    /// Whether the elements of a map type have maps in them.
    pub(crate) fn has_map_elements(&mut self, ty: TypeId) -> bool {
        if let Some(&known) = self.map_elements.get(&ty) {
            return known;
        }
        let has = match self.core(ty) {
            Type::Map(_, elem) => self.holds_map(elem),
            _ => false,
        };
        self.map_elements.insert(ty, has);
        has
    }

    pub(crate) fn element(&mut self, ty: TypeId) -> Option<TypeId> {
        match self.core(ty) {
            Type::Slice(elem) | Type::Array(elem, _) => Some(elem),
            _ => None,
        }
    }

    /// What a pointer type points to.
    pub fn pointee(&mut self, ty: TypeId) -> Option<TypeId> {
        match self.core(ty) {
            Type::Pointer(elem) => Some(elem),
            _ => None,
        }
    }

    pub(crate) fn field_type(&mut self, ty: TypeId, index: u32) -> Option<TypeId> {
        let Type::Struct(fields) = self.core(ty) else {
            return None;
        };
        let &field = fields.fields.get(index as usize)?;
        Some(self.checker.type_of(field))
    }

    pub(crate) fn has_field(&mut self, ty: TypeId, name: Symbol) -> bool {
        let Type::Struct(fields) = self.core(ty) else {
            return false;
        };
        let mut fields = fields.fields.iter();
        fields.any(|&field| self.checker.object(field).name == name)
    }

    /// The structs that are embedded in one, also through pointers.
    pub(crate) fn embedded(&mut self, ty: TypeId) -> Vec<TypeId> {
        let Type::Struct(fields) = self.core(ty) else {
            return Vec::new();
        };
        let mut types = Vec::new();
        for &field in fields.fields.iter() {
            if self.checker.object(field).is_embedded() {
                let ty = self.checker.type_of(field);
                types.push(self.pointee(ty).unwrap_or(ty));
            }
        }
        types
    }

    pub(crate) fn field_name(&mut self, ty: TypeId, index: u32) -> Option<Symbol> {
        let Type::Struct(fields) = self.core(ty) else {
            return None;
        };
        let &field = fields.fields.get(index as usize)?;
        Some(self.checker.object(field).name)
    }

    pub(crate) fn field_is_map(&mut self, ty: TypeId, index: u32) -> bool {
        self.field_type(ty, index).is_some_and(|ty| self.is_map(ty))
    }

    /// The type in the words of the package under analysis.
    pub(crate) fn type_name(&mut self, ty: TypeId) -> Rc<str> {
        self.checker.short_type_string(ty, self.package).into()
    }

    /// Package path and name of a defined type.
    pub fn named(&mut self, ty: TypeId) -> Option<(Symbol, Symbol)> {
        let ty = self.checker.unalias(ty);
        let Type::Named(named) = *self.checker.ty(ty) else {
            return None;
        };
        let origin = self.checker.named(named).origin;
        let object = self.checker.object(self.checker.named(origin).obj);
        Some((self.world.path(object.package?), object.name))
    }
}

pub(crate) fn is_exported(name: Symbol) -> bool {
    name.as_str().chars().next().is_some_and(char::is_uppercase)
}
