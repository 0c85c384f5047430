//! Warnings before keys expire, which several processes on one database send, while processes are killed.

use std::{
    collections::BTreeMap,
    env,
    time::{Duration, SystemTime},
};

use apikeys_core::{NewKey, Timestamp, audit::Action, store::AuditQuery};
use apikeys_test_smtp::{Mail, MailServer, Settings};
use apikeys_tests::{Database, Issued, Quickstart};
use tokio::time::sleep;

use crate::{
    kills::{announce, mix, seed},
    scene::Scene,
};

const PROCESSES: u64 = 4;
const KEYS: usize = 200;
const PERIOD: Duration = Duration::from_secs(8);
/// The largest number of warnings that a process sends at the same time, and that its kill can therefore repeat.
const MOST_AT_ONCE: usize = 16;
/// The environment variable that changes the number of rounds.
const ROUNDS: &str = "APIKEYS_WARNING_ROUNDS";

/// In each round, 200 keys are due at the same time, and one of four processes is killed at a random moment. Each
/// warning is sent before its key expires and is recorded once. A warning is sent twice only if the killed process was
/// sending the warning, and then with the same Message-ID.
#[tokio::test]
async fn each_warning_is_sent_and_recorded_once_although_processes_are_killed() {
    let seed = seed();
    announce(seed);
    let rounds = env::var(ROUNDS).map_or(2, |rounds| rounds.parse().unwrap());
    let scene = Scene::new("axum", "warnings", Database::Sqlite).await;
    // Each response of the mail server takes a while, so that kills hit warnings that are being sent.
    let server = MailServer::start(&Settings { delay_ms: 20, ..Settings::default() });
    let mut processes = Vec::new();
    let mut keys = Vec::new();
    for round in 0..rounds {
        while (processes.len() as u64) < PROCESSES {
            processes.push(start(&scene, &server, &format!("{round}-{}", processes.len())).await);
        }
        let expires_at = now().saturating_add(PERIOD + Duration::from_secs(4));
        let due_at = expires_at.saturating_sub(PERIOD);
        let created = create(&scene, round, expires_at).await;
        assert!(now() < due_at, "the keys were not created in time");
        sleep_until(due_at).await;
        sleep(Duration::from_micros(mix(seed, round) % 1_800_000)).await;
        let victim = usize::try_from(mix(seed, 1_000 + round) % PROCESSES).unwrap();
        processes.swap_remove(victim).kill().await;
        wait_until_warned(&scene, &created, expires_at).await;
        keys.extend(created);
    }
    for process in processes {
        assert!(process.stop().await.success());
    }
    let repeated = check(&keys, &server.stop());
    print(&format!("{} keys, {rounds} kills, {repeated} warnings were sent twice", keys.len()));
    assert!(repeated <= MOST_AT_ONCE * usize::try_from(rounds).unwrap());
}

async fn start(scene: &Scene, server: &MailServer, name: &str) -> Quickstart {
    let (mails, period) = (server.url(), format!("{}s", PERIOD.as_secs()));
    let environment = [
        ("DATABASE_URL", scene.database.url()),
        ("SMTP_URL", &mails),
        ("EXPIRY_WARNING", &period),
        ("RUST_LOG", "info"),
    ];
    Quickstart::start_with(&scene.artifacts, "axum", name, &environment).await
}

async fn create(scene: &Scene, round: u64, expires_at: Timestamp) -> Vec<Issued> {
    let mut keys = Vec::new();
    for number in 0..KEYS {
        let expires = |key: NewKey| key.expires_at(expires_at);
        keys.push(
            scene.admin.issue("org_enterprise", &format!("round {round}, key {number}"), expires).await,
        );
    }
    keys
}

/// Waits until each key has one event of a sent warning.
async fn wait_until_warned(scene: &Scene, keys: &[Issued], expires_at: Timestamp) {
    loop {
        let waiting = now() < expires_at;
        let mut warned: BTreeMap<_, usize> = BTreeMap::new();
        let mut query = AuditQuery::new(keys[0].org.clone(), 1_000).action(Action::KeyExpiryWarned);
        loop {
            let page = scene.admin.manage("org_enterprise").audit(query.clone()).await.unwrap();
            for entry in page.items {
                *warned.entry(entry.event.key).or_default() += 1;
            }
            if page.next.is_none() {
                break;
            }
            query = query.after(page.next);
        }
        assert!(warned.values().all(|events| *events == 1), "a warning was recorded twice");
        let missing = keys.iter().filter(|key| !warned.contains_key(&Some(key.id))).count();
        if missing == 0 {
            return;
        }
        assert!(waiting, "{missing} of {} keys expired without a warning", keys.len());
        sleep(Duration::from_millis(100)).await;
    }
}

/// Checks that each key has one or two mails with one Message-ID. Returns the number of keys with two mails.
fn check(keys: &[Issued], mails: &[Mail]) -> usize {
    let mut of_keys: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for mail in mails {
        let id = mail.header("Message-ID");
        let key = id.trim_start_matches('<').split('.').next().unwrap();
        of_keys.entry(key.to_owned()).or_default().push(id);
    }
    let mut repeated = 0;
    for key in keys {
        let ids = of_keys.remove(&key.id.to_string()).unwrap_or_default();
        assert!((1..=2).contains(&ids.len()), "{} mails of a key", ids.len());
        assert!(ids.iter().all(|id| *id == ids[0]), "a repeated mail has another Message-ID: {ids:?}");
        repeated += ids.len() - 1;
    }
    assert!(of_keys.is_empty(), "mails of other keys: {of_keys:?}");
    repeated
}

#[expect(clippy::print_stderr, reason = "the figures of the run")]
fn print(figures: &str) {
    eprintln!("{figures}");
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

async fn sleep_until(time: Timestamp) {
    let left = u64::try_from(time.as_micros().saturating_sub(now().as_micros())).unwrap_or(0);
    sleep(Duration::from_micros(left)).await;
}
