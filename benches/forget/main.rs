//! `cargo xtask bench forget` measures how long it takes to forget a large organization while another organization
//! sends requests, and how much slower these requests become.
//!
//! The engine creates the keys of the large organization. SQL statements write its events, as if the keys had been used
//! for half an hour.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod timed;

use std::{
    env,
    error::Error,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use apikeys_core::{
    Actor, ApiKeys, NewKey, OrgId, PlanName, RateLimit, RequestMeta, conformance::faults::InterceptedStore,
};
use apikeys_sqlx_store::SqliteStore;
use sqlx::{Connection, Row, SqliteConnection};

use self::timed::Timed;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const EVENTS: i64 = 4_000_000;
const KEYS: i64 = 500;
const REQUESTS_PER_SECOND: usize = 2_000;
/// The number of keys of the other organization. Each key has a limit of 10,000 requests a minute.
const CLIENTS: usize = 20;
const BASELINE: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    let events = match env::args().nth(1).as_deref() {
        None => Ok(EVENTS),
        Some("--quick") => Ok(EVENTS / 20),
        Some(_) => Err("usage: bench-forget [--quick]".into()),
    };
    let done = events.and_then(|events| {
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(events))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(events: i64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("keys.db").display());
    let flushes = Times::default();
    let store = Timed::new(SqliteStore::connect(&url).await?, Arc::clone(&flushes));
    let store = InterceptedStore::new(store);
    let (keys, maintenance) = ApiKeys::builder(store).build().await?;
    let maintained = tokio::spawn(maintenance.run());

    let (large, other) = (OrgId::new("large")?, OrgId::new("other")?);
    let mut secrets = Vec::new();
    for (org, number) in [(&large, usize::try_from(KEYS)?), (&other, CLIENTS)] {
        keys.operator(Actor::new("bench")?).set_plan(org, PlanName::new("enterprise")?).await?;
        secrets.clear();
        for _ in 0..number {
            let new = NewKey::new("CI")?.rate_limit(RateLimit::per_minute(10_000)?);
            let created = keys.manage(org, Actor::new("bench")?).create(new).await?;
            let secret = created.secret.expose().to_owned();
            let verified = keys.verify(secret.as_bytes(), RequestMeta::new("GET", "/v1/items")).await;
            let admission = verified.map_err(|denial| format!("a request was denied: {denial:?}"))?;
            admission.finish(200).await.map_err(|denial| format!("a request failed: {denial:?}"))?;
            secrets.push(secret);
        }
    }
    keys.flush().await?;
    let mut beside = SqliteConnection::connect(&url).await?;
    plant(&mut beside, events).await?;
    let before = rows(&mut beside).await?;
    println!("{events} events and {KEYS} keys, beside {REQUESTS_PER_SECOND} requests a second");

    let verifications = Times::default();
    let (over, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = secrets
        .into_iter()
        .map(|secret| {
            let client = Client {
                keys: keys.clone(),
                secret,
                times: Arc::clone(&verifications),
                over: Arc::clone(&over),
                refused: Arc::clone(&refused),
            };
            tokio::spawn(client.run())
        })
        .collect();
    tokio::time::sleep(BASELINE).await;
    report("before", &verifications, &flushes, &refused);

    let began = Instant::now();
    let forgotten = keys.operator(Actor::new("bench")?).forget(&large).await;
    let after = began.elapsed();
    println!("forget returned after {after:?}: {}", if forgotten.is_ok() { "done" } else { "failed" });
    report("until it returned", &verifications, &flushes, &refused);
    let purged = loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if is_purged(&mut beside).await? {
            break true;
        }
        if forgotten.is_err() || began.elapsed() > LONGEST {
            break false;
        }
    };
    let left = rows(&mut beside).await?;
    println!(
        "purged: {purged}, after {:?}; events of all organizations: {before}, then {left}",
        began.elapsed()
    );
    report("until the purge was complete", &verifications, &flushes, &refused);
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await?;
    }
    keys.shutdown().await?;
    maintained.await?;
    Ok(())
}

