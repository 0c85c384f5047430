use std::collections::{BTreeMap, BTreeSet};

use apikeys_core::{
    KeyId, OrgId,
    audit::AuditEvent,
    store::{Change, Revision},
};
use sqlx::{
    Arguments as _, MySql, MySqlConnection,
    mysql::{MySqlArguments, MySqlRow},
    query::Query,
};

use super::{
    append::{self, run},
    bulk::Bulk,
    texts::MySqlTexts,
};
use crate::{
    argument::{Argument, arguments},
    columns::Columns,
    error::Failure,
    operations::record::now,
    server::Server as _,
    session::{BatchRows, KnownKey, OrgNumber, Purged, Session},
    statements::WriteStatement,
    texts::Text,
};

/// The connection of a write transaction.
pub(crate) struct MySqlSession<'c> {
    connection: &'c mut MySqlConnection,
    texts: &'c MySqlTexts,
}

impl<'c> MySqlSession<'c> {
    pub(super) const fn new(connection: &'c mut MySqlConnection, texts: &'c MySqlTexts) -> Self {
        Self { connection, texts }
    }

    async fn run(&mut self, text: &Text, values: &[Argument<'_>]) -> Result<u64, Failure> {
        Ok(query(text, values)?.execute(&mut *self.connection).await?.rows_affected())
    }

    /// Returns all rows of a statement with a list of ids.
    async fn listed(&mut self, bulk: &Bulk, ids: &[&[u8]]) -> Result<Vec<MySqlRow>, Failure> {
        let mut rows = Vec::new();
        for (text, list) in bulk.lists(ids) {
            let mut arguments = MySqlArguments::default();
            for id in list {
                arguments.add(id).map_err(sqlx::Error::Encode)?;
            }
            rows.extend(sqlx::query_with(text, arguments).fetch_all(&mut *self.connection).await?);
        }
        Ok(rows)
    }
}

impl Session for MySqlSession<'_> {
    type Row = MySqlRow;

    async fn execute(&mut self, statement: WriteStatement, values: &[Argument<'_>]) -> Result<u64, Failure> {
        let texts = self.texts;
        let changed = self.run(texts.as_ref().write(statement)?, values).await?;
        let is_added = statement != WriteStatement::AddSecret || changed == 1;
        Ok(if is_added { changed } else { 0 })
    }

    async fn all(
        &mut self,
        statement: WriteStatement,
        values: &[Argument<'_>],
    ) -> Result<Vec<MySqlRow>, Failure> {
        let texts = self.texts;
        Ok(query(texts.as_ref().write(statement)?, values)?.fetch_all(&mut *self.connection).await?)
    }

    async fn optional(
        &mut self,
        statement: WriteStatement,
        values: &[Argument<'_>],
    ) -> Result<Option<MySqlRow>, Failure> {
        // `fetch_optional` of sqlx leaves the end of the answer unread.
        Ok(self.all(statement, values).await?.into_iter().next())
    }

    async fn org_numbers<'o>(
        &mut self,
        orgs: &BTreeSet<&'o OrgId>,
    ) -> Result<BTreeMap<&'o OrgId, OrgNumber>, Failure> {
        let ids: Vec<&[u8]> = orgs.iter().map(|org| org.as_str().as_bytes()).collect();
        let rows = self.listed(&self.texts.org_numbers, &ids).await?;
        let numbers: BTreeMap<&[u8], OrgNumber> = rows.iter().map(number).collect::<Result<_, _>>()?;
        Ok(orgs.iter().filter_map(|org| Some((*org, *numbers.get(org.as_str().as_bytes())?))).collect())
    }

    async fn append(&mut self, events: &[(OrgNumber, &AuditEvent)]) -> Result<(), Failure> {
        append::append(self.connection, self.texts, events).await
    }

    async fn add_change(&mut self, change: &Change) -> Result<Revision, Failure> {
        let texts = self.texts;
        let increased = query(&texts.next_revision, arguments![])?.execute(&mut *self.connection).await?;
        let revision = increased.last_insert_id();
        let number = i64::try_from(revision).map_err(|_| Failure::Unreadable("revision"))?;
        if increased.rows_affected() != 1 {
            return Err(Failure::Unreadable("revision"));
        }
        self.run(&texts.add_change, arguments![number, &change.id, change.org(), change.key()]).await?;
        self.run(&texts.delete_old_change, arguments![number]).await?;
        Ok(Revision(revision))
    }

    async fn known_keys(&mut self, keys: &[KeyId]) -> Result<Vec<KnownKey>, Failure> {
        let texts = self.texts;
        let ids: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes().as_slice()).collect();
        let mut known = Vec::with_capacity(keys.len());
        for row in &self.listed(&texts.lock_counters, &ids).await? {
            let mut columns = Columns::of(row);
            known.push(KnownKey { id: columns.key_id()?, org: columns.number()?, is_stored: true });
        }
        let found: BTreeSet<KeyId> = known.iter().map(|key| key.id).collect();
        let others: Vec<&[u8]> =
            keys.iter().filter(|key| !found.contains(*key)).map(|key| key.as_bytes().as_slice()).collect();
        for bulk in [&texts.stored_keys, &texts.deleted_keys] {
            for row in &self.listed(bulk, &others).await? {
                let mut columns = Columns::of(row);
                let (id, org, is_stored) = (columns.key_id()?, columns.number()?, columns.boolean()?);
                known.push(KnownKey { id, is_stored, org });
            }
        }
        Ok(known)
    }

