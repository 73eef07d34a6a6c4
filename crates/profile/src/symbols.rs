//! The conversation of `/debug/pprof/symbol`, by which a service names addresses.
//!
//! A GET with the query `0x4af1ef+0x40d6ec` is answered by `num_symbols: 1` and lines
//! `0x4af1ef main.fill`: names alone, without files and lines (net/http/pprof `Symbol`). A POST with
//! the same body, as `go tool pprof` sends it, is refused since Go 1.23 (`GET` in the pattern) by
//! programs whose module says `go 1.22` or later.

use rustc_hash::FxHashMap;

/// Addresses in one request: each takes up to nineteen bytes of an address line, of which proxies
/// take eight thousand.
pub const BATCH: usize = 250;

/// The query of a request for names.
#[must_use]
pub fn query(addresses: &[u64]) -> String {
    let words: Vec<String> = addresses.iter().map(|a| format!("{a:#x}")).collect();
    words.join("+")
}

/// Names by address, from the answer to such a request. None if it is no such answer.
#[must_use]
pub fn answer(text: &str) -> Option<FxHashMap<u64, String>> {
    let mut lines = text.lines();
    let count = lines.next()?.strip_prefix("num_symbols:")?.trim();
    let mut names = FxHashMap::default();
    if count == "0" {
        return Some(names);
    }
    for line in lines {
        if let Some((address, name)) = line.split_once(' ')
            && let Some(digits) = address.strip_prefix("0x")
            && let Ok(address) = u64::from_str_radix(digits, 16)
        {
            names.insert(address, name.trim().to_owned());
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asked_and_answered() {
        assert_eq!(query(&[0x4af1ef, 16]), "0x4af1ef+0x10");
        let names = answer("num_symbols: 1\n0x10 runtime.mapassign_fast64\nnonsense\n").unwrap();
        assert_eq!(names.len(), 1);
        assert_eq!(names[&16], "runtime.mapassign_fast64");
        assert!(answer("<html>").is_none());
        assert!(answer("num_symbols: 0\n").unwrap().is_empty());
    }
}
