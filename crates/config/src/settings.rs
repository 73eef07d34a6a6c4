//! Settings of a run: the files that count for each directory, and the command line.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tophash_finding::{RuleMeta, Severity};

use crate::choice::{Choice, Layer};
use crate::concurrency::Concurrency;
use crate::error::ConfigError;
use crate::file::{Config, FILE_NAME};
use crate::glob::Patterns;
use crate::selector::{Rules, Selector};

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The directory that the command runs in; absolute.
    pub dir: PathBuf,
    /// Which files count.
    pub files: Files,
    /// What the command line says.
    pub command_line: CommandLine,
}

/// Which files of settings count.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Files {
    /// None.
    #[default]
    None,
    /// This one, for every directory. Its patterns are relative to the directory that the
    /// command runs in.
    Only(PathBuf),
    /// For each directory its own and those above, up to the top of the repository.
    Tree,
}

/// What the command line says of rules.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CommandLine {
    /// `--select`; None if it was not given.
    pub select: Option<Vec<String>>,
    /// `--extend-select`.
    pub extend_select: Vec<String>,
    /// `--ignore`.
    pub ignore: Vec<String>,
    /// `--exclude`; patterns relative to the directory that the command runs in.
    pub exclude: Vec<String>,
    /// `--tests`, if it was given.
    pub tests: Option<bool>,
}

/// Settings for the directories that they were loaded for.
#[derive(Debug)]
pub struct Settings {
    dirs: HashMap<PathBuf, Arc<DirSettings>>,
    /// For files elsewhere.
    elsewhere: Arc<DirSettings>,
    command_line: Layer,
    exclude: Patterns,
    /// What the command line says of test files.
    tests: Option<bool>,
}

/// Settings of a directory, without what is said of single files.
#[derive(Debug)]
pub struct DirSettings {
    configs: Vec<Arc<Config>>,
    choices: Vec<Choice>,
}

/// Settings of a file.
#[derive(Debug)]
pub struct FileSettings<'a> {
    choices: Cow<'a, [Choice]>,
    /// Whether nothing is to be reported in it.
    pub excluded: bool,
}

impl Settings {
    /// Finds and reads the settings for directories, given by absolute paths. `rules` are
    /// all that settings may speak of.
    ///
    /// # Errors
    /// All that is wrong in any of the files and on the command line.
    pub fn load<'d>(
        request: &Request,
        rules: &[&'static RuleMeta],
        dirs: impl IntoIterator<Item = &'d Path>,
    ) -> Result<Settings, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let command_line = command_line(&request.command_line, rules, &mut errors);
        let exclude = request.command_line.exclude.iter().map(String::as_str);
        let exclude = Patterns::new(&request.dir, exclude).unwrap_or_else(|(_, message)| {
            errors.push(on_command_line("--exclude", &message));
            Patterns::none(&request.dir)
        });
        let mut loader = Loader {
            request,
            rules,
            command_line: &command_line,
            dirs: HashMap::new(),
            elsewhere: Arc::new(DirSettings::new(Vec::new(), rules, &command_line)),
            errors: Vec::new(),
        };
        if let Files::Only(path) = &request.files {
            let config = loader.read(path, &request.dir);
            let missing = config.is_none() && loader.errors.is_empty();
            if missing {
                loader.fail(path, "no such file".to_owned());
            }
            let configs = config.into_iter().collect();
            loader.elsewhere = Arc::new(DirSettings::new(configs, rules, &command_line));
        }
        for dir in dirs {
            loader.dir(dir);
        }
        let Loader {
            dirs,
            elsewhere,
            errors: of_files,
            ..
        } = loader;
        errors.extend(of_files);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Settings {
            dirs,
            elsewhere,
            command_line,
            exclude,
            tests: request.command_line.tests,
        })
    }

    /// The settings of a directory.
    pub fn dir(&self, dir: &Path) -> &DirSettings {
        self.dirs.get(dir).unwrap_or(&self.elsewhere)
    }

    /// The settings of a file, by its absolute path.
    pub fn file(&self, file: &Path) -> FileSettings<'_> {
        let dir = self.dir(file.parent().unwrap_or(file));
        let is_test = file
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().ends_with(b"_test.go"));
        let excluded = self.exclude.names(file)
            || dir.configs.iter().any(|config| config.exclude.names(file))
            || (is_test && self.tests.or(dir.tests()) == Some(false));
        let mut choices = Cow::Borrowed(dir.choices.as_slice());
        let per_path = dir.configs.iter().flat_map(|config| &config.per_path);
        for (_, layer) in per_path.filter(|(patterns, _)| patterns.names(file)) {
            layer.apply(choices.to_mut());
        }
        if matches!(choices, Cow::Owned(_)) {
            self.command_line.insist(choices.to_mut());
        }
        FileSettings { choices, excluded }
    }
}

