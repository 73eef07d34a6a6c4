//! What is known of the expressions of a body, or of a file's package level.

use crate::constant::Value;
use crate::object::ObjId;
use crate::types::TypeId;
use rustc_hash::FxHashMap;
use std::rc::Rc;
use tophash_syntax::ast::{ExprId, StmtId};

/// What an expression is, after go/types' operand modes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Mode {
    /// Not checked.
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

const PAGE: usize = 64;

/// The types and objects of the expressions in one function body, or at a file's
/// package level.
///
/// The expressions of a body have consecutive ids, those of a package level lie in
/// stretches between the bodies; so entries are kept in pages.
#[derive(Default)]
pub struct TypedBody {
    first_page: usize,
    pages: Vec<Option<Box<[Entry; PAGE]>>>,
    constants: FxHashMap<ExprId, Value>,
    selections: FxHashMap<ExprId, Selection>,
    instances: FxHashMap<ExprId, Rc<[TypeId]>>,
    definitions: FxHashMap<u32, ObjId>,
    clause_variables: FxHashMap<StmtId, ObjId>,
}

impl TypedBody {
    /// The type of an expression; unknown if it was not checked. Of a comma-ok
    /// expression, the type of its first value.
    pub fn type_of(&self, expr: ExprId) -> TypeId {
        self.entry(expr)
            .and_then(|e| e.ty)
            .unwrap_or(TypeId::UNKNOWN)
    }
    /// What an expression is.
    pub fn mode(&self, expr: ExprId) -> Mode {
        self.entry(expr).map(|e| e.mode).unwrap_or_default()
    }
    /// Whether a comma-ok expression is used with its second value.
    pub fn is_comma_ok(&self, expr: ExprId) -> bool {
        self.entry(expr).is_some_and(|e| e.comma_ok)
    }
    /// The value of a constant expression, where known.
    pub fn constant(&self, expr: ExprId) -> Option<&Value> {
        self.constants.get(&expr)
    }
    /// What an identifier or a qualified name (`pkg.Name`, asked for the selector
    /// expression) denotes, be it used or declared there. A field name that is a key
    /// of a composite literal denotes the field.
    pub fn object(&self, expr: ExprId) -> Option<ObjId> {
        self.entry(expr).and_then(|e| e.obj)
    }
    /// What is declared by the identifier that starts at byte `offset`: names of local
    /// declarations, parameters, fields, `:=` and range variables.
    pub fn definition(&self, offset: u32) -> Option<ObjId> {
        self.definitions.get(&offset).copied()
    }
    /// All declaring identifiers, by the byte offset they start at, in no particular order.
    pub fn definitions(&self) -> impl Iterator<Item = (u32, ObjId)> {
        self.definitions.iter().map(|(&offset, &obj)| (offset, obj))
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
    /// All expressions that something is known of, in order of their ids.
    pub fn exprs(&self) -> impl Iterator<Item = ExprId> {
        self.pages.iter().enumerate().flat_map(move |(i, page)| {
            page.iter().flat_map(move |page| {
                let base = (self.first_page + i) * PAGE;
                page.iter()
                    .enumerate()
                    .filter(|(_, e)| e.mode != Mode::Invalid || e.obj.is_some())
                    .map(move |(j, _)| ExprId::from_index(base + j))
            })
        })
    }

    fn entry(&self, expr: ExprId) -> Option<&Entry> {
        let index = expr.index();
        let page = (index / PAGE).checked_sub(self.first_page)?;
        let page = self.pages.get(page)?.as_ref()?;
        page.get(index % PAGE)
    }

    fn entry_mut(&mut self, expr: ExprId) -> &mut Entry {
        let index = expr.index();
        let page = index / PAGE;
        if self.pages.is_empty() {
            self.first_page = page;
        } else if page < self.first_page {
            let missing = self.first_page - page;
            self.pages
                .splice(0..0, std::iter::repeat_with(|| None).take(missing));
            self.first_page = page;
        }
        let slot = page - self.first_page;
        if slot >= self.pages.len() {
            self.pages.resize_with(slot + 1, || None);
        }
        let page = self.pages[slot].get_or_insert_with(|| Box::new([Entry::default(); PAGE]));
        &mut page[index % PAGE]
    }

    pub(crate) fn record(&mut self, expr: ExprId, mode: Mode, ty: TypeId) {
        let entry = self.entry_mut(expr);
        entry.mode = mode;
        entry.ty = Some(ty);
    }
    pub(crate) fn record_object(&mut self, expr: ExprId, obj: ObjId) {
        self.entry_mut(expr).obj = Some(obj);
    }
    pub(crate) fn record_comma_ok(&mut self, expr: ExprId) {
        self.entry_mut(expr).comma_ok = true;
    }
    pub(crate) fn record_constant(&mut self, expr: ExprId, value: Value) {
        self.constants.insert(expr, value);
    }
    pub(crate) fn record_selection(&mut self, expr: ExprId, selection: Selection) {
        self.selections.insert(expr, selection);
    }
    pub(crate) fn record_instance(&mut self, expr: ExprId, targs: Rc<[TypeId]>) {
        self.instances.insert(expr, targs);
    }
    pub(crate) fn record_definition(&mut self, offset: u32, obj: ObjId) {
        self.definitions.insert(offset, obj);
    }
    pub(crate) fn record_clause_variable(&mut self, clause: StmtId, obj: ObjId) {
        self.clause_variables.insert(clause, obj);
    }
}
