//! A row that cannot be read affects only its own key or organization.

use sqlx::AssertSqlSafe;

use super::common::{batch, beside, change, create, done, org, request, url, writer};
use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{
        KeyId, OrgId, Timestamp,
        audit::{Action, AuditEntry},
        id::WriterId,
        store::{
            AuditQuery, Batch, ChangeKind, KeyQuery, KeyRow, KeyStore, RecordOutcome, SecretRow,
            StoreErrorKind, StoreResult, UsageQuery, UsageStep,
        },
    },
};
use apikeys_test_leftovers::Folder;

/// Statements that damage one row, for each column that can have an invalid value. ?1 is the damaged key, ?2 is
/// the id of its organization, and ?3 is the writer of its events.
const DAMAGE: [&str; 33] = [
    "UPDATE apikeys_keys SET id = x'01' WHERE id = ?1",
    "UPDATE apikeys_keys SET id = x'ff' WHERE id = ?1",
    "UPDATE apikeys_keys SET org = 77 WHERE id = ?1",
    "UPDATE apikeys_keys SET name = '' WHERE id = ?1",
    "UPDATE apikeys_keys SET created_by = x'' WHERE id = ?1",
    "UPDATE apikeys_keys SET created_by = x'ff' WHERE id = ?1",
    "UPDATE apikeys_keys SET version = -1 WHERE id = ?1",
    "DELETE FROM apikeys_keys WHERE id = ?1",
    "UPDATE apikeys_counters SET key = x'01' WHERE key = ?1",
    "UPDATE apikeys_counters SET org = 77 WHERE key = ?1",
    "UPDATE apikeys_counters SET request_count = -1 WHERE key = ?1",
    "UPDATE apikeys_counters SET request_count = 9223372036854775807 WHERE key = ?1",
    "DELETE FROM apikeys_counters WHERE key = ?1",
    "UPDATE apikeys_secrets SET key = x'01' WHERE key = ?1",
    "UPDATE apikeys_secrets SET scheme = 'x' WHERE key = ?1",
    "UPDATE apikeys_usage SET requests = 9223372036854775807 WHERE key = ?1",
    "UPDATE apikeys_usage SET requests = -1, denied = -1 WHERE key = ?1",
    "UPDATE apikeys_orgs SET id = x'ff' WHERE id = ?2",
    "UPDATE apikeys_orgs SET plan = 'A plan' WHERE id = ?2",
    "UPDATE apikeys_orgs SET plan = NULL WHERE id = ?2",
    "UPDATE apikeys_orgs SET key_count = 5000000000 WHERE id = ?2",
    "DELETE FROM apikeys_orgs WHERE id = ?2",
    "UPDATE apikeys_writers SET seq = -1 WHERE id = ?3",
    "UPDATE apikeys_audit SET id = x'01' WHERE key = ?1 AND action = 'request'",
    "UPDATE apikeys_audit SET key = x'01' WHERE key = ?1 AND action = 'request'",
    "UPDATE apikeys_audit SET actor = x'ff' WHERE key = ?1",
    "UPDATE apikeys_audit SET status = 100000 WHERE key = ?1 AND action = 'request'",
    "UPDATE apikeys_audit SET latency_us = -1 WHERE key = ?1 AND action = 'request'",
    "UPDATE apikeys_audit SET ip = '1.2.3', method = NULL WHERE key = ?1",
    "UPDATE apikeys_audit SET request_id = '', trace_id = 'x' WHERE key = ?1",
    "UPDATE apikeys_audit SET count = -1 WHERE key = ?1",
    "UPDATE apikeys_audit SET changes = '[]', lost = -1 WHERE key = ?1",
    "UPDATE apikeys_audit_spans SET first = x'', last = x'ff' WHERE key = ?1",
];

struct Damaged {
    store: SqliteStore,
    victim: KeyRow,
    /// Two other keys of the same organization and one key of another organization, with their secrets.
    others: Vec<(KeyRow, SecretRow)>,
    _folder: Folder,
}

impl Damaged {
    async fn by(damage: &'static str) -> Self {
        let folder = Folder::new();
        let path = folder.path().join("keys.db");
        let store = SqliteStore::connect(&url(&path)).await.unwrap();
        let mut others = vec![create(&store, &org("acme")).await];
        let (victim, _) = create(&store, &org("acme")).await;
        others.push(create(&store, &org("other")).await);
        others.push(create(&store, &org("acme")).await);
        let writer = writer(&store).await;
        let rows = others.iter().map(|(row, _)| row).chain([&victim]);
        for (sequence, row) in (1..).zip(rows) {
            assert_eq!(store.record(&batch(writer, sequence, row, 1)).await.unwrap(), RecordOutcome::Applied);
        }
        let mut query = sqlx::query(damage).bind(victim.id.as_bytes().to_vec());
        if damage.contains("?2") {
            query = query.bind(victim.org.as_str().as_bytes().to_vec());
        } else if damage.contains("?3") {
            query = query.bind(None::<i64>).bind(writer.as_bytes().to_vec());
        }
        query.execute(&mut beside(&path).await).await.unwrap();
        Self { store, victim, others, _folder: folder }
    }

