//! `cargo xtask bench record` measures how many events per second the store records.
//!
//! Each batch has 1,000 events of 1,000 keys. The keys belong to 1 organization or to 1,000 organizations.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use std::{
    error::Error,
    process::ExitCode,
    time::{Duration, Instant},
};

use apikeys_core::{
    Actor, ApiKeys, KeyId, KeyStore, NewKey, OrgId, PlanName, RequestMeta, Timestamp,
    audit::{Action, AuditEvent, Detail, Outcome, RequestRecord},
    id::{EventId, WriterId},
    store::Batch,
};
use apikeys_sqlx_store::SqliteStore;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const KEYS: usize = 1_000;
const BATCHES: u64 = 300;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| {
        runtime.block_on(async {
            for round in 1..=3 {
                for organizations in [1, KEYS] {
                    measure(round, organizations).await?;
                }
            }
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(round: u32, organizations: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::connect(&format!("sqlite:{}", folder.path().join("keys.db").display())).await?;
    let engine = ApiKeys::builder(store.clone()).build().await?.0;
    let mut keys = Vec::new();
    for number in 0..KEYS {
        let org = OrgId::new(format!("org_{:020}", number % organizations))?;
        if number < organizations {
            engine.operator(Actor::new("bench")?).set_plan(&org, PlanName::new("enterprise")?).await?;
        }
        let created = engine.manage(&org, Actor::new("bench")?).create(NewKey::new("CI")?).await?;
        keys.push((org, created.key.id()));
    }
    let writer = WriterId::from_bytes([7; 16]);
    store.open_writer(writer).await?;
    let mut times: Vec<Duration> = Vec::new();
    for sequence in 1..=BATCHES {
        let events = keys.iter().zip(0..).map(|((org, key), number)| event(org, *key, sequence, number));
        let batch = Batch::new(writer, sequence, events.collect());
        let began = Instant::now();
        store.record(&batch).await?;
        times.push(began.elapsed());
    }
    let total: Duration = times.iter().sum();
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let rows = u32::try_from(BATCHES * KEYS as u64).map(f64::from)?;
    println!(
        "round {round}: {organizations} organizations: {:.0} rows a second, median batch {median:?}",
        rows / total.as_secs_f64()
    );
    store.close().await?;
    Ok(())
}

fn event(org: &OrgId, key: KeyId, sequence: u64, number: u64) -> AuditEvent {
    let micros = 1_893_456_000_000_000 + sequence * 100_000 + number;
    let mut id = [7; 16];
    for (byte, from) in id.iter_mut().zip(micros.to_be_bytes().into_iter().skip(1)) {
        *byte = from;
    }
    let at = Timestamp::from_micros(i64::try_from(micros).unwrap_or_default());
    let mut event = AuditEvent::new(EventId::from_bytes(id), at, org.clone(), Action::Request);
    event.key = Some(key);
    let meta = RequestMeta::new("GET", "/v1/items/17").with_user_agent(b"bench/1.0");
    event.detail = Detail::Request(RequestRecord::new(meta, Outcome::Answered, Duration::from_millis(2)));
    event
}
