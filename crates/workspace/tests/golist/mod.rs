//! What `go list` says of packages, and how it is compared with a workspace.

use rayon::prelude::*;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use tophash_workspace::{Environment, FileSystem, Options, PackageId, PackageKind, Workspace};

/// The fields of `go list -json` that are compared.
#[derive(Deserialize, Default, Clone)]
#[serde(rename_all = "PascalCase", default)]
struct Listed {
    import_path: String,
    name: String,
    dir: PathBuf,
    for_test: String,
    dep_only: bool,
    go_files: Vec<String>,
    cgo_files: Vec<String>,
    test_go_files: Vec<String>,
    #[serde(rename = "XTestGoFiles")]
    external_test_go_files: Vec<String>,
    imports: Vec<String>,
    import_map: BTreeMap<String, String>,
    module: Option<ListedModule>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(rename_all = "PascalCase", default)]
struct ListedModule {
    path: String,
    go_version: String,
}

/// The outcome of a comparison.
#[derive(Default)]
pub struct Comparison {
    pub root_dirs: usize,
    pub packages: usize,
    pub files: usize,
    pub imports: usize,
    pub differences: Vec<String>,
}

/// Whether there is a `go` command. Says so if not, and fails if `TOPHASH_REQUIRE_GO` is set.
pub fn have_go() -> bool {
    let found = Command::new("go").arg("version").output().is_ok();
    let required = std::env::var_os("TOPHASH_REQUIRE_GO").is_some();
    assert!(
        found || !required,
        "TOPHASH_REQUIRE_GO is set and there is no go command"
    );
    if !found {
        println!("SKIPPED: no go command");
    }
    found
}

/// Compares a workspace with `go list -deps -test` on the same patterns in the same
/// environment, which `variables` changes.
pub fn compare(dir: &Path, patterns: &[&str], variables: &[(&str, &str)]) -> Comparison {
    let listed = go_list(dir, patterns, variables);
    let start = std::time::Instant::now();
    let value = |name: &str| {
        let changed = variables.iter().find(|(key, _)| *key == name);
        changed
            .map(|(_, value)| (*value).to_owned())
            .or_else(|| std::env::var(name).ok())
    };
    let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
    let env = Environment::new(&value);
    let workspace = Workspace::open(
        FileSystem::default(),
        env,
        dir,
        &patterns,
        Options::default(),
    );
    let opened = start.elapsed();
    load_everything(&workspace);
    println!(
        "{}: opened in {opened:?}, all imports in {:?}, {} files",
        dir.display(),
        start.elapsed(),
        workspace.file_count()
    );
    for error in workspace.pattern_errors() {
        println!("{error}");
    }
    let mut comparison = Comparison::default();
    compare_roots(&workspace, &listed, &mut comparison);
    compare_packages(&workspace, &listed, &mut comparison);
    compare_imports(&workspace, &listed, &mut comparison);
    comparison
}

