use crate::body::Mode;
use crate::checker::Checker;
use crate::object::{ObjKind, Object, VarKind};
use crate::operand::Operand;
use crate::types::*;
use crate::world::{FileId, PackageId, SourceFile, World};
use std::rc::Rc;
use tophash_syntax::{Bodies, File, Symbol};

/// A program without packages.
struct Nothing(File);

impl World for Nothing {
    fn import(&self, _: PackageId, _: Symbol) -> Option<PackageId> {
        None
    }
    fn path(&self, _: PackageId) -> Symbol {
        Symbol::new("p")
    }
    fn name(&self, _: PackageId) -> Option<Symbol> {
        None
    }
    fn files(&self, _: PackageId) -> &[FileId] {
        &[]
    }
    fn file(&self, _: FileId) -> SourceFile<'_> {
        SourceFile {
            tree: &self.0,
            source: b"",
            version: None,
        }
    }
    fn package_of(&self, _: FileId) -> PackageId {
        PackageId(0)
    }
}

fn checked(test: impl FnOnce(&mut Checker<'_>)) {
    let world = Nothing(tophash_syntax::parse(b"", Bodies::Parse));
    test(&mut Checker::new(&world));
}

const INT: TypeId = TypeId::basic(Basic::Int);
const STRING: TypeId = TypeId::basic(Basic::String);

impl Checker<'_> {
    fn tparam(&mut self, name: &str, bound: TypeId) -> TypeId {
        let obj = self.new_object(Object::new(ObjKind::TypeName, Symbol::new(name), None));
        self.new_type_param(obj, 0, bound)
    }

    fn any(&mut self) -> TypeId {
        self.universe_types.any
    }

    fn constraint_of(&mut self, terms: &[(bool, TypeId)]) -> TypeId {
        let terms = terms.iter().map(|&(tilde, ty)| Term { tilde, ty });
        let union = self.store.add(Type::Union(terms.collect()));
        self.new_interface(&[], &[union], true)
    }

    fn bind(&mut self, tparam: TypeId, bound: TypeId) {
        if let Type::TypeParam(id) = *self.ty(tparam) {
            self.type_params[id.0 as usize].bound = bound;
        }
    }

    fn defined(&mut self, name: &str, underlying: TypeId) -> TypeId {
        let obj = self.new_object(Object::new(ObjKind::TypeName, Symbol::new(name), None));
        let ty = self.new_named(obj);
        self.define(ty, underlying);
        ty
    }

    fn func(&mut self, tparams: &[TypeId], params: &[TypeId], results: &[TypeId]) -> TypeId {
        let mut vars = |types: &[TypeId]| {
            types
                .iter()
                .map(|&ty| {
                    self.new_object(Object {
                        ty,
                        ..Object::new(ObjKind::Var(VarKind::Param), Symbol::new(""), None)
                    })
                })
                .collect()
        };
        let signature = Signature {
            params: vars(params),
            results: vars(results),
            tparams: tparams.into(),
            ..Signature::default()
        };
        self.store.add(Type::Signature(Rc::new(signature)))
    }

    fn inferred(
        &mut self,
        tparams: &[TypeId],
        params: &[TypeId],
        args: &[TypeId],
    ) -> Option<Vec<TypeId>> {
        let args: Vec<Operand> = args
            .iter()
            .map(|&ty| Operand::new(Mode::Value, ty, None))
            .collect();
        self.infer(tparams, &[], params, &args)
    }
}

#[test]
fn a_defined_slice_keeps_its_name() {
    checked(|c| {
        let any = c.any();
        let e = c.tparam("E", any);
        let slice_of_e = c.store.slice(e);
        let bound = c.constraint_of(&[(true, slice_of_e)]);
        let s = c.tparam("S", bound);
        let ints = c.store.slice(INT);
        let list = c.defined("List", ints);
        assert_eq!(c.inferred(&[s, e], &[s], &[list]), Some(vec![list, INT]));
        assert_eq!(c.inferred(&[s, e], &[s], &[ints]), Some(vec![ints, INT]));
        assert_eq!(c.inferred(&[s, e], &[s], &[INT]), None);
    });
}

#[test]
fn a_defined_type_wins_whatever_the_order() {
    checked(|c| {
        let any = c.any();
        let t = c.tparam("T", any);
        let f = c.func(&[], &[], &[]);
        let handler = c.defined("Handler", f);
        for args in [[f, handler], [handler, f]] {
            assert_eq!(c.inferred(&[t], &[t, t], &args), Some(vec![handler]));
        }
        assert_eq!(c.inferred(&[t], &[t, t], &[INT, STRING]), None);
    });
}

