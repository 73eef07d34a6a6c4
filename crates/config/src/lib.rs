//! Settings: which rules run where, and how severe what they find is.
//!
//! They come from `tophash.toml` files, each of which refines those in the directories
//! above it, and from the command line, which refines them all. [`Settings::load`] is
//! the way in. A table of the file is a field of [`file::ConfigFile`]; that is also what
//! `docs/tophash.schema.json` is made from.

mod choice;
mod concurrency;
mod error;
mod file;
mod glob;
mod nearest;
mod selector;
mod settings;

pub use choice::Choice;
pub use concurrency::Concurrency;
pub use error::ConfigError;
pub use file::FILE_NAME;
pub use nearest::{nearest, nearest_rule};
pub use settings::{CommandLine, DirSettings, FileSettings, Files, Request, Settings};
