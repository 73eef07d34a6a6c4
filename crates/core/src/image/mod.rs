//! One address space: a program joined with its core dump, or with a process that runs.
//!
//! A core holds what the process has written to; code and constants are those of the program's
//! file. Where both have bytes, the core's count.

mod binary;
mod dump;
mod elf;
mod file;
mod live;
mod packed;
mod thread;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::Path;

use tophash_finding::{Problem, ProblemKind};

use crate::memory::Memory;
pub use binary::{Binary, Symbol};
pub use dump::{MappedFile, Notes};
pub use elf::{Arch, Section, Segment};
pub use file::FileBytes;
pub use live::Live;
pub use thread::{Registers, Signal, Thread};

use elf::{Kind, Note};

/// Why something can't be read at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// The file or process.
    pub subject: String,
    /// What is wrong with it.
    pub message: String,
}

impl Error {
    pub(crate) fn new(subject: &str, message: impl Into<String>) -> Self {
        Self {
            subject: subject.to_owned(),
            message: message.into(),
        }
    }

    fn io(path: &Path, error: &io::Error) -> Self {
        Self::new(&path.to_string_lossy(), error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.message)
    }
}

impl std::error::Error for Error {}

/// A range of addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Span {
    /// The first address.
    pub start: u64,
    /// Behind the last address.
    pub end: u64,
}

/// Where the bytes of a range of addresses are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Backing {
    /// In the core, from an offset on.
    Core(usize),
    /// In the program's file, from an offset on.
    Binary(usize),
    /// Nowhere: they are zeros.
    Zero,
    /// In the process that runs.
    Live,
    /// Cut off.
    Missing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Region {
    start: u64,
    end: u64,
    backing: Backing,
}

/// The memory of a process with what is known of it besides.
#[derive(Debug)]
pub struct Image {
    /// The program.
    pub binary: Binary,
    /// Threads, signal, mapped files.
    pub notes: Notes,
    /// What is added to the program's addresses to get those of the process.
    pub bias: u64,
    /// Path of the core, or the process.
    pub origin: Origin,
    /// What is wrong with the files, in the order in which it was noticed.
    pub problems: Vec<Problem>,
    core: FileBytes,
    live: Option<Live>,
    regions: Vec<Region>,
}

/// What an image was read from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A core dump.
    Core(String),
    /// A process that runs.
    Process(u32),
    /// Nothing but the program's file.
    Program,
}

impl Origin {
    /// Whether memory may change while it is read.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self, Origin::Process(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Core(path) => f.write_str(path),
            Origin::Process(pid) => write!(f, "process {pid}"),
            Origin::Program => f.write_str("the program itself"),
        }
    }
}

/// Keys of the auxiliary vector.
const AT_ENTRY: u64 = 9;

impl Image {
    /// Joins a program with a core dump, compressed or not.
    ///
    /// # Errors
    /// One of the files can't be read, or isn't what it should be.
    pub fn open(binary: &Path, core: &Path) -> Result<Self, Error> {
        let binary = Binary::open(binary)?;
        let path = core.to_string_lossy().into_owned();
        let (bytes, cut) = packed::open(core)?;
        let mut image = Self::from_core(binary, path.clone(), bytes)?;
        if let Some(message) = cut {
            image.problems.insert(0, problem(&path, message));
        }
        Ok(image)
    }

    /// Joins a program with the bytes of a core dump.
    ///
    /// # Errors
    /// They aren't a core dump for the program's processor.
    pub fn from_core(binary: Binary, path: String, core: FileBytes) -> Result<Self, Error> {
        let headers = elf::headers(&core).map_err(|message| Error::new(&path, message))?;
        if headers.kind != Kind::Core {
            return Err(Error::new(&path, "a program, not a core dump"));
        }
        if headers.arch != binary.arch {
            let message = format!(
                "a core of {}, but {} is for {}",
                headers.arch.as_str(),
                binary.path,
                binary.arch.as_str()
            );
            return Err(Error::new(&path, message));
        }
        let mut problems = Vec::new();
        if headers.notes_damaged {
            let message = "its notes are cut off or malformed: threads or files may be missing";
            problems.push(problem(&path, message.to_owned()));
        }
        let notes = dump::notes(&headers);
        let segments = headers.segments;
        let mut regions = core_regions(&segments, core.len() as u64, &path, &mut problems);
        let bias = bias(&binary, &notes);
        if bias.is_none() && binary.relocatable {
            let message = format!(
                "neither its auxiliary vector nor its file table tells where {} was loaded",
                binary.path
            );
            problems.push(problem(&path, message));
        }
        let bias = bias.unwrap_or(0);
        binary_regions(&binary, bias, &mut regions);
        let mut image = Self {
            binary,
            notes,
            bias,
            origin: Origin::Core(path),
            problems,
            core,
            live: None,
            regions,
        };
        image.check_same_program();
        Ok(image)
    }