/// Copies the request of each key of the organization to the seconds before the request.
async fn plant(connection: &mut SqliteConnection, events: i64) -> Result<()> {
    for text in [
        "PRAGMA synchronous = OFF",
        "PRAGMA cache_size = -200000",
        "BEGIN IMMEDIATE",
        "CREATE TEMP TABLE templates AS SELECT row_number() OVER () - 1 AS number, * FROM apikeys_audit
         WHERE action = 'request' AND org = (SELECT org FROM apikeys_audit ORDER BY event LIMIT 1)",
        "CREATE UNIQUE INDEX temp.templates_by_number ON templates (number)",
    ] {
        sqlx::query(text).execute(&mut *connection).await?;
    }
    let keys: i64 =
        sqlx::query("SELECT count(*) FROM templates").fetch_one(&mut *connection).await?.try_get(0)?;
    for text in [
        "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?1)
         INSERT INTO apikeys_audit (org, id, at, late, key, action, method, path, outcome, status, latency_us, ip, user_agent, request_id)
         SELECT t.org, unhex(printf('%014x%s', t.at - (?1 - n) * 500, hex(randomblob(9)))), t.at - (?1 - n) * 500 - 10,
            0, t.key, t.action, t.method, t.path, t.outcome, t.status, t.latency_us, '203.0.113.7', 'bench/1.0', t.request_id
         FROM numbers CROSS JOIN templates t ON t.number = n % ?2",
        "WITH RECURSIVE seconds (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seconds WHERE n + 1 < ?1 * 500 >> 20)
         INSERT OR IGNORE INTO apikeys_audit_spans (key, first, last)
         SELECT t.key, unhex(printf('%014x', ((t.at >> 20) - n) << 20)),
            unhex(printf('%014xffffffffffffffffff', (((t.at >> 20) - n + 1) << 20) - 1))
         FROM templates t CROSS JOIN seconds WHERE ?2 > 0",
    ] {
        sqlx::query(text).bind(events).bind(keys).execute(&mut *connection).await?;
    }
    for text in ["COMMIT", "DROP TABLE temp.templates", "PRAGMA wal_checkpoint(TRUNCATE)"] {
        sqlx::query(text).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn rows(connection: &mut SqliteConnection) -> Result<i64> {
    Ok(sqlx::query("SELECT count(*) FROM apikeys_audit").fetch_one(connection).await?.try_get(0)?)
}

async fn is_purged(connection: &mut SqliteConnection) -> Result<bool> {
    let left = sqlx::query("SELECT count(*) FROM apikeys_forgotten").fetch_one(connection).await?;
    Ok(left.try_get::<i64, _>(0)? == 0)
}

/// Sends the requests of one client at their due times.
struct Client {
    keys: ApiKeys,
    secret: String,
    times: Times,
    over: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
}

impl Client {
    async fn run(self) {
        let every = Duration::from_secs(1) * u32::try_from(CLIENTS).unwrap_or(1)
            / u32::try_from(REQUESTS_PER_SECOND).unwrap_or(1);
        let mut due = tokio::time::interval(every);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        while !self.over.load(Ordering::Relaxed) {
            due.tick().await;
            let began = Instant::now();
            let verified =
                self.keys.verify(self.secret.as_bytes(), RequestMeta::new("GET", "/v1/items")).await;
            push(&self.times, began.elapsed());
            let finished = match verified {
                Ok(admission) => admission.finish(200).await.is_ok(),
                Err(_) => false,
            };
            if !finished {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Durations that were measured since the last report.
type Times = Arc<Mutex<Vec<Duration>>>;

fn push(times: &Times, time: Duration) {
    times.lock().unwrap_or_else(PoisonError::into_inner).push(time);
}

fn report(when: &str, verifications: &Times, flushes: &Times, refused: &AtomicU64) {
    println!("  {when}: refused {}", refused.swap(0, Ordering::Relaxed));
    for (what, times) in [("verification", verifications), ("flush", flushes)] {
        let mut times = std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner));
        times.sort();
        let at = |share: usize| {
            times.get((times.len().saturating_sub(1)) * share / 100).copied().unwrap_or_default()
        };
        println!(
            "    {what}: {} times, p50 {:?}, p99 {:?}, longest {:?}",
            times.len(),
            at(50),
            at(99),
            at(100)
        );
    }
}
