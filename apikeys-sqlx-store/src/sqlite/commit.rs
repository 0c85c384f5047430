use std::collections::BTreeSet;

use apikeys_core::{
    KeyId, OrgId, PlanName,
    audit::AuditEvent,
    id::ChangeId,
    key::{KeyRow, SecretRow},
    store::{Change, ChangeKind, Committed, Revision},
    token::Locator,
};
use sqlx::{Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use super::{
    append,
    rows::Columns,
    secrets,
    spans::{KnownSpans, Span},
    write::{Verdict, Work},
};
use crate::error::Failure;

/// One change with its audit events. Answers the spans it wrote, too.
pub(super) struct Commit<'a> {
    pub(super) change: &'a Change,
    pub(super) spans: &'a KnownSpans,
}

impl Work for Commit<'_> {
    type Answer = (Committed, BTreeSet<Span>);

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<Self::Answer>, Failure> {
        let change = self.change;
        if let Some(revision) = made_by(connection, change.id).await? {
            return Ok(Verdict::RollBack((Committed::Done { revision }, BTreeSet::new())));
        }
        let refused = match &change.kind {
            ChangeKind::Create { row, secrets, expected_plan, max_keys } => {
                create(connection, row, secrets, expected_plan, *max_keys).await?
            }
            ChangeKind::Update { row, expected_version, added, dropped } => {
                update(connection, row, *expected_version, added, dropped).await?
            }
            ChangeKind::Delete { org, key } => delete(connection, org, *key).await?,
            ChangeKind::SetPlan { org, plan, expected } => {
                set_plan(connection, org, plan, expected.as_ref()).await?
            }
            ChangeKind::ForgetOrg { org } => forget(connection, org).await?,
            _ => return Err(Failure::UnknownChange),
        };
        if let Some(refused) = refused {
            return Ok(Verdict::RollBack((refused, BTreeSet::new())));
        }
        let events: Vec<&AuditEvent> = change.events.iter().collect();
        append::append(connection, &events).await?;
        let spans = self.spans.add(connection, &events).await?;
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

async fn not_found(connection: &mut SqliteConnection) -> Result<Option<Committed>, Failure> {
    let row =
        sqlx::query("SELECT coalesce(max(revision), 0) FROM apikeys_changes").fetch_one(connection).await?;
    let revision = Revision(Columns::of(&row).count("revision")?);
    Ok(Some(Committed::NotFound { revision }))
}

/// An organization's plan and how many keys it has.
async fn org(connection: &mut SqliteConnection, org: &OrgId) -> Result<Option<(PlanName, u32)>, Failure> {
    let row = sqlx::query("SELECT plan, key_count FROM apikeys_orgs WHERE id = ?1")
        .bind(bytes(org))
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::of(&row);
    Ok(Some((columns.plan()?, columns.count("number of keys")?)))
}

async fn create(
    connection: &mut SqliteConnection,
    row: &KeyRow,
    secrets: &[SecretRow],
    expected_plan: &PlanName,
    max_keys: Option<u32>,
) -> Result<Option<Committed>, Failure> {
    let (plan, used) = org(connection, &row.org).await?.unwrap_or_else(|| (expected_plan.clone(), 0));
    if plan != *expected_plan {
        return Ok(Some(Committed::PlanChanged));
    }
    if max_keys.is_some_and(|most| used >= most) {
        return Ok(Some(Committed::QuotaFull { used }));
    }
    let deleted = sqlx::query("SELECT 1 FROM apikeys_tombstones WHERE id = ?1")
        .bind(row.id.as_bytes().as_slice())
        .fetch_optional(&mut *connection)
        .await?;
    if deleted.is_some() {
        return Err(Failure::Refused("the key's id was used before"));
    }
    sqlx::query(
        "INSERT INTO apikeys_orgs (id, plan, key_count) VALUES (?1, ?2, 1)
         ON CONFLICT (id) DO UPDATE SET key_count = key_count + 1",
    )
    .bind(bytes(&row.org))
    .bind(expected_plan.as_str())
    .execute(&mut *connection)
    .await?;
    let insert = sqlx::query(
        "INSERT INTO apikeys_keys (id, org, name, display_prefix, active, created_at, created_by,
            expires_at, expiry_set_at, rate_limit, version, settings)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    );
    bind(insert, row)?.execute(&mut *connection).await?;
    sqlx::query("INSERT INTO apikeys_counters (key, request_count, last_used_at) VALUES (?1, 0, NULL)")
        .bind(row.id.as_bytes().as_slice())
        .execute(&mut *connection)
        .await?;
    secrets::add(connection, row.id, secrets).await
}