    /// A program by itself, at the addresses it was linked for: code and constants, and variables
    /// as they are before it starts.
    #[must_use]
    pub fn of_program(binary: Binary) -> Self {
        let mut regions = Vec::new();
        binary_regions(&binary, 0, &mut regions);
        Self {
            binary,
            notes: Notes::default(),
            bias: 0,
            origin: Origin::Program,
            problems: Vec::new(),
            core: Vec::new().into(),
            live: None,
            regions,
        }
    }

    /// Reads a process that runs, with its own program or with a copy that has more symbols.
    ///
    /// # Errors
    /// The process or its program can't be read.
    pub fn attach(pid: u32, binary: Option<&Path>) -> Result<Self, Error> {
        let live = Live::open(pid)?;
        let binary = Binary::open(binary.unwrap_or(&live.exe()))?;
        let (notes, spans) = live.describe()?;
        let mut regions = spans
            .iter()
            .map(|span| Region {
                start: span.start,
                end: span.end,
                backing: Backing::Live,
            })
            .collect();
        let bias = bias(&binary, &notes).unwrap_or(0);
        regions = without_overlaps(regions);
        binary_over_live(&binary, bias, &mut regions);
        let mut image = Self {
            binary,
            notes,
            bias,
            origin: Origin::Process(pid),
            problems: Vec::new(),
            core: Vec::new().into(),
            live: Some(live),
            regions,
        };
        image.check_same_program();
        Ok(image)
    }

    /// Keeps what is read of a core in this process's memory from here on, instead of a small share
    /// of it: for work that looks at it in no order, as the strings that a large map's keys point
    /// to.
    pub fn hold(&self) {
        self.core.hold();
    }

    /// The process that runs, if this is one.
    #[must_use]
    pub fn live(&self) -> Option<&Live> {
        self.live.as_ref()
    }

