//! Reads of one organization do not delay verifications of another organization. The database stops a read that
//! takes too long and a read whose future was dropped.

use std::{
    future::poll_fn,
    path::Path,
    task::Poll,
    time::{Duration, Instant},
};

use super::common::{self, NOW, create, org, url};
use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{
        Timestamp,
        store::{
            AuditQuery, KeyRow, KeyStore, SecretRow, StoreErrorKind, StoreResult, UsageQuery, UsageStep,
        },
    },
};
use apikeys_test_leftovers::Folder;
use sqlx::{
    Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions},
};
use tokio::time::{sleep, timeout};

/// The time limit of an operation in these tests. It is longer than a read can take and shorter than the time that
/// the engine waits for a verification.
const TOO_LONG: Duration = Duration::from_secs(4);

/// Replaces tables that the audit log and usage are read from by views without an end.
const ENDLESS: [&str; 4] = [
    "DROP TABLE apikeys_usage",
    "CREATE VIEW apikeys_usage AS
        WITH RECURSIVE numbers (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers)
        SELECT number AS hour, 0 AS org, zeroblob(number % 16) AS key, 0 AS requests, 0 AS denied FROM numbers",
    "DROP TABLE apikeys_audit_spans",
    "CREATE VIEW apikeys_audit_spans AS
        WITH RECURSIVE numbers (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers)
        SELECT zeroblob(number % 16) AS key, zeroblob(number % 7) AS first, zeroblob(number % 7) AS last FROM numbers",
];

/// A database with two organizations, in which reading the audit log or the usage of a key never ends.
struct Endless {
    store: SqliteStore,
    pool: Option<SqlitePool>,
    large: KeyRow,
    other: SecretRow,
    _folder: Folder,
}

impl Endless {
    async fn connected() -> Self {
        let folder = Folder::new();
        let path = folder.path().join("keys.db");
        let store = SqliteStore::connect(&url(&path)).await.unwrap();
        Self::filled(store, None, &path, folder).await
    }

