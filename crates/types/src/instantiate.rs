//! Instances of generic types and functions.
//!
//! There is one instance for each generic type and list of type arguments. What is in it, its
//! underlying type and its methods, is worked out when asked for, so that types may refer to
//! instances of themselves.

use crate::checker::Checker;
use crate::object::ObjId;
use crate::types::*;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Type arguments whose types have more parts than this are not kept apart: the instance is unknown.
/// Only types that expand without end get there (`type T[P any] struct { next *T[[]P] }`).
const MAX_PARTS: u32 = 1000;

/// Deepest nesting of the types in type arguments, for the same reason.
const MAX_NESTING: u32 = 60;

/// The instances of one checker.
#[derive(Default)]
pub(crate) struct Instances {
    nameds: FxHashMap<(NamedId, Rc<[TypeId]>), TypeId>,
    aliases: FxHashMap<(AliasId, Rc<[TypeId]>), TypeId>,
}

impl Checker<'_> {
    /// A generic defined type or alias with type arguments. Unknown if it is neither, or if the arguments
    /// are too large to be those of a finite program.
    pub(crate) fn instance(&mut self, generic: TypeId, targs: &[TypeId]) -> TypeId {
        match *self.ty(generic) {
            Type::Named(id) => self.named_instance(id, targs),
            Type::Alias(id) => self.alias_instance(id, targs),
            _ => TypeId::UNKNOWN,
        }
    }

    /// The instance of a generic defined type.
    pub(crate) fn named_instance(&mut self, origin: NamedId, targs: &[TypeId]) -> TypeId {
        let key: (NamedId, Rc<[TypeId]>) = (origin, targs.into());
        if let Some(&ty) = self.instances.nameds.get(&key) {
            return ty;
        }
        if targs.is_empty() || !self.is_bounded(targs) {
            return TypeId::UNKNOWN;
        }
        let ty = self.new_named_instance(origin, key.1.clone());
        self.instances.nameds.insert(key, ty);
        ty
    }

    /// The instance of a generic alias.
    pub(crate) fn alias_instance(&mut self, origin: AliasId, targs: &[TypeId]) -> TypeId {
        let key: (AliasId, Rc<[TypeId]>) = (origin, targs.into());
        if let Some(&ty) = self.instances.aliases.get(&key) {
            return ty;
        }
        if targs.is_empty() || !self.is_bounded(targs) {
            return TypeId::UNKNOWN;
        }
        let ty = self.new_alias_instance(origin, key.1.clone());
        self.instances.aliases.insert(key, ty);
        ty
    }

    /// The type of a generic function with type arguments in the place of its type parameters. Unknown if it
    /// is not generic, their number is wrong, or they are too large.
    pub(crate) fn instantiate_signature(&mut self, generic: TypeId, targs: &[TypeId]) -> TypeId {
        let Type::Signature(sig) = self.ty(generic).clone() else {
            return TypeId::UNKNOWN;
        };
        if sig.tparams.len() != targs.len() || targs.is_empty() || !self.is_bounded(targs) {
            return TypeId::UNKNOWN;
        }
        let ty = self.substitute(generic, &sig.tparams, targs);
        self.without_type_params(ty)
    }

    /// A function type with its own type parameters taken off.
    pub(crate) fn without_type_params(&mut self, ty: TypeId) -> TypeId {
        match self.ty(ty).clone() {
            Type::Signature(sig) if !sig.tparams.is_empty() => {
                let mut sig = (*sig).clone();
                sig.tparams = Rc::from([]);
                self.store.add(Type::Signature(Rc::new(sig)))
            }
            _ => ty,
        }
    }

    /// Whether types are small enough to be type arguments.
    fn is_bounded(&self, types: &[TypeId]) -> bool {
        let mut parts = MAX_PARTS;
        types
            .iter()
            .all(|&ty| self.count_parts(ty, MAX_NESTING, &mut parts))
    }

    /// Takes the number of the type's parts off `parts`; false if there are too many or they are nested too deeply.
    fn count_parts(&self, ty: TypeId, nesting: u32, parts: &mut u32) -> bool {
        let (Some(nesting), Some(rest)) = (nesting.checked_sub(1), parts.checked_sub(1)) else {
            return false;
        };
        *parts = rest;
        let mut all = |list: &[TypeId]| list.iter().all(|&ty| self.count_parts(ty, nesting, parts));
        let types_of = |list: &[ObjId]| -> Vec<TypeId> {
            list.iter().map(|&obj| self.object(obj).ty).collect()
        };
        match self.ty(ty) {
            Type::Unknown | Type::Basic(_) | Type::TypeParam(_) => true,
            Type::Pointer(elem)
            | Type::Slice(elem)
            | Type::Array(elem, _)
            | Type::Chan(_, elem) => all(&[*elem]),
            Type::Map(key, elem) => all(&[*key, *elem]),
            Type::Tuple(vars) => all(&types_of(vars)),
            Type::Signature(sig) => all(&types_of(&sig.params)) && all(&types_of(&sig.results)),
            Type::Struct(st) => all(&types_of(&st.fields)),
            Type::Interface(iface) => all(&types_of(&iface.methods)) && all(&iface.embeddeds),
            Type::Union(terms) => all(&terms.iter().map(|t| t.ty).collect::<Vec<_>>()),
            Type::Named(id) => all(&self.named(*id).targs),
            Type::Alias(id) => all(&self.alias(*id).targs),
        }
    }
}
