//! The heap: spans, objects, their pointers, and all maps.

mod find;
mod object;
pub mod profile;
mod span;

use rayon::prelude::*;
use tophash_finding::{Problem, ProblemKind};
use tophash_runtime::process::HeapRules;

use crate::memory::Memory;
use crate::program::{Program, Slice};

pub use find::{FoundMap, Held};
pub use object::Object;
pub use span::{ObjectSpan, PAGE};

/// More spans than memory has pages.
const LIMIT: u64 = 1 << 36;

/// All spans of the heap that hold objects.
#[derive(Debug)]
pub struct Heap<'a> {
    program: &'a Program<'a>,
    rules: HeapRules,
    /// By address.
    spans: Vec<ObjectSpan>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    arenas: Option<u64>,
}

impl<'a> Heap<'a> {
    /// Reads the table of spans.
    #[must_use]
    pub fn load(program: &'a Program<'a>) -> Self {
        let mut heap = Self {
            program,
            rules: HeapRules::of(program.build.version, &program.go_version),
            spans: Vec::new(),
            problems: Vec::new(),
            arenas: None,
        };
        let Some((address, spans)) = span::table(program) else {
            heap.problem("the heap's table of spans can't be found or read".to_owned());
            return heap;
        };
        let layout = &program.layout.heap;
        heap.arenas = layout
            .arenas
            .and_then(|arenas| program.image.u64(address.checked_add(arenas)?));
        let sweepgen = address
            .checked_add(layout.sweepgen)
            .and_then(|at| program.image.u32(at))
            .unwrap_or(0);
        let read: Vec<_> = spans
            .par_iter()
            .map(|at| ObjectSpan::read(program, *at, sweepgen))
            .collect();
        let lost = read.iter().filter(|span| span.is_none()).count();
        heap.spans = read.into_iter().flatten().flatten().collect();
        heap.spans.sort_unstable_by_key(|span| span.start);
        let all = heap.spans.len();
        let mut end = 0;
        heap.spans.retain(|span| {
            let free = span.start >= end;
            if free {
                end = span.end();
            }
            free
        });
        let lost = lost + all - heap.spans.len();
        if lost > 0 {
            heap.problem(format!(
                "{lost} of {} spans of the heap can't be read or contradict others: maps in them \
                 are missing",
                spans.len()
            ));
        }
        heap
    }

    fn problem(&mut self, message: String) {
        self.problems.push(Problem {
            file: Some(self.program.image.origin.to_string()),
            line: None,
            column: None,
            kind: ProblemKind::Read,
            message,
        });
    }

    /// The spans that hold objects, by address.
    #[must_use]
    pub fn spans(&self) -> &[ObjectSpan] {
        &self.spans
    }

    /// The span that an address lies in.
    #[must_use]
    pub fn span(&self, address: u64) -> Option<&ObjectSpan> {
        let index = self.spans.partition_point(|span| span.start <= address);
        let span = self.spans.get(index.checked_sub(1)?)?;
        (address < span.end()).then_some(span)
    }

    /// Bytes of all objects in use, as the allocator has rounded them.
    #[must_use]
    pub fn bytes_in_use(&self) -> u64 {
        let spans = self.spans.par_iter();
        spans
            .map(|span| {
                let live = span.live(self.program, self.rules);
                live.count() as u64 * span.elemsize
            })
            .sum()
    }
}

/// A slice's pointers.
fn pointers(program: &Program<'_>, address: u64) -> Option<Vec<u64>> {
    let slice = Slice::read(program.image, address)?;
    if slice.len == 0 || slice.len > LIMIT {
        return None;
    }
    let len = usize::try_from(slice.len.checked_mul(8)?).ok()?;
    let bytes = program.image.read(slice.data, len)?;
    Some(
        bytes
            .chunks_exact(8)
            .filter_map(|word| Some(u64::from_le_bytes(*word.first_chunk()?)))
            .collect(),
    )
}
