//! The tree of one Go file.
//!
//! Nodes mirror `go/ast` (Go 1.27): the same kinds, the same extents. They lie in
//! flat tables of one [`Ast`] and name each other by 32-bit ids, so a tree is
//! owned, `Send + Sync`, compact, and any later stage can keep what it learns of a
//! node in a table keyed by its id.
//!
//! Positions are byte offsets in the file. Every span is half-open.

use crate::{Span, Symbol};
use std::marker::PhantomData;

/// Declares a 32-bit id of a node table. Zero is never used, so that
/// `Option<Id>` takes four bytes.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(std::num::NonZeroU32);

        impl $name {
            /// The id of the node at `index` of its table.
            pub fn from_index(index: usize) -> $name {
                let n = u32::try_from(index + 1).unwrap_or(u32::MAX);
                $name(std::num::NonZeroU32::new(n).unwrap_or(std::num::NonZeroU32::MAX))
            }

            /// The node's place in its table; ids count up in the order nodes were completed.
            pub fn index(self) -> usize {
                self.0.get() as usize - 1
            }
        }
    };
}

id! {
    /// An expression or type expression of one file.
    ExprId
}
id! {
    /// A statement of one file.
    StmtId
}
id! {
    /// A declaration of one file, at top level or inside a body.
    DeclId
}
id! {
    /// A specification inside an `import`, `const`, `type` or `var` declaration.
    SpecId
}
id! {
    /// A parameter, result, receiver, type-parameter, struct-field or interface-member list.
    FieldListId
}
id! {
    /// A function type or signature.
    FuncTypeId
}

/// A list of nodes, kept in the pool of its type inside the [`Ast`].
pub struct List<T> {
    pub(crate) start: u32,
    pub(crate) len: u32,
    pub(crate) of: PhantomData<fn() -> T>,
}

impl<T> List<T> {
    /// The list with nothing in it.
    pub const EMPTY: List<T> = List {
        start: 0,
        len: 0,
        of: PhantomData,
    };

    /// Number of nodes.
    pub fn len(self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for List<T> {}
impl<T> std::fmt::Debug for List<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "List({}..{})", self.start, self.start + self.len)
    }
}

/// An identifier where it stands: a name being declared, a selector, a label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ident {
    /// The name; `_` included.
    pub name: Symbol,
    /// Where it stands. Its length is the name's length in bytes.
    pub span: Span,
}

