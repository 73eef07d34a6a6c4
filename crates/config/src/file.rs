//! What may stand in `tophash.toml`.
//!
//! The documentation of the fields is that of the JSON Schema.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;
use tophash_finding::Severity;

use crate::choice::{Layer, Level};
use crate::concurrency::{Concurrency, Parts};
use crate::error::{ConfigError, position};
use crate::glob::Patterns;
use crate::nearest::nearest;
use crate::selector::{Rules, Selector};

/// The name of a file of settings.
pub const FILE_NAME: &str = "tophash.toml";

/// The word in `select` that stands for what the files above select.
const INHERIT: &str = "inherit";

/// Settings of tophash for the directory of the file and all below it.
///
/// Files further down refine those above. Rules are named by their code (`TH101`), their
/// name (`nil-map-write`), a prefix of codes (`TH1`, `TH10*`) or `all`, in any case of
/// letters; of two that name a rule, the more specific counts.
#[derive(Clone, Default, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "tophash.toml"))]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ConfigFile {
    /// The rules that run, in place of those that the files above select or that run by
    /// themselves. The word `inherit` stands for these.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    select: Option<Vec<Spanned<String>>>,

    /// Rules that run as well.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    extend_select: Vec<Spanned<String>>,

    /// Rules that do not run.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    ignore: Vec<Spanned<String>>,

    /// How severe the findings of rules are, in place of what the rules say; `off` is the
    /// same as to ignore the rule.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Grade>"))]
    severity: BTreeMap<Spanned<String>, Grade>,

    /// Settings for some files only. They count after those of all directories, in order.
    per_path: Vec<PerPath>,

    /// Files in which nothing is reported, beside those that the files above exclude.
    /// Patterns are relative to the directory of this file: `*` stays within a name, `**`
    /// spans directories, a pattern without a slash names a file or directory anywhere
    /// below, and what names a directory names all in it.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    exclude: Vec<Spanned<String>>,

    /// Whether anything is reported in `_test.go` files. In the directory that tophash
    /// runs in, `false` keeps it from reading them at all. The default is `true`.
    tests: Option<bool>,

    /// Build tags to hold satisfied, as if given by `--tags`. Only those for the directory
    /// that tophash runs in count.
    tags: Option<Vec<String>>,

    /// What runs at the same time, beside what tophash knows by itself.
    concurrency: ConcurrencyTable,
}

/// What runs at the same time. The lists add to those of the files above.
#[derive(Clone, Default, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct ConcurrencyTable {
    /// Functions and methods that run each function they are given in a goroutine of its own:
    /// `example.com/pool.Submit`, `example.com/pool.Pool.Submit`.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    entry_points: Vec<Spanned<String>>,

    /// The same of those that run it in several goroutines at once, as a server does with
    /// its handlers. Of an argument that is an object, all methods that are exported count.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    handlers: Vec<Spanned<String>>,

    /// Types whose exported methods are called by several goroutines at once:
    /// `example.com/store.Store`.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    shared_types: Vec<Spanned<String>>,
}

/// Settings for the files that patterns name.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PerPath {
    /// The files, by patterns as in `exclude`.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    paths: Vec<Spanned<String>>,

    /// The rules that run in them, and no others; `inherit` stands for those that would
    /// run without this table.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    select: Option<Vec<Spanned<String>>>,

    /// Rules that run in them as well.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    extend_select: Vec<Spanned<String>>,

    /// Rules that do not run in them.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    ignore: Vec<Spanned<String>>,

    /// How severe the findings in them are.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Grade>"))]
    severity: BTreeMap<Spanned<String>, Grade>,
}

/// A severity, or none at all.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum Grade {
    Error,
    Warning,
    Note,
    Off,
}

impl From<Grade> for Level {
    fn from(grade: Grade) -> Level {
        match grade {
            Grade::Error => Level::At(Severity::Error),
            Grade::Warning => Level::At(Severity::Warning),
            Grade::Note => Level::At(Severity::Note),
            Grade::Off => Level::Off,
        }
    }
}

