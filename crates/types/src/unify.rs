//! Unification: finding the types of type parameters that make two types match (unify.go of go/types).
//!
//! Two types unify if they are structurally equal once the bound type parameters in them are replaced;
//! how strictly is said by [`Mode`]. Whether they are then really assignable or in the type set of a constraint
//! is not decided here. An unknown type unifies with everything and determines nothing.

use crate::checker::Checker;
use crate::lookup::NotFound;
use crate::object::{ObjId, Object};
use crate::predicates::{same_length, tag};
use crate::types::*;
use rustc_hash::FxHashMap;
use tophash_syntax::ast::ChanDir;

/// Depth at which unification gives up (go/types `unificationDepthLimit`).
const MAX_DEPTH: u32 = 50;

/// Number of comparisons after which unification gives up; types that are graphs would otherwise take
/// exponential time.
const MAX_STEPS: u32 = 100_000;

/// How strictly types must match.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Mode {
    /// The types are those of an assignment: they may match inexactly at the top, but their elements must
    /// match exactly.
    pub(crate) assign: bool,
    /// The types must become identical. Otherwise a defined type matches a literal that its underlying type
    /// matches, channel directions don't count, and a type matches an interface that it may implement.
    pub(crate) exact: bool,
}

impl Mode {
    pub(crate) const INEXACT: Mode = Mode {
        assign: false,
        exact: false,
    };
    pub(crate) const ASSIGN: Mode = Mode {
        assign: true,
        exact: false,
    };
    pub(crate) const EXACT: Mode = Mode {
        assign: false,
        exact: true,
    };
}

/// Type parameters and what has been inferred for them.
pub(crate) struct Unifier {
    /// Each type parameter with the index of its type. Parameters that have been found to be the
    /// same share an index.
    handles: Vec<(TypeId, usize)>,
    types: Vec<Option<TypeId>>,
    depth: u32,
    steps: u32,
    /// Interfaces that are being compared.
    pairs: Vec<(TypeId, TypeId)>,
}

impl Unifier {
    /// A unifier for type parameters, some of which may have a type already.
    pub(crate) fn new(tparams: &[TypeId], targs: &[Option<TypeId>]) -> Unifier {
        Unifier {
            handles: tparams.iter().copied().zip(0..).collect(),
            types: (0..tparams.len())
                .map(|i| targs.get(i).copied().flatten())
                .collect(),
            depth: 0,
            steps: 0,
            pairs: Vec::new(),
        }
    }

    fn handle(&self, tparam: TypeId) -> Option<usize> {
        let found = self.handles.iter().find(|(tp, _)| *tp == tparam)?;
        Some(found.1)
    }

    /// What has been inferred for a type parameter.
    pub(crate) fn at(&self, tparam: TypeId) -> Option<TypeId> {
        self.types[self.handle(tparam)?]
    }

    /// Sets the type of a type parameter and of those joined with it.
    pub(crate) fn set(&mut self, tparam: TypeId, ty: TypeId) {
        if let Some(handle) = self.handle(tparam) {
            self.types[handle] = Some(ty);
        }
    }

    /// The number of type parameters without a type.
    pub(crate) fn unknowns(&self) -> usize {
        self.handles
            .iter()
            .filter(|(_, handle)| self.types[*handle].is_none())
            .count()
    }

    /// Makes two type parameters one. False if both have a type already.
    fn join(&mut self, x: TypeId, y: TypeId) -> bool {
        let (Some(hx), Some(hy)) = (self.handle(x), self.handle(y)) else {
            return false;
        };
        if hx == hy {
            return true;
        }
        let (from, to) = match (self.types[hx], self.types[hy]) {
            (Some(_), Some(_)) => return false,
            (Some(_), None) => (hy, hx),
            _ => (hx, hy),
        };
        for (_, handle) in &mut self.handles {
            if *handle == from {
                *handle = to;
            }
        }
        true
    }
}

