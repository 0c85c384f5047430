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

/// Rounds for each framework.
const ROUNDS: u64 = 10;
/// Answers that a round needs before the kill, each of them old enough to be on the log.
const ANSWERS: usize = 50;
/// The variable that repeats a run's kill points.
const SEED: &str = "APIKEYS_CRASH_SEED";

/// What a round showed.
struct Round {
    /// Requests that clients sent.
    sent: HashSet<String>,
    /// Requests that are on the log.
    on_log: HashSet<String>,
}

/// A killed process loses no more than what was answered since the last flush began, and counts
/// nothing twice.
async fn kill_at_a_random_moment_loses_only_what_the_last_flush_had_not_written(framework: &str) {
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
    // Later kills took nothing from earlier rounds, and the keys still work.
    let on_log: HashSet<String> = scene.recorded(&keys).await.into_keys().collect();
    assert!(all.is_subset(&on_log));
    let service = scene.start("after").await;
    for key in &keys {
        assert_eq!(service.send(&Request::get("/v1/whoami").bearer(&key.secret)).await.status, 200);
    }
    assert!(service.stop().await.success());
}

/// Kills the quickstart under load, `delay` after enough answers are safe. Returns `None` if so few
/// of them were safe that the round shows nothing.
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

/// Without further requests, the interval alone brings the flush about.
async fn kill_in_quiet_times_keeps_what_an_interval_had_written(framework: &str) {
    let scene = Scene::new(framework, "quiet-kill").await;
    let key = [scene.admin.issue("org_enterprise", "quiet", |key| key).await];
    let service = scene.start("quickstart").await;
    let request = Request::get("/v1/whoami").bearer(&key[0].secret);
    for _ in 0..20 {
        assert_eq!(service.send(&request).await.status, 200);
    }
    let quiet = Instant::now();
    // The log and the counters are compared only when the service is dead: two reads beside a flush
    // may see them before and after.
    while scene.admin.view(&key[0]).await.request_count() < 20 {
        assert!(quiet.elapsed() < Duration::from_secs(20), "nothing is written in quiet times");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..5 {
        assert_eq!(service.send(&request).await.status, 200);
    }
    service.kill().await;
    let recorded = scene.recorded(&key).await.len();
    assert!((20..=25).contains(&recorded), "{recorded} of 25 requests are on the log");
}

/// Decides the moments of the kills: the one that is given, or a new one.
fn seed() -> u64 {
    match env::var(SEED) {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => u64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos()).unwrap(),
    }
}

#[expect(clippy::print_stderr, reason = "a failed run can be repeated with its seed")]
fn announce(seed: u64) {
    eprintln!("{SEED}={seed} repeats these kill points");
}

/// One number for each seed and round (splitmix64).
fn mix(seed: u64, round: u64) -> u64 {
    let mut z = seed.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

on_each_framework![
    kill_at_a_random_moment_loses_only_what_the_last_flush_had_not_written,
    kill_in_quiet_times_keeps_what_an_interval_had_written,
];
