//! The head of a Go file: build constraint, package clause, imports. A small
//! scanner over bytes that stops after the last import, so that choosing the
//! files of a package costs next to nothing.

use crate::constraint::Expr;

/// What the head of a file says.
#[derive(Debug, Default)]
pub struct Header {
    /// Name in the package clause; empty if there is none.
    pub package: Box<str>,
    /// Imports in source order.
    pub imports: Vec<Import>,
    /// What the build must satisfy for the file to take part.
    pub constraint: Constraint,
    /// The file says `// Code generated ... DO NOT EDIT.` before its package clause
    /// (<https://go.dev/s/generatedcode>).
    pub is_generated: bool,
}

/// An import specification.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// The path between the quotes.
    pub path: Box<str>,
    /// Byte offset of the path's opening quote.
    pub offset: u32,
}

/// The build constraint of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Constraint {
    /// The file has none.
    #[default]
    None,
    /// All of these must hold: one for `//go:build`, one for each `// +build` line.
    All(Vec<Expr>),
    /// The `//go:build` line does not parse, or there are two of them; Go refuses such a file.
    Malformed,
}

impl Constraint {
    /// Whether a build with these tags takes the file.
    pub fn eval(&self, has: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Constraint::None => true,
            Constraint::All(exprs) => exprs.iter().all(|x| x.eval(has)),
            Constraint::Malformed => false,
        }
    }

    /// The minor Go version a `//go:build` line requires, see [`Expr::min_go_minor`].
    pub fn min_go_minor(&self) -> Option<u16> {
        match self {
            Constraint::All(exprs) => exprs.iter().filter_map(Expr::min_go_minor).max(),
            _ => None,
        }
    }
}

impl Header {
    /// Whether the file imports the pseudo-package `C`.
    pub fn is_cgo(&self) -> bool {
        self.imports.iter().any(|i| &*i.path == "C")
    }

    /// Reads the head of a file. What is malformed is left out.
    pub fn scan(source: &[u8]) -> Header {
        let mut scanner = Scanner {
            source,
            at: if source.starts_with(b"\xef\xbb\xbf") {
                3
            } else {
                0
            },
        };
        let body_start = scanner.at;
        let mut header = Header {
            constraint: scan_constraint(&source[body_start..]),
            ..Header::default()
        };
        scanner.skip_blank(true);
        header.is_generated = says_generated(&source[body_start..scanner.at]);
        if scanner.word() != b"package" {
            return header;
        }
        scanner.skip_blank(true);
        header.package = String::from_utf8_lossy(scanner.word()).into();
        loop {
            scanner.skip_separators();
            if scanner.word() != b"import" {
                return header;
            }
            scanner.skip_blank(true);
            if scanner.eat(b'(') {
                loop {
                    scanner.skip_separators();
                    if scanner.eat(b')') {
                        break;
                    }
                    match scanner.import() {
                        Some(import) => header.imports.push(import),
                        None => return header,
                    }
                }
            } else {
                match scanner.import() {
                    Some(import) => header.imports.push(import),
                    None => return header,
                }
            }
        }
    }
}

struct Scanner<'a> {
    source: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Skips spaces and comments, and newlines too if asked.
    fn skip_blank(&mut self, newlines: bool) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' if newlines => self.at += 1,
                b'/' => {
                    let rest = &self.source[self.at..];
                    if rest.starts_with(b"//") {
                        let len = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
                        self.at += len;
                    } else if rest.starts_with(b"/*") {
                        let len = rest[2..].windows(2).position(|w| w == b"*/");
                        self.at += len.map_or(rest.len(), |len| len + 4);
                    } else {
                        return;
                    }
                }
                _ => return,
            }
        }
    }

    /// Skips blanks, newlines and semicolons.
    fn skip_separators(&mut self) {
        loop {
            self.skip_blank(true);
            if !self.eat(b';') {
                return;
            }
        }
    }

    /// An identifier or keyword, empty if there is none.
    fn word(&mut self) -> &'a [u8] {
        let rest = &self.source[self.at..];
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80;
        let len = rest.iter().take_while(|b| is_word(b)).count();
        self.at += len;
        &rest[..len]
    }

    /// An import specification: a path with an optional name, `.` or `_` before it.
    fn import(&mut self) -> Option<Import> {
        if !self.eat(b'.') {
            self.word();
        }
        self.skip_blank(true);
        let offset = self.at as u32;
        let quote = self.peek().filter(|b| matches!(b, b'"' | b'`'))?;
        let rest = &self.source[self.at + 1..];
        let len = rest.iter().position(|&b| b == quote || b == b'\n')?;
        if rest[len] != quote {
            return None;
        }
        self.at += len + 2;
        let path = std::str::from_utf8(&rest[..len]).ok()?.into();
        Some(Import { path, offset })
    }
}

fn says_generated(before_package: &[u8]) -> bool {
    before_package.split(|&b| b == b'\n').any(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.starts_with(b"// Code generated ") && line.ends_with(b" DO NOT EDIT.")
    })
}

