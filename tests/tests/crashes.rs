//! What is on the audit log after the process was stopped or killed under load.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use apikeys_core::{AuditEvent, RateLimit, audit::Outcome};
use apikeys_tests::{
    Admin, Artifacts, BusyDatabase, Issued, Load, Quickstart, Request, Seen, on_each_framework,
};

const CLIENTS: usize = 8;
const ROUNDS: usize = 4;

/// The keys of the load's clients, each with the highest limit there is.
async fn keys(admin: &Admin) -> Vec<Issued> {
    let limit = RateLimit::per_minute(10_000).unwrap();
    let mut keys = Vec::new();
    for number in 0..CLIENTS {
        keys.push(
            admin.issue("org_enterprise", &format!("client {number}"), |key| key.rate_limit(limit)).await,
        );
    }
    keys
}

/// Logs enough to be worth a search, but not every statement of a load.
async fn start(artifacts: &Artifacts, framework: &str, name: &str, url: &str) -> Quickstart {
    let filter = "trace,sqlx=info,hyper_util=info,mio=info,axum=info";
    Quickstart::start_with(artifacts, framework, name, &[("DATABASE_URL", url), ("RUST_LOG", filter)]).await
}

fn request_id(event: &AuditEvent) -> String {
    event.request().unwrap().meta.request_id().unwrap().to_string()
}

async fn assert_intact(url: &str) {
    use sqlx::{Connection, Row};
    let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
    let row = sqlx::query("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.get::<String, _>(0), "ok");
    connection.close().await.unwrap();
}

/// The counters agree with the log, and no request is on it twice; returns the ids of all.
async fn recorded(admin: &Admin, keys: &[Issued]) -> HashMap<String, AuditEvent> {
    let mut all = HashMap::new();
    for key in keys {
        let events = admin.requests(key).await;
        let view = admin.view(key).await;
        let admitted = events.iter().filter(|event| event.request().unwrap().outcome.is_admitted());
        assert_eq!(admitted.count() as u64, view.request_count, "the count agrees with the log");
        assert_eq!(view.last_used_at, events.iter().map(|event| event.at).max(), "and so does the last use");
        for event in events {
            let twice = all.insert(request_id(&event), event);
            assert!(twice.is_none(), "a request is on the log twice");
        }
    }
    all
}

fn answers(seen: &[Seen]) -> impl Iterator<Item = (&Seen, Instant)> {
    seen.iter().filter_map(|seen| {
        let (at, status) = seen.answer?;
        assert_eq!(status, 200);
        Some((seen, at))
    })
}

/// Commits beside the load, one after the other, and how long the slowest took.
struct Commits {
    task: tokio::task::JoinHandle<Duration>,
    end: Arc<AtomicBool>,
}

impl Commits {
    fn watch(admin: &Admin) -> Self {
        let (admin, end) = (admin.clone(), Arc::new(AtomicBool::new(false)));
        let ended = Arc::clone(&end);
        let task = tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            for plan in ["starter", "professional"].into_iter().cycle() {
                let began = Instant::now();
                admin.set_plan("org_watched", plan).await;
                slowest = slowest.max(began.elapsed());
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            slowest
        });
        Self { task, end }
    }

    /// Until after the one that is under way.
    async fn slowest(self) -> Duration {
        self.end.store(true, Ordering::SeqCst);
        self.task.await.unwrap()
    }
}

/// R45, R46 for `Buffered`: an orderly stop loses nothing.
async fn after_an_orderly_stop_under_load_every_answer_is_on_the_log(framework: &str) {
    let artifacts = Artifacts::new(&format!("orderly-stop-{framework}"));
    let url = artifacts.sqlite_url("keys");
    let admin = Admin::on_sqlite(&url).await;
    admin.set_plan("org_enterprise", "enterprise").await;
    let keys = keys(&admin).await;
    let mut answered = HashSet::new();
    for round in 0..ROUNDS {
        let service = start(&artifacts, framework, &format!("round-{round}"), &url).await;
        let load = Load::start(service.address, &format!("r{round}"), &keys);
        tokio::time::sleep(Duration::from_millis(700 + 150 * round as u64)).await;
        assert!(service.stop().await.success());
        let seen = load.end().await;
        let before = answered.len();
        answered.extend(answers(&seen).map(|(seen, _)| seen.request_id.clone()));
        assert!(answered.len() > before + CLIENTS, "there was no load");

        let log = recorded(&admin, &keys).await;
        let on_log: HashSet<String> = log.keys().cloned().collect();
        let lost: Vec<_> = answered.difference(&on_log).collect();
        let unseen: Vec<_> = on_log.difference(&answered).collect();
        assert!(lost.is_empty(), "answered, but not on the log: {lost:?}");
        assert!(unseen.is_empty(), "on the log, but never answered: {unseen:?}");
        assert!(log.values().all(|event| event.request().unwrap().outcome == Outcome::Answered));
    }
    assert_intact(&url).await;
}

