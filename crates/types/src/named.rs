//! Defined types and aliases: what they stand for, their instances and methods.

use crate::checker::Checker;
use crate::object::*;
use crate::types::*;
use std::rc::Rc;
use tophash_syntax::Symbol;
use tophash_syntax::ast::SpecKind;

/// Instances may nest without end in programs that do not compile; beyond this many
/// expansions in one another nothing is known.
const MAX_EXPANSION: u32 = 100;

/// Something computed once, when first asked for.
#[derive(Clone, Copy, Default)]
pub(crate) enum Lazy {
    #[default]
    Unresolved,
    InProgress,
    Done(TypeId),
}

/// What is known so far of a defined type or alias.
#[derive(Clone, Default)]
pub(crate) struct Definition {
    /// The type on the right of the declaration.
    pub(crate) rhs: Lazy,
    /// Of a defined type its underlying type, of an alias the type at the end of the chain.
    pub(crate) underlying: Lazy,
    pub(crate) tparams: Option<Rc<[TypeId]>>,
    /// Methods of the generic or plain type.
    pub(crate) methods: Option<Rc<[ObjId]>>,
    /// Methods of an instance, by the index of their origin.
    pub(crate) instance_methods: Vec<Option<ObjId>>,
}

impl<'w> Checker<'w> {
    /// A new defined type of that name.
    pub(crate) fn new_named(&mut self, obj: ObjId) -> TypeId {
        self.add_named(obj, None, Rc::from([]))
    }

    /// A new instance of a generic type. Instances are made canonical by the caller.
    pub(crate) fn new_named_instance(&mut self, origin: NamedId, targs: Rc<[TypeId]>) -> TypeId {
        let obj = self.named(origin).obj;
        self.add_named(obj, Some(origin), targs)
    }

    fn add_named(&mut self, obj: ObjId, origin: Option<NamedId>, targs: Rc<[TypeId]>) -> TypeId {
        let id = NamedId(self.nameds.len() as u32);
        let ty = self.store.add(Type::Named(id));
        self.nameds.push(Named {
            ty,
            obj,
            origin: origin.unwrap_or(id),
            targs,
        });
        self.named_definitions.push(Definition::default());
        if origin.is_none() {
            self.objects[obj.0 as usize].ty = ty;
        }
        ty
    }

    /// A new alias that stands for `rhs`.
    pub(crate) fn new_alias(&mut self, obj: ObjId, rhs: TypeId) -> TypeId {
        let ty = self.add_alias(obj, None, Rc::from([]));
        if let Type::Alias(id) = *self.ty(ty) {
            self.alias_definitions[id.0 as usize].rhs = Lazy::Done(rhs);
        }
        ty
    }

    /// A new alias whose right side is looked at when asked for.
    pub(crate) fn new_lazy_alias(&mut self, obj: ObjId) -> TypeId {
        self.add_alias(obj, None, Rc::from([]))
    }

    /// A new instance of a generic alias.
    pub(crate) fn new_alias_instance(&mut self, origin: AliasId, targs: Rc<[TypeId]>) -> TypeId {
        let obj = self.alias(origin).obj;
        self.add_alias(obj, Some(origin), targs)
    }

    fn add_alias(&mut self, obj: ObjId, origin: Option<AliasId>, targs: Rc<[TypeId]>) -> TypeId {
        let id = AliasId(self.aliases.len() as u32);
        let ty = self.store.add(Type::Alias(id));
        self.aliases.push(Alias {
            ty,
            obj,
            origin: origin.unwrap_or(id),
            targs,
        });
        self.alias_definitions.push(Definition::default());
        if origin.is_none() {
            self.objects[obj.0 as usize].ty = ty;
        }
        ty
    }

    /// Gives a defined type its right side.
    pub(crate) fn define(&mut self, named: TypeId, rhs: TypeId) {
        if let Type::Named(id) = *self.ty(named) {
            self.named_definitions[id.0 as usize].rhs = Lazy::Done(rhs);
        }
    }

