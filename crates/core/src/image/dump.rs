//! Core dumps: segments and the notes that the Linux kernel and gcore write.

use super::elf::{Arch, Headers};
use super::thread::{Registers, Signal, Thread};

/// Names of notes (include/uapi/linux/elf.h).
const NT_PRSTATUS: u32 = 1;
const NT_PRPSINFO: u32 = 3;
const NT_AUXV: u32 = 6;
const NT_SIGINFO: u32 = 0x5349_4749;
const NT_FILE: u32 = 0x4649_4c45;
const NT_ARM_TLS: u32 = 0x401;

/// A file that was mapped into the process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MappedFile {
    /// First address.
    pub start: u64,
    /// Behind the last address.
    pub end: u64,
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// Its path.
    pub path: String,
}

/// What the notes of a core say.
#[derive(Clone, Default, Debug)]
pub struct Notes {
    /// The threads, the one that brought the process down first.
    pub threads: Vec<Thread>,
    /// What brought the process down.
    pub signal: Option<Signal>,
    /// Process ID.
    pub pid: Option<u32>,
    /// The command line, cut off after 80 bytes.
    pub command: Option<String>,
    /// Mapped files.
    pub files: Vec<MappedFile>,
    /// The auxiliary vector: numbers and values.
    pub auxv: Vec<(u64, u64)>,
}

impl Notes {
    /// A value of the auxiliary vector.
    #[must_use]
    pub fn aux(&self, number: u64) -> Option<u64> {
        let mut list = self.auxv.iter();
        list.find(|(key, _)| *key == number)
            .map(|(_, value)| *value)
    }
}

/// Reads the notes of a core. What is cut off is left out.
#[must_use]
pub fn notes(headers: &Headers<'_>) -> Notes {
    let mut out = Notes::default();
    for note in &headers.notes {
        match (note.name, note.kind) {
            (b"CORE", NT_PRSTATUS) => {
                if let Some((thread, signal)) = prstatus(headers.arch, note.desc) {
                    if out.threads.is_empty() && out.signal.is_none() && signal != 0 {
                        out.signal = Some(Signal {
                            number: signal,
                            code: 0,
                            detail: 0,
                        });
                    }
                    out.threads.push(thread);
                }
            }
            (b"CORE", NT_PRPSINFO) => {
                out.pid = u32_at(note.desc, 24);
                let args = note.desc.get(56..).map(until_nul);
                let name = note.desc.get(40..56).map(until_nul);
                out.command = args.filter(|s| !s.is_empty()).or(name);
            }
            (b"CORE", NT_SIGINFO) => {
                let number = u32_at(note.desc, 0).unwrap_or(0);
                let code = u32_at(note.desc, 8).unwrap_or(0).cast_signed();
                let detail = u64_at(note.desc, 16).unwrap_or(0);
                if number != 0 {
                    out.signal = Some(Signal {
                        number,
                        code,
                        detail,
                    });
                }
            }
            (b"CORE", NT_AUXV) => out.auxv = auxv(note.desc),
            (b"CORE", NT_FILE) => out.files = files(note.desc),
            (b"LINUX", NT_ARM_TLS) => {
                if let Some(thread) = out.threads.last_mut()
                    && let Some(tls) = u64_at(note.desc, 0)
                {
                    thread.tls = Some(tls);
                }
            }
            _ => {}
        }
    }
    out
}

/// The auxiliary vector in bytes.
pub(super) fn auxv(bytes: &[u8]) -> Vec<(u64, u64)> {
    let pairs = bytes.chunks_exact(16);
    let pairs = pairs.filter_map(|pair| Some((u64_at(pair, 0)?, u64_at(pair, 8)?)));
    pairs.take_while(|(key, _)| *key != 0).collect()
}

/// `struct elf_prstatus`: the thread, and the signal it got.
fn prstatus(arch: Arch, desc: &[u8]) -> Option<(Thread, u32)> {
    const REGISTERS: usize = 112;
    let signal = u32::from(u16::from_le_bytes(*desc.get(12..)?.first_chunk()?));
    let tid = u32_at(desc, 32)?;
    let register = |index: usize| u64_at(desc, REGISTERS + 8 * index);
    let thread = match arch {
        // struct user_regs_struct
        Arch::Amd64 => Thread {
            tid,
            registers: Some(Registers {
                pc: register(16)?,
                sp: register(19)?,
                fp: register(4)?,
                link: None,
                g: register(1)?,
                general: (0..21).map_while(register).collect(),
            }),
            tls: register(21),
        },
        // struct user_pt_regs
        Arch::Arm64 => Thread {
            tid,
            registers: Some(Registers {
                pc: register(32)?,
                sp: register(31)?,
                fp: register(29)?,
                link: register(30),
                g: register(28)?,
                general: (0..31).map_while(register).collect(),
            }),
            tls: None,
        },
    };
    Some((thread, signal))
}

/// NT_FILE: a count, the size of a page, three words for each file, then the paths.
fn files(desc: &[u8]) -> Vec<MappedFile> {
    let (Some(count), Some(page)) = (u64_at(desc, 0), u64_at(desc, 8)) else {
        return Vec::new();
    };
    let Some((words, mut names)) = usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(24))
        .and_then(|len| desc.get(16..)?.split_at_checked(len))
    else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for entry in words.chunks_exact(24) {
        let end = names.iter().position(|b| *b == 0).unwrap_or(names.len());
        let Some((name, rest)) = names.split_at_checked(end) else {
            break;
        };
        let (Some(start), Some(stop), Some(pages)) =
            (u64_at(entry, 0), u64_at(entry, 8), u64_at(entry, 16))
        else {
            break;
        };
        files.push(MappedFile {
            start,
            end: stop,
            offset: pages.saturating_mul(page),
            path: String::from_utf8_lossy(name).into_owned(),
        });
        names = rest.get(1..).unwrap_or_default();
    }
    files
}

fn until_nul(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
    text.trim_end().to_owned()
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}
