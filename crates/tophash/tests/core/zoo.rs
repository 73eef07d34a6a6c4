//! All maps of a program that has one of every kind.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::made::{self, Program, Said, Toolchain, Variant};
use crate::run::Subject;

pub fn check(toolchain: &Toolchain, variant: Variant) {
    let program = Program::build("zoo", toolchain, variant);
    let stripped = variant == Variant::Stripped;
    if let Some(crash) = program.crash(&[]) {
        let subject = Subject::of(&crash);
        list(&subject, &crash.said, stripped);
        retained(&subject, &crash.said, stripped);
        looked_at(&subject, &crash.said, stripped);
        let (status, summary) = subject.json(&["summary"]);
        // A panic is a failure.
        assert_eq!(status, 1, "{summary}");
        assert_eq!(summary["summary"]["go"], *crash.said.version, "{summary}");
        let text = subject.text(&["summary"]).stdout;
        assert!(text.contains("panic: the end of the program"), "{text}");
        stacks(&subject);
    }
    // An emulator's memory is not laid out as its guest's.
    if variant != Variant::Arm64 {
        let running = program.start(&["-end=wait"], 2);
        let subject = Subject::process(running.pid());
        list(&subject, &running.said, stripped);
        stacks(&subject);
    }
}

/// Every map is listed, with its type, its entries and who holds it, and no map that is not there.
fn list(subject: &Subject, said: &Said, stripped: bool) {
    let (status, listed) = subject.json(&["maps", "-n", "0"]);
    assert_eq!(status, 0);
    let listed: BTreeMap<u64, &Value> = listed["maps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|map| (made::number(&map["address"]).unwrap(), map))
        .collect();
    let said = said.by_address();
    for (address, map) in &said {
        let Some(listed) = listed.get(address) else {
            panic!("{map:?} is not listed")
        };
        assert_eq!(listed["entries"], map.len, "{map:?}: {listed}");
        let ty = listed["type"].as_str();
        // What is guessed is said to be, and may be another type of the same layout. In programs
        // that are not stripped that is needed only where no name leads.
        if listed["type_certain"] == true {
            assert_eq!(ty, Some(&*map.ty), "{map:?}: {listed}");
        } else {
            assert!(stripped || map.path.is_empty(), "{map:?}: {listed}");
        }
        let holder = listed["holder"].as_str().unwrap_or_default();
        if !stripped && !map.path.is_empty() {
            assert_eq!(holder, map.path, "{listed}");
        }
        let named = match &*map.name {
            "parked" => "main.parked",
            "onStack" => "main.atTheEnd",
            _ => "",
        };
        assert!(holder.contains(named), "{map:?}: {listed}");
        assert_eq!(
            listed["evacuated"].is_null(),
            !map.growing,
            "{map:?}: {listed}"
        );
    }
    for (address, map) in &listed {
        let ty = map["type"].as_str().unwrap_or_default();
        if ty.contains("main.") && map["type_certain"] == true {
            assert!(said.contains_key(address), "there is no such map: {map}");
        }
    }
}

/// A map keeps at least itself, pointers to its tables that are left on stacks or not; one whose
/// elements lie apart keeps them, too.
fn retained(subject: &Subject, said: &Said, stripped: bool) {
    let (status, listed) = subject.json(&["maps", "--retained", "-n", "12"]);
    assert_eq!(status, 0);
    let number = |value: &Value| value.as_u64().unwrap();
    for map in listed["maps"].as_array().unwrap() {
        let own = map["bytes"]["total"].as_u64().unwrap_or_default();
        assert!(number(&map["retained"]) >= own.max(48), "{map}");
        // Five numbers a value, none of which looks like an address.
        let large = made::number(&map["address"]) == Some(said.map("large").address);
        assert!(
            !large || stripped || number(&map["retained"]) < 2 * own,
            "{map}"
        );
    }
}

/// Some maps by name, address and key, and the check of all.
fn looked_at(subject: &Subject, said: &Said, stripped: bool) {
    for name in [
        "small", "shapes", "lazy", "both", "bools", "points", "onStack",
    ] {
        let map = said.map(name);
        let address = format!("{:#x}", map.address);
        let by_path = (!stripped && !map.path.is_empty()).then_some(&*map.path);
        for which in by_path.into_iter().chain([&*address]) {
            // A map without entries may be of any type.
            if stripped && map.len == 0 {
                let run = subject.text(&["map", which]);
                assert!(run.status == 0 || run.stderr.contains("--type"), "{run:?}");
                continue;
            }
            let (status, shown) = subject.json(&["map", which]);
            assert_eq!(status, 0);
            assert_eq!(
                made::number(&shown["map"]["address"]),
                Some(map.address),
                "{shown}"
            );
            let entries = shown["entries"].as_array().unwrap();
            assert_eq!(entries.len() as u64, map.len, "{shown}");
        }
    }
    // A key that can't be typed is compared with what is printed, and no more is claimed.
    if !stripped {
        let run = subject.text(&["map", &said.map("points").path, "--key", "no such text"]);
        let said = run
            .stdout
            .contains("no key is printed as no such text\n  keys of this map look");
        assert!(said, "{run:?}");
    }
    let (status, checked) = subject.json(&["verify"]);
    assert_eq!(status, 0, "{checked}");
    assert_eq!(checked["findings"], Value::Array(Vec::new()));
}

/// Two goroutines of the program, with their functions.
fn stacks(subject: &Subject) {
    let (status, shown) = subject.json(&["goroutines"]);
    assert_eq!(status, 0);
    let mut functions = vec!["main.atTheEnd", "main.parked"];
    for goroutine in shown["goroutines"].as_array().unwrap() {
        let stack = goroutine["stack"].as_array().unwrap();
        functions.retain(|name| stack.iter().all(|frame| frame["function"] != *name));
        assert_eq!(goroutine["complete"], true, "{goroutine}");
    }
    assert!(functions.is_empty(), "{functions:?} are not in {shown}");
}
