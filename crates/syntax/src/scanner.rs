//! Bytes to tokens, by the rules of go/scanner (Go 1.27).
//!
//! Tokens are handed out one at a time and never stored. Comments and line starts are
//! collected on the way. What is wrong with the encoding of a file is found beforehand by
//! [`crate::encoding`]; here bytes inside comments and strings are only passed over.

use crate::recover::{quoted, starts_function};
use crate::token::{ENDS_STATEMENT, Tok};
use crate::unicode::{is_digit, is_letter};
use crate::{Span, SyntaxError};

/// Errors kept of one file; those of later lines only repeat that it is broken.
const MAX_ERRORS: usize = 100;

/// A token and its extent. A semicolon that a newline stands for is empty.
#[derive(Clone, Copy)]
pub(crate) struct Token {
    pub tok: Tok,
    /// Start and end in one number: so a token is returned in two registers, not in memory.
    extent: u64,
}

impl Token {
    #[inline]
    fn new(tok: Tok, start: usize, end: usize) -> Token {
        let extent = start as u64 | (end as u64) << 32;
        Token { tok, extent }
    }

    #[inline]
    pub(crate) fn start(self) -> u32 {
        self.extent as u32
    }

    #[inline]
    pub(crate) fn end(self) -> u32 {
        (self.extent >> 32) as u32
    }
}

/// What the scanner has collected up to some point.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    at: usize,
    last: Tok,
    last_start: u32,
    comments: usize,
    groups: usize,
    lines: usize,
    errors: usize,
    error_line: usize,
    in_conflict: bool,
}

/// A comment group being read.
#[derive(Clone, Copy)]
struct Group {
    /// The last line on which a further comment belongs to it.
    until: usize,
    /// Whether it was begun behind a token.
    tight: bool,
}

pub(crate) struct Scanner<'s> {
    /// The whole file.
    full: &'s [u8],
    /// What is to be read of it.
    pub(crate) src: &'s [u8],
    /// Next byte to read.
    pub(crate) at: usize,
    /// The last token; decides whether a newline ends a statement.
    last: Tok,
    /// Where the last token started.
    last_start: u32,
    /// The comment group being read; none after a token.
    group: Option<Group>,
    pub(crate) comments: Vec<Span>,
    /// Index of the first comment of each group.
    pub(crate) groups: Vec<u32>,
    pub(crate) lines: Vec<u32>,
    pub(crate) errors: Vec<SyntaxError>,
    /// The line, counted from 1, on which the last error was found.
    error_line: usize,
    /// Whether the first side of a merge conflict is being read.
    in_conflict: bool,
}

const IDENT: u8 = 1;
const DIGIT: u8 = 2;
const SPACE: u8 = 4;
const START: u8 = 8;

/// What a byte may be part of.
const CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut b = 0;
    while b < 256 {
        let c = b as u8;
        if c.is_ascii_alphabetic() || c == b'_' {
            table[b] = IDENT | START;
        } else if c.is_ascii_digit() {
            table[b] = IDENT | DIGIT;
        } else if matches!(c, b' ' | b'\t' | b'\r') {
            table[b] = SPACE;
        }
        b += 1;
    }
    table
};

/// How many ASCII letters, digits and underscores `bytes` starts with; looks at eight at once.
#[inline]
fn name_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks();
    for (n, word) in words.iter().enumerate() {
        let others = !name_bytes(u64::from_le_bytes(*word)) & (EACH * 0x80);
        if others != 0 {
            return 8 * n + others.trailing_zeros() as usize / 8;
        }
    }
    let others = rest.iter().position(|&b| CLASS[b as usize] & IDENT == 0);
    bytes.len() - rest.len() + others.unwrap_or(rest.len())
}

/// One in each byte of a word.
const EACH: u64 = 0x0101_0101_0101_0101;

