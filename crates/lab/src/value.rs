//! Types, keys and elements as a script writes them.

use std::fmt;
use std::sync::Arc;

use tophash_runtime::Blocks;
use tophash_runtime::types::GoType;

/// A type that keys or elements of a lab map can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// `bool`.
    Bool,
    /// An integer type.
    Int(IntType),
    /// `float32` (4) or `float64` (8).
    Float(u8),
    /// `string`.
    String,
    /// `any`.
    Any,
    /// `struct{}`.
    Empty,
    /// A slice, map, func or pointer type under its name: elements only, whose values are not
    /// looked into.
    Opaque(Arc<str>),
}

/// An integer type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntType {
    /// Its name.
    pub name: &'static str,
    /// Its size in bytes.
    pub size: u8,
    /// Whether it has negative values.
    pub signed: bool,
}

const INTS: [IntType; 13] = [
    int("int", 8, true),
    int("int8", 1, true),
    int("int16", 2, true),
    int("int32", 4, true),
    int("int64", 8, true),
    int("uint", 8, false),
    int("uint8", 1, false),
    int("uint16", 2, false),
    int("uint32", 4, false),
    int("uint64", 8, false),
    int("uintptr", 8, false),
    int("byte", 1, false),
    int("rune", 4, true),
];

const fn int(name: &'static str, size: u8, signed: bool) -> IntType {
    IntType { name, size, signed }
}