/// R45: what the database did not take while the server was stopping is written before the process
/// ends. Nothing else gets written meanwhile, so that it must be the stop itself.
async fn a_database_that_is_busy_during_the_stop_is_waited_for(framework: &str) {
    let artifacts = Artifacts::new(&format!("busy-stop-{framework}"));
    let url = artifacts.sqlite_url("keys");
    let admin = Admin::on_sqlite(&url).await;
    admin.set_plan("org_enterprise", "enterprise").await;
    let key = admin.issue("org_enterprise", "late", |key| key).await;
    let service = start(&artifacts, framework, "quickstart", &url).await;
    let busy = BusyDatabase::hold(&url).await;
    for _ in 0..20 {
        assert_eq!(service.send(&Request::get("/v1/whoami").bearer(&key.secret)).await.status, 200);
    }
    service.signal("TERM").await;
    // Long enough for the server to have ended.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    busy.release().await;
    assert!(service.ended().await.success());
    assert_eq!(recorded(&admin, &[key]).await.len(), 20);
}

/// R46 for `Buffered`: a killed process loses no more than what was answered since the last flush
/// began, and nothing is counted twice.
async fn after_a_kill_under_load_only_the_last_moments_are_lost(framework: &str) {
    let artifacts = Artifacts::new(&format!("kill-{framework}"));
    let url = artifacts.sqlite_url("keys");
    let admin = Admin::on_sqlite(&url).await;
    admin.set_plan("org_enterprise", "enterprise").await;
    let keys = keys(&admin).await;
    let mut sent = HashSet::new();
    let mut safe = HashSet::new();
    for round in 0..ROUNDS {
        let service = start(&artifacts, framework, &format!("round-{round}"), &url).await;
        let load = Load::start(service.address, &format!("r{round}"), &keys);
        let commits = Commits::watch(&admin);
        tokio::time::sleep(Duration::from_millis(1_500 + 37 * round as u64)).await;
        let killed = Instant::now();
        service.kill().await;
        let slowest = commits.slowest().await;
        artifacts.keep_copy("keys");
        let seen = load.end().await;
        sent.extend(seen.iter().map(|seen| seen.request_id.clone()));
        // What is answered waits for up to one interval, 100 ms, and then for its transaction. One
        // that is under way at the kill is lost as well as the one it kept waiting. How long one
        // takes is the disk's doing: as long as the slowest of those that were watched meanwhile.
        let lost = Duration::from_millis(100) + 2 * slowest.max(Duration::from_millis(300));
        let before = safe.len();
        let safely = answers(&seen).filter(|(_, at)| *at + lost < killed);
        safe.extend(safely.map(|(seen, _)| seen.request_id.clone()));
        assert!(sent.len() > before + CLIENTS, "there was no load");

        assert_intact(&url).await;
        let on_log: HashSet<String> = recorded(&admin, &keys).await.into_keys().collect();
        let lost: Vec<_> = safe.difference(&on_log).collect();
        assert!(lost.is_empty(), "answered long before the kill, but not on the log: {lost:?}");
        assert!(on_log.is_subset(&sent), "the log holds requests that nobody sent");
    }
    assert!(safe.len() > CLIENTS * ROUNDS, "the disk was too slow for anything to be safe");
    // The keys are as good as ever.
    let service = start(&artifacts, framework, "after", &url).await;
    for key in &keys {
        assert_eq!(service.send(&Request::get("/v1/whoami").bearer(&key.secret)).await.status, 200);
    }
    assert!(service.stop().await.success());
}

/// The same in quiet times, when it is the interval that brings a flush about.
async fn after_a_kill_what_was_answered_two_seconds_before_is_on_the_log(framework: &str) {
    let artifacts = Artifacts::new(&format!("quiet-kill-{framework}"));
    let url = artifacts.sqlite_url("keys");
    let admin = Admin::on_sqlite(&url).await;
    admin.set_plan("org_enterprise", "enterprise").await;
    let key = admin.issue("org_enterprise", "quiet", |key| key).await;
    let service = start(&artifacts, framework, "quickstart", &url).await;
    let request = Request::get("/v1/whoami").bearer(&key.secret);
    for _ in 0..20 {
        assert_eq!(service.send(&request).await.status, 200);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..5 {
        assert_eq!(service.send(&request).await.status, 200);
    }
    service.kill().await;
    let recorded = recorded(&admin, &[key]).await.len();
    assert!((20..=25).contains(&recorded), "{recorded}");
}

on_each_framework![
    after_a_kill_what_was_answered_two_seconds_before_is_on_the_log,
    after_an_orderly_stop_under_load_every_answer_is_on_the_log,
    a_database_that_is_busy_during_the_stop_is_waited_for,
    after_a_kill_under_load_only_the_last_moments_are_lost,
];
