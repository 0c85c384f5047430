//! Records batches of audit events, with the counters and the usage of their keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use apikeys_core::{
    KeyId, Timestamp,
    audit::AuditEvent,
    id::WriterId,
    store::{Batch, RecordOutcome, UsageDelta},
};
use sqlx::{
    Arguments, Row, SqliteConnection,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{
    append,
    orgs::{self, OrgNumber},
    spans::{KnownSpans, Span},
    statements::{MOST_ROWS, WriteStatement},
    transaction::{Verdict, Work},
};
use crate::error::Failure;

/// A writer is deleted after this time without a batch, because its process has ended.
const DELETED_AFTER: Duration = Duration::from_secs(7 * 86_400);

/// Opens a writer and deletes old writers.
pub(super) struct OpenWriter(pub(super) WriterId);

impl Work for OpenWriter {
    type Answer = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<()>, Failure> {
        let now = now();
        WriteStatement::OpenWriter
            .query()
            .bind(self.0.as_bytes().as_slice())
            .bind(now.as_micros())
            .execute(&mut *connection)
            .await?;
        WriteStatement::DeleteOldWriters
            .query()
            .bind(now.saturating_sub(DELETED_AFTER).as_micros())
            .execute(connection)
            .await?;
        Ok(Verdict::Commit(()))
    }
}

/// Records a batch if it is the next batch of its writer and all its keys exist. Nearly all batches are of
/// this kind, and the number of written rows shows it. Returns the spans that were written, or `None` if the
/// batch is of another kind.
pub(super) struct RecordAtOnce<'a> {
    pub(super) batch: &'a Batch,
    pub(super) spans: &'a KnownSpans,
}

impl Work for RecordAtOnce<'_> {
    type Answer = Option<BTreeSet<Span>>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<Self::Answer>, Failure> {
        let batch = self.batch;
        let numbers = orgs::numbers(connection, &orgs::of(&batch.events)).await?;
        let events = orgs::numbered(&batch.events, &numbers);
        if events.len() < batch.events.len() {
            return Ok(Verdict::RollBack(None));
        }
        let mut owners = BTreeMap::new();
        for (org, event) in &events {
            // A key belongs to one organization only.
            if event.key.is_some_and(|key| owners.insert(key, *org).is_some_and(|other| other != *org)) {
                return Ok(Verdict::RollBack(None));
            }
        }
        let written = write(connection, batch, &events, &owners, self.spans).await?;
        Ok(if written.is_some() { Verdict::Commit(written) } else { Verdict::RollBack(None) })
    }
}

/// Records a batch of any kind. This work first reads the writer and the keys.
pub(super) struct RecordWithCare<'a> {
    pub(super) batch: &'a Batch,
    pub(super) spans: &'a KnownSpans,
}

impl Work for RecordWithCare<'_> {
    type Answer = (RecordOutcome, BTreeSet<Span>);

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<Self::Answer>, Failure> {
        let nothing = |answer| Ok(Verdict::RollBack((answer, BTreeSet::new())));
        let batch = self.batch;
        let last = WriteStatement::WriterSequence
            .query()
            .bind(batch.writer.as_bytes().as_slice())
            .fetch_optional(&mut *connection)
            .await?;
        let Some(last) = last else { return nothing(RecordOutcome::UnknownWriter) };
        let last = u64::try_from(last.try_get::<i64, _>(0)?).map_err(|_| Failure::Unreadable("sequence"))?;
        if batch.sequence <= last {
            return nothing(RecordOutcome::AlreadyApplied);
        }
        if batch.sequence - last > 1 {
            return Err(Failure::Refused("the batch before this batch was not recorded"));
        }
        let (known, stored) = self.known(connection).await?;
        let numbers = orgs::numbers_or_new(connection, &orgs::of(&known.events)).await?;
        let events = orgs::numbered(&known.events, &numbers);
        match write(connection, &known, &events, &stored, self.spans).await? {
            Some(spans) => Ok(Verdict::Commit((RecordOutcome::Applied, spans))),
            None => Err(Failure::Unreadable("counters of a key")),
        }
    }
}

