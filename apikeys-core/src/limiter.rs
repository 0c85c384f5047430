//! Who decides whether a rate limit has room: [`Limiter`], and the one for a single process.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    clock::{Clock, Monotonic},
    id::KeyId,
    rate_limit::{RateLimit, RateLimited, RateStatus, SlidingWindow},
};

/// Decides whether requests fit their rate limits.
///
/// [`LocalLimiter`] decides for one process, in the window that each live key carries. One that
/// is shared by many instances asks a server, and uses the windows only when it cannot.
pub trait Limiter: fmt::Debug + Send + Sync + 'static {
    /// Takes what `takes` ask for, from all of them or from none. Subjects are distinct, and
    /// there is at least one; the answer describes the first.
    ///
    /// Nothing may be taken before an answer of [`Acquire::Later`] is polled: the engine may drop
    /// it and ask again.
    fn acquire<'a>(&'a self, takes: &'a [Take<'a>]) -> Acquire<'a>;
}

/// What is counted against a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// All requests of a key.
    Key(KeyId),
}

/// So many places of a subject's limit.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Take<'a> {
    /// Whose.
    pub subject: Subject,
    /// The limit that applies now.
    pub limit: RateLimit,
    /// How many; at least 1.
    pub cost: u32,
    /// The subject's window in this process.
    pub window: &'a Window,
}

impl<'a> Take<'a> {
    /// One place.
    #[must_use]
    pub const fn one(subject: Subject, limit: RateLimit, window: &'a Window) -> Self {
        Self { subject, limit, cost: 1, window }
    }
}

/// An answer, now or later.
#[expect(missing_debug_implementations, reason = "a future has none")]
#[expect(clippy::exhaustive_enums, reason = "closed for good: an answer comes now or later")]
pub enum Acquire<'a> {
    /// Decided without waiting.
    Now(Verdict),
    /// Decided by somebody else.
    Later(Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>),
}

/// What a limiter decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Taken.
    Admitted(RateStatus),
    /// Too many; nothing was taken.
    Limited(RateLimited),
    /// Cannot be decided; nothing was taken.
    Unavailable,
}

/// A subject's window in this process, shared by all that use the subject.
#[derive(Debug, Default)]
pub struct Window(Mutex<SlidingWindow>);

impl Window {
    /// An empty window.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(SlidingWindow::new()))
    }

    /// Whether nothing is counted at `now`.
    #[must_use]
    pub fn is_idle(&self, now: Monotonic) -> bool {
        self.lock().is_idle(now)
    }

    fn lock(&self) -> MutexGuard<'_, SlidingWindow> {
        // A window is valid after any panic: it is a list of times.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decides in the subjects' own windows: exact for one process, without I/O.
///
/// With several instances each admits the whole limit.
#[derive(Debug, Clone)]
pub struct LocalLimiter {
    clock: Arc<dyn Clock>,
}

impl LocalLimiter {
    /// Decides by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    fn decide(&self, takes: &[Take<'_>]) -> Verdict {
        if let [take] = takes {
            let mut window = take.window.lock();
            // Read inside the lock: times reach the window in order.
            let now = self.clock.monotonic();
            return match window.try_acquire(now, take.limit, take.cost) {
                Ok(status) => Verdict::Admitted(status),
                Err(limited) => Verdict::Limited(limited),
            };
        }
        let mut ordered: Vec<&Take<'_>> = takes.iter().collect();
        // One order for everybody, so that no two wait for each other.
        ordered.sort_by_key(|take| take.subject);
        let mut locked: Vec<_> = ordered.into_iter().map(|take| (take, take.window.lock())).collect();
        let now = self.clock.monotonic();
        for (take, window) in &mut locked {
            if let Err(limited) = window.check(now, take.limit, take.cost) {
                return Verdict::Limited(limited);
            }
        }
        let first = takes.first().map(|take| take.subject);
        let mut verdict = Verdict::Unavailable;
        for (take, window) in &mut locked {
            window.record(now, take.cost);
            if Some(take.subject) == first {
                verdict = Verdict::Admitted(window.status(now, take.limit));
            }
        }
        verdict
    }
}

impl Limiter for LocalLimiter {
    fn acquire<'a>(&'a self, takes: &'a [Take<'a>]) -> Acquire<'a> {
        Acquire::Now(self.decide(takes))
    }
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
    fn all_or_nothing_is_taken() {
        let limiter = LocalLimiter::new(Arc::new(ManualClock::default()));
        let (wide, narrow) = (Window::new(), Window::new());
        let both = [Take::one(key(2), limit(5), &wide), Take::one(key(1), limit(1), &narrow)];
        let Verdict::Admitted(status) = limiter.decide(&both) else { panic!("there was room") };
        assert_eq!((status.limit, status.remaining), (limit(5), 4));
        assert!(matches!(limiter.decide(&both), Verdict::Limited(by) if by.limit == limit(1)));
        let Verdict::Admitted(status) = limiter.decide(&both[..1]) else { panic!("there was room") };
        assert_eq!(status.remaining, 3, "the refused take counted");
    }

    #[test]
    fn any_number_of_threads_get_exactly_the_limit() {
        let limiter = LocalLimiter::new(Arc::new(ManualClock::default()));
        for _ in 0..50 {
            let window = Window::new();
            let admitted = AtomicU32::new(0);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        for _ in 0..30 {
                            let take = Take::one(key(1), limit(100), &window);
                            if matches!(limiter.decide(&[take]), Verdict::Admitted(_)) {
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
    fn opposite_orders_do_not_wait_for_each_other() {
        let limiter = LocalLimiter::new(Arc::new(ManualClock::default()));
        let (a, b) = (Window::new(), Window::new());
        std::thread::scope(|scope| {
            for turn in 0..4 {
                let (limiter, a, b) = (&limiter, &a, &b);
                scope.spawn(move || {
                    for _ in 0..2_000 {
                        let mut takes =
                            [Take::one(key(1), limit(9_000), a), Take::one(key(2), limit(9_000), b)];
                        if turn % 2 == 0 {
                            takes.reverse();
                        }
                        limiter.decide(&takes);
                    }
                });
            }
        });
        let take = [Take::one(key(1), limit(9_000), &a)];
        assert!(
            matches!(limiter.decide(&take), Verdict::Admitted(status) if status.remaining == 9_000 - 8_001)
        );
    }
}
