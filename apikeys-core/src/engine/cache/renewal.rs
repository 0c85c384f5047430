use std::{
    sync::{
        PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    future::{Either, select},
    stream::{FuturesUnordered, StreamExt},
};

use super::{Cache, Moment};
use crate::{
    clock::Sleep,
    engine::{inner::Inner, timeout::within},
    id::InstanceId,
    store::{Coherence, Polled, Revision, StoreResult},
};

/// The highest number of polls that wait for an answer at the same time. A poll begins every quarter of the lease, and
/// an answer that takes as long as the lease is useless.
const POLLS: usize = 4;

/// Registers the instance and extends its lease again and again. If the engine has no cache, waits forever.
pub(in crate::engine) async fn renewal_loop(inner: &Inner) {
    let (Some(coherence), Some(length)) = (inner.store.coherence(), inner.cache.lease_length) else {
        return std::future::pending().await;
    };
    let renewal = Renewal { inner, cache: &inner.cache, coherence, length };
    loop {
        match renewal.register().await {
            Ok(registration) => renewal.poll_while_registered(&registration).await,
            Err(error) => {
                inner.observer.store_failed(&error);
                inner.clock.sleep(length / 16).await;
            }
        }
        // The store may have the row, even if the answer to the registration was lost.
        renewal.leave().await;
    }
}

/// A registration of this instance in the store.
struct Registration {
    instance: InstanceId,
    /// The instance has applied and acknowledged all changes up to this revision.
    applied: AtomicU64,
}

impl Registration {
    fn applied(&self) -> Revision {
        Revision(self.applied.load(Ordering::SeqCst))
    }
}

struct Renewal<'a> {
    inner: &'a Inner,
    cache: &'a Cache,
    coherence: &'a dyn Coherence,
    length: Duration,
}

impl Renewal<'_> {
    /// Registers the instance under a new id, and begins its lease.
    async fn register(&self) -> StoreResult<Registration> {
        let asked = Moment::now(&*self.inner.clock);
        let instance = InstanceId::from_bytes(self.inner.fresh_id());
        *self.cache.registered.lock().unwrap_or_else(PoisonError::into_inner) = Some(instance);
        let applied = self.ask("register", self.coherence.register(instance, self.length)).await?;
        // Changes before the registration did not wait for this instance, so its snapshots may be older than a change.
        self.cache.evictions.evict_everything();
        self.cache.lease.extend(asked, self.length);
        Ok(Registration { instance, applied: AtomicU64::new(applied.0) })
    }

    /// Polls every quarter of the lease, or earlier if the store hints at a change. Returns when the instance must register
    /// again.
    ///
    /// A poll does not wait for the answers to earlier polls. If each answer takes half of the lease, the lease
    /// therefore does not end.
    async fn poll_while_registered(&self, registration: &Registration) {
        let mut polls = FuturesUnordered::new();
        // A store may need a connection for each poll, and a slow store takes long to open a connection. As many polls as
        // can wait at the same time make the store open the connections now.
        polls.extend((0..POLLS).map(|_| self.poll_once(registration)));
        loop {
            let mut quarter = self.inner.clock.sleep(self.length / 4);
            loop {
                // While a poll waits for its answer, no hint is needed, because the poll may find the change itself.
                let Some(answered) = (!polls.is_empty()).then(|| polls.next()) else {
                    self.hint(registration.applied(), quarter).await;
                    break;
                };
                match select(answered, &mut quarter).await {
                    Either::Left((Some(Ok(false)), _)) => return,
                    Either::Left((Some(Err(error)), _)) => self.inner.observer.store_failed(&error),
                    Either::Left((Some(Ok(true)) | None, _)) => {}
                    Either::Right(_) => break,
                }
            }
            if polls.len() < POLLS {
                polls.push(self.poll_once(registration));
            }
        }
    }

    /// Waits until the store may have a later revision than `applied`, or until `end`.
    async fn hint(&self, applied: Revision, end: Sleep) {
        match select(self.coherence.hint(applied), end).await {
            Either::Left((Err(error), end)) => {
                self.inner.observer.store_failed(&error);
                end.await;
            }
            Either::Left((Ok(()), _)) | Either::Right(_) => {}
        }
    }

    /// Polls the store. After an error, this method waits before it returns, so that polls do not follow each other
    /// without a pause.
    async fn poll_once(&self, registration: &Registration) -> StoreResult<bool> {
        let answer = self.poll(registration).await;
        if answer.is_err() {
            self.inner.clock.sleep(self.length / 16).await;
        }
        answer
    }

    /// Asks the store for new changes, evicts the changed keys, acknowledges the changes, and then extends the lease.
    /// Returns `false` if the instance must register again.
    async fn poll(&self, registration: &Registration) -> StoreResult<bool> {
        let asked = Moment::now(&*self.inner.clock);
        let (instance, applied) = (registration.instance, registration.applied());
        let Polled { registered, revision, changes } =
            self.ask("poll", self.coherence.poll(instance, applied)).await?;
        let (true, Some(changes)) = (registered, changes) else { return Ok(false) };
        // Another poll may have found and acknowledged the same changes meanwhile.
        if revision > registration.applied() {
            for changed in &changes {
                self.cache.evict(changed);
            }
            if !self.ask("acknowledge", self.coherence.acknowledge(instance, revision)).await? {
                return Ok(false);
            }
            registration.applied.fetch_max(revision.0, Ordering::SeqCst);
        }
        self.cache.lease.extend(asked, self.length);
        Ok(true)
    }

    /// Ends the lease and evicts everything. Removes the row of the instance if the row still exists, so that changes
    /// do not wait for this instance.
    async fn leave(&self) {
        if let Some(instance) = self.cache.reset()
            && let Err(error) = self.ask("leave", self.coherence.leave(instance)).await
        {
            // If the row remains, the next change waits as long as a lease, and then removes the row.
            self.inner.observer.store_failed(&error);
        }
    }

    /// Waits for the store's answer for no longer than the store timeout and the length of the lease. A later answer
    /// would be useless.
    async fn ask<T>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        let longest = self.inner.store_timeout.limit().min(self.length);
        within(&*self.inner.clock, longest, operation, answer).await
    }
}

impl Inner {
    /// Stops using the cache and removes the row of this instance, so that changes of other instances do not wait for
    /// this instance.
    pub(in crate::engine) async fn leave(&self) {
        if let (Some(coherence), Some(length)) = (self.store.coherence(), self.cache.lease_length) {
            Renewal { inner: self, cache: &self.cache, coherence, length }.leave().await;
        }
    }
}
