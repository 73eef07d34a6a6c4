//! Functions: which one an instruction belongs to, how large its frame is, which source line and
//! which inlined calls it stands for (runtime/symtab.go, runtime/symtabinl.go; one format from
//! 1.20 to 1.27).

use std::borrow::Cow;

use tophash_runtime::process::ModuleLayout;

use crate::image::{Arch, Image, Span};
use crate::memory::Memory;

use super::module::{Module, Slice};

/// The tables of functions.
#[derive(Debug)]
pub struct Functions<'a> {
    image: &'a Image,
    text: Span,
    gofunc: u64,
    quantum: u64,
    names: Cow<'a, [u8]>,
    units: Cow<'a, [u8]>,
    files: Cow<'a, [u8]>,
    values: Cow<'a, [u8]>,
    records: Cow<'a, [u8]>,
    entries: Cow<'a, [u8]>,
}

/// A function of the program's code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Function {
    /// Its first instruction.
    pub entry: u64,
    /// Behind its last instruction.
    pub end: u64,
    /// Offset of its record.
    record: u32,
}

/// A call in a stack, as the source has it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Call {
    /// The function's full name: `main.(*Cache).put`.
    pub function: String,
    /// Path of its file as the compiler saw it.
    pub file: String,
    /// The line that runs, or that calls the next function. 0 if not known.
    pub line: u32,
    /// Whether the compiler has put it into its caller.
    pub inlined: bool,
}

/// Functions at which unwinding takes a turn or ends, from flags in their record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags {
    /// The outermost of its stack.
    pub top: bool,
    /// It sets the stack pointer in ways that tables don't tell.
    pub writes_sp: bool,
}

// `_func` (runtime/runtime2.go).
const NAME: usize = 4;
const ARGS: usize = 8;
const PCSP: usize = 16;
const PCFILE: usize = 20;
const PCLN: usize = 24;
const NPCDATA: usize = 28;
const CU: usize = 32;
const FLAG: usize = 41;
const NFUNCDATA: usize = 43;
const PCDATA: usize = 44;

// internal/abi/symtab.go.
const PCDATA_INLINE_INDEX: u32 = 2;
const FUNCDATA_INLINE_TREE: u32 = 3;

/// Bytes of an `inlinedCall` (runtime/symtabinl.go).
const INLINED_CALL: u64 = 16;

/// Calls inlined into each other: more than the compiler ever makes.
const DEPTH: usize = 256;

/// More than any table of functions.
const LIMIT: u64 = 4 << 30;

impl<'a> Functions<'a> {
    /// Reads where the tables are; none if they can't be read.
    #[must_use]
    pub fn load(image: &'a Image, layout: &ModuleLayout, module: &Module) -> Option<Self> {
        let slice = |offset: u64, element: u64| {
            let slice = Slice::read(image, module.address.checked_add(offset)?)?;
            let len = slice.len.checked_mul(element).filter(|len| *len <= LIMIT)?;
            image.read(slice.data, usize::try_from(len).ok()?)
        };
        Some(Self {
            image,
            text: module.text,
            gofunc: module.gofunc,
            quantum: match image.binary.arch {
                Arch::Amd64 => 1,
                Arch::Arm64 => 4,
            },
            names: slice(layout.funcnametab, 1)?,
            units: slice(layout.cutab, 4)?,
            files: slice(layout.filetab, 1)?,
            values: slice(layout.pctab, 1)?,
            records: slice(layout.pclntable, 1)?,
            entries: slice(layout.ftab, 8)?,
        })
    }

    /// The number of functions.
    #[must_use]
    pub fn len(&self) -> usize {
        (self.entries.len() / 8).saturating_sub(1)
    }

