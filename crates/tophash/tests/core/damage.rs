//! Maps that a program has damaged, one fault each.

use std::collections::BTreeMap;

use crate::made::{Program, Toolchain, Variant};
use crate::run::Subject;

/// What is said of a fault: each of the parts in one finding or another, and no finding without
/// one of them.
fn expected(fault: &str) -> &'static [&'static str] {
    match fault {
        "control byte" | "control byte, small" | "tophash" | "tophash, small" => {
            &["of the hash of key"]
        }
        // With luck a changed key's hash keeps the byte, or leads to the same place.
        "key" | "key, small" => &["key 10"],
        "lost entry, small" | "count" | "count, small" | "absurd count" => &["the header counts"],
        "lost entry" => &["the header counts"],
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
        "no buckets" | "buckets of nowhere" | "chain of nowhere" | "old buckets of nowhere" => &[],
        _ => &[],
    }
}

pub fn check(toolchain: &Toolchain, variant: Variant) {
    let program = Program::build("damage", toolchain, variant);
    let Some(crash) = program.crash(&[]) else {
        return;
    };
    let subject = Subject::of(&crash);
    let (status, checked) = subject.json(&["verify"]);
    assert_eq!(status, 1);
    let mut found = BTreeMap::<u64, Vec<&str>>::new();
    for finding in checked["findings"].as_array().unwrap() {
        let message = finding["message"].as_str().unwrap();
        // The holder before it may be named by an address, too.
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
            // Nothing but its header tells a map of a stripped program.
            let unlike = ["absurd", "nowhere", "no directory", "no buckets"];
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
