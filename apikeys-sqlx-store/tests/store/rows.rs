//! Reading rows that were edited by hand or written by a newer version.

use std::error::Error;

use super::common::{batch, beside, create, creation, org, request, row, secret, url, writer};
use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{
        Timestamp,
        audit::{Action, ChangeValue, Detail},
        id::EventId,
        store::{AuditQuery, Batch, KeyStore, StoreErrorKind},
    },
};
use apikeys_test_leftovers::Folder;
use sqlx::AssertSqlSafe;

/// The table rejects the same rate limits as `RateLimit`.
#[tokio::test]
async fn rate_limit_out_of_range_is_rejected_by_the_table() {
    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    let store = SqliteStore::connect(&url(&path)).await.unwrap();
    create(&store, &org("acme")).await;
    let mut beside = beside(&path).await;
    for (limit, is_fine) in [
        ("0", false),
        ("1", true),
        ("10000", true),
        ("10001", false),
        ("-1", false),
        ("1.5", false),
        ("NULL", true),
    ] {
        let text = format!("UPDATE apikeys_keys SET rate_limit = {limit}");
        let result = sqlx::query(AssertSqlSafe(text)).execute(&mut beside).await;
        assert_eq!(result.is_ok(), is_fine, "{limit}: {result:?}");
    }
}

#[tokio::test]
async fn read_of_a_damaged_row_fails_as_corrupt() {
    for (damage, operation) in [
        ("UPDATE apikeys_keys SET name = ''", "find"),
        ("UPDATE apikeys_keys SET org = 77", "find"),
        ("UPDATE apikeys_orgs SET id = x'ff'", "find"),
        ("UPDATE apikeys_keys SET version = -1", "find"),
        ("UPDATE apikeys_keys SET created_by = x''", "find"),
        ("UPDATE apikeys_orgs SET plan = 'A plan'", "find"),
        ("UPDATE apikeys_orgs SET plan = NULL", "find"),
        ("DELETE FROM apikeys_keys", "find"),
        ("DELETE FROM apikeys_orgs", "find"),
        ("UPDATE apikeys_orgs SET key_count = 5000000000", "org"),
        ("UPDATE apikeys_counters SET request_count = -1", "key"),
    ] {
        let folder = Folder::new();
        let path = folder.path().join("keys.db");
        let store = SqliteStore::connect(&url(&path)).await.unwrap();
        let acme = org("acme");
        let (key, secret) = create(&store, &acme).await;
        sqlx::query(damage).execute(&mut beside(&path).await).await.unwrap();
        let error = match operation {
            "find" => store.find(&[secret.locator]).await.map(drop),
            "org" => store.org(&acme).await.map(drop),
            _ => store.key(&acme, key.id).await.map(drop),
        }
        .expect_err(damage);
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{damage}");
        let message = format!("the operation `{operation}` failed because stored data cannot be read");
        assert_eq!(error.to_string(), message, "{damage}");
        assert!(error.source().is_some(), "{damage}");
    }
}

