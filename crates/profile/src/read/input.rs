//! Bounded reading that knows where it is.

use std::io::{BufRead, ErrorKind, Read};

use crate::error::Error;

/// Bytes of a profile.
pub(super) struct Input<'a, R> {
    /// What errors call the profile.
    pub(super) name: &'a str,
    from: R,
    /// Bytes read so far.
    pub(super) offset: u64,
    limit: u64,
    unpacked: bool,
}

impl<'a, R: BufRead> Input<'a, R> {
    pub(super) fn new(name: &'a str, from: R, limit: u64, unpacked: bool) -> Self {
        Input {
            name,
            from,
            offset: 0,
            limit,
            unpacked,
        }
    }

    /// Says what is wrong at a byte.
    pub(super) fn error(&self, offset: u64, message: impl Into<String>) -> Error {
        Error {
            name: self.name.to_owned(),
            offset,
            unpacked: self.unpacked,
            message: message.into(),
        }
    }

    fn broken(&self, error: &std::io::Error) -> Error {
        let message = match error.kind() {
            ErrorKind::UnexpectedEof => "the compressed data are cut off here".to_owned(),
            _ => format!("can't be unpacked: {error}"),
        };
        self.error(self.offset, message)
    }

    /// Some of the bytes that come next; none at the end.
    pub(super) fn peek(&mut self) -> Result<&[u8], Error> {
        // Twice, because of how long what is returned lives.
        if let Err(error) = self.from.fill_buf() {
            return Err(self.broken(&error));
        }
        if self.offset >= self.limit {
            let mib = self.limit >> 20;
            return Err(self.error(
                self.offset,
                format!("it unpacks to more than {mib} MiB, which no profile of its size does"),
            ));
        }
        Ok(self.from.fill_buf().unwrap_or(&[]))
    }

    fn consume(&mut self, n: usize) {
        self.from.consume(n);
        self.offset += n as u64;
    }

    /// The next byte; none at the end.
    pub(super) fn byte(&mut self) -> Result<Option<u8>, Error> {
        let byte = self.peek()?.first().copied();
        if byte.is_some() {
            self.consume(1);
        }
        Ok(byte)
    }

    /// A number of profile.proto; none at the end.
    pub(super) fn varint(&mut self) -> Result<Option<u64>, Error> {
        let start = self.offset;
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = match self.byte()? {
                Some(byte) => byte,
                None if shift == 0 => return Ok(None),
                None => return Err(self.error(self.offset, "the profile is cut off here")),
            };
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(Some(value));
            }
        }
        Err(self.error(start, "a number of more than ten bytes"))
    }

    /// The next `len` bytes in place of what `into` holds.
    pub(super) fn take(&mut self, len: u64, into: &mut Vec<u8>) -> Result<(), Error> {
        into.clear();
        let left = self.limit.saturating_sub(self.offset);
        // Grows with what is there, not with what is claimed.
        let read = (&mut self.from).take(len.min(left)).read_to_end(into);
        if let Err(error) = read {
            return Err(self.broken(&error));
        }
        self.offset += into.len() as u64;
        if (into.len() as u64) < len {
            self.peek()?;
            return Err(self.error(
                self.offset,
                format!(
                    "the profile is cut off here: a field of {len} bytes has {}",
                    into.len()
                ),
            ));
        }
        Ok(())
    }

    /// The next line without its end, in place of what `into` holds; false at the end.
    pub(super) fn line(&mut self, max: usize, into: &mut Vec<u8>) -> Result<bool, Error> {
        into.clear();
        let start = self.offset;
        loop {
            let buffer = self.peek()?;
            if buffer.is_empty() {
                return Ok(self.offset > start);
            }
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let text = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or(buffer);
            if into.len() + text.len() > max {
                return Err(self.error(start, format!("a line of more than {max} bytes")));
            }
            into.extend_from_slice(text);
            let n = text.len() + usize::from(end.is_some());
            self.consume(n);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}
