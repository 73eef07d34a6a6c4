//! Names for values that are not known.
//!
//! Two reads that must give the same run-time value give the same [`Term`], so
//! that a test of one holds for the other: `m := p.cache; if m == nil {...}`
//! says something of `p.cache`. Terms belong to the analysis of one function.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::rc::Rc;
use tophash_flow::{BlockId, Const, FuncName, VarId};
use tophash_syntax::Symbol;
use tophash_syntax::ast::{BinaryOp, UnaryOp};
use tophash_types::TypeId;

/// The name of an unknown value in the analysis of one function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Term(u32);

/// An instruction of the function under analysis; a block's terminator stands
/// behind its instructions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Site {
    /// The block.
    pub block: BlockId,
    /// The instruction's place in it.
    pub instr: u32,
}

impl Site {
    /// Where states meet at the beginning of a block.
    pub fn join(block: BlockId) -> Site {
        Site {
            block,
            instr: u32::MAX,
        }
    }
}

/// A piece of memory that values lie in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Root {
    /// A variable of the unit.
    Var(VarId),
    /// What an allocation made; the second number tells several of one instruction apart.
    Alloc(Site, u16),
    /// What an unknown pointer points to.
    Pointee(Term),
    /// A package-level variable, by package and name.
    Global(Symbol, Symbol),
}

/// Field indices from a root down; [`ELEM`] stands for any element of a list.
pub type Path = SmallVec<[u32; 4]>;

/// The step of a [`Path`] that means any element of an array or slice.
pub const ELEM: u32 = u32::MAX;

/// What an unknown value is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum TermKind {
    /// What lay in a root when the function was entered.
    Contents(Root),
    /// What lies there after code that is not seen has run at the site.
    Havoc(Site, Term),
    /// A field of a struct.
    Field(Term, u32),
    /// What an instruction gave; the number tells its results apart.
    Result(Site, u16),
    /// What different values became where states met.
    Join(BlockId, Root, Path),
    /// A constant.
    Const(Const),
    /// `len(x)`
    Len(Term),
    /// A copy of a map, nil of nil.
    Clone(Term, Site),
    /// `x == y`, the smaller term first.
    Equal(Term, Term),
    /// `x op y`
    Binary(BinaryOp, Term, Term),
    /// `op x`
    Unary(UnaryOp, Term),
    /// Whether the dynamic type of `x` is that type.
    HasType(Term, TypeId),
    /// What the instruction read from a map, and whether it was there (1): if either is
    /// not zero, the map is not nil.
    Element(Term, Site, u16),
    /// The element of that key in such contents of a map, and whether it was there (1).
    At(Term, Term, u16),
    /// The result of a function for such arguments, as far as conditions care.
    Call(FuncName, Rc<[Term]>),
}

/// All terms of one function's analysis.
#[derive(Default, Debug)]
pub struct Terms {
    kinds: Vec<(TermKind, u32)>,
    interned: FxHashMap<TermKind, Term>,
}

/// Terms nest no deeper than this: beyond it a value has no name but its
/// instruction's, so that what is built from `x = x + x` stays small.
const MAX_DEPTH: u32 = 8;

impl Terms {
    /// The term of a kind that was built before.
    pub fn find(&self, kind: &TermKind) -> Option<Term> {
        self.interned.get(kind).copied()
    }

    /// Whether a term is a length or a sum of lengths: never negative.
    pub fn is_length(&self, term: Term) -> bool {
        match *self.kind(term) {
            TermKind::Len(_) => true,
            TermKind::Binary(BinaryOp::Add, x, y) => self.is_length(x) && self.is_length(y),
            _ => false,
        }
    }

    /// The term of a kind, unless it would nest too deeply.
    pub fn build(&mut self, kind: TermKind) -> Option<Term> {
        (self.depth_of(&kind) <= MAX_DEPTH).then(|| self.intern(kind))
    }

    fn depth_of(&self, kind: &TermKind) -> u32 {
        let depth = |term: &Term| self.kinds[term.0 as usize].1;
        match kind {
            TermKind::Contents(Root::Pointee(of))
            | TermKind::Havoc(_, of)
            | TermKind::Field(of, _)
            | TermKind::Len(of)
            | TermKind::Clone(of, _)
            | TermKind::Unary(_, of)
            | TermKind::HasType(of, _)
            | TermKind::Element(of, ..) => 1 + depth(of),
            TermKind::Equal(x, y) | TermKind::Binary(_, x, y) | TermKind::At(x, y, _) => {
                1 + depth(x).max(depth(y))
            }
            TermKind::Call(_, args) => 1 + args.iter().map(depth).max().unwrap_or(0),
            TermKind::Contents(_)
            | TermKind::Result(..)
            | TermKind::Join(..)
            | TermKind::Const(_) => 0,
        }
    }
    /// The term of a kind.
    pub fn intern(&mut self, kind: TermKind) -> Term {
        if let Some(&term) = self.interned.get(&kind) {
            return term;
        }
        let term = Term(self.kinds.len() as u32);
        let depth = self.depth_of(&kind);
        self.kinds.push((kind.clone(), depth));
        self.interned.insert(kind, term);
        term
    }

