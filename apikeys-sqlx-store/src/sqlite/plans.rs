//! No read walks a table, whatever an organization has stored: the plans of all statements, and
//! the work of audit pages on a long history.

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
    AssertSqlSafe, Row, SqliteConnection,
    sqlite::{SqlitePool, SqlitePoolOptions},
};

use super::{log, statements::Statement};
use crate::{SqliteStore, test_data};

/// The parts of a statement's plan that are not a search in an index, each with the reason why it
/// is harmless. There is no wildcard: a new statement must say here what its plan may hold.
const fn harmless(statement: Statement) -> &'static [&'static str] {
    /// Late events, which are few, are sorted before they are picked, and what was picked for the
    /// page before it is merged.
    const WITH_LATE: &[&str] =
        &["USE TEMP B-TREE FOR ORDER BY", "USE TEMP B-TREE FOR ORDER BY", "USE TEMP B-TREE FOR ORDER BY"];
    match statement {
        Statement::FindOne
        | Statement::Org
        | Statement::Key
        | Statement::KeysOfOrg
        | Statement::KeysOfAll
        | Statement::AuditOfOrg
        | Statement::RareOfOrg
        | Statement::RareOfKey => &[],
        // What was picked for the page.
        Statement::AuditOfKey => &["USE TEMP B-TREE FOR ORDER BY"],
        // The eight candidates.
        Statement::FindEight => &["SCAN 8-ROW VALUES CLAUSE", "CREATE BLOOM FILTER"],
        // One row for each scheme: as many as there are peppers.
        Statement::Schemes => &["SCAN apikeys_schemes"],
        // The hours that exist, 8,760 for each year, of which the next is found by index.
        Statement::Usage => &["SCAN hours", "SCAN hours", "USE TEMP B-TREE FOR ORDER BY"],
        Statement::AuditOfOrgAndTime
        | Statement::AuditOfKeyAndTime
        | Statement::RareOfOrgAndTime
        | Statement::RareOfKeyAndTime => WITH_LATE,
    }
}

/// How a statement walks through what grows with an organization's history: from where, and to
/// where.
const fn walks(statement: Statement) -> &'static [&'static str] {
    const LATE: &str = "p USING INDEX apikeys_audit_late (org=? AND at>? AND at<?)";
    match statement {
        Statement::FindOne | Statement::FindEight | Statement::Schemes | Statement::Org | Statement::Key => {
            &[]
        }
        Statement::KeysOfOrg => &["k USING INDEX apikeys_keys_by_org (org=? AND id<?)"],
        Statement::KeysOfAll => &["k USING PRIMARY KEY (id<?)"],
        Statement::Usage => {
            &["apikeys_usage USING PRIMARY KEY (hour>?)", "u USING PRIMARY KEY (hour=? AND org=? AND key=?)"]
        }
        Statement::AuditOfOrg => &["p USING INDEX apikeys_audit_by_org (org=? AND id<?)"],
        Statement::AuditOfOrgAndTime => {
            &["p USING INDEX apikeys_audit_by_org (org=? AND id>? AND id<?)", LATE]
        }
        Statement::AuditOfKey => &[
            "s USING PRIMARY KEY (key=? AND first<?)",
            "p USING INDEX apikeys_audit_by_org (org=? AND id>? AND id<?)",
        ],
        Statement::AuditOfKeyAndTime => &[
            "s USING PRIMARY KEY (key=? AND first>? AND first<?)",
            "p USING INDEX apikeys_audit_by_org (org=? AND id>? AND id<?)",
            LATE,
        ],
        Statement::RareOfOrg => &["INDEX apikeys_audit_by_action (org=? AND action=? AND id<?)"],
        Statement::RareOfOrgAndTime => {
            &["INDEX apikeys_audit_by_action (org=? AND action=? AND id>? AND id<?)", LATE]
        }
        Statement::RareOfKey => &["INDEX apikeys_audit_by_key_and_action (key=? AND action=? AND id<?)"],
        Statement::RareOfKeyAndTime => {
            &["INDEX apikeys_audit_by_key_and_action (key=? AND action=? AND id>? AND id<?)", LATE]
        }
    }
}

async fn database() -> (SqlitePool, SqliteStore) {
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    (pool, store)
}

async fn plan(connection: &mut SqliteConnection, statement: Statement) -> Vec<String> {
    let text = format!("EXPLAIN QUERY PLAN {}", statement.sql());
    let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get(3)).collect()
}

