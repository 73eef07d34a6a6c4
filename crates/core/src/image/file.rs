//! The bytes of a file, mapped instead of read. The one place in this crate that isn't safe Rust.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::{Mmap, UncheckedAdvice};

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The bytes of a file.
#[derive(Debug)]
pub struct FileBytes {
    bytes: Bytes,
    resident: Resident,
}

/// Which parts of a mapped file this process holds in memory, as far as they were read through
/// [`FileBytes::part`].
#[derive(Debug, Default)]
struct Resident {
    /// A bit for each block.
    blocks: Vec<AtomicU64>,
    /// How many bits are set.
    count: AtomicUsize,
    /// How many may be before the pages are given back.
    limit: AtomicUsize,
}

/// What the kernel maps at once around a page that is read.
const BLOCK: usize = 64 << 10;

/// Pages are given back when more than this part of a file is held, and more than `HELD` bytes.
const SHARE: usize = 256;
const HELD: usize = 4 << 20;

impl Resident {
    fn new(len: usize) -> Self {
        let blocks = len.div_ceil(BLOCK);
        Self {
            blocks: (0..blocks.div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect(),
            count: AtomicUsize::new(0),
            limit: AtomicUsize::new((len / SHARE).max(HELD) / BLOCK),
        }
    }

    /// Notes that a range is about to be read. Gives whether it is time to give pages back.
    fn touch(&self, range: &Range<usize>) -> bool {
        let mut full = false;
        for block in range.start / BLOCK..range.end.div_ceil(BLOCK) {
            let Some(word) = self.blocks.get(block / 64) else {
                break;
            };
            let bit = 1 << (block % 64);
            if word.load(Ordering::Relaxed) & bit == 0
                && word.fetch_or(bit, Ordering::Relaxed) & bit == 0
            {
                let limit = self.limit.load(Ordering::Relaxed);
                full |= self.count.fetch_add(1, Ordering::Relaxed) >= limit;
            }
        }
        full
    }

    fn clear(&self) {
        self.count.store(0, Ordering::Relaxed);
        for word in &self.blocks {
            word.store(0, Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Owned(Arc<Vec<u8>>),
}

impl FileBytes {
    /// Maps a file for reading.
    ///
    /// # Errors
    /// What opening and mapping give.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::map(&File::open(path)?)
    }

    /// Maps an open file for reading.
    ///
    /// # Errors
    /// What mapping gives.
    pub fn map(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if metadata.len() == 0 {
            return Ok(Vec::new().into());
        }
        // SAFETY: the mapping is never written to. Another process may change the
        // file meanwhile: its bytes are plain data of which every value is valid, and each is
        // checked after it is read. One that cuts the file short ends this process with SIGBUS,
        // as it does for every program that maps files.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(file)? };
        Ok(Self {
            resident: Resident::new(map.len()),
            bytes: Bytes::Mapped(map),
        })
    }

    /// A part of the bytes. Of a large file only a small share stays in this process's memory,
    /// whatever is read of it; the kernel keeps the rest in its cache.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Option<&[u8]> {
        if let Bytes::Mapped(map) = &self.bytes
            && self.resident.touch(&range)
        {
            self.resident.clear();
            // SAFETY: the mapping is of a file, shared and never written to, so that pages given
            // back are read from the file again where they are looked at next. Should it fail,
            // they just stay.
            #[allow(unsafe_code)]
            let _ = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) };
        }
        self.get(range)
    }
}

impl FileBytes {
    /// Gives no pages back from here on: for work that looks at memory in no order, each page many
    /// times.
    pub fn hold(&self) {
        self.resident.limit.store(usize::MAX, Ordering::Relaxed);
    }
}

impl From<Vec<u8>> for FileBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Arc::new(bytes).into()
    }
}

impl From<Arc<Vec<u8>>> for FileBytes {
    fn from(bytes: Arc<Vec<u8>>) -> Self {
        Self {
            bytes: Bytes::Owned(bytes),
            resident: Resident::default(),
        }
    }
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}
