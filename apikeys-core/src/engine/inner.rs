use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    cache::Cache,
    lifecycle::Lifecycle,
    live_keys::LiveKeys,
    observe::Observer,
    recorder::Recorder,
    timeout::{StoreTimeout, for_at_most},
};
use crate::{
    clock::Clock,
    entropy::Entropy,
    id::IdGenerator,
    limiter::Limiter,
    plan::Plans,
    store::KeyStore,
    token::{Peppers, TokenFormat},
    warning::ExpiryWarnings,
};

/// The parts that all handles of an engine share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Arc<dyn KeyStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) limiter: Arc<dyn Limiter>,
    pub(super) ids: Arc<IdGenerator>,
    pub(super) observer: Arc<Observer>,
    pub(super) plans: Plans,
    pub(super) format: TokenFormat,
    pub(super) peppers: Peppers,
    pub(super) options: Options,
    pub(super) store_timeout: StoreTimeout,
    pub(super) cache: Cache,
    pub(super) live: LiveKeys,
    pub(super) recorder: Recorder,
    pub(super) lifecycle: Arc<Lifecycle>,
    /// Bounds the number of verifications that read from the store at the same time.
    pub(super) lookups: async_lock::Semaphore,
    pub(super) maintained: AtomicBool,
    /// Whether other instances use the store, although the limiter counts for this instance only.
    pub(super) instances_limit_alone: AtomicBool,
    /// `None` means that no warnings are sent.
    pub(super) warnings: Option<ExpiryWarnings>,
    /// Notified when rows of a forgotten organization wait to be removed.
    pub(super) purge_wanted: event_listener::Event,
}

/// The intervals and timeouts that the builder can set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) flush_interval: Duration,
    pub(super) buffer_timeout: Duration,
    pub(super) shutdown_timeout: Duration,
}

impl Inner {
    /// Waits until there is room for an audit event, for the buffer timeout at most. Returns whether there is
    /// room.
    pub(super) async fn make_room(&self) -> bool {
        let timeout = self.options.buffer_timeout;
        if !self.is_maintained() {
            // Without maintenance, only the waiting requests can write the log.
            for_at_most(&*self.clock, timeout, self.recorder.flush()).await;
            return !self.recorder.is_full();
        }
        self.recorder.wait_for_room(timeout).await
    }

    /// Returns whether the maintenance is running. If the maintenance is not running, logs a warning once.
    pub(super) fn is_maintained(&self) -> bool {
        let maintained = self.maintained.load(Ordering::SeqCst);
        if !maintained {
            self.observer.not_maintained();
        }
        maintained
    }
}
