use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use apikeys_core::{
    Clock,
    clock::Monotonic,
    limiter::{Acquisition, Charge, Limiter},
};

use crate::judge::Decision;

/// Numbers the events of all threads.
#[derive(Debug, Default)]
pub(crate) struct Order(AtomicU64);

impl Order {
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// Decides like the limiter for one process, and notes each thread's latest decision with its time.
///
/// The witness adds no lock, because a lock could hide that the window lacks one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Witness {
    turns: Arc<Order>,
}

thread_local! {
    static LAST_DECISION: Cell<Option<Decision>> = const { Cell::new(None) };
}

impl Witness {
    /// Returns the decision about the request that this thread sent last.
    pub(crate) fn last_of_this_thread(&self) -> Decision {
        LAST_DECISION.take().expect("the limiter was not asked")
    }
}

impl Limiter for Witness {
    fn acquire<'a>(&'a self, now: Monotonic, _: &'a dyn Clock, charges: &'a [Charge<'a>]) -> Acquisition<'a> {
        let [charge] = charges else { panic!("expected one charge") };
        let (turn, at, decision) = charge.window.with(|window| {
            let decision = window.try_acquire(now, charge.limit, charge.cost);
            (self.turns.next(), window.latest().as_micros(), decision)
        });
        let (limit, admitted) = (charge.limit.requests(), decision.is_ok());
        LAST_DECISION.set(Some(Decision { turn, at, limit, admitted }));
        Acquisition::Now(decision.into())
    }
}
