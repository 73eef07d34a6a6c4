//! Which files make up which Go packages.
//!
//! A [`Workspace`] is opened on the patterns of a command line (`./...`, `std`,
//! `x.go`). It finds the packages they name and, on demand and from any thread, the
//! packages that those import, by reading files only: `go.mod`, `go.work`,
//! `vendor`, the module cache, GOPATH trees and GOROOT. The `go` command is never
//! run, and nothing of this need exist: an import that can't be found is a
//! [`Problem`] and no more.
//!
//! The rules are those of go/build and cmd/go (Go 1.26).

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
pub use version::GoVersion;
pub use workspace::{Options, STDIN, Workspace};
