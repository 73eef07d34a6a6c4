//! What local variables stand for.

use crate::class::ClassId;
use crate::lock::{Held, LockSet};
use std::rc::Rc;
use tophash_analysis::Loc;
use tophash_flow::{FnId, FuncName, PlaceId, VarId};

/// How an object is come by, which decides who else may have it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Base {
    /// Through a receiver, parameter or captured variable: as the caller has it.
    Var(VarId),
    /// Through a package-level variable.
    Global,
    /// Out of memory that others have, too.
    Shared,
    /// Out of the cache of an informer, which all readers of that cache have.
    Cached,
    /// It was made here, at that path, and nobody else has it.
    Fresh(PlaceId),
    /// Nothing is known.
    Unknown,
}

/// What was taken out of a shared variable, and under which locks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Taken {
    pub locks: LockSet,
    pub at: Loc,
}

/// What a variable holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Val {
    /// The same as lies in (or a pointer to) a variable of a class.
    Alias {
        class: ClassId,
        base: Base,
        taken: Option<Rc<Taken>>,
    },
    /// An object made here: a map, or a pointer to a struct.
    Fresh {
        made: PlaceId,
        class: ClassId,
    },
    /// A function literal.
    Closure(FnId),
    /// A declared function, or a method with its receiver.
    Func(FuncName, Option<Base>),
    /// A function that releases a lock.
    Unlock(Held),
    /// Whether a lock was taken.
    Tried(Held),
    Nil,
}
