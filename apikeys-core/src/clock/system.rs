use std::time::{Duration, Instant, SystemTime};

use super::{Clock, Monotonic, Sleep, Timestamp, micros_rounded_up};

/// The operating system's clocks. Waits work on any async runtime.
///
/// The first wait starts a helper thread, which the whole process shares.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Creates a clock whose monotonic time starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn monotonic(&self) -> Monotonic {
        // `Duration::as_micros` computes with 128 bits, which is slower.
        let elapsed = self.start.elapsed();
        Monotonic::from_micros(elapsed.as_secs() * 1_000_000 + u64::from(elapsed.subsec_micros()))
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let whole = Duration::from_micros(micros_rounded_up(duration));
        Box::pin(futures_timer::Delay::new(whole))
    }
}
