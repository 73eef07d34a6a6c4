//! A program and its core with some of their bytes changed: everything that can be asked of them
//! is asked. Shared with the fuzz target.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;

use tophash_core::conflict::conflicts;
use tophash_core::goroutines::Goroutines;
use tophash_core::heap::Heap;
use tophash_core::image::{Binary, Image};
use tophash_core::inventory::Inventory;
use tophash_core::maps::picture::draw;
use tophash_core::maps::{entries, stats, verify};
use tophash_core::program::Program;
use tophash_core::reason::reason;
use tophash_core::value::{Limits, Reader};

/// A program and a core of it, whole.
pub struct Pair {
    pub binary: Arc<Vec<u8>>,
    pub core: Arc<Vec<u8>>,
    /// Where the core holds more than zeros: offsets of lines of [`LINE`] bytes.
    lines: Vec<usize>,
}

/// Bytes that are zero or not as a whole.
const LINE: usize = 64;

/// Bytes in which headers and notes of files lie.
const HEADERS: usize = 8192;

/// Bytes of an [`Edits`] that make one edit.
const EDIT: usize = 14;

impl Pair {
    pub fn new(binary: Vec<u8>, core: Vec<u8>) -> Self {
        let lines = core.chunks(LINE).enumerate();
        let lines = lines.filter(|(_, line)| line.iter().any(|&byte| byte != 0));
        let lines = lines.map(|(i, _)| i * LINE).collect();
        Self {
            binary: Arc::new(binary),
            core: Arc::new(core),
            lines,
        }
    }

    /// Asks everything of the pair with edits that the bytes describe. They are made in place and
    /// taken back: to copy a core takes longer than to read it.
    pub fn ask_damaged(&mut self, edits: &[u8]) {
        let undo = self.damage(edits);
        ask(self.binary.clone(), self.core.clone());
        let (binary, core) = self.files();
        for Undo {
            is_core,
            at,
            bytes,
            is_tail,
        } in undo.into_iter().rev()
        {
            let target = if is_core { &mut *core } else { &mut *binary };
            if is_tail {
                target.extend_from_slice(&bytes);
            } else {
                target[at..at + bytes.len()].copy_from_slice(&bytes);
            }
        }
    }

    fn files(&mut self) -> (&mut Vec<u8>, &mut Vec<u8>) {
        // Nobody else has them, or they are copied.
        (
            Arc::make_mut(&mut self.binary),
            Arc::make_mut(&mut self.core),
        )
    }

    /// Makes edits, in pieces of [`EDIT`] bytes: what to do, where, and a number for it.
    fn damage(&mut self, edits: &[u8]) -> Vec<Undo> {
        let lines = std::mem::take(&mut self.lines);
        let (binary, core) = self.files();
        let mut undo = Vec::new();
        for edit in edits.chunks_exact(EDIT) {
            let number = |range: std::ops::Range<usize>| {
                let bytes = edit[range].iter();
                bytes.rev().fold(0u64, |n, &byte| n << 8 | u64::from(byte))
            };
            let (place, value) = (number(2..6) as usize, number(6..14));
            let is_core = edit[0] & 0x30 != 0x00;
            // A word from elsewhere is often a pointer: chains become circles, tables are shared.
            let from = (value % lines.len().max(1) as u64) as usize;
            let from =
                lines.get(from).copied().unwrap_or_default() + (value >> 60) as usize % 8 * 8;
            let elsewhere = core.get(from..from + 8).unwrap_or_default().to_vec();
            let target = if is_core { &mut *core } else { &mut *binary };
            let at = match edit[0] & 0xc0 {
                0x00 => place % HEADERS,
                0x40 | 0x80 if is_core => {
                    let line = lines.get(place % lines.len().max(1));
                    line.map_or(0, |line| line + place / 7 % (LINE / 8) * 8)
                }
                _ => place % target.len().max(1),
            };
            if edit[0] == 0xff {
                undo.push(Undo {
                    is_core,
                    at,
                    bytes: target.split_off(at.min(target.len())),
                    is_tail: true,
                });
                continue;
            }
            let Some(word) = target.get_mut(at..at + 8) else {
                continue;
            };
            let old = word
                .iter()
                .rev()
                .fold(0u64, |n, &byte| n << 8 | u64::from(byte));
            let new = match edit[1] & 0x0f {
                0 => value,
                1 => old ^ 1 << (value & 63),
                2 => old.wrapping_add(value & 0xff),
                3 => old.wrapping_sub(value & 0xff),
                4 => 0,
                5 => u64::MAX,
                6 => 1 << (value & 63),
                7 => old & !0xff | value & 0xff,
                8 => old & !0xffff | value & 0xffff,
                9 => value & 0xffff_ffff,
                _ => elsewhere.try_into().map_or(0, u64::from_le_bytes),
            };
            undo.push(Undo {
                is_core,
                at,
                bytes: word.to_vec(),
                is_tail: false,
            });
            word.copy_from_slice(&new.to_le_bytes());
        }
        self.lines = lines;
        undo
    }
}

/// How one edit is taken back.
struct Undo {
    is_core: bool,
    at: usize,
    bytes: Vec<u8>,
    /// Whether the bytes were cut off.
    is_tail: bool,
}

/// Asks everything. Nothing panics, and whoever calls looks at time and memory.
pub fn ask(binary: Arc<Vec<u8>>, core: Arc<Vec<u8>>) {
    let Ok(binary) = Binary::from_bytes("program".to_owned(), binary.into()) else {
        return;
    };
    let Ok(image) = Image::from_core(binary, "core".to_owned(), core.into()) else {
        return;
    };
    for span in image.spans() {
        black_box(image.read_some(span.start, 16));
    }
    let Ok(program) = Program::load(&image) else {
        return;
    };
    let goroutines = Goroutines::load(&program);
    for goroutine in &goroutines.list {
        for frame in &goroutine.stack.frames {
            black_box(frame.calls(&program));
        }
    }
    let heap = Heap::load(&program);
    let reason = reason(&program, &goroutines);
    let maps: Vec<u64> = heap.maps(&goroutines).iter().map(|m| m.address).collect();
    let fits = |_: u64, _: &str| true;
    black_box(conflicts(
        &program,
        &goroutines,
        &heap,
        &reason,
        &maps,
        &fits,
    ));
    let inventory = Inventory::load(&program, &goroutines, &heap);
    let (types, keys) = (&inventory.types, inventory.keys.as_ref());
    let reader = Reader::new(types, Limits::generous());
    for map in &inventory.maps {
        black_box(inventory.holder(map));
    }
    for (map, map_type) in inventory.typed() {
        let (memory, header) = (types.memory(), &map.header);
        black_box(stats::quick(memory, map_type, header));
        let verified = verify(types, map_type, header, keys.map(|(keys, _)| keys));
        for damage in verified.damage {
            black_box(damage.to_string());
        }
        let mut shown = 0;
        entries(memory, map_type, header, &mut |entry| {
            black_box(reader.read(map_type.key, entry.key).to_string());
            black_box(reader.read(map_type.elem, entry.elem).to_string());
            shown += 1;
            match shown {
                0..100 => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        });
        draw(memory, map_type, header, 20, &mut |line| {
            black_box(line.len());
        });
    }
}
