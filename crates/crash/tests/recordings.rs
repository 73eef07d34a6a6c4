//! What real programs print, of every version and at every level, is read as what they did:
//! `programs/facts.txt` says what that was.

mod recorded;

use std::collections::{BTreeMap, BTreeSet};

use recorded::{Recording, recordings};
use tophash_crash::{Case, Kind, Known, read_all};

trait Titled {
    fn title(&self) -> String;
    fn minor(&self) -> u32;
}

impl Titled for Recording {
    fn title(&self) -> String {
        format!(
            "{} {} {} {}",
            self.version, self.name, self.level, self.build
        )
    }

    fn minor(&self) -> u32 {
        self.version
            .strip_prefix("go1.")
            .and_then(|minor| minor.parse().ok())
            .expect("a version")
    }
}

/// What a program does.
struct Fact {
    classes: Vec<String>,
    /// Operation and function of the goroutine that fails; any of them.
    failed: Vec<(String, String)>,
    other: Vec<(String, String)>,
    goroutines: u64,
}

impl Fact {
    fn is(&self, class: &str) -> bool {
        self.classes.iter().any(|c| c == class)
    }
}

fn facts() -> BTreeMap<String, Fact> {
    let sides = |text: &str| -> Vec<(String, String)> {
        if text == "-" {
            return Vec::new();
        }
        let side = |s: &str| {
            let (operation, function) = s.split_once(':').expect("operation:function");
            (operation.to_owned(), function.to_owned())
        };
        text.split('|').map(side).collect()
    };
    include_str!("programs/facts.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [name, class, failed, other, goroutines] = words[..] else {
                panic!("{line}");
            };
            let fact = Fact {
                classes: class.split('|').map(str::to_owned).collect(),
                failed: sides(failed),
                other: sides(other),
                goroutines: goroutines.parse().expect("a number"),
            };
            (name.to_owned(), fact)
        })
        .collect()
}

fn function(case: &Case, side: &tophash_crash::Side) -> Option<String> {
    let frame = case.crash.stacks.get(side.stack)?.frames.get(side.frame?)?;
    Some(
        frame
            .function
            .strip_prefix("main.")
            .unwrap_or(&frame.function)
            .to_owned(),
    )
}

fn matches(
    case: &Case,
    side: &tophash_crash::Side,
    wanted: &[(String, String)],
) -> Option<(String, String)> {
    let function = function(case, side).unwrap_or_default();
    wanted
        .iter()
        .find(|(operation, name)| {
            // The race detector loses a frame now and then.
            let lost = case.crash.kind == Kind::Race && function.starts_with("init.");
            // 1.21 calls what it makes for a `defer` a closure.
            let closure = function.strip_suffix(".func1") == Some(name);
            (name == "*" || *name == function || lost || closure)
                && (operation == "-"
                    || case.verdict.class.as_str() == "unhashable-key"
                        && side.operations.is_empty()
                    || side.operations.iter().any(|op| op.as_str() == operation))
        })
        .cloned()
}

/// All that is wrong with the reading of one recording.
fn complaints(recording: &Recording, fact: &Fact) -> Vec<String> {
    let (read, error) = read_all(recording.text.as_slice());
    assert!(error.is_none());
    let of_maps: Vec<&Case> = read
        .cases
        .iter()
        .filter(|c| c.verdict.class.is_of_maps())
        .collect();
    let mut wrong = Vec::new();
    let race = recording.build == "race";
    // A race detector reports more than one race of the same program; the first is asked for.
    let case = match (of_maps.first(), read.cases.first()) {
        (Some(case), _) => *case,
        (None, Some(case)) => case,
        (None, None) => return vec!["nothing found".to_owned()],
    };
    if !race && read.cases.len() > 1 {
        let classes: Vec<&str> = read
            .cases
            .iter()
            .map(|c| c.verdict.class.as_str())
            .collect();
        wrong.push(format!("several crashes: {classes:?}"));
    }
    let verdict = &case.verdict;
    let class = verdict.class.as_str();
    // 1.24 says that cloning is iterating, and shows no frame that tells unless all are printed.
    let clone_as_iteration = fact.is("concurrent-map-clone-and-write")
        && recording.version == "go1.24"
        && class == "concurrent-map-iteration-and-write";
    // A race can end in any of these ways, most of all two writers.
    let concurrent = fact.classes.iter().any(|c| c.starts_with("concurrent"));
    let other_face = concurrent && class == "damaged-map";
    if !fact.is(class) && !clone_as_iteration && !other_face {
        wrong.push(format!("class {class}, is {:?}", fact.classes));
        return wrong;
    }
    let Some(failed) = &verdict.failed else {
        if recording.level != "none" {
            wrong.push("no goroutine that failed".to_owned());
        }
        return wrong;
    };
    if recording.level == "none"
        && case.crash.kind != Kind::Recovered
        && !recording.name.starts_with("nil-recovered")
        && !recording.name.starts_with("oom")
        && recording.name != "other-sigquit"
    {
        wrong.push("a goroutine at level none".to_owned());
    }
    let mut sides = fact.failed.clone();
    if case.crash.kind == Kind::Race {
        // It names the later access first.
        sides.extend(fact.other.iter().cloned());
    }
    let Some((operation, name)) = matches(case, failed, &sides) else {
        wrong.push(format!(
            "failed in {:?} with {:?}",
            function(case, failed),
            failed.operations
        ));
        return wrong;
    };
    let printed = matches!(recording.level.as_str(), "system" | "crash") || recording.minor() >= 24;
    if fact.is("concurrent-map-writes")
        && printed
        && recording.build != "noswissmap"
        && failed.operations.len() != 1
    {
        wrong.push(format!(
            "operations {:?}, is {operation}",
            failed.operations
        ));
    }
    if matches!(recording.level.as_str(), "system" | "crash")
        && failed.known != Some(Known::Frame)
        && operation != "-"
        && case.crash.kind != Kind::Recovered
        && !recording.name.starts_with("nil-recovered")
    {
        wrong.push("operation not known by a frame".to_owned());
    }
    goroutines(recording, fact, case, &mut wrong);
    others(fact, case, &name, &mut wrong);
    wrong
}