impl DirSettings {
    fn new(configs: Vec<Arc<Config>>, rules: Rules<'_>, command_line: &Layer) -> DirSettings {
        let set_by: Arc<str> = "default".into();
        let mut choices: Vec<Choice> = rules
            .iter()
            .map(|rule| Choice {
                on: rule.default_on,
                severity: None,
                set_by: set_by.clone(),
            })
            .collect();
        for config in &configs {
            config.layer.apply(&mut choices);
        }
        command_line.apply(&mut choices);
        DirSettings { configs, choices }
    }

    /// The files that count, the outermost first, as reports show their paths.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.configs.iter().map(|config| &*config.name)
    }

    /// Whether test files are to be looked into, if a file says.
    pub fn tests(&self) -> Option<bool> {
        self.configs.iter().rev().find_map(|config| config.tests)
    }

    /// The build tags, if a file says.
    pub fn tags(&self) -> Option<&[String]> {
        let tags = self
            .configs
            .iter()
            .rev()
            .map(|config| config.tags.as_deref());
        tags.flatten().next()
    }

    /// What the files say of what runs at the same time, all together.
    pub fn concurrency(&self) -> Concurrency {
        let mut all = Concurrency::default();
        for config in &self.configs {
            all.add(&config.concurrency);
        }
        all
    }
}

impl FileSettings<'_> {
    /// What they say of a rule, by its index among the rules that settings were loaded for.
    pub fn choice(&self, rule: usize) -> Option<&Choice> {
        self.choices.get(rule)
    }

    /// Whether a rule is to run here.
    pub fn runs(&self, rule: usize) -> bool {
        !self.excluded && self.choice(rule).is_some_and(|choice| choice.on)
    }

    /// The severity of a finding that its rule holds for `found`.
    pub fn severity(&self, rule: usize, found: Severity) -> Severity {
        let choice = self.choice(rule);
        choice.and_then(|choice| choice.severity).unwrap_or(found)
    }
}

fn command_line(said: &CommandLine, rules: Rules<'_>, errors: &mut Vec<ConfigError>) -> Layer {
    let mut read = |option: &str, words: &[String]| -> Vec<Selector> {
        let words = words.iter().map(|word| word.trim());
        let selectors = words.filter_map(|word| match Selector::parse(word, rules) {
            Ok(selector) => Some(selector),
            Err(message) => {
                errors.push(on_command_line(option, &message));
                None
            }
        });
        selectors.collect()
    };
    let mut select = read("--select", said.select.as_deref().unwrap_or_default());
    select.extend(read("--extend-select", &said.extend_select));
    Layer {
        name: "command line".into(),
        replaces: said.select.is_some(),
        select,
        ignore: read("--ignore", &said.ignore),
        severity: Vec::new(),
    }
}

fn on_command_line(option: &str, message: &str) -> ConfigError {
    ConfigError {
        file: None,
        position: None,
        message: format!("{option}: {message}"),
    }
}

struct Loader<'a> {
    request: &'a Request,
    rules: Rules<'a>,
    command_line: &'a Layer,
    dirs: HashMap<PathBuf, Arc<DirSettings>>,
    elsewhere: Arc<DirSettings>,
    errors: Vec<ConfigError>,
}

