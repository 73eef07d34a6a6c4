//! Lines of the program that memory of maps was allocated for.

use rustc_hash::FxHashMap;
use tophash_profile::{Frame, Usage};
use tophash_runtime::frames::{self, Operation};

use crate::model::{Site, Spot};

/// Frames of a stack that are looked at.
pub(crate) const MAX_FRAMES: usize = 64;

/// Lines with maps that are kept: those with the most bytes.
const MAX_SITES: usize = 1000;

/// What each line of the program has allocated for maps.
#[derive(Default)]
pub(crate) struct Sites {
    by_spot: FxHashMap<Spot, Site>,
}

impl Sites {
    /// Adds what was allocated with a stack, innermost frame first, if it was for a map.
    pub(crate) fn add<'a>(
        &mut self,
        stack: impl Iterator<Item = Frame<'a>>,
        live: Usage,
        allocated: Usage,
    ) {
        let Some(spot) = map_site(stack) else {
            return;
        };
        let site = (self.by_spot.entry(spot.clone())).or_insert_with(|| Site {
            spot,
            ..Site::default()
        });
        site.live_bytes += live.bytes as f64;
        site.live_objects += live.objects as f64;
        site.allocated_bytes += allocated.bytes as f64;
        site.allocated_objects += allocated.objects as f64;
    }

    /// The lines with the most bytes, in that order.
    pub(crate) fn largest(self) -> Vec<Site> {
        let mut sites: Vec<Site> = self.by_spot.into_values().collect();
        sites.sort_by(|a, b| {
            let bytes = b.live_bytes.total_cmp(&a.live_bytes);
            bytes
                .then(b.allocated_bytes.total_cmp(&a.allocated_bytes))
                .then_with(|| a.spot.cmp(&b.spot))
        });
        sites.truncate(MAX_SITES);
        sites
    }
}

/// The program's own line that an allocation was made for, if it was a map that made it: the
/// innermost frames are the allocator's and then the map's, up to the call from outside.
fn map_site<'a>(stack: impl Iterator<Item = Frame<'a>>) -> Option<Spot> {
    let mut of_map = false;
    for frame in stack.take(MAX_FRAMES) {
        if frames::map_frame(frame.function).is_some_and(|map| {
            matches!(
                map.operation,
                Operation::Assign | Operation::Grow | Operation::Make | Operation::Clone
            )
        }) {
            of_map = true;
        }
        if !frame.function.is_empty() && !frames::is_standard(frame.function) {
            return of_map.then(|| spot(&frame));
        }
        // Something else of the library allocated: a buffer, a string.
        let runtime = frame.function.is_empty()
            || frame.function.starts_with("runtime.")
            || frame.function.starts_with("internal/runtime/");
        if !of_map && !runtime && frames::map_frame(frame.function).is_none() {
            return None;
        }
    }
    None
}

/// Where a frame is.
pub(crate) fn spot(frame: &Frame<'_>) -> Spot {
    Spot {
        function: frame.function.to_owned(),
        file: frame.file.to_owned(),
        line: frame.line,
    }
}