/// How many goroutines there are.
fn goroutines(recording: &Recording, fact: &Fact, case: &Case, wrong: &mut Vec<String>) {
    let n = case.crash.goroutines;
    let one = case.crash.kind == Kind::Recovered
        || recording.name.starts_with("nil-recovered")
        || recording.level == "single"
            && (case.crash.kind == Kind::Panic || recording.minor() >= 26);
    let expected = if recording.build == "race" && case.crash.kind == Kind::Race {
        2..=2
    } else if recording.name.starts_with("oom") || recording.name.starts_with("other-sigquit") {
        // The runtime prints all, its own among them, or none.
        1..=20
    } else if recording.name == "other-deadlock" || recording.build == "cgo" {
        1..=20
    } else if one {
        1..=1
    } else if matches!(recording.level.as_str(), "single" | "all") {
        // Up to 1.20 text/template parses with a goroutine of its own, which may not have ended.
        fact.goroutines..=fact.goroutines + u64::from(recording.minor() < 21)
    } else {
        fact.goroutines..=fact.goroutines + 12
    };
    if !expected.contains(&n) {
        wrong.push(format!("{n} goroutines, are {expected:?}"));
    }
}

/// Whether the other side is among the candidates, if it is printed at all.
fn others(fact: &Fact, case: &Case, failed: &str, wrong: &mut Vec<String>) {
    if fact.other.is_empty() || case.crash.goroutines < 2 {
        return;
    }
    // Where either may fail the other is the rest.
    let race = case.crash.kind == Kind::Race;
    let either = fact.failed.len() > 1 || race;
    let wanted: Vec<(String, String)> = fact
        .other
        .iter()
        .chain(fact.failed.iter().filter(|_| race))
        .filter(|(_, name)| !either || name != failed)
        .cloned()
        .collect();
    let printed = case.crash.stacks.iter().enumerate().any(|(i, stack)| {
        (i > 0 || stack.count > 1)
            && stack.frames.iter().any(|f| {
                wanted
                    .iter()
                    .any(|(_, name)| f.function.strip_prefix("main.") == Some(name))
            })
    });
    let Some(first) = case.verdict.others.first() else {
        if printed {
            wrong.push("no candidate for the other side".to_owned());
        }
        return;
    };
    if printed && matches(case, &first.side, &wanted).is_none() {
        wrong.push(format!(
            "other side {:?} with {:?}: {:?}",
            function(case, &first.side),
            first.side.operations,
            first.reasons
        ));
    }
}

#[test]
fn every_recording_is_read_right() {
    let facts = facts();
    let recordings = recordings();
    assert!(recordings.len() > 300, "{} recordings", recordings.len());
    let mut wrong = Vec::new();
    for recording in &recordings {
        let Some(fact) = facts.get(&recording.name) else {
            panic!("no facts about {}", recording.name);
        };
        for complaint in complaints(recording, fact) {
            wrong.push(format!("{}: {complaint}", recording.title()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} recordings:\n{}",
        wrong.len(),
        recordings.len(),
        wrong.join("\n")
    );
}

/// Each kind of failure is recorded with each version at each level, so that none is only
/// believed to be read.
#[test]
fn each_failure_is_recorded_everywhere() {
    let facts = facts();
    let mut recorded: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for recording in recordings().into_iter().filter(|r| r.build == "plain") {
        let known = recorded
            .entry((recording.version.clone(), recording.level.clone()))
            .or_default();
        // A nil pointer out of a map is one more nil pointer without the source.
        match recording.name.starts_with("elem-") {
            true => known.insert("nil-map-element".to_owned()),
            false => known.insert(facts[&recording.name].classes[0].clone()),
        };
    }
    assert_eq!(recorded.len(), 8 * 5, "versions and levels");
    for ((version, level), known) in recorded {
        for class in [
            "nil-map-write",
            "concurrent-map-writes",
            "concurrent-map-read-and-write",
            "concurrent-map-iteration-and-write",
            "concurrent-map-clone-and-write",
            "unhashable-key",
            "nil-map-element",
            "out-of-memory-growing-map",
            "out-of-memory",
            "nil-dereference",
            "other-panic",
            "other-fatal-error",
            "signal",
        ] {
            // The package maps came with 1.21.
            let before = version == "go1.19" && class == "concurrent-map-clone-and-write";
            assert!(
                before || known.contains(class),
                "{version} {level}: {class}"
            );
        }
    }
}
