//! Every request is recorded exactly once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{HttpRequest, web};
use apikeys_actix::ApiKeyMiddleware;
use apikeys_core::{KeyStore, MemoryStore, RateLimit, audit::Outcome};
use apikeys_sqlx_store::SqliteStore;
use apikeys_tests::{Admin, Artifacts, Connection, InProcess, Issued, Request, on_each_framework};
use apikeys_tower::ApiKeyLayer;
use axum::{Router, http::HeaderMap, routing::get};

/// The requests that a handler was called with, by their ids.
#[derive(Debug, Clone, Default)]
struct Calls(Arc<Mutex<HashSet<String>>>);

impl Calls {
    fn note(&self, id: &[u8]) {
        let new = self.0.lock().unwrap().insert(String::from_utf8(id.to_vec()).unwrap());
        assert!(new, "a handler is called twice for a request");
    }

    fn count(&self) -> u64 {
        self.0.lock().unwrap().len() as u64
    }

    async fn once_called_with(&self, id: &str) {
        for _ in 0..10_000 {
            if self.0.lock().unwrap().contains(id) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("no handler is called with {id}");
    }
}

const REQUEST_ID: &str = "x-request-id";

/// Two routes behind keys: `/answers`, and `/hangs`, which never does.
async fn serve(framework: &str, admin: &Admin, calls: &Calls) -> InProcess {
    let (answering, hanging) = (calls.clone(), calls.clone());
    match framework {
        "axum" => {
            let answers = async move |headers: HeaderMap| answering.note(headers[REQUEST_ID].as_bytes());
            let hangs = async move |headers: HeaderMap| {
                hanging.note(headers[REQUEST_ID].as_bytes());
                std::future::pending::<()>().await;
            };
            let routes = Router::new().route("/answers", get(answers)).route("/hangs", get(hangs));
            InProcess::axum(routes.route_layer(ApiKeyLayer::new(admin.keys().clone()))).await
        }
        "actix" => {
            let id = |request: &HttpRequest| request.headers().get(REQUEST_ID).unwrap().clone();
            let answers = move |request: HttpRequest| {
                answering.note(id(&request).as_bytes());
                async { "" }
            };
            let hangs = move |request: HttpRequest| {
                hanging.note(id(&request).as_bytes());
                std::future::pending::<String>()
            };
            let keys = ApiKeyMiddleware::new(admin.keys().clone());
            InProcess::actix(move |app| {
                app.service(web::resource("/answers").wrap(keys.clone()).get(answers.clone()))
                    .service(web::resource("/hangs").wrap(keys.clone()).get(hangs.clone()));
            })
        }
        other => panic!("no such framework: {other}"),
    }
}

/// Sends a request that is never answered, and leaves once its handler is called.
async fn leave(address: SocketAddr, key: &Issued, id: &str, calls: &Calls) {
    let mut connection = Connection::open(address).await.unwrap();
    let request = Request::get("/hangs").bearer(&key.secret).line(REQUEST_ID, id);
    connection.write(&request.to_bytes()).await.unwrap();
    calls.once_called_with(id).await;
}

async fn request_of_a_client_that_leaves_is_recorded_as_aborted_once(framework: &str) {
    let artifacts = Artifacts::new(&format!("aborted-{framework}"));
    let admin = Admin::on_sqlite(&artifacts.sqlite_url("keys")).await;
    admin.set_plan("org_1", "enterprise").await;
    let key = admin.issue("org_1", "leaver", |key| key).await;
    let calls = Calls::default();
    let service = serve(framework, &admin, &calls).await;
    for round in 1..=5 {
        leave(service.address, &key, &format!("round {round}"), &calls).await;
        assert_eq!(once_there_are(&admin, &key, round).await, round);
    }
    for event in admin.requests(&key).await {
        let request = event.request().unwrap();
        assert_eq!((&request.outcome, request.status), (&Outcome::Aborted, None));
    }
    assert_eq!(admin.view(&key).await.request_count(), 5);
    admin.keys().shutdown().await.unwrap();
}

/// How many requests of a key are on the log, when there are `wanted` or have not been for long.
async fn once_there_are(admin: &Admin, key: &Issued, wanted: usize) -> usize {
    let mut recorded = 0;
    for _ in 0..500 {
        recorded = admin.requests(key).await.len();
        if recorded >= wanted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    recorded
}

// So many that a million requests a minute meet no limit but the one that is meant.
const KEYS: usize = 200;
const CLIENTS: usize = 16;

/// 10^5, or what `TRAIL_REQUESTS` says. A million, in seven minutes: `TRAIL_REQUESTS=1000000 cargo
/// nextest run -p apikeys-tests --test trail --profile long`.
fn requests() -> usize {
    std::env::var("TRAIL_REQUESTS").map_or(100_000, |text| text.parse().unwrap())
}

/// Handlers called = events of admitted requests = request counts, after many requests, some
/// of them aborted by their clients, and an orderly stop. Denied events and their counts = denials.
async fn every_request_is_on_the_log(framework: &str, store: Arc<dyn KeyStore>) {
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
    let calls = Calls::default();
    let service = serve(framework, &admin, &calls).await;
    let keys = Arc::new(keys);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            tokio::spawn(press(service.address, Arc::clone(&keys), limited.clone(), calls.clone(), client))
        })
        .collect();
    let (mut answered, mut aborted, mut denied) = (0, 0, 0);
    for client in clients {
        let (a, b, c) = client.await.unwrap();
        (answered, aborted, denied) = (answered + a, aborted + b, denied + c);
    }
    // It waits for those whose clients have left until the server has noticed.
    admin.keys().shutdown().await.unwrap();
    assert_eq!(answered + aborted + denied, (requests() / CLIENTS * CLIENTS) as u64);
    assert!(aborted > 500 && denied > 5_000, "{answered} {aborted} {denied}");
    assert_eq!(calls.count(), answered + aborted, "handlers called");

