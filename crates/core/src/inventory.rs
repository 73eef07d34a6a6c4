//! All maps of a process: their types, and who holds them.
//!
//! What typed pointers lead to has a path of names. Headers that were found otherwise get their
//! type from the allocator, or from what makes sense of their entries, and their holder from the
//! stack, the variable or the object that a pointer to them lies in. What such a map leads to has
//! a path from there on, so that in a stripped program most is known from a few maps.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use tophash_runtime::HashKeys;
use tophash_runtime::frames::is_runtime;
use tophash_runtime::types::WORD;

use crate::goroutines::{Goroutine, Goroutines};
use crate::hashing;
use crate::heap::{FoundMap, Heap, Held as Where};
use crate::holders::{Held, Holders, Root, Walker};
use crate::image::{Arch, Span};
use crate::maps::guess::{Guesser, Object, Source};
use crate::maps::{Header, MapType};
use crate::program::variables::variables;
use crate::program::{Call, Program};
use crate::types::{TypeId, Types};

/// A map of a process.
#[derive(Clone, Debug)]
pub struct Map {
    /// Its header.
    pub header: Header,
    /// Its type, if it is known, and how.
    pub ty: Option<(Arc<MapType>, Source)>,
    /// If its type is not known: one with buckets or groups of the size that its own have, which
    /// serves to find them, and for nothing else.
    pub layout: Option<Arc<MapType>>,
    /// Who holds it.
    pub holder: Holder,
}

/// Who holds a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A path of names, or of an address and names.
    Path(Held),
    /// A function that has a pointer to it on its stack, or the map itself.
    Frame {
        /// The number of the goroutine.
        goroutine: u64,
        /// The function.
        function: String,
    },
    /// A variable without a name or a type, and where in it the pointer lies.
    Variable {
        /// Its name by the symbol table, and the pointer's offset in it.
        symbol: Option<(String, u64)>,
        /// Where the pointer lies.
        address: u64,
    },
    /// An object on the heap.
    Object {
        /// Where it starts.
        address: u64,
        /// Bytes of its slot.
        size: u64,
        /// Its type, if the allocator keeps it.
        ty: Option<TypeId>,
    },
    /// Nothing that was found: garbage, or held in ways that are not followed.
    Unknown,
}

/// How the hash keys of a process are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysFrom {
    /// By the names of variables.
    Symbols,
    /// By trying what lies among variables on the keys of maps.
    Trial,
}

/// All maps of a process.
pub struct Inventory<'a> {
    /// Types.
    pub types: Types<'a>,
    /// Maps, by address.
    pub maps: Vec<Map>,
    /// Variables, where debug information tells them.
    pub roots: Vec<Root>,
    /// What the process hashes with.
    pub keys: Option<(HashKeys, KeysFrom)>,
    holders: Holders,
}

/// Bytes of a goroutine's stack that are looked at, from the innermost frame.
const MAX_STACK: u64 = 16 << 20;

/// Keys of one map of known type on which hash keys are tried.
const KEYS_OF_KNOWN: usize = 4;
/// The same of a map of unknown type.
const KEYS_OF_UNKNOWN: usize = 16;
/// A map of so many entries tells the hash keys by itself.
const LARGE: u64 = 16;
/// Maps of unknown type, and types for all smaller ones, that hash keys are looked for with: each
/// takes a look at all variables.
const MAX_TRIALS: usize = 24;

/// What the heap knows of an object.
fn object(heap: &Heap<'_>, address: u64) -> Option<Object> {
    let span = heap.span(address)?;
    let object = heap.object(address)?;
    Some(Object {
        size: object.size,
        scan: !span.noscan,
        ty: (object.ty != 0).then_some(TypeId(object.ty)),
    })
}

