//! Time: what the wall says, what has passed, and waiting for it.
//!
//! Everything that depends on time goes through [`Clock`], so that a test can own it. The wall
//! clock decides what people agree on (expiry, the times in the audit log); the monotonic clock
//! decides what must not jump (rate limits, latencies, waits).

mod manual;
mod system;
mod timestamp;

use std::{fmt, pin::Pin, time::Duration};

pub use manual::ManualClock;
pub use system::SystemClock;
pub use timestamp::{InvalidTimestamp, Timestamp};

/// A wait that [`Clock::sleep`] began.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The source of time, and of every wait in the engine.
///
/// Use [`SystemClock`] in a service and [`ManualClock`] in tests.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time of day, as the world sees it. May jump.
    fn wall(&self) -> Timestamp;

    /// Time that only moves forward, in whole microseconds since some fixed start.
    fn monotonic(&self) -> Monotonic;

    /// Resolves once `duration` has passed on the monotonic clock, counted from this call rather
    /// than from the first poll.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// A point on a [`Clock`]'s monotonic scale, in whole microseconds.
///
/// Only differences between points of the same clock mean anything.
///
/// ```
/// use std::time::Duration;
/// use apikeys_core::clock::Monotonic;
///
/// let start = Monotonic::from_micros(5_000_000);
/// let later = start.saturating_add(Duration::from_secs(60));
/// assert_eq!(later.saturating_since(start), Duration::from_secs(60));
/// assert_eq!(start.saturating_since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(u64);

impl Monotonic {
    /// The point `micros` microseconds after the clock's start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the clock's start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to here, zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The point `duration` later, rounded up to a whole microsecond.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros_rounded_up(duration)))
    }
}

/// Whole microseconds that are at least `duration`.
fn micros_rounded_up(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
}