/// An expression with its extent.
#[derive(Clone, Copy, Debug)]
pub struct Expr {
    /// From the first to behind the last byte.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// The kinds of expressions, those that denote types included.
#[derive(Clone, Copy, Debug)]
pub enum ExprKind {
    /// Something that could not be parsed.
    Bad,
    /// `x`
    Ident(Symbol),
    /// `...T` in a parameter list, or `...` as an array length.
    Ellipsis {
        /// The element type, absent in `[...]T`.
        elem: Option<ExprId>,
    },
    /// A literal of a basic type; its text is the source under the span.
    BasicLit(LitKind),
    /// `func(...) {...}`
    FuncLit {
        /// Its signature.
        ty: FuncTypeId,
        /// Its body, always a [`StmtKind::Block`].
        body: StmtId,
    },
    /// `T{...}`, or `{...}` with the type left out inside another literal.
    CompositeLit {
        /// The type, absent where elided.
        ty: Option<ExprId>,
        /// Elements; [`ExprKind::KeyValue`] where keyed.
        elems: List<ExprId>,
    },
    /// `(x)`
    Paren(ExprId),
    /// `x.name`; what it denotes is not known to the parser.
    Selector {
        /// Left of the dot.
        x: ExprId,
        /// Right of the dot.
        name: Symbol,
        /// Where the name starts.
        name_pos: u32,
    },
    /// `x[i]`, or an instantiation with one type argument.
    Index {
        /// The operand.
        x: ExprId,
        /// The index or type argument.
        index: ExprId,
    },
    /// `x[A, B]`, an instantiation with several type arguments.
    IndexList {
        /// The generic function or type.
        x: ExprId,
        /// Its arguments.
        indices: List<ExprId>,
    },
    /// `x[lo:hi:max]`
    Slice(SliceId),
    /// `x.(T)`; `x.(type)` has no type.
    TypeAssert {
        /// The operand.
        x: ExprId,
        /// The asserted type; none for `.(type)`.
        ty: Option<ExprId>,
    },
    /// `f(args...)`; conversions and calls of builtins look the same.
    Call {
        /// What is called.
        fun: ExprId,
        /// The arguments.
        args: List<ExprId>,
        /// Whether `...` follows the last argument.
        spread: bool,
    },
    /// `*x`, a dereference or a pointer type.
    Star(ExprId),
    /// `op x`; `&x` and `<-x` too. [`UnaryOp::Tilde`] in constraints.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// The operand.
        x: ExprId,
    },
    /// `x op y`; `A | B` in constraints too.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        x: ExprId,
        /// Right operand.
        y: ExprId,
    },
    /// `key: value` inside a composite literal.
    KeyValue {
        /// Key, field name or index.
        key: ExprId,
        /// The element.
        value: ExprId,
    },
    /// `[len]T`, or `[]T` without a length.
    ArrayType {
        /// The length; [`ExprKind::Ellipsis`] for `[...]T`; none for a slice.
        len: Option<ExprId>,
        /// The element type.
        elem: ExprId,
    },
    /// `struct {...}`
    StructType(FieldListId),
    /// `func(...) ...` as a type, or the signature of an interface method.
    FuncType(FuncTypeId),
    /// `interface {...}`: methods have a name and a [`ExprKind::FuncType`], embedded elements no name.
    InterfaceType(FieldListId),
    /// `map[K]V`
    MapType {
        /// The key type.
        key: ExprId,
        /// The element type.
        value: ExprId,
    },
    /// `chan T`, `<-chan T`, `chan<- T`
    ChanType {
        /// Which ends it offers.
        dir: ChanDir,
        /// The element type.
        elem: ExprId,
    },
}

id! {
    /// The operands of a slice expression.
    SliceId
}

/// The operands of `x[lo:hi:max]`.
#[derive(Clone, Copy, Debug)]
pub struct SliceParts {
    /// The operand.
    pub x: ExprId,
    /// Lower bound.
    pub lo: Option<ExprId>,
    /// Upper bound.
    pub hi: Option<ExprId>,
    /// Capacity bound.
    pub max: Option<ExprId>,
    /// Whether it has two colons.
    pub three: bool,
}

/// The kinds of basic literals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LitKind {
    /// `12`, `0x1f`, `1_000`
    Int,
    /// `1.5`, `0x1p-2`
    Float,
    /// `2i`
    Imag,
    /// `'a'`
    Char,
    /// `"a"` or a raw string.
    String,
}

/// Which ends a channel type offers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChanDir {
    /// `chan T`
    Both,
    /// `chan<- T`
    Send,
    /// `<-chan T`
    Recv,
}

/// Unary operators (`*x` is [`ExprKind::Star`]).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOp {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `!`
    Not,
    /// `^`
    Xor,
    /// `&`
    And,
    /// `<-`
    Recv,
    /// `~` in constraints
    Tilde,
}

/// Binary operators, also those of `op=` assignments.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)] // the names are those of go/token
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Quo,
    Rem,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    AndNot,
    LAnd,
    LOr,
    Eql,
    Neq,
    Lss,
    Leq,
    Gtr,
    Geq,
}

/// A statement with its extent.
#[derive(Clone, Copy, Debug)]
pub struct Stmt {
    /// From the first to behind the last byte.
    pub span: Span,
    /// What it is.
    pub kind: StmtKind,
}

