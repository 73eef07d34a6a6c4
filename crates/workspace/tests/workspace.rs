//! Workspaces over files in memory: what does not need `go list` to be judged, above
//! all what Go would refuse.

use std::path::{Path, PathBuf};
use tophash_workspace::{
    Environment, FileSystem, GoVersion, Options, PackageId, PackageKind, PatternErrorReason,
    ProblemKind, STDIN, Workspace,
};

/// An environment of which nothing is there: no GOROOT, no module cache.
fn bare_environment(variables: &[(&str, &str)]) -> Environment {
    let value = |name: &str| {
        let given = variables.iter().find(|(key, _)| *key == name);
        given.map(|(_, value)| (*value).to_owned()).or(match name {
            "GOROOT" | "GOPATH" => Some("/nowhere".to_owned()),
            "GOENV" => Some("off".to_owned()),
            "GOOS" => Some("linux".to_owned()),
            "GOARCH" => Some("amd64".to_owned()),
            "CGO_ENABLED" => Some("1".to_owned()),
            _ => None,
        })
    };
    Environment::new(&value)
}

fn open(files: &[(&str, &str)], dir: &str, patterns: &[&str]) -> Workspace {
    open_in(
        bare_environment(&[]),
        files,
        dir,
        patterns,
        Options::default(),
    )
}

fn open_in(
    env: Environment,
    files: &[(&str, &str)],
    dir: &str,
    patterns: &[&str],
    options: Options,
) -> Workspace {
    let files = files
        .iter()
        .map(|(name, text)| (PathBuf::from(name), text.as_bytes().to_vec()));
    let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
    Workspace::open(
        FileSystem::new(files),
        env,
        Path::new(dir),
        &patterns,
        options,
    )
}

/// Import path and file names of a package.
fn describe(workspace: &Workspace, id: PackageId) -> String {
    let package = workspace.package(id);
    let files = package
        .files
        .iter()
        .map(|&f| workspace.file(f).path.file_name());
    let names: Vec<&str> = files.filter_map(|name| name?.to_str()).collect();
    format!("{}: {}", package.import_path, names.join(" "))
}

fn roots(workspace: &Workspace) -> Vec<String> {
    workspace
        .roots()
        .iter()
        .map(|&id| describe(workspace, id))
        .collect()
}

fn imported(workspace: &Workspace, from: usize, path: &str) -> Option<String> {
    let id = workspace.import(workspace.roots()[from], path)?;
    Some(describe(workspace, id))
}

#[test]
fn up_to_three_packages_a_directory() {
    let files = [
        ("/w/go.mod", "module m\n\ngo 1.22\n"),
        ("/w/a/a.go", "package a\n"),
        ("/w/a/a_test.go", "package a\n"),
        (
            "/w/a/x_test.go",
            "package a_test\nimport \"m/a\"\nimport \"m/b\"\n",
        ),
        ("/w/b/b.go", "package b\nimport \"m/a\"\n"),
    ];
    let workspace = open(&files, "/w", &["./..."]);
    assert_eq!(
        roots(&workspace),
        ["m/a: a.go a_test.go", "m/a_test: x_test.go", "m/b: b.go"]
    );
    let kinds: Vec<PackageKind> = workspace
        .roots()
        .iter()
        .map(|&id| workspace.package(id).kind)
        .collect();
    assert_eq!(
        kinds,
        [
            PackageKind::WithTests,
            PackageKind::ExternalTest,
            PackageKind::Plain
        ]
    );
    // External tests see what export_test.go exports, other packages don't.
    assert_eq!(
        imported(&workspace, 1, "m/a").as_deref(),
        Some("m/a: a.go a_test.go")
    );
    assert_eq!(imported(&workspace, 2, "m/a").as_deref(), Some("m/a: a.go"));
    assert_eq!(imported(&workspace, 1, "m/b").as_deref(), Some("m/b: b.go"));
    // The files are shared.
    assert_eq!(workspace.file_count(), 4);

    let options = Options {
        without_tests: true,
        ..Options::default()
    };
    let workspace = open_in(bare_environment(&[]), &files, "/w", &["./..."], options);
    assert_eq!(roots(&workspace), ["m/a: a.go", "m/b: b.go"]);
}

