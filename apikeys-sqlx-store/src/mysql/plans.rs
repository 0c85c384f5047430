//! The work of all operations on large tables. No operation scans a table that grows with the data of organizations.
//!
//! The server counts the rows that a connection reads. This says more than the output of `EXPLAIN`, which names the index
//! and not the part of the index that is read, and it is alike in MySQL and MariaDB.

mod history;

use apikeys_core::{
    KeyId, Timestamp,
    audit::Action,
    id::{ClaimId, EventId},
    store::{
        AuditQuery, Batch, ChangeKind, FinishedWarning, KeyQuery, KeyRow, KeyStore, SentWarning, UsageQuery,
        UsageStep, WarningClaim, Warnings as _,
    },
    warning::WarningPeriods,
};

use self::history::{CROWD, History, RARE, SECONDS, after};
use crate::test_data::{self, NOW, org};

/// The most rows that an operation with a few rows reads.
const FEW: u64 = 100;

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn operations_on_large_tables_read_few_rows() {
    let history = History::long().await;
    reads(&history).await;
    audit_pages(&history).await;
    history.analyze().await;
    reads(&history).await;
    audit_pages(&history).await;
    changes(&history).await;
    recording(&history).await;
    warnings(&history).await;
    purge(&history).await;
}

/// The positions of keys, between which pages of keys begin.
fn key_after(number: i64) -> KeyId {
    KeyId::from_bytes(*history::id(number).as_bytes())
}

async fn reads(history: &History) {
    let (store, crowd) = (&history.store, &history.crowd);
    let known = &history.secret.locator;
    let found = history.work("find", FEW, store.find(std::slice::from_ref(known))).await;
    assert!(found.is_some());
    let mut many: Vec<_> = (0..15).map(|_| test_data::secret(crowd.id).locator).collect();
    assert!(history.work("find none of 15", FEW, store.find(&many)).await.is_none());
    many.push(known.clone());
    assert!(history.work("find one of 16", FEW, store.find(&many)).await.is_some());
    history.work("schemes", FEW, store.schemes()).await;
    history.work("org", FEW, store.org(&crowd.org)).await;
    assert!(history.work("key", FEW, store.key(&crowd.org, crowd.id)).await.is_some());
    for place in [None, Some(CROWD - 20), Some(CROWD / 2), Some(20), Some(-1)] {
        for org in [None, Some(crowd.org.clone()), Some(history.busy.org.clone())] {
            let query = KeyQuery::new(org, 10).after(place.map(key_after));
            history.work("keys", FEW, store.keys(&query)).await;
        }
    }
    for (hours, key) in [(24, &history.busy), (24, &history.foreign), (1_000, &history.busy)] {
        let until = NOW.as_micros() + hours * 3_600_000_000;
        let until = Timestamp::from_micros(until);
        let query = UsageQuery::new(history.busy.org.clone(), key.id, NOW, until, UsageStep::Hour);
        let most = 3 * hours.unsigned_abs() + FEW;
        let points = history.work("usage", most, store.usage(&query)).await;
        assert_eq!(points.len() as u64, if key.id == history.busy.id { hours.unsigned_abs() } else { 0 });
    }
}

fn cursor(seconds: i64) -> EventId {
    let mut bytes = [0; 16];
    bytes[..7].copy_from_slice(&after(seconds).to_be_bytes()[1..]);
    EventId::from_bytes(bytes)
}

/// All combinations of filters and positions in the history.
async fn audit_pages(history: &History) {
    let keys = [None, Some(history.busy.id), Some(history.quiet.id), Some(history.foreign.id)];
    let actions = [None, Some(Action::Request), Some(Action::KeyCreated), Some(Action::AuditGap)];
    let (middle, early) = (SECONDS / 2, RARE / 2);
    let times = [
        (None, None),
        (Some(SECONDS - 5), None),
        (Some(middle), Some(middle + 60)),
        (Some(early), Some(early + 60)),
        (None, Some(middle)),
        (None, Some(10)),
        (Some(10), Some(SECONDS + 1_000_000_000)),
        (Some(-1_000_000_000), Some(-1_000)),
        (Some(SECONDS + 1_000), Some(SECONDS + 2_000)),
    ];
    let places =
        [None, Some(SECONDS - 1), Some(middle), Some(early), Some(20), Some(-10), Some(-1_000_000_000)];
    let mut filled = 0;
    for key in keys {
        for action in &actions {
            for (since, until) in times {
                for place in places {
                    let mut query = AuditQuery::new(history.busy.org.clone(), 10).after(place.map(cursor));
                    (query.key, query.action) = (key, action.clone());
                    query.since = since.map(after).map(Timestamp::from_micros);
                    query.until = until.map(after).map(Timestamp::from_micros);
                    let page = history.work(&query, 300, history.store.audit(&query)).await;
                    let foreign = key == Some(history.foreign.id);
                    assert!(!foreign || page.items.is_empty(), "another organization's: {query:?}");
                    filled += usize::from(page.items.len() == 10);
                }
            }
        }
    }
    // A page that has nothing to read also reads few rows.
    assert!(filled > 150, "only {filled} full pages");
}

