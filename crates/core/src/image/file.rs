//! The bytes of a file, mapped instead of read. The one place in this crate that isn't safe Rust.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// The bytes of a file.
#[derive(Debug)]
pub struct FileBytes(Bytes);

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
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
            return Ok(Self(Bytes::Owned(Vec::new())));
        }
        // SAFETY: the mapping is private and never written to. Another process may change the
        // file meanwhile: its bytes are plain data of which every value is valid, and each is
        // checked after it is read. One that cuts the file short ends this process with SIGBUS,
        // as it does for every program that maps files.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(file)? };
        Ok(Self(Bytes::Mapped(map)))
    }
}

impl From<Vec<u8>> for FileBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Bytes::Owned(bytes))
    }
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}