async fn update(
    connection: &mut SqliteConnection,
    row: &KeyRow,
    expected_version: u64,
    added: &[SecretRow],
    dropped: &[Locator],
) -> Result<Option<Committed>, Failure> {
    let stored = sqlx::query("SELECT version FROM apikeys_keys WHERE id = ?1 AND org = ?2")
        .bind(row.id.as_bytes().as_slice())
        .bind(bytes(&row.org))
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
    bind(update, row)?.execute(&mut *connection).await?;
    secrets::drop(connection, row.id, dropped).await?;
    secrets::add(connection, row.id, added).await
}

/// The hours in which there was any usage, stepping from one to the next: usage is ordered by
/// hour, and has no index by key.
macro_rules! each_hour {
    ($statement:literal) => {
        concat!(
            "WITH RECURSIVE hours (hour) AS (
                SELECT min(hour) FROM apikeys_usage
                UNION ALL
                SELECT (SELECT min(u.hour) FROM apikeys_usage u WHERE u.hour > hours.hour)
                FROM hours WHERE hours.hour IS NOT NULL
             ) ",
            $statement
        )
    };
}

async fn delete(
    connection: &mut SqliteConnection,
    org: &OrgId,
    key: KeyId,
) -> Result<Option<Committed>, Failure> {
    let left = sqlx::query(
        "INSERT INTO apikeys_tombstones (id, org, name, display_prefix)
         SELECT id, org, name, display_prefix FROM apikeys_keys WHERE id = ?1 AND org = ?2",
    )
    .bind(key.as_bytes().as_slice())
    .bind(bytes(org))
    .execute(&mut *connection)
    .await?;
    if left.rows_affected() == 0 {
        return not_found(connection).await;
    }
    secrets::drop_all(connection, key).await?;
    for statement in [
        "DELETE FROM apikeys_counters WHERE key = ?1",
        each_hour!("DELETE FROM apikeys_usage WHERE key = ?1 AND hour IN (SELECT hour FROM hours)"),
        "DELETE FROM apikeys_keys WHERE id = ?1",
    ] {
        sqlx::query(statement).bind(key.as_bytes().as_slice()).execute(&mut *connection).await?;
    }
    sqlx::query("UPDATE apikeys_orgs SET key_count = key_count - 1 WHERE id = ?1")
        .bind(bytes(org))
        .execute(connection)
        .await?;
    Ok(None)
}

async fn set_plan(
    connection: &mut SqliteConnection,
    id: &OrgId,
    plan: &PlanName,
    expected: Option<&PlanName>,
) -> Result<Option<Committed>, Failure> {
    let stored = org(connection, id).await?;
    if stored.as_ref().map(|(plan, _)| plan) != expected {
        return Ok(Some(Committed::PlanChanged));
    }
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

async fn forget(connection: &mut SqliteConnection, org: &OrgId) -> Result<Option<Committed>, Failure> {
    let forgotten = sqlx::query("DELETE FROM apikeys_orgs WHERE id = ?1")
        .bind(bytes(org))
        .execute(&mut *connection)
        .await?;
    if forgotten.rows_affected() == 0 {
        return not_found(connection).await;
    }
    for statement in [
        "UPDATE apikeys_schemes SET secrets = secrets - (
            SELECT count(*) FROM apikeys_keys k JOIN apikeys_secrets s ON s.key = k.id
            WHERE k.org = ?1 AND s.scheme = apikeys_schemes.scheme)",
        "DELETE FROM apikeys_secrets WHERE key IN (SELECT id FROM apikeys_keys WHERE org = ?1)",
        "DELETE FROM apikeys_counters WHERE key IN (SELECT id FROM apikeys_keys WHERE org = ?1)",
        each_hour!(
            "DELETE FROM apikeys_usage WHERE hour IN (SELECT hour FROM hours)
                AND key IN (SELECT id FROM apikeys_keys WHERE org = ?1)"
        ),
        "DELETE FROM apikeys_audit_spans WHERE key IN (
            SELECT id FROM apikeys_keys WHERE org = ?1
            UNION ALL SELECT id FROM apikeys_tombstones WHERE org = ?1)",
        "DELETE FROM apikeys_keys WHERE org = ?1",
        "DELETE FROM apikeys_tombstones WHERE org = ?1",
        "DELETE FROM apikeys_audit WHERE org = ?1",
    ] {
        sqlx::query(statement).bind(bytes(org)).execute(&mut *connection).await?;
    }
    Ok(None)
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Binds all columns of a key, in the order of the table.
fn bind<'q>(statement: Statement<'q>, row: &'q KeyRow) -> Result<Statement<'q>, Failure> {
    let version = i64::try_from(row.version).map_err(|_| Failure::Refused("the version is too high"))?;
    Ok(statement
        .bind(row.id.as_bytes().as_slice())
        .bind(bytes(&row.org))
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
