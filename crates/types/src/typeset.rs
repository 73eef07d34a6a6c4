//! Type sets: what an interface amounts to (typeset.go, termlist.go, typeterm.go and under.go of go/types).

use crate::checker::Checker;
use crate::object::ObjId;
use crate::types::*;
use rustc_hash::FxHashSet;
use std::rc::Rc;
use tophash_syntax::ast::ChanDir;

/// Unions with more terms than this are not expanded (go/types `maxTermCount`).
const MAX_TERMS: usize = 100;

/// The type set of an interface: the types that have all `methods`, are among `terms`, and are
/// comparable if `comparable` says so.
#[derive(Clone, Debug, Default)]
pub struct TypeSet {
    /// All methods, those of embedded interfaces included, ordered by name.
    pub methods: Rc<[ObjId]>,
    /// Which types are in it.
    pub terms: Terms,
    /// Whether only comparable types are in it. Never with [`Terms::Some`].
    pub comparable: bool,
    /// Whether something embedded is not known, so that methods and terms may be lacking.
    pub incomplete: bool,
}

/// A set of types, as a union of single types and of all types with one underlying type. No two
/// terms overlap.
#[derive(Clone, Debug, Default)]
pub enum Terms {
    /// All types.
    #[default]
    All,
    /// These, or none at all.
    Some(Rc<[Term]>),
}

impl TypeSet {
    /// Its terms, where it has specific ones.
    pub fn specific(&self) -> Option<&[Term]> {
        match &self.terms {
            Terms::Some(terms) if !terms.is_empty() => Some(terms),
            _ => None,
        }
    }

    /// Whether no type is in it.
    pub fn is_empty(&self) -> bool {
        matches!(&self.terms, Terms::Some(terms) if terms.is_empty())
    }
}

