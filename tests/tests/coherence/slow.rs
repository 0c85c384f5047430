//! Tests of a database that responds slowly.

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
/// The shorter delay, in each direction.
const SHORT: Duration = Duration::from_millis(250);
/// A delay in each direction with which a poll takes longer than a quarter of the lease, so that polls overlap.
const LONG: Duration = Duration::from_millis(500);

async fn slow_database_delays_no_request_with_a_key_in_memory(database: Database) {
    let artifacts = artifacts("slow", database);
    let database = database.create(&artifacts).await;
    let network = FaultyNetwork::before(database.url());
    let url = network.url(database.url());
    let fleet = Fleet::start_on(artifacts, database, vec![url]).await;
    let used = fleet.create(0, ORG, "used").await;
    fleet.assert_keys_in_memory_are_used([0]).await;
    assert_response(&fleet.call(0, &used).await, 200, None);

    for delay in [SHORT, LONG] {
        network.delay(delay);
        let load = call(&fleet, 0, "used", [&used, &used]);
        // The lease is extended several times.
        sleep(4 * LEASE).await;
        let seen = load.stop().await;
        let mut times = Times::default();
        for seen in &seen {
            let (answered, status) = seen.answer.unwrap();
            assert_eq!(status, 200, "{delay:?}");
            times.add(answered - seen.sent);
        }
        fleet.report(&format!("requests with a key in memory and a delay of {delay:?}: {times}"));
        assert!(seen.len() > 100, "{} requests", seen.len());
        assert!(times.percentile(99) < delay / 2, "{delay:?}: {times}");
        assert!(times.longest() < 2 * delay, "a request has waited for the database: {delay:?}: {times}");
    }
    network.delay(Duration::ZERO);
    fleet.stop().await;
}

/// Checks that a delay of this length slows down a request whose key must be read, so that the test above shows
/// something.
async fn slow_database_delays_a_request_with_another_key(database: Database) {
    let artifacts = artifacts("slow-read", database);
    let database = database.create(&artifacts).await;
    let network = FaultyNetwork::before(database.url());
    let url = network.url(database.url());
    let fleet = Fleet::start_on(artifacts, database, vec![url]).await;
    let unused = fleet.create(0, ORG, "unused").await;
    network.delay(SHORT);
    let began = Instant::now();
    assert_response(&fleet.call(0, &unused).await, 200, None);
    assert!(began.elapsed() >= 2 * SHORT, "the key is read from the database");
    network.delay(Duration::ZERO);
    fleet.stop().await;
}

on_each_server![
    slow_database_delays_no_request_with_a_key_in_memory,
    slow_database_delays_a_request_with_another_key
];
