//! The few lines of a file that a report shows.

use std::ops::Range;

use tophash_finding::Place;

use crate::Sources;

/// A place of more lines than this is shown by its first line.
const MAX_LINES: u32 = 4;

/// A line of more bytes than this is cut around what it is shown for: generated
/// tables have lines of megabytes.
const MAX_LINE_BYTES: usize = 400;

/// Bytes kept on either side of a mark in a line that is cut, and the most that a
/// mark itself keeps.
const CONTEXT_BYTES: usize = 100;

/// Source text around a place, and where in it the place lies.
#[derive(Debug)]
pub(crate) struct Excerpt {
    pub(crate) text: String,
    /// Number of its first line.
    pub(crate) line: u32,
    /// The place, as bytes of `text` at character boundaries.
    pub(crate) mark: Range<usize>,
}

impl Excerpt {
    /// Number of its last line.
    pub(crate) fn last_line(&self) -> u32 {
        self.line + self.text.matches('\n').count() as u32
    }
}

/// Takes the lines of `place`. None if they can't be read.
pub(crate) fn excerpt(sources: &mut Sources<'_>, place: &Place) -> Option<Excerpt> {
    let start = column_offset(place.column);
    let lines = place.end_line.saturating_sub(place.line);
    if lines == 0 || lines >= MAX_LINES {
        let line = sources.line(&place.file, place.line)?;
        let start = start.min(line.len());
        let end = match lines {
            0 => column_offset(place.end_column).clamp(start, line.len()),
            _ => line.len(),
        };
        let (text, mark) = decode(line, start..end);
        return Some(Excerpt {
            text,
            line: place.line,
            mark,
        });
    }
    let mut text = String::new();
    let mut mark = 0..0;
    for number in place.line..=place.end_line {
        let Some(line) = sources.line(&place.file, number) else {
            break;
        };
        let first = number == place.line;
        let from = if first { start.min(line.len()) } else { 0 };
        let to = match number == place.end_line {
            true => column_offset(place.end_column).clamp(from, line.len()),
            false => line.len(),
        };
        let (line, span) = decode(line, from..to);
        if !first {
            text.push('\n');
        }
        if first {
            mark.start = span.start;
        }
        mark.end = text.len() + span.end;
        text.push_str(&line);
    }
    (!text.is_empty()).then_some(Excerpt {
        text,
        line: place.line,
        mark,
    })
}

fn column_offset(column: u32) -> usize {
    column.saturating_sub(1) as usize
}

/// A line as text, bytes that are not UTF-8 replaced, and `mark` moved along.
fn decode(line: &[u8], mark: Range<usize>) -> (String, Range<usize>) {
    let (line, mark) = cut(line, mark);
    let mut text = String::with_capacity(line.bytes.len() + 2 * CUT.len());
    let (mut start, mut end) = (None, None);
    if line.cut_before {
        text.push_str(CUT);
    }
    let mut offset = 0;
    for chunk in line.bytes.utf8_chunks() {
        for (at, c) in chunk.valid().char_indices() {
            // A mark inside a character begins with it and ends behind it.
            if start.is_none() && mark.start < offset + at + c.len_utf8() {
                start = Some(text.len());
            }
            if end.is_none() && mark.end <= offset + at {
                end = Some(text.len());
            }
            text.push(c);
        }
        offset += chunk.valid().len();
        if chunk.invalid().is_empty() {
            continue;
        }
        if start.is_none() && mark.start < offset + chunk.invalid().len() {
            start = Some(text.len());
        }
        if end.is_none() && mark.end <= offset {
            end = Some(text.len());
        }
        text.push(char::REPLACEMENT_CHARACTER);
        offset += chunk.invalid().len();
    }
    let start = start.unwrap_or(text.len());
    let end = end.unwrap_or(text.len()).max(start);
    if line.cut_after {
        text.push_str(CUT);
    }
    (text, start..end)
}

/// Stands for what was cut away.
const CUT: &str = "…";

struct Cut<'a> {
    bytes: &'a [u8],
    cut_before: bool,
    cut_after: bool,
}

/// Cuts a long line around `mark`, which moves along.
fn cut(line: &[u8], mark: Range<usize>) -> (Cut<'_>, Range<usize>) {
    if line.len() <= MAX_LINE_BYTES {
        let whole = Cut {
            bytes: line,
            cut_before: false,
            cut_after: false,
        };
        return (whole, mark);
    }
    let mark = mark.start..mark.end.min(mark.start + CONTEXT_BYTES);
    let from = character_start(line, mark.start.saturating_sub(CONTEXT_BYTES));
    let to = character_start(line, (mark.end + CONTEXT_BYTES).min(line.len()));
    let part = Cut {
        bytes: &line[from..to],
        cut_before: from > 0,
        cut_after: to < line.len(),
    };
    (part, mark.start - from..mark.end - from)
}

/// The start of the character that holds the byte at `at`.
fn character_start(line: &[u8], at: usize) -> usize {
    let is_start = |&i: &usize| line.get(i).is_none_or(|b| b & 0xC0 != 0x80);
    (at.saturating_sub(3)..=at)
        .rev()
        .find(is_start)
        .unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &[u8], place: Place) -> Option<(String, String)> {
        let mut sources = Sources::new(|_| Some(text.to_vec()));
        excerpt(&mut sources, &place).map(|e| (e.text[e.mark.clone()].to_owned(), e.text))
    }

    fn on_line(line: u32, start: u32, end: u32) -> Place {
        Place::new("a.go", (line, start), (line, end))
    }

    #[test]
    fn marks_by_bytes_behind_wide_characters() {
        let (mark, text) =
            shown("x := \"日本\"; m[k] = v\n".as_bytes(), on_line(1, 16, 20)).unwrap();
        assert_eq!(
            (mark.as_str(), text.as_str()),
            ("m[k]", "x := \"日本\"; m[k] = v")
        );
    }

    #[test]
    fn replaces_what_is_not_utf8() {
        let (mark, text) = shown(b"\xff\xfe m[k]\r\n", on_line(1, 4, 8)).unwrap();
        assert_eq!(
            (mark.as_str(), text.as_str()),
            ("m[k]", "\u{fffd}\u{fffd} m[k]")
        );
    }

    /// Columns from elsewhere (a stale finding, a `//line` comment) may fall anywhere.
    #[test]
    fn bears_any_place() {
        let text = "é\nab\n".as_bytes();
        for line in 0..5 {
            for start in 0..6 {
                for end_line in 0..7 {
                    for end in 0..6 {
                        shown(text, Place::new("a.go", (line, start), (end_line, end)));
                    }
                }
            }
        }
    }

    #[test]
    fn cuts_long_lines() {
        let mut text = "é".repeat(5000);
        text.push_str("m[k]");
        text.push_str(&"é".repeat(5000));
        let (mark, text) = shown(text.as_bytes(), on_line(1, 10_001, 10_005)).unwrap();
        assert_eq!(mark, "m[k]");
        assert!(text.len() < 300 && text.starts_with("…é") && text.ends_with("é…"));
    }

    #[test]
    fn takes_a_few_lines_whole_and_many_by_the_first() {
        let text = b"f(\n  a,\n)\nx\ny\nz\n";
        let (mark, all) = shown(text, Place::new("a.go", (1, 1), (3, 2))).unwrap();
        assert_eq!(
            (mark.as_str(), all.as_str()),
            ("f(\n  a,\n)", "f(\n  a,\n)")
        );
        let (mark, all) = shown(text, Place::new("a.go", (1, 2), (6, 2))).unwrap();
        assert_eq!((mark.as_str(), all.as_str()), ("(", "f("));
    }
}
