//! Equal stacks become one.

use std::hash::{BuildHasher, Hash, Hasher};

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::model::{Args, Member, Stack};

/// Most different stacks kept of one crash. More are counted.
const MAX_STACKS: usize = 4096;

/// Members kept of a stack besides the first, and those whose arguments match the goroutine that
/// failed.
const MAX_MEMBERS: usize = 4;
const MAX_MATCHES: usize = 16;

/// The stacks of one crash.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) stacks: Vec<Stack>,
    pub(crate) goroutines: u64,
    pub(crate) left_out: u64,
    by_hash: FxHashMap<u64, usize>,
    /// Stacks that could not be printed.
    unavailable: Vec<usize>,
    /// Words passed in the goroutine that failed, sorted.
    failed: Vec<u64>,
}

impl Folded {
    /// Adds a goroutine and says where it went; none if there is no room.
    pub(crate) fn add(&mut self, mut stack: Stack) -> Option<usize> {
        if let Some(index) = self.second_print(&stack) {
            stack.failed_too = true;
            if let Some(known) = self.stacks.get_mut(index) {
                *known = stack;
            }
            return Some(index);
        }
        self.goroutines += 1;
        if self.goroutines == 1 {
            self.failed = addresses(&stack);
        }
        let key = key(&stack);
        if let Some(&index) = self.by_hash.get(&key)
            && let Some(known) = self.stacks.get_mut(index)
            && same(known, &stack)
        {
            merge(known, stack, &self.failed);
            return Some(index);
        }
        if self.stacks.len() == MAX_STACKS {
            self.left_out += 1;
            return None;
        }
        if stack.unavailable && self.unavailable.len() < MAX_MATCHES {
            self.unavailable.push(self.stacks.len());
        }
        self.by_hash.insert(key, self.stacks.len());
        self.stacks.push(stack);
        Some(self.stacks.len() - 1)
    }
}

impl Folded {
    /// Where a goroutine is that could not be printed before and is now: its own thread, which
    /// failed as well, does that.
    fn second_print(&self, stack: &Stack) -> Option<usize> {
        let id = stack.members.first()?.id;
        if stack.unavailable || stack.state != "running" {
            return None;
        }
        self.unavailable.iter().copied().find(|&index| {
            self.stacks.get(index).is_some_and(|known| {
                known.unavailable
                    && known.count == 1
                    && known.members.first().is_some_and(|m| m.id == id)
            })
        })
    }
}

/// Whether a word can be the address of something on the heap.
pub(crate) fn is_address(word: u64) -> bool {
    (0x10000..1 << 48).contains(&word)
}

fn addresses(stack: &Stack) -> Vec<u64> {
    let words = stack.members.iter().flat_map(|m| &m.args);
    let mut all: Vec<u64> = words
        .flat_map(|Args(words)| words.iter().filter_map(|w| w.value))
        .filter(|&w| is_address(w))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn key(stack: &Stack) -> u64 {
    let mut hasher = FxBuildHasher.build_hasher();
    stack.state.hash(&mut hasher);
    for frame in &stack.frames {
        (&frame.function, &frame.file, frame.line).hash(&mut hasher);
    }
    stack
        .created
        .as_ref()
        .map(|c| (&c.function, c.line))
        .hash(&mut hasher);
    stack.unavailable.hash(&mut hasher);
    hasher.finish()
}

fn same(a: &Stack, b: &Stack) -> bool {
    let creator = |s: &Stack| {
        s.created
            .as_ref()
            .map(|c| (c.function.clone(), c.file.clone(), c.line))
    };
    a.state == b.state
        && a.unavailable == b.unavailable
        && a.frames == b.frames
        && creator(a) == creator(b)
}

fn merge(known: &mut Stack, new: Stack, failed: &[u64]) {
    known.count += 1;
    known.locked |= new.locked;
    known.wait = match (known.wait, new.wait) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (a, b) => a.or(b),
    };
    let matches = !failed.is_empty()
        && addresses(&new)
            .iter()
            .any(|word| failed.binary_search(word).is_ok());
    let limit = if matches { MAX_MATCHES } else { MAX_MEMBERS };
    if known.members.len() < limit {
        known.members.extend(new.members);
    }
}

/// The stack of one goroutine.
pub(crate) fn single(id: u64) -> Stack {
    Stack {
        members: vec![Member {
            id,
            ..Member::default()
        }],
        count: 1,
        ..Stack::default()
    }
}
