use std::{collections::VecDeque, time::Duration};

use super::RateLimit;
use crate::clock::Monotonic;

/// The length of the window in microseconds, the unit of [`Monotonic`].
const WINDOW: u64 = 60_000_000;

/// The number of times for which an empty window keeps memory, so that a key with few requests does not allocate it again
/// and again.
const KEPT: usize = 16;

/// The times at which requests of one subject were admitted within the last minute.
///
/// Each method takes the current time as `now`. If `now` is earlier than in an earlier call, the window uses
/// the time of the earlier call. When a limit is lowered, all admissions of the last minute still count.
///
/// ```
/// use std::time::Duration;
/// use apikeys_core::{RateLimit, clock::Monotonic, rate_limit::SlidingWindow};
///
/// let limit = RateLimit::per_minute(2)?;
/// let mut window = SlidingWindow::new();
/// let start = Monotonic::from_micros(0);
/// assert_eq!(window.try_acquire(start, limit, 1).unwrap().remaining, 1);
/// assert_eq!(window.try_acquire(start, limit, 1).unwrap().remaining, 0);
///
/// let later = start.saturating_add(Duration::from_millis(59_999));
/// assert_eq!(window.try_acquire(later, limit, 1).unwrap_err().retry_after, Duration::from_millis(1));
/// assert!(window.try_acquire(start.saturating_add(RateLimit::WINDOW), limit, 1).is_ok());
/// # Ok::<(), apikeys_core::InvalidValue>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SlidingWindow {
    /// The latest time that a method was called with, in microseconds.
    latest: u64,
    /// The time that `times` are relative to, in microseconds.
    base: u64,
    /// The times of the admissions, oldest first, in microseconds after `base`.
    times: VecDeque<u32>,
}

/// The state of a rate limit after a request was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateStatus {
    /// The limit that applied.
    pub limit: RateLimit,
    /// The number of further requests that would be admitted now.
    pub remaining: u32,
    /// The time until the oldest counted request leaves the window.
    pub reset_after: Duration,
}

/// The refusal of a request that exceeds its rate limit. The request was not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimited {
    /// The limit that applied.
    pub limit: RateLimit,
    /// The time until the same request would be admitted if no other request were admitted before it. The
    /// time is more than zero.
    pub retry_after: Duration,
}

impl RateStatus {
    /// Creates the status that a [`Limiter`](crate::Limiter) of your own returns.
    #[must_use]
    pub const fn new(limit: RateLimit, remaining: u32, reset_after: Duration) -> Self {
        Self { limit, remaining, reset_after }
    }
}

impl RateLimited {
    /// Creates the refusal that a [`Limiter`](crate::Limiter) of your own returns.
    #[must_use]
    pub const fn new(limit: RateLimit, retry_after: Duration) -> Self {
        Self { limit, retry_after }
    }
}

impl SlidingWindow {
    /// Creates an empty window, without allocating.
    #[must_use]
    pub const fn new() -> Self {
        Self { latest: 0, base: 0, times: VecDeque::new() }
    }

    /// Admits `cost` requests at `now` and counts them, or refuses them and counts nothing.
    ///
    /// # Errors
    ///
    /// Returns [`RateLimited`] if fewer than `cost` requests remain within the limit. A cost above the limit
    /// is always refused, with a whole window as the time to wait.
    pub fn try_acquire(
        &mut self,
        now: Monotonic,
        limit: RateLimit,
        cost: u32,
    ) -> Result<RateStatus, RateLimited> {
        let now = self.advance(now);
        self.check_at(now, limit, cost)?;
        self.record_at(now, cost);
        Ok(self.status_at(now, limit))
    }

    /// Checks whether `cost` requests would be admitted at `now`, and counts nothing.
    ///
    /// # Errors
    ///
    /// Returns the same error as [`try_acquire`](Self::try_acquire).
    pub fn check(&mut self, now: Monotonic, limit: RateLimit, cost: u32) -> Result<(), RateLimited> {
        let now = self.advance(now);
        self.check_at(now, limit, cost)
    }

    fn check_at(&self, now: u64, limit: RateLimit, cost: u32) -> Result<(), RateLimited> {
        let used = self.used();
        let free = limit.requests().saturating_sub(used);
        if cost <= free {
            return Ok(());
        }
        if cost > limit.requests() {
            return Err(RateLimited { limit, retry_after: RateLimit::WINDOW });
        }
        // There is room once the oldest `missing` admissions have left the window.
        let missing = cost - free + used.saturating_sub(limit.requests());
        let leaves = self.leaves(missing.saturating_sub(1)).unwrap_or(now);
        Err(RateLimited { limit, retry_after: Duration::from_micros(leaves.saturating_sub(now).max(1)) })
    }