impl Loader<'_> {
    /// The settings of a directory: those of the one above, refined by its own file.
    fn dir(&mut self, dir: &Path) -> Arc<DirSettings> {
        if self.request.files != Files::Tree {
            return self.elsewhere.clone();
        }
        if let Some(known) = self.dirs.get(dir) {
            return known.clone();
        }
        let above = match dir.parent() {
            Some(parent) if !dir.join(".git").exists() => self.dir(parent),
            _ => self.elsewhere.clone(),
        };
        let settings = match self.read(&dir.join(FILE_NAME), dir) {
            Some(own) => {
                let configs = above.configs.iter().cloned().chain([own]).collect();
                Arc::new(DirSettings::new(configs, self.rules, self.command_line))
            }
            None => above,
        };
        self.dirs.insert(dir.to_owned(), settings.clone());
        settings
    }

    /// Reads a file of settings. None if there is none, or none that can be used; then
    /// there is an error.
    fn read(&mut self, path: &Path, root: &Path) -> Option<Arc<Config>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => {
                self.fail(path, format!("can't be read: {error}"));
                return None;
            }
        };
        match Config::parse(&text, &self.shown(path), root, self.rules) {
            Ok(config) => Some(Arc::new(config)),
            Err(errors) => {
                self.errors.extend(errors);
                None
            }
        }
    }

    fn fail(&mut self, path: &Path, message: String) {
        self.errors.push(ConfigError {
            file: Some(self.shown(path)),
            position: None,
            message,
        });
    }

    /// Relative to the directory that the command runs in, if it lies below.
    fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.request.dir).unwrap_or(path);
        below.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selector::tests::rules;
    use std::fs;
    use tempfile::TempDir;

    struct Tree {
        dir: TempDir,
        request: Request,
    }

    /// A repository with files of settings.
    fn tree(files: &[(&str, &str)]) -> Tree {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let request = Request {
            dir: dir.path().to_owned(),
            files: Files::Tree,
            command_line: CommandLine::default(),
        };
        Tree { dir, request }
    }

    impl Tree {
        fn command_line(mut self, change: impl FnOnce(&mut CommandLine)) -> Tree {
            change(&mut self.request.command_line);
            self
        }

        fn load(&self, file: &str) -> Result<Settings, Vec<ConfigError>> {
            let file = self.dir.path().join(file);
            Settings::load(&self.request, &rules(), [file.parent().unwrap()])
        }

        /// The rules that run in a file, with severities that are set.
        fn in_file(&self, file: &str) -> String {
            let settings = self.load(file).unwrap();
            let settings = settings.file(&self.dir.path().join(file));
            let shown = rules().into_iter().enumerate().filter_map(|(i, rule)| {
                settings
                    .runs(i)
                    .then(|| match settings.choice(i)?.severity {
                        Some(severity) => Some(format!("{}={}", rule.code, severity.as_str())),
                        None => Some(rule.code.to_owned()),
                    })?
            });
            shown.collect::<Vec<_>>().join(" ")
        }
    }

    const DEFAULT: &str = "TH101 TH102 TH110 TH201";

    #[test]
    fn rules_on_by_default_run_without_settings() {
        assert_eq!(tree(&[]).in_file("a.go"), DEFAULT);
    }

    #[test]
    fn the_most_specific_selector_counts() {
        for (text, want) in [
            ("select = ['TH1']", "TH101 TH102 TH110"),
            ("select = []", ""),
            ("select = ['all']\nignore = ['TH1']", "TH201 TH302"),
            ("select = ['TH101']\nignore = ['TH1']", "TH101"),
            ("select = ['TH1']\nignore = ['TH10']", "TH110"),
            ("select = ['TH101']\nignore = ['nil-map-write']", ""),
            ("extend-select = ['TH302']", "TH101 TH102 TH110 TH201 TH302"),
            (
                "select = ['inherit', 'TH302']",
                "TH101 TH102 TH110 TH201 TH302",
            ),
            (
                "ignore = ['TH1', 'TH2']\nextend-select = ['TH110']",
                "TH110",
            ),
            (
                "severity = { all = 'note', TH101 = 'error', TH2 = 'off' }",
                "TH101=error TH102=note TH110=note",
            ),
        ] {
            assert_eq!(
                tree(&[("tophash.toml", text)]).in_file("a.go"),
                want,
                "{text}"
            );
        }
    }

    #[test]
    fn inner_files_refine_outer_ones() {
        let outer = (
            "tophash.toml",
            "select = ['TH1']\nignore = ['TH101']\nseverity = { TH1 = 'warning' }",
        );
        for (inner, want) in [
            ("", "TH102=warning TH110=warning"),
            (
                "extend-select = ['TH101']",
                "TH101=warning TH102=warning TH110=warning",
            ),
            ("ignore = ['TH11']", "TH102=warning"),
            ("select = ['TH201']", "TH201"),
            (
                "select = ['inherit', 'TH2']",
                "TH102=warning TH110=warning TH201",
            ),
            ("severity = { TH102 = 'note' }", "TH102=note TH110=warning"),
        ] {
            let tree = tree(&[outer, ("a/b/tophash.toml", inner)]);
            assert_eq!(tree.in_file("a/b/c/a.go"), want, "{inner}");
            assert_eq!(tree.in_file("a/a.go"), "TH102=warning TH110=warning");
        }
    }

    #[test]
    fn nothing_above_the_repository_counts() {
        let tree = tree(&[
            ("tophash.toml", "select = []"),
            ("inner/.git/HEAD", ""),
            ("inner/tophash.toml", "ignore = ['TH2']"),
        ]);
        assert_eq!(tree.in_file("inner/a.go"), "TH101 TH102 TH110");
    }

    #[test]
    fn tables_per_path_count_last() {
        let tree = tree(&[
            (
                "tophash.toml",
                "[[per-path]]\npaths = ['legacy/**', '*_gen.go']\nignore = ['TH1']\n\
                 severity = { TH2 = 'note' }\n\
                 [[per-path]]\npaths = ['legacy/new']\nselect = ['TH110']\n",
            ),
            ("legacy/tophash.toml", "select = ['all']"),
        ]);
        assert_eq!(tree.in_file("a.go"), DEFAULT);
        assert_eq!(tree.in_file("x/a_gen.go"), "TH201=note");
        assert_eq!(tree.in_file("legacy/a.go"), "TH201=note TH302");
        assert_eq!(tree.in_file("legacy/new/a.go"), "TH110");
    }

    #[test]
    fn the_command_line_counts_more_than_files_and_leaves_tables_per_path() {
        let files = [(
            "tophash.toml",
            "select = ['TH2']\nseverity = { TH101 = 'note' }\n\
             [[per-path]]\npaths = ['old']\nextend-select = ['TH110']\nignore = ['TH101']\n",
        )];
        let words = |words: &[&str]| words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>();
        let selecting = tree(&files).command_line(|c| c.select = Some(words(&["TH101"])));
        assert_eq!(selecting.in_file("a.go"), "TH101=note");
        assert_eq!(selecting.in_file("old/a.go"), "TH110");
        let extending = tree(&files).command_line(|c| c.extend_select = words(&["TH101"]));
        assert_eq!(extending.in_file("a.go"), "TH101=note TH201");
        let ignoring = tree(&files).command_line(|c| c.ignore = words(&["TH2", "TH110"]));
        assert_eq!(ignoring.in_file("a.go"), "");
        assert_eq!(ignoring.in_file("old/a.go"), "");
        let excluding = tree(&files).command_line(|c| c.exclude = words(&["old"]));
        assert_eq!(excluding.in_file("old/a.go"), "");
    }

    #[test]
    fn excluded_files_and_tests_have_no_rules() {
        let tree = tree(&[
            ("tophash.toml", "exclude = ['gen', 'x/*.pb.go']\n"),
            ("x/tophash.toml", "exclude = ['y']\ntests = false\n"),
            ("x/z/tophash.toml", "tests = true\n"),
        ]);
        for (file, want) in [
            ("a_test.go", DEFAULT),
            ("gen/a.go", ""),
            ("x/a.go", DEFAULT),
            ("x/a.pb.go", ""),
            ("x/y/a.go", ""),
            ("x/a_test.go", ""),
            ("x/z/a_test.go", DEFAULT),
        ] {
            assert_eq!(tree.in_file(file), want, "{file}");
        }
        let tree = tree.command_line(|c| c.tests = Some(true));
        assert_eq!(tree.in_file("x/a_test.go"), DEFAULT);
        let tree = tree.command_line(|c| c.tests = Some(false));
        assert_eq!(tree.in_file("x/z/a_test.go"), "");
    }

    #[test]
    fn one_file_or_none_on_demand() {
        let mut tree = tree(&[
            ("tophash.toml", "select = []"),
            ("ci/strict.toml", "select = ['all']\nexclude = ['gen']"),
        ]);
        tree.request.files = Files::None;
        assert_eq!(tree.in_file("a.go"), DEFAULT);
        tree.request.files = Files::Only(tree.dir.path().join("ci/strict.toml"));
        assert_eq!(tree.in_file("a.go"), format!("{DEFAULT} TH302"));
        assert_eq!(tree.in_file("gen/a.go"), "");
        tree.request.files = Files::Only(tree.dir.path().join("nowhere.toml"));
        let errors = tree.load("a.go").unwrap_err();
        assert_eq!(errors[0].to_string(), "nowhere.toml: no such file");
    }

    #[test]
    fn tags_and_files_of_a_directory() {
        let tree = tree(&[
            ("tophash.toml", "tags = ['a']"),
            ("x/tophash.toml", "tests = false"),
            ("x/y/tophash.toml", "tags = []"),
        ]);
        let settings = tree.load("x/y/a.go").unwrap();
        let of = |path: &str| settings.dir(&tree.dir.path().join(path));
        assert_eq!(of("x").tags(), Some(&["a".to_owned()][..]));
        assert_eq!(of("x/y").tags(), Some(&[][..]));
        assert_eq!((of("x").tests(), of("").tests()), (Some(false), None));
        let files: Vec<&str> = of("x/y").files().collect();
        assert_eq!(
            files,
            ["tophash.toml", "x/tophash.toml", "x/y/tophash.toml"]
        );
    }

    #[test]
    fn entry_points_add_up() {
        let tree = tree(&[
            (
                "tophash.toml",
                "[concurrency]\nentry-points = ['a.F']\nshared-types = ['a.T']",
            ),
            (
                "x/tophash.toml",
                "[concurrency]\nentry-points = ['a/b.v2.T.M']\nhandlers = ['a.H']",
            ),
        ]);
        let settings = tree.load("x/a.go").unwrap();
        let all = settings.dir(&tree.dir.path().join("x")).concurrency();
        assert_eq!(all.entry_points, ["a.F", "a/b.v2.T.M"]);
        assert_eq!(
            (all.handlers, all.shared_types),
            (vec!["a.H".into()], vec!["a.T".into()])
        );
        let outer = settings.dir(tree.dir.path()).concurrency();
        assert_eq!(outer.entry_points, ["a.F"]);
    }

    /// Of a file below several directories, one mistake is told once.
    #[test]
    fn mistakes_are_told_once_with_their_place() {
        let tree = tree(&[("x/tophash.toml", "\nselect = ['TH99']")])
            .command_line(|c| c.ignore = vec!["TH".into(), "nil-map-wriet".into()]);
        let dirs = ["x/a", "x/b", "x"].map(|dir| tree.dir.path().join(dir));
        let dirs = dirs.iter().map(PathBuf::as_path);
        let errors = Settings::load(&tree.request, &rules(), dirs).unwrap_err();
        let told: Vec<String> = errors.iter().map(ConfigError::to_string).collect();
        assert_eq!(
            told,
            [
                "--ignore: no rule is called \"nil-map-wriet\": did you mean TH101 (nil-map-write)?",
                "x/tophash.toml:2:11: no rule is called \"TH99\": `tophash rules` lists the rules",
            ]
        );
    }
}
