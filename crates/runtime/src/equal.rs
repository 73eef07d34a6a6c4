//! Equality of values of any Go type, given the memory that they point into.

use crate::memory::{Memory, half_at, word_at};
use crate::types::{GoType, Kind};

/// Whether two values of a type, given as images of their memory, are equal as `==` has it.
///
/// What can't be read equals only what lies at the same address. Values that `==` can't compare,
/// as functions, are compared byte by byte.
#[must_use]
pub fn values_equal<M: Memory + ?Sized>(ty: &GoType, a: &[u8], b: &[u8], memory: &M) -> bool {
    if ty.is_regular_memory() {
        return a == b;
    }
    match &ty.kind {
        Kind::Float => float(a) == float(b),
        Kind::Complex => {
            let half = ty.size / 2;
            [0, half]
                .into_iter()
                .all(|at| float(part(a, at, half)) == float(part(b, at, half)))
        }
        Kind::String => {
            let (len, data_a, data_b) = (word_at(a, 8), word_at(a, 0), word_at(b, 0));
            let text = |data| memory.bytes(data, len);
            len == word_at(b, 8)
                && (data_a == data_b
                    || text(data_a).is_some_and(|text_a| Some(text_a) == text(data_b)))
        }
        Kind::Interface { .. } => interfaces_equal(a, b, memory),
        Kind::Array { elem, len } => (0..*len).all(|i| {
            let at = i * elem.size;
            let (a, b) = (part(a, at, elem.size), part(b, at, elem.size));
            values_equal(elem, a, b, memory)
        }),
        Kind::Struct { fields } => fields.iter().filter(|field| !field.blank).all(|field| {
            let (at, len) = (field.offset, field.ty.size);
            values_equal(&field.ty, part(a, at, len), part(b, at, len), memory)
        }),
        Kind::Scalar | Kind::Pointer | Kind::Incomparable | Kind::Slice => a == b,
    }
}

fn interfaces_equal<M: Memory + ?Sized>(a: &[u8], b: &[u8], memory: &M) -> bool {
    let word = word_at(a, 0);
    if word != word_at(b, 0) {
        return false;
    }
    if word == 0 {
        return true;
    }
    let (data_a, data_b) = (word_at(a, 8), word_at(b, 8));
    let Some(ty) = memory.dynamic_type(word) else {
        return data_a == data_b;
    };
    if ty.is_direct_in_interface() {
        return data_a == data_b;
    }
    match (memory.bytes(data_a, ty.size), memory.bytes(data_b, ty.size)) {
        (Some(a), Some(b)) => values_equal(&ty, &a, &b, memory),
        _ => data_a == data_b,
    }
}

fn part(bytes: &[u8], offset: u64, len: u64) -> &[u8] {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let end = start.saturating_add(usize::try_from(len).unwrap_or(usize::MAX));
    bytes.get(start..end).unwrap_or_default()
}

fn float(bytes: &[u8]) -> f64 {
    match bytes.len() {
        4 => f64::from(f32::from_bits(half_at(bytes, 0))),
        _ => f64::from_bits(word_at(bytes, 0)),
    }
}