    /// The type on the right side of a defined type's declaration, type arguments in place.
    pub(crate) fn named_rhs(&mut self, id: NamedId) -> TypeId {
        let index = id.0 as usize;
        match self.named_definitions[index].rhs {
            Lazy::Done(ty) => return ty,
            Lazy::InProgress => return TypeId::UNKNOWN,
            Lazy::Unresolved => {}
        }
        self.named_definitions[index].rhs = Lazy::InProgress;
        let Named {
            obj, origin, targs, ..
        } = self.named(id).clone();
        let rhs = if origin == id {
            self.declared_type(obj).0
        } else {
            let tparams = self.type_params_of(origin);
            let rhs = self.named_rhs(origin);
            self.expand(rhs, &tparams, &targs)
        };
        self.named_definitions[index].rhs = Lazy::Done(rhs);
        rhs
    }

    /// The type an alias stands for directly, which may be another alias.
    pub(crate) fn alias_rhs(&mut self, id: AliasId) -> TypeId {
        let index = id.0 as usize;
        match self.alias_definitions[index].rhs {
            Lazy::Done(ty) => return ty,
            Lazy::InProgress => return TypeId::UNKNOWN,
            Lazy::Unresolved => {}
        }
        self.alias_definitions[index].rhs = Lazy::InProgress;
        let Alias {
            obj, origin, targs, ..
        } = self.alias(id).clone();
        let rhs = if origin == id {
            let (rhs, tparams) = self.declared_type(obj);
            self.alias_definitions[index].tparams.get_or_insert(tparams);
            rhs
        } else {
            let tparams = self.alias_type_params(origin);
            let rhs = self.alias_rhs(origin);
            self.expand(rhs, &tparams, &targs)
        };
        self.alias_definitions[index].rhs = Lazy::Done(rhs);
        rhs
    }

    fn expand(&mut self, rhs: TypeId, tparams: &[TypeId], targs: &[TypeId]) -> TypeId {
        if tparams.len() != targs.len() || self.expansions >= MAX_EXPANSION {
            return TypeId::UNKNOWN;
        }
        self.expansions += 1;
        let expanded = self.substitute(rhs, tparams, targs);
        self.expansions -= 1;
        expanded
    }

    /// The type parameters of a generic defined type; of an instance, those of its origin.
    pub fn type_params_of(&mut self, named: NamedId) -> Rc<[TypeId]> {
        let named = self.named(named).origin;
        let index = named.0 as usize;
        if let Some(tparams) = &self.named_definitions[index].tparams {
            return tparams.clone();
        }
        // Constraints may mention the type they are for.
        self.named_definitions[index].tparams = Some(Rc::from([]));
        let obj = self.named(named).obj;
        let tparams = self.declared_type_params(obj);
        self.named_definitions[index].tparams = Some(tparams.clone());
        tparams
    }

    /// The type parameters of a generic alias; of an instance, those of its origin.
    pub fn alias_type_params(&mut self, alias: AliasId) -> Rc<[TypeId]> {
        let alias = self.alias(alias).origin;
        let index = alias.0 as usize;
        if let Some(tparams) = &self.alias_definitions[index].tparams {
            return tparams.clone();
        }
        self.alias_definitions[index].tparams = Some(Rc::from([]));
        let obj = self.alias(alias).obj;
        let tparams = self.declared_type_params(obj);
        self.alias_definitions[index].tparams = Some(tparams.clone());
        tparams
    }

    /// Whether a type is a generic defined type or alias without type arguments.
    pub(crate) fn is_generic(&mut self, ty: TypeId) -> bool {
        let (obj, is_instance) = match *self.ty(ty) {
            Type::Named(id) => (self.named(id).obj, self.named(id).origin != id),
            Type::Alias(id) => (self.alias(id).obj, self.alias(id).origin != id),
            _ => return false,
        };
        if is_instance {
            return false;
        }
        // The declaration tells even while its constraints are being looked at.
        if let Some(&(file, spec)) = self.type_declarations.get(&obj) {
            let ast = &self.world.file(file).tree.ast;
            return matches!(
                ast.spec(spec).kind,
                SpecKind::Type {
                    type_params: Some(_),
                    ..
                }
            );
        }
        let definition = match *self.ty(ty) {
            Type::Named(id) => &self.named_definitions[id.0 as usize],
            Type::Alias(id) => &self.alias_definitions[id.0 as usize],
            _ => return false,
        };
        definition.tparams.as_ref().is_some_and(|t| !t.is_empty())
    }