    /// Counts `cost` requests at `now` without checking the limit.
    pub fn record(&mut self, now: Monotonic, cost: u32) {
        let now = self.advance(now);
        self.record_at(now, cost);
    }

    fn record_at(&mut self, now: u64, cost: u32) {
        if self.times.is_empty() {
            self.base = now;
        }
        let offset = self.offset(now);
        if cost == 1 {
            self.times.push_back(offset);
        } else {
            self.times.extend(std::iter::repeat_n(offset, usize::try_from(cost).unwrap_or(0)));
        }
    }

    /// Returns the state of a limit at `now`.
    pub fn status(&mut self, now: Monotonic, limit: RateLimit) -> RateStatus {
        let now = self.advance(now);
        self.status_at(now, limit)
    }

    fn status_at(&self, now: u64, limit: RateLimit) -> RateStatus {
        RateStatus {
            limit,
            remaining: limit.requests().saturating_sub(self.used()),
            reset_after: Duration::from_micros(self.leaves(0).unwrap_or(now).saturating_sub(now)),
        }
    }

    /// Returns whether the window counts no request at `now`. An idle window frees its memory.
    pub fn is_idle(&mut self, now: Monotonic) -> bool {
        self.advance(now);
        let is_idle = self.times.is_empty();
        if is_idle {
            self.times = VecDeque::new();
        }
        is_idle
    }

    /// Returns the latest time that a method was called with, which is the time of the latest decision.
    #[must_use]
    pub const fn latest(&self) -> Monotonic {
        Monotonic::from_micros(self.latest)
    }

    fn used(&self) -> u32 {
        u32::try_from(self.times.len()).unwrap_or(u32::MAX)
    }

    /// Returns the time at which the `index`-th oldest admission leaves the window.
    fn leaves(&self, index: u32) -> Option<u64> {
        let offset = *self.times.get(usize::try_from(index).ok()?)?;
        Some(self.base + u64::from(offset) + WINDOW)
    }

    /// Drops the admissions that have left the window. Returns `now` or the latest time before, whichever is later.
    fn advance(&mut self, now: Monotonic) -> u64 {
        // An earlier time would count admissions that have been dropped as not made.
        let now = now.as_micros().max(self.latest);
        self.latest = now;
        while let Some(first) = self.times.front()
            && self.base + u64::from(*first) + WINDOW <= now
        {
            self.times.pop_front();
        }
        if self.times.is_empty() && self.times.capacity() > KEPT {
            self.times = VecDeque::new();
        }
        now
    }

