//! Gets every request onto the audit log: a buffer that never blocks, and a flush that never
//! counts twice.

mod buffer;
mod flush;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use event_listener::Event;

use self::{
    buffer::{Buffer, Pending},
    flush::Flush,
};
use super::{
    denials::{self, Noted},
    live_keys::LiveKey,
    observe,
};
use crate::{
    Timestamp,
    audit::{RequestMeta, RequestRecord},
    clock::Clock,
    denial::DenialCode,
    engine::health::FlushFailure,
    entropy::Entropy,
    id::IdGenerator,
    store::{KeyStore, StoreError},
};

/// How the recorder works.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecorderOptions {
    pub(super) batch_size: usize,
    pub(super) capacity: usize,
    pub(super) store_timeout: Duration,
}

/// Collects audit events and writes them in batches.
#[derive(Debug)]
pub(super) struct Recorder {
    store: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    ids: Arc<IdGenerator>,
    options: RecorderOptions,
    buffer: Buffer,
    /// Keys with counted denials to fetch.
    counted: Mutex<Vec<Arc<LiveKey>>>,
    /// Held while writing: one batch at a time.
    flush: async_lock::Mutex<Flush>,
    /// A batch is full.
    wake: Event,
    /// There is room again.
    drained: Event,
    failure: Mutex<Option<FlushFailure>>,
}

impl Recorder {
    pub(super) fn new(
        store: Arc<dyn KeyStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        ids: Arc<IdGenerator>,
        options: RecorderOptions,
    ) -> Self {
        Self {
            store,
            clock,
            entropy,
            ids,
            options,
            buffer: Buffer::new(),
            counted: Mutex::default(),
            flush: async_lock::Mutex::new(Flush::default()),
            wake: Event::new(),
            drained: Event::new(),
            failure: Mutex::default(),
        }
    }

    /// Whether more events wait than may. Asked before anything of a request is consumed.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() >= self.options.capacity
    }

    /// Waits until there is room, for no longer than `timeout`; tells whether there is.
    pub(super) async fn wait_for_room(&self, timeout: Duration) -> bool {
        let mut sleep = self.clock.sleep(timeout);
        loop {
            let drained = self.drained.listen();
            if !self.is_full() {
                return true;
            }
            self.wake.notify(1);
            match futures_util::future::select(drained, sleep).await {
                futures_util::future::Either::Left((_, rest)) => sleep = rest,
                futures_util::future::Either::Right(_) => return !self.is_full(),
            }
        }
    }

    /// Notes a request that ended.
    pub(super) fn push(&self, live: &LiveKey, at: Timestamp, record: RequestRecord) {
        let waiting = self.buffer.push(Pending { at, org: live.org.clone(), key: live.key, record });
        if waiting == self.options.batch_size || waiting == self.options.capacity {
            self.wake.notify(1);
        }
    }

    /// Notes a request of a recognised key that was denied.
    pub(super) fn push_denial(
        &self,
        live: &Arc<LiveKey>,
        at: Timestamp,
        code: DenialCode,
        (meta, latency, status): (RequestMeta, Duration, u16),
    ) {
        let record = denials::denied(meta, latency, status);
        let noted = live.tally().note(at, code, record, self.is_full());
        match noted {
            Noted::Row(record) => self.push(live, at, record),
            Noted::Counted { newly: true } => {
                self.counted.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(live));
            }
            Noted::Counted { newly: false } => {}
        }
    }

    /// Resolves when a batch is full.
    pub(super) async fn batch_is_full(&self) {
        let wake = self.wake.listen();
        if self.buffer.len() < self.options.batch_size {
            wake.await;
        }
    }

    /// Events that are not on the audit log yet.
    pub(super) fn waiting(&self) -> usize {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner).len();
        self.buffer.len() + counted
    }

    pub(super) fn capacity(&self) -> usize {
        self.options.capacity
    }

    /// The last failed flush, if none has succeeded since.
    pub(super) fn failure(&self) -> Option<FlushFailure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_result(&self, result: Result<(), &StoreError>) {
        let failure = result.err().map(|error| {
            observe::flush_failed(error);
            FlushFailure { at: self.clock.wall(), message: error.to_string() }
        });
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}
