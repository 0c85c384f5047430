use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use super::RecorderOptions;
use crate::{
    audit::RequestRecord,
    engine::{cache::Snapshot, request_start::RequestStart},
    shard::{Padded, SHARDS, own_shard, parts},
};

/// The highest number of requests that a list counts for itself.
const MAX_UNCOUNTED: usize = 16;

/// A finished request that is not recorded yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) start: RequestStart,
    pub(super) key: Arc<Snapshot>,
    pub(super) record: RequestRecord,
}

/// The requests that are not recorded yet. The buffer has several lists, so that threads rarely wait for each
/// other.
///
/// For the same reason, a list adds its requests to the common count only when it has several of them. The buffer is
/// full when that count, together with the most that all lists can have beside it, reaches the capacity. With a small
/// capacity or batch size, each request is counted at once.
#[derive(Debug)]
pub(super) struct Buffer {
    lists: Box<[Padded<Mutex<List>>]>,
    /// The number of counted requests that are not recorded yet, including the requests that a flush has taken.
    counted: AtomicUsize,
    /// The number of requests that a list adds to the count together.
    step: usize,
    /// The count at which the buffer is full.
    full: usize,
    /// The count at which a batch is full.
    batch: usize,
}

#[derive(Debug, Default)]
struct List {
    requests: Vec<Pending>,
    /// The number of the list's latest requests that are not in the count.
    uncounted: usize,
}

impl Buffer {
    pub(super) fn new(options: &RecorderOptions) -> Self {
        let RecorderOptions { capacity, batch_size, .. } = *options;
        let step = (capacity.min(batch_size) / (4 * SHARDS)).clamp(1, MAX_UNCOUNTED);
        let most_uncounted = SHARDS * (step - 1);
        Self {
            lists: parts(),
            counted: AtomicUsize::new(0),
            step,
            full: capacity - most_uncounted,
            batch: batch_size - most_uncounted,
        }
    }

    /// Adds a request. Returns whether a batch or the buffer has just become full.
    pub(super) fn push(&self, pending: Pending) -> bool {
        let Some(list) = self.lists.get(own_shard()) else { return false };
        let mut list = list.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.requests.push(pending);
        list.uncounted += 1;
        if list.uncounted < self.step {
            return false;
        }
        let added = std::mem::take(&mut list.uncounted);
        // A flush can take the request, and subtract it, only after the list is unlocked.
        let before = self.counted.fetch_add(added, Ordering::SeqCst);
        [self.batch, self.full].iter().any(|full| (before..before + added).contains(&(full - 1)))
    }

    /// Adds all requests to `all`, which is empty, in the order in which they began. The requests are still counted until
    /// [`recorded`](Self::recorded) is called.
    pub(super) fn take(&self, all: &mut Vec<Pending>) {
        for mut list in self.locked() {
            all.append(&mut list.requests);
            self.counted.fetch_add(std::mem::take(&mut list.uncounted), Ordering::SeqCst);
            // Gives back the memory of a time when the store was slow.
            list.requests.shrink_to(self.batch.saturating_mul(2));
        }
        // Each list is nearly in order. A stable sort only merges such lists.
        all.sort_by_key(|pending| pending.start.tick.order());
    }

    /// Subtracts requests that have been recorded.
    pub(super) fn recorded(&self, requests: usize) {
        self.counted.fetch_sub(requests, Ordering::SeqCst);
    }

    pub(super) fn is_full(&self) -> bool {
        self.counted.load(Ordering::SeqCst) >= self.full
    }

    pub(super) fn has_full_batch(&self) -> bool {
        self.counted.load(Ordering::SeqCst) >= self.batch
    }

    /// Returns the number of requests that are not recorded yet. A request that is added to the count meanwhile may be
    /// counted twice, but none is left out.
    pub(super) fn len(&self) -> usize {
        let uncounted: usize = self.locked().map(|list| list.uncounted).sum();
        self.counted.load(Ordering::SeqCst) + uncounted
    }

    fn locked(&self) -> impl Iterator<Item = MutexGuard<'_, List>> {
        self.lists.iter().map(|list| list.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
