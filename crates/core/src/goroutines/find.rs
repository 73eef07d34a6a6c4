//! Where the runtime keeps its list of goroutines and its threads.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::image::{Registers, Span};
use crate::memory::Memory;
use crate::program::{Program, Slice};

/// More goroutines than fit into any machine.
const LIMIT: u64 = 1 << 26;

/// More threads than Linux allows.
const THREADS: usize = 1 << 20;

/// The goroutines of `runtime.allgs`, by their addresses, dead ones included. None if the list
/// can't be found.
pub(super) fn all(program: &Program<'_>) -> Option<Vec<u64>> {
    let by_symbol = program
        .symbol("runtime.allgs")
        .and_then(|address| list(program, address));
    by_symbol.or_else(|| by_shape(program))
}

/// The list whose header lies at an address.
fn list(program: &Program<'_>, address: u64) -> Option<Vec<u64>> {
    let slice = Slice::read(program.image, address)?;
    let capacity = program.image.u64(address.checked_add(16)?)?;
    if slice.len == 0 || slice.len > capacity || slice.len > LIMIT {
        return None;
    }
    let bytes = program
        .image
        .read(slice.data, usize::try_from(slice.len).ok()?.checked_mul(8)?)?;
    Some(words(&bytes).collect())
}

/// Without a symbol: the slice among the variables whose first element is the goroutine that
/// began with `runtime.main`.
fn by_shape(program: &Program<'_>) -> Option<Vec<u64>> {
    let image = program.image;
    for span in [program.module.bss.span, program.module.data.span] {
        let mut result = None;
        each_chunk(program, span, 24, |address, bytes| {
            for (index, three) in bytes.windows(24).step_by(8).enumerate() {
                let mut header = words(three);
                let (Some(data), Some(len), Some(capacity)) =
                    (header.next(), header.next(), header.next())
                else {
                    continue;
                };
                let plausible =
                    data != 0 && data.is_multiple_of(8) && (1..=capacity).contains(&len);
                if plausible
                    && capacity <= LIMIT
                    && image.u64(data).is_some_and(|g| is_main(program, g))
                {
                    result = list(program, address + 8 * index as u64);
                    if result.is_some() {
                        return true;
                    }
                }
            }
            false
        });
        if result.is_some() {
            return result;
        }
    }
    None
}

/// Whether this is the goroutine that runs `main`.
fn is_main(program: &Program<'_>, g: u64) -> bool {
    let layout = &program.layout.g;
    let word = |offset: u64| program.image.u64(g.checked_add(offset)?);
    let start = word(layout.startpc).and_then(|pc| program.functions.at(pc));
    word(layout.goid) == Some(1)
        && start.is_some_and(|start| program.functions.name(start) == "runtime.main")
}

/// Calls `see` with parts of a range that can be read until it says that it has seen enough. What
/// is `window` bytes long is whole in one of them.
pub(crate) fn each_chunk(
    program: &Program<'_>,
    span: Span,
    window: usize,
    mut see: impl FnMut(u64, &[u8]) -> bool,
) {
    const CHUNK: u64 = 1 << 20;
    let mut at = span.start.next_multiple_of(8);
    while at < span.end {
        let len = (span.end - at).min(CHUNK.saturating_add(window as u64));
        let bytes = program
            .image
            .read_some(at, usize::try_from(len).unwrap_or(0));
        if !bytes.is_empty() && see(at, &bytes) {
            return;
        }
        let step = (bytes.len() as u64).min(CHUNK) & !7;
        at = at.saturating_add(if step == 0 { 4096 } else { step });
    }
}

/// A thread as the runtime knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    /// Address of its `m`.
    pub address: u64,
    /// The kernel's number of it.
    pub tid: u32,
    /// Address of the goroutine of its scheduler.
    pub g0: u64,
    /// Address of the goroutine of its signal handler.
    pub gsignal: u64,
    /// Address of the goroutine it runs; 0 if none.
    pub curg: u64,
    /// Whether it brings the process down.
    pub dying: bool,
    /// Its registers, where they are known.
    pub registers: Option<Registers>,
}

/// The runtime's threads: those of `runtime.allm`, those that goroutines name, and those that the
/// kernel's threads point to.
pub(super) fn machines(program: &Program<'_>, goroutines: &[u64]) -> Vec<Machine> {
    let (image, layout) = (program.image, &program.layout);
    let word = |base: u64, offset: u64| image.u64(base.checked_add(offset)?);
    let mut seen = FxHashSet::default();
    let mut queue: Vec<u64> = Vec::new();
    let listed = program.symbol("runtime.allm").and_then(|at| image.u64(at));
    queue.extend(listed);
    queue.extend(goroutines.iter().filter_map(|g| word(*g, layout.g.m)));
    for thread in &image.notes.threads {
        // Go code keeps its g in a register; the word below the thread's base holds it besides,
        // unless C libraries have variables there.
        let register = thread.registers.as_ref().map(|r| r.g);
        let below = thread.tls.and_then(|tls| image.u64(tls.wrapping_sub(8)));
        for g in [register, below].into_iter().flatten() {
            let m = word(g, layout.g.m);
            let own = |m: &u64| word(*m, layout.m.procid) == Some(u64::from(thread.tid));
            queue.extend(m.filter(own));
        }
    }
    let mut machines = Vec::new();
    while let Some(m) = queue.pop() {
        if m == 0 || seen.len() >= THREADS || !seen.insert(m) {
            continue;
        }
        let Some(next) = word(m, layout.m.alllink) else {
            continue;
        };
        queue.push(next);
        let field = |offset| word(m, offset).unwrap_or(0);
        let tid = u32::try_from(field(layout.m.procid)).unwrap_or(0);
        let number = |offset: u64| m.checked_add(offset).and_then(|at| image.u32(at));
        machines.push(Machine {
            address: m,
            tid,
            g0: field(layout.m.g0),
            gsignal: field(layout.m.gsignal),
            curg: field(layout.m.curg),
            dying: number(layout.m.dying).is_some_and(|dying| dying != 0),
            registers: None,
        });
    }
    let registers: FxHashMap<u32, &Registers> = image
        .notes
        .threads
        .iter()
        .filter_map(|thread| Some((thread.tid, thread.registers.as_ref()?)))
        .collect();
    for machine in &mut machines {
        machine.registers = registers.get(&machine.tid).map(|r| (*r).clone());
    }
    machines.sort_by_key(|machine| (machine.tid, machine.address));
    machines
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let chunks = bytes.chunks_exact(8);
    chunks.filter_map(|word| Some(u64::from_le_bytes(*word.first_chunk()?)))
}
