//! Profiles of both forms, whole, damaged and made up.

use std::io::Write;

use proptest::prelude::*;
use tophash_profile::{Call, Form, Kind, Profile, read};

/// Both were written by one program built with Go 1.27; the text was shortened.
const PACKED: &[u8] = include_bytes!("data/small.pb.gz");
const TEXT: &[u8] = include_bytes!("data/small.txt");

fn frames(profile: &Profile, of: &str) -> Vec<String> {
    let samples = profile.samples.iter();
    let mut stacks = samples.map(|sample| {
        let frames = profile.stack(sample);
        frames
            .map(|f| format!("{} {}:{}", f.function, f.file, f.line))
            .collect::<Vec<_>>()
    });
    let found = stacks.find(|frames| frames.iter().any(|f| f.starts_with(of)));
    found.unwrap_or_default()
}

fn unpacked() -> Vec<u8> {
    let mut plain = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(PACKED);
    std::io::copy(&mut decoder, &mut plain).unwrap();
    plain
}

#[test]
fn packed_and_plain_are_the_same_profile() {
    let packed = read("a", PACKED).unwrap();
    assert_eq!(packed, read("a", &unpacked()).unwrap());
    assert_eq!((packed.form, &packed.kind), (Form::Proto, &Kind::Heap));
    assert_eq!(packed.period, 1);
    assert!(packed.time.is_some());
    let put = frames(&packed, "main.(*cache).put");
    // The runtime's frames are left out, inlined ones are there.
    assert_eq!(
        put,
        [
            "main.(*cache).put example.com/gen/main.go:15",
            "main.fill example.com/gen/main.go:20",
            "main.main example.com/gen/main.go:37",
            "runtime.main runtime/proc.go:302"
        ]
    );
    assert!(packed.samples.iter().all(|s| s.block_size > 0));
}

#[test]
fn text_keeps_frames_of_the_runtime() {
    let mut text = read("b", TEXT).unwrap();
    assert_eq!((text.form, &text.kind), (Form::Text, &Kind::Heap));
    let unnamed = text.unnamed();
    assert!(!unnamed.is_empty());
    // The last one is goexit, which the text leaves without a name too.
    let put = frames(&text, "main.(*cache).put");
    assert_eq!(
        put[put.len() - 5],
        "main.(*cache).put example.com/gen/main.go:15"
    );
    assert!(put.len() > 5);
    let first = unnamed[0];
    text.name(|address| match address == first {
        true => vec![Call {
            function: "runtime.mallocgc".to_owned(),
            file: String::new(),
            line: 0,
        }],
        false => Vec::new(),
    });
    assert_eq!(text.unnamed().len(), unnamed.len() - 1);
    assert!(text.mem_stats.unwrap().total_alloc > 0);
}

#[test]
fn labels_and_goroutines() {
    let text = "goroutine profile: total 3\n\
        2 @ 0x401001 0x402001\n\
        # labels: {\"user\":\"bob\", \"path\":\"/x\"}\n\
        #\t0x401000\tmain.work+0x10\t/src/my dir/main.go:7\n\n\
        1 @ 0x403000\n#\t0x403000\tmain.later+0x0\t/src/main.go:9\n\n";
    let profile = read("g", text.as_bytes()).unwrap();
    assert_eq!(profile.kind, Kind::Goroutine);
    assert_eq!(profile.total(0), 3);
    let labels: Vec<_> = profile.labels(&profile.samples[0]).collect();
    assert_eq!((labels[1].key, labels[1].text), ("path", "/x"));
    assert_eq!(
        frames(&profile, "main.later"),
        ["main.later /src/main.go:9"]
    );
    assert_eq!(
        frames(&profile, "main.work")[0],
        "main.work /src/my dir/main.go:7"
    );
    assert_eq!(profile.unnamed(), [0x402000]);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let error = |bytes: &[u8]| read("heap.out", bytes).unwrap_err().to_string();
    let plain = unpacked();
    assert_eq!(error(b""), "heap.out: byte 0: the profile is empty");
    assert_eq!(
        error(b"<html>no such page</html>"),
        "heap.out: byte 0: this is HTML or JSON, not a profile"
    );
    assert_eq!(
        error(b"heap profile: 1: 2 [3: 4] @ heap/2\n1: 2 [x: 4] @ 0x10\n"),
        "heap.out: byte 35: no sample can be read here: \"1: 2 [x: 4] @ 0x10\""
    );
    assert!(error(b"package main\n").contains("not a profile"));
    assert!(error(&PACKED[..PACKED.len() / 2]).contains("cut off here"));
    assert!(error(&plain[..plain.len() / 2]).contains("cut off here"));
    // A field that claims more than there is takes no memory for it.
    assert!(error(&[0x12, 0xff, 0xff, 0xff, 0xff, 0x7f, 1]).contains("cut off here"));
    // A sample that names a location which never comes.
    assert_eq!(
        error(&[0x12, 2, 0x08, 7, 0x32, 0]),
        "heap.out: byte 0: location 7 is used and not defined"
    );
}

#[test]
fn a_bomb_does_not_go_off() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0u8; 1 << 20];
    // One field that is as long as all of it.
    packer
        .write_all(&[0x32, 0x80, 0x80, 0x80, 0x80, 0x04])
        .unwrap();
    for _ in 0..64 {
        packer.write_all(&zeros).unwrap();
    }
    let error = read("bomb", &packer.finish().unwrap()).unwrap_err();
    assert!(error.message.contains("unpacks to more than"), "{error}");
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read("x", &bytes);
    }

    #[test]
    fn damaged_profiles(at in 0..2000usize, byte: u8, cut in 0..8000usize) {
        let mut plain = unpacked();
        if let Some(place) = plain.get_mut(at) { *place = byte; }
        let _ = walk(&plain);
        plain.truncate(cut);
        let _ = walk(&plain);
        let mut packed = PACKED.to_vec();
        let at = at % packed.len();
        packed[at] = byte;
        let _ = walk(&packed);
        let mut text = TEXT.to_vec();
        text[at] = byte;
        let _ = walk(&text);
    }
}

fn walk(bytes: &[u8]) -> Option<usize> {
    let profile = read("x", bytes).ok()?;
    let frames = profile
        .samples
        .iter()
        .map(|s| profile.stack(s).count() + profile.labels(s).count());
    Some(frames.sum())
}
