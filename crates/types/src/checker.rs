//! The checker: one worker's view of the program's types.

use crate::body::TypedBody;
use crate::constant::Value;
use crate::instantiate::Instances;
use crate::named::Definition;
use crate::object::*;
use crate::scope::{Declaration, FileScope, LocalScope, PackageScope};
use crate::sizes::{Layout, Sizes};
use crate::store::Store;
use crate::types::*;
use crate::typeset::TypeSet;
use crate::universe::Universe;
use crate::world::{FileId, PackageId, World};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;
use tophash_syntax::ast::{ExprId, SpecId, StmtId};
use tophash_syntax::{Ast, Symbol};

/// Resolves names and computes types, on demand. Belongs to one thread.
///
/// Checking recurses as deep as the source nests: call it on a thread whose stack
/// is large enough for [`tophash_syntax`]'s depth limit.
pub struct Checker<'w> {
    pub(crate) world: &'w dyn World,
    pub(crate) store: Store,
    pub(crate) objects: Vec<Object>,
    pub(crate) nameds: Vec<Named>,
    pub(crate) named_definitions: Vec<Definition>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) alias_definitions: Vec<Definition>,
    pub(crate) type_params: Vec<TypeParam>,
    pub(crate) sizes: Sizes,
    pub(crate) layouts: FxHashMap<TypeId, Layout>,
    pub(crate) instances: Instances,
    pub(crate) type_sets: FxHashMap<TypeId, Rc<TypeSet>>,
    pub(crate) const_values: FxHashMap<ObjId, Value>,
    /// Methods declared with a pointer receiver.
    pub(crate) pointer_methods: FxHashSet<ObjId>,
    /// Interfaces that stand for constraints written without `interface`.
    pub(crate) implicit_interfaces: FxHashMap<TypeId, TypeId>,

    pub(crate) universe: FxHashMap<Symbol, ObjId>,
    pub(crate) universe_types: Universe,
    pub(crate) unsafe_names: FxHashMap<Symbol, ObjId>,
    pub(crate) iota: Option<ObjId>,
    pub(crate) package_scopes: FxHashMap<PackageId, Rc<PackageScope>>,
    pub(crate) file_scopes: FxHashMap<FileId, FileScope>,
    /// Declarations of package-level objects that have not been looked at.
    pub(crate) pending: FxHashMap<ObjId, Declaration>,
    /// Declarations of package-level types.
    pub(crate) type_declarations: FxHashMap<ObjId, (FileId, SpecId)>,
    /// Initial values of typed variables, which are checked with the file.
    pub(crate) file_later: FxHashMap<FileId, Vec<InitialValues<'w>>>,
    /// Function literals at package level, whose bodies are checked with the file.
    pub(crate) literals_later: FxHashMap<FileId, Vec<(TypeId, StmtId)>>,
    pub(crate) checked_files: FxHashMap<FileId, Rc<TypedBody>>,
    /// Types of methods without their receivers.
    pub(crate) method_values: FxHashMap<TypeId, TypeId>,

    pub(crate) env: Env<'w>,
    /// What has been learned of expressions: of each file's package level, and of the
    /// bodies that are being checked.
    pub(crate) tables: Vec<TypedBody>,
    pub(crate) file_tables: FxHashMap<FileId, usize>,

    /// Whether a call or receive operation has been checked.
    pub(crate) has_call: bool,
    /// How many declarations are being resolved.
    pub(crate) resolving: u32,
    /// See [`Checker::write_aliases`].
    pub(crate) aliases_by_name: bool,
    /// How deep instances are being expanded in one another.
    pub(crate) expansions: u32,

    pub(crate) blank: Symbol,
    pub(crate) empty: Symbol,
    pub(crate) init: Symbol,
}

/// Variables and the expressions of their initial values.
type InitialValues<'w> = (Rc<[ObjId]>, &'w [ExprId]);

