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

/// A store that never takes some events, as one whose column is too short for them.
#[derive(Debug, Clone)]
pub(crate) struct Picky {
    pub(crate) inner: MemoryStore,
    pub(crate) refuses: fn(&AuditEvent) -> bool,
}

#[async_trait::async_trait]
impl KeyStore for Picky {
    async fn record(&self, batch: &Batch) -> StoreResult<Recorded> {
        if batch.events.iter().any(self.refuses) {
            return Err(StoreError::new(StoreErrorKind::Rejected, "record"));
        }
        self.inner.record(batch).await
    }

    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<Found>> {
        self.inner.find(locators).await
    }

    async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
        self.inner.schemes().await
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
