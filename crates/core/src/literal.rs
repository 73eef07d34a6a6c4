//! Keys as people type them, turned into the bytes of a value.
//!
//! The forms are those of Go, with the types left out: `42`, `0x2a`, `"text"` or just `text`,
//! `true`, `1.5`, `{1, "a"}` or `{X: 1, Name: "a"}` for structs, `[1 2 3]` or `{1, 2, 3}` for
//! arrays, `0x0102…` and UUIDs for arrays of bytes, addresses for pointers.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use tophash_runtime::types::GoType;

use crate::types::{Shape, Type, TypeId, Types};

/// A key that was typed: its bytes, and the strings that they point to.
pub struct Literal<'t, 'm> {
    /// The image of the value.
    pub bytes: Vec<u8>,
    types: &'t Types<'m>,
    texts: Vec<(u64, Vec<u8>)>,
}

/// Why a text is no value of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLiteral(String);

impl fmt::Display for BadLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadLiteral {}

/// Where strings of literals are said to lie: no process has memory there.
const TEXTS: u64 = 0xffff_ff00_0000_0000;
/// Bytes from the start of one to that of the next.
const TEXT_STEP: u64 = 1 << 32;

/// Types larger than this are not typed by anyone.
const MAX_SIZE: u64 = 1 << 16;
const MAX_DEPTH: u32 = 32;

impl tophash_runtime::Memory for Literal<'_, '_> {
    fn bytes(&self, address: u64, len: u64) -> Option<Cow<'_, [u8]>> {
        let own = self.texts.iter().find(|(start, _)| *start == address);
        match own {
            Some((_, text)) => {
                let text = text.get(..usize::try_from(len).ok()?);
                text.map(Cow::Borrowed)
            }
            None => self.types.bytes(address, len),
        }
    }

    fn dynamic_type(&self, word: u64) -> Option<Arc<GoType>> {
        self.types.dynamic_type(word)
    }
}

impl<'t, 'm> Literal<'t, 'm> {
    /// The value of a type that a text stands for.
    ///
    /// # Errors
    /// The text is not of this type, or the type can't be typed: interfaces and functions.
    pub fn parse(types: &'t Types<'m>, ty: TypeId, text: &str) -> Result<Self, BadLiteral> {
        let mut literal = Self {
            bytes: Vec::new(),
            types,
            texts: Vec::new(),
        };
        let known = types
            .get(ty)
            .ok_or_else(|| bad("the key type is not known"))?;
        if known.size > MAX_SIZE {
            return Err(bad("the key type is too large to be typed"));
        }
        literal.bytes = vec![0; known.size as usize];
        let mut rest = text.trim();
        if known.shape == Shape::String && !rest.starts_with(['"', '`']) {
            literal.string(0, text.as_bytes().to_vec());
            return Ok(literal);
        }
        literal.value(&known, 0, &mut rest, MAX_DEPTH)?;
        if !rest.trim().is_empty() {
            return Err(bad(format!(
                "{:?} is left after a {}",
                rest.trim(),
                known.name
            )));
        }
        Ok(literal)
    }

