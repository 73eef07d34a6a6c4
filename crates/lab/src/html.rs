//! A page in which a script can be stepped.

use crate::session::Frame;

const PAGE: &str = include_str!("../page/page.html");
const STYLE: &str = include_str!("../page/page.css");
const SCRIPT: &str = include_str!("../page/page.js");

/// The page: all that it needs is in it, and its policy forbids it to load anything.
///
/// # Errors
/// The frames can't be written as JSON, which does not happen with those of a session.
pub fn page(frames: &[Frame]) -> Result<String, serde_json::Error> {
    // Within a script element, `</script>` would end it, and `<!--` begins a comment.
    let frames = serde_json::to_string(frames)?.replace('<', "\\u003c");
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len() + frames.len());
    let mut rest = PAGE;
    for (mark, text) in [
        ("@STYLE@", STYLE),
        ("@FRAMES@", &frames),
        ("@SCRIPT@", SCRIPT),
    ] {
        let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
        page.push_str(before);
        page.push_str(text);
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}
