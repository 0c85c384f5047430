use std::{sync::PoisonError, time::Duration};

use futures_util::future::{Either, select};

use super::{Cache, Moment};
use crate::{
    engine::{inner::Inner, timeout::within},
    id::InstanceId,
    store::{Coherence, Polled, Revision, StoreResult},
};

/// How an instance is registered.
#[derive(Debug, Clone, Copy)]
struct Registration {
    instance: InstanceId,
    /// All changes up to this revision are evicted and acknowledged.
    applied: Revision,
}

/// Registers the instance, and extends its lease again and again. If the cache is not used, waits forever.
pub(in crate::engine) async fn renewal_loop(inner: &Inner) {
    let (Some(coherence), Some(length)) = (inner.store.coherence(), inner.cache.lease_length) else {
        return std::future::pending().await;
    };
    let renewal = Renewal { inner, cache: &inner.cache, coherence, length };
    let mut registration = None;
    loop {
        match renewal.renew(registration).await {
            Ok(Some(renewed)) => {
                registration = Some(renewed);
                renewal.wait(renewed.applied, length / 4).await;
            }
            Ok(None) => {
                renewal.leave().await;
                registration = None;
            }
            Err(error) => {
                inner.observer.store_failed(&error);
                if registration.is_none() {
                    // The store may have the row although the answer was lost.
                    renewal.leave().await;
                }
                inner.clock.sleep(length / 16).await;
            }
        }
    }
}

struct Renewal<'a> {
    inner: &'a Inner,
    cache: &'a Cache,
    coherence: &'a dyn Coherence,
    length: Duration,
}

impl Renewal<'_> {
    /// Extends the lease once, after all new changes were evicted and acknowledged. Returns `None` if the instance must
    /// register again.
    async fn renew(&self, registration: Option<Registration>) -> StoreResult<Option<Registration>> {
        let asked = Moment::now(&*self.inner.clock);
        let Some(Registration { instance, applied }) = registration else {
            return self.register(asked).await.map(Some);
        };
        let Polled { registered, revision, changes } =
            self.ask("poll", self.coherence.poll(instance, applied)).await?;
        let (true, Some(changes)) = (registered, changes) else { return Ok(None) };
        if revision != applied {
            for changed in &changes {
                self.cache.evict(changed);
            }
            if !self.ask("acknowledge", self.coherence.acknowledge(instance, revision)).await? {
                return Ok(None);
            }
        }
        self.cache.lease.extend(asked, self.length);
        Ok(Some(Registration { instance, applied: revision }))
    }

    async fn register(&self, asked: Moment) -> StoreResult<Registration> {
        let instance = InstanceId::from_bytes(self.inner.fresh_id());
        *self.cache.registered.lock().unwrap_or_else(PoisonError::into_inner) = Some(instance);
        let applied = self.ask("register", self.coherence.register(instance, self.length)).await?;
        // No change waited for this instance before.
        self.cache.evictions.evict_everything();
        self.cache.lease.extend(asked, self.length);
        Ok(Registration { instance, applied })
    }

    /// Forgets everything. Removes the row of the instance if it still exists, so that changes do not wait for it.
    async fn leave(&self) {
        if let Some(instance) = self.cache.reset()
            && let Err(error) = self.ask("leave", self.coherence.leave(instance)).await
        {
            // A change waits until the lease has ended, and then removes the row.
            self.inner.observer.store_failed(&error);
        }
    }

    /// Waits until the store may have a later revision than `applied`, but not longer than `longest`.
    async fn wait(&self, applied: Revision, longest: Duration) {
        let sleep = self.inner.clock.sleep(longest);
        match select(self.coherence.hint(applied), sleep).await {
            Either::Left((Err(error), sleep)) => {
                self.inner.observer.store_failed(&error);
                sleep.await;
            }
            Either::Left((Ok(()), _)) | Either::Right(_) => {}
        }
    }

    /// Waits for the store's answer, but not longer than the lease. A later answer would be useless.
    async fn ask<T>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        let longest = self.inner.options.store_timeout.min(self.length);
        within(&*self.inner.clock, longest, operation, answer).await
    }
}

impl Inner {
    /// Stops using the cache, and removes the row of the instance, so that changes of other instances do not wait for it.
    pub(in crate::engine) async fn leave(&self) {
        if let (Some(coherence), Some(length)) = (self.store.coherence(), self.cache.lease_length) {
            Renewal { inner: self, cache: &self.cache, coherence, length }.leave().await;
        }
    }
}