    fn put(&mut self, at: u64, bytes: &[u8]) {
        let start = at as usize;
        if let Some(place) = self.bytes.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    fn string(&mut self, at: u64, text: Vec<u8>) {
        let len = text.len() as u64;
        if len == 0 {
            return;
        }
        let address = TEXTS + TEXT_STEP * self.texts.len() as u64;
        self.put(at, &address.to_le_bytes());
        self.put(at + 8, &len.to_le_bytes());
        self.texts.push((address, text));
    }

    fn value(&mut self, ty: &Type, at: u64, rest: &mut &str, depth: u32) -> Result<(), BadLiteral> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| bad("the key type nests too deep"))?;
        *rest = rest.trim_start();
        match &ty.shape {
            Shape::Bool => {
                let byte = match word(rest) {
                    "true" => 1,
                    "false" => 0,
                    other => return Err(not(other, ty)),
                };
                self.put(at, &[byte]);
            }
            Shape::Int | Shape::Uint => {
                let text = word(rest);
                let number = integer(text).ok_or_else(|| not(text, ty))?;
                let bits = 8 * ty.size as u32;
                let (min, max) = if ty.shape == Shape::Int {
                    (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
                } else {
                    (0, (1_i128 << bits) - 1)
                };
                if number < min || number > max {
                    return Err(bad(format!("{text} does not fit a {}", ty.name)));
                }
                let bytes = number.to_le_bytes();
                self.put(at, bytes.get(..ty.size as usize).unwrap_or_default());
            }
            Shape::Float => {
                let text = word(rest);
                self.float(ty.size, at, text).ok_or_else(|| not(text, ty))?;
            }
            Shape::Complex => {
                let text = word(rest);
                let (re, im) = complex(text).ok_or_else(|| not(text, ty))?;
                let half = ty.size / 2;
                let parts = self
                    .float(half, at, re)
                    .and(self.float(half, at + half, im));
                parts.ok_or_else(|| not(text, ty))?;
            }
            Shape::String => {
                let text = quoted(rest)?;
                self.string(at, text);
            }
            Shape::Pointer(_) | Shape::UnsafePointer | Shape::Chan(_) => {
                let text = word(rest);
                let address = match text {
                    "nil" => Some(0),
                    _ => integer(text).and_then(|n| u64::try_from(n).ok()),
                };
                let address = address.ok_or_else(|| not(text, ty))?;
                self.put(at, &address.to_le_bytes());
            }
            Shape::Array { elem, len } => {
                let elem = self
                    .types
                    .get(*elem)
                    .ok_or_else(|| bad("a type is not known"))?;
                if elem.size == 1 && elem.shape == Shape::Uint && !rest.starts_with(['[', '{']) {
                    let text = word(rest);
                    let bytes = hex(text).filter(|bytes| bytes.len() as u64 == *len);
                    let bytes = bytes.ok_or_else(|| not(text, ty))?;
                    self.put(at, &bytes);
                    return Ok(());
                }
                open(rest, ty)?;
                for i in 0..*len {
                    self.value(&elem, at + elem.size * i, rest, depth)?;
                }
                close(rest, ty)?;
            }
            Shape::Struct(fields) => {
                open(rest, ty)?;
                let mut index = 0;
                while !rest.trim_start().starts_with(['}', ']']) {
                    *rest = rest.trim_start();
                    let field = match name(rest) {
                        Some(name) => fields.iter().find(|field| *field.name == *name),
                        None => fields.get(index),
                    };
                    let field = field
                        .ok_or_else(|| bad(format!("{} has no such field: {rest:?}", ty.name)))?;
                    let part = self
                        .types
                        .get(field.ty)
                        .ok_or_else(|| bad("a type is not known"))?;
                    self.value(&part, at + field.offset, rest, depth)?;
                    index += 1;
                }
                close(rest, ty)?;
            }
            Shape::Interface { .. } | Shape::Slice(_) | Shape::Func | Shape::Map { .. } => {
                return Err(bad(format!("a {} can't be typed as a key", ty.name)));
            }
        }
        *rest = rest.trim_start();
        *rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        Ok(())
    }

    fn float(&mut self, size: u64, at: u64, text: &str) -> Option<()> {
        let number: f64 = match text.trim_start_matches('+') {
            "Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            text => text.parse().ok()?,
        };
        if size == 4 {
            let number: f32 = text.parse().unwrap_or(number as f32);
            self.put(at, &number.to_le_bytes());
        } else {
            self.put(at, &number.to_le_bytes());
        }
        Some(())
    }
}

fn bad(text: impl Into<String>) -> BadLiteral {
    BadLiteral(text.into())
}

fn not(text: &str, ty: &Type) -> BadLiteral {
    bad(format!("{text:?} is not a {}", ty.name))
}

/// Takes what comes before a space, a comma or a closing bracket.
fn word<'r>(rest: &mut &'r str) -> &'r str {
    let end = rest
        .find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']'))
        .unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    word
}

/// Takes an opening bracket and the name of the type before it.
fn open(rest: &mut &str, ty: &Type) -> Result<(), BadLiteral> {
    let trimmed = rest.strip_prefix(&*ty.name).unwrap_or(rest).trim_start();
    let after = trimmed
        .strip_prefix('{')
        .or_else(|| trimmed.strip_prefix('['));
    *rest = after.ok_or_else(|| not(rest, ty))?.trim_start();
    Ok(())
}

fn close(rest: &mut &str, ty: &Type) -> Result<(), BadLiteral> {
    let trimmed = rest.trim_start();
    let after = trimmed
        .strip_prefix('}')
        .or_else(|| trimmed.strip_prefix(']'));
    *rest =
        after.ok_or_else(|| bad(format!("a bracket is missing at the end of a {}", ty.name)))?;
    Ok(())
}

