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
use apikeys_tests::{Admin, Artifacts, Connection, Database, InProcess, Issued, Request, on_each_framework};
use apikeys_tower::ApiKeyLayer;
use axum::{Router, http::HeaderMap, routing::get};

/// The ids of the requests that a handler was called with.
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

/// Serves two routes that need a key: `/answers` responds, and `/hangs` never responds.
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

/// Sends a request to `/hangs`, and closes the connection when the handler was called.
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

/// Waits until `wanted` requests of a key are recorded, for at most 5 seconds. Returns the number of recorded requests.
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

// With this number of keys, a million requests a minute exceed only the limit of the key `limited`.
const KEYS: usize = 200;
const CLIENTS: usize = 16;

/// The number of requests: 100,000, or the value of the environment variable `TRAIL_REQUESTS`. A million requests take
/// seven minutes: `TRAIL_REQUESTS=1000000 cargo nextest run -p apikeys-tests --test trail --profile long`.
fn requests() -> usize {
    std::env::var("TRAIL_REQUESTS").map_or(100_000, |text| text.parse().unwrap())
}

/// Sends many requests and stops the engine in order. Clients leave during some requests. The number of handler calls
/// must equal the number of admitted requests on the audit log and in the keys' counters. The denials on the audit log
/// must equal the denied requests.
async fn assert_every_request_is_recorded(framework: &str, store: Arc<dyn KeyStore>) {
    let admin = Admin::on(store, |builder| builder).await;
    admin.set_plan("org_1", "enterprise").await;
    let high = RateLimit::per_minute(10_000).unwrap();
    let mut keys = Vec::new();
    for number in 0..KEYS {
        keys.push(admin.issue("org_1", &format!("busy {number}"), |key| key.rate_limit(high)).await);
    }
    // Every tenth request uses this key, so the key soon reaches its limit.
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
    // The shutdown waits until the server has noticed which clients left.
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

/// Sends the requests of one client, one after the other. The client leaves some of them while the handler runs.
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
    assert_every_request_is_recorded(framework, Arc::new(MemoryStore::new())).await;
}

async fn every_request_is_recorded_in_sqlite(framework: &str) {
    let artifacts = Artifacts::with_log(&format!("all-on-sqlite-{framework}"), "info,apikeys_core=debug");
    let store = SqliteStore::connect(&artifacts.sqlite_url("keys")).await.unwrap();
    assert_every_request_is_recorded(framework, Arc::new(store)).await;
}

async fn every_request_is_recorded_in_postgres(framework: &str) {
    let artifacts = Artifacts::with_log(&format!("all-on-postgres-{framework}"), "info,apikeys_core=debug");
    let database = Database::Postgres.create(&artifacts).await;
    assert_every_request_is_recorded(framework, database.connect().await).await;
}

async fn every_request_is_recorded_in_mysql(framework: &str) {
    let artifacts = Artifacts::with_log(&format!("all-on-mysql-{framework}"), "info,apikeys_core=debug");
    let database = Database::MySql.create(&artifacts).await;
    assert_every_request_is_recorded(framework, database.connect().await).await;
}

on_each_framework![
    #[ignore = "needs a server: run cargo xtask test"]
    every_request_is_recorded_in_mysql,
    request_of_a_client_that_leaves_is_recorded_as_aborted_once,
    every_request_is_recorded_in_memory,
    #[ignore = "needs a server: run cargo xtask test"]
    every_request_is_recorded_in_postgres,
    every_request_is_recorded_in_sqlite,
];
