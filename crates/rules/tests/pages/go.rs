//! The Go toolchain, where there is one.

use std::path::PathBuf;
use std::process::Command;

use crate::case::Case;

/// Finds `go`. Without it the test that asks is skipped aloud, unless
/// TOPHASH_REQUIRE_GO is set, as in CI.
pub fn find() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").into_iter().flat_map(|path| {
        std::env::split_paths(&path)
            .map(|dir| dir.join("go"))
            .collect::<Vec<_>>()
    });
    let found = on_path
        .chain(["/usr/local/go/bin/go".into()])
        .find(|go| go.is_file());
    if found.is_none() {
        let required = std::env::var_os("TOPHASH_REQUIRE_GO").is_some();
        assert!(!required, "TOPHASH_REQUIRE_GO is set, and there is no go");
        skipped("there is no go on the path");
    }
    found
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}

/// Compiles all packages of a case, tests included; an error is what go says.
pub fn build(go: &PathBuf, case: &Case) -> Result<(), String> {
    let dir = case.write();
    let has_tests = case
        .files
        .iter()
        .any(|(path, _)| path.ends_with("_test.go"));
    let arguments: &[&str] = match has_tests {
        // Compiles the tests and runs none of them.
        true => &["test", "-vet=off", "-run=^$", "./..."],
        false => &["build", "./..."],
    };
    let output = Command::new(go)
        .args(arguments)
        .current_dir(&dir)
        .envs([
            ("GOFLAGS", ""),
            ("GOWORK", "off"),
            ("GOPROXY", "off"),
            ("GOTOOLCHAIN", "local"),
        ])
        .output()
        .map_err(|e| format!("{}: {e}", case.name))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{}:\n{}",
            case.name,
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