    /// Returns the keys that the damage does not affect.
    fn unharmed(&self, damage: &str) -> impl Iterator<Item = &(KeyRow, SecretRow)> {
        let of_org = damage.contains("apikeys_orgs");
        self.others.iter().filter(move |(row, _)| !of_org || row.org != self.victim.org)
    }
}

#[tokio::test]
async fn damaged_row_affects_only_its_own_key() {
    for damage in DAMAGE {
        let damaged = Damaged::by(damage).await;
        let store = &damaged.store;
        let fresh = writer(store).await;
        let mut sequence = 0;
        for (row, secret) in damaged.unharmed(damage) {
            let found = store.find(std::slice::from_ref(&secret.locator)).await.unwrap().expect(damage);
            assert_eq!(found.key, *row, "{damage}");
            assert_eq!(
                store.key(&row.org, row.id).await.unwrap().expect(damage).request_count,
                1,
                "{damage}"
            );
            sequence += 1;
            let recorded = store.record(&batch(fresh, sequence, row, 1)).await.unwrap();
            assert_eq!(recorded, RecordOutcome::Applied, "{damage}");
            assert_eq!(
                store.key(&row.org, row.id).await.unwrap().expect(damage).request_count,
                2,
                "{damage}"
            );
            for organization in [None, Some(&row.org)] {
                assert!(keys(store, organization).await.contains(&row.id), "{damage}: {organization:?}");
            }
            let log = log(store, &row.org).await;
            let requests = log.iter().filter(|entry| is_request_of(entry, row)).count();
            assert_eq!(requests, 2, "{damage}");
        }
        // Other keys can be deleted and created.
        let (row, _) = damaged.unharmed(damage).last().expect("an unharmed key");
        let deletion = ChangeKind::Delete { org: row.org.clone(), key: row.id };
        done(store, &change(deletion, Action::KeyDeleted)).await;
        create(store, &row.org).await;
    }
}

/// The engine divides a rejected batch until the event that cannot be recorded is alone. A temporary error would
/// make the engine repeat the whole batch.
#[tokio::test]
async fn batch_with_an_event_of_a_damaged_key_is_recorded_or_fails_permanently() {
    let mut failed = 0;
    for damage in DAMAGE {
        let damaged = Damaged::by(damage).await;
        let store = &damaged.store;
        let writer = writer(store).await;
        let (row, _) = damaged.unharmed(damage).next().expect("an unharmed key");
        let mixed = Batch::new(writer, 1, vec![request(row), request(&damaged.victim), request(row)]);
        let whole = store.record(&mixed).await;
        let kind = whole.as_ref().err().map(apikeys_sqlx_store::apikeys_core::store::StoreError::kind);
        assert!(
            matches!(kind, None | Some(StoreErrorKind::Corrupt | StoreErrorKind::Rejected)),
            "{damage}: {whole:?}"
        );
        if kind.is_some() {
            failed += 1;
            // The engine then sends the other events under the same number.
            assert_eq!(narrowed(store, writer, &mixed).await.unwrap(), RecordOutcome::Applied, "{damage}");
        }
        let view = store.key(&row.org, row.id).await.unwrap().expect(damage);
        assert_eq!(view.request_count, 3, "{damage}: {whole:?}");
    }
    assert!(failed >= 3, "only {failed} kinds of damage made a batch fail");
}

/// A default value in place of an invalid value would make the log say something that did not happen.
#[tokio::test]
async fn audit_event_with_an_invalid_value_is_left_out_of_the_log() {
    for value in [
        "id = x'01'",
        "key = x'01'",
        "actor = x'ff'",
        "actor = x''",
        "method = NULL",
        "path = NULL",
        "outcome = NULL, lost = -1",
        "status = 100000",
        "status = -1",
        "latency_us = NULL",
        "latency_us = -1",
        "ip = '1.2.3'",
        "request_id = ''",
        "trace_id = 'x'",
        "count = -1",
        "count = 4294967296",
        "changes = '[]'",
        "changes = '{}'",
        "lost = -1",
        "lost = 1",
    ] {
        let folder = Folder::new();
        let path = folder.path().join("keys.db");
        let store = SqliteStore::connect(&url(&path)).await.unwrap();
        let (row, _) = create(&store, &org("acme")).await;
        let writer = writer(&store).await;
        store.record(&batch(writer, 1, &row, 1)).await.unwrap();
        assert_eq!(log(&store, &row.org).await.len(), 2, "the creation and the request");
        let damage = format!("UPDATE apikeys_audit SET {value} WHERE action = 'request'");
        let damaged = sqlx::query(AssertSqlSafe(damage)).execute(&mut beside(&path).await).await.unwrap();
        assert_eq!(damaged.rows_affected(), 1, "{value}");
        let log = log(&store, &row.org).await;
        assert_eq!(log.len(), 1, "{value}: {log:?}");
        assert_eq!(log[0].event.action, Action::KeyCreated, "{value}");
    }
}

