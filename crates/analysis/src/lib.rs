//! Nil states of maps: what a map is at each point of a function, what functions do
//! to maps that they are given, and which ways of making a struct leave a map nil.
//!
//! The analysis is an abstract interpretation of flow graphs. Silence is its answer to
//! everything that it does not know: a nil is only reported where one is seen to come
//! to be and to reach a write.

mod call;
mod callbacks;
mod captured;
mod engine;
mod export;
mod fields;
mod givers;
mod handing;
mod implementations;
mod library;
mod liveness;
mod lost;
pub mod names;
mod names_index;
mod origin;
mod package;
mod spelling;
mod state;
mod summary;
mod table;
mod takers;
mod term;
mod transfer;
mod unit;
mod value;
mod worker;

pub use engine::NilWrite;
pub use fields::{Cause, Decoded, LeftNil};
pub use implementations::method_names;
pub use lost::LostMap;
pub use origin::{Loc, Origin, OriginId, OriginKind, Origins};
pub use package::{FieldMaker, NeverMade, PackageFacts, analyse_package};
pub use spelling::WrittenMap;
pub use state::Weak;
pub use summary::{FieldName, Step, Summary, Write};
pub use worker::Worker;
