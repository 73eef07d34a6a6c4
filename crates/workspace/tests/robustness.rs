//! No input makes the readers panic.

use proptest::prelude::*;
use std::path::{Path, PathBuf};
use tophash_workspace::{Environment, Expr, FileSystem, Header, Options, Workspace};

fn bare_environment() -> Environment {
    Environment::new(&|name| match name {
        "GOROOT" | "GOPATH" => Some("/nowhere".to_owned()),
        "GOENV" => Some("off".to_owned()),
        _ => None,
    })
}

/// Opens a module with this `go.mod`, `go.work` and `modules.txt`, and imports a path.
fn open(text: &str, pattern: &str, import: &str) {
    let text = text.as_bytes().to_vec();
    let files = [
        ("/w/go.mod", text.clone()),
        ("/w/go.work", text.clone()),
        ("/w/vendor/modules.txt", text),
        ("/w/a.go", b"package a\n".to_vec()),
    ];
    let files = files.map(|(name, text)| (PathBuf::from(name), text));
    let workspace = Workspace::open(
        FileSystem::new(files),
        bare_environment(),
        Path::new("/w"),
        &[".".to_owned(), pattern.to_owned()],
        Options::default(),
    );
    for &id in workspace.roots() {
        workspace.import(id, import);
    }
}

/// Text made of what the grammar of a file is made of.
fn words(list: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => prop::sample::select(list).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

const MODULE_WORDS: &[&str] = &[
    "module ",
    "go ",
    "require ",
    "replace ",
    "exclude ",
    "use ",
    "ignore ",
    "(",
    ")",
    "\n",
    " => ",
    "//",
    "\"",
    "`",
    "example.com/m",
    "v1.2.3",
    "v0.0.0-",
    "1.22",
    "./x",
    "../",
    "# ",
    "## ",
    "; ",
    "explicit",
    "workspace",
];

const CONSTRAINT_WORDS: &[&str] = &[
    "linux", "!", "&&", "||", "(", ")", " ", "go1.22", "go1", "go1.", ",", "\t", "é",
];

const HEADER_WORDS: &[&str] = &[
    "package ",
    "import ",
    "p",
    "\"a/b\"",
    "`c`",
    "(",
    ")",
    "\n",
    ";",
    "//",
    "/*",
    "*/",
    "//go:build ",
    "// +build ",
    "linux",
    "\r",
    ".",
    "_",
    "\"",
    "\u{feff}",
];

proptest! {
    #[test]
    fn constraint(text in words(CONSTRAINT_WORDS)) {
        let tags = |tag: &str| tag.starts_with('l');
        for expr in [Expr::parse(&text), Expr::parse_plus_build(&text)].into_iter().flatten() {
            expr.eval(&tags);
            expr.min_go_minor();
        }
    }

    #[test]
    fn header(text in words(HEADER_WORDS)) {
        let header = Header::scan(text.as_bytes());
        for import in &header.imports {
            prop_assert!(text[import.offset as usize..].starts_with(['"', '`']));
        }
    }

    #[test]
    fn header_of_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        Header::scan(&bytes);
    }

    #[test]
    fn module_files(
        text in words(MODULE_WORDS),
        pattern in words(&["...", "/", "a", "vendor", "@"]),
        import in words(&["./", "/", "a", "..", "x.org"]),
    ) {
        // A pattern above the working directory would walk the machine's disk.
        prop_assume!(pattern.split(['/', '\\']).all(|element| element != ".."));
        open(&text, &format!("./{pattern}"), &import);
        open(&text, &format!("example.com/m{pattern}"), &import);
    }
}
