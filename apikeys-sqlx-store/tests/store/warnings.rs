//! A key that cannot be read does not stop the warnings of other keys.

use std::time::Duration;

use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{
        Timestamp,
        id::ClaimId,
        store::{KeyStore, WarningClaim},
        warning::WarningPeriods,
    },
};
use apikeys_test_leftovers::Folder;

use super::common::{NOW, beside, create, org, rows_of, url};

const DAY: Duration = Duration::from_secs(86_400);

/// Claims all keys that are due at `now`, and returns their number.
async fn claim(store: &SqliteStore, now: Timestamp) -> usize {
    let until = now.saturating_add(Duration::from_secs(300));
    let claim = WarningClaim::new(ClaimId::from_bytes([1; 16]), now, until, WarningPeriods::default(), 100);
    store.warnings().unwrap().claim(&claim).await.unwrap().warnings.len()
}

#[tokio::test]
async fn key_that_cannot_be_read_is_left_out_and_checked_again_a_day_later() {
    for damage in [
        "UPDATE apikeys_keys SET name = '' WHERE id = ?1",
        "UPDATE apikeys_keys SET version = -1 WHERE id = ?1",
        "UPDATE apikeys_warnings SET sent_expires_at = 1, sent_period_us = -1 WHERE key = ?1",
    ] {
        let folder = Folder::new();
        let path = folder.path().join("keys.db");
        let store = SqliteStore::connect(&url(&path)).await.unwrap();
        let (victim, _) = create(&store, &org("acme")).await;
        create(&store, &org("acme")).await;
        create(&store, &org("other")).await;
        let mut beside = beside(&path).await;
        let key = victim.id.as_bytes().as_slice();
        assert_eq!(sqlx::query(damage).bind(key).execute(&mut beside).await.unwrap().rows_affected(), 1);
        let due = NOW.saturating_add(24 * DAY);
        assert_eq!((claim(&store, due).await, claim(&store, due).await), (2, 0), "{damage}");
        let later = due.saturating_add(DAY);
        let next = format!("next_check = {}", later.as_micros());
        assert_eq!(rows_of(&mut beside, "apikeys_warnings", &next).await.len(), 1, "{damage}");
    }
}

/// A row without its key can only exist in a damaged database.
#[tokio::test]
async fn row_without_its_key_is_not_checked_again() {
    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    let store = SqliteStore::connect(&url(&path)).await.unwrap();
    create(&store, &org("acme")).await;
    let mut beside = beside(&path).await;
    for damage in ["DELETE FROM apikeys_keys", "UPDATE apikeys_keys SET org = 77"] {
        sqlx::query(damage).execute(&mut beside).await.unwrap();
        assert_eq!(claim(&store, NOW.saturating_add(24 * DAY)).await, 0);
        assert_eq!(rows_of(&mut beside, "apikeys_warnings", "next_check IS NULL").await.len(), 1);
    }
}
