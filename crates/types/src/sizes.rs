//! Sizes and alignments as gc lays types out (sizes.go and gcsizes.go of go/types).

use crate::checker::Checker;
use crate::object::ObjId;
use crate::types::*;

/// Word size and largest alignment of an architecture, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) word: u64,
    max_align: u64,
}

impl Sizes {
    /// The sizes of a GOARCH; those of most if it is not known.
    pub(crate) fn of(arch: &str) -> Sizes {
        let (word, max_align) = match arch {
            "386" | "arm" | "mips" | "mipsle" => (4, 4),
            "amd64p32" => (4, 8),
            _ => (8, 8),
        };
        Sizes { word, max_align }
    }
}

/// Extent of a type, in bytes.
#[derive(Clone, Copy)]
struct Layout {
    size: u64,
    align: u64,
}

impl Checker<'_> {
    /// The size of a variable of a type; none if it is not the same for all type arguments, not known,
    /// or too large.
    pub(crate) fn size_of(&mut self, ty: TypeId) -> Option<u64> {
        self.layout(ty, 0).map(|layout| layout.size)
    }

    /// The alignment of a variable of a type; none where the size has none.
    pub(crate) fn align_of(&mut self, ty: TypeId) -> Option<u64> {
        self.layout(ty, 0).map(|layout| layout.align)
    }

    /// The offset of the field that `path` leads to, through embedded structs but no pointers.
    pub(crate) fn offset_of(&mut self, mut ty: TypeId, path: &[u32]) -> Option<u64> {
        let mut offset: u64 = 0;
        for &index in path {
            let under = self.underlying(ty);
            let Type::Struct(st) = self.ty(under).clone() else {
                return None;
            };
            let index = index as usize;
            offset = offset.checked_add(*self.offsets(&st.fields, 0)?.get(index)?)?;
            ty = self.type_of(*st.fields.get(index)?);
        }
        Some(offset)
    }

    fn layout(&mut self, ty: TypeId, depth: u32) -> Option<Layout> {
        // A type can only contain itself in a program that does not compile.
        if depth > 100 {
            return None;
        }
        let Sizes { word, max_align } = self.sizes;
        let plain = |size: u64| Layout {
            size,
            align: size.clamp(1, max_align),
        };
        let words = |n: u64| Layout {
            size: n * word,
            align: word,
        };
        if self.is_type_param(ty) {
            return None;
        }
        let under = self.underlying(ty);
        Some(match self.ty(under).clone() {
            Type::Basic(kind) => match kind.canonical() {
                Basic::Bool | Basic::Int8 | Basic::Uint8 => plain(1),
                Basic::Int16 | Basic::Uint16 => plain(2),
                Basic::Int32 | Basic::Uint32 | Basic::Float32 => plain(4),
                Basic::Int64 | Basic::Uint64 | Basic::Float64 => plain(8),
                Basic::Int | Basic::Uint | Basic::Uintptr | Basic::UnsafePointer => words(1),
                Basic::String => words(2),
                Basic::Complex64 => Layout { size: 8, align: 4 },
                Basic::Complex128 => Layout {
                    size: 16,
                    align: max_align,
                },
                _ => return None,
            },
            Type::Pointer(_) | Type::Map(..) | Type::Chan(..) | Type::Signature(_) => words(1),
            Type::Slice(_) => words(3),
            Type::Interface(_) => words(2),
            Type::Array(elem, len) => {
                let elem = self.layout(elem, depth + 1)?;
                Layout {
                    size: elem.size.checked_mul(len?)?,
                    align: elem.align,
                }
            }
            Type::Struct(st) => self.struct_layout(ty, &st.fields, depth)?,
            _ => return None,
        })
    }

    fn struct_layout(&mut self, ty: TypeId, fields: &[ObjId], depth: u32) -> Option<Layout> {
        let Some(&last) = fields.last() else {
            let align = if self.is_align64(ty) { 8 } else { 1 };
            return Some(Layout { size: 0, align });
        };
        let offset = *self.offsets(fields, depth)?.last()?;
        let mut align = 1;
        for &field in fields {
            let ty = self.type_of(field);
            align = align.max(self.layout(ty, depth + 1)?.align);
        }
        let last = self.type_of(last);
        let mut size = self.layout(last, depth + 1)?.size;
        // The address behind the last field must still be inside the struct.
        if offset > 0 && size == 0 {
            size = 1;
        }
        Some(Layout {
            size: offset.checked_add(size)?.checked_next_multiple_of(align)?,
            align,
        })
    }

    fn offsets(&mut self, fields: &[ObjId], depth: u32) -> Option<Vec<u64>> {
        let mut end: u64 = 0;
        fields
            .iter()
            .map(|&field| {
                let ty = self.type_of(field);
                let layout = self.layout(ty, depth + 1)?;
                let offset = end.checked_next_multiple_of(layout.align)?;
                end = offset.checked_add(layout.size)?;
                Some(offset)
            })
            .collect()
    }

    /// Whether it is the type that makes a struct 64-bit aligned on every architecture.
    fn is_align64(&mut self, ty: TypeId) -> bool {
        let ty = self.unalias(ty);
        let Type::Named(id) = *self.ty(ty) else {
            return false;
        };
        let object = self.object(self.named(id).obj);
        object.name.as_str() == "align64"
            && object.package.is_some_and(|package| {
                let path = self.world.path(package).as_str();
                path == "sync/atomic" || path == "internal/runtime/atomic"
            })
    }
}
