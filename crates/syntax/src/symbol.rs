//! Interned names, shared by all threads.

use hashbrown::HashTable;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

/// An interned string: an identifier or an import path. Equal strings have equal
/// symbols in the whole process. The order of symbols has no meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Symbol(u32);

/// Names that every Go program knows get fixed symbols, so that comparing with them
/// is comparing with a constant.
macro_rules! known {
    ($($name:ident $text:literal)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[repr(u32)]
        enum Known { $($name),* }

        impl Symbol {
            $(
                #[doc = concat!("`", $text, "`")]
                pub const $name: Symbol = Symbol(Known::$name as u32);
            )*
        }

        const KNOWN: &[&str] = &[$($text),*];
    };
}
known! {
    BLANK "_" DOT "." INIT "init" MAIN "main" C "C" UNSAFE "unsafe"
    ANY "any" BOOL "bool" BYTE "byte" COMPARABLE "comparable"
    COMPLEX64 "complex64" COMPLEX128 "complex128" ERROR_TYPE "error"
    FLOAT32 "float32" FLOAT64 "float64"
    INT "int" INT8 "int8" INT16 "int16" INT32 "int32" INT64 "int64"
    RUNE "rune" STRING "string"
    UINT "uint" UINT8 "uint8" UINT16 "uint16" UINT32 "uint32" UINT64 "uint64" UINTPTR "uintptr"
    TRUE "true" FALSE "false" IOTA "iota" NIL "nil"
    APPEND "append" CAP "cap" CLEAR "clear" CLOSE "close" COMPLEX "complex" COPY "copy"
    DELETE "delete" IMAG "imag" LEN "len" MAKE "make" MAX "max" MIN "min" NEW "new"
    PANIC "panic" PRINT "print" PRINTLN "println" REAL "real" RECOVER "recover"
    ERROR "Error"
}

const SHARDS: usize = 64;
/// Entries of the first segment of a shard; each further one doubles.
const FIRST_SEGMENT: usize = 64;
const CHUNK: usize = 4096;

/// One of the parts of the table, chosen by hash so that threads seldom meet.
struct Shard {
    index: Mutex<Index>,
    /// Texts by local index, readable without the lock.
    texts: [OnceLock<Box<[OnceLock<&'static str>]>>; 24],
}

struct Index {
    names: HashTable<Entry>,
    /// The unused end of the chunk that texts are copied to.
    free: &'static mut [u8],
}

static SHARD: LazyLock<Box<[Shard]>> = LazyLock::new(|| {
    let shards = (0..SHARDS).map(|_| Shard {
        index: Mutex::new(Index {
            names: HashTable::new(),
            free: &mut [],
        }),
        texts: [const { OnceLock::new() }; 24],
    });
    let shards: Box<[Shard]> = shards.collect();
    for (n, text) in KNOWN.iter().enumerate() {
        let key = Key::of(text.as_bytes());
        let shard = &shards[shard_of(key.hash)];
        let mut index = shard.index.lock().unwrap_or_else(PoisonError::into_inner);
        index.add(key, KNOWN_INDEX | n as u32);
    }
    shards
});

/// A name of a shard. What is compared lies here, not behind the index: a look that finds
/// its name touches little memory.
struct Entry {
    key: Key,
    index: u32,
}

/// Marks the index of a known symbol in a shard's table.
const KNOWN_INDEX: u32 = 1 << 31;

/// 16 bytes of a name, its length and a hash of all of it. Of a name of up to 16 bytes these
/// are all its bytes, padded with zeros; of a longer one, its first and last eight.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Key {
    start: u64,
    end: u64,
    len: u32,
    hash: u32,
}

/// Length up to which equal keys mean equal names.
const SHORT: usize = 16;

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

impl Key {
    fn of(text: &[u8]) -> Key {
        let len = text.len();
        let mut bytes = [0; 16];
        if len <= SHORT {
            bytes[..len].copy_from_slice(text);
            return Key::short(u128::from_le_bytes(bytes), len);
        }
        bytes[..8].copy_from_slice(&text[..8]);
        bytes[8..].copy_from_slice(&text[len - 8..]);
        let mut middle = 0_u64;
        for chunk in text[8..len - 8].chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            middle ^= u64::from_le_bytes(word);
            middle = middle.wrapping_mul(FACTOR).rotate_left(32);
        }
        let mut key = Key::short(u128::from_le_bytes(bytes), len);
        key.hash ^= (middle >> 32) as u32;
        key
    }

