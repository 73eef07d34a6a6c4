//! Ways of making, changing and filling objects that leave a map field nil, joined
//! with the functions that write to the field without a check.
//!
//! What the engine sees of one function, [`Bare`] writes to maps of which nothing is
//! known, is joined with what the package's source says of the field: where it is given
//! a value, where it is set to nil, where it is tested, and what fills its struct. Each
//! join rests on one assumption, which its [`Cause`] names.

mod chain;
mod cleared;
mod constructors;
mod decoded;
mod guard;
mod join;
mod uses;

use crate::origin::Loc;
use crate::summary::{FieldName, Write};
use std::rc::Rc;
use tophash_flow::{FnId, PlaceId};
use tophash_syntax::Symbol;

pub(crate) use join::left_nil;

/// A write to a map of which nothing is known where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Bare {
    /// The write.
    pub write: Rc<Write>,
    /// The function of the unit that it stands in.
    pub func: FnId,
    /// The map.
    pub map: PlaceId,
}

/// A map field that something leaves nil and that is written without a check.
#[derive(Clone, Debug)]
pub struct LeftNil {
    /// The field.
    pub field: FieldName,
    /// What leaves it nil.
    pub cause: Cause,
    /// The writes, in the order of the source.
    pub writes: Vec<Rc<Write>>,
}

/// What leaves a map field nil.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cause {
    /// What the object is decoded from may leave the field out.
    Decoded(Decoded),
    /// A generated message, whose maps are nil where they were not sent.
    Message {
        /// The name of the message type.
        message: Symbol,
    },
    /// A constructor makes the map on some of its ways only.
    SomeWays {
        /// Where the object is made.
        at: Loc,
        /// The constructor.
        function: Symbol,
    },
    /// A function makes and returns the object without the field, others with it.
    Maker {
        /// The literal.
        at: Loc,
        /// The function around it.
        function: Symbol,
    },
    /// A constructor keeps the map it is given, and another one makes it.
    Argument {
        /// Where the object is made.
        at: Loc,
        /// The constructor.
        function: Symbol,
        /// The constructor's parameter.
        parameter: Symbol,
    },
    /// A function sets the field to nil, and nothing makes it again.
    Cleared {
        /// Where.
        at: Loc,
        /// The function.
        function: Symbol,
    },
    /// The field is tested for nil where it is written elsewhere.
    Tested {
        /// The test.
        at: Loc,
        /// The function around the test.
        function: Symbol,
    },
    /// An element of a container is made without the field, others with it.
    Element {
        /// The literal.
        at: Loc,
        /// The function around it.
        function: Symbol,
    },
    /// Callers make the object, and may leave the field out.
    Callers {
        /// A literal that does, with the function around it.
        literal: Option<(Loc, Option<Symbol>)>,
    },
    /// Elements of a list in an object that is handed out empty, to be filled from a text.
    Filled {
        /// The function that it is handed to.
        by: Symbol,
    },
}

impl Cause {
    /// Whether the object is filled from a text or a message.
    pub fn is_decoding(&self) -> bool {
        matches!(
            self,
            Cause::Decoded(_) | Cause::Message { .. } | Cause::Filled { .. }
        )
    }
}

/// How an object is decoded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Decoded {
    /// The call.
    pub at: Loc,
    /// The name of the function called.
    pub by: Symbol,
    /// The function around the call.
    pub function: Option<Symbol>,
    /// The name of the field in the input, where its tag says one.
    pub key: Option<Symbol>,
}
