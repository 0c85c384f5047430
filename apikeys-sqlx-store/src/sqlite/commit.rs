use std::collections::BTreeSet;

use apikeys_core::{
    KeyId, OrgId, PlanName,
    id::ChangeId,
    key::{KeyRow, SecretRow},
    store::{Change, ChangeKind, Committed, Revision},
    token::Locator,
};
use sqlx::{Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use super::{
    append,
    orgs::{self, OrgNumber},
    rows::Columns,
    secrets,
    spans::{KnownSpans, Span},
    write::{Verdict, Work},
};
use crate::error::Failure;

/// One change with its audit events. Also answers the spans that were written.
pub(super) struct Commit<'a> {
    pub(super) change: &'a Change,
    pub(super) spans: &'a KnownSpans,
}

impl Work for Commit<'_> {
    type Answer = (Committed, BTreeSet<Span>);

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<Self::Answer>, Failure> {
        let change = self.change;
        let without_spans = |committed| Ok(Verdict::RollBack((committed, BTreeSet::new())));
        if let Some(revision) = made_by(connection, change.id).await? {
            return without_spans(Committed::Done { revision });
        }
        let (number, state) = orgs::state(connection, change.org()).await?.unzip();
        if let Err(refusal) = state.unwrap_or_default().check(&change.kind) {
            return without_spans(refusal.at(revision(connection).await?));
        }
        let refused = match (&change.kind, number) {
            (ChangeKind::Create { row, secrets, plan, .. }, _) => {
                create(connection, row, secrets, plan).await?
            }
            (ChangeKind::SetPlan { org, plan, .. }, _) => set_plan(connection, org, plan).await?,
            (ChangeKind::Update { row, expected_version, added, dropped }, Some(number)) => {
                update(connection, number, row, *expected_version, added, dropped).await?
            }
            (ChangeKind::Delete { key, .. }, Some(number)) => delete(connection, number, *key).await?,
            (ChangeKind::ForgetOrg { org }, Some(number)) => forget(connection, number, org).await?,
            // Kinds that a newer core adds. The conformance suite commits every kind.
            _ => return Err(Failure::UnknownChange),
        };
        if let Some(refused) = refused {
            return without_spans(refused);
        }
        let numbers = orgs::numbers_or_new(connection, &orgs::of(&change.events)).await?;
        append::append(connection, &orgs::numbered(&change.events, &numbers)).await?;
        let spans = self.spans.add(connection, change.events.iter()).await?;
        let revision = count_up(connection, change).await?;
        Ok(Verdict::Commit((Committed::Done { revision }, spans)))
    }
}

/// The revision that a change made, if it was done and is remembered.
async fn made_by(connection: &mut SqliteConnection, change: ChangeId) -> Result<Option<Revision>, Failure> {
    let row = sqlx::query("SELECT revision FROM apikeys_changes WHERE change_id = ?1")
        .bind(change.as_bytes().as_slice())
        .fetch_optional(connection)
        .await?;
    row.map(|row| Columns::of(&row).count("revision").map(Revision)).transpose()
}

async fn count_up(connection: &mut SqliteConnection, change: &Change) -> Result<Revision, Failure> {
    sqlx::query(
        "DELETE FROM apikeys_changes WHERE revision <= (SELECT max(revision) FROM apikeys_changes) - 10000",
    )
    .execute(&mut *connection)
    .await?;
    let made = sqlx::query("INSERT INTO apikeys_changes (change_id, org, key) VALUES (?1, ?2, ?3)")
        .bind(change.id.as_bytes().as_slice())
        .bind(bytes(change.org()))
        .bind(change.key().map(|key| key.as_bytes().to_vec()))
        .execute(connection)
        .await?;
    u64::try_from(made.last_insert_rowid()).map(Revision).map_err(|_| Failure::Unreadable("revision"))
}

async fn revision(connection: &mut SqliteConnection) -> Result<Revision, Failure> {
    let row =
        sqlx::query("SELECT coalesce(max(revision), 0) FROM apikeys_changes").fetch_one(connection).await?;
    Ok(Revision(Columns::of(&row).count("revision")?))
}

async fn not_found(connection: &mut SqliteConnection) -> Result<Option<Committed>, Failure> {
    Ok(Some(Committed::NotFound { revision: revision(connection).await? }))
}

async fn create(
    connection: &mut SqliteConnection,
    row: &KeyRow,
    secrets: &[SecretRow],
    plan: &PlanName,
) -> Result<Option<Committed>, Failure> {
    let deleted = sqlx::query("SELECT 1 FROM apikeys_tombstones WHERE id = ?1")
        .bind(row.id.as_bytes().as_slice())
        .fetch_optional(&mut *connection)
        .await?;
    if deleted.is_some() {
        return Err(Failure::Refused("the key's id was used before"));
    }
    let org = sqlx::query(
        "INSERT INTO apikeys_orgs (id, plan, key_count) VALUES (?1, ?2, 1)
         ON CONFLICT (id) DO UPDATE SET plan = coalesce(plan, excluded.plan), key_count = key_count + 1
         RETURNING num",
    )
    .bind(bytes(&row.org))
    .bind(plan.as_str())
    .fetch_one(&mut *connection)
    .await?;
    let number = Columns::of(&org).number()?;
    let insert = sqlx::query(
        "INSERT INTO apikeys_keys (id, org, name, display_prefix, active, created_at, created_by,
            expires_at, expiry_set_at, rate_limit, version, settings)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    );
    bind(insert, number, row)?.execute(&mut *connection).await?;
    sqlx::query(
        "INSERT INTO apikeys_counters (key, org, request_count, last_used_at) VALUES (?1, ?2, 0, NULL)",
    )
    .bind(row.id.as_bytes().as_slice())
    .bind(number)
    .execute(&mut *connection)
    .await?;
    secrets::add(connection, row.id, secrets).await
}