    /// The type an alias stands for in the end; any other type itself.
    pub fn unalias(&mut self, ty: TypeId) -> TypeId {
        match *self.ty(ty) {
            Type::Alias(id) => match self.alias_definitions[id.0 as usize].underlying {
                Lazy::Done(actual) => actual,
                _ => self.follow_aliases(id),
            },
            _ => ty,
        }
    }

    fn follow_aliases(&mut self, mut id: AliasId) -> TypeId {
        let mut chain = Vec::new();
        // A chain of aliases can only be as long as there are aliases, or it is a cycle.
        while chain.len() <= self.aliases.len() {
            chain.push(id);
            let mut ty = self.alias_rhs(id);
            if let Type::Alias(next) = *self.ty(ty) {
                match self.alias_definitions[next.0 as usize].underlying {
                    Lazy::Done(actual) => ty = actual,
                    _ => {
                        id = next;
                        continue;
                    }
                }
            }
            // An unknown one may be one that is being looked at.
            if !ty.is_unknown() {
                for id in chain {
                    self.alias_definitions[id.0 as usize].underlying = Lazy::Done(ty);
                }
            }
            return ty;
        }
        TypeId::UNKNOWN
    }

    /// The underlying type: never an alias or a defined type. That of a type
    /// parameter is its constraint's interface.
    pub fn underlying(&mut self, ty: TypeId) -> TypeId {
        match *self.ty(ty) {
            Type::Named(id) => self.named_underlying(id),
            Type::Alias(_) => {
                let ty = self.unalias(ty);
                if matches!(self.ty(ty), Type::Alias(_)) {
                    return TypeId::UNKNOWN;
                }
                self.underlying(ty)
            }
            Type::TypeParam(id) => self.constraint(id),
            _ => ty,
        }
    }

    fn named_underlying(&mut self, id: NamedId) -> TypeId {
        let index = id.0 as usize;
        match self.named_definitions[index].underlying {
            Lazy::Done(ty) => return ty,
            Lazy::InProgress => return TypeId::UNKNOWN,
            Lazy::Unresolved => {}
        }
        if matches!(self.named_definitions[index].rhs, Lazy::InProgress)
            || self.expansions >= MAX_EXPANSION
        {
            return TypeId::UNKNOWN;
        }
        self.named_definitions[index].underlying = Lazy::InProgress;
        self.expansions += 1;
        let rhs = self.named_rhs(id);
        let underlying = match self.ty(rhs) {
            // A type parameter can't be the right side of a valid declaration.
            Type::TypeParam(_) => TypeId::UNKNOWN,
            _ => self.underlying(rhs),
        };
        self.expansions -= 1;
        self.named_definitions[index].underlying = Lazy::Done(underlying);
        underlying
    }

    /// The constraint of a type parameter as an interface type.
    pub fn constraint(&mut self, id: TypeParamId) -> TypeId {
        let bound = self.type_param(id).bound;
        let under = match self.ty(bound) {
            Type::TypeParam(_) => TypeId::UNKNOWN,
            _ => self.underlying(bound),
        };
        match self.ty(under) {
            Type::Interface(_) | Type::Unknown => under,
            _ => {
                if let Some(&implicit) = self.implicit_interfaces.get(&bound) {
                    return implicit;
                }
                let implicit = self.new_interface(&[], &[bound], true);
                self.implicit_interfaces.insert(bound, implicit);
                implicit
            }
        }
    }