/// The kinds of statements.
#[derive(Clone, Copy, Debug)]
pub enum StmtKind {
    /// Something that could not be parsed.
    Bad,
    /// `const`, `type` or `var` inside a body.
    Decl(DeclId),
    /// `;` alone, or nothing before a `}`.
    Empty {
        /// Whether the semicolon was left out in the source.
        implicit: bool,
    },
    /// `label: stmt`
    Labeled {
        /// The label.
        label: Ident,
        /// What it marks.
        stmt: StmtId,
    },
    /// An expression for its effect.
    Expr(ExprId),
    /// `ch <- value`
    Send {
        /// The channel.
        chan: ExprId,
        /// The value.
        value: ExprId,
    },
    /// `x++` or `x--`
    IncDec {
        /// The operand.
        x: ExprId,
        /// `++`, not `--`.
        inc: bool,
    },
    /// `lhs = rhs`, `lhs := rhs`, `lhs op= rhs`
    Assign {
        /// Left side.
        lhs: List<ExprId>,
        /// How it assigns.
        op: AssignOp,
        /// Right side; one call or comma-ok expression may feed several left sides.
        rhs: List<ExprId>,
    },
    /// `go call`
    Go(ExprId),
    /// `defer call`
    Defer(ExprId),
    /// `return values`
    Return(List<ExprId>),
    /// `break`, `continue`, `goto`, `fallthrough`
    Branch {
        /// Which of them.
        tok: BranchTok,
        /// The label, where given.
        label: Option<LabelRef>,
    },
    /// `{...}`
    Block(List<StmtId>),
    /// `if init; cond {...} else ...`
    If(IfId),
    /// `case values:` or `default:` of a switch or type switch; only inside a switch body.
    Case {
        /// Values or types; empty for `default` (a `case` always has one).
        values: List<ExprId>,
        /// The clause's statements.
        body: List<StmtId>,
    },
    /// `switch init; tag {...}`
    Switch {
        /// Simple statement before the tag.
        init: Option<StmtId>,
        /// The value compared with.
        tag: Option<ExprId>,
        /// A block of [`StmtKind::Case`].
        body: StmtId,
    },
    /// `switch init; x := y.(type) {...}`
    TypeSwitch {
        /// Simple statement before the guard.
        init: Option<StmtId>,
        /// `x := y.(type)` (an assignment) or `y.(type)` (an expression statement).
        guard: StmtId,
        /// A block of [`StmtKind::Case`].
        body: StmtId,
    },
    /// `case comm:` or `default:` of a select; only inside a select body.
    Comm {
        /// The send, receive or assignment from a receive; none for `default`.
        comm: Option<StmtId>,
        /// The clause's statements.
        body: List<StmtId>,
    },
    /// `select {...}`: a block of [`StmtKind::Comm`].
    Select(StmtId),
    /// `for init; cond; post {...}`
    For(ForId),
    /// `for key, value := range x {...}`
    Range(RangeId),
}

/// A label that a branch statement names.
#[derive(Clone, Copy, Debug)]
pub struct LabelRef {
    /// The label's name.
    pub name: Symbol,
    /// Where it starts.
    pub pos: u32,
}

id! {
    /// The parts of an `if`.
    IfId
}
id! {
    /// The parts of a `for` without `range`.
    ForId
}
id! {
    /// The parts of a `for ... range`.
    RangeId
}

/// The parts of `if init; cond {then} else alt`.
#[derive(Clone, Copy, Debug)]
pub struct IfParts {
    /// Simple statement before the condition.
    pub init: Option<StmtId>,
    /// The condition.
    pub cond: ExprId,
    /// The block taken when it holds.
    pub then: StmtId,
    /// A block or another `if`.
    pub alt: Option<StmtId>,
}

/// The parts of `for init; cond; post {body}`.
#[derive(Clone, Copy, Debug)]
pub struct ForParts {
    /// Before the loop.
    pub init: Option<StmtId>,
    /// Tested before each round.
    pub cond: Option<ExprId>,
    /// After each round.
    pub post: Option<StmtId>,
    /// The loop's block.
    pub body: StmtId,
}

/// The parts of `for key, value := range x {body}`.
#[derive(Clone, Copy, Debug)]
pub struct RangeParts {
    /// First variable or assignable expression.
    pub key: Option<ExprId>,
    /// Second one.
    pub value: Option<ExprId>,
    /// Whether `:=` declares them, not `=`. False as well when there are none.
    pub define: bool,
    /// What is ranged over.
    pub x: ExprId,
    /// The loop's block.
    pub body: StmtId,
}

