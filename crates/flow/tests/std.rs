//! Packages of the standard library: every function gives a sound graph.

use std::path::Path;
use tophash_flow::{candidates, lower, lower_initialisers, verify};
use tophash_types::{Checker, Program, World};
use tophash_workspace::{Environment, FileSystem, Options, Workspace};

const PACKAGES: [&str; 6] = [
    "encoding/...",
    "go/types",
    "net/http",
    "runtime",
    "slices",
    "sync/...",
];

#[test]
fn every_function_of_some_packages() {
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    let handle = thread.spawn(lower_packages).expect("a thread");
    handle.join().expect("sound graphs");
}

fn lower_packages() {
    let workspace = Workspace::open(
        FileSystem::new([]),
        Environment::of_process(),
        Path::new(env!("CARGO_MANIFEST_DIR")),
        &PACKAGES.map(str::to_owned),
        Options::default(),
    );
    if workspace.goroot().is_none() {
        let required = std::env::var_os("TOPHASH_REQUIRE_GO").is_some();
        assert!(
            !required,
            "TOPHASH_REQUIRE_GO is set, and there is no GOROOT"
        );
        return;
    }
    let program = Program::new(&workspace);
    let mut checker = Checker::new(&program);
    let mut functions = 0;
    for &root in workspace.roots() {
        for &file in program.files(program.package_id(root)) {
            let tree = program.file(file).tree;
            let mut units = Vec::from_iter(lower_initialisers(&mut checker, file, &|_, _| None));
            for candidate in candidates(tree).functions {
                units.extend(lower(&mut checker, file, candidate.func, &|_, _| None));
            }
            for unit in units {
                assert_eq!(verify(&unit), Vec::<String>::new());
                functions += unit.functions.len();
            }
        }
    }
    assert!(functions > 5000, "{functions} functions");
}