    /// What a term is.
    pub fn kind(&self, term: Term) -> &TermKind {
        &self.kinds[term.0 as usize].0
    }

    /// The term with every trace of unseen code taken out: what conditions are
    /// compared by. Code that is not seen is assumed not to change the outcome of a
    /// condition between two tests of it: a wrong assumption hides a path, it never
    /// invents one.
    pub fn stable(&mut self, term: Term) -> Term {
        match self.kind(term).clone() {
            TermKind::Havoc(_, of) => self.stable(of),
            TermKind::Contents(Root::Pointee(of)) => {
                let of = self.stable(of);
                self.intern(TermKind::Contents(Root::Pointee(of)))
            }
            TermKind::Field(of, index) => {
                let of = self.stable(of);
                self.intern(TermKind::Field(of, index))
            }
            TermKind::Len(of) => {
                let of = self.stable(of);
                self.intern(TermKind::Len(of))
            }
            TermKind::Equal(x, y) => {
                let (x, y) = (self.stable(x), self.stable(y));
                self.equal(x, y)
            }
            TermKind::Binary(op, x, y) => {
                let (x, y) = (self.stable(x), self.stable(y));
                self.intern(TermKind::Binary(op, x, y))
            }
            TermKind::Unary(op, x) => {
                let x = self.stable(x);
                self.intern(TermKind::Unary(op, x))
            }
            TermKind::HasType(x, ty) => {
                let x = self.stable(x);
                self.intern(TermKind::HasType(x, ty))
            }
            TermKind::Call(name, args) => {
                let args = args.iter().map(|&arg| self.stable(arg)).collect();
                self.intern(TermKind::Call(name, args))
            }
            TermKind::Element(..)
            | TermKind::At(..)
            | TermKind::Clone(..)
            | TermKind::Result(..)
            | TermKind::Join(..)
            | TermKind::Const(_)
            | TermKind::Contents(_) => term,
        }
    }

    /// `x == y`
    pub fn equal(&mut self, x: Term, y: Term) -> Term {
        self.intern(TermKind::Equal(x.min(y), x.max(y)))
    }

    /// The map whose contents a term names.
    pub fn map_of(&self, contents: Term) -> Option<Term> {
        match *self.kind(contents) {
            TermKind::Havoc(_, of) => self.map_of(of),
            TermKind::Contents(Root::Pointee(map)) => Some(map),
            _ => None,
        }
    }

    /// Whether a name for what an instruction gave or left, by which the term is told from
    /// others, is one for which `f` does not hold.
    pub fn lacks(&self, term: Term, f: &impl Fn(Term) -> bool) -> bool {
        let mut lacks = false;
        self.names(term, &mut |name| lacks |= !f(name));
        lacks
    }

    /// Calls `f` with each name for what an instruction gave or left that a term is built on.
    pub fn names(&self, term: Term, f: &mut impl FnMut(Term)) {
        match self.kind(term) {
            TermKind::Result(..) | TermKind::Join(..) => f(term),
            TermKind::Havoc(_, of) | TermKind::Clone(of, _) | TermKind::Element(of, ..) => {
                f(term);
                self.names(*of, f);
            }
            TermKind::Contents(Root::Pointee(of))
            | TermKind::Field(of, _)
            | TermKind::Len(of)
            | TermKind::Unary(_, of)
            | TermKind::HasType(of, _) => self.names(*of, f),
            TermKind::Equal(x, y) | TermKind::Binary(_, x, y) | TermKind::At(x, y, _) => {
                self.names(*x, f);
                self.names(*y, f);
            }
            TermKind::Call(_, args) => args.iter().for_each(|&arg| self.names(arg, f)),
            TermKind::Contents(_) | TermKind::Const(_) => {}
        }
    }

    /// Whether `term` is built on a term for which `stale` holds.
    pub fn mentions(&self, term: Term, stale: &impl Fn(Term) -> bool) -> bool {
        if stale(term) {
            return true;
        }
        match self.kind(term) {
            TermKind::Contents(Root::Pointee(of))
            | TermKind::Havoc(_, of)
            | TermKind::Field(of, _)
            | TermKind::Len(of)
            | TermKind::Clone(of, _)
            | TermKind::Unary(_, of)
            | TermKind::HasType(of, _)
            | TermKind::Element(of, ..) => self.mentions(*of, stale),
            TermKind::Equal(x, y) | TermKind::Binary(_, x, y) | TermKind::At(x, y, _) => {
                self.mentions(*x, stale) || self.mentions(*y, stale)
            }
            TermKind::Call(_, args) => args.iter().any(|&arg| self.mentions(arg, stale)),
            TermKind::Contents(_)
            | TermKind::Result(..)
            | TermKind::Join(..)
            | TermKind::Const(_) => false,
        }
    }
}
