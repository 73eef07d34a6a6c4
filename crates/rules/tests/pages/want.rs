//! `// want "regexp" ...` comments.

use regex::Regex;

/// A finding that a line must have.
pub struct Want {
    pub file: String,
    pub line: u32,
    pub regex: Regex,
}

/// The wants of a file.
pub fn read(file: &str, text: &str) -> Vec<Want> {
    let mut wants = Vec::new();
    for (line, source) in (1..).zip(text.lines()) {
        let Some((_, mut rest)) = source.split_once("// want ") else {
            continue;
        };
        loop {
            rest = rest.trim_start();
            let Some(quote) = rest.chars().next() else {
                break;
            };
            let quoted = rest[1..]
                .split_once(quote)
                .filter(|_| quote == '"' || quote == '`');
            let Some((regex, behind)) = quoted else {
                panic!("{file}:{line}: expected a quoted regular expression: {rest}");
            };
            let regex = Regex::new(regex).unwrap_or_else(|e| panic!("{file}:{line}: {e}"));
            wants.push(Want {
                file: file.to_owned(),
                line,
                regex,
            });
            rest = behind;
        }
    }
    wants
}
