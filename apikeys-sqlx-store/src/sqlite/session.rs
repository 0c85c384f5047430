use std::collections::{BTreeMap, BTreeSet};

use apikeys_core::{
    KeyId, OrgId,
    audit::AuditEvent,
    store::{Change, Revision},
};
use sqlx::{
    Arguments as _, Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{
    append, record,
    spans::{KnownSpans, Span},
    statements::{self, BulkStatement},
};
use crate::{
    argument::{Argument, add_arguments, arguments},
    columns::Columns,
    error::Failure,
    session::{BatchRows, KnownKey, OrgNumber, Purged, Session},
    statements::WriteStatement,
};

/// The connection of a write transaction, with the spans that the transaction has written.
pub(super) struct SqliteSession<'c> {
    connection: &'c mut SqliteConnection,
    known_spans: &'c KnownSpans,
    written: BTreeSet<Span>,
}

impl<'c> SqliteSession<'c> {
    pub(super) fn new(connection: &'c mut SqliteConnection, known_spans: &'c KnownSpans) -> Self {
        Self { connection, known_spans, written: BTreeSet::new() }
    }

    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        self.connection
    }

    /// Returns the spans that the transaction has written.
    pub(super) fn into_spans(self) -> BTreeSet<Span> {
        self.written
    }

    async fn add_spans(&mut self, events: &[(OrgNumber, &AuditEvent)]) -> Result<(), Failure> {
        let events = events.iter().map(|(_, event)| *event);
        self.written.extend(self.known_spans.add(self.connection, events).await?);
        Ok(())
    }

    async fn bulk(&mut self, statement: BulkStatement, values: &[Argument<'_>]) -> Result<u64, Failure> {
        let query = query(statement.sql(), values)?;
        Ok(query.execute(&mut *self.connection).await?.rows_affected())
    }
}

impl Session for SqliteSession<'_> {
    type Row = SqliteRow;

    async fn execute(&mut self, statement: WriteStatement, values: &[Argument<'_>]) -> Result<u64, Failure> {
        let query = query(statements::write(statement), values)?;
        Ok(query.execute(&mut *self.connection).await?.rows_affected())
    }

    async fn all(
        &mut self,
        statement: WriteStatement,
        values: &[Argument<'_>],
    ) -> Result<Vec<SqliteRow>, Failure> {
        Ok(query(statements::write(statement), values)?.fetch_all(&mut *self.connection).await?)
    }

    async fn optional(
        &mut self,
        statement: WriteStatement,
        values: &[Argument<'_>],
    ) -> Result<Option<SqliteRow>, Failure> {
        Ok(query(statements::write(statement), values)?.fetch_optional(&mut *self.connection).await?)
    }

    async fn org_numbers<'o>(
        &mut self,
        orgs: &BTreeSet<&'o OrgId>,
    ) -> Result<BTreeMap<&'o OrgId, OrgNumber>, Failure> {
        if orgs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (mut ids, mut places) = (Vec::new(), Vec::new());
        for org in orgs {
            places.push((ids.len() + 1, org.as_str().len()));
            ids.extend_from_slice(org.as_str().as_bytes());
        }
        let places = serde_json::to_string(&places).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let query = query(BulkStatement::OrgNumbers.sql(), arguments![ids, places])?;
        let row = query.fetch_one(&mut *self.connection).await?;
        let pairs: Vec<(usize, OrgNumber)> = serde_json::from_str(Columns::of(&row).any_text()?)
            .map_err(|_| Failure::Unreadable("numbers of organizations"))?;
        let orgs: Vec<_> = orgs.iter().copied().collect();
        let numbers = pairs.into_iter().filter_map(|(place, number)| Some((*orgs.get(place)?, number)));
        Ok(numbers.collect())
    }

    async fn append(&mut self, events: &[(OrgNumber, &AuditEvent)]) -> Result<(), Failure> {
        append::append(self.connection, events).await?;
        self.add_spans(events).await
    }

    async fn add_change(&mut self, change: &Change) -> Result<Revision, Failure> {
        self.bulk(BulkStatement::DeleteOldChange, arguments![]).await?;
        let values = arguments![&change.id, change.org(), change.key()];
        let made = query(BulkStatement::AddChange.sql(), values)?.execute(&mut *self.connection).await?;
        let revision = u64::try_from(made.last_insert_rowid());
        revision.map(Revision).map_err(|_| Failure::Unreadable("revision"))
    }

    async fn known_keys(&mut self, keys: &[KeyId]) -> Result<Vec<KnownKey>, Failure> {
        let query = query(BulkStatement::KnownKeys.sql(), arguments![record::packed(keys)])?;
        let rows = query.fetch_all(&mut *self.connection).await?;
        let known = rows.iter().map(|row| {
            let mut columns = Columns::of(row);
            let (place, is_stored, org) = (columns.number()?, columns.boolean()?, columns.number()?);
            let id = usize::try_from(place / 16).ok().and_then(|place| keys.get(place));
            Ok(KnownKey { id: *id.ok_or(Failure::Unreadable("key"))?, is_stored, org })
        });
        known.collect()
    }

    async fn record(&mut self, rows: &BatchRows<'_>) -> Result<bool, Failure> {
        Ok(record::write(self.connection, rows).await? && {
            self.add_spans(rows.events).await?;
            true
        })
    }

    async fn purge_own_rows(
        &mut self,
        of: Purged,
        org: OrgNumber,
        keys: u64,
        most: u64,
    ) -> Result<u64, Failure> {
        let statement = match of {
            Purged::Keys => BulkStatement::PurgeSpansOfKeys,
            Purged::Tombstones => BulkStatement::PurgeSpansOfTombstones,
            Purged::Events => return Ok(0),
        };
        self.bulk(statement, arguments![org, limit(keys), limit(most)]).await
    }
}

fn query<'q>(
    text: &'static str,
    values: &[Argument<'_>],
) -> Result<Query<'q, Sqlite, SqliteArguments>, Failure> {
    let mut arguments = SqliteArguments::default();
    add_arguments!(arguments, values);
    Ok(sqlx::query_with(text, arguments))
}

fn limit(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
