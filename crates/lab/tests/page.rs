//! The page in a real browser: every step forwards and back, by buttons, keys and slider.
//!
//! Looks for Chromium on the path, or takes TOPHASH_CHROMIUM; without it the test is skipped, and
//! says so.

#![allow(clippy::print_stderr, reason = "a test says why it was skipped")]

use std::path::{Path, PathBuf};
use std::process::Command;

use tophash_lab::{Frame, Session, Setup, State, build, html, parse, scene_script};

/// Written into a copy of the page: works it as a reader would and leaves what it saw in the
/// document.
const READER: &str = r##"<script>
addEventListener("error", (event) => { window.broken = String(event.message); });
(async () => {
  const by = (id) => document.getElementById(id);
  const seen = [];
  const note = () => seen.push([
    by("count").textContent, by("command").textContent,
    document.querySelectorAll("#picture .cell.full").length,
    document.querySelectorAll("#picture .cell.tombstone").length,
    by("sentences").textContent.length, by("failure").textContent,
  ].join("|"));
  const key = (name) => dispatchEvent(new KeyboardEvent("keydown", { key: name, cancelable: true }));
  const n = document.querySelectorAll("#script li").length;
  note();
  for (let i = 1; i < n; i++) { by("forward").click(); note(); }
  const ends = by("forward").disabled && by("last").disabled && !by("back").disabled;
  for (let i = 1; i < n; i++) { key("ArrowLeft"); note(); }
  const begins = by("back").disabled && by("first").disabled;
  key("End"); note();
  key("Home"); note();
  key("ArrowRight"); note();
  by("back").click(); note();
  by("slider").value = 2; by("slider").dispatchEvent(new Event("input")); note();
  document.querySelectorAll("#script li")[1].click(); note();
  const light = getComputedStyle(document.body).backgroundColor;
  by("theme").click();
  const dark = getComputedStyle(document.body).backgroundColor;
  const report = document.createElement("pre");
  report.id = "report";
  report.textContent = JSON.stringify({
    seen, ends, begins, themes: light !== dark, broken: window.broken || "",
    fetched: performance.getEntriesByType("resource").length,
    images: document.images.length, wide: document.documentElement.scrollWidth > innerWidth,
  });
  document.body.append(report);
})();
</script>"##;

fn browser() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("TOPHASH_CHROMIUM") {
        return Some(path.into());
    }
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths)
        .flat_map(|dir| {
            ["chromium", "chromium-browser", "google-chrome"].map(|name| dir.join(name))
        })
        .find(|path| path.is_file())
}

fn frames(text: &str, version: &str) -> Vec<Frame> {
    let build = build(version, "").unwrap();
    let mut session = Session::new(Setup { build, seed: 1 });
    parse("page", text)
        .statements
        .iter()
        .map(|statement| {
            let (mut frame, _) = session.run(&statement.command).unwrap();
            frame.command.clone_from(&statement.text);
            frame.remarks.clone_from(&statement.remarks);
            frame
        })
        .collect()
}

/// What a reader should see of a step.
fn expected(frames: &[Frame], at: usize) -> String {
    let frame = &frames[at];
    // What only asks leaves the drawing of before; a race has its own.
    let drawn = (0..=at)
        .rev()
        .find(|&i| frames[i].picture.is_some() || frames[i].changes)
        .filter(|_| frame.race.is_none());
    let picture = drawn.and_then(|i| frames[i].picture.as_ref());
    let cells = |state| {
        let rows = picture
            .iter()
            .flat_map(|picture| &picture.parts)
            .flat_map(|part| &part.rows);
        rows.flat_map(|row| &row.cells)
            .filter(|cell| cell.state == state)
            .count()
    };
    // A page counts UTF-16 code units.
    let sentences: usize = frame
        .sentences
        .iter()
        .map(|s| s.encode_utf16().count())
        .sum();
    format!(
        "{} of {}|{}|{}|{}|{sentences}|{}",
        at + 1,
        frames.len(),
        frame.command,
        cells(State::Full),
        cells(State::Tombstone),
        frame.failure.as_deref().unwrap_or_default()
    )
}

fn dump(browser: &Path, name: &str, page: &str) -> serde_json::Value {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = dir.join(format!("{name}.html"));
    std::fs::write(&file, page.replace("</body>", &format!("{READER}</body>"))).unwrap();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=5000",
            "--window-size=1280,900",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            dir.join(format!("{name}-profile")).display()
        ))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let report = dom
        .split_once("<pre id=\"report\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"))
        .unwrap_or_else(|| {
            panic!(
                "no report from {}: {}",
                browser.display(),
                String::from_utf8_lossy(&output.stderr)
            )
        });
    let text = report
        .0
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_page_can_be_stepped() {
    let Some(browser) = browser() else {
        eprintln!("SKIPPED: there is no Chromium on the path");
        return;
    };
    let v23 = build("1.23", "").unwrap();
    let v27 = build("1.27", "").unwrap();
    let nasty = "put \"</script><img src=x onerror=alert(1)>\" 1; put \"<!--\" 2; get \"<!--\"; nil; put a 1; help";
    let pages = [
        (
            "growth-classic",
            scene_script("growth", v23).unwrap(),
            "1.23",
        ),
        (
            "iteration-classic",
            scene_script("iteration-growth", v23).unwrap(),
            "1.23",
        ),
        (
            "deletion-swiss",
            scene_script("deletion", v27).unwrap(),
            "1.27",
        ),
        ("split", scene_script("split", v27).unwrap(), "1.27"),
        ("writers", scene_script("writers", v27).unwrap(), "1.27"),
        ("keys", scene_script("keys", v27).unwrap(), "1.27"),
        ("nasty", nasty, "1.27"),
    ];
    for (name, text, version) in pages {
        let frames = frames(text, version);
        let page = html::page(&frames).unwrap();
        let report = dump(&browser, name, &page);
        let n = frames.len();
        let mut visits: Vec<usize> = (0..n).chain((0..n - 1).rev()).collect();
        visits.extend([n - 1, 0, 1, 0, 2, 1]);
        let wanted: Vec<String> = visits.iter().map(|&at| expected(&frames, at)).collect();
        let seen: Vec<String> = serde_json::from_value(report["seen"].clone()).unwrap();
        assert_eq!(seen, wanted, "{name}");
        for truth in ["ends", "begins", "themes"] {
            assert_eq!(report[truth], true, "{name}: {truth}");
        }
        assert_eq!(report["broken"], "", "{name}");
        assert_eq!(report["fetched"], 0, "{name} loads something");
        assert_eq!(report["images"], 0, "{name}");
        assert_eq!(report["wide"], false, "{name} is wider than the window");
    }
}

#[test]
fn a_page_holds_all_it_needs() {
    let page = html::page(&frames("put a 1; race put b 1 | put c 2", "1.27")).unwrap();
    assert!(!page.contains("http:") && !page.contains("https:"));
    assert!(!page.contains("@FRAMES@") && !page.contains("@STYLE@") && !page.contains("@SCRIPT@"));
    assert!(page.contains("default-src 'none'"));
}
