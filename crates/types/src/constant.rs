//! Constant values and their arithmetic, exact where it matters.
//!
//! This is what `go/constant` and the constant part of `go/types` (Go 1.26) do, as far
//! as types depend on it: array lengths, shift counts, the choice between integer and
//! floating-point defaults, comparisons. Numbers are arbitrary-precision integers and
//! rationals; where go/constant switches to 512-bit floats, so do we. Sizes are bounded,
//! so that no source can make values grow without limit: what lies beyond is
//! [`Value::Unknown`], which absorbs every operation.

mod literal;
mod ratio;

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};
use ratio::Ratio;
use std::cmp::Ordering;
use std::sync::Arc;
use tophash_syntax::ast::{BinaryOp, UnaryOp};

/// Largest number of bits of an integer, a numerator or a denominator. It holds the quotient
/// of the largest and the smallest `float64` (1024 + 1074 bits).
const MAX_BITS: u64 = 2200;

/// Precision that results too long for [`MAX_BITS`] are rounded to, as in go/constant.
const PRECISION: u64 = 512;

/// Largest shift count (go/types `shiftBound`).
const MAX_SHIFT: i64 = 1023 - 1 + 52;

/// Longest string whose bytes are kept, in bytes.
const MAX_TEXT: usize = 1 << 12;

/// The value of a constant expression. Numbers are kept in their simplest form: a number without
/// imaginary part is real, a real number with denominator one is an integer, an integer that
/// fits into 64 bits is [`Value::Int`]. So equal numbers are equal values, whatever their types.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Not known, or too large to keep.
    Unknown,
    /// A truth value.
    Bool(bool),
    /// A string.
    String(Text),
    /// An integer of at most 64 bits.
    Int(i64),
    /// A longer integer.
    Big(Arc<BigInt>),
    /// A number that is not an integer.
    Ratio(Arc<Ratio>),
    /// A number with a non-zero imaginary part: real and imaginary part.
    Complex(Arc<(Value, Value)>),
}

/// The value of a string constant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Text {
    /// Its bytes, which need not be UTF-8.
    Bytes(Arc<[u8]>),
    /// A string too long to keep: its length in bytes.
    Long(u64),
}

impl Text {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Text::Bytes(bytes) => bytes.len() as u64,
            Text::Long(len) => *len,
        }
    }

    /// Whether it is the empty string.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn concat(&self, other: &Text) -> Text {
        match (self, other) {
            (Text::Bytes(a), Text::Bytes(b)) if a.len() + b.len() <= MAX_TEXT => {
                Text::Bytes(a.iter().chain(b.iter()).copied().collect())
            }
            _ => Text::Long(self.len().saturating_add(other.len())),
        }
    }
}

/// The formats of floating-point types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatFormat {
    /// IEEE 754 binary32.
    Single,
    /// IEEE 754 binary64.
    Double,
}

impl Value {
    /// The string constant with these bytes.
    pub fn string(bytes: &[u8]) -> Value {
        Value::String(if bytes.len() <= MAX_TEXT {
            Text::Bytes(bytes.into())
        } else {
            Text::Long(bytes.len() as u64)
        })
    }

    fn integer(n: BigInt) -> Value {
        match n.to_i64() {
            Some(n) => Value::Int(n),
            None if n.bits() <= MAX_BITS => Value::Big(Arc::new(n)),
            None => Value::Unknown,
        }
    }

    fn ratio(r: Ratio) -> Value {
        let r = if r.num.bits().max(r.den.bits()) > MAX_BITS {
            r.round(PRECISION, None)
        } else {
            r
        };
        if r.is_integer() {
            Value::integer(r.num)
        } else if r.num.bits().max(r.den.bits()) > MAX_BITS {
            Value::Unknown
        } else {
            Value::Ratio(Arc::new(r))
        }
    }

    /// The number `re + im·i`, the value of the builtin `complex`.
    pub fn complex(re: Value, im: Value) -> Value {
        match (&re, &im) {
            (_, Value::Int(0)) => re,
            (
                Value::Int(_) | Value::Big(_) | Value::Ratio(_),
                Value::Int(_) | Value::Big(_) | Value::Ratio(_),
            ) => Value::Complex(Arc::new((re, im))),
            _ => Value::Unknown,
        }
    }

    /// The real part of a number.
    pub fn real(&self) -> Value {
        match self {
            Value::Int(_) | Value::Big(_) | Value::Ratio(_) => self.clone(),
            Value::Complex(parts) => parts.0.clone(),
            _ => Value::Unknown,
        }
    }

    /// The imaginary part of a number.
    pub fn imag(&self) -> Value {
        match self {
            Value::Int(_) | Value::Big(_) | Value::Ratio(_) => Value::Int(0),
            Value::Complex(parts) => parts.1.clone(),
            _ => Value::Unknown,
        }
    }

    /// Whether it is an integer, whatever its type (`2.0` is one).
    pub fn is_integer(&self) -> bool {
        matches!(self, Value::Int(_) | Value::Big(_))
    }