impl Checker<'_> {
    /// The type set of an interface type; of any other type, the set of all types.
    pub fn type_set(&mut self, ty: TypeId) -> Rc<TypeSet> {
        if let Some(set) = self.type_sets.get(&ty) {
            return set.clone();
        }
        let Type::Interface(iface) = self.ty(ty).clone() else {
            return Rc::default();
        };
        // Stops the recursion of interfaces that embed themselves.
        self.type_sets.insert(ty, Rc::default());
        let set = Rc::new(self.compute_type_set(&iface));
        self.type_sets.insert(ty, set.clone());
        set
    }

    fn compute_type_set(&mut self, iface: &Interface) -> TypeSet {
        let mut methods: Vec<ObjId> = iface.methods.to_vec();
        let mut seen: FxHashSet<_> = methods.iter().map(|&m| self.member_name(m)).collect();
        let mut terms = Terms::All;
        let mut comparable = false;
        let mut incomplete = false;
        for &embedded in iface.embeddeds.iter() {
            let under = self.underlying(embedded);
            let (new, only_comparable) = match self.ty(under) {
                Type::Unknown => {
                    incomplete = true;
                    continue;
                }
                Type::Interface(_) => {
                    let set = self.type_set(under);
                    for &method in set.methods.iter() {
                        if seen.insert(self.member_name(method)) {
                            methods.push(method);
                        }
                    }
                    incomplete |= set.incomplete;
                    (set.terms.clone(), set.comparable)
                }
                Type::Union(_) => (self.union_terms(under), false),
                _ => {
                    let term = Term {
                        tilde: false,
                        ty: embedded,
                    };
                    (Terms::Some(Rc::from([term])), false)
                }
            };
            terms = self.intersect_terms(&terms, &new);
            comparable |= only_comparable;
            if let Terms::Some(list) = &terms
                && comparable
            {
                let kept = list
                    .iter()
                    .copied()
                    .filter(|term| self.is_comparable(term.ty, false))
                    .collect();
                terms = Terms::Some(kept);
                comparable = false;
            }
        }
        methods.sort_by_cached_key(|&m| {
            let (name, package) = self.member_name(m);
            (name.as_str(), package.map(|p| p.as_str()))
        });
        TypeSet {
            methods: methods.into(),
            terms,
            comparable,
            incomplete,
        }
    }

    /// The terms of a union, interfaces in it expanded. All types if it is too long.
    pub(crate) fn union_terms(&mut self, union: TypeId) -> Terms {
        let Type::Union(union) = self.ty(union).clone() else {
            return Terms::All;
        };
        let mut all: Vec<Term> = Vec::new();
        for &term in union.iter() {
            let under = self.underlying(term.ty);
            let new = match self.ty(under).clone() {
                Type::Unknown => continue,
                Type::Interface(_) => match &self.type_set(under).terms {
                    Terms::All => return Terms::All,
                    Terms::Some(terms) => terms.clone(),
                },
                // No type has an underlying type that is not one.
                _ if term.tilde && !self.identical(term.ty, under) => continue,
                _ => Rc::from([term]),
            };
            for &term in new.iter() {
                self.add_term(&mut all, term);
            }
            if all.len() > MAX_TERMS {
                return Terms::All;
            }
        }
        Terms::Some(all.into())
    }

    /// Adds a term to a list without overlaps.
    fn add_term(&mut self, terms: &mut Vec<Term>, mut new: Term) {
        let mut i = 0;
        while i < terms.len() {
            if self.disjoint(terms[i], new) {
                i += 1;
            } else {
                // One of the two holds the other.
                let old = terms.remove(i);
                if old.tilde || !new.tilde {
                    new = old;
                }
            }
        }
        terms.push(new);
    }

    fn intersect_terms(&mut self, x: &Terms, y: &Terms) -> Terms {
        match (x, y) {
            (Terms::All, terms) | (terms, Terms::All) => terms.clone(),
            (Terms::Some(xs), Terms::Some(ys)) => {
                let mut common = Vec::new();
                for &x in xs.iter() {
                    for &y in ys.iter() {
                        if !self.disjoint(x, y) {
                            let term = if !x.tilde || y.tilde { x } else { y };
                            self.add_term(&mut common, term);
                        }
                    }
                }
                Terms::Some(common.into())
            }
        }
    }

    /// Whether two sets of types are equal.
    pub(crate) fn same_terms(&mut self, x: &Terms, y: &Terms) -> bool {
        match (x, y) {
            (Terms::All, Terms::All) => true,
            (Terms::Some(x), Terms::Some(y)) => {
                Rc::ptr_eq(x, y) || self.has_terms(x, y) && self.has_terms(y, x)
            }
            _ => false,
        }
    }

    /// Whether each term of `part` lies in one of `whole`.
    fn has_terms(&mut self, whole: &[Term], part: &[Term]) -> bool {
        part.iter().all(|&x| {
            whole
                .iter()
                .any(|&y| (!x.tilde || y.tilde) && !self.disjoint(x, y))
        })
    }

    fn disjoint(&mut self, x: Term, y: Term) -> bool {
        let a = if y.tilde { self.underlying(x.ty) } else { x.ty };
        let b = if x.tilde { self.underlying(y.ty) } else { y.ty };
        !self.identical(a, b)
    }

    /// Whether every type of an interface's type set is comparable.
    pub(crate) fn type_set_comparable(&mut self, iface: TypeId, seen: &mut Vec<TypeId>) -> bool {
        let set = self.type_set(iface);
        match &set.terms {
            Terms::All => set.comparable || set.incomplete,
            Terms::Some(terms) => {
                !terms.is_empty()
                    && terms
                        .iter()
                        .all(|term| self.comparable(term.ty, false, seen))
            }
        }
    }

    /// The types, each with its underlying type, that a value of type `ty` may have: of a type parameter, the specific
    /// types of its constraint, of any other type, itself. None if a type parameter has no specific types.
    pub(crate) fn specific_types(&mut self, ty: TypeId) -> Option<Vec<(TypeId, TypeId)>> {
        let actual = self.unalias(ty);
        let &Type::TypeParam(id) = self.ty(actual) else {
            let under = self.underlying(actual);
            return Some(vec![(ty, under)]);
        };
        let constraint = self.constraint(id);
        if constraint.is_unknown() {
            return Some(vec![(TypeId::UNKNOWN, TypeId::UNKNOWN)]);
        }
        let set = self.type_set(constraint);
        match set.specific() {
            Some(terms) => Some(
                terms
                    .iter()
                    .map(|term| (term.ty, self.underlying(term.ty)))
                    .collect(),
            ),
            None if set.incomplete => Some(vec![(TypeId::UNKNOWN, TypeId::UNKNOWN)]),
            None => None,
        }
    }

    /// The underlying type that all specific types of a type parameter share; of other types, the underlying type. Channels
    /// that differ in direction alone share the directed one. None if there is none.
    pub fn common_underlying(&mut self, ty: TypeId) -> Option<TypeId> {
        let mut common: Option<TypeId> = None;
        for (_, under) in self.specific_types(ty)? {
            let Some(so_far) = common else {
                common = Some(under);
                continue;
            };
            match (self.ty(so_far).clone(), self.ty(under).clone()) {
                (Type::Chan(d, a), Type::Chan(e, b)) => {
                    if !self.identical(a, b) {
                        return None;
                    }
                    match (d, e) {
                        _ if d == e => {}
                        (ChanDir::Both, _) => common = Some(under),
                        (_, ChanDir::Both) => {}
                        _ => return None,
                    }
                }
                _ if self.identical(so_far, under) => {}
                _ => return None,
            }
        }
        common
    }

    /// The term that decides what a type parameter can be: the only one of its constraint, then the second value is
    /// true; or its common underlying type, with a tilde if any of the terms has one.
    pub(crate) fn core_term(&mut self, tparam: TypeId) -> Option<(Term, bool)> {
        let &Type::TypeParam(id) = self.ty(tparam) else {
            return None;
        };
        let constraint = self.constraint(id);
        let set = self.type_set(constraint);
        let terms = set.specific()?;
        if let [single] = terms {
            return Some((*single, true));
        }
        let tilde = terms.iter().any(|term| term.tilde);
        let ty = self.common_underlying(tparam)?;
        Some((Term { tilde, ty }, false))
    }
}
