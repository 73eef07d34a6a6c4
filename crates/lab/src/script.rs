//! Scripts: lines of commands.

use std::fmt;

use tophash_runtime::{Build, GoVersion};

use crate::value::Type;

/// Most statements of one script.
pub const MAX_STATEMENTS: usize = 20_000;

/// A word of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text, without quotes.
    pub text: String,
    /// Whether it was quoted.
    pub quoted: bool,
}

/// A part of a large map: a bucket of a classic map, a group of a Swiss table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Keys whose hash leads to this bucket.
    Bucket(u64),
    /// Keys whose probing starts at this group.
    Group(u64),
}

/// What a goroutine of a race does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RaceStep {
    /// `m[k] = v`.
    Put(Word, Word),
    /// `v := m[k]`.
    Get(Word),
    /// `delete(m, k)`.
    Delete(Word),
    /// `clear(m)`.
    Clear,
    /// `for k, v := range m {}`.
    Iterate,
    /// `len(m)`.
    Len,
}

/// What a script asks for. Keys and elements are read when their types are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make a map.
    New {
        /// Its key type.
        key: Type,
        /// Its element type.
        elem: Type,
        /// The size given to `make`.
        hint: i64,
    },
    /// Make the variable nil.
    Nil,
    /// Run what was done to the map so far on another build's map.
    Go(Build),
    /// The same with other random values.
    Seed(u64),
    /// `m[k] = v`.
    Put(Word, Option<Word>),
    /// `delete(m, k)`, for each key.
    Delete(Vec<Word>),
    /// `v, ok := m[k]`.
    Get(Word),
    /// Say where a key belongs.
    Hash(Word),
    /// Put so many new keys.
    Fill(u64, Option<Target>),
    /// Delete so many entries.
    Drain(u64, Option<Target>),
    /// A whole iteration.
    Iterate,
    /// Begin an iteration, to be stepped.
    Range,
    /// Go on with the iteration by so many entries.
    Step(u64),
    /// Leave the loop.
    Stop,
    /// `clear(m)`.
    Clear,
    /// `m = maps.Clone(m)`.
    Clone,
    /// When the map will grow.
    Grow,
    /// Draw; everything, if asked for.
    Show(bool),
    /// Whether to draw after every command.
    Draw(bool),
    /// Another goroutine begins a write and does not end it.
    Writer,
    /// Goroutines use the map at the same time.
    Race(Vec<Vec<RaceStep>>),
    /// Name the scenes.
    Scenes,
    /// Play a scene.
    Scene(String),
    /// List the commands.
    Help,
    /// End.
    Quit,
}

/// A statement of a script.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its line, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// The comments before it.
    pub remarks: Vec<String>,
    /// What it asks for.
    pub command: Command,
}

/// What is wrong with a script, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// Name of the script.
    pub source: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.source, self.line, self.message)
    }
}

impl std::error::Error for ScriptError {}

/// A script as far as it could be read.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The statements before the first mistake.
    pub statements: Vec<Statement>,
    /// The comments after the last statement.
    pub remarks: Vec<String>,
    /// The first mistake.
    pub error: Option<ScriptError>,
}

/// One character class for all that words are made of.
struct Lexer<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    text: String,
}

/// What ends a statement.
enum Lexed {
    Statement(Vec<Word>),
    Comment(String),
    LineEnd,
}

