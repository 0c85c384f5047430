use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use apikeys_core::{
    KeyId, Timestamp,
    audit::AuditEvent,
    id::WriterId,
    store::{Batch, Recorded, UsageDelta},
};
use sqlx::{
    Arguments, Row, SqliteConnection,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{
    append,
    append_statements::{MOST_ROWS, Sizes, statement_for},
    orgs::{self, OrgNumber},
    spans::{KnownSpans, Span},
    write::{Verdict, Work},
};
use crate::error::Failure;

/// A batch in one trip: the writer's number, the counters, the usage, the first events. Rows of
/// counters and usage come as one JSON array each; the keys, which JSON cannot hold, as one text
/// of 16 bytes for each row beside it.
///
/// A counter moves only under the organization's number, which it had from its key's creation on:
/// the keys of a forgotten organization have another one.
static RECORD: Sizes = append_in_sizes!(
    "UPDATE apikeys_writers SET seq = seq + 1, last_at = ? WHERE id = ? AND seq = ?;

     UPDATE apikeys_counters SET
        request_count = request_count + delta.requests,
        last_used_at = coalesce(max(coalesce(last_used_at, delta.at), delta.at), last_used_at)
     FROM (
        SELECT substr(?, key * 16 + 1, 16) AS id, value ->> 0 AS org, value ->> 1 AS requests,
            value ->> 2 AS at
        FROM json_each(?)
     ) AS delta
     WHERE apikeys_counters.key = delta.id AND apikeys_counters.org = delta.org;

     INSERT INTO apikeys_usage (key, org, hour, requests, denied)
     SELECT substr(?, key * 16 + 1, 16), value ->> 0, value ->> 1, value ->> 2, value ->> 3
     FROM json_each(?)
     WHERE true
     ON CONFLICT (hour, org, key) DO UPDATE SET
        requests = requests + excluded.requests,
        denied = denied + excluded.denied;

     "
);

/// Which of the keys in a text of 16 bytes for each are stored or deleted, and whose they are.
const KNOWN: &str = "
    WITH RECURSIVE places (place) AS (
        SELECT 1 UNION ALL SELECT place + 16 FROM places WHERE place + 16 < length(?1)
    )
    SELECT place, k.id IS NOT NULL, coalesce(k.org, t.org) FROM places
    LEFT JOIN apikeys_keys k ON k.id = substr(?1, place, 16)
    LEFT JOIN apikeys_tombstones t ON t.id = substr(?1, place, 16)
    WHERE k.id IS NOT NULL OR t.id IS NOT NULL";

/// A writer without a batch for a week is removed: its process is gone.
const REMOVED_AFTER: Duration = Duration::from_secs(7 * 86_400);

pub(super) struct OpenWriter(pub(super) WriterId);

impl Work for OpenWriter {
    type Answer = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<()>, Failure> {
        let now = now();
        sqlx::query(
            "INSERT INTO apikeys_writers (id, seq, last_at) VALUES (?1, 0, ?2) ON CONFLICT DO NOTHING",
        )
        .bind(self.0.as_bytes().as_slice())
        .bind(now.as_micros())
        .execute(&mut *connection)
        .await?;
        sqlx::query("DELETE FROM apikeys_writers WHERE last_at < ?1")
            .bind(now.saturating_sub(REMOVED_AFTER).as_micros())
            .execute(connection)
            .await?;
        Ok(Verdict::Commit(()))
    }
}

/// A batch as it nearly always is: the next of its writer, and all its keys exist. Then every row
/// that the batch names is written, and the number of rows shows it. Answers the spans that were
/// written, or `None` if the batch is another.
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
            // A key that is said to be of two organizations is not one's own in both.
            if event.key.is_some_and(|key| owners.insert(key, *org).is_some_and(|other| other != *org)) {
                return Ok(Verdict::RollBack(None));
            }
        }
        let written = write(connection, batch, &events, &owners, self.spans).await?;
        Ok(if written.is_some() { Verdict::Commit(written) } else { Verdict::RollBack(None) })
    }
}

/// Any batch: looks at the writer and the keys first.
pub(super) struct RecordWithCare<'a> {
    pub(super) batch: &'a Batch,
    pub(super) spans: &'a KnownSpans,
}

impl Work for RecordWithCare<'_> {
    type Answer = (Recorded, BTreeSet<Span>);

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<Self::Answer>, Failure> {
        let nothing = |answer| Ok(Verdict::RollBack((answer, BTreeSet::new())));
        let batch = self.batch;
        let last = sqlx::query("SELECT seq FROM apikeys_writers WHERE id = ?1")
            .bind(batch.writer.as_bytes().as_slice())
            .fetch_optional(&mut *connection)
            .await?;
        let Some(last) = last else { return nothing(Recorded::UnknownWriter) };
        let last = u64::try_from(last.try_get::<i64, _>(0)?).map_err(|_| Failure::Unreadable("sequence"))?;
        if batch.sequence <= last {
            return nothing(Recorded::AlreadyApplied);
        }
        if batch.sequence - last > 1 {
            return Err(Failure::Refused("a batch is missing before this one"));
        }
        let (known, stored) = self.known(connection).await?;
        let numbers = orgs::numbers_or_new(connection, &orgs::of(&known.events)).await?;
        let events = orgs::numbered(&known.events, &numbers);
        match write(connection, &known, &events, &stored, self.spans).await? {
            Some(spans) => Ok(Verdict::Commit((Recorded::Applied, spans))),
            None => Err(Failure::Unreadable("counters of a key")),
        }
    }
}

impl RecordWithCare<'_> {
    /// The batch without the events of unknown keys, and the keys that exist with their
    /// organizations.
    async fn known(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<(Batch, BTreeMap<KeyId, OrgNumber>), Failure> {
        let batch = self.batch;
        let numbers = orgs::numbers(connection, &orgs::of(&batch.events)).await?;
        let named: BTreeSet<KeyId> = batch.events.iter().filter_map(|event| event.key).collect();
        let named: Vec<KeyId> = named.into_iter().collect();
        let (mut stored, mut owners) = (BTreeMap::new(), BTreeMap::new());
        for row in sqlx::query(KNOWN).bind(packed(&named)).fetch_all(connection).await? {
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

/// Writes `events` and what the batch counts for the keys in `stored`, and answers the spans that
/// were written. Answers `None` if the writer's number is another, or if a key has no counter
/// under its organization's number.
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
    let statement = statement_for(&RECORD, first.len());
    let written = sqlx::query_with(statement, arguments).execute(&mut *connection).await?.rows_affected();
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

    // Keys that only have denials get a row too, which adds nothing but is counted.
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
