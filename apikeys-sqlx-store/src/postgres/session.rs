use std::collections::{BTreeMap, BTreeSet};

use apikeys_core::{
    KeyId, OrgId,
    audit::AuditEvent,
    store::{Change, Revision},
};
use sqlx::{
    PgConnection, Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{append, texts::PgTexts};
use crate::{
    argument::{Argument, arguments},
    columns::Columns,
    error::Failure,
    operations::record::now,
    server::Server as _,
    session::{BatchRows, KnownKey, OrgNumber, Session},
    statements::WriteStatement,
    texts::Text,
};

/// The connection of a write transaction.
pub(crate) struct PgSession<'c> {
    connection: &'c mut PgConnection,
    texts: &'c PgTexts,
}

impl<'c> PgSession<'c> {
    pub(super) const fn new(connection: &'c mut PgConnection, texts: &'c PgTexts) -> Self {
        Self { connection, texts }
    }
}

impl Session for PgSession<'_> {
    type Row = PgRow;

    async fn execute(&mut self, statement: WriteStatement, values: &[Argument<'_>]) -> Result<u64, Failure> {
        let query = query(self.texts.common.write(statement)?, values)?;
        Ok(query.execute(&mut *self.connection).await?.rows_affected())
    }

    async fn all(
        &mut self,
        statement: WriteStatement,
        values: &[Argument<'_>],
    ) -> Result<Vec<PgRow>, Failure> {
        Ok(query(self.texts.common.write(statement)?, values)?.fetch_all(&mut *self.connection).await?)
    }

    async fn optional(
        &mut self,
        statement: WriteStatement,
        values: &[Argument<'_>],
    ) -> Result<Option<PgRow>, Failure> {
        Ok(query(self.texts.common.write(statement)?, values)?.fetch_optional(&mut *self.connection).await?)
    }

    async fn org_numbers<'o>(
        &mut self,
        orgs: &BTreeSet<&'o OrgId>,
    ) -> Result<BTreeMap<&'o OrgId, OrgNumber>, Failure> {
        if orgs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let ids: Vec<&[u8]> = orgs.iter().map(|org| org.as_str().as_bytes()).collect();
        let query = sqlx::query(self.texts.org_numbers.sql()).bind(ids);
        let rows = query.fetch_all(&mut *self.connection).await?;
        let numbers: BTreeMap<&[u8], OrgNumber> = rows.iter().map(number).collect::<Result<_, _>>()?;
        Ok(orgs.iter().filter_map(|org| Some((*org, *numbers.get(org.as_str().as_bytes())?))).collect())
    }

    async fn append(&mut self, events: &[(OrgNumber, &AuditEvent)]) -> Result<(), Failure> {
        append::append(self.connection, self.texts, events).await
    }

    async fn add_change(&mut self, change: &Change) -> Result<Revision, Failure> {
        let values = arguments![&change.id, change.org(), change.key()];
        let row = query(&self.texts.add_change, values)?.fetch_one(&mut *self.connection).await?;
        Ok(Revision(Columns::of(&row).count("revision")?))
    }

    async fn known_keys(&mut self, keys: &[KeyId]) -> Result<Vec<KnownKey>, Failure> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes().as_slice()).collect();
        let locked = sqlx::query(self.texts.lock_counters.sql()).bind(&ids);
        let locked = locked.fetch_all(&mut *self.connection).await?;
        let mut known = Vec::with_capacity(keys.len());
        for row in &locked {
            let mut columns = Columns::of(row);
            known.push(KnownKey { id: columns.key_id()?, org: columns.number()?, is_stored: true });
        }
        let found: BTreeSet<KeyId> = known.iter().map(|key| key.id).collect();
        let others: Vec<&[u8]> =
            keys.iter().filter(|key| !found.contains(*key)).map(|key| key.as_bytes().as_slice()).collect();
        if !others.is_empty() {
            let rows = sqlx::query(self.texts.known_keys.sql()).bind(others);
            for row in &rows.fetch_all(&mut *self.connection).await? {
                let mut columns = Columns::of(row);
                let (id, org, is_stored) = (columns.key_id()?, columns.number()?, columns.boolean()?);
                known.push(KnownKey { id, is_stored, org });
            }
        }
        Ok(known)
    }

    async fn record(&mut self, rows: &BatchRows<'_>) -> Result<bool, Failure> {
        let (mut counters, usage) = (rows.counters(), rows.usage());
        // The counters are locked, so that they exist and need not be changed to find out.
        counters.retain(|(_, _, requests, _)| *requests > 0);
        let expected = 1 + counters.len() + usage.len();
        let sequence = i64::try_from(rows.batch.sequence)
            .map_err(|_| Failure::Refused("the number of the batch is too high"))?;
        let integers = |values: &mut dyn Iterator<Item = u64>| -> Vec<i64> {
            values.map(|value| i64::try_from(value).unwrap_or(i64::MAX)).collect()
        };
        let query = sqlx::query(self.texts.count.sql())
            .bind(now().as_micros())
            .bind(rows.batch.writer.as_bytes().as_slice())
            .bind(sequence.saturating_sub(1))
            .bind(counters.iter().map(|(key, ..)| key.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(counters.iter().map(|(_, org, ..)| *org).collect::<Vec<_>>())
            .bind(integers(&mut counters.iter().map(|(_, _, requests, _)| *requests)))
            .bind(counters.iter().map(|(.., last)| *last).collect::<Vec<_>>())
            .bind(usage.iter().map(|(_, delta)| delta.hour.as_micros()).collect::<Vec<_>>())
            .bind(usage.iter().map(|(org, _)| *org).collect::<Vec<_>>())
            .bind(usage.iter().map(|(_, delta)| delta.key.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(integers(&mut usage.iter().map(|(_, delta)| delta.requests)))
            .bind(integers(&mut usage.iter().map(|(_, delta)| delta.denied)));
        let row = query.fetch_one(&mut *self.connection).await?;
        if Columns::of(&row).count::<usize>("number of rows")? != expected {
            return Ok(false);
        }
        self.append(rows.events).await?;
        Ok(true)
    }
}

fn number(row: &PgRow) -> Result<(&[u8], OrgNumber), Failure> {
    let mut columns = Columns::of(row);
    Ok((columns.bytes()?, columns.number()?))
}

/// Returns the statement with its arguments.
fn query(text: &Text, values: &[Argument<'_>]) -> Result<Query<'static, Postgres, PgArguments>, Failure> {
    Ok(sqlx::query_with(text.sql(), Postgres::arguments(text, values)?))
}
