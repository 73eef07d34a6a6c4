//! The instruction set and the data that hold it.
//!
//! Plain data, not in single-assignment form. Rules that hold everywhere:
//!
//! - Operands are evaluated where they stand in an instruction. What the source
//!   evaluates earlier lies in a temporary, so that `m[k] = f()` calls `f` before
//!   the [`Op::MapWrite`], and `a, b = b, a` reads both first.
//! - A map is always a [`PlaceId`]; a map that is the value of an expression lies
//!   in a temporary.
//! - `m[k] += v`, `m[k]++` and `m[k] = append(m[k], v)` are a [`Value::MapRead`]
//!   and an [`Op::MapWrite`] of the same element.
//! - `m[a][b] = v` reads `m[a]` into a temporary and writes to that.
//! - A struct in a map, `m[k].f`, is read into a temporary, too.
//! - A variable belongs to the function that declares it. A closure that uses it
//!   names the same [`VarId`]: captures are by reference, as in the language.

use crate::place::{PlaceId, PlaceKind, Places};
use rustc_hash::FxHashMap;
use tophash_syntax::ast::{BinaryOp, ExprId, FuncId, UnaryOp};
use tophash_syntax::{Span, Symbol};
use tophash_types::{Builtin, FileId, ObjId, TypeId};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(pub u32);

        impl $name {
            /// Its place in the table.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}
index! {
    /// A function of a unit: 0 is the declared one, the others are closures.
    FnId
}
index! {
    /// A variable or temporary of a unit.
    VarId
}
index! {
    /// A basic block of a function; 0 is the entry.
    BlockId
}
index! {
    /// A `defer` statement of a function.
    DeferId
}

impl FnId {
    /// The declared function, or the initialisers of a file.
    pub const ROOT: FnId = FnId(0);
}
impl BlockId {
    /// Where a function starts.
    pub const ENTRY: BlockId = BlockId(0);
}

/// The name of a declared function or method, the same in all threads and runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FuncName {
    /// Import path of its package.
    pub package: Symbol,
    /// Name of the receiver's defined type, for methods; its type arguments and pointer left out.
    pub receiver: Option<Symbol>,
    /// Its own name.
    pub name: Symbol,
}

/// What a unit was made from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    /// A function declaration.
    Func(FuncId),
    /// The initial values of a file's package-level variables, in source order.
    Initialisers,
}

/// A declared function with all closures inside it; or the initial values of a file's
/// package-level variables.
#[derive(Debug)]
pub struct Unit {
    /// The file. All spans and expressions of the unit lie in it.
    pub file: FileId,
    /// What it was made from.
    pub source: Source,
    /// Its name. That of [`Source::Initialisers`] is `init`, shared by a package's files.
    pub name: FuncName,
    /// The declared function first, then the closures in the order in which they begin.
    pub functions: Vec<Function>,
    /// Variables and temporaries of all of them.
    pub vars: Vec<Var>,
    /// Access paths of all of them.
    pub places: Places,
}

impl Unit {
    /// One of its functions.
    pub fn function(&self, id: FnId) -> &Function {
        &self.functions[id.index()]
    }
    /// One of its variables.
    pub fn var(&self, id: VarId) -> &Var {
        &self.vars[id.index()]
    }
}

