//! Access paths.

use crate::ir::{Operand, VarId};
use rustc_hash::FxHashMap;
use tophash_syntax::Symbol;
use tophash_types::TypeId;

/// An access path of one [`crate::Unit`]. Equal ids are equal paths, in the unit's
/// functions and closures alike.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PlaceId(pub u32);

impl PlaceId {
    /// Its place in a table of all places of the unit.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a path is made of: a root, or one step from a shorter path.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PlaceKind {
    /// A local variable, parameter, result, receiver or temporary.
    Var(VarId),
    /// A package-level variable.
    Global {
        /// Import path of its package.
        package: Symbol,
        /// Its name.
        name: Symbol,
    },
    /// What a pointer points to. Every step through a pointer is one, also where the
    /// source leaves it out.
    Deref(PlaceId),
    /// A field of a struct. Promoted fields are reached by one step for each embedded one.
    Field {
        /// The struct, never a pointer to it.
        base: PlaceId,
        /// The field's place in the struct.
        index: u32,
        /// Its name; an embedded field has its type's.
        name: Symbol,
        /// Whether it is embedded.
        embedded: bool,
    },
    /// An element of a slice or array (or a byte of a string). Two paths with different
    /// indices may mean the same element.
    Index {
        /// The slice or array, never a pointer to one.
        base: PlaceId,
        /// The index. A path that holds a place is only as good as that place's value.
        index: Operand,
    },
    /// An element of a map: what [`crate::Value::MapRead`] reads and
    /// [`crate::Op::MapWrite`] writes. Never a part of a longer path: the element is
    /// first read into a temporary.
    MapElem {
        /// The map.
        map: PlaceId,
        /// The key. A path that holds a place is only as good as that place's value.
        key: Operand,
    },
}

/// A path with its type and its links.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// What it is.
    pub kind: PlaceKind,
    /// The type of what lies there.
    pub ty: TypeId,
    first_child: Option<PlaceId>,
    next_sibling: Option<PlaceId>,
}

/// The access paths of one unit, each kept once.
#[derive(Default, Debug)]
pub struct Places {
    places: Vec<Place>,
    interned: FxHashMap<PlaceKind, PlaceId>,
}

impl Places {
    /// The id of a path, added if it is new. `ty` is the type of what lies there.
    pub fn intern(&mut self, kind: PlaceKind, ty: TypeId) -> PlaceId {
        if let Some(&id) = self.interned.get(&kind) {
            return id;
        }
        let id = PlaceId(self.places.len() as u32);
        let next_sibling = match parent(kind) {
            Some(up) => self.places[up.index()].first_child.replace(id),
            None => None,
        };
        self.places.push(Place {
            kind,
            ty,
            first_child: None,
            next_sibling,
        });
        self.interned.insert(kind, id);
        id
    }

    /// The id of a path that occurs in the unit.
    pub fn find(&self, kind: PlaceKind) -> Option<PlaceId> {
        self.interned.get(&kind).copied()
    }

    /// A path.
    pub fn get(&self, id: PlaceId) -> &Place {
        &self.places[id.index()]
    }

    /// Number of paths: the length of a table keyed by [`PlaceId`].
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The path without its last step; none for a root.
    pub fn parent(&self, id: PlaceId) -> Option<PlaceId> {
        parent(self.get(id).kind)
    }

    /// The variable or global the path starts at.
    pub fn root(&self, mut id: PlaceId) -> PlaceId {
        while let Some(up) = self.parent(id) {
            id = up;
        }
        id
    }

    /// The variable the path starts at; none if it starts at a global.
    pub fn root_var(&self, id: PlaceId) -> Option<VarId> {
        match self.get(self.root(id)).kind {
            PlaceKind::Var(var) => Some(var),
            _ => None,
        }
    }

    /// The paths that are one step longer.
    pub fn children(&self, id: PlaceId) -> impl Iterator<Item = PlaceId> + '_ {
        let first = self.get(id).first_child;
        std::iter::successors(first, |&child| self.get(child).next_sibling)
    }

    /// Whether `id` is `prefix` or starts with it.
    pub fn starts_with(&self, id: PlaceId, prefix: PlaceId) -> bool {
        let mut at = Some(id);
        while let Some(place) = at {
            if place == prefix {
                return true;
            }
            at = self.parent(place);
        }
        false
    }
}

/// The path that `kind` is one step from.
fn parent(kind: PlaceKind) -> Option<PlaceId> {
    match kind {
        PlaceKind::Var(_) | PlaceKind::Global { .. } => None,
        PlaceKind::Deref(base)
        | PlaceKind::Field { base, .. }
        | PlaceKind::Index { base, .. }
        | PlaceKind::MapElem { map: base, .. } => Some(base),
    }
}