    /// The key of the `len` bytes, at least one, that `bytes` starts with. What follows them
    /// serves to read them without asking how many they are.
    #[inline]
    fn of_start(bytes: &[u8], len: usize) -> Key {
        match bytes.first_chunk::<SHORT>() {
            Some(all) if len <= SHORT => {
                let unused = 8 * (SHORT - len) as u32;
                Key::short(u128::from_le_bytes(*all) & u128::MAX >> unused, len)
            }
            _ => Key::of(&bytes[..len]),
        }
    }

    #[inline]
    fn short(bytes: u128, len: usize) -> Key {
        let (start, end, len) = (bytes as u64, (bytes >> 64) as u64, len as u32);
        let mixed = (start ^ u64::from(len)).wrapping_mul(FACTOR);
        let mixed = (mixed.rotate_left(32) ^ end).wrapping_mul(FACTOR);
        let hash = (mixed >> 32) as u32;
        Key {
            start,
            end,
            len,
            hash,
        }
    }
}

fn shard_of(hash: u32) -> usize {
    (hash >> 18) as usize % SHARDS
}

/// The hash as hashbrown wants it: it takes low bits for the place and the top seven for the tag.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// The segment of a local index and the place in it.
fn place(index: u32) -> (usize, usize) {
    let n = index as usize + FIRST_SEGMENT;
    let segment = (n / FIRST_SEGMENT).ilog2() as usize;
    (segment, n - (FIRST_SEGMENT << segment))
}

impl Shard {
    fn text(&self, index: u32) -> &'static str {
        if index & KNOWN_INDEX != 0 {
            return KNOWN[(index & !KNOWN_INDEX) as usize];
        }
        let (segment, at) = place(index);
        let text = self.texts.get(segment).and_then(OnceLock::get);
        text.and_then(|s| s.get(at)?.get()).copied().unwrap_or("")
    }
}

impl Symbol {
    /// The symbol of `text`.
    pub fn new(text: &str) -> Symbol {
        Symbol::from_bytes(text.as_bytes())
    }

    /// The symbol of the UTF-8 text `text`; wrong encodings become U+FFFD.
    pub fn from_bytes(text: &[u8]) -> Symbol {
        Symbol::keyed(text, Key::of(text))
    }

    /// As [`Symbol::from_bytes`], the key being known.
    fn keyed(text: &[u8], key: Key) -> Symbol {
        let nth = shard_of(key.hash);
        let shard = &SHARD[nth];
        let mut index = shard.index.lock().unwrap_or_else(PoisonError::into_inner);
        let found = index.names.find(spread(key.hash), |e| {
            e.key == key && (text.len() <= SHORT || shard.text(e.index).as_bytes() == text)
        });
        if let Some(entry) = found {
            return Symbol::at(nth, entry.index);
        }
        let Ok(valid) = std::str::from_utf8(text) else {
            drop(index);
            return Symbol::new(&String::from_utf8_lossy(text));
        };
        let local = index.names.len() as u32;
        let (segment, at) = place(local);
        let segment = shard.texts[segment].get_or_init(|| {
            let entries = (0..FIRST_SEGMENT << segment).map(|_| OnceLock::new());
            entries.collect()
        });
        let text = index.keep(valid);
        segment[at].get_or_init(|| text);
        index.add(key, local);
        Symbol::at(nth, local)
    }

    fn at(shard: usize, index: u32) -> Symbol {
        if index & KNOWN_INDEX != 0 {
            return Symbol(index & !KNOWN_INDEX);
        }
        Symbol(KNOWN.len() as u32 + index * SHARDS as u32 + shard as u32)
    }