/// A function or closure.
#[derive(Debug)]
pub struct Function {
    /// Its id in the unit.
    pub id: FnId,
    /// The function it stands in; none for the declared one.
    pub parent: Option<FnId>,
    /// The function literal, for closures.
    pub literal: Option<ExprId>,
    /// From `func` to the end of its body.
    pub span: Span,
    /// The receiver, for methods; a variable even if it has no name.
    pub receiver: Option<VarId>,
    /// The parameters, unnamed ones included. A variadic one has a slice type.
    pub params: Vec<VarId>,
    /// Whether the last parameter is `...T`.
    pub variadic: bool,
    /// The results. Unnamed ones are variables too: `return x` assigns them.
    pub results: Vec<VarId>,
    /// Whether the results have names, so that a bare `return` and deferred closures see them.
    pub named_results: bool,
    /// Variables of enclosing functions that it or a closure inside it uses, each once.
    pub captures: Vec<VarId>,
    /// Deferred calls, in source order.
    pub defers: Vec<Deferred>,
    /// Whether a deferred closure calls `recover`: then the function may return after a
    /// panic anywhere, with its results as they are at that moment.
    pub recovers: bool,
    /// The basic blocks; every one can be reached from [`BlockId::ENTRY`].
    pub blocks: Vec<Block>,
}

impl Function {
    /// One of its blocks.
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.index()]
    }

    /// Whether a way leads from one block to another that passes none of those left out. The
    /// first block itself counts as passed.
    pub fn reaches(&self, from: BlockId, to: BlockId, left_out: impl Fn(BlockId) -> bool) -> bool {
        self.search(vec![from], to, left_out)
    }

    /// The same of a way of one step or more, the block that it starts from not counted.
    pub fn leads(&self, from: BlockId, to: BlockId, left_out: impl Fn(BlockId) -> bool) -> bool {
        let next = self.block(from).end.successors().map(|(_, next)| next);
        self.search(next.collect(), to, left_out)
    }

    /// The function literals of this function, by the temporaries that hold them.
    pub fn literals(&self, unit: &Unit) -> FxHashMap<PlaceId, FnId> {
        let mut literals = FxHashMap::default();
        for instr in self.blocks.iter().flat_map(|block| &block.instrs) {
            if let Op::Assign {
                dst,
                value: Value::Closure(id),
                ..
            } = instr.op
                && let PlaceKind::Var(var) = unit.places.get(dst).kind
                && unit.var(var).kind == VarKind::Temp
            {
                literals.insert(dst, id);
            }
        }
        literals
    }

    fn search(
        &self,
        mut open: Vec<BlockId>,
        to: BlockId,
        left_out: impl Fn(BlockId) -> bool,
    ) -> bool {
        let mut seen = vec![false; self.blocks.len()];
        while let Some(block) = open.pop() {
            if std::mem::replace(&mut seen[block.index()], true) || left_out(block) {
                continue;
            }
            if block == to {
                return true;
            }
            open.extend(self.block(block).end.successors().map(|(_, next)| next));
        }
        false
    }
}

/// A variable, parameter, result or temporary.
#[derive(Clone, Debug)]
pub struct Var {
    /// What it is.
    pub kind: VarKind,
    /// Its name; none for temporaries and what the source leaves unnamed (or names `_`).
    pub name: Option<Symbol>,
    /// Its type.
    pub ty: TypeId,
    /// The function that declares it.
    pub owner: FnId,
    /// The checker's object; none for temporaries.
    pub object: Option<ObjId>,
    /// The declaring identifier, or the expression that a temporary holds the value of.
    pub span: Span,
    /// The path that is this variable.
    pub place: PlaceId,
    /// Whether a closure uses it.
    pub captured: bool,
    /// Whether its address, or that of a part of it that is no pointer's target, is taken:
    /// it can then be changed through pointers.
    pub address_taken: bool,
}

/// The kinds of variables.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum VarKind {
    /// The receiver.
    Receiver,
    /// The parameter of that number.
    Param(u32),
    /// The result of that number.
    Result(u32),
    /// Declared in the body.
    Local,
    /// Holds the value of an expression. Assigned in one place of the source, read in the
    /// same statement.
    Temp,
}

/// Where an instruction comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct At {
    /// The extent of the expression, or of the statement where there is none.
    pub span: Span,
    /// The expression: of a map operation the index expression (or the call of `delete`),
    /// of an allocation the literal or call, of a call the call.
    pub expr: Option<ExprId>,
}

