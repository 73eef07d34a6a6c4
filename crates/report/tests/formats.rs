//! What each format looks like.

use std::path::Path;

use tophash_finding::{
    Evidence, Finding, Fix, Place, Problem, ProblemKind, RuleMeta, Severity, Stats,
};
use tophash_report::{Format, Report, RuleText, Sources, render};

const POD: &str = "\
package cache

type PodCache struct {
\tmu    sync.Mutex
\tcache map[string]*v1.Pod
}

func NewPodCache() *PodCache {
\treturn &PodCache{}
}

func (c *PodCache) Set(key string, pod *v1.Pod) {
\tc.mu.Lock()
\tdefer c.mu.Unlock()
\tc.cache[key] = pod
}
";

fn finding() -> Finding {
    let write = Place::new("cache/pod.go", (15, 2), (15, 20));
    Finding {
        code: "TH102".into(),
        name: "uninitialised-map-field".into(),
        severity: Severity::Error,
        message: "PodCache.cache is still nil when Set writes to it: \
                  NewPodCache (cache/pod.go:9) leaves it out"
            .into(),
        place: write.clone(),
        function: Some("(*PodCache).Set".into()),
        map: Some("PodCache.cache".into()),
        evidence: vec![
            Evidence {
                place: Place::new("cache/pod.go", (9, 10), (9, 20)),
                function: Some("NewPodCache".into()),
                message: "made here, without the field cache".into(),
            },
            Evidence {
                place: write,
                function: Some("(*PodCache).Set".into()),
                message: "written here".into(),
            },
        ],
        fixes: vec![Fix {
            message: "initialise it in NewPodCache: `cache: make(map[string]*v1.Pod)`".into(),
            edits: vec![tophash_finding::Edit {
                file: "cache/pod.go".into(),
                start: 151,
                end: 151,
                text: "cache: make(map[string]*v1.Pod)".into(),
            }],
            safe: true,
        }],
        fingerprint: "0123456789abcdef".into(),
    }
}