#[test]
fn nothing_but_the_sources() {
    let workspace = open(
        &[
            ("/w/go.mod", "module m\n\ngo 1.22\nrequire x.org/y v1.0.0\n"),
            (
                "/w/a.go",
                "package a\nimport (\n\t\"fmt\"\n\t\"x.org/y\"\n\t\"m/gone\"\n\t\"C\"\n)\n",
            ),
        ],
        "/w",
        &[],
    );
    for path in [
        "fmt", "x.org/y", "m/gone", "C", "unsafe", "", "/", "..", "./x", "a\\b", "x/../y",
    ] {
        assert_eq!(imported(&workspace, 0, path), None, "{path}");
    }
    let problems = workspace.problems();
    let x = problems
        .iter()
        .find(|p| p.kind == ProblemKind::ImportNotFound("x.org/y".into()));
    assert_eq!(x.and_then(|p| p.line), Some(4));
    // The standard library is missing as a whole.
    assert!(
        !problems
            .iter()
            .any(|p| p.kind == ProblemKind::ImportNotFound("fmt".into()))
    );
    assert_eq!(workspace.goroot(), None);
}

#[test]
fn language_versions() {
    let workspace = open(
        &[
            ("/w/go.mod", "module m\n\ngo 1.20\n"),
            ("/w/a.go", "package a\n"),
            ("/w/b.go", "//go:build go1.22\npackage a\n"),
            ("/w/c.go", "//go:build go1.18\npackage a\n"),
        ],
        "/w",
        &["."],
    );
    let root = workspace.roots()[0];
    let versions: Vec<GoVersion> = workspace
        .package(root)
        .files
        .iter()
        .map(|&f| workspace.go_version(root, f))
        .collect();
    assert_eq!(versions, [20, 22, 21].map(|minor| GoVersion::new(1, minor)));
}

#[test]
fn broken_directories() {
    let workspace = open(
        &[
            ("/w/go.mod", "module m\n"),
            ("/w/a/a.go", "package a\n"),
            ("/w/a/b.go", "package a\n"),
            ("/w/a/c.go", "package other\n"),
            ("/w/a/d.go", "<<<<<<< HEAD\n"),
            ("/w/a/e.go", "//go:build &&\npackage a\n"),
            ("/w/b/b_windows.go", "package b\n"),
            ("/w/c/readme", ""),
        ],
        "/w",
        &["./...", "./b", "./c", "./gone", "x.org/gone", "./c/..."],
    );
    assert_eq!(roots(&workspace), ["m/a: a.go b.go"]);
    let kinds: Vec<String> = workspace
        .problems()
        .iter()
        .map(|p| p.kind.to_string())
        .collect();
    assert_eq!(
        kinds,
        [
            "left out: package other, expected package a",
            "left out: no package clause, expected package a",
            "left out: malformed //go:build line",
        ]
    );
    let mut errors: Vec<(&str, PatternErrorReason)> = workspace
        .pattern_errors()
        .iter()
        .map(|e| (e.pattern.as_str(), e.reason))
        .collect();
    errors.sort_by_key(|(pattern, _)| *pattern);
    assert_eq!(
        errors,
        [
            ("./b", PatternErrorReason::AllFilesExcluded),
            ("./c", PatternErrorReason::NoGoFiles),
            ("./c/...", PatternErrorReason::NoMatch),
            ("./gone", PatternErrorReason::NotFound),
            ("x.org/gone", PatternErrorReason::NoSuchPackage),
        ]
    );
}