    /// Whether there are no functions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All functions, by address.
    pub fn iter(&self) -> impl Iterator<Item = Function> + '_ {
        (0..self.len()).filter_map(|index| self.nth(index))
    }

    fn nth(&self, index: usize) -> Option<Function> {
        let at = index.checked_mul(8)?;
        let entry = u32_at(&self.entries, at)?;
        let end = u32_at(&self.entries, at + 8)?;
        Some(Function {
            entry: self.text.start.wrapping_add(u64::from(entry)),
            end: self.text.start.wrapping_add(u64::from(end)),
            record: u32_at(&self.entries, at + 4)?,
        })
    }

    /// The function that an instruction belongs to.
    #[must_use]
    pub fn at(&self, pc: u64) -> Option<Function> {
        if pc < self.text.start || pc >= self.text.end {
            return None;
        }
        let offset = u32::try_from(pc - self.text.start).ok()?;
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if u32_at(&self.entries, middle * 8)? <= offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let function = self.nth(low.checked_sub(1)?)?;
        (pc < function.end).then_some(function)
    }

    /// A function's full name.
    #[must_use]
    pub fn name(&self, function: Function) -> &str {
        let name = self.field(function, NAME);
        self.name_at(name).unwrap_or("?")
    }

    /// Bytes of arguments and results on the stack; none if not known.
    #[must_use]
    pub fn args(&self, function: Function) -> Option<u32> {
        // -2147483648 stands for unknown.
        let args = self.field(function, ARGS)?;
        (args < 1 << 31).then_some(args)
    }

    /// What is special about a function.
    #[must_use]
    pub fn flags(&self, function: Function) -> Flags {
        let flag = self.byte(function, FLAG).unwrap_or(0);
        Flags {
            top: flag & 1 != 0,
            writes_sp: flag & 2 != 0,
        }
    }

    /// How far the stack pointer is below its value at the function's entry; none if no table
    /// tells.
    #[must_use]
    pub fn frame_size(&self, function: Function, pc: u64) -> Option<u64> {
        let table = self.field(function, PCSP)?;
        u64::try_from(self.value(function, table, pc)?).ok()
    }

    /// The calls that an instruction stands for, innermost first: those inlined, then the
    /// function itself. `pc` lies in the instruction, not behind it.
    #[must_use]
    pub fn calls(&self, function: Function, pc: u64) -> Vec<Call> {
        let tree = self.function_data(function, FUNCDATA_INLINE_TREE);
        let mut calls = Vec::new();
        let mut pc = pc;
        while let Some(tree) = tree
            && calls.len() < DEPTH
            && let Some(index) = self
                .pc_data(function, PCDATA_INLINE_INDEX, pc)
                .and_then(|index| u64::try_from(index).ok())
            && let Some(record) = index
                .checked_mul(INLINED_CALL)
                .and_then(|offset| self.image.read(tree.checked_add(offset)?, 16))
            && let (Some(name), Some(parent)) = (u32_at(&record, 4), u32_at(&record, 8))
        {
            let name = self.name_at(Some(name)).unwrap_or("?").to_owned();
            calls.push(self.call(function, pc, name, true));
            pc = function.entry.wrapping_add(u64::from(parent));
        }
        let name = self.name(function).to_owned();
        calls.push(self.call(function, pc, name, false));
        calls
    }

    fn call(&self, function: Function, pc: u64, name: String, inlined: bool) -> Call {
        let line = self
            .field(function, PCLN)
            .and_then(|table| self.value(function, table, pc))
            .and_then(|line| u32::try_from(line).ok());
        Call {
            function: name,
            file: self.file(function, pc).unwrap_or("?").to_owned(),
            line: line.unwrap_or(0),
            inlined,
        }
    }

    fn file(&self, function: Function, pc: u64) -> Option<&str> {
        let table = self.field(function, PCFILE)?;
        let index = u32::try_from(self.value(function, table, pc)?).ok()?;
        let unit = self.field(function, CU)?.checked_add(index)? as usize;
        let offset = u32_at(&self.units, unit.checked_mul(4)?)?;
        if offset == u32::MAX {
            return None;
        }
        text(&self.files, offset)
    }

    /// A value from a function's table of the given number at an instruction.
    fn pc_data(&self, function: Function, table: u32, pc: u64) -> Option<i32> {
        if table >= self.field(function, NPCDATA)? {
            return None;
        }
        let offset = self.field(function, PCDATA + 4 * table as usize)?;
        self.value(function, offset, pc)
    }

    /// The address of a function's data of the given number.
    fn function_data(&self, function: Function, number: u32) -> Option<u64> {
        if number >= u32::from(self.byte(function, NFUNCDATA)?) {
            return None;
        }
        let tables = self.field(function, NPCDATA)?.checked_add(number)?;
        let offset = self.field(function, PCDATA.checked_add(4 * tables as usize)?)?;
        (offset != u32::MAX).then(|| self.gofunc.wrapping_add(u64::from(offset)))
    }

    /// Runs through a table of values by program counter up to `pc`: pairs of a change of the
    /// value and of the number of bytes it holds for.
    fn value(&self, function: Function, table: u32, pc: u64) -> Option<i32> {
        if table == 0 {
            return None;
        }
        let mut bytes = self.values.get(table as usize..)?;
        let mut at = function.entry;
        let mut value = -1i32;
        let mut first = true;
        loop {
            let change = varint(&mut bytes)?;
            if change == 0 && !first {
                return None;
            }
            first = false;
            let sign = (change & 1).wrapping_neg();
            value = value.wrapping_add((sign ^ (change >> 1)).cast_signed());
            at = at.wrapping_add(u64::from(varint(&mut bytes)?) * self.quantum);
            if pc < at {
                return Some(value);
            }
            if at > function.end {
                return None;
            }
        }
    }

    fn field(&self, function: Function, offset: usize) -> Option<u32> {
        u32_at(
            &self.records,
            (function.record as usize).checked_add(offset)?,
        )
    }

    fn byte(&self, function: Function, offset: usize) -> Option<u8> {
        let at = (function.record as usize).checked_add(offset)?;
        self.records.get(at).copied()
    }

    fn name_at(&self, offset: Option<u32>) -> Option<&str> {
        text(&self.names, offset?)
    }
}

/// A text up to its NUL.
fn text(table: &[u8], offset: u32) -> Option<&str> {
    let bytes = table.get(offset as usize..)?;
    let end = bytes.iter().position(|byte| *byte == 0)?;
    std::str::from_utf8(bytes.get(..end)?).ok()
}

fn varint(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0u32;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u32::from(byte & 0x7f).wrapping_shl(shift);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}
