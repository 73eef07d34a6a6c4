//! Who holds which map: a walk from the program's variables along typed pointers to every map that
//! they lead to.
//!
//! A map's header has no word for its type. The type of the pointer that leads to it tells, so that
//! the same walk gives the type of a map and the path of names to it.

mod path;
mod plan;
pub mod resolve;
mod visited;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tophash_runtime::types::WORD;

use crate::maps::{Header, MapType, entries, is_header};
use crate::program::variables::{Variable, is_runtime};
use crate::types::{TypeId, Types};
use plan::{Plan, Plans, Slot};
use visited::Visited;

/// A map that a path of names leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its type.
    pub ty: TypeId,
    /// The node of the pointer that leads to it.
    node: u32,
}

/// What a walk found.
pub struct Holders {
    maps: FxHashMap<u64, Held>,
    nodes: Vec<Node>,
    roots: Vec<Root>,
    /// Whether memory or numbers set an end before all was seen.
    pub cut: bool,
}

/// Where a walk starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// How the program calls it.
    pub name: Arc<str>,
    /// Where it lies.
    pub address: u64,
    /// Its type.
    pub ty: TypeId,
    /// Whether it is the runtime's own: such roots come last.
    pub runtime: bool,
}

impl From<&Variable> for Root {
    fn from(variable: &Variable) -> Self {
        Self {
            name: variable.name.clone(),
            address: variable.address,
            ty: variable.ty,
            runtime: is_runtime(&variable.name),
        }
    }
}

/// A stretch of memory of one type that something leads to.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// What leads to it; a root has the number of its root.
    parent: u32,
    kind: NodeKind,
    /// Where it lies.
    address: u64,
    ty: TypeId,
    /// Where the pointer to it lies, or for an entry where its key lies.
    from: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeKind {
    Root,
    /// The target of a pointer.
    Target,
    /// The value in an interface.
    Dynamic,
    /// The array of a slice.
    Slice,
    /// The buffer of a channel.
    Buffer,
    /// A map's header.
    Map,
    /// The element of a map's entry.
    Elem,
    /// The key of a map's entry.
    Key,
}

/// Nodes of a small process; a larger one has as many more as its memory allows.
const MIN_NODES: u64 = 1 << 21;

/// Stretches waiting to be visited, beyond which the newest is taken first instead of the oldest.
const WIDE: usize = 1 << 18;

/// Objects waiting to be walked from: most lead to no map, and need not be remembered.
const MAX_OBJECTS: usize = 1 << 16;

/// A slice or a channel longer than this is damage.
const MAX_LEN: u64 = 1 << 40;

/// Bytes read at once.
const RUN: u64 = 1 << 16;

/// Walks from roots along all typed pointers that may lead to maps; see [`Walker`].
#[must_use]
pub fn walk(types: &Types<'_>, roots: Vec<Root>, memory_size: u64) -> Holders {
    let mut walker = Walker::new(types, memory_size);
    walker.variables(roots);
    walker.finish()
}

impl Holders {
    /// The map at an address, if a path leads to it.
    #[must_use]
    pub fn get(&self, address: u64) -> Option<Held> {
        self.maps.get(&address).copied()
    }

    /// All maps that paths lead to, in no order.
    pub fn maps(&self) -> impl Iterator<Item = (u64, Held)> + '_ {
        self.maps.iter().map(|(&address, &held)| (address, held))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.maps.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.maps.is_empty()
    }

    /// Where the path to a map starts: at a variable, or at a map that was found otherwise.
    #[must_use]
    pub fn root(&self, held: Held) -> Option<&Root> {
        let mut node = self.nodes.get(held.node as usize)?;
        // Parents come before their children, so that this ends.
        while node.kind != NodeKind::Root {
            node = self.nodes.get(node.parent as usize)?;
        }
        self.roots.get(node.parent as usize)
    }

    /// The path of names to a map, as Go has it: `main.cache.byUser["ann"].Tags`.
    #[must_use]
    pub fn path(&self, types: &Types<'_>, held: Held) -> String {
        path::path(self, types, held.node)
    }
}

/// A node waiting to be visited, and how many values lie there.
struct Waiting {
    node: u32,
    count: u64,
}

