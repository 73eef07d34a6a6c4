//! Types and maps in memory that the tests write themselves: sound ones, and full of nonsense, on
//! which nothing panics, and work ends.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tophash_core::holders::{self, Root, resolve};
use tophash_core::literal::Literal;
use tophash_core::maps::{self, Header, MapType, picture, stats};
use tophash_core::memory::Memory;
use tophash_core::types::{TypeId, Types};
use tophash_core::value::{Limits, Reader};
use tophash_runtime::layout::{self, SlotsLayout, TYPE};
use tophash_runtime::{Build, GoVersion, HashKeys, SplitMix};

const BASE: u64 = 0x40_0000;
const LEN: usize = 1 << 14;
/// Descriptors and names come first.
const TYPES: usize = 1 << 12;

/// One piece of memory.
struct Piece(Vec<u8>);

impl Memory for Piece {
    fn read(&self, address: u64, len: usize) -> Option<Cow<'_, [u8]>> {
        let start = usize::try_from(address.checked_sub(BASE)?).ok()?;
        self.0
            .get(start..start.checked_add(len)?)
            .map(Cow::Borrowed)
    }
}

impl Piece {
    fn put(&mut self, address: u64, bytes: &[u8]) {
        let start = (address - BASE) as usize;
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
    }

    fn put_word(&mut self, address: u64, word: u64) {
        self.put(address, &word.to_le_bytes());
    }
}

/// Builds of every shape of maps.
fn builds() -> Vec<Build> {
    let mut builds: Vec<Build> = GoVersion::ALL.into_iter().map(Build::of).collect();
    builds.extend(GoVersion::ALL.into_iter().filter_map(Build::without_swiss));
    builds
}

/// What the descriptors of a fixture are.
struct Fixture {
    memory: Piece,
    int: TypeId,
    text: TypeId,
    node: TypeId,
    map: TypeId,
}

/// Writes the common part of a descriptor.
fn descriptor(memory: &mut Piece, at: u64, kind: u8, size: u64, pointers: u64, name: u64) {
    memory.put_word(at + TYPE.value_size, size);
    memory.put_word(at + TYPE.pointer_bytes, pointers);
    memory.put(at + TYPE.align, &[8, 8, kind]);
    memory.put(at + TYPE.name, &(name as u32).to_le_bytes());
}

/// `int`, `string`, `type node struct { next *node; m map[string]node... }` and the map.
fn fixture(build: Build, noise: &mut SplitMix) -> Fixture {
    let mut memory = Piece(vec![0; LEN]);
    let mut name = 8;
    let mut named = |memory: &mut Piece, text: &str| {
        let at = name;
        memory.put(BASE + at, &[0, text.len() as u8]);
        memory.put(BASE + at + 2, text.as_bytes());
        name += 2 + text.len() as u64;
        at
    };
    let at = |index: u64| BASE + 512 + 256 * index;
    let (int, text, pointer, node, map, chunk) = (at(0), at(1), at(2), at(3), at(4), at(5));
    let label = named(&mut memory, "int");
    descriptor(&mut memory, int, 2, 8, 0, label);
    let label = named(&mut memory, "string");
    descriptor(&mut memory, text, 24, 16, 8, label);
    let label = named(&mut memory, "*node");
    descriptor(&mut memory, pointer, 22, 8, 8, label);
    memory.put_word(pointer + 48, node);
    let label = named(&mut memory, "node");
    descriptor(&mut memory, node, 25, 16, 16, label);
    let fields = at(8);
    memory.put_word(node + 56, fields);
    memory.put_word(node + 64, 2);
    for (i, (field, ty)) in [("next", pointer), ("m", map)].into_iter().enumerate() {
        let label = named(&mut memory, field);
        let place = fields + 24 * i as u64;
        memory.put_word(place, BASE + label);
        memory.put_word(place + 8, ty);
        memory.put_word(place + 16, 8 * i as u64);
    }
    let label = named(&mut memory, "map[string]node");
    descriptor(&mut memory, map, 21, 8, 8, label);
    let layout = layout::map_type(build);
    memory.put_word(map + layout.key, text);
    memory.put_word(map + layout.elem, node);
    memory.put_word(map + layout.chunk, chunk);
    match layout.slots {
        SlotsLayout::Bucket {
            key_size,
            elem_size,
            bucket_size,
        } => {
            memory.put(map + key_size, &[16]);
            memory.put(map + elem_size, &[16]);
            memory.put(map + bucket_size, &272_u16.to_le_bytes());
        }
        SlotsLayout::Interleaved {
            group_size,
            slot_size,
            elem_off,
        } => {
            memory.put_word(map + group_size, 264);
            memory.put_word(map + slot_size, 32);
            memory.put_word(map + elem_off, 16);
        }
        SlotsLayout::Strided {
            group_size,
            keys_off,
            key_stride,
            elems_off,
            elem_stride,
        } => {
            memory.put_word(map + group_size, 264);
            memory.put_word(map + keys_off, 8);
            memory.put_word(map + key_stride, 32);
            memory.put_word(map + elems_off, 24);
            memory.put_word(map + elem_stride, 32);
        }
    }
    let label = named(&mut memory, "chunk");
    descriptor(&mut memory, chunk, 25, 264, 264, label);
    // The rest: pointers into the piece, small numbers, a few large ones.
    for index in TYPES / 8..LEN / 8 {
        let random = noise.next_u64();
        let word = match random % 8 {
            0..=3 => BASE + (random >> 8) % LEN as u64 / 8 * 8,
            4 | 5 => (random >> 8) % 64,
            6 => 0,
            _ => random,
        };
        memory.put_word(BASE + 8 * index as u64, word);
    }
    Fixture {
        memory,
        int: TypeId(int),
        text: TypeId(text),
        node: TypeId(node),
        map: TypeId(map),
    }
}

