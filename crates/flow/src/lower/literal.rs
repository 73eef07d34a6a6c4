//! Composite literals.

use super::Lowerer;
use crate::ir::*;
use tophash_syntax::ast::{ExprId, ExprKind};
use tophash_types::{Type, TypeId};

impl Lowerer<'_, '_> {
    /// A composite literal of type `ty`; a pointer where `&T` is left out inside another literal.
    pub(super) fn composite(&mut self, e: ExprId, ty: TypeId, elems: &[ExprId]) -> Value {
        match self.types.core(ty) {
            Type::Pointer(base) => {
                let at = self.at(e);
                self.allocate(ty, base, at, |l| l.composite(e, base, elems))
            }
            Type::Map(..) => {
                let entries = elems.iter().map(|&elem| {
                    let (key, value) = self.key_value(elem);
                    let key = key.map_or(Operand::Const(Const::Other(elem)), |k| self.operand(k));
                    (key, self.operand(value))
                });
                let entries = entries.collect();
                Value::MapLit { ty, entries }
            }
            Type::Struct(_) => self.struct_literal(e, ty, elems),
            Type::Slice(_) | Type::Array(..) => {
                let mut keyed = false;
                let values = elems.iter().map(|&elem| {
                    let (key, value) = self.key_value(elem);
                    keyed |= key.is_some();
                    self.operand(value)
                });
                let values = values.collect();
                Value::ListLit {
                    ty,
                    elems: values,
                    keyed,
                }
            }
            // What it is of is not known: its elements are kept in it all the same.
            _ => {
                let values = elems.iter().map(|&elem| {
                    let (_, value) = self.key_value(elem);
                    self.operand(value)
                });
                let elems = values.collect();
                Value::ListLit {
                    ty,
                    elems,
                    keyed: true,
                }
            }
        }
    }

    fn key_value(&self, elem: ExprId) -> (Option<ExprId>, ExprId) {
        match self.ast.expr(elem).kind {
            ExprKind::KeyValue { key, value } => (Some(key), value),
            _ => (None, elem),
        }
    }

    fn struct_literal(&mut self, e: ExprId, ty: TypeId, elems: &[ExprId]) -> Value {
        let mut fields = Vec::with_capacity(elems.len());
        let mut promoted = Vec::new();
        for (n, &elem) in elems.iter().enumerate() {
            let (key, value) = self.key_value(elem);
            let path = match key.map(|key| self.ast.expr(key).kind) {
                None => Some(vec![n as u32]),
                Some(ExprKind::Ident(name)) => self.types.field_path(ty, name),
                Some(_) => None,
            };
            let value = self.operand(value);
            match path.as_deref() {
                Some(&[index]) => fields.push((index, value)),
                Some(path) => promoted.push((path.to_vec(), value)),
                None => {}
            }
        }
        let fields = fields.into();
        let literal = Value::StructLit { ty, fields };
        if promoted.is_empty() {
            return literal;
        }
        let at = self.at(e);
        let temp = self.keep(literal, ty, at);
        for (path, value) in promoted {
            if let Some(field) = self.fields(temp, &path) {
                self.assign(field, Value::Use(value), at);
            }
        }
        Value::Use(Operand::Place(temp))
    }
}