    let (mut on_log, mut count) = ([0_u64; 3], 0);
    for key in keys.iter().chain([&limited]) {
        count += admin.view(key).await.request_count();
        for event in admin.requests(key).await {
            let request = event.request().unwrap();
            let place = match &request.outcome {
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

/// Sends a client's share, one after the other; leaves some of them while the handler runs.
async fn press(
    address: SocketAddr,
    keys: Arc<Vec<Issued>>,
    limited: Issued,
    calls: Calls,
    client: usize,
) -> (u64, u64, u64) {
    let (mut answered, mut aborted, mut denied) = (0, 0, 0);
    let mut connection = Connection::open(address).await.unwrap();
    for number in 0..requests() / CLIENTS {
        let id = format!("{client}:{number}");
        if number % 97 == 0 {
            leave(address, &keys[(client + number) % KEYS], &id, &calls).await;
            aborted += 1;
            continue;
        }
        let key = if number % 10 == 0 { &limited } else { &keys[(client + number) % KEYS] };
        let request = Request::get("/answers").bearer(&key.secret).line(REQUEST_ID, &id);
        match connection.send(&request).await.unwrap().status {
            200 => answered += 1,
            429 => denied += 1,
            other => panic!("{other}"),
        }
    }
    (answered, aborted, denied)
}

async fn every_request_is_recorded_in_memory(framework: &str) {
    let _artifacts = Artifacts::with_log(&format!("all-in-memory-{framework}"), "info,apikeys_core=debug");
    every_request_is_on_the_log(framework, Arc::new(MemoryStore::new())).await;
}

async fn every_request_is_recorded_in_sqlite(framework: &str) {
    let artifacts = Artifacts::with_log(&format!("all-on-sqlite-{framework}"), "info,apikeys_core=debug");
    let store = SqliteStore::connect(&artifacts.sqlite_url("keys")).await.unwrap();
    every_request_is_on_the_log(framework, Arc::new(store)).await;
}

on_each_framework![
    request_of_a_client_that_leaves_is_recorded_as_aborted_once,
    every_request_is_recorded_in_memory,
    every_request_is_recorded_in_sqlite,
];
