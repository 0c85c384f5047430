//! Every request is on the audit log, and on it once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use apikeys_core::{KeyStore, MemoryStore, RateLimit, audit::Outcome};
use apikeys_sqlx_store::SqliteStore;
use apikeys_tests::{Admin, Artifacts, Connection, InProcess, Issued, Request};
use apikeys_tower::{ApiKeyLayer, Caller};
use axum::{Extension, Router, body::Body, routing::get};
use tokio::sync::Notify;
use tower::ServiceExt;

/// Two routes behind the layer: one that answers, and one that never does. Counts its calls.
fn counting(admin: &Admin, calls: &Arc<AtomicU64>) -> Router {
    let (answering, hanging) = (Arc::clone(calls), Arc::clone(calls));
    let count = |calls: &AtomicU64| calls.fetch_add(1, Ordering::SeqCst);
    Router::new()
        .route("/answers", get(async move |_: Caller| count(&answering).to_string()))
        .route(
            "/hangs",
            get(async move |_: Caller, running: Option<Extension<Arc<Notify>>>| {
                count(&hanging);
                if let Some(Extension(running)) = running {
                    running.notify_one();
                }
                std::future::pending::<String>().await
            }),
        )
        .route_layer(ApiKeyLayer::new(admin.keys().clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_is_on_the_audit_log_as_aborted_once() {
    let artifacts = Artifacts::new("aborted");
    let admin = Admin::on_sqlite(&artifacts.sqlite_url("keys")).await;
    admin.set_plan("org_1", "enterprise").await;
    let key = admin.issue("org_1", "leaver", |key| key).await;
    let calls = Arc::new(AtomicU64::new(0));
    let service = InProcess::start(counting(&admin, &calls)).await;
    for round in 1..=5 {
        let mut connection = Connection::open(service.address).await.unwrap();
        connection.write(&Request::get("/hangs").bearer(&key.secret).to_bytes()).await.unwrap();
        wait_until("the handler runs", || calls.load(Ordering::SeqCst) == round).await;
        drop(connection);
        let admin = &admin;
        let key = &key;
        let mut recorded = 0;
        for _ in 0..500 {
            recorded = admin.requests(key).await.len() as u64;
            if recorded >= round {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(recorded, round);
    }
    for event in admin.requests(&key).await {
        let request = event.request().unwrap();
        assert_eq!((request.outcome, request.status), (Outcome::Aborted, None));
    }
    assert_eq!(admin.view(&key).await.request_count, 5);
    admin.keys().shutdown().await.unwrap();
}

async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came true that {what}");
}

const KEYS: usize = 20;
const REQUESTS: usize = 100_000;
const TASKS: usize = 16;

/// R45: handlers called = events of admitted requests = request counts, after 10^5 requests, some
/// of them aborted by their clients, and an orderly stop. Denied events and their counts = denials.
async fn every_request_is_on_the_log(store: Arc<dyn KeyStore>) {
    let admin = Admin::on(store, |builder| builder).await;
    admin.set_plan("org_1", "enterprise").await;
    let high = RateLimit::per_minute(10_000).unwrap();
    let mut keys = Vec::new();
    for number in 0..KEYS {
        keys.push(admin.issue("org_1", &format!("busy {number}"), |key| key.rate_limit(high)).await);
    }
    // One key in ten requests: it soon meets its limit.
    let limited =
        admin.issue("org_1", "limited", |key| key.rate_limit(RateLimit::per_minute(50).unwrap())).await;
    let calls = Arc::new(AtomicU64::new(0));
    let app = counting(&admin, &calls);
    let keys = Arc::new(keys);
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(press(app.clone(), Arc::clone(&keys), limited.clone(), task)))
        .collect();
    let (mut answered, mut aborted, mut denied) = (0, 0, 0);
    for task in tasks {
        let (a, b, c) = task.await.unwrap();
        (answered, aborted, denied) = (answered + a, aborted + b, denied + c);
    }
    admin.keys().shutdown().await.unwrap();
    assert_eq!(answered + aborted + denied, REQUESTS as u64);
    assert!(aborted > 500 && denied > 5_000, "{answered} {aborted} {denied}");
    assert_eq!(calls.load(Ordering::SeqCst), answered + aborted, "handlers called");

    let (mut on_log, mut count) = ([0_u64; 3], 0);
    for key in keys.iter().chain([&limited]) {
        count += admin.view(key).await.request_count;
        for event in admin.requests(key).await {
            let request = event.request().unwrap();
            let place = match request.outcome {
                Outcome::Answered => 0,
                Outcome::Aborted => 1,
                Outcome::Denied => 2,
                other => panic!("{other:?}"),
            };
            on_log[place] += u64::from(request.requests());
        }
    }
    assert_eq!(on_log, [answered, aborted, denied]);
    assert_eq!(count, answered + aborted);
}

/// Sends a task's share, one after the other; leaves some of them while the handler runs.
async fn press(app: Router, keys: Arc<Vec<Issued>>, limited: Issued, task: usize) -> (u64, u64, u64) {
    let (mut answered, mut aborted, mut denied) = (0, 0, 0);
    for number in 0..REQUESTS / TASKS {
        let leave = number % 97 == 0;
        let key = if number % 10 == 0 && !leave { &limited } else { &keys[(task + number) % KEYS] };
        let path = if leave { "/hangs" } else { "/answers" };
        let request = http::Request::get(path)
            .header("authorization", format!("Bearer {}", key.secret))
            .body(Body::empty())
            .unwrap();
        if leave {
            let running = Arc::new(Notify::new());
            let mut request = request;
            request.extensions_mut().insert(Arc::clone(&running));
            tokio::select! {
                response = app.clone().oneshot(request) => panic!("it hangs for ever, but: {response:?}"),
                () = running.notified() => aborted += 1,
            }
            continue;
        }
        let response = app.clone().oneshot(request);
        match response.await.unwrap().status().as_u16() {
            200 => answered += 1,
            429 => denied += 1,
            other => panic!("{other}"),
        }
    }
    (answered, aborted, denied)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_requests_are_on_the_log_of_the_store_in_memory() {
    let _artifacts = Artifacts::with_log("all-in-memory", "info,apikeys_core=trace");
    every_request_is_on_the_log(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_requests_are_on_the_log_of_sqlite() {
    let artifacts = Artifacts::with_log("all-on-sqlite", "info,apikeys_core=trace");
    let store = SqliteStore::connect(&artifacts.sqlite_url("keys")).await.unwrap();
    every_request_is_on_the_log(Arc::new(store)).await;
}
