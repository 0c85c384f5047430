//! A store in memory, for tests and first steps.

mod change_log;
mod coherence;
mod commit;
mod purge;
mod record;
mod state;
mod warnings;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use event_listener::Event;

use self::state::State;
use crate::{
    Timestamp,
    audit::AuditEntry,
    id::{ClaimId, EventId, InstanceId, KeyId, OrgId, WriterId},
    store::{
        AuditQuery, Batch, BehindInstance, Change, ClaimedWarnings, Coherence, CommitOutcome, FinishOutcome,
        FinishedWarning, FoundKey, KeyQuery, KeyStore, KeyView, OrgRow, Page, Polled, PurgeProgress,
        RecordOutcome, Revision, StoreResult, UsagePoint, UsageQuery, WarningClaim, Warnings,
    },
    token::{Locator, Scheme},
};

/// A [`KeyStore`] in memory, for tests and first steps. All data is lost when the process ends.
///
/// Clones share the data, so that a test can run several instances on one store. Each call holds
/// one lock from beginning to end, which makes the call a transaction.
///
/// ```
/// use apikeys_core::{MemoryStore, OrgId, store::KeyStore};
///
/// # pollster::block_on(async {
/// let store = MemoryStore::new();
/// assert_eq!(store.org(&OrgId::new("org_1")?).await?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    /// Notified after each commit.
    committed: Arc<Event>,
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the lock, even if it is poisoned. This is safe because every write makes its checks before it
    /// changes anything, so that a panic leaves no incomplete change.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows how many rows are stored, but no values.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("MemoryStore")
            .field("organizations", &state.orgs.values().filter(|org| org.plan.is_some()).count())
            .field("keys", &state.keys.len())
            .field("secrets", &state.secrets.len())
            .field("events", &state.events())
            .field("revision", &state.changes.revision().0)
            .finish()
    }
}

#[async_trait]
impl KeyStore for MemoryStore {
    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<FoundKey>> {
        self.lock().find(locators)
    }

    async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
        Ok(self.lock().schemes.keys().cloned().collect())
    }

    async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>> {
        Ok(self.lock().org(org))
    }

    async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>> {
        let state = self.lock();
        Ok(state.key(org, key).and_then(|key| state.view(key)))
    }

    async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>> {
        Ok(self.lock().keys(query))
    }

    async fn commit(&self, change: &Change) -> StoreResult<CommitOutcome> {
        let outcome = self.lock().commit(change);
        self.committed.notify(usize::MAX);
        outcome
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

    async fn purge(&self, max_rows: u32) -> StoreResult<PurgeProgress> {
        Ok(self.lock().purge(max_rows))
    }

    fn warnings(&self) -> Option<&dyn Warnings> {
        Some(self)
    }

    fn coherence(&self) -> Option<&dyn Coherence> {
        Some(self)
    }
}

#[async_trait]
impl Coherence for MemoryStore {
    async fn register(&self, instance: InstanceId, lease: Duration) -> StoreResult<Revision> {
        Ok(self.lock().register(instance, lease))
    }

    async fn poll(&self, instance: InstanceId, applied: Revision) -> StoreResult<Polled> {
        Ok(self.lock().poll(instance, applied))
    }

    async fn acknowledge(&self, instance: InstanceId, applied: Revision) -> StoreResult<bool> {
        Ok(self.lock().acknowledge(instance, applied))
    }

    async fn behind(&self, revision: Revision) -> StoreResult<Vec<BehindInstance>> {
        Ok(self.lock().behind(revision))
    }

    async fn fence(&self, instances: &[InstanceId], revision: Revision) -> StoreResult<()> {
        self.lock().fence(instances, revision);
        Ok(())
    }

    async fn leave(&self, instance: InstanceId) -> StoreResult<()> {
        self.lock().instances.remove(&instance);
        Ok(())
    }

    async fn revision(&self) -> StoreResult<Revision> {
        Ok(self.lock().changes.revision())
    }

    async fn hint(&self, applied: Revision) -> StoreResult<()> {
        let committed = self.committed.listen();
        if self.lock().changes.revision() <= applied {
            committed.await;
        }
        Ok(())
    }
}

#[async_trait]
impl Warnings for MemoryStore {
    async fn claim(&self, claim: &WarningClaim) -> StoreResult<ClaimedWarnings> {
        Ok(self.lock().claim_warnings(claim))
    }

    async fn finish(&self, warning: &FinishedWarning) -> StoreResult<FinishOutcome> {
        self.lock().finish_warning(warning)
    }

    async fn postpone(&self, claim: ClaimId, key: KeyId, until: Timestamp) -> StoreResult<()> {
        self.lock().postpone_warning(claim, key, until);
        Ok(())
    }
}
