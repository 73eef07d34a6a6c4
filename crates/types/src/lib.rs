//! Packages, names and types of Go programs.
//!
//! A [`Checker`] answers questions about a program that is assumed to compile:
//! it computes types and resolves names, and reports no type errors. What can't
//! be found or understood has the type [`TypeId::UNKNOWN`], which absorbs
//! everything that is built on it.
//!
//! Package-level declarations are resolved when they are first asked for.
//! Function bodies are checked whole, in order, and only on request
//! ([`Checker::check_body`]). The structure follows go/types of Go 1.26, whose
//! file names the modules share where they do the same work.

mod assignments;
mod body;
mod builtins;
mod call;
mod checker;
pub mod constant;
mod conversion;
mod decl;
mod expr;
mod index;
mod infer;
mod instantiate;
mod literals;
mod lookup;
mod named;
mod object;
mod operand;
mod predicates;
mod program;
mod resolver;
mod scope;
mod selector;
mod signature;
mod sizes;
mod stmt;
mod store;
mod subst;
mod types;
mod typeset;
mod typestring;
mod typexpr;
mod unify;
mod universe;
mod world;

pub use body::{Mode, Selection, SelectionKind, TypedBody};
pub use checker::Checker;
pub use object::{Builtin, ObjId, ObjKind, Object, Place, VarKind};
pub use program::Program;
pub use types::{
    Alias, AliasId, Basic, Interface, Named, NamedId, Signature, Struct, Term, Type, TypeId,
    TypeParam, TypeParamId,
};
pub use typeset::{Terms, TypeSet};
pub use world::{FileId, PackageId, SourceFile, World};
