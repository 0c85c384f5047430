//! The database server is killed while a quickstart uses it.

use std::{
    collections::HashSet,
    env,
    time::{Duration, Instant},
};

use apikeys_test_servers::{Engine, PrivateServer};
use apikeys_tests::{
    Database, Issued, Load, Quickstart, Request, Seen, on_each_framework, with_another_body,
};
use tokio::{task::block_in_place, time::sleep};

use crate::{
    changes::{Changes, Changing},
    kills::{announce, mix, seed},
    scene::{Scene, answers_reach, secrets},
};

/// The environment variable that changes the number of rounds for each framework.
const ROUNDS: &str = "APIKEYS_SERVER_KILL_ROUNDS";
/// The number of responses before a kill, and of admitted requests after a restart, that a round needs.
const ANSWERS: usize = 50;
/// The longest time after a restart of the server until all clients are served.
const RECOVERY: Duration = Duration::from_secs(10);
/// An outage after which requests no longer wait for the server. The engine waits 5 seconds.
const LONG: Duration = Duration::from_secs(6);

/// What happened in all rounds.
#[derive(Default)]
struct Seens {
    keys: Vec<Issued>,
    requests: Vec<Seen>,
}

async fn killed_postgres_server_loses_nothing_and_the_service_recovers(framework: &str) {
    kill_the_server(framework, Database::Postgres, Engine::Postgres).await;
}

/// The other framework is tested on PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: run cargo xtask test"]
async fn killed_mysql_server_loses_nothing_and_the_service_recovers() {
    kill_the_server("actix", Database::MySql, Engine::MySql).await;
}

/// In each round, all processes of the server are killed under load, and the server is started again. The service runs
/// all the time, so it can lose nothing: each admitted request is recorded once, and each acknowledged change is stored.
async fn kill_the_server(framework: &str, kind: Database, engine: Engine) {
    let seed = seed();
    announce(seed);
    let rounds = env::var(ROUNDS).map_or(3, |rounds| rounds.parse().unwrap());
    let mut server = block_in_place(|| PrivateServer::start(engine));
    let scene = Scene::in_server(framework, "server-kill", kind, &server).await;
    scene.artifacts.leave("rounds.txt", &format!("seed {seed}"));
    // With the cache, requests would be admitted during the outage until the lease ends. The tests of `coherence` kill
    // servers of services with a cache.
    let service = scene.start_with_cache("quickstart", "off").await;
    let mut changes = Changes::default();
    let mut seen = Seens::default();
    for round in 0..rounds {
        let name = format!("round-{round}");
        let keys = scene.keys(&name).await;
        let load = Load::start(service.address, &name, secrets(&keys));
        let changing = Changing::start(service.address, &name);
        answers_reach(&load, ANSWERS).await;
        sleep(Duration::from_micros(mix(seed, round) % 400_000)).await;

        block_in_place(|| server.kill());
        let killed = Instant::now();
        // Some outages are so short that waiting requests are served after the restart.
        if round % 3 == 0 {
            assert_unavailable(&service, &keys[0]).await;
            sleep(LONG.saturating_sub(killed.elapsed())).await;
        } else {
            sleep(Duration::from_micros(mix(seed, 1_000 + round) % 1_000_000)).await;
        }
        let restarting = Instant::now();
        block_in_place(|| server.restart());
        let recovered = recover(&load).await;

        changes.add(changing.stop().await);
        let requests = load.stop().await;
        let refused = refused_during_outage(&requests, killed, restarting);
        let summary = format!(
            "{name}: an outage of {:?}; {} requests, {refused} refused in the outage; served {recovered:?} after the restart",
            restarting - killed,
            requests.len(),
        );
        scene.artifacts.leave("rounds.txt", &summary);
        assert!(refused > 0 || round % 3 != 0, "seed {seed}: {summary}");
        seen.keys.extend(keys);
        seen.requests.extend(requests);
    }
    changes.assert_acknowledged_keys_work(&service).await;
    assert!(service.stop().await.success());
    assert_recorded(&scene, &seen).await;
    let summary = changes.assert_applied_once(&scene).await;
    scene.artifacts.leave("rounds.txt", &summary);
}

/// Waits until the clients of the load are served. Returns how long that took.
async fn recover(load: &Load) -> Duration {
    let (began, before) = (Instant::now(), load.admitted());
    while load.admitted() < before + ANSWERS {
        assert!(began.elapsed() < RECOVERY, "{} requests were admitted", load.admitted() - before);
        sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

/// Sends requests that need the server: with a valid key, with an unknown key, and by an administrator.
async fn assert_unavailable(service: &Quickstart, key: &Issued) {
    let whoami = |secret: &str| Request::get("/v1/whoami").bearer(secret);
    let (valid, unknown) = (whoami(&key.secret), whoami(&with_another_body(&key.secret)));
    let list = Request::get("/settings/developer/api/keys").admin("org_enterprise");
    let (valid, unknown, list) =
        tokio::join!(service.send(&valid), service.send(&unknown), service.send(&list));
    for (response, code) in [
        (valid, "VERIFICATION_UNAVAILABLE"),
        (unknown, "VERIFICATION_UNAVAILABLE"),
        (list, "MANAGEMENT_UNAVAILABLE"),
    ] {
        assert_eq!((response.status, response.json()["code"].as_str()), (503, Some(code)));
        assert_eq!(response.header("retry-after"), Some("1"));
    }
}

/// Returns the number of requests that were refused before the restart. Panics if a request that began in the outage was
/// admitted before the restart, or if any request of the round has a status other than 200 and 503.
fn refused_during_outage(requests: &[Seen], killed: Instant, restarting: Instant) -> usize {
    let mut refused = 0;
    for seen in requests {
        let (at, status) = seen.answer.expect("the service answers every request");
        assert!([200, 503].contains(&status), "{status}");
        if at <= restarting {
            assert!(status == 503 || seen.sent < killed, "a request was admitted without the server");
            refused += usize::from(status == 503);
        }
    }
    refused
}

/// Panics unless exactly the requests with a response of the handler are recorded, once each.
async fn assert_recorded(scene: &Scene, seen: &Seens) {
    let recorded: HashSet<String> = scene.recorded(&seen.keys).await.into_keys().collect();
    let answered = seen.requests.iter().filter(|seen| seen.answer.is_some_and(|(_, status)| status == 200));
    let answered: HashSet<String> = answered.map(|seen| seen.request_id.clone()).collect();
    let lost: Vec<_> = answered.difference(&recorded).collect();
    let unseen: Vec<_> = recorded.difference(&answered).collect();
    assert!(lost.is_empty(), "answered, but not recorded: {lost:?}");
    assert!(unseen.is_empty(), "recorded, but not answered: {unseen:?}");
}

on_each_framework![
    #[ignore = "needs a server: run cargo xtask test"]
    killed_postgres_server_loses_nothing_and_the_service_recovers,
];