/// A basic block.
#[derive(Debug)]
pub struct Block {
    /// What it does.
    pub instrs: Vec<Instr>,
    /// Where it goes.
    pub end: Terminator,
    /// Where its end comes from: the condition, the `return` statement.
    pub end_at: At,
}

/// An instruction and where it comes from.
#[derive(Debug)]
pub struct Instr {
    /// What it does.
    pub op: Op,
    /// Where it comes from.
    pub at: At,
}

/// What an instruction does.
#[derive(Debug)]
pub enum Op {
    /// A variable begins to exist: its declaration is executed, which makes a new variable
    /// each time. Captures made before see the former one. Of a loop variable from Go 1.22
    /// (by the file's version) this stands where each round begins, before it where the
    /// whole loop has one variable. Its value follows as an [`Op::Assign`].
    Declare(VarId),
    /// `dst = value`, or `dst, ok = value`.
    Assign {
        /// What is assigned: never a map element.
        dst: PlaceId,
        /// The second value; only of [`Value::MapRead`], [`Value::TypeAssert`] and [`Value::Recv`].
        ok: Option<PlaceId>,
        /// The value.
        value: Value,
    },
    /// `m[k] = v`: panics if the map is nil.
    MapWrite {
        /// A [`crate::PlaceKind::MapElem`].
        elem: PlaceId,
        /// What is stored.
        value: Operand,
        /// The form in the source.
        form: WriteForm,
    },
    /// `delete(m, k)`: does nothing on a nil map.
    MapDelete {
        /// A [`crate::PlaceKind::MapElem`].
        elem: PlaceId,
    },
    /// `clear(m)`: does nothing on a nil map.
    MapClear {
        /// The map.
        map: PlaceId,
    },
    /// A call.
    Call(Box<Call>),
    /// `go call`: its operands are evaluated here, the call runs in another goroutine. Its
    /// results are empty.
    Go(Box<Call>),
    /// `defer call`: its operands are evaluated before this. The call itself stands as an
    /// [`Op::Call`] with [`Call::deferred`] on every way out of the function that comes
    /// through here.
    Defer(DeferId),
    /// `chan <- value`
    Send {
        /// The channel.
        chan: Operand,
        /// What is sent.
        value: Operand,
    },
    /// None of the two or more values or types holds that a switch without a default clause
    /// has cases for.
    NoCase {
        /// Whether there is another value or type, for all that is known.
        possible: bool,
    },
}

/// The forms in which the source writes a map element.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WriteForm {
    /// `m[k] = v`, alone or in a list.
    Assign,
    /// `m[k] op= v`
    OpAssign,
    /// `m[k]++`, `m[k]--`
    IncDec,
    /// `for m[k] = range x`, `case m[k] = <-c`
    Clause,
}

/// A value that costs nothing to read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operand {
    /// What lies at a path; never a map element.
    Place(PlaceId),
    /// The address of a path: `&x`, and the receiver of `x.M()` where `M` has a pointer
    /// receiver and `x` is no pointer. `&*p` is `Place(p)`.
    Addr(PlaceId),
    /// A constant.
    Const(Const),
    /// `nil`, of the type that it is used as.
    Nil,
}

/// A constant, as far as analyses care.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Const {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A string.
    Str(Symbol),
    /// Any other constant.
    Other(ExprId),
}