/// Sets the top bit of the bytes of `word` that are ASCII letters, digits or underscores.
/// The other bits mean nothing.
#[inline]
fn name_bytes(word: u64) -> u64 {
    let low = word & (EACH * 0x7f);
    // Bytes below 0x80 don't carry into the next when less than 0x80 is added.
    let from = |bytes: u64, first: u8| bytes + EACH * u64::from(0x80 - first);
    let lower_case = low | (EACH * 0x20);
    let letters = from(lower_case, b'a') & !from(lower_case, b'z' + 1);
    let digits = from(low, b'0') & !from(low, b'9' + 1);
    let underscores = from(low, b'_') & !from(low, b'_' + 1);
    (letters | digits | underscores) & !word
}

impl<'s> Scanner<'s> {
    /// A scanner of `source`, of which `len` bytes are to be read.
    pub(crate) fn new(source: &'s [u8], len: usize) -> Scanner<'s> {
        let mut lines = Vec::with_capacity(1 + len / 28);
        lines.push(0);
        Scanner {
            full: source,
            src: source,
            at: if source.starts_with(b"\xef\xbb\xbf") {
                3
            } else {
                0
            },
            last: Tok::Semi,
            last_start: u32::MAX,
            group: None,
            comments: Vec::with_capacity(len / 128),
            groups: Vec::new(),
            lines,
            errors: Vec::new(),
            error_line: 0,
            in_conflict: false,
        }
    }

    /// Lets the file end at `limit`, or where it does.
    pub(crate) fn limit(&mut self, limit: Option<usize>) {
        self.src = &self.full[..limit.unwrap_or(self.full.len()).min(self.full.len())];
    }

    /// The state between two tokens.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            at: self.at,
            last: self.last,
            last_start: self.last_start,
            comments: self.comments.len(),
            groups: self.groups.len(),
            lines: self.lines.len(),
            errors: self.errors.len(),
            error_line: self.error_line,
            in_conflict: self.in_conflict,
        }
    }

    /// Goes back to `mark`, taken after a token.
    pub(crate) fn rewind(&mut self, mark: &Mark) {
        self.at = mark.at;
        self.last = mark.last;
        self.last_start = mark.last_start;
        self.group = None;
        self.comments.truncate(mark.comments);
        self.groups.truncate(mark.groups);
        self.lines.truncate(mark.lines);
        self.errors.truncate(mark.errors);
        self.error_line = mark.error_line;
        self.in_conflict = mark.in_conflict;
    }

    /// Makes the file end here; gives what [`Scanner::take_up`] needs.
    pub(crate) fn end_here(&mut self) -> Mark {
        let mark = self.mark();
        self.at = self.src.len();
        self.last = Tok::Semi;
        mark
    }

    /// Undoes [`Scanner::end_here`].
    pub(crate) fn take_up(&mut self, mark: &Mark) {
        self.at = mark.at;
        self.last = mark.last;
        self.last_start = mark.last_start;
    }

    /// Goes back into the last token, to `at`.
    pub(crate) fn cut_token(&mut self, at: usize) {
        self.at = at;
        self.last = Tok::Semi;
        while self.lines.last().is_some_and(|&start| start as usize > at) {
            self.lines.pop();
        }
    }

    /// Whether an error was found since `mark`.
    pub(crate) fn failed_since(&self, mark: &Mark) -> bool {
        self.errors.len() > mark.errors
    }

    /// The first error found since `mark`.
    pub(crate) fn first_error(&self, mark: &Mark) -> Option<SyntaxError> {
        self.errors.get(mark.errors).cloned()
    }

    /// Records an error; a second one of a line says nothing new.
    #[cold]
    pub(crate) fn error(&mut self, offset: usize, message: String) {
        if self.errors.len() >= MAX_ERRORS {
            return;
        }
        let line = self.lines.len();
        if self.error_line == line {
            return;
        }
        self.error_line = line;
        self.errors.push(SyntaxError {
            offset: offset as u32,
            message,
        });
    }

    #[inline]
    pub(crate) fn peek(&self, ahead: usize) -> u8 {
        self.src.get(self.at + ahead).copied().unwrap_or(0)
    }

    #[inline]
    fn token(&mut self, tok: Tok, start: usize) -> Token {
        self.last = tok;
        self.last_start = start as u32;
        self.group = None;
        Token::new(tok, start, self.at)
    }

    /// The semicolon that a newline at `at` stands for.
    fn newline_semi(&mut self, at: usize) -> Token {
        self.last = Tok::Semi;
        self.last_start = at as u32;
        self.group = None;
        Token::new(Tok::Semi, at, at)
    }

    /// The next token.
    pub(crate) fn scan(&mut self) -> Token {
        loop {
            let Some(&b) = self.src.get(self.at) else {
                let at = self.src.len();
                self.at = at;
                if ENDS_STATEMENT.has(self.last) {
                    return self.newline_semi(at);
                }
                return self.token(Tok::Eof, at);
            };
            let start = self.at;
            let class = CLASS[b as usize];
            if class & START != 0 {
                return self.identifier(start);
            }
            if class & SPACE != 0 {
                self.at += 1;
                while CLASS[self.peek(0) as usize] & SPACE != 0 {
                    self.at += 1;
                }
                continue;
            }
            self.at += 1;
            let tok = match b {
                b'\n' => {
                    self.lines.push(self.at as u32);
                    if ENDS_STATEMENT.has(self.last) {
                        return self.newline_semi(start);
                    }
                    continue;
                }
                b'(' => Tok::LParen,
                b')' => Tok::RParen,
                b'[' => Tok::LBrack,
                b']' => Tok::RBrack,
                b'{' => Tok::LBrace,
                b'}' => Tok::RBrace,
                b',' => Tok::Comma,
                b';' => Tok::Semi,
                b'~' => Tok::Tilde,
                b'.' => {
                    if self.peek(0).is_ascii_digit() {
                        self.at = start;
                        self.number()
                    } else if self.peek(0) == b'.' && self.peek(1) == b'.' {
                        self.at += 2;
                        Tok::Ellipsis
                    } else {
                        Tok::Period
                    }
                }
                b'0'..=b'9' => {
                    self.at = start;
                    self.number()
                }
                b'"' => self.string(),
                b'\'' => self.rune(),
                b'`' => self.raw_string(),
                b':' => self.or_equal(Tok::Colon, Tok::Define),
                b'*' => self.or_equal(Tok::Mul, Tok::MulAssign),
                b'%' => self.or_equal(Tok::Rem, Tok::RemAssign),
                b'^' => self.or_equal(Tok::Xor, Tok::XorAssign),
                b'!' => self.or_equal(Tok::Not, Tok::Neq),
                b'+' if self.take(b'+') => Tok::Inc,
                b'+' => self.or_equal(Tok::Add, Tok::AddAssign),
                b'-' if self.take(b'-') => Tok::Dec,
                b'-' => self.or_equal(Tok::Sub, Tok::SubAssign),
                b'/' => match self.peek(0) {
                    b'/' => {
                        self.line_comment(start);
                        continue;
                    }
                    b'*' => match self.block_comment(start) {
                        Some(newline) if ENDS_STATEMENT.has(self.last) => {
                            return self.newline_semi(newline);
                        }
                        _ => continue,
                    },
                    _ => self.or_equal(Tok::Quo, Tok::QuoAssign),
                },
                b'<' | b'=' | b'>' | b'|' if self.conflict_marker(start) => continue,
                b'=' => self.or_equal(Tok::Assign, Tok::Eql),
                b'<' if self.take(b'-') => Tok::Arrow,
                b'<' if self.take(b'<') => self.or_equal(Tok::Shl, Tok::ShlAssign),
                b'<' => self.or_equal(Tok::Lss, Tok::Leq),
                b'>' if self.take(b'>') => self.or_equal(Tok::Shr, Tok::ShrAssign),
                b'>' => self.or_equal(Tok::Gtr, Tok::Geq),
                b'&' if self.take(b'^') => self.or_equal(Tok::AndNot, Tok::AndNotAssign),
                b'&' if self.take(b'&') => Tok::LAnd,
                b'&' => self.or_equal(Tok::And, Tok::AndAssign),
                b'|' if self.take(b'|') => Tok::LOr,
                b'|' => self.or_equal(Tok::Or, Tok::OrAssign),
                0x80.. => {
                    let c = char_at(&self.src[start..]);
                    if c.is_some_and(is_letter) {
                        self.at = start;
                        self.unicode_identifier();
                        return self.token(Tok::Ident, start);
                    }
                    self.at = start + c.map_or(1, char::len_utf8);
                    self.illegal(start);
                    continue;
                }
                _ => {
                    self.illegal(start);
                    continue;
                }
            };
            return self.token(tok, start);
        }
    }

    #[inline]
    fn identifier(&mut self, start: usize) -> Token {
        let rest = &self.src[start..];
        let len = name_len(rest);
        self.at = start + len;
        if self.peek(0) >= 0x80 {
            self.unicode_identifier();
            return self.token(Tok::Ident, start);
        }
        let tok = Tok::keyword(rest, len).unwrap_or(Tok::Ident);
        self.token(tok, start)
    }

    /// Goes over the letters and digits ahead.
    #[cold]
    fn unicode_identifier(&mut self) {
        while let Some(c) = char_at(&self.src[self.at..]) {
            if !is_letter(c) && !is_digit(c) {
                break;
            }
            self.at += c.len_utf8();
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, b: u8) -> bool {
        let found = self.peek(0) == b;
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn or_equal(&mut self, plain: Tok, with_equal: Tok) -> Tok {
        if self.take(b'=') { with_equal } else { plain }
    }

    #[cold]
    fn illegal(&mut self, start: usize) {
        let found = char_at(&self.src[start..]).unwrap_or(char::REPLACEMENT_CHARACTER);
        let message = match found {
            '“' | '”' => format!("curly quotation mark '{found}' (use neutral '\"')"),
            _ => format!("illegal character U+{:04X} {found:?}", found as u32),
        };
        self.error(start, message);
    }

    /// Notes the lines that start inside `from..self.at`.
    pub(crate) fn note_lines(&mut self, from: usize) {
        let passed = &self.src[from..self.at];
        self.lines
            .extend(memchr::memchr_iter(b'\n', passed).map(|n| (from + n + 1) as u32));
    }

    fn line_comment(&mut self, start: usize) {
        let rest = &self.src[start..];
        let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.at = start + len - usize::from(rest[..len].ends_with(b"\r"));
        let line = self.lines.len();
        self.comment(start, line);
        if rest[2..].starts_with(b"line ") && self.lines.last() == Some(&(start as u32)) {
            self.line_directive(start);
        }
    }

    /// Goes over a `/*` comment and gives the offset of its first newline.
    fn block_comment(&mut self, start: usize) -> Option<usize> {
        let inside = start + 2;
        match memchr::memmem::find(&self.src[inside..], b"*/") {
            Some(n) => self.at = inside + n + 2,
            None => {
                self.at = self.src.len();
                self.error(start, "comment not terminated".into());
            }
        }
        let line = self.lines.len();
        let newline = memchr::memchr(b'\n', &self.src[start..self.at]);
        if newline.is_some() {
            self.note_lines(start);
        }
        self.comment(start, line);
        if self.src[inside..].starts_with(b"line ") && self.src[..self.at].ends_with(b"*/") {
            self.line_directive(start);
        }
        newline.map(|n| start + n)
    }

    /// Records the comment from `start`, on `line`, to here. Comments without a token or an
    /// empty line between them form a group, as in go/parser; a group begun behind a token
    /// on its line ends with that line.
    fn comment(&mut self, start: usize, line: usize) {
        let (same, tight) = match self.group {
            Some(group) if line <= group.until => (true, group.tight),
            Some(_) => (false, false),
            None => {
                let first = self.lines[..line].last().copied().unwrap_or(0);
                let token_seen = self.last_start != u32::MAX;
                (false, token_seen && self.last_start >= first)
            }
        };
        if !same {
            self.groups.push(self.comments.len() as u32);
        }
        self.group = Some(Group {
            until: self.lines.len() + usize::from(!tight),
            tight,
        });
        self.comments.push(Span::new(start as u32, self.at as u32));
    }

    /// Steps over a merge conflict marker at the start of a line; of the two sides the first is kept.
    fn conflict_marker(&mut self, start: usize) -> bool {
        let b = self.src[start];
        let rest = &self.src[start..];
        let at_line_start = self.lines.last() == Some(&(start as u32));
        if !at_line_start || rest.len() < 7 || !rest[..7].iter().all(|&c| c == b) {
            return false;
        }
        self.error(start, "merge conflict marker".into());
        let line_end = |from: usize| {
            let rest = &self.src[from..];
            from + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
        };
        let mut end = line_end(start);
        if std::mem::replace(&mut self.in_conflict, b == b'<') && matches!(b, b'=' | b'|') {
            // The next marker, if it closes this conflict.
            let mut markers = memchr::memchr_iter(b'\n', rest)
                .map(|n| start + n + 1)
                .filter(|&at| {
                    let line = &self.src[at..];
                    line.starts_with(b"<<<<<<<") || line.starts_with(b">>>>>>>")
                });
            if let Some(close) = markers.next().filter(|&at| self.src[at] == b'>') {
                end = line_end(close);
            }
        }
        self.at = end;
        self.note_lines(start);
        true
    }
}

/// The character that `bytes` start with, if they are UTF-8.
fn char_at(bytes: &[u8]) -> Option<char> {
    let len = match bytes.first()? {
        0..0x80 => 1,
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    std::str::from_utf8(bytes.get(..len)?).ok()?.chars().next()
}

/// Bytes that matter for finding the end of a block.
const BRACKETS: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"{}\"'`/\n";
    let mut i = 0;
    while i < bytes.len() {
        table[bytes[i] as usize] = true;
        i += 1;
    }
    table
};

impl Scanner<'_> {
    /// Behind `{`: goes behind the brace that closes it, or to the end of the file if there is
    /// none. In a file with errors a function declared at the start of a line ends the search too.
    /// Comments inside are not collected, and nothing is checked.
    pub(crate) fn skip_block(&mut self) -> bool {
        let broken = !self.errors.is_empty();
        let mut depth = 1;
        let mut at = self.at;
        let src = self.src;
        let closed = loop {
            let rest = &src[at.min(src.len())..];
            let Some(n) = rest.iter().position(|&b| BRACKETS[b as usize]) else {
                at = src.len();
                break false;
            };
            at += n + 1;
            match src[at - 1] {
                b'\n' => {
                    self.lines.push(at as u32);
                    if broken && starts_function(&src[at..]) {
                        break false;
                    }
                }
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        break true;
                    }
                }
                b'`' => {
                    let inside = &src[at..];
                    let len = memchr::memchr(b'`', inside).map_or(inside.len(), |n| n + 1);
                    self.at = at + len;
                    self.note_lines(at);
                    at += len;
                }
                b'/' => match src.get(at) {
                    Some(b'/') => {
                        let inside = &src[at..];
                        at += memchr::memchr(b'\n', inside).unwrap_or(inside.len());
                    }
                    Some(b'*') => {
                        let inside = &src[at + 1..];
                        let end = memchr::memmem::find(inside, b"*/");
                        let len = 1 + end.map_or(inside.len(), |n| n + 2);
                        self.at = at + len;
                        self.note_lines(at);
                        at += len;
                    }
                    _ => {}
                },
                quote => at += quoted(&src[at..], quote),
            }
        };
        self.at = at;
        self.last = Tok::RBrace;
        self.group = None;
        self.last_start = at.saturating_sub(1) as u32;
        closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_names_are_seen_as_bytes_are() {
        for b in 0..=u8::MAX {
            let expected = b.is_ascii_alphanumeric() || b == b'_';
            for n in 0..8 {
                let mut text = *b"aZ_09zA;";
                text[n] = b;
                let found = name_len(&text);
                let first_other = if expected || n == 7 { 7 } else { n };
                let expected = first_other + usize::from(n == 7 && expected);
                assert_eq!(found, expected, "{b:#x} at {n}");
            }
        }
        assert_eq!(name_len(b"a_name_of_seventeen"), 19);
        assert_eq!(name_len(b"eightish "), 8);
        assert_eq!(name_len(b""), 0);
    }
}
