//! Which files make up which Go packages.
//!
//! A [`Workspace`] is opened on the patterns of a command line (`./...`, `std`,
//! `x.go`). It finds the packages they name and, on demand and from any thread, the
//! packages that those import, by reading files only: `go.mod`, `go.work`,
//! `vendor`, the module cache, GOPATH trees and GOROOT. The `go` command is never
//! run, and nothing of this need exist: an import that can't be found is a
//! [`Problem`] and no more.
//!
//! The rules are those of go/build and cmd/go (Go 1.26), with these extensions where
//! Go gives up or leaves out what the user means:
//!
//! - `./...` goes into nested modules that the same `go.work` uses; above all modules it
//!   takes each for itself. A nested module that is named is a build of its own.
//! - A name without `./` that is no package but a directory is that directory.
//! - `.go` files may lie in several directories: each makes a package.
//! - Where package clauses disagree, most files decide; the others are problems.
//! - Without `go.mod` the import path of a checkout is guessed from what it imports, and
//!   `Godeps/_workspace` counts like `vendor`.
//! - A vendor directory that is out of use stands in for what the module cache lacks, and
//!   it need not agree with `go.mod`.

mod constraint;
mod context;
mod env;
mod fs;
mod gopath;
mod header;
mod model;
mod modfile;
mod modules;
mod pattern;
mod platform;
mod roots;
mod scope;
mod select;
mod semver;
mod store;
mod version;
mod workspace;

pub use constraint::Expr;
pub use context::BuildContext;
pub use env::{Environment, Goroot, VendorUse, WorkUse};
pub use fs::FileSystem;
pub use header::{Constraint, Header, Import};
pub use model::{
    FileId, Package, PackageId, PackageKind, PatternError, PatternErrorReason, Problem,
    ProblemKind, SourceFile,
};
pub use modules::Module;
pub use platform::{is_known_arch, is_known_os};
pub use version::GoVersion;
pub use workspace::{Options, STDIN, Workspace};
