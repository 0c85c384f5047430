//! Implementations of `KeyStore` for pointers to a store.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    AuditQuery, Batch, Change, Coherence, CommitOutcome, FoundKey, KeyQuery, KeyStore, KeyView, OrgRow, Page,
    PurgeProgress, RecordOutcome, StoreResult, UsagePoint, UsageQuery, Warnings,
};
use crate::{
    audit::AuditEntry,
    id::{EventId, KeyId, OrgId, WriterId},
    token::{Locator, Scheme},
};

macro_rules! delegate {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        #[async_trait]
        impl<S: KeyStore + ?Sized> KeyStore for $pointer<S> {
            async fn find(&self, locators: &[Locator]) -> StoreResult<Option<FoundKey>> {
                (**self).find(locators).await
            }

            async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
                (**self).schemes().await
            }

            async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>> {
                (**self).org(org).await
            }

            async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>> {
                (**self).key(org, key).await
            }

            async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>> {
                (**self).keys(query).await
            }

            async fn commit(&self, change: &Change) -> StoreResult<CommitOutcome> {
                (**self).commit(change).await
            }

            async fn open_writer(&self, writer: WriterId) -> StoreResult<()> {
                (**self).open_writer(writer).await
            }

            async fn record(&self, batch: &Batch) -> StoreResult<RecordOutcome> {
                (**self).record(batch).await
            }

            async fn audit(&self, query: &AuditQuery) -> StoreResult<Page<AuditEntry, EventId>> {
                (**self).audit(query).await
            }

            async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>> {
                (**self).usage(query).await
            }

            async fn purge(&self, max_rows: u32) -> StoreResult<PurgeProgress> {
                (**self).purge(max_rows).await
            }

            fn warnings(&self) -> Option<&dyn Warnings> {
                (**self).warnings()
            }

            fn coherence(&self) -> Option<&dyn Coherence> {
                (**self).coherence()
            }
        }
    };
}

delegate!(Arc);
delegate!(Box);