impl<'a> Inventory<'a> {
    /// Finds the maps of a process.
    #[must_use]
    pub fn load(program: &Program<'a>, goroutines: &Goroutines, heap: &Heap<'_>) -> Self {
        let headers = heap.maps(goroutines);
        let mut types = Types::of(program);
        let mut roots: Vec<Root> = Vec::new();
        if let Some(debug) = &program.debug {
            let found = variables(debug, &mut types, program.image.bias);
            roots = found.iter().map(Root::from).collect();
        }
        let mut finder = Finder {
            program,
            heap,
            types: &types,
            walker: Walker::new(&types, program.image.size()),
            guesser: Guesser::new(&types, None),
            keys: hashing::by_symbols(program).map(|keys| (keys, KeysFrom::Symbols)),
            sources: FxHashMap::default(),
            layouts: FxHashMap::default(),
            holders: FxHashMap::default(),
        };
        if let Some((keys, _)) = &finder.keys {
            finder.guesser.set_keys(keys.clone());
        }
        finder.walker.variables(roots.clone());
        finder.rest(goroutines, &headers);
        let Finder {
            walker,
            sources,
            layouts,
            holders: others,
            keys,
            ..
        } = finder;
        let holders = walker.finish();
        let maps = list(&types, &holders, &sources, layouts, others, &headers);
        Self {
            types,
            maps,
            roots,
            keys,
            holders,
        }
    }

    /// The map at an address, if there is one.
    #[must_use]
    pub fn at(&self, address: u64) -> Option<&Map> {
        let index = self
            .maps
            .binary_search_by_key(&address, |map| map.header.address);
        self.maps.get(index.ok()?)
    }

    /// Who holds a map, in words: `main.cache.byUser`, `goroutine 7 in main.serve`.
    #[must_use]
    pub fn holder(&self, map: &Map) -> String {
        match &map.holder {
            Holder::Path(held) => self.holders.path(&self.types, *held),
            Holder::Frame {
                goroutine,
                function,
            } => format!("goroutine {goroutine} in {function}"),
            Holder::Variable {
                symbol: Some((name, 0)),
                ..
            } => name.clone(),
            Holder::Variable {
                symbol: Some((name, offset)),
                ..
            } => format!("{name}+{offset:#x}"),
            Holder::Variable { address, .. } => format!("a variable at {address:#x}"),
            Holder::Object {
                address,
                ty: Some(ty),
                ..
            } => format!("a {} at {address:#x}", self.types.name(*ty)),
            Holder::Object { address, size, .. } => {
                format!("an object of {size} bytes at {address:#x}")
            }
            Holder::Unknown => "?".to_owned(),
        }
    }

    /// Whether the walk along pointers was cut short.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.holders.cut
    }
}

/// The list of all maps, by address.
fn list(
    types: &Types<'_>,
    holders: &Holders,
    sources: &FxHashMap<u64, (Arc<MapType>, Source)>,
    mut layouts: FxHashMap<u64, Arc<MapType>>,
    mut others: FxHashMap<u64, Holder>,
    headers: &[FoundMap],
) -> Vec<Map> {
    let mut addresses: Vec<u64> = holders.maps().map(|(address, _)| address).collect();
    addresses.extend(headers.iter().map(|map| map.address));
    addresses.extend(others.keys());
    addresses.sort_unstable();
    addresses.dedup();
    let mut map_types: FxHashMap<TypeId, Option<Arc<MapType>>> = FxHashMap::default();
    let mut maps = Vec::with_capacity(addresses.len());
    for address in addresses {
        let Some(header) = Header::read(types.memory(), types.build(), address) else {
            continue;
        };
        let held = holders.get(address);
        let ty = match sources.get(&address) {
            Some(found) => Some(found.clone()),
            None => held.and_then(|held| {
                let read = || MapType::read(types, held.ty).map(Arc::new);
                let map_type = map_types.entry(held.ty).or_insert_with(read).clone()?;
                // What a guess leads to is no more certain than the guess.
                let root = holders.root(held).map(|root| root.address);
                let guess = root.and_then(|address| sources.get(&address));
                let source = match guess {
                    Some((_, guess @ Source::Likely(_))) => *guess,
                    _ => Source::Pointer,
                };
                Some((map_type, source))
            }),
        };
        let holder = match (others.remove(&address), held) {
            (Some(holder), _) => holder,
            (None, Some(held)) if !sources.contains_key(&address) => Holder::Path(held),
            _ => Holder::Unknown,
        };
        let layout = match ty {
            Some(_) => None,
            None => layouts.remove(&address),
        };
        maps.push(Map {
            header,
            ty,
            layout,
            holder,
        });
    }
    maps
}