    /// The methods declared for a defined type, in source order; those of an instance
    /// have its type arguments in place.
    pub fn methods(&mut self, named: NamedId) -> Rc<[ObjId]> {
        let origin = self.named(named).origin;
        let methods = self.origin_methods(origin);
        if origin == named {
            return methods;
        }
        (0..methods.len())
            .filter_map(|i| self.method_at(named, i))
            .collect()
    }

    fn origin_methods(&mut self, origin: NamedId) -> Rc<[ObjId]> {
        let index = origin.0 as usize;
        if let Some(methods) = &self.named_definitions[index].methods {
            return methods.clone();
        }
        let obj = self.named(origin).obj;
        let Object { name, package, .. } = *self.object(obj);
        let methods: Rc<[ObjId]> = match package {
            // Local types have no methods, even if a package-level one has the name.
            Some(package) if self.package_scope(package).names.get(&name) == Some(&obj) => self
                .package_scope(package)
                .methods
                .get(&name)
                .map(|m| Rc::from(m.as_slice()))
                .unwrap_or_default(),
            _ => Rc::from([]),
        };
        self.named_definitions[index].methods = Some(methods.clone());
        methods
    }

    /// The method of that name declared for a defined type, with its index.
    pub(crate) fn declared_method(
        &mut self,
        named: NamedId,
        package: Option<crate::world::PackageId>,
        name: Symbol,
    ) -> Option<(u32, ObjId)> {
        let origin = self.named(named).origin;
        let methods = self.origin_methods(origin);
        let index = methods
            .iter()
            .position(|&m| self.object(m).name == name && self.same_id(m, package, name))?;
        Some((index as u32, self.method_at(named, index)?))
    }

    /// The method of a defined type at an index of its declared methods.
    fn method_at(&mut self, named: NamedId, index: usize) -> Option<ObjId> {
        let origin = self.named(named).origin;
        let method = *self.origin_methods(origin).get(index)?;
        if origin == named {
            return Some(method);
        }
        let cache = &self.named_definitions[named.0 as usize].instance_methods;
        if let Some(&Some(found)) = cache.get(index) {
            return Some(found);
        }
        let expanded = self.expand_method(named, method);
        let cache = &mut self.named_definitions[named.0 as usize].instance_methods;
        if cache.len() <= index {
            cache.resize(index + 1, None);
        }
        cache[index] = Some(expanded);
        Some(expanded)
    }

    /// The method `origin` for the instance `named` (go/types Named.expandMethod).
    fn expand_method(&mut self, named: NamedId, origin: ObjId) -> ObjId {
        let origin_type = self.type_of(origin);
        let Type::Signature(signature) = self.ty(origin_type).clone() else {
            return origin;
        };
        let Named { ty, targs, .. } = self.named(named).clone();
        let Some(recv) = signature.recv else {
            return origin;
        };
        let recv_type = self.object(recv).ty;
        if self.deref(recv_type).0 == ty {
            return origin;
        }
        let mut expanded = (*signature).clone();
        if signature.recv_tparams.len() == targs.len() {
            let substituted = self.substitute(origin_type, &signature.recv_tparams, &targs);
            if let Type::Signature(s) = self.ty(substituted) {
                expanded = (**s).clone();
            }
        }
        let recv_type = if self.has_pointer_receiver(origin) {
            self.store.pointer(ty)
        } else {
            ty
        };
        let recv = self.new_object(Object {
            ty: recv_type,
            origin: Some(recv),
            ..self.object(recv).clone()
        });
        expanded.recv = Some(recv);
        expanded.recv_tparams = Rc::from([]);
        let ty = self.store.add(Type::Signature(Rc::new(expanded)));
        self.new_object(Object {
            ty,
            origin: Some(origin),
            ..self.object(origin).clone()
        })
    }

    /// Whether a method has a pointer receiver, by the syntax of its declaration.
    pub(crate) fn has_pointer_receiver(&self, method: ObjId) -> bool {
        let origin = self.object(method).origin.unwrap_or(method);
        self.pointer_methods.contains(&origin)
    }
}