/// Finds the build constraint where Go looks for it (`parseFileHeader` of
/// go/build, Go 1.26): `//go:build` anywhere before the first thing that is not a
/// comment; `// +build` only in the leading run of `//` lines, and only if a blank
/// line follows.
fn scan_constraint(source: &[u8]) -> Constraint {
    let mut go_build: Option<&[u8]> = None;
    let mut plus_build_end = 0;
    let mut ended = false;
    let mut in_block = false;
    let mut at = 0;
    'lines: while at < source.len() {
        let rest = &source[at..];
        let len = rest.iter().position(|&b| b == b'\n');
        at += len.map_or(rest.len(), |len| len + 1);
        let mut line = rest[..len.unwrap_or(rest.len())].trim_ascii();
        if line.is_empty() && !ended {
            plus_build_end = at;
            continue;
        }
        if !line.starts_with(b"//") {
            ended = true;
        }
        if !in_block && let Some(text) = after_directive(line, b"//go:build") {
            if go_build.is_some() {
                return Constraint::Malformed;
            }
            go_build = Some(text);
        }
        while !line.is_empty() {
            if in_block {
                let Some(end) = line.windows(2).position(|w| w == b"*/") else {
                    continue 'lines;
                };
                in_block = false;
                line = line[end + 2..].trim_ascii();
            } else if line.starts_with(b"//") {
                continue 'lines;
            } else if line.starts_with(b"/*") {
                in_block = true;
                line = line[2..].trim_ascii();
            } else {
                break 'lines;
            }
        }
    }
    if let Some(text) = go_build {
        return match std::str::from_utf8(text).ok().and_then(Expr::parse) {
            Some(expr) => Constraint::All(vec![expr]),
            None => Constraint::Malformed,
        };
    }
    let exprs: Vec<Expr> = source[..plus_build_end]
        .split(|&b| b == b'\n')
        .filter_map(|line| line.trim_ascii().strip_prefix(b"//"))
        .filter_map(|comment| after_directive(comment.trim_ascii(), b"+build"))
        .filter_map(|text| std::str::from_utf8(text).ok())
        .filter_map(Expr::parse_plus_build)
        .collect();
    if exprs.is_empty() {
        Constraint::None
    } else {
        Constraint::All(exprs)
    }
}

/// What follows a directive on its line, if the directive ends there or at a space.
fn after_directive<'a>(line: &'a [u8], directive: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(directive)?;
    let text = rest.trim_ascii();
    (rest.is_empty() || text.len() < rest.len()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{Constraint, Header};

    fn imports(source: &str) -> Vec<String> {
        let header = Header::scan(source.as_bytes());
        header.imports.iter().map(|i| i.path.to_string()).collect()
    }

    #[test]
    fn package_and_imports() {
        let source = "\u{feff}// x\n/* y */ package /**/ p; import \"a\"\nimport (\n\t. \"b/c\"; _ `d`\n\tn /* z */ \"e\" // f\n)\nimport ()\nvar x = 1\nimport \"no\"\n";
        let header = Header::scan(source.as_bytes());
        assert_eq!(&*header.package, "p");
        assert_eq!(imports(source), ["a", "b/c", "d", "e"]);
        let a = header.imports[0].offset as usize;
        assert!(source[a..].starts_with("\"a\""));
    }

    #[test]
    fn broken_heads() {
        assert_eq!(&*Header::scan(b"").package, "");
        assert_eq!(&*Header::scan(b"/* never ends").package, "");
        assert_eq!(&*Header::scan(b"package").package, "");
        assert_eq!(
            imports("package p\nimport \"a\nimport \"b\"\n"),
            Vec::<String>::new()
        );
        assert_eq!(imports("package p\nimport (\n\"a\"\n<<<<<<< HEAD\n"), ["a"]);
    }

    #[test]
    fn constraint_placement() {
        let holds = |source: &str| {
            Header::scan(source.as_bytes())
                .constraint
                .eval(&|t| t == "yes")
        };
        assert!(holds("package p\n//go:build no\n"));
        assert!(!holds("/* c */\n//go:build no\npackage p\n"));
        assert!(!holds("//go:build no\npackage p\n"));
        assert!(holds("/*\n//go:build no\n*/\npackage p\n"));
        // A `+build` line counts only before a blank line.
        assert!(holds("// +build no\npackage p\n"));
        assert!(!holds("// +build no\n\npackage p\n"));
        assert!(!holds("// +build yes\n// +build no\n\npackage p\n"));
        // `//go:build` wins.
        assert!(holds("//go:build yes\n// +build no\n\npackage p\n"));
        assert!(holds("//go:buildx no\npackage p\n"));
        let twice = "//go:build yes\n//go:build yes\npackage p\n";
        assert_eq!(
            Header::scan(twice.as_bytes()).constraint,
            Constraint::Malformed
        );
    }

    #[test]
    fn generated() {
        let generated = |source: &str| Header::scan(source.as_bytes()).is_generated;
        assert!(generated(
            "// Copyright\n\n// Code generated by x. DO NOT EDIT.\r\npackage p\n"
        ));
        assert!(!generated(
            "package p\n// Code generated by x. DO NOT EDIT.\n"
        ));
        assert!(!generated(
            "//Code generated by x. DO NOT EDIT.\npackage p\n"
        ));
    }
}
