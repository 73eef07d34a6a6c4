//! What is known of the expressions of a body, or of a file's package level.

use crate::object::ObjId;
use crate::types::TypeId;
use rustc_hash::FxHashMap;
use std::rc::Rc;
use tophash_syntax::ast::{ExprId, StmtId};

/// What an expression is, after go/types' operand modes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Mode {
    /// Not checked, or not understood.
    #[default]
    Invalid,
    /// A call without results.
    NoValue,
    /// A built-in function.
    Builtin,
    /// A type.
    Type,
    /// A constant: see [`TypedBody::constant`].
    Constant,
    /// Something addressable.
    Variable,
    /// An element of a map: assignable, not addressable.
    MapIndex,
    /// Any other value.
    Value,
    /// A value that may be used with a second, boolean one.
    CommaOk,
    /// A generic or partly instantiated function, or a cgo name.
    Other,
}

impl Mode {
    /// Whether the expression has a value.
    pub fn is_value(self) -> bool {
        matches!(
            self,
            Mode::Constant | Mode::Variable | Mode::MapIndex | Mode::Value | Mode::CommaOk
        )
    }
}

/// How a selector expression that is not a qualified name was resolved.
#[derive(Clone, Debug)]
pub struct Selection {
    /// What is selected.
    pub kind: SelectionKind,
    /// The type of the operand.
    pub recv: TypeId,
    /// The field or method.
    pub obj: ObjId,
    /// Field indices from the operand's struct down; the last one is the field's, or
    /// the method's in its type.
    pub path: Rc<[u32]>,
    /// Whether a pointer was followed on the way.
    pub indirect: bool,
}

/// The kinds of selections.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SelectionKind {
    /// `x.f`, a field.
    Field,
    /// `x.m`, a method bound to `x`.
    Method,
    /// `T.m`, a function with the receiver as first parameter.
    MethodExpr,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    ty: Option<TypeId>,
    obj: Option<ObjId>,
    mode: Mode,
    comma_ok: bool,
}

/// The types and objects of the expressions in one function body, or at a file's
/// package level.
#[derive(Default)]
pub struct TypedBody {
    entries: FxHashMap<ExprId, Entry>,
    selections: FxHashMap<ExprId, Selection>,
    instances: FxHashMap<ExprId, Rc<[TypeId]>>,
    definitions: FxHashMap<u32, ObjId>,
    clause_variables: FxHashMap<StmtId, ObjId>,
}

impl TypedBody {
    /// The type of an expression; unknown if it was not checked. Of a comma-ok
    /// expression, the type of its first value.
    pub fn type_of(&self, expr: ExprId) -> TypeId {
        self.entries
            .get(&expr)
            .and_then(|e| e.ty)
            .unwrap_or(TypeId::UNKNOWN)
    }
    /// What an expression is.
    pub fn mode(&self, expr: ExprId) -> Mode {
        self.entries.get(&expr).map(|e| e.mode).unwrap_or_default()
    }
    /// Whether a comma-ok expression is used with its second value.
    pub fn is_comma_ok(&self, expr: ExprId) -> bool {
        self.entries.get(&expr).is_some_and(|e| e.comma_ok)
    }
    /// What an identifier or a qualified name (`pkg.Name`, asked for the selector
    /// expression) denotes, be it used or declared there. A field name that is a key
    /// of a composite literal denotes the field.
    pub fn object(&self, expr: ExprId) -> Option<ObjId> {
        self.entries.get(&expr).and_then(|e| e.obj)
    }
    /// What is declared by the identifier that starts at byte `offset`: names of local
    /// declarations, parameters, `:=` and range variables.
    pub fn definition(&self, offset: u32) -> Option<ObjId> {
        self.definitions.get(&offset).copied()
    }
    /// How a selector was resolved; none for qualified names.
    pub fn selection(&self, expr: ExprId) -> Option<&Selection> {
        self.selections.get(&expr)
    }
    /// The type arguments of an instantiated function or type, asked for the identifier
    /// or selector that names it.
    pub fn instance(&self, expr: ExprId) -> Option<&Rc<[TypeId]>> {
        self.instances.get(&expr)
    }
    /// The variable that `switch x := y.(type)` declares in a clause.
    pub fn clause_variable(&self, clause: StmtId) -> Option<ObjId> {
        self.clause_variables.get(&clause).copied()
    }
}