/// The right side of an assignment.
#[derive(Debug)]
pub enum Value {
    /// A copy: struct and array values are copied with their parts, maps shared.
    Use(Operand),
    /// The zero value, nil for maps: `var x T`, and what `new` and missing fields give.
    Zero(TypeId),
    /// `make(map[K]V)`, `make(map[K]V, n)`
    MakeMap {
        /// The map's type.
        ty: TypeId,
        /// The size.
        hint: Option<Operand>,
    },
    /// A map literal.
    MapLit {
        /// The map's type.
        ty: TypeId,
        /// Keys and elements in source order.
        entries: Box<[(Operand, Operand)]>,
    },
    /// A struct literal; fields not given are zero.
    StructLit {
        /// The struct's type, as named.
        ty: TypeId,
        /// Index of the field and its value, in source order. Promoted fields as keys
        /// (Go 1.27) follow as assignments.
        fields: Box<[(u32, Operand)]>,
    },
    /// A slice or array literal, or one of a type that is not known.
    ListLit {
        /// The type, as named.
        ty: TypeId,
        /// Elements in source order, without their indices.
        elems: Box<[Operand]>,
        /// Whether indices are given that may leave elements zero.
        keyed: bool,
    },
    /// `make([]T, len, cap)`: its elements are zero.
    MakeSlice {
        /// The slice's type.
        ty: TypeId,
        /// The length.
        len: Operand,
    },
    /// `make(chan T, n)`
    MakeChan {
        /// The channel's type.
        ty: TypeId,
        /// The size of its buffer.
        size: Option<Operand>,
    },
    /// `new(T)` or the object of `&T{}`: a pointer to a new variable that is zero. Its
    /// value follows as an assignment to the [`crate::PlaceKind::Deref`] of `dst`.
    New(TypeId),
    /// A function literal: it captures [`Function::captures`].
    Closure(FnId),
    /// A declared function as a value; of a method (`T.M`) with the receiver first.
    Func(FuncName),
    /// `x.M` as a value: the receiver is evaluated now.
    MethodValue {
        /// The receiver, as a call would pass it.
        receiver: Operand,
        /// The method.
        method: Method,
    },
    /// `T(x)`, a conversion that is written out. Those into interfaces that the
    /// language adds are not: compare the types of both sides.
    Convert {
        /// The operand.
        x: Operand,
        /// The new type.
        ty: TypeId,
    },
    /// `x.(T)`, also one for each type of a type switch. With `ok`, `dst` is zero where it is false.
    TypeAssert {
        /// The interface value.
        x: Operand,
        /// The asserted type.
        ty: TypeId,
    },
    /// `m[k]`: the zero value on a nil map, or where there is no such key.
    MapRead {
        /// A [`crate::PlaceKind::MapElem`].
        elem: PlaceId,
    },
    /// `<-c`
    Recv {
        /// The channel.
        chan: Operand,
    },
    /// `len(x)`
    Len(Operand),
    /// `append(s, elems...)`
    Append {
        /// The slice.
        slice: Operand,
        /// What is appended.
        elems: Box<[Operand]>,
        /// Whether the one element is itself a slice: `append(s, t...)`.
        spread: bool,
    },
    /// `x[lo:hi]`: shares the elements of `x`, which is an operand [`Operand::Addr`] for arrays.
    Slice(Operand),
    /// `x op y`, comparisons included; logical operators are branches.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        x: Operand,
        /// Right operand.
        y: Operand,
    },
    /// `op x`; never `&`, `<-`, `~`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// The operand.
        x: Operand,
    },
    /// `recover()`
    Recover,
    /// What could not be understood; may be anything.
    Unknown,
}

/// A method, declared or of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Method {
    /// Declared for a defined type.
    Static(FuncName),
    /// Called through an interface or a type parameter.
    Interface {
        /// The type of the receiver: the interface as named, or the type parameter.
        ty: TypeId,
        /// The method's name.
        name: Symbol,
    },
}

