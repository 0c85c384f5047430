use std::{
    cell::Cell,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    Timestamp,
    audit::RequestRecord,
    id::{KeyId, OrgId},
};

const SHARDS: usize = 16;

/// A request that waits for its place on the audit log. It gets its id there.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) at: Timestamp,
    pub(super) org: OrgId,
    pub(super) key: KeyId,
    pub(super) record: RequestRecord,
}

/// Requests that wait, in one list for each few threads: a push meets no other in its way.
#[derive(Debug)]
pub(super) struct Buffer {
    shards: Vec<Shard>,
    /// All that is not recorded yet, what a flush has taken included.
    waiting: AtomicUsize,
}

/// On a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Vec<Pending>>);

impl Buffer {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect(), waiting: AtomicUsize::new(0) }
    }

    /// Adds one; returns how many wait now.
    pub(super) fn push(&self, pending: Pending) -> usize {
        // Counted first: a flush may take it at once, and must not count it off before.
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(shard) = self.shards.get(own_shard()) {
            shard.0.lock().unwrap_or_else(PoisonError::into_inner).push(pending);
        }
        waiting
    }

    /// Takes all there are, in the order they began. They go on counting until
    /// [`recorded`](Self::recorded).
    pub(super) fn take(&self) -> Vec<Pending> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.append(&mut shard.0.lock().unwrap_or_else(PoisonError::into_inner));
        }
        all.sort_by_key(|pending| pending.at);
        all
    }

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
