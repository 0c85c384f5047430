use apikeys_core::{
    AuditEntry, AuditEvent, KeyId, KeyStore, MemoryStore, OrgId,
    id::{EventId, WriterId},
    key::KeyView,
    store::{
        AuditQuery, Batch, Change, Committed, Found, KeyQuery, OrgRow, Page, Recorded, StoreError,
        StoreErrorKind, StoreResult, UsagePoint, UsageQuery,
    },
    token::{Locator, Scheme},
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
impl KeyStore for SelectiveStore {
    async fn record(&self, batch: &Batch) -> StoreResult<Recorded> {
        if let Some(kind) = batch.events.iter().find_map(self.refuses) {
            return Err(StoreError::new(kind, "record"));
        }
        self.inner.record(batch).await
    }

    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<Found>> {
        self.inner.find(locators).await
    }

    async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
        let mut schemes = self.inner.schemes().await?;
        schemes.extend(self.scheme.clone());
        Ok(schemes)
    }

    async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>> {
        self.inner.org(org).await
    }

    async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>> {
        self.inner.key(org, key).await
    }

    async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>> {
        self.inner.keys(query).await
    }

    async fn commit(&self, change: &Change) -> StoreResult<Committed> {
        self.inner.commit(change).await
    }

    async fn open_writer(&self, writer: WriterId) -> StoreResult<()> {
        self.inner.open_writer(writer).await
    }

    async fn audit(&self, query: &AuditQuery) -> StoreResult<Page<AuditEntry, EventId>> {
        self.inner.audit(query).await
    }

    async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>> {
        self.inner.usage(query).await
    }
}