/// How an assignment assigns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AssignOp {
    /// `=`
    Assign,
    /// `:=`
    Define,
    /// `+=` and the like; never a comparison or logical operator.
    Op(BinaryOp),
}

/// The keyword of a branch statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names are the keywords
pub enum BranchTok {
    Break,
    Continue,
    Goto,
    Fallthrough,
}

/// A declaration with its extent.
#[derive(Clone, Copy, Debug)]
pub struct Decl {
    /// From the first to behind the last byte.
    pub span: Span,
    /// What it is.
    pub kind: DeclKind,
}

/// The kinds of declarations.
#[derive(Clone, Copy, Debug)]
pub enum DeclKind {
    /// Something that could not be parsed.
    Bad,
    /// `import`, `const`, `type` or `var`
    Gen {
        /// Which keyword.
        tok: GenTok,
        /// Its specifications.
        specs: List<SpecId>,
        /// Whether they stand in parentheses.
        grouped: bool,
    },
    /// `func name(...) {...}`
    Func(FuncId),
}

/// The keyword of a general declaration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names are the keywords
pub enum GenTok {
    Import,
    Const,
    Type,
    Var,
}

id! {
    /// A function or method declaration.
    FuncId
}

/// A function or method declaration.
#[derive(Clone, Copy, Debug)]
pub struct FuncDecl {
    /// The receiver list; as in the source, it may hold more or fewer than one by mistake.
    pub recv: Option<FieldListId>,
    /// Its name.
    pub name: Ident,
    /// Type parameters, parameters and results.
    pub ty: FuncTypeId,
    /// Its body.
    pub body: Body,
}

/// The body of a function declaration.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// Declared without one: assembly or `go:linkname`.
    None,
    /// Left unparsed; [`crate::parse_body`] reads it when asked. The span includes the braces.
    Skipped(Span),
    /// A [`StmtKind::Block`].
    Block(StmtId),
}

/// A specification with its extent.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// From the first to behind the last byte.
    pub span: Span,
    /// What it is.
    pub kind: SpecKind,
}

/// The kinds of specifications.
#[derive(Clone, Copy, Debug)]
pub enum SpecKind {
    /// `name "path"`
    Import {
        /// The local name, `.` and `_` included.
        name: Option<Ident>,
        /// The unquoted path.
        path: Symbol,
        /// Where the quoted path stands.
        path_span: Span,
    },
    /// One line of a `const` or `var` declaration.
    Value {
        /// The names declared.
        names: List<Ident>,
        /// The type, where given.
        ty: Option<ExprId>,
        /// The values, where given.
        values: List<ExprId>,
        /// Index of the specification in its declaration: the value of `iota`.
        iota: u32,
    },
    /// One line of a `type` declaration.
    Type {
        /// The name declared.
        name: Ident,
        /// Type parameters.
        type_params: Option<FieldListId>,
        /// Whether it is an alias (`=`).
        alias: bool,
        /// The type.
        ty: ExprId,
    },
}

/// A list of fields with the extent of its brackets (or of its fields, where there are none).
#[derive(Clone, Copy, Debug)]
pub struct FieldList {
    /// Extent, brackets included.
    pub span: Span,
    /// The fields.
    pub fields: List<Field>,
}

/// A line of a struct, a group of parameters, or a member of an interface.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// From the first name, or type, to the tag or type.
    pub span: Span,
    /// Names; none for embedded and unnamed ones.
    pub names: List<Ident>,
    /// The type; in interfaces a signature, a type, a union or `~T`.
    pub ty: ExprId,
    /// The tag of a struct field, a string literal.
    pub tag: Option<ExprId>,
}

/// A function type.
#[derive(Clone, Copy, Debug)]
pub struct FuncType {
    /// From `func` (where there is one) to the end of the results.
    pub span: Span,
    /// Type parameters.
    pub type_params: Option<FieldListId>,
    /// Parameters.
    pub params: FieldListId,
    /// Results; a single unnamed result without parentheses is a list too.
    pub results: Option<FieldListId>,
}

