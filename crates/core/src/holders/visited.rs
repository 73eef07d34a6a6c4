//! Which words of memory have been looked at.

use rustc_hash::FxHashMap;

/// Bytes of a page.
const PAGE: u64 = 8192;

/// A set of word addresses: a bit for each word of the pages that have any, one byte in 64.
pub(super) struct Visited {
    pages: FxHashMap<u64, Box<[u64; 16]>>,
    limit: usize,
}

impl Visited {
    /// An empty set for a process with so many bytes of memory.
    pub(super) fn new(memory_size: u64) -> Self {
        let pages = memory_size / PAGE + 1024;
        Self {
            pages: FxHashMap::default(),
            limit: usize::try_from(pages).unwrap_or(usize::MAX),
        }
    }

    /// Adds a word. Gives whether it is new; a word beyond the pages that a process can have is not.
    pub(super) fn insert(&mut self, address: u64) -> bool {
        let (page, word, bit) = place(address);
        if self.pages.len() >= self.limit && !self.pages.contains_key(&page) {
            return false;
        }
        let words = self.pages.entry(page).or_default();
        let Some(word) = words.get_mut(word) else {
            return false;
        };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Whether a word is in the set.
    pub(super) fn contains(&self, address: u64) -> bool {
        let (page, word, bit) = place(address);
        let words = self.pages.get(&page);
        words.is_some_and(|words| words.get(word).is_some_and(|word| word & bit != 0))
    }
}

fn place(address: u64) -> (u64, usize, u64) {
    let index = address % PAGE / 8;
    (address / PAGE, (index / 64) as usize, 1 << (index % 64))
}
