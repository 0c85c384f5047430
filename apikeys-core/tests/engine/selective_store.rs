use apikeys_core::{
    AuditEvent, KeyStore, MemoryStore,
    conformance::faults::Interceptor,
    store::{Batch, RecordOutcome, StoreError, StoreErrorKind, StoreResult},
    token::Scheme,
};

/// A store that fails to record some events, such as those that do not fit its columns.
#[derive(Debug, Clone)]
pub(crate) struct SelectiveStore {
    pub(crate) inner: MemoryStore,
    /// Returns the error for a batch with this event, or `None` if the event can be recorded.
    pub(crate) refuses: fn(&AuditEvent) -> Option<StoreErrorKind>,
    /// A scheme that the store returns in addition to the schemes of its secrets.
    pub(crate) scheme: Option<Scheme>,
}

#[async_trait::async_trait]
impl Interceptor for SelectiveStore {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.inner
    }

    async fn record(&self, batch: &Batch) -> StoreResult<RecordOutcome> {
        if let Some(kind) = batch.events.iter().find_map(self.refuses) {
            return Err(StoreError::new(kind, "record"));
        }
        self.inner.record(batch).await
    }

    async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
        let mut schemes = self.inner.schemes().await?;
        schemes.extend(self.scheme.clone());
        Ok(schemes)
    }
}
