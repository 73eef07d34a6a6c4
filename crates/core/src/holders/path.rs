//! Paths of names, from a root to a map.

use crate::types::{Shape, TypeId, Types};
use crate::value::{Limits, Reader};

use super::plan::atomic_pointer;
use super::{Holders, Node, NodeKind};

/// Steps of a path that are written; of a longer one the middle is left out.
const MAX_STEPS: usize = 64;

/// The path to a node.
pub(super) fn path(holders: &Holders, types: &Types<'_>, node: u32) -> String {
    // From the map up to the root, with a bound: nodes of a damaged process might go in circles.
    let mut chain = Vec::new();
    let mut index = node;
    loop {
        let Some(node) = holders.nodes.get(index as usize) else {
            return "?".to_owned();
        };
        chain.push(node);
        if node.kind == NodeKind::Root || chain.len() > 1 << 20 {
            break;
        }
        index = node.parent;
    }
    chain.reverse();
    let Some((root, rest)) = chain.split_first() else {
        return "?".to_owned();
    };
    let name = holders.roots.get(root.parent as usize);
    let mut text = name.map_or_else(|| "?".to_owned(), |root| root.name.to_string());
    let mut above: &Node = root;
    // Whether what has been written is a pointer to what comes next.
    let mut pointer = false;
    let skipped = rest.len().saturating_sub(MAX_STEPS);
    for (i, node) in rest.iter().enumerate() {
        if skipped > 0 && (MAX_STEPS / 2..MAX_STEPS / 2 + skipped).contains(&i) {
            if i == MAX_STEPS / 2 {
                text.push_str("...");
            }
            above = node;
            continue;
        }
        let step = step(types, above, node);
        text = join(types, above, text, &step, pointer);
        pointer = match node.kind {
            NodeKind::Target => true,
            // `.x` reads through pointers in interfaces as a person would.
            NodeKind::Dynamic => pointer && step.is_empty(),
            _ => false,
        };
        above = node;
    }
    if pointer_to_map(above, rest) {
        text.insert(0, '*');
    }
    text
}

/// Whether a path ends in a pointer to a map, which Go writes with a star.
fn pointer_to_map(last: &Node, rest: &[&Node]) -> bool {
    let Some(before) = rest.len().checked_sub(2).and_then(|i| rest.get(i)) else {
        return false;
    };
    last.kind == NodeKind::Map
        && before.kind == NodeKind::Target
        && before.ty == last.ty
        && before.address == last.from
}

fn join(types: &Types<'_>, above: &Node, text: String, step: &str, pointer: bool) -> String {
    let of_array = || {
        types
            .get(above.ty)
            .is_some_and(|ty| matches!(ty.shape, Shape::Array { .. }))
    };
    if pointer && step.starts_with('[') && above.kind == NodeKind::Target && !of_array() {
        return format!("(*{text}){step}");
    }
    text + step
}

/// What is written between a node and the one below it.
fn step(types: &Types<'_>, above: &Node, node: &Node) -> String {
    match (above.kind, node.kind) {
        (_, NodeKind::Elem) => format!("[{}]", key(types, above.ty, node.from)),
        (_, NodeKind::Key) => format!("[{}].(key)", key(types, above.ty, node.from)),
        (NodeKind::Slice | NodeKind::Buffer, _) => {
            let offset = node.from.wrapping_sub(above.address);
            let size = types.get(above.ty).map_or(1, |ty| ty.size.max(1));
            let open = if above.kind == NodeKind::Buffer {
                ".(buffer)["
            } else {
                "["
            };
            format!(
                "{open}{}]{}",
                offset / size,
                inside(types, above.ty, offset % size)
            )
        }
        (NodeKind::Root, _) => {
            let offset = node.from.wrapping_sub(above.address);
            let size = types.get(above.ty).map_or(1, |ty| ty.size.max(1));
            // An object of several values, which the allocator knows by the type of one.
            let index = match offset / size {
                0 => String::new(),
                index => format!("[{index}]"),
            };
            format!("{index}{}", inside(types, above.ty, offset % size))
        }
        _ => inside(types, above.ty, node.from.wrapping_sub(above.address)),
    }
}

/// The key of an entry.
fn key(types: &Types<'_>, map: TypeId, address: u64) -> String {
    let Some(Shape::Map { key, .. }) = types.get(map).map(|ty| ty.shape.clone()) else {
        return "?".to_owned();
    };
    let limits = Limits {
        bytes: 40,
        elements: 4,
        depth: 2,
        pointers: 0,
    };
    Reader::new(types, limits).read(key, address).to_string()
}

/// The names of fields and indexes that lead to an offset in a value.
fn inside(types: &Types<'_>, ty: TypeId, offset: u64) -> String {
    let mut text = String::new();
    let (mut ty, mut offset) = (ty, offset);
    for _ in 0..64 {
        let Some(known) = types.get(ty) else {
            break;
        };
        match &known.shape {
            Shape::Struct(fields) => {
                if atomic_pointer(types, &known).is_some() {
                    text.push_str(".Load()");
                    break;
                }
                // The last field that starts there or before, and is not empty.
                let field = fields.iter().rev().find(|field| {
                    let size = types.get(field.ty).map_or(0, |ty| ty.size);
                    field.offset <= offset && offset - field.offset < size
                });
                let Some(field) = field else {
                    break;
                };
                text.push('.');
                text.push_str(&field.name);
                offset -= field.offset;
                ty = field.ty;
            }
            Shape::Array { elem, .. } => {
                let size = types.get(*elem).map_or(1, |ty| ty.size.max(1));
                text.push_str(&format!("[{}]", offset / size));
                offset %= size;
                ty = *elem;
            }
            _ => break,
        }
    }
    text
}