/// A walk from roots along all typed pointers that may lead to maps.
///
/// What was found along earlier roots keeps its path; paths are the shortest from the roots given
/// together.
pub struct Walker<'t, 'm> {
    types: &'t Types<'m>,
    plans: Plans<'t, 'm>,
    map_types: FxHashMap<TypeId, Option<Arc<MapType>>>,
    visited: Visited,
    queue: VecDeque<Waiting>,
    /// Nodes that led nowhere, for use by others.
    free: Vec<u32>,
    /// Roots that led nowhere, the same.
    free_roots: Vec<u32>,
    limit: usize,
    /// Whether types are not certain, so that only what looks like a map is taken for one.
    doubtful: bool,
    found: Holders,
}

impl<'t, 'm> Walker<'t, 'm> {
    /// A walk that has not begun. `memory_size` is how much memory the process has, to which the
    /// walk's own memory stays in proportion.
    #[must_use]
    pub fn new(types: &'t Types<'m>, memory_size: u64) -> Self {
        let limit = MIN_NODES.saturating_add(memory_size / 1024);
        Self {
            types,
            plans: Plans::new(types),
            map_types: FxHashMap::default(),
            visited: Visited::new(memory_size),
            queue: VecDeque::new(),
            free: Vec::new(),
            free_roots: Vec::new(),
            doubtful: false,
            limit: usize::try_from(limit).unwrap_or(usize::MAX).min(1 << 30),
            found: Holders {
                maps: FxHashMap::default(),
                nodes: Vec::new(),
                roots: Vec::new(),
                cut: false,
            },
        }
    }

    /// Walks from variables; from those of the runtime when all others are done.
    pub fn variables(&mut self, roots: Vec<Root>) {
        let first = self.found.roots.len();
        self.found.roots.extend(roots);
        for runtime in [false, true] {
            for index in first..self.found.roots.len() {
                let Some(root) = self.found.roots.get(index) else {
                    continue;
                };
                if root.runtime == runtime {
                    let node = Node {
                        parent: index as u32,
                        kind: NodeKind::Root,
                        address: root.address,
                        ty: root.ty,
                        from: 0,
                    };
                    self.extent(node, 1);
                }
            }
            self.run();
        }
    }

    /// Walks from a map whose type became known otherwise, unless it was come by already. From
    /// here on only what looks like a map is taken for one.
    /// `root.address` is that of its header.
    pub fn map_found(&mut self, root: Root) {
        if self.found.maps.contains_key(&root.address) {
            return;
        }
        let node = Node {
            parent: self.found.roots.len() as u32,
            kind: NodeKind::Root,
            address: 0,
            ty: root.ty,
            from: 0,
        };
        let (address, ty) = (root.address, root.ty);
        let Some(parent) = self.node(node) else {
            return;
        };
        self.found.roots.push(root);
        self.doubtful = true;
        self.found_map(Node {
            parent,
            kind: NodeKind::Map,
            address,
            ty,
            from: 0,
        });
        self.run();
    }

    /// Takes an object of the heap whose type is known for a root: so many values from
    /// `root.address` on. It is walked from once there are enough of them, or with
    /// [`Walker::finish_objects`].
    pub fn object(&mut self, root: Root, count: u64) {
        let number = self.free_roots.last().copied();
        let node = Node {
            parent: number.unwrap_or(self.found.roots.len() as u32),
            kind: NodeKind::Root,
            address: root.address,
            ty: root.ty,
            from: 0,
        };
        if !self.extent(node, count) {
            return;
        }
        let slot = number.and_then(|number| self.found.roots.get_mut(number as usize));
        if let Some(slot) = slot {
            self.free_roots.pop();
            *slot = root;
        } else {
            self.found.roots.push(root);
        }
        if self.queue.len() >= MAX_OBJECTS {
            self.finish_objects();
        }
    }

    /// Walks from the objects given.
    pub fn finish_objects(&mut self) {
        self.doubtful = true;
        self.run();
    }

    /// Whether a map has been come by.
    #[must_use]
    pub fn knows(&self, address: u64) -> bool {
        self.found.maps.contains_key(&address)
    }

