//! Each file of `tests/go` is lowered, verified, and compared with its snapshot.
//!
//! A file holds package `p`; parts that begin with a line `-- path/name.go --` are files
//! of packages that it imports.

use std::path::Path;
use tophash_flow::{Unit, dump, lower, lower_initialisers, verify};
use tophash_syntax::ast::{DeclKind, FuncId};
use tophash_syntax::{Bodies, File, Symbol, parse};
use tophash_types::{Checker, FileId, PackageId, SourceFile, World};

struct Program {
    packages: Vec<Package>,
    sources: Vec<(String, File)>,
    version: (u32, u32),
}

struct Package {
    path: Symbol,
    files: Vec<FileId>,
}

impl Program {
    fn new(archive: &str, version: (u32, u32)) -> Program {
        let mut program = Program {
            packages: Vec::new(),
            sources: Vec::new(),
            version,
        };
        let mut path = "p".to_owned();
        let mut text = String::new();
        for line in archive.lines() {
            if let Some(name) = line.strip_prefix("-- ").and_then(|l| l.strip_suffix(" --")) {
                program.add(&path, std::mem::take(&mut text));
                path = name.rsplit_once('/').expect("a path").0.to_owned();
                continue;
            }
            text.push_str(line);
            text.push('\n');
        }
        program.add(&path, text);
        program
    }

    fn add(&mut self, path: &str, text: String) {
        let file = FileId(self.sources.len() as u32);
        let tree = parse(text.as_bytes(), Bodies::Parse);
        assert_eq!(tree.errors, [], "{path}");
        self.sources.push((text, tree));
        self.packages.push(Package {
            path: Symbol::new(path),
            files: vec![file],
        });
    }
}

impl World for Program {
    fn import(&self, _: PackageId, path: Symbol) -> Option<PackageId> {
        let n = self.packages.iter().position(|p| p.path == path)?;
        Some(PackageId(n as u32))
    }
    fn path(&self, package: PackageId) -> Symbol {
        self.packages[package.0 as usize].path
    }
    fn name(&self, package: PackageId) -> Option<Symbol> {
        let file = self.packages[package.0 as usize].files[0];
        Some(self.sources[file.0 as usize].1.package?.name)
    }
    fn files(&self, package: PackageId) -> &[FileId] {
        &self.packages[package.0 as usize].files
    }
    fn file(&self, file: FileId) -> SourceFile<'_> {
        let (text, tree) = &self.sources[file.0 as usize];
        SourceFile {
            tree,
            source: text.as_bytes(),
            version: Some(self.version),
        }
    }
    fn package_of(&self, file: FileId) -> PackageId {
        PackageId(file.0)
    }
}

/// The functions of package `p` as text, its initial values first.
fn lowered(archive: &str, version: (u32, u32)) -> String {
    let program = Program::new(archive, version);
    let mut checker = Checker::new(&program);
    let file = FileId(0);
    let mut out = String::new();
    let show = |unit: Option<Unit>, checker: &mut Checker<'_>, out: &mut String| {
        if let Some(unit) = unit {
            assert_eq!(verify(&unit), Vec::<String>::new());
            out.push_str(&dump(&unit, checker));
        }
    };
    let unit = lower_initialisers(&mut checker, file, &|_| None);
    show(unit, &mut checker, &mut out);
    for func in functions(&program.sources[0].1) {
        let unit = lower(&mut checker, file, func, &|_| None);
        show(unit, &mut checker, &mut out);
    }
    out
}

fn functions(tree: &File) -> Vec<FuncId> {
    let kinds = tree.decls.iter().map(|&decl| tree.ast.decl(decl).kind);
    kinds
        .filter_map(|kind| match kind {
            DeclKind::Func(func) => Some(func),
            _ => None,
        })
        .collect()
}

fn check(name: &str) {
    check_version(name, name, (1, 26));
}

fn check_version(name: &str, snapshot: &str, version: (u32, u32)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/go/{name}.go"));
    let text = std::fs::read_to_string(&path).expect("a test file");
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!(snapshot, lowered(&text, version));
    });
}

#[test]
fn maps() {
    check("maps");
}

#[test]
fn evaluation_order() {
    check("order");
}

#[test]
fn conditions() {
    check("conditions");
}

#[test]
fn loops() {
    check("loops");
}

#[test]
fn loops_before_1_22() {
    check_version("loops", "loops_1_21", (1, 21));
}

#[test]
fn switches() {
    check("switches");
}

#[test]
fn labels_and_jumps() {
    check("jumps");
}

#[test]
fn deferred_calls() {
    check("defers");
}

#[test]
fn closures() {
    check("closures");
}

#[test]
fn calls_and_receivers() {
    check("calls");
}

#[test]
fn values_and_literals() {
    check("values");
}

#[test]
fn functions_that_never_return() {
    check("noreturn");
}

#[test]
fn generic_functions() {
    check("generics");
}

#[test]
fn channels() {
    check("channels");
}

#[test]
fn package_level() {
    check("package");
}

#[test]
fn what_is_missing() {
    check("missing");
}
