//! Keeps keys in memory, so that a request with a cached key needs no read from the store, and forgets each changed key
//! before the change returns, on every instance.
//!
//! The engine of each instance *registers* in the store ([`Coherence`](crate::store::Coherence)) and then polls the
//! store for changes ([`renewal`]). Each successful poll extends the *lease* of the instance, which is the time for
//! which it may use its cache ([`lease`]). A method that makes a change commits it, evicts the key from its own cache,
//! and then waits for all other registered instances ([`wait`]): until they have acknowledged the change, or until
//! their leases have surely ended.
//!
//! # Why no verification uses an older state
//!
//! Let a change be committed under the revision *r*. Let a verification begin on another instance after the call of the
//! change has returned. Assume that the verification uses a snapshot from before the change. The verification found that
//! the lease lasts, *before* it looked into the cache. The poll or registration that last extended this lease was
//! answered by the store either after the commit or before it.
//!
//! - *After the commit:* The answer contained *r*. The instance evicted the key before it acknowledged *r*, and
//!   acknowledged *r* before it extended the lease. So the snapshot was evicted before the verification looked into the
//!   cache. A snapshot whose read began before the eviction stays invalid, even if it is added later ([`evictions`]).
//! - *Before the commit:* The lease counts from the moment before the poll was sent, so it ended at most one lease after
//!   the commit. The instance was registered before the commit and did not acknowledge *r* (or the first case applies).
//!   So the call of the change waited until more than the length of the lease and 1 % of it had passed *since the commit
//!   was answered*. The 1 % is for clocks that run at different speeds. The lease had ended before the verification
//!   began, which contradicts the check of the lease.
//!
//! An instance that registers after the commit reads all keys after the commit, because it evicts everything when it
//! has registered. A *fenced* instance, whose row was removed, notices that at its next poll or acknowledgement. It then
//! evicts everything and registers again under a new id, so that a delayed acknowledgement under the old id does nothing.
//!
//! The instance that makes a change evicts the key after the store has answered, whatever the answer is, and also if the
//! call is dropped. If the commit takes effect only after that, the caller has no answer yet. A repeated call, which may
//! find nothing left to change, evicts and waits like the first one.
//!
//! `tests/coherence` simulates this with random delays, failures and clocks, and shows that the simulation notices when
//! one of these rules is broken.

mod evictions;
mod lease;
mod number;
#[cfg(test)]
mod races;
mod renewal;
mod snapshot;
mod snapshots;
mod wait;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub(super) use self::{
    evictions::Epoch, lease::Moment, renewal::renewal_loop, snapshot::Snapshot, wait::OwnEviction,
};
use self::{evictions::Evictions, lease::Lease, snapshots::Snapshots};
use crate::{id::InstanceId, store::Changed, token::Fingerprint};

/// The keys in memory, and the time for which they may be used.
#[derive(Debug)]
pub(super) struct Cache {
    snapshots: Snapshots,
    evictions: Evictions,
    lease: Lease,
    /// The length of the lease. `None` means that the cache is not used.
    lease_length: Option<Duration>,
    /// The id under which this instance is registered.
    registered: Mutex<Option<InstanceId>>,
}

impl Cache {
    /// Creates a cache. If `lease_length` is `None`, the cache stays empty.
    pub(super) fn new(lease_length: Option<Duration>) -> Self {
        Self {
            snapshots: Snapshots::new(),
            evictions: Evictions::new(),
            lease: Lease::none(),
            lease_length,
            registered: Mutex::default(),
        }
    }

    /// Returns the snapshot of a secret for a verification that begins at `now`, or `None` if the store must be read.
    pub(super) fn get(&self, fingerprint: &Fingerprint, now: Moment) -> Option<Arc<Snapshot>> {
        // The lease is checked first, see `Lease::lasts`.
        if !self.lease.lasts(now) {
            return None;
        }
        self.snapshots.get(fingerprint).filter(|snapshot| self.is_valid(snapshot))
    }

    /// Returns the number of the latest eviction. Call this before the store is read.
    pub(super) fn epoch(&self) -> Epoch {
        self.evictions.now()
    }

    /// Adds a snapshot, unless the cache may not be used now.
    pub(super) fn insert(&self, fingerprint: Fingerprint, snapshot: &Arc<Snapshot>, now: Moment) {
        if self.lease.lasts(now) && self.is_valid(snapshot) {
            self.snapshots.insert(fingerprint, Arc::clone(snapshot));
        }
    }

    /// Makes the snapshots of a changed key or organization invalid.
    pub(super) fn evict(&self, changed: &Changed) {
        self.evictions.evict(changed);
    }

    /// Removes invalid snapshots, and those of keys without a request in the last minute. Calls `pause` again and again, so
    /// that other tasks can run.
    pub(super) async fn sweep<P: Future>(&self, now: Moment, pause: impl Fn() -> P) {
        let keep =
            |snapshot: &Snapshot| self.is_valid(snapshot) && !snapshot.live.window.is_idle(now.monotonic);
        self.snapshots.retain(keep, pause).await;
    }

    /// Returns the number of secrets in memory.
    pub(super) fn len(&self) -> usize {
        self.snapshots.len()
    }

    /// Returns whether the lease lasts at `now`.
    pub(super) fn is_used(&self, now: Moment) -> bool {
        self.lease.lasts(now)
    }

    fn is_valid(&self, snapshot: &Snapshot) -> bool {
        self.evictions.is_valid(snapshot.epoch, snapshot.slots)
    }

    /// Returns the id under which this instance is registered.
    fn registered(&self) -> Option<InstanceId> {
        *self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything, before the instance registers again or after its end. Returns the id under which the instance
    /// was registered.
    fn reset(&self) -> Option<InstanceId> {
        self.lease.end();
        self.evictions.evict_everything();
        self.registered.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
