//! Spans: runs of pages with objects of one size (runtime/mheap.go).

use std::borrow::Cow;

use tophash_runtime::GoVersion;
use tophash_runtime::process::{HeapRules, INLINE_MARKS};
use tophash_runtime::sizeclass::MIN_SIZE_FOR_MALLOC_HEADER;

use crate::goroutines::each_chunk;
use crate::image::Span;
use crate::memory::Memory;
use crate::program::Program;

use super::pointers;

/// Bytes of a page of the heap.
pub const PAGE: u64 = 8192;

/// `mSpanInUse`.
const IN_USE: u8 = 1;

/// More objects than fit into the largest span of small ones.
const MAX_OBJECTS: u64 = 1 << 16;

/// A span that holds objects of the garbage-collected heap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectSpan {
    /// Its first address.
    pub start: u64,
    /// Pages of [`PAGE`] bytes.
    pub npages: u64,
    /// Bytes of an object.
    pub elemsize: u64,
    /// Objects that fit.
    pub nelems: u64,
    /// Whether no object holds pointers.
    pub noscan: bool,
    /// The descriptor of the type of the only object; 0 if not known.
    pub large_type: u64,
    /// Objects before this one are in use.
    freeindex: u64,
    /// Where the bits of objects in use lie.
    alloc_bits: u64,
    /// Where the bits of objects that the last collection has reached lie.
    mark_bits: u64,
    /// Whether the last collection has reached it and it wasn't swept since.
    unswept: bool,
}

impl ObjectSpan {
    /// Reads an `mspan`. The outer none means that it can't be, the inner that it holds no
    /// objects.
    pub(super) fn read(
        program: &Program<'_>,
        address: u64,
        heap_sweepgen: u32,
    ) -> Option<Option<Self>> {
        let layout = &program.layout.span;
        let bytes = program
            .image
            .read(address, usize::try_from(layout.size).ok()?)?;
        let at = |offset: u64| bytes.get(usize::try_from(offset).ok()?..);
        let u64_at = |offset| Some(u64::from_le_bytes(*at(offset)?.first_chunk()?));
        let u32_at = |offset| Some(u32::from_le_bytes(*at(offset)?.first_chunk()?));
        let u8_at = |offset| at(offset)?.first().copied();
        let count = |offset| {
            if program.build.version == GoVersion::Go1_21 {
                u64_at(offset)
            } else {
                Some(u64::from(u16::from_le_bytes(*at(offset)?.first_chunk()?)))
            }
        };
        if u8_at(layout.state)? != IN_USE {
            return Some(None);
        }
        let spanclass = u8_at(layout.spanclass)?;
        let sweepgen = u32_at(layout.sweepgen)?;
        let span = Self {
            start: u64_at(layout.start)?,
            npages: u64_at(layout.npages)?,
            elemsize: u64_at(layout.elemsize)?,
            nelems: count(layout.nelems)?,
            noscan: spanclass & 1 != 0,
            large_type: match layout.large_type {
                Some(offset) => u64_at(offset)?,
                None => 0,
            },
            freeindex: count(layout.freeindex)?,
            alloc_bits: u64_at(layout.alloc_bits)?,
            mark_bits: u64_at(layout.gcmark_bits)?,
            // Two behind: to be swept; three: in a cache, to be swept.
            unswept: sweepgen == heap_sweepgen.wrapping_sub(2),
        };
        // Only a large span's word counts: one that was large before keeps what it was.
        let span = Self {
            large_type: if span.is_large() { span.large_type } else { 0 },
            ..span
        };
        let size = span.npages.checked_mul(PAGE)?;
        let fits = span.start.checked_add(size).is_some()
            && span.start.is_multiple_of(PAGE)
            && span.elemsize >= 8
            && span.nelems >= 1
            && span.nelems <= MAX_OBJECTS
            && span.nelems.checked_mul(span.elemsize)? <= size;
        fits.then_some(Some(span))
    }

    /// Behind its last address.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.start + self.npages * PAGE
    }

    /// Bytes of the only object of a large span, and of one of many in others.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.nelems == 1 && self.elemsize > MAX_SMALL
    }

    /// Whether its objects begin with their type.
    #[must_use]
    pub fn has_headers(&self, rules: HeapRules) -> bool {
        rules.malloc_headers
            && !self.noscan
            && self.elemsize > MIN_SIZE_FOR_MALLOC_HEADER
            && !self.is_large()
    }

    /// The objects in use, by number.
    #[must_use]
    pub fn live(&self, program: &Program<'_>, rules: HeapRules) -> Live {
        let len = usize::try_from(self.nelems.div_ceil(8)).unwrap_or(0);
        let (bits, from) = if self.unswept {
            // What the collection has not reached is garbage, though not yet swept.
            let inline = rules.inline_marks && self.keeps_bits(rules) && self.elemsize >= 16;
            let at = if inline {
                self.end() - INLINE_MARKS / 2
            } else {
                self.mark_bits
            };
            (program.image.read(at, len), 0)
        } else {
            (program.image.read(self.alloc_bits, len), self.freeindex)
        };
        Live {
            bits: bits.map(Cow::into_owned).unwrap_or_default(),
            from,
            next: 0,
            end: self.nelems,
        }
    }

    /// Whether the bitmap of pointers lies at the end of the span.
    pub(super) fn keeps_bits(&self, rules: HeapRules) -> bool {
        rules.malloc_headers && !self.noscan && self.elemsize <= MIN_SIZE_FOR_MALLOC_HEADER
    }

    /// Offset from the start of the bitmap of pointers, if it lies in the span.
    pub(super) fn bits_offset(&self, rules: HeapRules) -> Option<u64> {
        if !self.keeps_bits(rules) {
            return None;
        }
        let size = self.npages * PAGE;
        let marks = if rules.inline_marks && self.elemsize >= 16 {
            INLINE_MARKS
        } else {
            0
        };
        size.checked_sub(size / 64)?.checked_sub(marks)
    }
}

