use std::sync::{Mutex, MutexGuard, PoisonError};

use apikeys_core::{
    audit::AuditEntry,
    id::{EventId, KeyId, OrgId, WriterId},
    store::{
        AuditQuery, Batch, Change, CommitOutcome, FoundKey, KeyQuery, KeyStore, KeyView, OrgRow, Page,
        RecordOutcome, StoreResult, UsagePoint, UsageQuery,
    },
    token::{Locator, Scheme},
};
use async_trait::async_trait;

use crate::data::Data;

/// A store in memory. All data is lost when the process ends.
///
/// Every method takes the lock once and holds it until the end. The methods are therefore transactions: each is applied
/// completely or not at all, and no other method sees a part of it. The methods never wait for anything while
/// they hold the lock, so that a future that is dropped leaves nothing unfinished.
#[derive(Debug, Default)]
pub struct MapStore {
    data: Mutex<Data>,
}

impl MapStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the lock. A panic while the lock was held has changed nothing, because all checks precede all writes.
    fn lock(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl KeyStore for MapStore {
    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<FoundKey>> {
        Ok(self.lock().find(locators))
    }

    async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
        Ok(self.lock().schemes.keys().cloned().collect())
    }

    async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>> {
        Ok(self.lock().orgs.get(org).cloned())
    }

    async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>> {
        let data = self.lock();
        Ok(data.key(org, key).and_then(|key| data.view(key)))
    }

    async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>> {
        Ok(self.lock().keys(query))
    }

    async fn commit(&self, change: &Change) -> StoreResult<CommitOutcome> {
        self.lock().commit(change)
    }

    async fn open_writer(&self, writer: WriterId) -> StoreResult<()> {
        self.lock().writers.entry(writer).or_default();
        Ok(())
    }

    async fn record(&self, batch: &Batch) -> StoreResult<RecordOutcome> {
        self.lock().record(batch)
    }

    async fn audit(&self, query: &AuditQuery) -> StoreResult<Page<AuditEntry, EventId>> {
        Ok(self.lock().audit(query))
    }

    async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>> {
        Ok(self.lock().usage(query))
    }
}
