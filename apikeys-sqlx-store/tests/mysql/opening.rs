//! Creating and migrating the tables.

use apikeys_sqlx_store::{
    MySqlStore,
    apikeys_core::store::{KeyQuery, KeyStore, StoreErrorKind},
};
use apikeys_test_servers::{MySql, TestDatabase};
use sqlx::{
    AssertSqlSafe, Connection, Executor, MySqlConnection, Row, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
    mysql::MySqlPool,
};

use super::{
    Stored,
    common::{batch, create, org, writer},
};

/// The tables in the order in which the migration creates them.
pub(crate) const TABLES: [&str; 17] = [
    "orgs",
    "forgotten",
    "keys",
    "secrets",
    "schemes",
    "tombstones",
    "counters",
    "warnings",
    "usage",
    "deleted_usage",
    "state",
    "changes",
    "instances",
    "writers",
    "audit",
    "audit_rare",
    "audit_late",
];

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn migrate_again_changes_nothing() {
    let stored = Stored::new().await;
    let before = schema(&stored.database).await;
    stored.store.migrate().await.unwrap();
    let again = MySqlStore::connect(&stored.database.url()).await.unwrap();
    assert_eq!(schema(&stored.database).await, before);
    assert_eq!(before.len(), TABLES.len() + 1);
    assert_eq!(again.key(&stored.key.org, stored.key.id).await.unwrap().unwrap().row, stored.key);
    stored.find().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server: run cargo xtask test"]
async fn connect_eight_times_at_once_migrates_the_database_once() {
    for _ in 0..3 {
        let database = MySql::database().await;
        let starters: Vec<_> = (0..8)
            .map(|number| {
                let url = database.url();
                tokio::spawn(async move {
                    let store = MySqlStore::connect(&url).await.unwrap();
                    create(&store, &org(&format!("org_{number}"))).await;
                })
            })
            .collect();
        for starter in starters {
            starter.await.unwrap();
        }
        let store = MySqlStore::connect(&database.url()).await.unwrap();
        assert_eq!(store.keys(&KeyQuery::new(None, 100)).await.unwrap().items.len(), 8);
        assert_eq!(migrations(&mut database.connection().await, "apikeys_migrations").await, "1");
    }
}

/// The state after each statement of the migration.
#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn migrate_after_a_process_stopped_in_the_middle_creates_the_other_tables() {
    let stored = Stored::new().await;
    let whole = schema(&stored.database).await;
    let mut beside = stored.database.connection().await;
    for done in (0..=TABLES.len()).rev() {
        for table in &TABLES[done..] {
            run(&mut beside, &format!("DROP TABLE IF EXISTS apikeys_{table}")).await;
        }
        run(&mut beside, "UPDATE apikeys_migrations SET success = false").await;
        stored.store.migrate().await.unwrap();
        assert_eq!(schema(&stored.database).await, whole, "after {done} tables");
        let key = stored.store.key(&stored.key.org, stored.key.id).await.unwrap();
        assert_eq!(key.is_some(), done > 2, "after {done} tables");
    }
    let (key, _) = create(&stored.store, &org("other")).await;
    let writer = writer(&stored.store).await;
    stored.store.record(&batch(writer, 1, &key, 2)).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn migrate_after_a_newer_version_succeeds() {
    let stored = Stored::new().await;
    run(
        &mut stored.database.connection().await,
        "INSERT INTO apikeys_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'to come', true, x'00', 0)",
    )
    .await;
    stored.store.migrate().await.unwrap();
    MySqlStore::connect(&stored.database.url()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn migrate_beside_migrations_of_the_service_leaves_both_complete() {
    let database = MySql::database().await;
    let pool = MySqlPool::connect(&database.url()).await.unwrap();
    let migration = |version, sql: &'static str| {
        Migration::new(version, "of the service".into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let first = || migration(1, "CREATE TABLE users (id BIGINT PRIMARY KEY)");
    Migrator::with_migrations(vec![first()]).run(&pool).await.unwrap();
    let store = MySqlStore::new(pool.clone());
    store.migrate().await.unwrap();
    let second = migration(2, "CREATE TABLE invoices (id BIGINT PRIMARY KEY)");
    Migrator::with_migrations(vec![first(), second]).run(&pool).await.unwrap();
    store.migrate().await.unwrap();
    create(&store, &org("acme")).await;
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(migrations(&mut connection, "_sqlx_migrations").await, "1,2");
    assert_eq!(migrations(&mut connection, "apikeys_migrations").await, "1");
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn stores_with_different_prefixes_in_one_database_are_separate() {
    let database = MySql::database().await;
    let longest = "a".repeat(31);
    let (one, other) = (
        MySqlStore::connect_with_prefix(&database.url(), &longest).await.unwrap(),
        MySqlStore::connect_with_prefix(&database.url(), "acme_key_").await.unwrap(),
    );
    let (key, secret) = create(&one, &org("acme")).await;
    assert!(other.key(&key.org, key.id).await.unwrap().is_none());
    assert!(other.find(std::slice::from_ref(&secret.locator)).await.unwrap().is_none());
    create(&other, &org("acme")).await;
    let names = tables(&mut database.connection().await).await;
    assert!(
        names.iter().all(|name| name.starts_with(&longest) || name.starts_with("acme_key_")),
        "{names:?}"
    );
    assert_eq!(names.len(), 2 * (TABLES.len() + 1));
    let refused = MySqlStore::connect_with_prefix(&database.url(), "a;b").await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Rejected);
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn new_on_a_pool_creates_no_tables() {
    let database = MySql::database().await;
    let pool = MySqlPool::connect(&database.url()).await.unwrap();
    let store = MySqlStore::new(pool.clone());
    let error = store.org(&org("acme")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(error.to_string(), "the operation `org` failed because the store is unavailable");
    assert_eq!(tables(&mut database.connection().await).await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn connect_without_the_name_of_a_database_is_rejected() {
    let database = MySql::database().await;
    let url = database.url().replace(database.name(), "");
    let error = MySqlStore::connect(&url).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Rejected);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("must name a database"), "{source}");
}

/// Returns the definition of each table of the store.
async fn schema(database: &TestDatabase<MySql>) -> Vec<String> {
    let mut connection = database.connection().await;
    let mut schema = Vec::new();
    for name in tables(&mut connection).await {
        let definition = sqlx::query(AssertSqlSafe(format!("SHOW CREATE TABLE {name}")));
        let definition: String = definition.fetch_one(&mut connection).await.unwrap().get(1);
        // The next number of an organization changes.
        let (before, after) = definition.split_once(" AUTO_INCREMENT=").unwrap_or((&definition, ""));
        schema.push(format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit())));
    }
    connection.close().await.unwrap();
    schema
}

async fn tables(connection: &mut MySqlConnection) -> Vec<String> {
    let rows = sqlx::query(
        "SELECT CAST(table_name AS CHAR) FROM information_schema.tables
         WHERE table_schema = database() ORDER BY table_name",
    );
    rows.fetch_all(connection).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn migrations(connection: &mut MySqlConnection, table: &str) -> String {
    let versions = format!("SELECT CAST(group_concat(version ORDER BY version) AS CHAR) FROM {table}");
    sqlx::query(AssertSqlSafe(versions)).fetch_one(connection).await.unwrap().get(0)
}

async fn run(connection: &mut MySqlConnection, statement: &str) {
    connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
}