/// What is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Callee {
    /// A declared function, or a declared method with its receiver in [`Call::receiver`].
    Static(FuncName),
    /// A method through an interface or a type parameter; the value is in [`Call::receiver`].
    Interface {
        /// The type of the receiver: the interface as named, or the type parameter.
        ty: TypeId,
        /// The method's name.
        name: Symbol,
    },
    /// A function literal called where it stands, by `go` and `defer` too.
    Closure(FnId),
    /// A function value.
    Value(PlaceId),
    /// A predeclared function that has no instruction of its own.
    Builtin(Builtin),
    /// Not known.
    Unknown,
}

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is called.
    pub callee: Callee,
    /// The checker's object of a declared function or method; for an instance of a
    /// generic one, that of the generic one.
    pub object: Option<ObjId>,
    /// The receiver of a method, embedded fields on the way made explicit.
    pub receiver: Option<Operand>,
    /// The arguments, in order. Those for a variadic parameter stand one by one; `f(g())` with
    /// several results has them one by one, too.
    pub args: Box<[Operand]>,
    /// Whether the last argument is a slice given for the variadic parameter: `f(s...)`.
    pub spread: bool,
    /// Where the results go, one for each; empty if the call is a statement.
    pub results: Box<[PlaceId]>,
    /// The `defer` statement, where this is the call on the way out.
    pub deferred: Option<DeferId>,
}

/// A `defer` statement.
#[derive(Debug)]
pub struct Deferred {
    /// What is called; its operands are temporaries and constants.
    pub call: Call,
    /// The call in the source.
    pub at: At,
}

/// Where a block goes.
#[derive(Clone, Debug)]
pub enum Terminator {
    /// To another block.
    Jump(BlockId),
    /// To one of two.
    Branch {
        /// What decides.
        cond: Cond,
        /// Where it holds.
        then: BlockId,
        /// Where it doesn't.
        other: BlockId,
    },
    /// The head of a `for ... range`.
    Range(Box<RangeNext>),
    /// To one of the clauses of a `select`, each of which begins with its [`Op::Send`] or
    /// [`Value::Recv`]. `select {}` has none.
    Select(Box<[BlockId]>),
    /// Back to the caller, deferred calls done. The results lie in [`Function::results`].
    Return,
    /// Ends with a panic, or a call that never returns.
    Diverge(Divergence),
}

/// How a function ends without returning, deferred calls done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Divergence {
    /// `panic(...)`, which a caller may recover.
    Panic,
    /// The goroutine ends (`runtime.Goexit`, `t.FailNow`).
    Goexit,
    /// The process ends (`os.Exit`, `log.Fatal`); deferred calls don't run.
    Exit,
}

/// One step of a `for ... range`: the next element, if there is one.
#[derive(Clone, Debug)]
pub struct RangeNext {
    /// What kind of thing is ranged over.
    pub over: RangeOver,
    /// What is ranged over: evaluated before the loop.
    pub x: Operand,
    /// Where key, index or first value go on the way to `body`; a temporary.
    pub key: Option<PlaceId>,
    /// Where element or second value go on the way to `body`; a temporary.
    pub value: Option<PlaceId>,
    /// With an element.
    pub body: BlockId,
    /// When there are no more. A nil map has none.
    pub done: BlockId,
}

/// What can be ranged over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RangeOver {
    /// A map.
    Map,
    /// A slice, an array or a pointer to one.
    List,
    /// A string.
    String,
    /// An integer.
    Int,
    /// A channel.
    Chan,
    /// An iterator function. The body stands in this function although the iterator calls it;
    /// the iterator itself is called here, too.
    Func,
    /// Not known.
    Unknown,
}

/// A condition in its simplest form; a negated one has its branches swapped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cond {
    /// `x == nil`
    IsNil(PlaceId),
    /// `len(x) == 0`, in whatever form it is written.
    IsEmpty(PlaceId),
    /// A boolean, such as the `ok` of `v, ok := m[k]`.
    True(PlaceId),
    /// `x == y`
    Equal(Operand, Operand),
    /// `x < y`, of numbers and strings. Where it doesn't hold, floating-point numbers may
    /// be unordered.
    Less(Operand, Operand),
    /// Whether the `defer` statement was executed; only where it may or may not have been.
    Deferred(DeferId),
    /// Something else.
    Opaque,
}

const _: () = assert!(size_of::<Operand>() <= 16 && size_of::<Instr>() <= 72);
