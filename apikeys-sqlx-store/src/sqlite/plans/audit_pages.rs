//! The work of reading audit pages from a long history.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use apikeys_core::{
    KeyId, OrgId, Timestamp,
    audit::Action,
    id::EventId,
    store::{AuditQuery, KeyStore},
};
use sqlx::{
    Arguments as _,
    sqlite::{SqliteArguments, SqlitePool},
};

use super::database;
use crate::{
    argument::{Argument, add_arguments},
    operations::audit,
    sqlite::statements,
    test_data,
};

/// The history of one organization. A key has an event in each of many seconds, thousands of rare events, and
/// some late events. Another key of the organization has few events.
struct History {
    pool: SqlitePool,
    org: OrgId,
    busy: KeyId,
    quiet: KeyId,
    foreign: KeyId,
}

const SECONDS: i64 = 100_000;
const RARE: i64 = 20_000;

/// Returns the time in microseconds `seconds` spans after the beginning of the history.
fn after(seconds: i64) -> i64 {
    test_data::NOW.as_micros() + (seconds << 20)
}

impl History {
    async fn long() -> Self {
        let (pool, store) = database().await;
        let (org, other) = (test_data::org("large"), test_data::org("other"));
        let busy = test_data::create(&store, &org).await.0;
        let quiet = test_data::create(&store, &org).await.0;
        let foreign = test_data::create(&store, &other).await.0;
        let writer = test_data::writer(&store).await;
        for (sequence, key) in (1..).zip([&busy, &quiet, &foreign]) {
            store.record(&test_data::batch(writer, sequence, key, 1)).await.unwrap();
        }
        let history = Self { pool, org, busy: busy.id, quiet: quiet.id, foreign: foreign.id };
        history.plant(history.busy, "request", SECONDS, 1, 0).await;
        history.plant(history.busy, "key.created", RARE, 1, 0).await;
        history.plant(history.quiet, "request", 100, SECONDS / 100, 0).await;
        history.plant(history.busy, "request", 20, SECONDS / 20, 1).await;
        history.plant(history.foreign, "request", SECONDS, 1, 0).await;
        history
    }

    /// Copies the key's event of this action `count` times, at intervals of `every` seconds.
    async fn plant(&self, key: KeyId, action: &str, count: i64, every: i64, late: i64) {
        for text in [
            "WITH RECURSIVE numbers (number) AS (
                SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < ?3)
             INSERT INTO apikeys_audit (org, id, at, late, key, action, actor, method, path, outcome, status, latency_us)
             SELECT a.org, unhex(printf('%014x%s', ?4 + ((number * ?5) << 20) + 17, hex(randomblob(9)))),
                ?4 + ((number * ?5) << 20) + 16, ?6, a.key, a.action, a.actor, a.method, a.path, a.outcome,
                a.status, a.latency_us
             FROM numbers, (SELECT * FROM apikeys_audit WHERE key = ?1 AND action = ?2 LIMIT 1) a",
            "WITH RECURSIVE numbers (number) AS (
                SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < ?3)
             INSERT OR IGNORE INTO apikeys_audit_spans (key, first, last)
             SELECT ?1, unhex(printf('%014x', ((?4 >> 20) + number * ?5) << 20)),
                unhex(printf('%014xffffffffffffffffff', (((?4 >> 20) + number * ?5 + 1) << 20) - 1))
             FROM numbers WHERE ?2 <> '' AND ?6 >= 0",
        ] {
            sqlx::query(text)
                .bind(key.as_bytes().as_slice())
                .bind(action)
                .bind(count)
                .bind(after(0))
                .bind(every)
                .bind(late)
                .execute(&self.pool)
                .await
                .unwrap();
        }
    }

    /// Reads a page. Returns the number of rows, and the number of steps of SQLite's virtual machine in hundreds.
    async fn work(&self, query: &AuditQuery) -> (usize, u64) {
        let steps = Arc::new(AtomicU64::new(0));
        let mut connection = self.pool.acquire().await.unwrap();
        let counter = Arc::clone(&steps);
        connection.lock_handle().await.unwrap().set_progress_handler(100, move || {
            counter.fetch_add(1, Ordering::Relaxed);
            true
        });
        let mut arguments = SqliteArguments::default();
        bind(&mut arguments, &audit::page(query)).unwrap();
        let text = statements::read(audit::statement(query));
        let rows = sqlx::query_with(text, arguments).fetch_all(&mut *connection).await.unwrap();
        (rows.len(), steps.load(Ordering::Relaxed))
    }
}

fn bind(into: &mut SqliteArguments, arguments: &[Argument<'_>]) -> Result<(), sqlx::Error> {
    add_arguments!(into, arguments);
    Ok(())
}

fn cursor(seconds: i64) -> EventId {
    let mut bytes = [0; 16];
    bytes[..7].copy_from_slice(&after(seconds).to_be_bytes()[1..]);
    EventId::from_bytes(bytes)
}

/// All combinations of filters and positions in the history. A page of ten events takes at most three thousand
/// steps. A statement that reads the whole history takes hundreds of thousands of steps.
#[tokio::test]
async fn audit_page_of_a_long_history_takes_few_steps_with_every_filter() {
    let history = History::long().await;
    let keys = [None, Some(history.busy), Some(history.quiet), Some(history.foreign)];
    let actions = [None, Some(Action::Request), Some(Action::KeyCreated), Some(Action::AuditGap)];
    let middle = SECONDS / 2;
    let early = RARE / 2;
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
    let afters =
        [None, Some(SECONDS - 1), Some(middle), Some(early), Some(20), Some(-10), Some(-1_000_000_000)];
    let mut filled = 0;
    for key in keys {
        for action in &actions {
            for (since, until) in times {
                for place in afters {
                    let mut query = AuditQuery::new(history.org.clone(), 10).after(place.map(cursor));
                    (query.key, query.action) = (key, action.clone());
                    query.since = since.map(after).map(Timestamp::from_micros);
                    query.until = until.map(after).map(Timestamp::from_micros);
                    let (rows, hundreds) = history.work(&query).await;
                    assert!(hundreds < 100, "{hundreds}00 steps for {rows} rows: {query:?}");
                    assert!(key != Some(history.foreign) || rows == 0, "another organization's: {query:?}");
                    filled += usize::from(rows == 11);
                }
            }
        }
    }
    // A page that has nothing to read also takes few steps.
    assert!(filled > 150, "only {filled} full pages");
}