impl Lexer<'_> {
    fn next_char(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.text.push(c);
        Some(c)
    }

    /// The words up to `;`, a comment or the end of the line.
    fn statement(&mut self) -> Result<Lexed, String> {
        let mut words = Vec::new();
        self.text.clear();
        loop {
            match self.rest.peek() {
                None | Some('\n') => break,
                Some('#') => break,
                Some(';') => {
                    self.rest.next();
                    return Ok(Lexed::Statement(words));
                }
                Some('|') => {
                    self.next_char();
                    words.push(Word {
                        text: "|".to_owned(),
                        quoted: false,
                    });
                }
                Some(c) if c.is_whitespace() => {
                    self.next_char();
                }
                Some(_) => words.push(self.word()?),
            }
        }
        if !words.is_empty() {
            return Ok(Lexed::Statement(words));
        }
        if self.rest.peek() == Some(&'#') {
            let mut comment = String::new();
            self.rest.next();
            while let Some(c) = self.rest.next_if(|&c| c != '\n') {
                comment.push(c);
            }
            return Ok(Lexed::Comment(comment.trim().to_owned()));
        }
        Ok(Lexed::LineEnd)
    }

    fn word(&mut self) -> Result<Word, String> {
        let mut text = String::new();
        let first = self.rest.peek().copied();
        if let Some(quote @ ('"' | '`')) = first {
            self.next_char();
            loop {
                match self.rest.peek().copied() {
                    None | Some('\n') => return Err(format!("a string has no closing {quote}")),
                    Some(c) => {
                        self.next_char();
                        match c {
                            _ if c == quote => return Ok(Word { text, quoted: true }),
                            '\\' if quote == '"' => text.push(self.escape()?),
                            _ => text.push(c),
                        }
                    }
                }
            }
        }
        let mut depth = 0_usize;
        while let Some(&c) = self.rest.peek() {
            let ends = c == '\n' || depth == 0 && (c.is_whitespace() || matches!(c, ';' | '|'));
            if ends {
                break;
            }
            self.next_char();
            text.push(c);
            match c {
                '[' | '{' | '(' => depth += 1,
                ']' | '}' | ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if depth > 0 {
            return Err(format!("{text:?} has a bracket that is not closed"));
        }
        Ok(Word {
            text,
            quoted: false,
        })
    }

    fn escape(&mut self) -> Result<char, String> {
        let digits = |lexer: &mut Self, n: usize| {
            let hex: String = (0..n).map_while(|_| lexer.next_char()).collect();
            u32::from_str_radix(&hex, 16)
                .ok()
                .filter(|_| hex.len() == n)
                .and_then(char::from_u32)
                .ok_or_else(|| format!("{hex:?} is no character: {n} hex digits were expected"))
        };
        match self.rest.peek().copied() {
            Some('\n') | None => Err("a string has no closing \"".to_owned()),
            Some(c) => {
                self.next_char();
                Ok(match c {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    '\\' | '"' | '\'' => c,
                    'x' => return digits(self, 2),
                    'u' => return digits(self, 4),
                    'U' => return digits(self, 8),
                    _ => return Err(format!("\\{c} is no escape of a Go string")),
                })
            }
        }
    }
}

/// Reads a script up to its first mistake.
#[must_use]
pub fn parse(source: &str, text: &str) -> Script {
    let mut script = Script::default();
    let mut lexer = Lexer {
        rest: text.chars().peekable(),
        text: String::new(),
    };
    let mut line = 1;
    loop {
        let read = lexer.statement();
        let statement = match read {
            Ok(Lexed::Statement(words)) if words.is_empty() => continue,
            Ok(Lexed::Statement(words)) if script.statements.len() < MAX_STATEMENTS => {
                command(&words)
            }
            Ok(Lexed::Statement(_)) => Err(format!(
                "a script has at most {MAX_STATEMENTS} commands: use `fill N`"
            )),
            Ok(Lexed::Comment(remark)) => {
                script.remarks.push(remark);
                continue;
            }
            Ok(Lexed::LineEnd) => {
                if lexer.rest.next().is_none() {
                    return script;
                }
                line += 1;
                continue;
            }
            Err(message) => Err(message),
        };
        match statement {
            Ok(command) => script.statements.push(Statement {
                line,
                text: lexer.text.trim().to_owned(),
                remarks: std::mem::take(&mut script.remarks),
                command,
            }),
            Err(message) => {
                script.error = Some(ScriptError {
                    source: source.to_owned(),
                    line,
                    message,
                });
                return script;
            }
        }
    }
}

/// Commands and what follows them, for help and for messages.
pub const COMMANDS: &[(&str, &str, &str)] = &[
    ("put", "KEY ELEM", "m[k] = v"),
    ("del", "KEY ...", "delete(m, k) for each key"),
    ("get", "KEY", "v, ok := m[k]"),
    (
        "fill",
        "N",
        "put N new keys; `fill N bucket B` or `fill N group G` chooses keys that belong there",
    ),
    (
        "drain",
        "N",
        "delete N entries; `drain N bucket B` or `drain N group G` chooses those that belong there",
    ),
    ("iter", "", "range over the whole map"),
    (
        "range",
        "",
        "begin an iteration that `step` goes on with, to change the map in between",
    ),
    ("step", "[N]", "visit the next entry, or the next N"),
    ("stop", "", "leave the iteration"),
    ("clear", "", "clear(m)"),
    ("clone", "", "m = maps.Clone(m)"),
    ("grow?", "", "say when and how the map will grow next"),
    ("hash", "KEY", "say where a key belongs"),
    ("new", "map[K]V [HINT]", "make(map[K]V, HINT)"),
    ("nil", "", "m = nil"),
    (
        "go",
        "VERSION",
        "1.21 to 1.27, `1.24 noswissmap`, `1.25 noswissmap`: do the same to that version's map",
    ),
    ("seed", "N", "do the same with other random values"),
    (
        "race",
        "A | B [| C]",
        "goroutines with put, get, del, clear, iter, len (joined by commas) use the map at once: every ending",
    ),
    (
        "writer",
        "",
        "as if another goroutine were in the middle of a write: see who notices",
    ),
    ("show", "[all]", "draw the map; `all` draws large ones too"),
    ("draw", "on|off", "whether to draw after every command"),
    ("scenes", "", "list the ready-made scenes"),
    ("scene", "NAME", "play one"),
    ("help", "", "this list"),
    ("quit", "", "end"),
];

fn usage(name: &str) -> String {
    COMMANDS
        .iter()
        .find(|(command, ..)| *command == name)
        .map_or_else(String::new, |(_, arguments, what)| {
            let space = if arguments.is_empty() { "" } else { " " };
            format!("`{name}{space}{arguments}` was expected: {what}")
        })
}

fn command(words: &[Word]) -> Result<Command, String> {
    let [first, rest @ ..] = words else {
        return Err("a command was expected".to_owned());
    };
    let name = match first.text.as_str() {
        "delete" => "del",
        "insert" | "set" => "put",
        "grow" => "grow?",
        "break" => "stop",
        "next" => "step",
        "exit" | "q" => "quit",
        "?" => "help",
        name => name,
    };
    let wrong = || usage(name);
    let number = |word: &Word| {
        word.text
            .replace('_', "")
            .parse::<u64>()
            .map_err(|_| format!("{:?} is no number: {}", word.text, usage(name)))
    };
    Ok(match (name, rest) {
        ("put", [key]) => Command::Put(key.clone(), None),
        ("put", [key, elem]) => Command::Put(key.clone(), Some(elem.clone())),
        ("del", [_, ..]) => Command::Delete(rest.to_vec()),
        ("get", [key]) => Command::Get(key.clone()),
        ("hash", [key]) => Command::Hash(key.clone()),
        ("fill", [n]) => Command::Fill(number(n)?, None),
        ("drain", [n]) => Command::Drain(number(n)?, None),
        ("fill" | "drain", [n, what, at]) => {
            let target = match what.text.as_str() {
                "bucket" => Target::Bucket(number(at)?),
                "group" => Target::Group(number(at)?),
                _ => return Err(wrong()),
            };
            if name == "fill" {
                Command::Fill(number(n)?, Some(target))
            } else {
                Command::Drain(number(n)?, Some(target))
            }
        }
        ("iter", []) => Command::Iterate,
        ("range", []) => Command::Range,
        ("step", []) => Command::Step(1),
        ("step", [n]) => Command::Step(number(n)?),
        ("stop", []) => Command::Stop,
        ("clear", []) => Command::Clear,
        ("clone", []) => Command::Clone,
        ("grow?", []) => Command::Grow,
        ("nil", []) => Command::Nil,
        ("new", [ty]) => new(&ty.text, 0)?,
        ("new", [ty, hint]) => new(&ty.text, number(hint)?)?,
        ("go", [version]) => Command::Go(build(&version.text, "")?),
        ("go", [version, experiment]) => Command::Go(build(&version.text, &experiment.text)?),
        ("seed", [n]) => Command::Seed(number(n)?),
        ("race", [_, ..]) => Command::Race(race(rest)?),
        ("writer", []) => Command::Writer,
        ("show", []) => Command::Show(false),
        ("show", [all]) if all.text == "all" => Command::Show(true),
        ("draw", [on]) if matches!(on.text.as_str(), "on" | "off") => {
            Command::Draw(on.text == "on")
        }
        ("scenes", []) => Command::Scenes,
        ("scene", [name]) => Command::Scene(name.text.clone()),
        ("help", _) => Command::Help,
        ("quit", []) => Command::Quit,
        _ if COMMANDS.iter().any(|(command, ..)| *command == name) => return Err(wrong()),
        _ => {
            let names: Vec<&str> = COMMANDS.iter().map(|(name, ..)| *name).collect();
            return Err(format!(
                "{:?} is not a command; these are: {}",
                first.text,
                names.join(", ")
            ));
        }
    })
}

/// Largest hint and number of entries.
pub const MAX_ENTRIES: u64 = 100_000;

fn new(text: &str, hint: u64) -> Result<Command, String> {
    let rest = text.strip_prefix("map[").ok_or_else(|| {
        format!("{text:?} is no map type: one such as map[string]int was expected")
    })?;
    let (key, elem) = split_at_bracket(rest)
        .ok_or_else(|| format!("{text:?} is no map type: its ] is missing"))?;
    let key = Type::parse(key)?;
    if !key.can_be_key() {
        return Err(format!(
            "the lab has no keys of type {key}: bool, an integer or float type, string or any was expected"
        ));
    }
    if hint > MAX_ENTRIES {
        return Err(format!(
            "a hint of {hint}: at most {MAX_ENTRIES} was expected"
        ));
    }
    Ok(Command::New {
        key,
        elem: Type::parse(elem)?,
        hint: hint as i64,
    })
}

/// The texts before and after the bracket that closes one before the text.
fn split_at_bracket(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Reads a Go version and an experiment.
///
/// # Errors
/// What was expected.
pub fn build(version: &str, experiment: &str) -> Result<Build, String> {
    let expected = "a version from 1.21 to 1.27 was expected, or 1.24 noswissmap, 1.25 noswissmap";
    let (version, experiment) = match version.split_once(['-', '+']) {
        Some((version, rest)) if experiment.is_empty() => (version, rest),
        _ => (version, experiment),
    };
    let known: GoVersion = version
        .parse()
        .map_err(|_| format!("{version:?} is no Go version of the lab: {expected}"))?;
    match experiment {
        "" => Ok(Build::of(known)),
        "noswissmap" => Build::without_swiss(known)
            .ok_or_else(|| format!("Go {known} has no noswissmap: {expected}")),
        _ => Err(format!(
            "{experiment:?} is no experiment of the lab: {expected}"
        )),
    }
}

fn race(words: &[Word]) -> Result<Vec<Vec<RaceStep>>, String> {
    let goroutines = words
        .split(|word| !word.quoted && word.text == "|")
        .map(|words| {
            let mut steps = Vec::new();
            let mut step = Vec::new();
            for word in words {
                let mut word = word.clone();
                let ends = !word.quoted && word.text.ends_with(',');
                if ends {
                    word.text.pop();
                }
                if word.quoted || !word.text.is_empty() {
                    step.push(word);
                }
                if ends {
                    steps.push(race_step(&step)?);
                    step.clear();
                }
            }
            steps.push(race_step(&step)?);
            Ok(steps)
        })
        .collect::<Result<Vec<_>, String>>()?;
    if !(2..=3).contains(&goroutines.len()) {
        return Err(format!(
            "{} in a race: two or three, separated by |, were expected",
            if goroutines.len() == 1 {
                "one goroutine".to_owned()
            } else {
                format!("{} goroutines", goroutines.len())
            }
        ));
    }
    if goroutines.iter().map(Vec::len).sum::<usize>() > MAX_RACE_STEPS {
        return Err(format!(
            "a race of at most {MAX_RACE_STEPS} operations was expected: there are too many orders of more"
        ));
    }
    Ok(goroutines)
}

/// Most operations of all goroutines of a race.
const MAX_RACE_STEPS: usize = 6;

fn race_step(words: &[Word]) -> Result<RaceStep, String> {
    let name = words.first().map_or("", |word| word.text.as_str());
    Ok(match (name, words.get(1..).unwrap_or_default()) {
        ("put", [key, elem]) => RaceStep::Put(key.clone(), elem.clone()),
        ("get", [key]) => RaceStep::Get(key.clone()),
        ("del" | "delete", [key]) => RaceStep::Delete(key.clone()),
        ("clear", []) => RaceStep::Clear,
        ("iter" | "range", []) => RaceStep::Iterate,
        ("len", []) => RaceStep::Len,
        _ => {
            let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            return Err(format!(
                "{:?} is no step of a race: put K V, get K, del K, clear, iter or len was expected",
                words.join(" ")
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse("s", text).error.unwrap().to_string()
    }

    #[test]
    fn statements_and_remarks() {
        let script = parse(
            "s",
            "# begin\nput a 1; put \"b \\u00e9\" 2 # two\n\nget a\n# end",
        );
        let texts: Vec<&str> = script.statements.iter().map(|s| s.text.as_str()).collect();
        assert_eq!(texts, ["put a 1", "put \"b \\u00e9\" 2", "get a"]);
        assert_eq!(script.statements[0].remarks, ["begin"]);
        assert_eq!(script.statements[2].remarks, ["two"]);
        assert_eq!(script.statements[2].line, 4);
        assert_eq!(script.remarks, ["end"]);
        let Command::Put(key, _) = &script.statements[1].command else {
            panic!()
        };
        assert_eq!(key.text, "b é");
        assert!(script.error.is_none());
    }

    #[test]
    fn mistakes_name_their_line() {
        assert_eq!(
            error("put a 1\nput"),
            "s:2: `put KEY ELEM` was expected: m[k] = v"
        );
        assert!(error("pt a").starts_with("s:1: \"pt\" is not a command; these are: put, del"));
        assert_eq!(error("get \"a"), "s:1: a string has no closing \"");
        assert_eq!(
            error("get []int{1"),
            "s:1: \"[]int{1\" has a bracket that is not closed"
        );
        assert!(error("go 1.28").contains("from 1.21 to 1.27"));
        assert!(error("go 1.26 noswissmap").contains("Go 1.26 has no noswissmap"));
        assert!(error("new map[[]int]int").contains("type"));
        assert!(error("race put a 1").contains("one goroutine in a race"));
        assert!(error("race put a | get b").contains("\"put a\" is no step of a race"));
    }

    #[test]
    fn races() {
        let script = parse("s", "race put a 1, get a | iter");
        let Command::Race(goroutines) = &script.statements[0].command else {
            panic!()
        };
        assert_eq!(goroutines[0].len(), 2);
        assert_eq!(goroutines[1], [RaceStep::Iterate]);
    }
}
