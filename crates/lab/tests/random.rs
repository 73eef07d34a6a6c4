//! Scripts of all sorts: none panics, none takes memory without bound, and what is drawn fits.

use std::collections::BTreeMap;

use tophash_lab::text::{Look, render};
use tophash_lab::{Frame, Session, Setup, build, parse};
use tophash_runtime::SplitMix;

const VERSIONS: [&str; 9] = [
    "1.21",
    "1.22",
    "1.23",
    "1.24",
    "1.24 noswissmap",
    "1.25",
    "1.25 noswissmap",
    "1.26",
    "1.27",
];

const PIECES: &[&str] = &[
    "put",
    "del",
    "get",
    "fill",
    "drain",
    "iter",
    "range",
    "step",
    "stop",
    "clear",
    "clone",
    "grow?",
    "hash",
    "new",
    "nil",
    "go",
    "seed",
    "race",
    "writer",
    "show",
    "draw",
    "scene",
    "help",
    "a",
    "b",
    "1",
    "2",
    "-1",
    "99999999999999999999",
    "NaN",
    "\"\\u00e9\\n\"",
    "\"",
    "`x`",
    "[]int{1}",
    "map[string]int",
    "map[any]any",
    "map[float64]string",
    "map[int8]struct{}",
    "map[bool]*T",
    "map[[]int]int",
    "bucket",
    "group",
    "|",
    ",",
    ";",
    "\n",
    "#",
    "1.27",
    "1.23",
    "noswissmap",
    "all",
    "on",
    "off",
    "growth",
    "split",
    "{",
    "(",
    "\u{1b}[31m",
    "日本",
    "\0",
];

fn word(random: &mut SplitMix) -> &'static str {
    PIECES[random.below(PIECES.len() as u64) as usize]
}

fn check(frame: &Frame, random: &mut SplitMix) {
    let width = 30 + random.below(120) as usize;
    let text = render(
        frame,
        Look {
            color: false,
            width,
        },
    );
    assert!(
        !text.contains('\u{1b}'),
        "an escape sequence got through: {text:?}"
    );
    assert!(text.len() < 400_000, "{}", text.len());
}

#[test]
fn noise_never_panics() {
    let mut random = SplitMix::new(7);
    for _ in 0..3000 {
        let text: Vec<&str> = (0..random.below(40)).map(|_| word(&mut random)).collect();
        let text = text.join(" ");
        let mut session = Session::new(Setup {
            build: build("1.27", "").unwrap(),
            seed: random.next_u64(),
        });
        for statement in parse("noise", &text).statements {
            // Races are explored in their own test; here they would take all the time.
            if statement.text.starts_with("race") {
                continue;
            }
            if let Ok((mut frame, _)) = session.run(&statement.command) {
                frame.command = statement.text;
                check(&frame, &mut random);
            }
        }
    }
}

/// A script of operations that make sense, against a Rust map as the truth.
#[test]
fn sensible_scripts_keep_their_entries() {
    for (number, version) in VERSIONS.iter().cycle().take(90).enumerate() {
        let mut random = SplitMix::new(number as u64);
        let (version, experiment) = version.split_once(' ').unwrap_or((version, ""));
        let mut session = Session::new(Setup {
            build: build(version, experiment).unwrap(),
            seed: random.next_u64(),
        });
        let mut truth = BTreeMap::new();
        for _ in 0..300 {
            let key = format!("x{}", random.below(60));
            let command = match random.below(12) {
                0..=5 => {
                    let elem = random.below(1000);
                    truth.insert(key.clone(), elem.to_string());
                    format!("put {key} {elem}")
                }
                6..=7 => {
                    truth.remove(&key);
                    format!("del {key}")
                }
                8 => "range".to_owned(),
                9 => "step 5".to_owned(),
                10 if random.below(8) == 0 => {
                    truth.clear();
                    "clear".to_owned()
                }
                10 => {
                    let version = VERSIONS[random.below(9) as usize];
                    format!("go {version}")
                }
                _ => format!("get {key}"),
            };
            let statement = parse("s", &command).statements.remove(0);
            let Ok((mut frame, _)) = session.run(&statement.command) else {
                assert_eq!(command, "step 5", "only a step without a loop may fail");
                continue;
            };
            if command.starts_with("get") {
                let expected = truth
                    .get(&key)
                    .map_or("0, false".to_owned(), |elem| format!("{elem}, true"));
                assert_eq!(frame.result.as_deref(), Some(expected.as_str()));
            }
            assert_eq!(frame.failure, None);
            check(&frame, &mut random);
            let picture = frame.picture.take().unwrap();
            let len = &picture.header[0].1;
            assert_eq!(*len, truth.len().to_string());
            let hidden = picture.parts.iter().any(|part| part.left_out.is_some());
            let drawn = picture
                .parts
                .iter()
                .flat_map(|part| &part.rows)
                .flat_map(|row| &row.cells)
                .filter(|cell| cell.state == tophash_lab::State::Full)
                .count();
            assert!(hidden || drawn == truth.len(), "{drawn} drawn of {len}");
        }
    }
}

#[test]
fn limits_are_told() {
    let error = |text: &str| {
        let mut session = Session::new(Setup {
            build: build("1.27", "").unwrap(),
            seed: 1,
        });
        let script = parse("s", text);
        let mut result = script.error.map(|error| error.message);
        for statement in script.statements {
            if let Err(message) = session.run(&statement.command) {
                result = Some(message);
            }
        }
        result.unwrap()
    };
    assert!(error("fill 100001").contains("at most 100000 entries"));
    assert!(error("new map[bool]int; fill 3").contains("no 3 more keys of type bool"));
    assert!(error("new map[int]int 1000000").contains("at most 100000 was expected"));
    assert!(error("step").contains("`range` begins one"));
    assert!(error("fill 3 bucket 0").contains("`fill N group G` was expected"));
    assert!(error("go 1.23; fill 3 bucket 9").contains("a number from 0 to 0 was expected"));
    assert!(error("fill 65; race put a 1 | put b 2").contains("at most 64"));
    assert!(error("scene same-size-growth").contains("Go 1.23"));
    assert!(error("scene x").contains("these are: growth"));
    let mut clears = "fill 100000; ".to_owned();
    clears.push_str(&"iter; ".repeat(40));
    assert!(error(&clears).contains("its limit"));
}