    async fn on_pool(connections: u32) -> Self {
        let folder = Folder::new();
        let path = folder.path().join("host.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let pool = SqlitePoolOptions::new().max_connections(connections).connect_with(options).await.unwrap();
        let store = SqliteStore::new(pool.clone());
        store.migrate().await.unwrap();
        Self::filled(store, Some(pool), &path, folder).await
    }

    async fn filled(store: SqliteStore, pool: Option<SqlitePool>, path: &Path, folder: Folder) -> Self {
        let (large, _) = create(&store, &org("large")).await;
        let (_, other) = create(&store, &org("other")).await;
        let mut beside = common::beside(path).await;
        for statement in ENDLESS {
            sqlx::query(statement).execute(&mut beside).await.unwrap();
        }
        beside.close().await.unwrap();
        Self { store, pool, large, other, _folder: folder }
    }

    async fn usage(&self) -> StoreResult<()> {
        usage(&self.store, &self.large).await
    }

    async fn audit(&self) -> StoreResult<()> {
        audit(&self.store, &self.large).await
    }

    /// Finds the key of the other organization. Returns how long that took.
    async fn find(&self) -> Duration {
        let began = Instant::now();
        let found = timeout(TOO_LONG, self.store.find(std::slice::from_ref(&self.other.locator)));
        assert!(found.await.expect("no answer").unwrap().is_some());
        let schemes = timeout(TOO_LONG, self.store.schemes());
        assert_eq!(schemes.await.expect("no answer").unwrap().len(), 1);
        began.elapsed()
    }
}

async fn usage(store: &SqliteStore, key: &KeyRow) -> StoreResult<()> {
    let query = UsageQuery::new(key.org.clone(), key.id, Timestamp::MIN, Timestamp::MAX, UsageStep::Hour);
    store.usage(&query).await.map(drop)
}

async fn audit(store: &SqliteStore, key: &KeyRow) -> StoreResult<()> {
    let query = AuditQuery::new(key.org.clone(), 50).key(key.id).since(NOW);
    store.audit(&query).await.map(drop)
}

/// Runs sixteen reads at the same time, and starts each read again when it has failed. Returns the longest time of
/// a verification.
async fn verification_beside_endless_reads(database: Endless) -> Duration {
    let readers: Vec<_> = (0..16)
        .map(|number| {
            let (store, key) = (database.store.clone(), database.large.clone());
            tokio::spawn(async move {
                loop {
                    let read =
                        if number % 2 == 0 { usage(&store, &key).await } else { audit(&store, &key).await };
                    assert_eq!(read.unwrap_err().kind(), StoreErrorKind::Unavailable);
                }
            })
        })
        .collect();
    sleep(Duration::from_millis(200)).await;
    let mut longest = Duration::ZERO;
    let began = Instant::now();
    // This time is longer than a read can take, so that reads end and begin again.
    while began.elapsed() < Duration::from_secs(3) {
        longest = longest.max(database.find().await);
        sleep(Duration::from_millis(10)).await;
    }
    for reader in readers {
        reader.abort();
        assert!(reader.await.unwrap_err().is_cancelled(), "a read ended otherwise than by being stopped");
    }
    println!("the longest verification took {longest:?}");
    longest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verification_beside_long_reads_on_a_file_does_not_wait() {
    let longest = verification_beside_endless_reads(Endless::connected().await).await;
    assert!(longest < Duration::from_secs(1), "{longest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verification_beside_long_reads_on_a_pool_does_not_wait() {
    for connections in [2, 3, 4, 10] {
        let longest = verification_beside_endless_reads(Endless::on_pool(connections).await).await;
        assert!(longest < Duration::from_secs(1), "{connections} connections: {longest:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verification_beside_long_reads_on_one_connection_waits_for_one_read() {
    let longest = verification_beside_endless_reads(Endless::on_pool(1).await).await;
    assert!(longest < Duration::from_millis(1_500), "{longest:?}");
}

#[tokio::test]
async fn read_that_takes_too_long_fails_with_a_temporary_error() {
    for database in [Endless::connected().await, Endless::on_pool(4).await, Endless::on_pool(1).await] {
        for operation in ["usage", "audit"] {
            let read =
                async { if operation == "usage" { database.usage().await } else { database.audit().await } };
            let error = timeout(TOO_LONG, read).await.expect("the read was not stopped").unwrap_err();
            assert!(error.is_temporary());
            let message = format!("the operation `{operation}` failed because the store is unavailable");
            assert_eq!(error.to_string(), message);
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains("stopped"), "{source}");
        }
        assert!(database.find().await < Duration::from_secs(1));
    }
}

/// With one connection, the next read shows whether the previous read still runs.
#[tokio::test]
async fn read_whose_future_is_dropped_is_stopped_in_the_database() {
    for database in [Endless::on_pool(1).await, Endless::on_pool(4).await] {
        let mut times = Vec::new();
        for _ in 0..9 {
            begun_and_dropped(database.usage(), Duration::from_millis(20)).await;
            times.push(database.find().await);
        }
        // A read that is not stopped uses the connection for half a second. A busy machine delays some rounds,
        // but not the median.
        times.sort();
        assert!(times[4] < Duration::from_millis(200), "{times:?}");
    }
}

/// The progress handler of a stopped read does not stop later statements on the connection.
#[tokio::test]
async fn statement_of_the_service_after_a_stopped_read_is_not_stopped() {
    let database = Endless::on_pool(1).await;
    let pool = database.pool.as_ref().unwrap();
    for polls in 0..40 {
        let mut read = Box::pin(async {
            if polls % 2 == 0 {
                database.usage().await
            } else {
                database.store.key(&database.large.org, database.large.id).await.map(drop)
            }
        });
        let mut left = polls / 2;
        poll_fn(|context| match read.as_mut().poll(context) {
            Poll::Pending if left > 0 => {
                left -= 1;
                Poll::Pending
            }
            Poll::Pending | Poll::Ready(_) => Poll::Ready(()),
        })
        .await;
        drop(read);
        // This statement of the service takes many thousand steps.
        assert_eq!(counted(&mut pool.acquire().await.unwrap(), 100_000).await, 100_000);
    }
    database.usage().await.unwrap_err();
    // These statements take longer than a read of the store can take.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        assert_eq!(counted(&mut pool.acquire().await.unwrap(), 5_000_000).await, 5_000_000);
    }
}

async fn counted(connection: &mut SqliteConnection, number: i64) -> i64 {
    sqlx::query(
        "WITH RECURSIVE numbers (number) AS (
            SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?1
         ) SELECT count(*) FROM numbers",
    )
    .bind(number)
    .fetch_one(connection)
    .await
    .unwrap()
    .get(0)
}

async fn begun_and_dropped(read: impl Future<Output = StoreResult<()>>, after: Duration) {
    assert!(timeout(after, read).await.is_err(), "the read ended");
}
