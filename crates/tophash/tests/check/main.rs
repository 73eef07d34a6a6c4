//! What `tophash check` runs, leaves out and writes, as users ask for it.

#[path = "../support/mod.rs"]
mod support;

mod fix;
mod known;
mod output;
mod rules;
mod settings;
