//! The table of types: every type exists once where its parts decide what it is.

use crate::object::ObjId;
use crate::types::*;
use rustc_hash::FxHashMap;
use std::rc::Rc;
use tophash_syntax::ast::ChanDir;

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Pointer(TypeId),
    Slice(TypeId),
    Array(TypeId, Option<u64>),
    Map(TypeId, TypeId),
    Chan(ChanDir, TypeId),
    Tuple(Rc<[ObjId]>),
}

/// All types of one checker.
pub(crate) struct Store {
    types: Vec<Type>,
    interned: FxHashMap<Key, TypeId>,
}

impl Store {
    pub(crate) fn new() -> Store {
        let mut types = vec![Type::Unknown];
        types.extend(Basic::ALL.map(Type::Basic));
        Store {
            types,
            interned: FxHashMap::default(),
        }
    }

    pub(crate) fn get(&self, id: TypeId) -> &Type {
        self.types.get(id.0 as usize).unwrap_or(&Type::Unknown)
    }

    /// Adds a type that is an id of its own.
    pub(crate) fn add(&mut self, ty: Type) -> TypeId {
        let id = TypeId(self.types.len() as u32);
        self.types.push(ty);
        id
    }

    /// Completes a type that was added without its parts.
    pub(crate) fn set(&mut self, id: TypeId, ty: Type) {
        if let Some(slot) = self.types.get_mut(id.0 as usize) {
            *slot = ty;
        }
    }

    fn intern(&mut self, key: Key, ty: Type) -> TypeId {
        if let Some(&id) = self.interned.get(&key) {
            return id;
        }
        let id = self.add(ty);
        self.interned.insert(key, id);
        id
    }

    pub(crate) fn pointer(&mut self, elem: TypeId) -> TypeId {
        self.intern(Key::Pointer(elem), Type::Pointer(elem))
    }
    pub(crate) fn slice(&mut self, elem: TypeId) -> TypeId {
        self.intern(Key::Slice(elem), Type::Slice(elem))
    }
    pub(crate) fn array(&mut self, elem: TypeId, len: Option<u64>) -> TypeId {
        self.intern(Key::Array(elem, len), Type::Array(elem, len))
    }
    pub(crate) fn map(&mut self, key: TypeId, elem: TypeId) -> TypeId {
        self.intern(Key::Map(key, elem), Type::Map(key, elem))
    }
    pub(crate) fn chan(&mut self, dir: ChanDir, elem: TypeId) -> TypeId {
        self.intern(Key::Chan(dir, elem), Type::Chan(dir, elem))
    }
    pub(crate) fn tuple(&mut self, vars: Rc<[ObjId]>) -> TypeId {
        self.intern(Key::Tuple(vars.clone()), Type::Tuple(vars))
    }
}
