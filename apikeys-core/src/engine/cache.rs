//! Keeps keys in memory, so that a request with a cached key needs no read from the store. When a method that changes a
//! key returns, no instance uses the old state of the key any more.
//!
//! The cache holds a *snapshot* of each secret that was read: its key, and the plan of the key's organization. To
//! *evict* a key or an organization means to make all its snapshots invalid.
//!
//! The engine of each instance *registers* in the store ([`Coherence`](crate::store::Coherence)) and then polls the
//! store for changes ([`renewal`]). The instance evicts what has changed, *acknowledges* the changes in the store, and
//! then extends its *lease*, which is the time for which it may use its cache ([`lease`]). A method that makes a change
//! commits the change and evicts the key from the cache of its own instance. Then it waits for each other registered
//! instance until that instance has acknowledged the change, or until the lease of that instance has surely ended
//! ([`wait`]).
//!
//! # Why no verification uses an older state
//!
//! Let a change be committed under the revision *r*. Let a verification begin on another instance after the call that
//! made the change has returned. Assume that the verification uses a snapshot from before the change. The verification
//! found that the lease lasts, *before* it looked into the cache. The store answered the poll or registration that last
//! extended this lease either after the commit or before it.
//!
//! - *After the commit:* The answer to a poll contained *r*, unless the instance had applied *r* already. In both
//!   cases, the instance evicted the key before it acknowledged *r*, and acknowledged *r* before it extended the lease.
//!   After a registration, the instance evicts everything before it extends the lease. So the snapshot was invalid
//!   before the verification looked into the cache. A snapshot whose read began before the eviction is invalid even if
//!   it is added to the cache later ([`evictions`]).
//! - *Before the commit:* The lease counts from the moment before the poll was sent, so it ended at most one lease
//!   after the commit. If the instance acknowledged *r* before the call returned, it evicted the key before that, as in
//!   the first case. If the row of the instance was removed, the lease had ended by then. Otherwise, the call waited
//!   until more than 101 % of the length of the lease had passed *since the commit was answered*. The additional 1 % is
//!   for clocks that run at different speeds. So the lease had ended before the verification began, although the
//!   verification found that it lasts.
//!
//! A call *fences* an instance that has not acknowledged a change, when the lease of that instance has ended: the call
//! removes the row of the instance, so that later calls do not wait. The instance notices the missing row at its next
//! poll or acknowledgement, and does not extend its lease. It evicts everything and registers again under a new id, so
//! that a delayed acknowledgement under the old id does nothing.
//!
//! The instance that makes a change evicts the key when the store has answered, also if the answer is an error, and
//! when the call is dropped. If the commit takes effect even later, the call has not returned a success. If the caller
//! repeats the call and there is nothing left to change, the repeated call evicts and waits like the first one.
//!
//! `apikeys-core/tests/coherence` simulates these rules with random delays, failures and clocks. It also breaks each
//! rule on purpose, to show that the simulation finds the mistake.

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
    /// The id under which this instance is registered or is being registered.
    registered: Mutex<Option<InstanceId>>,
}

impl Cache {
    /// Creates an empty cache. If `lease_length` is `None`, the cache stays empty.
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

    /// Adds a snapshot to the cache if the lease lasts at `now` and the snapshot is valid.
    pub(super) fn insert(&self, snapshot: &Arc<Snapshot>, now: Moment) {
        if self.lease.lasts(now) && self.is_valid(snapshot) {
            self.snapshots.insert(Arc::clone(snapshot));
        }
    }

    /// Makes the snapshots of a changed key or organization invalid.
    pub(super) fn evict(&self, changed: &Changed) {
        self.evictions.evict(changed);
    }

    /// Removes the snapshots that are invalid, and the snapshots of keys without an admitted request in the last
    /// minute. Calls `pause` again and again, so that other tasks can run.
    pub(super) async fn sweep<P: Future>(&self, now: Moment, pause: impl Fn() -> P) {
        let keep = |snapshot: &Snapshot| {
            self.is_valid(snapshot) && (snapshot.take_used() || !snapshot.live.window.is_idle(now.monotonic))
        };
        self.snapshots.retain(keep, pause).await;
    }

    /// Returns the number of snapshots, including invalid ones that are not yet removed.
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

    /// Returns the id under which this instance is registered or is being registered.
    pub(super) fn registered(&self) -> Option<InstanceId> {
        *self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the lease and makes all snapshots invalid, because the instance registers again or shuts down. Returns the
    /// id under which the instance was registered.
    fn reset(&self) -> Option<InstanceId> {
        self.lease.end();
        self.evictions.evict_everything();
        self.registered.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