/// A file of settings, its words looked up.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Its path, as reports show it.
    pub(crate) name: Arc<str>,
    pub(crate) layer: Layer,
    pub(crate) per_path: Vec<(Patterns, Layer)>,
    pub(crate) exclude: Patterns,
    pub(crate) tests: Option<bool>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) concurrency: Concurrency,
}

impl Config {
    /// Reads the text of a file. `name` is its path as reports show it, `root` the directory
    /// that its patterns are relative to.
    pub(crate) fn parse(
        text: &str,
        name: &str,
        root: &Path,
        rules: Rules<'_>,
    ) -> Result<Config, Vec<ConfigError>> {
        let file: ConfigFile = toml::from_str(text).map_err(|error| {
            vec![ConfigError {
                file: Some(name.to_owned()),
                position: error.span().map(|span| position(text, span.start)),
                message: plain(error.message()),
            }]
        })?;
        let mut reader = Reader {
            text,
            name: name.into(),
            root,
            rules,
            errors: Vec::new(),
        };
        let config = reader.config(file);
        match reader.errors.is_empty() {
            true => Ok(config),
            false => Err(reader.errors),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    name: Arc<str>,
    root: &'a Path,
    rules: Rules<'a>,
    errors: Vec<ConfigError>,
}

impl Reader<'_> {
    fn config(&mut self, file: ConfigFile) -> Config {
        let layer = self.layer(
            file.select,
            &file.extend_select,
            &file.ignore,
            &file.severity,
        );
        let per_path = file.per_path.into_iter().map(|part| {
            let layer = self.layer(
                part.select,
                &part.extend_select,
                &part.ignore,
                &part.severity,
            );
            (self.patterns(&part.paths), layer)
        });
        let per_path = per_path.collect();
        Config {
            name: self.name.clone(),
            layer,
            per_path,
            exclude: self.patterns(&file.exclude),
            tests: file.tests,
            tags: file.tags,
            concurrency: Concurrency {
                entry_points: self.qualified(file.concurrency.entry_points, Parts::Function),
                handlers: self.qualified(file.concurrency.handlers, Parts::Function),
                shared_types: self.qualified(file.concurrency.shared_types, Parts::Type),
            },
        }
    }

    /// Names that begin with the import path of a package.
    fn qualified(&mut self, words: Vec<Spanned<String>>, parts: Parts) -> Vec<String> {
        let mut names = Vec::with_capacity(words.len());
        for word in words {
            match parts.check(word.get_ref()) {
                Ok(()) => names.push(word.into_inner()),
                Err(message) => self.error(&word, message),
            }
        }
        names
    }

    fn layer(
        &mut self,
        select: Option<Vec<Spanned<String>>>,
        extend_select: &[Spanned<String>],
        ignore: &[Spanned<String>],
        severity: &BTreeMap<Spanned<String>, Grade>,
    ) -> Layer {
        let replaces = select
            .as_ref()
            .is_some_and(|words| words.iter().all(|word| word.get_ref() != INHERIT));
        let selected = select.iter().flatten().filter(|w| w.get_ref() != INHERIT);
        let select = selected
            .chain(extend_select)
            .filter_map(|word| self.selector(word))
            .collect();
        let ignore = ignore.iter().filter_map(|w| self.selector(w)).collect();
        let severity = severity
            .iter()
            .filter_map(|(word, &grade)| Some((self.selector(word)?, grade.into())))
            .collect();
        Layer {
            name: self.name.clone(),
            replaces,
            select,
            ignore,
            severity,
        }
    }

    fn selector(&mut self, word: &Spanned<String>) -> Option<Selector> {
        match Selector::parse(word.get_ref(), self.rules) {
            Ok(selector) => Some(selector),
            Err(message) => {
                self.error(word, message);
                None
            }
        }
    }

    fn patterns(&mut self, words: &[Spanned<String>]) -> Patterns {
        let texts = words.iter().map(|word| word.get_ref().as_str());
        Patterns::new(self.root, texts).unwrap_or_else(|(index, message)| {
            if let Some(word) = words.get(index) {
                self.error(word, message);
            }
            Patterns::none(self.root)
        })
    }

    fn error(&mut self, word: &Spanned<String>, message: String) {
        self.errors.push(ConfigError {
            file: Some(self.name.to_string()),
            position: Some(position(self.text, word.span().start)),
            message,
        });
    }
}

/// What the parser says, in the words of the file.
fn plain(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    for (start, kind) in [("unknown field ", "key"), ("unknown variant ", "value")] {
        let Some(rest) = first.strip_prefix(start) else {
            continue;
        };
        let mut words = rest.split('`').skip(1).step_by(2);
        let Some(word) = words.next() else {
            continue;
        };
        let known: Vec<&str> = words.collect();
        return match nearest(word, known.iter().copied()) {
            Some(meant) => format!("unknown {kind} {word:?}: did you mean {meant:?}?"),
            None => format!("unknown {kind} {word:?}; known are {}", known.join(", ")),
        };
    }
    first
        .replace(
            "wanted string or table",
            "expected error, warning, note or off",
        )
        .replace("expected a sequence", "expected a list")
        .replace("expected a map", "expected a table")
        .replace("expected struct ConfigFile", "expected a table")
        .replace("expected struct PerPath", "expected a table")
        .replace("expected struct ConcurrencyTable", "expected a table")
        .replace("invalid type: sequence", "invalid type: list")
        .replace("invalid type: map", "invalid type: table")
        .replace("missing field", "missing key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selector::tests::rules;
    use proptest::prelude::*;

    /// What is said of a file.
    fn wrong(text: &str) -> Vec<String> {
        let errors = Config::parse(text, "tophash.toml", Path::new("/r"), &rules());
        let errors = errors.err().unwrap_or_default();
        errors.iter().map(ConfigError::to_string).collect()
    }

    #[test]
    fn errors_name_the_place_and_what_was_meant() {
        for (text, want) in [
            (
                "selct = [\"TH1\"]\n",
                "1:1: unknown key \"selct\": did you mean \"select\"?",
            ),
            (
                "# a\n\ncolour = 1\n",
                "3:1: unknown key \"colour\"; known are select, extend-select, ignore, \
                 severity, per-path, exclude, tests, tags, concurrency",
            ),
            (
                "select = \"TH1\"\n",
                "1:10: invalid type: string \"TH1\", expected a list",
            ),
            (
                "select = [\n  \"TH1\",\n  3,\n]\n",
                "3:3: invalid type: integer `3`, expected a string",
            ),
            (
                "tests = \"no\"\n",
                "1:9: invalid type: string \"no\", expected a boolean",
            ),
            (
                "select = [\"TH1\", \"TH103\"]\n",
                "1:18: no rule is called \"TH103\": did you mean TH101 (nil-map-write)?",
            ),
            (
                "[severity]\nTH101 = \"warn\"\n",
                "2:9: unknown value \"warn\": did you mean \"warning\"?",
            ),
            (
                "[severity]\nTH101 = 1\n",
                "2:9: expected error, warning, note or off",
            ),
            (
                "[severity]\nTH9 = \"off\"\n",
                "2:1: no rule is called \"TH9\": `tophash rules` lists the rules",
            ),
            (
                "severity = \"off\"\n",
                "1:12: invalid type: string \"off\", expected a table",
            ),
            (
                "[per-path]\npaths = [\"x\"]\n",
                "1:1: invalid type: table, expected a list",
            ),
            (
                "[[per-path]]\nignore = [\"TH1\"]\n",
                "1:1: missing key `paths`",
            ),
            (
                "[[per-path]]\npaths = [\"x\", \"a[\"]\n",
                "2:15: the pattern \"a[\": unclosed character class; missing ']'",
            ),
            (
                "[[per-path]]\npath = [\"x\"]\n",
                "2:1: unknown key \"path\": did you mean \"paths\"?",
            ),
            (
                "exclude = [\"/abs\"]\n",
                "1:12: the pattern \"/abs\": patterns are relative to the directory of their \
                 file, and stay below it",
            ),
            (
                "[concurrency]\nhandler = []\n",
                "2:1: unknown key \"handler\": did you mean \"handlers\"?",
            ),
            (
                "concurrency = \"pool\"\n",
                "1:15: invalid type: string \"pool\", expected a table",
            ),
            (
                "[concurrency]\nentry-points = [\"Submit\"]\n",
                "2:17: \"Submit\" is no function with its package: write \
                 import/path.Function or import/path.Type.Method",
            ),
            (
                "[concurrency]\nentry-points = [\"example.com/pool.(*Pool).Submit\"]\n",
                "2:17: \"example.com/pool.(*Pool).Submit\" is no function with its package: \
                 write import/path.Function or import/path.Type.Method",
            ),
            (
                "[concurrency]\nshared-types = [\"example.com/store\"]\n",
                "2:17: \"example.com/store\" is no type with its package: write \
                 import/path.Type",
            ),
            ("select = [\n", "1:11: unclosed array, expected `]`"),
            (
                "é = 1\n",
                "1:1: invalid unquoted key, expected letters, numbers, `-`, `_`",
            ),
            ("select = []\nselect = []\n", "2:1: duplicate key"),
        ] {
            assert_eq!(wrong(text), [format!("tophash.toml:{want}")], "{text}");
        }
    }

    #[test]
    fn all_wrong_words_are_told_at_once() {
        let text = "select = [\"TH9\"]\nignore = [\"TH8\"]\nexclude = [\"[\"]\n";
        assert_eq!(wrong(text).len(), 3, "{:?}", wrong(text));
    }

    proptest! {
        #[test]
        fn bears_any_text(text: String) {
            wrong(&text);
        }

        /// What looks like a file gets as far as its words and patterns; what is said of it
        /// has a place in it.
        #[test]
        fn bears_any_words(words in prop::collection::vec("[a-z*{}\\[\\]!?/.TH1-9日-]{0,6}", 0..6)) {
            let list = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(",\n");
            for text in [
                format!("select = [{list}]\nignore = [{list}]\n"),
                format!("exclude = [{list}]\n"),
                format!("[[per-path]]\npaths = [{list}]\nseverity = {{ {} = 'off' }}", words.first().map_or("x", |w| w)),
            ] {
                let errors = Config::parse(&text, "tophash.toml", Path::new("/r"), &rules());
                for error in errors.err().unwrap_or_default() {
                    let (line, column) = error.position.unwrap();
                    let text = text.lines().nth(line as usize - 1).unwrap_or_default();
                    prop_assert!(column as usize <= text.len() + 1, "{error}");
                }
            }
        }
    }

    fn schema() -> serde_json::Value {
        serde_json::to_value(schemars::schema_for!(ConfigFile)).unwrap()
    }

    /// With TOPHASH_UPDATE_SCHEMA set, the file is written anew.
    #[test]
    fn the_schema_is_that_of_the_file() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/tophash.schema.json"
        );
        let want = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        if std::env::var_os("TOPHASH_UPDATE_SCHEMA").is_some() {
            std::fs::write(path, &want).unwrap();
        }
        let got = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(got, want, "set TOPHASH_UPDATE_SCHEMA to update it");
    }

    /// The examples of the documentation are files, and the schema takes them; what the
    /// parser refuses for its form, the schema refuses.
    #[test]
    fn the_schema_agrees_with_the_parser() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let valid = |text: &str| {
            let value: serde_json::Value = toml::from_str(text).unwrap();
            validator.is_valid(&value)
        };
        let page = include_str!("../../../docs/configuration.md");
        let examples: Vec<&str> = page
            .split("```toml\n")
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap())
            .collect();
        assert!(!examples.is_empty());
        for example in examples {
            assert_eq!(
                toml::from_str::<ConfigFile>(example).err(),
                None,
                "{example}"
            );
            assert!(valid(example), "{example}");
        }
        for text in [
            "selct = []",
            "select = \"TH1\"",
            "tests = 1",
            "concurrency = { handler = [] }",
            "concurrency = { entry-points = [1] }",
            "severity.TH1 = \"warn\"",
            "per-path = [{ ignore = [] }]",
            "per-path = [{ paths = [], path = [] }]",
        ] {
            assert!(toml::from_str::<ConfigFile>(text).is_err(), "{text}");
            assert!(!valid(text), "{text}");
        }
    }
}
