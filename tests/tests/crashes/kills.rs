use std::{
    collections::HashSet,
    env,
    time::{Duration, Instant, SystemTime},
};

use apikeys_tests::{Admin, Database, Issued, Load, Request, on_each_framework};

use crate::{
    measure::Flushes,
    scene::{Scene, answers, answers_reach, secrets},
};

/// The number of rounds for each framework.
const ROUNDS: u64 = 10;
/// The number of responses before the kill that a round needs. Each must be old enough to be recorded.
const ANSWERS: usize = 50;
/// The environment variable that repeats the kill points of a run.
const SEED: &str = "APIKEYS_CRASH_SEED";

/// The result of a round.
struct Round {
    /// The requests that clients sent.
    sent: HashSet<String>,
    /// The requests that were recorded.
    on_log: HashSet<String>,
}

async fn kill_at_a_random_moment_loses_only_events_after_the_last_flush(framework: &str) {
    kill_at_random_moments(framework, Database::Sqlite).await;
}

async fn kill_at_a_random_moment_loses_only_events_after_the_last_flush_in_postgres(framework: &str) {
    kill_at_random_moments(framework, Database::Postgres).await;
}

/// The other framework is tested on PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: run cargo xtask test"]
async fn kill_at_a_random_moment_loses_only_events_after_the_last_flush_in_mysql() {
    kill_at_random_moments("actix", Database::MySql).await;
}

/// A killed process loses only the requests that were answered last, after the last flush began, and counts no request
/// twice.
async fn kill_at_random_moments(framework: &str, database: Database) {
    let seed = seed();
    announce(seed);
    let scene = Scene::new(framework, "kill", database).await;
    scene.artifacts.leave("rounds.txt", &format!("seed {seed}"));
    let (mut rounds, mut attempts) = (0, 0);
    let (mut keys, mut all) = (Vec::new(), HashSet::new());
    while rounds < ROUNDS {
        attempts += 1;
        assert!(attempts <= 4 * ROUNDS, "seed {seed}: {rounds} of {attempts} rounds had safe answers");
        let name = format!("round-{attempts}");
        let clients = scene.keys(&name).await;
        let delay = Duration::from_micros(mix(seed, attempts) % 400_000);
        let round = kill(&scene, &clients, &name, delay).await;
        keys.extend(clients);
        if let Some(round) = round {
            assert!(round.on_log.is_subset(&round.sent), "seed {seed}: the log holds requests never sent");
            rounds += 1;
            all.extend(round.on_log);
        }
    }
    // The events of earlier rounds are still there, and the keys still work.
    let on_log: HashSet<String> = scene.recorded(&keys).await.into_keys().collect();
    assert!(all.is_subset(&on_log));
    let service = scene.start("after").await;
    for key in &keys {
        assert_eq!(service.send(&Request::get("/v1/whoami").bearer(&key.secret)).await.status, 200);
    }
    assert!(service.stop().await.success());
}

/// Kills the quickstart under load. The kill comes `delay` after enough responses are old enough to be recorded.
/// Returns `None` if the responses were too few.
async fn kill(scene: &Scene, keys: &[Issued], name: &str, delay: Duration) -> Option<Round> {
    let measured = scene.key(&format!("{name} measured")).await;
    let service = scene.start(name).await;
    let load = Load::start(service.address, name, secrets(keys));
    let mut watch = Watch::start(scene, keys, &measured);
    answers_reach(&load, ANSWERS).await;
    watch.wait_until_recorded(&load).await;
    tokio::time::sleep(delay).await;
    let acknowledged = load.answered();
    let killed = Instant::now();
    service.kill().await;
    scene.killed().await;
    let watch = watch.stop().await;
    let seen = load.end().await;
    assert!(acknowledged >= ANSWERS, "{name}: {acknowledged} answers before the kill");

    let on_log: HashSet<String> = scene.recorded(keys).await.into_keys().collect();
    let mut answers: Vec<_> = answers(&seen).collect();
    answers.sort_unstable_by_key(|(_, at)| *at);
    let safe = match watch {
        Watched::Tolerance(tolerance) => answers.partition_point(|(_, at)| *at + tolerance < killed),
        Watched::Recorded(requests) => {
            assert!(on_log.len() >= requests, "{name}: {requests} requests had been recorded");
            // Events are recorded in the order in which the responses were given, except those of concurrent requests.
            on_log.len().saturating_sub(keys.len()).min(answers.len())
        }
    };
    let age =
        |at: Option<&(&str, Instant)>| killed.saturating_duration_since(at.map_or(killed, |(_, at)| *at));
    let oldest_lost = answers.iter().position(|(id, _)| !on_log.contains(*id)).unwrap_or(answers.len());
    let summary = format!(
        "{name}: killed after {delay:?}; {} sent, {acknowledged} answered, {safe} safe; the oldest lost \
         answer was given {:?} before the kill, {:?} are tolerated",
        seen.len(),
        age(answers.get(oldest_lost)),
        age(answers.get(safe)),
    );
    scene.artifacts.leave("rounds.txt", &summary);
    assert!(oldest_lost >= safe, "{summary}");
    (safe >= ANSWERS).then(|| Round { sent: seen.into_iter().map(|seen| seen.request_id).collect(), on_log })
}

