use apikeys_benches::Result;
use apikeys_core::{audit::AuditEvent, token::Locator};
use apikeys_sqlx_store::MySqlStore;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _, MySql, QueryBuilder,
    mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions},
};

use crate::{Compared, server};

pub(crate) struct OnMySql {
    store: MySqlStore,
    pub(crate) pool: MySqlPool,
}

impl OnMySql {
    /// Creates a database in the server of `APIKEYS_TEST_MYSQL_URL`.
    pub(crate) async fn open() -> Result<Self> {
        let url = server("APIKEYS_TEST_MYSQL_URL")?;
        let name = format!("bench_{}", std::process::id());
        MySqlPool::connect(&url).await?.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
        let base = url.rsplit_once('/').map_or(url.as_str(), |(base, _)| base);
        let url = format!("{base}/{name}");
        let store = MySqlStore::connect(&url).await?;
        let options = url.parse::<MySqlConnectOptions>()?.disable_statement_logging();
        let pool = MySqlPoolOptions::new()
            .test_before_acquire(false)
            .max_connections(8)
            .connect_with(options)
            .await?;
        pool.execute("CREATE TABLE raw_audit LIKE apikeys_audit").await?;
        Ok(Self { store, pool })
    }
}

impl Compared for OnMySql {
    type Store = MySqlStore;

    const NAME: &'static str = "MariaDB";

    fn store(&self) -> &MySqlStore {
        &self.store
    }

    async fn select(&self, locator: &Locator) -> Result<bool> {
        let query =
            sqlx::query("SELECT `key`, created_at FROM apikeys_secrets WHERE scheme = ? AND locator = ?");
        let query = query.bind(locator.scheme().to_string()).bind(locator.as_bytes());
        Ok(query.fetch_optional(&self.pool).await?.is_some())
    }

    async fn insert(&self, events: &[AuditEvent]) -> Result<()> {
        let mut query: QueryBuilder<MySql> = QueryBuilder::new(
            "INSERT INTO raw_audit (org, id, at, late, `key`, action, method, path, outcome, latency_us, user_agent) ",
        );
        query.push_values(events, |mut row, event| {
            row.push_bind(1_i64)
                .push_bind(event.id.as_bytes().to_vec())
                .push_bind(event.at.as_micros())
                .push_bind(false)
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
