//! The type of a map that no typed pointer leads to: by the type of its buckets or groups, or by
//! trying which of the program's map types makes sense of its entries.

use std::ops::ControlFlow;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tophash_runtime::classic::{array_len, top_hash};
use tophash_runtime::sizeclass::block;
use tophash_runtime::{HashKeys, Implementation, SLOTS};

use super::header::{Header, Words};
use super::lookup::hash;
use super::map_type::MapType;
use super::plausible::plausible;
use super::walk::{ChunkAt, Event, Table, walk};
use crate::types::{TypeId, Types};

/// What the heap knows of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Bytes of its slot.
    pub size: u64,
    /// Whether it may hold pointers.
    pub scan: bool,
    /// Its type, or that of its elements, if the allocator keeps it.
    pub ty: Option<TypeId>,
}

/// How a map's type is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the type of a pointer that leads to it.
    Pointer,
    /// From the type that the allocator keeps of its buckets or groups.
    Allocator,
    /// Its entries' hashes fit this type, and no other of the program.
    Hashes,
    /// The size of its buckets or groups fits this type, and no other of the program.
    Size,
    /// Its entries' hashes fit this type, and so many others that hold keys and elements alike.
    Likely(u32),
}

/// All map types of a program, by what may be known of a map.
pub struct Guesser<'t, 'm> {
    types: &'t Types<'m>,
    map_types: Vec<Arc<MapType>>,
    by_chunk: FxHashMap<TypeId, Vec<usize>>,
    keys: Option<HashKeys>,
}

/// Entries that are hashed of a map to recognise its type: seven bits each.
const ENTRIES: u32 = 32;

/// Of these, how many may have another hash than the one that is kept before a type is given up.
const MAX_MISSES: u32 = 8;

/// How many buckets or groups lie together.
#[derive(Clone, Copy)]
enum Count {
    Groups(u64),
    /// An array for 2^b buckets, overflow buckets included.
    Buckets(u8),
}

impl<'t, 'm> Guesser<'t, 'm> {
    /// The map types of a program. Without the hash keys of its process less can be told.
    #[must_use]
    pub fn new(types: &'t Types<'m>, keys: Option<HashKeys>) -> Self {
        let mut map_types = Vec::new();
        let mut by_chunk: FxHashMap<TypeId, Vec<usize>> = FxHashMap::default();
        for id in types.maps() {
            if let Some(map_type) = MapType::read(types, id) {
                by_chunk
                    .entry(map_type.chunk_type)
                    .or_default()
                    .push(map_types.len());
                map_types.push(Arc::new(map_type));
            }
        }
        Self {
            types,
            map_types,
            by_chunk,
            keys,
        }
    }

    /// The hash keys, once they are known.
    pub fn set_keys(&mut self, keys: HashKeys) {
        self.keys = Some(keys);
    }

    /// The type of a map and how it is known. `object` tells what the heap knows of an address.
    #[must_use]
    pub fn guess(
        &self,
        header: &Header,
        object: &dyn Fn(u64) -> Option<Object>,
    ) -> Option<(Arc<MapType>, Source)> {
        let (chunks, count) = self.chunks(header)?;
        let object = object(chunks);
        if let Some(ty) = object.and_then(|object| object.ty)
            && let Some([index, ..]) = self.by_chunk.get(&ty).map(Vec::as_slice)
        {
            let map_type = self.map_types.get(*index)?;
            if self.may_be(header, map_type) {
                return Some((map_type.clone(), Source::Allocator));
            }
        }
        let mut candidates = self.of_size(count, object);
        if let ([one], Some(_)) = (candidates.as_slice(), object) {
            return self
                .may_be(header, one)
                .then(|| ((*one).clone(), Source::Size));
        }
        let keys = self.keys.as_ref()?;
        let enough = header.len().min(2);
        let tried: Vec<(u32, u32)> = candidates
            .iter()
            .map(|map_type| self.fitting(header, map_type, keys))
            .collect();
        let all = |(tried, fitting): (u32, u32)| {
            fitting > 0 && u64::from(fitting) >= enough && fitting == tried
        };
        // Of a damaged map some fit no type.
        let most = |(tried, fitting): (u32, u32)| fitting >= 4 && fitting * 4 >= tried * 3;
        let is_intact = tried.iter().any(|&tried| all(tried));
        let mut tried = tried.into_iter();
        candidates.retain(|_| {
            let fits = |tried| if is_intact { all(tried) } else { most(tried) };
            tried.next().is_some_and(fits)
        });
        // Types that are alike in memory can't be told apart. Of those, pointers first, which few
        // numbers look like; then the smallest elements: larger ones would have left a trace.
        candidates.sort_by_key(|map_type| (!map_type.elem_pointers, map_type.elem_size));
        let (first, others) = candidates.split_first()?;
        let source = match u32::try_from(others.len()) {
            Ok(0) => Source::Hashes,
            Ok(others) => Source::Likely(others),
            Err(_) => return None,
        };
        Some(((*first).clone(), source))
    }