/// Takes the name of a field and the colon after it.
fn name<'r>(rest: &mut &'r str) -> Option<&'r str> {
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    let (name, after) = rest.split_at(end);
    let after = after.trim_start().strip_prefix(':')?;
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    *rest = after.trim_start();
    Some(name)
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let digits = digits.replace('_', "");
    let number = if let Some(hex) = digits.strip_prefix("0x") {
        i128::from_str_radix(hex, 16).ok()?
    } else if let Some(binary) = digits.strip_prefix("0b") {
        i128::from_str_radix(binary, 2).ok()?
    } else if let Some(c) = digits
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
    {
        let mut chars = c.chars();
        let first = chars.next()?;
        if chars.next().is_some() {
            return None;
        }
        i128::from(first as u32)
    } else {
        digits.parse().ok()?
    };
    Some(if negative { -number } else { number })
}

/// `(1+2i)` or `1`: the texts of both parts.
fn complex(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('(').unwrap_or(text);
    let text = text.strip_suffix(')').unwrap_or(text);
    let Some(body) = text.strip_suffix('i') else {
        return Some((text, "0"));
    };
    // The last sign that does not belong to an exponent.
    let split = body
        .char_indices()
        .rev()
        .find(|&(i, c)| matches!(c, '+' | '-') && i > 0 && !body[..i].ends_with(['e', 'E']))
        .map(|(i, _)| i);
    Some(match split {
        Some(i) => body.split_at(i),
        None => ("0", body),
    })
}

/// Bytes in hexadecimal, with `0x` before or with the dashes of a UUID.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: String = text
        .strip_prefix("0x")
        .unwrap_or(text)
        .chars()
        .filter(|&c| c != '-')
        .collect();
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    (0..digits.len() / 2)
        .map(|i| u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok())
        .collect()
}

/// Takes a string in double quotes or back quotes.
pub(crate) fn quoted(rest: &mut &str) -> Result<Vec<u8>, BadLiteral> {
    if let Some(after) = rest.strip_prefix('`') {
        let end = after
            .find('`')
            .ok_or_else(|| bad("a back quote is missing"))?;
        let (text, after) = after.split_at(end);
        *rest = after.strip_prefix('`').unwrap_or_default();
        return Ok(text.as_bytes().to_vec());
    }
    let Some(after) = rest.strip_prefix('"') else {
        return Err(bad(format!("a quote is missing before {rest:?}")));
    };
    let mut out = Vec::new();
    let mut chars = after.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => {
                *rest = after.get(i + 1..).unwrap_or_default();
                return Ok(out);
            }
            '\\' => {
                let Some((_, escaped)) = chars.next() else {
                    break;
                };
                let mut digits = |n: usize| {
                    let text: String = chars.by_ref().take(n).map(|(_, c)| c).collect();
                    u32::from_str_radix(&text, 16).ok()
                };
                let mut push = |c: char| out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                match escaped {
                    'n' => out.push(b'\n'),
                    't' => out.push(b'\t'),
                    'r' => out.push(b'\r'),
                    'x' => match digits(2).and_then(|byte| u8::try_from(byte).ok()) {
                        Some(byte) => out.push(byte),
                        None => return Err(bad("two hexadecimal digits are missing after \\x")),
                    },
                    'u' => match digits(4).and_then(char::from_u32) {
                        Some(c) => push(c),
                        None => return Err(bad("four hexadecimal digits are missing after \\u")),
                    },
                    other => push(other),
                }
            }
            c => out.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err(bad("a quote is missing at the end of a string"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_strings() {
        assert_eq!(integer("-0x10"), Some(-16));
        assert_eq!(integer("'a'"), Some(97));
        assert_eq!(integer("1_000"), Some(1000));
        assert_eq!(integer("x"), None);
        assert_eq!(complex("(1e-3-2i)"), Some(("1e-3", "-2")));
        assert_eq!(complex("3i"), Some(("0", "3")));
        assert_eq!(hex("0001-02ff"), Some(vec![0, 1, 2, 255]));
        assert_eq!(hex("é0"), None);
        let mut rest = r#""a\"\x00\u00e9b" tail"#;
        assert_eq!(quoted(&mut rest).unwrap(), "a\"\0éb".as_bytes());
        assert_eq!(rest, " tail");
        assert!(quoted(&mut r#""open"#).is_err());
    }
}
