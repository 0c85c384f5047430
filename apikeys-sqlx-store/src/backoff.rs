use std::time::{Duration, Instant};

use apikeys_core::{Clock, SystemClock};

/// The pauses between attempts while another process locks the database. The pauses end at a time limit.
pub(crate) struct Backoff {
    began: Instant,
    pause: Duration,
}

impl Backoff {
    const LIMIT: Duration = Duration::from_secs(5);
    const LONGEST_PAUSE: Duration = Duration::from_millis(100);

    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), pause: Duration::from_millis(1) }
    }

    /// Waits until the next attempt. Returns `false` without waiting if the time limit is reached.
    pub(crate) async fn wait(&mut self) -> bool {
        if self.began.elapsed() >= Self::LIMIT {
            return false;
        }
        SystemClock::new().sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Self::LONGEST_PAUSE);
        true
    }
}