    /// Whether nothing is known of it.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Value::Unknown)
    }

    /// Its truth value, if it has one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The integer, if it is one of at most 64 bits.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&Text> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn to_big(&self) -> Option<BigInt> {
        match self {
            Value::Int(n) => Some(BigInt::from(*n)),
            Value::Big(n) => Some((**n).clone()),
            _ => None,
        }
    }

    fn to_ratio(&self) -> Option<Ratio> {
        match self {
            Value::Int(n) => Some(Ratio::from(BigInt::from(*n))),
            Value::Big(n) => Some(Ratio::from((**n).clone())),
            Value::Ratio(r) => Some((**r).clone()),
            _ => None,
        }
    }

    /// The value as an integer of `bits` bits; none if it is none or does not fit.
    /// An unknown value stays unknown.
    pub fn to_sized_int(&self, bits: u32, signed: bool) -> Option<Value> {
        let fits = match (self, signed) {
            (Value::Unknown, _) => true,
            (Value::Int(n), true) => {
                bits >= 64 || (n >> (bits - 1)) == 0 || (n >> (bits - 1)) == -1
            }
            (Value::Int(n), false) => *n >= 0 && (bits >= 63 || (n >> bits) == 0),
            (Value::Big(n), false) => !n.is_negative() && n.bits() <= u64::from(bits),
            _ => false,
        };
        fits.then(|| self.clone())
    }

    /// The value rounded to a floating-point format; none if it is not a real number or overflows.
    pub fn to_sized_float(&self, format: FloatFormat) -> Option<Value> {
        // Integers of up to 24 bits are exact in every format.
        if let Value::Unknown | Value::Int(-0xff_ffff..=0xff_ffff) = self {
            return Some(self.clone());
        }
        let (precision, min_ulp, limit) = match format {
            FloatFormat::Single => (24, -149, 128),
            FloatFormat::Double => (53, -1074, 1024),
        };
        let r = self.to_ratio()?.round(precision, Some(min_ulp));
        (!r.is_integer() || r.num.bits() <= limit).then(|| Value::ratio(r))
    }

    /// The value with both parts rounded to a format; none if it is not a number or overflows.
    pub fn to_sized_complex(&self, format: FloatFormat) -> Option<Value> {
        match self {
            Value::Complex(parts) => Some(Value::complex(
                parts.0.to_sized_float(format)?,
                parts.1.to_sized_float(format)?,
            )),
            _ => self.to_sized_float(format),
        }
    }

    /// Converts an integer to the string that holds the code point of that number, as `string(65)` does.
    pub fn to_code_point(&self) -> Value {
        let c = self
            .as_int()
            .and_then(|n| u32::try_from(n).ok())
            .and_then(char::from_u32)
            .unwrap_or(char::REPLACEMENT_CHARACTER);
        match self {
            Value::Unknown => Value::Unknown,
            _ => Value::string(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    /// `op self`. For `^` of an unsigned type `unsigned_bits` gives its size in bits.
    pub fn unary(&self, op: UnaryOp, unsigned_bits: Option<u32>) -> Value {
        match (op, self) {
            (
                UnaryOp::Plus,
                Value::Int(_) | Value::Big(_) | Value::Ratio(_) | Value::Complex(_),
            ) => self.clone(),
            (UnaryOp::Minus, Value::Int(n)) if *n != i64::MIN => Value::Int(-n),
            (
                UnaryOp::Minus,
                Value::Int(_) | Value::Big(_) | Value::Ratio(_) | Value::Complex(_),
            ) => Value::Int(0).binary(BinaryOp::Sub, self, false),
            (UnaryOp::Xor, Value::Int(_) | Value::Big(_)) => {
                let Some(n) = self.to_big() else {
                    return Value::Unknown;
                };
                let n: BigInt = -n - 1;
                Value::integer(match unsigned_bits {
                    Some(bits) => n & ((BigInt::from(1) << bits) - 1),
                    None => n,
                })
            }
            (UnaryOp::Not, Value::Bool(b)) => Value::Bool(!b),
            _ => Value::Unknown,
        }
    }

    /// `self op other` for operators other than comparisons and shifts. `integer` says that the operands are of
    /// integer type, so that `/` truncates.
    pub fn binary(&self, op: BinaryOp, other: &Value, integer: bool) -> Value {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => match op {
                BinaryOp::LAnd => Value::Bool(*a && *b),
                BinaryOp::LOr => Value::Bool(*a || *b),
                _ => Value::Unknown,
            },
            (Value::String(a), Value::String(b)) if op == BinaryOp::Add => {
                Value::String(a.concat(b))
            }
            (Value::Int(a), Value::Int(b)) => small_binary(op, *a, *b, integer)
                .map(Value::Int)
                .unwrap_or_else(|| real_binary(op, self, other, integer)),
            (Value::Complex(_), _) | (_, Value::Complex(_)) => complex_binary(op, self, other),
            _ => real_binary(op, self, other, integer),
        }
    }

    /// `self << count` or, for `right`, `self >> count`.
    pub fn shift(&self, right: bool, count: &Value) -> Value {
        let (Some(n), Some(count)) = (self.to_big(), count.as_int()) else {
            return Value::Unknown;
        };
        match count {
            0.. if right => Value::integer(n >> count.min(MAX_BITS as i64)),
            0..=MAX_SHIFT => Value::integer(n << count),
            _ => Value::Unknown,
        }
    }

    /// The truth value of a comparison, unknown if the operands can't be compared.
    pub fn compare(&self, op: BinaryOp, other: &Value) -> Value {
        let order = match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::String(Text::Bytes(a)), Value::String(Text::Bytes(b))) => a.cmp(b),
            (Value::Complex(_), _) | (_, Value::Complex(_)) => {
                if self.is_unknown() || other.is_unknown() {
                    return Value::Unknown;
                }
                // Only equality is defined; any other order will do for different numbers.
                if self == other {
                    Ordering::Equal
                } else {
                    Ordering::Less
                }
            }
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            _ => match (self.to_ratio(), other.to_ratio()) {
                (Some(a), Some(b)) => (&a.num * &b.den).cmp(&(&b.num * &a.den)),
                _ => return Value::Unknown,
            },
        };
        Value::Bool(match op {
            BinaryOp::Eql => order.is_eq(),
            BinaryOp::Neq => order.is_ne(),
            BinaryOp::Lss => order.is_lt(),
            BinaryOp::Leq => order.is_le(),
            BinaryOp::Gtr => order.is_gt(),
            BinaryOp::Geq => order.is_ge(),
            _ => return Value::Unknown,
        })
    }
}

