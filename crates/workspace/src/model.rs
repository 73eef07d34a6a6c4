//! What a workspace is made of: files, packages, and what went wrong.

use crate::header::Header;
use crate::modules::Module;
use crate::version::GoVersion;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tophash_syntax::{Bodies, File};

/// A file of a [`Workspace`](crate::Workspace).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FileId(pub(crate) u32);

/// A package of a [`Workspace`](crate::Workspace).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PackageId(pub(crate) u32);

impl FileId {
    /// A number from 0 upwards, for tables.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl PackageId {
    /// The package with that number, which [`PackageId::index`] gave.
    pub fn from_index(index: usize) -> PackageId {
        PackageId(index as u32)
    }

    /// A number from 0 upwards, for tables.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A Go file that takes part in the build. It is read once; every package that it
/// belongs to shares it.
pub struct SourceFile {
    /// Absolute path; [`STDIN`](crate::STDIN) in the working directory for standard input.
    pub path: PathBuf,
    /// Its text.
    pub bytes: Box<[u8]>,
    /// Package clause, imports, constraints.
    pub header: Header,
    /// Its name ends in `_test.go`.
    pub is_test: bool,
    pub(crate) bodies: Bodies,
    pub(crate) tree: OnceLock<File>,
}

impl SourceFile {
    /// The language version of the file in a package of version `package`: that of
    /// the file's own `//go:build go1.N`, at least 1.21, where it has one
    /// (`initFiles` in go/types, Go 1.26).
    pub fn go_version(&self, package: GoVersion) -> GoVersion {
        match self.header.constraint.min_go_minor() {
            Some(minor) => GoVersion::new(1, minor.max(21)),
            None => package,
        }
    }

    /// The line of a byte offset, from 1.
    pub(crate) fn line(&self, offset: u32) -> u32 {
        let before = self.bytes.iter().take(offset as usize);
        before.filter(|&&b| b == b'\n').count() as u32 + 1
    }

    /// Whether the file imports `C`.
    pub fn is_cgo(&self) -> bool {
        self.header.is_cgo()
    }
}

/// Files that are compiled together.
pub struct Package {
    /// Its own id.
    pub id: PackageId,
    /// The path others import it by; that of an external test package ends in `_test`.
    pub import_path: Arc<str>,
    /// The name in its package clauses.
    pub name: Box<str>,
    /// Where its files lie.
    pub dir: Arc<Path>,
    /// The module it belongs to; none for the standard library and GOPATH trees.
    pub module: Option<Arc<Module>>,
    /// The language version, where a file does not set its own.
    pub go_version: GoVersion,
    /// Its files: those of the package by name, then those of its tests by name.
    pub files: Vec<FileId>,
    /// Which of the up to three packages of its directory it is.
    pub kind: PackageKind,
    /// Of the standard library or a command of the distribution.
    pub is_standard: bool,
    /// Named by a pattern, not only imported.
    pub is_root: bool,
    pub(crate) scope: ScopeId,
}

/// Which of the up to three packages of a directory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PackageKind {
    /// What other packages import.
    Plain,
    /// The same files and the `_test.go` files of the same package name.
    WithTests,
    /// The `_test.go` files of package `x_test`.
    ExternalTest,
}

/// The rules by which a package's imports are resolved.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ScopeId(pub(crate) u32);

/// Something that could not be read or resolved. The rest goes on without it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Problem {
    /// The file or directory it is about.
    pub path: PathBuf,
    /// Line in the file, from 1, where known.
    pub line: Option<u32>,
    /// What it is.
    pub kind: ProblemKind,
}

/// Kinds of [`Problem`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ProblemKind {
    /// The file can't be read, for this reason.
    Unreadable(String),
    /// The `//go:build` line does not parse: Go refuses the file.
    MalformedConstraint,
    /// The file's package clause names another package than its neighbours', or is missing.
    PackageMismatch {
        /// The name it gives.
        found: String,
        /// The name of most files in the directory.
        expected: String,
    },
    /// No package was found for this import path.
    ImportNotFound(String),
}

/// A pattern that can't be followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// Why nothing came of it.
    pub reason: PatternErrorReason,
}

/// Why a pattern names no package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PatternErrorReason {
    /// It has a wildcard and nothing fits it.
    NoMatch,
    /// There is no such file or directory.
    NotFound,
    /// The directory holds no Go file.
    NoGoFiles,
    /// Build constraints exclude all Go files of the directory.
    AllFilesExcluded,
    /// No module or GOROOT in reach has a package of this import path.
    NoSuchPackage,
}

impl std::fmt::Display for PatternError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reason = match self.reason {
            PatternErrorReason::NoMatch => "matched no packages",
            PatternErrorReason::NotFound => "no such file or directory",
            PatternErrorReason::NoGoFiles => "no Go files",
            PatternErrorReason::AllFilesExcluded => "build constraints exclude all Go files",
            PatternErrorReason::NoSuchPackage => "no such package",
        };
        write!(f, "{}: {reason}", self.pattern)
    }
}

impl std::fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ProblemKind::Unreadable(reason) => write!(f, "can't be read: {reason}"),
            ProblemKind::MalformedConstraint => write!(f, "left out: malformed //go:build line"),
            ProblemKind::PackageMismatch { found, expected } if found.is_empty() => {
                write!(
                    f,
                    "left out: no package clause, expected package {expected}"
                )
            }
            ProblemKind::PackageMismatch { found, expected } => {
                write!(f, "left out: package {found}, expected package {expected}")
            }
            ProblemKind::ImportNotFound(path) => write!(f, "import {path:?} not found"),
        }
    }
}