fn types<'m>(fixture: &'m Fixture, build: Build) -> Types<'m> {
    let module = std::iter::once(BASE..BASE + TYPES as u64).collect();
    Types::new(&fixture.memory, build, module)
}

#[test]
fn descriptors_are_read() {
    for build in builds() {
        let fixture = fixture(build, &mut SplitMix::new(1));
        let types = types(&fixture, build);
        assert_eq!(&*types.name(fixture.text), "string");
        assert_eq!(types.maps(), [fixture.map]);
        let map = MapType::read(&types, fixture.map).expect("a map type");
        assert_eq!((map.key, map.elem), (fixture.text, fixture.node));
        assert_eq!(map.slot(), 32);
        let image = types.image(fixture.node).expect("all of it is known");
        assert_eq!(image.size, 16);
        // Types refer to each other in a circle, and values do not.
        assert!(Literal::parse(&types, fixture.int, "-42").is_ok());
        let error = Literal::parse(&types, fixture.node, "{next: 0x10, m: 1}");
        assert!(error.is_err(), "a map can't be typed");
    }
}

/// Everything that can be done with a map.
fn do_all(fixture: &Fixture, build: Build, address: u64, keys: &HashKeys) {
    let types = types(fixture, build);
    let memory = &fixture.memory;
    let Some(header) = Header::read(memory, build, address) else {
        return;
    };
    let Some(map_type) = MapType::read(&types, fixture.map) else {
        return;
    };
    let verified = maps::verify(&types, &map_type, &header, Some(keys));
    for damage in &verified.damage {
        assert!(!damage.to_string().is_empty());
    }
    let quick = stats::quick(memory, &map_type, &header);
    let full = stats::full(memory, &map_type, &header);
    let _ = (stats::shape(&header, &quick), full.load());
    let mut lines = 0;
    picture::draw(memory, &map_type, &header, 50, &mut |_| lines += 1);
    let reader = Reader::new(&types, Limits::default());
    let mut left = 200;
    maps::entries(memory, &map_type, &header, &mut |entry| {
        let key = reader.read(map_type.key, entry.key).to_string();
        let elem = reader.read(map_type.elem, entry.elem);
        assert!(key.len() + elem.to_string().len() < 1 << 22);
        assert!(serde_json::to_string(&elem).is_ok());
        left -= 1;
        if left == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let literal = Literal::parse(&types, map_type.key, "abc").expect("a string");
    let found = maps::look_up(&types, &map_type, &header, keys, &literal, &literal.bytes);
    assert!(found.is_ok());
    let root = |name: &str, ty| Root {
        name: name.into(),
        address,
        ty,
        runtime: false,
    };
    let roots = vec![root("main.x", fixture.map), root("main.y", fixture.node)];
    let held = holders::walk(&types, roots.clone(), LEN as u64);
    for (_, held_map) in held.maps() {
        assert!(held.path(&types, held_map).len() < 1 << 20);
    }
    for path in [
        "main.y.m",
        r#"main.x["abc"].next.m"#,
        "main.y.next.next[3]",
        "x",
        "*((",
    ] {
        let _ = resolve::map(&types, &roots, path);
    }
}

#[test]
fn nonsense_is_bounded() {
    let keys = HashKeys::aes(&std::array::from_fn(|i| i as u8));
    let start = Instant::now();
    for build in builds() {
        for seed in 0..4 {
            let mut noise = SplitMix::new(seed);
            let mut fixture = fixture(build, &mut noise);
            for index in 0..10 {
                let address = BASE + TYPES as u64 + 512 * index;
                do_all(&fixture, build, address, &keys);
                // A header that passes for one, with parts out of the noise.
                let word = |noise: &mut SplitMix| BASE + noise.next_u64() % LEN as u64 / 8 * 8;
                match (layout::hmap(build), layout::swiss_map(build)) {
                    (Some(hmap), _) => {
                        let b = (noise.next_u64() % 12) as u8;
                        fixture.memory.put(address + hmap.flags, &[0, b, 0, 0]);
                        let (new, old) = (word(&mut noise), word(&mut noise));
                        fixture.memory.put_word(address + hmap.buckets, new);
                        fixture.memory.put_word(address + hmap.oldbuckets, old);
                    }
                    (None, Some(map)) => {
                        let depth = (noise.next_u64() % 8) as u8;
                        let directory = word(&mut noise);
                        fixture.memory.put_word(address + map.dir_ptr, directory);
                        fixture.memory.put_word(address + map.dir_len, 1 << depth);
                        let bytes = [depth, 64 - depth, 0];
                        fixture.memory.put(address + map.global_depth, &bytes);
                        // Tables that pass for ones.
                        for entry in 0..1 << depth {
                            let table = word(&mut noise).min(BASE + LEN as u64 - 64);
                            let groups = word(&mut noise);
                            if directory + 8 * entry + 8 > BASE + LEN as u64
                                || table < BASE + TYPES as u64
                                || directory < BASE + TYPES as u64
                            {
                                continue;
                            }
                            fixture.memory.put_word(directory + 8 * entry, table);
                            fixture.memory.put(table + 2, &64_u16.to_le_bytes());
                            fixture.memory.put_word(table + 16, groups);
                            fixture.memory.put_word(table + 24, 7);
                        }
                    }
                    (None, None) => unreachable!("every build has maps"),
                }
                do_all(&fixture, build, address, &keys);
            }
        }
    }
    let time = start.elapsed();
    assert!(time < Duration::from_secs(120), "{time:?}");
}

#[test]
fn a_chain_that_comes_back_ends() {
    let build = Build::of(GoVersion::Go1_22);
    let mut fixture = fixture(build, &mut SplitMix::new(3));
    let hmap = layout::hmap(build).expect("a classic build");
    let (header, bucket, next) = (BASE + 0x2000, BASE + 0x2800, BASE + 0x3000);
    for address in [header, bucket, next] {
        fixture.memory.put(address, &[0; 272]);
    }
    fixture.memory.put_word(header + hmap.buckets, bucket);
    fixture.memory.put_word(bucket + 264, next);
    fixture.memory.put_word(next + 264, next);
    let types = types(&fixture, build);
    let map_type = MapType::read(&types, fixture.map).expect("a map type");
    let header = Header::read(&fixture.memory, build, header).expect("a header");
    let verified = maps::verify(&types, &map_type, &header, None);
    let sentences: Vec<String> = verified.damage.iter().map(ToString::to_string).collect();
    assert_eq!(
        sentences,
        [
            "the overflow pointer of bucket 0, overflow bucket 1 leads back to the bucket at 0x403000"
        ]
    );
}

/// A Swiss map of one entry in a group of its own.
fn small_map(memory: &mut Piece, header: u64, group: u64, key: (u64, &str), keys: &HashKeys) {
    let seed = 0x1234_5678_9abc_def0;
    let build = Build::of(GoVersion::Go1_26);
    let layout = layout::swiss_map(build).expect("a Swiss build");
    for address in [header, group] {
        memory.put(address, &[0; 264]);
    }
    memory.put_word(header + layout.used, 1);
    memory.put_word(header + layout.seed, seed);
    memory.put_word(header + layout.dir_ptr, group);
    memory.put_word(group, 0x8080_8080_8080_8080);
    let hash = keys.memory(key.1.as_bytes(), seed);
    memory.put(group + 3, &[(hash & 0x7f) as u8]);
    memory.put(key.0, key.1.as_bytes());
    let slot = group + 8 + 3 * 32;
    memory.put_word(slot, key.0);
    memory.put_word(slot + 8, key.1.len() as u64);
}

#[test]
fn paths_lead_to_maps_and_back() {
    let build = Build::of(GoVersion::Go1_26);
    let keys = HashKeys::aes(&std::array::from_fn(|i| i as u8 ^ 0x5a));
    let mut fixture = fixture(build, &mut SplitMix::new(5));
    let (variable, outer, inner) = (BASE + 0x1800, BASE + 0x1900, BASE + 0x1a00);
    let memory = &mut fixture.memory;
    small_map(memory, outer, BASE + 0x2000, (BASE + 0x1810, "a\"b"), &keys);
    small_map(
        memory,
        inner,
        BASE + 0x2200,
        (BASE + 0x1820, "inside"),
        &keys,
    );
    memory.put_word(variable, outer);
    // The element of the outer map: next nil, m the inner map.
    memory.put_word(BASE + 0x2000 + 8 + 3 * 32 + 16 + 8, inner);
    let types = types(&fixture, build);
    let roots = vec![Root {
        name: "example.com/app/store.users".into(),
        address: variable,
        ty: fixture.map,
        runtime: false,
    }];
    let held = holders::walk(&types, roots.clone(), LEN as u64);
    let path = |address| held.path(&types, held.get(address).expect("a path"));
    assert_eq!(held.len(), 2);
    assert_eq!(path(outer), "example.com/app/store.users");
    assert_eq!(path(inner), r#"example.com/app/store.users["a\"b"].m"#);
    for text in [
        path(inner).as_str(),
        r#"(*store.users["a\"b"]).m"#,
        "store.users[`a\"b`].m",
    ] {
        assert_eq!(
            resolve::map(&types, &roots, text),
            Ok((inner, fixture.map)),
            "{text}"
        );
    }
    let wrong = |text| resolve::map(&types, &roots, text).expect_err("no such path");
    insta::assert_snapshot!(
        [
            wrong("main.users"),
            wrong("store.users.m"),
            wrong(r#"store.users["b"].m"#),
            wrong(r#"store.users["a\"b"].k"#),
            wrong(r#"store.users["a\"b"].next.m"#),
            wrong(r#"store.users["a\"b"]"#),
        ]
        .join("\n"),
        @r#"
    there is no variable main.users; there are example.com/app/store.users
    store.users is a map[string]node, which has no field m
    store.users has no key "b"
    store.users["a\"b"] is a node, which has no field k
    a *node on the way is nil
    store.users["a\"b"] is a node, not a map
    "#
    );
    let map_type = MapType::read(&types, fixture.map).expect("a map type");
    let header = Header::read(&fixture.memory, build, inner).expect("a header");
    let verified = maps::verify(&types, &map_type, &header, Some(&keys));
    assert_eq!((verified.entries, verified.hashed), (1, 1));
    assert_eq!(verified.damage, []);
    let literal = Literal::parse(&types, fixture.text, "inside").expect("a string");
    let found = maps::look_up(&types, &map_type, &header, &keys, &literal, &literal.bytes);
    let entry = found.ok().flatten().and_then(|found| found.found);
    assert_eq!(entry.map(|entry| entry.at.slot), Some(3));
    let mut lines = Vec::new();
    let left_out = picture::draw(&fixture.memory, &map_type, &header, 50, &mut |line| {
        lines.push(line.to_owned());
    });
    assert_eq!(
        (lines, left_out),
        (vec!["       0  [...#....]".to_owned()], 0)
    );
}
