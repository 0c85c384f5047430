use std::{
    cell::Cell,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    audit::RequestRecord,
    engine::request_start::RequestStart,
    id::{KeyId, OrgId},
};

const SHARDS: usize = 16;

/// A finished request that is not recorded yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) start: RequestStart,
    pub(super) org: OrgId,
    pub(super) key: KeyId,
    pub(super) record: RequestRecord,
}

/// The requests that are not recorded yet. The buffer has several lists, so that threads rarely wait for each
/// other.
#[derive(Debug)]
pub(super) struct Buffer {
    shards: Vec<Shard>,
    /// The number of requests that are not recorded yet, including the requests that a flush has taken.
    waiting: AtomicUsize,
}

/// Each list has its own cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Vec<Pending>>);

impl Buffer {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect(), waiting: AtomicUsize::new(0) }
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
        all.sort_unstable_by_key(|pending| pending.start.id);
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

fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    }
    OWN.with(Cell::get)
}
