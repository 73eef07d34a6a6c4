//! Where nil values come from.

use rustc_hash::FxHashMap;
use std::rc::Rc;
use tophash_flow::FuncName;
use tophash_syntax::{Span, Symbol};
use tophash_types::FileId;

/// A place in the program's source.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Loc {
    /// The file.
    pub file: FileId,
    /// The extent.
    pub span: Span,
}

/// How a nil map comes about.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum OriginKind {
    /// `var m map[K]V`
    Declared,
    /// A named result, before anything is assigned to it.
    NamedResult,
    /// `nil` written out.
    NilLiteral,
    /// `m = nil` to a variable or field that held a map.
    Cleared,
    /// A check that found it nil: `if m == nil`.
    Checked,
    /// `m, _ := x.(map[K]V)` where `x` holds something else.
    Assertion,
    /// A read from a nil map.
    AbsentElement,
    /// A read of an element that nothing was stored to.
    MissingElement,
    /// A variable of struct type, declared without a value.
    ZeroStruct(Rc<str>),
    /// A struct literal that leaves the field out.
    Literal(Rc<str>),
    /// `new(T)`
    New(Rc<str>),
    /// Elements of `make([]T, n)`.
    Elements(Rc<str>),
    /// `maps.Clone` of a nil map.
    Clone,
    /// A function returns the zero value of a type parameter.
    ZeroResult,
    /// What a function returns.
    Returned(FuncName, OriginId),
}

/// A way in which a nil comes about, and where.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Origin {
    /// The way.
    pub kind: OriginKind,
    /// Where.
    pub at: Loc,
    /// The function around it.
    pub function: Rc<str>,
    /// The name of the variable, where there is one.
    pub name: Option<Symbol>,
}

impl Origin {
    /// Whether it is the zero value of a whole struct, so that a nil map with this
    /// origin is a field that was left out.
    pub fn is_struct(&self) -> bool {
        matches!(
            self.kind,
            OriginKind::ZeroStruct(_)
                | OriginKind::Literal(_)
                | OriginKind::New(_)
                | OriginKind::Elements(_)
        )
    }
}

/// An origin of one [`Origins`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct OriginId(u32);

/// All origins seen by one worker.
#[derive(Default, Debug)]
pub struct Origins {
    origins: Vec<Origin>,
    interned: FxHashMap<Origin, OriginId>,
}

impl Origins {
    /// The id of an origin.
    pub fn intern(&mut self, origin: Origin) -> OriginId {
        if let Some(&id) = self.interned.get(&origin) {
            return id;
        }
        let id = OriginId(self.origins.len() as u32);
        self.origins.push(origin.clone());
        self.interned.insert(origin, id);
        id
    }

    /// An origin.
    pub fn get(&self, id: OriginId) -> &Origin {
        &self.origins[id.0 as usize]
    }

    /// Where a nil first came to be: what a function returned goes back to what it
    /// was inside that function.
    pub fn first(&self, mut id: OriginId) -> &Origin {
        while let OriginKind::Returned(_, inner) = self.get(id).kind {
            id = inner;
        }
        self.get(id)
    }
}
