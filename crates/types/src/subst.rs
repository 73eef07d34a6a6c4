//! Putting types in the place of type parameters.

use crate::checker::Checker;
use crate::object::ObjId;
use crate::types::*;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// A substitution of type parameters, and what it has made of types so far.
pub(crate) struct Substitution {
    pairs: Vec<(TypeId, TypeId)>,
    done: FxHashMap<TypeId, TypeId>,
}

impl Substitution {
    /// Replaces the type parameters `from`, one by one, with `to`. The lists have equal lengths.
    pub(crate) fn new(from: &[TypeId], to: &[TypeId]) -> Substitution {
        Substitution {
            pairs: from.iter().copied().zip(to.iter().copied()).collect(),
            done: FxHashMap::default(),
        }
    }

    fn lookup(&self, param: TypeId) -> Option<TypeId> {
        let pair = self.pairs.iter().find(|(from, _)| *from == param)?;
        Some(pair.1)
    }
}

impl Checker<'_> {
    /// The type with the type parameters `from` replaced by `to`. Instances of generic types inside it become
    /// other instances, which are expanded when asked for.
    pub(crate) fn substitute(&mut self, ty: TypeId, from: &[TypeId], to: &[TypeId]) -> TypeId {
        if from.is_empty() || from == to {
            return ty;
        }
        self.subst_with(ty, &mut Substitution::new(from, to))
    }

    /// [`Checker::substitute`] with a substitution that serves several types.
    pub(crate) fn subst_with(&mut self, ty: TypeId, s: &mut Substitution) -> TypeId {
        if let Some(&done) = s.done.get(&ty) {
            return done;
        }
        let result = match self.ty(ty).clone() {
            Type::Unknown | Type::Basic(_) => return ty,
            Type::TypeParam(_) => return s.lookup(ty).unwrap_or(ty),
            Type::Pointer(elem) => {
                let elem = self.subst_with(elem, s);
                self.store.pointer(elem)
            }
            Type::Slice(elem) => {
                let elem = self.subst_with(elem, s);
                self.store.slice(elem)
            }
            Type::Array(elem, len) => {
                let elem = self.subst_with(elem, s);
                self.store.array(elem, len)
            }
            Type::Map(key, elem) => {
                let key = self.subst_with(key, s);
                let elem = self.subst_with(elem, s);
                self.store.map(key, elem)
            }
            Type::Chan(dir, elem) => {
                let elem = self.subst_with(elem, s);
                self.store.chan(dir, elem)
            }
            Type::Tuple(vars) => match self.substitute_objects(&vars, s) {
                Some(vars) => self.store.tuple(vars),
                None => ty,
            },
            Type::Signature(sig) => self.substitute_signature(ty, &sig, s),
            Type::Struct(st) => match self.substitute_objects(&st.fields, s) {
                Some(fields) => self.store.add(Type::Struct(Rc::new(Struct {
                    fields,
                    tags: st.tags.clone(),
                }))),
                None => ty,
            },
            Type::Interface(iface) => {
                let methods = self.substitute_objects(&iface.methods, s);
                let embeddeds = self.substitute_types(&iface.embeddeds, s);
                if methods.is_none() && embeddeds.is_none() {
                    ty
                } else {
                    self.store.add(Type::Interface(Rc::new(Interface {
                        methods: methods.unwrap_or_else(|| iface.methods.clone()),
                        embeddeds: embeddeds.unwrap_or_else(|| iface.embeddeds.clone()),
                        implicit: iface.implicit,
                    })))
                }
            }
            Type::Union(terms) => {
                let new: Rc<[Term]> = terms
                    .iter()
                    .map(|term| Term {
                        tilde: term.tilde,
                        ty: self.subst_with(term.ty, s),
                    })
                    .collect();
                if new.iter().zip(terms.iter()).all(|(a, b)| a.ty == b.ty) {
                    ty
                } else {
                    self.store.add(Type::Union(new))
                }
            }
            Type::Named(id) => {
                let Named { origin, targs, .. } = self.named(id).clone();
                match self.substitute_types(&targs, s) {
                    Some(targs) => self.named_instance(origin, &targs),
                    None => ty,
                }
            }
            Type::Alias(id) => {
                let Alias { origin, targs, .. } = self.alias(id).clone();
                match self.substitute_types(&targs, s) {
                    Some(targs) => self.alias_instance(origin, &targs),
                    None => ty,
                }
            }
        };
        s.done.insert(ty, result);
        result
    }

    /// Substitutes in a function type. The receiver stays as it is: methods of instances get theirs from
    /// the instance. A function type that declares type parameters of its own, a generic method whose receiver is being
    /// instantiated, gets fresh ones, as their constraints may mention what is replaced.
    fn substitute_signature(
        &mut self,
        ty: TypeId,
        sig: &Rc<Signature>,
        s: &mut Substitution,
    ) -> TypeId {
        let own = sig.tparams.first().copied();
        let fresh = match own {
            Some(first) if s.lookup(first).is_none() => {
                Some(self.fresh_type_params(&sig.tparams, s))
            }
            _ => None,
        };
        let mut inner;
        let s = match &fresh {
            Some(fresh) => {
                inner = Substitution {
                    pairs: s.pairs.clone(),
                    done: FxHashMap::default(),
                };
                let renamed = sig.tparams.iter().copied().zip(fresh.iter().copied());
                inner.pairs.extend(renamed);
                &mut inner
            }
            None => s,
        };
        let params = self.substitute_objects(&sig.params, s);
        let results = self.substitute_objects(&sig.results, s);
        if params.is_none() && results.is_none() && fresh.is_none() {
            return ty;
        }
        self.store.add(Type::Signature(Rc::new(Signature {
            recv: sig.recv,
            recv_tparams: sig.recv_tparams.clone(),
            tparams: fresh.unwrap_or_else(|| sig.tparams.clone()),
            params: params.unwrap_or_else(|| sig.params.clone()),
            results: results.unwrap_or_else(|| sig.results.clone()),
            variadic: sig.variadic,
        })))
    }

    /// New type parameters in the place of `tparams`, with constraints that `s` is applied to.
    fn fresh_type_params(&mut self, tparams: &[TypeId], s: &Substitution) -> Rc<[TypeId]> {
        let fresh: Rc<[TypeId]> = tparams.iter().map(|&tp| self.copy_type_param(tp)).collect();
        let mut all = Substitution {
            pairs: s.pairs.clone(),
            done: FxHashMap::default(),
        };
        let renamed = tparams.iter().copied().zip(fresh.iter().copied());
        all.pairs.extend(renamed);
        self.substitute_bounds(tparams, &fresh, &mut all);
        fresh
    }

    /// New type parameters in the place of `tparams`, for each a copy of its name, index and renamed constraint.
    pub(crate) fn rename_type_params(&mut self, tparams: &[TypeId]) -> Rc<[TypeId]> {
        self.fresh_type_params(tparams, &Substitution::new(&[], &[]))
    }

    /// Gives each of `to` the constraint of its counterpart in `from`, substituted.
    pub(crate) fn substitute_bounds(
        &mut self,
        from: &[TypeId],
        to: &[TypeId],
        s: &mut Substitution,
    ) {
        for (&from, &to) in from.iter().zip(to) {
            if let (&Type::TypeParam(from), &Type::TypeParam(to)) = (self.ty(from), self.ty(to)) {
                let bound = self.type_param(from).bound;
                let bound = self.subst_with(bound, s);
                self.type_params[to.0 as usize].bound = bound;
            }
        }
    }

    fn copy_type_param(&mut self, tparam: TypeId) -> TypeId {
        let &Type::TypeParam(id) = self.ty(tparam) else {
            return TypeId::UNKNOWN;
        };
        let mut copy = self.type_param(id).clone();
        let new = TypeParamId(self.type_params.len() as u32);
        let ty = self.store.add(Type::TypeParam(new));
        copy.ty = ty;
        self.type_params.push(copy);
        ty
    }

    /// The list with substituted types; none if nothing changes.
    fn substitute_types(&mut self, list: &[TypeId], s: &mut Substitution) -> Option<Rc<[TypeId]>> {
        let new: Vec<TypeId> = list.iter().map(|&ty| self.subst_with(ty, s)).collect();
        (new != list).then(|| new.into())
    }

    /// Copies of variables or functions with substituted types; none if nothing changes.
    fn substitute_objects(&mut self, list: &[ObjId], s: &mut Substitution) -> Option<Rc<[ObjId]>> {
        let mut new: Option<Vec<ObjId>> = None;
        for (i, &obj) in list.iter().enumerate() {
            let old = self.type_of(obj);
            let ty = self.subst_with(old, s);
            if ty != old {
                let new = new.get_or_insert_with(|| list.to_vec());
                new[i] = self.copy_object(obj, ty);
            }
        }
        new.map(Rc::from)
    }

    /// A copy of an object that belongs to an instance.
    pub(crate) fn copy_object(&mut self, obj: ObjId, ty: TypeId) -> ObjId {
        let mut copy = self.object(obj).clone();
        copy.ty = ty;
        copy.origin = Some(copy.origin.unwrap_or(obj));
        let id = ObjId(self.objects.len() as u32);
        self.objects.push(copy);
        id
    }
}
