use std::sync::atomic::{AtomicU64, Ordering};

/// A number that threads share. The tests of races use the atomic numbers of the crate loom instead, which runs a test
/// once for each possible order of the accesses.
///
/// All accesses have one order that all threads agree on (`SeqCst`), because the rules of the cache depend on the order of
/// accesses to different numbers.
pub(super) trait Shared {
    fn new(value: u64) -> Self;
    fn get(&self) -> u64;
    fn set(&self, value: u64);
    /// Adds 1, and returns the number from before the addition.
    fn increase(&self) -> u64;
    /// Sets the number to `value` if `value` is higher.
    fn raise(&self, value: u64);
}

impl Shared for AtomicU64 {
    fn new(value: u64) -> Self {
        Self::new(value)
    }

    fn get(&self) -> u64 {
        self.load(Ordering::SeqCst)
    }

    fn set(&self, value: u64) {
        self.store(value, Ordering::SeqCst);
    }

    fn increase(&self) -> u64 {
        self.fetch_add(1, Ordering::SeqCst)
    }

    fn raise(&self, value: u64) {
        self.fetch_max(value, Ordering::SeqCst);
    }
}
