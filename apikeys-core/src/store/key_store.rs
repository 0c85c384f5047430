use std::fmt;

use async_trait::async_trait;

use super::{
    AuditQuery, Batch, Change, Committed, KeyQuery, Page, Purged, Recorded, Revision, StoreError, UsagePoint,
    UsageQuery,
};
use crate::{
    audit::AuditEntry,
    id::{EventId, KeyId, OrgId, WriterId},
    key::{KeyRow, KeyView, SecretRow},
    plan::PlanName,
    token::{Locator, Scheme},
};

/// The result of a [`KeyStore`]'s methods.
pub type StoreResult<T> = Result<T, StoreError>;

/// Stores keys, plans, counters and the audit log.
///
/// **Every answer is the latest.** A read that begins after a commit was answered sees what was
/// committed. Reads therefore go to the primary, never to a replica that may lag.
///
/// **Every write is all or nothing, and can be repeated.** The engine repeats a change under the
/// same [`ChangeId`](crate::id::ChangeId), and a batch under the same number, until it gets an
/// answer. A lost answer therefore never doubles anything.
///
/// **Futures may be dropped** at any point. The store is then in the state before or after the
/// write.
///
/// **A forgotten organization cannot be read.** From the commit of
/// [`ForgetOrg`](super::ChangeKind::ForgetOrg) on, no method returns anything of it except the
/// events of that change, although [`purge`](Self::purge) may not have removed its rows yet.
///
/// Errors are of the kinds that [`StoreErrorKind`](super::StoreErrorKind) lists. `Unavailable`
/// leaves open whether a write took effect; the other kinds mean that nothing was written.
#[async_trait]
pub trait KeyStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the secret stored under one of `locators`, with its key and plan, or `None` if no
    /// such secret is stored. The locators are digests of one secret, so that at most one of them
    /// is stored. A secret that has ended is returned as well.
    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<Found>>;

    /// Returns the schemes of all stored secrets, each once, in any order. Secrets of a forgotten
    /// organization count until they are purged.
    ///
    /// The engine calls this after every unknown secret. A store therefore keeps a count for each
    /// scheme, which [`commit`](Self::commit) and [`purge`](Self::purge) maintain.
    async fn schemes(&self) -> StoreResult<Vec<Scheme>>;

    /// Returns an organization's plan and number of keys, or `None` if it is not stored.
    async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>>;

    /// Returns a key with its counters, or `None` if the organization has no such key.
    async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>>;

    /// Returns a page of keys with their counters, newest first, that is, by descending id.
    ///
    /// A page may hold fewer keys than the limit, or none, and still have a next page: keys of
    /// forgotten organizations and rows that cannot be read are left out.
    async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>>;

    /// Makes one change, in one transaction: locks the organization, checks the conditions of the
    /// [`ChangeKind`](super::ChangeKind), writes rows and audit events, and counts the revision up
    /// by one.
    ///
    /// - [`OrgState::check`](super::OrgState::check) decides whether the organization's plan and
    ///   number of keys allow the change. It comes before all other conditions.
    /// - The same change id again gets the same answer as before, and nothing is written. At least
    ///   the last 10,000 changes are remembered. Only `Done` needs to be remembered: the other
    ///   answers wrote nothing and may be found anew.
    /// - The number of keys is a counter on the organization, checked and moved under its lock.
    ///   However many creations race, exactly as many succeed as the quota allows.
    /// - A key or an event whose id is in use makes the change `Rejected`. The id of a key stays in
    ///   use after the key's deletion, and until a forgotten organization's key is purged.
    /// - A locator is in use while a key that can be read has it. The secrets of a forgotten
    ///   organization do not keep a locator in use.
    async fn commit(&self, change: &Change) -> StoreResult<Committed>;

    /// Opens a writer of batches. Opening an open writer changes nothing.
    async fn open_writer(&self, writer: WriterId) -> StoreResult<()>;

    /// Records a batch, in one transaction: its events, [`counters`](Batch::counters) and
    /// [`usage`](Batch::usage).
    ///
    /// - The batches of a writer are numbered 1, 2, 3 …; a batch that was recorded before is
    ///   `AlreadyApplied`, and a batch that leaves a gap is `Rejected`. A store keeps a writer for
    ///   at least a day after its last batch.
    /// - Events of deleted keys are kept. Events of unknown keys, which are neither stored nor left
    ///   by a deletion, are dropped with their counts: their organization has been forgotten.
    ///   Events without a key are kept.
    /// - Counters move only for keys that exist. The same holds for usage.
    /// - An event with a count whose id is on the log already adds its count there.
    /// - An event that can never be stored makes the whole batch `Rejected`, and nothing of the
    ///   batch is written; the batch's number can be used again. An event whose id is on the log
    ///   already, without a count to add, is such an event.
    /// - Rows that cannot be read make the batch `Corrupt`, if its events need them. No other
    ///   batch is affected.
    async fn record(&self, batch: &Batch) -> StoreResult<Recorded>;

    /// Returns a page of audit events, newest first, that is, by descending id. Each has its key's
    /// name and display prefix as they are now, or as they were when the key was deleted.
    ///
    /// A page may hold fewer events than the limit and still have a next page: rows that cannot be
    /// read are left out.
    async fn audit(&self, query: &AuditQuery) -> StoreResult<Page<AuditEntry, EventId>>;

    /// Returns a key's usage in ascending order. Hours and days without requests are left out.
    async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>>;

    /// Removes rows of forgotten organizations, about `max_rows` at most, in one transaction.
    ///
    /// Any number of instances may call this at any time, until `more` is false. What an instance
    /// leaves when it crashes, another instance's next call goes on with. A call takes time in
    /// proportion to `max_rows`, whatever the forgotten organization and the others have stored, so
    /// that recording and changes between two calls wait for one piece only. `max_rows` of 0 is
    /// taken as 1.
    ///
    /// The default is for stores that remove everything when an organization is forgotten: there
    /// is nothing left to remove.
    async fn purge(&self, max_rows: u32) -> StoreResult<Purged> {
        let _ = max_rows;
        Ok(Purged::default())
    }
}

/// A secret with everything that a verification needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The secret.
    pub secret: SecretRow,
    /// Its key.
    pub key: KeyRow,
    /// The plan of the key's organization.
    pub plan: PlanName,
    /// The store's latest revision when the rows were read.
    pub revision: Revision,
}

impl Found {
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
    /// The stored plan.
    pub plan: PlanName,
    /// The number of keys, whatever their status.
    pub key_count: u32,
}

impl OrgRow {
    /// Creates an organization's row.
    #[must_use]
    pub const fn new(id: OrgId, plan: PlanName, key_count: u32) -> Self {
        Self { id, plan, key_count }
    }
}
