//! The purge deletes all rows of forgotten organizations, no other rows, and a limited number at a time.

use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{
        OrgId,
        id::WriterId,
        store::{KeyStore, RecordOutcome},
    },
};
use apikeys_test_leftovers::Folder;
use sqlx::SqliteConnection;

use super::common::{
    batch, beside, create, deletion, done, everything, forgetting, number, org, plant_usage, rows_of,
    rows_of_org, url, writer,
};

struct Database {
    store: SqliteStore,
    beside: SqliteConnection,
    writer: WriterId,
    sequence: u64,
    _folder: Folder,
}

impl Database {
    async fn new() -> Self {
        let folder = Folder::new();
        let path = folder.path().join("keys.db");
        let store = SqliteStore::connect(&url(&path)).await.unwrap();
        let (beside, writer) = (beside(&path).await, writer(&store).await);
        Self { store, beside, writer, sequence: 0, _folder: folder }
    }

    /// Fills every table with rows of an organization: keys, deleted keys, usage and audit events.
    async fn fill(&mut self, org: &OrgId) {
        for round in 0..6 {
            let (row, _) = create(&self.store, org).await;
            self.sequence += 1;
            let recorded = self.store.record(&batch(self.writer, self.sequence, &row, 20)).await.unwrap();
            assert_eq!(recorded, RecordOutcome::Applied);
            if round % 3 == 0 {
                done(&self.store, &deletion(&row)).await;
            } else {
                // The first hour has usage of the batch.
                sqlx::query("DELETE FROM apikeys_usage WHERE key = ?1")
                    .bind(row.id.as_bytes().to_vec())
                    .execute(&mut self.beside)
                    .await
                    .unwrap();
                plant_usage(&mut self.beside, &row, 50).await;
            }
        }
    }

    /// Purges until nothing is left to purge. Each piece must delete as many rows as it reports, and about `most`
    /// rows at most.
    async fn purge(&mut self, most: u32) -> u64 {
        let mut rows = 0;
        for _ in 0..10_000 {
            let before = everything(&mut self.beside).await.len() as u64;
            let purged = self.store.purge(most).await.unwrap();
            let deleted = before - everything(&mut self.beside).await.len() as u64;
            assert_eq!(purged.rows, deleted, "{purged:?}");
            assert!(deleted <= u64::from(most) + 8, "a piece of {most} rows deleted {deleted} rows");
            rows += deleted;
            if !purged.more {
                return rows;
            }
        }
        panic!("the purge does not end");
    }
}

#[tokio::test]
async fn purge_in_pieces_of_any_size_deletes_all_rows_of_the_forgotten_organization_only() {
    for most in [1, 7, 100, 100_000] {
        let mut database = Database::new().await;
        let (kept, gone) = (org("kept"), org("gone"));
        database.fill(&kept).await;
        database.fill(&gone).await;
        let kept_number = number(&mut database.beside, &kept).await;
        let gone_number = number(&mut database.beside, &gone).await;
        let before = rows_of_org(&mut database.beside, kept_number).await;
        let secrets = rows_of(&mut database.beside, "apikeys_secrets", "true").await.len();
        assert!(rows_of_org(&mut database.beside, gone_number).await.len() > 300);
        done(&database.store, &forgetting(&gone)).await;
        let forgotten = rows_of_org(&mut database.beside, gone_number).await;
        let rows = database.purge(most).await;
        assert_eq!(rows, forgotten.len() as u64 + 1, "pieces of {most} rows");
        assert_eq!(
            rows_of_org(&mut database.beside, gone_number).await,
            Vec::<String>::new(),
            "pieces of {most}"
        );
        assert_eq!(rows_of_org(&mut database.beside, kept_number).await, before, "pieces of {most}");
        for (table, expected) in [("secrets", secrets / 2), ("forgotten", 0), ("deleted_usage", 0)] {
            let rows = rows_of(&mut database.beside, &format!("apikeys_{table}"), "true").await;
            assert_eq!(rows.len(), expected, "{table}, pieces of {most}");
        }
        let schemes = rows_of(&mut database.beside, "apikeys_schemes", "true").await;
        assert_eq!(schemes, [format!("apikeys_schemes: 'sha256',{}", secrets / 2)], "pieces of {most}");
    }
}

/// Each forgotten organization is searched in each hour in which any organization has usage.
#[tokio::test]
async fn purge_of_many_organizations_without_usage_searches_a_limited_number_of_hours() {
    let mut database = Database::new().await;
    let (busy, _) = create(&database.store, &org("busy")).await;
    plant_usage(&mut database.beside, &busy, 90).await;
    for number in 0..20 {
        let org = org(&format!("org_{number}"));
        create(&database.store, &org).await;
        done(&database.store, &forgetting(&org)).await;
    }
    let purged = database.store.purge(100).await.unwrap();
    assert!(purged.more, "{purged:?}");
    let left = rows_of(&mut database.beside, "apikeys_forgotten", "true").await.len();
    assert!(left >= 18, "one piece of 100 rows searched 90 hours for {} organizations", 20 - left);
    database.purge(100).await;
    assert_eq!(rows_of(&mut database.beside, "apikeys_forgotten", "true").await, Vec::<String>::new());
}
