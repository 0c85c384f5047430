//! The connections on which PostgreSQL announces changes.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use apikeys_tests::Database;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::{task::JoinHandle, time::sleep};

use crate::{
    fleet::{Fleet, QUARTER, SLACK, artifacts, assert_response},
    rounds,
    times::Times,
};

const ORG: &str = "org_enterprise";
const INSTANCES: usize = 3;
const REVOCATIONS: usize = 24;
/// The rate limit of a key. The test checks that a lost connection does not reset the window of the key.
const LIMIT: u32 = 3;
/// The lowest number of times that the connection of each instance must be killed.
const KILLS: usize = 3;
const PAUSE: Duration = Duration::from_millis(20);

/// Kills all connections that listen, again and again.
struct Killer {
    task: JoinHandle<BTreeMap<String, usize>>,
    stop: Arc<AtomicBool>,
}

impl Killer {
    fn start(database: &str) -> Self {
        let (url, stop) = (database.to_owned(), Arc::<AtomicBool>::default());
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let kill = "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() \
                        AND query LIKE 'LISTEN %' AND pg_terminate_backend(pid)";
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let mut kills = BTreeMap::new();
            while !stopped.load(Ordering::SeqCst) {
                let killed: Vec<String> = sqlx::query_scalar(kill).fetch_all(&mut connection).await.unwrap();
                for instance in killed {
                    *kills.entry(instance).or_default() += 1;
                }
                sleep(PAUSE).await;
            }
            kills
        });
        Self { task, stop }
    }

    /// Returns how often the connection of each instance was killed.
    async fn stop(self) -> BTreeMap<String, usize> {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: run cargo xtask test"]
async fn announced_change_does_not_wait_for_a_poll() {
    let fleet = Fleet::start("announcements", Database::Postgres, INSTANCES).await;
    let mut times = Times::default();
    for number in 0..REVOCATIONS {
        let key = fleet.create(0, ORG, &format!("key {number}")).await;
        fleet.assert_responses(&key, 200, None).await;
        times.measure(fleet.delete(number % INSTANCES, ORG, &key)).await;
        fleet.assert_responses(&key, 401, Some("INVALID_API_KEY")).await;
    }
    fleet.report(&format!("deletions without load: {times}"));
    // Without announcements, a change would wait for the polls of two instances, which takes more than half of the time
    // between two polls on average.
    assert!(times.percentile(50) < QUARTER / 2 && times.longest() <= QUARTER + SLACK, "{times}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: run cargo xtask test"]
async fn lost_announcements_delay_a_change_by_a_quarter_of_the_lease_at_most() {
    let artifacts = artifacts("listener", Database::Postgres);
    let database = Database::Postgres.create(&artifacts).await;
    let urls =
        (0..INSTANCES).map(|instance| format!("{}?application_name=instance-{instance}", database.url()));
    let urls = urls.collect();
    let fleet = Fleet::start_on(artifacts, database, urls).await;
    let limited = fleet.create_limited(0, ORG, "limited", LIMIT).await;
    for instance in fleet.numbers() {
        for _ in 0..LIMIT {
            assert_response(&fleet.call(instance, &limited).await, 200, None);
        }
    }
    let exhausted = Instant::now();
    fleet.assert_responses(&limited, 429, Some("RATE_LIMITED")).await;

    let killer = Killer::start(fleet.database.url());
    let results = rounds::run(&fleet, REVOCATIONS).await;
    fleet.assert_responses(&limited, 429, Some("RATE_LIMITED")).await;
    // After a change of the key, each instance reads the key again and keeps its window.
    fleet.edit(0, ORG, &limited, json!({ "name": "still limited" })).await;
    fleet.assert_responses(&limited, 429, Some("RATE_LIMITED")).await;
    assert!(exhausted.elapsed() < Duration::from_secs(60), "the window has ended");
    let kills = killer.stop().await;
    fleet.report(&format!("deletions: {}", results.deletions));
    fleet.report(&format!("deactivations: {}", results.deactivations));
    fleet.report(&format!("{} responses were checked; killed: {kills:?}", results.checked));
    assert!(kills.len() == INSTANCES && kills.values().all(|kills| *kills >= KILLS), "{kills:?}");
    for times in [&results.deletions, &results.deactivations] {
        assert!(times.longest() <= QUARTER + SLACK, "{times}");
    }
    fleet.assert_keys_in_memory_are_used(fleet.numbers()).await;
    fleet.stop().await;
}
