//! The program: the ELF file that was run.

use std::path::Path;

use object::LittleEndian as LE;
use object::elf::FileHeader64;
use object::read::elf::ElfFile;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use rustc_hash::FxHashMap;

use super::elf::{self, Arch, Kind, Section, Segment};
use super::file::FileBytes;
use super::{Error, build_ids};

/// A program's file.
#[derive(Debug)]
pub struct Binary {
    /// Path as given.
    pub path: String,
    /// Its bytes.
    pub bytes: FileBytes,
    /// Whether it may be loaded anywhere.
    pub relocatable: bool,
    /// The processor.
    pub arch: Arch,
    /// Where it starts, the load bias apart.
    pub entry: u64,
    /// Its PT_LOAD segments.
    pub segments: Vec<Segment>,
    /// The linker's build ID, in hexadecimal.
    pub build_id: Option<String>,
    /// Go's build ID.
    pub go_build_id: Option<String>,
    sections: FxHashMap<String, Section>,
}

impl Binary {
    /// Opens a program.
    ///
    /// # Errors
    /// The file can't be read, or isn't an ELF program for amd64 or arm64.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bytes = FileBytes::open(path).map_err(|e| Error::io(path, &e))?;
        Self::from_bytes(path.to_string_lossy().into_owned(), bytes)
    }

    /// Reads a program from its bytes.
    ///
    /// # Errors
    /// They aren't an ELF program for amd64 or arm64.
    pub fn from_bytes(path: String, bytes: FileBytes) -> Result<Self, Error> {
        let headers = elf::headers(&bytes).map_err(|message| Error::new(&path, message))?;
        let relocatable = match headers.kind {
            Kind::Fixed => false,
            Kind::Relocatable => true,
            Kind::Core => {
                let message = "a core dump; the program comes first: tophash core BINARY CORE";
                return Err(Error::new(&path, message));
            }
        };
        let (arch, entry, segments) = (headers.arch, headers.entry, headers.segments);
        let (build_id, go_build_id) = build_ids(&headers.notes);
        let mut sections = FxHashMap::default();
        if let Ok(elf) = ElfFile::<FileHeader64<LE>>::parse(&*bytes) {
            for section in elf.sections() {
                if let (Ok(name), Some((offset, size))) = (section.name(), section.file_range()) {
                    let address = section.address();
                    sections.entry(name.to_owned()).or_insert(Section {
                        address,
                        offset,
                        size,
                    });
                }
            }
        }
        Ok(Self {
            path,
            relocatable,
            arch,
            entry,
            segments,
            build_id,
            go_build_id,
            sections,
            bytes,
        })
    }

    /// A section that has bytes in the file.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<Section> {
        self.sections.get(name).copied()
    }

    /// The bytes of a section as they are in the file.
    #[must_use]
    pub fn section_bytes(&self, name: &str) -> Option<&[u8]> {
        let section = self.section(name)?;
        let start = usize::try_from(section.offset).ok()?;
        let end = start.checked_add(usize::try_from(section.size).ok()?)?;
        self.bytes.get(start..end)
    }

    /// The address range of a section, the load bias apart; none if it isn't loaded.
    #[must_use]
    pub fn section_range(&self, name: &str) -> Option<std::ops::Range<u64>> {
        let section = self.section(name)?;
        (section.address != 0)
            .then(|| section.address..section.address.saturating_add(section.size))
    }

    /// Names, addresses (the load bias apart) and sizes of functions and variables; empty in a
    /// stripped program.
    #[must_use]
    pub fn symbols(&self) -> FxHashMap<String, Symbol> {
        let mut symbols = FxHashMap::default();
        let Ok(elf) = ElfFile::<FileHeader64<LE>>::parse(&*self.bytes) else {
            return symbols;
        };
        for symbol in elf.symbols() {
            if matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data)
                && symbol.is_definition()
                && let Ok(name) = symbol.name()
            {
                symbols.insert(
                    name.to_owned(),
                    Symbol {
                        address: symbol.address(),
                        size: symbol.size(),
                        data: symbol.kind() == SymbolKind::Data,
                    },
                );
            }
        }
        symbols
    }

    /// The bytes in the file at an address, the load bias apart, from there to the end of their
    /// segment.
    #[must_use]
    pub fn at(&self, address: u64) -> Option<&[u8]> {
        let segment = self.segments.iter().find(|segment| {
            address
                .checked_sub(segment.address)
                .is_some_and(|offset| offset < segment.file_size)
        })?;
        let start = segment.offset.checked_add(address - segment.address)?;
        let end = segment.offset.checked_add(segment.file_size)?;
        let end = end.min(self.bytes.len() as u64);
        self.bytes
            .get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}

/// A symbol of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// Its address, the load bias apart.
    pub address: u64,
    /// Bytes; 0 if not known.
    pub size: u64,
    /// Whether it is a variable.
    pub data: bool,
}
