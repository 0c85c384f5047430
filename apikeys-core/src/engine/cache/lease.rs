use std::{sync::atomic::AtomicU64, time::Duration};

use super::number::Shared;
use crate::{
    Timestamp,
    clock::{Clock, Monotonic},
};

/// The time for which the instance may use its [cache](super::Cache).
///
/// The lease ends when the monotonic clock or the wall clock has reached its end. Neither clock is enough: the
/// monotonic clock may stand still while the machine is suspended, and the wall clock may be set back.
#[derive(Debug)]
pub(super) struct Lease<N = AtomicU64> {
    /// The end on the monotonic clock, in microseconds.
    monotonic: N,
    /// The end on the wall clock, in microseconds since the earliest timestamp.
    wall: N,
}

/// A point in time on both clocks.
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

/// Returns the microseconds since the earliest timestamp.
fn since_earliest(wall: Timestamp) -> u64 {
    wall.as_micros().abs_diff(Timestamp::MIN.as_micros())
}

impl<N: Shared> Lease<N> {
    /// Creates a lease that has ended.
    pub(super) fn none() -> Self {
        Self { monotonic: N::new(0), wall: N::new(0) }
    }

    /// Extends the lease until `length` after `asked`, the moment *before* the store was asked. The store's answer may
    /// take any time to arrive, and may not contain changes that are committed meanwhile. If the answer to a later poll
    /// has already extended the lease, this method changes nothing.
    ///
    /// The renewal loop extends and ends the lease. A shutdown ends the lease after it has told the loop to stop.
    pub(super) fn extend(&self, asked: Moment, length: Duration) {
        let end = asked.monotonic.saturating_add(length).as_micros();
        if end <= self.monotonic.get() {
            return;
        }
        self.monotonic.set(end);
        self.wall.set(since_earliest(asked.wall.saturating_add(length)));
    }

    /// Ends the lease at once.
    pub(super) fn end(&self) {
        self.monotonic.set(0);
        self.wall.set(0);
    }

    /// Returns whether the lease lasts at `now`.
    ///
    /// A verification must call this method *before* it looks into the cache. Otherwise, the verification could find a
    /// snapshot after the lease has ended, the renewal could then evict the snapshot and extend the lease, and the
    /// check of the lease would allow the verification to use the old snapshot.
    pub(super) fn lasts(&self, now: Moment) -> bool {
        now.monotonic.as_micros() < self.monotonic.get() && since_earliest(now.wall) < self.wall.get()
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
        let lease: Lease = Lease::none();
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
