//! What one thread knows: types, summaries and where nils come from.

use crate::givers;
use crate::names_index::{NamesIndex, StructIndex};
use crate::origin::{OriginId, Origins};
use crate::summary::{FieldName, Summary};
use crate::term::Root;
use crate::unit::UnitAnalysis;
use crate::value::Value;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::rc::Rc;
use tophash_flow::{Divergence, FuncName};
use tophash_syntax::Symbol;
use tophash_syntax::ast::{Body, FuncId};
use tophash_types::{Checker, FileId, ObjId, ObjKind, PackageId, Type, TypeId, TypedBody, World};

/// Functions called from one another that are looked into for one question.
const MAX_DEPTH: usize = 8;

/// The analyses of one thread.
pub struct Worker<'w> {
    /// Its types.
    pub checker: Checker<'w>,
    /// The program.
    pub world: &'w dyn World,
    /// Where nils come from.
    pub origins: Origins,
    summaries: FxHashMap<FuncName, Option<Rc<Summary>>>,
    units: FxHashMap<(FileId, FuncId), Option<Rc<UnitAnalysis>>>,
    /// Those that were asked for outside of a unit.
    bodies: FxHashMap<(FileId, FuncId), Rc<TypedBody>>,
    holds_map: FxHashMap<TypeId, bool>,
    structs: FxHashMap<PackageId, Rc<FxHashMap<Symbol, StructIndex>>>,
    depth: usize,
    /// Package-level maps that nothing is ever assigned to.
    pub(crate) frozen: BTreeMap<Root, OriginId>,
    pub(crate) package: Option<PackageId>,
    /// Names in the package under analysis.
    pub(crate) index: Rc<NamesIndex>,
    never_given: FxHashMap<FieldName, bool>,
}

impl<'w> Worker<'w> {
    /// A worker that knows nothing yet.
    pub fn new(world: &'w dyn World) -> Worker<'w> {
        Worker {
            checker: Checker::new(world),
            world,
            origins: Origins::default(),
            summaries: FxHashMap::default(),
            units: FxHashMap::default(),
            bodies: FxHashMap::default(),
            holds_map: FxHashMap::default(),
            structs: FxHashMap::default(),
            depth: 0,
            frozen: BTreeMap::new(),
            package: None,
            index: Rc::default(),
            never_given: FxHashMap::default(),
        }
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
        let summaries = &self.summaries;
        let diverges = |name: FuncName| {
            let summary = summaries.get(&name)?.as_ref()?;
            (!summary.opaque && summary.outcomes.is_empty()).then_some(Divergence::Panic)
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
        // While it is being analysed nothing is known of it.
        self.summaries.insert(name, None);
        self.depth += 1;
        let summary = self
            .unit(file, func)
            .map(|unit| unit.closure(self, tophash_flow::FnId::ROOT));
        self.depth -= 1;
        self.summaries.insert(name, summary.clone());
        summary
    }

    // Types.

    fn core(&mut self, ty: TypeId) -> Type {
        match self.checker.common_underlying(ty) {
            Some(core) => self.checker.ty(core).clone(),
            None => Type::Unknown,
        }
    }

    /// Whether values of a type are maps.
    pub fn is_map(&mut self, ty: TypeId) -> bool {
        matches!(self.core(ty), Type::Map(..))
    }

    pub(crate) fn is_slice(&mut self, ty: TypeId) -> bool {
        matches!(self.core(ty), Type::Slice(_))
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
