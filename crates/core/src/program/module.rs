//! `moduledata`: where the linker has put functions, types and variables.

use rustc_hash::FxHashMap;
use tophash_runtime::process::ModuleLayout;

use crate::image::{Binary, Image, Span, Symbol};
use crate::memory::Memory;

/// The addresses that a program's `moduledata` holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Module {
    /// Where it lies itself.
    pub address: u64,
    /// Code.
    pub text: Span,
    /// Type descriptors, names and what else is in `types`.
    pub types: Span,
    /// Length of the part of `types` that holds descriptors one after the other, since 1.27.
    pub typedesclen: Option<u64>,
    /// Offsets from `types` of the descriptors that reflection can find, up to 1.26.
    pub typelinks: Option<Slice>,
    /// What offsets of function data count from.
    pub gofunc: u64,
    /// Variables with pointers that have a value, and which words are pointers.
    pub data: Pointers,
    /// Variables with pointers that begin as zero, and which words are pointers.
    pub bss: Pointers,
    /// Variables without pointers that have a value.
    pub noptrdata: Span,
    /// Variables without pointers that begin as zero.
    pub noptrbss: Span,
}

/// Variables with the bitmap of their pointers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pointers {
    /// Where they lie.
    pub span: Span,
    /// Bits in the bitmap, one for each word.
    pub bits: u64,
    /// Where the bitmap lies.
    pub mask: u64,
}

/// A slice, without its capacity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    /// Its first element.
    pub data: u64,
    /// Elements.
    pub len: u64,
}

impl Slice {
    /// Reads a slice or string header.
    #[must_use]
    pub fn read(memory: &impl Memory, address: u64) -> Option<Self> {
        Some(Self {
            data: memory.u64(address)?,
            len: memory.u64(address.checked_add(8)?)?,
        })
    }
}

/// Head of the table of functions: magic, no padding; then the smallest instruction and the size
/// of a pointer (internal/abi `Go120PCLnTabMagic`, of Go 1.20 to 1.27).
const PCLNTAB: [u8; 6] = [0xf1, 0xff, 0xff, 0xff, 0, 0];

impl Module {
    /// Finds a program's `moduledata`, by its symbol or by its shape: its first word points to the
    /// table of functions.
    #[must_use]
    pub fn find(
        image: &Image,
        layout: &ModuleLayout,
        symbols: &FxHashMap<String, Symbol>,
    ) -> Option<Self> {
        let table = function_table(&image.binary)?.wrapping_add(image.bias);
        if let Some(symbol) = symbols.get("runtime.firstmoduledata") {
            let address = symbol.address.wrapping_add(image.bias);
            if image.u64(address) == Some(table)
                && let Some(module) = Self::read(image, layout, address)
            {
                return Some(module);
            }
        }
        let wanted = table.to_le_bytes();
        for span in image.data() {
            let mut at = span.start.next_multiple_of(8);
            while at < span.end {
                let len = usize::try_from(span.end - at).unwrap_or(usize::MAX);
                let bytes = image.read_some(at, len.min(CHUNK));
                if bytes.len() < 8 {
                    at = at.saturating_add(CHUNK as u64);
                    continue;
                }
                let words = bytes.chunks_exact(8);
                for (index, _) in words.enumerate().filter(|(_, word)| *word == wanted) {
                    let address = at + 8 * index as u64;
                    if let Some(module) = Self::read(image, layout, address) {
                        return Some(module);
                    }
                }
                at += (bytes.len() & !7) as u64;
            }
        }
        None
    }

    /// Reads a `moduledata`; none if it contradicts itself.
    fn read(image: &Image, layout: &ModuleLayout, address: u64) -> Option<Self> {
        let at = |offset: u64| address.checked_add(offset);
        let word = |offset: u64| image.u64(at(offset)?);
        let pair = |offset: u64| {
            let (start, end) = (word(offset)?, word(offset + 8)?);
            (start <= end).then_some(Span { start, end })
        };
        let ordered = |start: u64, end: u64| (start <= end).then_some(Span { start, end });
        let mask = |offset: u64| Some((word(offset)? & 0xffff_ffff, word(offset + 8)?));
        let text = ordered(word(layout.text)?, word(layout.etext)?)?;
        let code = ordered(word(layout.minpc)?, word(layout.maxpc)?)?;
        if text.start == text.end || code.start < text.start || code.end > text.end {
            return None;
        }
        let (data_bits, data_mask) = mask(layout.gcdatamask)?;
        let (bss_bits, bss_mask) = mask(layout.gcbssmask)?;
        Some(Self {
            address,
            text,
            types: ordered(word(layout.types)?, word(layout.etypes)?)?,
            typedesclen: layout.typedesclen.and_then(word),
            typelinks: layout
                .typelinks
                .and_then(|offset| Slice::read(image, at(offset)?)),
            gofunc: word(layout.gofunc)?,
            data: Pointers {
                span: pair(layout.data)?,
                bits: data_bits,
                mask: data_mask,
            },
            bss: Pointers {
                span: pair(layout.bss)?,
                bits: bss_bits,
                mask: bss_mask,
            },
            noptrdata: pair(layout.noptrdata)?,
            noptrbss: pair(layout.noptrbss)?,
        })
    }
}

const CHUNK: usize = 1 << 20;

/// The address of the table of functions, the load bias apart.
fn function_table(binary: &Binary) -> Option<u64> {
    let names = [".gopclntab", ".data.rel.ro.gopclntab"];
    let sections = names.iter().filter_map(|name| binary.section_range(name));
    let mut starts = sections.map(|range| range.start);
    let is_table = |bytes: &[u8]| {
        bytes.starts_with(&PCLNTAB)
            && matches!(bytes.get(6), Some(1 | 4))
            && bytes.get(7) == Some(&8)
    };
    if let Some(start) = starts.find(|start| binary.at(*start).is_some_and(is_table)) {
        return Some(start);
    }
    // Without section headers, or linked into another section.
    binary.segments.iter().find_map(|segment| {
        let bytes = binary.at(segment.address)?;
        let first = (segment.address.wrapping_neg() & 7) as usize;
        let mut offsets = (first..bytes.len()).step_by(8);
        let offset = offsets.find(|offset| bytes.get(*offset..).is_some_and(is_table))?;
        Some(segment.address + offset as u64)
    })
}
