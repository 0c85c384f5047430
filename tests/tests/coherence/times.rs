use std::{
    fmt,
    time::{Duration, Instant},
};

/// The durations of calls, in ascending order.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Measures a call.
    pub(crate) async fn measure<T>(&mut self, call: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let result = call.await;
        self.add(began.elapsed());
        result
    }

    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
        self.0.sort_unstable();
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.sort_unstable();
    }

    /// Returns the time that `percent` % of all calls did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0[rank.max(1) - 1]
    }

    pub(crate) fn longest(&self) -> Duration {
        self.percentile(100)
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |percent| self.percentile(percent).as_secs_f64() * 1_000.0;
        let [half, most, all] = [50, 99, 100].map(milliseconds);
        write!(f, "{} calls, p50 {half:.1} ms, p99 {most:.1} ms, longest {all:.1} ms", self.0.len())
    }
}
