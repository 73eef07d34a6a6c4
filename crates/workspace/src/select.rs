//! Choosing the files of a directory's packages (`Import` in go/build, Go 1.26).

use crate::context::BuildContext;
use crate::fs::FileSystem;
use crate::header::{Constraint, Header};
use crate::model::{Problem, ProblemKind, SourceFile};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tophash_syntax::Bodies;

/// Which files of a directory to look at.
#[derive(Clone, Copy)]
pub(crate) enum Choice<'a> {
    /// Those that the build takes, without tests.
    Plain,
    /// Those that the build takes.
    WithTests,
    /// These, whatever their constraints.
    Named(&'a [String]),
}

/// The files of a directory by package.
pub(crate) struct Selection<F> {
    /// Name of the package.
    pub(crate) name: Box<str>,
    /// Its files.
    pub(crate) plain: Vec<F>,
    /// Its in-package tests.
    pub(crate) tests: Vec<F>,
    /// Its external tests.
    pub(crate) external_tests: Vec<F>,
}

impl<F> Selection<F> {
    /// The same selection of other things.
    pub(crate) fn map<G>(self, mut f: impl FnMut(F) -> G) -> Selection<G> {
        Selection {
            name: self.name,
            plain: self.plain.into_iter().map(&mut f).collect(),
            tests: self.tests.into_iter().map(&mut f).collect(),
            external_tests: self.external_tests.into_iter().map(&mut f).collect(),
        }
    }
}

/// Reads the files of a directory that take part in the build.
pub(crate) fn select(
    fs: &FileSystem,
    build: &BuildContext,
    dir: &Path,
    choice: Choice,
    bodies: Bodies,
    problems: &mut Vec<Problem>,
) -> Selection<SourceFile> {
    let listing = fs.list(dir);
    let names: Vec<&str> = match choice {
        Choice::Named(names) => names.iter().map(String::as_str).collect(),
        _ => listing
            .go_files()
            .filter(|name| !name.starts_with(['_', '.']))
            .collect(),
    };
    let named = matches!(choice, Choice::Named(_));
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        let is_test = name.ends_with("_test.go");
        if matches!(choice, Choice::Plain) && is_test || !named && !build.takes_file_name(name) {
            continue;
        }
        let path = dir.join(name);
        match fs.read(&path) {
            Ok(bytes) => files.extend(take(build, path, bytes, named, is_test, bodies, problems)),
            Err(error) => problems.push(Problem {
                path,
                line: None,
                kind: ProblemKind::Unreadable(error.to_string()),
            }),
        }
    }
    sort_out(files, problems)
}

/// Reads the head of a file and keeps the file if the build takes it.
fn take(
    build: &BuildContext,
    path: PathBuf,
    bytes: Box<[u8]>,
    named: bool,
    is_test: bool,
    bodies: Bodies,
    problems: &mut Vec<Problem>,
) -> Option<SourceFile> {
    let header = Header::scan(&bytes);
    if header.constraint == Constraint::Malformed && !named {
        problems.push(Problem {
            path,
            line: None,
            kind: ProblemKind::MalformedConstraint,
        });
        return None;
    }
    let cgo = build.cgo || is_test || !header.is_cgo();
    let taken = named || header.constraint.eval(&|tag| build.has_tag(tag));
    // `package documentation` is a way of old to keep prose in a directory.
    (cgo && taken && &*header.package != "documentation").then(|| SourceFile {
        path,
        bytes,
        header,
        is_test,
        bodies,
        tree: OnceLock::new(),
    })
}

/// A file of standard input, which belongs to a package of its own.
pub(crate) fn single_file(path: PathBuf, bytes: Box<[u8]>) -> Selection<SourceFile> {
    let header = Header::scan(&bytes);
    Selection {
        name: header.package.clone(),
        plain: vec![SourceFile {
            path,
            bytes,
            header,
            is_test: false,
            bodies: Bodies::Parse,
            tree: OnceLock::new(),
        }],
        tests: Vec::new(),
        external_tests: Vec::new(),
    }
}

/// Sorts files by the package they belong to. Where their package clauses disagree,
/// most files decide and the others are left out.
fn sort_out(files: Vec<SourceFile>, problems: &mut Vec<Problem>) -> Selection<SourceFile> {
    let name = package_name(&files);
    let mut selection = Selection {
        name,
        plain: Vec::new(),
        tests: Vec::new(),
        external_tests: Vec::new(),
    };
    for file in files {
        let found = &*file.header.package;
        let list = if *found == *selection.name {
            if file.is_test {
                &mut selection.tests
            } else {
                &mut selection.plain
            }
        } else if file.is_test && found.strip_suffix("_test") == Some(&*selection.name) {
            &mut selection.external_tests
        } else {
            problems.push(Problem {
                kind: ProblemKind::PackageMismatch {
                    found: found.to_owned(),
                    expected: selection.name.to_string(),
                },
                path: file.path,
                line: None,
            });
            continue;
        };
        list.push(file);
    }
    selection
}

/// The name of a directory's package: that of most files which are not tests, the
/// first of equals; without such files what the tests are for.
fn package_name(files: &[SourceFile]) -> Box<str> {
    let plain = || {
        files
            .iter()
            .filter(|f| !f.is_test)
            .map(|f| &*f.header.package)
    };
    let tests = files.iter().map(|f| {
        let name = &*f.header.package;
        name.strip_suffix("_test").unwrap_or(name)
    });
    let most = |names: Vec<&str>| -> Box<str> {
        let mut best = ("", 0);
        for name in &names {
            let count = names.iter().filter(|n| *n == name).count();
            if count > best.1 && !name.is_empty() {
                best = (name, count);
            }
        }
        best.0.into()
    };
    let first = plain().next();
    match first {
        // The usual case, without counting.
        Some(name) if !name.is_empty() && plain().all(|n| n == name) => name.into(),
        Some(_) => most(plain().collect()),
        None => most(tests.collect()),
    }
}