#[test]
fn files_and_standard_input() {
    let files = [
        ("/w/go.mod", "module m\n"),
        (
            "/w/a/a.go",
            "//go:build ignore\npackage a\nimport \"m/b\"\n",
        ),
        ("/w/a/b.go", "package a\n"),
        ("/w/a/c.go", "package a\n"),
        ("/w/b/b.go", "package b\n"),
    ];
    let workspace = open(&files, "/w", &["a/a.go", "./a/c.go", "b/b.go"]);
    assert_eq!(
        roots(&workspace),
        [
            "command-line-arguments: a.go c.go",
            "command-line-arguments: b.go"
        ]
    );
    assert_eq!(imported(&workspace, 0, "m/b").as_deref(), Some("m/b: b.go"));

    let options = Options {
        stdin: b"package main\nimport \"m/b\"\n".to_vec(),
        ..Options::default()
    };
    let workspace = open_in(bare_environment(&[]), &files, "/w/a", &["-"], options);
    let name = format!("command-line-arguments: {STDIN}");
    assert_eq!(roots(&workspace), [name]);
    assert_eq!(imported(&workspace, 0, "m/b").as_deref(), Some("m/b: b.go"));
}

#[test]
fn modules_below_a_directory_without_one() {
    let files = [
        ("/w/one/go.mod", "module one.org/x\n"),
        ("/w/one/a.go", "package x\nimport \"two.org/y\"\n"),
        ("/w/one/inner/go.mod", "module one.org/x/inner\n"),
        ("/w/one/inner/i.go", "package inner\n"),
        (
            "/w/two/go.mod",
            "module two.org/y\nreplace one.org/x => ../one\nrequire one.org/x v1.0.0\n",
        ),
        ("/w/two/b.go", "package y\nimport \"one.org/x\"\n"),
    ];
    let workspace = open(&files, "/w", &["./..."]);
    assert_eq!(
        roots(&workspace),
        [
            "one.org/x: a.go",
            "one.org/x/inner: i.go",
            "two.org/y: b.go"
        ]
    );
    // Each module is its own build: only the second one knows the other.
    assert_eq!(imported(&workspace, 0, "two.org/y"), None);
    assert_eq!(
        imported(&workspace, 2, "one.org/x").as_deref(),
        Some("one.org/x: a.go")
    );
    // Both builds share the file.
    assert_eq!(workspace.file_count(), 3);
    // Seen from a module, nested ones are left out, unless named.
    assert_eq!(
        roots(&open(&files, "/w/one", &["./..."])),
        ["one.org/x: a.go"]
    );
    let named = open(&files, "/w/one", &["./inner/..."]);
    assert_eq!(roots(&named), ["one.org/x/inner: i.go"]);
}

#[test]
fn modules_of_a_workspace() {
    let files = [
        ("/w/go.work", "go 1.24\nuse (\n\t.\n\t./api\n)\n"),
        ("/w/go.mod", "module m.org/m\n"),
        ("/w/m.go", "package m\nimport \"m.org/m/api\"\n"),
        ("/w/api/go.mod", "module m.org/m/api\n"),
        ("/w/api/a.go", "package api\n"),
        ("/w/tool/go.mod", "module m.org/m/tool\n"),
        ("/w/tool/t.go", "package tool\nimport \"m.org/m/api\"\n"),
    ];
    let workspace = open(&files, "/w", &["./..."]);
    assert_eq!(roots(&workspace), ["m.org/m: m.go", "m.org/m/api: a.go"]);
    assert_eq!(
        imported(&workspace, 0, "m.org/m/api").as_deref(),
        Some("m.org/m/api: a.go")
    );
    // A module that the workspace leaves out is a build of its own.
    let unused = open(&files, "/w/tool", &["./..."]);
    assert_eq!(roots(&unused), ["m.org/m/tool: t.go"]);
    assert_eq!(imported(&unused, 0, "m.org/m/api"), None);
    // Without go.work the nested module is none of the root module's business.
    let env = bare_environment(&[("GOWORK", "off")]);
    let alone = open_in(env, &files, "/w", &["./..."], Options::default());
    assert_eq!(roots(&alone), ["m.org/m: m.go"]);
}

