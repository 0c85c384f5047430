//! The deletion of a key deletes its usage in a limited number of hours, and the purge deletes the rest.

use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{
        Timestamp,
        store::{KeyRow, KeyStore, UsageQuery, UsageStep},
    },
};
use apikeys_test_leftovers::Folder;
use sqlx::SqliteConnection;

use super::common::{beside, create, deletion, done, forgetting, org, plant_usage, rows_of, url};

/// Returns the number of rows with usage of the key.
async fn usage_rows(connection: &mut SqliteConnection, row: &KeyRow) -> usize {
    let key = row.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    rows_of(connection, "apikeys_usage", &format!("key = x'{key}'")).await.len()
}

async fn marks(connection: &mut SqliteConnection) -> usize {
    rows_of(connection, "apikeys_deleted_usage", "true").await.len()
}

#[tokio::test]
async fn deletion_of_a_key_with_usage_in_few_hours_leaves_nothing_to_purge() {
    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    let store = SqliteStore::connect(&url(&path)).await.unwrap();
    let mut beside = beside(&path).await;
    let (row, _) = create(&store, &org("acme")).await;
    plant_usage(&mut beside, &row, 1_000).await;
    done(&store, &deletion(&row)).await;
    assert_eq!((usage_rows(&mut beside, &row).await, marks(&mut beside).await), (0, 0));
    assert_eq!(rows_of(&mut beside, "apikeys_warnings", "true").await, Vec::<String>::new());
    assert_eq!(store.purge(1_000).await.unwrap().rows, 0);
}

#[tokio::test]
async fn deletion_of_a_key_with_usage_in_many_hours_is_finished_by_the_purge() {
    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    let store = SqliteStore::connect(&url(&path)).await.unwrap();
    let mut beside = beside(&path).await;
    let (row, _) = create(&store, &org("acme")).await;
    let (other, _) = create(&store, &org("acme")).await;
    plant_usage(&mut beside, &row, 2_500).await;
    plant_usage(&mut beside, &other, 2_600).await;
    done(&store, &deletion(&row)).await;
    assert_eq!((usage_rows(&mut beside, &row).await, marks(&mut beside).await), (1_500, 1));

    // The remaining usage cannot be read.
    let query = UsageQuery::new(row.org.clone(), row.id, Timestamp::MIN, Timestamp::MAX, UsageStep::Hour);
    assert_eq!(store.usage(&query).await.unwrap(), []);

    let mut pieces = 0;
    loop {
        let before = usage_rows(&mut beside, &row).await;
        let purged = store.purge(100).await.unwrap();
        let deleted = before - usage_rows(&mut beside, &row).await;
        assert!(deleted <= 100, "a piece of 100 rows deleted {deleted} rows of usage");
        pieces += 1;
        if !purged.more {
            break;
        }
        assert!(pieces < 100, "the purge does not end");
    }
    assert!(pieces >= 15, "only {pieces} pieces");
    assert_eq!((usage_rows(&mut beside, &row).await, marks(&mut beside).await), (0, 0));
    assert_eq!(usage_rows(&mut beside, &other).await, 2_600);
}

#[tokio::test]
async fn forgetting_after_a_deletion_purges_the_usage_of_the_deleted_key() {
    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    let store = SqliteStore::connect(&url(&path)).await.unwrap();
    let mut beside = beside(&path).await;
    let (row, _) = create(&store, &org("acme")).await;
    plant_usage(&mut beside, &row, 1_500).await;
    done(&store, &deletion(&row)).await;
    done(&store, &forgetting(&row.org)).await;
    let mut pieces = 0;
    while store.purge(1_000).await.unwrap().more {
        pieces += 1;
        assert!(pieces < 100, "the purge does not end");
    }
    assert_eq!(rows_of(&mut beside, "apikeys_usage", "true").await, Vec::<String>::new());
    assert_eq!(marks(&mut beside).await, 0);
}
