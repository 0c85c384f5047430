use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    cache::Moment, handle::Handles, health::Health, inner::Inner, lifecycle::ShutdownError,
    timeout::for_at_most,
};
use crate::{
    clock::Clock,
    plan::Plans,
    store::{StoreError, StoreErrorKind, StoreResult},
    token::MalformedToken,
};

/// The API keys of a service: verifies requests, manages keys, and records their use.
///
/// An `ApiKeys` is a handle to the [engine](super), and cloning the handle is cheap. Clones share their state.
/// [`builder`](Self::builder) creates an `ApiKeys` on a store, and [`in_memory`](Self::in_memory) creates one for
/// tests.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    pub(super) inner: Arc<Inner>,
    pub(super) handles: Handles,
}

impl ApiKeys {
    pub(super) fn new(inner: Inner) -> Self {
        let inner = Arc::new(inner);
        Self { handles: Handles::new(&inner), inner }
    }
}

impl ApiKeys {
    /// Returns whether `credential` looks like a secret of your service: it has an accepted prefix, the right
    /// length and only valid characters. The checksum may be wrong. Use this method to refuse API keys where
    /// they must not be entered, such as in a login form.
    #[must_use]
    pub fn looks_like_secret(&self, credential: &[u8]) -> bool {
        matches!(self.inner.format.check(credential), Ok(_) | Err(MalformedToken::Checksum))
    }

    /// Returns the catalogue of plans.
    #[must_use]
    pub fn plans(&self) -> &Plans {
        &self.inner.plans
    }

    /// Returns the engine's clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// Returns the engine's state, for a health page or an alarm.
    #[must_use]
    pub fn health(&self) -> Health {
        let inner = &self.inner;
        Health {
            accepting: !inner.lifecycle.is_closing(),
            maintained: inner.maintained.load(Ordering::SeqCst),
            buffered_events: inner.recorder.waiting(),
            buffer_capacity: inner.recorder.capacity(),
            live_keys: inner.live.len(),
            cached_secrets: inner.cache.len(),
            cache_in_use: inner.cache.is_used(Moment::now(&*inner.clock)),
            limiter: inner.limiter.state(),
            instances_limit_alone: inner.instances_limit_alone.load(Ordering::Relaxed),
            flush_failure: inner.recorder.failure(),
        }
    }

    /// Writes the audit events of all requests that have ended.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails. The events are kept for the next attempt.
    pub async fn flush(&self) -> StoreResult<()> {
        self.inner.recorder.flush().await
    }

    /// Shuts down the engine. The engine refuses new requests and begins no new warnings. It waits for the
    /// running requests and for the warnings that are being sent. Then it writes the audit log and ends the
    /// [`Maintenance`](super::Maintenance).
    ///
    /// Stop the server first, so that no client's request is refused. The future is done within the
    /// [`shutdown_timeout`](super::Builder::shutdown_timeout), even if a request or the store hangs. The engine
    /// waits for requests and warnings for at most three quarters of the timeout, so that time remains for
    /// writing the audit log.
    ///
    /// # Errors
    ///
    /// Returns an error if requests were still running or warnings were still being sent when the time ran out,
    /// or if events could not be written. The error contains the number of these requests, warnings and events.
    pub async fn shutdown(&self) -> Result<(), ShutdownError> {
        let inner = &self.inner;
        let timeout = inner.options.shutdown_timeout;
        let end = inner.clock.monotonic().saturating_add(timeout);
        inner.lifecycle.close();
        let drained = for_at_most(&*inner.clock, timeout / 4 * 3, inner.lifecycle.drained()).await;
        let (running_requests, running_warnings) = match drained {
            Some(()) => (0, 0),
            None => (inner.lifecycle.running_requests(), inner.lifecycle.running_warnings()),
        };
        let failure = loop {
            let left = end.saturating_since(inner.clock.monotonic());
            let source = match for_at_most(&*inner.clock, left, inner.recorder.flush()).await {
                Some(Ok(())) => break None,
                Some(Err(source)) => source,
                None => StoreError::new(StoreErrorKind::Unavailable, "record"),
            };
            let left = end.saturating_since(inner.clock.monotonic());
            if left == Duration::ZERO {
                break Some(source);
            }
            inner.clock.sleep(left.min(inner.options.flush_interval)).await;
        };
        inner.lifecycle.finish();
        let left = end.saturating_since(inner.clock.monotonic());
        // A maintenance that still runs could register again.
        let unmaintained = inner.lifecycle.until(|| !inner.maintained.load(Ordering::SeqCst));
        for_at_most(&*inner.clock, left / 2, unmaintained).await;
        let left = end.saturating_since(inner.clock.monotonic());
        for_at_most(&*inner.clock, left, inner.leave()).await;
        if (running_requests, running_warnings) == (0, 0) && failure.is_none() {
            return Ok(());
        }
        let unwritten_events = inner.recorder.waiting();
        Err(ShutdownError { running_requests, running_warnings, unwritten_events, source: failure })
    }
}
