//! Which locks are held where maps are used, what runs at the same time, and where the
//! two disagree.
//!
//! Locks and maps are told apart by class: the field of a struct type, the package-level
//! variable or the local variable that holds them, whatever object it is a field of.
//! Functions are walked once, callees first ([`walk`]); what they do is then judged under
//! the locks that their callers hold ([`context`]), and the guard of each map is inferred
//! from its uses ([`guard`]). Silence is the answer to everything unknown.

mod annotation;
mod class;
mod context;
mod entries;
mod facts;
mod guard;
mod library;
mod lock;
mod misuse;
mod package;
mod race;
mod value;
mod walk;

pub use entries::EntryPoints;
pub use facts::{AccessKind, EscapeKind};
pub use guard::{Conflict, ConflictKind, Side};
pub use misuse::{Misuse, MisuseKind};
pub use package::{ConcurrencyFacts, analyse_package};
pub use race::{Race, Together};