#[tokio::test]
async fn invalid_value_fails_the_operation_that_needs_it_as_corrupt() {
    for damage in [
        "UPDATE apikeys_usage SET requests = -1",
        "UPDATE apikeys_usage SET denied = -1",
        "UPDATE apikeys_secrets SET key = x'01'",
        "UPDATE apikeys_keys SET name = ''",
        "UPDATE apikeys_keys SET created_by = x'ff'",
        "UPDATE apikeys_keys SET version = -1",
        "UPDATE apikeys_orgs SET plan = 'A plan'",
        "UPDATE apikeys_orgs SET key_count = 5000000000",
        "UPDATE apikeys_counters SET request_count = -1",
        "UPDATE apikeys_writers SET seq = -1",
        "UPDATE apikeys_changes SET revision = -1",
    ] {
        let folder = Folder::new();
        let path = folder.path().join("keys.db");
        let store = SqliteStore::connect(&url(&path)).await.unwrap();
        let (row, secret) = create(&store, &org("acme")).await;
        let writer = writer(&store).await;
        store.record(&batch(writer, 1, &row, 1)).await.unwrap();
        sqlx::query(damage).execute(&mut beside(&path).await).await.unwrap();
        let usage = UsageQuery::new(row.org.clone(), row.id, Timestamp::MIN, Timestamp::MAX, UsageStep::Hour);
        let failures: Vec<_> = [
            store.find(&[secret.locator]).await.err(),
            store.org(&row.org).await.err(),
            store.key(&row.org, row.id).await.err(),
            store.usage(&usage).await.err(),
            store.record(&batch(writer, 2, &row, 1)).await.err(),
        ]
        .into_iter()
        .flatten()
        .collect();
        assert!(!failures.is_empty(), "{damage}: no operation fails");
        for error in failures {
            assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{damage}: {error:?}");
            assert!(!error.is_temporary(), "{damage}");
        }
    }
}

async fn narrowed(store: &SqliteStore, writer: WriterId, batch: &Batch) -> StoreResult<RecordOutcome> {
    let events = [batch.events[0].clone(), batch.events[2].clone()].to_vec();
    store.record(&Batch::new(writer, 1, events)).await
}

/// Returns the ids of the keys on all pages. Pages of every size must contain the same keys.
async fn keys(store: &SqliteStore, org: Option<&OrgId>) -> Vec<KeyId> {
    let mut all = Vec::new();
    for limit in [1, 2, 100] {
        let (mut ids, mut query, mut pages) = (Vec::new(), KeyQuery::new(org.cloned(), limit), 0);
        loop {
            let page = store.keys(&query).await.unwrap();
            ids.extend(page.items.iter().map(|view| view.row.id));
            pages += 1;
            assert!(pages < 20, "pages of {limit} keys have no end");
            match page.next {
                None => break,
                next => query = query.after(next),
            }
        }
        assert!(all.is_empty() || all == ids, "pages of {limit} keys differ: {ids:?}, not {all:?}");
        all = ids;
    }
    all
}

/// Returns the audit events on all pages. Pages of every size must contain the same events.
async fn log(store: &SqliteStore, org: &OrgId) -> Vec<AuditEntry> {
    let mut all = Vec::new();
    for limit in [1, 2, 100] {
        let (mut entries, mut query, mut pages) = (Vec::new(), AuditQuery::new(org.clone(), limit), 0);
        loop {
            let page = store.audit(&query).await.unwrap();
            entries.extend(page.items);
            pages += 1;
            assert!(pages < 30, "pages of {limit} events have no end");
            match page.next {
                None => break,
                next => query = query.after(next),
            }
        }
        assert!(all.is_empty() || all == entries, "pages of {limit} events differ");
        all = entries;
    }
    all
}

fn is_request_of(entry: &AuditEntry, row: &KeyRow) -> bool {
    entry.event.key == Some(row.id) && entry.event.action == Action::Request
}
