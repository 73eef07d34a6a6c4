//! Inference of type arguments (infer.go of go/types).

use crate::checker::Checker;
use crate::object::ObjId;
use crate::operand::Operand;
use crate::types::*;
use crate::unify::{Mode, Unifier};
use rustc_hash::FxHashMap;

/// How far the search for cycles has come with a type.
#[derive(Clone, Copy)]
enum Visit {
    OnPath,
    Done,
}

impl Checker<'_> {
    /// The type arguments for `tparams`, given some of them and the arguments passed for parameters of types `params`.
    /// None if they can't be: in a program that compiles only because something it depends on is not known. A type argument that depends
    /// on an unknown type is itself unknown.
    ///
    /// Type parameters that occur in the arguments must be others than `tparams`: see
    /// [`Checker::rename_type_params`].
    pub(crate) fn infer(
        &mut self,
        tparams: &[TypeId],
        targs: &[Option<TypeId>],
        params: &[TypeId],
        args: &[Operand],
    ) -> Option<Vec<TypeId>> {
        if targs.len() == tparams.len() && targs.iter().all(Option::is_some) {
            return targs.iter().copied().collect();
        }
        let mut u = Unifier::new(tparams, targs);
        let params = self.apply_given(tparams, targs, params);
        let untyped = self.infer_from_arguments(&mut u, tparams, &params, args)?;
        self.infer_from_constraints(&mut u, tparams)?;
        self.infer_from_untyped(&mut u, &params, args, &untyped)?;
        let knows_all = args.iter().all(|arg| !self.mentions_unknown(arg.ty))
            && targs.iter().flatten().all(|&ty| !self.mentions_unknown(ty));
        self.simplify(&u, tparams, targs, knows_all)
    }

    /// The parameter types with the type arguments in place that are given: arguments are assigned to these,
    /// they need not match exactly.
    fn apply_given(
        &mut self,
        tparams: &[TypeId],
        targs: &[Option<TypeId>],
        params: &[TypeId],
    ) -> Vec<TypeId> {
        let full: Vec<TypeId> = tparams
            .iter()
            .enumerate()
            .map(|(i, &tparam)| targs.get(i).copied().flatten().unwrap_or(tparam))
            .collect();
        params
            .iter()
            .map(|&ty| self.substitute(ty, tparams, &full))
            .collect()
    }

    /// Matches parameters with typed arguments. Gives the indices of untyped arguments for parameters whose
    /// type is just a type parameter.
    fn infer_from_arguments(
        &mut self,
        u: &mut Unifier,
        tparams: &[TypeId],
        params: &[TypeId],
        args: &[Operand],
    ) -> Option<Vec<usize>> {
        let mut untyped = Vec::new();
        for (i, (&param, arg)) in params.iter().zip(args).enumerate() {
            if arg.ty.is_unknown()
                || !self.is_parameterized(tparams, param) && !self.is_parameterized(tparams, arg.ty)
            {
                continue;
            }
            if !self.is_untyped(arg.ty) {
                if !self.unify(u, param, arg.ty, Mode::ASSIGN) {
                    return None;
                }
            } else if matches!(self.ty(param), Type::TypeParam(_))
                && arg.ty != TypeId::basic(Basic::UntypedNil)
            {
                untyped.push(i);
            }
        }
        Some(untyped)
    }

    /// Matches type parameters with their constraints for as long as that determines new types.
    fn infer_from_constraints(&mut self, u: &mut Unifier, tparams: &[TypeId]) -> Option<()> {
        loop {
            let before = u.unknowns();
            for &tparam in tparams {
                let known = u.at(tparam);
                if let Some((core, single)) = self.core_term(tparam) {
                    match known {
                        Some(ty) if !self.unify(u, ty, core.ty, Mode::INEXACT) => return None,
                        Some(_) => {}
                        // The only type there is.
                        None if single && !core.tilde => u.set(tparam, core.ty),
                        None => {}
                    }
                }
                // The methods of the type must match those of the constraint.
                if let Some(ty) = known
                    && !ty.is_unknown()
                    && !self.is_parameterized(tparams, ty)
                {
                    let constraint = self.underlying(tparam);
                    if !self.unify_methods(u, ty, constraint) {
                        return None;
                    }
                }
            }
            if u.unknowns() == before {
                return Some(());
            }
        }
    }

    /// Gives type parameters that have no type yet the default type of the untyped arguments passed for them: of several, the
    /// one that comes last of integer, rune, floating-point and complex.
    fn infer_from_untyped(
        &mut self,
        u: &mut Unifier,
        params: &[TypeId],
        args: &[Operand],
        untyped: &[usize],
    ) -> Option<()> {
        let mut largest: FxHashMap<TypeId, TypeId> = FxHashMap::default();
        for &i in untyped {
            let (tparam, ty) = (params[i], args[i].ty);
            if u.at(tparam).is_some() {
                continue;
            }
            let max = match largest.get(&tparam) {
                Some(&max) => self.max_type(max, ty)?,
                None => ty,
            };
            largest.insert(tparam, max);
        }
        for (tparam, ty) in largest {
            let ty = self.default_type(ty);
            u.set(tparam, ty);
        }
        Some(())
    }

    /// Replaces type parameters in the inferred types until none is left.
    fn simplify(
        &mut self,
        u: &Unifier,
        tparams: &[TypeId],
        targs: &[Option<TypeId>],
        knows_all: bool,
    ) -> Option<Vec<TypeId>> {
        let mut inferred: Vec<Option<TypeId>> = tparams.iter().map(|&tp| u.at(tp)).collect();
        self.kill_cycles(tparams, &mut inferred);
        let mut dirty: Vec<usize> = (0..tparams.len())
            .filter(|&i| inferred[i].is_some() && targs.get(i).copied().flatten().is_none())
            .collect();
        // Without cycles a type parameter is at most as many replacements away from a type as there are.
        for _ in 0..=tparams.len() {
            let to: Vec<TypeId> = tparams
                .iter()
                .zip(&inferred)
                .map(|(&tparam, ty)| ty.unwrap_or(tparam))
                .collect();
            dirty.retain(|&i| {
                let Some(old) = inferred[i] else {
                    return false;
                };
                let mut new = self.substitute(old, tparams, &to);
                if new == old {
                    return false;
                }
                // A generic function whose type parameters have all been inferred is no longer generic.
                if !self.is_parameterized(tparams, new) {
                    new = self.without_type_params(new);
                }
                inferred[i] = Some(new);
                true
            });
            if dirty.is_empty() {
                break;
            }
        }
        inferred
            .into_iter()
            .map(|ty| match ty {
                Some(ty) if !self.is_parameterized(tparams, ty) => Some(ty),
                _ if knows_all => None,
                _ => Some(TypeId::UNKNOWN),
            })
            .collect()
    }

    /// Takes back what was inferred for type parameters that it leads back to: replacing them would not end.
    fn kill_cycles(&mut self, tparams: &[TypeId], inferred: &mut [Option<TypeId>]) {
        let mut visited = FxHashMap::default();
        for &tparam in tparams {
            self.find_cycle(tparam, tparams, inferred, &mut visited);
        }
    }

    fn find_cycle(
        &mut self,
        ty: TypeId,
        tparams: &[TypeId],
        inferred: &mut [Option<TypeId>],
        visited: &mut FxHashMap<TypeId, Visit>,
    ) {
        let ty = self.unalias(ty);
        let index = tparams.iter().position(|&tparam| tparam == ty);
        match visited.get(&ty) {
            Some(Visit::Done) => return,
            Some(Visit::OnPath) => {
                if let Some(i) = index {
                    inferred[i] = None;
                }
                return;
            }
            None => visited.insert(ty, Visit::OnPath),
        };
        match index {
            Some(i) => {
                if let Some(ty) = inferred[i] {
                    self.find_cycle(ty, tparams, inferred, visited);
                }
            }
            // Only what mentions type parameters can lead back to one.
            None => {
                for part in self.parts(ty) {
                    if self.is_parameterized(tparams, part) {
                        self.find_cycle(part, tparams, inferred, visited);
                    }
                }
            }
        }
        visited.insert(ty, Visit::Done);
    }

    /// Whether a type contains any of the type parameters.
    pub(crate) fn is_parameterized(&mut self, tparams: &[TypeId], ty: TypeId) -> bool {
        self.contains(ty, &mut FxHashMap::default(), &|ty| tparams.contains(&ty))
    }

    /// Whether a type contains an unknown one.
    pub(crate) fn mentions_unknown(&mut self, ty: TypeId) -> bool {
        self.contains(ty, &mut FxHashMap::default(), &TypeId::is_unknown)
    }

    fn contains(
        &mut self,
        ty: TypeId,
        seen: &mut FxHashMap<TypeId, bool>,
        is: &dyn Fn(TypeId) -> bool,
    ) -> bool {
        if is(ty) {
            return true;
        }
        if let Some(&result) = seen.get(&ty) {
            return result;
        }
        seen.insert(ty, false);
        let result = self
            .parts(ty)
            .into_iter()
            .any(|part| self.contains(part, seen, is));
        seen.insert(ty, result);
        result
    }

    /// The types that a type is directly made of. Of an interface, those of its type set; of an instance,
    /// its type arguments; of a function type, those of parameters and results alone.
    fn parts(&mut self, ty: TypeId) -> Vec<TypeId> {
        match self.ty(ty).clone() {
            Type::Unknown | Type::Basic(_) | Type::TypeParam(_) => Vec::new(),
            Type::Pointer(elem)
            | Type::Slice(elem)
            | Type::Array(elem, _)
            | Type::Chan(_, elem) => {
                vec![elem]
            }
            Type::Map(key, elem) => vec![key, elem],
            Type::Tuple(vars) => self.types_of(&vars),
            Type::Struct(st) => self.types_of(&st.fields),
            Type::Signature(sig) => {
                let mut types = self.types_of(&sig.params);
                types.extend(self.types_of(&sig.results));
                types
            }
            Type::Interface(_) => {
                let set = self.type_set(ty);
                let mut types = self.types_of(&set.methods);
                types.extend(set.specific().into_iter().flatten().map(|term| term.ty));
                types
            }
            Type::Union(terms) => terms.iter().map(|term| term.ty).collect(),
            Type::Named(id) => self.named(id).targs.to_vec(),
            Type::Alias(_) => vec![self.unalias(ty)],
        }
    }

    fn types_of(&mut self, objects: &[ObjId]) -> Vec<TypeId> {
        objects.iter().map(|&obj| self.type_of(obj)).collect()
    }
}

#[cfg(test)]
mod tests;
