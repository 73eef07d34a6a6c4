//! `debug flow --writes` against go/types and go/ast, on a part of the standard library.

use std::path::Path;
use std::process::Command;

#[test]
fn writes_to_maps_agree_with_go() {
    let Ok(go) = Command::new("go").args(["env", "GOROOT"]).output() else {
        let required = std::env::var_os("TOPHASH_REQUIRE_GO").is_some();
        assert!(!required, "TOPHASH_REQUIRE_GO is set, and there is no go");
        return;
    };
    let goroot = String::from_utf8(go.stdout).expect("a path");
    let repo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(repo.join("scripts/compare-writes"))
        .arg(Path::new(goroot.trim()).join("src"))
        .args(["encoding/...", "go/ast", "go/doc", "net/http", "text/..."])
        .env("TOPHASH", env!("CARGO_BIN_EXE_tophash"))
        .output()
        .expect("bash");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("writes: 0,"), "{text}");
}