async fn update(
    connection: &mut SqliteConnection,
    number: OrgNumber,
    row: &KeyRow,
    expected_version: u64,
    added: &[SecretRow],
    dropped: &[Locator],
) -> Result<Option<Committed>, Failure> {
    let stored = sqlx::query("SELECT version FROM apikeys_keys WHERE id = ?1 AND org = ?2")
        .bind(row.id.as_bytes().as_slice())
        .bind(number)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(stored) = stored else { return not_found(connection).await };
    if Columns::of(&stored).count::<u64>("version")? != expected_version {
        return Ok(Some(Committed::VersionConflict));
    }
    let update = sqlx::query(
        "UPDATE apikeys_keys SET name = ?3, display_prefix = ?4, active = ?5, created_at = ?6,
            created_by = ?7, expires_at = ?8, expiry_set_at = ?9, rate_limit = ?10, version = ?11,
            settings = ?12
         WHERE id = ?1 AND org = ?2",
    );
    bind(update, number, row)?.execute(&mut *connection).await?;
    secrets::drop(connection, row.id, dropped).await?;
    secrets::add(connection, row.id, added).await
}

/// Removes a key's usage. The table is ordered by hour, so this steps from one existing hour to the
/// next and looks the key up in each. How much other keys are used does not matter.
const DELETE_USAGE: &str = "
    WITH RECURSIVE hours (hour) AS (
        SELECT min(hour) FROM apikeys_usage
        UNION ALL
        SELECT (SELECT min(u.hour) FROM apikeys_usage u WHERE u.hour > hours.hour)
        FROM hours WHERE hours.hour IS NOT NULL
    )
    DELETE FROM apikeys_usage WHERE hour IN (SELECT hour FROM hours) AND org = ?2 AND key = ?1";

async fn delete(
    connection: &mut SqliteConnection,
    number: OrgNumber,
    key: KeyId,
) -> Result<Option<Committed>, Failure> {
    let left = sqlx::query(
        "INSERT INTO apikeys_tombstones (id, org, name, display_prefix)
         SELECT id, org, name, display_prefix FROM apikeys_keys WHERE id = ?1 AND org = ?2",
    )
    .bind(key.as_bytes().as_slice())
    .bind(number)
    .execute(&mut *connection)
    .await?;
    if left.rows_affected() == 0 {
        return not_found(connection).await;
    }
    secrets::drop_all(connection, key).await?;
    for statement in [
        "DELETE FROM apikeys_counters WHERE key = ?1 AND org = ?2",
        DELETE_USAGE,
        "DELETE FROM apikeys_keys WHERE id = ?1 AND org = ?2",
    ] {
        sqlx::query(statement).bind(key.as_bytes().as_slice()).bind(number).execute(&mut *connection).await?;
    }
    sqlx::query("UPDATE apikeys_orgs SET key_count = key_count - 1 WHERE num = ?1")
        .bind(number)
        .execute(connection)
        .await?;
    Ok(None)
}

async fn set_plan(
    connection: &mut SqliteConnection,
    id: &OrgId,
    plan: &PlanName,
) -> Result<Option<Committed>, Failure> {
    sqlx::query(
        "INSERT INTO apikeys_orgs (id, plan, key_count) VALUES (?1, ?2, 0)
         ON CONFLICT (id) DO UPDATE SET plan = excluded.plan",
    )
    .bind(bytes(id))
    .bind(plan.as_str())
    .execute(connection)
    .await?;
    Ok(None)
}

/// Gives the id a fresh number and marks the old one: three rows, whatever the organization has
/// stored. Nothing reaches the rows under the old number any more, and `purge` removes them.
async fn forget(
    connection: &mut SqliteConnection,
    number: OrgNumber,
    org: &OrgId,
) -> Result<Option<Committed>, Failure> {
    sqlx::query("DELETE FROM apikeys_orgs WHERE num = ?1").bind(number).execute(&mut *connection).await?;
    orgs::number_anew(connection, org).await?;
    sqlx::query("INSERT INTO apikeys_forgotten (num, hour) VALUES (?1, ?2)")
        .bind(number)
        .bind(i64::MIN)
        .execute(connection)
        .await?;
    Ok(None)
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Binds all columns of a key, in the order of the table.
fn bind<'q>(statement: Statement<'q>, number: OrgNumber, row: &'q KeyRow) -> Result<Statement<'q>, Failure> {
    let version = i64::try_from(row.version).map_err(|_| Failure::Refused("the version is too high"))?;
    Ok(statement
        .bind(row.id.as_bytes().as_slice())
        .bind(number)
        .bind(row.name.as_str())
        .bind(row.display_prefix.as_str())
        .bind(row.active)
        .bind(row.created_at.as_micros())
        .bind(row.created_by.as_str().as_bytes())
        .bind(row.expires_at.map(apikeys_core::Timestamp::as_micros))
        .bind(row.expiry_set_at.map(apikeys_core::Timestamp::as_micros))
        .bind(row.rate_limit.map(apikeys_core::RateLimit::requests))
        .bind(version)
        .bind(row.settings.as_json()))
}

fn bytes(org: &OrgId) -> &[u8] {
    org.as_str().as_bytes()
}
