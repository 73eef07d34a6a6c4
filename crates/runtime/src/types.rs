//! Go types as the runtime and the compiler see them: sizes, alignments, pointers, equality.
//!
//! Everything is for 64-bit little-endian targets (amd64, arm64).

use std::sync::Arc;

/// Bytes of a pointer and of a machine word.
pub const WORD: u64 = 8;

/// A Go type, laid out as the gc compiler does (cmd/compile/internal/types/size.go).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoType {
    /// The name under which the type is shown in messages, such as `[]int`.
    pub name: Arc<str>,
    /// What kind of type it is.
    pub kind: Kind,
    /// `unsafe.Sizeof`, in bytes.
    pub size: u64,
    /// `unsafe.Alignof`, in bytes.
    pub align: u64,
    /// Length in bytes of the prefix that holds pointers; 0 if the type has none.
    pub pointer_bytes: u64,
}

/// The shape of a [`GoType`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Booleans and integers, `uintptr` included: plain memory without pointers.
    Scalar,
    /// `float32` or `float64`.
    Float,
    /// `complex64` or `complex128`.
    Complex,
    /// `string`.
    String,
    /// Pointers, channels and `unsafe.Pointer`: one comparable word.
    Pointer,
    /// Maps and functions: one word that can't be compared.
    Incomparable,
    /// A slice.
    Slice,
    /// An interface; `empty` if it has no methods.
    Interface {
        /// Whether it is `any`, which is laid out differently.
        empty: bool,
    },
    /// An array.
    Array {
        /// The element type.
        elem: Arc<GoType>,
        /// How many there are.
        len: u64,
    },
    /// A struct.
    Struct {
        /// Fields in order of declaration.
        fields: Vec<Field>,
    },
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Whether its name is `_`: such fields are neither hashed nor compared.
    pub blank: bool,
    /// Bytes from the start of the struct.
    pub offset: u64,
    /// Its type.
    pub ty: Arc<GoType>,
}

/// How a type is compared, from which the compiler chooses hash and map functions
/// (cmd/compile/internal/types `AlgKind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Can't be compared.
    NoEq,
    /// Byte by byte.
    Memory,
    /// As a string.
    String,
    /// As an interface with methods.
    Interface,
    /// As an empty interface.
    EmptyInterface,
    /// As a `float32` or `float64`.
    Float,
    /// As a `complex64` or `complex128`.
    Complex,
    /// Field by field or element by element.
    Special,
}

