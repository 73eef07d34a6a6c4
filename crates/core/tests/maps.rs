//! Maps in real cores against what their programs say of them: entries, counts, damage.
//!
//! `full` is for many toolchains, and for arm64 by an emulator:
//!
//!     TOPHASH_GOROOTS=/path/go1.21:/path/go1.27 \
//!         cargo test -p tophash-core --test maps -- --ignored --nocapture

#![allow(
    clippy::print_stderr,
    reason = "a test says what it covered and why it was skipped"
)]

mod made;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use made::{Crash, Program, Toolchain, Variant};
use serde_json::Value as Json;
use tophash_core::image::{Arch, Image};
use tophash_core::maps::{self, Header, MapType, Verified};
use tophash_core::memory::Memory;
use tophash_core::program::Program as Loaded;
use tophash_core::types::{TypeId, Types};
use tophash_core::value::{Limits, Reader};
use tophash_runtime::HashKeys;

/// What is needed to look into a map.
struct Context<'a> {
    types: &'a Types<'a>,
    /// Map types by name.
    named: BTreeMap<String, Vec<TypeId>>,
    keys: Option<HashKeys>,
}

fn keys(loaded: &Loaded<'_>) -> Option<HashKeys> {
    let packages = ["runtime", "internal/runtime/maps"];
    let mut addresses = packages
        .iter()
        .filter_map(|package| loaded.symbol(&format!("{package}.aeskeysched")));
    let schedule = loaded.image.read(addresses.next()?, 128)?;
    let schedule = schedule.first_chunk()?;
    Some(match loaded.image.binary.arch {
        Arch::Amd64 => HashKeys::aes(schedule),
        Arch::Arm64 => HashKeys::aes_arm64(loaded.build.version, schedule),
    })
}

fn with_context<T>(crash: &Crash, run: impl FnOnce(&Context<'_>) -> T) -> T {
    let image = Image::open(&crash.program.path, &crash.core).unwrap();
    let loaded = Loaded::load(&image).unwrap();
    assert_eq!(loaded.go_version, crash.said.version);
    let types = Types::of(&loaded);
    let mut named = BTreeMap::<String, Vec<TypeId>>::new();
    for id in types.maps() {
        named
            .entry(types.name(id).to_string())
            .or_default()
            .push(id);
    }
    run(&Context {
        types: &types,
        named,
        keys: keys(&loaded),
    })
}

impl Context<'_> {
    fn find(&self, map: &made::Map) -> (MapType, Header) {
        let ids = self.named.get(&map.ty).map_or(&[][..], Vec::as_slice);
        let &[id] = ids else {
            panic!("{} types are called {}", ids.len(), map.ty)
        };
        let map_type = MapType::read(self.types, id).unwrap();
        let header = Header::read(self.types.memory(), self.types.build(), map.address).unwrap();
        (map_type, header)
    }

    fn entries(&self, map: &made::Map) -> Vec<(Json, Json)> {
        let (map_type, header) = self.find(map);
        let reader = Reader::new(self.types, Limits::generous());
        let mut all = Vec::new();
        let damage = maps::entries(self.types.memory(), &map_type, &header, &mut |entry| {
            let value =
                |ty, address| simple(serde_json::to_value(reader.read(ty, address)).unwrap());
            all.push((
                value(map_type.key, entry.key),
                value(map_type.elem, entry.elem),
            ));
            ControlFlow::Continue(())
        });
        assert!(damage.is_empty(), "{map:?}: {damage:?}");
        all
    }

    fn verify(&self, map: &made::Map) -> Verified {
        let (map_type, header) = self.find(map);
        maps::verify(self.types, &map_type, &header, self.keys.as_ref())
    }
}

/// Values as the programs write them: a pointer is its address, and so are maps, channels and
/// functions.
fn simple(value: Json) -> Json {
    match value {
        Json::Object(fields) => {
            for name in ["@pointer", "@address"] {
                if let Some(address) = fields.get(name) {
                    return address.clone();
                }
            }
            if let Some(ty) = fields.get("@type") {
                let value = simple(fields["@value"].clone());
                return serde_json::json!({"type": ty, "value": value});
            }
            fields
                .into_iter()
                .map(|(name, value)| (name, simple(value)))
                .collect()
        }
        Json::Array(values) => values.into_iter().map(simple).collect(),
        // The programs write no point where there is no fraction, and floats by the digits of a
        // float64.
        Json::Number(n) if n.is_f64() => match n.as_f64() {
            Some(x) if x.fract() == 0.0 && x.abs() < 1e15 => (x as i64).into(),
            x => x.map(|x| x as f32).into(),
        },
        other => other,
    }
}

fn sorted(entries: &[(Json, Json)]) -> Vec<String> {
    let mut all: Vec<_> = entries.iter().map(|(k, v)| format!("{k}: {v}")).collect();
    all.sort();
    all
}

fn check_zoo(crash: &Crash) {
    with_context(crash, |context| {
        let mut compared = 0;
        for map in crash.said.by_address().values() {
            let all = context.entries(map);
            assert_eq!(all.len() as u64, map.len, "{map:?}");
            let all = sorted(&all);
            let said = |entries: &[(Json, Json)]| {
                let simple = entries
                    .iter()
                    .map(|(k, v)| (simple(k.clone()), simple(v.clone())));
                sorted(&simple.collect::<Vec<_>>())
            };
            if let Some(entries) = &map.entries {
                assert_eq!(all, said(entries), "{map:?}");
            }
            for entry in said(&map.sample) {
                assert!(
                    all.binary_search(&entry).is_ok(),
                    "{}: {entry}: {all:?}",
                    map.name
                );
            }
            compared += all.len();
            let verified = context.verify(map);
            assert!(verified.damage.is_empty(), "{map:?}: {:?}", verified.damage);
            assert_eq!(verified.entries, map.len);
            if context.keys.is_some() {
                assert_eq!(verified.hashed + verified.drawn, map.len, "{map:?}");
            }
        }
        let hashed = if context.keys.is_some() {
            "hashed"
        } else {
            "not hashed"
        };
        eprintln!(
            "{} {:?}: {compared} entries, {hashed}",
            crash.said.version, crash.program.variant
        );
    });
}

fn check_damage(crash: &Crash) {
    with_context(crash, |context| {
        for map in crash.said.by_address().values() {
            let verified = context.verify(map);
            let fault = &*map.damage;
            if fault.is_empty() || fault == "writing" {
                assert!(verified.damage.is_empty(), "{map:?}: {:?}", verified.damage);
                continue;
            }
            assert!(!verified.damage.is_empty(), "{fault}: nothing is noticed");
        }
    });
}

fn check(toolchain: &Toolchain, variant: Variant) {
    if let Some(crash) = Program::build("zoo", toolchain, variant).crash(&[]) {
        check_zoo(&crash);
    }
    // Without the names of variables the keys of the hash take a search, which is not done here.
    if variant == Variant::Stripped {
        return;
    }
    if let Some(crash) = Program::build("damage", toolchain, variant).crash(&[]) {
        check_damage(&crash);
    }
}

#[test]
fn zoo_and_damage() {
    let Some(toolchain) = Toolchain::on_path() else {
        return;
    };
    for variant in [Variant::Default, Variant::Stripped] {
        check(&toolchain, variant);
    }
}

#[test]
#[ignore = "needs Go toolchains and minutes; see the top of this file"]
fn full() {
    for toolchain in Toolchain::named() {
        for variant in Variant::possible_for(&toolchain) {
            check(&toolchain, variant);
        }
    }
}
