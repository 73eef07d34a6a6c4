//! Examples and fixtures as sets of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use tempfile::TempDir;

use crate::want::{self, Want};

/// A Go module that shows one rule.
pub struct Case {
    /// The rule.
    pub code: String,
    /// Where it stands: `TH101.md:21`.
    pub name: String,
    /// Slash-separated paths and texts.
    pub files: Vec<(String, String)>,
}

impl Case {
    /// The examples of all pages and all fixtures.
    pub fn all() -> Vec<Case> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut cases = Vec::new();
        for rule in tophash_rules::rules() {
            let code = rule.meta.code;
            cases.extend(page(code, rule.page));
            for path in sorted_entries(&root.join("fixtures").join(code)) {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                let text = fs::read_to_string(&path).unwrap();
                cases.push(Case::new(code, name, &text));
            }
        }
        cases
    }

    fn new(code: &str, name: String, text: &str) -> Case {
        let mut files = txtar(text);
        if !files.iter().any(|(path, _)| path == "go.mod") {
            let module = "module example.com/m\n\ngo 1.24\n".to_owned();
            files.push(("go.mod".into(), module));
        }
        let code = code.to_owned();
        Case { code, name, files }
    }

    /// A case that is one file.
    pub fn of_file(code: &str, name: String, text: &str) -> Case {
        Case::new(code, name, text)
    }

    /// Writes the files to a directory of their own.
    pub fn write(&self) -> TempDir {
        let dir = TempDir::new().unwrap();
        for (path, text) in &self.files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    pub fn wants(&self) -> Vec<Want> {
        self.go_files()
            .flat_map(|(path, text)| want::read(path, text))
            .collect()
    }

    /// Lines that write to an element of something and are not marked.
    pub fn silent_writes(&self) -> usize {
        static WRITE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"\]\s*([-+*/%&|^]|<<|>>|&\^)?=[^=]|\](\+\+|--)|maps\.Copy\(|\.Store\(|= sync\.Map\{").unwrap()
        });
        let lines = self.go_files().flat_map(|(_, text)| text.lines());
        let code = lines.filter(|line| !line.trim_start().starts_with("//"));
        code.filter(|line| WRITE.is_match(line) && !line.contains("// want "))
            .count()
    }

    fn go_files(&self) -> impl Iterator<Item = &(String, String)> {
        self.files.iter().filter(|(path, _)| path.ends_with(".go"))
    }
}

/// The Go blocks of a page.
fn page(code: &str, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        if line != "```go" {
            continue;
        }
        let block: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|&line| line != "```")
            .collect();
        let name = format!("pages/{code}.md:{number}");
        cases.push(Case::new(code, name, &(block.join("\n") + "\n")));
    }
    cases
}

/// Splits text at `-- path --` lines; text without any is one file.
fn txtar(text: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        let marker = line
            .trim_end()
            .strip_prefix("-- ")
            .and_then(|l| l.strip_suffix(" --"));
        match (marker, files.last_mut()) {
            (Some(path), _) => files.push((path.trim().to_owned(), String::new())),
            (None, Some((_, file))) => file.push_str(line),
            // Above the first marker: a comment on the archive, or a file alone.
            (None, None) => {}
        }
    }
    if files.is_empty() {
        files.push(("m.go".into(), text.into()));
    }
    files
}

fn sorted_entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
