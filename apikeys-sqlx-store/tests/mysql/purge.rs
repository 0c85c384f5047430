//! The purge leaves no row of a forgotten organization.

use std::collections::BTreeMap;

use apikeys_sqlx_store::apikeys_core::{
    Timestamp,
    store::{Batch, KeyStore},
};
use sqlx::{AssertSqlSafe, Row};

use super::{
    Stored,
    common::{batch, create, deletion, done, forgetting, request, writer},
};

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn purge_leaves_no_row_of_a_forgotten_organization_in_any_table() {
    for most in [1, 3, 1_000] {
        let stored = Stored::new().await;
        let (store, key) = (&stored.store, &stored.key);
        let (deleted, _) = create(store, &key.org).await;
        let writer = writer(store).await;
        let late = |_| {
            let mut event = request(key);
            event.at = Timestamp::from_micros(event.at.as_micros() - 3_600_000_000);
            event
        };
        store.record(&batch(writer, 1, key, 5)).await.unwrap();
        store.record(&batch(writer, 2, &deleted, 5)).await.unwrap();
        store.record(&Batch::new(writer, 3, (0..5).map(late).collect())).await.unwrap();
        done(store, &deletion(&deleted)).await;
        let before = rows(&stored).await;
        assert_eq!((before["audit"], before["audit_rare"], before["audit_late"]), (18, 3, 5), "{before:?}");
        done(store, &forgetting(&key.org)).await;
        let mut purged = 0;
        loop {
            let progress = store.purge(most).await.unwrap();
            purged += progress.rows;
            if !progress.more {
                break;
            }
        }
        assert!(purged > 30, "only {purged} rows");
        let mut after = rows(&stored).await;
        after.retain(|_, rows| *rows > 0);
        // The organization's new row, its last event, the scheme, and rows that belong to no organization.
        let expected = [
            ("audit", 1),
            ("audit_rare", 1),
            ("changes", 4),
            ("orgs", 1),
            ("schemes", 1),
            ("state", 2),
            ("writers", 1),
        ];
        assert_eq!(after, expected.map(|(table, rows)| (table.to_owned(), rows)).into());
    }
}

/// Returns the number of rows of each table.
async fn rows(stored: &Stored) -> BTreeMap<String, i64> {
    let mut connection = stored.database.connection().await;
    let mut rows = BTreeMap::new();
    for table in super::opening::TABLES {
        let count = sqlx::query(AssertSqlSafe(format!("SELECT count(*) FROM apikeys_{table}")));
        rows.insert(table.to_owned(), count.fetch_one(&mut connection).await.unwrap().get(0));
    }
    rows
}
