//! Sizes and alignments as gc lays types out (sizes.go and gcsizes.go of go/types).

use crate::checker::Checker;
use crate::object::ObjId;
use crate::types::*;
use std::ops::Range;

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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    /// The same for all type arguments.
    Fixed { size: u64, align: u64 },
    /// Depends on type parameters.
    Variable,
    /// Not known, or too large.
    Unknown,
}

/// The size of a basic type in bytes, that of `int` and its like given by the word.
pub(crate) fn basic_size(kind: Basic, word: u64) -> Option<u64> {
    Some(match kind.canonical() {
        Basic::Bool | Basic::Int8 | Basic::Uint8 => 1,
        Basic::Int16 | Basic::Uint16 => 2,
        Basic::Int32 | Basic::Uint32 | Basic::Float32 => 4,
        Basic::Int64 | Basic::Uint64 | Basic::Float64 | Basic::Complex64 => 8,
        Basic::Complex128 => 16,
        Basic::Int | Basic::Uint | Basic::Uintptr | Basic::UnsafePointer => word,
        Basic::String => 2 * word,
        _ => return None,
    })
}

impl Checker<'_> {
    /// Bytes that a variable of a type takes on the architecture at hand. None if that is not
    /// known or differs with type arguments.
    pub fn size_of(&mut self, ty: TypeId) -> Option<u64> {
        match self.layout(ty) {
            Layout::Fixed { size, .. } => Some(size),
            Layout::Variable | Layout::Unknown => None,
        }
    }

    /// Which bytes of a variable of a type belong to the field that `path` leads to (see
    /// [`crate::Selection::path`]). None where [`Checker::size_of`] has none, and for a field
    /// behind an embedded pointer.
    pub fn field_bytes(&mut self, ty: TypeId, path: &[u32]) -> Option<Range<u64>> {
        let Layout::Fixed { size: start, .. } = self.offset_of(ty, path) else {
            return None;
        };
        let mut field = ty;
        for &index in path {
            let under = self.underlying(field);
            let Type::Struct(st) = self.ty(under).clone() else {
                return None;
            };
            field = self.type_of(*st.fields.get(index as usize)?);
        }
        let size = self.size_of(field)?;
        Some(start..start.checked_add(size)?)
    }

    /// Size and alignment of a variable of a type.
    pub(crate) fn layout(&mut self, ty: TypeId) -> Layout {
        if let Some(&layout) = self.layouts.get(&ty) {
            return layout;
        }
        // A type can only contain itself in a program that does not compile.
        self.layouts.insert(ty, Layout::Unknown);
        let layout = self.compute_layout(ty);
        self.layouts.insert(ty, layout);
        layout
    }

    /// The offset of the field that `path` leads to, through embedded structs but no pointers.
    pub(crate) fn offset_of(&mut self, mut ty: TypeId, path: &[u32]) -> Layout {
        let align = 1;
        let mut size: u64 = 0;
        for &index in path {
            let under = self.underlying(ty);
            let Type::Struct(st) = self.ty(under).clone() else {
                return Layout::Unknown;
            };
            let layout = self.layout(ty);
            if !matches!(layout, Layout::Fixed { .. }) {
                return layout;
            }
            let index = index as usize;
            let Some(&field) = st.fields.get(index) else {
                return Layout::Unknown;
            };
            let Ok(Some(&offset)) = self.offsets(&st.fields).as_ref().map(|o| o.0.get(index))
            else {
                return Layout::Unknown;
            };
            size = size.saturating_add(offset);
            ty = self.type_of(field);
        }
        Layout::Fixed { size, align }
    }

    fn compute_layout(&mut self, ty: TypeId) -> Layout {
        if self.is_type_param(ty) {
            return Layout::Variable;
        }
        let Sizes { word, max_align } = self.sizes;
        let words = |n: u64| Layout::Fixed {
            size: n * word,
            align: word,
        };
        let under = self.underlying(ty);
        match self.ty(under).clone() {
            Type::Basic(kind) => match basic_size(kind, word) {
                Some(size) => {
                    let align = match kind {
                        Basic::String => word,
                        Basic::Complex64 => 4,
                        Basic::Complex128 => 8,
                        _ => size,
                    };
                    Layout::Fixed {
                        size,
                        align: align.min(max_align),
                    }
                }
                None => Layout::Unknown,
            },
            Type::Pointer(_) | Type::Map(..) | Type::Chan(..) | Type::Signature(_) => words(1),
            Type::Slice(_) => words(3),
            Type::Interface(_) => words(2),
            Type::Array(elem, len) => match (self.layout(elem), len) {
                (Layout::Fixed { size, align }, Some(len)) => match size.checked_mul(len) {
                    Some(size) => Layout::Fixed { size, align },
                    None => Layout::Unknown,
                },
                (Layout::Variable, _) => Layout::Variable,
                _ => Layout::Unknown,
            },
            Type::Struct(st) => self.struct_layout(ty, &st.fields),
            _ => Layout::Unknown,
        }
    }

    fn struct_layout(&mut self, ty: TypeId, fields: &[ObjId]) -> Layout {
        if fields.is_empty() {
            let align = if self.is_align64(ty) { 8 } else { 1 };
            return Layout::Fixed { size: 0, align };
        }
        let (offsets, end, align) = match self.offsets(fields) {
            Ok(parts) => parts,
            Err(layout) => return layout,
        };
        // The address behind the last field must still be inside the struct.
        let size = match offsets.last() {
            Some(&last) if last > 0 && last == end => end.saturating_add(1),
            _ => end,
        };
        match size.checked_next_multiple_of(align) {
            Some(size) => Layout::Fixed { size, align },
            None => Layout::Unknown,
        }
    }

    /// Offsets of fields, the end of the last one and the largest alignment; or what keeps them from having one.
    fn offsets(&mut self, fields: &[ObjId]) -> Result<(Vec<u64>, u64, u64), Layout> {
        let (mut end, mut max) = (0u64, 1);
        let mut offsets = Vec::with_capacity(fields.len());
        let mut failure = None;
        for &field in fields {
            let ty = self.type_of(field);
            match self.layout(ty) {
                Layout::Fixed { size, align } => {
                    let offset = end.checked_next_multiple_of(align).ok_or(Layout::Unknown)?;
                    offsets.push(offset);
                    end = offset.checked_add(size).ok_or(Layout::Unknown)?;
                    max = max.max(align);
                }
                Layout::Variable => return Err(Layout::Variable),
                Layout::Unknown => failure = Some(Layout::Unknown),
            }
        }
        match failure {
            Some(layout) => Err(layout),
            None => Ok((offsets, end, max)),
        }
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
