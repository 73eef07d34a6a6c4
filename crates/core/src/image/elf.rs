//! ELF files: what binaries and core dumps have in common.

use object::LittleEndian as LE;
use object::elf::{EM_AARCH64, EM_X86_64, ET_CORE, ET_DYN, ET_EXEC, FileHeader64, PF_W, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

/// A processor that programs are read for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Arch {
    /// Go's name of it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Arch::Amd64 => "amd64",
            Arch::Arm64 => "arm64",
        }
    }
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A program at fixed addresses.
    Fixed,
    /// A program that is loaded anywhere, or a shared object.
    Relocatable,
    /// A core dump.
    Core,
}

/// A PT_LOAD segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Address of its first byte, the load bias apart.
    pub address: u64,
    /// Bytes in memory.
    pub memory_size: u64,
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Bytes in the file, as the header has it.
    pub file_size: u64,
    /// Whether the program may write to it.
    pub writable: bool,
}

/// A note.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Note<'a> {
    /// Its owner: `CORE`, `GNU`, `Go`.
    pub name: &'a [u8],
    /// What it is, by its owner's numbers.
    pub kind: u32,
    /// Its contents.
    pub desc: &'a [u8],
}

/// The headers of a file.
#[derive(Debug)]
pub struct Headers<'a> {
    /// What the file is.
    pub kind: Kind,
    /// For which processor.
    pub arch: Arch,
    /// Where the program starts, the load bias apart.
    pub entry: u64,
    /// The PT_LOAD segments in the order of the file.
    pub segments: Vec<Segment>,
    /// The notes that could be read.
    pub notes: Vec<Note<'a>>,
    /// Whether notes are cut off or malformed.
    pub notes_damaged: bool,
}

/// Reads the headers of an ELF file.
///
/// # Errors
/// Says in a few words why this isn't a file that can be read.
pub fn headers(bytes: &[u8]) -> Result<Headers<'_>, String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    if !bytes.starts_with(b"\x7fELF") {
        return Err(match bytes {
            [0xcf, 0xfa, 0xed, 0xfe, ..] => "a Mach-O file; only ELF is read".to_owned(),
            [b'M', b'Z', ..] => "a Windows file; only ELF is read".to_owned(),
            _ => "not an ELF file".to_owned(),
        });
    }
    if bytes.get(4) != Some(&2) || bytes.get(5) != Some(&1) {
        return Err("not a 64-bit little-endian ELF file".to_owned());
    }
    let header = FileHeader64::<LE>::parse(bytes).map_err(|e| format!("its ELF header: {e}"))?;
    let arch = match header.e_machine.get(LE) {
        EM_X86_64 => Arch::Amd64,
        EM_AARCH64 => Arch::Arm64,
        machine => {
            return Err(format!(
                "made for ELF machine {machine}; only amd64 and arm64 are read"
            ));
        }
    };
    let kind = match header.e_type.get(LE) {
        ET_EXEC => Kind::Fixed,
        ET_DYN => Kind::Relocatable,
        ET_CORE => Kind::Core,
        other => {
            return Err(format!(
                "an ELF file of type {other}, neither a program nor a core dump"
            ));
        }
    };
    let programs = header
        .program_headers(LE, bytes)
        .map_err(|e| format!("its program headers: {e}"))?;
    let mut segments = Vec::new();
    let mut notes = Vec::new();
    let mut notes_damaged = false;
    for program in programs {
        if program.p_type(LE) == PT_LOAD {
            segments.push(Segment {
                address: program.p_vaddr(LE),
                memory_size: program.p_memsz(LE),
                offset: program.p_offset(LE),
                file_size: program.p_filesz(LE),
                writable: program.p_flags(LE) & PF_W != 0,
            });
        }
        match program.notes(LE, bytes) {
            Ok(None) => {}
            Ok(Some(mut list)) => loop {
                match list.next() {
                    Ok(Some(note)) => notes.push(Note {
                        name: note.name(),
                        kind: note.n_type(LE),
                        desc: note.desc(),
                    }),
                    Ok(None) => break,
                    Err(_) => {
                        notes_damaged = true;
                        break;
                    }
                }
            },
            Err(_) => notes_damaged = true,
        }
    }
    Ok(Headers {
        kind,
        arch,
        entry: header.e_entry.get(LE),
        segments,
        notes,
        notes_damaged,
    })
}

/// A section by name, its bytes uncompressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Section {
    /// Address of its first byte, the load bias apart; 0 if it isn't loaded.
    pub address: u64,
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}
