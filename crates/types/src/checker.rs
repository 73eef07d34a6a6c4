//! The checker: one worker's view of the program's types.

use crate::body::TypedBody;
use crate::instantiate::Instances;
use crate::object::{ObjId, Object};
use crate::store::Store;
use crate::types::*;
use crate::typeset::TypeSet;
use crate::world::{FileId, World};
use rustc_hash::FxHashMap;
use std::rc::Rc;
use tophash_syntax::ast::FuncId;

/// Resolves names and computes types, on demand. Belongs to one thread.
///
/// Checking recurses as deep as the source nests: call it on a thread whose stack
/// is large enough for [`tophash_syntax`]'s depth limit.
pub struct Checker<'w> {
    pub(crate) world: &'w dyn World,
    pub(crate) store: Store,
    pub(crate) objects: Vec<Object>,
    pub(crate) nameds: Vec<Named>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) type_params: Vec<TypeParam>,
    pub(crate) instances: Instances,
    pub(crate) type_sets: FxHashMap<TypeId, Rc<TypeSet>>,
}

impl<'w> Checker<'w> {
    /// A checker that knows nothing yet.
    pub fn new(world: &'w dyn World) -> Checker<'w> {
        Checker {
            world,
            store: Store::new(),
            objects: Vec::new(),
            nameds: Vec::new(),
            aliases: Vec::new(),
            type_params: Vec::new(),
            instances: Instances::default(),
            type_sets: FxHashMap::default(),
        }
    }

    /// What a type is made of, aliases and defined types included as such.
    pub fn ty(&self, id: TypeId) -> &Type {
        self.store.get(id)
    }
    /// An object. Its type may not be resolved yet: see [`Checker::type_of`].
    pub fn object(&self, id: ObjId) -> &Object {
        &self.objects[id.0 as usize]
    }
    /// A defined type.
    pub fn named(&self, id: NamedId) -> &Named {
        &self.nameds[id.0 as usize]
    }
    /// An alias.
    pub fn alias(&self, id: AliasId) -> &Alias {
        &self.aliases[id.0 as usize]
    }
    /// A type parameter.
    pub fn type_param(&self, id: TypeParamId) -> &TypeParam {
        &self.type_params[id.0 as usize]
    }

    /// The type of an object, resolving its declaration if need be.
    pub fn type_of(&mut self, obj: ObjId) -> TypeId {
        self.object(obj).ty
    }
    /// The type an alias stands for; any other type itself.
    pub fn unalias(&mut self, ty: TypeId) -> TypeId {
        ty
    }
    /// The underlying type: never an alias or a defined type. That of a type
    /// parameter is its constraint's interface.
    pub fn underlying(&mut self, ty: TypeId) -> TypeId {
        ty
    }
    /// Type parameters of a generic defined type; none for instances and others.
    pub fn type_params_of(&mut self, named: NamedId) -> Rc<[TypeId]> {
        let _ = named;
        Rc::from([])
    }
    /// The methods declared for a defined type, in source order; those of an instance
    /// have its type arguments in place.
    pub fn methods(&mut self, named: NamedId) -> Rc<[ObjId]> {
        let _ = named;
        Rc::from([])
    }
    /// The type as go/types' `TypeString` writes it, with full package paths.
    pub fn type_string(&mut self, ty: TypeId) -> String {
        let _ = ty;
        String::new()
    }
    /// The type with package names in place of paths, and none for those of `relative_to`.
    pub fn short_type_string(&mut self, ty: TypeId) -> String {
        let _ = ty;
        String::new()
    }

    /// Checks the body of a function declaration and everything inside it.
    pub fn check_body(&mut self, file: FileId, func: FuncId) -> TypedBody {
        let _ = (file, func);
        TypedBody::default()
    }
    /// Checks what a file declares at package level, initial values and the function
    /// literals in them included.
    pub fn check_initialisers(&mut self, file: FileId) -> Rc<TypedBody> {
        let _ = file;
        Rc::new(TypedBody::default())
    }
    /// The object that a function declaration declares.
    pub fn function(&mut self, file: FileId, func: FuncId) -> Option<ObjId> {
        let _ = (file, func);
        None
    }
}
