use std::{collections::HashSet, time::Duration};

use apikeys_core::audit::Outcome;
use apikeys_tests::{BusyDatabase, Database, Load, Request, on_each_framework};

use crate::scene::{Scene, answers, answers_reach, secrets};

const ROUNDS: u64 = 4;
/// The number of responses that a round needs before the stop.
const ANSWERS: usize = 100;

async fn orderly_stop_under_load_records_exactly_the_answered_requests(framework: &str) {
    stop_under_load(framework, Database::Sqlite).await;
}

async fn orderly_stop_under_load_records_exactly_the_answered_requests_in_postgres(framework: &str) {
    stop_under_load(framework, Database::Postgres).await;
}

async fn stop_under_load(framework: &str, database: Database) {
    let scene = Scene::new(framework, "orderly-stop", database).await;
    for round in 0..ROUNDS {
        let name = format!("round-{round}");
        let keys = scene.keys(&name).await;
        let service = scene.start(&name).await;
        let load = Load::start(service.address, &name, secrets(&keys));
        answers_reach(&load, ANSWERS).await;
        tokio::time::sleep(Duration::from_millis(70 * round)).await;
        assert!(service.stop().await.success());
        let seen = load.end().await;
        let answered: HashSet<String> = answers(&seen).map(|(id, _)| id.to_owned()).collect();
        assert!(answered.len() >= ANSWERS, "{} answers", answered.len());

        let log = scene.recorded(&keys).await;
        let on_log: HashSet<String> = log.keys().cloned().collect();
        let lost: Vec<_> = answered.difference(&on_log).collect();
        let unseen: Vec<_> = on_log.difference(&answered).collect();
        assert!(lost.is_empty(), "answered, but not on the log: {lost:?}");
        assert!(unseen.is_empty(), "on the log, but never answered: {unseen:?}");
        assert!(log.values().all(|event| event.request().unwrap().outcome == Outcome::Answered));
    }
    scene.database.assert_intact().await;
}

/// The other framework is tested on PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: run cargo xtask test"]
async fn orderly_stop_under_load_records_exactly_the_answered_requests_in_mysql() {
    stop_under_load("actix", Database::MySql).await;
}

async fn stop_waits_for_a_busy_database_and_then_records_every_request(framework: &str) {
    stop_while_busy(framework, Database::Sqlite).await;
}

async fn stop_waits_for_a_busy_postgres_database_and_then_records_every_request(framework: &str) {
    stop_while_busy(framework, Database::Postgres).await;
}

/// The database is locked until the service has been asked to stop, so only the stop can write the events.
async fn stop_while_busy(framework: &str, database: Database) {
    let scene = Scene::new(framework, "busy-stop", database).await;
    let key = scene.admin.issue("org_enterprise", "late", |key| key).await;
    let mut service = scene.start("quickstart").await;
    let busy = BusyDatabase::hold(scene.database.url()).await;
    for _ in 0..20 {
        assert_eq!(service.send(&Request::get("/v1/whoami").bearer(&key.secret)).await.status, 200);
    }
    service.signal("TERM").await;
    // A server that does not wait for the database would end in this time.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(service.is_running(), "the process ended without recording its requests");
    busy.release().await;
    assert!(service.ended().await.success());
    assert_eq!(scene.recorded(&[key]).await.len(), 20);
}

on_each_framework![
    orderly_stop_under_load_records_exactly_the_answered_requests,
    #[ignore = "needs a server: run cargo xtask test"]
    orderly_stop_under_load_records_exactly_the_answered_requests_in_postgres,
    #[ignore = "needs a server: run cargo xtask test"]
    stop_waits_for_a_busy_postgres_database_and_then_records_every_request,
    stop_waits_for_a_busy_database_and_then_records_every_request,
];
