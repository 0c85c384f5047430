//! Opening, creating and migrating databases, in one process and in several processes.

use std::process::Stdio;

use super::common::{batch, beside, create, host_pool, org, url, writer};
use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::store::{KeyQuery, KeyStore, StoreErrorKind},
};
use apikeys_test_leftovers::Folder;
use sqlx::{
    Row, SqlSafeStr, SqliteConnection,
    migrate::{Migration, MigrationType, Migrator},
};

/// The environment variable with the URL of the file that a child process opens.
const FILE: &str = "APIKEYS_TEST_FILE";

/// The test starts itself in eight processes, which open the same file.
#[tokio::test]
async fn connect_in_eight_processes_migrates_the_file_once() {
    if let Ok(url) = std::env::var(FILE) {
        return one_process_of_eight(&url).await;
    }
    for _ in 0..3 {
        let folder = Folder::new();
        let path = folder.path().join("keys.db");
        let children: Vec<_> = (0..8)
            .map(|_| {
                tokio::process::Command::new(std::env::current_exe().unwrap())
                    .args([
                        "--exact",
                        "opening::connect_in_eight_processes_migrates_the_file_once",
                        "--nocapture",
                    ])
                    .env(FILE, url(&path))
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().await.unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
            assert!(said.contains("migrated and wrote"), "{said}");
        }
        let store = SqliteStore::connect(&url(&path)).await.unwrap();
        assert_eq!(store.keys(&KeyQuery::new(None, 100)).await.unwrap().items.len(), 8);
        assert_eq!(journal_mode(&mut beside(&path).await).await, "wal");
    }
}

async fn one_process_of_eight(url: &str) {
    let store = SqliteStore::connect(url).await.unwrap();
    create(&store, &org(&format!("org_{}", std::process::id()))).await;
    store.close().await.unwrap();
    println!("migrated and wrote");
}

#[tokio::test]
async fn migrate_again_changes_nothing() {
    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    let store = SqliteStore::connect(&url(&path)).await.unwrap();
    let (key, _) = create(&store, &org("acme")).await;
    let before = schema(&mut beside(&path).await).await;
    store.migrate().await.unwrap();
    let again = SqliteStore::connect(&url(&path)).await.unwrap();
    assert_eq!(schema(&mut beside(&path).await).await, before);
    assert_eq!(again.key(&key.org, key.id).await.unwrap().unwrap().row, key);
}

#[tokio::test]
async fn migrate_after_a_newer_version_succeeds() {
    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    let store = SqliteStore::connect(&url(&path)).await.unwrap();
    sqlx::query("INSERT INTO apikeys_migrations (version, description, success, checksum, execution_time) VALUES (99, 'to come', true, x'00', 0)")
        .execute(&mut beside(&path).await)
        .await
        .unwrap();
    store.migrate().await.unwrap();
    SqliteStore::connect(&url(&path)).await.unwrap();
}

#[tokio::test]
async fn migrate_beside_migrations_of_the_service_leaves_both_complete() {
    let folder = Folder::new();
    let pool = host_pool(&folder.path().join("host.db")).await;
    let migration = |version, sql: &'static str| {
        Migration::new(version, "of the service".into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let first = || migration(1, "CREATE TABLE users (id INTEGER PRIMARY KEY)");
    Migrator::with_migrations(vec![first()]).run(&pool).await.unwrap();
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    let second = migration(2, "CREATE TABLE invoices (id INTEGER PRIMARY KEY)");
    Migrator::with_migrations(vec![first(), second]).run(&pool).await.unwrap();
    store.migrate().await.unwrap();
    create(&store, &org("acme")).await;
    let of_the_host =
        sqlx::query("SELECT group_concat(version) FROM _sqlx_migrations").fetch_one(&pool).await;
    assert_eq!(of_the_host.unwrap().get::<String, _>(0), "1,2");
}

#[tokio::test]
async fn new_on_a_pool_keeps_the_journal_mode() {
    for mode in ["delete", "truncate", "persist", "wal"] {
        let folder = Folder::new();
        let path = folder.path().join("host.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(mode.parse().unwrap());
        let pool = sqlx::sqlite::SqlitePoolOptions::new().connect_with(options).await.unwrap();
        let store = SqliteStore::new(pool.clone());
        store.migrate().await.unwrap();
        let (key, secret) = create(&store, &org("acme")).await;
        let writer = writer(&store).await;
        store.record(&batch(writer, 1, &key, 2)).await.unwrap();
        assert!(store.find(&[secret.locator]).await.unwrap().is_some());
        let mut connection = pool.acquire().await.unwrap();
        assert_eq!(journal_mode(&mut connection).await, mode);
    }
}

#[tokio::test]
async fn new_on_a_pool_creates_no_tables() {
    let folder = Folder::new();
    let path = folder.path().join("host.db");
    let store = SqliteStore::new(host_pool(&path).await);
    assert_eq!(schema(&mut beside(&path).await).await, Vec::<String>::new());
    let error = store.org(&org("acme")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(error.to_string(), "the operation `org` failed because the store is unavailable");
}

#[tokio::test]
async fn connect_after_close_finds_the_stored_data() {
    let folder = Folder::new();
    let path = folder.path().join("with space ü.db");
    let store = SqliteStore::connect(&url(&path)).await.unwrap();
    let (key, secret) = create(&store, &org("acme")).await;
    let writer = writer(&store).await;
    store.record(&batch(writer, 1, &key, 2)).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(store.org(&key.org).await.unwrap_err().kind(), StoreErrorKind::Unavailable);

    let store = SqliteStore::connect(&url(&path)).await.unwrap();
    let found = store.find(std::slice::from_ref(&secret.locator)).await.unwrap().unwrap();
    assert_eq!((found.key, found.secret, found.revision.0), (key.clone(), secret, 1));
    let view = store.key(&key.org, key.id).await.unwrap().unwrap();
    assert_eq!(view.request_count, 2);
    store.record(&batch(writer, 2, &key, 1)).await.unwrap();
}

#[tokio::test]
async fn connect_in_memory_opens_a_database_of_its_own() {
    for url in ["sqlite::memory:", "sqlite://?mode=memory", "sqlite:"] {
        let (one, other) =
            (SqliteStore::connect(url).await.unwrap(), SqliteStore::connect(url).await.unwrap());
        let (key, _) = create(&one, &org("acme")).await;
        assert!(one.key(&key.org, key.id).await.unwrap().is_some());
        if url == "sqlite::memory:" {
            assert!(other.key(&key.org, key.id).await.unwrap().is_none());
        }
    }
}

#[tokio::test]
async fn connect_to_an_invalid_file_fails_without_the_path_in_the_message() {
    let folder = Folder::new();
    let missing = folder.path().join("no such folder").join("keys.db");
    let error = SqliteStore::connect(&url(&missing)).await.unwrap_err();
    assert_eq!(error.to_string(), "the operation `connect` failed because the store is unavailable");
    let error = SqliteStore::connect("sqlite:keys.db?unknown=1").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Rejected);

    let text = folder.path().join("a text");
    std::fs::write(&text, "this is no database, but long enough to be looked at as one. ".repeat(20))
        .unwrap();
    let error = SqliteStore::connect(&url(&text)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
}

async fn journal_mode(connection: &mut SqliteConnection) -> String {
    sqlx::query("PRAGMA journal_mode").fetch_one(connection).await.unwrap().get(0)
}

async fn schema(connection: &mut SqliteConnection) -> Vec<String> {
    let rows =
        sqlx::query("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name").fetch_all(connection);
    rows.await.unwrap().iter().map(|row| row.get(0)).collect()
}
