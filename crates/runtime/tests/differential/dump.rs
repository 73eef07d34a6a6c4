//! The state of a model, in the form in which the replay program writes that of a real map.

use tophash_runtime::classic::{Bucket, BucketArray, Target};
use tophash_runtime::swiss::{Group, Storage};
use tophash_runtime::{ClassicMap, Dynamic, Image, MapType, Memory, Random, SwissMap};

fn put_words(out: &mut Vec<u8>, words: &[u64]) {
    for word in words {
        out.extend(word.to_le_bytes());
    }
}

/// A slot's contents: the value, or whether there is a pointer to it.
fn put_slot(out: &mut Vec<u8>, image: &Image, indirect: bool) {
    if indirect {
        put_words(out, &[u64::from(!image.is_empty())]);
    } else {
        out.extend_from_slice(image);
    }
}

pub fn classic<M: Memory, R: Random>(map: &ClassicMap<Dynamic<M>, R>) -> Vec<u8> {
    let mut out = Vec::new();
    let header = map.header();
    let map_type = map.ops().map_type();
    put_words(&mut out, &[header.count]);
    out.extend([header.flags, header.b]);
    out.extend(header.noverflow.to_le_bytes());
    out.extend(header.hash0.to_le_bytes());
    put_words(&mut out, &[header.nevacuate, header.clear_seq]);
    out.push(map.buckets().is_some().into());
    out.push(map.old_buckets().is_some().into());
    out.push(header.extra.is_some().into());
    if let Some(extra) = header.extra {
        for count in [extra.overflow, extra.old_overflow, extra.next_overflow] {
            put_words(&mut out, &[count.map_or(u64::MAX, |count| count as u64)]);
        }
    }
    for array in map.buckets().into_iter().chain(map.old_buckets()) {
        put_words(&mut out, &[array.base as u64, array.buckets.len() as u64]);
        for bucket in &array.buckets {
            put_bucket(&mut out, map_type, array, bucket);
        }
    }
    out
}

fn put_bucket(
    out: &mut Vec<u8>,
    map_type: &MapType,
    array: &BucketArray<Image, Image>,
    bucket: &Bucket<Image, Image>,
) {
    let traits = &map_type.traits;
    out.extend(bucket.top);
    for key in &bucket.keys {
        put_slot(out, key, traits.indirect_key);
    }
    for elem in &bucket.elems {
        put_slot(out, elem, traits.indirect_elem);
    }
    let (link, single) = match bucket.overflow.target() {
        Target::None => (0, None),
        Target::Array(index) => (1 + u64::from(index), None),
        Target::Single(index) => (u64::MAX, array.singles.get(index as usize)),
    };
    put_words(out, &[link]);
    for (i, _) in bucket.top.iter().enumerate().filter(|(_, top)| **top >= 5) {
        if traits.indirect_key {
            out.extend_from_slice(&bucket.keys[i]);
        }
        if traits.indirect_elem {
            out.extend_from_slice(&bucket.elems[i]);
        }
    }
    if let Some(single) = single {
        put_bucket(out, map_type, array, single);
    }
}

pub fn swiss<M: Memory, R: Random>(map: &SwissMap<Dynamic<M>, R>) -> Vec<u8> {
    let mut out = Vec::new();
    let header = map.header();
    let map_type = map.ops().map_type();
    put_words(&mut out, &[header.used, header.seed, header.dir_len]);
    out.extend([header.global_depth, header.global_shift, header.writing]);
    out.push(header.tombstone_possible.into());
    put_words(&mut out, &[header.clear_seq]);
    out.push((!matches!(map.storage(), Storage::None)).into());
    match map.storage() {
        Storage::None => {}
        Storage::Small(group) => put_group(&mut out, map_type, group),
        Storage::Tables { directory, tables } => {
            let mut order: Vec<u32> = Vec::new();
            for &id in directory {
                if order.last() != Some(&id) {
                    order.push(id);
                }
                out.extend((order.len() as u32 - 1).to_le_bytes());
            }
            for table in order.iter().map(|&id| &tables[id as usize]) {
                out.extend(table.used.to_le_bytes());
                out.extend(table.capacity.to_le_bytes());
                out.extend(table.growth_left.to_le_bytes());
                out.push(table.local_depth);
                out.extend(table.index.to_le_bytes());
                put_words(&mut out, &[table.groups.len() as u64 - 1]);
                for group in &table.groups {
                    put_group(&mut out, map_type, group);
                }
            }
        }
    }
    out
}

fn put_group(out: &mut Vec<u8>, map_type: &MapType, group: &Group<Image, Image>) {
    let traits = &map_type.traits;
    let layout = map_type.group();
    let start = out.len();
    put_words(out, &[group.control.0]);
    out.resize(start + layout.size as usize, 0);
    let mut place = |offset: u64, image: &Image, indirect: bool| {
        let mut bytes = Vec::new();
        put_slot(&mut bytes, image, indirect);
        let at = start + offset as usize;
        out[at..at + bytes.len()].copy_from_slice(&bytes);
    };
    for (i, slot) in (0..).zip(&group.slots) {
        place(
            layout.keys + i * layout.key_stride,
            &slot.key,
            traits.indirect_key,
        );
        place(
            layout.elems + i * layout.elem_stride,
            &slot.elem,
            traits.indirect_elem,
        );
    }
    for (i, slot) in group.slots.iter().enumerate() {
        if group.control.get(i) & 0x80 != 0 {
            continue;
        }
        if traits.indirect_key {
            out.extend_from_slice(&slot.key);
        }
        if traits.indirect_elem {
            out.extend_from_slice(&slot.elem);
        }
    }
}
