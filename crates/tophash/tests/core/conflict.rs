//! Two goroutines on one map, until the runtime ends the process.

use serde_json::Value;

use crate::made::{self, Crash, Program, Toolchain, Variant};
use crate::run::Subject;

/// What the two do, and how the program is told so.
const PAIRS: &[&[&str]] = &[
    &["-a=write", "-b=write"],
    &["-a=write", "-b=read"],
    &["-a=iterate", "-b=write", "-key=string"],
    &["-a=delete", "-b=write", "-key=int32"],
    &["-a=clear", "-b=write", "-key=struct"],
    &["-a=clone", "-b=write"],
    &["-a=write", "-b=write", "-grow", "-key=any"],
    &["-a=write", "-b=iterate", "-size=8"],
];

pub fn check(toolchain: &Toolchain, variant: Variant) {
    let program = Program::build("conflict", toolchain, variant);
    let (mut cores, mut both) = (0, 0);
    for pair in PAIRS {
        if let Some(crash) = program.crash(pair) {
            cores += 1;
            both += usize::from(names_both(&crash, pair, variant));
        }
    }
    eprintln!("both goroutines named in {both} of {cores} cores");
    // The other goroutine may have ended its round, and wait, before the runtime notices: on a
    // machine under load often, but not each time.
    assert!(cores < 4 || both > 0, "both named in {both} of {cores}");
    if variant != Variant::Arm64 {
        healthy(&program);
    }
}

/// Checks the verdict. Gives whether the second goroutine is named, too, alone or among several.
fn names_both(crash: &Crash, pair: &[&str], variant: Variant) -> bool {
    // Fatal errors other than those of the map's own check are another matter.
    let noticed = crash.log.contains("fatal error: concurrent map");
    if !noticed {
        eprintln!("{pair:?}: {}", crash.log.lines().next().unwrap_or_default());
        return true;
    }
    let subject = Subject::of(crash);
    let (status, verdict) = subject.json(&["conflict"]);
    assert_eq!(status, 1, "{pair:?}: {verdict}");
    let [conflict] = &verdict["conflicts"].as_array().unwrap()[..] else {
        panic!("{pair:?}: {verdict}")
    };
    if let Some(map) = crash.said.maps.first() {
        let Some(address) = made::number(&conflict["map"]) else {
            // The reader alone may have left nothing by which to tell the map in a program without
            // debug information: then nothing certain is said.
            assert_eq!(variant, Variant::Stripped, "{pair:?}: {conflict}");
            assert_eq!(conflict["certainty"], "possible", "{pair:?}: {conflict}");
            check_side(crash, &conflict["first"], pair);
            return false;
        };
        assert_eq!(address, map.address, "{pair:?}: {conflict}");
        if variant != Variant::Stripped {
            assert_eq!(
                verdict["findings"][0]["map"], *map.path,
                "{pair:?}: {verdict}"
            );
        }
    }
    let others = conflict["others"].as_array().unwrap();
    check_side(crash, &conflict["first"], pair);
    // Several are candidates, of which none is more likely than the others.
    if others.len() > 1 {
        assert_eq!(conflict["certainty"], "possible", "{pair:?}: {conflict}");
        let first = &conflict["first"]["goroutine"];
        let mut said = crash.said.goroutines.iter();
        return said.any(|said| {
            let is_said = |side: &Value| side["goroutine"] == said.id;
            *first != said.id && others.iter().any(is_said)
        });
    }
    // What is left of ended calls may be that of the goroutine which filled the map before.
    let ended = |side: &Value| {
        let evidence = side["evidence"].as_str().unwrap_or_default();
        evidence.starts_with("what is left of that call")
    };
    if others.iter().any(ended) {
        assert_eq!(conflict["certainty"], "possible", "{pair:?}: {conflict}");
        let mut said = crash.said.goroutines.iter();
        return said.any(|said| others[0]["goroutine"] == said.id);
    }
    for side in others {
        check_side(crash, side, pair);
    }
    let mut ids: Vec<_> = others.iter().map(|side| &side["goroutine"]).collect();
    ids.push(&conflict["first"]["goroutine"]);
    ids.dedup();
    assert_eq!(ids.len(), others.len() + 1, "{pair:?}: {conflict}");
    !others.is_empty()
}

fn check_side(crash: &Crash, side: &Value, pair: &[&str]) {
    let mut goroutines = crash.said.goroutines.iter();
    let Some(said) = goroutines.find(|goroutine| side["goroutine"] == goroutine.id) else {
        panic!("{pair:?}: no goroutine of the conflict: {side}")
    };
    let operation = match &*said.operation {
        "write" => "assign",
        other => other,
    };
    let function = side["place"]["function"].as_str().unwrap_or_default();
    let Some(named) = side["operation"].as_str() else {
        // Between two operations: in the loop around them, in what makes the next key, or in what
        // starts the next round. That is no proof.
        let near = [&*said.function, "main.worker", "main.main.func"];
        let near = near.iter().any(|name| function.starts_with(name));
        assert!(near, "{pair:?}: {said:?}: {side}");
        assert_ne!(side["certainty"], "certain", "{pair:?}: {side}");
        return;
    };
    // Clearing and cloning are loops over the map in some versions.
    let alike = matches!(
        (operation, named),
        ("clear" | "clone", "iterate" | "delete")
    );
    assert!(named == operation || alike, "{pair:?}: {said:?}: {side}");
    assert!(
        function.starts_with(&said.function),
        "{pair:?}: {said:?}: {side}"
    );
}

/// A process in which one goroutine writes at full speed has no conflict.
fn healthy(program: &Program) {
    let running = program.start(&["-a=write", "-b=none"], 3);
    let subject = Subject::process(running.pid());
    // Memory that changes while it is read may make no sense, which is said and is over at the next
    // try; a conflict that is none is never reported.
    let tries = (0..5).filter(|_| {
        let run = subject.text(&["conflict"]);
        let unreadable = run.status == 2 && !run.stderr.is_empty();
        assert!(run.status == 0 || unreadable, "{run:?}");
        run.status == 0
    });
    assert_ne!(tries.count(), 0, "the process can't be read in five tries");
}
