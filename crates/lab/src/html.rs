//! A page in which a script can be stepped.

use crate::session::Frame;

/// The page: all that it needs is in it.
#[must_use]
pub fn page(frames: &[Frame]) -> String {
    serde_json::to_string(frames).unwrap_or_default()
}
