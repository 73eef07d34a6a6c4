//! Questions about types.

use crate::checker::Checker;
use crate::object::ObjId;
use crate::types::*;
use crate::world::PackageId;
use tophash_syntax::Symbol;

/// Pairs of interfaces that are being compared: literals of interfaces can refer to themselves.
type Pairs = Vec<(TypeId, TypeId)>;

/// What tells a field's or method's name from others: names that are not exported belong to
/// their package, here given by its path.
pub(crate) type MemberName = (Symbol, Option<Symbol>);

/// Whether a name begins with an upper-case letter.
pub(crate) fn is_exported(name: Symbol) -> bool {
    name.as_str().chars().next().is_some_and(char::is_uppercase)
}

impl Checker<'_> {
    /// Whether two types are identical. An unknown type is identical to itself alone.
    pub fn identical(&mut self, x: TypeId, y: TypeId) -> bool {
        self.compare(x, y, false, &mut Vec::new())
    }

    /// Whether two types are identical as far as they are known.
    pub(crate) fn may_be_identical(&mut self, x: TypeId, y: TypeId) -> bool {
        self.compare(x, y, true, &mut Vec::new())
    }

    fn compare(&mut self, x: TypeId, y: TypeId, lenient: bool, pairs: &mut Pairs) -> bool {
        if x == y {
            return true;
        }
        let (x, y) = (self.unalias(x), self.unalias(y));
        if x == y || lenient && (x.is_unknown() || y.is_unknown()) {
            return true;
        }
        match (self.ty(x).clone(), self.ty(y).clone()) {
            (Type::Basic(a), Type::Basic(b)) => a.canonical() == b.canonical(),
            (Type::Pointer(a), Type::Pointer(b)) | (Type::Slice(a), Type::Slice(b)) => {
                self.compare(a, b, lenient, pairs)
            }
            (Type::Array(a, m), Type::Array(b, n)) => {
                same_length(m, n) && self.compare(a, b, lenient, pairs)
            }
            (Type::Map(k, a), Type::Map(l, b)) => {
                self.compare(k, l, lenient, pairs) && self.compare(a, b, lenient, pairs)
            }
            (Type::Chan(c, a), Type::Chan(d, b)) => c == d && self.compare(a, b, lenient, pairs),
            (Type::Tuple(a), Type::Tuple(b)) => self.compare_objects(&a, &b, lenient, pairs),
            (Type::Signature(a), Type::Signature(b)) => {
                if a.variadic != b.variadic || a.tparams.len() != b.tparams.len() {
                    return false;
                }
                // Generic functions are identical if they are after renaming type parameters.
                let (a, b) = if a.tparams.is_empty() {
                    (a, b)
                } else {
                    let renamed = self.substitute(y, &b.tparams, &a.tparams);
                    let Type::Signature(renamed) = self.ty(renamed).clone() else {
                        return false;
                    };
                    for (&p, &q) in a.tparams.iter().zip(b.tparams.iter()) {
                        let (p, q) = (self.bound(p), self.bound(q));
                        let q = self.substitute(q, &b.tparams, &a.tparams);
                        if !self.compare(p, q, lenient, pairs) {
                            return false;
                        }
                    }
                    (a, renamed)
                };
                self.compare_objects(&a.params, &b.params, lenient, pairs)
                    && self.compare_objects(&a.results, &b.results, lenient, pairs)
            }
            (Type::Struct(a), Type::Struct(b)) => {
                a.fields.len() == b.fields.len()
                    && (0..a.fields.len()).all(|i| {
                        let (f, g) = (a.fields[i], b.fields[i]);
                        tag(&a, i) == tag(&b, i) && self.same_field(f, g) && {
                            let (f, g) = (self.type_of(f), self.type_of(g));
                            self.compare(f, g, lenient, pairs)
                        }
                    })
            }
            (Type::Union(_), Type::Union(_)) => {
                let (a, b) = (self.union_terms(x), self.union_terms(y));
                self.same_terms(&a, &b)
            }
            (Type::Interface(_), Type::Interface(_)) => {
                let (a, b) = (self.type_set(x), self.type_set(y));
                if a.comparable != b.comparable
                    || a.methods.len() != b.methods.len()
                    || !self.same_terms(&a.terms, &b.terms)
                {
                    return false;
                }
                if pairs.contains(&(x, y)) || pairs.contains(&(y, x)) {
                    return true;
                }
                pairs.push((x, y));
                let same = a.methods.iter().zip(b.methods.iter()).all(|(&f, &g)| {
                    self.member_name(f) == self.member_name(g) && {
                        let (f, g) = (self.type_of(f), self.type_of(g));
                        self.compare(f, g, lenient, pairs)
                    }
                });
                pairs.pop();
                same
            }
            (Type::Named(a), Type::Named(b)) => {
                let (a, b) = (self.named(a).clone(), self.named(b).clone());
                a.origin == b.origin
                    && a.targs.len() == b.targs.len()
                    && a.targs
                        .iter()
                        .zip(b.targs.iter())
                        .all(|(&a, &b)| self.compare(a, b, lenient, pairs))
            }
            _ => false,
        }
    }

    fn compare_objects(
        &mut self,
        a: &[ObjId],
        b: &[ObjId],
        lenient: bool,
        pairs: &mut Pairs,
    ) -> bool {
        a.len() == b.len()
            && a.iter().zip(b).all(|(&a, &b)| {
                let (a, b) = (self.type_of(a), self.type_of(b));
                self.compare(a, b, lenient, pairs)
            })
    }

    /// Whether two fields have the same name and both or none are embedded.
    pub(crate) fn same_field(&self, f: ObjId, g: ObjId) -> bool {
        self.object(f).is_embedded() == self.object(g).is_embedded()
            && self.member_name(f) == self.member_name(g)
    }

    /// What a field or method must share with another to have the same name.
    pub(crate) fn member_name(&self, obj: ObjId) -> MemberName {
        let object = self.object(obj);
        self.name_in(object.name, object.package)
    }

    /// The member name that `name` means in code of a package.
    pub(crate) fn name_in(&self, name: Symbol, package: Option<PackageId>) -> MemberName {
        match package {
            Some(package) if !is_exported(name) => (name, Some(self.world.path(package))),
            _ => (name, None),
        }
    }

    /// The constraint of a type parameter as written.
    pub(crate) fn bound(&self, tparam: TypeId) -> TypeId {
        match *self.ty(tparam) {
            Type::TypeParam(id) => self.type_param(id).bound,
            _ => TypeId::UNKNOWN,
        }
    }

    /// Whether a type, aliases seen through, is a type parameter.
    pub(crate) fn is_type_param(&mut self, ty: TypeId) -> bool {
        let ty = self.unalias(ty);
        matches!(self.ty(ty), Type::TypeParam(_))
    }

    /// Whether a type, aliases seen through, is a defined type.
    pub(crate) fn is_named(&mut self, ty: TypeId) -> bool {
        let ty = self.unalias(ty);
        matches!(self.ty(ty), Type::Named(_))
    }

    /// Whether a type's underlying type is an interface; so it is for type parameters.
    pub(crate) fn is_interface(&mut self, ty: TypeId) -> bool {
        let under = self.underlying(ty);
        matches!(self.ty(under), Type::Interface(_))
    }

    /// The basic kind of a type's underlying type. None for type parameters.
    pub(crate) fn basic_kind(&mut self, ty: TypeId) -> Option<Basic> {
        let under = self.underlying(ty);
        match *self.ty(under) {
            Type::Basic(kind) => Some(kind),
            _ => None,
        }
    }

    /// Whether a type's underlying type is basic and `is` holds for it; for a type parameter,
    /// whether that is so for all specific types of its type set. False for unknown types.
    pub(crate) fn all_basic(&mut self, ty: TypeId, is: fn(Basic) -> bool) -> bool {
        match self.specific_types(ty) {
            None => false,
            Some(types) => types
                .iter()
                .all(|&(_, under)| matches!(*self.ty(under), Type::Basic(kind) if is(kind))),
        }
    }

    /// Whether a type is that of an untyped constant, boolean or `nil`.
    pub(crate) fn is_untyped(&self, ty: TypeId) -> bool {
        matches!(*self.ty(ty), Type::Basic(kind) if kind.is_untyped())
    }

    /// Whether values of a type can be compared with `==`. With `dynamic`, that of interfaces counts although it may fail at
    /// run time; without, it says whether the type is in the type set of `comparable` by itself. Unknown types are taken to be.
    pub fn is_comparable(&mut self, ty: TypeId, dynamic: bool) -> bool {
        self.comparable(ty, dynamic, &mut Vec::new())
    }

    pub(crate) fn comparable(&mut self, ty: TypeId, dynamic: bool, seen: &mut Vec<TypeId>) -> bool {
        if seen.contains(&ty) {
            return true;
        }
        seen.push(ty);
        let under = self.underlying(ty);
        match self.ty(under).clone() {
            Type::Unknown | Type::Pointer(_) | Type::Chan(..) => true,
            Type::Basic(kind) => kind != Basic::UntypedNil,
            Type::Array(elem, _) => self.comparable(elem, dynamic, seen),
            Type::Struct(st) => st.fields.iter().all(|&field| {
                let ty = self.type_of(field);
                self.comparable(ty, dynamic, seen)
            }),
            Type::Interface(_) => {
                dynamic && !self.is_type_param(ty) || self.type_set_comparable(under, seen)
            }
            _ => false,
        }
    }

    /// The type that an untyped constant takes when nothing else decides; any other type itself.
    pub(crate) fn default_type(&self, ty: TypeId) -> TypeId {
        let Type::Basic(kind) = *self.ty(ty) else {
            return ty;
        };
        TypeId::basic(match kind {
            Basic::UntypedBool => Basic::Bool,
            Basic::UntypedInt => Basic::Int,
            Basic::UntypedRune => Basic::Rune,
            Basic::UntypedFloat => Basic::Float64,
            Basic::UntypedComplex => Basic::Complex128,
            Basic::UntypedString => Basic::String,
            _ => return ty,
        })
    }

    /// Of two types the one that holds the values of both: the same one, or the later in the list of
    /// untyped integer, rune, floating-point, complex.
    pub(crate) fn max_type(&self, x: TypeId, y: TypeId) -> Option<TypeId> {
        if x == y {
            return Some(x);
        }
        match (self.ty(x), self.ty(y)) {
            (&Type::Basic(a), &Type::Basic(b))
                if a.is_untyped() && b.is_untyped() && a.is_numeric() && b.is_numeric() =>
            {
                Some(if a > b { x } else { y })
            }
            _ => None,
        }
    }
}

/// Whether two array lengths are the same as far as they are known.
pub(crate) fn same_length(a: Option<u64>, b: Option<u64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

/// The tag of a struct's field.
pub(crate) fn tag(st: &Struct, field: usize) -> Option<Symbol> {
    st.tags.get(field).copied().flatten()
}