#[test]
fn untyped_arguments_come_last_and_the_largest_kind_wins() {
    checked(|c| {
        let any = c.any();
        let t = c.tparam("T", any);
        let basic = TypeId::basic;
        let args = [basic(Basic::UntypedInt), basic(Basic::UntypedFloat)];
        assert_eq!(
            c.inferred(&[t], &[t, t], &args),
            Some(vec![basic(Basic::Float64)])
        );
        let args = [basic(Basic::UntypedInt), basic(Basic::Int8)];
        assert_eq!(
            c.inferred(&[t], &[t, t], &args),
            Some(vec![basic(Basic::Int8)])
        );
        let args = [basic(Basic::UntypedInt), basic(Basic::UntypedString)];
        assert_eq!(c.inferred(&[t], &[t, t], &args), None);
        let args = [basic(Basic::UntypedRune), basic(Basic::UntypedInt)];
        assert_eq!(
            c.inferred(&[t], &[t, t], &args),
            Some(vec![basic(Basic::Rune)])
        );
    });
}

#[test]
fn constraints_determine_what_arguments_do_not() {
    checked(|c| {
        // func f[T any, P interface{ *T }](T)
        let any = c.any();
        let t = c.tparam("T", any);
        let pointer = c.store.pointer(t);
        let bound = c.constraint_of(&[(false, pointer)]);
        let p = c.tparam("P", bound);
        let int_pointer = c.store.pointer(INT);
        assert_eq!(
            c.inferred(&[t, p], &[t], &[INT]),
            Some(vec![INT, int_pointer])
        );
        assert_eq!(
            c.inferred(&[t, p], &[p], &[int_pointer]),
            Some(vec![INT, int_pointer])
        );
    });
}

#[test]
fn generic_functions_are_arguments() {
    checked(|c| {
        // func apply[A, B any]([]A, func(A) B); func id[T any](T) T
        let any = c.any();
        let (a, b, t) = (c.tparam("A", any), c.tparam("B", any), c.tparam("T", any));
        let id = c.func(&[t], &[t], &[t]);
        let f = c.func(&[], &[a], &[b]);
        let (slice, ints) = (c.store.slice(a), c.store.slice(INT));
        assert_eq!(
            c.inferred(&[a, b, t], &[slice, f], &[ints, id]),
            Some(vec![INT, INT, INT])
        );
    });
}

#[test]
fn cycles_end() {
    checked(|c| {
        // [P interface{ *Q }, Q interface{ func(P) }]
        let any = c.any();
        let (p, q, r) = (c.tparam("P", any), c.tparam("Q", any), c.tparam("R", any));
        let pointer = c.store.pointer(q);
        let bound = c.constraint_of(&[(false, pointer)]);
        c.bind(p, bound);
        let f = c.func(&[], &[p], &[]);
        let bound = c.constraint_of(&[(false, f)]);
        c.bind(q, bound);
        assert_eq!(c.inferred(&[p, q, r], &[r], &[INT]), None);
    });
}

#[test]
fn unknown_types_determine_nothing_and_hinder_nothing() {
    checked(|c| {
        let any = c.any();
        let (k, v) = (c.tparam("K", any), c.tparam("V", any));
        let map = c.store.map(k, v);
        let unknown = TypeId::UNKNOWN;
        assert_eq!(
            c.inferred(&[k, v], &[map], &[unknown]),
            Some(vec![unknown, unknown])
        );
        assert_eq!(
            c.inferred(&[k, v], &[map, k], &[unknown, INT]),
            Some(vec![INT, unknown])
        );
        let half_known = c.store.map(STRING, unknown);
        assert_eq!(
            c.inferred(&[k, v], &[map], &[half_known]),
            Some(vec![STRING, unknown])
        );
        let again = c.store.map(STRING, INT);
        assert_eq!(
            c.inferred(&[k, v], &[map, map], &[half_known, again]),
            Some(vec![STRING, INT])
        );
    });
}

#[test]
fn channels_lose_no_direction() {
    checked(|c| {
        use tophash_syntax::ast::ChanDir;
        let any = c.any();
        let t = c.tparam("T", any);
        let both = c.store.chan(ChanDir::Both, INT);
        let recv = c.store.chan(ChanDir::Recv, INT);
        for args in [[both, recv], [recv, both]] {
            assert_eq!(c.inferred(&[t], &[t, t], &args), Some(vec![recv]));
        }
    });
}

#[test]
fn endless_instances_become_unknown() {
    checked(|c| {
        // type T[P any] struct{ next *T[[]P] }
        let any = c.any();
        let generic = c.defined("T", TypeId::UNKNOWN);
        let p = c.tparam("P", any);
        let mut ty = c.instance(generic, &[INT]);
        for _ in 0..200 {
            let arg = c.store.slice(p);
            let next = c.instance(generic, &[arg]);
            let targ = match *c.ty(ty) {
                Type::Named(id) => c.named(id).targs[0],
                _ => break,
            };
            ty = c.substitute(next, &[p], &[targ]);
        }
        assert_eq!(ty, TypeId::UNKNOWN);
        let same = c.instance(generic, &[INT]);
        assert_eq!(same, c.instance(generic, &[INT]));
    });
}
