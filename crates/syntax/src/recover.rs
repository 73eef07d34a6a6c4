//! Where a declaration that does not parse most likely ends.

/// Finds the lines of a file that start a top-level declaration.
pub(crate) struct Cuts<'s> {
    src: &'s [u8],
    /// The last answer: between these two places there is no such line.
    known: Option<(usize, Option<usize>)>,
}

impl<'s> Cuts<'s> {
    pub(crate) fn new(src: &'s [u8]) -> Cuts<'s> {
        Cuts { src, known: None }
    }

    /// The start of the first line behind `from` that begins with `func`, `type`, `var`,
    /// `const` or `import`. Lines inside raw strings and comments do not count.
    ///
    /// Asking at rising places takes linear time in all.
    pub(crate) fn after(&mut self, from: usize) -> Option<usize> {
        if let Some((start, cut)) = self.known
            && start <= from
            && cut.is_none_or(|cut| from < cut)
        {
            return cut;
        }
        let cut = find(self.src, from);
        self.known = Some((from, cut));
        cut
    }
}

fn find(src: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = src.get(at..)?;
        let found = rest
            .iter()
            .position(|b| matches!(b, b'\n' | b'"' | b'\'' | b'`' | b'/'))?;
        at += found + 1;
        let rest = &src[at..];
        match rest.first()? {
            _ if src[at - 1] == b'\n' && starts_declaration(rest) => return Some(at),
            _ if src[at - 1] == b'\n' => {}
            b'/' if src[at - 1] == b'/' => at += memchr::memchr(b'\n', rest)?,
            // What never ends is better not believed.
            b'*' if src[at - 1] == b'/' => {
                at += memchr::memmem::find(&rest[1..], b"*/").map_or(0, |n| n + 3);
            }
            _ if src[at - 1] == b'`' => at += memchr::memchr(b'`', rest).map_or(0, |n| n + 1),
            _ if src[at - 1] != b'/' => at += quoted(rest, src[at - 1]),
            _ => {}
        }
    }
}

/// Length of a string or rune and its closing quote; it ends with its line at the latest.
pub(crate) fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while let Some(&b) = rest.get(at) {
        match b {
            b'\n' => return at,
            b'\\' if rest.get(at + 1).is_some_and(|&b| b != b'\n') => at += 2,
            _ if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len().min(at)
}

/// Whether `line` starts with `func name` or `func (receiver) name`, as hardly any statement does.
pub(crate) fn starts_function(line: &[u8]) -> bool {
    let is_name = |rest: &[u8]| {
        let name = rest.trim_ascii_start();
        matches!(name.first(), Some(b) if *b == b'_' || *b >= 0x80 || b.is_ascii_alphabetic())
    };
    let Some(rest) = line.strip_prefix(b"func ") else {
        return false;
    };
    if rest.first() != Some(&b'(') {
        return is_name(rest);
    }
    let end = rest.iter().position(|b| matches!(b, b')' | b'\n'));
    end.is_some_and(|end| rest[end] == b')' && is_name(&rest[end + 1..]))
}

fn starts_declaration(line: &[u8]) -> bool {
    let words: [&[u8]; 5] = [b"func", b"type", b"var", b"const", b"import"];
    words.iter().any(|word| {
        line.strip_prefix(*word)
            .is_some_and(|rest| matches!(rest.first(), Some(b' ' | b'\t' | b'(')))
    })
}