fn rendered(findings: &[Finding], format: Format, color: bool, source: Option<&str>) -> String {
    let report = Report {
        command: "check",
        version: "0.0.0",
        findings,
        problems: &[Problem {
            file: Some("broken.go".into()),
            line: Some(3),
            column: None,
            kind: ProblemKind::Syntax,
            message: "expected declaration".into(),
        }],
        stats: Stats {
            packages: 1,
            files: 2,
            lines: 30,
        },
        ..Report::default()
    };
    let mut sources = Sources::new(|_| source.map(|s| s.as_bytes().to_vec()));
    let mut out = Vec::new();
    render(&report, format, &mut sources, color, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn text() {
    let two = [finding(), finding()];
    insta::assert_snapshot!(rendered(&two, Format::Text, false, Some(POD)));
}

#[test]
fn text_in_color() {
    insta::assert_snapshot!(rendered(&[finding()], Format::Text, true, Some(POD)));
}

#[test]
fn text_without_sources() {
    insta::assert_snapshot!(rendered(&[finding()], Format::Text, false, None));
}

#[test]
fn text_of_sources_that_changed() {
    insta::assert_snapshot!(rendered(
        &[finding()],
        Format::Text,
        false,
        Some("package cache\n")
    ));
}

#[test]
fn text_with_tabs_and_wide_characters() {
    let mut f = finding();
    f.evidence.clear();
    f.fixes.clear();
    f.place = Place::new("a.go", (1, 24), (1, 28));
    let source = "\tx := \"日本\"; y\t:=\t1; m[k] = v // \u{202e}\u{7}\r\n";
    let start = source.find("m[k]").unwrap() as u32 + 1;
    f.place = Place::new("a.go", (1, start), (1, start + 4));
    insta::assert_snapshot!(rendered(&[f], Format::Text, false, Some(source)));
}

#[test]
fn text_of_a_long_line() {
    let mut f = finding();
    f.evidence.clear();
    let mut source = "a + ".repeat(100_000);
    f.place = Place::new(
        "a.go",
        (1, source.len() as u32 + 1),
        (1, source.len() as u32 + 5),
    );
    source.push_str("m[k] = v");
    source.push_str(&"; f()".repeat(100_000));
    insta::assert_snapshot!(rendered(&[f], Format::Text, false, Some(&source)));
}

#[test]
fn concise() {
    insta::assert_snapshot!(rendered(&[finding()], Format::Concise, false, None));
}

#[test]
fn json() {
    insta::assert_snapshot!(rendered(&[finding()], Format::Json, false, None));
}

#[test]
fn json_is_as_the_schema_says() {
    let schema = include_str!("../../../docs/finding.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut bare = finding();
    bare.function = None;
    bare.map = None;
    bare.evidence.clear();
    bare.fixes.clear();
    for findings in [vec![], vec![finding(), bare]] {
        let mut document: serde_json::Value =
            serde_json::from_str(&rendered(&findings, Format::Json, false, None)).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&document)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        // The schema is no use if it takes anything.
        for finding in document["findings"].as_array_mut().unwrap() {
            finding["line"] = 0.into();
        }
        assert_eq!(validator.is_valid(&document), findings.is_empty());
    }
}

#[test]
fn github() {
    let mut lines = finding();
    lines.message = "100% nil,\nhere: there".into();
    lines.place = Place::new("a,b:c.go", (3, 1), (5, 2));
    insta::assert_snapshot!(rendered(&[finding(), lines], Format::Github, false, None));
}

/// A run in a directory of a repository, on files in it and elsewhere, with text that is
/// more than ASCII.
fn sarif(findings: &[Finding], problems: &[Problem], source: Option<&str>) -> serde_json::Value {
    let rules = [RuleText {
        meta: RuleMeta {
            code: "TH102",
            name: "uninitialised-map-field",
            severity: Severity::Error,
            default_on: true,
            since: "0.1.0",
            summary: "a field is left nil",
        },
        page: "# TH102: uninitialised-map-field\n".into(),
        url: "https://example.org/TH102.md".into(),
    }];
    let report = Report {
        command: "check",
        version: "0.0.0",
        findings,
        problems,
        rules: &rules,
        dir: Some(Path::new("/repo/sub")),
        root: Some(Path::new("/repo")),
        ..Report::default()
    };
    let mut sources = Sources::new(|_| source.map(|s| s.as_bytes().to_vec()));
    let mut out = Vec::new();
    render(&report, Format::Sarif, &mut sources, false, &mut out).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    // Its pattern for languages has a bracket too many, which not all readers of regular
    // expressions take.
    let schema = include_str!("sarif/sarif-schema-2.1.0.json").replace("{2}]?$", "{2}?$");
    let schema = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&value)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // The schema is no use if it takes anything.
    let mut broken = value.clone();
    broken["runs"][0]["tool"]["driver"]["name"] = 1.into();
    assert!(!validator.is_valid(&broken));
    value
}

#[cfg(unix)]
#[test]
fn sarif_is_as_its_schema_says() {
    let problem = |kind, file: Option<&str>, line| Problem {
        file: file.map(str::to_owned),
        line,
        column: None,
        kind,
        message: "why".into(),
    };
    let problems = [
        problem(ProblemKind::Pattern, None, None),
        problem(ProblemKind::Import, Some("a b.go"), Some(3)),
        problem(ProblemKind::Syntax, Some("../x.go"), None),
    ];
    let mut other = finding();
    other.code = "CR501".into();
    other.name = "out-of-memory-growing-map".into();
    other.severity = Severity::Note;
    other.place = Place::new("<standard input>", (1, 1), (1, 1));
    other.function = None;
    other.evidence.clear();
    other.fixes.clear();
    let value = sarif(&[finding(), other], &problems, Some(POD));
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

#[cfg(unix)]
#[test]
fn sarif_without_findings_and_without_sources() {
    let empty = sarif(&[], &[], None);
    assert_eq!(empty["runs"][0]["results"], serde_json::json!([]));
    let blind = sarif(&[finding()], &[], None);
    let replacement = "/runs/0/results/0/fixes/0/artifactChanges/0/replacements/0/deletedRegion";
    assert_eq!(
        blind.pointer(replacement),
        Some(&serde_json::json!({ "byteOffset": 151, "byteLength": 0 }))
    );
}

/// Columns of SARIF count UTF-16 code units; a smiley is two, four bytes in UTF-8.
#[cfg(unix)]
#[test]
fn sarif_counts_columns_in_utf_16() {
    let line = "x := \"日本😀\"; m[k] = v\n";
    let start = line.find("m[k]").unwrap() as u32;
    let mut f = finding();
    f.place = Place::new("../a.go", (1, start + 1), (1, start + 5));
    f.evidence.clear();
    f.fixes[0].edits[0] = tophash_finding::Edit {
        file: "../../go/src/a.go".into(),
        start,
        end: start + 4,
        text: String::new(),
    };
    let value = sarif(&[f], &[], Some(line));
    let result = &value["runs"][0]["results"][0];
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        location["region"],
        serde_json::json!({"startLine": 1, "startColumn": 14, "endLine": 1, "endColumn": 18})
    );
    assert_eq!(
        location["artifactLocation"],
        serde_json::json!({"uri": "a.go", "uriBaseId": "SRCROOT"})
    );
    let change = &result["fixes"][0]["artifactChanges"][0];
    assert_eq!(
        change["artifactLocation"],
        serde_json::json!({"uri": "file:///go/src/a.go"})
    );
    assert_eq!(
        change["replacements"],
        serde_json::json!([{ "deletedRegion": location["region"] }])
    );
}
