//! The source of time: [`Clock`].
//!
//! The [engine](crate::engine) reads all times from a [`Clock`] and waits through it, so that a test can control
//! time. The wall clock is used for the times that people see, such as expiration dates and the times in the audit
//! log. The monotonic clock is used for rate limits, latencies and waits, because it does not jump.

mod manual;
mod system;
mod timestamp;

use std::{fmt, pin::Pin, time::Duration};

pub use manual::ManualClock;
pub use system::SystemClock;
pub use timestamp::Timestamp;

/// The future that [`Clock::sleep`] returns.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of time and of waits.
///
/// Use [`SystemClock`] in a service and [`ManualClock`] in tests.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time of day. The time of day may jump forward and back.
    fn wall(&self) -> Timestamp;

    /// Returns the time since a fixed start, in whole microseconds. This time never goes back.
    fn monotonic(&self) -> Monotonic;

    /// Returns a future that resolves when `duration` has passed on the monotonic clock since this
    /// call, not since the first poll.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// A point on a [`Clock`]'s monotonic scale, in whole microseconds.
///
/// Only points of the same clock can be compared.
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
    /// Creates the point `micros` microseconds after the clock's start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since the clock's start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns the time from `earlier` to this point, or zero if `earlier` is later than this point.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Returns the point that is `duration` later, rounded up to a whole microsecond.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros_rounded_up(duration)))
    }
}

/// Returns the smallest number of whole microseconds that is not less than `duration`.
fn micros_rounded_up(duration: Duration) -> u64 {
    // `Duration::as_nanos` computes with 128 bits, which is slower.
    let part = u64::from(duration.subsec_nanos().div_ceil(1_000));
    duration.as_secs().checked_mul(1_000_000).and_then(|whole| whole.checked_add(part)).unwrap_or(u64::MAX)
}
