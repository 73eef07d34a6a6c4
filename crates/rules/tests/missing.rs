//! Packages whose imports can't be found: what is unknown leads to no finding, and what is
//! known besides is still found.

use tophash_rules::{Options, Progress, check};

const SOURCE: &str = r#"package unknown

import "example.org/nowhere/jwt"

type account struct{ keys map[string]string }

// The map is made if there is something to put there, by what can't be resolved.
func (a *account) update(claims *jwt.Claims, strict bool) {
	a.keys = nil
	if len(claims.SigningKeys) > 0 || !strict {
		a.keys = make(map[string]string)
	}
	for k, v := range claims.SigningKeys {
		a.keys[k] = v
	}
	if !strict {
		a.keys["own"] = "x"
	}
}

func (a *account) reset(claims *jwt.Claims) {
	a.keys = nil
	if claims.Loaded {
		a.keys["own"] = "found"
	}
}
"#;

/// The lines of findings in a package of one file.
fn lines(source: &str) -> Vec<usize> {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(
        dir.path().join("go.mod"),
        "module example.com/m\n\ngo 1.24\n",
    )
    .expect("go.mod");
    std::fs::write(dir.path().join("m.go"), source).expect("m.go");
    let options = Options {
        dir: dir.path().to_owned(),
        ..Options::default()
    };
    let output = check(&options, &Progress::default());
    output
        .findings
        .iter()
        .map(|f| f.place.line as usize)
        .collect()
}

/// The lines of a source that hold a word.
fn holding(source: &str, word: &str) -> Vec<usize> {
    let lines = source.lines().enumerate();
    lines
        .filter(|(_, line)| line.contains(word))
        .map(|(n, _)| n + 1)
        .collect()
}

#[test]
fn fields_of_unknown_types_stay_what_they_are() {
    assert_eq!(lines(SOURCE), holding(SOURCE, "found"));
}

const LITERALS: &str = r#"package unknown

import "example.org/nowhere/trace"

func event(labels map[string]string) trace.Event {
	if labels == nil {
		labels = make(map[string]string)
	}
	labels["kind"] = "kept"
	return trace.Event{Labels: labels}
}

func lost(labels map[string]string) trace.Event {
	if labels == nil {
		labels = make(map[string]string) // found
	}
	labels["kind"] = "lost"
	return trace.Event{}
}

type Options struct{ Labels map[string]string }

// What keeps a pointer may do anything with what it leads to.
func complete() *Options {
	var o Options
	trace.Completer{Into: &o}.Complete()
	o.Labels["kind"] = "completed"
	return &o
}
"#;

#[test]
fn literals_of_unknown_types_keep_what_they_are_given() {
    assert_eq!(lines(LITERALS), holding(LITERALS, "found"));
}

const SWITCHES: &str = r#"package unknown

import "example.org/nowhere/side"

// The cases may be all that there is.
func byValue(at int, key string) {
	var m map[string]int
	switch at {
	case side.Left:
		m = map[string]int{}
	case side.Right:
		m = map[string]int{}
	}
	m[key] = 1
}

func byType(at any, key string) {
	var m map[string]int
	switch at.(type) {
	case side.Left:
		m = map[string]int{}
	case side.Right:
		m = map[string]int{}
	}
	m[key] = 1
}

func byOne(at int, key string) {
	var m map[string]int
	switch at {
	case side.Left:
		m = map[string]int{}
	}
	m[key] = 1 // found
}
"#;

#[test]
fn switches_over_unknown_values_leave_nothing_out() {
    assert_eq!(lines(SWITCHES), holding(SWITCHES, "found"));
}
