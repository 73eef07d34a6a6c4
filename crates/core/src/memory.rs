//! The memory of a Go process, wherever it comes from.

use std::borrow::Cow;

/// Memory of a process: a core dump joined with its binary, or a process that still runs.
///
/// All words are little-endian; addresses are those of the process.
pub trait Memory: Sync {
    /// The `len` bytes at an address: borrowed where they lie in one piece of a file, else copied.
    /// None if any of them can't be read.
    fn read(&self, address: u64, len: usize) -> Option<Cow<'_, [u8]>>;

    /// The byte at an address.
    fn u8(&self, address: u64) -> Option<u8> {
        self.read(address, 1)?.first().copied()
    }

    /// The two bytes at an address.
    fn u16(&self, address: u64) -> Option<u16> {
        Some(u16::from_le_bytes(*self.read(address, 2)?.first_chunk()?))
    }

    /// The four bytes at an address.
    fn u32(&self, address: u64) -> Option<u32> {
        Some(u32::from_le_bytes(*self.read(address, 4)?.first_chunk()?))
    }

    /// The word at an address.
    fn u64(&self, address: u64) -> Option<u64> {
        Some(u64::from_le_bytes(*self.read(address, 8)?.first_chunk()?))
    }
}
