//! What is wrong with the encoding of a file, as go/scanner sees it: NUL bytes, bytes that
//! are not UTF-8, byte order marks that do not stand at the very start.

use crate::SyntaxError;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Errors kept; a binary file is full of them.
const MAX: usize = 20;

/// The first few encoding errors in `source`, in order.
pub(crate) fn errors(source: &[u8]) -> Vec<SyntaxError> {
    let mut errors = Vec::new();
    if source.is_ascii() {
        collect(&mut errors, memchr::memchr_iter(0, source), NUL);
        return errors;
    }
    if matches!(source, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        collect(&mut errors, 0..1, "illegal UTF-8 encoding (got UTF-16)");
        return errors;
    }
    collect(&mut errors, memchr::memchr_iter(0, source), NUL);
    let marks = memchr::memmem::find_iter(source, BYTE_ORDER_MARK).filter(|&at| at > 0);
    collect(&mut errors, marks, "illegal byte order mark");
    if std::str::from_utf8(source).is_err() {
        let mut at = 0;
        let wrong = source.utf8_chunks().filter_map(move |chunk| {
            at += chunk.valid().len();
            let here = at;
            at += chunk.invalid().len();
            (!chunk.invalid().is_empty()).then_some(here)
        });
        collect(&mut errors, wrong, "illegal UTF-8 encoding");
    }
    errors.sort_by_key(|e| e.offset);
    errors
}

const NUL: &str = "illegal character NUL";

fn collect(errors: &mut Vec<SyntaxError>, places: impl Iterator<Item = usize>, message: &str) {
    errors.extend(places.take(MAX).map(|at| SyntaxError {
        offset: at as u32,
        message: message.into(),
    }));
}
