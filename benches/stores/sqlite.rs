use apikeys_benches::Result;
use apikeys_core::{audit::AuditEvent, token::Locator};
use apikeys_sqlx_store::SqliteStore;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _, QueryBuilder, Row as _, Sqlite,
    sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;

use crate::Compared;

pub(crate) struct OnSqlite {
    store: SqliteStore,
    pub(crate) pool: SqlitePool,
    /// One connection for writes, as the store has it. Several would wait for each other's locks.
    pub(crate) writer: SqlitePool,
    _folder: TempDir,
}

impl OnSqlite {
    pub(crate) async fn open() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("keys.db");
        let store = SqliteStore::connect(&format!("sqlite:{}", path.display())).await?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", "-32768")
            .disable_statement_logging();
        let pools = SqlitePoolOptions::new().test_before_acquire(false);
        let writer = pools.clone().max_connections(1).connect_lazy_with(options.clone());
        let pool = pools.max_connections(8).connect_with(options).await?;
        let texts = "SELECT sql FROM sqlite_schema WHERE tbl_name = 'apikeys_audit' AND sql IS NOT NULL ORDER BY type DESC";
        for row in sqlx::query(texts).fetch_all(&pool).await? {
            let text = row.try_get::<String, _>(0)?.replace("apikeys_audit", "raw_audit");
            pool.execute(AssertSqlSafe(text)).await?;
        }
        Ok(Self { store, pool, writer, _folder: folder })
    }
}

impl Compared for OnSqlite {
    type Store = SqliteStore;

    const NAME: &'static str = "SQLite";

    fn store(&self) -> &SqliteStore {
        &self.store
    }

    async fn select(&self, locator: &Locator) -> Result<bool> {
        let query =
            sqlx::query("SELECT key, created_at FROM apikeys_secrets WHERE scheme = ? AND locator = ?");
        let query = query.bind(locator.scheme().to_string()).bind(locator.as_bytes());
        Ok(query.fetch_optional(&self.pool).await?.is_some())
    }

    async fn insert(&self, events: &[AuditEvent]) -> Result<()> {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "INSERT INTO raw_audit (org, id, at, late, key, action, method, path, outcome, latency_us, user_agent) ",
        );
        query.push_values(events, |mut row, event| {
            row.push_bind(1_i64)
                .push_bind(event.id.as_bytes().to_vec())
                .push_bind(event.at.as_micros())
                .push_bind(0_i64)
                .push_bind(event.key.map(|key| key.as_bytes().to_vec()))
                .push_bind("request");
            let request = event.request();
            row.push_bind(request.map(|record| record.meta.method().to_owned()))
                .push_bind(request.map(|record| record.meta.path().to_owned()))
                .push_bind(request.map(|record| record.outcome.as_str().to_owned()))
                .push_bind(2_000_i64)
                .push_bind(request.and_then(|record| record.meta.user_agent().map(str::to_owned)));
        });
        query.build().execute(&self.pool).await?;
        Ok(())
    }
}