impl Checker<'_> {
    /// Matches two types, recording in `u` what that says about its type parameters. Afterwards `u` may hold
    /// more types even if they don't match.
    pub(crate) fn unify(&mut self, u: &mut Unifier, x: TypeId, y: TypeId, mode: Mode) -> bool {
        if u.depth >= MAX_DEPTH || u.steps >= MAX_STEPS {
            return false;
        }
        u.depth += 1;
        u.steps += 1;
        let ok = self.unify_types(u, x, y, mode);
        u.depth -= 1;
        ok
    }

    fn bound_in(&mut self, u: &Unifier, ty: TypeId) -> Option<TypeId> {
        let ty = self.unalias(ty);
        u.handle(ty).map(|_| ty)
    }

    /// The interface under a type that is not a type parameter.
    fn plain_interface(&mut self, ty: TypeId) -> Option<TypeId> {
        if self.is_type_param(ty) {
            return None;
        }
        let under = self.underlying(ty);
        matches!(self.ty(under), Type::Interface(_)).then_some(under)
    }

    fn same_or_unknown(&mut self, x: TypeId, y: TypeId) -> bool {
        let (x, y) = (self.unalias(x), self.unalias(y));
        x == y || x.is_unknown() || y.is_unknown()
    }

    fn unify_types(&mut self, u: &mut Unifier, x: TypeId, y: TypeId, mode: Mode) -> bool {
        if self.same_or_unknown(x, y) {
            return true;
        }

        // Unification is symmetric: put a defined type into y and a bound type parameter into x.
        let (mut x, mut y) = (x, y);
        if self.is_named(x) || self.bound_in(u, y).is_some() {
            (x, y) = (y, x);
        }

        // Inexactly, a defined type matches a type literal or basic type through its underlying type.
        if !mode.exact
            && self.is_named(y)
            && !self.is_named(x)
            && !self.is_type_param(x)
            && !self.is_interface(x)
        {
            y = self.underlying(y);
            if self.same_or_unknown(x, y) {
                return true;
            }
        }

        if let Some(px) = self.bound_in(u, x) {
            return match self.bound_in(u, y) {
                Some(py) => {
                    u.join(px, py)
                        || match (u.at(px), u.at(py)) {
                            (Some(x), Some(y)) => self.unify(u, x, y, mode),
                            _ => false,
                        }
                }
                None => self.unify_parameter(u, px, y, mode),
            };
        }

        if !mode.exact {
            match (self.plain_interface(x), self.plain_interface(y)) {
                (Some(xi), Some(yi)) => return self.unify_interfaces(u, xi, yi),
                (Some(iface), None) => return self.unify_methods(u, y, iface),
                (None, Some(iface)) => return self.unify_methods(u, x, iface),
                (None, None) => {}
            }
        }

        // What type parameters remain are not bound here. Put one into x.
        if self.is_type_param(y) {
            (x, y) = (y, x);
        }
        self.unify_structure(u, x, y, mode)
    }

    /// Matches the bound type parameter `px` with a type that is none.
    fn unify_parameter(&mut self, u: &mut Unifier, px: TypeId, y: TypeId, mode: Mode) -> bool {
        let Some(x) = u.at(px) else {
            u.set(px, y);
            return true;
        };
        if x.is_unknown() {
            u.set(px, y);
            return true;
        }
        if !self.unify(u, x, y, mode) {
            return false;
        }
        let (x_named, y_named) = (self.is_named(x), self.is_named(y));
        match (self.plain_interface(x), self.plain_interface(y)) {
            (Some(xi), Some(yi)) => {
                // Of two defined interfaces it can't be told which has the right name.
                if x_named && y_named {
                    return self.may_be_identical(x, y);
                }
                if self.type_set(xi).methods.len() != self.type_set(yi).methods.len() {
                    return false;
                }
            }
            (None, None) => {}
            // Either could stand for the type parameter: the result would depend on the order.
            _ => return false,
        }
        // Of several types that match, a defined one is preferred, then a directed channel, whatever their order.
        if !mode.exact && !x_named {
            let under = self.underlying(y);
            let directed = matches!(self.ty(under), Type::Chan(dir, _) if *dir != ChanDir::Both);
            if y_named || directed {
                u.set(px, y);
            }
        }
        true
    }

    /// Matches two interfaces inexactly: one must have a subset of the other's methods.
    fn unify_interfaces(&mut self, u: &mut Unifier, x: TypeId, y: TypeId) -> bool {
        let (mut a, mut b) = (self.type_set(x), self.type_set(y));
        if a.comparable != b.comparable || !self.same_terms(&a.terms, &b.terms) {
            return false;
        }
        if u.pairs.contains(&(x, y)) || u.pairs.contains(&(y, x)) {
            return true;
        }
        if a.methods.len() > b.methods.len() {
            (a, b) = (b, a);
        }
        let by_name: FxHashMap<_, ObjId> = b
            .methods
            .iter()
            .map(|&m| (self.member_name(m), m))
            .collect();
        u.pairs.push((x, y));
        let ok = a.methods.iter().all(|&m| {
            let name = self.member_name(m);
            by_name.get(&name).is_some_and(|&n| {
                let (m, n) = (self.type_of(m), self.type_of(n));
                self.unify(u, m, n, Mode::EXACT)
            })
        });
        u.pairs.pop();
        ok
    }

    /// Whether a type has all methods of an interface, with types that match exactly.
    pub(crate) fn unify_methods(&mut self, u: &mut Unifier, ty: TypeId, iface: TypeId) -> bool {
        let set = self.type_set(iface);
        let interface = self.underlying(ty);
        let in_interface = matches!(self.ty(interface), Type::Interface(_));
        set.methods.iter().all(|&wanted| {
            let Object { name, package, .. } = *self.object(wanted);
            let found = if in_interface {
                self.interface_method(interface, package, name)
                    .map(|(_, method)| method)
                    .ok_or(NotFound::Missing)
            } else {
                self.lookup_field_or_method(ty, false, package, name)
                    .map(|found| found.obj)
            };
            match found {
                Ok(found) if self.object(found).is_func() => {
                    let (wanted, found) = (self.type_of(wanted), self.type_of(found));
                    // A generic method never implements one of an interface.
                    let is_generic =
                        matches!(self.ty(found), Type::Signature(sig) if !sig.tparams.is_empty());
                    !is_generic && self.unify(u, found, wanted, Mode::EXACT)
                }
                Err(NotFound::Unknown) => true,
                _ => false,
            }
        })
    }

    /// Matches types that are no bound type parameters by their structure.
    fn unify_structure(&mut self, u: &mut Unifier, x: TypeId, y: TypeId, mode: Mode) -> bool {
        // Elements of types in an assignment must match exactly.
        let element = Mode {
            exact: mode.exact || mode.assign,
            ..mode
        };
        let (actual_x, actual_y) = (self.unalias(x), self.unalias(y));
        match (self.ty(actual_x).clone(), self.ty(actual_y).clone()) {
            (Type::Basic(a), Type::Basic(b)) => a.canonical() == b.canonical(),
            (Type::Array(a, m), Type::Array(b, n)) => {
                same_length(m, n) && self.unify(u, a, b, element)
            }
            (Type::Slice(a), Type::Slice(b)) | (Type::Pointer(a), Type::Pointer(b)) => {
                self.unify(u, a, b, element)
            }
            (Type::Map(k, a), Type::Map(l, b)) => {
                self.unify(u, k, l, element) && self.unify(u, a, b, element)
            }
            (Type::Chan(d, a), Type::Chan(e, b)) => {
                (!mode.exact || d == e) && self.unify(u, a, b, element)
            }
            (Type::Struct(a), Type::Struct(b)) => {
                a.fields.len() == b.fields.len()
                    && (0..a.fields.len()).all(|i| {
                        let (f, g) = (a.fields[i], b.fields[i]);
                        tag(&a, i) == tag(&b, i) && self.same_field(f, g) && {
                            let (f, g) = (self.type_of(f), self.type_of(g));
                            self.unify(u, f, g, element)
                        }
                    })
            }
            (Type::Tuple(a), Type::Tuple(b)) => self.unify_objects(u, &a, &b, mode),
            (Type::Signature(a), Type::Signature(b)) => {
                // Type parameters they declare don't count: those of generic arguments are bound here.
                a.variadic == b.variadic
                    && self.unify_objects(u, &a.params, &b.params, element)
                    && self.unify_objects(u, &a.results, &b.results, element)
            }
            (Type::Interface(_), Type::Interface(_)) => {
                let (a, b) = (self.type_set(actual_x), self.type_set(actual_y));
                if a.comparable != b.comparable
                    || a.methods.len() != b.methods.len()
                    || !self.same_terms(&a.terms, &b.terms)
                {
                    return false;
                }
                let pair = (actual_x, actual_y);
                if u.pairs.contains(&pair) || u.pairs.contains(&(actual_y, actual_x)) {
                    return true;
                }
                u.pairs.push(pair);
                let ok = a.methods.iter().zip(b.methods.iter()).all(|(&f, &g)| {
                    self.member_name(f) == self.member_name(g) && {
                        let (f, g) = (self.type_of(f), self.type_of(g));
                        self.unify(u, f, g, Mode::EXACT)
                    }
                });
                u.pairs.pop();
                ok
            }
            (Type::Named(a), Type::Named(b)) => {
                let (a, b) = (self.named(a).clone(), self.named(b).clone());
                a.origin == b.origin
                    && a.targs.len() == b.targs.len()
                    && a.targs
                        .iter()
                        .zip(b.targs.iter())
                        .all(|(&a, &b)| self.unify(u, a, b, mode))
            }
            // A type parameter that is not bound here matches what its core type matches.
            (Type::TypeParam(_), _) => match self.common_underlying(actual_x) {
                Some(core) => self.unify(u, core, y, Mode::ASSIGN),
                None => false,
            },
            _ => false,
        }
    }

    fn unify_objects(&mut self, u: &mut Unifier, a: &[ObjId], b: &[ObjId], mode: Mode) -> bool {
        a.len() == b.len()
            && a.iter().zip(b).all(|(&a, &b)| {
                let (a, b) = (self.type_of(a), self.type_of(b));
                self.unify(u, a, b, mode)
            })
    }
}