async fn changes(history: &History) {
    let store = &history.store;
    let of_crowd = store.org(&history.crowd.org).await.unwrap().unwrap();
    let expected = Some(of_crowd.stored_plan());
    let mut key = test_data::row(&history.crowd.org);
    let (first, second) = (test_data::secret(key.id), test_data::secret(key.id));
    history.work("create", FEW, store.commit(&test_data::creation(&key, &first, expected))).await;
    let repeated =
        test_data::creation(&key, &first, store.org(&key.org).await.unwrap().map(|row| row.stored_plan()));
    history.work("create again", FEW, async { Ok(store.commit(&repeated).await.is_err()) }).await;
    key.version += 1;
    let kind = ChangeKind::Update {
        row: key.clone(),
        expected_version: key.version - 1,
        added: vec![second],
        dropped: vec![first.locator],
    };
    history.work("update", FEW, store.commit(&test_data::change(kind, Action::KeyUpdated))).await;
    history.work("delete", FEW, store.commit(&test_data::deletion(&key))).await;
    // A deletion deletes the usage of up to 1,000 hours.
    let deletion = test_data::deletion(&history.busy);
    history.work("delete with usage", 7_000 + FEW, store.commit(&deletion)).await;
    history.work("forget", FEW, store.commit(&test_data::forgetting(&history.busy.org))).await;
}

async fn recording(history: &History) {
    let store = &history.store;
    let writer = test_data::writer(store).await;
    history.work("open a writer", FEW, store.open_writer(writer)).await;
    let keys: Vec<KeyRow> = (0..100)
        .map(|number| {
            let mut key = history.crowd.clone();
            key.id = key_after(number * 900);
            key
        })
        .collect();
    let events = |late: bool| {
        let requests = keys.iter().map(|key| {
            let mut event = test_data::request(key);
            if late {
                event.at = Timestamp::from_micros(after(-1_000));
            }
            event
        });
        requests.collect()
    };
    for (sequence, late) in [(1, false), (2, true)] {
        let batch = Batch::new(writer, sequence, events(late));
        history.work("record 100 events", 20 * FEW, store.record(&batch)).await;
    }
    let counted = store.key(&history.crowd.org, key_after(900)).await.unwrap().unwrap();
    assert_eq!(counted.request_count, 2);
}

async fn warnings(history: &History) {
    let store = &history.store;
    let now = history.crowd.expires_at.unwrap();
    let claim = WarningClaim::new(
        ClaimId::from_bytes(test_data::bytes()),
        now.saturating_sub(std::time::Duration::from_secs(3_600)),
        now,
        WarningPeriods::default(),
        10,
    );
    let claimed = history.work("claim", 3 * FEW, store.claim(&claim)).await;
    assert!(!claimed.warnings.is_empty());
    let key = &claimed.warnings[0].key;
    let sent = SentWarning::new(key.expires_at.unwrap(), claimed.warnings[0].period);
    let event = test_data::event(&key.org, Some(key.id), Action::Request);
    let finished = FinishedWarning::new(claim.id, key.org.clone(), key.id, sent, Some(event));
    history.work("finish", FEW, store.finish(&finished)).await;
    history.work("postpone", FEW, store.postpone(claim.id, key.id, now)).await;
}

/// Purges organizations with a long history and with many keys, in pieces.
async fn purge(history: &History) {
    let store = &history.store;
    test_data::done(store, &test_data::forgetting(&org("crowd"))).await;
    test_data::done(store, &test_data::forgetting(&org("other"))).await;
    let (mut pieces, mut rows) = (0, 0);
    for most in [50, 100, 200].into_iter().cycle() {
        // A deleted key has five rows, and each is found in an index.
        let progress = history.work("purge", 10 * u64::from(most) + FEW, store.purge(most)).await;
        (pieces, rows) = (pieces + 1, rows + progress.rows);
        if !progress.more || pieces == 60 {
            break;
        }
    }
    assert!(rows > 3_000, "only {rows} rows in {pieces} pieces");
}
