use std::fmt;

use async_trait::async_trait;

use super::{
    AuditQuery, Batch, Change, Coherence, CommitOutcome, KeyQuery, KeyRow, KeyView, OrgNumber, Page,
    PurgeProgress, RecordOutcome, Revision, SecretRow, StoreError, StoredPlan, UsagePoint, UsageQuery,
    Warnings,
};
use crate::{
    audit::AuditEntry,
    id::{EventId, KeyId, OrgId, WriterId},
    plan::PlanName,
    token::{Locator, Scheme},
};

/// The result of a [`KeyStore`]'s methods.
pub type StoreResult<T> = Result<T, StoreError>;

/// Stores keys, plans, counters and the audit log.
///
/// **Every read is current.** A read that begins after a commit has returned sees the committed rows. A store
/// therefore reads from the primary database and not from a replica that may lag.
///
/// **Every write is atomic and can be repeated.** The [engine](crate::engine) repeats a change under the same
/// [`ChangeId`](crate::id::ChangeId), and a batch under the same number, until the store answers. A lost answer
/// therefore causes no second write.
///
/// **Futures may be dropped** at any point. A write is then applied completely or not at all.
///
/// **A forgotten organization cannot be read.** Once [`ForgetOrg`](super::ChangeKind::ForgetOrg) is
/// committed, no method returns the organization's plan, keys, secrets, usage or earlier events, even before
/// [`purge`](Self::purge) has removed the rows. Only the events of that change remain readable.
///
/// **Each organization has an [`OrgNumber`].** The store never gives the number to another organization.
///
/// [`StoreErrorKind`](super::StoreErrorKind) lists the kinds of errors. After `Unavailable`, a write may have
/// taken effect or not. After every other error, nothing was written.
#[async_trait]
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the [`SecretRow`] that has one of these [locators](crate#terms), with its key and plan, or
    /// `None` if there is no such row.
    ///
    /// All of `locators` are derived from one secret, each by another scheme, so at most one of them is stored.
    /// A secret can end before its key expires ([`ends_at`](SecretRow::ends_at)). The row is returned nevertheless,
    /// because the engine compares that time with its own clock.
    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<FoundKey>>;

    /// Returns the [schemes](crate#terms) of all stored secrets, each scheme once, in any order. A secret of a
    /// forgotten organization counts as stored until it is purged.
    ///
    /// The engine calls this method whenever a look-up finds no secret, because the secret may be stored
    /// under a scheme that the process cannot verify. So that the call is fast, a store keeps the number of
    /// secrets of each scheme, and updates the numbers in [`commit`](Self::commit) and [`purge`](Self::purge).
    async fn schemes(&self) -> StoreResult<Vec<Scheme>>;

    /// Returns an organization's plan and number of keys, or `None` if the organization is not stored.
    async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>>;

    /// Returns a key with its counters, or `None` if the organization has no such key.
    async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>>;

    /// Returns a page of keys with their counters, newest first, which means by descending id.
    ///
    /// Keys of forgotten organizations and rows that cannot be read are left out. A page may therefore have
    /// fewer keys than the limit, or no keys, and still have a next page.
    async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>>;

    /// Commits a change in one transaction. The store locks the organization, checks the conditions of the
    /// [`ChangeKind`](super::ChangeKind), writes the rows and the audit events, and increases the store's
    /// [`Revision`] by one.
    ///
    /// - [`OrgState::check`](super::OrgState::check) decides whether the organization's plan and number of
    ///   keys allow the change. This check precedes all other conditions of the change.
    /// - If a change id was committed before, the store returns the same result and writes nothing. A store
    ///   remembers at least the last 10,000 committed changes. Only the outcome [`Done`](CommitOutcome::Done)
    ///   must be remembered, because after every other outcome nothing was written and the change can be
    ///   checked again.
    /// - The number of keys is a counter of the organization. The store checks and changes the counter under the
    ///   organization's lock. If keys are created concurrently, exactly as many creations succeed as the quota
    ///   allows.
    /// - If the id of a new key or of an event is in use, the store returns an error of the kind
    ///   [`Rejected`](super::StoreErrorKind::Rejected). The id of a deleted key remains in use. The id of a
    ///   forgotten organization's key remains in use until the key is purged.
    /// - If the locator of a new secret is in use, the outcome is
    ///   [`DuplicateLocator`](CommitOutcome::DuplicateLocator). A locator is in use as long as a key has a secret
    ///   with the locator and the key's organization is stored. Unlike the id of a key, a locator can therefore be
    ///   used again as soon as its organization is forgotten.
    async fn commit(&self, change: &Change) -> StoreResult<CommitOutcome>;

    /// Opens a *writer*, which is a numbered sequence of batches. The store keeps the id of the writer. A process
    /// opens a writer with a new id before it records its first batch. If the writer is already open, nothing
    /// changes.
    async fn open_writer(&self, writer: WriterId) -> StoreResult<()>;

    /// Records a batch in one transaction. The store writes the batch's events and adds its
    /// [`counters`](Batch::counters) and [`usage`](Batch::usage).
    ///
    /// - The batches of a [writer](Self::open_writer) are numbered 1, 2, 3 … If a batch was recorded before,
    ///   the outcome is [`AlreadyApplied`](RecordOutcome::AlreadyApplied). If the batch with the previous
    ///   number was not recorded, the store returns an error of the kind
    ///   [`Rejected`](super::StoreErrorKind::Rejected). A store keeps a writer for at least a day after the
    ///   writer's last batch.
    /// - Events of deleted keys and events without a key are kept. If the store does not know the key of an
    ///   event, the key's organization was forgotten. The store then drops the event and does not count it.
    /// - Counters and usage change only for keys that exist.
    /// - If an event counts denials ([`RequestRecord::count`](crate::audit::RequestRecord::count)) and its id
    ///   is already in the audit log, the store adds the count to the event in the log.
    /// - If an event can never be stored, the store returns an error of the kind `Rejected` and writes
    ///   nothing of the batch. An example is an event that counts no denials and whose id is already in the
    ///   audit log.
    /// - If a stored row that is needed to record a batch cannot be read, such as the counters of a key, the
    ///   store returns an error of the kind [`Corrupt`](super::StoreErrorKind::Corrupt) and writes nothing of
    ///   the batch.
    /// - After such an error, the number of the batch can be used again, for example for a part of the batch.
    async fn record(&self, batch: &Batch) -> StoreResult<RecordOutcome>;

    /// Returns a page of audit events, newest first, which means by descending id. Each event has the current
    /// name and display prefix of its key. If the key was deleted, the event has the key's last name and
    /// display prefix.
    ///
    /// A page may have fewer events than the limit and still have a next page, because rows that cannot be
    /// read are left out.
    async fn audit(&self, query: &AuditQuery) -> StoreResult<Page<AuditEntry, EventId>>;

    /// Returns a key's usage by hour or UTC day, earliest first. Hours and days without admitted or denied
    /// requests are left out.
    async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>>;

    /// Removes about `max_rows` rows of forgotten organizations in one transaction, or all of them if there are
    /// fewer. In this method, a store may also remove usage of [deleted](super::ChangeKind::Delete) keys that
    /// was not removed when the keys were deleted.
    ///
    /// The [engine](crate::engine) repeats the call until [`more`](PurgeProgress::more) is false. Several instances
    /// may call this method concurrently. If an instance crashes, the next call of any instance continues with the
    /// remaining rows. The duration of a call depends on `max_rows` and not on the number of stored rows, so that
    /// changes and batches do not wait long. If `max_rows` is 0, the store uses 1.
    ///
    /// The default implementation removes nothing. It is for stores that remove all rows when an organization is
    /// forgotten.
    async fn purge(&self, max_rows: u32) -> StoreResult<PurgeProgress> {
        let _ = max_rows;
        Ok(PurgeProgress::default())
    }

    /// Returns the part of the store that remembers which warnings were sent before keys expire. The default
    /// implementation returns `None`. With such a store,
    /// [`expiry_warnings`](crate::engine::Builder::expiry_warnings) cannot be used.
    fn warnings(&self) -> Option<&dyn Warnings> {
        None
    }

    /// Returns the part of the store that tells instances which keys have changed. The default implementation returns
    /// `None`. With such a store, the engine keeps no keys in memory, and each verification reads the store.
    fn coherence(&self) -> Option<&dyn Coherence> {
        None
    }
}

