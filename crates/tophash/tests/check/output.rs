//! Forms of output, several at once, and counts.

use std::fs;

use serde_json::Value;

use crate::support::{BROKEN_MAP, check, module, tophash};

#[test]
fn counts_per_rule() {
    let suppressed = BROKEN_MAP.replace("++", "++ //nolint:TH102,TH103x");
    let dir = module(&[
        ("a/m.go", BROKEN_MAP),
        ("b/m.go", BROKEN_MAP),
        ("c/m.go", &suppressed),
    ]);
    let run = check(
        dir.path(),
        &["--statistics", "--unused-suppressions", "./..."],
    );
    let want = "3  TH101  nil-map-write\n1  TH001  unused-suppression\n4  findings\n";
    assert_eq!(
        (run.status, run.out.as_str(), run.err.as_str()),
        (Some(1), want, "")
    );
    let run = check(dir.path(), &["--statistics", "--format=json", "./a"]);
    let json: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "rules": [{"code": "TH101", "name": "nil-map-write", "count": 1}],
            "total": 1,
        })
    );
    let run = check(dir.path(), &["--statistics", "--select=TH102", "./..."]);
    assert_eq!((run.status, run.out.as_str()), (Some(0), "0  findings\n"));
}

#[test]
fn several_outputs_at_once() {
    let dir = module(&[("m.go", BROKEN_MAP)]);
    let run = check(
        dir.path(),
        &[
            "--format=concise",
            "--output=out.sarif",
            "--output",
            "json=out",
            "--output=github=log.txt",
        ],
    );
    assert_eq!((run.status, run.err.as_str()), (Some(1), ""));
    assert_eq!(run.out.lines().count(), 1);
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let sarif: Value = serde_json::from_str(&read("out.sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "TH101");
    let json: Value = serde_json::from_str(&read("out")).unwrap();
    assert_eq!(json["findings"][0]["code"], "TH101");
    assert!(read("log.txt").starts_with("::error file=m.go,line=6,col=3,"));
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [".git", "go.mod", "log.txt", "m.go", "out", "out.sarif"]
    );
}

#[test]
fn a_file_that_can_not_be_written_is_status_2_and_the_findings_are_shown() {
    let dir = module(&[("m.go", BROKEN_MAP)]);
    let run = check(
        dir.path(),
        &["--format=concise", "--output=nowhere/out.sarif"],
    );
    assert_eq!((run.status, run.out.lines().count()), (Some(2), 1));
    assert!(
        run.err
            .starts_with("tophash: nowhere/out.sarif: can't be written: "),
        "{}",
        run.err
    );
    for wrong in ["out", "sarfi=out", "sarif="] {
        let run = check(dir.path(), &["--output", wrong]);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{wrong}");
    }
}

/// Code hosts show files from the top of the repository, wherever the command ran.
#[test]
fn code_hosts_get_paths_from_the_top() {
    let dir = module(&[("sub/m.go", BROKEN_MAP)]);
    let sub = dir.path().join("sub");
    let run = check(&sub, &["--format=github"]);
    assert!(
        run.out.starts_with("::error file=sub/m.go,line=6,"),
        "{}",
        run.out
    );
    let run = check(&sub, &["--format=sarif"]);
    let uri = |sarif: &Value| {
        let location = &sarif["runs"][0]["results"][0]["locations"][0];
        location["physicalLocation"]["artifactLocation"]["uri"]
            .as_str()
            .map(str::to_owned)
    };
    let sarif: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(uri(&sarif).as_deref(), Some("sub/m.go"));
    // A checkout of GitHub Actions counts, be there a repository inside or not.
    let mut command = tophash(&sub, &["check", "--format=sarif"]);
    let above = sub.canonicalize().unwrap();
    let above = above.parent().unwrap().parent().unwrap();
    let output = command.env("GITHUB_WORKSPACE", above).output().unwrap();
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = dir.path().file_name().unwrap().to_str().unwrap();
    let uri = uri(&sarif).unwrap();
    assert!(uri.ends_with(&format!("{name}/sub/m.go")), "{uri}");
}

#[test]
fn sarif_describes_every_rule_and_names_problems() {
    let broken = format!("{BROKEN_MAP}\nfunc f( {{\n");
    let dir = module(&[("m.go", &broken)]);
    let run = check(dir.path(), &["--format=sarif", ".", "./nowhere"]);
    let sarif: Value = serde_json::from_str(&run.out).unwrap();
    let schema = include_str!("../../../report/tests/sarif/sarif-schema-2.1.0.json");
    let schema = serde_json::from_str(&schema.replace("{2}]?$", "{2}?$")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&sarif)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let run = &sarif["runs"][0];
    for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
        for key in [
            "id",
            "name",
            "shortDescription",
            "fullDescription",
            "help",
            "helpUri",
        ] {
            assert!(!rule[key].is_null(), "{key}: {rule}");
        }
        assert!(
            !rule["help"]["markdown"]
                .as_str()
                .unwrap()
                .contains("// want")
        );
    }
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let levels: Vec<&Value> = invocation["toolExecutionNotifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| &n["level"])
        .collect();
    assert_eq!(levels, ["error", "warning"]);
}
