//! Real cores and processes, as the library reads them. What the programs say of their own maps is
//! compared with what their memory holds.
//!
//! `full` is for many toolchains, and for arm64 by an emulator:
//!
//!     TOPHASH_GOROOTS=/path/go1.21:/path/go1.27 \
//!         cargo test -p tophash-core --test cores -- --ignored --nocapture

#![allow(
    clippy::print_stderr,
    reason = "a test says what it covered and why it was skipped"
)]

mod made;

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use made::{Program, Said, Toolchain, Variant};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use tophash_core::image::{Binary, Image, Span};
use tophash_core::memory::Memory;

/// Every map's count lies where the program has its header.
fn check_counts(image: &Image, said: &Said) {
    assert!(said.maps.len() > 10, "the program says too little");
    for map in said.by_address().values() {
        assert_eq!(image.u64(map.address), Some(map.len), "{map:?}");
    }
}

/// A program's variables lie in two mappings, of the file and of zeros; a variable may lie in both.
fn check_border(image: &Image) {
    let starts: Vec<_> = image.spans().map(|span| span.start).collect();
    let inside = |span: Span| {
        starts
            .iter()
            .find(|at| span.start < **at && **at < span.end)
    };
    let border = image.data().find_map(inside);
    let border = border.expect("the variables lie in one mapping");
    assert_eq!(image.read_some(border - 16, 32).len(), 32, "{border:#x}");
}

fn check_zoo(toolchain: &Toolchain, variant: Variant) {
    let program = Program::build("zoo", toolchain, variant);
    if let Some(crash) = program.crash(&[]) {
        let image = Image::open(&program.path, &crash.core).unwrap();
        assert!(image.problems.is_empty(), "{:?}", image.problems);
        let signal = image.notes.signal.map(|signal| signal.name());
        assert_eq!(signal.as_deref(), Some("SIGABRT"), "{variant:?}");
        assert!(image.notes.threads.len() > 1, "{variant:?}");
        check_counts(&image, &crash.said);
    }
    // An emulator's memory is not laid out as its guest's.
    if variant != Variant::Arm64 {
        let running = program.start(&["-end=wait"], 2);
        let image = Image::attach(running.pid(), None).unwrap();
        check_border(&image);
        check_counts(&image, &running.said);
        let image = Image::attach(running.pid(), Some(&program.path)).unwrap();
        assert!(image.problems.is_empty(), "{:?}", image.problems);
        check_counts(&image, &running.said);
    }
}

#[test]
fn memory() {
    let Some(toolchain) = Toolchain::on_path() else {
        return;
    };
    for variant in [Variant::Default, Variant::Pie] {
        check_zoo(&toolchain, variant);
    }
}

#[test]
fn another_build() {
    let Some(toolchain) = Toolchain::on_path() else {
        return;
    };
    let program = Program::build("damage", &toolchain, Variant::Default);
    let Some(crash) = program.crash(&[]) else {
        return;
    };
    for variant in [Variant::Stripped, Variant::Pie] {
        let other = Program::build("damage", &toolchain, variant);
        check_mismatch(&other.path, &crash.core);
    }
    let other = Program::build("conflict", &toolchain, Variant::Default);
    check_mismatch(&other.path, &crash.core);
}

/// The first thing that is said of a core is that it is of another program.
fn check_mismatch(binary: &Path, core: &Path) {
    let image = Image::open(binary, core).unwrap();
    let first = image.problems.first().map(|problem| &*problem.message);
    let named = first.is_some_and(|message| message.contains("not the program"));
    assert!(named, "{}: {:?}", binary.display(), image.problems);
}

#[test]
#[ignore = "needs Go toolchains and minutes; see the top of this file"]
fn full() {
    for toolchain in Toolchain::named() {
        for variant in Variant::possible_for(&toolchain) {
            eprintln!("{} {variant:?}", toolchain.go.display());
            check_zoo(&toolchain, variant);
        }
    }
}

/// Files that are no core, or no program.
#[test]
fn nothing_to_read() {
    let dir = made::scratch();
    let [text, empty, missing] = ["text", "empty", "missing"].map(|name| dir.path().join(name));
    std::fs::write(&text, "no core\n").unwrap();
    std::fs::write(&empty, "").unwrap();
    let own = std::env::current_exe().unwrap();
    for path in [&text, &empty, &missing, &dir.path().to_owned()] {
        let as_binary = Binary::open(path).unwrap_err().to_string();
        let as_core = Image::open(&own, path).unwrap_err().to_string();
        for message in [as_binary, as_core] {
            eprintln!("{message}");
            assert!(message.starts_with(&*path.to_string_lossy()), "{message}");
        }
    }
    // Packed in ways that are not unpacked: what to do is said.
    let packed: [(&[u8], &str); 3] = [
        (
            b"\x04\x22\x4d\x18rest",
            "compressed with lz4; unpack it first: lz4 -d",
        ),
        (
            b"\xfd7zXZ\0rest",
            "compressed with xz; unpack it first: xz -dk",
        ),
        (
            b"BZh9rest",
            "compressed with bzip2; unpack it first: bzip2 -dk",
        ),
    ];
    let path = dir.path().join("packed");
    for (bytes, says) in packed {
        std::fs::write(&path, bytes).unwrap();
        let message = Image::open(&own, &path).unwrap_err().to_string();
        assert!(message.contains(says), "{message}");
    }
    // Programs and cores of other machines: of another processor, of 32 bits, big-endian.
    let mut other = std::fs::read(&own).unwrap();
    for (at, byte, says) in [
        (
            18,
            0xf3,
            "made for ELF machine 243; only amd64 and arm64 are read",
        ),
        (4, 1, "not a 64-bit little-endian ELF file"),
        (5, 2, "not a 64-bit little-endian ELF file"),
    ] {
        let before = std::mem::replace(&mut other[at], byte);
        std::fs::write(&path, &other).unwrap();
        other[at] = before;
        let as_binary = Binary::open(&path).unwrap_err().to_string();
        let as_core = Image::open(&own, &path).unwrap_err().to_string();
        for message in [as_binary, as_core] {
            assert!(message.contains(says), "{message}");
        }
    }
    let message = Image::open(&own, &own).unwrap_err().to_string();
    assert!(message.contains("not a core dump"), "{message}");
}

/// Cores as people send them.
#[test]
fn compressed() {
    let Some(toolchain) = Toolchain::on_path() else {
        return;
    };
    let program = Program::build("zoo", &toolchain, Variant::Stripped);
    let Some(crash) = program.crash(&["-end=abort"]) else {
        return;
    };
    let plain = std::fs::read(&crash.core).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = compress_to_vec(&*plain, CompressionLevel::Fastest);
    for (name, bytes) in [("core.gz", &gzip), ("core.zst", &zstd)] {
        let dir = made::scratch();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let image = Image::open(&program.path, &path).unwrap();
        assert!(image.problems.is_empty(), "{name}: {:?}", image.problems);
        check_counts(&image, &crash.said);
        // A download that broke off.
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        match Image::open(&program.path, &path) {
            Ok(image) => assert!(!image.problems.is_empty(), "{name}"),
            Err(error) => eprintln!("{error}"),
        }
    }
}
