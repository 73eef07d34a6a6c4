//! The calls that lead to maps' memory, as a tree.

use rustc_hash::FxHashMap;
use tophash_runtime::allocation::{self, Cause};
use tophash_runtime::frames;

use crate::maps::add;
use crate::model::{Profile, Usage};
use crate::site::Survey;

/// A call, with what maps took below it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Node {
    /// The function, or what the memory was for.
    pub name: String,
    /// File and line of the call, empty if not known.
    pub place: String,
    /// Whether it is a cause and not a function.
    pub cause: Option<Cause>,
    /// All that was allocated.
    pub allocated: Usage,
    /// What is alive.
    pub live: Usage,
    /// What it calls, most bytes first.
    pub calls: Vec<Node>,
}

/// A tree in the making; children by name.
#[derive(Default)]
struct Growing {
    node: Node,
    index: FxHashMap<String, usize>,
    calls: Vec<Growing>,
}

/// Calls deeper than this are left out, the outermost ones.
const MAX_DEPTH: usize = 64;

/// The tree of all maps of a profile. Calls below a share of the whole are left out.
#[must_use]
pub fn flame(profile: &Profile, survey: &Survey, share: f64) -> Node {
    let mut sites: FxHashMap<(&str, u32), Vec<(u64, Cause)>> = FxHashMap::default();
    for site in &survey.sites {
        let sizes = sites.entry((&site.function, site.line)).or_default();
        sizes.extend(site.entries.iter().map(|e| (e.size, e.allocation.cause)));
    }
    let mut root = Growing::default();
    for sample in &profile.samples {
        let frames: Vec<_> = profile.stack(sample).collect();
        // The frames of the program, from the site outwards.
        let from = frames.iter().position(|frame| {
            !frame.function.is_empty()
                && !frames::is_runtime(frame.function)
                && sites.contains_key(&(frame.function, frame.line))
        });
        let Some(from) = from else {
            continue;
        };
        let above = frames.get(..from).unwrap_or(&[]);
        let is_direct = above.iter().all(|f| {
            f.function.is_empty()
                || frames::is_runtime(f.function)
                || frames::is_standard(f.function)
        });
        let functions = above.iter().map(|f| f.function);
        let by_frames = allocation::allocation(functions, sample.block_size);
        let has_frames = above.iter().any(|f| frames::is_runtime(f.function));
        let cause = match (by_frames, frames.get(from)) {
            (Some(allocation), _) => Some(allocation.cause),
            (None, Some(site)) if !has_frames => {
                let sizes = sites.get(&(site.function, site.line));
                let found = sizes
                    .and_then(|sizes| sizes.iter().find(|(size, _)| *size == sample.block_size));
                found.map(|(_, cause)| *cause)
            }
            _ => None,
        };
        let Some(cause) = cause.filter(|_| is_direct) else {
            continue;
        };
        let (allocated, live) = (sample.allocated(), sample.live());
        let mut at = &mut root;
        let count = |node: &mut Node| {
            add(&mut node.allocated, allocated);
            add(&mut node.live, live);
        };
        count(&mut at.node);
        let calls = frames.get(from..).unwrap_or(&[]);
        for frame in calls.iter().take(MAX_DEPTH).rev() {
            if matches!(frame.function, "runtime.main" | "runtime.goexit" | "") {
                continue;
            }
            let file = frame.file.rsplit('/').next().unwrap_or(frame.file);
            at = at.child(frame.function, || Node {
                name: frame.function.to_owned(),
                place: format!("{file}:{}", frame.line),
                ..Node::default()
            });
            count(&mut at.node);
        }
        at = at.child(cause.as_str(), || Node {
            name: cause.as_str().to_owned(),
            cause: Some(cause),
            ..Node::default()
        });
        count(&mut at.node);
    }
    let least = (root.node.allocated.bytes as f64 * share) as i64;
    root.finish(least)
}

impl Growing {
    fn child(&mut self, name: &str, make: impl FnOnce() -> Node) -> &mut Growing {
        let next = self.calls.len();
        let at = *self.index.entry(name.to_owned()).or_insert(next);
        if at == next {
            self.calls.push(Growing {
                node: make(),
                ..Growing::default()
            });
        }
        // The index is one that was just looked up or pushed.
        &mut self.calls[at]
    }

    fn finish(mut self, least: i64) -> Node {
        let mut calls: Vec<Node> = (self.calls.into_iter())
            .filter(|call| call.node.allocated.bytes >= least.max(1))
            .map(|call| call.finish(least))
            .collect();
        calls.sort_by(|a, b| (b.allocated.bytes, &a.name).cmp(&(a.allocated.bytes, &b.name)));
        self.node.calls = calls;
        self.node
    }
}
