//! One descriptor: `abi.Type` and what follows it for each kind (internal/abi/type.go).

use std::borrow::Cow;
use std::sync::Arc;

use tophash_runtime::layout::{TYPE, map_type};

use super::{Field, Shape, Type, TypeId, Types};

/// Bytes of the part common to all descriptors.
pub(super) const SIZE: u64 = TYPE.size;

/// Kinds (internal/abi/type.go `Kind`).
mod kind {
    pub(super) const BOOL: u8 = 1;
    pub(super) const INT: u8 = 2;
    pub(super) const INT64: u8 = 6;
    pub(super) const UINT: u8 = 7;
    pub(super) const UINTPTR: u8 = 12;
    pub(super) const FLOAT32: u8 = 13;
    pub(super) const FLOAT64: u8 = 14;
    pub(super) const COMPLEX64: u8 = 15;
    pub(super) const COMPLEX128: u8 = 16;
    pub(super) const ARRAY: u8 = 17;
    pub(super) const CHAN: u8 = 18;
    pub(super) const FUNC: u8 = 19;
    pub(super) const INTERFACE: u8 = 20;
    pub(super) const MAP: u8 = 21;
    pub(super) const POINTER: u8 = 22;
    pub(super) const SLICE: u8 = 23;
    pub(super) const STRING: u8 = 24;
    pub(super) const STRUCT: u8 = 25;
    pub(super) const UNSAFE_POINTER: u8 = 26;
    /// The bits above held flags up to 1.25.
    pub(super) const MASK: u8 = 31;
}

/// Flags (internal/abi/type.go `TFlag`).
const UNCOMMON: u8 = 1;
const EXTRA_STAR: u8 = 2;

/// Bytes of a `StructField`: name, type, offset.
const FIELD_SIZE: u64 = 24;

/// A struct with more fields than this is damage.
const MAX_FIELDS: u64 = 1 << 14;

/// Names above this length are damage; those of instantiated types do grow long.
const MAX_NAME: usize = 1 << 14;

/// The largest value that the compiler allows (cmd/compile/internal/types `MaxWidth`).
const MAX_VALUE: u64 = 1 << 50;

/// The common part of a descriptor, as far as it is needed.
struct Common {
    size: u64,
    pointer_bytes: u64,
    flags: u8,
    align: u8,
    kind: u8,
    name: i32,
}

fn common(types: &Types<'_>, address: u64) -> Option<Common> {
    let bytes = types.memory.read(address, SIZE as usize)?;
    let word = |at: u64| {
        Some(u64::from_le_bytes(
            *bytes.get(at as usize..)?.first_chunk()?,
        ))
    };
    let byte = |at: u64| bytes.get(at as usize).copied();
    let common = Common {
        size: word(TYPE.value_size)?,
        pointer_bytes: word(TYPE.pointer_bytes)?,
        flags: byte(TYPE.flags)?,
        align: byte(TYPE.align)?,
        kind: byte(TYPE.kind)? & kind::MASK,
        name: i32::from_le_bytes(*bytes.get(TYPE.name as usize..)?.first_chunk()?),
    };
    let sensible = (kind::BOOL..=kind::UNSAFE_POINTER).contains(&common.kind)
        && common.align.is_power_of_two()
        && common.align <= 64
        && common.size <= MAX_VALUE
        && common.size.is_multiple_of(u64::from(common.align))
        && common.pointer_bytes <= common.size
        && common.pointer_bytes.is_multiple_of(8)
        && fixed_size(common.kind).is_none_or(|size| size == common.size);
    sensible.then_some(common)
}

/// The size of values of a kind, where the kind tells.
fn fixed_size(of: u8) -> Option<u64> {
    // bool, int, int8 to int64, uint, uint8 to uint64, uintptr, floats, complex numbers.
    const SMALL: [u64; 16] = [1, 8, 1, 2, 4, 8, 8, 1, 2, 4, 8, 8, 4, 8, 8, 16];
    match of {
        kind::CHAN | kind::FUNC | kind::MAP | kind::POINTER | kind::UNSAFE_POINTER => Some(8),
        kind::INTERFACE | kind::STRING => Some(16),
        kind::SLICE => Some(24),
        _ => SMALL.get(usize::from(of).checked_sub(1)?).copied(),
    }
}

/// Whether there is a map's descriptor at an address, by its common part alone.
pub(super) fn is_map(types: &Types<'_>, address: u64) -> bool {
    types
        .memory
        .u8(address + TYPE.kind)
        .is_some_and(|byte| byte & kind::MASK == kind::MAP)
        && common(types, address).is_some()
}

/// Whether there is an interface type's descriptor at an address, by its common part alone.
pub(super) fn is_interface(types: &Types<'_>, address: u64) -> bool {
    common(types, address).is_some_and(|common| common.kind == kind::INTERFACE)
}

