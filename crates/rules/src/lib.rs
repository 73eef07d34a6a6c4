//! What tophash looks for in Go source, and the run that looks for it.
//!
//! A rule is one file here (metadata and check) and one page under `pages/`, which
//! is both its documentation and its test. [`check`] is the way in: it opens the
//! packages that patterns name, runs the rules on them in parallel and drops what
//! comments in the source suppress.

mod check;
mod left_nil;
mod lock_conflict;
mod misuse;
mod nil_fix;
mod nil_write;
mod options;
mod places;
mod problems;
mod progress;
mod registry;
mod settings;
mod shadow;
mod site;
mod suppress;
mod th001_unused_suppression;
mod th101_nil_map_write;
mod th102_uninitialised_map_field;
mod th103_nil_map_argument;
mod th104_nil_inner_map;
mod th105_decoded_map_field;
mod th106_unchecked_map_assertion;
mod th107_lost_map_assignment;
mod th108_nil_map_after_clear;
mod th201_concurrent_map_access;
mod th202_inconsistent_map_lock;
mod th203_write_under_rlock;
mod th204_guarded_map_escapes;
mod th205_lock_copied;
mod th206_sync_map_replaced;
mod th207_sync_map_check_then_act;
mod th208_snapshot_mutated;
mod th209_context_carries_map;
mod th210_cached_object_mutated;
mod th211_map_handed_to_goroutine;
mod th212_lock_not_covering_iteration;
mod trace;
mod workers;

pub use check::{Output, check};
pub use options::Options;
pub use places::relative;
pub use progress::{Progress, Stage};
pub use registry::{Rule, find, metas, rules};
pub use tophash_config::{CommandLine, Files};
pub use trace::Trace;
