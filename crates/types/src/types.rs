//! The representation of types.

use crate::object::ObjId;
use std::rc::Rc;
use tophash_syntax::Symbol;
use tophash_syntax::ast::ChanDir;

/// A type of one [`crate::Checker`].
///
/// Equal ids are identical types. Basic types, pointers, slices, arrays, maps,
/// channels and tuples are interned by their parts, type names are one id each,
/// and instances of generic types are canonical. Literals of struct, signature
/// and interface types are an id each, as their fields and parameters are objects
/// of their own; and aliases have ids apart from what they stand for, as they are
/// printed by name. [`crate::Checker::identical`] decides all cases.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TypeId(pub(crate) u32);

impl TypeId {
    /// What could not be found or understood. Everything built on it is unknown too.
    pub const UNKNOWN: TypeId = TypeId(0);

    /// The type of a basic kind.
    pub const fn basic(kind: Basic) -> TypeId {
        TypeId(1 + kind as u32)
    }

    /// Whether it is [`TypeId::UNKNOWN`].
    pub fn is_unknown(self) -> bool {
        self == TypeId::UNKNOWN
    }
}

/// The predeclared types and the types of untyped constants, in the order of go/types.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[allow(missing_docs)] // the names are Go's
#[repr(u8)]
pub enum Basic {
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Uintptr,
    Float32,
    Float64,
    Complex64,
    Complex128,
    String,
    UnsafePointer,
    UntypedBool,
    UntypedInt,
    UntypedRune,
    UntypedFloat,
    UntypedComplex,
    UntypedString,
    UntypedNil,
    /// `byte`, printed so; identical to `uint8`.
    Byte,
    /// `rune`, printed so; identical to `int32`.
    Rune,
}

impl Basic {
    /// Every kind, in order.
    pub const ALL: [Basic; 27] = {
        use Basic::*;
        [
            Bool,
            Int,
            Int8,
            Int16,
            Int32,
            Int64,
            Uint,
            Uint8,
            Uint16,
            Uint32,
            Uint64,
            Uintptr,
            Float32,
            Float64,
            Complex64,
            Complex128,
            String,
            UnsafePointer,
            UntypedBool,
            UntypedInt,
            UntypedRune,
            UntypedFloat,
            UntypedComplex,
            UntypedString,
            UntypedNil,
            Byte,
            Rune,
        ]
    };

    /// The kind with `byte` and `rune` replaced by what they are aliases of.
    pub fn canonical(self) -> Basic {
        match self {
            Basic::Byte => Basic::Uint8,
            Basic::Rune => Basic::Int32,
            other => other,
        }
    }

    /// The name that go/types prints.
    pub fn name(self) -> &'static str {
        use Basic::*;
        match self {
            Bool => "bool",
            Int => "int",
            Int8 => "int8",
            Int16 => "int16",
            Int32 => "int32",
            Int64 => "int64",
            Uint => "uint",
            Uint8 => "uint8",
            Uint16 => "uint16",
            Uint32 => "uint32",
            Uint64 => "uint64",
            Uintptr => "uintptr",
            Float32 => "float32",
            Float64 => "float64",
            Complex64 => "complex64",
            Complex128 => "complex128",
            String => "string",
            UnsafePointer => "unsafe.Pointer",
            UntypedBool => "untyped bool",
            UntypedInt => "untyped int",
            UntypedRune => "untyped rune",
            UntypedFloat => "untyped float",
            UntypedComplex => "untyped complex",
            UntypedString => "untyped string",
            UntypedNil => "untyped nil",
            Byte => "byte",
            Rune => "rune",
        }
    }

    /// Whether it is the type of an untyped constant, an untyped boolean or `nil`.
    pub fn is_untyped(self) -> bool {
        (Basic::UntypedBool..=Basic::UntypedNil).contains(&self)
    }
    /// Whether its values are truth values.
    pub fn is_boolean(self) -> bool {
        matches!(self, Basic::Bool | Basic::UntypedBool)
    }
    /// Whether its values are integers, untyped runes included.
    pub fn is_integer(self) -> bool {
        use Basic::*;
        (Int..=Uintptr).contains(&self) || matches!(self, UntypedInt | UntypedRune | Byte | Rune)
    }
    /// Whether it is an unsigned integer type.
    pub fn is_unsigned(self) -> bool {
        (Basic::Uint..=Basic::Uintptr).contains(&self) || self == Basic::Byte
    }
    /// Whether its values are floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Basic::Float32 | Basic::Float64 | Basic::UntypedFloat)
    }
    /// Whether its values are complex numbers.
    pub fn is_complex(self) -> bool {
        matches!(
            self,
            Basic::Complex64 | Basic::Complex128 | Basic::UntypedComplex
        )
    }
    /// Whether its values are numbers.
    pub fn is_numeric(self) -> bool {
        self.is_integer() || self.is_float() || self.is_complex()
    }
    /// Whether its values are strings.
    pub fn is_string(self) -> bool {
        matches!(self, Basic::String | Basic::UntypedString)
    }
    /// Whether constants may have this type.
    pub fn is_const(self) -> bool {
        self.is_boolean() || self.is_numeric() || self.is_string()
    }
    /// Whether `<` and its like are defined.
    pub fn is_ordered(self) -> bool {
        self.is_integer() || self.is_float() || self.is_string()
    }
}

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(pub(crate) u32);
    };
}
index! {
    /// A defined type, or an instance of a generic one.
    NamedId
}
index! {
    /// An alias, or an instance of a generic one.
    AliasId
}
index! {
    /// A declared type parameter.
    TypeParamId
}

