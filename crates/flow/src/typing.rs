//! The questions that lowering asks about types.

use crate::ir::FuncName;
use std::rc::Rc;
use tophash_syntax::Symbol;
use tophash_types::{Checker, ObjId, ObjKind, Struct, Type, TypeId};

/// A checker, asked from lowering's point of view.
pub(crate) struct Typing<'a, 'w> {
    pub(crate) checker: &'a mut Checker<'w>,
    /// `_`
    pub(crate) blank: Symbol,
    /// The name of what has none.
    pub(crate) empty: Symbol,
}

/// A field of a struct type.
#[derive(Clone, Copy)]
pub(crate) struct FieldInfo {
    pub(crate) index: u32,
    pub(crate) name: Symbol,
    pub(crate) embedded: bool,
    pub(crate) ty: TypeId,
}

impl<'a, 'w> Typing<'a, 'w> {
    pub(crate) fn new(checker: &'a mut Checker<'w>) -> Typing<'a, 'w> {
        Typing {
            checker,
            blank: Symbol::new("_"),
            empty: Symbol::new(""),
        }
    }

    /// A name that a variable can be called by.
    pub(crate) fn visible(&self, name: Symbol) -> Option<Symbol> {
        (name != self.blank && name != self.empty).then_some(name)
    }

    pub(crate) fn type_of(&mut self, obj: ObjId) -> TypeId {
        self.checker.type_of(obj)
    }

    /// The underlying type; of a type parameter that of all types it may be, if they share one.
    pub(crate) fn core(&mut self, ty: TypeId) -> Type {
        match self.checker.common_underlying(ty) {
            Some(core) => self.checker.ty(core).clone(),
            None => Type::Unknown,
        }
    }

    /// What a pointer points to.
    pub(crate) fn pointee(&mut self, ty: TypeId) -> Option<TypeId> {
        match self.core(ty) {
            Type::Pointer(elem) => Some(elem),
            _ => None,
        }
    }

    pub(crate) fn is_map(&mut self, ty: TypeId) -> bool {
        matches!(self.core(ty), Type::Map(..))
    }

    pub(crate) fn is_pointer(&mut self, ty: TypeId) -> bool {
        self.pointee(ty).is_some()
    }

    /// Whether methods of `ty` are called through a table: an interface or a type parameter.
    pub(crate) fn is_abstract(&mut self, ty: TypeId) -> bool {
        let ty = self.checker.unalias(ty);
        if matches!(self.checker.ty(ty), Type::TypeParam(_)) {
            return true;
        }
        let under = self.checker.underlying(ty);
        matches!(self.checker.ty(under), Type::Interface(_))
    }

    /// The fields of a struct type.
    pub(crate) fn fields(&mut self, ty: TypeId) -> Option<Rc<Struct>> {
        match self.core(ty) {
            Type::Struct(fields) => Some(fields),
            _ => None,
        }
    }

    /// A field of a struct type.
    pub(crate) fn field(&mut self, ty: TypeId, index: u32) -> Option<FieldInfo> {
        let obj = *self.fields(ty)?.fields.get(index as usize)?;
        let object = self.checker.object(obj);
        let (name, embedded) = (object.name, object.is_embedded());
        Some(FieldInfo {
            index,
            name,
            embedded,
            ty: self.checker.type_of(obj),
        })
    }

    /// The path of fields from a struct type to the one that `name` selects, embedded ones
    /// on the way included; none if there is none.
    pub(crate) fn field_path(&mut self, ty: TypeId, name: Symbol) -> Option<Vec<u32>> {
        // Embedded fields may be recursive through pointers: a small depth does.
        let mut level = vec![(ty, Vec::new())];
        for _ in 0..8 {
            let mut next = Vec::new();
            for (ty, path) in level {
                let Some(fields) = self.fields(ty) else {
                    continue;
                };
                for (index, &obj) in fields.fields.iter().enumerate() {
                    let object = self.checker.object(obj);
                    let (found, embedded) = (object.name == name, object.is_embedded());
                    let mut path: Vec<u32> = path.clone();
                    path.push(index as u32);
                    if found {
                        return Some(path);
                    }
                    if embedded {
                        let ty = self.checker.type_of(obj);
                        next.push((self.pointee(ty).unwrap_or(ty), path));
                    }
                }
            }
            level = next;
        }
        None
    }

    /// Whether an object is a declared function or method.
    pub(crate) fn is_func(&self, obj: ObjId) -> bool {
        matches!(self.checker.object(obj).kind, ObjKind::Func { .. })
    }

    /// The declared function or method that an instantiated one is a copy of.
    pub(crate) fn origin(&self, obj: ObjId) -> ObjId {
        self.checker.object(obj).origin.unwrap_or(obj)
    }

    /// The receiver of a method: its type.
    pub(crate) fn receiver(&mut self, method: ObjId) -> Option<TypeId> {
        let ty = self.checker.type_of(method);
        match self.checker.ty(ty) {
            Type::Signature(signature) => {
                let recv = signature.recv?;
                Some(self.checker.type_of(recv))
            }
            _ => None,
        }
    }

    /// The name of a function or method in the whole program.
    pub(crate) fn func_name(&mut self, obj: ObjId) -> FuncName {
        let receiver = self.receiver(obj).and_then(|ty| self.type_name(ty));
        let object = self.checker.object(obj);
        let package = match object.package {
            Some(package) => self.checker.world().path(package),
            None => Symbol::new(""),
        };
        FuncName {
            package,
            receiver,
            name: object.name,
        }
    }

    /// Import path of the package of a defined type, or of the one that a pointer points to.
    pub(crate) fn package_of(&mut self, ty: TypeId) -> Option<Symbol> {
        let obj = self.type_object(ty)?;
        let package = self.checker.object(obj).package?;
        Some(self.checker.world().path(package))
    }

    /// The name of a defined type, or of the one that a pointer points to.
    pub(crate) fn type_name(&mut self, ty: TypeId) -> Option<Symbol> {
        let obj = self.type_object(ty)?;
        Some(self.checker.object(obj).name)
    }

    fn type_object(&mut self, ty: TypeId) -> Option<ObjId> {
        let mut ty = self.checker.unalias(ty);
        if let Type::Pointer(elem) = *self.checker.ty(ty) {
            ty = self.checker.unalias(elem);
        }
        match *self.checker.ty(ty) {
            Type::Named(named) => Some(self.checker.named(named).obj),
            _ => None,
        }
    }
}
