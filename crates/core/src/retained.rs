//! How much memory would be free without a map: what is reachable from variables and stacks, less
//! what is reachable when the map is left out.
//!
//! Pointers are found as the words that look like one, in objects that may hold pointers; a number
//! that looks like an address keeps memory here that Go would free. Retained sizes are therefore
//! rather too small than too large. A map's own parts, from its header to its groups or buckets,
//! are its own whatever else points to them: stacks are full of pointers to tables that operations
//! and iterators left there.

use rustc_hash::FxHashMap;

use crate::goroutines::Goroutines;
use crate::heap::Heap;
use crate::image::Span;
use crate::memory::Memory;
use crate::program::Program;

/// The objects of a heap, numbered, with the roots that keep them.
pub struct Graph<'g> {
    memory: &'g dyn Memory,
    spans: Vec<Objects>,
    pages: Pages,
    objects: usize,
    low: u64,
    high: u64,
    roots: Vec<Span>,
    reachable: Marked,
}

/// Objects that were come by: a bit for each, and their bytes.
#[derive(Default)]
struct Marked {
    bits: Vec<u64>,
    bytes: u64,
}

impl Marked {
    /// Marks an object. Gives whether it was not marked before.
    fn insert(&mut self, number: usize) -> bool {
        let Some(word) = self.bits.get_mut(number / 64) else {
            return false;
        };
        let bit = 1 << (number % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn contains(&self, number: usize) -> bool {
        self.bits
            .get(number / 64)
            .is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}

/// Objects of one size that lie one after another.
#[derive(Clone, Copy)]
struct Objects {
    start: u64,
    size: u64,
    count: u64,
    scan: bool,
    /// Number of the first.
    first: usize,
}

/// Which span a page belongs to.
enum Pages {
    /// By page from the lowest on; one more than the number of the span, or 0.
    Dense(Vec<u32>),
    Sparse(FxHashMap<u64, u32>),
}

/// Bytes of a page.
const PAGE: u64 = 8192;

/// Pages in an address range that is kept as a table.
const MAX_DENSE: u64 = 1 << 24;

/// Bytes read at once.
const RUN: u64 = 1 << 20;

impl<'g> Graph<'g> {
    /// Numbers the objects of a heap, and marks what is reachable.
    #[must_use]
    pub fn new(program: &'g Program<'_>, goroutines: &Goroutines, heap: &Heap<'_>) -> Self {
        let mut spans = Vec::with_capacity(heap.spans().len());
        let mut objects = 0;
        for span in heap.spans() {
            spans.push(Objects {
                start: span.start,
                size: span.elemsize.max(1),
                count: span.nelems,
                scan: !span.noscan,
                first: objects,
            });
            objects = objects.saturating_add(usize::try_from(span.nelems).unwrap_or(0));
        }
        let low = heap.spans().first().map_or(0, |span| span.start);
        let high = heap.spans().last().map_or(0, crate::heap::ObjectSpan::end);
        let dense = (high - low) / PAGE <= MAX_DENSE;
        let mut pages = if dense {
            Pages::Dense(vec![0; ((high - low) / PAGE) as usize])
        } else {
            Pages::Sparse(FxHashMap::default())
        };
        for (number, span) in heap.spans().iter().enumerate() {
            let number = u32::try_from(number + 1).unwrap_or(0);
            let first = (span.start - low) / PAGE;
            // A damaged span does not have more pages than there is memory.
            let npages = span.npages.min(program.image.size() / PAGE + 1);
            for page in first..first + npages {
                match &mut pages {
                    Pages::Dense(table) => {
                        if let Some(slot) = table.get_mut(page as usize) {
                            *slot = number;
                        }
                    }
                    Pages::Sparse(table) => {
                        table.insert(page, number);
                    }
                }
            }
        }
        let module = &program.module;
        let mut roots = vec![module.data.span, module.bss.span];
        for goroutine in &goroutines.list {
            let low = goroutine.stack.frames.first().map(|frame| frame.sp);
            let Span { start, end } = goroutine.bounds;
            let start = low.map_or(start, |low| low.clamp(start, end.max(start)));
            roots.push(Span { start, end });
        }
        let mut graph = Self {
            memory: program.image,
            spans,
            pages,
            objects,
            low,
            high,
            roots,
            reachable: Marked::default(),
        };
        graph.reachable = graph.mark(0..0, &[], None);
        graph
    }

    /// Bytes of the heap that are reachable.
    #[must_use]
    pub fn reachable(&self) -> u64 {
        self.reachable.bytes
    }

    /// Bytes of the heap that only a map keeps, itself included: `header` is where its header lies, `parts` are
    /// addresses in the objects that it consists of, as [`crate::maps::parts`] gives them.
    #[must_use]
    pub fn retained(&self, header: std::ops::Range<u64>, parts: &[u64]) -> u64 {
        let without = self.mark(header.clone(), parts, None).bytes;
        let with = match self.object(header.start) {
            // What keeps it is out of sight, as the runtime's own memory is.
            Some((_, number, start)) if !self.reachable.contains(number) => {
                self.mark(0..0, &[], Some(start)).bytes
            }
            _ => self.reachable.bytes,
        };
        with.saturating_sub(without)
    }

    /// What is reachable when a range and the objects at some addresses are left out, and one more
    /// object is a root.
    fn mark(&self, without: std::ops::Range<u64>, parts: &[u64], root: Option<u64>) -> Marked {
        let mut marked = Marked {
            bits: vec![0; self.objects.div_ceil(64)],
            bytes: 0,
        };
        let mut todo: Vec<(u64, u64)> = Vec::new();
        let header = (!without.is_empty()).then_some(&without.start);
        for &part in header.into_iter().chain(parts) {
            if let Some((_, number, _)) = self.object(part) {
                marked.insert(number);
            }
        }
        let mut see = |word: u64, todo: &mut Vec<(u64, u64)>| {
            let Some((span, number, start)) = self.object(word) else {
                return;
            };
            if !marked.insert(number) {
                return;
            }
            marked.bytes += span.size;
            if span.scan {
                todo.push((start, span.size));
            }
        };
        for root in &self.roots {
            let parts = [
                (root.start, root.end.min(without.start.max(root.start))),
                (root.start.max(without.end), root.end),
            ];
            let parts = if without.is_empty() {
                [(root.start, root.end), (0, 0)]
            } else {
                parts
            };
            for (start, end) in parts {
                self.words(start, end, &mut |word| see(word, &mut todo));
            }
        }
        if let Some(root) = root {
            see(root, &mut todo);
        }
        while let Some((start, size)) = todo.pop() {
            self.words(start, start.saturating_add(size), &mut |word| {
                see(word, &mut todo);
            });
        }
        marked
    }

    /// Calls `each` with the words of a range that lie in the heap's.
    fn words(&self, start: u64, end: u64, each: &mut dyn FnMut(u64)) {
        let mut address = start;
        while address < end {
            let len = (end - address).min(RUN);
            if let Some(bytes) = self.memory.read(address, len as usize) {
                for word in bytes.as_chunks::<8>().0 {
                    let word = u64::from_le_bytes(*word);
                    if word >= self.low && word < self.high {
                        each(word);
                    }
                }
            }
            address += len;
        }
    }

    /// The span, number and start of the object at an address.
    fn object(&self, address: u64) -> Option<(Objects, usize, u64)> {
        let page = address.checked_sub(self.low)? / PAGE;
        let number = match &self.pages {
            Pages::Dense(table) => *table.get(page as usize)?,
            Pages::Sparse(table) => *table.get(&page)?,
        };
        let span = *self.spans.get(number.checked_sub(1)? as usize)?;
        let index = address.checked_sub(span.start)? / span.size;
        if index >= span.count {
            return None;
        }
        let number = span.first.checked_add(usize::try_from(index).ok()?)?;
        Some((span, number, span.start + span.size * index))
    }
}