/// What a type is made of. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Type {
    /// See [`TypeId::UNKNOWN`].
    Unknown,
    /// A predeclared or untyped basic type.
    Basic(Basic),
    /// `*T`
    Pointer(TypeId),
    /// `[]T`
    Slice(TypeId),
    /// `[n]T`; the length is unknown where its expression could not be evaluated.
    Array(TypeId, Option<u64>),
    /// `map[K]V`
    Map(TypeId, TypeId),
    /// `chan T`
    Chan(ChanDir, TypeId),
    /// The results of a call that doesn't give exactly one.
    Tuple(Rc<[ObjId]>),
    /// `func(...) ...`
    Signature(Rc<Signature>),
    /// `struct {...}`
    Struct(Rc<Struct>),
    /// `interface {...}`
    Interface(Rc<Interface>),
    /// `A | ~B`, only in constraints.
    Union(Rc<[Term]>),
    /// A defined type: see [`crate::Checker::named`].
    Named(NamedId),
    /// An alias: see [`crate::Checker::alias`].
    Alias(AliasId),
    /// A type parameter: see [`crate::Checker::type_param`].
    TypeParam(TypeParamId),
}

/// The type of a function.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// The receiver of a method.
    pub recv: Option<ObjId>,
    /// The receiver's type parameters, as this method names them.
    pub recv_tparams: Rc<[TypeId]>,
    /// Type parameters of a generic function.
    pub tparams: Rc<[TypeId]>,
    /// Parameters; the last one of a variadic function has a slice type.
    pub params: Rc<[ObjId]>,
    /// Results.
    pub results: Rc<[ObjId]>,
    /// Whether the last parameter is `...T`.
    pub variadic: bool,
}

/// A struct type.
#[derive(Clone, Debug)]
pub struct Struct {
    /// Its fields in order.
    pub fields: Rc<[ObjId]>,
    /// The fields' tags, unquoted; shorter than `fields` where the rest has none.
    pub tags: Rc<[Option<Symbol>]>,
}

/// An interface type as written; see [`crate::Checker::type_set`] for what it amounts to.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Methods declared in it.
    pub methods: Rc<[ObjId]>,
    /// Embedded interfaces, types and unions.
    pub embeddeds: Rc<[TypeId]>,
    /// Whether it stands for a constraint written without `interface`.
    pub implicit: bool,
}

/// An element of a union.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Whether it is `~T`.
    pub tilde: bool,
    /// The type.
    pub ty: TypeId,
}

/// A defined type or an instance of a generic defined type.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its own type id.
    pub ty: TypeId,
    /// The type name.
    pub obj: ObjId,
    /// The generic type this is an instance of, or itself.
    pub origin: NamedId,
    /// Type arguments; none for types that are not instances.
    pub targs: Rc<[TypeId]>,
}

/// An alias or an instance of a generic alias.
#[derive(Clone, Debug)]
pub struct Alias {
    /// Its own type id.
    pub ty: TypeId,
    /// The type name.
    pub obj: ObjId,
    /// The generic alias this is an instance of, or itself.
    pub origin: AliasId,
    /// Type arguments; none for aliases that are not instances.
    pub targs: Rc<[TypeId]>,
}

/// A type parameter.
#[derive(Clone, Debug)]
pub struct TypeParam {
    /// Its own type id.
    pub ty: TypeId,
    /// Its name.
    pub obj: ObjId,
    /// Its place in the list it is declared in.
    pub index: u32,
    /// Its constraint, as written; [`crate::Checker::constraint`] makes it an interface.
    pub bound: TypeId,
}
