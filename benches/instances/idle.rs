//! What an idle instance asks its database. Servers count it themselves. SQLite has no counters, so sqlx logs each
//! statement, and SQLite calls a function for each transaction that writes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use apikeys_benches::{Line, Result, Target};
use apikeys_core::{ApiKeys, KeyStore};
use apikeys_sqlx_store::{MySqlStore, PostgresStore, SqliteStore};
use sqlx::{
    AssertSqlSafe, Connection, MySqlPool, PgConnection, PgPool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tracing::{Event, Metadata, Subscriber, span};

use crate::{in_server, server};

const TIME: Duration = Duration::from_secs(30);
/// Idle connections of PostgreSQL report what they have done up to ten seconds late.
const SETTLING: Duration = Duration::from_secs(15);

/// What a database counts: statements or transactions, and of these the writes, or the rows that they wrote.
#[derive(Debug, Clone, Copy)]
struct Counted {
    reads: i64,
    writes: i64,
}

/// Counts the statements that sqlx logs.
#[derive(Debug, Clone, Default)]
struct Statements(Arc<AtomicI64>);

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

pub(crate) async fn sqlite() -> Result<()> {
    let statements = Statements::default();
    // SQLite's connections have threads of their own.
    tracing::subscriber::set_global_default(statements.clone())?;
    let writes = Arc::new(AtomicI64::new(0));
    let folder = tempfile::tempdir()?;
    // The settings of `SqliteStore::connect`, but with the log of statements.
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("keys.db"))
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new().test_before_acquire(false).max_connections(8);
    let counted = Arc::clone(&writes);
    let pool = pool.after_connect(move |connection, _| {
        let counted = Arc::clone(&counted);
        Box::pin(async move {
            connection.lock_handle().await?.set_commit_hook(move || {
                counted.fetch_add(1, Ordering::SeqCst);
                true
            });
            Ok(())
        })
    });
    let store = SqliteStore::new(pool.connect_with(options).await?);
    store.migrate().await?;
    let count = async || {
        let counted =
            Counted { reads: statements.0.load(Ordering::SeqCst), writes: writes.load(Ordering::SeqCst) };
        // The migration and the registration of the instance were counted.
        if counted.reads > 1 && counted.writes > 1 { Ok(counted) } else { Err("nothing is counted".into()) }
    };
    measure("SQLite", ["statements, by the log of sqlx", "writes, by SQLite's commit hook"], store, count)
        .await
}

pub(crate) async fn postgres() -> Result<()> {
    let url = server("APIKEYS_TEST_POSTGRES_URL")?;
    let name = format!("idle_{}", std::process::id());
    let pool = PgPool::connect(&url).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).execute(&pool).await?;
    let url = in_server(&url, &name);
    let store = PostgresStore::connect(&url).await?;
    // Each statement of an idle instance is a transaction of its own.
    let count = async || {
        let transactions = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1";
        let reads = sqlx::query_scalar(transactions).bind(&name).fetch_one(&pool).await?;
        // Only a connection to the database sees its tables. PostgreSQL itself may write to other tables.
        let rows = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables";
        let writes = sqlx::query_scalar(rows).fetch_one(&mut PgConnection::connect(&url).await?).await?;
        Ok(Counted { reads, writes })
    };
    measure("PostgreSQL", ["statements", "writes"], store, count).await
}

pub(crate) async fn mysql() -> Result<()> {
    let url = server("APIKEYS_TEST_MYSQL_URL")?;
    let name = format!("idle_{}", std::process::id());
    let pool = MySqlPool::connect(&url).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await?;
    let store = MySqlStore::connect(&in_server(&url, &name)).await?;
    // Nothing else uses the server. The statement that reads the counters is no SELECT.
    let count = async || {
        let status = "SHOW GLOBAL STATUS WHERE Variable_name IN
            ('Com_select', 'Com_insert', 'Com_update', 'Com_delete', 'Com_replace', 'Com_insert_select')";
        let rows = sqlx::query_as::<_, (String, String)>(status).fetch_all(&pool).await?;
        let mut counted = Counted { reads: 0, writes: 0 };
        for (variable, value) in rows {
            let value: i64 = value.parse()?;
            if variable == "Com_select" { counted.reads += value } else { counted.writes += value }
        }
        Ok(counted)
    };
    measure("MariaDB", ["statements", "writes"], store, count).await
}

/// Measures an instance on the database with this name. The counted statements and the counted writes have these names.
async fn measure(
    name: &str,
    [of_statements, of_writes]: [&str; 2],
    store: impl KeyStore,
    count: impl AsyncFn() -> Result<Counted>,
) -> Result<()> {
    let (keys, maintenance) = ApiKeys::builder(store).build().await?;
    let running = tokio::spawn(maintenance.run());
    tokio::time::sleep(SETTLING).await;
    let before = count().await?;
    tokio::time::sleep(TIME).await;
    let after = count().await?;
    keys.shutdown().await?;
    running.await?;
    let per_second = |before: i64, after: i64| {
        Ok::<_, std::num::TryFromIntError>(f64::from(i32::try_from(after - before)?) / TIME.as_secs_f64())
    };
    let (reads, writes) = (per_second(before.reads, after.reads)?, per_second(before.writes, after.writes)?);
    let what = format!("an idle instance on {name}");
    println!(
        "{}",
        Line::absolute("P14", format!("{what}, {of_statements}"), reads, "/s", Target::AtMost(4.0))
    );
    println!("{}", Line::absolute("P14", format!("{what}, {of_writes}"), writes, "/s", Target::AtMost(0.0)));
    Ok(())
}
