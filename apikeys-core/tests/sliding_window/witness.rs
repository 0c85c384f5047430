use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
};

use apikeys_core::Clock;
use apikeys_core::limiter::{Acquisition, Charge, Limiter, LocalLimiter, Verdict};

use crate::{clock::MovingClock, judge::Decision};

/// Numbers the events of all threads.
#[derive(Debug, Default)]
pub(crate) struct Order(AtomicU64);

impl Order {
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// The limiter under test, with a record of each thread's latest decision.
///
/// The witness adds no lock, because a lock could hide that the limiter lacks one.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    limiter: LocalLimiter,
    clock: MovingClock,
}

thread_local! {
    static LAST_DECISION: Cell<Option<Decision>> = const { Cell::new(None) };
}

impl Witness {
    pub(crate) fn new(clock: &MovingClock) -> Self {
        Self { limiter: LocalLimiter, clock: clock.clone() }
    }

    /// Returns the decision about the request that this thread sent last.
    pub(crate) fn last_of_this_thread(&self) -> Decision {
        LAST_DECISION.take().expect("the limiter was not asked")
    }
}

impl Limiter for Witness {
    fn acquire<'a>(&'a self, clock: &'a dyn Clock, charges: &'a [Charge<'a>]) -> Acquisition<'a> {
        let answer = self.limiter.acquire(clock, charges);
        let ([charge], Acquisition::Now(verdict)) = (charges, &answer) else {
            panic!("expected one decision at once")
        };
        // The limiter reads the clock while it holds the window's lock, so that time is the time of the
        // decision.
        LAST_DECISION.set(Some(Decision {
            at: self.clock.last_read(),
            limit: charge.limit.requests(),
            admitted: matches!(verdict, Verdict::Admitted(_)),
        }));
        answer
    }
}
