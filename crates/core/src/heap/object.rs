//! Objects: what an address belongs to, and the pointers in it (runtime/mbitmap.go).

use tophash_runtime::layout::TYPE;
use tophash_runtime::sizeclass::MALLOC_HEADER_SIZE;

use crate::memory::Memory;

use super::Heap;

/// An object of the heap.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Object {
    /// Its first address, that of its value: behind the header, if it has one.
    pub address: u64,
    /// Bytes that the allocator has given to it, its header included.
    pub size: u64,
    /// Bytes from `address` on.
    pub usable: u64,
    /// The descriptor of its type, or of the type of its elements if it is an array; 0 if not
    /// known, as in all objects up to 512 bytes and all without pointers.
    pub ty: u64,
    /// Whether it is in use.
    pub live: bool,
}

/// Words in which the bitmap of an arena counts.
const ARENA: u64 = 64 << 20;

impl Heap<'_> {
    /// The object that an address lies in.
    #[must_use]
    pub fn object(&self, address: u64) -> Option<Object> {
        let span = self.span(address)?;
        let index = (address - span.start) / span.elemsize;
        if index >= span.nelems {
            return None;
        }
        let base = span.start + index * span.elemsize;
        let live = span.live(self.program, self.rules).contains(index);
        Some(self.describe(span, base, live))
    }

    fn describe(&self, span: &super::ObjectSpan, base: u64, live: bool) -> Object {
        let (header, ty) = if span.has_headers(self.rules) {
            let ty = self.program.image.u64(base).unwrap_or(0);
            (MALLOC_HEADER_SIZE, ty)
        } else {
            (0, span.large_type)
        };
        let types = self.program.module.types;
        let known = (types.start..types.end).contains(&ty) || self.object_is_type(ty);
        Object {
            address: base + header,
            size: span.elemsize,
            usable: span.elemsize - header,
            ty: if known { ty } else { 0 },
            live,
        }
    }

    /// Types made by reflection lie in the heap themselves.
    fn object_is_type(&self, ty: u64) -> bool {
        ty != 0
            && self.span(ty).is_some_and(|span| !span.noscan)
            && self
                .program
                .image
                .u64(ty)
                .zip(self.program.image.u64(ty.wrapping_add(TYPE.pointer_bytes)))
                .is_some_and(|(size, pointers)| pointers <= size && size > 0)
    }

    /// All objects in use whose type is known from the heap itself: those above 512 bytes with
    /// pointers. Up to 1.21 there are none.
    pub fn typed_objects(&self) -> impl Iterator<Item = Object> + '_ {
        let spans = self
            .spans
            .iter()
            .filter(|span| !span.noscan && (span.has_headers(self.rules) || span.large_type != 0));
        spans.flat_map(|span| {
            let live = span.live(self.program, self.rules);
            live.map(|index| self.describe(span, span.start + index * span.elemsize, true))
                .filter(|object| object.ty != 0)
        })
    }

    /// Bits of the words of an object that are pointers, the first word's lowest; for objects of
    /// up to 64 words. None where the bitmap can't be read or the object has none of its own.
    pub(super) fn pointer_bits(
        &self,
        span: &super::ObjectSpan,
        base: u64,
        bytes: &[u8],
    ) -> Option<u64> {
        let words = span.elemsize / 8;
        let mask = if words >= 64 {
            u64::MAX
        } else {
            (1 << words) - 1
        };
        let bits = match span.bits_offset(self.rules) {
            Some(offset) => {
                let first = (base - span.start) / 8;
                bits_at(bytes, usize::try_from(offset).ok()?, first)?
            }
            None => {
                // Arenas of 64 MB, in an array that begins at the lowest address of the kernel's
                // choice on amd64 and at zero on arm64 (runtime/malloc.go arenaBaseOffset).
                let offset = match self.program.image.binary.arch {
                    crate::image::Arch::Amd64 => 0x8000_0000_0000,
                    crate::image::Arch::Arm64 => 0,
                };
                let bitmap = self.program.layout.arena.bitmap?;
                let number = base.wrapping_add(offset) / ARENA;
                let image = self.program.image;
                let arena = image.u64(self.arenas?.checked_add(number.checked_mul(8)?)?)?;
                let first = base % ARENA / 8;
                let at = arena.checked_add(bitmap)?.checked_add(first / 8)?;
                let window = image.read(at, 16)?;
                bits_at(&window, 0, first % 8)?
            }
        };
        Some(bits & mask)
    }
}

/// 64 bits of a bitmap from bit `first` on; missing bytes at the end count as zero.
fn bits_at(bytes: &[u8], offset: usize, first: u64) -> Option<u64> {
    let start = offset.checked_add(usize::try_from(first / 8).ok()?)?;
    let rest = bytes.get(start..)?;
    let mut window = [0; 16];
    for (to, from) in window.iter_mut().zip(rest) {
        *to = *from;
    }
    Some((u128::from_le_bytes(window) >> (first % 8)) as u64)
}
