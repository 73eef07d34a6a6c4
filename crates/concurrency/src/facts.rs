//! What a function does that concerns others.

use crate::class::{ClassId, UnitId};
use crate::lock::{Held, LockSet};
use crate::value::{Base, Taken};
use smallvec::SmallVec;
use std::rc::Rc;
use tophash_analysis::Loc;
use tophash_flow::{BlockId, FnId, Operand, PlaceId, VarId};
use tophash_syntax::Span;

/// A function or closure of the package.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct FnRef {
    pub unit: UnitId,
    pub function: FnId,
}

/// What is done to a map.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum AccessKind {
    /// An element is assigned.
    Write,
    /// An element is deleted, or all are.
    Delete,
    /// It is ranged over, copied or printed.
    Iterate,
    /// An element is read.
    Read,
    /// Its length is taken.
    Len,
    /// Another map takes its place.
    Replace,
}

impl AccessKind {
    /// Whether it changes the map or puts another in its place.
    pub(crate) fn changes(self) -> bool {
        self.writes() || self == AccessKind::Replace
    }

    /// Whether it changes the map itself.
    pub fn writes(self) -> bool {
        matches!(self, AccessKind::Write | AccessKind::Delete)
    }
}

/// Locks at a point of a function, relative to those held when it was entered.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Locks {
    /// Held on every way.
    pub must: LockSet,
    /// Held on some way.
    pub may: LockSet,
    /// Released though they were taken elsewhere.
    pub released: SmallVec<[ClassId; 2]>,
}

/// A use of a map.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub class: ClassId,
    pub base: Base,
    /// The variable that the path to the map starts at.
    pub root: Option<VarId>,
    pub kind: AccessKind,
    pub at: Loc,
    /// Where a function called from here does it.
    pub inner: Option<(Loc, Rc<str>)>,
    pub func: FnRef,
    pub locks: Locks,
    /// For maps that were taken out of their variable before.
    pub taken: Option<Rc<Taken>>,
    /// Whether the map was put in its place in the same stretch of locked code.
    pub filling: bool,
    /// The map in the words of the source.
    pub text: Rc<str>,
    /// Goroutines started in this function that may be at work.
    pub running: SmallVec<[u32; 2]>,
}

/// How a function is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EdgeKind {
    /// Here and now.
    Call,
    /// Perhaps: one of several functions that may be meant.
    Maybe,
    /// It is handed to code that is not known, which may call it now or later.
    Handed,
    /// It is kept for later.
    Kept,
    /// In a goroutine of its own.
    Spawn,
    /// Once, before anything that others do with what it makes.
    Once,
}

/// A call of a function of the package.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub from: FnRef,
    pub to: FnRef,
    pub kind: EdgeKind,
    pub at: Loc,
    pub locks: Locks,
    /// What its receiver and parameters get.
    pub args: Vec<Argument>,
    /// Captured variables that hold objects nobody else has.
    pub fresh: Vec<VarId>,
    /// Of [`EdgeKind::Spawn`]: whether whoever runs it does so several times at once.
    pub many: bool,
    /// Of [`EdgeKind::Spawn`]: whether a function of the package starts the goroutine, which
    /// may do so in circumstances that aren't seen here.
    pub indirect: bool,
    /// Of [`EdgeKind::Spawn`]: whether it is only made known here to a server, which starts
    /// later.
    pub registered: bool,
    /// The block it stands in.
    pub block: BlockId,
    /// Goroutines started in the calling function that may be at work.
    pub running: SmallVec<[u32; 2]>,
}

/// What a receiver or parameter gets in a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argument {
    pub param: VarId,
    pub base: Base,
    /// The variable of the caller that it is come by through.
    pub root: Option<VarId>,
    /// What it is in the caller's words, where that is known.
    pub class: Option<ClassId>,
}

/// A guarded map, or what may be one, that leaves a function.
#[derive(Clone, Debug)]
pub(crate) struct Escape {
    pub class: ClassId,
    pub base: Base,
    pub at: Loc,
    pub func: FnRef,
    pub kind: EscapeKind,
    pub locks: Locks,
    /// When the map was taken out of its variable.
    pub taken: Option<Rc<Taken>>,
    pub text: Rc<str>,
}