/// The type whose descriptor lies at an address, and the address of its `UncommonType` if it has
/// one.
pub(super) fn read(types: &Types<'_>, address: u64) -> Option<(Type, Option<u64>)> {
    if !address.is_multiple_of(8) {
        return None;
    }
    let common = common(types, address)?;
    let memory = types.memory;
    let word = |index: u64| memory.u64(address.checked_add(SIZE + 8 * index)?);
    let id = |index| word(index).map(TypeId);
    let (shape, extra) = match common.kind {
        kind::BOOL => (Shape::Bool, 0),
        kind::INT..=kind::INT64 => (Shape::Int, 0),
        kind::UINT..=kind::UINTPTR => (Shape::Uint, 0),
        kind::FLOAT32 | kind::FLOAT64 => (Shape::Float, 0),
        kind::COMPLEX64 | kind::COMPLEX128 => (Shape::Complex, 0),
        kind::STRING => (Shape::String, 0),
        kind::UNSAFE_POINTER => (Shape::UnsafePointer, 0),
        kind::POINTER => (Shape::Pointer(id(0)?), 8),
        kind::SLICE => (Shape::Slice(id(0)?), 8),
        kind::CHAN => (Shape::Chan(id(0)?), 16),
        // Counts of parameters, padded.
        kind::FUNC => (Shape::Func, 8),
        kind::INTERFACE => (
            // Package path, then the slice of methods.
            Shape::Interface {
                empty: word(2)? == 0,
            },
            32,
        ),
        kind::ARRAY => (
            Shape::Array {
                elem: id(0)?,
                len: word(2)?,
            },
            24,
        ),
        kind::MAP => (
            Shape::Map {
                key: id(0)?,
                elem: id(1)?,
            },
            map_type(types.build).size - SIZE,
        ),
        kind::STRUCT => (
            Shape::Struct(fields(types, word(1)?, word(2)?, common.size)?),
            32,
        ),
        _ => return None,
    };
    let name = name(types, address, &common, &shape)?;
    let ty = Type {
        id: TypeId(address),
        name,
        size: common.size,
        align: u64::from(common.align),
        pointer_bytes: common.pointer_bytes,
        shape,
    };
    let uncommon = (common.flags & UNCOMMON != 0).then_some(address + SIZE + extra);
    Some((ty, uncommon))
}

fn fields(types: &Types<'_>, address: u64, count: u64, size: u64) -> Option<Vec<Field>> {
    if count > MAX_FIELDS {
        return None;
    }
    let mut fields = Vec::with_capacity(count as usize);
    for i in 0..count {
        let at = address.checked_add(FIELD_SIZE * i)?;
        let (name, flags) = read_name(types, types.memory.u64(at)?)?;
        let offset = types.memory.u64(at + 16)?;
        if offset > size {
            return None;
        }
        fields.push(Field {
            name,
            offset,
            ty: TypeId(types.memory.u64(at + 8)?),
            embedded: flags & 8 != 0,
        });
    }
    Some(fields)
}

/// The name that a descriptor tells. Types made by `reflect` while the program ran keep theirs
/// elsewhere: it is put together from their parts.
fn name(types: &Types<'_>, address: u64, common: &Common, shape: &Shape) -> Option<Arc<str>> {
    if let Some(name) = name_at_offset(types, address, common.name) {
        return Some(match name.strip_prefix('*') {
            Some(rest) if common.flags & EXTRA_STAR != 0 => rest.into(),
            _ => name,
        });
    }
    if common.name >= 0 || in_module(types, address).is_some() {
        return None;
    }
    let part = |id: &TypeId| {
        // One level: descriptors may go in circles.
        let common = self::common(types, id.0);
        common
            .and_then(|common| {
                let name = name_at_offset(types, id.0, common.name)?;
                Some(match name.strip_prefix('*') {
                    Some(rest) if common.flags & EXTRA_STAR != 0 => rest.to_owned(),
                    _ => name.to_string(),
                })
            })
            .unwrap_or_else(|| "?".to_owned())
    };
    Some(
        match shape {
            Shape::Pointer(elem) => format!("*{}", part(elem)),
            Shape::Slice(elem) => format!("[]{}", part(elem)),
            Shape::Chan(elem) => format!("chan {}", part(elem)),
            Shape::Array { elem, len } => format!("[{len}]{}", part(elem)),
            Shape::Map { key, elem } => format!("map[{}]{}", part(key), part(elem)),
            Shape::Struct(_) => "struct {...}".to_owned(),
            Shape::Func => "func(...)".to_owned(),
            Shape::Interface { .. } => "interface {...}".to_owned(),
            _ => return None,
        }
        .into(),
    )
}

/// The module that a descriptor lies in.
fn in_module<'a>(types: &'a Types<'_>, address: u64) -> Option<&'a std::ops::Range<u64>> {
    types
        .modules
        .iter()
        .find(|module| module.contains(&address))
}

/// The name at an offset (`NameOff`) as a descriptor at `address` has it.
pub(super) fn name_at_offset(types: &Types<'_>, address: u64, offset: i32) -> Option<Arc<str>> {
    let module = in_module(types, address)?;
    let at = module.start.checked_add(u64::try_from(offset).ok()?)?;
    if !module.contains(&at) {
        return None;
    }
    read_name(types, at).map(|(name, _)| name)
}

/// A name (`abi.Name`) and its flags: 1 exported, 2 has a tag, 4 has a package, 8 embedded.
fn read_name(types: &Types<'_>, address: u64) -> Option<(Arc<str>, u8)> {
    let flags = types.memory.u8(address)?;
    if flags > 15 {
        return None;
    }
    let (mut len, mut shift, mut at) = (0_usize, 0, address.checked_add(1)?);
    loop {
        let byte = types.memory.u8(at)?;
        at += 1;
        len |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
        if shift > 14 {
            return None;
        }
    }
    if len == 0 || len > MAX_NAME {
        return None;
    }
    let bytes: Cow<'_, [u8]> = types.memory.read(at, len)?;
    Some((std::str::from_utf8(&bytes).ok()?.into(), flags))
}