    async fn record(&mut self, rows: &BatchRows<'_>) -> Result<bool, Failure> {
        let texts = self.texts;
        let sequence = i64::try_from(rows.batch.sequence)
            .map_err(|_| Failure::Refused("the number of the batch is too high"))?;
        let values = arguments![now(), &rows.batch.writer, sequence.saturating_sub(1)];
        if self.run(&texts.writer, values).await? != 1 {
            return Ok(false);
        }
        let mut counters = rows.counters();
        counters.retain(|(_, _, requests, _)| *requests > 0);
        let changed =
            run(self.connection, &texts.counters, &counters, |arguments, (key, org, requests, last)| {
                arguments.add(key.as_bytes().as_slice())?;
                arguments.add(*org)?;
                arguments.add(i64::try_from(*requests)?)?;
                arguments.add(*last)
            });
        // A changed row counts twice, and an added row once. The counters are locked, so none is missing, unless the
        // database is damaged.
        if changed.await? != 2 * counters.len() as u64 {
            return Ok(false);
        }
        let usage = rows.usage();
        run(self.connection, &texts.usage, &usage, |arguments, (org, delta)| {
            arguments.add(delta.hour.as_micros())?;
            arguments.add(*org)?;
            arguments.add(delta.key.as_bytes().as_slice())?;
            arguments.add(i64::try_from(delta.requests)?)?;
            arguments.add(i64::try_from(delta.denied)?)
        })
        .await?;
        self.append(rows.events).await?;
        Ok(true)
    }

    async fn purge_own_rows(
        &mut self,
        of: Purged,
        org: OrgNumber,
        _keys: u64,
        most: u64,
    ) -> Result<u64, Failure> {
        if of != Purged::Events {
            return Ok(0);
        }
        let texts = self.texts;
        let mut deleted = 0;
        for text in [&texts.purge_rare_events, &texts.purge_late_events] {
            let left = i64::try_from(most.saturating_sub(deleted)).unwrap_or(i64::MAX);
            deleted += self.run(text, arguments![org, left]).await?;
        }
        Ok(deleted)
    }
}

fn number(row: &MySqlRow) -> Result<(&[u8], OrgNumber), Failure> {
    let mut columns = Columns::of(row);
    Ok((columns.bytes()?, columns.number()?))
}

/// Returns the statement with its arguments.
fn query(text: &Text, values: &[Argument<'_>]) -> Result<Query<'static, MySql, MySqlArguments>, Failure> {
    Ok(sqlx::query_with(text.sql(), MySql::arguments(text, values)?))
}
