//! A sound core, and the same with one part of a map changed: what `verify` says, and how it ends.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use crate::made::{Program, Toolchain, Variant};
use crate::run::Subject;

/// A slot of eight bytes each for key and element, of the maps of this program.
const SLOTS: u64 = 8;

/// A core in memory, by addresses of the process.
struct Core {
    bytes: Vec<u8>,
    /// First address, bytes in the file, offset there.
    segments: Vec<[u64; 3]>,
}

impl Core {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let word = |at: u64| u64::from_le_bytes(bytes[at as usize..][..8].try_into().unwrap());
        let (headers, count) = (word(32), word(56) & 0xffff);
        // Program headers of 56 bytes: those of type 1 are memory.
        let headers = (0..count).map(|index| headers + 56 * index);
        let segments = headers
            .filter(|at| word(*at) & 0xffff_ffff == 1)
            .map(|at| [word(at + 16), word(at + 32), word(at + 8)])
            .collect();
        Self { bytes, segments }
    }

    fn offset(&self, address: u64) -> u64 {
        let mut segments = self.segments.iter();
        let found = segments.find(|[start, len, _]| address.wrapping_sub(*start) < *len);
        let [start, _, offset] = found.expect("the core has this memory");
        address - start + offset
    }

    fn bytes<const N: usize>(&self, address: u64) -> [u8; N] {
        let at = self.offset(address) as usize;
        self.bytes[at..at + N].try_into().unwrap()
    }

    fn u64(&self, address: u64) -> u64 {
        u64::from_le_bytes(self.bytes(address))
    }

    fn u8(&self, address: u64) -> u8 {
        let [byte] = self.bytes(address);
        byte
    }
}

/// A change of a core.
struct Edit {
    what: &'static str,
    address: u64,
    bytes: Vec<u8>,
    /// What is said of it.
    said: String,
}

fn word(what: &'static str, address: u64, value: u64, said: &str) -> Edit {
    Edit {
        what,
        address,
        bytes: value.to_le_bytes().to_vec(),
        said: said.to_owned(),
    }
}

/// Changes of a map of 500 entries whose header lies at an address.
fn edits(core: &Core, map: u64, swiss: bool) -> Vec<Edit> {
    // used or count is the first word in both.
    let count = word("count", map, core.u64(map) + 3, "the header counts");
    if swiss {
        let directory = core.u64(map + 16);
        let table = core.u64(directory);
        let groups = core.u64(table + 16);
        // A control word, and eight slots of 16 bytes.
        let full = (0..).find(|i| core.u8(groups + i / SLOTS * 136 + i % SLOTS) & 0x80 == 0);
        let (group, slot) = full.map(|i| (groups + i / SLOTS * 136, i % SLOTS)).unwrap();
        let (control, key) = (group + slot, group + 8 + 16 * slot);
        vec![
            count,
            Edit {
                what: "control byte",
                address: control,
                bytes: vec![core.u8(control) ^ 0x2a],
                said: "of the hash of key".to_owned(),
            },
            word("key", key, 7_000_000, "key 7000000"),
            word("directory", map + 16, 0, "dirPtr is nil"),
            word("table", directory, 0xdead_0000, "can't be read"),
            word("groups", table + 16, 0xdead_0000, "can't be read"),
            word("length of a table", table + 24, (1 << 45) - 1, "lengthMask"),
        ]
    } else {
        let buckets = core.u64(map + 16);
        let number = 1u64 << core.u8(map + 9);
        // Eight bytes of hashes, eight keys, eight elements, the next bucket.
        let bucket = |i: u64| buckets + 144 * i;
        let full = (0..).find(|i| core.u8(bucket(i / SLOTS) + i % SLOTS) >= 5);
        let (at, slot) = full.map(|i| (bucket(i / SLOTS), i % SLOTS)).unwrap();
        let mut chained = (0..number).map(bucket);
        let chained = chained.find(|at| core.u64(at + 136) != 0);
        let mut edits = vec![
            count,
            Edit {
                what: "tophash",
                address: at + slot,
                bytes: vec![core.u8(at + slot) ^ 0x40 | 0x10],
                said: "of the hash of key".to_owned(),
            },
            word("key", at + 8 + 8 * slot, 7_000_000, "key 7000000"),
            word("buckets", map + 16, 0xdead_0000, "can't be read"),
        ];
        if let Some(at) = chained {
            edits.extend([
                word("chain", at + 136, at, "leads back to the bucket at"),
                word("end of a chain", at + 136, 0, "the header counts"),
                word("chain of nowhere", at + 136, 0xdead_0000, "can't be read"),
            ]);
        }
        edits
    }
}

/// Writes bytes into a core.
fn put(core: &Path, offset: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(core).unwrap();
    file.seek(SeekFrom::Start(offset)).unwrap();
    file.write_all(bytes).unwrap();
}

pub fn check(toolchain: &Toolchain, variant: Variant) {
    // Of a stripped program types are guessed, and what is too damaged has none.
    if variant == Variant::Stripped {
        return;
    }
    let program = Program::build("damage", toolchain, variant);
    // A fault that there is not: all maps are sound.
    let Some(crash) = program.crash(&["-fault=none"]) else {
        return;
    };
    let subject = Subject::of(&crash);
    let sound = subject.text(&["verify"]);
    assert_eq!(sound.status, 0, "{sound:?}");
    assert!(sound.stdout.contains(", 0 damaged;"), "{sound:?}");
    let core = Core::read(&crash.core);
    let map = crash.said.maps.iter().find(|map| map.len == 500).unwrap();
    for edit in edits(&core, map.address, crash.said.swiss) {
        let at = core.offset(edit.address);
        let before = &core.bytes[at as usize..][..edit.bytes.len()];
        put(&crash.core, at, &edit.bytes);
        let run = subject.text(&["verify"]);
        let what = edit.what;
        // Memory that is not there need not be damage: the core may lack it.
        let status = if edit.said == "can't be read" { 2 } else { 1 };
        assert_eq!(run.status, status, "{what}: {run:?}");
        assert!(run.stdout.contains(", 1 damaged;"), "{what}: {run:?}");
        assert!(
            run.stdout.contains("main.intact[1]  map["),
            "{what}: {run:?}"
        );
        assert!(run.stdout.contains(&edit.said), "{what}: {run:?}");
        put(&crash.core, at, before);
    }
    // Half of the core, and nothing but its headers: no map is damaged by that.
    for len in [core.bytes.len() as u64 / 2, 4096] {
        let file = OpenOptions::new().write(true).open(&crash.core).unwrap();
        file.set_len(len).unwrap();
        let run = subject.text(&["verify"]);
        assert_eq!(run.status, 2, "{len}: {run:?}");
        assert!(run.stderr.contains("cut off"), "{len}: {run:?}");
    }
}
