//! The types of a Go program, read from the descriptors that it carries for its own use.
//!
//! Descriptors stay in stripped binaries. What they leave out, types that are never made on the
//! heap or put into an interface, can be added from debug information. Nothing read here is
//! trusted: a garbage pointer is no type, and types refer to each other by [`TypeId`], so that
//! circles among them cost nothing.

mod descriptor;
mod words;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use tophash_runtime::Build;
use tophash_runtime::types::{Field as GoField, GoType, Kind as GoKind};

use crate::memory::Memory;
use crate::program::Program;

/// Names a type: the address of its descriptor, or a number above all addresses for a type that
/// is known from debug information only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u64);

impl TypeId {
    /// Where numbers of types without a descriptor start: no process has memory there.
    pub const FIRST_EXTRA: u64 = 1 << 63;
}

/// A Go type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// What others call it.
    pub id: TypeId,
    /// Its name as `reflect` has it: `main.User`, `map[string]int`.
    pub name: Arc<str>,
    /// Bytes of a value.
    pub size: u64,
    /// `unsafe.Alignof`, in bytes.
    pub align: u64,
    /// Length in bytes of the prefix that holds pointers; 0 if the type has none.
    pub pointer_bytes: u64,
    /// What it is made of.
    pub shape: Shape,
}

/// What a type is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `bool`.
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer, `uintptr` included.
    Uint,
    /// `float32` or `float64`.
    Float,
    /// `complex64` or `complex128`.
    Complex,
    /// `string`.
    String,
    /// `unsafe.Pointer`.
    UnsafePointer,
    /// A pointer to a type.
    Pointer(TypeId),
    /// A slice of a type.
    Slice(TypeId),
    /// A channel of a type.
    Chan(TypeId),
    /// A function.
    Func,
    /// An interface.
    Interface {
        /// Whether it has no methods: the first word of a value is a type then, else an itab.
        empty: bool,
    },
    /// An array.
    Array {
        /// The type of its elements.
        elem: TypeId,
        /// How many there are.
        len: u64,
    },
    /// A struct, fields in order of declaration.
    Struct(Vec<Field>),
    /// A map. The rest of its descriptor is read by [`crate::maps::MapType`].
    Map {
        /// The type of keys.
        key: TypeId,
        /// The type of elements.
        elem: TypeId,
    },
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name; that of its type if it is embedded.
    pub name: Arc<str>,
    /// Bytes from the start of the struct.
    pub offset: u64,
    /// Its type.
    pub ty: TypeId,
    /// Whether it is embedded.
    pub embedded: bool,
}

/// Types contained in each other by value deeper than this are damage: the compiler allows no
/// struct that holds itself, and nobody writes this many levels.
const MAX_DEPTH: u32 = 64;

/// Fields in all of a type that has to be known as a whole.
const MAX_FIELDS: usize = 1 << 16;

/// Answers that are remembered of each sort; beyond these they are worked out anew.
const MAX_CACHED: usize = 1 << 20;

/// All types of a process, read when asked for.
pub struct Types<'m> {
    memory: &'m dyn Memory,
    build: Build,
    /// `types` to `etypes` of each module: offsets of names count from its start.
    modules: Vec<Range<u64>>,
    extra: Vec<Arc<Type>>,
    known: Cache<Option<Arc<Type>>>,
    images: Cache<Option<Arc<GoType>>>,
    words: Cache<Option<TypeId>>,
}

impl<'m> Types<'m> {
    /// The types of a process whose modules keep theirs in these ranges (`moduledata.types` to
    /// `moduledata.etypes`).
    #[must_use]
    pub fn new(memory: &'m dyn Memory, build: Build, modules: Vec<Range<u64>>) -> Self {
        Self {
            memory,
            build,
            modules,
            extra: Vec::new(),
            known: Cache::default(),
            images: Cache::default(),
            words: Cache::default(),
        }
    }

    /// The types of a program.
    #[must_use]
    pub fn of(program: &Program<'m>) -> Self {
        let span = program.module.types;
        let modules = std::iter::once(span.start..span.end).collect();
        Self::new(program.image, program.build, modules)
    }

