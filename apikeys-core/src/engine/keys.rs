use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::select;

use super::{
    builder::Builder,
    health::Health,
    lifecycle::{Lifecycle, ShutdownError},
    live::LiveKeys,
    manage::Manage,
    observe,
    operator::Operator,
    recorder::Recorder,
};
use crate::{
    clock::Clock,
    entropy::Entropy,
    id::{Actor, IdGenerator, OrgId},
    limiter::Limiter,
    memory::MemoryStore,
    plan::Plans,
    store::KeyStore,
    token::{MalformedToken, Peppers, TokenFormat},
};

/// The API keys of a service: verifies them, lets them be managed, and records their use.
///
/// A cheap handle; clone it wherever it is needed. Made by [`builder`](Self::builder), or by
/// [`in_memory`](Self::in_memory) for tests.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Arc<dyn KeyStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) limiter: Arc<dyn Limiter>,
    pub(super) ids: Arc<IdGenerator>,
    pub(super) plans: Plans,
    pub(super) format: TokenFormat,
    pub(super) peppers: Peppers,
    pub(super) options: Options,
    pub(super) live: LiveKeys,
    pub(super) recorder: Recorder,
    pub(super) lifecycle: Arc<Lifecycle>,
    /// Bounds the look-ups under way.
    pub(super) look_ups: async_lock::Semaphore,
    pub(super) maintained: AtomicBool,
    pub(super) warned: AtomicBool,
    pub(super) request_ids: RequestIds,
}

/// How patient the engine is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) flush_interval: Duration,
    pub(super) gate_patience: Duration,
    pub(super) store_timeout: Duration,
    pub(super) shutdown_patience: Duration,
}

impl ApiKeys {
    /// Begins an engine on `store`.
    pub fn builder(store: impl KeyStore) -> Builder {
        Builder::new(Arc::new(store))
    }

    /// An engine that keeps everything in memory, with the standard plans: for tests and first
    /// steps. It needs no maintenance; each request waits until its audit event is in memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::builder(MemoryStore::new()).assemble_in_memory()
    }

    /// The keys of one organization, as `actor` sees and changes them. No call on it can reach
    /// another organization's keys.
    #[must_use]
    pub fn manage(&self, org: OrgId, actor: Actor) -> Manage {
        Manage::new(Arc::clone(&self.inner), org, actor)
    }

    /// What only the host itself may do: set plans, forget organizations, list across them.
    #[must_use]
    pub fn operator(&self, actor: Actor) -> Operator {
        Operator::new(Arc::clone(&self.inner), actor)
    }

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
        let end = inner.clock.monotonic().saturating_add(inner.options.shutdown_patience);
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

impl Inner {
    /// Waits for room on the audit log, for as long as a request may; tells whether there is.
    pub(super) async fn make_room(&self) -> bool {
        let patience = self.options.gate_patience;
        if !self.is_maintained() {
            // Nobody else would: the requests that wait are the only ones that can write.
            select(pin!(self.recorder.flush()), self.clock.sleep(patience)).await;
            return !self.recorder.is_full();
        }
        self.recorder.wait_for_room(patience).await
    }

    /// Whether somebody writes the audit log. Told once if not.
    pub(super) fn is_maintained(&self) -> bool {
        let maintained = self.maintained.load(Ordering::SeqCst);
        if !maintained && !self.warned.swap(true, Ordering::Relaxed) {
            observe::not_maintained();
        }
        maintained
    }
}

/// Makes ids for requests that bring none: unique, not secret.
#[derive(Debug)]
pub(super) struct RequestIds {
    process: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};
        Self { process: RandomState::new().build_hasher().finish(), count: AtomicU64::new(0) }
    }

    pub(super) fn next(&self) -> [u8; 16] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        ((u128::from(self.process) << 64) | u128::from(count)).to_be_bytes()
    }
}
