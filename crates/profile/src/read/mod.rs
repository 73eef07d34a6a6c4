//! Bytes to a [`Profile`], whichever form they have.

mod input;
mod proto;
mod text;

use std::io::BufReader;

use flate2::bufread::MultiGzDecoder;

use crate::error::Error;
use crate::model::Profile;
use input::Input;

/// Columns whose values are kept.
pub const MAX_COLUMNS: usize = 4;

/// Unpacked bytes for each packed one. Go's profiles come to 3 to 30; deflate can do a thousand.
const MAX_RATIO: u64 = 200;

/// Unpacked bytes that are read however few packed ones there are.
const MIN_LIMIT: u64 = 16 << 20;

/// Most unpacked bytes.
const MAX_LIMIT: u64 = 8 << 30;

/// Reads a profile: `profile.proto` as Go writes it, with gzip or without, or the text of
/// `heap?debug=1`, `goroutine?debug=1` and the like. `name` is what errors call it.
///
/// Memory stays in proportion to the profile: what gzip may unpack is bounded.
///
/// # Errors
/// It is none of these, it is cut off, or something in it contradicts itself. The error names
/// the byte.
pub fn read(name: &str, bytes: &[u8]) -> Result<Profile, Error> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let limit = (bytes.len() as u64).saturating_mul(MAX_RATIO);
        let limit = limit.clamp(MIN_LIMIT, MAX_LIMIT);
        let unpacked = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(bytes));
        form(Input::new(name, unpacked, limit, true))
    } else {
        form(Input::new(name, bytes, MAX_LIMIT, false))
    }
}

/// Tells the forms apart by their first bytes and reads.
fn form<R: std::io::BufRead>(mut input: Input<'_, R>) -> Result<Profile, Error> {
    let name = input.name.to_owned();
    let first = input.peek()?;
    let mut profile = match first.first() {
        None => return Err(input.error(0, "the profile is empty")),
        Some(b'<' | b'{') => {
            return Err(input.error(0, "this is HTML or JSON, not a profile"));
        }
        // A message's first byte is the key of one of its fields; text begins with a word.
        Some(byte) if byte.is_ascii_lowercase() => text::read(&mut input)?,
        Some(_) => proto::read(&mut input)?,
    };
    profile.name = name;
    Ok(profile)
}
