//! Data and helper functions for tests of a store.
#![allow(dead_code, reason = "each test binary uses some of the functions")]

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{
        Actor, KeyId, KeyName, OrgId, PlanName, RequestMeta, Timestamp,
        audit::{Action, AuditEvent, Detail, Outcome, RequestRecord},
        id::{ChangeId, EventId, WriterId},
        store::{Batch, Change, ChangeKind, CommitOutcome, KeyRow, KeyStore, SecretRow, StoredPlan},
        token::{Locator, Scheme},
    },
};
use sqlx::{
    AssertSqlSafe, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions},
};

/// 2030-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_893_456_000_000_000);

pub(crate) fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// Opens a connection that the store does not know.
pub(crate) async fn beside(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_secs(5));
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// Opens the pool of a service, with default settings.
pub(crate) async fn host_pool(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqlitePoolOptions::new().max_connections(4).connect_with(options).await.unwrap()
}

/// Returns sixteen bytes that are unique across processes. They sort after all bytes that this process made
/// before.
pub(crate) fn bytes() -> [u8; 16] {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let made = NOW.as_micros().unsigned_abs() + MADE.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0x7f; 16];
    bytes[..7].copy_from_slice(&made.to_be_bytes()[1..]);
    bytes[12..].copy_from_slice(&std::process::id().to_be_bytes());
    bytes
}

pub(crate) fn org(text: &str) -> OrgId {
    OrgId::new(text).unwrap()
}

pub(crate) fn row(org: &OrgId) -> KeyRow {
    let (name, actor) = (KeyName::new("CI").unwrap(), Actor::new("admin").unwrap());
    let mut row =
        KeyRow::new(KeyId::from_bytes(bytes()), org.clone(), name, "acme_live_0123".to_owned(), NOW, actor);
    // A key with an expiration has a row in each table.
    row.expires_at = Some(NOW.saturating_add(Duration::from_secs(30 * 86_400)));
    row.expiry_set_at = Some(NOW);
    row
}

pub(crate) fn secret(key: KeyId) -> SecretRow {
    SecretRow::new(Locator::new(Scheme::Sha256, bytes()), key, NOW)
}

pub(crate) fn event(org: &OrgId, key: Option<KeyId>, action: Action) -> AuditEvent {
    let mut event = AuditEvent::new(EventId::from_bytes(bytes()), NOW, org.clone(), action);
    event.key = key;
    event
}

/// Returns a change with one event.
pub(crate) fn change(kind: ChangeKind, action: Action) -> Change {
    let mut change = Change::new(ChangeId::from_bytes(bytes()), kind, Vec::new());
    change.events.push(event(change.org(), change.key(), action));
    change
}

/// Returns a creation. If the organization is not stored, the creation stores it on the plan `starter`.
pub(crate) fn creation(row: &KeyRow, secret: &SecretRow, expected: Option<StoredPlan>) -> Change {
    let plan = PlanName::new("starter").unwrap();
    let (row, secrets) = (row.clone(), vec![secret.clone()]);
    change(ChangeKind::Create { row, secrets, plan, expected, max_keys: None }, Action::KeyCreated)
}

/// Creates a key in the store.
pub(crate) async fn create(store: &SqliteStore, org: &OrgId) -> (KeyRow, SecretRow) {
    let row = row(org);
    let secret = secret(row.id);
    let expected = store.org(org).await.unwrap().map(|row| row.stored_plan());
    done(store, &creation(&row, &secret, expected)).await;
    (row, secret)
}

pub(crate) async fn done(store: &SqliteStore, change: &Change) {
    let committed = store.commit(change).await.unwrap();
    assert!(matches!(committed, CommitOutcome::Done { .. }), "{committed:?}");
}

/// Returns the event of an admitted request.
pub(crate) fn request(row: &KeyRow) -> AuditEvent {
    let mut event = event(&row.org, Some(row.id), Action::Request);
    let meta = RequestMeta::new("GET", "/v1/items");
    event.detail = Detail::Request(RequestRecord::new(meta, Outcome::Answered, Duration::from_millis(2)));
    event
}

