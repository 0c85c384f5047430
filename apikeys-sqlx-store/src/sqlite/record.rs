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
    sized::{MOST_ROWS, Sizes, statement_for},
    spans::{KnownSpans, Span},
    write::{Verdict, Work},
};
use crate::error::Failure;

/// A batch in one trip: the writer's number, the counters, the usage, the first events. Rows of
/// counters and usage come as one JSON array each; the keys, which JSON cannot hold, as one text
/// of 16 bytes for each row beside it.
static RECORD: Sizes = append_in_sizes!(
    "UPDATE apikeys_writers SET seq = seq + 1, last_at = ? WHERE id = ? AND seq = ?;

     UPDATE apikeys_counters SET
        request_count = request_count + delta.requests,
        last_used_at = coalesce(max(coalesce(last_used_at, delta.at), delta.at), last_used_at)
     FROM (
        SELECT substr(?, key * 16 + 1, 16) AS id, value ->> 0 AS requests, value ->> 1 AS at
        FROM json_each(?)
     ) AS delta
     WHERE apikeys_counters.key = delta.id;

     INSERT INTO apikeys_usage (key, hour, requests, denied)
     SELECT substr(?, key * 16 + 1, 16), value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)
     WHERE true
     ON CONFLICT (hour, key) DO UPDATE SET
        requests = requests + excluded.requests,
        denied = denied + excluded.denied;

     "
);

/// Which of the keys in a text of 16 bytes for each are stored, and which were deleted.
const KNOWN: &str = "
    WITH RECURSIVE places (place) AS (
        SELECT 1 UNION ALL SELECT place + 16 FROM places WHERE place + 16 < length(?1)
    )
    SELECT place, k.id IS NOT NULL, coalesce(k.org, t.org) FROM places
    LEFT JOIN apikeys_keys k ON k.id = substr(?1, place, 16)
    LEFT JOIN apikeys_tombstones t ON t.id = substr(?1, place, 16)
    WHERE k.id IS NOT NULL OR t.id IS NOT NULL";

/// Writers that wrote nothing for a week are forgotten: their processes are gone.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(7 * 86_400);

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
            .bind(now.saturating_sub(FORGOTTEN_AFTER).as_micros())
            .execute(connection)
            .await?;
        Ok(Verdict::Commit(()))
    }
}

/// A batch as it nearly always is: the next of its writer, and all its keys exist. Then every
/// row that it names is written, and their number says so. Answers the spans it wrote, or none
/// if the batch is another.
pub(super) struct RecordAtOnce<'a> {
    pub(super) batch: &'a Batch,
    pub(super) spans: &'a KnownSpans,
}

impl Work for RecordAtOnce<'_> {
    type Answer = Option<BTreeSet<Span>>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<Self::Answer>, Failure> {
        let keys: BTreeSet<KeyId> = self.batch.events.iter().filter_map(|event| event.key).collect();
        let events: Vec<&AuditEvent> = self.batch.events.iter().collect();
        let written = write(connection, self.batch, &events, &keys, self.spans).await?;
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
        match write(connection, batch, &known, &stored, self.spans).await? {
            Some(spans) => Ok(Verdict::Commit((Recorded::Applied, spans))),
            None => Err(Failure::Unreadable("counters of a key")),
        }
    }
}

impl<'a> RecordWithCare<'a> {
    /// The events that are not of a forgotten organization, and the keys that exist.
    async fn known(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<(Vec<&'a AuditEvent>, BTreeSet<KeyId>), Failure> {
        let named: BTreeSet<KeyId> = self.batch.events.iter().filter_map(|event| event.key).collect();
        let named: Vec<KeyId> = named.into_iter().collect();
        let mut stored = BTreeSet::new();
        let mut owners = BTreeMap::new();
        for row in sqlx::query(KNOWN).bind(packed(&named)).fetch_all(connection).await? {
            let (key, is_stored, org) = owner(&row, &named)?;
            owners.insert(key, org);
            if is_stored {
                stored.insert(key);
            }
        }
        let is_known = |event: &&AuditEvent| match event.key {
            None => true,
            Some(key) => owners.get(&key).is_some_and(|org| org == event.org.as_str().as_bytes()),
        };
        Ok((self.batch.events.iter().filter(is_known).collect(), stored))
    }
}

fn owner(row: &SqliteRow, named: &[KeyId]) -> Result<(KeyId, bool, Vec<u8>), Failure> {
    let place: i64 = row.try_get(0)?;
    let key = usize::try_from(place / 16).ok().and_then(|place| named.get(place));
    Ok((*key.ok_or(Failure::Unreadable("key"))?, row.try_get(1)?, row.try_get(2)?))
}

/// Writes `events` and what the batch counts for the keys in `stored`, and answers the spans it
/// wrote; none if the writer is not where it should be, or a key has no counter.
async fn write(
    connection: &mut SqliteConnection,
    batch: &Batch,
    events: &[&AuditEvent],
    stored: &BTreeSet<KeyId>,
    known_spans: &KnownSpans,
) -> Result<Option<BTreeSet<Span>>, Failure> {
    let (first, rest) = events.split_at_checked(MOST_ROWS).unwrap_or((events, &[]));
    let usage: Vec<UsageDelta> =
        batch.usage().into_iter().filter(|delta| stored.contains(&delta.key)).collect();
    let mut arguments = SqliteArguments::default();
    bind(&mut arguments, batch, stored, &usage).map_err(sqlx::Error::Encode)?;
    for event in first {
        append::bind(&mut arguments, event)?;
    }
    let statement = statement_for(&RECORD, first.len());
    let written = sqlx::query_with(statement, arguments).execute(&mut *connection).await?.rows_affected();
    let expected = 1 + stored.len() + usage.len() + first.len();
    if usize::try_from(written) != Ok(expected) {
        return Ok(None);
    }
    append::append(connection, rest).await?;
    Ok(Some(known_spans.add(connection, events).await?))
}

fn bind(
    arguments: &mut SqliteArguments,
    batch: &Batch,
    stored: &BTreeSet<KeyId>,
    usage: &[UsageDelta],
) -> Result<(), sqlx::error::BoxDynError> {
    arguments.add(now().as_micros())?;
    arguments.add(batch.writer.as_bytes().as_slice())?;
    arguments.add(i64::try_from(batch.sequence)?.saturating_sub(1))?;

    // Keys that were only denied something get a row too, which adds nothing: it counts them.
    let admitted = batch.counters();
    let mut admitted = admitted.iter().filter(|delta| stored.contains(&delta.key)).peekable();
    let counters: Vec<(u64, Option<i64>)> = stored
        .iter()
        .map(|key| match admitted.next_if(|delta| delta.key == *key) {
            Some(delta) => (delta.requests, Some(delta.last_used_at.as_micros())),
            None => (0, None),
        })
        .collect();
    arguments.add(packed(stored))?;
    arguments.add(serde_json::to_string(&counters)?)?;

    let hours: Vec<(i64, u64, u64)> =
        usage.iter().map(|delta| (delta.hour.as_micros(), delta.requests, delta.denied)).collect();
    arguments.add(packed(usage.iter().map(|delta| &delta.key)))?;
    arguments.add(serde_json::to_string(&hours)?)
}

fn packed<'k>(keys: impl IntoIterator<Item = &'k KeyId>) -> Vec<u8> {
    keys.into_iter().flat_map(|key| *key.as_bytes()).collect()
}

fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}
