//! The log: a file, standard input, compressed or not.

use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::utf16::{self, Utf16};

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
/// It can't be opened, is a directory, Go source, or compressed in a way that isn't read.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut log: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path)?;
        // Tests hold stacks in strings, which are no crash of theirs.
        if path.extension().is_some_and(|ext| ext == "go") {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "not a log but Go source: pass it as `-` to read it all the same",
            ));
        }
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
        true => decoded(MultiGzDecoder::new(whole))?,
        false => decoded(whole)?,
    })
}

/// The text as UTF-8, if it begins as UTF-16 does; else as it is.
fn decoded<R: Read + 'static>(mut text: R) -> io::Result<Box<dyn Read>> {
    let mut head = Vec::new();
    // What a damaged file gives is read again and said later.
    if let Err(error) = text.by_ref().take(4).read_to_end(&mut head) {
        return Ok(Box::new(Cursor::new(head).chain(Broken(Some(error)))));
    }
    let order = utf16::order(&head);
    let whole = Cursor::new(head).chain(text);
    Ok(match order {
        Some(order) => Box::new(Utf16::new(whole, order)),
        None => Box::new(whole),
    })
}

/// An error of reading that comes behind what was read before it.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
