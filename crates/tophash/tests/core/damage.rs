//! Maps that a program has damaged, one fault each.

use std::collections::BTreeMap;

use crate::made::{Program, Toolchain, Variant};
use crate::run::Subject;

/// What is said of a fault: each of the parts in one finding or another.
fn expected(fault: &str) -> &'static [&'static str] {
    match fault {
        "control byte" | "control byte, small" | "tophash" | "tophash, small" => {
            &["of the hash of key"]
        }
        // A changed key may keep the byte of its hash; then it is in the wrong place.
        "key" | "key, small" => &["key 100"],
        "lost entry" | "lost entry, small" | "count" | "count, small" | "absurd count"
        | "lost chain" => &["the header counts"],
        "table count" => &["table 0 counts"],
        "growth left" => &["table 0 has growthLeft"],
        "table's index" => &["table 0 has index 3"],
        "tables swapped" => &["look-ups miss it"],
        "no directory" => &["dirPtr is nil"],
        "absurd directory" => &["dirLen is 1125899906842624"],
        "directory of nowhere" => &["can't be read"],
        "absurd mask" => &["lengthMask 0x1fffffffffff"],
        "twice in a group" => &["is there twice"],
        "absurd B" => &["B is 60"],
        "no buckets" => &["buckets is nil, but B is 9"],
        "buckets of nowhere" => &["bucket 0 of 512, and all after it, at 0xdead0000 can't be read"],
        "old buckets of nowhere" => {
            &["old bucket 0 of 256, and all after it, at 0xdead0000 can't be read"]
        }
        "chain of nowhere" => &["overflow bucket 1 at 0xdead0000 can't be read"],
        "cyclic chain" => &["leads back to the bucket at", "the header counts"],
        "evacuated" => &["slot 0 is marked as evacuated, though its bucket is not an old one"],
        "tombstone after the rest" => &[
            "bucket 0, slot 1 is full, but look-ups end before it",
            "the header counts 6 entries, but 5 are there",
        ],
        _ => panic!("the program has a fault that is not known here: {fault}"),
    }
}

pub fn check(toolchain: &Toolchain, variant: Variant) {
    let program = Program::build("damage", toolchain, variant);
    let Some(crash) = program.crash(&[]) else {
        return;
    };
    let subject = Subject::of(&crash);
    let (status, checked) = subject.json(&["verify"]);
    // Of a stripped program the types of maps are worked out from their entries, for which some are
    // too damaged. Of those maps nothing is said; what is said of the others is true.
    let stripped = variant == Variant::Stripped;
    let none = checked["findings"].as_array().unwrap().is_empty();
    assert_eq!(status, i32::from(!none), "{checked}");
    assert!(stripped || !none, "{checked}");
    let mut found = BTreeMap::<u64, Vec<&str>>::new();
    for finding in checked["findings"].as_array().unwrap() {
        let message = finding["message"].as_str().unwrap();
        // The holder's own address may come before that of the map.
        let map = message.split("): ").next().unwrap();
        let address = map.rsplit(" at 0x").next().unwrap();
        let address = u64::from_str_radix(address, 16).unwrap();
        found.entry(address).or_default().push(message);
    }
    let said = crash.said.by_address();
    for (address, messages) in &found {
        let map = said.get(address);
        let fault = map.map(|map| &*map.damage).unwrap_or_default();
        assert!(
            !fault.is_empty() && fault != "writing",
            "{map:?}: {messages:?}"
        );
    }
    for (address, map) in &said {
        let fault = &*map.damage;
        if fault.is_empty() || fault == "writing" {
            continue;
        }
        let Some(messages) = found.get(address) else {
            // Nothing but its header and its entries' hashes tells a map of a stripped program:
            // one whose keys are all wrong is a map of unknown type.
            let unlike = [
                "absurd",
                "nowhere",
                "no directory",
                "no buckets",
                "key, small",
            ];
            let is_none = unlike.iter().any(|part| fault.contains(part));
            assert!(
                variant == Variant::Stripped && is_none,
                "{fault}: nothing is said of {address:#x}"
            );
            continue;
        };
        for part in expected(fault) {
            let said = messages.iter().any(|message| message.contains(part));
            assert!(said, "{fault}: {messages:?}");
        }
    }
}

/// Findings of one damage have the same fingerprints in another run, where all addresses differ.
pub fn fingerprints(toolchain: &Toolchain) {
    let program = Program::build("damage", toolchain, Variant::Default);
    let runs = [(); 2].map(|()| {
        let crash = program.crash(&["-fault=count"])?;
        let (_, checked) = Subject::of(&crash).json(&["verify"]);
        let findings = checked["findings"].as_array().unwrap();
        let mut prints: Vec<String> = findings
            .iter()
            .map(|finding| finding["fingerprint"].as_str().unwrap().to_owned())
            .collect();
        prints.sort();
        Some(prints)
    });
    let [Some(first), Some(second)] = runs else {
        return;
    };
    assert!(!first.is_empty() && first.iter().all(|print| print.len() == 16));
    assert_eq!(first, second);
}
