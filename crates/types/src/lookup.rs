//! Fields and methods by name, after go/types lookup.go.

use crate::checker::Checker;
use crate::object::*;
use crate::types::*;
use crate::world::PackageId;
use std::rc::Rc;
use tophash_syntax::Symbol;

/// A struct can't embed deeper than this in a sensible program; endless instances can.
const MAX_EMBEDDING: usize = 64;
/// No more embedded types than this are looked at in one search.
const MAX_EMBEDDED: usize = 10_000;

/// The field or method that a selector names.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) obj: ObjId,
    pub(crate) path: Rc<[u32]>,
    pub(crate) indirect: bool,
}

/// Why nothing was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotFound {
    Missing,
    Ambiguous,
    /// The method needs a pointer or addressable receiver.
    PointerReceiver,
    /// An embedded type on the way is not known, so anything may be there.
    Unknown,
}

#[derive(Clone)]
struct Embedded {
    ty: TypeId,
    path: Vec<u32>,
    indirect: bool,
    multiples: bool,
}

impl<'w> Checker<'w> {
    /// Whether `obj` has the name `name` as written in `package`.
    pub(crate) fn same_id(&self, obj: ObjId, package: Option<PackageId>, name: Symbol) -> bool {
        let object = self.object(obj);
        object.name == name
            && (crate::predicates::is_exported(name) || self.same_package(object.package, package))
    }

