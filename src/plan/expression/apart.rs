//! Runs what recurses deeply on a stack that is large enough for it.

use std::thread;

/// Bytes of stack: parsing and evaluating recurse, and take up to 16 MiB for what the limits on
/// length and depth let through.
const STACK: usize = 64 << 20;

/// What `work` returns, done on a thread with a stack that is large enough; `None` where the thread
/// could not be started or `work` panicked.
///
/// The stacks of the runtime's own threads are too small, and an overflow would end the whole
/// program.
pub(super) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, work)
            .ok()?
            .join()
            .ok()
    })
}
