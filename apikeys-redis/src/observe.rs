use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::error::Failure;

/// The shortest time between two warnings.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Who made a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Redis,
    Remembered,
    Fallback,
}

/// Writes the log lines and, with the feature `metrics`, the metrics of a limiter.
#[derive(Debug)]
pub(crate) struct Observer {
    warned_at: Mutex<Option<Instant>>,
}

impl Observer {
    pub(crate) fn new() -> Self {
        Self { warned_at: Mutex::default() }
    }

    pub(crate) fn decided(&self, source: Source) {
        #[cfg(feature = "metrics")]
        {
            let source = match source {
                Source::Redis => "redis",
                Source::Remembered => "remembered",
                Source::Fallback => "fallback",
            };
            metrics::counter!("apikeys_redis_decisions_total", "source" => source).increment(1);
        }
        let _ = source;
    }

    pub(crate) fn failed(&self) {
        #[cfg(feature = "metrics")]
        metrics::counter!("apikeys_redis_failures_total").increment(1);
    }

    pub(crate) fn lost(&self, failure: &Failure) {
        self.set_away(true);
        self.warn(failure);
    }

    pub(crate) fn still_away(&self, failure: &Failure) {
        self.failed();
        self.warn(failure);
    }

    fn warn(&self, failure: &Failure) {
        let mut warned_at = self.warned_at.lock().unwrap_or_else(PoisonError::into_inner);
        if warned_at.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) {
            *warned_at = Some(Instant::now());
            tracing::warn!(%failure, "Redis does not decide about rate limits: the fallback does");
        }
    }

    pub(crate) fn found(&self) {
        self.set_away(false);
        tracing::info!("Redis decides about rate limits");
    }

    /// Reports that there is no connection at the start.
    pub(crate) fn set_away(&self, is_away: bool) {
        #[cfg(feature = "metrics")]
        metrics::gauge!("apikeys_redis_away").set(f64::from(u8::from(is_away)));
        let _ = is_away;
    }
}
