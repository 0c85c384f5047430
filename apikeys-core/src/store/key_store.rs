use std::fmt;

use async_trait::async_trait;

use super::{
    AuditQuery, Batch, Change, Committed, KeyQuery, Page, Recorded, Revision, StoreError, UsagePoint,
    UsageQuery,
};
use crate::{
    audit::AuditEntry,
    id::{EventId, KeyId, OrgId, WriterId},
    key::{KeyRow, KeyView, SecretRow},
    plan::PlanName,
    token::{Locator, Scheme},
};

/// What a [`KeyStore`]'s methods answer.
pub type StoreResult<T> = Result<T, StoreError>;

/// Keeps keys, plans, counters and the audit log.
///
/// **Every answer is the latest.** A read that begins after a commit was answered sees what was
/// committed: reads go to the primary, never to a replica that may lag.
///
/// **Every write is all or nothing**, and may be repeated: the engine repeats a change under the
/// same [`ChangeId`](crate::id::ChangeId), and a batch under the same number, until it is
/// answered. An answer that got lost therefore never doubles anything.
///
/// **Futures may be dropped** at any point; the store is then left before or after the write.
///
/// Errors are of the kinds that [`StoreErrorKind`](super::StoreErrorKind) lists. `Unavailable`
/// leaves open whether a write took effect; the other kinds mean that nothing was written.
#[async_trait]
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// The secret stored under one of `locators`, with its key and plan. At most one is stored:
    /// the candidates are digests of one secret. Secrets that have ended are found too.
    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<Found>>;

    /// The schemes of all stored secrets, each once, in any order. Asked after every unknown
    /// secret, so it must not count them: keep counts in [`commit`](Self::commit).
    async fn schemes(&self) -> StoreResult<Vec<Scheme>>;

    /// An organization's plan and how many keys it has; none if it was never stored.
    async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>>;

    /// One key with its counters; none if that organization has no such key.
    async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>>;

    /// Keys with their counters, newest first, that is, by descending id.
    async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>>;

    /// Makes one change, in one transaction: locks the organization, checks what
    /// [`ChangeKind`](super::ChangeKind) says must hold, writes rows and audit events, and counts
    /// the revision up by one.
    ///
    /// - The same change id again answers what it answered before, and writes nothing; the last
    ///   10,000 changes at least are remembered. Only `Done` needs to be: the other answers wrote
    ///   nothing and may be found anew.
    /// - The number of keys is a counter on the organization, checked and moved under its lock:
    ///   however many creations race, exactly as many succeed as there is room.
    /// - Of `VersionConflict`, `PlanChanged` and `QuotaFull`, a creation checks the plan first.
    /// - A key or an event whose id is in use makes the change `Rejected`.
    async fn commit(&self, change: &Change) -> StoreResult<Committed>;

    /// Opens a writer of batches; opening it again changes nothing.
    async fn open_writer(&self, writer: WriterId) -> StoreResult<()>;

    /// Records a batch, in one transaction: its events, [`counters`](Batch::counters) and
    /// [`usage`](Batch::usage).
    ///
    /// - Batches of a writer come as 1, 2, 3 …; one that was recorded is `AlreadyApplied`, one
    ///   that leaves a gap is `Rejected`. A writer is forgotten no sooner than a day after its
    ///   last batch.
    /// - Events of keys that were deleted are kept. Events of keys that are unknown, neither
    ///   stored nor left by a deletion, are dropped with their counts: their organization has
    ///   been forgotten. Events without a key are kept.
    /// - Counters move only for keys that exist; usage goes with the key too.
    /// - An event with a count whose id is on the log already adds its count there.
    /// - An event that can never be stored makes the whole batch `Rejected`, and nothing of it
    ///   is written; the batch's number can be used again. One whose id is on the log already,
    ///   without a count to add, is such an event.
    async fn record(&self, batch: &Batch) -> StoreResult<Recorded>;

    /// Audit events, newest first, that is, by descending id, each with its key's name and
    /// display prefix as they are now or were when it was deleted.
    async fn audit(&self, query: &AuditQuery) -> StoreResult<Page<AuditEntry, EventId>>;

    /// A key's usage in ascending order; hours and days without any are left out.
    async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>>;
}

/// A secret that was found, with all that a verification needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The secret.
    pub secret: SecretRow,
    /// Its key.
    pub key: KeyRow,
    /// The plan of the key's organization.
    pub plan: PlanName,
    /// The store's revision when all this was read.
    pub revision: Revision,
}

impl Found {
    /// All that was read in one go.
    #[must_use]
    pub const fn new(secret: SecretRow, key: KeyRow, plan: PlanName, revision: Revision) -> Self {
        Self { secret, key, plan, revision }
    }
}

/// An organization as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrgRow {
    /// Its id.
    pub id: OrgId,
    /// The plan it is on.
    pub plan: PlanName,
    /// How many keys it has, whatever their status.
    pub key_count: u32,
}

impl OrgRow {
    /// An organization.
    #[must_use]
    pub const fn new(id: OrgId, plan: PlanName, key_count: u32) -> Self {
        Self { id, plan, key_count }
    }
}
