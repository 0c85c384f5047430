//! The decision whether a request is within its rate limit: the trait [`Limiter`], and [`LocalLimiter`],
//! which decides for a single process.

#[cfg(test)]
mod races;

use std::{
    fmt,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    clock::{Clock, Monotonic},
    id::KeyId,
    rate_limit::{RateLimit, RateLimited, RateStatus, SlidingWindow},
};

/// Decides whether requests are within their rate limits.
///
/// [`LocalLimiter`] decides for one process. It counts in the [`Window`] that the [engine](crate::engine) keeps for
/// each key in use. A limiter that several instances share can ask a server instead.
pub trait Limiter: fmt::Debug + Send + Sync + 'static {
    /// Counts requests against one or more limits. Each [`Charge`] has a limit and the number of requests to
    /// count. If every charge is within its limit, all are counted. Otherwise none is counted.
    ///
    /// `charges` has at least one element, and no two elements have the same subject. If the requests are
    /// admitted, the returned [`RateStatus`] describes the limit of the first element.
    ///
    /// `now` is the time for which to decide, by `clock`, which is the engine's clock. It is not before the beginning of
    /// the verification. It can be earlier than in a previous call. With `now`, a limiter in memory need not read the
    /// clock again.
    ///
    /// The future in [`Acquisition::Later`] must not count anything before it is polled, because the engine may
    /// drop it and call `acquire` again. If the future is dropped after it was polled, for example because the client has
    /// left, the requests may be counted or not.
    fn acquire<'a>(
        &'a self,
        now: Monotonic,
        clock: &'a dyn Clock,
        charges: &'a [Charge<'a>],
    ) -> Acquisition<'a>;

    /// Returns whether the limiter counts the requests of all instances together at the moment. The method is called
    /// for [`Health`](crate::engine::Health), and now and then by the engine. The default is [`LimiterState::Local`].
    fn state(&self) -> LimiterState {
        LimiterState::Local
    }
}

/// Which requests a [`Limiter`] counts at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimiterState {
    /// Those of this instance only, as the limiter is meant to.
    Local,
    /// Those of all instances that share a server.
    Shared,
    /// Those of all instances are meant, but the server does not decide. The limiter does what it is set to do then, such
    /// as counting for this instance only.
    Away,
}

/// The group of requests to which a rate limit applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// All requests of a key.
    Key(KeyId),
}

/// A number of requests to count against a subject's rate limit.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Charge<'a> {
    /// The subject.
    pub subject: Subject,
    /// The limit that applies now.
    pub limit: RateLimit,
    /// The number of requests to count, at least 1.
    pub cost: u32,
    /// The subject's window in this process.
    pub window: &'a Window,
}

impl<'a> Charge<'a> {
    /// Creates a `Charge` that counts one request.
    #[must_use]
    pub const fn one(subject: Subject, limit: RateLimit, window: &'a Window) -> Self {
        Self { subject, limit, cost: 1, window }
    }
}

/// The answer of a [`Limiter`].
#[expect(missing_debug_implementations, reason = "futures do not implement it")]
#[expect(clippy::exhaustive_enums, reason = "an answer comes now or later")]
pub enum Acquisition<'a> {
    /// The verdict.
    Now(Verdict),
    /// A future that resolves to the verdict.
    Later(Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>),
}

/// The decision of a [`Limiter`] about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The request is within all limits, and was counted.
    Admitted(RateStatus),
    /// The request exceeds a limit, and nothing was counted.
    Limited(RateLimited),
    /// The limiter cannot decide, and nothing was counted.
    Unavailable,
}

impl From<Result<RateStatus, RateLimited>> for Verdict {
    fn from(decision: Result<RateStatus, RateLimited>) -> Self {
        match decision {
            Ok(status) => Self::Admitted(status),
            Err(limited) => Self::Limited(limited),
        }
    }
}

/// The requests of a subject that this process admitted within the last minute.
#[derive(Debug, Default)]
pub struct Window(Mutex<SlidingWindow>);

