//! A database that answers slowly.

use std::time::{Duration, Instant};

use apikeys_test_network::FaultyNetwork;
use apikeys_tests::Database;
use tokio::time::sleep;

use crate::{
    callers::call,
    fleet::{Fleet, LEASE, artifacts, assert_response},
    on_each_server,
    times::Times,
};

const ORG: &str = "org_enterprise";
/// The delay of each direction.
///
/// No request waits for the database if the instance always gets its next answer before its lease ends. The lease
/// counts from the beginning of a poll, and the next poll begins a quarter of the lease after the answer. So an answer
/// must take less than 3/8 of the lease, which is 750 ms with the default lease. If answers take longer, such as one
/// second, each lease ends before the next answer, and requests in between wait for the database.
const DELAY: Duration = Duration::from_millis(250);

async fn slow_database_delays_no_request_with_a_key_in_memory(database: Database) {
    let artifacts = artifacts("slow", database);
    let database = database.create(&artifacts).await;
    let network = FaultyNetwork::before(database.url());
    let url = network.url(database.url());
    let fleet = Fleet::start_on(artifacts, database, vec![url]).await;
    let used = fleet.create(0, ORG, "used").await;
    let unused = fleet.create(0, ORG, "unused").await;
    fleet.assert_keys_in_memory_are_used([0]).await;
    assert_response(&fleet.call(0, &used).await, 200, None);

    network.delay(DELAY);
    let load = call(&fleet, 0, "used", [&used, &used]);
    let began = Instant::now();
    assert_response(&fleet.call(0, &unused).await, 200, None);
    let read = began.elapsed();
    assert!(read >= 2 * DELAY, "a key is read from the database in {read:?}");
    // The lease is extended several times.
    sleep(3 * LEASE).await;
    let seen = load.stop().await;
    let mut times = Times::default();
    for seen in &seen {
        let (answered, status) = seen.answer.unwrap();
        assert_eq!(status, 200);
        times.add(answered - seen.sent);
    }
    fleet.report(&format!("requests with a key in memory: {times}; with another key: {read:?}"));
    assert!(seen.len() > 100, "{} requests", seen.len());
    assert!(times.percentile(99) < DELAY / 2, "{times}");
    assert!(times.longest() < 2 * DELAY, "a request has waited for the database: {times}");
    network.delay(Duration::ZERO);
    fleet.stop().await;
}

on_each_server![slow_database_delays_no_request_with_a_key_in_memory];
