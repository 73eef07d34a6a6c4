//! What each format looks like.

use tophash_finding::{Evidence, Finding, Fix, Place, Problem, ProblemKind, Severity, Stats};
use tophash_report::{Format, Report, Sources, render};

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
