use apikeys_core::{KeyId, OrgId, store::KeyStore};
use apikeys_test_servers::{Postgres, TestDatabase};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::{PostgresStore, values};

/// The statistics of PostgreSQL about the sizes of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statistics {
    /// PostgreSQL has no statistics.
    Missing,
    /// The sizes from a time when each table had a few rows.
    Old,
    /// The current sizes.
    Current,
}

impl Statistics {
    pub(super) const ALL: [Self; 3] = [Self::Missing, Self::Old, Self::Current];
}

/// The long history of one organization. A key has an event in each of many seconds, thousands of rare events, and
/// some late events. Another key of the organization has few events.
pub(super) struct History {
    database: TestDatabase<Postgres>,
    pub(super) org: OrgId,
    pub(super) busy: KeyId,
    pub(super) quiet: KeyId,
    pub(super) foreign: KeyId,
}

pub(super) const SECONDS: i64 = 100_000;
pub(super) const RARE: i64 = 20_000;

/// Returns the time in microseconds `seconds` seconds after the beginning of the history.
pub(super) fn after(seconds: i64) -> i64 {
    values::NOW.as_micros() + seconds * 1_000_000
}

impl History {
    pub(super) async fn new(statistics: Statistics) -> Self {
        let database = Postgres::database().await;
        let store = PostgresStore::connect(&database.url()).await.unwrap();
        let (org, other) = (values::org("large"), values::org("other"));
        let busy = values::create(&store, &org).await.0;
        let quiet = values::create(&store, &org).await.0;
        let foreign = values::create(&store, &other).await.0;
        let gone = values::create(&store, &org).await.0;
        values::done(&store, &values::deletion(&gone)).await;
        let writer = values::writer(&store).await;
        for (sequence, key) in (1..).zip([&busy, &quiet, &foreign]) {
            store.record(&values::batch(writer, sequence, key, 1)).await.unwrap();
        }
        let history = Self { database, org, busy: busy.id, quiet: quiet.id, foreign: foreign.id };
        let mut connection = history.connection().await;
        history.tables(&mut connection, "ALTER TABLE {} SET (autovacuum_enabled = false)").await;
        if statistics == Statistics::Old {
            history.tables(&mut connection, "ANALYZE {}").await;
        }
        history.plant(&mut connection, history.busy, "request", SECONDS, 1, false).await;
        history.plant(&mut connection, history.busy, "key.created", RARE, 1, false).await;
        history.plant(&mut connection, history.quiet, "request", 100, SECONDS / 100, false).await;
        history.plant(&mut connection, history.busy, "request", 20, SECONDS / 20, true).await;
        history.plant(&mut connection, history.foreign, "request", SECONDS, 1, false).await;
        history.plant_keys(&mut connection, 20_000).await;
        if statistics == Statistics::Current {
            history.tables(&mut connection, "ANALYZE {}").await;
        }
        history
    }

    pub(super) async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.database.url()).await.unwrap()
    }

    async fn tables(&self, connection: &mut PgConnection, statement: &str) {
        for table in
            ["orgs", "keys", "secrets", "tombstones", "counters", "warnings", "usage", "changes", "audit"]
        {
            let statement = statement.replace("{}", &format!("apikeys_{table}"));
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
        }
    }

    /// Copies the key's event of this action `count` times, at intervals of `every` seconds.
    async fn plant(
        &self,
        connection: &mut PgConnection,
        key: KeyId,
        action: &str,
        count: i64,
        every: i64,
        late: bool,
    ) {
        sqlx::query(
            "INSERT INTO apikeys_audit (org, id, at, late, key, action, actor, method, path, outcome, status, latency_us)
             SELECT a.org, decode(lpad(to_hex($4 + n * $5 * 1000000 + 17), 14, '0')
                    || substr(md5($2 || n::text || $6::text || encode(a.key, 'hex')), 1, 18), 'hex'),
                $4 + n * $5 * 1000000 + 16, $6, a.key, a.action, a.actor, a.method, a.path, a.outcome, a.status,
                a.latency_us
             FROM generate_series(0, $3 - 1) n,
                (SELECT * FROM apikeys_audit WHERE key = $1 AND action = $2 LIMIT 1) a",
        )
        .bind(key.as_bytes().as_slice())
        .bind(action)
        .bind(count)
        .bind(after(0))
        .bind(every)
        .bind(late)
        .execute(connection)
        .await
        .unwrap();
    }

    /// Copies the quiet key with all its rows, for organizations of their own.
    async fn plant_keys(&self, connection: &mut PgConnection, count: i64) {
        let numbered = "decode(lpad(to_hex(n), 32, '0'), 'hex')";
        for statement in [
            "INSERT INTO apikeys_orgs (id, plan, key_count)
             SELECT convert_to('org ' || n, 'UTF8'), 'starter', 1 FROM generate_series(1, $2) n, octet_length($1)",
            "INSERT INTO apikeys_keys SELECT {}, 10 + n, name, display_prefix, active, created_at, created_by,
                expires_at, expiry_set_at, rate_limit, version, settings
             FROM apikeys_keys, generate_series(1, $2) n WHERE id = $1",
            "INSERT INTO apikeys_secrets SELECT scheme, {}, {}, created_at, ends_at
             FROM apikeys_secrets, generate_series(1, $2) n WHERE key = $1",
            "INSERT INTO apikeys_counters SELECT {}, 10 + n, 1, last_used_at
             FROM apikeys_counters, generate_series(1, $2) n WHERE key = $1",
            "INSERT INTO apikeys_warnings SELECT {}, n * 1000, claim, sent_expires_at, sent_period_us
             FROM apikeys_warnings, generate_series(1, $2) n WHERE key = $1",
            "INSERT INTO apikeys_tombstones SELECT substr(sha256({}), 1, 16), 10 + n, 'gone', 'acme_live_0123'
             FROM generate_series(1, $2) n, octet_length($1)",
            "INSERT INTO apikeys_usage SELECT n % 1000 * 3600000000, 10 + n, {}, 1, 0
             FROM generate_series(1, $2) n, octet_length($1)",
            "INSERT INTO apikeys_changes SELECT 100 + n, {}, 'org', NULL
             FROM generate_series(1, $2) n, octet_length($1)",
        ] {
            sqlx::query(AssertSqlSafe(statement.replace("{}", numbered)))
                .bind(self.quiet.as_bytes().as_slice())
                .bind(count)
                .execute(&mut *connection)
                .await
                .unwrap();
        }
    }
}
