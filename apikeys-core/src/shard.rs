//! Values that several threads change all the time, divided so that each thread changes its own part.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

/// The number of parts. Threads beyond this number share parts.
pub(crate) const SHARDS: usize = 16;

/// A value in cache lines of its own, so that threads that change neighboring values do not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

/// Returns the number of the part that the current thread uses.
pub(crate) fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    }
    OWN.with(Cell::get)
}

/// Creates all parts.
pub(crate) fn parts<T: Default>() -> Box<[Padded<T>]> {
    (0..SHARDS).map(|_| Padded::default()).collect()
}
