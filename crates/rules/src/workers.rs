//! Work spread over threads that each keep what they learn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` on every item and gives the results in the order of the items.
///
/// Every thread of the current rayon pool makes a worker of its own and takes items
/// as it gets to them, so the first should be the largest. An item whose work panics
/// gives none, and its thread goes on with a new worker.
pub(crate) fn spread<T: Sync, W, R: Send>(
    items: &[T],
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, &T) -> R + Sync,
) -> Vec<Option<R>> {
    let next = AtomicUsize::new(0);
    let per_thread: Vec<Vec<(usize, Option<R>)>> = rayon::broadcast(|_| {
        let mut done = Vec::new();
        let mut current = None;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                return done;
            };
            let result = catch_unwind(AssertUnwindSafe(|| {
                work(current.get_or_insert_with(&worker), item)
            }));
            if result.is_err() {
                // It may have been left half-changed.
                current = None;
            }
            done.push((index, result.ok()));
        }
    });
    let mut results: Vec<_> = per_thread.into_iter().flatten().collect();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order_and_panics_their_place() {
        let items: Vec<u32> = (0..100).collect();
        let work = |seen: &mut u32, item: &u32| {
            *seen += 1;
            if *item == 50 {
                // A panic without its message on standard error.
                std::panic::resume_unwind(Box::new(()));
            }
            item * 2
        };
        let results = spread(&items, || 0, work);
        let want = |i: &u32| (*i != 50).then_some(i * 2);
        assert_eq!(results, items.iter().map(want).collect::<Vec<_>>());
    }
}