#[test]
fn checkout_from_before_modules() {
    let workspace = open(
        &[
            (
                "/w/etcd/Godeps/_workspace/src/dep.org/d/d.go",
                "package d\nimport \"dep.org/e\"\n",
            ),
            (
                "/w/etcd/Godeps/_workspace/src/dep.org/e/e.go",
                "package e\n",
            ),
            (
                "/w/etcd/main.go",
                "package main\nimport \"github.com/coreos/etcd/raft\"\n",
            ),
            (
                "/w/etcd/raft/r.go",
                "package raft\nimport (\n\t\"github.com/coreos/etcd/raft/pb\"\n\t\"dep.org/d\"\n)\n",
            ),
            (
                "/w/etcd/raft/pb/p.go",
                "package pb\nimport \"github.com/other/raft\"\n",
            ),
        ],
        "/w/etcd",
        &["./..."],
    );
    assert_eq!(
        roots(&workspace),
        [
            "github.com/coreos/etcd: main.go",
            "github.com/coreos/etcd/raft: r.go",
            "github.com/coreos/etcd/raft/pb: p.go",
        ]
    );
    let raft = imported(&workspace, 0, "github.com/coreos/etcd/raft");
    assert_eq!(raft.as_deref(), Some("github.com/coreos/etcd/raft: r.go"));
    let d = workspace.import(workspace.roots()[1], "dep.org/d").unwrap();
    let e = workspace.import(d, "dep.org/e").unwrap();
    assert_eq!(&*workspace.package(e).name, "e");
    assert_eq!(imported(&workspace, 2, "github.com/other/raft"), None);
}

#[test]
fn checkout_without_any_mark() {
    let files = [
        ("/w/p/main.go", "package main\nimport \"host.org/p/a\"\n"),
        ("/w/p/a/a.go", "package a\nimport \"host.org/p/a/b\"\n"),
        ("/w/p/a/b/b.go", "package b\n"),
    ];
    let workspace = open(&files, "/w/p", &["./..."]);
    assert_eq!(
        roots(&workspace),
        [
            "host.org/p: main.go",
            "host.org/p/a: a.go",
            "host.org/p/a/b: b.go"
        ]
    );
    let a = imported(&workspace, 0, "host.org/p/a");
    assert_eq!(a.as_deref(), Some("host.org/p/a: a.go"));
}

#[test]
fn tree_below_a_src_directory() {
    let workspace = open(
        &[
            (
                "/home/u/work/src/host.org/p/p.go",
                "package p\nimport \"host.org/q\"\nimport \"./sub\"\n",
            ),
            ("/home/u/work/src/host.org/p/sub/s.go", "package sub\n"),
            ("/home/u/work/src/host.org/q/q.go", "package q\n"),
        ],
        "/home/u/work/src/host.org/p",
        &["."],
    );
    assert_eq!(roots(&workspace), ["host.org/p: p.go"]);
    assert_eq!(
        imported(&workspace, 0, "host.org/q").as_deref(),
        Some("host.org/q: q.go")
    );
    assert!(imported(&workspace, 0, "./sub").is_some());
}

