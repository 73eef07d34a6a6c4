//! A workspace against `go list`.
#![allow(clippy::print_stdout)]

mod golist;

use golist::{compare, have_go};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory tree in a temporary directory.
struct Fixture {
    /// Removed when the test ends.
    _temporary: TempDir,
    dir: PathBuf,
}

impl Fixture {
    fn new(files: &[(&str, &str)]) -> Fixture {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().canonicalize().unwrap();
        for (name, text) in files {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Fixture {
            _temporary: temporary,
            dir,
        }
    }

    /// Compares in a directory of the tree; returns the number of packages named.
    fn check(&self, dir: &str, patterns: &[&str], variables: &[(&str, &str)]) -> usize {
        let result = compare(&self.dir.join(dir), patterns, variables);
        let differences = result.differences.join("\n");
        assert!(result.differences.is_empty(), "{patterns:?}: {differences}");
        result.root_dirs
    }
}

const GO_SUM_OFF: [(&str, &str); 3] = [
    ("GOFLAGS", "-mod=mod"),
    ("GONOSUMDB", "*"),
    ("GONOSUMCHECK", "1"),
];

fn module() -> Fixture {
    Fixture::new(&[
        (
            "go.mod",
            "module example.com/m\n\ngo 1.25\n\nignore ./skipped\n\nignore node_modules\n",
        ),
        (
            "m.go",
            "package m\n\nimport _ \"example.com/m/a\"\nimport _ \"golang.org/x/absent\"\n",
        ),
        (
            "a/a.go",
            "// +build go1.5\n\npackage a\n\nimport \"fmt\"\n\nvar _ fmt.Stringer\n",
        ),
        ("a/a_windows.go", "package a\n\nimport _ \"os/user\"\n"),
        ("a/a_linux.go", "package a\n\nimport _ \"os/exec\"\n"),
        ("a/a_linux_arm64.go", "package a\n"),
        (
            "a/gen.go",
            "//go:build ignore\n\npackage main\n\nimport _ \"example.com/m/b\"\n",
        ),
        (
            "a/new.go",
            "//go:build go1.99\n\npackage a\n\nimport _ \"sort\"\n",
        ),
        (
            "a/mine.go",
            "//go:build mine || (linux && !cgo)\n\npackage a\n\nimport _ \"sort\"\n",
        ),
        ("a/c.go", "package a\n\nimport \"C\"\nimport _ \"net\"\n"),
        ("a/late.go", "package a\n\n//go:build ignore\n\nvar x = 1\n"),
        ("a/_off.go", "package off\n"),
        ("a/.off.go", "package off\n"),
        ("a/doc.go", "package documentation\n"),
        (
            "a/a_test.go",
            "package a\n\nimport (\n\t_ \"testing\"\n\t_ \"example.com/m/b\"\n)\n",
        ),
        ("a/export_test.go", "package a\n"),
        (
            "a/x_test.go",
            "package a_test\n\nimport _ \"example.com/m/a\"\n",
        ),
        ("a/x_windows_test.go", "package a_test\n"),
        (
            "b/b.go",
            "package b\n\nimport _ \"example.com/m/internal/c\"\n",
        ),
        ("internal/c/c.go", "package c\n\nimport _ \"unsafe\"\n"),
        (
            "onlytest/x_test.go",
            "package onlytest_test\n\nimport _ \"example.com/m/b\"\n",
        ),
        ("onlytest/y_test.go", "package onlytest\n"),
        ("excluded/x_windows.go", "package excluded\n"),
        ("testdata/t.go", "package t\n"),
        ("_x/x.go", "package x\n"),
        (".x/x.go", "package x\n"),
        ("skipped/s.go", "package s\n"),
        ("b/skipped/s.go", "package s\n"),
        ("b/node_modules/n/n.go", "package n\n"),
        ("b/vendor/v/v.go", "package v\n"),
        ("nested/go.mod", "module example.com/m/nested\n"),
        ("nested/n.go", "package nested\n"),
        ("empty/readme", "nothing\n"),
        ("x_test/x.go", "package x_test\n"),
        ("x_test/y_test.go", "package x_test\n"),
    ])
}

#[test]
fn patterns_of_a_module() {
    if !have_go() {
        return;
    }
    let fixture = module();
    #[cfg(unix)]
    std::os::unix::fs::symlink(fixture.dir.join("a"), fixture.dir.join("linked")).unwrap();
    assert_eq!(fixture.check("", &["./..."], &[]), 7);
    for patterns in [
        &["."][..],
        &["./a"],
        &["./a/"],
        &["./a/..."],
        &["./.../c"],
        &["./a...", "./b"],
        &["example.com/m"],
        &["example.com/m/..."],
        &["example.com/m/a", "example.com/m/internal/..."],
        &["example.com/.../c"],
        &["fmt", "encoding/..."],
        &["./empty/..."],
        &["./onlytest"],
    ] {
        fixture.check("", patterns, &[]);
    }
    fixture.check("a", &["../b/..."], &[]);
    fixture.check("internal", &["./..."], &[]);
    let absolute = fixture.dir.join("b/...");
    fixture.check("", &[absolute.to_str().unwrap()], &[]);
}

#[test]
fn builds() {
    if !have_go() {
        return;
    }
    let fixture = module();
    for variables in [
        &[("GOOS", "windows")][..],
        &[("GOOS", "darwin"), ("GOARCH", "arm64")],
        &[("GOOS", "linux"), ("GOARCH", "arm64")],
        &[("CGO_ENABLED", "0")],
        &[("CGO_ENABLED", "1")],
        &[("GOFLAGS", "-tags=mine")],
    ] {
        fixture.check("", &["./..."], variables);
    }
}

#[test]
fn vendor() {
    if !have_go() {
        return;
    }
    let files = |go: &str| {
        let go_mod = format!("module example.com/m\n\ngo {go}\n\nrequire example.com/d v1.2.0\n");
        Fixture::new(&[
            ("go.mod", &go_mod),
            (
                "m.go",
                "package m\n\nimport (\n\t_ \"example.com/d\"\n\t_ \"example.com/d/sub\"\n)\n",
            ),
            (
                "vendor/modules.txt",
                "# example.com/d v1.2.0\n## explicit; go 1.19\nexample.com/d\n",
            ),
            (
                "vendor/example.com/d/d.go",
                "package d\n\nimport _ \"strings\"\n",
            ),
            ("vendor/example.com/d/sub/sub.go", "package sub\n"),
        ])
    };
    assert_eq!(files("1.24").check("", &["./..."], &[]), 1);
    files("1.22").check("", &["./..."], &[]);
    files("1.24").check("", &["./vendor/example.com/d"], &[]);
}

#[test]
fn vendor_flags() {
    if !have_go() {
        return;
    }
    let files = |go: &str, modules_txt: &str| {
        let go_mod = format!("module example.com/m\n\ngo {go}\n\nrequire example.com/d v1.2.0\n");
        let other = format!("{go_mod}\nreplace example.com/d => ./d\n");
        Fixture::new(&[
            ("go.mod", &go_mod),
            ("other.mod", &other),
            ("m.go", "package m\n\nimport _ \"example.com/d\"\n"),
            ("d/go.mod", "module example.com/d\n\ngo 1.18\n"),
            ("d/d.go", "package d\n"),
            ("vendor/modules.txt", modules_txt),
            ("vendor/example.com/d/d.go", "package d\n"),
        ])
    };
    // Before Go 1.14 a vendor directory is used only if asked for.
    let old = files("1.13", "# example.com/d v1.2.0\nexample.com/d\n");
    old.check("", &["./..."], &[("GOFLAGS", "-mod=vendor")]);
    let new = files(
        "1.20",
        "# example.com/d v1.2.0\n## explicit\nexample.com/d\n",
    );
    new.check(
        "",
        &["./..."],
        &[("GOFLAGS", "-mod=readonly -modfile=other.mod")],
    );
}

#[test]
fn vendor_of_a_workspace() {
    if !have_go() {
        return;
    }
    let fixture = Fixture::new(&[
        ("go.work", "go 1.24\n\nuse (\n\t./a\n\t./b\n)\n"),
        (
            "a/go.mod",
            "module example.com/a\n\ngo 1.24\n\nrequire example.com/d v1.2.0\n",
        ),
        (
            "a/a.go",
            "package a\n\nimport (\n\t_ \"example.com/b\"\n\t_ \"example.com/d\"\n)\n",
        ),
        ("b/go.mod", "module example.com/b\n\ngo 1.24\n"),
        ("b/b.go", "package b\n"),
        (
            "vendor/modules.txt",
            "## workspace\n# example.com/d v1.2.0\n## explicit; go 1.19\nexample.com/d\n",
        ),
        ("vendor/example.com/d/d.go", "package d\n"),
    ]);
    assert_eq!(fixture.check("", &["./a/...", "./b/..."], &[]), 2);
    assert_eq!(fixture.check("a", &["example.com/d"], &[]), 1);
}

#[test]
fn workspace_of_modules() {
    if !have_go() {
        return;
    }
    let fixture = Fixture::new(&[
        (
            "go.work",
            "go 1.24\n\nuse (\n\t./a\n\t./b\n)\n\nreplace example.com/r => ./r\n",
        ),
        (
            "a/go.mod",
            "module example.com/a\n\ngo 1.22\n\nrequire example.com/r v1.0.0\n",
        ),
        (
            "a/a.go",
            "package a\n\nimport (\n\t_ \"example.com/b/p\"\n\t_ \"example.com/r\"\n)\n",
        ),
        ("a/inner/go.mod", "module example.com/a/inner\n"),
        ("a/inner/i.go", "package inner\n"),
        ("b/go.mod", "module example.com/b\n\ngo 1.24\n"),
        ("b/p/p.go", "package p\n"),
        ("r/go.mod", "module example.com/r\n\ngo 1.18\n"),
        ("r/r.go", "package r\n"),
    ]);
    assert_eq!(fixture.check("", &["./a/...", "./b/..."], &[]), 2);
    assert_eq!(fixture.check("a", &["./..."], &[]), 1);
    assert_eq!(fixture.check("a", &["example.com/b/..."], &[]), 1);
    assert_eq!(fixture.check("a", &["work"], &[]), 2);
    fixture.check(
        "a",
        &["./..."],
        &[("GOWORK", "off"), ("GOFLAGS", "-mod=mod")],
    );
}

/// Writes a module into a module cache as the `go` command would leave it.
fn cached(
    files: &mut Vec<(String, String)>,
    path: &str,
    version: &str,
    go_mod: &str,
    source: &str,
) {
    let download = format!("cache/pkg/mod/cache/download/{path}/@v/{version}");
    files.push((format!("{download}.mod"), go_mod.to_owned()));
    files.push((
        format!("{download}.info"),
        format!("{{\"Version\":\"{version}\"}}"),
    ));
    let hash = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    files.push((format!("{download}.ziphash"), hash.to_owned()));
    let dir = format!("cache/pkg/mod/{path}@{version}");
    files.push((format!("{dir}/go.mod"), go_mod.to_owned()));
    files.push((format!("{dir}/x.go"), source.to_owned()));
}

#[test]
fn version_selection() {
    if !have_go() {
        return;
    }
    // Before Go 1.17 the versions come from the whole graph, since then `go.mod`
    // lists them.
    for go in ["1.16", "1.22"] {
        let mut files = Vec::new();
        let indirect = match go {
            "1.16" => "",
            _ => "require example.com/c v1.2.0 // indirect\n",
        };
        let go_mod = format!(
            "module example.com/m\n\ngo {go}\n\nrequire example.com/a v1.0.0\n\
             require example.com/!b v1.0.0\n{indirect}\n\
             replace example.com/r v1.0.0 => example.com/r v1.5.0\n"
        );
        let go_mod = go_mod.replace("!b", "B");
        files.push(("m/go.mod".to_owned(), go_mod));
        let source = "package m\n\nimport (\n\t_ \"example.com/a\"\n\t_ \"example.com/B\"\n)\n";
        files.push(("m/m.go".to_owned(), source.to_owned()));
        let importing = |name: &str| format!("package x\n\nimport _ \"{name}\"\n");
        let a = "module example.com/a\n\ngo 1.16\n\nrequire example.com/c v1.1.0\n";
        cached(
            &mut files,
            "example.com/a",
            "v1.0.0",
            a,
            &importing("example.com/c"),
        );
        let b = "module example.com/B\n\ngo 1.17\n\nrequire example.com/c v1.2.0\n";
        cached(
            &mut files,
            "example.com/!b",
            "v1.0.0",
            b,
            &importing("example.com/c"),
        );
        for version in ["v1.1.0", "v1.2.0"] {
            let c = "module example.com/c\n";
            cached(&mut files, "example.com/c", version, c, "package x\n");
        }
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let fixture = Fixture::new(&files);
        let cache = fixture.dir.join("cache/pkg/mod");
        let mut variables = GO_SUM_OFF.to_vec();
        variables.push(("GOMODCACHE", cache.to_str().unwrap()));
        assert_eq!(fixture.check("m", &["./..."], &variables), 1);
    }
}

#[test]
fn gopath() {
    if !have_go() {
        return;
    }
    let fixture = Fixture::new(&[
        (
            "src/example.com/p/p.go",
            "package p\n\nimport _ \"example.com/q\"\nimport _ \"other.org/v\"\n",
        ),
        (
            "src/example.com/p/sub/s.go",
            "package sub\n\nimport _ \"example.com/p\"\nimport _ \"other.org/v\"\n",
        ),
        (
            "src/example.com/p/sub/s_test.go",
            "package sub_test\n\nimport _ \"example.com/p/sub\"\n",
        ),
        (
            "src/example.com/p/vendor/other.org/v/v.go",
            "package v\n\nimport _ \"other.org/w\"\n",
        ),
        ("src/example.com/p/vendor/other.org/w/w.go", "package w\n"),
        ("src/example.com/q/q.go", "package q\n"),
        ("src/other.org/w/w.go", "package w\n"),
    ]);
    let variables = [
        ("GO111MODULE", "off"),
        ("GOPATH", fixture.dir.to_str().unwrap()),
    ];
    assert_eq!(
        fixture.check("src/example.com/p", &["./..."], &variables),
        2
    );
    assert_eq!(
        fixture.check("src/example.com/p/sub", &["."], &variables),
        1
    );
}

#[test]
fn part_of_the_standard_library() {
    if !have_go() {
        return;
    }
    let fixture = Fixture::new(&[("go.mod", "module m\n")]);
    fixture.check("", &["net/...", "crypto/tls", "runtime/..."], &[]);
    fixture.check("", &["std"], &[("CGO_ENABLED", "0")]);
}

/// Compares on real repositories:
/// `TOPHASH_REPOSITORIES=dir:dir cargo test --test go_list -- --ignored --nocapture`.
/// A directory may be followed by `=pattern,pattern` (default `./...`).
#[test]
#[ignore = "needs repositories"]
fn repositories() {
    if !have_go() {
        return;
    }
    let list = std::env::var("TOPHASH_REPOSITORIES").unwrap_or_default();
    let mut differences = 0;
    for item in list.split(':').filter(|item| !item.is_empty()) {
        let (dir, pattern) = item.split_once('=').unwrap_or((item, "./..."));
        let patterns: Vec<&str> = pattern.split(',').collect();
        let result = compare(Path::new(dir), &patterns, &[]);
        println!(
            "{item}: {} root directories, {} packages, {} files, {} imports, {} differences",
            result.root_dirs,
            result.packages,
            result.files,
            result.imports,
            result.differences.len()
        );
        for difference in result.differences.iter().take(20) {
            println!("{difference}");
        }
        differences += result.differences.len();
    }
    assert_eq!(differences, 0);
}