struct Finder<'f, 'a> {
    program: &'f Program<'a>,
    heap: &'f Heap<'f>,
    types: &'f Types<'a>,
    walker: Walker<'f, 'a>,
    guesser: Guesser<'f, 'a>,
    keys: Option<(HashKeys, KeysFrom)>,
    /// Types of maps that no typed pointer leads to.
    sources: FxHashMap<u64, (Arc<MapType>, Source)>,
    /// Types that tell how maps of unknown type lie in memory.
    layouts: FxHashMap<u64, Arc<MapType>>,
    /// Holders of maps that no path leads to.
    holders: FxHashMap<u64, Holder>,
}

impl Finder<'_, '_> {
    /// Maps that variables do not lead to by typed pointers.
    fn rest(&mut self, goroutines: &Goroutines, headers: &[FoundMap]) {
        let mut open: FxHashSet<u64> = headers
            .iter()
            .map(|map| map.address)
            .filter(|&address| !self.walker.knows(address))
            .collect();
        // Who has a pointer to them, best first: stacks, variables, and then objects.
        let mut order = Vec::new();
        for map in headers {
            if let Where::Stack(id) = map.held
                && let Some(goroutine) = goroutines.list.iter().find(|other| other.id == id)
                && open.remove(&map.address)
            {
                self.frame(goroutine, map.address, map.address);
                order.push(map.address);
            }
        }
        for goroutine in &goroutines.list {
            self.stack(goroutine, &mut open, &mut order);
        }
        let spans: Vec<Span> = self.program.image.data().collect();
        for span in spans {
            self.data(span, &mut open, &mut order);
        }
        self.recognise_all(&order);
        open.retain(|&address| !self.walker.knows(address));
        if open.is_empty() {
            return;
        }
        // Objects of which the allocator keeps the type.
        for object in self.heap.typed_objects() {
            let ty = TypeId(object.ty);
            let Some(size) = self
                .types
                .get(ty)
                .map(|ty| ty.size)
                .filter(|&size| size > 0)
            else {
                continue;
            };
            let root = Root {
                name: format!("({} at {:#x})", self.types.name(ty), object.address).into(),
                address: object.address,
                ty,
                runtime: false,
            };
            self.walker.object(root, object.usable / size);
        }
        self.walker.finish_objects();
        open.retain(|&address| !self.walker.knows(address));
        self.objects(&open);
        let mut left: Vec<u64> = open.into_iter().collect();
        left.sort_unstable();
        self.recognise_all(&left);
        // What has become known by a path since needs no other holder.
        let (walker, sources) = (&self.walker, &self.sources);
        self.holders
            .retain(|address, _| !walker.knows(*address) || sources.contains_key(address));
    }

    /// Works out types of maps; again when the hash keys become known by that.
    fn recognise_all(&mut self, maps: &[u64]) {
        for &address in maps {
            self.recognise(address);
        }
        if self.keys.is_none() {
            self.find_keys(maps);
            if self.keys.is_some() {
                for &address in maps {
                    self.recognise(address);
                }
            }
        }
    }

    /// Works out the type of a map that no typed pointer leads to, and walks on from it.
    fn recognise(&mut self, address: u64) {
        if self.walker.knows(address) {
            return;
        }
        let memory = self.types.memory();
        let Some(header) = Header::read(memory, self.types.build(), address) else {
            return;
        };
        let heap = self.heap;
        let object = |address| object(heap, address);
        if let Some((map_type, source)) = self.guesser.guess(&header, &object) {
            let root = Root {
                name: format!("({address:#x})").into(),
                address,
                ty: map_type.id,
                runtime: false,
            };
            self.sources.insert(address, (map_type, source));
            self.walker.map_found(root);
        } else if let [first, rest @ ..] = self.guesser.candidates(&header, &object).as_slice()
            && rest
                .iter()
                .all(|other| other.chunk.size == first.chunk.size)
        {
            self.layouts.insert(address, first.clone());
        }
    }