impl IntType {
    fn range(self) -> (i128, i128) {
        let bits = 8 * u32::from(self.size);
        if self.signed {
            (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        } else {
            (0, (1 << bits) - 1)
        }
    }
}

/// A key or an element.
#[derive(Clone, Debug)]
pub enum Value {
    /// Of type `bool`.
    Bool(bool),
    /// Of an integer type.
    Int(IntType, i128),
    /// Of a float type of this size.
    Float(u8, f64),
    /// Of type `string`.
    String(Arc<str>),
    /// Of type `any`: nil, or a value of another type.
    Any(Option<Box<Value>>),
    /// `struct{}{}`.
    Empty,
    /// Of the type named first, written as in the script.
    Opaque(Arc<str>, Arc<str>),
}

impl Type {
    /// Reads the name of a type.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(int) = INTS.iter().find(|int| int.name == text) {
            return Ok(Self::Int(*int));
        }
        Ok(match text {
            "bool" => Self::Bool,
            "float32" => Self::Float(4),
            "float64" => Self::Float(8),
            "string" => Self::String,
            "any" | "interface{}" => Self::Any,
            "struct{}" => Self::Empty,
            _ if ["[]", "*", "map[", "func", "chan "]
                .iter()
                .any(|start| text.starts_with(start)) =>
            {
                Self::Opaque(text.into())
            }
            _ => {
                return Err(format!(
                    "{text:?} is not a type of the lab: bool, an integer or float type, string, \
                     any, or for elements also struct{{}}, []T, *T"
                ));
            }
        })
    }

    /// Whether keys can be of this type in the lab.
    #[must_use]
    pub fn can_be_key(&self) -> bool {
        !matches!(self, Self::Empty | Self::Opaque(_))
    }

    /// The type as the runtime sees it.
    #[must_use]
    pub fn go_type(&self) -> Arc<GoType> {
        match self {
            Self::Bool => GoType::scalar("bool", 1),
            Self::Int(int) => GoType::scalar(int.name, u64::from(int.size)),
            Self::Float(size) => GoType::float(u64::from(*size)),
            Self::String => GoType::string(),
            Self::Any => GoType::any(),
            Self::Empty => GoType::structure("struct {}", &[]),
            Self::Opaque(name) if name.starts_with('*') || name.starts_with("chan") => {
                GoType::pointer(name)
            }
            Self::Opaque(name) if name.starts_with("[]") => GoType::slice(name),
            Self::Opaque(name) => GoType::incomparable(name),
        }
    }

    /// The zero value.
    #[must_use]
    pub fn zero(&self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::Int(int) => Value::Int(*int, 0),
            Self::Float(size) => Value::Float(*size, 0.0),
            Self::String => Value::String("".into()),
            Self::Any => Value::Any(None),
            Self::Empty => Value::Empty,
            Self::Opaque(name) => Value::Opaque(name.clone(), "nil".into()),
        }
    }

    /// The value number `n` of those that `fill` puts; none if the type has not that many.
    #[must_use]
    pub fn nth(&self, n: u64, element: bool) -> Option<Value> {
        Some(match self {
            Self::Bool => Value::Bool(match (n, element) {
                (_, true) => n % 2 == 1,
                (1 | 2, false) => n == 1,
                _ => return None,
            }),
            Self::Int(int) if element => {
                let (_, max) = int.range();
                Value::Int(*int, i128::from(n) % (max + 1))
            }
            Self::Int(int) => {
                let (_, max) = int.range();
                (i128::from(n) <= max).then_some(Value::Int(*int, n.into()))?
            }
            Self::Float(4) if n > 1 << 24 && !element => return None,
            Self::Float(size) => Value::Float(*size, n as f64),
            Self::String if element => Value::String(format!("v{n}").into()),
            Self::String => Value::String(format!("k{n}").into()),
            Self::Any => Value::Any(Some(Box::new(int_value(n.into())))),
            Self::Empty => Value::Empty,
            Self::Opaque(name) => Value::Opaque(name.clone(), format!("p{n}").into()),
        })
    }

    /// Reads a value of this type. A quoted word is a string where that matters.
    ///
    /// # Errors
    /// What was expected, as a sentence.
    pub fn read(&self, text: &str, quoted: bool) -> Result<Value, String> {
        let expected = |what: &str| format!("{text:?} is no {self}: {what} was expected");
        Ok(match self {
            Self::String => Value::String(text.into()),
            Self::Any => Value::Any(read_any(text, quoted)?.map(Box::new)),
            _ if quoted => return Err(expected("a value without quotes")),
            Self::Bool => match text {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => return Err(expected("true or false")),
            },
            Self::Int(int) => {
                let n = integer(text)
                    .ok_or_else(|| expected("a whole number, such as 3, -3 or 0x1f"))?;
                let (min, max) = int.range();
                if !(min..=max).contains(&n) {
                    return Err(expected(&format!("a number from {min} to {max}")));
                }
                Value::Int(*int, n)
            }
            Self::Float(size) => {
                let x =
                    float(text).ok_or_else(|| expected("a number, such as 1.5, NaN or -Inf"))?;
                let x = if *size == 4 { f64::from(x as f32) } else { x };
                Value::Float(*size, x)
            }
            Self::Empty if matches!(text, "{}" | "struct{}{}") => Value::Empty,
            Self::Empty => return Err(expected("{}")),
            Self::Opaque(name) => Value::Opaque(name.clone(), text.into()),
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int(int) => f.write_str(int.name),
            Self::Float(4) => f.write_str("float32"),
            Self::Float(_) => f.write_str("float64"),
            Self::String => f.write_str("string"),
            Self::Any => f.write_str("any"),
            Self::Empty => f.write_str("struct{}"),
            Self::Opaque(name) => f.write_str(name),
        }
    }
}

fn int_value(n: i128) -> Value {
    Value::Int(INTS[0], n)
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.replace('_', "");
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let n = match digits.get(..2) {
        Some("0x" | "0X") => i128::from_str_radix(digits.get(2..)?, 16).ok()?,
        _ => digits.parse().ok()?,
    };
    Some(if negative { -n } else { n })
}

fn float(text: &str) -> Option<f64> {
    let bare = text.trim_start_matches(['+', '-']);
    let named = bare.eq_ignore_ascii_case("nan") || bare.eq_ignore_ascii_case("inf");
    if !named && !bare.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    text.parse().ok()
}

