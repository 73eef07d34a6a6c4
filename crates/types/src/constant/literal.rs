//! Reading literals: numbers, runes and strings.

use super::ratio::Ratio;
use super::{MAX_BITS, Value};
use num_bigint::BigInt;
use num_traits::Pow;
use tophash_syntax::ast::LitKind;

/// Longest number that is read, in bytes (go/types' limit for "excessively long constant").
const MAX_DIGITS: usize = 10_000;

/// Exponents of ten and of two beyond which a number is too large or too small to keep.
const MAX_EXPONENT: i64 = MAX_BITS as i64;

impl Value {
    /// The value of a literal of kind `kind` that is spelt `text`; unknown if it is malformed.
    pub fn from_literal(kind: LitKind, text: &[u8]) -> Value {
        let value = match kind {
            LitKind::Int => integer(&digits(text)),
            LitKind::Float => float(&digits(text)),
            LitKind::Imag => imaginary(text),
            LitKind::Char => rune(text),
            LitKind::String => string(text),
        };
        value.unwrap_or(Value::Unknown)
    }
}

/// The text without underscores, in lower case.
fn digits(text: &[u8]) -> Vec<u8> {
    text.iter()
        .filter(|&&b| b != b'_')
        .take(MAX_DIGITS + 1)
        .map(u8::to_ascii_lowercase)
        .collect()
}

/// Splits the prefix off that says the radix of a lower-case number.
fn radix(text: &[u8]) -> (u32, &[u8]) {
    match text {
        [b'0', b'x', rest @ ..] => (16, rest),
        [b'0', b'b', rest @ ..] => (2, rest),
        [b'0', b'o', rest @ ..] => (8, rest),
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest),
        _ => (10, text),
    }
}

fn number(text: &[u8], radix: u32) -> Option<BigInt> {
    if text.is_empty() || text.len() > MAX_DIGITS || !text.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    BigInt::parse_bytes(text, radix)
}

fn integer(text: &[u8]) -> Option<Value> {
    let (radix, rest) = radix(text);
    if rest.len() <= 15 && rest.iter().all(u8::is_ascii_alphanumeric) {
        let rest = std::str::from_utf8(rest).ok()?;
        return Some(Value::Int(i64::from_str_radix(rest, radix).ok()?));
    }
    Some(Value::integer(number(rest, radix)?))
}

fn float(text: &[u8]) -> Option<Value> {
    let (radix, base, marker, rest) = match text {
        [b'0', b'x', rest @ ..] => (16u32, 2u32, b'p', rest),
        _ => (10, 10, b'e', text),
    };
    let (mantissa, exp) = match rest.iter().position(|&b| b == marker) {
        Some(at) => {
            let exp = std::str::from_utf8(&rest[at + 1..]).ok()?;
            (&rest[..at], exp.parse::<i64>().ok()?)
        }
        None => (rest, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|&b| b == b'.') {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, &[][..]),
    };
    let num = number(&[whole, fraction].concat(), radix)?;
    if num == BigInt::ZERO {
        return Some(Value::Int(0));
    }
    if exp.abs() > MAX_EXPONENT {
        return None;
    }
    // Each digit of the fraction counts for one power of ten, or four of two.
    let places = fraction.len() as i64 * if radix == 16 { 4 } else { 1 };
    let exp = exp - places;
    let power = BigInt::from(base).pow(exp.unsigned_abs());
    Some(Value::ratio(if exp >= 0 {
        Ratio::from(num * power)
    } else {
        Ratio::new(num, power)
    }))
}

fn imaginary(text: &[u8]) -> Option<Value> {
    let text = digits(text);
    let text = text.strip_suffix(b"i")?;
    let im = match text {
        // 0123i is decimal, for backward compatibility.
        [b'0', b'b' | b'o', ..] => integer(text)?,
        [b'0', b'x', ..] if !text.iter().any(|b| matches!(b, b'p' | b'.')) => integer(text)?,
        _ => float(text)?,
    };
    Some(Value::complex(Value::Int(0), im))
}

fn rune(text: &[u8]) -> Option<Value> {
    let inner = text.strip_prefix(b"'")?.strip_suffix(b"'")?;
    if let [b'\\', ..] = inner {
        let (escape, len) = escape(inner, b'\'')?;
        let n = match escape {
            Escape::Byte(b) => u32::from(b),
            Escape::Rune(c) => u32::from(c),
        };
        return (len == inner.len()).then_some(Value::Int(i64::from(n)));
    }
    let mut chars = std::str::from_utf8(inner).ok()?.chars();
    let c = chars.next()?;
    chars
        .next()
        .is_none()
        .then(|| Value::Int(i64::from(u32::from(c))))
}

fn string(text: &[u8]) -> Option<Value> {
    if let Some(raw) = text.strip_prefix(b"`") {
        let raw = raw.strip_suffix(b"`")?;
        let returns = raw.iter().filter(|&&b| b == b'\r').count();
        if returns == 0 {
            return Some(Value::string(raw));
        }
        // Carriage returns don't belong to the value of a raw string.
        let kept: Vec<u8> = raw.iter().copied().filter(|&b| b != b'\r').collect();
        return Some(Value::string(&kept));
    }
    let inner = text.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if !inner.contains(&b'\\') {
        return Some(Value::string(inner));
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let [first, tail @ ..] = rest {
        if *first != b'\\' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let (escape, len) = escape(rest, b'"')?;
        match escape {
            Escape::Byte(b) => bytes.push(b),
            Escape::Rune(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = &rest[len..];
    }
    Some(Value::string(&bytes))
}

enum Escape {
    Byte(u8),
    Rune(char),
}

/// Reads the escape sequence that `text` starts with, and says how long it is.
fn escape(text: &[u8], quote: u8) -> Option<(Escape, usize)> {
    let kind = *text.get(1)?;
    let simple = match kind {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' => b'\\',
        _ if kind == quote => quote,
        _ => {
            let (start, len, radix) = match kind {
                b'x' => (2, 2, 16),
                b'u' => (2, 4, 16),
                b'U' => (2, 8, 16),
                b'0'..=b'7' => (1, 3, 8),
                _ => return None,
            };
            let digits = text.get(start..start + len)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            let n = u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()?;
            let escape = if matches!(kind, b'u' | b'U') {
                Escape::Rune(char::from_u32(n)?)
            } else {
                Escape::Byte(u8::try_from(n).ok()?)
            };
            return Some((escape, start + len));
        }
    };
    Some((Escape::Byte(simple), 2))
}
