//! `go.mod`, `go.work` and `vendor/modules.txt`, read tolerantly: a line that
//! makes no sense is left out (golang.org/x/mod/modfile).

use crate::modules::slash_path;
use crate::version::GoVersion;
use std::path::Path;

/// A module at a version, as a `require` line names it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ModuleVersion {
    /// Module path.
    pub path: String,
    /// Version with its `v`.
    pub version: String,
}

/// A `replace` line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replace {
    /// Module path that is replaced.
    pub path: String,
    /// The one version that is replaced; none for every version.
    pub version: Option<String>,
    /// What takes its place.
    pub with: Replacement,
}

/// What takes the place of a replaced module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Replacement {
    /// A directory, relative to that of the file with the `replace` line, or absolute.
    Dir(String),
    /// Another module or another version of the same.
    Module(ModuleVersion),
}

/// A `go.mod` file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModFile {
    /// Module path; none if the line is missing.
    pub module: Option<String>,
    /// The `go` line.
    pub go: Option<GoVersion>,
    /// `require` lines, indirect ones included.
    pub require: Vec<ModuleVersion>,
    /// `exclude` lines.
    pub exclude: Vec<ModuleVersion>,
    /// `replace` lines.
    pub replace: Vec<Replace>,
    /// `ignore` lines (Go 1.25): directories that patterns leave out.
    pub ignore: Vec<String>,
    /// `tool` lines (Go 1.24): import paths of commands.
    pub tool: Vec<String>,
}

/// A `go.work` file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WorkFile {
    /// The `go` line.
    pub go: Option<GoVersion>,
    /// Directories of the workspace's modules, relative to the file's or absolute.
    pub uses: Vec<String>,
    /// `replace` lines; they win over those of the modules.
    pub replace: Vec<Replace>,
}

/// `vendor/modules.txt`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VendorFile {
    /// Written by `go work vendor`.
    pub for_workspace: bool,
    /// The modules, in file order.
    pub modules: Vec<VendoredModule>,
}

/// A module in `vendor/modules.txt`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VendoredModule {
    /// The module, before any replacement.
    pub module: ModuleVersion,
    /// Its language version, where noted.
    pub go: Option<GoVersion>,
    /// Import paths of its packages that were copied.
    pub packages: Vec<String>,
}

impl ModFile {
    /// Reads the text of a `go.mod`.
    pub fn parse(text: &str) -> ModFile {
        let mut file = ModFile::default();
        each_directive(text, |verb, args| match (verb, args) {
            ("module", [path]) if file.module.is_none() => file.module = Some(path.clone()),
            ("go", [version]) => file.go = GoVersion::parse(version),
            ("require", [path, version]) => file.require.push(module_version(path, version)),
            ("exclude", [path, version]) => file.exclude.push(module_version(path, version)),
            ("replace", args) => file.replace.extend(parse_replace(args)),
            ("ignore", [dir]) => file.ignore.push(dir.clone()),
            ("tool", [path]) => file.tool.push(path.clone()),
            _ => {}
        });
        file
    }

    /// Whether the `ignore` lines leave a directory out, given relative to
    /// the module (`IgnorePatterns` in cmd/go/internal/search).
    pub(crate) fn ignores(&self, relative: &Path) -> bool {
        let dir = format!("/{}/", slash_path(relative));
        self.ignore.iter().any(|pattern| {
            let (pattern, at_root) = match pattern.strip_prefix("./") {
                Some(rest) => (rest, true),
                None => (pattern.as_str(), false),
            };
            let pattern = format!("/{}/", pattern.trim_matches('/'));
            if at_root {
                dir.starts_with(&pattern)
            } else {
                dir.contains(&pattern)
            }
        })
    }
}

impl WorkFile {
    /// Reads the text of a `go.work`.
    pub fn parse(text: &str) -> WorkFile {
        let mut file = WorkFile::default();
        each_directive(text, |verb, args| match (verb, args) {
            ("go", [version]) => file.go = GoVersion::parse(version),
            ("use", [dir]) => file.uses.push(dir.clone()),
            ("replace", args) => file.replace.extend(parse_replace(args)),
            _ => {}
        });
        file
    }
}

impl VendorFile {
    /// Reads the text of a `vendor/modules.txt` (`readVendorList` in
    /// cmd/go/internal/modload/vendor.go).
    pub fn parse(text: &str) -> VendorFile {
        let mut file = VendorFile::default();
        for line in text.lines() {
            if let Some(notes) = line.strip_prefix("## ") {
                for note in notes.split(';').map(str::trim) {
                    if note == "workspace" && file.modules.is_empty() {
                        file.for_workspace = true;
                    } else if let (Some(version), Some(module)) =
                        (note.strip_prefix("go "), file.modules.last_mut())
                    {
                        module.go = GoVersion::parse(version);
                    }
                }
            } else if let Some(module) = line.strip_prefix("# ") {
                let words: Vec<&str> = module.split_whitespace().collect();
                // `# path version`, `# path version => ...`; a wildcard replacement
                // `# path => ...` at the end of the file holds no package.
                if let [path, version, ..] = words[..]
                    && version != "=>"
                {
                    file.modules.push(VendoredModule {
                        module: module_version(path, version),
                        go: None,
                        packages: Vec::new(),
                    });
                }
            } else if let (Some(module), [package]) = (
                file.modules.last_mut(),
                &line.split_whitespace().collect::<Vec<_>>()[..],
            ) && !line.starts_with('#')
            {
                module.packages.push((*package).to_owned());
            }
        }
        file
    }
}

