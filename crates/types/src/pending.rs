//! Stand-ins for what the declarations module brings.

use crate::checker::Checker;
use crate::object::{ObjKind, Object, VarKind};
use crate::types::*;
use std::rc::Rc;

impl Checker<'_> {
    pub(crate) fn new_named_instance(&mut self, origin: NamedId, targs: Rc<[TypeId]>) -> TypeId {
        let ty = self
            .store
            .add(Type::Named(NamedId(self.nameds.len() as u32)));
        let obj = self.named(origin).obj;
        self.nameds.push(Named {
            ty,
            obj,
            origin,
            targs,
        });
        ty
    }
    pub(crate) fn new_alias_instance(&mut self, origin: AliasId, targs: Rc<[TypeId]>) -> TypeId {
        let ty = self
            .store
            .add(Type::Alias(AliasId(self.aliases.len() as u32)));
        let obj = self.alias(origin).obj;
        self.aliases.push(Alias {
            ty,
            obj,
            origin,
            targs,
        });
        ty
    }
    pub(crate) fn constraint(&mut self, id: TypeParamId) -> TypeId {
        let bound = self.type_param(id).bound;
        self.underlying(bound)
    }
}

impl Object {
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self.kind, ObjKind::Var(VarKind::Field { embedded: true }))
    }
}
