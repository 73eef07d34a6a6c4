//! Whether bytes make sense as a value of a type: for recognising types, never for refusing what a
//! type is known to be.

use tophash_runtime::types::WORD;

use super::header::{Header, Words};
use crate::types::{Shape, TypeId, Types};

/// Parts of one value that are looked at.
const MAX_PARTS: u32 = 64;
/// A string or slice longer than this is none.
const MAX_LEN: u64 = 1 << 32;

/// Whether there may be a value of a type at an address. `targets` is how many pointers are
/// followed.
pub(super) fn plausible(types: &Types<'_>, ty: TypeId, address: u64, targets: u32) -> bool {
    let mut parts = MAX_PARTS;
    check(types, ty, address, targets, &mut parts).unwrap_or(false)
}

fn check(
    types: &Types<'_>,
    ty: TypeId,
    address: u64,
    targets: u32,
    parts: &mut u32,
) -> Option<bool> {
    let Some(left) = parts.checked_sub(1) else {
        return Some(true);
    };
    *parts = left;
    let ty = types.get(ty)?;
    let memory = types.memory();
    let word = |index: u64| memory.u64(address.checked_add(WORD * index)?);
    let readable = |address: u64, len: u64| {
        let len = usize::try_from(len.min(4096)).unwrap_or(0);
        address != 0 && memory.read(address, len.max(1)).is_some()
    };
    Some(match &ty.shape {
        Shape::Bool => memory.u8(address)? <= 1,
        Shape::String => {
            let (data, len) = (word(0)?, word(1)?);
            len < MAX_LEN && (len == 0 || readable(data, len))
        }
        Shape::Slice(elem) => {
            let (data, len, cap) = (word(0)?, word(1)?, word(2)?);
            let size = types.get(*elem)?.size;
            let sane = len <= cap && cap < MAX_LEN;
            sane && (cap == 0 || readable(data, len.saturating_mul(size)))
        }
        Shape::Pointer(elem) => match word(0)? {
            0 => true,
            target if targets > 0 => {
                target.is_multiple_of(types.get(*elem)?.align.max(1))
                    && check(types, *elem, target, targets - 1, parts).unwrap_or(false)
            }
            target => readable(target, 1),
        },
        Shape::UnsafePointer | Shape::Chan(_) | Shape::Func => {
            let target = word(0)?;
            target == 0 || readable(target, WORD)
        }
        Shape::Map { .. } => {
            let target = word(0)?;
            target == 0 || target.is_multiple_of(WORD) && is_header(types, target)
        }
        Shape::Interface { empty } => match word(0)? {
            0 => word(1)? == 0,
            first => {
                types.dynamic(first).is_some()
                    && types.is_itab(first) != *empty
                    && (word(1)? == 0 || readable(word(1)?, 1) || types.dynamic(first).is_some())
            }
        },
        Shape::Struct(fields) => {
            for field in fields {
                let at = address.checked_add(field.offset)?;
                if !check(types, field.ty, at, targets, parts)? {
                    return Some(false);
                }
            }
            true
        }
        Shape::Array { elem, len } => {
            let size = types.get(*elem)?.size;
            for i in 0..(*len).min(8) {
                let at = address.checked_add(size.checked_mul(i)?)?;
                if !check(types, *elem, at, targets, parts)? {
                    return Some(false);
                }
            }
            true
        }
        Shape::Int | Shape::Uint | Shape::Float | Shape::Complex => true,
    })
}

/// Whether the words at an address may be a map's header.
#[must_use]
pub fn is_header(types: &Types<'_>, address: u64) -> bool {
    let memory = types.memory();
    let Some(header) = Header::read(memory, types.build(), address) else {
        return false;
    };
    let readable = |address: u64| address == 0 || memory.u64(address).is_some();
    match &header.words {
        Words::Classic(hmap) => {
            hmap.flags < 16
                && hmap.b < 48
                && hmap.hash0 != 0
                && readable(hmap.buckets)
                && readable(hmap.oldbuckets)
        }
        Words::Swiss(map) => {
            map.writing <= 1
                && map.seed != 0
                && map.global_depth < 48
                && (map.dir_len == 0 || map.dir_len == 1 << map.global_depth)
                && readable(map.dir_ptr)
        }
    }
}
