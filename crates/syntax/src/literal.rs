//! Numbers, runes and strings, with the errors that go/scanner finds in them.

use crate::scanner::Scanner;
use crate::token::Tok;

/// What a run of digits contained.
#[derive(Clone, Copy, Default)]
struct Digits {
    digit: bool,
    separator: bool,
}

impl Scanner<'_> {
    /// Digits and separators ahead; the place of the first digit not of `base` goes to `invalid`.
    fn digits(&mut self, base: u8, invalid: &mut Option<usize>) -> Digits {
        let mut found = Digits::default();
        loop {
            let b = self.peek(0);
            match b {
                b'_' => found.separator = true,
                b'0'..=b'9' => {
                    found.digit = true;
                    if base <= 10 && b >= b'0' + base && invalid.is_none() {
                        *invalid = Some(self.at);
                    }
                }
                _ if base == 16 && b.is_ascii_hexdigit() => found.digit = true,
                _ => return found,
            }
            self.at += 1;
        }
    }

    /// The number at the current place.
    pub(crate) fn number(&mut self) -> Tok {
        let start = self.at;
        let mut tok = Tok::Int;
        let (mut base, mut prefix) = (10, 0);
        let mut digit = false;
        let mut separator = false;
        let mut invalid = None;
        if self.peek(0) != b'.' {
            if self.take(b'0') {
                (base, prefix) = match self.peek(0) | 0x20 {
                    b'x' => (16, b'x'),
                    b'o' => (8, b'o'),
                    b'b' => (2, b'b'),
                    _ => (8, b'0'),
                };
                if prefix == b'0' {
                    digit = true;
                } else {
                    self.at += 1;
                }
            }
            let found = self.digits(base, &mut invalid);
            digit |= found.digit;
            separator |= found.separator;
        }
        if self.peek(0) == b'.' {
            tok = Tok::Float;
            if matches!(prefix, b'o' | b'b') {
                self.error(self.at, format!("invalid radix point in {}", name(prefix)));
            }
            self.at += 1;
            let found = self.digits(base, &mut invalid);
            digit |= found.digit;
            separator |= found.separator;
        }
        if !digit {
            self.error(self.at, format!("{} has no digits", name(prefix)));
        }
        let e = self.peek(0) | 0x20;
        if e == b'e' || e == b'p' {
            if e == b'e' && !matches!(prefix, 0 | b'0') {
                self.error(self.at, "'e' exponent requires decimal mantissa".into());
            } else if e == b'p' && prefix != b'x' {
                self.error(self.at, "'p' exponent requires hexadecimal mantissa".into());
            }
            self.at += 1;
            tok = Tok::Float;
            if matches!(self.peek(0), b'+' | b'-') {
                self.at += 1;
            }
            let found = self.digits(10, &mut None);
            separator |= found.separator;
            if !found.digit {
                self.error(self.at, "exponent has no digits".into());
            }
        } else if prefix == b'x' && tok == Tok::Float {
            let message = "hexadecimal mantissa requires a 'p' exponent";
            self.error(self.at, message.into());
        }
        if self.take(b'i') {
            tok = Tok::Imag;
        }
        if let (Tok::Int, Some(at)) = (tok, invalid) {
            let digit = self.src[at] as char;
            self.error(at, format!("invalid digit '{digit}' in {}", name(prefix)));
        }
        if separator && let Some(at) = misplaced_separator(&self.src[start..self.at]) {
            self.error(start + at, "'_' must separate successive digits".into());
        }
        tok
    }

    /// A string in double quotes, the first of which is behind.
    pub(crate) fn string(&mut self) -> Tok {
        let start = self.at - 1;
        loop {
            let rest = &self.src[self.at..];
            let plain = rest
                .iter()
                .position(|&b| matches!(b, b'"' | b'\\' | b'\n'))
                .unwrap_or(rest.len());
            self.at += plain;
            match rest.get(plain) {
                Some(b'"') => {
                    self.at += 1;
                    return Tok::String;
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape(b'"');
                }
                _ => {
                    self.error(start, "string literal not terminated".into());
                    return Tok::String;
                }
            }
        }
    }

    /// A string in backquotes, the first of which is behind.
    pub(crate) fn raw_string(&mut self) -> Tok {
        let start = self.at - 1;
        let rest = &self.src[self.at..];
        match memchr::memchr(b'`', rest) {
            Some(n) => self.at += n + 1,
            None => {
                self.at = self.src.len();
                self.error(start, "raw string literal not terminated".into());
            }
        }
        self.note_lines(start);
        Tok::String
    }

    /// A rune, whose first quote is behind.
    pub(crate) fn rune(&mut self) -> Tok {
        let start = self.at - 1;
        let mut valid = true;
        let mut chars = 0;
        loop {
            match self.src.get(self.at) {
                None | Some(b'\n') => {
                    if valid {
                        self.error(start, "rune literal not terminated".into());
                    }
                    return Tok::Char;
                }
                Some(b'\'') => {
                    self.at += 1;
                    break;
                }
                Some(b'\\') => {
                    self.at += 1;
                    chars += 1;
                    valid &= self.escape(b'\'');
                }
                Some(_) => {
                    self.at += self.char_len();
                    chars += 1;
                }
            }
        }
        if valid && chars != 1 {
            self.error(start, "illegal rune literal".into());
        }
        Tok::Char
    }

    /// Bytes of the character ahead, 1 for a wrongly encoded byte.
    fn char_len(&self) -> usize {
        let rest = &self.src[self.at..];
        if rest.first().is_some_and(u8::is_ascii) {
            return 1;
        }
        let bytes = &rest[..rest.len().min(4)];
        bytes
            .utf8_chunks()
            .next()
            .and_then(|chunk| chunk.valid().chars().next())
            .map_or(1, char::len_utf8)
    }

    /// What follows a backslash; false if that is not an escape sequence.
    fn escape(&mut self, quote: u8) -> bool {
        let start = self.at;
        let (mut left, base, max) = match self.src.get(start) {
            Some(b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\') => {
                self.at += 1;
                return true;
            }
            Some(&b) if b == quote => {
                self.at += 1;
                return true;
            }
            Some(b'0'..=b'7') => (3, 8, 255),
            Some(b'x') => (2, 16, 255),
            Some(b'u') => (4, 16, 0x10FFFF),
            Some(b'U') => (8, 16, 0x10FFFF),
            Some(_) => {
                self.error(start, "unknown escape sequence".into());
                return false;
            }
            None => {
                self.error(start, "escape sequence not terminated".into());
                return false;
            }
        };
        if base == 16 {
            self.at += 1;
        }
        let mut value: u32 = 0;
        while left > 0 {
            let digit = char::from(self.peek(0)).to_digit(base);
            let Some(digit) = digit.filter(|_| self.at < self.src.len()) else {
                self.error(self.at, "illegal character in escape sequence".into());
                return false;
            };
            value = value.wrapping_mul(base).wrapping_add(digit);
            self.at += 1;
            left -= 1;
        }
        if value > max || (0xD800..0xE000).contains(&value) {
            let message = "escape sequence is invalid Unicode code point";
            self.error(start, message.into());
            return false;
        }
        true
    }

    /// Checks the `line` directive in the comment from `start` to here: a wrong number in it
    /// is an error (go/scanner's updateLineInfo). The directive itself is left to others.
    #[cold]
    pub(crate) fn line_directive(&mut self, start: usize) {
        const MAX: i64 = 1 << 30;
        let mut text = &self.src[start..self.at];
        if text[1] == b'*' {
            text = &text[..text.len() - 2];
        }
        let text = text.get(7..).unwrap_or_default();
        let start = start + 7;
        let Some((at, last)) = trailing_digits(text) else {
            return;
        };
        let Some(last) = last else {
            return self.error(start + at, "invalid line number".into());
        };
        let line = match trailing_digits(&text[..at - 1]) {
            Some((line_at, Some(line))) => {
                if last == 0 || last > MAX {
                    return self.error(start + at, "invalid column number".into());
                }
                (line_at, line)
            }
            _ => (at, last),
        };
        if line.1 == 0 || line.1 > MAX {
            self.error(start + line.0, "invalid line number".into());
        }
    }
}

