use std::time::{Duration, Instant};

use apikeys_benches::{Line, Result, Target, Times};
use apikeys_core::{Actor, ApiKeys, KeyId, NewKey, OrgId, PlanName, RateLimit, RequestMeta};
use apikeys_sqlx_store::PostgresStore;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::{task::JoinSet, time::MissedTickBehavior};

use crate::{in_server, server};

const INSTANCES: usize = 4;
const DELETES: usize = 300;
/// The keys that the other requests use.
const USED: usize = 100;
/// The requests per second that each instance verifies beside the deletions.
pub(crate) const MODEST_LOAD: u32 = 500;
/// A quarter of the default lease, and 50 ms.
const SLOWEST: f64 = 2_000.0 / 4.0 + 50.0;

/// Deletes keys one after the other, each through another instance, while each instance verifies `load` requests a second.
pub(crate) async fn measure(load: u32) -> Result<()> {
    let url = server("APIKEYS_TEST_POSTGRES_URL")?;
    let name = format!("deletes_{load}_{}", std::process::id());
    let pool = PgPool::connect(&url).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).execute(&pool).await?;
    let url = in_server(&url, &name);
    let mut instances = Vec::new();
    let mut running = JoinSet::new();
    for _ in 0..INSTANCES {
        let (keys, maintenance) = ApiKeys::builder(PostgresStore::connect(&url).await?).build().await?;
        running.spawn(async move { maintenance.run().await });
        instances.push(keys);
    }
    let first = instances.first().ok_or("no instance")?;
    let (org, actor) = (OrgId::new("org_1")?, Actor::new("bench")?);
    first.operator(actor.clone()).set_plan(&org, PlanName::new("enterprise")?).await?;
    let mut created = Vec::new();
    for _ in 0..DELETES + USED {
        let new = NewKey::new("CI")?.rate_limit(RateLimit::per_minute(10_000)?);
        let key = first.manage(&org, &actor).create(new).await?;
        created.push((key.key.id(), key.secret.expose().to_owned()));
    }
    let used: Vec<String> = created.split_off(DELETES).into_iter().map(|(_, secret)| secret).collect();
    for keys in &instances {
        for (_, secret) in &created {
            verify(keys, secret).await?;
        }
        if load > 0 {
            running.spawn(requests(keys.clone(), used.clone(), load));
        }
    }
    let mut times = Times::default();
    for (number, (key, secret)) in created.iter().enumerate() {
        let keys = instances.get(number % INSTANCES).ok_or("no instance")?;
        let took = delete(keys, &org, &actor, *key).await?;
        times.add(took);
        let other = instances.get((number + 1) % INSTANCES).ok_or("no instance")?;
        if verify(other, secret).await.is_ok() {
            return Err("a deleted key was admitted".into());
        }
        if load > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    running.shutdown().await;
    for keys in instances {
        keys.shutdown().await?;
    }
    let beside = if load == 0 { "nothing else".to_owned() } else { format!("{load} requests/s on each") };
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    let what = format!("delete with {INSTANCES} instances on PostgreSQL, {beside}");
    let (median, slow) = (millis(times.median()), millis(times.quantile(0.99)));
    println!("{}", Line::absolute("P12", format!("{what}, p50"), median, "ms", Target::AtMost(20.0)));
    println!("{}", Line::absolute("P12", format!("{what}, p99"), slow, "ms", Target::AtMost(SLOWEST)));
    Ok(())
}

async fn delete(keys: &ApiKeys, org: &OrgId, actor: &Actor, key: KeyId) -> Result<Duration> {
    let began = Instant::now();
    keys.manage(org, actor).delete(key).await?;
    Ok(began.elapsed())
}

/// Verifies this number of requests a second, as long as the task runs.
async fn requests(keys: ApiKeys, secrets: Vec<String>, per_second: u32) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for secret in secrets.iter().cycle() {
        ticks.tick().await;
        if let Err(error) = verify(&keys, secret).await {
            eprintln!("a request was denied: {error}");
        }
    }
}

async fn verify(keys: &ApiKeys, secret: &str) -> Result<()> {
    let request = RequestMeta::new("GET", "/v1/items/17").with_user_agent(b"bench/1.0");
    let admission = keys.verify(secret.as_bytes(), request).await.map_err(|denial| format!("{denial:?}"))?;
    admission.finish(200).await.map_err(|denial| format!("{denial:?}").into())
}
