//! Two quickstarts of different frameworks on one database. Each change is made through one of them, while callers send
//! requests to both.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::time::{Duration, Instant};

use apikeys_tests::{
    Artifacts, Database, Load, Quickstart, Request, Response, Seen, TOKEN, contract::Created,
};
use serde_json::json;
use tokio::time::sleep;

const ORG: &str = "org_professional";
const KEYS: &str = "/settings/developer/api/keys";
const ROUNDS: usize = 8;
/// The number of clients of each service. They use one key.
const CLIENTS: usize = 2;
/// The pause of a client after each response. Without it, the clients would soon reach the highest rate limit.
const PAUSE: Duration = Duration::from_millis(5);
/// The number of responses of each service after a change. At least one of them is to a request that began after the
/// change was acknowledged.
const ANSWERS: usize = 4 * CLIENTS;

/// Two services on one database.
struct Two {
    services: [Quickstart; 2],
}

/// A time in which every request that begins and ends in it has one status.
struct Phase {
    change: &'static str,
    status: u16,
    begins: Instant,
    ends: Instant,
}

/// Callers of both services with one key.
struct Callers {
    loads: [Load; 2],
    phases: Vec<Phase>,
}

impl Two {
    async fn start(artifacts: &Artifacts, database: &str) -> Self {
        let environment = [("DATABASE_URL", database), ("ADMIN_TOKEN", TOKEN), ("RUST_LOG", "info")];
        let start = |framework| Quickstart::start_with(artifacts, framework, framework, &environment);
        // Both start at the same time and create the tables.
        let (axum, actix) = tokio::join!(start("axum"), start("actix"));
        Self { services: [axum, actix] }
    }

    /// Sends a call of an administrator to one of the services.
    async fn manage(&self, service: usize, request: Request, status: u16) -> Response {
        let response = self.services[service].send(&request.admin(ORG)).await;
        assert_eq!(response.status, status, "{}", response.text());
        response
    }

    async fn request_count(&self, service: usize, key: &Created) -> u64 {
        let view = self.manage(service, Request::get(format!("{KEYS}/{}", key.id)), 200).await;
        view.json()["request_count"].as_u64().unwrap()
    }

    fn call(&self, name: &str, key: &Created) -> Callers {
        let loads = [0, 1].map(|service| {
            let secrets = std::iter::repeat_n(key.secret.clone(), CLIENTS);
            let name = format!("{name}:{service}");
            Load::start_with_pauses(self.services[service].address, &name, secrets, PAUSE)
        });
        Callers { loads, phases: Vec::new() }
    }
}

impl Callers {
    /// Makes a change, and waits until both services have responded to requests that began afterwards. From then on,
    /// requests have the status `status`.
    async fn after(&mut self, change: &'static str, made: impl Future<Output = Response>, status: u16) {
        self.end_phase();
        made.await;
        let begins = Instant::now();
        let answered = self.loads.each_ref().map(Load::answered);
        for (load, before) in self.loads.iter().zip(answered) {
            while load.answered() < before + ANSWERS {
                assert!(begins.elapsed() < Duration::from_secs(30), "no responses after {change}");
                sleep(Duration::from_millis(1)).await;
            }
        }
        self.phases.push(Phase { change, status, begins, ends: begins });
    }

    fn end_phase(&mut self) {
        if let Some(last) = self.phases.last_mut() {
            last.ends = Instant::now();
        }
    }

    /// Stops the callers and checks all responses. Returns the number of admitted requests of each service.
    async fn stop(mut self) -> [u64; 2] {
        self.end_phase();
        let [axum, actix] = self.loads;
        let seen = [axum.stop().await, actix.stop().await];
        for phase in &self.phases {
            for (service, seen) in seen.iter().enumerate() {
                let within = |seen: &&Seen| seen.sent >= phase.begins && seen.answer.unwrap().0 <= phase.ends;
                let statuses: Vec<_> =
                    seen.iter().filter(within).map(|seen| seen.answer.unwrap().1).collect();
                assert!(!statuses.is_empty(), "no request of service {service} after {}", phase.change);
                let other = statuses.iter().find(|status| **status != phase.status);
                assert_eq!(other, None, "a response of service {service} after {}", phase.change);
            }
        }
        seen.map(|seen| seen.iter().filter(|seen| seen.answer.unwrap().1 == 200).count() as u64)
    }
}

async fn change_through_one_service_applies_to_the_next_request_of_both(database: Database) {
    let artifacts = Artifacts::new(&format!("two-services-{database:?}").to_lowercase());
    let database = database.create(&artifacts).await;
    let two = Two::start(&artifacts, database.url()).await;
    for round in 0..ROUNDS {
        // The services take turns in making the changes.
        let [one, other] = [round % 2, 1 - round % 2];
        let new = json!({ "name": format!("round {round}"), "rate_limit": 10_000 });
        let key = Created::read(&two.manage(one, Request::post(KEYS, "").json(&new), 201).await);
        let whoami = Request::get("/v1/whoami").bearer(&key.secret);
        assert_eq!(two.services[other].send(&whoami).await.status, 200, "the first request with the key");

        let path = format!("{KEYS}/{}", key.id);
        let set_active = |active: bool| {
            let request = Request::new("PATCH", path.clone()).json(&json!({ "active": active }));
            two.manage(one, request, 200)
        };
        let set_plan = |plan: &str| {
            let request = Request::new("PUT", "/demo/plan").json(&json!({ "plan": plan }));
            two.manage(one, request, 204)
        };
        let mut callers = two.call(&format!("changes-{round}"), &key);
        callers.after("the deactivation", set_active(false), 401).await;
        callers.after("the activation", set_active(true), 200).await;
        callers.after("the downgrade", set_plan("free"), 403).await;
        callers.after("the upgrade", set_plan("professional"), 200).await;
        let admitted = callers.stop().await;
        assert!(admitted.iter().all(|admitted| *admitted > 0), "{admitted:?}");
        assert_counted(&two, &key, 1 + admitted[0] + admitted[1]).await;

        let mut callers = two.call(&format!("deletion-{round}"), &key);
        callers.after("nothing", two.manage(one, Request::get(path.clone()), 200), 200).await;
        callers.after("the deletion", two.manage(one, Request::new("DELETE", path), 204), 401).await;
        callers.stop().await;
    }
    for service in two.services {
        assert!(service.stop().await.success());
    }
}

/// Waits until both services have recorded their requests. The count is then the sum of both.
async fn assert_counted(two: &Two, key: &Created, requests: u64) {
    let began = Instant::now();
    while two.request_count(0, key).await < requests && began.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!([two.request_count(0, key).await, two.request_count(1, key).await], [requests; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn change_through_one_service_applies_to_the_next_request_of_both_on_sqlite() {
    change_through_one_service_applies_to_the_next_request_of_both(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: run cargo xtask test"]
async fn change_through_one_service_applies_to_the_next_request_of_both_on_postgres() {
    change_through_one_service_applies_to_the_next_request_of_both(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: run cargo xtask test"]
async fn change_through_one_service_applies_to_the_next_request_of_both_on_mysql() {
    change_through_one_service_applies_to_the_next_request_of_both(Database::MySql).await;
}
