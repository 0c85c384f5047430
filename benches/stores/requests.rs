//! Requests that are verified and recorded, beside what services often do without a cache: each request reads the row of
//! its key and updates a counter in this row.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use apikeys_benches::{Line, Result, Target, median, number, order, per};
use apikeys_core::{ApiKeys, Clock, SystemClock, token::Locator};
use sha2::{Digest, Sha256};
use sqlx::Executor as _;
use tokio::task::JoinSet;

use crate::{
    compared::{Compared, verify},
    mysql::OnMySql,
    postgres::OnPostgres,
    sqlite::OnSqlite,
    workload::{KEYS, Workload},
};

const ROUNDS: usize = 9;
/// The number of requests at the same time.
const TASKS: usize = 16;
/// The requests of a round with the engine. Its buffer of events has room for twice as many.
const WITH_ENGINE: usize = 50_000;
/// The requests of a round by hand.
const BY_HAND: usize = 5_000;

pub(crate) async fn measure() -> Result<()> {
    compare(OnSqlite::open().await?).await?;
    compare(OnPostgres::open().await?).await?;
    compare(OnMySql::open().await?).await
}

/// Compares the engine with its usual settings with requests by hand on the same database. A round with the engine ends
/// when the database has a row of each request.
async fn compare<D: ByHand>(database: D) -> Result<()> {
    let workload = Workload::new(database.store().clone()).await?;
    database.create(&workload.locators).await?;
    let (keys, maintenance) = ApiKeys::builder(database.store().clone()).build().await?;
    let running = tokio::spawn(maintenance.run());
    let database = Arc::new(database);
    let (mut with_engine, mut by_hand, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    // The first round fills the caches and does not count.
    for round in 0..=ROUNDS {
        let secrets = chosen(&workload.secrets, WITH_ENGINE, round);
        let began = Instant::now();
        in_tasks(&secrets, &keys, |keys, secret| async move { verify(&keys, &secret).await }).await?;
        keys.flush().await?;
        let recorded = rate(began.elapsed(), WITH_ENGINE);

        let secrets = chosen(&workload.secrets, BY_HAND, round);
        let began = Instant::now();
        in_tasks(&secrets, &database, |database, secret| async move { database.request(&secret).await })
            .await?;
        let updated = rate(began.elapsed(), BY_HAND);

        let stored = (database.recorded().await?, database.counted().await?);
        let sent = (i64::try_from(WITH_ENGINE * (round + 1))?, i64::try_from(BY_HAND * (round + 1))?);
        if stored != sent {
            return Err(format!("{sent:?} requests were sent, but {stored:?} stored").into());
        }
        if round > 0 {
            with_engine.push(recorded);
            by_hand.push(updated);
            ratios.push(recorded / updated);
        }
    }
    keys.shutdown().await?;
    running.await?;
    let line = Line::compared(
        "P4a",
        format!("{TASKS} tasks without HTTP, {KEYS} keys, every row stored in {}", D::NAME),
        format!("{}/s", number(median(with_engine))),
        format!("{}/s, SELECT and UPDATE for each request", number(median(by_hand))),
        median(ratios),
        Target::Shown,
    );
    println!("{line}");
    Ok(())
}

/// Returns the secrets of this many requests, in random order.
fn chosen(secrets: &[String], requests: usize, round: usize) -> Vec<String> {
    let places = order(secrets.len(), requests, round).into_iter();
    places.filter_map(|place| secrets.get(place).cloned()).collect()
}

fn rate(time: Duration, requests: usize) -> f64 {
    1e9 / per(time, requests)
}

/// Sends a request with each secret. Each task sends its requests one after the other.
async fn in_tasks<T, F>(secrets: &[String], to: &T, request: fn(T, String) -> F) -> Result<()>
where
    T: Clone + Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for part in secrets.chunks(secrets.len().div_ceil(TASKS)) {
        let (part, to) = (part.to_vec(), to.clone());
        tasks.spawn(async move {
            for secret in part {
                request(to.clone(), secret).await?;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// The table `raw_keys`, as a service could write it by hand: a key is one row, with the digest of its secret, its state
/// and its counter. The connections are as many as the store has for verification, and a commit waits for the disk as the
/// store's do.
trait ByHand: Compared + Send + Sync + 'static {
    /// Creates the table, with a key for each of the digests.
    async fn create(&self, digests: &[Locator]) -> Result<()>;

    /// Reads the key by the unique index, checks it, and updates its counter. Both statements are prepared, and each is a
    /// transaction of its own.
    fn request(&self, secret: &str) -> impl Future<Output = Result<()>> + Send;

    /// Returns the number of requests in the audit log of the store.
    async fn recorded(&self) -> Result<i64>;

    /// Returns the sum of the counters of `raw_keys`.
    async fn counted(&self) -> Result<i64>;
}

macro_rules! by_hand {
    ($database:ty, writes to $writer:ident, id $id:literal, digest $digest:literal, values $first:literal $second:literal) => {
        impl ByHand for $database {
            async fn create(&self, digests: &[Locator]) -> Result<()> {
                let table = concat!(
                    "CREATE TABLE raw_keys (id ", $id, " PRIMARY KEY, digest ", $digest, " NOT NULL UNIQUE,
                         active BOOLEAN NOT NULL, expires_at BIGINT, request_count BIGINT NOT NULL, last_used_at BIGINT)"
                );
                self.pool.execute(table).await?;
                for (id, digest) in (1_i64..).zip(digests) {
                    let insert = concat!(
                        "INSERT INTO raw_keys (id, digest, active, request_count) VALUES (", $first, ", ", $second, ", TRUE, 0)"
                    );
                    sqlx::query(insert).bind(id).bind(digest.as_bytes()).execute(&self.$writer).await?;
                }
                Ok(())
            }

            async fn request(&self, secret: &str) -> Result<()> {
                let digest = Sha256::digest(secret.as_bytes());
                let select = concat!("SELECT id, active, expires_at FROM raw_keys WHERE digest = ", $first);
                let key = sqlx::query_as(select).bind(digest.as_slice()).fetch_optional(&self.pool).await?;
                let (id, active, expires_at): (i64, bool, Option<i64>) = key.ok_or("a secret was not found")?;
                let now = SystemClock::new().wall().as_micros();
                if !active || expires_at.is_some_and(|end| end <= now) {
                    return Err("a key was denied".into());
                }
                let update = concat!(
                    "UPDATE raw_keys SET request_count = request_count + 1, last_used_at = ", $first, " WHERE id = ", $second
                );
                sqlx::query(update).bind(now).bind(id).execute(&self.$writer).await?;
                Ok(())
            }

            async fn recorded(&self) -> Result<i64> {
                let count = "SELECT count(*) FROM apikeys_audit WHERE action = 'request'";
                Ok(sqlx::query_scalar(count).fetch_one(&self.pool).await?)
            }

            async fn counted(&self) -> Result<i64> {
                let counters = sqlx::query_scalar::<_, i64>("SELECT request_count FROM raw_keys");
                Ok(counters.fetch_all(&self.pool).await?.into_iter().sum())
            }
        }
    };
}

by_hand!(OnSqlite, writes to writer, id "INTEGER", digest "BLOB", values "?" "?");
by_hand!(OnPostgres, writes to pool, id "BIGINT", digest "BYTEA", values "$1" "$2");
by_hand!(OnMySql, writes to pool, id "BIGINT", digest "BINARY(32)", values "?" "?");