    /// Whether two packages are the same but for test files.
    pub(crate) fn same_package(&self, a: Option<PackageId>, b: Option<PackageId>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => a == b || self.world.path(a) == self.world.path(b),
            (a, b) => a == b,
        }
    }

    /// The base type of a pointer (not of a defined type that is one), and whether it was one.
    pub(crate) fn deref(&mut self, ty: TypeId) -> (TypeId, bool) {
        let unaliased = self.unalias(ty);
        match *self.ty(unaliased) {
            Type::Pointer(base) => (base, true),
            _ => (ty, false),
        }
    }

    /// The defined type that a type is, aliases aside.
    pub(crate) fn as_named(&mut self, ty: TypeId) -> Option<NamedId> {
        let ty = self.unalias(ty);
        match *self.ty(ty) {
            Type::Named(id) => Some(id),
            _ => None,
        }
    }

    /// Whether everything a type is written with is known: no part of it is
    /// [`TypeId::UNKNOWN`].
    pub fn is_known(&mut self, ty: TypeId) -> bool {
        !self.mentions_unknown(ty)
    }

    /// Whether values of a type are maps: its underlying type is one, or, if it is a type
    /// parameter, all types in its type set are.
    pub fn is_map(&mut self, ty: TypeId) -> bool {
        match self.specific_types(ty) {
            Some(types) => {
                !types.is_empty()
                    && types
                        .iter()
                        .all(|&(_, under)| matches!(self.ty(under), Type::Map(..)))
            }
            None => false,
        }
    }

    /// Whether a type is an interface and not a type parameter.
    pub(crate) fn is_plain_interface(&mut self, ty: TypeId) -> bool {
        !self.is_type_param(ty) && self.is_interface(ty)
    }

    /// The field or method `name`, as written in `package`, of a value of type `ty`.
    pub(crate) fn lookup_field_or_method(
        &mut self,
        ty: TypeId,
        addressable: bool,
        package: Option<PackageId>,
        name: Symbol,
    ) -> Result<Found, NotFound> {
        if self.as_named(ty).is_some() {
            let under = self.underlying(ty);
            if let Type::Pointer(_) = self.ty(under) {
                let found = self.lookup_in(under, false, package, name)?;
                if self.object(found.obj).is_func() {
                    return Err(NotFound::Missing);
                }
                return Ok(found);
            }
        }
        self.lookup_in(ty, addressable, package, name)
    }

    pub(crate) fn lookup_in(
        &mut self,
        ty: TypeId,
        addressable: bool,
        package: Option<PackageId>,
        name: Symbol,
    ) -> Result<Found, NotFound> {
        if name == self.blank {
            return Err(NotFound::Missing);
        }
        let (ty, is_pointer) = self.deref(ty);
        if is_pointer {
            let under = self.underlying(ty);
            if let Type::Interface(_) = self.ty(under) {
                return Err(NotFound::Missing);
            }
        }
        let mut current = vec![Embedded {
            ty,
            path: Vec::new(),
            indirect: is_pointer,
            multiples: false,
        }];
        let mut seen: Vec<TypeId> = Vec::new();
        // Whether something at a lesser depth is not known: it may have the name, and hide
        // what is found deeper.
        let mut unknown_above = false;
        let mut looked_at = 0;
        for _ in 0..MAX_EMBEDDING {
            if current.is_empty() {
                break;
            }
            let mut next: Vec<Embedded> = Vec::new();
            let mut found: Option<Found> = None;
            let mut unknown = unknown_above;
            for e in &current {
                looked_at += 1;
                if looked_at > MAX_EMBEDDED {
                    return Err(NotFound::Unknown);
                }
                if let Some(named) = self.as_named(e.ty) {
                    let ty = self.named(named).ty;
                    if self.seen_before(&seen, ty) {
                        continue;
                    }
                    seen.push(ty);
                    if let Some((index, method)) = self.declared_method(named, package, name) {
                        if found.is_some() || e.multiples {
                            return Err(NotFound::Ambiguous);
                        }
                        found = Some(Found {
                            obj: method,
                            path: concat(&e.path, index),
                            indirect: e.indirect,
                        });
                        continue;
                    }
                }
                let under = self.underlying(e.ty);
                match self.ty(under).clone() {
                    Type::Unknown => unknown = true,
                    Type::Struct(s) => {
                        for (i, &field) in s.fields.iter().enumerate() {
                            if self.same_id(field, package, name) {
                                if found.is_some() || e.multiples {
                                    return Err(NotFound::Ambiguous);
                                }
                                found = Some(Found {
                                    obj: field,
                                    path: concat(&e.path, i as u32),
                                    indirect: e.indirect,
                                });
                                continue;
                            }
                            if found.is_none() && self.object(field).is_embedded() {
                                let field_type = self.object(field).ty;
                                let (ty, is_pointer) = self.deref(field_type);
                                let mut path = e.path.clone();
                                path.push(i as u32);
                                next.push(Embedded {
                                    ty,
                                    path,
                                    indirect: e.indirect || is_pointer,
                                    multiples: e.multiples,
                                });
                            }
                        }
                    }
                    Type::Interface(_) => {
                        if let Some((index, method)) = self.interface_method(under, package, name) {
                            if found.is_some() || e.multiples {
                                return Err(NotFound::Ambiguous);
                            }
                            found = Some(Found {
                                obj: method,
                                path: concat(&e.path, index),
                                indirect: e.indirect,
                            });
                        }
                    }
                    _ => {}
                }
            }
            if let Some(found) = found {
                if unknown_above {
                    return Err(NotFound::Unknown);
                }
                if self.object(found.obj).is_func()
                    && self.has_pointer_receiver(found.obj)
                    && !found.indirect
                    && !addressable
                {
                    return Err(NotFound::PointerReceiver);
                }
                return Ok(found);
            }
            unknown_above = unknown;
            current = self.consolidate(next);
        }
        Err(if unknown_above {
            NotFound::Unknown
        } else {
            NotFound::Missing
        })
    }

    fn seen_before(&mut self, seen: &[TypeId], ty: TypeId) -> bool {
        // Only instances can be identical without being the same.
        let is_instance = matches!(*self.ty(ty), Type::Named(id) if self.named(id).origin != id);
        seen.contains(&ty) || is_instance && seen.iter().any(|&s| self.identical(s, ty))
    }

    /// Merges entries of the same type, marking what remains as multiple.
    fn consolidate(&mut self, list: Vec<Embedded>) -> Vec<Embedded> {
        if list.len() <= 1 {
            return list;
        }
        let mut unique: Vec<Embedded> = Vec::with_capacity(list.len());
        for e in list {
            match (0..unique.len()).find(|&i| {
                let other = unique[i].ty;
                self.identical(other, e.ty)
            }) {
                Some(i) => unique[i].multiples = true,
                None => unique.push(e),
            }
        }
        unique
    }

    /// The method of that name in an interface type's method set, with its index there.
    pub(crate) fn interface_method(
        &mut self,
        interface: TypeId,
        package: Option<PackageId>,
        name: Symbol,
    ) -> Option<(u32, ObjId)> {
        let set = self.type_set(interface);
        let index = set
            .methods
            .iter()
            .position(|&m| self.same_id(m, package, name))?;
        Some((index as u32, set.methods[index]))
    }

    /// The index of the field `name` in a list of fields.
    pub(crate) fn field_index(
        &self,
        fields: &[ObjId],
        package: Option<PackageId>,
        name: Symbol,
    ) -> Option<usize> {
        if name == self.blank {
            return None;
        }
        fields.iter().position(|&f| self.same_id(f, package, name))
    }
}

fn concat(path: &[u32], index: u32) -> Rc<[u32]> {
    path.iter().copied().chain([index]).collect()
}