/// Where checking is at.
pub(crate) struct Env<'w> {
    pub(crate) file: FileId,
    pub(crate) package: PackageId,
    pub(crate) ast: &'w Ast,
    pub(crate) source: &'w [u8],
    pub(crate) scope: LocalScope,
    /// The table that is written to.
    pub(crate) table: usize,
    /// The value of `iota` in a constant declaration.
    pub(crate) iota: Option<u32>,
    /// The signature of the function whose body is being checked.
    pub(crate) signature: Option<Rc<Signature>>,
    /// Whether this is inside a body.
    pub(crate) in_body: bool,
}

/// The tree that there is before a file is entered.
static NO_TREE: std::sync::LazyLock<Ast> = std::sync::LazyLock::new(Ast::default);

impl<'w> Checker<'w> {
    /// A checker that knows nothing yet.
    pub fn new(world: &'w dyn World) -> Checker<'w> {
        let mut checker = Checker {
            world,
            store: Store::new(),
            objects: Vec::new(),
            nameds: Vec::new(),
            named_definitions: Vec::new(),
            aliases: Vec::new(),
            alias_definitions: Vec::new(),
            type_params: Vec::new(),
            sizes: Sizes::of(world.architecture()),
            layouts: FxHashMap::default(),
            instances: Instances::default(),
            type_sets: FxHashMap::default(),
            const_values: FxHashMap::default(),
            pointer_methods: FxHashSet::default(),
            implicit_interfaces: FxHashMap::default(),
            universe: FxHashMap::default(),
            universe_types: Universe::default(),
            unsafe_names: FxHashMap::default(),
            iota: None,
            package_scopes: FxHashMap::default(),
            file_scopes: FxHashMap::default(),
            pending: FxHashMap::default(),
            type_declarations: FxHashMap::default(),
            file_later: FxHashMap::default(),
            literals_later: FxHashMap::default(),
            checked_files: FxHashMap::default(),
            method_values: FxHashMap::default(),
            env: Env {
                file: FileId(0),
                package: PackageId(0),
                ast: &NO_TREE,
                source: &[],
                scope: LocalScope::default(),
                table: 0,
                iota: None,
                signature: None,
                in_body: false,
            },
            tables: vec![TypedBody::default()],
            file_tables: FxHashMap::default(),
            has_call: false,
            resolving: 0,
            aliases_by_name: false,
            expansions: 0,
            blank: Symbol::new("_"),
            empty: Symbol::new(""),
            init: Symbol::new("init"),
        };
        checker.declare_universe();
        checker
    }

    /// The program that is checked.
    pub fn world(&self) -> &'w dyn World {
        self.world
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

    pub(crate) fn new_object(&mut self, object: Object) -> ObjId {
        let id = ObjId(self.objects.len() as u32);
        self.objects.push(object);
        id
    }

    /// A new type parameter named by `obj`, whose constraint is set later.
    pub(crate) fn new_type_param(&mut self, obj: ObjId, index: u32, bound: TypeId) -> TypeId {
        let id = TypeParamId(self.type_params.len() as u32);
        let ty = self.store.add(Type::TypeParam(id));
        self.type_params.push(TypeParam {
            ty,
            obj,
            index,
            bound,
        });
        self.objects[obj.0 as usize].ty = ty;
        ty
    }

    /// The surroundings of a file's package level.
    pub(crate) fn file_env(&mut self, file: FileId) -> Env<'w> {
        let package = self.world.package_of(file);
        let source_file = self.world.file(file);
        let table = match self.file_tables.get(&file) {
            Some(&table) => table,
            None => {
                let table = self.tables.len();
                self.tables.push(TypedBody::default());
                self.file_tables.insert(file, table);
                table
            }
        };
        Env {
            file,
            package,
            ast: &source_file.tree.ast,
            source: source_file.source,
            scope: LocalScope::default(),
            table,
            iota: None,
            signature: None,
            in_body: false,
        }
    }

    /// The source text of an expression.
    pub(crate) fn text(&self, expr: ExprId) -> &'w [u8] {
        self.env.ast.expr(expr).span.of(self.env.source)
    }
}
