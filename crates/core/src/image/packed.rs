//! Compressed cores: unpacked into a temporary file, holes and all.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

use super::Error;
use super::file::FileBytes;

/// More than any core that can be looked at: what unpacks to more is no core.
const LIMIT: u64 = 1 << 40;

/// A core's bytes, unpacked where they were compressed.
///
/// # Errors
/// The file can't be read or unpacked, or it is compressed in a way that can't be.
pub(super) fn open(path: &Path) -> Result<(FileBytes, Option<String>), Error> {
    let mut file = File::open(path).map_err(|e| Error::io(path, &e))?;
    let mut magic = [0; 6];
    let len = read_up_to(&mut file, &mut magic).map_err(|e| Error::io(path, &e))?;
    let magic = magic.get(..len).unwrap_or_default();
    file.seek(SeekFrom::Start(0))
        .map_err(|e| Error::io(path, &e))?;
    match magic {
        [0x1f, 0x8b, ..] => {
            let reader = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file));
            unpack(path, reader, "gzip")
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let reader = StreamingDecoder::new(BufReader::with_capacity(1 << 16, file))
                .map_err(|e| Error::new(&path.to_string_lossy(), format!("zstd: {e}")))?;
            unpack(path, reader, "zstd")
        }
        [0x04, 0x22, 0x4d, 0x18, ..] => Err(hint(path, "lz4", "lz4 -d")),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Err(hint(path, "xz", "xz -dk")),
        [b'B', b'Z', b'h', ..] => Err(hint(path, "bzip2", "bzip2 -dk")),
        _ => {
            let bytes = FileBytes::map(&file).map_err(|e| Error::io(path, &e))?;
            Ok((bytes, None))
        }
    }
}

fn hint(path: &Path, name: &str, command: &str) -> Error {
    let path = path.to_string_lossy();
    Error::new(
        &path,
        format!("compressed with {name}; unpack it first: {command} {path}"),
    )
}

/// Unpacks into a temporary file. A stream that ends in the middle gives what came before, and a
/// sentence about it.
fn unpack(
    path: &Path,
    mut reader: impl Read,
    form: &str,
) -> Result<(FileBytes, Option<String>), Error> {
    let failed = |e: &io::Error| {
        let message = format!("unpacking into a temporary file: {e}");
        Error::new(&path.to_string_lossy(), message)
    };
    let mut out = tempfile::tempfile().map_err(|e| failed(&e))?;
    let mut chunk = vec![0; 1 << 16];
    let mut total = 0u64;
    let mut cut = None;
    loop {
        let len = match read_up_to(&mut reader, &mut chunk) {
            Ok(len) => len,
            Err(error) => {
                let at = format!("the {form} stream breaks off after {total} unpacked bytes");
                // Of a file that merely ends too early the decoders' own words tell no more.
                cut = Some(match is_end(&error) {
                    true => at,
                    false => format!("{at}: {error}"),
                });
                break;
            }
        };
        let Some(bytes) = chunk.get(..len).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        total += len as u64;
        if total > LIMIT {
            let message = format!("unpacks to more than {LIMIT} bytes");
            return Err(Error::new(&path.to_string_lossy(), message));
        }
        // Cores are mostly zeros: holes cost no disk.
        if bytes.iter().all(|byte| *byte == 0) {
            out.seek(SeekFrom::Current(len as i64))
                .map_err(|e| failed(&e))?;
        } else {
            out.write_all(bytes).map_err(|e| failed(&e))?;
        }
    }
    out.set_len(total).map_err(|e| failed(&e))?;
    let bytes = FileBytes::map(&out).map_err(|e| failed(&e))?;
    Ok((bytes, cut))
}

/// Whether an error, or one that caused it, is that of a file that ends too early.
fn is_end(error: &io::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof) {
            return true;
        }
        // The source of an error of input or output leaves out the one that it wraps.
        next = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

/// Fills a buffer as far as the reader gives bytes.
fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if len > 0 && error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}
