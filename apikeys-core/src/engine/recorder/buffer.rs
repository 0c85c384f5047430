use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    audit::RequestRecord,
    engine::{cache::Snapshot, request_start::RequestStart},
    shard::{Padded, own_shard, parts},
};

/// A finished request that is not recorded yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) start: RequestStart,
    pub(super) key: Arc<Snapshot>,
    pub(super) record: RequestRecord,
}

/// The requests that are not recorded yet. The buffer has several lists, so that threads rarely wait for each
/// other.
#[derive(Debug)]
pub(super) struct Buffer {
    shards: Box<[Padded<Mutex<Vec<Pending>>>]>,
    /// The number of requests that are not recorded yet, including the requests that a flush has taken.
    waiting: AtomicUsize,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self { shards: parts(), waiting: AtomicUsize::new(0) }
    }

    /// Adds a request. Returns the number of requests that are not recorded yet.
    pub(super) fn push(&self, pending: Pending) -> usize {
        // The request is counted first, because a flush may take it and subtract it at once.
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(shard) = self.shards.get(own_shard()) {
            shard.0.lock().unwrap_or_else(PoisonError::into_inner).push(pending);
        }
        waiting
    }

    /// Takes all requests, in the order in which they began. The requests are still counted until
    /// [`recorded`](Self::recorded) is called.
    pub(super) fn take(&self) -> Vec<Pending> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.append(&mut shard.0.lock().unwrap_or_else(PoisonError::into_inner));
        }
        all.sort_unstable_by_key(|pending| pending.start.tick.order());
        all
    }

    /// Subtracts requests that have been recorded.
    pub(super) fn recorded(&self, events: usize) {
        self.waiting.fetch_sub(events, Ordering::SeqCst);
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }
}