impl Window {
    /// Creates an empty window.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(SlidingWindow::new()))
    }

    /// Returns whether the window counts no request at `now`.
    #[must_use]
    pub fn is_idle(&self, now: Monotonic) -> bool {
        self.with(|window| window.is_idle(now))
    }

    /// Calls `decide` with the times of the admitted requests. Other threads wait until `decide` has returned.
    ///
    /// A limiter that asks a server records here what the server has admitted, so that the window is right when the
    /// limiter has to decide without the server.
    pub fn with<T>(&self, decide: impl FnOnce(&mut SlidingWindow) -> T) -> T {
        decide(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, SlidingWindow> {
        // A panic cannot leave a window invalid, because it is a list of times.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decides about rate limits with the windows of this process, exactly and without I/O.
///
/// A request counts at the time for which the limiter was asked, or at the latest time for which the limiter decided
/// before about the same subject, whichever is later. Both are within the time of the request's verification. At these
/// times, no span of 60 seconds has more admitted requests than the limit, and no request is refused while fewer were
/// admitted.
///
/// With several instances, each instance admits as many requests as the limit allows.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "the limiter has no settings: its windows and clock are given")]
pub struct LocalLimiter;

impl Limiter for LocalLimiter {
    fn acquire<'a>(&'a self, now: Monotonic, _: &'a dyn Clock, charges: &'a [Charge<'a>]) -> Acquisition<'a> {
        Acquisition::Now(decide(now, charges))
    }
}

fn decide(now: Monotonic, charges: &[Charge<'_>]) -> Verdict {
    if let [charge] = charges {
        return charge.window.with(|window| window.try_acquire(now, charge.limit, charge.cost)).into();
    }
    let mut ordered: Vec<&Charge<'_>> = charges.iter().collect();
    // All threads lock the windows in the same order, so that no two threads wait for each other.
    ordered.sort_by_key(|charge| charge.subject);
    let mut locked: Vec<_> = ordered.into_iter().map(|charge| (charge, charge.window.lock())).collect();
    // All windows decide for the same time.
    let now = locked.iter().map(|(_, window)| window.latest()).fold(now, Monotonic::max);
    for (charge, window) in &mut locked {
        if let Err(limited) = window.check(now, charge.limit, charge.cost) {
            return Verdict::Limited(limited);
        }
    }
    let first = charges.first().map(|charge| charge.subject);
    let mut verdict = Verdict::Unavailable;
    for (charge, window) in &mut locked {
        window.record(now, charge.cost);
        if Some(charge.subject) == first {
            verdict = Verdict::Admitted(window.status(now, charge.limit));
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::clock::ManualClock;

    fn key(n: u8) -> Subject {
        Subject::Key(KeyId::from_bytes([n; 16]))
    }

    fn limit(n: u32) -> RateLimit {
        RateLimit::per_minute(n).unwrap()
    }

    #[test]
    fn takes_are_all_made_or_none() {
        let clock = ManualClock::default();
        let (wide, narrow) = (Window::new(), Window::new());
        let both = [Charge::one(key(2), limit(5), &wide), Charge::one(key(1), limit(1), &narrow)];
        let Verdict::Admitted(status) = decide(clock.monotonic(), &both) else { panic!("there was room") };
        assert_eq!((status.limit, status.remaining), (limit(5), 4));
        assert!(matches!(decide(clock.monotonic(), &both), Verdict::Limited(by) if by.limit == limit(1)));
        let Verdict::Admitted(status) = decide(clock.monotonic(), &both[..1]) else {
            panic!("there was room")
        };
        assert_eq!(status.remaining, 3, "the refused charge counted");
    }

    #[test]
    fn threads_together_get_exactly_the_limit() {
        let clock = ManualClock::default();
        for _ in 0..50 {
            let window = Window::new();
            let admitted = AtomicU32::new(0);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        for _ in 0..30 {
                            let charge = Charge::one(key(1), limit(100), &window);
                            if matches!(decide(clock.monotonic(), &[charge]), Verdict::Admitted(_)) {
                                admitted.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    });
                }
            });
            assert_eq!(admitted.into_inner(), 100);
        }
    }

    #[test]
    fn takes_in_opposite_orders_do_not_deadlock() {
        let clock = ManualClock::default();
        let (a, b) = (Window::new(), Window::new());
        std::thread::scope(|scope| {
            for turn in 0..4 {
                let (clock, a, b) = (&clock, &a, &b);
                scope.spawn(move || {
                    for _ in 0..2_000 {
                        let mut charges =
                            [Charge::one(key(1), limit(9_000), a), Charge::one(key(2), limit(9_000), b)];
                        if turn % 2 == 0 {
                            charges.reverse();
                        }
                        decide(clock.monotonic(), &charges);
                    }
                });
            }
        });
        let charge = [Charge::one(key(1), limit(9_000), &a)];
        assert!(
            matches!(decide(clock.monotonic(), &charge), Verdict::Admitted(status) if status.remaining == 9_000 - 8_001)
        );
    }
}
