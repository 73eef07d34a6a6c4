//! Values of the program, read by their type: as much as someone wants to see.

mod json;
mod text;
mod time;

use std::sync::Arc;

use tophash_runtime::types::WORD;

use crate::maps::Header;
use crate::types::{Shape, Type, TypeId, Types};

/// How much of a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many pointers and interfaces are followed from the value on.
    pub pointers: u32,
    /// How deep structs, arrays and slices nest before the rest is left out.
    pub depth: u32,
    /// Bytes of a string or a byte slice.
    pub bytes: u64,
    /// Elements of a slice or an array.
    pub elements: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pointers: 1,
            depth: 4,
            bytes: 120,
            elements: 16,
        }
    }
}

impl Limits {
    /// Limits that leave ordinary data whole, for dumps that programs read.
    #[must_use]
    pub fn generous() -> Self {
        Self {
            pointers: 2,
            depth: 8,
            bytes: 1 << 16,
            elements: 1 << 10,
        }
    }
}

/// A value, or as much of it as was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A boolean; the byte, should it be neither 0 nor 1.
    Bool(u8),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A `float32`.
    Float32(f32),
    /// A `float64`.
    Float64(f64),
    /// A complex number.
    Complex(f64, f64),
    /// A string: its first bytes and its length.
    String(Vec<u8>, u64),
    /// A slice or an array of bytes: the first of them and their number.
    Bytes(Vec<u8>, u64),
    /// A `time.Time`, in RFC 3339 form.
    Time(String),
    /// A `time.Duration`, in nanoseconds.
    Duration(i64),
    /// A slice or an array: its first elements and its length.
    List(Vec<Value>, u64),
    /// A struct: its type's name, names and values of its fields.
    Struct(Arc<str>, Vec<(Arc<str>, Value)>),
    /// A nil pointer, slice, map, channel, function or interface.
    Nil,
    /// A pointer, and what it points to if that was read.
    Pointer(u64, Option<Box<Value>>),
    /// A value in an interface, and the name of its type.
    Interface(Arc<str>, Box<Value>),
    /// A map, known by its header.
    Map {
        /// The name of its type.
        name: Arc<str>,
        /// Its entries by the header; none if the header can't be read.
        len: Option<u64>,
        /// Its address.
        address: u64,
    },
    /// A channel or a function, and the name of its type.
    Reference(Arc<str>, u64),
    /// Something deeper than asked for.
    Cut,
    /// Something that can't be read, where it should be.
    Unreadable(u64),
    /// A pointer back to something that is being read.
    Circle(u64),
}

/// Reads values of a process.
pub struct Reader<'t, 'm> {
    types: &'t Types<'m>,
    limits: Limits,
}

/// What is above the value being read.
struct Above<'a> {
    pointers: u32,
    depth: u32,
    reading: &'a mut Reading,
}

/// The state of one reading.
struct Reading {
    /// Targets of the pointers followed so far.
    targets: Vec<(u64, TypeId)>,
    /// Values that may still be read.
    left: u32,
}

/// Values in one value, after which the rest is left out, whatever the limits are.
const MAX_VALUES: u32 = 1 << 16;

/// Elements are skipped in types above this size: an address that holds them can't be read anyway.
const MAX_ELEM: u64 = 1 << 40;

impl<'t, 'm> Reader<'t, 'm> {
    /// A reader of values of these types.
    #[must_use]
    pub fn new(types: &'t Types<'m>, limits: Limits) -> Self {
        Self { types, limits }
    }

    /// The value of a type at an address.
    #[must_use]
    pub fn read(&self, ty: TypeId, address: u64) -> Value {
        let mut reading = Reading {
            targets: Vec::new(),
            left: MAX_VALUES,
        };
        let mut above = Above {
            pointers: self.limits.pointers,
            depth: self.limits.depth,
            reading: &mut reading,
        };
        self.value(ty, address, &mut above)
    }

    fn value(&self, id: TypeId, address: u64, above: &mut Above<'_>) -> Value {
        let Some(ty) = self.types.get(id) else {
            return Value::Unreadable(address);
        };
        self.try_value(&ty, address, above)
            .unwrap_or(Value::Unreadable(address))
    }

