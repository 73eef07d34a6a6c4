//! Operands: what is known of an expression while it is being checked.

use crate::body::Mode;
use crate::constant::Value;
use crate::object::Builtin;
use crate::types::{Basic, TypeId};
use tophash_syntax::ast::ExprId;

/// An intermediate value of checking, after go/types' operand.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) mode: Mode,
    pub(crate) ty: TypeId,
    /// The expression it comes from; none for values that no expression stands for.
    pub(crate) expr: Option<ExprId>,
    /// The value of a constant.
    pub(crate) value: Option<Value>,
    /// Which built-in function it is.
    pub(crate) builtin: Option<Builtin>,
}

impl Operand {
    pub(crate) fn new(mode: Mode, ty: TypeId, expr: Option<ExprId>) -> Operand {
        Operand {
            mode,
            ty,
            expr,
            value: None,
            builtin: None,
        }
    }

    /// An operand nothing is known of: a value of unknown type.
    pub(crate) fn unknown(expr: Option<ExprId>) -> Operand {
        Operand::new(Mode::Value, TypeId::UNKNOWN, expr)
    }

    pub(crate) fn is_nil(&self) -> bool {
        self.mode == Mode::Value && self.ty == TypeId::basic(Basic::UntypedNil)
    }

    /// Makes it a value that nothing is known of.
    pub(crate) fn forget(&mut self) {
        self.mode = Mode::Value;
        self.ty = TypeId::UNKNOWN;
        self.value = None;
    }
}
