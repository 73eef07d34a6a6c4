//! The things that names denote.

use crate::types::TypeId;
use crate::world::{FileId, PackageId};
use tophash_syntax::ast::FuncId;
use tophash_syntax::{Span, Symbol};

/// Something that has a name: one of a [`crate::Checker`]'s objects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ObjId(pub(crate) u32);

/// Where something is declared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The declaring identifier; of an embedded field, its type's name; of an
    /// unnamed parameter, its type.
    pub span: Span,
}

/// What a name denotes.
#[derive(Clone, Debug)]
pub struct Object {
    /// What it is.
    pub kind: ObjKind,
    /// Its name; empty for unnamed parameters.
    pub name: Symbol,
    /// The package it is declared in; none for predeclared names.
    pub package: Option<PackageId>,
    /// Where it is declared; none for predeclared names and made-up ones.
    pub place: Option<Place>,
    /// Its type. Of package-level objects, only valid once resolved: ask
    /// [`crate::Checker::type_of`].
    pub ty: TypeId,
    /// The object this is an instantiated copy of: the field of the generic struct,
    /// the method of the generic type.
    pub origin: Option<ObjId>,
    /// Whether its declaration has not been looked at yet.
    pub(crate) lazy: bool,
}

/// The kinds of objects.
#[derive(Clone, Debug)]
pub enum ObjKind {
    /// A constant: see [`crate::Checker::const_value`].
    Const,
    /// A defined type, alias or type parameter.
    TypeName,
    /// A variable.
    Var(VarKind),
    /// A function, a method or an interface method.
    Func {
        /// Its declaration; none for interface methods and predeclared ones.
        decl: Option<(FileId, FuncId)>,
    },
    /// An imported package, as a file names it.
    PackageName {
        /// The package; none if it can't be found.
        package: Option<PackageId>,
        /// The import path.
        path: Symbol,
    },
    /// A predeclared function or one of package unsafe.
    Builtin(Builtin),
    /// `nil`
    Nil,
}

/// The kinds of variables.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum VarKind {
    /// Declared at package level.
    Package,
    /// Declared inside a body.
    Local,
    /// A parameter.
    Param,
    /// A result.
    Result,
    /// A receiver.
    Receiver,
    /// A struct field.
    Field {
        /// Whether it is embedded.
        embedded: bool,
    },
}

/// The predeclared functions and those of package unsafe.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[allow(missing_docs)] // the names are Go's
pub enum Builtin {
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
}

impl Builtin {
    /// Its name, without `unsafe.`.
    pub fn name(self) -> &'static str {
        use Builtin::*;
        match self {
            Append => "append",
            Cap => "cap",
            Clear => "clear",
            Close => "close",
            Complex => "complex",
            Copy => "copy",
            Delete => "delete",
            Imag => "imag",
            Len => "len",
            Make => "make",
            Max => "max",
            Min => "min",
            New => "new",
            Panic => "panic",
            Print => "print",
            Println => "println",
            Real => "real",
            Recover => "recover",
            UnsafeAdd => "Add",
            UnsafeAlignof => "Alignof",
            UnsafeOffsetof => "Offsetof",
            UnsafeSizeof => "Sizeof",
            UnsafeSlice => "Slice",
            UnsafeSliceData => "SliceData",
            UnsafeString => "String",
            UnsafeStringData => "StringData",
        }
    }
}

impl Object {
    /// An object without type or place.
    pub(crate) fn new(kind: ObjKind, name: Symbol, package: Option<PackageId>) -> Object {
        Object {
            kind,
            name,
            package,
            place: None,
            ty: TypeId::UNKNOWN,
            origin: None,
            lazy: false,
        }
    }

    /// Whether it is a struct field.
    pub fn is_field(&self) -> bool {
        matches!(self.kind, ObjKind::Var(VarKind::Field { .. }))
    }

    /// Whether it is a defined type, an alias or a type parameter.
    pub fn is_type_name(&self) -> bool {
        matches!(self.kind, ObjKind::TypeName)
    }

    /// Whether it is a variable of any kind, fields included.
    pub fn is_var(&self) -> bool {
        matches!(self.kind, ObjKind::Var(_))
    }

    /// Whether it is a function or method.
    pub fn is_func(&self) -> bool {
        matches!(self.kind, ObjKind::Func { .. })
    }

    /// Whether it is an embedded struct field.
    pub fn is_embedded(&self) -> bool {
        matches!(self.kind, ObjKind::Var(VarKind::Field { embedded: true }))
    }
}