/// A secret with the data that a verification needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundKey {
    /// The secret.
    pub secret: SecretRow,
    /// The key of the secret.
    pub key: KeyRow,
    /// The plan of the key's organization.
    pub plan: PlanName,
    /// The store's latest revision when the rows were read.
    pub revision: Revision,
}

impl FoundKey {
    /// Creates the result of a [`KeyStore::find`].
    #[must_use]
    pub const fn new(secret: SecretRow, key: KeyRow, plan: PlanName, revision: Revision) -> Self {
        Self { secret, key, plan, revision }
    }
}

/// An organization as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrgRow {
    /// The organization's id.
    pub id: OrgId,
    /// The number that the store gave the organization.
    pub number: OrgNumber,
    /// The stored plan.
    pub plan: PlanName,
    /// The number of keys, whatever their status.
    pub key_count: u32,
}

impl OrgRow {
    /// Creates an organization's row.
    #[must_use]
    pub const fn new(id: OrgId, number: OrgNumber, plan: PlanName, key_count: u32) -> Self {
        Self { id, number, plan, key_count }
    }

    /// Returns the plan and the number of the organization, for the field `expected` of a
    /// [`ChangeKind`](super::ChangeKind).
    #[must_use]
    pub fn stored_plan(&self) -> StoredPlan {
        StoredPlan::new(self.number, self.plan.clone())
    }
}
