use std::{
    collections::HashSet,
    env,
    time::{Duration, Instant, SystemTime},
};

use apikeys_tests::{Issued, Load, Request, on_each_framework};

use crate::{
    measure::Flushes,
    scene::{Scene, answers, answers_reach},
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

/// A killed process loses only requests that were answered after the last flush began, and counts no request twice.
async fn kill_at_a_random_moment_loses_only_events_after_the_last_flush(framework: &str) {
    let seed = seed();
    announce(seed);
    let scene = Scene::new(framework, "kill").await;
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
    let load = Load::start(service.address, name, keys);
    let flushes = Flushes::measure(&scene.admin, &measured);
    answers_reach(&load, ANSWERS).await;
    let enough = Instant::now();
    while enough.elapsed() < flushes.tolerance() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(delay).await;
    let acknowledged = load.answered();
    let killed = Instant::now();
    service.kill().await;
    let tolerance = flushes.finish().await;
    let seen = load.end().await;
    assert!(acknowledged >= ANSWERS, "{name}: {acknowledged} answers before the kill");

    scene.artifacts.keep_copy("keys");
    scene.assert_intact().await;
    let on_log: HashSet<String> = scene.recorded(keys).await.into_keys().collect();
    let age = |at: Instant| killed.saturating_duration_since(at);
    let oldest_lost = answers(&seen)
        .filter(|(id, _)| !on_log.contains(*id))
        .map(|(_, at)| age(at))
        .max()
        .unwrap_or_default();
    let safe = answers(&seen).filter(|(_, at)| age(*at) > tolerance).count();
    let summary = format!(
        "{name}: killed after {delay:?}; {} sent, {acknowledged} answered, {safe} safe; the oldest lost \
         answer was given {oldest_lost:?} before the kill, {tolerance:?} are tolerated",
        seen.len()
    );
    scene.artifacts.leave("rounds.txt", &summary);
    assert!(oldest_lost <= tolerance, "{summary}");
    (safe >= ANSWERS).then(|| Round { sent: seen.into_iter().map(|seen| seen.request_id).collect(), on_log })
}

/// Without further requests, only the flush interval starts a flush.
async fn kill_without_load_keeps_the_events_of_earlier_intervals(framework: &str) {
    let scene = Scene::new(framework, "quiet-kill").await;
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
    kill_without_load_keeps_the_events_of_earlier_intervals,
];
