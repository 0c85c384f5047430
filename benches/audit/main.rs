//! `cargo xtask bench audit` measures how long an audit page of a key with a long history takes, and how long
//! verifications of another organization take while many such pages are read at the same time.
//!
//! SQL statements write the history: a key with events in each of 8 million seconds, which is a quarter of a year. The
//! page has the key's events of an hour in the middle of the history.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use std::{
    env,
    error::Error,
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use apikeys_core::{
    Actor, ApiKeys, KeyId, NewKey, OrgId, PlanName, RateLimit, RequestMeta, Timestamp, store::AuditQuery,
};
use apikeys_sqlx_store::SqliteStore;
use sqlx::{Connection, SqliteConnection};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const SPANS: i64 = 8_000_000;
const PAGES_AT_ONCE: i64 = 16;
const VERIFICATIONS: usize = 1_000;
const BETWEEN: Duration = Duration::from_millis(5);

/// 2026-01-01T00:00:00Z, in microseconds.
const BEGIN: i64 = 1_767_225_600_000_000;
const SECOND: i64 = 1_000_000;

fn main() -> ExitCode {
    let spans = match env::args().nth(1).as_deref() {
        None => Ok(SPANS),
        Some("--quick") => Ok(SPANS / 20),
        Some(_) => Err("usage: bench-audit [--quick]".into()),
    };
    let done = spans.and_then(|spans| {
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(spans))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(spans: i64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("keys.db").display());
    let keys = ApiKeys::builder(SqliteStore::connect(&url).await?).build().await?.0;
    let (large, _) = create(&keys, "large").await?;
    let (_, secret) = create(&keys, "other").await?;
    plant(&url, large, spans).await?;

    println!("a key with events in {spans} seconds; pages of 50 events of one hour");
    let mut alone: Vec<Duration> = Vec::new();
    for round in 0..100 {
        let began = Instant::now();
        page(&keys, large, spans, round).await?;
        alone.push(began.elapsed());
    }
    report("a page alone", &mut alone, 0);
    report("a verification alone", &mut verifications(&keys, secret.as_bytes()).await.0, 0);

    let (over, pages, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let reading = async {
        let one = |number: i64| {
            let (keys, over, pages, failed) = (&keys, &over, &pages, &failed);
            async move {
                for round in number.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let counter = if page(keys, large, spans, round).await.is_ok() { pages } else { failed };
                    counter.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
            }
        };
        futures_util::future::join_all((0..PAGES_AT_ONCE).map(one)).await;
    };
    let verifying = async {
        let verified = verifications(&keys, secret.as_bytes()).await;
        over.store(true, Ordering::Relaxed);
        verified
    };
    let ((), (mut times, refused)) = tokio::join!(reading, verifying);
    report(&format!("a verification beside {PAGES_AT_ONCE} pages"), &mut times, refused);
    println!("pages read meanwhile: {pages:?}, failed: {failed:?}");
    keys.shutdown().await?;
    Ok(())
}

async fn create(keys: &ApiKeys, org: &str) -> Result<(KeyId, String)> {
    let (org, actor) = (OrgId::new(org)?, Actor::new("bench")?);
    keys.operator(&actor).set_plan(&org, PlanName::new("starter")?).await?;
    let new = NewKey::new("CI")?.rate_limit(RateLimit::per_minute(10_000)?);
    let created = keys.manage(&org, &actor).create(new).await?;
    Ok((created.key.id(), created.secret.expose().to_owned()))
}

/// Writes for each second from [`BEGIN`] on that the key has events in that second.
async fn plant(url: &str, key: KeyId, spans: i64) -> Result<()> {
    let mut connection = SqliteConnection::connect(url).await?;
    sqlx::query(
        "WITH RECURSIVE seconds (number) AS (SELECT ?2 >> 20 UNION ALL
            SELECT number + 1 FROM seconds WHERE number < (?2 >> 20) + ?3 - 1)
         INSERT INTO apikeys_audit_spans (key, first, last)
         SELECT ?1, unhex(printf('%014x', number << 20)),
            unhex(printf('%014xffffffffffffffffff', ((number + 1) << 20) - 1)) FROM seconds",
    )
    .bind(key.as_bytes().as_slice())
    .bind(BEGIN)
    .bind(spans)
    .execute(&mut connection)
    .await?;
    connection.close().await?;
    Ok(())
}

/// The first page of the key's events in one hour of the first half of its history.
async fn page(keys: &ApiKeys, key: KeyId, spans: i64, round: i64) -> Result<()> {
    let since = BEGIN + (spans / 10 + round * 60) * SECOND;
    let query = AuditQuery::new(OrgId::new("large")?, 50)
        .key(key)
        .since(Timestamp::from_micros(since))
        .until(Timestamp::from_micros(since + 3_600 * SECOND));
    keys.manage(OrgId::new("large")?, Actor::new("bench")?).audit(query).await?;
    Ok(())
}

async fn verifications(keys: &ApiKeys, secret: &[u8]) -> (Vec<Duration>, usize) {
    let (mut times, mut refused) = (Vec::new(), 0);
    for _ in 0..VERIFICATIONS {
        tokio::time::sleep(BETWEEN).await;
        let began = Instant::now();
        match keys.verify(secret, RequestMeta::new("GET", "/")).await {
            Ok(admission) => {
                times.push(began.elapsed());
                drop(admission);
            }
            Err(_) => {
                times.push(began.elapsed());
                refused += 1;
            }
        }
        if times.iter().sum::<Duration>() > Duration::from_secs(60) {
            break;
        }
    }
    (times, refused)
}

fn report(what: &str, times: &mut [Duration], refused: usize) {
    times.sort();
    let at =
        |share: usize| times.get((times.len().saturating_sub(1)) * share / 100).copied().unwrap_or_default();
    println!(
        "{what}: {} times, p50 {:?}, p99 {:?}, longest {:?}, refused {refused}",
        times.len(),
        at(50),
        at(99),
        at(100)
    );
}