    /// The ranges of addresses that can be read, in order; neighbours are separate.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        let regions = self.regions.iter();
        let regions = regions.filter(|region| region.backing != Backing::Missing);
        regions.map(|region| Span {
            start: region.start,
            end: region.end,
        })
    }

    /// The ranges of the program's own variables: its writable segments as loaded.
    pub fn data(&self) -> impl Iterator<Item = Span> + '_ {
        let segments = self.binary.segments.iter();
        segments.filter(|segment| segment.writable).map(|segment| {
            let start = segment.address.wrapping_add(self.bias);
            Span {
                start,
                end: start.saturating_add(segment.memory_size),
            }
        })
    }

    /// Bytes of memory that the core holds, or that the process has mapped.
    #[must_use]
    pub fn size(&self) -> u64 {
        let held = self
            .regions
            .iter()
            .filter(|region| matches!(region.backing, Backing::Core(_) | Backing::Live));
        held.map(|region| region.end - region.start).sum()
    }

    /// Whether an address lies in a mapping of another file than the program, such as libc.
    #[must_use]
    pub fn foreign_file(&self, address: u64) -> Option<&str> {
        let file = self
            .notes
            .files
            .iter()
            .find(|file| (file.start..file.end).contains(&address))?;
        let own = self.binary.segments.iter().any(|segment| {
            let start = segment.address.wrapping_add(self.bias);
            address.wrapping_sub(start) < segment.memory_size
        });
        (!own).then_some(file.path.as_str())
    }

    /// As much as can be read from an address on, at most `len` bytes; may be empty. What lies over
    /// a border of two regions is whole: the variables of a process are mapped in two parts, one of
    /// the file and one of zeros, and a variable may begin in one and end in the other.
    #[must_use]
    pub fn read_some(&self, address: u64, len: usize) -> Cow<'_, [u8]> {
        let part = |address: u64, len: usize| {
            let region = self.region(address)?;
            let len = len.min(usize::try_from(region.end - address).unwrap_or(usize::MAX));
            self.read_region(region, address, len)
        };
        let mut bytes = part(address, len).unwrap_or_default();
        while !bytes.is_empty()
            && bytes.len() < len
            && let Some(next) = address.checked_add(bytes.len() as u64)
            && let Some(more) = part(next, len - bytes.len())
        {
            bytes.to_mut().extend_from_slice(&more);
        }
        bytes
    }

    fn region(&self, address: u64) -> Option<&Region> {
        let index = self.regions.partition_point(|region| region.end <= address);
        let region = self.regions.get(index)?;
        (region.start <= address).then_some(region)
    }

    /// Bytes that all lie in one region.
    fn read_region(&self, region: &Region, address: u64, len: usize) -> Option<Cow<'_, [u8]>> {
        let skip = usize::try_from(address - region.start).ok()?;
        let slice = |bytes: &'_ [u8], offset: usize| {
            let start = offset.checked_add(skip)?;
            Some(start..start.checked_add(len)?).filter(|range| range.end <= bytes.len())
        };
        match region.backing {
            Backing::Core(offset) => {
                let range = slice(&self.core, offset)?;
                self.core.part(range).map(Cow::Borrowed)
            }
            Backing::Binary(offset) => {
                let range = slice(&self.binary.bytes, offset)?;
                self.binary.bytes.get(range).map(Cow::Borrowed)
            }
            Backing::Zero => Some(match ZEROS.get(..len) {
                Some(zeros) => Cow::Borrowed(zeros),
                None => Cow::Owned(vec![0; len]),
            }),
            Backing::Live => {
                let mut buffer = vec![0; len];
                self.live.as_ref()?.read(address, &mut buffer)?;
                Some(Cow::Owned(buffer))
            }
            Backing::Missing => None,
        }
    }

    /// Compares what the process has of the program's constant bytes and of its build information
    /// with the file, and names a difference.
    fn check_same_program(&mut self) {
        let Some(difference) = self.difference() else {
            return;
        };
        let message = format!(
            "not the program that {} was made by: {difference}; names, types and stacks can't be \
             trusted",
            self.origin
        );
        let path = self.binary.path.clone();
        self.problems.insert(0, problem(&path, message));
    }

    fn difference(&self) -> Option<String> {
        if !self.binary.relocatable
            && let Some(entry) = self.notes.aux(AT_ENTRY)
            && entry != self.binary.entry
        {
            return Some(format!(
                "it starts at {:#x}, the process at {entry:#x}",
                self.binary.entry
            ));
        }
        // The kernel dumps the first page of each file, with the note of its build ID in it. A
        // program that was stripped later has another header and the same ID.
        let start = self.binary.segments.iter().find(|s| s.offset == 0);
        if let Some(start) = start {
            let page = self.own_bytes(start.address.wrapping_add(self.bias), PAGE)?;
            if let (Some(file), Some(dumped)) = (&self.binary.go_build_id, go_note(&page)) {
                return (*file != dumped)
                    .then(|| format!("its Go build ID is {file}, that of the process {dumped}"));
            }
        }
        // Build information lies among the variables and is never changed.
        let range = self.binary.section_range(".go.buildinfo")?;
        let file = self.binary.section_bytes(".go.buildinfo")?;
        let own = self.own_bytes(range.start.wrapping_add(self.bias), file.len())?;
        // Up to 16 bytes are magic and sizes; then pointers, which a loader may relocate.
        let differs = own
            .get(32..)
            .zip(file.get(32..))
            .is_some_and(|(own, file)| own != file);
        differs.then(|| "its build information differs".to_owned())
    }

    /// Bytes from the core or the process, never from the program's file; as many as there are.
    fn own_bytes(&self, address: u64, len: usize) -> Option<Cow<'_, [u8]>> {
        if let Some(live) = &self.live {
            let mut buffer = vec![0; len];
            return live.read(address, &mut buffer).map(|()| Cow::Owned(buffer));
        }
        match self.region(address) {
            Some(region) if matches!(region.backing, Backing::Core(_)) => {
                Some(self.read_some(address, len))
            }
            _ => Some(Cow::Borrowed(&[])),
        }
    }
}