impl RecordWithCare<'_> {
    /// Returns the batch without the events of unknown keys, and the keys that exist with the numbers of
    /// their organizations.
    async fn known(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<(Batch, BTreeMap<KeyId, OrgNumber>), Failure> {
        let batch = self.batch;
        let numbers = orgs::numbers(connection, &orgs::of(&batch.events)).await?;
        let named: BTreeSet<KeyId> = batch.events.iter().filter_map(|event| event.key).collect();
        let named: Vec<KeyId> = named.into_iter().collect();
        let (mut stored, mut owners) = (BTreeMap::new(), BTreeMap::new());
        for row in WriteStatement::KnownKeys.query().bind(packed(&named)).fetch_all(connection).await? {
            let (key, is_stored, org) = owner(&row, &named)?;
            owners.insert(key, org);
            if is_stored {
                stored.insert(key, org);
            }
        }
        let is_known = |event: &&AuditEvent| match event.key {
            None => true,
            Some(key) => owners.get(&key).is_some_and(|org| numbers.get(&event.org) == Some(org)),
        };
        let events: Vec<_> = batch.events.iter().filter(is_known).cloned().collect();
        let named: BTreeSet<KeyId> = events.iter().filter_map(|event| event.key).collect();
        stored.retain(|key, _| named.contains(key));
        Ok((Batch::new(batch.writer, batch.sequence, events), stored))
    }
}

fn owner(row: &SqliteRow, named: &[KeyId]) -> Result<(KeyId, bool, OrgNumber), Failure> {
    let place: i64 = row.try_get(0)?;
    let key = usize::try_from(place / 16).ok().and_then(|place| named.get(place));
    Ok((*key.ok_or(Failure::Unreadable("key"))?, row.try_get(1)?, row.try_get(2)?))
}

/// Writes `events`, and the counters and usage of the keys in `stored`. Returns the spans that were written.
/// Returns `None` if the batch is not the next batch of its writer, or if a key has no counter under the
/// number of its organization.
async fn write(
    connection: &mut SqliteConnection,
    batch: &Batch,
    events: &[(OrgNumber, &AuditEvent)],
    stored: &BTreeMap<KeyId, OrgNumber>,
    known_spans: &KnownSpans,
) -> Result<Option<BTreeSet<Span>>, Failure> {
    let (first, rest) = events.split_at_checked(MOST_ROWS).unwrap_or((events, &[]));
    let usage: Vec<(OrgNumber, UsageDelta)> =
        batch.usage().into_iter().filter_map(|delta| Some((*stored.get(&delta.key)?, delta))).collect();
    let mut arguments = SqliteArguments::default();
    bind(&mut arguments, batch, stored, &usage).map_err(sqlx::Error::Encode)?;
    for (org, event) in first {
        append::bind(&mut arguments, *org, event)?;
    }
    let statement = WriteStatement::record(first.len());
    let written = statement.query_with(arguments).execute(&mut *connection).await?.rows_affected();
    let expected = 1 + stored.len() + usage.len() + first.len();
    if usize::try_from(written) != Ok(expected) {
        return Ok(None);
    }
    append::append(connection, rest).await?;
    Ok(Some(known_spans.add(connection, events.iter().map(|(_, event)| *event)).await?))
}

fn bind(
    arguments: &mut SqliteArguments,
    batch: &Batch,
    stored: &BTreeMap<KeyId, OrgNumber>,
    usage: &[(OrgNumber, UsageDelta)],
) -> Result<(), sqlx::error::BoxDynError> {
    arguments.add(now().as_micros())?;
    arguments.add(batch.writer.as_bytes().as_slice())?;
    arguments.add(i64::try_from(batch.sequence)?.saturating_sub(1))?;

    // A key without admitted requests also gets a row, which adds 0. The number of written rows then shows
    // whether the key exists.
    let admitted = batch.counters();
    let mut admitted = admitted.iter().filter(|delta| stored.contains_key(&delta.key)).peekable();
    let counters: Vec<(OrgNumber, u64, Option<i64>)> = stored
        .iter()
        .map(|(key, org)| match admitted.next_if(|delta| delta.key == *key) {
            Some(delta) => (*org, delta.requests, Some(delta.last_used_at.as_micros())),
            None => (*org, 0, None),
        })
        .collect();
    arguments.add(packed(stored.keys()))?;
    arguments.add(serde_json::to_string(&counters)?)?;

    let hours: Vec<(OrgNumber, i64, u64, u64)> = usage
        .iter()
        .map(|(org, delta)| (*org, delta.hour.as_micros(), delta.requests, delta.denied))
        .collect();
    arguments.add(packed(usage.iter().map(|(_, delta)| &delta.key)))?;
    arguments.add(serde_json::to_string(&hours)?)
}

fn packed<'k>(keys: impl IntoIterator<Item = &'k KeyId>) -> Vec<u8> {
    keys.into_iter().flat_map(|key| *key.as_bytes()).collect()
}

fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}