/// Writes files below a temporary directory.
fn on_disk(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

#[test]
fn a_go_distribution_as_the_work() {
    let dir = on_disk(&[
        ("VERSION", "go1.25.1\n"),
        ("src/go.mod", "module std\n"),
        ("src/runtime/r.go", "package runtime\n"),
        ("src/fmt/f.go", "package fmt\nimport \"golang.org/x/v\"\n"),
        ("src/builtin/b.go", "package builtin\n"),
        ("src/vendor/golang.org/x/v/v.go", "package v\n"),
        ("src/cmd/go.mod", "module cmd\n"),
        (
            "src/cmd/vet/v.go",
            "package main\nimport \"golang.org/x/v\"\nimport \"fmt\"\n",
        ),
        ("src/cmd/vendor/golang.org/x/v/v.go", "package v\n"),
    ]);
    let src = dir.path().join("src");
    let open = |dir: &Path, pattern: &str| {
        open_in(
            bare_environment(&[]),
            &[],
            dir.to_str().unwrap(),
            &[pattern],
            Options::default(),
        )
    };
    let std = open(&src, "./...");
    assert_eq!(roots(&std), ["fmt: f.go", "runtime: r.go"]);
    assert_eq!(
        imported(&std, 0, "golang.org/x/v").as_deref(),
        Some("vendor/golang.org/x/v: v.go")
    );
    assert_eq!(std.build().release, GoVersion::new(1, 25));
    assert_eq!(
        std.package(std.roots()[0]).go_version,
        GoVersion::new(1, 25)
    );
    let all = ["fmt: f.go", "runtime: r.go", "vendor/golang.org/x/v: v.go"];
    assert_eq!(roots(&open(&src, "std")), all);
    let cmd = open(&src.join("cmd"), "./...");
    assert_eq!(roots(&cmd), ["cmd/vet: v.go"]);
    let v = imported(&cmd, 0, "golang.org/x/v");
    assert_eq!(v.as_deref(), Some("cmd/vendor/golang.org/x/v: v.go"));
    assert_eq!(imported(&cmd, 0, "fmt").as_deref(), Some("fmt: f.go"));
}

#[test]
fn a_toolchain_from_the_module_cache() {
    let dir = on_disk(&[
        ("old/VERSION", "go1.22.1\n"),
        ("old/src/runtime/r.go", "package runtime\n"),
        (
            "mod/golang.org/toolchain@v0.0.1-go1.26.0.linux-amd64/VERSION",
            "go1.26.0\n",
        ),
        (
            "mod/golang.org/toolchain@v0.0.1-go1.26.0.linux-amd64/src/runtime/r.go",
            "package runtime\n",
        ),
        ("m/go.mod", "module m\n\ngo 1.25.0\n"),
        ("m/m.go", "package m\n"),
    ]);
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let release = |goroot: &str, toolchain: &str| {
        let env = bare_environment(&[
            ("GOROOT", goroot),
            ("GOMODCACHE", &path("mod")),
            ("GOTOOLCHAIN", toolchain),
        ]);
        open_in(env, &[], &path("m"), &[], Options::default())
            .build()
            .release
    };
    assert_eq!(release(&path("old"), "auto"), GoVersion::new(1, 26));
    assert_eq!(release(&path("old"), "local"), GoVersion::new(1, 22));
}

#[test]
fn overlay_hides_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("go.mod"), "module m\n").unwrap();
    std::fs::write(path("a.go"), "package old\n").unwrap();
    let overlay = [
        (path("a.go"), b"package fresh\n".to_vec()),
        (path("sub/b.go"), b"package sub\n".to_vec()),
    ];
    let workspace = Workspace::open(
        FileSystem::new(overlay),
        bare_environment(&[]),
        dir.path(),
        &["./...".to_owned()],
        Options::default(),
    );
    let names: Vec<&str> = workspace
        .roots()
        .iter()
        .map(|&id| &*workspace.package(id).name)
        .collect();
    assert_eq!(names, ["fresh", "sub"]);
}

#[test]
fn many_threads_share_one_package() {
    let mut files = vec![("/w/go.mod".to_owned(), "module m\n".to_owned())];
    for i in 0..40 {
        let text = format!("package p{i}\nimport \"m/shared\"\n");
        files.push((format!("/w/p{i}/p.go"), text));
    }
    files.push(("/w/shared/s.go".to_owned(), "package shared\n".to_owned()));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    let workspace = open(&files, "/w", &["./p..."]);
    let shared: std::collections::HashSet<Option<PackageId>> = std::thread::scope(|scope| {
        let import = |&id| workspace.import(id, "m/shared");
        let threads: Vec<_> = workspace
            .roots()
            .iter()
            .map(|id| scope.spawn(move || import(id)))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(shared.len(), 1);
    let id = shared.into_iter().next().flatten().unwrap();
    let package = workspace.package(id);
    assert!(!package.is_root);
    let tree = workspace.tree(package.files[0]);
    assert!(std::ptr::eq(tree, workspace.tree(package.files[0])));
}
