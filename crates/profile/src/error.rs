//! Why a profile can't be read.

use std::fmt;

/// A profile that can't be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// The profile: a file or an address, as the caller names it.
    pub name: String,
    /// The byte of the (unpacked) profile at which it went wrong.
    pub offset: u64,
    /// Whether `offset` counts unpacked bytes of a compressed file.
    pub unpacked: bool,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error { name, offset, .. } = self;
        let of = if self.unpacked {
            " of what is unpacked"
        } else {
            ""
        };
        write!(f, "{name}: byte {offset}{of}: {}", self.message)
    }
}

impl std::error::Error for Error {}