#[tokio::test]
async fn values_of_a_newer_version_are_read_as_other() {
    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    let store = SqliteStore::connect(&url(&path)).await.unwrap();
    let acme = org("acme");
    let (key, _) = create(&store, &acme).await;
    let writer = writer(&store).await;
    store.record(&batch(writer, 1, &key, 1)).await.unwrap();
    for newer in [
        "UPDATE apikeys_audit SET action = 'key.rotated'",
        "UPDATE apikeys_audit SET outcome = 'queued', denial = 'NETWORK_NOT_ALLOWED' WHERE outcome IS NOT NULL",
        r#"UPDATE apikeys_audit SET changes = '{"scopes":{"from":null,"to":["read"]}}' WHERE outcome IS NULL"#,
    ] {
        sqlx::query(newer).execute(&mut beside(&path).await).await.unwrap();
    }
    let page = store.audit(&AuditQuery::new(acme, 10)).await.unwrap();
    assert_eq!(page.items.len(), 2);
    assert!(page.items.iter().all(|entry| entry.event.action.as_str() == "key.rotated"));
    let record = page.items.iter().find_map(|entry| entry.event.request()).unwrap();
    assert_eq!(record.outcome.as_str(), "queued");
    assert_eq!(record.denial.as_ref().map(ToString::to_string).as_deref(), Some("NETWORK_NOT_ALLOWED"));
    let changes = page.items.iter().find_map(|entry| match &entry.event.detail {
        Detail::Changes(changes) => Some(changes),
        _ => None,
    });
    let (_, scopes) = changes.unwrap().iter().next().unwrap();
    assert_eq!(scopes.to, ChangeValue::Other(r#"["read"]"#.into()));
}

#[tokio::test]
async fn database_error_is_the_source_and_not_the_message() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    let acme = org("acme");
    let (key, _) = create(&store, &acme).await;
    let mut again = row(&acme);
    again.id = key.id;
    let plan = store.org(&acme).await.unwrap().map(|row| row.stored_plan());
    let error = store.commit(&creation(&again, &secret(key.id), plan)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Rejected);
    assert_eq!(error.to_string(), "the store rejected the operation `commit`");
    assert!(error.source().unwrap().to_string().contains("apikeys_keys"), "{error:?}");
}

#[tokio::test]
async fn batch_of_any_size_is_recorded() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    let acme = org("acme");
    let (key, _) = create(&store, &acme).await;
    let writer = writer(&store).await;
    let mut expected = 0;
    for (sequence, size) in (1..).zip([0, 1, 2, 16, 17, 128, 129, 1_024, 1_025, 2_500]) {
        store.record(&batch(writer, sequence, &key, size)).await.unwrap();
        expected += size;
        let view = store.key(&acme, key.id).await.unwrap().unwrap();
        assert_eq!(usize::try_from(view.request_count), Ok(expected), "{size}");
    }
    let all = store.audit(&AuditQuery::new(acme.clone(), 100_000).action(Action::Request)).await.unwrap();
    assert_eq!(all.items.len(), expected);
}

/// The log is ordered by id and filtered by time. An id may have been made at another time.
#[tokio::test]
async fn time_filter_finds_events_whose_ids_were_made_long_before_or_after() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    let acme = org("acme");
    let (key, _) = create(&store, &acme).await;
    let writer = writer(&store).await;
    let second = 1_000_000;
    let mut events = Vec::new();
    for (made, begun) in [(100, 100), (105, 100), (110, 100), (200, 100), (100, 200), (300, 300), (5, 300)] {
        let mut bytes = [u8::try_from(events.len()).unwrap(); 16];
        bytes[..7].copy_from_slice(&(made * i64::cast_unsigned(second)).to_be_bytes()[1..]);
        let mut event = request(&key);
        event.id = EventId::from_bytes(bytes);
        event.at = Timestamp::from_micros(begun * second);
        events.push(event);
    }
    store.record(&Batch::new(writer, 1, events.clone())).await.unwrap();
    for since in [None, Some(100), Some(101), Some(200), Some(300), Some(301)] {
        for until in [None, Some(100), Some(101), Some(201), Some(300), Some(301)] {
            for by_key in [false, true] {
                for action in [None, Some(Action::Request), Some(Action::AuditGap)] {
                    let mut query = AuditQuery::new(acme.clone(), 2);
                    query.since = since.map(|at| Timestamp::from_micros(at * second));
                    query.until = until.map(|at| Timestamp::from_micros(at * second));
                    query.key = by_key.then_some(key.id);
                    query.action.clone_from(&action);
                    let mut expected: Vec<_> = events
                        .iter()
                        .filter(|event| since.is_none_or(|at| event.at.as_micros() >= at * second))
                        .filter(|event| until.is_none_or(|at| event.at.as_micros() < at * second))
                        .filter(|event| action.as_ref().is_none_or(|action| event.action == *action))
                        .map(|event| event.id)
                        .collect();
                    expected.sort();
                    expected.reverse();
                    let mut read = Vec::new();
                    loop {
                        let page = store.audit(&query).await.unwrap();
                        let requests = page.items.iter().filter(|entry| entry.event.request().is_some());
                        read.extend(requests.map(|entry| entry.event.id));
                        query.after = page.next;
                        if page.next.is_none() {
                            break;
                        }
                    }
                    assert_eq!(read, expected, "{since:?} {until:?} {by_key} {action:?}");
                }
            }
        }
    }
}
