//! What an idle instance asks its database, as the database counts it.

use std::time::Duration;

use apikeys_benches::{Line, Result, Target};
use apikeys_core::{ApiKeys, KeyStore};
use apikeys_sqlx_store::{MySqlStore, PostgresStore};
use sqlx::{AssertSqlSafe, Connection, MySqlPool, PgConnection, PgPool};

use crate::{in_server, server};

const TIME: Duration = Duration::from_secs(30);
/// Idle connections of PostgreSQL report what they have done up to ten seconds late.
const SETTLING: Duration = Duration::from_secs(15);

/// Reads and written rows since the start of a database.
#[derive(Debug, Clone, Copy)]
struct Counted {
    reads: i64,
    writes: i64,
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
    measure("PostgreSQL", store, count).await
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
    measure("MariaDB", store, count).await
}

async fn measure(name: &str, store: impl KeyStore, count: impl AsyncFn() -> Result<Counted>) -> Result<()> {
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
    println!("{}", Line::absolute("P14", format!("{what}, statements"), reads, "/s", Target::AtMost(4.0)));
    println!("{}", Line::absolute("P14", format!("{what}, writes"), writes, "/s", Target::AtMost(0.0)));
    Ok(())
}