/// Opens a writer.
pub(crate) async fn writer(store: &SqliteStore) -> WriterId {
    let writer = WriterId::from_bytes(bytes());
    store.open_writer(writer).await.unwrap();
    writer
}

pub(crate) fn batch(writer: WriterId, sequence: u64, row: &KeyRow, requests: usize) -> Batch {
    Batch::new(writer, sequence, (0..requests).map(|_| request(row)).collect())
}

/// All tables that writes change.
pub(crate) const TABLES: [&str; 14] = [
    "apikeys_orgs",
    "apikeys_forgotten",
    "apikeys_keys",
    "apikeys_secrets",
    "apikeys_schemes",
    "apikeys_tombstones",
    "apikeys_counters",
    "apikeys_warnings",
    "apikeys_usage",
    "apikeys_changes",
    "apikeys_deleted_usage",
    "apikeys_writers",
    "apikeys_audit",
    "apikeys_audit_spans",
];

/// Returns all rows of all tables as text.
pub(crate) async fn everything(connection: &mut SqliteConnection) -> Vec<String> {
    let mut all = Vec::new();
    for table in TABLES {
        all.extend(rows_of(connection, table, "true").await);
    }
    all
}

/// Returns the usage, counters, keys, tombstones, audit events, secrets, spans and warnings of the organization with
/// the number `org`, as text.
pub(crate) async fn rows_of_org(connection: &mut SqliteConnection, org: i64) -> Vec<String> {
    let keys = format!(
        "key IN (SELECT id FROM apikeys_keys WHERE org = {org} UNION ALL SELECT id FROM apikeys_tombstones WHERE org = {org})"
    );
    let mut all = Vec::new();
    for table in ["keys", "tombstones", "counters", "usage", "audit", "secrets", "audit_spans", "warnings"] {
        let by_key = ["secrets", "audit_spans", "warnings"].contains(&table);
        let condition = if by_key { keys.clone() } else { format!("org = {org}") };
        all.extend(rows_of(connection, &format!("apikeys_{table}"), &condition).await);
    }
    all
}

/// Returns the rows of a table as text.
pub(crate) async fn rows_of(connection: &mut SqliteConnection, table: &str, condition: &str) -> Vec<String> {
    let columns =
        sqlx::query("SELECT group_concat('quote(' || name || ')', '||'',''||') FROM pragma_table_info(?1)")
            .bind(table)
            .fetch_one(&mut *connection)
            .await
            .unwrap();
    let columns = columns.get::<String, _>(0);
    let text = format!("SELECT {columns} FROM {table} WHERE {condition} ORDER BY 1");
    let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| format!("{table}: {}", row.get::<String, _>(0))).collect()
}

/// Returns the number by which the rows of an organization refer to it.
pub(crate) async fn number(connection: &mut SqliteConnection, org: &OrgId) -> i64 {
    let row =
        sqlx::query("SELECT num FROM apikeys_orgs WHERE id = ?1").bind(org.as_str().as_bytes().to_vec());
    row.fetch_one(connection).await.unwrap().get(0)
}

/// Adds usage of a key in `hours` hours.
pub(crate) async fn plant_usage(connection: &mut SqliteConnection, key: &KeyRow, hours: i64) {
    sqlx::query(
        "WITH RECURSIVE numbers (number) AS (
            SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < ?3)
         INSERT INTO apikeys_usage (hour, org, key, requests, denied)
         SELECT ?4 + number * 3600000000, (SELECT org FROM apikeys_keys WHERE id = ?1), ?1, 1, ?2 FROM numbers",
    )
    .bind(key.id.as_bytes().to_vec())
    .bind(0)
    .bind(hours)
    .bind(NOW.as_micros())
    .execute(connection)
    .await
    .unwrap();
}

pub(crate) fn forgetting(org: &OrgId) -> Change {
    change(ChangeKind::ForgetOrg { org: org.clone() }, Action::OrganizationForgotten)
}

pub(crate) fn deletion(row: &KeyRow) -> Change {
    change(ChangeKind::Delete { org: row.org.clone(), key: row.id }, Action::KeyDeleted)
}