    /// The types that a map may be of by the size of its buckets or groups, one of all that keep and
    /// hash keys of the same size alike.
    #[must_use]
    pub fn candidates(
        &self,
        header: &Header,
        object: &dyn Fn(u64) -> Option<Object>,
    ) -> Vec<Arc<MapType>> {
        let Some((chunks, count)) = self.chunks(header) else {
            return Vec::new();
        };
        let mut candidates: Vec<Arc<MapType>> = Vec::new();
        for one in self.of_size(count, object(chunks)) {
            let is_known = candidates.iter().any(|other| {
                (one.chunk, one.key_size, one.indirect_key, &one.hash)
                    == (other.chunk, other.key_size, other.indirect_key, &other.hash)
            });
            if !is_known {
                candidates.push(one.clone());
            }
        }
        candidates
    }

    /// The types of whose buckets or groups so many fill an object.
    fn of_size(&self, count: Count, object: Option<Object>) -> Vec<&Arc<MapType>> {
        let version = self.types.build().version;
        let fits = |map_type: &MapType| {
            let Some(object) = object else {
                return true;
            };
            let count = match count {
                Count::Groups(count) => count,
                Count::Buckets(b) => {
                    array_len(version, b, map_type.chunk.size, map_type.chunk_pointers)
                }
            };
            let size = count.checked_mul(map_type.chunk.size);
            object.scan == map_type.chunk_pointers
                && size.is_some_and(|size| {
                    block(version, size, !map_type.chunk_pointers).size == object.size
                })
        };
        self.map_types
            .iter()
            .filter(|map_type| fits(map_type))
            .collect()
    }

    /// Whether nothing speaks against a type: some of the map's entries make sense, or it has none.
    /// Not all have to: it may be damaged.
    fn may_be(&self, header: &Header, map_type: &MapType) -> bool {
        let Some(keys) = &self.keys else {
            return true;
        };
        let (tried, fitting) = self.fitting(header, map_type, keys);
        tried == 0 || fitting > 0
    }

    /// Where a map's first buckets or groups lie, and how many lie there together.
    fn chunks(&self, header: &Header) -> Option<(u64, Count)> {
        match &header.words {
            Words::Classic(hmap) => {
                if hmap.buckets == 0 || hmap.buckets_len().is_none() {
                    return None;
                }
                Some((hmap.buckets, Count::Buckets(hmap.b)))
            }
            Words::Swiss(map) => {
                if map.dir_ptr == 0 {
                    return None;
                }
                if map.dir_len == 0 {
                    return Some((map.dir_ptr, Count::Groups(1)));
                }
                let memory = self.types.memory();
                let table = Table::read(memory, memory.u64(map.dir_ptr)?, 0)?;
                Some((table.groups, Count::Groups(table.groups_len()?)))
            }
        }
    }

    /// How many of a map's first entries were tried as those of a type, and how many of them make
    /// sense and have the hash that is kept.
    fn fitting(&self, header: &Header, map_type: &MapType, keys: &HashKeys) -> (u32, u32) {
        let classic = self.types.build().maps == Implementation::Classic;
        let memory = self.types.memory();
        let (mut tried, mut fitting) = (0, 0);
        let _ = walk(memory, map_type, header, &mut |event| {
            let chunk = match event {
                Event::Chunk(chunk) => chunk,
                Event::Table(_) => return ControlFlow::Continue(()),
                // Buckets of another size have their overflow pointer elsewhere.
                Event::Damage(_) => {
                    tried += 1;
                    return ControlFlow::Continue(());
                }
            };
            for slot in 0..SLOTS {
                if !chunk.is_full(slot) {
                    continue;
                }
                let entry = chunk.entry(map_type, slot);
                tried += 1;
                let sensible = is_padded(map_type, &chunk, slot, classic)
                    && plausible(self.types, map_type.key, entry.key, 1)
                    && plausible(self.types, map_type.elem, entry.elem, 1);
                if !sensible {
                    return ControlFlow::Break(());
                }
                let key = memory.read(entry.key, map_type.key_size as usize);
                let hash = key.map(|key| hash(map_type, keys, self.types, &key, header.seed()));
                fitting += match hash {
                    Some(Ok(Some(hash))) => {
                        let byte = if classic {
                            top_hash(hash)
                        } else {
                            (hash & 0x7f) as u8
                        };
                        u32::from(byte == chunk.state(slot))
                    }
                    Some(Ok(None)) => {
                        tried -= 1;
                        0
                    }
                    _ => 0,
                };
                if tried >= ENTRIES || tried - fitting > MAX_MISSES {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        });
        (tried, fitting)
    }
}

/// Whether the bytes of a slot that belong neither to key nor to element are zero, as the runtime
/// leaves them.
fn is_padded(map_type: &MapType, chunk: &ChunkAt<'_>, slot: usize, classic: bool) -> bool {
    let layout = &map_type.chunk;
    if classic || layout.key_stride != layout.elem_stride {
        return true;
    }
    let (key, elem) = (layout.key(slot), layout.elem(slot));
    let zero = |from: u64, to: u64| {
        let part = chunk.bytes.get(from as usize..to as usize);
        part.is_none_or(|part| part.iter().all(|&byte| byte == 0))
    };
    zero(key + map_type.key_slot(), elem)
        && zero(elem + map_type.elem_slot(), key + layout.key_stride)
}