/// Largest object that shares its span with others.
const MAX_SMALL: u64 = 32768;

/// Numbers of the objects of a span that are in use.
#[derive(Clone, Debug)]
pub struct Live {
    bits: Vec<u8>,
    from: u64,
    next: u64,
    end: u64,
}

impl Live {
    /// Whether an object is in use.
    #[must_use]
    pub fn contains(&self, index: u64) -> bool {
        if index < self.from {
            return true;
        }
        let byte = usize::try_from(index / 8)
            .ok()
            .and_then(|at| self.bits.get(at));
        byte.is_some_and(|byte| byte >> (index % 8) & 1 != 0)
    }
}

impl Iterator for Live {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        while self.next < self.end {
            let index = self.next;
            self.next += 1;
            if self.contains(index) {
                return Some(index);
            }
        }
        None
    }
}

/// The address of `runtime.mheap_` and the addresses of all spans.
pub(super) fn table(program: &Program<'_>) -> Option<(u64, Vec<u64>)> {
    let offset = program.layout.heap.allspans;
    if let Some(heap) = program.symbol("runtime.mheap_") {
        let spans = pointers(program, heap.checked_add(offset)?)?;
        return Some((heap, spans));
    }
    let sweepgen = program.layout.heap.sweepgen;
    // Without a symbol: a slice among the variables of which every element that is looked at is a
    // span.
    let module = &program.module;
    let mut found = None;
    for span in [
        module.noptrbss,
        module.bss.span,
        module.data.span,
        module.noptrdata,
    ] {
        // The heap's lock and page allocator come before the slice.
        let Some(start) = span.start.checked_add(offset) else {
            continue;
        };
        let rest = Span {
            start,
            end: span.end,
        };
        each_chunk(program, rest, 24, |address, bytes| {
            let headers = bytes.windows(24).step_by(8).enumerate();
            found = headers
                .filter_map(|(index, header)| {
                    let word =
                        |at: usize| Some(u64::from_le_bytes(*header.get(at..)?.first_chunk()?));
                    let (data, len, capacity) = (word(0)?, word(8)?, word(16)?);
                    let plausible =
                        data != 0 && data.is_multiple_of(8) && len >= 4 && len <= capacity;
                    let at = address + 8 * index as u64;
                    (plausible && capacity < super::LIMIT).then_some((at, data, len))
                })
                .find_map(|(at, data, len)| {
                    let heap = at.checked_sub(offset)?;
                    let sweepgen = program.image.u32(heap.checked_add(sweepgen)?)?;
                    if !sweepgen.is_multiple_of(2) {
                        return None;
                    }
                    // A few first: other numbers give lists of half a gigabyte.
                    if !are_spans(program, &some_of(program, data, len)?) {
                        return None;
                    }
                    Some((heap, pointers(program, at)?))
                });
            found.is_some()
        });
        if found.is_some() {
            break;
        }
    }
    found
}

/// The first of a list of words, and some from all of it. None if one of them can't be read.
fn some_of(program: &Program<'_>, data: u64, len: u64) -> Option<Vec<u64>> {
    let step = usize::try_from((len / 16).max(1)).ok()?;
    let first = 0..len.min(64);
    first
        .chain((0..len).step_by(step))
        .map(|index| {
            let offset = index.checked_mul(8)?;
            program.image.u64(data.checked_add(offset)?)
        })
        .collect()
}

/// Whether all of these addresses are those of `mspan`s, and one of the first is in use.
fn are_spans(program: &Program<'_>, addresses: &[u64]) -> bool {
    let layout = &program.layout.span;
    let is_span = |address: &u64| {
        let word = |offset: u64| program.image.u64(address.checked_add(offset)?);
        let state = address
            .checked_add(layout.state)
            .and_then(|at| program.image.u8(at));
        let start = word(layout.start).unwrap_or(1);
        start.is_multiple_of(PAGE)
            && match state {
                Some(0) => true,
                Some(1 | 2) => (1..1 << 30).contains(&word(layout.npages).unwrap_or(0)),
                _ => false,
            }
            // Spans lie outside of what they manage.
            && start >> 12 != address >> 12
    };
    addresses.iter().all(is_span)
        && addresses
            .iter()
            .take(64)
            .any(|at| matches!(ObjectSpan::read(program, *at, 0), Some(Some(_))))
}
