use std::fmt::Debug;

use apikeys_sqlx_store::{MySqlStore, apikeys_core::store::StoreResult};
use apikeys_test_servers::MySql;
use sqlx::{
    AssertSqlSafe, Connection, Executor, MySqlConnection, Row, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
    mysql::MySqlPoolOptions,
};

use crate::database::Server;

pub(crate) struct OnMySql;

impl Server for OnMySql {
    type Store = MySqlStore;
    type Driver = MySql;
    type Beside = MySqlConnection;

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
        "apikeys_audit_rare",
        "apikeys_audit_late",
    ];

    const INTEGER: &'static str = "SIGNED";

    const DUPLICATE: &'static str = "1062";
    const SHARES_POOL: bool = false;

    const WAITING: &'static str = "SELECT count(*) FROM information_schema.processlist
        WHERE db = database() AND state LIKE 'Waiting for table%'";

    const RUNNING: &'static str = "SELECT count(*) FROM information_schema.processlist
        WHERE db = database() AND id <> connection_id() AND command IN ('Query', 'Execute')";

    async fn connect(url: &str) -> StoreResult<MySqlStore> {
        MySqlStore::connect(url).await
    }

    async fn on_busy_pool(url: &str, connections: u32) -> (MySqlStore, Box<dyn Send + Debug>) {
        let pool = MySqlPoolOptions::new().max_connections(connections).connect(url).await.unwrap();
        let store = MySqlStore::new(pool.clone());
        store.migrate().await.unwrap();
        let mut held = Vec::new();
        for _ in 0..connections {
            held.push(pool.acquire().await.unwrap());
        }
        (store, Box::new(held))
    }

    async fn beside(url: &str) -> MySqlConnection {
        MySqlConnection::connect(url).await.unwrap()
    }

    async fn run(beside: &mut MySqlConnection, statement: &str) {
        beside.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    }

    async fn number(beside: &mut MySqlConnection, query: &str) -> i64 {
        sqlx::query(AssertSqlSafe(query.to_owned())).fetch_one(beside).await.unwrap().get(0)
    }

    async fn everything(beside: &mut MySqlConnection) -> Vec<String> {
        let mut all = Vec::new();
        for table in Self::TABLES {
            let columns = "SELECT CAST(group_concat('ifnull(hex(`', column_name, '`), ''NULL'')') AS CHAR)
                FROM information_schema.columns WHERE table_schema = database() AND table_name = ?";
            raise_limit(beside).await;
            let columns = sqlx::query(columns).bind(*table).fetch_one(&mut *beside).await.unwrap();
            let columns: String = columns.get(0);
            let text = format!("SELECT concat_ws(',', {columns}) FROM {table} ORDER BY 1");
            let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&mut *beside).await.unwrap();
            all.extend(rows.iter().map(|row| format!("{table}: {}", row.get::<String, _>(0))));
        }
        all
    }

    async fn break_statement(beside: &mut MySqlConnection, table: &str, statement: &str) {
        // 4025 is MariaDB's number of a failed check of a value.
        let text = format!(
            "CREATE TRIGGER broken BEFORE {statement} ON {table} FOR EACH ROW
             SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 4025, MESSAGE_TEXT = 'words of the database'"
        );
        Self::run(beside, &text).await;
    }

    async fn mend(beside: &mut MySqlConnection, _table: &str) {
        Self::run(beside, "DROP TRIGGER broken").await;
    }

    async fn end_connections(beside: &mut MySqlConnection) -> i64 {
        let others = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist
            WHERE db = database() AND id <> connection_id()";
        let rows = sqlx::query(others).fetch_all(&mut *beside).await.unwrap();
        for row in &rows {
            // The connection may have ended in the meantime.
            let _ = beside.execute(AssertSqlSafe(format!("KILL {}", row.get::<i64, _>(0)))).await;
        }
        i64::try_from(rows.len()).unwrap()
    }

    async fn migrate_service(url: &str) {
        let mut connection = Self::beside(url).await;
        let text = "CREATE TABLE invoices (id BIGINT PRIMARY KEY)".into_sql_str();
        let migration = Migration::new(7, "invoices".into(), MigrationType::Simple, text, false);
        // With `run`, the compiler cannot prove that this future is `Send`.
        Migrator::with_migrations(vec![migration]).run_direct(None, &mut connection, false).await.unwrap();
    }

    async fn lock(beside: &mut MySqlConnection, table: &str) {
        Self::run(beside, &format!("LOCK TABLES {table} WRITE")).await;
    }

    async fn unlock(beside: &mut MySqlConnection) {
        Self::run(beside, "UNLOCK TABLES").await;
    }
}

/// Allows long results of `group_concat`.
async fn raise_limit(beside: &mut MySqlConnection) {
    beside.execute("SET SESSION group_concat_max_len = 100000").await.unwrap();
}
