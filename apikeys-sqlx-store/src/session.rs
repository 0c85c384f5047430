//! What the operations of a store need of a database. Each database implements these traits.

use std::collections::{BTreeMap, BTreeSet};

use apikeys_core::{
    KeyId, OrgId,
    audit::AuditEvent,
    store::{Batch, Change, RecordOutcome, Revision, StoreResult, UsageDelta},
};

use crate::{
    argument::Argument,
    cells::Cells,
    error::Failure,
    statements::{ReadStatement, WriteStatement},
};

/// The number by which rows refer to an organization.
pub(crate) type OrgNumber = i64;

/// Runs single statements that only read. Each sees one state of the database.
pub(crate) trait Reader: Send + Sync {
    type Row: Cells + Send + Sync;

    /// Returns all rows of the statement.
    fn all(
        &self,
        statement: ReadStatement,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, Failure>> + Send;

    /// Returns the first row of the statement, or `None` if there is no row.
    fn optional(
        &self,
        statement: ReadStatement,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<Option<Self::Row>, Failure>> + Send;
}

/// A connection in a write transaction.
pub(crate) trait Session: Send {
    type Row: Cells + Send + Sync;

    /// Runs the statement, and returns the number of changed rows.
    fn execute(
        &mut self,
        statement: WriteStatement,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Returns all rows of the statement.
    fn all(
        &mut self,
        statement: WriteStatement,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, Failure>> + Send;

    /// Returns the first row of the statement, or `None` if there is no row.
    fn optional(
        &mut self,
        statement: WriteStatement,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<Option<Self::Row>, Failure>> + Send;

    /// Returns the first row of a statement that always has a row.
    fn one(
        &mut self,
        statement: WriteStatement,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<Self::Row, Failure>> + Send {
        async move { self.optional(statement, arguments).await?.ok_or(sqlx::Error::RowNotFound.into()) }
    }

    /// Returns the numbers of `orgs`. Organizations without a number are left out. Until the transaction ends,
    /// none of the returned organizations can be forgotten.
    fn org_numbers<'o>(
        &mut self,
        orgs: &BTreeSet<&'o OrgId>,
    ) -> impl Future<Output = Result<BTreeMap<&'o OrgId, OrgNumber>, Failure>> + Send;

    /// Adds audit events, each with the number of its organization.
    fn append(
        &mut self,
        events: &[(OrgNumber, &AuditEvent)],
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Adds the row of a change and increases the revision by one. No other statement of the transaction
    /// follows, because other changes wait for the new revision until the transaction ends.
    fn add_change(&mut self, change: &Change) -> impl Future<Output = Result<Revision, Failure>> + Send;

    /// Returns those of `keys` that are stored or deleted. Until the transaction ends, none of the stored keys
    /// can be deleted.
    fn known_keys(&mut self, keys: &[KeyId]) -> impl Future<Output = Result<Vec<KnownKey>, Failure>> + Send;

    /// Records the batch as the last one of its writer, and writes its rows. Returns `false` if a row that must
    /// exist is missing. The transaction must then be rolled back.
    fn record(&mut self, rows: &BatchRows<'_>) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Deletes up to `most` rows that belong to the first `keys` keys or tombstones of an organization, or to its
    /// events, and that only this database has. Returns the number of deleted rows.
    fn purge_own_rows(
        &mut self,
        _of: Purged,
        _org: OrgNumber,
        _keys: u64,
        _most: u64,
    ) -> impl Future<Output = Result<u64, Failure>> + Send {
        async { Ok(0) }
    }
}

/// A key that is stored or deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownKey {
    pub(crate) id: KeyId,
    pub(crate) is_stored: bool,
    pub(crate) org: OrgNumber,
}

/// The rows that a batch writes.
pub(crate) struct BatchRows<'b> {
    pub(crate) batch: &'b Batch,
    pub(crate) events: &'b [(OrgNumber, &'b AuditEvent)],
    /// The stored keys with events in the batch, and the numbers of their organizations.
    pub(crate) stored: &'b BTreeMap<KeyId, OrgNumber>,
}

impl BatchRows<'_> {
    /// Returns what the batch adds to the counters of each stored key: the organization, the number of requests
    /// and the time of the last request. A key without admitted requests is included, with 0 requests. The
    /// number of changed rows then shows whether each key exists.
    pub(crate) fn counters(&self) -> Vec<(KeyId, OrgNumber, u64, Option<i64>)> {
        let admitted = self.batch.counters();
        let mut admitted = admitted.iter().filter(|delta| self.stored.contains_key(&delta.key)).peekable();
        let stored = self.stored.iter();
        stored
            .map(|(key, org)| match admitted.next_if(|delta| delta.key == *key) {
                Some(delta) => (*key, *org, delta.requests, Some(delta.last_used_at.as_micros())),
                None => (*key, *org, 0, None),
            })
            .collect()
    }

    /// Returns what the batch adds to the usage of stored keys.
    pub(crate) fn usage(&self) -> Vec<(OrgNumber, UsageDelta)> {
        let usage = self.batch.usage().into_iter();
        usage.filter_map(|delta| Some((*self.stored.get(&delta.key)?, delta))).collect()
    }
}

/// What the rows belong to that [`Session::purge_own_rows`] deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purged {
    Keys,
    Tombstones,
    Events,
}

/// The work of one write transaction.
pub(crate) trait Work: Sync {
    type Answer: Send;

    /// Runs the statements of the transaction. If the transaction conflicts with another one, this method runs
    /// again in a new transaction.
    fn run<S: Session>(
        &self,
        session: &mut S,
    ) -> impl Future<Output = Result<Verdict<Self::Answer>, Failure>> + Send;
}

/// Whether the transaction is committed, with the result of the work.
pub(crate) enum Verdict<T> {
    /// Commits the transaction.
    Commit(T),
    /// Rolls the transaction back.
    RollBack(T),
}

/// A database.
pub(crate) trait Backend: Send + Sync {
    type Reader: Reader;

    /// Returns the reader for verification, which waits neither for management nor for writes.
    fn verification(&self) -> &Self::Reader;

    /// Returns the reader for lists, the audit log and usage, which stops long statements.
    fn management(&self) -> &Self::Reader;

    /// Returns the reader for the renewal of leases, which waits for no other operation.
    fn renewal(&self) -> &Self::Reader;

    /// Returns the reader that a change uses while it waits for other instances.
    fn changes(&self) -> &Self::Reader;

    /// Runs a read, and runs it again while the failure is [temporary](Failure::is_busy).
    fn reading<T: Send, F: Future<Output = Result<T, Failure>> + Send>(
        &self,
        operation: &'static str,
        read: impl Fn() -> F + Send + Sync,
    ) -> impl Future<Output = StoreResult<T>> + Send;

    /// Runs `work` in a transaction, and runs it again while the failure is [temporary](Failure::is_busy).
    fn write<W: Work>(
        &self,
        operation: &'static str,
        work: &W,
    ) -> impl Future<Output = StoreResult<W::Answer>> + Send;

    /// Runs work for the renewal of leases like [`write`](Self::write), on a connection that no other operation uses.
    fn renew<W: Work>(
        &self,
        operation: &'static str,
        work: &W,
    ) -> impl Future<Output = StoreResult<W::Answer>> + Send;

    /// Waits until there may be a later revision than `applied`.
    fn hint(&self, _applied: Revision) -> impl Future<Output = StoreResult<()>> + Send {
        std::future::pending()
    }

    /// Records a batch.
    fn record(&self, batch: &Batch) -> impl Future<Output = StoreResult<RecordOutcome>> + Send;
}