    /// The memory that types and values lie in.
    #[must_use]
    pub fn memory(&self) -> &'m dyn Memory {
        self.memory
    }

    /// The build of the program.
    #[must_use]
    pub fn build(&self) -> Build {
        self.build
    }

    /// Where the modules of the program keep their types.
    #[must_use]
    pub fn modules(&self) -> &[Range<u64>] {
        &self.modules
    }

    /// Adds a type that has no descriptor, under the number that it is given here.
    pub fn add(&mut self, make: impl FnOnce(TypeId) -> Type) -> TypeId {
        let id = TypeId(TypeId::FIRST_EXTRA + self.extra.len() as u64);
        self.extra.push(Arc::new(make(id)));
        id
    }

    /// Replaces a type that was added, once the types that it refers to are known.
    pub fn replace(&mut self, id: TypeId, ty: Type) {
        if let Some(slot) = extra_index(id).and_then(|index| self.extra.get_mut(index)) {
            *slot = Arc::new(ty);
        }
    }

    /// How many types have been added.
    #[must_use]
    pub fn extra_len(&self) -> usize {
        self.extra.len()
    }

    /// Works out alignment and pointers of a struct or array that was added, from its parts as
    /// they are known now.
    pub fn complete(&mut self, id: TypeId) {
        let Some(ty) = extra_index(id).and_then(|index| self.extra.get(index).cloned()) else {
            return;
        };
        let (mut align, mut pointer_bytes) = (1, 0);
        match &ty.shape {
            Shape::Struct(fields) => {
                for field in fields {
                    let Some(part) = self.get(field.ty) else {
                        continue;
                    };
                    align = align.max(part.align);
                    if part.pointer_bytes > 0 {
                        let end = field.offset.saturating_add(part.pointer_bytes);
                        pointer_bytes = pointer_bytes.max(end);
                    }
                }
            }
            Shape::Array { elem, len } => {
                let Some(part) = self.get(*elem) else {
                    return;
                };
                align = part.align;
                if part.pointer_bytes > 0 && *len > 0 {
                    let before = part.size.saturating_mul(len - 1);
                    pointer_bytes = before.saturating_add(part.pointer_bytes);
                }
            }
            _ => return,
        }
        let ty = Type {
            align,
            pointer_bytes,
            ..(*ty).clone()
        };
        self.replace(id, ty);
    }

    /// A type; none if there is no sensible descriptor at its address.
    #[must_use]
    pub fn get(&self, id: TypeId) -> Option<Arc<Type>> {
        if let Some(index) = extra_index(id) {
            return self.extra.get(index).cloned();
        }
        self.known.get(id.0, || {
            descriptor::read(self, id.0).map(|(ty, _)| Arc::new(ty))
        })
    }

    /// The import path of the package that a named type is declared in; none for others.
    #[must_use]
    pub fn package(&self, id: TypeId) -> Option<Arc<str>> {
        if extra_index(id).is_some() {
            return None;
        }
        let (_, uncommon) = descriptor::read(self, id.0)?;
        descriptor::name_at_offset(self, id.0, self.memory.u32(uncommon?)? as i32)
    }

    /// The name of a type, or its address where there is none.
    #[must_use]
    pub fn name(&self, id: TypeId) -> Arc<str> {
        match self.get(id) {
            Some(ty) => ty.name.clone(),
            None => format!("?{:#x}", id.0).into(),
        }
    }

    /// A type as the runtime's hash and equality see it; none if a part of it is unknown or it is
    /// too large to be one.
    #[must_use]
    pub fn image(&self, id: TypeId) -> Option<Arc<GoType>> {
        self.images.get(id.0, || {
            let mut left = MAX_FIELDS;
            self.build_image(id, MAX_DEPTH, &mut left)
        })
    }

    fn build_image(&self, id: TypeId, depth: u32, left: &mut usize) -> Option<Arc<GoType>> {
        let depth = depth.checked_sub(1)?;
        let ty = self.get(id)?;
        let kind = match &ty.shape {
            Shape::Bool | Shape::Int | Shape::Uint => GoKind::Scalar,
            Shape::Float => GoKind::Float,
            Shape::Complex => GoKind::Complex,
            Shape::String => GoKind::String,
            Shape::Pointer(_) | Shape::Chan(_) | Shape::UnsafePointer => GoKind::Pointer,
            Shape::Func | Shape::Map { .. } => GoKind::Incomparable,
            Shape::Slice(_) => GoKind::Slice,
            Shape::Interface { empty } => GoKind::Interface { empty: *empty },
            Shape::Array { elem, len } => GoKind::Array {
                elem: self.build_image(*elem, depth, left)?,
                len: *len,
            },
            Shape::Struct(fields) => {
                *left = left.checked_sub(fields.len())?;
                let mut images = Vec::with_capacity(fields.len());
                for field in fields {
                    images.push(GoField {
                        blank: &*field.name == "_",
                        offset: field.offset,
                        ty: self.build_image(field.ty, depth, left)?,
                    });
                }
                GoKind::Struct { fields: images }
            }
        };
        Some(Arc::new(GoType {
            name: ty.name.clone(),
            kind,
            size: ty.size,
            align: ty.align,
            pointer_bytes: ty.pointer_bytes,
        }))
    }

    /// All map types with a descriptor in the modules, by address. One pass over the modules'
    /// types; what only looks like a map type is left out.
    #[must_use]
    pub fn maps(&self) -> Vec<TypeId> {
        let mut found = Vec::new();
        for module in &self.modules {
            let mut address = module.start.next_multiple_of(8);
            while address.saturating_add(descriptor::SIZE) <= module.end {
                if descriptor::is_map(self, address)
                    && crate::maps::MapType::read(self, TypeId(address)).is_some()
                {
                    found.push(TypeId(address));
                }
                address += 8;
            }
        }
        found
    }
}

fn extra_index(id: TypeId) -> Option<usize> {
    usize::try_from(id.0.checked_sub(TypeId::FIRST_EXTRA)?).ok()
}

/// Answers by address, shared by threads.
struct Cache<T>(RwLock<HashMap<u64, T>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Clone> Cache<T> {
    fn get(&self, key: u64, work: impl FnOnce() -> T) -> T {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = known.get(&key) {
            return answer.clone();
        }
        drop(known);
        let answer = work();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_CACHED {
            known.insert(key, answer.clone());
        }
        answer
    }
}

#[cfg(test)]
mod tests;
