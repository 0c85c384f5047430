use std::sync::{Arc, atomic::Ordering};

use super::{health::Health, inner::Inner, lifecycle::ShutdownError};
use crate::{clock::Clock, plan::Plans, token::MalformedToken};

/// The API keys of a service: verifies requests, manages keys, and records their use.
///
/// A cheap handle: clone it wherever it is needed. [`builder`](Self::builder) makes one;
/// [`in_memory`](Self::in_memory) makes one for tests.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    pub(super) inner: Arc<Inner>,
}

impl ApiKeys {
    /// Whether `credential` looks like one of the host's secrets, right or wrong: one of its
    /// prefixes, the shape, but not necessarily the checksum. For a door that keys must not open.
    #[must_use]
    pub fn looks_like_secret(&self, credential: &[u8]) -> bool {
        matches!(self.inner.format.check(credential), Ok(_) | Err(MalformedToken::Checksum))
    }

    /// The plans the host sells.
    #[must_use]
    pub fn plans(&self) -> &Plans {
        &self.inner.plans
    }

    /// The clock that everything goes by.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// How the engine is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        let inner = &self.inner;
        Health {
            accepting: !inner.lifecycle.is_closing(),
            maintained: inner.maintained.load(Ordering::SeqCst),
            buffered_events: inner.recorder.waiting(),
            buffer_capacity: inner.recorder.capacity(),
            live_keys: inner.live.len(),
            flush_failure: inner.recorder.failure(),
        }
    }

    /// Writes every audit event of requests that have ended so far.
    ///
    /// # Errors
    ///
    /// When the store fails; the events wait for the next attempt.
    pub async fn flush(&self) -> crate::store::StoreResult<()> {
        self.inner.recorder.flush().await
    }

    /// Ends in order: refuses new requests, waits for those under way, writes the audit log, and
    /// ends the maintenance. Stop the server first, so that nobody meets the refusal.
    ///
    /// # Errors
    ///
    /// When events could not be written within the patience for it, 10 s by default.
    pub async fn shutdown(&self) -> Result<(), ShutdownError> {
        let inner = &self.inner;
        inner.lifecycle.close_and_drain().await;
        let end = inner.clock.monotonic().saturating_add(inner.options.shutdown_timeout);
        let result = loop {
            match inner.recorder.flush().await {
                Ok(()) => break Ok(()),
                Err(source) if inner.clock.monotonic() >= end => {
                    break Err(ShutdownError { unrecorded: inner.recorder.waiting(), source });
                }
                Err(_) => inner.clock.sleep(inner.options.flush_interval).await,
            }
        };
        inner.lifecycle.finish();
        result
    }
}
