use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::select;

use super::{lifecycle::Lifecycle, live_keys::LiveKeys, observe, recorder::Recorder};
use crate::{
    clock::Clock,
    entropy::Entropy,
    id::IdGenerator,
    limiter::Limiter,
    plan::Plans,
    store::KeyStore,
    token::{Peppers, TokenFormat},
};

/// What all handles of an engine share.
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
    /// Bounds the number of reads that verifications have under way.
    pub(super) lookups: async_lock::Semaphore,
    pub(super) maintained: AtomicBool,
    pub(super) warned: AtomicBool,
    pub(super) request_ids: RequestIds,
}

/// The intervals and timeouts that the host may set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) flush_interval: Duration,
    pub(super) buffer_timeout: Duration,
    pub(super) store_timeout: Duration,
    pub(super) shutdown_timeout: Duration,
}

impl Inner {
    /// Waits for room on the audit log, for as long as a request may; tells whether there is.
    pub(super) async fn make_room(&self) -> bool {
        let timeout = self.options.buffer_timeout;
        if !self.is_maintained() {
            // Nobody else would: the requests that wait are the only ones that can write.
            select(pin!(self.recorder.flush()), self.clock.sleep(timeout)).await;
            return !self.recorder.is_full();
        }
        self.recorder.wait_for_room(timeout).await
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