/// Whether a line of a plan says how rows are reached otherwise than by an index. The rows that a
/// subquery of the statement yields do not count: the subquery has lines of its own.
fn is_no_search(line: &str) -> bool {
    let of_subquery = line.starts_with("SCAN (subquery") || line == "SCAN a";
    let harmless = ["SEARCH ", "CO-ROUTINE ", "SCALAR SUBQUERY ", "CORRELATED SCALAR ", "LIST SUBQUERY "];
    let structure =
        ["MERGE (UNION ALL)", "LEFT", "RIGHT", "COMPOUND QUERY", "LEFT-MOST SUBQUERY", "UNION ALL", "SETUP"];
    let is_structure = structure.contains(&line) || line == "RECURSIVE STEP";
    !of_subquery && !is_structure && !harmless.iter().any(|start| line.starts_with(start))
}

/// What SQLite knows of the sizes of tables can turn its plans. A host may have it gathered.
async fn plant_statistics(connection: &mut SqliteConnection, rows: u64, equal: u64) {
    for text in [
        "ANALYZE",
        "DELETE FROM sqlite_stat1",
        "INSERT INTO sqlite_stat1 (tbl, idx, stat)
         SELECT t.name, i.name, ?1 || (
            SELECT group_concat(CASE WHEN i.\"unique\" AND c.seqno = (
                SELECT max(seqno) FROM pragma_index_info(i.name)) THEN ' 1' ELSE ' ' || ?2 END, '')
            FROM pragma_index_info(i.name) c)
         FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type = 'table' AND t.name LIKE 'apikeys%'",
        "ANALYZE sqlite_schema",
    ] {
        let query = sqlx::query(text);
        let query =
            if text.contains("?2") { query.bind(rows.to_string()).bind(equal.to_string()) } else { query };
        query.execute(&mut *connection).await.unwrap();
    }
}

#[tokio::test]
async fn statements_search_by_index_whatever_is_known_of_the_tables_sizes() {
    for statistics in [None, Some((1, 1)), Some((2, 1)), Some((100, 100)), Some((100_000_000, 10_000_000))] {
        let (pool, _) = database().await;
        let mut connection = pool.acquire().await.unwrap();
        if let Some((rows, equal)) = statistics {
            plant_statistics(&mut connection, rows, equal).await;
        }
        for &statement in Statement::ALL {
            let plan = plan(&mut connection, statement).await;
            let others: Vec<_> = plan.iter().filter(|line| is_no_search(line)).collect();
            assert_eq!(others, harmless(statement), "{statement:?} with {statistics:?}: {plan:#?}");
            for walk in walks(statement) {
                let found = plan.iter().any(|line| line.starts_with("SEARCH ") && line.ends_with(walk));
                assert!(found, "{statement:?} with {statistics:?} does not walk {walk}: {plan:#?}");
            }
        }
    }
}

/// The history of one organization: a key with an event in each of many seconds, thousands of
/// rare events of the same key, another key with few events, and some late events.
struct History {
    pool: SqlitePool,
    org: OrgId,
    busy: KeyId,
    quiet: KeyId,
    foreign: KeyId,
}

const SECONDS: i64 = 100_000;
const RARE: i64 = 20_000;

/// The time in microseconds `seconds` after the history begins.
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

    /// Copies the key's event of this action into `count` seconds, `every` so many.
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

    /// The number of rows and the steps of SQLite's virtual machine that a page takes, in hundreds.
    async fn work(&self, query: &AuditQuery) -> (usize, u64) {
        let steps = Arc::new(AtomicU64::new(0));
        let mut connection = self.pool.acquire().await.unwrap();
        let counter = Arc::clone(&steps);
        connection.lock_handle().await.unwrap().set_progress_handler(100, move || {
            counter.fetch_add(1, Ordering::Relaxed);
            true
        });
        let rows = log::page(query).into_query().fetch_all(&mut *connection).await.unwrap();
        (rows.len(), steps.load(Ordering::Relaxed))
    }
}

fn cursor(seconds: i64) -> EventId {
    let mut bytes = [0; 16];
    bytes[..7].copy_from_slice(&after(seconds).to_be_bytes()[1..]);
    EventId::from_bytes(bytes)
}

/// All combinations of filters and places in the history. A page of ten events takes
/// three thousand steps at most; a walk over the history would take hundreds of thousands.
#[tokio::test]
async fn pages_of_a_long_history_take_little_work_with_every_filter_and_at_every_place() {
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
    // Otherwise little work would only mean that there was nothing to read.
    assert!(filled > 150, "only {filled} full pages");
}