impl GoType {
    fn new(name: &str, kind: Kind, size: u64, align: u64, pointer_bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            kind,
            size,
            align,
            pointer_bytes,
        })
    }

    /// A boolean or integer of `size` bytes: 1, 2, 4 or 8.
    #[must_use]
    pub fn scalar(name: &str, size: u64) -> Arc<Self> {
        Self::new(name, Kind::Scalar, size, size.max(1), 0)
    }

    /// `float32` (4 bytes) or `float64` (8).
    #[must_use]
    pub fn float(size: u64) -> Arc<Self> {
        let name = if size == 4 { "float32" } else { "float64" };
        Self::new(name, Kind::Float, size, size, 0)
    }

    /// `complex64` (8 bytes) or `complex128` (16).
    #[must_use]
    pub fn complex(size: u64) -> Arc<Self> {
        let name = if size == 8 { "complex64" } else { "complex128" };
        Self::new(name, Kind::Complex, size, size / 2, 0)
    }

    /// `string`: data pointer and length.
    #[must_use]
    pub fn string() -> Arc<Self> {
        Self::new("string", Kind::String, 2 * WORD, WORD, WORD)
    }

    /// A pointer, a channel or `unsafe.Pointer`.
    #[must_use]
    pub fn pointer(name: &str) -> Arc<Self> {
        Self::new(name, Kind::Pointer, WORD, WORD, WORD)
    }

    /// A map or a function.
    #[must_use]
    pub fn incomparable(name: &str) -> Arc<Self> {
        Self::new(name, Kind::Incomparable, WORD, WORD, WORD)
    }

    /// A slice: data pointer, length and capacity.
    #[must_use]
    pub fn slice(name: &str) -> Arc<Self> {
        Self::new(name, Kind::Slice, 3 * WORD, WORD, WORD)
    }

    /// `any`.
    #[must_use]
    pub fn any() -> Arc<Self> {
        Self::new(
            "interface {}",
            Kind::Interface { empty: true },
            2 * WORD,
            WORD,
            2 * WORD,
        )
    }

    /// An interface with methods.
    #[must_use]
    pub fn interface(name: &str) -> Arc<Self> {
        Self::new(
            name,
            Kind::Interface { empty: false },
            2 * WORD,
            WORD,
            2 * WORD,
        )
    }

    /// `[len]elem`. A length whose bytes do not fit 64 bits counts as the longest that does.
    #[must_use]
    pub fn array(elem: Arc<Self>, len: u64) -> Arc<Self> {
        let size = elem.size.saturating_mul(len);
        let pointer_bytes = if len > 0 && elem.pointer_bytes > 0 {
            elem.size
                .saturating_mul(len - 1)
                .saturating_add(elem.pointer_bytes)
        } else {
            0
        };
        let name = format!("[{len}]{}", elem.name);
        let align = elem.align;
        Self::new(&name, Kind::Array { elem, len }, size, align, pointer_bytes)
    }

    /// A struct of these fields, given in order as (is blank, type).
    ///
    /// A last field of size zero is followed by padding, so that its address stays inside
    /// (size.go `CalcStructSize`).
    #[must_use]
    pub fn structure(name: &str, fields: &[(bool, Arc<Self>)]) -> Arc<Self> {
        let mut offset = 0_u64;
        let mut align = 1;
        let mut pointer_bytes = 0;
        let mut placed = Vec::with_capacity(fields.len());
        for (blank, ty) in fields {
            offset = align_up(offset, ty.align);
            if ty.pointer_bytes > 0 {
                pointer_bytes = offset.saturating_add(ty.pointer_bytes);
            }
            placed.push(Field {
                blank: *blank,
                offset,
                ty: ty.clone(),
            });
            align = align.max(ty.align);
            offset = offset.saturating_add(ty.size);
        }
        if offset > 0 && fields.last().is_some_and(|(_, ty)| ty.size == 0) {
            offset += 1;
        }
        Self::new(
            name,
            Kind::Struct { fields: placed },
            align_up(offset, align),
            align,
            pointer_bytes,
        )
    }

    /// Whether values hold pointers that the collector must see.
    #[must_use]
    pub fn has_pointers(&self) -> bool {
        self.pointer_bytes > 0
    }

    /// How the compiler compares values of the type.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match &self.kind {
            Kind::Scalar | Kind::Pointer => Algorithm::Memory,
            Kind::Float => Algorithm::Float,
            Kind::Complex => Algorithm::Complex,
            Kind::String => Algorithm::String,
            Kind::Incomparable | Kind::Slice => Algorithm::NoEq,
            Kind::Interface { empty: true } => Algorithm::EmptyInterface,
            Kind::Interface { empty: false } => Algorithm::Interface,
            Kind::Array { elem, len } => match (elem.algorithm(), len) {
                (a @ (Algorithm::Memory | Algorithm::NoEq), _) => a,
                (_, 0) => Algorithm::Memory,
                (a, 1) => a,
                _ => Algorithm::Special,
            },
            Kind::Struct { fields } => self.struct_algorithm(fields),
        }
    }

    fn struct_algorithm(&self, fields: &[Field]) -> Algorithm {
        if let [
            Field {
                blank: false, ty, ..
            },
        ] = fields
        {
            return ty.algorithm();
        }
        let mut result = Algorithm::Memory;
        for (i, field) in fields.iter().enumerate() {
            match field.ty.algorithm() {
                Algorithm::NoEq => return Algorithm::NoEq,
                Algorithm::Memory if !field.blank && !self.is_padded(fields, i) => {}
                _ => result = Algorithm::Special,
            }
        }
        result
    }

    /// Whether padding follows field `i` (cmd/compile/internal/types `IsPaddedField`).
    pub(crate) fn is_padded(&self, fields: &[Field], i: usize) -> bool {
        let end = fields.get(i + 1).map_or(self.size, |next| next.offset);
        fields
            .get(i)
            .is_some_and(|field| field.offset + field.ty.size != end)
    }

    /// Whether the compiler sets `TFlagRegularMemory`: equality is equality of bytes.
    #[must_use]
    pub fn is_regular_memory(&self) -> bool {
        self.algorithm() == Algorithm::Memory
    }

    /// Whether assigning to a present key must overwrite it (reflectdata `needkeyupdate`): equal
    /// keys may differ, as +0 and -0 do, or share larger memory, as strings do.
    #[must_use]
    pub fn needs_key_update(&self) -> bool {
        match &self.kind {
            Kind::Float | Kind::Complex | Kind::String | Kind::Interface { .. } => true,
            Kind::Array { elem, .. } => elem.needs_key_update(),
            Kind::Struct { fields } => fields.iter().any(|field| field.ty.needs_key_update()),
            Kind::Scalar | Kind::Pointer | Kind::Incomparable | Kind::Slice => false,
        }
    }

    /// Whether hashing may panic because of an interface inside (reflectdata `hashMightPanic`).
    #[must_use]
    pub fn hash_might_panic(&self) -> bool {
        match &self.kind {
            Kind::Interface { .. } => true,
            Kind::Array { elem, .. } => elem.hash_might_panic(),
            Kind::Struct { fields } => fields.iter().any(|field| field.ty.hash_might_panic()),
            _ => false,
        }
    }

    /// Whether every value equals itself (reflectdata `isreflexive`); floats do not.
    #[must_use]
    pub fn is_reflexive(&self) -> bool {
        match &self.kind {
            Kind::Float | Kind::Complex | Kind::Interface { .. } => false,
            Kind::Array { elem, .. } => elem.is_reflexive(),
            Kind::Struct { fields } => fields.iter().all(|field| field.ty.is_reflexive()),
            Kind::Scalar | Kind::Pointer | Kind::String | Kind::Incomparable | Kind::Slice => true,
        }
    }

    /// Whether an interface holds a value of this type in its data word itself: pointers, and
    /// structs and arrays of one such member (abi `KindDirectIface`).
    #[must_use]
    pub fn is_direct_in_interface(&self) -> bool {
        match &self.kind {
            Kind::Pointer | Kind::Incomparable => true,
            Kind::Array { elem, len: 1 } => elem.is_direct_in_interface(),
            Kind::Struct { fields } => match fields.as_slice() {
                [field] => field.ty.is_direct_in_interface(),
                _ => false,
            },
            _ => false,
        }
    }
}

/// `n` rounded up to a multiple of `align`, which is not 0.
pub(crate) fn align_up(n: u64, align: u64) -> u64 {
    n.checked_next_multiple_of(align.max(1)).unwrap_or(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structs_are_padded_as_by_gc() {
        let int = GoType::scalar("int", 8);
        let empty = GoType::structure("struct {}", &[]);
        let tail = GoType::structure("t", &[(false, int.clone()), (false, empty.clone())]);
        assert_eq!((tail.size, tail.align), (16, 8));
        let head = GoType::structure("h", &[(false, empty), (false, int.clone())]);
        assert_eq!(head.size, 8);
        let mixed = GoType::structure("m", &[(false, GoType::scalar("int8", 1)), (false, int)]);
        assert_eq!((mixed.size, mixed.algorithm()), (16, Algorithm::Special));
    }
}