/// A value to be held in an interface: its type is that of the literal, or of a conversion.
fn read_any(text: &str, quoted: bool) -> Result<Option<Value>, String> {
    if quoted {
        return Ok(Some(Value::String(text.into())));
    }
    if let Some((name, rest)) = text.split_once('(')
        && let Some(inner) = rest.strip_suffix(')')
        && let Ok(ty) = Type::parse(name)
        && !matches!(ty, Type::Opaque(_) | Type::Any)
    {
        let inner = inner.trim();
        let text = inner.strip_prefix('"').and_then(|s| s.strip_suffix('"'));
        return ty
            .read(text.unwrap_or(inner), text.is_some() && ty != Type::String)
            .map(Some);
    }
    Ok(Some(match text {
        "nil" => return Ok(None),
        "true" | "false" => Value::Bool(text == "true"),
        "{}" | "struct{}{}" => Value::Empty,
        _ if ["[]", "map[", "func"]
            .iter()
            .any(|start| text.starts_with(start)) =>
        {
            let end = if text.starts_with("func") {
                text.find(')').map_or(text.len(), |end| end + 1)
            } else {
                text.find('{').unwrap_or(text.len())
            };
            Value::Opaque(text.get(..end).unwrap_or(text).trim().into(), text.into())
        }
        _ => match (integer(text), float(text)) {
            (Some(n), _) => {
                let (min, max) = INTS[0].range();
                if !(min..=max).contains(&n) {
                    return Err(format!("{text} does not fit an int"));
                }
                int_value(n)
            }
            (None, Some(x)) => Value::Float(8, x),
            (None, None) => Value::String(text.into()),
        },
    }))
}

impl Value {
    fn type_of(&self) -> Type {
        match self {
            Self::Bool(_) => Type::Bool,
            Self::Int(int, _) => Type::Int(*int),
            Self::Float(size, _) => Type::Float(*size),
            Self::String(_) => Type::String,
            Self::Any(_) => Type::Any,
            Self::Empty => Type::Empty,
            Self::Opaque(name, _) => Type::Opaque(name.clone()),
        }
    }

    /// Go's `==`.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            // byte is uint8 and rune int32.
            (Self::Int(a, x), Self::Int(b, y)) => {
                x == y && a.size == b.size && a.signed == b.signed && alias(a) == alias(b)
            }
            (Self::Float(a, x), Self::Float(b, y)) => a == b && x == y,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Any(None), Self::Any(None)) | (Self::Empty, Self::Empty) => true,
            (Self::Any(Some(a)), Self::Any(Some(b))) => a.equals(b),
            (Self::Opaque(a, x), Self::Opaque(b, y)) => a == b && x == y,
            _ => false,
        }
    }

    /// Whether the key differs from itself.
    #[must_use]
    pub fn is_nan(&self) -> bool {
        match self {
            Self::Float(_, x) => x.is_nan(),
            Self::Any(Some(inner)) => inner.is_nan(),
            _ => false,
        }
    }

    /// The value's bytes in memory. What they point to is added to `memory`, at addresses from
    /// `next` on.
    pub fn encode(&self, memory: &mut Blocks, next: &mut u64) -> Vec<u8> {
        let mut allocate = |bytes: Vec<u8>, memory: &mut Blocks| {
            let address = *next;
            *next += bytes.len() as u64 + 16;
            memory.insert(address, bytes.into());
            address
        };
        match self {
            Self::Bool(x) => vec![u8::from(*x)],
            Self::Int(int, n) => {
                let mut bytes = n.to_le_bytes().to_vec();
                bytes.truncate(usize::from(int.size));
                bytes
            }
            Self::Float(4, x) => (*x as f32).to_le_bytes().to_vec(),
            Self::Float(_, x) => x.to_le_bytes().to_vec(),
            Self::String(text) => {
                let address = allocate(text.as_bytes().to_vec(), memory);
                [address, text.len() as u64]
                    .iter()
                    .flat_map(|word| word.to_le_bytes())
                    .collect()
            }
            Self::Any(None) => vec![0; 16],
            Self::Any(Some(inner)) => {
                let bytes = inner.encode(memory, next);
                let data = *next;
                let type_word = data + bytes.len() as u64 + 16;
                *next = type_word + 16;
                memory.insert(data, bytes.into());
                memory.insert_type(type_word, inner.type_of().go_type());
                [type_word, data]
                    .iter()
                    .flat_map(|word| word.to_le_bytes())
                    .collect()
            }
            Self::Empty => Vec::new(),
            Self::Opaque(..) => vec![0; 24],
        }
    }

    /// The value's text, the same for values that are one key: both zeros, `byte(1)` and `uint8(1)`.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Float(size, x) if *x == 0.0 => Self::Float(*size, 0.0).to_string(),
            Self::Any(Some(inner)) => match &**inner {
                Self::Int(int, n) => format!("{}({n})", alias(int)),
                Self::Float(size, x) => {
                    format!("float{size}({})", if *x == 0.0 { 0.0 } else { *x })
                }
                other => Self::Any(Some(Box::new(other.clone()))).to_string(),
            },
            other => other.to_string(),
        }
    }

    fn quoted(text: &str) -> String {
        format!("{text:?}")
    }
}

