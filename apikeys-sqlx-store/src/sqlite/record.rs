//! Writes the rows of a batch.

use apikeys_core::KeyId;
use sqlx::{Arguments, SqliteConnection, sqlite::SqliteArguments};

use super::{
    append,
    statements::{BulkStatement, MOST_ROWS},
};
use crate::{error::Failure, operations::record::now, session::BatchRows};

/// Writes the number of the batch, its counters, usage and events. Returns `false` if the batch is not the next
/// batch of its writer, or if a key has no counter under the number of its organization.
pub(super) async fn write(connection: &mut SqliteConnection, rows: &BatchRows<'_>) -> Result<bool, Failure> {
    let (first, rest) = rows.events.split_at_checked(MOST_ROWS).unwrap_or((rows.events, &[]));
    let (counters, usage) = (rows.counters(), rows.usage());
    let expected = 1 + counters.len() + usage.len() + first.len();

    let mut arguments = SqliteArguments::default();
    let mut bind = || -> Result<(), sqlx::error::BoxDynError> {
        arguments.add(now().as_micros())?;
        arguments.add(rows.batch.writer.as_bytes().as_slice())?;
        arguments.add(i64::try_from(rows.batch.sequence)?.saturating_sub(1))?;

        arguments.add(packed(counters.iter().map(|(key, ..)| key)))?;
        let counters: Vec<_> =
            counters.iter().map(|(_, org, requests, last)| (org, requests, last)).collect();
        arguments.add(serde_json::to_string(&counters)?)?;

        arguments.add(packed(usage.iter().map(|(_, delta)| &delta.key)))?;
        let hours: Vec<_> = usage
            .iter()
            .map(|(org, delta)| (org, delta.hour.as_micros(), delta.requests, delta.denied))
            .collect();
        arguments.add(serde_json::to_string(&hours)?)
    };
    bind().map_err(sqlx::Error::Encode)?;
    for (org, event) in first {
        append::bind(&mut arguments, *org, event)?;
    }
    let statement = BulkStatement::record(first.len());
    let written = statement.query_with(arguments).execute(&mut *connection).await?.rows_affected();
    if usize::try_from(written) != Ok(expected) {
        return Ok(false);
    }
    append::append(connection, rest).await?;
    Ok(true)
}

/// Returns the ids of keys one after the other, with 16 bytes each.
pub(super) fn packed<'k>(keys: impl IntoIterator<Item = &'k KeyId>) -> Vec<u8> {
    keys.into_iter().flat_map(|key| *key.as_bytes()).collect()
}