/// The nodes of one file. Read them with [`Ast::expr`] and its siblings.
#[derive(Default, Debug)]
pub struct Ast {
    pub(crate) exprs: Vec<Expr>,
    pub(crate) stmts: Vec<Stmt>,
    pub(crate) decls: Vec<Decl>,
    pub(crate) specs: Vec<Spec>,
    pub(crate) funcs: Vec<FuncDecl>,
    pub(crate) func_types: Vec<FuncType>,
    pub(crate) field_lists: Vec<FieldList>,
    pub(crate) slices: Vec<SliceParts>,
    pub(crate) ifs: Vec<IfParts>,
    pub(crate) fors: Vec<ForParts>,
    pub(crate) ranges: Vec<RangeParts>,
    pub(crate) expr_pool: Vec<ExprId>,
    pub(crate) stmt_pool: Vec<StmtId>,
    pub(crate) decl_pool: Vec<DeclId>,
    pub(crate) spec_pool: Vec<SpecId>,
    pub(crate) ident_pool: Vec<Ident>,
    pub(crate) field_pool: Vec<Field>,
}

/// Types of nodes that stand in lists.
pub trait Listed: Sized {
    /// The pool that holds lists of this type.
    fn pool(ast: &Ast) -> &[Self];
}

macro_rules! listed {
    ($($ty:ty => $pool:ident),* $(,)?) => {$(
        impl Listed for $ty {
            fn pool(ast: &Ast) -> &[Self] {
                &ast.$pool
            }
        }
    )*};
}
listed! {
    ExprId => expr_pool,
    StmtId => stmt_pool,
    DeclId => decl_pool,
    SpecId => spec_pool,
    Ident => ident_pool,
    Field => field_pool,
}

impl Ast {
    /// The expression `id`.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()]
    }
    /// The statement `id`.
    pub fn stmt(&self, id: StmtId) -> &Stmt {
        &self.stmts[id.index()]
    }
    /// The declaration `id`.
    pub fn decl(&self, id: DeclId) -> &Decl {
        &self.decls[id.index()]
    }
    /// The specification `id`.
    pub fn spec(&self, id: SpecId) -> &Spec {
        &self.specs[id.index()]
    }
    /// The function declaration `id`.
    pub fn func(&self, id: FuncId) -> &FuncDecl {
        &self.funcs[id.index()]
    }
    /// The function type `id`.
    pub fn func_type(&self, id: FuncTypeId) -> &FuncType {
        &self.func_types[id.index()]
    }
    /// The field list `id`.
    pub fn field_list(&self, id: FieldListId) -> &FieldList {
        &self.field_lists[id.index()]
    }
    /// The fields of the list `id`.
    pub fn fields(&self, id: FieldListId) -> &[Field] {
        self.list(self.field_list(id).fields)
    }
    /// The operands of a slice expression.
    pub fn slice(&self, id: SliceId) -> &SliceParts {
        &self.slices[id.index()]
    }
    /// The parts of an `if`.
    pub fn if_parts(&self, id: IfId) -> &IfParts {
        &self.ifs[id.index()]
    }
    /// The parts of a `for`.
    pub fn for_parts(&self, id: ForId) -> &ForParts {
        &self.fors[id.index()]
    }
    /// The parts of a `for ... range`.
    pub fn range_parts(&self, id: RangeId) -> &RangeParts {
        &self.ranges[id.index()]
    }
    /// The nodes of a list.
    pub fn list<T: Listed>(&self, list: List<T>) -> &[T] {
        let start = list.start as usize;
        &T::pool(self)[start..start + list.len as usize]
    }
    /// Number of expressions: the length of a table keyed by [`ExprId`].
    pub fn expr_count(&self) -> usize {
        self.exprs.len()
    }
    /// Number of statements: the length of a table keyed by [`StmtId`].
    pub fn stmt_count(&self) -> usize {
        self.stmts.len()
    }
    /// Number of function declarations.
    pub fn func_count(&self) -> usize {
        self.funcs.len()
    }
    /// `id` with all parentheses around it taken off.
    pub fn unparen(&self, mut id: ExprId) -> ExprId {
        while let ExprKind::Paren(x) = self.expr(id).kind {
            id = x;
        }
        id
    }
}

const _: () = assert!(size_of::<Expr>() <= 24 && size_of::<Stmt>() <= 32);