/// Finds out which responses must be recorded when the service is killed.
enum Watch {
    /// In a SQLite file, those that are older than flushes take.
    Flushes(Flushes),
    /// On a server, the time of the service's flushes cannot be measured by others, which the server executes at the same
    /// time. What was recorded once must stay, and only the last responses may be missing.
    Recorded { admin: Admin, keys: Vec<Issued>, requests: usize },
}

/// The result of a [`Watch`].
enum Watched {
    /// The longest time between a response and its event.
    Tolerance(Duration),
    /// The number of requests that were recorded before the kill.
    Recorded(usize),
}

impl Watch {
    fn start(scene: &Scene, keys: &[Issued], measured: &Issued) -> Self {
        match scene.database.kind() {
            Database::Sqlite => Self::Flushes(Flushes::measure(&scene.admin, measured)),
            _ => Self::Recorded { admin: scene.admin.clone(), keys: keys.to_vec(), requests: 0 },
        }
    }

    /// Waits until the responses so far must be recorded.
    async fn wait_until_recorded(&mut self, load: &Load) {
        let (began, answered) = (Instant::now(), load.answered());
        loop {
            let is_recorded = match self {
                Self::Flushes(flushes) => began.elapsed() >= flushes.tolerance(),
                Self::Recorded { admin, keys, requests } => {
                    *requests = recorded_requests(admin, keys).await;
                    *requests >= answered + keys.len()
                }
            };
            if is_recorded {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{answered} requests are not recorded");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop(self) -> Watched {
        match self {
            Self::Flushes(flushes) => Watched::Tolerance(flushes.finish().await),
            Self::Recorded { requests, .. } => Watched::Recorded(requests),
        }
    }
}

/// Returns the sum of the counters of keys.
async fn recorded_requests(admin: &Admin, keys: &[Issued]) -> usize {
    let mut requests = 0;
    for key in keys {
        requests += usize::try_from(admin.view(key).await.request_count()).unwrap();
    }
    requests
}

/// Without further requests, only the flush interval starts a flush.
async fn kill_without_load_keeps_the_events_of_earlier_intervals(framework: &str) {
    let scene = Scene::new(framework, "quiet-kill", Database::Sqlite).await;
    let key = [scene.admin.issue("org_enterprise", "quiet", |key| key).await];
    let service = scene.start("quickstart").await;
    let request = Request::get("/v1/whoami").bearer(&key[0].secret);
    for _ in 0..20 {
        assert_eq!(service.send(&request).await.status, 200);
    }
    let quiet = Instant::now();
    // The log and the counters are compared only after the service has ended, because a flush between two reads
    // would change them.
    while scene.admin.view(&key[0]).await.request_count() < 20 {
        assert!(quiet.elapsed() < Duration::from_secs(20), "the audit log is not written without load");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..5 {
        assert_eq!(service.send(&request).await.status, 200);
    }
    service.kill().await;
    let recorded = scene.recorded(&key).await.len();
    assert!((20..=25).contains(&recorded), "{recorded} of 25 requests are on the log");
}

/// Returns the seed of the kill points, from the environment or from the time.
pub(crate) fn seed() -> u64 {
    match env::var(SEED) {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => u64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos()).unwrap(),
    }
}

#[expect(clippy::print_stderr, reason = "a failed run can be repeated with its seed")]
pub(crate) fn announce(seed: u64) {
    eprintln!("{SEED}={seed} repeats these kill points");
}

/// Returns a number for a seed and a round (splitmix64).
pub(crate) fn mix(seed: u64, round: u64) -> u64 {
    let mut z = seed.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

on_each_framework![
    kill_at_a_random_moment_loses_only_events_after_the_last_flush,
    #[ignore = "needs a server: run cargo xtask test"]
    kill_at_a_random_moment_loses_only_events_after_the_last_flush_in_postgres,
    kill_without_load_keeps_the_events_of_earlier_intervals,
];
