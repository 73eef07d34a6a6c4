//! Small programs that crash: they run through once their findings are mended.

use std::process::Command;

use crate::case::Case;
use crate::mended::mend;
use crate::{go, mended};

/// What a program says when it writes to a nil map.
const PANIC: &str = "panic: assignment to entry in nil map";

/// Programs, each with the rule that sees why it crashes.
const PROGRAMS: &[(&str, &str)] = &[
    (
        "TH101",
        "func main() {
	var counts map[string]int
	for _, word := range []string{\"a\", \"b\"} {
		counts[word]++
	}
	println(len(counts))
}
",
    ),
    // The caller can tell none from empty: it is made where it is written.
    (
        "TH101",
        "func count(words []string) (counts map[string]int) {
	for _, word := range words {
		counts[word]++
	}
	return counts
}

func main() {
	if count(nil) != nil {
		panic(\"there is a map\")
	}
	println(len(count([]string{\"a\"})))
}
",
    ),
    (
        "TH102",
        "type store struct {
	name  string
	items map[string]int
}

func newStore(name string) *store {
	return &store{name: name}
}

func (s *store) put(key string) {
	s.items[key]++
}

func main() {
	s := newStore(\"a\")
	s.put(\"b\")
	println(s.name, len(s.items))
}
",
    ),
    (
        "TH102",
        "type store struct {
	name  string
	Items map[string][]int
}

func main() {
	s := &store{
		name: \"a\",
	}
	s.Items[\"b\"] = append(s.Items[\"b\"], 1)
	s.Items[\"c\"] = nil
	println(s.name, len(s.Items))
}
",
    ),
    (
        "TH103",
        "func fill(m map[string]int) {
	m[\"a\"] = 1
}

func main() {
	var m map[string]int
	fill(m)
	println(len(m))
}
",
    ),
    (
        "TH104",
        "func main() {
	byTeam := make(map[string]map[string]int)
	byTeam[\"a\"][\"b\"] = 1
	println(len(byTeam))
}
",
    ),
    (
        "TH105",
        "import \"encoding/json\"

type config struct {
	Labels map[string]string
}

func load(text []byte) (*config, error) {
	var c config
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, err
	}
	c.Labels[\"read\"] = \"yes\"
	return &c, nil
}

func main() {
	c, err := load([]byte(\"{}\"))
	println(c.Labels[\"read\"], err == nil)
}
",
    ),
    (
        "TH106",
        "func mark(v any) int {
	m, _ := v.(map[string]any)
	m[\"seen\"] = true
	return len(m)
}

func main() {
	println(mark(1))
}
",
    ),
    (
        "TH108",
        "type cache struct {
	items map[string]int
}

func newCache() *cache {
	return &cache{items: make(map[string]int)}
}

func (c *cache) reset(key string) {
	c.items = nil
	c.items[key] = 1
}

func main() {
	c := newCache()
	c.reset(\"a\")
	println(len(c.items))
}
",
    ),
    (
        "TH101",
        "import \"maps\"

func main() {
	var labels map[string]string
	out := maps.Clone(labels)
	out[\"app\"] = \"x\"
	println(len(out))
}
",
    ),
];

/// The status and the error stream of `go run`.
fn run(go: &std::path::Path, case: &Case) -> (bool, String) {
    let dir = case.write();
    let output = Command::new(go)
        .args(["run", "."])
        .current_dir(&dir)
        .envs([("GOFLAGS", ""), ("GOWORK", "off"), ("GOTOOLCHAIN", "local")])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), told)
}

#[test]
fn programs_that_crash_run_through_when_mended() {
    let Some(go) = go::find() else {
        return;
    };
    let mut wrong = Vec::new();
    for (n, (code, text)) in PROGRAMS.iter().enumerate() {
        let name = format!("program {} ({code})", n + 1);
        let mut case = Case::of_file(code, name.clone(), &format!("package main\n\n{text}"));
        let (well, told) = run(&go, &case);
        if well || !told.contains(PANIC) {
            wrong.push(format!("{name} does not crash:\n{told}"));
            continue;
        }
        match mend(&mut case) {
            Ok(found) if found.iter().any(|finding| finding.code == *code) => {}
            Ok(found) => wrong.push(format!("{name}: found {found:#?}")),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
        let (well, told) = run(&go, &case);
        let text = &case.files[0].1;
        if !well {
            wrong.push(format!("{name} still fails:\n{told}\n{text}"));
        }
        let dir = case.write();
        if !mended::unformatted(&go, dir.path()).is_empty() {
            wrong.push(format!("{name}: not formatted:\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
