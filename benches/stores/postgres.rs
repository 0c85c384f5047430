use std::sync::atomic::{AtomicU32, Ordering};

use apikeys_benches::Result;
use apikeys_core::{audit::AuditEvent, token::Locator};
use apikeys_sqlx_store::PostgresStore;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use crate::{Compared, server};

/// The number of databases that this process has created.
static OPENED: AtomicU32 = AtomicU32::new(0);

pub(crate) struct OnPostgres {
    pub(crate) store: PostgresStore,
    pub(crate) pool: PgPool,
}

impl OnPostgres {
    /// Creates a database in the server of `APIKEYS_TEST_POSTGRES_URL`.
    pub(crate) async fn open() -> Result<Self> {
        let url = server("APIKEYS_TEST_POSTGRES_URL")?;
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench_{}_{number}", std::process::id());
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        PgPool::connect(&url).await?.execute(AssertSqlSafe(create)).await?;
        let base = url.rsplit_once('/').map_or(url.as_str(), |(base, _)| base);
        let url = format!("{base}/{name}");
        let store = PostgresStore::connect(&url).await?;
        let options = url.parse::<PgConnectOptions>()?.disable_statement_logging();
        let pool =
            PgPoolOptions::new().test_before_acquire(false).max_connections(8).connect_with(options).await?;
        pool.execute("CREATE TABLE raw_audit (LIKE apikeys_audit INCLUDING ALL)").await?;
        Ok(Self { store, pool })
    }
}

impl Compared for OnPostgres {
    type Store = PostgresStore;

    const NAME: &'static str = "PostgreSQL";

    fn store(&self) -> &PostgresStore {
        &self.store
    }

    async fn select(&self, locator: &Locator) -> Result<bool> {
        let query =
            sqlx::query("SELECT key, created_at FROM apikeys_secrets WHERE scheme = $1 AND locator = $2");
        let query = query.bind(locator.scheme().to_string()).bind(locator.as_bytes());
        Ok(query.fetch_optional(&self.pool).await?.is_some())
    }

    async fn insert(&self, events: &[AuditEvent]) -> Result<()> {
        let requests: Vec<_> = events.iter().filter_map(AuditEvent::request).collect();
        let texts = |text: &str| vec![text.to_owned(); events.len()];
        sqlx::query(
            "INSERT INTO raw_audit (org, id, at, late, key, action, method, path, outcome, status, latency_us, user_agent)
             SELECT 1, id, at, false, key, action, method, path, outcome, NULL, latency, agent
             FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::bigint[], $9::text[]) AS e (id, at, key, action, method, path, outcome, latency, agent)",
        )
        .bind(events.iter().map(|event| event.id.as_bytes().as_slice()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.at.as_micros()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.key.map(|key| key.as_bytes().to_vec())).collect::<Vec<_>>())
        .bind(texts("request"))
        .bind(requests.iter().map(|record| record.meta.method()).collect::<Vec<_>>())
        .bind(requests.iter().map(|record| record.meta.path()).collect::<Vec<_>>())
        .bind(requests.iter().map(|record| record.outcome.as_str()).collect::<Vec<_>>())
        .bind(vec![2_000_i64; events.len()])
        .bind(requests.iter().map(|record| record.meta.user_agent()).collect::<Vec<_>>())
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