/// Operations whose operands and result fit into 64 bits.
fn small_binary(op: BinaryOp, a: i64, b: i64, integer: bool) -> Option<i64> {
    match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Sub => a.checked_sub(b),
        BinaryOp::Mul => a.checked_mul(b),
        BinaryOp::Quo if integer => a.checked_div(b),
        BinaryOp::Rem => a.checked_rem(b),
        BinaryOp::And => Some(a & b),
        BinaryOp::Or => Some(a | b),
        BinaryOp::Xor => Some(a ^ b),
        BinaryOp::AndNot => Some(a & !b),
        _ => None,
    }
}

fn real_binary(op: BinaryOp, x: &Value, y: &Value, integer: bool) -> Value {
    if let (Some(a), Some(b)) = (x.to_big(), y.to_big()) {
        return match op {
            BinaryOp::Add => Value::integer(a + b),
            BinaryOp::Sub => Value::integer(a - b),
            BinaryOp::Mul => Value::integer(a * b),
            BinaryOp::Quo | BinaryOp::Rem if b.is_zero() => Value::Unknown,
            BinaryOp::Quo if integer => Value::integer(a / b),
            BinaryOp::Quo => Value::ratio(Ratio::new(a, b)),
            BinaryOp::Rem => Value::integer(a % b),
            BinaryOp::And => Value::integer(a & b),
            BinaryOp::Or => Value::integer(a | b),
            BinaryOp::Xor => Value::integer(a ^ b),
            BinaryOp::AndNot => Value::integer(&a & !b),
            _ => Value::Unknown,
        };
    }
    let (Some(a), Some(b)) = (x.to_ratio(), y.to_ratio()) else {
        return Value::Unknown;
    };
    Value::ratio(match op {
        BinaryOp::Add => Ratio::new(&a.num * &b.den + &b.num * &a.den, a.den * b.den),
        BinaryOp::Sub => Ratio::new(&a.num * &b.den - &b.num * &a.den, a.den * b.den),
        BinaryOp::Mul => Ratio::new(a.num * b.num, a.den * b.den),
        BinaryOp::Quo if b.num.is_zero() => return Value::Unknown,
        BinaryOp::Quo => Ratio::new(a.num * b.den, a.den * b.num),
        _ => return Value::Unknown,
    })
}

fn complex_binary(op: BinaryOp, x: &Value, y: &Value) -> Value {
    let (a, b, c, d) = (x.real(), x.imag(), y.real(), y.imag());
    let add = |x: &Value, y: &Value| x.binary(BinaryOp::Add, y, false);
    let sub = |x: &Value, y: &Value| x.binary(BinaryOp::Sub, y, false);
    let mul = |x: &Value, y: &Value| x.binary(BinaryOp::Mul, y, false);
    let quo = |x: &Value, y: &Value| x.binary(BinaryOp::Quo, y, false);
    match op {
        BinaryOp::Add => Value::complex(add(&a, &c), add(&b, &d)),
        BinaryOp::Sub => Value::complex(sub(&a, &c), sub(&b, &d)),
        BinaryOp::Mul => Value::complex(
            sub(&mul(&a, &c), &mul(&b, &d)),
            add(&mul(&b, &c), &mul(&a, &d)),
        ),
        BinaryOp::Quo => {
            let s = add(&mul(&c, &c), &mul(&d, &d));
            Value::complex(
                quo(&add(&mul(&a, &c), &mul(&b, &d)), &s),
                quo(&sub(&mul(&b, &c), &mul(&a, &d)), &s),
            )
        }
        _ => Value::Unknown,
    }
}

#[cfg(test)]
mod tests;
