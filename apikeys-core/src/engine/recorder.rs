//! Writes every request to the audit log. Adding a request to the buffer never blocks, and the flush records
//! each event once.

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
    cache::Snapshot,
    denials::{self, Noted},
    health::FlushFailure,
    observe::Observer,
    request_start::RequestStart,
};
use crate::{
    audit::{RequestMeta, RequestRecord},
    clock::Clock,
    denial::DenialCode,
    id::IdGenerator,
    store::{KeyStore, StoreError},
};

/// The limits that the builder can set.
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
    ids: Arc<IdGenerator>,
    observer: Arc<Observer>,
    options: RecorderOptions,
    buffer: Buffer,
    /// The keys whose counted denials are to be fetched.
    counted: Mutex<Vec<Arc<Snapshot>>>,
    /// Locked by the running flush.
    flush: async_lock::Mutex<Flush>,
    /// Notified when a batch is full, or a request waits for room.
    wake: Event,
    /// Notified when events were recorded.
    drained: Event,
    failure: Mutex<Option<FlushFailure>>,
}

impl Recorder {
    pub(super) fn new(
        store: Arc<dyn KeyStore>,
        clock: Arc<dyn Clock>,
        ids: Arc<IdGenerator>,
        observer: Arc<Observer>,
        options: RecorderOptions,
    ) -> Self {
        Self {
            store,
            clock,
            ids,
            observer,
            options,
            buffer: Buffer::new(&options),
            counted: Mutex::default(),
            flush: async_lock::Mutex::new(Flush::default()),
            wake: Event::new(),
            drained: Event::new(),
            failure: Mutex::default(),
        }
    }

    /// Returns the beginning of a verification that begins now.
    pub(super) fn start(&self) -> RequestStart {
        let at = self.clock.wall();
        RequestStart { tick: self.ids.tick(at), at, monotonic: self.clock.monotonic() }
    }

    /// Returns whether the buffer is full, which means that no request may be admitted.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.is_full()
    }

    /// Waits until there is room in the buffer, for no longer than `timeout`. Returns whether there is room.
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

    /// Adds a request that has ended.
    pub(super) fn push(&self, key: Arc<Snapshot>, start: RequestStart, record: RequestRecord) {
        if self.buffer.push(Pending { start, key, record }) {
            self.wake.notify(1);
        }
    }

    /// Adds a denied request of a recognized key.
    pub(super) fn push_denial(
        &self,
        key: &Arc<Snapshot>,
        start: RequestStart,
        code: DenialCode,
        (meta, latency, status): (RequestMeta, Duration, u16),
    ) {
        let record = denials::denied(meta, latency, status);
        let is_full = self.is_full();
        let noted = key.live.with_tally(|tally| tally.note(start, code, record, is_full));
        match noted {
            Noted::Row(record) => self.push(Arc::clone(key), start, record),
            Noted::Counted { newly: true } => {
                self.counted.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(key));
            }
            Noted::Counted { newly: false } => {}
        }
    }

    /// Waits until a batch is full, or a request waits for room.
    pub(super) async fn batch_is_full(&self) {
        let wake = self.wake.listen();
        if !self.buffer.has_full_batch() {
            wake.await;
        }
    }

    /// Returns how many events are not recorded yet. Counted denials are included as one for each key, and not at all
    /// while a failed flush keeps them.
    pub(super) fn waiting(&self) -> usize {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner).len();
        self.buffer.len() + counted
    }

    fn take_counted(&self) -> Vec<Arc<Snapshot>> {
        std::mem::take(&mut self.counted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn capacity(&self) -> usize {
        self.options.capacity
    }

    /// Returns the failure of the latest flush. `None` means that the latest flush succeeded.
    pub(super) fn failure(&self) -> Option<FlushFailure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_result(&self, result: Result<(), &StoreError>) {
        let failure = result.err().map(|error| {
            self.observer.flush_failed(error);
            FlushFailure { at: self.clock.wall(), message: error.to_string() }
        });
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}
