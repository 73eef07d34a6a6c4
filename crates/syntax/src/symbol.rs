//! Interned names, shared by all threads.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

/// An interned string: an identifier or an import path. Equal strings have equal
/// symbols in the whole process. The order of symbols has no meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Symbol(u32);

static TABLE: LazyLock<Mutex<(HashMap<&'static str, u32>, Vec<&'static str>)>> =
    LazyLock::new(|| Mutex::new((HashMap::new(), Vec::new())));

impl Symbol {
    /// The symbol of `text`.
    pub fn new(text: &str) -> Symbol {
        let mut table = TABLE.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(&n) = table.0.get(text) {
            return Symbol(n);
        }
        let text: &'static str = Box::leak(text.into());
        let n = table.1.len() as u32;
        table.1.push(text);
        table.0.insert(text, n);
        Symbol(n)
    }

    /// Its text.
    pub fn as_str(self) -> &'static str {
        let table = TABLE.lock().unwrap_or_else(|e| e.into_inner());
        table.1[self.0 as usize]
    }
}

impl std::fmt::Display for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
