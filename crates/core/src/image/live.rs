//! A process that runs: read through /proc, never stopped, never written to.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::dump::{MappedFile, Notes, auxv};
use super::thread::{Registers, Thread};
use super::{Error, Span};

/// A process's memory.
#[derive(Debug)]
pub struct Live {
    /// Process ID.
    pub pid: u32,
    memory: File,
}

impl Live {
    /// Opens the memory of a process.
    ///
    /// # Errors
    /// There is no such process, or it may not be read.
    pub fn open(pid: u32) -> Result<Self, Error> {
        let path = PathBuf::from(format!("/proc/{pid}/mem"));
        let memory = File::open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Error::new(&format!("process {pid}"), "there is no such process")
            }
            std::io::ErrorKind::PermissionDenied => Error::new(
                &format!("process {pid}"),
                "its memory may not be read: run as its user with ptrace allowed \
                 (kernel.yama.ptrace_scope), or as root",
            ),
            _ => Error::io(&path, &error),
        })?;
        Ok(Self { pid, memory })
    }

    /// The program of the process.
    #[must_use]
    pub fn exe(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/exe", self.pid))
    }

    /// Fills a buffer from an address.
    pub(super) fn read(&self, address: u64, buffer: &mut [u8]) -> Option<()> {
        self.memory.read_exact_at(buffer, address).ok()
    }

    /// What /proc tells of the process, and the spans of its memory that can be read.
    ///
    /// # Errors
    /// The process is gone.
    pub(super) fn describe(&self) -> Result<(Notes, Vec<Span>), Error> {
        let dir = PathBuf::from(format!("/proc/{}", self.pid));
        let maps = dir.join("maps");
        let text = fs::read_to_string(&maps).map_err(|e| Error::io(&maps, &e))?;
        let mut notes = Notes {
            pid: Some(self.pid),
            ..Notes::default()
        };
        let mut spans = Vec::new();
        for line in text.lines() {
            let Some(mapping) = Mapping::parse(line) else {
                continue;
            };
            if mapping.readable && !mapping.device {
                spans.push(Span {
                    start: mapping.start,
                    end: mapping.end,
                });
            }
            if let Some(path) = mapping.path {
                notes.files.push(MappedFile {
                    start: mapping.start,
                    end: mapping.end,
                    offset: mapping.offset,
                    path,
                });
            }
        }
        if let Ok(bytes) = fs::read(dir.join("auxv")) {
            notes.auxv = auxv(&bytes);
        }
        if let Ok(bytes) = fs::read(dir.join("cmdline")) {
            let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
            notes.command = Some(text.trim_end().to_owned());
        }
        if let Ok(entries) = fs::read_dir(dir.join("task")) {
            for entry in entries.flatten() {
                let name = entry.file_name();
                let Some(tid) = name.to_str().and_then(|name| name.parse().ok()) else {
                    continue;
                };
                // "running", or the number and arguments of a system call, sp and pc.
                let call = fs::read_to_string(entry.path().join("syscall")).unwrap_or_default();
                let mut words = call.split_whitespace().rev();
                let mut word = || {
                    let digits = words.next()?.strip_prefix("0x")?;
                    u64::from_str_radix(digits, 16).ok()
                };
                let registers = word().zip(word()).map(|(pc, sp)| Registers {
                    pc,
                    sp,
                    ..Registers::default()
                });
                notes.threads.push(Thread {
                    tid,
                    registers,
                    tls: None,
                });
            }
        }
        notes.threads.sort_by_key(|thread| thread.tid);
        Ok((notes, spans))
    }
}

/// A line of /proc/N/maps.
struct Mapping {
    start: u64,
    end: u64,
    offset: u64,
    readable: bool,
    device: bool,
    path: Option<String>,
}

impl Mapping {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        let (start, end) = words.next()?.split_once('-')?;
        let permissions = words.next()?;
        let offset = words.next()?;
        let path = words.nth(2).map(str::trim).unwrap_or_default();
        Some(Self {
            start: u64::from_str_radix(start, 16).ok()?,
            end: u64::from_str_radix(end, 16).ok()?,
            offset: u64::from_str_radix(offset, 16).ok()?,
            readable: permissions.starts_with('r'),
            // Reading a device may have effects; the kernel's pages can't be read.
            device: path.starts_with("/dev/") || path == "[vvar]" || path == "[vsyscall]",
            path: path.starts_with('/').then(|| path.to_owned()),
        })
    }
}