fn go_list(dir: &Path, patterns: &[&str], variables: &[(&str, &str)]) -> Vec<Listed> {
    let fields = "ImportPath,Name,Dir,ForTest,DepOnly,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,Imports,ImportMap,Module";
    let output = Command::new("go")
        .args([
            "list",
            "-e",
            "-deps",
            "-pgo=off",
            "-test",
            &format!("-json={fields}"),
        ])
        .args(patterns)
        .current_dir(dir)
        .env("GOPROXY", "off")
        .env("GOTOOLCHAIN", "local")
        .envs(variables.iter().copied())
        .output();
    let output = output.unwrap_or_else(|e| panic!("go list: {e}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    if !stderr.is_empty() {
        println!(
            "go list: {}",
            stderr.lines().take(5).collect::<Vec<_>>().join("\n")
        );
    }
    serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .filter_map(Result::ok)
        .collect()
}

/// The import path without the ` [x.test]` of a variant.
fn without_variant(path: &str) -> String {
    path.split(" [").next().unwrap_or_default().to_owned()
}

/// Directories of the packages that source files import, leaving out those that only
/// generated test mains and the output of cgo need.
fn reached_by_source(listed: &[Listed]) -> BTreeSet<PathBuf> {
    let by_path: BTreeMap<&str, &Listed> =
        listed.iter().map(|l| (l.import_path.as_str(), l)).collect();
    let is_main = |l: &&Listed| l.import_path.ends_with(".test");
    // A package with its tests, or its external tests; other variants are compiled
    // again because they import it.
    let is_test_of = |l: &Listed| {
        let path = without_variant(&l.import_path);
        !l.for_test.is_empty() && path.strip_suffix("_test").unwrap_or(&path) == l.for_test
    };
    let is_root = |l: &&Listed| !l.dep_only || is_test_of(l);
    let mut pending: Vec<&Listed> = listed
        .iter()
        .filter(|l| is_root(l) && !is_main(l))
        .collect();
    let mut reached = BTreeSet::new();
    while let Some(l) = pending.pop() {
        if reached.insert((&l.import_path, &l.dir)) {
            let imports = l.imports.iter().filter(|i| *i != "runtime/cgo");
            pending.extend(imports.filter_map(|i| by_path.get(i.as_str())));
        }
    }
    reached.into_iter().map(|(_, dir)| dir.clone()).collect()
}

/// Follows all imports from the roots, by many threads at once.
fn load_everything(workspace: &Workspace) -> BTreeSet<PackageId> {
    let mut seen: BTreeSet<PackageId> = workspace.roots().iter().copied().collect();
    let mut pending: Vec<PackageId> = seen.iter().copied().collect();
    while !pending.is_empty() {
        let imported: Vec<PackageId> = pending
            .par_iter()
            .flat_map_iter(|&id| {
                let package = workspace.package(id);
                let files = package.files.iter().map(|&f| workspace.file(f));
                let paths = files.flat_map(|f| f.header.imports.iter().map(|i| &*i.path));
                paths.filter_map(move |path| workspace.import(id, path))
            })
            .collect();
        pending = imported.into_iter().filter(|&id| seen.insert(id)).collect();
    }
    seen
}

/// Names of a package's files of one kind.
fn names(workspace: &Workspace, id: PackageId, tests: bool) -> Vec<String> {
    let files = workspace
        .package(id)
        .files
        .iter()
        .map(|&f| workspace.file(f));
    let mut names: Vec<String> = files
        .filter(|f| f.is_test == tests)
        .filter_map(|f| Some(f.path.file_name()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

fn sorted(lists: &[&Vec<String>]) -> Vec<String> {
    let mut all: Vec<String> = lists.iter().flat_map(|l| l.iter().cloned()).collect();
    all.sort();
    all
}

fn is_plain(listed: &Listed) -> bool {
    listed.for_test.is_empty() && !listed.import_path.ends_with(".test")
}

/// Names of plain files, in-package tests and external tests.
type FilesByKind = (Vec<String>, Vec<String>, Vec<String>);

/// The packages named by the patterns, with their tests.
fn compare_roots(workspace: &Workspace, listed: &[Listed], comparison: &mut Comparison) {
    let mut expected = BTreeMap::new();
    let with_files = |l: &&Listed| {
        let lists = [
            &l.go_files,
            &l.cgo_files,
            &l.test_go_files,
            &l.external_test_go_files,
        ];
        lists.iter().any(|l| !l.is_empty())
    };
    for l in listed
        .iter()
        .filter(|l| is_plain(l) && !l.dep_only)
        .filter(with_files)
    {
        let plain = sorted(&[&l.go_files, &l.cgo_files]);
        let files = (
            plain,
            sorted(&[&l.test_go_files]),
            sorted(&[&l.external_test_go_files]),
        );
        expected.insert(l.dir.clone(), files);
    }
    let mut actual: BTreeMap<PathBuf, FilesByKind> = BTreeMap::new();
    for &id in workspace.roots() {
        let package = workspace.package(id);
        let entry = actual.entry(package.dir.to_path_buf()).or_default();
        match package.kind {
            PackageKind::ExternalTest => entry.2 = names(workspace, id, true),
            _ => (entry.0, entry.1) = (names(workspace, id, false), names(workspace, id, true)),
        }
    }
    comparison.root_dirs = expected.len();
    let dirs: BTreeSet<&PathBuf> = expected.keys().chain(actual.keys()).collect();
    for dir in dirs {
        if expected.get(dir) != actual.get(dir) {
            comparison.differences.push(format!(
                "root {}:\n  go      {:?}\n  tophash {:?}",
                dir.display(),
                expected.get(dir),
                actual.get(dir)
            ));
        }
    }
}

/// Every plain package, dependencies included: files, name, path, module, language version.
fn compare_packages(workspace: &Workspace, listed: &[Listed], comparison: &mut Comparison) {
    let mut actual = BTreeMap::new();
    for id in load_everything(workspace) {
        let package = workspace.package(id);
        if package.kind != PackageKind::ExternalTest {
            let module = package.module.as_ref();
            let description = (
                package.name.to_string(),
                package.import_path.to_string(),
                module.map(|m| m.path.clone()).unwrap_or_default(),
                module.map(|m| m.go_version.to_string()).unwrap_or_default(),
                names(workspace, id, false),
            );
            actual.insert(package.dir.to_path_buf(), description);
        }
    }
    let reached = reached_by_source(listed);
    for l in listed.iter().filter(|l| is_plain(l)) {
        let files = sorted(&[&l.go_files, &l.cgo_files]);
        if files.is_empty() || l.import_path == "unsafe" || !reached.contains(&l.dir) {
            continue;
        }
        let module = l
            .module
            .clone()
            .filter(|m| !matches!(m.path.as_str(), "std" | "cmd"));
        let version = module.as_ref().map(|m| match m.go_version.as_str() {
            "" => "1.16".to_owned(),
            version => version.split('.').take(2).collect::<Vec<_>>().join("."),
        });
        let expected = (
            l.name.clone(),
            l.import_path.clone(),
            module.map(|m| m.path).unwrap_or_default(),
            version.unwrap_or_default(),
            files,
        );
        comparison.packages += 1;
        comparison.files += expected.4.len();
        if actual.get(&l.dir) != Some(&expected) {
            comparison.differences.push(format!(
                "package {}:\n  go      {expected:?}\n  tophash {:?}",
                l.dir.display(),
                actual.get(&l.dir)
            ));
        }
    }
}

/// Where each import of each package leads.
fn compare_imports(workspace: &Workspace, listed: &[Listed], comparison: &mut Comparison) {
    let dirs: BTreeMap<String, &PathBuf> = listed
        .iter()
        .filter(|l| !l.go_files.is_empty() || !l.cgo_files.is_empty())
        .map(|l| (without_variant(&l.import_path), &l.dir))
        .collect();
    let mut maps: BTreeMap<PathBuf, BTreeMap<String, String>> = BTreeMap::new();
    for l in listed {
        let map = maps.entry(l.dir.clone()).or_default();
        map.extend(
            l.import_map
                .iter()
                .map(|(from, to)| (from.clone(), without_variant(to))),
        );
    }
    let none = BTreeMap::new();
    for id in load_everything(workspace) {
        let package = workspace.package(id);
        let map = maps.get(&*package.dir).unwrap_or(&none);
        let files = package.files.iter().map(|&f| workspace.file(f));
        let paths: BTreeSet<&str> = files
            .flat_map(|f| f.header.imports.iter().map(|i| &*i.path))
            .collect();
        for path in paths {
            if matches!(path, "C" | "unsafe") {
                continue;
            }
            let target = map.get(path).map_or(path, String::as_str);
            let expected = dirs.get(target).map(|dir| dir.as_path());
            let actual = workspace
                .import(id, path)
                .map(|id| &*workspace.package(id).dir);
            comparison.imports += 1;
            if expected != actual {
                comparison.differences.push(format!(
                    "import {path} in {}: go {expected:?}, tophash {actual:?}",
                    package.dir.display()
                ));
            }
        }
    }
}
