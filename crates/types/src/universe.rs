//! The predeclared names.

use crate::checker::Checker;
use crate::constant::Value;
use crate::object::*;
use crate::types::*;
use crate::typeset::TypeSet;
use std::rc::Rc;
use tophash_syntax::Symbol;

/// Types of the universe that checking refers to.
pub(crate) struct Universe {
    /// `any`, an alias.
    pub(crate) any: TypeId,
    /// `interface{}` as `any` stands for it.
    pub(crate) empty_interface: TypeId,
    /// `interface{}` that is not printed as `any`.
    pub(crate) plain_interface: TypeId,
    pub(crate) error: TypeId,
    pub(crate) comparable: TypeId,
    /// The interface under `comparable`.
    pub(crate) comparable_interface: TypeId,
}

impl Default for Universe {
    fn default() -> Universe {
        Universe {
            any: TypeId::UNKNOWN,
            empty_interface: TypeId::UNKNOWN,
            plain_interface: TypeId::UNKNOWN,
            error: TypeId::UNKNOWN,
            comparable: TypeId::UNKNOWN,
            comparable_interface: TypeId::UNKNOWN,
        }
    }
}

const BUILTINS: [Builtin; 26] = {
    use Builtin::*;
    [
        Append,
        Cap,
        Clear,
        Close,
        Complex,
        Copy,
        Delete,
        Imag,
        Len,
        Make,
        Max,
        Min,
        New,
        Panic,
        Print,
        Println,
        Real,
        Recover,
        UnsafeAdd,
        UnsafeAlignof,
        UnsafeOffsetof,
        UnsafeSizeof,
        UnsafeSlice,
        UnsafeSliceData,
        UnsafeString,
        UnsafeStringData,
    ]
};

impl<'w> Checker<'w> {
    pub(crate) fn declare_universe(&mut self) {
        for basic in Basic::ALL {
            if !basic.is_untyped() && basic != Basic::UnsafePointer {
                self.predeclare(ObjKind::TypeName, basic.name(), TypeId::basic(basic));
            }
        }
        let empty_interface = self.new_interface(&[], &[], false);
        let any = self.predeclare(ObjKind::TypeName, "any", TypeId::UNKNOWN);
        self.universe_types.empty_interface = empty_interface;
        self.universe_types.plain_interface = self.new_interface(&[], &[], false);
        self.universe_types.any = self.new_alias(any, empty_interface);

        let error = self.predeclare(ObjKind::TypeName, "error", TypeId::UNKNOWN);
        let error_type = self.new_named(error);
        let receiver = self.new_object(Object {
            ty: error_type,
            ..Object::new(ObjKind::Var(VarKind::Receiver), self.empty, None)
        });
        let result = self.new_object(Object {
            ty: TypeId::basic(Basic::String),
            ..Object::new(ObjKind::Var(VarKind::Result), self.empty, None)
        });
        let signature = self.store.add(Type::Signature(Rc::new(Signature {
            recv: Some(receiver),
            results: Rc::from([result]),
            ..Signature::default()
        })));
        let method = self.new_object(Object {
            ty: signature,
            ..Object::new(ObjKind::Func { decl: None }, Symbol::new("Error"), None)
        });
        let interface = self.new_interface(&[method], &[], false);
        self.define(error_type, interface);
        self.universe_types.error = error_type;

        let comparable = self.predeclare(ObjKind::TypeName, "comparable", TypeId::UNKNOWN);
        let comparable_type = self.new_named(comparable);
        let interface = self.new_interface(&[], &[], false);
        self.define(comparable_type, interface);
        self.universe_types.comparable = comparable_type;
        self.universe_types.comparable_interface = interface;
        self.type_sets.insert(
            interface,
            Rc::new(TypeSet {
                comparable: true,
                ..TypeSet::default()
            }),
        );

        for (name, value) in [("true", true), ("false", false)] {
            let ty = TypeId::basic(Basic::UntypedBool);
            let obj = self.predeclare(ObjKind::Const, name, ty);
            self.const_values.insert(obj, Value::Bool(value));
        }
        let iota = self.predeclare(ObjKind::Const, "iota", TypeId::basic(Basic::UntypedInt));
        self.const_values.insert(iota, Value::Int(0));
        self.iota = Some(iota);
        self.predeclare(ObjKind::Nil, "nil", TypeId::basic(Basic::UntypedNil));

        for builtin in BUILTINS {
            if builtin < Builtin::UnsafeAdd {
                self.predeclare(ObjKind::Builtin(builtin), builtin.name(), TypeId::UNKNOWN);
            } else {
                let name = Symbol::new(builtin.name());
                let obj = self.new_object(Object::new(ObjKind::Builtin(builtin), name, None));
                self.unsafe_names.insert(name, obj);
            }
        }
        let name = Symbol::new("Pointer");
        let pointer = self.new_object(Object {
            ty: TypeId::basic(Basic::UnsafePointer),
            ..Object::new(ObjKind::TypeName, name, None)
        });
        self.unsafe_names.insert(name, pointer);
    }

    fn predeclare(&mut self, kind: ObjKind, name: &str, ty: TypeId) -> ObjId {
        let name = Symbol::new(name);
        let obj = self.new_object(Object {
            ty,
            ..Object::new(kind, name, None)
        });
        self.universe.insert(name, obj);
        obj
    }

    /// A new interface type.
    pub(crate) fn new_interface(
        &mut self,
        methods: &[ObjId],
        embeddeds: &[TypeId],
        implicit: bool,
    ) -> TypeId {
        self.store.add(Type::Interface(Rc::new(Interface {
            methods: methods.into(),
            embeddeds: embeddeds.into(),
            implicit,
        })))
    }
}
