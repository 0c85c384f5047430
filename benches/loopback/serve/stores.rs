//! The engines of the services, each with [`KEYS`] keys that admit 10,000 requests a minute.

use std::{
    env,
    io::{BufRead, stdin},
    sync::Arc,
    thread,
};

use apikeys_benches::{Planted, Result, secrets};
use apikeys_core::{
    Actor, ApiKeys, KeyStore, MemoryStore, NewKey, OrgId, PlanName, RateLimit,
    conformance::faults::InterceptedStore,
};
use apikeys_sqlx_store::{PostgresStore, SqliteStore};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};
use tempfile::TempDir;
use tokio::runtime::Handle;

use super::KEYS;
use crate::cores::{OF_SERVERS, move_to};

const COUNT: &str = "SELECT count(*) FROM apikeys_audit WHERE action = 'request'";

/// An engine and the secrets of its keys.
pub(super) struct Stored {
    pub(super) keys: ApiKeys,
    pub(super) secrets: Vec<String>,
    /// The folder of the database, which is kept as long as the service runs.
    _folder: Option<TempDir>,
}

/// Returns an engine with the usual settings, whose store drops all batches.
pub(super) async fn unrecorded() -> Result<Stored> {
    let secrets = secrets(KEYS)?;
    let store = InterceptedStore::new(Planted::new(MemoryStore::new(), &secrets));
    let (keys, maintenance) = ApiKeys::builder(store).build().await?;
    tokio::spawn(maintenance.run());
    Ok(Stored { keys, secrets, _folder: None })
}

/// Returns an engine with a database in a file.
pub(super) async fn sqlite() -> Result<Stored> {
    let folder = TempDir::new()?;
    let url = format!("sqlite:{}", folder.path().join("keys.db").display());
    let stored = with_keys(Arc::new(SqliteStore::connect(&url).await?), Some(folder)).await?;
    let pool = SqlitePool::connect(&url).await?;
    answer(&stored.keys, move || {
        let pool = pool.clone();
        async move { Ok(sqlx::query_scalar(COUNT).fetch_one(&pool).await?) }
    });
    Ok(stored)
}

/// Returns an engine with a database in the server of `APIKEYS_TEST_POSTGRES_URL`, which is moved to the core of the
/// services.
pub(super) async fn postgres() -> Result<Stored> {
    let url = env::var("APIKEYS_TEST_POSTGRES_URL")?;
    let name = format!("bench_{}", std::process::id());
    let server = PgPool::connect(&url).await?;
    let folder: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&server).await?;
    let process = std::fs::read_to_string(format!("{folder}/postmaster.pid"))?;
    move_to(OF_SERVERS, process.lines().next().unwrap_or_default().parse()?)?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).execute(&server).await?;
    let url = format!("{}/{name}", url.rsplit_once('/').map_or(url.as_str(), |(base, _)| base));
    let stored = with_keys(Arc::new(PostgresStore::connect(&url).await?), None).await?;
    let pool = PgPool::connect(&url).await?;
    answer(&stored.keys, move || {
        let pool = pool.clone();
        async move { Ok(sqlx::query_scalar(COUNT).fetch_one(&pool).await?) }
    });
    Ok(stored)
}

async fn with_keys(store: Arc<dyn KeyStore>, folder: Option<TempDir>) -> Result<Stored> {
    let (keys, maintenance) = ApiKeys::builder(store).build().await?;
    tokio::spawn(maintenance.run());
    let org = OrgId::new("org_1")?;
    keys.operator(Actor::new("bench")?).set_plan(&org, PlanName::new("enterprise")?).await?;
    let manage = keys.manage(&org, Actor::new("bench")?);
    let mut secrets = Vec::new();
    for _ in 0..KEYS {
        let new = NewKey::new("bench")?.rate_limit(RateLimit::per_minute(10_000)?);
        secrets.push(manage.create(new).await?.secret.expose().to_owned());
    }
    Ok(Stored { keys, secrets, _folder: folder })
}

/// Answers each line of the standard input with the number of stored requests, after a flush.
fn answer<C, F>(keys: &ApiKeys, count: C)
where
    C: Fn() -> F + Send + 'static,
    F: Future<Output = Result<i64>> + Send,
{
    let (keys, runtime) = (keys.clone(), Handle::current());
    thread::spawn(move || {
        for _ in stdin().lock().lines().map_while(std::result::Result::ok) {
            let stored = runtime.block_on(async {
                keys.flush().await?;
                count().await
            });
            match stored {
                Ok(stored) => println!("{stored}"),
                Err(error) => eprintln!("error: {error}"),
            }
        }
    });
}
