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

#[test]
fn fields_of_unknown_types_stay_what_they_are() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(
        dir.path().join("go.mod"),
        "module example.com/m\n\ngo 1.24\n",
    )
    .expect("go.mod");
    std::fs::write(dir.path().join("m.go"), SOURCE).expect("m.go");
    let options = Options {
        dir: dir.path().to_owned(),
        ..Options::default()
    };
    let output = check(&options, &Progress::default());
    let line = SOURCE.lines().position(|line| line.contains("found"));
    let found: Vec<usize> = output
        .findings
        .iter()
        .map(|f| f.place.line as usize)
        .collect();
    assert_eq!(
        found,
        [line.expect("the line") + 1],
        "{:?}",
        output.findings
    );
}