    /// Its text.
    pub fn as_str(self) -> &'static str {
        let Some(n) = self.0.checked_sub(KNOWN.len() as u32) else {
            return KNOWN[self.0 as usize];
        };
        SHARD[n as usize % SHARDS].text(n / SHARDS as u32)
    }
}

impl Index {
    fn add(&mut self, key: Key, index: u32) {
        let entry = Entry { key, index };
        self.names
            .insert_unique(spread(key.hash), entry, |e| spread(e.key.hash));
    }

    /// A copy of `text` that stays for the life of the process.
    fn keep(&mut self, text: &str) -> &'static str {
        let mut free = std::mem::take(&mut self.free);
        if free.len() < text.len() {
            free = Box::leak(vec![0; CHUNK.max(text.len())].into_boxed_slice());
        }
        let (copy, rest) = free.split_at_mut(text.len());
        self.free = rest;
        copy.copy_from_slice(text.as_bytes());
        std::str::from_utf8(copy).unwrap_or("")
    }
}

impl std::fmt::Display for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A small table of recently used names in front of the shared one: most identifiers of a
/// file occurred shortly before, and need no lock then.
pub(crate) struct Names {
    short: Box<[(Key, Symbol)]>,
    /// Names that their keys do not tell all of.
    long: Box<[(Key, Symbol, &'static str)]>,
}

const SHORT_SLOTS: usize = 8192;
const LONG_SLOTS: usize = 2048;

impl Names {
    /// An empty table.
    pub(crate) fn new() -> Names {
        Names {
            short: vec![(Key::default(), Symbol::BLANK); SHORT_SLOTS].into_boxed_slice(),
            long: vec![(Key::default(), Symbol::BLANK, ""); LONG_SLOTS].into_boxed_slice(),
        }
    }

    /// The symbol of the identifier of `len` bytes, at least one, that `source` starts with.
    #[inline]
    pub(crate) fn symbol(&mut self, source: &[u8], len: usize) -> Symbol {
        let key = Key::of_start(source, len);
        let text = &source[..len];
        if len > SHORT {
            return self.long_symbol(text, key);
        }
        let slot = &mut self.short[key.hash as usize % SHORT_SLOTS];
        if slot.0 != key {
            *slot = (key, Symbol::keyed(text, key));
        }
        slot.1
    }

    fn long_symbol(&mut self, text: &[u8], key: Key) -> Symbol {
        let slot = &mut self.long[key.hash as usize % LONG_SLOTS];
        if slot.0 != key || slot.2.as_bytes() != text {
            let symbol = Symbol::keyed(text, key);
            *slot = (key, symbol, symbol.as_str());
        }
        slot.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_have_their_constants() {
        assert_eq!(Symbol::new("int"), Symbol::INT);
        assert_eq!(Symbol::INT.as_str(), "int");
        assert_eq!(Symbol::new("_"), Symbol::BLANK);
        for text in KNOWN {
            assert_eq!(Symbol::new(text).as_str(), *text);
            assert!((Symbol::new(text).0 as usize) < KNOWN.len());
        }
    }

    #[test]
    fn threads_agree() {
        let names: Vec<String> = (0..20_000).map(|n| format!("name{n}")).collect();
        let symbols: Vec<Vec<Symbol>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| names.iter().map(|n| Symbol::new(n)).collect()))
                .collect();
            threads.into_iter().filter_map(|t| t.join().ok()).collect()
        });
        assert_eq!(symbols.len(), 4);
        for other in &symbols {
            assert_eq!(other, &symbols[0]);
        }
        for (name, symbol) in names.iter().zip(&symbols[0]) {
            assert_eq!(symbol.as_str(), name);
        }
    }

    #[test]
    fn wrong_encodings_are_replaced() {
        assert_eq!(Symbol::from_bytes(b"a\xff").as_str(), "a\u{fffd}");
    }
}