fn module_version(path: &str, version: &str) -> ModuleVersion {
    ModuleVersion {
        path: path.to_owned(),
        version: version.to_owned(),
    }
}

fn parse_replace(args: &[String]) -> Option<Replace> {
    let arrow = args.iter().position(|a| a == "=>")?;
    let (path, version) = match &args[..arrow] {
        [path] => (path, None),
        [path, version] => (path, Some(version.clone())),
        _ => return None,
    };
    let with = match &args[arrow + 1..] {
        [dir] => Replacement::Dir(dir.clone()),
        [path, version] => Replacement::Module(module_version(path, version)),
        _ => return None,
    };
    Some(Replace {
        path: path.clone(),
        version,
        with,
    })
}

/// Calls `f` with the verb and the arguments of every line, those inside
/// `verb ( ... )` blocks included.
fn each_directive(text: &str, mut f: impl FnMut(&str, &[String])) {
    let mut block: Option<String> = None;
    for line in text.lines() {
        let mut tokens = tokens(line);
        match &block {
            Some(_) if tokens.first().is_some_and(|t| t == ")") => block = None,
            Some(verb) if !tokens.is_empty() => f(verb, &tokens),
            Some(_) => {}
            None => match tokens.as_slice() {
                [] => {}
                [verb, open] if open == "(" => block = Some(verb.clone()),
                // `verb ()`: an empty block.
                [_, open, close] if open == "(" && close == ")" => {}
                _ => {
                    let verb = tokens.remove(0);
                    f(&verb, &tokens);
                }
            },
        }
    }
}

/// Words, quoted strings and parentheses of a line, up to its comment.
fn tokens(line: &str) -> Vec<String> {
    let mut list = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            break;
        }
        let len = match first {
            '(' | ')' | '[' | ']' | '{' | '}' | ',' => 1,
            '"' | '`' => match rest[1..].find(first) {
                Some(end) => {
                    list.push(rest[1..=end].to_owned());
                    rest = rest[end + 2..].trim_start();
                    continue;
                }
                None => rest.len(),
            },
            _ => {
                let is_end = |c: char| c.is_whitespace() || "()[]{},".contains(c);
                let word = rest.find(is_end).unwrap_or(rest.len());
                rest[..word].find("//").unwrap_or(word)
            }
        };
        list.push(rest[..len].to_owned());
        rest = rest[len..].trim_start();
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_mod() {
        let file = ModFile::parse(
            "module \"example.com/m\" // c\n\ngo 1.22.3\ntoolchain go1.23.1\n\
             require(\n\ta.b/c v1.0.0 // indirect\n\n\t// note\n\td.e/f v0.0.0-20200101000000-0123456789ab\n)\n\
             require g.h/i v2.0.0+incompatible\nexclude a.b/c v0.9.0\nretract [v1.0.0, v1.1.0]\n\
             replace (\n\ta.b/c => ../c\n\td.e/f v1.0.0 => x.y/f v1.2.3\n)\n\
             ignore ./node_modules\nignore (\n\tstatic\n)\ntool a.b/c/cmd/t\ngodebug x=y\nretract ()\n",
        );
        assert_eq!(file.module.as_deref(), Some("example.com/m"));
        assert_eq!(file.go, Some(GoVersion::new(1, 22)));
        let paths: Vec<&str> = file.require.iter().map(|r| r.path.as_str()).collect();
        assert_eq!(paths, ["a.b/c", "d.e/f", "g.h/i"]);
        assert_eq!(file.exclude, [module_version("a.b/c", "v0.9.0")]);
        assert_eq!(file.replace[0].with, Replacement::Dir("../c".into()));
        assert_eq!(file.replace[1].version.as_deref(), Some("v1.0.0"));
        assert_eq!(
            file.replace[1].with,
            Replacement::Module(module_version("x.y/f", "v1.2.3"))
        );
        assert_eq!(file.ignore, ["./node_modules", "static"]);
        assert_eq!(file.tool, ["a.b/c/cmd/t"]);
    }

    #[test]
    fn go_work() {
        let file =
            WorkFile::parse("go 1.24\nuse .\nuse (\n\t./api\n\t\"./c d\"\n)\nreplace a => ../a\n");
        assert_eq!(file.uses, [".", "./api", "./c d"]);
        assert_eq!(file.replace.len(), 1);
    }

    #[test]
    fn modules_txt() {
        let file = VendorFile::parse(
            "## workspace\n# a.b/c v1.0.0 => ./c\n## explicit; go 1.20\na.b/c\na.b/c/d\n# e.f v0.1.0\n# g => h v1.0.0\n",
        );
        assert!(file.for_workspace);
        assert_eq!(file.modules.len(), 2);
        assert_eq!(file.modules[0].packages, ["a.b/c", "a.b/c/d"]);
        assert_eq!(file.modules[0].go, Some(GoVersion::new(1, 20)));
        assert_eq!(file.modules[1].go, None);
    }

    #[test]
    fn ignore_lines() {
        let file = ModFile::parse("ignore ./out\nignore node_modules\n");
        let ignores = |dir: &str| file.ignores(Path::new(dir));
        assert!(ignores("out") && ignores("out/x") && ignores("a/node_modules/b"));
        assert!(!ignores("x/out") && !ignores("outer") && !ignores(""));
    }

    #[test]
    fn conflict_markers_cost_their_lines_alone() {
        let file =
            ModFile::parse("module m\n<<<<<<< HEAD\nrequire a.b v1.0.0\n=======\n>>>>>>> x\n");
        assert_eq!(file.require, [module_version("a.b", "v1.0.0")]);
    }
}