const PAGE: usize = 4096;

static ZEROS: [u8; PAGE] = [0; PAGE];

impl Memory for Image {
    fn read(&self, address: u64, len: usize) -> Option<Cow<'_, [u8]>> {
        if len == 0 {
            return Some(Cow::Borrowed(&[]));
        }
        let end = address.checked_add(len as u64)?;
        let region = self.region(address)?;
        if end <= region.end {
            return self.read_region(region, address, len);
        }
        // Over more than one region: first make sure that all is there, so that an absurd length
        // costs nothing.
        let mut at = region.end;
        while at < end {
            let next = self.region(at)?;
            if next.backing == Backing::Missing {
                return None;
            }
            at = next.end;
        }
        let mut out = Vec::with_capacity(len);
        let mut at = address;
        while at < end {
            let region = self.region(at)?;
            let stop = region.end.min(end);
            let part = usize::try_from(stop - at).ok()?;
            out.extend_from_slice(&self.read_region(region, at, part)?);
            at = stop;
        }
        Some(Cow::Owned(out))
    }
}

/// The regions that a core has bytes for.
fn core_regions(
    segments: &[Segment],
    len: u64,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Vec<Region> {
    let mut regions = Vec::new();
    let mut cut = 0u64;
    for segment in segments {
        let size = segment.file_size.min(segment.memory_size);
        let Some(end) = segment.address.checked_add(size) else {
            continue;
        };
        let there = len.saturating_sub(segment.offset).min(size);
        let Ok(offset) = usize::try_from(segment.offset) else {
            continue;
        };
        let middle = segment.address + there;
        let mut push = |start, end, backing| {
            if start < end {
                regions.push(Region {
                    start,
                    end,
                    backing,
                });
            }
        };
        push(segment.address, middle, Backing::Core(offset));
        push(middle, end, Backing::Missing);
        cut = cut.saturating_add(size - there);
    }
    if cut > 0 {
        let message = format!("cut off: {cut} bytes of memory that it should hold are missing");
        problems.push(problem(path, message));
    }
    let count = regions.len();
    let regions = without_overlaps(regions);
    if regions.len() < count {
        let message = format!(
            "{} of its segments overlap others and were left out",
            count - regions.len()
        );
        problems.push(problem(path, message));
    }
    joined(regions)
}

/// Makes one region of neighbours that are neighbours in the core too: what lies over both can
/// then be borrowed.
fn joined(regions: Vec<Region>) -> Vec<Region> {
    let mut out: Vec<Region> = Vec::with_capacity(regions.len());
    for region in regions {
        if let Some(last) = out.last_mut()
            && last.end == region.start
            && let (Backing::Core(first), Backing::Core(second)) = (last.backing, region.backing)
            && Some(second as u64) == (first as u64).checked_add(last.end - last.start)
        {
            last.end = region.end;
        } else {
            out.push(region);
        }
    }
    out
}

/// Sorts regions and drops those that begin inside another.
fn without_overlaps(mut regions: Vec<Region>) -> Vec<Region> {
    regions.sort_by_key(|region| region.start);
    let mut end = 0;
    regions.retain(|region| {
        let free = region.start >= end;
        if free {
            end = region.end;
        }
        free
    });
    regions
}

/// Fills what the core leaves free with the program's segments.
fn binary_regions(binary: &Binary, bias: u64, regions: &mut Vec<Region>) {
    let mut added = Vec::new();
    for (part, backing) in binary_parts(binary, bias) {
        let mut at = part.start;
        let first = regions.partition_point(|region| region.end <= at);
        let mut fill = |start: u64, end: u64| {
            if start < end {
                let skip = usize::try_from(start - part.start).unwrap_or(usize::MAX);
                let backing = match backing {
                    Backing::Binary(offset) => Backing::Binary(offset.saturating_add(skip)),
                    other => other,
                };
                added.push(Region {
                    start,
                    end,
                    backing,
                });
            }
        };
        for region in regions.iter().skip(first) {
            if region.start >= part.end {
                break;
            }
            fill(at, region.start);
            at = at.max(region.end);
        }
        fill(at, part.end);
    }
    regions.extend(added);
    *regions = without_overlaps(std::mem::take(regions));
}

/// Takes what can't be written to from the program's file: that needs no system call.
fn binary_over_live(binary: &Binary, bias: u64, regions: &mut Vec<Region>) {
    let parts: Vec<_> = binary
        .segments
        .iter()
        .filter(|segment| !segment.writable)
        .filter_map(|segment| {
            let start = segment.address.checked_add(bias)?;
            let end = start.checked_add(segment.file_size)?;
            let offset = usize::try_from(segment.offset).ok()?;
            let there = binary.bytes.len().checked_sub(offset)? as u64;
            (segment.file_size <= there && start < end).then_some(Region {
                start,
                end,
                backing: Backing::Binary(offset),
            })
        })
        .collect();
    let mut out = Vec::with_capacity(regions.len() + 2 * parts.len());
    for region in regions.iter() {
        let mut at = region.start;
        for part in &parts {
            if part.start < region.end && part.end > at {
                if at < part.start {
                    out.push(Region {
                        start: at,
                        end: part.start,
                        ..*region
                    });
                }
                at = part.end.max(at);
            }
        }
        if at < region.end {
            out.push(Region {
                start: at,
                ..*region
            });
        }
    }
    out.extend(parts);
    *regions = without_overlaps(out);
}

/// The address ranges of a program's segments and where their bytes are.
fn binary_parts(binary: &Binary, bias: u64) -> Vec<(Span, Backing)> {
    let mut parts = Vec::new();
    for segment in &binary.segments {
        let Some(start) = segment.address.checked_add(bias) else {
            continue;
        };
        let Ok(offset) = usize::try_from(segment.offset) else {
            continue;
        };
        let there = (binary.bytes.len() as u64).saturating_sub(segment.offset);
        let size = segment.file_size.min(there);
        let Some(middle) = start.checked_add(size) else {
            continue;
        };
        parts.push((Span { start, end: middle }, Backing::Binary(offset)));
        if let Some(end) = start.checked_add(segment.memory_size)
            && segment.file_size <= there
            && middle < end
        {
            parts.push((Span { start: middle, end }, Backing::Zero));
        }
    }
    parts
}

/// What to add to the program's addresses, if that can be told.
fn bias(binary: &Binary, notes: &Notes) -> Option<u64> {
    if !binary.relocatable {
        return Some(0);
    }
    if let Some(entry) = notes.aux(AT_ENTRY) {
        let bias = entry.wrapping_sub(binary.entry);
        return bias.is_multiple_of(PAGE as u64).then_some(bias);
    }
    let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
    let own = name(&binary.path);
    let file = notes
        .files
        .iter()
        .find(|file| file.offset == 0 && name(&file.path) == own)?;
    let first = binary.segments.iter().find(|s| s.offset == 0)?;
    Some(file.start.wrapping_sub(first.address))
}

/// The linker's and Go's build ID.
fn build_ids(notes: &[Note<'_>]) -> (Option<String>, Option<String>) {
    let find = |name: &[u8], kind| {
        let mut notes = notes.iter();
        notes.find(|note| note.name == name && note.kind == kind)
    };
    let gnu = find(b"GNU", 3).map(|note| note.desc.iter().map(|b| format!("{b:02x}")).collect());
    let go = find(b"Go", 4).map(|note| String::from_utf8_lossy(note.desc).into_owned());
    (gnu, go)
}

/// Go's build ID in the first page of a program.
fn go_note(page: &[u8]) -> Option<String> {
    const HEAD: &[u8] = b"\x04\0\0\0Go\0\0";
    let at = page.windows(HEAD.len()).position(|window| window == HEAD)?;
    let len = u32::from_le_bytes(*page.get(at.checked_sub(4)?..)?.first_chunk()?);
    let start = at + HEAD.len();
    let id = page.get(start..start.checked_add(usize::try_from(len).ok()?)?)?;
    Some(String::from_utf8_lossy(id).into_owned())
}

fn problem(file: &str, message: String) -> Problem {
    Problem {
        file: Some(file.to_owned()),
        line: None,
        column: None,
        kind: ProblemKind::Read,
        message,
    }
}
