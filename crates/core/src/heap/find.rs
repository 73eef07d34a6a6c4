//! All maps: objects of the heap, variables and parts of stacks that have the shape of a map's
//! header, point to what a header points to, and hold a random seed.

use rayon::prelude::*;
use tophash_runtime::layout::{self, HmapLayout, SwissMapLayout, TABLE};
use tophash_runtime::sizeclass;

use crate::goroutines::{Goroutine, Goroutines, each_chunk};
use crate::image::Span;
use crate::memory::Memory;

use super::{Heap, ObjectSpan};

/// A map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FoundMap {
    /// Address of its header.
    pub address: u64,
    /// Where the header lies.
    pub held: Held,
    /// Entries, as the header counts them.
    pub len: u64,
    /// Bytes that the allocator has given to header, directory, tables and groups, or to header,
    /// buckets and old buckets; overflow buckets and what keys and elements point to apart.
    pub bytes: u64,
}

/// Where a map's header lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Held {
    /// In the heap.
    Heap,
    /// Among the program's variables.
    Data,
    /// On the stack of the goroutine with this number.
    Stack(u64),
}

/// Directory entries that are looked at to tell whether it is one.
const SAMPLES: u64 = 8;

/// A random word below this is one in sixteen million: no seed has so many zeros in front.
const SMALLEST_SEED: u64 = 1 << 40;

/// Directory entries that bytes are added up for.
const DIRECTORY: u64 = 1 << 24;

/// The shape of a map's header in this build.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Classic(&'static HmapLayout),
    Swiss(&'static SwissMapLayout),
}

impl Shape {
    fn size(self) -> u64 {
        match self {
            Shape::Classic(layout) => layout.size,
            Shape::Swiss(layout) => layout.size,
        }
    }

    /// Which words are pointers.
    fn pointers(self) -> u64 {
        match self {
            Shape::Classic(layout) => [layout.buckets, layout.oldbuckets, layout.extra]
                .iter()
                .fold(0, |bits, offset| bits | 1 << (offset / 8)),
            Shape::Swiss(layout) => 1 << (layout.dir_ptr / 8),
        }
    }
}