    fn try_value(&self, ty: &Type, address: u64, above: &mut Above<'_>) -> Option<Value> {
        let Some(left) = above.reading.left.checked_sub(1) else {
            return Some(Value::Cut);
        };
        above.reading.left = left;
        let memory = self.types.memory();
        let word = |index: u64| memory.u64(address.checked_add(WORD * index)?);
        Some(match &ty.shape {
            Shape::Bool => Value::Bool(memory.u8(address)?),
            Shape::Int => {
                let bits = self.scalar(ty.size, address)?;
                let unused = 64 - 8 * ty.size as u32;
                let value = (bits << unused) as i64 >> unused;
                if &*ty.name == "time.Duration" {
                    Value::Duration(value)
                } else {
                    Value::Int(value)
                }
            }
            Shape::Uint => Value::Uint(self.scalar(ty.size, address)?),
            Shape::Float => self.float(ty.size, address)?,
            Shape::Complex => {
                let half = ty.size / 2;
                let part = |at| match self.float(half, at)? {
                    Value::Float32(x) => Some(f64::from(x)),
                    Value::Float64(x) => Some(x),
                    _ => None,
                };
                Value::Complex(part(address)?, part(address.checked_add(half)?)?)
            }
            Shape::String => {
                let (data, len) = (word(0)?, word(1)?);
                Value::String(self.bytes(data, len)?, len)
            }
            Shape::UnsafePointer => match word(0)? {
                0 => Value::Nil,
                target => Value::Pointer(target, None),
            },
            Shape::Pointer(elem) => match word(0)? {
                0 => Value::Nil,
                target => self.pointer(*elem, target, above),
            },
            Shape::Func | Shape::Chan(_) => match word(0)? {
                0 => Value::Nil,
                target => Value::Reference(ty.name.clone(), target),
            },
            Shape::Map { .. } => match word(0)? {
                0 => Value::Nil,
                target => Value::Map {
                    name: ty.name.clone(),
                    len: Header::read(memory, self.types.build(), target)
                        .map(|header| header.len()),
                    address: target,
                },
            },
            Shape::Slice(elem) => {
                let (data, len, cap) = (word(0)?, word(1)?, word(2)?);
                if data == 0 {
                    Value::Nil
                } else if len > cap {
                    return None;
                } else {
                    self.list(*elem, data, len, above)?
                }
            }
            Shape::Array { elem, len } => self.list(*elem, address, *len, above)?,
            Shape::Interface { .. } => self.interface(word(0)?, address, word(1)?, above),
            Shape::Struct(fields) => {
                if &*ty.name == "time.Time"
                    && let Some(time) = time::read(memory, address)
                {
                    return Some(Value::Time(time));
                }
                let Some(depth) = above.depth.checked_sub(1) else {
                    return Some(Value::Cut);
                };
                let mut inner = Above {
                    pointers: above.pointers,
                    depth,
                    reading: above.reading,
                };
                let mut values = Vec::with_capacity(fields.len());
                for field in fields {
                    let value = match address.checked_add(field.offset) {
                        Some(address) => self.value(field.ty, address, &mut inner),
                        None => Value::Unreadable(address),
                    };
                    values.push((field.name.clone(), value));
                }
                Value::Struct(ty.name.clone(), values)
            }
        })
    }

    fn scalar(&self, size: u64, address: u64) -> Option<u64> {
        let memory = self.types.memory();
        match size {
            1 => memory.u8(address).map(u64::from),
            2 => memory.u16(address).map(u64::from),
            4 => memory.u32(address).map(u64::from),
            8 => memory.u64(address),
            _ => None,
        }
    }

    fn float(&self, size: u64, address: u64) -> Option<Value> {
        let memory = self.types.memory();
        match size {
            4 => memory
                .u32(address)
                .map(|bits| Value::Float32(f32::from_bits(bits))),
            8 => memory
                .u64(address)
                .map(|bits| Value::Float64(f64::from_bits(bits))),
            _ => None,
        }
    }

    /// The first bytes of `len`, as many as are wanted.
    fn bytes(&self, address: u64, len: u64) -> Option<Vec<u8>> {
        if len == 0 {
            return Some(Vec::new());
        }
        if len > MAX_ELEM {
            return None;
        }
        let want = usize::try_from(len.min(self.limits.bytes)).ok()?;
        Some(self.types.memory().read(address, want)?.into_owned())
    }

    fn list(&self, elem: TypeId, data: u64, len: u64, above: &mut Above<'_>) -> Option<Value> {
        let ty = self.types.get(elem)?;
        if ty.size == 1 && ty.shape == Shape::Uint {
            return Some(Value::Bytes(self.bytes(data, len)?, len));
        }
        if ty.size.checked_mul(len)? > MAX_ELEM {
            return None;
        }
        let Some(depth) = above.depth.checked_sub(1) else {
            return Some(if len == 0 {
                Value::List(Vec::new(), 0)
            } else {
                Value::Cut
            });
        };
        let mut inner = Above {
            pointers: above.pointers,
            depth,
            reading: above.reading,
        };
        let mut values = Vec::new();
        for i in 0..len.min(self.limits.elements) {
            let address = data.checked_add(ty.size * i)?;
            values.push(
                self.try_value(&ty, address, &mut inner)
                    .unwrap_or(Value::Unreadable(address)),
            );
        }
        Some(Value::List(values, len))
    }

    fn pointer(&self, elem: TypeId, target: u64, above: &mut Above<'_>) -> Value {
        if above.reading.targets.contains(&(target, elem)) {
            return Value::Circle(target);
        }
        let Some(pointers) = above.pointers.checked_sub(1) else {
            return Value::Pointer(target, None);
        };
        above.reading.targets.push((target, elem));
        let mut inner = Above {
            pointers,
            depth: above.depth,
            reading: above.reading,
        };
        let value = self.value(elem, target, &mut inner);
        above.reading.targets.pop();
        Value::Pointer(target, Some(Box::new(value)))
    }

    fn interface(&self, word: u64, address: u64, data: u64, above: &mut Above<'_>) -> Value {
        if word == 0 {
            return Value::Nil;
        }
        let Some(ty) = self.types.dynamic(word).and_then(|id| self.types.get(id)) else {
            return Value::Unreadable(word);
        };
        let value = if self.types.is_direct(ty.id) {
            self.value(ty.id, address.wrapping_add(WORD), above)
        } else if above.reading.targets.contains(&(data, ty.id)) {
            Value::Circle(data)
        } else if matches!(
            ty.shape,
            Shape::Struct(_) | Shape::Array { .. } | Shape::Interface { .. }
        ) && above.pointers == 0
        {
            Value::Pointer(data, None)
        } else {
            above.reading.targets.push((data, ty.id));
            let mut inner = Above {
                pointers: above.pointers.saturating_sub(1),
                depth: above.depth,
                reading: above.reading,
            };
            let value = self.value(ty.id, data, &mut inner);
            above.reading.targets.pop();
            value
        };
        Value::Interface(ty.name.clone(), Box::new(value))
    }
}