    /// Objects of the heap that hold pointers to maps.
    fn objects(&mut self, open: &FxHashSet<u64>) {
        let (Some(&low), Some(&high)) = (open.iter().min(), open.iter().max()) else {
            return;
        };
        let (heap, memory) = (self.heap, self.types.memory());
        let spans = heap.spans().par_iter().filter(|span| !span.noscan);
        let found: Vec<(u64, u64)> = spans
            .flat_map_iter(|span| {
                let mut found = Vec::new();
                let mut address = span.start;
                while address < span.end() {
                    let len = (span.end() - address).min(1 << 20);
                    let Some(bytes) = memory.read(address, len as usize) else {
                        break;
                    };
                    for (i, word) in bytes.as_chunks::<8>().0.iter().enumerate() {
                        let word = u64::from_le_bytes(*word);
                        if (low..=high).contains(&word) && open.contains(&word) {
                            found.push((word, address + WORD * i as u64));
                        }
                    }
                    address += len;
                }
                found
            })
            .collect();
        for (target, at) in found {
            if self.holders.contains_key(&target) {
                continue;
            }
            let Some(object) = heap.object(at).filter(|object| object.live) else {
                continue;
            };
            self.holders.insert(
                target,
                Holder::Object {
                    address: object.address,
                    size: object.size,
                    ty: (object.ty != 0).then_some(TypeId(object.ty)),
                },
            );
        }
    }

    /// Finds the hash keys with the help of the maps known so far, if they are not known; or else of
    /// others, each taken for what it may be.
    fn find_keys(&mut self, others: &[u64]) {
        if self.keys.is_some() {
            return;
        }
        let (memory, build) = (self.types.memory(), self.types.build());
        let map_types: FxHashMap<TypeId, MapType> = self
            .walker
            .maps()
            .map(|(_, ty)| ty)
            .collect::<FxHashSet<_>>()
            .into_iter()
            .filter_map(|ty| Some((ty, MapType::read(self.types, ty)?)))
            .collect();
        let mut maps = self.walker.maps().filter_map(|(address, ty)| {
            let header = Header::read(memory, build, address)?;
            Some((header, map_types.get(&ty)?))
        });
        let module = &self.program.module;
        let spans = [
            module.noptrbss,
            module.bss.span,
            module.noptrdata,
            module.data.span,
        ];
        let arch = self.program.image.binary.arch;
        let keys = hashing::by_trial(self.types, arch, &spans, &mut maps, KEYS_OF_KNOWN)
            .or_else(|| self.keys_of_unknown(arch, &spans, others));
        if let Some(keys) = keys {
            self.guesser.set_keys(keys.clone());
            self.keys = Some((keys, KeysFrom::Trial));
        }
    }

    /// The hash keys by maps of unknown type: for each type that some may be of by their size, these
    /// are tried, the larger maps by themselves, all others together.
    fn keys_of_unknown(&self, arch: Arch, spans: &[Span], maps: &[u64]) -> Option<HashKeys> {
        let (memory, build, heap) = (self.types.memory(), self.types.build(), self.heap);
        let object = |address| object(heap, address);
        let mut large = Vec::new();
        let mut small: Vec<(Arc<MapType>, Vec<Header>)> = Vec::new();
        for &address in maps {
            if self.walker.knows(address) {
                continue;
            }
            let Some(header) = Header::read(memory, build, address) else {
                continue;
            };
            for map_type in self.guesser.candidates(&header, &object) {
                if header.len() >= LARGE {
                    large.push((map_type, vec![header]));
                } else if let Some((_, maps)) =
                    small.iter_mut().find(|(ty, _)| ty.id == map_type.id)
                {
                    maps.push(header);
                } else {
                    small.push((map_type, vec![header]));
                }
            }
        }
        let sets = large.iter().take(MAX_TRIALS);
        sets.chain(small.iter().take(MAX_TRIALS))
            .find_map(|(map_type, headers)| {
                let mut maps = headers.iter().map(|header| (*header, &**map_type));
                hashing::by_trial(self.types, arch, spans, &mut maps, KEYS_OF_UNKNOWN)
            })
    }

