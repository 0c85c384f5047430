use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    Timestamp,
    clock::{Clock, Monotonic},
};

/// The time for which the instance may use its [cache](super::Cache).
///
/// The lease ends when either of two clocks has passed its end. The monotonic clock may stand still while the machine is
/// suspended, and the wall clock may be set back.
#[derive(Debug)]
pub(super) struct Lease {
    monotonic: AtomicU64,
    wall: AtomicI64,
}

/// The time of both clocks.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Moment {
    pub(in crate::engine) monotonic: Monotonic,
    pub(in crate::engine) wall: Timestamp,
}

impl Moment {
    pub(in crate::engine) fn now(clock: &dyn Clock) -> Self {
        Self { monotonic: clock.monotonic(), wall: clock.wall() }
    }
}

impl Lease {
    pub(super) const fn none() -> Self {
        Self { monotonic: AtomicU64::new(0), wall: AtomicI64::new(i64::MIN) }
    }

    /// Extends the lease. It counts from the moment *before* the store was asked, because the store's answer can take any
    /// time. An answer that arrives after that to a later question changes nothing.
    ///
    /// One task at a time extends and ends the lease.
    pub(super) fn extend(&self, asked: Moment, length: Duration) {
        let end = asked.monotonic.saturating_add(length).as_micros();
        if end <= self.monotonic.load(Ordering::SeqCst) {
            return;
        }
        self.monotonic.store(end, Ordering::SeqCst);
        self.wall.store(asked.wall.saturating_add(length).as_micros(), Ordering::SeqCst);
    }

    /// Ends the lease at once.
    pub(super) fn end(&self) {
        self.monotonic.store(0, Ordering::SeqCst);
        self.wall.store(i64::MIN, Ordering::SeqCst);
    }

    /// Returns whether the lease lasts at `now`.
    ///
    /// A verification must call this *before* it looks into the cache. Otherwise, the lease could have lapsed at the
    /// look-up and be extended again before the check, and the verification would use an evicted snapshot.
    pub(super) fn lasts(&self, now: Moment) -> bool {
        now.monotonic.as_micros() < self.monotonic.load(Ordering::SeqCst)
            && now.wall.as_micros() < self.wall.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_lasts_until_either_clock_has_passed_its_end() {
        let at = |monotonic, wall| Moment {
            monotonic: Monotonic::from_micros(monotonic),
            wall: Timestamp::from_micros(wall),
        };
        let lease = Lease::none();
        assert!(!lease.lasts(at(0, 0)));
        lease.extend(at(1_000, 5_000), Duration::from_micros(100));
        assert!(lease.lasts(at(1_099, 5_099)));
        assert!(!lease.lasts(at(1_100, 5_099)));
        assert!(!lease.lasts(at(1_099, 5_100)), "a machine that was suspended");
        assert!(lease.lasts(at(1_099, 0)), "a wall clock that was set back");
        lease.end();
        assert!(!lease.lasts(at(0, 0)));
    }
}
