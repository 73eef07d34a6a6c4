//! The text of files that findings point to.

use std::collections::HashMap;

/// Reads a file by the name that findings give it.
type Load<'a> = Box<dyn Fn(&str) -> Option<Vec<u8>> + 'a>;

/// Files that are read when they are first asked for.
pub struct Sources<'a> {
    load: Load<'a>,
    files: HashMap<String, Option<Source>>,
}

struct Source {
    text: Vec<u8>,
    /// Offset of the first byte of each line.
    lines: Vec<usize>,
}

impl<'a> Sources<'a> {
    /// Files come from `load`, which is called at most once for each.
    pub fn new(load: impl Fn(&str) -> Option<Vec<u8>> + 'a) -> Sources<'a> {
        Sources {
            load: Box::new(load),
            files: HashMap::new(),
        }
    }

    /// A line, counted from 1, without its line end. None if the file can't be
    /// read or has no such line.
    pub fn line(&mut self, file: &str, line: u32) -> Option<&[u8]> {
        self.source(file)?.line(line)
    }

    /// Line and column in bytes, both from 1, of an offset in a file. None if the file
    /// can't be read or ends before.
    pub(crate) fn position(&mut self, file: &str, offset: u32) -> Option<(u32, u32)> {
        let source = self.source(file)?;
        let offset = usize::try_from(offset).ok()?;
        if offset > source.text.len() {
            return None;
        }
        let line = source.lines.partition_point(|&start| start <= offset);
        let start = source.lines.get(line.checked_sub(1)?)?;
        let column = offset - start + 1;
        Some((u32::try_from(line).ok()?, u32::try_from(column).ok()?))
    }

    fn source(&mut self, file: &str) -> Option<&Source> {
        if !self.files.contains_key(file) {
            let source = (self.load)(file).map(Source::new);
            self.files.insert(file.to_owned(), source);
        }
        self.files.get(file)?.as_ref()
    }
}

impl Source {
    fn new(text: Vec<u8>) -> Source {
        let ends = text.iter().enumerate().filter(|&(_, &b)| b == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(i, _)| i + 1)).collect();
        Source { text, lines }
    }

    fn line(&self, line: u32) -> Option<&[u8]> {
        let index = (line as usize).checked_sub(1)?;
        let start = *self.lines.get(index)?;
        let end = match self.lines.get(index + 1) {
            Some(next) => next - 1,
            None => self.text.len(),
        };
        let text = &self.text[start..end];
        Some(text.strip_suffix(b"\r").unwrap_or(text))
    }
}
