//! Package-level declarations, resolved when asked for.

use crate::checker::Checker;
use crate::object::*;
use crate::types::*;
use std::rc::Rc;

impl<'w> Checker<'w> {
    /// The type of an object, resolving its declaration if need be.
    pub fn type_of(&mut self, obj: ObjId) -> TypeId {
        self.object(obj).ty
    }
    /// The right side of a type declaration, and its type parameters.
    pub(crate) fn declared_type(&mut self, obj: ObjId) -> (TypeId, Rc<[TypeId]>) {
        let _ = obj;
        (TypeId::UNKNOWN, Rc::from([]))
    }
    /// The type parameters of a type declaration.
    pub(crate) fn declared_type_params(&mut self, obj: ObjId) -> Rc<[TypeId]> {
        let _ = obj;
        Rc::from([])
    }
}