    /// Returns `now` relative to the base. If the distance does not fit, the base is moved to the
    /// oldest admission, which is at most a minute ago.
    fn offset(&mut self, now: u64) -> u32 {
        if let Ok(offset) = u32::try_from(now - self.base) {
            return offset;
        }
        let first = self.times.front().copied().unwrap_or_default();
        for offset in &mut self.times {
            *offset -= first;
        }
        self.base += u64::from(first);
        u32::try_from(now - self.base).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A list of the times of all admissions. It counts those of the last 60 seconds, as the limit is
    /// defined.
    #[derive(Default)]
    struct Oracle(Vec<u64>);

    impl Oracle {
        fn admitted_in_the_last_minute(&self, now: u64) -> usize {
            self.0.iter().filter(|at| now - **at < 60_000_000).count()
        }

        fn admit(&mut self, now: u64, limit: u32, cost: u32) -> bool {
            let fits = self.admitted_in_the_last_minute(now) + cost as usize <= limit as usize;
            if fits {
                self.0.extend(std::iter::repeat_n(now, cost as usize));
            }
            fits
        }
    }

    fn at(micros: u64) -> Monotonic {
        Monotonic::from_micros(micros)
    }

    fn per_minute(requests: u32) -> RateLimit {
        RateLimit::per_minute(requests).unwrap()
    }

    #[test]
    fn place_in_a_window_is_free_again_after_exactly_a_minute() {
        let mut window = SlidingWindow::new();
        let limit = per_minute(1);
        assert!(window.try_acquire(at(7), limit, 1).is_ok());
        let refused = window.try_acquire(at(60_000_006), limit, 1).unwrap_err();
        assert_eq!(refused.retry_after, Duration::from_micros(1));
        assert!(window.try_acquire(at(60_000_007), limit, 1).is_ok());
    }

    #[test]
    fn lowered_limit_leaves_nothing_and_waits_for_enough_admissions_to_leave() {
        let mut window = SlidingWindow::new();
        for second in 0..10 {
            window.try_acquire(at(second * 1_000_000), per_minute(10), 1).unwrap();
        }
        let now = at(10_000_000);
        assert_eq!(window.status(now, per_minute(3)).remaining, 0);
        // With a limit of 3, eight of the ten admissions must leave the window. The eighth was made at second
        // 7.
        let refused = window.try_acquire(now, per_minute(3), 1).unwrap_err();
        assert_eq!(refused.retry_after, Duration::from_secs(57));
        assert_eq!(window.status(now, per_minute(12)).remaining, 2);
    }

    #[test]
    fn full_window_is_small_and_idle_window_frees_its_memory() {
        let mut window = SlidingWindow::new();
        for n in 0..10_000 {
            window.try_acquire(at(n), RateLimit::MAX, 1).unwrap();
        }
        assert!(window.times.capacity() * size_of::<u32>() <= 8 * 10_000);
        assert!(!window.is_idle(at(60_000_000)));
        assert!(window.is_idle(at(60_009_999)));
        assert_eq!(window.times.capacity(), 0);
    }

    #[test]
    fn window_that_is_busy_for_hours_stays_exact() {
        let mut window = SlidingWindow::new();
        let mut oracle = Oracle::default();
        let mut now = 0;
        for step in 0..20_000_u64 {
            now += 700_000 + step % 977;
            oracle.0.retain(|at| now - at < 60_000_000);
            let ours = window.try_acquire(at(now), per_minute(70), 1).is_ok();
            assert_eq!(ours, oracle.admit(now, 70, 1), "at {now}");
        }
        assert!(now > 3 * u64::from(u32::MAX));
    }

    #[test]
    fn cost_above_the_limit_is_always_refused() {
        let mut window = SlidingWindow::new();
        assert_eq!(window.try_acquire(at(0), per_minute(3), 4).unwrap_err().retry_after, RateLimit::WINDOW);
        assert!(window.try_acquire(at(0), per_minute(3), 3).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// For any schedule with changing limits and costs, the window decides like the list of times,
        /// returns the right remainder, and returns the shortest time after which a refused request is
        /// admitted. Times that are earlier than those before count as the latest of them.
        #[test]
        fn window_decides_like_a_list_of_times(
            start in 0_u64..u64::from(u32::MAX) * 4,
            steps in prop::collection::vec((prop_oneof![
                4 => 0_u64..3,
                4 => 0_u64..3_000_000,
                2 => 20_000_000_u64..61_000_000,
                1 => Just(60_000_000_u64),
                1 => Just(59_999_999_u64),
                1 => 0_u64..9_000_000_000,
            ], prop_oneof![4 => Just(0_u64), 1 => 0_u64..70_000_000], 1_u32..12, 1_u32..4), 1..200),
        ) {
            let mut window = SlidingWindow::new();
            let mut oracle = Oracle::default();
            let mut now = 0;
            for (step, back, limit, cost) in steps {
                let read = (now.max(start) + step).saturating_sub(back);
                now = now.max(read);
                let before = oracle.admitted_in_the_last_minute(now);
                let ours = window.try_acquire(at(read), per_minute(limit), cost);
                prop_assert_eq!(window.latest(), at(now));
                prop_assert_eq!(ours.is_ok(), oracle.admit(now, limit, cost));
                match ours {
                    Ok(status) => {
                        let used = oracle.admitted_in_the_last_minute(now);
                        prop_assert_eq!(status.remaining as usize, (limit as usize).saturating_sub(used));
                        let oldest = oracle.0.iter().find(|at| now - **at < 60_000_000).unwrap();
                        prop_assert_eq!(status.reset_after, Duration::from_micros(oldest + 60_000_000 - now));
                    }
                    Err(refused) if cost <= limit => {
                        let wait = u64::try_from(refused.retry_after.as_micros()).unwrap();
                        prop_assert!(wait >= 1);
                        let fits = |at: u64| oracle.admitted_in_the_last_minute(at) + cost as usize <= limit as usize;
                        prop_assert!(fits(now + wait));
                        prop_assert!(!fits(now + wait - 1));
                        prop_assert_eq!(before, oracle.admitted_in_the_last_minute(now));
                    }
                    Err(refused) => prop_assert_eq!(refused.retry_after, RateLimit::WINDOW),
                }
            }
        }
    }
}
