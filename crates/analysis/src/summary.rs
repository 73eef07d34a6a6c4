//! What callers see of a function.
//!
//! A summary is written in terms of what the function is given: its receiver and
//! parameters, what they lead to, the variables it captures and globals.

use crate::origin::{Loc, OriginId};
use crate::state::{Fact, Weak};
use crate::term::Path;
use std::rc::Rc;
use tophash_flow::{Const, FuncName, VarId};
use tophash_syntax::Symbol;
use tophash_syntax::ast::{BinaryOp, UnaryOp};
use tophash_types::TypeId;

/// A value that a function is given, or is computed from such values.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Given {
    /// The receiver or a parameter; the receiver of a method counts as the first one.
    Param(u32),
    /// A captured variable, for closures.
    Var(VarId),
    /// A package-level variable.
    Global(Symbol, Symbol),
    /// What a pointer points to.
    Deref(Rc<Given>),
    /// A field.
    Field(Rc<Given>, u32),
    /// The element of a map, by its key where that has a name.
    Element(Rc<Given>, Option<Rc<Given>>),
    /// An element of a map, or whether it was there, of a key that has no name: only as
    /// what a function returns.
    Present(Rc<Given>),
    /// `len(x)`
    Len(Rc<Given>),
    /// `x == y`
    Equal(Rc<Given>, Rc<Given>),
    /// `x op y`
    Binary(BinaryOp, Rc<Given>, Rc<Given>),
    /// `op x`
    Unary(UnaryOp, Rc<Given>),
    /// Whether the dynamic type is that type.
    HasType(Rc<Given>, TypeId),
    /// What a function that answers the same question in the same way says of that.
    Call(FuncName, Rc<[Given]>),
    /// A constant.
    Const(Const),
}

/// What has to hold of the arguments for something to happen.
pub type Conditions = Vec<(Given, Fact)>;

/// A write to a map, as findings tell of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// The statement's map element.
    pub at: Loc,
    /// The function around it.
    pub function: Rc<str>,
    /// That function's own name.
    pub name: Rc<str>,
    /// The map in the words of the source.
    pub map: Rc<str>,
    /// The struct type and field, where it is one.
    pub field: Option<FieldName>,
}

/// A field of a defined struct type.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FieldName {
    /// Package of the type.
    pub package: Symbol,
    /// Name of the type.
    pub owner: Symbol,
    /// Name of the field.
    pub field: Symbol,
}

/// A call on the way to a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The call.
    pub at: Loc,
    /// The function it stands in.
    pub function: Rc<str>,
    /// The name of the function called.
    pub callee: Rc<str>,
}

/// A map that the function writes without having made or tested it.
#[derive(Clone, Debug)]
pub struct Need {
    /// The map.
    pub map: Given,
    /// Where it is written.
    pub write: Rc<Write>,
    /// Calls from the function to there.
    pub via: Vec<Step>,
    /// What holds on the way to the write.
    pub conditions: Conditions,
    /// What the way rests on.
    pub weak: Option<Weak>,
}

/// A place that a function writes to, in terms of what it is given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// What the place is a part of: a pointer's target, a captured variable, a global.
    pub base: Base,
    /// Fields from there down.
    pub path: Path,
}

/// Where a [`Target`] starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Base {
    /// What a given pointer points to.
    Pointee(Given),
    /// A captured variable.
    Var(VarId),
    /// A package-level variable.
    Global(Symbol, Symbol),
}

/// A value that a function leaves behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Left {
    /// Anything.
    Unknown,
    /// The zero value.
    Zero(Option<OriginId>),
    /// A map that is not nil.
    Made,
    /// Not the zero value.
    NonZero,
    /// A constant.
    Const(Const),
    /// What was given.
    Given(Given),
    /// A pointer to the object of that number, made by the function, or a part of it.
    New(u32, Path),
    /// A pointer to a part of what was given.
    Address(Target),
    /// The elements of a map: none, or any.
    Elements {
        /// Whether there are none.
        empty: bool,
    },
    /// A struct by its parts.
    Struct(Box<Left>, Vec<(u32, Left)>),
}

impl Left {
    /// Whether a nil map is in it, or something that is zero as a whole and holds one.
    pub(crate) fn has_nil(&self) -> bool {
        match self {
            Left::Zero(origin) => origin.is_some(),
            Left::Struct(rest, fields) => {
                rest.has_nil() || fields.iter().any(|(_, left)| left.has_nil())
            }
            _ => false,
        }
    }

    /// Whether it is zero in all its parts.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Left::Zero(_) => true,
            Left::Struct(rest, fields) => {
                rest.is_zero() && fields.iter().all(|(_, left)| left.is_zero())
            }
            _ => false,
        }
    }

    /// Whether it, or a part of it, may be anything.
    pub(crate) fn is_vague(&self) -> bool {
        match self {
            Left::Unknown | Left::Given(_) => true,
            Left::Struct(rest, fields) => {
                rest.is_vague() || fields.iter().any(|(_, left)| left.is_vague())
            }
            _ => false,
        }
    }

    /// The same where nothing is known of what is nil.
    pub(crate) fn without_nils(&self) -> Left {
        match self {
            Left::Zero(Some(_)) => Left::Unknown,
            Left::Struct(rest, fields) => {
                let fields = fields.iter().map(|(n, left)| (*n, left.without_nils()));
                Left::Struct(Box::new(rest.without_nils()), fields.collect())
            }
            other => other.clone(),
        }
    }
}

/// One way in which a function returns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What holds then.
    pub conditions: Conditions,
    /// Objects that the function made and left reachable.
    pub objects: Vec<Left>,
    /// What it wrote, in the end.
    pub writes: Vec<(Target, Left)>,
    /// What it returns.
    pub results: Vec<Left>,
    /// Pointers that it gave to code that is not seen, which may have changed what they
    /// lead to before the function wrote there.
    pub given_away: Vec<Given>,
    /// Whether code that is not seen ran and may have changed anything it can reach.
    pub unseen: bool,
    /// What this way rests on.
    pub weak: Option<Weak>,
}

/// What callers see of a function.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Maps that it writes and that were given to it.
    pub needs: Vec<Need>,
    /// The ways in which it returns; none if it never does.
    pub outcomes: Vec<Outcome>,
    /// Nothing is known: its body could not be had.
    pub opaque: bool,
    /// The parameter, counted as in `Given::Param`, that takes several arguments as a slice.
    pub variadic: Option<u32>,
}

impl Summary {
    /// A function that may do anything.
    pub fn opaque() -> Summary {
        Summary {
            opaque: true,
            ..Summary::default()
        }
    }
}
