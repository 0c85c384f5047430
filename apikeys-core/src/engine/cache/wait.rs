use std::time::Duration;

use crate::{
    engine::inner::Inner,
    id::InstanceId,
    store::{Changed, Coherence, Revision, StoreError, StoreErrorKind, StoreResult},
};

/// The first pause before the store is asked again which instances have not applied the change. Each pause is twice as
/// long as the pause before it, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Evicts the changed key or organization from the cache of this instance when the value is dropped. A call that makes
/// a change holds this value while it waits for the store's answer. The eviction therefore follows the answer, and
/// happens also after an error and when the call is dropped.
#[derive(Debug)]
pub(in crate::engine) struct OwnEviction<'a> {
    inner: &'a Inner,
    changed: Changed,
}

impl<'a> OwnEviction<'a> {
    pub(in crate::engine) const fn new(inner: &'a Inner, changed: Changed) -> Self {
        Self { inner, changed }
    }
}

impl Drop for OwnEviction<'_> {
    fn drop(&mut self) {
        self.inner.cache.evict(&self.changed);
    }
}

impl Inner {
    /// Waits until no instance can use a state from before `revision`. Call this method after the store has answered
    /// the commit and the changed key or organization was evicted from the cache of this instance.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails in every attempt. The change is committed nevertheless. Another instance may
    /// use the older state until its lease ends or its next poll succeeds.
    pub(in crate::engine) async fn wait_for_instances(&self, revision: Revision) -> StoreResult<()> {
        let Some(coherence) = self.store.coherence() else { return Ok(()) };
        let committed = self.clock.monotonic();
        let mut pause = FIRST_PAUSE;
        loop {
            let own = self.cache.registered();
            let behind =
                self.persist("behind", || coherence.behind(revision)).await.map_err(possibly_made)?;
            let others = behind.into_iter().filter(|behind| Some(behind.instance) != own);
            let waited = self.clock.monotonic().saturating_since(committed);
            let mut ended: Vec<InstanceId> = Vec::new();
            let mut next_end = None;
            for other in others {
                // The additional 1 % is for clocks that run at different speeds.
                let longest = other.lease.saturating_add(other.lease / 100);
                if waited > longest {
                    ended.push(other.instance);
                } else {
                    let left = longest - waited + Duration::from_micros(1);
                    next_end = Some(next_end.map_or(left, |end: Duration| end.min(left)));
                }
            }
            if !ended.is_empty() {
                self.persist("fence", || coherence.fence(&ended, revision)).await.map_err(possibly_made)?;
            } else if let Some(next_end) = next_end {
                self.clock.sleep(pause.min(next_end)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            } else {
                return Ok(());
            }
        }
    }

    /// Evicts the key or organization in `changed` from the cache of this instance, and waits until no instance can use
    /// a state from before the latest revision. Call this method if there was nothing to change, because another call
    /// may have made the same change and may still be waiting.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`wait_for_instances`](Self::wait_for_instances).
    pub(in crate::engine) async fn wait_for_latest(&self, changed: Changed) -> StoreResult<()> {
        drop(OwnEviction::new(self, changed));
        let Some(coherence) = self.store.coherence() else { return Ok(()) };
        let revision =
            self.persist("revision", || Coherence::revision(coherence)).await.map_err(possibly_made)?;
        self.wait_for_instances(revision).await
    }
}

/// Returns the error of a wait. Its kind is always `Unavailable`, because the other kinds tell the caller that nothing
/// was changed.
fn possibly_made(error: StoreError) -> StoreError {
    match error.kind() {
        StoreErrorKind::Unavailable => error,
        _ => StoreError::new(StoreErrorKind::Unavailable, error.operation()).with_source(error),
    }
}
