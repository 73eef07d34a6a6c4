//! Values as a Go programmer writes them.

use std::fmt::{self, Write};

use super::Value;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(0) => f.write_str("false"),
            Self::Bool(1) => f.write_str("true"),
            Self::Bool(byte) => write!(f, "bool({byte:#04x})"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Uint(n) => write!(f, "{n}"),
            Self::Float32(x) => float(f, *x, f64::from(*x)),
            Self::Float64(x) => float(f, *x, *x),
            Self::Complex(re, im) => {
                f.write_char('(')?;
                float(f, *re, *re)?;
                if im.is_sign_positive() || im.is_nan() {
                    f.write_char('+')?;
                }
                float(f, *im, *im)?;
                f.write_str("i)")
            }
            Self::String(bytes, len) => {
                quote(f, bytes)?;
                more(f, bytes.len() as u64, *len, "bytes")
            }
            Self::Bytes(bytes, len) => {
                if *len == 0 {
                    return f.write_str("[]");
                }
                f.write_str("0x")?;
                for byte in bytes {
                    write!(f, "{byte:02x}")?;
                }
                more(f, bytes.len() as u64, *len, "bytes")
            }
            Self::Time(text) => f.write_str(text),
            Self::Duration(nanoseconds) => duration(f, *nanoseconds),
            Self::List(values, len) => {
                f.write_char('[')?;
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        f.write_char(' ')?;
                    }
                    write!(f, "{value}")?;
                }
                let left = len.saturating_sub(values.len() as u64);
                if left > 0 {
                    write!(f, " ...+{left}")?;
                }
                f.write_char(']')
            }
            Self::Struct(name, fields) => {
                // An unnamed struct type's name is all of its declaration.
                if !name.contains(['{', ' ']) {
                    f.write_str(name)?;
                }
                f.write_char('{')?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{name}: {value}")?;
                }
                f.write_char('}')
            }
            Self::Nil => f.write_str("nil"),
            Self::Pointer(address, None) => write!(f, "{address:#x}"),
            Self::Pointer(_, Some(value)) => write!(f, "&{value}"),
            Self::Interface(name, value) => match &**value {
                Self::Struct(..) | Self::Map { .. } | Self::Reference(..) => write!(f, "{value}"),
                Self::Pointer(_, Some(target)) if matches!(**target, Self::Struct(..)) => {
                    write!(f, "{value}")
                }
                Self::String(..) if &**name == "string" => write!(f, "{value}"),
                Self::Bool(_) if &**name == "bool" => write!(f, "{value}"),
                Self::Int(_) if &**name == "int" => write!(f, "{value}"),
                Self::Time(_) => write!(f, "{value}"),
                _ if name.starts_with(['*', '[']) => write!(f, "({name})({value})"),
                _ => write!(f, "{name}({value})"),
            },
            Self::Map { name, len, address } => match len {
                Some(len) => write!(f, "{name} len={len} @{address:#x}"),
                None => write!(f, "{name} @{address:#x} (not in memory)"),
            },
            Self::Reference(name, address) => write!(f, "{name} @{address:#x}"),
            Self::Cut => f.write_str("{...}"),
            Self::Unreadable(address) => write!(f, "<can't read {address:#x}>"),
            Self::Circle(address) => write!(f, "<circle to {address:#x}>"),
        }
    }
}

fn more(f: &mut fmt::Formatter<'_>, shown: u64, len: u64, unit: &str) -> fmt::Result {
    if len > shown {
        write!(f, "... ({len} {unit})")?;
    }
    Ok(())
}

/// The shortest digits that stand for the number, with an exponent where it is far from 1.
fn float(
    f: &mut fmt::Formatter<'_>,
    x: impl fmt::Display + fmt::LowerExp,
    value: f64,
) -> fmt::Result {
    let size = value.abs();
    if value.is_nan() {
        f.write_str("NaN")
    } else if value.is_infinite() {
        f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else if size != 0.0 && !(1e-4..1e21).contains(&size) {
        write!(f, "{x:e}")
    } else {
        write!(f, "{x}")
    }
}

/// A string in double quotes, escaped as by `strconv.Quote` in the common cases.
pub(super) fn quote(f: &mut impl Write, bytes: &[u8]) -> fmt::Result {
    f.write_char('"')?;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if (c as u32) < 0x20 || c as u32 == 0x7f => write!(f, "\\x{:02x}", c as u32)?,
                // Control characters, marks that reorder text and the like stay out of terminals.
                c if c.is_control()
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') =>
                {
                    write!(f, "\\u{:04x}", c as u32)?;
                }
                c => f.write_char(c)?,
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    f.write_char('"')
}

/// A duration as `time.Duration.String` has it.
fn duration(f: &mut fmt::Formatter<'_>, nanoseconds: i64) -> fmt::Result {
    let total = nanoseconds.unsigned_abs();
    if nanoseconds < 0 {
        f.write_char('-')?;
    }
    if total == 0 {
        return f.write_str("0s");
    }
    if total < 1_000_000_000 {
        let (unit, name) = match total {
            0..1000 => (1, "ns"),
            1000..1_000_000 => (1000, "µs"),
            _ => (1_000_000, "ms"),
        };
        return write!(f, "{}{name}", total as f64 / f64::from(unit));
    }
    let (hours, minutes) = (total / 3_600_000_000_000, total / 60_000_000_000 % 60);
    if hours > 0 {
        write!(f, "{hours}h")?;
    }
    if hours > 0 || minutes > 0 {
        write!(f, "{minutes}m")?;
    }
    let (seconds, rest) = (total / 1_000_000_000 % 60, total % 1_000_000_000);
    write!(f, "{seconds}")?;
    if rest > 0 {
        f.write_str(format!(".{rest:09}").trim_end_matches('0'))?;
    }
    f.write_char('s')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_strings() {
        let text = |value: Value| value.to_string();
        assert_eq!(text(Value::Float64(1e100)), "1e100");
        assert_eq!(text(Value::Float32(0.1)), "0.1");
        assert_eq!(text(Value::Float64(f64::NEG_INFINITY)), "-Inf");
        assert_eq!(text(Value::Complex(1.0, -2.5)), "(1-2.5i)");
        assert_eq!(text(Value::Duration(90_000_000_000)), "1m30s");
        assert_eq!(text(Value::Duration(-1_500_000)), "-1.5ms");
        assert_eq!(text(Value::Duration(3_600_000_000_000)), "1h0m0s");
        let string = |bytes: &[u8], len| text(Value::String(bytes.to_vec(), len));
        assert_eq!(string(b"a\"b\\\x1b[31m\xff", 8), r#""a\"b\\\x1b[31m\xff""#);
        assert_eq!(
            string("\u{202e}x".as_bytes(), 9),
            r#""\u202ex"... (9 bytes)"#
        );
    }
}
