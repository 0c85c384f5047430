use std::fmt::Debug;

use apikeys_core::{
    id::EventId,
    store::{KeyRow, KeyStore, SecretRow, StoreResult},
};
use apikeys_test_servers::{MySql, TestDatabase};
use sqlx::{
    AssertSqlSafe, Executor as _, Row as _,
    mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions},
};

use crate::{
    MySqlStore,
    mysql::{connections::Connections, texts::Prefix},
    test_data::{self, NOW},
};

/// The number of keys of the organization with many keys.
pub(super) const CROWD: i64 = 100_000;
/// The length of the history in seconds. A key has an event in each of them.
pub(super) const SECONDS: i64 = 100_000;
/// The number of rare events.
pub(super) const RARE: i64 = 20_000;

/// A database with large tables, and a store with one connection, whose work can be counted.
///
/// One organization has a key with an event in each second, thousands of rare events, some late events and much usage. It
/// also has a key with few events. Another organization has a key with many events, and a third one has many keys.
pub(super) struct History {
    pub(super) store: MySqlStore,
    pub(super) busy: KeyRow,
    pub(super) quiet: KeyRow,
    pub(super) foreign: KeyRow,
    pub(super) crowd: KeyRow,
    pub(super) secret: SecretRow,
    pool: MySqlPool,
    _database: TestDatabase<MySql>,
}

/// Returns the time in microseconds `seconds` seconds after the beginning of the history.
pub(super) fn after(seconds: i64) -> i64 {
    NOW.as_micros() + seconds * 1_000_000
}

/// Returns the id of the key with this number in the organization with many keys.
pub(super) fn id(number: i64) -> EventId {
    let mut bytes = [0x33; 16];
    bytes[..7].copy_from_slice(&after(number).to_be_bytes()[1..]);
    EventId::from_bytes(bytes)
}

/// The numbers from 0 to 99,999.
const NUMBERS: &str = "(SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n AS number
     FROM DIGITS a, DIGITS b, DIGITS c, DIGITS d, DIGITS e) numbers";
const DIGITS: &str =
    "(SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
     UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";

impl History {
    pub(super) async fn long() -> Self {
        let database = MySql::database().await;
        let options: MySqlConnectOptions = database.url().parse().unwrap();
        let connections = Connections::lazy(&options, &MySqlPoolOptions::new(), 4);
        // This pool has one connection.
        let pool = connections.management;
        let store = MySqlStore::over(
            Connections {
                management: pool.clone(),
                changes: pool.clone(),
                recording: pool.clone(),
                renewal: pool.clone(),
                verification: pool.clone(),
                options: connections.options,
            },
            Prefix::default(),
        );
        store.migrate().await.unwrap();
        let large = test_data::org("large");
        let (busy, _) = test_data::create(&store, &large).await;
        let (quiet, _) = test_data::create(&store, &large).await;
        let (foreign, _) = test_data::create(&store, &test_data::org("other")).await;
        let (crowd, secret) = test_data::create(&store, &test_data::org("crowd")).await;
        let writer = test_data::writer(&store).await;
        for (sequence, key) in (1..).zip([&busy, &quiet, &foreign]) {
            store.record(&test_data::batch(writer, sequence, key, 1)).await.unwrap();
        }
        let history = Self { store, busy, quiet, foreign, crowd, secret, pool, _database: database };
        history.plant(&history.busy, "request", SECONDS, 1, false).await;
        history.plant(&history.busy, "key.created", RARE, 1, false).await;
        history.plant(&history.quiet, "request", 100, SECONDS / 100, false).await;
        history.plant(&history.busy, "request", 20, SECONDS / 20, true).await;
        history.plant(&history.foreign, "request", SECONDS, 1, false).await;
        history.plant_keys().await;
        history.plant_usage(&history.busy).await;
        history
    }

    /// Runs a statement for the numbers from 0 to 99,999.
    async fn run(&self, statement: String) {
        let text =
            statement.replace("NUMBERS", NUMBERS).replace("DIGITS", DIGITS).replace(" key ", " `key` ");
        self.pool.execute(AssertSqlSafe(text)).await.unwrap();
    }

