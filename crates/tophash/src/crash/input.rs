//! The log: a file, standard input, compressed or not.

use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// First bytes of files that are compressed in a way that is not read here.
const OTHERS: [(&[u8], &str); 4] = [
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "xz"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "zip"),
];

/// Opens a log. `-` is standard input.
///
/// # Errors
/// It can't be opened, is a directory, or compressed in a way that isn't read.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut log: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        Box::new(file)
    };
    let mut head = Vec::new();
    log.by_ref().take(8).read_to_end(&mut head)?;
    if let Some((_, name)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            format!("compressed with {name}: decompress it and pass it as `-`"),
        ));
    }
    if head.starts_with(b"\x7fELF") {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            "not a log but a binary or a core dump",
        ));
    }
    let gzip = head.starts_with(&[0x1f, 0x8b]);
    let whole = Cursor::new(head).chain(log);
    Ok(match gzip {
        true => Box::new(MultiGzDecoder::new(whole)),
        false => Box::new(whole),
    })
}
