//! Implements the core's traits for the stores.

/// Implements [`KeyStore`](apikeys_core::KeyStore), [`Warnings`](apikeys_core::store::Warnings) and
/// [`Coherence`](apikeys_core::store::Coherence) for a store that is a [`Backend`](crate::session::Backend).
macro_rules! key_store {
    ($store:ty) => {
        const _: () = {
            use std::time::Duration;

            use apikeys_core::{
                KeyId, OrgId, Timestamp,
                audit::AuditEntry,
                id::{ClaimId, EventId, InstanceId, WriterId},
                store::{
                    AuditQuery, Batch, BehindInstance, Change, ClaimedWarnings, Coherence, CommitOutcome,
                    FinishOutcome, FinishedWarning, FoundKey, KeyQuery, KeyStore, KeyView, OrgRow, Page,
                    Polled, PurgeProgress, RecordOutcome, Revision, StoreResult, UsagePoint, UsageQuery,
                    WarningClaim, Warnings,
                },
                token::{Locator, Scheme},
            };

            use $crate::{
                operations::{
                    audit,
                    coherence::{self, Acknowledge, Fence, Leave, Register},
                    commit::Commit,
                    keys, orgs,
                    purge::Purge,
                    record::OpenWriter,
                    usage, verification,
                    warnings::{Claim, Finish, Postpone},
                },
                session::Backend,
            };

            #[async_trait::async_trait]
            impl KeyStore for $store {
                async fn find(&self, locators: &[Locator]) -> StoreResult<Option<FoundKey>> {
                    self.reading("find", || verification::find(self.verification(), locators)).await
                }

                async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
                    self.reading("schemes", || verification::schemes(self.verification())).await
                }

                async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>> {
                    self.reading("org", || orgs::org(self.management(), org)).await
                }

                async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>> {
                    self.reading("key", || keys::key(self.management(), org, key)).await
                }

                async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>> {
                    self.reading("keys", || keys::keys(self.management(), query)).await
                }

                async fn commit(&self, change: &Change) -> StoreResult<CommitOutcome> {
                    self.write("commit", &Commit(change)).await
                }

                async fn open_writer(&self, writer: WriterId) -> StoreResult<()> {
                    self.write("open_writer", &OpenWriter(writer)).await
                }

                async fn record(&self, batch: &Batch) -> StoreResult<RecordOutcome> {
                    Backend::record(self, batch).await
                }

                async fn audit(&self, query: &AuditQuery) -> StoreResult<Page<AuditEntry, EventId>> {
                    self.reading("audit", || audit::audit(self.management(), query)).await
                }

                async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>> {
                    self.reading("usage", || usage::usage(self.management(), query)).await
                }

                async fn purge(&self, max_rows: u32) -> StoreResult<PurgeProgress> {
                    self.write("purge", &Purge { max_rows }).await
                }

                fn warnings(&self) -> Option<&dyn Warnings> {
                    Some(self)
                }

                fn coherence(&self) -> Option<&dyn Coherence> {
                    Some(self)
                }
            }

            #[async_trait::async_trait]
            impl Coherence for $store {
                async fn register(&self, instance: InstanceId, lease: Duration) -> StoreResult<Revision> {
                    self.renew("register", &Register { instance, lease }).await
                }

                async fn poll(&self, instance: InstanceId, applied: Revision) -> StoreResult<Polled> {
                    self.reading("poll", || coherence::poll(self.renewal(), instance, applied)).await
                }

                async fn acknowledge(&self, instance: InstanceId, applied: Revision) -> StoreResult<bool> {
                    self.renew("acknowledge", &Acknowledge { instance, applied }).await
                }

                async fn behind(&self, revision: Revision) -> StoreResult<Vec<BehindInstance>> {
                    self.reading("behind", || coherence::behind(self.changes(), revision)).await
                }

                async fn fence(&self, instances: &[InstanceId], revision: Revision) -> StoreResult<()> {
                    self.write("fence", &Fence { instances, revision }).await
                }

                async fn leave(&self, instance: InstanceId) -> StoreResult<()> {
                    self.renew("leave", &Leave(instance)).await
                }

                async fn revision(&self) -> StoreResult<Revision> {
                    self.reading("revision", || coherence::revision(self.changes())).await
                }

                async fn hint(&self, applied: Revision) -> StoreResult<()> {
                    Backend::hint(self, applied).await
                }
            }

            #[async_trait::async_trait]
            impl Warnings for $store {
                async fn claim(&self, claim: &WarningClaim) -> StoreResult<ClaimedWarnings> {
                    self.write("claim", &Claim(claim)).await
                }

                async fn finish(&self, warning: &FinishedWarning) -> StoreResult<FinishOutcome> {
                    self.write("finish", &Finish(warning)).await
                }

                async fn postpone(&self, claim: ClaimId, key: KeyId, until: Timestamp) -> StoreResult<()> {
                    self.write("postpone", &Postpone { claim, key, until }).await
                }
            }
        };
    };
}
pub(crate) use key_store;
