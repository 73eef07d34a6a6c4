//! A stack for work that recurses as deep as source nests.

use std::io;

/// The checker and what comes after it recurse as deep as source nests.
const STACK_BYTES: usize = 256 << 20;

/// Runs `work` on a thread with a stack that is large enough for it.
///
/// # Errors
/// If there is no such thread to be had, or `work` fails.
pub(crate) fn on_deep_stack<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    std::thread::scope(|scope| {
        let handle = thread.spawn_scoped(scope, work)?;
        handle
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the work failed")))
    })
}