    /// The frame in which a pointer to a map lies, or the map itself, is its holder; if it is one of
    /// the runtime or the standard library, the function of the program that called it.
    fn frame(&mut self, goroutine: &Goroutine, map: u64, at: u64) {
        let frames = &goroutine.stack.frames;
        let index = frames.partition_point(|frame| frame.fp <= at);
        let mut rest = frames.get(index..).unwrap_or_default().iter();
        let inner = rest
            .next()
            .and_then(|frame| frame.calls(self.program).into_iter().next_back());
        let own = |call: &Call| !is_runtime(&call.function) && !self.program.is_standard(call);
        let call = match inner {
            Some(call) if !own(&call) => rest
                .flat_map(|frame| frame.calls(self.program))
                .find(own)
                .or(Some(call)),
            call => call,
        };
        self.holders.entry(map).or_insert(Holder::Frame {
            goroutine: goroutine.id,
            function: call.map_or_else(|| "?".to_owned(), |call| call.function),
        });
    }

    /// Pointers to maps on a stack.
    fn stack(&mut self, goroutine: &Goroutine, open: &mut FxHashSet<u64>, order: &mut Vec<u64>) {
        if open.is_empty() {
            return;
        }
        let Some(first) = goroutine.stack.frames.first() else {
            return;
        };
        let Span { start, end } = goroutine.bounds;
        let low = first.sp.max(start);
        let high = end.min(low.saturating_add(MAX_STACK));
        let Some(len) = high
            .checked_sub(low)
            .and_then(|len| usize::try_from(len).ok())
        else {
            return;
        };
        let Some(bytes) = self.types.memory().read(low, len) else {
            return;
        };
        for (i, word) in bytes.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            if open.remove(&word) {
                self.frame(goroutine, word, low + WORD * i as u64);
                order.push(word);
            }
        }
    }

    /// Pointers to maps among variables.
    fn data(&mut self, span: Span, open: &mut FxHashSet<u64>, order: &mut Vec<u64>) {
        if open.is_empty() {
            return;
        }
        let mut names: Option<Vec<(u64, u64, &str)>> = None;
        let mut address = span.start.next_multiple_of(WORD);
        while address < span.end {
            let len = usize::try_from(span.end - address).unwrap_or(usize::MAX);
            let bytes = self.program.image.read_some(address, len.min(1 << 20));
            let words = bytes.as_chunks::<8>().0;
            if words.is_empty() {
                break;
            }
            for (i, word) in words.iter().enumerate() {
                let word = u64::from_le_bytes(*word);
                if !open.remove(&word) {
                    continue;
                }
                let at = address + WORD * i as u64;
                let names = names.get_or_insert_with(|| {
                    let variables = self.program.variables();
                    let mut names: Vec<_> = variables
                        .map(|(name, start, size)| (start, size, name))
                        .collect();
                    names.sort_unstable();
                    names
                });
                let index = names.partition_point(|(start, ..)| *start <= at);
                let symbol = index
                    .checked_sub(1)
                    .and_then(|index| names.get(index))
                    .filter(|(start, size, _)| at - start < (*size).max(WORD))
                    .map(|(start, _, name)| ((*name).to_owned(), at - start));
                order.push(word);
                self.holders.entry(word).or_insert(Holder::Variable {
                    symbol,
                    address: at,
                });
            }
            address += WORD * words.len() as u64;
        }
    }
}

impl Inventory<'_> {
    /// Maps whose type is known.
    pub fn typed(&self) -> impl Iterator<Item = (&Map, &MapType)> {
        self.maps
            .iter()
            .filter_map(|map| Some((map, &*map.ty.as_ref()?.0)))
    }
}
