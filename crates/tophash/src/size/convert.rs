//! Types of the checker as the compiler lays them out.

use std::collections::HashMap;
use std::sync::Arc;

use tophash_runtime::types::GoType;
use tophash_types::{Basic, Checker, Type, TypeId};

/// Makes layouts of a checker's types.
pub(crate) struct Converter<'c, 'w> {
    checker: &'c mut Checker<'w>,
    /// None while a type is being laid out.
    done: HashMap<TypeId, Option<Arc<GoType>>>,
}

impl<'c, 'w> Converter<'c, 'w> {
    pub(crate) fn new(checker: &'c mut Checker<'w>) -> Self {
        Self {
            checker,
            done: HashMap::new(),
        }
    }

    /// The layout of a type; what keeps it from having one, as a clause about it.
    pub(crate) fn convert(&mut self, ty: TypeId) -> Result<Arc<GoType>, String> {
        match self.done.get(&ty) {
            Some(Some(done)) => return Ok(done.clone()),
            Some(None) => return Err("contains itself".to_owned()),
            None => {}
        }
        self.done.insert(ty, None);
        let result = self.layout(ty);
        match &result {
            Ok(done) => self.done.insert(ty, Some(done.clone())),
            Err(_) => self.done.remove(&ty),
        };
        result
    }

    /// The layouts of key and element of a map type; what keeps it from having them.
    pub(crate) fn map_parts(&mut self, ty: TypeId) -> Result<Vec<Arc<GoType>>, String> {
        let under = self.checker.underlying(ty);
        let Type::Map(key, elem) = *self.checker.ty(under) else {
            return Err("is not a map type".to_owned());
        };
        let mut part = |name: &str, ty| {
            let part = self.convert(ty);
            part.map_err(|why| format!("has {name} whose type {why}"))
        };
        Ok(vec![part("a key", key)?, part("an element", elem)?])
    }

    fn layout(&mut self, ty: TypeId) -> Result<Arc<GoType>, String> {
        let name = self.checker.type_string(ty);
        // Its underlying type is that of its constraint.
        let actual = self.checker.unalias(ty);
        if matches!(self.checker.ty(actual), Type::TypeParam(_)) {
            return Err("depends on a type argument: give it, as in Pair[int, string]".to_owned());
        }
        let under = self.checker.underlying(ty);
        Ok(match self.checker.ty(under).clone() {
            Type::Basic(basic) => self.basic(basic)?,
            Type::Pointer(_) | Type::Chan(..) => GoType::pointer(&name),
            Type::Map(..) | Type::Signature(_) => GoType::incomparable(&name),
            Type::Slice(_) => GoType::slice(&name),
            Type::Interface(_) => {
                if self.checker.type_set(under).methods.is_empty() {
                    GoType::any()
                } else {
                    GoType::interface(&name)
                }
            }
            Type::Array(elem, Some(len)) => GoType::array(self.convert(elem)?, len),
            Type::Array(_, None) => return Err("has a length that is not known".to_owned()),
            Type::Struct(of) => {
                let mut fields = Vec::new();
                for &field in &*of.fields {
                    let object = self.checker.object(field);
                    let field_name = object.name.as_str().to_owned();
                    let ty = self.checker.type_of(field);
                    let ty = self
                        .convert(ty)
                        .map_err(|why| format!("has a field {field_name} whose type {why}"))?;
                    fields.push((field_name == "_", ty));
                }
                GoType::structure(&name, &fields)
            }
            _ => return Err("can't be found".to_owned()),
        })
    }

    fn basic(&self, basic: Basic) -> Result<Arc<GoType>, String> {
        match basic {
            Basic::UnsafePointer => Ok(GoType::pointer("unsafe.Pointer")),
            _ => super::notation::predeclared(basic.name())
                .ok_or_else(|| format!("is {}", basic.name())),
        }
    }
}
