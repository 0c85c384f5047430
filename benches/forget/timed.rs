use apikeys_core::{
    AuditEntry, KeyId, KeyStore, OrgId,
    id::{EventId, WriterId},
    key::KeyView,
    store::{
        AuditQuery, Batch, Change, Committed, Found, KeyQuery, OrgRow, Page, Purged, Recorded, StoreResult,
        UsagePoint, UsageQuery,
    },
    token::{Locator, Scheme},
};
use async_trait::async_trait;

use super::{Instant, SqliteStore, Times, push};

/// A store that measures how long `record` takes.
#[derive(Debug)]
pub(super) struct Timed {
    inner: SqliteStore,
    times: Times,
}

impl Timed {
    pub(super) fn new(inner: SqliteStore, times: Times) -> Self {
        Self { inner, times }
    }
}

#[async_trait]
impl KeyStore for Timed {
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

    async fn record(&self, batch: &Batch) -> StoreResult<Recorded> {
        let began = Instant::now();
        let recorded = self.inner.record(batch).await;
        push(&self.times, began.elapsed());
        recorded
    }

    async fn audit(&self, query: &AuditQuery) -> StoreResult<Page<AuditEntry, EventId>> {
        self.inner.audit(query).await
    }

    async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>> {
        self.inner.usage(query).await
    }

    async fn purge(&self, max_rows: u32) -> StoreResult<Purged> {
        self.inner.purge(max_rows).await
    }
}