impl Heap<'_> {
    /// All maps in use, by address.
    #[must_use]
    pub fn maps(&self, goroutines: &Goroutines) -> Vec<FoundMap> {
        let build = self.program.build;
        let shape = match (layout::swiss_map(build), layout::hmap(build)) {
            (Some(layout), _) => Shape::Swiss(layout),
            (None, Some(layout)) => Shape::Classic(layout),
            (None, None) => return Vec::new(),
        };
        let size = sizeclass::round_up_size(build.version, shape.size(), false);
        let spans = self.spans.par_iter();
        let mut maps: Vec<FoundMap> = spans
            .filter(|span| !span.noscan && span.elemsize == size)
            .flat_map_iter(|span| self.in_span(span, shape))
            .collect();
        let stacks = goroutines.list.par_iter();
        maps.par_extend(stacks.flat_map_iter(|goroutine| self.on_stack(goroutine, shape)));
        for span in [self.program.module.data.span, self.program.module.bss.span] {
            self.among(span, shape, Held::Data, None, &mut maps);
        }
        maps.par_sort_unstable_by_key(|map| map.address);
        maps.dedup_by_key(|map| map.address);
        maps
    }

    fn in_span(&self, span: &ObjectSpan, shape: Shape) -> Vec<FoundMap> {
        let mut maps = Vec::new();
        let len = usize::try_from(span.end() - span.start).unwrap_or(0);
        let Some(bytes) = self.program.image.read(span.start, len) else {
            return maps;
        };
        for index in span.live(self.program, self.rules) {
            let base = span.start + index * span.elemsize;
            let at = usize::try_from(index * span.elemsize).unwrap_or(usize::MAX);
            if self.pointer_bits(span, base, &bytes) != Some(shape.pointers()) {
                continue;
            }
            if let Some(header) = bytes.get(at..)
                && let Some(map) = self.check(shape, header, base, Held::Heap, None)
            {
                maps.push(map);
            }
        }
        maps
    }

    fn on_stack(&self, goroutine: &Goroutine, shape: Shape) -> Vec<FoundMap> {
        let mut maps = Vec::new();
        let innermost = goroutine.stack.frames.first();
        let Some(frame) = innermost.filter(|_| goroutine.stale.is_none()) else {
            return maps;
        };
        let used = Span {
            start: frame.sp,
            end: goroutine.bounds.end,
        };
        let held = Held::Stack(goroutine.id);
        self.among(used, shape, held, Some(goroutine.bounds), &mut maps);
        maps
    }

    /// Looks for headers at every word of a range. Those of maps without anything behind the
    /// header are not told from other words here.
    fn among(
        &self,
        span: Span,
        shape: Shape,
        held: Held,
        stack: Option<Span>,
        maps: &mut Vec<FoundMap>,
    ) {
        let size = usize::try_from(shape.size()).unwrap_or(usize::MAX);
        each_chunk(self.program, span, size, |address, bytes| {
            for (index, header) in bytes.windows(size).step_by(8).enumerate() {
                let at = address + 8 * index as u64;
                if let Some(map) = self.check(shape, header, at, held, stack) {
                    maps.push(map);
                }
            }
            false
        });
    }

    /// Whether these are the words of a header.
    fn check(
        &self,
        shape: Shape,
        bytes: &[u8],
        address: u64,
        held: Held,
        stack: Option<Span>,
    ) -> Option<FoundMap> {
        let (len, behind) = match shape {
            Shape::Swiss(layout) => self.check_swiss(layout, bytes, held, stack)?,
            Shape::Classic(layout) => self.check_classic(layout, bytes, held, stack)?,
        };
        let header = match held {
            Held::Heap => sizeclass::round_up_size(self.program.build.version, shape.size(), false),
            Held::Data | Held::Stack(_) => shape.size(),
        };
        Some(FoundMap {
            address,
            held,
            len,
            bytes: header + behind,
        })
    }

    /// The number of entries and the bytes behind the header.
    fn check_swiss(
        &self,
        layout: &SwissMapLayout,
        bytes: &[u8],
        held: Held,
        stack: Option<Span>,
    ) -> Option<(u64, u64)> {
        let seed = word(bytes, layout.seed)?;
        if seed < SMALLEST_SEED {
            return None;
        }
        let dir_ptr = word(bytes, layout.dir_ptr)?;
        let dir_len = word(bytes, layout.dir_len)?;
        let used = word(bytes, layout.used)?;
        let byte = |offset: u64| bytes.get(usize::try_from(offset).ok()?).copied();
        let depth = byte(layout.global_depth)?;
        let shift = byte(layout.global_shift)?;
        let writing = byte(layout.writing)?;
        let tombstone = layout.tombstone_possible.and_then(byte).unwrap_or(0);
        // Behind the four bytes there is nothing but padding.
        let padding = word(bytes, layout.global_depth)? >> 32;
        if writing > 1 || tombstone > 1 || padding != 0 || self.program.image.u8(seed).is_some() {
            return None;
        }
        if dir_len == 0 {
            if depth != 0 || !matches!(shift, 0 | 64) || used > 64 {
                return None;
            }
            if dir_ptr == 0 {
                return (used == 0 && held == Held::Heap).then_some((0, 0));
            }
            let group = self.block(dir_ptr, stack)?;
            // Full control bytes are below 128; empty is 128, deleted 254.
            let control = self.program.image.read(dir_ptr, 8)?;
            let plausible = control
                .iter()
                .all(|byte| *byte < 0x80 || matches!(byte, 0x80 | 0xfe));
            return plausible.then_some((used, group));
        }
        let directory = depth <= 40
            && dir_len == 1 << depth
            && shift == 64 - depth
            && used <= dir_len.saturating_mul(2 * 1024);
        if !directory {
            return None;
        }
        let mut total = self.block(dir_ptr, stack)?;
        let step = (dir_len / SAMPLES).max(1);
        let mut at = 0;
        while at < dir_len {
            self.table(dir_ptr, at, depth)?;
            at += step;
        }
        let mut at = 0;
        while at < dir_len.min(DIRECTORY) {
            // A table fills as many neighbouring places as it is less deep.
            let Some((depth_of_table, bytes)) = self.table(dir_ptr, at, depth) else {
                at += 1;
                continue;
            };
            total = total.saturating_add(bytes);
            at += 1 << (depth - depth_of_table);
        }
        Some((used, total))
    }

    /// The depth and bytes of the table at a place of a directory.
    fn table(&self, directory: u64, index: u64, depth: u8) -> Option<(u8, u64)> {
        let image = self.program.image;
        let at = image.u64(directory.checked_add(index.checked_mul(8)?)?)?;
        let bytes = image.read(at, usize::try_from(TABLE.size).ok()?)?;
        let half = |offset: u64| {
            let rest = bytes.get(usize::try_from(offset).ok()?..)?;
            Some(u64::from(u16::from_le_bytes(*rest.first_chunk()?)))
        };
        let capacity = half(TABLE.capacity)?;
        let mask = word(&bytes, TABLE.length_mask)?;
        let local = bytes.get(usize::try_from(TABLE.local_depth).ok()?)?;
        let valid = capacity.is_power_of_two()
            && (8..=1024).contains(&capacity)
            && mask == capacity / 8 - 1
            && *local <= depth;
        if !valid {
            return None;
        }
        let groups = self.block(word(&bytes, TABLE.groups)?, None)?;
        let header = sizeclass::round_up_size(self.program.build.version, TABLE.size, false);
        Some((*local, header + groups))
    }

    /// The number of entries and the bytes behind the header.
    fn check_classic(
        &self,
        layout: &HmapLayout,
        bytes: &[u8],
        held: Held,
        stack: Option<Span>,
    ) -> Option<(u64, u64)> {
        let count = word(bytes, layout.count)?;
        let packed = word(bytes, layout.flags)?;
        let (flags, b) = (packed & 0xff, packed >> 8 & 0xff);
        let seed = packed >> 32;
        let buckets = word(bytes, layout.buckets)?;
        let oldbuckets = word(bytes, layout.oldbuckets)?;
        let nevacuate = word(bytes, layout.nevacuate)?;
        let extra = word(bytes, layout.extra)?;
        if flags > 15 || b > 40 || seed == 0 {
            return None;
        }
        // Eight to a bucket, and overflow buckets are at most as many before it grows.
        if count > 32 << b || nevacuate > 1 << b {
            return None;
        }
        if buckets == 0 {
            let empty = count == 0 && oldbuckets == 0 && extra == 0 && nevacuate == 0;
            return (empty && held == Held::Heap).then_some((0, 0));
        }
        // The smallest bucket has eight tophash bytes and a pointer.
        let mut total = self.block(buckets, stack)?;
        if total != 0 && total < 16 << b {
            return None;
        }
        if oldbuckets != 0 {
            total = total.saturating_add(self.block(oldbuckets, stack)?);
        }
        if extra != 0 {
            let block = self.block(extra, stack)?;
            total = total.saturating_add(block);
        }
        // A map with nothing in it but a bucket looks like many things; its seed hardly does.
        let random = seed >= 1 << 8 && self.program.image.u8(packed).is_none();
        random.then_some((count, total))
    }

    /// The bytes of the object that begins at an address; 0 for one on the given stack or among
    /// the program's variables and constants. None if nothing begins there.
    fn block(&self, address: u64, stack: Option<Span>) -> Option<u64> {
        if !address.is_multiple_of(8) {
            return None;
        }
        if let Some(span) = self.span(address) {
            let offset = (address - span.start) % span.elemsize;
            let header = if span.has_headers(self.rules) { 8 } else { 0 };
            return (offset == header).then_some(span.elemsize);
        }
        if stack.is_some_and(|stack| (stack.start..stack.end).contains(&address)) {
            return Some(0);
        }
        let module = &self.program.module;
        [
            module.data.span,
            module.bss.span,
            module.noptrdata,
            module.noptrbss,
        ]
        .iter()
        .any(|span| (span.start..span.end).contains(&address))
        .then_some(0)
    }
}

fn word(bytes: &[u8], offset: u64) -> Option<u64> {
    let rest = bytes.get(usize::try_from(offset).ok()?..)?;
    Some(u64::from_le_bytes(*rest.first_chunk()?))
}
