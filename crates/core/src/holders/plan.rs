//! Where a type has pointers that may lead to maps.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::types::{Shape, Type, TypeId, Types};

/// The places in a value that a walk follows.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Bytes of a value.
    pub(super) size: u64,
    /// The places, by offset.
    pub(super) slots: Vec<Slot>,
}

/// A place in a value.
#[derive(Debug)]
pub(super) enum Slot {
    /// A map of a type.
    Map { offset: u64, ty: TypeId },
    /// A pointer to a type.
    Pointer { offset: u64, elem: TypeId },
    /// A slice of a type.
    Slice { offset: u64, elem: TypeId },
    /// An interface.
    Interface { offset: u64 },
    /// A channel of a type.
    Chan { offset: u64, elem: TypeId },
    /// Several values of one type.
    Array {
        offset: u64,
        len: u64,
        stride: u64,
        elem: Arc<Plan>,
    },
}

impl Slot {
    /// Offset of the first word.
    pub(super) fn offset(&self) -> u64 {
        match self {
            Self::Map { offset, .. }
            | Self::Pointer { offset, .. }
            | Self::Slice { offset, .. }
            | Self::Interface { offset }
            | Self::Chan { offset, .. } => *offset,
            Self::Array { offset, elem, .. } => {
                offset.saturating_add(elem.slots.first().map_or(0, Slot::offset))
            }
        }
    }
}

/// Places in one type; a type with more is damage.
const MAX_SLOTS: usize = 1 << 14;

/// How deep structs and arrays nest.
const MAX_DEPTH: u32 = 64;

/// The plans of all types met so far.
pub(super) struct Plans<'t, 'm> {
    types: &'t Types<'m>,
    plans: FxHashMap<TypeId, Arc<Plan>>,
    leads: FxHashMap<TypeId, bool>,
    direct: FxHashMap<TypeId, bool>,
}

impl<'t, 'm> Plans<'t, 'm> {
    pub(super) fn new(types: &'t Types<'m>) -> Self {
        Self {
            types,
            plans: FxHashMap::default(),
            leads: FxHashMap::default(),
            direct: FxHashMap::default(),
        }
    }

    /// Whether an interface holds values of a type in its second word itself.
    pub(super) fn is_direct(&mut self, ty: TypeId) -> bool {
        let types = self.types;
        *self.direct.entry(ty).or_insert_with(|| types.is_direct(ty))
    }

    /// The plan of a type; an empty one for types that lead to no map.
    pub(super) fn get(&mut self, id: TypeId) -> Arc<Plan> {
        if let Some(plan) = self.plans.get(&id) {
            return plan.clone();
        }
        let mut plan = Plan::default();
        if let Some(ty) = self.types.get(id) {
            plan.size = ty.size;
            self.slots(&ty, 0, MAX_DEPTH, &mut plan.slots);
        }
        let plan = Arc::new(plan);
        self.plans.insert(id, plan.clone());
        plan
    }

    fn slots(&mut self, ty: &Type, offset: u64, depth: u32, slots: &mut Vec<Slot>) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        if slots.len() >= MAX_SLOTS || ty.pointer_bytes == 0 {
            return;
        }
        match &ty.shape {
            Shape::Map { .. } => slots.push(Slot::Map { offset, ty: ty.id }),
            Shape::Pointer(elem) if self.leads(*elem) => slots.push(Slot::Pointer {
                offset,
                elem: *elem,
            }),
            Shape::Slice(elem) if self.leads(*elem) => slots.push(Slot::Slice {
                offset,
                elem: *elem,
            }),
            Shape::Chan(elem) if self.leads(*elem) => slots.push(Slot::Chan {
                offset,
                elem: *elem,
            }),
            Shape::Interface { .. } => slots.push(Slot::Interface { offset }),
            Shape::Array { elem, len } => {
                let plan = self.get(*elem);
                if !plan.slots.is_empty() && *len > 0 {
                    slots.push(Slot::Array {
                        offset,
                        len: *len,
                        stride: plan.size,
                        elem: plan,
                    });
                }
            }
            Shape::Struct(fields) => {
                if let Some((at, elem)) = atomic_pointer(self.types, ty) {
                    if self.leads(elem) {
                        let offset = offset.saturating_add(at);
                        slots.push(Slot::Pointer { offset, elem });
                    }
                    return;
                }
                for field in fields {
                    if let Some(part) = self.types.get(field.ty) {
                        let offset = offset.saturating_add(field.offset);
                        self.slots(&part, offset, depth, slots);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether values of a type may lead to a map: one is in it, or an interface, which may hold
    /// anything.
    fn leads(&mut self, id: TypeId) -> bool {
        if let Some(&leads) = self.leads.get(&id) {
            return leads;
        }
        let mut seen = FxHashSet::default();
        let mut todo = vec![id];
        let mut leads = false;
        while let Some(id) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            match self.leads.get(&id) {
                Some(true) => {
                    leads = true;
                    break;
                }
                Some(false) => continue,
                None => {}
            }
            let Some(ty) = self.types.get(id) else {
                continue;
            };
            if ty.pointer_bytes == 0 {
                continue;
            }
            match &ty.shape {
                Shape::Map { .. } | Shape::Interface { .. } => {
                    leads = true;
                    break;
                }
                Shape::Pointer(elem)
                | Shape::Slice(elem)
                | Shape::Chan(elem)
                | Shape::Array { elem, .. } => todo.push(*elem),
                Shape::Struct(fields) => {
                    todo.extend(fields.iter().map(|field| field.ty));
                    todo.extend(atomic_pointer(self.types, &ty).map(|(_, elem)| elem));
                }
                _ => {}
            }
        }
        if leads {
            self.leads.insert(id, true);
        } else {
            // Nothing that was reached leads anywhere.
            self.leads.extend(seen.into_iter().map(|id| (id, false)));
        }
        leads
    }
}

/// The target's type of an `atomic.Pointer[T]`, which keeps it in an array of no elements, and
/// where the pointer lies.
pub(super) fn atomic_pointer(types: &Types<'_>, ty: &Type) -> Option<(u64, TypeId)> {
    let Shape::Struct(fields) = &ty.shape else {
        return None;
    };
    if !ty.name.starts_with("atomic.Pointer[") && !ty.name.starts_with("sync/atomic.Pointer[") {
        return None;
    }
    let target = fields.iter().find_map(|field| {
        let Shape::Array { elem, len: 0 } = types.get(field.ty)?.shape else {
            return None;
        };
        let Shape::Pointer(target) = types.get(elem)?.shape else {
            return None;
        };
        Some(target)
    })?;
    let pointer = fields.iter().find(|field| {
        let ty = types.get(field.ty);
        ty.is_some_and(|ty| ty.shape == Shape::UnsafePointer)
    })?;
    Some((pointer.offset, target))
}
