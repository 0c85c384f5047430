//! Data and helper functions for tests of a store in SQLite.
#![allow(dead_code, reason = "each test binary uses some of the functions")]

use std::{path::Path, time::Duration};

use apikeys_sqlx_store::apikeys_core::{OrgId, store::KeyRow};
use sqlx::{
    AssertSqlSafe, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions},
};

pub(crate) use crate::values::*;

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
