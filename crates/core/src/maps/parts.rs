//! The objects that a map consists of.

use std::ops::ControlFlow;

use tophash_runtime::layout::EXTRA;

use super::damage::Place;
use super::header::{Header, Words};
use super::map_type::MapType;
use super::walk::{Event, walk};
use crate::memory::Memory;

/// An address in each object that belongs to a map, its header left out: directory, tables and
/// groups, or buckets old and new with their lists, and keys and elements that are too large for
/// slots. Of a map whose type is not known, what its header points to.
#[must_use]
pub fn parts(memory: &dyn Memory, map_type: Option<&MapType>, header: &Header) -> Vec<u64> {
    let mut parts = match &header.words {
        Words::Swiss(map) => vec![map.dir_ptr],
        Words::Classic(hmap) => {
            let mut parts = vec![hmap.buckets, hmap.oldbuckets, hmap.extra];
            if hmap.extra != 0 {
                for list in [EXTRA.overflow, EXTRA.oldoverflow] {
                    let slice = hmap.extra.checked_add(list).and_then(|at| memory.u64(at));
                    let Some(slice) = slice.filter(|&slice| slice != 0) else {
                        continue;
                    };
                    parts.push(slice);
                    parts.extend(memory.u64(slice));
                }
            }
            parts
        }
    };
    if let Some(map_type) = map_type {
        let _ = walk(memory, map_type, header, &mut |event| {
            match event {
                Event::Table(table) => parts.extend([table.address, table.groups]),
                Event::Chunk(chunk) => {
                    if matches!(chunk.place, Place::Bucket { overflow: 1.., .. }) {
                        parts.push(chunk.address);
                    }
                    for entry in chunk.entries(map_type) {
                        if map_type.indirect_key {
                            parts.push(entry.key);
                        }
                        if map_type.indirect_elem {
                            parts.push(entry.elem);
                        }
                    }
                }
                Event::Damage(_) => {}
            }
            ControlFlow::Continue(())
        });
    }
    parts.retain(|&part| part != 0);
    parts
}