/// The place behind the last colon, and the number that follows it if it is one.
fn trailing_digits(text: &[u8]) -> Option<(usize, Option<i64>)> {
    let at = memchr::memrchr(b':', text)? + 1;
    let digits = &text[at..];
    let number = digits.iter().all(u8::is_ascii_digit);
    let number = number.then(|| std::str::from_utf8(digits).ok()?.parse::<u64>().ok());
    Some((at, number.flatten().map(|n| n as i64)))
}

fn name(prefix: u8) -> &'static str {
    match prefix {
        b'x' => "hexadecimal literal",
        b'o' | b'0' => "octal literal",
        b'b' => "binary literal",
        _ => "decimal literal",
    }
}

/// The place of the first `_` that does not stand between digits (a base prefix counts as one).
fn misplaced_separator(text: &[u8]) -> Option<usize> {
    let prefix = match text {
        [b'0', b, ..] if matches!(b | 0x20, b'x' | b'o' | b'b') => b | 0x20,
        _ => b' ',
    };
    // The kind of the byte before: `_`, a digit (`0`), or anything else (`.`).
    let (mut last, skip) = if prefix == b' ' { (b'.', 0) } else { (b'0', 2) };
    for (at, &b) in text.iter().enumerate().skip(skip) {
        let before = last;
        if b == b'_' {
            last = b'_';
            if before != b'0' {
                return Some(at);
            }
        } else if b.is_ascii_digit() || prefix == b'x' && b.is_ascii_hexdigit() {
            last = b'0';
        } else {
            last = b'.';
            if before == b'_' {
                return Some(at - 1);
            }
        }
    }
    (last == b'_').then(|| text.len() - 1)
}