fn alias(int: &IntType) -> &'static str {
    match int.name {
        "byte" => "uint8",
        "rune" => "int32",
        name => name,
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(x) => write!(f, "{x}"),
            Self::Int(_, n) => write!(f, "{n}"),
            Self::Float(_, x) if x.is_infinite() => {
                f.write_str(if *x > 0.0 { "+Inf" } else { "-Inf" })
            }
            Self::Float(_, x) => write!(f, "{x}"),
            Self::String(text) => {
                let plain = !text.is_empty()
                    && text
                        .chars()
                        .all(|c| c.is_alphanumeric() || "_-.,/:@+*=&%~^".contains(c));
                if plain {
                    f.write_str(text)
                } else {
                    f.write_str(&Self::quoted(text))
                }
            }
            Self::Any(None) => f.write_str("nil"),
            Self::Any(Some(inner)) => match &**inner {
                Self::String(text) => f.write_str(&Self::quoted(text)),
                Self::Float(8, x) if x.is_finite() && x.fract() == 0.0 && x.abs() < 1e15 => {
                    write!(f, "{x:.1}")
                }
                Self::Int(int, n) if int.name != "int" => write!(f, "{}({n})", int.name),
                Self::Float(4, x) => write!(f, "float32({x})"),
                other => write!(f, "{other}"),
            },
            Self::Empty => f.write_str("{}"),
            Self::Opaque(_, text) if text.chars().any(char::is_control) => {
                f.write_str(&Self::quoted(text))
            }
            Self::Opaque(_, text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(ty: &str, text: &str) -> String {
        let ty = Type::parse(ty).unwrap();
        match ty.read(text, false) {
            Ok(value) => value.to_string(),
            Err(error) => error,
        }
    }

    #[test]
    fn values_are_read_by_type() {
        assert_eq!(show("int", "0x1f"), "31");
        assert_eq!(show("float64", "nan"), "NaN");
        assert_eq!(show("float64", "-inf"), "-Inf");
        assert_eq!(show("any", "1"), "1");
        assert_eq!(show("any", "one"), "\"one\"");
        assert_eq!(show("any", "1.0"), "1.0");
        assert_eq!(show("any", "int8(3)"), "int8(3)");
        assert_eq!(show("any", "nil"), "nil");
        assert_eq!(
            show("int8", "300"),
            "\"300\" is no int8: a number from -128 to 127 was expected"
        );
        assert_eq!(
            show("int", "x"),
            "\"x\" is no int: a whole number, such as 3, -3 or 0x1f was expected"
        );
        assert!(Type::parse("strng").is_err());
    }

    #[test]
    fn interfaces_are_equal_if_type_and_value_are() {
        let any = |text| Type::Any.read(text, false).unwrap();
        assert!(any("byte(1)").equals(&any("uint8(1)")));
        assert!(!any("1").equals(&any("int64(1)")));
        assert!(!any("1").equals(&any("1.0")));
        assert!(!any("NaN").equals(&any("NaN")));
        assert!(any("NaN").is_nan());
    }
}
