use std::fmt::Debug;

use apikeys_sqlx_store::{PostgresStore, apikeys_core::store::StoreResult};
use apikeys_test_servers::Postgres;
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, Row, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
    postgres::PgPoolOptions,
};

use crate::database::Server;

pub(crate) struct OnPostgres;

impl Server for OnPostgres {
    type Store = PostgresStore;
    type Driver = Postgres;
    type Beside = PgConnection;

    const TABLES: &'static [&'static str] = &[
        "apikeys_orgs",
        "apikeys_forgotten",
        "apikeys_keys",
        "apikeys_secrets",
        "apikeys_schemes",
        "apikeys_tombstones",
        "apikeys_counters",
        "apikeys_warnings",
        "apikeys_usage",
        "apikeys_state",
        "apikeys_changes",
        "apikeys_deleted_usage",
        "apikeys_writers",
        "apikeys_audit",
    ];

    const INTEGER: &'static str = "bigint";

    const DUPLICATE: &'static str = "23505";
    const SHARES_POOL: bool = true;

    const WAITING: &'static str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock'";

    const RUNNING: &'static str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'";

    async fn connect(url: &str) -> StoreResult<PostgresStore> {
        PostgresStore::connect(url).await
    }

    async fn on_busy_pool(url: &str, connections: u32) -> (PostgresStore, Box<dyn Send + Debug>) {
        let pool = PgPoolOptions::new().max_connections(connections).connect(url).await.unwrap();
        let store = PostgresStore::new(pool.clone());
        store.migrate().await.unwrap();
        let mut held = Vec::new();
        for _ in 0..connections {
            held.push(pool.acquire().await.unwrap());
        }
        (store, Box::new(held))
    }

    async fn beside(url: &str) -> PgConnection {
        PgConnection::connect(url).await.unwrap()
    }

    async fn run(beside: &mut PgConnection, statement: &str) {
        beside.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    }

    async fn number(beside: &mut PgConnection, query: &str) -> i64 {
        sqlx::query(AssertSqlSafe(query.to_owned())).fetch_one(beside).await.unwrap().get(0)
    }

    async fn everything(beside: &mut PgConnection) -> Vec<String> {
        let mut all = Vec::new();
        for table in Self::TABLES {
            let text = format!("SELECT '{table}: ' || t::text FROM {table} t ORDER BY 1");
            let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&mut *beside).await.unwrap();
            all.extend(rows.iter().map(|row| row.get::<String, _>(0)));
        }
        all
    }

    async fn break_statement(beside: &mut PgConnection, table: &str, statement: &str) {
        Self::run(
            beside,
            &format!(
                "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN RAISE EXCEPTION 'words of the database' USING ERRCODE = 'check_violation'; END $$;
                 CREATE TRIGGER broken BEFORE {statement} ON {table} FOR EACH ROW EXECUTE FUNCTION fail()"
            ),
        )
        .await;
    }

    async fn mend(beside: &mut PgConnection, table: &str) {
        Self::run(beside, &format!("DROP TRIGGER broken ON {table}")).await;
    }

    async fn end_connections(beside: &mut PgConnection) -> i64 {
        let query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        Self::number(beside, query).await
    }

    async fn migrate_service(url: &str) {
        let mut connection = Self::beside(url).await;
        let text = "CREATE TABLE invoices (id BIGINT PRIMARY KEY)".into_sql_str();
        let migration = Migration::new(7, "invoices".into(), MigrationType::Simple, text, false);
        // With `run`, the compiler cannot prove that this future is `Send`.
        Migrator::with_migrations(vec![migration]).run_direct(None, &mut connection, false).await.unwrap();
    }

    async fn lock(beside: &mut PgConnection, table: &str) {
        Self::run(beside, &format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await;
    }

    async fn unlock(beside: &mut PgConnection) {
        Self::run(beside, "COMMIT").await;
    }
}
