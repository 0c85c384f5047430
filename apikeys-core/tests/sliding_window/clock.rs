use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use apikeys_core::{
    Clock, Timestamp,
    clock::{Monotonic, Sleep},
};

/// A clock that any thread may move forward, and that never returns the same time twice.
#[derive(Debug, Clone)]
pub(crate) struct MovingClock {
    micros: Arc<AtomicU64>,
}

impl MovingClock {
    pub(crate) fn new() -> Self {
        Self { micros: Arc::new(AtomicU64::new(1_000_000_000)) }
    }

    pub(crate) fn advance(&self, micros: u64) {
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// Moves the clock to `micros`, unless the clock is already later.
    pub(crate) fn advance_to(&self, micros: u64) {
        self.micros.fetch_max(micros, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> u64 {
        self.micros.load(Ordering::SeqCst)
    }
}

impl Clock for MovingClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_micros(1_893_456_000_000_000)
    }

    fn monotonic(&self) -> Monotonic {
        let now = self.micros.fetch_add(1, Ordering::SeqCst) + 1;
        // Lets other threads run between reading the time and using it, even on a single core.
        if now.is_multiple_of(3) {
            thread::yield_now();
        }
        Monotonic::from_micros(now)
    }

    fn sleep(&self, _: std::time::Duration) -> Sleep {
        // The store in memory never waits, so no timeout ends.
        Box::pin(pending())
    }
}

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn between(&mut self, least: u32, most: u32) -> u32 {
        least + u32::try_from(self.next() % u64::from(most - least + 1)).unwrap()
    }

    /// Returns true once in `times` calls, on average.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    /// Returns the microseconds until a thread's next request, which are usually few and sometimes more than
    /// half a minute.
    pub(crate) fn step(&mut self) -> u64 {
        match self.next() % 300 {
            0 => self.next() % 70_000_000,
            1..150 => 0,
            _ => self.next() % 500_000,
        }
    }
}