/// How a map leaves a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EscapeKind {
    /// It is returned.
    Returned,
    /// It is part of a struct that is returned.
    InResult,
    /// It is sent on a channel.
    Sent,
}

/// What a function returns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Ret {
    Unknown,
    Nil,
    Fresh,
    Alias(ClassId, Base, Option<Rc<Taken>>),
    Unlock(Held),
}

/// A parameter that is called.
#[derive(Clone, Debug)]
pub(crate) struct ParamCall {
    pub param: VarId,
    pub kind: EdgeKind,
    pub locks: Locks,
    pub many: bool,
    /// What it is given, by number, where that leads to a map.
    pub args: Vec<(usize, ClassId, Base)>,
}

/// What is done with a `sync.Map`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SyncOp {
    /// A key is looked for; where what is found goes.
    Load(Option<VarId>),
    /// A value is stored under a key.
    Store(Operand),
    /// Any other method.
    Method,
    /// Another one takes its place.
    Replace,
    /// It is copied.
    Copy,
}

/// A use of a `sync.Map`.
#[derive(Clone, Debug)]
pub(crate) struct SyncUse {
    pub class: ClassId,
    pub base: Base,
    pub op: SyncOp,
    pub key: Option<Operand>,
    /// Of [`SyncOp::Store`]: whether it is an object made in this function.
    pub fresh: bool,
    pub at: Loc,
    pub func: FnRef,
    pub locks: Locks,
    pub block: BlockId,
    pub text: Rc<str>,
}

/// A use of a map while a copy of a lock is held, of the struct that was copied with both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnderCopy {
    /// The use, by its place among the function's.
    pub access: usize,
    pub lock: ClassId,
    /// The copy.
    pub var: VarId,
}

/// A write to a map that somebody was given before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AfterSend {
    /// The write, by its place among the function's accesses.
    pub access: usize,
    /// Where the map was given away.
    pub sent: Sent,
}

/// A map that was given to a goroutine that goes its own way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sent {
    /// The map, if it was made here.
    pub made: Option<PlaceId>,
    /// The variable it lies in, if not.
    pub class: Option<ClassId>,
    /// By a `go` statement, and not on a channel.
    pub by_go: bool,
    pub span: Span,
}

/// What a function does that concerns others.
#[derive(Default, Debug)]
pub(crate) struct FnFacts {
    pub syncs: Vec<SyncUse>,
    pub under_copies: Vec<UnderCopy>,
    pub after_sends: Vec<AfterSend>,
    /// Maps put into a context: the key, and where.
    pub context_puts: Vec<(ClassId, Loc)>,
    /// Functions that get objects of an informer's cache.
    pub informer_handlers: Vec<FnRef>,
    pub accesses: Vec<Access>,
    pub edges: Vec<Edge>,
    pub escapes: Vec<Escape>,
    /// Locks it returns with, on every way.
    pub acquires: LockSet,
    /// Locks it returns with, on some way.
    pub may_acquire: LockSet,
    /// Locks of its callers that it releases.
    pub releases: Vec<ClassId>,
    pub returns: Vec<Ret>,
    /// Parameters whose objects others may have afterwards.
    pub publishes: Vec<VarId>,
    pub param_calls: Vec<ParamCall>,
    /// Locks that it takes alone: they are not held when it begins.
    pub takes: Vec<ClassId>,
    /// Variables that another map is put into, by callees, too.
    pub replaces: Vec<ClassId>,
    /// Variables of which a lock is taken.
    pub locked: Vec<VarId>,
    /// Goroutines that it starts and that may be at work when it returns, by the place of the
    /// `go` statement.
    pub left: Vec<u32>,
    /// Calls in it of functions that leave goroutines at work, by their place, with the variable
    /// that the receiver is come by through.
    pub starts: Vec<(u32, Option<VarId>)>,
    /// Whether it waits for goroutines.
    pub waits: bool,
    /// Whether it is a test that goes on beside others, by `t.Parallel`.
    pub parallel: bool,
}