    /// Addresses and types of the maps that have been come by, in no order.
    pub fn maps(&self) -> impl Iterator<Item = (u64, TypeId)> + '_ {
        self.found
            .maps
            .iter()
            .map(|(&address, held)| (address, held.ty))
    }

    /// What the walk found.
    #[must_use]
    pub fn finish(self) -> Holders {
        self.found
    }

    fn node(&mut self, node: Node) -> Option<u32> {
        if let Some(index) = self.free.pop() {
            if let Some(slot) = self.found.nodes.get_mut(index as usize) {
                *slot = node;
            }
            return Some(index);
        }
        if self.found.nodes.len() >= self.limit {
            self.found.cut = true;
            return None;
        }
        self.found.nodes.push(node);
        Some(self.found.nodes.len() as u32 - 1)
    }

    /// Has a stretch of values visited later, unless there is nothing to see or it has been seen.
    /// Gives whether it will be.
    fn extent(&mut self, node: Node, count: u64) -> bool {
        let plan = self.plans.get(node.ty);
        let Some(first) = plan.slots.first() else {
            return false;
        };
        let first = node.address.saturating_add(first.offset());
        if count == 0 || count > MAX_LEN || count == 1 && self.visited.contains(first) {
            return false;
        }
        let Some(node) = self.node(node) else {
            return false;
        };
        self.queue.push_back(Waiting { node, count });
        true
    }

    fn run(&mut self) {
        loop {
            let next = if self.queue.len() > WIDE {
                self.queue.pop_back()
            } else {
                self.queue.pop_front()
            };
            let Some(Waiting { node, count }) = next else {
                break;
            };
            let Some(&Node {
                kind,
                address,
                ty,
                parent,
                ..
            }) = self.found.nodes.get(node as usize)
            else {
                continue;
            };
            let used = if kind == NodeKind::Map {
                self.map(node, address, ty)
            } else {
                let plan = self.plans.get(ty);
                self.values(node, address, count, &plan)
            };
            if !used {
                self.free.push(node);
                if kind == NodeKind::Root && self.doubtful {
                    self.free_roots.push(parent);
                }
            }
        }
    }

    /// Visits values that lie one after another. Gives whether anything was found by them.
    fn values(&mut self, node: u32, address: u64, count: u64, plan: &Plan) -> bool {
        let size = plan.size.max(1);
        let at_once = (RUN / size).max(1);
        let mut used = false;
        let mut index = 0;
        while index < count {
            let Some(start) = size
                .checked_mul(index)
                .and_then(|offset| address.checked_add(offset))
            else {
                break;
            };
            let want = at_once.min(count - index);
            let memory = self.types.memory();
            let Ok(len) = usize::try_from(want * size) else {
                break;
            };
            let Some(bytes) = memory.read(start, len) else {
                if want == 1 {
                    break;
                }
                // The end of a stretch of memory: one by one.
                for i in 0..want {
                    let start = start + size * i;
                    let Some(bytes) = memory.read(start, size as usize) else {
                        return used;
                    };
                    used |= self.slots(node, start, &bytes, plan);
                }
                index += want;
                continue;
            };
            for (i, bytes) in bytes.chunks_exact(size as usize).enumerate() {
                used |= self.slots(node, start + size * i as u64, bytes, plan);
            }
            index += want;
        }
        used
    }

    /// Follows the pointers in one value.
    fn slots(&mut self, node: u32, base: u64, bytes: &[u8], plan: &Plan) -> bool {
        let mut used = false;
        for slot in &plan.slots {
            if let Slot::Array {
                offset,
                len,
                stride,
                elem,
            } = slot
            {
                for i in 0..*len {
                    let start = offset + stride * i;
                    let Some(part) = usize::try_from(start).ok().and_then(|at| bytes.get(at..))
                    else {
                        break;
                    };
                    used |= self.slots(node, base + start, part, elem);
                }
                continue;
            }
            let offset = slot.offset();
            let word = |index: u64| {
                let at = usize::try_from(offset + WORD * index).ok()?;
                Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
            };
            let Some(first) = word(0) else {
                continue;
            };
            let from = base + offset;
            if first == 0 || !self.visited.insert(from) {
                continue;
            }
            let child = |kind, address, ty| Node {
                parent: node,
                kind,
                address,
                ty,
                from,
            };
            used |= match slot {
                Slot::Array { .. } => false,
                Slot::Map { ty, .. } => self.found_map(child(NodeKind::Map, first, *ty)),
                Slot::Pointer { elem, .. } => self.extent(child(NodeKind::Target, first, *elem), 1),
                Slot::Slice { elem, .. } => {
                    let len = word(1).unwrap_or(0);
                    let cap = word(2).unwrap_or(0);
                    len <= cap && self.extent(child(NodeKind::Slice, first, *elem), len)
                }
                Slot::Interface { .. } => {
                    let data = word(1).unwrap_or(0);
                    self.interface(node, from, first, data)
                }
                Slot::Chan { elem, .. } => self.channel(child(NodeKind::Buffer, first, *elem)),
            };
        }
        used
    }

    fn interface(&mut self, node: u32, from: u64, word: u64, data: u64) -> bool {
        if data == 0 {
            return false;
        }
        let Some(ty) = self.types.dynamic(word) else {
            return false;
        };
        // The value itself in the second word: a pointer, a map or a struct of one.
        let address = if self.plans.is_direct(ty) {
            from + WORD
        } else {
            data
        };
        self.extent(
            Node {
                parent: node,
                kind: NodeKind::Dynamic,
                address,
                ty,
                from,
            },
            1,
        )
    }

    /// The buffer of a channel (runtime/chan.go `hchan`: qcount, dataqsiz, buf).
    fn channel(&mut self, node: Node) -> bool {
        let memory = self.types.memory();
        let word = |index: u64| memory.u64(node.address.checked_add(WORD * index)?);
        let (Some(count), Some(size), Some(buffer)) = (word(0), word(1), word(2)) else {
            return false;
        };
        if count == 0 || count > size {
            return false;
        }
        self.extent(
            Node {
                address: buffer,
                ..node
            },
            size,
        )
    }

    fn map_type(&mut self, ty: TypeId) -> Option<Arc<MapType>> {
        let types = self.types;
        let read = || MapType::read(types, ty).map(Arc::new);
        self.map_types.entry(ty).or_insert_with(read).clone()
    }

    fn found_map(&mut self, node: Node) -> bool {
        let (address, ty) = (node.address, node.ty);
        if self.found.maps.contains_key(&address) {
            return false;
        }
        let Some(map_type) = self.map_type(ty) else {
            return false;
        };
        let types = self.types;
        if Header::read(types.memory(), types.build(), address).is_none()
            || self.doubtful && !is_header(types, address)
        {
            return false;
        }
        let Some(index) = self.node(node) else {
            return false;
        };
        self.found.maps.insert(address, Held { ty, node: index });
        let inside = [map_type.key, map_type.elem];
        if inside
            .into_iter()
            .any(|ty| !self.plans.get(ty).slots.is_empty())
        {
            self.queue.push_back(Waiting {
                node: index,
                count: 1,
            });
        }
        true
    }

    /// Visits the entries of a map. Its node stays in any case.
    fn map(&mut self, node: u32, address: u64, ty: TypeId) -> bool {
        let types = self.types;
        let (memory, build) = (types.memory(), types.build());
        let (Some(map_type), Some(header)) =
            (self.map_type(ty), Header::read(memory, build, address))
        else {
            return true;
        };
        let plans = [
            (NodeKind::Key, self.plans.get(map_type.key), map_type.key),
            (NodeKind::Elem, self.plans.get(map_type.elem), map_type.elem),
        ];
        // Each entry gets a node, which is used again for the next if nothing was found by it.
        entries(memory, &map_type, &header, &mut |entry| {
            for (kind, plan, ty) in &plans {
                let address = if *kind == NodeKind::Key {
                    entry.key
                } else {
                    entry.elem
                };
                if plan.slots.is_empty() || address == 0 {
                    continue;
                }
                let Ok(len) = usize::try_from(plan.size) else {
                    continue;
                };
                let Some(bytes) = memory.read(address, len) else {
                    continue;
                };
                let Some(child) = self.node(Node {
                    parent: node,
                    kind: *kind,
                    address,
                    ty: *ty,
                    from: entry.key,
                }) else {
                    return ControlFlow::Break(());
                };
                if !self.slots(child, address, &bytes, plan) {
                    self.free.push(child);
                }
            }
            ControlFlow::Continue(())
        });
        true
    }
}
