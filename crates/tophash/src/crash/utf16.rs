//! UTF-16, which is what PowerShell writes when output is redirected to a file, as UTF-8.

use std::io::{self, Read};

/// Which byte of two comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    Little,
    Big,
}

/// The order of a text's bytes if its first four are UTF-16: a byte order mark, or letters with
/// zeros between them.
pub(super) fn order(head: &[u8]) -> Option<Order> {
    match *head {
        // The mark of UTF-32 begins as that of UTF-16 does.
        [0xff, 0xfe, 0, 0] => None,
        [0xff, 0xfe, ..] => Some(Order::Little),
        [0xfe, 0xff, ..] => Some(Order::Big),
        [a, 0, b, 0] if a != 0 && b != 0 => Some(Order::Little),
        [0, a, 0, b] if a != 0 && b != 0 => Some(Order::Big),
        _ => None,
    }
}

/// Bytes read at once; even.
const BLOCK: usize = 64 << 10;

/// Reads UTF-16 as UTF-8, in constant memory. What is no UTF-16 becomes U+FFFD; the byte order
/// mark is left to the reader.
pub(super) struct Utf16<R> {
    inner: R,
    order: Order,
    /// Bytes that are not decoded yet: half a unit, or the first unit of a pair.
    raw: Vec<u8>,
    text: String,
    /// How much of the text was given away.
    given: usize,
}

impl<R: Read> Utf16<R> {
    pub(super) fn new(inner: R, order: Order) -> Utf16<R> {
        Utf16 {
            inner,
            order,
            raw: Vec::with_capacity(BLOCK + 4),
            text: String::new(),
            given: 0,
        }
    }

    /// Decodes the next block. False at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let n = (&mut self.inner)
            .take(BLOCK as u64)
            .read_to_end(&mut self.raw)?;
        let at_end = n < BLOCK;
        let mut units: Vec<u16> = self
            .raw
            .chunks_exact(2)
            .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
            .map(|pair| match self.order {
                Order::Little => u16::from_le_bytes(pair),
                Order::Big => u16::from_be_bytes(pair),
            })
            .collect();
        // The second unit of a pair comes with the next block.
        let open = units.last().is_some_and(|u| (0xd800..0xdc00).contains(u)) && !at_end;
        if open {
            units.pop();
        }
        self.raw.drain(..units.len() * 2);
        if at_end {
            self.raw.clear();
        }
        self.given = 0;
        self.text.clear();
        let chars = char::decode_utf16(units);
        self.text
            .extend(chars.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        Ok(n > 0)
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if !self.fill()? {
                return Ok(0);
            }
        }
        let rest = self.text.as_bytes().get(self.given..).unwrap_or_default();
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        self.given += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, order: Order) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| match order {
                Order::Little => unit.to_le_bytes(),
                Order::Big => unit.to_be_bytes(),
            })
            .collect()
    }

    /// Pairs of units lie across the ends of blocks, at every offset.
    #[test]
    fn decodes_over_the_ends_of_blocks() {
        for order in [Order::Little, Order::Big] {
            for shift in 0..3 {
                let text = format!("{}{}", "a".repeat(shift), "\u{1f642}é\n".repeat(BLOCK / 6));
                let bytes = encoded(&text, order);
                assert_eq!(super::order(&encoded("\u{feff}p", order)), Some(order));
                let mut read = String::new();
                Utf16::new(&*bytes, order)
                    .read_to_string(&mut read)
                    .unwrap();
                assert!(read == text, "{order:?} {shift}");
            }
        }
        assert_eq!(order(b"pani"), None);
    }

    /// Half a unit at the end, and halves of pairs.
    #[test]
    fn damage() {
        let bytes = [0x3d, 0xd8, b'a', 0, 0x00, 0xdc, b'b'];
        let mut read = String::new();
        Utf16::new(&bytes[..], Order::Little)
            .read_to_string(&mut read)
            .unwrap();
        assert_eq!(read, "\u{fffd}a\u{fffd}");
    }
}