    /// Copies the key's event of this action `count` times, at intervals of `every` seconds.
    async fn plant(&self, key: &KeyRow, action: &str, count: i64, every: i64, late: bool) {
        let key: String = key.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let (start, salt) = (after(0), if late { "late" } else { action });
        let id = format!(
            "unhex(concat(lpad(hex({start} + number * {every} * 1000000 + 17), 14, '0'),
                substr(sha1(concat('{salt}', '{key}', number)), 1, 18)))"
        );
        let at = format!("{start} + number * {every} * 1000000 + 16");
        self.run(format!(
            "INSERT INTO apikeys_audit (org, id, at, late, key , action, actor, method, path, outcome, status, latency_us)
             SELECT a.org, {id}, {at}, {late}, a. key , a.action, a.actor, a.method, a.path, a.outcome, a.status,
                a.latency_us
             FROM NUMBERS, (SELECT * FROM apikeys_audit WHERE key = x'{key}' AND action = '{action}' LIMIT 1) a
             WHERE number < {count}"
        ))
        .await;
        if action != "request" {
            self.run(format!(
                "INSERT INTO apikeys_audit_rare (org, action, id, key , at, late)
                 SELECT org, action, id, key , at, late FROM apikeys_audit a
                 WHERE key = x'{key}' AND action = '{action}' AND NOT EXISTS (
                    SELECT 1 FROM apikeys_audit_rare r WHERE r.org = a.org AND r.action = a.action AND r.id = a.id)"
            ))
            .await;
        }
        if late {
            self.run(
                "INSERT INTO apikeys_audit_late (org, at, id) SELECT org, at, id FROM apikeys_audit WHERE late"
                    .to_owned(),
            )
            .await;
        }
    }

    /// Adds keys with all their rows.
    async fn plant_keys(&self) {
        let id =
            format!("unhex(concat(lpad(hex({} + number * 1000000), 14, '0'), repeat('33', 9)))", after(0));
        let org = "(SELECT num FROM apikeys_orgs WHERE id = 'crowd')";
        let expires = self.crowd.expires_at.unwrap().as_micros();
        for statement in [
            format!(
                "INSERT INTO apikeys_keys SELECT {id}, k.org, k.name, k.display_prefix, k.active, k.created_at,
                    k.created_by, k.expires_at, k.expiry_set_at, k.rate_limit, k.version, k.settings
                 FROM NUMBERS, (SELECT * FROM apikeys_keys WHERE org = {org} LIMIT 1) k"
            ),
            format!("INSERT INTO apikeys_counters SELECT {id}, {org}, 0, NULL FROM NUMBERS"),
            format!(
                "INSERT INTO apikeys_secrets
                 SELECT 'sha256', unhex(sha1(number)), {id}, 0, NULL FROM NUMBERS"
            ),
            format!("INSERT INTO apikeys_warnings SELECT {id}, {expires} + number, NULL, NULL, NULL FROM NUMBERS"),
            format!(
                "INSERT INTO apikeys_tombstones
                 SELECT unhex(md5(number)), {org}, 'gone', 'gone' FROM NUMBERS WHERE number < 50000"
            ),
            format!(
                "INSERT INTO apikeys_usage
                 SELECT {} + (number % 100) * 3600000000, {org}, {id}, 1, 0 FROM NUMBERS",
                NOW.as_micros()
            ),
            "UPDATE apikeys_orgs SET key_count = 100001 WHERE id = 'crowd'".to_owned(),
            "UPDATE apikeys_schemes SET secrets = secrets + 100000".to_owned(),
        ] {
            self.run(statement).await;
        }
    }

    /// Adds usage of the key in 10,000 hours.
    async fn plant_usage(&self, key: &KeyRow) {
        let text = format!(
            "INSERT INTO apikeys_usage SELECT {} + number * 3600000000, k.org, k.id, 1, 0
             FROM NUMBERS, (SELECT * FROM apikeys_keys WHERE id = x'{}') k WHERE number < 10000
             ON DUPLICATE KEY UPDATE denied = apikeys_usage.denied",
            NOW.as_micros() / 3_600_000_000 * 3_600_000_000,
            key.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        );
        self.run(text).await;
    }

    /// Updates the statistics of all tables.
    pub(super) async fn analyze(&self) {
        for table in [
            "audit",
            "audit_rare",
            "audit_late",
            "keys",
            "counters",
            "secrets",
            "warnings",
            "tombstones",
            "usage",
        ] {
            sqlx::query(AssertSqlSafe(format!("ANALYZE TABLE apikeys_{table}")))
                .fetch_all(&self.pool)
                .await
                .unwrap();
        }
    }

    /// Runs an operation, and asserts that it succeeds and reads at most so many rows.
    pub(super) async fn work<T>(
        &self,
        what: impl Debug,
        most: u64,
        operation: impl Future<Output = StoreResult<T>>,
    ) -> T {
        let (first, second) = (self.rows_read().await, self.rows_read().await);
        let result = operation.await.unwrap_or_else(|error| panic!("{what:?}: {error:?}"));
        let read = (self.rows_read().await - second).saturating_sub(second - first);
        assert!(read <= most, "{read} rows for {what:?}");
        result
    }

    /// Returns the number of rows that the connection has read.
    async fn rows_read(&self) -> u64 {
        let rows =
            sqlx::query("SHOW SESSION STATUS LIKE 'Handler_read%'").fetch_all(&self.pool).await.unwrap();
        // MariaDB also counts retries under such a name.
        let counters = rows.iter().filter(|row| !row.get::<String, _>(0).contains("retry"));
        counters.map(|row| row.get::<String, _>(1).parse::<u64>().unwrap()).sum()
    }
}
